// Package storetest says when a store is done: one suite for each of the domain's interfaces that keep something, for
// every implementation of it.
package storetest

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/gateway"
)

// Setup is how a suite wants a store to be.
type Setup struct {
	// Tight asks for a store that Room bytes of turns fill, and OwnerRoom of one owner's: at least so much of them fits,
	// and no more than four times so much. Otherwise there is room enough.
	Tight bool
	Now   func() time.Time
}

// What fits into a store that is Tight.
const (
	Room      = 512 << 10
	OwnerRoom = 128 << 10
)

// ThreadStore is an implementation of gateway.Threads under test.
type ThreadStore struct {
	// Open opens a store with nothing in it. It is closed with the test.
	Open func(testing.TB, Setup) gateway.Threads
	// Again, if set, closes a store and opens what it kept. A store without it forgets when it is closed.
	Again func(testing.TB, gateway.Threads) gateway.Threads
}

// Threads runs the suite.
func Threads(t *testing.T, s ThreadStore) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, ThreadStore)
	}{
		{"keeps what it is given", keeps},
		{"replaces", replaces},
		{"deletes", deletes},
		{"knows owners apart", ownersApart},
		{"finds by item", byItem},
		{"forgets what has ended", forgets},
		{"shares nothing with its callers", sharesNothing},
		{"an owner's room", ownerFull},
		{"all room", allFull},
		{"what has ended leaves first", endedLeaveFirst},
		{"many at once", manyAtOnce},
		{"like a map", likeAMap},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
	if s.Again != nil { // a store in memory has nothing to come back to
		t.Run("again", func(t *testing.T) { again(t, s) })
	}
}

// Clock is a clock that stands until it is set. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

// NewClock returns a clock at some time in 2026.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Pass moves the clock on.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Turn returns a turn as a Responses client would leave it, which ends d from now.
func (c *Clock) Turn(owner, id string, d time.Duration) gateway.Turn {
	now := c.Now()
	return gateway.Turn{
		ID: id, Owner: owner, Dialect: "openai-responses", Model: "chat", Target: gateway.Target{Provider: "sim", Model: "sim-1"},
		State: gateway.TurnDone, Made: now, Ends: now.Add(d),
		Before: []byte(`[{"role":"user","content":"What is the weather like in Lisbon?"}]`),
		Answer: []byte(`{"id":"` + id + `","output":[{"id":"msg_` + id + `"}]}`),
		Items:  []string{"msg_" + id, "rs_" + id},
	}
}

// Native returns a turn that a provider keeps.
func (c *Clock) Native(owner, id string, d time.Duration) gateway.Turn {
	t := c.Turn(owner, id, d)
	t.Native, t.Before, t.Answer = true, nil, nil
	return t
}

// Big returns a turn of about so many bytes.
func (c *Clock) Big(owner, id string, size int) gateway.Turn {
	t := c.Turn(owner, id, time.Hour)
	t.Before = []byte(`["` + strings.Repeat("x", size) + `"]`)
	return t
}

// Kept returns a turn as a store gives it back: items of a native turn are not named.
func Kept(t gateway.Turn) gateway.Turn {
	if t.Native {
		t.Items = nil
	}
	return t
}

func put(t testing.TB, s gateway.Threads, turns ...gateway.Turn) {
	t.Helper()
	for _, turn := range turns {
		err := s.Put(turn)
		for range 100 { // a store may say that it needs a moment
			f := fault.Of(err)
			if f == nil || f.Kind != fault.Unavailable || f.RetryAfter == 0 || f.RetryAfter > time.Second {
				break
			}
			time.Sleep(f.RetryAfter / 10)
			err = s.Put(turn)
		}
		if err != nil {
			t.Fatalf("Put %s/%s: %v", turn.Owner, turn.ID, err)
		}
	}
}

func want(t testing.TB, s gateway.Threads, turns ...gateway.Turn) {
	t.Helper()
	for _, turn := range turns {
		got, ok := s.Get(turn.Owner, turn.ID)
		if !ok {
			t.Fatalf("%s/%s is not there", turn.Owner, turn.ID)
		}
		if reflect.DeepEqual(Kept(turn), got) {
			continue // cmp takes a second for each million bytes
		}
		if diff := cmp.Diff(Kept(turn), got); diff != "" {
			t.Fatalf("%s/%s (-want +got):\n%s", turn.Owner, turn.ID, diff)
		}
	}
}

func wantNone(t testing.TB, s gateway.Threads, owner string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if got, ok := s.Get(owner, id); ok || !cmp.Equal(got, gateway.Turn{}) {
			t.Fatalf("%q/%q: got %v, %v", owner, id, got, ok)
		}
	}
}

func wantHolding(t testing.TB, s gateway.Threads, owner, item, id string) {
	t.Helper()
	got, ok := s.Holding(owner, item)
	if ok != (id != "") || ok && (got.ID != id || got.Owner != owner) {
		t.Fatalf("Holding(%q, %q) is %q, %v; want %q", owner, item, got.ID, ok, id)
	}
}

