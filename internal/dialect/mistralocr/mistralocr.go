// Package mistralocr passes Mistral's reading of documents (POST /v1/ocr): a document goes in by address, as a file kept
// there or as a data URL, and its pages come back as Markdown. It has the cheap face only.
//
// It is counted and paid by pages. Pages that were read with annotations cost more, and the usage tells them apart:
// they were if the answer has an annotation of the document or of an image.
//
// Specification: https://docs.mistral.ai/api/endpoint/ocr.
package mistralocr

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Path is where the dialect is spoken.
const Path = "/v1/ocr"

type ocr struct {
	dialect.Brief
	openai.Faults
}

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return ocr{} }

// Name implements dialect.Dialect.
func (ocr) Name() llm.Dialect { return llm.MistralOCR }

// Peek implements dialect.Dialect.
func (ocr) Peek(c *dialect.Call) (llm.Head, error) { return dialect.PeekModel(c) }

// Meter implements dialect.Dialect.
func (ocr) Meter() dialect.Meter { return dialect.WholeMeter(readAnswer) }

// readAnswer notes what an answer says for the record. Pages can hold megabytes of images, so the few words around them
// are looked for. Within a text every quote is escaped, so that the text of a page is taken for no member.
func readAnswer(r *dialect.Reading, body []byte) {
	r.Model = rawjson.Text(dialect.Near(body, `"model"`))
	n, ok := rawjson.Int(rawjson.Get(dialect.Near(body, `"usage_info"`), "pages_processed"))
	if !ok || n < 0 {
		return
	}
	r.Usage = &llm.Usage{Said: llm.SaidPages, Pages: n}
	if annotated(body, `"document_annotation"`) || annotated(body, `"image_annotation"`) {
		r.Usage.Said |= llm.SaidAnnotatedPages
		r.Usage.AnnotatedPages = n
	}
}

// annotated reports whether some member of a name says something.
func annotated(body []byte, name string) bool {
	for {
		i := bytes.Index(body, []byte(name))
		if i < 0 {
			return false
		}
		body = body[i+len(name):]
		if at := rawjson.Space(body, 0); at < len(body) && body[at] == ':' {
			if at = rawjson.Space(body, at+1); at < len(body) && body[at] != 'n' {
				return true
			}
		}
	}
}
