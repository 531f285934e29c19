package pot_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/pot"
	"weir/internal/storetest"
)

// TestFleetSpends: nodes spend a purse nearly whole, and never more.
func TestFleetSpends(t *testing.T) {
	t.Parallel()
	storetest.Fleet{
		Shares: &storetest.MapShares{},
		Open: func(node string, s gateway.Shares) storetest.FleetNode {
			return pot.New(pot.Options{Node: node, Shares: s})
		},
	}.Spends(t, storetest.Seeds())
}

func node(t testing.TB, name string, s gateway.Shares) *pot.Pots {
	t.Helper()
	p := pot.New(pot.Options{Node: name, Shares: s})
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

var monthly = gateway.Pot{Name: "budget/m", Kind: gateway.Purse, Unit: gateway.Spend, Amount: 1000, Window: gateway.Window{Every: gateway.Month}}

func load(p *pot.Pots, node string, spent gateway.Money) {
	p.Load(gateway.PotSpent{
		Charge: gateway.Charge{Pot: monthly.Name, Window: monthly.Window.Begin(time.Now()).Unix()}, Node: node, Spent: spent,
	})
}

// draw draws, trying for a while as callers do.
func draw(p *pot.Pots, of *gateway.Pot, n int64) (d gateway.Drawn, ok bool) {
	for range 300 {
		if d, _, ok = p.Draw(context.Background(), of, time.Now(), n); ok {
			return d, true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return d, false
}

// never sees that something is not there, however often one asks.
func never(t *testing.T, p *pot.Pots, of *gateway.Pot, n int64) {
	t.Helper()
	for range 40 {
		if _, _, ok := p.Draw(context.Background(), of, time.Now(), n); ok {
			t.Errorf("drew %d, and there is less", n)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestFleetClose: what a node has in hand goes back when it ends.
func TestFleetClose(t *testing.T) {
	t.Parallel()
	var s storetest.MapShares
	a, b := node(t, "a", &s), node(t, "b", &s)
	d, ok := draw(a, &monthly, 900)
	if !ok {
		t.Fatal("refused")
	}
	a.Settle(d, 100)
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := draw(b, &monthly, 900); !ok {
		t.Error("what was given back is not there")
	}
	if _, _, ok := a.Draw(t.Context(), &monthly, time.Now(), 1); ok {
		t.Error("drew after the end")
	}
}

// TestFleetIdle: what an idle node has in hand goes back.
func TestFleetIdle(t *testing.T) {
	t.Parallel()
	var s storetest.MapShares
	a, b := node(t, "a", &s), node(t, "b", &s)
	d, _ := draw(a, &monthly, 900)
	a.Settle(d, 0)
	if _, ok := draw(b, &monthly, 1000); !ok {
		t.Error("what nobody needs is not there")
	}
}

// lostInHand returns shares of which a node "a" has 600 in hand, having spent 300, and is lost. On a slow machine it may have
// given that back first: then it is tried again.
func lostInHand(t *testing.T) *storetest.MapShares {
	t.Helper()
	for range 20 {
		var s storetest.MapShares
		a := node(t, "a", &s)
		d, _ := draw(a, &monthly, 900)
		a.Settle(d, 300)
		if claims, _ := s.Claims(t.Context(), monthly.Name, d.Window); claims["a"] == 900 {
			return &s
		}
	}
	t.Fatal("what is in hand is always given back before it is looked at")
	return nil
}

// TestFleetAgain: a node that was lost knows what it had, and what it had in hand goes back once the pot is known again.
func TestFleetAgain(t *testing.T) {
	t.Parallel()
	s := lostInHand(t)
	a2 := node(t, "a", s)
	load(a2, "a", 300)
	a2.Standing(&monthly, time.Now())
	b := node(t, "b", s)
	if _, ok := draw(b, &monthly, 700); !ok {
		t.Error("what the lost node had in hand is not there")
	}
	never(t, a2, &monthly, 1)
}

// TestFleetForgotten: a store that lost what it was told learns from the books what nodes have spent, those that are gone
// included.
func TestFleetForgotten(t *testing.T) {
	t.Parallel()
	var s storetest.MapShares
	b := node(t, "b", &s)
	load(b, "a", 600)
	load(b, "b", 100)
	never(t, b, &monthly, 301) // what another node spent counts
	if _, ok := draw(b, &monthly, 300); !ok {
		t.Error("what is left is not there")
	}
	// What the other has claimed since counts, and not what the books say of before.
	s = storetest.MapShares{}
	a := node(t, "a", &s)
	load(a, "a", 600)
	if _, ok := draw(a, &monthly, 350); !ok {
		t.Error("what is left is not there")
	}
	c := node(t, "c", &s)
	load(c, "a", 600)
	never(t, c, &monthly, 51) // what another node holds counts
	if _, ok := draw(c, &monthly, 50); !ok {
		t.Error("what is left is not there")
	}
}

// TestFleetOverdrawn: what was used beyond a slice is claimed, even where nothing is left.
func TestFleetOverdrawn(t *testing.T) {
	t.Parallel()
	var s storetest.MapShares
	a, b := node(t, "a", &s), node(t, "b", &s)
	d, _ := draw(a, &monthly, 500)
	if _, ok := draw(b, &monthly, 500); !ok {
		t.Fatal("refused")
	}
	a.Settle(d, 800)
	for range 100 {
		claims, err := s.Claims(t.Context(), monthly.Name, d.Window)
		if err != nil {
			t.Fatal(err)
		}
		if claims["a"] == 800 && claims["b"] == 500 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("what was used is not claimed")
}

// TestFleetRolling: nodes share a rolling purse, slot by slot.
func TestFleetRolling(t *testing.T) {
	t.Parallel()
	var s storetest.MapShares
	rolling := monthly
	rolling.Name, rolling.Window = "budget/r", gateway.Window{Over: 48 * time.Hour}
	a, b := node(t, "a", &s), node(t, "b", &s)
	now := time.Now()
	try := func(p *pot.Pots, at time.Time, n int64) (d gateway.Drawn, ok bool) {
		for range 250 { // a node keeps what it has ahead of need for a second
			if d, _, ok = p.Draw(context.Background(), &rolling, at, n); ok {
				return d, true
			}
			time.Sleep(10 * time.Millisecond)
		}
		return d, false
	}
	if _, ok := try(a, now, 600); !ok {
		t.Fatal("refused")
	}
	if _, ok := try(b, now.Add(5*time.Hour), 401); ok {
		t.Error("more than a window has")
	}
	if _, ok := try(b, now.Add(5*time.Hour), 400); !ok {
		t.Error("what is left is not there")
	}
	if _, ok := try(b, now.Add(50*time.Hour), 600); !ok {
		t.Error("what has left the window is not there")
	}
	if _, ok := try(a, now.Add(50*time.Hour), 1); ok {
		t.Error("more than a window has")
	}
}

// TestFleetBucket: nodes get together what fills, in no interval more, and what calls do not use is there for others.
func TestFleetBucket(t *testing.T) {
	var s storetest.MapShares
	for _, amount := range []int64{5, 60, 2000} {
		for _, used := range []int64{100, 25} { // per cent of what a call holds
			bucket := gateway.Pot{Name: fmt.Sprint("limit/", amount, "/", used), Kind: gateway.Bucket, Unit: gateway.Tokens, Amount: amount, Per: time.Second}
			hold := max(amount/40, 1)
			nodes := []*pot.Pots{node(t, "a", &s), node(t, "b", &s), node(t, "c", &s)}
			var sum atomic.Int64
			var wg sync.WaitGroup
			begin := time.Now()
			for _, p := range nodes {
				wg.Go(func() {
					var calls sync.WaitGroup
					for time.Since(begin) < 1500*time.Millisecond {
						if d, _, ok := p.Draw(context.Background(), &bucket, time.Now(), hold); ok {
							sum.Add(hold * used / 100)
							calls.Go(func() {
								time.Sleep(3 * time.Millisecond)
								p.Settle(d, hold*used/100)
							})
						} else {
							time.Sleep(time.Millisecond)
						}
					}
					calls.Wait()
				})
			}
			wg.Wait()
			took := time.Since(begin)
			most := amount + int64(took)*amount/int64(time.Second) + 1
			if sum.Load() > most {
				t.Errorf("%d of at most %d", sum.Load(), most)
			}
			if least := most * 6 / 10; used == 100 && sum.Load() < least {
				t.Errorf("%d where %d was there", sum.Load(), most)
			}
			t.Logf("amount %d, %d %% used: %d of %d", amount, used, sum.Load(), most)
		}
	}
}

// TestFleetLevel: there is never more at once than there may be, on whichever nodes, and every node gets its turn.
func TestFleetLevel(t *testing.T) {
	var s storetest.MapShares
	level := gateway.Pot{Name: "limit/l", Kind: gateway.Level, Unit: gateway.Concurrent, Amount: 7}
	var at atomic.Int64
	var most atomic.Int64
	var wg sync.WaitGroup
	var turns [3]atomic.Int64
	begin := time.Now()
	for i, name := range []string{"a", "b", "c"} {
		p := node(t, name, &s)
		for range 4 {
			wg.Go(func() {
				for time.Since(begin) < 3*time.Second {
					d, _, ok := p.Draw(context.Background(), &level, time.Now(), 1)
					if !ok {
						time.Sleep(time.Millisecond)
						continue
					}
					turns[i].Add(1)
					n := at.Add(1)
					for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
					}
					time.Sleep(2 * time.Millisecond)
					at.Add(-1)
					p.Settle(d, 0)
				}
			})
		}
	}
	wg.Wait()
	if most.Load() > level.Amount {
		t.Errorf("%d at once", most.Load())
	}
	for i := range turns {
		if turns[i].Load() < 20 {
			t.Errorf("node %d had %d turns", i, turns[i].Load())
		}
	}
	t.Log(most.Load(), turns[0].Load(), turns[1].Load(), turns[2].Load())
}

// TestFleetLess: when a budget is made smaller, what nodes have in hand is not spent beyond it.
func TestFleetLess(t *testing.T) {
	t.Parallel()
	var s storetest.MapShares
	a := node(t, "a", &s)
	b := node(t, "b", &s)
	if _, ok := draw(b, &monthly, 140); !ok {
		t.Fatal("refused")
	}
	d, _ := draw(a, &monthly, 800)
	a.Settle(d, 100) // 700 in hand
	less := monthly
	less.Amount = 300
	sum := int64(240)
	for _, p := range []*pot.Pots{a, b, a, b} {
		for {
			ok := false
			for try := 0; try < 40 && !ok; try++ {
				if _, _, ok = p.Draw(t.Context(), &less, time.Now(), 20); !ok {
					time.Sleep(10 * time.Millisecond)
				}
			}
			if !ok {
				break
			}
			sum += 20
		}
	}
	if sum > 300 || sum < 280 {
		t.Errorf("%d of 300 spent", sum)
	}
}

// silent is a store that does not answer until it is told to.
type silent struct {
	gateway.Shares
	answers atomic.Bool
	calls   atomic.Int64
}

func (s *silent) Claim(ctx context.Context, node string, claims []gateway.Claim) ([]gateway.Granted, error) {
	s.calls.Add(1)
	if !s.answers.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Shares.Claim(ctx, node, claims)
}

// TestFleetSilent: a store that is silent is asked with growing pauses, whatever is to be told, and told all of it when it
// answers.
func TestFleetSilent(t *testing.T) {
	t.Parallel()
	s := &silent{Shares: &storetest.MapShares{}}
	p := pot.New(pot.Options{Node: "a", Shares: s, Patience: 30 * time.Millisecond})
	defer p.Close(context.Background())
	const pots = 2000
	at := time.Now()
	all := make([]gateway.Pot, pots)
	for i := range all {
		all[i] = monthly
		all[i].Name = fmt.Sprint("budget/", i)
		p.Charge(&all[i], at, 7)
		if _, _, ok := p.Draw(t.Context(), &all[i], at, 1); ok {
			t.Fatal("drew what nobody granted")
		}
	}
	if took := time.Since(at); took > 2*time.Second {
		t.Errorf("%d draws took %s", pots, took)
	}
	time.Sleep(time.Second)
	if n := s.calls.Load(); n > 40 || n < 2 {
		t.Errorf("%d calls", n)
	}
	s.answers.Store(true)
	begin := monthly.Window.Begin(at).Unix()
	for try := 0; ; try++ {
		missing := 0
		for i := range all {
			if got, _ := s.Claims(t.Context(), all[i].Name, begin); got["a"] < 7 {
				missing++
			}
		}
		if missing == 0 {
			break
		}
		if try > 100 {
			t.Fatalf("%d of %d were never told", missing, pots)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if st := p.Stats(); !st.Purses.Answers || st.Purses.Failures == 0 || st.Purses.Calls == 0 {
		t.Errorf("%+v", st.Purses)
	}
}

// TestFleetStranded: busy nodes have little in hand that they do not need, and of a budget that a node is lost with nearly
// all is spent by the others.
func TestFleetStranded(t *testing.T) {
	t.Parallel()
	var s storetest.MapShares
	purse := monthly
	purse.Name, purse.Amount = "budget/stranded", 1_000_000
	nodes := []*pot.Pots{node(t, "a", &s), node(t, "b", &s), node(t, "c", &s)}
	begin := purse.Window.Begin(time.Now()).Unix()
	spent := map[int]int64{}
	most := int64(0)
	step := func(i int, hold int64) bool {
		d, _, ok := nodes[i].Draw(t.Context(), &purse, time.Now(), hold)
		if ok {
			used := hold / 4
			nodes[i].Settle(d, used)
			spent[i] += used
		}
		return ok
	}
	sum := func() int64 { return spent[0] + spent[1] + spent[2] }
	for at := 0; sum() < purse.Amount/2; at++ {
		step(at%3, 1+int64(at*7919)%(purse.Amount/1000))
		time.Sleep(100 * time.Microsecond)
		if at%20 == 0 {
			claims, err := s.Claims(t.Context(), purse.Name, begin)
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, claims["a"]+claims["b"]+claims["c"]-sum())
		}
	}
	t.Logf("up to %d of %d in hand", most, purse.Amount)
	if most > purse.Amount/20 {
		t.Errorf("%d of %d in hand", most, purse.Amount)
	}
	// The third is lost.
	for dry := 0; dry < 200; {
		if step(dry%2, purse.Amount/500) {
			dry = 0
			continue
		}
		dry++
		time.Sleep(2 * time.Millisecond)
	}
	t.Logf("%d of %d spent", sum(), purse.Amount)
	if sum() < purse.Amount*9/10 || sum() > purse.Amount {
		t.Errorf("%d of %d spent", sum(), purse.Amount)
	}
}
