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
	property := func(r *rapid.T) {
		c := storetest.NewClock()
		d := newSimDisk()
		o := Options{Now: c.Now, segment: int64(rapid.SampledFrom([]int{300, 1200, 5000}).Draw(r, "segment")), alone: true, Bytes: 1 << 20}
		f := openSim(t, d, o)
		possible := map[string][]state{} // the last is what was put last
		seen := func(f *File, id string) state {
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
				if got := seen(f, id); got != want {
					r.Fatalf("%s: turn %s is %v, want %v", what, id, got, want)
				}
				possible[id] = states[len(states)-1:]
			}
		}
		put := func(id string, step int) {
			turn := c.Turn("acme", id, time.Duration(rapid.IntRange(1, 40).Draw(r, "minutes"))*time.Minute)
			turn.Before = fmt.Appendf(nil, "%d %0*d", step, rapid.IntRange(0, 400).Draw(r, "size"), 0)
			possible[id] = append(possible[id], state{string(turn.Before), turn.Ends}) // if the power goes meanwhile, too
			if err := f.Put(turn); err != nil {
				r.Fatal(err)
			}
		}
		remove := func(id string) {
			possible[id] = append(possible[id], state{})
			if !f.Delete("acme", id) {
				possible[id] = possible[id][:len(possible[id])-1]
			}
		}
		cut := func() (*simDisk, *File) {
			cuts++
			whole := rapid.Bool().Draw(r, "all or nothing")
			all := rapid.Bool().Draw(r, "all")
			after := d.cut(func(what string) bool {
				if whole {
					return all
				}
				return rapid.Bool().Draw(r, what)
			}, func(n int) int { return rapid.IntRange(0, n).Draw(r, "part") })
			g := openSim(t, after, o)
			torn += int(g.torn)
			damaged += int(g.damaged)
			check(r, g)
			return after, g
		}
		// could returns what a turn is after a power cut.
		could := func(f *File, id string) state {
			got := seen(f, id)
			if !slices.ContainsFunc(possible[id], func(s state) bool { return now(s) == got }) {
				r.Fatalf("after a power cut turn %s is %v, and could be %v", id, got, possible[id])
			}
			return got
		}
		// While it is tidied the power can go, too, and turns are put and deleted.
		var between func(string)
		between = func(what string) {
			d.between = nil // not about itself
			defer func() { d.between = between }()
			id := fmt.Sprint(rapid.IntRange(0, 7).Draw(r, "id meanwhile"))
			switch rapid.IntRange(0, 3).Draw(r, "before "+what) {
			case 0:
				_, g := cut()
				for id := range possible {
					could(g, id)
				}
			case 1:
				if possible[id] != nil {
					put(id, 1000)
				}
			case 2:
				if possible[id] != nil {
					remove(id)
				}
			}
		}
		for step := range rapid.IntRange(5, 120).Draw(r, "steps") {
			id := fmt.Sprint(rapid.IntRange(0, 7).Draw(r, "id"))
			if possible[id] == nil {
				possible[id] = []state{{}}
			}
			switch rapid.IntRange(0, 11).Draw(r, "operation") {
			case 0, 1, 2, 3:
				put(id, step)
			case 4, 5:
				remove(id)
			case 6:
				c.Pass(time.Duration(rapid.IntRange(0, 30).Draw(r, "pass")) * time.Minute)
			case 7:
				if err := f.Sync(); err != nil {
					r.Fatal(err)
				}
				settle("after Sync")
			case 8:
				for more := true; more && rapid.IntRange(0, 3).Draw(r, "more") > 0; tidied++ {
					before := map[string]int{}
					for id, states := range possible {
						before[id] = len(states)
					}
					d.between = between
					var err error
					if more, err = f.tidy(); err != nil {
						r.Fatal(err)
					}
					d.between = nil
					for id, n := range before {
						if more { // what was put before it lasts
							possible[id] = possible[id][n-1:]
						}
					}
				}
			case 9:
				if err := f.Close(); err != nil {
					r.Fatal(err)
				}
				f = openSim(t, d, o)
				settle("after Close and Open")
			case 10, 11:
				d, f = cut()
				for id := range possible {
					possible[id] = []state{could(f, id)}
				}
			}
			check(r, f)
		}
	}
	for i := range 5 { // so that the usual hundred are five hundred
		t.Run(fmt.Sprint(i), func(t *testing.T) { rapid.Check(t, property) })
	}
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
