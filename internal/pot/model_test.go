package pot

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/internal/gateway"
)

// clocks are a wall clock that jumps and one that does not.
type clocks struct {
	mono int64
	wall time.Time
}

func newClocks() *clocks { return &clocks{1, time.Date(2026, 3, 28, 22, 30, 0, 0, time.UTC)} }

func (c *clocks) pass(d time.Duration) {
	c.mono += int64(d)
	c.wall = c.wall.Add(d)
}

func (c *clocks) options() Options {
	return Options{Now: func() time.Time { return c.wall }, Mono: func() int64 { return c.mono }}
}

// TestPurseModel: a purse hands out what its window has and no more, whatever the clock does, however late calls are
// settled, and whatever is forgotten. In no rolling window is more drawn than there is.
func TestPurseModel(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []gateway.Window{
		{}, {Every: gateway.Hour}, {Every: gateway.Day, Zone: berlin}, {Every: gateway.Month}, {Over: time.Hour}, {Over: 24 * time.Hour},
	} {
		t.Run(fmt.Sprint(w.Every, w.Over), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { purseModel(t, w) })
		})
	}
}

func purseModel(t *rapid.T, w gateway.Window) {
	c := newClocks()
	p := New(c.options())
	pot := &gateway.Pot{Name: "budget/x", Kind: gateway.Purse, Amount: 100, Window: w}
	spent := map[int64]int64{} // by window
	drawn := map[int64]int64{} // likewise, of draws alone
	over := false              // something was charged or settled above what was there
	sum := func(since int64) (all int64) {
		for begin, n := range spent {
			if w.Slot() == 0 && begin == since || w.Slot() > 0 && begin >= since {
				all += n
			}
		}
		return all
	}
	type open struct {
		d  gateway.Drawn
		at time.Time
	}
	var opened []open
	for range rapid.IntRange(1, 80).Draw(t, "steps") {
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			c.pass(time.Duration(rapid.IntRange(0, 3000).Draw(t, "seconds")) * time.Second)
		case 1:
			c.pass(time.Duration(rapid.IntRange(0, 50).Draw(t, "hours")) * time.Hour)
		case 2:
			c.wall = c.wall.Add(time.Duration(rapid.IntRange(-60, 60).Draw(t, "jump")) * time.Minute)
		case 3:
			amount := rapid.Int64Range(0, 150).Draw(t, "amount")
			if amount < pot.Amount {
				over = true
			}
			changed := *pot
			changed.Amount = amount
			pot = &changed
		case 4: // charged without a draw
			n := rapid.Int64Range(0, 30).Draw(t, "charge")
			begin := w.Begin(c.wall).Unix()
			if sum(w.Since(c.wall).Unix())+n > pot.Amount {
				over = true
			}
			d := p.Charge(pot, c.wall, n)
			if d.Window != begin || d.Amount != n {
				t.Fatalf("charged %+v", d)
			}
			spent[begin] += n
		case 5, 6: // settled
			if len(opened) == 0 {
				continue
			}
			i := rapid.IntRange(0, len(opened)-1).Draw(t, "which")
			o := opened[i]
			opened = append(opened[:i], opened[i+1:]...)
			used := rapid.Int64Range(0, o.d.Amount+5).Draw(t, "used")
			if used > o.d.Amount {
				over = true
			}
			p.Settle(o.d, used)
			spent[o.d.Window] += used - o.d.Amount
			drawn[o.d.Window] += used - o.d.Amount
		default:
			at := c.wall.Add(-time.Duration(rapid.IntRange(0, 40).Draw(t, "ago")) * time.Minute)
			n := rapid.Int64Range(0, 60).Draw(t, "n")
			begin, since := w.Begin(at).Unix(), w.Since(at).Unix()
			fits := n == 0 || sum(since)+n <= pot.Amount
			d, s, ok := p.Draw(context.Background(), pot, at, n)
			if ok && !fits {
				t.Fatalf("drew %d of %d where %d are spent", n, pot.Amount, sum(since))
			}
			// A window that is over for long is closed; one that is rolling is so soon.
			if !ok && fits && w.Slot() == 0 {
				t.Fatalf("refused %d of %d where %d are spent", n, pot.Amount, sum(since))
			}
			if ok {
				if d.Window != begin {
					t.Fatalf("charged to %d, want %d", d.Window, begin)
				}
				spent[begin] += n
				drawn[begin] += n
				opened = append(opened, open{d, at})
			}
			if want := max(pot.Amount-sum(since), 0); ok && s.Left != want {
				t.Fatalf("%d left, want %d", s.Left, want)
			}
			if !ok && s.Wait > 0 {
				if _, _, ok := New(c.options()).Draw(context.Background(), pot, at, n); !ok {
					t.Fatal("told to wait for more than there ever is")
				}
				later := at.Add(s.Wait)
				if w.Slot() == 0 || sum(w.Since(later).Unix())+n > pot.Amount || sum(w.Since(later.Add(-w.Slot())).Unix())+n <= pot.Amount {
					t.Fatalf("a wait of %s is wrong", s.Wait)
				}
			}
		}
	}
	if over || w.Slot() == 0 {
		return
	}
	for begin := range drawn {
		end, all := time.Unix(begin, 0).Add(w.Over).Unix(), int64(0)
		for b, n := range drawn {
			if b >= begin && b < end {
				all += n
			}
		}
		if all > 150 {
			t.Fatalf("%d drawn within %s", all, w.Over)
		}
	}
}

