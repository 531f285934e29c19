package anthropicbatches

import (
	"net/http"
	"net/url"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// The governed members of a batch's object by position.
const (
	ofID = iota
	ofResults
	ofStatus
)

var object = splice.NewSpec("id", "results_url", "processing_status")

// Batch implements dialect.Batcher.
func (batches) Batch(body []byte) (dialect.Batch, error) {
	ix, err := object.Scan(body)
	if err != nil {
		return dialect.Batch{}, dialect.Garbage("the provider answered something that is no batch", err)
	}
	b := dialect.Batch{
		ID: rawjson.Text(ix.Get(body, ofID)), Results: rawjson.Text(ix.Get(body, ofResults)),
		Ended: rawjson.Text(ix.Get(body, ofStatus)) == "ended", Path: Messages,
	}
	if b.ID == "" {
		return b, dialect.Garbage("the provider answered a batch without an id", nil)
	}
	return b, nil
}

// Shown implements dialect.Batcher.
func (batches) Shown(dst, body []byte, as dialect.Batch) ([]byte, error) {
	ix, err := object.Scan(body)
	if err != nil {
		return dst, dialect.Garbage("the provider answered something that is no batch", err)
	}
	var changes [2]splice.Change
	n := 0
	for at, text := range [...]string{as.ID, as.Results} {
		if rawjson.Kind(ix.Get(body, at)) == '"' {
			changes[n] = splice.Change{Member: at, Value: rawjson.AppendString(nil, text)}
			n++
		}
	}
	return object.Apply(dst, body, &ix, changes[:n]...), nil
}

// Page implements dialect.Batcher.
func (batches) Page(query url.Values) (dialect.Page, error) {
	p, err := dialect.PageOf(query, 20, 1000)
	p.After, p.Before, p.Ascending = query.Get("after_id"), query.Get("before_id"), false
	return p, err
}

// Results implements dialect.Batcher.
func (b batches) Results(of *dialect.Batch) []dialect.Source {
	if of.Results == "" {
		return nil
	}
	_, path := b.Way(dialect.BatchResults, of.ID)
	return []dialect.Source{{Dialect: llm.AnthropicBatches, Op: llm.OpBatch, Path: path}}
}

// List implements dialect.Batcher.
func (batches) List(dst []byte, objects [][]byte, _ int, more bool) []byte {
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("data").Open('[')
	for _, o := range objects {
		w.Raw(o)
	}
	w.Close(']').Name("has_more").Bool(more)
	if len(objects) > 0 {
		w.Name("first_id").Raw(rawjson.Get(objects[0], "id")).Name("last_id").Raw(rawjson.Get(objects[len(objects)-1], "id"))
	} else {
		w.Name("first_id").Null().Name("last_id").Null()
	}
	return w.Close('}').Buf
}

// Result implements dialect.Batcher.
func (batches) Result(text []byte) (dialect.Result, error) {
	if err := rawjson.Check(text); err != nil || rawjson.Kind(text) != '{' {
		return dialect.Result{}, dialect.Garbage("a line of the results cannot be read", err)
	}
	r := dialect.Result{ID: rawjson.Text(rawjson.Get(text, "custom_id"))}
	if r.ID == "" {
		return r, dialect.Garbage("a line of the results has no custom_id", nil)
	}
	result := rawjson.Get(text, "result")
	switch rawjson.Text(rawjson.Get(result, "type")) {
	case "succeeded":
		r.Status, r.Body = http.StatusOK, rawjson.Get(result, "message")
	case "errored": // as an error answer has it, in an object of its own
		r.Body = rawjson.Get(result, "error")
		r.Status = status(rawjson.Text(rawjson.Get(r.Body, "error", "type")))
	case "canceled":
		r.Fault = &fault.Fault{Kind: fault.ClientGone, Origin: fault.There, Code: "canceled", Message: "the batch was cancelled before the request was answered"}
	case "expired":
		r.Fault = &fault.Fault{Kind: fault.Timeout, Origin: fault.There, Code: "expired", Message: "the batch's time was over before the request was answered"}
	default:
		r.Fault = &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: "what became of the request is told in an unknown word"}
	}
	return r, nil
}

// status is that with which an error of a type is answered alone.
func status(typ string) int {
	switch typ {
	case "invalid_request_error":
		return http.StatusBadRequest
	case "authentication_error":
		return http.StatusUnauthorized
	case "billing_error":
		return http.StatusPaymentRequired
	case "permission_error":
		return http.StatusForbidden
	case "not_found_error":
		return http.StatusNotFound
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	case "rate_limit_error":
		return http.StatusTooManyRequests
	case "timeout_error":
		return http.StatusGatewayTimeout
	case "overloaded_error":
		return 529
	}
	return http.StatusInternalServerError
}
