package price

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
)

// Tier is the service a provider gives a request, as far as it has a price of its own.
type Tier uint8

// The tiers.
const (
	Standard Tier = iota
	Batch
	Flex
	Priority
	Fast // Anthropic's speed: fast
	tiers
)

var tierWords = [tiers]string{"standard", "batch", "flex", "priority", "fast"}

// String returns the tier's word.
func (t Tier) String() string {
	if t < tiers {
		return tierWords[t]
	}
	return "?"
}

// ParseTier reads a provider's word for a tier, in any case. The words for what everybody gets and for leaving the
// choice to the provider are Standard. known is false for other words, such as those for capacity paid in advance.
func ParseTier(word string) (t Tier, known bool) {
	for t, w := range tierWords {
		if strings.EqualFold(w, word) {
			return Tier(t), true
		}
	}
	for _, w := range [...]string{"", "default", "auto", "on_demand", "standard_only"} {
		if strings.EqualFold(w, word) {
			return Standard, true
		}
	}
	return Standard, false
}

// condition says when a band counts: all that is stated must hold.
type condition struct {
	tier    Tier
	above   int64 // more tokens are read than this; 0 = not stated
	region  string
	variant string
}

// dimensions is a set of what a condition states.
type dimensions uint8

const (
	byAbove dimensions = 1 << iota
	byTier
	byRegion
	byVariant
)

func (c *condition) states() dimensions {
	var d dimensions
	if c.above > 0 {
		d |= byAbove
	}
	if c.tier != Standard {
		d |= byTier
	}
	if c.region != "" {
		d |= byRegion
	}
	if c.variant != "" {
		d |= byVariant
	}
	return d
}

// band holds the prices of a model under one condition.
type band struct {
	condition
	dims    dimensions
	factor  int64    // of token prices, in thousandths; 0 = none
	amounts []amount // each component once
}

type amount struct {
	price     int64 // billionths of a dollar per million units
	component Component
	source    uint8 // place in the list's sources
}

func (b *band) amount(c Component) (int64, bool) {
	for _, a := range b.amounts {
		if a.component == c {
			return a.price, true
		}
	}
	return 0, false
}

// sortBands brings bands into the order that resolve wants: what states more comes later, longer prompts too.
func sortBands(bands []band) {
	slices.SortStableFunc(bands, func(a, b band) int {
		return cmp.Or(
			cmp.Compare(bits.OnesCount8(uint8(a.dims)), bits.OnesCount8(uint8(b.dims))),
			cmp.Compare(a.dims, b.dims),
			cmp.Compare(a.above, b.above),
			cmp.Compare(a.tier, b.tier),
			cmp.Compare(a.region, b.region),
			cmp.Compare(a.variant, b.variant),
		)
	})
}

// rates are the prices that hold for one usage.
type rates struct {
	has      Set
	price    [components]int64
	supposed Supposed
}

// resolve finds the prices under which something was had; q.above is how many tokens were read.
//
// For each component the band that states most counts. What such a band says nothing of raises or lowers its price in
// the proportion in which it does alone: a batch of long prompts costs what a batch costs, times what long prompts cost
// more than short ones. A band that says nothing of a part changes it as it changes the part's kin: where a batch halves
// the input, it halves what is read from the cache.
func (p *Price) resolve(q *condition, r *rates) {
	var from [components]dimensions
	var seen, possible dimensions
	for i := range p.bands {
		b := &p.bands[i]
		possible |= b.dims
		if !b.holds(q) {
			continue
		}
		seen |= b.dims
		for _, a := range b.amounts {
			r.has |= 1 << a.component
			r.price[a.component] = a.price
			from[a.component] = b.dims
		}
	}
	if seen != 0 {
		p.compose(q, r, &from)
	}
	missed := q.states() &^ seen
	if missed&byTier != 0 {
		r.supposed |= SupposedTier
	}
	if missed&possible&byRegion != 0 {
		r.supposed |= SupposedRegion
	}
	if missed&possible&byVariant != 0 {
		r.supposed |= SupposedVariant
	}
}

// compose applies what holds and is not in a price yet; from says what is.
func (p *Price) compose(q *condition, r *rates, from *[components]dimensions) {
	plain := &p.bands[0]
	for i := len(p.bands) - 1; i >= 0; i-- {
		b := &p.bands[i]
		if b.dims == 0 || !b.holds(q) {
			continue
		}
		if b.factor > 0 {
			for left := r.has & (readTokens | writtenTokens); left != 0; left &= left - 1 {
				if c := bits.TrailingZeros64(uint64(left)); from[c]&b.dims == 0 {
					r.price[c] = scale(r.price[c], b.factor, thousand)
					from[c] |= b.dims
				}
			}
			continue
		}
		if plain.dims != 0 {
			continue
		}
		for left := r.has & (readTokens | writtenTokens); left != 0; left &= left - 1 {
			c := Component(bits.TrailingZeros64(uint64(left)))
			if from[c]&b.dims != 0 {
				continue
			}
			as := c
			here, ok := b.amount(as)
			if !ok {
				as = about[c].kin
				here, ok = b.amount(as)
			}
			if alone, had := plain.amount(as); ok && had && alone > 0 {
				r.price[c] = scale(r.price[c], here, alone)
				from[c] |= b.dims
				r.supposed |= SupposedTogether
			}
		}
	}
}

// holds reports whether everything the condition states is so.
func (c *condition) holds(q *condition) bool {
	return (c.tier == Standard || c.tier == q.tier) && (c.above == 0 || q.above > c.above) &&
		(c.region == "" || c.region == q.region) && (c.variant == "" || c.variant == q.variant)
}

// Supposed says what a cost supposes because the price list does not state it.
type Supposed uint8

// What may be supposed. Where a component's own price is missing its item says whose was taken.
const (
	SupposedTier     Supposed = 1 << iota // the tier has no price: the standard one was taken
	SupposedRegion                        // the region has no price, though others have
	SupposedVariant                       // the variant has no price, though others have
	SupposedTogether                      // what a condition does to a price is not stated: its effect on others was taken
)

// String lists what is supposed: "tier, region".
func (s Supposed) String() string {
	var out []string
	for i, word := range [...]string{"tier", "region", "variant", "together"} {
		if s>>i&1 != 0 {
			out = append(out, word)
		}
	}
	return strings.Join(out, ", ")
}
