package openaichat

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

func raws(s string) json.RawMessage { return json.RawMessage(s) }

func ptr[T any](v T) *T { return &v }

func TestDecodeRequest(t *testing.T) {
	body := `{
 "model":"m","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},
 "max_completion_tokens":500,"n":2,"stop":"END","temperature":0.10,"top_p":1E0,"seed":12345678901234567890,
 "frequency_penalty":-1,"presence_penalty":2,"logprobs":true,"top_logprobs":3,"logit_bias":{"50256":-100},
 "modalities":["text","AUDIO"],"audio":{"voice":"alloy","format":"wav","speed":1},
 "response_format":{"type":"json_schema","json_schema":{"name":"out","description":"d","schema":{"type":"object"},"strict":true}},
 "verbosity":"low","reasoning_effort":"high","service_tier":"flex","store":false,"user":"u","metadata":{"k":"v"},
 "prompt_cache_key":"pk","prompt_cache_retention":"24h","parallel_tool_calls":false,"tool_choice":"required",
 "prediction":{"type":"content","content":"x"},"web_search_options":{},"safety_identifier":null,
 "tools":[
  {"type":"function","function":{"name":"f","description":"does","parameters":{"type":"object","properties":{}},"strict":false},"cache_control":{"type":"ephemeral","ttl":"1h"}},
  {"type":"custom","custom":{"name":"c","format":{"type":"text"}}},
  {"type":"web_search","depth":2}],
 "messages":[
  {"role":"developer","content":"be brief"},
  {"role":"user","name":"ann","content":[
   {"type":"text","text":"look","cache_control":{"type":"ephemeral"}},
   {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},
   {"type":"image_url","image_url":{"url":"https://x/y.png"}},
   {"type":"input_audio","input_audio":{"data":"BBBB","format":"mp3"}},
   {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,CCCC"}},
   {"type":"file","file":{"file_id":"file-1"}},
   {"type":"hologram","x":1}]},
  {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[
   {"id":"c1","type":"function","function":{"name":"f","arguments":"{ \"a\":1 }"}},
   {"id":"c2","type":"custom","custom":{"name":"c","input":"4+4"}}]},
  {"role":"tool","tool_call_id":"c1","content":"one"},
  {"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"two"}]},
  {"role":"assistant","refusal":"no","prefix":true}]}`
	want := &llm.Request{
		From: llm.OpenAIChat, Model: "m", Stream: true, WantUsage: true, MaxOutput: 500, Answers: 2, Stop: []string{"END"},
		Sampling: llm.Sampling{
			Temperature: "0.10", TopP: "1E0", Seed: "12345678901234567890", Frequency: "-1", Presence: "2",
			Logprobs: true, TopLogprobs: 3, Bias: raws(`{"50256":-100}`),
		},
		Modalities: []string{"text", "audio"},
		Voice:      llm.Voice{Name: "alloy", Format: "wav", Extra: llm.Extra{"speed": raws(`1`)}},
		Output: llm.Output{
			Kind: "schema", Name: "out", Description: "d", Schema: raws(`{"type":"object"}`), Strict: ptr(true), Verbosity: "low",
		},
		Reasoning: llm.Reasoning{Effort: "high"},
		Tier:      "flex", User: "u", Metadata: raws(`{"k":"v"}`),
		Thread: llm.Thread{Store: ptr(false)},
		Cache:  llm.Cache{Key: "pk", TTL: "24h"},
		Choice: llm.ToolChoice{Mode: "any", Parallel: ptr(false)},
		Extra: llm.Extra{
			"stream_options.include_obfuscation": raws(`false`), "prediction": raws(`{"type":"content","content":"x"}`),
			"web_search_options": raws(`{}`),
		},
		Tools: []llm.Tool{
			{
				Kind: llm.ToolFunction, Name: "f", Description: "does", Schema: raws(`{"type":"object","properties":{}}`),
				Strict: ptr(false), Cache: &llm.CacheMark{TTL: "1h"}, Path: "tools[0]",
			},
			{Kind: llm.ToolCustom, Name: "c", Grammar: raws(`{"type":"text"}`), Path: "tools[1]"},
			{Kind: llm.ToolServer, Name: "web_search", Raw: raws(`{"type":"web_search","depth":2}`), Path: "tools[2]"},
		},
		Messages: []llm.Message{
			{Role: llm.Developer, Path: "messages[0]", Parts: []llm.Part{{Kind: llm.PartText, Text: "be brief", Path: "messages[0].content"}}},
			{Role: llm.User, Name: "ann", Path: "messages[1]", Parts: []llm.Part{
				{Kind: llm.PartText, Text: "look", Cache: &llm.CacheMark{}, Path: "messages[1].content[0]"},
				{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "AAAA", Detail: "low"}, Path: "messages[1].content[1]"},
				{Kind: llm.PartImage, Media: &llm.Blob{URL: "https://x/y.png"}, Path: "messages[1].content[2]"},
				{Kind: llm.PartAudio, Media: &llm.Blob{Type: "audio/mpeg", Data: "BBBB"}, Path: "messages[1].content[3]"},
				{Kind: llm.PartFile, Media: &llm.Blob{Type: "application/pdf", Data: "CCCC", Name: "a.pdf"}, Path: "messages[1].content[4]"},
				{Kind: llm.PartFile, Media: &llm.Blob{FileID: "file-1"}, Path: "messages[1].content[5]"},
				{Kind: llm.PartOpaque, Name: "hologram", Raw: raws(`{"type":"hologram","x":1}`), Path: "messages[1].content[6]"},
			}},
			{Role: llm.Assistant, Path: "messages[2]", Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "hm", Path: "messages[2].reasoning_content"},
				{Kind: llm.PartCall, ID: "c1", Name: "f", Args: `{ "a":1 }`, Path: "messages[2].tool_calls[0]"},
				{Kind: llm.PartCall, ID: "c2", Name: "c", Args: `4+4`, Free: true, Path: "messages[2].tool_calls[1]"},
			}},
			{Role: llm.User, Path: "messages[3]", Parts: []llm.Part{{
				Kind: llm.PartResult, ID: "c1", Name: "f", Path: "messages[3]",
				Result: []llm.Part{{Kind: llm.PartText, Text: "one", Path: "messages[3].content"}},
			}}},
			{Role: llm.User, Path: "messages[4]", Parts: []llm.Part{{
				Kind: llm.PartResult, ID: "c2", Name: "c", Path: "messages[4]",
				Result: []llm.Part{{Kind: llm.PartText, Text: "two", Path: "messages[4].content[0]"}},
			}}},
			{
				Role: llm.Assistant, Path: "messages[5]", Extra: llm.Extra{"prefix": raws(`true`)},
				Parts: []llm.Part{{Kind: llm.PartRefusal, Text: "no", Path: "messages[5].refusal"}},
			},
		},
	}
	got, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	ignoreSpans := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Span" }, cmp.Ignore())
	if diff := cmp.Diff(want, got, ignoreSpans); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, m := range got.Messages {
		for _, p := range m.Parts {
			text := p.Text
			if p.Kind == llm.PartCall {
				text = p.Args
			}
			if text == "" {
				continue
			}
			var back string
			if err := json.Unmarshal([]byte(body[p.Span.Start:p.Span.End]), &back); err != nil || back != text {
				t.Errorf("%s: the span holds %q", p.Path, body[p.Span.Start:p.Span.End])
			}
		}
	}
	checkRequest(t, []byte(body))
}

