package engine

import "weir/internal/price"

// costItems is how many components a usage has at most without memory of its own.
const costItems = 12

// price notes what the answer cost, at the price that was in force when the exchange began. An exchange that used nothing
// costs nothing; one whose price is not known says so, and is never free in silence.
func (c *call) price() {
	x := c.x
	if x.Usage == nil || len(x.Attempts) == 0 || c.s == nil {
		return
	}
	target := x.Answered()
	place := c.s.Places[target.Provider]
	if place == nil {
		return
	}
	if place.Prices == nil {
		x.Unpriced = "no prices are known of this provider"
		return
	}
	p, ok := place.Prices.Price(target.Model, x.Start)
	if !ok {
		x.Unpriced = "no price is known of this model"
		return
	}
	var room [costItems]price.Item
	cost := p.Cost(x.Usage, &price.Terms{}, room[:0])
	x.Cost, x.Unpriced = cost.Amount, cost.Why()
	x.Price = p.List().Provider + "/" + p.Model + " of " + p.List().Version
}
