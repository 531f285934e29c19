//go:build !race

package engine_test

import (
	"bytes"
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/ledger"
	"weir/internal/replay"
)

// shelf is books that do not answer: what is measured is what an exchange does itself.
type shelf struct{ gateway.Books }

func (shelf) Append(ctx context.Context, _ []gateway.Entry) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func (shelf) Spent(context.Context, time.Time) iter.Seq2[gateway.PotSpent, error] {
	return func(func(gateway.PotSpent, error) bool) {}
}

const paidDocument = `version: 1
providers:
  sim: { base_url: "http://@SIM@/v1", speaks: [openai-chat], api_key: sim, prices: { "*": { input: $1, output: $2 } } }
`

const ruledDocument = `
limits: { requests: 1G/min, tokens: 100G/min, concurrent: 100000 }
budgets:
  all: { amount: $1000000, every: month, whole: true }
  shop: { amount: $1000000, every: day, soft: [50%] }
teams: { shop: { limits: { requests: 1G/min }, budgets: [shop] } }
models: { chat: { targets: [{ provider: sim, model: sim-1 }], max_output: 1000 } }
keys: [{ name: test, team: shop, key: ` + gatewaytest.Key + `, models: ["*"] }]
`

const freeDocument = `
models: { chat: { targets: [{ provider: sim, model: sim-1 }], max_output: 1000 } }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`

// TestMoneyCost compares an exchange with four limits, two budgets and the ledger with one without: what that takes, and
// how long. The figures are for the fastest of many runs in turn, so that what else the machine does is not in them.
func TestMoneyCost(t *testing.T) {
	answer := `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there."},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13}}`
	body := []byte(`{"model":"chat","messages":[{"role":"user","content":"Hello"}]}`)
	serve := func(document string, l gateway.Ledger) func() {
		up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": "application/json"}, Body: []byte(answer), Read: 4096}
		g := (&gatewaytest.Gateway{Upstream: up, Document: paidDocument + document, Ledger: l}).Start(t)
		return func() {
			up.Calls = up.Calls[:0]
			req := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", bytes.NewReader(body))
			req.Header["Authorization"] = []string{"Bearer " + gatewaytest.Key}
			w := &sink{h: http.Header{}}
			g.Handler.ServeHTTP(w, req)
			if w.status != http.StatusOK {
				t.Fatalf("status %d", w.status)
			}
		}
	}
	l, err := ledger.Open(t.TempDir(), ledger.Options{Books: shelf{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = l.Shutdown(ctx) // nobody takes what it has
	})
	free, ruled := serve(freeDocument, nil), serve(ruledDocument, l)
	without, with := testing.AllocsPerRun(300, free), testing.AllocsPerRun(300, ruled)
	fastest := func(f func()) time.Duration {
		best := time.Hour
		for range 40 {
			began := time.Now()
			for range 50 {
				f()
			}
			best = min(best, time.Since(began)/50)
		}
		return best
	}
	a, b := time.Hour, time.Hour
	for range 5 {
		a, b = min(a, fastest(free)), min(b, fastest(ruled))
	}
	t.Logf("without %.0f allocations and %v, with %.0f and %v: %.0f and %v more", without, a, with, b, with-without, b-a)
	if with-without > 10 {
		t.Errorf("limits, budgets and ledger take %.0f allocations", with-without)
	}
	if b-a > 40*time.Microsecond {
		t.Errorf("limits, budgets and ledger take %v", b-a)
	}
}
