// Package pot keeps what limits and budgets have left, and hands out no more than that: buckets that fill by themselves,
// purses for a window of time, and levels of what there is at once.
//
// A node that is alone decides exactly, in memory. Nodes that share a pot each hold a slice of it, which a store that they
// share has granted (gateway.Shares), and decide within their slices: the sum of all slices never exceeds the pot, so
// nothing that is out of reach can multiply it. What a node needs beyond its slice is asked for by one goroutine for each
// kind of store, many pots in one call; a draw waits for it for some milliseconds, and only while the store answers. See
// slice.go for how large a slice is, and fleet.go for how it is asked for.
//
// Buckets go by the monotonic clock. Purses go by the time of the exchange that draws, and never by the clock, which may
// jump. Whatever stands as it would at first is forgotten: a full bucket, a level nobody has taken of, and a purse's window
// that has been over for a while and is settled.
package pot

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/gateway"
)

const (
	shards = 256
	// grace is how long a window is remembered when it is over: an exchange that began in it may draw again.
	grace = 2 * time.Hour
	// sweepEvery is how often a shard looks for what it can forget.
	sweepEvery = time.Minute
	// most is how many pots are kept unless the options say otherwise.
	most = 4 << 20
)

// Options are how pots are kept. The zero value is a node that is alone.
type Options struct {
	Node string           // this node's name: no two nodes of a fleet have the same
	Now  func() time.Time // the wall clock; nil = time.Now
	Mono func() int64     // nanoseconds of a clock that never jumps; nil = the process's own
	Most int              // pots; 0 = 4 Mi. Beyond it, what is not known is refused
	// Shares is the store that nodes share; nil = this node is alone.
	Shares gateway.Shares
	// Purses is the store that purses are shared in, where that is another one: a store that never loses what it was told.
	Purses gateway.Shares
	// Patience bounds a call of the store; 0 = 500 ms.
	Patience time.Duration
	// byHand leaves out the goroutines: a test turns the fleets itself.
	byHand bool
}

// Pots implements gateway.Pots.
type Pots struct {
	o      Options
	seed   maphash.Seed
	shards [shards]shard
	cells  atomic.Int64
	rates  *fleet // asks for buckets and levels; nil = alone
	purses *fleet // asks for purses
	count  counts
}

// counts is what Stats tells.
type counts struct{ full, lost, overdrawn, overdrafts, waits, refused atomic.Int64 }

// shard is a part of the pots, by name.
type shard struct {
	mu    sync.Mutex // guards the rest, and the cells and slices in it; it is held for well under a microsecond
	cells map[string]*cell
	swept int64 // when it was last looked through
	gone  int64 // the latest end of a window that was forgotten: what was spent in earlier ones is not known
	_     [24]byte
}

// cell is how one pot stands.
type cell struct {
	pot    *gateway.Pot // as it was last seen; nil = only what was loaded is known
	purse  purse
	bucket bucket
	level  int64
	slice  *slice // of a bucket or a level
}

// New returns pots that have everything. Close ends them.
func New(o Options) *Pots {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Mono == nil {
		began := time.Now()
		o.Mono = func() int64 { return int64(time.Since(began)) + 1 }
	}
	if o.Most <= 0 {
		o.Most = most
	}
	if o.Patience <= 0 {
		o.Patience = 500 * time.Millisecond
	}
	p := &Pots{o: o, seed: maphash.MakeSeed()}
	for i := range p.shards {
		p.shards[i].cells = make(map[string]*cell)
	}
	if o.Purses == nil {
		p.o.Purses = o.Shares
	}
	if p.o.Shares != nil {
		p.rates = newFleet(p, p.o.Shares)
	}
	if p.o.Purses != nil {
		p.purses = newFleet(p, p.o.Purses)
	}
	return p
}

// Load adds what was spent before this process began: what the books say, and what is in the journal and not in them yet,
// open holds included. Everything is loaded before the first draw. A node that is alone counts all nodes' spending; in a
// fleet each counts its own, and the others' where the store has lost it.
func (p *Pots) Load(s gateway.PotSpent) {
	if p.purses != nil && s.Node != p.o.Node {
		p.purses.others(s)
		return
	}
	sh := p.shard(s.Pot)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := sh.cells[s.Pot]
	if c == nil {
		c = &cell{}
		sh.cells[s.Pot] = c
		p.cells.Add(1)
	}
	w := c.purse.at(s.Window)
	if w == nil {
		w = c.purse.open(s.Window)
		if c.pot != nil {
			w.frame(&c.pot.Window)
		}
		p.part(sh, c, w)
	}
	w.spent = plus(w.spent, int64(s.Spent))
}

