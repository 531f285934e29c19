package ollama

import (
	"bytes"
	"iter"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeStream implements dialect.Codec. A text or a thought ends where something else begins; calls and images come
// whole. What an event lends (Raw, Extra) is gone with the next one. The last line may lack its end.
func (codec) DecodeStream(frames frame.Seq) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		d := streamDecoder{yield: yield, open: -1}
		for f, err := range frames {
			if err != nil {
				if !d.done {
					yield(llm.Event{}, err)
				}
				return
			}
			if len(f.Data) == 0 || f.Tail && rawjson.Check(f.Data) != nil {
				continue
			}
			if !d.line(f.Data) || d.done {
				return
			}
		}
		if !d.done {
			d.fail(&fault.Fault{Kind: fault.Cut, Origin: fault.There, Message: "the provider's stream ended before the answer did"})
		}
	}
}

// streamDecoder holds what a stream has told so far. Its methods return false when nobody wants more.
type streamDecoder struct {
	yield   func(llm.Event, error) bool
	started bool
	done    bool // End or Fault was sent
	head    []byte
	created []byte       // as it was told first
	open    int          // the part that is open, -1 = none
	kind    llm.PartKind // of it
	opened  int
	called  bool
	calls   int
	extra   llm.Extra // of the answer
	message llm.Extra // of the message
	held    int       // bytes of both
}

func (d *streamDecoder) send(e llm.Event) bool { return d.yield(e, nil) }

func (d *streamDecoder) fail(f *fault.Fault) bool {
	d.done = true
	d.send(llm.Event{Kind: llm.EventFault, Fault: f})
	return false
}

func (d *streamDecoder) line(data []byte) bool {
	if text, ok := d.plainText(data); ok {
		return d.text(llm.PartText, text, nil)
	}
	if err := rawjson.Check(data); err != nil {
		return d.fail(dialect.Garbage("the provider's stream holds a line that is not JSON", err))
	}
	if isError(data) {
		return d.fail(chat{}.ReadFault(0, nil, data))
	}
	var o dialect.Object
	o.Read(data)
	message := o.Take("message")
	if rawjson.Kind(message) != '{' && message != nil || rawjson.Kind(data) != '{' {
		return d.fail(dialect.Garbage("the provider's stream holds a line that is no part of an answer", nil))
	}
	model, created := o.Take("model"), o.Take("created_at")
	if !d.start(model, created) {
		return false
	}
	logs, ok := decodeLogprobs(o.Take("logprobs"))
	if !ok {
		o.Leave("logprobs")
	}
	if !d.content(message, logs, rawjson.Text(created)) {
		return false
	}
	if on, _ := rawjson.Bool(o.Take("done")); on {
		return d.finish(&o, created)
	}
	d.remember(data)
	return d.keep(&d.extra, o.Rest())
}

// start starts the stream with the first line.
func (d *streamDecoder) start(model, created []byte) bool {
	if d.started {
		return true
	}
	d.started, d.created = true, bytes.Clone(created)
	e := llm.Event{Kind: llm.EventStart, From: llm.OllamaChat, Model: rawjson.Text(model), Created: seconds(rawjson.Text(created))}
	if created != nil {
		e.Extra = llm.Extra{"created_at": created}
	}
	return d.send(e)
}

// keep notes members for the end of the stream; the last value counts.
func (d *streamDecoder) keep(to *llm.Extra, x llm.Extra) bool {
	for name, raw := range x {
		if d.held += len(name) + len(raw); d.held > heldMost {
			return d.fail(dialect.Garbage("the provider's stream says too much beside its answer", nil))
		}
		*to = dialect.With(*to, name, bytes.Clone(raw))
	}
	return true
}

// content tells what a line brings of the message.
func (d *streamDecoder) content(message []byte, logs []llm.Logprob, created string) bool {
	var o dialect.Object
	o.Read(message)
	parts, bad := reader{}.assistant(&o, "", func(n int, name, args string) string {
		return answerID("", created)(d.calls+n, name, args)
	})
	if bad != nil {
		return d.fail(dialect.Garbage("the provider's stream holds a message that cannot be read", nil))
	}
	if len(logs) > 0 && !hasText(parts) { // of a piece that is no character yet
		parts = append(parts, llm.Part{Kind: llm.PartText})
	}
	for i := range parts {
		p := &parts[i]
		var ok bool
		switch p.Kind {
		case llm.PartText:
			ok = d.text(p.Kind, p.Text, logs)
		case llm.PartReasoning:
			if ok = d.text(p.Kind, p.Text, nil); hasOnlyThoughts(parts) && len(logs) > 0 {
				ok = ok && d.send(llm.Event{Kind: llm.EventDelta, Index: d.open, Part: llm.Part{Logprobs: logs}})
			}
		default:
			ok = d.whole(p)
		}
		if !ok {
			return false
		}
	}
	if len(parts) == 0 && !d.send(llm.Event{Kind: llm.EventPing}) { // every line shows that the stream lives
		return false
	}
	return d.keep(&d.message, o.Rest())
}

func hasText(parts []llm.Part) bool {
	for i := range parts {
		if k := parts[i].Kind; k == llm.PartText || k == llm.PartReasoning {
			return true
		}
	}
	return false
}

func hasOnlyThoughts(parts []llm.Part) bool {
	for i := range parts {
		if parts[i].Kind == llm.PartText {
			return false
		}
	}
	return true
}

// text grows the open part, or opens one.
func (d *streamDecoder) text(kind llm.PartKind, text string, logs []llm.Logprob) bool {
	if d.open < 0 || d.kind != kind {
		if !d.close() {
			return false
		}
		d.open, d.kind = d.opened, kind
		d.opened++
		if !d.send(llm.Event{Kind: llm.EventOpen, Index: d.open, Part: llm.Part{Kind: kind}}) {
			return false
		}
	}
	return d.send(llm.Event{Kind: llm.EventDelta, Index: d.open, Text: text, Part: llm.Part{Logprobs: logs}})
}

// whole tells a call or an image.
func (d *streamDecoder) whole(p *llm.Part) bool {
	if !d.close() {
		return false
	}
	args := p.Args
	p.Args = ""
	if p.Kind == llm.PartCall {
		d.called = true
		d.calls++
	}
	index := d.opened
	d.opened++
	return d.send(llm.Event{Kind: llm.EventOpen, Index: index, Part: *p}) &&
		(args == "" || d.send(llm.Event{Kind: llm.EventDelta, Index: index, Text: args})) &&
		d.send(llm.Event{Kind: llm.EventClose, Index: index})
}

func (d *streamDecoder) close() bool {
	index := d.open
	d.open = -1
	return index < 0 || d.send(llm.Event{Kind: llm.EventClose, Index: index})
}

// finish ends the stream with its last line.
func (d *streamDecoder) finish(o *dialect.Object, created []byte) bool {
	if !d.close() {
		return false
	}
	if u := takeUsage(o); u != nil && !d.send(llm.Event{Kind: llm.EventUsage, Usage: u}) {
		return false
	}
	stop := decodeStop(rawjson.Text(o.Take("done_reason")), d.called)
	if !d.send(llm.Event{Kind: llm.EventStop, Stop: stop, Extra: d.message}) || !d.keep(&d.extra, o.Rest()) {
		return false
	}
	if created != nil && !bytes.Equal(created, d.created) {
		d.extra = dialect.With(d.extra, "created_at", created)
	}
	d.done = true
	return d.send(llm.Event{Kind: llm.EventEnd, Extra: d.extra})
}
