package price

import (
	"errors"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

func TestOverrides(t *testing.T) {
	base := testTable(t)
	u := func(input, cached, output int64) *llm.Usage {
		return &llm.Usage{Said: saidBoth, Input: input, CacheRead: cached, Output: output}
	}
	tests := []struct {
		name      string
		overrides Overrides
		list      string
		model     string
		usage     *llm.Usage
		terms     Terms
		want      gateway.Money
	}{
		{"what the document says", Overrides{"gpt": {"input": "$1", "cached": "$0.1", "output": "$8"}}, "openai", "gpt", u(1000, 400, 100), Terms{}, 600_000 + 40_000 + 800_000},
		{"what it does not say stays", Overrides{"gpt": {"output": "$8"}}, "openai", "gpt", u(1000, 400, 100), Terms{}, 750_000 + 50_000 + 800_000},
		{"other models stay", Overrides{"gpt": {"output": "$8"}}, "openai", "gpt-audio", u(1000, 0, 0), Terms{}, 2_500_000},
		{"a discount holds at every tier", Overrides{"gpt": {"input": "$1"}}, "openai", "gpt", u(1000, 0, 0), Terms{Tier: "priority"}, 2_000_000},
		{"and for long prompts", Overrides{"gpt-long": {"input": "$2"}}, "openai", "gpt-long", u(300_000, 0, 0), Terms{}, 1_200_000_000},
		{"a tier's own price", Overrides{"gpt": {"input": "$1", "priority input": "$1.5"}}, "openai", "gpt", u(1000, 0, 0), Terms{Tier: "priority"}, 1_500_000},
		{"a tier that had none", Overrides{"gpt": {"batch input": "$0.5"}}, "openai", "gpt", u(1000, 0, 0), Terms{Tier: "batch"}, 500_000},
		{"a tier's own price is not scaled with the plain one", Overrides{"gpt-long": {"input": "$2", "batch input": "$1.1"}}, "openai", "gpt-long", u(1000, 0, 0), Terms{Tier: "batch"}, 1_100_000},
		{"several conditions", Overrides{"gpt-long": {"batch >272000 input": "$1"}}, "openai", "gpt-long", u(300_000, 0, 0), Terms{Tier: "batch"}, 300_000_000},
		{"a model the list does not have", Overrides{"new": {"input": "$1", "output": "$2"}}, "openai", "new", u(1000, 500, 10), Terms{}, 1_020_000},
		{"a version is overridden as the model it is of", Overrides{"gpt": {"input": "$1"}}, "openai", "gpt-2030-01-01", u(1000, 0, 0), Terms{}, 1_000_000},
		{"a version by its own name takes the rest from the model", Overrides{"gpt-2030-01-01": {"input": "$1"}}, "openai", "gpt-2030-01-01", u(1000, 0, 100), Terms{}, 2_000_000},
		{"a glob for listed models", Overrides{"gpt*": {"input": "$1"}}, "openai", "gpt-long", u(1000, 0, 100), Terms{}, 2_500_000},
		{"a glob for models that are not", Overrides{"*": {"input": "$1", "output": "$2"}}, "openai", "new", u(1000, 0, 100), Terms{}, 1_200_000},
		{"an exact name before a glob", Overrides{"*": {"input": "$1"}, "gpt": {"input": "$3"}}, "openai", "gpt", u(1000, 0, 0), Terms{}, 3_000_000},
		{"a longer glob before a shorter", Overrides{"*": {"input": "$1"}, "gpt-l*": {"input": "$3"}}, "openai", "gpt-long", u(1000, 0, 0), Terms{}, 3_000_000},
		{"no list at all", Overrides{"qwen3-32b": {"input": "$0.2", "output": "$0.6"}}, "", "qwen3-32b", u(1000, 0, 1000), Terms{}, 800_000},
		{"declared to be free", Overrides{"*": {"input": "$0", "output": "$0"}}, "", "anything", u(1000, 100, 1000), Terms{}, 0},
		{"free, and nobody tells how much was used", Overrides{"*": {"input": "$0", "output": "$0"}}, "", "anything", &llm.Usage{}, Terms{}, 0},
		{"a price apiece", Overrides{"dall-e": {"image": "$0.02"}}, "openai", "dall-e", &llm.Usage{}, Terms{Variant: "hd/1024x1792", Count: Count{Images: 1}}, 60_000_000},
		{"one the model gave away has a price", Overrides{"moderation": {"input": "$1"}}, "openai", "moderation", u(1000, 0, 0), Terms{}, 1_000_000},
		{"a factor counts on", Overrides{"claude": {"input": "$2"}}, "anthropic", "claude", u(1000, 0, 0), Terms{Tier: "batch"}, 1_000_000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list, err := base.List(test.list).With("mine", test.overrides)
			if err != nil {
				t.Fatal(err)
			}
			p, ok := list.Price(test.model, zeroTime)
			if !ok {
				t.Fatal("no price")
			}
			if c := p.Cost(test.usage, &test.terms, nil); c.Amount != test.want || !c.Known() {
				t.Errorf("%d (%s), want %d: %v", c.Amount, c.Why(), test.want, c.Items)
			}
		})
	}
	if v, _, _ := mustPrice(t, base, "openai", "gpt").Per(Input); v != 1_250_000_000 {
		t.Errorf("the table has changed: %s", v)
	}
}

