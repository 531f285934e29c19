package cohere

import (
	"strings"
	"testing"

	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// ask returns a request of a chat client with the given turns.
func ask(messages ...llm.Message) *llm.Request {
	for i := range messages {
		m := &messages[i]
		m.Path = "messages[" + string(rune('0'+i)) + "]"
		for j := range m.Parts {
			m.Parts[j].Path = m.Path + "." + string(rune('a'+j))
		}
	}
	return &llm.Request{From: llm.OpenAIChat, Model: "asked", Messages: messages}
}

func says(role llm.Role, parts ...llm.Part) llm.Message { return llm.Message{Role: role, Parts: parts} }

func said(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }

func call(id, args string) llm.Part {
	return llm.Part{Kind: llm.PartCall, ID: id, Name: "look", Args: args}
}

func result(id string, parts ...llm.Part) llm.Part {
	return llm.Part{Kind: llm.PartResult, ID: id, Name: "look", Result: parts}
}

// What another dialect's client may say and Cohere would refuse is mended, and what that costs is declared.
func TestMending(t *testing.T) {
	tests := []struct {
		name     string
		req      *llm.Request
		messages string
		lost     string
	}{
		{
			"empty texts", ask(says(llm.User, said("a"), said("")), says(llm.Assistant, said("")), says(llm.User, said("b"))),
			`[{"role":"user","content":"a"},{"role":"user","content":"b"}]`, "",
		},
		{
			"a developer is the system", ask(says(llm.Developer, said("a")), says(llm.User, said("b"))),
			`[{"role":"system","content":"a"},{"role":"user","content":"b"}]`, "",
		},
		{
			"only the system speaks", ask(says(llm.System, said("a")), says(llm.System, said("b"))),
			`[{"role":"system","content":"a"},{"role":"user","content":"b"}]`, "messages[1].a changed",
		},
		{
			"results come first, in their order", ask(says(llm.User, said("a")), says(llm.Assistant, call("1", "{}"), call("2", "")), says(llm.User, said("b"), result("2", said("two"))), says(llm.User, result("1", said("one")))),
			`[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"look","arguments":"{}"}},{"id":"2","type":"function","function":{"name":"look","arguments":"{}"}}]},` +
				`{"role":"tool","tool_call_id":"2","content":"two"},{"role":"tool","tool_call_id":"1","content":"one"},{"role":"user","content":"b"}]`, "",
		},
		{
			"a result without its call", ask(says(llm.User, result("9", said("blue")))),
			`[{"role":"user","content":"blue"}]`, "messages[0].a changed",
		},
		{
			"a second result of a call", ask(says(llm.User, said("a")), says(llm.Assistant, call("1", "{}")), says(llm.User, result("1", said("one")), result("1", said("again")))),
			`[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"one"},{"role":"user","content":"again"}]`, "messages[2].b changed",
		},
		{
			"a call without its result", ask(says(llm.User, said("a")), says(llm.Assistant, said("I look."), call("1", "{}")), says(llm.User, said("b"))),
			`[{"role":"user","content":"a"},{"role":"assistant","content":"I look.","tool_calls":[{"id":"1","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"(There is no result.)"},{"role":"user","content":"b"}]`, "messages filled",
		},
		{
			"two calls of one id", ask(says(llm.User, said("a")), says(llm.Assistant, call("1", "{}"), call("1", "{}")), says(llm.User, result("1", said("x")))),
			`[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"look","arguments":"{}"}},{"id":"1_2","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"x"},{"role":"tool","tool_call_id":"1_2","content":"(There is no result.)"}]`, "messages filled",
		},
		{
			"texts before calls", ask(says(llm.User, said("a")), says(llm.Assistant, call("1", "{}"), said("Wait.")), says(llm.User, result("1"))),
			`[{"role":"user","content":"a"},{"role":"assistant","content":"Wait.","tool_calls":[{"id":"1","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"(empty)"}]`,
			"messages[1] changed, messages[2].a.content filled",
		},
		{
			"a failed result with an image", ask(says(llm.User, said("a")), says(llm.Assistant, call("1", `{"a":`)), says(llm.User, func() llm.Part {
				p := result("1", said("no"), llm.Part{Kind: llm.PartImage, Path: "messages[2].a[1]", Media: &llm.Blob{Data: "iVBORw0KGgo="}})
				p.Failed = true
				return p
			}())),
			`[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"look","arguments":"{\"arguments\":\"{\\\"a\\\":\"}"}}]},{"role":"tool","tool_call_id":"1","content":"Error: no"},` +
				`{"role":"user","content":[{"type":"text","text":"From the result of tool call 1:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]}]`,
			"messages[1].a changed, messages[2].a.is_error changed, messages[2].a[1] changed",
		},
		{
			"a result that is an object", ask(says(llm.User, said("a")), says(llm.Assistant, call("1", "{}")), says(llm.User, result("1", llm.Part{Kind: llm.PartJSON, Text: `{"sky": "blue"}`}))),
			`[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":[{"type":"document","document":{"data":{"sky": "blue"}}}]}]`, "",
		},
		{
			"thoughts of another maker", ask(says(llm.User, said("a")), says(llm.Assistant, llm.Part{Kind: llm.PartReasoning, Text: "Hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "x"}}, said("b")), says(llm.User, said("c"))),
			`[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]`, "messages[1].a dropped",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, losses := encodeRequest(t, tt.req, llm.Facts{Model: "command-a-03-2025"})
			if got := string(rawjson.Get([]byte(body), "messages")); got != tt.messages {
				t.Errorf("messages\n%s, want\n%s", got, tt.messages)
			}
			if got := paths(losses); got != tt.lost {
				t.Errorf("lost %s, want %s", got, tt.lost)
			}
		})
	}
}

// A model that reasons takes thoughts back, without their seals.
func TestThoughtsGoBack(t *testing.T) {
	req := ask(says(llm.User, said("a")), says(llm.Assistant, llm.Part{Kind: llm.PartReasoning, Text: "Hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "x"}}, said("b")),
		says(llm.Assistant, llm.Part{Kind: llm.PartReasoning, Text: "alone"}), says(llm.User, said("c")))
	body, losses := encodeRequest(t, req, llm.Facts{Model: "command-a-reasoning-08-2025"})
	if !strings.Contains(body, `{"role":"assistant","content":[{"type":"thinking","thinking":"Hm"},{"type":"text","text":"b"}]}`) || strings.Contains(body, "alone") {
		t.Errorf("body %s", body)
	}
	if got := paths(losses); got != "messages[1].a.signature dropped, messages[2].a dropped" {
		t.Errorf("lost %s", got)
	}
}

func TestRefusals(t *testing.T) {
	medium := func(kind llm.PartKind, b llm.Blob) *llm.Request {
		return ask(says(llm.User, llm.Part{Kind: kind, Media: &b}))
	}
	for name, tt := range map[string]struct {
		req   *llm.Request
		param string
	}{
		"sound":             {medium(llm.PartAudio, llm.Blob{Type: "audio/wav", Data: "AAAA"}), "messages[0].a"},
		"video":             {medium(llm.PartVideo, llm.Blob{URL: "https://example.org/a.mp4"}), "messages[0].a"},
		"PDF":               {medium(llm.PartFile, llm.Blob{Type: "application/pdf", Data: "AAAA"}), "messages[0].a"},
		"image kept by id":  {medium(llm.PartImage, llm.Blob{FileID: "f"}), "messages[0].a"},
		"image of nothing":  {medium(llm.PartImage, llm.Blob{}), "messages[0].a"},
		"image in a bucket": {medium(llm.PartImage, llm.Blob{URL: "s3://b/a.png"}), "messages[0].a"},
		"nothing said":      {ask(says(llm.User, said(""))), "messages"},
	} {
		_, _, err := codec{}.EncodeRequest(tt.req, llm.Facts{Model: "m"})
		if f := fault.Of(err); err == nil || f.Kind != fault.Unsupported || f.Param != tt.param {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSettings(t *testing.T) {
	yes, no := true, false
	tool := func(name, schema string, strict *bool) llm.Tool {
		return llm.Tool{Kind: llm.ToolFunction, Name: name, Schema: []byte(schema), Strict: strict, Path: "tools[" + name + "]"}
	}
	const fit = `{"type":"object","properties":{"a":{"type":"object","properties":{"b":{}},"required":["b"]}},"required":["a"]}`
	tests := []struct {
		name, model string
		set         func(*llm.Request)
		want        string // in the body
		lost        string
	}{
		{"sampling", "m", func(r *llm.Request) {
			r.Sampling = llm.Sampling{Temperature: "1.70", TopP: "0.50", TopK: "7", Seed: "8", Frequency: "0.5", Presence: "0.25", Logprobs: true}
			r.MaxOutput = 9
		}, `"temperature":1.70,"p":0.50,"k":7,"seed":8,"frequency_penalty":0.5,"presence_penalty":0.25,"logprobs":true,"max_tokens":9`, ""},
		{
			"out of bounds", "m", func(r *llm.Request) {
				r.Sampling = llm.Sampling{TopP: "1", TopK: "900", Seed: "-3", Frequency: "-1", Presence: "2", TopLogprobs: 3}
			}, `"p":0.99,"k":500,"frequency_penalty":0,"presence_penalty":1`,
			"frequency_penalty changed, presence_penalty changed, seed dropped, top_k changed, top_logprobs dropped, top_p changed",
		},
		{"many stops", "m", func(r *llm.Request) { r.Stop = []string{"1", "2", "", "3", "4", "5", "6"} }, `"stop_sequences":["1","2","3","4","5"]`, "stop dropped"},
		{"a tool of many", "m", func(r *llm.Request) {
			r.Tools = []llm.Tool{tool("x", fit, nil), tool("y", fit, nil)}
			r.Choice = llm.ToolChoice{Mode: "one", Name: "y"}
		}, `"tools":[{"type":"function","function":{"name":"y","parameters":` + fit + `}}],"tool_choice":"REQUIRED"`, "tool_choice changed, tools[x] dropped"},
		{"an old model cannot be told", "command-r-plus-08-2024", func(r *llm.Request) {
			r.Tools = []llm.Tool{tool("x", "", nil)}
			r.Tools[0].Schema = nil
			r.Choice = llm.ToolChoice{Mode: "any", Parallel: &no}
		}, `"tools":[{"type":"function","function":{"name":"x","parameters":{"type":"object","properties":{}}}}]}`, "parallel_tool_calls dropped, tool_choice dropped"},
		{"strict together", "m", func(r *llm.Request) { r.Tools = []llm.Tool{tool("x", fit, &yes), tool("y", fit, &yes)} }, `"strict_tools":true`, ""},
		{"not all strict", "m", func(r *llm.Request) {
			r.Tools = []llm.Tool{tool("x", fit, &yes), tool("y", fit, nil)}
		}, `"tools"`, "tools[x].function.strict dropped"},
		{"no parameter that is required", "m", func(r *llm.Request) {
			r.Tools = []llm.Tool{tool("x", `{"type":"object"}`, &yes)}
		}, `"tools"`, "tools[x].function.strict dropped"},
		{"schema", "m", func(r *llm.Request) {
			r.Output = llm.Output{Kind: "schema", Name: "n", Schema: []byte(fit), Strict: &yes}
		}, `"response_format":{"type":"json_object","json_schema":` + fit + `}`, ""},
		{"schema that is not taken", "m", func(r *llm.Request) {
			r.Output = llm.Output{Kind: "schema", Schema: []byte(`{"type":"object","properties":{"a":{"type":"object"}},"required":["a"]}`)}
		}, `"response_format":{"type":"json_object"}}`, "response_format changed"},
		{"schema and tools", "m", func(r *llm.Request) {
			r.Output = llm.Output{Kind: "schema", Schema: []byte(fit)}
			r.Tools = []llm.Tool{tool("x", fit, nil)}
		}, `"tools"`, "response_format dropped"},
		{"effort", "m", func(r *llm.Request) { r.Reasoning.Effort = "low" }, `"thinking":{"type":"enabled","token_budget":1024}`, "reasoning_effort changed"},
		{"most effort", "m", func(r *llm.Request) { r.Reasoning.Effort = "max" }, `"thinking":{"type":"enabled"}`, "reasoning_effort changed"},
		{"budget", "m", func(r *llm.Request) { r.Reasoning = llm.Reasoning{Mode: "on", Budget: "777"} }, `"thinking":{"type":"enabled","token_budget":777}`, ""},
		{"off", "m", func(r *llm.Request) { r.Reasoning.Effort = "none" }, `"thinking":{"type":"disabled"}`, ""},
		{"off where nothing thinks", "command-a-03-2025", func(r *llm.Request) { r.Reasoning.Mode = "off" }, `"messages"`, ""},
		{"effort where nothing thinks", "command-a-03-2025", func(r *llm.Request) { r.Reasoning.Effort = "high" }, `"messages"`, "reasoning_effort dropped"},
		{"account", "m", func(r *llm.Request) {
			r.User, r.Tier, r.Metadata, r.Extra = "u", "flex", []byte(`{}`), llm.Extra{"odd": []byte("1")}
		}, `"messages"`, "metadata dropped, odd dropped, service_tier dropped, user dropped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := ask(says(llm.User, said("a")))
			tt.set(req)
			body, losses := encodeRequest(t, req, llm.Facts{Model: tt.model})
			if !strings.Contains(body, tt.want) {
				t.Errorf("body %s\nwant %s", body, tt.want)
			}
			if got := paths(losses); got != tt.lost {
				t.Errorf("lost %s, want %s", got, tt.lost)
			}
			for _, member := range []string{"thinking", "response_format", "tool_choice", "strict_tools"} {
				if strings.Contains(body, `"`+member+`"`) != strings.Contains(tt.want, `"`+member+`"`) {
					t.Errorf("%s in %s", member, body)
				}
			}
		})
	}
}

// Documents of text stand where they stood, or beside the conversation where citations of them are asked for.
func TestDocuments(t *testing.T) {
	doc := func(cite bool) llm.Part {
		return llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Type: "text/plain", Data: "QWxsIGlzIHdlbGwu", Name: "report", Cite: cite}}
	}
	body, losses := encodeRequest(t, ask(says(llm.User, doc(false), said("So?"))), llm.Facts{Model: "m"})
	if !strings.Contains(body, `"content":[{"type":"text","text":"report\n\nAll is well."},{"type":"text","text":"So?"}]`) || paths(losses) != "messages[0].a changed" {
		t.Errorf("%s lost %s", body, paths(losses))
	}
	req := ask(says(llm.User, doc(true), said("So?")))
	body, losses = encodeRequest(t, req, llm.Facts{Model: "m"})
	if !strings.Contains(body, `"content":"So?"`) || !strings.Contains(body, `"documents":[{"data":{"title":"report","text":"All is well."}}]`) || paths(losses) != "messages[0].a changed" {
		t.Errorf("%s lost %s", body, paths(losses))
	}
	req.Output.Kind = "json" // not together with documents
	if body, _ = encodeRequest(t, req, llm.Facts{Model: "m"}); strings.Contains(body, "documents") || !strings.Contains(body, "json_object") {
		t.Errorf("%s", body)
	}
}

// A seal has no place in an answer; the encoder says so and writes the thought without it.
func TestSealsOfAnswers(t *testing.T) {
	resp := &llm.Response{From: llm.AnthropicMessages, ID: "a", Choices: []llm.Choice{{
		Parts: []llm.Part{{Kind: llm.PartReasoning, Text: "Hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "c2ln"}}, call("1", "{}")},
		Stop:  llm.Stop{Reason: llm.StopCalls},
	}}}
	body, losses, err := codec{}.EncodeResponse(nil, resp)
	want := `{"id":"a","message":{"role":"assistant","content":[{"type":"thinking","thinking":"Hm"}],"tool_calls":[{"id":"1","type":"function","function":{"name":"look","arguments":"{}"}}]},"finish_reason":"TOOL_CALL"}`
	if err != nil || string(body) != want || paths(losses) != "answer.reasoning.signature dropped" {
		t.Errorf("%s, lost %s, %v", body, paths(losses), err)
	}
}

// What hangs on a part that has no place is lost with it, in a stream too.
func TestSealOfAnImage(t *testing.T) {
	resp := &llm.Response{From: llm.GeminiGenerate, ID: "a", Choices: []llm.Choice{{Stop: llm.Stop{Reason: llm.StopEnd}, Parts: []llm.Part{{
		Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "iVBORw0KGgo="}, Seal: llm.Seal{By: "google", Form: llm.SealSignature, Data: "x"},
	}}}}}
	const want = "answer.image dropped, answer.reasoning.signature dropped"
	if _, losses, err := (codec{}).EncodeResponse(nil, resp); err != nil || paths(losses) != want {
		t.Errorf("lost %s, %v", paths(losses), err)
	}
	if _, losses := encodeStream(t, llm.Replay(resp)); paths(losses) != want {
		t.Errorf("lost %s in a stream", paths(losses))
	}
}
