//go:build !race

package engine_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/replay"
)

// sink is a client that keeps nothing.
type sink struct {
	h      http.Header
	status int
	n      int
}

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }
func (s *sink) Flush()                      {}

// TestCeilings holds what an exchange allocates, the test's own client and provider (some 30) included. The ceilings only ever
// get lower.
func TestCeilings(t *testing.T) {
	answer := `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there."},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13}}`
	chunk := `data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}` + "\n\n"
	stream := strings.Repeat(chunk, 20) + `data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}}` + "\n\ndata: [DONE]\n\n"
	for _, c := range []struct {
		name, path, body, kind, answer string
		most                           float64
	}{
		{"passed, small", "/v1/chat/completions", `{"model":"chat","messages":[{"role":"user","content":"Hello"}]}`, "application/json", answer, 72},
		{"passed, 100 KB", "/v1/chat/completions", `{"model":"chat","messages":[{"role":"user","content":"` + strings.Repeat("x", 100<<10) + `"}]}`, "application/json", answer, 88},
		{"passed, stream of 20", "/v1/chat/completions", `{"model":"chat","stream":true,"messages":[{"role":"user","content":"Hello"}]}`, "text/event-stream", stream, 82},
		{"translated, small", "/v1/messages", `{"model":"chat","max_tokens":50,"messages":[{"role":"user","content":"Hello"}]}`, "application/json", answer, 116},
		{"translated, stream of 20", "/v1/messages", `{"model":"chat","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"Hello"}]}`, "text/event-stream", stream, 168},
	} {
		up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": c.kind}, Body: []byte(c.answer), Read: 4096}
		g := (&gatewaytest.Gateway{Upstream: up}).Start(t)
		body := []byte(c.body)
		got := testing.AllocsPerRun(200, func() {
			up.Calls = up.Calls[:0]
			req := httptest.NewRequest(http.MethodPost, c.path, bytes.NewReader(body))
			req.Header["Authorization"] = []string{"Bearer " + gatewaytest.Key}
			w := &sink{h: http.Header{}}
			g.Handler.ServeHTTP(w, req)
			if w.status != http.StatusOK || w.n < 100 {
				t.Fatalf("%s: status %d, %d bytes", c.name, w.status, w.n)
			}
		})
		t.Logf("%s: %.0f allocations", c.name, got)
		if got > c.most {
			t.Errorf("%s: %.0f allocations, the ceiling is %.0f", c.name, got, c.most)
		}
	}
}
