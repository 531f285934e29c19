package gemini

import (
	"bytes"
	"iter"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeStream implements dialect.Codec. Every frame holds one candidate with at least one part, for the SDKs keep no
// turn of which a piece is empty. A call is one part, told when it is whole, with its signature; the signature of a text
// comes after it, on an empty text, and so do its citations. The last frame has all citations, why the candidates ended
// and the usage. What a stream is cut by is the client's choice: events, or one array.
func (codec) EncodeStream(req *llm.Request, in iter.Seq2[llm.Event, error], lose func(llm.Loss)) frame.Seq {
	return func(yield func(frame.Frame, error) bool) {
		s := streamEncoder{answerEncoder: answerEncoder{losses: dialect.Losses{To: lose}}, array: req != nil && req.Framing == llm.Array}
		send := func() bool { return len(s.w.Buf) == 0 || yield(frame.Frame{Raw: s.w.Buf}, nil) }
		for e, err := range llm.Sequential(in, heldMost) {
			if err != nil {
				yield(frame.Frame{}, err)
				return
			}
			s.w.Buf = s.w.Buf[:0]
			s.event(&e)
			if !send() || s.done {
				return
			}
		}
		s.w.Buf = s.w.Buf[:0]
		s.fail(&fault.Fault{Kind: fault.Cut, Message: "the answer broke off"})
		send()
	}
}

// streamEncoder holds what must be known of the stream so far.
type streamEncoder struct {
	answerEncoder
	w       rawjson.Writer // of one frame
	data    int            // where in it the data of its event begin
	array   bool
	frames  int
	done    bool
	tail    []byte // what ends every chunk: the model's name and the answer's id
	choices []writtenChoice
	usage   llm.Usage
	counted bool
	tier    string
	extra   llm.Extra
}

// writtenChoice is what must be known of a candidate.
type writtenChoice struct {
	part     llm.Part // the part that is open, without its text
	skipped  bool     // it has no place here
	held     []byte   // of a call or a medium: what it has grown to
	seal     llm.Seal
	text     []byte // all texts joined, while they are not too long
	joined   int    // their length
	from     int    // that at which the open part began
	cites    []citation
	logprobs []llm.Logprob // that came without a text to go with
	end      ending
	stop     llm.Stop
	extra    llm.Extra
}

func (s *streamEncoder) choice(n int) *writtenChoice {
	for len(s.choices) <= n {
		s.choices = append(s.choices, writtenChoice{})
	}
	return &s.choices[n]
}

// begin and end enclose the data of a frame.
func (s *streamEncoder) begin() *rawjson.Writer {
	switch {
	case !s.array:
		s.w.Buf = append(s.w.Buf, "data: "...)
	case s.frames == 0:
		s.w.Buf = append(s.w.Buf, '[')
	default:
		s.w.Buf = append(s.w.Buf, ",\r\n"...)
	}
	s.frames++
	s.w = rawjson.Writer{Buf: s.w.Buf}
	s.data = len(s.w.Buf)
	return s.w.Open('{')
}

// finish ends a frame. A line break between the tokens of a raw value would end its line too early.
func (s *streamEncoder) finish() {
	s.w.Buf = append(s.w.Buf, '}')
	dialect.OneLine(s.w.Buf[s.data:])
	if !s.array {
		s.w.Buf = append(s.w.Buf, "\r\n\r\n"...)
	}
}

// beginPart and endPart enclose the one part of a chunk.
func (s *streamEncoder) beginPart() *rawjson.Writer {
	return s.begin().Name("candidates").Open('[').Open('{').Name("content").Open('{').Name("parts").Open('[')
}

func (s *streamEncoder) endPart(n int, logprobs []llm.Logprob, cites []citation, text []byte) {
	s.w.Close(']').Name("role").String("model").Close('}').Name("index").Int(int64(n))
	writeGrounding(&s.w, cites, text, nil, s.own)
	if len(logprobs) > 0 {
		s.w.Name("logprobsResult").Open('{')
		writeLogprobs(&s.w, logprobs, s.own)
		s.w.Close('}')
	}
	s.w.Close('}').Close(']')
	s.w.Buf = append(s.w.Buf, s.tail...)
	s.finish()
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
		s.choice(e.Choice).seal = e.Part.Seal
	case llm.EventCite:
		s.cite(e)
	case llm.EventClose:
		s.close(e)
	case llm.EventStop:
		c := s.choice(e.Choice)
		c.stop = e.Clone().Stop
		c.extra = s.keep(c.extra, e.Extra)
	case llm.EventUsage:
		u := *e.Clone().Usage
		s.usage.Merge(&u)
		s.counted = true
	case llm.EventNote:
		if dialect.Says(e.Raw) {
			s.losses.Add("answer.opaque", "only its own dialect understands it", llm.Dropped)
		}
	case llm.EventEnd:
		s.extra = s.keep(s.extra, e.Extra)
		if e.Tier != "" {
			s.tier = e.Tier
		}
		s.last()
	case llm.EventFault:
		s.fail(e.Fault)
	}
}

