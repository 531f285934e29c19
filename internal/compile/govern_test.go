package compile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/catalog"
	"weir/internal/config"
	"weir/internal/engine"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/policy"
	"weir/internal/policy/budget"
	"weir/internal/policy/limit"
	"weir/internal/policy/policytest"
)

const governedDocument = `version: 1
providers:
  openai: { api_key: sk-1, limits: { concurrent: 64 }, budgets: [provider] }
models:
  assistant: { targets: [{ provider: openai, model: gpt-5 }], limits: { output: 4k/request } }
  small: { targets: [{ provider: openai, model: gpt-5-nano }] }
organisations: { acme: { budgets: [shop-month], limits: { requests: 1M/day } } }
teams: { shop: { organisation: acme, models: [assistant, openai/*], limits: { requests: [600/min, 10k/day], tokens: 1M/min, input: 200k/request, cost: $2/request }, budgets: [shop-month] } }
projects: { web: { team: shop, limits: { each: [{ by: ["tag:app", end_user], requests: 20/min }] } } }
users: { ada: { teams: [shop], budgets: [person] } }
keys:
  - { name: a, key: wr-0123456789abcdef, project: web }
  - { name: b, key: wr-0123456789abcdeg, user: ada, models: [small, "openai/gpt*"], limits: { requests: 1/min } }
  - { name: c, key: wr-0123456789abcdeh }
limits: { requests: 5000/min }
budgets:
  shop-month: { amount: $500, every: month, zone: Europe/Berlin, soft: [50%], at: cap }
  person: { amount: 100 EUR, rate: $1.10, rated: 2026-11-01, over: 30d, each: user, at: { model: small }, unpriced: serve }
  provider: { amount: $1, at: warn }
  all: { amount: $1000, whole: true, unbounded: serve }
`

func governedSnapshot(t testing.TB, document string, pots gateway.Pots) (*config.Document, *engine.Snapshot, error) {
	t.Helper()
	entries, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	c := New(entries)
	t.Cleanup(c.Close)
	if pots != nil {
		c.Govern(pots, nil)
	}
	d, err := config.Parse("weir.yaml", []byte(document), c.Options(nil))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Snapshot(d, "r1")
	return d, s, err
}

