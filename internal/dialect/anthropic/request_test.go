package anthropic

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

func ptr[T any](v T) *T { return &v }

func seal(data string) llm.Seal {
	return llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: data}
}

// everything uses each member a request may have.
const everything = `{
 "model": "claude-x", "max_tokens": 2048, "stream": true,
 "system": [{"type":"text","text":"Be kind.","cache_control":{"type":"ephemeral","ttl":"1h"}}],
 "messages": [
  {"role":"user","content":"Hello"},
  {"role":"assistant","content":[
    {"type":"thinking","thinking":"Hm.","signature":"c2ln"},
    {"type":"redacted_thinking","data":"ZGF0YQ=="},
    {"type":"text","text":"I look.","citations":[{"type":"char_location","cited_text":"q","document_index":0,"document_title":"T","start_char_index":1,"end_char_index":9,"file_id":null}]},
    {"type":"tool_use","id":"toolu_1","name":"look","input":{"at":"sky",  "n":1.0e2},"caller":{"type":"direct"}},
    {"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"sky"}},
    {"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"u","title":"t","encrypted_content":"e"}]},
    {"type":"mcp_tool_use","id":"mcptoolu_1","name":"echo","server_name":"demo","input":{}},
    {"type":"mcp_tool_result","tool_use_id":"mcptoolu_1","is_error":true,"content":[{"type":"text","text":"no"}]}]},
  {"role":"user","content":[
    {"type":"tool_result","tool_use_id":"toolu_1","is_error":true,"content":[
      {"type":"text","text":"blue"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}},
      {"type":"search_result","source":"s","title":"t","content":[]}],"cache_control":{"type":"ephemeral"}},
    {"type":"image","source":{"type":"url","url":"https://e.x/a.png"}},
    {"type":"image","source":{"type":"file","file_id":"file_1"}},
    {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"},"title":"D","context":"c","citations":{"enabled":true}},
    {"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}},
    {"type":"document","source":{"type":"content","content":"chunk"}},
    {"type":"document","source":{"type":"content","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},"title":"X"},
    {"type":"container_upload","file_id":"file_2"}]},
  {"role":"system","content":"Now be brief."},
  {"role":"assistant","content":"The sky "}],
 "tools": [
  {"name":"look","description":"Looks.","input_schema":{"type":"object",  "properties":{}},"strict":true,"defer_loading":true,"cache_control":{"type":"ephemeral"},"allowed_callers":["direct"]},
  {"type":"web_search_20250305","name":"web_search","max_uses":3},
  {"type":"bash_20250124","name":"bash"}],
 "tool_choice": {"type":"tool","name":"look","disable_parallel_tool_use":true},
 "thinking": {"type":"enabled","budget_tokens":1024,"display":"omitted"},
 "output_config": {"effort":"high","format":{"type":"json_schema","schema":{"type":"object"}},"task_budget":{"type":"tokens","total":20000}},
 "temperature": 1.0, "top_p": 0.95, "top_k": 40, "stop_sequences": ["END",""],
 "metadata": {"user_id":"u1","other":true}, "service_tier": "auto",
 "cache_control": {"type":"ephemeral"},
 "container": "c1", "mcp_servers": [{"type":"url","url":"https://e.x","name":"demo"}], "context_management": {"edits":[]},
 "thread": {"type":"create"}, "nothing": null
}`

