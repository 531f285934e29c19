// Package limit keeps exchanges within the limits of the document: so many requests or tokens in a time, so many at once,
// so much for one request.
//
// What can be told before there is a target (requests, how many are under way) is drawn when the exchange is admitted and
// is its own until it ends. What depends on the target (tokens, and everything that stands at a provider or tells
// providers apart) is held for each attempt and settled with what it came to. All the limits that apply must let an
// exchange in; one that does not gives back what the others gave.
//
// Buckets and levels of an exchange or an attempt are this package's; whoever else draws must not use those kinds.
package limit

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/policy"
)

// Rate is an amount in a time. It is a bucket that fills evenly.
type Rate struct {
	Unit   gateway.Unit // Requests, Tokens, InputTokens or OutputTokens
	Amount int64
	Per    time.Duration
}

// Rules are the limits that stand at one scope, or, with By, those of each value within it. What is zero is not limited.
type Rules struct {
	Scope      policy.Scope
	By         []policy.By
	Rates      []Rate
	Concurrent int64
	// Of one request: more input is refused, output is capped, a higher cost too where that can make it fit.
	Input, Output int64
	Cost          gateway.Money
}

// Admitter lets exchanges in by what can be told before there is a target. It is safe for concurrent use.
type Admitter struct{ *limits }

// Holder holds for attempts what depends on their targets. It is safe for concurrent use.
type Holder struct{ *limits }

// limits are those of one revision.
type limits struct {
	pots   gateway.Pots
	scoped policy.Scoped[set]
	cache  policy.Cache[gateway.Pot] // of limits with By
}

// set is what stands at one scope.
type set struct {
	admit []draw // before there is a target
	hold  []draw // for each attempt
	most  []most
}

// draw is one limit that is drawn from.
type draw struct {
	scope policy.Scope
	by    []policy.By
	model gateway.Pot  // what its pots are like
	pot   *gateway.Pot // the only one; nil where there is one for each value
	head  string       // of the pots' names, up to their values
	tail  string       // and after them
}

// most is what one request may be at most.
type most struct {
	scope         policy.Scope
	name          string // as pots are named
	input, output int64
	cost          gateway.Money
}

// New returns what keeps all the rules of a document; nil where there is nothing to do.
func New(pots gateway.Pots, rules []Rules) (*Admitter, *Holder) {
	l := &limits{pots: pots}
	admits, holds := false, false
	for i := range rules {
		r := &rules[i]
		s := l.scoped.At(r.Scope)
		for _, rate := range r.Rates {
			s.add(r, rate.Unit != gateway.Requests, gateway.Pot{Kind: gateway.Bucket, Unit: rate.Unit, Amount: rate.Amount, Per: rate.Per},
				"/"+string(rate.Unit)+"/"+Span(rate.Per))
		}
		if r.Concurrent > 0 {
			s.add(r, false, gateway.Pot{Kind: gateway.Level, Unit: gateway.Concurrent, Amount: r.Concurrent}, "/"+string(gateway.Concurrent))
		}
		if r.Input > 0 || r.Output > 0 || r.Cost > 0 {
			s.most = append(s.most, most{scope: r.Scope, name: string(r.Scope.Append([]byte("limit/"))), input: r.Input, output: r.Output, cost: r.Cost})
		}
		admits, holds = admits || len(s.admit) > 0, holds || len(s.hold) > 0 || len(s.most) > 0
	}
	var a *Admitter
	var h *Holder
	if admits {
		a = &Admitter{l}
	}
	if holds {
		h = &Holder{l}
	}
	return a, h
}

// add adds one limit to those of a scope. Where providers matter it is drawn from for each attempt.
func (s *set) add(r *Rules, late bool, pot gateway.Pot, tail string) {
	d := draw{scope: r.Scope, by: r.By, model: pot, tail: tail, head: string(r.Scope.Append([]byte("limit/")))}
	if len(r.By) == 0 {
		pot.Name = d.head + d.tail
		d.pot = &pot
	} else {
		d.head += "/"
	}
	late = late || r.Scope.Of == gateway.ByProvider
	for _, b := range r.By {
		late = late || b.Field == gateway.ByProvider
	}
	if late {
		s.hold = append(s.hold, d)
	} else {
		s.admit = append(s.admit, d)
	}
}

