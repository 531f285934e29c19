package compile

import (
	"strings"
	"testing"
	"time"

	"weir/internal/catalog"
	"weir/internal/config"
	"weir/internal/engine"
	"weir/internal/price"
)

// compiler returns one that lives as long as the test.
func compiler(t *testing.T) *Compiler {
	t.Helper()
	entries, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	c := New(entries)
	t.Cleanup(c.Close)
	return c
}

func compiled(t *testing.T, c *Compiler, document string) *engine.Snapshot {
	t.Helper()
	d, err := config.Parse("weir.yaml", []byte(document), c.Options(nil))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Snapshot(d, "r1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const pricedDocument = `version: 1
providers:
  openai: { api_key: k }
  mine: { catalog: openai, api_key: k, prices: { gpt-4.1: { input: $1 } } }
  gpu: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat], auth: none }
  own: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat], auth: none, prices: { qwen: { input: $0.2 } } }
`

// TestPrices: each provider has its catalog entry's list, or its own name's, with the document's prices over it.
func TestPrices(t *testing.T) {
	s, err := snapshot(t, pricedDocument)
	if err != nil {
		t.Fatal(err)
	}
	if s.Places["openai"].Prices != price.Embedded().List("openai") {
		t.Error("a provider without prices of its own has another list than the built-in one")
	}
	if s.Places["gpu"].Prices != nil {
		t.Error("a provider that no list knows has one")
	}
	builtIn := price.Embedded().List("openai").Version
	for name, version := range map[string]string{"mine": builtIn + " and document ", "own": "document "} {
		if l := s.Places[name].Prices; l == nil || l.Provider != name || l.Version != version+s.Revision {
			t.Errorf("%s: %+v", name, l)
		}
	}
	if s.Unpriced != engine.ServeUnpriced {
		t.Error("what has no price is not served unless the document says otherwise")
	}
	for word, want := range map[string]engine.Unpriced{"serve": engine.ServeUnpriced, "refuse": engine.RefuseUnpriced, "alert": engine.AlertUnpriced} {
		if s, err := snapshot(t, pricedDocument+"defaults: { unpriced: "+word+" }\n"); err != nil || s.Unpriced != want {
			t.Errorf("%s: %v %v", word, s.Unpriced, err)
		}
	}
}

// TestPricesAreReplaced: a compiler that is given other lists uses them from the next snapshot on.
func TestPricesAreReplaced(t *testing.T) {
	c := compiler(t)
	before := compiled(t, c, pricedDocument)
	newer, err := price.Load(strings.NewReader("prices 1\n[openai]\n source us 2030-01-01\ngpt-4.1\n input 7 output 9\n[gpu]\n source us 2030-01-01\n*\n free\n"))
	if err != nil {
		t.Fatal(err)
	}
	c.Prices(price.Embedded().With(newer))
	after := compiled(t, c, pricedDocument)
	input := func(s *engine.Snapshot, provider string) string {
		p, ok := s.Places[provider].Prices.Price("gpt-4.1", time.Now())
		if !ok {
			return "none"
		}
		v, _, _ := p.Per(price.Input)
		return v.String()
	}
	for name, want := range map[string]string{"openai": "$7.00", "mine": "$1.00"} {
		if got := input(after, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := input(before, "openai"); got != "$2.00" {
		t.Errorf("the snapshot in use has changed: %s", got)
	}
	p, ok := after.Places["gpu"].Prices.Price("anything", time.Now())
	if !ok || !p.Facts.Free {
		t.Error("a list for a provider that is in no catalog is not used")
	}
	if got := before.Places["gpu"].Prices; got != nil {
		t.Error("the snapshot in use has changed")
	}
}
