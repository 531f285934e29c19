package ollama

import (
	"strconv"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeResponse implements dialect.Codec. The answer shares memory with body. A body that is no answer, an error among
// them, is a *fault.Fault.
func (codec) DecodeResponse(body []byte) (*llm.Response, error) {
	if err := rawjson.Check(body); err != nil {
		return nil, dialect.Garbage("the provider's answer is not JSON", err)
	}
	var o dialect.Object
	o.Read(body)
	message := o.Take("message")
	if isError(body) || rawjson.Kind(message) != '{' {
		return nil, chat{}.ReadFault(0, nil, body)
	}
	created := o.Take("created_at")
	resp := &llm.Response{From: llm.OllamaChat, Model: rawjson.Text(o.Take("model")), Created: seconds(rawjson.Text(created))}
	var in dialect.Object
	in.Read(message)
	parts, bad := reader{}.assistant(&in, "", answerID(resp.Model, rawjson.Text(created)))
	if bad != nil {
		return nil, dialect.Garbage("the provider's answer holds a message that cannot be read", nil)
	}
	choice := llm.Choice{Parts: parts, Extra: in.Rest()}
	if !hangLogprobs(parts, o.Take("logprobs")) {
		o.Leave("logprobs")
	}
	resp.Usage = takeUsage(&o)
	o.Take("done")
	choice.Stop = decodeStop(rawjson.Text(o.Take("done_reason")), calling(parts))
	resp.Choices = []llm.Choice{choice}
	resp.Extra = o.Rest()
	if created != nil {
		resp.Extra = dialect.With(resp.Extra, "created_at", created)
	}
	return resp, nil
}

// answerID makes ids for calls of an answer that have none: of when it was made, which is told to a part of a second.
func answerID(model, created string) func(n int, name, args string) string {
	return func(n int, name, args string) string { return derive(model, created, strconv.Itoa(n), name, args) }
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

// hangLogprobs hangs the log probabilities of a whole answer on its text, or on its last part where it has none. It
// reports whether all of them could be read and hung.
func hangLogprobs(parts []llm.Part, v []byte) bool {
	all, ok := decodeLogprobs(v)
	if !ok || len(all) > 0 && len(parts) == 0 {
		return false
	}
	if len(all) == 0 {
		return true
	}
	at := len(parts) - 1
	for i := range parts {
		if parts[i].Kind == llm.PartText {
			at = i
		}
	}
	parts[at].Logprobs = all
	return true
}
