package gateway

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestNeedUnderACap(t *testing.T) {
	// Input costs 2 dollars; output is 3 answers of 1000 tokens at 10 dollars a million.
	n := &Need{Output: 3000, Answers: 3, PerToken: 10 * int64(Dollar), Cost: 2*Dollar + 30_000_000}
	for _, c := range []struct {
		most, output int64
		cost         Money
	}{{0, 3000, n.Cost}, {2000, 3000, n.Cost}, {1000, 3000, n.Cost}, {100, 300, 2*Dollar + 3_000_000}, {math.MaxInt64, 3000, n.Cost}} {
		if out, cost := n.OutputUnder(c.most), n.CostUnder(c.most); out != c.output || cost != c.cost {
			t.Errorf("under %d: %d tokens for %s, want %d for %s", c.most, out, cost, c.output, c.cost)
		}
	}
	for _, c := range []struct {
		money Money
		most  int64
	}{{2 * Dollar, 0}, {Dollar, 0}, {2*Dollar + 3_000_000, 100}, {2*Dollar + 2_999_999, 99}, {n.Cost, 1000}} {
		if most, ok := n.Afford(c.money); most != c.most || ok != (c.most > 0) {
			t.Errorf("%s affords %d, %v, want %d", c.money, most, ok, c.most)
		}
	}
	n.Beyond = 16
	if most, ok := n.Afford(2*Dollar + 3_000_000); most != 84 || n.CostUnder(84) != 2*Dollar+3_000_000 {
		t.Errorf("with 16 tokens beyond each limit %d are afforded, %v, for %s", most, ok, n.CostUnder(84))
	}
	if most, ok := n.Afford(2*Dollar + 480_000); ok {
		t.Errorf("the tokens beyond a limit are afforded as %d", most)
	}
	open := &Need{Unbounded: "tools", Answers: 2}
	if out := open.OutputUnder(50); out != 100 {
		t.Errorf("what has no bound can have %d tokens under a cap of 50 on two", out)
	}
	if _, ok := (&Need{Unbounded: "tools", Output: 10, PerToken: 1, Answers: 1}).Afford(Dollar); ok {
		t.Error("what has no bound is afforded")
	}
}

// What a cap is said to afford is afforded, and one token more is not.
func TestAffordIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := &Need{
			Output: rapid.Int64Range(0, 1<<40).Draw(t, "output"), Answers: rapid.Int64Range(0, 9).Draw(t, "answers"),
			PerToken: rapid.Int64Range(0, 1<<45).Draw(t, "per token"), Beyond: rapid.Int64Range(0, 20).Draw(t, "beyond"),
		}
		n.Cost = min(n.outputCost(n.Output), math.MaxInt64/2) + 1 + Money(rapid.Int64Range(0, 1<<40).Draw(t, "input's cost"))
		m := Money(rapid.Int64Range(0, int64(n.Cost)).Draw(t, "money"))
		most, ok := n.Afford(m)
		if !ok {
			return
		}
		if n.CostUnder(most) > m && n.OutputUnder(most) < n.Output {
			t.Fatalf("%s affords %d, which costs %s", m, most, n.CostUnder(most))
		}
		if more := n.CostUnder(most + 2); n.OutputUnder(most+2) < n.Output && more < m-1 {
			t.Fatalf("%s affords only %d, although two more cost %s", m, most, more)
		}
	})
}
