package journal

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever happens and whenever the power goes: what was synced is there, what is there was appended, once and in order, and
// the mark is where it was last put.
func TestPowerCut(t *testing.T) {
	var cuts, lost, torn int
	rapid.Check(t, func(r *rapid.T) {
		d := newSimDisk()
		o := Options{alone: true, Segment: int64(rapid.SampledFrom([]int{150, 600, 5000}).Draw(r, "segment")), Bytes: 1 << 20}
		if rapid.Bool().Draw(r, "each") {
			o.Sync = SyncEach
		}
		j := openSim(t, d, o)
		var want []string // in order
		synced := 0       // so many of them last
		removed := 0      // so many of them are not needed any more
		mark := Position{}
		ends := map[int]Position{}
		number := 0
		text := func() string {
			number++
			return fmt.Sprint(number, " ", strings.Repeat("x", rapid.IntRange(0, 200).Draw(r, "size")))
		}
		// could checks what is there against what may be, and returns it.
		could := func(j *Journal) []string {
			got, _ := texts(t, j)
			at := 0
			var have []bool
			for _, one := range want {
				found := at < len(got) && got[at] == one
				have = append(have, found)
				if found {
					at++
				}
			}
			if at != len(got) {
				r.Fatalf("what is there was not appended so: %.60q of %.60q", got, want)
			}
			for i := removed; i < synced; i++ {
				if !have[i] {
					r.Fatalf("record %.20q is lost, and it was synced", want[i])
				}
			}
			if j.Marked() != mark {
				r.Fatalf("the mark is %v, and was %v", j.Marked(), mark)
			}
			return got
		}
		for range rapid.IntRange(3, 60).Draw(r, "steps") {
			switch rapid.IntRange(0, 9).Draw(r, "step") {
			case 0, 1, 2, 3:
				one := text()
				end, err := j.Append([]byte(one))
				if err != nil {
					r.Fatal(err)
				}
				want = append(want, one)
				ends[len(want)] = end
				if o.Sync == SyncEach {
					synced = len(want)
				}
			case 4, 5:
				one := text()
				if err := j.AppendLazy([]byte(one)); err != nil {
					r.Fatal(err)
				}
				want = append(want, one)
			case 6:
				if err := j.Sync(); err != nil {
					r.Fatal(err)
				}
				synced = len(want)
			case 7:
				at := rapid.IntRange(0, synced).Draw(r, "mark")
				if end, ok := ends[at]; ok && end.Compare(mark) > 0 {
					if err := j.Mark(end); err != nil {
						r.Fatal(err)
					}
					mark, removed = end, max(removed, at)
				}
				for {
					if ok, err := j.RemoveFirst(); err != nil || !ok {
						break
					}
				}
			default:
				cuts++
				all := rapid.IntRange(0, 2).Draw(r, "what lasts")
				after := d.cut(func(what string) bool {
					if all < 2 {
						return all == 1
					}
					return rapid.Bool().Draw(r, what)
				}, func(n int) int { return rapid.IntRange(0, n).Draw(r, "part") })
				again := openSim(t, after, o)
				got := could(again)
				torn += int(again.Stats().Torn)
				if rapid.Bool().Draw(r, "go on there") {
					lost += len(want) - len(got)
					d, j, want = after, again, got
					synced, removed = len(got), 0
					clear(ends)
					if _, err := j.Read(Position{}, min2(j.End(), mark), func(r Record) bool { removed++; return true }); err != nil {
						r.Fatal(err)
					}
				}
			}
			could(j)
		}
	})
	t.Logf("%d power cuts; %d records were lost or removed before, and %d bytes torn", cuts, lost, torn)
	if !testing.Short() && (cuts == 0 || lost == 0 || torn == 0) {
		t.Error("the test does not try enough")
	}
}

func min2(a, b Position) Position {
	if a.Compare(b) < 0 {
		return a
	}
	return b
}

func FuzzRead(f *testing.F) {
	d := newSimDisk()
	j, err := Open("sim", Options{alone: true, disk: d})
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"one", "two", strings.Repeat("three", 100)} {
		if _, err := j.Append([]byte(text)); err != nil {
			f.Fatal(err)
		}
	}
	whole := d.names[segmentName(1)].now
	f.Add(whole, uint16(5), byte(7))
	f.Add(whole[:60], uint16(50), byte(0))
	f.Add([]byte{}, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, b []byte, at uint16, change byte) {
		b = slices.Clone(b)
		if int(at) < len(b) {
			b[at] ^= change
		}
		d := newSimDisk()
		d.names[segmentName(1)] = &simFile{d: d, now: b}
		j := openSim(t, d, Options{alone: true})
		n, skipped := int64(0), int64(0)
		if _, err := j.Read(Position{}, j.End(), func(r Record) bool {
			n, skipped = n+int64(len(r.Bytes)), skipped+r.Skipped
			return true
		}); err != nil {
			t.Fatal(err)
		}
		if n+skipped > int64(len(b)) {
			t.Fatalf("%d bytes of records and %d damaged in %d", n, skipped, len(b))
		}
		put(t, j, "more")
		if got, _ := texts(t, j); got[len(got)-1] != "more" {
			t.Fatalf("%q", got)
		}
		closeIt(t, j)
	})
}
