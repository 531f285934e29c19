package cohere

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
	body := `{"model":"m","messages":[{"role":"user","content":"a \"b\""},{"role":"assistant","content":[{"type":"text","text":"c"}],"tool_plan":"d","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}]}`
	req := decodeRequest(t, body)
	var got []string
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			got = append(got, p.Path+" "+body[p.Span.Start:p.Span.End])
		}
	}
	want := []string{`messages[0].content "a \"b\""`, `messages[1].content[0] "c"`, `messages[1].tool_plan "d"`, `messages[1].tool_calls[0] "{}"`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`{"model":"m"}`:                                                  "messages",
		`{"model":"m","messages":{}}`:                                    "messages",
		`{"model":"m","messages":[1]}`:                                   "messages[0]",
		`{"model":"m","messages":[{"role":"x"}]}`:                        "messages[0].role",
		`{"model":"m","messages":[{"role":"user","content":7}]}`:         "messages[0].content",
		`{"model":"m","messages":[{"role":"user","content":["a"]}]}`:     "messages[0].content[0]",
		`{"model":"m","messages":[{"role":"tool","content":"a"}]}`:       "messages[0].tool_call_id",
		`{"model":"m","messages":[{"role":"assistant","tool_plan":1}]}`:  "messages[0].tool_plan",
		`{"model":"m","messages":[{"role":"assistant","tool_calls":1}]}`: "messages[0].tool_calls",
		`{"model":"m","messages":[],"tools":[{"type":"function"}]}`:      "tools[0].function.name",
		`{"model":"m","messages":[],"tools":{}}`:                         "tools",
		`{"model":"m","messages":[],"documents":[{}]}`:                   "documents[0]",
		`{"model":"m","messages":[],"temperature":"warm"}`:               "temperature",
		`{"model":"m","messages":[],"stop_sequences":[1]}`:               "stop_sequences[0]",
		`{"model":"m","messages":[],"thinking":{"token_budget":"many"}}`: "thinking.token_budget",
		`{"model":"m","messages":[],"response_format":"json"}`:           "response_format",
		`{"model":"m","messages":[],"strict_tools":"yes"}`:               "strict_tools",
	} {
		_, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
		if f := fault.Of(err); err == nil || f.Kind != fault.Malformed || f.Param != param {
			t.Errorf("%s: %v, want a refusal of %s", body, err, param)
		}
	}
}

func TestDecodeAnswer(t *testing.T) {
	resp := decodeResponse(t, `{"id":"a","message":{"role":"assistant","content":[{"type":"thinking","thinking":"Hm"},{"type":"text","text":"Grüße, Ada."}],"tool_plan":"Go.","tool_calls":[{"type":"function","function":{"name":"f","arguments":{"a": 1}}}],
		"citations":[{"start":7,"end":10,"text":"Ada","content_index":1,"sources":[{"type":"document","id":"d","document":{"title":"T","url":"https://example.org"}}]},{"start":0,"end":2,"text":"Go","type":"PLAN","sources":[{"type":"tool","id":"t:0"}]},{"start":0,"end":2,"text":"Hm","type":"THINKING_CONTENT","content_index":0}]},"finish_reason":"COMPLETE"}`)
	parts := resp.Choices[0].Parts
	want := []llm.Part{
		{Kind: llm.PartReasoning, Text: "Hm", Cites: []llm.Cite{{Start: 0, End: 2}}},
		{Kind: llm.PartText, Text: "Grüße, Ada.", Cites: []llm.Cite{{Kind: "url", Start: 9, End: 12, Source: "d", Title: "T", URL: "https://example.org"}}},
		{Kind: llm.PartReasoning, Name: "tool_plan", Text: "Go.", Cites: []llm.Cite{{Kind: "tool", Start: 0, End: 2, Source: "t:0"}}},
		{Kind: llm.PartCall, ID: parts[3].ID, Name: "f", Args: `{"a": 1}`},
	}
	if d := cmp.Diff(want, parts); d != "" {
		t.Errorf("parts (-want +got):\n%s", d)
	}
	if !strings.HasPrefix(parts[3].ID, "call_") || parts[3].ID != decodeResponse(t, `{"id":"a","message":{"tool_calls":[{"function":{"name":"g"}}]}}`).Choices[0].Parts[0].ID {
		t.Errorf("the derived id %q is not the same for the same place", parts[3].ID)
	}
	if s := resp.Choices[0].Stop; s.Reason != llm.StopCalls || s.Native != "COMPLETE" {
		t.Errorf("stop %+v", s)
	}
}

func TestDecodeAnswerRefuses(t *testing.T) {
	for _, body := range []string{`<html>`, `[]`, `{}`, `{"message":"no"}`, `{"message":{"content":7}}`, `{"message":{"tool_calls":{}}}`} {
		if resp, err := (codec{}).DecodeResponse([]byte(body)); err == nil || fault.Of(err).Origin != fault.There {
			t.Errorf("%s: %+v, %v", body, resp, err)
		}
	}
	if resp := decodeResponse(t, `{"message":{"content":[]},"finish_reason":"ERROR"}`); resp.Fault == nil || resp.Fault.Kind != fault.Upstream {
		t.Errorf("an answer that failed: %+v", resp.Fault)
	}
	if _, _, err := (codec{}).EncodeResponse(nil, &llm.Response{Fault: fault.New(fault.Timeout, "late")}); fault.Of(err).Kind != fault.Timeout {
		t.Errorf("a fault is encoded as %v", err)
	}
}

