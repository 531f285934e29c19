package openaichat

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/llm"
)

// same compares JSON texts by what they say, members in order.
func same(t *testing.T, got []byte, want string) {
	t.Helper()
	pretty := func(s []byte) string {
		var v json.RawMessage
		if err := json.Unmarshal(s, &v); err != nil {
			t.Fatalf("%v: %s", err, s)
		}
		b, _ := json.MarshalIndent(v, "", " ")
		return string(b)
	}
	if diff := cmp.Diff(pretty([]byte(want)), pretty(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// losses writes losses as sorted "grade path".
func losses(all []llm.Loss) []string {
	out := []string{}
	for _, l := range all {
		if l.Why == "" {
			out = append(out, "no reason: "+l.Path)
		}
		out = append(out, l.Grade.String()+" "+l.Path)
	}
	slices.Sort(out)
	return out
}

// A conversation as a client of Anthropic's Messages has it.
func messagesRequest() *llm.Request {
	text := func(s, path string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s, Path: path} }
	return &llm.Request{
		From: llm.AnthropicMessages, Model: "claude", MaxOutput: 900, Stream: true,
		Stop:      []string{"a", "b", "c", "d", "e"},
		Sampling:  llm.Sampling{Temperature: "0.5", TopK: "40"},
		Reasoning: llm.Reasoning{Mode: "on", Budget: "4096"},
		User:      "u-1", Tier: "standard_only",
		Choice: llm.ToolChoice{Mode: "any", Parallel: ptr(false)},
		Extra:  llm.Extra{"context_management": raws(`{}`)},
		Tools: []llm.Tool{
			{Kind: llm.ToolFunction, Name: "f", Schema: raws(`{"type":"object"}`), Cache: &llm.CacheMark{}, Path: "tools[0]", Extra: llm.Extra{"input_examples": raws(`[1]`)}},
			{Kind: llm.ToolServer, Name: "web_search", Raw: raws(`{"type":"web_search_20250305"}`), Path: "tools[1]"},
		},
		Messages: []llm.Message{
			{Role: llm.System, Path: "system", Parts: []llm.Part{
				text("You help.", "system[0]"),
				{Kind: llm.PartText, Text: "Always.", Cache: &llm.CacheMark{TTL: "1h"}, Path: "system[1]"},
			}},
			{Role: llm.User, Path: "messages[0]", Parts: []llm.Part{
				text("What is this?", "messages[0].content[0]"),
				text("", "messages[0].content[1]"),
				{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "AAAA"}, Path: "messages[0].content[2]"},
				{Kind: llm.PartFile, Media: &llm.Blob{Type: "text/plain", Text: "body", Name: "Title", Cite: true}, Path: "messages[0].content[3]"},
				{Kind: llm.PartFile, Media: &llm.Blob{Type: "application/pdf", Data: "CCCC"}, Path: "messages[0].content[4]"},
				{Kind: llm.PartOpaque, Name: "search_result", Raw: raws(`{}`), Path: "messages[0].content[5]"},
			}},
			{Role: llm.Assistant, Path: "messages[1]", Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "S"}, Path: "messages[1].content[0]"},
				text("Let me ", "messages[1].content[1]"),
				text("see.", "messages[1].content[2]"),
				{Kind: llm.PartCall, ID: "toolu_1", Name: "f", Path: "messages[1].content[3]"},
				{Kind: llm.PartCall, ID: "toolu_" + strings.Repeat("x", 60), Name: "f", Args: `{"b": 1}`, Path: "messages[1].content[4]"},
				{Kind: llm.PartCall, By: llm.ByServer, ID: "srv", Name: "web_search", Raw: raws(`{}`), Path: "messages[1].content[5]"},
			}},
			{Role: llm.User, Path: "messages[2]", Parts: []llm.Part{
				text("and?", "messages[2].content[0]"),
				{Kind: llm.PartResult, ID: "toolu_1", Name: "f", Path: "messages[2].content[1]", Result: []llm.Part{
					text("one", "messages[2].content[1].content[0]"),
					{Kind: llm.PartImage, Media: &llm.Blob{URL: "https://x/y.png"}, Path: "messages[2].content[1].content[1]"},
				}},
				{Kind: llm.PartResult, ID: "toolu_" + strings.Repeat("x", 60), Name: "f", Failed: true, Path: "messages[2].content[2]", Result: []llm.Part{
					text("broken", "messages[2].content[2].content"),
				}},
			}},
		},
	}
}

