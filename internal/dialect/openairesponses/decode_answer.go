package openairesponses

import (
	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeResponse implements dialect.Codec. The answer shares memory with the body. An error in place of an answer, and
// one within it, is in the answer's Fault.
func (codec) DecodeResponse(body []byte) (*llm.Response, error) {
	if err := rawjson.Check(body); err != nil || rawjson.Kind(body) != '{' {
		return nil, dialect.Garbage("the provider's answer is not a JSON object", err)
	}
	if f := noResponse(body); f != nil {
		return nil, f
	}
	h, rest := decodeHead(body)
	r := &llm.Response{
		From: llm.OpenAIResponses, ID: h.id, Model: h.model, Created: h.created, Tier: h.tier, Usage: h.usage, Fault: h.fault, Extra: rest,
	}
	reader := itemReader{answer: true}
	c := llm.Choice{Stop: h.stop}
	for _, item := range rawjson.Elems(h.output) {
		parts, f := reader.output(item)
		if f != nil {
			return nil, f
		}
		c.Parts = append(c.Parts, parts...)
	}
	r.Choices = []llm.Choice{c}
	if r.Fault == nil && isError(body) {
		r.Fault = responses{}.ReadFault(0, nil, body)
	}
	return r, nil
}

// noResponse returns the fault of an object that is none, nor tells why: what else is said under a response's path, such
// as that one was deleted, would read as an answer that says nothing.
func noResponse(v []byte) *fault.Fault {
	var object string
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "output", "status", "error":
			return nil
		case "object":
			object = rawjson.Text(val)
		case "type":
			if rawjson.Text(val) == "error" {
				return nil
			}
		}
	}
	if len(object) > 64 || object == "" {
		object = "something else"
	}
	return dialect.Garbage("the provider's answer is no response with an output but "+object, nil)
}

// output reads an item of an answer.
func (r *itemReader) output(v []byte) ([]llm.Part, *fault.Fault) {
	typ := rawjson.Text(rawjson.Get(v, "type"))
	parts, bad := r.item(v, typ, "")
	if bad != nil {
		return nil, dialect.Garbage("the provider's answer has an item whose "+bad.Member+" is not "+bad.Want, nil)
	}
	return parts, nil
}

// head is what a response object says beside its output.
type head struct {
	id, model, tier string
	created         llm.Num
	output          []byte
	stop            llm.Stop
	usage           *llm.Usage
	fault           *fault.Fault
}

// repeated are the members of an answer that repeat the request, or its own output.
var repeated = [...]string{
	"background", "conversation", "frequency_penalty", "instructions", "max_output_tokens", "max_tool_calls", "output_text",
	"parallel_tool_calls", "presence_penalty", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options",
	"prompt_cache_retention", "reasoning", "safety_identifier", "store", "temperature", "text", "tool_choice", "tools", "top_logprobs",
	"top_p", "truncation", "user",
}

// decodeHead reads a response object; rest is what has no field and is no repetition.
func decodeHead(v []byte) (h head, rest llm.Extra) {
	var o dialect.Object
	o.Read(v)
	h.id, h.model = o.String("id"), o.String("model")
	h.created = llm.Num(rawjson.Num(o.Take("created_at")))
	if h.tier = rawjson.Text(o.Take("service_tier")); h.tier == "" {
		o.Leave("service_tier")
	}
	if rawjson.Text(o.Take("object")) != "response" {
		o.Leave("object")
	}
	tools := o.Take("tool_usage")
	o.Leave("tool_usage")
	h.usage = decodeUsage(o.Take("usage"), tools)
	status := rawjson.Text(o.Take("status"))
	var details dialect.Object
	raw := o.Take("incomplete_details")
	details.Read(raw)
	reason := rawjson.Text(details.Take("reason"))
	if details.Rest() != nil {
		h.stop.Raw = raw
	}
	h.output = o.Take("output")
	calls, refused := demands(h.output)
	stop := decodeStop(status, reason, calls, refused)
	stop.Raw = h.stop.Raw
	h.stop = stop
	if failure := o.Take("error"); rawjson.Kind(failure) == '{' || status == "failed" {
		h.fault = readFailure(v)
	}
	for _, name := range repeated {
		o.Take(name)
	}
	if !dialect.Says(o.Take("metadata")) {
		return h, o.Rest()
	}
	o.Leave("metadata") // xAI puts in what its client did not say
	return h, o.Rest()
}
