// Package openaibatches is OpenAI's Batches: a file of requests, a line each, that is answered later by files of results.
//
// A file is read line by line (lines.go): each line is an object with custom_id, method, url and body, and the body is a
// request of another dialect, which judges it. What cannot be read is refused, with the line's number. A batch itself is a
// small object (object.go) whose ids are replaced where they stand.
package openaibatches

import (
	"errors"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Root is where batches are made.
const Root = "/v1/batches"

type batches struct {
	dialect.BatchFace // tells and reads errors
}

// New returns the dialect. Errors are told and read as words does.
func New(words dialect.Dialect) dialect.Batcher {
	return batches{dialect.BatchFace{Dialect: words, Root: Root}}
}

// Name implements dialect.Dialect.
func (batches) Name() llm.Dialect { return llm.OpenAIBatches }

// Prefix implements dialect.Batcher.
func (batches) Prefix() string { return "batch_" }

// Files implements dialect.Batcher.
func (batches) Files() llm.Dialect { return llm.OpenAIFiles }

// The governed members of a call by position.
const (
	atInput = iota
	atEndpoint
)

var governed = splice.NewSpec("input_file_id", "endpoint")

// Peek implements dialect.Dialect. A batch names no model: its lines do.
func (batches) Peek(c *dialect.Call) (llm.Head, error) {
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return llm.Head{}, refused(err)
	}
	c.Index = ix
	for at, name := range [...]string{"input_file_id", "endpoint"} {
		if v, ok := rawjson.String(ix.Get(c.Body, at)); !ok || v == "" {
			return llm.Head{}, &fault.Fault{Kind: fault.Malformed, Param: name, Message: name + " is missing or no text"}
		}
	}
	return llm.Head{}, nil
}

func refused(err error) error {
	f := &fault.Fault{Kind: fault.Malformed, Message: err.Error()}
	if e, ok := errors.AsType[*splice.Error](err); ok {
		f.Param = e.Member
	}
	return f
}

// Asked implements dialect.Batcher.
func (batches) Asked(c dialect.Call) (input, path string) {
	return rawjson.Text(c.Index.Get(c.Body, atInput)), rawjson.Text(c.Index.Get(c.Body, atEndpoint))
}

// From implements dialect.Batcher.
func (batches) From(dst []byte, c dialect.Call, input string) []byte {
	return governed.Apply(dst, c.Body, &c.Index, splice.Change{Member: atInput, Value: rawjson.AppendString(nil, input)})
}
