package openaichat

import (
	"bytes"
	"testing"

	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
)

func TestMeterFrames(t *testing.T) {
	m := New().Meter()
	r := m.Read()
	step := func(data string, check func() bool) {
		t.Helper()
		b := []byte(data)
		m.Frame(frame.Frame{Data: b})
		for i := range b { // it must keep nothing of the frame
			b[i] = '#'
		}
		if !check() {
			t.Errorf("after %s: %+v", data, r)
		}
	}
	step(``, func() bool { return !r.Began })
	step(`{"id":"","model":"","choices":[],"prompt_filter_results":[]}`, func() bool { return r.Model == "" && !r.Began })
	step(`{"id":"c1","model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}`,
		func() bool { return r.ID == "c1" && r.Model == "m-1" && !r.Began && r.Usage == nil })
	step(`{"id":"c1","choices":[{"index":0,"delta":{"content":" \"usage\": 7 "}}]}`, func() bool { return r.Began && r.Usage == nil })
	step(`{"id":"c1","choices":[{"index":1,"delta":{},"finish_reason":"length"}]}`, func() bool { return r.Stop.Reason == "" })
	step(`{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason" : "stop"}],"usage":{"prompt_tokens":3,"x":[1]}}`,
		func() bool {
			return r.Stop.Native == "stop" && r.Stop.Reason == llm.StopEnd && r.Usage.Input == 3 && string(r.Usage.Extra["x"]) == "[1]"
		})
	step(`{"choices":[],"usage":null,"x_groq":{"usage":{"completion_tokens":5}}}`, func() bool { return r.Usage.Input == 3 && r.Usage.Output == 5 })
	step(`[DONE]`, func() bool { return r.Ended && r.Fault == nil })
}

func TestMeterBegan(t *testing.T) {
	for delta, want := range map[string]bool{
		`{"role":"assistant"}`:                                 false,
		`{"content":null,"tool_calls":[],"reasoning":""}`:      false,
		`{"reasoning_content":"h"}`:                            true,
		`{"reasoning":"h"}`:                                    true,
		`{"reasoning_details":[{"type":"reasoning.text"}]}`:    true,
		`{"refusal":"n"}`:                                      true,
		`{"tool_calls":[{"index":0,"function":{"name":"f"}}]}`: true,
		`{"function_call":{"name":"f","arguments":""}}`:        true,
		`{"audio":{"id":"a"}}`:                                 true,
		`{"content":[{"type":"thinking","thinking":[]}]}`:      true,
		`{"channel":"analysis"}`:                               false,
	} {
		m := New().Meter()
		m.Frame(frame.Frame{Data: []byte(`{"choices":[{"index":0,"delta":` + delta + `}]}`)})
		if got := m.Read().Began; got != want {
			t.Errorf("%s: began %v", delta, got)
		}
	}
}

func TestMeterFaults(t *testing.T) {
	for _, f := range []frame.Frame{
		{Data: []byte(`{"error":{"message":"m","code":429}}`)},
		{Event: "error", Data: []byte(`{"message":"m","type":"rate_limit_error"}`)},
		{Data: []byte(`{"id":"a","choices":[],"error": {"message":"m","type":"rate_limit_error"}}`)},
		{Data: []byte(`{"object":"error","message":"m","type":"rate_limited"}`)},
	} {
		m := New().Meter()
		m.Frame(f)
		if got := m.Read().Fault; got == nil || got.Kind != fault.RateLimit || got.Message != "m" {
			t.Errorf("%s: %v", f.Data, got)
		}
	}
	m := New().Meter()
	m.Frame(frame.Frame{Data: []byte(`{"choices":[{"delta":{"content":"x"}}],"error":null}`)})
	m.Frame(frame.Frame{Data: []byte(`{"error":{"message":"m"}}`), Tail: true})
	if got := m.Read().Fault; got != nil {
		t.Errorf("fault %v", got)
	}
	m = New().Meter()
	m.Body([]byte(`{"error":{"message":"m","type":"server_error"}}`))
	if got := m.Read().Fault; got == nil || got.Kind != fault.Upstream {
		t.Errorf("fault %v", got)
	}
}

func TestMeterAllocations(t *testing.T) {
	m := New().Meter()
	m.Frame(frame.Frame{Data: []byte(`{"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":null}`)})
	text := frame.Frame{Data: []byte(`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}`)}
	if n := testing.AllocsPerRun(100, func() { m.Frame(text) }); n != 0 {
		t.Errorf("a text delta costs the meter %v allocations", n)
	}
}

func BenchmarkMeterTextDelta(b *testing.B) {
	m := New().Meter()
	text := frame.Frame{Data: []byte(`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}`)}
	for b.Loop() {
		m.Frame(text)
	}
}

// FuzzMeter feeds the meter and the codec the same frame.
func FuzzMeter(f *testing.F) {
	f.Add([]byte(`{"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := New().Meter()
		m.Frame(frame.Frame{Data: data})
		m.Body(bytes.Clone(data))
		_ = m.Read()
	})
}
