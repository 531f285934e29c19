package sim

import (
	"fmt"
	"net/http"
	"strings"

	"weir/internal/rawjson"
)

// chat answers POST /v1/chat/completions.
func (x *exchange) chat() error {
	if err := x.object(); err != nil {
		return err
	}
	c := &chatReader{body: x.body}
	c.q.seed, c.q.same, c.q.script = x.seed, x.p.Seed, x.p.Script
	q := c.read()
	if c.bad != nil {
		return c.bad
	}
	if err := x.readable(q); err != nil {
		return err
	}
	if done, err := x.misbehave(q.model.ID, q.stream); done || err != nil {
		return err
	}
	w := &chatWriter{chatReader: c, x: x, id: "chatcmpl-sim" + ident(x.seed, 22), cached: x.readCached(q)}
	for i := range q.n {
		w.answers = append(w.answers, q.answer(i))
	}
	if q.stream {
		return w.stream()
	}
	x.write(http.StatusOK, "application/json", w.whole())
	return nil
}

// chatWriter writes answers as chat completions.
type chatWriter struct {
	*chatReader
	x       *exchange
	id      string
	cached  int64 // tokens read from the cache
	answers []answer
}

func (c *chatWriter) finish(a *answer) string {
	switch a.stop {
	case stopLength:
		return "length"
	case stopCalls:
		if c.legacy {
			return "function_call"
		}
		return "tool_calls"
	}
	return "stop"
}

func (c *chatWriter) head(w *rawjson.Writer, object string) {
	w.Open('{').Name("id").String(c.id).Name("object").String(object).Name("created").Int(c.x.now.Unix())
	w.Name("model").String(c.q.model.ID).Name("service_tier").String("default").Name("system_fingerprint").String("fp_sim")
}

func (c *chatWriter) usage(w *rawjson.Writer) {
	var out, thinking int64
	for _, a := range c.answers {
		out, thinking = out+a.output, thinking+a.thinking
	}
	w.Name("usage").Open('{').Name("prompt_tokens").Int(c.q.input).Name("completion_tokens").Int(out)
	w.Name("total_tokens").Int(c.q.input + out)
	w.Name("prompt_tokens_details").Open('{').Name("cached_tokens").Int(c.cached).Name("audio_tokens").Int(0).Close('}')
	w.Name("completion_tokens_details").Open('{').Name("reasoning_tokens").Int(thinking).Name("audio_tokens").Int(0)
	w.Name("accepted_prediction_tokens").Int(0).Name("rejected_prediction_tokens").Int(0).Close('}').Close('}')
}

// whole writes the answer that is not streamed.
func (c *chatWriter) whole() []byte {
	w := &rawjson.Writer{}
	c.head(w, "chat.completion")
	w.Name("choices").Open('[')
	for i := range c.answers {
		a := &c.answers[i]
		w.Open('{').Name("index").Int(int64(i)).Name("message").Open('{').Name("role").String("assistant")
		switch w.Name("content"); {
		case a.refusal, a.text == "" && len(a.calls) > 0:
			w.Null()
		default:
			w.String(a.text)
		}
		if w.Name("refusal"); a.refusal {
			w.String(a.text)
		} else {
			w.Null()
		}
		w.Name("annotations").Open('[').Close(']')
		if a.thought != "" {
			w.Name("reasoning_content").String(a.thought)
		}
		if len(a.calls) > 0 && c.legacy {
			w.Name("function_call").Open('{').Name("name").String(a.calls[0].name).Name("arguments").String(a.calls[0].args).Close('}')
		} else if len(a.calls) > 0 {
			w.Name("tool_calls").Open('[')
			for _, k := range a.calls {
				writeCall(w.Open('{'), k, k.args)
				w.Close('}')
			}
			w.Close(']')
		}
		w.Close('}')
		c.writeLogprobs(w, pieces(a.text), a.refusal)
		w.Name("finish_reason").String(c.finish(a)).Close('}')
	}
	w.Close(']')
	c.usage(w)
	return w.Close('}').Buf
}

// writeCall writes a call's members, with as much of its arguments as given.
func writeCall(w *rawjson.Writer, k call, args string) {
	kind, member := "function", "arguments"
	if k.free {
		kind, member = "custom", "input"
	}
	w.Name("id").String("call_" + k.id).Name("type").String(kind)
	w.Name(kind).Open('{').Name("name").String(k.name).Name(member).String(args).Close('}')
}

// writeLogprobs writes the member logprobs for the pieces of a text; null where none were asked for.
func (c *chatWriter) writeLogprobs(w *rawjson.Writer, text []string, refusal bool) {
	w.Name("logprobs")
	if !c.logprobs {
		w.Null()
		return
	}
	names := [2]string{"content", "refusal"}
	if refusal {
		names = [2]string{"refusal", "content"}
	}
	w.Open('{').Name(names[0]).Open('[')
	for _, token := range text {
		c.writeToken(w, token)
	}
	w.Close(']').Name(names[1]).Null().Close('}')
}

