package config

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/internal/gateway"
)

const owned = `version: 1
node:
  name: weir-1
  store: { url: "postgres://weir@db:5432/weir?sslmode=verify-full", password: "${KEY}" }
  shared: { url: "rediss://cache:6379/0" }
providers:
  openai: { limits: { requests: 500/min, tokens: 2M/min, concurrent: 64 }, budgets: [openai-year] }
models:
  assistant: { targets: [{ provider: openai, model: gpt-5 }], limits: { output: [4k/request, 1.5M/hour] } }
  small: { targets: [{ provider: openai, model: gpt-5-nano }] }
organisations: { acme: { budgets: [shop-month], limits: { requests: 1G/day } } }
teams:
  shop: { organisation: acme, models: [assistant], limits: { requests: [600/min, 10k/day], tokens: 1M/min, input: 200k/request, output: 8k/request, cost: $1.50/request }, budgets: [shop-month] }
  legal: {}
projects: { web: { team: shop, limits: { each: [{ by: [end_user, "tag:app"], requests: 20/min }, { by: [model], concurrent: 2 }] } } }
users: { ada@example.org: { teams: [shop, legal] }, bob: { teams: [legal], budgets: [person] } }
keys:
  - { name: a, key: "${KEY}", project: web, user: ada@example.org, limits: { requests: 999/second }, budgets: [person] }
  - { name: b, hash: "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", user: bob }
limits: { body: 1MiB, requests: 5000/min }
budgets:
  shop-month: { amount: $500, every: month, zone: Europe/Berlin, soft: [50%, 80.5%], at: cap, unpriced: serve }
  openai-year: { amount: 9000.25 EUR, rate: $1.08, rated: 2026-11-01, every: year, at: warn, soft: 99.99% }
  person: { amount: $0.000000001, over: 30d, each: user, at: { model: small } }
  all: { amount: $1000, whole: true, unbounded: refuse, each: [organisation, "tag:app"] }
`

func TestLimitsAndBudgets(t *testing.T) {
	d := parse(t, owned, world())
	min, day := time.Minute, 24*time.Hour
	shop := d.Teams[0]
	want := Team{
		Name: "shop", Organisation: "acme", Models: []string{"assistant"}, Budgets: []string{"shop-month"},
		Limits: ScopeLimits{Rules: Rules{
			Requests: []Quota{{600, min}, {10_000, day}}, Tokens: []Quota{{1_000_000, min}}, Input: []Quota{{200_000, 0}}, Output: []Quota{{8000, 0}},
			Cost: 3 * gateway.Dollar / 2,
		}},
	}
	if diff := cmp.Diff(want, shop); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	each := []EachLimits{
		{By: []string{"end_user", "tag:app"}, Rules: Rules{Requests: []Quota{{20, min}}}},
		{By: []string{"model"}, Rules: Rules{Concurrent: 2}},
	}
	if diff := cmp.Diff(each, d.Projects[0].Limits.Each); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if r := d.Limits; len(r.Requests) != 1 || r.Requests[0] != (Quota{5000, min}) || r.Body != 1<<20 {
		t.Errorf("on the whole: %+v", r)
	}
	budgets := []Budget{
		{Name: "shop-month", Amount: Amount{Units: 500e9}, Every: "month", Zone: "Europe/Berlin", Soft: []Percent{5000, 8050}, At: At{Do: "cap"}, Unpriced: "serve"},
		{
			Name: "openai-year", Amount: Amount{9_000_250_000_000, "EUR"}, Rate: 1_080_000_000, Rated: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Every: "year",
			At: At{Do: "warn"}, Soft: []Percent{9999},
		},
		{Name: "person", Amount: Amount{Units: 1}, Over: 30 * day, Each: []string{"user"}, At: At{Model: "small"}},
		{Name: "all", Amount: Amount{Units: 1000e9}, At: At{Do: "refuse"}, Whole: true, Unbounded: "refuse", Each: []string{"organisation", "tag:app"}},
	}
	if diff := cmp.Diff(budgets, d.Budgets); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n, ok := d.Budgets[1].Dollars(); !ok || n != 9_720_270_000_000 {
		t.Errorf("9000.25 euros are %s", n)
	}
	if n := d.Node; n.Named() != "weir-1" || n.Store.Password.Reveal() != variables["KEY"] || n.Shared.URL != "rediss://cache:6379/0" || (&Node{}).Named() == "" {
		t.Errorf("%+v", n)
	}
}

