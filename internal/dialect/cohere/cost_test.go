package cohere

import (
	"iter"
	"testing"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
)

const everything = `{"model":"m","max_tokens":900,"temperature":0.20,"p":0.9,"k":40,"seed":7,"stop_sequences":["END"],"stream":true,"safety_mode":"STRICT","strict_tools":true,"tool_choice":"REQUIRED",
"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"See"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]},
{"role":"assistant","content":[{"type":"thinking","thinking":"Hm"}],"tool_plan":"I look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"a\": 1}"}}],"citations":[{"start":0,"end":2,"text":"Hm","type":"THINKING_CONTENT","sources":[]}]},
{"role":"tool","tool_call_id":"c1","content":[{"type":"document","document":{"id":"d1","data":{"sky": "blue"}}}]}],"documents":["a",{"id":"d","data":{"text":"b"}}],
"tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type":"object"}}}],"thinking":{"type":"enabled","token_budget":500},"response_format":{"type":"json_object","json_schema":{"type":"object"}},"odd":{"a": [1, 2]}}`

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
	ceiling(t, "Meter of a text delta", 0, func() { m.Frame(delta) })
	other := frame.Frame{Event: "content-delta", Data: []byte(`{"index":0,"delta":{"message":{"content":{"thinking":"a"}}},"type":"content-delta"}`)}
	ceiling(t, "Meter of a delta whose type is last", 0, func() { m.Frame(other) })

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
