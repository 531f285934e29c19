package anthropic

import (
	"encoding/json"
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

func TestEncodeForeignRequest(t *testing.T) {
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	user := say(llm.User, "messages[0]", "hi")
	call := func(id, args string) llm.Part {
		return llm.Part{Kind: llm.PartCall, ID: id, Name: "f", Args: args, Path: "messages[1].tool_calls[0]"}
	}
	result := func(id, text string) llm.Message {
		return llm.Message{Role: llm.User, Path: "messages[2]", Parts: []llm.Part{{
			Kind: llm.PartResult, ID: id, Name: "f",
			Path: "messages[2]", Result: []llm.Part{{Kind: llm.PartText, Text: text, Path: "messages[2].content"}},
		}}}
	}
	part := func(p llm.Part) llm.Message {
		p.Path = "messages[0].content[0]"
		return llm.Message{Role: llm.User, Path: "messages[0]", Parts: []llm.Part{p}}
	}
	turn := func(p ...llm.Part) llm.Message {
		return llm.Message{Role: llm.Assistant, Path: "messages[1]", Parts: p}
	}
	head := `{"model":"claude-2","max_tokens":100,`
	hi := `"messages":[{"role":"user","content":"hi"}]`
	edit := func(change func(*llm.Request)) *llm.Request { r := chat(user); change(r); return r }
	tool := llm.Tool{Kind: llm.ToolFunction, Name: "f", Path: "tools[0]"}
	tests := []struct {
		name   string
		req    *llm.Request
		want   string
		losses string
	}{
		{"plain", chat(user), head + hi + `}`, ""},
		{
			"system and developer go to the prompt", chat(say(llm.System, "messages[0]", "a"), say(llm.Developer, "messages[1]", "b"), say(llm.User, "messages[2]", "hi")),
			head + `"system":[{"type":"text","text":"a"},{"type":"text","text":"b"}],` + hi + `}`, "",
		},
		{
			"a later system turn is the user's", chat(user, say(llm.System, "messages[1]", "now")),
			head + `"messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"text","text":"now"}]}]}`, "messages[1] changed",
		},
		{"only a system turn", chat(say(llm.System, "messages[0]", "do")), head + `"messages":[{"role":"user","content":"do"}]}`, "messages[0] changed"},
		{
			"names", chat(llm.Message{Role: llm.User, Name: "ada", Path: "messages[0]", Parts: user.Parts, Extra: llm.Extra{"x": raw(`1`)}}),
			head + hi + `}`, "messages[0].name dropped, messages[0].x dropped",
		},
		{
			"empty texts", chat(say(llm.User, "messages[0]", "", "hi"), say(llm.Assistant, "messages[1]", ""), say(llm.User, "messages[2]", " \n")),
			head + hi + `}`, "messages[2].content dropped",
		},
		{
			"parallel results are one turn, first", chat(user, turn(call("a", `{"x":  1}`), call("b", "")), result("a", "1"), say(llm.User, "messages[3]", "and?"), result("b", "2")),
			head + `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"x":  1}},{"type":"tool_use","id":"b","name":"f","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"b","content":"2"},{"type":"text","text":"and?"}]}]}`, "",
		},
		{
			"unfit ids", chat(user, turn(call("call:1", "{}")), result("call:1", "1")),
			head + `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"` + fitID("call:1") + `","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"` + fitID("call:1") + `","content":"1"}]}]}`, "",
		},
		{
			"broken arguments", chat(user, turn(call("a", `{"x":`))),
			head + `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"arguments":"{\"x\":"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"(There is no result.)","is_error":true}]}]}`, "messages[1].tool_calls[0] changed, messages filled",
		},
		{
			"free text of a custom tool", chat(user, turn(llm.Part{Kind: llm.PartCall, ID: "a", Name: "f", Args: "ls -l", Free: true, Path: "messages[1].tool_calls[0]"})),
			head + `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"input":"ls -l"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"(There is no result.)","is_error":true}]}]}`, "messages[1].tool_calls[0] changed, messages filled",
		},
		{
			"reasoning without a signature", chat(user, turn(llm.Part{Kind: llm.PartReasoning, Text: "hm", Path: "messages[1].reasoning_content"}, llm.Part{Kind: llm.PartText, Text: "ho"})),
			head + `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]}`, "messages[1].reasoning_content dropped",
		},
		{
			"sealed reasoning", chat(user, turn(llm.Part{Kind: llm.PartReasoning, Text: "hm", Seal: seal("s")}, llm.Part{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "d"}}, call("a", "{}"))),
			head + `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"(There is no result.)","is_error":true}]}]}`, "messages filled",
		},
		{
			"an answer that is begun", chat(user, say(llm.Assistant, "messages[1]", "so \n")),
			head + `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"so"}]}`, "messages[1].content changed",
		},
		{
			"an earlier refusal", chat(user, turn(llm.Part{Kind: llm.PartRefusal, Text: "no", Path: "messages[1].refusal"})),
			head + `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"no"}]}`, "messages[1].refusal changed",
		},
		{
			"image data", chat(part(llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Data: "/9j/AA", Detail: "low"}})),
			head + `"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/AA"}}]}]}`, "messages[0].content[0].image_url.detail dropped",
		},
		{
			"image address", chat(part(llm.Part{Kind: llm.PartImage, Media: &llm.Blob{URL: "https://e.x/a.png", Detail: "auto"}})),
			head + `"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://e.x/a.png"}}]}]}`, "",
		},
		{
			"pdf", chat(part(llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Data: "JVBE", Name: "a.PDF"}})),
			head + `"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"},"title":"a.PDF"}]}]}`, "",
		},
		{
			"text file", chat(part(llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Data: "aGnDvA==", Type: "text/markdown; charset=utf-8"}})),
			head + `"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"hiü"}}]}]}`, "messages[0].content[0] changed",
		},
		{"unknown content", chat(user, part(llm.Part{Kind: llm.PartOpaque, Name: "hologram", Raw: raw(`{}`)})), head + hi + `}`, "messages[0].content[0] dropped"},
		{
			"tools", edit(func(r *llm.Request) {
				r.Tools = []llm.Tool{
					tool,
					{Kind: llm.ToolFunction, Name: "g", Description: "d", Schema: raw(`{"type":"object",  "$schema":"x"}`), Strict: ptr(true), Extra: llm.Extra{"y": raw(`1`)}, Path: "tools[1]"},
					{Kind: llm.ToolCustom, Name: "h", Grammar: raw(`{"type":"grammar"}`), Path: "tools[2]"},
					{Kind: llm.ToolServer, Name: "web", Raw: raw(`{}`), Path: "tools[3]"},
					{Kind: llm.ToolGroup, Path: "tools[4]", Tools: []llm.Tool{{Kind: llm.ToolFunction, Name: "i", Path: "tools[4].tools[0]"}}},
				}
				r.Choice = llm.ToolChoice{Mode: "one", Name: "g", Parallel: ptr(false)}
			}), head + hi + `,"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}},{"name":"g","description":"d","input_schema":{"type":"object",  "$schema":"x"},"strict":true},` +
				`{"name":"h","input_schema":` + freeInput + `},{"name":"i","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"tool","name":"g","disable_parallel_tool_use":true}}`,
			"tools[1].y dropped, tools[2] changed, tools[2].custom.format dropped, tools[3] dropped, tools[4] changed",
		},
		{
			"one call at a time", edit(func(r *llm.Request) { r.Tools, r.Choice.Parallel = []llm.Tool{tool}, ptr(false) }),
			head + hi + `,"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}}`, "",
		},
		{"allowed tools", edit(func(r *llm.Request) {
			g := tool
			g.Name = "g"
			r.Tools, r.Choice = []llm.Tool{tool, g}, llm.ToolChoice{Mode: "any", Allowed: []string{"g"}}
		}), head + hi + `,"tools":[{"name":"g","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"any"}}`, "tool_choice changed"},
		{"a demand without tools", edit(func(r *llm.Request) { r.Choice.Mode = "any" }), head + hi + `}`, "tool_choice dropped"},
		{"no tools wanted and none there", edit(func(r *llm.Request) { r.Choice.Mode = "none" }), head + hi + `}`, ""},
		{
			"settings without a place", edit(func(r *llm.Request) {
				r.Sampling = llm.Sampling{Temperature: "1.7", TopP: "0.5", Frequency: "1", Presence: "0.1", Seed: "7", Logprobs: true, TopLogprobs: 3, Bias: raw(`{}`)}
				r.Answers, r.Metadata, r.Modalities, r.Thread.Store = 2, raw(`{}`), []string{"text", "audio"}, ptr(true)
				r.Output = llm.Output{Kind: "json", Verbosity: "low"}
				r.Extra = llm.Extra{"zeta": raw(`1`), "alpha": raw(`2`)}
				r.Cache.Key, r.Voice.Name = "k", "ash"
				r.Stop, r.User, r.Tier = []string{"\n", "END"}, "u", "flex"
			}), head + hi + `,"temperature":1,"top_p":0.5,"stop_sequences":["END"],"metadata":{"user_id":"u"}}`,
			"temperature changed, stop dropped, service_tier dropped, frequency_penalty dropped, presence_penalty dropped, seed dropped, logprobs dropped, " +
				"top_logprobs dropped, logit_bias dropped, n dropped, prompt_cache_key dropped, metadata dropped, verbosity dropped, response_format dropped, " +
				"store dropped, modalities dropped, audio dropped, alpha dropped, zeta dropped",
		},
		{
			"a schema", edit(func(r *llm.Request) {
				r.Output = llm.Output{Kind: "schema", Name: "s", Schema: raw(`{"type":"object"}`), Strict: ptr(false)}
			}), head + hi + `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}}}`,
			"response_format.json_schema.schema changed, response_format.json_schema.strict changed",
		},
		{
			"a schema that is closed", edit(func(r *llm.Request) {
				r.Output = llm.Output{Kind: "schema", Name: "s", Schema: raw(`{"type": "object", "additionalProperties": false}`)}
			}), head + hi + `,"output_config":{"format":{"type":"json_schema","schema":{"type": "object", "additionalProperties": false}}}}`, "",
		},
		{
			"begun by the model", edit(func(r *llm.Request) {
				r.Messages = append([]llm.Message{{Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.PartText, Text: "Hello"}}}}, r.Messages...)
			}), head + `"messages":[{"role":"user","content":"(The conversation goes on.)"},{"role":"assistant","content":"Hello"},{"role":"user","content":"hi"}]}`,
			"messages filled",
		},
		{
			"text only", edit(func(r *llm.Request) { r.Modalities, r.Answers, r.WantUsage, r.Stream = []string{"text"}, 1, true, true }),
			head + hi + `,"stream":true}`, "",
		},
		{"priority", edit(func(r *llm.Request) { r.Tier = "priority" }), head + hi + `,"service_tier":"auto"}`, "service_tier changed"},
		{"default tier", edit(func(r *llm.Request) { r.Tier = "default" }), head + hi + `,"service_tier":"standard_only"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, losses := encodeRequest(t, tt.req, llm.Facts{Model: "claude-2"})
			if body != tt.want {
				t.Errorf("body\n%s\nwant\n%s", body, tt.want)
			}
			if got := paths(losses); got != tt.losses {
				t.Errorf("losses\n%s\nwant\n%s", got, tt.losses)
			}
			decodeRequest(t, body)
		})
	}
}

func TestEncodeRequestRefuses(t *testing.T) {
	for name, p := range map[string]llm.Part{
		"sound":          {Kind: llm.PartAudio, Media: &llm.Blob{Data: "AA"}},
		"video":          {Kind: llm.PartVideo, Media: &llm.Blob{Data: "AA"}},
		"foreign image":  {Kind: llm.PartImage, Media: &llm.Blob{FileID: "file-1"}},
		"foreign file":   {Kind: llm.PartFile, Media: &llm.Blob{FileID: "file-1"}},
		"spreadsheet":    {Kind: llm.PartFile, Media: &llm.Blob{Data: "AA", Type: "application/vnd.ms-excel"}},
		"broken text":    {Kind: llm.PartFile, Media: &llm.Blob{Data: "?", Type: "text/plain"}},
		"within results": {Kind: llm.PartResult, ID: "a", Result: []llm.Part{{Kind: llm.PartVideo, Path: "messages[0].content[0]", Media: &llm.Blob{Data: "AA"}}}},
	} {
		p.Path = "messages[0].content[0]"
		_, _, err := codec{}.EncodeRequest(chat(llm.Message{Role: llm.User, Parts: []llm.Part{p}}), llm.Facts{Model: "m"})
		var f *fault.Fault
		if !errors.As(err, &f) || f.Kind != fault.Unsupported || f.Param != p.Path {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimitAndThinking(t *testing.T) {
	user := say(llm.User, "messages[0]", "hi")
	called := llm.Message{Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.PartCall, ID: "a", Name: "f"}}}
	sealed := llm.Message{Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.PartReasoning, Text: "t", Seal: seal("s")}, {Kind: llm.PartCall, ID: "a", Name: "f"}}}
	answered := llm.Message{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartResult, ID: "a"}}}
	tests := []struct {
		name, model string
		max         int64
		facts       llm.Facts
		messages    []llm.Message
		effort      string
		change      func(*llm.Request)
		want        string // what stands between the messages and the end
		maxTokens   string
		losses      string
	}{
		{name: "no limit", model: "claude-2", want: ``, maxTokens: "4096", losses: "max_tokens filled"},
		{name: "no limit, another maker's", model: "m", maxTokens: "8192", losses: "max_tokens filled"},
		{name: "the model's limit", model: "claude-2", facts: llm.Facts{MaxOutput: 8192}, maxTokens: "8192", losses: "max_tokens filled"},
		{name: "a declared default", model: "claude-2", facts: llm.Facts{MaxOutput: 8192, DefaultMax: 99}, maxTokens: "99", losses: "max_tokens filled"},
		{name: "a budget", model: "claude-sonnet-4-5-20250929", max: 9000, effort: "medium", want: `,"thinking":{"type":"enabled","budget_tokens":4096}`, maxTokens: "9000", losses: "reasoning_effort changed"},
		{name: "a budget in a small limit", model: "claude-3-7-sonnet-20250219", max: 5000, effort: "high", want: `,"thinking":{"type":"enabled","budget_tokens":2500}`, maxTokens: "5000", losses: "reasoning_effort changed"},
		{name: "no room", model: "claude-sonnet-4-0", max: 1000, effort: "high", maxTokens: "1000", losses: "reasoning_effort dropped"},
		{name: "room beside a default", model: "kimi-k2", effort: "high", want: `,"thinking":{"type":"enabled","budget_tokens":16384}`, maxTokens: "24576", losses: "max_tokens filled, reasoning_effort changed"},
		{name: "room within the model's limit", model: "kimi-k2", facts: llm.Facts{MaxOutput: 16000, DefaultMax: 4096}, effort: "high", want: `,"thinking":{"type":"enabled","budget_tokens":8000}`, maxTokens: "16000", losses: "max_tokens filled, reasoning_effort changed"},
		{name: "no thinking wanted", model: "claude-sonnet-4-5", max: 9000, effort: "none", maxTokens: "9000"},
		{name: "hardly any wanted", model: "claude-sonnet-4-5", max: 9000, effort: "minimal", maxTokens: "9000", losses: "reasoning_effort changed"},
		{name: "does not think", model: "claude-3-5-haiku-latest", max: 9000, effort: "low", maxTokens: "9000", losses: "reasoning_effort dropped"},
		{name: "does not think, and hardly should", model: "claude-3-5-haiku-latest", max: 9000, effort: "minimal", maxTokens: "9000", losses: "reasoning_effort changed"},
		{name: "a level", model: "anthropic.claude-opus-4-6-v1:0", max: 9000, effort: "low", want: `,"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}`, maxTokens: "9000"},
		{name: "a level too high", model: "claude-opus-4.6", max: 9000, effort: "xhigh", want: `,"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}`, maxTokens: "9000", losses: "reasoning_effort changed"},
		{name: "the highest level", model: "claude-opus-4-7", max: 9000, effort: "xhigh", want: `,"thinking":{"type":"adaptive"},"output_config":{"effort":"xhigh"}`, maxTokens: "9000"},
		{name: "off is said", model: "claude-opus-4-7", max: 9000, effort: "none", want: `,"thinking":{"type":"disabled"}`, maxTokens: "9000"},
		{name: "an unsealed continuation", model: "claude-sonnet-4-5", max: 9000, effort: "low", messages: []llm.Message{user, called, answered}, maxTokens: "9000", losses: "reasoning_effort changed"},
		{name: "a sealed continuation", model: "claude-sonnet-4-5", max: 9000, effort: "low", messages: []llm.Message{user, sealed, answered}, want: `,"thinking":{"type":"enabled","budget_tokens":1024}`, maxTokens: "9000", losses: "reasoning_effort changed"},
		{
			name: "a forced tool", model: "claude-sonnet-4-5", max: 9000, effort: "low", maxTokens: "9000", losses: "reasoning_effort changed",
			change: func(r *llm.Request) { r.Tools = []llm.Tool{{Kind: llm.ToolFunction, Name: "f"}}; r.Choice.Mode = "any" },
			want:   `,"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"any"}`,
		},
		{
			name: "sampling beside thinking", model: "claude-sonnet-4-0", max: 9000, effort: "low", maxTokens: "9000",
			change: func(r *llm.Request) { r.Sampling = llm.Sampling{Temperature: "0.2", TopP: "0.9", TopK: "5"} },
			want:   `,"thinking":{"type":"enabled","budget_tokens":1024}`, losses: "reasoning_effort changed, temperature dropped, top_p dropped, top_k dropped",
		},
		{
			name: "one of two", model: "claude-sonnet-4-5", max: 9000, maxTokens: "9000",
			change: func(r *llm.Request) { r.Sampling = llm.Sampling{Temperature: "0.2", TopP: "0.9"} },
			want:   `,"temperature":0.2`, losses: "top_p dropped",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.messages == nil {
				tt.messages = []llm.Message{user}
			}
			req := chat(tt.messages...)
			req.MaxOutput, req.Reasoning.Effort = tt.max, tt.effort
			if tt.change != nil {
				tt.change(req)
			}
			tt.facts.Model = tt.model
			body, losses := encodeRequest(t, req, tt.facts)
			_, rest, _ := strings.Cut(body, "]}]")
			if tt.messages[0].Role == llm.User && len(tt.messages) == 1 {
				_, rest, _ = strings.Cut(body, `"hi"}]`)
			} else if i := strings.LastIndex(body, "}]}]"); i >= 0 {
				rest = body[i+4:]
			}
			if rest != tt.want+"}" {
				t.Errorf("rest %s, want %s", rest, tt.want)
			}
			if !strings.Contains(body, `"max_tokens":`+tt.maxTokens+`,`) {
				t.Errorf("max_tokens is not %s: %s", tt.maxTokens, body)
			}
			if got := paths(losses); got != tt.losses {
				t.Errorf("losses %s, want %s", got, tt.losses)
			}
		})
	}
}

