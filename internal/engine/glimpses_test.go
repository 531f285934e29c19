//go:build !race

package engine

import (
	"bytes"
	"testing"

	"weir/internal/dialect"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/tokens"
)

// TestGlimpses remembers of a large request what its estimate needs, in memory that is used again.
func TestGlimpses(t *testing.T) {
	body := append([]byte(`{"messages":[{"role":"user","content":"`), bytes.Repeat([]byte("Once upon a time. "), 10_000)...)
	c := &call{
		e: &Engine{}, x: &gateway.Exchange{Op: llm.OpChat}, body: newBuffer(), in: dialect.Call{Body: append(body, `"}]}`...)},
	}
	var got int64
	take := func() {
		c.remember(&dialect.Reading{})
		got = int64(len(c.heard.glimpses))
		c.heard.release()
	}
	take()
	if got != glimpse*glimpses {
		t.Errorf("%d bytes are remembered", got)
	}
	if n := testing.AllocsPerRun(100, take); n >= 1 { // a collection may empty the pool
		t.Errorf("%.1f allocations", n)
	}
	c.remember(&dialect.Reading{})
	c.body = nil // it was let go
	c.d = nil
	if n := c.asked(tokens.Source{Model: "gpt-4o"}); n < 40_000 || n > 60_000 {
		t.Errorf("estimated at %d", n)
	}
	c.heard.release()
	if n := c.asked(tokens.Source{Model: "gpt-4o"}); n != 0 {
		t.Errorf("what is gone is estimated at %d", n)
	}
}
