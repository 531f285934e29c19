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

// chatBatches returns what answers a path of OpenAI's batches, nil for one that is none.
func (x *exchange) chatBatches(method, rest string) func() error {
	id, more, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	switch method + " " + more {
	case "POST ":
		if id == "" {
			return x.makeChatBatch
		}
		return nil
	case "GET ":
		if id == "" {
			return x.listChatBatches
		}
	case "POST cancel":
	default:
		return nil
	}
	b := x.p.batches.get(id)
	if b == nil {
		return func() error {
			return &refusal{status: http.StatusNotFound, kind: "invalid_request_error", message: "No batch found with id '" + cut(id, 200) + "'."}
		}
	}
	return func() error {
		if more == "cancel" {
			x.cancelBatch(b)
		}
		x.look(b)
		return x.json(x.chatBatch(b))
	}
}

// chatPaths are where the requests of OpenAI's batches may go.
var chatPaths = []string{"/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions", "/v1/moderations"}

func (x *exchange) makeChatBatch() error {
	if err := x.object(); err != nil {
		return err
	}
	c := chatReader{body: x.body}
	b := &batched{id: fmt.Sprintf("batch_sim%024d", x.p.serial.Add(1)), made: x.now}
	w := &rawjson.Writer{}
	for name, v := range rawjson.Members(x.body) {
		switch string(name) {
		case "input_file_id":
			b.input = c.text(v, "input_file_id")
		case "endpoint":
			if b.path = c.text(v, "endpoint"); !slices.Contains(chatPaths, b.path) {
				c.fail("endpoint", "invalid_value", "Invalid value: '%s'. Supported values are: %s.", b.path, inQuotes(chatPaths))
			}
		case "completion_window":
			if c.text(v, "completion_window") != "24h" {
				c.fail("completion_window", "invalid_value", "Invalid value: completion_window must be '24h'.")
			}
			w.Name("completion_window").Raw(v)
		case "metadata":
			w.Name("metadata").Raw(v)
		case "output_expires_after":
		default:
			c.fail(string(name), "unknown_parameter", "Unknown parameter: '%s'.", name)
		}
	}
	for _, name := range [...]string{"input_file_id", "endpoint", "completion_window"} {
		if rawjson.Get(x.body, name) == nil {
			c.fail(name, "missing_required_parameter", "Missing required parameter: '%s'.", name)
		}
	}
	if c.bad != nil {
		return c.bad
	}
	f, found := x.p.files.get(b.input)
	if !found || f.purpose != "batch" {
		return x.noFile("input_file_id", b.input)
	}
	if err := b.read(f.data); err != nil {
		return err
	}
	b.head = w.Buf
	x.p.batches.put(b)
	return x.json(x.chatBatch(b))
}

// read reads the file's requests. The real provider judges them later; what is wrong then ends the batch as failed.
func (b *batched) read(data []byte) error {
	seen := map[string]bool{}
	for n, line := range bytes.Split(bytes.TrimRight(data, "\n"), []byte{'\n'}) {
		if err := rawjson.Check(line); err != nil {
			return chatError("", "invalid_json_line", "Line %d of the file is not valid JSON.", n+1)
		}
		r := batchRequest{id: rawjson.Text(rawjson.Get(line, "custom_id")), path: rawjson.Text(rawjson.Get(line, "url")), body: rawjson.Get(line, "body")}
		switch {
		case r.id == "" || seen[r.id]:
			return chatError("", "duplicate_custom_id", "Line %d: custom_id is missing or was used before.", n+1)
		case rawjson.Text(rawjson.Get(line, "method")) != "POST" || r.path != b.path:
			return chatError("", "mismatched_endpoint", "Line %d: method must be POST and url must be the batch's endpoint.", n+1)
		case rawjson.Kind(r.body) != '{':
			return chatError("", "invalid_body", "Line %d: body must be an object.", n+1)
		}
		seen[r.id] = true
		b.requests = append(b.requests, r)
	}
	return nil
}

