package price

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/llm"

	"pgregory.net/rapid"
)

// somePrice draws a price: of a real model or of the tables for tests.
func somePrice(t *rapid.T, tables ...*Table) *Price {
	table := rapid.SampledFrom(tables).Draw(t, "table")
	name := rapid.SampledFrom(table.Providers()).Draw(t, "provider")
	return rapid.SampledFrom(table.List(name).Models(zeroTime)).Draw(t, "model")
}

// someUsage draws a usage whose parts lie within the whole, all counts up to a limit.
func someUsage(t *rapid.T, most int64) *llm.Usage {
	u := &llm.Usage{Said: saidBoth}
	part := func(rest *int64, name string) int64 {
		v := rapid.Int64Range(0, *rest).Draw(t, name)
		*rest -= v
		return v
	}
	u.Input = rapid.Int64Range(0, most).Draw(t, "input")
	rest := u.Input
	u.CacheRead, u.CacheWrite = part(&rest, "read"), part(&rest, "write")
	u.InputAudio, u.InputImage = part(&rest, "heard"), part(&rest, "seen")
	u.CacheWrite1h = rapid.Int64Range(0, u.CacheWrite).Draw(t, "hour")
	u.Output = rapid.Int64Range(0, most).Draw(t, "output")
	rest = u.Output
	u.Reasoning, u.OutputAudio, u.OutputImage = part(&rest, "reasoning"), part(&rest, "spoken"), part(&rest, "drawn")
	return u
}

func someTerms(t *rapid.T, p *Price) *Terms {
	regions, variants := []string{""}, []string{""}
	for _, b := range p.bands {
		regions, variants = append(regions, b.region), append(variants, b.variant)
	}
	return &Terms{
		Tier:    rapid.SampledFrom(append(tierWords[:], "")).Draw(t, "tier"),
		Region:  rapid.SampledFrom(regions).Draw(t, "region"),
		Variant: rapid.SampledFrom(variants).Draw(t, "variant"),
	}
}

// More of anything never costs less: not of the whole, not of a part that is dearer than what it is a part of.
func TestMoreNeverCostsLess(t *testing.T) {
	embedded, made := Embedded(), testTable(t)
	rapid.Check(t, func(t *rapid.T) {
		p := somePrice(t, embedded, made)
		u, terms := someUsage(t, 1<<40), someTerms(t, p)
		before := p.Cost(u, terms, nil)
		more := *u
		switch rapid.IntRange(0, 5).Draw(t, "what") {
		case 0:
			more.Input++
		case 1:
			more.Output++
		case 2:
			more.Searches++
		case 3:
			more.Input += 1 << 20
		case 4:
			more.Said |= llm.SaidTotal
			more.Total = more.Input + more.Output + 7
		case 5:
			terms.Count.Sessions++
		}
		if after := p.Cost(&more, terms, nil); after.Amount < before.Amount {
			t.Fatalf("%s: %d, and %d of more", p.Model, before.Amount, after.Amount)
		}
	})
}

// Two usages within one band cost together what they cost apart, but for what rounding each up adds.
func TestCostsAddUp(t *testing.T) {
	embedded, made := Embedded(), testTable(t)
	rapid.Check(t, func(t *rapid.T) {
		p := somePrice(t, embedded, made)
		a, b, terms := someUsage(t, 15_000), someUsage(t, 15_000), someTerms(t, p)
		if (a.Reasoning > 0) != (b.Reasoning > 0) { // a part of the answer makes all of it dearer at Alibaba
			a.Reasoning, b.Reasoning = 0, 0
		}
		both := &llm.Usage{
			Said: saidBoth, Input: a.Input + b.Input, CacheRead: a.CacheRead + b.CacheRead, CacheWrite: a.CacheWrite + b.CacheWrite,
			CacheWrite1h: a.CacheWrite1h + b.CacheWrite1h, InputAudio: a.InputAudio + b.InputAudio, InputImage: a.InputImage + b.InputImage,
			Output: a.Output + b.Output, Reasoning: a.Reasoning + b.Reasoning, OutputAudio: a.OutputAudio + b.OutputAudio,
			OutputImage: a.OutputImage + b.OutputImage,
		}
		if p.Facts.MinSearches > 0 || p.Components().Has(Request) {
			t.Skip("each request is charged for")
		}
		one, other, sum := p.Cost(a, terms, nil).Amount, p.Cost(b, terms, nil).Amount, p.Cost(both, terms, nil).Amount
		if sum > one+other || sum+1 < one+other {
			t.Fatalf("%s: %d and %d, together %d", p.Model, one, other, sum)
		}
		rounds := p.Cost(&llm.Usage{Said: saidBoth, Rounds: []llm.Usage{*a, *b}}, terms, nil).Amount
		if rounds != sum {
			t.Fatalf("%s: two rounds cost %d, as one %d", p.Model, rounds, sum)
		}
	})
}

