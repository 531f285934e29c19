package openai

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

func TestAppendFault(t *testing.T) {
	tests := []struct {
		f    *fault.Fault
		want string
	}{
		{
			&fault.Fault{Kind: fault.Malformed, Message: "say \"n\"\n", Param: "n"},
			`{"error":{"message":"say \"n\"\n","type":"invalid_request_error","param":"n","code":null}}`,
		},
		{
			&fault.Fault{Kind: fault.Unauthorized, Message: "no key"},
			`{"error":{"message":"no key","type":"authentication_error","param":null,"code":"invalid_api_key"}}`,
		},
		{
			&fault.Fault{Kind: fault.Quota, Message: "spent"},
			`{"error":{"message":"spent","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`,
		},
		{
			&fault.Fault{Kind: fault.NotFound, Message: "no such model", Param: "model"},
			`{"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}`,
		},
		{
			&fault.Fault{Kind: fault.ContextLength, Message: "too long", Code: "their_word"},
			`{"error":{"message":"too long","type":"invalid_request_error","param":null,"code":"their_word"}}`,
		},
		{
			&fault.Fault{Kind: fault.Cut, Message: "broke off"},
			`{"error":{"message":"broke off","type":"server_error","param":null,"code":null}}`,
		},
	}
	for _, test := range tests {
		if got := string(AppendFault([]byte("x"), test.f, dialect.Whole)); got != "x"+test.want {
			t.Errorf("%v:\n got %s\nwant %s", test.f, got[1:], test.want)
		}
		if got := string(AppendFault(nil, test.f, dialect.Stream)); got != "data: "+test.want+"\n\n" {
			t.Errorf("%v in a stream: %s", test.f, got)
		}
	}
	for k := fault.Internal; k <= fault.MethodNotAllowed; k++ {
		if b := AppendFault(nil, &fault.Fault{Kind: k}, dialect.Whole); rawjson.Check(b) != nil || rawjson.Text(rawjson.Get(b, "error", "type")) == "" {
			t.Errorf("%v: %s", k, b)
		}
	}
}

