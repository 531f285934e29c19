package statement

import (
	"context"
	"iter"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
)

func TestVerify(t *testing.T) {
	ctx := context.Background()
	verify := func(books gateway.Books) string {
		t.Helper()
		v, err := Verify(ctx, books, time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := v.Text(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	m := some()
	if got, want := verify(m), "4 entries of 3 days, $1,234.860001; 2 windows of budgets\nthe sums are those of the entries\n"; got != want {
		t.Errorf("%s", got)
	}
	m.off = map[string]gateway.Money{"openai/gpt-4.1-nano": 1}
	if got := verify(m); strings.Count(got, "wrong: ") != 3 || !strings.Contains(got, "wrong: 2026-10-01 key shop-key, model assistant, target openai/gpt-4.1-nano: the entries say 1 entries, 1,000,000 and 500,000 tokens, $0.30, the sums 1 entries, 1,000,000 and 500,000 tokens, $0.300000001\n") {
		t.Errorf("%s", got)
	}
	m = some()
	m.spoilt = 5
	if got := verify(m); strings.Count(got, "wrong: budget ") != 2 || !strings.Contains(got, "wrong: budget shop-month, window from 2026-10-01T00:00:00Z, node weir-1: the entries say $1,234.86, the sums $1,234.860000005") {
		t.Errorf("%s", got)
	}
	if got := verify(&memory{}); !strings.Contains(got, "0 entries") {
		t.Error(got)
	}
}

// trimmed has the sums of entries that are gone.
type trimmed struct {
	*memory
	sums *memory
}

func (b *trimmed) Spend(ctx context.Context, q gateway.SpendQuery) ([]gateway.SpendRow, error) {
	return b.sums.Spend(ctx, q)
}

func TestVerifyTrimmed(t *testing.T) {
	sums, left := some(), some()
	sums.entries = append(sums.entries, entry(9, "shop", 5*time.Minute)) // in an hour of which a part is left
	if _, err := left.Trim(context.Background(), start); err != nil {
		t.Fatal(err)
	}
	v, err := Verify(context.Background(), &trimmed{left, sums}, time.Time{}, time.Time{})
	if err != nil || len(v.Wrong) != 0 || !v.Kept.Equal(start.Add(time.Hour)) || v.Entries != 3 {
		t.Errorf("%+v, %v", v, err)
	}
	// A whole day that is gone.
	if _, err := left.Trim(context.Background(), start.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	v, err = Verify(context.Background(), &trimmed{left, sums}, time.Time{}, time.Time{})
	if err != nil || len(v.Wrong) != 0 || v.Kept.IsZero() || v.Entries != 3 {
		t.Errorf("%+v, %v", v, err)
	}
	// An entry that is missing in the middle was not trimmed.
	left = some()
	left.entries = append(left.entries[:1], left.entries[2:]...)
	v, err = Verify(context.Background(), &trimmed{left, some()}, time.Time{}, time.Time{})
	if err != nil || len(v.Wrong) == 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestClose(t *testing.T) {
	ctx, now := context.Background(), time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	m := some()
	first, err := Close(ctx, m, "2026-10", time.UTC, now)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := first.Text(&b); err != nil {
		t.Fatal(err)
	}
	want := `2026-10 (UTC), closed 2026-11-02 08:00 UTC

ORGANISATION  TEAM   ENTRIES           COST  OF WHICH CORRECTIONS
acme          legal        2      $0.000001                 $0.00
acme          shop         2  $1,234.86                     $0.00
─────────────────────────────────────────────────────────────────
total                      4  $1,234.860001                 $0.00

entries that are charged with what was held, for nobody knows what they came to: 1; see ` + "`weir ledger reconcile`\nhash " + first.Hash + "\n"
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	kept, err := ReadClosing(first.JSON())
	if err != nil || kept.Hash != first.Hash || len(kept.Days) != 3 || kept.Rows[1].Cost != first.Rows[1].Cost {
		t.Fatalf("%+v, %v", kept, err)
	}
	// The order in which the books give entries of one moment makes no difference.
	m.entries[1].At, m.entries[2].At = m.entries[1].At.Add(time.Minute), m.entries[1].At.Add(time.Minute)
	one, _ := Close(ctx, m, "2026-10", time.UTC, now)
	m.entries[1], m.entries[2] = m.entries[2], m.entries[1]
	two, _ := Close(ctx, m, "2026-10", time.UTC, now)
	if one.Hash != two.Hash || one.Hash == first.Hash {
		t.Error("the hash is not that of the entries")
	}
	// What comes late shows.
	m = some()
	late := entry(7, "shop", 52*time.Hour)
	m.entries = append(m.entries, late)
	second, err := Close(ctx, m, "2026-10", time.UTC, now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := second.Since(kept)
	if err != nil || l == nil {
		t.Fatal(l, err)
	}
	b.Reset()
	if err := l.Text(&b); err != nil {
		t.Fatal(err)
	}
	want = `LATE              ENTRIES   COST
2026-10-03              1  $0.30
acme        shop        1  $0.30
────────────────────────────────
total                   1  $0.30
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	if l, err := first.Since(kept); l != nil || err != nil {
		t.Error("the same month is late", l, err)
	}
	// An entry that became another one without a change of sums shows too.
	m = some()
	m.entries[0].Key = "other"
	third, _ := Close(ctx, m, "2026-10", time.UTC, now)
	if l, err := third.Since(kept); err != nil || l == nil || len(l.Changed) != 1 || l.Changed[0] != "2026-10-01" {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestCloseHash: the hash is of all that an entry says of money and of whose it is.
func TestCloseHash(t *testing.T) {
	closed := func(change func(*gateway.Entry)) string {
		t.Helper()
		m := some()
		change(&m.entries[0])
		c, err := Close(context.Background(), m, "2026-10", time.UTC, start.AddDate(0, 2, 0))
		if err != nil {
			t.Fatal(err)
		}
		return c.Hash
	}
	seen := map[string]string{closed(func(*gateway.Entry) {}): "nothing"}
	for what, change := range map[string]func(*gateway.Entry){
		"cost":   func(e *gateway.Entry) { e.Cost++ },
		"saved":  func(e *gateway.Entry) { e.Saved++ },
		"state":  func(e *gateway.Entry) { e.State = gateway.EntryPartial },
		"team":   func(e *gateway.Entry) { e.Team = "" },
		"key":    func(e *gateway.Entry) { e.Key = "k" },
		"target": func(e *gateway.Entry) { e.Target.Model = "m" },
		"usage":  func(e *gateway.Entry) { e.Usage.Output++ },
		"time":   func(e *gateway.Entry) { e.At = e.At.Add(time.Microsecond) },
		"price":  func(e *gateway.Entry) { e.Price = "" },
		"node":   func(e *gateway.Entry) { e.Node = "" },
		"reason": func(e *gateway.Entry) { e.Reason = "r" },
		"id":     func(e *gateway.Entry) { e.ID = "0" },
	} {
		hash := closed(change)
		if other, twice := seen[hash]; twice {
			t.Errorf("the hash is the same whether %s or %s changes", what, other)
		}
		seen[hash] = what
	}
}

func TestCloseRefuses(t *testing.T) {
	ctx, now := context.Background(), time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	for month, want := range map[string]string{"2026-11": "is not over before 2026-12-01", "october": "is no month"} {
		if _, err := Close(ctx, some(), month, time.UTC, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", month, err)
		}
	}
	left := some()
	left.entries = left.entries[1:]
	if _, err := Close(ctx, &trimmed{left, some()}, "2026-10", time.UTC, now); err == nil || !strings.Contains(err.Error(), "1 of 4 entries are not kept any more") {
		t.Error(err)
	}
	c, _ := Close(ctx, some(), "2026-10", time.UTC, now)
	other, _ := Close(ctx, some(), "2026-09", time.UTC, now)
	if _, err := c.Since(other); err == nil {
		t.Error("another month's statement is taken for this one's")
	}
	for _, text := range []string{"", "{}", "[1]", `{"month":"2026-10","hash":"x","cost_usd":"lots"}`} {
		if _, err := ReadClosing([]byte(text)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

// busy books an entry whenever entries are read, as a gateway does meanwhile.
type busy struct {
	*memory
	n int
}

func (b *busy) Entries(ctx context.Context, q gateway.EntryQuery) iter.Seq2[gateway.Entry, error] {
	b.n++
	b.memory.entries = append(b.memory.entries, entry(100+b.n, "shop", 52*time.Hour))
	return b.memory.Entries(ctx, q)
}

func (b *busy) Spent(ctx context.Context, since time.Time) iter.Seq2[gateway.PotSpent, error] {
	b.n++
	b.memory.entries = append(b.memory.entries, entry(100+b.n, "shop", 52*time.Hour))
	return b.memory.Spent(ctx, since)
}

// TestVerifyBusy: what is booked while it is verified is not taken for a fault; a fault is found all the same.
func TestVerifyBusy(t *testing.T) {
	b := &busy{memory: some()}
	v, err := Verify(context.Background(), b, time.Time{}, time.Time{})
	if err != nil || len(v.Wrong) != 0 || b.n < 5 {
		t.Errorf("%+v, %v", v, err)
	}
	b = &busy{memory: some()}
	b.off = map[string]gateway.Money{"anthropic/claude-sonnet-4-5": -1}
	v, err = Verify(context.Background(), b, time.Time{}, time.Time{})
	if err != nil || len(v.Wrong) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}
