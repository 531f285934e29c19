package sim_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"weir/internal/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a provider on a port.
type rig struct {
	*testing.T
	*sim.Provider
	url string
}

func start(t *testing.T, p *sim.Provider) *rig {
	t.Helper()
	if p.Pace == 0 {
		p.Pace = -1
	}
	s := httptest.NewServer(p)
	t.Cleanup(func() {
		s.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return &rig{t, p, s.URL}
}

// request makes a POST, or a GET for want of a body.
func (r *rig) request(ctx context.Context, path, body string, header ...string) *http.Request {
	r.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(path, "/v1/messages") {
		req.Header.Set("Anthropic-Version", "2023-06-01")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	return req
}

// do sends a request and reads the whole answer; readErr is how reading ended.
func (r *rig) do(path, body string, header ...string) (res *http.Response, text string, readErr error) {
	r.Helper()
	res, err := http.DefaultClient.Do(r.request(r.Context(), path, body, header...))
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	b, readErr := io.ReadAll(res.Body)
	return res, string(b), readErr
}

// ok sends a request that must succeed and returns the decoded answer.
func (r *rig) ok(path, body string, header ...string) map[string]any {
	r.Helper()
	res, text, err := r.do(path, body, header...)
	if err != nil || res.StatusCode != http.StatusOK {
		r.Fatalf("POST %s: %d %v\n%s\nfor %s", path, res.StatusCode, err, text, body)
	}
	return decode(r.T, text)
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// at walks into a decoded answer: names and indices.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			a, _ := v.([]any)
			if p >= len(a) {
				return nil
			}
			v = a[p]
		}
	}
	return v
}

func text(v any, path ...any) string { s, _ := at(v, path...).(string); return s }

type sse struct{ event, data string }

func events(t *testing.T, body string) []sse {
	t.Helper()
	var out []sse
	for block := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		var e sse
		for line := range strings.Lines(block) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch name {
			case "event":
				e.event = value
			case "data":
				e.data = value
			default:
				t.Fatalf("line %q", line)
			}
		}
		if !utf8.ValidString(e.data) {
			t.Errorf("not UTF-8: %q", e.data)
		}
		out = append(out, e)
	}
	return out
}

func chatBody(model, ask, more string) string {
	q, _ := json.Marshal(ask)
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%s}]%s}`, model, q, more)
}

func messagesBody(model, ask, more string) string {
	q, _ := json.Marshal(ask)
	return fmt.Sprintf(`{"model":%q,"max_tokens":60000,"messages":[{"role":"user","content":%s}]%s}`, model, q, more)
}

const (
	chatPath, messagesPath = "/v1/chat/completions", "/v1/messages"
	responsesPath          = "/v1/responses"
	chatTools              = `,"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}},{"type":"function","function":{"name":"get_time","parameters":{"type":"object","properties":{"zone":{"enum":["UTC","CET"]}},"required":["zone"]}}}]`
	messagesTools          = `,"tools":[{"name":"get_weather","input_schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}},{"name":"get_time","input_schema":{"type":"object","properties":{"zone":{"enum":["UTC","CET"]}},"required":["zone"]}}]`
)

// collectChat puts a chat stream together: by choice the concatenated members, the finish reason and the calls.
func collectChat(t *testing.T, body string) (choices map[int]map[string]string, usage any) {
	t.Helper()
	choices = map[int]map[string]string{}
	list := events(t, body)
	if last := list[len(list)-1]; last.data != "[DONE]" {
		t.Fatalf("the stream ends with %q", last.data)
	}
	for _, e := range list[:len(list)-1] {
		v := decode(t, e.data)
		if u := v["usage"]; u != nil {
			usage = u
		}
		for _, c := range v["choices"].([]any) {
			i := int(at(c, "index").(float64))
			if choices[i] == nil {
				choices[i] = map[string]string{}
			}
			for _, m := range []string{"role", "content", "reasoning_content", "refusal"} {
				choices[i][m] += text(c, "delta", m)
			}
			choices[i]["finish"] += text(c, "finish_reason")
			if call := at(c, "delta", "tool_calls", 0); call != nil {
				k := fmt.Sprintf("call%v", at(call, "index"))
				choices[i][k+".name"] += text(call, "function", "name")
				choices[i][k+".id"] += text(call, "id")
				choices[i][k+".args"] += text(call, "function", "arguments")
			}
		}
	}
	return choices, usage
}

