// Package policytest has pots that policies are tested against: exact, in memory, under a clock that stands until it is
// moved.
package policytest

import (
	"context"
	"sync"
	"time"

	"weir/internal/gateway"
)

// Pots implements gateway.Pots. The zero value is ready.
type Pots struct {
	Now  time.Time // by which buckets fill
	mu   sync.Mutex
	pots map[string]*state
	open int
}

type state struct {
	kind   gateway.PotKind
	at     time.Time       // of a bucket: when it was last filled
	filled int64           // of a bucket: what is in it, times Per in milliseconds; below zero where it is overdrawn
	taken  map[int64]int64 // of a purse by window or slot, of a level under 0
}

// Open returns how many draws are not settled.
func (p *Pots) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

// Names returns the names of all pots that were ever drawn from.
func (p *Pots) Names() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]bool{}
	for name := range p.pots {
		out[name] = true
	}
	return out
}

func (p *Pots) of(pot *gateway.Pot) *state {
	if p.pots == nil {
		p.pots = map[string]*state{}
	}
	s := p.pots[pot.Name]
	if s == nil {
		s = &state{kind: pot.Kind, at: p.Now, filled: pot.Amount * span(pot), taken: map[int64]int64{}}
		p.pots[pot.Name] = s
	}
	if pot.Kind == gateway.Bucket {
		s.filled = min(s.filled+pot.Amount*p.Now.Sub(s.at).Milliseconds(), pot.Amount*span(pot))
		s.at = p.Now
	}
	return s
}

// span is the time of a bucket.
func span(pot *gateway.Pot) int64 { return pot.Per.Milliseconds() }

// window returns where a draw at a time is kept.
func window(pot *gateway.Pot, at time.Time) int64 {
	if pot.Kind != gateway.Purse {
		return 0
	}
	return pot.Window.Begin(at).Unix()
}

func (s *state) left(pot *gateway.Pot, at time.Time) int64 {
	switch pot.Kind {
	case gateway.Bucket:
		if s.filled < 0 {
			return (s.filled+1)/span(pot) - 1
		}
		return s.filled / span(pot)
	case gateway.Purse:
		left := pot.Amount
		since := pot.Window.Since(at).Unix()
		for w, n := range s.taken {
			if w >= since && w <= at.Unix() {
				left -= n
			}
		}
		return left
	}
	return pot.Amount - s.taken[0]
}

func (p *Pots) standing(pot *gateway.Pot, s *state, at time.Time, n int64) gateway.Standing {
	left := s.left(pot, at)
	out := gateway.Standing{Pot: pot, Left: max(left, 0)}
	if pot.Kind == gateway.Bucket && n > left && n <= pot.Amount {
		missing := n*span(pot) - s.filled
		out.Wait = time.Duration((missing+pot.Amount-1)/pot.Amount) * time.Millisecond
	}
	return out
}

// Draw implements gateway.Pots.
func (p *Pots) Draw(_ context.Context, pot *gateway.Pot, at time.Time, n int64) (gateway.Drawn, gateway.Standing, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n <= 0 {
		panic("policytest: a draw of nothing")
	}
	s := p.of(pot)
	if n > s.left(pot, at) {
		return gateway.Drawn{}, p.standing(pot, s, at, n), false
	}
	p.open++
	w := window(pot, at)
	s.take(pot, w, n)
	return gateway.Drawn{Pot: pot, Window: w, Amount: n}, p.standing(pot, s, at, 0), true
}

func (s *state) take(pot *gateway.Pot, window, n int64) {
	if pot.Kind == gateway.Bucket {
		s.filled -= n * span(pot)
		return
	}
	s.taken[window] += n
}

// Settle implements gateway.Pots.
func (p *Pots) Settle(d gateway.Drawn, used int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d.Amount <= 0 {
		panic("policytest: what was not drawn is settled")
	}
	p.open--
	s := p.of(d.Pot)
	if d.Pot.Kind == gateway.Level {
		used = 0
	}
	s.take(d.Pot, d.Window, used-d.Amount)
	s.filled = min(s.filled, d.Pot.Amount*span(d.Pot))
}

// Charge implements gateway.Pots.
func (p *Pots) Charge(pot *gateway.Pot, at time.Time, used int64) gateway.Drawn {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := window(pot, at)
	p.of(pot).take(pot, w, used)
	return gateway.Drawn{Pot: pot, Window: w, Amount: used}
}

// Standing implements gateway.Pots.
func (p *Pots) Standing(pot *gateway.Pot, at time.Time) gateway.Standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.standing(pot, p.of(pot), at, 0)
}
