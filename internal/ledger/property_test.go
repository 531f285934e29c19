package ledger

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/internal/gateway"
)

// Whatever is opened and closed, however often the process ends in the middle of it, whatever the books do meanwhile and
// however the clock jumps: in the end every entry is in the books once, and as it was closed; or unknown, charged what was
// held, if the process ended before the end of it was written.
func TestEverything(t *testing.T) {
	var crashes, unknowns, carried int
	rapid.Check(t, func(r *rapid.T) {
		b, c, dir := newBooks(), newClock(), t.TempDir()
		o := quick(b)
		o.Now = c.Now
		o.Journal.Segment, o.Journal.Bytes = 3000, 1<<20
		if rapid.Bool().Draw(r, "synced seldom") {
			o.Journal.Every = time.Hour
		}
		o.Batch = rapid.SampledFrom([]int{1, 3, 1000}).Draw(r, "batch")
		l := openLedger(t, dir, o)
		var open []string
		possible := map[string][]gateway.Money{} // what entries may come to; -1 = they are not there
		unwritten := map[string]bool{}           // closed, and perhaps not in the journal yet
		unsynced := map[string]bool{}            // opened or booked, and perhaps not on the disk yet
		number := 0
		id := func() string { number++; return fmt.Sprint("e", number) }
		held := func(string) gateway.Money { return 1000 }
		ends := func(id string, comes gateway.Money) {
			possible[id] = []gateway.Money{comes, held(id)} // until it is written it may become unknown
			unwritten[id] = true
		}
		written := func() {
			for id := range unwritten {
				possible[id] = possible[id][:1]
			}
			clear(unwritten)
			clear(unsynced)
		}
		for range rapid.IntRange(5, 80).Draw(r, "steps") {
			switch rapid.IntRange(0, 11).Draw(r, "step") {
			case 0, 1, 2:
				one := id()
				if err := l.Open(opened(one, held(one))); err != nil {
					r.Fatal(err)
				}
				open = append(open, one)
				unsynced[one] = true
				possible[one] = nil
			case 3, 4, 5:
				if len(open) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(open)-1).Draw(r, "which")
				one := open[i]
				open = slices.Delete(open, i, i+1)
				if rapid.IntRange(0, 3).Draw(r, "nothing") == 0 {
					l.Close(opened(one, held(one)))
					ends(one, -1)
					continue
				}
				cost := gateway.Money(rapid.IntRange(0, 999).Draw(r, "cost"))
				l.Close(ended(one, gateway.EntryDone, cost))
				ends(one, cost)
			case 6:
				one := id()
				if err := l.Book(ended(one, gateway.EntryCached, 5)); err != nil {
					r.Fatal(err)
				}
				possible[one] = []gateway.Money{5}
				unsynced[one] = true
			case 7:
				if err := l.journal.Sync(); err != nil {
					r.Fatal(err)
				}
				written()
			case 8:
				switch rapid.IntRange(0, 3).Draw(r, "the books") {
				case 0:
					b.set(away, nil)
				case 1:
					b.set(nil, errors.New("the connection broke, and nobody knows"))
				default:
					b.set(nil, nil)
					flush(t, l)
					written()
				}
			case 9:
				c.pass(time.Duration(rapid.IntRange(-3600, 3600).Draw(r, "the clock jumps")) * time.Second)
				time.Sleep(time.Millisecond)
			default:
				crashes++
				if first, _ := l.journal.First(); first > 1 {
					carried++
				}
				if power := rapid.IntRange(0, 2).Draw(r, "power") == 0; power {
					dir = powerCut(t, l, dir, func(n int) int { return rapid.IntRange(0, max(0, n)).Draw(r, "part") })
					for id := range unwritten {
						possible[id] = append(possible[id], -1)
					}
					for id := range unsynced {
						possible[id] = append(possible[id], held(id), -1)
					}
				} else {
					dir = crash(t, l, dir)
				}
				known := b.all()
				l = openLedger(t, dir, o)
				for e := range l.Undrained() {
					if have, ok := known[e.ID]; ok && e.State == gateway.EntryUnknown && have.State != e.State {
						r.Fatalf("entry %s was brought to the books, and was lost after that", e.ID)
					}
				}
				for _, one := range open {
					possible[one] = append(possible[one], held(one))
				}
				clear(unsynced)
				unknowns += l.Stats().Unknown
				open = nil
				// What is closed and was not written is unknown from now on, or was written; the books will tell.
				clear(unwritten)
			}
			sum := 0
			for e := range l.Undrained() {
				if e.State == gateway.EntryOpened && !slices.Contains(open, e.ID) {
					r.Fatalf("entry %s is open, and was closed", e.ID)
				}
				sum++
			}
			if n := len(open); sum < n {
				r.Fatalf("%d are undrained, and %d are open", sum, n)
			}
		}
		b.set(nil, nil)
		flush(t, l)
		shutdown(t, l)
		for _, one := range open {
			possible[one] = []gateway.Money{held(one)}
		}
		for range 2 { // a start brings no more
			l = openLedger(t, dir, o)
			flush(t, l)
			shutdown(t, l)
			if s := l.Stats(); s.Undrained != 0 || s.Holds != 0 || s.Damaged != 0 {
				r.Fatalf("stats %+v", s)
			}
		}
		got := b.all()
		for id, amounts := range possible {
			e, ok := got[id]
			cost := e.Cost
			if !ok {
				cost = -1
			}
			if !slices.Contains(amounts, cost) || ok && (e.State == gateway.EntryUnknown) != (cost == held(id)) {
				r.Fatalf("entry %s is %v, %v with %d, want one of %d", id, ok, e.State, cost, amounts)
			}
			delete(got, id)
		}
		if len(got) > 0 {
			r.Fatalf("the books have %.300v, too", got)
		}
		if r, err := Verify(t.Context(), dir, b); err != nil || !r.Agree() || r.Waiting+r.Holds != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
	})
	t.Logf("%d crashes, %d of them of journals that had been tidied; %d entries became unknown", crashes, carried, unknowns)
	if !testing.Short() && (crashes == 0 || unknowns == 0 || carried == 0) {
		t.Error("the test does not try enough")
	}
}