func everythingDecoded() *llm.Request {
	text := func(s string) []llm.Part { return []llm.Part{{Kind: llm.PartText, Text: s}} }
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	return &llm.Request{
		From: llm.AnthropicMessages, Model: "claude-x", MaxOutput: 2048, Stream: true,
		Messages: []llm.Message{
			{Role: llm.System, Parts: []llm.Part{{Kind: llm.PartText, Text: "Be kind.", Cache: &llm.CacheMark{TTL: "1h"}}}},
			{Role: llm.User, Parts: text("Hello")},
			{Role: llm.Assistant, Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "Hm.", Seal: seal("c2ln")},
				{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "ZGF0YQ=="}},
				{Kind: llm.PartText, Text: "I look.", Cites: []llm.Cite{{Kind: "document", Unit: "char", Quote: "q", Title: "T", From: 1, To: 9}}},
				{Kind: llm.PartCall, ID: "toolu_1", Name: "look", Args: `{"at":"sky",  "n":1.0e2}`, Extra: llm.Extra{"caller": raw(`{"type":"direct"}`)}},
				{Kind: llm.PartCall, By: llm.ByServer, ID: "srvtoolu_1", Name: "web_search", Args: `{"query":"sky"}`},
				{Kind: llm.PartResult, By: llm.ByServer, ID: "srvtoolu_1", Name: "web_search", Raw: raw(`{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"u","title":"t","encrypted_content":"e"}]}`)},
				{Kind: llm.PartCall, By: llm.ByMCP, ID: "mcptoolu_1", Name: "echo", Args: `{}`, Extra: llm.Extra{"server_name": raw(`"demo"`)}},
				{Kind: llm.PartResult, By: llm.ByMCP, ID: "mcptoolu_1", Name: "echo", Failed: true, Raw: raw(`{"type":"mcp_tool_result","tool_use_id":"mcptoolu_1","is_error":true,"content":[{"type":"text","text":"no"}]}`)},
			}},
			{Role: llm.User, Parts: []llm.Part{
				{Kind: llm.PartResult, ID: "toolu_1", Name: "look", Failed: true, Cache: &llm.CacheMark{}, Result: []llm.Part{
					{Kind: llm.PartText, Text: "blue"},
					{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "iVBO"}},
					{Kind: llm.PartOpaque, Name: "search_result", Raw: raw(`{"type":"search_result","source":"s","title":"t","content":[]}`)},
				}},
				{Kind: llm.PartImage, Media: &llm.Blob{URL: "https://e.x/a.png"}},
				{Kind: llm.PartImage, Media: &llm.Blob{FileID: "file_1"}},
				{Kind: llm.PartFile, Media: &llm.Blob{Type: "application/pdf", Data: "JVBE", Name: "D", Cite: true}, Extra: llm.Extra{"context": raw(`"c"`)}},
				{Kind: llm.PartFile, Media: &llm.Blob{Type: "text/plain", Text: "plain"}},
				{Kind: llm.PartFile, Media: &llm.Blob{Source: "content", Text: "chunk"}},
				{Kind: llm.PartOpaque, Name: "document", Raw: raw(`{"type":"document","source":{"type":"content","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},"title":"X"}`)},
				{Kind: llm.PartOpaque, Name: "container_upload", Raw: raw(`{"type":"container_upload","file_id":"file_2"}`)},
			}},
			{Role: llm.System, Parts: text("Now be brief.")},
			{Role: llm.Assistant, Parts: text("The sky ")},
		},
		Tools: []llm.Tool{
			{
				Kind: llm.ToolFunction, Name: "look", Description: "Looks.", Schema: raw(`{"type":"object",  "properties":{}}`), Strict: ptr(true),
				Defer: true, Cache: &llm.CacheMark{}, Extra: llm.Extra{"allowed_callers": raw(`["direct"]`)},
			},
			{Kind: llm.ToolServer, Name: "web_search", Raw: raw(`{"type":"web_search_20250305","name":"web_search","max_uses":3}`)},
			{Kind: llm.ToolServer, Name: "bash", Raw: raw(`{"type":"bash_20250124","name":"bash"}`)},
		},
		Choice:    llm.ToolChoice{Mode: "one", Name: "look", Parallel: ptr(false)},
		Output:    llm.Output{Kind: "schema", Schema: raw(`{"type":"object"}`)},
		Sampling:  llm.Sampling{Temperature: "1.0", TopP: "0.95", TopK: "40"},
		Reasoning: llm.Reasoning{Mode: "on", Effort: "high", Budget: "1024", Show: ptr(false)},
		Stop:      []string{"END", ""}, User: "u1", Tier: "auto",
		Cache: llm.Cache{Auto: &llm.CacheMark{}},
		Extra: llm.Extra{
			"container": raw(`"c1"`), "mcp_servers": raw(`[{"type":"url","url":"https://e.x","name":"demo"}]`),
			"context_management": raw(`{"edits":[]}`), "thread": raw(`{"type":"create"}`),
			"metadata": raw(`{"other":true}`), "output_config": raw(`{"task_budget":{"type":"tokens","total":20000}}`),
		},
	}
}

func TestDecodeRequest(t *testing.T) {
	got := decodeRequest(t, everything)
	if d := cmp.Diff(everythingDecoded(), got, same); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
	for path, at := range map[string]string{
		"system":                            got.Messages[0].Path,
		"system[0]":                         got.Messages[0].Parts[0].Path,
		"messages[0].content":               got.Messages[1].Parts[0].Path,
		"messages[1]":                       got.Messages[2].Path,
		"messages[1].content[3]":            got.Messages[2].Parts[3].Path,
		"messages[2].content[0].content[1]": got.Messages[3].Parts[0].Result[1].Path,
		"tools[1]":                          got.Tools[1].Path,
	} {
		if at != path {
			t.Errorf("path is %q, want %q", at, path)
		}
	}
}

