package gemini

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
	const small = `{"contents":[]}`
	for _, tc := range []struct {
		name, path, query, body string
		want                    llm.Head
		param                   string // of the refusal
	}{
		{"whole", "/v1beta/models/gemini-2.5-flash:generateContent", "", small, llm.Head{Model: "gemini-2.5-flash"}, ""},
		{"events", "/v1beta/models/m:streamGenerateContent", "alt=sse", small, llm.Head{Model: "m", Stream: true, Framing: llm.SSE}, ""},
		{"events among others", "/v1beta/models/m:streamGenerateContent", "a=b&$alt=sse&key=k", small, llm.Head{Model: "m", Stream: true}, ""},
		{"events, escaped", "/v1beta/models/m:streamGenerateContent", "%24alt=sse%3Benum-encoding%3Dint", small, llm.Head{Model: "m", Stream: true}, ""},
		{"an array", "/v1beta/models/m:streamGenerateContent", "", small, llm.Head{Model: "m", Stream: true, Framing: llm.Array}, ""},
		{"an array, asked for", "/v1/models/m:streamGenerateContent", "$alt=json;enum-encoding=int", small, llm.Head{Model: "m", Stream: true, Framing: llm.Array}, ""},
		{"whole in spite of the query", "/v1beta/models/m:generateContent", "alt=sse", small, llm.Head{Model: "m"}, ""},
		{"slashes", "/v1beta/models/maker/m:generateContent", "", small, llm.Head{Model: "maker/m"}, ""},
		{"escaped slashes", "/v1beta/models/maker%2Fm%20x:generateContent", "", small, llm.Head{Model: "maker/m x"}, ""},
		{"a colon in the name", "/v1beta/models/qwen3:8b:generateContent", "", small, llm.Head{Model: "qwen3:8b"}, ""},
		{"an escaped colon", "/v1beta/models/m%3AgenerateContent", "", small, llm.Head{Model: "m"}, ""},
		{"Vertex", "/v1/projects/models/locations/l/publishers/google/models/m:generateContent", "", small, llm.Head{Model: "m"}, ""},
		{"no model", "/v1beta/models/:generateContent", "", small, llm.Head{}, "model"},
		{"no action", "/v1beta/models/m", "", small, llm.Head{}, "model"},
		{"another action", "/v1beta/models/m:countTokens", "", small, llm.Head{}, "model"},
		{"another path", "/v1/messages", "", small, llm.Head{}, "model"},
		{"a broken escape", "/v1beta/models/m%zz:generateContent", "", small, llm.Head{}, "model"},
		{"a control character", "/v1beta/models/m%0a:generateContent", "", small, llm.Head{}, "model"},
		{"limits", "", "", `{"generationConfig":{"maxOutputTokens":7,"candidateCount":2}}`, llm.Head{Model: "m", MaxOutput: 7, N: 2}, ""},
		{"limits in snake case", "", "", `{"generation_config":{"max_output_tokens":7,"candidate_count":2}}`, llm.Head{Model: "m", MaxOutput: 7, N: 2}, ""},
		{"limits as texts", "", "", `{"generationConfig":{"maxOutputTokens":"7","candidateCount":2e0}}`, llm.Head{Model: "m", MaxOutput: 7, N: 2}, ""},
		{"no limits", "", "", `{"generationConfig":{"maxOutputTokens":null},"contents":[{"maxOutputTokens":3}]}`, llm.Head{Model: "m"}, ""},
		{"no config", "", "", `{"generationConfig":null}`, llm.Head{Model: "m"}, ""},
		{"both spellings of the config", "", "", `{"generationConfig":{},"generation_config":{}}`, llm.Head{}, "generationConfig"},
		{"both spellings of a limit", "", "", `{"generationConfig":{"maxOutputTokens":7,"max_output_tokens":8}}`, llm.Head{}, "generationConfig.maxOutputTokens"},
		{"twice", "", "", `{"generationConfig":{},"generationConfig":{"maxOutputTokens":7}}`, llm.Head{}, "generationConfig"},
		{"a limit twice", "", "", `{"generationConfig":{"maxOutputTokens":7,"maxOutputTokens":8}}`, llm.Head{}, "generationConfig"},
		{"another case", "", "", `{"GenerationConfig":{}}`, llm.Head{}, "generationConfig"},
		{"a limit in another case", "", "", `{"generationConfig":{"MaxOutputTokens":7}}`, llm.Head{}, "generationConfig"},
		{"an escaped name", "", "", `{"\u0067enerationConfig":{}}`, llm.Head{}, ""},
		{"a config that is a list", "", "", `{"generationConfig":[]}`, llm.Head{}, "generationConfig"},
		{"a limit below zero", "", "", `{"generationConfig":{"maxOutputTokens":-1}}`, llm.Head{}, "generationConfig.maxOutputTokens"},
		{"a limit that is no number", "", "", `{"generationConfig":{"maxOutputTokens":"many"}}`, llm.Head{}, "generationConfig.maxOutputTokens"},
		{"a count with a fraction", "", "", `{"generationConfig":{"candidateCount":1.5}}`, llm.Head{}, "generationConfig.candidateCount"},
		{"the model again", "", "", `{"model":"models/m"}`, llm.Head{Model: "m"}, ""},
		{"the model again, whole", "", "", `{"model":"projects/p/locations/l/publishers/google/models/m"}`, llm.Head{Model: "m"}, ""},
		{"another model", "", "", `{"model":"models/dear"}`, llm.Head{}, "model"},
		{"a model that is no text", "", "", `{"model":7}`, llm.Head{}, "model"},
		{"no JSON", "", "", `{"contents":`, llm.Head{}, ""},
		{"a list", "", "", `[]`, llm.Head{}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dialect.Call{Path: tc.path, Query: tc.query, Body: []byte(tc.body)}
			if c.Path == "" {
				c.Path = "/v1beta/models/m:generateContent"
			}
			got, err := New().Peek(&c)
			if tc.want.Model != "" {
				if d := cmp.Diff(tc.want, got); err != nil || d != "" {
					t.Errorf("%v\n%s", err, d)
				}
				return
			}
			f := (*fault.Fault)(nil)
			if !errors.As(err, &f) || f.Kind != fault.Malformed || f.Message == "" || f.Param != tc.param {
				t.Errorf("got %+v, %#v, want a refusal of %q", got, err, tc.param)
			}
		})
	}
}

