package gemini

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/llm"
)

const answer = `{
  "candidates": [
    {"content": {"parts": [{"text": "Hm", "thought": true}, {"text": "It is blü. So it is.", "thoughtSignature": "c2ln"}, {"functionCall": {"name": "look", "args": {
      "at": "sky"
    }}}, {"functionCall": {"id": "x", "name": "now"}}], "role": "model"}, "finishReason": "STOP", "index": 0, "avgLogprobs": -0.5,
     "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}, {"web": {"uri": "https://b"}}, {"retrievedContext": {"uri": "u", "title": "C", "text": "blue", "fileSearchStore": "s"}}],
      "groundingSupports": [{"segment": {"endIndex": 11}, "groundingChunkIndices": [0, 2]}, {"segment": {"startIndex": 12, "endIndex": 21}, "groundingChunkIndices": [0]}, {"segment": {"endIndex": 21}, "groundingChunkIndices": [0]}], "webSearchQueries": ["q"]},
     "citationMetadata": {"citationSources": [{"startIndex": 6, "endIndex": 10, "uri": "https://c", "license": "mit"}]}},
    {"content": {"parts": [{"text": "two"}], "role": "model"}, "finishReason": 2, "finishMessage": "Enough.", "index": 1}],
  "usageMetadata": {"promptTokenCount": 10, "toolUsePromptTokenCount": 5, "cachedContentTokenCount": 4, "candidatesTokenCount": 7, "thoughtsTokenCount": 3, "totalTokenCount": 25,
   "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}, {"modality": 4, "tokenCount": 6}], "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 7}], "serviceTier": "standard", "trafficType": "ON_DEMAND"},
  "modelVersion": "gemini-x", "responseId": "r1", "createTime": "2026-01-02T03:04:05.678Z", "promptFeedback": {"safetyRatings": []}
}`

