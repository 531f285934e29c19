package sim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"weir/internal/sim"
)

const (
	geminiPath   = "/v1beta/models/sim-1:generateContent"
	geminiThinks = "/v1beta/models/sim-think:generateContent"
)

func geminiMessage(v map[string]any) string {
	if text(v, "error", "status") != "INVALID_ARGUMENT" || num(v, "error", "code") != 400 {
		return fmt.Sprintf("status %v", v["error"])
	}
	return text(v, "error", "message")
}

// TestStrictGemini: what Google refuses is refused, in its words.
func TestStrictGemini(t *testing.T) {
	r := start(t, &sim.Provider{})
	const (
		user   = `{"role":"user","parts":[{"text":"hi"}]}`
		ask    = `{"contents":[` + user + `]`
		with   = `{"contents":[`
		call   = `{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]}`
		two    = `{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}},{"functionCall":{"name":"g","args":{}}}]}`
		answer = `{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"result":"x"}}}]}`
		tool   = `,"tools":[{"functionDeclarations":[{"name":"f"`
		png    = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	)
	refused(r, geminiPath, geminiMessage, []refusedCase{
		{body: `{`, want: "Invalid JSON payload received."},
		{body: `{}`, want: "* GenerateContentRequest.contents: contents is not specified"},
		{body: ask + `,"foo":1}`, want: `Invalid JSON payload received. Unknown name "foo": Cannot find field.`},
		{body: ask + `,"generationConfig":{"max_tokens":5}}`, want: `Unknown name "max_tokens" at 'generation_config': Cannot find field.`},
		{body: with + `{"role":"user","parts":[{"text":"hi","cache_control":{}}]}]}`, want: `Unknown name "cache_control" at 'contents[0].parts[0]': Cannot find field.`},
		{body: with + `{"role":"user","content":"hi"}]}`, want: `Unknown name "content" at 'contents[0]': Cannot find field.`},
		{body: with + `{"role":"user","parts":[{"text":5}]}]}`, want: `Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5`},
		{body: ask + `,"generationConfig":{"temperature":"hot"}}`, want: `Invalid value at 'generation_config.temperature' (TYPE_FLOAT), "hot"`},
		{body: ask + `,"generationConfig":{"temperature":2.5}}`, want: "temperature must be in the range [0.0, 2.0]."},
		{body: ask + `,"generationConfig":{"maxOutputTokens":0}}`, want: "max_output_tokens must be positive"},
		{body: ask + `,"generationConfig":{"candidateCount":9}}`, want: "candidate_count must be in the range [1, 8]"},
		{body: ask + `,"generationConfig":{"stopSequences":["a","b","c","d","e","f"]}}`, want: "at most 5 stop sequences"},
		{body: ask + `,"generationConfig":{"logprobs":2}}`, want: "response_logprobs is true"},
		{body: ask + `,"generationConfig":{"responseModalities":["AUDIO"]}}`, want: "The requested combination of response modalities (AUDIO) is not supported by the model."},
		{body: ask + `,"generationConfig":{"responseMimeType":"text/html"}}`, want: "allowed mimetypes are"},
		{body: ask + `,"generationConfig":{"responseJsonSchema":{"type":"object"}}}`, want: "response_mime_type is `application/json`"},
		{body: ask + `,"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","additionalProperties":false}}}`, want: `Unknown name "additionalProperties" at 'generation_config.response_schema': Cannot find field.`},
		{body: ask + `,"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"ARRAY"}}}`, want: "response_schema.items: missing field."},
		{body: ask + `,"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"STRING"},"responseJsonSchema":{"type":"object"}}}`, want: "Only one of"},
		{body: ask + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":5,"thinkingLevel":"LOW"}}}`, want: "You can only set only one of thinking budget and thinking level."},
		{body: ask + `,"generationConfig":{"thinkingConfig":{"thinkingLevel":"EXTREME"}}}`, want: `Invalid value at 'generation_config.thinking_config.thinking_level' (type.googleapis.com/google.ai.generativelanguage.v1beta.ThinkingConfig.ThinkingLevel), "EXTREME"`},
		{body: ask + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":99999}}}`, want: "The thinking budget 99999 is invalid."},
		{body: with + `{"role":"assistant","parts":[{"text":"hi"}]}]}`, want: "Please use a valid role: user, model."},
		{body: with + `{"role":"system","parts":[{"text":"hi"}]},` + user + `]}`, want: "Please use a valid role: user, model."},
		{body: with + `{"role":"model","parts":[{"text":"hi"}]},` + user + `]}`, want: "begin with a user turn"},
		{body: with + `{"role":"user","parts":[]}]}`, want: "contents[0].parts: contents.parts must not be empty."},
		{body: with + `{"role":"user","parts":[{"text":""}]}]}`, want: "contents[0].parts[0].data: required oneof field 'data' must have one initialized field"},
		{body: with + `{"role":"user","parts":[{}]}]}`, want: "must have one initialized field"},
		{body: with + `{"role":"user","parts":[{"text":"a","inlineData":{"mimeType":"image/png","data":"` + png + `"}}]}]}`, want: "oneof field 'data' is already set"},
		{body: with + `{"role":"user","parts":[{"inlineData":{"data":"` + png + `"}}]}]}`, want: "mime_type: must not be empty"},
		{body: with + `{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"%%"}}]}]}`, want: "Base64 decoding failed"},
		{body: with + `{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"aGVsbG8="}}]}]}`, want: "Unable to process input image."},
		{body: with + `{"role":"user","parts":[{"inlineData":{"mimeType":"application/zip","data":"aGVsbG8="}}]}]}`, want: "Unsupported MIME type: application/zip"},
		{body: with + `{"role":"user","parts":[{"fileData":{"fileUri":"https://example.org/a.pdf","mimeType":"application/pdf"}}]}]}`, want: "Invalid or unsupported file uri: https://example.org/a.pdf"},
		{body: with + `{"role":"user","parts":[{"fileData":{"mimeType":"application/pdf"}}]}]}`, want: "file_uri: must not be empty"},
		{body: with + `{"role":"user","parts":[{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/abc"}}]}]}`, status: 403, want: "You do not have permission to access the File abc"},
		{body: with + user + `,` + call + `]}`, want: "the number of function response parts is equal to the number of function call parts"},
		{body: with + user + `,` + call + `,` + user + `]}`, want: "the number of function response parts is equal to the number of function call parts"},
		{body: with + user + `,` + two + `,` + answer + `]}`, want: "the number of function response parts is equal"},
		{body: with + user + `,` + call + `,` + strings.ReplaceAll(answer, `"f"`, `"g"`) + `]}`, want: "names and ids of the function call parts"},
		{body: with + user + `,` + strings.ReplaceAll(call, `"name"`, `"id":"1","name"`) + `,` + strings.ReplaceAll(answer, `"name"`, `"id":"2","name"`) + `]}`, want: "names and ids"},
		{body: with + user + `,` + answer + `]}`, want: "function response turn comes immediately after a function call turn"},
		{body: with + user + `,{"role":"model","parts":[{"text":"x"}]},` + call + `,` + answer + `]}`, want: "function call turn comes immediately after a user turn or after a function response turn"},
		{body: with + `{"role":"user","parts":[{"functionCall":{"name":"f","args":{}}}]}]}`, want: "function call parts are in a model turn"},
		{body: with + user + `,` + strings.ReplaceAll(call, `"args":{}`, `"args":"{}"`) + `,` + answer + `]}`, want: "Invalid value at 'contents[1].parts[0].function_call.args'"},
		{body: with + user + `,` + call + `,` + strings.ReplaceAll(answer, `{"result":"x"}`, `"x"`) + `]}`, want: "Invalid value at 'contents[2].parts[0].function_response.response'"},
		{body: with + user + `,` + call + `,{"role":"user","parts":[{"functionResponse":{"name":"f"}}]}]}`, want: "response is not specified"},
		{body: with + user + `,{"role":"model","parts":[{"text":"x","thoughtSignature":"c29tZXRoaW5nIGVsc2U="}]},` + user + `]}`, want: "Corrupted thought signature."},
		{body: ask + tool + `,"parameters":{"type":"object","$schema":"https://json-schema.org/draft/2020-12/schema"}}]}]}`, want: `Unknown name "$schema" at 'tools[0].function_declarations[0].parameters': Cannot find field.`},
		{body: ask + tool + `,"parameters":{"type":"object","properties":{"a":{"type":"object","additionalProperties":false}}}}]}]}`, want: `Unknown name "additionalProperties" at 'tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field.`},
		{body: ask + tool + `,"parameters":{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}}}}]}]}`, want: `Unknown name "$ref" at 'tools[0].function_declarations[0].parameters.properties[0].value'`},
		{body: ask + tool + `,"parameters":{"type":"object","properties":{"a":{"type":["string","null"]}}}}]}]}`, want: `Unknown name "type" at 'tools[0].function_declarations[0].parameters.properties[0].value': Proto field is not repeating, cannot start list.`},
		{body: ask + tool + `,"parameters":{"type":"object","properties":{"a":{"type":"string"}},"required":["b"]}}]}]}`, want: "parameters.required[0]: property is not defined"},
		{body: ask + tool + `,"parameters":{"type":"object","properties":{"a":{"type":"integer","enum":["1"]}}}}]}]}`, want: "parameters.properties[a].enum: only allowed for STRING type"},
		{body: ask + tool + `,"parameters":{"type":"object","properties":{"a":{"type":"integer","enum":[1]}}}}]}]}`, want: "Invalid value at 'tools[0].function_declarations[0].parameters.properties[0].value.enum[0]' (TYPE_STRING), 1"},
		{body: ask + tool + `,"parameters":{"type":"object","properties":{"a":{"type":"array"}}}}]}]}`, want: "properties[a].items: missing field."},
		{body: ask + tool + `,"parameters":{"type":"object"},"parametersJsonSchema":{"type":"object"}}]}]}`, want: "must not both be set"},
		{body: ask + tool + `,"strict":true}]}]}`, want: `Unknown name "strict" at 'tools[0].function_declarations[0]'`},
		{body: ask + tool + `},{"name":"f"}]}]}`, want: "Duplicate function declaration found: f"},
		{body: ask + `,"tools":[{"functionDeclarations":[{"name":"1f"}]}]}`, want: "Invalid function name. Must start with a letter or an underscore."},
		{body: ask + `,"tools":[{"type":"function","function":{"name":"f"}}]}`, want: `Unknown name "type" at 'tools[0]': Cannot find field.`},
		{body: ask + `,"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}`, want: "Function calling config is set without function_declarations."},
		{body: ask + tool + `}]}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO","allowedFunctionNames":["f"]}}}`, want: "only be set when the function calling mode is ANY"},
		{body: ask + tool + `}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["g"]}}}`, want: "g is not among the declared functions"},
		{body: ask + tool + `}]}],"toolConfig":{"functionCallingConfig":{"mode":"REQUIRED"}}}`, want: "Invalid value at 'tool_config.function_calling_config.mode'"},
	})
	for _, body := range []string{
		with + user + `,` + call + `,` + answer + `]}`,
		with + user + `,` + two + `,{"parts":[{"functionResponse":{"name":"g","response":{"a":1}}},{"function_response":{"name":"f","response":{"error":"no"}}}]},` + user + `]}`,
		with + user + `,{"role":"model","parts":[{"text":"x","thought":true},{"text":"y","thought_signature":"skip_thought_signature_validator"}]},` + user + `],"system_instruction":{"parts":{"text":"x"}}}`,
		ask + tool + `,"parametersJsonSchema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"additionalProperties":false,"$defs":{"a":{"type":["string","null"]}}}}]},{"googleSearch":{}}]}`,
		with + `{"parts":[{"inlineData":{"mimeType":"image/png","data":"` + png + `"}}]}]}`,
	} {
		r.ok(geminiPath, body)
	}
	refused(r, "/v1beta/models/sim-1:countTokens", geminiMessage, []refusedCase{
		{body: ask + `,"tools":[]}`, want: `Unknown name "tools": Cannot find field.`},
		{body: `{"generateContentRequest":{}}`, want: "contents is not specified"},
	})
	if n := r.ok("/v1beta/models/sim-1:countTokens", ask+`}`)["totalTokens"]; n != 9.0 {
		t.Errorf("totalTokens %v", n)
	}
	// In a stream that is an array, an error is one too.
	if res, got, _ := r.do("/v1beta/models/sim-1:streamGenerateContent", `{}`); res.StatusCode != 400 || !strings.HasPrefix(got, `[{"error":{`) || !strings.HasSuffix(got, `}]`) {
		t.Errorf("%d %s", res.StatusCode, got)
	}
	for path, status := range map[string]int{
		"/v1beta/models/none:generateContent": 404, "/v1beta/models/sim-1:predict": 404, "/v1beta/none": 404, "/v1beta/models/sim-embed:generateContent": 404,
	} {
		if res, got, _ := r.do(path, ask+`}`); res.StatusCode != status || text(decode(t, got), "error", "status") != "NOT_FOUND" {
			t.Errorf("%s: %d %s", path, res.StatusCode, got)
		}
	}
}

// TestThoughtSignatures: a model that thinks as the third Gemini does wants the signature of the first call of every
// step of the current turn back, where and as it was given.
func TestThoughtSignatures(t *testing.T) {
	r := start(t, &sim.Provider{})
	const tools = `,"tools":[{"functionDeclarations":[{"name":"get_weather","parametersJsonSchema":` + weatherSchema + `},{"name":"get_time","parametersJsonSchema":` + timeSchema + `}]}]`
	const user = `{"role":"user","parts":[{"text":"get_weather and get_time"}]}`
	a := r.ok(geminiThinks, `{"contents":[`+user+`]`+tools+`}`)
	parts := list(a, "candidates", 0, "content", "parts")
	if len(parts) != 3 || text(parts, 0, "thoughtSignature") != "" || text(parts, 1, "thoughtSignature") == "" || text(parts, 2, "thoughtSignature") != "" {
		t.Fatalf("%v", a)
	}
	const missing, corrupted = "Function call is missing a thought_signature in functionCall parts.", "Corrupted thought signature."
	first, second := parts[1].(map[string]any), parts[2].(map[string]any)
	signature := text(first, "thoughtSignature")
	try := func(why string, status int, want, tail string) {
		t.Helper()
		p, _ := json.Marshal(parts)
		body := fmt.Sprintf(`{"contents":[%s,{"role":"model","parts":%s},{"role":"user","parts":[{"functionResponse":{"name":"get_time","response":{"output":"noon"}}},{"functionResponse":{"name":"get_weather","response":{"output":"rain"}}}]}%s]%s}`, user, p, tail, tools)
		if res, got, _ := r.do(geminiThinks, body); res.StatusCode != status || !strings.Contains(got, want) {
			t.Errorf("%s: %d %s, want %d %s", why, res.StatusCode, got, status, want)
		}
	}
	try("as given", 200, "get_weather returned: “rain”", "")
	first["thoughtSignature"] = "skip_thought_signature_validator"
	try("skipped", 200, "get_weather returned: “rain”", "")
	first["thoughtSignature"] = signature[:20] + "AAAA" + signature[24:]
	try("altered", 400, corrupted, "")
	delete(first, "thoughtSignature")
	try("missing", 400, missing+" This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:get_weather` , position 2.", "")
	try("missing, but the turn is over", 200, "message 2", `,{"role":"model","parts":[{"text":"so"}]},{"role":"user","parts":[{"text":"and?"}]}`)
	second["thoughtSignature"] = signature
	try("on another call", 400, corrupted, "")
	first["thoughtSignature"] = signature
	try("on another call too", 400, corrupted, "")
	delete(second, "thoughtSignature")
	first["functionCall"].(map[string]any)["name"] = "get_time"
	second["functionCall"].(map[string]any)["name"] = "get_weather"
	try("on a call of another name", 400, corrupted, "")

	// A text's signature comes last, in a stream alone with an empty text.
	whole := r.ok(geminiThinks, `{"contents":[{"parts":[{"text":"hi"}]}]}`)
	if s := text(whole, "candidates", 0, "content", "parts", 0, "thoughtSignature"); s == "" {
		t.Errorf("%v", whole)
	}
	_, raw, _ := r.do("/v1beta/models/sim-think:streamGenerateContent?alt=sse", `{"contents":[{"parts":[{"text":"hi"}]}]}`)
	all := events(t, raw)
	last := decode(t, all[len(all)-1].data)
	if p := at(last, "candidates", 0, "content", "parts", 0); text(p, "thoughtSignature") == "" || at(p, "text") != "" {
		t.Errorf("%v", last)
	}
	if res, got, _ := r.do("/v1beta/models/sim-redacted:generateContent", `{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}`); res.StatusCode != 200 || strings.Contains(got, `"thought"`) {
		t.Errorf("%d %s", res.StatusCode, got)
	}
}
