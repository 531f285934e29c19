package cohere

import (
	"iter"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeStream implements dialect.Codec. Stop and usage go out together at the end.
func (codec) EncodeStream(_ *llm.Request, in iter.Seq2[llm.Event, error], lose func(llm.Loss)) frame.Seq {
	return func(yield func(frame.Frame, error) bool) {
		s := streamEncoder{answerEncoder: answerEncoder{losses: dialect.Losses{To: lose}}}
		for e, err := range llm.Sequential(s.firstChoice(in), heldMost) {
			if err != nil {
				yield(frame.Frame{}, err)
				return
			}
			s.w.Buf = s.w.Buf[:0]
			s.event(&e)
			if len(s.w.Buf) > 0 && !yield(frame.Frame{Raw: s.w.Buf}, nil) {
				return
			}
			if s.done {
				return
			}
		}
		s.w.Buf = s.w.Buf[:0]
		s.fail(&fault.Fault{Kind: fault.Cut, Message: "the answer broke off"})
		yield(frame.Frame{Raw: s.w.Buf}, nil)
	}
}

// streamEncoder holds what must be known of the stream so far.
type streamEncoder struct {
	answerEncoder
	w       rawjson.Writer // of one frame
	data    int            // where in it the data of its last event begin
	done    bool
	content int // number of the next content
	calls   int // number of the next call
	cited   int // number of the next citation
	part    llm.Part
	state   partState
	text    []byte     // of the open part, for the places of citations
	cites   []llm.Cite // of the whole of it, whose end is not known yet
	free    bool       // the object around its free text has begun
	said    bool       // something of it was written
	stop    llm.Stop
	usage   *llm.Usage
	tier    string
	extra   llm.Extra // beside the stop
}

// partState says what has gone out of the open part.
type partState uint8

const (
	partSkipped  partState = iota // nothing, and nothing will
	partAwaiting                  // nothing yet
	partOpen                      // its start
)

// firstChoice lets the first choice pass, which is the only one here.
func (s *streamEncoder) firstChoice(in iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		for e, err := range in {
			if err == nil && e.Choice != 0 {
				s.loseChoices()
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// begin and end enclose an event of the wire; between them its members are written.
func (s *streamEncoder) begin(typ string) *rawjson.Writer {
	s.w.Buf = append(s.w.Buf, "event: "...)
	s.w.Buf = append(s.w.Buf, typ...)
	s.w.Buf = append(s.w.Buf, "\ndata: "...)
	s.w = rawjson.Writer{Buf: s.w.Buf}
	s.data = len(s.w.Buf)
	return s.w.Open('{').Name("type").String(typ)
}

func (s *streamEncoder) end() {
	s.w.Close('}')
	s.endData()
}

// endData ends an event of the wire. A line break between the tokens of a raw value would end its line too early.
func (s *streamEncoder) endData() {
	dialect.OneLine(s.w.Buf[s.data:])
	s.w.Buf = append(s.w.Buf, '\n', '\n')
}

func (s *streamEncoder) event(e *llm.Event) {
	switch e.Kind {
	case llm.EventStart:
		s.start(e)
	case llm.EventOpen:
		s.open(e)
	case llm.EventDelta:
		s.delta(e)
	case llm.EventSeal:
		if !s.own {
			dialect.LoseSeal(e.Part.Seal, &s.losses)
		}
	case llm.EventCite:
		s.cite(e.Part.Cites)
	case llm.EventClose:
		s.close(e)
	case llm.EventStop:
		c := e.Clone()
		s.stop = c.Stop
		if s.own {
			s.extra = c.Extra
		} else {
			s.loseExtra(c.Extra)
		}
	case llm.EventUsage:
		if s.usage == nil {
			s.usage = &llm.Usage{}
		}
		s.usage.Merge(e.Clone().Usage)
	case llm.EventNote:
		s.note(e.Raw)
	case llm.EventEnd:
		s.finish(e)
	case llm.EventFault:
		s.fail(e.Fault)
	}
}

func (s *streamEncoder) start(e *llm.Event) {
	s.own, s.tier = e.From == llm.CohereChat, e.Tier
	w := s.begin(eventMessageStart).Name("id").String(e.ID)
	if s.own && e.Model != "" {
		w.Name("model").String(e.Model)
	}
	w.Name("delta").Open('{').Name("message").Open('{').Name("role").String("assistant")
	w.Name("content").Open('[').Close(']').Name(wordPlan).String("")
	w.Name("tool_calls").Open('[').Close(']').Name("citations").Open('[').Close(']')
	w.Close('}').Close('}')
	if s.own {
		dialect.WriteExtra(w, e.Extra)
	} else {
		s.loseExtra(e.Extra)
	}
	s.end()
}

// note passes on an event that only this dialect understands, unless it is one that did not fit where it came. Contents
// after one that is passed on are counted from it.
func (s *streamEncoder) note(raw []byte) {
	typ := rawjson.Text(rawjson.Get(raw, "type"))
	if !s.own || !isEventName(typ) || typ == eventMessageStart || typ == eventMessageEnd {
		s.losses.Add("answer.opaque", "only its own dialect understands it", llm.Dropped)
		return
	}
	if typ == eventContentStart {
		s.content = max(s.content, int(min(wireIndex(raw, 0), 1<<20))+1)
	}
	s.begin(typ)
	s.w.Buf = append(s.w.Buf[:s.data], raw...)
	s.endData()
}

func isEventName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return s != ""
}

func (s *streamEncoder) finish(e *llm.Event) {
	s.done = true
	tier := s.tier
	if e.Tier != "" {
		tier = e.Tier
	}
	if !s.own {
		s.loseRest(s.usage, tier)
		s.loseExtra(e.Extra)
	}
	w := s.begin(eventMessageEnd).Name("delta").Open('{')
	if word := (ending{s.stop, s.own, s.called}).word(&s.losses); word != "" {
		w.Name("finish_reason").String(word)
	}
	if s.usage != nil {
		writeUsage(w.Name("usage"), s.usage, s.own)
	}
	dialect.WriteExtra(w, s.extra)
	w.Close('}')
	if s.own {
		dialect.WriteExtra(w, e.Extra)
	}
	s.end()
	s.w.Buf = append(s.w.Buf, "data: [DONE]\n\n"...)
}

func (s *streamEncoder) fail(f *fault.Fault) {
	s.done = true
	s.w.Buf = chat{}.Fault(s.w.Buf, f, dialect.Stream)
}

// hold keeps a text of the open part for the places of citations, as far as there is room.
func (s *streamEncoder) hold(text string) {
	if len(s.text)+len(text) <= heldMost {
		s.text = append(s.text, text...)
	}
}
