package pot

import (
	"context"
	"errors"
	"time"

	"weir/internal/gateway"
)

// Stats is how pots are doing.
type Stats struct {
	Pots       int64 // that are known
	Full       int64 // draws that were refused since there was no room for another pot
	Lost       int64 // charges and settlements that were not counted since there was no room
	Refused    int64 // draws that did not find what they asked for
	Waited     int64 // draws that waited for another part of a pot, and got an answer
	Overdrafts int64 // settlements above what was drawn
	Overdrawn  int64 // by how much in all, whatever the units
	Rates      FleetStats
	Purses     FleetStats
}

// FleetStats is how a store that nodes share is doing, as this node sees it.
type FleetStats struct {
	Calls, Failures int64
	Answers         bool          // the last call was answered
	Silent          time.Duration // since a call was answered last; 0 = none was
	Waiting         int           // slices that are to be told of
}

// Stats tells how pots are doing.
func (p *Pots) Stats() Stats {
	return Stats{
		Pots: p.cells.Load(), Full: p.count.full.Load(), Lost: p.count.lost.Load(), Refused: p.count.refused.Load(),
		Waited: p.count.waits.Load(), Overdrafts: p.count.overdrafts.Load(), Overdrawn: p.count.overdrawn.Load(),
		Rates: p.rates.stats(), Purses: p.purses.stats(),
	}
}

func (f *fleet) stats() FleetStats {
	if f == nil {
		return FleetStats{}
	}
	s := FleetStats{Calls: f.calls.Load(), Failures: f.fails.Load(), Answers: f.answers.Load()}
	if last := f.last.Load(); last > 0 {
		s.Silent = time.Duration(f.pots.o.Mono() - last)
	}
	f.mu.Lock()
	s.Waiting = len(f.queue)
	f.mu.Unlock()
	return s
}

// Close gives back what this node has in hand, so that others can spend it, for as long as ctx lasts. What is drawn and not
// settled stays drawn. A pot that is shared hands out nothing afterwards.
func (p *Pots) Close(ctx context.Context) error {
	if p.rates == nil && p.purses == nil {
		return nil
	}
	for _, f := range []*fleet{p.rates, p.purses} {
		if f != nil {
			f.end()
		}
	}
	claims := map[*fleet][]gateway.Claim{}
	var asks []gateway.Ask
	wall := p.o.Now().UnixMicro()
	for i := range p.shards {
		sh := &p.shards[i]
		sh.mu.Lock()
		for _, c := range sh.cells {
			for j := range c.purse.windows {
				if w := &c.purse.windows[j]; c.pot != nil && w.slice != nil && (w.slice.granted != w.spent || w.slice.unsure) {
					claims[w.slice.fleet] = append(claims[w.slice.fleet], w.slice.release(w.spent, wall))
				}
			}
			if s := c.slice; s != nil && c.pot.Kind == gateway.Level && s.granted > 0 {
				claims[s.fleet] = append(claims[s.fleet], s.release(0, wall))
			} else if s != nil && c.pot.Kind == gateway.Bucket {
				for j := range s.hands {
					s.drop(&s.hands[j])
				}
				if s.rest > 0 {
					asks = append(asks, gateway.Ask{Pot: c.pot, Back: s.rest, Taken: s.since})
					s.rest = 0
				}
			}
		}
		sh.mu.Unlock()
	}
	var errs []error
	for f, all := range claims {
		for ; len(all) > 0; all = all[min(together, len(all)):] {
			_, err := f.shares.Claim(ctx, p.o.Node, all[:min(together, len(all))])
			errs = append(errs, err)
		}
	}
	for ; len(asks) > 0; asks = asks[min(together, len(asks)):] {
		_, err := p.rates.shares.Take(ctx, asks[:min(together, len(asks))])
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// release gives up all but so much.
func (s *slice) release(total, wall int64) gateway.Claim {
	if s.seq == 0 {
		s.seq = wall
	}
	s.seq++
	c := gateway.Claim{Pot: s.cell.pot, Window: s.window, Seq: s.seq, Total: total, Force: total > s.granted}
	s.granted = total
	if s.cell.pot.Kind == gateway.Level {
		c.Lease = lease
	} else if w := s.cell.purse.at(s.window); w != nil && w.ends != never {
		c.Ends = time.Unix(w.ends, 0).Add(2 * grace)
	}
	return c
}

// Interface guard.
var _ gateway.Pots = (*Pots)(nil)
