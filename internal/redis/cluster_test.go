package redis_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"weir/internal/gateway"
	"weir/internal/storetest"
)

// TestCluster: the pots of one call may be anywhere in a cluster.
func TestCluster(t *testing.T) {
	a := storetest.OwnRedis(t, "--cluster-enabled", "yes", "--databases", "1")
	b := storetest.OwnRedis(t, "--cluster-enabled", "yes", "--databases", "1")
	do := func(s *storetest.RedisServer, words ...string) string {
		c, err := rueidis.NewClient(rueidis.ClientOption{
			InitAddress: []string{fmt.Sprintf("127.0.0.1:%d", s.Port)}, ForceSingleClient: true, DisableCache: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		out, err := c.Do(t.Context(), c.B().Arbitrary(words...).Build()).ToString()
		if err != nil {
			t.Fatal(words, err)
		}
		return out
	}
	do(a, "CLUSTER", "ADDSLOTSRANGE", "0", "8191")
	do(b, "CLUSTER", "ADDSLOTSRANGE", "8192", "16383")
	do(a, "CLUSTER", "MEET", "127.0.0.1", fmt.Sprint(b.Port))
	for try := 0; !strings.Contains(do(a, "CLUSTER", "INFO"), "cluster_state:ok") || !strings.Contains(do(b, "CLUSTER", "INFO"), "cluster_state:ok"); try++ {
		if try > 600 {
			t.Fatal("the servers do not come to be a cluster")
		}
		time.Sleep(50 * time.Millisecond)
	}
	s := open(t, fmt.Sprintf("redis://127.0.0.1:%d", a.Port))
	storetest.Shares(t, func(t testing.TB) gateway.Shares {
		do(a, "FLUSHALL")
		do(b, "FLUSHALL")
		return s
	})
}
