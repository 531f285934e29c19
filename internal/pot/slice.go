package pot

import (
	"time"

	"weir/internal/gateway"
)

// How large slices are, and how long they last.
const (
	// keepMost bounds for how long what was taken of a bucket ahead of need is kept; see keep.
	keepMost = 2 * time.Second
	// atOnce is for how long what was taken of a bucket for a draw that waits for it is kept.
	atOnce = 100 * time.Millisecond
	// lease is after how long the store takes a level's slice back unless it is renewed.
	lease = 10 * time.Second
	// listen is how often a node renews a level's slice: it learns of others that want some, and is far from the lease's end.
	listen = 500 * time.Millisecond
	// idle is after how long without a draw a node keeps nothing ahead of need.
	idle = time.Second
	// purseParts is how much of a purse all nodes together keep ahead of need: one part in so many.
	purseParts = 40
	// rateParts is how much of a bucket or a level one node does.
	rateParts = 32
	// leftParts is how much of what is left one node does: near the end slices are small.
	leftParts = 8
	// denied is for how long a node that got less than it asked for does not ask again.
	denied = 100 * time.Millisecond
)

// slice is what this node has of a purse's window, of a level, or of a bucket. Its shard's lock guards it.
//
// Ahead of need it has about what it has drawn in the last second, and no more than a small part of the pot and of what is
// left of it. What is beyond goes back: of a purse and a level when it is looked through, ten times a second; what was taken
// of a bucket lapses.
type slice struct {
	fleet  *fleet
	shard  *shard
	cell   *cell
	window int64 // of a purse
	seq    int64 // of the last claim

	granted int64   // of a purse and a level, in all
	until   int64   // of a level: when nothing more is let in by it
	hands   [2]hand // of a bucket: for use at once, and ahead of need
	owed    int64   // of a bucket: used without having been taken
	rest    int64   // of a bucket: drawn and not used, on its way back
	since   int64   // when the oldest of rest was taken, by the store's clock

	need   int64 // what draws wait for
	demand int64 // what was drawn lately
	used   int64 // when something was drawn last
	left   int64 // of the whole pot, when the store last said so
	nodes  int64 // that have something of it
	denied int64 // until when asking is no use
	// crowded is until when this node leaves a level's rest to others.
	crowded int64
	queued  bool
	unsure  bool          // what the store has for this node is not known: of an earlier life, or of a call that was not answered
	active  bool          // the fleet looks it through; its goroutine's own
	opened  bool          // what other nodes spent is claimed for them
	waits   chan struct{} // is closed when there is an answer; nil = no draw waits
}

// hand is what was taken of a bucket and is not drawn yet.
type hand struct {
	n     int64
	taken int64 // when the oldest of it was, by the store's clock
	since int64 // when it was asked for
	until int64 // until when it may be drawn
}

// keep is for how long what is taken of a bucket ahead of need is kept, by the store's account. The node uses it for two
// thirds of that, from before it asked.
func keep(pot *gateway.Pot) time.Duration { return min(pot.Per/8, keepMost) }

// room is what may be drawn of a purse's window.
func (s *slice) room(w *window) int64 { return s.granted - w.spent }

// levelRoom is how much more there may be of a level.
func (s *slice) levelRoom(c *cell, now int64) int64 {
	if now >= s.until {
		return 0
	}
	return min(s.granted, s.fair(now)) - c.level
}

// fair is how much of a level this node uses: where nothing was left lately, no more than its part. What is beyond is given
// up as calls end, and is there for others for a while, so that no node waits for ever.
func (s *slice) fair(now int64) int64 {
	amount := s.cell.pot.Amount
	if now >= s.crowded || s.nodes < 2 {
		return amount
	}
	return (amount-1)/s.nodes + 1
}

// hand is what may be drawn of a bucket.
func (s *slice) hand(now int64) int64 {
	if s.owed > 0 {
		return 0
	}
	sum := int64(0)
	for i := range s.hands {
		if now < s.hands[i].until {
			sum += s.hands[i].n
		}
	}
	return sum
}

// take draws from a bucket's slice; taken is when the oldest of it was taken, by the store's clock.
func (s *slice) take(now, n int64) (taken int64, ok bool) {
	if n == 0 {
		return 0, true
	}
	if s.hand(now) < n {
		return 0, false
	}
	for i := range s.hands {
		if h := &s.hands[i]; now < h.until && h.n > 0 && n > 0 {
			part := min(n, h.n)
			h.n, n = h.n-part, n-part
			if taken == 0 || h.taken < taken {
				taken = h.taken
			}
		}
	}
	return taken, true
}

