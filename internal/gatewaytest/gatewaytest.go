// Package gatewaytest starts a whole gateway on a loopback port for a test: document, compiler, engine and URL table as
// `weir serve` wires them, with the records kept in memory. Its zero value works: a gateway before a simulated provider.
package gatewaytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/api"
	"weir/internal/catalog"
	"weir/internal/compile"
	"weir/internal/config"
	"weir/internal/engine"
	"weir/internal/gateway"
	"weir/internal/policy/budget"
	"weir/internal/pot"
	"weir/internal/seal"
	"weir/internal/sim"
	"weir/internal/telemetry"
	"weir/internal/thing"
	"weir/internal/thread"
)

// Key is the key every gateway of this package takes unless its document says otherwise.
const Key = "wr-0123456789abcdef0123456789abcdef"

// Gateway is a gateway under test. Set fields before Start.
type Gateway struct {
	// Document is the YAML document. "" is one provider in each dialect before Sim: sim and sim-messages, and a model
	// chat and a model messages whose targets are sim-1 there. @SIM@ stands for the simulator's host and port.
	Document string
	// Sim is the simulated provider behind it; nil is one without pauses.
	Sim *sim.Provider
	// Upstream, if set, takes the place of every provider's connections.
	Upstream http.RoundTripper
	// Log, if set, receives what the process's log and records would.
	Log interface{ Write([]byte) (int, error) }

	URL     string       // http://127.0.0.1:PORT
	Handler http.Handler // the data plane, to be called without a socket
	Engine  *engine.Engine
	Metrics *telemetry.Metrics
	Threads gateway.Threads // answers that are kept
	Things  gateway.Things  // what is known of files, batches and jobs; set before Start, it is used in place of a new one
	Ledger  gateway.Ledger  // set before Start, every attempt is written there
	Holders []gateway.Holder
	Pots    gateway.Pots       // what limits and budgets are drawn from; nil = a node's that is alone
	Events  func(budget.Event) // set before Start, it is told of the lines of budgets
	Watch   time.Duration      // until a batch is first asked after, and four times that at most; 0 = as in production

	compiler *compile.Compiler
	host     string
	records  records
}

type records struct {
	mu   sync.Mutex // guards all; tests read while exchanges end
	all  []*gateway.Exchange
	news chan struct{}
}

// Begin implements gateway.Observer.
func (r *records) Begin(*gateway.Exchange) {}

// End implements gateway.Observer.
func (r *records) End(x *gateway.Exchange) {
	r.mu.Lock()
	r.all = append(r.all, x)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// Default is the document of the zero Gateway.
const Default = `version: 1
providers:
  sim: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-embeddings], api_key: sim }
  sim-messages: { base_url: "http://@SIM@", speaks: [anthropic-messages], api_key: sim }
models:
  chat: { targets: [{ provider: sim, model: sim-1 }] }
  messages: { targets: [{ provider: sim-messages, model: sim-1 }] }
keys:
  - { name: test, key: ` + Key + `, models: ["*"] }
  - { name: strict, key: strict-` + Key + `, models: ["*"], strict: true }
`

// Start runs the gateway until the test ends.
func (g *Gateway) Start(t testing.TB) *Gateway {
	t.Helper()
	g.records.news = make(chan struct{}, 1)
	if g.Sim == nil {
		g.Sim = &sim.Provider{Pace: -1}
	}
	back := httptest.NewServer(g.Sim)
	t.Cleanup(back.Close)
	g.host = strings.TrimPrefix(back.URL, "http://")
	if g.Document == "" {
		g.Document = Default
	}
	entries, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	g.compiler = compile.New(entries)
	t.Cleanup(g.compiler.Close)
	if g.Pots == nil {
		g.Pots = pot.New(pot.Options{})
	}
	g.compiler.Govern(g.Pots, g.Events)
	g.Metrics = telemetry.NewMetrics(telemetry.MetricsOptions{Version: "test"})
	observers := []gateway.Observer{&g.records, g.Metrics}
	if g.Log != nil {
		_, record := telemetry.NewLog(g.Log)
		observers = append(observers, record)
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if err := record.Close(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	g.Engine = engine.New(telemetry.Tee(observers...), seal.New(seal.Options{}))
	g.Threads = thread.NewMemory(thread.Options{})
	g.Engine.Threads(g.Threads)
	if g.Things == nil {
		g.Things = thing.NewMemory(thing.Options{})
	}
	if g.Watch > 0 {
		g.Engine.Watching(g.Watch, 4*g.Watch)
	}
	g.Engine.Things(g.Things)
	if g.Ledger != nil {
		g.Engine.Ledger(g.Ledger, "test")
	}
	if err := g.Use(g.Document); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.Handler = api.New(api.Options{Engine: g.Engine, Dialect: compile.Dialect, Metrics: g.Metrics.Handler(), Version: "test"})
	front := &http.Server{
		Handler:           g.Handler,
		BaseContext:       func(net.Listener) context.Context { return g.Engine.Context() },
		ReadHeaderTimeout: 5 * time.Second,
	}
	ended := make(chan error, 1)
	go func() { ended <- front.Serve(l) }()
	g.URL = "http://" + l.Addr().String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		g.Engine.Drain(ctx)
		_ = front.Close()
		<-ended
		g.Engine.Close()
	})
	return g
}

// Host is the simulator's host and port.
func (g *Gateway) Host() string { return g.host }

// Use compiles a document and puts it in use, all or nothing.
func (g *Gateway) Use(document string) error {
	document = strings.ReplaceAll(document, "@SIM@", g.host)
	doc, err := config.Parse("test.yaml", []byte(document), g.compiler.Options(func(string) (string, bool) { return "", false }))
	if err != nil {
		return err
	}
	s, err := g.compiler.Snapshot(doc, fmt.Sprintf("r%d", time.Now().UnixNano()))
	if err != nil {
		return err
	}
	s.Holders = append(s.Holders, g.Holders...)
	if g.Upstream != nil {
		for _, p := range s.Places {
			p.Client = g.Upstream
		}
	}
	g.Engine.Use(s)
	return nil
}

// Records returns the finished exchanges so far, oldest first.
func (g *Gateway) Records() []*gateway.Exchange {
	g.records.mu.Lock()
	defer g.records.mu.Unlock()
	return append([]*gateway.Exchange(nil), g.records.all...)
}

// Wait returns the finished exchanges once there are n, or fails the test.
func (g *Gateway) Wait(t testing.TB, n int) []*gateway.Exchange {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		if all := g.Records(); len(all) >= n {
			return all
		}
		select {
		case <-g.records.news:
		case <-time.After(20 * time.Millisecond):
		case <-late:
			t.Fatalf("%d of %d exchanges ended", len(g.Records()), n)
		}
	}
}

// Post sends a JSON body with the test key and returns the answer; the caller closes it.
func (g *Gateway) Post(t testing.TB, path, body string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+Key)
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
