package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var embedded embed.FS

// versions is the table that says which migrations were applied.
const versions = "ledger_versions"

// migrating is the advisory lock that nodes which start at once take in turn: "weirbook" in bytes.
const migrating = 0x77656972626f6f6b

// migrations are what a schema came about by, in order. Each only adds, so that the release before works on beside this
// one; what a release no longer uses is taken away by the next one.
func migrations() fs.FS {
	dir, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return dir
}

func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	turn, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrating), lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations(), goose.WithTableName(versions), goose.WithSessionLocker(turn),
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// known refuses a database whose schema is older than this program reads. One that is newer can be read: releases only
// add.
func (s *Store) known(ctx context.Context) error {
	files, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		return err
	}
	var there bool
	if err := s.pool.QueryRow(ctx, "SELECT to_regclass('"+versions+"') IS NOT NULL").Scan(&there); err != nil {
		return err
	}
	if !there {
		return errors.New("there is no ledger in this database")
	}
	var version int
	if err := s.pool.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versions).Scan(&version); err != nil {
		return err
	}
	if version < len(files) {
		return fmt.Errorf("its schema is of version %d, and this program reads %d: start the gateway of this release once", version, len(files))
	}
	return nil
}

func portText(port uint16) string { return strconv.Itoa(int(port)) }

// closedEarly reports that the server went away in the middle of something.
func closedEarly(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "closed pool")
}
