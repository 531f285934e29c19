package converse

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// b64 is base64 of bytes that are no text.
var b64 = base64.StdEncoding.EncodeToString([]byte{0xFF, 0x00, 0x10})

var answer = `{"output":{"message":{"role":"assistant","content":[
 {"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"c2ln"}}},
 {"reasoningContent":{"redactedContent":"WkdGMFlRPT0="}},
 {"reasoningContent":{"redactedContent":"` + b64 + `"}},
 {"citationsContent":{"content":[{"text":"The sky is blue."}],"citations":[
   {"title":"T","sourceContent":[{"text":"a"}],"location":{"documentPage":{"documentIndex":1,"start":2,"end":3}}},
   {"title":"U","sourceContent":[{"text":"b"},{"text":"c"}],"location":{"documentChunk":{"documentIndex":0,"start":4,"end":5}}},
   {"location":{"documentChar":{"documentIndex":2,"start":6,"end":7}}},
   {"source":"s","title":"S","location":{"searchResultLocation":{"searchResultIndex":6,"start":0,"end":1}}},
   {"location":{"web":{"url":"https://e.x","domain":"e.x"}}},
   {"title":"W","location":{"dream":{"depth":7}}}]}},
 {"citationsContent":{"content":[{"text":"No "},{"text":"source."}],"citations":[]}},
 {"toolUse":{"toolUseId":"tooluse_1","name":"look","input":{"n":1.50},"caller":"me"}},
 {"toolUse":{"toolUseId":"tooluse_2","name":"nova_code","input":{},"type":"server_tool_use"}},
 {"toolResult":{"toolUseId":"tooluse_2","content":[{"json":{"out":7}}],"status":"success","type":"nova_code_result"}},
 {"image":{"format":"png","source":{"bytes":"iVBO"}}},
 {"image":{"format":"png","error":{"message":"broken"}}},
 {"hologram":{"depth":3}},
 {"text":""}]}},
 "stopReason":"stop_sequence","additionalModelResponseFields":{"stop_sequence":"END","logprobs":[1]},
 "usage":{"inputTokens":10,"outputTokens":20,"totalTokens":137,"cacheReadInputTokens":100,"cacheReadInputTokenCount":100,"cacheWriteInputTokens":7,"cacheWriteInputTokenCount":8,
   "cacheDetails":[{"ttl":"1h","inputTokens":3},{"ttl":"5m","inputTokens":4}],"serverToolUsage":{"naps":3}},
 "metrics":{"latencyMs":951},"trace":{"promptRouter":{"invokedModelId":"m"}},"performanceConfig":{"latency":"standard"},"serviceTier":{"type":"flex","reason":"cheap"}}`

func seal(data string) llm.Seal {
	return llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: data}
}

