package engine_test

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/replay"
)

// TestCost notes what an answer cost by the prices of its provider, and says so where it cannot.
func TestCost(t *testing.T) {
	up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": "application/json"}, Body: []byte(
		`{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],` +
			`"usage":{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"prompt_tokens_details":{"cached_tokens":400}}}`)}
	var log strings.Builder
	g := (&gatewaytest.Gateway{Upstream: up, Log: &log, Document: `version: 1
providers:
  openai: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat], api_key: k }
  gpu: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat], auth: none }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`}).Start(t)
	for i, c := range []struct {
		model, cost, price, unpriced string
	}{
		// 600 × $2.00 + 400 × $0.50 + 10 × $8.00, per million
		{"openai/gpt-4.1-2025-04-14", "$0.00148", "openai/gpt-4.1", ""},
		{"openai/no-such-model", "$0.00", "", "no price is known of this model"},
		{"gpu/qwen", "$0.00", "", "no prices are known of this provider"},
	} {
		resp := g.Post(t, "/v1/chat/completions", `{"model":"`+c.model+`","messages":[{"role":"user","content":"Hello"}]}`)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", c.model, resp.StatusCode)
		}
		x := g.Wait(t, i+1)[i]
		if x.Cost.String() != c.cost || !strings.HasPrefix(x.Price, c.price) || (c.price == "") != (x.Price == "") || x.Unpriced != c.unpriced {
			t.Errorf("%s: %s by %q, unpriced %q", c.model, x.Cost, x.Price, x.Unpriced)
		}
	}
}
