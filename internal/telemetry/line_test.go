package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

func encode(x *gateway.Exchange) string {
	var e encoder
	e.exchange(x)
	return string(e.bytes())
}

// lines of the golden records are broken for readers; they are joined before they are compared.
func TestLineGolden(t *testing.T) {
	tests := []struct {
		name string
		x    *gateway.Exchange
		want []string
	}{
		{"plain", plain(), []string{
			`{"time":"2026-03-04T04:06:07.99025Z","level":"INFO","msg":"exchange",`,
			`"id":"019cb7a1-0000-7000-8000-000000000001","ending":"done","http.response.status_code":200,`,
			`"revision":"r7","key":"team-a","rule":"fast","client.address":"192.0.2.7","user_agent.original":"OpenAI/Python 2.1.0",`,
			`"http.request.method":"POST","url.path":"/v1/chat/completions","dialect":"openai-chat",`,
			`"gen_ai.operation.name":"chat","gen_ai.request.model":"fast","gen_ai.request.stream":true,"gen_ai.request.max_tokens":256,`,
			`"target":"openai/gpt-4.1-mini",`,
			`"gen_ai.response.model":"gpt-4.1-mini-2025-04-14","gen_ai.response.id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",`,
			`"gen_ai.response.finish_reasons":["stop"],"stop":"end",`,
			`"gen_ai.usage.input_tokens":1200,"gen_ai.usage.output_tokens":40,"gen_ai.usage.cache_read.input_tokens":1024,`,
			`"gen_ai.usage.reasoning.output_tokens":0,"usage.total_tokens":1240,`,
			`"attempts":[{"target":"openai/gpt-4.1-mini","dialect":"openai-chat","mode":"passed","start_ms":0.25,"head_ms":120,`,
			`"first_event_ms":130,"took_ms":900,"status":200,"upstream_id":"req_011CVAJZp7GHE5wh4G4U1Z5K"}],`,
			`"http.request.body.size":4321,"http.response.body.size":9876,`,
			`"first_byte_ms":121,"first_event_ms":131.5,"took_ms":901.25}`,
		}},
		{"eventful", eventful(), []string{
			`{"time":"2026-03-04T04:06:07.99025Z","level":"WARN","msg":"exchange",`,
			`"id":"019cb7a1-0000-7000-8000-000000000001","ending":"cut","http.response.status_code":200,`,
			`"revision":"r7","key":"team-a","rule":"smart","client.address":"2001:db8::7","user_agent.original":"OpenAI/Python 2.1.0",`,
			`"http.request.method":"POST","url.path":"/v1/chat/completions","dialect":"openai-chat",`,
			`"gen_ai.operation.name":"chat","gen_ai.request.model":"smart","gen_ai.request.stream":false,"gen_ai.request.max_tokens":64,`,
			`"gen_ai.request.choice.count":2,"strict":true,`,
			`"target":"anthropic/claude-opus-4-1-20250805",`,
			`"gen_ai.response.model":"claude-opus-4-1-20250805","gen_ai.response.id":"msg_01XFDUDYJgAACzvnptvVoYEL",`,
			`"gen_ai.response.finish_reasons":["stop_sequence"],"stop":"stop",`,
			`"gen_ai.usage.input_tokens":181,"gen_ai.usage.output_tokens":20,"gen_ai.usage.cache_creation.input_tokens":100,`,
			`"usage.cache_creation_1h_tokens":100,"usage.searches":2,"usage.billable_input_tokens":681,"usage.billable_output_tokens":50,`,
			`"usage.rounds":2,"usage.cost_usd":0.00125,"usage.tier":"standard",`,
			`"fault":{"kind":"cut","message":"the answer broke off","cause":"read: connection reset"},`,
			`"attempts":[{"target":"gpu/llama-3.3-70b","dialect":"openai-chat","mode":"passed","start_ms":0,"head_ms":29,"took_ms":30,"status":503,`,
			`"fault":{"kind":"overloaded","message":"no capacity \"now\"","code":"busy","native":"server_error"}},`,
			`{"target":"anthropic/claude-opus-4-1-20250805","dialect":"anthropic-messages","mode":"translated","start_ms":31,"head_ms":80,`,
			`"first_event_ms":90,"took_ms":2000,"status":200,"losses":2,`,
			`"fault":{"kind":"cut","message":"the answer broke off","cause":"read: connection reset"}}],`,
			`"passed_over":[{"target":"old/m","why":"speaks no chat"}],`,
			`"losses":[{"path":"seed","why":"the target has no seed","grade":"dropped"},{"path":"messages[0]","why":"hoisted","grade":"changed"}],`,
			`"http.request.body.size":4321,"http.response.body.size":9876,`,
			`"first_byte_ms":121,"first_event_ms":131.5,"took_ms":901.25}`,
		}},
		{"refused before anything was known", &gateway.Exchange{
			ID: "019cb7a1-0000-7000-8000-000000000002", Start: start, Method: "POST", Path: "/v1/messages", Dialect: llm.AnthropicMessages,
			Op: llm.OpChat, Status: 401, Ending: gateway.Refused, Fault: fault.New(fault.Unauthorized, "no key"), Took: 80 * time.Microsecond,
		}, []string{
			`{"time":"2026-03-04T04:06:07.08908Z","level":"INFO","msg":"exchange",`,
			`"id":"019cb7a1-0000-7000-8000-000000000002","ending":"refused","http.response.status_code":401,`,
			`"http.request.method":"POST","url.path":"/v1/messages","dialect":"anthropic-messages","gen_ai.operation.name":"chat",`,
			`"fault":{"kind":"unauthorized","message":"no key"},`,
			`"http.request.body.size":0,"http.response.body.size":0,"took_ms":0.08}`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := encode(test.x)
			if want := strings.Join(test.want, "") + "\n"; got != want {
				t.Errorf("record:\n got %s\nwant %s\n%s", got, want, cmp.Diff(want, got))
			}
			if !json.Valid([]byte(got)) {
				t.Errorf("not JSON: %s", got)
			}
		})
	}
}

