package sim_test

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/sim"
)

// TestStrictChat: what OpenAI refuses is refused, naming the place.
func TestStrictChat(t *testing.T) {
	r := start(t, &sim.Provider{})
	const (
		ask     = `"model":"sim-1","messages":[{"role":"user","content":"hi"}]`
		call    = `{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}`
		answer  = `{"role":"tool","tool_call_id":"c1","content":"x"}`
		user    = `{"role":"user","content":"hi"}`
		with    = `{"model":"sim-1","messages":[`
		offered = `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]`
	)
	for _, c := range []struct{ body, want string }{
		{`{`, "could not parse"},
		{`[]`, "could not parse"},
		{`{"a":1,}`, "could not parse"},
		{`{"messages":[` + user + `]}`, "must provide a model"},
		{`{"model":"sim-1"}`, "Missing required parameter: 'messages'"},
		{`{"model":"sim-1","messages":[]}`, "empty array"},
		{`{"model":"sim-1","messages":"hi"}`, "expected an array of objects, but got a string"},
		{`{` + ask + `,"foo":1}`, "Unknown parameter: 'foo'"},
		{`{` + ask + `,"temperature":2.1}`, "decimal above maximum value. Expected a value <= 2, but got 2.1"},
		{`{` + ask + `,"temperature":-0.1}`, "below minimum"},
		{`{` + ask + `,"temperature":"1"}`, "Invalid type for 'temperature'"},
		{`{` + ask + `,"top_p":1.5}`, "top_p"},
		{`{` + ask + `,"presence_penalty":3}`, "presence_penalty"},
		{`{` + ask + `,"n":0}`, "integer below minimum"},
		{`{` + ask + `,"n":1.5}`, "Invalid type for 'n'"},
		{`{` + ask + `,"max_tokens":0}`, "max_tokens"},
		{`{` + ask + `,"max_tokens":5,"max_completion_tokens":5}`, "at the same time"},
		{`{` + ask + `,"top_logprobs":2}`, "'logprobs' must be set"},
		{`{` + ask + `,"stop":["a","b","c","d","e"]}`, "array too long"},
		{`{` + ask + `,"stop":5}`, "Invalid type for 'stop'"},
		{`{` + ask + `,"stream":"yes"}`, "Invalid type for 'stream'"},
		{`{` + ask + `,"stream_options":{"include_usage":true}}`, "only allowed when 'stream'"},
		{`{` + ask + `,"reasoning_effort":"extreme"}`, "Supported values"},
		{`{` + ask + `,"tools":[]}`, "Invalid 'tools'"},
		{`{` + ask + `,"tool_choice":"auto"}`, "only allowed when 'tools'"},
		{`{` + ask + `,"parallel_tool_calls":true}`, "only allowed when 'tools'"},
		{`{` + ask + offered + `,"tool_choice":{"type":"function","function":{"name":"g"}}}`, "not found in 'tools'"},
		{`{` + ask + offered + `,"tool_choice":"any"}`, "Supported values"},
		{`{` + ask + `,"tools":[{"type":"function","function":{"name":"a b"}}]}`, "does not match pattern"},
		{`{` + ask + `,"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{}}}}]}`, "Invalid schema for function 'f'"},
		{`{` + ask + `,"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}}}]}`, "Missing 'a'"},
		{`{` + ask + `,"tools":[{"type":"function","function":{"name":"f"},"cache_control":{"type":"ephemeral"}}]}`, "Unknown parameter: 'tools[0].cache_control'"},
		{`{` + ask + `,"response_format":{"type":"json_object"}}`, "must contain the word 'json'"},
		{`{` + ask + `,"response_format":{"type":"json_schema"}}`, "response_format.json_schema"},
		{`{` + ask + `,"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","properties":{}}}}}`, "additionalProperties"},
		{with + `{"role":"bot","content":"hi"}]}`, "Invalid value: 'bot'"},
		{with + `{"role":"user"}]}`, "messages[0].content"},
		{with + `{"role":"user","content":null}]}`, "got null"},
		{with + `{"role":"user","content":[]}]}`, "empty array"},
		{with + `{"role":"user","content":5}]}`, "Invalid type for 'messages[0].content'"},
		{with + `{"role":"assistant"}]}`, "messages[0].content"},
		{with + `{"role":"user","content":[{"type":"thinking","thinking":"x"}]}]}`, "Supported values"},
		{with + `{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]}`, "cache_control"},
		{with + `{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://example.org/a.png"}}]}]}`, "Supported values"},
		{with + `{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aGVsbG8="}}]}]}`, "unsupported image"},
		{with + `{"role":"user","content":[{"type":"image_url","image_url":{"url":"nowhere"}}]}]}`, "data URL"},
		{with + user + `,` + answer + `]}`, "must be a response to a preceeding message"},
		{with + user + `,` + call + `]}`, "did not have response messages: c1"},
		{with + user + `,` + call + `,` + user + `]}`, "did not have response messages: c1"},
		{with + user + `,` + call + `,` + answer + `,` + answer + `]}`, "'tool_call_id' of 'c1' not found"},
		{with + user + `,` + call + `,` + call + `,` + answer + `]}`, "did not have response messages: c1"},
		{with + user + `,` + strings.Replace(call, `}}]`, `}},{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]`, 1) + `,` + answer + `]}`, "duplicate tool call id 'c1'"},
		{with + user + `,` + call + `,{"role":"tool","tool_call_id":"c2","content":"x"}]}`, "'c2' not found"},
		{with + user + `,` + call + `,` + answer + `,` + answer + `]}`, "'c1' not found"},
		{with + user + `,` + strings.Replace(call, `"{}"`, `{}`, 1) + `,` + answer + `]}`, "expected a string, but got an object"},
		{with + user + `,` + strings.ReplaceAll(call, "c1", strings.Repeat("c", 41)) + `]}`, "maximum length 40"},
		{with + user + `,{"role":"assistant","content":"","tool_calls":[]}]}`, "empty array"},
	} {
		res, got, _ := r.do(chatPath, c.body)
		if msg := text(decode(t, got), "error", "message"); res.StatusCode != http.StatusBadRequest || !strings.Contains(msg, c.want) {
			t.Errorf("%s\n%d %q, want %q", c.body, res.StatusCode, msg, c.want)
		}
	}
	for _, body := range []string{
		with + user + `,` + call + `,` + answer + `]}`,
		with + `{"role":"developer","content":[{"type":"text","text":"x"}]},` + user + `,{"role":"assistant","content":"a","refusal":null,"annotations":[]},` + user + `]}`,
		`{` + ask + `,"temperature":2,"top_p":1.0,"seed":-5,"stop":null,"user":"u","metadata":{"a":"b"},"logit_bias":{"5":-100},"store":true}`,
		with + `{"role":"user","content":""}]}`,
	} {
		r.ok(chatPath, body)
	}
	for body, want := range map[string]string{
		`{"model":"sim-embed"}`: "'input'", `{"model":"sim-embed","input":""}`: "empty string", `{"model":"sim-embed","input":[]}`: "empty array",
		`{"model":"sim-embed","input":"x","dimensions":0}`: "below minimum", `{"model":"sim-embed","input":"x","foo":1}`: "Unknown parameter",
		`{"model":"sim-embed","input":[1,"x"]}`: "array of integers", `{"model":"sim-embed","input":"x","encoding_format":"hex"}`: "Supported values",
	} {
		if res, got, _ := r.do("/v1/embeddings", body); res.StatusCode != 400 || !strings.Contains(got, want) {
			t.Errorf("%s: %d %s", body, res.StatusCode, got)
		}
	}
	if res, got, _ := r.do("/v1/nowhere", `{}`); res.StatusCode != 404 || decode(t, got)["error"] == nil {
		t.Errorf("unknown path: %d %s", res.StatusCode, got)
	}
}

