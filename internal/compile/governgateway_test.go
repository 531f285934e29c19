package compile_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/policy/budget"
)

// A whole gateway keeps limits and budgets: what clients see of them, and what is left after each ending.

const governedGateway = `version: 1
providers:
  sim: { base_url: "http://@SIM@/v1", speaks: [openai-chat], api_key: sim, prices: { sim-1: { input: $1, output: $1000 }, dear: { input: $1, output: $1000000 } } }
  free: { base_url: "http://@SIM@/v1", speaks: [openai-chat], api_key: sim, prices: { "*": { input: $0, output: $0 } } }
models:
  chat: { targets: [{ provider: sim, model: sim-1 }], max_output: 100 }
  dear: { targets: [{ provider: sim, model: dear }], max_output: 100 }
  free: { targets: [{ provider: free, model: sim-1 }], max_output: 100 }
teams:
  slow: { limits: { requests: 2/day } }
  few: { limits: { tokens: 8000/day } }
  short: { limits: { output: 3/request } }
  poor: { budgets: [poor] }
  capped: { budgets: [capped] }
  switching: { budgets: [switching] }
  people: { limits: { each: [{ by: [end_user], requests: 1/day }] } }
budgets:
  poor: { amount: $0.5, every: month, soft: 10% }
  capped: { amount: $0.05, at: cap }
  switching: { amount: $0.5, at: { model: free } }
keys:
  - { name: slow, key: slow-0123456789abcdef, team: slow }
  - { name: few, key: few-0123456789abcdef, team: few }
  - { name: short, key: short-0123456789abcdef, team: short }
  - { name: poor, key: poor-0123456789abcdef, team: poor }
  - { name: capped, key: capped-0123456789abcdef, team: capped }
  - { name: switching, key: switching-0123456789abcdef, team: switching }
  - { name: people, key: people-0123456789abcdef, team: people }
`

func ask(t *testing.T, g *gatewaytest.Gateway, team, body string) (status int, h http.Header, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+team+"-0123456789abcdef")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func asking(model, more string) string {
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"hello there"}]%s}`, model, more)
}

func TestGatewayLimits(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: governedGateway}).Start(t)
	for i := range 2 {
		status, h, body := ask(t, g, "slow", asking("chat", ""))
		if status != http.StatusOK || h.Get("X-Ratelimit-Limit-Requests") != "2" || h.Get("X-Ratelimit-Remaining-Requests") != fmt.Sprint(1-i) {
			t.Errorf("%d %v %s", status, h, body)
		}
	}
	status, h, body := ask(t, g, "slow", asking("chat", ""))
	if status != http.StatusTooManyRequests || h.Get("Retry-After") == "" || !strings.Contains(body, "rate_limit_exceeded") || !strings.Contains(body, "2 requests/day of team slow") {
		t.Errorf("%d %v %s", status, h, body)
	}

	status, h, body = ask(t, g, "short", asking("chat", `,"max_tokens":50`))
	if status != http.StatusOK || h.Get("X-Weir-Capped") != "3" || !strings.Contains(body, `"length"`) {
		t.Errorf("%d %v %s", status, h, body)
	}

	// Tokens: what is held beyond what is used comes back.
	for range 3 {
		if status, _, body := ask(t, g, "few", asking("chat", "")); status != http.StatusOK {
			t.Errorf("%d %s", status, body)
		}
	}
	if status, h, body := ask(t, g, "few", asking("chat", `,"n":100`)); status != http.StatusTooManyRequests || h.Get("X-Should-Retry") != "false" || !strings.Contains(body, "is less than this request may need") {
		t.Errorf("%d %v %s", status, h, body)
	}

	for user, want := range map[string]int{"ann": http.StatusOK, "bob": http.StatusOK} {
		for range 2 {
			if status, _, body := ask(t, g, "people", asking("chat", `,"user":"`+user+`"`)); status != want {
				t.Errorf("%s: %d %s", user, status, body)
			}
			want = http.StatusTooManyRequests
		}
	}
}

func TestGatewayBudgets(t *testing.T) {
	var mu sync.Mutex
	var told []budget.Event
	g := (&gatewaytest.Gateway{Document: governedGateway, Events: func(e budget.Event) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e)
	}}).Start(t)
	// The sum of what is spent never exceeds the budget, and it is used to within a request.
	var spent gateway.Money
	served, refused := 0, 0
	for range 200 {
		status, h, body := ask(t, g, "poor", asking("chat", ""))
		if status == http.StatusOK {
			served++
			continue
		}
		if refused++; refused == 3 {
			break
		}
		if status != http.StatusTooManyRequests || h.Get("X-Should-Retry") != "false" || !strings.Contains(body, "budget_exceeded") || !strings.Contains(body, "the budget poor of $0.50 a month has ") {
			t.Fatalf("%d %v %s", status, h, body)
		}
	}
	if refused == 0 || served < 3 {
		t.Fatalf("%d served, %d refused", served, refused)
	}
	for _, x := range g.Wait(t, served+refused) {
		spent += x.Cost
	}
	if spent > gateway.Dollar/2 || spent < gateway.Dollar/4 {
		t.Errorf("%s are spent of $0.50", spent)
	}
	mu.Lock()
	if len(told) != 2 || told[0].Line != 1000 || told[1].Line != budget.Whole {
		t.Errorf("told of %+v", told)
	}
	mu.Unlock()

	// Within what is left the output is capped.
	if status, h, body := ask(t, g, "capped", asking("chat", "")); status != http.StatusOK || h.Get("X-Weir-Capped") == "" {
		t.Errorf("%d %v %s", status, h, body)
	}
	if status, h, body := ask(t, g, "capped", asking("dear", "")); status != http.StatusTooManyRequests {
		t.Errorf("%d %v %s", status, h, body)
	}

	// Another model answers.
	status, h, body := ask(t, g, "switching", asking("dear", ""))
	if status != http.StatusOK || h.Get("X-Weir-Target") != "free/sim-1" {
		t.Errorf("%d %v %s", status, h, body)
	}
}

// What is free has no end, and needs no bound.
func TestGatewayServesWhatIsFree(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: strings.Replace(governedGateway, "free: { targets: [{ provider: free, model: sim-1 }], max_output: 100 }", "free: { targets: [{ provider: free, model: sim-1 }] }", 1)}).Start(t)
	if status, h, body := ask(t, g, "poor", asking("free", "")); status != http.StatusOK {
		t.Errorf("%d %v %s", status, h, body)
	}
}
