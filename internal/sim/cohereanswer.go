package sim

import (
	"fmt"
	"net/http"
	"unicode/utf8"

	"weir/internal/rawjson"
)

// cohere answers POST /v2/chat.
func (x *exchange) cohere() error {
	if err := x.object(); err != nil {
		return err
	}
	c := &cohereReader{body: x.body}
	c.q.seed, c.q.same, c.q.script = x.seed, x.p.Seed, x.p.Script
	c.read()
	if c.bad != nil {
		return c.bad
	}
	q := &c.q
	if err := x.readable(q); err != nil {
		return err
	}
	if done, err := x.misbehave(q.model.ID, q.stream); done || err != nil {
		return err
	}
	w := &cohereWriter{cohereReader: c, x: x, a: q.answer(0), cached: x.readCached(q)}
	if q.stream {
		return w.stream()
	}
	x.write(http.StatusOK, "application/json", w.whole())
	return nil
}

// cohereWriter writes an answer as Cohere's.
type cohereWriter struct {
	*cohereReader
	x      *exchange
	a      answer
	cached int64 // tokens read from the cache
}

func (w *cohereWriter) id() string {
	a, b := mix(w.q.seed, 1), mix(w.q.seed, 2)
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

func (w *cohereWriter) finish() string {
	return map[stop]string{
		stopEnd: "COMPLETE", stopSequence: "STOP_SEQUENCE", stopLength: "MAX_TOKENS", stopCalls: "TOOL_CALL", stopRefusal: "COMPLETE",
	}[w.a.stop]
}

// said returns the answer's text and its plan: what is said before calls is the plan.
func (w *cohereWriter) said() (text, plan string) {
	if len(w.a.calls) > 0 {
		return "", w.a.text
	}
	return w.a.text, ""
}

// usage writes the counts of tokens; billed is what is asked and said, without what Cohere itself puts around it.
func (w *cohereWriter) usage(j *rawjson.Writer) {
	j.Name("usage").Open('{').Name("billed_units").Open('{').Name("input_tokens").Int(w.q.input - aroundPrompt)
	j.Name("output_tokens").Int(w.a.output).Close('}')
	j.Name("tokens").Open('{').Name("input_tokens").Int(w.q.input).Name("output_tokens").Int(w.a.output)
	if w.a.thinking > 0 {
		j.Name("reasoning_tokens").Int(w.a.thinking)
	}
	j.Close('}').Name("cached_tokens").Int(w.cached).Close('}')
}

func (w *cohereWriter) writeCall(j *rawjson.Writer, c call, args string) {
	j.Open('{').Name("id").String(c.name + "_" + c.id[:12]).Name("type").String("function")
	j.Name("function").Open('{').Name("name").String(c.name).Name("arguments").String(args).Close('}').Close('}')
}

// citations are the cites of the answer, which Cohere counts in letters of the content they are in.
func (w *cohereWriter) citations() []cite {
	if text, _ := w.said(); !w.cites || text == "" {
		return nil
	}
	return w.a.cites
}

func (w *cohereWriter) writeCitation(j *rawjson.Writer, c cite, content int) {
	text := w.a.text
	start := utf8.RuneCountInString(text[:c.start])
	j.Open('{').Name("start").Int(int64(start)).Name("end").Int(int64(start + utf8.RuneCountInString(text[c.start:c.end])))
	j.Name("text").String(text[c.start:c.end]).Name("sources").Open('[').Open('{')
	if c.document {
		d := w.q.documents[c.index]
		j.Name("type").String("document").Name("id").String(d.id).Name("document").Open('{').Name("id").String(d.id)
		if d.title != "" {
			j.Name("title").String(d.title)
		}
		j.Name("text").String(d.text).Close('}')
	} else {
		j.Name("type").String("tool").Name("id").String(w.results[c.index] + ":0")
		j.Name("tool_output").Open('{').Name("content").String(w.q.last().results[c.index].text).Close('}')
	}
	j.Close('}').Close(']').Name("type").String("TEXT_CONTENT").Name("content_index").Int(int64(content)).Close('}')
}

// whole writes the answer that is not streamed.
func (w *cohereWriter) whole() []byte {
	j := &rawjson.Writer{}
	text, plan := w.said()
	j.Open('{').Name("id").String(w.id()).Name("message").Open('{').Name("role").String("assistant")
	n := 0
	if w.a.thought != "" || text != "" {
		j.Name("content").Open('[')
		if w.a.thought != "" {
			j.Open('{').Name("type").String("thinking").Name("thinking").String(w.a.thought).Close('}')
			n++
		}
		if text != "" {
			j.Open('{').Name("type").String("text").Name("text").String(text).Close('}')
		}
		j.Close(']')
	}
	if plan != "" {
		j.Name("tool_plan").String(plan)
	}
	if len(w.a.calls) > 0 {
		j.Name("tool_calls").Open('[')
		for _, c := range w.a.calls {
			w.writeCall(j, c, c.args)
		}
		j.Close(']')
	}
	if cites := w.citations(); len(cites) > 0 {
		j.Name("citations").Open('[')
		for _, c := range cites {
			w.writeCitation(j, c, n)
		}
		j.Close(']')
	}
	j.Close('}').Name("finish_reason").String(w.finish())
	w.usage(j)
	if w.seenLog {
		j.Name("logprobs").Open('[')
		for i, t := range pieces(text) {
			h := mix(w.q.seed, uint64(len(t))) % 900
			j.Open('{').Name("text").String(t).Name("token_ids").Open('[').Int(int64(i)).Close(']')
			j.Name("logprobs").Open('[').Num(fmt.Sprintf("-0.%04d", h)).Close(']').Close('}')
		}
		j.Close(']')
	}
	return j.Close('}').Buf
}

// cohereStream sends events; the first error is kept.
type cohereStream struct {
	s   *stream
	err error
}

// send sends an event; index -1 is none.
func (c *cohereStream) send(kind string, index int, write func(j *rawjson.Writer)) {
	if c.err != nil {
		return
	}
	j := event(kind)
	if index >= 0 {
		j.Name("index").Int(int64(index))
	}
	if write != nil {
		write(j.Name("delta").Open('{').Name("message").Open('{'))
		j.Close('}').Close('}')
	}
	c.err = c.s.send(kind, j.Close('}').Buf)
}

// stream sends the answer's events.
func (w *cohereWriter) stream() error {
	c := &cohereStream{s: w.x.stream()}
	j := event("message-start").Name("id").String(w.id()).Name("delta").Open('{').Name("message").Open('{').Name("role").String("assistant")
	j.Name("content").Open('[').Close(']').Name("tool_plan").String("").Name("tool_calls").Open('[').Close(']').Name("citations").Open('[').Close(']')
	c.err = c.s.send("message-start", j.Close('}').Close('}').Close('}').Buf)
	text, plan := w.said()
	n := 0
	if w.a.thought != "" {
		w.streamContent(c, "thinking", w.a.thought, n)
		n++
	}
	if text != "" {
		w.streamContent(c, "text", text, n)
	}
	for _, p := range pieces(plan) {
		c.send("tool-plan-delta", -1, func(j *rawjson.Writer) { j.Name("tool_plan").String(p) })
	}
	for i, k := range w.a.calls {
		c.send("tool-call-start", i, func(j *rawjson.Writer) { w.writeCall(j.Name("tool_calls"), k, "") })
		for _, p := range pieces(k.args) {
			c.send("tool-call-delta", i, func(j *rawjson.Writer) {
				j.Name("tool_calls").Open('{').Name("function").Open('{').Name("arguments").String(p).Close('}').Close('}')
			})
		}
		c.send("tool-call-end", i, nil)
	}
	if c.err == nil {
		c.err = c.s.ending()
	}
	if c.err != nil {
		return c.err
	}
	j = event("message-end").Name("delta").Open('{').Name("finish_reason").String(w.finish())
	w.usage(j)
	if err := c.s.send("message-end", j.Close('}').Close('}').Buf); err != nil {
		return err
	}
	return c.s.send("", []byte("[DONE]"))
}

// streamContent sends one content; a citation comes as soon as what it is for is said.
func (w *cohereWriter) streamContent(c *cohereStream, kind, text string, n int) {
	content := func(name string, write func(j *rawjson.Writer)) {
		c.send(name, n, func(j *rawjson.Writer) {
			write(j.Name("content").Open('{'))
			j.Close('}')
		})
	}
	content("content-start", func(j *rawjson.Writer) { j.Name("type").String(kind).Name(kind).String("") })
	var cites []cite
	if kind == "text" {
		cites = w.citations()
	}
	said, cited := 0, 0
	for _, p := range pieces(text) {
		content("content-delta", func(j *rawjson.Writer) { j.Name(kind).String(p) })
		said += len(p)
		for cited < len(cites) && cites[cited].end <= said {
			c.send("citation-start", cited, func(j *rawjson.Writer) { w.writeCitation(j.Name("citations"), cites[cited], n) })
			c.send("citation-end", cited, nil)
			cited++
		}
	}
	c.send("content-end", n, nil)
}