func (s *streamEncoder) start(e *llm.Event) {
	s.own, s.tier = e.From == llm.GeminiGenerate, e.Tier
	var w rawjson.Writer
	w.Open('{')
	writeHead(&w, e.ID, e.Model)
	writeTime(&w, e.Created)
	if len(w.Buf) > 1 {
		w.Buf[0] = ','
		s.tail = w.Buf
	}
	s.extra = s.keep(s.extra, e.Extra)
}

// keep holds members of an own answer for its end, and reports those of another one.
func (s *streamEncoder) keep(to, x llm.Extra) llm.Extra {
	if !s.own {
		s.loseExtra(x)
		return nil
	}
	for name, raw := range x {
		to = dialect.With(to, name, bytes.Clone(raw))
	}
	return to
}

func (s *streamEncoder) open(e *llm.Event) {
	c := s.choice(e.Choice)
	p := e.Clone().Part
	c.end.refused = c.end.refused || p.Kind == llm.PartRefusal
	c.skipped = !s.own && !s.head(&p)
	c.seal, c.held, c.from = p.Seal, c.held[:0], c.joined
	cites, logprobs := p.Cites, p.Logprobs
	p.Seal, p.Cites, p.Logprobs = llm.Seal{}, nil, nil
	c.part = p
	if len(cites) > 0 {
		s.cite(&llm.Event{Choice: e.Choice, Part: llm.Part{Cites: cites}})
	}
	if len(logprobs) > 0 {
		s.delta(&llm.Event{Choice: e.Choice, Part: llm.Part{Logprobs: logprobs}})
	}
}

// flows reports whether a part is told as it grows.
func flows(k llm.PartKind) bool { return k == llm.PartText || k == llm.PartReasoning }

func (s *streamEncoder) delta(e *llm.Event) {
	c := s.choice(e.Choice)
	if c.skipped {
		return
	}
	if !s.own {
		s.loseLogprobs(e.Part.Logprobs)
	}
	if !flows(c.part.Kind) {
		c.held = append(c.held, e.Text...)
		if m := e.Part.Media; m != nil && c.part.Media != nil {
			c.part.Media.Data += m.Data
		}
		if len(c.held) > heldMost || c.part.Media != nil && len(c.part.Media.Data) > heldMost {
			s.fail(fault.New(fault.Upstream, "the answer has a part that is too long to be told at once"))
		}
		return
	}
	if e.Text == "" {
		c.logprobs = append(c.logprobs, llm.Event{Part: e.Part}.Clone().Part.Logprobs...)
		return
	}
	if c.part.Kind == llm.PartText {
		if c.joined += len(e.Text); len(c.text)+len(e.Text) == c.joined && c.joined <= heldMost {
			c.text = append(c.text, e.Text...)
		}
	}
	s.piece(e.Choice, c, e.Text, e.Part.Logprobs, nil)
}

// piece writes a piece of the open text or thought. Its Extra goes with the first, its seal and its citations with the
// last, which is empty.
func (s *streamEncoder) piece(n int, c *writtenChoice, text string, logprobs []llm.Logprob, cites []citation) {
	if len(c.logprobs) > 0 {
		logprobs = append(c.logprobs, logprobs...)
		c.logprobs = nil
	}
	w := s.beginPart().Open('{').Name("text").String(text)
	if c.part.Kind == llm.PartReasoning {
		w.Name("thought").Bool(true)
	}
	if text == "" {
		writeSeal(w, c.seal)
	}
	if s.own && c.part.Extra != nil {
		writePlain(w, c.part.Extra)
	}
	c.part.Extra = nil
	w.Close('}')
	s.endPart(n, logprobs, cites, c.text)
}

func (s *streamEncoder) cite(e *llm.Event) {
	c := s.choice(e.Choice)
	if c.skipped {
		return
	}
	cites := e.Clone().Part.Cites
	for i := range cites {
		if !s.own {
			loseCite(&s.losses, &cites[i])
		}
		c.cites = append(c.cites, citation{&cites[i], int64(c.from), -1}) // until the part closes its size is not known
	}
}