// collectMessage puts a Messages stream together and holds it against the grammar of its events.
func collectMessage(t *testing.T, body string) map[string]any {
	t.Helper()
	var msg map[string]any
	var content []any
	var input string
	open, ended := -1, false
	for _, e := range events(t, body) {
		v := decode(t, e.data)
		if n, is := at(v, "message", "usage", "output_tokens").(float64); is && n > 1 {
			t.Errorf("message_start counts %v tokens of output already", n)
		}
		if v["type"] != e.event || ended {
			t.Fatalf("event %q with %s", e.event, e.data)
		}
		switch e.event {
		case "message_start":
			msg = v["message"].(map[string]any)
		case "content_block_start":
			if open >= 0 || int(v["index"].(float64)) != len(content) {
				t.Fatalf("block %v opens out of turn", v["index"])
			}
			open, input = len(content), ""
			content = append(content, v["content_block"])
		case "content_block_delta":
			b := content[open].(map[string]any)
			d := v["delta"].(map[string]any)
			switch d["type"] {
			case "text_delta":
				b["text"] = b["text"].(string) + d["text"].(string)
			case "thinking_delta":
				b["thinking"] = b["thinking"].(string) + d["thinking"].(string)
			case "signature_delta":
				b["signature"] = d["signature"]
			case "input_json_delta":
				input += d["partial_json"].(string)
			}
		case "content_block_stop":
			if b := content[open].(map[string]any); b["type"] == "tool_use" {
				b["input"] = decode(t, input)
			}
			open = -1
		case "message_delta":
			for k, x := range v["delta"].(map[string]any) {
				msg[k] = x
			}
			msg["usage"] = v["usage"]
		case "message_stop":
			ended = true
		case "ping":
		default:
			t.Fatalf("event %q", e.event)
		}
	}
	if !ended || open >= 0 {
		t.Fatal("the stream does not end")
	}
	if content == nil {
		content = []any{}
	}
	msg["content"] = content
	return msg
}

// TestStreamEqualsWholeChat: what a stream says is what the whole answer says, in every mode; chat.
func TestStreamEqualsWholeChat(t *testing.T) {
	r := start(t, &sim.Provider{Clock: func() time.Time { return time.Unix(1e9, 0) }})
	for _, body := range []string{
		chatBody("sim-1", "Grüße aus 東京 🌧️ \"quoted\"\n", ""),
		chatBody("sim-think", "why?", ""),
		chatBody("sim-1", "why?", `,"reasoning_effort":"high"`),
		chatBody("sim-tools", "please", chatTools),
		chatBody("sim-1", "use get time and get_weather with city=Oslo", chatTools),
		chatBody("sim-refusal", "hi", ""),
		chatBody("sim-empty", "hi", ""),
		chatBody("sim-1", "hi", `,"n":3`),
		chatBody("sim-1", "hi", `,"max_tokens":3`),
		chatBody("sim-1", "hi", `,"stop":["simulated","answer"]`),
		chatBody("sim-1", "hi", `,"logprobs":true,"top_logprobs":2`),
		chatBody("sim-long", "hi", ""),
	} {
		whole := r.ok(chatPath, body)
		_, streamed, err := r.do(chatPath, strings.TrimSuffix(body, "}")+`,"stream":true,"stream_options":{"include_usage":true}}`)
		if err != nil {
			t.Fatal(err)
		}
		got, usage := collectChat(t, streamed)
		for i, c := range whole["choices"].([]any) {
			want := map[string]string{"finish": text(c, "finish_reason")}
			for _, m := range []string{"role", "content", "reasoning_content", "refusal"} {
				want[m] = text(c, "message", m)
			}
			calls, _ := at(c, "message", "tool_calls").([]any)
			for n, k := range calls {
				key := fmt.Sprintf("call%d", n)
				want[key+".name"], want[key+".args"] = text(k, "function", "name"), text(k, "function", "arguments")
			}
			// Ids and what the seed draws differ: the body is another.
			for n := range calls {
				key := fmt.Sprintf("call%d", n)
				if id := got[i][key+".id"]; !strings.HasPrefix(id, "call_") {
					t.Errorf("call id %q", id)
				}
				delete(got[i], key+".id")
			}
			if diff := cmp.Diff(want, got[i]); diff != "" {
				t.Errorf("%s\nchoice %d: -whole +stream\n%s", body, i, diff)
			}
		}
		if diff := cmp.Diff(whole["usage"], usage); diff != "" {
			t.Errorf("%s\nusage: -whole +stream\n%s", body, diff)
		}
		u := usage.(map[string]any)
		if u["total_tokens"].(float64) != u["prompt_tokens"].(float64)+u["completion_tokens"].(float64) {
			t.Errorf("the sum is wrong in %v", u)
		}
	}
}

