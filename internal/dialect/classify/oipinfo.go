package classify

import (
	"net/url"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/splice"
)

// oipInfo is what oip-infer's servers tell of a model: GET /v2/models/MODEL, or one of its versions. There is no body.
type oipInfo struct{ oip }

// NewOIPInfo returns the face of calls that ask what a model takes and gives, in the dialect oip-infer.
func NewOIPInfo() dialect.Dialect { return oipInfo{} }

// Peek implements dialect.Dialect.
func (oipInfo) Peek(c *dialect.Call) (llm.Head, error) {
	model, _, err := splitInfer(c.Path + infer)
	if err != nil {
		return llm.Head{}, malformed("model_name", "the path must be "+OIPRoot+"MODEL or "+OIPRoot+"MODEL"+versions+"VERSION")
	}
	return llm.Head{Model: model}, nil
}

// Edit implements dialect.Dialect. The model is in the path.
func (oipInfo) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	if e.Model != "" {
		_, verb, err := splitInfer(c.Path + infer)
		if err != nil {
			return c, err
		}
		c.Path = OIPRoot + url.PathEscape(e.Model) + strings.TrimSuffix(verb, infer)
	}
	c.Body, c.Index = dst[len(dst):], splice.Index{}
	return c, nil
}