// TestStrictMessages: what Anthropic refuses is refused, naming the place.
func TestStrictMessages(t *testing.T) {
	r := start(t, &sim.Provider{})
	const (
		head    = `{"model":"sim-1","max_tokens":4096,`
		user    = `{"role":"user","content":"hi"}`
		ask     = head + `"messages":[` + user + `]`
		with    = head + `"messages":[`
		call    = `{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]}`
		result  = `{"type":"tool_result","tool_use_id":"t1","content":"x"}`
		answer  = `{"role":"user","content":[` + result + `]}`
		offered = `,"tools":[{"name":"f","input_schema":{"type":"object"}}]`
	)
	for _, c := range []struct{ body, want string }{
		{`{`, "not valid JSON"},
		{`{"model":"sim-1","messages":[` + user + `]}`, "max_tokens: Field required"},
		{`{"max_tokens":5,"messages":[` + user + `]}`, "model: Field required"},
		{`{"model":"sim-1","max_tokens":5}`, "messages: Field required"},
		{`{"model":"sim-1","max_tokens":5,"messages":[]}`, "at least one message"},
		{`{"model":"sim-1","max_tokens":0,"messages":[` + user + `]}`, "max_tokens: Input should be greater"},
		{`{"model":"sim-1","max_tokens":"5","messages":[` + user + `]}`, "max_tokens: Input should be a valid integer"},
		{`{"model":"sim-1","max_tokens":1000000,"messages":[` + user + `]}`, "1000000 > 128000"},
		{ask + `,"xyz":1}`, "xyz: Extra inputs are not permitted"},
		{ask + `,"reasoning_effort":"low"}`, "reasoning_effort: Extra inputs"},
		{ask + `,"mcp_servers":[]}`, "mcp_servers: Extra inputs"},
		{ask + `,"thread":{"type":"create"}}`, "threads are not supported"},
		{ask + `,"temperature":1.5}`, "temperature: range: 0..1"},
		{ask + `,"top_k":-1}`, "top_k"},
		{ask + `,"stop_sequences":[" "]}`, "non-whitespace"},
		{ask + `,"stop_sequences":"x"}`, "stop_sequences: Input should be a valid list"},
		{ask + `,"metadata":{"a":1}}`, "metadata.a: Extra inputs"},
		{ask + `,"system":[{"type":"text","text":""}]}`, "system: text content blocks must be non-empty"},
		{ask + `,"service_tier":"flex"}`, "'auto' or 'standard_only'"},
		{with + `{"role":"system","content":"x"},` + user + `]}`, "Unexpected role"},
		{with + `{"role":"tool","content":"x"}]}`, "messages.0.role: Input should be 'user' or 'assistant'"},
		{with + `{"role":"assistant","content":"x"},` + user + `]}`, "first message must use"},
		{with + `{"role":"user","content":""}]}`, "non-empty content"},
		{with + `{"role":"user","content":[]}]}`, "non-empty content"},
		{with + `{"role":"user","content":null}]}`, "messages.0.content: Input should"},
		{with + `{"role":"user","content":"x","name":"n"}]}`, "messages.0.name: Extra inputs"},
		{with + `{"role":"user","content":[{"type":"text","text":""}]}]}`, "must be non-empty"},
		{with + `{"role":"user","content":[{"type":"text","text":" \n"}]}]}`, "non-whitespace text"},
		{with + `{"role":"user","content":[{"type":"text","text":"x","foo":1}]}]}`, "messages.0.content.0.text.foo: Extra inputs"},
		{with + `{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}`, "Input tag 'image_url'"},
		{with + `{"role":"user","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}]}`, "can only be in `assistant` messages"},
		{with + `{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"/9j/4AAQ"}}]}]}`, "appears to be a image/jpeg"},
		{with + `{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/bmp","data":"/9j/4AAQ"}}]}]}`, "media_type: Input should be"},
		{with + user + `,{"role":"assistant","content":"x "}]}`, "trailing whitespace"},
		{with + user + `,` + answer + `]}`, "unexpected `tool_use_id`"},
		{with + user + `,` + call + `]}`, "without `tool_result` blocks immediately after: t1"},
		{with + user + `,` + call + `,` + user + `]}`, "messages.1: `tool_use` ids were found without"},
		{with + user + `,` + call + `,{"role":"user","content":[{"type":"text","text":"first"},` + result + `]}]}`, "without `tool_result`"},
		{with + user + `,` + call + `,` + answer + `,` + call + `,` + answer + `]}`, "ids must be unique"},
		{with + user + `,` + call + `,{"role":"user","content":[` + result + `,` + result + `]}]}`, "unexpected `tool_use_id`"},
		{with + user + `,` + strings.Replace(call, `{}}`, `"{}"}`, 1) + `,` + answer + `]}`, "input: Input should be a valid dictionary"},
		{with + user + `,` + strings.Replace(call, "t1", "t.1", 1) + `]}`, "tool_use.id: String should match pattern"},
		{with + user + `,{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":""},{"type":"text","text":"x"}]},` + user + `]}`, "messages.1.content.0: Invalid `signature` in `thinking` block"},
		{with + user + `,{"role":"assistant","content":[{"type":"thinking","thinking":"t"}]},` + user + `]}`, "signature: Field required"},
		{ask + `,"tools":[{"name":"f"}]}`, "input_schema: Field required"},
		{ask + `,"tools":[{"name":"f","input_schema":{}}]}`, "input_schema.type: Field required"},
		{ask + `,"tools":[{"name":"f","parameters":{},"input_schema":{"type":"object"}}]}`, "tools.0.custom.parameters: Extra inputs"},
		{ask + `,"tools":[{"name":"a b","input_schema":{"type":"object"}}]}`, "should match pattern"},
		{ask + `,"tools":[{"type":"function","function":{"name":"f"}}]}`, "Input tag 'function'"},
		{ask + `,"tools":[{"name":"f","input_schema":{"type":"object"}},{"name":"f","input_schema":{"type":"object"}}]}`, "must be unique"},
		{ask + `,"tools":[{"name":"f","input_schema":{"type":"object","anyOf":[{}]}}]}`, "at the top level"},
		{ask + `,"tool_choice":{"type":"auto"}}`, "only be specified while providing tools"},
		{ask + offered + `,"tool_choice":{"type":"required"}}`, "tool_choice.type"},
		{ask + offered + `,"tool_choice":{"type":"tool","name":"g"}}`, "'g' not found"},
		{ask + offered + `,"tool_choice":"auto"}`, "valid dictionary"},
		{ask + `,"thinking":{"type":"enabled","budget_tokens":100}}`, "greater than or equal to 1024"},
		{ask + `,"thinking":{"type":"enabled","budget_tokens":5000}}`, "`max_tokens` must be greater"},
		{ask + `,"temperature":0.5,"thinking":{"type":"enabled","budget_tokens":2000}}`, "may only be set to 1"},
		{ask + offered + `,"tool_choice":{"type":"any"},"thinking":{"type":"enabled","budget_tokens":2000}}`, "forces tool use"},
		{ask + `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}`, "additionalProperties"},
		{ask + `,"output_config":{"format":{"type":"json_schema","name":"n","schema":{}}}}`, "format.name: Extra inputs"},
		{ask + `,"output_config":{"effort":"none"}}`, "output_config.effort"},
		{ask + `,"system":[` + strings.TrimSuffix(strings.Repeat(`{"type":"text","text":"x","cache_control":{"type":"ephemeral"}},`, 5), ",") + `]}`, "Found 5"},
		{ask + `,"cache_control":{"type":"ephemeral","ttl":"2h"}}`, "'5m' or '1h'"},
	} {
		res, got, _ := r.do(messagesPath, c.body)
		v := decode(t, got)
		if msg := text(v, "error", "message"); res.StatusCode != http.StatusBadRequest || text(v, "error", "type") != "invalid_request_error" || !strings.Contains(msg, c.want) {
			t.Errorf("%s\n%d %q, want %q", c.body, res.StatusCode, msg, c.want)
		}
	}
	if _, got, _ := r.do(messagesPath, ask+`}`, "Anthropic-Version", ""); !strings.Contains(got, "anthropic-version: header is required") {
		t.Errorf("without a version: %s", got)
	}
	if _, got, _ := r.do(messagesPath, ask+`,"thread":{"type":"create"}}`); text(decode(t, got), "error", "details", "error_code") != "thread_unsupported_request" {
		t.Errorf("thread: %s", got)
	}
	for _, body := range []string{
		with + user + `,{"role":"assistant","content":[{"type":"text","text":"\n\n"},{"type":"text","text":"x"}]},` + user + `]}`,
		with + user + `,` + call + `,` + answer + `]}`, with + user + `,` + user + `,{"role":"assistant","content":"prefill"}]}`,
		with + user + `,{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"f","input":{}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"b"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"x"}],"is_error":false},{"type":"text","text":"so?"}]}]}`,
		ask + `,"tools":[{"type":"web_search_20250305","name":"web_search"}]}`,
	} {
		r.ok(messagesPath, body)
	}
	r.ok(messagesPath, ask+`,"context_management":{"edits":[]}}`, "Anthropic-Beta", "context-management-2025-06-27")
}
