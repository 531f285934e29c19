package converse

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
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
	const path = "/model/m/converse"
	tests := []struct {
		name, path, body string
		want             llm.Head
		param            string // of the refusal; "-" = none named
	}{
		{"least", path, `{}`, llm.Head{Model: "m"}, ""},
		{"limit", path, `{"messages":[],"inferenceConfig":{"maxTokens":12,"temperature":0.5}}`, llm.Head{Model: "m", MaxOutput: 12}, ""},
		{"stream", "/model/m/converse-stream", `{}`, llm.Head{Model: "m", Stream: true, Framing: llm.EventStream}, ""},
		{"escaped model", "/model/anthropic.claude-x%3A0/converse", `{}`, llm.Head{Model: "anthropic.claude-x:0"}, ""},
		{"bare model", "/model/anthropic.claude-x:0/converse", `{}`, llm.Head{Model: "anthropic.claude-x:0"}, ""},
		{"ARN", "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.m%3A0/converse-stream", `{}`, llm.Head{Model: "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.m:0", Stream: true, Framing: llm.EventStream}, ""},
		{"provider and model", "/model/other%2Fgpt/converse", `{}`, llm.Head{Model: "other/gpt"}, ""},
		{"plus stays", "/model/a+b/converse", `{}`, llm.Head{Model: "a+b"}, ""},
		{"nulls", path, `{"inferenceConfig":null,"additionalModelRequestFields":null}`, llm.Head{Model: "m"}, ""},
		{"null limit", path, `{"inferenceConfig":{"maxTokens":null}}`, llm.Head{Model: "m"}, ""},
		{"limit in the model's own words", path, `{"additionalModelRequestFields":{"max_tokens":7,"thinking":{}}}`, llm.Head{Model: "m", MaxOutput: 7}, ""},
		{"limit in Nova's words", path, `{"additionalModelRequestFields":{"inferenceConfig":{"topK":3,"max_new_tokens":9}}}`, llm.Head{Model: "m", MaxOutput: 9}, ""},
		{"the highest limit counts", path, `{"inferenceConfig":{"maxTokens":5},"additionalModelRequestFields":{"max_tokens":50,"maxTokens":40}}`, llm.Head{Model: "m", MaxOutput: 50}, ""},
		{"no model", "/model//converse", `{}`, llm.Head{}, "modelId"},
		{"model of two segments", "/model/a/b/converse", `{}`, llm.Head{}, "modelId"},
		{"broken escape", "/model/a%2/converse", `{}`, llm.Head{}, "modelId"},
		{"control character", "/model/a%00/converse", `{}`, llm.Head{}, "modelId"},
		{"no UTF-8", "/model/a%ff/converse", `{}`, llm.Head{}, "modelId"},
		{"another path", "/model/a/invoke", `{}`, llm.Head{}, "modelId"},
		{"another root", "/models/a/converse", `{}`, llm.Head{}, "modelId"},
		{"limit of zero", path, `{"inferenceConfig":{"maxTokens":0}}`, llm.Head{}, "inferenceConfig.maxTokens"},
		{"broken limit", path, `{"inferenceConfig":{"maxTokens":1.5}}`, llm.Head{}, "inferenceConfig.maxTokens"},
		{"two limits", path, `{"inferenceConfig":{"maxTokens":1,"maxTokens":100}}`, llm.Head{}, "inferenceConfig.maxTokens"},
		{"limit in another case", path, `{"inferenceConfig":{"maxtokens":100}}`, llm.Head{}, "inferenceConfig.maxTokens"},
		{"escaped limit", path, `{"inferenceConfig":{"max\u0054okens":100}}`, llm.Head{}, "inferenceConfig"},
		{"two configurations", path, `{"inferenceConfig":{},"inferenceConfig":{"maxTokens":100}}`, llm.Head{}, "inferenceConfig"},
		{"configuration in another case", path, `{"InferenceConfig":{"maxTokens":100}}`, llm.Head{}, "inferenceConfig"},
		{"configuration is a text", path, `{"inferenceConfig":"x"}`, llm.Head{}, "inferenceConfig"},
		{"fields are a list", path, `{"additionalModelRequestFields":[]}`, llm.Head{}, "additionalModelRequestFields"},
		{"two limits in fields", path, `{"additionalModelRequestFields":{"max_tokens":1,"max_tokens":2}}`, llm.Head{}, "additionalModelRequestFields.max_tokens"},
		{"two limits in Nova's words", path, `{"additionalModelRequestFields":{"inferenceConfig":{"maxTokens":1,"maxTokens":2}}}`, llm.Head{}, "additionalModelRequestFields.inferenceConfig.maxTokens"},
		{"no object", path, `[]`, llm.Head{}, "-"},
		{"no JSON", path, `{"messages":}`, llm.Head{}, "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialect.Call{Path: tt.path, Body: []byte(tt.body)}
			got, err := New().Peek(&c)
			if tt.param == "" {
				if err != nil || got != tt.want {
					t.Fatalf("Peek = %+v, %v; want %+v", got, err, tt.want)
				}
				return
			}
			f, ok := errors.AsType[*fault.Fault](err)
			if !ok || f.Kind != fault.Malformed || tt.param != "-" && f.Param != tt.param {
				t.Errorf("Peek's error = %#v, want one of %s", err, tt.param)
			}
		})
	}
}

