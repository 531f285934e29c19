// Package openaiembeddings is the dialect openai-embeddings: OpenAI's embeddings (POST /v1/embeddings), with the members
// by which Mistral and Voyage differ. The full face is in codec.go.
//
// An answer is megabytes of numbers with a few words of usage before or after them. The meter never parses the numbers:
// it looks for the members it needs near both ends first. No text of the client is in an answer, and base64 has no
// quotes, so a needle found is a member.
package openaiembeddings

import (
	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Path is where the dialect is spoken.
const Path = "/v1/embeddings"

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return embeddings{} }

type embeddings struct{ openai.Faults }

var _ dialect.Dialect = embeddings{}

var governed = splice.NewSpec("model")

// Name implements dialect.Dialect.
func (embeddings) Name() llm.Dialect { return llm.OpenAIEmbeddings }

// Peek implements dialect.Dialect.
func (embeddings) Peek(c *dialect.Call) (llm.Head, error) {
	var h llm.Head
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return h, openai.Refused(err)
	}
	c.Index = ix
	h.Model, err = openai.Model(ix.Get(c.Body, 0))
	return h, err
}

// Edit implements dialect.Dialect. There is no output to limit and no stream; the call returned has no Index.
func (embeddings) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	var changes []splice.Change
	if e.Model != "" {
		var one [1]splice.Change
		one[0] = splice.Change{Member: 0, Value: rawjson.AppendString(nil, e.Model)}
		changes = one[:]
	}
	out := governed.Apply(dst, c.Body, &c.Index, changes...)
	c.Body, c.Index = out[len(dst):], splice.Index{}
	return c, nil
}

// Codec implements dialect.Dialect. There is no conversation here; see DecodeEmbed.
func (embeddings) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (embeddings) Meter() dialect.Meter { return dialect.WholeMeter(readAnswer) }

// readAnswer notes what an answer says for the record.
func readAnswer(r *dialect.Reading, body []byte) {
	r.Model = rawjson.Text(dialect.Near(body, `"model"`))
	r.ID = rawjson.Text(dialect.Near(body, `"id"`))
	if usage := dialect.Near(body, `"usage"`); rawjson.Kind(usage) == '{' {
		r.Usage = usageOf(usage)
	}
	if len(body) < end { // an error is small
		if k := rawjson.Kind(rawjson.Get(body, "error")); k == '{' || k == '"' {
			r.Fault = openai.ReadFault(0, nil, body)
		}
	}
}

// usageOf reads the counters, nil where there are none. Where only a total is stated all of it was read: nothing is
// generated.
func usageOf(v []byte) *llm.Usage {
	u := &llm.Usage{}
	count := func(dst *int64, said llm.Fields, raw []byte) {
		if n, ok := rawjson.Int(raw); ok && n >= 0 {
			*dst = n
			u.Said |= said
		}
	}
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "prompt_tokens":
			count(&u.Input, llm.SaidInput, val)
		case "total_tokens":
			count(&u.Total, llm.SaidTotal, val)
		case "cost":
			u.Cost = llm.Num(rawjson.Num(val))
		}
	}
	if !u.Has(llm.SaidInput) && u.Has(llm.SaidTotal) {
		u.Input, u.Said = u.Total, u.Said|llm.SaidInput
	}
	if u.Said == 0 {
		return nil
	}
	return u
}

// end bounds an answer that may be an error, in bytes.
const end = 4 << 10
