// Package mistralbatches is Mistral's batches: requests of one endpoint, in the body of a job or in a file, a line each, that
// are answered later by files of results.
//
// The model stands in the job, for all requests, or in each of them; one that stands in both must be the same. Each request
// is an object with custom_id and body, and body is a request of another dialect, which judges it (lines.go). A file does not
// say what it is for: its requests are judged when a job names it. A job is a small object (object.go) whose ids are replaced
// where they stand; where no file holds its results, its object does, if asked to.
//
// Specification: https://docs.mistral.ai/api/#tag/batch.
package mistralbatches

import (
	"errors"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Root is where batches are made.
const Root = "/v1/batch/jobs"

type batches struct {
	dialect.BatchFace // tells and reads errors
}

// New returns the dialect. Errors are told and read as words does.
func New(words dialect.Dialect) dialect.Batcher {
	return batches{dialect.BatchFace{Dialect: words, Root: Root}}
}

// Name implements dialect.Dialect.
func (batches) Name() llm.Dialect { return llm.MistralBatches }

// Prefix implements dialect.Batcher.
func (batches) Prefix() string { return "" }

// Files implements dialect.Batcher: Mistral's are OpenAI's.
func (batches) Files() llm.Dialect { return llm.OpenAIFiles }

// The governed members of a call by position.
const (
	atFiles = iota
	atRequests
	atEndpoint
	atModel
	atAgent
)

var governed = splice.NewSpec("input_files", "requests", "endpoint", "model", "agent_id")

// Peek implements dialect.Dialect. It reads no head: the requests have one each.
func (batches) Peek(c *dialect.Call) (llm.Head, error) {
	ix, err := governed.Scan(c.Body)
	if err != nil {
		f := malformed("", err.Error())
		if e, ok := errors.AsType[*splice.Error](err); ok {
			f.Param = e.Member
		}
		return llm.Head{}, f
	}
	c.Index = ix
	if _, known := endpoints[rawjson.Text(ix.Get(c.Body, atEndpoint))]; !known {
		return llm.Head{}, malformed("endpoint", "endpoint must be /v1/chat/completions, /v1/embeddings or /v1/ocr")
	}
	if v := ix.Get(c.Body, atModel); !rawjson.IsNull(v) {
		if name, ok := rawjson.String(v); !ok || name == "" {
			return llm.Head{}, malformed("model", "model must be a text that is not empty")
		}
	}
	if !rawjson.IsNull(ix.Get(c.Body, atAgent)) {
		return llm.Head{}, &fault.Fault{Kind: fault.Unsupported, Param: "agent_id", Message: "agents are not known here: name a model"}
	}
	files, requests := ix.Get(c.Body, atFiles), ix.Get(c.Body, atRequests)
	switch {
	case !rawjson.IsNull(files) && !rawjson.IsNull(requests):
		return llm.Head{}, malformed("requests", "requests and input_files are both there; a batch takes one of them")
	case !rawjson.IsNull(requests):
		if rawjson.Kind(requests) != '[' {
			return llm.Head{}, malformed("requests", "requests must be a list")
		}
	default:
		if n, id := filesIn(files); n != 1 || id == "" {
			return llm.Head{}, malformed("input_files", "input_files must be a list of one file: make a batch for each")
		}
	}
	return llm.Head{}, nil
}

// filesIn returns how many files a list names, and the first.
func filesIn(v []byte) (n int, id string) {
	for i, one := range rawjson.Elems(v) {
		if n = i + 1; i == 0 {
			id = rawjson.Text(one)
		}
	}
	return n, id
}

// Asked implements dialect.Batcher.
func (batches) Asked(c dialect.Call) (input, path string) {
	if v := c.Index.Get(c.Body, atFiles); !rawjson.IsNull(v) {
		_, input = filesIn(v)
		return input, rawjson.Text(c.Index.Get(c.Body, atEndpoint))
	}
	return "", ""
}

// From implements dialect.Batcher.
func (batches) From(dst []byte, c dialect.Call, input string) []byte {
	list := append(rawjson.AppendString([]byte{'['}, input), ']')
	return governed.Apply(dst, c.Body, &c.Index, splice.Change{Member: atFiles, Value: list})
}

// Named implements dialect.Batcher. The call has passed Peek.
func (batches) Named(c dialect.Call, model string) (dialect.Call, error) {
	if rawjson.IsNull(c.Index.Get(c.Body, atModel)) {
		return c, nil
	}
	c.Body = governed.Apply(nil, c.Body, &c.Index, splice.Change{Member: atModel, Value: rawjson.AppendString(nil, model)})
	c.Index = splice.Index{}
	return c, nil
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}
