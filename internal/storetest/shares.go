package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/gateway"
)

// Shares runs the suite for gateway.Shares. open opens a store with nothing in it; it is closed with the test. Time is the
// store's own, so the suite waits for real.
func Shares(t *testing.T, open func(testing.TB) gateway.Shares) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, gateway.Shares)
	}{
		{"claims", claims},
		{"a claim that is late or doubled", claimsLate},
		{"what is spent is granted", claimsForced},
		{"an amount that changes", claimsChanged},
		{"windows apart", claimsWindows},
		{"a rolling window", claimsRolling},
		{"large amounts are exact", claimsLarge},
		{"strange names", claimsNames},
		{"a level's lease", levelLease},
		{"many claims in one call", claimsMany},
		{"many nodes at once", claimsAtOnce},
		{"calls whose effect is unknown", claimsUnknown},
		{"a bucket", bucketTakes},
		{"a bucket takes back", bucketBack},
		{"a bucket whose amount changes", bucketChanged},
		{"a bucket's extremes", bucketExtremes},
		{"a bucket and many nodes", bucketAtOnce},
		{"what is kept ahead", bucketKeeps},
		{"nothing is asked", sharesNothingAsked},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

func monthly(name string, amount int64) *gateway.Pot {
	return &gateway.Pot{Name: name, Kind: gateway.Purse, Unit: gateway.Spend, Amount: amount, Window: gateway.Window{Every: gateway.Month}}
}

// month is a window that has not ended yet.
var month = gateway.Window{Every: gateway.Month}.Begin(time.Now()).Unix()

func monthEnds() time.Time { return gateway.Window{Every: gateway.Month}.End(time.Now()) }

// claim makes one claim, which must be answered.
func claim(t testing.TB, s gateway.Shares, node string, c gateway.Claim) gateway.Granted {
	t.Helper()
	if c.Pot.Kind == gateway.Purse && c.Pot.Window != (gateway.Window{}) && c.Ends.IsZero() {
		c.Ends = monthEnds()
	}
	got, err := s.Claim(t.Context(), node, []gateway.Claim{c})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("%d answers to one claim", len(got))
	}
	return got[0]
}

func wantGranted(t testing.TB, got, want gateway.Granted) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func wantClaims(t testing.TB, s gateway.Shares, pot *gateway.Pot, window int64, want map[string]int64) {
	t.Helper()
	got, err := s.Claims(t.Context(), pot.Name, window)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func claims(t *testing.T, s gateway.Shares) {
	p := monthly("budget/a", 100)
	wantClaims(t, s, p, month, map[string]int64{})
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: 60}), gateway.Granted{N: 60, Left: 40, Seq: 1, Nodes: 1})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: 60}), gateway.Granted{N: 40, Left: 0, Seq: 1, Nodes: 2})
	wantGranted(t, claim(t, s, "c", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: 1}), gateway.Granted{N: 0, Left: 0, Seq: 1, Nodes: 2})
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 2, Total: 50}), gateway.Granted{N: 50, Left: 10, Seq: 2, Nodes: 2})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: 2, Total: 45}), gateway.Granted{N: 45, Left: 5, Seq: 2, Nodes: 2})
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 3, Total: 0}), gateway.Granted{N: 0, Left: 55, Seq: 3, Nodes: 1})
	wantClaims(t, s, p, month, map[string]int64{"b": 45})
	// The zero window is all time.
	p = &gateway.Pot{Name: "budget/ever", Kind: gateway.Purse, Amount: 10}
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Seq: 1, Total: 11}), gateway.Granted{N: 10, Left: 0, Seq: 1, Nodes: 1})
	wantClaims(t, s, p, 0, map[string]int64{"a": 10})
}

