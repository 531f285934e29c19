package converse

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// everything uses each member a request may have.
const everything = `{
 "system": [{"text":"Be kind."},{"cachePoint":{"type":"default","ttl":"1h"}},{"guardContent":{"text":{"text":"Guard me.","qualifiers":["query"]}}}],
 "messages": [
  {"role":"user","content":[
    {"text":"Hello"},{"cachePoint":{"type":"default"}},{"cachePoint":{"type":"default"}},
    {"image":{"format":"png","source":{"bytes":"iVBO"}}},
    {"image":{"format":"jpeg","source":{"s3Location":{"uri":"s3://b/a.jpg","bucketOwner":"123456789012"}}}},
    {"guardContent":{"image":{"format":"png","source":{"bytes":"iVBO"}}}},
    {"document":{"format":"pdf","name":"D","source":{"bytes":"JVBE"},"context":"c","citations":{"enabled":true}}},
    {"document":{"format":"txt","name":"E","source":{"text":"plain"}}},
    {"document":{"name":"F","source":{"content":[{"text":"chunk"}]}}},
    {"document":{"name":"G","source":{"content":[{"text":"a"},{"text":"b"}]}}},
    {"document":{"format":"odt","name":"H","source":{"s3Location":{"uri":"s3://b/h.odt"}}}},
    {"video":{"format":"three_gp","source":{"bytes":"AAAA"}}},
    {"audio":{"format":"mpga","source":{"bytes":"AAAA"}}},
    {"searchResult":{"source":"https://e.x","title":"X","content":[{"text":"found"}],"citations":{"enabled":true}}},
    {"hologram":{"depth":3}}]},
  {"role":"assistant","content":[
    {"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"c2ln"}}},
    {"reasoningContent":{"redactedContent":"WkdGMFlRPT0="}},
    {"citationsContent":{"content":[{"text":"I look."}],"citations":[{"title":"T","location":{"documentChar":{"documentIndex":0,"start":1,"end":9}}}]}},
    {"toolUse":{"toolUseId":"tooluse_1","name":"look","input":{"at":"sky",  "n":1.0e2}}},
    {"toolUse":{"toolUseId":"tooluse_2","name":"nova_code","input":{"q":1},"type":"server_tool_use"}},
    {"toolResult":{"toolUseId":"tooluse_2","content":[{"json":{"out":7}}],"type":"nova_code_result","status":"success"}}]},
  {"role":"user","content":[
    {"toolResult":{"toolUseId":"tooluse_1","status":"error","content":[
      {"text":"blue"},{"json":{"sky":  "blue"}},{"image":{"format":"png","source":{"bytes":"iVBO"}}},{"document":{"format":"md","name":"I","source":{"bytes":"Iw=="}}},
      {"searchResult":{"source":"s","title":"t","content":[{"text":"a"},{"text":"b"}]}}]}},
    {"cachePoint":{"type":"default"}}]},
  {"role":"assistant","content":[{"text":"The sky "}]}],
 "inferenceConfig": {"maxTokens":2048,"temperature":1.0,"topP":0.95,"stopSequences":["END",""],"odd":1},
 "toolConfig": {"tools":[
   {"toolSpec":{"name":"look","description":"Looks.","inputSchema":{"json":{"type":"object",  "properties":{}}},"strict":true,"odd":1}},{"cachePoint":{"type":"default"}},
   {"systemTool":{"name":"nova_grounding"}},{"hologram":{}}],
  "toolChoice":{"tool":{"name":"look"}},"odd":1},
 "additionalModelRequestFields": {"thinking":{"type":"enabled","budget_tokens":1024,"display":"omitted","odd":1},"top_k":40,"output_config":{"effort":"high","odd":1},"anthropic_beta":["x"]},
 "additionalModelResponseFieldPaths": ["/stop_sequence"],
 "outputConfig": {"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\": \"object\"}","name":"a","description":"d"}}},"odd":1},
 "guardrailConfig": {"guardrailIdentifier":"g","guardrailVersion":"1"}, "promptVariables": {"a":{"text":"b"}},
 "requestMetadata": {"team":"a"}, "performanceConfig": {"latency":"optimized"}, "serviceTier": {"type":"flex"}, "nothing": null
}`