// An item of several tokens keeps its ids and each token's probability.
func TestLogprobs(t *testing.T) {
	const body = `{"id":"a","message":{"role":"assistant","content":[{"type":"text","text":"Hi you"}]},"finish_reason":"COMPLETE","logprobs":[{"text":"Hi","token_ids":[7,8],"logprobs":[-0.10,-2e-3]},{"text":" you","token_ids":[],"logprobs":[-1]}]}`
	resp := decodeResponse(t, body)
	want := []llm.Logprob{
		{Token: "Hi", Logprob: "-0.10", Extra: llm.Extra{"token_ids": []byte(`[7,8]`)}}, {Logprob: "-2e-3"}, {Token: " you", Logprob: "-1"},
	}
	if d := cmp.Diff(want, resp.Choices[0].Parts[0].Logprobs); d != "" {
		t.Errorf("log probabilities (-want +got):\n%s", d)
	}
	got, losses, err := codec{}.EncodeResponse(nil, resp)
	if err != nil || len(losses) > 0 || !strings.Contains(string(got), `"logprobs":[{"text":"Hi","logprobs":[-0.10,-2e-3],"token_ids":[7,8]},{"text":" you","token_ids":[],"logprobs":[-1]}]`) {
		t.Errorf("%s, %v, %v", got, losses, err)
	}
}

