package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"weir/internal/gateway"
	"weir/internal/postgres"
	"weir/internal/storetest"
)

var at = time.Date(2026, 10, 18, 9, 30, 15, 0, time.UTC)

func some(n int, name string) (all []gateway.Entry) {
	for i := range n {
		e := storetest.Booked(fmt.Sprint(name, i), at.Add(time.Duration(i)*time.Minute), 1)
		e.Charges = []gateway.Charge{{Pot: "p", Window: 100}}
		all = append(all, e)
	}
	return all
}

func put(t testing.TB, s gateway.Books, entries []gateway.Entry) {
	t.Helper()
	if n, err := s.Append(t.Context(), entries); err != nil || n != len(entries) {
		t.Fatalf("append: %d of %d, %v", n, len(entries), err)
	}
}

func total(t testing.TB, s *store) int64 {
	t.Helper()
	var sums [3]int64
	rows, err := s.Spend(t.Context(), gateway.SpendQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) > 0 {
		sums[0] = rows[0].Entries
	}
	if rows, err = s.SpendOfEntries(t.Context(), gateway.SpendQuery{}); err != nil {
		t.Fatal(err)
	}
	if len(rows) > 0 {
		sums[1] = rows[0].Entries
	}
	for p, err := range s.Spent(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		sums[2] += int64(p.Spent)
	}
	if sums[0] != sums[1] || sums[0] != sums[2] {
		t.Fatalf("sums have %d entries, entries are %d, charged are %d", sums[0], sums[1], sums[2])
	}
	return sums[0]
}

func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

func sql(t testing.TB, url, text string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

// calls are all calls of a store.
func calls(s *store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"append": func(ctx context.Context) error { _, err := s.Append(ctx, some(5, "frozen")); return err },
		"append to a new month": func(ctx context.Context) error {
			e := some(1, "month")[0]
			e.At = e.At.AddDate(-1, 0, 0)
			_, err := s.Append(ctx, []gateway.Entry{e})
			return err
		},
		"spend": func(ctx context.Context) error { _, err := s.Spend(ctx, gateway.SpendQuery{}); return err },
		"spent": func(ctx context.Context) error {
			for _, err := range s.Spent(ctx, time.Time{}) {
				return err
			}
			return nil
		},
		"entries": func(ctx context.Context) error {
			for _, err := range s.Entries(ctx, gateway.EntryQuery{}) {
				return err
			}
			return nil
		},
		"trim": func(ctx context.Context) error { _, err := s.Trim(ctx, at.AddDate(-5, 0, 0)); return err },
		"ping": s.Ping,
	}
}

func TestFrozen(t *testing.T) {
	server := storetest.OwnPostgres(t, "-c", "fsync=off")
	url := server.Fresh(t)
	s := open(t, url, postgres.Options{})
	put(t, s, some(3, "a"))
	server.Freeze()
	var group sync.WaitGroup
	for name, call := range calls(s) {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			began := time.Now()
			if err := call(ctx); !temporary(err) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s: 300 ms took %s", name, took)
			}
		})
	}
	group.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := postgres.Open(ctx, url, "", postgres.Options{}); !temporary(err) {
		t.Errorf("open: %v", err)
	}
	server.Thaw()
	// What was sent before may have had its effect, all of it or nothing.
	if _, err := s.Append(t.Context(), some(5, "frozen")); err != nil {
		t.Errorf("append after it: %v", err)
	}
	for name, call := range calls(s) {
		if err := call(t.Context()); err != nil {
			t.Errorf("%s after it: %v", name, err)
		}
	}
	if got := total(t, s); got != 3+5+1 {
		t.Errorf("%d entries", got)
	}
	server.Freeze()
	began := time.Now()
	_ = s.Close()
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("close took %s", took)
	}
}

// Connections that are cut at any point leave a batch whole or leave nothing of it.
func TestCut(t *testing.T) {
	url := storetest.Postgres(t)
	s := open(t, url, postgres.Options{})
	put(t, s, some(1, "first"))
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		r := rand.New(rand.NewPCG(1, 1))
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(r.IntN(20)) * time.Millisecond):
			}
			sql(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		}
	})
	cut := 0
	for i := range 60 {
		batch := some(40, fmt.Sprint("b", i, "-"))
		for {
			_, err := s.Append(t.Context(), batch)
			if err == nil {
				break
			}
			if cut++; !temporary(err) {
				t.Fatalf("a connection that was cut: %v", err)
			}
		}
	}
	close(stop)
	group.Wait()
	for s.Ping(t.Context()) != nil { // connections that were cut last
		continue
	}
	if n := total(t, s); n != 60*40+1 {
		t.Errorf("%d entries", n)
	}
	t.Logf("%d calls were cut off", cut)
	if cut == 0 {
		t.Error("no call was cut off: the test shows nothing")
	}
}

func TestLockedBySomebody(t *testing.T) {
	url := storetest.Postgres(t)
	s := open(t, url, postgres.Options{})
	put(t, s, some(3, "a"))
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE ledger_daily"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.Append(ctx, some(3, "b")); !temporary(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("append: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := total(t, s); n != 3 {
		t.Errorf("%d entries: something is half written", n)
	}
	put(t, s, some(3, "b"))
}

