package engine

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// guess is what a request for embeddings came to where nobody states it, as Google does not: its texts are counted, and
// tokens are as many as there are. What else it brings is not counted, and then nothing is: a part is not the whole.
func (c *call) guess() *llm.Usage {
	e := c.embed()
	if d, ok := c.d.(dialect.Embedder); ok && e == nil && c.body != nil {
		e, _ = d.DecodeEmbed(c.in) // what cannot be read is not counted
	}
	if e == nil {
		return nil
	}
	s := source(&c.x.Attempts[len(c.x.Attempts)-1])
	u := &llm.Usage{Said: llm.SaidInput, Estimated: llm.SaidInput}
	for i := range e.Inputs {
		in := &e.Inputs[i]
		for range rawjson.Elems(in.Tokens) {
			u.Input++
		}
		for j := range in.Parts {
			if in.Parts[j].Kind != llm.PartText {
				return nil
			}
			u.Input += c.e.learned.Text(s, in.Parts[j].Text)
		}
	}
	return u
}