// The head of a record and of the line that confesses drops is byte for byte what slog writes.
func TestLineIsLikeSlog(t *testing.T) {
	var want bytes.Buffer
	h := slog.NewJSONHandler(&want, nil)
	r := slog.NewRecord(start.UTC(), slog.LevelWarn, "records dropped", 0)
	r.AddAttrs(slog.Int("count", 12))
	if err := h.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var e encoder
	e.dropped(start, 12)
	if got := string(e.bytes()); got != want.String() {
		t.Errorf("got  %swant %s", got, want.String())
	}
}

func TestLineLevel(t *testing.T) {
	tests := []struct {
		ending gateway.Ending
		fault  *fault.Fault
		want   string
	}{
		{gateway.Done, nil, "INFO"},
		{gateway.Refused, fault.New(fault.RateLimit, ""), "INFO"},
		{gateway.ClientGone, fault.New(fault.ClientGone, ""), "INFO"},
		{gateway.Failed, fault.New(fault.Timeout, ""), "WARN"},
		{gateway.Cut, fault.New(fault.Cut, ""), "WARN"},
		{gateway.Failed, fault.Of(errors.New("a bug")), "ERROR"},
		{gateway.Failed, &fault.Fault{Kind: fault.Internal, Origin: fault.There}, "WARN"},
	}
	for _, test := range tests {
		if got := level(&gateway.Exchange{Ending: test.ending, Fault: test.fault}).String(); got != test.want {
			t.Errorf("level of %s with %v is %s, want %s", test.ending, test.fault, got, test.want)
		}
	}
}

func TestLineBounds(t *testing.T) {
	x := eventful()
	a, c, l := x.Attempts[0], x.Plan.PassedOver[0], x.Losses[0]
	long := strings.Repeat("word ", 1<<17)
	f := *a.Fault
	f.Message, f.Cause, a.Fault, c.Why, l.Path, l.Why = long, errors.New(long), &f, long, long, long
	x.Agent, x.Path, x.Head.Model, x.Model, x.AnswerID = long, long, long, long, long
	for range 1000 {
		x.Attempts = append(x.Attempts, a)
		x.Plan.PassedOver = append(x.Plan.PassedOver, c)
		x.Losses = append(x.Losses, l)
	}
	got := encode(x)
	if len(got) > 128<<10 {
		t.Errorf("the line has %d bytes", len(got))
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(got), &m); err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string]float64{"attempts": 1002 - maxAttempts, "passed_over": 1001 - maxPassed, "losses": 1002 - maxLosses} {
		if m[name+"_more"] != more {
			t.Errorf("%s_more is %v, want %v", name, m[name+"_more"], more)
		}
	}
}

// fill sets every string reachable from v, so that a member added later is covered too.
func fill(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), s)
			}
		}
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*time.Location]() {
			return
		}
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fill(v.Elem(), s)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(`"` + s + `"`))
			return
		}
		if v.Type() == reflect.TypeFor[[]llm.Usage]() {
			return // it would never end
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), s)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, s)
		v.SetMapIndex(reflect.ValueOf(s).Convert(v.Type().Key()), value)
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[error]() {
			v.Set(reflect.ValueOf(fmt.Errorf("cause: %w", errors.New(s))))
		}
	}
}

// planted returns an exchange with s in every string that a client or a provider can put there, directly or by way of
// us. What is left as it is are the program's own words and the document's names.
func planted(s string) *gateway.Exchange {
	x := &gateway.Exchange{}
	fill(reflect.ValueOf(x).Elem(), s)
	x.ID, x.Revision, x.Dialect, x.Op, x.Ending = "id", "r1", llm.OpenAIChat, llm.OpChat, gateway.Failed
	x.Grant.Key = "team-a"
	x.Stop.Reason = llm.StopEnd
	x.Usage.Said = ^llm.Fields(0)
	for i := range x.Attempts {
		x.Attempts[i].Dialect, x.Attempts[i].Mode = llm.OpenAIChat, gateway.Passed
	}
	return x
}

