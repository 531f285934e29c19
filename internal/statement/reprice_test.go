package statement

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/price"
)

// pricer has one list, of openai.
func pricer(t *testing.T, text string) Pricer {
	t.Helper()
	table, err := price.Load(strings.NewReader("prices 1\n[openai]\n source contract 2026-10-01\n" + text))
	if err != nil {
		t.Fatal(err)
	}
	return func(provider string) (*price.List, string) {
		if provider != "openai" {
			return nil, ""
		}
		return table.List("openai"), ""
	}
}

func reprice(t *testing.T, m *memory, p Pricer, book bool) *Repriced {
	t.Helper()
	r, err := Reprice(context.Background(), m, Repricing{Prices: p, Now: start.AddDate(0, 0, 20), Book: book})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func total(m *memory) (cost gateway.Money) {
	for i := range m.entries {
		cost += m.entries[i].Cost
	}
	return cost
}

func TestReprice(t *testing.T) {
	m := &memory{}
	m.entries = append(m.entries, entry(1, "shop", 0), entry(2, "shop", time.Hour), entry(3, "legal", time.Hour))
	other := entry(4, "legal", time.Hour)
	other.Target.Provider = "gpu"
	unknown := entry(5, "legal", time.Hour)
	unknown.State = gateway.EntryUnknown
	none := entry(6, "legal", time.Hour)
	none.Usage = nil
	m.entries = append(m.entries, other, unknown, none)
	half := pricer(t, "gpt-4.1-nano\n input 0.05 output 0.2\n")
	before := total(m)

	told := reprice(t, m, half, false)
	if len(m.entries) != 6 || told.Booked != 0 {
		t.Fatal("telling booked something")
	}
	if told.Total.Changed != 3 || told.Total.Difference != -450_000_000 || told.Total.Before != before || told.Total.After != before-450_000_000 {
		t.Errorf("%+v", told.Total)
	}
	if told.Skipped[noList] != 1 || told.Skipped[notPriced] != 1 || told.Skipped[noUsage] != 1 {
		t.Errorf("%v", told.Skipped)
	}
	var b strings.Builder
	if err := told.Text(&b, time.UTC); err != nil {
		t.Fatal(err)
	}
	want := `Priced again, all time (UTC)

TARGET               ENTRIES  CHANGED  BOOKED    NOW  DIFFERENCE
openai/gpt-4.1-nano        5        3   $1.50  $1.05      -$0.45
gpu/gpt-4.1-nano           1        0   $0.30  $0.30       $0.00
────────────────────────────────────────────────────────────────
total                      6        3   $1.80  $1.35      -$0.45

not priced again, for no price is known of their target: 1
not priced again, for no usage is kept of them: 1
not priced again, for they are not charged by usage (from a cache, or with what was held): 1
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}

	if booked := reprice(t, m, half, true); booked.Booked != 3 || total(m) != before-450_000_000 {
		t.Errorf("%d booked, now %s", booked.Booked, total(m))
	}
	c := m.entries[6]
	if c.State != gateway.EntryCorrected || c.Corrects != m.entries[0].ID || c.Cost != -150_000_000 || !c.At.Equal(m.entries[0].At) ||
		!strings.Contains(c.Reason, "priced again by openai/gpt-4.1-nano of ") || c.Usage != nil || c.Charges[0] != m.entries[0].Charges[0] || c.Team != "shop" {
		t.Errorf("%+v", c)
	}
	if again := reprice(t, m, half, true); again.Booked != 0 || again.Total.Changed != 0 || len(m.entries) != 9 {
		t.Errorf("twice booked %d, changed %d", again.Booked, again.Total.Changed)
	}
	// There, and back, and there again: each is a correction of its own.
	whole := pricer(t, "gpt-4.1-nano\n input 0.1 output 0.4\n")
	for i, p := range []Pricer{whole, half, whole} {
		if r := reprice(t, m, p, true); r.Booked != 3 {
			t.Errorf("step %d booked %d", i, r.Booked)
		}
	}
	if total(m) != before {
		t.Errorf("%s, want %s", total(m), before)
	}
}

// TestRepriceTwoAtOnce: two who decide the same at once book it once.
func TestRepriceTwoAtOnce(t *testing.T) {
	m := &memory{entries: []gateway.Entry{entry(1, "shop", 0)}}
	stale := &memory{entries: []gateway.Entry{entry(1, "shop", 0)}}
	half := pricer(t, "gpt-4.1-nano\n input 0.05 output 0.2\n")
	reprice(t, m, half, true)
	reprice(t, stale, half, true)
	if fresh, _ := m.Append(context.Background(), stale.entries); fresh != 0 {
		t.Errorf("%d entries more", fresh)
	}
}

// TestRepriceNothing: prices that are those of the entries change nothing, whatever the entries' circumstances.
func TestRepriceNothing(t *testing.T) {
	p := pricer(t, "gpt-4.1-nano\n input 0.1 output 0.4\n batch input 0.05 output 0.2\n")
	list, _ := p("openai")
	plain, batch := entry(1, "shop", 0), entry(2, "shop", 0)
	batch.Batch, batch.Cost = "b1", 150_000_000
	rounded := entry(3, "shop", 0)
	rounded.Cost, rounded.Price = 17, "openai/gpt-4.1-nano of "+list.Version // what it was priced by then cannot be told from it
	m := &memory{entries: []gateway.Entry{plain, batch, rounded}}
	if r := reprice(t, m, p, true); r.Total.Changed != 0 {
		t.Errorf("%+v", r.Rows)
	}
}

// TestRepriceUnpriced: what had no price has one now; what still lacks some is left alone.
func TestRepriceUnpriced(t *testing.T) {
	free := entry(1, "shop", 0)
	free.Cost, free.Unpriced, free.Price = 0, "no price is known, or no usage", ""
	audio := entry(2, "shop", 0)
	audio.Target.Model = "listener"
	m := &memory{entries: []gateway.Entry{free, audio}}
	r := reprice(t, m, pricer(t, "gpt-4.1-nano\n input 0.1 output 0.4\nlistener\n input 1\n"), true)
	if r.Booked != 1 || total(m) != 600_000_000 || r.Skipped[incomplete] != 1 {
		t.Errorf("%+v %v", r, r.Skipped)
	}
}