func TestEdit(t *testing.T) {
	tests := []struct {
		name, path, body   string
		edit               dialect.Edit
		wantPath, wantBody string
	}{
		{"nothing", "/model/a%3a/converse", `{ "x":1.50 }`, dialect.Edit{}, "/model/a%3a/converse", `{ "x":1.50 }`},
		{"model", "/model/a/converse", `{ "x":1.50 }`, dialect.Edit{Model: "anthropic.claude-x:0"}, "/model/anthropic.claude-x%3A0/converse", `{ "x":1.50 }`},
		{"model of a stream", "/model/a/converse-stream", `{}`, dialect.Edit{Model: "other/gpt 5.1_~-ü"}, "/model/other%2Fgpt%205.1_~-%C3%BC/converse-stream", `{}`},
		{"no limit yet", "/model/a/converse", `{"x":1}`, dialect.Edit{MaxOutput: 100}, "/model/a/converse", `{"inferenceConfig":{"maxTokens":100},"x":1}`},
		{"null", "/model/a/converse", `{"inferenceConfig":null}`, dialect.Edit{MaxOutput: 100}, "/model/a/converse", `{"inferenceConfig":{"maxTokens":100}}`},
		{"no limit in the configuration", "/model/a/converse", `{"inferenceConfig":{"topP": 1.0}}`, dialect.Edit{MaxOutput: 100}, "/model/a/converse", `{"inferenceConfig":{"maxTokens":100,"topP": 1.0}}`},
		{"lower the limit", "/model/a/converse", `{"inferenceConfig":{ "maxTokens": 900 }}`, dialect.Edit{MaxOutput: 100}, "/model/a/converse", `{"inferenceConfig":{ "maxTokens": 100 }}`},
		{"the limit is lower", "/model/a/converse", `{"inferenceConfig":{"maxTokens":9}}`, dialect.Edit{MaxOutput: 100}, "/model/a/converse", `{"inferenceConfig":{"maxTokens":9}}`},
		{
			"limits in other words", "/model/a/converse", `{"additionalModelRequestFields":{"max_tokens":900,"k":1,"inferenceConfig":{"maxTokens":800,"topK":2},"maxTokens":5}}`,
			dialect.Edit{MaxOutput: 100},
			"/model/a/converse", `{"additionalModelRequestFields":{"max_tokens":100,"k":1,"inferenceConfig":{"maxTokens":100,"topK":2},"maxTokens":5}}`,
		},
		{
			"a lower limit in other words is enough", "/model/a/converse", `{"inferenceConfig":{"topP":1},"additionalModelRequestFields":{"max_tokens":9}}`,
			dialect.Edit{MaxOutput: 100},
			"/model/a/converse", `{"inferenceConfig":{"topP":1},"additionalModelRequestFields":{"max_tokens":9}}`,
		},
		{
			"both", "/model/a/converse", `{"additionalModelRequestFields":{"max_tokens":900},"inferenceConfig":{"maxTokens":901}}`,
			dialect.Edit{MaxOutput: 100, Model: "b"},
			"/model/b/converse", `{"additionalModelRequestFields":{"max_tokens":100},"inferenceConfig":{"maxTokens":100}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialect.Call{Path: tt.path, Body: []byte(tt.body)}
			if _, err := New().Peek(&c); err != nil {
				t.Fatal(err)
			}
			got, err := New().Edit([]byte("dst"), c, tt.edit)
			if err != nil || string(got.Body) != tt.wantBody || got.Path != tt.wantPath {
				t.Errorf("Edit = %s %s, %v; want %s %s", got.Path, got.Body, err, tt.wantPath, tt.wantBody)
			}
			if string(c.Body) != tt.body {
				t.Errorf("the body was changed to %s", c.Body)
			}
		})
	}
}

const metadata = `{"metrics":{"latencyMs":5},"p":"abc","usage":{"inputTokens":5,"outputTokens":42,"totalTokens":167,"cacheReadInputTokens":100,"cacheReadInputTokenCount":100,"cacheWriteInputTokens":20,` +
	`"cacheDetails":[{"ttl":"1h","inputTokens":5},{"ttl":"5m","inputTokens":15}],"serverToolUsage":{}},"serviceTier":{"type":"priority"}}`

func streamUsage() *llm.Usage {
	return &llm.Usage{
		Said:  llm.SaidInput | llm.SaidCacheRead | llm.SaidCacheWrite | llm.SaidCacheWrite1h | llm.SaidOutput | llm.SaidTotal,
		Input: 125, CacheRead: 100, CacheWrite: 20, CacheWrite1h: 5, Output: 42, Total: 167, Extra: llm.Extra{"serverToolUsage": raw(`{}`)},
	}
}

func TestMeterStream(t *testing.T) {
	m := New().Meter()
	began, ended := "", ""
	for f := range framesOf(stream) {
		m.Frame(f)
		if m.Read().Began && began == "" {
			began = f.Event
		}
		if m.Read().Ended && ended == "" {
			ended = f.Event
		}
	}
	want := &dialect.Reading{Usage: streamUsage(), Began: true, Ended: true, Tier: "priority", Stop: llm.Stop{Reason: llm.StopSequence, Native: "stop_sequence", Sequence: "END"}}
	if d := cmp.Diff(want, m.Read(), same); d != "" {
		t.Errorf("reading (-want +got):\n%s", d)
	}
	if began != eventDelta || ended != eventMetadata {
		t.Errorf("began at %q, ended at %q", began, ended)
	}
	if d := cmp.Diff(collect(t, stream).Usage, m.Read().Usage, same); d != "" {
		t.Errorf("decoder and meter differ:\n%s", d)
	}
}

func TestMeterOddities(t *testing.T) {
	m := New().Meter()
	for _, e := range [][2]string{{eventStart, `not json`}, {eventStop, `not json`}, {eventMetadata, `{"usage":`}, {"somethingNew", `{}`}, {eventStart, `{"role":"assistant"}`}} {
		m.Frame(frame.Frame{Event: e[0], Data: []byte(e[1])})
	}
	m.Frame(frame.Frame{Tail: true, Event: eventDelta})
	if r := m.Read(); r.Began || r.Ended || r.Usage != nil || r.Stop.Reason != "" || r.Fault != nil {
		t.Errorf("reading %+v", r)
	}
	m.Frame(frame.Frame{Event: "throttlingException", Failed: true, Data: []byte(`{"message":"Too many requests"}`)})
	if f := m.Read().Fault; f == nil || f.Kind != fault.RateLimit || f.Message != "Too many requests" {
		t.Errorf("fault %v", f)
	}
}

func TestMeterBody(t *testing.T) {
	m := New().Meter()
	m.Body([]byte(`{"output":{"message":{"role":"assistant","content":[{"text":"hi"}]}},"stopReason":"max_tokens","usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5}}`))
	want := &dialect.Reading{
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput | llm.SaidTotal, Input: 3, Output: 2, Total: 5},
		Stop:  llm.Stop{Reason: llm.StopLength, Native: "max_tokens"}, Began: true, Ended: true,
	}
	if d := cmp.Diff(want, m.Read()); d != "" {
		t.Errorf("reading (-want +got):\n%s", d)
	}
	for body, kind := range map[string]fault.Kind{
		`<html>`: fault.Upstream, `{}`: fault.Upstream, `{"message":"Too many input tokens","__type":"ValidationException"}`: fault.ContextLength,
		`{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}`: fault.NotFound,
	} {
		m := New().Meter()
		m.Body([]byte(body))
		if f := m.Read().Fault; f == nil || f.Kind != kind || f.Message == "" || m.Read().Ended {
			t.Errorf("%s: fault %v, ended %v", body, f, m.Read().Ended)
		}
	}
}

func TestFault(t *testing.T) {
	for kind, want := range map[fault.Kind][2]string{
		fault.Malformed:     {"ValidationException", "validationException"},
		fault.Unsupported:   {"ValidationException", "validationException"},
		fault.ContextLength: {"ValidationException", "validationException"},
		fault.TooLarge:      {"ValidationException", "validationException"},
		fault.Unauthorized:  {"AccessDeniedException", "AccessDeniedException"},
		fault.Forbidden:     {"AccessDeniedException", "AccessDeniedException"},
		fault.NotFound:      {"ResourceNotFoundException", "ResourceNotFoundException"},
		fault.RateLimit:     {"ThrottlingException", "throttlingException"},
		fault.Quota:         {"ServiceQuotaExceededException", "ServiceQuotaExceededException"},
		fault.Overloaded:    {"ServiceUnavailableException", "serviceUnavailableException"},
		fault.Unavailable:   {"ServiceUnavailableException", "serviceUnavailableException"},
		fault.Timeout:       {"ModelTimeoutException", "modelStreamErrorException"},
		fault.Upstream:      {"ModelErrorException", "modelStreamErrorException"},
		fault.Cut:           {"ModelErrorException", "modelStreamErrorException"},
		fault.UpstreamAuth:  {"InternalServerException", "internalServerException"},
		fault.Internal:      {"InternalServerException", "internalServerException"},
	} {
		f := fault.New(kind, "say \"what\"")
		whole := string(New().Fault([]byte("dst "), f, dialect.Whole))
		if whole != `dst {"message":"say \"what\"","__type":"`+want[0]+`"}` {
			t.Errorf("%s: %s", kind, whole)
		}
		h := http.Header{}
		New().(dialect.FaultHeader).FaultHeader(h, f)
		if got := h.Get("x-amzn-ErrorType"); got != want[0] {
			t.Errorf("%s: the head says %s", kind, got)
		}
		n := 0
		for got := range framesOf(string(New().Fault(nil, f, dialect.Stream))) {
			data := `{"message":"say \"what\""}`
			if want[1] == want[0] { // the stream's model does not name it: no exception but an error, whose words stand in the head
				data = f.Message
			}
			if n++; !got.Failed || got.Event != want[1] || string(got.Data) != data {
				t.Errorf("%s: in a stream %s %s", kind, got.Event, got.Data)
			}
			m := New().Meter()
			m.Frame(got)
			if back := m.Read().Fault; back == nil || back.Message != f.Message || want[1] == want[0] && back.Retry() != f.Retry() && kind != fault.Unauthorized && kind != fault.Forbidden {
				t.Errorf("%s: read back as %+v", kind, back)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d frames", kind, n)
		}
	}
	refused := &fault.Fault{Kind: fault.UpstreamAuth, Origin: fault.There, Message: "withdrawn"}
	for got := range framesOf(string(New().Fault(nil, refused, dialect.Stream))) {
		if !got.Failed || got.Event != "AccessDeniedException" || string(got.Data) != "withdrawn" {
			t.Errorf("a credential refused in mid-stream: %s %s", got.Event, got.Data)
		}
	}
}

func TestReadFault(t *testing.T) {
	tests := []struct {
		status       int
		header, body string
		kind         fault.Kind
		message, typ string
	}{
		{400, "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/", `{"message":"Malformed input request"}`, fault.Malformed, "Malformed input request", "ValidationException"},
		{400, "ValidationException", `{"message":"The model returned the following errors: prompt is too long: 9 tokens > 8 maximum"}`, fault.ContextLength, "", "ValidationException"},
		{400, "", `{"message":"Input is too long for requested model."}`, fault.ContextLength, "", ""},
		{400, "ValidationException", `{"message":"Too many input tokens. Max input tokens: 8, request input token count: 9"}`, fault.ContextLength, "", "ValidationException"},
		{400, "ValidationException", `{"message":"The provided model identifier is invalid."}`, fault.NotFound, "", "ValidationException"},
		{400, "ValidationException", `{"message":"Output blocked by content filtering policy"}`, fault.ContentPolicy, "", "ValidationException"},
		{400, "ServiceQuotaExceededException", `{"message":"over"}`, fault.Quota, "over", "ServiceQuotaExceededException"},
		{429, "ThrottlingException", `{"message":"Too many tokens, please wait before trying again."}`, fault.RateLimit, "", "ThrottlingException"},
		{429, "ThrottlingException", `{"message":"Too many tokens per day, please wait before trying again."}`, fault.Quota, "", "ThrottlingException"},
		{429, "", `{"message":"slow"}`, fault.RateLimit, "slow", ""},
		{429, "ModelNotReadyException", `{"message":"warming up"}`, fault.Overloaded, "warming up", "ModelNotReadyException"},
		{403, "AccessDeniedException", `{"Message":"User is not authorized"}`, fault.UpstreamAuth, "User is not authorized", "AccessDeniedException"},
		{403, "", `{"Message":"Authentication failed"}`, fault.UpstreamAuth, "Authentication failed", ""},
		{400, "ExpiredTokenException", `{"message":"The security token included in the request is expired"}`, fault.UpstreamAuth, "", "ExpiredTokenException"},
		{403, "UnrecognizedClientException", `{"message":"The security token included in the request is invalid."}`, fault.UpstreamAuth, "", "UnrecognizedClientException"},
		{403, "InvalidSignatureException", `{"message":"Signature expired"}`, fault.UpstreamAuth, "Signature expired", "InvalidSignatureException"},
		{404, "ResourceNotFoundException", `{"message":"end of its life"}`, fault.NotFound, "end of its life", "ResourceNotFoundException"},
		{404, "", `{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}`, fault.NotFound, "the provider answered with status 404 and no message (UnknownOperationException)", "UnknownOperationException"},
		{408, "ModelTimeoutException", `{"message":"late"}`, fault.Timeout, "late", "ModelTimeoutException"},
		{424, "ModelErrorException", `{"message":"failed","originalStatusCode":500}`, fault.Upstream, "failed", "ModelErrorException"},
		{424, "", `{"message":"failed"}`, fault.Upstream, "failed", ""},
		{500, "InternalServerException", `{"message":"oh"}`, fault.Upstream, "oh", "InternalServerException"},
		{503, "ServiceUnavailableException", `{"message":"Bedrock is unable to process your request."}`, fault.Overloaded, "", "ServiceUnavailableException"},
		{400, "", `{"__type":"com.amazon.x#ThrottlingException","message":"slow"}`, fault.RateLimit, "slow", "ThrottlingException"},
		{400, "", `{"code":"ThrottlingException","message":"slow"}`, fault.RateLimit, "slow", "ThrottlingException"},
		{0, "", `{"message":"broken","originalMessage":"x"}`, fault.Upstream, "broken", ""},
		{0, "modelStreamErrorException", `{"originalMessage":"overloaded"}`, fault.Overloaded, "overloaded", "modelStreamErrorException"},
		{0, "internalServerException", ``, fault.Upstream, "the provider broke off the answer without a message (internalServerException)", "internalServerException"},
		{502, "", `<html><body>nginx</body></html>`, fault.Upstream, "the provider answered with status 502 and a page", ""},
		{500, "", `upstream connect error`, fault.Upstream, "upstream connect error", ""},
		{413, "", ``, fault.TooLarge, "the provider answered with status 413 and no message", ""},
		{422, "", `"plain"`, fault.Malformed, "plain", ""},
	}
	for _, tt := range tests {
		h := http.Header{"Retry-After": {"7"}}
		if tt.header != "" {
			h.Set(errorHeader, tt.header)
		}
		f := New().ReadFault(tt.status, h, []byte(tt.body))
		if tt.message == "" {
			tt.message = rawjson.Text(rawjson.Get([]byte(tt.body), "message"))
		}
		if f.Kind != tt.kind || f.Message != tt.message || f.NativeType != tt.typ || f.HTTPStatus != tt.status || f.Origin != fault.There || f.RetryAfter != 7*time.Second {
			t.Errorf("%d %s:\ngot %s %+v", tt.status, tt.body, f.Kind, f)
		}
	}
	long := New().ReadFault(500, nil, []byte(strings.Repeat("ü", 9000)))
	if len(long.Message) > messageMost+8 || !strings.HasSuffix(long.Message, "ü…") {
		t.Errorf("a long message has %d bytes", len(long.Message))
	}
	secret := New().ReadFault(401, nil, []byte(`{"message":"bad key sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"}`))
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
	kinds := map[string][]fault.Kind{
		"overloaded": {fault.Overloaded}, "rate_limit": {fault.RateLimit}, "quota_or_billing": {fault.Quota}, "permission": {fault.UpstreamAuth},
		"invalid_request": {fault.Malformed}, "server_error": {fault.Upstream}, "timeout": {fault.Timeout}, "not_found": {fault.NotFound},
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		var r struct {
			Dialect, Kind, Body string
			Status              int
			Headers             map[string]string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Dialect != string(llm.BedrockConverse) {
			continue
		}
		n++
		h := http.Header{}
		for name, v := range r.Headers {
			h.Set(name, v)
		}
		f := New().ReadFault(r.Status, h, []byte(r.Body))
		if want := kinds[r.Kind]; len(want) == 0 || f.Kind != want[0] {
			t.Errorf("%s: fault %v", line, f)
		}
	}
	if n < 10 {
		t.Errorf("only %d failures", n)
	}
}

// TestUpstreamAuthIsNamed: what the provider refused with 401 or 403 has this dialect's word for that.
func TestUpstreamAuthIsNamed(t *testing.T) {
	for status, want := range map[int]string{400: "AccessDeniedException", 401: "AccessDeniedException", 403: "AccessDeniedException", 0: "InternalServerException"} {
		f := &fault.Fault{Kind: fault.UpstreamAuth, Message: "m", Origin: fault.There, HTTPStatus: status}
		if got := string(New().Fault(nil, f, dialect.Whole)); !strings.Contains(got, want) {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}
