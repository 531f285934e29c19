package converse

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// nativeMaker is who seals reasoning in an answer, which does not name the model that gave it: of the models that are
// offered here only Claude seals.
const nativeMaker = "anthropic"

// DecodeResponse implements dialect.Codec. The answer shares memory with body. A body that is no answer, an error among
// them, is a *fault.Fault.
func (codec) DecodeResponse(body []byte) (*llm.Response, error) {
	if f := wrong(body); f != nil {
		return nil, f
	}
	var o dialect.Object
	o.Read(body)
	resp := &llm.Response{From: llm.BedrockConverse}
	var choice llm.Choice
	var content []byte
	o.Sub(&resp.Extra, "output", func(out *dialect.Object) {
		var m dialect.Object
		m.Read(out.Take("message"))
		m.Take("role")
		m.Take(responseFields)
		content = m.Take("content")
		choice.Extra = m.Rest()
	})
	if v := o.Take("usage"); rawjson.Kind(v) == '{' {
		u := decodeUsage(v)
		resp.Usage = &u
	}
	o.Sub(&resp.Extra, "serviceTier", func(in *dialect.Object) { resp.Tier = in.String("type") })
	var rest []byte
	choice.Stop, rest = decodeStop(o.String("stopReason"), o.Take(responseFields))
	if rest != nil {
		choice.Extra = dialect.With(choice.Extra, responseFields, rest)
	}
	d := blockDecoder{calls: map[string]string{}, native: nativeMaker}
	for _, e := range rawjson.Elems(content) {
		choice.Parts = append(choice.Parts, d.answerBlock(e))
	}
	resp.Choices = []llm.Choice{choice}
	for name, raw := range o.Rest() {
		resp.Extra = dialect.With(resp.Extra, name, raw)
	}
	return resp, nil
}

// answerBlock reads a block of an answer; one that cannot be read is kept whole.
func (d *blockDecoder) answerBlock(v []byte) llm.Part {
	p, bad := d.block(v, "")
	if bad != nil {
		name, _ := only(v)
		return opaque(name, v)
	}
	return p
}
