package engine

import (
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/price"
)

// A session has an entry for each answer: before one begins, what it may come to is set aside; when its usage is stated
// the entry is closed and the next is opened. Where that is refused the session ends. What other models use beside the one
// that answers is in the entry that is open.

// needSession bounds an answer of a session: it reads at most what the model can, and says at most what it can.
func (c *call) needSession(t *try, n *gateway.Need) {
	n.Answers = 1
	c.needOutput(t, n)
	n.Input = 0
	if p := c.basis.price; p != nil {
		n.Input = max(p.Facts.MaxInput, p.Facts.Context)
	}
	if n.Input == 0 {
		n.Unbounded = "how much a session of this model can hold is not known"
	}
}

// hold sets aside what the next answer may come to.
func (s *session) hold() *fault.Fault {
	err := s.c.setAside(s.t)
	if err == nil {
		s.c.bill.sent = true
		return nil
	}
	if s.c.instead(err) { // a session keeps its model
		s.c.other = ""
		return fault.New(fault.Quota, "%s", err.Error())
	}
	return fault.Of(err)
}

// answered closes the entry of an answer whose usage was stated, and opens the next.
func (s *session) answered(u *llm.Usage, cost gateway.Money, why string) *fault.Fault {
	c := s.c
	if !c.bill.on {
		return nil
	}
	own := *u
	s.before = &own
	c.closeAnswer(gateway.EntryDone, &own, cost, why, whose(s.price))
	return s.hold()
}

// closeAnswer closes the entry of a session that is open.
func (c *call) closeAnswer(state gateway.EntryState, u *llm.Usage, cost gateway.Money, why, whose string) {
	x, b := c.x, &c.bill
	a := &x.Attempts[b.attempt]
	cost = plus(cost, b.beside)
	used := gateway.Used{Cost: cost}
	used.Input, used.Output = u.Billable()
	c.settleHolding(used)
	if state != gateway.EntryOpened {
		a.State, a.Cost = state, plus(a.Cost, cost)
	}
	if over := cost - b.need.Cost; over > 0 && b.need.Unbounded == "" && b.need.Unpriced == "" {
		x.Overrun = plus(x.Overrun, over)
	}
	if e := b.entry; e != nil {
		e.State, e.Ended = state, time.Now()
		if state != gateway.EntryOpened {
			e.Model, e.UpstreamID, e.AnswerID = bounded(x.Model, 200), a.UpstreamID, x.AnswerID
			e.Usage, e.Cost, e.Price, e.Unpriced, e.Items = u, cost, whose, why, c.items
			e.Estimated = u != nil && u.Estimated != 0
		}
		c.e.ledger.Close(e)
	}
	c.items = nil
	c.parts++
	b.on, b.entry, b.beside = false, nil, 0
}

// concludeSession closes the entry that a session leaves open when it ends. An answer that was under way is taken to have
// come to what the one before it did; where there was none nobody knows.
func (c *call) concludeSession() {
	b := &c.bill
	if !b.on {
		return
	}
	x := c.x
	switch u := c.midway; {
	case u == nil && !c.broken:
		state := gateway.EntryOpened
		if b.beside > 0 {
			state = gateway.EntryDone
		}
		c.closeAnswer(state, nil, 0, "", "")
	case u == nil:
		cost := b.need.Cost
		x.Cost = plus(x.Cost, cost)
		c.closeAnswer(gateway.EntryUnknown, nil, cost, "nobody knows what became of it: what was held is charged until it is reconciled", "")
	default:
		own := *u
		own.Estimated = own.Said
		cost, why, whose := gateway.Money(0), "", ""
		if p := c.basis.price; p != nil {
			terms := c.terms(p, &own)
			var room [costItems]price.Item
			known := p.Cost(&own, &terms, room[:0])
			cost, why = known.Amount, known.Why()
			whose = p.List().Provider + "/" + p.Model + " of " + p.List().Version
			c.itemsOf(known.Items)
		}
		x.Cost = plus(x.Cost, cost)
		c.closeAnswer(gateway.EntryPartial, &own, cost, why, whose)
	}
}
