package sim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"weir/internal/sim"
)

const conversePath = "/model/sim-1/converse"

func plainMessage(v map[string]any) string { return text(v, "message") }

// TestStrictBedrock: what AWS refuses is refused, in its words.
func TestStrictBedrock(t *testing.T) {
	r := start(t, &sim.Provider{})
	const (
		user    = `{"role":"user","content":[{"text":"hi"}]}`
		with    = `{"messages":[`
		ask     = with + user + `]`
		call    = `{"role":"assistant","content":[{"toolUse":{"toolUseId":"t1","name":"f","input":{}}}]}`
		two     = `{"role":"assistant","content":[{"toolUse":{"toolUseId":"t1","name":"f","input":{}}},{"toolUse":{"toolUseId":"t2","name":"f","input":{}}}]}`
		result  = `{"toolResult":{"toolUseId":"t1","content":[{"text":"x"}]}}`
		answer  = `{"role":"user","content":[` + result + `]}`
		offered = `,"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object"}}}}]}`
		text    = `{"document":{"name":"a","format":"txt","source":{"bytes":"aGVsbG8="}}}`
	)
	documents := func(names ...string) string {
		out := `{"text":"see"}`
		for _, n := range names {
			out += `,` + strings.Replace(text, `"a"`, `"`+n+`"`, 1)
		}
		return with + `{"role":"user","content":[` + out + `]}]}`
	}
	refused(r, conversePath, plainMessage, []refusedCase{
		{body: `{`, want: "not valid JSON"},
		{body: `{}`, want: "1 validation error detected: Value null at 'messages' failed to satisfy constraint: Member must not be null"},
		{body: `{"messages":[]}`, want: "The messages field is empty."},
		{body: ask + `,"foo":1}`, want: "Malformed input request: #: extraneous key [foo] is not permitted, please reformat your input and try again."},
		{body: ask + `,"model":"sim-1"}`, want: "extraneous key [model]"},
		{body: with + `{"role":"user","content":[{"text":"hi","cache_control":{}}]}]}`, want: "Malformed input request: #/messages/0/content/0: extraneous key [cache_control]"},
		{body: with + `{"role":"user","content":"hi"}]}`, want: "Unexpected value type in payload at messages.0.content"},
		{body: with + `{"role":"user"}]}`, want: "Value null at 'messages.1.member.content' failed to satisfy constraint: Member must not be null"},
		{body: with + `{"role":"system","content":[{"text":"x"}]}]}`, want: "Value 'system' at 'messages.1.member.role' failed to satisfy constraint: Member must satisfy enum value set: [user, assistant]"},
		{body: with + `{"role":"assistant","content":[{"text":"x"}]}]}`, want: "A conversation must start with a user message."},
		{body: with + user + `,` + user + `]}`, want: "A conversation must alternate between user and assistant roles."},
		{body: with + `{"role":"user","content":[]}]}`, want: "The content field in the Message object at messages.0 is empty."},
		{body: with + `{"role":"user","content":[{"text":""}]}]}`, want: "The text field in the ContentBlock object at messages.0.content.0 is blank."},
		{body: with + `{"role":"user","content":[{"text":"x"},{"text":" \n"}]}]}`, want: "messages.0.content.1 is blank"},
		{body: with + `{"role":"user","content":[{}]}]}`, want: "The ContentBlock object at messages.0.content.0 must set one of the following keys: audio,"},
		{body: with + `{"role":"user","content":[{"text":"x","image":{"format":"png","source":{"bytes":"AAAA"}}}]}]}`, want: "must set one of the following keys"},
		{body: ask + `,"system":[{"text":" "}]}`, want: "The text field in the SystemContentBlock object at system.0 is blank."},
		{body: ask + `,"system":[{"text":""}]}`, want: "Member must have length greater than or equal to 1"},
		{body: ask + `,"system":"x"}`, want: "Unexpected value type in payload at system"},
		{body: ask + `,"inferenceConfig":{"temperature":1.5}}`, want: "Value '1.5' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1"},
		{body: ask + `,"inferenceConfig":{"maxTokens":0}}`, want: "Member must have value greater than or equal to 1"},
		{body: ask + `,"inferenceConfig":{"maxTokens":1000000}}`, want: "The maximum tokens you requested exceeds the model limit of 128000."},
		{body: ask + `,"inferenceConfig":{"topK":5}}`, want: "#/inferenceConfig: extraneous key [topK]"},
		{body: ask + `,"inferenceConfig":{"stopSequences":[" "]}}`, want: "non-whitespace"},
		{body: ask + `,"additionalModelRequestFields":{"reasoning_effort":"low"}}`, want: "reasoning_effort: Extra inputs are not permitted"},
		{body: ask + `,"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":100}}}`, want: "greater than or equal to 1024"},
		{body: ask + `,"inferenceConfig":{"maxTokens":2000},"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":2000}}}`, want: "`max_tokens` must be greater than"},
		{body: ask + `,"inferenceConfig":{"temperature":0.5},"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":2000}}}`, want: "only be set to 1"},
		{body: ask + `,"requestMetadata":{"a":"ü!"}}`, want: "Member must satisfy regular expression pattern"},
		{body: ask + `,"serviceTier":{"type":"auto"}}`, want: "enum value set: [priority, default, flex, reserved]"},
		{body: ask + `,"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":{}}}}}}`, want: "Unexpected value type in payload at outputConfig.textFormat.structure.jsonSchema.schema"},
		{body: ask + `,"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{"}}}}}`, want: "is not valid JSON"},
		{body: ask + `,"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\":\"object\"}"}}}}}`, want: "additionalProperties"},
		{body: ask + `,"toolConfig":{"tools":[]}}`, want: "at 'toolConfig.tools' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{body: ask + `,"toolConfig":{"tools":[{"toolSpec":{"name":"a b","inputSchema":{"json":{"type":"object"}}}}]}}`, want: "Value 'a b' at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"},
		{body: ask + `,"toolConfig":{"tools":[{"toolSpec":{"name":"` + strings.Repeat("a", 65) + `","inputSchema":{"json":{"type":"object"}}}}]}}`, want: "Member must have length less than or equal to 64"},
		{body: ask + `,"toolConfig":{"tools":[{"toolSpec":{"name":"f"}}]}}`, want: "Value null at 'toolConfig.tools.1.member.toolSpec.inputSchema'"},
		{body: ask + `,"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"type":"object"}}}]}}`, want: "extraneous key [type]"},
		{body: ask + `,"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}}]}}`, want: "inputSchema.json.type must be one of the following: object."},
		{body: ask + `,"toolConfig":{"tools":[{"toolSpec":{"name":"f","description":"","inputSchema":{"json":{"type":"object"}}}}]}}`, want: "length greater than or equal to 1"},
		{body: ask + strings.Replace(offered, `}]}`, `},`+strings.TrimPrefix(offered, `,"toolConfig":{"tools":[`), 1) + `}`, want: "already defined"},
		{body: ask + strings.TrimSuffix(offered, `}`) + `,"toolChoice":{"none":{}}}}`, want: "extraneous key [none]"},
		{body: ask + strings.TrimSuffix(offered, `}`) + `,"toolChoice":{"tool":{"name":"g"}}}}`, want: "The tool g at toolConfig.toolChoice.tool is not among the tools"},
		{body: with + user + `,` + call + `,` + answer + `]}`, want: "The toolConfig field must be defined when using toolUse and toolResult content blocks."},
		{body: with + user + `,` + call + `]` + offered + `}`, want: "Expected toolResult blocks at messages.2.content for the following Ids: t1"},
		{body: with + user + `,` + call + `,` + user + `]` + offered + `}`, want: "Expected toolResult blocks at messages.2.content for the following Ids: t1"},
		{body: with + user + `,` + two + `,` + answer + `]` + offered + `}`, want: "Expected toolResult blocks at messages.2.content for the following Ids: t2"},
		{body: with + answer + `]` + offered + `}`, want: "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of previous turn."},
		{body: with + user + `,` + call + `,{"role":"user","content":[` + result + `,` + result + `]}]` + offered + `}`, want: "exceeds the number of toolUse blocks"},
		{body: with + user + `,` + call + `,{"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[{"json":[1]}]}}]}]` + offered + `}`, want: "Unexpected value type in payload at messages.2.content.0.toolResult.content.0.json"},
		{body: with + user + `,` + strings.Replace(call, `"input":{}`, `"input":"{}"`, 1) + `,` + answer + `]` + offered + `}`, want: "messages.1.content.0.toolUse.input is invalid. Provide a json object for the field and try again."},
		{body: with + user + `,` + strings.ReplaceAll(call+`,`+answer, "t1", "a b") + `]` + offered + `}`, want: "Value 'a b' at 'messages.2.member.content.1.member.toolUse.toolUseId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.:-]+"},
		{body: with + `{"role":"user","content":[{"toolUse":{"toolUseId":"t1","name":"f","input":{}}}]}]` + offered + `}`, want: "only supported in assistant messages"},
		{body: with + user + `,{"role":"assistant","content":[{"image":{"format":"png","source":{"bytes":"AAAA"}}}]}]}`, want: "only supported in user messages"},
		{body: with + `{"role":"user","content":[{"image":{"format":"bmp","source":{"bytes":"AAAA"}}}]}]}`, want: "enum value set: [png, jpeg, gif, webp]"},
		{body: with + `{"role":"user","content":[{"image":{"format":"png","source":{"bytes":"AAAA"}}}]}]}`, want: "Could not process image"},
		{body: with + `{"role":"user","content":[{"image":{"format":"png","source":{"url":"https://example.org/a.png"}}}]}]}`, want: "extraneous key [url]"},
		{body: with + `{"role":"user","content":[` + text + `]}]}`, want: "A text block must be included when using documents."},
		{body: documents("a.txt"), want: "can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets"},
		{body: documents("a  b"), want: "more than one consecutive whitespace"},
		{body: documents("a", "a"), want: "Messages can't contain duplicate document names."},
		{body: documents("a", "b", "c", "d", "e", "f"), want: "You can't include more than 5 documents in a request."},
		{body: with + user + `,{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t"}}},{"text":"x"}]},` + user + `]}`, want: "signature: Field required"},
		{body: with + user + `,{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"abc"}}},{"text":"x"}]},` + user + `]}`, want: "messages.1.content.0: Invalid `signature` in `thinking` block"},
		{body: with + user + `,{"role":"assistant","content":[{"reasoningContent":{"redactedContent":"YWJj"}},{"text":"x"}]},` + user + `]}`, want: "Invalid `data` in `redacted_thinking` block"},
	})
	for _, body := range []string{
		with + user + `,` + two + `,{"role":"user","content":[{"text":"first"},{"toolResult":{"toolUseId":"t2","content":[],"status":"error"}},{"toolResult":{"toolUseId":"t1","content":[{"json":{"a":1}},{"text":""}]}}]}]` + offered + `}`,
		documents("a", "b 2 (x) [y] -z"),
		with + user + `,{"role":"assistant","content":[{"text":"pre"}]}],"inferenceConfig":{"maxTokens":10,"temperature":1,"topP":0.5,"stopSequences":["x"]},"requestMetadata":{"a":"b"},"performanceConfig":{"latency":"standard"}}`,
		ask + `,"system":[{"text":"x"},{"cachePoint":{"type":"default"}}],"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object"}}}},{"cachePoint":{"type":"default","ttl":"1h"}}],"toolChoice":{"auto":{}}}}`,
	} {
		r.ok(conversePath, body)
	}
	res, got, _ := r.do("/model/none/converse", ask+`}`)
	if res.StatusCode != 400 || !strings.Contains(got, "The provided model identifier is invalid.") || !strings.HasPrefix(res.Header.Get("X-Amzn-Errortype"), "ValidationException:") {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, got)
	}
	if res, got, _ := r.do("/model/sim-1/none", ask+`}`); res.StatusCode != http.StatusNotFound || !strings.Contains(got, "message") {
		t.Errorf("%d %s", res.StatusCode, got)
	}
}

