package engine_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/replay"
)

// answered is a chat answer that read 1000 tokens, 400 of them cached, and wrote 10, 4 of them reasoning.
const answered = `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"prompt_tokens_details":{"cached_tokens":400},"completion_tokens_details":{"reasoning_tokens":4}}}`

// counted answers every request and counts them.
type counted struct {
	replay.Upstream
	n atomic.Int64
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.Upstream.RoundTrip(r)
}

func upstream(body string) *counted {
	return &counted{Upstream: replay.Upstream{Status: 200, Header: map[string]string{"content-type": "application/json"}, Body: []byte(body)}}
}

// TestPricesOfTheDocument works the cost of one answer out by hand under prices that the document states.
func TestPricesOfTheDocument(t *testing.T) {
	g := (&gatewaytest.Gateway{Upstream: upstream(answered), Document: `version: 1
providers:
  openai: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat], api_key: k, prices: { gpt-4.1: { input: $1, cached: $0.1 } } }
  openai-eu: { catalog: openai, base_url: "http://127.0.0.1:9/v1", api_key: k, speaks: [openai-chat], prices: { "gpt-4.1*": { output: $0.000000001 } } }
  gpu:
    base_url: "http://127.0.0.1:9/v1"
    speaks: [openai-chat]
    auth: none
    prices:
      qwen: { input: $0.2, output: $0.6 }
      thinker: { input: $1.25, cached: $0.125, output: $10, reasoning: $20, request: $0.01 }
      fine: { input: $0.000000001, output: $0 }
      "*": { input: $0, output: $0 }
  bare: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat], auth: none }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`}).Start(t)
	rev := g.Engine.Snapshot().Revision
	for i, c := range []struct {
		model, cost, price, of, unpriced string
	}{
		// 600 × $1 + 400 × $0.1 + 10 × $8 (the catalog's, which the document leaves alone), per million: 600 + 40 + 80 millionths.
		// The name is that of a dated version, which the document's price is for as well.
		{"openai/gpt-4.1-2025-04-14", "$0.00072", "openai/gpt-4.1-2025-04-14", " and document " + rev, ""},
		// What the document says nothing of is the catalog's own list: 600 × $0.10 + 400 × $0.025 + 10 × $0.40.
		{"openai/gpt-4.1-nano", "$0.000074", "openai/gpt-4.1-nano", "", ""},
		// 600 × $2 + 400 × $0.5, and 10 × a billionth of a dollar per million, which rounds up to one billionth in all.
		{"openai-eu/gpt-4.1", "$0.001400001", "openai-eu/gpt-4.1", " and document " + rev, ""},
		// Without a price of its own, what is cached costs what is read: 1000 × $0.2 + 10 × $0.6.
		{"gpu/qwen", "$0.000206", "gpu/qwen", "document " + rev, ""},
		// 600 × $1.25 + 400 × $0.125 + 6 × $10 + 4 × $20, per million, and one request: 750 + 50 + 60 + 80 + 10000 millionths.
		{"gpu/thinker", "$0.01094", "gpu/thinker", "document " + rev, ""},
		// 1000 × 1 billionth per million is a billionth of a thousandth: rounded up once.
		{"gpu/fine", "$0.000000001", "gpu/fine", "document " + rev, ""},
		{"gpu/anything", "$0.00", "gpu/*", "document " + rev, ""},
		{"bare/anything", "$0.00", "", "", "no prices are known of this provider"},
	} {
		resp := g.Post(t, "/v1/chat/completions", `{"model":"`+c.model+`","messages":[{"role":"user","content":"Hello"}]}`)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", c.model, resp.StatusCode)
		}
		x := g.Wait(t, i+1)[i]
		name, of, _ := strings.Cut(x.Price, " of ")
		if x.Cost.String() != c.cost || name != c.price || !strings.HasSuffix(of, c.of) || (of == "") != (c.price == "") || x.Unpriced != c.unpriced || x.Alert {
			t.Errorf("%s: %s by %q, unpriced %q; want %s by %q of %q", c.model, x.Cost, x.Price, x.Unpriced, c.cost, c.price, c.of)
		}
		if c.model == "openai/gpt-4.1-nano" && strings.Contains(of, "document") {
			t.Errorf("the document states no price of %s, and the record says so: %s", c.model, x.Price)
		}
	}
}

const unpricedDocument = `version: 1
providers:
  openai: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat, openai-completions], api_key: k }
  gpu: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat, openai-embeddings], auth: none }
  free: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat], auth: none, prices: { "*": { input: $0, output: $0 } } }
  azure: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat], api_key: k }
  claude: { base_url: "http://127.0.0.1:9", speaks: [anthropic-messages], api_key: k }
models:
  both: { targets: [{ provider: gpu, model: qwen }, { provider: openai, model: gpt-4.1 }] }
  none: { targets: [{ provider: gpu, model: qwen }, { provider: openai, model: no-such }] }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
defaults: { unpriced: refuse }
`

