package engine_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"weir/internal/gatewaytest"
)

// TestThread refuses a conversation kept at the provider where the provider cannot keep one, in the words that make the
// SDK send it whole; a provider of the same dialect gets it as it is.
func TestThread(t *testing.T) {
	g := (&gatewaytest.Gateway{}).Start(t)
	const body = `","max_tokens":50,"thread":{"type":"create"},"messages":[{"role":"user","content":"Hello"}]}`
	resp := g.Post(t, "/v1/messages", `{"model":"chat`+body)
	var m struct {
		Error struct {
			Details struct {
				Code        string `json:"error_code"`
				Unsupported []string
			}
		}
	}
	err := json.NewDecoder(resp.Body).Decode(&m)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusBadRequest || m.Error.Details.Code != "thread_unsupported_request" || len(m.Error.Details.Unsupported) != 1 {
		t.Errorf("%d %v %+v", resp.StatusCode, err, m)
	}
	if n := len(g.Sim.Calls()); n != 0 {
		t.Errorf("%d calls were sent", n)
	}
	resp = g.Post(t, "/v1/messages", `{"model":"messages`+body)
	_ = resp.Body.Close()
	if n := len(g.Sim.Calls()); n != 1 {
		t.Errorf("%d calls were sent to a provider of the same dialect", n)
	}
}
