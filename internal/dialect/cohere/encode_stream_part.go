package cohere

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func (s *streamEncoder) open(e *llm.Event) {
	p, ok := s.head(&e.Part)
	s.text, s.cites, s.free, s.said = s.text[:0], nil, false, false
	s.part, s.state = p, partAwaiting
	if !ok {
		s.state = partSkipped
		return
	}
	if !s.own {
		dialect.LoseSeal(p.Seal, &s.losses)
	}
	s.part.Seal, s.part.Cites, s.part.Logprobs = llm.Seal{}, nil, nil
	if s.own || p.Kind == llm.PartCall {
		s.begun()
	}
	s.part.Extra, s.part.Raw = nil, nil // they are written, and not ours to keep
	s.cite(e.Part.Cites)
	s.log("", e.Part.Logprobs)
}

// isPlan reports whether the open part is the plan, which has neither start nor end.
func (s *streamEncoder) isPlan() bool {
	return s.part.Kind == llm.PartReasoning && s.part.Name == wordPlan
}

// begun writes the start of the open part.
func (s *streamEncoder) begun() {
	s.state = partOpen
	switch {
	case s.isPlan():
	case s.part.Kind == llm.PartCall:
		w := s.begin(eventCallStart).Name("index").Int(int64(s.calls))
		w.Name("delta").Open('{').Name("message").Open('{').Name("tool_calls")
		writeCall(w, &s.part, "", s.own)
		w.Close('}').Close('}')
		s.end()
	default:
		if s.calls > 0 && !s.own {
			s.losses.Add("answer.order", "thoughts and texts stand before calls here", llm.Changed)
		}
		w := s.begin(eventContentStart).Name("index").Int(int64(s.content))
		w.Name("delta").Open('{').Name("message").Open('{').Name("content")
		writeItem(w, &s.part, s.own)
		w.Close('}').Close('}')
		s.end()
	}
}

// ready makes sure that the open part has begun; false if it has no place here.
func (s *streamEncoder) ready() bool {
	if s.state == partAwaiting {
		s.begun()
	}
	return s.state == partOpen
}

func (s *streamEncoder) delta(e *llm.Event) {
	if s.state == partSkipped {
		dialect.LoseHung(&e.Part, &s.losses)
		return
	}
	if len(e.Part.Logprobs) > 0 {
		s.log(e.Text, e.Part.Logprobs)
		return
	}
	if e.Text == "" && !s.own || !s.ready() {
		return
	}
	s.said = true
	if s.part.Kind == llm.PartCall {
		text := e.Text
		if s.part.Free {
			text = s.wrap(text)
		}
		s.grow(text)
		return
	}
	s.hold(e.Text)
	s.piece(e.Text)
}

// grow writes a piece of the arguments of the open call.
func (s *streamEncoder) grow(args string) {
	w := s.begin(eventCallDelta).Name("index").Int(int64(s.calls))
	w.Name("delta").Open('{').Name("message").Open('{').Name("tool_calls").Open('{')
	w.Name("function").Open('{').Name("arguments").String(args)
	w.Close('}').Close('}').Close('}').Close('}')
	s.end()
}

// wrap returns the next piece of the object that free text is the one argument of.
func (s *streamEncoder) wrap(text string) string {
	piece := rawjson.AppendString(nil, text)
	piece = piece[1 : len(piece)-1]
	if s.free {
		return string(piece)
	}
	s.free = true
	s.losses.Add("answer.arguments", "free text is wrapped in an object", llm.Changed)
	return `{"input":"` + string(piece)
}

// piece writes a piece of the open text, thought or plan.
func (s *streamEncoder) piece(text string) {
	if s.isPlan() {
		w := s.begin(eventPlanDelta).Name("delta").Open('{').Name("message").Open('{')
		w.Name(wordPlan).String(text).Close('}').Close('}')
		s.end()
		return
	}
	s.beginPiece(text)
	s.end()
}

