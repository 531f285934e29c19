package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/bench/internal/loadgen"
	"weir/bench/internal/program"
)

// startMock builds the mock provider and returns its host:port.
func startMock(t *testing.T) string {
	t.Helper()
	tmp := t.TempDir()
	bin, err := program.Build(t.Context(), "../mockllm", tmp)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := program.FreeAddr(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Start(exec.CommandContext(t.Context(), bin, "-addr", addr), filepath.Join(tmp, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	if err := program.WaitReady(t.Context(), "http://"+addr+"/v1/models", 10*time.Second, p); err != nil {
		t.Fatal(err)
	}
	return addr
}

// quiet swallows what a proxy says of connections that the tests break.
var quiet = log.New(io.Discard, "", 0)

// hostOf is the host:port of a test server.
func hostOf(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// gateway is a proxy to the mock that spoils every answer's body.
func gateway(t *testing.T, up string, spoil func([]byte) []byte) string {
	t.Helper()
	u := &url.URL{Scheme: "http", Host: up}
	p := &httputil.ReverseProxy{ErrorLog: quiet, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, ModifyResponse: func(r *http.Response) error {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		r.Body.Close()
		b = spoil(b)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), -1
		r.Header.Del("Content-Length")
		return nil
	}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return hostOf(s)
}

func replace(old, new string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
}

func same(b []byte) []byte { return b }

var apis = []string{"openai", "responses", "anthropic", "gemini", "embeddings"}

// load runs a little load and returns its result.
func load(t *testing.T, c loadgen.Config) *loadgen.Result {
	t.Helper()
	c.Conns, c.Duration, c.WantUsage, c.Timeout = 2, 50*time.Millisecond, true, 5*time.Second
	r, err := loadgen.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What the mock says is right in the eyes of the load, in every API, and
// what a faithful proxy passes on too.
func TestRightAnswers(t *testing.T) {
	up := startMock(t)
	for name, addr := range map[string]string{"direct": up, "proxy": gateway(t, up, same)} {
		for _, api := range apis {
			for _, stream := range []bool{false, true} {
				if stream && api == "embeddings" {
					continue
				}
				for _, size := range []string{"small", "medium"} {
					r := load(t, loadgen.Config{Addr: addr, API: api, Stream: stream, Size: size, Stamp: true})
					if r.OK == 0 || r.Failed() > 0 {
						t.Errorf("%s %s stream=%v %s: %v", name, api, stream, size, r)
					}
				}
			}
		}
	}
}

// Each kind of wrong answer is told from a right one, and counted.
func TestWrongAnswers(t *testing.T) {
	up := startMock(t)
	tests := []struct {
		name, api, kind string
		stream          bool
		spoil           func([]byte) []byte
	}{
		{"a word changed", "openai", "content", false, replace("gateway", "gatewax")},
		{"a word changed in a stream", "openai", "content", true, replace("gateway", "gatewax")},
		{"another's number", "embeddings", "content", false, replace(`"embedding":[`, `"embedding":[9,`)},
		{"a chat answer for a Messages client", "anthropic", "shape", false, replace(`"stop_reason"`, `"finish_reason"`)},
		{"no usage", "openai", "no-usage", false, replace(`"usage"`, `"consumption"`)},
		{"no usage in a stream", "openai", "no-usage", true, replace(`"choices":[],"usage"`, `"choices":[],"consumption"`)},
		{"no end mark", "openai", "no-end", true, replace("data: [DONE]\n\n", "")},
		{"no message_stop", "anthropic", "no-end", true, replace(`{"type":"message_stop"}`, `{"type":"ping"}`)},
		{"no response.completed", "responses", "no-end", true, replace(`"type":"response.completed"`, `"type":"response.finished"`)},
		{"an error event for an end", "openai", "in-band-error", true, replace("data: [DONE]", `data: {"error":{"message":"broken"}}`)},
		{"an error event for an end", "anthropic", "in-band-error", true, replace(`{"type":"message_stop"}`, `{"type":"error","error":{"type":"api_error"}}`)},
		{"an error event for an end", "responses", "in-band-error", true, replace(`"type":"response.completed"`, `"type":"error"`)},
	}
	for _, tt := range tests {
		r := load(t, loadgen.Config{Addr: gateway(t, up, tt.spoil), API: tt.api, Stream: tt.stream})
		if r.OK > 0 || r.Bad[tt.kind] == 0 || r.Bad[tt.kind] != r.Failed() {
			t.Errorf("%s (%s): want only %s, got %v", tt.name, tt.api, tt.kind, r)
		}
	}
	for fault, kind := range map[string]string{"429": "429", "500": "500", "drop": "cut"} {
		r := load(t, loadgen.Config{Addr: up, API: "openai", Fault: fault})
		if r.OK > 0 || r.Bad[kind] == 0 {
			t.Errorf("fault %s: %v", fault, r)
		}
	}
}

// careless is a gateway that finishes a call whose client has left and ends
// a broken answer as if it were whole.
func careless(t *testing.T, up string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, "http://"+up+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		res, err := http.DefaultTransport.RoundTrip(q)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
		b := make([]byte, 4<<10)
		for err == nil {
			var n int
			n, err = res.Body.Read(b)
			_, _ = w.Write(b[:n])
			w.(http.Flusher).Flush()
		}
	}))
	t.Cleanup(s.Close)
	return hostOf(s)
}

func TestConduct(t *testing.T) {
	up := startMock(t)
	u := &url.URL{Scheme: "http", Host: up}
	s := httptest.NewServer(&httputil.ReverseProxy{ErrorLog: quiet, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, FlushInterval: -1})
	t.Cleanup(s.Close)
	for _, tt := range []struct {
		name, addr string
		careful    bool
	}{{"direct", up, true}, {"careful", hostOf(s), true}, {"careless", careless(t, up), false}} {
		m := &measurement{set: &settings{api: "openai"}, up: up, f: figures{}, notes: map[string]bool{}}
		if err := m.configure("http://" + tt.addr); err != nil {
			t.Fatal(err)
		}
		if err := m.cut(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := m.leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		left, ok := m.f["left_running"]
		if !ok || (left == 0) != tt.careful || (m.f["hidden_cuts"] == 0) != tt.careful {
			t.Errorf("%s: left running %v (%v), hidden cuts %v, %v", tt.name, left, ok, m.f["hidden_cuts"], m.notes)
		}
		if m.f["bad"] != 0 {
			t.Errorf("%s: faults that were asked for count as wrong answers", tt.name)
		}
	}
}
