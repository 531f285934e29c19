package openaichat

import (
	"strings"

	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func (e *streamEncoder) open(c *choiceEncoder, ev *llm.Event) {
	p := ev.Part
	if ev.Part.Extra != nil {
		p = ev.Clone().Part
	}
	c.skip, c.said, c.hold = false, false, false
	c.held.Reset()
	c.text = textLike{}
	if !e.own {
		if c.skip = !sayable(&e.lost, &p); c.skip {
			return
		}
		e.lost.foreign(p.Extra)
		p.Extra = nil
	}
	c.part = p
	switch p.Kind {
	case llm.PartText, llm.PartReasoning, llm.PartRefusal: // without a text it is not said
	default:
		e.place(c)
	}
	switch p.Kind {
	case llm.PartCall:
		e.openCall(c)
	case llm.PartJSON:
		c.hold = true
	case llm.PartAudio:
		if p.ID == "" && !e.own {
			p.ID = soundID(e.head.ID, c.n)
		}
		if p.ID != "" && p.Name != wordInContent {
			w := e.chunk(c)
			w.Name("audio").Open('{').Name("id").String(p.ID).Close('}')
			e.finish(&w)
		}
		if p.Media != nil && p.Media.Data != "" {
			e.sound(c, "", p.Media.Data)
		}
	case llm.PartImage, llm.PartOpaque, llm.PartFile, llm.PartVideo:
		e.item(c)
	case llm.PartRefusal:
		c.refused = true
	case llm.PartReasoning:
		if p.Name == wordDetails {
			c.detail++
		}
	}
	if p.Seal.Data != "" && p.Kind != llm.PartCall {
		e.seal(c, &p.Seal)
	}
	if p.Kind == llm.PartCall && p.Seal.Data != "" && !e.own {
		loseSeal(&e.lost, &p.Seal)
	}
}

// place names it where a part does not come in the order chat says them. Our own chunks keep theirs.
func (e *streamEncoder) place(c *choiceEncoder) {
	if e.own {
		return
	}
	r := rank(&c.part, false)
	if r >= 0 && r < c.rank {
		e.lost.add("answer.order", otherOrder, llm.Changed)
	}
	c.rank = max(c.rank, r)
}

// item writes a part that comes in one piece.
func (e *streamEncoder) item(c *choiceEncoder) {
	p := &c.part
	w := e.chunk(c)
	switch {
	case p.Kind == llm.PartImage && p.Name != wordInContent:
		w.Name("images").Open('[')
		writeItem(&w, p)
		w.Close(']')
	case p.Kind == llm.PartOpaque && p.Name == wordDetails:
		w.Name("reasoning_details").Open('[').Raw(p.Raw).Close(']')
	default:
		w.Name("content").Open('[')
		writeItem(&w, p)
		w.Close(']')
	}
	c.part.Extra = nil
	e.finish(&w)
}

func (e *streamEncoder) openCall(c *choiceEncoder) {
	p := &c.part
	c.known = legacy(p.Raw) || e.functions && !e.own
	if e.functions && !e.own && c.calls > 0 {
		e.lost.add("answer.calls", "a function_call is one call; the others are not said", llm.Dropped)
		c.skip = true
		return
	}
	c.wire = c.calls
	c.calls++
	if p.By != llm.ByClient && p.Raw != nil {
		w := e.chunk(c)
		w.Name("tool_calls").Open('[').Raw(p.Raw).Close(']')
		e.finish(&w)
		c.skip = true
		return
	}
	if !e.own && !p.Free && isCustom(e.req, p.Name) {
		p.Free, c.hold = true, true
	}
	w := e.chunk(c)
	if c.known {
		w.Name("function_call").Open('{').Name("name").String(p.Name).Name("arguments").String("")
		openai.WriteNested(&w, p.Extra, "function_call")
		w.Close('}')
		p.Extra = nil
		e.finish(&w)
		return
	}
	head := *p
	head.Args = ""
	w.Name("tool_calls").Open('[').Open('{').Name("index").Int(int64(c.wire))
	writeCallHead(&w, &head, e.own)
	w.Close('}').Close(']')
	p.Extra, p.Cache = nil, nil
	e.finish(&w)
}

// writeCallHead writes what a call's first piece says: everything but its arguments.
func writeCallHead(w *rawjson.Writer, p *llm.Part, own bool) {
	writeCall(w, p, p.ID, true)
	if own && p.Seal.Data != "" {
		writeGoogleSeal(w, &p.Seal)
	}
}

func (e *streamEncoder) delta(c *choiceEncoder, ev *llm.Event) {
	if c.skip {
		return
	}
	if c.hold {
		if c.held.Len()+len(ev.Text) > heldMost {
			e.overflow()
			return
		}
		c.held.WriteString(ev.Text)
		return
	}
	if c.part.Kind == llm.PartAudio {
		data := ""
		if ev.Part.Media != nil {
			data = ev.Part.Media.Data
		}
		e.sound(c, ev.Text, data)
		return
	}
	if !c.said && ev.Text != "" {
		c.said = true
		e.place(c)
	}
	if c.part.Kind == llm.PartText {
		c.text.track(ev.Text)
	}
	w := e.chunk(c)
	e.piece(&w, c, ev.Text)
	if len(ev.Part.Logprobs) == 0 {
		e.finish(&w)
		return
	}
	w.Close('}').Name("logprobs")
	e.logs(&w, c, ev.Part.Logprobs)
	w.Name("finish_reason").Null().Close('}').Close(']')
	e.rest(&w)
}

// piece writes a piece of the open part into a delta.
func (e *streamEncoder) piece(w *rawjson.Writer, c *choiceEncoder, text string) {
	switch p := &c.part; p.Kind {
	case llm.PartText, llm.PartJSON:
		w.Name("content").String(text)
	case llm.PartRefusal:
		w.Name("refusal").String(text)
	case llm.PartReasoning:
		switch p.Name {
		case wordReasoning:
			w.Name("reasoning").String(text)
		case wordDetails:
			w.Name("reasoning").String(text).Name("reasoning_details").Open('[').Open('{')
			name := "text"
			if p.Summary {
				name = "summary"
			}
			writeDetailHead(w, "reasoning."+name, c.detail-1)
			w.Name(name).String(text)
			e.detailRest(w, p)
			w.Close('}').Close(']')
		case wordThinking:
			w.Name("content").Open('[')
			q := *p
			q.Text, q.Extra, q.Cache = text, nil, nil
			writeItem(w, &q)
			w.Close(']')
		default:
			w.Name("reasoning_content").String(text)
		}
	case llm.PartCall:
		if c.known {
			w.Name("function_call").Open('{').Name("arguments").String(text).Close('}')
			return
		}
		inner, args := "function", "arguments"
		if p.Free {
			inner, args = "custom", "input"
		}
		w.Name("tool_calls").Open('[').Open('{').Name("index").Int(int64(c.wire))
		w.Name(inner).Open('{').Name(args).String(text).Close('}').Close('}').Close(']')
	}
}

// detailRest writes what a detail says once.
func (e *streamEncoder) detailRest(w *rawjson.Writer, p *llm.Part) {
	if p.Item != "" {
		w.Name("id").String(p.Item)
		p.Item = ""
	}
	openai.WriteExtra(w, p.Extra)
	p.Extra = nil
}

func (e *streamEncoder) logs(w *rawjson.Writer, c *choiceEncoder, all []llm.Logprob) {
	if !e.own {
		loseLogprobs(&e.lost, all)
	}
	switch c.part.Kind {
	case llm.PartRefusal:
		writeChoiceLogs(w, nil, all, nil, nil, e.own)
	case llm.PartReasoning:
		writeChoiceLogs(w, nil, nil, all, nil, e.own)
	default:
		writeChoiceLogs(w, all, nil, nil, nil, e.own)
	}
}

func (e *streamEncoder) sound(c *choiceEncoder, text, data string) {
	w := e.chunk(c)
	w.Name("audio").Open('{')
	if text != "" {
		w.Name("transcript").String(text)
	}
	if data != "" {
		w.Name("data").String(data)
	}
	w.Close('}')
	e.finish(&w)
}

// seal writes the seal of a reasoning detail; every other is lost.
func (e *streamEncoder) seal(c *choiceEncoder, s *llm.Seal) {
	p := &c.part
	if c.skip {
		return
	}
	if !e.own || p.Name != wordDetails || p.Kind != llm.PartReasoning {
		loseSeal(&e.lost, s)
		return
	}
	q := llm.Part{Kind: llm.PartReasoning, Seal: *s, Summary: p.Summary, Item: p.Item, Extra: p.Extra}
	p.Item, p.Extra = "", nil
	w := e.chunk(c)
	w.Name("reasoning_details").Open('[')
	writeDetail(&w, &q, c.detail-1)
	w.Close(']')
	e.finish(&w)
}

func (e *streamEncoder) cite(c *choiceEncoder, cite *llm.Cite) {
	if c.skip {
		return
	}
	if !e.own {
		loseCites(&e.lost, []llm.Cite{*cite})
		if cite.Kind != "url" {
			return
		}
	}
	own := *cite
	if !e.own {
		own.Extra = nil
	}
	if own.Start == 0 && own.End == 0 && !e.own { // the whole part, whose end is not known yet
		c.text.cites = append(c.text.cites, placedCite{cite: own})
		return
	}
	from, to := c.chars(own.Start), c.chars(own.End)
	if own.Start == 0 && own.End == 0 {
		from, to = 0, 0
	}
	e.annotation(c, &own, from, to)
}

// chars returns how many characters of the choice's text stand before byte n of the open part.
func (c *choiceEncoder) chars(n int64) int64 {
	if n <= int64(c.text.ascii) {
		return c.runes + n
	}
	return c.runes + int64(c.text.ascii) + charsAt(c.text.rest.String(), n-int64(c.text.ascii))
}

func (e *streamEncoder) annotation(c *choiceEncoder, cite *llm.Cite, from, to int64) {
	w := e.chunk(c)
	w.Name("annotations").Open('[')
	writeCitation(&w, cite, from, to)
	w.Close(']')
	e.finish(&w)
}

func (e *streamEncoder) close(c *choiceEncoder, ev *llm.Event) {
	if c.skip {
		return
	}
	p := &c.part
	if ev.Part.Seal.Data != "" {
		e.seal(c, &ev.Part.Seal)
	}
	if ev.Part.Extra != nil {
		if e.own {
			q := ev.Clone().Part
			for name, v := range q.Extra {
				openai.Keep(&p.Extra, name, v)
			}
		} else {
			e.lost.foreign(ev.Part.Extra)
		}
	}
	if c.hold {
		e.letGo(c)
	}
	switch p.Kind {
	case llm.PartCall:
		if !c.said && !p.Free && !e.own {
			w := e.chunk(c)
			e.piece(&w, c, "{}")
			e.finish(&w)
		}
	case llm.PartText:
		end := int64(c.text.ascii + c.text.rest.Len())
		if end == 0 && len(c.text.cites) > 0 {
			e.lost.add("answer.citations", "the text they are about is empty", llm.Dropped)
			c.text.cites = nil
		}
		for i := range c.text.cites {
			e.annotation(c, &c.text.cites[i].cite, c.runes, c.chars(end))
		}
		c.runes = c.chars(end)
	}
	if p.Extra != nil {
		e.late(c)
	}
	c.part = llm.Part{}
}

// letGo writes what was held of the open part.
func (e *streamEncoder) letGo(c *choiceEncoder) {
	text := c.held.String()
	c.hold, c.said = false, true
	w := e.chunk(c)
	switch {
	case c.part.Kind == llm.PartJSON && e.own:
		w.Name("content").Raw([]byte(text))
	case c.part.Kind == llm.PartCall:
		e.piece(&w, c, unwrap(strings.TrimSpace(text)))
	default:
		e.piece(&w, c, text)
	}
	e.finish(&w)
}

// late writes the members of the open part that became known last.
func (e *streamEncoder) late(c *choiceEncoder) {
	p := &c.part
	w := e.chunk(c)
	switch p.Kind {
	case llm.PartAudio:
		w.Name("audio").Open('{')
		openai.WriteExtra(&w, p.Extra)
		w.Close('}')
	case llm.PartReasoning:
		if p.Name == wordDetails {
			q := *p
			q.Text = ""
			w.Name("reasoning_details").Open('[')
			writeDetail(&w, &q, c.detail-1)
			w.Close(']')
			break
		}
		fallthrough
	case llm.PartText, llm.PartRefusal:
		q := *p
		q.Text = ""
		w.Name("content").Open('[')
		writeItem(&w, &q)
		w.Close(']')
	case llm.PartCall:
		w.Name("tool_calls").Open('[').Open('{').Name("index").Int(int64(c.wire))
		openai.WriteExtra(&w, p.Extra)
		w.Close('}').Close(']')
	}
	p.Extra = nil
	e.finish(&w)
}
