// Package sqlite keeps the ledger's books in one SQLite file: gateway.Books for a node that is alone.
//
// The file is in WAL mode: one connection writes, several read, and neither waits for the other. A commit is on the disk
// before Append returns (synchronous=FULL), for the journal forgets what was appended. Other processes may read the file
// while a gateway has it open; that no other one writes is seen to by the lock of the journal's folder.
package sqlite

//go:generate ../../bin/tools/sqlc generate

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"weir/internal/books"
	"weir/internal/gateway"
	"weir/internal/sqlite/query"
)

// Options are how a file is opened. The zero value is what a gateway uses.
type Options struct {
	// ReadOnly opens a file that is there already, and migrates nothing. It is for commands beside a running gateway.
	ReadOnly bool
	// Wait is how long a writer waits for another process that is writing; 0 = 5 s. Where a context ends sooner, that counts.
	Wait time.Duration
}

// Store keeps books in a file. It is safe for concurrent use.
type Store struct {
	path   string
	wait   time.Duration
	writer *sql.DB // one connection; nil if the store is read-only
	reader *sql.DB
	insert *sql.Stmt
	write  *query.Queries

	mu     sync.Mutex // guards series
	series map[[sha256.Size]byte]int64
}

var _ gateway.Books = (*Store)(nil)

// flavour is SQLite's SQL.
var flavour = books.Flavour{Order: "seq", Elements: "json_each(#)"}

// magic begins every SQLite file.
const magic = "SQLite format 3\x00"

var insertText = "INSERT INTO ledger_entries (" + books.Names() + ") VALUES (?" + strings.Repeat(", ?", len(books.Columns)-1) + ") ON CONFLICT (id) DO NOTHING" //nolint:gosec // the names are constants

const (
	readers    = 4
	mostSeries = 100_000 // that are remembered
	// pages are what one connection caches, in KiB.
	writerCache = 32 << 10
	readerCache = 16 << 10
)

// Open opens a file, makes it if there is none, and brings its schema up to date. Errors of a store are *books.Error.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s := &Store{path: path, wait: o.Wait, series: map[[sha256.Size]byte]int64{}}
	if s.wait <= 0 {
		s.wait = 5 * time.Second
	}
	if err := s.open(ctx, o.ReadOnly); err != nil {
		_ = s.Close()
		return nil, s.fail("open", err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, readOnly bool) error {
	if readOnly {
		if _, err := os.Stat(s.path); err != nil {
			return err
		}
	} else {
		f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		head := make([]byte, len(magic))
		n, err := io.ReadFull(f, head)
		f.Close()
		if err != nil && n == 0 && !errors.Is(err, io.EOF) {
			return err
		}
		if n > 0 && string(head[:n]) != magic { // SQLite would write over a short one
			return errors.New("it is not a SQLite database")
		}
		if err := s.openWriter(ctx); err != nil {
			return err
		}
	}
	var err error
	if s.reader, err = sql.Open("sqlite", dsn(s.path, "mode=ro", "_pragma=busy_timeout(100)", "_pragma=query_only(1)", cache(readerCache))); err != nil {
		return err
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	s.reader.SetConnMaxIdleTime(time.Minute)
	if readOnly {
		return s.known(ctx)
	}
	return nil
}

func (s *Store) openWriter(ctx context.Context) (err error) {
	// busy_timeout is short: a connection that waits in SQLite does not hear its context. Waiting is done in patiently.
	if s.writer, err = sql.Open("sqlite", dsn(s.path, "_txlock=immediate", "_pragma=busy_timeout(20)", "_pragma=journal_mode(WAL)",
		"_pragma=synchronous(FULL)", "_pragma=wal_autocheckpoint(4000)", "_pragma=journal_size_limit(67108864)", cache(writerCache))); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	s.writer.SetMaxIdleConns(1)
	if err := s.patiently(ctx, func() error { return migrate(ctx, s.writer) }); err != nil {
		return err
	}
	if s.insert, err = s.writer.PrepareContext(ctx, insertText); err != nil {
		return err
	}
	s.write, err = query.Prepare(ctx, s.writer)
	return err
}

// dsn is a path as SQLite's URIs have it, with parameters.
func dsn(path string, params ...string) string {
	escaped := strings.ReplaceAll(url.PathEscape(path), "%2F", "/")
	return "file:" + escaped + "?" + strings.Join(params, "&")
}

func cache(kib int) string { return "_pragma=cache_size(-" + strconv.Itoa(kib) + ")" }

// Close closes the file. What was appended is on the disk already.
func (s *Store) Close() error {
	var errs []error
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	if s.insert != nil {
		errs = append(errs, s.insert.Close())
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.writer != nil { // last: the last connection to close brings the log into the file
		errs = append(errs, s.writer.Close())
	}
	return s.fail("close", errors.Join(errs...))
}

// Ping reports whether the file can be read.
func (s *Store) Ping(ctx context.Context) error {
	_, err := query.New(s.reader).Fact(ctx, trimmed)
	return s.fail("read", err)
}

// fail says what was done to which file when an error happened.
func (s *Store) fail(op string, err error) error {
	return books.Wrap(op+" "+s.path, err, soft)
}

// soft reports whether what failed may work later: when another process is done, or when there is room again.
func soft(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return false
}

func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_BUSY || e.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

// patiently does what may find the file locked by another process, and tries again for as long as that is and nobody
// loses patience.
func (s *Store) patiently(ctx context.Context, do func() error) error {
	end := time.Now().Add(s.wait)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := do()
		if err != nil && ctx.Err() != nil { // whatever broke, it broke because of that
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		if err == nil || !busy(err) {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("another process has been writing for %s: %w", s.wait, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// writing does something in a transaction that has the file for itself from its beginning.
func (s *Store) writing(ctx context.Context, do func(*sql.Tx, *query.Queries) error) error {
	if s.writer == nil {
		return errors.New("it was opened for reading only")
	}
	return s.patiently(ctx, func() error {
		tx, err := s.writer.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := do(tx, s.write.WithTx(tx)); err != nil {
			return errors.Join(err, unlessDone(tx.Rollback()))
		}
		return tx.Commit()
	})
}

func unlessDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