func TestVersionOf(t *testing.T) {
	for model, want := range map[string]int{
		"claude-3-5-haiku-latest": 305, "claude-3-opus-20240229": 300, "claude-sonnet-4-20250514": 400, "claude-opus-4-1-20250805": 401,
		"claude-sonnet-4@20250514": 400, "us.anthropic.claude-sonnet-4-5-20250929-v1:0": 405, "anthropic/claude-opus-4.6": 406,
		"claude-2.1": 201, "claude-instant-1.2": 102, "claude-mythos-preview": 9999, "claude-opus-5": 500, "deepseek-chat": 0,
	} {
		if got := versionOf(model); got != want {
			t.Errorf("versionOf(%q) = %d, want %d", model, got, want)
		}
	}
}

func TestFitID(t *testing.T) {
	for _, id := range []string{"toolu_01-aZ", "a", strings.Repeat("x", 100)} {
		if got := fitID(id); got != id {
			t.Errorf("a fit id %q becomes %q", id, got)
		}
	}
	seen := map[string]bool{}
	for _, id := range []string{"a.b", "a b", "fc_1|call_2", "ü"} {
		got := fitID(id)
		if got != fitID(id) || seen[got] || strings.Trim(got, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			t.Errorf("the unfit id %q becomes %q", id, got)
		}
		seen[got] = true
	}
}

func TestSealsOfOtherMakers(t *testing.T) {
	req := chat(say(llm.User, "messages[0]", "hi"), llm.Message{Role: llm.Assistant, Parts: []llm.Part{
		{Kind: llm.PartReasoning, Text: "a", Seal: seal("s"), Path: "messages[1].a"},
		{Kind: llm.PartReasoning, Text: "b", Seal: llm.Seal{By: "minimax", Form: llm.SealSignature, Data: "t"}, Path: "messages[1].b"},
		{Kind: llm.PartText, Text: "c"},
	}})
	for by, want := range map[string]string{"": "messages[1].b dropped", "anthropic": "messages[1].b dropped", "minimax": "messages[1].a dropped"} {
		if _, losses := encodeRequest(t, req, llm.Facts{Model: "m", SealBy: by}); paths(losses) != want {
			t.Errorf("towards one who takes seals of %q back: lost %s, want %s", by, paths(losses), want)
		}
	}
}
