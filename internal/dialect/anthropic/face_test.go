package anthropic

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		{"whole in another spelling", `{"model":"m","max_tokens":1e3}`, llm.Head{Model: "m", MaxOutput: 1000}, ""},
		{"no model", `{"max_tokens":1}`, llm.Head{}, "model"},
		{"empty model", `{"model":""}`, llm.Head{}, "model"},
		{"model is a number", `{"model":7}`, llm.Head{}, "model"},
		{"stream is a word", `{"model":"m","stream":"yes"}`, llm.Head{}, "stream"},
		{"limit is broken", `{"model":"m","max_tokens":1.5}`, llm.Head{}, "max_tokens"},
		{"limit is negative", `{"model":"m","max_tokens":-1}`, llm.Head{}, "max_tokens"},
		{"limit is a text", `{"model":"m","max_tokens":"9"}`, llm.Head{}, "max_tokens"},
		{"two models", `{"model":"cheap","model":"dear"}`, llm.Head{}, "model"},
		{"model in two cases", `{"model":"cheap","Model":"dear"}`, llm.Head{}, "model"},
		{"escaped member", `{"m\u006fdel":"dear","model":"cheap"}`, llm.Head{}, "-"},
		{"no object", `[]`, llm.Head{}, "-"},
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

const stream = `event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":15,"ephemeral_1h_input_tokens":5},"output_tokens":1,"service_tier":"standard","inference_geo":"eu"}}}

event: ping
data: {"type": "ping"}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}   }

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"see."}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""} }

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Gr\u00fc\u00df "}      }

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"dich."}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"look","input":{},"caller":{"type":"direct"}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"at\": \"sky\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null,"container":{"id":"c1"}},"usage":{"output_tokens":42,"output_tokens_details":{"thinking_tokens":7},"server_tool_use":{"web_search_requests":2}}}

event: message_stop
data: {"type":"message_stop"}

`

func streamUsage() *llm.Usage {
	return &llm.Usage{
		Said: llm.SaidInput | llm.SaidCacheRead | llm.SaidCacheWrite | llm.SaidCacheWrite1h | llm.SaidOutput |
			llm.SaidReasoning | llm.SaidSearches,
		Input: 125, CacheRead: 100, CacheWrite: 20, CacheWrite1h: 5, Output: 42, Reasoning: 7, Searches: 2,
		Tier: "standard", Extra: llm.Extra{"inference_geo": json.RawMessage(`"eu"`)},
	}
}

func TestMeterStream(t *testing.T) {
	m := New().Meter()
	began, before := "", ""
	for f := range framesOf(stream) {
		m.Frame(f)
		if before = rawjson.Text(rawjson.Get(f.Data, "type")); m.Read().Began && began == "" {
			began = before
		}
		if m.Read().Ended && before != "message_stop" {
			t.Errorf("ended at %s", before)
		}
	}
	want := &dialect.Reading{
		Usage: streamUsage(), Model: "claude-x", ID: "msg_1", Began: true, Ended: true,
		Stop: llm.Stop{Reason: llm.StopCalls, Native: "tool_use"},
	}
	if d := cmp.Diff(want, m.Read()); d != "" {
		t.Errorf("reading (-want +got):\n%s", d)
	}
	if began != "content_block_start" {
		t.Errorf("began at %q", began)
	}
	if d := cmp.Diff(collect(t, stream).Usage, m.Read().Usage); d != "" {
		t.Errorf("decoder and meter differ:\n%s", d)
	}
}

func TestMeterOddities(t *testing.T) {
	m := New().Meter()
	for _, data := range []string{
		`{"message":{"usage":{"input_tokens":0,"output_tokens":0},"id":"a"},"type":"message_start"}`,
		`not json`, `[DONE]`, `{}`,
		`{"usage":{"input_tokens":30,"output_tokens":4,"cache_read_input_tokens":null},"type":"message_delta","delta":{"stop_reason":"end_turn"}}`,
	} {
		m.Frame(frame.Frame{Data: []byte(data)})
	}
	usage := m.Read().Usage
	if m.Read().Began || m.Read().Ended || usage == nil || usage.Input != 30 || usage.Output != 4 || m.Read().Stop.Reason != llm.StopEnd {
		t.Errorf("reading %+v, usage %+v", m.Read(), usage)
	}
	m.Frame(frame.Frame{Event: "error", Data: []byte(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)})
	if f := m.Read().Fault; f == nil || f.Kind != fault.Overloaded || f.Message != "Overloaded" {
		t.Errorf("fault %v", f)
	}
	m.Frame(frame.Frame{Tail: true, Data: []byte(`{"type":"message_stop"}`)})
	if m.Read().Ended {
		t.Error("a torn frame ended the stream")
	}
}

