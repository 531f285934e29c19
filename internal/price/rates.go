package price

import (
	"strconv"
	"strings"
)

// Rate is one price of a model, to be shown.
type Rate struct {
	When      string // its conditions, as price files write them: "batch >200000"; "" = none
	Component Component
	Factor    bool   // Amount is a factor for all prices of tokens, and Component says nothing
	Amount    string // dollars per million or apiece, without the sign: "1.25"
	Source    Source // the zero one of a factor, which does not keep where it is from
}

// Rates lists what the model costs, the plain prices first.
func (p *Price) Rates() []Rate {
	var out []Rate
	for i := range p.bands {
		b := &p.bands[i]
		when := b.text()
		if b.factor > 0 {
			out = append(out, Rate{When: when, Factor: true, Amount: string(appendAmount(nil, b.factor, 3))})
		}
		for _, a := range b.amounts {
			out = append(out, Rate{
				When: when, Component: a.component, Amount: string(appendAmount(nil, a.price, a.component.fraction())), Source: p.list.sources[a.source],
			})
		}
	}
	return out
}

// Apiece reports whether the component is priced apiece, not per million.
func (c Component) Apiece() bool { return c < components && about[c].apiece }

// text writes a condition as a price file does.
func (c *condition) text() string {
	var words []string
	if c.tier != Standard {
		words = append(words, c.tier.String())
	}
	if c.above > 0 {
		words = append(words, ">"+strconv.FormatInt(c.above, 10))
	}
	if c.region != "" {
		words = append(words, "region="+c.region)
	}
	if c.variant != "" {
		words = append(words, "variant="+c.variant)
	}
	return strings.Join(words, " ")
}
