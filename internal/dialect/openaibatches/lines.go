package openaibatches

import (
	"fmt"
	"iter"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// The bounds of a file.
const (
	MaxLines = 50000    // as OpenAI has it
	MaxLine  = 16 << 20 // bytes
	MaxID    = 512      // bytes of a custom_id
)

// paths are where the requests of a file may go, each with the dialect that judges its body.
var paths = map[string]struct {
	dialect llm.Dialect
	op      llm.Op
}{
	"/v1/chat/completions": {llm.OpenAIChat, llm.OpChat},
	"/v1/responses":        {llm.OpenAIResponses, llm.OpChat},
	"/v1/completions":      {llm.OpenAICompletions, llm.OpChat},
	"/v1/embeddings":       {llm.OpenAIEmbeddings, llm.OpEmbeddings},
	"/v1/moderations":      {llm.OpenAIModerations, llm.OpModeration},
}

// Asks implements dialect.Batcher.
func (batches) Asks(path string) (llm.Dialect, llm.Op) {
	to := paths[path]
	return to.dialect, to.op
}

// The governed members of a line by position.
const (
	atID = iota
	atMethod
	atURL
	atBody
)

var line = splice.NewSpec("custom_id", "method", "url", "body")

// Lines implements dialect.Batcher. It allocates the id of a line and a place in the set of those seen.
func (batches) Lines(_ *dialect.Call, file []byte) iter.Seq2[dialect.Line, error] {
	return func(yield func(dialect.Line, error) bool) {
		path := ""
		dialect.EachLine(file, MaxLines, MaxLine, func(l *dialect.Line, file []byte, at, end int) error {
			err := read(l, file, at, end)
			if err == nil && path != "" && path != l.Path {
				err = l.Wrong("its url is " + l.Path + ", and that of line 1 " + path + "; make a file for each")
			}
			path = l.Path
			return err
		})(yield)
	}
}

// read reads the line that stands in file from at to end.
func read(l *dialect.Line, file []byte, at, end int) error {
	text := file[at:end]
	ix, err := line.Scan(text)
	if err != nil {
		return l.Wrong(err.Error())
	}
	var ok bool
	if l.ID, ok = rawjson.String(ix.Get(text, atID)); !ok || l.ID == "" || len(l.ID) > MaxID {
		return l.Wrong(fmt.Sprintf("custom_id must be a text of 1 to %d bytes", MaxID))
	}
	if rawjson.Text(ix.Get(text, atMethod)) != "POST" {
		return l.Wrong("method must be POST")
	}
	l.Path = rawjson.Text(ix.Get(text, atURL))
	to, known := paths[l.Path]
	if !known {
		return l.Wrong("url must be /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/completions or /v1/moderations")
	}
	if l.Dialect, l.Op = to.dialect, to.op; rawjson.Kind(ix.Get(text, atBody)) != '{' {
		return l.Wrong("body must be an object")
	}
	body := ix.Value[atBody]
	l.Body = splice.Span{Start: at + body.Start, End: at + body.End}
	return nil
}