func everythingDecoded() *llm.Request {
	text := func(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }
	file := func(b llm.Blob) llm.Part { return llm.Part{Kind: llm.PartFile, Media: &b} }
	marked := text("Hello")
	marked.Cache = &llm.CacheMark{}
	pdf := file(llm.Blob{Type: "application/pdf", Data: "JVBE", Name: "D", Cite: true})
	pdf.Extra = llm.Extra{"context": raw(`"c"`)}
	pieces := file(llm.Blob{Source: "content", Text: "a\n\nb", Name: "G"})
	pieces.Extra = llm.Extra{"content": raw(`[{"text":"a"},{"text":"b"}]`)}
	odt := file(llm.Blob{URL: "s3://b/h.odt", Name: "H"})
	odt.Extra = llm.Extra{"format": raw(`"odt"`)}
	png := func() llm.Part {
		return llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "iVBO"}}
	}
	guarded := png()
	guarded.Extra = llm.Extra{"guardContent": raw(`{}`)}
	return &llm.Request{
		From: llm.BedrockConverse, Model: "anthropic.claude-sonnet-4-5-20250929-v1:0", MaxOutput: 2048,
		Messages: []llm.Message{
			{Role: llm.System, Parts: []llm.Part{
				{Kind: llm.PartText, Text: "Be kind.", Cache: &llm.CacheMark{TTL: "1h"}},
				{Kind: llm.PartText, Text: "Guard me.", Extra: llm.Extra{"guardContent": raw(`{"qualifiers":["query"]}`)}},
			}},
			{Role: llm.User, Parts: []llm.Part{
				marked,
				{Kind: llm.PartOpaque, Name: "cachePoint", Raw: raw(`{"cachePoint":{"type":"default"}}`)},
				png(),
				{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/jpeg", URL: "s3://b/a.jpg"}, Extra: llm.Extra{"bucketOwner": raw(`"123456789012"`)}},
				guarded, pdf,
				file(llm.Blob{Type: "text/plain", Text: "plain", Name: "E"}),
				file(llm.Blob{Source: "content", Text: "chunk", Name: "F"}),
				pieces, odt,
				{Kind: llm.PartVideo, Media: &llm.Blob{Type: "video/3gpp", Data: "AAAA"}},
				{Kind: llm.PartAudio, Media: &llm.Blob{Type: "audio/mpga", Data: "AAAA"}},
				{Kind: llm.PartText, Text: "found", Extra: llm.Extra{"searchResult": raw(`{"citations":{"enabled":true},"source":"https://e.x","title":"X"}`)}},
				{Kind: llm.PartOpaque, Name: "hologram", Raw: raw(`{"hologram":{"depth":3}}`)},
			}},
			{Role: llm.Assistant, Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "Hm.", Seal: seal("c2ln")},
				{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "ZGF0YQ=="}},
				{Kind: llm.PartText, Text: "I look.", Cites: []llm.Cite{{Kind: "document", Unit: "char", Title: "T", From: 1, To: 9}}},
				{Kind: llm.PartCall, ID: "tooluse_1", Name: "look", Args: `{"at":"sky",  "n":1.0e2}`},
				{Kind: llm.PartCall, By: llm.ByServer, ID: "tooluse_2", Name: "nova_code", Args: `{"q":1}`},
				{
					Kind: llm.PartResult, By: llm.ByServer, ID: "tooluse_2", Name: "nova_code",
					Raw: raw(`{"toolResult":{"toolUseId":"tooluse_2","content":[{"json":{"out":7}}],"type":"nova_code_result","status":"success"}}`),
				},
			}},
			{Role: llm.User, Parts: []llm.Part{{
				Kind: llm.PartResult, ID: "tooluse_1", Name: "look", Failed: true, Cache: &llm.CacheMark{}, Result: []llm.Part{
					text("blue"),
					{Kind: llm.PartJSON, Text: `{"sky":  "blue"}`},
					png(),
					file(llm.Blob{Type: "text/markdown", Data: "Iw==", Name: "I"}),
					{Kind: llm.PartText, Text: "a\n\nb", Extra: llm.Extra{"searchResult": raw(`{"content":[{"text":"a"},{"text":"b"}],"source":"s","title":"t"}`)}},
				},
			}}},
			{Role: llm.Assistant, Parts: []llm.Part{text("The sky ")}},
		},
		Tools: []llm.Tool{
			{
				Kind: llm.ToolFunction, Name: "look", Description: "Looks.", Schema: raw(`{"type":"object",  "properties":{}}`), Strict: ptr(true),
				Cache: &llm.CacheMark{}, Extra: llm.Extra{"odd": raw(`1`)},
			},
			{Kind: llm.ToolServer, Name: "nova_grounding", Raw: raw(`{"systemTool":{"name":"nova_grounding"}}`)},
			{Kind: llm.ToolServer, Name: "hologram", Raw: raw(`{"hologram":{}}`)},
		},
		Choice:    llm.ToolChoice{Mode: "one", Name: "look"},
		Output:    llm.Output{Kind: "schema", Schema: raw(`{"type": "object"}`), Name: "a", Description: "d"},
		Sampling:  llm.Sampling{Temperature: "1.0", TopP: "0.95", TopK: "40"},
		Reasoning: llm.Reasoning{Mode: "on", Effort: "high", Budget: "1024", Show: ptr(false), Extra: llm.Extra{"odd": raw(`1`)}},
		Stop:      []string{"END", ""}, Tier: "flex", Metadata: raw(`{"team":"a"}`),
		Extra: llm.Extra{
			"inferenceConfig": raw(`{"odd":1}`), "toolConfig": raw(`{"odd":1}`), "outputConfig": raw(`{"odd":1}`),
			"additionalModelRequestFields":      raw(`{"anthropic_beta":["x"],"output_config":{"odd":1}}`),
			"additionalModelResponseFieldPaths": raw(`["/stop_sequence"]`), "guardrailConfig": raw(`{"guardrailIdentifier":"g","guardrailVersion":"1"}`),
			"promptVariables": raw(`{"a":{"text":"b"}}`), "performanceConfig": raw(`{"latency":"optimized"}`),
		},
	}
}

