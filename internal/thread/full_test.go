package thread

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/internal/fault"
	"weir/internal/storetest"
)

// all checks that turns 0 to n-1 of an owner are there as fill put them, and no other.
func all(t testing.TB, f *File, c *storetest.Clock, owner string, n, size int) {
	t.Helper()
	for i := range n + 1 {
		got, ok := f.Get(owner, fmt.Sprint(i))
		if ok != (i < n) || ok && !bytes.Equal(got.Before, c.Big(owner, fmt.Sprint(i), size).Before) {
			t.Fatalf("turn %d of %d: %d bytes, %v", i, n, len(got.Before), ok)
		}
	}
}

func isFault(t testing.TB, err error, kind fault.Kind, words ...string) {
	t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != kind {
		t.Fatalf("the error is %v", err)
	}
	for _, word := range words {
		if !strings.Contains(f.Message, word) {
			t.Errorf("the fault does not say %q: %s", word, f.Message)
		}
	}
}

func TestDiskFull(t *testing.T) {
	c := storetest.NewClock()
	for _, cannotCut := range []bool{false, true} {
		d := newSimDisk()
		d.room = 50_000
		o := Options{Now: c.Now, alone: true, segment: 20_000}
		f := openSim(t, d, o)
		if cannotCut {
			d.failCut = errBroken
		}
		n := 0
		for ; ; n++ {
			if err := f.Put(c.Big("acme", fmt.Sprint(n), 1000)); err != nil {
				isFault(t, err, fault.Unavailable, "disk", "full", "delete", "store: false", "operator")
				if !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("the cause is not told: %v", err)
				}
				break
			}
		}
		if n < 30 {
			t.Fatalf("%d fit", n)
		}
		all(t, f, c, "acme", n, 1000)
		if err := f.Put(c.Big("acme", "1", 1000)); err == nil {
			t.Error("replacing one is possible on a full disk")
		}
		if onDisk := int64(len(d.names[f.active.name()].now)); !cannotCut && onDisk != f.active.size {
			t.Errorf("%d bytes of entries that were refused are left", onDisk-f.active.size)
		}
		all(t, f, c, "acme", n, 1000)
		if st := f.Stats(); st.Refused != 2 || st.Turns != n {
			t.Errorf("stats %+v", st)
		}

		// Deleting works, and what says so is written as soon as there is room.
		if !f.Delete("acme", fmt.Sprint(n-1)) {
			t.Error("it cannot be deleted")
		}
		n--
		all(t, f, c, "acme", n, 1000)
		check(t, f)
		d.room, d.failCut = 100_000, nil
		f.writing.Lock()
		if err := f.payOwed(); err != nil {
			t.Error(err)
		}
		f.writing.Unlock()
		if st := f.Stats(); st.Owed != 0 {
			t.Errorf("stats %+v", st)
		}
		tidyAll(t, f)
		all(t, f, c, "acme", n, 1000)
		if err := f.Put(c.Big("acme", fmt.Sprint(n), 1000)); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		f = openSim(t, d, o)
		all(t, f, c, "acme", n+1, 1000)
		if st := f.Stats(); !cannotCut && st.Torn != 0 || st.Damaged != 0 {
			t.Errorf("after a start %+v", st)
		}
	}
}

