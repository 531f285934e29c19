// Package openaimoderations passes OpenAI's moderation (POST /v1/moderations), which Mistral speaks too. It has the cheap
// face only. A call need not name a model: then it goes to the one provider that speaks the dialect.
package openaimoderations

import (
	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Path is where the dialect is spoken.
const Path = "/v1/moderations"

type moderations struct {
	dialect.Brief
	openai.Faults
}

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return moderations{} }

var governed = splice.NewSpec("model")

// Name implements dialect.Dialect.
func (moderations) Name() llm.Dialect { return llm.OpenAIModerations }

// Peek implements dialect.Dialect. The head of a call that names no model has none.
func (moderations) Peek(c *dialect.Call) (llm.Head, error) {
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return llm.Head{}, openai.Refused(err)
	}
	c.Index = ix
	v := ix.Get(c.Body, 0)
	if rawjson.IsNull(v) {
		return llm.Head{}, nil
	}
	model, err := openai.Model(v)
	return llm.Head{Model: model}, err
}

// Meter implements dialect.Dialect.
func (moderations) Meter() dialect.Meter { return dialect.WholeMeter(readAnswer) }

// readAnswer notes what an answer says for the record. Mistral counts tokens, OpenAI nothing.
func readAnswer(r *dialect.Reading, body []byte) {
	r.ID, r.Model = rawjson.Text(rawjson.Get(body, "id")), rawjson.Text(rawjson.Get(body, "model"))
	r.Usage = openai.DecodeUsage(rawjson.Get(body, "usage"))
}
