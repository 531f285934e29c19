package sim

import (
	"net/http"

	"weir/internal/rawjson"
)

// messages answers POST /v1/messages.
func (x *exchange) messages() error {
	m, err := x.readMessages(false)
	if err != nil {
		return err
	}
	q := &m.q
	if err := x.readable(q); err != nil {
		return err
	}
	if done, err := x.misbehave(q.model.ID, q.stream); done || err != nil {
		return err
	}
	w := &messagesWriter{messagesReader: m, x: x, a: q.answer(0)}
	w.cached = x.p.cache.use(q.model.ID, &m.q.prompt, x.now)
	if q.stream {
		return w.stream()
	}
	x.write(http.StatusOK, "application/json", w.whole())
	return nil
}

// countTokens answers POST /v1/messages/count_tokens.
func (x *exchange) countTokens() error {
	m, err := x.readMessages(true)
	if err != nil {
		return err
	}
	w := rawjson.Writer{}
	x.write(http.StatusOK, "application/json", w.Open('{').Name("input_tokens").Int(m.q.input).Close('}').Buf)
	return nil
}

func (x *exchange) readMessages(counting bool) (*messagesReader, error) {
	if err := x.object(); err != nil {
		return nil, err
	}
	m := &messagesReader{body: x.body, seal: sealer{x.p.Seed}, counting: counting}
	m.q.seed, m.q.same, m.q.script = x.seed, x.p.Seed, x.p.Script
	m.read(x.r.Header)
	if m.bad != nil {
		return nil, m.bad
	}
	return m, nil
}

// messagesWriter writes an answer as a message.
type messagesWriter struct {
	*messagesReader
	x      *exchange
	a      answer
	cached cached
}

// block is one block of an answer: its head, and what streams into it.
type block struct {
	kind      string // text, thinking, redacted_thinking, tool_use
	text      string // what grows: text, thought, JSON of the input
	signature string // or data
	call      call
}

func (m *messagesWriter) blocks() []block {
	var out []block
	if a := &m.a; a.thought != "" {
		switch m.q.hidden {
		case showThought:
			out = append(out, block{kind: "thinking", text: a.thought, signature: m.seal.sign(m.q.seed, "thinking", a.thought)})
		case omitThought:
			out = append(out, block{kind: "thinking", signature: m.seal.sign(m.q.seed, "thinking", "")})
		case encryptThought:
			out = append(out, block{kind: "redacted_thinking", signature: m.seal.sign(m.q.seed, "redacted", "")})
		}
	}
	if m.a.text != "" {
		out = append(out, block{kind: "text", text: m.a.text})
	}
	for _, c := range m.a.calls {
		out = append(out, block{kind: "tool_use", text: c.args, call: c})
	}
	return out
}

// write writes a block; one that is to be streamed begins empty.
func (b *block) write(w *rawjson.Writer, streamed bool) {
	text, input, signature := b.text, []byte(b.text), b.signature
	if streamed {
		text, input, signature = "", []byte("{}"), ""
	}
	w.Open('{').Name("type").String(b.kind)
	switch b.kind {
	case "text":
		w.Name("text").String(text)
	case "thinking":
		w.Name("thinking").String(text).Name("signature").String(signature)
	case "redacted_thinking":
		w.Name("data").String(b.signature)
	case "tool_use":
		w.Name("id").String("toolu_01" + b.call.id).Name("name").String(b.call.name).Name("input").Raw(input)
	}
	w.Close('}')
}

func (m *messagesWriter) stopMembers(w *rawjson.Writer) {
	reason := map[stop]string{
		stopEnd: "end_turn", stopSequence: "stop_sequence", stopLength: "max_tokens", stopCalls: "tool_use", stopRefusal: "refusal",
	}[m.a.stop]
	w.Name("stop_reason").String(reason).Name("stop_sequence")
	if m.a.sequence != "" {
		w.String(m.a.sequence)
	} else {
		w.Null()
	}
	if m.a.stop == stopRefusal {
		w.Name("stop_details").Open('{').Name("type").String("refusal").Name("category").Null()
		w.Name("explanation").String("The simulated model sim-refusal always declines.").Close('}')
	}
}