func TestReadOnly(t *testing.T) {
	url := storetest.Postgres(t)
	if _, err := postgres.Open(t.Context(), url, "", postgres.Options{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "no ledger") {
		t.Errorf("an empty database: %v", err)
	}
	s := open(t, url, postgres.Options{})
	put(t, s, some(3, "a"))
	reader := open(t, url, postgres.Options{ReadOnly: true})
	if n := total(t, reader); n != 3 {
		t.Errorf("%d entries", n)
	}
	if _, err := reader.Append(t.Context(), some(3, "b")); !temporary(err) || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("append: %v", err)
	}
	// So is a standby, until it is promoted.
	sql(t, url, "ALTER DATABASE "+url[strings.LastIndex(url, "/")+1:strings.Index(url, "?")]+" SET default_transaction_read_only = on")
	standby, err := postgres.Open(t.Context(), url, "", postgres.Options{})
	if err != nil {
		t.Fatal(err) // there is nothing to migrate
	}
	defer standby.Close()
	if _, err := standby.Append(t.Context(), some(3, "b")); !temporary(err) {
		t.Errorf("append to a standby: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	url := storetest.Postgres(t)
	for _, test := range []struct {
		url, want string
		soft      bool
	}{
		{"postgres://weir:hunter2@127.0.0.1:1/x?sslmode=disable", "127.0.0.1:1/x", true},
		{strings.Replace(url, "/test", "/none", 1), "does not exist", false},
		{"postgres://weir:hunter2@[::1/x", "cannot be read", false},
		{"hunter2 is no address", "cannot be read", false},
		{"postgres://weir:hunter2@host:port/x", "cannot be read", false},
	} {
		_, err := postgres.Open(t.Context(), test.url, "", postgres.Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") || temporary(err) != test.soft {
			t.Errorf("%s: temporary %v: %v", test.url, temporary(err), err)
		}
	}
	if _, err := postgres.Open(t.Context(), "postgres://weir@127.0.0.1:1/x?sslmode=disable", "hunter2", postgres.Options{}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password of its own: %v", err)
	}
}

func TestOpenAtOnce(t *testing.T) {
	url := storetest.Postgres(t)
	var group sync.WaitGroup
	for i := range 5 {
		group.Go(func() {
			s, err := postgres.Open(t.Context(), url, "", postgres.Options{Connections: 2})
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			defer s.Close()
			if _, err := s.Append(t.Context(), some(5, string(rune('a'+i)))); err != nil {
				t.Errorf("append: %v", err)
			}
		})
	}
	group.Wait()
	s := open(t, url, postgres.Options{})
	if n := total(t, s); n != 25 {
		t.Errorf("%d entries", n)
	}
	rows, err := s.Ask(t.Context(), "SELECT count(*), count(DISTINCT version_id) FROM ledger_versions")
	if err != nil || rows[0][0] != rows[0][1] {
		t.Errorf("versions: %v, %v", rows, err)
	}
}

// Partitions are made and dropped by all nodes, and what was left half done is finished by the next.
func TestPartitions(t *testing.T) {
	url := storetest.Postgres(t)
	a, b := open(t, url, postgres.Options{}), open(t, url, postgres.Options{})
	old := func(name string, n int) (all []gateway.Entry) {
		for i := range n {
			all = append(all, storetest.Booked(fmt.Sprint(name, i), at.AddDate(0, -3, i), 1))
		}
		return all
	}
	put(t, a, old("a", 5))
	put(t, b, old("b", 5))
	names := func() string {
		rows, err := a.Ask(t.Context(), "SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'ledger_entries'::regclass")
		if err != nil {
			t.Fatal(err)
		}
		return rows[0][0]
	}
	if got := names(); got != "ledger_entries_2026_07 ledger_entries_2026_08" {
		t.Errorf("partitions: %s", got)
	}
	if n, err := b.Trim(t.Context(), at); err != nil || n != 10 {
		t.Fatalf("trimmed %d, %v", n, err)
	}
	if got := names(); got != "" {
		t.Errorf("partitions: %s", got)
	}
	put(t, a, old("c", 5)) // it does not know that the partition is gone
	// Somebody was stopped between detaching and dropping.
	sql(t, url, "ALTER TABLE ledger_entries DETACH PARTITION ledger_entries_2026_07")
	if n, err := b.Trim(t.Context(), at.AddDate(-1, 0, 0)); err != nil || n != 5 {
		t.Errorf("trimmed %d, %v", n, err)
	}
	put(t, b, old("d", 5))
	sql(t, url, "ALTER TABLE ledger_entries DETACH PARTITION ledger_entries_2026_07")
	put(t, a, old("e", 5)) // and nobody trims meanwhile
	// Times that no clock has.
	put(t, b, []gateway.Entry{
		storetest.Booked("zero", time.Time{}, 1), storetest.Booked("epoch", time.Unix(0, 0), 1), storetest.Booked("1970", time.Unix(1, 1), 1),
		storetest.Booked("2262", time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC), 1), storetest.Booked("9999", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), 1),
	})
	if got := names(); !strings.Contains(got, "1970_01") || !strings.Contains(got, "2262_03") {
		t.Errorf("partitions: %s", got)
	}
	rows, err := a.Spend(t.Context(), gateway.SpendQuery{By: []gateway.Field{gateway.ByModel}})
	if err != nil || len(rows) != 1 || rows[0].Entries != 30 {
		t.Errorf("spend: %v, %v", rows, err)
	}
	if err := a.Backup(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("backup: %v", err)
	}
}