func TestLimitsRoundTrip(t *testing.T) {
	d := parse(t, owned, world())
	var out bytes.Buffer
	if err := d.Print(&out); err != nil {
		t.Fatal(err)
	}
	back := parse(t, out.String(), world())
	if diff := cmp.Diff(d, back, cmpopts.IgnoreUnexported(Document{})); diff != "" {
		t.Errorf("(-first +second)\n%s\n%s", diff, out.String())
	}
	s := compiled(t)
	for name, src := range map[string]string{"written": owned, "printed": out.String()} {
		if err := validate(t, s, []byte(src)); err != nil {
			t.Errorf("the schema refuses what is %s: %v", name, err)
		}
	}
}

func TestAccounts(t *testing.T) {
	d := parse(t, owned, world())
	of := d.Accounts()
	for i, want := range []gateway.Account{
		{Organisation: "acme", Team: "shop", Project: "web", User: "ada@example.org", Key: "a"},
		{Team: "legal", User: "bob", Key: "b"},
	} {
		if got, err := of(i); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	built := &Document{Teams: []Team{{Name: "shop"}}, Projects: []Project{{Name: "web", Team: "shop"}}, Keys: []Key{{Name: "k", Project: "web", Team: "legal"}}}
	if _, err := built.Accounts()(0); err == nil || !strings.Contains(err.Error(), "keys[0].project: the project `web` is of the team `shop`") {
		t.Errorf("%v", err)
	}
}

func TestQuotas(t *testing.T) {
	for in, want := range map[string]Quota{
		"600/min": {600, time.Minute}, "1.5k/second": {1500, time.Second}, "2G/day": {2_000_000_000, 24 * time.Hour}, "1000G/hour": {mostQuota, time.Hour},
		"8k/request": {8000, 0}, "0.5k/request": {500, 0}, "1.50k/min": {1500, time.Minute},
	} {
		got, f := parseQuota(in, true)
		if f != nil || got != want {
			t.Errorf("%s: %v, %v", in, got, f)
		}
		if back, f := parseQuota(got.String(), true); f != nil || back != got {
			t.Errorf("%s is shown as %s", in, got)
		}
	}
	for _, in := range []string{"", "/min", "k/min", "-1/min", "1e3/min", "1 /min", "1/min/min", "1.5/min", "1.0001k/min", "1kk/min", "0.0001k/min", "9999999999999999999/min", "1/MIN"} {
		if q, f := parseQuota(in, true); f == nil {
			t.Errorf("%q is read as %v", in, q)
		}
	}
}

// A part that is not known yet is passed over where that is asked for, and nothing else is said to be wrong for it.
func TestOwnersAreNotKnown(t *testing.T) {
	opt := world()
	opt.NoEnv = true
	d := parse(t, `version: 1
providers: { openai: {} }
teams: { shop: { organisation: "${O}", budgets: ["${B}"], limits: { requests: "${R}", each: [{ by: ["${BY}"], tokens: ["${T}"] }] } } }
projects: { web: { team: "${TEAM}" } }
users: { ada: { teams: ["${TEAM}"] } }
keys: [{ name: k, key: "${K1}", team: "${TEAM}", project: web, user: "${U}" }]
budgets: { b: { amount: "${AMOUNT}", every: "${E}", zone: "${Z}", at: "${AT}", whole: "${W}" }, c: { amount: "1 EUR", rate: "${RATE}", rated: "${RATED}", whole: true, at: { model: "${M}" } } }
node: { store: { url: "${URL}", password: "${P}" }, shared: { url: "${URL}" } }
`, opt)
	if len(d.Unset) != 18 {
		t.Errorf("%d are unset: %v", len(d.Unset), d.Unset)
	}
}

// The documents that the pages show are right, with what they leave out.
func TestPagesShowRightDocuments(t *testing.T) {
	opt := world()
	opt.Env = func(name string) (string, bool) { return "wr-0123456789abcdef-" + name, true }
	for page, rest := range map[string][]string{
		"limits.md":  {"", "teams: { shop: {} }\n"},
		"budgets.md": {"", "providers: { openai: {} }\nmodels: { small: { targets: [{ provider: openai, model: x }] } }\n"},
	} {
		src, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(string(src), "```yaml\n")[1:]
		if len(blocks) != len(rest) {
			t.Errorf("%s shows %d documents", page, len(blocks))
			continue
		}
		for i, block := range blocks {
			block, _, _ = strings.Cut(block, "```")
			parse(t, "version: 1\n"+block+rest[i], opt)
		}
	}
}
