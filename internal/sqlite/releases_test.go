package sqlite

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"

	"weir/internal/books"
	"weir/internal/gateway"
	"weir/internal/storetest"
)

// used are the statements of this program.
func used(t *testing.T) []string {
	all := []string{insertText}
	span := books.Span{Oldest: 1_700_000_000, Newest: 1_800_000_000}
	for _, by := range [][]gateway.Field{nil, {gateway.ByTeam, gateway.ByModel, gateway.ByDay}, {gateway.ByTag, gateway.ByState, gateway.ByHour}, {gateway.ByTarget}} {
		q, err := flavour.Spend(gateway.SpendQuery{By: by, From: time.Unix(1_750_000_007, 0), To: time.Unix(1_750_900_007, 0)}, span, false)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, q.SQL)
	}
	text, _, err := flavour.Entries(gateway.EntryQuery{Exchange: "x", IDs: []string{"a"}, Where: map[gateway.Field][]string{gateway.ByTag: {"a"}}}, books.Place{At: 1, Order: int64(1)})
	if err != nil {
		t.Fatal(err)
	}
	return storetest.Statements(t, "query/*.sql.go", append(all, text)...)
}

// Every schema that was ever released becomes this one, with what was in it, and the program of that release works on.
func TestReleases(t *testing.T) {
	ctx := t.Context()
	for _, r := range storetest.Releases(t, migrations(), used(t)) {
		t.Run(r.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "weir.db")
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			p, err := goose.NewProvider(goose.DialectSQLite3, db, r.Migrations, goose.WithTableName(versions), goose.WithLogger(goose.NopLogger()))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Up(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := db.ExecContext(ctx, r.Data); err != nil {
				t.Fatal(err)
			}
			s, err := Open(ctx, path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			released(t, s)
			for _, text := range r.Statements {
				if stmt, err := db.PrepareContext(ctx, text); err != nil {
					t.Errorf("the program of that release can no longer do this: %v\n%s", err, text)
				} else {
					defer stmt.Close()
				}
			}
		})
	}
}

// released checks what data.sql of every release holds.
func released(t *testing.T, s gateway.Books) {
	t.Helper()
	n := 0
	for e, err := range s.Entries(t.Context(), gateway.EntryQuery{}) {
		if n++; err != nil || e.ID != "old" || e.Cost != 1_500_000_000 || e.Team != "shop" || e.Usage.Input != 100 || len(e.Charges) != 1 {
			t.Errorf("%+v, %v", e, err)
		}
	}
	rows, err := s.Spend(t.Context(), gateway.SpendQuery{By: []gateway.Field{gateway.ByTeam, gateway.ByDay}})
	if err != nil || n != 1 || len(rows) != 1 || rows[0].Cost != 1_500_000_000 || rows[0].Values[1] != "2026-10-18T00:00:00Z" {
		t.Errorf("%d entries, %v, %v", n, rows, err)
	}
	if fresh, err := s.Append(t.Context(), []gateway.Entry{storetest.Booked("old", time.Date(2026, 10, 18, 9, 0, 0, 0, time.UTC), 5), storetest.Booked("new", time.Now(), 7)}); err != nil || fresh != 1 {
		t.Errorf("append: %d, %v", fresh, err)
	}
	for p, err := range s.Spent(t.Context(), time.Time{}) {
		if err != nil || p.Spent != 1_500_000_000 || p.Pot != "budget/shop" || p.Node != "a" {
			t.Errorf("%+v, %v", p, err)
		}
	}
}

// A program reads and writes beside one that has brought the schema further than it knows.
func TestNewerSchema(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "weir.db")
	s, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	newer := fstest.MapFS{"90001_more.sql": {Data: []byte("-- +goose Up\nALTER TABLE ledger_entries ADD COLUMN more TEXT NOT NULL DEFAULT '';\nCREATE TABLE others (id INTEGER);\n")}}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.writer, newer, goose.WithTableName(versions), goose.WithAllowOutofOrder(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Append(ctx, []gateway.Entry{storetest.Booked("a", time.Now(), 1)}); n != 1 || err != nil {
		t.Errorf("one that was open: %d, %v", n, err)
	}
	for _, o := range []Options{{}, {ReadOnly: true}} {
		again, err := Open(ctx, path, o)
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		if rows, err := again.Spend(ctx, gateway.SpendQuery{}); err != nil || len(rows) != 1 {
			t.Errorf("%+v: %v, %v", o, rows, err)
		}
		again.Close()
	}
}

// A migration that breaks off leaves nothing of itself.
func TestMigrationIsWhole(t *testing.T) {
	db, err := sql.Open("sqlite", dsn(filepath.Join(t.TempDir(), "weir.db"), "_txlock=immediate"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	broken := fstest.MapFS{"00001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE one (id INTEGER);\nCREATE TABLE one (id INTEGER);\n")}}
	if err := up(t.Context(), db, broken); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Fatalf("%v", err)
	}
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_master WHERE name = 'one'").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d tables are left, %v", n, err)
	}
}