func TestDecodeStreams(t *testing.T) {
	start := `{"id":"a","type":"message-start","delta":{"message":{"role":"assistant"}}}`
	end := `{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}`
	text := func(index int, s string) string {
		return fmt.Sprintf(`{"type":"content-delta","index":%d,"delta":{"message":{"content":{"text":%q}}}}`, index, s)
	}
	begin := func(index int) string {
		return fmt.Sprintf(`{"type":"content-start","index":%d,"delta":{"message":{"content":{"type":"text","text":""}}}}`, index)
	}
	cite := func(index int, typ string) string {
		return fmt.Sprintf(`{"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":1,"end":2,"text":"ü","content_index":%d,"type":%q,"sources":[{"type":"document","id":"d"}]}}}}`, index, typ)
	}
	call := `{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"c","type":"function","function":{"name":"f","arguments":"{"}}}}}`
	tests := []struct {
		name   string
		events []string
		want   string // outline
	}{
		{
			"a citation after its content's end",
			[]string{start, begin(0), text(0, "xüy"), `{"type":"content-end","index":0}`, cite(0, "TEXT_CONTENT"), end},
			"open text; xüy; cite 1-3; close; stop end; end",
		},
		{
			"of a content that is closed it is only told on",
			[]string{start, begin(0), text(0, "a"), `{"type":"content-end","index":0}`, begin(1), text(1, "b"), cite(0, "TEXT_CONTENT"), end},
			"open text; a; close; open text; b; note; close; stop end; end",
		},
		{"delta without a start", []string{text(0, "a"), end}, "open text; a; close; stop end; end"},
		{"start without an end", []string{start, begin(0), text(0, "a"), end}, "open text; a; close; stop end; end"},
		{
			"a plan ends where a call begins",
			[]string{start, `{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"p"}}}`, call, `{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"}"}}}}}`, `{"type":"tool-call-end","index":0}`, end},
			"open reasoning tool_plan; p; close; open call f; {; }; close; stop calls; end",
		},
		{
			"a citation of the plan",
			[]string{start, `{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"püp"}}}`, cite(0, "PLAN"), end},
			"open reasoning tool_plan; püp; cite 1-3; close; stop end; end",
		},
		{
			"the type last, no name",
			[]string{`{"id":"a","type":"message-start"}`, `{"index":0,"delta":{"message":{"content":{"thinking":"t"}}},"type":"content-delta"}`, end},
			"open reasoning; t; close; stop end; end",
		},
		{"an unknown event", []string{start, `{"type":"debug","prompt":"p"}`, end}, "note; stop end; end"},
		{"an unknown content", []string{start, `{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"smell"}}}}`, end}, "note; stop end; end"},
		{"a call's delta out of place", []string{start, `{"type":"tool-call-delta","index":4,"delta":{"message":{"tool_calls":{"function":{"arguments":"}"}}}}}`, end}, "note; stop end; end"},
		{"cut short", []string{start, begin(0), text(0, "a")}, "open text; a; fault cut"},
		{"garbage", []string{start, `{"type":`}, "fault upstream"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := outline(t, lines(tt.events...)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func outline(t *testing.T, stream string) string {
	t.Helper()
	var all []string
	say := func(format string, args ...any) { all = append(all, strings.TrimSpace(fmt.Sprintf(format, args...))) }
	kinds := map[llm.PartKind]string{llm.PartText: "text", llm.PartReasoning: "reasoning", llm.PartCall: "call"}
	for e, err := range checked(t, codec{}.DecodeStream(framesOf(stream))) {
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case llm.EventOpen:
			say("open %s %s", kinds[e.Part.Kind], e.Part.Name)
		case llm.EventDelta:
			say("%s", e.Text)
		case llm.EventCite:
			say("cite %d-%d", e.Part.Cites[0].Start, e.Part.Cites[0].End)
		case llm.EventClose:
			say("close")
		case llm.EventNote:
			say("note")
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

// A stream that is encoded says what it should, byte for byte.
func TestEncodeStream(t *testing.T) {
	events := func(yield func(llm.Event, error) bool) {
		for _, e := range []llm.Event{
			{Kind: llm.EventStart, From: llm.OpenAIChat, ID: "a", Model: "m"},
			{Kind: llm.EventOpen, Part: llm.Part{Kind: llm.PartReasoning, Name: "reasoning"}},
			{Kind: llm.EventDelta, Text: "Hm"},
			{Kind: llm.EventClose},
			{Kind: llm.EventOpen, Index: 1, Part: llm.Part{Kind: llm.PartText}},
			{Kind: llm.EventDelta, Index: 1, Text: "Grüße"},
			{Kind: llm.EventCite, Index: 1, Part: llm.Part{Cites: []llm.Cite{{Kind: "url", URL: "https://example.org", Start: 2, End: 6}}}},
			{Kind: llm.EventClose, Index: 1},
			{Kind: llm.EventOpen, Index: 2, Part: llm.Part{Kind: llm.PartText}}, // says nothing
			{Kind: llm.EventClose, Index: 2},
			{Kind: llm.EventOpen, Index: 3, Part: llm.Part{Kind: llm.PartCall, ID: "c", Name: "f"}},
			{Kind: llm.EventClose, Index: 3},
			{Kind: llm.EventStop, Stop: llm.Stop{Reason: llm.StopCalls}},
			{Kind: llm.EventUsage, Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 3, Output: 4}},
			{Kind: llm.EventEnd},
		} {
			if !yield(e, nil) {
				return
			}
		}
	}
	got, losses := encodeStream(t, events)
	want := lines(
		`{"type":"message-start","id":"a","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}`,
		`{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"thinking","thinking":""}}}}`,
		`{"type":"content-delta","index":0,"delta":{"message":{"content":{"thinking":"Hm"}}}}`,
		`{"type":"content-end","index":0}`,
		`{"type":"content-start","index":1,"delta":{"message":{"content":{"type":"text","text":""}}}}`,
		`{"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"Grüße"}}}}`,
		`{"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":2,"end":4,"text":"üß","sources":[{"type":"document","document":{"url":"https://example.org"}}],"type":"TEXT_CONTENT","content_index":1}}}}`,
		`{"type":"citation-end","index":0}`,
		`{"type":"content-end","index":1}`,
		`{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"c","type":"function","function":{"name":"f","arguments":""}}}}}`,
		`{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{}"}}}}}`,
		`{"type":"tool-call-end","index":0}`,
		`{"type":"message-end","delta":{"finish_reason":"TOOL_CALL","usage":{"tokens":{"input_tokens":3,"output_tokens":4}}}}`,
		`[DONE]`,
	)
	if got != want || len(losses) > 0 {
		t.Errorf("lost %s (-want +got):\n%s", paths(losses), cmp.Diff(want, got))
	}
}

// A fault ends the stream with an error and without an end mark, and so does an input that just ends.
func TestEncodeStreamFaults(t *testing.T) {
	got, _ := encodeStream(t, func(yield func(llm.Event, error) bool) {
		_ = yield(llm.Event{Kind: llm.EventStart, ID: "a"}, nil) && yield(llm.Event{Kind: llm.EventFault, Fault: fault.New(fault.Upstream, "it broke")}, nil)
	})
	if !strings.HasSuffix(got, "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"error\":\"it broke\",\"finish_reason\":\"ERROR\"}}\n\n") {
		t.Errorf("got %s", got)
	}
	got, _ = encodeStream(t, func(yield func(llm.Event, error) bool) { yield(llm.Event{Kind: llm.EventStart, ID: "a"}, nil) })
	if strings.Contains(got, "[DONE]") || !strings.Contains(got, `"finish_reason":"ERROR"`) {
		t.Errorf("got %s", got)
	}
}

func TestCannot(t *testing.T) {
	req := &llm.Request{From: llm.CohereChat, Stop: []string{"a"}, Reasoning: llm.Reasoning{Mode: "on"}, Sampling: llm.Sampling{Logprobs: true}}
	for from, want := range map[llm.Dialect]string{
		llm.CohereChat:        "",
		llm.AnthropicMessages: "answer.reasoning.redacted dropped, answer.reasoning.signature dropped, answer.stop_sequence dropped",
		llm.OpenAIChat:        "answer.logprobs changed",
		llm.OllamaChat:        "",
	} {
		if got := paths(codec{}.Cannot(req, from)); got != want {
			t.Errorf("from %s: %s, want %s", from, got, want)
		}
	}
}
