package statement

import (
	"context"
	"io"
	"iter"
	"runtime"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/price"
)

// long is a ledger of a month that is made while it is read. It looks at the memory in use as it goes.
type long struct {
	memory
	n     int
	most  uint64
	reads int
}

func (b *long) Entries(context.Context, gateway.EntryQuery) iter.Seq2[gateway.Entry, error] {
	b.reads++
	return func(yield func(gateway.Entry, error) bool) {
		step := 30 * 24 * time.Hour / time.Duration(b.n)
		for i := range b.n {
			if i%(b.n/5) == b.n/5-1 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				b.most = max(b.most, m.HeapAlloc)
			}
			e := entry(i, []string{"shop", "legal"}[i%2], time.Duration(i)*step)
			if i%10 == 0 {
				e.State, e.Usage = gateway.EntryUnknown, nil
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Append forgets what it is given: what is kept of it would be the store's.
func (b *long) Append(_ context.Context, entries []gateway.Entry) (int, error) {
	return len(entries), nil
}

// TestBounded: a ledger is read as it comes, whatever is made of it.
func TestBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	ctx := context.Background()
	var before runtime.MemStats
	for name, do := range map[string]func(gateway.Books) error{
		"entries": func(b gateway.Books) error {
			_, err := EntryLines(io.Discard, b.Entries(ctx, gateway.EntryQuery{}), 0)
			return err
		},
		"close": func(b gateway.Books) error {
			_, err := Close(ctx, b, "2026-10", time.UTC, start.AddDate(0, 2, 0))
			return err
		},
		"focus": func(b gateway.Books) error {
			_, err := Focus(ctx, b, gateway.EntryQuery{}, io.Discard)
			return err
		},
		"reprice": func(b gateway.Books) error {
			_, err := Reprice(ctx, b, Repricing{Book: true, Prices: func(string) (*price.List, string) { return price.Embedded().List("openai"), "" }})
			return err
		},
		"reconcile": func(b gateway.Books) error {
			bill := &Bill{Sums: map[BillKey]gateway.Money{{"2026-10-02", "gpt-4.1-nano"}: 1, {"2026-10-30", "gpt-4.1-nano"}: 1}}
			_, err := Compare(ctx, b, Comparison{Bill: bill, Providers: []string{"openai"}, Book: true})
			return err
		},
	} {
		b := &long{n: 100_000}
		runtime.GC()
		runtime.ReadMemStats(&before)
		if err := do(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if b.reads == 0 || b.most == 0 {
			t.Errorf("%s reads nothing", name)
		}
		// Gathered, they would take more than 60 MB.
		if grown := int64(b.most) - int64(before.HeapAlloc); grown > 12<<20 {
			t.Errorf("%s: %d MB more are in use", name, grown>>20)
		}
	}
}
