package gemini

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func text(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }

func call(id, name, args string) llm.Part {
	return llm.Part{Kind: llm.PartCall, ID: id, Name: name, Args: args}
}

func result(id string, parts ...llm.Part) llm.Part {
	return llm.Part{Kind: llm.PartResult, ID: id, Result: parts}
}

// asked returns a request of another dialect, with the paths of a chat client's document.
func asked(messages ...llm.Message) *llm.Request {
	for i := range messages {
		messages[i].Path = "m" + string(rune('0'+i))
		for j := range messages[i].Parts {
			p := &messages[i].Parts[j]
			p.Path = messages[i].Path + ".p" + string(rune('0'+j))
			for k := range p.Result {
				p.Result[k].Path = p.Path + ".r" + string(rune('0'+k))
			}
		}
	}
	return &llm.Request{From: llm.OpenAIChat, Model: "asked", Messages: messages}
}

func turnOf(role llm.Role, parts ...llm.Part) llm.Message {
	return llm.Message{Role: role, Parts: parts}
}

func TestEncodeTurns(t *testing.T) {
	png := llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "AAAA"}}
	google := llm.Seal{By: "google", Form: llm.SealSignature, Data: "c2ln"}
	foreign := llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "c2ln"}
	sealed := func(p llm.Part, s llm.Seal) llm.Part { p.Seal = s; return p }
	failed := func(p llm.Part) llm.Part { p.Failed = true; return p }
	json := func(s string) llm.Part { return llm.Part{Kind: llm.PartJSON, Text: s} }
	thought := func(s string) llm.Part { return llm.Part{Kind: llm.PartReasoning, Text: s} }
	do, ok := turnOf(llm.User, text("Do")), turnOf(llm.User, text("OK"))
	ids := func(n string) string { return madeID + strings.Repeat(n, 24) }
	for _, tc := range []struct {
		name, model string
		messages    []llm.Message
		system      string
		contents    string
		lost        []string
	}{
		{
			"hoisted", "",
			[]llm.Message{turnOf(llm.System, text("A")), turnOf(llm.Developer, text("B")), do},
			`{"parts":[{"text":"A"},{"text":"B"}]}`,
			`[{"role":"user","parts":[{"text":"Do"}]}]`, nil,
		},
		{
			"late system", "",
			[]llm.Message{do, turnOf(llm.System, text("A"))},
			"",
			`[{"role":"user","parts":[{"text":"Do"},{"text":"A"}]}]`,
			[]string{"changed m1"},
		},
		{
			"only a system turn", "",
			[]llm.Message{turnOf(llm.System, text("A"))},
			"",
			`[{"role":"user","parts":[{"text":"A"}]}]`,
			[]string{"changed m0"},
		},
		{
			"merged", "",
			[]llm.Message{do, ok, turnOf(llm.Assistant, text("a")), turnOf(llm.Assistant, text(""), text("b"))},
			"",
			`[{"role":"user","parts":[{"text":"Do"},{"text":"OK"}]},{"role":"model","parts":[{"text":"a"},{"text":"b"}]}]`, nil,
		},
		{
			"a greeting first", "",
			[]llm.Message{turnOf(llm.Assistant, text("Hi")), do},
			"",
			`[{"role":"model","parts":[{"text":"Hi"}]},{"role":"user","parts":[{"text":"Do"}]}]`, nil,
		},
		{
			"calls first", "",
			[]llm.Message{turnOf(llm.Assistant, call("x", "f", "{}")), turnOf(llm.User, result("x", text("a")))},
			"",
			`[{"role":"user","parts":[{"text":"…"}]},{"role":"model","parts":[{"functionCall":{"id":"x","name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"id":"x","name":"f","response":{"output":"a"}}}]}]`,
			[]string{"filled contents[0].parts[0]"},
		},
		{
			"results first, in one turn", "",
			[]llm.Message{do, turnOf(llm.Assistant, call("x", "f", ""), call("y", "g", `{"a": 1}`)), turnOf(llm.User, text("And?"), result("y", text("Y"))), turnOf(llm.User, result("x", text("X")))},
			"",
			`[{"role":"user","parts":[{"text":"Do"}]},{"role":"model","parts":[{"functionCall":{"id":"x","name":"f","args":{}}},{"functionCall":{"id":"y","name":"g","args":{"a": 1}}}]},
			{"role":"user","parts":[{"functionResponse":{"id":"y","name":"g","response":{"output":"Y"}}},{"functionResponse":{"id":"x","name":"f","response":{"output":"X"}}},{"text":"And?"}]}]`, nil,
		},
		{
			"results by order where ids were made", "",
			[]llm.Message{do, turnOf(llm.Assistant, call(ids("a"), "f", ""), call(ids("b"), "f", "")), turnOf(llm.User, result(ids("b"), text("B")), result(ids("a"), text("A")))},
			"",
			`[{"role":"user","parts":[{"text":"Do"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}},{"functionCall":{"name":"f","args":{}}}]},
			{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"A"}}},{"functionResponse":{"name":"f","response":{"output":"B"}}}]}]`,
			[]string{"changed m2"},
		},
		{
			"no result", "",
			[]llm.Message{do, turnOf(llm.Assistant, call("x", "f", ""), call("y", "g", "")), turnOf(llm.User, result("y", text("Y")), text("Go"))},
			"",
			`[{"role":"user","parts":[{"text":"Do"}]},{"role":"model","parts":[{"functionCall":{"id":"x","name":"f","args":{}}},{"functionCall":{"id":"y","name":"g","args":{}}}]},
			{"role":"user","parts":[{"functionResponse":{"id":"y","name":"g","response":{"output":"Y"}}},{"functionResponse":{"id":"x","name":"f","response":{}}},{"text":"Go"}]}]`,
			[]string{"filled contents[2].parts[1]"},
		},
		{
			"a result of no call", "",
			[]llm.Message{turnOf(llm.User, failed(result("x", text("A"), png, text("B"))))},
			"",
			`[{"role":"user","parts":[{"text":"A\nB"},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}]`,
			[]string{"changed m0.p0", "changed m0.p0.r1"},
		},
		{
			"kinds of results", "",
			[]llm.Message{
				do, turnOf(llm.Assistant, call("1", "f", ""), call("2", "f", ""), call("3", "f", ""), call("4", "f", ""), call("5", "f", "")),
				turnOf(llm.User, result("1"), failed(result("2", text("no"))), result("3", json(`{"a": 1}`)), result("4", json(`[1]`)), failed(result("5", json(`{"a":1}`)))),
			},
			"",
			`[{"role":"user","parts":[{"text":"Do"}]},{"role":"model","parts":[{"functionCall":{"id":"1","name":"f","args":{}}},{"functionCall":{"id":"2","name":"f","args":{}}},{"functionCall":{"id":"3","name":"f","args":{}}},{"functionCall":{"id":"4","name":"f","args":{}}},{"functionCall":{"id":"5","name":"f","args":{}}}]},
			{"role":"user","parts":[{"functionResponse":{"id":"1","name":"f","response":{}}},{"functionResponse":{"id":"2","name":"f","response":{"error":"no"}}},{"functionResponse":{"id":"3","name":"f","response":{"a": 1}}},{"functionResponse":{"id":"4","name":"f","response":{"output":[1]}}},{"functionResponse":{"id":"5","name":"f","response":{"error":{"a":1}}}}]}]`, nil,
		},
		{
			"results that look like ours", "",
			[]llm.Message{do, turnOf(llm.Assistant, call("1", "f", ""), call("2", "f", "")), turnOf(llm.User, result("1", json(`{"output":"a"}`)), result("2", json(`{"error":"a"}`)))},
			"",
			`[{"role":"user","parts":[{"text":"Do"}]},{"role":"model","parts":[{"functionCall":{"id":"1","name":"f","args":{}}},{"functionCall":{"id":"2","name":"f","args":{}}}]},
			{"role":"user","parts":[{"functionResponse":{"id":"1","name":"f","response":{"output":{"output":"a"}}}},{"functionResponse":{"id":"2","name":"f","response":{"output":{"error":"a"}}}}]}]`, nil,
		},
		{
			"a result with an image", "gemini-2.5-pro",
			[]llm.Message{do, turnOf(llm.Assistant, call("x", "f", "")), turnOf(llm.User, result("x", text("see"), png))},
			"",
			`[{"role":"user","parts":[{"text":"Do"}]},{"role":"model","parts":[{"functionCall":{"id":"x","name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"id":"x","name":"f","response":{"output":"see"}}},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}]`,
			[]string{"changed m2.p0.r1"},
		},
		{
			"a result with an image for a later model", "gemini-3-pro",
			[]llm.Message{do, turnOf(llm.Assistant, sealed(call("x", "f", ""), google)), turnOf(llm.User, result("x", text("see"), png))},
			"",
			`[{"role":"user","parts":[{"text":"Do"}]},{"role":"model","parts":[{"functionCall":{"id":"x","name":"f","args":{}},"thoughtSignature":"c2ln"}]},{"role":"user","parts":[{"functionResponse":{"id":"x","name":"f","response":{"output":"see"},"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}}]}]`, nil,
		},
		{
			"seals", "gemini-2.5-pro",
			[]llm.Message{do, turnOf(llm.Assistant, sealed(thought("Hm"), google), thought("lost"), sealed(thought("lost"), foreign), sealed(text("a"), google), sealed(text("b"), foreign), sealed(call("x", "f", ""), google)), turnOf(llm.User, result("x"))},
			"",
			`[{"role":"user","parts":[{"text":"Do"}]},{"role":"model","parts":[{"text":"Hm","thought":true,"thoughtSignature":"c2ln"},{"text":"a","thoughtSignature":"c2ln"},{"text":"b"},{"functionCall":{"id":"x","name":"f","args":{}},"thoughtSignature":"c2ln"}]},{"role":"user","parts":[{"functionResponse":{"id":"x","name":"f","response":{}}}]}]`,
			[]string{"dropped m1.p1", "dropped m1.p2", "dropped m1.p4.signature"},
		},
		{
			"no seal on a call", "gemini-3-flash",
			[]llm.Message{
				do, turnOf(llm.Assistant, call("1", "f", "")), turnOf(llm.User, result("1")), turnOf(llm.Assistant, text("ok")), ok,
				turnOf(llm.Assistant, sealed(call("2", "f", ""), foreign), call("3", "f", "")), turnOf(llm.User, result("2"), result("3")), turnOf(llm.Assistant, call("4", "f", "")), turnOf(llm.User, result("4")),
			},
			"",
			`[{"role":"user","parts":[{"text":"Do"}]},{"role":"model","parts":[{"functionCall":{"id":"1","name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"id":"1","name":"f","response":{}}}]},{"role":"model","parts":[{"text":"ok"}]},{"role":"user","parts":[{"text":"OK"}]},
			{"role":"model","parts":[{"functionCall":{"id":"2","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"id":"3","name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"id":"2","name":"f","response":{}}},{"functionResponse":{"id":"3","name":"f","response":{}}}]},
			{"role":"model","parts":[{"functionCall":{"id":"4","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}]},{"role":"user","parts":[{"functionResponse":{"id":"4","name":"f","response":{}}}]}]`,
			[]string{"dropped m5.p0.signature", "filled m7.p0.signature"},
		},
		{
			"what has no place", "",
			[]llm.Message{
				{Role: llm.User, Name: "ada", Extra: llm.Extra{"odd": raw("1")}, Parts: []llm.Part{{Kind: llm.PartText, Text: "a", Cache: &llm.CacheMark{}, Phase: "x", Extra: llm.Extra{"odd": raw("1")}}}},
				turnOf(llm.Assistant, llm.Part{Kind: llm.PartRefusal, Text: "no"}, llm.Part{Kind: llm.PartText, Text: "b", Cites: []llm.Cite{{Kind: "url"}}}, llm.Part{Kind: llm.PartOpaque, Raw: raw("{}")}, llm.Part{Kind: llm.PartCall, By: llm.ByServer, ID: "s"}, llm.Part{Kind: llm.PartCall, ID: "x", Name: "f", Args: "ls", Free: true}),
				turnOf(llm.User, result("x")),
			},
			"",
			`[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"no"},{"text":"b"},{"functionCall":{"id":"x","name":"f","args":{"input":"ls"}}}]},{"role":"user","parts":[{"functionResponse":{"id":"x","name":"f","response":{}}}]}]`,
			[]string{"dropped m0.name", "dropped m0.odd", "dropped m0.p0.odd", "dropped m0.phase", "dropped m0.p0.cache_control", "changed m1.p0", "dropped m1.p1.annotations", "dropped m1.p2", "dropped m1.p3", "changed m1.p4"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, lost := encodeRequest(t, asked(tc.messages...), llm.Facts{Model: tc.model})
			if d := cmp.Diff(string(appendTight(nil, []byte(tc.contents))), string(appendTight(nil, rawjson.Get(got.Body, "contents")))); d != "" {
				t.Errorf("contents (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.system, string(rawjson.Get(got.Body, "systemInstruction"))); d != "" {
				t.Errorf("system (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.lost, lost); d != "" {
				t.Errorf("losses (-want +got):\n%s", d)
			}
		})
	}
}

func TestEncodeMedia(t *testing.T) {
	for _, tc := range []struct {
		name string
		kind llm.PartKind
		blob llm.Blob
		want string // of the part; "" = refused
		lost []string
	}{
		{"image", llm.PartImage, llm.Blob{Type: "image/jpeg", Data: "/9j/", Detail: "low", Name: "a.jpg"}, `{"inlineData":{"mimeType":"image/jpeg","data":"/9j/"}}`, []string{"dropped m0.p0.image_url.detail", "dropped m0.p0.file.filename"}},
		{"image without a type", llm.PartImage, llm.Blob{Data: "UklGRg=="}, `{"inlineData":{"mimeType":"image/webp","data":"UklGRg=="}}`, []string{"changed m0.p0"}},
		{"image at an address", llm.PartImage, llm.Blob{URL: "https://example.org/a.png"}, "", nil},
		{"image kept elsewhere", llm.PartImage, llm.Blob{FileID: "file-1"}, "", nil},
		{"video at YouTube", llm.PartVideo, llm.Blob{URL: "https://www.youtube.com/watch?v=x"}, `{"fileData":{"fileUri":"https://www.youtube.com/watch?v=x"}}`, nil},
		{"video", llm.PartVideo, llm.Blob{Data: "AAAA"}, `{"inlineData":{"mimeType":"video/mp4","data":"AAAA"}}`, []string{"changed m0.p0"}},
		{"file in Google's storage", llm.PartFile, llm.Blob{URL: "gs://b/a.pdf", Type: "application/pdf"}, `{"fileData":{"mimeType":"application/pdf","fileUri":"gs://b/a.pdf"}}`, nil},
		{"file of the Files API", llm.PartFile, llm.Blob{FileID: "https://generativelanguage.googleapis.com/v1beta/files/x"}, `{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/x"}}`, nil},
		{"text", llm.PartFile, llm.Blob{Text: "all"}, `{"inlineData":{"mimeType":"text/plain","data":"YWxs"}}`, []string{"changed m0.p0"}},
		{"JSON", llm.PartFile, llm.Blob{Type: "application/json", Data: "e30="}, `{"inlineData":{"mimeType":"text/plain","data":"e30="}}`, []string{"changed m0.p0"}},
		{"Word", llm.PartFile, llm.Blob{Type: "application/msword", Data: "AAAA"}, "", nil},
		{"sound", llm.PartAudio, llm.Blob{Type: "audio/wav", Data: "AAAA"}, `{"inlineData":{"mimeType":"audio/wav","data":"AAAA"}}`, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := asked(turnOf(llm.User, llm.Part{Kind: tc.kind, Media: &tc.blob}))
			if tc.want == "" {
				_, _, err := codec{}.EncodeRequest(req, llm.Facts{})
				if at := refused(t, err, fault.Unsupported); at != "m0.p0" {
					t.Errorf("refused for %q", at)
				}
				return
			}
			got, lost := encodeRequest(t, req, llm.Facts{})
			if d := cmp.Diff(`[{"role":"user","parts":[`+tc.want+`]}]`, string(rawjson.Get(got.Body, "contents"))); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tc.lost, lost); d != "" {
				t.Errorf("losses (-want +got):\n%s", d)
			}
		})
	}
	spoken := asked(turnOf(llm.Assistant, llm.Part{Kind: llm.PartAudio, ID: "a", Text: "Hi", Media: &llm.Blob{}}), turnOf(llm.User, text("?")))
	got, lost := encodeRequest(t, spoken, llm.Facts{})
	if !strings.Contains(string(got.Body), `{"role":"model","parts":[{"text":"Hi"}]}`) || !cmp.Equal(lost, []string{"changed m0.p0"}) {
		t.Errorf("a sound of the history: %s, lost %q", got.Body, lost)
	}
	if _, _, err := (codec{}).EncodeRequest(asked(), llm.Facts{}); refused(t, err, fault.Unsupported) != "messages" {
		t.Errorf("an empty conversation: %v", err)
	}
}

