package sim

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"weir/internal/rawjson"
)

var batchID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func mustPath(path string) *url.URL { return &url.URL{Path: path} }

// messageBatches returns what answers a path of Anthropic's batches, nil for one that is none.
func (x *exchange) messageBatches(method, rest string) func() error {
	id, more, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	switch method + " " + more {
	case "POST ":
		if id == "" {
			return x.makeMessageBatch
		}
		return nil
	case "GET ":
		if id == "" {
			return x.listMessageBatches
		}
	case "DELETE ", "POST cancel", "GET results":
	default:
		return nil
	}
	b := x.p.batches.get(id)
	if b == nil {
		return func() error {
			return &refusal{status: http.StatusNotFound, kind: "not_found_error", message: "Message batch " + id + " not found"}
		}
	}
	return func() error {
		if more == "cancel" {
			x.cancelBatch(b)
		}
		x.look(b)
		switch {
		case method == http.MethodDelete && b.ended.IsZero():
			return invalid("Message batch %s cannot be deleted while it is processing", id)
		case method == http.MethodDelete:
			x.p.batches.drop(id)
			w := rawjson.Writer{}
			w.Open('{').Name("id").String(id).Name("type").String("message_batch_deleted")
			x.write(http.StatusOK, "application/json", w.Close('}').Buf)
		case more == "results" && b.ended.IsZero():
			return &refusal{status: http.StatusNotFound, kind: "not_found_error", message: "Message batch " + id + " has no results yet"}
		case more == "results":
			x.write(http.StatusOK, "application/x-jsonl", b.messageResults())
		default:
			x.write(http.StatusOK, "application/json", x.messageBatch(b))
		}
		return nil
	}
}

// cancelBatch stops a batch that has not ended.
func (x *exchange) cancelBatch(b *batched) {
	x.look(b)
	x.p.batches.mu.Lock()
	defer x.p.batches.mu.Unlock()
	if b.ended.IsZero() {
		b.cancelled = x.now
	}
}

func (x *exchange) makeMessageBatch() error {
	if err := x.object(); err != nil {
		return err
	}
	b := &batched{id: fmt.Sprintf("msgbatch_sim%020d", x.p.serial.Add(1)), made: x.now}
	seen := map[string]bool{}
	for name, v := range rawjson.Members(x.body) {
		if string(name) != "requests" {
			return invalid("%s: Extra inputs are not permitted", name)
		}
		if rawjson.Kind(v) != '[' {
			return invalid("requests: Input should be a valid list")
		}
		for i, one := range rawjson.Elems(v) {
			r := batchRequest{id: rawjson.Text(rawjson.Get(one, "custom_id")), path: "/v1/messages", body: rawjson.Get(one, "params")}
			switch {
			case !batchID.MatchString(r.id):
				return invalid("requests.%d.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'", i)
			case seen[r.id]:
				return invalid("requests.%d.custom_id: Duplicate custom_id: %s", i, r.id)
			case rawjson.Kind(r.body) != '{':
				return invalid("requests.%d.params: Field required", i)
			case rawjson.Get(r.body, "stream") != nil:
				if on, _ := rawjson.Bool(rawjson.Get(r.body, "stream")); on {
					return invalid("requests.%d.params.stream: Extra inputs are not permitted", i)
				}
			}
			seen[r.id] = true
			b.requests = append(b.requests, r)
		}
	}
	if len(b.requests) == 0 {
		return invalid("requests: List should have at least 1 item after validation")
	}
	x.p.batches.put(b)
	x.write(http.StatusOK, "application/json", x.messageBatch(b))
	return nil
}

func (x *exchange) listMessageBatches() error {
	w := &rawjson.Writer{}
	w.Open('{').Name("data").Open('[')
	for _, b := range x.p.batches.list("msgbatch_") {
		x.look(b)
		w.Raw(x.messageBatch(b))
	}
	w.Close(']').Name("has_more").Bool(false).Name("first_id").Null().Name("last_id").Null()
	x.write(http.StatusOK, "application/json", w.Close('}').Buf)
	return nil
}

// messageBatch writes the object of a batch.
func (x *exchange) messageBatch(b *batched) []byte {
	x.p.batches.mu.Lock()
	defer x.p.batches.mu.Unlock()
	stamp := func(w *rawjson.Writer, name string, t time.Time) {
		if w.Name(name); t.IsZero() {
			w.Null()
		} else {
			w.String(t.UTC().Format(time.RFC3339Nano))
		}
	}
	status := "in_progress"
	good, bad, cancelled, expired := b.counts()
	processing := int64(len(b.requests)) - good - bad - cancelled - expired
	switch {
	case !b.ended.IsZero():
		status = "ended"
	case !b.cancelled.IsZero():
		status = "canceling"
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("id").String(b.id).Name("type").String("message_batch").Name("processing_status").String(status)
	w.Name("request_counts").Open('{').Name("processing").Int(processing).Name("succeeded").Int(good).Name("errored").Int(bad)
	w.Name("canceled").Int(cancelled).Name("expired").Int(expired).Close('}')
	stamp(w, "ended_at", b.ended)
	stamp(w, "created_at", b.made)
	stamp(w, "expires_at", b.made.Add(24*time.Hour))
	stamp(w, "archived_at", time.Time{})
	stamp(w, "cancel_initiated_at", b.cancelled)
	if w.Name("results_url"); b.ended.IsZero() {
		w.Null()
	} else {
		w.String("https://sim.invalid/v1/messages/batches/" + b.id + "/results")
	}
	return w.Close('}').Buf
}

// messageResults writes the results, a line each.
func (b *batched) messageResults() []byte {
	var out []byte
	for i := range b.results {
		r := &b.results[i]
		w := &rawjson.Writer{Buf: out}
		w.Open('{').Name("custom_id").String(r.id).Name("result").Open('{').Name("type")
		switch {
		case r.word == "cancelled":
			w.String("canceled")
		case r.word != "":
			w.String(r.word)
		case r.status < 400:
			w.String("succeeded").Name("message").Raw(r.body)
		default:
			w.String("errored").Name("error").Raw(r.body)
		}
		out = append(w.Close('}').Close('}').Buf, '\n')
	}
	return out
}
