package mistralbatches

import (
	"bytes"
	"fmt"
	"iter"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// The bounds of a batch, as Mistral has them: of requests in a body, and in a file.
const (
	MaxRequests = 10000
	MaxLines    = 1000000
	MaxLine     = 16 << 20 // bytes
	MaxID       = 512      // bytes of a custom_id
)

// endpoints are where requests may go, each with the dialect that judges its body.
var endpoints = map[string]struct {
	dialect llm.Dialect
	op      llm.Op
}{
	"/v1/chat/completions": {llm.OpenAIChat, llm.OpChat},
	"/v1/embeddings":       {llm.OpenAIEmbeddings, llm.OpEmbeddings},
	"/v1/ocr":              {llm.MistralOCR, llm.OpOCR},
}

// Asks implements dialect.Batcher.
func (batches) Asks(path string) (llm.Dialect, llm.Op) {
	to := endpoints[path]
	return to.dialect, to.op
}

// The governed members of a request by position.
const (
	atID = iota
	atBody
	atMethod
	atURL
)

var request = splice.NewSpec("custom_id", "body", "method", "url")

// Lines implements dialect.Batcher. It allocates the id of a request and a place in the set of those seen. Of a call without
// an endpoint, a file that is sent before it is known what for, it sees to the form alone.
func (batches) Lines(c *dialect.Call, file []byte) iter.Seq2[dialect.Line, error] {
	first := dialect.Line{Path: rawjson.Text(c.Index.Get(c.Body, atEndpoint)), Model: rawjson.Text(c.Index.Get(c.Body, atModel))}
	to := endpoints[first.Path]
	first.Dialect, first.Op = to.dialect, to.op
	if file != nil {
		return dialect.EachLine(file, MaxLines, MaxLine, func(l *dialect.Line, file []byte, at, end int) error {
			n := l.Number
			*l = first
			l.Number = n
			return read(l, file, at, end)
		})
	}
	first.List, first.Member = "requests", "body"
	return dialect.Listed(c.Body, c.Index.Value[atRequests], first, MaxRequests, read)
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
	if rawjson.Kind(ix.Get(text, atBody)) != '{' {
		return l.Wrong("body must be an object")
	}
	l.Body = splice.Span{Start: at + ix.Value[atBody].Start, End: at + ix.Value[atBody].End}
	return nil
}

// Later implements dialect.Later: a file is this dialect's where its first line says neither method nor url, as OpenAI's do.
func (batches) Later(file []byte) bool {
	first, _, _ := bytes.Cut(file, []byte{'\n'})
	ix, err := request.Scan(first)
	return err == nil && ix.Value[atBody].End != 0 && ix.Value[atMethod].End == 0 && ix.Value[atURL].End == 0
}
