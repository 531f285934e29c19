package converse

import (
	"iter"
	"testing"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
)

func TestAllocations(t *testing.T) {
	body := []byte(everything)
	buf := make([]byte, 0, 2*len(body))
	d := New()
	call := asked(everything)
	ceiling(t, "Peek and Edit", 2, func() { // the model's name, unescaped, and the new path
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
	ceiling(t, "Meter of a text delta", 0, func() { m.Frame(delta) })

	per := func(n int) float64 {
		return testing.AllocsPerRun(20, func() { translated(t, n) })
	}
	const more = 1000
	if got := (per(more+10) - per(10)) / more; got > 1.1 { // the text itself
		t.Errorf("decoding and encoding a text delta costs %.2f allocations", got)
	}
}

func ceiling(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > most {
		t.Errorf("%s costs %.0f allocations, at most %.0f are allowed", what, got, most)
	}
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
	foreign := func(events iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
		return func(yield func(llm.Event, error) bool) {
			for e, err := range events {
				e.From = llm.OpenAIChat
				if !yield(e, err) {
					return
				}
			}
		}
	}
	for f, err := range (codec{}).EncodeStream(nil, foreign(codec{}.DecodeStream(in)), func(llm.Loss) {}) {
		if err != nil || len(f.Raw) == 0 {
			t.Fatalf("frame %q, %v", f.Raw, err)
		}
	}
}

func BenchmarkMeterTextDelta(b *testing.B) {
	m, f := New().Meter(), textDelta()
	b.ReportAllocs()
	for b.Loop() {
		m.Frame(f)
	}
}

func BenchmarkTranslateTextDelta(b *testing.B) {
	b.ReportAllocs()
	b.ResetTimer()
	translated(b, b.N)
}

func BenchmarkDecodeRequest(b *testing.B) {
	c := asked(everything)
	b.SetBytes(int64(len(everything)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (codec{}).DecodeRequest(c); err != nil {
			b.Fatal(err)
		}
	}
}
