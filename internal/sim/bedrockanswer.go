package sim

import (
	"encoding/base64"
	"net/http"
	"strings"

	"weir/internal/rawjson"
)

// bedrock returns what answers a path under /model, nil where nothing does.
func (x *exchange) bedrock(rest string) func() error {
	if model, is := strings.CutSuffix(rest, "/converse"); is {
		x.asks(model)
		return func() error { return x.converse(model, false) }
	}
	if model, is := strings.CutSuffix(rest, "/converse-stream"); is {
		x.asks(model)
		return func() error { return x.converse(model, true) }
	}
	if model, is := strings.CutSuffix(rest, "/invoke"); is {
		x.asks(model)
		return func() error { return x.invoke(model) }
	}
	return nil
}

// converse answers Converse and ConverseStream.
func (x *exchange) converse(model string, stream bool) error {
	if err := x.object(); err != nil {
		return err
	}
	m, known := findModel(model)
	if !known || m.Embeds {
		return bedrockInvalid("The provided model identifier is invalid.")
	}
	b := &bedrockReader{body: x.body, seal: sealer{x.p.Seed}}
	b.q.model, b.q.seed, b.q.same, b.q.script, b.q.stream = m, x.seed, x.p.Seed, x.p.Script, stream
	b.read()
	if b.bad != nil {
		return b.bad
	}
	if err := x.readable(&b.q); err != nil {
		return err
	}
	if done, err := x.misbehave(model, stream); done || err != nil {
		return err
	}
	w := &bedrockWriter{bedrockReader: b, x: x, a: b.q.answer(0)}
	if b.marks {
		w.cached = x.p.cache.use(x.face.name+" "+model, &b.q.prompt, x.now)
	}
	if stream {
		return w.stream()
	}
	x.write(http.StatusOK, "application/json", w.whole())
	return nil
}

// bedrockWriter writes an answer as Converse's.
type bedrockWriter struct {
	*bedrockReader
	x      *exchange
	a      answer
	cached cached
}

// bedrockBlock is one block of an answer.
type bedrockBlock struct {
	kind string // thinking, redacted, text, toolUse
	text string // what grows: thought, text, JSON of the input
	seal string
	call call
}

func (w *bedrockWriter) blocks() []bedrockBlock {
	var out []bedrockBlock
	if w.a.thought != "" {
		if w.q.hidden == encryptThought {
			out = append(out, bedrockBlock{kind: "redacted", seal: w.seal.sign(w.q.seed, "redacted", "")})
		} else {
			out = append(out, bedrockBlock{kind: "thinking", text: w.a.thought, seal: w.seal.sign(w.q.seed, "thinking", w.a.thought)})
		}
	}
	if w.a.text != "" {
		out = append(out, bedrockBlock{kind: "text", text: w.a.text})
	}
	for _, c := range w.a.calls {
		out = append(out, bedrockBlock{kind: "toolUse", text: c.args, call: c})
	}
	return out
}

func (w *bedrockWriter) stopReason() string {
	return map[stop]string{
		stopEnd: "end_turn", stopSequence: "stop_sequence", stopLength: "max_tokens", stopCalls: "tool_use", stopRefusal: "content_filtered",
	}[w.a.stop]
}

// usage writes the counts of tokens; what the cache had or took is beside the input.
func (w *bedrockWriter) usage(j *rawjson.Writer) {
	c := w.cached
	wrote := c.wrote5m + c.wrote1h
	j.Name("usage").Open('{').Name("inputTokens").Int(w.q.input - c.read - wrote).Name("outputTokens").Int(w.a.output)
	j.Name("totalTokens").Int(w.q.input + w.a.output)
	j.Name("cacheReadInputTokens").Int(c.read).Name("cacheWriteInputTokens").Int(wrote)
	if wrote > 0 {
		j.Name("cacheDetails").Open('[')
		for _, d := range []struct {
			ttl string
			n   int64
		}{{"5m", c.wrote5m}, {"1h", c.wrote1h}} {
			if d.n > 0 {
				j.Open('{').Name("ttl").String(d.ttl).Name("inputTokens").Int(d.n).Close('}')
			}
		}
		j.Close(']')
	}
	j.Close('}').Name("metrics").Open('{').Name("latencyMs").Int(w.x.p.now().Sub(w.x.now).Milliseconds()).Close('}')
}

