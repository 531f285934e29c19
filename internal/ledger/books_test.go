package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/journal"
)

// books is gateway.Books in memory, as far as a ledger needs it, that can fail.
type books struct {
	gateway.Books // the rest

	mu      sync.Mutex
	entries map[string]gateway.Entry
	fail    func([]gateway.Entry) error // before anything is stored
	lie     error                       // after it is stored
	batches int
	most    int // entries in one
}

func newBooks() *books { return &books{entries: map[string]gateway.Entry{}} }

func (b *books) Append(_ context.Context, entries []gateway.Entry) (fresh int, err error) {
	b.mu.Lock()
	fail := b.fail
	b.mu.Unlock()
	if fail != nil {
		if err := fail(entries); err != nil {
			return 0, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batches++
	b.most = max(b.most, len(entries))
	for _, e := range entries {
		if _, ok := b.entries[e.ID]; !ok {
			b.entries[e.ID] = e
			fresh++
		}
	}
	return fresh, b.lie
}

func (b *books) Entries(_ context.Context, q gateway.EntryQuery) iter.Seq2[gateway.Entry, error] {
	return func(yield func(gateway.Entry, error) bool) {
		for _, id := range q.IDs {
			b.mu.Lock()
			e, ok := b.entries[id]
			b.mu.Unlock()
			if ok && !yield(e, nil) {
				return
			}
		}
	}
}

func (b *books) set(fail func([]gateway.Entry) error, lie error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail, b.lie = fail, lie
}

func (b *books) all() map[string]gateway.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.entries)
}

var errAway = errors.New("the store is away")

func away([]gateway.Entry) error { return errAway }

// clock is one that stands until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 24, 16, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// quick are options that make a test quick.
func quick(b gateway.Books) Options {
	return Options{
		Books: b, Gather: time.Millisecond, Wait: 5 * time.Millisecond,
		Journal: journal.Options{Every: time.Millisecond, Lazy: time.Millisecond},
	}
}

func openLedger(t testing.TB, dir string, o Options) *Ledger {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func shutdown(t testing.TB, l *Ledger) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := l.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}

func flush(t testing.TB, l *Ledger) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := l.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// opened is an entry as it is opened.
func opened(id string, held gateway.Money) *gateway.Entry {
	e := typical(id)
	e.State, e.Cost, e.Held, e.Usage, e.Items, e.Ended = gateway.EntryOpened, 0, held, nil, nil, time.Time{}
	return &e
}

// ended is what it comes to.
func ended(id string, state gateway.EntryState, cost gateway.Money) *gateway.Entry {
	e := typical(id)
	e.State, e.Cost = state, cost
	return &e
}

func mustOpen(t testing.TB, l *Ledger, id string, held gateway.Money) {
	t.Helper()
	if err := l.Open(opened(id, held)); err != nil {
		t.Fatal(err)
	}
}

// crash ends a ledger as kill -9 would, and returns a folder with what is left.
func crash(t testing.TB, l *Ledger, dir string) string {
	t.Helper()
	return cut(t, l, dir, func(_ string, b []byte) []byte { return b })
}

// powerCut ends a ledger as a power cut would: of what was not synced a part is there.
func powerCut(t testing.TB, l *Ledger, dir string, part func(n int) int) string {
	t.Helper()
	l.stop()
	<-l.ended
	synced := l.journal.Synced()
	return cut(t, l, dir, func(name string, b []byte) []byte {
		var n uint64
		if _, err := fmt.Sscanf(name, "%d.journal", &n); err != nil || n < synced.Segment {
			return b
		}
		lasts := 0
		if n == synced.Segment {
			lasts = int(synced.Offset)
		}
		return b[:lasts+part(len(b)-lasts)]
	})
}

func cut(t testing.TB, l *Ledger, dir string, left func(string, []byte) []byte) string {
	t.Helper()
	l.stop()
	<-l.ended
	after := t.TempDir()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		b, err := os.ReadFile(filepath.Join(dir, one.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(after, one.Name()), left(one.Name(), b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_ = l.journal.Close()
	return after
}

func undrained(l *Ledger) (ids []string) {
	for e := range l.Undrained() {
		ids = append(ids, fmt.Sprintf("%s %s %d", e.ID, e.State, max(e.Cost, e.Held)))
	}
	slices.Sort(ids)
	return ids
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("it does not come to it that " + what)
		}
	}
}
