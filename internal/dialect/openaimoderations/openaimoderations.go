// Package openaimoderations passes OpenAI's moderation (POST /v1/moderations), which Mistral speaks too. It has the cheap
// face only. A call need not name a model: then it goes to the one provider that speaks the dialect.
package openaimoderations

import (
	"net/http"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Path is where the dialect is spoken.
const Path = "/v1/moderations"

type moderations struct{}

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

// Edit implements dialect.Dialect.
func (moderations) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	return dialect.EditModel(dst, c, e)
}

// Fault implements dialect.Dialect.
func (moderations) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	return openai.AppendFault(dst, f, form)
}

// ReadFault implements dialect.Dialect.
func (moderations) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return openai.ReadFault(status, h, body)
}

// Codec implements dialect.Dialect.
func (moderations) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (moderations) Meter() dialect.Meter { return &meter{} }

type meter struct{ r dialect.Reading }

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. Verdicts do not stream.
func (m *meter) Frame(frame.Frame) {}

// Body implements dialect.Meter. Mistral counts tokens, OpenAI nothing.
func (m *meter) Body(body []byte) {
	m.r.Began, m.r.Ended = true, true
	m.r.ID, m.r.Model = rawjson.Text(rawjson.Get(body, "id")), rawjson.Text(rawjson.Get(body, "model"))
	m.r.Usage = openai.DecodeUsage(rawjson.Get(body, "usage"))
}
