package openairesponses

import (
	"errors"
	"strings"
	"testing"

	"weir/internal/fault"
	"weir/internal/llm"
)

func say(role llm.Role, path string, parts ...llm.Part) llm.Message {
	for i := range parts {
		if parts[i].Path == "" {
			parts[i].Path = element(path+".content", i)
		}
	}
	return llm.Message{Role: role, Path: path, Parts: parts}
}

func plainPart(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }

func TestEncodeForeignRequest(t *testing.T) {
	const head, hi, tail = `{"model":"gpt-5","input":[`, `{"type":"message","role":"user","content":"hi"}`, `,"store":false,"include":["reasoning.encrypted_content"]}`
	user := say(llm.User, "messages[0]", plainPart("hi"))
	call := func(id, args string) llm.Part {
		return llm.Part{Kind: llm.PartCall, ID: id, Name: "f", Args: args, Path: "messages[1].tool_calls[0]"}
	}
	result := func(id string, parts ...llm.Part) llm.Part {
		return llm.Part{Kind: llm.PartResult, ID: id, Path: "messages[2]", Result: parts}
	}
	thought := func(text, by, data string) llm.Part {
		return llm.Part{Kind: llm.PartReasoning, Text: text, Seal: llm.Seal{By: by, Form: llm.SealEncrypted, Data: data}, Item: "kept"}
	}
	chat := func(messages ...llm.Message) *llm.Request {
		return &llm.Request{From: llm.OpenAIChat, Model: "asked", Messages: messages}
	}
	with := func(change func(*llm.Request)) *llm.Request { r := chat(user); change(r); return r }
	tool := llm.Tool{Kind: llm.ToolFunction, Name: "f", Path: "tools[0]"}
	long := "call_" + strings.Repeat("x", 70)
	derived := (&requestEncoder{}).id(long)
	tests := []struct {
		name   string
		req    *llm.Request
		facts  llm.Facts
		want   string
		losses string
	}{
		{"plain", chat(user), llm.Facts{}, head + hi + `]` + tail, ""},
		{
			"system turns keep their places", chat(say(llm.System, "messages[0]", plainPart("a"), plainPart("b")), say(llm.Developer, "messages[1]", plainPart("c")), user),
			llm.Facts{},
			head + `{"type":"message","role":"system","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]},{"type":"message","role":"developer","content":"c"},` + hi + `]` + tail, "",
		},
		{
			"names, empty texts, members", chat(llm.Message{Role: llm.User, Name: "ada", Path: "messages[0]", Parts: user.Parts, Extra: llm.Extra{"x": raw("1")}}, say(llm.Assistant, "messages[1]", plainPart(""))),
			llm.Facts{},
			head + hi + `]` + tail, "messages[0].x dropped, messages[0].name dropped",
		},
		{
			"calls and results", chat(user, say(llm.Assistant, "messages[1]", plainPart("I look."), call("a", `{"x":  1}`), call("b", "")), say(llm.User, "messages[2]", plainPart("and?"), result("b", plainPart("2")), result("a", plainPart("1"), llm.Part{Kind: llm.PartImage, Media: &llm.Blob{URL: "https://e.x/a.png"}, Path: "p"}))),
			llm.Facts{},
			head + hi + `,{"type":"message","role":"assistant","content":"I look."},{"type":"function_call","call_id":"a","name":"f","arguments":"{\"x\":  1}"},{"type":"function_call","call_id":"b","name":"f","arguments":"{}"},` +
				`{"type":"function_call_output","call_id":"b","output":"2"},{"type":"function_call_output","call_id":"a","output":[{"type":"input_text","text":"1"},{"type":"input_image","image_url":"https://e.x/a.png"}]},{"type":"message","role":"user","content":"and?"}]` + tail, "",
		},
		{
			"custom calls", chat(user, say(llm.Assistant, "messages[1]", llm.Part{Kind: llm.PartCall, ID: "a", Name: "sh", Args: "ls", Free: true}), say(llm.User, "messages[2]", result("a", plainPart("x")))),
			llm.Facts{},
			head + hi + `,{"type":"custom_tool_call","call_id":"a","name":"sh","input":"ls"},{"type":"custom_tool_call_output","call_id":"a","output":"x"}]` + tail, "",
		},
		{
			"a failed call", chat(user, say(llm.Assistant, "messages[1]", call("a", "{}")), say(llm.User, "messages[2]", llm.Part{Kind: llm.PartResult, ID: "a", Failed: true, Path: "messages[2].content[0]", Result: []llm.Part{plainPart("gone")}})),
			llm.Facts{},
			head + hi + `,{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":"Error: gone"}]` + tail, "messages[2].content[0].is_error changed",
		},
		{
			"a result without its call", chat(say(llm.User, "messages[0]", result("a", plainPart("1")))),
			llm.Facts{},
			head + `{"type":"message","role":"user","content":"1"}]` + tail, "messages[2] changed",
		},
		{
			"a call without its result", chat(user, say(llm.Assistant, "messages[1]", call("a", "{}")), user),
			llm.Facts{},
			head + hi + `,{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":"(There is no result.)"},` + hi + `]` + tail, "messages[1].tool_calls[0] filled",
		},
		{
			"ids that are too long", chat(user, say(llm.Assistant, "messages[1]", call(long, "{}")), say(llm.User, "messages[2]", result(long, plainPart("1")))),
			llm.Facts{},
			head + hi + `,{"type":"function_call","call_id":"` + derived + `","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"` + derived + `","output":"1"}]` + tail, "",
		},
		{
			"sealed reasoning is a whole item, ids are not sent", chat(user, say(llm.Assistant, "messages[1]", llm.Part{Kind: llm.PartReasoning, Text: "First"}, thought("Second", "openai", "gAAA"), plainPart("ho"))),
			llm.Facts{},
			head + hi + `,{"type":"reasoning","summary":[{"type":"summary_text","text":"First"},{"type":"summary_text","text":"Second"}],"encrypted_content":"gAAA"},{"type":"message","role":"assistant","content":"ho"}]` + tail, "",
		},
		{
			"reasoning of another maker, without a seal, or last", chat(user, say(llm.Assistant, "messages[1]", thought("a", "google", "x"), llm.Part{Kind: llm.PartReasoning, Text: "b"}, plainPart("ho"), thought("c", "openai", "y"))),
			llm.Facts{},
			head + hi + `,{"type":"message","role":"assistant","content":"ho"}]` + tail, "messages[1].content[0] dropped, messages[1].content[1] dropped, messages[1].content[3] dropped",
		},
		{
			"another maker's target", chat(user, say(llm.Assistant, "messages[1]", thought("", "xai", "x"), plainPart("ho"))),
			llm.Facts{SealBy: "xai"},
			head + hi + `,{"type":"reasoning","summary":[],"encrypted_content":"x"},{"type":"message","role":"assistant","content":"ho"}]` + tail, "",
		},
		{
			"a target that takes reasoning back", chat(user, say(llm.Assistant, "messages[1]", llm.Part{Kind: llm.PartReasoning, Text: "b"}, plainPart("ho"))),
			llm.Facts{Model: "deepseek", ReasoningBack: true},
			`{"model":"deepseek","input":[` + hi + `,{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"b"}]},{"type":"message","role":"assistant","content":"ho"}],"store":false}`, "",
		},
		{
			"a target that does not reason", chat(user, say(llm.Assistant, "messages[1]", thought("b", "openai", "x"), plainPart("ho"))),
			llm.Facts{Model: "gpt-4o-mini"},
			`{"model":"gpt-4o-mini","input":[` + hi + `,{"type":"message","role":"assistant","content":"ho"}],"store":false}`, "messages[1].content[0] dropped",
		},
		{
			"a refusal", chat(user, say(llm.Assistant, "messages[1]", llm.Part{Kind: llm.PartRefusal, Text: "No."}, plainPart("But"))),
			llm.Facts{},
			head + hi + `,{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"No."},{"type":"output_text","text":"But"}]}]` + tail, "",
		},
		{
			"media", chat(say(llm.User, "messages[0]", llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Data: "/9j/AA", Detail: "low"}}, llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Type: "application/pdf", Data: "JVBE"}}, llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Text: "All is well.", Name: "report", Cite: true}})),
			llm.Facts{},
			head + `{"type":"message","role":"user","content":[{"type":"input_image","image_url":"data:image/jpeg;base64,/9j/AA","detail":"low"},{"type":"input_file","file_data":"data:application/pdf;base64,JVBE","filename":"document.pdf"},{"type":"input_text","text":"report\n\nAll is well."}]}]` + tail,
			"messages[0].content[1].file.filename filled, messages[0].content[2].citations dropped, messages[0].content[2] changed",
		},
		{
			"documents", with(func(r *llm.Request) {
				r.Documents = []llm.Part{{Kind: llm.PartFile, Media: &llm.Blob{Text: "All is well."}}}
			}), llm.Facts{}, head + `{"type":"message","role":"user","content":"All is well."},` + hi + `]` + tail, "documents changed",
		},
		{
			"functions are not strict elsewhere", with(func(r *llm.Request) { r.Tools, r.Choice.Mode = []llm.Tool{tool}, "any" }),
			llm.Facts{},
			head + hi + `],"tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}],"tool_choice":"required"` + tail, "",
		},
		{
			"a grammar", with(func(r *llm.Request) {
				r.Tools = []llm.Tool{{Kind: llm.ToolCustom, Name: "sh", Grammar: raw(`{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}`)}}
				r.Choice = llm.ToolChoice{Mode: "one", Name: "sh", Parallel: ptr(false)}
			}), llm.Facts{}, head + hi + `],"tools":[{"type":"custom","name":"sh","format":{"type":"grammar","syntax":"lark","definition":"x"}}],"parallel_tool_calls":false,"tool_choice":{"type":"custom","name":"sh"}` + tail, "",
		},
		{
			"tools that cannot be offered", with(func(r *llm.Request) {
				r.Tools = []llm.Tool{{Kind: llm.ToolServer, Name: "search", Raw: raw(`{}`), Path: "tools[0]"}}
				r.Choice = llm.ToolChoice{Mode: "one", Name: "search", Parallel: ptr(false)}
			}), llm.Facts{}, head + hi + `]` + tail, "tools[0] dropped, tool_choice dropped",
		},
		{
			"settings", with(func(r *llm.Request) {
				r.MaxOutput, r.Stop, r.Answers, r.Stream = 5, []string{"END"}, 2, true
				r.Sampling = llm.Sampling{Temperature: "0.50", TopK: "3", Seed: "7", Logprobs: true, TopLogprobs: 2}
				r.Reasoning, r.Tier, r.User, r.Metadata = llm.Reasoning{Effort: "high"}, "priority", "u", raw(`{"a":"b"}`)
				r.Thread.Store, r.Cache.Key, r.Output = ptr(true), "k", llm.Output{Kind: "json", Verbosity: "low"}
				r.Extra = llm.Extra{"odd": raw("1")}
			}),
			llm.Facts{},
			head + hi + `],"text":{"format":{"type":"json_object"},"verbosity":"low"},"reasoning":{"effort":"high"},"max_output_tokens":16,"stream":true,"temperature":0.50,"top_logprobs":2,"store":true,` +
				`"include":["reasoning.encrypted_content","message.output_text.logprobs"],"service_tier":"priority","user":"u","metadata":{"a":"b"},"prompt_cache_key":"k"}`,
			"max_tokens changed, stop dropped, top_k dropped, seed dropped, n dropped, odd dropped",
		},
		{
			"settings of Messages", func() *llm.Request {
				r := chat(user)
				r.From, r.Stop, r.Thread.Raw = llm.AnthropicMessages, []string{"END"}, raw(`"c"`)
				r.Reasoning = llm.Reasoning{Mode: "on", Budget: "3000", Show: ptr(true)}
				r.Output = llm.Output{Kind: "schema", Schema: raw(`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`)}
				return r
			}(),
			llm.Facts{},
			head + hi + `],"text":{"format":{"type":"json_schema","name":"answer","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false},"strict":true}},"reasoning":{"effort":"medium","summary":"auto"}` + tail,
			"thinking changed, thinking.display changed, stop_sequences dropped, container dropped",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.facts.Model == "" {
				tt.facts.Model = "gpt-5"
			}
			body, losses := encodeRequest(t, tt.req, tt.facts)
			if body != tt.want {
				t.Errorf("got  %s\nwant %s", body, tt.want)
			}
			if got := said(losses); got != tt.losses {
				t.Errorf("lost %s\nwant %s", got, tt.losses)
			}
		})
	}
}

func TestEncodeRefusals(t *testing.T) {
	for name, part := range map[string]llm.Part{
		"video": {Kind: llm.PartVideo, Media: &llm.Blob{URL: "https://e.x/a.mp4"}},
		"sound": {Kind: llm.PartAudio, Media: &llm.Blob{Type: "audio/wav", Data: "UklG"}},
		"file":  {Kind: llm.PartFile, Media: &llm.Blob{FileID: "file-1"}},
		"image": {Kind: llm.PartImage, Media: &llm.Blob{FileID: "file-1"}},
		"empty": {Kind: llm.PartImage, Media: &llm.Blob{}},
	} {
		r := &llm.Request{From: llm.OpenAIChat, Messages: []llm.Message{say(llm.User, "messages[0]", part)}}
		_, _, err := codec{}.EncodeRequest(r, llm.Facts{Model: "m"})
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Unsupported || f.Param != "messages[0].content[0]" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
