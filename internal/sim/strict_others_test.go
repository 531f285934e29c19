package sim_test

import (
	"strings"
	"testing"

	"weir/internal/sim"
)

// TestStrictCohere: what Cohere refuses is refused, in its words.
func TestStrictCohere(t *testing.T) {
	r := start(t, &sim.Provider{})
	const (
		head    = `{"model":"sim-1",`
		user    = `{"role":"user","content":"hi"}`
		with    = head + `"messages":[`
		ask     = with + user + `]`
		call    = `{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}`
		answer  = `{"role":"tool","tool_call_id":"c1","content":"x"}`
		offered = `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]`
	)
	unknown := func(name string) string {
		return "unknown field: parameter '" + name + "' is not a valid field. For proper usage, please refer to https://docs.cohere.com/reference/chat"
	}
	refused(r, "/v2/chat", plainMessage, []refusedCase{
		{body: `{`, want: "invalid json syntax"},
		{body: `{"messages":[` + user + `]}`, want: "model is required"},
		{body: `{"model":"none","messages":[` + user + `]}`, want: "model 'none' not found, make sure the correct model ID was used", status: 404},
		{body: `{"model":"sim-1"}`, want: "messages is required"},
		{body: head + `"messages":[]}`, want: "list of messages must not be empty"},
		{body: head + `"messages":"hi"}`, want: "invalid type: parameter messages is of type string but should be of type array."},
		{body: ask + `,"top_p":0.5}`, want: unknown("top_p"), status: 422},
		{body: ask + `,"n":1}`, want: unknown("n"), status: 422},
		{body: ask + `,"stop":["x"]}`, want: unknown("stop"), status: 422},
		{body: ask + `,"tools":[{"type":"function","function":{"name":"f","strict":true}}]}`, want: unknown("strict"), status: 422},
		{body: with + `{"role":"user","content":[{"type":"text","text":"x","cache_control":{}}]}]}`, want: unknown("cache_control"), status: 422},
		{body: ask + `,"temperature":1.5}`, want: "temperature must be between 0 and 1 inclusive."},
		{body: ask + `,"p":1}`, want: "p must be between 0.01 and 0.99 inclusive."},
		{body: ask + `,"k":501}`, want: "k must be between 0 and 500 inclusive."},
		{body: ask + `,"frequency_penalty":-1}`, want: "frequency_penalty must be between"},
		{body: ask + `,"max_tokens":0}`, want: "max_tokens must be greater than or equal to 1"},
		{body: ask + `,"max_tokens":1000000}`, want: "too many tokens: max tokens must be less than or equal to 128000, the maximum output for this model - received 1000000."},
		{body: ask + `,"max_tokens":"5"}`, want: "parameter max_tokens is of type string but should be of type integer."},
		{body: ask + `,"stop_sequences":["a","b","c","d","e","f"]}`, want: "at most 5"},
		{body: ask + `,"stream":"yes"}`, want: "parameter stream is of type string but should be of type bool."},
		{body: ask + `,"seed":-1}`, want: "seed must be a non-negative integer"},
		{body: ask + `,"safety_mode":"LOOSE"}`, want: "safety_mode must be one of"},
		{body: ask + `,"thinking":{"type":"adaptive"}}`, want: "thinking.type must be one of 'enabled', 'disabled'"},
		{body: ask + `,"thinking":{"type":"enabled","token_budget":0}}`, want: "must be a positive integer"},
		{body: ask + `,"response_format":{"type":"json_schema"}}`, want: "response_format.type must be one of 'text', 'json_object'"},
		{body: ask + `,"response_format":{"type":"json_object","json_schema":{"type":"array"}}}`, want: "top level type of 'object'"},
		{body: ask + offered + `,"response_format":{"type":"json_object"}}`, want: "cannot use response_format with tools"},
		{body: ask + `,"documents":["x"],"response_format":{"type":"json_object"}}`, want: "response_format is not supported with RAG."},
		{body: ask + `,"documents":[{"id":"a","data":{"text":""},"title":"t"}]}`, want: unknown("title"), status: 422},
		{body: ask + `,"documents":[""]}`, want: "must not be empty"},
		{body: ask + `,"tool_choice":"REQUIRED"}`, want: "only be specified with tools"},
		{body: ask + offered + `,"tool_choice":"auto"}`, want: "tool_choice must be one of 'REQUIRED', 'NONE', got 'auto'"},
		{body: ask + offered + `,"tool_choice":{"type":"function"}}`, want: "parameter tool_choice is of type object but should be of type string."},
		{body: ask + `,"tools":[{"type":"function","function":{"name":"a b","parameters":{"type":"object"}}}]}`, want: "tool name 'a b' must only contain"},
		{body: ask + strings.Replace(offered, `}]`, `},{"type":"function","function":{"name":"f"}}]`, 1) + `}`, want: "tool names must be unique"},
		{body: with + `{"role":"developer","content":"x"}]}`, want: "messages.role must be one of 'user', 'assistant', 'system', 'tool', got 'developer'"},
		{body: with + `{"role":"user","content":""}]}`, want: "message must be at least 1 token long or tool results must be specified."},
		{body: with + `{"role":"user"}]}`, want: "all elements in history must have a message."},
		{body: with + user + `,{"role":"assistant"},` + user + `]}`, want: "all elements in history must have a message."},
		{body: with + user + `,{"role":"assistant","content":"x"}]}`, want: "the last message must be from a user or a tool"},
		{body: with + user + `,` + call + `]}`, want: "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: c1"},
		{body: with + user + `,` + call + `,` + user + `]}`, want: "did not have response messages: c1"},
		{body: with + user + `,` + answer + `]}`, want: "tool_call_id 'c1' not found"},
		{body: with + user + `,` + call + `,` + answer + `,` + answer + `]}`, want: "tool_call_id 'c1' not found"},
		{body: with + user + `,` + strings.Replace(call, `"{}"`, `"{"`, 1) + `,` + answer + `]}`, want: "arguments of tool call 'c1' must be a JSON object"},
		{body: with + user + `,` + strings.Replace(call, `"{}"`, `{}`, 1) + `,` + answer + `]}`, want: "should be of type string."},
		{body: with + `{"role":"user","content":[{"type":"image_url","image_url":{"url":"nowhere"}}]}]}`, want: "image_url.url must be a valid URL"},
	})
	for _, body := range []string{
		with + user + `,` + call + `,` + answer + `]` + offered + `}`,
		with + `{"role":"system","content":"x"},` + user + `,{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"x"}]},` + user + `],"temperature":0.3,"p":0.75,"k":0,"seed":5,"safety_mode":"STRICT"}`,
		with + user + `,{"role":"assistant","tool_plan":"I will.","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":[{"type":"document","document":{"data":{"a":"b"}}},{"type":"text","text":"x"}]}]}`,
	} {
		r.ok("/v2/chat", body)
	}
}

