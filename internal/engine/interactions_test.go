package engine_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/llm"
)

// interactionsHost keeps interactions as Google does, and remembers what it was asked.
type interactionsHost struct {
	mu    sync.Mutex
	kept  map[string]bool
	asked []string // method, path and body
}

// RoundTrip implements http.RoundTripper.
func (h *interactionsHost) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, fmt.Sprintf("%s %s%s %s", r.Method, r.URL.Host, r.URL.RequestURI(), body))
	kind, status := "application/json", 200
	var out string
	const usage = `"usage":{"total_input_tokens":5,"total_output_tokens":2,"total_thought_tokens":1}`
	switch id := strings.TrimPrefix(r.URL.Path, "/v1beta/interactions"); {
	case r.Method == http.MethodPost && id == "" && bytes.Contains(body, []byte(`"stream":true`)):
		kind = "text/event-stream"
		h.kept["v1_streamed"] = true
		out = `event: interaction.created` + "\ndata: " + `{"interaction":{"id":"v1_streamed","status":"in_progress","model":"gem"},"event_type":"interaction.created"}` + "\n\n" +
			"event: step.delta\ndata: " + `{"index":0,"delta":{"type":"text","text":"hi"},"event_type":"step.delta"}` + "\n\n" +
			"event: interaction.completed\ndata: " + `{"interaction":{"id":"v1_streamed","status":"completed","model":"gem",` + usage + `},"event_type":"interaction.completed"}` + "\n\n" +
			"event: done\ndata: [DONE]\n\n"
	case r.Method == http.MethodPost && id == "":
		h.kept["v1_whole"] = true
		out = `{"id":"v1_whole","status":"completed","model":"gem","steps":[],` + usage + `}`
	case r.Method == http.MethodDelete:
		delete(h.kept, id[1:])
		out = `{}`
	default:
		id, _, _ = strings.Cut(id[1:], "/")
		if out = `{"id":"` + id + `","status":"completed"}`; !h.kept[id] {
			status, out = 404, `{"error":{"code":404,"message":"no such interaction","status":"NOT_FOUND"}}`
		}
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(out)),
		ContentLength: int64(len(out)), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// TestInteractions holds that an interaction is its key's alone, goes on where it is kept, and is governed and metered like
// any call.
func TestInteractions(t *testing.T) {
	host := &interactionsHost{kept: map[string]bool{}}
	g := (&gatewaytest.Gateway{Upstream: host, Document: `version: 1
providers:
  one: { base_url: "http://one.test", speaks: [gemini-interactions], api_key: k }
  two: { base_url: "http://two.test", speaks: [gemini-interactions], api_key: k }
models:
  both: { targets: [{ provider: one, model: gem-1 }, { provider: two, model: gem-2 }] }
  second: { targets: [{ provider: two, model: gem-2 }] }
keys:
  - { name: mine, key: mine-` + gatewaytest.Key + `, models: [both, second] }
  - { name: other, key: other-` + gatewaytest.Key + ` }
`}).Start(t)
	want := func(what string, status int, method, path, key, body string, words ...string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, g.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Goog-Api-Key", key+"-"+gatewaytest.Key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		out := string(raw)
		if err != nil || resp.StatusCode != status {
			t.Errorf("%s: status %d, want %d: %s %v", what, resp.StatusCode, status, out, err)
		}
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %s in %s", what, w, out)
			}
		}
	}
	const path = "/v1beta/interactions"
	want("whole", 200, "POST", path, "mine", `{"model":"both","input":"hello"}`, `"v1_whole"`)
	want("streamed", 200, "POST", path, "mine", `{"model":"both","input":"hello","stream":true}`, "[DONE]")
	for _, id := range []string{"v1_whole", "v1_streamed"} {
		want("asked for again", 200, "GET", path+"/"+id, "mine", "", id)
		want("stopped", 200, "POST", path+"/"+id+"/cancel", "mine", "", id)
		want("another's", 404, "GET", path+"/"+id, "other", "", "NOT_FOUND")
		want("deleted by another", 404, "DELETE", path+"/"+id, "other", "")
		want("gone on from by another", 404, "POST", path, "other", `{"model":"both","input":"?","previous_interaction_id":"`+id+`"}`, "previous_interaction_id")
		want("in another dialect", 404, "GET", "/v1/responses/"+id, "mine", "")
		want("gone on from", 200, "POST", path, "mine", `{"model":"both","input":"?","previous_interaction_id":"`+id+`"}`)
		want("gone on from where it is not", 404, "POST", path, "mine", `{"model":"second","input":"?","previous_interaction_id":"`+id+`"}`, "the provider one keeps this conversation")
	}
	want("not kept", 200, "POST", path, "mine", `{"model":"second","input":"hello","store":false,"stream":true}`)
	want("deleted", 200, "DELETE", path+"/v1_whole", "mine", "")
	want("asked for after", 404, "GET", path+"/v1_whole", "mine", "")
	want("a model it may not use", 403, "POST", path, "mine", `{"agent":"two/deep-research","input":"x"}`, "PERMISSION_DENIED")
	want("neither model nor agent", 400, "POST", path, "mine", `{"input":"x"}`, "INVALID_ARGUMENT")

	host.mu.Lock()
	defer host.mu.Unlock()
	for _, asked := range host.asked {
		if strings.Contains(asked, "one.test"+path+" ") && !strings.Contains(asked, `"model":"gem-1"`) || strings.Contains(asked, "other") {
			t.Errorf("the provider was asked %s", asked)
		}
	}
	metered := 0
	for _, x := range g.Records() {
		if x.Op == llm.OpChat && x.Status == 200 {
			if metered++; x.Usage == nil || x.Usage.Input != 5 || x.Usage.Output != 3 {
				t.Errorf("%s: usage %+v", x.Path, x.Usage)
			}
		}
	}
	if metered != 5 {
		t.Errorf("%d interactions are metered, want 5", metered)
	}
}