func claimsLate(t *testing.T, s gateway.Shares) {
	p := monthly("budget/late", 100)
	claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 7, Total: 60})
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 7, Total: 60}), gateway.Granted{N: 60, Left: 40, Seq: 7, Nodes: 1})
	claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 9, Total: 20})
	for _, late := range []gateway.Claim{{Seq: 8, Total: 90}, {Seq: 7, Total: 60}, {Seq: 9, Total: 90}, {Seq: 1, Total: 0}, {Seq: 8, Total: 500, Force: true}} {
		late.Pot, late.Window = p, month
		wantGranted(t, claim(t, s, "a", late), gateway.Granted{N: 20, Left: 80, Seq: 9, Nodes: 1})
	}
	// That a node has nothing does not make it forget what it said.
	claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 10, Total: 0})
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 9, Total: 20}), gateway.Granted{N: 0, Left: 100, Seq: 10})
	// Nodes are told apart by the whole of their names.
	wantGranted(t, claim(t, s, "a ", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: 5}), gateway.Granted{N: 5, Left: 95, Seq: 1, Nodes: 1})
	// Microseconds since 1970 and what comes after them are told apart.
	const micro = 1_790_000_000_000_000
	claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: micro + 1, Total: 5})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: micro, Total: 9}), gateway.Granted{N: 5, Left: 90, Seq: micro + 1, Nodes: 2})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: micro + 2, Total: 9}), gateway.Granted{N: 9, Left: 86, Seq: micro + 2, Nodes: 2})
}

func claimsForced(t *testing.T, s gateway.Shares) {
	p := monthly("budget/forced", 100)
	claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: 90})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: 30, Force: true}), gateway.Granted{N: 30, Left: 0, Seq: 1, Nodes: 2})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: 2, Total: 31}), gateway.Granted{N: 30, Left: 0, Seq: 2, Nodes: 2})
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 2, Total: 75}), gateway.Granted{N: 75, Left: 0, Seq: 2, Nodes: 2})
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 3, Total: 65}), gateway.Granted{N: 65, Left: 5, Seq: 3, Nodes: 2})
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 4, Total: 80}), gateway.Granted{N: 70, Left: 0, Seq: 4, Nodes: 2})
}

func claimsChanged(t *testing.T, s gateway.Shares) {
	claim(t, s, "a", gateway.Claim{Pot: monthly("budget/changed", 100), Window: month, Seq: 1, Total: 60})
	less := monthly("budget/changed", 50)
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: less, Window: month, Seq: 1, Total: 5}), gateway.Granted{N: 0, Left: 0, Seq: 1, Nodes: 1})
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: less, Window: month, Seq: 2, Total: 70}), gateway.Granted{N: 60, Left: 0, Seq: 2, Nodes: 1})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: monthly("budget/changed", 200), Window: month, Seq: 2, Total: 500}), gateway.Granted{N: 140, Left: 0, Seq: 2, Nodes: 2})
}

func claimsWindows(t *testing.T, s gateway.Shares) {
	p := monthly("budget/windows", 10)
	next := monthEnds()
	claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: 10})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: next.Unix(), Seq: 1, Total: 10, Ends: next.AddDate(0, 1, 0)}), gateway.Granted{N: 10, Left: 0, Seq: 1, Nodes: 1})
	wantClaims(t, s, p, month, map[string]int64{"a": 10})
	wantClaims(t, s, p, next.Unix(), map[string]int64{"b": 10})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: monthly("budget/window", 10), Window: month, Seq: 1, Total: 3}), gateway.Granted{N: 3, Left: 7, Seq: 1, Nodes: 1})
}

func claimsRolling(t *testing.T, s gateway.Shares) {
	w := gateway.Window{Over: 48 * time.Hour}
	p := &gateway.Pot{Name: "budget/rolling", Kind: gateway.Purse, Amount: 100, Window: w}
	at := func(h int) int64 { return w.Begin(time.Now().Add(time.Duration(h) * time.Hour)).Unix() }
	ends := time.Now().Add(100 * time.Hour)
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: at(0), Seq: 1, Total: 60, Ends: ends}), gateway.Granted{N: 60, Left: 40, Seq: 1, Nodes: 1})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: at(5), Seq: 1, Total: 60, Ends: ends}), gateway.Granted{N: 40, Left: 0, Seq: 1, Nodes: 1})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: at(48), Seq: 1, Total: 60, Ends: ends}), gateway.Granted{N: 0, Left: 0, Seq: 1})
	// What the first spent has left the window.
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: at(49), Seq: 1, Total: 90, Ends: ends}), gateway.Granted{N: 60, Left: 0, Seq: 1, Nodes: 1})
	// An earlier slot is in windows with later ones.
	wantGranted(t, claim(t, s, "c", gateway.Claim{Pot: p, Window: at(4), Seq: 1, Total: 1, Ends: ends}), gateway.Granted{N: 0, Left: 0, Seq: 1, Nodes: 0})
	wantClaims(t, s, p, at(5), map[string]int64{"b": 40})
}

