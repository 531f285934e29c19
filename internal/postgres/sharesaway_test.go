package postgres_test

import (
	"testing"

	"weir/internal/gateway"
	"weir/internal/pot"
	"weir/internal/storetest"
)

// TestSharesFrozen: a server that is frozen delays nobody.
func TestSharesFrozen(t *testing.T) {
	server := storetest.OwnPostgres(t)
	storetest.Fleet{
		Shares: openShares(t, server.Fresh(t)),
		Open: func(node string, s gateway.Shares) storetest.FleetNode {
			return pot.New(pot.Options{Node: node, Shares: s})
		},
	}.Freezes(t, server.Freeze, server.Thaw)
}
