package engine

import (
	"time"

	"weir/internal/price"
)

// costItems is how many components a usage has at most without memory of its own.
const costItems = 12

// price notes what the answer cost, at the price that was in force when the exchange began. An exchange that used nothing
// costs nothing; one whose price is not known says so, and is never free in silence.
func (c *call) price() {
	x := c.x
	if len(x.Attempts) == 0 || c.s == nil || !c.charged() {
		return
	}
	if x.Usage == nil {
		c.unstated()
		return
	}
	target := x.Answered()
	if c.s.Places[target.Provider] == nil {
		return
	}
	p, why := c.priceOf(target)
	if p == nil {
		x.Unpriced = why
	} else {
		var room [costItems]price.Item
		cost := p.Cost(x.Usage, &price.Terms{Count: price.Count{AudioIn: time.Duration(x.Usage.Heard) * time.Millisecond}}, room[:0])
		x.Cost, x.Unpriced = cost.Amount, cost.Why()
		x.Price = p.List().Provider + "/" + p.Model + " of " + p.List().Version
	}
	x.Alert = x.Unpriced != "" && c.s.Unpriced == AlertUnpriced
}
