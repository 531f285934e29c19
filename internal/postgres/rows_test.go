//go:build !race

package postgres_test

import (
	"testing"

	"weir/internal/postgres"
	"weir/internal/storetest"
)

func TestRows(t *testing.T) {
	server := storetest.OwnPostgres(t) // with fsync, as people have it
	s := open(t, server.Fresh(t), postgres.Options{})
	storetest.MeasureBooks(t, s)
	size, err := s.Ask(t.Context(), "SELECT pg_database_size(current_database()) / 1048576")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the database has %s MiB", size[0][0])
}
