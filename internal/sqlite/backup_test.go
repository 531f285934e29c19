package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/sqlite"
	"weir/internal/storetest"
)

var at = time.Date(2026, 10, 18, 9, 30, 15, 0, time.UTC)

func some(n int, name string) (all []gateway.Entry) {
	for i := range n {
		all = append(all, storetest.Booked(fmt.Sprint(name, i), at.Add(time.Duration(i)*time.Minute), 1))
	}
	return all
}

func put(t testing.TB, s gateway.Books, entries []gateway.Entry) {
	t.Helper()
	if n, err := s.Append(t.Context(), entries); err != nil || n != len(entries) {
		t.Fatalf("append: %d of %d, %v", n, len(entries), err)
	}
}

func total(t testing.TB, s gateway.Books) int64 {
	t.Helper()
	rows, err := s.Spend(t.Context(), gateway.SpendQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		return 0
	}
	return rows[0].Entries
}

func TestBackup(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := open(t, filepath.Join(dir, "weir.db"), sqlite.Options{})
	put(t, s, some(2000, "a"))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // somebody writes on
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				put(t, s, some(10, fmt.Sprint("w", i, "-")))
			}
		}
	}()
	copied := filepath.Join(dir, "copy's.db")
	if err := s.Backup(ctx, copied); err != nil {
		t.Fatal(err)
	}
	close(stop)
	<-done
	if err := s.Backup(ctx, copied); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a backup is written over: %v", err)
	}
	restored := filepath.Join(dir, "restored.db")
	if err := sqlite.Restore(ctx, copied, restored); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Restore(ctx, copied, restored); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a ledger is written over: %v", err)
	}
	again := open(t, restored, sqlite.Options{})
	if n := total(t, again); n < 2000 || n%10 != 0 {
		t.Errorf("%d entries are restored", n)
	}
	put(t, again, some(5, "later"))
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRestoreChecks(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := open(t, filepath.Join(dir, "weir.db"), sqlite.Options{})
	put(t, s, some(3000, "a"))
	good := filepath.Join(dir, "good.db")
	if err := s.Backup(ctx, good); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(string) error{
		"cut":         func(f string) error { return os.Truncate(f, int64(len(text)/2)) },
		"not SQLite":  func(f string) error { return os.WriteFile(f, []byte("hello"), 0o600) },
		"empty":       func(f string) error { return os.Truncate(f, 0) },
		"overwritten": func(f string) error { return overwrite(f, len(text)/3) },
		"a sum is lost": func(f string) error {
			return alter(f, "DELETE FROM ledger_hourly WHERE begins = (SELECT min(begins) FROM ledger_hourly)")
		},
		"an entry is lost":   func(f string) error { return alter(f, "DELETE FROM ledger_entries WHERE id = 'a7'") },
		"an older schema":    func(f string) error { return alter(f, "DELETE FROM ledger_versions WHERE version_id > 0") },
		"another's database": func(f string) error { return alter(f, "DROP TABLE ledger_versions") },
	} {
		bad := filepath.Join(dir, strings.ReplaceAll(name, " ", "_")+".db")
		if err := os.WriteFile(bad, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := spoil(bad); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "to.db")
		if err := sqlite.Restore(ctx, bad, to); err == nil {
			t.Errorf("%s: it is restored", name)
		}
		if _, err := os.Stat(to); err == nil {
			t.Fatalf("%s: something is there", name)
		}
	}
	if err := sqlite.Restore(ctx, filepath.Join(dir, "none.db"), filepath.Join(dir, "to.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a backup that is not there: %v", err)
	}
}

func overwrite(file string, at int) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(make([]byte, 8192), int64(at))
	return err
}

func alter(file, text string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(text)
	return err
}
