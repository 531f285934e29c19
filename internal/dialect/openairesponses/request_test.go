package openairesponses

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func ptr[T any](v T) *T { return &v }

func TestDecodeRequest(t *testing.T) {
	r := decodeRequest(t, everything)
	text := func(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }
	want := &llm.Request{
		From: llm.OpenAIResponses, Model: "gpt-5", MaxOutput: 900, Stream: true,
		Sampling:  llm.Sampling{Temperature: "0.20", TopP: "1e0", TopLogprobs: 2, Logprobs: true},
		Reasoning: llm.Reasoning{Effort: "low", Summary: "auto", Extra: llm.Extra{"context": raw(`"all_turns"`)}},
		Output: llm.Output{
			Kind: "schema", Name: "answer", Description: "An answer", Strict: ptr(true), Schema: raw(`{"type": "object"}`), Verbosity: "low",
		},
		Thread: llm.Thread{
			Previous: "resp_0", Store: ptr(false), Background: true,
			Raw: raw(`{"conversation":{"id": "conv_1"},"prompt":{"id":"pmpt_1","variables":{"x": "y"}}}`),
		},
		Cache: llm.Cache{Key: "k", TTL: "24h"}, Tier: "flex", User: "u-1", Metadata: raw(`{"a": "b"}`), Include: []string{"reasoning.encrypted_content"},
		Choice: llm.ToolChoice{Mode: "any", Allowed: []string{"look", "shell"}, Parallel: ptr(false)},
		Extra: llm.Extra{
			"text": raw(`{"odd":1}`), "odd": raw(`{"a": [1, 2]}`), "safety_identifier": raw(`"s-1"`), "truncation": raw(`"auto"`), "max_tool_calls": raw("3"),
			"stream_options": raw(`{"include_obfuscation":false}`),
		},
		Tools: []llm.Tool{
			{Kind: llm.ToolFunction, Name: "look", Description: "Looks.", Schema: raw(`{"type": "object"}`), Strict: ptr(false), Defer: true, Extra: llm.Extra{"allowed_callers": raw(`["direct"]`)}},
			{Kind: llm.ToolCustom, Name: "shell", Grammar: raw(`{"type":"grammar","grammar":{"syntax":"lark","definition":"start: WORD"}}`)},
			{Kind: llm.ToolCustom, Name: "free", Grammar: raw(`{"type":"text"}`)},
			{Kind: llm.ToolGroup, Name: "crm", Description: "Customers.", Tools: []llm.Tool{{Kind: llm.ToolFunction, Name: "find", Schema: raw(`{}`)}}},
			{Kind: llm.ToolServer, Name: "web_search", Raw: raw(`{"type":"web_search","search_context_size":"low"}`)},
			{Kind: llm.ToolServer, Name: "mcp", Raw: raw(`{"type":"mcp","server_label":"wiki","server_url":"https://example.org/mcp","require_approval":"never"}`)},
		},
		Messages: []llm.Message{
			{Role: llm.System, Name: "instructions", Parts: []llm.Part{text("Be brief.")}},
			{Role: llm.Developer, Parts: []llm.Part{text("Be kind.")}},
			{Role: llm.User, Parts: []llm.Part{
				{Kind: llm.PartText, Text: "Grüße", Cache: &llm.CacheMark{}},
				{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "AAAA", Detail: "low"}},
				{Kind: llm.PartImage, Media: &llm.Blob{FileID: "file-1", Detail: "auto"}},
				{Kind: llm.PartFile, Media: &llm.Blob{Type: "application/pdf", Data: "BBBB", Name: "a.pdf"}},
				{Kind: llm.PartFile, Media: &llm.Blob{URL: "https://example.org/a.pdf"}},
				{Kind: llm.PartAudio, Media: &llm.Blob{Type: "audio/wav", Data: "UklG"}},
				{Kind: llm.PartOpaque, Name: "content.input_odd", Raw: raw(`{"type":"input_odd","odd": [1, 2]}`)},
			}},
			{Role: llm.Assistant, Parts: []llm.Part{
				{Kind: llm.PartReasoning, Summary: true, Text: "First", Item: "rs_1"},
				{Kind: llm.PartReasoning, Summary: true, Text: "Second", Item: "rs_1", Seal: llm.Seal{By: "openai", Form: "encrypted", Data: "gAAA"}},
				{Kind: llm.PartText, Text: "Grüße: so it is.", Item: "msg_1", Phase: "commentary", Cites: []llm.Cite{
					{Kind: "url", URL: "https://example.org", Title: "Example", Start: 9, End: 11},
					{Kind: "file", Source: "file-2", Title: "b.txt", Extra: llm.Extra{"index": raw("5")}},
					{Kind: "file", Source: "f", Title: "p.png", Extra: llm.Extra{"container_id": raw(`"c"`), "type": raw(`"container_file_citation"`)}},
				}},
				{Kind: llm.PartRefusal, Text: "Not that.", Item: "msg_1", Phase: "commentary"},
				{Kind: llm.PartCall, ID: "call_1", Item: "fc_1", Name: "look", Args: `{"at": 1}`, Extra: llm.Extra{"namespace": raw(`"crm"`)}},
				{Kind: llm.PartCall, ID: "call_2", Item: "ctc_1", Name: "shell", Args: "ls -l", Free: true},
				{Kind: llm.PartCall, By: llm.ByServer, ID: "ws_1", Item: "ws_1", Name: "web_search", Raw: raw(`{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"sky"}}`)},
			}},
			{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartResult, ID: "call_1", Name: "look", Result: []llm.Part{
				text("blue"), {Kind: llm.PartImage, Media: &llm.Blob{URL: "https://example.org/a.png"}},
			}}}},
			{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartResult, ID: "call_2", Name: "shell", Raw: raw(`"custom_tool_call_output"`), Result: []llm.Part{text("a b")}}}},
			{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartOpaque, Name: "computer_call_output", Raw: raw(`{"type":"computer_call_output","call_id":"call_3","output":{"type":"computer_screenshot","file_id":"file-9"}}`)}}},
			{Role: llm.Assistant, Parts: []llm.Part{
				{Kind: llm.PartOpaque, Name: "item_reference", Item: "msg_0", Raw: raw(`{"id":"msg_0","type":"item_reference"}`)},
				text("Well."),
			}},
			{Role: llm.Assistant, Parts: []llm.Part{text("And?")}},
			{Role: llm.Assistant, Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "Hm", Item: "rs_2"},
				{Kind: llm.PartOpaque, Name: "compaction", Item: "cmp_1", Raw: raw(`{"type":"compaction","id":"cmp_1","encrypted_content":"zzz"}`)},
			}},
			{Role: llm.User, Parts: []llm.Part{text("Go on")}},
		},
	}
	if d := cmp.Diff(want, r, same); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
	paths := []string{r.Messages[0].Path, r.Messages[3].Path, r.Messages[3].Parts[1].Path, r.Messages[3].Parts[2].Path, r.Messages[3].Parts[4].Path, r.Messages[4].Parts[0].Result[1].Path, r.Tools[3].Tools[0].Path}
	if d := cmp.Diff([]string{"instructions", "input[2]", "input[2].summary[1]", "input[3].content[0]", "input[4]", "input[7].output[1]", "tools[3].tools[0]"}, paths); d != "" {
		t.Errorf("paths (-want +got):\n%s", d)
	}
	for _, p := range []*llm.Part{&r.Messages[0].Parts[0], &r.Messages[2].Parts[0], &r.Messages[3].Parts[2]} {
		if got := everything[p.Span.Start:p.Span.End]; got != `"`+p.Text+`"` {
			t.Errorf("the span of %q holds %s", p.Text, got)
		}
	}
	if p := &r.Messages[3].Parts[4]; everything[p.Span.Start:p.Span.End] != `"{\"at\": 1}"` {
		t.Errorf("the span of arguments is %v", p.Span)
	}
}

