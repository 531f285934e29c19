package pot

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// past is a bucket with all of its past: what was drawn when, and what it came to as far as is known.
type past struct {
	amount, per int64
	draws       []pastDraw
}

type pastDraw struct{ at, n int64 }

// debt is what a bucket with this past owes at a time, in units, exactly.
func (p *past) debt(now int64) *big.Rat {
	debt, last := new(big.Rat), int64(0)
	for _, d := range append(append([]pastDraw(nil), p.draws...), pastDraw{at: now}) {
		debt.Sub(debt, big.NewRat(1, 1).Mul(big.NewRat(p.amount, p.per), big.NewRat(d.at-last, 1)))
		if debt.Sign() < 0 {
			debt.SetInt64(0)
		}
		debt.Add(debt, big.NewRat(d.n, 1))
		last = d.at
	}
	return debt
}

// TestBucketModel: a bucket never has more than one that knew from the beginning what every draw would come to, and in no
// interval is more used than its amount and what fills it meanwhile. Without anything given back, it is that bucket.
func TestBucketModel(t *testing.T) {
	for _, gives := range []bool{false, true} {
		for _, noted := range []bool{false, true} {
			rapid.Check(t, func(t *rapid.T) { bucketModel(t, gives, noted) })
		}
	}
}

func bucketModel(t *rapid.T, gives, noted bool) {
	amount := rapid.Int64Range(1, 40).Draw(t, "amount")
	per := rapid.Int64Range(1, 200).Draw(t, "per")
	b := &bucket{}
	if noted {
		b.lows = &lows{}
	}
	model := &past{amount: amount, per: per}
	now := rapid.Int64Range(1, 100).Draw(t, "start")
	b.set(now, amount, per)
	type open struct {
		i    int
		mark int64
	}
	var opened []open
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0:
			now += rapid.Int64Range(0, per/2+1).Draw(t, "passes")
		case 1, 2:
			n := rapid.Int64Range(1, amount).Draw(t, "n")
			room := new(big.Rat).Sub(big.NewRat(amount, 1), model.debt(now))
			fits := room.Cmp(big.NewRat(n, 1)) >= 0
			wait, ok := b.draw(now, n)
			if ok && !fits {
				t.Fatalf("drew %d where %s is left", n, room)
			}
			if !gives && ok != fits {
				t.Fatalf("refused %d where %s is left", n, room)
			}
			if ok {
				model.draws = append(model.draws, pastDraw{now, n})
				opened = append(opened, open{len(model.draws) - 1, now})
			} else {
				try := *b
				if wait <= 0 {
					t.Fatalf("refused, and not after how long it would not be")
				}
				if _, ok := try.draw(now+wait, n); !ok {
					t.Fatalf("refused after the wait of %d", wait)
				}
				if _, ok := try.draw(now+wait-1, n); ok && b.lows == nil {
					t.Fatalf("the wait of %d is too long", wait)
				}
			}
		case 3:
			if !gives || len(opened) == 0 {
				continue
			}
			i := rapid.IntRange(0, len(opened)-1).Draw(t, "which")
			o := opened[i]
			opened = append(opened[:i], opened[i+1:]...)
			back := rapid.Int64Range(0, model.draws[o.i].n).Draw(t, "back")
			model.draws[o.i].n -= back
			b.back(now, o.mark, back)
		}
		// Owed is rounded up, and never below what the bucket that knew everything owes.
		if model.debt(now).Cmp(big.NewRat(b.owed(now), 1)) > 0 {
			t.Fatalf("owes %d, and should owe %s", b.owed(now), model.debt(now))
		}
	}
	// No interval holds more than the promise.
	for i := range model.draws {
		sum := int64(0)
		for _, d := range model.draws[i:] {
			sum += d.n
			most := new(big.Rat).Add(big.NewRat(amount, 1), new(big.Rat).Mul(big.NewRat(amount, per), big.NewRat(d.at-model.draws[i].at, 1)))
			if most.Cmp(big.NewRat(sum, 1)) < 0 {
				t.Fatalf("%d used between %d and %d: %+v", sum, model.draws[i].at, d.at, model.draws)
			}
		}
	}
}

