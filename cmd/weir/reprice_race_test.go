package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/price"
	"weir/internal/sim"
)

// ended keeps finished exchanges.
type ended struct {
	mu  sync.Mutex // guards all
	all []*gateway.Exchange
}

func (e *ended) Begin(*gateway.Exchange) {}

func (e *ended) End(x *gateway.Exchange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, x)
}

// TestPricesUnderLoad changes prices and document at once under many clients: no exchange fails, and what each costs fits
// the version of the list that its record names.
func TestPricesUnderLoad(t *testing.T) {
	back := httptest.NewServer(&sim.Provider{Pace: -1})
	defer back.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "weir.yaml")
	seen := &ended{}
	n, err := newNode(io.Discard, seen)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	n.file = file
	dollars := map[string]int64{} // by version
	var lists []string
	for i := range 4 {
		text := fmt.Sprintf("prices 1\n[sim]\n source us 2026-01-01\nsim-1\n input %d output %d\n", i+1, i+1)
		table, err := price.Load(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, text)
		dollars[table.List("sim").Version] = int64(i + 1)
	}
	lists = append(lists, "not a price list")
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	document := func(i int) {
		put(file, fmt.Sprintf("version: 1\nnode: { prices: sim.txt }\nproviders:\n  sim: { base_url: \"%s/v1\", speaks: [openai-chat] }\nmodels:\n  m: { targets: [{ provider: sim, model: sim-1 }] }\n  m%d: { targets: [{ provider: sim, model: sim-1 }] }\nkeys: [{ name: web, key: wr-0123456789abcdef }]\n", back.URL, i))
	}
	put(filepath.Join(dir, "sim.txt"), lists[0])
	document(0)
	if err := n.load(); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(n.api())
	defer front.Close()

	stop := make(chan struct{})
	var clients, changes sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				body := `{"model":"m","messages":[{"role":"user","content":"Hello"}]}`
				if i%2 == 0 {
					body = `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hello"}]}`
				}
				if status, text := post(t, front.URL+"/v1/chat/completions", "wr-0123456789abcdef", body); status != http.StatusOK {
					t.Errorf("%d %s", status, text)
					return
				}
			}
		})
	}
	changes.Go(func() {
		for i := range 60 {
			put(filepath.Join(dir, "sim.txt"), lists[i%len(lists)])
			n.reprice()
		}
	})
	changes.Go(func() {
		for i := range 60 {
			document(i)
			n.reload()
		}
	})
	changes.Wait()
	close(stop)
	clients.Wait()

	seen.mu.Lock()
	defer seen.mu.Unlock()
	used := map[string]int{}
	for _, x := range seen.all {
		_, version, _ := strings.Cut(x.Price, " of ")
		used[version]++
		if x.Usage == nil || dollars[version] == 0 || x.Cost != gateway.Money((x.Usage.Input+x.Usage.Output)*dollars[version]*1000) {
			t.Fatalf("%s by %q for %+v", x.Cost, x.Price, x.Usage)
		}
	}
	if len(used) < 2 || n.prices.ok.Load() != 48 || n.prices.bad.Load() != 12 {
		t.Errorf("%d exchanges by %v; %d taken over, %d refused", len(seen.all), used, n.prices.ok.Load(), n.prices.bad.Load())
	}
	t.Logf("%d exchanges by %v", len(seen.all), used)
}

// TestPricesThatTheDocumentDoesNotFit: prices are refused over which the document's own cannot be laid, and later changes
// of the document go on with those before.
func TestPricesThatTheDocumentDoesNotFit(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := func(sources int, input string) string {
		text := "prices 1\n[sim]\n"
		for i := range sources {
			text += fmt.Sprintf(" source s%d 2026-01-01\n", i)
		}
		return text + "sim-1\n input " + input + " output 1\n"
	}
	const document = "version: 1\nnode: { prices: sim.txt }\nproviders:\n  sim: { base_url: \"http://127.0.0.1:9/v1\", speaks: [openai-chat], prices: { sim-1: { output: $2 } } }\n"
	put("weir.yaml", document)
	put("sim.txt", list(1, "1"))
	log := &output{}
	n, err := newNode(log, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	n.file = filepath.Join(dir, "weir.yaml")
	if err := n.load(); err != nil {
		t.Fatal(err)
	}
	input := func() string {
		p, ok := n.engine.Snapshot().Places["sim"].Prices.Price("sim-1", time.Now())
		if !ok {
			return "none"
		}
		in, _, _ := p.Per(price.Input)
		out, _, _ := p.Per(price.Output)
		return in.String() + " " + out.String()
	}
	if got := input(); got != "$1.00 $2.00" {
		t.Fatal(got)
	}
	put("sim.txt", list(255, "7"))
	before := n.engine.Snapshot()
	n.reprice()
	if n.engine.Snapshot() != before || n.prices.bad.Load() != 1 {
		t.Errorf("prices that do not fit are in use: %s", input())
	}
	log.find(t, `the new prices are refused.*weir\.yaml:4:\d+: providers\.sim\.prices: the list has too many sources`)
	put("weir.yaml", document+"models: { m: { targets: [{ provider: sim, model: sim-1 }] } }\n")
	n.reload()
	if got := input(); got != "$1.00 $2.00" || n.engine.Snapshot() == before {
		t.Errorf("after the document changed: %s", got)
	}
	put("sim.txt", list(1, "3"))
	n.reprice()
	if got := input(); got != "$3.00 $2.00" {
		t.Errorf("prices that fit again: %s", got)
	}
}
