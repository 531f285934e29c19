package ollama

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
)

func TestPeek(t *testing.T) {
	head := func(model string, stream bool, most int64) llm.Head {
		return llm.Head{Model: model, Stream: stream, MaxOutput: most, Framing: llm.NDJSON}
	}
	tests := []struct {
		name, body string
		want       llm.Head
		param      string // of the refusal; "-" = none named
	}{
		{"all", `{"model":"m\u0031","stream":false,"options":{"num_ctx":1,"num_predict":12}}`, head("m1", false, 12), ""},
		{"it streams unless told not to", `{"model":"m"}`, head("m", true, 0), ""},
		{"nulls", `{"model":"m","stream":null,"options":null}`, head("m", true, 0), ""},
		{"null limit", `{"model":"m","options":{"num_predict":null}}`, head("m", true, 0), ""},
		{"no limit", `{"model":"m","options":{"num_predict":-1}}`, head("m", true, 0), ""},
		{"as the context holds", `{"model":"m","options":{"num_predict":-2}}`, head("m", true, 0), ""},
		{"no model", `{}`, llm.Head{}, "model"},
		{"empty model", `{"model":""}`, llm.Head{}, "model"},
		{"stream is a word", `{"model":"m","stream":"yes"}`, llm.Head{}, "stream"},
		{"options are a list", `{"model":"m","options":[]}`, llm.Head{}, "options"},
		{"limit is broken", `{"model":"m","options":{"num_predict":1.5}}`, llm.Head{}, "options.num_predict"},
		{"two limits", `{"model":"m","options":{"num_predict":1,"num_predict":9}}`, llm.Head{}, "options.num_predict"},
		{"limit in two cases", `{"model":"m","options":{"num_predict":1,"Num_Predict":9}}`, llm.Head{}, "options.num_predict"},
		{"two options", `{"model":"m","options":{},"options":{"num_predict":9}}`, llm.Head{}, "options"},
		{"two models", `{"model":"cheap","model":"dear"}`, llm.Head{}, "model"},
		{"model in two cases", `{"model":"cheap","Model":"dear"}`, llm.Head{}, "model"},
		{"no JSON", `{"model":"m",}`, llm.Head{}, "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialect.Call{Body: []byte(tt.body)}
			got, err := New().Peek(&c)
			if tt.param == "" {
				if err != nil || got != tt.want {
					t.Fatalf("Peek = %+v, %v; want %+v", got, err, tt.want)
				}
				return
			}
			var f *fault.Fault
			if !errors.As(err, &f) || f.Kind != fault.Malformed || tt.param != "-" && f.Param != tt.param {
				t.Errorf("Peek's error = %#v, want one of %s", err, tt.param)
			}
		})
	}
}