func TestDecodeResponse(t *testing.T) {
	want := &llm.Response{
		From: llm.BedrockConverse, Tier: "flex",
		Choices: []llm.Choice{{
			Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "Hm.", Seal: seal("c2ln")},
				{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "ZGF0YQ=="}},
				{Kind: llm.PartReasoning, Seal: llm.Seal{By: "bedrock", Form: llm.SealEncrypted, Data: b64}},
				{Kind: llm.PartText, Text: "The sky is blue.", Cites: []llm.Cite{
					{Kind: "document", Unit: "page", Quote: "a", Title: "T", Doc: 1, From: 2, To: 3},
					{Kind: "document", Unit: "block", Quote: "bc", Title: "U", From: 4, To: 5, Extra: llm.Extra{"sourceContent": raw(`[{"text":"b"},{"text":"c"}]`)}},
					{Kind: "document", Unit: "char", Doc: 2, From: 6, To: 7},
					{Kind: "search_result", Unit: "block", Doc: 6, Source: "s", Title: "S", To: 1},
					{Kind: "url", URL: "https://e.x", Extra: llm.Extra{"domain": raw(`"e.x"`)}},
					{Extra: llm.Extra{"title": raw(`"W"`), "location": raw(`{"dream":{"depth":7}}`)}},
				}},
				{Kind: llm.PartText, Text: "No source.", Extra: llm.Extra{"citationsContent": raw(`{"content":[{"text":"No "},{"text":"source."}]}`)}},
				{Kind: llm.PartCall, ID: "tooluse_1", Name: "look", Args: `{"n":1.50}`, Extra: llm.Extra{"caller": raw(`"me"`)}},
				{Kind: llm.PartCall, By: llm.ByServer, ID: "tooluse_2", Name: "nova_code", Args: `{}`},
				{
					Kind: llm.PartResult, By: llm.ByServer, ID: "tooluse_2", Name: "nova_code",
					Raw: raw(`{"toolResult":{"toolUseId":"tooluse_2","content":[{"json":{"out":7}}],"status":"success","type":"nova_code_result"}}`),
				},
				{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "iVBO"}},
				{Kind: llm.PartOpaque, Name: "image", Raw: raw(`{"image":{"format":"png","error":{"message":"broken"}}}`)},
				{Kind: llm.PartOpaque, Name: "hologram", Raw: raw(`{"hologram":{"depth":3}}`)},
				{Kind: llm.PartText},
			},
			Stop:  llm.Stop{Reason: llm.StopSequence, Native: "stop_sequence", Sequence: "END"},
			Extra: llm.Extra{"additionalModelResponseFields": raw(`{"logprobs":[1]}`)},
		}},
		Usage: &llm.Usage{
			Said:  llm.SaidInput | llm.SaidOutput | llm.SaidTotal | llm.SaidCacheRead | llm.SaidCacheWrite | llm.SaidCacheWrite1h,
			Input: 117, Output: 20, Total: 137, CacheRead: 100, CacheWrite: 7, CacheWrite1h: 3,
			Extra: llm.Extra{"serverToolUsage": raw(`{"naps":3}`), "cacheWriteInputTokenCount": raw(`8`)},
		},
		Extra: llm.Extra{
			"metrics": raw(`{"latencyMs":951}`), "trace": raw(`{"promptRouter":{"invokedModelId":"m"}}`),
			"performanceConfig": raw(`{"latency":"standard"}`), "serviceTier": raw(`{"reason":"cheap"}`),
		},
	}
	got := decodeResponse(t, answer)
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
	body, losses := encodeResponse(t, got)
	if d := cmp.Diff(want, decodeResponse(t, body), same); d != "" || len(losses) > 0 {
		t.Errorf("the answer changed, lost %s (-want +got):\n%s", paths(losses), d)
	}
	for _, kept := range []string{
		`"redactedContent":"WkdGMFlRPT0="`, `"redactedContent":"` + b64 + `"`, `{"citationsContent":{"content":[{"text":"No "},{"text":"source."}]}}`,
		`"web":{"url":"https://e.x","domain":"e.x"}`, `"cacheDetails":[{"ttl":"1h","inputTokens":3},{"ttl":"5m","inputTokens":4}]`,
		`"serviceTier":{"type":"flex","reason":"cheap"}`, `"additionalModelResponseFields":{"stop_sequence":"END","logprobs":[1]}`,
	} {
		if !strings.Contains(body, kept) {
			t.Errorf("%s is not written back:\n%s", kept, body)
		}
	}
}

