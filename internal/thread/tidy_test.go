package thread

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/fault"
	"weir/internal/storetest"
)

func segments(f *File) (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, seg := range f.segments {
		names = append(names, seg.name())
	}
	return names
}

// What is mostly dead is written anew, in its place; what is all dead goes; and what lives is where it was.
func TestTidy(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	o := Options{Now: c.Now, alone: true, segment: 10_000}
	f := openSim(t, d, o)
	fill(t, f, c, "acme", 100, 1000) // a dozen segments
	for i := range 100 {
		if i < 30 || i%5 != 0 { // the first segments altogether, most of the others
			f.Delete("acme", fmt.Sprint(i))
		}
	}
	before := f.Stats()
	tidyAll(t, f)
	after := f.Stats()
	if after.Disk > before.Disk/4 || after.Turns != 14 || after.Bytes != before.Bytes {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	for range 2 {
		for i := range 100 {
			if got, ok := f.Get("acme", fmt.Sprint(i)); ok != (i >= 30 && i%5 == 0) || ok && len(got.Before) != 1004 {
				t.Errorf("turn %d: %v, %d bytes", i, ok, len(got.Before))
			}
		}
		if left, err := d.List(); err != nil || len(left) != len(f.segments)+1 {
			t.Errorf("files %v for segments %v", left, segments(f))
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		f = openSim(t, d, o)
		tidyAll(t, f)
	}
	c.Pass(time.Hour)
	tidyAll(t, f)
	if st := f.Stats(); st.Turns != 0 || st.Disk > 2000 {
		t.Errorf("when all have ended: %+v", st)
	}
}

// A single dead turn among living ones leaves the disk within a day, and an idle store gets rid of everything.
func TestLinger(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	f := openSim(t, d, Options{Now: c.Now, alone: true})
	for i := range 10 {
		turn := c.Big("acme", fmt.Sprint(i), 1000)
		turn.Ends = c.Now().Add(1000 * time.Hour)
		if err := f.Put(turn); err != nil {
			t.Fatal(err)
		}
	}
	before := f.Stats().Disk
	f.Delete("acme", "3")
	c.Pass(linger - 1)
	tidyAll(t, f)
	if now := f.Stats().Disk; now < before {
		t.Errorf("it hurried: %d bytes", now)
	}
	c.Pass(1)
	tidyAll(t, f)
	if now := f.Stats().Disk; now > before*92/100 {
		t.Errorf("%d bytes before, %d after a day", before, now)
	}
	c.Pass(1000 * time.Hour)
	tidyAll(t, f)
	c.Pass(linger)
	tidyAll(t, f)
	if st := f.Stats(); st.Disk != 0 || st.Turns != 0 || len(d.names) != 1 {
		t.Errorf("at the end %+v, %d files", st, len(d.names))
	}
}

// However often it starts, the files do not become many.
func TestManyStarts(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	o := Options{Now: c.Now, alone: true, segment: 20_000}
	for i := range 60 {
		f := openSim(t, d, o)
		if err := f.Put(c.Big("acme", fmt.Sprint(i), 500)); err != nil {
			t.Fatal(err)
		}
		tidyAll(t, f)
		all(t, f, c, "acme", i+1, 500)
		if n := len(f.segments); n > 8 {
			t.Fatalf("%d segments: %v", n, segments(f))
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A replaced turn that would live longer than the one that replaced it does not come back, wherever they stand and
// whichever segment is written anew first.
func TestGhosts(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	o := Options{Now: c.Now, alone: true, segment: 3000}
	f := openSim(t, d, o)
	put := func(id string, d time.Duration, size int) {
		t.Helper()
		turn := c.Big("acme", id, size)
		turn.Ends = c.Now().Add(d)
		if err := f.Put(turn); err != nil {
			t.Fatal(err)
		}
	}
	put("replaced", 100*time.Hour, 100)
	put("deleted", 100*time.Hour, 100)
	put("stays", 100*time.Hour, 3000) // so the first segment is never worth it
	put("replaced", time.Hour, 2000)
	f.Delete("acme", "deleted")
	put("other", time.Hour, 2000)
	put("more", 100*time.Hour, 4000)
	c.Pass(time.Hour)
	for i := range 3 {
		tidyAll(t, f)
		if i == 0 && f.Stats().Disk > 9000 {
			t.Errorf("nothing was tidied: %+v", f.Stats())
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		f = openSim(t, d, o)
		for _, id := range []string{"replaced", "deleted", "other"} {
			if _, ok := f.Get("acme", id); ok {
				t.Fatalf("start %d: %s is back", i, id)
			}
		}
		for _, id := range []string{"stays", "more"} {
			if _, ok := f.Get("acme", id); !ok {
				t.Fatalf("start %d: %s is lost", i, id)
			}
		}
	}
	if f.ghosts != 2 {
		t.Errorf("%d ghosts", f.ghosts)
	}
	c.Pass(linger)
	tidyAll(t, f)
	if f.ghosts != 0 || len(f.graves) != 0 {
		t.Errorf("%d ghosts, %d graves", f.ghosts, len(f.graves))
	}
}

// A turn that is deleted while its segment is written anew, after it was copied, stays so when what says it is tidied away.
func TestDiesOnTheWay(t *testing.T) {
	c := storetest.NewClock()
	for _, how := range []string{"deleted", "replaced", "ended"} {
		t.Run(how, func(t *testing.T) {
			d := newSimDisk()
			o := Options{Now: c.Now, alone: true, segment: 5000}
			f := openSim(t, d, o)
			fill(t, f, c, "acme", 5, 1000)
			for _, id := range []string{"0", "2", "3"} {
				f.Delete("acme", id)
			}
			short := c.Big("acme", "1", 1000)
			short.Ends = c.Now().Add(time.Minute)
			d.between = func(what string) {
				if !strings.HasPrefix(what, "rename") {
					return
				}
				d.between = nil
				switch how {
				case "deleted":
					f.Delete("acme", "1")
				default:
					if err := f.Put(short); err != nil {
						t.Fatal(err)
					}
				}
				if how == "ended" {
					c.Pass(time.Minute)
				}
			}
			for range 3 {
				f.seal() // so that everything can be tidied
				if _, err := f.tidy(); err != nil {
					t.Fatal(err)
				}
				check(t, f)
			}
			if d.between != nil {
				t.Fatal("nothing was written anew")
			}
			c.Pass(time.Minute)
			tidyAll(t, f)
			for range 2 {
				if _, ok := f.Get("acme", "1"); ok {
					t.Fatal("it is back")
				}
				if _, ok := f.Get("acme", "4"); !ok {
					t.Fatal("the other one is lost")
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				f = openSim(t, d, o)
			}
		})
	}
}

// A body that rots is noticed when it is written anew, and its room is given back.
func TestTidyFindsRot(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	f := openSim(t, d, Options{Now: c.Now, alone: true})
	fill(t, f, c, "acme", 4, 1000)
	seg := d.names[span{1, 1, 1}.name()]
	seg.now[f.index.get("acme", "1").p.off+500] ^= 1
	for _, id := range []string{"2", "3"} {
		f.Delete("acme", id)
	}
	c.Pass(time.Minute)
	f.seal()
	tidyAll(t, f)
	if st := f.Stats(); st.Turns != 1 || st.Damaged != 1 {
		t.Errorf("stats %+v", st)
	}
	all(t, f, c, "acme", 1, 1000)
}

// What is worth it depends on how much room there is.
func TestWorth(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	f := openSim(t, d, Options{Now: c.Now, alone: true, segment: 20_000})
	fill(t, f, c, "acme", 100, 1000)
	chosen := func() (names []string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, seg := range f.choose() {
			names = append(names, seg.name())
		}
		return names
	}
	first := []string{span{1, 1, 1}.name()}
	f.Delete("acme", "1")
	if got := chosen(); got != nil {
		t.Errorf("one of twenty is dead, there is room, and %v are chosen", got)
	}
	f.waiting = 1
	if got := chosen(); !slices.Equal(got, first) {
		t.Errorf("somebody waits for room, and %v are chosen", got)
	}
	tidyAll(t, f)
	for i := range 4 {
		f.Delete("acme", fmt.Sprint(99-i))
	}
	if got := chosen(); !slices.Equal(got, []string{f.active.name()}) {
		t.Errorf("somebody waits for room, only the active segment has any, and %v are chosen", got)
	}
	f.waiting = 0
	if got := chosen(); got != nil {
		t.Errorf("there is room, and %v are chosen", got)
	}
	for i := range 5 {
		f.Delete("acme", fmt.Sprint(20+i))
	}
	if got := chosen(); got != nil {
		t.Errorf("a quarter is dead, there is room, and %v are chosen", got)
	}
	f.o.Bytes = f.used * 5 / 4
	if got := chosen(); !slices.Equal(got, []string{span{2, 2, 1}.name()}) {
		t.Errorf("a quarter is dead, there is little room, and %v are chosen", got)
	}
}

// Everything at once, with the goroutines a File has.
func TestBusy(t *testing.T) {
	dir := t.TempDir()
	o := Options{Bytes: 1 << 20, Owner: 1 << 20, segment: 16 << 10, every: time.Millisecond}
	f := openDir(t, dir, o)
	c := storetest.NewClock()
	const workers, turns = 6, 40
	want := [workers][turns]int{} // sizes
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			owner := fmt.Sprint(w % 3)
			for range 400 {
				i := rand.IntN(1 + rand.IntN(1+rand.IntN(turns))) // some change often, some hardly ever
				id := fmt.Sprint(w, "-", i)
				got, ok := f.Get(owner, id)
				if ok != (want[w][i] > 0) || ok && len(got.Before) != want[w][i]+4 {
					t.Errorf("%s/%s has %d bytes, want %d", owner, id, len(got.Before), want[w][i])
				}
				if rand.IntN(4) == 0 {
					if f.Delete(owner, id) != (want[w][i] > 0) {
						t.Errorf("%s/%s: it was not as it is", owner, id)
					}
					want[w][i] = 0
					continue
				}
				size := 1 + rand.IntN(6000)
				turn := c.Big(owner, id, size)
				turn.Ends = time.Now().Add(time.Hour)
				err := f.Put(turn)
				for late := time.Now().Add(10 * time.Second); err != nil && fault.Of(err).RetryAfter > 0 && time.Now().Before(late); {
					err = f.Put(turn) // it is being tidied up
				}
				if err != nil {
					t.Error(err)
					continue
				}
				want[w][i] = size
			}
		})
	}
	wg.Wait()
	check(t, f)
	tidied := false
	for _, name := range segments(f) {
		tidied = tidied || !strings.Contains(name, ".1.")
	}
	if !tidied {
		t.Errorf("nobody tidied: %v", segments(f))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = openDir(t, dir, o)
	for w := range workers {
		for i, size := range want[w] {
			got, ok := f.Get(fmt.Sprint(w%3), fmt.Sprint(w, "-", i))
			if ok != (size > 0) || ok && len(got.Before) != size+4 {
				t.Errorf("%d-%d has %d bytes, want %d", w, i, len(got.Before), size)
			}
		}
	}
	if st := f.Stats(); st.Disk > o.Bytes || st.Torn != 0 || st.Damaged != 0 {
		t.Errorf("stats %+v", st)
	}
}

// Many turns share one making to last, and it comes without anybody asking.
func TestGroupCommit(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	o := Options{Now: c.Now, every: 50 * time.Millisecond}
	f := openSim(t, d, o)
	begun := time.Now()
	fill(t, f, c, "acme", 500, 100)
	took := time.Since(begun)
	lasts := func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, seg := range f.segments {
			if seg.lasts < seg.size {
				return false
			}
		}
		return f.lasting == f.names
	}
	eventually(t, "what was put lasts", lasts)
	d.mu.Lock()
	syncs := d.syncs
	d.mu.Unlock()
	if most := 6 + 2*int(took/o.every); syncs > most {
		t.Errorf("%d syncs for 500 turns, %d would do", syncs, most)
	}
	after := d.cut(func(string) bool { return false }, nil)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = openSim(t, after, o)
	all(t, f, c, "acme", 500, 100)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// What others left in the folder is not touched.
func TestStrangers(t *testing.T) {
	c := storetest.NewClock()
	d := newSimDisk()
	f := openSim(t, d, Options{Now: c.Now, alone: true})
	fill(t, f, c, "acme", 3, 100)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"notes.txt", "0000000009-0000000001.1.seg", "1-1.1.seg", "0000000001-0000000001.01.seg"} {
		d.names[name] = &simFile{d: d, now: []byte("mine")}
	}
	d.names["new.tmp"] = &simFile{d: d}
	f = openSim(t, d, Options{Now: c.Now, alone: true})
	all(t, f, c, "acme", 3, 100)
	if len(d.names) != 6 || d.names["new.tmp"] != nil {
		t.Errorf("%d files are left", len(d.names))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	d.names[span{1, 4, 1}.name()] = &simFile{d: d, now: []byte(signature)}
	if _, err := Open(filepath.Join("some", "where"), Options{disk: d}); err == nil || !strings.Contains(err.Error(), "stand for the same") {
		t.Errorf("two that overlap: %v", err)
	}
	delete(d.names, span{1, 4, 1}.name())
	d.names[span{5, 5, 1}.name()] = &simFile{d: d, now: []byte("weirthr2 and more")}
	if _, err := Open("sim", Options{disk: d}); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("one of a newer version: %v", err)
	}
	if got := string(d.names[span{5, 5, 1}.name()].now); got != "weirthr2 and more" {
		t.Errorf("it was changed to %q", got)
	}
}