func TestEncodeSettings(t *testing.T) {
	tool := llm.Tool{Kind: llm.ToolFunction, Name: "look", Path: "tools[0]", Schema: raw(`{"$schema":"x","type":"object"}`), Strict: ptr(true)}
	other := llm.Tool{Kind: llm.ToolFunction, Name: "see", Path: "tools[1]"}
	for _, tc := range []struct {
		name, model string
		set         func(*llm.Request)
		want        string // the body after contents
		lost        []string
	}{
		{"nothing", "", func(*llm.Request) {}, `}`, nil},
		{
			"sampling", "", func(r *llm.Request) {
				r.MaxOutput, r.Answers, r.Stop = 9, 2, []string{"", "a", "b", "c", "d", "e", "f"}
				r.Sampling = llm.Sampling{Temperature: "0.50", TopP: "1", TopK: "3", Frequency: "0.1", Presence: "0.2", Seed: "5000000000", Logprobs: true, TopLogprobs: 2, Bias: raw("{}")}
			}, `,"generationConfig":{"maxOutputTokens":9,"candidateCount":2,"temperature":0.50,"topP":1,"topK":3,"frequencyPenalty":0.1,"presencePenalty":0.2,"stopSequences":["a","b","c","d","e"],"responseLogprobs":true,"logprobs":2}}`,
			[]string{"dropped seed", "dropped stop", "dropped logit_bias"},
		},
		{
			"tools", "", func(r *llm.Request) {
				r.Tools = []llm.Tool{tool, {Kind: llm.ToolServer, Path: "tools[1]"}, {Kind: llm.ToolCustom, Name: "sh", Path: "tools[2]", Grammar: raw("{}")}, {Kind: llm.ToolGroup, Path: "tools[3]", Tools: []llm.Tool{other}}}
				r.Choice = llm.ToolChoice{Mode: "one", Name: "sh", Parallel: ptr(false)}
			}, `,"tools":[{"functionDeclarations":[{"name":"look","parametersJsonSchema":{"type":"object"}},{"name":"sh","parametersJsonSchema":` + freeInput + `},{"name":"see"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["sh"]}}}`,
			[]string{"dropped tools[0].function.strict", "changed tools[0].function.parameters", "dropped tools[1]", "changed tools[2]", "dropped tools[2].custom.format", "changed tools[3]", "dropped parallel_tool_calls"},
		},
		{"choice of some", "", func(r *llm.Request) {
			r.Tools, r.Choice = []llm.Tool{other}, llm.ToolChoice{Mode: "auto", Allowed: []string{"see", "gone"}}
		}, `,"tools":[{"functionDeclarations":[{"name":"see"}]}],"toolConfig":{"functionCallingConfig":{"mode":"VALIDATED","allowedFunctionNames":["see"]}}}`, []string{"changed tool_choice"}},
		{"choice any", "", func(r *llm.Request) { r.Tools, r.Choice = []llm.Tool{other}, llm.ToolChoice{Mode: "any"} }, `,"tools":[{"functionDeclarations":[{"name":"see"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}`, nil},
		{"choice of a tool that is not there", "", func(r *llm.Request) {
			r.Tools, r.Choice = []llm.Tool{other}, llm.ToolChoice{Mode: "one", Name: "gone"}
		}, `,"tools":[{"functionDeclarations":[{"name":"see"}]}]}`, []string{"dropped tool_choice"}},
		{"choice without tools", "", func(r *llm.Request) { r.Choice = llm.ToolChoice{Mode: "any"} }, `}`, []string{"dropped tool_choice"}},
		{
			"schema", "", func(r *llm.Request) {
				r.Output = llm.Output{Kind: "schema", Name: "n", Description: "d", Strict: ptr(false), Schema: raw(`{"$schema":"x","type":"object"}`), Verbosity: "low"}
			}, `,"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":{"type":"object"}}}`,
			[]string{"dropped verbosity", "dropped response_format.json_schema.description", "changed response_format.json_schema.strict", "changed response_format.json_schema.schema"},
		},
		{"schema with tools", "gemini-2.5-flash", func(r *llm.Request) {
			r.Output, r.Tools = llm.Output{Kind: "schema", Schema: raw(`{}`)}, []llm.Tool{other}
		}, `,"tools":[{"functionDeclarations":[{"name":"see"}]}]}`, []string{"dropped response_format"}},
		{"schema with tools for a later model", "gemini-3-flash", func(r *llm.Request) {
			r.Output, r.Tools = llm.Output{Kind: "schema", Schema: raw(`{}`)}, []llm.Tool{other}
		}, `,"tools":[{"functionDeclarations":[{"name":"see"}]}],"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":{}}}`, nil},
		{"JSON", "", func(r *llm.Request) { r.Output.Kind = "json" }, `,"generationConfig":{"responseMimeType":"application/json"}}`, nil},
		{"media", "", func(r *llm.Request) {
			r.Modalities, r.Voice = []string{"text", "image", "smell"}, llm.Voice{Name: "alloy"}
		}, `,"generationConfig":{"responseModalities":["TEXT","IMAGE"]}}`, []string{"dropped modalities", "dropped audio"}},
		{"tier", "", func(r *llm.Request) { r.Tier = "default" }, `,"serviceTier":"standard"}`, nil},
		{"tier unknown", "", func(r *llm.Request) { r.Tier = "scale" }, `}`, []string{"dropped service_tier"}},
		{"account", "", func(r *llm.Request) {
			r.User, r.Metadata, r.Safety, r.Include, r.Thread.Store = "u", raw("{}"), raw("[]"), []string{"a"}, ptr(true)
			r.Cache = llm.Cache{Key: "k", TTL: "1h", Ref: "c", Auto: &llm.CacheMark{}}
			r.Thread.Previous, r.Thread.Background, r.Thread.Raw = "p", true, raw("{}")
			r.Documents, r.Extra = []llm.Part{text("d")}, llm.Extra{"odd": raw("1")}
		}, `}`, []string{
			"dropped user", "dropped metadata", "dropped safetySettings", "dropped prompt_cache_key", "dropped prompt_cache_retention", "dropped cachedContent", "dropped cache_control",
			"dropped previous_response_id", "dropped store", "dropped background", "dropped conversation", "dropped include", "dropped documents", "dropped odd",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := asked(turnOf(llm.User, text("Hi")))
			tc.set(req)
			got, lost := encodeRequest(t, req, llm.Facts{Model: tc.model})
			if d := cmp.Diff(`{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]`+tc.want, string(got.Body)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.lost, lost); d != "" {
				t.Errorf("losses (-want +got):\n%s", d)
			}
		})
	}
}