// writeToken writes a token with its logarithm and those of others that it might have been.
func (c *chatReader) writeToken(w *rawjson.Writer, token string) {
	w.Open('{')
	h := mix(c.q.seed, uint64(len(token)))
	writeLogprob(w, token, h%900)
	w.Name("top_logprobs").Open('[')
	for i := range c.topLogprobs {
		w.Open('{')
		if i == 0 {
			writeLogprob(w, token, h%900)
		} else {
			writeLogprob(w, fmt.Sprintf(" other%d", i), 30000+uint64(i)*5000+h%900)
		}
		w.Close('}')
	}
	w.Close(']').Close('}')
}

// writeLogprob writes a token and its logarithm in ten-thousandths.
func writeLogprob(w *rawjson.Writer, token string, negative uint64) {
	w.Name("token").String(token).Name("logprob").Num(fmt.Sprintf("-%d.%04d", negative/10000, negative%10000))
	w.Name("bytes").Open('[')
	for _, b := range []byte(token) {
		w.Int(int64(b))
	}
	w.Close(']')
}

// delta is what one chunk adds to a choice.
type delta struct {
	member string // role, content, reasoning_content, refusal, tool_calls, function_call, finish
	text   string
	call   int  // index of the call
	first  bool // the call begins
}

// deltas cuts an answer into the steps of its stream.
func (c *chatWriter) deltas(a *answer) []delta {
	out := []delta{{member: "role"}}
	for _, s := range pieces(a.thought) {
		out = append(out, delta{member: "reasoning_content", text: s})
	}
	member := "content"
	if a.refusal {
		member = "refusal"
	}
	for _, s := range pieces(a.text) {
		out = append(out, delta{member: member, text: s})
	}
	member = "tool_calls"
	if c.legacy {
		member = "function_call"
	}
	for i, k := range a.calls {
		out = append(out, delta{member: member, call: i, first: true})
		for _, s := range pieces(k.args) {
			out = append(out, delta{member: member, call: i, text: s})
		}
	}
	return append(out, delta{member: "finish"})
}

// stream sends the answers' chunks, the choices taking turns.
func (c *chatWriter) stream() error {
	s := c.x.stream()
	left := make([][]delta, len(c.answers))
	longest := 0
	for i := range c.answers {
		left[i] = c.deltas(&c.answers[i])
		longest = max(longest, len(left[i]))
	}
	for step := range longest {
		for i := range left {
			if step >= len(left[i]) {
				continue
			}
			d := left[i][step]
			if d.member == "finish" {
				if err := s.ending(); err != nil {
					return err
				}
			}
			if err := s.send("", c.chunk(i, d)); err != nil {
				return err
			}
		}
	}
	if c.wantUsage {
		w := &rawjson.Writer{}
		c.head(w, "chat.completion.chunk")
		w.Name("choices").Open('[').Close(']')
		c.usage(w)
		if err := s.send("", w.Close('}').Buf); err != nil {
			return err
		}
	}
	return s.send("", []byte("[DONE]"))
}

// chunk writes one step of choice i.
func (c *chatWriter) chunk(i int, d delta) []byte {
	a := &c.answers[i]
	w := &rawjson.Writer{}
	c.head(w, "chat.completion.chunk")
	w.Name("choices").Open('[').Open('{').Name("index").Int(int64(i)).Name("delta").Open('{')
	var logged []string
	switch d.member {
	case "finish":
	case "role":
		w.Name("role").String("assistant").Name("content")
		if len(a.calls) > 0 && a.text == "" || a.refusal {
			w.Null()
		} else {
			w.String("")
		}
		w.Name("refusal").Null()
	case "tool_calls":
		w.Name(d.member).Open('[').Open('{').Name("index").Int(int64(d.call))
		switch k := a.calls[d.call]; {
		case d.first:
			writeCall(w, k, "")
		case k.free:
			w.Name("custom").Open('{').Name("input").String(d.text).Close('}')
		default:
			w.Name("function").Open('{').Name("arguments").String(d.text).Close('}')
		}
		w.Close('}').Close(']')
	case "function_call":
		w.Name(d.member).Open('{')
		if d.first {
			w.Name("name").String(a.calls[d.call].name)
		}
		w.Name("arguments").String(d.text).Close('}')
	default:
		w.Name(d.member).String(d.text)
		if !strings.HasPrefix(d.member, "reasoning") {
			logged = []string{d.text}
		}
	}
	w.Close('}')
	if logged != nil {
		c.writeLogprobs(w, logged, a.refusal)
	} else {
		w.Name("logprobs").Null()
	}
	if w.Name("finish_reason"); d.member == "finish" {
		w.String(c.finish(a))
	} else {
		w.Null()
	}
	w.Close('}').Close(']')
	if c.wantUsage {
		w.Name("usage").Null()
	}
	return w.Close('}').Buf
}
