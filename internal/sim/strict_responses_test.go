package sim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"weir/internal/sim"
)

// refused sends bodies that must be refused and looks for words in what is said of it; status 0 is 400.
func refused(r *rig, path string, message func(v map[string]any) string, cases []refusedCase) {
	r.Helper()
	for _, c := range cases {
		if c.status == 0 {
			c.status = http.StatusBadRequest
		}
		res, got, _ := r.do(path, c.body)
		if msg := message(decode(r.T, got)); res.StatusCode != c.status || !strings.Contains(msg, c.want) {
			r.Errorf("%s\n%d %q, want %d %q", c.body, res.StatusCode, msg, c.status, c.want)
		}
	}
}

type refusedCase struct {
	body, want string
	status     int
}

func openaiMessage(v map[string]any) string { return text(v, "error", "message") }

// TestStrictResponses: what OpenAI refuses is refused, in its words.
func TestStrictResponses(t *testing.T) {
	r := start(t, &sim.Provider{})
	const (
		head    = `{"model":"sim-1",`
		ask     = head + `"input":"hi"`
		with    = head + `"input":[`
		user    = `{"role":"user","content":"hi"}`
		call    = `{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}`
		output  = `{"type":"function_call_output","call_id":"c1","output":"x"}`
		offered = `,"tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}]`
		closed  = `{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`
	)
	refused(r, responsesPath, openaiMessage, []refusedCase{
		{body: `{`, want: "could not parse"},
		{body: `{"input":"hi"}`, want: "must provide a model"},
		{body: `{"model":"none","input":"hi"}`, want: "The requested model 'none' does not exist."},
		{body: `{"model":"sim-1"}`, want: "Missing required parameter: 'input'."},
		{body: head + `"input":5}`, want: "Invalid type for 'input': expected one of a string or an array of input items, but got an integer instead."},
		{body: ask + `,"foo":1}`, want: "Unknown parameter: 'foo'."},
		{body: ask + `,"n":1}`, want: "Unknown parameter: 'n'."},
		{body: ask + `,"stop":["a"]}`, want: "Unknown parameter: 'stop'."},
		{body: ask + `,"seed":1}`, want: "Unknown parameter: 'seed'."},
		{body: head + `"messages":[` + user + `]}`, want: "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'."},
		{body: ask + `,"max_tokens":50}`, want: "moved to 'max_output_tokens'"},
		{body: ask + `,"response_format":{"type":"json_object"}}`, want: "moved to 'text.format'"},
		{body: ask + `,"reasoning_effort":"low"}`, want: "moved to 'reasoning.effort'"},
		{body: ask + `,"max_output_tokens":15}`, want: "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 15 instead."},
		{body: ask + `,"temperature":3}`, want: "decimal above maximum value"},
		{body: ask + `,"top_logprobs":21}`, want: "integer above maximum value"},
		{body: ask + `,"stream":1}`, want: "Invalid type for 'stream'"},
		{body: ask + `,"stream_options":{}}`, want: "only allowed when 'stream'"},
		{body: ask + `,"stream":true,"stream_options":{"include_usage":true}}`, want: "Unknown parameter: 'stream_options.include_usage'."},
		{body: ask + `,"include":["everything"]}`, want: "Invalid value: 'everything'. Supported values are: 'file_search_call.results'"},
		{body: ask + `,"truncation":"left"}`, want: "Supported values"},
		{body: ask + `,"background":true,"store":false}`, want: "store=true"},
		{body: ask + `,"previous_response_id":"resp_none"}`, want: "Previous response with id 'resp_none' not found."},
		{body: ask + `,"previous_response_id":"a","conversation":"b"}`, want: "Mutually exclusive parameters"},
		{body: ask + `,"reasoning":"high"}`, want: "expected an object, but got a string"},
		{body: ask + `,"reasoning":{"effort":"extreme"}}`, want: "Invalid value: 'extreme'"},
		{body: ask + `,"reasoning":{"budget":5}}`, want: "Unknown parameter: 'reasoning.budget'."},
		{body: ask + `,"reasoning":{"summary":"long"}}`, want: "Supported values are: 'auto', 'concise', 'detailed'"},
		{body: ask + `,"text":{"format":{"type":"xml"}}}`, want: "Supported values are: 'text', 'json_schema', 'json_object'"},
		{body: ask + `,"text":{"format":{"type":"json_object"}}}`, want: "must contain the word 'json'"},
		{body: ask + `,"text":{"format":{"type":"json_schema","schema":{}}}}`, want: "Missing required parameter: 'text.format.name'."},
		{body: ask + `,"text":{"format":{"type":"json_schema","name":"n"}}}`, want: "Missing required parameter: 'text.format.schema'."},
		{body: ask + `,"text":{"format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}}}}`, want: "Unknown parameter: 'text.format.json_schema'."},
		{body: ask + `,"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":` + closed + `}}}`, want: "Missing 'a'"},
		{body: ask + `,"tools":[{"type":"function","function":{"name":"f"}}]}`, want: "Unknown parameter: 'tools[0].function'."},
		{body: ask + `,"tools":[{"type":"function"}]}`, want: "Missing required parameter: 'tools[0].name'."},
		{body: ask + `,"tools":[{"type":"function","name":"a.b"}]}`, want: "Invalid 'tools[0].name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]{1,64}$'."},
		{body: ask + `,"tools":[{"type":"function","name":"` + strings.Repeat("a", 65) + `"}]}`, want: "does not match pattern"},
		{body: ask + `,"tools":[{"type":"function","name":"f","strict":true,"parameters":` + closed + `}]}`, want: "Missing 'a'"},
		{body: ask + `,"tools":[{"type":"function","name":"f","parameters":{"type":"array"}}]}`, want: "Invalid schema for function 'f'"},
		{body: ask + `,"tools":[{"type":"magic","name":"f"}]}`, want: "Invalid value: 'magic'"},
		{body: ask + `,"tools":[{"type":"custom","name":"f","format":{"type":"grammar","syntax":"bnf","definition":"x"}}]}`, want: "Supported values are: 'lark', 'regex'"},
		{body: ask + `,"tool_choice":"required"}`, want: "must be specified with 'tools'"},
		{body: ask + offered + `,"tool_choice":{"type":"function","name":"g"}}`, want: "not found in 'tools' parameter"},
		{body: ask + offered + `,"tool_choice":{"type":"function","function":{"name":"f"}}}`, want: "Unknown parameter: 'tool_choice.function'."},
		{body: ask + offered + `,"tool_choice":{"type":"web_search"}}`, want: "Tool choice 'web_search' not found"},
		{body: with + `5]}`, want: "Invalid type for 'input[0]': expected an object, but got an integer instead."},
		{body: with + `{"type":"magic"}]}`, want: "Invalid value: 'magic'"},
		{body: with + `{"role":"tool","content":"x"}]}`, want: "Invalid value: 'tool'. Supported values are: 'assistant', 'system', 'developer', 'user'."},
		{body: with + `{"role":"user"}]}`, want: "Missing required parameter: 'input[0].content'."},
		{body: with + `{"role":"user","content":"x","name":"n"}]}`, want: "Unknown parameter: 'input[0].name'."},
		{body: with + `{"role":"user","content":[{"type":"text","text":"x"}]}]}`, want: "Invalid value: 'text'. Supported values are: 'input_text', 'input_image', 'input_file'."},
		{body: with + `{"role":"assistant","content":[{"type":"input_text","text":"x"}]}]}`, want: "Invalid value: 'input_text'. Supported values are: 'output_text', 'refusal'."},
		{body: with + `{"role":"user","content":[{"type":"input_image","image_url":{"url":"https://example.org/a.png"}}]}]}`, want: "expected a string, but got an object"},
		{body: with + `{"role":"user","content":[{"type":"input_image","image_url":"nowhere"}]}]}`, want: "base64-encoded data URL"},
		{body: with + `{"role":"user","content":[{"type":"input_file","file_data":"data:application/pdf;base64,AAAA"}]}]}`, want: "Missing required parameter: 'input[0].content[0].filename'."},
		{body: with + `{"role":"user","content":"x","id":"fc_1"}]}`, want: "Invalid 'input[0].id': 'fc_1'. Expected an ID that begins with 'msg'."},
		{body: with + `{"role":"user","content":"x","id":"msg_ä"}]}`, want: "letters, numbers, underscores, or dashes"},
		{body: with + user + `,` + output + `]}`, want: "No tool call found for function call output with call_id c1."},
		{body: with + user + `,` + output + `,` + call + `]}`, want: "No tool call found"},
		{body: with + user + `,` + call + `]}`, want: "No tool output found for function call c1."},
		{body: with + user + `,` + call + `,` + call + `,` + output + `]}`, want: "Duplicate item found with call_id c1."},
		{body: with + user + `,` + call + `,` + output + `,` + output + `]}`, want: "Duplicate output"},
		{body: with + user + `,` + call + `,{"type":"custom_tool_call_output","call_id":"c1","output":"x"}]}`, want: "No tool call found for custom tool call output with call_id c1."},
		{body: with + user + `,{"type":"custom_tool_call","call_id":"c1","name":"f","input":"x"}]}`, want: "No tool output found for custom tool call c1."},
		{body: with + user + `,` + strings.ReplaceAll(call+`,`+output, "c1", strings.Repeat("c", 65)) + `]}`, want: "Invalid 'input[1].call_id': string too long. Expected a string with maximum length 64, but got a string with length 65 instead."},
		{body: with + user + `,` + strings.ReplaceAll(call, "c1", "") + `]}`, want: "Invalid 'input[1].call_id': empty string."},
		{body: with + user + `,` + strings.Replace(call, `"{}"`, `{}`, 1) + `,` + output + `]}`, want: "Invalid type for 'input[1].arguments': expected a string, but got an object instead."},
		{body: with + user + `,` + strings.Replace(call, `"f"`, `"a b"`, 1) + `,` + output + `]}`, want: "Invalid 'input[1].name': string does not match pattern"},
		{body: with + user + `,` + call + `,{"type":"function_call_output","call_id":"c1"}]}`, want: "Missing required parameter: 'input[2].output'."},
		{body: with + user + `,` + strings.Replace(call, `"call_id"`, `"id":"fc_1","call_id"`, 1) + `,` + strings.Replace(output, `"call_id"`, `"id":"fc_1","call_id"`, 1) + `]}`, want: "Duplicate item found with id fc_1. Remove duplicate items"},
		{body: with + user + `,{"type":"reasoning","id":"rs_1","summary":[]},{"role":"assistant","content":"x"}]}`, want: "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.", status: 404},
		{body: with + user + `,{"type":"item_reference","id":"msg_1"}]}`, want: "Item with id 'msg_1' not found.", status: 404},
		{body: with + user + `,{"type":"reasoning","id":"rs_1"},{"role":"assistant","content":"x"}]}`, want: "Missing required parameter: 'input[1].summary'."},
		{body: with + user + `,{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAAAABsomething"},{"role":"assistant","content":"x"}]}`, want: "The encrypted content gAAA...hing could not be verified."},
	})
	for _, body := range []string{
		with + user + `,` + call + `,` + output + `]}`,
		with + `{"role":"developer","content":[{"type":"input_text","text":"x"}]},` + user + `,{"role":"assistant","content":"yes"},{"type":"message","role":"user","content":[{"type":"input_text","text":"so?"}]}]}`,
		with + user + `,` + call + `,{"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"x"}]}]}`,
		with + user + `,{"type":"message","id":"msg_abc","role":"assistant","status":"completed","content":[{"type":"output_text","text":"x","annotations":[]}]},` + user + `]}`,
		ask + `,"tools":[{"type":"web_search"},{"type":"mcp","server_label":"s","server_url":"https://example.org"}],"tool_choice":{"type":"web_search"}}`,
		ask + `,"temperature":2,"top_p":1.0,"user":"u","metadata":{"a":"b"},"store":false,"service_tier":"auto","truncation":"auto","max_output_tokens":16,"parallel_tool_calls":true}`,
	} {
		r.ok(responsesPath, body)
	}
	refused(r, "/v1/completions", openaiMessage, []refusedCase{
		{body: `{"prompt":"x"}`, want: "must provide a model"},
		{body: head + `"prompt":[]}`, want: "empty array"},
		{body: head + `"prompt":[1,"x"]}`, want: "array of integers"},
		{body: head + `"prompt":{}}`, want: "one of a string or an array"},
		{body: head + `"messages":[]}`, want: "Unknown parameter: 'messages'."},
		{body: head + `"prompt":"x","logprobs":6}`, want: "integer above maximum value"},
		{body: head + `"prompt":"x","n":2,"best_of":1}`, want: "'n' (currently 2) to be at most 'best_of' (currently 1)"},
		{body: head + `"prompt":"x","stream_options":{}}`, want: "only allowed when 'stream'"},
	})
}