func (x *exchange) listChatBatches() error {
	w := &rawjson.Writer{}
	w.Open('{').Name("object").String("list").Name("data").Open('[')
	for _, b := range x.p.batches.list("batch_") {
		x.look(b)
		w.Raw(x.chatBatch(b))
	}
	w.Close(']').Name("has_more").Bool(false)
	return x.json(w.Close('}').Buf)
}

// chatBatch writes the object of a batch, and the files of its results once it has ended.
func (x *exchange) chatBatch(b *batched) []byte {
	x.p.batches.mu.Lock()
	defer x.p.batches.mu.Unlock()
	good, bad, cancelled, expired := b.counts()
	status := "in_progress"
	switch {
	case !b.ended.IsZero() && !b.cancelled.IsZero():
		status = "cancelled"
	case !b.ended.IsZero() && expired > 0:
		status = "expired"
	case !b.ended.IsZero():
		status = "completed"
	}
	if !b.ended.IsZero() && b.output == "" && b.failed == "" {
		x.chatResults(b)
	}
	stamp := func(w *rawjson.Writer, name string, t time.Time, when bool) {
		if w.Name(name); t.IsZero() || !when {
			w.Null()
		} else {
			w.Int(t.Unix())
		}
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("id").String(b.id).Name("object").String("batch").Name("endpoint").String(b.path).Name("errors").Null()
	w.Name("input_file_id").String(b.input).Name("status").String(status)
	orNull(w, "output_file_id", b.output)
	orNull(w, "error_file_id", b.failed)
	stamp(w, "created_at", b.made, true)
	stamp(w, "in_progress_at", b.made, true)
	stamp(w, "expires_at", b.made.Add(24*time.Hour), true)
	stamp(w, "finalizing_at", b.ended, true)
	stamp(w, "completed_at", b.ended, status == "completed")
	stamp(w, "failed_at", b.ended, false)
	stamp(w, "expired_at", b.ended, status == "expired")
	stamp(w, "cancelling_at", b.cancelled, true)
	stamp(w, "cancelled_at", b.ended, status == "cancelled")
	w.Name("request_counts").Open('{').Name("total").Int(int64(len(b.requests))).Name("completed").Int(good).Name("failed").Int(bad + cancelled + expired).Close('}')
	out := append(w.Buf, ',')
	out = append(append(out, b.head...), '}')
	return out
}

// chatResult writes a result.
func (b *batched) chatResult(i int) []byte {
	r := &b.results[i]
	w := &rawjson.Writer{}
	w.Open('{').Name("id").String(fmt.Sprintf("batch_req_sim%d", i)).Name("custom_id").String(r.id).Name("response")
	if r.word == "" {
		w.Open('{').Name("status_code").Int(int64(r.status)).Name("request_id").String(r.request).Name("body").Raw(r.body).Close('}').Name("error").Null()
	} else {
		w.Null().Name("error").Open('{').Name("code").String("batch_" + r.word).Name("message").String("This request could not be executed before the batch was " + r.word + ".").Close('}')
	}
	return w.Close('}').Buf
}

// chatResults writes the files of a batch's results: one of the answers, one of what is none.
func (x *exchange) chatResults(b *batched) {
	var good, bad []byte
	for i := range b.results {
		r := &b.results[i]
		line := append(b.chatResult(i), '\n')
		if r.word == "" && r.status < 400 {
			good = append(good, line...)
		} else {
			bad = append(bad, line...)
		}
	}
	if good != nil {
		b.output = x.p.files.put(chatFile, x.p.Seed, filed{name: b.id + "_output.jsonl", purpose: "batch_output", data: good, made: x.now}).id
	}
	if bad != nil {
		b.failed = x.p.files.put(chatFile, x.p.Seed, filed{name: b.id + "_error.jsonl", purpose: "batch_output", data: bad, made: x.now}).id
	}
}
