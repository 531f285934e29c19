package dialecttest

import (
	"iter"
	"testing"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
)

// Ceiling holds what f allocates to at most so many allocations.
func Ceiling(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > most {
		t.Errorf("%s costs %.0f allocations, at most %.0f are allowed", what, got, most)
	}
}

// DeltaCeiling holds what each delta of a stream allocates on its way; translate carries a stream of n of them.
func DeltaCeiling(t *testing.T, most float64, translate func(n int)) {
	t.Helper()
	per := func(n int) float64 {
		return testing.AllocsPerRun(20, func() { translate(n) })
	}
	const more = 1000
	if got := (per(more+10) - per(10)) / more; got > most {
		t.Errorf("decoding and encoding a text delta costs %.2f allocations", got)
	}
}

// Translate decodes a stream of d and encodes it in d again as if it were another dialect's.
func Translate(t testing.TB, d dialect.Dialect, in frame.Seq) {
	foreign := func(events iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
		return func(yield func(llm.Event, error) bool) {
			for e, err := range events {
				e.From = another(d)
				if !yield(e, err) {
					return
				}
			}
		}
	}
	c := d.Codec()
	for f, err := range c.EncodeStream(nil, foreign(c.DecodeStream(in)), func(llm.Loss) {}) {
		if err != nil || len(f.Raw) == 0 {
			t.Fatalf("frame %q, %v", f.Raw, err)
		}
	}
}

// another is a dialect that is not d.
func another(d dialect.Dialect) llm.Dialect {
	if d.Name() == llm.OpenAIChat {
		return llm.AnthropicMessages
	}
	return llm.OpenAIChat
}

// BenchmarkMeter measures what a meter of d costs with these frames, in turn.
func BenchmarkMeter(b *testing.B, d dialect.Dialect, frames ...frame.Frame) {
	m := d.Meter()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		m.Frame(frames[n%len(frames)])
	}
}

// BenchmarkDecodeRequest measures what decoding a request costs.
func BenchmarkDecodeRequest(b *testing.B, d dialect.Dialect, c dialect.Call) {
	codec := d.Codec()
	b.SetBytes(int64(len(c.Body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.DecodeRequest(c); err != nil {
			b.Fatal(err)
		}
	}
}

// EditCeiling holds what Peek and Edit of a body allocate: no more than the model's name.
func EditCeiling(t *testing.T, d dialect.Dialect, body []byte) {
	t.Helper()
	buf := make([]byte, 0, 2*len(body))
	var c dialect.Call // once: the engine has one for each exchange
	Ceiling(t, "Peek and Edit", 1, func() {
		c = dialect.Call{Body: body}
		if _, err := d.Peek(&c); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Edit(buf, c, dialect.Edit{Model: "other", MaxOutput: 100}); err != nil {
			t.Fatal(err)
		}
	})
}