func keeps(t *testing.T, s ThreadStore) {
	c := NewClock()
	th := s.Open(t, Setup{Now: c.Now})
	running := c.Native("acme", "resp_running", time.Hour)
	running.State, running.Target, running.Items = gateway.TurnRunning, gateway.Target{}, nil
	empty := c.Turn("acme", "resp_empty", time.Hour)
	empty.Before, empty.Answer, empty.Items = []byte{}, []byte{}, []string{}
	odd := c.Turn("acme", "resp \x00\xff/../é", time.Hour)
	odd.Made, odd.Answer, odd.Items = time.Time{}, []byte("\x00\xff"), []string{"", "\x00", "a", "a"}
	far := c.Turn("", "", time.Hour)
	far.Ends = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
	here := c.Turn("acme", "resp_here", time.Hour)
	here.Ends = here.Ends.In(time.FixedZone("here", 3600))
	large := c.Big("acme", "resp_large", 3<<20)
	all := []gateway.Turn{
		c.Turn("acme", "resp_1", time.Hour), c.Native("acme", "resp_2", time.Hour), c.Turn("other", "resp_1", 2*time.Hour),
		running, empty, odd, far, large,
	}
	put(t, th, all...)
	put(t, th, here)
	want(t, th, all...)
	here.Ends = here.Ends.UTC() // times come back in UTC
	want(t, th, here)
	wantNone(t, th, "acme", "resp_3", "", "resp_", "resp_11")
}

func replaces(t *testing.T, s ThreadStore) {
	c := NewClock()
	th := s.Open(t, Setup{Now: c.Now})
	first, second := c.Turn("acme", "resp_1", time.Hour), c.Turn("acme", "resp_1", time.Minute)
	second.Items, second.Answer, second.State = []string{"rs_resp_1", "fc_1"}, nil, gateway.TurnCancelled
	put(t, th, first, second)
	want(t, th, second)
	wantHolding(t, th, "acme", "msg_resp_1", "")
	wantHolding(t, th, "acme", "fc_1", "resp_1")
	c.Pass(time.Minute)
	wantNone(t, th, "acme", "resp_1") // and not the first again
	wantHolding(t, th, "acme", "msg_resp_1", "")

	put(t, th, c.Turn("acme", "resp_2", time.Hour))
	over := c.Turn("acme", "resp_2", 0)
	put(t, th, over)
	wantNone(t, th, "acme", "resp_2")
}

func deletes(t *testing.T, s ThreadStore) {
	c := NewClock()
	th := s.Open(t, Setup{Now: c.Now})
	put(t, th, c.Turn("acme", "resp_1", time.Hour), c.Native("acme", "resp_2", time.Hour))
	for _, id := range []string{"resp_1", "resp_2"} {
		if th.Delete("other", id) || !th.Delete("acme", id) || th.Delete("acme", id) {
			t.Errorf("%s: Delete does not say whether there was one", id)
		}
		wantHolding(t, th, "acme", "msg_"+id, "")
	}
	wantNone(t, th, "acme", "resp_1", "resp_2")
	put(t, th, c.Turn("acme", "resp_1", time.Hour))
	want(t, th, c.Turn("acme", "resp_1", time.Hour))
	c.Pass(time.Hour)
	if th.Delete("acme", "resp_1") {
		t.Error("it deleted what had ended")
	}
}

func ownersApart(t *testing.T, s ThreadStore) {
	c := NewClock()
	th := s.Open(t, Setup{Now: c.Now})
	mine := c.Turn("acme", "resp_1", time.Hour)
	put(t, th, mine)
	for _, other := range [][2]string{
		{"evil", "resp_1"},
		{"", "resp_1"},
		{"", "acmeresp_1"},
		{"acmeresp_1", ""},
		{"acm", "eresp_1"},
		{"acmer", "esp_1"},
		{"acme/", "resp_1"},
		{"ACME", "resp_1"},
		{"acme", "RESP_1"},
		{"acme\x00", "resp_1"},
		{"acme", "resp_1\x00"},
	} {
		wantNone(t, th, other[0], other[1])
		wantHolding(t, th, other[0], "msg_resp_1", map[bool]string{true: "resp_1"}[other[0] == "acme"])
		if th.Delete(other[0], other[1]) {
			t.Errorf("Delete(%q) deleted another's", other)
		}
	}
	theirs := c.Turn("evil", "resp_1", time.Minute)
	theirs.Answer = []byte(`{"theirs":true}`)
	put(t, th, theirs)
	want(t, th, mine, theirs)
	wantHolding(t, th, "evil", "msg_resp_1", "resp_1")
	if !th.Delete("evil", "resp_1") {
		t.Error("it did not delete their own")
	}
	want(t, th, mine)
}

