package openaicompletions

import (
	"strconv"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeRequest implements dialect.Codec. The request shares memory with the body. Prompts that are several, or tokens,
// are refused as Unsupported: no other dialect can ask them.
func (codec) DecodeRequest(c dialect.Call) (*llm.Request, error) {
	if err := rawjson.Check(c.Body); err != nil || rawjson.Kind(c.Body) != '{' {
		f := malformed("", "the body must be a JSON object")
		f.Cause = err
		return nil, f
	}
	r := &llm.Request{From: llm.OpenAICompletions}
	var o dialect.Object
	o.Read(c.Body)
	if r.Model = o.String("model"); r.Model == "" && o.Bad == nil {
		return nil, malformed("model", "you must name a model: the member \"model\" is missing")
	}
	if v := o.Take("prompt"); v != nil {
		m, err := turn(v)
		if err != nil {
			return nil, err
		}
		r.Messages = []llm.Message{m}
	}
	if err := settings(r, &o); err != nil {
		return nil, err
	}
	if o.Bad != nil {
		return nil, malformed(o.Bad.Member, "%s must be %s", o.Bad.Member, o.Bad.Want)
	}
	options := o.Take("stream_options")
	on, err := openai.WantUsage(options)
	if err != nil {
		return nil, err
	}
	r.WantUsage = on
	r.Extra = o.Rest()
	openai.KeepRest(&r.Extra, "stream_options", options, "include_usage")
	return r, nil
}

// turn makes a turn of the user of a prompt: a text, or the only one of a list.
func turn(v []byte) (llm.Message, error) {
	m := llm.Message{Role: llm.User, Path: "prompt"}
	part := llm.Part{Kind: llm.PartText, Path: "prompt"}
	if rawjson.Kind(v) == '[' {
		var first []byte
		n := 0
		for _, e := range rawjson.Elems(v) {
			if n++; n == 1 {
				first = e
			}
			if k := rawjson.Kind(e); k != '"' && k != '[' && k != '0' {
				return m, malformed("prompt", "prompt must be a string, a list of strings, or tokens")
			}
		}
		switch {
		case n == 0:
			return m, malformed("prompt", "prompt must not be an empty list")
		case rawjson.Kind(first) != '"':
			return m, unsupported("prompt", "a prompt of tokens can only be read by a model that speaks %s", llm.OpenAICompletions)
		case n > 1:
			return m, unsupported("prompt", "several prompts at once can only be sent to a model that speaks %s", llm.OpenAICompletions)
		}
		v, part.Path = first, "prompt[0]"
	}
	text, ok := rawjson.String(v)
	if !ok {
		return m, malformed("prompt", "prompt must be a string, a list of strings, or tokens")
	}
	part.Text = text
	m.Parts = []llm.Part{part}
	return m, nil
}

func settings(r *llm.Request, o *dialect.Object) error {
	s := &r.Sampling
	s.Temperature, s.TopP, s.TopK = o.Num("temperature"), o.Num("top_p"), o.Num("top_k")
	s.Frequency, s.Presence, s.Seed = o.Num("frequency_penalty"), o.Num("presence_penalty"), o.Num("seed")
	s.Bias = o.Take("logit_bias")
	if n, ok := rawjson.Int(o.Take("logprobs")); ok && n >= 0 {
		s.Logprobs, s.TopLogprobs = true, n
	} else {
		o.Leave("logprobs") // true, which some take
	}
	if r.Answers = o.Int("n"); r.Answers < 0 {
		o.Fail("n", "a whole number that is not negative")
	}
	r.MaxOutput = usualMax
	if v := o.Take("max_tokens"); v != nil {
		n, ok := rawjson.Int(v)
		switch {
		case !ok || n < 0:
			o.Fail("max_tokens", "a whole number that is not negative")
		case n == 0: // nothing shall be written: the prompt is weighed
			o.Leave("max_tokens")
		}
		r.MaxOutput = n
	}
	if on := o.Bool("stream"); on != nil {
		r.Stream = *on
	}
	r.User = o.String("user")
	r.Tier = o.String("service_tier")
	return stop(r, o.Take("stop"))
}

func stop(r *llm.Request, v []byte) error {
	switch rawjson.Kind(v) {
	case ' ':
	case '"':
		r.Stop = []string{rawjson.Text(v)}
	case '[':
		for i, e := range rawjson.Elems(v) {
			s, ok := rawjson.String(e)
			if !ok {
				return malformed("stop["+strconv.Itoa(i)+"]", "stop must be a string or a list of strings")
			}
			r.Stop = append(r.Stop, s)
		}
	default:
		return malformed("stop", "stop must be a string or a list of strings")
	}
	return nil
}
