package openaicompletions

import (
	"bytes"
	"iter"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeStream implements dialect.Codec. What comes at once is put one after the other: a choice is one text.
func (codec) EncodeStream(req *llm.Request, in iter.Seq2[llm.Event, error], lose func(llm.Loss)) frame.Seq {
	return func(yield func(frame.Frame, error) bool) {
		e := &streamEncoder{yield: yield, wantUsage: req.WantUsage}
		e.a.lost.To, e.a.first = lose, promptLength(req)
		for ev, err := range llm.Sequential(in, heldMost) {
			if err != nil {
				if !e.gone {
					yield(frame.Frame{}, err)
				}
				return
			}
			e.event(&ev)
			if e.gone {
				return
			}
		}
	}
}

type streamEncoder struct {
	a           answer
	yield       func(frame.Frame, error) bool
	gone        bool // ended, or nobody listens
	wantUsage   bool
	head        llm.Event
	prefix      []byte // of every chunk, up to the choices; made at the first
	fingerprint []byte // which every chunk repeats
	first       llm.Extra
	tier        string
	buf         []byte
	usage       *llm.Usage
	choices     []choiceEncoder
}

// choiceEncoder is one choice and the part of it that is open.
type choiceEncoder struct {
	kind llm.PartKind
	by   llm.Runner
	skip bool  // the part has no text to say
	at   int64 // offset of the next token, from the first
}

func (e *streamEncoder) event(ev *llm.Event) {
	switch ev.Kind {
	case llm.EventStart:
		e.start(ev)
	case llm.EventOpen:
		c := e.at(ev.Choice)
		c.kind, c.by, c.skip = ev.Part.Kind, ev.Part.By, !e.a.text(&ev.Part)
	case llm.EventDelta:
		e.delta(e.at(ev.Choice), ev)
	case llm.EventSeal, llm.EventCite, llm.EventClose:
		if c := e.at(ev.Choice); !e.a.own {
			ev.Part.Kind, ev.Part.By = c.kind, c.by
			e.a.beside(&ev.Part)
		}
	case llm.EventStop:
		e.stop(ev)
	case llm.EventUsage:
		if e.usage == nil {
			e.usage = &llm.Usage{}
		}
		e.usage.Merge(ev.Clone().Usage)
	case llm.EventNote:
		if !e.a.own {
			e.a.lost.Add("answer.opaque", "an event only its own dialect understands", llm.Dropped)
			return
		}
		e.sendData(append(append(e.buf[:0], "data: "...), ev.Raw...))
	case llm.EventEnd:
		e.end(ev)
	case llm.EventFault:
		e.send(openai.AppendFault(e.buf[:0], ev.Fault, dialect.Stream))
		e.gone = true
	}
}

func (e *streamEncoder) at(n int) *choiceEncoder {
	for len(e.choices) <= n {
		e.choices = append(e.choices, choiceEncoder{})
	}
	return &e.choices[n]
}

func (e *streamEncoder) send(raw []byte) {
	e.buf = raw
	if !e.gone && !e.yield(frame.Frame{Raw: raw}, nil) {
		e.gone = true
	}
}

// sendData sends a frame that lacks its end only. A value taken over as it was may have line breaks between its tokens,
// which would end the frame.
func (e *streamEncoder) sendData(raw []byte) { e.send(append(openai.OneLine(raw), '\n', '\n')) }

// start takes over what all chunks begin with; the first one also has the members that need saying once.
func (e *streamEncoder) start(ev *llm.Event) {
	e.a.own = ev.From == llm.OpenAICompletions
	e.head = llm.Event{ID: ev.ID, Created: ev.Created, Model: ev.Model}
	if !e.a.own {
		e.a.tier(ev.Tier)
		e.a.foreign(ev.Extra)
		return
	}
	e.tier = ev.Tier
	for name, raw := range ev.Extra {
		if name == "system_fingerprint" {
			e.fingerprint = bytes.Clone(raw)
			continue
		}
		openai.Keep(&e.first, name, bytes.Clone(raw))
	}
}

// begin returns a writer that stands before the choices of a chunk.
func (e *streamEncoder) begin() rawjson.Writer {
	if e.prefix == nil {
		w := rawjson.Writer{Buf: []byte("data: ")}
		w.Open('{')
		e.a.head(&w, e.head.ID, e.head.Created, e.head.Model)
		if e.tier != "" {
			w.Name("service_tier").String(e.tier)
		}
		if e.fingerprint != nil {
			w.Name("system_fingerprint").Raw(e.fingerprint)
		}
		w.Name("choices")
		e.prefix = w.Buf
	}
	return rawjson.Writer{Buf: append(e.buf[:0], e.prefix...)}
}

// rest ends a chunk after its choices and sends it.
func (e *streamEncoder) rest(w *rawjson.Writer) {
	if e.wantUsage {
		w.Name("usage").Null()
	}
	if e.first != nil {
		openai.WriteExtra(w, e.first)
		e.first = nil
	}
	w.Close('}')
	e.sendData(w.Buf)
}

func (e *streamEncoder) delta(c *choiceEncoder, ev *llm.Event) {
	if !e.a.own && ev.Part.Media != nil {
		e.a.media(c.kind)
	}
	if c.skip {
		e.a.unsaid(c.kind, ev.Text, ev.Part.Logprobs)
		return
	}
	e.a.logs(ev.Part.Logprobs)
	at := int64(-1)
	if !e.a.own {
		at = e.a.first + c.at
		for i := range ev.Part.Logprobs {
			c.at += characters(ev.Part.Logprobs[i].Token)
		}
	}
	w := e.begin()
	w.Open('[').Open('{').Name("text").String(ev.Text).Name("index").Int(int64(ev.Choice)).Name("logprobs")
	writeLogprobs(&w, ev.Part.Logprobs, at, nil)
	w.Name("finish_reason").Null().Close('}').Close(']')
	e.rest(&w)
}

func (e *streamEncoder) stop(ev *llm.Event) {
	extra := ev.Extra
	if !e.a.own {
		e.a.foreign(extra)
		extra = nil
	}
	word := e.a.stop(&ev.Stop)
	w := e.begin()
	w.Open('[').Open('{').Name("text").String("").Name("index").Int(int64(ev.Choice)).Name("logprobs")
	writeLogprobs(&w, nil, -1, extra)
	w.Name("finish_reason")
	if word == "" {
		w.Null()
	} else {
		w.String(word)
	}
	openai.WriteExtra(&w, extra, "logprobs")
	w.Close('}').Close(']')
	e.rest(&w)
}

func (e *streamEncoder) end(ev *llm.Event) {
	usage := e.usage != nil && e.wantUsage
	tier := ""
	if e.a.own {
		for name, raw := range ev.Extra {
			openai.Keep(&e.first, name, raw)
		}
		if ev.Tier != e.tier {
			tier = ev.Tier
		}
	} else {
		e.a.foreign(ev.Extra)
		e.a.tier(ev.Tier)
		if e.usage != nil {
			e.a.tier(e.usage.Tier)
		}
		if usage { // else it was not asked for
			openai.UsageLosses(e.usage, e.a.lost.Add)
		}
	}
	if usage || e.first != nil || tier != "" {
		w := e.begin()
		w.Open('[')
		if !usage { // who did not ask for usage does not expect a chunk without a choice
			w.Open('{').Name("text").String("").Name("index").Int(0).Name("logprobs").Null().Name("finish_reason").Null().Close('}')
		}
		w.Close(']')
		if usage {
			w.Name("usage")
			openai.WriteUsage(&w, e.usage, e.a.own)
		}
		if tier != "" {
			w.Name("service_tier").String(tier)
		}
		openai.WriteExtra(&w, e.first)
		w.Close('}')
		e.sendData(w.Buf)
	}
	e.send(append(e.buf[:0], "data: [DONE]\n\n"...))
	e.gone = true
}
