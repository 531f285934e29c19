package telemetry

import (
	"math/bits"
	"runtime"
	"sync/atomic"

	"weir/internal/gateway"
)

// entry is one line to be: an exchange to encode, or a line of the process's log as it is.
type entry struct {
	x    *gateway.Exchange
	line []byte
}

// queue is a bounded queue of many producers and one consumer that keeps the order of arrival. All requests of the
// process meet here, so it has no lock: a producer claims a slot by moving tail and then publishes what it put there by
// the slot's turn. It is the bounded queue of Dmitry Vyukov, narrowed to one consumer.
//
// The turn of slot i is 2·lap while the slot is free for that lap and 2·lap+1 while it holds an entry.
type queue struct {
	slots []slot
	shift uint // log2 of len(slots)

	_    [64]byte // keeps producers' and consumer's words on cache lines of their own
	tail atomic.Uint64
	_    [64]byte
	head atomic.Uint64
}

type slot struct {
	turn atomic.Uint64
	entry
}

// closed is the bit of tail that turns producers away.
const closed = 1 << 63

// newQueue returns a queue for size entries, rounded up to a power of two.
func newQueue(size int) *queue {
	shift := uint(bits.Len(uint(max(size, 2) - 1)))
	return &queue{slots: make([]slot, 1<<shift), shift: shift}
}

// push adds an entry; false means that the queue is full or closed. It never waits.
func (q *queue) push(e entry) bool {
	for {
		at := q.tail.Load()
		if at&closed != 0 {
			return false
		}
		s := &q.slots[at&uint64(len(q.slots)-1)]
		lap := at >> q.shift
		switch turn := s.turn.Load(); {
		case turn == 2*lap:
			if q.tail.CompareAndSwap(at, at+1) {
				s.entry = e
				s.turn.Store(2*lap + 1)
				return true
			}
		case turn < 2*lap: // still holds the entry of the lap before
			return false
		}
		// Another producer was faster.
	}
}

// pop takes the oldest entry; false means that there is none. Only the consumer calls it.
func (q *queue) pop() (entry, bool) {
	at := q.head.Load()
	s := &q.slots[at&uint64(len(q.slots)-1)]
	lap := at >> q.shift
	for s.turn.Load() != 2*lap+1 {
		if q.tail.Load()&^closed == at {
			return entry{}, false
		}
		runtime.Gosched() // claimed, about to be published
	}
	e := s.entry
	s.entry = entry{}
	s.turn.Store(2*lap + 2)
	q.head.Store(at + 1)
	return e, true
}

// len returns how many entries are waiting, roughly while others push and pop.
func (q *queue) len() int {
	head := q.head.Load() // first, so that the difference cannot be negative
	return int(q.tail.Load()&^closed - head)
}

// close turns producers away; what was pushed before can still be popped.
func (q *queue) close() { q.tail.Or(closed) }
