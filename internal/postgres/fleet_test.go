package postgres_test

import (
	"testing"

	"weir/internal/gateway"
	"weir/internal/pot"
	"weir/internal/storetest"
)

// TestFleetSpends: nodes that share a server spend a purse nearly whole, and never more.
func TestFleetSpends(t *testing.T) {
	storetest.Fleet{
		Shares: openShares(t, storetest.Postgres(t)),
		Open: func(node string, s gateway.Shares) storetest.FleetNode {
			return pot.New(pot.Options{Node: node, Shares: s})
		},
	}.Spends(t, storetest.Seeds())
}
