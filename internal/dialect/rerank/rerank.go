// Package rerank is how documents are put in order by how well they answer a query: cohere-rerank, Cohere's version 2
// (POST /v2/rerank), and openai-rerank, what Jina, Voyage, OpenRouter, vLLM and llama.cpp have beside OpenAI's paths
// (POST /v1/rerank).
//
// The two differ little. Cohere's documents are texts and its answer counts searches; the others take objects too, give
// the documents back where asked, name the model and count tokens. Voyage has words of its own: top_k, and data for the
// results. Both spellings are read, and Voyage is asked in its own.
//
// Everything here is without state and safe for concurrent use, except Meters, which belong to one answer.
//
// Specifications: https://docs.cohere.com/v2/reference/rerank, https://docs.voyageai.com/reference/reranker-api.
package rerank

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Where the dialects are spoken.
const (
	CoherePath = "/v2/rerank"
	OpenAIPath = "/v1/rerank"
)

type rerank struct {
	dialect.Brief
	dialect.FaultsOf
	name llm.Dialect
}

// New returns the dialect of a name, cohere-rerank or openai-rerank, with the errors of another of its provider's.
func New(name llm.Dialect, kin dialect.Dialect) dialect.Dialect {
	return rerank{FaultsOf: dialect.FaultsOf{Other: kin}, name: name}
}

var _ dialect.Reranker = rerank{}

func (d rerank) cohere() bool { return d.name == llm.CohereRerank }

// Name implements dialect.Dialect.
func (d rerank) Name() llm.Dialect { return d.name }

// Peek implements dialect.Dialect.
func (rerank) Peek(c *dialect.Call) (llm.Head, error) { return dialect.PeekModel(c) }

// Meter implements dialect.Dialect.
func (rerank) Meter() dialect.Meter { return dialect.WholeMeter(readAnswer) }

// readAnswer notes what an answer says for the record.
func readAnswer(r *dialect.Reading, body []byte) {
	for name, v := range rawjson.Members(body) {
		switch string(name) {
		case "id":
			r.ID = rawjson.Text(v)
		case "model":
			r.Model = rawjson.Text(v)
		case "usage", "meta":
			if u := usageOf(v); u != nil {
				r.Usage = u
			}
		}
	}
}

// usageOf reads usage or meta, nil where nothing is counted.
func usageOf(v []byte) *llm.Usage {
	u := &llm.Usage{}
	count := func(v []byte, said llm.Fields, to *int64) {
		if n, ok := rawjson.Int(v); ok && n >= 0 {
			*to = n
			u.Said |= said
		}
	}
	count(rawjson.Get(v, "prompt_tokens"), llm.SaidInput, &u.Input)
	count(rawjson.Get(v, "tokens", "input_tokens"), llm.SaidInput, &u.Input)
	count(rawjson.Get(v, "total_tokens"), llm.SaidTotal, &u.Total)
	count(rawjson.Get(v, "billed_units", "search_units"), llm.SaidSearches, &u.Searches)
	u.Cost = llm.Num(rawjson.Num(rawjson.Get(v, "cost")))
	if !u.Has(llm.SaidInput) && u.Has(llm.SaidTotal) { // all of it was read: nothing is generated
		u.Input, u.Said = u.Total, u.Said|llm.SaidInput
	}
	if u.Said == 0 {
		return nil
	}
	return u
}
