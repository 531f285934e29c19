package cohere

import (
	"testing"

	"weir/internal/dialect/dialecttest"
	"weir/internal/frame"
)

const everything = `{"model":"m","max_tokens":900,"temperature":0.20,"p":0.9,"k":40,"seed":7,"stop_sequences":["END"],"stream":true,"safety_mode":"STRICT","strict_tools":true,"tool_choice":"REQUIRED",
"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"See"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]},
{"role":"assistant","content":[{"type":"thinking","thinking":"Hm"}],"tool_plan":"I look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"a\": 1}"}}],"citations":[{"start":0,"end":2,"text":"Hm","type":"THINKING_CONTENT","sources":[]}]},
{"role":"tool","tool_call_id":"c1","content":[{"type":"document","document":{"id":"d1","data":{"sky": "blue"}}}]}],"documents":["a",{"id":"d","data":{"text":"b"}}],
"tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type":"object"}}}],"thinking":{"type":"enabled","token_budget":500},"response_format":{"type":"json_object","json_schema":{"type":"object"}},"odd":{"a": [1, 2]}}`

func TestAllocations(t *testing.T) {
	d := New()
	dialecttest.EditCeiling(t, d, []byte(everything))
	m := d.Meter()
	delta := textDelta()
	dialecttest.Ceiling(t, "Meter of a text delta", 0, func() { m.Frame(delta) })
	other := frame.Frame{Event: "content-delta", Data: []byte(`{"index":0,"delta":{"message":{"content":{"thinking":"a"}}},"type":"content-delta"}`)}
	dialecttest.Ceiling(t, "Meter of a delta whose type is last", 0, func() { m.Frame(other) })

	dialecttest.DeltaCeiling(t, 1.1, func(n int) { translated(t, n) }) // the text itself
}

func textDelta() frame.Frame {
	return frame.Frame{Event: "content-delta", Data: []byte(`{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":" and then some"}}}}`)}
}

// translated decodes a stream of n text deltas and encodes it again.
func translated(t testing.TB, n int) {
	delta := textDelta()
	in := func(yield func(frame.Frame, error) bool) {
		ok := true
		send := func(data string) { ok = ok && yield(frame.Frame{Data: []byte(data)}, nil) }
		send(`{"id":"a","type":"message-start","delta":{"message":{"role":"assistant"}}}`)
		send(`{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}`)
		for range n {
			ok = ok && yield(delta, nil)
		}
		send(`{"type":"content-end","index":0}`)
		send(`{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}`)
	}
	dialecttest.Translate(t, New(), in)
}

func BenchmarkMeterTextDelta(b *testing.B) { dialecttest.BenchmarkMeter(b, New(), textDelta()) }

func BenchmarkTranslateTextDelta(b *testing.B) {
	b.ReportAllocs()
	b.ResetTimer()
	translated(b, b.N)
}