func (s *streamEncoder) close(e *llm.Event) {
	c := s.choice(e.Choice)
	if e.Part.Seal.Data != "" {
		c.seal = e.Part.Seal
	}
	if len(e.Part.Cites) > 0 {
		s.cite(e)
	}
	if len(e.Part.Logprobs) > 0 {
		s.delta(&llm.Event{Choice: e.Choice, Part: llm.Part{Logprobs: e.Part.Logprobs}})
	}
	if !s.own && !c.skipped {
		s.loseExtra(e.Part.Extra)
	}
	switch {
	case c.skipped:
	case flows(c.part.Kind):
		s.closeText(e.Choice, c)
	default:
		s.closeWhole(e, c)
	}
	c.part, c.skipped = llm.Part{}, false
}

func (s *streamEncoder) closeText(n int, c *writtenChoice) {
	size := c.joined - c.from
	kept := c.cites[:0]
	var here []citation
	for _, one := range c.cites {
		if one.to < 0 {
			if c.part.Kind != llm.PartText || size == 0 {
				s.losses.Add("answer.citations", "a citation of no text", llm.Dropped)
				continue
			}
			one = citationOf(one.cite, c.from, size)
			here = append(here, one)
		}
		kept = append(kept, one)
	}
	c.cites = kept
	if c.seal.Data != "" || here != nil || s.own && c.part.Extra != nil {
		s.piece(n, c, "", nil, here)
	}
}

// closeWhole writes a part that is told at once.
func (s *streamEncoder) closeWhole(e *llm.Event, c *writtenChoice) {
	p := c.part
	q := e.Clone().Part
	if q.Raw != nil {
		p.Raw = q.Raw
	}
	if q.Media != nil {
		p.Media = q.Media
	}
	for name, raw := range q.Extra {
		if s.own {
			p.Extra = dialect.With(p.Extra, name, raw)
		}
	}
	for _, id := range [...]struct{ to, from *string }{{&p.ID, &q.ID}, {&p.Name, &q.Name}} {
		if *id.from != "" {
			*id.to = *id.from
		}
	}
	p.Seal = c.seal
	if p.Kind == llm.PartCall {
		p.Args = string(c.held)
		if !s.own {
			s.arguments(&p)
		}
	} else {
		p.Text += string(c.held)
	}
	if p.Media != nil && !s.own && !s.medium(&p) {
		return
	}
	if p.Kind == llm.PartCall && p.By == llm.ByClient {
		s.mark(&p, &c.end)
	}
	writePart(s.beginPart(), &p, s.own)
	s.endPart(e.Choice, nil, nil, nil)
}

// last writes the last chunk: of each candidate why it ended, with what is known only then.
func (s *streamEncoder) last() {
	s.done = true
	if !s.own {
		loseUsage(&s.losses, &s.usage, s.tier)
	}
	w := s.begin()
	if len(s.choices) == 1 && s.own && s.frames == 1 && isBlock(&llm.Choice{Stop: s.choices[0].stop}) {
		w.Name("promptFeedback").Raw(s.choices[0].stop.Raw)
	} else {
		w.Name("candidates").Open('[')
		if len(s.choices) == 0 {
			s.choice(0)
		}
		for n := range s.choices {
			s.lastOf(n, &s.choices[n])
		}
		w.Close(']')
	}
	if s.counted || s.tier != "" {
		writeUsage(w.Name("usageMetadata"), &s.usage, s.tier, s.own)
	}
	if s.own {
		dialect.WriteExtra(w, s.extra)
	}
	w.Buf = append(w.Buf, s.tail...)
	s.finish()
	if s.array {
		s.w.Buf = append(s.w.Buf, "\r\n]"...)
	}
}

func (s *streamEncoder) lastOf(n int, c *writtenChoice) {
	w := &s.w
	w.Open('{').Name("content").Open('{').Name("parts").Open('[').Open('{').Name("text").String("").Close('}').Close(']')
	w.Name("role").String("model")
	if s.own {
		writeNested(w, c.extra, "content.")
	}
	w.Close('}')
	c.end.stop, c.end.own = &c.stop, s.own
	c.end.write(w, &s.losses)
	w.Name("index").Int(int64(n))
	s.writeRest(w, c.extra, c.cites, c.logprobs, c.text)
	w.Close('}')
}

func (s *streamEncoder) fail(f *fault.Fault) {
	s.done = true
	switch {
	case !s.array:
		s.w.Buf = generate{}.Fault(s.w.Buf, f, dialect.Stream)
	case s.frames == 0:
		s.w.Buf = generate{}.Fault(append(s.w.Buf, '['), f, dialect.Whole)
	default:
		s.w.Buf = generate{}.Fault(s.w.Buf, f, dialect.Element)
	}
}
