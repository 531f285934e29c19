package limit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/policy"
	"weir/internal/policy/policytest"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func team(name string) policy.Scope { return policy.Scope{Of: gateway.ByTeam, Name: name} }

func provider(name string) policy.Scope { return policy.Scope{Of: gateway.ByProvider, Name: name} }

func by(fields ...gateway.Field) []policy.By {
	var out []policy.By
	for _, f := range fields {
		out = append(out, policy.By{Field: f})
	}
	return out
}

func requests(n int64, per time.Duration) []Rate { return []Rate{{gateway.Requests, n, per}} }

// exchange is one of a key of team shop.
func exchange(p *policytest.Pots) *gateway.Exchange {
	return &gateway.Exchange{
		Start: p.Now, Head: llm.Head{Model: "assistant"}, Plan: gateway.Plan{Rule: "assistant"},
		Grant: &gateway.Grant{Account: gateway.Account{Organisation: "acme", Team: "shop", Project: "web", User: "ada", Key: "web-1"}},
	}
}

func pots() *policytest.Pots { return &policytest.Pots{Now: noon} }

// refusal returns the fault of an error.
func refusal(t *testing.T, err error) *fault.Fault {
	t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) {
		t.Fatalf("%v is no fault", err)
	}
	if f.Kind != fault.RateLimit || f.Code != "rate_limit_exceeded" {
		t.Errorf("a refusal is %v with the code %q", f.Kind, f.Code)
	}
	return f
}

