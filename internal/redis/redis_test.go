package redis_test

import (
	"testing"

	"weir/internal/gateway"
	"weir/internal/redis"
	"weir/internal/storetest"
)

func open(t testing.TB, url string) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), url, "", redis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestShares(t *testing.T) {
	storetest.Shares(t, func(t testing.TB) gateway.Shares { return open(t, storetest.Redis(t)) })
}

func BenchmarkShares(b *testing.B) { storetest.BenchShares(b, open(b, storetest.Redis(b))) }
