package cohere

import (
	"bytes"
	"iter"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeStream implements dialect.Codec. A part stays open after its content-end until another begins, since citations
// of it may follow. What an event lends (Raw, Extra) is gone with the next one.
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
	id      string
	open    []streamedPart
	opened  int
	held    int // bytes of their texts
	called  bool
	calls   int // so far
}

// section is the member of the message that a part belongs to; each counts its own parts.
type section uint8

const (
	inContent section = iota
	inPlan
	inCalls
)

// streamedPart is a part that has begun and not been closed.
type streamedPart struct {
	section section
	wire    int64 // its number in the section
	index   int
	kind    llm.PartKind
	ended   bool   // its end came, citations may follow
	text    []byte // so far, for the places of citations
	long    bool   // text is not kept any more
}

func (d *streamDecoder) send(e llm.Event) bool { return d.yield(e, nil) }

func (d *streamDecoder) fail(f *fault.Fault) bool {
	d.done = true
	d.send(llm.Event{Kind: llm.EventFault, Fault: f})
	return false
}

func (d *streamDecoder) ping() bool { return !d.started || d.send(llm.Event{Kind: llm.EventPing}) }

func (d *streamDecoder) note(raw []byte) bool {
	return d.ensureStart() && d.send(llm.Event{Kind: llm.EventNote, Raw: raw})
}

func (d *streamDecoder) frame(f frame.Frame) bool {
	if wire, text, ok := plainTextDelta(f.Data); ok {
		if p := d.find(inContent, wire); p != nil && p.kind == llm.PartText && !p.ended {
			return d.grow(p, text)
		}
	}
	if string(bytes.TrimSpace(f.Data)) == "[DONE]" {
		return d.ping() // message-end is the end
	}
	if err := rawjson.Check(f.Data); err != nil {
		return d.fail(dialect.Garbage("the provider's stream holds an event that is not JSON", err))
	}
	switch eventType(f) {
	case eventMessageStart:
		return d.messageStart(f.Data)
	case eventContentStart:
		return d.ensureStart() && d.contentStart(f.Data)
	case eventContentDelta:
		return d.ensureStart() && d.contentDelta(f.Data)
	case eventContentEnd:
		return d.contentEnd(f.Data)
	case eventPlanDelta:
		return d.ensureStart() && d.planDelta(f.Data)
	case eventCallStart:
		return d.ensureStart() && d.callStart(f.Data)
	case eventCallDelta:
		return d.ensureStart() && d.callDelta(f.Data)
	case eventCallEnd:
		return d.callEnd(f.Data)
	case eventCitationStart:
		return d.ensureStart() && d.citation(f.Data)
	case eventCitationEnd:
		return d.ping()
	case eventMessageEnd:
		return d.ensureStart() && d.messageEnd(f.Data)
	case "":
		if isError(f.Data) {
			return d.fail(chat{}.ReadFault(0, nil, f.Data))
		}
	}
	return d.note(f.Data)
}

func (d *streamDecoder) ensureStart() bool {
	if d.started {
		return true
	}
	d.started = true
	return d.send(llm.Event{Kind: llm.EventStart, From: llm.CohereChat})
}

// messageStart starts the stream. What it says of the message is that it is empty.
func (d *streamDecoder) messageStart(data []byte) bool {
	if d.started {
		return d.note(data)
	}
	d.started = true
	var o dialect.Object
	o.Read(data)
	for _, name := range [...]string{"type", "delta", "index"} {
		o.Take(name)
	}
	d.id = text(o.Take("id"))
	return d.send(llm.Event{
		Kind: llm.EventStart, From: llm.CohereChat, ID: d.id, Model: rawjson.Text(o.Take("model")), Extra: o.Rest(),
	})
}

// messageEnd tells usage and stop, and closes what is open.
func (d *streamDecoder) messageEnd(data []byte) bool {
	var o, in dialect.Object
	o.Read(data)
	for _, name := range [...]string{"type", "id", "index"} {
		o.Take(name)
	}
	in.Read(o.Take("delta"))
	usage := decodeUsage(in.Take("usage"))
	word, message := rawjson.Text(in.Take("finish_reason")), rawjson.Text(in.Take("error"))
	if !d.closeAll() {
		return false
	}
	if usage != nil && !d.send(llm.Event{Kind: llm.EventUsage, Usage: usage}) {
		return false
	}
	if f := failed(word, message); f != nil {
		return d.fail(f)
	}
	d.done = true
	return d.send(llm.Event{Kind: llm.EventStop, Stop: decodeStop(word, d.called), Extra: in.Rest()}) &&
		d.send(llm.Event{Kind: llm.EventEnd, Extra: o.Rest()})
}

var (
	textDeltaBegins = []byte(`{"type":"content-delta","index":`)
	textDeltaGoesOn = []byte(`,"delta":{"message":{"content":{"text":`)
	textDeltaEnds   = []byte(`}}}}`)
)

// plainTextDelta reads the commonest event in the form its provider writes it; ok is false for any other.
func plainTextDelta(data []byte) (wire int64, text string, ok bool) {
	rest, ok := bytes.CutPrefix(data, textDeltaBegins)
	if !ok {
		return 0, "", false
	}
	digits := 0
	for digits < len(rest) && digits < 6 && rest[digits] >= '0' && rest[digits] <= '9' {
		wire = wire*10 + int64(rest[digits]-'0')
		digits++
	}
	if rest, ok = bytes.CutPrefix(rest[digits:], textDeltaGoesOn); !ok || digits == 0 || len(rest) == 0 || rest[0] != '"' {
		return 0, "", false
	}
	end, err := rawjson.SkipString(rest, 0)
	if err != nil || !bytes.Equal(rest[end:], textDeltaEnds) {
		return 0, "", false
	}
	return wire, rawjson.Text(rest[:end]), true
}
