package geminibatches

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// collection is what stands before a batch's id in its name.
const collection = "batches/"

// The governed members of an operation and of its metadata, by position.
const (
	ofName = iota
	ofMeta
	ofDone
	ofError
	ofResponse
)

const (
	metaName = iota
	metaState
	metaOutput
	metaInput
)

var (
	operation = splice.NewSpec("name", "metadata", "done", "error", "response")
	meta      = splice.NewSpec("name", "state", "output", "inputConfig")
)

// scan finds the members of an operation; those of its metadata where it has any.
func scan(object []byte) (ix, in splice.Index, err error) {
	ix, err = operation.Scan(object)
	if err == nil && rawjson.Kind(ix.Get(object, ofMeta)) == '{' {
		in, err = meta.Scan(ix.Get(object, ofMeta))
	}
	if err != nil {
		err = dialect.Garbage("the provider answered something that is no batch", err)
	}
	return ix, in, err
}

// Batch implements dialect.Batcher.
func (batches) Batch(object []byte) (dialect.Batch, error) {
	ix, in, err := scan(object)
	if err != nil {
		return dialect.Batch{}, err
	}
	id, ok := strings.CutPrefix(rawjson.Text(ix.Get(object, ofName)), collection)
	if !ok || id == "" {
		return dialect.Batch{}, dialect.Garbage("the provider answered a batch without a name", nil)
	}
	b := dialect.Batch{ID: id}
	b.Ended, _ = rawjson.Bool(ix.Get(object, ofDone))
	state := rawjson.Text(in.Get(ix.Get(object, ofMeta), metaState))
	state = state[strings.LastIndex(state, "_")+1:] // the states of batches and of jobs differ in what they begin with
	switch state {
	case "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED":
		b.Ended = true
	}
	if b.Ended {
		b.Lacks = lacks(state, rawjson.Text(rawjson.Get(ix.Get(object, ofError), "message")))
	}
	return b, nil
}

// lacks is what became of the requests of a batch in this end state that have no result.
func lacks(state, message string) *fault.Fault {
	f := &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Code: strings.ToLower(state), Message: message}
	switch state {
	case "CANCELLED":
		f.Kind, f.Message = fault.ClientGone, "the batch was cancelled before the request was answered"
	case "EXPIRED":
		f.Kind, f.Message = fault.Timeout, "the batch's time was over before the request was answered"
	}
	if f.Message == "" {
		f.Message = "the request was not answered"
	}
	return f
}

// Shown implements dialect.Batcher.
func (batches) Shown(dst, object []byte, as dialect.Batch) ([]byte, error) {
	ix, in, err := scan(object)
	if err != nil {
		return dst, err
	}
	name := rawjson.AppendString(nil, collection+as.ID)
	var changes [2]splice.Change
	n := 0
	if rawjson.Kind(ix.Get(object, ofName)) == '"' {
		changes[n] = splice.Change{Member: ofName, Value: name}
		n++
	}
	if m := ix.Get(object, ofMeta); rawjson.Kind(in.Get(m, metaName)) == '"' {
		changes[n] = splice.Change{Member: ofMeta, Value: meta.Apply(nil, m, &in, splice.Change{Member: metaName, Value: name})}
		n++
	}
	return operation.Apply(dst, object, &ix, changes[:n]...), nil
}

// Kept implements dialect.Batcher: the results stand in an operation twice, and the requests may stand there too.
func (batches) Kept(dst, object []byte) []byte {
	ix, in, err := scan(object)
	if err != nil {
		return append(dst, object...)
	}
	changes := []splice.Change{{Member: ofResponse}}
	if m := ix.Get(object, ofMeta); in.Value[metaOutput].End != 0 || in.Value[metaInput].End != 0 {
		changes = append(changes, splice.Change{Member: ofMeta, Value: meta.Apply(nil, m, &in, splice.Change{Member: metaOutput}, splice.Change{Member: metaInput})})
	}
	return operation.Apply(dst, object, &ix, changes...)
}

// Page implements dialect.Batcher. A token is the id of the last batch of the page before.
func (batches) Page(query url.Values) (dialect.Page, error) {
	p := dialect.Page{After: query.Get("pageToken"), Limit: 50}
	if p.After == "" {
		p.After = query.Get("page_token")
	}
	size := query.Get("pageSize")
	if size == "" {
		size = query.Get("page_size")
	}
	if size == "" {
		return p, nil
	}
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 {
		return p, malformed("pageSize", "pageSize is a number from 1 to 1000")
	}
	if n > 0 {
		p.Limit = min(n, 1000)
	}
	return p, nil
}

// List implements dialect.Batcher.
func (batches) List(dst []byte, objects [][]byte, _ int, more bool) []byte {
	w := rawjson.Writer{Buf: dst}
	w.Open('{')
	if len(objects) > 0 {
		w.Name("operations").Open('[')
		for _, o := range objects {
			w.Raw(o)
		}
		w.Close(']')
	}
	if more && len(objects) > 0 {
		w.Name("nextPageToken").String(strings.TrimPrefix(rawjson.Text(rawjson.Get(objects[len(objects)-1], "name")), collection))
	}
	return w.Close('}').Buf
}

// Results implements dialect.Batcher: they are in the operation.
func (b batches) Results(of *dialect.Batch) []dialect.Source {
	_, path := b.Way(dialect.BatchGet, of.ID)
	return []dialect.Source{{Dialect: llm.GeminiBatches, Op: llm.OpBatch, Path: path, Listed: true}}
}

// lists are where results stand: twice, and by one of two names.
var lists = func() (out [][]string) {
	for _, at := range [...][]string{{"metadata", "output"}, {"response"}} {
		for _, name := range [...]string{"inlinedResponses", "inlinedEmbedContentResponses"} {
			short := append(slices.Clip(at), name)
			out = append(out, short, append(slices.Clip(short), "inlinedResponses"))
		}
	}
	return out
}()

// Lists implements dialect.Batcher.
func (batches) Lists() [][]string { return lists }

// Result implements dialect.Batcher.
func (batches) Result(text []byte) (dialect.Result, error) {
	if err := rawjson.Check(text); err != nil || rawjson.Kind(text) != '{' {
		return dialect.Result{}, dialect.Garbage("a result cannot be read", err)
	}
	answer, wrong := rawjson.Get(text, "response"), rawjson.Get(text, "error")
	switch {
	case rawjson.Kind(answer) == '{':
		return dialect.Result{Status: http.StatusOK, Body: answer}, nil
	case rawjson.Kind(wrong) == '{': // the error as an answer has it, but in no object of its own
		code, _ := rawjson.Int(rawjson.Get(wrong, "code"))
		body := append(append(append(make([]byte, 0, len(wrong)+12), `{"error":`...), wrong...), '}')
		return dialect.Result{Status: status(code), Body: body}, nil
	}
	f := &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: "the request was not answered"}
	return dialect.Result{Fault: f}, nil
}

// status is that with which an error of a code of google.rpc, or of HTTP, is answered alone.
func status(code int64) int {
	switch code {
	case 3, 9, 11:
		return http.StatusBadRequest
	case 16:
		return http.StatusUnauthorized
	case 7:
		return http.StatusForbidden
	case 5:
		return http.StatusNotFound
	case 6, 10:
		return http.StatusConflict
	case 8:
		return http.StatusTooManyRequests
	case 1:
		return 499
	case 12:
		return http.StatusNotImplemented
	case 14:
		return http.StatusServiceUnavailable
	case 4:
		return http.StatusGatewayTimeout
	}
	if code >= 400 && code <= 599 {
		return int(code)
	}
	return http.StatusInternalServerError
}
