package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/replay"
)

// book is a ledger that remembers what it was told.
type book struct {
	mu     sync.Mutex // guards the rest
	open   map[string]gateway.Entry
	opened []gateway.Entry
	closed []gateway.Entry
	refuse *fault.Fault
}

func (b *book) Open(e *gateway.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		return b.refuse
	}
	if b.open == nil {
		b.open = map[string]gateway.Entry{}
	}
	if _, twice := b.open[e.ID]; twice {
		panic("opened twice: " + e.ID)
	}
	b.open[e.ID] = *e
	b.opened = append(b.opened, *e)
	return nil
}

func (b *book) Close(e *gateway.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.open[e.ID]; !ok {
		panic("closed and not open: " + e.ID)
	}
	delete(b.open, e.ID)
	if e.State != gateway.EntryOpened {
		b.closed = append(b.closed, *e)
	}
}

func (b *book) Book(e *gateway.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = append(b.closed, *e)
	return nil
}

func (b *book) entries(t *testing.T) []gateway.Entry {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.open) > 0 {
		t.Errorf("%d holds were never closed: %v", len(b.open), b.open)
	}
	return append([]gateway.Entry(nil), b.closed...)
}

// holds is a policy that sets aside what it is told to, and remembers what came of it.
type holds struct {
	mu    sync.Mutex // guards the rest
	needs []gateway.Need
	used  []gateway.Used
	say   func(x *gateway.Exchange, n *gateway.Need, h *gateway.Holding) error
}

func (*holds) Name() string { return "holds" }

func (p *holds) Hold(_ context.Context, x *gateway.Exchange, n *gateway.Need, h *gateway.Holding) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.needs = append(p.needs, *n)
	if p.say != nil {
		if err := p.say(x, n, h); err != nil {
			return err
		}
	}
	h.Drawn = append(h.Drawn, gateway.Drawn{Amount: int64(n.Cost)})
	h.Charges = append(h.Charges, gateway.Charge{Pot: "budget/test", Window: 1})
	return nil
}

func (p *holds) Settle(_ *gateway.Exchange, h *gateway.Holding, u gateway.Used) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(h.Drawn) != 1 {
		panic(fmt.Sprintf("%d draws to settle", len(h.Drawn)))
	}
	p.used = append(p.used, u)
}

const holdDocument = `version: 1
providers:
  one: { base_url: "http://one.test/v1", speaks: [openai-chat, openai-embeddings], api_key: k, timeouts: { first_byte: 200ms }, prices: { "*": { input: $1, output: $2 } } }
  two: { base_url: "http://two.test", speaks: [anthropic-messages], api_key: k, prices: { "*": { input: $3, output: $4 } } }
  free: { base_url: "http://free.test/v1", speaks: [openai-chat], api_key: k }
models:
  both: { targets: [{ provider: one, model: m }, { provider: two, model: m }] }
  cheap: { targets: [{ provider: two, model: cheap }] }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`

// hosts answers by host.
type hosts map[string]func(*http.Request) (*http.Response, error)

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := h[r.URL.Hostname()]
	if answer == nil {
		return nil, errors.New("nobody is at " + r.URL.Host)
	}
	return answer(r)
}

func says(up *replay.Upstream) func(*http.Request) (*http.Response, error) { return up.RoundTrip }

func streams(body string, cut bool) func(*http.Request) (*http.Response, error) {
	up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": "text/event-stream"}, Body: []byte(body), Read: 1000}
	if cut {
		up.Cut = len(body)
		up.Body = append(up.Body, "data: {"...)
	}
	return says(up)
}

func gives(status int, body string) func(*http.Request) (*http.Response, error) {
	return says(&replay.Upstream{Status: status, Header: map[string]string{"content-type": "application/json"}, Body: []byte(body), Read: 1000})
}

const (
	usageFrame      = `data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":8,"completion_tokens":20,"total_tokens":28}}` + "\n\n"
	overloadedEvent = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n"
	vectors         = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1]}],"model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}`
)

