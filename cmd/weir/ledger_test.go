package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/postgres"
	"weir/internal/sqlite"
	"weir/internal/statement"
	"weir/internal/storetest"
)

// booking is the scripts' command `booked FILE WHAT…`: it books what a gateway would have.
func booking() {
	if err := book(context.Background(), os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func book(ctx context.Context, path string, what []string) error {
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	var entries []gateway.Entry
	if slices.Contains(what, "october") {
		entries = append(entries, october()...)
	}
	if slices.Contains(what, "late") {
		entries = append(entries, answered(20, "shop", october()[0].At.Add(50*time.Hour)))
	}
	if slices.Contains(what, "now") {
		e := answered(30, "shop", time.Now())
		month := gateway.Window{Every: gateway.Month}
		e.Charges = []gateway.Charge{{Pot: "budget/shop-month", Window: month.Begin(e.At).Unix()}, {Pot: "budget/per-user/user=ada%40example.org", Window: gateway.Window{Over: 30 * 24 * time.Hour}.Begin(e.At).Unix()}}
		entries = append(entries, e)
	}
	if _, err := s.Append(ctx, entries); err != nil {
		return err
	}
	return s.Close()
}

// answered is an answer of gpt-4.1-nano for a team.
func answered(n int, team string, at time.Time) gateway.Entry {
	return gateway.Entry{
		ID: fmt.Sprintf("019a0000-0000-7000-8000-%012d", n), Exchange: fmt.Sprintf("019a0000-0000-7000-9000-%012d", n), Node: "weir-1", Revision: "5e0a",
		At: at, Ended: at.Add(2 * time.Second), State: gateway.EntryDone, Payer: gateway.Caller,
		Account: gateway.Account{Organisation: "acme", Team: team, Key: "web-" + team}, Op: llm.OpChat, Dialect: llm.OpenAIChat, Spoken: llm.OpenAIChat,
		Rule: "assistant", Asked: "assistant", Target: gateway.Target{Provider: "openai", Model: "gpt-4.1-nano"}, Model: "gpt-4.1-nano-2025-04-14",
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput | llm.SaidCacheRead, Input: 12_000, CacheRead: 2_000, Output: 800},
		Items: []gateway.EntryItem{{Component: "input", Units: 10_000, Price: 100_000_000}, {Component: "cached", Units: 2_000, Price: 25_000_000}, {Component: "output", Units: 800, Price: 400_000_000}},
		Cost:  1_370_000, Held: 3_000_000, Price: "openai/gpt-4.1-nano of 0123456789ab",
	}
}

// october is a month with two teams, a hold whose end nobody knows, and an answer without a price.
func october() []gateway.Entry {
	at := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	var out []gateway.Entry
	for i := range 6 {
		team := "shop"
		if i%3 == 2 {
			team = "legal"
		}
		out = append(out, answered(i, team, at.Add(time.Duration(i)*20*time.Hour)))
	}
	unknown := answered(7, "shop", at.Add(time.Hour))
	unknown.State, unknown.Cost, unknown.Usage, unknown.Items = gateway.EntryUnknown, unknown.Held, nil, nil
	own := answered(8, "legal", at.Add(26*time.Hour))
	own.Target, own.Asked = gateway.Target{Provider: "gpu", Model: "qwen3-32b"}, "private"
	own.Cost, own.Price, own.Items, own.Unpriced = 0, "", nil, "no price is known, or no usage"
	dear := answered(9, "legal", at.Add(80*time.Hour))
	dear.Target, dear.Asked, dear.Cost, dear.Tags = gateway.Target{Provider: "anthropic", Model: "claude-opus-4-5"}, "careful", 1_234_567_890_000, []string{"env=prod"}
	return append(out, unknown, own, dear)
}

// TestSpendSQLite: on a real store, whatever the sums are split by, they are the sums of the entries.
func TestSpendSQLite(t *testing.T) {
	s, err := sqlite.Open(t.Context(), t.TempDir()+"/weir.db", sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	spendProperty(t, s)
}

// TestSpendPostgres does so on PostgreSQL.
func TestSpendPostgres(t *testing.T) {
	s, err := postgres.Open(t.Context(), storetest.Postgres(t), "", postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	spendProperty(t, s)
}

func spendProperty(t *testing.T, s gateway.Books) {
	zone, err := statement.Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
	var all []gateway.Entry
	for i := range 400 {
		e := answered(i, []string{"shop", "legal", ""}[i%3], begin.Add(time.Duration(i*i*61%1_000_000)*time.Second))
		e.Cost = gateway.Money(i * 7919 % 100_003)
		e.Asked, e.Target.Model = []string{"a", "b"}[i%2], []string{"x", "y", "z"}[i/3%3]
		if i%5 == 0 {
			e.Tags = []string{"env=" + []string{"prod", "test"}[i%2]}
		}
		if i%7 == 0 {
			e.Cost, e.State, e.Corrects, e.Usage = -e.Cost, gateway.EntryCorrected, "019a", nil
		}
		all = append(all, e)
	}
	if n, err := s.Append(t.Context(), all); err != nil || n != len(all) {
		t.Fatal(n, err)
	}
	var words []string
	for _, f := range statement.Fields() {
		words = append(words, strings.Replace(string(f), "tag", "tag:env", 1))
	}
	rapid.Check(t, func(r *rapid.T) {
		by := rapid.SliceOfNDistinct(rapid.SampledFrom(words), 0, 3, func(s string) string { return s }).Draw(r, "by")
		columns, err := statement.ParseBy(strings.Join(by, ","))
		if err != nil {
			r.Fatal(err)
		}
		q := statement.Question{Columns: columns, Zone: zone, Most: 5_000}
		q.From = begin.Add(time.Duration(rapid.IntRange(0, 400).Draw(r, "from")) * time.Hour / 2)
		q.To = q.From.Add(time.Duration(rapid.IntRange(1, 400).Draw(r, "to")) * time.Hour / 2)
		if rapid.Bool().Draw(r, "filtered") {
			q.Where = map[gateway.Field][]string{gateway.ByTeam: {"shop", ""}}
		}
		var cost gateway.Money
		var n int64
		for i := range all {
			if at := all[i].At; at.Before(q.From) || !at.Before(q.To) || q.Where != nil && all[i].Team == "legal" {
				continue
			}
			cost += all[i].Cost
			n++
		}
		got, err := statement.Spend(t.Context(), s, q)
		if err != nil {
			r.Fatal(err)
		}
		var rows gateway.Money
		var count int64
		for i := range got.Rows {
			rows += got.Rows[i].Cost
			count += got.Rows[i].Entries
		}
		if len(columns) == 0 {
			rows, count = got.Total.Cost, got.Total.Entries
		}
		if got.Total.Cost != cost || got.Total.Entries != n || rows != cost || count != n {
			r.Fatalf("by %v from %s to %s: rows %d of %s, total %d of %s, entries %d of %s", by, q.From, q.To, count, rows, got.Total.Entries, got.Total.Cost, n, cost)
		}
	})
	v, err := statement.Verify(t.Context(), s, time.Time{}, time.Time{})
	if err != nil || len(v.Wrong) > 0 || v.Entries != 400 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestRelease: what a lost node holds of a budget in PostgreSQL comes back, and the ledger says who did that.
func TestRelease(t *testing.T) {
	dir, url := t.TempDir(), storetest.Postgres(t)
	s, err := postgres.Open(t.Context(), url, "", postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	document := "version: 1\nproviders: { openai: { api_key: k } }\nbudgets: { shop: { amount: $3, every: month, whole: true } }\nnode: { store: { url: \"" + url + "\" } }\n"
	if err := os.WriteFile(dir+"/weir.yaml", []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	pot := &gateway.Pot{Name: "budget/shop", Kind: gateway.Purse, Unit: gateway.Spend, Amount: int64(3 * gateway.Dollar), Window: gateway.Window{Every: gateway.Month}}
	window := pot.Window.Begin(time.Now()).Unix()
	if _, err := s.Claim(t.Context(), "weir-2", []gateway.Claim{{Pot: pot, Window: window, Seq: 1, Total: int64(gateway.Dollar)}}); err != nil {
		t.Fatal(err)
	}
	weir := func(args ...string) string {
		c := exec.CommandContext(t.Context(), os.Args[0], args...)
		c.Dir, c.Env = dir, append(os.Environ(), "WEIR_TEST_RUN=1")
		out, _ := c.CombinedOutput() // what it says tells whether it failed
		return string(out)
	}
	for _, step := range []struct{ args, want string }{
		{"budget release weir-2", "nothing is released yet"},
		{"budget release weir-2 --write", "released"},
		{"budget release weir-2", "weir-2 holds nothing of the document's budgets"},
		{"ledger entries --payer weir", "released $1.00 that weir-2 held of budget/shop"},
		{"ledger backup x.db", "use pg_dump"},
		{"ledger verify", "the sums are those of the entries"},
	} {
		if got := weir(strings.Fields(step.args)...); !strings.Contains(got, step.want) {
			t.Errorf("weir %s: %s", step.args, got)
		}
	}
	claims, err := s.Claims(t.Context(), pot.Name, window)
	if err != nil || len(claims) != 0 {
		t.Errorf("%v, %v", claims, err)
	}
	// One that books is not lost.
	e := answered(1, "shop", time.Now())
	e.Node = "weir-2"
	if _, err := s.Append(t.Context(), []gateway.Entry{e}); err != nil {
		t.Fatal(err)
	}
	if got := weir("budget", "release", "weir-2"); !strings.Contains(got, "weir-2 has booked something within the last 10m: it is not lost") {
		t.Error(got)
	}
}