// Span writes the time of a rate as the document has it.
func Span(d time.Duration) string {
	switch d {
	case time.Second:
		return "second"
	case time.Minute:
		return "min"
	case time.Hour:
		return "hour"
	case 24 * time.Hour:
		return "day"
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}

// of returns the pot that an exchange draws from.
func (l *limits) of(d *draw, x *gateway.Exchange, provider string) *gateway.Pot {
	if d.pot != nil {
		return d.pot
	}
	var buf [256]byte
	name := append(buf[:0], d.head...)
	name = policy.AppendValues(name, d.by, x, provider)
	name = append(name, d.tail...)
	return l.cache.Get(name, func(name string) *gateway.Pot {
		pot := d.model
		pot.Name = name
		return &pot
	})
}

// Name implements gateway.Policy.
func (l *limits) Name() string { return "limit" }

// Admit implements gateway.Admitter: it draws the request from every limit that needs no target.
func (p *Admitter) Admit(ctx context.Context, x *gateway.Exchange) error {
	var sets [policy.Scopes]*set
	found := sets[:p.scoped.Of(x, "", &sets)]
	n := 0
	for _, s := range found {
		n += len(s.admit)
	}
	if n == 0 {
		return nil
	}
	from := len(x.Drawn)
	x.Drawn = grown(x.Drawn, n)
	for _, s := range found {
		for i := range s.admit {
			d := &s.admit[i]
			pot := p.of(d, x, "")
			drawn, standing, ok := p.pots.Draw(ctx, pot, x.Start, 1)
			if !ok {
				p.back(x.Drawn[from:])
				x.Drawn = x.Drawn[:from]
				if pot.Unit == gateway.Requests {
					stand(x, standing, 1)
				}
				return d.refuse(pot, standing, 1)
			}
			x.Drawn = append(x.Drawn, drawn)
			if pot.Unit == gateway.Requests {
				stand(x, standing, n)
			}
		}
	}
	return nil
}

// Settle implements gateway.Settler: the requests stay drawn, and how many are under way comes back.
func (p *Admitter) Settle(x *gateway.Exchange) {
	for _, d := range slices.Backward(x.Drawn) {
		p.settle(d, gateway.Used{})
	}
}

// settle ends one draw of this package's kinds.
func (l *limits) settle(d gateway.Drawn, used gateway.Used) {
	if d.Pot == nil || d.Pot.Kind == gateway.Purse {
		return
	}
	switch d.Pot.Unit {
	case gateway.Requests:
		if used.Unsent {
			l.pots.Settle(d, 0)
			return
		}
		l.pots.Settle(d, d.Amount)
	case gateway.Tokens:
		l.pots.Settle(d, used.Input+used.Output)
	case gateway.InputTokens:
		l.pots.Settle(d, used.Input)
	case gateway.OutputTokens:
		l.pots.Settle(d, used.Output)
	default:
		l.pots.Settle(d, 0)
	}
}

// back gives back what was drawn, the last first.
func (l *limits) back(drawn []gateway.Drawn) {
	for _, d := range slices.Backward(drawn) {
		l.pots.Settle(d, 0)
	}
}

// grown makes room for n more.
func grown[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return append(make([]T, 0, len(s)+n), s...)
}

// stand notes how a limit stands that let an exchange in, or did not, the tightest first. n is how many may follow.
func stand(x *gateway.Exchange, s gateway.Standing, n int) {
	if len(x.Standings) == 0 {
		x.Standings = grown(x.Standings, n)
	}
	x.Standings = append(x.Standings, s)
	for i := len(x.Standings) - 1; i > 0 && tighter(&x.Standings[i], &x.Standings[i-1]); i-- {
		x.Standings[i], x.Standings[i-1] = x.Standings[i-1], x.Standings[i]
	}
}

// tighter orders limits by how much is left.
func tighter(a, b *gateway.Standing) bool { return a.Left < b.Left }

// named tells a limit for a person: "the limit of 600 requests/min for each end_user of team shop".
func (d *draw) named() string {
	var b strings.Builder
	b.WriteString("the limit of ")
	b.WriteString(strconv.FormatInt(d.model.Amount, 10))
	switch d.model.Unit {
	case gateway.Concurrent:
		b.WriteString(" requests at once")
	case gateway.InputTokens, gateway.OutputTokens:
		b.WriteString(" tokens of " + string(d.model.Unit) + "/" + Span(d.model.Per))
	default:
		b.WriteString(" " + string(d.model.Unit) + "/" + Span(d.model.Per))
	}
	if len(d.by) > 0 {
		b.WriteString(" for each ")
		for i, by := range d.by {
			if i > 0 {
				b.WriteString(" and ")
			}
			b.WriteString(by.String())
		}
	}
	b.WriteString(" of " + d.scope.String())
	return b.String()
}