// drawn notes a draw, and asks for more before the slice is used up.
func (s *slice) drawn(n, now int64, ok bool) {
	if n == 0 {
		return
	}
	if s.used = now; !ok {
		return
	}
	s.demand = plus(s.demand, n)
	if now < s.denied || s.queued {
		return
	}
	if extra := s.extra(); extra > 0 && s.ahead(now) < extra/2 {
		s.fleet.enqueue(s)
	}
}

// ahead is what is in hand.
func (s *slice) ahead(now int64) int64 {
	switch s.cell.pot.Kind {
	case gateway.Purse:
		if w := s.cell.purse.at(s.window); w != nil {
			return s.room(w)
		}
		return 0
	case gateway.Level:
		return s.granted - s.cell.level
	default:
		return s.hand(now)
	}
}

// extra is how much this node wants to have ahead of need.
func (s *slice) extra() int64 {
	pot := s.cell.pot
	part := pot.Amount / rateParts
	if pot.Kind == gateway.Purse {
		part = pot.Amount / purseParts / max(s.nodes, 1)
	}
	return max(min(s.demand, part, s.left/leftParts), 0)
}

// settled sees to it that what was spent beyond the slice is claimed.
func (s *slice) settled(w *window, _ int64) {
	if w.spent > s.granted {
		s.fleet.enqueue(s)
	}
}

// settledLevel does so for a level.
func (s *slice) settledLevel(c *cell, _ int64) {
	if c.level > s.granted {
		s.fleet.enqueue(s)
	}
}

// back gives back what was not used of a draw of a bucket, or takes what was used beyond it.
func (s *slice) back(now int64, d gateway.Drawn, used int64) {
	switch {
	case used > d.Amount:
		s.owe(now, used-d.Amount)
	case used < d.Amount && d.Mark > 0:
		s.bring(d.Amount-used, d.Mark)
		s.fleet.enqueue(s)
	}
}

// drop gives back what was taken and not drawn in time.
func (s *slice) drop(h *hand) {
	if h.n > 0 {
		s.bring(h.n, h.taken)
		h.n = 0
	}
}

// bring notes what is to go back of what was taken of a bucket at a time.
func (s *slice) bring(n, taken int64) {
	if s.rest == 0 || taken < s.since {
		s.since = taken
	}
	s.rest = plus(s.rest, n)
}

// owe takes n of a bucket that was used already.
func (s *slice) owe(now, n int64) {
	if in := min(n, s.hand(now)); in > 0 {
		s.take(now, in)
		n -= in
	}
	if n > 0 {
		s.owed = plus(s.owed, n)
		s.fleet.enqueue(s)
	}
}

// rests reports whether nothing is lost if the slice is forgotten.
func (s *slice) rests(now int64) bool {
	if s.queued || s.waits != nil || s.active {
		return false
	}
	if s.cell.pot != nil && s.cell.pot.Kind == gateway.Bucket {
		return s.hand(now) == 0 && s.owed == 0 && s.rest == 0
	}
	if w := s.cell.purse.at(s.window); w != nil && w.slice == s {
		return s.granted <= w.spent && !s.unsure
	}
	return s.granted == 0 && !s.unsure
}

// review reports whether there is something to tell the store, and whether the slice needs to be looked through again.
func (s *slice) review(now int64) (tell, again bool) {
	pot := s.cell.pot
	if s.demand -= (s.demand + 7) / 8; now-s.used > int64(idle) {
		s.demand = 0
	}
	if pot.Kind == gateway.Bucket {
		for i := range s.hands {
			if h := &s.hands[i]; h.n > 0 && now >= h.until {
				s.drop(h)
			}
			again = again || s.hands[i].n > 0
		}
		tell = s.owed > 0 || s.rest > 0
		return tell, again || s.demand > 0
	}
	ahead, extra := s.ahead(now), s.extra()
	tell = s.unsure || ahead < 0 || ahead > extra+extra/2
	if pot.Kind == gateway.Level {
		since := now - (s.until - int64(lease*2/3)) // it was renewed
		return tell || s.granted > 0 && since >= int64(listen), s.granted > 0 || s.cell.level > 0
	}
	return tell, ahead != 0 || s.demand > 0
}

