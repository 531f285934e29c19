package ollama

import (
	"testing"

	"weir/internal/dialect/dialecttest"
	"weir/internal/frame"
)

const everything = `{"model":"m","stream":false,"format":{"type":"object"},"keep_alive":"5m","think":"high","logprobs":true,"top_logprobs":3,"odd":{"a": [1, 2]},
"options":{"temperature":0.20,"top_p":0.9,"top_k":40,"seed":7,"num_predict":900,"stop":["END"],"num_ctx":4096},
"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"See","images":["iVBORw0KGgo="]},
{"role":"assistant","content":"","thinking":"Hm","tool_calls":[{"function":{"name":"look","arguments":{"at": "sky"}}},{"id":"c2","function":{"name":"look","arguments":{}}}]},
{"role":"tool","content":"blue","tool_name":"look"},{"role":"tool","content":"green","tool_call_id":"c2"}],
"tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type":"object"}}}]}`

func TestAllocations(t *testing.T) {
	d := New()
	dialecttest.EditCeiling(t, d, []byte(everything))
	m := d.Meter()
	delta := textDelta()
	m.Frame(delta) // the model's name
	dialecttest.Ceiling(t, "Meter of a text", 0, func() { m.Frame(delta) })

	dialecttest.DeltaCeiling(t, 1.1, func(n int) { translated(t, n) }) // the text itself
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
	dialecttest.Translate(t, New(), in)
}

func BenchmarkMeterTextDelta(b *testing.B) { dialecttest.BenchmarkMeter(b, New(), textDelta()) }

func BenchmarkTranslateTextDelta(b *testing.B) {
	b.ReportAllocs()
	b.ResetTimer()
	translated(b, b.N)
}
