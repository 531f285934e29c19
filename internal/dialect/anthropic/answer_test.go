package anthropic

import (
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"

	"weir/internal/dialect"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

const answer = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
 {"type":"thinking","thinking":"Hm.","signature":"c2ln"},
 {"type":"redacted_thinking","data":"ZGF0YQ=="},
 {"type":"text","text":"The sky is blue.","citations":[
   {"type":"page_location","cited_text":"a","document_index":1,"document_title":null,"start_page_number":2,"end_page_number":3},
   {"type":"content_block_location","cited_text":"b","document_index":0,"document_title":"T","start_block_index":4,"end_block_index":5,"file_id":"f"},
   {"type":"web_search_result_location","cited_text":"c","url":"https://e.x","title":"W","encrypted_index":"enc"},
   {"type":"search_result_location","cited_text":"d","search_result_index":6,"source":"s","title":"S","start_block_index":0,"end_block_index":1},
   {"type":"dream_location","dream":7}]},
 {"type":"tool_use","id":"toolu_1","name":"look","input":{"n":1.50},"caller":{"type":"direct"}},
 {"type":"server_tool_use","id":"srv_1","name":"web_search","input":{}},
 {"type":"web_search_tool_result","tool_use_id":"srv_1","content":[]},
 {"type":"compaction","content":"so far","encrypted_content":null},
 {"type":"text","text":""}],
 "stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":"bio","explanation":"No."},
 "usage":{"input_tokens":10,"cache_creation_input_tokens":7,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":3},
  "output_tokens":20,"output_tokens_details":{"thinking_tokens":5},"server_tool_use":{"web_search_requests":1,"web_fetch_requests":2,"naps":3},"service_tier":"priority","inference_geo":"eu",
  "iterations":[{"type":"compaction","input_tokens":500,"output_tokens":60,"cache_read_input_tokens":1},{"type":"message","input_tokens":10,"output_tokens":20}]},
 "container":{"id":"c1"},"context_management":null}`

func TestDecodeResponse(t *testing.T) {
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	want := &llm.Response{
		From: llm.AnthropicMessages, ID: "msg_1", Model: "claude-x", Tier: "priority",
		Choices: []llm.Choice{{
			Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "Hm.", Seal: seal("c2ln")},
				{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "ZGF0YQ=="}},
				{Kind: llm.PartText, Text: "The sky is blue.", Cites: []llm.Cite{
					{Kind: "document", Unit: "page", Quote: "a", Doc: 1, From: 2, To: 3},
					{Kind: "document", Unit: "block", Quote: "b", Title: "T", From: 4, To: 5, Extra: llm.Extra{"file_id": raw(`"f"`)}},
					{Kind: "url", Quote: "c", URL: "https://e.x", Title: "W", Seal: "enc"},
					{Kind: "search_result", Unit: "block", Quote: "d", Doc: 6, Source: "s", Title: "S", To: 1},
					{Extra: llm.Extra{"type": raw(`"dream_location"`), "dream": raw(`7`)}},
				}},
				{Kind: llm.PartCall, ID: "toolu_1", Name: "look", Args: `{"n":1.50}`, Extra: llm.Extra{"caller": raw(`{"type":"direct"}`)}},
				{Kind: llm.PartCall, By: llm.ByServer, ID: "srv_1", Name: "web_search", Args: `{}`},
				{Kind: llm.PartResult, By: llm.ByServer, ID: "srv_1", Name: "web_search", Raw: raw(`{"type":"web_search_tool_result","tool_use_id":"srv_1","content":[]}`)},
				{Kind: llm.PartOpaque, Name: "compaction", Raw: raw(`{"type":"compaction","content":"so far","encrypted_content":null}`)},
				{Kind: llm.PartText},
			},
			Stop: llm.Stop{Reason: llm.StopRefusal, Native: "refusal", Detail: "No.", Raw: raw(`{"type":"refusal","category":"bio","explanation":"No."}`)},
		}},
		Usage: &llm.Usage{
			Said:  llm.SaidInput | llm.SaidCacheRead | llm.SaidCacheWrite | llm.SaidCacheWrite1h | llm.SaidOutput | llm.SaidReasoning | llm.SaidSearches | llm.SaidFetches,
			Input: 117, CacheRead: 100, CacheWrite: 7, CacheWrite1h: 3, Output: 20, Reasoning: 5, Searches: 1, Fetches: 2, Tier: "priority",
			Rounds: []llm.Usage{
				{Said: llm.SaidInput | llm.SaidCacheRead | llm.SaidOutput, Input: 501, CacheRead: 1, Output: 60, Extra: llm.Extra{"type": raw(`"compaction"`)}},
				{Said: llm.SaidInput | llm.SaidOutput, Input: 10, Output: 20, Extra: llm.Extra{"type": raw(`"message"`)}},
			},
			Extra: llm.Extra{"inference_geo": raw(`"eu"`), "server_tool_use": raw(`{"naps":3}`)},
		},
		Extra: llm.Extra{"container": raw(`{"id":"c1"}`)},
	}
	got := decodeResponse(t, answer)
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
	roundTrips(t, got)
	body, _ := encodeResponse(t, got)
	missing(t, answer, body)
}

func TestDecodeResponseRefuses(t *testing.T) {
	for body, kind := range map[string]fault.Kind{
		`<html>`: fault.Upstream, `{}`: fault.Upstream, `{"content":"text"}`: fault.Upstream,
		`{"type":"error","error":{"type":"overloaded_error","message":"o"}}`: fault.Overloaded,
		`{"error":"gone"}`: fault.Upstream,
	} {
		_, err := codec{}.DecodeResponse([]byte(body))
		var f *fault.Fault
		if !errors.As(err, &f) || f.Kind != kind || f.Origin != fault.There {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestStopWords(t *testing.T) {
	for word, reason := range map[string]llm.StopReason{
		"end_turn": llm.StopEnd, "stop_sequence": llm.StopSequence, "tool_use": llm.StopCalls, "max_tokens": llm.StopLength,
		"model_context_window_exceeded": llm.StopContext, "refusal": llm.StopRefusal, "pause_turn": llm.StopPause, "brand_new": llm.StopEnd,
	} {
		resp := decodeResponse(t, `{"type":"message","content":[],"stop_reason":"`+word+`","usage":{"input_tokens":1,"output_tokens":2}}`)
		if got := resp.Choices[0].Stop; got.Reason != reason || got.Native != word {
			t.Errorf("%s is read as %+v", word, got)
		}
		roundTrips(t, resp)
	}
	tests := []struct {
		ending ending
		want   string
		losses string
	}{
		{ending{stop: llm.Stop{Reason: llm.StopEnd, Native: "stop"}}, `"stop_reason":"end_turn","stop_sequence":null`, ""},
		{ending{stop: llm.Stop{Reason: llm.StopSequence, Sequence: "END"}}, `"stop_reason":"stop_sequence","stop_sequence":"END"`, ""},
		{ending{stop: llm.Stop{Reason: llm.StopFilter}}, `"stop_reason":"refusal","stop_sequence":null`, "answer.stop changed"},
		{ending{stop: llm.Stop{Reason: llm.StopLength, Detail: "no"}}, `"stop_reason":"max_tokens","stop_sequence":null`, "answer.stop_details dropped"},
		{ending{stop: llm.Stop{Reason: llm.StopEnd, Raw: []byte("{}")}}, `"stop_reason":"end_turn","stop_sequence":null`, "answer.stop_details dropped"},
		{ending{stop: llm.Stop{Reason: llm.StopRefusal, Detail: "no"}}, `"stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":null,"explanation":"no"}`, ""},
		{ending{stop: llm.Stop{Reason: llm.StopContext}}, `"stop_reason":"model_context_window_exceeded","stop_sequence":null`, ""},
		{ending{stop: llm.Stop{Reason: llm.StopMalformed}}, `"stop_reason":"end_turn","stop_sequence":null`, "answer.stop changed"},
		{ending{stop: llm.Stop{Reason: llm.StopError}}, `"stop_reason":"end_turn","stop_sequence":null`, "answer.stop changed"},
		{ending{stop: llm.Stop{Reason: llm.StopLength, Sequence: "x"}}, `"stop_reason":"max_tokens","stop_sequence":null`, "answer.stop_sequence dropped"},
		{ending{}, `"stop_reason":"end_turn","stop_sequence":null`, ""},
		{ending{called: true}, `"stop_reason":"tool_use","stop_sequence":null`, ""},
		{ending{stop: llm.Stop{Reason: llm.StopEnd}, called: true}, `"stop_reason":"tool_use","stop_sequence":null`, "answer.stop changed"},
		{ending{stop: llm.Stop{Reason: llm.StopEnd}, refused: true}, `"stop_reason":"refusal","stop_sequence":null`, "answer.stop changed"},
		{ending{refused: true}, `"stop_reason":"refusal","stop_sequence":null`, ""},
		{ending{own: true}, `"stop_reason":null,"stop_sequence":null`, ""},
		{ending{stop: llm.Stop{Reason: llm.StopLength, Native: "end_turn"}, own: true}, `"stop_reason":"max_tokens","stop_sequence":null`, ""},
	}
	for _, tt := range tests {
		var l dialect.Losses
		var w rawjson.Writer
		tt.ending.write(&w, &l)
		if string(w.Buf) != tt.want || paths(l.List) != tt.losses {
			t.Errorf("%+v: %s, lost %s; want %s, %s", tt.ending, w.Buf, paths(l.List), tt.want, tt.losses)
		}
	}
}

// foreign is an answer in which another dialect says all that this one cannot.
func foreign() *llm.Response {
	raw := json.RawMessage(`1`)
	return &llm.Response{
		From: llm.OpenAIChat, ID: "chatcmpl-1", Model: "gpt", Created: "17", Tier: "flex",
		Choices: []llm.Choice{{
			Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "hm", Seal: llm.Seal{By: "google", Form: llm.SealSignature, Data: "g"}},
				{Kind: llm.PartReasoning, Seal: llm.Seal{By: "openai", Form: llm.SealEncrypted, Data: "o"}},
				{
					Kind: llm.PartText, Text: "hello", Logprobs: []llm.Logprob{{Token: "hello"}},
					Cites: []llm.Cite{{Kind: "url", URL: "u", Start: 0, End: 5}, {Kind: "document", Unit: "char", Quote: "q", To: 3}},
				},
				{Kind: llm.PartRefusal, Text: "no"},
				{Kind: llm.PartText},
				{Kind: llm.PartAudio, Text: "spoken", Media: &llm.Blob{Data: "AA"}},
				{Kind: llm.PartImage, Media: &llm.Blob{Data: "AA"}},
				{Kind: llm.PartCall, ID: "call_1", Name: "f", Args: "{\"a\":  1}", Extra: llm.Extra{"w": raw}},
				{Kind: llm.PartCall, ID: "call_2", Name: "g"},
				{Kind: llm.PartCall, ID: "ws_1", Name: "web", By: llm.ByServer},
				{Kind: llm.PartOpaque, Name: "hologram", Raw: raw},
			},
			Stop:  llm.Stop{Reason: llm.StopCalls, Native: "tool_calls"},
			Extra: llm.Extra{"x": raw},
		}, {}},
		Usage: &llm.Usage{
			Said:  llm.SaidInput | llm.SaidOutput | llm.SaidTotal | llm.SaidCacheRead | llm.SaidReasoning | llm.SaidOutputAudio,
			Input: 30, CacheRead: 10, Output: 5, Reasoning: 2, Total: 40, OutputAudio: 3, Cost: "0.1", Extra: llm.Extra{"y": raw, "none": json.RawMessage(`0`)},
		},
		Extra: llm.Extra{"z": raw},
	}
}

const foreignLosses = "answer.logprobs dropped, answer.citations dropped, " +
	"answer.refusal changed, answer.audio dropped, answer.image dropped, answer.w dropped, answer.server_tools dropped, answer.opaque dropped, "

func TestEncodeForeignResponse(t *testing.T) {
	body, losses := encodeResponse(t, foreign())
	want := `{"id":"chatcmpl-1","type":"message","role":"assistant","model":"gpt","content":[` +
		`{"type":"thinking","thinking":"hm","signature":"wr1.s.google.g"},{"type":"redacted_thinking","data":"wr1.e.openai.o"},` +
		`{"type":"text","text":"hello","citations":[{"type":"char_location","cited_text":"q","document_index":0,"document_title":null,"start_char_index":0,"end_char_index":3}]},` +
		`{"type":"text","text":"no"},{"type":"text","text":"spoken"},` +
		`{"type":"tool_use","id":"call_1","name":"f","input":{"a":  1}},{"type":"tool_use","id":"call_2","name":"g","input":{}}],` +
		`"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":20,"cache_read_input_tokens":10,"output_tokens":5,"output_tokens_details":{"thinking_tokens":2}}}`
	if body != want {
		t.Errorf("body\n%s\nwant\n%s", body, want)
	}
	wantLosses := "answer.choices dropped, " + foreignLosses + "answer.tier dropped, answer.usage.output_audio dropped, answer.usage.total dropped, " +
		"answer.usage.cost dropped, answer.usage.y dropped, answer.x dropped, answer.z dropped"
	if got := paths(losses); got != wantLosses {
		t.Errorf("losses\n%s\nwant\n%s", got, wantLosses)
	}
	in := foreign()
	in.Fault = fault.New(fault.Cut, "x")
	if _, _, err := (codec{}).EncodeResponse(nil, in); !errors.Is(err, in.Fault) {
		t.Errorf("an answer with a fault: %v", err)
	}
}

func TestEncodeForeignStream(t *testing.T) {
	in := foreign()
	in.Choices[0].Stop.Reason = llm.StopEnd
	got, losses := encodeStream(t, llm.Replay(in))
	resp := collect(t, got)
	body, _ := encodeResponse(t, foreign())
	want := decodeResponse(t, body)
	want.Choices[0].Parts[5].Args = `{"a":  1}`
	if d := cmp.Diff(want, resp, same); d != "" {
		t.Errorf("stream (-whole +streamed):\n%s\n%s", d, got)
	}
	wantLosses := "answer.z dropped, " + foreignLosses + "answer.x dropped, answer.choices dropped, answer.tier dropped, answer.usage.output_audio dropped, " +
		"answer.usage.total dropped, answer.usage.cost dropped, answer.usage.y dropped, answer.stop changed"
	if got := paths(losses); got != wantLosses {
		t.Errorf("losses\n%s\nwant\n%s", got, wantLosses)
	}
}

func TestDecodeStream(t *testing.T) {
	resp := collect(t, stream)
	want := &llm.Response{
		From: llm.AnthropicMessages, ID: "msg_1", Model: "claude-x", Tier: "standard",
		Choices: []llm.Choice{{
			Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "Let me see.", Seal: seal("c2ln")},
				{Kind: llm.PartText, Text: "Grüß dich."},
				{Kind: llm.PartCall, ID: "toolu_1", Name: "look", Args: `{"at": "sky"}`, Extra: llm.Extra{"caller": json.RawMessage(`{"type":"direct"}`)}},
			},
			Stop: llm.Stop{Reason: llm.StopCalls, Native: "tool_use"},
		}},
		Usage: streamUsage(),
		Extra: llm.Extra{"container": json.RawMessage(`{"id":"c1"}`)},
	}
	if d := cmp.Diff(want, resp, same); d != "" {
		t.Errorf("stream (-want +got):\n%s", d)
	}
	again, losses := encodeStream(t, codec{}.DecodeStream(framesOf(stream)))
	if d := cmp.Diff(want, collect(t, again), same); d != "" || len(losses) > 0 {
		t.Errorf("encoded again, lost %s (-want +got):\n%s", paths(losses), d)
	}
	roundTrips(t, resp)
}

// lines makes a stream of events.
func lines(data ...string) string {
	var b strings.Builder
	for _, d := range data {
		b.WriteString("data: " + d + "\n\n")
	}
	return b.String()
}

func TestDecodeStreamMends(t *testing.T) {
	const (
		start = `{"type":"message_start","message":{"id":"m","model":"x","content":[],"usage":{"input_tokens":4,"output_tokens":1}}}`
		stop  = `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}`
		end   = `{"type":"message_stop"}`
		text  = `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}`
		delta = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}`
		shut  = `{"type":"content_block_stop","index":0}`
	)
	tests := []struct {
		name  string
		in    string
		want  string // texts and calls
		fault fault.Kind
	}{
		{"whole", lines(start, text, delta, shut, stop, end), "text:ab", 0},
		{"never closed", lines(start, text, delta, stop, end), "text:ab", 0},
		{"no end mark", lines(start, text, delta, shut, stop), "text:ab", 0},
		{"[DONE]", lines(start, text, delta, shut, stop, end, "[DONE]"), "text:ab", 0},
		{"[DONE] alone", lines(start, text, delta, shut, stop, "[DONE]"), "text:ab", 0},
		{"never begun", lines(delta, stop, end), "text:b", 0},
		{"begun twice", lines(start, text, text, delta, shut, stop, end), "text:a text:ab", 0},
		{"ping first", lines(`{"type":"ping"}`, start, text, shut, stop, end), "text:a", 0},
		{"two starts", lines(start, start, text, shut, stop, end), "text:a", 0},
		{"content in the start", lines(`{"type":"message_start","message":{"id":"m","content":[{"type":"text","text":"z"}]}}`, stop, end), "text:z", 0},
		{"block after the stop reason", lines(start, stop, text, shut, end), "text:a", 0},
		{"blocks together", lines(start, text, `{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`,
			`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"k\":"}}`, delta, shut,
			`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}`, `{"type":"content_block_stop","index":1}`, stop, end), `text:ab call:{"k":1}`, 0},
		{"input in the start", lines(start, `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"k": 1}}}`, shut, stop, end), `call:{"k": 1}`, 0},
		{"a call without arguments", lines(start, `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f"}}`, shut, stop, end), `call:{}`, 0},
		{"delta of another kind", lines(start, text, `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"x"}}`, shut, stop, end), "text:a", 0},
		{"a thought that nothing began", lines(start, `{"type":"content_block_delta","index":3,"delta":{"type":"thinking_delta","thinking":"t"}}`, stop, end), "reasoning:t", 0},
		{"a block without a type", lines(start, `{"type":"content_block_start","index":0,"content_block":{"text":"a"}}`, shut, stop, end), "", 0},
		{"no block", lines(start, `{"type":"content_block_start","index":0}`, stop, end), "", 0},
		{"unknown events", lines(start, `{"type":"weather","sun":true}`, `{"index":5}`, text, shut, stop, end), "text:a", 0},
		{"cut", lines(start, text, delta), "text:ab", fault.Cut},
		{"nothing", "", "", fault.Cut},
		{"error first", lines(`{"type":"error","error":{"type":"overloaded_error","message":"o"}}`), "", fault.Overloaded},
		{"error within", lines(start, text, `{"type":"error","error":{"type":"api_error","message":"o"}}`, end), "text:a", fault.Upstream},
		{"error of another make", lines(start, text, `{"error":{"message":"o","code":1}}`), "text:a", fault.Upstream},
		{"no JSON", lines(start, text, `{"type":"content_block_delta",`), "text:a", fault.Upstream},
		{"torn", lines(start, text, shut, stop) + "data: {\"type\":\"message_st", "text:a", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := collect(t, tt.in)
			var got []string
			for _, c := range resp.Choices {
				for _, p := range c.Parts {
					switch p.Kind {
					case llm.PartText:
						got = append(got, "text:"+p.Text)
					case llm.PartReasoning:
						got = append(got, "reasoning:"+p.Text)
					case llm.PartCall:
						got = append(got, "call:"+p.Args)
					}
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("parts %q, want %q", s, tt.want)
			}
			if tt.fault == 0 && resp.Fault != nil || tt.fault != 0 && (resp.Fault == nil || resp.Fault.Kind != tt.fault) {
				t.Errorf("fault %v, want %v", resp.Fault, tt.fault)
			}
			encodeStream(t, codec{}.DecodeStream(framesOf(tt.in)))
		})
	}
	broken := errors.New("broken")
	_, err := llm.Collect("", codec{}.DecodeStream(func(yield func(frame.Frame, error) bool) {
		_ = yield(frame.Frame{Data: []byte(start)}, nil) && yield(frame.Frame{}, broken)
	}))
	if !errors.Is(err, broken) {
		t.Errorf("an error of the frames becomes %v", err)
	}
}

