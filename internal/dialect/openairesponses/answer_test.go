package openairesponses

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func TestDecodeResponse(t *testing.T) {
	got := decodeResponse(t, answered)
	want := &llm.Response{
		From: llm.OpenAIResponses, ID: "resp_1", Model: "gpt-5-2025", Created: "1700000000", Tier: "default",
		Extra: llm.Extra{
			"completed_at": raw("1700000009"), "billing": raw(`{"payer":"me"}`), "metadata": raw(`{"a":"b"}`), "tool_usage": raw(`{"web_search":{"num_requests":2}}`),
		},
		Usage: &llm.Usage{
			Said:  llm.SaidInput | llm.SaidCacheRead | llm.SaidOutput | llm.SaidReasoning | llm.SaidTotal | llm.SaidSearches,
			Input: 30, CacheRead: 20, Output: 12, Reasoning: 5, Total: 42, Searches: 2,
			Extra: llm.Extra{"odd": raw(`{"x":1}`), "input_tokens_details": raw(`{"odd":1}`)},
		},
		Choices: []llm.Choice{{
			Stop: llm.Stop{Reason: llm.StopCalls, Native: "completed"},
			Parts: []llm.Part{
				{Kind: llm.PartReasoning, Summary: true, Text: "First", Item: "rs_1"},
				{Kind: llm.PartReasoning, Summary: true, Text: "Second", Item: "rs_1", Seal: llm.Seal{By: "openai", Form: "encrypted", Data: "gAAA"}},
				{Kind: llm.PartCall, By: llm.ByServer, ID: "ws_1", Item: "ws_1", Name: "web_search", Raw: raw(`{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"sky"}}`)},
				{Kind: llm.PartCall, By: llm.ByMCP, ID: "mcp_1", Item: "mcp_1", Name: "ask", Raw: raw(`{"type":"mcp_call","id":"mcp_1","server_label":"wiki","name":"ask","arguments":"{}","output":"42"}`)},
				{Kind: llm.PartImage, Item: "ig_1", Media: &llm.Blob{Type: "image/webp", Data: "UklG"}, Raw: raw(`{"type":"image_generation_call","id":"ig_1","status":"completed","output_format":"webp","result":"UklG","size":"1x1"}`)},
				{Kind: llm.PartOpaque, Item: "mcpl_1", Name: "mcp_list_tools", Raw: raw(`{"type":"mcp_list_tools","id":"mcpl_1","server_label":"wiki","tools":[]}`)},
				{
					Kind: llm.PartText, Text: "Grüße: so it is.", Item: "msg_1", Phase: "final_answer",
					Logprobs: []llm.Logprob{{Token: "Gr", Logprob: "-0.10", Bytes: raw("[71,114]"), Top: []llm.Logprob{{Token: "Gr", Logprob: "-0.10", Bytes: raw("[71,114]")}}}},
					Cites: []llm.Cite{
						{Kind: "url", URL: "https://example.org", Title: "Example", Start: 9, End: 11},
						{Kind: "file", Source: "file-2", Title: "b.txt", Extra: llm.Extra{"index": raw("5")}},
					},
				},
				{Kind: llm.PartText, Item: "msg_1", Phase: "final_answer"},
				{Kind: llm.PartCall, ID: "call_1", Item: "fc_1", Name: "look", Args: `{"at": 1}`},
				{Kind: llm.PartCall, ID: "call_2", Item: "ctc_1", Name: "shell", Args: "ls -l", Free: true},
			},
		}},
	}
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
}