func claimsLarge(t *testing.T, s gateway.Shares) {
	const amount = 9_000_000_000_000_000_007 // nine billion dollars
	p := monthly("budget/large", amount)
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: 4_000_000_000_000_000_003}), gateway.Granted{N: 4_000_000_000_000_000_003, Left: 5_000_000_000_000_000_004, Seq: 1, Nodes: 1})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: amount}), gateway.Granted{N: 5_000_000_000_000_000_004, Left: 0, Seq: 1, Nodes: 2})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: 2, Total: 1_999_999_999}), gateway.Granted{N: 1_999_999_999, Left: amount - 4_000_000_000_000_000_003 - 1_999_999_999, Seq: 2, Nodes: 2})
	wantGranted(t, claim(t, s, "c", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: amount, Force: true}), gateway.Granted{N: amount, Left: 0, Seq: 1, Nodes: 3})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: 3, Total: 2_000_000_000}), gateway.Granted{N: 1_999_999_999, Left: 0, Seq: 3, Nodes: 3})
}

func claimsNames(t *testing.T, s gateway.Shares) {
	for i, name := range []string{"budget/{x}", "budget/ü/%2F", "a b'c\"d", "budget/x:1", strings.Repeat("n", 500), "}{", "*", "budget/?[a]\\"} {
		p := monthly(name, 10)
		node := fmt.Sprintf("node/%d '%s", i, name)
		wantGranted(t, claim(t, s, node, gateway.Claim{Pot: p, Window: month, Seq: 1, Total: 7}), gateway.Granted{N: 7, Left: 3, Seq: 1, Nodes: 1})
		wantClaims(t, s, p, month, map[string]int64{node: 7})
	}
}

func levelLease(t *testing.T, s gateway.Shares) {
	p := &gateway.Pot{Name: "limit/level", Kind: gateway.Level, Unit: gateway.Concurrent, Amount: 10}
	const lease = time.Second
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Seq: 1, Total: 6, Lease: lease}), gateway.Granted{N: 6, Left: 4, Seq: 1, Nodes: 1})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Seq: 1, Total: 6, Lease: time.Hour}), gateway.Granted{N: 4, Left: 0, Seq: 1, Nodes: 2})
	time.Sleep(lease / 2)
	claim(t, s, "a", gateway.Claim{Pot: p, Seq: 2, Total: 6, Lease: lease}) // renewed
	time.Sleep(lease * 3 / 4)
	wantClaims(t, s, p, 0, map[string]int64{"a": 6, "b": 4})
	time.Sleep(lease / 2)
	wantClaims(t, s, p, 0, map[string]int64{"b": 4})
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Seq: 2, Total: 9, Lease: time.Hour}), gateway.Granted{N: 9, Left: 1, Seq: 2, Nodes: 1})
	// What was late is late after the lease too, and what the node has is void.
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Seq: 2, Total: 6, Lease: lease}), gateway.Granted{N: 0, Left: 1, Seq: 2, Nodes: 1})
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Seq: 3, Total: 6, Lease: lease}), gateway.Granted{N: 1, Left: 0, Seq: 3, Nodes: 2})
}

func claimsMany(t *testing.T, s gateway.Shares) {
	const n = 256
	pots := make([]gateway.Claim, n)
	for i := range pots {
		pots[i] = gateway.Claim{Pot: monthly(fmt.Sprintf("budget/many-%d", (i*37)%n), int64(i)), Window: month, Seq: 1, Total: 100, Ends: monthEnds()}
	}
	got, err := s.Claim(t.Context(), "a", pots)
	if err != nil || len(got) != n {
		t.Fatal(len(got), err)
	}
	for i, g := range got {
		if g.N != min(int64(i), 100) || g.Left != max(int64(i)-100, 0) {
			t.Errorf("%d: %+v", i, g)
		}
	}
	// One pot twice: one after the other.
	p := monthly("budget/twice", 10)
	got, err = s.Claim(t.Context(), "a", []gateway.Claim{
		{Pot: p, Window: month, Seq: 1, Total: 4, Ends: monthEnds()}, {Pot: p, Window: month, Seq: 2, Total: 40, Ends: monthEnds()},
	})
	if err != nil || got[0].N != 4 || got[1].N != 10 {
		t.Error(got, err)
	}
}