func TestOpaqueBlocksGrow(t *testing.T) {
	in := lines(`{"type":"message_start","message":{"id":"m","model":"x"}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"compaction","content":null,"n":1}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"compaction_delta","content":"so \"far\"","n":2}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"compaction_delta","content":", so good","encrypted_content":null}}`,
		`{"type":"content_block_stop","index":0}`,
		`{"type":"content_block_start","index":1,"content_block":{"type":"oracle_use","id":"o","input":{}}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"q\":"}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}`,
		`{"type":"content_block_stop","index":1}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`, `{"type":"message_stop"}`)
	resp := collect(t, in)
	for i, want := range []string{`{"type":"compaction","content":"so \"far\", so good","n":2}`, `{"type":"oracle_use","id":"o","input":{"q":1}}`} {
		if got := string(resp.Choices[0].Parts[i].Raw); got != want {
			t.Errorf("block %d is %s, want %s", i, got, want)
		}
	}
	again, losses := encodeStream(t, codec{}.DecodeStream(framesOf(in)))
	if d := cmp.Diff(resp.Choices, collect(t, again).Choices, same); d != "" || len(losses) > 0 || !strings.Contains(again, `"delta":{"type":"compaction_delta","content":", so good","encrypted_content":null}`) {
		t.Errorf("encoded again, lost %s:\n%s\n%s", paths(losses), d, again)
	}
	body, _ := encodeResponse(t, resp)
	if d := cmp.Diff(resp.Choices, decodeResponse(t, body).Choices, same); d != "" {
		t.Error(d)
	}
	huge := lines(`{"type":"content_block_start","index":0,"content_block":{"type":"compaction","content":""}}`) +
		strings.Repeat(lines(`{"type":"content_block_delta","index":0,"delta":{"type":"compaction_delta","content":"`+strings.Repeat("x", 1<<20)+`"}}`), 9)
	if resp := collect(t, huge); resp.Fault == nil || resp.Fault.Kind != fault.Upstream {
		t.Errorf("an endless block: %v", resp.Fault)
	}
}

