package sim

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/internal/rawjson"
)

const (
	maxBatches  = 256
	defaultTake = 100 * time.Millisecond // of a batch
)

// batchStore keeps batches, the newest within its bound. The zero value is ready.
type batchStore struct {
	mu  sync.Mutex // guards all that follows, the batches' fields too; it is held while a batch's requests are answered
	all []*batched // oldest first
}

// batched is a batch that is kept.
type batched struct {
	id        string
	requests  []batchRequest
	path      string // of OpenAI's; of Google's, the model
	name      string // of Google's, which the client gave
	input     string // file of OpenAI's
	head      []byte // members of OpenAI's object that the client gave
	made      time.Time
	cancelled time.Time // zero = it was not
	ended     time.Time // zero = its requests are not answered yet
	results   []batchResult
	output    string // files of OpenAI's
	failed    string
}

type batchRequest struct {
	id    string
	path  string
	body  []byte
	model string // of Google's
	said  []byte // of Google's: what the client wants back with the result
}

// batchResult is what became of a request. What was not answered has no status.
type batchResult struct {
	id, request string
	status      int
	body        []byte
	word        string // expired, cancelled; "" = it was answered
}

func (s *batchStore) put(b *batched) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, b)
	s.all = slices.Delete(s.all, 0, max(0, len(s.all)-maxBatches))
}

func (s *batchStore) get(id string) *batched {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(b *batched) bool { return b.id == id })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

func (s *batchStore) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(b *batched) bool { return b.id == id })
}

// list returns the batches whose ids begin so, the newest first.
func (s *batchStore) list(prefix string) []*batched {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*batched
	for _, b := range slices.Backward(s.all) {
		if strings.HasPrefix(b.id, prefix) {
			out = append(out, b)
		}
	}
	return out
}

// look brings a batch to where it is now: its requests are answered once its time is over. A batch that was cancelled has
// the answers to the first half of its requests.
func (x *exchange) look(b *batched) {
	x.p.batches.mu.Lock()
	defer x.p.batches.mu.Unlock()
	take := x.p.Batch
	if take == 0 {
		take = defaultTake
	}
	if !b.ended.IsZero() || b.cancelled.IsZero() && x.now.Before(b.made.Add(take)) {
		return
	}
	b.ended = x.now
	half := len(b.requests) / 2
	for i := range b.requests {
		r := &b.requests[i]
		if r.model == "" {
			r.model = rawjson.Text(rawjson.Get(r.body, "model"))
		}
		switch model := r.model; {
		case !b.cancelled.IsZero() && i >= half:
			b.results = append(b.results, batchResult{id: r.id, word: "cancelled"})
		case slices.Contains(never, model):
			b.results = append(b.results, batchResult{id: r.id, word: "expired"})
		default:
			b.results = append(b.results, x.within(r))
		}
	}
}

// never are the models that do not answer before a batch's time is over.
var never = []string{"sim-slow", "sim-hang", "sim-stall", "sim-cut"}

// within answers a request of a batch as if it came alone.
func (x *exchange) within(r *batchRequest) batchResult {
	w := &inside{header: http.Header{}}
	req := &http.Request{Method: http.MethodPost, URL: x.r.URL.ResolveReference(mustPath(r.path)), Header: http.Header{"Content-Type": {"application/json"}}, Body: http.NoBody}
	for _, name := range [...]string{"Authorization", "X-Goog-Api-Key", "X-Api-Key", "Anthropic-Version", "Anthropic-Beta"} {
		if v := x.r.Header[name]; v != nil {
			req.Header[name] = v
		}
	}
	req = req.WithContext(context.WithoutCancel(x.r.Context()))
	one := &exchange{p: x.p, w: w, r: req, face: faceOf(req), now: x.now, body: r.body, call: &Call{}, seed: mix(x.p.Seed, uint64(len(r.body)))}
	one.framing = &one.face.framing
	one.id = fmt.Sprintf("req_sim%012d", x.p.serial.Add(1))
	if err := one.serve(); err != nil {
		if no, ok := err.(*refusal); ok { //nolint:errorlint // serve returns it bare
			one.refuse(no)
		}
	}
	return batchResult{id: r.id, request: one.id, status: w.status, body: w.body.Bytes()}
}

// inside takes the answer to a request of a batch.
type inside struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *inside) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *inside) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *inside) Write(p []byte) (int, error) { return w.body.Write(p) }

// counts tells how many results have a status below 400, have another, and have none, by word.
func (b *batched) counts() (good, bad, cancelled, expired int64) {
	for i := range b.results {
		switch r := &b.results[i]; {
		case r.word == "cancelled":
			cancelled++
		case r.word == "expired":
			expired++
		case r.status < 400:
			good++
		default:
			bad++
		}
	}
	return good, bad, cancelled, expired
}
