package engine

import (
	"weir/internal/dialect"
	"weir/internal/llm"
)

// asksUsage reports whether a stream is asked for its usage although its client did not ask: where something is limited
// by it. The frame that states it is taken out again.
func (c *call) asksUsage(t *try) bool {
	c.sparing = nil
	if len(c.s.Holders) == 0 || !c.x.Head.Stream || c.x.Head.WantUsage || c.x.Op != llm.OpChat {
		return false
	}
	framer, ok := c.d.(dialect.UsageFramer)
	if !ok || t.place.Facts != nil && t.place.Facts(t.a.Target.Model).Quirks.Has(llm.NoStreamOptions) {
		return false
	}
	c.sparing = framer
	return true
}
