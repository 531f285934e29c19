package engine

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/price"
)

// Before an attempt is sent, what it may come to is set aside: every policy that limits it takes its part, and the ledger
// writes the hold. When the attempt is over, however it ended, policies get back what was not used and the entry is closed.

// Ledger makes the engine write down what attempts cost, under the node's name. Call it before the first exchange.
func (e *Engine) Ledger(l gateway.Ledger, node string) { e.ledger, e.node = l, node }

// bill is what is set aside for the attempt under way. The zero bill is none.
type bill struct {
	on      bool
	sent    bool // the request may have reached the provider
	refused bool // by the ledger, which no other target can mend
	attempt int  // which of the exchange's
	need    gateway.Need
	holding gateway.Holding
	own     gateway.Holding // what of it is the policy's that is told
	entry   *gateway.Entry  // nil: there is no ledger
	beside  gateway.Money   // of a session: what other models used since

	drawn   [6]gateway.Drawn
	of      [4]int
	charges [3]gateway.Charge
}

// setAside takes what the attempt may come to. The error is a *fault.Fault, or a *gateway.Instead; nothing is held then.
func (c *call) setAside(t *try) error {
	if !c.charged() || c.e.ledger == nil && len(c.s.Holders) == 0 {
		return nil
	}
	b := &c.bill
	*b = bill{on: true, attempt: len(c.x.Attempts) - 1, need: c.need(t)}
	b.holding = gateway.Holding{Drawn: b.drawn[:0], Of: b.of[:0], Charges: b.charges[:0]}
	if len(c.s.Holders) > 0 && c.x.Op == llm.OpChat {
		s := source(t.a)
		b.need.Estimate = func() int64 { return c.asked(s) }
	}
	for _, h := range c.s.Holders {
		if err := h.Hold(c.r.Context(), c.x, &b.need, &b.holding); err != nil {
			c.giveBack()
			return err
		}
		b.holding.Of = append(b.holding.Of, len(b.holding.Drawn))
	}
	if c.e.ledger != nil {
		b.entry = c.entry(t)
		if err := c.e.ledger.Open(b.entry); err != nil {
			c.giveBack()
			b.refused = true
			return err
		}
	}
	t.a.Held = b.need.Cost
	return nil
}

// giveBack ends a holding of which nothing was used.
func (c *call) giveBack() {
	c.settleHolding(gateway.Used{Unsent: true})
	c.bill = bill{}
}

// settleHolding tells the policies that have taken something what came of it, each its own part.
func (c *call) settleHolding(used gateway.Used) {
	h := &c.bill.holding
	from := 0
	for i, to := range h.Of {
		c.bill.own = gateway.Holding{Drawn: h.Drawn[from:to], Charges: h.Charges}
		c.s.Holders[i].Settle(c.x, &c.bill.own, used)
		from = to
	}
	// A policy that refused has given back what it took itself.
}

// entryRoom is an entry with what most have.
type entryRoom struct {
	entry   gateway.Entry
	charges [3]gateway.Charge
	items   [5]gateway.EntryItem
}

// entry begins the ledger's entry of an attempt, with all that is known before it is sent.
func (c *call) entry(t *try) *gateway.Entry {
	x, b := c.x, &c.bill
	room := &entryRoom{}
	e := &room.entry
	*e = gateway.Entry{
		ID: x.ID, Exchange: x.ID, Attempt: b.attempt, Node: c.e.node, Revision: x.Revision, At: x.Start, State: gateway.EntryOpened, Payer: gateway.Caller,
		EndUser: x.EndUser, Session: x.Session, Tags: x.Tags,
		Op: x.Op, Dialect: x.Dialect, Spoken: t.a.Dialect, Rule: x.Plan.Rule, Asked: bounded(x.Head.Model, 200), Target: t.a.Target, Batch: x.Batch,
		Held: b.need.Cost, Charges: append(room.charges[:0], b.holding.Charges...), Items: room.items[:0],
	}
	if x.Grant != nil {
		e.Account = x.Grant.Account
	}
	if b.attempt > 0 || c.parts > 0 { // the first has the exchange's own id
		e.ID = lineID(x.ID, strconv.Itoa(b.attempt)+"/"+strconv.Itoa(c.parts))
	}
	return e
}

// conclude closes the attempt under way: what it came to is priced, settled and written down.
func (c *call) conclude() {
	if len(c.x.Attempts) == 0 {
		return
	}
	if c.x.Op == llm.OpRealtime {
		c.concludeSession()
		return
	}
	c.estimate()
	c.price()
	x, b := c.x, &c.bill
	if !b.on || b.attempt != len(x.Attempts)-1 {
		return
	}
	a := &x.Attempts[b.attempt]
	state := c.outcome(a)
	switch state {
	case gateway.EntryOpened: // it came to nothing
		x.Usage, x.Cost, x.Price, x.Unpriced = nil, 0, "", ""
	case gateway.EntryUnknown:
		x.Cost, x.Unpriced = b.need.Cost, "nobody knows what became of it: what was held is charged until it is reconciled"
	default:
	}
	c.close(state, a)
}