func TestRequestStays(t *testing.T) {
	for name, body := range map[string]string{
		"everything":     everything,
		"least":          `{"model":"m","max_tokens":1,"messages":[]}`,
		"zero output":    `{"model":"m","max_tokens":0,"messages":[{"role":"user","content":"x"}]}`,
		"adaptive":       `{"model":"m","max_tokens":1,"messages":[],"thinking":{"type":"adaptive","display":"summarized"}}`,
		"new thinking":   `{"model":"m","max_tokens":1,"messages":[],"thinking":{"type":"dreaming","display":"wide","depth":3}}`,
		"thinking off":   `{"model":"m","max_tokens":1,"messages":[],"thinking":{"type":"disabled"}}`,
		"any tool":       `{"model":"m","max_tokens":1,"messages":[],"tool_choice":{"type":"any","disable_parallel_tool_use":false}}`,
		"new choice":     `{"model":"m","max_tokens":1,"messages":[],"tool_choice":{"type":"some","of":["a"]}}`,
		"new format":     `{"model":"m","max_tokens":1,"messages":[],"output_config":{"format":{"type":"grammar","g":1}}}`,
		"new mark":       `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","scope":"org"}}]}],"cache_control":{"type":"forever"}}`,
		"system in turn": `{"model":"m","max_tokens":1,"system":"a","messages":[{"role":"system","content":"b"},{"role":"user","content":"c","extra":1}]}`,
		"empty texts":    `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":""}]},{"role":"assistant","content":""}]}`,
		"neighbours":     `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"},{"type":"tool_result","tool_use_id":"x!"}]}]}`,
		"unsealed":       `{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":""}]}]}`,
		"odd source":     `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"a/b","data":"AA","more":1}},{"type":"document","source":{"type":"base64","data":"AA","media_type":"x"},"citations":{"enabled":true,"style":"long"}}]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			req := decodeRequest(t, body)
			again, losses := encodeRequest(t, req, llm.Facts{Model: req.Model})
			if len(losses) > 0 {
				t.Errorf("lost %s", paths(losses))
			}
			if d := cmp.Diff(req, decodeRequest(t, again), same); d != "" {
				t.Errorf("the request changed (-want +got):\n%s\n%s", d, again)
			}
			missing(t, body, again)
		})
	}
	older := decodeRequest(t, `{"model":"m","max_tokens":1,"messages":[],"output_format":{"type":"json_schema","schema":{}}}`)
	if older.Output.Kind != "schema" || older.Extra != nil {
		t.Errorf("output_format is read as %+v", older.Output)
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`{"model":"m"}`:                                                                       "messages",
		`{"model":"m","messages":{}}`:                                                         "messages",
		`{"model":"m","messages":["a"]}`:                                                      "messages[0]",
		`{"model":"m","messages":[{"role":"tool"}]}`:                                          "messages[0].role",
		`{"model":"m","messages":[{"role":"user","content":5}]}`:                              "messages[0].content",
		`{"model":"m","messages":[{"role":"user","content":["a"]}]}`:                          "messages[0].content[0]",
		`{"model":"m","messages":[{"role":"user","content":[{}]}]}`:                           "messages[0].content[0].type",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":1}]}]}`:     "messages[0].content[0].text",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"tool_use","id":"a"}]}]}`: "messages[0].content[0].name",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":1}]}]}]}`: "messages[0].content[0].content[0].text",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"u"},"title":5}]}]}`:               "messages[0].content[0].title",
		`{"model":"m","messages":[],"tools":{}}`:                       "tools",
		`{"model":"m","messages":[],"tools":[{"name":""}]}`:            "tools[0].name",
		`{"model":"m","messages":[],"tool_choice":"auto"}`:             "tool_choice",
		`{"model":"m","messages":[],"thinking":true}`:                  "thinking",
		`{"model":"m","messages":[],"thinking":{"budget_tokens":"a"}}`: "thinking.budget_tokens",
		`{"model":"m","messages":[],"temperature":"hot"}`:              "temperature",
		`{"model":"m","messages":[],"stop_sequences":"END"}`:           "stop_sequences",
		`{"model":"m","messages":[],"stop_sequences":[1]}`:             "stop_sequences[0]",
		`{"model":"m","messages":[],"metadata":{"user_id":1}}`:         "metadata.user_id",
		`{"model":"m","messages":[],"output_config":[]}`:               "output_config",
		`{"model":"m","messages":[],"system":7}`:                       "system",
	} {
		_, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
		var f *fault.Fault
		if !errors.As(err, &f) || f.Kind != fault.Malformed || f.Param != param || !strings.HasPrefix(f.Message, param) {
			t.Errorf("%s: %v, want param %s", body, err, param)
		}
	}
}
