package anthropic

import (
	"bytes"
	"iter"

	"weir/internal/dialect"

	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeStream implements dialect.Codec. What an event lends (Raw, Extra) is gone with the next one.
func (codec) DecodeStream(frames frame.Seq) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		d := streamDecoder{yield: yield}
		for f, err := range frames {
			if err != nil {
				if !d.done {
					yield(llm.Event{}, err)
				}
				return
			}
			if f.Tail || len(f.Data) == 0 {
				continue
			}
			if !d.frame(f) || d.done {
				return
			}
		}
		d.eof()
	}
}

// streamDecoder holds what a stream has told so far. Its methods return false when nobody wants more.
type streamDecoder struct {
	yield   func(llm.Event, error) bool
	started bool
	done    bool // End or Fault was sent
	open    []streamedBlock
	opened  int
	calls   map[string]string
	counts  counts
	tier    string
	stop    llm.Stop
	extra   llm.Extra // of message_delta, for End
	held    int       // bytes of blocks being put together
}

// streamedBlock is a block that has begun and not ended.
type streamedBlock struct {
	wire, index int
	kind        llm.PartKind
	grown       bool     // a delta came
	input       []byte   // of a call's start, in case no delta comes
	seal        llm.Seal // of a thinking block's start, in case no signature_delta comes
	parts       *patchwork
}

func (d *streamDecoder) send(e llm.Event) bool { return d.yield(e, nil) }

func (d *streamDecoder) fail(f *fault.Fault) bool {
	d.done = true
	d.send(llm.Event{Kind: llm.EventFault, Fault: f})
	return false
}

func (d *streamDecoder) frame(f frame.Frame) bool {
	if index, text, ok := plainTextDelta(f.Data); ok {
		if b := d.find(index); b != nil && b.kind == llm.PartText {
			return d.send(llm.Event{Kind: llm.EventDelta, Index: b.index, Text: text})
		}
	}
	if string(bytes.TrimSpace(f.Data)) == "[DONE]" {
		return true // some speakers end with it, after message_stop or without
	}
	if err := rawjson.Check(f.Data); err != nil {
		return d.fail(garbage("the provider's stream holds an event that is not JSON", err))
	}
	switch eventType(f) {
	case "message_start":
		return d.messageStart(f.Data)
	case "content_block_start":
		block := rawjson.Get(f.Data, "content_block")
		index, ok := rawjson.Int(rawjson.Get(f.Data, "index"))
		if !ok {
			index = int64(d.opened)
		}
		return d.ensureStart() && d.blockStart(int(index), block)
	case "content_block_delta":
		return d.ensureStart() && d.blockDelta(f.Data)
	case "content_block_stop":
		if index, ok := rawjson.Int(rawjson.Get(f.Data, "index")); ok {
			return d.close(int(index))
		}
		return d.closeAll()
	case "message_delta":
		return d.ensureStart() && d.messageDelta(f.Data)
	case "message_stop":
		return d.ensureStart() && d.finish()
	case "ping":
		return !d.started || d.send(llm.Event{Kind: llm.EventPing})
	case "error":
		return d.fail(messages{}.ReadFault(0, nil, f.Data))
	}
	if isError(f.Data) {
		return d.fail(messages{}.ReadFault(0, nil, f.Data))
	}
	return !d.started || d.send(llm.Event{Kind: llm.EventNote, Raw: f.Data})
}

// eof ends a stream whose frames have ended without the end mark: one that told why it stopped is whole.
func (d *streamDecoder) eof() {
	if d.done {
		return
	}
	if d.stop.Native != "" {
		d.finish()
		return
	}
	d.fail(&fault.Fault{Kind: fault.Cut, Origin: fault.There, Message: "the provider's stream ended before the answer did"})
}

func (d *streamDecoder) ensureStart() bool {
	if d.started {
		return true
	}
	d.started = true
	return d.send(llm.Event{Kind: llm.EventStart, From: llm.AnthropicMessages})
}

