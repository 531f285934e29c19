package cohere

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeResponse implements dialect.Codec. The answer shares memory with body. A body that is no answer, an error among
// them, is a *fault.Fault; an answer that says it failed holds one.
func (codec) DecodeResponse(body []byte) (*llm.Response, error) {
	if err := rawjson.Check(body); err != nil {
		return nil, dialect.Garbage("the provider's answer is not JSON", err)
	}
	var o dialect.Object
	o.Read(body)
	message := o.Take("message")
	if rawjson.Kind(message) != '{' {
		return nil, chat{}.ReadFault(0, nil, body)
	}
	resp := &llm.Response{
		From: llm.CohereChat, ID: text(o.Take("id")), Model: rawjson.Text(o.Take("model")), Usage: decodeUsage(o.Take("usage")),
	}
	var in dialect.Object
	in.Read(message)
	parts, extra, bad := reader{}.assistant(&in, "", resp.ID)
	if bad != nil {
		return nil, dialect.Garbage("the provider's answer holds a message that cannot be read", nil)
	}
	word := rawjson.Text(o.Take("finish_reason"))
	choice := llm.Choice{Parts: parts, Extra: extra, Stop: decodeStop(word, calling(parts))}
	if !hangLogprobs(&choice, o.Take("logprobs")) {
		o.Leave("logprobs")
	}
	resp.Fault = failed(word, "")
	resp.Choices = []llm.Choice{choice}
	resp.Extra = o.Rest()
	return resp, nil
}

// calling reports whether the client has calls to run.
func calling(parts []llm.Part) bool {
	for i := range parts {
		if parts[i].Kind == llm.PartCall && parts[i].By == llm.ByClient {
			return true
		}
	}
	return false
}

// hangLogprobs hangs the log probabilities of a whole answer on its last text, or on its last part where it has none; they
// stand beside the message. It reports whether all of them could be read and hung.
func hangLogprobs(c *llm.Choice, v []byte) bool {
	if bytes.Equal(bytes.TrimSpace(v), []byte("[]")) {
		return true
	}
	if rawjson.Kind(v) != '[' || len(c.Parts) == 0 {
		return v == nil
	}
	var all []llm.Logprob
	for _, e := range rawjson.Elems(v) {
		var ok bool
		if all, ok = decodeLogprobs(all, e); !ok {
			return false
		}
	}
	last := len(c.Parts) - 1
	for i := range c.Parts {
		if c.Parts[i].Kind == llm.PartText {
			last = i
		}
	}
	c.Parts[last].Logprobs = all
	return true
}
