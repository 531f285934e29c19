package journal

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// written returns a disk with a closed journal of one segment, and where its records end.
func written(t *testing.T, texts ...string) (d *simDisk, ends []int) {
	t.Helper()
	d = newSimDisk()
	j := openSim(t, d, Options{alone: true})
	for _, text := range texts {
		put(t, j, text)
		ends = append(ends, int(j.End().Offset))
	}
	closeIt(t, j)
	return d, ends
}

// Wherever the last write breaks off, everything before it is there, and writing goes on.
func TestTornTail(t *testing.T) {
	texts := []string{"one", strings.Repeat("two", 20), "three"}
	d, ends := written(t, texts...)
	seg := d.names[segmentName(1)]
	whole := slices.Clone(seg.now)
	for n := range len(whole) + 1 {
		for _, tail := range [][]byte{nil, make([]byte, 100), bytes.Repeat(magic[:], 30)} {
			seg.now = append(slices.Clone(whole[:n]), tail...)
			records, good := 0, 0
			for i, end := range ends {
				if end <= n {
					records, good = i+1, end
				}
			}
			if n >= headSize {
				good = max(good, headSize)
			}
			j := openSim(t, d, Options{alone: true})
			same(t, j, texts[:records]...)
			if s := j.Stats(); s.Torn != int64(n+len(tail)-good) || len(seg.now) != good {
				t.Fatalf("cut to %d with %d behind it: %+v and %d bytes, want %d", n, len(tail), s, len(seg.now), good)
			}
			for range 2 {
				put(t, j, "more")
				closeIt(t, j)
				j = openSim(t, d, Options{alone: true})
			}
			same(t, j, append(slices.Clone(texts[:records]), "more", "more")...)
			if s := j.Stats(); s.Torn != 0 {
				t.Fatalf("cut to %d and opened again: %+v", n, s)
			}
			closeIt(t, j)
			delete(d.names, segmentName(2))
			delete(d.names, segmentName(3))
		}
	}
}

// Whichever byte in the middle is damaged, one record is missing and is told, and all others are there.
func TestDamage(t *testing.T) {
	var texts []string
	for i := range 6 {
		texts = append(texts, fmt.Sprint("record ", i, strings.Repeat(string(magic[:]), i)))
	}
	d, ends := written(t, texts...)
	j := openSim(t, d, Options{alone: true})
	put(t, j, "in another segment")
	closeIt(t, j)
	seg := d.names[segmentName(1)]
	whole := slices.Clone(seg.now)
	for n := headSize; n < len(whole); n++ {
		for _, change := range []byte{1, 0x80, 0xff} {
			seg.now = slices.Clone(whole)
			seg.now[n] ^= change
			hit := slices.IndexFunc(ends, func(end int) bool { return n < end })
			size := ends[hit] - headSize
			if hit > 0 {
				size = ends[hit] - ends[hit-1]
			}
			want := append(slices.Delete(slices.Clone(texts), hit, hit+1), "in another segment")
			j := openSim(t, d, Options{alone: true})
			if got, damaged := recordsOf(t, j); !slices.Equal(got, want) || damaged != int64(size) {
				t.Fatalf("byte %d: %q, %d bytes damaged; want %q, %d", n, got, damaged, want, size)
			}
			closeIt(t, j)
		}
	}
}

// recordsOf is texts, where that is the name of something else.
func recordsOf(t *testing.T, j *Journal) ([]string, int64) {
	t.Helper()
	return texts(t, j)
}

// A record is none at another place: not in another segment, and not as part of another record.
func TestPlace(t *testing.T) {
	d, ends := written(t, "one", "two")
	b := d.names[segmentName(1)].now
	record := slices.Clone(b[ends[0]:ends[1]])
	d.names[segmentName(2)] = &simFile{d: d, now: append(append(slices.Clone(b[:ends[0]]), record...), record...)}
	j := openSim(t, d, Options{alone: true})
	same(t, j, "one", "two")
	if n := j.Stats().Torn; n == 0 {
		t.Error("it is not told")
	}
	put(t, j, string(record), "three")
	end := len(d.names[segmentName(3)].now)
	closeIt(t, j)
	d.names[segmentName(3)].now[headSize+1] ^= 1
	j = openSim(t, d, Options{alone: true})
	got, damaged := texts(t, j)
	if !slices.Equal(got, []string{"one", "two", "three"}) || damaged != int64(frameSize+len(record)) {
		t.Errorf("%q, %d damaged of %d", got, damaged, end)
	}
	closeIt(t, j)
}

// What another process may be writing can be read meanwhile.
func TestVisit(t *testing.T) {
	dir := t.TempDir()
	j := openDir(t, dir, Options{Segment: 100})
	var want []string
	for i := range 20 {
		text := fmt.Sprint("record ", i, strings.Repeat(" x", 20))
		put(t, j, text)
		want = append(want, text)
		var got []string
		mark, err := Visit(dir, func(r Record) bool { got = append(got, string(r.Bytes)); return true })
		if err != nil || mark != j.Marked() || !slices.Equal(got, want) {
			t.Fatalf("%v, %v, %q", err, mark, got)
		}
		if i == 7 {
			if err := j.Mark(j.End()); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := 0
	if _, err := Visit(dir, func(Record) bool { n++; return n < 3 }); err != nil || n != 3 {
		t.Errorf("it came to %d: %v", n, err)
	}
}

// What was refused and could not be cut off does not come to life, whatever is written after it.
func TestSpoilt(t *testing.T) {
	d := newSimDisk()
	j := openSim(t, d, Options{alone: true})
	put(t, j, "before")
	d.room, d.failCut = int64(2*(frameSize+5)+3), errBroken // for two of three records
	j.mu.Lock()
	b := j.newBatch()
	for _, text := range []string{"aaaaa", "bbbbb", "ccccc"} {
		b.buf = appendRecord(b.buf, []byte(text))
	}
	b.waiters, j.pending = 1, b
	j.lead()
	j.mu.Unlock()
	if b.err == nil {
		t.Fatal("there was room")
	}
	d.room = -1
	put(t, j, "ddddd")
	same(t, j, "before", "ddddd")
	closeIt(t, j)
	j = openSim(t, d, Options{alone: true})
	same(t, j, "before", "ddddd")
	closeIt(t, j)
}