func TestReadFault(t *testing.T) {
	h := func(kv ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(kv); i += 2 {
			h.Set(kv[i], kv[i+1])
		}
		return h
	}
	tests := []struct {
		name    string
		status  int
		h       http.Header
		body    string
		kind    fault.Kind
		message string
		typ     string
		code    string
		wait    time.Duration
	}{
		{name: "plain", status: 400, body: `{"error":{"message":"m","type":"invalid_request_error","param":"p","code":"c"}}`, kind: fault.Malformed, message: "m", typ: "invalid_request_error", code: "c"},
		{name: "auth", status: 401, body: `{"error":{"message":"m","code":"401"}}`, kind: fault.UpstreamAuth, message: "m"},
		{name: "forbidden", status: 403, body: `{"message":"m"}`, kind: fault.UpstreamAuth, message: "m"},
		{name: "credit", status: 402, body: `{"error":{"message":"Insufficient Balance"}}`, kind: fault.Quota, message: "Insufficient Balance"},
		{name: "model", status: 404, body: `{"error":{"message":"m","code":"model_not_found"}}`, kind: fault.NotFound, message: "m", code: "model_not_found"},
		{name: "rate, seconds", status: 429, h: h("Retry-After", "3"), body: `{"error":{"message":"m","type":"requests","code":"rate_limit_exceeded"}}`, kind: fault.RateLimit, message: "m", typ: "requests", code: "rate_limit_exceeded", wait: 3 * time.Second},
		{name: "rate, milliseconds first", status: 429, h: h("Retry-After", "3", "Retry-After-Ms", "120"), body: `{}`, kind: fault.RateLimit, message: "the provider answered with status 429 and no reason", wait: 120 * time.Millisecond},
		{name: "rate, no milliseconds", status: 429, h: h("Retry-After", "3", "Retry-After-Ms", "0"), body: `{"error":{"message":"m"}}`, kind: fault.RateLimit, message: "m", wait: 3 * time.Second},
		{name: "rate, in words", status: 429, body: `{"error":{"message":"Please try again in 2m1.5s."}}`, kind: fault.RateLimit, message: "Please try again in 2m1.5s.", wait: 2*time.Minute + 1500*time.Millisecond},
		{name: "quota", status: 429, body: `{"error":{"message":"You exceeded your current quota, please check your plan and billing details."}}`, kind: fault.Quota, message: "You exceeded your current quota, please check your plan and billing details."},
		{name: "quota by type", status: 429, body: `{"error":{"message":"m","type":"insufficient_quota"}}`, kind: fault.Quota, message: "m", typ: "insufficient_quota"},
		{name: "capacity", status: 429, body: `{"object":"error","message":"Service tier capacity exceeded for this model.","type":"invalid_request_error"}`, kind: fault.Overloaded, message: "Service tier capacity exceeded for this model.", typ: "invalid_request_error"},
		{name: "busy", status: 503, body: `{"error":"Server overloaded"}`, kind: fault.Overloaded, message: "Server overloaded"},
		{name: "their bug", status: 500, body: `{"error":{"message":"m","type":"server_error","code":null}}`, kind: fault.Upstream, message: "m", typ: "server_error"},
		{name: "time", status: 504, body: ``, kind: fault.Timeout, message: "the provider answered with status 504 (Gateway Timeout)"},
		{name: "page", status: 502, body: `<html><head><title> Bad gateway </title></head>`, kind: fault.Upstream, message: `the provider answered with status 502 and a page titled "Bad gateway"`},
		{name: "text", status: 500, body: `out of memory`, kind: fault.Upstream, message: "the provider answered with status 500: out of memory"},
		{name: "long prompt by code", status: 400, body: `{"error":{"message":"m","code":"context_length_exceeded"}}`, kind: fault.ContextLength, message: "m", code: "context_length_exceeded"},
		{name: "long prompt by words", status: 400, body: `{"error":{"message":"This model's maximum context length is 8 tokens"}}`, kind: fault.ContextLength, message: "This model's maximum context length is 8 tokens"},
		{name: "content", status: 400, body: `{"error":{"message":"m","code":"content_filter"}}`, kind: fault.ContentPolicy, message: "m", code: "content_filter"},
		{name: "details", status: 422, body: `{"detail":[{"loc":["body"],"msg":"one"},{"msg":"two"}]}`, kind: fault.Malformed, message: "one; two"},
		{name: "list", status: 400, body: `[{"error":{"message":"m"}}]`, kind: fault.Malformed, message: "m"},
		{name: "errors", status: 400, body: `{"errors":[{"code":5007,"message":"No such model"}]}`, kind: fault.Malformed, message: "No such model"},
		{name: "reseller", status: 429, body: `{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"{\"error\":{\"message\":\"slow down\"}}"}}}`, kind: fault.RateLimit, message: "Provider returned error: slow down"},
		{name: "no such model by code", status: 400, body: `{"error":{"message":"m","code":"model_not_found"}}`, kind: fault.NotFound, message: "m", code: "model_not_found"},
		{name: "no such model by words", status: 400, body: `{"error":{"message":"The model 'x' does not exist.","code":"invalid_value"}}`, kind: fault.NotFound, message: "The model 'x' does not exist.", code: "invalid_value"},
		{name: "a file of the model", status: 400, body: `{"error":{"message":"The file for the model 'x' does not exist."}}`, kind: fault.Malformed, message: "The file for the model 'x' does not exist."},
		{name: "wrong key", status: 400, body: `{"error":"Incorrect API key provided."}`, kind: fault.UpstreamAuth, message: "Incorrect API key provided."},
		{name: "over the minute alone", status: 429, body: `{"error":{"message":"Request too large for m on tokens per min","type":"tokens","code":"rate_limit_exceeded"}}`, kind: fault.TooLarge, message: "Request too large for m on tokens per min", typ: "tokens", code: "rate_limit_exceeded"},
		{name: "a list of words", status: 400, body: `{"error":["one","two"]}`, kind: fault.Malformed, message: "one; two"},
		{name: "in mid-stream, by type", body: `{"error":{"message":"m","type":"rate_limit_error"}}`, kind: fault.RateLimit, message: "m", typ: "rate_limit_error"},
		{name: "in mid-stream, by number", body: `{"error":{"message":"m","code":502}}`, kind: fault.Upstream, message: "m"},
		{name: "in mid-stream, by number", body: `{"error":{"message":"m","code":429}}`, kind: fault.RateLimit, message: "m"},
		{name: "in mid-stream, no word", body: `{"error":{"message":"m","type":"server_error"}}`, kind: fault.Upstream, message: "m", typ: "server_error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := ReadFault(test.status, test.h, []byte(test.body))
			if f.Kind != test.kind || f.Message != test.message || f.NativeType != test.typ || f.Code != test.code || f.RetryAfter != test.wait {
				t.Errorf("%v %q type %q code %q wait %v", f.Kind, f.Message, f.NativeType, f.Code, f.RetryAfter)
			}
			if f.Origin != fault.There || f.HTTPStatus != test.status {
				t.Errorf("origin %v status %d", f.Origin, f.HTTPStatus)
			}
		})
	}
}