func TestDecodeRefusals(t *testing.T) {
	for body, param := range map[string]string{
		`{}`:                              "model",
		`{"model":"m","instructions":[]}`: "instructions",
		`{"model":"m","input":7}`:         "input",
		`{"model":"m","input":[7]}`:       "input[0]",
		`{"model":"m","input":[{"role":"robot","content":""}]}`:                            "input[0].role",
		`{"model":"m","input":[{"role":"user","content":7}]}`:                              "input[0].content",
		`{"model":"m","input":[{"type":"message","role":"assistant","content":7}]}`:        "input[0].content",
		`{"model":"m","input":[{"type":"function_call","name":"f","arguments":""}]}`:       "input[0].call_id",
		`{"model":"m","input":[{"type":"function_call","call_id":"c","arguments":""}]}`:    "input[0].name",
		`{"model":"m","input":[{"type":"function_call_output","output":""}]}`:              "input[0].call_id",
		`{"model":"m","input":[{"type":"function_call_output","call_id":"c","output":7}]}`: "input[0].output",
		`{"model":"m","tools":{}}`:                    "tools",
		`{"model":"m","tools":[{"type":"function"}]}`: "tools[0].name",
		`{"model":"m","tools":[{"name":"f"}]}`:        "tools[0]",
		`{"model":"m","tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":7}]}]}`: "tools[0].tools[0].name",
		`{"model":"m","tool_choice":7}`:                                   "tool_choice",
		`{"model":"m","text":{"format":{"type":"json_schema","name":7}}}`: "text.format.name",
		`{"model":"m","reasoning":{"effort":7}}`:                          "reasoning.effort",
		`{"model":"m","include":[7]}`:                                     "include[0]",
		`{"model":"m","top_logprobs":-1}`:                                 "top_logprobs",
	} {
		_, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed || f.Param != param {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestOwnRequest writes a request of this dialect again: what is said is the same, word for word where it was raw.
func TestOwnRequest(t *testing.T) {
	r := decodeRequest(t, everything)
	body, losses := encodeRequest(t, r, llm.Facts{Model: "gpt-5"})
	if len(losses) > 0 {
		t.Errorf("lost %s", said(losses))
	}
	if d := cmp.Diff(r, decodeRequest(t, body), same); d != "" {
		t.Errorf("the request changed (-want +got):\n%s", d)
	}
	for before, after := range map[string]string{
		`{"model":"m","input":"Hi"}`: `{"model":"t","input":"Hi"}`,
		`{"model":"m","instructions":"","input":"Hi","tool_choice":{"type":"mcp","server_label":"x"}}`: `{"model":"t","instructions":"","input":"Hi","tool_choice":{"type":"mcp","server_label":"x"}}`,
		`{"model":"m","prompt":{"id":"p"}}`: `{"model":"t","prompt":{"id":"p"}}`,
		`{"model":"m","input":[{"role":"user","content":"Hi","created_by":"me"},{"role":"assistant","content":"Ho"}]}`: `{"model":"t","input":[{"type":"message","role":"user","content":"Hi","created_by":"me"},{"type":"message","role":"assistant","content":"Ho"}]}`,
		// What an answer said goes back as the whole item it was.
		`{"model":"m","input":[{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"x"},{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Ho","annotations":[],"logprobs":[]}]}]}`: `{"model":"t","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x"},{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Ho","annotations":[]}]}]}`,
		// A seal of another maker is not sent, nor are ids that the provider does not know.
		`{"model":"m","input":[{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"Hm"}],"encrypted_content":"wr1.s.anthropic.c2ln"},{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}`: `{"model":"t","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}`,
	} {
		body, _ := encodeRequest(t, decodeRequest(t, before), llm.Facts{Model: "t"})
		if body != after {
			t.Errorf("got  %s\nwant %s", body, after)
		}
	}
}

// TestSealOfWhatStandsBefore reads an item that carries the seal of the call before it.
func TestSealOfWhatStandsBefore(t *testing.T) {
	r := decodeRequest(t, `{"model":"m","input":[{"role":"user","content":"Hi"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
	 {"type":"reasoning","id":"rs_9","summary":[],"encrypted_content":"wr1.s.google@previous.c2ln"},{"type":"function_call","call_id":"d","name":"f","arguments":"{}"}]}`)
	parts := r.Messages[1].Parts
	if len(r.Messages) != 2 || len(parts) != 2 || parts[0].Seal != (llm.Seal{By: "google", Form: "signature", Data: "c2ln"}) || parts[1].Seal.Data != "" {
		t.Errorf("decoded as %+v", r.Messages)
	}
	body, losses := encodeRequest(t, r, llm.Facts{Model: "t"})
	if said(losses) != "input[1].encrypted_content dropped" || len(decodeRequest(t, body).Messages[1].Parts) != 2 {
		t.Errorf("lost %s in %s", said(losses), body)
	}
}

// TestTurns: what the model says is one turn up to its message, and further while its calls have no results yet.
func TestTurns(t *testing.T) {
	const text = `{"role":"assistant","content":"x"}`
	const thought = `{"type":"reasoning","id":"rs","summary":[]}`
	call := func(id string) string {
		return `{"type":"function_call","call_id":"` + id + `","name":"f","arguments":"{}"}`
	}
	result := func(id string) string { return `{"type":"function_call_output","call_id":"` + id + `","output":""}` }
	for items, want := range map[string]string{
		thought + "," + text + "," + thought + "," + text: "assistant 2, assistant 2",
		text + "," + text: "assistant 1, assistant 1",
		text + "," + call("a") + "," + call("b") + "," + result("a") + "," + result("b"):                   "assistant 3, user 1, user 1",
		call("a") + "," + text + "," + call("b") + "," + result("a") + "," + result("b") + "," + text:      "assistant 3, user 1, user 1, assistant 1",
		text + "," + call("a") + "," + thought + "," + text + "," + result("a"):                            "assistant 4, user 1",
		text + `,{"type":"mcp_approval_request","id":"x"},{"type":"mcp_approval_response","approve":true}`: "assistant 2, user 1",
	} {
		var got []string
		for _, m := range decodeRequest(t, `{"model":"m","input":[`+items+`]}`).Messages {
			got = append(got, fmt.Sprint(m.Role, " ", len(m.Parts)))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: turns of %s, want %s", items, strings.Join(got, ", "), want)
		}
	}
}
