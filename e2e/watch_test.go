package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// watcher stands between a client and the gateway and remembers what was asked and how it was answered. It is also
// the client's proxy for every other place, where it lets nothing through.
type watcher struct {
	gateway *httputil.ReverseProxy
	mu      sync.Mutex
	seen    []*seen
	outside []string // what the client wanted from elsewhere
}

// seen is one request and its answer.
type seen struct {
	method, path string
	header       http.Header
	asked        []byte
	status       int
	answered     http.Header
	trailer      http.Header
	answer       bytes.Buffer
	left         bool // the client left before the answer's end
}

func (s *seen) String() string { return s.method + " " + s.path }

type seenKey struct{}

func watch(t *testing.T, gateway string) (w *watcher, at string) {
	t.Helper()
	to, err := url.Parse(gateway)
	if err != nil {
		t.Fatal(err)
	}
	w = &watcher{gateway: &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			s := r.Request.Context().Value(seenKey{}).(*seen)
			w.mu.Lock()
			defer w.mu.Unlock()
			s.status, s.answered = r.StatusCode, r.Header.Clone()
			r.Body = &reading{ReadCloser: r.Body, w: w, s: s, r: r}
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, _ error) {
			s := r.Context().Value(seenKey{}).(*seen)
			w.mu.Lock()
			defer w.mu.Unlock()
			s.left = r.Context().Err() != nil
			panic(http.ErrAbortHandler)
		},
	}}
	return w, serve(t, w)
}

// ServeHTTP implements http.Handler.
func (w *watcher) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect || r.URL.IsAbs() {
		w.mu.Lock()
		w.outside = append(w.outside, r.Method+" "+r.Host+r.URL.Path)
		w.mu.Unlock()
		http.Error(rw, "nothing is let out", http.StatusForbidden)
		return
	}
	s := &seen{method: r.Method, path: r.URL.RequestURI(), header: r.Header.Clone()}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.asked = body
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	w.seen = append(w.seen, s)
	w.mu.Unlock()
	w.gateway.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), seenKey{}, s)))
}

// all returns the requests seen so far. Left out are those that are still open, and those that would have spoken
// WebSocket and were told to speak HTTP.
func (w *watcher) all() []*seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*seen
	for _, s := range w.seen {
		if s.status != 0 && (s.status != http.StatusUpgradeRequired || s.header.Get("Upgrade") == "") {
			out = append(out, s)
		}
	}
	return out
}

// lost is every path named lost in heads and trailers, without its places.
func (w *watcher) lost() map[string]bool {
	out := map[string]bool{}
	for _, s := range w.all() {
		for _, from := range []string{s.answered.Get("X-Weir-Lost"), s.trailer.Get("X-Weir-Lost")} {
			for _, path := range strings.Split(from, ", ") {
				if path != "" {
					out[anywhere(path)] = true
				}
			}
		}
	}
	return out
}

// reading copies an answer as it is read.
type reading struct {
	io.ReadCloser
	w *watcher
	s *seen
	r *http.Response
}

// Read implements io.Reader.
func (b *reading) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	b.s.answer.Write(p[:n])
	if err == io.EOF {
		b.s.trailer = b.r.Trailer.Clone()
	}
	return n, err
}