func TestDecodeRequest(t *testing.T) {
	got := decodeRequest(t, asked(everything))
	if d := cmp.Diff(everythingDecoded(), got, same); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
	for path, at := range map[string]string{
		"system":                 got.Messages[0].Path,
		"system[2]":              got.Messages[0].Parts[1].Path,
		"messages[1]":            got.Messages[2].Path,
		"messages[0].content[3]": got.Messages[1].Parts[2].Path,
		"messages[2].content[0].toolResult.content[1]": got.Messages[3].Parts[0].Result[1].Path,
		"toolConfig.tools[2]":                          got.Tools[1].Path,
	} {
		if at != path {
			t.Errorf("path is %q, want %q", at, path)
		}
	}
	p := got.Messages[1].Parts[0]
	if at := everything[p.Span.Start:p.Span.End]; at != `"Hello"` {
		t.Errorf("the text's span is %q", at)
	}
}

// stays is what a request of this dialect is after it was decoded and encoded for its own model.
func stays(t *testing.T, call dialect.Call) {
	t.Helper()
	req := decodeRequest(t, call)
	again, losses := encodeRequest(t, req, llm.Facts{Model: req.Model})
	if len(losses) > 0 {
		t.Errorf("lost %s", paths(losses))
	}
	if _, err := New().Peek(&again); err != nil {
		t.Errorf("Peek of what was written: %v\n%s", err, again.Body)
	}
	if d := cmp.Diff(req, decodeRequest(t, again), same); d != "" {
		t.Errorf("the request changed (-want +got):\n%s\n%s", d, again.Body)
	}
}