// TestUnpricedIsRefused refuses what has no price before anything is sent, in each client's words, and goes on with the
// targets that have one.
func TestUnpricedIsRefused(t *testing.T) {
	up := upstream(answered)
	g := (&gatewaytest.Gateway{Upstream: up, Document: unpricedDocument}).Start(t)
	const chat, messages, embeddings = "/v1/chat/completions", "/v1/messages", "/v1/embeddings"
	for i, c := range []struct {
		path, model, provider, theirs string // the provider and its model that the refusal names; "" = it is served
	}{
		{chat, "openai/gpt-4.1", "", ""},
		{chat, "openai/gpt-4.1-2025-04-14", "", ""},
		{chat, "free/anything", "", ""},
		{chat, "both", "", ""},
		{chat, "openai/no-such-model", "openai", "no-such-model"},
		{chat, "azure/jais-30b-chat", "azure", "jais-30b-chat"}, // the list has the model and no price of it
		{chat, "gpu/qwen", "gpu", "qwen"},
		{chat, "none", "gpu", "qwen"},
		{messages, "gpu/qwen", "gpu", "qwen"},
		{messages, "claude/nobody", "claude", "nobody"},
		{embeddings, "gpu/embed", "gpu", "embed"},
	} {
		before := up.n.Load()
		body := `{"model":"` + c.model + `","max_tokens":10,"messages":[{"role":"user","content":"Hello"}]}`
		if c.path == embeddings {
			body = `{"model":"` + c.model + `","input":"Hello"}`
		}
		resp := g.Post(t, c.path, body)
		answer, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		x := g.Wait(t, i+1)[i]
		sent := up.n.Load() - before
		if c.provider == "" {
			if resp.StatusCode != http.StatusOK || sent != 1 || x.Unpriced != "" || x.Price == "" {
				t.Errorf("%s: %d, %d sent, unpriced %q, price %q: %s", c.model, resp.StatusCode, sent, x.Unpriced, x.Price, answer)
			}
			continue
		}
		says := "no price is known of the model " + c.theirs + " at the provider " + c.provider
		if resp.StatusCode != http.StatusForbidden || sent != 0 || !strings.Contains(string(answer), says) || !strings.Contains(string(answer), "providers."+c.provider+".prices") {
			t.Errorf("%s: %d, %d sent: %s", c.model, resp.StatusCode, sent, answer)
		}
		if x.Ending != gateway.Refused || len(x.Attempts) != 0 || len(x.Plan.PassedOver) == 0 || x.Fault == nil || x.Fault.Code != "model_unpriced" {
			t.Errorf("%s: the record says %s, passed over %v, %v", c.model, x.Ending, x.Plan.PassedOver, x.Fault)
		}
		if anthropic := c.path == messages; anthropic != strings.HasPrefix(string(answer), `{"type":"error"`) || !anthropic && !strings.Contains(string(answer), `"code":"model_unpriced"`) {
			t.Errorf("%s: not in the client's words: %s", c.model, answer)
		}
	}
	all := g.Records()
	if both := all[3]; both.Answered().Provider != "openai" || len(both.Plan.PassedOver) != 1 || both.Plan.PassedOver[0].Why != "no prices are known of this provider" {
		t.Errorf("the priced target did not answer: %+v", both.Plan)
	}
	if again := g.Post(t, chat, `{"model":"both","messages":[{"role":"user","content":"Hello"}]}`); again.StatusCode != http.StatusOK || len(g.Wait(t, 12)[11].Plan.PassedOver) != 1 {
		t.Error("a plan of one request changed that of another")
	}
}

// TestUnpricedIsServed serves what has no price, says so in the record, and asks for an alert where the document does.
func TestUnpricedIsServed(t *testing.T) {
	for _, mode := range []string{"serve", "alert"} {
		up := upstream(answered)
		g := (&gatewaytest.Gateway{Upstream: up, Document: strings.Replace(unpricedDocument, "unpriced: refuse", "unpriced: "+mode, 1)}).Start(t)
		for i, model := range []string{"none", "gpu/qwen", "openai/gpt-4.1", "free/x"} {
			resp := g.Post(t, "/v1/chat/completions", `{"model":"`+model+`","messages":[{"role":"user","content":"Hello"}]}`)
			_ = resp.Body.Close()
			x := g.Wait(t, i+1)[i]
			priced := i > 1
			if resp.StatusCode != http.StatusOK || (x.Unpriced == "") != priced || x.Alert != (mode == "alert" && !priced) {
				t.Errorf("%s %s: %d, unpriced %q, alert %v", mode, model, resp.StatusCode, x.Unpriced, x.Alert)
			}
		}
		w := g.Post(t, "/v1/chat/completions", `{}`)
		_ = w.Body.Close()
		if x := g.Wait(t, 5)[4]; x.Alert || x.Unpriced != "" {
			t.Errorf("a request that was refused has a cost: %+v", x)
		}
	}
}

// TestKeptAnswersCostOnce: whoever asks a provider for an answer that it keeps reads its usage again and pays nothing.
func TestKeptAnswersCostOnce(t *testing.T) {
	g := (&gatewaytest.Gateway{Upstream: upstream(
		`{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"gpt-4.1","output":[],"usage":{"input_tokens":1000,"output_tokens":10,"total_tokens":1010}}`,
	), Document: `version: 1
providers:
  openai: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-responses], api_key: k }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
defaults: { unpriced: refuse }
`}).Start(t)
	resp := g.Post(t, "/v1/responses", `{"model":"openai/gpt-4.1","input":"Hello","store":true}`)
	_ = resp.Body.Close()
	if x := g.Wait(t, 1)[0]; resp.StatusCode != http.StatusOK || x.Cost.String() != "$0.00208" { // 1000 × $2 + 10 × $8
		t.Fatalf("%d %s", resp.StatusCode, x.Cost)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/v1/responses/resp_1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
	got, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = got.Body.Close()
	if x := g.Wait(t, 2)[1]; got.StatusCode != http.StatusOK || len(x.Attempts) != 1 || x.Cost != 0 || x.Price != "" || x.Unpriced != "" {
		t.Errorf("%d after %d attempts, %s by %q, unpriced %q", got.StatusCode, len(x.Attempts), x.Cost, x.Price, x.Unpriced)
	}
}
