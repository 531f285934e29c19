package limit

import (
	"context"
	"slices"

	"weir/internal/gateway"
	"weir/internal/policy"
)

// Hold implements gateway.Holder: what one request may be at most is checked, then every limit that depends on the target
// is drawn from.
func (p *Holder) Hold(ctx context.Context, x *gateway.Exchange, need *gateway.Need, h *gateway.Holding) error {
	var sets [policy.Scopes]*set
	found := sets[:p.scoped.Of(x, need.Target.Provider, &sets)]
	n := 0
	for _, s := range found {
		n += len(s.hold)
	}
	a := asked{need: need, input: need.Input, output: need.Output}
	for _, s := range found {
		for i := range s.most {
			if err := a.within(&s.most[i], h); err != nil {
				return err
			}
		}
	}
	anew(x)
	if n == 0 {
		return nil
	}
	a.output = need.OutputUnder(h.Cap)
	from := len(h.Drawn)
	h.Drawn = grown(h.Drawn, n)
	for _, s := range found {
		for i := range s.hold {
			d := &s.hold[i]
			amount := a.amount(d)
			if amount == 0 {
				continue // it can come to nothing of this, and settles nothing
			}
			pot := p.of(d, x, need.Target.Provider)
			drawn, standing, ok := p.pots.Draw(ctx, pot, x.Start, amount)
			if !ok && a.closer() {
				if amount = a.amount(d); amount > 0 {
					drawn, standing, ok = p.pots.Draw(ctx, pot, x.Start, amount)
				}
			}
			if !ok {
				p.back(h.Drawn[from:])
				h.Drawn = h.Drawn[:from]
				if pot.Kind == gateway.Bucket {
					stand(x, standing, 1)
				}
				return d.refuse(pot, standing, amount)
			}
			h.Drawn = append(h.Drawn, drawn)
			if pot.Kind == gateway.Bucket {
				stand(x, standing, n)
			}
		}
	}
	return nil
}

// Settle implements gateway.Holder: each limit is charged what the attempt came to.
func (p *Holder) Settle(_ *gateway.Exchange, h *gateway.Holding, used gateway.Used) {
	for _, d := range slices.Backward(h.Drawn) {
		p.settle(d, used)
	}
}

// anew forgets how the limits stood that an earlier attempt was held against.
func anew(x *gateway.Exchange) {
	kept := x.Standings[:0]
	for _, s := range x.Standings {
		for i := range x.Drawn {
			if x.Drawn[i].Pot == s.Pot {
				kept = append(kept, s)
				break
			}
		}
	}
	x.Standings = kept
}

// asked is what an attempt may come to, as far as it was looked at.
type asked struct {
	need          *gateway.Need
	input, output int64
	counted       bool // input is counted, where it was a bound
}

// closer counts the input where only a bound is known, once, and reports whether that is less.
func (a *asked) closer() bool {
	if a.counted || a.need.Estimate == nil {
		return false
	}
	a.counted = true
	n := a.need.Estimate()
	if n >= a.input {
		return false
	}
	a.input = n
	return true
}

// amount is how much of a limit the attempt may need. Of what has no bound at least a token is drawn, so that a limit that
// is used up lets nothing in.
func (a *asked) amount(d *draw) int64 {
	n := int64(1)
	switch d.model.Unit {
	case gateway.Tokens:
		n = a.input + a.output
	case gateway.InputTokens:
		n = a.input
	case gateway.OutputTokens:
		n = a.output
	}
	if n < 0 { // more than there are numbers for
		n = 1<<63 - 1
	}
	if n == 0 && a.need.Unbounded != "" {
		n = 1
	}
	return n
}

// least is the least number of tokens that an answer is capped to: with fewer it says nothing, and some providers refuse.
const least = 16

// within holds a request to what one may be at most: output is capped, and cost too where a cap makes it fit.
func (a *asked) within(m *most, h *gateway.Holding) error {
	if m.input > 0 && a.input > m.input {
		if a.closer(); a.input > m.input {
			return m.tooLong(a.input)
		}
	}
	if m.output > 0 && (h.Cap == 0 || m.output < h.Cap) {
		h.Cap, h.CapBy = m.output, m.name+"/output/request"
	}
	if m.cost == 0 {
		return nil
	}
	need := a.need
	switch {
	case need.Unpriced != "":
		return m.untold("it has no price: " + need.Unpriced)
	case need.Unbounded != "" && !need.Free:
		return m.untold(need.Unbounded)
	}
	if need.CostUnder(h.Cap) <= m.cost {
		return nil
	}
	n, ok := need.Afford(m.cost)
	if !ok || n < least {
		return m.tooDear(need.CostUnder(h.Cap))
	}
	h.Cap, h.CapBy = n, m.name+"/cost/request"
	return nil
}
