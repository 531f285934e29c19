package cohere

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
	"weir/internal/rawjson"
)

func TestPeek(t *testing.T) {
	tests := []struct {
		name, body string
		want       llm.Head
		param      string // of the refusal; "-" = none named
	}{
		{"all", `{"model":"m\u0031","max_tokens":12,"stream":true,"messages":[]}`, llm.Head{Model: "m1", MaxOutput: 12, Stream: true}, ""},
		{"least", `{"model":"m"}`, llm.Head{Model: "m"}, ""},
		{"nulls", `{"model":"m","stream":null,"max_tokens":null}`, llm.Head{Model: "m"}, ""},
		{"no model", `{"max_tokens":1}`, llm.Head{}, "model"},
		{"model is a number", `{"model":7}`, llm.Head{}, "model"},
		{"stream is a word", `{"model":"m","stream":"yes"}`, llm.Head{}, "stream"},
		{"limit is broken", `{"model":"m","max_tokens":1.5}`, llm.Head{}, "max_tokens"},
		{"limit is negative", `{"model":"m","max_tokens":-1}`, llm.Head{}, "max_tokens"},
		{"two models", `{"model":"cheap","model":"dear"}`, llm.Head{}, "model"},
		{"model in two cases", `{"model":"cheap","Model":"dear"}`, llm.Head{}, "model"},
		{"escaped member", `{"m\u006fdel":"dear","model":"cheap"}`, llm.Head{}, "-"},
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
		{"lower the limit", `{"model":"a","max_tokens":900}`, dialect.Edit{MaxOutput: 100}, `{"model":"a","max_tokens":100}`},
		{"the limit is lower", `{"model":"a","max_tokens":9}`, dialect.Edit{MaxOutput: 100}, `{"model":"a","max_tokens":9}`},
		{"no limit yet", `{"model":"a"}`, dialect.Edit{MaxOutput: 100, Model: "b"}, `{"max_tokens":100,"model":"b"}`},
		{"zero is no limit", `{"model":"a","max_tokens":0}`, dialect.Edit{MaxOutput: 100}, `{"model":"a","max_tokens":100}`},
		{"usage is there anyway", `{"model":"a","stream":true}`, dialect.Edit{WantUsage: true}, `{"model":"a","stream":true}`},
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

// lines makes a stream of events, each named as its type says.
func lines(events ...string) string {
	var b strings.Builder
	for _, e := range events {
		if typ := rawjson.Text(rawjson.Get([]byte(e), "type")); typ != "" {
			b.WriteString("event: " + typ + "\n")
		}
		b.WriteString("data: " + e + "\n\n")
	}
	return b.String()
}

func framesOf(stream string) frame.Seq { return frame.SSE(strings.NewReader(stream), nil, 1<<20) }

func TestMeter(t *testing.T) {
	m := New().Meter()
	feed := func(events ...string) *dialect.Reading {
		for f, err := range framesOf(lines(events...)) {
			if err != nil {
				t.Fatal(err)
			}
			m.Frame(f)
		}
		return m.Read()
	}
	if r := feed(`{"id":"a1","type":"message-start","delta":{"message":{"role":"assistant"}}}`); r.Began || r.ID != "a1" {
		t.Errorf("after the start the meter reads %+v", r)
	}
	// A text that looks like an event is none.
	if r := feed(`{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"{\"type\":\"message-end\",\"delta\":{\"usage\":{}}}"}}}}`); !r.Began || r.Ended || r.Usage != nil {
		t.Errorf("after a delta the meter reads %+v", r)
	}
	r := feed(`{"delta":{"finish_reason":"MAX_TOKENS","usage":{"billed_units":{"input_tokens":3,"output_tokens":9.0},"tokens":{"input_tokens":70,"output_tokens":12,"reasoning_tokens":4},"cached_tokens":64}},"type":"message-end"}`, `[DONE]`)
	want := &llm.Usage{
		Said:        llm.SaidInput | llm.SaidOutput | llm.SaidReasoning | llm.SaidCacheRead | llm.SaidBilledInput | llm.SaidBilledOutput,
		BilledInput: 3, BilledOutput: 9, Input: 70, Output: 12, Reasoning: 4, CacheRead: 64,
	}
	if d := cmp.Diff(want, r.Usage); d != "" || !r.Ended || r.Stop.Reason != llm.StopLength || r.Fault != nil {
		t.Errorf("at the end the meter reads %+v; usage (-want +got):\n%s", r, d)
	}
}

func TestMeterFaults(t *testing.T) {
	tests := []struct {
		name, event string
		kind        fault.Kind
		message     string
	}{
		{"an error", `{"type":"message-end","delta":{"error":"it broke","finish_reason":"ERROR"}}`, fault.Upstream, "it broke"},
		{"out of time", `{"type":"message-end","delta":{"finish_reason":"TIMEOUT"}}`, fault.Timeout, "the provider failed in the middle of the answer"},
		{"a bare error", `{"message":"it broke"}`, fault.Upstream, "it broke"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := New().Meter()
			for f := range framesOf(lines(tt.event)) {
				m.Frame(f)
			}
			if f := m.Read().Fault; f == nil || f.Kind != tt.kind || f.Message != tt.message || f.Origin != fault.There {
				t.Errorf("the meter reads the fault %+v", f)
			}
			resp, err := llm.Collect("", codec{}.DecodeStream(framesOf(lines(tt.event))))
			if err != nil || resp.Fault == nil || resp.Fault.Kind != tt.kind || resp.Fault.Message != tt.message {
				t.Errorf("the decoder reads the fault %+v, %v", resp.Fault, err)
			}
		})
	}
}

func TestMeterBody(t *testing.T) {
	m := New().Meter()
	m.Body([]byte(`{"id":"a1","message":{"role":"assistant","tool_plan":"Hm"},"finish_reason":"TOOL_CALL","usage":{"tokens":{"input_tokens":7}}}`))
	if r := m.Read(); r.ID != "a1" || !r.Began || !r.Ended || r.Stop.Native != "TOOL_CALL" || r.Usage.Input != 7 || r.Fault != nil {
		t.Errorf("the meter reads %+v", r)
	}
	for body, kind := range map[string]fault.Kind{
		`{"message":{"role":"assistant","content":[]},"finish_reason":"ERROR"}`: fault.Upstream,
		`{"message":"no"}`: fault.Upstream,
		`<html>`:           fault.Upstream,
	} {
		m := New().Meter()
		m.Body([]byte(body))
		if f := m.Read().Fault; f == nil || f.Kind != kind {
			t.Errorf("of %s the meter reads %+v", body, f)
		}
	}
}

func TestFault(t *testing.T) {
	f := fault.New(fault.RateLimit, "slow \"down\"")
	if got := string(New().Fault([]byte("x"), f, dialect.Whole)); got != `x{"message":"slow \"down\""}` {
		t.Errorf("whole: %s", got)
	}
	f.ID = "id1"
	if got := string(New().Fault(nil, f, dialect.Whole)); got != `{"id":"id1","message":"slow \"down\""}` {
		t.Errorf("whole: %s", got)
	}
	want := "event: message-end\ndata: {\"type\":\"message-end\",\"id\":\"id1\",\"delta\":{\"error\":\"slow \\\"down\\\"\",\"finish_reason\":\"ERROR\"}}\n\n"
	if got := string(New().Fault(nil, f, dialect.Stream)); got != want {
		t.Errorf("stream: %s", got)
	}
	if got := string(New().Fault(nil, fault.New(fault.Timeout, "late"), dialect.Stream)); !strings.Contains(got, `"finish_reason":"TIMEOUT"`) {
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
		{"wrong key", 401, `{"id":"1","message":"invalid api token"}`, fault.UpstreamAuth, "invalid api token"},
		{"no such model", 404, `{"message":"model 'x' not found"}`, fault.NotFound, "model 'x' not found"},
		{"too long", 400, `{"message":"too many tokens: size limit exceeded"}`, fault.ContextLength, "too many tokens: size limit exceeded"},
		{"too long by its type", 400, `{"error_type":"TOO_MANY_TOKENS","message":"no"}`, fault.ContextLength, "no"},
		{"bad request", 400, `{"message":"invalid request: no messages"}`, fault.Malformed, "invalid request: no messages"},
		{"unprocessable", 422, `{"message":"unknown field","data":"x"}`, fault.Malformed, "unknown field"},
		{"too fast", 429, `{"message":"Too many requests"}`, fault.RateLimit, "Too many requests"},
		{"trial over", 429, `{"message":"You are using a Trial key, which is limited to 1000 API calls / month."}`, fault.Quota, "You are using a Trial key, which is limited to 1000 API calls / month."},
		{"deny-listed token", 498, `{"message":"invalid token"}`, fault.ContentPolicy, "invalid token"},
		{"broken", 500, `{"message":"internal server error"}`, fault.Upstream, "internal server error"},
		{"away", 503, `upstream connect error`, fault.Overloaded, "upstream connect error"},
		{"late", 504, ``, fault.Timeout, "the provider answered with status 504 and no message"},
		{"a page", 502, `<html><title>Bad</title></html>`, fault.Upstream, "the provider answered with status 502 and a page of HTML"},
		{"another's shape", 400, `{"error":{"message":"no","type":"invalid_request_error"}}`, fault.Malformed, "no"},
		{"in a stream", 0, `{"type":"message-end","delta":{"error":"no","finish_reason":"TIMEOUT"}}`, fault.Timeout, "no"},
		{"in a stream, silent", 0, `{"type":"message-end","delta":{"finish_reason":"ERROR"}}`, fault.Upstream, "the provider broke off the answer without a message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := New().ReadFault(tt.status, http.Header{"Retry-After": {"7"}}, []byte(tt.body))
			if f.Kind != tt.kind || f.Message != tt.says || f.HTTPStatus != tt.status || f.Origin != fault.There || f.RetryAfter != 7*time.Second {
				t.Errorf("ReadFault = %+v", f)
			}
		})
	}
	long := New().ReadFault(400, nil, []byte(`{"message":"`+strings.Repeat("ü", 5000)+`"}`))
	if len(long.Message) > dialect.ErrorMost+4 || !strings.HasSuffix(long.Message, "ü…") {
		t.Errorf("a long message has %d bytes and ends in %q", len(long.Message), long.Message[len(long.Message)-8:])
	}
	if f := New().ReadFault(401, nil, []byte(`{"message":"bad key sk-abcdefghijklmnopqrstuvwxyz0123456789ABCDEF"}`)); strings.Contains(f.Message, "ghijkl") {
		t.Errorf("a key is shown: %s", f.Message)
	}
}
