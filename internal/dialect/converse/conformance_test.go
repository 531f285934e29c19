package converse_test

import (
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/converse"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/openaichat"
	"weir/internal/fault"
)

func TestConformance(t *testing.T) {
	dialecttest.Run(t, converse.New(), dialecttest.Sample{
		Requests: []string{
			`{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}`,
			`{"system":[{"text":"Be brief."},{"cachePoint":{"type":"default"}}],"inferenceConfig":{"maxTokens":2000,"temperature":0.20,"topP":0.9,"stopSequences":["END"]},"odd":{"a": [1, 2]},
			"messages":[{"role":"user","content":[{"text":"See"},{"image":{"format":"png","source":{"bytes":"AAAA"}}},{"document":{"format":"csv","name":"a","source":{"bytes":"AAAA"}}}]},
			{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"Hm","signature":"c2ln"}}},{"toolUse":{"toolUseId":"c1","name":"look","input":{"a": 1}}}]},
			{"role":"user","content":[{"toolResult":{"toolUseId":"c1","content":[{"json":{"sky": "blue"}}],"status":"error"}},{"cachePoint":{"type":"default","ttl":"1h"}}]}],
			"toolConfig":{"tools":[{"toolSpec":{"name":"look","inputSchema":{"json":{"type": "object"}}}},{"systemTool":{"name":"nova_grounding"}}],"toolChoice":{"any":{}}},
			"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024},"top_k":3,"odd":1},"guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1"}}`,
			`{"messages":[{"role":"user","content":[{"guardContent":{"text":{"text":"a","qualifiers":["query"]}}},{"searchResult":{"source":"s","title":"t","content":[{"text":"x"},{"text":"y"}]}}]}],
			"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\": \"object\"}","name":"n"}}}},"serviceTier":{"type":"priority"},"requestMetadata":{"a":"b"}}`,
		},
		Answers: []string{
			`{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":3,"outputTokens":1,"totalTokens":6,"cacheReadInputTokens":2,"cacheReadInputTokenCount":2},"metrics":{"latencyMs":5}}`,
			`{"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"redactedContent":"WkdGMFlRPT0="}},{"citationsContent":{"content":[{"text":"So."}],"citations":[{"title":"T","location":{"documentPage":{"documentIndex":0,"start":1,"end":2}}}]}},
			{"toolUse":{"toolUseId":"c1","name":"look","input":{}}}]}},"stopReason":"tool_use","usage":{"inputTokens":3,"outputTokens":1,"totalTokens":4},"metrics":{"latencyMs":5},"trace":{"promptRouter":{"invokedModelId":"m"}}}`,
		},
		Streams: []string{
			converse.Streamed(
				"messageStart", `{"p":"abc","role":"assistant"}`,
				"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm"}},"p":"a"}`,
				"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}},"p":"a"}`,
				"contentBlockStop", `{"contentBlockIndex":0,"p":"ab"}`,
				"contentBlockDelta", `{"contentBlockIndex":1,"delta":{"text":"Grüße"},"p":"ab"}`,
				"contentBlockStop", `{"contentBlockIndex":1,"p":"ab"}`,
				"contentBlockStart", `{"contentBlockIndex":2,"p":"ab","start":{"toolUse":{"name":"look","toolUseId":"c1"}}}`,
				"contentBlockDelta", `{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"a\": 1}"}},"p":"ab"}`,
				"contentBlockStop", `{"contentBlockIndex":2,"p":"ab"}`,
				"somethingNew", `{"a":1}`,
				"messageStop", `{"p":"ab","stopReason":"tool_use"}`,
				"metadata", `{"metrics":{"latencyMs":5},"p":"ab","usage":{"inputTokens":3,"outputTokens":9,"totalTokens":12}}`,
			),
		},
		Faults: map[string]fault.Kind{
			`{"message":"Too many input tokens","__type":"ValidationException"}`:                    fault.ContextLength,
			`{"message":"Too many requests, please wait","__type":"ThrottlingException"}`:           fault.RateLimit,
			`{"Message":"The security token included in the request is expired"}`:                   fault.UpstreamAuth,
			`{"message":"Model is not ready","__type":"com.amazon.bedrock#ModelNotReadyException"}`: fault.Overloaded,
		},
		WellFormed: converse.WellFormed,
	})
}

func TestRecordedIdentity(t *testing.T) { dialecttest.RecordedIdentity(t, converse.New()) }

// TestRecordedTranslation carries every recording over. Its -v output is the table of what comes through.
func TestRecordedTranslation(t *testing.T) {
	var table dialecttest.Rows
	own := converse.New()
	for _, other := range []dialect.Dialect{openaichat.New(), anthropic.New()} {
		t.Run("from "+string(other.Name()), func(t *testing.T) {
			table = append(table, dialecttest.RecordedTranslation(t, other, own)...)
		})
		t.Run("to "+string(other.Name()), func(t *testing.T) {
			table = append(table, dialecttest.RecordedTranslation(t, own, other)...)
		})
	}
	t.Logf("what comes through:\n%s", dialecttest.Table(table))
}
