// Package ledger writes down what attempts may cost before they are sent and what they came to after, and brings that to
// the books.
//
// What is opened and closed goes to a journal: a hold before its attempt is sent, what it came to soon after. One goroutine
// reads the journal behind the writers, as far as it is synced, and brings what is closed to the books in batches. Only
// when they have a batch does the journal's mark move, so a batch may come twice and never not at all; the books pass over
// what they have. Nothing on a request's way waits for the books. When they are away the journal grows to its bound, and
// then nothing more is opened.
//
// A hold that was never closed is found at the next start, becomes an entry in the state unknown that is charged what was
// held, and is brought to the books like any other. Segments of the journal are removed from the oldest on, once all in
// them is in the books and no open hold stands in them; a few that do are written again further on.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/gateway"
	"weir/internal/journal"
)

// Options say where entries go and what bounds there are. Books must be set.
type Options struct {
	Books    gateway.Books
	Now      func() time.Time // nil = time.Now
	Log      *slog.Logger     // nil = nothing is said
	Journal  journal.Options
	Holds    int           // most that may be open at once; 0 = 200,000
	Batch    int           // most entries that are brought to the books at once; 0 = 1,000
	Gather   time.Duration // how long entries gather before that; 0 = 200 ms
	Patience time.Duration // how long the books may take for one batch; 0 = 30 s
	Wait     time.Duration // longest wait after the books have failed; 0 = 15 s
}

// memoryBytes bounds a ledger in memory where Options do not.
const memoryBytes = 64 << 20

