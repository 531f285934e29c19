package converse

import (
	"errors"
	"strings"
	"testing"

	"weir/internal/fault"
	"weir/internal/llm"
)

func say(role llm.Role, path string, texts ...string) llm.Message {
	m := llm.Message{Role: role, Path: path}
	for _, s := range texts {
		m.Parts = append(m.Parts, llm.Part{Kind: llm.PartText, Text: s, Path: path + ".content"})
	}
	return m
}

func chat(messages ...llm.Message) *llm.Request {
	return &llm.Request{From: llm.OpenAIChat, Model: "gpt", MaxOutput: 100, Messages: messages}
}

const (
	sonnet   = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	hi       = `{"messages":[{"role":"user","content":[{"text":"hi"}]}]`
	limit100 = `,"inferenceConfig":{"maxTokens":100}`
	noArgs   = `{"type":"object","properties":{}}`
)

var user = say(llm.User, "messages[0]", "hi")

func called(id, args string) llm.Part {
	return llm.Part{Kind: llm.PartCall, ID: id, Name: "f", Args: args, Path: "messages[1].tool_calls[0]"}
}

func spoke(parts ...llm.Part) llm.Message {
	return llm.Message{Role: llm.Assistant, Path: "messages[1]", Parts: parts}
}

func answered(id, text string) llm.Message {
	return llm.Message{Role: llm.User, Path: "messages[2]", Parts: []llm.Part{{
		Kind: llm.PartResult, ID: id, Name: "f", Path: "messages[2]",
		Result: []llm.Part{{Kind: llm.PartText, Text: text, Path: "messages[2].content"}},
	}}}
}

func shown(p llm.Part) llm.Message {
	p.Path = "messages[0].content[0]"
	return llm.Message{Role: llm.User, Path: "messages[0]", Parts: []llm.Part{p}}
}

func file(b llm.Blob) llm.Part { return llm.Part{Kind: llm.PartFile, Media: &b} }

func with(change func(*llm.Request)) *llm.Request { r := chat(user); change(r); return r }

var tool = llm.Tool{Kind: llm.ToolFunction, Name: "f", Path: "tools[0]"}

type foreignTest struct {
	name, model string
	req         *llm.Request
	want        string // the body from its beginning
	losses      string
}

