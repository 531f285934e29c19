// Package openaiimages is the dialect openai-images: POST /v1/images/generations as JSON, POST /v1/images/edits as a form or
// as JSON, and POST /v1/images/variations as a form. The full face reads and writes all of them; how speakers and models
// differ stands in tongue.go, and a call that one of them would not understand is said anew for it.
//
// An answer is JSON with the images in it or where they are, or a stream of ever better images. Its usage counts
// tokens where the model does.
package openaiimages

import (
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
)

// Where the dialect is spoken.
const (
	Generations = "/v1/images/generations"
	Edits       = "/v1/images/edits"
	Variations  = "/v1/images/variations"
)

type images struct{ openai.Faults }

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return images{} }

// Name implements dialect.Dialect.
func (images) Name() llm.Dialect { return llm.OpenAIImages }

// Forms implements dialect.Former.
func (images) Forms(op llm.Op) bool { return op == llm.OpImageEdit }

// Opaque implements dialect.Opaquer: some answer with the image itself.
func (images) Opaque(_ llm.Op, contentType string) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "image/")
}

// Peek implements dialect.Dialect.
func (d images) Peek(c *dialect.Call) (llm.Head, error) { return openai.PeekFormed(c, d.Forms(c.Op)) }

// Edit implements dialect.Dialect.
func (images) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	return openai.EditFormed(dst, c, e)
}

// Meter implements dialect.Dialect.
func (images) Meter() dialect.Meter { return openai.MediaMeter() }

// Codec implements dialect.Dialect. There is no conversation here; see DecodeImage.
func (images) Codec() dialect.Codec { return nil }
