package converse

import (
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func (s *streamEncoder) open(e *llm.Event) {
	p, ok := s.head(&e.Part)
	s.part, s.state, s.grown, s.begun, s.seal, s.data = p, blockAwaiting, false, false, llm.Seal{}, nil
	if !ok {
		s.state = blockSkipped
		return
	}
	seal := p.Seal // of a part's head it is as good as one that follows
	s.part.Seal, s.part.Cites, s.part.Logprobs = llm.Seal{}, nil, nil
	switch p.Kind {
	case llm.PartCall:
		s.start("toolUse", func(w *rawjson.Writer) {
			s.call(w, &p)
			s.blockWriter.extra(w, &p)
		})
	case llm.PartImage:
		s.data = append(s.data, p.Media.Data...)
	case llm.PartResult: // of this dialect, given by a tool that the provider ran
		s.resultStart(&p)
	case llm.PartOpaque:
		s.startRaw(p.Raw)
	}
	s.part.Raw, s.part.Extra = nil, nil
	if seal.Data != "" {
		s.sealed(seal)
	}
	if len(p.Logprobs) > 0 {
		s.loseLogprobs()
	}
}

// start writes the start of the open part's block: a union of one member.
func (s *streamEncoder) start(member string, write func(*rawjson.Writer)) {
	s.state = blockOpen
	w := s.begin().Name("start").Open('{').Name(member).Open('{')
	write(w)
	w.Close('}').Close('}')
	s.numbered(eventBlockStart)
}

func (s *streamEncoder) startRaw(start []byte) {
	s.state = blockOpen
	s.begin().Name("start").Raw(start)
	s.numbered(eventBlockStart)
}

// numbered ends a message that is about the open block.
func (s *streamEncoder) numbered(event string) {
	s.w.Name("contentBlockIndex").Int(int64(s.index))
	s.send(event)
}

// resultStart writes the start of a result. Where the result is there whole, its content follows in one delta.
func (s *streamEncoder) resultStart(p *llm.Part) {
	whole := rawjson.Get(p.Raw, "toolResult")
	content := rawjson.Get(whole, "content")
	s.start("toolResult", func(w *rawjson.Writer) {
		for name, v := range rawjson.Members(whole) {
			if string(name) != "content" {
				w.Name(string(name)).Raw(v)
			}
		}
	})
	for range rawjson.Elems(content) {
		s.begin().Name("delta").Open('{').Name("toolResult").Raw(content).Close('}')
		s.numbered(eventDelta)
		break
	}
}

// beginDelta starts a delta of the open block; endDelta sends it.
func (s *streamEncoder) beginDelta() *rawjson.Writer {
	s.state = blockOpen
	w := s.begin()
	w.Name("contentBlockIndex").Int(int64(s.index))
	return w.Name("delta").Open('{')
}

func (s *streamEncoder) endDelta() {
	s.w.Close('}')
	s.send(eventDelta)
}

func (s *streamEncoder) delta(e *llm.Event) {
	if s.state == blockSkipped {
		return
	}
	if len(e.Part.Logprobs) > 0 {
		s.loseLogprobs()
	}
	switch s.part.Kind {
	case llm.PartOpaque, llm.PartResult:
		if e.Raw != nil && s.own {
			s.begin().Name("delta").Raw(e.Raw)
			s.numbered(eventDelta)
		}
	case llm.PartImage:
		if e.Part.Media != nil && len(s.data) < heldMost {
			s.data = append(s.data, e.Part.Media.Data...)
		}
	case llm.PartCall:
		text := e.Text
		if s.part.Free {
			text = s.free(text)
		}
		s.input(text)
	case llm.PartReasoning:
		if e.Text != "" {
			s.grown = true
			s.beginDelta().Name("reasoningContent").Open('{').Name("text").String(e.Text).Close('}')
			s.endDelta()
		}
	default:
		if e.Text != "" {
			s.beginDelta().Name("text").String(e.Text)
			s.endDelta()
		}
	}
}

func (s *streamEncoder) input(text string) {
	if text == "" {
		return
	}
	s.grown = true
	s.beginDelta().Name("toolUse").Open('{').Name("input").String(text).Close('}')
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

func (s *streamEncoder) sealed(seal llm.Seal) {
	switch {
	case s.state == blockSkipped || seal.Data == "":
	case s.part.Kind == llm.PartReasoning:
		s.seal = seal
	case !s.own:
		s.strayed(seal)
	}
}

func (s *streamEncoder) cite(e *llm.Event) {
	if s.state == blockSkipped || s.part.Kind != llm.PartText {
		return
	}
	for _, c := range s.cites(e.Part.Cites) {
		w := s.beginDelta().Name("citation")
		writeCite(w, &c, s.own)
		s.endDelta()
	}
}

func (s *streamEncoder) close(e *llm.Event) {
	if len(e.Part.Logprobs) > 0 {
		s.loseLogprobs()
	}
	if s.state != blockSkipped {
		s.sealed(e.Part.Seal)
		s.cite(e)
		s.last()
	}
	if !s.own {
		s.loseExtra(e.Part.Extra)
	}
	if s.state == blockOpen {
		s.begin()
		s.numbered(eventBlockStop)
		s.index++
	}
	s.state, s.part = blockSkipped, llm.Part{}
}

// last writes what a block waits with until its end.
func (s *streamEncoder) last() {
	switch s.part.Kind {
	case llm.PartCall:
		if s.part.Free {
			s.input(s.free("") + `"}`)
		}
		if !s.grown { // what the SDKs parse must be JSON
			s.input("{}")
		}
	case llm.PartReasoning:
		if s.seal.Data == "" {
			return
		}
		w := s.beginDelta().Name("reasoningContent").Open('{')
		if s.seal.Form == llm.SealEncrypted && !s.grown {
			w.Name("redactedContent").String(redacted(s.seal, s.native))
		} else {
			w.Name("signature").String(s.seal.Text(s.native, llm.SealSignature))
		}
		w.Close('}')
		s.endDelta()
	case llm.PartImage:
		s.picture()
	}
}

func (s *streamEncoder) picture() {
	if len(s.data) == 0 || len(s.data) >= heldMost {
		if !s.own || len(s.data) > 0 {
			s.loseImage()
		}
		return
	}
	typ := s.part.Media.Type
	if typ == "" {
		typ = guess(string(s.data[:min(len(s.data), 16)]))
	}
	word := formatOf(llm.PartImage, typ)
	if word == "" {
		s.loseImage()
		return
	}
	s.start("image", func(w *rawjson.Writer) { w.Name("format").String(word) })
	s.beginDelta().Name("image").Open('{').Name("source").Open('{').Name("bytes").String(string(s.data)).Close('}').Close('}')
	s.endDelta()
	s.data = nil
}