// claimsAtOnce: whatever nodes claim at the same time, in whatever order of pots, the sum never exceeds an amount.
func claimsAtOnce(t *testing.T, s gateway.Shares) {
	const nodes, pots, rounds, amount = 6, 5, 60, 50
	var wg sync.WaitGroup
	for n := range nodes {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(n), 1))
			node := fmt.Sprint("node", n)
			for seq := range int64(rounds) {
				var all []gateway.Claim
				for _, p := range rnd.Perm(pots) {
					all = append(all, gateway.Claim{Pot: monthly(fmt.Sprint("budget/", p), amount), Window: month, Seq: seq + 1, Total: rnd.Int64N(30), Ends: monthEnds()})
				}
				if _, err := s.Claim(t.Context(), node, all); err != nil {
					t.Error(err)
				}
				got, err := s.Claims(t.Context(), "budget/0", month)
				sum := int64(0)
				for _, n := range got {
					sum += n
				}
				if err != nil || sum > amount {
					t.Error(sum, err)
				}
			}
		})
	}
	wg.Wait()
}

// claimsUnknown: a node whose calls end early, answered or not, says later what it wants, and that counts.
func claimsUnknown(t *testing.T, s gateway.Shares) {
	p := monthly("budget/unknown", 1000)
	rnd := rand.New(rand.NewPCG(1, 1))
	for seq := range int64(60) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(1500))*time.Microsecond)
		_, _ = s.Claim(ctx, "a", []gateway.Claim{{Pot: p, Window: month, Seq: seq + 1, Total: rnd.Int64N(900), Ends: monthEnds()}})
		cancel()
	}
	wantGranted(t, claim(t, s, "a", gateway.Claim{Pot: p, Window: month, Seq: 100, Total: 10}), gateway.Granted{N: 10, Left: 990, Seq: 100, Nodes: 1})
	time.Sleep(50 * time.Millisecond)
	wantGranted(t, claim(t, s, "b", gateway.Claim{Pot: p, Window: month, Seq: 1, Total: 1000}), gateway.Granted{N: 990, Left: 0, Seq: 1, Nodes: 2})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Claim(ended, "a", []gateway.Claim{{Pot: p, Window: month, Seq: 101, Total: 10, Ends: monthEnds()}}); err == nil {
		t.Error("no error, and the context has ended")
	}
	if _, err := s.Take(ended, []gateway.Ask{{Pot: perMinute("limit/x", 1), N: 1}}); err == nil {
		t.Error("no error, and the context has ended")
	}
	if _, err := s.Claims(ended, p.Name, month); err == nil {
		t.Error("no error, and the context has ended")
	}
}

func perMinute(name string, amount int64) *gateway.Pot {
	return &gateway.Pot{Name: name, Kind: gateway.Bucket, Unit: gateway.Tokens, Amount: amount, Per: time.Minute}
}

func takeAt(t testing.TB, s gateway.Shares, a gateway.Ask) gateway.Granted {
	t.Helper()
	got, err := s.Take(t.Context(), []gateway.Ask{a})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("%d answers to one ask", len(got))
	}
	return got[0]
}

// take takes, and forgets when.
func take(t testing.TB, s gateway.Shares, a gateway.Ask) gateway.Granted {
	t.Helper()
	g := takeAt(t, s, a)
	g.At = 0
	return g
}