// Each of these must come out of its own dialect as it went in.
func TestRequestsOfItsOwnDialect(t *testing.T) {
	message := func(m string) string { return `{"model":"m","messages":[` + m + `]}` }
	for name, body := range map[string]string{
		"empty contents": message(`{"role":"user","content":""},{"role":"user","content":[]},{"role":"user","content":[{"type":"text","text":""}]},
			{"role":"assistant","content":""},{"role":"assistant","content":null,"tool_calls":[]},{"role":"assistant"}`),
		"both limits":      `{"model":"m","max_tokens":5,"max_completion_tokens":5,"messages":[]}`,
		"plain format":     `{"model":"m","response_format":{"type":"text"},"messages":[]}`,
		"free JSON":        `{"model":"m","response_format":{"type":"json_object","schema":{"a":1}},"messages":[]}`,
		"foreign format":   `{"model":"m","response_format":{"type":"regex","pattern":"a+"},"messages":[]}`,
		"schema and more":  `{"model":"m","response_format":{"type":"json_schema","json_schema":{"schema":{"b":1,"a":2},"x":true},"y":1},"messages":[]}`,
		"named choice":     `{"model":"m","tools":[{"type":"custom","custom":{"name":"c"}}],"tool_choice":{"type":"custom","custom":{"name":"c"}},"messages":[]}`,
		"choice and more":  `{"model":"m","tool_choice":{"type":"function","function":{"name":"c"},"x":1},"messages":[]}`,
		"unknown choice":   `{"model":"m","tool_choice":{"type":"web_search"},"messages":[]}`,
		"unknown word":     `{"model":"m","tool_choice":"sometimes","messages":[]}`,
		"allowed tools":    `{"model":"m","tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"c"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"c"}}]}},"messages":[]}`,
		"odd allowed":      `{"model":"m","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"mcp","server":"s"}]}},"messages":[]}`,
		"tool extras":      `{"model":"m","tools":[{"type":"function","function":{"name":"f","x":1},"y":{"z":2},"cache_control":{"type":"forever"}}],"messages":[]}`,
		"legacy functions": `{"model":"m","functions":[{"name":"f","parameters":{},"x":1}],"function_call":{"name":"f"},"messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}","x":1}},{"role":"function","name":"f","content":"r"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":""}},{"role":"function","name":"f","content":""}]}`,
		"both generations": `{"model":"m","functions":[{"name":"f"}],"tools":[{"type":"function","function":{"name":"g"}}],"function_call":"auto","tool_choice":"none","messages":[]}`,
		"thinking items":   message(`{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"closed":false},{"type":"text","text":"c"},{"type":"thinking","thinking":[{"type":"text","text":"d"}],"closed":true}]}`),
		"odd thinking":     message(`{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"reference","ids":[1]}]}]}`),
		"reasoning":        message(`{"role":"assistant","content":"x","reasoning":"r"},{"role":"assistant","content":"x","reasoning":"r","reasoning_content":"r"},{"role":"assistant","content":"x","reasoning":{"a":1}},{"role":"assistant","content":"x","reasoning":"r","reasoning_content":"s"}`),
		"details": message(`{"role":"assistant","content":"x","reasoning":"ab","reasoning_details":[
			{"type":"reasoning.text","text":"a","signature":"s","format":"anthropic-claude-v1","index":0},
			{"type":"reasoning.summary","summary":"b","format":"openai-responses-v1","index":1,"id":"rs_1"},
			{"type":"reasoning.encrypted","data":"e","format":"openai-responses-v1","index":1,"id":"rs_1"},
			{"type":"reasoning.text","text":"","format":"unknown","index":2,"x":1},
			{"type":"reasoning.smell","y":1}]}`),
		"details that differ": message(`{"role":"assistant","content":"x","reasoning":"other","reasoning_details":[{"type":"reasoning.text","text":"a"}]}`),
		"refusals":            message(`{"role":"assistant","content":[{"type":"refusal","refusal":"a"},{"type":"text","text":"b"}],"refusal":"c"},{"role":"assistant","content":[{"type":"text","text":"b"},{"type":"refusal","refusal":"c"}]}`),
		"audio back":          message(`{"role":"assistant","audio":{"id":"audio_1"}},{"role":"assistant","content":null,"audio":null}`),
		"media":               message(`{"role":"user","content":[{"type":"image_url","image_url":"https://x"},{"type":"video_url","video_url":{"url":"data:video/mp4;base64,AA"}},{"type":"input_audio","input_audio":"AAAA"},{"type":"input_audio","input_audio":{"data":"AA","format":"wav","x":1}},{"type":"file","file":{"file_data":"AAAA","filename":"n"}},{"type":"file","file":{"file_data":"https://x/y.pdf"}},{"type":"image_url","image_url":{"url":"data:image/svg+xml,<svg/>"}},{"type":"image_url","image_url":null},{"type":"file","file":{"file_id":"a","file_data":"AA"}}]}`),
		"pictures made":       message(`{"role":"assistant","content":[{"type":"image_url","image_url":{"url":"https://x"}},{"type":"text","text":"t"}],"images":[{"type":"image_url","image_url":{"url":"https://y"}}]},{"role":"assistant","images":["AAAA"]}`),
		"odd calls":           message(`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":{"x":1}},"index":0,"cache_control":{"type":"ephemeral"},"extra_content":{"google":{"thought_signature":"sig"}}},{"type":"function","function":{"name":"f","arguments":""}},{"id":"b","type":"mcp","server":"s"},{"id":"c","type":"function","function":{"name":"g","arguments":"x","y":1},"extra_content":{"other":1}}]},{"role":"tool","content":"r"},{"role":"tool","tool_call_id":"zz","name":"h","content":null},{"role":"tool","tool_call_id":"a","name":"other","content":"s","x":1}`),
		"annotated history":   message(`{"role":"assistant","content":"naïve text","annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":5,"url":"u","title":"t"}},{"type":"file","file":{"hash":"h"}},{"type":"url_citation","url_citation":{"start_index":3,"end_index":99,"url":"u","title":"t","content":"q","x":1},"y":2}]}`),
		"breakpoint":          message(`{"role":"user","content":[{"type":"text","text":"t","prompt_cache_breakpoint":{"mode":"explicit"}}],"cache_control":{"type":"ephemeral"}}`),
		"provider's own":      `{"model":"m","top_k":40,"thinking":{"type":"enabled"},"provider":{"order":["a"]},"cache_control":{"type":"ephemeral"},"reasoning":{"max_tokens":5},"messages":[]}`,
	} {
		t.Run(name, func(t *testing.T) { checkRequest(t, []byte(body)) })
	}
}

