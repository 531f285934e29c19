package journal

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestAppendAndRead(t *testing.T) {
	for name, d := range map[string]disk{"disk": newSimDisk(), "memory": &memory{files: map[string]*memoryFile{}}} {
		t.Run(name, func(t *testing.T) {
			o := Options{alone: true, Segment: 200}
			j := openSim(t, d, o)
			same(t, j)
			var want []string
			var ends []Position
			for i := range 50 {
				text := strings.Repeat(fmt.Sprint(i, " "), i+1)
				if i%3 == 2 {
					lazy(t, j, text)
				} else {
					end, err := j.Append([]byte(text))
					if err != nil {
						t.Fatal(err)
					}
					if end != j.End() {
						t.Fatalf("a record ends at %v, the journal at %v", end, j.End())
					}
				}
				want = append(want, text)
				ends = append(ends, j.End())
			}
			if err := j.Sync(); err != nil {
				t.Fatal(err)
			}
			same(t, j, want...)
			if s := j.Stats(); s.Segments < 10 || s.Appended != 50 || s.Lazy != 0 || s.Unsynced != 0 || j.Synced() != j.End() {
				t.Errorf("stats %+v", s)
			}
			for _, i := range []int{0, 7, 33, 48} { // from the middle
				i -= i % 3
				var got []string
				if _, err := j.Read(ends[i], j.End(), func(r Record) bool { got = append(got, string(r.Bytes)); return len(got) < 2 }); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want[i+1:min(i+3, 50)]) {
					t.Errorf("after record %d come %.100q", i, got)
				}
			}
			closeIt(t, j)
			if _, err := j.Append([]byte("x")); !errors.Is(err, ErrClosed) || !errors.Is(j.AppendLazy([]byte("x")), ErrClosed) {
				t.Errorf("appending to a closed journal: %v", err)
			}
			j = openSim(t, d, o)
			same(t, j, want...)
			put(t, j, "more")
			same(t, j, append(want, "more")...)
			closeIt(t, j)
		})
	}
}

func TestNotARecord(t *testing.T) {
	j := openSim(t, newSimDisk(), Options{alone: true})
	for _, p := range [][]byte{nil, {}, make([]byte, MaxRecord+1)} {
		_, err := j.Append(p)
		wantErr(t, err, ErrTooLarge)
		wantErr(t, j.AppendLazy(p), ErrTooLarge)
	}
	long := bytes.Repeat([]byte("x"), MaxRecord)
	put(t, j, string(long), "y")
	same(t, j, string(long), "y")
	closeIt(t, j)
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	j := openDir(t, dir, Options{})
	_, err := Open(dir, Options{})
	wantErr(t, err, ErrLocked)
	if !strings.Contains(err.Error(), dir) {
		t.Errorf("the error does not name the folder: %v", err)
	}
	put(t, j, "x")
	closeIt(t, j)
	j = openDir(t, dir, Options{})
	same(t, j, "x")
}

// However many append at once, all of it is there once, and those who return have been written.
func TestTogether(t *testing.T) {
	for _, sync := range []Sync{SyncGroups, SyncEach} {
		j := openDir(t, t.TempDir(), Options{Segment: 64 << 10, Sync: sync, Every: time.Millisecond, Lazy: time.Millisecond})
		together(t, j, sync)
	}
}

func together(t *testing.T, j *Journal, each Sync) {
	const callers, n = 32, 40
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range n {
				text := fmt.Sprint("caller ", c, " record ", i, strings.Repeat(" x", i*5))
				if i%5 == 4 {
					lazy(t, j, text)
					continue
				}
				end, err := j.Append([]byte(text))
				if err != nil {
					t.Error(err)
				}
				if each == SyncEach && j.Synced().Compare(end) < 0 {
					t.Errorf("it returned before %v was synced, at %v", end, j.Synced())
				}
				found := false
				start := Position{end.Segment, end.Offset - int64(len(text)+frameSize)}
				if _, err := j.Read(start, end, func(r Record) bool { found = string(r.Bytes) == text; return true }); err != nil || !found {
					t.Errorf("the record is not where it should be: %v", err)
				}
			}
		})
	}
	all.Wait()
	if err := j.Sync(); err != nil {
		t.Fatal(err)
	}
	got, damaged := texts(t, j)
	next := map[int]int{}
	for _, text := range got {
		var c, i int
		if _, err := fmt.Sscanf(text, "caller %d record %d", &c, &i); err != nil {
			t.Fatal(err)
		}
		if next[c] != i {
			t.Fatalf("of caller %d record %d comes where %d should", c, i, next[c])
		}
		next[c]++
	}
	if len(got) != callers*n || damaged != 0 {
		t.Fatalf("%d records and %d damaged bytes", len(got), damaged)
	}
	t.Logf("%d records in %d writes", len(got), j.Stats().Writes)
}

