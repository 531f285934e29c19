package openairesponses

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
	tests := []struct {
		name, body string
		want       llm.Head
		param      string // of the refusal; "-" = none named
	}{
		{"all", `{"model":"m\u0031","max_output_tokens":12,"stream":true,"input":[]}`, llm.Head{Model: "m1", MaxOutput: 12, Stream: true}, ""},
		{"least", `{"model":"m"}`, llm.Head{Model: "m"}, ""},
		{"nulls", `{"model":"m","stream":null,"max_output_tokens":null,"input":null}`, llm.Head{Model: "m"}, ""},
		{"whole in another spelling", `{"model":"m","max_output_tokens":1e3}`, llm.Head{Model: "m", MaxOutput: 1000}, ""},
		{"members that are not governed repeat", `{"model":"m","odd":1,"odd":2}`, llm.Head{Model: "m"}, ""},
		{"no model", `{"input":"x"}`, llm.Head{}, "model"},
		{"empty model", `{"model":""}`, llm.Head{}, "model"},
		{"model is a number", `{"model":7}`, llm.Head{}, "model"},
		{"stream is a word", `{"model":"m","stream":"yes"}`, llm.Head{}, "stream"},
		{"limit is broken", `{"model":"m","max_output_tokens":1.5}`, llm.Head{}, "max_output_tokens"},
		{"limit is negative", `{"model":"m","max_output_tokens":-1}`, llm.Head{}, "max_output_tokens"},
		{"two models", `{"model":"cheap","model":"dear"}`, llm.Head{}, "model"},
		{"model in two cases", `{"model":"cheap","Model":"dear"}`, llm.Head{}, "model"},
		{"two inputs", `{"model":"m","input":"a","input":"b"}`, llm.Head{}, "input"},
		{"two threads", `{"model":"m","previous_response_id":"a","Previous_Response_Id":"b"}`, llm.Head{}, "previous_response_id"},
		{"escaped member", `{"m\u006fdel":"dear","model":"cheap"}`, llm.Head{}, "-"},
		{"no object", `[]`, llm.Head{}, "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			call := dialect.Call{Body: []byte(tt.body)}
			got, err := New().Peek(&call)
			if tt.param == "" {
				if err != nil || got != tt.want {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			f, ok := errors.AsType[*fault.Fault](err)
			if !ok || f.Kind != fault.Malformed || tt.param != "-" && f.Param != tt.param {
				t.Errorf("refused with %v", err)
			}
		})
	}
}

func TestEdit(t *testing.T) {
	tests := []struct {
		body string
		edit dialect.Edit
		want string
	}{
		{`{"model": "a", "input" : "x"}`, dialect.Edit{}, `{"model": "a", "input" : "x"}`},
		{`{"model": "a", "input" : "x"}`, dialect.Edit{Model: `b"c`}, `{"model": "b\"c", "input" : "x"}`},
		{`{"model":"a","max_output_tokens":50}`, dialect.Edit{MaxOutput: 40}, `{"model":"a","max_output_tokens":40}`},
		{`{"model":"a","max_output_tokens":30}`, dialect.Edit{MaxOutput: 40}, `{"model":"a","max_output_tokens":30}`},
		{`{"model":"a","max_output_tokens":null}`, dialect.Edit{MaxOutput: 40, WantUsage: true}, `{"model":"a","max_output_tokens":40}`},
		{`{"model":"a","max_output_tokens":0}`, dialect.Edit{MaxOutput: 40}, `{"model":"a","max_output_tokens":40}`},
		{`{"model":"a"}`, dialect.Edit{Model: "b", MaxOutput: 40}, `{"max_output_tokens":40,"model":"b"}`},
	}
	for _, tt := range tests {
		call := dialect.Call{Path: Path, Body: []byte(tt.body)}
		if _, err := New().Peek(&call); err != nil {
			t.Fatal(err)
		}
		got, err := New().Edit([]byte("dst"), call, tt.edit)
		if err != nil || string(got.Body) != tt.want || got.Path != Path || string(call.Body) != tt.body {
			t.Errorf("%s: got %s, %v; the call is now %s", tt.body, got.Body, err, call.Body)
		}
	}
}

