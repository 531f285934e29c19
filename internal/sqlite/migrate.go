package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations/*.sql
var embedded embed.FS

// versions is the table that says which migrations were applied.
const versions = "ledger_versions"

// migrations are what a schema came about by, in order. Each only adds, so that the release before works on beside this
// one; what a release no longer uses is taken away by the next one.
func migrations() fs.FS {
	dir, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return dir
}

// migrate brings a schema up to date. Several processes may do so at once: each migration is one immediate transaction,
// and the one that comes second finds it applied.
func migrate(ctx context.Context, db *sql.DB) error {
	const tries = 10
	for n := 1; ; n++ {
		err := up(ctx, db, migrations())
		if err == nil || n == tries || ctx.Err() != nil || !errors.Is(err, errApplied) && !strings.Contains(err.Error(), "already exists") {
			return err
		}
	}
}

func up(ctx context.Context, db *sql.DB, files fs.FS) error {
	inner, err := database.NewStore(database.DialectSQLite3, versions)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectCustom, db, files, goose.WithStore(once{inner}), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

var errApplied = errors.New("another process has applied it meanwhile")

// once refuses to apply what another process has applied since it was looked for.
type once struct{ database.Store }

// TableExists tells goose whether there is a table of versions, so that it need not find out by an error.
func (o once) TableExists(ctx context.Context, db database.DBTxConn) (bool, error) {
	var n int
	err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", versions).Scan(&n)
	return n > 0, err
}

// Insert notes a version in the transaction that its migration is made in.
func (o once) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	switch _, err := o.GetMigration(ctx, db, req.Version); {
	case err == nil:
		return errApplied
	case !errors.Is(err, database.ErrVersionNotFound):
		return err
	}
	return o.Store.Insert(ctx, db, req)
}

// known refuses a file whose schema is older than this program reads. One that is newer can be read: releases only add.
func (s *Store) known(ctx context.Context) error {
	files, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		return err
	}
	var tables int
	if err := s.reader.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = ?", versions).Scan(&tables); err != nil {
		return err
	}
	if tables == 0 {
		return errors.New("there is no ledger in this file")
	}
	var version int
	if err := s.reader.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versions).Scan(&version); err != nil {
		return err
	}
	if version < len(files) {
		return fmt.Errorf("its schema is of version %d, and this program reads %d: start the gateway of this release once", version, len(files))
	}
	return nil
}