func TestEncodeThinking(t *testing.T) {
	const effort = "reasoning_effort"
	for _, tc := range []struct {
		model string
		r     llm.Reasoning
		want  string
		lost  []string
	}{
		{"gemini-2.5-flash", llm.Reasoning{Effort: "low"}, `{"thinkingBudget":1024}`, []string{"changed " + effort}},
		{"gemini-2.5-flash", llm.Reasoning{Effort: "xhigh"}, `{"thinkingBudget":24576}`, []string{"changed " + effort}},
		{"gemini-2.5-flash", llm.Reasoning{Effort: "none"}, `{"thinkingBudget":0}`, nil},
		{"gemini-2.5-pro", llm.Reasoning{Mode: "off"}, `{"thinkingBudget":128}`, []string{"changed " + effort}},
		{"gemini-2.5-pro", llm.Reasoning{Mode: "on", Budget: "50000", Show: ptr(true)}, `{"includeThoughts":true,"thinkingBudget":32768}`, []string{"changed " + effort}},
		{"gemini-2.5-flash-lite", llm.Reasoning{Mode: "on", Budget: "100"}, `{"thinkingBudget":512}`, []string{"changed " + effort}},
		{"gemini-2.5-flash", llm.Reasoning{Mode: "on", Budget: "2000"}, `{"thinkingBudget":2000}`, nil},
		{"gemini-2.5-flash", llm.Reasoning{Mode: "adaptive"}, `{"thinkingBudget":-1}`, nil},
		{"gemini-2.5-flash", llm.Reasoning{Mode: "on"}, `{"thinkingBudget":-1}`, []string{"changed " + effort}},
		{"gemini-2.0-flash", llm.Reasoning{Effort: "high"}, ``, []string{"dropped " + effort}},
		{"gemini-3-flash", llm.Reasoning{Effort: "minimal"}, `{"thinkingLevel":"minimal"}`, nil},
		{"gemini-3-flash", llm.Reasoning{Effort: "none"}, `{"thinkingLevel":"minimal"}`, []string{"changed " + effort}},
		{"gemini-3-flash", llm.Reasoning{Effort: "max"}, `{"thinkingLevel":"high"}`, []string{"changed " + effort}},
		{"gemini-3-pro-preview", llm.Reasoning{Effort: "medium"}, `{"thinkingLevel":"high"}`, []string{"changed " + effort}},
		{"gemini-3.1-pro-preview", llm.Reasoning{Effort: "medium"}, `{"thinkingLevel":"medium"}`, nil},
		{"gemini-3.1-pro-preview", llm.Reasoning{Effort: "none"}, `{"thinkingLevel":"low"}`, []string{"changed " + effort}},
		{"gemini-flash-latest", llm.Reasoning{Effort: "low", Budget: "9"}, `{"thinkingLevel":"low"}`, []string{"changed " + effort}},
		{"gemini-3-flash", llm.Reasoning{Mode: "on", Budget: "2000"}, `{"thinkingBudget":2000}`, nil},
		{"gemini-3-flash", llm.Reasoning{Effort: "odd"}, ``, []string{"dropped " + effort}},
		{"gemini-3-flash", llm.Reasoning{Summary: "auto"}, `{"includeThoughts":true}`, []string{"changed reasoning_effort.summary"}},
		{"other", llm.Reasoning{Effort: "medium"}, `{"thinkingBudget":8192}`, []string{"changed " + effort}},
	} {
		req := asked(turnOf(llm.User, text("Hi")))
		req.Reasoning = tc.r
		got, lost := encodeRequest(t, req, llm.Facts{Model: tc.model})
		if d := cmp.Diff(tc.want, string(rawjson.Get(got.Body, "generationConfig", "thinkingConfig"))); d != "" {
			t.Errorf("%s %+v:\n%s", tc.model, tc.r, d)
		}
		if d := cmp.Diff(tc.lost, lost); d != "" {
			t.Errorf("%s %+v: losses\n%s", tc.model, tc.r, d)
		}
	}
	req := asked(turnOf(llm.User, text("Hi")))
	req.From, req.Reasoning = llm.AnthropicMessages, llm.Reasoning{Mode: "on", Budget: "2000"}
	if got, _ := encodeRequest(t, req, llm.Facts{Model: "gemini-2.5-flash"}); !strings.Contains(string(got.Body), `"includeThoughts":true`) {
		t.Errorf("Messages shows thinking, and it is not asked for: %s", got.Body)
	}
}

