package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/price"
)

const priced = `version: 1
providers:
  openai:
    prices:
      gpt-5: { input: $1.25, cached: $0.125, output: $10 }
      "gpt-5*": { batch input: $0.625, ">272000 input": $2.50, "${KEY": 1 }
`

func TestOverridesOfADocument(t *testing.T) {
	d := parse(t, strings.Replace(priced, `, "${KEY": 1`, `, request: "${AMOUNT:-$0.01}"`, 1), world())
	want := price.Overrides{
		"gpt-5":  {"input": "$1.25", "cached": "$0.125", "output": "$10"},
		"gpt-5*": {"batch input": "$0.625", ">272000 input": "$2.50", "request": "$0.01"},
	}
	if diff := cmp.Diff(want, d.Providers[0].Overrides()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := price.Embedded().List("openai").With("openai", want); err != nil {
		t.Errorf("what the document takes the price lists refuse: %v", err)
	}
	if o := (&Provider{}).Overrides(); o != nil {
		t.Errorf("a provider without prices has %v", o)
	}
}

// TestPricesAreNotKnown passes over a price whose variable is not set where that is allowed.
func TestPricesAreNotKnown(t *testing.T) {
	src := strings.Replace(priced, `, "${KEY": 1`, `, request: "${AMOUNT}"`, 1)
	opt := world()
	opt.NoEnv = true
	if d := parse(t, src, opt); len(d.Unset) != 1 || d.Unset[0] != "AMOUNT" {
		t.Errorf("unset: %v", d.Unset)
	}
	if e := problems(t, src, world()); !strings.Contains(e.Error(), "AMOUNT is not set") {
		t.Error(e)
	}
}

func TestSchemaOfPrices(t *testing.T) {
	s := compiled(t)
	for prices, ok := range map[string]bool{
		`{ gpt-5: { input: $1.25, "batch >200000 region=eu output": $1, request: "${PRICE}" } }`: true,
		`{ m: { "from=2027-01-01 batch input": $1 } }`:                                           true,
		`{ m: { "from=tomorrow input": $1 } }`:                                                   false,
		`{ "*": { input: $0 } }`:                                                                 true,
		`{ gpt-5: { inptu: $1.25 } }`:                                                            false,
		`{ gpt-5: { input: 1.25 } }`:                                                             false,
		`{ gpt-5: { input: "€1" } }`:                                                             false,
		`{ gpt-5: { input: $1e3 } }`:                                                             false,
		`{ gpt-5: { slow input: $1 } }`:                                                          false,
		`{ gpt-5: {} }`:                                                                          false,
		`{ "two words": { input: $1 } }`:                                                         false,
		`[$1]`:                                                                                   false,
	} {
		if err := validate(t, s, []byte("version: 1\nproviders: { openai: { prices: "+prices+" } }\n")); (err == nil) != ok {
			t.Errorf("%s: %v", prices, err)
		}
	}
}

// TestEveryComponentIsTaken: the pattern for editors takes what the decoder takes.
func TestEveryComponentIsTaken(t *testing.T) {
	s := compiled(t)
	for _, w := range price.Words() {
		src := "version: 1\nproviders: { openai: { prices: { m: { " + w.Name + ": $1 } } } }\n"
		parse(t, src, world())
		if err := validate(t, s, []byte(src)); err != nil {
			t.Errorf("%s: %v", w.Name, err)
		}
		if !strings.Contains(Reference(), "| `"+w.Name+"` |") || w.Means == "" {
			t.Errorf("the reference does not tell of %s", w.Name)
		}
	}
}
