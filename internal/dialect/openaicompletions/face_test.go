package openaicompletions

import (
	"math"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
)

func TestPeek(t *testing.T) {
	tests := []struct {
		name, body string
		want       llm.Head
		param      string // of the refusal
	}{
		{"least", `{"model":"m","prompt":"a"}`, llm.Head{Model: "m"}, ""},
		{
			"all", `{"model":"m","prompt":"a","stream":true,"max_tokens":7,"n":2,"stream_options":{"include_usage":true}}`,
			llm.Head{Model: "m", Stream: true, MaxOutput: 7, N: 2, WantUsage: true},
			"",
		},
		{"the best of some", `{"model":"m","prompt":"a","n":2,"best_of":5}`, llm.Head{Model: "m", N: 5}, ""},
		{"a list of one", `{"model":"m","prompt":["a"]}`, llm.Head{Model: "m"}, ""},
		{"two prompts", `{"model":"m","prompt":["a","b"],"n":3}`, llm.Head{Model: "m", N: 6}, ""},
		{"tokens", `{"model":"m","prompt":[1,2,3]}`, llm.Head{Model: "m"}, ""},
		{"lists of tokens", `{"model":"m","prompt":[[1,2],[3]]}`, llm.Head{Model: "m", N: 2}, ""},
		{"prompts that readers disagree on", `{"model":"m","prompt":["a","b","c"],"Prompt":"a","n":2}`, llm.Head{Model: "m", N: 6}, ""},
		{"prompts in another case", `{"model":"m","prompt":"a","PROMPT":["a","b","c"]}`, llm.Head{Model: "m", N: 3}, ""},
		{"more than can be", `{"model":"m","prompt":["a","b"],"n":9000000000000000000}`, llm.Head{Model: "m", N: math.MaxInt64}, ""},
		{"a prompt of nothing", `{"model":"m","prompt":null,"max_tokens":null}`, llm.Head{Model: "m"}, ""},
		{"no model", `{"prompt":"a"}`, llm.Head{}, "model"},
		{"two models", `{"model":"a","model":"b"}`, llm.Head{}, "model"},
		{"another case", `{"model":"a","Max_Tokens":9}`, llm.Head{}, "max_tokens"},
		{"a limit below nothing", `{"model":"m","max_tokens":-1}`, llm.Head{}, "max_tokens"},
		{"a best that is none", `{"model":"m","best_of":"two"}`, llm.Head{}, "best_of"},
		{"a stream that is none", `{"model":"m","stream":"yes"}`, llm.Head{}, "stream"},
		{"options that are none", `{"model":"m","stream_options":1}`, llm.Head{}, "stream_options"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := New().Peek(&dialect.Call{Body: []byte(test.body)})
			if test.param != "" {
				if f := fault.Of(err); err == nil || f.Kind != fault.Malformed || f.Param != test.param {
					t.Fatalf("error %v, want one about %s", err, test.param)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestEdit(t *testing.T) {
	tests := []struct {
		name, body string
		e          dialect.Edit
		want       string
	}{
		{"nothing", `{ "model": "m" }`, dialect.Edit{}, `{ "model": "m" }`},
		{"the model", `{"prompt":[1, 2],"model": "m"}`, dialect.Edit{Model: `a"b`}, `{"prompt":[1, 2],"model": "a\"b"}`},
		{"a lower limit", `{"model":"m","max_tokens":500}`, dialect.Edit{MaxOutput: 100}, `{"model":"m","max_tokens":100}`},
		{"a limit that is high enough", `{"model":"m","max_tokens":50}`, dialect.Edit{MaxOutput: 100}, `{"model":"m","max_tokens":50}`},
		{"nothing shall be written", `{"model":"m","max_tokens":0}`, dialect.Edit{MaxOutput: 100}, `{"model":"m","max_tokens":0}`},
		{"the dialect's own limit", `{"model":"m"}`, dialect.Edit{MaxOutput: 100}, `{"max_tokens":16,"model":"m"}`},
		{"less than the dialect's own", `{"model":"m","max_tokens":null}`, dialect.Edit{MaxOutput: 9}, `{"model":"m","max_tokens":9}`},
		{"usage of a stream", `{"model":"m","stream":true}`, dialect.Edit{WantUsage: true}, `{"stream_options":{"include_usage":true},"model":"m","stream":true}`},
		{"usage of no stream", `{"model":"m"}`, dialect.Edit{WantUsage: true}, `{"model":"m"}`},
		{
			"usage beside an option", `{"model":"m","stream":true,"stream_options":{"a":1}}`,
			dialect.Edit{WantUsage: true},
			`{"model":"m","stream":true,"stream_options":{"include_usage":true,"a":1}}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := dialect.Call{Body: []byte(test.body)}
			if _, err := New().Peek(&c); err != nil {
				t.Fatal(err)
			}
			got, err := New().Edit([]byte("x"), c, test.e)
			if err != nil || string(got.Body) != test.want {
				t.Errorf("%s, %v; want %s", got.Body, err, test.want)
			}
			if string(c.Body) != test.body {
				t.Errorf("the call's own body is now %s", c.Body)
			}
		})
	}
}

func data(s string) frame.Frame { return frame.Frame{Data: []byte(s)} }

func TestMeter(t *testing.T) {
	m := New().Meter()
	r := m.Read()
	m.Frame(frame.Frame{Raw: []byte(": hello\n\n")})
	m.Frame(data(`{"id":"c1","model":"m","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":null}]}`))
	if r.Began || r.ID != "c1" || r.Model != "m" {
		t.Errorf("after an empty text: %+v", r)
	}
	m.Frame(data(`{"id":"c1","model":"m","choices":[{"text":"\"usage\":{}","index":0,"logprobs":{"top_logprobs":[{"usage":-1,"error":-2,"finish_reason":-3}]},"finish_reason":null}]}`))
	if !r.Began || r.Usage != nil || r.Fault != nil || r.Stop.Native != "" {
		t.Errorf("after a text: %+v", r)
	}
	m.Frame(data(`{"id":"c1","model":"m","choices":[{"text":"","index":1,"finish_reason":"stop"}]}`))
	if r.Stop.Native != "" {
		t.Errorf("the stop of another choice: %+v", r.Stop)
	}
	m.Frame(data(`{"id":"c1","model":"m","choices":[{"text":"","index":0,"finish_reason":"length"}]}`))
	m.Frame(data(`{"id":"c1","model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}`))
	if r.Stop.Reason != llm.StopLength || r.Usage.Input != 3 || r.Usage.Output != 5 || r.Ended {
		t.Errorf("at the end: %+v %+v", r, r.Usage)
	}
	m.Frame(data("[DONE]"))
	m.Frame(data(`{"error":{"message":"late"}}`))
	if !r.Ended || r.Fault != nil {
		t.Errorf("after the end mark: %+v", r)
	}

	m = New().Meter()
	m.Frame(data(`{"error":{"message":"slow down","type":"rate_limit_error"}}`))
	if f := m.Read().Fault; f == nil || f.Kind != fault.RateLimit {
		t.Errorf("fault %+v", f)
	}
	m = New().Meter()
	m.Body([]byte(`{"id":1,"model":"m","choices":[{"text":"a","finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`))
	if r := m.Read(); r.ID != "1" || r.Stop.Reason != llm.StopEnd || r.Usage.Output != 2 || !r.Ended {
		t.Errorf("a whole answer: %+v", r)
	}
	m = New().Meter()
	m.Body([]byte(`{"object":"error","message":"overloaded","type":"overloaded_error"}`))
	if f := m.Read().Fault; f == nil || f.Kind != fault.Overloaded {
		t.Errorf("an error in place of an answer: %+v", f)
	}
}

func TestAllocations(t *testing.T) {
	body := []byte(`{"model":"m","prompt":["Say hello","Say goodbye"],"max_tokens":700,"stream":true,"n":2}`)
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
	delta := data(`{"id":"c1","object":"text_completion","created":1,"model":"m","choices":[{"text":" and then some","index":0,"logprobs":null,"finish_reason":null}]}`)
	m.Frame(delta)
	ceiling(t, "Meter of a text delta", 0, func() { m.Frame(delta) })

	translated := func(n int) float64 {
		return testing.AllocsPerRun(20, func() {
			in := func(yield func(frame.Frame, error) bool) {
				for range n {
					if !yield(delta, nil) {
						return
					}
				}
				_ = yield(data(`{"choices":[{"text":"","index":0,"finish_reason":"stop"}]}`), nil) && yield(data("[DONE]"), nil)
			}
			for _, err := range (codec{}).EncodeStream(&llm.Request{}, codec{}.DecodeStream(in), func(llm.Loss) {}) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	const more = 1000
	if got := (translated(more+10) - translated(10)) / more; got > 1.1 { // the text itself
		t.Errorf("decoding and encoding a text delta costs %.2f allocations", got)
	}
}

func ceiling(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > most {
		t.Errorf("%s costs %.0f allocations, at most %.0f are allowed", what, got, most)
	}
}
