package openaichat

import (
	"strconv"
	"strings"

	"weir/internal/dialect/openai"
	"weir/internal/llm"
)

func (e *requestEncoder) output() {
	o := &e.req.Output
	w := &e.w
	kind := o.Kind
	if o.Schema != nil {
		kind = "schema"
	}
	extra := o.Extra
	if !e.own {
		e.foreign(extra, e.word("response_format"))
		extra = nil
	}
	switch {
	case kind == "schema" && e.has(llm.NoJSONSchema):
		e.lose(e.word("response_format"), "the target knows JSON, not a schema; the schema is told in words", llm.Changed)
		e.loseSchema("the schema is told in words")
		w.Name("response_format").Open('{').Name("type").String("json_object").Close('}')
		return
	case kind == "json" && e.has(llm.NoJSONObject):
		e.lose(e.word("response_format"), "that it shall be JSON is told in words", llm.Changed)
		return
	}
	switch kind {
	case "text", "json":
		name := "text"
		if kind == "json" {
			name = "json_object"
		}
		w.Name("response_format").Open('{').Name("type").String(name)
		openai.WriteExtra(w, extra)
		w.Close('}')
	case "schema":
		w.Name("response_format").Open('{').Name("type").String("json_schema").Name("json_schema").Open('{')
		name := o.Name
		if name == "" && !e.own {
			name = "answer" // a label that chat demands; it says nothing, so that it is no loss either
		}
		if name != "" {
			w.Name("name").String(name)
		}
		if o.Description != "" {
			w.Name("description").String(o.Description)
		}
		if o.Schema != nil {
			w.Name("schema").Raw(o.Schema)
		}
		switch {
		case o.Strict != nil:
			w.Name("strict").Bool(*o.Strict)
		case keepsToSchemas(e.req.From) && openai.Closed(o.Schema):
			w.Name("strict").Bool(true) // chat refuses to be strict about open ones
		}
		openai.WriteNested(w, extra, "json_schema")
		w.Close('}')
		openai.WriteExtra(w, extra, "json_schema")
		w.Close('}')
	}
}

// keepsToSchemas reports whether a dialect always keeps to a schema, and so has no word for being strict.
func keepsToSchemas(d llm.Dialect) bool {
	return d == llm.AnthropicMessages || d == llm.CohereChat || d == llm.OllamaChat
}

// loseSchema names what hangs on a schema that is not said, where the loss of the format does not name it already.
func (e *requestEncoder) loseSchema(why string) {
	o := &e.req.Output
	holder := e.word("response_format")
	for _, l := range [...]struct {
		name string
		said bool
	}{
		{"schema", o.Schema != nil}, {"description", o.Description != ""}, {"strict", o.Strict != nil},
	} {
		if word := e.word("response_format.json_schema." + l.name); l.said && word != holder && !strings.HasPrefix(word, holder+".") {
			e.lose(word, why, llm.Changed)
		}
	}
}

func (e *requestEncoder) sampling() {
	s := &e.req.Sampling
	w := &e.w
	number := func(name string, n llm.Num, lacks llm.Quirk) {
		switch {
		case n == "":
		case e.has(lacks) && lacks != 0:
			e.drop(name, "the target does not take it")
		default:
			w.Name(name).Num(string(n))
		}
	}
	number("temperature", e.temperature(), llm.NoSampling)
	number("top_p", s.TopP, llm.NoSampling)
	if e.own {
		number("top_k", s.TopK, 0)
	} else if s.TopK != "" {
		e.drop("top_k", noPlace)
	}
	number("frequency_penalty", s.Frequency, llm.NoPenalties)
	number("presence_penalty", s.Presence, llm.NoPenalties)
	if e.has(llm.RandomSeed) {
		number("random_seed", s.Seed, 0)
	} else {
		number("seed", s.Seed, 0)
	}
	e.logprobs()
	switch {
	case s.Bias == nil:
	case e.has(llm.NoBias):
		e.drop("logit_bias", "the target does not take it")
	default:
		w.Name("logit_bias").Raw(s.Bias)
	}
	switch n := e.req.Answers; {
	case n <= 0, n == 1 && e.has(llm.NoAnswers):
	case e.has(llm.NoAnswers):
		e.drop("n", "the target gives one answer")
	default:
		w.Name("n").Int(n)
	}
	e.stop()
}