// A tidier that finds no room leaves everything as it is, and finds it later.
func TestNoRoomToTidy(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	o := Options{Now: c.Now, alone: true, segment: 20_000}
	f := openSim(t, d, o)
	fill(t, f, c, "acme", 40, 1000)
	for i := 20; i < 40; i++ {
		f.Delete("acme", fmt.Sprint(i))
	}
	for i := range 20 {
		if i%3 > 0 {
			f.Delete("acme", fmt.Sprint(i))
		}
	}
	before := len(d.names)
	d.room = 500
	for range 3 {
		if _, err := f.tidy(); err == nil {
			t.Fatal("it tidied without room")
		}
	}
	if len(d.names) != before {
		t.Errorf("%d files before, %d after", before, len(d.names))
	}
	d.room = -1
	tidyAll(t, f)
	for range 2 {
		for i := range 40 {
			if _, ok := f.Get("acme", fmt.Sprint(i)); ok != (i < 20 && i%3 == 0) {
				t.Errorf("turn %d: %v", i, ok)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		f = openSim(t, d, o)
	}
}

func TestReadOnly(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	o := Options{Now: c.Now, alone: true}
	f := openSim(t, d, o)
	fill(t, f, c, "acme", 3, 1000)
	d.readOnly = true
	isFault(t, f.Put(c.Turn("acme", "4", time.Hour)), fault.Internal, "read-only", "store: false")
	all(t, f, c, "acme", 3, 1000)
	if !f.Delete("acme", "2") || f.Stats().Owed != 1 {
		t.Error("it cannot be forgotten")
	}
	all(t, f, c, "acme", 2, 1000)
	d.readOnly = false
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = openSim(t, d, o)
	all(t, f, c, "acme", 2, 1000)
}

// What is owed is paid without anybody asking.
func TestOwed(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	o := Options{Now: c.Now}
	f := openSim(t, d, o)
	fill(t, f, c, "acme", 3, 1000)
	readOnly := func(is bool) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.readOnly = is
	}
	readOnly(true)
	f.Delete("acme", "2")
	if f.Stats().Owed != 1 {
		t.Fatalf("stats %+v", f.Stats())
	}
	readOnly(false)
	eventually(t, "nothing is owed", func() bool { return f.Stats().Owed == 0 })
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	g := openSim(t, d.cut(func(string) bool { return false }, nil), o)
	all(t, g, c, "acme", 2, 1000)

	readOnly(true)
	f.Delete("acme", "1")
	if err := f.Close(); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("Close with something owed: %v", err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
}

// Once it is not known what is on the disk, nothing is promised any more.
func TestSyncFails(t *testing.T) {
	c := storetest.NewClock()
	for name, fail := range map[string]func(*simDisk){
		"file":  func(d *simDisk) { d.failSync = errBroken },
		"names": func(d *simDisk) { d.failNames = errBroken },
	} {
		t.Run(name, func(t *testing.T) {
			d := newSimDisk()
			f := openSim(t, d, Options{Now: c.Now, alone: true})
			fill(t, f, c, "acme", 3, 1000)
			fail(d)
			if err := f.Sync(); !errors.Is(err, errBroken) {
				t.Fatalf("Sync: %v", err)
			}
			d.failSync, d.failNames = nil, nil
			if err := f.Sync(); !errors.Is(err, errBroken) {
				t.Errorf("a second Sync: %v", err)
			}
			isFault(t, f.Put(c.Turn("acme", "4", time.Hour)), fault.Internal, "writing it failed", "store: false")
			all(t, f, c, "acme", 3, 1000)
			if err := f.Close(); !errors.Is(err, errBroken) {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

func TestCannotRead(t *testing.T) {
	c := storetest.NewClock()
	d, _ := written(t, Options{Now: c.Now}, c.Turn("acme", "1", time.Hour))
	f := openSim(t, d, Options{Now: c.Now, alone: true})
	d.failRead = errBroken
	if _, ok := f.Get("acme", "1"); ok || f.Stats().Damaged != 1 {
		t.Error("it read something")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("sim", Options{disk: d}); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "0000000001") {
		t.Errorf("Open: %v", err)
	}
	if d.locked {
		t.Error("the lock is left")
	}
}

func TestTooSmall(t *testing.T) {
	if _, err := Open("sim", Options{disk: newSimDisk(), Bytes: 1000}); err == nil || !strings.Contains(err.Error(), "256 KiB") {
		t.Errorf("Open: %v", err)
	}
}

func TestIndexFull(t *testing.T) {
	c := storetest.NewClock()
	f := openSim(t, newSimDisk(), Options{Now: c.Now, alone: true, Index: 40_000})
	n := 0
	for ; n < 1000; n++ {
		if err := f.Put(c.Native("acme", fmt.Sprint(n), time.Hour)); err != nil {
			isFault(t, err, fault.Unavailable, "index in memory", "this key", "delete", "wait until")
			break
		}
	}
	if n < 20 || n > 60 {
		t.Errorf("%d fit", n)
	}
	owners := 0
	for ; owners < 1000; owners++ {
		if err := f.Put(c.Native(fmt.Sprint(owners), "1", time.Hour)); err != nil {
			isFault(t, err, fault.Unavailable, "index in memory", "all keys")
			break
		}
	}
	if owners < 60 || owners > 200 {
		t.Errorf("%d owners fit", owners)
	}
	c.Pass(time.Hour)
	if err := f.Put(c.Native("acme", "new", time.Hour)); err != nil {
		t.Error(err)
	}
	many := c.Native("acme", "many", time.Hour)
	for i := range mostHead / 8 {
		many.Items = append(many.Items, fmt.Sprint(i))
	}
	isFault(t, f.Put(many), fault.Unavailable, "items", "store: false")
}
