package statement

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/storetest"
)

var november = time.Date(2026, 11, 24, 16, 20, 0, 0, time.UTC)

func someBudgets(t *testing.T) []Budget {
	t.Helper()
	berlin, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return []Budget{
		{Name: "shop", Pot: "budget/shop", Amount: 3 * gateway.Dollar, Window: gateway.Window{Every: gateway.Month, Zone: berlin}, Length: "month", At: "refuse"},
		{Name: "people", Pot: "budget/people", Each: true, Amount: gateway.Dollar, Window: gateway.Window{Over: 48 * time.Hour}, Length: "last 48h", At: "warn"},
		{Name: "ever", Pot: "budget/ever", Amount: 7 * gateway.Dollar, Length: "for good", At: "cap"},
	}
}

// charge books an amount that is charged to a window of a pot.
func charge(m *memory, at time.Time, node, pot string, w gateway.Window, cost gateway.Money) {
	e := entry(len(m.entries), "shop", 0)
	e.At, e.Node, e.Cost, e.Charges = at, node, cost, []gateway.Charge{{Pot: pot, Window: w.Begin(at).Unix()}}
	m.entries = append(m.entries, e)
}

func TestBudgets(t *testing.T) {
	b, m := someBudgets(t), &memory{}
	charge(m, november, "weir-1", "budget/shop", b[0].Window, 100)
	charge(m, november, "weir-2", "budget/shop", b[0].Window, gateway.Dollar)
	charge(m, november.AddDate(0, -1, 0), "weir-2", "budget/shop", b[0].Window, 5*gateway.Dollar) // of the month before
	charge(m, november, "weir-1", "budget/shop-2", b[0].Window, 5*gateway.Dollar)                 // of a budget whose name begins alike
	charge(m, november, "weir-1", "budget/shop/user=x", b[0].Window, 5*gateway.Dollar)            // of a time when there was one for each
	charge(m, november, "weir-1", "budget/people/user=ada", b[1].Window, 2*gateway.Dollar)        // more than there is
	charge(m, november.Add(-40*time.Hour), "weir-1", "budget/people/user=bob", b[1].Window, gateway.Money(500_000_000))
	charge(m, november.Add(-60*time.Hour), "weir-1", "budget/people/user=bob", b[1].Window, gateway.Dollar) // has left the window
	charge(m, november, "weir-1", "budget/ever", b[2].Window, 7)
	charge(m, november.AddDate(0, 1, 0), "weir-1", "budget/shop", b[0].Window, gateway.Dollar) // by a clock that is ahead
	rows, err := Budgets(context.Background(), m, b, november, 10)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := BudgetTable(&out, rows); err != nil {
		t.Fatal(err)
	}
	want := `BUDGET  OF        WINDOW    AMOUNT         SPENT           LEFT  SHARE  AT THE END  BEGINS AGAIN
shop    -         month      $3.00  $1.0000001     $1.9999999    33.3%  refuse      2026-12-01 00:00 CET
people  user=ada  last 48h   $1.00  $2.00         -$1.00          200%  warn        bit by bit
people  user=bob  last 48h   $1.00  $0.50          $0.50           50%  warn        bit by bit
ever    -         for good   $7.00  $0.000000007   $6.999999993     0%  cap         never
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
	if rows, err := Budgets(context.Background(), m, b, november, 1); err != nil || len(rows) != 3 || rows[1].Value != "user=ada" {
		t.Errorf("%+v, %v", rows, err)
	}
	if rows, err := Budgets(context.Background(), &memory{}, nil, november, 1); err != nil || rows != nil {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestRelease(t *testing.T) {
	ctx := context.Background()
	b, m, shares := someBudgets(t), &memory{}, &storetest.MapShares{}
	charge(m, november, "lost", "budget/shop", b[0].Window, gateway.Dollar)
	charge(m, november, "lost", "budget/people/user=ada", b[1].Window, 5)
	claim := func(node, pot string, w gateway.Window, at time.Time, total gateway.Money) int64 {
		t.Helper()
		p := &gateway.Pot{Name: pot, Kind: gateway.Purse, Unit: gateway.Spend, Amount: int64(3 * gateway.Dollar), Window: w}
		got, err := shares.Claim(ctx, node, []gateway.Claim{{Pot: p, Window: w.Begin(at).Unix(), Seq: at.UnixMicro(), Total: int64(total), Ends: at.AddDate(0, 1, 0)}})
		if err != nil {
			t.Fatal(err)
		}
		return got[0].N
	}
	claim("lost", "budget/shop", b[0].Window, november, 2*gateway.Dollar)
	claim("lost", "budget/people/user=ada", b[1].Window, november.Add(-time.Hour), gateway.Dollar)
	if n := claim("alive", "budget/shop", b[0].Window, november, 3*gateway.Dollar); n != int64(gateway.Dollar) {
		t.Fatalf("%d is left beside the lost node", n)
	}
	now := november.Add(time.Minute)
	slices, err := Slices(ctx, m, shares, b, "lost", now)
	if err != nil || len(slices) != 2 || slices[0].Held() != gateway.Dollar || slices[1].Held() != gateway.Dollar {
		t.Fatalf("%+v, %v", slices, err)
	}
	var out strings.Builder
	if err := SliceTable(&out, slices[:1]); err != nil {
		t.Fatal(err)
	}
	want := `BUDGET  WINDOW FROM       CLAIMED  BOOKED   HELD
shop    2026-10-31 23:00    $2.00   $1.00  $1.00
────────────────────────────────────────────────
total                                      $1.00
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
	before := len(m.entries)
	if err := Release(ctx, m, shares, slices, "lost", "ada", now); err != nil {
		t.Fatal(err)
	}
	if again, err := Slices(ctx, m, shares, b, "lost", now); err != nil || len(again) != 0 {
		t.Errorf("%+v, %v", again, err)
	}
	if n := claim("alive", "budget/shop", b[0].Window, now, 3*gateway.Dollar); n != int64(2*gateway.Dollar) {
		t.Errorf("%d is there now", n)
	}
	if e := m.entries[before]; len(m.entries) != before+2 || e.Cost != 0 || e.Payer != gateway.House || e.Reason != "ada released $1.00 that lost held of budget/shop" {
		t.Errorf("%+v", e)
	}
	// A node that claims again by a later clock is not lost.
	claim("alive", "budget/shop", b[0].Window, now.Add(time.Second), gateway.Dollar)
	claim("lost", "budget/shop", b[0].Window, now.Add(time.Hour), gateway.Dollar+1)
	slices, _ = Slices(ctx, m, shares, b, "lost", now)
	if err := Release(ctx, m, shares, slices, "lost", "ada", now); err == nil || !strings.Contains(err.Error(), "it is not lost") {
		t.Error(err)
	}
}
