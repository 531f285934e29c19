package thread

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/internal/storetest"
)

// Whatever happens and whenever the power goes, each turn is as it was when everything was last made to last, or as it was
// made since; never as it was before, and never as another.
func TestPowerCut(t *testing.T) {
	type state struct {
		text string
		ends time.Time // zero = gone
	}
	var cuts, tidied, torn, damaged int
	rapid.Check(t, func(r *rapid.T) {
		c := storetest.NewClock()
		d := newSimDisk()
		o := Options{Now: c.Now, segment: int64(rapid.SampledFrom([]int{300, 1200, 5000}).Draw(r, "segment")), alone: true, Bytes: 1 << 20}
		f := openSim(t, d, o)
		possible := map[string][]state{} // the last is what was put last
		seen := func(id string) state {
			turn, ok := f.Get("acme", id)
			if !ok {
				return state{}
			}
			return state{string(turn.Before), turn.Ends}
		}
		now := func(s state) state {
			if !c.Now().Before(s.ends) {
				return state{}
			}
			return s
		}
		settle := func(what string) { // everything lasts
			for id, states := range possible {
				want := now(states[len(states)-1])
				if got := seen(id); got != want {
					r.Fatalf("%s: turn %s is %v, want %v", what, id, got, want)
				}
				possible[id] = states[len(states)-1:]
			}
		}
		for step := range rapid.IntRange(5, 120).Draw(r, "steps") {
			id := fmt.Sprint(rapid.IntRange(0, 7).Draw(r, "id"))
			if possible[id] == nil {
				possible[id] = []state{{}}
			}
			switch rapid.IntRange(0, 11).Draw(r, "operation") {
			case 0, 1, 2, 3:
				turn := c.Turn("acme", id, time.Duration(rapid.IntRange(1, 40).Draw(r, "minutes"))*time.Minute)
				turn.Before = fmt.Appendf(nil, "%d %0*d", step, rapid.IntRange(0, 400).Draw(r, "size"), 0)
				if err := f.Put(turn); err != nil {
					r.Fatal(err)
				}
				possible[id] = append(possible[id], state{string(turn.Before), turn.Ends})
			case 4, 5:
				if f.Delete("acme", id) {
					possible[id] = append(possible[id], state{})
				}
			case 6:
				c.Pass(time.Duration(rapid.IntRange(0, 30).Draw(r, "pass")) * time.Minute)
			case 7:
				if err := f.Sync(); err != nil {
					r.Fatal(err)
				}
				settle("after Sync")
			case 8:
				more, err := f.tidy()
				for more && err == nil && rapid.Bool().Draw(r, "more") {
					more, err = f.tidy()
					tidied++
				}
				if err != nil {
					r.Fatal(err)
				}
			case 9:
				if err := f.Close(); err != nil {
					r.Fatal(err)
				}
				f = openSim(t, d, o)
				settle("after Close and Open")
			case 10, 11:
				cuts++
				whole := rapid.Bool().Draw(r, "all or nothing")
				all := rapid.Bool().Draw(r, "all")
				d = d.cut(func(what string) bool {
					if whole {
						return all
					}
					return rapid.Bool().Draw(r, what)
				}, func(n int) int { return rapid.IntRange(0, n).Draw(r, "part") })
				f = openSim(t, d, o)
				torn += int(f.torn)
				damaged += int(f.damaged)
				for id, states := range possible {
					got := seen(id)
					i := slices.IndexFunc(states, func(s state) bool { return now(s) == got })
					if i < 0 {
						r.Fatalf("after a power cut turn %s is %v, and could be %v", id, got, states)
					}
					possible[id] = []state{got}
				}
			}
			check(r, f)
		}
	})
	t.Logf("%d power cuts, %d times tidied, %d bytes torn, %d places damaged", cuts, tidied, torn, damaged)
}

// check compares what the store counts with what is there.
func check(t interface{ Fatalf(string, ...any) }, f *File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	used, ghosts, lives := int64(0), 0, map[*segment]int64{}
	for _, o := range f.index.owners {
		for _, n := range o.turns {
			lives[n.p.seg] += n.bytes
		}
	}
	perKey := map[key]int{}
	for k, g := range f.graves {
		if g.stone.seg != nil {
			lives[g.stone.seg] += g.size
			if f.index.get(k.owner, k.id) != nil {
				t.Fatalf("%v lives and has a stone", k)
			}
		}
		perKey[k] -= g.ghosts
	}
	for _, seg := range f.segments {
		used += seg.size
		ghosts += len(seg.ghosts)
		for _, k := range seg.ghosts {
			perKey[k]++
		}
		if lives[seg] != seg.live || seg.waste() < 0 {
			t.Fatalf("segment %s: %d live, %d counted, of %d", seg.name(), lives[seg], seg.live, seg.size)
		}
		if seg.waste() > 0 && seg.dead.IsZero() {
			t.Fatalf("segment %s: nobody knows when what is dead died", seg.name())
		}
	}
	for _, seg := range f.left {
		used += seg.size
	}
	if used != f.used || ghosts != f.ghosts {
		t.Fatalf("%d bytes used, %d counted; %d ghosts, %d counted", used, f.used, ghosts, f.ghosts)
	}
	for k, n := range perKey {
		if n != 0 {
			t.Fatalf("%v: ghosts differ by %d", k, n)
		}
	}
}
