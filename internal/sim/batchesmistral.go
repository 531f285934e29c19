package sim

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"weir/internal/rawjson"
)

// mistralPaths are where the requests of Mistral's batches may go.
var mistralPaths = []string{"/v1/chat/completions", "/v1/embeddings", "/v1/ocr"}

// mistralJob is how the ids of its batches begin, which are UUIDs.
const mistralJob = "51e5ba7c-0000-4000-8000-"

// mistralBatches returns what answers a path of Mistral's batches, nil for one that is none.
func (x *exchange) mistralBatches(method, rest string) func() error {
	id, more, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	switch method + " " + more {
	case "POST ":
		if id == "" {
			return x.makeMistralBatch
		}
		return nil
	case "GET ":
		if id == "" {
			return x.listMistralBatches
		}
	case "POST cancel", "DELETE ":
	default:
		return nil
	}
	b := x.p.batches.get(id)
	if b == nil {
		return func() error {
			return &refusal{status: http.StatusNotFound, kind: "not_found", message: "Batch job " + cut(id, 200) + " not found"}
		}
	}
	return func() error {
		if method == http.MethodDelete {
			x.p.batches.drop(b.id)
			w := rawjson.Writer{}
			return x.json(w.Open('{').Name("id").String(b.id).Name("object").String("batch").Name("deleted").Bool(true).Close('}').Buf)
		}
		if more == "cancel" {
			x.cancelBatch(b)
		}
		x.look(b)
		return x.json(x.mistralBatch(b, x.r.URL.Query().Get("inline") == "true"))
	}
}

func (x *exchange) makeMistralBatch() error {
	if err := x.object(); err != nil {
		return err
	}
	c := chatReader{body: x.body}
	b := &batched{id: fmt.Sprintf("%s%012x", mistralJob, x.p.serial.Add(1)), made: x.now}
	w := &rawjson.Writer{}
	var lines [][]byte
	for name, v := range rawjson.Members(x.body) {
		switch string(name) {
		case "endpoint":
			b.path = rawjson.Text(v)
		case "model":
			b.name = rawjson.Text(v)
		case "metadata":
			w.Name("metadata").Raw(v)
		case "input_files":
			for _, id := range rawjson.Elems(v) {
				b.input = rawjson.Text(id)
				f, found := x.p.files.get(b.input)
				if !found || f.purpose != "batch" {
					return x.noFile("input_files", b.input)
				}
				lines = append(lines, bytes.Split(bytes.TrimRight(f.data, "\n"), []byte{'\n'})...)
			}
		case "requests":
			for _, one := range rawjson.Elems(v) {
				lines = append(lines, one)
			}
		case "timeout_hours", "agent_id":
		default:
			c.fail(string(name), "extra_forbidden", "Extra inputs are not permitted: %s", name)
		}
	}
	if !slices.Contains(mistralPaths, b.path) {
		c.fail("endpoint", "enum", "Input should be %s", inQuotes(mistralPaths))
	}
	if b.head = w.Buf; c.bad != nil {
		return c.bad
	}
	for n, line := range lines {
		r := batchRequest{id: rawjson.Text(rawjson.Get(line, "custom_id")), path: b.path, body: rawjson.Get(line, "body")}
		if rawjson.Check(line) != nil || rawjson.Kind(r.body) != '{' {
			return chatError("requests", "invalid_request", "Request %d: body is missing.", n)
		}
		if r.body = modelIn(r.body, b.name); r.body == nil {
			return chatError("model", "invalid_request", "Request %d names no model, or another than the job.", n)
		}
		b.requests = append(b.requests, r)
	}
	if len(b.requests) == 0 {
		return chatError("requests", "invalid_request", "A batch has one request at least.")
	}
	x.p.batches.put(b)
	return x.json(x.mistralBatch(b, false))
}

// modelIn returns a body that names a model, which may stand beside it; nil where there is none, or two.
func modelIn(body []byte, model string) []byte {
	switch name := rawjson.Text(rawjson.Get(body, "model")); {
	case name == "" && model != "":
		w := rawjson.Writer{}
		w.Open('{').Name("model").String(model)
		for name, v := range rawjson.Members(body) {
			w.Name(string(name)).Raw(v)
		}
		return w.Close('}').Buf
	case name == "" || model != "" && name != model:
		return nil
	}
	return body
}

func (x *exchange) listMistralBatches() error {
	w := &rawjson.Writer{}
	w.Open('{').Name("data").Open('[')
	all := x.p.batches.list(mistralJob)
	for _, b := range all {
		x.look(b)
		w.Raw(x.mistralBatch(b, false))
	}
	w.Close(']').Name("object").String("list").Name("total").Int(int64(len(all)))
	return x.json(w.Close('}').Buf)
}

// mistralBatch writes the object of a batch. The results of requests that came in a body are in it alone, if they are asked
// for; those of a file are in files.
func (x *exchange) mistralBatch(b *batched, inline bool) []byte {
	x.p.batches.mu.Lock()
	defer x.p.batches.mu.Unlock()
	good, bad, cancelled, expired := b.counts()
	over := !b.ended.IsZero()
	status := "RUNNING"
	switch {
	case over && !b.cancelled.IsZero():
		status = "CANCELLED"
	case over && expired > 0:
		status = "TIMEOUT_EXCEEDED"
	case over:
		status = "SUCCESS"
	case !b.cancelled.IsZero():
		status = "CANCELLATION_REQUESTED"
	}
	if over && b.input != "" && b.output == "" && b.failed == "" {
		x.chatResults(b)
	}
	stamp := func(w *rawjson.Writer, name string, t time.Time) {
		if w.Name(name); t.IsZero() {
			w.Null()
		} else {
			w.Int(t.Unix())
		}
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("id").String(b.id).Name("object").String("batch").Name("input_files").Open('[')
	if b.input != "" {
		w.String(b.input)
	}
	w.Close(']').Name("endpoint").String(b.path)
	orNull(w, "model", b.name)
	w.Name("agent_id").Null()
	orNull(w, "output_file", b.output)
	orNull(w, "error_file", b.failed)
	w.Name("errors").Open('[').Close(']').Name("outputs")
	if inline && over {
		w.Open('[')
		for i := range b.results {
			w.Raw(b.chatResult(i))
		}
		w.Close(']')
	} else {
		w.Null()
	}
	w.Name("status").String(status).Name("total_requests").Int(int64(len(b.requests))).Name("completed_requests").Int(good + bad)
	w.Name("succeeded_requests").Int(good).Name("failed_requests").Int(bad + cancelled + expired)
	stamp(w, "created_at", b.made)
	stamp(w, "started_at", b.made)
	stamp(w, "completed_at", b.ended)
	out := w.Buf
	if len(b.head) > 0 {
		out = append(append(out, ','), b.head...)
	}
	return append(out, '}')
}