// TestEndings ends attempts in every way and looks at what the ledger is told and the policies get back.
func TestEndings(t *testing.T) {
	type entry struct {
		state     gateway.EntryState
		provider  string
		cost      gateway.Money // 0 = what was held
		estimated bool
	}
	const held = gateway.Money(-1)
	never := func(*http.Request) (*http.Response, error) { return nil, &netRefused{} }
	hangs := func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }
	tests := []struct {
		name, path, body string
		up               hosts
		status           int
		leave            bool
		entries          []entry
	}{
		{"done", "", `"model":"one/m","stream":true`, hosts{"one.test": streams(words(20)+stopped+usageFrame+ended, false)}, 200, false, []entry{{gateway.EntryDone, "one", 48_000, false}}},
		{"no usage", "", `"model":"one/m","stream":true`, hosts{"one.test": streams(words(20)+stopped+ended, false)}, 200, false, []entry{{gateway.EntryEstimated, "one", 47_000, true}}},
		{"cut", "", `"model":"one/m","stream":true`, hosts{"one.test": streams(words(20), true)}, 200, false, []entry{{gateway.EntryPartial, "one", 47_000, true}}},
		{"an error within", "", `"model":"two/m","stream":true`, hosts{"two.test": streams(opening+said(5)+overloadedEvent, false)}, 200, false, []entry{{gateway.EntryPartial, "two", 77*3_000 + 5*4_000, true}}},
		{"an error before output that states usage", "/v1/messages", `"model":"two/m","stream":true`, hosts{"two.test": streams(opening[:strings.Index(opening, "event: content_block_start")]+overloadedEvent, false)}, 200, false, []entry{{gateway.EntryFailed, "two", 77*3_000 + 4_000, false}}},
		{"a status", "", `"model":"one/m"`, hosts{"one.test": gives(500, `{"error":{"message":"no"}}`)}, 500, false, nil},
		{"the next target", "", `"model":"both","stream":true`, hosts{"one.test": gives(500, `{"error":{"message":"no"}}`), "two.test": streams(opening+said(5)+messagesEnd, false)}, 200, false, []entry{{gateway.EntryDone, "two", 77*3_000 + 9*4_000, false}}},
		{"nobody there", "", `"model":"one/m"`, hosts{"one.test": never}, 503, false, nil},
		{"no answer in time", "", `"model":"one/m"`, hosts{"one.test": hangs}, 504, false, []entry{{gateway.EntryUnknown, "one", held, false}}},
		{"no answer in time, then another", "", `"model":"both","stream":true`, hosts{"one.test": hangs, "two.test": streams(opening+said(5)+messagesEnd, false)}, 200, false, []entry{{gateway.EntryUnknown, "one", held, false}, {gateway.EntryDone, "two", 77*3_000 + 9*4_000, false}}},
		{"the client leaves before the answer", "", `"model":"two/m"`, hosts{"two.test": hangs}, 0, true, []entry{{gateway.EntryCancelled, "two", 5 * 3_000, true}}},
		{"whole", "", `"model":"one/m"`, hosts{"one.test": gives(200, `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13}}`)}, 200, false, []entry{{gateway.EntryDone, "one", 16_000, false}}},
		{"no answer at all", "", `"model":"one/m"`, hosts{"one.test": gives(200, `hello`)}, 502, false, nil},
		{"embeddings", "/v1/embeddings", `"model":"one/m"`, hosts{"one.test": gives(200, vectors)}, 200, false, []entry{{gateway.EntryDone, "one", 5_000, false}}},
		{"no price", "", `"model":"free/m"`, hosts{"free.test": gives(200, `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13}}`)}, 200, false, []entry{{gateway.EntryDone, "free", 0, false}}},
		{"counting is free", "/v1/messages/count_tokens", `"model":"two/m"`, hosts{"two.test": gives(200, `{"input_tokens":7}`)}, 200, false, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ledger, policy := &book{}, &holds{}
			sent := hosts{}
			for host, answer := range test.up {
				sent[host] = func(r *http.Request) (*http.Response, error) {
					ledger.mu.Lock()
					open := len(ledger.open)
					ledger.mu.Unlock()
					if open != 1 && len(test.entries) > 0 {
						t.Errorf("%d holds were open when the attempt was sent", open)
					}
					return answer(r)
				}
			}
			g := (&gatewaytest.Gateway{Upstream: sent, Document: holdDocument, Ledger: ledger, Holders: []gateway.Holder{policy}}).Start(t)
			path := test.path
			if path == "" {
				path = "/v1/chat/completions"
			}
			rest := `,"max_tokens":100,"messages":[{"role":"user","content":"hello world"}]}`
			if path == "/v1/embeddings" {
				rest = `,"input":"hello world"}`
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, _ := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+path, strings.NewReader("{"+test.body+rest))
			r.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-Weir-User", "ada")
			r.Header.Set("X-Weir-Tags", "b=2, a=1")
			if test.leave {
				time.AfterFunc(100*time.Millisecond, cancel)
			}
			if resp, err := http.DefaultClient.Do(r); err == nil {
				body, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != test.status {
					t.Errorf("status %d, want %d: %s", resp.StatusCode, test.status, body)
				}
				if strings.Contains(string(body), `"choices":[]`) {
					t.Errorf("the client is shown what it did not ask for: %s", body)
				}
			}
			x := g.Wait(t, 1)[0]
			entries := ledger.entries(t)
			if len(entries) != len(test.entries) {
				t.Fatalf("%d entries, want %d: %+v", len(entries), len(test.entries), entries)
			}
			var sum gateway.Money
			for i, e := range entries {
				want := test.entries[i]
				if want.cost == held {
					want.cost = e.Held
				}
				sum += e.Cost
				if e.State != want.state || e.Target.Provider != want.provider || e.Cost != want.cost || e.Estimated != want.estimated {
					t.Errorf("entry %s of %s, %v (held %v), estimated %v; want %+v", e.State, e.Target.Provider, e.Cost, e.Held, e.Estimated, want)
				}
				if e.Cost > e.Held {
					t.Errorf("%v was held for what cost %v", e.Held, e.Cost)
				}
				if e.Key != "test" || e.EndUser != "ada" || strings.Join(e.Tags, " ") != "a=1 b=2" || e.Exchange != x.ID || e.Node != "test" || len(e.Charges) != 1 || e.Ended.Before(e.At) {
					t.Errorf("the entry says not whose it is: %+v", e)
				}
				if e.Cost > 0 && e.State != gateway.EntryUnknown && (len(e.Items) == 0 || e.Price == "") {
					t.Errorf("the entry says not what its cost is made of: %+v", e)
				}
			}
			if x.Cost != sum {
				t.Errorf("the record says %v, the entries %v", x.Cost, sum)
			}
			if len(policy.used) != len(policy.needs) {
				t.Errorf("%d holds, %d settled", len(policy.needs), len(policy.used))
			}
			var used gateway.Money
			for _, u := range policy.used {
				used += u.Cost
			}
			if used != sum {
				t.Errorf("the policies were told of %v, the ledger of %v", used, sum)
			}
		})
	}
}

