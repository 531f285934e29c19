package pot

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/gateway"
)

const (
	// patience is how long a draw waits for its slice to grow.
	patience = 20 * time.Millisecond
	// reviewEvery is how often slices are looked through.
	reviewEvery = 100 * time.Millisecond
	// together is how many pots are asked for in one call.
	together = 256
	// A call that failed is tried again after retryFirst, then later and later, at most after retryMost.
	retryFirst = 50 * time.Millisecond
	retryMost  = time.Second
)

// fleet asks a store for this node's slices. One goroutine does: while one call is under way, what is asked for gathers for
// the next.
type fleet struct {
	pots   *Pots
	shares gateway.Shares

	mu      sync.Mutex // guards queue and foreign; it may be taken while a shard's lock is held, never the other way about
	queue   []*slice
	foreign map[string][]gateway.PotSpent // what other nodes have spent, by pot: the store may have lost it

	wake   chan struct{}
	ctx    context.Context // ends with the fleet
	stop   context.CancelFunc
	done   chan struct{}
	active map[*slice]struct{} // what is looked through; the goroutine's own

	answers atomic.Bool  // the last call was answered
	flight  atomic.Int64 // when the call under way began; 0 = there is none
	calls   atomic.Int64
	fails   atomic.Int64
	last    atomic.Int64 // when a call was answered last
}

func newFleet(p *Pots, shares gateway.Shares) *fleet {
	f := &fleet{
		pots: p, shares: shares, foreign: map[string][]gateway.PotSpent{}, active: map[*slice]struct{}{},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.answers.Store(true)
	if p.o.byHand {
		close(f.done)
	} else {
		go f.run()
	}
	return f
}

// others notes what another node has spent.
func (f *fleet) others(s gateway.PotSpent) {
	f.mu.Lock()
	f.foreign[s.Pot] = append(f.foreign[s.Pot], s)
	f.mu.Unlock()
}

// enqueue has the store told of a slice soon. The slice's shard is locked.
func (f *fleet) enqueue(s *slice) {
	if s.queued {
		return
	}
	s.queued = true
	f.mu.Lock()
	f.queue = append(f.queue, s)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// ask asks for n more, and returns what is closed when there is an answer; nil = waiting is no use. The slice's shard is
// locked.
func (f *fleet) ask(s *slice, n, now int64) <-chan struct{} {
	if now < s.denied {
		return nil
	}
	if flight := f.flight.Load(); !f.answers.Load() || flight != 0 && now-flight > int64(patience) {
		s.need = max(s.need, n)
		f.enqueue(s)
		return nil
	}
	s.need = plus(s.need, n)
	if s.waits == nil {
		s.waits = make(chan struct{})
	}
	f.enqueue(s)
	return s.waits
}

// wait waits for an answer for as long as a draw waits, and reports whether it came.
func (f *fleet) wait(ctx context.Context, answer <-chan struct{}) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-answer:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// run is the goroutine.
func (f *fleet) run() {
	defer close(f.done)
	ticker := time.NewTicker(reviewEvery)
	defer ticker.Stop()
	retry := retryFirst
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-f.wake:
		case <-ticker.C:
			f.review()
		}
		if f.turn(f.ctx) {
			retry = retryFirst
			continue
		}
		timer := time.NewTimer(retry)
		select {
		case <-f.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		retry = min(2*retry, retryMost)
	}
}

// review looks through the slices, for what is to be given back or renewed.
func (f *fleet) review() {
	now := f.pots.o.Mono()
	for s := range f.active {
		s.shard.mu.Lock()
		tell, again := s.review(now)
		if tell {
			f.enqueue(s)
		}
		if !tell && !again {
			s.active = false
			delete(f.active, s)
		}
		s.shard.mu.Unlock()
	}
}

// said is one slice's part of a call.
type said struct {
	slice *slice
	claim gateway.Claim
	ask   gateway.Ask
	waits chan struct{}
	need  int64
}

// turn tells the store all that is to be told, and reports whether it answered.
func (f *fleet) turn(ctx context.Context) bool {
	f.mu.Lock()
	queue := f.queue
	f.queue = nil
	f.mu.Unlock()
	for len(queue) > 0 {
		n := min(together, len(queue))
		ok := f.some(ctx, queue[:n])
		if queue = queue[n:]; ok {
			continue
		}
		f.mu.Lock()
		f.queue = append(queue, f.queue...) // they are still to be told of
		f.mu.Unlock()
		return false
	}
	return true
}

// some tells the store of some slices.
func (f *fleet) some(ctx context.Context, slices []*slice) bool {
	now, wall := f.pots.o.Mono(), f.pots.o.Now().UnixMicro()
	var claims, asks []said
	for _, s := range slices {
		known := f.introduce(ctx, s)
		s.shard.mu.Lock()
		s.queued = false
		one := said{slice: s, waits: s.waits}
		s.waits = nil
		var tell, bucket bool
		switch {
		case !known || s.cell.pot == nil:
		case s.cell.pot.Kind == gateway.Purse || s.cell.pot.Kind == gateway.Level:
			one.claim, one.need, tell = s.claim(now, wall)
		default:
			bucket = true
			one.ask, one.need, tell = s.ask(now)
		}
		if tell || !known {
			s.active = true
			f.active[s] = struct{}{}
		}
		s.shard.mu.Unlock()
		switch {
		case !tell:
			one.answered()
		case bucket:
			asks = append(asks, one)
		default:
			claims = append(claims, one)
		}
	}
	ok := f.claim(ctx, claims, now)
	return f.take(ctx, asks, now) && ok
}

// claim makes one call of claims.
func (f *fleet) claim(ctx context.Context, all []said, now int64) bool {
	if len(all) == 0 {
		return true
	}
	claims := make([]gateway.Claim, len(all))
	for i := range all {
		claims[i] = all[i].claim
	}
	var got []gateway.Granted
	ok := f.call(ctx, now, func(ctx context.Context) (err error) {
		got, err = f.shares.Claim(ctx, f.pots.o.Node, claims)
		return err
	}) && len(got) == len(all)
	f.answered(all, ok, func(i int, now2 int64) {
		all[i].slice.claimed(&all[i].claim, got[i], all[i].need, now, now2)
	})
	return ok
}

// take makes one call of asks.
func (f *fleet) take(ctx context.Context, all []said, now int64) bool {
	if len(all) == 0 {
		return true
	}
	asks := make([]gateway.Ask, len(all))
	for i := range all {
		asks[i] = all[i].ask
	}
	var got []gateway.Granted
	ok := f.call(ctx, now, func(ctx context.Context) (err error) {
		got, err = f.shares.Take(ctx, asks)
		return err
	}) && len(got) == len(all)
	f.answered(all, ok, func(i int, now2 int64) {
		all[i].slice.took(&all[i].ask, got[i], now, now2)
	})
	return ok
}

// answered takes in the answers, and wakes the draws that wait for them.
func (f *fleet) answered(all []said, ok bool, take func(i int, now int64)) {
	now := f.pots.o.Mono()
	for i := range all {
		if ok {
			s := all[i].slice
			s.shard.mu.Lock()
			take(i, now)
			if s.need > 0 && s.waits == nil { // what draws wait for is asked for in the next call
				s.waits, all[i].waits = all[i].waits, nil
			}
			s.shard.mu.Unlock()
		}
		all[i].answered()
	}
}

func (s *said) answered() {
	if s.waits != nil {
		close(s.waits)
	}
}

// call makes one call of the store, and notes whether it answers.
func (f *fleet) call(ctx context.Context, now int64, do func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, f.pots.o.Patience)
	defer cancel()
	f.flight.Store(now)
	err := do(ctx)
	f.flight.Store(0)
	f.calls.Add(1)
	f.answers.Store(err == nil)
	if err != nil {
		f.fails.Add(1)
		return false
	}
	f.last.Store(f.pots.o.Mono())
	return true
}