// TestLevelModel: there is never more at once than there may be, and what was taken comes back whole.
func TestLevelModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClocks()
		p := New(c.options())
		pot := &gateway.Pot{Name: "limit/x", Kind: gateway.Level, Amount: 10}
		level := int64(0)
		var opened []gateway.Drawn
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				c.pass(time.Duration(rapid.IntRange(0, 1000).Draw(t, "minutes")) * time.Minute)
			case 1:
				if len(opened) > 0 {
					i := rapid.IntRange(0, len(opened)-1).Draw(t, "which")
					p.Settle(opened[i], rapid.Int64Range(0, 9).Draw(t, "used"))
					level -= opened[i].Amount
					opened = append(opened[:i], opened[i+1:]...)
				}
			case 2:
				changed := *pot
				changed.Amount = rapid.Int64Range(0, 12).Draw(t, "amount")
				pot = &changed
			default:
				n := rapid.Int64Range(0, 4).Draw(t, "n")
				d, s, ok := p.Draw(context.Background(), pot, c.wall, n)
				if ok != (n == 0 || level+n <= pot.Amount) {
					t.Fatalf("%d more of %d when there are %d: %t", n, pot.Amount, level, ok)
				}
				if ok {
					level += n
					opened = append(opened, d)
				}
				if want := max(pot.Amount-level, 0); s.Left != want || p.Standing(pot, c.wall).Left != want {
					t.Fatalf("%d left, want %d", s.Left, want)
				}
			}
		}
	})
}

// TestClockJumps: a wall clock that jumps by an hour neither fills a bucket nor empties one, and gives no budget twice.
func TestClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		c := newClocks()
		p := New(c.options())
		bucket := &gateway.Pot{Name: "limit/b", Kind: gateway.Bucket, Unit: gateway.Requests, Amount: 60, Per: time.Minute}
		purse := &gateway.Pot{Name: "budget/p", Kind: gateway.Purse, Amount: 10, Window: gateway.Window{Every: gateway.Day}}
		ctx := context.Background()
		c.wall = time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC)
		if _, _, ok := p.Draw(ctx, bucket, c.wall, 60); !ok {
			t.Fatal("refused")
		}
		if _, _, ok := p.Draw(ctx, purse, c.wall, 10); !ok {
			t.Fatal("refused")
		}
		c.wall = c.wall.Add(jump)
		if _, _, ok := p.Draw(ctx, bucket, c.wall, 1); ok {
			t.Error("the jump filled the bucket")
		}
		c.pass(time.Second)
		if _, _, ok := p.Draw(ctx, bucket, c.wall, 1); !ok {
			t.Error("a second does not fill the bucket")
		}
		p.Draw(ctx, purse, c.wall, 1) // of the next day, or of this
		c.pass(2 * time.Minute)
		p.Draw(ctx, purse, c.wall, 1) // sweeps
		c.wall = c.wall.Add(-jump)
		if _, s, ok := p.Draw(ctx, purse, time.Date(2026, 3, 1, 23, 40, 0, 0, time.UTC), 1); ok || s.Left != 0 {
			t.Error("the day's budget came a second time")
		}
	}
}

// TestForgets: a window that is over for long is forgotten and closed for draws, settled or not; until then late calls are
// charged to it.
func TestForgets(t *testing.T) {
	c := newClocks()
	p := New(c.options())
	ctx := context.Background()
	purse := &gateway.Pot{Name: "budget/p", Kind: gateway.Purse, Amount: 10, Window: gateway.Window{Every: gateway.Hour}}
	begin := c.wall
	d, _, _ := p.Draw(ctx, purse, begin, 8)
	c.pass(90 * time.Minute)
	if _, s, ok := p.Draw(ctx, purse, begin, 3); ok || s.Left != 2 {
		t.Errorf("%d left of the hour before", s.Left)
	}
	if _, s, ok := p.Draw(ctx, purse, c.wall, 3); !ok || s.Left != 7 {
		t.Errorf("%d left of this hour", s.Left)
	}
	// Held for ten hours: it is remembered for as long.
	for range 10 {
		c.pass(time.Hour)
		p.Standing(purse, c.wall)
		p.Draw(ctx, purse, c.wall, 0)
	}
	p.Settle(d, 4)
	if _, s, ok := p.Draw(ctx, purse, begin, 3); !ok || s.Left != 3 {
		t.Errorf("%d left of an hour that is not settled", s.Left)
	}
	c = newClocks()
	p = New(c.options())
	d, _, _ = p.Draw(ctx, purse, begin, 10)
	p.Settle(d, 10)
	for range 10 {
		c.pass(time.Hour)
		p.Draw(ctx, purse, c.wall, 1)
	}
	if _, _, ok := p.Draw(ctx, purse, begin, 1); ok {
		t.Error("an hour that was spent and forgotten is full again")
	}
}