func TestVersionOf(t *testing.T) {
	for model, want := range map[string]int{
		"gemini-2.5-flash": 25, "models/gemini-1.5-pro-002": 15, "gemini-3-pro-preview": 30, "google/gemini-3.1-flash-lite-image": 31, "Gemini-2.0-Flash": 20,
		"gemini-flash-latest": newest, "gemini-2.5-flash-latest": 25, "gemini-exp-1206": 0, "gemini-pro": 0, "gemini-": 0, "gemma-3": 0, "": 0, "gemini-10-x": 100,
	} {
		if got := versionOf(model); got != want {
			t.Errorf("%s: %d, want %d", model, got, want)
		}
	}
}

func TestEncodePath(t *testing.T) {
	req := asked(turnOf(llm.User, text("Hi")))
	for _, tc := range []struct {
		model, path, query string
		stream             bool
	}{
		{"gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent", "", false},
		{"models/m", "/v1beta/models/m:streamGenerateContent", "alt=sse", true},
		{"a/b c:1", "/v1beta/models/a%2Fb%20c:1:generateContent", "", false},
	} {
		req.Stream, req.Framing = tc.stream, llm.NDJSON
		if got, _ := encodeRequest(t, req, llm.Facts{Model: tc.model}); got.Path != tc.path || got.Query != tc.query || got.Op != llm.OpChat {
			t.Errorf("%s: %s?%s", tc.model, got.Path, got.Query)
		}
	}
	if got, _ := encodeRequest(t, req, llm.Facts{}); got.Path != "/v1beta/models/asked:generateContent" {
		t.Errorf("without a target's name: %s", got.Path)
	}
	own := decodeRequest(t, dialect.Call{Path: root + "m:" + streamed, Body: []byte(`{"contents":[]}`)})
	if got, _ := encodeRequest(t, own, llm.Facts{Model: "m"}); got.Query != "" || own.Framing != llm.Array {
		t.Errorf("an own array is asked for with %q", got.Query)
	}
}