func TestDecodeResponseRefuses(t *testing.T) {
	for body, kind := range map[string]fault.Kind{
		`<html>`: fault.Upstream, `{}`: fault.Upstream, `{"output":[]}`: fault.Upstream,
		`{"message":"Too many requests","__type":"ThrottlingException"}`: fault.RateLimit,
		`{"Message":"gone"}`: fault.Upstream,
	} {
		_, err := codec{}.DecodeResponse([]byte(body))
		f, ok := errors.AsType[*fault.Fault](err)
		if !ok || f.Kind != kind || f.Origin != fault.There {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestStopWords(t *testing.T) {
	for word, reason := range map[string]llm.StopReason{
		"end_turn": llm.StopEnd, "tool_use": llm.StopCalls, "max_tokens": llm.StopLength, "stop_sequence": llm.StopSequence,
		"guardrail_intervened": llm.StopFilter, "content_filtered": llm.StopFilter, "malformed_model_output": llm.StopMalformed,
		"malformed_tool_use": llm.StopMalformed, "model_context_window_exceeded": llm.StopContext, "brand_new": llm.StopEnd,
	} {
		resp := decodeResponse(t, `{"output":{"message":{"content":[]}},"stopReason":"`+word+`"}`)
		if got := resp.Choices[0].Stop; got.Reason != reason || got.Native != word {
			t.Errorf("%s is read as %+v", word, got)
		}
		if body, losses := encodeResponse(t, resp); !strings.Contains(body, `"stopReason":"`+word+`"`) || len(losses) > 0 {
			t.Errorf("%s is written as %s, lost %s", word, body, paths(losses))
		}
	}
	const refused, called = "refused", "called"
	tests := []struct {
		stop         llm.Stop
		what         string
		want, losses string
	}{
		{llm.Stop{Reason: llm.StopEnd, Native: "stop"}, "", `"stopReason":"end_turn"`, ""},
		{llm.Stop{}, "", `"stopReason":"end_turn"`, ""},
		{llm.Stop{}, called, `"stopReason":"tool_use"`, ""},
		{llm.Stop{Reason: llm.StopEnd}, called, `"stopReason":"tool_use"`, "answer.stop changed"},
		{llm.Stop{Reason: llm.StopEnd}, refused, `"stopReason":"content_filtered"`, "answer.stop changed"},
		{llm.Stop{Reason: llm.StopRefusal, Detail: "no"}, "", `"stopReason":"content_filtered"`, "answer.stop changed, answer.stop_details dropped"},
		{llm.Stop{Reason: llm.StopFilter}, "", `"stopReason":"content_filtered"`, ""},
		{llm.Stop{Reason: llm.StopPause}, "", `"stopReason":"end_turn"`, "answer.stop changed"},
		{llm.Stop{Reason: llm.StopContext}, "", `"stopReason":"model_context_window_exceeded"`, ""},
		{llm.Stop{Reason: llm.StopSequence, Sequence: "END"}, "", `"stopReason":"stop_sequence","additionalModelResponseFields":{"stop_sequence":"END"}`, ""},
		{llm.Stop{Reason: llm.StopSequence}, "", `"stopReason":"stop_sequence"`, ""},
		{llm.Stop{Reason: llm.StopLength, Sequence: "END"}, "", `"stopReason":"max_tokens"`, "answer.stop_sequence dropped"},
		{llm.Stop{Reason: llm.StopLength, Raw: raw(`{}`)}, "", `"stopReason":"max_tokens"`, "answer.stop_details dropped"},
	}
	for _, tt := range tests {
		choice := llm.Choice{Stop: tt.stop}
		var before string
		switch tt.what {
		case called:
			choice.Parts = []llm.Part{{Kind: llm.PartCall, ID: "a", Name: "f"}}
		case refused:
			choice.Parts = []llm.Part{{Kind: llm.PartRefusal, Text: "no"}}
			before = "answer.refusal changed, "
		}
		body, losses := encodeResponse(t, &llm.Response{From: llm.OpenAIChat, Choices: []llm.Choice{choice}})
		if !strings.Contains(body, tt.want+`,"usage"`) || paths(losses) != before+tt.losses {
			t.Errorf("%+v %s: %s, lost %s; want %s, %s", tt.stop, tt.what, body, paths(losses), tt.want, tt.losses)
		}
	}
}

// foreign is an answer in which another dialect says all that this one cannot.
func foreign() *llm.Response {
	one := raw(`1`)
	return &llm.Response{
		From: llm.OpenAIChat, ID: "chatcmpl-1", Model: "gpt", Created: "17", Tier: "scale",
		Choices: []llm.Choice{{
			Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "hm", Seal: llm.Seal{By: "google", Form: llm.SealSignature, Data: "g"}},
				{Kind: llm.PartReasoning, Seal: llm.Seal{By: "openai", Form: llm.SealEncrypted, Data: "o"}},
				{Kind: llm.PartReasoning, Text: "so", Seal: llm.Seal{By: "openai", Form: llm.SealEncrypted, Data: "p"}},
				{Kind: llm.PartReasoning, Seal: seal("c2ln")},
				{
					Kind: llm.PartText, Text: "hello", Logprobs: []llm.Logprob{{Token: "hello"}},
					Cites: []llm.Cite{{Kind: "file", Start: 0, End: 5}, {Kind: "document", Unit: "char", Quote: "q", To: 3}, {Kind: "url", URL: "u", Start: 1, End: 2}},
				},
				{Kind: llm.PartRefusal, Text: "no"},
				{Kind: llm.PartText},
				{Kind: llm.PartAudio, ID: "audio_1", Text: "spoken", Media: &llm.Blob{Data: "AA"}},
				{Kind: llm.PartImage, Media: &llm.Blob{Data: "iVBORw0K"}},
				{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/tiff", Data: "AA"}},
				{Kind: llm.PartCall, ID: "call_1", Name: "f", Args: "{\"a\":  1}", Extra: llm.Extra{"w": one}, Seal: llm.Seal{By: "google", Form: llm.SealSignature, Data: "x"}},
				{Kind: llm.PartCall, ID: "call_2", Name: "g"},
				{Kind: llm.PartCall, ID: "call_3", Name: "h", Args: "ls \"-l\"", Free: true},
				{Kind: llm.PartCall, ID: "ws_1", Name: "web", By: llm.ByServer},
				{Kind: llm.PartOpaque, Name: "hologram", Raw: one},
			},
			Stop:  llm.Stop{Reason: llm.StopCalls, Native: "tool_calls"},
			Extra: llm.Extra{"x": one},
		}, {}},
		Usage: &llm.Usage{
			Said:  llm.SaidInput | llm.SaidOutput | llm.SaidTotal | llm.SaidCacheRead | llm.SaidReasoning,
			Input: 30, CacheRead: 10, Output: 5, Reasoning: 2, Total: 40, Cost: "0.1", Extra: llm.Extra{"y": one, "none": raw(`0`)},
		},
		Extra: llm.Extra{"z": one},
	}
}

const foreignLosses = "answer.logprobs dropped, answer.citations dropped, answer.refusal changed, answer.audio dropped, answer.image dropped, " +
	"answer.w dropped, answer.reasoning.signature dropped, answer.arguments changed, answer.server_tools dropped, answer.opaque dropped"

func TestEncodeForeignResponse(t *testing.T) {
	body, losses := encodeResponse(t, foreign())
	tagged := base64.StdEncoding.EncodeToString([]byte("wr1.e.openai.o"))
	want := `{"output":{"message":{"role":"assistant","content":[` +
		`{"reasoningContent":{"reasoningText":{"text":"hm","signature":"wr1.s.google.g"}}},` +
		`{"reasoningContent":{"redactedContent":"` + tagged + `"}},` +
		`{"reasoningContent":{"reasoningText":{"text":"so","signature":"wr1.e.openai.p"}}},` +
		`{"reasoningContent":{"reasoningText":{"text":"","signature":"c2ln"}}},` +
		`{"citationsContent":{"content":[{"text":"hello"}],"citations":[{"sourceContent":[{"text":"q"}],"location":{"documentChar":{"documentIndex":0,"start":0,"end":3}}},{"location":{"web":{"url":"u"}}}]}},` +
		`{"text":"no"},{"text":"spoken"},{"image":{"format":"png","source":{"bytes":"iVBORw0K"}}},` +
		`{"toolUse":{"toolUseId":"call_1","name":"f","input":{"a":  1}}},{"toolUse":{"toolUseId":"call_2","name":"g","input":{}}},` +
		`{"toolUse":{"toolUseId":"call_3","name":"h","input":{"input":"ls \"-l\""}}}]}},` +
		`"stopReason":"tool_use","usage":{"inputTokens":20,"outputTokens":5,"totalTokens":40,"cacheReadInputTokens":10},"metrics":{"latencyMs":0}}`
	if body != want {
		t.Errorf("body\n%s\nwant\n%s", body, want)
	}
	wantLosses := "answer.choices dropped, " + foreignLosses + ", answer.x dropped, answer.tier dropped, answer.usage.reasoning dropped, " +
		"answer.usage.cost dropped, answer.usage.y dropped, answer.z dropped"
	if got := paths(losses); got != wantLosses {
		t.Errorf("losses\n%s\nwant\n%s", got, wantLosses)
	}
	if !strings.HasPrefix(tagged, "d3IxL") {
		t.Errorf("the engine looks for d3IxL, a wrapped seal begins with %.6s", tagged)
	}
	for i, want := range []llm.Seal{foreign().Choices[0].Parts[0].Seal, foreign().Choices[0].Parts[1].Seal, foreign().Choices[0].Parts[2].Seal, seal("c2ln")} {
		if got := decodeResponse(t, body).Choices[0].Parts[i].Seal; got != want {
			t.Errorf("seal %d comes back as %v, want %v", i, got, want)
		}
	}
	in := foreign()
	in.Fault = fault.New(fault.Cut, "x")
	if _, _, err := (codec{}).EncodeResponse(nil, in); !errors.Is(err, in.Fault) {
		t.Errorf("an answer with a fault: %v", err)
	}
}

// A client that asked a model of another maker takes seals without a name to be of that maker.
func TestSealsOfTheModelAskedFor(t *testing.T) {
	for model, want := range map[string]string{
		"anthropic.claude-x": "c2ln", "fast": "c2ln", "": "c2ln", "amazon.nova-2-lite-v1:0": "wr1.s.anthropic.c2ln", "meta.llama3": "wr1.s.anthropic.c2ln",
	} {
		resp := &llm.Response{From: llm.AnthropicMessages, Choices: []llm.Choice{{Parts: []llm.Part{{Kind: llm.PartReasoning, Text: "hm", Seal: seal("c2ln")}}}}}
		body, _, err := codec{}.EncodeResponse(&llm.Request{From: llm.BedrockConverse, Model: model}, resp)
		if err != nil || !strings.Contains(string(body), `"signature":"`+want+`"`) {
			t.Errorf("%s: %s, %v; want %s", model, body, err, want)
		}
		if model == "" {
			continue
		}
		call := dialect.Call{Path: join(model, false), Body: []byte(`{"messages":[{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"hm","signature":"` + want + `"}}}]}]}`)}
		if got := decodeRequest(t, call).Messages[0].Parts[0].Seal; got != seal("c2ln") {
			t.Errorf("%s: the seal returns as %v", model, got)
		}
	}
}
