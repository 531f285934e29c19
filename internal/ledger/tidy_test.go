package ledger

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"weir/internal/gateway"
)

// slow are options with which nothing is written or synced but by Sync.
func slow(b gateway.Books) Options {
	o := quick(b)
	o.Journal.Every, o.Journal.Lazy, o.Journal.Segment, o.Journal.Bytes = time.Hour, time.Hour, 5000, 1<<20
	return o
}

// fillSegments writes some segments and brings them to the books.
func fillSegments(t *testing.T, l *Ledger, name string, entries int) {
	t.Helper()
	for i := range entries {
		id := fmt.Sprint(name, i)
		mustOpen(t, l, id, 1)
		l.Close(ended(id, gateway.EntryDone, 1))
	}
	flush(t, l)
	eventually(t, "it is marked", func() bool { return l.journal.Marked() == l.journal.End() })
}

// The segment of a hold stays until what closed it is on the disk.
func TestClosedBeforeRemoved(t *testing.T) {
	b, dir := newBooks(), t.TempDir()
	l := openLedger(t, dir, slow(b))
	mustOpen(t, l, "first", 77)
	fillSegments(t, l, "a", 12) // not so many that it is carried
	if first, _ := l.journal.First(); first != 1 {
		t.Fatalf("the journal begins with segment %d", first)
	}
	l.Close(ended("first", gateway.EntryDone, 5))
	eventually(t, "it is tidied", func() bool { first, _ := l.journal.First(); return first > 1 })
	dir = crash(t, l, dir)
	l = openLedger(t, dir, slow(b))
	flush(t, l)
	if e := b.all()["first"]; e.Cost != 5 && e.Cost != 77 {
		t.Errorf("the entry is lost: %.100v", e)
	}
	shutdown(t, l)
}

// What is closed while it is carried is closed behind where it stands then.
func TestClosedWhileCarried(t *testing.T) {
	b, dir := newBooks(), t.TempDir()
	l := openLedger(t, dir, slow(b))
	for _, id := range []string{"done", "nothing", "stays"} {
		mustOpen(t, l, id, 77)
		s := l.holds.shard(id)
		h := s.holds[id]
		h.state = carried
		s.holds[id] = h
	}
	l.Close(ended("done", gateway.EntryDone, 5))
	l.Close(opened("nothing", 0))
	if n := l.Stats().Holds; n != 3 {
		t.Errorf("%d are open", n)
	}
	if got := undrained(l); len(got) != 3 {
		t.Errorf("%q", got)
	}
	for _, id := range []string{"done", "nothing", "stays"} {
		at, err := l.journal.AppendOver(record(nil, kindHold, opened(id, 77)))
		l.carriedTo(id, at, err)
	}
	flush(t, l)
	if n := l.Stats().Holds; n != 1 || len(b.all()) != 1 || b.all()["done"].Cost != 5 {
		t.Errorf("%d are open, and the books have %.100v", n, b.all())
	}
	dir = crash(t, l, dir)
	l = openLedger(t, dir, slow(b))
	flush(t, l)
	if got := b.all(); len(got) != 2 || got["done"].Cost != 5 || got["stays"].State != gateway.EntryUnknown {
		t.Errorf("the books have %.300v", got)
	}
	shutdown(t, l)
}

// A segment stays as long as a hold that may stand in it is being written.
func TestHoldOnItsWay(t *testing.T) {
	b, dir := newBooks(), t.TempDir()
	l := openLedger(t, dir, slow(b))
	l.holds.add("on its way", l.floor.Load(), 100)
	fillSegments(t, l, "a", 30)
	time.Sleep(20 * time.Millisecond)
	if first, _ := l.journal.First(); first != 1 {
		t.Errorf("the journal begins with segment %d", first)
	}
	l.holds.stands("on its way", l.journal.End().Segment)
	fillSegments(t, l, "b", 30)
	eventually(t, "it is tidied", func() bool { first, _ := l.journal.First(); return first > 5 })
	// One that begins after that does not keep what is written already.
	l.holds.add("later", l.floor.Load(), 100)
	if n, sure := l.holds.upTo(l.journal.End().Segment - 1); n > 1 || !sure {
		t.Errorf("%d, %v", n, sure)
	}
	shutdown(t, l)
}

// Attempts that come to nothing do not fill the journal, though nothing of them goes to the books.
func TestNothingButDrops(t *testing.T) {
	o := quick(newBooks())
	o.Journal.Bytes, o.Journal.Segment = 100_000, 10_000
	l := openLedger(t, t.TempDir(), o)
	flush(t, l)
	time.Sleep(50 * time.Millisecond) // until there is nothing to do
	for i := range 30 {
		id := fmt.Sprint(i)
		mustOpen(t, l, id, 1)
		l.Close(opened(id, 1))
	}
	eventually(t, "it is tidied before it is full", func() bool { first, _ := l.journal.First(); return first > 1 })
	for i := range 2000 {
		id := fmt.Sprint(i)
		eventually(t, "there is room", func() bool { return l.Open(opened(id, 1)) == nil })
		l.Close(opened(id, 1))
	}
	shutdown(t, l)
}

// What a power cut could take out of the journal is not in the books yet.
func TestNotBeforeSynced(t *testing.T) {
	b := newBooks()
	o := slow(b)
	o.Journal.Lazy = time.Millisecond
	l := openLedger(t, t.TempDir(), o)
	l.stop()
	<-l.ended
	mustOpen(t, l, "x", 1)
	l.Close(ended("x", gateway.EntryDone, 1))
	eventually(t, "it is written", func() bool { return l.Stats().Journal.Lazy == 0 })
	d := drainer{Ledger: l, most: 10}
	for want := range 2 {
		if caught, err := d.round(t.Context()); !caught || err != nil || len(b.all()) != want {
			t.Errorf("%v, %v, and the books have %d, want %d", caught, err, len(b.all()), want)
		}
		if err := l.journal.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.journal.Close(); err != nil {
		t.Fatal(err)
	}
}

// Who opened an entry may fill it in for the end while its hold is carried.
func TestFilledInMeanwhile(t *testing.T) {
	b, dir := newBooks(), t.TempDir()
	l := openLedger(t, dir, slow(b))
	e, stays := opened("first", 77), opened("stays", 77)
	if err := errors.Join(l.Open(e), l.Open(stays)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			e.State, e.Cost, e.Held, e.Team = gateway.EntryDone, e.Cost+1, 1, "another"
			stays.State, stays.Cost, stays.Held = gateway.EntryPartial, stays.Cost+1, 1
			time.Sleep(time.Millisecond)
		}
	}()
	fillSegments(t, l, "a", 60)
	undrained(l)
	if first, _ := l.journal.First(); first < 5 {
		t.Errorf("they were not carried: the journal begins with segment %d", first)
	}
	<-done
	l.Close(e)
	flush(t, l)
	dir = crash(t, l, dir)
	l = openLedger(t, dir, slow(b))
	flush(t, l)
	if got := b.all(); got["first"].Cost != 100 || got["first"].Team != "another" || got["stays"].Cost != 77 || got["stays"].Team != "shop" {
		t.Errorf("the books have %.300v and %.300v", got["first"], got["stays"])
	}
	shutdown(t, l)
}