func (s *streamEncoder) beginPiece(text string) *rawjson.Writer {
	member := "text"
	if s.part.Kind == llm.PartReasoning {
		member = "thinking"
	}
	w := s.begin(eventContentDelta).Name("index").Int(int64(s.content))
	w.Name("delta").Open('{').Name("message").Open('{').Name("content").Open('{').Name(member).String(text)
	return w.Close('}').Close('}').Close('}')
}

// log writes a piece with log probabilities; each event has room for one item of them.
func (s *streamEncoder) log(text string, all []llm.Logprob) {
	if len(all) == 0 || s.state == partSkipped {
		return
	}
	content := s.part.Kind == llm.PartText || s.part.Kind == llm.PartReasoning && !s.isPlan()
	if !s.own {
		loseLogprobs(all, &s.losses)
		if !content || text == "" && len(s.text) == 0 {
			s.losses.Add("answer.logprobs", "they are those of a text", llm.Changed)
		}
	}
	if !content || text == "" && len(s.text) == 0 && !s.own || !s.ready() {
		if text != "" {
			s.delta(&llm.Event{Text: text})
		}
		return
	}
	s.hold(text)
	for len(all) > 0 {
		n := logItem(all)
		writeLogprobs(s.beginPiece(text).Name("logprobs"), all[:n], s.own)
		s.end()
		all, text = all[n:], ""
	}
}

// cite writes citations of the open part. One of the whole of another dialect's waits for its end.
func (s *streamEncoder) cite(cites []llm.Cite) {
	if s.state == partSkipped || len(cites) == 0 {
		dialect.LoseHung(&llm.Part{Cites: cites}, &s.losses)
		return
	}
	if !s.own {
		if s.part.Kind == llm.PartCall {
			s.losses.Add("answer.citations", "a call is not cited here", llm.Dropped)
			return
		}
		cites = s.answerEncoder.cites(&llm.Part{Cites: cites})
	}
	for i := range cites {
		c := &cites[i]
		if !s.own && (c.Start == 0 && c.End == 0 || int(c.End) > len(s.text)) {
			late := *c
			late.Extra = nil
			s.cites = append(s.cites, late)
			continue
		}
		s.citation(c)
	}
}

func (s *streamEncoder) citation(c *llm.Cite) {
	index := s.content
	if s.isPlan() {
		index = -1
	}
	w := s.begin(eventCitationStart).Name("index").Int(int64(s.cited))
	w.Name("delta").Open('{').Name("message").Open('{').Name("citations")
	writeCite(w, c, s.part.Kind, string(s.text), index, s.own)
	w.Close('}').Close('}')
	s.end()
	s.begin(eventCitationEnd).Name("index").Int(int64(s.cited))
	s.end()
	s.cited++
}

func (s *streamEncoder) close(e *llm.Event) {
	if s.state == partSkipped {
		dialect.LoseHung(&e.Part, &s.losses)
		return
	}
	if !s.own {
		dialect.LoseSeal(e.Part.Seal, &s.losses)
		s.loseExtra(e.Part.Extra)
	}
	s.log("", e.Part.Logprobs)
	s.cite(e.Part.Cites)
	switch {
	case s.state == partOpen:
		for i := range s.cites {
			s.citation(&s.cites[i])
		}
	case len(s.cites) > 0:
		s.losses.Add("answer.citations", "the text they are about is empty", llm.Dropped)
	}
	switch {
	case s.state != partOpen || s.isPlan():
	case s.part.Kind == llm.PartCall:
		if s.part.Free {
			s.grow(s.wrap("") + `"}`)
		} else if !s.said && !s.own {
			s.grow("{}")
		}
		s.begin(eventCallEnd).Name("index").Int(int64(s.calls))
		s.end()
		s.calls++
	default:
		s.begin(eventContentEnd).Name("index").Int(int64(s.content))
		s.end()
		s.content++
	}
	s.state, s.part = partSkipped, llm.Part{}
}
