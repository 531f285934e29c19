package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"weir/internal/catalog"
	"weir/internal/compile"
	"weir/internal/price"
)

// example returns the indented block of a page that begins with a line.
func example(t *testing.T, page, first string) string {
	t.Helper()
	src, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(src), "\n    "+first+"\n")
	if !found {
		t.Fatalf("%s has no block that begins with %s", page, first)
	}
	out := first + "\n"
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "    ") && line != "\n" {
			break
		}
		out += strings.TrimPrefix(line, "    ")
	}
	return out
}

// TestPricesPage: what the page on prices shows is right and does what it says.
func TestPricesPage(t *testing.T) {
	const page = "../../docs/prices.md"
	file, err := price.Load(strings.NewReader(example(t, page, "prices 1")))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	n := &node{env: func(string) (string, bool) { return "", false }, compiler: compile.New(entries)}
	_, s, err := n.read("weir.yaml", []byte("version: 1\n"+example(t, page, "providers:")), false)
	if err != nil {
		t.Fatal(err)
	}
	per := func(l *price.List, model string, at time.Time) string {
		p, ok := l.Price(model, at)
		if !ok {
			return "none"
		}
		v, _, _ := p.Per(price.Input)
		return v.String()
	}
	now, later := time.Date(2026, 8, 2, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{per(s.Places["openai-eu"].Prices, "gpt-5", now), "$1.25"},
		{per(s.Places["gpu"].Prices, "anything", now), "$0.00"},
		{per(file.List("openai"), "gpt-5-2025-08-07", now), "$1.25"},
		{per(file.List("openai"), "gpt-5", later), "$1.00"},
		{per(file.List("openai"), "qwen3", now), "$0.00"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}
