package openairesponses

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
	for _, delta := range []frame.Frame{deltaFrame(), deltaOfAnother()} {
		dialecttest.Ceiling(t, "Meter of a text delta", 0, func() { m.Frame(delta) })
		dialecttest.DeltaCeiling(t, 1.1, func(n int) { translated(t, delta, n) }) // the text itself
	}
}

func deltaFrame() frame.Frame {
	return frame.Frame{Event: "response.output_text.delta", Data: []byte(`{"type":"response.output_text.delta","content_index":0,"delta":" and then some","item_id":"m1","logprobs":[],"obfuscation":"x","output_index":0,"sequence_number":9}`)}
}

// deltaOfAnother has its members in another order.
func deltaOfAnother() frame.Frame {
	return frame.Frame{Data: []byte(`{"sequence_number":9,"content_index":0,"delta":" and then some","item_id":"m1","output_index":0,"type":"response.output_text.delta"}`)}
}

// translated decodes a stream of n text deltas and encodes it again.
func translated(t testing.TB, delta frame.Frame, n int) {
	in := func(yield func(frame.Frame, error) bool) {
		ok := true
		send := func(data string) { ok = ok && yield(frame.Frame{Data: []byte(data)}, nil) }
		send(created)
		send(message)
		send(textAt)
		for range n {
			ok = ok && yield(delta, nil)
		}
		send(`{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m1","role":"assistant","content":[]}}`)
		send(complete)
	}
	dialecttest.Translate(t, New(), in)
}

func BenchmarkMeterTextDelta(b *testing.B) { dialecttest.BenchmarkMeter(b, New(), deltaFrame()) }

func BenchmarkTranslateTextDelta(b *testing.B) {
	b.ReportAllocs()
	b.ResetTimer()
	translated(b, deltaFrame(), b.N)
}

func BenchmarkDecodeRequest(b *testing.B) {
	dialecttest.BenchmarkDecodeRequest(b, New(), dialect.Call{Body: []byte(everything)})
}