func TestEncodeTurns(t *testing.T) {
	const declared = `,"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":` + noArgs + `}}}]}}`
	runForeign(t, []foreignTest{
		{"plain", "", chat(user), hi + limit100 + `}`, ""},
		{"no limit", "", with(func(r *llm.Request) { r.MaxOutput = 0 }), hi + `}`, ""},
		{
			"system and developer go to the prompt", "", chat(say(llm.System, "messages[0]", "a"), say(llm.Developer, "messages[1]", "b"), say(llm.User, "messages[2]", "hi")),
			hi + `,"system":[{"text":"a"},{"text":"b"}]` + limit100 + `}`, "",
		},
		{"only a system turn", "", chat(say(llm.System, "messages[0]", "hi")), hi + limit100 + `}`, "messages[0] changed"},
		{
			"a later system turn is the user's", "", chat(user, say(llm.System, "messages[1]", "now")),
			`{"messages":[{"role":"user","content":[{"text":"hi"},{"text":"now"}]}]` + limit100 + `}`, "messages[1] changed",
		},
		{
			"the user begins", "", chat(say(llm.Assistant, "messages[0]", "so"), say(llm.User, "messages[1]", "hi")),
			`{"messages":[{"role":"user","content":[{"text":"(The conversation goes on.)"}]},{"role":"assistant","content":[{"text":"so"}]},{"role":"user","content":[{"text":"hi"}]}]` + limit100 + `}`, "messages filled",
		},
		{
			"names", "", chat(llm.Message{Role: llm.User, Name: "ada", Path: "messages[0]", Parts: user.Parts, Extra: llm.Extra{"x": raw(`1`)}}),
			hi + limit100 + `}`, "messages[0].name dropped, messages[0].x dropped",
		},
		{"blank texts", "", chat(say(llm.User, "messages[0]", "", "hi"), say(llm.Assistant, "messages[1]", ""), say(llm.User, "messages[2]", " \n")), hi + limit100 + `}`, "messages[2].content dropped"},
		{
			"an answer that is begun", "", chat(user, say(llm.Assistant, "messages[1]", "so \n")),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"text":"so"}]}]` + limit100 + `}`, "messages[1].content changed",
		},
		{
			"parallel results are one turn, first", "", chat(user, spoke(called("a", `{"x":  1}`), called("b", "")), answered("a", "1"), say(llm.User, "messages[3]", "and?"), answered("b", "2")),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":{"x":  1}}},{"toolUse":{"toolUseId":"b","name":"f","input":{}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"1"}]}},{"toolResult":{"toolUseId":"b","content":[{"text":"2"}]}},{"text":"and?"}]}]` + limit100 + declared, "tools[0] filled",
		},
		{
			"unfit ids", "", chat(user, spoke(called("call:1", "{}")), answered("call:1", "1")),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"` + fitID("call:1", "tooluse_") + `","name":"f","input":{}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"` + fitID("call:1", "tooluse_") + `","content":[{"text":"1"}]}}]}]` + limit100 + declared, "tools[0] filled",
		},
		{
			"a call without a result", "", chat(user, spoke(called("a", "{}")), say(llm.User, "messages[2]", "stop")),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":{}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"(There is no result.)"}],"status":"error"}},{"text":"stop"}]}]` + limit100 + declared, "messages filled, tools[0] filled",
		},
		{
			"a call at the end", "", chat(user, spoke(called("a", "{}"))),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":{}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"(There is no result.)"}],"status":"error"}}]}]` + limit100 + declared, "messages filled, tools[0] filled",
		},
		{
			"a result without its call", "", chat(user, answered("a", "1")),
			`{"messages":[{"role":"user","content":[{"text":"hi"},{"text":"1"}]}]` + limit100 + `}`, "messages[2] changed",
		},
		{
			"a second result", "", chat(user, spoke(called("a", "{}")), answered("a", "1"), answered("a", "2")),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":{}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"1"}]}},{"text":"2"}]}]` + limit100 + declared, "messages[2] changed, tools[0] filled",
		},
		{
			"broken arguments and free text", "", chat(user, spoke(called("a", `{"x":`), llm.Part{Kind: llm.PartCall, ID: "b", Name: "f", Args: "ls", Free: true, Path: "messages[1].tool_calls[1]"}), answered("a", "1"), answered("b", "2")),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":{"arguments":"{\"x\":"}}},{"toolUse":{"toolUseId":"b","name":"f","input":{"input":"ls"}}}]},`,
			"messages[1].tool_calls[0] changed, messages[1].tool_calls[1] changed, tools[0] filled",
		},
		{
			"reasoning", "", chat(user, spoke(
				llm.Part{Kind: llm.PartReasoning, Text: "hm", Path: "messages[1].a"}, llm.Part{Kind: llm.PartReasoning, Text: "hm", Seal: seal("s"), Path: "messages[1].b"},
				llm.Part{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "ZGF0YQ=="}, Path: "messages[1].c"},
				llm.Part{Kind: llm.PartReasoning, Text: "hm", Seal: llm.Seal{By: "openai", Form: llm.SealEncrypted, Data: "x"}, Path: "messages[1].d"}, llm.Part{Kind: llm.PartText, Text: "ho"})),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"hm","signature":"s"}}},{"reasoningContent":{"redactedContent":"WkdGMFlRPT0="}},{"text":"ho"}]}]` + limit100 + `}`,
			"messages[1].a dropped, messages[1].d dropped",
		},
		{
			"reasoning for another family", "amazon.nova-2-lite-v1:0", chat(user, spoke(llm.Part{Kind: llm.PartReasoning, Text: "hm", Seal: seal("s"), Path: "messages[1].b"}, llm.Part{Kind: llm.PartText, Text: "ho"})),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"text":"ho"}]}]` + limit100 + `}`, "messages[1].b dropped",
		},
		{"unknown content", "", chat(user, shown(llm.Part{Kind: llm.PartOpaque, Name: "hologram", Raw: raw(`{}`)})), hi + limit100 + `}`, "messages[0].content[0] dropped"},
		{
			"an earlier refusal", "", chat(user, spoke(llm.Part{Kind: llm.PartRefusal, Text: "no", Path: "messages[1].refusal"})),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"text":"no"}]}]` + limit100 + `}`, "messages[1].refusal changed",
		},
	})
}

