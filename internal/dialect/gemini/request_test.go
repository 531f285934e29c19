package gemini

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/llm"
)

const everything = `{
 "systemInstruction": {"role": "system", "parts": [{"text": "Be brief."}]},
 "contents": [
  {"role": "user", "parts": [{"text": "See"}, {"inlineData": {"mimeType": "image/png", "data": "-_8"}},
   {"fileData": {"fileUri": "https://youtu.be/x"}}, {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/a.pdf", "displayName": "a"}}]},
  {"role": "model", "parts": [{"text": "Hm", "thought": true, "thoughtSignature": "c2ln"},
   {"functionCall": {"id": "x", "name": "look", "args": {"at":  "sky"}}}, {"executableCode": {"language": "PYTHON", "code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_FAILED"}}]},
  {"parts": [{"functionResponse": {"id": "x", "name": "look", "response": {"error": "dark"}, "scheduling": "SILENT", "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}}]}],
 "tools": [{"functionDeclarations": [{"name": "look", "description": "Looks.", "parameters": {"type": "OBJECT", "properties": {"at": {"type": "STRING"}}}, "behavior": "BLOCKING"}], "googleSearch": {}}, {"url_context": {}}],
 "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look", "see"]}, "retrievalConfig": {"languageCode": "en"}},
 "generationConfig": {"temperature": 0.20, "topP": 0.9, "topK": 40, "maxOutputTokens": 100, "candidateCount": 2, "stopSequences": ["END"], "seed": 7,
  "presencePenalty": 0.1, "frequencyPenalty": -0.1, "responseLogprobs": true, "logprobs": 3, "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
  "responseModalities": ["TEXT", 3], "speechConfig": {"languageCode": "en-US", "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
  "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 1024}, "mediaResolution": "MEDIA_RESOLUTION_LOW"},
 "safetySettings": [{"category": 7, "threshold": 4}], "cachedContent": "cachedContents/c", "serviceTier": "flex", "labels": {"a": "b"}, "model": "models/m"
}`

