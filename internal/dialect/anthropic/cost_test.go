package anthropic

import (
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/frame"
)

func TestAllocations(t *testing.T) {
	d := New()
	dialecttest.EditCeiling(t, d, []byte(everything))
	m := d.Meter()
	delta := textDelta()
	dialecttest.Ceiling(t, "Meter of a text delta", 0, func() { m.Frame(delta) })

	dialecttest.DeltaCeiling(t, 1.1, func(n int) { translated(t, n) }) // the text itself
}

func textDelta() frame.Frame {
	return frame.Frame{Event: "content_block_delta", Data: []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" and then some"}  }`)}
}

// translated decodes a stream of n text deltas and encodes it again.
func translated(t testing.TB, n int) {
	delta := textDelta()
	in := func(yield func(frame.Frame, error) bool) {
		ok := true
		send := func(data string) { ok = ok && yield(frame.Frame{Data: []byte(data)}, nil) }
		send(`{"type":"message_start","message":{"id":"m","model":"x"}}`)
		send(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
		for range n {
			ok = ok && yield(delta, nil)
		}
		send(`{"type":"content_block_stop","index":0}`)
		send(`{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`)
		send(`{"type":"message_stop"}`)
	}
	dialecttest.Translate(t, New(), in)
}

func BenchmarkMeterTextDelta(b *testing.B) { dialecttest.BenchmarkMeter(b, New(), textDelta()) }

func BenchmarkTranslateTextDelta(b *testing.B) {
	b.ReportAllocs()
	b.ResetTimer()
	translated(b, b.N)
}

func BenchmarkDecodeRequest(b *testing.B) {
	dialecttest.BenchmarkDecodeRequest(b, New(), dialect.Call{Body: []byte(everything)})
}
