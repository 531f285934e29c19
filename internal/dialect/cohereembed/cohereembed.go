// Package cohereembed is the dialect cohere-embed: Cohere's embeddings, version 2 (POST /v2/embed).
//
// A request has texts, images (as data URLs) or inputs, whose content mixes both, and says what the embeddings are for;
// an answer has the vectors by the form they are in, so that one request may get each vector in several. Cohere counts
// what it bills.
//
// Everything here is without state and safe for concurrent use, except Meters, which belong to one answer.
//
// Specification: https://docs.cohere.com/v2/reference/embed.
package cohereembed

import (
	"weir/internal/dialect"
	"weir/internal/dialect/cohere"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Path is where the dialect is spoken.
const Path = "/v2/embed"

type embed struct {
	dialect.Brief
	dialect.FaultsOf
}

// New returns the dialect.
func New() dialect.Dialect { return embed{FaultsOf: dialect.FaultsOf{Other: cohere.New()}} }

var _ dialect.Embedder = embed{}

// Name implements dialect.Dialect.
func (embed) Name() llm.Dialect { return llm.CohereEmbed }

// Peek implements dialect.Dialect.
func (embed) Peek(c *dialect.Call) (llm.Head, error) { return dialect.PeekModel(c) }

// Meter implements dialect.Dialect.
func (embed) Meter() dialect.Meter { return dialect.WholeMeter(readAnswer) }

// readAnswer notes what an answer says for the record. It repeats the texts, which may hold anything; the counts are read
// from the member itself.
func readAnswer(r *dialect.Reading, body []byte) {
	for name, v := range rawjson.Members(body) {
		switch string(name) {
		case "id":
			r.ID = rawjson.Text(v)
		case "meta":
			r.Usage = usageOf(v)
		}
	}
}

// usageOf reads meta, nil where it counts no tokens. What is billed is what was read: no other count is given.
func usageOf(meta []byte) *llm.Usage {
	u := &llm.Usage{}
	for name, v := range rawjson.Members(rawjson.Get(meta, "billed_units")) {
		n, ok := rawjson.Int(v)
		if !ok || n < 0 {
			continue
		}
		switch string(name) {
		case "input_tokens":
			u.Input += n
			u.Said |= llm.SaidInput | llm.SaidBilledInput
		case "image_tokens":
			u.Input += n
			u.InputImage = n
			u.Said |= llm.SaidInput | llm.SaidBilledInput | llm.SaidInputImage
		}
	}
	if u.BilledInput = u.Input; u.Said == 0 {
		return nil
	}
	return u
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}
