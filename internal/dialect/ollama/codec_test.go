package ollama

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func decodeRequest(t testing.TB, body string) *llm.Request {
	t.Helper()
	req, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func encodeRequest(t testing.TB, req *llm.Request, facts llm.Facts) (body string, losses []llm.Loss) {
	t.Helper()
	call, losses, err := codec{}.EncodeRequest(req, facts)
	if err != nil {
		t.Fatal(err)
	}
	if err := rawjson.Check(call.Body); err != nil || call.Path != Path || call.Op != llm.OpChat {
		t.Fatalf("%v in %+v: %s", err, call, call.Body)
	}
	return string(call.Body), losses
}

func decodeResponse(t testing.TB, body string) *llm.Response {
	t.Helper()
	return dialecttest.Answer(t, New(), body)
}

func collect(t testing.TB, stream string) *llm.Response {
	t.Helper()
	return dialecttest.Collected(t, New(), framesOf(stream))
}

// checked passes events on and fails where they break the grammar.
func checked(t testing.TB, in iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
	return dialecttest.Grammatical(t, in)
}

func encodeStream(t testing.TB, in iter.Seq2[llm.Event, error]) (stream string, losses []llm.Loss) {
	t.Helper()
	return dialecttest.Stream(t, New(), nil, in)
}

func paths(losses []llm.Loss) string {
	var all []string
	for _, l := range losses {
		all = append(all, fmt.Sprintf("%s %s", l.Path, l.Grade))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func TestSpans(t *testing.T) {
	body := `{"model":"m","messages":[{"role":"user","content":"a \"b\""},{"role":"assistant","thinking":"c","content":"d","tool_calls":[{"function":{"name":"f","arguments":{"a": 1}}}]}]}`
	req := decodeRequest(t, body)
	var got []string
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			got = append(got, p.Path+" "+body[p.Span.Start:p.Span.End])
		}
	}
	want := []string{`messages[0].content "a \"b\""`, `messages[1].thinking "c"`, `messages[1].content "d"`, `messages[1].tool_calls[0] {"a": 1}`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`{"model":"m","messages":{}}`:                                       "messages",
		`{"model":"m","messages":[1]}`:                                      "messages[0]",
		`{"model":"m","messages":[{"role":"x"}]}`:                           "messages[0].role",
		`{"model":"m","messages":[{"role":"user","content":[]}]}`:           "messages[0].content",
		`{"model":"m","messages":[{"role":"user","images":"a"}]}`:           "messages[0].images",
		`{"model":"m","messages":[{"role":"user","images":[1]}]}`:           "messages[0].images[0]",
		`{"model":"m","messages":[{"role":"assistant","tool_calls":{}}]}`:   "messages[0].tool_calls",
		`{"model":"m","messages":[{"role":"assistant","tool_calls":[{}]}]}`: "messages[0].tool_calls[0].function.name",
		`{"model":"m","messages":[],"tools":[{"type":"function"}]}`:         "tools[0].function.name",
		`{"model":"m","messages":[],"options":{"temperature":"warm"}}`:      "options.temperature",
		`{"model":"m","messages":[],"options":{"stop":[1]}}`:                "options.stop[0]",
		`{"model":"m","messages":[],"options":{"stop":1}}`:                  "options.stop",
		`{"model":"m","messages":[],"top_logprobs":"three"}`:                "top_logprobs",
	} {
		_, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
		if f := fault.Of(err); err == nil || f.Kind != fault.Malformed || f.Param != param {
			t.Errorf("%s: %v, want a refusal of %s", body, err, param)
		}
	}
}

// A call without an id gets the same one in every request of its conversation and another in any other; results find
// their calls by name and order.
func TestDerivedIDs(t *testing.T) {
	ids := func(body string) (all []string) {
		for _, m := range decodeRequest(t, body).Messages {
			for _, p := range m.Parts {
				if p.Kind == llm.PartCall || p.Kind == llm.PartResult {
					all = append(all, p.ID)
				}
			}
		}
		return all
	}
	const calls = `{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{}}},{"function":{"name":"g","arguments":{}}},{"function":{"name":"f","arguments":{}}}]}`
	first := ids(`{"model":"m","messages":[{"role":"user","content":"a"},` + calls + `]}`)
	grown := ids(`{"model":"m","stream":false,"messages":[{"role":"user","content":"a"},` + calls + `,{"role":"tool","tool_name":"f","content":"1"},{"role":"tool","tool_name":"g","content":"2"},{"role":"tool","content":"3"},{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{}}}]},{"role":"tool","tool_name":"f","content":"4"},{"role":"tool","tool_name":"h","content":"5"}]}`)
	other := ids(`{"model":"m","messages":[{"role":"user","content":"b"},` + calls + `]}`)
	if len(first) != 3 || !slices.Equal(first, grown[:3]) {
		t.Errorf("ids changed while the conversation grew: %v, %v", first, grown)
	}
	seen := map[string]bool{}
	for _, id := range append(append(slices.Clone(first), other...), grown[6], grown[8]) {
		if seen[id] || len(id) != len("call_")+24 {
			t.Errorf("id %q is not one of its own", id)
		}
		seen[id] = true
	}
	if want := []string{first[0], first[1], first[2], grown[6]}; !slices.Equal(want, []string{grown[3], grown[4], grown[5], grown[7]}) {
		t.Errorf("results are of %v, want %v", grown[3:], want)
	}
	// The newest calls are answered first, although an old one was left without a result.
	late := ids(`{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":{}}}]},{"role":"assistant","tool_calls":[{"id":"2","function":{"name":"f","arguments":{}}}]},{"role":"tool","tool_name":"f","content":"x"}]}`)
	if late[2] != "2" {
		t.Errorf("the result is of %s", late[2])
	}
}

func TestDecodeRequest(t *testing.T) {
	req := decodeRequest(t, `{"model":"m","think":"low","format":{"type": "object"},"options":{"num_predict":7,"stop":"END","num_ctx":9,"temperature":0.20},"messages":[{"role":"user","content":"See","images":["/9j/AAAA"]}]}`)
	want := &llm.Request{
		From: llm.OllamaChat, Model: "m", Stream: true, Framing: llm.NDJSON, MaxOutput: 7, Stop: []string{"END"},
		Messages: []llm.Message{{Role: llm.User, Parts: []llm.Part{
			{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/jpeg", Data: "/9j/AAAA"}}, {Kind: llm.PartText, Text: "See"},
		}}},
		Sampling:  llm.Sampling{Temperature: "0.20"},
		Reasoning: llm.Reasoning{Mode: "on", Effort: "low"},
		Output:    llm.Output{Kind: "schema", Schema: []byte(`{"type": "object"}`)},
		Extra:     llm.Extra{"options.num_ctx": []byte("9")},
	}
	for i := range req.Messages {
		req.Messages[i].Path = ""
		for j := range req.Messages[i].Parts {
			req.Messages[i].Parts[j].Path, req.Messages[i].Parts[j].Span = "", llm.Span{}
		}
	}
	if d := cmp.Diff(want, req); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
}

func TestDecodeAnswer(t *testing.T) {
	resp := decodeResponse(t, `{"model":"m","created_at":"2023-11-14T15:13:20.5-07:00","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a": 1}}}]},"done_reason":"stop","done":true}`)
	p := resp.Choices[0].Parts[0]
	if resp.Created != "1700000000" || string(resp.Extra["created_at"]) != `"2023-11-14T15:13:20.5-07:00"` || p.Args != `{"a": 1}` || !strings.HasPrefix(p.ID, "call_") {
		t.Errorf("answer %+v", resp)
	}
	if s := resp.Choices[0].Stop; s.Reason != llm.StopCalls || s.Native != "stop" {
		t.Errorf("stop %+v", s)
	}
	for _, body := range []string{`<html>`, `[]`, `{}`, `{"error":"no"}`, `{"message":{"content":7}}`, `{"message":{"tool_calls":[7]}}`} {
		if resp, err := (codec{}).DecodeResponse([]byte(body)); err == nil || fault.Of(err).Origin != fault.There {
			t.Errorf("%s: %+v, %v", body, resp, err)
		}
	}
	if _, _, err := (codec{}).EncodeResponse(nil, &llm.Response{Fault: fault.New(fault.Timeout, "late")}); fault.Of(err).Kind != fault.Timeout {
		t.Errorf("a fault is encoded as %v", err)
	}
}

func TestEncodeAnswer(t *testing.T) {
	resp := &llm.Response{From: llm.AnthropicMessages, ID: "a", Model: "m", Created: "1700000000", Choices: []llm.Choice{{
		Parts: []llm.Part{
			{Kind: llm.PartReasoning, Text: "Hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "c2ln"}},
			{Kind: llm.PartText, Text: "I "},
			{Kind: llm.PartText, Text: "look."},
			{Kind: llm.PartCall, ID: "1", Name: "look", Args: "{\n\"a\": 1}"},
			{Kind: llm.PartCall, ID: "2", Name: "look", Args: `{"a":`},
		},
		Stop: llm.Stop{Reason: llm.StopCalls},
	}}, Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 3, Output: 4}}
	body, losses, err := codec{}.EncodeResponse(nil, resp)
	want := `{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant","content":"I look.","thinking":"Hm","tool_calls":[{"id":"1","function":{"index":0,"name":"look","arguments":{` + "\n" + `"a": 1}}},` +
		`{"id":"2","function":{"index":1,"name":"look","arguments":{"arguments":"{\"a\":"}}}]},"done_reason":"stop","done":true,"prompt_eval_count":3,"eval_count":4}`
	if err != nil || string(body) != want || paths(losses) != "answer.arguments changed, answer.reasoning.signature dropped" {
		t.Errorf("%s\nlost %s, %v", body, paths(losses), err)
	}
	// In a stream a call is one line, whatever stands between its tokens.
	stream, losses := encodeStream(t, llm.Replay(resp))
	line := func(message string) string {
		return `{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant",` + message + `},"done":false}` + "\n"
	}
	want = line(`"content":"","thinking":"Hm"`) + line(`"content":"I "`) + line(`"content":"look."`) +
		line(`"content":"","tool_calls":[{"id":"1","function":{"index":0,"name":"look","arguments":{ "a": 1}}}]`) +
		line(`"content":"","tool_calls":[{"id":"2","function":{"index":1,"name":"look","arguments":{"arguments":"{\"a\":"}}}]`) +
		`{"model":"m","created_at":"2023-11-14T22:13:20Z","message":{"role":"assistant","content":""},"done_reason":"stop","done":true,"prompt_eval_count":3,"eval_count":4}` + "\n"
	if stream != want || paths(losses) != "answer.arguments changed, answer.reasoning.signature dropped" {
		t.Errorf("lost %s (-want +got):\n%s", paths(losses), cmp.Diff(want, stream))
	}
}

func TestTimes(t *testing.T) {
	for created, want := range map[llm.Num]string{
		"1700000000": "2023-11-14T22:13:20Z", "": unknown, "-5": unknown, "1e300": unknown, "253402300800": unknown, "253402300799": "9999-12-31T23:59:59Z",
	} {
		if got := createdAt(created, nil); got != want {
			t.Errorf("%q is %s, want %s", created, got, want)
		}
	}
	if got := createdAt("1700000000", []byte(`"2023-11-14T22:13:20.123456789Z"`)); got != "2023-11-14T22:13:20.123456789Z" {
		t.Errorf("its own text became %s", got)
	}
}

func TestDecodeStreams(t *testing.T) {
	line := func(message string) string {
		return `{"model":"m","created_at":"2025-08-20T13:48:26Z","message":{"role":"assistant",` + message + `},"done":false}` + "\n"
	}
	end := `{"model":"m","created_at":"2025-08-20T13:48:27Z","message":{"role":"assistant","content":""},"done_reason":"stop","done":true}`
	call := line(`"content":"","tool_calls":[{"function":{"name":"f","arguments":{"a": 1}}},{"function":{"name":"f","arguments":{"a": 1}}}]`)
	tests := []struct{ name, stream, want string }{
		{
			"a thought, a text, calls", line(`"content":"","thinking":"H"`) + line(`"content":"","thinking":"m"`) + line(`"content":"a"`) + line(`"content":"b"`) + call + end,
			`open reasoning; H; m; close; open text; a; b; close; open call f; {"a": 1}; close; open call f; {"a": 1}; close; stop calls; end`,
		},
		{
			"all in the last line", `{"model":"m","message":{"role":"assistant","content":"a","thinking":"H"},"done":true,"done_reason":"length"}`,
			"open reasoning; H; close; open text; a; close; stop length; end",
		},
		{"nothing", end, "stop end; end"},
		{"an image", line(`"content":"","images":["iVBORw0KGgo="]`) + end, "open image; close; stop end; end"},
		{"an error", line(`"content":"a"`) + `{"error":"it broke"}`, "open text; a; fault upstream"},
		{"cut short", line(`"content":"a"`), "open text; a; fault cut"},
		{"cut within a line", line(`"content":"a"`) + end[:len(end)-3], "open text; a; fault cut"},
		{"garbage", line(`"content":"a"`) + "<html>\n", "open text; a; fault upstream"},
		{"another thing", "[]\n", "fault upstream"},
		{"escapes", line(`"content":"a"`) + line(`"content":"\u00fc\n\"x\""`) + end, "open text; a; ü\n\"x\"; close; stop end; end"},
		{"another spelling of a line", line(`"content":"a"`) + `{"model":"m", "created_at":"2025-08-20T13:48:26Z","message":{"content":"b","role":"assistant"},"done":false}` + "\n" + end, "open text; a; b; close; stop end; end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := outline(t, tt.stream); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	ids := map[string]bool{}
	for _, p := range collect(t, call+call+end).Choices[0].Parts {
		ids[p.ID] = true
	}
	if len(ids) != 4 {
		t.Errorf("four calls have %d ids", len(ids))
	}
}

func outline(t *testing.T, stream string) string {
	t.Helper()
	var all []string
	say := func(format string, args ...any) { all = append(all, strings.TrimSpace(fmt.Sprintf(format, args...))) }
	kinds := map[llm.PartKind]string{llm.PartText: "text", llm.PartReasoning: "reasoning", llm.PartCall: "call", llm.PartImage: "image"}
	for e, err := range checked(t, codec{}.DecodeStream(framesOf(stream))) {
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case llm.EventOpen:
			say("open %s %s", kinds[e.Part.Kind], e.Part.Name)
		case llm.EventDelta:
			say("%s", e.Text)
		case llm.EventClose:
			say("close")
		case llm.EventStop:
			say("stop %s", e.Stop.Reason)
		case llm.EventEnd:
			say("end")
		case llm.EventFault:
			say("fault %s", e.Fault.Kind)
		}
	}
	return strings.Join(all, "; ")
}

// A fault ends the stream with an error and without a last line, and so does an input that just ends.
func TestEncodeStreamFaults(t *testing.T) {
	got, _ := encodeStream(t, func(yield func(llm.Event, error) bool) {
		_ = yield(llm.Event{Kind: llm.EventStart, ID: "a"}, nil) && yield(llm.Event{Kind: llm.EventFault, Fault: fault.New(fault.Upstream, "it broke")}, nil)
	})
	if got != `{"error":"it broke"}`+"\n" {
		t.Errorf("got %s", got)
	}
	got, _ = encodeStream(t, func(yield func(llm.Event, error) bool) { yield(llm.Event{Kind: llm.EventStart, ID: "a"}, nil) })
	if got != `{"error":"the answer broke off"}`+"\n" {
		t.Errorf("got %s", got)
	}
}

func TestCannot(t *testing.T) {
	req := &llm.Request{From: llm.OllamaChat, Stop: []string{"a"}, Reasoning: llm.Reasoning{Mode: "on"}}
	for from, want := range map[llm.Dialect]string{
		llm.OllamaChat:        "",
		llm.AnthropicMessages: "answer.reasoning.redacted dropped, answer.reasoning.signature dropped, answer.stop_sequence dropped",
		llm.CohereChat:        "answer.stop_sequence dropped",
		llm.OpenAIChat:        "",
	} {
		if got := paths(codec{}.Cannot(req, from)); got != want {
			t.Errorf("from %s: %s, want %s", from, got, want)
		}
	}
}