func TestUnknownEventsPass(t *testing.T) {
	in := lines(`{"type":"message_start","message":{"id":"m","model":"x"}}`, `{"type":"weather","sun":true}`, `{"type":"we\nather"}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`, `{"type":"message_stop"}`)
	got, losses := encodeStream(t, codec{}.DecodeStream(framesOf(in)))
	if !strings.Contains(got, "event: weather\ndata: {\"type\":\"weather\",\"sun\":true}\n\n") || paths(losses) != "answer.opaque dropped" {
		t.Errorf("lost %s in\n%s", paths(losses), got)
	}
}

func events(list ...llm.Event) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestEncodeStreamOddities(t *testing.T) {
	start := llm.Event{Kind: llm.EventStart, From: llm.OpenAIChat, ID: "a", Model: "m"}
	open := func(i int, k llm.PartKind) llm.Event {
		return llm.Event{Kind: llm.EventOpen, Index: i, Part: llm.Part{Kind: k, ID: "c", Name: "f"}}
	}
	delta := func(i int, s string) llm.Event { return llm.Event{Kind: llm.EventDelta, Index: i, Text: s} }
	shut := func(i int) llm.Event { return llm.Event{Kind: llm.EventClose, Index: i} }
	stop := llm.Event{Kind: llm.EventStop, Stop: llm.Stop{Reason: llm.StopEnd}}
	end := llm.Event{Kind: llm.EventEnd}
	types := func(stream string) string {
		var out []string
		for f := range framesOf(stream) {
			out = append(out, f.Event)
		}
		return strings.NewReplacer("content_block_", "", "message_", "m").Replace(strings.Join(out, " "))
	}
	tests := []struct {
		name string
		in   []llm.Event
		want string
	}{
		{
			"calls that overlap",
			[]llm.Event{start, open(0, llm.PartCall), open(1, llm.PartCall), delta(1, "{}"), delta(0, "{}"), shut(1), shut(0), {Kind: llm.EventStop, Stop: llm.Stop{Reason: llm.StopCalls}}, end},
			"mstart start delta stop start delta stop mdelta mstop",
		},
		{
			"empty parts",
			[]llm.Event{start, open(0, llm.PartReasoning), shut(0), open(1, llm.PartText), delta(1, ""), shut(1), open(2, llm.PartText), delta(2, "x"), shut(2), stop, end},
			"mstart start delta stop mdelta mstop",
		},
		{
			"redacted, then more",
			[]llm.Event{start, open(0, llm.PartReasoning), {Kind: llm.EventSeal, Part: llm.Part{Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "d"}}}, shut(0), stop, end},
			"mstart start stop mdelta mstop",
		},
		{
			"only a signature",
			[]llm.Event{start, open(0, llm.PartReasoning), {Kind: llm.EventSeal, Part: llm.Part{Seal: seal("s")}}, shut(0), stop, end},
			"mstart start delta stop mdelta mstop",
		},
		{
			"progress and pings",
			[]llm.Event{start, {Kind: llm.EventPing}, open(0, llm.PartText), {Kind: llm.EventProgress}, delta(0, "x"), shut(0), stop, end},
			"mstart ping start delta stop mdelta mstop",
		},
		{"fault at once", []llm.Event{{Kind: llm.EventFault, Fault: fault.New(fault.Cut, "x")}}, "error"},
		{"fault before anything", []llm.Event{start, {Kind: llm.EventFault, Fault: fault.New(fault.Cut, "x")}}, "error"},
		{"fault within", []llm.Event{start, open(0, llm.PartText), delta(0, "x"), {Kind: llm.EventFault, Fault: fault.New(fault.Cut, "x")}, end}, "mstart start delta error"},
		{"the input just ends", []llm.Event{start, open(0, llm.PartText), delta(0, "x")}, "mstart start delta error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, losses := encodeStream(t, events(tt.in...))
			if types(got) != tt.want || len(losses) > 0 {
				t.Errorf("events %s, want %s; lost %s", types(got), tt.want, paths(losses))
			}
		})
	}
	usage := llm.Event{Kind: llm.EventUsage, Usage: &llm.Usage{Said: llm.SaidInput, Input: 9}}
	got, _ := encodeStream(t, events(start, usage, stop, end))
	if !strings.Contains(got, `"usage":{"input_tokens":9,"output_tokens":0}}}`) {
		t.Errorf("the start does not state the usage that was known:\n%s", got)
	}
	broken := errors.New("broken")
	var err error
	for _, err = range (codec{}).EncodeStream(nil, func(yield func(llm.Event, error) bool) { _ = yield(start, nil) && yield(llm.Event{}, broken) }, func(llm.Loss) {}) {
	}
	if !errors.Is(err, broken) {
		t.Errorf("an error of the input becomes %v", err)
	}
}

