package openairesponses

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
	ceiling(t, "Peek and Edit", 1, func() { // the model's name
		c := dialect.Call{Body: body}
		if _, err := d.Peek(&c); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Edit(buf, c, dialect.Edit{Model: "other", MaxOutput: 100}); err != nil {
			t.Fatal(err)
		}
	})
	m := d.Meter()
	for _, delta := range []frame.Frame{deltaFrame(), deltaOfAnother()} {
		ceiling(t, "Meter of a text delta", 0, func() { m.Frame(delta) })
		per := func(n int) float64 {
			return testing.AllocsPerRun(20, func() { translated(t, delta, n) })
		}
		const more = 1000
		if got := (per(more+10) - per(10)) / more; got > 1.1 { // the text itself
			t.Errorf("decoding and encoding a text delta costs %.2f allocations", got)
		}
	}
}

func ceiling(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > most {
		t.Errorf("%s costs %.0f allocations, at most %.0f are allowed", what, got, most)
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
	m, f := New().Meter(), deltaFrame()
	b.ReportAllocs()
	for b.Loop() {
		m.Frame(f)
	}
}

func BenchmarkTranslateTextDelta(b *testing.B) {
	b.ReportAllocs()
	b.ResetTimer()
	translated(b, deltaFrame(), b.N)
}

func BenchmarkDecodeRequest(b *testing.B) {
	c := dialect.Call{Body: []byte(everything)}
	b.SetBytes(int64(len(everything)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (codec{}).DecodeRequest(c); err != nil {
			b.Fatal(err)
		}
	}
}
