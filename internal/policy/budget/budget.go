// Package budget keeps spending within the budgets of the document.
//
// A budget is a purse: an amount for a window. What an attempt may cost at most is drawn from every budget that applies to
// it before it is sent, all or nothing, and settled with what it did cost. At the line a budget refuses, caps the output to
// what is left, lets another model answer, or only tells of it. What has no price or no bound is refused by a budget that
// must not be exceeded, unless it says otherwise.
//
// Lines on the way, and the end, are told of once in a window (Event). Purses of an attempt are this package's; whoever
// else draws must not use that kind.
package budget

import (
	"context"
	"slices"
	"time"

	"weir/internal/gateway"
	"weir/internal/policy"
)

// At is what happens when a budget does not hold what is needed.
type At uint8

// What may happen.
const (
	Refuse At = iota
	Cap       // output is capped to what is left
	Warn      // it is served and charged all the same
	Switch    // another model answers
)

// Whole is a line's share of the amount in hundredths of a percent: all of it.
const Whole = 10_000

// Budget is one budget of the document. Where it is named at several scopes it is still one.
type Budget struct {
	Name      string
	Amount    gateway.Money
	Window    gateway.Window
	Each      []policy.By // one for every value; nil = one in all
	Soft      []int64     // lines on the way, in hundredths of a percent of the amount; at most 32
	At        At
	Model     string // of Switch
	Unpriced  bool   // what has no price is served
	Unbounded bool   // what has no bound is served
	Scopes    []policy.Scope
}

// Event tells that a line of a budget was passed.
type Event struct {
	Budget string
	Pot    string    // whose it is, where there is one for each value
	Window time.Time // when the window begins; of a rolling one, its slot
	Line   int64     // in hundredths of a percent of the amount; Whole = the amount itself
	Spent  gateway.Money
	Amount gateway.Money
}

// Holder holds what attempts may cost in the budgets of one revision. It is safe for concurrent use.
type Holder struct {
	pots   gateway.Pots
	lines  *Lines
	scoped policy.Scoped[[]*purse]
	cache  policy.Cache[filled] // of budgets with Each
	named  map[string]*purse    // by what their pots' names begin with
}

// purse is a budget as it is drawn from.
type purse struct {
	Budget
	name   string  // what its pots' names begin with
	lines  []int64 // that are told of: Soft, and the end
	shown  bool    // every scope is the caller's own: it may be told how much there is
	filled         // the only one, where there is not one for each value
}

// filled is a purse of one value.
type filled struct {
	pot  *gateway.Pot
	told *told
}

// prefix is what the names of all pots of budgets begin with.
const prefix = "budget/"

// most is how many budgets apply to an attempt without its list being allocated.
const most = 16

// New returns what keeps all the budgets of a document; nil where none applies to anything. What has been told is in
// lines, which outlives a revision.
func New(pots gateway.Pots, lines *Lines, budgets []Budget) *Holder {
	h := &Holder{pots: pots, lines: lines, named: map[string]*purse{}}
	applies := false
	for i := range budgets {
		b := &purse{Budget: budgets[i], shown: true}
		b.lines = append(slices.Sorted(slices.Values(b.Soft)), Whole)
		b.name = prefix + string(policy.Escape(nil, b.Name))
		if h.named[b.name] = b; len(b.Each) == 0 {
			b.filled = h.fill(b, b.name)
		}
		for _, s := range b.Scopes {
			b.shown = b.shown && s.Own()
			at := h.scoped.At(s)
			*at = append(*at, b)
			applies = true
		}
	}
	if !applies {
		return nil
	}
	return h
}

func (h *Holder) fill(b *purse, name string) filled {
	return filled{
		pot:  &gateway.Pot{Name: name, Kind: gateway.Purse, Unit: gateway.Spend, Amount: int64(b.Amount), Window: b.Window},
		told: h.lines.find(name),
	}
}

// of returns the purse that an attempt draws from.
func (h *Holder) of(b *purse, x *gateway.Exchange, provider string) filled {
	if b.pot != nil {
		return b.filled
	}
	var buf [256]byte
	name := policy.AppendValues(append(append(buf[:0], b.name...), '/'), b.Each, x, provider)
	return *h.cache.Get(name, func(name string) *filled {
		f := h.fill(b, name)
		return &f
	})
}

// Wake looks at every budget that is one in all, so that what an earlier life of this node had in hand of it goes back to
// the nodes that share it.
func (h *Holder) Wake(now time.Time) {
	for _, b := range h.named {
		if b.pot != nil {
			h.pots.Standing(b.pot, now)
		}
	}
}

// Name implements gateway.Policy.
func (h *Holder) Name() string { return "budget" }

