package storetest

import (
	"context"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/gateway"
)

// Freezes has two nodes draw while their store answers, while it is frozen, and when it answers again. While it is frozen
// nobody waits for it, what is in hand is spent and no more; afterwards everything goes on by itself.
func (f Fleet) Freezes(t *testing.T, freeze, thaw func()) {
	const amount = 1_000_000
	purse := &gateway.Pot{Name: "budget/frozen", Kind: gateway.Purse, Unit: gateway.Spend, Amount: amount, Window: gateway.Window{Every: gateway.Month}}
	bucket := &gateway.Pot{Name: "limit/frozen", Kind: gateway.Bucket, Unit: gateway.Requests, Amount: 6_000_000, Per: time.Minute}
	level := &gateway.Pot{Name: "limit/frozen-level", Kind: gateway.Level, Unit: gateway.Concurrent, Amount: 100}
	nodes := []FleetNode{f.Open("a", f.Shares), f.Open("b", f.Shares)}
	defer func() {
		for _, n := range nodes {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			_ = n.Close(ctx)
			cancel()
		}
	}()
	var spent atomic.Int64
	// For a while, every node draws from everything; took are the draws' times, got how many were granted of each pot.
	drive := func(d time.Duration) (took []time.Duration, got map[string]int64) {
		got = map[string]int64{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		begin := time.Now()
		for _, n := range nodes {
			for range 4 {
				wg.Go(func() {
					for time.Since(begin) < d {
						for _, p := range []*gateway.Pot{purse, bucket, level} {
							at := time.Now()
							drawn, _, ok := n.Draw(context.Background(), p, at, 1)
							one := time.Since(at)
							mu.Lock()
							took = append(took, one)
							if ok {
								got[p.Name]++
							}
							mu.Unlock()
							if ok {
								if p == purse {
									spent.Add(1)
								}
								n.Settle(drawn, 1)
							}
						}
						time.Sleep(time.Millisecond)
					}
				})
			}
		}
		wg.Wait()
		return took, got
	}
	_, got := drive(time.Second)
	for _, p := range []*gateway.Pot{purse, bucket, level} {
		if got[p.Name] < 100 {
			t.Errorf("%s: %d draws granted while the store answers", p.Name, got[p.Name])
		}
	}
	freeze()
	took, got := drive(4 * time.Second)
	thaw()
	slices.Sort(took)
	if p99 := took[len(took)*99/100]; p99 > 5*time.Millisecond {
		t.Errorf("99 %% of the draws took up to %s while the store was frozen", p99)
	}
	// Only those that were on their way when it froze can have waited.
	slow := len(took) - sort.Search(len(took), func(i int) bool { return took[i] > 10*time.Millisecond })
	if slow > 100 {
		t.Errorf("%d draws waited while the store was frozen", slow)
	}
	t.Logf("frozen: %d draws, the longest %s, granted %v", len(took), took[len(took)-1], got)
	if n := got[purse.Name]; n > 2*amount/20 {
		t.Errorf("%d of %d were in hand", n, amount)
	}
	time.Sleep(1500 * time.Millisecond)
	if _, got = drive(time.Second); got[purse.Name] < 100 || got[bucket.Name] < 100 || got[level.Name] < 100 {
		t.Errorf("after the store answers again: %v", got)
	}
	claims, err := f.Shares.Claims(t.Context(), purse.Name, purse.Window.Begin(time.Now()).Unix())
	if err != nil {
		t.Fatal(err)
	}
	if sum := claims["a"] + claims["b"]; sum < spent.Load() || sum > amount {
		t.Errorf("%d are claimed where %d are spent", sum, spent.Load())
	}
}