func TestNoSecretLeaves(t *testing.T) {
	// Each is split so that no tool takes this file for a leak.
	secrets := []string{
		"sk-" + "ant-api03-Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4-AAAAAA",
		"sk-" + "proj-Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9v",
		"AIza" + "SyZm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV",
		"gsk_" + "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6",
		"xai-" + "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6",
	}
	for _, secret := range secrets {
		for _, around := range []string{"%s", "Incorrect API key provided: %s. See the manual.", "Get https://host/v1?key=%s: EOF", "Bearer %s"} {
			x := planted(fmt.Sprintf(around, secret))
			line := encode(x)
			if strings.Contains(line, secret) || strings.Contains(line, secret[:len(secret)-8]) {
				t.Fatalf("the record holds %s:\n%.4000s", secret, line)
			}
			if n := strings.Count(line, "[key]"); n < 30 {
				t.Fatalf("only %d places were blotted, are the members still written?\n%.4000s", n, line)
			}
			if !json.Valid([]byte(line)) || strings.Count(line, "\n") != 1 {
				t.Fatalf("not a line of JSON: %.4000s", line)
			}
			m := NewMetrics(MetricsOptions{Version: secret})
			m.Begin(x)
			m.End(x)
			m.Reload(true, secret)
			w := httptest.NewRecorder()
			m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
			if body := w.Body.String(); strings.Contains(body, secret[:len(secret)-8]) || !strings.Contains(body, "weir_exchanges_total") {
				t.Errorf("the metrics hold %s, or nothing", secret)
			}
		}
	}
}

func TestNoWordsOfTheConversation(t *testing.T) {
	x := plain()
	x.Stop.Sequence, x.Stop.Detail, x.Stop.Raw = "CONVERSATION", "CONVERSATION", json.RawMessage(`"CONVERSATION"`)
	x.Usage.Extra = llm.Extra{"CONVERSATION": json.RawMessage(`"CONVERSATION"`)}
	for _, cost := range []llm.Num{`"CONVERSATION"`, `1 CONVERSATION`, `1,"CONVERSATION":1`} {
		x.Usage.Cost = cost
		noWords(t, x)
	}
}

func noWords(t *testing.T, x *gateway.Exchange) {
	t.Helper()
	if line := encode(x); strings.Contains(line, "CONVERSATION") || !json.Valid([]byte(line)) {
		t.Errorf("the record holds words of the conversation: %s", line)
	}
}

func TestBounded(t *testing.T) {
	key := "sk-" + "ant-api03-" + strings.Repeat("Zm9vYmFy", 20)
	tests := []struct{ name, in, want string }{
		{"plain", "model claude-opus-4-1-20250805 not found", "model claude-opus-4-1-20250805 not found"},
		{"key", "bad key " + key, "bad key [key]"},
		{"at the limit", strings.Repeat("é", MaxText/2), strings.Repeat("é", MaxText/2)},
		{"over the limit", strings.Repeat("a ", MaxText), strings.Repeat("a ", MaxText/2) + "…"},
		{"cut between runes", "a" + strings.Repeat("é", MaxText), "a" + strings.Repeat("é", MaxText/2-1) + "…"},
		{"not UTF-8", "a\xffb\xc3", "a\uFFFDb\uFFFD"},
		{"key across the first cut", strings.Repeat(key+" ", 6), "[key] [key] [key] [key] [key] …"},
		{"nothing but a run", strings.Repeat("x", 1<<20), "…"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := bounded(test.in, MaxText)
			if got != test.want {
				t.Errorf("bounded(%q) = %q, want %q", test.in, got, test.want)
			}
		})
	}
}

// Whatever a client or a provider says, a record is one line of JSON.
func FuzzLine(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\n\r\"\\\u2028\xff\xed\xa0\x80")
	f.Add(strings.Repeat("\xf0\x9f\x98\x80", 600))
	f.Add("\n5\n") // a number, which goes in as it was stated, with line breaks around it
	f.Fuzz(func(t *testing.T, s string) {
		if text := bounded(s, MaxName); len(text) > MaxName+len("…") || !utf8.ValidString(text) {
			t.Errorf("bounded(%q) = %q", s, text)
		}
		line := encode(planted(s))
		if !json.Valid([]byte(line)) || strings.IndexByte(line, '\n') != len(line)-1 || !utf8.ValidString(line) {
			t.Errorf("not a line of JSON: %q", line)
		}
	})
}

func TestLineAllocs(t *testing.T) {
	x, e := plain(), encoder{}
	got := testing.AllocsPerRun(1000, func() {
		e.exchange(x)
		e.reset()
	})
	if got > 2 { // PROVIDER/MODEL, written twice
		t.Errorf("a record allocates %v times, the ceiling is 2", got)
	}
}

func BenchmarkLine(b *testing.B) {
	for name, x := range map[string]*gateway.Exchange{"plain": plain(), "eventful": eventful()} {
		b.Run(name, func(b *testing.B) {
			var e encoder
			b.ReportAllocs()
			for b.Loop() {
				e.exchange(x)
				e.reset()
			}
		})
	}
}
