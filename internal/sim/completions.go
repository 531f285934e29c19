package sim

import (
	"fmt"
	"net/http"
	"strings"

	"weir/internal/rawjson"
)

// defaultCompletion is how many tokens a completion has when nothing is said of its length.
const defaultCompletion = 16

// completion is a request for completions: several prompts, each with its question.
type completion struct {
	chatReader
	x         *exchange
	id        string
	questions []question
	prompts   []string
	choices   []completionChoice
	echo      bool
}

type completionChoice struct {
	answer
	prompt int
}

// completionMembers are the members of a request, each with what is checked of it alone.
var completionMembers = map[string]func(c *chatReader, v []byte){
	"model": nil, "prompt": nil, "stop": nil, "stream_options": nil, "suffix": isText("suffix"), "user": isText("user"),
	"logit_bias": isObject("logit_bias"), "stream": isBool("stream"), "echo": isBool("echo"),
	"temperature": inRange("temperature", 0, 2), "top_p": inRange("top_p", 0, 1),
	"frequency_penalty": inRange("frequency_penalty", -2, 2), "presence_penalty": inRange("presence_penalty", -2, 2),
	"logprobs": isCount("logprobs", 0, 5), "best_of": isCount("best_of", 1, 20), "n": isCount("n", 1, 128),
	"max_tokens": isCount("max_tokens", 0, 1<<53), "seed": isCount("seed", -1<<63, 1<<63-1),
}

// complete answers POST /v1/completions.
func (x *exchange) complete() error {
	if err := x.object(); err != nil {
		return err
	}
	c := &completion{chatReader: chatReader{body: x.body}, x: x, id: "cmpl-sim" + ident(x.seed, 22)}
	c.q.seed, c.q.same, c.q.script = x.seed, x.p.Seed, x.p.Script
	c.readCompletion()
	if c.bad != nil {
		return c.bad
	}
	q := &c.q
	if done, err := x.misbehave(q.model.ID, q.stream); done || err != nil {
		return err
	}
	for p := range c.questions {
		for i := range q.n {
			c.choices = append(c.choices, completionChoice{c.questions[p].answer(i), p})
		}
	}
	if q.stream {
		return c.stream()
	}
	x.write(http.StatusOK, "application/json", c.whole())
	return nil
}

