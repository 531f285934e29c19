package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"weir/internal/gateway"
	"weir/internal/postgres"
	"weir/internal/storetest"
)

// store is a store under test, which others may read with SQL.
type store struct {
	*postgres.Store
	url string
}

func open(t testing.TB, url string, o postgres.Options) *store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, "", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &store{s, url}
}

func (s *store) Ask(ctx context.Context, text string) (all [][]string, err error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, text, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var row []string
		for _, v := range rows.RawValues() {
			row = append(row, string(v))
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

func TestBooks(t *testing.T) {
	storetest.Books(t, storetest.BookStore{
		Open: func(t testing.TB) gateway.Books { return open(t, storetest.Postgres(t), postgres.Options{}) },
		Again: func(t testing.TB, b gateway.Books) gateway.Books {
			return open(t, b.(*store).url, postgres.Options{})
		},
	})
}
