//go:build !race

package ledger

import (
	"fmt"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/journal"
)

// away for good, so that what is counted is the way of a request alone.
func onTheWay(t testing.TB) *Ledger {
	b := newBooks()
	b.set(away, nil)
	l := openLedger(t, t.TempDir(), Options{Books: b, Journal: journal.Options{Bytes: 100 << 30}, Gather: time.Hour})
	t.Cleanup(func() {
		l.stop()
		<-l.ended
		if err := l.journal.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// pairs are entries as they are opened and closed.
func pairs(n int) (open, closed []gateway.Entry) {
	for i := range n {
		open, closed = append(open, *opened(fmt.Sprintf("0197b2a4-7c1e-7000-8000-%012d", i), 5)), append(closed, typical(fmt.Sprintf("0197b2a4-7c1e-7000-8000-%012d", i)))
	}
	return open, closed
}

func TestAllocations(t *testing.T) {
	l := onTheWay(t)
	open, closed := pairs(20_000)
	i := 0
	step := func() {
		if err := l.Open(&open[i]); err != nil {
			t.Fatal(err)
		}
		l.Close(&closed[i])
		i++
	}
	for range 10_000 {
		step()
	}
	if n := testing.AllocsPerRun(9000, step); n > 1 {
		t.Errorf("%v allocations to open and close an entry", n)
	}
}

func BenchmarkOpenClose(b *testing.B) {
	for _, at := range []int{0, 10_000} {
		b.Run(fmt.Sprint(at, " open"), func(b *testing.B) {
			l := onTheWay(b)
			open, closed := pairs(1 << 15)
			for i := range at {
				if err := l.Open(opened(fmt.Sprint(i), 5)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := l.Open(&open[i%len(open)]); err != nil {
					b.Fatal(err)
				}
				l.Close(&closed[i%len(open)])
			}
		})
	}
	b.Run("many callers", func(b *testing.B) {
		l := onTheWay(b)
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			open, closed := pairs(100)
			for i := range open {
				id := fmt.Sprintf("%p %d", &open[0], i)
				open[i].ID, closed[i].ID = id, id
			}
			for i := 0; pb.Next(); i = (i + 1) % len(open) {
				if err := l.Open(&open[i]); err != nil {
					b.Error(err)
				}
				l.Close(&closed[i])
			}
		})
	})
}

// How long a start takes by what the journal has.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	away := newBooks()
	away.set(func([]gateway.Entry) error { return errAway }, nil)
	o := Options{Books: away, Gather: time.Hour}
	l := openLedger(b, dir, o)
	const n = 50_000
	open, closed := pairs(n)
	for i := range n {
		if err := l.Open(&open[i]); err != nil {
			b.Fatal(err)
		}
		l.Close(&closed[i])
	}
	end := func(l *Ledger) {
		l.stop()
		<-l.ended
		if err := l.journal.Close(); err != nil {
			b.Fatal(err)
		}
	}
	end(l)
	b.ReportAllocs()
	for b.Loop() {
		l := openLedger(b, dir, o)
		if l.Stats().Undrained != n {
			b.Fatal(l.Stats())
		}
		end(l)
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*n)*1e6, "ms/1M-entries")
}

func BenchmarkEncode(b *testing.B) {
	e := typical("0197b2a4-7c1e-7000-8000-000000000001")
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendEntry(buf[:0], kindEntry, &e)
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}

func BenchmarkDecode(b *testing.B) {
	e := typical("0197b2a4-7c1e-7000-8000-000000000001")
	buf := appendEntry(nil, kindEntry, &e)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}