func TestStops(t *testing.T) {
	text, call, refusal := `{"type":"message","id":"m","role":"assistant","content":[{"type":"output_text","text":"x"}]}`, `{"type":"function_call","id":"f","call_id":"c","name":"n","arguments":"{}"}`, `{"type":"message","id":"m","role":"assistant","content":[{"type":"refusal","refusal":"x"}]}`
	for body, want := range map[string]llm.Stop{
		`"status":"completed","output":[` + text + `]`:                                                      {Reason: llm.StopEnd, Native: "completed"},
		`"status":"completed","output":[` + text + `,` + call + `]`:                                         {Reason: llm.StopCalls, Native: "completed"},
		`"status":"completed","output":[` + refusal + `]`:                                                   {Reason: llm.StopRefusal, Native: "completed"},
		`"output":[` + call + `]`:                                                                           {Reason: llm.StopCalls},
		`"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[` + call + `]`: {Reason: llm.StopLength, Native: "max_output_tokens"},
		`"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]`:                {Reason: llm.StopFilter, Native: "content_filter"},
		`"status":"incomplete","incomplete_details":{"reason":"new"},"output":[]`:                           {Reason: llm.StopLength, Native: "new"},
		`"status":"incomplete","output":[]`:                                                                 {Reason: llm.StopError, Native: "incomplete"},
		`"status":"queued","output":[]`:                                                                     {Native: "queued"},
		`"status":"cancelled","output":[]`:                                                                  {Reason: llm.StopError, Native: "cancelled"},
	} {
		r := decodeResponse(t, `{"id":"r","model":"m",`+body+`}`)
		if d := cmp.Diff(want, r.Choices[0].Stop); d != "" {
			t.Errorf("%s (-want +got):\n%s", body, d)
		}
		written, losses := encodeResponse(t, &llm.Request{From: llm.OpenAIResponses}, r)
		if again := decodeResponse(t, written); again.Choices[0].Stop.Reason != want.Reason || again.Choices[0].Stop.Native != want.Native || losses != nil {
			t.Errorf("%s: written as %s", body, written)
		}
	}
}