func TestEncodeRequestOfMessages(t *testing.T) {
	long := derive("toolu_"+strings.Repeat("x", 60), 0)
	call, lost, err := codec{}.EncodeRequest(messagesRequest(), llm.Facts{Model: "gpt", Provider: "openai"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, call.Body, `{
	 "model":"gpt",
	 "messages":[
	  {"role":"system","content":[{"type":"text","text":"You help."},{"type":"text","text":"Always."}]},
	  {"role":"user","content":[
	   {"type":"text","text":"What is this?"},
	   {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},
	   {"type":"text","text":"Title\n\nbody"},
	   {"type":"file","file":{"file_data":"data:application/pdf;base64,CCCC","filename":"document.pdf"}}]},
	  {"role":"assistant","content":"Let me see.","tool_calls":[
	   {"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{}"}},
	   {"id":"`+long+`","type":"function","function":{"name":"f","arguments":"{\"b\": 1}"}}]},
	  {"role":"tool","tool_call_id":"toolu_1","content":"one"},
	  {"role":"tool","tool_call_id":"`+long+`","content":"Error: broken"},
	  {"role":"user","content":[
	   {"type":"text","text":"From the result of tool call toolu_1:"},
	   {"type":"image_url","image_url":{"url":"https://x/y.png"}},
	   {"type":"text","text":"and?"}]}],
	 "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
	 "parallel_tool_calls":false,"tool_choice":"required",
	 "temperature":0.5,"stop":["a","b","c","d"],"reasoning_effort":"medium",
	 "max_completion_tokens":900,"stream":true,"stream_options":{"include_usage":true},
	 "service_tier":"default","user":"u-1"}`)
	want := []string{
		"changed messages[0].content[3]",
		"changed messages[2].content[1].content[1]",
		"changed messages[2].content[2].is_error",
		"changed stop_sequences",
		"changed thinking",
		"dropped context_management",
		"dropped messages[0].content[3].citations",
		"dropped messages[0].content[5]",
		"dropped messages[1].content[0]",
		"dropped messages[1].content[5]",
		"dropped system[1].cache_control",
		"dropped tools[0].cache_control",
		"dropped tools[0].input_examples",
		"dropped tools[1]",
		"dropped top_k",
		"filled messages[0].content[4].title",
	}
	if diff := cmp.Diff(want, losses(lost)); diff != "" {
		t.Errorf("losses, -want +got:\n%s", diff)
	}
}

func TestEncodeRequestTakesReasoningBack(t *testing.T) {
	req := messagesRequest()
	req.Messages = req.Messages[2:3]
	call, lost, err := codec{}.EncodeRequest(req, llm.Facts{Model: "m", ReasoningBack: true})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(call.Body), `"reasoning_content":"hm"`) {
		t.Errorf("no reasoning: %s", call.Body)
	}
	got := losses(lost)
	if !slices.Contains(got, "dropped messages[1].content[0].signature") || slices.Contains(got, "dropped messages[1].content[0]") {
		t.Errorf("losses: %q", got)
	}
}