func TestCannot(t *testing.T) {
	req := &llm.Request{Sampling: llm.Sampling{Logprobs: true}, Answers: 2, Modalities: []string{"text", "audio"}}
	if got := paths(codec{}.Cannot(req, llm.OpenAIChat)); got != "answer.logprobs dropped, answer.choices dropped, answer.audio dropped" {
		t.Errorf("cannot: %s", got)
	}
	if got := (codec{}).Cannot(req, llm.AnthropicMessages); got != nil {
		t.Errorf("cannot, of its own: %v", got)
	}
	if got := (codec{}).Cannot(&llm.Request{}, llm.OpenAIChat); got != nil {
		t.Errorf("cannot, of a plain request: %v", got)
	}
}

func TestLateTier(t *testing.T) {
	resp := collect(t, lines(`{"type":"message_start","message":{"id":"m","model":"x","usage":{"input_tokens":1,"output_tokens":0}}}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2,"service_tier":"batch"}}`, `{"type":"message_stop"}`))
	if resp.Tier != "batch" || resp.Usage.Tier != "batch" {
		t.Errorf("tier is %q, of the usage %q", resp.Tier, resp.Usage.Tier)
	}
	roundTrips(t, resp)
}

func TestRawValuesKeepToTheirLine(t *testing.T) {
	resp := decodeResponse(t, "{\"type\":\"message\",\"content\":[{\"type\":\"oracle\",\n\"a\":\r\n[1]}],\"stop_reason\":\"end_turn\",\"container\":{\n\"id\":1},\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}")
	roundTrips(t, resp)
}

func TestFreeTextStreams(t *testing.T) {
	resp := &llm.Response{From: llm.OpenAIChat, ID: "a", Model: "m", Usage: &llm.Usage{Said: llm.SaidInput}, Choices: []llm.Choice{{
		Parts: []llm.Part{{Kind: llm.PartCall, ID: "c", Name: "shell", Free: true, Args: "echo \"ü\"\n"}, {Kind: llm.PartCall, ID: "d", Name: "shell", Free: true}},
		Stop:  llm.Stop{Reason: llm.StopCalls},
	}}}
	body, losses := encodeResponse(t, resp)
	stream, streamed := encodeStream(t, llm.Replay(resp))
	whole, told := decodeResponse(t, body), collect(t, stream)
	if d := cmp.Diff(whole.Choices, told.Choices, same); d != "" {
		t.Errorf("whole and streamed differ:\n%s", d)
	}
	if args := told.Choices[0].Parts[0].Args; args != `{"input":"echo \"ü\"\n"}` {
		t.Errorf("arguments %s", args)
	}
	if paths(losses) != "answer.arguments changed" || paths(streamed) != paths(losses) {
		t.Errorf("lost %s, streamed %s", paths(losses), paths(streamed))
	}
}
