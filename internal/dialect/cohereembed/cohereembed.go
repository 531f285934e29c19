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
	"net/http"

	"weir/internal/dialect"
	"weir/internal/dialect/cohere"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Path is where the dialect is spoken.
const Path = "/v2/embed"

type embed struct{ chat dialect.Dialect }

// New returns the dialect.
func New() dialect.Dialect { return embed{cohere.New()} }

var _ dialect.Embedder = embed{}

// Name implements dialect.Dialect.
func (embed) Name() llm.Dialect { return llm.CohereEmbed }

// Peek implements dialect.Dialect.
func (embed) Peek(c *dialect.Call) (llm.Head, error) { return dialect.PeekModel(c) }

// Edit implements dialect.Dialect. There is no output to limit and no stream.
func (embed) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	return dialect.EditModel(dst, c, e)
}

// Fault implements dialect.Dialect.
func (d embed) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	return d.chat.Fault(dst, f, form)
}

// ReadFault implements dialect.Dialect.
func (d embed) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return d.chat.ReadFault(status, h, body)
}

// Codec implements dialect.Dialect. There is no conversation here; see DecodeEmbed.
func (embed) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (embed) Meter() dialect.Meter { return &meter{} }

type meter struct{ r dialect.Reading }

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. Embeddings do not stream.
func (m *meter) Frame(frame.Frame) {}

// Body implements dialect.Meter. An answer repeats the texts, which may hold anything; the counts are read from the
// member itself.
func (m *meter) Body(body []byte) {
	m.r.Began, m.r.Ended = true, true
	for name, v := range rawjson.Members(body) {
		switch string(name) {
		case "id":
			m.r.ID = rawjson.Text(v)
		case "meta":
			m.r.Usage = usageOf(v)
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
