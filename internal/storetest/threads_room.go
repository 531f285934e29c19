package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
)

// full puts turns of an owner until one is refused, and returns how many were kept and the fault.
func full(t *testing.T, th gateway.Threads, c *Clock, owner string, size int) (kept int, f *fault.Fault) {
	t.Helper()
	for ; kept < 4*Room/size+1; kept++ {
		if err := th.Put(c.Big(owner, strconv.Itoa(kept), size)); err != nil {
			if !errors.As(err, &f) || f.Kind != fault.Unavailable {
				t.Fatalf("the error is %v", err)
			}
			return kept, f
		}
	}
	t.Fatalf("%d turns of %d bytes fit", kept, size)
	return 0, nil
}

// saysWhatHelps checks that a fault says how large the room is and what to do.
func saysWhatHelps(t *testing.T, f *fault.Fault, whose string, c *Clock) {
	t.Helper()
	for _, word := range []string{whose, "full", "KiB of ", "delete", "store: false", "wait until", c.Now().Add(time.Hour).Format(time.RFC3339)} {
		if !strings.Contains(f.Message, word) {
			t.Errorf("the fault does not say %q: %s", word, f.Message)
		}
	}
}

func ownerFull(t *testing.T, s ThreadStore) {
	const size = 10 << 10
	c := NewClock()
	th := s.Open(t, Setup{Tight: true, Now: c.Now})
	n, f := full(t, th, c, "acme", size)
	if kept := n * size; kept < OwnerRoom-size || kept > 4*OwnerRoom {
		t.Fatalf("%d turns fit", n)
	}
	saysWhatHelps(t, f, "this key", c)
	for i := range n {
		want(t, th, c.Big("acme", strconv.Itoa(i), size)) // nothing was pushed out
	}
	wantNone(t, th, "acme", strconv.Itoa(n))
	put(t, th, c.Big("other", "1", size)) // others are not concerned

	put(t, th, c.Big("acme", "1", size), c.Big("acme", "2", size/2)) // replacing takes no more room
	if err := th.Put(c.Big("acme", "0", size*3)); err == nil {
		t.Error("one that grew fits")
	}
	want(t, th, c.Big("acme", "0", size), c.Big("acme", "2", size/2))
	th.Delete("acme", "1")
	put(t, th, c.Big("acme", "new", size))

	err := th.Put(c.Big("small", "1", 4*OwnerRoom))
	if err == nil || !errors.As(err, &f) || f.Kind != fault.Unavailable || !strings.Contains(f.Message, "one key") || !strings.Contains(f.Message, "store: false") {
		t.Errorf("one that is larger than the room: %v", err)
	}
	wantNone(t, th, "small", "1")
}

func allFull(t *testing.T, s ThreadStore) {
	const size = 10 << 10
	c := NewClock()
	th := s.Open(t, Setup{Tight: true, Now: c.Now})
	counts := map[string]int{}
	for i := 0; ; i++ {
		owner := fmt.Sprintf("owner %d", i)
		n, f := full(t, th, c, owner, size)
		counts[owner] = n
		if strings.Contains(f.Message, "all keys") {
			saysWhatHelps(t, f, "all keys", c)
			break
		}
		if i > 4*Room/OwnerRoom {
			t.Fatal("it does not fill up")
		}
	}
	total := 0
	for owner, n := range counts {
		total += n * size
		for i := range n {
			want(t, th, c.Big(owner, strconv.Itoa(i), size))
		}
	}
	if total < Room/8*7 || total > 4*Room {
		t.Errorf("%d bytes fit", total)
	}
	if err := th.Put(c.Big("new", "1", size)); err == nil {
		t.Error("a new owner's turn fits")
	}
	th.Delete("owner 0", "0")
	th.Delete("owner 1", "0")
	put(t, th, c.Big("new", "1", size))
	// Turning over again and again what there is room for is what a full store goes through.
	for i := range 300 {
		put(t, th, c.Big("new", strconv.Itoa(i+2), size))
		if !th.Delete("new", strconv.Itoa(i+1)) {
			t.Fatalf("turn %d is not there", i+1)
		}
	}
	for owner, n := range counts {
		for i := 1; i < n; i++ {
			want(t, th, c.Big(owner, strconv.Itoa(i), size))
		}
	}
}

func endedLeaveFirst(t *testing.T, s ThreadStore) {
	c := NewClock()
	th := s.Open(t, Setup{Tight: true, Now: c.Now})
	n, _ := full(t, th, c, "acme", 10<<10)
	c.Pass(time.Hour)
	for i := range n - 1 {
		put(t, th, c.Big("acme", fmt.Sprint("new ", i), 10<<10))
	}
}