// TestStreamEqualsWholeMessages is the same for Messages.
func TestStreamEqualsWholeMessages(t *testing.T) {
	r := start(t, &sim.Provider{})
	for _, body := range []string{
		messagesBody("sim-1", "Grüße aus 東京 🌧️ \"quoted\"\n", ""),
		messagesBody("sim-1", "why?", `,"thinking":{"type":"enabled","budget_tokens":2000}`),
		messagesBody("sim-1", "why?", `,"thinking":{"type":"adaptive","display":"omitted"}`),
		messagesBody("sim-redacted", "why?", ""),
		messagesBody("sim-1", "use get time and get_weather with city=Oslo", messagesTools),
		messagesBody("sim-tools", "please", messagesTools+`,"tool_choice":{"type":"tool","name":"get_time"}`),
		messagesBody("sim-refusal", "hi", ""),
		messagesBody("sim-empty", "hi", ""),
		messagesBody("sim-1", "hi", `,"stop_sequences":["model"]`),
		messagesBody("sim-long", "hi", ""),
		strings.Replace(messagesBody("sim-1", "hi", ""), "60000", "4", 1),
	} {
		want := r.ok(messagesPath, body)
		_, streamed, err := r.do(messagesPath, strings.TrimSuffix(body, "}")+`,"stream":true}`)
		if err != nil {
			t.Fatal(err)
		}
		got := collectMessage(t, streamed)
		for _, m := range []map[string]any{want, got} {
			delete(m, "id")
			for _, b := range m["content"].([]any) {
				b := b.(map[string]any)
				for _, k := range []string{"id", "signature", "data"} {
					if b[k] != nil {
						b[k] = "differs"
					}
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n-whole +stream\n%s", body, diff)
		}
	}
}

func TestDeterministic(t *testing.T) {
	clock := func() time.Time { return time.Unix(1e9, 0) }
	a, b := start(t, &sim.Provider{Seed: 7, Clock: clock}), start(t, &sim.Provider{Seed: 7, Clock: clock})
	other := start(t, &sim.Provider{Seed: 8, Clock: clock})
	for path, body := range map[string]string{
		chatPath:         chatBody("sim-tools", "hi", chatTools+`,"stream":true`),
		messagesPath:     messagesBody("sim-think", "hi", messagesTools),
		"/v1/embeddings": `{"model":"sim-embed","input":"hi"}`,
	} {
		_, x, _ := a.do(path, body)
		_, y, _ := b.do(path, body)
		_, z, _ := other.do(path, body)
		if x != y || x == z {
			t.Errorf("%s: same seed equal: %v; other seed equal: %v", path, x == y, x == z)
		}
	}
}

func TestSaysWhatItSaw(t *testing.T) {
	r := start(t, &sim.Provider{})
	const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	chat := r.ok(chatPath, `{"model":"sim-1","messages":[{"role":"system","content":"Be very brief."},{"role":"user","content":"first"},`+
		`{"role":"assistant","content":"yes"},{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,`+pixel+`"}}]}]}`)
	msg := r.ok(messagesPath, `{"model":"sim-1","max_tokens":500,"system":"Be very brief.","messages":[{"role":"user","content":"first"},`+
		`{"role":"assistant","content":"yes"},{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"`+pixel+`"}}]}]}`)
	for _, got := range []string{text(chat, "choices", 0, "message", "content"), text(msg, "content", 0, "text")} {
		for _, want := range []string{"simulated", "“What is this?”", "one image (PNG, 70 bytes)", "message 2", "3 words"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not in %q", want, got)
			}
		}
	}
}

func TestToolRoundChat(t *testing.T) {
	r := start(t, &sim.Provider{})
	a := r.ok(chatPath, chatBody("sim-1", "get_weather with city=Oslo, then get_time", chatTools))
	calls := at(a, "choices", 0, "message", "tool_calls").([]any)
	if len(calls) != 2 || text(calls, 0, "function", "arguments") != `{"city":"Oslo"}` || text(a, "choices", 0, "finish_reason") != "tool_calls" {
		t.Fatalf("%v", a)
	}
	past, _ := json.Marshal(at(a, "choices", 0, "message"))
	more := fmt.Sprintf(`{"model":"sim-1","messages":[{"role":"user","content":"get_weather and get_time"},%s,`+
		`{"role":"tool","tool_call_id":%q,"content":"rain"},{"role":"tool","tool_call_id":%q,"content":[{"type":"text","text":"noon"}]}]%s}`,
		past, text(calls, 0, "id"), text(calls, 1, "id"), chatTools)
	got := text(r.ok(chatPath, more), "choices", 0, "message", "content")
	for _, want := range []string{"get_weather returned: “rain”", "get_time returned: “noon”"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	for more, want := range map[string]int{
		`,"tool_choice":"none"`: 0, `,"tool_choice":"required"`: 1, `,"parallel_tool_calls":false`: 1,
		`,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"get_time"}}]}}`: 1,
	} {
		ask := "get_weather and get_time"
		if strings.Contains(more, "required") {
			ask = "hello"
		}
		calls, _ := at(r.ok(chatPath, chatBody("sim-1", ask, chatTools+more)), "choices", 0, "message", "tool_calls").([]any)
		if len(calls) != want {
			t.Errorf("%s: %d calls, want %d", more, len(calls), want)
		}
	}
	legacy := r.ok(chatPath, chatBody("sim-1", "call f", `,"functions":[{"name":"f","parameters":{"type":"object","properties":{}}}]`))
	if text(legacy, "choices", 0, "finish_reason") != "function_call" || text(legacy, "choices", 0, "message", "function_call", "name") != "f" {
		t.Errorf("%v", legacy)
	}
	custom := r.ok(chatPath, chatBody("sim-tools", "go", `,"tools":[{"type":"custom","custom":{"name":"shell"}}]`))
	if text(custom, "choices", 0, "message", "tool_calls", 0, "custom", "input") == "" {
		t.Errorf("%v", custom)
	}
}

// TestThinkingRound holds the seal: a thought comes back as it was or is refused.
func TestThinkingRound(t *testing.T) {
	r := start(t, &sim.Provider{})
	const thinking = `,"thinking":{"type":"enabled","budget_tokens":1024}`
	for _, model := range []string{"sim-1", "sim-redacted"} {
		a := r.ok(messagesPath, messagesBody(model, "get_weather", messagesTools+thinking))
		content := at(a, "content").([]any)
		if len(content) != 3 || text(content, 2, "type") != "tool_use" {
			t.Fatalf("%v", a)
		}
		next := func(content any) (int, string) {
			past, _ := json.Marshal(content)
			res, body, _ := r.do(messagesPath, fmt.Sprintf(`{"model":%q,"max_tokens":9000,"messages":[{"role":"user","content":"get_weather"},`+
				`{"role":"assistant","content":%s},{"role":"user","content":[{"type":"tool_result","tool_use_id":%q,"content":"rain","is_error":true}]}]%s%s}`,
				model, past, text(content, len(content.([]any))-1, "id"), messagesTools, thinking))
			return res.StatusCode, body
		}
		if code, body := next(content); code != 200 || !strings.Contains(body, "get_weather failed with: “rain”") {
			t.Fatalf("%d %s", code, body)
		}
		if code, body := next(content[1:]); code != 400 || !strings.Contains(body, "messages.1.content.0.type: Expected `thinking`") {
			t.Errorf("without its thought: %d %s", code, body)
		}
		thought := content[0].(map[string]any)
		for _, k := range []string{"thinking", "signature", "data"} {
			if s, has := thought[k].(string); has {
				thought[k] = "x" + s
				if code, body := next(content); code != 400 || !strings.Contains(body, "messages.1.content.0: Invalid `") {
					t.Errorf("with another %s: %d %s", k, code, body)
				}
				thought[k] = s
			}
		}
	}
}

func TestStructuredOutput(t *testing.T) {
	r := start(t, &sim.Provider{})
	const schema = `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0}},"required":["name","age"],"additionalProperties":false}`
	chat := r.ok(chatPath, chatBody("sim-1", "Who? age: 36", `,"response_format":{"type":"json_schema","json_schema":{"name":"person","strict":true,"schema":`+schema+`}}`))
	msg := r.ok(messagesPath, messagesBody("sim-1", "Who? age: 36", `,"output_config":{"format":{"type":"json_schema","schema":`+schema+`}}`))
	free := r.ok(chatPath, chatBody("sim-1", "Some JSON please", `,"response_format":{"type":"json_object"}`))
	for _, got := range []string{text(chat, "choices", 0, "message", "content"), text(msg, "content", 0, "text")} {
		if v := decode(t, got); v["age"] != 36.0 || v["name"] == nil || len(v) != 2 {
			t.Errorf("%s", got)
		}
	}
	decode(t, text(free, "choices", 0, "message", "content"))
}

// TestBounds: an answer ends where it was told to, and says why.
func TestBounds(t *testing.T) {
	r := start(t, &sim.Provider{})
	type end struct {
		text, reason, sequence string
		output                 float64
	}
	for body, want := range map[string]end{
		messagesBody("sim-1", "hi", `,"stop_sequences":["never","simulated","is a"]`):               {"This ", "stop_sequence", "is a", 2},
		strings.Replace(messagesBody("sim-1", "hi", ""), "60000", "2", 1):                           {"This is ", "max_tokens", "", 2},
		strings.Replace(messagesBody("sim-1", "hi", `,"stop_sequences":["from"]`), "60000", "3", 1): {"This is a si", "max_tokens", "", 3},
		strings.Replace(messagesBody("sim-think", "hi", ""), "60000", "2", 1):                       {"", "max_tokens", "", 2},
		strings.Replace(messagesBody("sim-tools", "hi", messagesTools), "60000", "7", 1):            {"I will call get_weather.", "max_tokens", "", 6},
		messagesBody("sim-tools", "hi", messagesTools+`,"tool_choice":{"type":"any"}`):              {"", "tool_use", "", 7},
		messagesBody("sim-refusal", "hi", ""):                                                       {"I'm sorry, but this simulated model declines to answer.", "refusal", "", 14},
		messagesBody("sim-empty", "hi", ""):                                                         {"", "end_turn", "", 0},
	} {
		a := r.ok(messagesPath, body)
		got := end{reason: text(a, "stop_reason"), sequence: text(a, "stop_sequence"), output: at(a, "usage", "output_tokens").(float64)}
		for _, b := range a["content"].([]any) {
			got.text += text(b, "text")
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(end{})); diff != "" {
			t.Errorf("%s\n-want +got\n%s", body, diff)
		}
	}
	for body, want := range map[string]end{
		chatBody("sim-1", "hi", `,"stop":" a "`):              {"This is", "stop", "", 2},
		chatBody("sim-1", "hi", `,"max_completion_tokens":1`): {"This", "length", "", 1},
	} {
		a := r.ok(chatPath, body)
		got := end{text(a, "choices", 0, "message", "content"), text(a, "choices", 0, "finish_reason"), "", at(a, "usage", "completion_tokens").(float64)}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(end{})); diff != "" {
			t.Errorf("%s\n-want +got\n%s", body, diff)
		}
	}
}

// TestToolChoiceMessages: a choice forbids, demands and limits.
func TestToolChoiceMessages(t *testing.T) {
	r := start(t, &sim.Provider{})
	for more, want := range map[string]string{
		``: "get_weather get_time", `,"tool_choice":{"type":"none"}`: "", `,"tool_choice":{"type":"any","disable_parallel_tool_use":true}`: "get_weather",
		`,"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`: "get_weather", `,"tool_choice":{"type":"tool","name":"get_time"}`: "get_time",
	} {
		var got []string
		for _, b := range r.ok(messagesPath, messagesBody("sim-1", "get weather and get_time", messagesTools+more))["content"].([]any) {
			if text(b, "type") == "tool_use" {
				got = append(got, text(b, "name"))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v", more, got)
		}
	}
}

func TestPromptCache(t *testing.T) {
	now := time.Unix(1e9, 0)
	r := start(t, &sim.Provider{Clock: func() time.Time { return now }})
	const mark = `,"cache_control":{"type":"ephemeral"}`
	ask := func(first, second, more string) map[string]any {
		u := at(r.ok(messagesPath, `{"model":"sim-1","max_tokens":50,"system":[{"type":"text","text":"Be helpful."`+first+`}],"messages":[{"role":"user","content":[{"type":"text","text":"A question of some length."`+second+`}]}`+more+`]}`), "usage").(map[string]any)
		return map[string]any{"in": u["input_tokens"], "write": u["cache_creation_input_tokens"], "read": u["cache_read_input_tokens"]}
	}
	total := 3.0 + 7 + 8
	for i, c := range []struct {
		got  map[string]any
		want [3]float64
	}{
		{ask("", "", ""), [3]float64{total, 0, 0}},
		{ask(mark, "", ""), [3]float64{total - 3, 3, 0}},
		{ask(mark, "", ""), [3]float64{total - 3, 0, 3}},
		{ask("", mark, ""), [3]float64{total - 10, 7, 3}}, // the mark moved on; what was kept is still read
		{ask("", mark, `,{"role":"assistant","content":"Yes"}`), [3]float64{total - 10 + 1, 0, 10}},
	} {
		want := map[string]any{"in": c.want[0], "write": c.want[1], "read": c.want[2]}
		if diff := cmp.Diff(want, c.got); diff != "" {
			t.Errorf("step %d: -want +got\n%s", i, diff)
		}
	}
	now = now.Add(6 * time.Minute)
	if got := ask(mark, "", ""); got["read"] != 0.0 {
		t.Errorf("after six minutes: %v", got)
	}
}

func TestEmbeddings(t *testing.T) {
	r := start(t, &sim.Provider{})
	vec := func(body string, i int) []float64 {
		var out []float64
		for _, f := range at(r.ok("/v1/embeddings", body), "data", i, "embedding").([]any) {
			out = append(out, f.(float64))
		}
		return out
	}
	dot := func(a, b []float64) (sum float64) {
		for i := range a {
			sum += a[i] * b[i]
		}
		return sum
	}
	const body = `{"model":"sim-embed","dimensions":256,"input":["the river is wide","a wide river","bread and butter"]}`
	a, b, c := vec(body, 0), vec(body, 1), vec(body, 2)
	if len(a) != 256 || dot(a, a) < 0.999 || dot(a, a) > 1.001 {
		t.Errorf("length %d, norm %f", len(a), dot(a, a))
	}
	if dot(a, b) < dot(a, c)+0.2 {
		t.Errorf("near %f, far %f", dot(a, b), dot(a, c))
	}
	if diff := cmp.Diff(vec(`{"model":"sim-embed","input":"x"}`, 0), vec(`{"model":"sim-embed","input":["y","x"],"user":"u"}`, 1)); diff != "" {
		t.Errorf("not deterministic: %s", diff)
	}
	if s := text(r.ok("/v1/embeddings", `{"model":"sim-embed","dimensions":3,"encoding_format":"base64","input":[1,2,3]}`), "data", 0, "embedding"); len(s) != 16 {
		t.Errorf("base64 %q", s)
	}
	if u := at(r.ok("/v1/embeddings", `{"model":"sim-embed","input":[[1,2],[3]]}`), "usage", "prompt_tokens"); u != 3.0 {
		t.Errorf("prompt_tokens %v", u)
	}
}

func TestModels(t *testing.T) {
	r := start(t, &sim.Provider{})
	openai, anthropic := r.ok("/v1/models", ""), r.ok("/v1/models", "", "Anthropic-Version", "2023-06-01")
	if len(openai["data"].([]any)) != len(sim.Models())+len(sim.MediaModels()) || text(openai, "data", 0, "object") != "model" || openai["object"] != "list" {
		t.Errorf("%v", openai)
	}
	if text(anthropic, "data", 0, "type") != "model" || anthropic["has_more"] != false || text(anthropic, "first_id") != sim.DefaultModel {
		t.Errorf("%v", anthropic)
	}
	if m := r.ok("/v1/models/sim-embed", ""); m["id"] != "sim-embed" {
		t.Errorf("%v", m)
	}
	if res, body, _ := r.do("/v1/models/none", "", "Anthropic-Version", "2023-06-01"); res.StatusCode != 404 || !strings.Contains(body, "not_found_error") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if n := r.ok("/v1/messages/count_tokens", `{"model":"sim-1","messages":[{"role":"user","content":"12345678"}]}`)["input_tokens"]; n != 10.0 {
		t.Errorf("input_tokens %v", n)
	}
}

func TestKey(t *testing.T) {
	r := start(t, &sim.Provider{Key: "secret"})
	for _, c := range []struct {
		path, body, header, value string
		code                      int
	}{
		{chatPath, chatBody("sim-1", "hi", ""), "Authorization", "Bearer secret", 200},
		{chatPath, chatBody("sim-1", "hi", ""), "Authorization", "Bearer other", 401},
		{chatPath, chatBody("sim-1", "hi", ""), "X-Api-Key", "secret", 401},
		{messagesPath, messagesBody("sim-1", "hi", ""), "X-Api-Key", "secret", 200},
		{messagesPath, messagesBody("sim-1", "hi", ""), "Authorization", "Bearer secret", 200},
		{messagesPath, messagesBody("sim-1", "hi", ""), "X-Api-Key", "other", 401},
		{"/v1/models", "", "X-None", "1", 401},
	} {
		if res, body, _ := r.do(c.path, c.body, c.header, c.value); res.StatusCode != c.code || strings.Contains(body, "secret") {
			t.Errorf("%s %s: %d %s", c.path, c.header, res.StatusCode, body)
		}
	}
}

func TestFailures(t *testing.T) {
	r := start(t, &sim.Provider{Slow: -1})
	for _, c := range []struct {
		model             string
		chat, msg         int
		chatWord, msgWord string
	}{
		{"sim-429", 429, 429, "rate_limit_exceeded", "rate_limit_error"},
		{"sim-overloaded", 503, 529, "overloaded", "overloaded_error"},
		{"sim-500", 500, 500, "server_error", "api_error"},
		{"sim-503", 503, 503, "server_error", "api_error"},
		{"sim-auth", 401, 401, "invalid_api_key", "authentication_error"},
		{"sim-context", 400, 400, "context_length_exceeded", "prompt is too long"},
		{"sim-garbage", 200, 200, "<html>", "<html>"},
		{"sim-error-first", 503, 529, "server_error", "overloaded_error"},
		{"sim-error-in-stream", 500, 529, "server_error", "overloaded_error"},
		{"sim-slow", 200, 200, "simulated", "simulated"},
		{"no-such-model", 404, 404, "model_not_found", "not_found_error"},
		{"sim-embed", 404, 404, "model_not_found", "not_found_error"},
	} {
		for path, body := range map[string]string{chatPath: chatBody(c.model, "hi", ""), messagesPath: messagesBody(c.model, "hi", "")} {
			code, word := c.chat, c.chatWord
			if path == messagesPath {
				code, word = c.msg, c.msgWord
			}
			res, got, err := r.do(path, body)
			if err != nil || res.StatusCode != code || !strings.Contains(got, word) {
				t.Errorf("%s %s: %d %v %s", path, c.model, res.StatusCode, err, got)
			}
			if code >= 400 {
				v := decode(t, got)
				if (path == messagesPath) != (v["type"] == "error") || at(v, "error", "message") == nil {
					t.Errorf("%s %s: shape %s", path, c.model, got)
				}
			}
			if wait := res.Header.Get("Retry-After"); (wait == "1") != (c.model == "sim-429") {
				t.Errorf("%s: retry-after %q", c.model, wait)
			}
		}
	}
}

func TestBrokenStreams(t *testing.T) {
	r := start(t, &sim.Provider{})
	const streamed = `,"stream":true`
	for path, body := range map[string]func(string, string, string) string{chatPath: chatBody, messagesPath: messagesBody} {
		_, got, err := r.do(path, body("sim-error-in-stream", "hi", streamed))
		list := events(t, got)
		if last := list[len(list)-1]; err != nil || len(list) != 9 || at(decode(t, last.data), "error", "message") == nil {
			t.Errorf("%s sim-error-in-stream: %v, %d events\n%s", path, err, len(list), got)
		}
		if _, got, err = r.do(path, body("sim-error-first", "hi", streamed)); err != nil || len(events(t, got)) != 1 || !strings.Contains(got, `"error"`) {
			t.Errorf("%s sim-error-first: %v %s", path, err, got)
		}
		if _, got, err = r.do(path, body("sim-cut", "hi", streamed)); !errors.Is(err, io.ErrUnexpectedEOF) || len(events(t, got)) != 8 {
			t.Errorf("%s sim-cut: %v %s", path, err, got)
		}
		if _, got, err = r.do(path, body("sim-cut", "hi", "")); !errors.Is(err, io.ErrUnexpectedEOF) || json.Valid([]byte(got)) || got == "" {
			t.Errorf("%s sim-cut whole: %v %s", path, err, got)
		}
		short := body("sim-cut", "hi", streamed+`,"max_completion_tokens":1`)
		if path == messagesPath {
			short = strings.Replace(body("sim-cut", "hi", streamed), "60000", "1", 1)
		}
		if _, got, err = r.do(path, short); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s sim-cut short: %v %s", path, err, got)
		}
	}
}

// TestClientLeaves: a client that goes is noticed soon, wherever the provider stands.
func TestClientLeaves(t *testing.T) {
	r := start(t, &sim.Provider{Pace: 20 * time.Millisecond})
	for _, c := range []struct {
		model, more string
		reads       int // lines before leaving; 0 = it leaves before any answer
	}{
		{"sim-hang", "", 0},
		{"sim-hang", `,"stream":true`, 0},
		{"sim-slow", "", 0},
		{"sim-stall", `,"stream":true`, 15},
		{"sim-long", `,"stream":true`, 5},
	} {
		for path, body := range map[string]func(string, string, string) string{chatPath: chatBody, messagesPath: messagesBody} {
			ctx, leave := context.WithCancel(t.Context())
			left := readAndLeave(ctx, r, path, body(c.model, "hi", c.more), c.reads, leave)
			until := time.Now().Add(3 * time.Second)
			for r.Open() > 0 && time.Now().Before(until) {
				time.Sleep(time.Millisecond)
			}
			calls := r.Calls()
			if last := calls[len(calls)-1]; r.Open() != 0 || !last.Left || !last.Done || last.Model != c.model {
				t.Errorf("%s %s: open %d, left %v, done %v (%s)", path, c.model, r.Open(), last.Left, last.Done, left)
			} else if c.reads == 0 && last.Status != 0 {
				t.Errorf("%s %s: answered %d to nobody", path, c.model, last.Status)
			}
		}
	}
}

// readAndLeave sends a request, reads some lines, and leaves.
func readAndLeave(ctx context.Context, r *rig, path, body string, lines int, leave func()) string {
	if lines == 0 {
		time.AfterFunc(30*time.Millisecond, leave)
	}
	defer leave()
	res, err := http.DefaultClient.Do(r.request(ctx, path, body))
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	in := bufio.NewScanner(res.Body)
	for n := 0; n < lines && in.Scan(); n++ {
	}
	return "left after " + in.Text()
}

// TestPace runs on a clock of its own: an event each 30 ms, and half a minute of silence from sim-slow.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &sim.Provider{}
		serve := func(body string) (string, time.Duration) {
			w, begin := httptest.NewRecorder(), time.Now()
			p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, chatPath, strings.NewReader(body)))
			return w.Body.String(), time.Since(begin)
		}
		got, took := serve(chatBody("sim-1", "hi", `,"stream":true`))
		if want := time.Duration(len(events(t, got))-1) * 30 * time.Millisecond; took != want || want == 0 {
			t.Errorf("took %v, want %v", took, want)
		}
		if _, took := serve(chatBody("sim-slow", "hi", "")); took != 30*time.Second {
			t.Errorf("sim-slow took %v", took)
		}
	})
}