// TestBucketGivesBack: what comes back soon comes back whole, and under load nearly whole however late.
func TestBucketGivesBack(t *testing.T) {
	const per = int64(time.Minute)
	for _, noted := range []bool{false, true} {
		b := &bucket{}
		if noted {
			b.lows = &lows{}
		}
		b.set(5, 3, per)
		for range 3 {
			if _, ok := b.draw(5, 1); !ok {
				t.Fatal("refused")
			}
		}
		if _, ok := b.draw(5, 1); ok {
			t.Fatal("a fourth of three")
		}
		b.back(5, 5, 1)
		if _, ok := b.draw(5, 1); !ok {
			t.Error("what came back at once is not there")
		}
	}
	// A million tokens a minute; each call holds 20,000 for 20 s and uses 1,000. The bucket lets in as many as are used.
	b := &bucket{lows: &lows{}}
	b.set(1, 1_000_000, per)
	type call struct{ at int64 }
	var open []call
	done, second := 0, int64(time.Second)
	for now := second; now < 300*second; now += second / 20 {
		for len(open) > 0 && open[0].at+20*second <= now {
			b.back(now, open[0].at, 19_000)
			open = open[1:]
		}
		if _, ok := b.draw(now, 20_000); ok {
			open = append(open, call{now})
			done++
		}
	}
	// By holds alone it would be 50 at once and 50 a minute: 300 in five minutes.
	if done < 700 {
		t.Errorf("%d calls in five minutes", done)
	}
}

// TestBucketExtremes: neither huge amounts nor overdrafts nor another amount lead it astray.
func TestBucketExtremes(t *testing.T) {
	b := &bucket{lows: &lows{}}
	b.set(1, math.MaxInt64, int64(time.Second))
	if _, ok := b.draw(1, math.MaxInt64); !ok {
		t.Error("not all of the most")
	}
	if _, ok := b.draw(1, 1); ok {
		t.Error("more than the most")
	}
	if _, ok := b.draw(1+int64(time.Second), math.MaxInt64); !ok {
		t.Error("not full again")
	}
	b = &bucket{}
	b.set(1, 1, int64(24*time.Hour))
	b.add(1, math.MaxInt64)
	if b.left(1) != 0 || b.debt(1) < int64(365*24*time.Hour) {
		t.Error("an overdraft is forgotten")
	}
	b = &bucket{}
	b.set(1, 100, int64(time.Minute))
	b.draw(1, 60)
	b.set(1, 200, int64(time.Hour))
	if got := b.left(1); got != 140 {
		t.Errorf("%d left of 200 when 60 are drawn", got)
	}
	b.set(1, 50, int64(time.Second))
	if _, ok := b.draw(1, 1); ok || b.left(1) != 0 {
		t.Error("a smaller amount forgets")
	}
	b.set(1, 0, int64(time.Second))
	if _, ok := b.draw(int64(time.Hour), 1); ok {
		t.Error("drew of nothing")
	}
}

// TestBucketDoesNotDrift: a million draws later not a nanosecond is lost.
func TestBucketDoesNotDrift(t *testing.T) {
	b := &bucket{}
	b.set(1, 7, 1_000_000_003)
	now, drawn := int64(1), int64(0)
	for drawn < 1_000_000 {
		wait, ok := b.draw(now, 1)
		if ok {
			drawn++
			continue
		}
		now += wait
	}
	gained := new(big.Int).Mul(big.NewInt(now-1), big.NewInt(7))
	gained.Div(gained, big.NewInt(1_000_000_003))
	if want := gained.Int64() + 7; drawn != want {
		t.Errorf("drew %d, want %d", drawn, want)
	}
}

// TestBucketMerges: where there are more lows than are remembered, less comes back and not more.
func TestBucketMerges(t *testing.T) {
	b := &bucket{lows: &lows{}}
	b.set(100, 1000, 1000)
	draw := func(now, n int64) {
		if _, ok := b.draw(now, n); !ok {
			t.Fatal("refused")
		}
	}
	draw(100, 20)
	draw(118, 3) // only 2 are lacking: of the first draw no more than that may come back
	now := int64(118)
	for range 12 {
		now++
		draw(now, 6)
	}
	before := b.left(now)
	b.back(now, 100, 20)
	if got := b.left(now) - before; got < 0 || got > 2 {
		t.Errorf("%d came back, and 2 may", got)
	}
}
