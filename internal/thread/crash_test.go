package thread

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/gateway"
	"weir/internal/storetest"
)

func init() { children["write"] = writeForEver }

// writeForEver puts and deletes turns in a folder and says so, until it is killed. Of each turn the text tells the size.
func writeForEver(args []string) error {
	f, err := Open(args[0], Options{Bytes: 8 << 20, segment: 64 << 10, every: 5 * time.Millisecond})
	if err != nil {
		return err
	}
	c := storetest.NewClock()
	for i := 0; ; i++ {
		id := fmt.Sprint(rand.IntN(40))
		if rand.IntN(4) == 0 {
			fmt.Println("deleting", id)
			f.Delete("acme", id)
			fmt.Println("deleted", id)
			continue
		}
		size := rand.IntN(20_000)
		turn := c.Big("acme", id, size)
		turn.Ends = time.Now().Add(time.Hour)
		fmt.Println("putting", id, size)
		if err := f.Put(turn); err != nil {
			return err
		}
		fmt.Println("put", id, size)
		if i%20 == 0 {
			if err := f.Sync(); err != nil {
				return err
			}
		}
	}
}

// Whenever the process is killed, whatever it had put or deleted is so at the next start.
func TestKilled(t *testing.T) {
	times := 30
	if testing.Short() {
		times = 5
	}
	dir := t.TempDir()
	want := map[string]string{} // sizes; "" = gone
	puts, torn := 0, int64(0)
	for range times {
		cmd := exec.Command(os.Args[0], dir)
		cmd.Env = append(os.Environ(), "WEIR_THREAD_CHILD=write")
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killed := time.AfterFunc(time.Duration(rand.IntN(150_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		said, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		killed.Stop()
		during := "" // what it was about when it was killed
		for _, line := range strings.Split(string(said), "\n") {
			words := strings.Fields(line)
			switch {
			case len(words) == 3 && words[0] == "put":
				want[words[1]] = words[2]
				puts++
				during = ""
			case len(words) == 2 && words[0] == "deleted":
				want[words[1]] = ""
				during = ""
			case len(words) > 1:
				during = words[1]
			}
		}
		f, err := Open(dir, Options{Bytes: 8 << 20, segment: 64 << 10, alone: true})
		if err != nil {
			t.Fatal(err)
		}
		check(t, f)
		if f.damaged != 0 {
			t.Fatalf("%d places are damaged", f.damaged)
		}
		torn += f.torn
		for _, id := range slices.Sorted(maps.Keys(want)) {
			turn, ok := f.Get("acme", id)
			got := ""
			if ok {
				got = fmt.Sprint(len(turn.Before) - len(`[""]`))
			}
			if id == during || cmp.Equal(want[id], got) {
				want[id] = got
				continue
			}
			t.Fatalf("turn %s has %q bytes, want %q", id, got, want[id])
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("killed %d times in %d puts; %d bytes were torn", times, puts, torn)
}

// Wherever the last write breaks off, everything before it is there, and writing goes on.
func TestTornTail(t *testing.T) {
	c := storetest.NewClock()
	o := Options{Now: c.Now, alone: true}
	d, seg := written(t, o, c.Turn("acme", "1", time.Hour), c.Native("acme", "2", time.Hour), c.Turn("acme", "3", time.Hour))
	whole := slices.Clone(seg.now)
	var ends []int
	r := newReader(seg, openSim(t, d, o).keys.head(span{1, 1, 1}), int64(len(whole)))
	d.locked = false
	for {
		e, err := r.next()
		if err != nil {
			break
		}
		ends = append(ends, int(e.off+e.size))
	}
	if len(ends) != 3 || ends[2] != len(whole) {
		t.Fatalf("entries end at %v of %d", ends, len(whole))
	}
	for n := range whole {
		for _, tail := range [][]byte{nil, make([]byte, 100), []byte(strings.Repeat(magic, 30))} {
			seg.now = append(slices.Clone(whole[:n]), tail...)
			entries := 0
			for _, end := range ends {
				if end <= n {
					entries++
				}
			}
			good := len(signature)
			if entries > 0 {
				good = ends[entries-1]
			}
			f := openSim(t, d, o)
			if st := f.Stats(); st.Turns != entries || st.Torn != int64(max(0, n+len(tail)-good)) || st.Damaged != 0 {
				t.Fatalf("cut to %d with %d behind it: %+v, want %d turns and %d bytes torn", n, len(tail), st, entries, n+len(tail)-good)
			}
			if err := f.Put(c.Turn("acme", "4", time.Hour)); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			f = openSim(t, d, o)
			if st := f.Stats(); st.Turns != entries+1 || st.Torn != 0 || st.Damaged != 0 {
				t.Fatalf("cut to %d and opened again: %+v", n, st)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			delete(d.names, span{2, 2, 1}.name())
		}
	}
}

// A turn that was not written whole, with others behind it, does not hide the one before it: not at the next start, and not
// at later ones, which do not look at bodies there any more.
func TestNotWhole(t *testing.T) {
	c := storetest.NewClock()
	o := Options{Now: c.Now, alone: true, segment: 200}
	d := newSimDisk()
	f := openSim(t, d, o)
	old, young := c.Turn("acme", "1", time.Hour), c.Big("acme", "1", 300)
	for _, turn := range []gateway.Turn{old, young} {
		if err := f.Put(turn); err != nil {
			t.Fatal(err)
		}
	}
	at := f.index.get("acme", "1")
	f.o.segment = 10_000
	if err := f.Put(c.Turn("acme", "2", time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	copy(d.names[at.p.seg.name()].now[at.p.off+at.bytes-100:], make([]byte, 100))
	for i := range 4 {
		f := openSim(t, d, o)
		if got, ok := f.Get("acme", "1"); !ok || !cmp.Equal(got, old) {
			t.Fatalf("start %d: %v, %v", i, got, ok)
		}
		if got, ok := f.Get("acme", "2"); !ok || !cmp.Equal(got, c.Turn("acme", "2", time.Hour)) {
			t.Fatalf("start %d: %v, %v", i, got, ok)
		}
		if err := f.Put(c.Turn("acme", fmt.Sprint("more ", i), time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// However fast segments fill up, at a start only the last two can be in doubt.
func TestOnlyTwoInDoubt(t *testing.T) {
	c := storetest.NewClock()
	o := Options{Now: c.Now, alone: true, segment: 400}
	d := newSimDisk()
	f := openSim(t, d, o)
	old, young := c.Big("acme", "1", 400), c.Turn("acme", "1", 2*time.Hour)
	if err := errors.Join(f.Put(old), f.Sync(), f.Put(young)); err != nil {
		t.Fatal(err)
	}
	name := f.active.name()
	for i := range 5 {
		if err := f.Put(c.Turn("acme", fmt.Sprint("more ", i), time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	d = d.cut(func(what string) bool { return what != name+" write 1 whole" }, func(n int) int { return n - 10 })
	f = openSim(t, d, o)
	if got, ok := f.Get("acme", "1"); !ok || !cmp.Equal(got, old) && !cmp.Equal(got, young) {
		t.Fatalf("%v, %v", got, ok)
	}
}