// temperature returns the temperature, within what the target takes.
func (e *requestEncoder) temperature() llm.Num {
	t := e.req.Sampling.Temperature
	most := llm.Num("")
	switch {
	case e.has(llm.NoSampling):
	case e.has(llm.Temperature1):
		most = "1"
	case e.has(llm.Temperature15):
		most = "1.5"
	}
	if most == "" || t == "" {
		return t
	}
	said, err := strconv.ParseFloat(string(t), 64)
	bound, _ := strconv.ParseFloat(string(most), 64)
	if err == nil && said > bound {
		e.lose(e.word("temperature"), "at most "+string(most)+" here", llm.Changed)
		return most
	}
	return t
}

func (e *requestEncoder) logprobs() {
	s := &e.req.Sampling
	if e.has(llm.NoLogprobs) {
		if s.Logprobs {
			e.drop("logprobs", "the target does not tell them")
		}
		if s.TopLogprobs > 0 {
			e.drop("top_logprobs", "the target does not tell them")
		}
		return
	}
	if s.Logprobs || s.TopLogprobs > 0 && !e.own {
		e.w.Name("logprobs").Bool(true)
	}
	if s.TopLogprobs > 0 {
		e.w.Name("top_logprobs").Int(s.TopLogprobs)
	}
}

// stopMost is how many stop sequences OpenAI takes.
const stopMost = 4

func (e *requestEncoder) stop() {
	stop := e.req.Stop
	if len(stop) == 0 {
		return
	}
	if e.has(llm.NoStop) {
		e.drop("stop", "the target does not take it")
		return
	}
	if !e.own && len(stop) > stopMost {
		e.lose(e.word("stop"), "chat takes 4 stop sequences; the others are not sent", llm.Changed)
		stop = stop[:stopMost]
	}
	e.w.Name("stop").Open('[')
	for _, s := range stop {
		e.w.String(s)
	}
	e.w.Close(']')
}

// reasoning writes the effort. A budget of tokens becomes the effort it is nearest to.
func (e *requestEncoder) reasoning() {
	r := &e.req.Reasoning
	effort := r.Effort
	if !e.own {
		switch {
		case e.has(llm.EffortAllOrNone) && (r.Mode == "off" || effort == "none"):
			effort = "none"
		case r.Mode == "off":
			e.drop("thinking", "chat has no word that every model takes for no reasoning")
			if effort != "" {
				e.drop("effort", "reasoning is off")
			}
			effort = ""
		case r.Budget != "" && effort == "":
			effort = effortOf(r.Budget)
			e.lose(e.word("reasoning"), "chat says how much to think as an effort, not in tokens", llm.Changed)
		case r.Budget != "":
			e.lose(e.word("reasoning"), "chat has no budget of tokens beside the effort", llm.Changed)
		case r.Mode != "" && effort == "":
			e.drop("thinking", "whether to think is left to the model")
		}
		if r.Show != nil {
			e.drop("show", noPlace)
		}
		if r.Summary != "" {
			e.drop("reasoning.summary", noPlace)
		}
		e.foreign(r.Extra, e.word("thinking"))
	}
	if effort = e.effort(effort, r.Effort); effort != "" {
		e.w.Name("reasoning_effort").String(effort)
	}
}

// effort returns the word for an effort that the target knows. What the client did not say itself is no loss.
func (e *requestEncoder) effort(effort, said string) string {
	word := effort
	switch {
	case effort == "":
	case e.has(llm.EffortAllOrNone):
		if effort != "none" {
			word = "high"
		}
	case e.has(llm.EffortThree):
		switch effort {
		case "none":
			e.drop("effort", "the target thinks at least a little")
			return ""
		case "minimal":
			word = "low"
		case "xhigh", "max":
			word = "high"
		}
	}
	if word != effort && said != "" {
		e.lose(e.word("effort"), "the target knows the effort "+word+", not "+said, llm.Changed)
	}
	return word
}

// effortOf maps a budget of tokens to an effort; low, medium and high stand for 1024, 4096 and 16384 tokens.
func effortOf(budget llm.Num) string {
	n, err := strconv.ParseFloat(string(budget), 64)
	switch {
	case err != nil || n > 8192:
		return "high"
	case n > 2048:
		return "medium"
	}
	return "low"
}