// TestReasoningItems holds the rules for a thought: it comes back unaltered, and with what came after it.
func TestReasoningItems(t *testing.T) {
	r := start(t, &sim.Provider{})
	const tools = `,"tools":[{"type":"function","name":"get_weather","parameters":` + weatherSchema + `}]`
	for _, more := range []string{`,"store":false`, `,"include":["reasoning.encrypted_content"],"reasoning":{"summary":"detailed"}`} {
		a := r.ok(responsesPath, `{"model":"sim-think","input":"get_weather"`+more+tools+`}`)
		items := list(a, "output")
		if len(items) != 2 || text(items, 0, "type") != "reasoning" || text(items, 1, "type") != "function_call" || text(items, 0, "encrypted_content") == "" {
			t.Fatalf("%v", a)
		}
		if parts := len(list(items, 0, "summary")); parts != 0 && parts != 2 {
			t.Errorf("%d parts of a summary", parts)
		}
		next := func(items ...any) (int, string) {
			all := append([]any{map[string]any{"role": "user", "content": "get_weather"}}, items...)
			all = append(all, map[string]any{"type": "function_call_output", "call_id": text(items[len(items)-1], "call_id"), "output": "rain"})
			in, _ := json.Marshal(all)
			res, body, _ := r.do(responsesPath, fmt.Sprintf(`{"model":"sim-think","store":false,"input":%s%s}`, in, tools))
			return res.StatusCode, body
		}
		if code, body := next(items...); code != 200 || !strings.Contains(body, "get_weather returned: “rain”") {
			t.Fatalf("%d %s", code, body)
		}
		id := text(items, 0, "id")
		if code, body := next(items[1]); code != 400 || !strings.Contains(body, "of type 'function_call' was provided without its required 'reasoning' item: '"+id+"'.") {
			t.Errorf("without its thought: %d %s", code, body)
		}
		call := items[1].(map[string]any)
		bare := map[string]any{"type": "function_call", "call_id": call["call_id"], "name": call["name"], "arguments": call["arguments"]}
		if code, body := next(bare); code != 200 {
			t.Errorf("without its thought and its id: %d %s", code, body)
		}
		thought := items[0].(map[string]any)
		thought["encrypted_content"] = "x" + text(thought, "encrypted_content")[1:]
		if code, body := next(items...); code != 400 || text(decode(t, body), "error", "code") != "invalid_encrypted_content" {
			t.Errorf("altered: %d %s", code, body)
		}
	}
	// What a stream says of the cipher first is not yet it.
	_, raw, _ := r.do(responsesPath, `{"model":"sim-think","input":"x","store":false,"stream":true}`)
	var ciphers []string
	for _, e := range events(t, raw) {
		if e.event == "response.output_item.added" || e.event == "response.output_item.done" {
			if c := text(decode(t, e.data), "item", "encrypted_content"); c != "" {
				ciphers = append(ciphers, c)
			}
		}
	}
	if len(ciphers) != 2 || ciphers[0] == ciphers[1] {
		t.Errorf("%q", ciphers)
	}
	// A thought that nothing follows, at the end or before the user's turn.
	for _, tail := range []string{``, `,{"role":"user","content":"so?"}`} {
		body := fmt.Sprintf(`{"model":"sim-think","input":[{"role":"user","content":"x"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":%q}%s]}`, ciphers[1], tail)
		if res, got, _ := r.do(responsesPath, body); res.StatusCode != 400 || !strings.Contains(got, "Item 'rs_1' of type 'reasoning' was provided without its required following item.") {
			t.Errorf("%d %s", res.StatusCode, got)
		}
	}
	if a := r.ok(responsesPath, `{"model":"sim-think","input":"x"}`); at(a, "output", 0, "encrypted_content") != nil {
		t.Errorf("a cipher nobody asked for: %v", a)
	}
}
