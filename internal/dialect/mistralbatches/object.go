package mistralbatches

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// The governed members of a job's object by position.
const (
	ofID = iota
	ofInput
	ofOutput
	ofError
	ofStatus
	ofEndpoint
	ofOutputs
)

var object = splice.NewSpec("id", "input_files", "output_file", "error_file", "status", "endpoint", "outputs")

// Batch implements dialect.Batcher.
func (batches) Batch(body []byte) (dialect.Batch, error) {
	ix, err := object.Scan(body)
	if err != nil {
		return dialect.Batch{}, dialect.Garbage("the provider answered something that is no batch", err)
	}
	text := func(at int) string { return rawjson.Text(ix.Get(body, at)) }
	b := dialect.Batch{ID: text(ofID), Output: text(ofOutput), Error: text(ofError), Path: text(ofEndpoint)}
	_, b.Input = filesIn(ix.Get(body, ofInput))
	if b.ID == "" {
		return b, dialect.Garbage("the provider answered a batch without an id", nil)
	}
	switch text(ofStatus) {
	case "SUCCESS", "FAILED", "TIMEOUT_EXCEEDED", "CANCELLED":
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
	for _, of := range [...]struct {
		at int
		id string
	}{{ofID, as.ID}, {ofOutput, as.Output}, {ofError, as.Error}} {
		if rawjson.Kind(ix.Get(body, of.at)) == '"' {
			changes[n] = splice.Change{Member: of.at, Value: rawjson.AppendString(nil, of.id)}
			n++
		}
	}
	if some, _ := filesIn(ix.Get(body, ofInput)); some > 0 {
		list := []byte{'['}
		if as.Input != "" {
			list = rawjson.AppendString(list, as.Input)
		}
		changes[n] = splice.Change{Member: ofInput, Value: append(list, ']')}
		n++
	}
	return object.Apply(dst, body, &ix, changes[:n]...), nil
}

// Kept implements dialect.Batcher: an object holds its results where it was asked to.
func (batches) Kept(dst, body []byte) []byte {
	ix, err := object.Scan(body)
	if err != nil || rawjson.Kind(ix.Get(body, ofOutputs)) != '[' {
		return append(dst, body...)
	}
	return object.Apply(dst, body, &ix, splice.Change{Member: ofOutputs, Value: []byte("null")})
}

// Page implements dialect.Batcher.
func (batches) Page(query url.Values) (dialect.Page, error) {
	number := func(name string, byDefault, least, most int) (int, error) {
		text := query.Get(name)
		if text == "" {
			return byDefault, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return 0, malformed(name, name+" is a number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most))
		}
		return n, nil
	}
	p := dialect.Page{}
	page, err := number("page", 0, 0, 1000000)
	if err != nil {
		return p, err
	}
	if p.Limit, err = number("page_size", 100, 1, 1000); err != nil {
		return p, err
	}
	p.Skip = page * p.Limit
	switch order := query.Get("order_by"); order {
	case "", "-created":
	case "created":
		p.Ascending = true
	default:
		return p, malformed("order_by", "order_by is created or -created")
	}
	if after := query.Get("created_after"); after != "" {
		if _, err := time.Parse(time.RFC3339, after); err != nil {
			return p, malformed("created_after", "created_after is a time like 2026-01-31T12:00:00Z")
		}
	}
	for _, name := range [...]string{"metadata", "agent_id"} {
		if query.Get(name) != "" {
			return p, malformed(name, "a list is not chosen by "+name+" here")
		}
	}
	return p, nil
}

// Wants implements dialect.Batcher. The query has passed Page.
func (batches) Wants(query url.Values, body []byte) bool {
	if model := query.Get("model"); model != "" && model != rawjson.Text(rawjson.Get(body, "model")) {
		return false
	}
	if states := query["status"]; len(states) > 0 && !slices.Contains(states, rawjson.Text(rawjson.Get(body, "status"))) {
		return false
	}
	if after, err := time.Parse(time.RFC3339, query.Get("created_after")); err == nil {
		made, _ := rawjson.Int(rawjson.Get(body, "created_at"))
		return made > after.Unix()
	}
	return true
}

// List implements dialect.Batcher.
func (batches) List(dst []byte, objects [][]byte, all int, _ bool) []byte {
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("data").Open('[')
	for _, o := range objects {
		w.Raw(o)
	}
	w.Close(']').Name("object").String("list").Name("total").Int(int64(all))
	return w.Close('}').Buf
}

// Results implements dialect.Batcher: files hold them, or the job's object.
func (b batches) Results(of *dialect.Batch) []dialect.Source {
	if of.Output != "" || of.Error != "" {
		return dialect.FilesOfResults(llm.OpenAIFiles, of)
	}
	_, path := b.Way(dialect.BatchGet, of.ID)
	return []dialect.Source{{Dialect: llm.MistralBatches, Op: llm.OpBatch, Path: path, Query: "inline=true", Listed: true}}
}

// Lists implements dialect.Batcher.
func (batches) Lists() [][]string { return [][]string{{"outputs"}} }

// Result implements dialect.Batcher.
func (batches) Result(text []byte) (dialect.Result, error) { return dialect.ReadResult(text) }