func TestRequestsAreDrawnAtAdmission(t *testing.T) {
	p := pots()
	a, h := New(p, []Rules{{Scope: team("shop"), Rates: requests(2, time.Minute)}})
	if h != nil {
		t.Error("nothing here depends on a target, and attempts are held")
	}
	for range 2 {
		x := exchange(p)
		if err := a.Admit(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		a.Settle(x)
	}
	f := refusal(t, a.Admit(t.Context(), exchange(p)))
	if f.RetryAfter != 30*time.Second || f.Message != "the limit of 2 requests/min of team shop is reached, 0 left; try again in 30s" || f.Cause.Error() != "limit/team/shop/requests/min" {
		t.Errorf("%v, after %v, caused by %v", f.Message, f.RetryAfter, f.Cause)
	}
	other := exchange(p)
	other.Grant = &gateway.Grant{Account: gateway.Account{Team: "legal", Key: "legal-1"}}
	if err := a.Admit(t.Context(), other); err != nil {
		t.Errorf("another team is refused: %v", err)
	}
	p.Now = p.Now.Add(30 * time.Second)
	if err := a.Admit(t.Context(), exchange(p)); err != nil {
		t.Errorf("after the time that was named: %v", err)
	}
	if p.Open() != 1 {
		t.Errorf("%d draws are open, of one exchange under way", p.Open())
	}
}

func TestEveryScope(t *testing.T) {
	for _, s := range []policy.Scope{
		{},
		{Of: gateway.ByOrganisation, Name: "acme"},
		team("shop"),
		{Of: gateway.ByProject, Name: "web"},
		{Of: gateway.ByUser, Name: "ada"},
		{Of: gateway.ByKey, Name: "web-1"},
		{Of: gateway.ByModel, Name: "assistant"},
	} {
		t.Run(s.String(), func(t *testing.T) {
			p := pots()
			a, _ := New(p, []Rules{{Scope: s, Rates: requests(1, time.Minute)}})
			if err := a.Admit(t.Context(), exchange(p)); err != nil {
				t.Fatal(err)
			}
			f := refusal(t, a.Admit(t.Context(), exchange(p)))
			if !strings.Contains(f.Message, s.String()) || strings.Contains(f.Message, "left") != s.Own() {
				t.Error(f.Message)
			}
			x := exchange(p)
			x.Grant, x.Plan.Rule = &gateway.Grant{}, "other"
			if err := a.Admit(t.Context(), x); (err == nil) != (s.Of != "") {
				t.Errorf("an exchange of nobody: %v", err)
			}
		})
	}
}

func TestConcurrent(t *testing.T) {
	p := pots()
	a, _ := New(p, []Rules{{Scope: team("shop"), Concurrent: 1}})
	x := exchange(p)
	if err := a.Admit(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if len(x.Standings) != 0 {
		t.Errorf("the client is told of %v", x.Standings)
	}
	if f := refusal(t, a.Admit(t.Context(), exchange(p))); f.RetryAfter != time.Second || !strings.Contains(f.Message, "1 requests at once") {
		t.Errorf("%v after %v", f.Message, f.RetryAfter)
	}
	a.Settle(x)
	if err := a.Admit(t.Context(), exchange(p)); err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
}

func TestAllOrNothing(t *testing.T) {
	p := pots()
	a, h := New(p, []Rules{
		{Scope: policy.Scope{Of: gateway.ByKey, Name: "web-1"}, Rates: requests(10, time.Minute), Concurrent: 10},
		{Scope: policy.Scope{}, Rates: requests(1, time.Minute)},
		{Scope: team("shop"), Rates: []Rate{{gateway.Tokens, 1000, time.Minute}, {gateway.OutputTokens, 100, time.Minute}}},
	})
	x := exchange(p)
	if err := a.Admit(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	a.Settle(x)
	y := exchange(p)
	refusal(t, a.Admit(t.Context(), y))
	if p.Open() != 0 || len(y.Drawn) != 0 {
		t.Errorf("after a refusal %d draws are open, the exchange has %v", p.Open(), y.Drawn)
	}
	var got gateway.Holding
	refusal(t, h.Hold(t.Context(), x, &gateway.Need{Input: 10, Output: 101}, &got))
	if p.Open() != 0 || len(got.Drawn) != 0 {
		t.Errorf("after a hold that failed %d draws are open, the holding has %v", p.Open(), got.Drawn)
	}
	if err := h.Hold(t.Context(), x, &gateway.Need{Input: 900, Output: 100}, &got); err != nil {
		t.Errorf("what was given back is not there: %v", err)
	}
}

func TestTokensAreHeldAndSettled(t *testing.T) {
	p := pots()
	a, h := New(p, []Rules{{Scope: team("shop"), Rates: []Rate{{gateway.Tokens, 1000, time.Minute}, {gateway.InputTokens, 800, time.Minute}}}})
	if a != nil {
		t.Error("without limits on requests every exchange is asked for")
	}
	x := exchange(p)
	var first, second gateway.Holding
	if err := h.Hold(t.Context(), x, &gateway.Need{Input: 300, Output: 400}, &first); err != nil {
		t.Fatal(err)
	}
	f := refusal(t, h.Hold(t.Context(), x, &gateway.Need{Input: 300, Output: 400}, &second))
	if f.Message != "the limit of 1000 tokens/min of team shop is reached, 300 left of 700 that this request may need; try again in 24s" {
		t.Error(f.Message)
	}
	h.Settle(x, &first, gateway.Used{Input: 100, Output: 50})
	if err := h.Hold(t.Context(), x, &gateway.Need{Input: 450, Output: 400}, &second); err != nil {
		t.Errorf("what was not used is not given back: %v", err)
	}
	if len(x.Standings) != 2 || x.Standings[0].Left != 0 || x.Standings[1].Left != 250 {
		t.Errorf("of two attempts the client is told of %+v", x.Standings)
	}
	h.Settle(x, &second, gateway.Used{Input: 750, Output: 400}) // more than was held
	f = refusal(t, h.Hold(t.Context(), x, &gateway.Need{Input: 1}, &gateway.Holding{}))
	if f.RetryAfter != 301*60*time.Second/1000 {
		t.Errorf("overdrawn by 300 it is said to wait %v", f.RetryAfter)
	}
	if len(x.Standings) != 1 || x.Standings[0].Left != 0 || x.Standings[0].Pot.Unit != gateway.Tokens {
		t.Errorf("when it is refused the client is told of %+v", x.Standings)
	}
}

func TestWhatIsMoreThanThereEverIs(t *testing.T) {
	p := pots()
	_, h := New(p, []Rules{{Scope: team("shop"), Rates: []Rate{{gateway.Tokens, 1000, time.Minute}}}})
	f := refusal(t, h.Hold(t.Context(), exchange(p), &gateway.Need{Input: 900, Output: 400}, &gateway.Holding{}))
	if f.RetryAfter != 0 || f.ShouldRetry != "false" || !strings.Contains(f.Message, "is less than this request may need, which is 1300") {
		t.Errorf("%+v", f)
	}
}

// A bound by bytes is not what refuses where the input can be counted.
func TestTheEstimateIsAskedOnlyWhereTheBoundIsAbove(t *testing.T) {
	p := pots()
	_, h := New(p, []Rules{{Scope: team("shop"), Input: 500, Rates: []Rate{{gateway.Tokens, 1000, time.Minute}}}})
	asked := 0
	need := &gateway.Need{Input: 400, Output: 100, Estimate: func() int64 { asked++; return 120 }}
	if err := h.Hold(t.Context(), exchange(p), need, &gateway.Holding{}); err != nil || asked != 0 {
		t.Errorf("within the limit: %v, counted %d times", err, asked)
	}
	need.Input = 2000
	var got gateway.Holding
	if err := h.Hold(t.Context(), exchange(p), need, &got); err != nil || asked != 1 {
		t.Errorf("above the limit by bytes alone: %v, counted %d times", err, asked)
	}
	if got.Drawn[0].Amount != 220 {
		t.Errorf("held are %d tokens", got.Drawn[0].Amount)
	}
	need.Estimate = func() int64 { return 9000 }
	if f := refusal(t, h.Hold(t.Context(), exchange(p), need, &gateway.Holding{})); !strings.Contains(f.Message, "this one has up to 2000") {
		t.Errorf("a count above the bound is believed: %s", f.Message)
	}
	need.Estimate = func() int64 { return 501 }
	f := refusal(t, h.Hold(t.Context(), exchange(p), need, &gateway.Holding{}))
	if f.Message != "a request of team shop may have 500 tokens of input, this one has up to 501" || f.ShouldRetry != "false" {
		t.Error(f.Message)
	}
}

func TestOutputIsCapped(t *testing.T) {
	p := pots()
	_, h := New(p, []Rules{
		{Scope: team("shop"), Output: 200},
		{Scope: policy.Scope{}, Output: 100, Rates: []Rate{{gateway.OutputTokens, 250, time.Minute}}},
	})
	var got gateway.Holding
	if err := h.Hold(t.Context(), exchange(p), &gateway.Need{Output: 4000, Answers: 2}, &got); err != nil {
		t.Fatal(err)
	}
	if got.Cap != 100 || got.CapBy != "limit/whole/output/request" || got.Drawn[0].Amount != 200 {
		t.Errorf("capped to %d by %s, held %d", got.Cap, got.CapBy, got.Drawn[0].Amount)
	}
}

func TestCostOfARequest(t *testing.T) {
	p := pots()
	_, h := New(p, []Rules{{Scope: team("shop"), Cost: gateway.Dollar}})
	need := gateway.Need{Output: 100_000, Answers: 1, PerToken: 20 * int64(gateway.Dollar), Cost: gateway.Dollar/2 + 2*gateway.Dollar}
	var got gateway.Holding
	if err := h.Hold(t.Context(), exchange(p), &need, &got); err != nil || got.Cap != 25_000 || got.CapBy != "limit/team/shop/cost/request" {
		t.Errorf("%v, capped to %d by %s", err, got.Cap, got.CapBy)
	}
	if err := h.Hold(t.Context(), exchange(p), &gateway.Need{Cost: gateway.Dollar}, &got); err != nil {
		t.Error(err)
	}
	few := need
	few.Cost += gateway.Dollar/2 - 15*20_000
	if f := refusal(t, h.Hold(t.Context(), exchange(p), &few, &gateway.Holding{})); !strings.Contains(f.Message, "may cost") {
		t.Error(f.Message)
	}
	dear := need
	dear.Cost += gateway.Dollar / 2
	if f := refusal(t, h.Hold(t.Context(), exchange(p), &dear, &gateway.Holding{})); !strings.Contains(f.Message, "may cost $1.00, this one may cost $3.00") {
		t.Error(f.Message)
	}
	if err := h.Hold(t.Context(), exchange(p), &gateway.Need{Unbounded: "how long it may become is not known", Free: true}, &got); err != nil {
		t.Error(err)
	}
	for _, n := range []gateway.Need{{Unbounded: "it runs tools"}, {Unpriced: "nobody states one"}} {
		if f := refusal(t, h.Hold(t.Context(), exchange(p), &n, &gateway.Holding{})); !strings.Contains(f.Message, "cannot be told") {
			t.Error(f.Message)
		}
	}
}

func TestEachValueHasItsOwn(t *testing.T) {
	p := pots()
	a, _ := New(p, []Rules{{Scope: team("shop"), By: []policy.By{{Field: gateway.ByEndUser}, {Field: gateway.ByTag, Tag: "app"}}, Rates: requests(1, time.Minute)}})
	admit := func(user string, tags ...string) error {
		x := exchange(p)
		x.EndUser, x.Tags = user, tags
		return a.Admit(t.Context(), x)
	}
	for _, c := range []struct {
		user, tag string
		ok        bool
	}{
		{"ann", "app=a", true},
		{"ann", "app=a", false},
		{"ann", "app=b", true},
		{"bob", "app=a", true},
		{"", "", true},
		{"", "application=x", false}, // who names none shares one with all who name none
		{"ann,tag:app=a", "", true},  // a name that looks like two
		{"a/b", "", true},
		{"a%2Fb", "", true},
		{strings.Repeat("u", 5000), "", true},
		{strings.Repeat("u", 5000), "", false},
	} {
		err := admit(c.user, c.tag)
		if (err == nil) != c.ok {
			t.Errorf("%.20s with %s: %v", c.user, c.tag, err)
		}
		if err != nil && !strings.HasPrefix(refusal(t, err).Message, "the limit of 1 requests/min for each end_user and tag:app of team shop is reached") {
			t.Error(err)
		}
	}
	for name := range p.Names() {
		if len(name) > 200 || strings.ContainsAny(name, " \n") {
			t.Errorf("a pot is called %q", name)
		}
	}
	if !p.Names()["limit/team/shop/end_user=ann,tag:app=b/requests/min"] {
		t.Errorf("pots are %v", p.Names())
	}
}

// What stands at providers, or tells them apart, is drawn for each attempt.
func TestProvidersAreDrawnFromByAttempt(t *testing.T) {
	p := pots()
	a, h := New(p, []Rules{
		{Scope: provider("gpu"), Rates: requests(1, time.Minute), Concurrent: 1},
		{Scope: team("shop"), By: by(gateway.ByProvider), Rates: requests(2, time.Minute)},
	})
	if a != nil {
		t.Error("requests are admitted against limits that need a target")
	}
	x := exchange(p)
	var first, second, third gateway.Holding
	gpu, cloud := &gateway.Need{Target: gateway.Target{Provider: "gpu"}}, &gateway.Need{Target: gateway.Target{Provider: "cloud"}}
	if err := h.Hold(t.Context(), x, gpu, &first); err != nil || len(first.Drawn) != 3 {
		t.Fatal(err, first)
	}
	if f := refusal(t, h.Hold(t.Context(), x, gpu, &second)); strings.Contains(f.Message, "left") {
		t.Error(f.Message)
	}
	if err := h.Hold(t.Context(), x, cloud, &second); err != nil || len(second.Drawn) != 1 {
		t.Error(err, second)
	}
	if len(x.Standings) != 1 || x.Standings[0].Pot.Name != "limit/team/shop/provider=cloud/requests/min" {
		t.Errorf("of the target that answers the client is told %+v", x.Standings)
	}
	h.Settle(x, &first, gateway.Used{Unsent: true})
	if err := h.Hold(t.Context(), x, gpu, &third); err != nil {
		t.Errorf("what was never sent counts: %v", err)
	}
	h.Settle(x, &third, gateway.Used{})
	h.Settle(x, &second, gateway.Used{})
	if f := refusal(t, h.Hold(t.Context(), x, gpu, &gateway.Holding{})); !strings.Contains(f.Message, "1 requests/min of provider gpu") {
		t.Error(f.Message)
	}
	if p.Open() != 0 {
		t.Errorf("%d draws are open", p.Open())
	}
}

func TestWithoutABoundAtLeastATokenIsDrawn(t *testing.T) {
	p := pots()
	_, h := New(p, []Rules{{Scope: team("shop"), Rates: []Rate{{gateway.OutputTokens, 100, time.Minute}}}})
	x := exchange(p)
	var got gateway.Holding
	need := &gateway.Need{Input: 10, Unbounded: "how long it may become is not known"}
	if err := h.Hold(t.Context(), x, need, &got); err != nil {
		t.Fatal(err)
	}
	h.Settle(x, &got, gateway.Used{Output: 5000})
	refusal(t, h.Hold(t.Context(), x, need, &gateway.Holding{}))
	if err := h.Hold(t.Context(), x, &gateway.Need{Input: 10}, &gateway.Holding{}); err != nil {
		t.Errorf("what has no output needs none: %v", err)
	}
}

func TestOtherKindsAreLeftAlone(t *testing.T) {
	p := pots()
	a, h := New(p, []Rules{{Scope: team("shop"), Rates: []Rate{{gateway.Requests, 9, time.Minute}, {gateway.Tokens, 9, time.Minute}}}})
	purse := gateway.Drawn{Pot: &gateway.Pot{Name: "budget/x", Kind: gateway.Purse, Unit: gateway.Spend, Amount: 5}, Amount: 5}
	x := exchange(p)
	x.Drawn = append(x.Drawn, purse)
	h.Settle(x, &gateway.Holding{Drawn: []gateway.Drawn{purse}}, gateway.Used{Cost: 1})
	a.Settle(x)
	if p.Names()["budget/x"] {
		t.Error("the limit settled a purse")
	}
}

// Whatever happens, no pot gives more than it has, and in the end nothing is open.
func TestLimitsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pots()
		a, h := New(p, []Rules{
			{Scope: policy.Scope{}, Rates: []Rate{{gateway.Requests, 5, time.Minute}, {gateway.Tokens, 1000, time.Minute}}},
			{Scope: team("shop"), By: by(gateway.ByEndUser), Rates: []Rate{{gateway.Requests, 2, time.Minute}, {gateway.OutputTokens, 300, time.Minute}}, Concurrent: 2},
			{Scope: provider("gpu"), Concurrent: 1},
		})
		type live struct {
			x *gateway.Exchange
			h gateway.Holding
		}
		var all []*live
		admitted, ended := 0, 0
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "ends") && len(all) > 0 {
				one := all[0]
				all = all[1:]
				h.Settle(one.x, &one.h, gateway.Used{Input: rapid.Int64Range(0, 400).Draw(t, "in"), Output: rapid.Int64Range(0, 400).Draw(t, "out")})
				a.Settle(one.x)
				ended++
				continue
			}
			one := &live{x: exchange(p)}
			one.x.EndUser = rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(t, "user")
			if a.Admit(context.Background(), one.x) != nil {
				continue
			}
			if admitted++; admitted > 5 {
				t.Fatalf("%d are let in of 5 in a minute", admitted)
			}
			need := &gateway.Need{Target: gateway.Target{Provider: "gpu"}, Input: rapid.Int64Range(0, 400).Draw(t, "input"), Output: rapid.Int64Range(0, 400).Draw(t, "output")}
			if h.Hold(context.Background(), one.x, need, &one.h) != nil {
				a.Settle(one.x)
				continue
			}
			if all = append(all, one); len(all) > 1 {
				t.Fatalf("%d are at a provider that takes one", len(all))
			}
		}
		for _, one := range all {
			h.Settle(one.x, &one.h, gateway.Used{})
			a.Settle(one.x)
		}
		if p.Open() != 0 {
			t.Fatalf("%d draws are open in the end", p.Open())
		}
	})
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Second: "second", time.Minute: "min", time.Hour: "hour", 24 * time.Hour: "day", 90 * time.Second: "90s"} {
		if got := Span(d); got != want {
			t.Errorf("%v is %s", d, got)
		}
	}
	if fmt.Sprint(wait(1500*time.Millisecond), " ", wait(time.Millisecond)) != "2s 1s" {
		t.Error(wait(1500*time.Millisecond), wait(time.Millisecond))
	}
}