// Draw implements gateway.Pots.
func (p *Pots) Draw(ctx context.Context, pot *gateway.Pot, at time.Time, n int64) (gateway.Drawn, gateway.Standing, bool) {
	n = max(n, 0)
	sh := p.shard(pot.Name)
	now := p.o.Mono()
	sh.mu.Lock()
	c := p.cell(sh, pot, now)
	if c == nil {
		sh.mu.Unlock()
		return gateway.Drawn{}, gateway.Standing{Pot: pot}, false
	}
	d, s, short, ok := p.draw(sh, c, pot, at, now, n)
	if ok || short == nil {
		sh.mu.Unlock()
		if !ok {
			p.count.refused.Add(1)
		}
		return d, s, ok
	}
	// The slice is too small. The fleet is asked for more, and may answer soon.
	wait := short.fleet.ask(short, n, now)
	sh.mu.Unlock()
	if wait != nil && short.fleet.wait(ctx, wait) {
		p.count.waits.Add(1)
		now = p.o.Mono()
		sh.mu.Lock()
		if c = p.cell(sh, pot, now); c != nil {
			d, s, _, ok = p.draw(sh, c, pot, at, now, n)
		}
		sh.mu.Unlock()
	}
	if !ok {
		p.count.refused.Add(1)
	}
	return d, s, ok
}

// draw takes n out of a cell. short is the slice that is too small for it where the fleet may have more.
func (p *Pots) draw(sh *shard, c *cell, pot *gateway.Pot, at time.Time, now, n int64) (d gateway.Drawn, s gateway.Standing, short *slice, ok bool) {
	d = gateway.Drawn{Pot: pot, Amount: n}
	switch pot.Kind {
	case gateway.Purse:
		w := p.window(sh, c, pot, at, true)
		d.Window = w.begin
		room := plus(pot.Amount, -c.purse.spent(&pot.Window, at, w))
		if w.slice != nil {
			room = min(room, w.slice.room(w))
		}
		if ok = n == 0 || !w.late && n <= room; ok {
			w.spent = plus(w.spent, n)
			w.out++
			room -= n
		} else if w.slice != nil && !w.late && n <= pot.Amount {
			short = w.slice
		}
		if w.slice != nil {
			w.slice.drawn(n, now, ok)
			room = plus(room, w.slice.left)
		}
		s = gateway.Standing{Pot: pot, Left: max(room, 0)}
		asked := n
		if ok {
			asked = 0
		}
		s.Wait, s.Full = c.purse.wait(pot, at, w, asked)
	case gateway.Level:
		room := pot.Amount - c.level
		if c.slice != nil {
			room = min(room, c.slice.levelRoom(c, now))
		}
		if ok = n == 0 || n <= room; ok {
			c.level += n
			room -= n
		} else if c.slice != nil && c.level+n <= c.slice.fair(now) {
			short = c.slice
		}
		if c.slice != nil {
			c.slice.drawn(n, now, ok)
			room += c.slice.left
		}
		s = gateway.Standing{Pot: pot, Left: max(room, 0)}
	default:
		d.Mark = now
		if c.slice != nil {
			return p.drawShared(c, d, now)
		}
		var wait int64
		if n == 0 {
			ok = true
		} else {
			wait, ok = c.bucket.draw(now, n)
		}
		s = gateway.Standing{Pot: pot, Left: c.bucket.left(now), Full: time.Duration(c.bucket.debt(now)), Wait: time.Duration(wait)}
	}
	return d, s, short, ok
}

