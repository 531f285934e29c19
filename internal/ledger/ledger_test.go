package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/journal"
)

func TestLedger(t *testing.T) {
	for _, where := range []string{"folder", "memory"} {
		t.Run(where, func(t *testing.T) {
			b := newBooks()
			var l *Ledger
			if where == "memory" {
				l = NewMemory(quick(b))
			} else {
				l = openLedger(t, t.TempDir(), quick(b))
			}
			for i := range 10 {
				mustOpen(t, l, fmt.Sprint("open ", i), 100)
			}
			if n := l.Stats().Holds; n != 10 {
				t.Errorf("%d are open", n)
			}
			done, dropped := ended("open 1", gateway.EntryDone, 70), opened("open 2", 100)
			l.Close(done)
			l.Close(dropped)
			l.Close(ended("open 3", gateway.EntryPartial, 30))
			booked := ended("booked", gateway.EntryCached, 0)
			if err := errors.Join(l.Book(booked), l.Book(booked)); err != nil {
				t.Fatal(err)
			}
			flush(t, l)
			got := b.all()
			if len(got) != 3 || !cmp.Equal(got["open 1"], *done) || !cmp.Equal(got["booked"], *booked) || got["open 3"].Cost != 30 {
				t.Errorf("the books have %.500v", got)
			}
			s := l.Stats()
			if s.Holds != 7 || s.Undrained != 0 || s.UndrainedBytes != 0 || s.Behind != 0 || s.Drained != 4 || s.Fresh != 3 || s.Unknown != 0 || s.Failing != nil {
				t.Errorf("stats %+v", s)
			}
			for i := range 7 {
				l.Close(ended(fmt.Sprint("open ", (i+4)%11), gateway.EntryDone, 1))
			}
			shutdown(t, l)
			if n := len(b.all()); n != 10 { // open 10 was never opened, and is booked all the same
				t.Errorf("the books have %d", n)
			}
			if l.Stats().Strays != 1 {
				t.Errorf("stats %+v", l.Stats())
			}
			var f *fault.Fault
			if err := l.Open(opened("late", 1)); !errors.As(err, &f) || f.Kind != fault.Unavailable || !strings.Contains(f.Message, "stopped") {
				t.Errorf("opening after the end: %v", err)
			}
			if err := l.Book(booked); !errors.As(err, &f) || f.Kind != fault.Unavailable {
				t.Errorf("booking after the end: %v", err)
			}
		})
	}
}

// Holds that were open when the process ended are unknown, once, whatever happens after.
func TestUnknown(t *testing.T) {
	b, c, dir := newBooks(), newClock(), t.TempDir()
	o := quick(b)
	o.Now = c.Now
	l := openLedger(t, dir, o)
	mustOpen(t, l, "lost", 500)
	mustOpen(t, l, "done", 500)
	mustOpen(t, l, "nothing", 500)
	l.Close(ended("done", gateway.EntryDone, 7))
	l.Close(opened("nothing", 0))
	flush(t, l)
	b.set(away, nil)
	dir = crash(t, l, dir)
	c.pass(time.Minute)
	began := c.Now()
	for range 3 {
		l = openLedger(t, dir, o)
		if got := undrained(l); !slices.Equal(got, []string{"lost unknown 500"}) {
			t.Fatalf("undrained: %q", got)
		}
		if s := l.Stats(); s.Undrained != 1 || s.Holds != 0 {
			t.Errorf("stats %+v", s)
		}
		dir = crash(t, l, dir)
		c.pass(time.Hour)
	}
	b.set(nil, nil)
	for i := range 3 {
		l = openLedger(t, dir, o)
		flush(t, l)
		if n := l.Stats().Unknown; n != 0 {
			t.Errorf("%d became unknown again", n)
		}
		if i == 1 {
			dir = crash(t, l, dir)
		} else {
			shutdown(t, l)
		}
	}
	got := b.all()
	want := *opened("lost", 500)
	want.State, want.Cost, want.Ended = gateway.EntryUnknown, 500, began
	if len(got) != 2 || !cmp.Equal(got["lost"], want) {
		t.Errorf("the books have %s", cmp.Diff(want, got["lost"]))
	}
}

func TestFull(t *testing.T) {
	b, c := newBooks(), newClock()
	o := quick(b)
	o.Now = c.Now
	o.Journal.Bytes = 200_000
	l := openLedger(t, t.TempDir(), o)
	b.set(away, nil)
	l.Close(ended("first", gateway.EntryDone, 1))
	eventually(t, "the books fail", func() bool { return l.Stats().Failing != nil })
	c.pass(time.Hour)
	n := 0
	var err error
	for ; err == nil; n++ {
		id := fmt.Sprint(n)
		if err = l.Open(opened(id, 5)); err == nil {
			l.Close(ended(id, gateway.EntryDone, 1))
		}
	}
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != fault.Unavailable || !errors.Is(err, journal.ErrFull) {
		t.Fatal(err)
	}
	for _, words := range []string{"journal is full", "store", "since 2026-11-24T16:00:00Z", "bring the store back", "more room"} {
		if !strings.Contains(f.Message, words) {
			t.Errorf("the fault does not say %q: %s", words, f.Message)
		}
	}
	if s := l.Stats(); s.Behind != time.Hour || s.Undrained != n || s.Refused != 1 || s.Failures == 0 || !errors.Is(s.Failing, errAway) {
		t.Errorf("%d: stats %+v", n, s)
	}
	b.set(nil, nil)
	flush(t, l)
	eventually(t, "there is room", func() bool { return l.Open(opened("again", 5)) == nil })
	l.Close(ended("again", gateway.EntryDone, 1))
	shutdown(t, l)
	if got := len(b.all()); got != n+1 { // first and again, and one was refused
		t.Errorf("the books have %d of %d", got, n+1)
	}
}