// TestMost: where there is no room for another pot it is refused, and the known ones go on.
func TestMost(t *testing.T) {
	c := newClocks()
	o := c.options()
	o.Most = 3
	p := New(o)
	ctx := context.Background()
	pot := func(i int) *gateway.Pot {
		return &gateway.Pot{Name: fmt.Sprint("limit/", i), Kind: gateway.Bucket, Unit: gateway.Tokens, Amount: 10, Per: time.Minute}
	}
	for i := range 3 {
		if _, _, ok := p.Draw(ctx, pot(i), c.wall, 10); !ok {
			t.Error("refused")
		}
	}
	if _, _, ok := p.Draw(ctx, pot(3), c.wall, 1); ok {
		t.Error("a fourth of three pots")
	}
	p.Charge(pot(3), c.wall, 1)
	if s := p.Stats(); s.Full != 2 || s.Lost != 1 || s.Pots != 3 {
		t.Errorf("%+v", s)
	}
	if _, _, ok := p.Draw(ctx, pot(0), c.wall, 1); ok {
		t.Error("what was drawn is forgotten")
	}
	c.pass(2 * time.Minute)
	for i := range 3 {
		if _, _, ok := p.Draw(ctx, pot(i+3), c.wall, 10); ok {
			return // one had the shard of one that rests
		}
	}
}

// TestLoad: what was spent before counts, on a node that is alone whoever spent it, and before anything is drawn.
func TestLoad(t *testing.T) {
	c := newClocks()
	p := New(c.options())
	purse := &gateway.Pot{Name: "budget/p", Kind: gateway.Purse, Amount: 10, Window: gateway.Window{Every: gateway.Month}}
	begin := purse.Window.Begin(c.wall).Unix()
	for _, node := range []string{"a", "b"} {
		p.Load(gateway.PotSpent{Charge: gateway.Charge{Pot: purse.Name, Window: begin}, Node: node, Spent: 4})
	}
	p.Load(gateway.PotSpent{Charge: gateway.Charge{Pot: purse.Name, Window: begin - 86400}, Node: "a", Spent: 4})
	if s := p.Standing(purse, c.wall); s.Left != 2 || s.Full <= 0 {
		t.Errorf("%+v", s)
	}
	if _, _, ok := p.Draw(context.Background(), purse, c.wall, 3); ok {
		t.Error("drew what was spent")
	}
	if _, _, ok := p.Draw(context.Background(), purse, c.wall, 2); !ok {
		t.Error("did not draw what was left")
	}
	// A budget that becomes one of days counts what the month has charged to its first day, and nothing else.
	daily := *purse
	daily.Window.Every = gateway.Day
	if s := p.Standing(&daily, c.wall); s.Left != 10 {
		t.Errorf("%+v", s)
	}
	if s := p.Standing(&daily, time.Unix(begin, 0)); s.Left != 0 {
		t.Errorf("%+v", s)
	}
}

// TestOverdrawn: what is settled above what was drawn is charged, and counted.
func TestOverdrawn(t *testing.T) {
	c := newClocks()
	p := New(c.options())
	for _, pot := range []*gateway.Pot{
		{Name: "budget/p", Kind: gateway.Purse, Amount: 10, Window: gateway.Window{Every: gateway.Month}},
		{Name: "limit/b", Kind: gateway.Bucket, Unit: gateway.Tokens, Amount: 10, Per: time.Minute},
	} {
		d, _, _ := p.Draw(context.Background(), pot, c.wall, 5)
		p.Settle(d, 25)
		if s := p.Standing(pot, c.wall); s.Left != 0 {
			t.Errorf("%+v", s)
		}
		if pot.Kind == gateway.Bucket {
			c.pass(90 * time.Second)
			if s := p.Standing(pot, c.wall); s.Left != 0 {
				t.Errorf("%+v", s)
			}
			c.pass(30 * time.Second)
			if s := p.Standing(pot, c.wall); s.Left != 5 {
				t.Errorf("%+v", s)
			}
		}
	}
	if s := p.Stats(); s.Overdrafts != 2 || s.Overdrawn != 40 {
		t.Errorf("%+v", s)
	}
}

// TestOldDocument: what was drawn under an earlier document is settled, and the pot stays what the document says now.
func TestOldDocument(t *testing.T) {
	c := newClocks()
	p := New(c.options())
	old := &gateway.Pot{Name: "limit/b", Kind: gateway.Bucket, Unit: gateway.Tokens, Amount: 100, Per: time.Minute}
	d, _, _ := p.Draw(context.Background(), old, c.wall, 60)
	now := *old
	now.Amount = 1000
	if s := p.Standing(&now, c.wall); s.Left != 940 {
		t.Errorf("%+v", s)
	}
	d2, _, _ := p.Draw(context.Background(), &now, c.wall, 40)
	p.Settle(d, 60)
	p.Settle(d2, 0)
	if s := p.Standing(&now, c.wall); s.Left != 940 {
		t.Errorf("%+v", s)
	}
}