func TestMeterBody(t *testing.T) {
	m := New().Meter()
	m.Body([]byte(`{"type":"message","id":"msg_1","model":"claude-x","content":[{"type":"text","text":"hi"}],"stop_reason":"stop_sequence","stop_sequence":"END","usage":{"input_tokens":3,"output_tokens":2}}`))
	want := &dialect.Reading{
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 3, Output: 2}, Model: "claude-x", ID: "msg_1",
		Stop: llm.Stop{Reason: llm.StopSequence, Native: "stop_sequence", Sequence: "END"}, Began: true, Ended: true,
	}
	if d := cmp.Diff(want, m.Read()); d != "" {
		t.Errorf("reading (-want +got):\n%s", d)
	}
	for body, kind := range map[string]fault.Kind{
		`<html>`: fault.Upstream,
		`{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}`: fault.RateLimit,
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
			fault.Fault{Kind: fault.Malformed, Message: "say \"model\"", ID: "x1"},
			dialect.Whole,
			`{"type":"error","error":{"type":"invalid_request_error","message":"say \"model\""},"request_id":"x1"}`,
		},
		{
			fault.Fault{Kind: fault.Overloaded, Message: "busy"},
			dialect.Stream,
			"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
		},
		{
			fault.Fault{Kind: fault.Unsupported, Message: "no thread", Code: "thread_unsupported_request"},
			dialect.Whole,
			`{"type":"error","error":{"type":"invalid_request_error","message":"no thread","details":{"error_code":"thread_unsupported_request","unsupported":["thread"]}}}`,
		},
		{fault.Fault{Kind: fault.Unauthorized, Message: "m"}, dialect.Whole, `{"type":"error","error":{"type":"authentication_error","message":"m"}}`},
		{fault.Fault{Kind: fault.UpstreamAuth, Message: "m", NativeType: "authentication_error"}, dialect.Whole, `{"type":"error","error":{"type":"api_error","message":"m"}}`},
		{fault.Fault{Kind: fault.Quota, Message: "m"}, dialect.Whole, `{"type":"error","error":{"type":"rate_limit_error","message":"m"}}`},
		{fault.Fault{Kind: fault.Quota, Message: "m", HTTPStatus: 402}, dialect.Whole, `{"type":"error","error":{"type":"billing_error","message":"m"}}`},
		{fault.Fault{Kind: fault.Timeout, Message: "m"}, dialect.Whole, `{"type":"error","error":{"type":"timeout_error","message":"m"}}`},
		{fault.Fault{Kind: fault.TooLarge, Message: "m"}, dialect.Whole, `{"type":"error","error":{"type":"request_too_large","message":"m"}}`},
		{fault.Fault{Kind: fault.NotFound, Message: "m"}, dialect.Whole, `{"type":"error","error":{"type":"not_found_error","message":"m"}}`},
		{fault.Fault{Kind: fault.Forbidden, Message: "m"}, dialect.Whole, `{"type":"error","error":{"type":"permission_error","message":"m"}}`},
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
		{529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}`, fault.Overloaded, "Overloaded", "overloaded_error//"},
		{0, `{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"}}`, fault.Overloaded, "Overloaded", "overloaded_error//"},
		{413, `{"error":{"type":"request_too_large","message":"too big"}}`, fault.TooLarge, "too big", "request_too_large//"},
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}`, fault.ContextLength, "prompt is too long: 9 tokens > 8 maximum", "invalid_request_error//"},
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to go on."}}`, fault.Quota, "Your credit balance is too low to go on.", "invalid_request_error//"},
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}`, fault.ContentPolicy, "Output blocked by content filtering policy", "invalid_request_error//"},
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"x","details":{"error_code":"thread_unsupported_request"}}}`, fault.Malformed, "x", "invalid_request_error/thread_unsupported_request/"},
		{401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`, fault.UpstreamAuth, "invalid x-api-key", "authentication_error//"},
		{403, `{"error":"forbidden here"}`, fault.UpstreamAuth, "forbidden here", "//"},
		{404, `{"detail":"Not Found"}`, fault.NotFound, "Not Found", "//"},
		{422, `{"message":"bad","code":17,"param":"messages"}`, fault.Malformed, "bad", "/17/messages"},
		{400, `[{"error":{"code":400,"message":"in a list","status":"INVALID_ARGUMENT"}}]`, fault.Malformed, "in a list", "/400/"},
		{402, `"pay first"`, fault.Quota, "pay first", "//"},
		{429, `{"error":{"message":"slow down"}}`, fault.RateLimit, "slow down", "//"},
		{503, ``, fault.Overloaded, "the provider answered with status 503 and no message", "//"},
		{502, `<html><body>nginx</body></html>`, fault.Upstream, "the provider answered with status 502 and a page of HTML", "//"},
		{500, `upstream connect error`, fault.Upstream, "upstream connect error", "//"},
		{504, `{}`, fault.Timeout, "the provider answered with status 504 and no message", "//"},
	}
	for _, tt := range tests {
		f := New().ReadFault(tt.status, http.Header{}, []byte(tt.body))
		if f.Kind != tt.kind || f.Message != tt.message || f.HTTPStatus != tt.status || f.Origin != fault.There ||
			strings.Join([]string{f.NativeType, f.Code, f.Param}, "/") != tt.more {
			t.Errorf("%d %s:\ngot %s %+v", tt.status, tt.body, f.Kind, f)
		}
	}
	long := New().ReadFault(500, nil, []byte(strings.Repeat("ü", 9000)))
	if len(long.Message) > messageMost+8 || !strings.HasSuffix(long.Message, "ü…") {
		t.Errorf("a long message has %d bytes and ends in %q", len(long.Message), long.Message[len(long.Message)-8:])
	}
	secret := New().ReadFault(401, nil, []byte(`{"error":{"message":"bad key sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"}}`))
	if strings.Contains(secret.Message, "klmnopqrstuvw") {
		t.Errorf("a key is echoed: %s", secret.Message)
	}
}

func TestReportedFailures(t *testing.T) {
	folder := os.Getenv("WEIR_RECORDINGS")
	if folder == "" {
		t.Skip("WEIR_RECORDINGS is not set: reported failures are not tried")
	}
	text, err := os.ReadFile(filepath.Join(folder, "failures-reported.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]fault.Kind{
		"overloaded": fault.Overloaded, "rate_limit": fault.RateLimit, "request_too_large": fault.TooLarge, "quota_or_billing": fault.Quota,
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		var r struct {
			Dialect, Kind, Body string
			Status              int
			InStream            bool `json:"in_stream"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Dialect != "anthropic-messages" {
			continue
		}
		n++
		want, ok := kinds[r.Kind]
		var f *fault.Fault
		if r.InStream {
			m := New().Meter()
			for frame := range framesOf(r.Body) {
				m.Frame(frame)
			}
			f = m.Read().Fault
		} else {
			f = New().ReadFault(r.Status, nil, []byte(r.Body))
		}
		if !ok || f == nil || f.Kind != want {
			t.Errorf("%s: fault %v", line, f)
		}
	}
	if n < 5 {
		t.Errorf("only %d failures", n)
	}
}

// TestFaultStatus: what another provider calls overloaded is this dialect's 529; what the gateway says of itself is not.
func TestFaultStatus(t *testing.T) {
	d := New().(dialect.FaultStatus)
	for _, tt := range []struct {
		fault fault.Fault
		want  int
	}{
		{fault.Fault{Kind: fault.Overloaded, Origin: fault.There, HTTPStatus: 503}, 529},
		{fault.Fault{Kind: fault.Overloaded}, 503},
		{fault.Fault{Kind: fault.NotFound, Origin: fault.There, HTTPStatus: 400}, 404},
	} {
		if got := d.FaultStatus(&tt.fault); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.fault, got, tt.want)
		}
	}
}

// TestUpstreamAuthIsNamed: what the provider refused with 401 or 403 has this dialect's word for that.
func TestUpstreamAuthIsNamed(t *testing.T) {
	for status, want := range map[int]string{400: "authentication_error", 401: "authentication_error", 403: "permission_error", 0: "api_error"} {
		f := &fault.Fault{Kind: fault.UpstreamAuth, Message: "m", Origin: fault.There, HTTPStatus: status}
		if got := string(New().Fault(nil, f, dialect.Whole)); !strings.Contains(got, `"type":"`+want+`"`) {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}