// The items are the cost: what they come to, rounded up once, is the amount, and their tokens are the usage's.
func TestItemsAreTheCost(t *testing.T) {
	embedded, made := Embedded(), testTable(t)
	rapid.Check(t, func(t *rapid.T) {
		p := somePrice(t, embedded, made)
		u, terms := someUsage(t, 1<<62), someTerms(t, p)
		terms.Count = Count{Images: rapid.Int64Range(0, 9).Draw(t, "images"), AudioIn: 1234567, Pages: 3}
		c := p.Cost(u, terms, nil)
		exact, read, written := new(big.Rat), new(big.Int), new(big.Int)
		for _, it := range c.Items {
			per := int64(perMillion)
			if about[it.Component].milli {
				per *= thousand
			}
			exact.Add(exact, new(big.Rat).Mul(big.NewRat(it.Units, per), big.NewRat(it.Price, 1)))
			switch {
			case readTokens.Has(it.Component):
				read.Add(read, big.NewInt(it.Units))
			case writtenTokens.Has(it.Component):
				written.Add(written, big.NewInt(it.Units))
			}
		}
		want := new(big.Int).Neg(new(big.Int).Div(new(big.Int).Neg(exact.Num()), exact.Denom()))
		if c.Full != !want.IsInt64() || !c.Full && want.Int64() != int64(c.Amount) || c.Full && c.Amount != math.MaxInt64 {
			t.Fatalf("%s: %d, full %v, the items are %s", p.Model, c.Amount, c.Full, want)
		}
		if c.Known() && len(c.Items) > 0 && p.Components()&(readTokens|writtenTokens) != 0 && p.Components().Has(Input) && p.Components().Has(Output) {
			if read.Int64() != u.Input || written.Int64() != u.Output {
				t.Fatalf("%s: %s and %s tokens in the items, %d and %d in the usage", p.Model, read, written, u.Input, u.Output)
			}
		}
	})
}

// Whatever a provider says, a cost is an amount: never negative, and told where it is more than fits.
func TestNoUsageBreaksTheArithmetic(t *testing.T) {
	made := testTable(t)
	extreme := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1}))
	rapid.Check(t, func(t *rapid.T) {
		p := somePrice(t, made)
		draw := func(name string) int64 { return extreme.Draw(t, name) }
		u := &llm.Usage{
			Said:  llm.Fields(rapid.Uint32().Draw(t, "said")),
			Input: draw("a"), CacheRead: draw("b"), CacheWrite: draw("c"), CacheWrite1h: draw("d"), Output: draw("e"), Reasoning: draw("f"),
			InputAudio: draw("g"), InputImage: draw("h"), OutputAudio: draw("i"), OutputImage: draw("j"), Total: draw("k"),
			BilledInput: draw("l"), BilledOutput: draw("m"), Searches: draw("n"), Fetches: draw("o"),
		}
		if rapid.Bool().Draw(t, "rounds") {
			u = &llm.Usage{Rounds: []llm.Usage{*u, *u, *u}}
		}
		terms := someTerms(t, p)
		terms.Count = Count{Requests: draw("p"), Images: draw("q"), Characters: draw("r"), Pages: draw("s"), VideoTokens: draw("t"), Pixels: draw("u")}
		c := p.Cost(u, terms, nil)
		if c.Amount < 0 || c.Full != (c.Amount == math.MaxInt64) {
			t.Fatalf("%s: %d, full %v", p.Model, c.Amount, c.Full)
		}
		for _, it := range c.Items {
			if it.Units <= 0 || it.Price < 0 {
				t.Fatalf("%s: %v", p.Model, it)
			}
		}
	})
	p, _ := made.Price("anthropic", "claude", zeroTime)
	c := p.Cost(&llm.Usage{Said: saidBoth, Input: math.MaxInt64, Output: math.MaxInt64}, nil, nil)
	if !c.Full || c.Amount != math.MaxInt64 {
		t.Errorf("the largest usage costs %d, full %v", c.Amount, c.Full)
	}
}

