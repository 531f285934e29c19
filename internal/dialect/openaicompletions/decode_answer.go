package openaicompletions

import (
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeResponse implements dialect.Codec. The answer shares memory with the body. An error in place of an answer is in
// the answer's Fault.
func (codec) DecodeResponse(body []byte) (*llm.Response, error) {
	if err := rawjson.Check(body); err != nil || rawjson.Kind(body) != '{' {
		return nil, &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: "the provider's answer is not a JSON object", Cause: err}
	}
	r := &llm.Response{From: llm.OpenAICompletions}
	var choices []byte
	for name, v := range rawjson.Members(body) {
		if rawjson.IsNull(v) {
			continue
		}
		switch string(name) {
		case "object":
		case "id":
			r.ID = word(v)
		case "model":
			r.Model = rawjson.Text(v)
		case "created":
			r.Created = llm.Num(rawjson.Num(v))
		case "service_tier":
			if s, ok := rawjson.String(v); ok {
				r.Tier = s
			} else {
				openai.Keep(&r.Extra, "service_tier", v)
			}
		case "usage":
			r.Usage = openai.DecodeUsage(v)
		case "choices":
			choices = v
		case "error":
			if k := rawjson.Kind(v); k == '{' || k == '"' {
				r.Fault = openai.ReadFault(0, nil, body)
			}
		default:
			openai.Keep(&r.Extra, string(name), v)
		}
	}
	for i, v := range rawjson.Elems(choices) {
		if err := decodeChoice(r, v, i); err != nil {
			return nil, err
		}
	}
	if r.Fault == nil && choices == nil && openai.IsError(body) {
		r.Fault = openai.ReadFault(0, nil, body)
	}
	return r, nil
}

// decodeChoice puts a choice at its index, or at the end where the index is missing or taken.
func decodeChoice(r *llm.Response, v []byte, n int) error {
	at := int64(n)
	if i, ok := rawjson.Int(rawjson.Get(v, "index")); ok {
		at = i
	}
	if at >= 0 && at < int64(len(r.Choices)) && !blank(&r.Choices[at]) {
		at = int64(len(r.Choices))
	}
	if at < 0 || at >= llm.MaxChoices {
		return badChoice(at)
	}
	for int64(len(r.Choices)) <= at {
		r.Choices = append(r.Choices, llm.Choice{})
	}
	c := &r.Choices[at]
	p := llm.Part{Kind: llm.PartText}
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "index":
		case "finish_reason":
			c.Stop = openai.DecodeStop(val)
		case "text":
			p.Text = rawjson.Text(val)
		case "logprobs":
			p.Logprobs = decodeLogprobs(val, &c.Extra)
		default:
			openai.Keep(&c.Extra, string(name), val)
		}
	}
	if p.Text != "" || p.Logprobs != nil {
		c.Parts = []llm.Part{p}
	}
	return nil
}

func blank(c *llm.Choice) bool {
	return c.Parts == nil && c.Extra == nil && c.Stop.Reason == "" && c.Stop.Native == ""
}

func badChoice(n int64) *fault.Fault {
	f := fault.New(fault.Upstream, "the provider's answer has a choice numbered %d; at most %d are read", n, llm.MaxChoices)
	f.Origin = fault.There
	return f
}