func TestRequestStays(t *testing.T) {
	for name, body := range map[string]string{
		"everything":         everything,
		"least":              `{}`,
		"older name":         `{"additionalModelRequestFields":{"reasoning_config":{"type":"enabled","budget_tokens":1024}}}`,
		"both names":         `{"additionalModelRequestFields":{"thinking":{"type":"adaptive"},"reasoning_config":{"type":"enabled","budget_tokens":1024}}}`,
		"thinking off":       `{"additionalModelRequestFields":{"thinking":{"type":"disabled"}}}`,
		"new thinking":       `{"additionalModelRequestFields":{"thinking":{"type":"dreaming","depth":3},"output_config":{"effort":7}}}`,
		"odd fields":         `{"additionalModelRequestFields":{"top_k":"many","output_config":[],"inferenceConfig":{"topK":1}}}`,
		"no fields":          `{"additionalModelRequestFields":{}}`,
		"any tool":           `{"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}}],"toolChoice":{"any":{"odd":1}}}}`,
		"new choice":         `{"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"yaml":"a"}}}],"toolChoice":{"some":{}}}}`,
		"points first":       `{"system":[{"cachePoint":{"type":"default"}}],"messages":[{"role":"user","content":[{"cachePoint":{"type":"default"}},{"text":"a"}]}],"toolConfig":{"tools":[{"cachePoint":{"type":"default"}},{"toolSpec":{"name":"f"}}]}}`,
		"new point":          `{"messages":[{"role":"user","content":[{"text":"a"},{"cachePoint":{"type":"eternal"}},{"cachePoint":{"type":"default","scope":"org"}}]}]}`,
		"empty texts":        `{"system":[],"messages":[{"role":"user","content":[{"text":""}]},{"role":"assistant","content":[]}]}`,
		"neighbours":         `{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"user","content":[{"toolResult":{"toolUseId":"x!","content":[]}}]}]}`,
		"odd medium":         `{"messages":[{"role":"user","content":[{"image":{"format":"png","source":{"bytes":"AA","more":1}}},{"image":{"format":"png","source":{"bytes":"AA"},"bucketOwner":"1"}},{"document":{"name":"n","source":{"bytes":"AA"},"citations":{"enabled":true,"style":"long"}}}]}]}`,
		"unions of two":      `{"messages":[{"role":"user","content":[{"text":"a","image":{"format":"png","source":{"bytes":"AA"}}},{}]}]}`,
		"odd reasoning":      `{"messages":[{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"a","mood":1}}},{"reasoningContent":{"redactedContent":"` + b64 + `"}},{"reasoningContent":{}}]}]}`,
		"unsealed":           `{"messages":[{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"a"}}}]}]}`,
		"odd citations":      `{"messages":[{"role":"assistant","content":[{"citationsContent":{"content":[{"image":{}}]}},{"citationsContent":{"citations":[{}]}},{"citationsContent":{"content":[{"text":"a"}],"mood":1}}]}]}`,
		"odd guard":          `{"messages":[{"role":"user","content":[{"guardContent":{"sound":{}}},{"guardContent":{"image":{"format":"bmp","source":{"bytes":"AA"}}}}]}]}`,
		"odd results":        `{"messages":[{"role":"user","content":[{"toolResult":{"toolUseId":"a","status":"unsure","content":[{"json":[1,2]},{"json":"a"},{"video":{"format":"mp4","source":{"bytes":"AA"}}}]}}]}]}`,
		"odd call":           `{"messages":[{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":[1],"type":"dream"}},{"toolUse":{"toolUseId":"b","name":"f"}}]}]}`,
		"new format":         `{"outputConfig":{"textFormat":{"type":"grammar","structure":{"g":1}}}}`,
		"broken schema":      `{"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{"}}}}}`,
		"tier of no type":    `{"serviceTier":{"why":"x"}}`,
		"dotted top members": `{"inferenceConfig.maxTokens":9,"inferenceConfig":{"maxTokens":1}}`,
	} {
		t.Run(name, func(t *testing.T) { stays(t, asked(body)) })
	}
	for model, fields := range map[string]string{
		"us.amazon.nova-2-lite-v1:0":   `{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high","odd":1},"inferenceConfig":{"topK":5,"odd":1}}`,
		"amazon.nova-pro-v1:0":         `{"inferenceConfig":{"topK":5},"reasoningConfig":{"type":"enabled"}}`,
		"openai.gpt-oss-120b-1:0":      `{"reasoning_effort":"low","thinking":{"type":"enabled"}}`,
		"mistral.mistral-large-2407":   `{"top_k":5,"thinking":{"type":"enabled"}}`,
		"cohere.command-r-plus-v1:0":   `{"k":5}`,
		"meta.llama3-8b-instruct-v1:0": `{"top_k":5,"reasoning_effort":"low"}`,
		"fast":                         `{"top_k":5,"thinking":{"type":"enabled","budget_tokens":1024}}`,
		"arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc": `{"thinking":{"type":"disabled"}}`,
	} {
		t.Run(model, func(t *testing.T) {
			stays(t, dialect.Call{Path: join(model, true), Body: []byte(`{"messages":[{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"a","signature":"s"}}}]}],"additionalModelRequestFields":` + fields + `}`)})
		})
	}
}