// Nothing within a bound costs more than the bound.
func TestBoundHolds(t *testing.T) {
	embedded, made := Embedded(), testTable(t)
	rapid.Check(t, func(t *rapid.T) {
		p := somePrice(t, embedded, made)
		u, terms := someUsage(t, rapid.SampledFrom([]int64{100, 300_000, 1 << 40}).Draw(t, "most")), someTerms(t, p)
		u.Searches = rapid.Int64Range(0, 3).Draw(t, "searches")
		terms.Search = rapid.SampledFrom([]string{"", "low", "high"}).Draw(t, "context")
		terms.Count = Count{
			Images: rapid.Int64Range(0, 3).Draw(t, "images"), VideoTokens: rapid.Int64Range(0, 50).Draw(t, "film"),
			Characters: rapid.Int64Range(0, 3).Draw(t, "characters"), AudioIn: 7, AudioOut: 8, Pages: 2, Annotated: 1, Sessions: 1,
		}
		m := &Most{
			Input: u.Input + rapid.Int64Range(0, 300_000).Draw(t, "spare"), Output: u.Output, Searches: u.Searches, Terms: *terms,
		}
		if rapid.Bool().Draw(t, "told") { // what may be there is stated
			for c, n := range map[Component]int64{
				CacheWrite: u.CacheWrite - u.CacheWrite1h, CacheWrite1h: u.CacheWrite1h, AudioInput: u.InputAudio, CachedAudio: u.InputAudio,
				ImageInput: u.InputImage, AudioOutput: u.OutputAudio, ImageOutput: u.OutputImage, Request: 1,
			} {
				if n > 0 {
					m.May |= 1 << c
				}
			}
		}
		cost, bound := p.Cost(u, terms, nil), p.Bound(m)
		if cost.Amount > bound.Amount {
			t.Fatalf("%s: costs %d, the bound is %d", p.Model, cost.Amount, bound.Amount)
		}
		whole := p.Components().Has(Input) && p.Components().Has(Output) // else a drawn usage may say what the model cannot do
		if whole && bound.Known() && !cost.Known() && !cost.NoPrice {
			t.Fatalf("%s: %s, and the bound did not tell", p.Model, cost.Why())
		}
	})
}

func TestBoundsByHand(t *testing.T) {
	table := testTable(t)
	for _, test := range []struct {
		name, model string
		most        Most
		want        gateway.Money
		known       bool
	}{
		{"Anthropic, all that may be: 1000 × 6000 + 100 × 15000", "anthropic/claude", Most{Input: 1000, Output: 100}, 7_500_000, true},
		{"Anthropic, without marks for the cache: 1000 × 3000 + 100 × 15000", "anthropic/claude", Most{Input: 1000, Output: 100, May: SetOf(Request)}, 4_500_000, true},
		{"Anthropic, marks for minutes: 1000 × 3750", "anthropic/claude", Most{Input: 1000, May: SetOf(CacheWrite)}, 3_750_000, true},
		{"Anthropic, long: 200001 × 12000 + 22500", "anthropic/claude", Most{Input: 200_001, Output: 1}, 2_400_034_500, true},
		{"Anthropic, two searches", "anthropic/claude", Most{Searches: 2}, 20_000_000, true},
		{"Perplexity, the dearest search", "perplexity/sonar", Most{Input: 1, Output: 1}, 12_002_000, true},
		{"OpenAI, a search has no price", "openai/gpt", Most{Searches: 1}, 0, false},
		{"OpenAI, free", "openai/moderation", Most{Input: 1}, 0, true},
		{"OpenAI, no price", "openai/unknown", Most{Input: 1}, 0, false},
		{"OpenAI, three images", "openai/dall-e", Most{Terms: Terms{Count: Count{Images: 3}}}, 120_000_000, true},
		{"Alibaba, as if it thought: 100 × 400 + 100 × 4000", "alibaba/qwen", Most{Input: 100, Output: 100}, 440_000, true},
		{"a negative bound is none", "openai/gpt", Most{Input: -5, Output: -5}, 0, true},
		{"the largest", "openai/gpt", Most{Input: math.MaxInt64, Output: math.MaxInt64}, math.MaxInt64, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			provider, model, _ := strings.Cut(test.model, "/")
			p, _ := table.Price(provider, model, zeroTime)
			c := p.Bound(&test.most)
			if c.Amount != test.want || c.Known() != test.known {
				t.Errorf("%d, known %v (%s); want %d, %v", c.Amount, c.Known(), c.Why(), test.want, test.known)
			}
		})
	}
	if !slices.IsSorted(table.Providers()) {
		t.Error("providers are not sorted")
	}
}