// applying lists the budgets that apply to an attempt, each once.
func (h *Holder) applying(x *gateway.Exchange, provider string, into *[most]*purse) []*purse {
	var at [policy.Scopes]*[]*purse
	found := into[:0]
	for _, some := range at[:h.scoped.Of(x, provider, &at)] {
	next:
		for _, b := range *some {
			for _, known := range found {
				if known == b {
					continue next
				}
			}
			found = append(found, b)
		}
	}
	return found
}

// held is what was found out while an attempt is held.
type held struct {
	h    *Holder
	x    *gateway.Exchange
	need *gateway.Need
	to   *gateway.Holding
	from int // of to.Drawn, where this policy's begin
	cost gateway.Money
}

// Hold implements gateway.Holder.
func (h *Holder) Hold(ctx context.Context, x *gateway.Exchange, need *gateway.Need, to *gateway.Holding) error {
	var buf [most]*purse
	budgets := h.applying(x, need.Target.Provider, &buf)
	if len(budgets) == 0 {
		return nil
	}
	t := &held{h: h, x: x, need: need, to: to, from: len(to.Drawn)}
	to.Drawn, to.Charges = grown(to.Drawn, len(budgets)), grown(to.Charges, len(budgets))
	// A cap that one budget demands makes the attempt cheaper for those before it, so that it begins again with each: at
	// most once a budget, and some times more where others spend meanwhile.
	for tries := len(budgets) + 3; ; tries-- {
		t.cost = need.CostUnder(to.Cap)
		again, err := t.all(ctx, budgets, tries > 0)
		if err != nil {
			t.back()
			return err
		}
		if !again {
			break
		}
		t.back()
	}
	for _, d := range to.Drawn[t.from:] {
		to.Charges = append(to.Charges, gateway.Charge{Pot: d.Pot.Name, Window: d.Window})
	}
	return nil
}

// all draws from every budget. again says that a cap was set and all is to be drawn anew.
func (t *held) all(ctx context.Context, budgets []*purse, more bool) (again bool, err error) {
	for _, b := range budgets {
		f := t.h.of(b, t.x, t.need.Target.Provider)
		window := t.h.begin(b, f, t.x.Start)
		if b.At != Warn {
			if why := b.unknown(t.need); why != "" {
				if t.instead(b) {
					return false, b.instead("cannot tell what it may cost: " + why)
				}
				if b.At != Switch {
					return false, b.untold(f.pot, why)
				}
			}
		}
		if t.cost == 0 {
			t.take(gateway.Drawn{Pot: f.pot, Window: window})
			continue
		}
		d, s, ok := t.h.pots.Draw(ctx, f.pot, t.x.Start, int64(t.cost))
		if ok {
			t.take(d)
			continue
		}
		if int64(t.cost) <= f.pot.Amount {
			t.h.tell(b, f, window, f.pot.Amount-s.Left, true)
		}
		if b.At == Warn || b.At == Switch && !t.instead(b) {
			t.take(gateway.Drawn{Pot: f.pot, Window: window})
			continue
		}
		if b.At == Switch {
			return false, b.instead("is used up")
		}
		if b.At == Cap && more {
			if n, ok := t.need.Afford(gateway.Money(s.Left)); ok && n >= least && (t.to.Cap == 0 || n < t.to.Cap) {
				t.to.Cap, t.to.CapBy = n, f.pot.Name
				return true, nil
			}
		}
		return false, t.refuse(b, f.pot, s)
	}
	return false, nil
}

// least is the least number of tokens that an answer is capped to: with fewer it says nothing, and some providers refuse.
const least = 16

// instead reports whether another model is to answer; that model itself is served, whatever is left.
func (t *held) instead(b *purse) bool { return b.At == Switch && t.x.Plan.Rule != b.Model }

// unknown says why a budget that must not be exceeded cannot tell that it is not; "" = it can.
func (b *Budget) unknown(need *gateway.Need) string {
	switch {
	case need.Unpriced != "" && !b.Unpriced:
		return "it has no price: " + need.Unpriced
	case need.Unbounded != "" && !need.Free && !b.Unbounded:
		return need.Unbounded
	}
	return ""
}

// take keeps a draw. One of nothing is no draw: what it comes to is charged when it is known.
func (t *held) take(d gateway.Drawn) { t.to.Drawn = append(t.to.Drawn, d) }

// back gives back what was drawn, the last first.
func (t *held) back() {
	for i := len(t.to.Drawn) - 1; i >= t.from; i-- {
		if d := t.to.Drawn[i]; d.Amount > 0 {
			t.h.pots.Settle(d, 0)
		}
	}
	t.to.Drawn = t.to.Drawn[:t.from]
}

// grown makes room for n more.
func grown[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return append(make([]T, 0, len(s)+n), s...)
}
