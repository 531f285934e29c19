package price

import (
	"errors"
	"strings"
	"testing"

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
		{Overrides{"gpt": {"input": "1.25"}}, `"1.25" is no amount of dollars`, "write $1.25", "input"},
		{Overrides{"gpt": {"input": "€1.25"}}, `"€1.25" is no amount of dollars`, "write $1.25", "input"},
		{Overrides{"gpt": {"input": "$-1"}}, `"$-1": an amount is digits`, "write $1.25", "input"},
		{Overrides{"gpt": {"input": "$1e3"}}, `"$1e3": an amount is digits`, "write $1.25", "input"},
		{Overrides{"gpt": {"input": "$0.00000000001"}}, "more decimals", "write $1.25", "input"},
		{Overrides{"gpt": {"input": "$99999999999"}}, "larger", "write $1.25", "input"},
		{Overrides{"gpt": {"slow input": "$1"}}, "slow is no condition", "batch, flex", "slow input"},
		{Overrides{"gpt": {"from=2027-01-01 input": "$1"}}, "leave out from=", "batch", "from=2027-01-01 input"},
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
