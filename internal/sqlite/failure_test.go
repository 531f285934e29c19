package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/sqlite"
)

func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// locked holds the file as a process that writes does, until the function is called.
func locked(t testing.TB, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = tx.Rollback()
		db.Close()
	}
}

func TestAnotherProcessWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	s := open(t, path, sqlite.Options{Wait: 200 * time.Millisecond})
	patient := open(t, path, sqlite.Options{Wait: 20 * time.Second})
	put(t, s, some(3, "a"))
	release := locked(t, path)
	began := time.Now()
	_, err := s.Append(t.Context(), some(3, "b"))
	if !temporary(err) || !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), path) {
		t.Errorf("append: %v", err)
	}
	if took := time.Since(began); took < 150*time.Millisecond || took > 5*time.Second {
		t.Errorf("it waited for %s", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began = time.Now()
	if _, err := patient.Append(ctx, some(3, "b")); !temporary(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("append with a deadline: %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a deadline of 100 ms took %s", took)
	}
	if n := total(t, s); n != 3 { // reading goes on
		t.Errorf("%d entries", n)
	}
	if n, err := s.Trim(t.Context(), at.Add(time.Hour)); n != 0 || !temporary(err) {
		t.Errorf("trim: %d, %v", n, err)
	}
	time.AfterFunc(100*time.Millisecond, release)
	put(t, patient, some(3, "b"))
}

func TestReadersBlockNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	s := open(t, path, sqlite.Options{})
	put(t, s, some(3000, "a"))
	reader := open(t, path, sqlite.Options{ReadOnly: true})
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil) // another process that reads, and does not end
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var n int64
	if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM ledger_entries").Scan(&n); err != nil {
		t.Fatal(err)
	}
	for e, err := range reader.Entries(t.Context(), gateway.EntryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, some(1, "while reading "+e.ID))
		if n++; n == 3100 {
			break
		}
	}
	if got := total(t, reader); got != 3100 {
		t.Errorf("%d entries are read", got)
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	ctx := t.Context()
	if _, err := sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it was made")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "no ledger") {
		t.Errorf("an empty file: %v", err)
	}
	s := open(t, path, sqlite.Options{})
	put(t, s, some(3, "a"))
	reader := open(t, path, sqlite.Options{ReadOnly: true})
	if n := total(t, reader); n != 3 {
		t.Errorf("%d entries", n)
	}
	if _, err := reader.Append(ctx, some(3, "b")); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("append: %v", err)
	}
	if err := reader.Ping(ctx); err != nil {
		t.Error(err)
	}
}

func TestNotALedger(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"text": strings.Repeat("this is not a database. ", 1000), "short": "x"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Open(t.Context(), path, sqlite.Options{}); err == nil || temporary(err) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != text {
			t.Errorf("%s: it was written to: %v", name, err)
		}
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(dir, "none", "weir.db"), sqlite.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such folder: %v", err)
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"a b?c%20#d&e=f.db", "file:x.db", ":memory:", "日本.db", "_pragma=x"} {
		dir := t.TempDir()
		s := open(t, filepath.Join(dir, name), sqlite.Options{})
		put(t, s, some(1, "a"))
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: others may read it: %v", name, info.Mode())
		}
	}
	t.Chdir(t.TempDir())
	s := open(t, "weir.db", sqlite.Options{})
	put(t, s, some(1, "a"))
	if _, err := os.Stat("weir.db"); err != nil {
		t.Error(err)
	}
}

// Several processes that start at once on a new file migrate it once.
func TestOpenAtOnce(t *testing.T) {
	for range 2 {
		path := filepath.Join(t.TempDir(), "weir.db")
		var group sync.WaitGroup
		for i := range 6 {
			group.Go(func() {
				s, err := sqlite.Open(t.Context(), path, sqlite.Options{Wait: 30 * time.Second})
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
		s := open(t, path, sqlite.Options{})
		if n := total(t, s); n != 30 {
			t.Errorf("%d entries", n)
		}
		rows, err := s.Ask(t.Context(), "SELECT count(*), count(DISTINCT version_id) FROM ledger_versions")
		if err != nil || rows[0][0] != rows[0][1] {
			t.Errorf("versions: %v, %v", rows, err)
		}
	}
}
