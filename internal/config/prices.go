package config

import (
	"reflect"
	"strings"

	"weir/internal/price"
)

// ModelPrices is what a model, or every model a pattern matches, costs at a provider.
type ModelPrices struct {
	Model string `yaml:",name" is:"priced"`
	Rates []Rate `yaml:",rest"`
}

// Rate is one price of a model.
type Rate struct {
	Of     string // conditions and the component: "input", "batch input"
	Amount string // dollars per million tokens, characters or pixels, else apiece: "$1.25"
}

// Overrides returns the provider's prices as the price lists take them.
func (p *Provider) Overrides() price.Overrides {
	if len(p.Prices) == 0 {
		return nil
	}
	out := make(price.Overrides, len(p.Prices))
	for _, m := range p.Prices {
		rates := make(map[string]string, len(m.Rates))
		for _, r := range m.Rates {
			rates[r.Of] = r.Amount
		}
		out[m.Model] = rates
	}
	return out
}

// amountKind is the kind of an amount under a key that is right.
func amountKind(key string) *kind {
	return textKind("an amount of dollars such as $1.25", amountPattern, "amount of dollars", func(s string) *flaw {
		err := price.CheckAmount(key, s)
		switch {
		case err == nil:
			return nil
		case strings.HasPrefix(s, "$") && strings.Trim(s, "$.0123456789") == "" && strings.Count(s, ".") < 2:
			return &flaw{err.Error(), "at most 9 decimals, or 15 where the price is apiece, and below nine billion dollars"}
		}
		return &flaw{"", "a price is in dollars: `$`, digits and at most one decimal point, as in $1.25"}
	})
}

// amountPattern and keyPattern are for the schema.
const amountPattern = `^\$[0-9]+(\.[0-9]+)?$`

var keyPattern = `^((batch|flex|priority|fast|>[1-9][0-9]*|region=\S+|variant=\S+|from=[0-9]{4}-[0-9]{2}-[0-9]{2}) +)*(` + strings.Join(componentWords(), "|") + `)$`

func componentWords() []string {
	var out []string
	for _, w := range price.Words() {
		out = append(out, w.Name)
	}
	return out
}

// rate decodes a member of a block whose members are prices.
func (d *decoder) rate(e entry, path string, rates reflect.Value) {
	inner := join(path, e.name)
	d.note(inner, e.value)
	if bad := price.CheckKey(e.name); bad != nil {
		what := bad.What
		if len(e.name) > 100 {
			what = clip(what)
		}
		d.src.report(e.at, inner, what, bad.Hint)
		return
	}
	r := Rate{Of: strings.Join(strings.Fields(e.name), " ")}
	for i := range rates.Len() {
		if one, _ := reflect.TypeAssert[Rate](rates.Index(i)); one.Of == r.Of {
			d.src.report(e.at, inner, "the price of `"+r.Of+"` is stated twice", "keep one of them")
			return
		}
	}
	d.scalar(e.value, inner, amountKind(r.Of), reflect.ValueOf(&r.Amount).Elem())
	rates.Set(reflect.Append(rates, reflect.ValueOf(r)))
}

// checkPrices refuses a model for which no price is stated.
func (d *decoder) checkPrices(p *Provider, path string) {
	for i := range p.Prices {
		at := join(path+".prices", p.Prices[i].Model)
		if p.Prices[i].Model == "" || len(p.Prices[i].Rates) > 0 || !d.has(at) {
			continue
		}
		if n := d.nodes[at]; n.shape == nothing || n.shape == mapping && len(n.of) == 0 {
			d.wrong(at, "no price is stated of this model", "write `{ input: $1.25, output: $10 }`; a model that costs nothing says `{ input: $0, output: $0 }`")
		}
	}
}

// rates writes the members of a block whose members are prices.
func (p *printer) rates(v reflect.Value, indent int) {
	k := amountKind("input")
	for i := range v.Len() {
		one := v.Index(i)
		p.line(indent, k.yaml(one.Field(0))+": "+k.yaml(one.Field(1)))
	}
}
