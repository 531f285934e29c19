package converse

import (
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/frame"
)

func TestAllocations(t *testing.T) {
	body := []byte(everything)
	buf := make([]byte, 0, 2*len(body))
	d := New()
	call := asked(everything)
	dialecttest.Ceiling(t, "Peek and Edit", 2, func() { // the model's name, unescaped, and the new path
		c := call
		if _, err := d.Peek(&c); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Edit(buf, c, dialect.Edit{Model: "other"}); err != nil {
			t.Fatal(err)
		}
	})
	m := d.Meter()
	delta := textDelta()
	dialecttest.Ceiling(t, "Meter of a text delta", 0, func() { m.Frame(delta) })

	dialecttest.DeltaCeiling(t, 1.1, func(n int) { translated(t, n) }) // the text itself
}

func textDelta() frame.Frame {
	return frame.Frame{Event: eventDelta, Data: []byte(`{"contentBlockIndex":0,"delta":{"text":" and then some"},"p":"abcdefghijklm"}`)}
}

// translated decodes a stream of n text deltas and encodes it again.
func translated(t testing.TB, n int) {
	delta := textDelta()
	in := func(yield func(frame.Frame, error) bool) {
		ok := true
		send := func(event, data string) { ok = ok && yield(frame.Frame{Event: event, Data: []byte(data)}, nil) }
		send(eventStart, `{"role":"assistant"}`)
		for range n {
			ok = ok && yield(delta, nil)
		}
		send(eventBlockStop, `{"contentBlockIndex":0}`)
		send(eventStop, `{"stopReason":"end_turn"}`)
		send(eventMetadata, metadata)
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
	dialecttest.BenchmarkDecodeRequest(b, New(), asked(everything))
}