func TestEdit(t *testing.T) {
	for _, tc := range []struct {
		name, path, body string
		edit             dialect.Edit
		wantPath, want   string
	}{
		{"nothing", "/v1beta/models/m:generateContent", `{ "contents" : [] }`, dialect.Edit{}, "/v1beta/models/m:generateContent", `{ "contents" : [] }`},
		{"model", "/v1beta/models/m:streamGenerateContent", `{}`, dialect.Edit{Model: "gemini-2.5-flash"}, "/v1beta/models/gemini-2.5-flash:streamGenerateContent", `{}`},
		{"model with a slash", "/v1beta/models/m%3AgenerateContent", `{}`, dialect.Edit{Model: "a/b:c d"}, "/v1beta/models/a%2Fb:c%20d%3AgenerateContent", `{}`},
		{"model that is a resource", "/v1beta/models/m:generateContent", `{"model":"models/m"}`, dialect.Edit{Model: "models/x"}, "/v1beta/models/x:generateContent", `{"model":"models/x"}`},
		{"model in the body", "/v1/models/m:generateContent", `{"contents":[], "model" : "m"}`, dialect.Edit{Model: "x"}, "/v1/models/x:generateContent", `{"contents":[], "model" : "x"}`},
		{"limit", "", `{"a":1}`, dialect.Edit{MaxOutput: 5}, "", `{"generationConfig":{"maxOutputTokens":5},"a":1}`},
		{"limit into null", "", `{"generationConfig":null}`, dialect.Edit{MaxOutput: 5}, "", `{"generationConfig":{"maxOutputTokens":5}}`},
		{"limit into an empty config", "", `{"generation_config":{}}`, dialect.Edit{MaxOutput: 5}, "", `{"generation_config":{"maxOutputTokens":5}}`},
		{"limit beside others", "", `{"generationConfig": {"topK": 3}, "b":2}`, dialect.Edit{MaxOutput: 5}, "", `{"generationConfig": {"maxOutputTokens":5,"topK": 3}, "b":2}`},
		{"lower limit", "", `{"generationConfig":{"topK":3, "maxOutputTokens": 9 }}`, dialect.Edit{MaxOutput: 5}, "", `{"generationConfig":{"topK":3, "maxOutputTokens": 5 }}`},
		{"lower limit in snake case", "", `{"generation_config":{"max_output_tokens":"9"}}`, dialect.Edit{MaxOutput: 5}, "", `{"generation_config":{"max_output_tokens":5}}`},
		{"limit that is low already", "", `{"generationConfig":{"maxOutputTokens":4}}`, dialect.Edit{MaxOutput: 5}, "", `{"generationConfig":{"maxOutputTokens":4}}`},
		{"limit of null", "", `{"generationConfig":{"maxOutputTokens":null}}`, dialect.Edit{MaxOutput: 5}, "", `{"generationConfig":{"maxOutputTokens":5}}`},
		{"limit of zero", "", `{"generationConfig":{"maxOutputTokens":0}}`, dialect.Edit{MaxOutput: 5}, "", `{"generationConfig":{"maxOutputTokens":5}}`},
		{"all", "/v1beta/models/m:generateContent", `{"generationConfig":{"maxOutputTokens":9},"model":"models/m"}`, dialect.Edit{Model: "x", MaxOutput: 5}, "/v1beta/models/x:generateContent", `{"generationConfig":{"maxOutputTokens":5},"model":"models/x"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dialect.Call{Path: tc.path, Query: "alt=sse", Body: []byte(tc.body)}
			if c.Path == "" {
				c.Path, tc.wantPath = "/v1beta/models/m:generateContent", "/v1beta/models/m:generateContent"
			}
			if _, err := New().Peek(&c); err != nil {
				t.Fatal(err)
			}
			got, err := New().Edit([]byte("before"), c, tc.edit)
			if err != nil {
				t.Fatal(err)
			}
			if got.Path != tc.wantPath || string(got.Body) != tc.want || got.Query != "alt=sse" {
				t.Errorf("got %s?%s\n%s\nwant %s\n%s", got.Path, got.Query, got.Body, tc.wantPath, tc.want)
			}
			if string(c.Body) != tc.body {
				t.Errorf("the body it was given is now %s", c.Body)
			}
		})
	}
}

func TestFault(t *testing.T) {
	f := &fault.Fault{Kind: fault.RateLimit, Message: "Too \"many\".\nWait.", RetryAfter: 1500 * time.Millisecond, ID: "x1"}
	body := `{"error":{"code":429,"message":"Too \"many\".\nWait.","status":"RESOURCE_EXHAUSTED","details":[` +
		`{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"},{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"x1"}]}}`
	for form, want := range map[dialect.Form]string{
		dialect.Whole: body, dialect.Stream: "data: " + body + "\r\n\r\n", dialect.Element: ",\r\n" + body,
	} {
		if got := string(New().Fault([]byte(">"), f, form)); got != ">"+want {
			t.Errorf("form %d: %s", form, got)
		}
	}
	f = fault.New(fault.Malformed, "no")
	f.Param, f.Code = "contents[0]", "odd"
	if d := cmp.Diff(`{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"odd","domain":"weir"},`+
		`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents[0]","description":"no"}]}]}}`,
		string(New().Fault(nil, f, dialect.Whole))); d != "" {
		t.Error(d)
	}
	for kind, want := range map[fault.Kind]string{
		fault.Unauthorized: `{"error":{"code":401,"message":"m","status":"UNAUTHENTICATED"}}`, fault.Forbidden: `{"error":{"code":403,"message":"m","status":"PERMISSION_DENIED"}}`,
		fault.NotFound: `{"error":{"code":404,"message":"m","status":"NOT_FOUND"}}`, fault.Quota: `{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}`,
		fault.Overloaded: `{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}`, fault.Timeout: `{"error":{"code":504,"message":"m","status":"DEADLINE_EXCEEDED"}}`,
		fault.Cut: `{"error":{"code":502,"message":"m","status":"INTERNAL"}}`, fault.Internal: `{"error":{"code":500,"message":"m","status":"INTERNAL"}}`,
		fault.ClientGone: `{"error":{"code":499,"message":"m","status":"CANCELLED"}}`, fault.MethodNotAllowed: `{"error":{"code":405,"message":"m","status":"UNIMPLEMENTED"}}`,
	} {
		if got := string(New().Fault(nil, fault.New(kind, "m"), dialect.Whole)); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

func TestReadFault(t *testing.T) {
	info := func(typ, rest string) string {
		return `,"details":[{"@type":"type.googleapis.com/google.rpc.` + typ + `",` + rest + `}]`
	}
	body := func(code, status, message, details string) string {
		return `{"error":{"code":` + code + `,"message":"` + message + `","status":"` + status + `"` + details + `}}`
	}
	for _, tc := range []struct {
		name, body string
		status     int
		kind       fault.Kind
		message    string
		code       string
		param      string
		wait       time.Duration
	}{
		{"argument", body("400", "INVALID_ARGUMENT", "No.", info("BadRequest", `"fieldViolations":[{"field":"contents[0].parts"}]`)), 400, fault.Malformed, "No.", "", "contents[0].parts", 0},
		{"too long", body("400", "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8).", ""), 400, fault.ContextLength, "The input token count (9) exceeds the maximum number of tokens allowed (8).", "", "", 0},
		{"wrong key", body("400", "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", info("ErrorInfo", `"reason":"API_KEY_INVALID"`)), 400, fault.UpstreamAuth, "API key not valid. Please pass a valid API key.", "API_KEY_INVALID", "", 0},
		{"no key", body("403", "PERMISSION_DENIED", "Who are you?", ""), 403, fault.UpstreamAuth, "Who are you?", "", "", 0},
		{"no billing", body("403", "PERMISSION_DENIED", "Enable billing.", ""), 403, fault.Quota, "Enable billing.", "", "", 0},
		{"not here", body("400", "FAILED_PRECONDITION", "User location is not supported for the API use.", ""), 400, fault.UpstreamAuth, "User location is not supported for the API use.", "", "", 0},
		{"unknown model", body("404", "NOT_FOUND", "models/x is not found", ""), 404, fault.NotFound, "models/x is not found", "", "", 0},
		{"rate", body("429", "RESOURCE_EXHAUSTED", "Slow.", info("RetryInfo", `"retryDelay":"48.5s"`)), 429, fault.RateLimit, "Slow.", "", "", 48500 * time.Millisecond},
		{"quota of a day", body("429", "RESOURCE_EXHAUSTED", "Quota exceeded: GenerateRequestsPerDayPerProject", ""), 429, fault.Quota, "Quota exceeded: GenerateRequestsPerDayPerProject", "", "", 0},
		{"quota of a day in details", body("429", "RESOURCE_EXHAUSTED", "Slow.", `,"details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"RequestsPerDayPerModel"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"9s"}]`), 429, fault.Quota, "Slow.", "", "", 9 * time.Second},
		{"quota without a wait", body("429", "RESOURCE_EXHAUSTED", "You exceeded your current quota.", ""), 429, fault.Quota, "You exceeded your current quota.", "", "", 0},
		{"quota of a minute", body("429", "RESOURCE_EXHAUSTED", "You exceeded your current quota.", info("RetryInfo", `"retryDelay":"9s"`)), 429, fault.RateLimit, "You exceeded your current quota.", "", "", 9 * time.Second},
		{"overloaded", body("503", "UNAVAILABLE", "The model is overloaded.", ""), 503, fault.Overloaded, "The model is overloaded.", "", "", 0},
		{"late", body("504", "DEADLINE_EXCEEDED", "Late.", ""), 504, fault.Timeout, "Late.", "", "", 0},
		{"internal", body("500", "INTERNAL", "Oh.", ""), 500, fault.Upstream, "Oh.", "", "", 0},
		{"in a list", "[" + body("429", "RESOURCE_EXHAUSTED", "Slow.", "") + "]", 429, fault.RateLimit, "Slow.", "", "", 0},
		{"in a stream", body("503", "UNAVAILABLE", "Busy.", ""), 0, fault.Overloaded, "Busy.", "", "", 0},
		{"without a status", `{"error":{"code":429,"message":"Slow."}}`, 429, fault.RateLimit, "Slow.", "", "", 0},
		{"a proxy's text", "upstream connect error", 503, fault.Overloaded, "upstream connect error", "", "", 0},
		{"a page", "<html>", 502, fault.Upstream, "the provider answered with status 502 and a page of HTML", "", "", 0},
		{"nothing", "", 500, fault.Upstream, "the provider answered with status 500 and no message", "", "", 0},
		{"nothing in a stream", "{}", 0, fault.Upstream, "the provider broke off the answer without a message", "", "", 0},
		{"a text", `{"error":"no"}`, 400, fault.Malformed, "no", "", "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := New().ReadFault(tc.status, nil, []byte(tc.body))
			if f.Kind != tc.kind || f.Message != tc.message || f.Code != tc.code || f.Param != tc.param || f.RetryAfter != tc.wait || f.HTTPStatus != tc.status || f.Origin != fault.There {
				t.Errorf("got %+v", f)
			}
		})
	}
	if f := New().ReadFault(429, http.Header{"Retry-After": {"3"}}, []byte(body("429", "RESOURCE_EXHAUSTED", "", info("RetryInfo", `"retryDelay":"9s"`)))); f.RetryAfter != 3*time.Second {
		t.Errorf("the header says 3 s, got %v", f.RetryAfter)
	}
	if f := New().ReadFault(400, nil, []byte(`{"error":{"message":"`+strings.Repeat("ä", 9000)+`"}}`)); len(f.Message) > messageMost+8 {
		t.Errorf("a message of %d bytes", len(f.Message))
	}
}

func TestMeter(t *testing.T) {
	feed := func(m dialect.Meter, chunks ...string) *dialect.Reading {
		for _, c := range chunks {
			m.Frame(frame.Frame{Data: []byte(c)})
		}
		return m.Read()
	}
	m := New().Meter()
	r := m.Read()
	feed(m, `{"candidates":[{"content":{"parts":[{"text":""}]}}],"usageMetadata":{"promptTokenCount":3},"modelVersion":"m","responseId":"r"}`)
	if r.Began || r.Ended || r.Usage.Input != 3 || r.Model != "m" || r.ID != "r" {
		t.Errorf("after the first chunk: %+v", r)
	}
	feed(m, `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"thoughtsTokenCount":5,"totalTokenCount":12},"modelVersion":"m","responseId":"r"}`)
	if !r.Began || r.Ended || r.Usage.Output != 9 {
		t.Errorf("after a call: %+v", r)
	}
	m.Frame(frame.Frame{Data: []byte(`{"candidates":[{"finishReason":"STOP"}]`), Tail: true})
	if r.Ended {
		t.Error("a tail counts")
	}
	feed(m, `{"candidates":[{"index":1,"finishReason":"MAX_TOKENS"},{"index":0,"finishReason":"STOP","finishMessage":"done"}]}`)
	if d := cmp.Diff(llm.Stop{Reason: llm.StopCalls, Native: "STOP", Detail: "done"}, r.Stop); !r.Ended || d != "" {
		t.Errorf("after the end: %+v\n%s", r, d)
	}
	if r := feed(New().Meter(), `{"candidates":[{"index":1,"content":{"parts":[{"functionCall":{"name":"f"}}]}},{"index":0,"finishReason":"STOP"}]}`); r.Stop.Reason != llm.StopEnd {
		t.Errorf("another candidate's calls are the first's: %+v", r)
	}
	if r := feed(New().Meter(), `{"error":{"code":503,"message":"Busy.","status":"UNAVAILABLE"}}`); r.Fault == nil || r.Fault.Kind != fault.Overloaded || r.Began {
		t.Errorf("an error reads %+v", r)
	}
	if r := feed(New().Meter(), `[{"error":{"code":503,"message":"Busy.","status":"UNAVAILABLE"}}]`); r.Fault == nil {
		t.Errorf("an error in a list reads %+v", r)
	}
	if r := feed(New().Meter(), `{"candidates":[{"content":{"parts":[{"functionCall":{"args":{"error":{"usageMetadata":{"promptTokenCount":9}}}}}]}}]}`); r.Fault != nil || r.Usage != nil {
		t.Errorf("what a call says is read as %+v", r)
	}
	if r := feed(New().Meter(), `{"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"No."}}`); !r.Ended || r.Stop.Reason != llm.StopFilter || r.Stop.Detail != "No." {
		t.Errorf("a block reads %+v", r)
	}
	for _, body := range []string{
		`{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":2}],"usageMetadata":{"promptTokenCount":1}}`,
		`[{"candidates":[{"content":{"parts":[{"text":"a"}]}}]},{"candidates":[{"finishReason":2}],"usageMetadata":{"promptTokenCount":1}}]`,
	} {
		m := New().Meter()
		m.Body([]byte(body))
		if r := m.Read(); !r.Began || !r.Ended || r.Stop.Reason != llm.StopLength || r.Usage.Input != 1 || r.Fault != nil {
			t.Errorf("%s reads %+v", body, r)
		}
	}
	m = New().Meter()
	m.Body([]byte("no"))
	if m.Read().Fault == nil {
		t.Error("no JSON is no fault")
	}
}

// TestUpstreamAuthIsNamed: what the provider refused with 401 or 403 has Google's word for that.
func TestUpstreamAuthIsNamed(t *testing.T) {
	for status, want := range map[int]string{400: "UNAUTHENTICATED", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 0: "INTERNAL"} {
		f := &fault.Fault{Kind: fault.UpstreamAuth, Message: "m", Origin: fault.There, HTTPStatus: status}
		if got := string(New().Fault(nil, f, dialect.Whole)); !strings.Contains(got, `"status":"`+want+`"`) {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}