func TestDecodeResponse(t *testing.T) {
	got := decodeResponse(t, answer)
	seal := llm.Seal{By: "google", Form: llm.SealSignature, Data: "c2ln"}
	want := &llm.Response{
		From: llm.GeminiGenerate, ID: "r1", Model: "gemini-x", Created: "1767323045", Tier: "standard",
		Choices: []llm.Choice{
			{
				Parts: []llm.Part{
					{Kind: llm.PartReasoning, Text: "Hm"},
					{Kind: llm.PartText, Text: "It is blü. So it is.", Seal: seal, Cites: []llm.Cite{
						{Kind: "url", URL: "https://a", Title: "A", End: 11},
						{Kind: "document", URL: "u", Title: "C", Quote: "blue", End: 11, Extra: llm.Extra{"fileSearchStore": raw(`"s"`)}},
						{Kind: "url", URL: "https://a", Title: "A", Start: 12, End: 21},
						{Kind: "url", URL: "https://a", Title: "A"},
						{Kind: "url", URL: "https://c", Start: 6, End: 10, Extra: llm.Extra{"citationSources": raw(`{"license":"mit"}`)}},
					}},
					{Kind: llm.PartCall, ID: "made", Name: "look", Args: `{"at":"sky"}`},
					{Kind: llm.PartCall, ID: "x", Name: "now"},
				},
				Stop:  llm.Stop{Reason: llm.StopCalls, Native: "STOP"},
				Extra: llm.Extra{"avgLogprobs": raw("-0.5"), "groundingMetadata": raw(`{"groundingChunks":[{"web":{"uri":"https://b"}}],"webSearchQueries":["q"]}`)},
			},
			{Parts: []llm.Part{{Kind: llm.PartText, Text: "two"}}, Stop: llm.Stop{Reason: llm.StopLength, Native: "MAX_TOKENS", Detail: "Enough."}},
		},
		Usage: &llm.Usage{
			Said: llm.SaidInput | llm.SaidToolInput | llm.SaidCacheRead | llm.SaidOutput | llm.SaidReasoning | llm.SaidTotal |
				llm.SaidInputAudio | llm.SaidInputImage | llm.SaidOutputAudio | llm.SaidOutputImage,
			Input: 15, ToolInput: 5, CacheRead: 4, Output: 10, Reasoning: 3, Total: 25, InputAudio: 6, Tier: "standard", Extra: llm.Extra{"trafficType": raw(`"ON_DEMAND"`)},
		},
		Extra: llm.Extra{"promptFeedback": raw(`{"safetyRatings": []}`)},
	}
	id := got.Choices[0].Parts[2].ID
	if !made(id) || id != decodeResponse(t, answer).Choices[0].Parts[2].ID || id == decodeResponse(t, strings.Replace(answer, `"r1"`, `"r2"`, 1)).Choices[0].Parts[2].ID {
		t.Errorf("id %q", id)
	}
	got.Choices[0].Parts[2].ID = "made"
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAnswerIdentity(t *testing.T) {
	for name, body := range map[string]string{
		"everything":             answer,
		"nothing":                `{}`,
		"no parts":               `{"candidates":[{"content":{"role":"model"},"finishReason":"MAX_TOKENS"}]}`,
		"no content":             `{"candidates":[{"finishReason":"SAFETY","safetyRatings":[{"blocked":true}]}]}`,
		"no id":                  `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1}}},{"functionCall":{"name":"f","args":{"a":1}}}]}}]}`,
		"unknown reason":         `{"candidates":[{"finishReason":"BRAND_NEW"}]}`,
		"unspecified reason":     `{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"FINISH_REASON_UNSPECIFIED"}]}`,
		"parts of all kinds":     `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"audio/L16","data":"AAAA"}},{"fileData":{"fileUri":"https://x"}},{"executableCode":{"id":"c","code":"1"},"thoughtSignature":"c2ln"},{"codeExecutionResult":{"id":"c","outcome":"OUTCOME_OK"}},{"toolCall":{"toolType":"FILE_SEARCH"}},{"toolResponse":{"toolType":"FILE_SEARCH"}},{"functionResponse":{"name":"f"}},{"odd":1},{"text":"a","odd":1},{"functionCall":7},{"text":"","thoughtSignature":"c2ln"}],"odd":1},"odd":1}],"odd":1}`,
		"citations out of range": `{"candidates":[{"content":{"parts":[{"text":"abc"}]},"groundingMetadata":{"groundingChunks":[{"web":{"uri":"a"}}],"groundingSupports":[{"segment":{"endIndex":9},"groundingChunkIndices":[0]}]}}]}`,
		"citations of nothing":   `{"candidates":[{"content":{"parts":[{"text":"abc"}]},"groundingMetadata":{"groundingChunks":[{"web":{"uri":"a"}}],"groundingSupports":[{"segment":{"endIndex":3},"groundingChunkIndices":[1]}]},"citationMetadata":{"citationSources":[{"endIndex":3}]}}]}`,
		"citations at Vertex":    `{"candidates":[{"content":{"parts":[{"text":"abc"}]},"citationMetadata":{"citations":[{"endIndex":2,"uri":"https://a","title":"A"}]}}]}`,
		"citations of maps":      `{"candidates":[{"content":{"parts":[{"text":"abc"}]},"groundingMetadata":{"groundingChunks":[{"maps":{"uri":"https://a","title":"A","placeId":"p"}},{"image":{"sourceUri":"https://b"}}],"groundingSupports":[{"segment":{"endIndex":2},"groundingChunkIndices":[0,1],"confidenceScores":[0.5,0.25]}]}}]}`,
		"citations over parts":   `{"candidates":[{"content":{"parts":[{"text":"abc"},{"text":"x","thought":true},{"text":"def"}]},"groundingMetadata":{"groundingChunks":[{"web":{"uri":"a"}}],"groundingSupports":[{"segment":{"startIndex":2,"endIndex":5},"groundingChunkIndices":[0]}]}}]}`,
		"unknown sources":        `{"candidates":[{"content":{"parts":[{"text":"abc"}]},"groundingMetadata":{"groundingChunks":[{"odd":{"uri":"a"}}],"groundingSupports":[{"segment":{"endIndex":2},"groundingChunkIndices":[0]}]}}]}`,
		"log probabilities":      `{"candidates":[{"content":{"parts":[{"text":"ab"}]},"logprobsResult":{"chosenCandidates":[{"token":"a","logProbability":-0.10,"tokenId":3},{"token":"b"}],"topCandidates":[{"candidates":[{"token":"a"},{"token":"c","logProbability":-2}]},{}],"logProbabilitySum":-1}}]}`,
		"probabilities of none":  `{"candidates":[{"content":{"parts":[]},"logprobsResult":{"chosenCandidates":[{"token":"a"}]}}]}`,
		"usage of other media":   `{"usageMetadata":{"promptTokenCount":10,"promptTokensDetails":[{"modality":"VIDEO","tokenCount":7},{"modality":"AUDIO","tokenCount":3}],"candidatesTokenCount":9,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":5}]}}`,
		"usage without a prompt": `{"usageMetadata":{"thoughtsTokenCount":4,"totalTokenCount":4}}`,
		"blocked":                `{"promptFeedback":{"blockReason":4,"blockReasonMessage":"No.","safetyRatings":[]}}`,
		"odd time":               `{"createTime":"soon"}`,
	} {
		t.Run(name, func(t *testing.T) {
			first := decodeResponse(t, body)
			out, lost := encodeResponse(t, first)
			if lost != nil {
				t.Errorf("lost %q", lost)
			}
			if d := cmp.Diff(first, decodeResponse(t, out), same); d != "" {
				t.Errorf("(-want +got):\n%s\n%s", d, out)
			}
			if strings.Contains(out, madeID) {
				t.Errorf("an id that was made is written: %s", out)
			}
		})
	}
}

func TestDecodeUsage(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     llm.Usage
	}{
		{
			"a modality that is not told", `{"candidatesTokenCount":1216,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1120}]}`,
			llm.Usage{Said: llm.SaidOutput | llm.SaidOutputAudio | llm.SaidOutputImage, Output: 1216, OutputImage: 1120, Extra: llm.Extra{"candidatesTokensDetails": raw(`[{"modality":"IMAGE","tokenCount":1120}]`)}},
		},
		{
			"modalities without a count here", `{"promptTokenCount":10,"promptTokensDetails":[{"modality":"VIDEO","tokenCount":8},{"modality":"AUDIO","tokenCount":2}]}`,
			llm.Usage{Said: llm.SaidInput | llm.SaidInputAudio | llm.SaidInputImage, Input: 10, InputAudio: 2, Extra: llm.Extra{"promptTokensDetails": raw(`[{"modality":"VIDEO","tokenCount":8},{"modality":"AUDIO","tokenCount":2}]`)}},
		},
		{"only thoughts", `{"thoughtsTokenCount":4,"totalTokenCount":4}`, llm.Usage{Said: llm.SaidOutput | llm.SaidReasoning | llm.SaidTotal, Output: 4, Reasoning: 4, Total: 4}},
		{"counts as texts", `{"promptTokenCount":"3","candidatesTokenCount":-1}`, llm.Usage{Said: llm.SaidInput, Input: 3}},
		{"an old word for a tier", `{"serviceTier":"SERVICE_TIER_PRIORITY"}`, llm.Usage{Tier: "priority"}},
	} {
		var c counts
		if !c.take([]byte(tc.in)) || c.take([]byte(tc.in)) {
			t.Errorf("%s: what is new is not told apart", tc.name)
		}
		if d := cmp.Diff(tc.want, c.usage(), same); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestDecodeLogprobs(t *testing.T) {
	got := decodeResponse(t, `{"candidates":[{"content":{"parts":[{"text":"ab"}]},"logprobsResult":{"chosenCandidates":[{"token":"a","logProbability":-0.10,"tokenId":3},{"token":"b"}],"topCandidates":[{"candidates":[{"token":"a"},{"token":"c","logProbability":-2}]},{}],"logProbabilitySum":-1}}]}`).Choices[0]
	want := []llm.Logprob{
		{Token: "a", Logprob: "-0.10", Extra: llm.Extra{"tokenId": raw("3")}, Top: []llm.Logprob{{Token: "a"}, {Token: "c", Logprob: "-2"}}}, {Token: "b"},
	}
	if d := cmp.Diff(want, got.Parts[0].Logprobs, same); d != "" || string(got.Extra["logprobsResult"]) != `{"logProbabilitySum":-1}` {
		t.Errorf("rest %s (-want +got):\n%s", got.Extra["logprobsResult"], d)
	}
}

func TestStops(t *testing.T) {
	for word, want := range map[string]llm.StopReason{
		`"STOP"`: llm.StopEnd, `"MAX_TOKENS"`: llm.StopLength, `"SAFETY"`: llm.StopFilter, `"RECITATION"`: llm.StopFilter, `"SPII"`: llm.StopFilter, `"IMAGE_SAFETY"`: llm.StopFilter,
		`"MALFORMED_FUNCTION_CALL"`: llm.StopMalformed, `"UNEXPECTED_TOOL_CALL"`: llm.StopMalformed, `"OTHER"`: llm.StopError, `"CONTINUATION"`: llm.StopPause, `"NEW"`: llm.StopEnd,
		`1`: llm.StopEnd, `3`: llm.StopFilter, `10`: llm.StopMalformed, `0`: "", `99`: "", `null`: "",
	} {
		if got := decodeResponse(t, `{"candidates":[{"finishReason":`+word+`}]}`).Choices[0].Stop.Reason; got != want {
			t.Errorf("%s is %q, want %q", word, got, want)
		}
	}
	call := llm.Part{Kind: llm.PartCall, ID: "x", Name: "f"}
	refusal := llm.Part{Kind: llm.PartRefusal, Text: "no"}
	for _, tc := range []struct {
		stop llm.Stop
		part llm.Part
		want string
		lost []string
	}{
		{llm.Stop{Reason: llm.StopEnd}, llm.Part{Kind: llm.PartText, Text: "a"}, "STOP", nil},
		{llm.Stop{}, llm.Part{Kind: llm.PartText, Text: "a"}, "STOP", nil},
		{llm.Stop{Reason: llm.StopCalls}, call, "STOP", nil},
		{llm.Stop{Reason: llm.StopCalls}, llm.Part{Kind: llm.PartText, Text: "a"}, "STOP", []string{"changed answer.stop"}},
		{llm.Stop{Reason: llm.StopEnd}, call, "STOP", []string{"changed answer.stop"}},
		{llm.Stop{Reason: llm.StopSequence, Sequence: "END"}, llm.Part{Kind: llm.PartText, Text: "a"}, "STOP", []string{"changed answer.stop_sequence"}},
		{llm.Stop{Reason: llm.StopLength}, call, "MAX_TOKENS", nil},
		{llm.Stop{Reason: llm.StopContext}, call, "MAX_TOKENS", []string{"changed answer.stop"}},
		{llm.Stop{Reason: llm.StopFilter}, call, "SAFETY", nil},
		{llm.Stop{Reason: llm.StopRefusal}, refusal, "STOP", []string{"changed answer.refusal", "changed answer.stop"}},
		{llm.Stop{Reason: llm.StopRefusal, Raw: raw("{}")}, call, "SAFETY", []string{"changed answer.stop", "dropped answer.stop_details"}},
		{llm.Stop{Reason: llm.StopPause}, call, "STOP", []string{"changed answer.stop"}},
		{llm.Stop{Reason: llm.StopMalformed}, call, "MALFORMED_FUNCTION_CALL", nil},
		{llm.Stop{Reason: llm.StopError}, call, "OTHER", nil},
	} {
		body, lost := encodeResponse(t, &llm.Response{From: llm.OpenAIChat, Choices: []llm.Choice{{Parts: []llm.Part{tc.part}, Stop: tc.stop}}})
		if !strings.Contains(body, `"finishReason":"`+tc.want+`"`) || !cmp.Equal(tc.lost, lost) {
			t.Errorf("%+v: %s, lost %q", tc.stop, body, lost)
		}
	}
}

func TestDecodeResponseRefuses(t *testing.T) {
	for body, want := range map[string]fault.Kind{
		`no`: fault.Upstream, `"a"`: fault.Upstream, `{"error":{"code":503,"status":"UNAVAILABLE","message":"busy"}}`: fault.Overloaded,
		`[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]`: fault.RateLimit, `{"candidates":[{"index":4000}]}`: fault.Upstream, `{"candidates":[{"index":-1}]}`: fault.Upstream,
		`[{"candidates":[]}]`: fault.Cut,
	} {
		if _, err := (codec{}).DecodeResponse([]byte(body)); fault.Of(err) == nil || fault.Of(err).Kind != want {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, _, err := (codec{}).EncodeResponse(nil, &llm.Response{Fault: fault.New(fault.Overloaded, "busy")}); fault.Of(err).Kind != fault.Overloaded {
		t.Errorf("an answer that is a fault: %v", err)
	}
}

// A foreign answer as Google's SDKs read it.
func TestEncodeResponse(t *testing.T) {
	resp := &llm.Response{
		From: llm.AnthropicMessages, ID: "msg", Model: "claude", Created: "1767323045", Tier: "standard",
		Choices: []llm.Choice{{Stop: llm.Stop{Reason: llm.StopCalls}, Parts: []llm.Part{
			{Kind: llm.PartReasoning, Text: "Hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "c2ln"}},
			{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "ZW5j"}},
			{Kind: llm.PartText, Text: "Blü.", Cites: []llm.Cite{{Kind: "url", URL: "https://a", Title: "A"}, {Kind: "document", Title: "B", Quote: "q", Start: 0, End: 3}}},
			{Kind: llm.PartText},
			{Kind: llm.PartCall, ID: "toolu_1", Name: "f", Args: ""},
			{Kind: llm.PartCall, ID: "toolu_2", Name: "g", Args: `{"a": 1}`},
			{Kind: llm.PartCall, By: llm.ByServer, ID: "s"},
			{Kind: llm.PartOpaque, Raw: raw("{}")},
		}}},
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput | llm.SaidCacheRead | llm.SaidReasoning | llm.SaidCacheWrite | llm.SaidOutputAudio, Input: 10, CacheRead: 4, CacheWrite: 2, Output: 8, Reasoning: 3, OutputAudio: 1},
		Extra: llm.Extra{"odd": raw("1"), "zero": raw("0")},
	}
	got, lost := encodeResponse(t, resp)
	want := `{"candidates":[{"content":{"parts":[` +
		`{"text":"Hm","thought":true,"thoughtSignature":"d3IxLnMuYW50aHJvcGljLmMybG4="},` +
		`{"text":"","thought":true,"thoughtSignature":"d3IxLmUuYW50aHJvcGljLlpXNWo="},` +
		`{"text":"Blü."},{"functionCall":{"id":"toolu_1","name":"f","args":{}},"thoughtSignature":"d3IxLnMuYWJzZW50Li0="},{"functionCall":{"id":"toolu_2","name":"g","args":{"a": 1}}}],"role":"model"},` +
		`"finishReason":"STOP","index":0,"groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a","title":"A"}},{"retrievedContext":{"title":"B","text":"q"}}],` +
		`"groundingSupports":[{"segment":{"endIndex":5,"text":"Blü."},"groundingChunkIndices":[0]},{"segment":{"endIndex":3,"text":"Bl�"},"groundingChunkIndices":[1]}]}}],` +
		`"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":5,"thoughtsTokenCount":3,"totalTokenCount":18,` +
		`"candidatesTokensDetails":[{"modality":"TEXT","tokenCount":4},{"modality":"AUDIO","tokenCount":1}],"serviceTier":"standard"},` +
		`"modelVersion":"claude","responseId":"msg","createTime":"2026-01-02T03:04:05Z"}`
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"dropped answer.server_tools", "dropped answer.opaque", "dropped answer.usage.cache_write", "dropped answer.odd"}, lost); d != "" {
		t.Errorf("losses (-want +got):\n%s", d)
	}
	back := decodeResponse(t, got)
	if parts := back.Choices[0].Parts; parts[0].Seal != resp.Choices[0].Parts[0].Seal || parts[1].Seal != resp.Choices[0].Parts[1].Seal || parts[3].Seal != (llm.Seal{}) {
		t.Errorf("seals come back as %+v", parts)
	}
}

func TestSealText(t *testing.T) {
	for _, s := range []llm.Seal{
		{By: "google", Form: llm.SealSignature, Data: "CvIFAdH+/=="},
		{By: "google", Form: llm.SealSignature, Data: "wr1.odd"},
		{By: "google", Form: llm.SealEncrypted, Data: "abc"},
		{By: "anthropic", Form: llm.SealSignature, Data: "Er+/8=="},
		{By: "openai", Form: llm.SealEncrypted, Data: strings.Repeat("gAAAA?>", 99)},
	} {
		text := sealText(s)
		if s.By == "google" && s.Form == llm.SealSignature && !strings.HasPrefix(s.Data, "wr1") && text != s.Data {
			t.Errorf("%+v is written as %q", s, text)
		}
		for _, form := range []string{text, strings.NewReplacer("+", "-", "/", "_").Replace(text), strings.TrimRight(text, "=")} {
			if s.By == "google" && form != text {
				continue // who changes a native one changes it
			}
			if got := readSeal(form); got != s {
				t.Errorf("%+v is written as %q and read as %+v", s, form, got)
			}
		}
	}
	if got := readSeal("d3IxLg"); got != (llm.Seal{By: "google", Form: llm.SealSignature, Data: "d3IxLg"}) {
		t.Errorf("a tag alone is %+v", got)
	}
	if got := readSeal(sealText(unsealed)); got != (llm.Seal{}) {
		t.Errorf("the mark is read as %+v", got)
	}
}
