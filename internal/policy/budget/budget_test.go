package budget

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/policy"
	"weir/internal/policy/policytest"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const cent = gateway.Dollar / 100

var (
	month = gateway.Window{Every: gateway.Month}
	shop  = policy.Scope{Of: gateway.ByTeam, Name: "shop"}
	web   = policy.Scope{Of: gateway.ByKey, Name: "web-1"}
)

func pots() *policytest.Pots { return &policytest.Pots{Now: noon} }

func exchange(at time.Time) *gateway.Exchange {
	return &gateway.Exchange{
		Start: at, Head: llm.Head{Model: "assistant"}, Plan: gateway.Plan{Rule: "assistant"},
		Grant: &gateway.Grant{Account: gateway.Account{Organisation: "acme", Team: "shop", User: "ada", Key: "web-1"}},
	}
}

func refusal(t *testing.T, err error) *fault.Fault {
	t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) {
		t.Fatalf("%v is no fault", err)
	}
	if f.Kind != fault.Quota || f.Code != "budget_exceeded" {
		t.Errorf("a refusal is %v with the code %q", f.Kind, f.Code)
	}
	return f
}

// costs is an attempt of which the cost is known to be at most so much.
func costs(m gateway.Money) *gateway.Need {
	return &gateway.Need{Target: gateway.Target{Provider: "openai", Model: "gpt"}, Cost: m}
}

func TestHoldAndSettle(t *testing.T) {
	p := pots()
	h := New(p, NewLines(nil), []Budget{{Name: "shop-month", Amount: gateway.Dollar, Window: month, Scopes: []policy.Scope{shop, web}}})
	x := exchange(noon)
	var a, b gateway.Holding
	if err := h.Hold(t.Context(), x, costs(70*cent), &a); err != nil {
		t.Fatal(err)
	}
	begins := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Unix()
	if diff := cmp.Diff([]gateway.Charge{{Pot: "budget/shop-month", Window: begins}}, a.Charges); diff != "" || len(a.Drawn) != 1 {
		t.Errorf("named at two scopes it is charged to %v, drawn are %v", a.Charges, a.Drawn)
	}
	f := refusal(t, h.Hold(t.Context(), x, costs(31*cent), &b))
	want := "the budget shop-month of $1.00 a month has $0.30 left, and this request may cost $0.31; it begins again at 2026-12-01T00:00:00Z"
	if f.Message != want || f.ShouldRetry != "false" || f.RetryAfter != 0 || f.Cause.Error() != "budget/shop-month" {
		t.Errorf("%+v", f)
	}
	h.Settle(x, &a, gateway.Used{Cost: 20 * cent})
	if err := h.Hold(t.Context(), x, costs(80*cent), &b); err != nil {
		t.Errorf("what was not spent is not given back: %v", err)
	}
	h.Settle(x, &b, gateway.Used{Cost: 90 * cent}) // more than was held
	if f := refusal(t, h.Hold(t.Context(), x, costs(1), &gateway.Holding{})); !strings.Contains(f.Message, "is used up; it begins again") {
		t.Error(f.Message)
	}
	next := exchange(noon.AddDate(0, 1, 0))
	if err := h.Hold(t.Context(), next, costs(cent), &gateway.Holding{}); err != nil {
		t.Errorf("in the next month: %v", err)
	}
	if err := h.Hold(t.Context(), &gateway.Exchange{Start: noon, Grant: &gateway.Grant{}}, costs(gateway.Dollar), &gateway.Holding{}); err != nil {
		t.Errorf("another's request is refused: %v", err)
	}
}

func TestAllOrNothing(t *testing.T) {
	p := pots()
	h := New(p, NewLines(nil), []Budget{
		{Name: "dear", Amount: 10 * gateway.Dollar, Scopes: []policy.Scope{web}},
		{Name: "small", Amount: gateway.Dollar, Scopes: []policy.Scope{{}}},
		{Name: "place", Amount: 10 * gateway.Dollar, Scopes: []policy.Scope{{Of: gateway.ByProvider, Name: "openai"}}},
	})
	x := exchange(noon)
	var a, b gateway.Holding
	f := refusal(t, h.Hold(t.Context(), x, costs(2*gateway.Dollar), &a))
	if p.Open() != 0 || len(a.Drawn) != 0 || len(a.Charges) != 0 {
		t.Errorf("after a refusal %d draws are open and %v is held", p.Open(), a)
	}
	if f.Message != "the budget small is less than this request may cost" {
		t.Errorf("of everybody's budget the client learns: %s", f.Message)
	}
	if err := h.Hold(t.Context(), x, costs(gateway.Dollar), &b); err != nil || len(b.Drawn) != 3 {
		t.Error(err, b)
	}
	if f := refusal(t, h.Hold(t.Context(), x, costs(gateway.Dollar), &a)); f.Message != "the budget small is used up" {
		t.Error(f.Message)
	}
}

