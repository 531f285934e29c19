package dialecttest_test

import (
	"testing"

	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/openaichat"
	"weir/internal/fault"
)

func TestChat(t *testing.T) {
	dialecttest.Run(t, openaichat.New(), dialecttest.Sample{
		Requests: []string{
			`{"model":"m","messages":[{"role":"user","content":"Hello"}]}`,
			`{"model":"m","max_tokens":7,"temperature":0.20,"stop":"END","stream":true,"stream_options":{"include_usage":true,"odd":1},"odd":{"a": [1, 2]},
			"messages":[{"role":"system","content":"Be brief."},{"role":"user","name":"ada","content":[{"type":"text","text":"See"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]},
			{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"a\": 1}"}}]},
			{"role":"tool","tool_call_id":"c1","content":"blue"}],
			"tools":[{"type":"function","function":{"name":"look","parameters":{"type": "object"},"strict":false}}],"tool_choice":"required","parallel_tool_calls":false}`,
		},
		Answers: []string{
			`{"id":"a1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4,"prompt_tokens_details":{"cached_tokens":2}},"system_fingerprint":"fp"}`,
			`{"id":"a2","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"reasoning_content":"Hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":""}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":9,"total_tokens":12}}`,
		},
		Streams: []string{
			"data: {\"id\":\"a1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n" +
				"data: {\"id\":\"a1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüße\"},\"finish_reason\":null}]}\n\n" +
				"data: {\"id\":\"a1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":\"\"}}]},\"finish_reason\":null}]}\n\n" +
				"data: {\"id\":\"a1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\": 1}\"}}]},\"finish_reason\":null}]}\n\n" +
				"data: {\"id\":\"a1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":9,\"total_tokens\":12}}\n\n" +
				"data: [DONE]\n\n",
		},
		Faults: map[string]fault.Kind{
			`{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`: fault.ContextLength,
			`{"error":{"message":"no such thing","type":"invalid_request_error","param":null,"code":null}}`:                       fault.Malformed,
		},
	})
}

func TestMessages(t *testing.T) {
	dialecttest.Run(t, anthropic.New(), dialecttest.Sample{
		Requests: []string{
			`{"model":"m","max_tokens":7,"messages":[{"role":"user","content":"Hello"}]}`,
			`{"model":"m","max_tokens":2000,"stream":true,"temperature":0.20,"stop_sequences":["END"],"metadata":{"user_id":"u"},"odd":{"a": [1, 2]},
			"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral","ttl":"1h"}}],"thinking":{"type":"enabled","budget_tokens":1024},
			"messages":[{"role":"user","content":[{"type":"text","text":"See"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
			{"role":"assistant","content":[{"type":"thinking","thinking":"Hm","signature":"c2ln"},{"type":"tool_use","id":"c1","name":"look","input":{"a": 1}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"blue","is_error":true}]}],
			"tools":[{"name":"look","input_schema":{"type": "object"}},{"type":"web_search_20250305","name":"web_search"}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}}`,
		},
		Answers: []string{
			`{"id":"a1","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"Hm","signature":"c2ln"},{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}`,
			`{"id":"a2","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"c1","name":"look","input":{}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}`,
			`{"id":"a3","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":"END","usage":{"input_tokens":3,"output_tokens":1}}`,
		},
		Streams: []string{
			"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"a1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n" +
				"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" +
				"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Grüße\"}}\n\n" +
				"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
				"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"look\",\"input\":{}}}\n\n" +
				"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\": 1}\"}}\n\n" +
				"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n" +
				"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}}\n\n" +
				"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
		},
		Faults: map[string]fault.Kind{
			`{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}`: fault.ContextLength,
			`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`:                                    fault.Overloaded,
		},
	})
}