// What is lazy is written and synced without anybody asking.
func TestFlusher(t *testing.T) {
	j := openDir(t, t.TempDir(), Options{Every: 20 * time.Millisecond, Lazy: time.Millisecond})
	lazy(t, j, "a", "b")
	eventually(t, "it is written", func() bool { return j.Stats().Lazy == 0 })
	eventually(t, "it is synced", func() bool { s := j.Stats(); return s.Bytes > 0 && s.Unsynced == 0 })
	same(t, j, "a", "b")
	put(t, j, "c")
	eventually(t, "it is synced", func() bool { return j.Stats().Unsynced == 0 })
}

func TestMark(t *testing.T) {
	d := newSimDisk()
	o := Options{alone: true, Segment: 100}
	j := openSim(t, d, o)
	var ends []Position
	for i := range 10 {
		put(t, j, fmt.Sprint(i, strings.Repeat(" x", 30)))
		ends = append(ends, j.End())
	}
	if removed, err := j.RemoveFirst(); removed || err != nil {
		t.Fatalf("something unmarked is removed: %v", err)
	}
	if err := errors.Join(j.Sync(), j.Mark(ends[4]), j.Mark(ends[2])); err != nil {
		t.Fatal(err)
	}
	if j.Marked() != ends[4] {
		t.Errorf("the mark went back to %v", j.Marked())
	}
	for n := uint64(1); ; n++ {
		first, _ := j.First()
		removed, err := j.RemoveFirst()
		if err != nil {
			t.Fatal(err)
		}
		if !removed {
			break
		}
		if first != n || n > ends[4].Segment {
			t.Fatalf("segment %d is removed", first)
		}
	}
	for range 2 {
		got, damaged := texts(t, j)
		if len(got) < 5 || len(got) > 6 || !strings.HasPrefix(got[len(got)-5], "5 ") || damaged != 0 || j.Marked() != ends[4] {
			t.Fatalf("%q, %d, %v", got, damaged, j.Marked())
		}
		j = openSim(t, d.cut(func(string) bool { return false }, nil), o) // it lasts
	}
	if err := j.Mark(j.End()); err != nil {
		t.Fatal(err)
	}
	for {
		if removed, err := j.RemoveFirst(); err != nil || !removed {
			break
		}
	}
	if s := j.Stats(); s.Segments != 0 || s.Bytes != 0 {
		t.Errorf("stats %+v", s)
	}
	put(t, j, "more")
	same(t, j, "more")
	closeIt(t, j)
}

// A mark that cannot be read is none, and numbers of segments are not used again.
func TestMarkDamaged(t *testing.T) {
	d := newSimDisk()
	o := Options{alone: true}
	j := openSim(t, d, o)
	put(t, j, "a")
	if err := j.Mark(j.End()); err != nil {
		t.Fatal(err)
	}
	closeIt(t, j)
	mark := d.names[markName].now
	for i := range mark {
		d.names[markName].now = slices.Clone(mark)
		d.names[markName].now[i] ^= 1
		j = openSim(t, d, o)
		if j.Marked() != (Position{}) {
			t.Errorf("byte %d changed: the mark is %v", i, j.Marked())
		}
		same(t, j, "a")
		closeIt(t, j)
	}
}