// TestReasoningConverse holds the seal: a thought comes back as it was or is refused, and with the calls it led to.
func TestReasoningConverse(t *testing.T) {
	r := start(t, &sim.Provider{})
	const more = `,"toolConfig":{"tools":[{"toolSpec":{"name":"get_weather","inputSchema":{"json":` + weatherSchema + `}}}]},"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":2000}}`
	const user = `{"role":"user","content":[{"text":"get_weather"}]}`
	for _, model := range []string{"sim-1", "sim-redacted"} {
		path := "/model/" + model + "/converse"
		content := list(r.ok(path, `{"messages":[`+user+`]`+more+`}`), "output", "message", "content")
		if len(content) != 3 || at(content, 0, "reasoningContent") == nil || text(content, 2, "toolUse", "name") != "get_weather" {
			t.Fatalf("%v", content)
		}
		try := func(content []any, status int, want string) {
			t.Helper()
			past, _ := json.Marshal(content)
			body := fmt.Sprintf(`{"messages":[%s,{"role":"assistant","content":%s},{"role":"user","content":[{"toolResult":{"toolUseId":%q,"content":[{"text":"rain"}]}}]}]%s}`,
				user, past, text(content, len(content)-1, "toolUse", "toolUseId"), more)
			if res, got, _ := r.do(path, body); res.StatusCode != status || !strings.Contains(got, want) {
				t.Errorf("%s: %d %s, want %d %s", model, res.StatusCode, got, status, want)
			}
		}
		try(content, 200, "get_weather returned: “rain”")
		try(content[1:], 400, "Expected `thinking` or `redacted_thinking`, but found `tool_use`")
		reasoning := at(content, 0, "reasoningContent").(map[string]any)
		if model == "sim-redacted" {
			reasoning["redactedContent"] = "AAAA" + text(reasoning, "redactedContent")[4:]
			try(content, 400, "Invalid `data`")
			continue
		}
		reasoning["reasoningText"].(map[string]any)["text"] = "another thought"
		try(content, 400, "Invalid `signature`")
	}
}

// TestCachePoints: what is before a mark is kept and read again, beside the other input.
func TestCachePoints(t *testing.T) {
	r := start(t, &sim.Provider{})
	ask := func(more string) string {
		return `{"system":[{"text":"Be helpful."},{"cachePoint":{"type":"default"` + more + `}}],"messages":[{"role":"user","content":[{"text":"12345678"}]}]}`
	}
	first, second := r.ok(conversePath, ask(`,"ttl":"1h"`)), r.ok(conversePath, ask(""))
	if u := first["usage"]; num(u, "inputTokens") != 10 || num(u, "cacheWriteInputTokens") != 3 || num(u, "totalTokens") != 13+num(u, "outputTokens") || text(u, "cacheDetails", 0, "ttl") != "1h" {
		t.Errorf("%v", u)
	}
	if u := second["usage"]; num(u, "inputTokens") != 10 || num(u, "cacheReadInputTokens") != 3 || num(u, "cacheWriteInputTokens") != 0 {
		t.Errorf("%v", u)
	}
}