func TestDecodeFields(t *testing.T) {
	tests := []struct {
		model, fields string
		reasoning     llm.Reasoning
		topK          llm.Num
		rest          string
	}{
		{"us.anthropic.claude-sonnet-4-5-v1:0", `{"thinking":{"type":"enabled","budget_tokens":4000},"top_k":1}`, llm.Reasoning{Mode: "on", Budget: "4000"}, "1", ""},
		{"fast", `{"reasoning_config":{"type":"enabled","budget_tokens":4000}}`, llm.Reasoning{Mode: "on", Budget: "4000"}, "", ""},
		{"us.amazon.nova-2-lite-v1:0", `{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"low"},"inferenceConfig":{"topK":2}}`, llm.Reasoning{Mode: "on", Effort: "low"}, "2", ""},
		{"amazon.nova-lite-v1:0", `{"inferenceConfig":{"topK":2,"x":1}}`, llm.Reasoning{}, "2", `{"inferenceConfig":{"x":1}}`},
		{"openai.gpt-oss-20b-1:0", `{"reasoning_effort":"high","top_k":3}`, llm.Reasoning{Effort: "high"}, "", `{"top_k":3}`},
		{"meta.llama3", `{"max_gen_len":5,"x":1}`, llm.Reasoning{}, "", `{"x":1}`},
		{"deepseek.r1-v1:0", `{"thinking":{"type":"enabled"}}`, llm.Reasoning{}, "", `{"thinking":{"type":"enabled"}}`},
	}
	for _, tt := range tests {
		got := decodeRequest(t, dialect.Call{Path: join(tt.model, false), Body: []byte(`{"additionalModelRequestFields":` + tt.fields + `}`)})
		if d := cmp.Diff(tt.reasoning, got.Reasoning); d != "" || got.Sampling.TopK != tt.topK || string(got.Extra[requestFields]) != tt.rest {
			t.Errorf("%s %s: top_k %s, rest %s, reasoning (-want +got):\n%s", tt.model, tt.fields, got.Sampling.TopK, got.Extra[requestFields], d)
		}
	}
}

// A limit in a model's own words is the limit: what is encoded with a lower one must not hold a higher one beside it.
func TestLimitsInOtherWords(t *testing.T) {
	for body, want := range map[string]int64{
		`{"additionalModelRequestFields":{"max_tokens":50}}`:                                                      50,
		`{"additionalModelRequestFields":{"inferenceConfig":{"max_new_tokens":50}}}`:                              50,
		`{"inferenceConfig":{"maxTokens":9},"additionalModelRequestFields":{"maxTokens":50,"max_gen_len":60}}`:    9,
		`{"additionalModelRequestFields":{"max_tokens":50,"thinking":{"type":"enabled","budget_tokens":40}}}`:     50,
		`{"additionalModelRequestFields":{"max_tokens":0,"maxTokens":null,"inferenceConfig":{"maxTokens":null}}}`: 0,
	} {
		req := decodeRequest(t, asked(body))
		if req.MaxOutput != want {
			t.Errorf("%s: the limit is %d, want %d", body, req.MaxOutput, want)
		}
		req.MaxOutput = 5
		call, _ := encodeRequest(t, req, llm.Facts{Model: req.Model})
		if head, err := New().Peek(&call); err != nil || head.MaxOutput != 5 {
			t.Errorf("%s: lowered to 5, but it is %d (%v) in %s", body, head.MaxOutput, err, call.Body)
		}
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`{"messages":{}}`:                                                                                    "messages",
		`{"messages":["a"]}`:                                                                                 "messages[0]",
		`{"messages":[{"role":"system"}]}`:                                                                   "messages[0].role",
		`{"messages":[{"role":"user","content":"a"}]}`:                                                       "messages[0].content",
		`{"messages":[{"role":"user","content":["a"]}]}`:                                                     "messages[0].content[0]",
		`{"messages":[{"role":"user","content":[{"text":1}]}]}`:                                              "messages[0].content[0].text",
		`{"messages":[{"role":"assistant","content":[{"toolUse":{"toolUseId":"a"}}]}]}`:                      "messages[0].content[0].toolUse.name",
		`{"messages":[{"role":"user","content":[{"toolResult":{"content":[]}}]}]}`:                           "messages[0].content[0].toolResult.toolUseId",
		`{"messages":[{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":1}]}}]}]}`: "messages[0].content[0].toolResult.content[0].text",
		`{"messages":[{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":{}}}]}]}`:           "messages[0].content[0].toolResult.content",
		`{"messages":[{"role":"user","content":[{"document":{"name":5,"source":{"bytes":"AA"}}}]}]}`:         "messages[0].content[0].document.name",
		`{"system":"Be kind."}`:                                                                              "system",
		`{"inferenceConfig":[]}`:                                                                             "inferenceConfig",
		`{"inferenceConfig":{"temperature":"hot"}}`:                                                          "inferenceConfig.temperature",
		`{"inferenceConfig":{"stopSequences":"END"}}`:                                                        "inferenceConfig.stopSequences",
		`{"inferenceConfig":{"stopSequences":[1]}}`:                                                          "inferenceConfig.stopSequences[0]",
		`{"toolConfig":{"tools":{}}}`:                                                                        "toolConfig.tools",
		`{"toolConfig":{"tools":["a"]}}`:                                                                     "toolConfig.tools[0]",
		`{"toolConfig":{"tools":[{"toolSpec":{"name":""}}]}}`:                                                "toolConfig.tools[0].toolSpec.name",
		`{"toolConfig":{"tools":[],"toolChoice":"auto"}}`:                                                    "toolConfig.toolChoice",
		`{"toolConfig":{"tools":[],"toolChoice":{"tool":{}}}}`:                                               "toolConfig.toolChoice.tool.name",
		`{"additionalModelRequestFields":[]}`:                                                                "additionalModelRequestFields",
		`{"serviceTier":"flex"}`:                                                                             "serviceTier",
		`{"serviceTier":{"type":1}}`:                                                                         "serviceTier.type",
	} {
		_, err := codec{}.DecodeRequest(asked(body))
		f, ok := errors.AsType[*fault.Fault](err)
		if !ok || f.Kind != fault.Malformed || f.Param != param || !strings.HasPrefix(f.Message, param) {
			t.Errorf("%s: %v, want param %s", body, err, param)
		}
	}
	if _, err := (codec{}).DecodeRequest(dialect.Call{Path: "/model//converse", Body: []byte(`{}`)}); err == nil {
		t.Error("a call without a model is read")
	}
}