func TestGoverned(t *testing.T) {
	d, _, err := governedSnapshot(t, governedDocument, &policytest.Pots{})
	if err != nil {
		t.Fatal(err)
	}
	rules, budgets, err := governed(d)
	if err != nil {
		t.Fatal(err)
	}
	minute, day := time.Minute, 24*time.Hour
	at := func(of gateway.Field, name string) policy.Scope { return policy.Scope{Of: of, Name: name} }
	rate := func(u gateway.Unit, n int64, per time.Duration) limit.Rate {
		return limit.Rate{Unit: u, Amount: n, Per: per}
	}
	requests := gateway.Requests
	want := []limit.Rules{
		{Rates: []limit.Rate{rate(requests, 5000, minute)}},
		{Scope: at(gateway.ByOrganisation, "acme"), Rates: []limit.Rate{rate(requests, 1_000_000, day)}},
		{
			Scope: at(gateway.ByTeam, "shop"), Rates: []limit.Rate{rate(requests, 600, minute), rate(requests, 10_000, day), rate(gateway.Tokens, 1_000_000, minute)},
			Input: 200_000, Cost: 2 * gateway.Dollar,
		},
		{Scope: at(gateway.ByProject, "web"), By: []policy.By{{Field: gateway.ByEndUser}, {Field: gateway.ByTag, Tag: "app"}}, Rates: []limit.Rate{rate(requests, 20, minute)}},
		{Scope: at(gateway.ByKey, "b"), Rates: []limit.Rate{rate(requests, 1, minute)}},
		{Scope: at(gateway.ByModel, "assistant"), Output: 4000},
		{Scope: at(gateway.ByProvider, "openai"), Concurrent: 64},
	}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	none := []policy.By{}
	charged := []budget.Budget{
		{
			Name: "shop-month", Amount: 500 * gateway.Dollar, Window: gateway.Window{Every: gateway.Month, Zone: berlin}, Each: none, Soft: []int64{5000}, At: budget.Cap,
			Scopes: []policy.Scope{at(gateway.ByOrganisation, "acme"), at(gateway.ByTeam, "shop")},
		},
		{
			Name: "person", Amount: 110 * gateway.Dollar, Window: gateway.Window{Over: 30 * day}, Each: []policy.By{{Field: gateway.ByUser}}, At: budget.Switch, Model: "small",
			Unpriced: true, Scopes: []policy.Scope{at(gateway.ByUser, "ada")},
		},
		{Name: "provider", Amount: gateway.Dollar, Each: none, At: budget.Warn, Scopes: []policy.Scope{at(gateway.ByProvider, "openai")}},
		{Name: "all", Amount: 1000 * gateway.Dollar, Each: none, Unbounded: true, Scopes: []policy.Scope{{}}},
	}
	if diff := cmp.Diff(charged, budgets, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A snapshot's policies act for the accounts that its keys have.
func TestSnapshotGoverns(t *testing.T) {
	pots := &policytest.Pots{Now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	_, s, err := governedSnapshot(t, governedDocument, pots)
	if err != nil {
		t.Fatal(err)
	}
	if !s.EndUsers {
		t.Error("a limit tells end users apart, and nobody asks for them")
	}
	if len(s.Admitters) != 1 || len(s.Holders) != 2 || s.Holders[0].Name() != "limit" || s.Holders[1].Name() != "budget" {
		t.Fatalf("%d admitters, holders %v", len(s.Admitters), s.Holders)
	}
	for key, want := range map[string]gateway.Account{
		"wr-0123456789abcdef": {Organisation: "acme", Team: "shop", Project: "web", Key: "a"},
		"wr-0123456789abcdeg": {Organisation: "acme", Team: "shop", User: "ada", Key: "b"},
		"wr-0123456789abcdeh": {Key: "c"},
	} {
		g, ok := s.Directory.Grant(key)
		if !ok || g.Account != want {
			t.Errorf("%+v, want %+v", g, want)
		}
	}
	b, _ := s.Directory.Grant("wr-0123456789abcdeg")
	if b.May("small", true) || b.May("assistant", true) || !b.May("openai/gpt-5", false) || b.May("openai/o3", false) {
		t.Error("a key may use what not both lists have")
	}
	a, _ := s.Directory.Grant("wr-0123456789abcdef")
	if a.May("small", true) || !a.May("assistant", true) {
		t.Error("a key without a list may not use what its team may")
	}
	x := &gateway.Exchange{Start: pots.Now, Grant: b, Head: llm.Head{Model: "openai/gpt-5"}, Plan: gateway.Plan{Rule: "openai/*"}}
	if err := s.Admitters[0].Admit(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names(x.Drawn), " "); got != "limit/key/b/requests/min limit/team/shop/requests/min limit/team/shop/requests/day limit/organisation/acme/requests/day limit/whole/requests/min" {
		t.Errorf("drawn from %s", got)
	}
	var f *fault.Fault
	if err := s.Admitters[0].Admit(t.Context(), x); !errors.As(err, &f) || f.Kind != fault.RateLimit {
		t.Errorf("a second request in the minute: %v", err)
	}
	var h gateway.Holding
	need := &gateway.Need{Target: gateway.Target{Provider: "openai", Model: "gpt-5"}, Input: 10, Output: 10, Cost: 10, Answers: 1}
	for _, one := range s.Holders {
		if err := one.Hold(t.Context(), x, need, &h); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(names(h.Drawn), " "); got != "limit/team/shop/tokens/min limit/provider/openai/concurrent budget/person/user=ada budget/shop-month budget/all budget/provider" {
		t.Errorf("held from %s", got)
	}
}

func names(drawn []gateway.Drawn) []string {
	var out []string
	for _, d := range drawn {
		out = append(out, d.Pot.Name)
	}
	return out
}

func TestNothingToGovern(t *testing.T) {
	_, s, err := governedSnapshot(t, "version: 1\nteams: { shop: {} }\nkeys: [{ name: a, key: wr-0123456789abcdef, team: shop }]\n", &policytest.Pots{})
	if err != nil || len(s.Admitters) != 0 || len(s.Holders) != 0 || s.EndUsers {
		t.Errorf("%v, %d admitters and %d holders of nothing", err, len(s.Admitters), len(s.Holders))
	}
}

func TestWithoutPots(t *testing.T) {
	for member, where := range map[string]string{"limits: { requests: 1/min }": ":2:9: limits: nothing here keeps limits", "budgets: { b: { amount: $1, whole: true } }": ":2:10: budgets: nothing here keeps budgets"} {
		if _, _, err := governedSnapshot(t, "version: 1\n"+member+"\n", nil); err == nil || !strings.Contains(err.Error(), where) {
			t.Errorf("%s: %v", member, err)
		}
	}
}

// What Parse refuses, the compiler refuses in a document that was built in Go.
func TestBuiltInGo(t *testing.T) {
	entries, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	c := New(entries)
	t.Cleanup(c.Close)
	c.Govern(&policytest.Pots{}, nil)
	for want, d := range map[string]*config.Document{
		"teams.shop.budgets[0]: no budget is called `b`":  {Teams: []config.Team{{Name: "shop", Budgets: []string{"b"}}}},
		"budgets.b.zone: no time zone is called `Nowhere": {Budgets: []config.Budget{{Name: "b", Whole: true, Amount: config.Amount{Units: 1}, Every: "day", Zone: "Nowhere"}}},
		"keys[0].user: the user `ada` is in several teams": {
			Users: []config.User{{Name: "ada", Teams: []string{"a", "b"}}}, Keys: []config.Key{{Name: "k", User: "ada", Key: config.NewSecret("wr-0123456789abcdef")}},
		},
	} {
		if _, err := c.Snapshot(d, "r"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestBudgetsOfEndUsers(t *testing.T) {
	_, s, err := governedSnapshot(t, "version: 1\nbudgets: { b: { amount: $1, whole: true, each: end_user } }\n", &policytest.Pots{})
	if err != nil || !s.EndUsers {
		t.Errorf("%v; a budget for each end user, and nobody asks for them", err)
	}
}