// drawShared takes out of what the node has of a bucket that others draw from too.
func (p *Pots) drawShared(c *cell, d gateway.Drawn, now int64) (_ gateway.Drawn, s gateway.Standing, short *slice, ok bool) {
	h := c.slice
	mark, ok := h.take(now, d.Amount)
	d.Mark = mark
	h.drawn(d.Amount, now, ok)
	s = gateway.Standing{Pot: d.Pot, Left: plus(h.hand(now), h.left)}
	if per := int64(d.Pot.Per); d.Pot.Amount > 0 && per > 0 {
		c.bucket.amount, c.bucket.per = d.Pot.Amount, per
		full, _ := c.bucket.cost(max(d.Pot.Amount-s.Left, 0))
		s.Full = time.Duration(full)
		if !ok && d.Amount <= d.Pot.Amount {
			wait, _ := c.bucket.cost(max(d.Amount-s.Left, 1))
			s.Wait = time.Duration(wait)
			short = h
		}
	}
	return d, s, short, ok
}

// Settle implements gateway.Pots.
func (p *Pots) Settle(d gateway.Drawn, used int64) {
	if d.Pot == nil {
		return
	}
	used = max(used, 0)
	sh := p.shard(d.Pot.Name)
	now := p.o.Mono()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := p.held(sh, d.Pot, now)
	if c == nil {
		p.count.lost.Add(1)
		return
	}
	if used > d.Amount && d.Pot.Kind != gateway.Level {
		p.count.overdrafts.Add(1)
		p.count.overdrawn.Add(used - d.Amount)
	}
	switch d.Pot.Kind {
	case gateway.Purse:
		w := c.purse.at(d.Window)
		if w == nil {
			w = p.openWindow(sh, c, d.Window, true)
		}
		w.spent = max(plus(w.spent, used-d.Amount), 0)
		w.out = max(w.out-1, 0)
		if w.slice != nil {
			w.slice.settled(w, now)
		}
	case gateway.Level:
		c.level = max(c.level-d.Amount, 0)
		if c.slice != nil {
			c.slice.settledLevel(c, now)
		}
	default:
		switch {
		case c.slice != nil:
			c.slice.back(now, d, used)
		case used < d.Amount:
			c.bucket.back(now, d.Mark, d.Amount-used)
		case used > d.Amount && c.bucket.amount > 0:
			c.bucket.add(now, used-d.Amount)
		}
	}
}

// Charge implements gateway.Pots.
func (p *Pots) Charge(pot *gateway.Pot, at time.Time, used int64) gateway.Drawn {
	d := gateway.Drawn{Pot: pot}
	sh := p.shard(pot.Name)
	now := p.o.Mono()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := p.cell(sh, pot, now)
	if c == nil {
		p.count.lost.Add(1)
		return d
	}
	d.Amount = max(used, 0)
	switch pot.Kind {
	case gateway.Purse:
		w := p.window(sh, c, pot, at, false)
		d.Window = w.begin
		w.spent = max(plus(w.spent, used), 0)
		if w.slice != nil {
			w.slice.drawn(d.Amount, now, true)
			w.slice.settled(w, now)
		}
	case gateway.Level:
		c.level += d.Amount
		if c.slice != nil {
			c.slice.settledLevel(c, now)
		}
	default:
		d.Mark = now
		switch {
		case d.Amount == 0:
		case c.slice != nil:
			c.slice.owe(now, d.Amount)
			d.Mark = 0 // nothing of it was taken, so nothing comes back
		case c.bucket.amount > 0:
			c.bucket.add(now, d.Amount)
		}
	}
	return d
}

// Standing implements gateway.Pots. It makes a pot known: what an earlier life of this node had in hand of it goes back.
func (p *Pots) Standing(pot *gateway.Pot, at time.Time) gateway.Standing {
	sh := p.shard(pot.Name)
	now := p.o.Mono()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := sh.cells[pot.Name]
	if c == nil && (pot.Kind != gateway.Purse || p.purses == nil) {
		return gateway.Standing{Pot: pot, Left: max(pot.Amount, 0)} // what is only asked about is not kept
	}
	if c = p.cell(sh, pot, now); c == nil {
		return gateway.Standing{Pot: pot}
	}
	_, s, _, _ := p.draw(sh, c, pot, at, now, 0)
	if pot.Kind == gateway.Purse {
		w := c.purse.at(pot.Window.Begin(at).Unix())
		w.out--
		if w.slice != nil && w.slice.unsure {
			w.slice.fleet.enqueue(w.slice)
		}
	}
	return s
}

func (p *Pots) shard(name string) *shard {
	return &p.shards[maphash.String(p.seed, name)%shards]
}