func (c *completion) readCompletion() {
	c.members(completionMembers)
	c.readModel()
	q := &c.q
	q.n, q.room = 1, defaultCompletion
	if n, is := rawjson.Int(c.get("n")); is {
		q.n = int(n)
	}
	if best, is := rawjson.Int(c.get("best_of")); is && best < int64(q.n) {
		c.fail("best_of", "", "You requested that the server return more choices than it will generate (HINT: you must set 'n' (currently %d) to be at most 'best_of' (currently %d), or omit either parameter if you don't specifically want to use them).", q.n, best)
	}
	if n, is := rawjson.Int(c.get("max_tokens")); is {
		q.room = max(n, 1)
	}
	q.stream, _ = rawjson.Bool(c.get("stream"))
	c.echo, _ = rawjson.Bool(c.get("echo"))
	if o := c.get("stream_options"); o != nil {
		if !q.stream {
			c.fail("stream_options", "", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
		}
		c.only(o, "stream_options.", "include_usage", "include_obfuscation")
		c.wantUsage, _ = rawjson.Bool(rawjson.Get(o, "include_usage"))
	}
	if l := c.get("logprobs"); l != nil {
		c.logprobs = true
		c.topLogprobs, _ = rawjson.Int(l)
	}
	c.readStop(c.get("stop"))
	q.choice.mode = "none"
	c.readPrompt(c.get("prompt"))
	if q.input > q.model.Context {
		c.fail("", "", "This model's maximum context length is %d tokens, however you requested %d tokens. Please reduce your prompt; or completion length.", q.model.Context, q.input)
	}
}

// readPrompt reads one text, several, one array of tokens, or several.
func (c *completion) readPrompt(v []byte) {
	one := func(s string, n int64) {
		q := c.q
		q.add(turn{texts: []string{s}})
		c.questions, c.prompts = append(c.questions, q), append(c.prompts, s)
		c.q.input += n
	}
	read := func(v []byte, at string) {
		switch rawjson.Kind(v) {
		case '"':
			one(rawjson.Text(v), tokens(len(rawjson.Text(v))))
		case '[':
			for _, t := range rawjson.Elems(v) {
				if !whole(t) {
					c.wrongType(at, "an array of integers", t)
				}
			}
			one(fmt.Sprintf("(%s)", count(length(v), "token")), int64(length(v)))
		default:
			c.wrongType(at, "one of a string or an array", v)
		}
	}
	switch first := rawjson.Kind(element(v, 0)); {
	case v == nil:
		one("", 0)
	case rawjson.Kind(v) == '[' && length(v) == 0:
		c.fail("prompt", "empty_array", "Invalid 'prompt': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	case first == '"' || first == '[':
		for i, p := range rawjson.Elems(v) {
			read(p, fmt.Sprintf("prompt[%d]", i))
		}
	default:
		read(v, "prompt")
	}
}

func (c *completion) head(w *rawjson.Writer) {
	w.Open('{').Name("id").String(c.id).Name("object").String("text_completion").Name("created").Int(c.x.now.Unix())
	w.Name("model").String(c.q.model.ID).Name("system_fingerprint").String("fp_sim")
}

func (c *completion) usage(w *rawjson.Writer) {
	out := int64(0)
	for _, a := range c.choices {
		out += a.output
	}
	w.Name("usage").Open('{').Name("prompt_tokens").Int(c.q.input).Name("completion_tokens").Int(out)
	w.Name("total_tokens").Int(c.q.input + out)
	w.Name("completion_tokens_details").Open('{').Name("reasoning_tokens").Int(0).Close('}')
	w.Name("prompt_tokens_details").Open('{').Name("cached_tokens").Int(0).Close('}').Close('}')
}

// choice writes a choice, or what a chunk adds to it; finish "" is not finished.
func (c *completion) choice(w *rawjson.Writer, i int, parts []string, offset int, finish string) {
	text := ""
	var textSb157 strings.Builder
	for _, p := range parts {
		textSb157.WriteString(p)
	}
	text += textSb157.String()
	w.Open('{').Name("text").String(text).Name("index").Int(int64(i)).Name("logprobs")
	if c.logprobs && len(parts) > 0 {
		c.writeTokens(w, parts, offset)
	} else {
		w.Null()
	}
	orNull(w, "finish_reason", finish)
	w.Close('}')
}

func (c *completion) writeTokens(w *rawjson.Writer, parts []string, offset int) {
	logprob := func(p string, other uint64) string {
		h := mix(c.q.seed, uint64(len(p)))%900 + other
		return fmt.Sprintf("-%d.%04d", h/10000, h%10000)
	}
	w.Open('{').Name("tokens").Open('[')
	for _, p := range parts {
		w.String(p)
	}
	w.Close(']').Name("token_logprobs").Open('[')
	for _, p := range parts {
		w.Num(logprob(p, 0))
	}
	w.Close(']').Name("top_logprobs").Open('[')
	for _, p := range parts {
		w.Open('{').Name(p).Num(logprob(p, 0))
		for i := int64(1); i < c.topLogprobs; i++ {
			w.Name(fmt.Sprintf(" other%d", i)).Num(logprob(p, 30000+uint64(i)*5000))
		}
		w.Close('}')
	}
	w.Close(']').Name("text_offset").Open('[')
	for _, p := range parts {
		w.Int(int64(offset))
		offset += len(p)
	}
	w.Close(']').Close('}')
}

func (c *completion) parts(a *completionChoice) []string {
	if c.echo {
		return append([]string{c.prompts[a.prompt]}, pieces(a.text)...)
	}
	return pieces(a.text)
}

func (c *completion) finish(a *completionChoice) string {
	if a.stop == stopLength {
		return "length"
	}
	return "stop"
}

func (c *completion) whole() []byte {
	w := &rawjson.Writer{}
	c.head(w)
	w.Name("choices").Open('[')
	for i := range c.choices {
		a := &c.choices[i]
		c.choice(w, i, c.parts(a), 0, c.finish(a))
	}
	w.Close(']')
	c.usage(w)
	return w.Close('}').Buf
}

// stream sends the choices one after another.
func (c *completion) stream() error {
	s := c.x.stream()
	chunk := func(i int, parts []string, offset int, finish string) error {
		w := &rawjson.Writer{}
		c.head(w)
		w.Name("choices").Open('[')
		c.choice(w, i, parts, offset, finish)
		w.Close(']')
		if c.wantUsage {
			w.Name("usage").Null()
		}
		return s.send("", w.Close('}').Buf)
	}
	for i := range c.choices {
		a, offset := &c.choices[i], 0
		for _, p := range c.parts(a) {
			if err := chunk(i, []string{p}, offset, ""); err != nil {
				return err
			}
			offset += len(p)
		}
		if i == len(c.choices)-1 {
			if err := s.ending(); err != nil {
				return err
			}
		}
		if err := chunk(i, nil, offset, c.finish(a)); err != nil {
			return err
		}
	}
	if c.wantUsage {
		w := &rawjson.Writer{}
		c.head(w)
		w.Name("choices").Open('[').Close(']')
		c.usage(w)
		if err := s.send("", w.Close('}').Buf); err != nil {
			return err
		}
	}
	return s.send("", []byte("[DONE]"))
}
