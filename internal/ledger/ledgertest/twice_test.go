package ledgertest

import (
	"context"
	"testing"
	"time"

	"weir/internal/gateway"
)

// An entry that is booked again, in one batch or later, is in a real store once, and charged once.
func TestBookedAgain(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 2 {
		l, s, err := openBoth(dir)
		if err != nil {
			t.Fatal(err)
		}
		e := entry("x", gateway.EntryDone, 7)
		for range 3 {
			if err := l.Book(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Open(entry("y", gateway.EntryOpened, 0)); err != nil {
			t.Fatal(err)
		}
		l.Close(entry("y", gateway.EntryDone, 5))
		l.Close(entry("y", gateway.EntryDone, 6)) // whoever closes twice is not believed twice
		if err := l.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		got := map[string]gateway.Money{}
		for e, err := range s.Entries(ctx, gateway.EntryQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			got[e.ID] += e.Cost
		}
		spent := gateway.Money(0)
		for p, err := range s.Spent(ctx, time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			spent += p.Spent
		}
		if len(got) != 2 || got["x"] != 7 || got["y"] != 5 || spent != 12 {
			t.Errorf("the books have %v, and %v is charged", got, spent)
		}
		if err := l.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