func bucketTakes(t *testing.T, s gateway.Shares) {
	p := &gateway.Pot{Name: "limit/hourly", Kind: gateway.Bucket, Amount: 10, Per: time.Hour}
	wantGranted(t, take(t, s, gateway.Ask{Pot: p, N: 6}), gateway.Granted{N: 6, Left: 4})
	wantGranted(t, take(t, s, gateway.Ask{Pot: p, N: 6}), gateway.Granted{N: 4, Left: 0})
	wantGranted(t, take(t, s, gateway.Ask{Pot: p, N: 1}), gateway.Granted{})
	// It fills evenly: 100 in a second is one in ten milliseconds.
	p = &gateway.Pot{Name: "limit/fast", Kind: gateway.Bucket, Amount: 100, Per: time.Second}
	begin := time.Now()
	got := take(t, s, gateway.Ask{Pot: p, N: 1000}).N
	for time.Since(begin) < 500*time.Millisecond {
		got += take(t, s, gateway.Ask{Pot: p, N: 1000}).N
		time.Sleep(5 * time.Millisecond)
	}
	// That the test was slow makes more, never less.
	if most := 100 + int64(time.Since(begin)*100/time.Second) + 1; got > most || got < 145 {
		t.Errorf("%d of at most %d", got, most)
	}
}

func bucketBack(t *testing.T, s gateway.Shares) {
	p := &gateway.Pot{Name: "limit/day", Kind: gateway.Bucket, Amount: 1000, Per: 24 * time.Hour}
	at := takeAt(t, s, gateway.Ask{Pot: p, N: 1000}).At
	if off := time.Since(time.UnixMicro(at)); off < -time.Minute || off > time.Minute {
		t.Errorf("taken %s ago", off)
	}
	// Soon: all of it but what time would have filled.
	if g := take(t, s, gateway.Ask{Pot: p, Back: 900, Taken: at}); g.Left < 898 || g.Left > 900 {
		t.Errorf("%d left when 900 came back", g.Left)
	}
	// No more than the bucket holds, however much is said to come back.
	if g := take(t, s, gateway.Ask{Pot: p, Back: 1 << 40, Taken: at}); g.Left > 1000 {
		t.Errorf("%d left of 1000", g.Left)
	}
	// Of what was taken before the bucket was full last, nothing comes back.
	p = &gateway.Pot{Name: "limit/short", Kind: gateway.Bucket, Amount: 1000, Per: 200 * time.Millisecond}
	at = takeAt(t, s, gateway.Ask{Pot: p, N: 1000}).At
	time.Sleep(220 * time.Millisecond)
	take(t, s, gateway.Ask{Pot: p, N: 1000})
	if g := take(t, s, gateway.Ask{Pot: p, Back: 1000, Taken: at}); g.Left > 900 {
		t.Errorf("%d left of what had come back by itself", g.Left)
	}
	// Under load all of it comes back, however late: the bucket never had more than is lacking now.
	p = &gateway.Pot{Name: "limit/busy", Kind: gateway.Bucket, Amount: 1000, Per: 4 * time.Second}
	take(t, s, gateway.Ask{Pot: p, N: 600})
	time.Sleep(2 * time.Millisecond)
	at = takeAt(t, s, gateway.Ask{Pot: p, N: 300}).At
	for range 30 { // more moments than are remembered
		time.Sleep(10 * time.Millisecond)
		take(t, s, gateway.Ask{Pot: p, N: 2})
	}
	before := take(t, s, gateway.Ask{Pot: p}).Left
	if g := take(t, s, gateway.Ask{Pot: p, Back: 300, Taken: at}); g.Left < before+299 {
		t.Errorf("%d left, and before 300 came back %d", g.Left, before)
	}
}

func bucketChanged(t *testing.T, s gateway.Shares) {
	p := &gateway.Pot{Name: "limit/changed", Kind: gateway.Bucket, Amount: 100, Per: time.Hour}
	take(t, s, gateway.Ask{Pot: p, N: 60})
	more := *p
	more.Amount, more.Per = 1000, 24*time.Hour
	wantGranted(t, take(t, s, gateway.Ask{Pot: &more}), gateway.Granted{Left: 940})
	less := *p
	less.Amount = 50
	wantGranted(t, take(t, s, gateway.Ask{Pot: &less, N: 1}), gateway.Granted{})
}

