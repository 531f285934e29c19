package storetest

import (
	"testing"

	"weir/internal/gateway"
)

func TestMapShares(t *testing.T) {
	Shares(t, func(testing.TB) gateway.Shares { return &MapShares{} })
}
