// Package geminibatches is Google's batches of the Gemini API: a list of requests of one model in one body, answered later by
// an operation whose object holds the results too.
//
// The model stands in the path of the call that makes a batch, with what the requests are: batchGenerateContent, or
// asyncBatchEmbedContent. Each request is an object with request and metadata, and request is a body of that dialect, which
// judges it (lines.go). What cannot be read is refused, with the request's place in the list. A batch itself is an operation
// (object.go) whose name is replaced where it stands; its results have no ids, and are told apart by their place.
//
// The API takes member names in lower camel case and in snake case; both are read, and both at once refused.
//
// Specification: https://ai.google.dev/api/batch-api.
package geminibatches

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Root is where batches are asked about; they are made where their model is.
const (
	Root   = "/v1beta/batches"
	models = "/v1beta/models/"
)

// actions are what makes batches, with where each of their requests would go alone.
var actions = []struct {
	name, alone string
	dialect     llm.Dialect
	op          llm.Op
}{
	{"batchGenerateContent", "generateContent", llm.GeminiGenerate, llm.OpChat},
	{"asyncBatchEmbedContent", "embedContent", llm.GeminiEmbeddings, llm.OpEmbeddings},
}

// Makes reports whether a path's last word, behind the colon, makes a batch.
func Makes(verb string) bool {
	for i := range actions {
		if actions[i].name == verb {
			return true
		}
	}
	return false
}

type batches struct {
	dialect.BatchFace // tells and reads errors
}

// New returns the dialect. Errors are told and read as words does.
func New(words dialect.Dialect) dialect.Batcher {
	return batches{dialect.BatchFace{Dialect: words, Root: Root}}
}

// Name implements dialect.Dialect.
func (batches) Name() llm.Dialect { return llm.GeminiBatches }

// Prefix implements dialect.Batcher. The name of a batch is its id behind its collection's, which is no part of the id.
func (batches) Prefix() string { return "" }

// Files implements dialect.Batcher.
func (batches) Files() llm.Dialect { return "" }

// Way implements dialect.Batcher.
func (b batches) Way(verb dialect.BatchVerb, id string) (method, path string) {
	if verb == dialect.BatchCancel {
		return http.MethodPost, Root + "/" + url.PathEscape(id) + ":cancel"
	}
	return b.BatchFace.Way(verb, id)
}

// Tells implements dialect.Batcher: what ends a batch is answered with an empty object.
func (batches) Tells(verb dialect.BatchVerb) bool {
	return verb != dialect.BatchCancel && verb != dialect.BatchDelete
}

// place is a path taken apart: the model is still escaped.
type place struct {
	prefix, model, colon string
	action               int
}

// cutPath takes a path apart: the model stands between /models/ and the last colon.
func cutPath(path string) (p place, ok bool) {
	i := strings.Index(path, "/models/")
	if i < 0 {
		return p, false
	}
	i += len("/models/")
	p.prefix = path[:i]
	for p.action = range actions {
		for _, p.colon = range [...]string{":", "%3A", "%3a"} {
			if p.model, ok = strings.CutSuffix(path[i:], p.colon+actions[p.action].name); ok && p.model != "" {
				return p, true
			}
		}
	}
	return p, false
}

// name returns the model's name.
func (p *place) name() (string, error) {
	model, err := url.PathUnescape(p.model)
	if err != nil || model == "" || strings.ContainsFunc(model, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", malformed("model", "the model's name in the path cannot be read")
	}
	return model, nil
}

// bare takes what a resource's name has before the model's own.
func bare(name string) string { return strings.TrimPrefix(name, "models/") }

// Peek implements dialect.Dialect. The model of the requests is named by the path; no head of a call of its own is read.
func (batches) Peek(c *dialect.Call) (llm.Head, error) {
	at, ok := cutPath(c.Path)
	if !ok {
		return llm.Head{}, malformed("model", "the path must name a model and what to do: "+models+"MODEL:"+actions[0].name+" or :"+actions[1].name)
	}
	model, err := at.name()
	if err != nil {
		return llm.Head{}, err
	}
	in, err := read(c.Body)
	if err != nil {
		return llm.Head{}, err
	}
	if v := in.model.of(c.Body); !rawjson.IsNull(v) {
		if name, ok := rawjson.String(v); !ok || bare(name) != bare(model) {
			return llm.Head{}, malformed("batch.model", "batch.model names another model than the path")
		}
	}
	return llm.Head{}, nil
}

// Named implements dialect.Batcher: the path names the model, and the batch may name it again.
func (batches) Named(c dialect.Call, model string) (dialect.Call, error) {
	at, ok := cutPath(c.Path)
	if !ok {
		return c, fault.New(fault.Internal, "a call to name a model in has not passed Peek")
	}
	in, err := read(c.Body)
	if err != nil {
		return c, err
	}
	c.Path = at.prefix + url.PathEscape(bare(model)) + at.colon + actions[at.action].name
	if v := in.model.of(c.Body); !rawjson.IsNull(v) {
		if strings.HasPrefix(rawjson.Text(v), "models/") {
			model = "models/" + bare(model)
		}
		body := rawjson.AppendString(append(make([]byte, 0, len(c.Body)+len(model)), c.Body[:in.model.Start]...), model)
		c.Body, c.Index = append(body, c.Body[in.model.End:]...), splice.Index{}
	}
	return c, nil
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// refuse turns a refusal of the scan into what the client reads.
func refuse(err error, within string) error {
	f := &fault.Fault{Kind: fault.Malformed, Param: within, Message: err.Error()}
	if e, ok := errors.AsType[*splice.Error](err); ok && within == "" {
		f.Param = e.Member
	}
	if within != "" {
		f.Message = within + ": " + f.Message
	}
	return f
}