func TestReadFaultIsBounded(t *testing.T) {
	for _, body := range []string{
		`{"error":{"message":"` + strings.Repeat("ä", 5000) + `","code":"` + strings.Repeat("c", 5000) + `"}}`,
		strings.Repeat("ä", 5000),
	} {
		f := ReadFault(500, nil, []byte(body))
		if len(f.Message) > messageMost+64 || len(f.Code) > 200 {
			t.Errorf("message of %d, code of %d bytes", len(f.Message), len(f.Code))
		}
	}
	if f := ReadFault(401, nil, []byte(`{"error":{"message":"Incorrect API key provided: sk-proj-Abcdefghijklmnop0123456789abcdefghij"}}`)); strings.Contains(f.Message, "Abcdefghijklmnop0123456789") {
		t.Errorf("a key is echoed: %s", f.Message)
	}
	if f := ReadFault(429, http.Header{"Retry-After": {"999999999999"}}, nil); f.RetryAfter != fault.WaitMost {
		t.Errorf("wait %v", f.RetryAfter)
	}
	if f := ReadFault(429, http.Header{"Retry-After": {time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)}}, nil); f.RetryAfter < 80*time.Second || f.RetryAfter > 91*time.Second {
		t.Errorf("wait until a date: %v", f.RetryAfter)
	}
}

func TestRefused(t *testing.T) {
	_, err := splice.NewSpec("model").Scan([]byte(`{"model":"a","MODEL":"b"}`))
	if f := Refused(err); f.Kind != fault.Malformed || f.Param != "model" || !errors.Is(f, err) {
		t.Errorf("%+v", f)
	}
	for raw, want := range map[string]string{`"a"`: "a", `""`: "", `null`: "", `3`: ""} {
		if got, err := Model([]byte(raw)); got != want || (err == nil) != (want != "") {
			t.Errorf("Model(%s): %q, %v", raw, got, err)
		}
	}
}

func FuzzReadFault(f *testing.F) {
	f.Add(429, []byte(`{"error":{"message":"m","metadata":{"raw":"{}"}}}`))
	f.Add(0, []byte(`[{"errors":[{"msg":1}]}]`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := ReadFault(status, nil, body)
		if got.Message == "" {
			t.Error("no message")
		}
		if b := AppendFault(nil, got, dialect.Whole); rawjson.Check(b) != nil {
			t.Errorf("%s", b)
		}
	})
}
