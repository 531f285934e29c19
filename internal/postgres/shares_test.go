package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"weir/internal/gateway"
	"weir/internal/postgres"
	"weir/internal/storetest"
)

func TestShares(t *testing.T) {
	url := storetest.Postgres(t)
	s := openShares(t, url)
	storetest.Shares(t, func(t testing.TB) gateway.Shares {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), "TRUNCATE pot_claims, pot_turns, pot_buckets"); err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func openShares(t testing.TB, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, "", postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func BenchmarkShares(b *testing.B) { storetest.BenchShares(b, openShares(b, storetest.Postgres(b))) }