func TestCap(t *testing.T) {
	p := pots()
	h := New(p, NewLines(nil), []Budget{
		{Name: "wide", Amount: 10 * gateway.Dollar, At: Cap, Scopes: []policy.Scope{web}},
		{Name: "narrow", Amount: gateway.Dollar, At: Cap, Scopes: []policy.Scope{shop}},
	})
	// The input costs half a dollar; two answers of 50,000 tokens at 10 dollars a million cost one.
	need := &gateway.Need{Output: 100_000, Answers: 2, PerToken: 10 * int64(gateway.Dollar), Cost: 150 * cent}
	x := exchange(noon)
	var a gateway.Holding
	if err := h.Hold(t.Context(), x, need, &a); err != nil {
		t.Fatal(err)
	}
	if a.Cap != 25_000 || a.CapBy != "budget/narrow" || a.Drawn[0].Amount != int64(gateway.Dollar) || a.Drawn[1].Amount != int64(gateway.Dollar) || p.Open() != 2 {
		t.Errorf("capped to %d by %s, held %v, %d open", a.Cap, a.CapBy, a.Drawn, p.Open())
	}
	refusal(t, h.Hold(t.Context(), x, need, &gateway.Holding{}))
	h.Settle(x, &a, gateway.Used{Cost: 49*cent + cent/2})
	// What is left affords the input and 250 tokens in each answer.
	var b gateway.Holding
	if err := h.Hold(t.Context(), x, need, &b); err != nil || b.Cap != 250 {
		t.Errorf("%v, capped to %d", err, b.Cap)
	}
	h.Settle(x, &b, gateway.Used{})
	var c gateway.Holding
	need.Cost += cent/2 - 15*2*10_000
	if f := refusal(t, h.Hold(t.Context(), x, need, &c)); c.Cap != 0 {
		t.Errorf("capped to %d although the rest is for 15 tokens: %v", c.Cap, f)
	}
}

// A cap that another policy has set makes an attempt cheaper.
func TestUnderACap(t *testing.T) {
	p := pots()
	h := New(p, NewLines(nil), []Budget{{Name: "b", Amount: gateway.Dollar, At: Cap, Scopes: []policy.Scope{{}}}})
	need := &gateway.Need{Output: 100_000, Answers: 1, PerToken: 10 * int64(gateway.Dollar), Cost: 150 * cent}
	a := gateway.Holding{Cap: 10_000, CapBy: "limit"}
	if err := h.Hold(t.Context(), exchange(noon), need, &a); err != nil || a.Drawn[0].Amount != int64(60*cent) || a.Cap != 10_000 || a.CapBy != "limit" {
		t.Error(err, a)
	}
}

func TestWarnServesAndCharges(t *testing.T) {
	p := pots()
	var told []Event
	h := New(p, NewLines(func(e Event) { told = append(told, e) }), []Budget{{Name: "b", Amount: gateway.Dollar, Window: month, At: Warn, Scopes: []policy.Scope{{}}}})
	x := exchange(noon)
	for range 3 {
		var a gateway.Holding
		if err := h.Hold(t.Context(), x, &gateway.Need{Cost: 90 * cent, Unbounded: "it runs tools", Unpriced: "of searches"}, &a); err != nil || len(a.Charges) != 1 {
			t.Fatal(err, a)
		}
		h.Settle(x, &a, gateway.Used{Cost: 60 * cent})
	}
	if s := p.Standing(&gateway.Pot{Name: "budget/b", Kind: gateway.Purse, Amount: int64(10 * gateway.Dollar), Window: month}, noon); s.Left != int64(820*cent) {
		t.Errorf("of 10 dollars %s are left after three times 60 cents", gateway.Money(s.Left))
	}
	if len(told) != 1 || told[0].Line != Whole || told[0].Budget != "b" || told[0].Spent != 60*cent {
		t.Errorf("told of %+v", told)
	}
	if p.Open() != 0 {
		t.Errorf("%d draws are open", p.Open())
	}
}

