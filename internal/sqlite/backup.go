package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"weir/internal/books"
	"weir/internal/sqlite/query"
)

// Backup copies the books, as they stand at one time, into a file that is not there yet, and checks the copy. Writers go on
// meanwhile; what they write stays in the log beside the file until the copy is done.
func (s *Store) Backup(ctx context.Context, file string) error {
	return s.fail("back up", place(file, func(part string) error {
		db, err := sql.Open("sqlite", dsn(s.path, "mode=ro", "_pragma=busy_timeout(100)"))
		if err != nil {
			return err
		}
		defer db.Close()
		if _, err := db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
			return err
		}
		return Check(ctx, part)
	}))
}

// Restore makes the file path of a backup. It refuses where there is such a file already: what it holds is to be moved away
// by somebody who knows that it is not needed, and while no gateway runs.
func Restore(ctx context.Context, backup, path string) error {
	return books.Wrap("restore "+path, place(path, func(part string) error {
		for _, beside := range []string{"-wal", "-shm"} {
			if _, err := os.Stat(path + beside); err == nil {
				return fmt.Errorf("%s is there: it belongs to another ledger, and would become part of this one", path+beside)
			}
		}
		if err := copyFile(ctx, backup, part); err != nil {
			return err
		}
		return Check(ctx, part)
	}), soft)
}

// place has a file made under another name and gives it its own when all of it is on the disk.
func place(file string, do func(part string) error) (err error) {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s is there already: %w", file, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	part := file + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one that was broken off
		return err
	}
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	if err := do(part); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(part, file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, &heeding{ctx, in})
	return errors.Join(err, out.Close())
}

// heeding is a reader that ends with a context.
type heeding struct {
	ctx context.Context
	io.Reader
}

func (h *heeding) Read(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	return h.Reader.Read(p)
}

// Check looks through a file that nobody writes to: whether SQLite finds it whole, whether it holds a ledger that this
// program can read, and whether its sums are those of its entries.
func Check(ctx context.Context, path string) error {
	return books.Wrap("check "+path, check(ctx, path), soft)
}

func check(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(path, "immutable=1", "mode=ro"))
	if err != nil {
		return err
	}
	defer db.Close()
	s := &Store{path: path, reader: db}
	if err := s.known(ctx); err != nil {
		return err
	}
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("it is damaged: %s", found)
	}
	cut, err := query.New(db).Fact(ctx, trimmed)
	if err != nil {
		return err
	}
	type sums struct{ entries, cost int64 }
	var hourly, daily, all sums
	for text, to := range map[string]*sums{
		"SELECT coalesce(sum(entries), 0), coalesce(sum(cost), 0) FROM ledger_hourly": &hourly,
		"SELECT coalesce(sum(entries), 0), coalesce(sum(cost), 0) FROM ledger_daily":  &daily,
		"SELECT count(*), coalesce(sum(cost), 0) FROM ledger_entries":                 &all,
	} {
		if err := db.QueryRowContext(ctx, text).Scan(&to.entries, &to.cost); err != nil {
			return err
		}
	}
	if hourly != daily || cut == 0 && all != hourly {
		return fmt.Errorf("its sums disagree: of hours %d entries and %d billionths, of days %d and %d, of entries %d and %d",
			hourly.entries, hourly.cost, daily.entries, daily.cost, all.entries, all.cost)
	}
	return nil
}