func TestTooManyOpen(t *testing.T) {
	o := quick(newBooks())
	o.Holds = 5
	l := openLedger(t, t.TempDir(), o)
	for i := range 5 {
		mustOpen(t, l, fmt.Sprint(i), 1)
	}
	var f *fault.Fault
	if err := l.Open(opened("x", 1)); !errors.As(err, &f) || f.Kind != fault.Unavailable || !strings.Contains(f.Message, "5 requests are open") {
		t.Errorf("%v", err)
	}
	l.Close(opened("3", 0))
	mustOpen(t, l, "x", 1)
	shutdown(t, l)
}

// Books that never answer are in nobody's way, and the end comes in time.
func TestFrozen(t *testing.T) {
	b := newBooks()
	release := make(chan struct{})
	b.set(func([]gateway.Entry) error { <-release; return errAway }, nil)
	dir := t.TempDir()
	l := openLedger(t, dir, quick(b))
	began := time.Now()
	for i := range 1000 {
		mustOpen(t, l, fmt.Sprint(i), 1)
		l.Close(ended(fmt.Sprint(i), gateway.EntryDone, 1))
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if got := len(undrained(l)); got != 1000 {
		t.Errorf("%d are undrained", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began = time.Now()
	if err := l.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the end took %v", took)
	}
	close(release)
	<-l.ended
	b.set(nil, nil)
	l = openLedger(t, dir, quick(b))
	flush(t, l)
	if s := l.Stats(); len(b.all()) != 1000 || s.Unknown != 0 {
		t.Errorf("the books have %d: %+v", len(b.all()), s)
	}
	shutdown(t, l)
}

func TestMemoryIsLost(t *testing.T) {
	b := newBooks()
	b.set(away, nil)
	l := NewMemory(quick(b))
	l.Close(ended("x", gateway.EntryDone, 1))
	eventually(t, "the books fail", func() bool { return l.Stats().Failing != nil })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Shutdown(ctx); err == nil || !strings.Contains(err.Error(), "1 entries") || !errors.Is(err, errAway) {
		t.Errorf("%v", err)
	}
}

// Entries that the books do not take are not in the way of others, and are in them when they do.
func TestUnfit(t *testing.T) {
	b := newBooks()
	b.set(func(entries []gateway.Entry) error {
		for i := range entries {
			if strings.HasPrefix(entries[i].ID, "bad") {
				return errors.New("this one does not fit")
			}
		}
		return nil
	}, nil)
	dir := t.TempDir()
	l := openLedger(t, dir, quick(b))
	for i := range 40 {
		id := fmt.Sprint("good ", i)
		if i%10 == 5 || i == 6 {
			id = fmt.Sprint("bad ", i)
		}
		l.Close(ended(id, gateway.EntryDone, 1))
	}
	eventually(t, "the others are there", func() bool { return len(b.all()) == 35 })
	if got := undrained(l); len(got) != 5 || l.Stats().Unfit < 4 {
		t.Errorf("%q, %+v", got, l.Stats())
	}
	dir = crash(t, l, dir)
	b.set(nil, nil)
	l = openLedger(t, dir, quick(b))
	flush(t, l)
	if len(b.all()) != 40 || l.Stats().Undrained != 0 {
		t.Errorf("the books have %d: %+v", len(b.all()), l.Stats())
	}
	shutdown(t, l)
}

// A hold that is open for long does not keep the journal, and is not lost with it.
func TestCarried(t *testing.T) {
	b, dir := newBooks(), t.TempDir()
	o := quick(b)
	o.Journal.Segment, o.Journal.Bytes = 5000, 1<<20
	l := openLedger(t, dir, o)
	for _, id := range []string{"lost", "done", "nothing"} {
		mustOpen(t, l, id, 77)
	}
	for i := range 400 {
		id := fmt.Sprint(i)
		mustOpen(t, l, id, 1)
		l.Close(ended(id, gateway.EntryDone, 1))
		if i%20 == 0 {
			flush(t, l)
		}
	}
	flush(t, l)
	eventually(t, "the journal is small", func() bool {
		l.Close(opened("not there", 0))
		l.Close(ended(fmt.Sprint(time.Now().UnixNano()), gateway.EntryDone, 1))
		return l.Stats().Journal.Bytes < 60_000
	})
	if n, _ := l.journal.First(); n < 10 {
		t.Errorf("the journal begins with segment %d", n)
	}
	l.Close(ended("done", gateway.EntryDone, 5))
	l.Close(opened("nothing", 0))
	flush(t, l)
	dir = crash(t, l, dir)
	l = openLedger(t, dir, o)
	flush(t, l)
	got := b.all()
	if l.Stats().Unknown != 1 || got["lost"].State != gateway.EntryUnknown || got["lost"].Cost != 77 || got["done"].Cost != 5 || got["nothing"].ID != "" {
		t.Errorf("%+v, %.200v", l.Stats(), got["lost"])
	}
	shutdown(t, l)
}

// Whoever opens and closes while holds are carried and segments go: all of it is in the books, once.
func TestManyAtOnce(t *testing.T) {
	b, dir := newBooks(), t.TempDir()
	o := quick(b)
	o.Journal.Segment, o.Journal.Bytes = 20_000, 64<<20
	l := openLedger(t, dir, o)
	const callers, n = 16, 300
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			var held []string
			for i := range n {
				id := fmt.Sprint(c, " ", i)
				if err := l.Open(opened(id, 10)); err != nil {
					t.Error(err)
					return
				}
				if held = append(held, id); len(held) > c {
					l.Close(ended(held[0], gateway.EntryDone, 3))
					held = held[1:]
				}
				if i%50 == 0 {
					time.Sleep(2 * time.Millisecond)
				}
			}
			for i, id := range held {
				switch i % 3 {
				case 0:
					l.Close(ended(id, gateway.EntryDone, 3))
				case 1:
					l.Close(opened(id, 0))
				}
			}
		})
	}
	all.Wait()
	flush(t, l)
	first, _ := l.journal.First()
	dir = crash(t, l, dir)
	l = openLedger(t, dir, o)
	flush(t, l)
	states := map[gateway.EntryState]int{}
	sum := gateway.Money(0)
	for _, e := range b.all() {
		states[e.State]++
		sum += e.Cost
	}
	want, unknown, done := 0, 0, 0
	for c := range callers {
		rest := c // were left
		unknown += rest / 3
		done += n - rest + (rest+2)/3
		want += 10*(rest/3) + 3*(n-rest+(rest+2)/3)
	}
	if states[gateway.EntryDone] != done || states[gateway.EntryUnknown] != unknown || sum != gateway.Money(want) {
		t.Errorf("%v and %v, want %d done, %d unknown and %d", states, sum, done, unknown, want)
	}
	if first < 5 {
		t.Errorf("the journal begins with segment %d: nothing was tidied", first)
	}
	shutdown(t, l)
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir, quick(newBooks()))
	if _, err := Open(dir, quick(newBooks())); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("a second one: %v", err)
	}
	shutdown(t, l)
}

