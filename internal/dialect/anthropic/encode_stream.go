package anthropic

import (
	"iter"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeStream implements dialect.Codec. message_start waits for the second event, which may bring the usage it states;
// a thought waits for its first piece, which tells whether it is redacted. The stop reason and the usage go out together
// at the end.
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
	w     rawjson.Writer // of one frame
	data  int            // where in it the data of its last event begin
	start *llm.Event     // the start that waits
	done  bool
	index int // of the next block
	state blockState
	part  llm.Part // the part that is open, without its text
	begun bool     // the object around its free text has begun
	vouch string   // its signature: it goes out last, whenever it came
	stop  llm.Stop
	usage llm.Usage
	tier  string
	extra llm.Extra
}

// blockState says what has gone out of the open part.
type blockState uint8

const (
	blockSkipped  blockState = iota // nothing, and nothing will
	blockAwaiting                   // nothing yet
	blockOpen                       // its start
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
	if s.start != nil && e.Kind != llm.EventUsage && e.Kind != llm.EventFault {
		s.messageStart()
	}
	switch e.Kind {
	case llm.EventStart:
		s.own = e.From == llm.AnthropicMessages
		start := e.Clone()
		s.start, s.tier = &start, e.Tier
		if !s.own {
			s.loseExtra(e.Extra)
		}
	case llm.EventOpen:
		s.open(e)
	case llm.EventDelta:
		s.delta(e)
	case llm.EventSeal:
		s.seal(e.Part.Seal)
	case llm.EventCite:
		s.cite(e)
	case llm.EventClose:
		s.close(e)
	case llm.EventStop:
		s.stop = e.Clone().Stop
		s.keep(e.Extra)
	case llm.EventUsage:
		u := *e.Clone().Usage
		s.usage.Merge(&u)
		if s.start != nil {
			s.messageStart()
		}
	case llm.EventPing:
		s.begin("ping")
		s.end()
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

func (s *streamEncoder) messageStart() {
	e := s.start
	s.start = nil
	w := s.begin("message_start").Name("message").Open('{')
	s.writeHead(w, e.ID, e.Model)
	w.Name("content").Open('[').Close(']')
	w.Name("stop_reason").Null().Name("stop_sequence").Null()
	writeUsage(w.Name("usage"), &s.usage, s.tier, s.own)
	if s.own {
		dialect.WriteExtra(w, e.Extra)
	}
	w.Close('}')
	s.end()
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

func (s *streamEncoder) open(e *llm.Event) {
	p, ok := s.head(&e.Part)
	s.part, s.state = p, blockAwaiting
	if !ok {
		s.state = blockSkipped
		if p.Seal.Data != "" {
			s.seal(p.Seal)
		}
		return
	}
	seal := p.Seal // of a part's head it is as good as one that follows
	s.part.Seal, s.part.Cites, s.part.Logprobs = llm.Seal{}, nil, nil
	switch {
	case p.Kind == llm.PartReasoning:
		s.part.Extra = e.Clone().Part.Extra // it waits
	case s.own || p.Kind == llm.PartCall:
		s.blockStart()
	}
	s.part.Raw = nil
	if seal.Data != "" {
		s.seal(seal)
	}
	if len(p.Logprobs) > 0 {
		s.loseLogprobs()
	}
}

// blockStart writes the start of the open part's block, which has no text and no arguments yet.
func (s *streamEncoder) blockStart() {
	s.state = blockOpen
	w := s.begin("content_block_start").Name("index").Int(int64(s.index)).Name("content_block")
	writeBlock(w, &s.part, s.own)
	s.end()
}

// ready makes sure that the open part's block has begun; false if it has no place here.
func (s *streamEncoder) ready() bool {
	if s.state == blockAwaiting {
		s.blockStart()
	}
	return s.state == blockOpen
}

func (s *streamEncoder) beginDelta(typ string) *rawjson.Writer {
	return s.begin("content_block_delta").Name("index").Int(int64(s.index)).Name("delta").Open('{').Name("type").String(typ)
}

func (s *streamEncoder) endDelta() {
	s.w.Close('}')
	s.end()
}

func (s *streamEncoder) delta(e *llm.Event) {
	if s.state == blockSkipped {
		return
	}
	if len(e.Part.Logprobs) > 0 {
		s.loseLogprobs()
	}
	if s.part.Kind == llm.PartOpaque {
		if e.Raw != nil && s.ready() {
			s.begin("content_block_delta").Name("index").Int(int64(s.index)).Name("delta").Raw(e.Raw)
			s.end()
		}
		return
	}
	if e.Text == "" && !s.own || !s.ready() {
		return
	}
	switch s.part.Kind {
	case llm.PartCall:
		text := e.Text
		if s.part.Free {
			text = s.free(text)
		}
		s.beginDelta("input_json_delta").Name("partial_json").String(text)
	case llm.PartReasoning:
		s.beginDelta("thinking_delta").Name("thinking").String(e.Text)
	default:
		s.beginDelta("text_delta").Name("text").String(e.Text)
	}
	s.endDelta()
}

// free returns the next piece of the object that free text is the one argument of.
func (s *streamEncoder) free(text string) string {
	piece := rawjson.AppendString(nil, text)
	piece = piece[1 : len(piece)-1]
	if s.begun {
		return string(piece)
	}
	s.begun = true
	return `{"input":"` + string(piece)
}

func (s *streamEncoder) seal(seal llm.Seal) {
	if s.state == blockSkipped || s.part.Kind != llm.PartReasoning {
		s.strayed(llm.Seal{By: "another maker, on a part that is no reasoning", Form: llm.SealSignature, Data: seal.Data})
		return
	}
	if seal.Form == llm.SealEncrypted && s.state == blockAwaiting {
		s.part.Seal = seal
		s.blockStart()
		return
	}
	s.ready()
	s.vouch = seal.Text(maker, llm.SealSignature)
}

func (s *streamEncoder) cite(e *llm.Event) {
	if s.state == blockSkipped {
		return
	}
	for _, c := range s.cites(e.Part.Cites) {
		if s.part.Kind == llm.PartText && s.ready() {
			w := s.beginDelta("citations_delta").Name("citation")
			writeCite(w, &c, s.own)
			s.endDelta()
		}
	}
}

func (s *streamEncoder) close(e *llm.Event) {
	if len(e.Part.Logprobs) > 0 {
		s.loseLogprobs()
	}
	if e.Part.Seal.Data != "" {
		s.seal(e.Part.Seal)
	}
	s.cite(e)
	if s.vouch != "" && s.state == blockOpen {
		s.beginDelta("signature_delta").Name("signature").String(s.vouch)
		s.endDelta()
	}
	s.vouch = ""
	if !s.own {
		s.loseExtra(e.Part.Extra)
	}
	if s.state == blockAwaiting && s.own {
		s.blockStart()
	}
	if s.state == blockOpen && s.part.Free {
		s.beginDelta("input_json_delta").Name("partial_json").String(s.free("") + `"}`)
		s.endDelta()
		s.begun = false
	}
	if s.state == blockOpen {
		s.begin("content_block_stop").Name("index").Int(int64(s.index))
		s.end()
		s.index++
	}
	s.state, s.part = blockSkipped, llm.Part{}
}

// note passes on an event that only this dialect understands, unless it belongs to a block (blocks are numbered anew) or
// is one that did not fit where it came.
func (s *streamEncoder) note(raw []byte) {
	typ := rawjson.Text(rawjson.Get(raw, "type"))
	ours := strings.HasPrefix(typ, "message_") || strings.HasPrefix(typ, "content_block_") || typ == "error"
	if !s.own || !isEventName(typ) || ours || rawjson.Get(raw, "index") != nil {
		s.losses.Add("answer.opaque", "only its own dialect understands it", llm.Dropped)
		return
	}
	s.begin(typ)
	s.w.Buf = append(s.w.Buf[:s.data], raw...)
	s.endData()
}

func isEventName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c == '_' || c == '.') {
			return false
		}
	}
	return s != ""
}

func (s *streamEncoder) finish() {
	s.done = true
	if !s.own {
		loseUsage(&s.losses, &s.usage, s.tier)
	}
	w := s.begin("message_delta").Name("delta").Open('{')
	ending{s.stop, s.own, s.called, s.refused}.write(w, &s.losses)
	if c := s.extra["container"]; c != nil {
		w.Name("container").Raw(c)
	}
	w.Close('}')
	writeUsage(w.Name("usage"), &s.usage, s.tier, s.own)
	dialect.WriteExtra(w, s.extra, "container")
	s.end()
	s.begin("message_stop")
	s.end()
}

func (s *streamEncoder) fail(f *fault.Fault) {
	s.done = true
	s.w.Buf = messages{}.Fault(s.w.Buf, f, dialect.Stream)
}