func TestEncodeRequestDetails(t *testing.T) {
	user := llm.Message{Role: llm.User, Path: "messages[0]", Parts: []llm.Part{{Kind: llm.PartText, Text: "q", Path: "messages[0].content"}}}
	tool := llm.Tool{Kind: llm.ToolFunction, Name: "f", Path: "tools[0]"}
	tests := []struct {
		name  string
		facts llm.Facts
		req   llm.Request
		want  string // what the body holds
		lost  []string
	}{
		{
			"one tool",
			llm.Facts{},
			llm.Request{Tools: []llm.Tool{tool}, Choice: llm.ToolChoice{Mode: "one", Name: "f"}},
			`"tool_choice":{"type":"function","function":{"name":"f"}}`, nil,
		},
		{
			"a choice without its tool",
			llm.Facts{},
			llm.Request{
				Tools:  []llm.Tool{tool, {Kind: llm.ToolServer, Name: "s", Path: "tools[1]"}},
				Choice: llm.ToolChoice{Mode: "one", Name: "s"},
			},
			`"tools":[{"type":"function","function":{"name":"f"}}]}`,
			[]string{"dropped tool_choice", "dropped tools[1]"},
		},
		{
			"no tool left",
			llm.Facts{},
			llm.Request{
				Tools:  []llm.Tool{{Kind: llm.ToolServer, Name: "s", Path: "tools[0]"}},
				Choice: llm.ToolChoice{Mode: "any", Parallel: ptr(false)},
			},
			`"content":"q"}]}`,
			[]string{"dropped tool_choice", "dropped tools[0]"},
		},
		{
			"a schema without a name",
			llm.Facts{},
			llm.Request{Output: llm.Output{Kind: "schema", Schema: raws(`{"b":1}`)}},
			`"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"b":1},"strict":true}}`,
			nil,
		},
		{"effort", llm.Facts{}, llm.Request{Reasoning: llm.Reasoning{Mode: "adaptive", Effort: "max"}}, `"reasoning_effort":"max"`, nil},
		{"adaptive", llm.Facts{}, llm.Request{Reasoning: llm.Reasoning{Mode: "adaptive"}}, `"content":"q"}]}`, []string{"dropped thinking"}},
		{"off", llm.Facts{}, llm.Request{Reasoning: llm.Reasoning{Mode: "off"}}, `"content":"q"}]}`, []string{"dropped thinking"}},
		{"low budget", llm.Facts{}, llm.Request{Reasoning: llm.Reasoning{Mode: "on", Budget: "2048"}}, `"reasoning_effort":"low"`, []string{"changed thinking"}},
		{"high budget", llm.Facts{}, llm.Request{Reasoning: llm.Reasoning{Mode: "on", Budget: "8193"}}, `"reasoning_effort":"high"`, []string{"changed thinking"}},
		{"display", llm.Facts{}, llm.Request{Reasoning: llm.Reasoning{Effort: "low", Show: ptr(false)}}, `"reasoning_effort":"low"`, []string{"dropped thinking.display"}},
		{"tier", llm.Facts{}, llm.Request{Tier: "gold"}, `"content":"q"}]}`, []string{"dropped service_tier"}},
		{"state", llm.Facts{}, llm.Request{Thread: llm.Thread{Raw: raws(`"c"`)}, Cache: llm.Cache{Auto: &llm.CacheMark{}}}, `"content":"q"}]}`, []string{"dropped cache_control", "dropped container"}},
		{
			"ids of Mistral",
			llm.Facts{Provider: "mistral"},
			llm.Request{Messages: []llm.Message{{Role: llm.Assistant, Parts: []llm.Part{
				{Kind: llm.PartCall, ID: "abcDEF123", Name: "f", Path: "o"}, {Kind: llm.PartCall, ID: "toolu_1", Name: "f", Path: "p"},
			}}}},
			`"tool_calls":[{"id":"abcDEF123",`,
			[]string{"filled o", "filled p"},
		},
		{
			"order of a turn",
			llm.Facts{},
			llm.Request{Messages: []llm.Message{{Role: llm.Assistant, Path: "messages[0]", Parts: []llm.Part{
				{Kind: llm.PartCall, ID: "a", Name: "f"}, {Kind: llm.PartText, Text: "after"},
			}}, {Role: llm.User, Parts: []llm.Part{{Kind: llm.PartResult, ID: "a"}}}}},
			`"content":"after","tool_calls":[`,
			[]string{"changed messages[0]"},
		},
		{
			"a custom tool",
			llm.Facts{},
			llm.Request{Tools: []llm.Tool{{Kind: llm.ToolCustom, Name: "c", Description: "d"}}, Choice: llm.ToolChoice{Mode: "auto", Allowed: []string{"c"}}},
			`"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"custom","custom":{"name":"c"}}]}}`, nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.req.From = llm.AnthropicMessages
			if test.req.Messages == nil {
				test.req.Messages = []llm.Message{user}
			}
			call, lost, err := codec{}.EncodeRequest(&test.req, test.facts)
			if err != nil || !json.Valid(call.Body) {
				t.Fatalf("%s: %v", call.Body, err)
			}
			if !strings.Contains(string(call.Body), test.want) {
				t.Errorf("got %s\nwant it to hold %s", call.Body, test.want)
			}
			if diff := cmp.Diff(append([]string{}, test.lost...), losses(lost)); diff != "" {
				t.Errorf("losses, -want +got:\n%s", diff)
			}
		})
	}
}

func TestEncodeRequestRefusesWhatWouldNotBeSeen(t *testing.T) {
	for name, p := range map[string]llm.Part{
		"file id":  {Kind: llm.PartImage, Media: &llm.Blob{FileID: "f"}},
		"file URL": {Kind: llm.PartFile, Media: &llm.Blob{URL: "https://x"}},
		"video":    {Kind: llm.PartVideo, Media: &llm.Blob{Data: "AA", Type: "video/mp4"}},
		"sound":    {Kind: llm.PartAudio, Media: &llm.Blob{URL: "https://x"}},
	} {
		p.Path = "messages[0].content[1]"
		for _, parts := range [][]llm.Part{{p}, {{Kind: llm.PartResult, ID: "a", Result: []llm.Part{p}}}} {
			req := &llm.Request{From: llm.AnthropicMessages, Messages: []llm.Message{{Role: llm.User, Parts: parts}}}
			_, _, err := codec{}.EncodeRequest(req, llm.Facts{Model: "m"})
			var f *fault.Fault
			if !errors.As(err, &f) || f.Kind != fault.Unsupported || f.Param != p.Path {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestNineIDsPairUp(t *testing.T) {
	req := messagesRequest()
	call, _, err := codec{}.EncodeRequest(req, llm.Facts{Model: "m", Quirks: llm.NineIDs})
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Messages []struct {
			ToolCalls []struct{ ID string } `json:"tool_calls"`
			ID        string                `json:"tool_call_id"`
		}
	}
	if err := json.Unmarshal(call.Body, &body); err != nil {
		t.Fatal(err)
	}
	var called, answered []string
	for _, m := range body.Messages {
		for _, c := range m.ToolCalls {
			if !nineLetters(c.ID) {
				t.Errorf("id %q", c.ID)
			}
			called = append(called, c.ID)
		}
		if m.ID != "" {
			answered = append(answered, m.ID)
		}
	}
	if len(called) != 2 || !slices.Equal(called, answered) || called[0] == called[1] {
		t.Errorf("called %q, answered %q", called, answered)
	}
}
