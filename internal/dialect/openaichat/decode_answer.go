package openaichat

import (
	"strconv"

	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeResponse implements dialect.Codec. The answer shares memory with the body. An error in place of an answer is
// in the answer's Fault.
func (codec) DecodeResponse(body []byte) (*llm.Response, error) {
	if err := rawjson.Check(body); err != nil || rawjson.Kind(body) != '{' {
		return nil, &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: "the provider's answer is not a JSON object", Cause: err}
	}
	r := &llm.Response{From: llm.OpenAIChat}
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
			if rawjson.Kind(v) == '{' || rawjson.Kind(v) == '"' {
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
	at := n
	if i, ok := rawjson.Int(rawjson.Get(v, "index")); ok {
		if i < 0 || i >= llm.MaxChoices {
			return badChoice(i)
		}
		at = int(i)
	}
	if at < len(r.Choices) && !blank(&r.Choices[at]) {
		at = len(r.Choices)
	}
	if at >= llm.MaxChoices {
		return badChoice(int64(at))
	}
	for len(r.Choices) <= at {
		r.Choices = append(r.Choices, llm.Choice{})
	}
	c := &r.Choices[at]
	t := turn{seed: choiceSeed(r.ID, at)}
	var message, delta []byte
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "index":
		case "finish_reason":
			c.Stop = openai.DecodeStop(val)
		case "message":
			message = val
		case "delta":
			delta = val
		case "logprobs":
			t.logs(val, &c.Extra)
		default:
			openai.Keep(&c.Extra, string(name), val)
		}
	}
	if rawjson.IsNull(message) {
		message = delta // seen in whole answers too
	}
	for name, val := range rawjson.Members(message) {
		if string(name) != "role" && !t.take(string(name), val) {
			openai.Keep(&c.Extra, "message."+string(name), val)
		}
	}
	c.Parts = t.decode()
	t.keepLost(&c.Extra)
	settle(&c.Stop, t.lastClientCall(), t.last(llm.PartRefusal) >= 0)
	return nil
}

func choiceSeed(id string, choice int) string { return id + "/" + strconv.Itoa(choice) }

func blank(c *llm.Choice) bool {
	return c.Parts == nil && c.Extra == nil && c.Stop.Reason == "" && c.Stop.Native == ""
}

func badChoice(n int64) *fault.Fault {
	f := fault.New(fault.Upstream, "the provider's answer has a choice numbered %d; at most %d are read", n, llm.MaxChoices)
	f.Origin = fault.There
	return f
}

// logs notes the log probabilities of a choice.
func (t *turn) logs(v []byte, x *llm.Extra) {
	if rawjson.Kind(v) != '{' {
		openai.Keep(x, "logprobs", v)
		return
	}
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "content":
			t.contentLogs = val
		case "refusal":
			t.refusalLogs = val
		case "reasoning_content":
			t.reasoningLogs = val
		default:
			openai.Keep(x, "logprobs."+string(name), val)
		}
	}
}

// keepLost keeps the log probabilities that no part could hold.
func (t *turn) keepLost(x *llm.Extra) {
	if t.lostLogs {
		openai.Keep(x, "logprobs.content", t.contentLogs)
	}
	if t.lostRefusal {
		openai.Keep(x, "logprobs.refusal", t.refusalLogs)
	}
	if t.lostReasoningLogs {
		openai.Keep(x, "logprobs.reasoning_content", t.reasoningLogs)
	}
}

func (t *turn) lastClientCall() bool {
	for i := range t.parts {
		if t.parts[i].Kind == llm.PartCall && t.parts[i].By == llm.ByClient {
			return true
		}
	}
	return false
}
