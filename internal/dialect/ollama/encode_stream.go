package ollama

import (
	"bytes"
	"iter"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeStream implements dialect.Codec. A call waits for its arguments, since it is told in one line; stop and usage go
// out together at the end.
func (codec) EncodeStream(_ *llm.Request, in iter.Seq2[llm.Event, error], lose func(llm.Loss)) frame.Seq {
	return func(yield func(frame.Frame, error) bool) {
		s := streamEncoder{answerEncoder: answerEncoder{losses: dialect.Losses{To: lose}}, created: unknown}
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
	prefix  []byte         // of every line, up to the inside of the message
	line    int            // where in the frame its last line begins
	done    bool
	model   string
	created string // as it is written
	part    llm.Part
	skip    bool // the open part has no place here
	said    bool // something of it was written
	held    strings.Builder
	calls   int // so far
	stop    llm.Stop
	usage   *llm.Usage
	tier    string
	extra   llm.Extra // of the answer
	message llm.Extra // of the message
}

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

// begin returns a writer inside of the message of a line with this text; end ends the line.
func (s *streamEncoder) begin(content string) *rawjson.Writer {
	if s.prefix == nil {
		var w rawjson.Writer
		w.Open('{')
		writeHead(&w, s.model, s.created)
		w.Name("message").Open('{').Name("role").String("assistant").Name("content")
		s.prefix = w.Buf
	}
	s.line = len(s.w.Buf)
	s.w = rawjson.Writer{Buf: append(s.w.Buf, s.prefix...)}
	return s.w.String(content)
}

func (s *streamEncoder) end() {
	s.w.Close('}')
	s.endLine()
}

// endLine ends a line after its message. Line breaks between the tokens of a raw value would end it too early.
func (s *streamEncoder) endLine() {
	s.w.Name("done").Bool(false).Close('}')
	s.feed()
}

func (s *streamEncoder) feed() {
	for _, c := range [...]byte{'\n', '\r'} {
		for rest := s.w.Buf[s.line:]; ; {
			i := bytes.IndexByte(rest, c)
			if i < 0 {
				break
			}
			rest[i] = ' '
			rest = rest[i:]
		}
	}
	s.w.Buf = append(s.w.Buf, '\n')
}

func (s *streamEncoder) event(e *llm.Event) {
	switch e.Kind {
	case llm.EventStart:
		s.own, s.tier, s.model = e.From == llm.OllamaChat, e.Tier, e.Model
		if s.own {
			s.created = createdAt(e.Created, e.Extra["created_at"])
			s.keep(&s.extra, e.Extra)
			return
		}
		s.created = createdAt(e.Created, nil)
		dialect.LoseExtra(e.Extra, &s.losses)
	case llm.EventOpen:
		s.open(e)
	case llm.EventDelta:
		s.delta(e)
	case llm.EventSeal:
		if !s.own {
			dialect.LoseSeal(e.Part.Seal, &s.losses)
		}
	case llm.EventCite:
		if !s.own {
			s.loseCites(e.Part.Cites)
		}
	case llm.EventClose:
		s.close(e)
	case llm.EventStop:
		s.stop = e.Clone().Stop
		s.keep(&s.message, e.Extra)
	case llm.EventUsage:
		if s.usage == nil {
			s.usage = &llm.Usage{}
		}
		s.usage.Merge(e.Clone().Usage)
	case llm.EventNote:
		s.losses.Add("answer.opaque", "only its own dialect understands it", llm.Dropped)
	case llm.EventEnd:
		s.finish(e)
	case llm.EventFault:
		s.fail(e.Fault)
	}
}

// keep holds members for the end of the stream.
func (s *streamEncoder) keep(to *llm.Extra, x llm.Extra) {
	if !s.own {
		dialect.LoseExtra(x, &s.losses)
		return
	}
	for name, raw := range x {
		*to = dialect.With(*to, name, bytes.Clone(raw))
	}
}

func (s *streamEncoder) open(e *llm.Event) {
	p, ok := s.head(&e.Part)
	s.part, s.skip, s.said = p, !ok, false
	s.held.Reset()
	if !ok {
		return
	}
	if s.own {
		s.part.Extra = e.Clone().Part.Extra // a call waits
	} else {
		dialect.LoseSeal(p.Seal, &s.losses)
		s.loseCites(p.Cites)
	}
	if p.Kind == llm.PartImage { // of this dialect
		s.begin("").Name("images").Open('[').String(p.Media.Data).Close(']')
		s.end()
	}
	s.log("", e.Part.Logprobs)
}

func (s *streamEncoder) delta(e *llm.Event) {
	switch {
	case s.skip:
		dialect.LoseHung(&e.Part, &s.losses)
	case s.part.Kind == llm.PartImage:
	case s.part.Kind == llm.PartCall:
		if s.held.Len()+len(e.Text) > heldMost {
			s.fail(fault.New(fault.Upstream, "a call of the answer is longer than %d bytes; this client must have it whole", heldMost))
			return
		}
		s.held.WriteString(e.Text)
		s.log("", e.Part.Logprobs)
	case len(e.Part.Logprobs) > 0:
		s.log(e.Text, e.Part.Logprobs)
	case e.Text != "":
		s.piece(e.Text)
		s.end()
	}
}

// piece begins a line with a piece of the open text or thought.
func (s *streamEncoder) piece(text string) {
	if !s.said && !s.own && text != "" {
		s.said = true
		s.order(&s.part)
	}
	if s.part.Kind == llm.PartReasoning {
		s.begin("").Name("thinking").String(text)
		return
	}
	s.begin(text)
}

// log writes a piece with log probabilities, which stand beside the message.
func (s *streamEncoder) log(text string, all []llm.Logprob) {
	if len(all) == 0 || s.skip {
		return
	}
	textual := s.part.Kind == llm.PartText || s.part.Kind == llm.PartReasoning
	if !s.own {
		loseLogprobs(all, &s.losses)
		if !textual || text == "" && !s.said {
			s.losses.Add("answer.logprobs", "they are those of a text", llm.Changed)
		}
	}
	if !textual || text == "" && !s.said && !s.own {
		return
	}
	s.piece(text)
	s.w.Close('}')
	writeLogprobs(s.w.Name("logprobs"), all, s.own)
	s.endLine()
}

func (s *streamEncoder) close(e *llm.Event) {
	if s.skip {
		dialect.LoseHung(&e.Part, &s.losses)
		return
	}
	if !s.own {
		dialect.LoseSeal(e.Part.Seal, &s.losses)
		s.loseCites(e.Part.Cites)
		dialect.LoseExtra(e.Part.Extra, &s.losses)
	}
	s.log("", e.Part.Logprobs)
	if s.part.Kind == llm.PartCall {
		s.call()
	}
	s.skip, s.part = true, llm.Part{}
}

// call writes the open call, whose arguments are there.
func (s *streamEncoder) call() {
	p := s.part
	if p.Args = s.held.String(); !s.own {
		p.Args = s.arguments(&p)
		s.order(&p)
	}
	w := s.begin("").Name("tool_calls").Open('[')
	writeCall(w, &p, s.calls, s.own)
	w.Close(']')
	s.end()
	s.calls++
}

func (s *streamEncoder) finish(e *llm.Event) {
	s.done = true
	s.keep(&s.extra, e.Extra)
	tier := s.tier
	if e.Tier != "" {
		tier = e.Tier
	}
	if !s.own {
		s.loseRest(s.usage, tier)
	}
	s.line = len(s.w.Buf)
	s.w = rawjson.Writer{Buf: s.w.Buf}
	w := s.w.Open('{')
	created := s.created
	if own, ok := rawjson.String(s.extra["created_at"]); ok {
		created = own
	}
	writeHead(w, s.model, created)
	w.Name("message").Open('{').Name("role").String("assistant").Name("content").String("")
	dialect.WriteExtra(w, s.message)
	w.Close('}')
	if word := (ending{s.stop, s.own, s.called}).word(&s.losses); word != "" {
		w.Name("done_reason").String(word)
	}
	w.Name("done").Bool(true)
	dialect.WriteExtra(w, s.extra, "created_at")
	if s.usage != nil {
		writeUsage(w, s.usage)
	}
	w.Close('}')
	s.feed()
}

func (s *streamEncoder) fail(f *fault.Fault) {
	s.done = true
	s.w.Buf = chat{}.Fault(s.w.Buf, f, dialect.Stream)
}
