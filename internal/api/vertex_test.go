package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
)

// TestVertexPaths takes what Google's SDKs send where they are set to Vertex AI.
func TestVertexPaths(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: `version: 1
providers:
  gem: { base_url: "http://@SIM@", speaks: [gemini-generate, gemini-images], api_key: sim }
models:
  plain: { targets: [{ provider: gem, model: sim-1 }] }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`}).Start(t)
	const hello = `{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}`
	for _, c := range []struct {
		method, path, body string
		status             int
		says, seen         string
	}{
		{"POST", "/v1beta1/publishers/google/models/plain:generateContent", hello, 200, `"candidates"`, "/v1beta/models/sim-1:generateContent"},
		{"POST", "/v1beta1/projects/p/locations/l/publishers/google/models/plain:streamGenerateContent?alt=sse", hello, 200, "data: ", "/v1beta/models/sim-1:streamGenerateContent"},
		{"POST", "/v1/projects/p/locations/l/publishers/google/models/plain:generateContent", hello, 200, `"candidates"`, "/v1beta/models/sim-1:generateContent"},
		{"POST", "/v1beta1/publishers/gem/models/imagen-4.0-sim:predict", `{"instances":[{"prompt":"a cat"}],"parameters":{"sampleCount":1}}`, 200, `"predictions"`, "/v1beta/models/imagen-4.0-sim:predict"},
		{"POST", "/v1beta1/publishers/google/models/nobody:predict", `{"instances":[{"prompt":"a cat"}]}`, 404, `"NOT_FOUND"`, ""},
		{"POST", "/v1beta1/publishers/google", hello, 404, `"NOT_FOUND"`, ""},
		{"POST", "/v1beta1/publishers/google/models/plain:fetchPredictOperation", hello, 404, `"NOT_FOUND"`, ""},
		{"GET", "/v1beta1/publishers/google/models/plain", "", 405, `"error"`, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, g.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Goog-Api-Key", gatewaytest.Key)
		before := len(g.Sim.Calls())
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(got), c.says) {
			t.Errorf("%s: %d %.300s %v", c.path, resp.StatusCode, got, err)
		}
		if calls := g.Sim.Calls(); c.seen != "" && (len(calls) == before || calls[len(calls)-1].Path != c.seen) || c.seen == "" && len(calls) != before {
			t.Errorf("%s: the provider saw %+v", c.path, calls)
		}
	}
}
