package engine

import (
	"context"
	"slices"
	"time"

	"weir/internal/gateway"
)

// bookLine writes down what a request of a batch came to, and charges it to the budgets of whoever sent the batch. It was
// not held: what its batch may come to is known when it is over. The entry's id is made from batch and line like the
// record's, so that a batch which is metered again is booked once.
func (c *call) bookLine(m *lineMeter) {
	x := c.x
	if x.Usage == nil && x.Cost == 0 || len(x.Attempts) == 0 {
		return // it came to nothing
	}
	if g, ok := c.granted(x.Grant.Key); ok {
		x.Grant = g // whose key it is now
	}
	now := x.Start
	x.Start = m.thing.Made // the window it was admitted in
	defer func() { x.Start = now }()
	need := gateway.Need{Target: x.Answered(), Free: true}
	b := &c.bill
	for _, h := range c.s.Holders { // nothing is needed, so nothing can be refused; what it came to is charged
		if h.Hold(context.Background(), x, &need, &b.holding) != nil {
			b.holding.Drawn = b.holding.Drawn[:last(b.holding.Of)]
		}
		b.holding.Of = append(b.holding.Of, len(b.holding.Drawn))
	}
	if c.e.ledger == nil {
		c.settleHolding(gateway.Used{Cost: x.Cost})
		return
	}
	a := &x.Attempts[0]
	e := &gateway.Entry{
		ID: x.ID, Exchange: x.ID, Node: c.e.node, Revision: x.Revision, At: m.thing.Made, Ended: time.Now(), State: gateway.EntryDone, Payer: gateway.Caller,
		Account: x.Grant.Account, Op: x.Op, Dialect: x.Dialect, Spoken: a.Dialect, Rule: x.Plan.Rule, Asked: bounded(x.Head.Model, 200), Target: a.Target,
		Model: bounded(x.Model, 200), UpstreamID: a.UpstreamID, AnswerID: bounded(x.AnswerID, 200), Batch: x.Batch,
		Usage: x.Usage, Items: c.items, Cost: x.Cost, Price: x.Price, Unpriced: x.Unpriced, Charges: slices.Clone(b.holding.Charges),
	}
	if x.Ending != gateway.Done {
		e.State = gateway.EntryFailed
	}
	a.State, a.Usage, a.Cost = e.State, x.Usage, x.Cost
	if err := c.e.ledger.Book(e); err != nil {
		m.failed = err
		c.settleHolding(gateway.Used{})
		return
	}
	c.settleHolding(gateway.Used{Cost: x.Cost})
}

// last is the last of some numbers, 0 if there is none.
func last(n []int) int {
	if len(n) == 0 {
		return 0
	}
	return n[len(n)-1]
}

// granted returns the grant of a key by its name.
func (c *call) granted(key string) (*gateway.Grant, bool) {
	roll, ok := c.s.Directory.(gateway.Roll)
	if !ok {
		return nil, false
	}
	return roll.Named(key)
}