func TestAnotherModelAnswers(t *testing.T) {
	p := pots()
	h := New(p, NewLines(nil), []Budget{{Name: "b", Amount: gateway.Dollar, At: Switch, Model: "small", Scopes: []policy.Scope{{}}}})
	x := exchange(noon)
	var a gateway.Holding
	err := h.Hold(t.Context(), x, costs(2*gateway.Dollar), &a)
	var instead *gateway.Instead
	if !errors.As(err, &instead) || instead.Model != "small" || instead.Why != "the budget b is used up" {
		t.Fatalf("%v", err)
	}
	err = h.Hold(t.Context(), x, &gateway.Need{Unpriced: "nobody states one"}, &a)
	if !errors.As(err, &instead) || !strings.Contains(instead.Why, "nobody states one") {
		t.Errorf("%v", err)
	}
	x.Plan.Rule = "small"
	if err := h.Hold(t.Context(), x, costs(2*gateway.Dollar), &a); err != nil || len(a.Charges) != 1 {
		t.Errorf("the model that answers instead: %v, %v", err, a)
	}
	h.Settle(x, &a, gateway.Used{Cost: 2 * gateway.Dollar})
	if s := p.Standing(a.Drawn[0].Pot, noon); s.Left != 0 {
		t.Errorf("what it cost is not charged: %d left", s.Left)
	}
}

func TestWhatNobodyCanTell(t *testing.T) {
	tools, priceless := &gateway.Need{Cost: cent, Unbounded: "its provider runs tools"}, &gateway.Need{Cost: cent, Unpriced: "nobody states the price of gpt-9"}
	for _, c := range []struct {
		budget Budget
		need   *gateway.Need
		served bool
	}{
		{Budget{}, tools, false},
		{Budget{}, priceless, false},
		{Budget{At: Cap}, tools, false},
		{Budget{}, &gateway.Need{Unbounded: "how long it may become is not known", Free: true}, true},
		{Budget{Unbounded: true}, tools, true},
		{Budget{Unbounded: true}, priceless, false},
		{Budget{Unpriced: true}, priceless, true},
		{Budget{Unpriced: true}, tools, false},
		{Budget{At: Warn}, tools, true},
		{Budget{At: Warn}, priceless, true},
	} {
		p := pots()
		c.budget.Name, c.budget.Amount, c.budget.Scopes = "b", gateway.Dollar, []policy.Scope{{}}
		var a gateway.Holding
		err := New(p, NewLines(nil), []Budget{c.budget}).Hold(t.Context(), exchange(noon), c.need, &a)
		if (err == nil) != c.served {
			t.Errorf("%+v of %+v: %v", c.budget, c.need, err)
		}
		if err != nil {
			if f := refusal(t, err); !strings.Contains(f.Message, c.need.Unbounded+c.need.Unpriced) || f.ShouldRetry != "false" {
				t.Error(f.Message)
			}
		} else if a.Drawn[0].Amount != int64(c.need.Cost) {
			t.Errorf("what is known of it is not held: %v", a.Drawn)
		}
	}
}

