package engine_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/sim"
)

// TestAskedAnew brings a native provider a history without the seals it demands, as an application makes it of a
// conversation that another dialect's client began: it is asked again without thinking, which is named lost. A strict
// client reads the provider's refusal, and so does one whose request is wrong in another way.
func TestAskedAnew(t *testing.T) {
	up := httptest.NewServer(&sim.Provider{Pace: -1})
	defer up.Close()
	g := (&gatewaytest.Gateway{Document: "version: 1\nproviders: { sim: { base_url: " + up.URL + ", speaks: [anthropic-messages], auth: none } }\n" +
		"keys: [{ name: test, key: " + gatewaytest.Key + `, models: ["sim/*"] }, { name: strict, key: strict-` + gatewaytest.Key + `, models: ["sim/*"], strict: true }]` + "\n"}).Start(t)
	const body = `{"model":"sim/sim-think","max_tokens":4096,"thinking":{"type":"enabled","budget_tokens":1024},"metadata":{"user_id":"u"},` +
		`"tools":[{"name":"f","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"Well?"},` +
		`{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"5"}]}]}`
	for _, tt := range []struct {
		key, body      string
		status, tries  int
		lost, answered string
	}{
		{gatewaytest.Key, body, http.StatusOK, 2, "thinking", `"type":"message"`},
		{"strict-" + gatewaytest.Key, body, http.StatusBadRequest, 1, "", "Expected `thinking`"},
		{gatewaytest.Key, strings.Replace(body, `"max_tokens":4096`, `"max_tokens":1000`, 1), http.StatusBadRequest, 1, "", "budget_tokens"},
	} {
		before := len(g.Records())
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+"/v1/messages", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+tt.key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(out), tt.answered) || resp.Header.Get("X-Weir-Lost") != tt.lost {
			t.Errorf("%s: %d, lost %q, %v: %s", tt.key, resp.StatusCode, resp.Header.Get("X-Weir-Lost"), err, out)
		}
		if x := g.Wait(t, before+1)[before]; len(x.Attempts) != tt.tries || tt.tries == 2 && (x.Attempts[0].Fault == nil || x.Attempts[1].Fault != nil || x.Fault != nil) {
			t.Errorf("%s: %d attempts: %+v", tt.key, len(x.Attempts), x.Attempts)
		}
	}
}
