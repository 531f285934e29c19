//go:build !race

package pot

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"weir/internal/gateway"
)

func costPots() map[string]*gateway.Pot {
	return map[string]*gateway.Pot{
		"bucket":  {Name: "limit/a", Kind: gateway.Bucket, Unit: gateway.Tokens, Amount: 1 << 40, Per: time.Minute},
		"purse":   {Name: "budget/a", Kind: gateway.Purse, Unit: gateway.Spend, Amount: 1 << 60, Window: gateway.Window{Every: gateway.Month, Zone: time.FixedZone("x", 3600)}},
		"rolling": {Name: "budget/b", Kind: gateway.Purse, Unit: gateway.Spend, Amount: 1 << 60, Window: gateway.Window{Over: 48 * time.Hour}},
		"level":   {Name: "limit/l", Kind: gateway.Level, Unit: gateway.Concurrent, Amount: 1 << 40},
	}
}

// TestDrawAllocates: drawing from a known pot and settling costs no allocation.
func TestDrawAllocates(t *testing.T) {
	p := New(Options{})
	at := time.Now()
	for name, pot := range costPots() {
		if got := testing.AllocsPerRun(1000, func() {
			d, _, ok := p.Draw(context.Background(), pot, at, 1000)
			if !ok {
				t.Fatal("refused")
			}
			p.Settle(d, 10)
		}); got > 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

// TestBytesPerPot says what a million pots weigh, beside the pots themselves, and that all of it goes when they rest.
func TestBytesPerPot(t *testing.T) {
	now, wall := int64(1), time.Now()
	for name, most := range map[string]uint64{"bucket": 420, "purse": 260, "level": 180} {
		p := New(Options{Mono: func() int64 { return now }, Now: func() time.Time { return wall }})
		const n = 100_000
		pots := make([]gateway.Pot, n)
		for i := range pots {
			pots[i] = *costPots()[name]
			pots[i].Name = fmt.Sprint("limit/user/", i)
		}
		before := heap()
		drawn := make([]gateway.Drawn, n)
		kept := heap() - before
		for i := range pots {
			drawn[i], _, _ = p.Draw(context.Background(), &pots[i], wall, 5)
		}
		got := (heap() - before - kept) / n
		t.Logf("%s: %d bytes", name, got)
		if got > most {
			t.Errorf("%s: %d bytes a pot, want at most %d", name, got, most)
		}
		for _, d := range drawn {
			p.Settle(d, 3)
		}
		for range 2 {
			now += int64(3 * time.Hour)
			wall = wall.AddDate(0, 2, 0)
			for i := range p.shards {
				p.sweep(&p.shards[i], now)
			}
		}
		if left := p.Stats().Pots; left != 0 {
			t.Errorf("%s: %d pots are kept for nothing", name, left)
		}
		runtime.KeepAlive(pots)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkDraw(b *testing.B) {
	for name, pot := range costPots() {
		b.Run(name, func(b *testing.B) {
			p := New(Options{})
			at := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				d, _, _ := p.Draw(context.Background(), pot, at, 1000)
				p.Settle(d, 10)
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			p := New(Options{})
			at := time.Now()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					d, _, _ := p.Draw(context.Background(), pot, at, 1000)
					p.Settle(d, 10)
				}
			})
		})
	}
}
