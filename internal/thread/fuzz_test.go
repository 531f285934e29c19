package thread

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/gateway"
	"weir/internal/storetest"
)

// A segment of which bytes were changed, taken out or put in gives the entries that were written into it, where they were
// written, and no others; and a File opens with it.
func FuzzSegment(f *testing.F) {
	c := storetest.NewClock()
	o := Options{Now: c.Now, alone: true}
	turns := []gateway.Turn{c.Turn("acme", "1", time.Hour), c.Native("acme", "2", time.Hour), c.Turn("other", "1", time.Hour)}
	d, seg := written(f, o, turns...)
	whole, key := slices.Clone(seg.now), d.names[keyName]
	aead := openSim(f, d, o).keys.head(span{1, 1, 1})
	places := map[int64]string{}
	r := newReader(seg, aead, int64(len(whole)))
	for {
		e, err := r.next()
		if err != nil {
			break
		}
		places[e.off] = e.head.owner + "/" + e.head.id
	}
	if len(places) != len(turns) {
		f.Fatalf("entries %v", places)
	}
	f.Add(0, 0, []byte(nil), false)
	f.Add(30, 4, []byte("\xff\xff\xff\xff"), true)
	f.Add(len(whole)/2, len(whole), []byte(magic+magic+"\x00\x00\x10\x00"), false)
	f.Add(8, 0, bytes.Repeat([]byte(magic), 100), true)
	f.Add(8, 1<<20, whole[:len(whole)/2], true)
	f.Fuzz(func(t *testing.T, at, without int, with []byte, bodies bool) {
		at = min(max(at, 0), len(whole))
		without = min(max(without, 0), len(whole)-at)
		b := slices.Concat(whole[:at], with, whole[at+without:])
		r := newReader(&simFile{d: newSimDisk(), now: b}, aead, int64(len(b)))
		r.all = bodies
		found := 0
		for last := int64(0); ; found++ {
			e, err := r.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if places[e.off] != e.head.owner+"/"+e.head.id || e.off < last {
				t.Fatalf("at %d is %s/%s, and was %q", e.off, e.head.owner, e.head.id, places[e.off])
			}
			last = e.off + e.size
		}
		if bytes.Equal(b, whole) && found != len(turns) {
			t.Fatalf("%d of %d entries were found in what was written", found, len(turns))
		}

		d := newSimDisk()
		d.names[keyName] = key
		d.names[span{1, 1, 1}.name()] = &simFile{d: d, now: b}
		again := o
		again.disk = d
		s, err := Open("sim", again)
		if err != nil {
			return // no entry opens any more, or it says that it is of a newer version
		}
		for _, turn := range turns {
			if got, ok := s.Get(turn.Owner, turn.ID); ok {
				if diff := cmp.Diff(storetest.Kept(turn), got); diff != "" {
					t.Fatalf("a turn came back changed (-want +got):\n%s", diff)
				}
			}
		}
		check(t, s)
		tidyAll(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// What is read as a turn is written as the same turn again, and nothing makes it panic.
func FuzzContent(f *testing.F) {
	c := storetest.NewClock()
	for _, turn := range []gateway.Turn{{}, c.Turn("acme", "1", time.Hour), c.Native("acme", "1", time.Hour)} {
		f.Add(appendContent(nil, &turn))
		f.Add(appendHead(nil, &head{owner: turn.Owner, id: turn.ID, ends: nanos(turn.Ends), items: []uint64{1, 2}}))
	}
	f.Add([]byte("\x0f\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second gateway.Turn
		if readContent(b, &first) && !first.Native {
			if !readContent(appendContent(nil, &first), &second) {
				t.Fatalf("it reads %v and not what it writes of it", first)
			}
			if diff := cmp.Diff(first, second); diff != "" {
				t.Errorf("it changed on the way (-first +second):\n%s", diff)
			}
		}
		if h, ok := readHead(b); ok {
			if again, ok := readHead(appendHead(nil, &h)); !ok || fmt.Sprint(h) != fmt.Sprint(again) {
				t.Errorf("the head changed on the way from %v to %v", h, again)
			}
		}
	})
}