// A history that another maker's models answered in part goes to Google without its seals, and with what Gemini 3 demands.
func TestForeignSealsOfOwnHistory(t *testing.T) {
	thinking := sealText(llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "c2ln"})
	body := `{"contents":[{"role":"user","parts":[{"text":"Do"}]},
	{"role":"model","parts":[{"text":"Hm","thought":true}]},{"role":"model","parts":[{"text":"m","thought":true}]},{"role":"model","parts":[{"text":"","thought":true,"thoughtSignature":"` + strings.ReplaceAll(thinking, "+", "-") + `"}]},
	{"role":"model","parts":[{"functionCall":{"id":"x","name":"f","args":{}},"thoughtSignature":"` + sealText(unsealed) + `"}]},{"role":"model","parts":[{"text":""}]},
	{"role":"user","parts":[{"functionResponse":{"id":"x","name":"f","response":{"output":"a"}}}]}]}`
	req := decodeRequest(t, callOf(body, false))
	if got := req.Messages[1].Parts; len(got) != 1 || got[0].Text != "Hmm" || got[0].Seal.By != "anthropic" || got[0].Seal.Data != "c2ln" {
		t.Errorf("the thought is put together as %+v", got)
	}
	for model, want := range map[string]string{
		"gemini-2.5-pro": `{"functionCall":{"id":"x","name":"f","args":{}}}`,
		"gemini-3-pro":   `{"functionCall":{"id":"x","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}`,
		"gemini-exp":     `{"functionCall":{"id":"x","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}`,
		"endpoints/1234": `{"functionCall":{"id":"x","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}`,
		"gemma-3-27b-it": `{"functionCall":{"id":"x","name":"f","args":{}}}`,
	} {
		got, _ := encodeRequest(t, req, llm.Facts{Model: model})
		if strings.Contains(string(got.Body), tagged) || !strings.Contains(string(got.Body), want) || !strings.Contains(string(got.Body), `{"text":"Hmm","thought":true}`) {
			t.Errorf("%s: %s", model, got.Body)
		}
	}
	back, lost := encodeRequest(t, req, llm.Facts{Model: "claude", SealBy: "anthropic"})
	if !strings.Contains(string(back.Body), `"thoughtSignature":"`+thinking+`"`) || lost != nil {
		t.Errorf("its maker does not get its seal: %s %q", back.Body, lost)
	}
}
