package redis_test

import (
	"testing"

	"weir/internal/storetest"
)

// TestFleetSpends: nodes that share a server spend a purse nearly whole, and never more.
func TestFleetSpends(t *testing.T) {
	fleet(open(t, storetest.Redis(t))).Spends(t, storetest.Seeds())
}