func byItem(t *testing.T, s ThreadStore) {
	c := NewClock()
	th := s.Open(t, Setup{Now: c.Now})
	for i := range 3 {
		turn := c.Turn("acme", strconv.Itoa(i), time.Duration(3-i)*time.Hour)
		turn.Items = append(turn.Items, "shared", "shared")
		turn.Native, turn.Before, turn.Answer = i == 1, nil, nil
		put(t, th, turn)
	}
	wantHolding(t, th, "acme", "msg_1", "1")
	wantHolding(t, th, "acme", "shared", "2") // the one that was put last
	c.Pass(time.Hour)
	wantHolding(t, th, "acme", "shared", "1")
	put(t, th, c.Turn("acme", "1", time.Hour)) // without the shared one
	wantHolding(t, th, "acme", "shared", "0")
	th.Delete("acme", "0")
	wantHolding(t, th, "acme", "shared", "")
	wantHolding(t, th, "acme", "", "")
	wantHolding(t, th, "acme", "1", "")
}

func forgets(t *testing.T, s ThreadStore) {
	c := NewClock()
	th := s.Open(t, Setup{Now: c.Now})
	short, long := c.Turn("acme", "resp_1", time.Minute), c.Native("acme", "resp_2", time.Hour)
	put(t, th, short, long)
	c.Pass(time.Minute - 1)
	want(t, th, short, long)
	c.Pass(1)
	wantNone(t, th, "acme", "resp_1")
	want(t, th, long)
	put(t, th, c.Native("acme", "resp_2", 2*time.Hour))
	c.Pass(time.Hour)
	wantHolding(t, th, "acme", "msg_resp_2", "resp_2")
	c.Pass(time.Hour)
	wantHolding(t, th, "acme", "msg_resp_2", "")
	wantNone(t, th, "acme", "resp_2")
}

func sharesNothing(t *testing.T, s ThreadStore) {
	c := NewClock()
	th := s.Open(t, Setup{Now: c.Now})
	turn := c.Turn("acme", "resp_1", time.Hour)
	turn.Before, turn.Answer, turn.Items = bytes.Clone(turn.Before), bytes.Clone(turn.Answer), slices.Clone(turn.Items)
	put(t, th, turn)
	turn.Before[0], turn.Answer[0], turn.Items[0] = 'X', 'X', "X"
	for range 2 {
		want(t, th, c.Turn("acme", "resp_1", time.Hour))
		got, _ := th.Get("acme", "resp_1")
		got.Before[0], got.Answer[0], got.Items[0] = 'X', 'X', "X"
		_ = append(got.Before, "overwrites what is behind it"...)
	}
}

func manyAtOnce(t *testing.T, s ThreadStore) {
	c := NewClock()
	th := s.Open(t, Setup{Tight: true, Now: c.Now})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			owner := strconv.Itoa(g / 2)
			for i := range 150 {
				id := fmt.Sprint(g, i%10)
				turn := c.Turn(owner, id, time.Duration(1+i%7)*time.Second)
				turn.Before = []byte(owner + "/" + id)
				if err := th.Put(turn); err != nil && fault.Of(err).Kind != fault.Unavailable {
					t.Error(err)
				}
				for _, read := range []func() (gateway.Turn, bool){
					func() (gateway.Turn, bool) { return th.Get(owner, id) },
					func() (gateway.Turn, bool) { return th.Holding(owner, "msg_"+id) },
				} {
					if got, ok := read(); ok && (got.Owner != owner || got.ID != id || string(got.Before) != owner+"/"+id) {
						t.Errorf("%s/%s: got %s/%s with %q", owner, id, got.Owner, got.ID, got.Before)
					}
				}
				switch i % 5 {
				case 0:
					th.Delete(owner, id)
				case 1:
					c.Pass(time.Second / 4)
				}
			}
		})
	}
	wg.Wait()
	put(t, th, c.Turn("after", "all", time.Hour))
	want(t, th, c.Turn("after", "all", time.Hour))
}

func again(t *testing.T, s ThreadStore) {
	c := NewClock()
	th := s.Open(t, Setup{Now: c.Now})
	all := []gateway.Turn{c.Turn("acme", "1", time.Hour), c.Native("acme", "2", time.Hour), c.Turn("other", "1", time.Hour), c.Big("acme", "4", 3<<20)}
	put(t, th, all...)
	put(t, th, c.Turn("acme", "3", time.Hour), c.Turn("acme", "5", time.Minute))
	th.Delete("acme", "3")
	th = s.Again(t, th)
	want(t, th, all...)
	wantNone(t, th, "acme", "3")
	wantHolding(t, th, "acme", "msg_2", "2")
	wantHolding(t, th, "acme", "msg_3", "")
	all[0].Answer = nil
	put(t, th, all[0])
	th.Delete("acme", "2")
	c.Pass(time.Minute)
	for range 3 {
		th = s.Again(t, th)
		want(t, th, all[0], all[2], all[3])
		wantNone(t, th, "acme", "2", "3", "5")
	}
}