func (d *streamDecoder) messageStart(data []byte) bool {
	var o dialect.Object
	o.Read(rawjson.Get(data, "message"))
	usage, content := o.Take("usage"), o.Take("content")
	if d.started {
		return d.usage(usage) && d.send(llm.Event{Kind: llm.EventNote, Raw: data})
	}
	d.started = true
	start := llm.Event{Kind: llm.EventStart, From: llm.AnthropicMessages, ID: o.String("id"), Model: o.String("model")}
	for _, name := range [...]string{"type", "role", "stop_reason", "stop_sequence", "stop_details"} {
		o.Take(name)
	}
	start.Extra = o.Rest()
	start.Tier = rawjson.Text(rawjson.Get(usage, "service_tier"))
	d.tier = start.Tier
	if !d.send(start) || !d.usage(usage) {
		return false
	}
	for i, e := range rawjson.Elems(content) {
		if !d.blockStart(i, e) || !d.close(i) {
			return false
		}
	}
	return true
}

func (d *streamDecoder) usage(v []byte) bool {
	if rawjson.Kind(v) != '{' {
		return true
	}
	d.counts.take(v)
	u := d.counts.usage()
	return d.send(llm.Event{Kind: llm.EventUsage, Usage: &u})
}

func (d *streamDecoder) messageDelta(data []byte) bool {
	var o dialect.Object
	o.Read(data)
	o.Take("type")
	usage := o.Take("usage")
	var in dialect.Object
	in.Read(o.Take("delta"))
	if word := in.String("stop_reason"); word != "" && d.stop.Native == "" {
		d.stop = decodeStop(word, in.String("stop_sequence"), in.Take("stop_details"))
	}
	in.Take("stop_sequence")
	in.Take("stop_details")
	for _, x := range [...]llm.Extra{in.Rest(), o.Rest()} {
		for name, raw := range x {
			d.extra = dialect.With(d.extra, name, bytes.Clone(raw))
		}
	}
	if usage == nil {
		return d.send(llm.Event{Kind: llm.EventPing}) // every frame shows that the stream lives
	}
	return d.usage(usage)
}

// finish closes what was forgotten and ends the stream.
func (d *streamDecoder) finish() bool {
	if !d.closeAll() {
		return false
	}
	d.done = true
	end := llm.Event{Kind: llm.EventEnd, Extra: d.extra}
	if d.counts.tier != d.tier {
		end.Tier = d.counts.tier
	}
	return d.send(llm.Event{Kind: llm.EventStop, Stop: d.stop}) && d.send(end)
}

var (
	textDeltaBegins = []byte(`{"type":"content_block_delta","index":`)
	textDeltaGoesOn = []byte(`,"delta":{"type":"text_delta","text":`)
)

// plainTextDelta reads the commonest event in the form its provider writes it; ok is false for any other.
func plainTextDelta(data []byte) (index int, text string, ok bool) {
	rest, ok := bytes.CutPrefix(data, textDeltaBegins)
	if !ok {
		return 0, "", false
	}
	digits := 0
	for digits < len(rest) && digits < 6 && rest[digits] >= '0' && rest[digits] <= '9' {
		index = index*10 + int(rest[digits]-'0')
		digits++
	}
	if rest, ok = bytes.CutPrefix(rest[digits:], textDeltaGoesOn); !ok || digits == 0 || len(rest) == 0 || rest[0] != '"' {
		return 0, "", false
	}
	end, err := rawjson.SkipString(rest, 0)
	if err != nil || !closesTwice(rest[end:]) {
		return 0, "", false
	}
	return index, rawjson.Text(rest[:end]), true
}

// closesTwice reports whether b is two closing braces and white space, which this provider pads with.
func closesTwice(b []byte) bool {
	braces := 0
	for _, c := range b {
		switch {
		case c == '}' && braces < 2:
			braces++
		case c != ' ' && c != '\n' && c != '\t' && c != '\r':
			return false
		}
	}
	return braces == 2
}