// outcome says how an attempt ended, for the ledger.
func (c *call) outcome(a *gateway.Attempt) gateway.EntryState {
	x := c.x
	billed := x.Usage != nil && (x.Usage.Input > 0 || x.Usage.Output > 0 || x.Cost > 0)
	switch {
	case !c.bill.sent:
		return gateway.EntryOpened
	case x.Ending == gateway.Done:
		if x.Usage != nil && x.Usage.Estimated != 0 {
			return gateway.EntryEstimated
		}
		return gateway.EntryDone
	case a.Status >= 300 && !billed: // it said so itself
		return gateway.EntryOpened
	case c.gone || x.Ending == gateway.ClientGone || a.Fault != nil && a.Fault.Kind == fault.ClientGone:
		return gateway.EntryCancelled
	case a.Status == 0, !billed && a.Status < 300 && a.FirstEvent == 0 && a.Fault != nil && a.Fault.Kind == fault.Timeout:
		return gateway.EntryUnknown
	case x.Ending == gateway.Cut:
		return gateway.EntryPartial
	case billed:
		return gateway.EntryFailed
	}
	return gateway.EntryOpened
}

// close settles the holding with what x says of the attempt, and closes its entry.
func (c *call) close(state gateway.EntryState, a *gateway.Attempt) {
	x, b := c.x, &c.bill
	used := gateway.Used{Cost: plus(x.Cost, b.beside), Unsent: !b.sent}
	used.Input, used.Output = x.Usage.Billable()
	if state == gateway.EntryUnknown {
		used.Input, used.Output = b.need.Input, b.need.Output
	}
	c.settleHolding(used)
	a.Usage, a.Cost, a.State = x.Usage, x.Cost, state
	if used.Cost > b.need.Cost && b.need.Unbounded == "" && b.need.Unpriced == "" {
		x.Overrun = plus(x.Overrun, used.Cost-b.need.Cost)
	}
	if e := b.entry; e != nil {
		e.State, e.Ended = state, time.Now()
		if state != gateway.EntryOpened {
			e.Model, e.UpstreamID, e.AnswerID = bounded(x.Model, 200), a.UpstreamID, bounded(x.AnswerID, 200)
			e.Usage, e.Cost, e.Price, e.Unpriced = x.Usage, x.Cost, x.Price, x.Unpriced
			e.Estimated = x.Usage != nil && x.Usage.Estimated != 0
			e.Items = c.items
		}
		c.e.ledger.Close(e)
	}
	c.spent, c.items = plus(c.spent, x.Cost), nil
	b.on, b.entry = false, nil
}

// next begins a further attempt: what the one before came to is closed, and nothing of it stays in the record of the answer.
func (c *call) next() {
	if len(c.x.Attempts) == 0 || !c.bill.on {
		return
	}
	c.conclude()
	c.x.Usage, c.x.Cost, c.x.Price, c.x.Unpriced = nil, 0, "", ""
}

// total makes the exchange's cost that of all its attempts.
func (c *call) total() { c.x.Cost = max(c.spent, c.x.Cost) }

// itemsOf keeps the lines of a cost for the entry.
func (c *call) itemsOf(items []price.Item) {
	if c.bill.entry == nil && !c.booked {
		return
	}
	var out []gateway.EntryItem
	if e := c.bill.entry; e != nil {
		out = e.Items[:0]
	}
	for i := range items {
		it := &items[i]
		line := gateway.EntryItem{Component: it.Component.String(), Units: it.Units, Price: it.Price}
		if it.At != it.Component {
			line.At = it.At.String()
		}
		out = append(out, line)
	}
	c.items = out
}

// instead takes the model that a policy wants to answer in place of the one asked for.
func (c *call) instead(err error) bool {
	var other *gateway.Instead
	if !errors.As(err, &other) {
		return false
	}
	c.other = other.Model
	return true
}

// replan plans the exchange for the model that a policy wants instead. It is done once.
func (c *call) replan() bool {
	model := c.other
	if c.other = ""; c.replanned {
		return false
	}
	c.replanned = true
	x := c.x
	asked, before := x.Head.Model, x.Plan.PassedOver
	x.Head.Model = model
	defer func() { x.Head.Model = asked }()
	rule, _, err := c.s.Router.Match(x)
	if err != nil {
		c.last = fault.Of(err)
		return false
	}
	plan, err := c.s.Router.Plan(rule, x)
	if err != nil {
		c.last = fault.Of(err)
		return false
	}
	plan.Rule, plan.PassedOver = rule, append(slices.Clip(before), plan.PassedOver...)
	x.Plan = plan
	if err := c.priced(); err != nil {
		c.last = fault.Of(err)
		return false
	}
	return true
}

// capTo lowers the limit on output to what a policy lets it have. It reports whether the body must be made again.
func (c *call) capTo() bool {
	h := &c.bill.holding
	if h.Cap <= 0 || c.x.Plan.MaxOutput > 0 && c.x.Plan.MaxOutput <= h.Cap || c.x.Head.MaxOutput > 0 && c.x.Head.MaxOutput <= h.Cap {
		return false
	}
	c.x.Plan.MaxOutput, c.x.Capped, c.x.CappedBy = h.Cap, h.Cap, h.CapBy
	return true
}

// refusedHere reports whether a fault is the refusal of a policy of ours.
func refusedHere(f *fault.Fault) bool {
	return f.Origin == fault.Here && (f.Kind == fault.RateLimit || f.Kind == fault.Quota) && f.HTTPStatus == 0
}