// claim is what the slice says to the store: what a purse or a level is to have. What goes back is given up before it is
// said, so that it is never spent here and elsewhere, whether or not the store is heard to have taken it. The second result
// is what draws wait for in it.
func (s *slice) claim(now, wall int64) (gateway.Claim, int64, bool) {
	pot := s.cell.pot
	c := gateway.Claim{Pot: pot, Window: s.window}
	need := s.need
	s.need = 0
	spent := s.cell.level
	renew := false
	if pot.Kind == gateway.Purse {
		w := s.cell.purse.at(s.window)
		if w == nil {
			return c, 0, false
		}
		spent = w.spent
		if w.ends != never {
			c.Ends = time.Unix(w.ends, 0).Add(2 * grace)
		}
	} else {
		c.Lease = lease
		c.Force = now >= s.until && spent > 0 // the store may have taken it back: what is in use is in use
		renew = s.granted > 0
	}
	renew = renew || s.unsure
	if pot.Kind == gateway.Level {
		// What is beyond this node's part goes back, whatever is wanted here.
		most := max(s.fair(now), spent)
		if s.granted > most {
			s.granted = most
			renew = true
		}
		need = min(need, most-spent)
	}
	switch ahead, extra := s.granted-spent, s.extra(); {
	case ahead < 0 || c.Force:
		c.Total, c.Force = spent, true
		if need > 0 {
			s.need = need // asked for when this is said
			need = 0
		}
	case need+extra > ahead && (need > ahead || ahead < extra/2):
		c.Total = plus(spent, plus(need, extra))
	case ahead > extra+extra/2 && ahead > need:
		c.Total = plus(spent, max(need, extra))
		s.granted = c.Total
	case renew:
		c.Total = s.granted
	default:
		return c, need, false
	}
	if s.seq == 0 {
		s.seq = wall
	}
	s.seq++
	c.Seq, s.unsure = s.seq, true
	return c, need, true
}

// claimed takes in what the store answered to a claim that was made at a time.
func (s *slice) claimed(c *gateway.Claim, g gateway.Granted, need, asked, now int64) {
	s.left, s.nodes = g.Left, g.Nodes
	if g.Seq > c.Seq { // another life of this node has claimed since, by a clock that was ahead
		s.seq = g.Seq
		s.need = plus(s.need, need)
		s.fleet.enqueue(s)
		return
	}
	s.granted, s.unsure = g.N, false
	if c.Lease > 0 {
		s.until = asked + int64(lease*2/3)
		if g.Left == 0 {
			s.crowded = now + 3*int64(listen)
		}
	}
	if g.N < c.Total {
		s.denied = now + int64(denied)
	}
	if s.need > 0 || s.ahead(now) < 0 {
		s.fleet.enqueue(s)
	}
}

// ask is what the slice says of a bucket.
func (s *slice) ask(now int64) (gateway.Ask, int64, bool) {
	pot := s.cell.pot
	need := s.need
	s.need = 0
	a := gateway.Ask{Pot: pot, N: plus(need, s.owed)}
	if k := keep(pot); k >= 2*atOnce {
		if extra := s.extra(); s.hand(now) < extra/2 {
			a.More, a.Keep = extra, k
		}
	}
	if s.rest > 0 {
		a.Back, a.Taken = s.rest, s.since
		s.rest = 0
	}
	return a, need, a.N > 0 || a.More > 0 || a.Back > 0
}

// took takes in what the store answered to an ask that was made at a time.
func (s *slice) took(a *gateway.Ask, g gateway.Granted, asked, now int64) {
	s.left = g.Left
	first, more := min(g.N, a.N), max(g.N-a.N, 0)
	if first < a.N {
		s.denied = now + s.refill(a.N-first)
	}
	if pay := min(s.owed, first); pay > 0 {
		s.owed -= pay
		first -= pay
	}
	if h := &s.hands[0]; first > 0 {
		if h.n == 0 || now-h.since > int64(atOnce) {
			s.drop(h)
		}
		if h.n == 0 {
			h.since, h.taken = asked, g.At
		}
		h.n, h.until = h.n+first, now+int64(atOnce)/2
	}
	if h := &s.hands[1]; more > 0 {
		if now >= h.until {
			s.drop(h)
		}
		if h.n == 0 {
			h.since, h.taken, h.until = asked, g.At, asked+int64(a.Keep*2/3)
		}
		h.n += more // of both the earlier end
	}
	if s.need > 0 || s.owed > 0 && g.Left > 0 || s.rest > 0 {
		s.fleet.enqueue(s)
	}
}

// refill is how long a bucket needs for n, within what a node waits before it asks again.
func (s *slice) refill(n int64) int64 {
	b := bucket{amount: s.cell.pot.Amount, per: int64(s.cell.pot.Per)}
	if b.amount <= 0 {
		return int64(denied)
	}
	ns, _ := b.cost(n)
	return min(ns, int64(denied))
}
