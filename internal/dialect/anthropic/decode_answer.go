package anthropic

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeResponse implements dialect.Codec. The answer shares memory with body. A body that is no message, an error among
// them, is a *fault.Fault.
func (codec) DecodeResponse(body []byte) (*llm.Response, error) {
	if err := rawjson.Check(body); err != nil {
		return nil, garbage("the provider's answer is not JSON", err)
	}
	if isError(body) {
		return nil, messages{}.ReadFault(0, nil, body)
	}
	var o dialect.Object
	o.Read(body)
	typ, content := o.String("type"), o.Take("content")
	if typ != "message" && rawjson.Kind(content) != '[' {
		return nil, garbage("the provider's answer is no message", nil)
	}
	resp := &llm.Response{From: llm.AnthropicMessages, ID: o.String("id"), Model: o.String("model")}
	o.Take("role")
	if v := o.Take("usage"); rawjson.Kind(v) == '{' {
		var c counts
		c.take(v)
		u := c.usage()
		resp.Usage, resp.Tier = &u, u.Tier
	}
	choice := llm.Choice{Stop: decodeStop(o.String("stop_reason"), o.String("stop_sequence"), o.Take("stop_details"))}
	d := blockDecoder{calls: map[string]string{}}
	for _, e := range rawjson.Elems(content) {
		choice.Parts = append(choice.Parts, d.answerBlock(e))
	}
	resp.Choices = []llm.Choice{choice}
	resp.Extra = o.Rest()
	return resp, nil
}

// answerBlock reads a block of an answer; one that cannot be read is kept whole.
func (d *blockDecoder) answerBlock(v []byte) llm.Part {
	p, bad := d.block(v, "")
	if bad != nil {
		return llm.Part{Kind: llm.PartOpaque, Name: rawjson.Text(rawjson.Get(v, "type")), Raw: v}
	}
	return p
}