func TestEncodeMedia(t *testing.T) {
	body := func(block string) string {
		return `{"messages":[{"role":"user","content":[` + block + `]}]` + limit100 + `}`
	}
	const see = `,{"text":"(See the document.)"}`
	runForeign(t, []foreignTest{
		{"image", "", chat(shown(llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/jpg", Data: "AA", Detail: "low"}})), body(`{"image":{"format":"jpeg","source":{"bytes":"AA"}}}`), "messages[0].content[0].image_url.detail dropped"},
		{"image without a type", "", chat(shown(llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Data: "/9j/AA"}})), body(`{"image":{"format":"jpeg","source":{"bytes":"/9j/AA"}}}`), "messages[0].content[0] changed"},
		{"image in a bucket", "", chat(shown(llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", URL: "s3://b/a"}})), body(`{"image":{"format":"png","source":{"s3Location":{"uri":"s3://b/a"}}}}`), ""},
		{"pdf", "", chat(shown(file(llm.Blob{Type: "application/pdf", Data: "JVBE", Name: "Q3 report_v2!.pdf"}))), body(`{"document":{"format":"pdf","name":"Q3 report v2-","source":{"bytes":"JVBE"}}}` + see), "messages[0].content[0].file.filename changed, messages filled"},
		{"fitting name", "", chat(shown(file(llm.Blob{Type: "application/pdf", Data: "JVBE", Name: "report"}))), body(`{"document":{"format":"pdf","name":"report","source":{"bytes":"JVBE"}}}` + see), "messages filled"},
		{"no name", "", chat(shown(file(llm.Blob{Type: "application/pdf", Data: "JVBE"}))), body(`{"document":{"format":"pdf","name":"document","source":{"bytes":"JVBE"}}}` + see), "messages[0].content[0].file.filename filled, messages filled"},
		{
			"text beside", "", chat(llm.Message{Role: llm.User, Path: "messages[0]", Parts: []llm.Part{file(llm.Blob{Type: "text/csv", Data: "YQ==", Name: "a"}), user.Parts[0]}}),
			body(`{"document":{"format":"csv","name":"a","source":{"bytes":"YQ=="}}},{"text":"hi"}`), "",
		},
		{
			"two of a name", "", chat(llm.Message{Role: llm.User, Path: "messages[0]", Parts: []llm.Part{file(llm.Blob{Type: "text/csv", Data: "YQ==", Name: "a"}), file(llm.Blob{Type: "text/csv", Data: "Yg==", Name: "a"}), user.Parts[0]}}),
			body(`{"document":{"format":"csv","name":"a","source":{"bytes":"YQ=="}}},{"document":{"format":"csv","name":"a (2)","source":{"bytes":"Yg=="}}},{"text":"hi"}`), ".file.filename changed",
		},
		{"text", "", chat(shown(file(llm.Blob{Type: "text/plain", Text: "so", Name: "a"}))), body(`{"document":{"format":"txt","name":"a","source":{"bytes":"c28="}}}` + see), "messages filled"},
		{"text to cite", "", chat(shown(file(llm.Blob{Type: "text/plain", Text: "so", Name: "a", Cite: true}))), body(`{"document":{"format":"txt","name":"a","source":{"text":"so"},"citations":{"enabled":true}}}` + see), "messages filled"},
		{"text to cite for a model that cannot", "amazon.nova-pro-v1:0", chat(shown(file(llm.Blob{Type: "text/plain", Text: "so", Name: "a", Cite: true}))), body(`{"document":{"format":"txt","name":"a","source":{"bytes":"c28="}}}` + see), "messages[0].content[0].citations dropped, messages filled"},
		{"chunks", "", chat(shown(file(llm.Blob{Source: "content", Text: "so", Name: "a"}))), body(`{"document":{"name":"a","source":{"content":[{"text":"so"}]}}}` + see), "messages filled"},
		{"another text", "", chat(shown(file(llm.Blob{Type: "application/json; charset=utf-8", Data: "e30=", Name: "a"}))), body(`{"document":{"format":"txt","name":"a","source":{"bytes":"e30="}}}` + see), "messages[0].content[0] changed, messages filled"},
		{"a file by its extension", "", chat(shown(file(llm.Blob{Data: "AA", Name: "a.docx"}))), body(`{"document":{"format":"docx","name":"a","source":{"bytes":"AA"}}}` + see), "messages[0].content[0] changed, messages[0].content[0].file.filename changed, messages filled"},
		{"sound", "the-model", chat(shown(llm.Part{Kind: llm.PartAudio, Media: &llm.Blob{Type: "audio/mp3", Data: "AA"}})), body(`{"audio":{"format":"mp3","source":{"bytes":"AA"}}}`), ""},
		{"film", "amazon.nova-pro-v1:0", chat(shown(llm.Part{Kind: llm.PartVideo, Media: &llm.Blob{Type: "video/mp4", URL: "s3://b/a.mp4"}})), body(`{"video":{"format":"mp4","source":{"s3Location":{"uri":"s3://b/a.mp4"}}}}`), ""},
		{
			"spoken before", "", chat(user, spoke(llm.Part{Kind: llm.PartAudio, ID: "a", Text: "spoken", Media: &llm.Blob{}, Path: "messages[1].audio"})),
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"text":"spoken"}]}]` + limit100 + `}`, "messages[1].audio changed",
		},
		{"shown by the model", "", chat(user, spoke(llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Data: "AA"}, Path: "messages[1].images[0]"})), hi + limit100 + `}`, "messages[1].images[0] dropped"},
	})
	for name, p := range map[string]llm.Part{
		"address": {Kind: llm.PartImage, Media: &llm.Blob{URL: "https://e.x/a.png"}}, "id": {Kind: llm.PartImage, Media: &llm.Blob{FileID: "f"}},
		"tiff": {Kind: llm.PartImage, Media: &llm.Blob{Type: "image/tiff", Data: "AA"}}, "unknown": {Kind: llm.PartImage, Media: &llm.Blob{Data: "AA"}},
		"zip": file(llm.Blob{Type: "application/zip", Data: "AA"}), "nothing": file(llm.Blob{}), "deaf": {Kind: llm.PartAudio, Media: &llm.Blob{Type: "audio/wav", Data: "AA"}},
		"film": {Kind: llm.PartVideo, Media: &llm.Blob{Type: "video/mp4", Data: "AA"}},
	} {
		_, _, err := codec{}.EncodeRequest(chat(shown(p)), llm.Facts{Model: sonnet})
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Unsupported || f.Param != "messages[0].content[0]" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEncodeTools(t *testing.T) {
	head := hi + limit100 + `,"toolConfig":{"tools":[`
	const spec = `{"toolSpec":{"name":"f","inputSchema":{"json":` + noArgs + `}}}`
	tools := func(choice llm.ToolChoice, list ...llm.Tool) *llm.Request {
		return with(func(r *llm.Request) { r.Tools, r.Choice = list, choice })
	}
	marked := tool
	marked.Cache = &llm.CacheMark{TTL: "1h"}
	runForeign(t, []foreignTest{
		{
			"all kinds", "", tools(llm.ToolChoice{Mode: "one", Name: "g"}, tool,
				llm.Tool{Kind: llm.ToolFunction, Name: "g", Description: "d", Schema: raw(`{"type":"object",  "x":1}`), Strict: ptr(true), Defer: true, Extra: llm.Extra{"y": raw(`1`)}, Path: "tools[1]"},
				llm.Tool{Kind: llm.ToolCustom, Name: "h", Grammar: raw(`{}`), Path: "tools[2]"}, llm.Tool{Kind: llm.ToolServer, Name: "web", Raw: raw(`{}`), Path: "tools[3]"},
				llm.Tool{Kind: llm.ToolGroup, Path: "tools[4]", Tools: []llm.Tool{{Kind: llm.ToolFunction, Name: "i", Strict: ptr(false), Path: "tools[4].tools[0]"}}}),
			head + spec + `,{"toolSpec":{"name":"g","description":"d","inputSchema":{"json":{"type":"object",  "x":1}},"strict":true}},{"toolSpec":{"name":"h","inputSchema":{"json":` + freeInput + `}}},` +
				`{"toolSpec":{"name":"i","inputSchema":{"json":` + noArgs + `}}}],"toolChoice":{"tool":{"name":"g"}}}}`,
			"tools[1].defer_loading dropped, tools[1].y dropped, tools[2] changed, tools[2].custom.format dropped, tools[3] dropped, tools[4] changed",
		},
		{"any", "", tools(llm.ToolChoice{Mode: "any"}, tool), head + spec + `],"toolChoice":{"any":{}}}}`, ""},
		{"one at a time", "", tools(llm.ToolChoice{Mode: "auto", Parallel: ptr(false)}, tool), head + spec + `],"toolChoice":{"auto":{}}}}`, "parallel_tool_calls dropped"},
		{"none", "", tools(llm.ToolChoice{Mode: "none", Parallel: ptr(false)}, tool), hi + limit100 + `}`, "tools[0] changed"},
		{"one that is not offered", "", tools(llm.ToolChoice{Mode: "one", Name: "x"}, tool), head + spec + `]}}`, "tool_choice dropped"},
		{"any of none", "", with(func(r *llm.Request) { r.Choice.Mode = "any" }), hi + limit100 + `}`, "tool_choice dropped"},
		{"allowed", "", tools(llm.ToolChoice{Mode: "any", Allowed: []string{"f"}}, tool, llm.Tool{Kind: llm.ToolFunction, Name: "g", Path: "tools[1]"}), head + spec + `],"toolChoice":{"any":{}}}}`, "tool_choice changed"},
		{"mark", "", tools(llm.ToolChoice{}, marked), head + spec + `,{"cachePoint":{"type":"default","ttl":"1h"}}]}}`, ""},
		{"mark for an hour where that is not known", "anthropic.claude-3-7-sonnet-20250219-v1:0", tools(llm.ToolChoice{}, marked), head + spec + `,{"cachePoint":{"type":"default"}}]}}`, "tools[0].cache_control changed"},
		{"mark that is not taken", "amazon.nova-pro-v1:0", tools(llm.ToolChoice{}, marked), head + spec + `]}}`, "tools[0].cache_control dropped"},
		{
			"none after calls", "", &llm.Request{From: llm.OpenAIChat, Messages: []llm.Message{user, spoke(called("a", "{}")), answered("a", "1")}, Tools: []llm.Tool{tool}, Choice: llm.ToolChoice{Mode: "none"}},
			`{"messages":[{"role":"user","content":[{"text":"hi"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":{}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"1"}]}}]}],` +
				`"toolConfig":{"tools":[` + spec + `]}}`, "tool_choice dropped",
		},
	})
	for name, req := range map[string]*llm.Request{
		"tools[0]": tools(llm.ToolChoice{}, llm.Tool{Kind: llm.ToolFunction, Name: "a.b", Path: "tools[0]"}),
		"messages": chat(say(llm.User, "messages[0]", "")),
	} {
		_, _, err := codec{}.EncodeRequest(req, llm.Facts{Model: sonnet})
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Unsupported || f.Param != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	thread := &llm.Request{From: llm.AnthropicMessages, Messages: []llm.Message{user}, Extra: llm.Extra{"thread": raw(`{"id":"t"}`)}}
	_, _, err := codec{}.EncodeRequest(thread, llm.Facts{Model: sonnet})
	if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != "thread_unsupported_request" {
		t.Errorf("a thread: %v", err)
	}
}

func TestEncodeThinking(t *testing.T) {
	ask := func(r llm.Reasoning, limit int64) *llm.Request {
		return with(func(q *llm.Request) { q.Reasoning, q.MaxOutput = r, limit })
	}
	const (
		claude4 = "anthropic.claude-sonnet-4-5-20250929-v1:0"
		claude5 = "anthropic.claude-opus-4-6-v1"
		nova2   = "us.amazon.nova-2-lite-v1:0"
		gpt     = "openai.gpt-oss-120b-1:0"
	)
	fields := func(s string) string { return hi + `,"additionalModelRequestFields":{` + s + `}}` }
	limited := func(s string) string {
		return hi + `,"inferenceConfig":{"maxTokens":8000},"additionalModelRequestFields":{` + s + `}}`
	}
	forced := ask(llm.Reasoning{Effort: "low"}, 8000)
	forced.Tools, forced.Choice = []llm.Tool{tool}, llm.ToolChoice{Mode: "any"}
	runForeign(t, []foreignTest{
		{"budget", claude4, ask(llm.Reasoning{Mode: "on", Budget: "2000"}, 8000), limited(`"thinking":{"type":"enabled","budget_tokens":2000}`), ""},
		{"effort as a budget", claude4, ask(llm.Reasoning{Effort: "medium"}, 0), fields(`"thinking":{"type":"enabled","budget_tokens":4096}`), "reasoning_effort changed"},
		{"a budget shrinks below the limit", claude4, ask(llm.Reasoning{Effort: "high"}, 8000), limited(`"thinking":{"type":"enabled","budget_tokens":4000}`), "reasoning_effort changed"},
		{"no room", claude4, ask(llm.Reasoning{Effort: "low"}, 1000), hi + `,"inferenceConfig":{"maxTokens":1000}}`, "reasoning_effort dropped"},
		{"off", claude4, ask(llm.Reasoning{Effort: "none"}, 0), fields(`"thinking":{"type":"disabled"}`), ""},
		{"minimal", claude4, ask(llm.Reasoning{Effort: "minimal"}, 0), fields(`"thinking":{"type":"disabled"}`), "reasoning_effort changed"},
		{"adaptive", claude5, ask(llm.Reasoning{Effort: "high"}, 0), fields(`"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}`), ""},
		{"xhigh", claude5, ask(llm.Reasoning{Effort: "xhigh"}, 0), fields(`"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}`), "reasoning_effort changed"},
		{"an old model", "anthropic.claude-3-haiku-20240307-v1:0", ask(llm.Reasoning{Effort: "high"}, 0), hi + `}`, "reasoning_effort dropped"},
		{"an old model is quiet", "anthropic.claude-v2", ask(llm.Reasoning{Effort: "none"}, 0), hi + `}`, ""},
		{
			"a tool must be called", claude4, forced, hi + `,"inferenceConfig":{"maxTokens":8000},"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":` + noArgs + `}}}],"toolChoice":{"any":{}}},` +
				`"additionalModelRequestFields":{"thinking":{"type":"disabled"}}}`, "reasoning_effort changed",
		},
		{"Nova takes a level", nova2, ask(llm.Reasoning{Effort: "high"}, 0), fields(`"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}`), ""},
		{"much thinking goes with no limit", nova2, ask(llm.Reasoning{Effort: "high"}, 8000), limited(`"reasoningConfig":{"type":"enabled","maxReasoningEffort":"medium"}`), "reasoning_effort changed"},
		{"Nova takes no budget", nova2, ask(llm.Reasoning{Mode: "on", Budget: "1000"}, 0), fields(`"reasoningConfig":{"type":"enabled","maxReasoningEffort":"low"}`), "reasoning_effort changed"},
		{"Nova off", nova2, ask(llm.Reasoning{Mode: "off"}, 0), fields(`"reasoningConfig":{"type":"disabled"}`), ""},
		{"the first Nova", "amazon.nova-pro-v1:0", ask(llm.Reasoning{Effort: "low"}, 0), hi + `}`, "reasoning_effort dropped"},
		{"the first Nova is quiet", "amazon.nova-pro-v1:0", ask(llm.Reasoning{Effort: "none"}, 0), hi + `}`, ""},
		{"OpenAI's models", gpt, ask(llm.Reasoning{Effort: "low"}, 0), fields(`"reasoning_effort":"low"`), ""},
		{"OpenAI's models always think", gpt, ask(llm.Reasoning{Effort: "none"}, 0), fields(`"reasoning_effort":"low"`), "reasoning_effort changed"},
		{"unknown", "fast", ask(llm.Reasoning{Effort: "low"}, 0), hi + `}`, "reasoning_effort dropped"},
		{"unknown and off", "fast", ask(llm.Reasoning{Effort: "none"}, 0), hi + `}`, "reasoning_effort dropped"},
		{
			"sampling beside thinking", claude4, with(func(r *llm.Request) {
				r.MaxOutput, r.Reasoning, r.Sampling = 8000, llm.Reasoning{Mode: "on", Budget: "2000"}, llm.Sampling{Temperature: "0.5", TopP: "0.5", TopK: "3"}
			}), limited(`"thinking":{"type":"enabled","budget_tokens":2000}`), "temperature dropped, top_p dropped, top_k dropped",
		},
		{
			"sampling", "anthropic.claude-3-7-sonnet-20250219-v1:0", with(func(r *llm.Request) {
				r.MaxOutput, r.Sampling = 0, llm.Sampling{Temperature: "1.5", TopP: "0.50", TopK: "3"}
			}), hi + `,"inferenceConfig":{"temperature":1,"topP":0.50},"additionalModelRequestFields":{"top_k":3}}`, "temperature changed",
		},
		{"one of two", claude4, with(func(r *llm.Request) { r.MaxOutput, r.Sampling = 0, llm.Sampling{Temperature: "0.5", TopP: "0.5"} }), hi + `,"inferenceConfig":{"temperature":0.5}}`, "top_p dropped"},
		{"top_k in Nova's words", "amazon.nova-pro-v1:0", with(func(r *llm.Request) { r.MaxOutput, r.Sampling.TopK = 0, "3" }), fields(`"inferenceConfig":{"topK":3}`), ""},
		{"top_k nobody knows", "meta.llama3-8b-instruct-v1:0", with(func(r *llm.Request) { r.MaxOutput, r.Sampling.TopK = 0, "3" }), hi + `}`, "top_k dropped"},
	})
}

func TestEncodeSettings(t *testing.T) {
	runForeign(t, []foreignTest{
		{
			"schema", "", with(func(r *llm.Request) {
				r.MaxOutput, r.Output = 0, llm.Output{Kind: "schema", Name: "n", Description: "d", Schema: raw(`{"type": "object"}`), Strict: ptr(false)}
			}), hi + `,"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\":\"object\",\"additionalProperties\":false}","name":"n","description":"d"}}}}}`,
			"response_format.json_schema.schema changed, response_format.json_schema.strict changed",
		},
		{"free JSON", "", with(func(r *llm.Request) { r.Output.Kind = "json" }), hi + limit100 + `}`, "response_format dropped"},
		{
			"stop", "", with(func(r *llm.Request) { r.Stop = []string{"a", "", "\n"} }),
			hi + `,"inferenceConfig":{"maxTokens":100,"stopSequences":["a"]},"additionalModelResponseFieldPaths":["/stop_sequence"]}`, "stop dropped",
		},
		{"stop of another family", "amazon.nova-pro-v1:0", with(func(r *llm.Request) { r.Stop = []string{"\n"} }), hi + `,"inferenceConfig":{"maxTokens":100,"stopSequences":["\n"]}}`, ""},
		{"tier", "", with(func(r *llm.Request) { r.Tier = "flex" }), hi + limit100 + `,"serviceTier":{"type":"flex"}}`, ""},
		{"tier auto", "", with(func(r *llm.Request) { r.Tier = "auto" }), hi + limit100 + `,"serviceTier":{"type":"default"}}`, "service_tier changed"},
		{"tier scale", "", with(func(r *llm.Request) { r.Tier = "scale" }), hi + limit100 + `}`, "service_tier dropped"},
		{"metadata", "", with(func(r *llm.Request) { r.Metadata = raw(`{"a":"b c"}`) }), hi + limit100 + `,"requestMetadata":{"a":"b c"}}`, ""},
		{"metadata that does not fit", "", with(func(r *llm.Request) { r.Metadata = raw(`{"a":{"b":1}}`) }), hi + limit100 + `}`, "metadata dropped"},
		{
			"what has no place", "", with(func(r *llm.Request) {
				r.Sampling = llm.Sampling{Frequency: "1", Seed: "2", Logprobs: true, TopLogprobs: 3}
				r.User, r.Answers, r.Extra = "u", 2, llm.Extra{"odd": raw(`false`)}
			}), hi + limit100 + `}`, "frequency_penalty dropped, seed dropped, logprobs dropped, top_logprobs dropped, n dropped, user dropped, odd dropped",
		},
	})
	stream := with(func(r *llm.Request) { r.Stream = true })
	if call, _ := encodeRequest(t, stream, llm.Facts{Model: "arn:aws:bedrock:us-east-1:1:inference-profile/x"}); call.Path != "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse-stream" {
		t.Errorf("a stream is asked for at %s", call.Path)
	}
}

func runForeign(t *testing.T, tests []foreignTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.model == "" {
				tt.model = sonnet
			}
			call, losses := encodeRequest(t, tt.req, llm.Facts{Model: tt.model})
			if !strings.HasPrefix(string(call.Body), tt.want) || strings.HasSuffix(tt.want, "}}") && string(call.Body) != tt.want || call.Path != join(tt.model, false) || call.Op != llm.OpChat {
				t.Errorf("%s %s\nwant %s", call.Path, call.Body, tt.want)
			}
			if got := paths(losses); got != tt.losses {
				t.Errorf("lost %s\nwant %s", got, tt.losses)
			}
			if _, err := New().Peek(&call); err != nil {
				t.Errorf("Peek of what was written: %v", err)
			}
		})
	}
}
