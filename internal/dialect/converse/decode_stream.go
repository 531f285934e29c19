package converse

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
			if f.Tail {
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
	stopped bool // the Stop was sent
	done    bool // End or Fault was sent
	open    []streamedBlock
	opened  int
	calls   map[string]string
	tier    string
	extra   llm.Extra // of metadata, for End
	held    int       // bytes of blocks being put together
}

func (d *streamDecoder) send(e llm.Event) bool { return d.yield(e, nil) }

// alive tells of a frame that says nothing else.
func (d *streamDecoder) alive() bool { return !d.started || d.send(llm.Event{Kind: llm.EventPing}) }

// note passes on an event that no part holds, in the form of the union it is of: its payload under its name.
func (d *streamDecoder) note(event string, data []byte) bool {
	var w rawjson.Writer
	w.Open('{').Name(event).Raw(data).Close('}')
	return d.ensureStart(nil) && d.send(llm.Event{Kind: llm.EventNote, Raw: w.Buf})
}

func (d *streamDecoder) fail(f *fault.Fault) bool {
	d.done = true
	d.send(llm.Event{Kind: llm.EventFault, Fault: f})
	return false
}

func (d *streamDecoder) frame(f frame.Frame) bool {
	if f.Failed {
		return d.fail(readFault(0, nil, f.Event, f.Data))
	}
	if f.Event == eventDelta {
		if index, text, ok := plainTextDelta(f.Data); ok && text != "" {
			if b := d.find(index); b != nil && b.kind == llm.PartText {
				return d.send(llm.Event{Kind: llm.EventDelta, Index: b.index, Text: text})
			}
		}
	}
	if err := rawjson.Check(f.Data); err != nil {
		return d.fail(dialect.Garbage("the provider's stream holds an event that is not JSON", err))
	}
	if rawjson.Kind(f.Data) != '{' {
		return d.note(f.Event, f.Data)
	}
	var o dialect.Object
	o.Read(f.Data)
	o.Take("p") // padding
	switch f.Event {
	case eventStart:
		o.Take("role")
		if d.started {
			return d.alive()
		}
		return d.ensureStart(o.Rest())
	case eventBlockStart:
		index := d.index(&o)
		return d.ensureStart(nil) && d.blockStart(index, o.Take("start"), f.Data)
	case eventDelta:
		index := d.index(&o)
		return d.ensureStart(nil) && d.blockDelta(index, o.Take("delta"), f.Data)
	case eventBlockStop:
		if index := d.index(&o); d.find(index) != nil {
			return d.close(index)
		}
		return d.alive()
	case eventStop:
		return d.ensureStart(nil) && d.messageStop(&o)
	case eventMetadata:
		return d.ensureStart(nil) && d.metadata(&o)
	case "initial-response":
		return d.alive()
	}
	return d.note(f.Event, f.Data)
}

// index returns the number of the block that an event is about; where it is missing, of the last one.
func (d *streamDecoder) index(o *dialect.Object) int {
	n, ok := rawjson.Int(o.Take("contentBlockIndex"))
	if !ok && len(d.open) > 0 {
		return d.open[len(d.open)-1].wire
	}
	return int(n)
}

// eof ends a stream whose frames have ended: one that told why it stopped is whole.
func (d *streamDecoder) eof() {
	switch {
	case d.done:
	case d.stopped:
		d.finish()
	default:
		d.fail(&fault.Fault{Kind: fault.Cut, Origin: fault.There, Message: "the provider's stream ended before the answer did"})
	}
}

func (d *streamDecoder) ensureStart(extra llm.Extra) bool {
	if d.started {
		return true
	}
	d.started = true
	return d.send(llm.Event{Kind: llm.EventStart, From: llm.BedrockConverse, Extra: extra})
}

func (d *streamDecoder) messageStop(o *dialect.Object) bool {
	if d.stopped {
		return d.alive()
	}
	if !d.closeAll() {
		return false
	}
	e := llm.Event{Kind: llm.EventStop}
	var rest []byte
	e.Stop, rest = decodeStop(o.String("stopReason"), o.Take(responseFields))
	if e.Extra = o.Rest(); rest != nil {
		e.Extra = dialect.With(e.Extra, responseFields, rest)
	}
	d.stopped = true
	return d.send(e) // where metadata came first, the stream is whole when the frames end
}

// metadata is the last event: the usage and what is told of the answer as a whole.
func (d *streamDecoder) metadata(o *dialect.Object) bool {
	usage := o.Take("usage")
	var extra llm.Extra
	o.Sub(&extra, "serviceTier", func(in *dialect.Object) { d.tier = in.String("type") })
	if d.extra == nil {
		d.extra = llm.Extra{}
	}
	for _, x := range [...]llm.Extra{o.Rest(), extra} {
		for name, raw := range x {
			d.extra[name] = bytes.Clone(raw)
		}
	}
	if rawjson.Kind(usage) == '{' {
		u := decodeUsage(usage)
		if !d.send(llm.Event{Kind: llm.EventUsage, Usage: &u}) {
			return false
		}
	} else if !d.alive() {
		return false
	}
	return !d.stopped || d.finish()
}

// finish ends the stream.
func (d *streamDecoder) finish() bool {
	d.done = true
	if len(d.extra) == 0 {
		d.extra = nil
	}
	return d.send(llm.Event{Kind: llm.EventEnd, Extra: d.extra, Tier: d.tier})
}

var (
	textDeltaBegins = []byte(`{"contentBlockIndex":`)
	textDeltaGoesOn = []byte(`,"delta":{"text":`)
	paddingBegins   = []byte(`,"p":"`)
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
	if err != nil || end >= len(rest) || rest[end] != '}' {
		return 0, "", false
	}
	value, after := rest[:end], rest[end+1:]
	if padding, found := bytes.CutPrefix(after, paddingBegins); found {
		end, err = rawjson.SkipString(after, len(paddingBegins)-1)
		if err != nil {
			return 0, "", false
		}
		_, after = padding, after[end:]
	}
	if string(after) != "}" {
		return 0, "", false
	}
	return index, rawjson.Text(value), true
}
