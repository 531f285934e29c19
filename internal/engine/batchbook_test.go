package engine_test

import (
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/pot"
)

// TestBatchBooked: every request of a batch has an entry with what it cost, and is charged to the budgets of whoever sent
// it, in the window the batch was made in.
func TestBatchBooked(t *testing.T) {
	ledger, pots := &book{}, pot.New(pot.Options{})
	g := (&gatewaytest.Gateway{Ledger: ledger, Pots: pots, Watch: 20 * time.Millisecond, Document: chatBatches + "budgets: { all: { amount: $100, every: day, whole: true } }\n"}).Start(t)
	id, _ := makeBatch(t, g, "/v1/chat/completions", chatLine("a", "small", "Good morning"), chatLine("b", "large", "Is anybody there?"), chatLine("c", "failing", "x"))
	until(t, g, "/v1/batches/"+id, "status", "completed")
	var sum gateway.Money
	for late := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if g.Engine.Unsettled() == 0 {
			break
		}
		if time.Now().After(late) {
			t.Fatal("the batch is not settled")
		}
	}
	records := map[string]gateway.Money{}
	for _, x := range g.Records() {
		if x.Batch == id && x.Path == "/v1/chat/completions" {
			records[x.ID] = x.Cost
		}
	}
	entries := ledger.entries(t)
	if len(entries) != 2 {
		t.Fatalf("%d entries, want one for each request that was answered: %+v", len(entries), entries)
	}
	for _, e := range entries {
		if cost, ok := records[e.ID]; !ok || cost != e.Cost || e.Cost == 0 || e.Batch != id || e.Key != "test" || len(e.Charges) != 1 || len(e.Items) == 0 || e.State != gateway.EntryDone {
			t.Errorf("entry %+v, the record says %v", e, cost)
		}
		sum += e.Cost
	}
	p := &gateway.Pot{Name: "budget/all", Kind: gateway.Purse, Unit: gateway.Spend, Amount: int64(100 * gateway.Dollar), Window: gateway.Window{Every: gateway.Day}}
	if left := pots.Standing(p, time.Now()).Left; left != int64(100*gateway.Dollar-sum) {
		t.Errorf("%v is left of $100 after %v", gateway.Money(left), sum)
	}
}