func TestMeter(t *testing.T) {
	m := New().Meter()
	at := func(n int) {
		t.Helper()
		for f := range framesOf(streamed) {
			if n--; n < 0 {
				return
			}
			m.Frame(f)
		}
	}
	at(2)
	if r := m.Read(); r.Began || r.Ended || r.ID != "resp_1" || r.Model != "gpt-5-2025" {
		t.Errorf("after the head: %+v", r)
	}
	m = New().Meter()
	at(3)
	if r := m.Read(); !r.Began || r.Ended || r.Usage != nil {
		t.Errorf("after the first item: %+v", r)
	}
	m = New().Meter()
	at(1000)
	want := &dialect.Reading{
		ID: "resp_1", Model: "gpt-5-2025", Tier: "default", Began: true, Ended: true, Stop: llm.Stop{Reason: llm.StopCalls, Native: "completed"},
		Usage: &llm.Usage{
			Said:  llm.SaidInput | llm.SaidCacheRead | llm.SaidOutput | llm.SaidReasoning | llm.SaidTotal,
			Input: 30, CacheRead: 20, Output: 12, Reasoning: 5, Total: 42,
		},
	}
	if d := cmp.Diff(want, m.Read()); d != "" {
		t.Errorf("reading (-want +got):\n%s", d)
	}
	m.Frame(frame.Frame{Data: []byte(`{"type":"response.completed","response":{"usage":{"input_tokens":9}}}`)})
	if m.Read().Usage.Input != 30 {
		t.Error("what follows the end is counted")
	}
}

func TestMeterFaults(t *testing.T) {
	for data, kind := range map[string]fault.Kind{
		`{"type":"error","code":"rate_limit_exceeded","message":"slow down","param":null,"sequence_number":1}`:                               fault.RateLimit,
		`{"type":"error","error":{"type":"tokens","code":"rate_limit_exceeded","message":"slow down","param":null}}`:                         fault.RateLimit,
		`{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"server_error","message":"It broke."}}}`:           fault.Upstream,
		`{"type":"response.failed","response":{"id":"r","status":"failed"}}`:                                                                 fault.Upstream,
		`{"type":"response.failed","response":{"status":"failed","error":{"code":"image_content_policy_violation","message":"No."}}}`:        fault.ContentPolicy,
		`{"type":"response.failed","response":{"status":"failed","error":{"code":"invalid_image_url","message":"There is no such image."}}}`: fault.Malformed,
		`{"error":{"message":"overloaded","type":"server_error"}}`:                                                                           fault.Overloaded,
	} {
		m := New().Meter()
		m.Frame(frame.Frame{Data: []byte(data)})
		if f := m.Read().Fault; f == nil || f.Kind != kind || f.Origin != fault.There || f.Message == "" {
			t.Errorf("%s: fault %v", data, f)
		}
		r := collect(t, "data: "+data+"\n\n")
		if r.Fault == nil || r.Fault.Kind != kind {
			t.Errorf("%s: decoded as %v", data, r.Fault)
		}
	}
	m := New().Meter()
	m.Frame(frame.Frame{Tail: true, Data: []byte(`{"type":"response.completed","response":{}}`)})
	if m.Read().Ended {
		t.Error("a torn frame ended the stream")
	}
}

