package openaibatches

import (
	"net/url"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// The governed members of a batch's object by position.
const (
	ofID = iota
	ofInput
	ofOutput
	ofError
	ofStatus
	ofEndpoint
)

var object = splice.NewSpec("id", "input_file_id", "output_file_id", "error_file_id", "status", "endpoint")

// Batch implements dialect.Batcher.
func (batches) Batch(body []byte) (dialect.Batch, error) {
	ix, err := object.Scan(body)
	if err != nil {
		return dialect.Batch{}, dialect.Garbage("the provider answered something that is no batch", err)
	}
	text := func(at int) string { return rawjson.Text(ix.Get(body, at)) }
	b := dialect.Batch{ID: text(ofID), Input: text(ofInput), Output: text(ofOutput), Error: text(ofError), Path: text(ofEndpoint)}
	if b.ID == "" {
		return b, dialect.Garbage("the provider answered a batch without an id", nil)
	}
	switch text(ofStatus) {
	case "completed", "failed", "expired", "cancelled":
		b.Ended = true
	}
	return b, nil
}

// Shown implements dialect.Batcher.
func (batches) Shown(dst, body []byte, as dialect.Batch) ([]byte, error) {
	ix, err := object.Scan(body)
	if err != nil {
		return dst, dialect.Garbage("the provider answered something that is no batch", err)
	}
	var changes [4]splice.Change
	n := 0
	for at, id := range [...]string{as.ID, as.Input, as.Output, as.Error} {
		if rawjson.Kind(ix.Get(body, at)) == '"' {
			changes[n] = splice.Change{Member: at, Value: rawjson.AppendString(nil, id)}
			n++
		}
	}
	return object.Apply(dst, body, &ix, changes[:n]...), nil
}

// Page implements dialect.Batcher.
func (batches) Page(query url.Values) (dialect.Page, error) { return dialect.PageOf(query, 20, 100) }

// Results implements dialect.Batcher: two files at most hold them.
func (batches) Results(b *dialect.Batch) []dialect.Source {
	return dialect.FilesOfResults(llm.OpenAIFiles, b)
}

// List implements dialect.Batcher.
func (batches) List(dst []byte, objects [][]byte, _ int, more bool) []byte {
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("object").String("list").Name("data").Open('[')
	for _, o := range objects {
		w.Raw(o)
	}
	w.Close(']')
	if len(objects) > 0 {
		w.Name("first_id").Raw(rawjson.Get(objects[0], "id")).Name("last_id").Raw(rawjson.Get(objects[len(objects)-1], "id"))
	} else {
		w.Name("first_id").Null().Name("last_id").Null()
	}
	w.Name("has_more").Bool(more).Close('}')
	return w.Buf
}

// Result implements dialect.Batcher.
func (batches) Result(text []byte) (dialect.Result, error) { return dialect.ReadResult(text) }