// usage writes the counts of tokens; output is what is known of it so far.
func (m *messagesWriter) usage(w *rawjson.Writer, output int64, final bool) {
	c := m.cached
	wrote := c.wrote5m + c.wrote1h
	w.Name("usage").Open('{').Name("input_tokens").Int(m.q.input - c.read - wrote)
	w.Name("cache_creation_input_tokens").Int(wrote).Name("cache_read_input_tokens").Int(c.read)
	w.Name("cache_creation").Open('{').Name("ephemeral_5m_input_tokens").Int(c.wrote5m)
	w.Name("ephemeral_1h_input_tokens").Int(c.wrote1h).Close('}')
	w.Name("output_tokens").Int(output)
	if final && m.a.thinking > 0 {
		w.Name("output_tokens_details").Open('{').Name("thinking_tokens").Int(m.a.thinking).Close('}')
	}
	w.Name("service_tier").String("standard").Close('}')
}

func (m *messagesWriter) head(w *rawjson.Writer) {
	w.Open('{').Name("id").String("msg_01" + ident(m.q.seed, 22)).Name("type").String("message")
	w.Name("role").String("assistant").Name("model").String(m.q.model.ID).Name("content").Open('[')
}

// whole writes the answer that is not streamed.
func (m *messagesWriter) whole() []byte {
	w := &rawjson.Writer{}
	m.head(w)
	for _, b := range m.blocks() {
		b.write(w, false)
	}
	w.Close(']')
	m.stopMembers(w)
	m.usage(w, m.a.output, true)
	return w.Close('}').Buf
}

// event begins an event's data.
func event(kind string) *rawjson.Writer {
	w := &rawjson.Writer{}
	return w.Open('{').Name("type").String(kind)
}

// stream sends the answer's events.
func (m *messagesWriter) stream() error {
	s := m.x.stream()
	send := func(kind string, w *rawjson.Writer) error { return s.send(kind, w.Close('}').Buf) }
	w := event("message_start")
	m.head(w.Name("message"))
	w.Close(']').Name("stop_reason").Null().Name("stop_sequence").Null()
	m.usage(w, min(1, m.a.output), false)
	if err := send("message_start", w.Close('}')); err != nil {
		return err
	}
	for i, b := range m.blocks() {
		w := event("content_block_start").Name("index").Int(int64(i)).Name("content_block")
		b.write(w, true)
		if err := send("content_block_start", w); err != nil {
			return err
		}
		if i == 0 {
			if err := send("ping", event("ping")); err != nil {
				return err
			}
		}
		for _, d := range b.deltas() {
			w := event("content_block_delta").Name("index").Int(int64(i)).Name("delta").Raw(d)
			if err := send("content_block_delta", w); err != nil {
				return err
			}
		}
		if err := send("content_block_stop", event("content_block_stop").Name("index").Int(int64(i))); err != nil {
			return err
		}
	}
	if err := s.ending(); err != nil {
		return err
	}
	w = event("message_delta").Name("delta").Open('{')
	m.stopMembers(w)
	m.usage(w.Close('}'), m.a.output, true)
	if err := send("message_delta", w); err != nil {
		return err
	}
	return send("message_stop", event("message_stop"))
}

// deltas cuts a block into the steps of its stream.
func (b *block) deltas() [][]byte {
	one := func(kind, member, text string) []byte {
		w := rawjson.Writer{}
		return w.Open('{').Name("type").String(kind).Name(member).String(text).Close('}').Buf
	}
	var out [][]byte
	switch b.kind {
	case "text":
		for _, s := range pieces(b.text) {
			out = append(out, one("text_delta", "text", s))
		}
	case "thinking":
		for _, s := range pieces(b.text) {
			out = append(out, one("thinking_delta", "thinking", s))
		}
		out = append(out, one("signature_delta", "signature", b.signature))
	case "tool_use":
		out = append(out, one("input_json_delta", "partial_json", ""))
		for _, s := range pieces(b.text) {
			out = append(out, one("input_json_delta", "partial_json", s))
		}
	}
	return out
}