func TestOverridesKeepWhereTheyAreFrom(t *testing.T) {
	base := testTable(t).List("openai")
	list, err := base.With("openai-eu", Overrides{"gpt": {"input": "$1"}})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := list.Price("gpt", zeroTime)
	_, input, _ := p.Per(Input)
	_, output, _ := p.Per(Output)
	if input.Name != "document" || output.Name != "page" || p.List() != list || list.Provider != "openai-eu" {
		t.Errorf("input of %s, output of %s, list of %s", input.Name, output.Name, list.Provider)
	}
	other, _ := base.With("openai-eu", Overrides{"gpt": {"input": "$2"}})
	same, _ := base.With("openai-eu", Overrides{"gpt": {"input": "$1"}})
	if list.Version == base.Version || list.Version == other.Version || list.Version != same.Version {
		t.Errorf("versions %s %s %s %s", base.Version, list.Version, other.Version, same.Version)
	}
	if l, err := base.With("openai", nil); l != base || err != nil {
		t.Error("no overrides make another list")
	}
}

func TestOverridesThatAreNone(t *testing.T) {
	for _, test := range []struct {
		overrides         Overrides
		what, hint, where string
	}{
		{Overrides{"gpt": {"inptu": "$1"}}, "inptu is no component of a price", "did you mean input?", "inptu"},
		{Overrides{"gpt": {"input": "1.25"}}, `"1.25": that is no amount of dollars`, "write $1.25", "input"},
		{Overrides{"gpt": {"input": "€1.25"}}, `"€1.25": that is no amount of dollars`, "write $1.25", "input"},
		{Overrides{"gpt": {"input": "$-1"}}, `"$-1": an amount is digits`, "write $1.25", "input"},
		{Overrides{"gpt": {"input": "$1e3"}}, `"$1e3": an amount is digits`, "write $1.25", "input"},
		{Overrides{"gpt": {"input": "$0.00000000001"}}, "more decimals", "write $1.25", "input"},
		{Overrides{"gpt": {"input": "$99999999999"}}, "larger", "write $1.25", "input"},
		{Overrides{"gpt": {"slow input": "$1"}}, "slow is no condition", "conditions are batch, flex", "slow input"},
		{Overrides{"gpt": {"from=2027-02-30 input": "$1"}}, "from=2027-02-30: that is no condition", "from=2027-01-31", "from=2027-02-30 input"},
		{Overrides{"gpt": {"from=2027-01-01 batch input": "$1", "batch from=2027-01-01 input": "$2"}}, "two prices of the same begin on 2027-01-01", "another day", "from=2027-01-01 batch input"},
		{Overrides{"gpt": {"": "$1"}}, "expected a component", "", ""},
		{Overrides{"gpt": {"batch input": "$1", "batch  input": "$2"}}, "stated twice", "", "batch input"},
		{Overrides{"gpt": {}}, "no price is stated", "input: $1.25", ""},
		{Overrides{"": {"input": "$1"}}, "no model's name", "", ""},
		{Overrides{"a b": {"input": "$1"}}, "no model's name", "", ""},
	} {
		_, err := testTable(t).List("openai").With("p", test.overrides)
		var e *OverrideError
		if !errors.As(err, &e) || !strings.Contains(e.What, test.what) || !strings.Contains(e.Hint, test.hint) || e.Component != test.where {
			t.Errorf("%v: %v (%+v), want %q, hint %q", test.overrides, err, e, test.what, test.hint)
		}
	}
}

