//go:build !race

package engine_test

import (
	"net/http/httptest"
	"runtime"
	"testing"

	"weir/internal/gatewaytest"
)

// TestSessionMemory bounds what a silent session holds: both of its connections, and its goroutines. What the client and
// the simulated provider hold is told by sessions without a gateway.
func TestSessionMemory(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	alone := httptest.NewServer(g.Sim)
	defer alone.Close()
	used := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	const sessions = 200
	each := func(url, model string) uint64 {
		talkTo(t, url, model).until("session.created")
		before := used()
		for range sessions {
			talkTo(t, url, model).until("session.created")
		}
		return (used() - before) / sessions
	}
	direct := each(alone.URL, "sim-realtime")
	through := each(g.URL, "talk")
	t.Logf("a silent session holds %d KiB; its client and its provider hold %d KiB", (through-direct)>>10, direct>>10)
	if through > direct+80<<10 {
		t.Errorf("a silent session holds %d bytes", through-direct)
	}
}
