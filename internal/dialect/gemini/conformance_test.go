package gemini_test

import (
	"bytes"
	"fmt"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/gemini"
	"weir/internal/dialect/openaichat"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func TestConformance(t *testing.T) {
	dialecttest.Run(t, gemini.New(), dialecttest.Sample{
		Requests: []string{
			`{"contents":[{"parts":[{"text":"Hello"}]}]}`,
			`{"systemInstruction":{"role":"system","parts":[{"text":"Be brief."}]},"contents":[
			{"role":"user","parts":[{"text":"See"},{"inlineData":{"mimeType":"image/png","data":"AAAA"},"mediaResolution":{"level":"MEDIA_RESOLUTION_HIGH"}},
			{"fileData":{"mimeType":"video/mp4","fileUri":"https://generativelanguage.googleapis.com/v1beta/files/a1"},"videoMetadata":{"fps": 2}}]},
			{"role":"model","parts":[{"text":"Hm","thought":true},{"functionCall":{"name":"look","args":{"at": "sky"}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"x1","name":"look","args":{}}}]},
			{"role":"user","parts":[{"functionResponse":{"name":"look","response":{"output":"blue"}}},
			{"functionResponse":{"id":"x1","name":"look","response":{"error":"dark","code":7},"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}],"willContinue":false}}]}],
			"tools":[{"functionDeclarations":[{"name":"look","description":"Looks.","parameters":{"type":"OBJECT","properties":{"at":{"type":"STRING","nullable":true}}}},
			{"name":"now","parametersJsonSchema":{"type":"object"},"behavior":"BLOCKING"}]},{"googleSearch":{}},{"codeExecution":{}}],
			"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["look"]},"retrievalConfig":{"languageCode":"en"}},
			"generationConfig":{"temperature":0.20,"topP":0.9,"topK":40,"maxOutputTokens":100,"candidateCount":2,"stopSequences":["END"],"seed":7,"presencePenalty":0.1,
			"frequencyPenalty":-0.1,"responseLogprobs":true,"logprobs":3,"responseMimeType":"application/json","responseSchema":{"type":"ARRAY","minItems":"2"},
			"responseModalities":["TEXT"],"speechConfig":{"languageCode":"en-US","voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"}}},
			"thinkingConfig":{"includeThoughts":true,"thinkingBudget":1024},"mediaResolution":"MEDIA_RESOLUTION_LOW"},
			"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}],"cachedContent":"cachedContents/c1","labels":{"team":"a"}}`,
			`{"system_instruction":{"parts":{"text":"Be brief."}},"contents":[{"role":"user","parts":[{"file_data":{"mime_type":"application/pdf","file_uri":"gs://b/a.pdf"}}]},
			{"role":"model","parts":[{"function_call":{"name":"now","args":{}},"thought_signature":"c2ln"}]},{"role":"function","parts":[{"function_response":{"name":"now","response":{}}}]}],
			"tools":[{"function_declarations":[{"name":"now","parameters_json_schema":{"type":"object"}}]},{"google_search":{}}],"tool_config":{"function_calling_config":{"mode":"VALIDATED"}},
			"generation_config":{"max_output_tokens":"7","thinking_config":{"thinking_level":"LOW"},"response_mime_type":"text/x.enum","response_schema":{"type":"STRING","enum":["a","b"]}}}`,
		},
		Answers: []string{
			`{"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"finishReason":"STOP","index":0,"avgLogprobs":-0.1}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":4,"promptTokensDetails":[{"modality":"TEXT","tokenCount":3}],"serviceTier":"standard"},"modelVersion":"m","responseId":"r1"}`,
			`{"candidates":[{"content":{"parts":[{"text":"Hm","thought":true},{"functionCall":{"name":"look","args":{"a": 1}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"now"}}],"role":"model"},"finishReason":"STOP","finishMessage":"Called."}],"usageMetadata":{"promptTokenCount":3,"thoughtsTokenCount":9,"candidatesTokenCount":5,"totalTokenCount":17,"trafficType":"ON_DEMAND"},"modelVersion":"m","responseId":"r2","createTime":"2026-01-02T03:04:05Z"}`,
			`{"candidates":[{"content":{"parts":[{"executableCode":{"language":"PYTHON","code":"print(1)"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}},{"text":"It is one. So it is."}],"role":"model"},"finishReason":1,
			"groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://example.org/a","title":"A","domain":"example.org"}},{"retrievedContext":{"text":"one","title":"B"}},{"web":{"uri":"https://example.org/c","title":"C"}}],
			"groundingSupports":[{"segment":{"endIndex":10,"text":"It is one."},"groundingChunkIndices":[0,1],"confidenceScores":[0.9,0.8]},{"segment":{"startIndex":11,"endIndex":20,"text":"So it is."},"groundingChunkIndices":[0]}],"webSearchQueries":["one"],"searchEntryPoint":{"renderedContent":"<p>"}},
			"citationMetadata":{"citationSources":[{"startIndex":3,"endIndex":9,"uri":"https://example.org/d","license":"mit"}]},"safetyRatings":[{"category":7,"probability":1}],
			"logprobsResult":{"chosenCandidates":[{"token":"It","tokenId":5,"logProbability":-0.10}],"topCandidates":[{"candidates":[{"token":"It","logProbability":-0.10}]}],"logProbabilitySum":-0.1}}],
			"usageMetadata":{"promptTokenCount":30,"toolUsePromptTokenCount":20,"candidatesTokenCount":12,"totalTokenCount":62,"cachedContentTokenCount":8,"promptTokensDetails":[{"modality":"TEXT","tokenCount":10},{"modality":"IMAGE","tokenCount":20}],"cacheTokensDetails":[{"modality":"TEXT","tokenCount":8}]},"modelVersion":"m","responseId":"r3"}`,
			`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT","blockReasonMessage":"No."},"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3},"modelVersion":"m","responseId":"r4"}`,
			`{"candidates":[{"content":{"parts":[{"toolCall":{"id":"t1","toolType":"GOOGLE_SEARCH_WEB","args":{"queries":["a"]}},"thoughtSignature":"c2ln"},{"toolResponse":{"id":"t1","toolType":"GOOGLE_SEARCH_WEB"}},{"inlineData":{"mimeType":"image/png","data":"AAAA"},"thought":true},{"newThing":{"a": 1}}],"role":"model"},"finishReason":"MAX_TOKENS","index":0},{"content":{"role":"model"},"finishReason":"SAFETY","index":1}],"modelVersion":"m","responseId":"r5"}`,
		},
		Streams:    streams,
		Faults:     faults,
		WellFormed: wellFormed,
	})
}

var streams = []string{
	"data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Grü\"}],\"role\": \"model\"},\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 3,\"totalTokenCount\": 3},\"modelVersion\": \"m\",\"responseId\": \"r1\"}\r\n\r\n" +
		"data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"ße\"}],\"role\": \"model\"},\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 3,\"candidatesTokenCount\": 2,\"totalTokenCount\": 5},\"modelVersion\": \"m\",\"responseId\": \"r1\"}\r\n\r\n" +
		"data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"\",\"thoughtSignature\": \"c2ln\"}],\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0,\"groundingMetadata\": {\"groundingChunks\": [{\"web\": {\"uri\": \"https://example.org\",\"title\": \"E\"}}],\"groundingSupports\": [{\"segment\": {\"startIndex\": 3,\"endIndex\": 7},\"groundingChunkIndices\": [0]}]}}],\"usageMetadata\": {\"promptTokenCount\": 3,\"candidatesTokenCount\": 2,\"totalTokenCount\": 5},\"modelVersion\": \"m\",\"responseId\": \"r1\"}\r\n\r\n",
	"[{\n  \"candidates\": [\n    {\n      \"content\": {\n        \"parts\": [\n          {\n            \"text\": \"Hm\",\n            \"thought\": true\n          }\n        ],\n        \"role\": \"model\"\n      },\n      \"index\": 0\n    }\n  ],\n  \"modelVersion\": \"m\",\n  \"responseId\": \"r2\"\n}\n,\r\n" +
		"{\n  \"candidates\": [\n    {\n      \"content\": {\n        \"parts\": [\n          {\n            \"functionCall\": {\n              \"name\": \"look\",\n              \"args\": {\n                \"at\": \"sky\"\n              }\n            },\n            \"thoughtSignature\": \"c2ln\"\n          }\n        ],\n        \"role\": \"model\"\n      },\n      \"finishReason\": 1,\n      \"index\": 0\n    }\n  ],\n  \"usageMetadata\": {\n    \"promptTokenCount\": 3,\n    \"candidatesTokenCount\": 2,\n    \"totalTokenCount\": 5\n  },\n  \"modelVersion\": \"m\",\n  \"responseId\": \"r2\"\n}\n]",
	"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"look\",\"willContinue\":true}}]}}],\"responseId\":\"r3\"}\n\n" +
		"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"partialArgs\":[{\"jsonPath\":\"$.at\",\"stringValue\":\"the \",\"willContinue\":true},{\"jsonPath\":\"$.n[1].deep\",\"numberValue\":2}],\"willContinue\":true}}]}}],\"responseId\":\"r3\"}\n\n" +
		"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"partialArgs\":[{\"jsonPath\":\"$.at\",\"stringValue\":\"sky\"}],\"willContinue\":true}}]}}],\"responseId\":\"r3\"}\n\n" +
		"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{}}]}}],\"responseId\":\"r3\"}\n\n" +
		"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2,\"totalTokenCount\":5},\"responseId\":\"r3\"}\n\n",
	"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"A\",\"thoughtSignature\":\"c2ln\"}]}}],\"responseId\":\"r4\"}\n\n" +
		"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"B\"},{\"executableCode\":{\"code\":\"1\"}},{\"text\":\"C\"}]}}],\"responseId\":\"r4\"}\n\n" +
		"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"two\"}]},\"index\":1,\"finishReason\":\"STOP\"},{\"finishReason\":\"MAX_TOKENS\",\"index\":0,\"safetyRatings\":[]}],\"usageMetadata\":{\"promptTokenCount\":3},\"responseId\":\"r4\"}\n\n",
	"data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":3,\"totalTokenCount\":3},\"responseId\":\"r5\"}\n\n",
}

var faults = map[string]fault.Kind{
	`{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8).","status":"INVALID_ARGUMENT"}}`:                     fault.ContextLength,
	`[{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED"}}]`:                                                                                  fault.RateLimit,
	`{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}`:                                                                             fault.Overloaded,
	`{"error":{"code":400,"message":"No.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}`: fault.UpstreamAuth,
}

// wellFormed checks what Google's SDKs rely on: every event holds an object on one line, every one a candidate with a
// role and with parts that are not empty, the last one says why each candidate ended.
func wellFormed(stream []byte) error {
	ended := map[string]bool{}
	seen := map[string]bool{}
	kind := llm.SSE
	if rawjson.Kind(stream) == '[' {
		kind = llm.Array
		if err := rawjson.Check(stream); err != nil {
			return fmt.Errorf("the array is not whole: %w", err)
		}
	}
	for f, err := range frame.Cut(kind, bytes.NewReader(stream), nil, 1<<24) {
		if err != nil {
			return err
		}
		if f.Data == nil && kind == llm.Array {
			continue
		}
		if kind == llm.SSE && (!bytes.HasPrefix(f.Raw, []byte("data: {")) || !bytes.HasSuffix(f.Raw, []byte("}\r\n\r\n")) || bytes.Count(f.Raw, []byte("\n")) != 2) {
			return fmt.Errorf("an event is not one line: %q", f.Raw)
		}
		if err := rawjson.Check(f.Data); err != nil {
			return fmt.Errorf("no JSON: %w: %s", err, f.Data)
		}
		n := 0
		for _, c := range rawjson.Elems(rawjson.Get(f.Data, "candidates")) {
			n++
			if rawjson.Text(rawjson.Get(c, "content", "role")) != "model" {
				return fmt.Errorf("a content without its role: %s", f.Data)
			}
			parts := 0
			for _, p := range rawjson.Elems(rawjson.Get(c, "content", "parts")) {
				parts++
				for range rawjson.Members(p) {
					parts += 100
				}
			}
			if parts < 100 || parts%100 != 1 {
				return fmt.Errorf("not one part: %s", f.Data)
			}
			at := string(rawjson.Get(c, "index"))
			seen[at] = true
			if ended[at] {
				return fmt.Errorf("candidate %s goes on after its end: %s", at, f.Data)
			}
			ended[at] = rawjson.Get(c, "finishReason") != nil
		}
		if n == 0 {
			return fmt.Errorf("no candidate: %s", f.Data)
		}
	}
	for at := range seen {
		if !ended[at] {
			return fmt.Errorf("candidate %s does not end", at)
		}
	}
	return nil
}

func TestRecordedIdentity(t *testing.T) { dialecttest.RecordedIdentity(t, gemini.New()) }

func TestRecordedTranslation(t *testing.T) {
	var table dialecttest.Rows
	for _, other := range []dialect.Dialect{openaichat.New(), anthropic.New()} {
		t.Run("from "+string(other.Name()), func(t *testing.T) {
			table = append(table, dialecttest.RecordedTranslation(t, other, gemini.New())...)
		})
		t.Run("to "+string(other.Name()), func(t *testing.T) {
			table = append(table, dialecttest.RecordedTranslation(t, gemini.New(), other)...)
		})
	}
	t.Logf("what comes through:\n%s", dialecttest.Table(table))
}