const messagesEnd = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
	"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\n" +
	"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

type netRefused struct{}

func (*netRefused) Error() string { return "refused" }
func (*netRefused) Unwrap() error { return syscall.ECONNREFUSED }

// TestHolders has a policy refuse, cap, and send elsewhere.
func TestHolders(t *testing.T) {
	whole := `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13}}`
	messages := `{"id":"x","type":"message","role":"assistant","model":"cheap","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":3}}`
	var got string
	takes := func(answer string) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			b, _ := io.ReadAll(r.Body)
			got = string(b)
			again := r.Clone(r.Context())
			again.Body, again.ContentLength = io.NopCloser(strings.NewReader(got)), int64(len(got))
			return gives(200, answer)(again)
		}
	}
	up := hosts{"one.test": takes(whole), "two.test": takes(messages)}
	ask := func(t *testing.T, ledger *book, policy *holds) (*http.Response, string, *gateway.Exchange) {
		t.Helper()
		got = ""
		g := (&gatewaytest.Gateway{Upstream: up, Document: holdDocument, Ledger: ledger, Holders: []gateway.Holder{policy}}).Start(t)
		resp := g.Post(t, "/v1/chat/completions", `{"model":"both","messages":[{"role":"user","content":"hello world"}],"max_tokens":100}`)
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		return resp, string(body), g.Wait(t, 1)[0]
	}
	t.Run("refuse", func(t *testing.T) {
		ledger := &book{}
		resp, body, x := ask(t, ledger, &holds{say: func(*gateway.Exchange, *gateway.Need, *gateway.Holding) error {
			f := fault.New(fault.Quota, "the budget shop-month is used up")
			f.Code = "budget_exceeded"
			return f
		}})
		if resp.StatusCode != 429 || !strings.Contains(body, "shop-month") || got != "" || x.Ending != gateway.Refused || len(ledger.opened) != 0 {
			t.Errorf("%d %s, ending %s, sent %q", resp.StatusCode, body, x.Ending, got)
		}
	})
	t.Run("the next target is cheaper", func(t *testing.T) {
		ledger := &book{}
		resp, _, x := ask(t, ledger, &holds{say: func(_ *gateway.Exchange, n *gateway.Need, _ *gateway.Holding) error {
			if n.Target.Provider == "one" {
				return fault.New(fault.Quota, "too dear")
			}
			return nil
		}})
		if e := ledger.entries(t); resp.StatusCode != 200 || len(e) != 1 || e[0].Target.Provider != "two" {
			t.Errorf("%d, %+v, %v", resp.StatusCode, e, x.Fault)
		}
	})
	t.Run("cap", func(t *testing.T) {
		ledger := &book{}
		resp, _, x := ask(t, ledger, &holds{say: func(_ *gateway.Exchange, _ *gateway.Need, h *gateway.Holding) error {
			h.Cap, h.CapBy = 7, "budget/x"
			return nil
		}})
		if resp.Header.Get("X-Weir-Capped") != "7" || !strings.Contains(got, `"max_tokens":7`) || x.Capped != 7 {
			t.Errorf("header %q, sent %s", resp.Header.Get("X-Weir-Capped"), got)
		}
		ledger.entries(t)
	})
	t.Run("another model", func(t *testing.T) {
		ledger := &book{}
		resp, _, x := ask(t, ledger, &holds{say: func(_ *gateway.Exchange, n *gateway.Need, _ *gateway.Holding) error {
			if n.Target.Model != "cheap" {
				return &gateway.Instead{Model: "cheap", Why: "the budget is used up"}
			}
			return nil
		}})
		if e := ledger.entries(t); resp.StatusCode != 200 || len(e) != 1 || e[0].Target.Model != "cheap" || e[0].Asked != "both" || x.Plan.Rule != "cheap" || x.Head.Model != "both" {
			t.Errorf("%d, %+v, rule %s", resp.StatusCode, e, x.Plan.Rule)
		}
	})
	t.Run("another model that is refused too", func(t *testing.T) {
		resp, body, _ := ask(t, &book{}, &holds{say: func(*gateway.Exchange, *gateway.Need, *gateway.Holding) error {
			return &gateway.Instead{Model: "cheap", Why: "the budget is used up"}
		}})
		if resp.StatusCode != 429 || !strings.Contains(body, "used up") || got != "" {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	})
	t.Run("the ledger cannot write", func(t *testing.T) {
		ledger, policy := &book{refuse: fault.New(fault.Unavailable, "the ledger is full")}, &holds{}
		resp, body, _ := ask(t, ledger, policy)
		if resp.StatusCode != 503 || !strings.Contains(body, "ledger is full") || got != "" || len(policy.needs) != 1 || len(policy.used) != 1 {
			t.Errorf("%d %s, %d held, %d settled", resp.StatusCode, body, len(policy.needs), len(policy.used))
		}
	})
	t.Run("a bound", func(t *testing.T) {
		var read int64
		policy := &holds{say: func(_ *gateway.Exchange, n *gateway.Need, _ *gateway.Holding) error { read = n.Estimate(); return nil }}
		ask(t, &book{}, policy)
		n := policy.needs[0]
		if n.Unbounded != "" || n.Output != 100+16 || n.Input < 100 || n.Input > 6000 || n.Cost != gateway.Money(n.Input*1000+n.Output*2000) || n.PerToken != int64(2*gateway.Dollar) || read != 5 {
			t.Errorf("%+v, estimated %d", n, read)
		}
	})
}