// What another maker's target answered is left out for the model's own provider, and thinking with it where a tool's
// continuation would be refused.
func TestOwnRequestWithOthersSeals(t *testing.T) {
	const thinking = `"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024,"display":"omitted"}}`
	body := func(content string) string {
		return `{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[` + content + `]},` +
			`{"role":"user","content":[{"toolResult":{"toolUseId":"t","content":[]}}]}],` + thinking + `}`
	}
	const call = `{"toolUse":{"toolUseId":"t","name":"f","input":{}}}`
	foreign := `{"reasoningContent":{"redactedContent":"` + redacted(llm.Seal{By: "openai", Form: llm.SealEncrypted, Data: "x"}, "anthropic") + `"}},`
	own := `{"reasoningContent":{"reasoningText":{"text":"hm","signature":"s"}}},`
	for _, tt := range []struct{ name, content, want, losses string }{
		{"foreign", foreign + call, `[` + call + `]`, "messages[1].content[0] dropped, additionalModelRequestFields.thinking changed"},
		{"both", own + foreign + call, `[` + own + call + `]`, "messages[1].content[1] dropped"},
		{"own", own + call, `[` + own + call + `]`, ""},
	} {
		got, losses := encodeRequest(t, decodeRequest(t, asked(body(tt.content))), llm.Facts{Model: "anthropic.claude-sonnet-4-5-v1:0"})
		if !strings.Contains(string(got.Body), `"content":`+tt.want) || paths(losses) != tt.losses {
			t.Errorf("%s: %s, lost %s; want %s, %s", tt.name, got.Body, paths(losses), tt.want, tt.losses)
		}
		if off := strings.Contains(string(got.Body), `"thinking":{"type":"disabled"}`); off != (tt.name == "foreign") {
			t.Errorf("%s: thinking is off: %v", tt.name, off)
		}
	}
	// A turn of nothing else goes.
	req := decodeRequest(t, asked(`{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[`+strings.TrimSuffix(foreign, ",")+`]},{"role":"user","content":[{"text":"b"}]}]}`))
	if got, _ := encodeRequest(t, req, llm.Facts{}); strings.Contains(string(got.Body), "assistant") {
		t.Errorf("a turn is left of nothing: %s", got.Body)
	}
}