func TestSizes(t *testing.T) {
	r := start(t, &sim.Provider{})
	big := text(r.ok(chatPath, chatBody("sim-big", "hi", "")), "choices", 0, "message", "content")
	if len(big) != 1<<20 {
		t.Errorf("sim-big has %d bytes", len(big))
	}
	_, streamed, _ := r.do(chatPath, chatBody("sim-big", "hi", `,"stream":true`))
	if c, _ := collectChat(t, streamed); c[0]["content"] != big {
		t.Error("sim-big streamed is another text")
	}
}

// TestCallsAreBounded: the log keeps the newest, headers and bodies as they came.
func TestCallsAreBounded(t *testing.T) {
	p := &sim.Provider{}
	for i := range 1100 {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/none?q=1", bytes.NewReader(fmt.Append(nil, i)))
		req.Header.Set("X-Test", "yes")
		p.ServeHTTP(httptest.NewRecorder(), req)
	}
	calls := p.Calls()
	last := calls[len(calls)-1]
	if len(calls) != 1024 || string(last.Body) != "1099" || last.Header.Get("X-Test") != "yes" || last.Query != "q=1" || last.Status != 404 {
		t.Errorf("%d calls, last %+v", len(calls), last)
	}
	for range 5 {
		p.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/none", bytes.NewReader(make([]byte, 10<<20))))
	}
	if n := len(p.Calls()); n != 3 {
		t.Errorf("%d calls of 10 MiB are kept", n)
	}
}
