package compile

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/engine"
	"weir/internal/gateway"
	"weir/internal/pot"
)

// costDocument has three limits and two budgets that apply to each request, with soft lines.
const costDocument = `version: 1
providers: { openai: { api_key: sk-1 } }
models: { assistant: { targets: [{ provider: openai, model: gpt-5 }] } }
organisations: { acme: { budgets: [acme-year] } }
teams: { shop: { organisation: acme, limits: { requests: 1G/second, tokens: 1000G/second }, budgets: [shop-month] } }
keys: [{ name: a, key: wr-0123456789abcdef, team: shop, limits: { concurrent: 64 } }]
budgets:
  shop-month: { amount: $5000000000, every: month, zone: Europe/Berlin, soft: [50%, 80%] }
  acme-year: { amount: $5000000000, every: year, at: cap, soft: [90%] }
`

// bill is what an engine has room for beside an exchange.
type bill struct {
	h, own  gateway.Holding
	drawn   [6]gateway.Drawn
	charges [3]gateway.Charge
	of      [2]int
}

// pass takes an exchange past all policies, as the engine does.
func (b *bill) pass(tb testing.TB, s *engine.Snapshot, x *gateway.Exchange, need *gateway.Need) {
	ctx := context.Background()
	b.h = gateway.Holding{Drawn: b.drawn[:0], Charges: b.charges[:0]}
	if err := s.Admitters[0].Admit(ctx, x); err != nil {
		tb.Fatal(err)
	}
	for i, one := range s.Holders {
		if err := one.Hold(ctx, x, need, &b.h); err != nil {
			tb.Fatal(err)
		}
		b.of[i] = len(b.h.Drawn)
	}
	from := 0
	for i, one := range s.Holders {
		b.own = gateway.Holding{Drawn: b.h.Drawn[from:b.of[i]], Charges: b.h.Charges}
		one.Settle(x, &b.own, gateway.Used{Input: 100, Output: 10, Cost: 5000})
		from = b.of[i]
	}
	s.Admitters[0].(gateway.Settler).Settle(x)
}

func costly(tb testing.TB) (s *engine.Snapshot, run func()) {
	tb.Helper()
	pots := pot.New(pot.Options{})
	tb.Cleanup(func() { pots.Close(context.Background()) })
	_, s, err := governedSnapshot(tb, costDocument, pots)
	if err != nil {
		tb.Fatal(err)
	}
	g, _ := s.Directory.Grant("wr-0123456789abcdef")
	x := &gateway.Exchange{Start: time.Now(), Grant: g, Plan: gateway.Plan{Rule: "assistant"}}
	need := &gateway.Need{Target: gateway.Target{Provider: "openai", Model: "gpt-5"}, Input: 1000, Output: 1000, Answers: 1, Cost: 10_000_000, PerToken: 10_000_000_000}
	b := &bill{}
	return s, func() {
		x.Drawn, x.Standings = nil, nil
		b.pass(tb, s, x, need)
	}
}

// Three limits and two budgets allocate what the exchange notes: the request's draws, and how its limits stand.
func TestGovernAllocates(t *testing.T) {
	_, run := costly(t)
	run()
	if n := testing.AllocsPerRun(200, run); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkGovern(b *testing.B) {
	_, run := costly(b)
	run()
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

// What is known of a key grows with its name alone: limits and budgets of its team are found by the team's name.
func TestBytesOfAKey(t *testing.T) {
	const keys = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	g := make(grants, keys)
	team, organisation := "shop", "acme"
	for i := range keys {
		one := &granted{grant: gateway.Grant{Account: gateway.Account{Organisation: organisation, Team: team, Key: fmt.Sprintf("key-%06d", i)}}}
		one.hash[0], one.hash[1], one.hash[2] = byte(i), byte(i>>8), byte(i>>16)
		g[one.hash] = one
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := (after.HeapAlloc - before.HeapAlloc) / keys
	t.Logf("%d bytes a key", per)
	if per > 400 || len(g) != keys {
		t.Errorf("a key takes %d bytes", per)
	}
}

// Many at once never spend more than there is, and leave nothing open.
func TestGovernTogether(t *testing.T) {
	pots := pot.New(pot.Options{})
	t.Cleanup(func() {
		if err := pots.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	document := strings.NewReplacer("$5000000000, every: month", "$0.001, every: month", "concurrent: 64", "concurrent: 4").Replace(costDocument)
	_, s, err := governedSnapshot(t, document, pots)
	if err != nil {
		t.Fatal(err)
	}
	g, _ := s.Directory.Grant("wr-0123456789abcdef")
	now := time.Now()
	var spent, most, under atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 8000 {
				x := &gateway.Exchange{Start: now, Grant: g, Plan: gateway.Plan{Rule: "assistant"}}
				if s.Admitters[0].Admit(context.Background(), x) != nil {
					continue
				}
				if n := under.Add(1); n > most.Load() {
					most.Store(n)
				}
				need := &gateway.Need{Input: 10, Output: 10, Answers: 1, Cost: 5000}
				var h gateway.Holding
				var of [2]int
				failed := false
				for j, one := range s.Holders {
					if failed = one.Hold(context.Background(), x, need, &h) != nil; failed {
						break
					}
					of[j] = len(h.Drawn)
				}
				used := gateway.Used{Input: 5, Output: 5, Cost: gateway.Money(i % 5001)}
				if failed {
					used = gateway.Used{Unsent: true}
				}
				from := 0
				for j, one := range s.Holders {
					if of[j] == 0 && failed {
						break
					}
					one.Settle(x, &gateway.Holding{Drawn: h.Drawn[from:of[j]]}, used)
					from = of[j]
				}
				spent.Add(int64(used.Cost))
				under.Add(-1)
				s.Admitters[0].(gateway.Settler).Settle(x)
			}
		})
	}
	wg.Wait()
	if n := spent.Load(); n > 1_000_000 || n < 500_000 {
		t.Errorf("%s are spent of $0.001", gateway.Money(n))
	}
	if most.Load() > 4 {
		t.Errorf("%d were under way of 4", most.Load())
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	month := gateway.Window{Every: gateway.Month, Zone: berlin}
	if left := pots.Standing(&gateway.Pot{Name: "budget/shop-month", Kind: gateway.Purse, Amount: 1_000_000, Window: month}, now).Left; left != 1_000_000-spent.Load() {
		t.Errorf("%s are left, and %s are spent", gateway.Money(left), gateway.Money(spent.Load()))
	}
}