func bucketExtremes(t *testing.T, s gateway.Shares) {
	none := perMinute("limit/none", 0)
	some := perMinute("limit/some", 5)
	got, err := s.Take(t.Context(), []gateway.Ask{{Pot: none, N: 1}, {Pot: some, N: 2}, {Pot: none, N: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].At = 0
	}
	if d := cmp.Diff([]gateway.Granted{{}, {N: 2, Left: 3}, {}}, got); d != "" {
		t.Error(d)
	}
	many := &gateway.Pot{Name: "limit/many", Kind: gateway.Bucket, Amount: 1_000_000_000_000, Per: 365 * 24 * time.Hour}
	if g := take(t, s, gateway.Ask{Pot: many, N: 999_999_999_999}); g.N != 999_999_999_999 || g.Left > 100_000 {
		t.Errorf("%+v", g)
	}
}

// bucketAtOnce: in no interval do nodes together get more than the promise.
func bucketAtOnce(t *testing.T, s gateway.Shares) {
	p := &gateway.Pot{Name: "limit/at-once", Kind: gateway.Bucket, Amount: 50, Per: time.Second}
	other := perMinute("limit/other", 1_000_000)
	var got atomic.Int64
	begin := time.Now()
	var wg sync.WaitGroup
	for n := range 5 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(n), 2))
			for time.Since(begin) < 600*time.Millisecond {
				asks := []gateway.Ask{{Pot: p, N: 1 + rnd.Int64N(9)}, {Pot: other, N: 1}}
				mine := n % 2
				if mine == 1 {
					asks[0], asks[1] = asks[1], asks[0]
				}
				answer, err := s.Take(t.Context(), asks)
				if err != nil {
					t.Error(err)
					return
				}
				got.Add(answer[mine].N)
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	if most := 50 + int64(took*50/time.Second) + 1; got.Load() > most || got.Load() < 70 {
		t.Errorf("%d of at most %d", got.Load(), most)
	}
}

// bucketKeeps: what is taken ahead of need leaves the promise whole whenever it is used.
func bucketKeeps(t *testing.T, s gateway.Shares) {
	p := perMinute("limit/keeps", 600)
	g := take(t, s, gateway.Ask{Pot: p, More: 10, Keep: 6 * time.Second})
	if g.N != 10 || g.Left > 530 || g.Left < 529 {
		t.Errorf("%+v: six seconds are 60 of 600", g)
	}
	// What is there for use at once is not there to be kept.
	if g = take(t, s, gateway.Ask{Pot: p, N: 500}); g.N != 500 {
		t.Errorf("%+v", g)
	}
	if g = take(t, s, gateway.Ask{Pot: p, More: 100, Keep: 6 * time.Second}); g.N > 31 || g.N < 29 {
		t.Errorf("%+v", g)
	}
	one := perMinute("limit/one", 1)
	if g = take(t, s, gateway.Ask{Pot: one, More: 1, Keep: time.Second}); g.N != 0 {
		t.Errorf("%+v", g)
	}
	if g = take(t, s, gateway.Ask{Pot: one, N: 1, More: 1, Keep: time.Second}); g.N != 1 {
		t.Errorf("%+v", g)
	}
}

func sharesNothingAsked(t *testing.T, s gateway.Shares) {
	if got, err := s.Claim(t.Context(), "a", nil); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	if got, err := s.Take(t.Context(), nil); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}

// BenchShares measures calls about one pot and about many.
func BenchShares(b *testing.B, s gateway.Shares) {
	for _, n := range []int{1, 256} {
		claims, asks := make([]gateway.Claim, n), make([]gateway.Ask, n)
		for i := range n {
			claims[i] = gateway.Claim{Pot: monthly(fmt.Sprint("budget/bench-", i), 1<<50), Window: month, Ends: monthEnds()}
			asks[i] = gateway.Ask{Pot: perMinute(fmt.Sprint("limit/bench-", i), 1<<40), N: 3}
		}
		seq := time.Now().UnixMicro()
		b.Run(fmt.Sprintf("claim/%d", n), func(b *testing.B) {
			for b.Loop() {
				seq++
				for i := range claims {
					claims[i].Seq, claims[i].Total = seq, seq%1000
				}
				if _, err := s.Claim(b.Context(), "a", claims); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("take/%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Take(b.Context(), asks); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