// What a later version wrote is not passed over in silence.
func TestLaterVersion(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := typical("x")
	record := appendEntry(nil, kindEntry, &e)
	record[0] = version + 1
	if _, err := j.Append(record); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, quick(newBooks())); err == nil || !strings.Contains(err.Error(), "later version") || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
}

func TestVerify(t *testing.T) {
	b, dir := newBooks(), t.TempDir()
	o := quick(b)
	l := openLedger(t, dir, o)
	for i := range 6 {
		mustOpen(t, l, fmt.Sprint("e", i), 100)
	}
	verify := func() Report {
		t.Helper()
		r, err := Verify(t.Context(), dir, b)
		if err != nil {
			t.Fatal(err)
		}
		return *r
	}
	check := func(want Report, agree bool) {
		t.Helper()
		if got := verify(); !cmp.Equal(got, want) || got.Agree() != agree {
			t.Errorf("%s", cmp.Diff(want, got))
		}
	}
	check(Report{Holds: 6}, true)
	for i := range 4 {
		l.Close(ended(fmt.Sprint("e", i), gateway.EntryDone, 10))
	}
	flush(t, l)
	eventually(t, "it is marked", func() bool { return l.journal.Marked() == l.journal.End() })
	check(Report{Holds: 2, Entries: 4, Cost: 40}, true)
	b.set(away, nil)
	l.Close(ended("e4", gateway.EntryDone, 10))
	if err := l.journal.Sync(); err != nil {
		t.Fatal(err)
	}
	check(Report{Holds: 1, Entries: 5, Waiting: 1, Cost: 50, CostWaiting: 10}, true)
	b.mu.Lock()
	delete(b.entries, "e1")
	changed := b.entries["e2"]
	changed.Cost++
	b.entries["e2"] = changed
	b.mu.Unlock()
	check(Report{
		Holds: 1, Entries: 5, Waiting: 1, Cost: 50, CostWaiting: 10,
		Missing: []string{"e1"}, MissingCount: 1, Differing: []string{"e2"}, DifferingCount: 1,
	}, false)
	b.set(nil, nil)
	shutdown(t, l)

	// A byte of a record is damaged.
	names, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	file, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	file[100] ^= 1
	if err := os.WriteFile(names[0], file, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := verify(); r.Damaged == 0 || r.Agree() {
		t.Errorf("%+v", r)
	}
	l = openLedger(t, dir, o)
	if l.Stats().Damaged == 0 {
		t.Error("it is not counted")
	}
	shutdown(t, l)
}