// introduce claims for other nodes what they have spent of a pot as far as the books tell, before this node claims anything
// of it. Where they have claimed since that changes nothing.
func (f *fleet) introduce(ctx context.Context, s *slice) bool {
	s.shard.mu.Lock()
	pot, opened := s.cell.pot, s.opened
	s.shard.mu.Unlock()
	if opened || pot == nil {
		return true
	}
	f.mu.Lock()
	spent := f.foreign[pot.Name]
	f.mu.Unlock()
	for _, other := range spent {
		if other.Spent <= 0 {
			continue
		}
		w := window{begin: other.Window}
		w.frame(&pot.Window)
		c := gateway.Claim{Pot: pot, Window: other.Window, Seq: 1, Total: int64(other.Spent), Force: true}
		if w.ends != never && w.ends != 0 {
			c.Ends = time.Unix(w.ends, 0).Add(2 * grace)
		}
		if !f.call(ctx, f.pots.o.Mono(), func(ctx context.Context) error {
			_, err := f.shares.Claim(ctx, other.Node, []gateway.Claim{c})
			return err
		}) {
			return false
		}
	}
	f.mu.Lock()
	delete(f.foreign, pot.Name)
	f.mu.Unlock()
	s.shard.mu.Lock()
	s.opened = true
	s.shard.mu.Unlock()
	return true
}

// end stops the goroutine.
func (f *fleet) end() {
	f.stop()
	<-f.done
	f.answers.Store(false)
}
