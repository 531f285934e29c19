package gemini

import (
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/frame"
)

func TestAllocations(t *testing.T) {
	c := callOf(everything, true)
	buf := make([]byte, 0, 2*len(everything))
	d := New()
	dialecttest.Ceiling(t, "Peek and Edit", 1, func() { // the body's own name of the model, to compare it
		again := c
		if _, err := d.Peek(&again); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Edit(buf, again, dialect.Edit{MaxOutput: 50}); err != nil {
			t.Fatal(err)
		}
	})
	small := callOf(`{"contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":{"maxOutputTokens":100}}`, true)
	dialecttest.Ceiling(t, "Peek and Edit of a call", 1, func() { // the path
		again := small
		if _, err := d.Peek(&again); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Edit(buf, again, dialect.Edit{Model: "other", MaxOutput: 50}); err != nil {
			t.Fatal(err)
		}
	})
	m := d.Meter()
	deltas := [2]frame.Frame{textDelta("13"), textDelta("14")}
	m.Frame(deltas[0])
	n := 0
	dialecttest.Ceiling(t, "Meter of a text delta", 0, func() { n++; m.Frame(deltas[n%2]) })

	dialecttest.DeltaCeiling(t, 1.1, func(n int) { translated(t, n) }) // the text itself
}

// textDelta is a chunk as Google sends most of: with the usage so far.
func textDelta(tokens string) frame.Frame {
	return frame.Frame{Data: []byte(`{"candidates": [{"content": {"parts": [{"text": " and then some"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 95,"candidatesTokenCount": ` + tokens +
		`,"totalTokenCount": 1` + tokens + `,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 95}],"serviceTier": "standard"},"modelVersion": "gemini-x","responseId": "ywCzae2oL5ODz7IP29qJmQw"}`)}
}

// translated decodes a stream of n text deltas and encodes it again.
func translated(t testing.TB, n int) {
	delta := textDelta("13")
	in := func(yield func(frame.Frame, error) bool) {
		ok := true
		for range n {
			ok = ok && yield(delta, nil)
		}
		_ = ok && yield(frame.Frame{Data: []byte(`{"candidates":[{"finishReason":"STOP"}]}`)}, nil)
	}
	dialecttest.Translate(t, New(), in)
}

func BenchmarkMeterTextDelta(b *testing.B) {
	dialecttest.BenchmarkMeter(b, New(), textDelta("13"), textDelta("14"))
}

func BenchmarkTranslateTextDelta(b *testing.B) {
	b.ReportAllocs()
	b.ResetTimer()
	translated(b, b.N)
}

func BenchmarkPeekAndEdit(b *testing.B) {
	c := callOf(everything, true)
	buf := make([]byte, 0, 2*len(everything))
	b.SetBytes(int64(len(everything)))
	b.ReportAllocs()
	for b.Loop() {
		again := c
		if _, err := New().Peek(&again); err != nil {
			b.Fatal(err)
		}
		if _, err := New().Edit(buf, again, dialect.Edit{MaxOutput: 50}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeRequest(b *testing.B) {
	dialecttest.BenchmarkDecodeRequest(b, New(), callOf(everything, true))
}