// whole writes the answer that is not streamed.
func (w *bedrockWriter) whole() []byte {
	j := &rawjson.Writer{}
	j.Open('{').Name("output").Open('{').Name("message").Open('{').Name("role").String("assistant").Name("content").Open('[')
	for _, b := range w.blocks() {
		j.Open('{')
		switch b.kind {
		case "thinking":
			j.Name("reasoningContent").Open('{').Name("reasoningText").Open('{').Name("text").String(b.text)
			j.Name("signature").String(b.seal).Close('}').Close('}')
		case "redacted":
			j.Name("reasoningContent").Open('{').Name("redactedContent").String(inBase64(b.seal)).Close('}')
		case "text":
			j.Name("text").String(b.text)
		case "toolUse":
			j.Name("toolUse").Open('{').Name("toolUseId").String("tooluse_" + b.call.id).Name("name").String(b.call.name)
			j.Name("input").Raw([]byte(b.text)).Close('}')
		}
		j.Close('}')
	}
	j.Close(']').Close('}').Close('}').Name("stopReason").String(w.stopReason())
	w.usage(j)
	return j.Close('}').Buf
}

// inBase64 is how bytes stand in JSON.
func inBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// deltas cuts a block into what its events add.
func (b *bedrockBlock) deltas() [][]byte {
	var out [][]byte
	add := func(write func(j *rawjson.Writer)) {
		j := &rawjson.Writer{}
		write(j.Open('{'))
		out = append(out, j.Close('}').Buf)
	}
	reasoning := func(member, value string) {
		add(func(j *rawjson.Writer) { j.Name("reasoningContent").Open('{').Name(member).String(value).Close('}') })
	}
	for _, s := range pieces(b.text) {
		switch b.kind {
		case "thinking":
			reasoning("text", s)
		case "text":
			add(func(j *rawjson.Writer) { j.Name("text").String(s) })
		case "toolUse":
			add(func(j *rawjson.Writer) { j.Name("toolUse").Open('{').Name("input").String(s).Close('}') })
		}
	}
	switch b.kind {
	case "thinking":
		reasoning("signature", b.seal)
	case "redacted":
		reasoning("redactedContent", inBase64(b.seal))
	}
	return out
}

// padding hides how long an event is.
const padding = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// stream sends the answer's events: of a call its beginning, of everything its deltas and its end.
func (w *bedrockWriter) stream() error {
	s := w.x.stream()
	send := func(name string, write func(j *rawjson.Writer)) error {
		j := &rawjson.Writer{}
		write(j.Open('{'))
		j.Name("p").String(padding[:mix(w.q.seed, uint64(s.sent))%uint64(len(padding))])
		return s.send(name, j.Close('}').Buf)
	}
	if err := send("messageStart", func(j *rawjson.Writer) { j.Name("role").String("assistant") }); err != nil {
		return err
	}
	for i, b := range w.blocks() {
		index := func(j *rawjson.Writer) *rawjson.Writer { return j.Name("contentBlockIndex").Int(int64(i)) }
		if b.kind == "toolUse" {
			err := send("contentBlockStart", func(j *rawjson.Writer) {
				index(j).Name("start").Open('{').Name("toolUse").Open('{').Name("toolUseId").String("tooluse_" + b.call.id)
				j.Name("name").String(b.call.name).Close('}').Close('}')
			})
			if err != nil {
				return err
			}
		}
		for _, d := range b.deltas() {
			if err := send("contentBlockDelta", func(j *rawjson.Writer) { index(j).Name("delta").Raw(d) }); err != nil {
				return err
			}
		}
		if err := send("contentBlockStop", func(j *rawjson.Writer) { index(j) }); err != nil {
			return err
		}
	}
	if err := s.ending(); err != nil {
		return err
	}
	if err := send("messageStop", func(j *rawjson.Writer) { j.Name("stopReason").String(w.stopReason()) }); err != nil {
		return err
	}
	return send("metadata", w.usage)
}
