package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
)

// Asker is a store whose views can be read with any SQL, each value as text, as other programs do.
type Asker interface {
	Ask(ctx context.Context, sql string) ([][]string, error)
}

// booksViews reads the views that others rely on: their columns stay.
func booksViews(t *testing.T, s BookStore) {
	b := s.Open(t)
	ask, ok := b.(Asker)
	if !ok {
		t.Skip("no SQL: there are no views")
	}
	dear, back := FullEntry(t), Booked("back", booksAt, -1_500_000_001)
	dear.Cost, dear.Saved, dear.Held = 9_876_543_210_123_456, 5, 1
	back.Ended = back.Ended.AddDate(-3000, 0, 0)
	late := Booked("late", booksAt.Add(5*time.Hour), 2)
	late.Team = "lab"
	later := late
	later.ID, later.At = "later", late.At.Add(time.Hour)
	appendTo(t, b, 4, dear, back, late, later)
	for _, test := range []struct{ sql, want string }{
		{"SELECT cost_usd, saved_usd, held_usd FROM weir_entries WHERE team <> 'shop' AND team <> 'lab'", "9876543.210123456 0.000000005 0.000000001"},
		{"SELECT cost_usd, cost_nanos FROM weir_entries WHERE id = 'back'", "-1.500000001 -1500000001"},
		{"SELECT count(*) FROM weir_entries WHERE ended_at IS NULL", "1"},
		{"SELECT id, exchange, attempt, node, revision, state, payer, organisation, team, project, user_name, key_name, end_user, session, tags, operation, dialect, spoken, rule, model, provider, target, answered, upstream_id, answer_id, batch, usage, items, input_tokens, cache_read_tokens, output_tokens, price, unpriced, charges, corrects, reason FROM weir_entries WHERE 1 = 0", ""},
		{"SELECT sum(entries), sum(cost_nanos) FROM weir_spend_hourly WHERE team = 'shop'", "1 -1500000001"},
		{"SELECT cost_usd, saved_usd, model, provider, target, operation, payer, node FROM weir_spend_daily WHERE team = 'shop'", "-1.500000001 0.000000000 assistant sim sim-1 chat caller a"},
		{"SELECT entries, cost_nanos FROM weir_spend_daily WHERE team = 'lab'", "2 4"}, // one row for both hours
		{"SELECT count(*) FROM weir_spend_hourly WHERE team = 'lab'", "2"},
		{"SELECT organisation, project, user_name, key_name, input_tokens, cache_read_tokens, output_tokens, unpriced, estimated, unknown FROM weir_spend_daily WHERE 1 = 0", ""},
	} {
		rows, err := ask.Ask(t.Context(), test.sql)
		if err != nil {
			t.Errorf("%s: %v", test.sql, err)
			continue
		}
		var lines []string
		for _, row := range rows {
			lines = append(lines, strings.Join(row, " "))
		}
		got := strings.Join(lines, "; ")
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.sql, got, test.want)
		}
	}
	var _ gateway.Books = b
}