// TestChecks holds a key and a value of an override to the same rules apart from each other, without showing the value.
func TestChecks(t *testing.T) {
	for _, key := range []string{"input", "batch input", ">200000 output", "region=eu batch cached", "cache_write_1h", "page"} {
		if e := CheckKey(key); e != nil {
			t.Errorf("%q: %v", key, e)
		}
	}
	for key, hint := range map[string]string{"inptu": "did you mean input?", "tokens_of_something": "components are input, cached", "slow input": "conditions are", "": ""} {
		if e := CheckKey(key); e == nil || !strings.Contains(e.Hint, hint) {
			t.Errorf("%q: %+v, want the hint %q", key, e, hint)
		}
	}
	for value, want := range map[string]string{
		"$1.25": "", "$0": "", "$0.000000001": "", "$9223372036": "",
		"1.25": "no amount of dollars", "€1": "no amount of dollars", "-$1": "no amount of dollars", "$-1": "digits", "$1e99": "digits", "$NaN": "digits",
		"$": "digits", "$.5": "digits", "$1.": "digits", "$1,5": "digits", "$1 ": "", "$0.0000000001": "more decimals", "$9999999999999999": "larger",
	} {
		err := CheckAmount("input", value)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || len(value) > 3 && strings.Contains(err.Error(), value)) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
	if err := CheckAmount("page", "$0.0000000001"); err != nil {
		t.Errorf("what is priced apiece takes more decimals: %v", err)
	}
}

