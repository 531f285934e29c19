package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// tick is how coarse time-outs are: one that is due fires at most so much later.
const tick = 50 * time.Millisecond

// restful is how many ticks in a row the wheel turns empty before it sleeps: waking it costs a request more than a tick.
const restful = 20

// wheelShards spreads the watches of concurrent attempts, so that no lock is shared by all requests.
const wheelShards = 16

// wheel fires the time-outs of all attempts of a process from one goroutine, which sleeps while there are none. An
// attempt only stores a number when its time-out moves: no timer, channel or goroutine per stream.
type wheel struct {
	start  time.Time
	open   atomic.Int64
	asleep atomic.Bool
	next   atomic.Uint32
	wake   chan struct{}
	stop   chan struct{}
	done   chan struct{}
	shards [wheelShards]wheelShard
}

type wheelShard struct {
	mu      sync.Mutex // held for an append or a removal, and by the one goroutine while it looks through
	watches []*watch
	due     []*watch
}

// phase is what an attempt is waiting for.
type phase int32

const (
	waitHead  phase = iota + 1 // the provider's answer to begin
	waitData                   // the next bytes of it
	waitWrite                  // the client to take some
	waitTotal                  // the whole attempt
)

// watch is one attempt's time-outs. A moment is kept as nanoseconds since the wheel's start; 0 = none.
type watch struct {
	w       *wheel
	shard   *wheelShard
	at      int // in shard.watches; -1 = not in it
	total   int64
	due     atomic.Int64
	phase   atomic.Int32
	expired func(phase) // called at most once, from the wheel's goroutine, and never after end

	mu    sync.Mutex // held while expired runs, so that end waits for it
	ended bool
}

func newWheel() *wheel {
	w := &wheel{start: time.Now(), wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

// close ends the goroutine and waits for it.
func (w *wheel) close() {
	close(w.stop)
	<-w.done
}

func (w *wheel) now() int64 { return int64(time.Since(w.start)) }

// watch enters a watch; total is the limit of the whole attempt, 0 = none.
func (w *wheel) watch(t *watch, total time.Duration, expired func(phase)) {
	t.w, t.expired, t.total = w, expired, 0
	if total > 0 {
		t.total = w.now() + int64(total)
	}
	t.due.Store(t.total)
	t.phase.Store(int32(waitTotal))
	t.shard = &w.shards[w.next.Add(1)%wheelShards]
	t.shard.mu.Lock()
	t.at = len(t.shard.watches)
	t.shard.watches = append(t.shard.watches, t)
	t.shard.mu.Unlock()
	if w.open.Add(1) == 1 && w.asleep.Load() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// wait says what the attempt waits for from now on and for how long; 0 = only for the whole.
func (t *watch) wait(p phase, d time.Duration) {
	due := t.total
	if d > 0 {
		if at := t.w.now() + int64(d); due == 0 || at < due {
			due = at
		} else {
			p = waitTotal
		}
	} else {
		p = waitTotal
	}
	t.phase.Store(int32(p))
	t.due.Store(due)
}

// end takes the watch out. After it expired is not called any more.
func (t *watch) end() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.shard.mu.Lock()
	if t.at >= 0 {
		t.shard.remove(t)
	}
	t.shard.mu.Unlock()
	t.w.open.Add(-1)
}

func (s *wheelShard) remove(t *watch) {
	last := len(s.watches) - 1
	s.watches[t.at] = s.watches[last]
	s.watches[t.at].at = t.at
	s.watches[last] = nil
	s.watches = s.watches[:last]
	t.at = -1
}

func (w *wheel) run() {
	defer close(w.done)
	timer := time.NewTimer(tick)
	defer timer.Stop()
	for empty := 0; ; empty++ {
		if w.open.Load() > 0 {
			empty = 0
		}
		if empty > restful {
			w.asleep.Store(true)
			if w.open.Load() == 0 { // else one came before it could see that the wheel sleeps
				select {
				case <-w.wake:
				case <-w.stop:
					return
				}
			}
			w.asleep.Store(false)
			empty = 0
		}
		timer.Reset(tick)
		select {
		case <-timer.C:
		case <-w.stop:
			return
		}
		now := w.now()
		for i := range w.shards {
			w.shards[i].fire(now)
		}
	}
}

func (s *wheelShard) fire(now int64) {
	s.mu.Lock()
	for i := 0; i < len(s.watches); {
		t := s.watches[i]
		if due := t.due.Load(); due == 0 || due > now {
			i++
			continue
		}
		s.remove(t)
		s.due = append(s.due, t)
	}
	s.mu.Unlock()
	for i, t := range s.due {
		t.fire()
		s.due[i] = nil
	}
	s.due = s.due[:0]
}

func (t *watch) fire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.expired(phase(t.phase.Load()))
	}
}
