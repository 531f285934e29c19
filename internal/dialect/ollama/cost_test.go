package ollama

import (
	"iter"
	"testing"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
)

const everything = `{"model":"m","stream":false,"format":{"type":"object"},"keep_alive":"5m","think":"high","logprobs":true,"top_logprobs":3,"odd":{"a": [1, 2]},
"options":{"temperature":0.20,"top_p":0.9,"top_k":40,"seed":7,"num_predict":900,"stop":["END"],"num_ctx":4096},
"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"See","images":["iVBORw0KGgo="]},
{"role":"assistant","content":"","thinking":"Hm","tool_calls":[{"function":{"name":"look","arguments":{"at": "sky"}}},{"id":"c2","function":{"name":"look","arguments":{}}}]},
{"role":"tool","content":"blue","tool_name":"look"},{"role":"tool","content":"green","tool_call_id":"c2"}],
"tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type":"object"}}}]}`

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
	delta := textDelta()
	m.Frame(delta) // the model's name
	ceiling(t, "Meter of a text", 0, func() { m.Frame(delta) })

	per := func(n int) float64 {
		return testing.AllocsPerRun(20, func() { translated(t, n) })
	}
	const more = 1000
	if got := (per(more+10) - per(10)) / more; got > 1.1 { // the text itself
		t.Errorf("decoding and encoding a text costs %.2f allocations", got)
	}
}

func ceiling(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > most {
		t.Errorf("%s costs %.0f allocations, at most %.0f are allowed", what, got, most)
	}
}

func textDelta() frame.Frame {
	return frame.Frame{Data: []byte(`{"model":"m","created_at":"2025-08-20T13:48:26.432625Z","message":{"role":"assistant","content":" and then some"},"done":false}`)}
}

// translated decodes a stream of n texts and encodes it again.
func translated(t testing.TB, n int) {
	delta := textDelta()
	in := func(yield func(frame.Frame, error) bool) {
		ok := true
		for range n {
			ok = ok && yield(delta, nil)
		}
		_ = ok && yield(frame.Frame{Data: []byte(`{"model":"m","created_at":"2025-08-20T13:48:26.432625Z","message":{"role":"assistant","content":""},"done":true}`)}, nil)
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
