//go:build !race

package price

import (
	"runtime"
	"testing"
	"time"

	"weir/internal/llm"
)

// What a request pays: finding a price and pricing its usage. The list is read before.
func TestLookupAndCostDoNotAllocate(t *testing.T) {
	list := Embedded().List("anthropic")
	now := time.Date(2026, 8, 6, 0, 0, 0, 0, time.UTC)
	u := &llm.Usage{
		Said: llm.SaidInput | llm.SaidOutput | llm.SaidCacheRead | llm.SaidCacheWrite, Input: 12_000, CacheRead: 8000,
		CacheWrite: 3000, CacheWrite1h: 1000, Output: 900, Reasoning: 300, Searches: 2,
	}
	var items [8]Item
	for _, name := range []string{"claude-sonnet-4-5", "claude-sonnet-4-5-20291231", "nothing-like-it"} {
		n := testing.AllocsPerRun(100, func() {
			p, ok := list.Price(name, now)
			if ok {
				c := p.Cost(u, nil, items[:0])
				if !c.Known() {
					t.Fatal(c.Why())
				}
			}
		})
		if n > 0 {
			t.Errorf("%s: %.0f allocations, none are allowed", name, n)
		}
	}
	m := Most{Input: 12_000, Output: 4000}
	p, _ := list.Price("claude-sonnet-4-5", now)
	if n := testing.AllocsPerRun(100, func() { p.Bound(&m) }); n > 0 {
		t.Errorf("Bound: %.0f allocations, none are allowed", n)
	}
}

// The embedded table is read provider by provider, so that a start pays for none and a request for one at most once.
func TestTableIsLight(t *testing.T) {
	start := time.Now()
	table := open()
	opened := time.Since(start)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start = time.Now()
	var held []*List
	var slowest time.Duration
	largest := ""
	for _, name := range table.Providers() {
		one := time.Now()
		l := read(name)
		if took := time.Since(one); took > slowest {
			slowest, largest = took, name
		}
		held = append(held, l)
	}
	took := time.Since(start)
	runtime.GC()
	runtime.ReadMemStats(&after)
	bytes := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("opened in %v; all %d lists read in %v and %d KiB; the slowest is %s in %v", opened, len(held), took, bytes>>10, largest, slowest)
	runtime.KeepAlive(held)
	if bytes > 8<<20 {
		t.Errorf("all lists together hold %d bytes, 8 MiB are allowed", bytes)
	}
	if opened > 5*time.Millisecond {
		t.Errorf("the table took %v to open", opened)
	}
}

func BenchmarkLookupAndCost(b *testing.B) {
	list := Embedded().List("openai")
	now := time.Now()
	u := &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 12_000, CacheRead: 8000, Output: 900, Reasoning: 300}
	var items [8]Item
	b.ReportAllocs()
	for b.Loop() {
		p, _ := list.Price("gpt-5.4", now)
		c := p.Cost(u, nil, items[:0])
		if c.Amount == 0 {
			b.Fatal("free")
		}
	}
}

func BenchmarkLookupOfAVersion(b *testing.B) {
	list := Embedded().List("openai")
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := list.Price("gpt-5.4-2029-01-01", now); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkBound(b *testing.B) {
	p, _ := Embedded().Price("openai", "gpt-5.4", time.Now())
	m := Most{Input: 300_000, Output: 4000}
	b.ReportAllocs()
	for b.Loop() {
		p.Bound(&m)
	}
}

func BenchmarkReadList(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		read("openrouter")
	}
}
