package price

import (
	"math"
	"math/bits"

	"weir/internal/gateway"
)

// Most is the most that a request can come to, before it is sent.
type Most struct {
	Input    int64 // tokens read, at most
	Output   int64 // tokens generated, at most, of all answers together
	Searches int64 // run by the provider, at most; who cannot tell has no bound
	Fetches  int64
	May      Set   // what may be among the tokens beside Input, Cached, Output and reasoning; 0 = whatever has a price
	Terms    Terms // its counts are the most too
}

// Bound returns a cost that no usage within m exceeds, if the usage's parts lie within its input and output. It is an
// amount to hold: it takes the dearest price that each token can have, in the dearest band that the input can be in. An
// unpriced part is told as Cost does; there are no items.
func (p *Price) Bound(m *Most) Cost {
	var c Cost
	if p == nil || m == nil {
		c.NoPrice = true
		return c
	}
	tier, known := ParseTier(m.Terms.Tier)
	if !known {
		c.Supposed |= SupposedTier
	}
	c.Tier = tier
	priced := p.Components()
	switch {
	case p.Facts.Free:
		return c
	case priced == 0:
		c.NoPrice = true
		return c
	}
	q := condition{tier: tier, region: m.Terms.Region, variant: m.Terms.Variant}
	input, output := max(m.Input, 0), max(m.Output, 0)
	for above := int64(0); ; {
		next := p.next(above)
		q.above = min(input, next)
		amount, full := p.bound(&c, m, &q, priced, output)
		c.Amount, c.Full = max(c.Amount, gateway.Money(amount)), c.Full || full
		if next >= input {
			return c
		}
		above = next
	}
}

// next returns the smallest limit of a band above a number of tokens, the largest number if there is none.
func (p *Price) next(above int64) int64 {
	next := int64(math.MaxInt64)
	for i := range p.bands {
		if a := p.bands[i].above; a > above {
			next = min(next, a)
		}
	}
	return next
}

// bound returns the most that can be had for an input of q.above tokens.
func (p *Price) bound(c *Cost, m *Most, q *condition, priced Set, output int64) (amount int64, full bool) {
	var r rates
	p.resolve(q, &r)
	c.Supposed |= r.supposed
	var s sum
	tokens := priced&(readTokens|writtenTokens) != 0
	for _, side := range [...]struct {
		units int64
		set   Set
		plain Component
	}{{q.above, readTokens, Input}, {output, writtenTokens, Output}} {
		price, known := r.dearest(side.set & (m.may() | r.onlyOf(side.set)))
		s.add(side.units, price, false)
		if !known && tokens && side.units > 0 {
			c.Unpriced |= 1 << side.plain
		}
	}
	for _, x := range m.pieces(&r, tokens) {
		if v, ok := r.of(x.c); ok {
			s.add(max(x.units, 0), v, about[x.c].milli)
		} else if x.must && x.units > 0 {
			c.Unpriced |= 1 << x.c
		}
	}
	searches, search := max(m.Searches, p.Facts.MinSearches, 0), searchOf(m.Terms.Search)
	kinds := SetOf(search, Grounding)
	if search == Search {
		kinds = SetOf(Search, SearchLow, SearchMedium, SearchHigh, Grounding)
	}
	price, known := r.dearest(kinds)
	s.add(searches, price, false)
	if !known && searches > 0 {
		c.Unpriced |= 1 << search
	}
	return s.money()
}

// may returns what tokens there may be.
func (m *Most) may() Set {
	if m.May == 0 {
		return readTokens | writtenTokens
	}
	may := m.May | 1<<Input | 1<<Cached | 1<<Output | 1<<Reasoning | 1<<Thinking
	if m.Terms.Count.Images > 0 {
		may |= 1 << ImageOutput
	}
	if m.Terms.Count.VideoTokens > 0 {
		may |= 1 << VideoOutput
	}
	return may
}

// piece is a number of something that is not in tokens.
type piece struct {
	c     Component
	units int64
	must  bool // where it has no price, one is missing
}

// pieces returns what there may be beside tokens and searches. Where tokens have prices, they may pay for it.
func (m *Most) pieces(r *rates, tokens bool) [15]piece {
	n := &m.Terms.Count
	return [...]piece{
		{Request, max(n.Requests, 1), false},
		{Fetch, m.Fetches, true},
		{Session, n.Sessions, true},
		{Image, n.Images, !tokens && !r.has.Has(Pixel)},
		{Pixel, n.Pixels, false},
		{Second, milliseconds(n.AudioIn), !tokens},
		{SecondOutput, milliseconds(n.AudioOut), !tokens},
		{VideoSecond, milliseconds(n.VideoOut), !tokens},
		{VideoSecondInput, milliseconds(n.VideoIn), false},
		{Character, n.Characters, !tokens},
		{CharacterOutput, n.CharactersOut, !tokens},
		{Page, n.Pages, !tokens},
		{AnnotatedPage, n.Annotated, !tokens},
		{ImageRead, n.ImagesRead, false},
		{Citation, n.Citations, false},
	}
}

// dearest returns the highest price of some components; known is false if none has one.
func (r *rates) dearest(set Set) (price int64, known bool) {
	for ; set != 0; set &= set - 1 {
		if v, ok := r.of(Component(bits.TrailingZeros64(uint64(set)))); ok {
			price, known = max(price, v), true
		}
	}
	return price, known
}

// of returns the price of a component, or that of the class it belongs to.
func (r *rates) of(c Component) (int64, bool) {
	for {
		if r.has.Has(c) {
			return r.price[c], true
		}
		if about[c].wider == c {
			return 0, false
		}
		c = about[c].wider
	}
}

// onlyOf returns what of a side has a price where its plain component has none: all its tokens may be that.
func (r *rates) onlyOf(side Set) Set {
	if r.has&side&(1<<Input|1<<Output) != 0 {
		return 0
	}
	return r.has & side
}