func TestMeterBody(t *testing.T) {
	m := New().Meter()
	m.Body([]byte(answered))
	r := m.Read()
	if !r.Began || !r.Ended || r.ID != "resp_1" || r.Model != "gpt-5-2025" || r.Stop.Reason != llm.StopCalls || r.Usage.Input != 30 || r.Usage.Searches != 2 {
		t.Errorf("reading %+v %+v", r, r.Usage)
	}
	for body, kind := range map[string]fault.Kind{
		`<html>`: fault.Upstream,
		`{"error":{"type":"rate_limit_error","message":"slow","code":"rate_limit_exceeded"}}`:            fault.RateLimit,
		`{"code":"invalid-argument","error":"there is no such model"}`:                                   fault.Upstream,
		`{"id":"r","object":"response","status":"failed","error":{"code":"server_error","message":"x"}}`: fault.Upstream,
	} {
		m := New().Meter()
		m.Body([]byte(body))
		if f := m.Read().Fault; f == nil || f.Kind != kind || m.Read().Ended {
			t.Errorf("%s: fault %v, ended %v", body, f, m.Read().Ended)
		}
	}
}

func TestFault(t *testing.T) {
	tests := []struct {
		fault fault.Fault
		form  dialect.Form
		want  string
	}{
		{
			fault.Fault{Kind: fault.Malformed, Message: "say \"model\"", Param: "model"},
			dialect.Whole,
			`{"error":{"message":"say \"model\"","type":"invalid_request_error","param":"model","code":null}}`,
		},
		{
			fault.Fault{Kind: fault.Overloaded, Message: "busy"},
			dialect.Stream,
			"event: error\ndata: {\"type\":\"error\",\"code\":\"server_is_overloaded\",\"message\":\"busy\",\"param\":null,\"sequence_number\":0}\n\n",
		},
		{
			fault.Fault{Kind: fault.RateLimit, Message: "slow", Param: "x"},
			dialect.Stream,
			"event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow\",\"param\":\"x\",\"sequence_number\":0}\n\n",
		},
	}
	for _, tt := range tests {
		if got := string(New().Fault([]byte("dst "), &tt.fault, tt.form)); got != "dst "+tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestReadFault(t *testing.T) {
	tests := []struct {
		status        int
		body          string
		kind          fault.Kind
		message, more string // NativeType/Code/Param
	}{
		{400, `{"error":{"message":"No tool output found for function call call_1.","type":"invalid_request_error","param":"input","code":null}}`, fault.Malformed, "No tool output found for function call call_1.", "invalid_request_error//input"},
		{400, `{"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}`, fault.ContextLength, "Your input exceeds the context window of this model.", "invalid_request_error/context_length_exceeded/input"},
		{400, `{"code":"invalid-argument","error":"Model not found: x"}`, fault.NotFound, "Model not found: x", "/invalid-argument/"},
		{400, `{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","code":"invalid_prompt","type":"invalid_request_error"}}`, fault.ContentPolicy, "Invalid prompt: your prompt was flagged as potentially violating our usage policy.", "invalid_request_error/invalid_prompt/"},
		{401, `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, fault.UpstreamAuth, "Incorrect API key provided", "invalid_request_error/invalid_api_key/"},
		{429, `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`, fault.Quota, "You exceeded your current quota", "insufficient_quota/insufficient_quota/"},
		{503, ``, fault.Overloaded, "the provider answered with status 503 (Service Unavailable)", "//"},
		{0, `{"type":"response.failed","response":{"error":{"code":"vector_store_timeout","message":"Too late."}}}`, fault.Timeout, "Too late.", "/vector_store_timeout/"},
		{0, `{"type":"error","code":"bio_policy","message":"No.","param":null,"sequence_number":7}`, fault.ContentPolicy, "No.", "error/bio_policy/"},
	}
	for _, tt := range tests {
		f := New().ReadFault(tt.status, http.Header{}, []byte(tt.body))
		if f.Kind != tt.kind || f.Message != tt.message || f.HTTPStatus != tt.status || f.Origin != fault.There ||
			strings.Join([]string{f.NativeType, f.Code, f.Param}, "/") != tt.more {
			t.Errorf("%d %s:\ngot %s %+v", tt.status, tt.body, f.Kind, f)
		}
	}
	f := New().ReadFault(429, http.Header{"Retry-After": {"7"}}, []byte(`{"error":{"message":"slow"}}`))
	if f.RetryAfter != 7*time.Second {
		t.Errorf("waits %v", f.RetryAfter)
	}
}