func TestDecodeRequest(t *testing.T) {
	got := decodeRequest(t, callOf(everything, true))
	code := `{"executableCode": {"language": "PYTHON", "code": "1"}}`
	want := &llm.Request{
		From: llm.GeminiGenerate, Model: "m", Stream: true,
		Messages: []llm.Message{
			{Role: llm.System, Parts: []llm.Part{{Kind: llm.PartText, Text: "Be brief."}}},
			{Role: llm.User, Parts: []llm.Part{
				{Kind: llm.PartText, Text: "See"},
				{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "+/8="}},
				{Kind: llm.PartVideo, Media: &llm.Blob{URL: "https://youtu.be/x"}},
				{Kind: llm.PartFile, Media: &llm.Blob{Type: "application/pdf", FileID: "gs://b/a.pdf", Name: "a"}},
			}},
			{Role: llm.Assistant, Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "Hm", Seal: llm.Seal{By: "google", Form: llm.SealSignature, Data: "c2ln"}},
				{Kind: llm.PartCall, ID: "x", Name: "look", Args: `{"at":  "sky"}`},
				{Kind: llm.PartCall, By: llm.ByServer, ID: "made", Name: "code_execution", Args: `{"language": "PYTHON", "code": "1"}`, Raw: raw(code)},
				{Kind: llm.PartResult, By: llm.ByServer, ID: "made", Name: "code_execution", Failed: true, Raw: raw(`{"codeExecutionResult": {"outcome": "OUTCOME_FAILED"}}`)},
			}},
			{Role: llm.User, Parts: []llm.Part{{
				Kind: llm.PartResult, ID: "x", Name: "look", Failed: true, Extra: llm.Extra{"functionResponse.scheduling": raw(`"SILENT"`)},
				Result: []llm.Part{{Kind: llm.PartText, Text: "dark"}, {Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "AAAA"}}},
			}}},
		},
		Tools: []llm.Tool{
			{
				Kind: llm.ToolFunction, Name: "look", Description: "Looks.", Schema: raw(`{"type":"object","properties":{"at":{"type":"string"}}}`),
				Raw: raw(`{"type": "OBJECT", "properties": {"at": {"type": "STRING"}}}`), Extra: llm.Extra{"behavior": raw(`"BLOCKING"`)},
			},
			{Kind: llm.ToolServer, Name: "googleSearch", Raw: raw(`{"googleSearch":{}}`)},
			{Kind: llm.ToolServer, Name: "urlContext", Raw: raw(`{"url_context":{}}`)},
		},
		Choice:    llm.ToolChoice{Mode: "any", Allowed: []string{"look", "see"}},
		Output:    llm.Output{Kind: "schema", Schema: raw(`{"type": "object"}`)},
		Sampling:  llm.Sampling{Temperature: "0.20", TopP: "0.9", TopK: "40", Frequency: "-0.1", Presence: "0.1", Seed: "7", Logprobs: true, TopLogprobs: 3},
		Reasoning: llm.Reasoning{Mode: "on", Budget: "1024", Show: ptr(true)},
		MaxOutput: 100, Stop: []string{"END"}, Answers: 2, Modalities: []string{"text", "audio"}, Tier: "flex",
		Voice:  llm.Voice{Name: "Kore", Extra: llm.Extra{"languageCode": raw(`"en-US"`)}},
		Safety: raw(`[{"category": 7, "threshold": 4}]`), Cache: llm.Cache{Ref: "cachedContents/c"},
		Extra: llm.Extra{
			"labels": raw(`{"a": "b"}`), "generationConfig.mediaResolution": raw(`"MEDIA_RESOLUTION_LOW"`), "toolConfig.retrievalConfig": raw(`{"languageCode": "en"}`),
		},
	}
	server := got.Messages[2].Parts[2:]
	if !made(server[0].ID) || server[1].ID != server[0].ID {
		t.Errorf("the code is %q, its result %q", server[0].ID, server[1].ID)
	}
	server[0].ID, server[1].ID = "made", "made"
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, at := range []struct{ got, want string }{
		{got.Messages[0].Path, "systemInstruction"},
		{got.Messages[1].Parts[1].Path, "contents[0].parts[1]"},
		{got.Messages[3].Parts[0].Result[0].Path, "contents[2].parts[0].functionResponse.response"},
		{got.Messages[3].Parts[0].Result[1].Path, "contents[2].parts[0].functionResponse.parts[0]"},
		{got.Tools[0].Path, "tools[0].functionDeclarations[0]"},
		{got.Tools[1].Path, "tools[0].googleSearch"},
	} {
		if at.got != at.want {
			t.Errorf("path %q, want %q", at.got, at.want)
		}
	}
}

