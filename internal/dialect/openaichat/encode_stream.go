package openaichat

import (
	"iter"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeStream implements dialect.Codec. Parts go one after the other: the helpers of OpenAI's SDKs take a call for
// complete when the next one begins.
func (codec) EncodeStream(req *llm.Request, in iter.Seq2[llm.Event, error], lose func(llm.Loss)) frame.Seq {
	return func(yield func(frame.Frame, error) bool) {
		e := &streamEncoder{req: req, yield: yield, functions: onlyFunctions(req)}
		e.lost.lose = lose
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
	req         *llm.Request
	yield       func(frame.Frame, error) bool
	gone        bool // ended, or nobody listens
	own         bool
	functions   bool // the client knows legacy functions only
	lost        answerLosses
	head        llm.Event
	prefix      []byte // of every chunk, up to the choices; made at the first
	first       llm.Extra
	fingerprint []byte
	tier        string
	buf         []byte
	usage       *llm.Usage
	choices     []*choiceEncoder
}

// choiceEncoder is one choice and the part of it that is open.
type choiceEncoder struct {
	n       int
	role    bool // was said
	refused bool
	calls   int // so far
	wire    int // of the open call
	rank    int
	detail  int // number of the open reasoning detail, from 1

	part  llm.Part // head of the open part
	skip  bool     // it has no place here
	said  bool     // something of it was written
	held  strings.Builder
	hold  bool     // until it closes
	text  textLike // for the places of citations
	runes int64    // characters of earlier texts
	known bool     // whether function_call is the shape of the open call
}

func (e *streamEncoder) event(ev *llm.Event) {
	switch ev.Kind {
	case llm.EventStart:
		e.start(ev)
	case llm.EventOpen:
		e.open(e.at(ev.Choice), ev)
	case llm.EventDelta:
		e.delta(e.at(ev.Choice), ev)
	case llm.EventSeal:
		e.seal(e.at(ev.Choice), &ev.Part.Seal)
	case llm.EventCite:
		c := e.at(ev.Choice)
		for i := range ev.Part.Cites {
			e.cite(c, &ev.Part.Cites[i])
		}
	case llm.EventClose:
		e.close(e.at(ev.Choice), ev)
	case llm.EventStop:
		e.stop(e.at(ev.Choice), ev)
	case llm.EventUsage:
		if e.usage == nil {
			e.usage = &llm.Usage{}
		}
		e.usage.Merge(ev.Clone().Usage)
		if e.prefix == nil && e.tier == "" && !e.own {
			e.tier = tierWord(&e.lost, e.usage.Tier, e.own)
		}
	case llm.EventNote:
		e.noted(ev)
	case llm.EventEnd:
		e.end(ev)
	case llm.EventFault:
		e.buf = openai.AppendFault(e.buf[:0], ev.Fault, dialect.Stream)
		e.send(e.buf)
		e.gone = true
	}
}

func (e *streamEncoder) at(n int) *choiceEncoder {
	for len(e.choices) <= n {
		e.choices = append(e.choices, nil)
	}
	if e.choices[n] == nil {
		e.choices[n] = &choiceEncoder{n: n}
	}
	return e.choices[n]
}

func (e *streamEncoder) send(raw []byte) {
	e.buf = raw
	if !e.gone && !e.yield(frame.Frame{Raw: raw}, nil) {
		e.gone = true
	}
}

// start takes over what all chunks begin with; the first one also has the members that need saying once.
func (e *streamEncoder) start(ev *llm.Event) {
	e.own = ev.From == llm.OpenAIChat
	e.head = llm.Event{ID: ev.ID, Created: ev.Created, Model: ev.Model}
	e.tier = tierWord(&e.lost, ev.Tier, e.own)
	if !e.own {
		e.lost.foreign(ev.Extra)
		return
	}
	for name, raw := range ev.Extra {
		if name == "system_fingerprint" {
			e.fingerprint = append([]byte(nil), raw...)
			continue
		}
		openai.Keep(&e.first, name, append([]byte(nil), raw...))
	}
}

// begin returns a writer that stands before the choices of a chunk. What all chunks begin with is made up at the first:
// a usage that came before it may have named the tier.
func (e *streamEncoder) begin() rawjson.Writer {
	if e.prefix == nil {
		w := rawjson.Writer{Buf: []byte("data: ")}
		w.Open('{')
		writeHead(&w, "chat.completion.chunk", e.head.ID, e.head.Created, e.head.Model, e.own)
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

// chunk begins the chunk of a choice, up to the inside of its delta.
func (e *streamEncoder) chunk(c *choiceEncoder) rawjson.Writer {
	w := e.begin()
	w.Open('[').Open('{').Name("index").Int(int64(c.n)).Name("delta").Open('{')
	if !c.role {
		c.role = true
		w.Name("role").String("assistant")
	}
	return w
}

// finish ends a chunk of a choice and sends it.
func (e *streamEncoder) finish(w *rawjson.Writer) {
	w.Close('}').Name("logprobs").Null().Name("finish_reason").Null().Close('}').Close(']')
	e.rest(w)
}

// rest ends a chunk after its choices and sends it.
func (e *streamEncoder) rest(w *rawjson.Writer) {
	if e.req.WantUsage {
		w.Name("usage").Null()
	}
	if e.first != nil {
		openai.WriteExtra(w, e.first)
		e.first = nil
	}
	w.Close('}')
	e.sendData(w.Buf)
}

// sendData sends a frame that lacks its end only. A value taken over as it was may have line breaks between its tokens,
// which would end the frame.
func (e *streamEncoder) sendData(raw []byte) { e.send(append(openai.OneLine(raw), '\n', '\n')) }

func (e *streamEncoder) stop(c *choiceEncoder, ev *llm.Event) {
	extra := ev.Extra
	if !e.own {
		e.lost.foreign(extra)
		extra = nil
	}
	word := stopWord(&e.lost, &ev.Stop, e.own, c.known || e.functions, c.refused)
	w := e.chunk(c)
	openai.WriteNested(&w, extra, "message")
	w.Close('}').Name("logprobs")
	if openai.HasNested(extra, "logprobs") {
		w.Open('{')
		openai.WriteNested(&w, extra, "logprobs")
		w.Close('}')
	} else {
		w.Null()
	}
	w.Name("finish_reason")
	if word == "" {
		w.Null()
	} else {
		w.String(word)
	}
	openai.WriteExtra(&w, extra, "message", "logprobs")
	w.Close('}').Close(']')
	e.rest(&w)
}

// noted passes on a frame of the same dialect that no event could say.
func (e *streamEncoder) noted(ev *llm.Event) {
	if !e.own {
		e.lost.add("answer.opaque", "an event only its own dialect understands", llm.Dropped)
		return
	}
	e.sendData(append(append(e.buf[:0], "data: "...), ev.Raw...))
}

func (e *streamEncoder) end(ev *llm.Event) {
	extra := ev.Extra
	if !e.own {
		e.lost.foreign(extra)
		extra = nil
	}
	if e.usage != nil && !e.own && e.req.WantUsage { // else it was not asked for
		openai.UsageLosses(e.usage, e.lost.add)
	}
	usage := e.usage != nil && e.req.WantUsage
	tier := tierWord(&e.lost, ev.Tier, e.own)
	if tier == "" && e.usage != nil && !e.own {
		tier = tierWord(&e.lost, e.usage.Tier, e.own)
	}
	if tier == e.tier || e.tier != "" && tier == "" {
		tier = ""
	}
	if usage || extra != nil || tier != "" || e.first != nil {
		w := e.begin()
		w.Open('[')
		if !usage { // who did not ask for usage does not expect a chunk without a choice
			w.Open('{').Name("index").Int(0).Name("delta").Open('{').Close('}').Name("finish_reason").Null().Close('}')
		}
		w.Close(']')
		if usage {
			w.Name("usage")
			openai.WriteUsage(&w, e.usage, e.own)
		}
		if tier != "" {
			w.Name("service_tier").String(tier)
		}
		for name, raw := range extra {
			openai.Keep(&e.first, name, raw)
		}
		openai.WriteExtra(&w, e.first)
		w.Close('}')
		e.sendData(w.Buf)
	}
	e.send(append(e.buf[:0], "data: [DONE]\n\n"...))
	e.gone = true
}

// overflow ends the stream where too much of a part would have to be held.
func (e *streamEncoder) overflow() {
	f := fault.New(fault.Upstream, "more than %d bytes of the answer would have to be held back", heldMost)
	e.send(openai.AppendFault(e.buf[:0], f, dialect.Stream))
	e.gone = true
}