func TestDecodeFaults(t *testing.T) {
	for body, kind := range map[string]fault.Kind{
		`{"id":"r","status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"},"output":[]}`: fault.RateLimit,
		`{"id":"r","status":"failed","error":null,"output":[]}`:                                            fault.Upstream,
		`{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}`:               fault.Malformed,
		`{"code":"x","error":"no"}`: fault.Upstream,
	} {
		r := decodeResponse(t, body)
		if r.Fault == nil || r.Fault.Kind != kind {
			t.Errorf("%s: fault %v", body, r.Fault)
		}
		if _, _, err := (codec{}).EncodeResponse(nil, r); err == nil {
			t.Errorf("%s: a failed answer is written", body)
		}
	}
	for _, body := range []string{`[]`, `{`, `{}`, `{"id":"resp_1","object":"response","deleted":true}`, `{"id":"c","object":"conversation"}`, `{"output":[{"type":"function_call","id":"x","arguments":""}]}`} {
		_, err := codec{}.DecodeResponse([]byte(body))
		if f := fault.Of(err); err == nil || f.Kind != fault.Upstream || f.Origin != fault.There {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func answer(parts ...llm.Part) *llm.Response {
	return &llm.Response{
		From: llm.AnthropicMessages, ID: "msg_9", Model: "claude", Choices: []llm.Choice{{Parts: parts, Stop: llm.Stop{Reason: llm.StopEnd}}},
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 3, Output: 2},
	}
}

func TestEncodeForeignAnswer(t *testing.T) {
	id := func(typ string, index int) string { return deriveID(typ, "msg_9", index) }
	signed := llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "c2ln"}
	stopped := func(r *llm.Response, s llm.Stop) *llm.Response { r.Choices[0].Stop = s; return r }
	tests := []struct {
		name   string
		resp   *llm.Response
		status string
		output string
		losses string
	}{
		{
			"texts are one message", answer(plainPart("Hi"), plainPart(""), plainPart("Ho")), "completed",
			`{"id":"` + id("message", 0) + `","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Hi"},{"type":"output_text","annotations":[],"logprobs":[],"text":"Ho"}]}`, "",
		},
		{
			"thoughts keep their signatures", stopped(answer(llm.Part{Kind: llm.PartReasoning, Text: "Hm", Seal: signed}, llm.Part{Kind: llm.PartReasoning, Text: "So"}, llm.Part{Kind: llm.PartReasoning, Seal: llm.Seal{By: "openai", Form: llm.SealEncrypted, Data: "gA"}}, llm.Part{Kind: llm.PartCall, ID: "toolu_1", Name: "f"}), llm.Stop{Reason: llm.StopCalls}), "completed",
			`{"id":"` + id("reasoning", 0) + `","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"Hm"}],"encrypted_content":"wr1.s.anthropic.c2ln"},` +
				`{"id":"` + id("reasoning", 1) + `","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"So"}],"encrypted_content":"gA"},` +
				`{"id":"` + id("function_call", 2) + `","type":"function_call","status":"completed","call_id":"toolu_1","name":"f","arguments":"{}"}`, "",
		},
		{
			"interleaved", stopped(answer(plainPart("One"), llm.Part{Kind: llm.PartCall, ID: "a", Name: "f", Args: "{}"}, plainPart("Two")), llm.Stop{Reason: llm.StopCalls}), "completed",
			`{"id":"` + id("message", 0) + `","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"One"}]},` +
				`{"id":"` + id("function_call", 1) + `","type":"function_call","status":"completed","call_id":"a","name":"f","arguments":"{}"},` +
				`{"id":"` + id("message", 2) + `","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Two"}]}`, "",
		},
		{
			"a signed call", stopped(answer(llm.Part{Kind: llm.PartCall, ID: "a", Name: "f", Args: "{}", Seal: llm.Seal{By: "google", Form: llm.SealSignature, Data: "c2ln"}}), llm.Stop{Reason: llm.StopCalls}), "completed",
			`{"id":"` + id("function_call", 0) + `","type":"function_call","status":"completed","call_id":"a","name":"f","arguments":"{}"},` +
				`{"id":"` + id("reasoning", 1) + `","type":"reasoning","summary":[],"encrypted_content":"wr1.s.google@previous.c2ln"}`, "",
		},
		{
			"cut short", stopped(answer(plainPart("Hi")), llm.Stop{Reason: llm.StopLength}), "incomplete max_output_tokens",
			`{"id":"` + id("message", 0) + `","type":"message","status":"incomplete","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Hi"}]}`, "",
		},
		{
			"citations count characters", answer(llm.Part{Kind: llm.PartText, Text: "Grüße: so", Cites: []llm.Cite{{Kind: "url", URL: "u", Title: "t", Start: 9, End: 11}, {Kind: "url", URL: "v", Quote: "q", Seal: "s"}, {Kind: "document", Unit: "page", Quote: "q"}}}), "completed",
			`{"id":"` + id("message", 0) + `","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[{"type":"url_citation","start_index":7,"end_index":9,"url":"u","title":"t"},{"type":"url_citation","start_index":0,"end_index":9,"url":"v","title":"","content":"q"}],"logprobs":[],"text":"Grüße: so"}]}`,
			"answer.citations.seal dropped, answer.citations dropped",
		},
		{
			"an image", answer(llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/jpeg", Data: "/9j/"}}), "completed",
			`{"id":"` + id(drawn, 0) + `","type":"image_generation_call","status":"completed","result":"/9j/","output_format":"jpeg"}`, "",
		},
		{
			"what has no place", stopped(answer(llm.Part{Kind: llm.PartAudio, Media: &llm.Blob{Data: "AA"}, Text: "Hi"}, llm.Part{Kind: llm.PartCall, By: llm.ByServer, ID: "s", Name: "search"}, llm.Part{Kind: llm.PartOpaque, Name: "odd"}), llm.Stop{Reason: llm.StopSequence, Sequence: "END"}), "completed",
			`{"id":"` + id("message", 0) + `","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Hi"}]}`,
			"answer.audio dropped, answer.server_tools dropped, answer.opaque dropped, answer.stop_sequence dropped",
		},
		{"paused", stopped(answer(), llm.Stop{Reason: llm.StopPause}), "completed", ``, "answer.stop changed"},
		{"refused without a word", stopped(answer(), llm.Stop{Reason: llm.StopRefusal, Detail: "It is forbidden."}), "incomplete content_filter", ``, "answer.stop changed, answer.stop_details dropped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, losses := encodeResponse(t, &llm.Request{From: llm.OpenAIResponses}, tt.resp)
			v := []byte(body)
			if got := string(rawjson.Get(v, "output")); got != "["+tt.output+"]" {
				t.Errorf("got  %s\nwant [%s]", got, tt.output)
			}
			status := strings.TrimSpace(rawjson.Text(rawjson.Get(v, "status")) + " " + rawjson.Text(rawjson.Get(v, "incomplete_details", "reason")))
			if status != tt.status || said(losses) != tt.losses {
				t.Errorf("%s, lost %s\nwant %s, %s", status, said(losses), tt.status, tt.losses)
			}
		})
	}
}

// TestRepeats asks for an answer to repeat its request.
func TestRepeats(t *testing.T) {
	req := decodeRequest(t, everything)
	body, _ := encodeResponse(t, req, answer(plainPart("Hi")))
	v := []byte(body)
	for name, want := range map[string]string{
		"object": `"response"`, "created_at": "0", "model": `"claude"`, "error": "null", "incomplete_details": "null", "instructions": `"Be brief."`,
		"temperature": "0.20", "top_p": "1e0", "max_output_tokens": "900", "parallel_tool_calls": "false", "previous_response_id": `"resp_0"`, "store": "false",
		"background": "true", "truncation": `"auto"`, "max_tool_calls": "3", "metadata": `{"a": "b"}`, "user": `"u-1"`, "safety_identifier": `"s-1"`,
		"prompt_cache_key": `"k"`, "reasoning": `{"effort":"low","summary":"auto"}`, "prompt": `{"id":"pmpt_1","variables":{"x": "y"}}`,
		"text":        `{"format":{"type":"json_schema","name":"answer","description":"An answer","schema":{"type": "object"},"strict":true},"verbosity":"low"}`,
		"tool_choice": `{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"look"},{"type":"custom","name":"shell"}]}`,
		"usage":       `{"input_tokens":3,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":5}`,
	} {
		if got := string(rawjson.Get(v, name)); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	tools := rawjson.Get([]byte(everything), "tools")
	if got, want := toolNames(rawjson.Get(v, "tools")), toolNames(tools); got != want {
		t.Errorf("tools are %s, want %s", got, want)
	}
	body, _ = encodeResponse(t, decodeRequest(t, `{"model":"m","input":"Hi"}`), answer(plainPart("Hi")))
	if err := response([]byte(body), "completed"); err != nil {
		t.Error(err)
	}
}

func toolNames(list []byte) string {
	var all []string
	for _, tool := range rawjson.Elems(list) {
		all = append(all, rawjson.Text(rawjson.Get(tool, "type"))+" "+rawjson.Text(rawjson.Get(tool, "name")))
	}
	return strings.Join(all, ", ")
}

// TestCustomCallOfAFunction gives back the free text of a custom tool that the target knows as a function.
func TestCustomCallOfAFunction(t *testing.T) {
	req := decodeRequest(t, `{"model":"m","input":"Hi","tools":[{"type":"custom","name":"sh"}]}`)
	r := answer(llm.Part{Kind: llm.PartCall, ID: "a", Name: "sh", Args: `{"input":"ls -l"}`})
	r.Choices[0].Stop.Reason = llm.StopCalls
	body, losses := encodeResponse(t, req, r)
	if p := decodeResponse(t, body).Choices[0].Parts[0]; !p.Free || p.Args != "ls -l" || losses != nil {
		t.Errorf("told as %+v, lost %s", p, said(losses))
	}
}

// TestOwnAnswer writes an answer of this dialect again: its items stay apart, and odd members stay where they were.
func TestOwnAnswer(t *testing.T) {
	const output = `[{"id":"rs_1","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"a"}]},` +
		`{"id":"rs_2","type":"reasoning","summary":[{"type":"summary_text","text":""}],"encrypted_content":"x","format":"xai-responses-v1","odd":1},` +
		`{"id":"m_1","type":"message","status":"completed","role":"assistant","phase":"commentary","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"a","odd":2},{"type":"output_odd","odd": [3,` + "\n" + ` 4]}],"odd":{"x":` + "\n" + `5}},` +
		`{"id":"m_2","type":"message","role":"assistant","content":[{"type":"refusal","refusal":"no"}],"status":"paused"},` +
		`{"id":"f_1","type":"function_call","status":"completed","call_id":"c","name":"f","arguments":"","odd":6},` +
		`{"type":"odd","id":"o_1",` + "\n" + `"odd":7}]`
	r := decodeResponse(t, `{"id":"r","object":"response","created_at":1,"status":"completed","model":"m","output":`+output+`}`)
	req := &llm.Request{From: llm.OpenAIResponses}
	body, losses := encodeResponse(t, req, r)
	if got := string(rawjson.Get([]byte(body), "output")); got != output || losses != nil {
		t.Errorf("lost %s\ngot  %s\nwant %s", said(losses), got, output)
	}
	written, _ := encodeStream(t, req, llm.Replay(r))
	if err := wellFormed([]byte(written)); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(decodeResponse(t, strings.ReplaceAll(body, "\n", " ")), collect(t, written), same); d != "" {
		t.Errorf("-answer +stream:\n%s", d)
	}
	cut := decodeResponse(t, `{"id":"r","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"id":"m","type":"message","status":"incomplete","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}`)
	if x := cut.Choices[0].Parts[0].Extra; x != nil {
		t.Errorf("that an answer is cut short is kept twice: %v", x)
	}
}