func TestFull(t *testing.T) {
	j := openSim(t, newSimDisk(), Options{alone: true, Bytes: 10_000, Segment: 1000})
	var want []string
	for {
		text := fmt.Sprint(len(want), strings.Repeat(" x", 100))
		if _, err := j.Append([]byte(text)); err != nil {
			wantErr(t, err, ErrFull)
			break
		}
		want = append(want, text)
	}
	if s := j.Stats(); len(want) < 35 || s.Bytes > 10_000 {
		t.Errorf("%d records: %+v", len(want), s)
	}
	lazy(t, j, "lazy")
	if _, err := j.AppendOver([]byte("over")); err != nil {
		t.Fatal(err)
	}
	want = append(want, "lazy", "over")
	if err := errors.Join(j.Sync(), j.Mark(Position{3, 0})); err != nil {
		t.Fatal(err)
	}
	same(t, j, want...)
	if removed, err := j.RemoveFirst(); !removed || err != nil {
		t.Fatal("nothing is removed", err)
	}
	put(t, j, "more")
	closeIt(t, j)
}

func TestDiskFull(t *testing.T) {
	for _, cannotCut := range []bool{false, true} {
		d := newSimDisk()
		d.room = 5000
		o := Options{alone: true, Segment: 2000}
		j := openSim(t, d, o)
		if cannotCut {
			d.failCut = errBroken
		}
		var want []string
		for {
			text := fmt.Sprint(len(want), strings.Repeat(" x", 150))
			if _, err := j.Append([]byte(text)); err != nil {
				wantErr(t, err, syscall.ENOSPC)
				break
			}
			want = append(want, text)
		}
		lazy(t, j, "kept "+strings.Repeat("y", 400), "too")
		wantErr(t, j.Sync(), syscall.ENOSPC)
		if _, err := j.Append(make([]byte, 300)); !errors.Is(err, syscall.ENOSPC) || j.Stats().Lazy == 0 {
			t.Errorf("%v, %+v", err, j.Stats())
		}
		same(t, j, want...)
		if len(want) < 10 {
			t.Errorf("%d records fit", len(want))
		}
		// What was refused does not come to life.
		d.room, d.failCut = 100_000, nil
		put(t, j, "again")
		want = append(want, "kept "+strings.Repeat("y", 400), "too", "again")
		same(t, j, want...)
		closeIt(t, j)
		j = openSim(t, d, o)
		same(t, j, want...)
		closeIt(t, j)
	}
}

func TestReadOnly(t *testing.T) {
	d := newSimDisk()
	j := openSim(t, d, Options{alone: true})
	put(t, j, "a")
	d.readOnly = true
	_, err := j.Append([]byte("b"))
	wantErr(t, err, syscall.EROFS)
	same(t, j, "a")
	if j.Mark(j.End()) == nil {
		t.Error("it could be marked")
	}
	d.readOnly = false
	put(t, j, "c")
	same(t, j, "a", "c")
	closeIt(t, j)
}

// Once it is not known what is on the disk, nothing is promised any more.
func TestSyncFails(t *testing.T) {
	for name, fail := range map[string]func(*simDisk){
		"file":  func(d *simDisk) { d.failSync = errBroken },
		"names": func(d *simDisk) { d.failNames = errBroken },
	} {
		t.Run(name, func(t *testing.T) {
			d := newSimDisk()
			j := openSim(t, d, Options{alone: true})
			put(t, j, "a")
			fail(d)
			wantErr(t, j.Sync(), errBroken)
			d.failSync, d.failNames = nil, nil
			wantErr(t, j.Sync(), errBroken)
			_, err := j.Append([]byte("b"))
			wantErr(t, err, errBroken)
			wantErr(t, j.AppendLazy([]byte("b")), errBroken)
			wantErr(t, j.Mark(j.End()), errBroken)
			same(t, j, "a")
			wantErr(t, j.Close(), errBroken)
		})
	}
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("it does not come to it that " + what)
		}
	}
}

// What is written while something is synced is not synced by that.
func TestWrittenMeanwhile(t *testing.T) {
	d := newSimDisk()
	j := openSim(t, d, Options{alone: true})
	put(t, j, "a")
	end := j.End()
	d.between = func(what string) {
		if what == "sync" {
			d.between = nil
			put(t, j, "b")
		}
	}
	if err := j.Sync(); err != nil {
		t.Fatal(err)
	}
	if j.Synced() != end || j.End() == end {
		t.Errorf("it is synced to %v, want %v of %v", j.Synced(), end, j.End())
	}
	closeIt(t, j)
}