// TestOverridesThatBeginLater: a price with a day holds from that day on, at its first moment in UTC, and the one before
// it until then, be it the document's or the list's.
func TestOverridesThatBeginLater(t *testing.T) {
	table, err := Load(strings.NewReader(`prices 1
[p]
 source page 2026-01-01
m
 input 2 output 8
 batch input 1
 from=2027-03-01 input 3
`))
	if err != nil {
		t.Fatal(err)
	}
	at := func(day string) time.Time {
		v, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name      string
		overrides map[string]string
		at        string
		terms     Terms
		want      gateway.Money // of a million tokens read
	}{
		{"until then the list's", map[string]string{"from=2027-01-01 input": "$4"}, "2026-12-31T23:59:59Z", Terms{}, 2e9},
		{"from then on its own", map[string]string{"from=2027-01-01 input": "$4"}, "2027-01-01T00:00:00Z", Terms{}, 4e9},
		{"the list's later one does not come back", map[string]string{"from=2027-01-01 input": "$4"}, "2027-04-01T00:00:00Z", Terms{}, 4e9},
		{"until then the document's", map[string]string{"input": "$5", "from=2027-01-01 input": "$4"}, "2026-12-31T00:00:00Z", Terms{}, 5e9},
		{"of two that begin the later", map[string]string{"from=2027-01-01 input": "$4", "from=2027-02-01 input": "$6"}, "2027-02-01T00:00:00Z", Terms{}, 6e9},
		{"and between them the earlier", map[string]string{"from=2027-01-01 input": "$4", "from=2027-02-01 input": "$6"}, "2027-01-31T00:00:00Z", Terms{}, 4e9},
		{"a tier keeps its proportion", map[string]string{"from=2027-01-01 input": "$4"}, "2027-01-02T00:00:00Z", Terms{Tier: "batch"}, 2e9},
		{"a tier alone", map[string]string{"from=2027-01-01 batch input": "$0.5"}, "2027-01-02T00:00:00Z", Terms{Tier: "batch"}, 5e8},
		{"and the plain one stays", map[string]string{"from=2027-01-01 batch input": "$0.5"}, "2027-01-02T00:00:00Z", Terms{}, 2e9},
		{"a list's day stays where nothing is said of it", map[string]string{"from=2027-01-01 output": "$9"}, "2027-03-01T00:00:00Z", Terms{}, 3e9},
	} {
		list, err := table.List("p").With("mine", Overrides{"m": c.overrides})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := list.Price("m", at(c.at))
		if got := p.Cost(&llm.Usage{Said: llm.SaidInput, Input: 1_000_000}, &c.terms, nil); got.Amount != c.want || !got.Known() {
			t.Errorf("%s: %s, want %s", c.name, got.Amount, c.want)
		}
	}
	list, err := table.List("p").With("mine", Overrides{"m": {"from=2027-01-01 input": "$4"}, "new": {"from=2027-01-01 input": "$4"}})
	if err != nil {
		t.Fatal(err)
	}
	later := list.Later("m", at("2026-06-01T12:00:00Z"))
	if len(later) != 2 || later[0].From != 20270101 || later[1].From != 20270301 || len(list.Later("m", at("2027-03-01T00:00:00Z"))) != 0 {
		t.Errorf("later: %v", later)
	}
	if p, ok := list.Price("new", at("2026-06-01T00:00:00Z")); !ok || p.Priced() {
		t.Error("a model has a price before its day")
	}
	if p, _ := table.List("p").Price("m", at("2027-01-02T00:00:00Z")); len(p.Rates()) != 3 || p.Rates()[0].Amount != "2" {
		t.Errorf("the list has changed: %v", p.Rates())
	}
}

// TestOverridesOfVersions: who states a price of a model means its other names and its dated versions too, unless they
// are listed at another price or stated apart.
func TestOverridesOfVersions(t *testing.T) {
	table, err := Load(strings.NewReader(`prices 1
[p]
 source page 2026-01-01
m
 input 2 output 8
 priority input 4
 also m-latest
m-2025-04-14
 input 2 output 8
m-2024-01-01
 input 5 output 15
m-2023-01-01
 input 2 output 8
m-mini
 input 2 output 8
`))
	if err != nil {
		t.Fatal(err)
	}
	list, err := table.List("p").With("mine", Overrides{"m": {"input": "$1"}, "m-2023-01-01": {"input": "$3"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]gateway.Money{
		"m": 1e9, "m-latest": 1e9, "m-2025-04-14": 1e9, "m-2024-01-01": 5e9, "m-2023-01-01": 3e9, "m-mini": 2e9, "m-2022-01-01": 1e9,
	} {
		p, ok := list.Price(name, zeroTime)
		if !ok {
			t.Errorf("no price of %s", name)
			continue
		}
		got, _, _ := p.Per(Input)
		if out, _, _ := p.Per(Output); got != want || name != "m-2024-01-01" && out != 8e9 {
			t.Errorf("%s costs %s and %s, want %s", name, got, out, want)
		}
	}
	back, err := table.List("p").With("mine", Overrides{"m-latest": {"input": "$1"}, "m-2025-04-14": {"input": "$1"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"m", "m-mini"} {
		if p, _ := back.Price(name, zeroTime); p.List().Provider != "p" {
			t.Errorf("a price of a version is that of %s", name)
		}
	}
	if p, _ := back.Price("m-2023-01-01", zeroTime); p.List().Provider != "p" {
		t.Error("a price of one version is that of another")
	}
}