// TestStrictOllama: what Ollama refuses is refused, in its words and Go's; what it does not know it overlooks.
func TestStrictOllama(t *testing.T) {
	r := start(t, &sim.Provider{})
	const (
		head = `{"model":"sim-1","stream":false,`
		with = head + `"messages":[`
		user = `{"role":"user","content":"hi"}`
		ask  = with + user + `]`
	)
	refused(r, "/api/chat", func(v map[string]any) string { return text(v, "error") }, []refusedCase{
		{body: `{`, want: "invalid JSON"},
		{body: `{"messages":[]}`, want: "model is required"},
		{body: `{"model":"none","messages":[` + user + `]}`, want: "model 'none' not found", status: 404},
		{body: head + `"messages":"hi"}`, want: "json: cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message"},
		{body: with + `{"role":"user","content":[{"type":"text","text":"x"}]}]}`, want: "json: cannot unmarshal array into Go struct field Message.messages.content of type string"},
		{body: with + `{"role":"developer","content":"x"}]}`, want: "invalid role: developer"},
		{body: with + user + `,{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]}`, want: "Value looks like object, but can't find closing '}' symbol"},
		{body: with + `{"role":"user","content":"x","images":["data:image/png;base64,AAAA"]}]}`, want: "illegal base64 data at input byte 4"},
		{body: with + `{"role":"user","content":"x","images":["https://example.org/a.png"]}]}`, want: "illegal base64 data at input byte 5"},
		{body: with + `{"role":"user","content":"x","images":["aGVsbG8="]}]}`, want: "image: unknown format"},
		{body: ask + `,"stream":"yes"}`, want: "json: cannot unmarshal string into Go struct field ChatRequest.stream of type bool"},
		{body: ask + `,"format":"xml"}`, want: `invalid format: "xml"`},
		{body: ask + `,"think":"extreme"}`, want: `invalid think value: "extreme" (must be "high", "medium", "low", "max", true, or false)`},
		{body: ask + `,"think":5}`, want: "think must be a boolean or string"},
		{body: ask + `,"options":[]}`, want: "json: cannot unmarshal array into Go struct field ChatRequest.options"},
		{body: ask + `,"options":{"temperature":"hot"}}`, want: `option "temperature" must be of type float32`},
		{body: ask + `,"options":{"num_predict":1.5}}`, want: `option "num_predict" must be of type integer`},
		{body: ask + `,"options":{"stop":"x"}}`, want: `option "stop" must be of type array`},
		{body: ask + `,"options":{"stop":[1]}}`, want: "array of strings"},
		{body: ask + `,"tools":{}}`, want: "json: cannot unmarshal object into Go struct field ChatRequest.tools of type api.Tools"},
		{body: ask + `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","required":"a"}}}]}`, want: "parameters.required of type []string"},
		{body: ask + `,"keep_alive":true}`, want: "api.Duration"},
	})
	for _, body := range []string{
		ask + `,"foo":1,"options":{"bar":2,"temperature":0.5,"num_predict":-1},"format":"","keep_alive":"5m"}`,
		with + user + `,{"role":"assistant","content":"","thinking":"t","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},{"role":"tool","tool_name":"f","content":"x"}]}`,
		`{"model":"sim-1:latest","stream":false,"messages":[` + user + `]}`,
	} {
		r.ok("/api/chat", body)
	}
	if a := r.ok("/api/chat", head+`"messages":[]}`); a["done_reason"] != "load" {
		t.Errorf("%v", a)
	}
	if v := r.ok("/api/version", ""); text(v, "version") == "" {
		t.Errorf("%v", v)
	}
	if v := r.ok("/api/tags", ""); len(list(v, "models")) != len(sim.Models()) || text(v, "models", 0, "name") != "sim-1:latest" {
		t.Errorf("%v", v)
	}
	if v := r.ok("/api/show", `{"model":"sim-think"}`); !strings.Contains(args(at(v, "capabilities")), "thinking") || num(v, "model_info", "sim.context_length") == 0 {
		t.Errorf("%v", v)
	}
	refused(r, "/api/show", func(v map[string]any) string { return text(v, "error") }, []refusedCase{
		{body: `{}`, want: "model is required"}, {body: `{"model":"none"}`, want: "model 'none' not found", status: 404},
	})
}

// TestCohereSpeaksAfterResults: what the user says after results is of one turn with them, and the answer cites them.
func TestCohereSpeaksAfterResults(t *testing.T) {
	r := start(t, &sim.Provider{})
	const body = `{"model":"sim-1","messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"c1","content":"blue"},{"role":"user","content":"And?"}]}`
	whole := r.ok("/v2/chat", body)
	if got := text(whole, "message", "citations", 0, "sources", 0, "id"); got != "c1:0" {
		t.Errorf("the source is %q in %v", got, whole)
	}
}
