package sim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"weir/internal/rawjson"
)

const (
	maxStored     = 512      // responses
	maxStoredSize = 16 << 20 // bytes of them together
)

// responseStore keeps responses, the newest within its bounds. The zero value is ready.
type responseStore struct {
	mu   sync.Mutex // requests of all kinds share it; it is held for look-ups and while one is put in
	all  []*stored  // oldest first
	size int
}

// stored is a response that is kept. What is here does not change but for polls and cancelled.
type stored struct {
	id            string
	input, output [][]byte // items, each with its id
	writer        *responsesWriter
	background    bool
	polls         int // how often it was asked after
	cancelled     bool
	size          int
}

func (s *responseStore) put(r *stored) {
	for _, it := range slices.Concat(r.input, r.output) {
		r.size += len(it)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(r.id)
	s.all = append(s.all, r)
	s.size += r.size
	for len(s.all) > maxStored || s.size > maxStoredSize && len(s.all) > 1 {
		s.drop(s.all[0].id)
	}
}

// drop forgets a response; the caller holds the lock.
func (s *responseStore) drop(id string) bool {
	i := slices.IndexFunc(s.all, func(r *stored) bool { return r.id == id })
	if i < 0 {
		return false
	}
	s.size -= s.all[i].size
	s.all = slices.Delete(s.all, i, i+1)
	return true
}

func (s *responseStore) get(id string) (*stored, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(r *stored) bool { return r.id == id })
	if i < 0 {
		return nil, false
	}
	return s.all[i], true
}

// item returns an item of a response that is kept.
func (s *responseStore) item(id string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range slices.Backward(s.all) {
		for _, it := range slices.Concat(r.output, r.input) {
			if rawjson.Text(rawjson.Get(it, "id")) == id {
				return it, true
			}
		}
	}
	return nil, false
}

// status tells how far a response is. One in the background is queued when it is asked for, in progress when it is
// asked after once, and complete from then on.
func (s *responseStore) status(r *stored, poll bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if poll {
		r.polls++
	}
	switch {
	case r.cancelled:
		return "cancelled"
	case r.background && r.polls == 0:
		return "queued"
	case r.background && r.polls == 1:
		return "in_progress"
	}
	return r.writer.final()
}

// cancel stops a response in the background that is not complete.
func (s *responseStore) cancel(r *stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.polls < 2 {
		r.cancelled = true
	}
}

// storedResponse returns what answers a request for a stored response, nil for a path that is none.
func (x *exchange) storedResponse(method, rest string) func() error {
	id, more, _ := strings.Cut(rest, "/")
	r, found := x.p.stored.get(id)
	none := func() error {
		return &refusal{status: http.StatusNotFound, kind: "invalid_request_error", message: "Response with id '" + id + "' not found."}
	}
	var h func() error
	switch method + " " + more {
	case "GET ":
		h = func() error { return x.showResponse(r) }
	case "DELETE ":
		h = func() error { return x.deleteResponse(id) }
	case "POST cancel":
		h = func() error { return x.cancelResponse(r) }
	case "GET input_items":
		h = func() error { return x.inputItems(r) }
	default:
		return nil
	}
	if !found {
		return none
	}
	return h
}

func (x *exchange) showResponse(r *stored) error {
	query := x.r.URL.Query()
	if query.Get("stream") != "true" {
		x.write(http.StatusOK, "application/json", r.writer.response(x.p.stored.status(r, true)))
		return nil
	}
	if !r.background {
		return chatError("stream", "", "This response cannot be streamed because it was not created with background=true.")
	}
	after, err := strconv.ParseInt(query.Get("starting_after"), 10, 64)
	if err != nil {
		after = -1
	}
	x.p.stored.status(r, true)
	x.p.stored.status(r, true)
	return r.writer.stream(x, after)
}

func (x *exchange) deleteResponse(id string) error {
	x.p.stored.mu.Lock()
	x.p.stored.drop(id)
	x.p.stored.mu.Unlock()
	w := rawjson.Writer{}
	w.Open('{').Name("id").String(id).Name("object").String("response.deleted").Name("deleted").Bool(true)
	x.write(http.StatusOK, "application/json", w.Close('}').Buf)
	return nil
}

func (x *exchange) cancelResponse(r *stored) error {
	if !r.background {
		return chatError("", "", "Cannot cancel a synchronous response.")
	}
	x.p.stored.cancel(r)
	x.write(http.StatusOK, "application/json", r.writer.response(x.p.stored.status(r, false)))
	return nil
}

// inputItems lists what a response was made from, the newest first unless order says otherwise.
func (x *exchange) inputItems(r *stored) error {
	query := x.r.URL.Query()
	items := slices.Clone(r.input)
	if query.Get("order") != "asc" {
		slices.Reverse(items)
	}
	ident := func(it []byte) string { return rawjson.Text(rawjson.Get(it, "id")) }
	if after := query.Get("after"); after != "" {
		i := slices.IndexFunc(items, func(it []byte) bool { return ident(it) == after })
		items = items[i+1:]
	}
	limit := 20
	if n, err := strconv.Atoi(query.Get("limit")); err == nil {
		limit = n
	}
	if limit < 1 || limit > 100 {
		return chatError("limit", "invalid_value", "Invalid 'limit': expected a value between 1 and 100.")
	}
	more := len(items) > limit
	items = items[:min(limit, len(items))]
	w := &rawjson.Writer{}
	w.Open('{').Name("object").String("list").Name("data").Open('[')
	for _, it := range items {
		w.Raw(it)
	}
	w.Close(']')
	first, last := "", ""
	if len(items) > 0 {
		first, last = ident(items[0]), ident(items[len(items)-1])
	}
	w.Name("first_id").String(first).Name("last_id").String(last).Name("has_more").Bool(more)
	x.write(http.StatusOK, "application/json", w.Close('}').Buf)
	return nil
}