func (o Options) withDefaults() Options {
	if o.Journal.Bytes <= 0 {
		o.Journal.Bytes = journal.DefaultBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Holds <= 0 {
		o.Holds = 200_000
	}
	if o.Batch <= 0 {
		o.Batch = 1000
	}
	if o.Gather <= 0 {
		o.Gather = 200 * time.Millisecond
	}
	if o.Patience <= 0 {
		o.Patience = 30 * time.Second
	}
	if o.Wait <= 0 {
		o.Wait = 15 * time.Second
	}
	return o
}

// Ledger implements gateway.Ledger.
type Ledger struct {
	o       Options
	journal *journal.Journal
	memory  bool // the journal ends with the process
	holds   table
	floor   atomic.Uint64 // a segment before which no hold is written any more
	closing atomic.Bool
	refused atomic.Uint64
	strays  atomic.Uint64

	undrained      atomic.Int64 // entries that are written and not in the books
	undrainedBytes atomic.Int64
	behind         atomic.Int64 // when it last was not so, in nanoseconds since 1970; 0 = it is not so

	// removing is held for writing while segments are removed, so that who reads finds all it goes for.
	removing sync.RWMutex

	// mu guards what follows. It is never held while something is read, written or brought to the books.
	mu       sync.Mutex
	drained  journal.Position // everything closed before it is in the books
	progress chan struct{}    // is closed, and made anew, when drained moves
	stranded []gateway.Entry  // closed, and the journal takes nothing more
	failing  error            // why the books did not take the last batch
	since    time.Time        // when they first did not
	last     time.Time        // when they last did
	unknown  int
	figures  Stats // the counters of it

	kick   chan struct{} // wakes the drain
	hurry  chan struct{} // wakes it at once
	stop   context.CancelFunc
	ended  chan struct{} // the drain has
	marked time.Time     // the drain's: when the mark was last written
}

// Open opens the ledger whose journal is in a folder. Holds that a process before this one never closed become entries in
// the state unknown. The error says what is wrong with the folder; journal.ErrLocked is among them.
func Open(dir string, o Options) (*Ledger, error) {
	j, err := journal.Open(dir, o.Journal)
	if err != nil {
		return nil, fmt.Errorf("the ledger: %w", err)
	}
	l := newLedger(j, o)
	if err := l.replay(); err != nil {
		return nil, errors.Join(fmt.Errorf("the ledger's journal in %s: %w", dir, err), j.Close())
	}
	l.start()
	return l, nil
}

// NewMemory returns a ledger that remembers nothing beyond the end of the process: what is not in the books then is lost.
// It holds 64 MiB unless o says otherwise.
func NewMemory(o Options) *Ledger {
	if o.Journal.Bytes <= 0 {
		o.Journal.Bytes = memoryBytes
	}
	l := newLedger(journal.NewMemory(o.Journal), o)
	l.memory = true
	l.start()
	return l
}

func newLedger(j *journal.Journal, o Options) *Ledger {
	l := &Ledger{
		o: o.withDefaults(), journal: j, progress: make(chan struct{}),
		kick: make(chan struct{}, 1), hurry: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	l.holds.init()
	l.drained = j.Marked()
	l.last = l.o.Now()
	return l
}

func (l *Ledger) start() {
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	wake(l.kick)
	go l.drain(ctx)
}

// Stats are a Ledger's figures.
type Stats struct {
	Holds          int           // open
	Undrained      int           // entries that are closed and not in the books
	UndrainedBytes int64         // of the journal
	Behind         time.Duration // how long it is that there was none of those
	Unknown        int           // entries made of holds that the process before this one left
	Drained        uint64        // entries that the books have taken
	Fresh          uint64        // of these, how many they did not have
	Failures       uint64        // batches that they did not take
	Failing        error         // why they do not take any; nil = they do
	FailingSince   time.Time
	LastDrain      time.Time // when they last took a batch, or the start
	Refused        uint64    // holds that were refused because they could not be written
	Strays         uint64    // entries that were closed and had not been opened
	Stranded       int       // entries that the journal does not take any more and the books do not have yet
	Unfit          uint64    // times that the books took others and not this entry
	Damaged        int64     // bytes of the journal that could not be read
	Journal        journal.Stats
}

// Stats returns the ledger's figures.
func (l *Ledger) Stats() Stats {
	n, _ := l.holds.count()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.figures
	s.Holds = n
	s.Undrained, s.UndrainedBytes = int(l.undrained.Load()), l.undrainedBytes.Load()
	if since := l.behind.Load(); since != 0 && s.Undrained > 0 {
		s.Behind = max(0, l.o.Now().Sub(time.Unix(0, since)))
	}
	s.Unknown, s.Failing, s.FailingSince, s.LastDrain = l.unknown, l.failing, l.since, l.last
	s.Refused, s.Strays, s.Stranded = l.refused.Load(), l.strays.Load(), len(l.stranded)
	s.Journal = l.journal.Stats()
	return s
}

// Shutdown brings to the books what it can until ctx ends, which is as long as it waits where they are away, and closes the
// journal. What is left is brought to them after the next start, and is lost only if the ledger is one in memory: then the
// error says how much. After it nothing can be opened, and what is closed counts as unknown at the next start.
func (l *Ledger) Shutdown(ctx context.Context) error {
	if l.closing.Swap(true) {
		return nil
	}
	flushed := l.Flush(ctx)
	l.stop()
	closed := make(chan error, 1)
	go func() {
		select {
		case <-l.ended:
		case <-ctx.Done():
		}
		closed <- l.journal.Close()
	}()
	select {
	case err := <-closed:
		if err != nil {
			return fmt.Errorf("closing the ledger's journal: %w", err)
		}
	case <-ctx.Done():
		select { // what is ready now counts
		case err := <-closed:
			if err != nil {
				return fmt.Errorf("closing the ledger's journal: %w", err)
			}
		case <-time.After(time.Second):
			return fmt.Errorf("closing the ledger's journal: the disk does not answer: %w", ctx.Err())
		}
	}
	left := l.undrained.Load()
	switch {
	case flushed != nil && l.memory && left > 0:
		return fmt.Errorf("the ledger is in memory, and %d entries that are not in the books are lost: %w", left, flushed)
	case flushed != nil && left > 0:
		l.o.Log.Warn("entries wait in the ledger's journal and are brought to the books after the next start", "entries", left)
	}
	return nil
}

var _ gateway.Ledger = (*Ledger)(nil)

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
