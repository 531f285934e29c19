package storetest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"weir/internal/gateway"
)

// likeAMap compares a store with a list of what was put.
func likeAMap(t *testing.T, s ThreadStore) {
	rapid.Check(t, func(r *rapid.T) {
		c := NewClock()
		th := s.Open(t, Setup{Now: c.Now})
		var model []gateway.Turn // oldest first
		drop := func(owner, id string) bool {
			n := len(model)
			model = slices.DeleteFunc(model, func(t gateway.Turn) bool { return t.Owner == owner && t.ID == id })
			return len(model) < n
		}
		name := func(label string, most int) string { return strconv.Itoa(rapid.IntRange(0, most).Draw(r, label)) }
		check := func(what string, wanted gateway.Turn, there bool, got gateway.Turn, ok bool) {
			if ok != there {
				r.Fatalf("%s: there is %v, want %v", what, ok, there)
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				r.Fatalf("%s (-want +got):\n%s", what, diff)
			}
		}
		for range rapid.IntRange(1, 80).Draw(r, "steps") {
			model = slices.DeleteFunc(model, func(t gateway.Turn) bool { return !c.Now().Before(t.Ends) })
			owner, id := name("owner", 1), name("id", 5)
			switch rapid.IntRange(0, 6).Draw(r, "operation") {
			case 0, 1:
				turn := c.Turn(owner, id, time.Duration(rapid.IntRange(0, 30).Draw(r, "minutes"))*time.Minute)
				turn.Native = rapid.Bool().Draw(r, "native")
				turn.Items = rapid.SliceOfN(rapid.StringMatching(`[a-d]`), 0, 4).Draw(r, "items")
				turn.Before = rapid.SliceOf(rapid.Byte()).Draw(r, "before")
				if err := th.Put(turn); err != nil {
					r.Fatal(err)
				}
				drop(owner, id)
				if c.Now().Before(turn.Ends) {
					model = append(model, turn)
				}
			case 2:
				wanted, there := gateway.Turn{}, false
				for _, turn := range model {
					if turn.Owner == owner && turn.ID == id {
						wanted, there = Kept(turn), true
					}
				}
				got, ok := th.Get(owner, id)
				check("Get", wanted, there, got, ok)
			case 3:
				item := rapid.StringMatching(`[a-d]`).Draw(r, "item")
				wanted, there := gateway.Turn{}, false
				for _, turn := range model {
					if turn.Owner == owner && slices.Contains(turn.Items, item) {
						wanted, there = Kept(turn), true
					}
				}
				got, ok := th.Holding(owner, item)
				check("Holding", wanted, there, got, ok)
			case 4:
				if got, wanted := th.Delete(owner, id), drop(owner, id); got != wanted {
					r.Fatalf("Delete is %v, want %v", got, wanted)
				}
			case 5:
				c.Pass(time.Duration(rapid.IntRange(0, 20).Draw(r, "pass")) * time.Minute)
			case 6:
				if s.Again != nil {
					th = s.Again(t, th)
				}
			}
		}
		if closer, ok := th.(interface{ Close() error }); ok {
			if err := closer.Close(); err != nil {
				r.Fatal(err)
			}
		}
	})
}
