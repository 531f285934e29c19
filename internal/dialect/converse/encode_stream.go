package converse

import (
	"iter"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeStream implements dialect.Codec. A block waits for what it has to say: only calls, results and pictures have a
// start of their own. messageStop goes out with the Stop, metadata at the end.
func (codec) EncodeStream(req *llm.Request, in iter.Seq2[llm.Event, error], lose func(llm.Loss)) frame.Seq {
	return func(yield func(frame.Frame, error) bool) {
		s := streamEncoder{answerEncoder: newAnswerEncoder(req)}
		s.losses.To = lose
		s.from("")
		for e, err := range llm.Sequential(s.firstChoice(in), heldMost) {
			if err != nil {
				yield(frame.Frame{}, err)
				return
			}
			s.out = s.out[:0]
			s.event(&e)
			if len(s.out) > 0 && !yield(frame.Frame{Raw: s.out}, nil) {
				return
			}
			if s.done {
				return
			}
		}
		s.out = s.out[:0]
		s.fail(&fault.Fault{Kind: fault.Cut, Message: "the answer broke off"})
		yield(frame.Frame{Raw: s.out}, nil)
	}
}

// streamEncoder holds what must be known of the stream so far.
type streamEncoder struct {
	answerEncoder
	out     []byte         // the messages of one event
	w       rawjson.Writer // the payload of one message
	done    bool
	stopped bool // messageStop is out
	index   int  // of the next block
	state   blockState
	part    llm.Part // the part that is open, without its text
	grown   bool     // some of its text is out
	begun   bool     // the object around its free text has begun
	seal    llm.Seal // its seal: it goes out last, whenever it came
	data    []byte   // of a picture, which goes out whole
	usage   *llm.Usage
	tier    string
	extra   llm.Extra
}

// blockState says what has gone out of the open part.
type blockState uint8

const (
	blockSkipped  blockState = iota // nothing, and nothing will
	blockAwaiting                   // nothing yet
	blockOpen                       // something
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

// begin starts a message's payload, send ends it and makes the message.
func (s *streamEncoder) begin() *rawjson.Writer {
	s.w = rawjson.Writer{Buf: s.w.Buf[:0]}
	return s.w.Open('{')
}

func (s *streamEncoder) send(event string) {
	s.w.Close('}')
	s.out = frame.AppendAWS(s.out, event, false, s.w.Buf)
}

func (s *streamEncoder) event(e *llm.Event) {
	switch e.Kind {
	case llm.EventStart:
		s.from(e.From)
		s.tier = e.Tier
		s.keep(e.Extra)
		s.begin().Name("role").String("assistant")
		s.send(eventStart)
	case llm.EventOpen:
		s.open(e)
	case llm.EventDelta:
		s.delta(e)
	case llm.EventSeal:
		s.sealed(e.Part.Seal)
	case llm.EventCite:
		s.cite(e)
	case llm.EventClose:
		s.close(e)
	case llm.EventStop:
		s.stop(e.Stop, e.Extra)
	case llm.EventUsage:
		u := *e.Clone().Usage
		if s.usage == nil {
			s.usage = &llm.Usage{}
		}
		s.usage.Merge(&u)
	case llm.EventNote:
		s.note(e.Raw)
	case llm.EventEnd:
		s.keep(e.Extra)
		if e.Tier != "" {
			s.tier = e.Tier
		}
		s.finish()
	case llm.EventFault:
		s.fail(e.Fault)
	}
}

// keep holds members of the answer for its end.
func (s *streamEncoder) keep(x llm.Extra) {
	if !s.own {
		s.loseExtra(x)
		return
	}
	for name, raw := range x {
		s.extra = dialect.With(s.extra, name, append([]byte(nil), raw...))
	}
}

func (s *streamEncoder) stop(stop llm.Stop, extra llm.Extra) {
	if s.stopped {
		return
	}
	s.stopped = true
	w := s.begin()
	s.ending(stop, extra).write(w, &s.losses)
	if s.own {
		dialect.WriteExtra(w, extra, responseFields)
	} else {
		s.loseExtra(extra)
	}
	s.send(eventStop)
}

// note passes on an event that only this dialect understands, unless it is one of those that are told here anew.
func (s *streamEncoder) note(raw []byte) {
	name, payload := only(raw)
	known := false
	switch name {
	case eventStart, eventBlockStart, eventDelta, eventBlockStop, eventStop, eventMetadata:
		known = true
	}
	if !s.own || known || name == "" || len(name) > 255 {
		s.losses.Add("answer.opaque", "only its own dialect understands it", llm.Dropped)
		return
	}
	s.out = frame.AppendAWS(s.out, name, false, payload)
}

func (s *streamEncoder) finish() {
	s.done = true
	s.stop(llm.Stop{}, nil)
	w := s.begin()
	writeUsage(w.Name("usage"), s.usage, s.own)
	tier := s.tier
	if tier == "" && s.usage != nil {
		tier = s.usage.Tier
	}
	s.writeEnd(w, s.usage, tier, s.extra)
	s.send(eventMetadata)
}

func (s *streamEncoder) fail(f *fault.Fault) {
	s.done = true
	s.out = converse{}.Fault(s.out, f, dialect.Stream)
}
