// Package tokenize passes what servers of vLLM's kind tell of their tokenizer: a text or a conversation as tokens
// (POST /tokenize) and tokens as a text (POST /detokenize). Nothing is generated and nothing is counted as used.
//
// A call is passed and not translated: tokens are those of one model. What a conversation comes to is asked in the
// dialects that count tokens, and such a question is put to a provider that speaks this one; see package count.
//
// The members are those of vLLM, but nothing beside the model is read here, so that what llama.cpp and Text Embeddings
// Inference have at the same paths passes too. A call need not name a model: then it goes to the one provider that speaks
// the dialect.
package tokenize

import (
	"errors"
	"net/http"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Where the dialect is spoken.
const (
	Path   = "/tokenize"
	DePath = "/detokenize"
)

type tokenize struct{ chat dialect.Dialect }

// New returns the dialect. chat is that of the conversations it takes, with whose errors it answers.
func New(chat dialect.Dialect) dialect.Dialect { return tokenize{chat} }

var governed = splice.NewSpec("model")

// Name implements dialect.Dialect.
func (tokenize) Name() llm.Dialect { return llm.VLLMTokenize }

// Chat returns the dialect whose conversations can be counted here.
func (d tokenize) Chat() dialect.Dialect { return d.chat }

// Peek implements dialect.Dialect. The head of a call that names no model has none.
func (tokenize) Peek(c *dialect.Call) (llm.Head, error) {
	ix, err := governed.Scan(c.Body)
	if err != nil {
		f := &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read: " + err.Error(), Cause: err}
		if e, ok := errors.AsType[*splice.Error](err); ok {
			f.Param = e.Member
		}
		return llm.Head{}, f
	}
	c.Index = ix
	v := ix.Get(c.Body, 0)
	if rawjson.IsNull(v) {
		return llm.Head{}, nil
	}
	model, ok := rawjson.String(v)
	if !ok || model == "" {
		return llm.Head{}, &fault.Fault{Kind: fault.Malformed, Param: "model", Message: "model must be a string that is not empty"}
	}
	return llm.Head{Model: model}, nil
}

// Edit implements dialect.Dialect.
func (tokenize) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	return dialect.EditModel(dst, c, e)
}

// Fault implements dialect.Dialect.
func (d tokenize) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	return d.chat.Fault(dst, f, form)
}

// ReadFault implements dialect.Dialect.
func (d tokenize) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return d.chat.ReadFault(status, h, body)
}

// Codec implements dialect.Dialect: there is none.
func (tokenize) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (tokenize) Meter() dialect.Meter { return &meter{} }

// meter reads nothing: what is counted here is not used.
type meter struct{ r dialect.Reading }

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. Tokens do not stream.
func (m *meter) Frame(frame.Frame) {}

// Body implements dialect.Meter.
func (m *meter) Body([]byte) { m.r.Began, m.r.Ended = true, true }