// A request of the dialect goes back into it whole, in the first spelling of its names.
func TestRequestIdentity(t *testing.T) {
	for name, body := range map[string]string{
		"everything":    everything,
		"snake case":    `{"system_instruction":{"parts":{"text":"Be brief."}},"contents":{"parts":[{"inline_data":{"mime_type":"image/png","data":"AAAA"}},{"function_response":{"name":"f","response":{"a":1}}}]},"tools":{"function_declarations":[{"name":"f"}]},"generation_config":{"stop_sequences":["a"],"thinking_config":{"thinking_budget":-1,"include_thoughts":false}},"safety_settings":[],"cached_content":"c"}`,
		"odd places":    `{"contents":[{"role":"user","parts":[{},{"text":""},{"partMetadata":{"a":1}},{"text":"a","partMetadata":{"a":1}},{"thoughtSignature":"c2ln"},{"inlineData":{}},{"strange":true}],"odd":1}],"odd":{"a":[1, 2]},"generationConfig":{"odd":{"b":1},"a.b":1}}`,
		"responses":     `{"contents":[{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"a"}}},{"functionResponse":{"name":"f","response":{"output":{"a":1}}}},{"functionResponse":{"name":"f","response":{"output":[1]}}},{"functionResponse":{"name":"f","response":{"error":""}}},{"functionResponse":{"name":"f","response":{"error":{"a":1}}}},{"functionResponse":{"name":"f","response":{"error":"a","b":1}}},{"functionResponse":{"name":"f","response":{"output":null}}},{"functionResponse":{"name":"f","response":{"result":"a"}}},{"functionResponse":{"name":"f"}}]}]}`,
		"modes":         `{"contents":[],"toolConfig":{"functionCallingConfig":{"mode":"VALIDATED","streamFunctionCallArguments":true}}}`,
		"one function":  `{"contents":[],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}}`,
		"some of them":  `{"contents":[],"toolConfig":{"functionCallingConfig":{"mode":"VALIDATED","allowedFunctionNames":["f","g"]}}}`,
		"none":          `{"contents":[],"toolConfig":{"functionCallingConfig":{"mode":"NONE"}}}`,
		"enum":          `{"contents":[],"generationConfig":{"responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["a"]}}}`,
		"json":          `{"contents":[],"generationConfig":{"responseMimeType":"application/json"}}`,
		"old spelling":  `{"contents":[],"generationConfig":{"responseMimeType":"application/json","_responseJsonSchema":{"type":"object"}}}`,
		"both schemas":  `{"contents":[],"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":{"type":"object"},"responseSchema":{"type":"OBJECT"}}}`,
		"level":         `{"contents":[],"generationConfig":{"thinkingConfig":{"thinkingLevel":"HIGH"}}}`,
		"no thinking":   `{"contents":[],"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}}`,
		"several voice": `{"contents":[],"generationConfig":{"speechConfig":{"multiSpeakerVoiceConfig":{"speakerVoiceConfigs":[{"speaker":"A"}]}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			first := decodeRequest(t, callOf(body, false))
			call, lost := encodeRequest(t, first, llm.Facts{Model: "m"})
			if lost != nil {
				t.Errorf("lost %q", lost)
			}
			if d := cmp.Diff(first, decodeRequest(t, call), same); d != "" {
				t.Errorf("(-want +got):\n%s\n%s", d, call.Body)
			}
			if strings.Contains(string(call.Body), "gemcall_") {
				t.Errorf("an id that was made is written: %s", call.Body)
			}
		})
	}
}

// Both spellings of every name that has two say the same.
func TestSnakeCase(t *testing.T) {
	snaked := everything
	n := 0
	for name, other := range snakes {
		if other == name {
			t.Errorf("%s has one spelling", name)
		}
		if strings.Contains(snaked, `"`+name+`":`) {
			n++
		}
		snaked = strings.ReplaceAll(snaked, `"`+name+`":`, `"`+other+`":`)
	}
	if n < 30 {
		t.Errorf("only %d names are tried", n)
	}
	want, got := decodeRequest(t, callOf(everything, true)), decodeRequest(t, callOf(snaked, true))
	for _, req := range []*llm.Request{want, got} { // what is kept whole keeps its names
		for _, p := range req.Messages[2].Parts[2:4] {
			if p.Raw == nil {
				t.Error("a part of the provider's is not kept whole")
			}
		}
		req.Messages[2].Parts[2].Raw, req.Messages[2].Parts[3].Raw = nil, nil
		req.Messages[2].Parts[2].ID, req.Messages[2].Parts[3].ID = "", ""
	}
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("(-camel +snake):\n%s", d)
	}
	both := decodeRequest(t, callOf(`{"contents":[],"cachedContent":"a","cached_content":"b"}`, false))
	if both.Cache.Ref != "a" || string(both.Extra["cached_content"]) != `"b"` {
		t.Errorf("both spellings: %+v", both)
	}
	if null := decodeRequest(t, callOf(`{"contents":[],"cachedContent":null,"cached_content":"b"}`, false)); null.Cache.Ref != "b" {
		t.Errorf("one spelling is null: %+v", null)
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                                    "contents",
		`{"contents":7}`:                        "contents",
		`{"contents":[7]}`:                      "contents[0]",
		`{"contents":[{"role":"system"}]}`:      "contents[0].role",
		`{"contents":[{"parts":7}]}`:            "contents[0].parts",
		`{"contents":[{"parts":[7]}]}`:          "contents[0].parts[0]",
		`{"contents":[{"parts":[{"text":7}]}]}`: "contents[0].parts[0].text",
		`{"contents":[{"parts":[{"thought":"yes","text":"a"}]}]}`:                           "contents[0].parts[0].thought",
		`{"contents":[{"parts":[{"functionCall":7}]}]}`:                                     "contents[0].parts[0].functionCall",
		`{"contents":[{"parts":[{"functionCall":{"args":{}}}]}]}`:                           "contents[0].parts[0].functionCall.name",
		`{"contents":[{"parts":[{"functionCall":{"name":"f","args":[]}}]}]}`:                "contents[0].parts[0].functionCall.args",
		`{"contents":[{"parts":[{"functionResponse":{"name":"f","response":"a"}}]}]}`:       "contents[0].parts[0].functionResponse.response",
		`{"contents":[{"parts":[{"inlineData":{"data":7}}]}]}`:                              "contents[0].parts[0].inlineData.data",
		`{"contents":[],"systemInstruction":7}`:                                             "systemInstruction",
		`{"contents":[],"tools":7}`:                                                         "tools",
		`{"contents":[],"tools":[7]}`:                                                       "tools[0]",
		`{"contents":[],"tools":[{"functionDeclarations":7}]}`:                              "tools[0].functionDeclarations",
		`{"contents":[],"tools":[{"functionDeclarations":[{}]}]}`:                           "tools[0].functionDeclarations[0].name",
		`{"contents":[],"toolConfig":7}`:                                                    "toolConfig",
		`{"contents":[],"toolConfig":{"functionCallingConfig":7}}`:                          "toolConfig.functionCallingConfig",
		`{"contents":[],"toolConfig":{"functionCallingConfig":{"allowedFunctionNames":7}}}`: "toolConfig.functionCallingConfig.allowedFunctionNames",
		`{"contents":[],"generationConfig":{"temperature":"hot"}}`:                          "generationConfig.temperature",
		`{"contents":[],"generationConfig":{"stopSequences":7}}`:                            "generationConfig.stopSequences",
		`{"contents":[],"generationConfig":{"thinkingConfig":{"includeThoughts":7}}}`:       "generationConfig.thinkingConfig.includeThoughts",
		`{"contents":[],"cachedContent":7}`:                                                 "cachedContent",
	} {
		_, err := codec{}.DecodeRequest(callOf(body, false))
		if err == nil {
			t.Errorf("%s is read", body)
			continue
		}
		if got := refused(t, err, fault.Malformed); got != want {
			t.Errorf("%s: refused for %q, want %q", body, got, want)
		}
	}
}

// Ids that calls came without are made of what was said before: the same in every later request, and another one where
// anything differs.
func TestIDsOfHistory(t *testing.T) {
	const (
		ask  = `{"role":"user","parts":[{"text":"Do"}]}`
		call = `{"role":"model","parts":[{"functionCall":{"name":"a","args":{"n":1}}},{"functionCall":{"name":"b"}},{"functionCall":{"name":"a","args":{"n":1}}}]}`
		done = `{"role":"user","parts":[{"functionResponse":{"name":"b","response":{"output":"B"}}},{"functionResponse":{"name":"a","response":{"output":"A1"}}},{"functionResponse":{"name":"a","response":{"output":"A2"}}},{"functionResponse":{"name":"c","response":{}}}]}`
	)
	ids := func(turns ...string) []string {
		var out []string
		for _, m := range decodeRequest(t, callOf(`{"contents":[`+strings.Join(turns, ",")+`]}`, false)).Messages {
			for _, p := range m.Parts {
				if p.ID != "" {
					out = append(out, p.ID)
				}
			}
		}
		return out
	}
	got := ids(ask, call, done)
	if len(got) != 7 {
		t.Fatalf("ids %q", got)
	}
	for i, id := range got {
		if !made(id) {
			t.Errorf("id %q is not one of ours", id)
		}
		for j, other := range got[:i] {
			pair := i == 3 && j == 1 || i == 4 && j == 0 || i == 5 && j == 2
			if (id == other) != pair {
				t.Errorf("ids %d and %d are %q and %q", j, i, other, id)
			}
		}
	}
	if d := cmp.Diff(got[:3], ids(ask, call)); d != "" {
		t.Errorf("the ids change while the conversation grows:\n%s", d)
	}
	if other := ids(strings.Replace(ask, "Do", "Go", 1), call); other[0] == got[0] {
		t.Error("another conversation has the same ids")
	}
	// A response that names its call, and one that does not though its call has an id.
	mixed := ids(ask, `{"role":"model","parts":[{"functionCall":{"name":"a","id":"x"}},{"functionCall":{"name":"a","id":"y"}}]}`,
		`{"role":"user","parts":[{"functionResponse":{"name":"a","response":{}}},{"functionResponse":{"name":"a","id":"x","response":{}}}]}`)
	if d := cmp.Diff([]string{"x", "y", "y", "x"}, mixed); d != "" {
		t.Errorf("mixed ids:\n%s", d)
	}
	// A response that names its call otherwise than the call, which has no id, does.
	renamed := ids(ask, `{"role":"model","parts":[{"functionCall":{"name":"a"}},{"functionCall":{"name":"b"}}]}`, `{"role":"user","parts":[{"functionResponse":{"name":"b","id":"z","response":{}}}]}`)
	if len(renamed) != 3 || renamed[2] != renamed[1] {
		t.Errorf("renamed: %q", renamed)
	}
	// SDKs keep the pieces of a streamed turn apart.
	pieces := ids(ask, `{"role":"model","parts":[{"functionCall":{"name":"a"}}]}`, `{"role":"model","parts":[{"functionCall":{"name":"b"}}]}`, `{"role":"model","parts":[{"text":""}]}`,
		`{"role":"user","parts":[{"functionResponse":{"name":"b","response":{}}}]}`, `{"role":"user","parts":[{"functionResponse":{"name":"a","response":{}}}]}`)
	if len(pieces) != 4 || pieces[2] != pieces[1] || pieces[3] != pieces[0] {
		t.Errorf("pieces: %q", pieces)
	}
}

func TestJSONSchema(t *testing.T) {
	for in, want := range map[string]string{
		`{"type": "object", "properties": {"a": {"type": ["string", "null"]}}}`:                                                                                `{"type": "object", "properties": {"a": {"type": ["string", "null"]}}}`,
		`{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true,"description":"D"},"TYPE":{"type":"INTEGER","nullable":false}},"required":["a"]}`: `{"type":"object","properties":{"a":{"type":["string","null"],"description":"D"},"TYPE":{"type":"integer"}},"required":["a"]}`,
		`{"type":5,"items":{"type":"NUMBER"},"minItems":"2","max_items":3}`:                                                                                    `{"type":"array","items":{"type":"number"},"minItems":2,"maxItems":3}`,
		`{"nullable":true,"any_of":[{"type":"STRING"},{"type":"TYPE_UNSPECIFIED"}]}`:                                                                           `{"anyOf":[{"type":"string"},{},{"type":"null"}]}`,
		`{"type":"STRING","format":"enum","enum":["A","B"],"default":{"type":"STRING"}}`:                                                                       `{"type":"string","format":"enum","enum":["A","B"],"default":{"type":"STRING"}}`,
		`true`: `true`,
	} {
		if got := string(jsonSchema([]byte(in))); got != want {
			t.Errorf("%s\ngives %s\nwant  %s", in, got, want)
		}
	}
}
