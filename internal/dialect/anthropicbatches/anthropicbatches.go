// Package anthropicbatches is Anthropic's Message Batches: a list of requests in one body, answered later by one stream of
// results, a line each.
//
// Each request is an object with custom_id and params, and params is a body of Messages, which that dialect judges. What
// cannot be read is refused, with the request's place in the list. A batch itself is a small object (object.go) whose id and
// address of results are replaced where they stand.
package anthropicbatches

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Root is where batches are made, and Messages where each of their requests would go alone.
const (
	Root     = "/v1/messages/batches"
	Messages = "/v1/messages"
)

// The bounds of a batch, as Anthropic has them.
const (
	MaxRequests = 100000
	MaxID       = 64 // bytes of a custom_id
)

type batches struct {
	dialect.BatchFace // tells and reads errors
}

// New returns the dialect. Errors are told and read as words does.
func New(words dialect.Dialect) dialect.Batcher {
	return batches{dialect.BatchFace{Dialect: words, Root: Root}}
}

// Name implements dialect.Dialect.
func (batches) Name() llm.Dialect { return llm.AnthropicBatches }

// Prefix implements dialect.Batcher.
func (batches) Prefix() string { return "msgbatch_" }

// Files implements dialect.Batcher.
func (batches) Files() llm.Dialect { return "" }

// Opaque implements dialect.Opaquer: the results are lines, by whichever name.
func (batches) Opaque(_ llm.Op, contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	switch strings.TrimSpace(kind) {
	case "application/x-jsonl", "application/binary", "application/octet-stream":
		return true
	}
	return false
}

var (
	governed = splice.NewSpec("requests")
	request  = splice.NewSpec("custom_id", "params")
)

// The governed members of a request of the list by position.
const (
	atID = iota
	atParams
)

// Peek implements dialect.Dialect. A batch names no model: its requests do.
func (batches) Peek(c *dialect.Call) (llm.Head, error) {
	ix, err := governed.Scan(c.Body)
	if err != nil {
		f := &fault.Fault{Kind: fault.Malformed, Message: err.Error()}
		if e, ok := errors.AsType[*splice.Error](err); ok {
			f.Param = e.Member
		}
		return llm.Head{}, f
	}
	c.Index = ix
	if rawjson.Kind(ix.Get(c.Body, 0)) != '[' {
		return llm.Head{}, &fault.Fault{Kind: fault.Malformed, Param: "requests", Message: "requests must be a list"}
	}
	return llm.Head{}, nil
}

// Lines implements dialect.Batcher. It allocates the id of a request and a place in the set of those seen.
func (batches) Lines(c *dialect.Call, _ []byte) iter.Seq2[dialect.Line, error] {
	first := dialect.Line{Path: Messages, Dialect: llm.AnthropicMessages, Op: llm.OpChat, List: "requests", Member: "params"}
	return dialect.Listed(c.Body, c.Index.Value[0], first, MaxRequests, read)
}

// read reads the request that stands in body from at to end.
func read(l *dialect.Line, body []byte, at, end int) error {
	text := body[at:end]
	ix, err := request.Scan(text)
	if err != nil {
		return l.Wrong(err.Error())
	}
	var ok bool
	if l.ID, ok = rawjson.String(ix.Get(text, atID)); !ok || l.ID == "" || len(l.ID) > MaxID {
		return l.Wrong(fmt.Sprintf("custom_id must be a text of 1 to %d bytes", MaxID))
	}
	if rawjson.Kind(ix.Get(text, atParams)) != '{' {
		return l.Wrong("params must be an object")
	}
	params := ix.Value[atParams]
	l.Body = splice.Span{Start: at + params.Start, End: at + params.End}
	return nil
}

// Asks implements dialect.Batcher.
func (batches) Asks(path string) (llm.Dialect, llm.Op) {
	if path != Messages {
		return "", ""
	}
	return llm.AnthropicMessages, llm.OpChat
}