func TestEachValueHasItsOwn(t *testing.T) {
	p := pots()
	var told []string
	lines := NewLines(func(e Event) { told = append(told, e.Pot) })
	h := New(p, lines, []Budget{{Name: "person", Amount: gateway.Dollar, Each: []policy.By{{Field: gateway.ByUser}}, Soft: []int64{5000}, Scopes: []policy.Scope{{}}}})
	for _, user := range []string{"ada", "bob"} {
		x := exchange(noon)
		x.Grant = &gateway.Grant{Account: gateway.Account{User: user}}
		var a gateway.Holding
		if err := h.Hold(t.Context(), x, costs(60*cent), &a); err != nil || a.Charges[0].Pot != "budget/person/user="+user {
			t.Fatal(err, a)
		}
		h.Settle(x, &a, gateway.Used{Cost: 60 * cent})
		refusal(t, h.Hold(t.Context(), x, costs(60*cent), &gateway.Holding{}))
	}
	want := []string{"budget/person/user=ada", "budget/person/user=ada", "budget/person/user=bob", "budget/person/user=bob"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCostsNothing(t *testing.T) {
	p := pots()
	h := New(p, NewLines(nil), []Budget{{Name: "b", Amount: cent, Scopes: []policy.Scope{{}}}})
	x := exchange(noon)
	var a, b gateway.Holding
	if err := h.Hold(t.Context(), x, costs(0), &a); err != nil || len(a.Charges) != 1 {
		t.Fatal(err, a)
	}
	h.Settle(x, &a, gateway.Used{Cost: 2 * cent}) // it was dearer than was known
	if err := h.Hold(t.Context(), x, costs(0), &b); err != nil {
		t.Errorf("what is free is refused: %v", err)
	}
	h.Settle(x, &b, gateway.Used{})
	refusal(t, h.Hold(t.Context(), x, costs(1), &gateway.Holding{}))
}

func TestLinesAreToldOfOnce(t *testing.T) {
	p := pots()
	var told []Event
	events := func(e Event) { told = append(told, e) }
	lines := NewLines(events)
	budgets := []Budget{{Name: "b", Amount: gateway.Dollar, Window: month, Soft: []int64{8000, 5000}, Scopes: []policy.Scope{{}}}}
	spend := func(h *Holder, at time.Time, m gateway.Money) {
		t.Helper()
		x := exchange(at)
		var a gateway.Holding
		if err := h.Hold(t.Context(), x, costs(m), &a); err != nil {
			t.Fatal(err)
		}
		h.Settle(x, &a, gateway.Used{Cost: m})
	}
	passed := func(want ...int64) {
		t.Helper()
		var got []int64
		for _, e := range told {
			got = append(got, e.Line)
			if e.Budget != "b" || e.Amount != gateway.Dollar || !e.Window.Equal(month.Begin(e.Window)) {
				t.Errorf("%+v", e)
			}
		}
		if told = nil; !cmp.Equal(want, got) {
			t.Errorf("lines %v were told of, want %v", got, want)
		}
	}
	h := New(p, lines, budgets)
	spend(h, noon, 49*cent)
	passed()
	spend(h, noon, cent)
	passed(5000)
	spend(h, noon, cent)
	passed()
	h = New(p, lines, budgets) // another revision
	spend(h, noon, 2*cent)
	passed()
	h = New(p, NewLines(events), budgets) // a restart
	spend(h, noon, cent)
	passed()
	spend(h, noon, 46*cent)
	passed(8000, Whole)
	refusal(t, h.Hold(t.Context(), exchange(noon), costs(1), &gateway.Holding{}))
	passed()
	next := noon.AddDate(0, 1, 0)
	spend(h, next, 85*cent)
	passed(5000, 8000)
	refusal(t, h.Hold(t.Context(), exchange(next), costs(2*gateway.Dollar), &gateway.Holding{}))
	passed()                                                                            // more than there ever is says nothing of what is spent
	refusal(t, h.Hold(t.Context(), exchange(noon), costs(16*cent), &gateway.Holding{})) // of the last month
	passed()
	refusal(t, h.Hold(t.Context(), exchange(next), costs(16*cent), &gateway.Holding{}))
	passed(Whole)
	third := noon.AddDate(0, 2, 0)
	var a gateway.Holding
	if err := h.Hold(t.Context(), exchange(third), costs(60*cent), &a); err != nil {
		t.Fatal(err)
	}
	refusal(t, h.Hold(t.Context(), exchange(noon), costs(16*cent), &gateway.Holding{}))
	h.Settle(exchange(third), &a, gateway.Used{Cost: 60 * cent})
	passed(5000)
	if told == nil && lines.find("budget/b").from != month.Begin(noon).Unix() {
		t.Error("the lines of the first process moved")
	}
}

func TestRetrying(t *testing.T) {
	for _, c := range []struct {
		window gateway.Window
		at     time.Time
		after  time.Duration
		retry  string
		say    string
	}{
		{gateway.Window{Every: gateway.Hour}, noon.Add(59*time.Minute + 30*time.Second), 30 * time.Second, "", "$0.01 an hour"},
		{gateway.Window{Every: gateway.Hour}, noon.Add(30 * time.Minute), 30 * time.Minute, "false", "begins again at 2026-11-24T13:00:00Z"},
		{gateway.Window{Every: gateway.Day}, noon, 0, "false", "begins again at 2026-11-25T00:00:00Z"},
		{gateway.Window{Over: 30 * 24 * time.Hour}, noon, 0, "false", "$0.01 in any 720h0m0s"},
		{gateway.Window{}, noon, 0, "false", "the budget b of $0.01 is used up"},
	} {
		h := New(pots(), NewLines(nil), []Budget{{Name: "b", Amount: cent, Window: c.window, Scopes: []policy.Scope{web}}})
		x := exchange(c.at)
		if err := h.Hold(t.Context(), x, costs(cent), &gateway.Holding{}); err != nil {
			t.Fatal(err)
		}
		f := refusal(t, h.Hold(t.Context(), x, costs(1), &gateway.Holding{}))
		if f.RetryAfter != c.after || f.ShouldRetry != c.retry || !strings.Contains(f.Message, c.say) {
			t.Errorf("%+v: after %v, retry %q: %s", c.window, f.RetryAfter, f.ShouldRetry, f.Message)
		}
	}
}

func TestAtLeast(t *testing.T) {
	for _, c := range []struct {
		spent, amount, line int64
		want                bool
	}{
		{0, 100, 1, false},
		{0, 0, Whole, true},
		{49, 100, 5000, false},
		{50, 100, 5000, true},
		{1 << 62, 1 << 62, Whole, true},
		{1<<62 - 1, 1 << 62, Whole, false},
		{-5, 100, 1, false},
	} {
		if got := atLeast(c.spent, c.amount, c.line); got != c.want {
			t.Errorf("%d of %d is at %d: %v", c.spent, c.amount, c.line, got)
		}
	}
}

// However holds, settlements and refusals come, no budget that refuses or caps spends more than it has while nothing costs
// more than was said, and in the end nothing is open.
func TestBudgetsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pots()
		budgets := []Budget{
			{Name: "key", Amount: 3000, At: Cap, Each: []policy.By{{Field: gateway.ByKey}}, Scopes: []policy.Scope{shop}},
			{Name: "team", Amount: 5000, Scopes: []policy.Scope{shop, web}},
			{Name: "all", Amount: 100, At: Warn, Scopes: []policy.Scope{{}}},
		}
		h := New(p, NewLines(nil), budgets)
		type live struct {
			x    *gateway.Exchange
			h    gateway.Holding
			cost gateway.Money
		}
		var all []*live
		spent := map[string]gateway.Money{}
		end := func(one *live, share int64) {
			cost := one.cost * gateway.Money(share) / 100
			h.Settle(one.x, &one.h, gateway.Used{Cost: cost})
			for _, c := range one.h.Charges {
				spent[c.Pot] += cost
			}
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if len(all) > 0 && rapid.Bool().Draw(t, "ends") {
				end(all[0], rapid.Int64Range(0, 100).Draw(t, "share"))
				all = all[1:]
				continue
			}
			one := &live{x: exchange(noon)}
			one.x.Grant = &gateway.Grant{Account: gateway.Account{Team: "shop", Key: rapid.SampledFrom([]string{"web-1", "ci"}).Draw(t, "key")}}
			need := &gateway.Need{Output: rapid.Int64Range(0, 300).Draw(t, "output"), Answers: rapid.Int64Range(1, 3).Draw(t, "answers"), PerToken: 10_000_000}
			need.Cost = gateway.Money(rapid.Int64Range(0, 500).Draw(t, "input")) + gateway.Money(need.Output*10)
			if h.Hold(context.Background(), one.x, need, &one.h) != nil {
				if len(one.h.Drawn) > 0 {
					t.Fatal("a refusal holds something")
				}
				continue
			}
			if len(one.h.Charges) != 3 {
				t.Fatalf("charged to %v", one.h.Charges)
			}
			one.cost = need.CostUnder(one.h.Cap)
			all = append(all, one)
		}
		for _, one := range all {
			end(one, 100)
		}
		if p.Open() != 0 {
			t.Fatalf("%d draws are open in the end", p.Open())
		}
		for pot, most := range map[string]gateway.Money{"budget/key/key=web-1": 3000, "budget/key/key=ci": 3000, "budget/team": 5000} {
			if spent[pot] > most {
				t.Fatalf("%s spent %d of %d", pot, spent[pot], most)
			}
		}
	})
}