func TestDecodeRequestMends(t *testing.T) {
	req := checkRequest(t, []byte(`{"model":"m","messages":[
	 {"role":"assistant","reasoning":"r","reasoning_content":"r","tool_calls":[{"function":{"name":"f","arguments":""}},{"function":{"name":"g","arguments":""}}]},
	 {"role":"tool","content":"1"},{"role":"tool","content":"2"}]}`))
	a := req.Messages[0].Parts
	if len(a) != 3 || a[0].Kind != llm.PartReasoning || a[1].ID == "" || a[1].ID == a[2].ID {
		t.Fatalf("turn: %+v", a)
	}
	for i, call := range a[1:] {
		if r := req.Messages[i+1].Parts[0]; r.ID != call.ID || r.Name != call.Name {
			t.Errorf("result %d is of %s %s, want %s %s", i, r.ID, r.Name, call.ID, call.Name)
		}
	}
}

func TestLimitsName(t *testing.T) {
	req := &llm.Request{From: llm.OpenAIChat, MaxOutput: 7}
	for quirks, want := range map[llm.Quirk]string{
		0:             `{"model":"m","messages":[],"max_completion_tokens":7}`,
		llm.MaxTokens: `{"model":"m","messages":[],"max_tokens":7}`,
	} {
		call, _, err := codec{}.EncodeRequest(req, llm.Facts{Model: "m", Quirks: quirks})
		if err != nil || string(call.Body) != want || call.Path != Path || call.Op != llm.OpChat {
			t.Errorf("%s: %s, %v", quirks, call.Body, err)
		}
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`[]`:                           "",
		`{"model":"m"}`:                "messages",
		`{"model":"m","messages":{}}`:  "messages",
		`{"messages":[]}`:              "model",
		`{"model":"m","messages":[3]}`: "messages[0]",
		`{"model":"m","messages":[{"role":"narrator","content":"x"}]}`:                         "messages[0].role",
		`{"model":"m","messages":[{"role":"user","content":3}]}`:                               "messages[0].content",
		`{"model":"m","messages":[{"role":"user","content":["x"]}]}`:                           "messages[0].content[0]",
		`{"model":"m","messages":[{"role":"tool","content":"x"}]}`:                             "messages[0].tool_call_id",
		`{"model":"m","temperature":"warm","messages":[]}`:                                     "temperature",
		`{"model":"m","logprobs":1,"messages":[]}`:                                             "logprobs",
		`{"model":"m","stop":[1],"messages":[]}`:                                               "stop[0]",
		`{"model":"m","tools":{},"messages":[]}`:                                               "tools",
		`{"model":"m","tools":[{"type":"function","function":{}}],"messages":[]}`:              "tools[0].function.name",
		`{"model":"m","functions":["f"],"messages":[]}`:                                        "functions[0]",
		`{"model":"m","function_call":3,"messages":[]}`:                                        "function_call",
		`{"model":"m","tool_choice":3,"messages":[]}`:                                          "tool_choice",
		`{"model":"m","response_format":"json","messages":[]}`:                                 "response_format",
		`{"model":"m","response_format":{"type":"json_schema","json_schema":1},"messages":[]}`: "response_format.json_schema",
		`{"model":"m","max_tokens":1,"max_completion_tokens":2,"messages":[]}`:                 "max_tokens",
		`{"model":"m","audio":"loud","messages":[]}`:                                           "audio",
	} {
		_, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
		var f *fault.Fault
		if !errors.As(err, &f) {
			t.Errorf("%s: %v, want a fault", body, err)
			continue
		}
		if f.Kind != fault.Malformed || f.Param != param {
			t.Errorf("%s: %v (param %q), want param %q", body, f, f.Param, param)
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:a;base64,b"}}]},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}]}`))
	f.Add([]byte(`{"model":"m","messages":[{"role":"assistant","reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a"}],"function_call":{"name":"g"},"annotations":[{"type":"url_citation","url_citation":{"start_index":1,"end_index":2}}],"content":"é é"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := codec{}.DecodeRequest(dialect.Call{Body: body})
		if err != nil {
			return
		}
		for _, from := range []llm.Dialect{llm.OpenAIChat, llm.AnthropicMessages} {
			other := *req
			other.From = from
			for _, quirks := range []llm.Quirk{0, llm.Cautious, llm.Cautious | llm.NineIDs | llm.ReasoningItems | llm.Alternating | llm.NoJSONSchema | llm.NoFiles} {
				call, _, err := codec{}.EncodeRequest(&other, llm.Facts{Model: "m", ReasoningBack: true, Quirks: quirks})
				if err != nil {
					continue
				}
				if !json.Valid(call.Body) {
					t.Fatalf("%s became %s", body, call.Body)
				}
				if _, err := (codec{}).DecodeRequest(call); err != nil && from == llm.OpenAIChat {
					t.Fatalf("%s became %s: %v", body, call.Body, err)
				}
			}
		}
	})
}
