package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"weir/internal/gateway"
	"weir/internal/sqlite"
	"weir/internal/storetest"
)

// store is a store under test, which others may read with SQL.
type store struct {
	*sqlite.Store
	path string
}

func open(t testing.TB, path string, o sqlite.Options) *store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &store{s, path}
}

func (s *store) Ask(ctx context.Context, text string) (all [][]string, err error) {
	db, err := sql.Open("sqlite", s.path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]string, len(names))
		to := make([]any, len(names))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

func TestBooks(t *testing.T) {
	storetest.Books(t, storetest.BookStore{
		Open: func(t testing.TB) gateway.Books {
			return open(t, filepath.Join(t.TempDir(), "weir.db"), sqlite.Options{})
		},
		Again: func(t testing.TB, b gateway.Books) gateway.Books {
			return open(t, b.(*store).path, sqlite.Options{})
		},
	})
}
