package openaichat

import (
	"errors"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

func TestPeek(t *testing.T) {
	tests := []struct {
		body string
		want llm.Head
	}{
		{`{"model":"m"}`, llm.Head{Model: "m"}},
		{`{"messages":[{"model":"inner","stream":true}],"model":"m","stream":null,"n":null,"stream_options":null}`, llm.Head{Model: "m"}},
		{`{"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1},"n":3,"max_tokens":7}`, llm.Head{Model: "m", Stream: true, WantUsage: true, N: 3, MaxOutput: 7}},
		{`{"model":"m","max_completion_tokens":9}`, llm.Head{Model: "m", MaxOutput: 9}},
		{`{"model":"m","max_completion_tokens":9,"max_tokens":9}`, llm.Head{Model: "m", MaxOutput: 9}},
		{`{"model":"m","max_completion_tokens":9,"max_tokens":null}`, llm.Head{Model: "m", MaxOutput: 9}},
		{`{"model":"m","stream":false,"stream_options":{"include_usage":false}}`, llm.Head{Model: "m"}},
	}
	for _, test := range tests {
		call := dialect.Call{Body: []byte(test.body)}
		if got, err := New().Peek(&call); err != nil || got != test.want {
			t.Errorf("%s: %+v, %v; want %+v", test.body, got, err, test.want)
		}
	}
}

func TestPeekRefuses(t *testing.T) {
	tests := []struct{ body, param string }{
		{`{}`, "model"},
		{`{"model":null}`, "model"},
		{`{"model":""}`, "model"},
		{`{"model":["m"]}`, "model"},
		{`{"model":"m","model":"m"}`, "model"},
		{`{"model":"m","mOdel":"m"}`, "model"},
		{`{"model":"m","stream":"true"}`, "stream"},
		{`{"model":"m","stream":true,"Stream":false}`, "stream"},
		{`{"model":"m","n":0}`, "n"},
		{`{"model":"m","n":1.5}`, "n"},
		{`{"model":"m","n":"2"}`, "n"},
		{`{"model":"m","max_tokens":-1}`, "max_tokens"},
		{`{"model":"m","max_tokens":"9"}`, "max_tokens"},
		{`{"model":"m","max_completion_tokens":1e30}`, "max_completion_tokens"},
		{`{"model":"m","max_completion_tokens":9,"max_tokens":8}`, "max_tokens"},
		{`{"model":"m","stream_options":true}`, "stream_options"},
		{`{"model":"m","stream_options":{"include_usage":1}}`, "stream_options.include_usage"},
		{`{"model":"m","stream_options":{"include_usage":true,"include_usage":false}}`, "stream_options"},
		{`{"model":"m"`, ""},
		{`"model"`, ""},
	}
	for _, test := range tests {
		call := dialect.Call{Body: []byte(test.body)}
		_, err := New().Peek(&call)
		var f *fault.Fault
		if !errors.As(err, &f) {
			t.Errorf("%s: %v, want a fault", test.body, err)
			continue
		}
		if f.Kind != fault.Malformed || f.Param != test.param || f.Message == "" {
			t.Errorf("%s: %v (param %q), want param %q", test.body, f, f.Param, test.param)
		}
	}
}

func TestEdit(t *testing.T) {
	tests := []struct {
		name, body string
		edit       dialect.Edit
		want       string
	}{
		{"nothing", `{ "model" : "m", "x":1e0 }`, dialect.Edit{}, `{ "model" : "m", "x":1e0 }`},
		{"model", `{ "model" : "m", "x":1e0 }`, dialect.Edit{Model: `a"b`}, `{ "model" : "a\"b", "x":1e0 }`},
		{"limit under its old name", `{"model":"m","max_tokens":900}`, dialect.Edit{MaxOutput: 100}, `{"model":"m","max_tokens":100}`},
		{"limit under both names", `{"max_tokens":900,"model":"m","max_completion_tokens":900}`, dialect.Edit{MaxOutput: 100}, `{"max_tokens":100,"model":"m","max_completion_tokens":100}`},
		{"a lower limit stays", `{"model":"m","max_completion_tokens":50}`, dialect.Edit{MaxOutput: 100}, `{"model":"m","max_completion_tokens":50}`},
		{"no limit", `{"model":"m"}`, dialect.Edit{MaxOutput: 100}, `{"max_completion_tokens":100,"model":"m"}`},
		{"no limit, old name", `{"model":"m"}`, dialect.Edit{MaxOutput: 100, MaxName: "max_tokens"}, `{"max_tokens":100,"model":"m"}`},
		{"limit is null", `{"model":"m","max_completion_tokens":null}`, dialect.Edit{MaxOutput: 100}, `{"model":"m","max_completion_tokens":100}`},
		{"usage", `{"model":"m","stream":true}`, dialect.Edit{WantUsage: true}, `{"stream_options":{"include_usage":true},"model":"m","stream":true}`},
		{"usage beside others", `{"model":"m","stream":true,"stream_options":{"x": [1]}}`, dialect.Edit{WantUsage: true}, `{"model":"m","stream":true,"stream_options":{"include_usage":true,"x": [1]}}`},
		{"usage refused by the client", `{"model":"m","stream":true,"stream_options":{"include_usage":false}}`, dialect.Edit{WantUsage: true}, `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`},
		{"usage is asked for already", `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`, dialect.Edit{WantUsage: true}, `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`},
		{"no stream, no usage", `{"model":"m"}`, dialect.Edit{WantUsage: true}, `{"model":"m"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			call := dialect.Call{Op: llm.OpChat, Path: Path, Body: []byte(test.body)}
			if _, err := New().Peek(&call); err != nil {
				t.Fatal(err)
			}
			got, err := New().Edit(make([]byte, 0, 512), call, test.edit)
			if err != nil || string(got.Body) != test.want || got.Op != llm.OpChat || got.Path != Path {
				t.Errorf("got %s, %v\nwant %s", got.Body, err, test.want)
			}
			if string(call.Body) != test.body {
				t.Error("the body was changed in place")
			}
		})
	}
}

func TestPeekAndEditAllocations(t *testing.T) {
	body := []byte(`{"messages":[{"role":"user","content":"` + strings.Repeat("text ", 2000) + `"}],"stream":true,"model":"small"}`)
	dst := make([]byte, 0, 2*len(body))
	d := New()
	got := testing.AllocsPerRun(100, func() {
		call := dialect.Call{Body: body}
		if _, err := d.Peek(&call); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Edit(dst, call, dialect.Edit{Model: "large", MaxOutput: 100, WantUsage: true}); err != nil {
			t.Fatal(err)
		}
	})
	if got > 5 { // the model's name, and what Edit is given through interfaces
		t.Errorf("Peek and Edit allocate %v times", got)
	}
}

func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"model":"m","stream":true,"stream_options":{"include_usage":false},"n":2,"max_tokens":5}`), int64(3))
	f.Add([]byte(` { } `), int64(0))
	f.Fuzz(func(t *testing.T, body []byte, most int64) {
		call := dialect.Call{Body: body}
		head, err := New().Peek(&call)
		if err != nil {
			return
		}
		if most < 0 {
			most = 0
		}
		edited, err := New().Edit(nil, call, dialect.Edit{Model: "target", MaxOutput: most, WantUsage: true})
		if err != nil {
			t.Fatal(err)
		}
		again, err := New().Peek(&edited)
		if err != nil {
			t.Fatalf("%q became %q: %v", body, edited.Body, err)
		}
		if again.Model != "target" || again.N != head.N || again.Stream != head.Stream || again.WantUsage != (head.WantUsage || head.Stream) {
			t.Errorf("%q became %q: %+v", body, edited.Body, again)
		}
		if most > 0 && (again.MaxOutput == 0 || again.MaxOutput > most) {
			t.Errorf("%q became %q: limit %d, want at most %d", body, edited.Body, again.MaxOutput, most)
		}
	})
}