func TestEdit(t *testing.T) {
	tests := []struct {
		name, body string
		edit       dialect.Edit
		want       string
	}{
		{"model", `{ "model" : "a" , "x":1.50 }`, dialect.Edit{Model: "b\"c"}, `{ "model" : "b\"c" , "x":1.50 }`},
		{"nothing", `{"model":"a"}`, dialect.Edit{}, `{"model":"a"}`},
		{"lower the limit", `{"model":"a","options":{ "num_predict" : 900, "seed":1 }}`, dialect.Edit{MaxOutput: 100}, `{"model":"a","options":{ "num_predict" : 100, "seed":1 }}`},
		{"the limit is lower", `{"model":"a","options":{"num_predict":9}}`, dialect.Edit{MaxOutput: 100}, `{"model":"a","options":{"num_predict":9}}`},
		{"no limit", `{"model":"a","options":{"num_predict":-1}}`, dialect.Edit{MaxOutput: 100}, `{"model":"a","options":{"num_predict":100}}`},
		{"as the context holds", `{"model":"a","options":{"num_predict":-2}}`, dialect.Edit{MaxOutput: 100}, `{"model":"a","options":{"num_predict":100}}`},
		{"zero is no limit", `{"model":"a","options":{"num_predict":0}}`, dialect.Edit{MaxOutput: 100}, `{"model":"a","options":{"num_predict":100}}`},
		{"no limit yet", `{"model":"a","options":{"seed":1}}`, dialect.Edit{MaxOutput: 100, Model: "b"}, `{"model":"b","options":{"num_predict":100,"seed":1}}`},
		{"no options yet", `{"model":"a"}`, dialect.Edit{MaxOutput: 100, Model: "b"}, `{"options":{"num_predict":100},"model":"b"}`},
		{"null options", `{"model":"a","options":null}`, dialect.Edit{MaxOutput: 100}, `{"model":"a","options":{"num_predict":100}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialect.Call{Body: []byte(tt.body)}
			if _, err := New().Peek(&c); err != nil {
				t.Fatal(err)
			}
			got, err := New().Edit([]byte("dst"), c, tt.edit)
			if err != nil || string(got.Body) != tt.want {
				t.Errorf("Edit = %s, %v; want %s", got.Body, err, tt.want)
			}
			if string(c.Body) != tt.body {
				t.Errorf("the body was changed to %s", c.Body)
			}
		})
	}
}

func framesOf(stream string) frame.Seq { return frame.Lines(strings.NewReader(stream), nil, 1<<20) }

func TestMeter(t *testing.T) {
	m := New().Meter()
	feed := func(stream string) *dialect.Reading {
		for f, err := range framesOf(stream) {
			if err != nil {
				t.Fatal(err)
			}
			m.Frame(f)
		}
		return m.Read()
	}
	if r := feed(`{"model":"m","message":{"role":"assistant","content":"","tool_calls":null},"done":false}` + "\n"); r.Began || r.Model != "m" {
		t.Errorf("after an empty line the meter reads %+v", r)
	}
	// A text that looks like members is none.
	if r := feed(`{"model":"m","message":{"role":"assistant","content":"\"done\":true,\"error\":\"x\""},"done":false}` + "\n"); !r.Began || r.Ended || r.Fault != nil {
		t.Errorf("after a text the meter reads %+v", r)
	}
	r := feed(`{"model":"m","message":{"role":"assistant","content":""},"done" : true,"done_reason":"length","prompt_eval_count":3,"eval_count":4}`) // without its end
	want := &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 3, Output: 4}
	if d := cmp.Diff(want, r.Usage); d != "" || !r.Ended || r.Stop.Reason != llm.StopLength {
		t.Errorf("at the end the meter reads %+v; usage (-want +got):\n%s", r, d)
	}
	m = New().Meter()
	if r := feed(`{"model":"m","message":{"role":"assistant","content":"","thinking":"H"},"done":false}` + "\n" + `{"error":"it broke"}` + "\n"); r.Fault == nil || r.Fault.Message != "it broke" || !r.Began || r.Ended {
		t.Errorf("after an error the meter reads %+v", r)
	}
	m = New().Meter()
	if r := feed(`{"model":"m","message":{"role":"assistant","content":"a"},"done":tr`); r.Began || r.Ended {
		t.Errorf("of a line that is cut short the meter reads %+v", r)
	}
}

func TestMeterBody(t *testing.T) {
	m := New().Meter()
	m.Body([]byte(`{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f"}}]},"done_reason":"stop","done":true,"eval_count":7}`))
	if r := m.Read(); r.Model != "m" || !r.Began || !r.Ended || r.Stop.Native != "stop" || r.Usage.Output != 7 || r.Fault != nil {
		t.Errorf("the meter reads %+v", r)
	}
	for _, body := range []string{`{"error":"no"}`, `{"message":"no"}`, `<html>`} {
		m := New().Meter()
		m.Body([]byte(body))
		if f := m.Read().Fault; f == nil || f.Kind != fault.Upstream || f.Origin != fault.There {
			t.Errorf("of %s the meter reads %+v", body, f)
		}
	}
}

func TestFault(t *testing.T) {
	f := fault.New(fault.RateLimit, "slow \"down\"\nnow")
	if got := string(New().Fault([]byte("x"), f, dialect.Whole)); got != `x{"error":"slow \"down\"\nnow"}` {
		t.Errorf("whole: %s", got)
	}
	if got := string(New().Fault(nil, f, dialect.Stream)); got != `{"error":"slow \"down\"\nnow"}`+"\n" {
		t.Errorf("stream: %s", got)
	}
}

func TestReadFault(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		kind   fault.Kind
		says   string
	}{
		{"no such model", 404, `{"error":"model 'x' not found"}`, fault.NotFound, "model 'x' not found"},
		{"no such model in a stream", 0, `{"error":"model 'x' not found"}`, fault.NotFound, "model 'x' not found"},
		{"no tools", 400, `{"error":"\"m\" does not support tools"}`, fault.Malformed, `"m" does not support tools`},
		{"too long", 400, `{"error":"the input length exceeds the context length"}`, fault.ContextLength, "the input length exceeds the context length"},
		{"too long, as a failure", 500, `{"error":"prompt is too long"}`, fault.ContextLength, "prompt is too long"},
		{"busy", 503, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`, fault.Overloaded, "server busy, please try again.  maximum pending requests exceeded"},
		{"busy in a stream", 0, `{"error":"server busy, please try again"}`, fault.Overloaded, "server busy, please try again"},
		{"not allowed", 401, `{"error":"unauthorized"}`, fault.UpstreamAuth, "unauthorized"},
		{"used up", 429, `{"error":"you've reached your hourly usage limit"}`, fault.Quota, "you've reached your hourly usage limit"},
		{"too fast", 429, `{"error":"too many requests"}`, fault.RateLimit, "too many requests"},
		{"broken", 500, `{"error":"llama runner process has terminated"}`, fault.Upstream, "llama runner process has terminated"},
		{"another's shape", 400, `{"error":{"message":"no"}}`, fault.Malformed, "no"},
		{"text", 404, `404 page not found`, fault.NotFound, "404 page not found"},
		{"nothing", 502, ``, fault.Upstream, "the provider answered with status 502 and no message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := New().ReadFault(tt.status, http.Header{"Retry-After": {"7"}}, []byte(tt.body))
			if f.Kind != tt.kind || f.Message != tt.says || f.HTTPStatus != tt.status || f.Origin != fault.There || f.RetryAfter != 7*time.Second {
				t.Errorf("ReadFault = %+v", f)
			}
		})
	}
}
