package openaichat

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func TestDecodeResponse(t *testing.T) {
	body := `{"id":"c1","object":"chat.completion","created":1700000000,"model":"m-1","service_tier":"default","system_fingerprint":"fp",
	 "choices":[
	  {"index":1,"finish_reason":"stop","message":{"role":"assistant","content":null,"refusal":"I won't"},"logprobs":{"content":null,"refusal":[{"token":"I","logprob":-0.10,"bytes":[73],"top_logprobs":[{"token":"I","logprob":-0.10,"bytes":null}]}]}},
	  {"index":0,"finish_reason":"tool_calls","native_finish_reason":"x","message":{"role":"assistant","content":"Ça dépend.",
	   "reasoning_content":"hm","annotations":[{"type":"url_citation","url_citation":{"start_index":3,"end_index":9,"url":"https://u","title":"T"}}],
	   "audio":{"id":"a1","data":"AAAA","transcript":"t","expires_at":5},"provider_metadata":{"k":1},
	   "tool_calls":[{"id":"k1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
	   "logprobs":{"content":[{"token":"Ç","logprob":-1,"bytes":[195,135],"top_logprobs":[],"id":7}],"refusal":null}}],
	 "usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30,
	  "prompt_tokens_details":{"cached_tokens":4,"audio_tokens":1,"text_tokens":5},
	  "completion_tokens_details":{"reasoning_tokens":6,"accepted_prediction_tokens":0},"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":6,"cost":0.25}}`
	want := &llm.Response{
		From: llm.OpenAIChat, ID: "c1", Model: "m-1", Created: "1700000000", Tier: "default",
		Extra: llm.Extra{"system_fingerprint": raws(`"fp"`)},
		Choices: []llm.Choice{
			{
				Stop:  llm.Stop{Reason: llm.StopCalls, Native: "tool_calls"},
				Extra: llm.Extra{"native_finish_reason": raws(`"x"`), "message.provider_metadata": raws(`{"k":1}`)},
				Parts: []llm.Part{
					{Kind: llm.PartReasoning, Text: "hm"},
					{
						Kind: llm.PartText, Text: "Ça dépend.",
						Cites:    []llm.Cite{{Kind: "url", Start: 4, End: 11, URL: "https://u", Title: "T"}},
						Logprobs: []llm.Logprob{{Token: "Ç", Logprob: "-1", Bytes: raws(`[195,135]`), Extra: llm.Extra{"id": raws(`7`)}}},
					},
					{Kind: llm.PartAudio, ID: "a1", Text: "t", Media: &llm.Blob{Data: "AAAA"}, Extra: llm.Extra{"expires_at": raws(`5`)}},
					{Kind: llm.PartCall, ID: "k1", Name: "f", Args: `{"a":1}`},
				},
			},
			{
				Stop: llm.Stop{Reason: llm.StopRefusal, Native: "stop"},
				Parts: []llm.Part{{
					Kind: llm.PartRefusal, Text: "I won't",
					Logprobs: []llm.Logprob{{Token: "I", Logprob: "-0.10", Bytes: raws(`[73]`), Refusal: true, Top: []llm.Logprob{{Token: "I", Logprob: "-0.10", Refusal: true}}}},
				}},
			},
		},
		Usage: &llm.Usage{
			Said:  llm.SaidInput | llm.SaidOutput | llm.SaidTotal | llm.SaidCacheRead | llm.SaidInputAudio | llm.SaidReasoning,
			Input: 10, Output: 20, Total: 30, CacheRead: 4, InputAudio: 1, Reasoning: 6, Cost: "0.25",
			Extra: llm.Extra{"prompt_tokens_details.text_tokens": raws(`5`), "completion_tokens_details.accepted_prediction_tokens": raws(`0`)},
		},
	}
	got := checkAnswer(t, []byte(body))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(got, replayed(t, got), sameAnswer); diff != "" {
		t.Errorf("replayed, -first +again:\n%s", diff)
	}
}

// Each of these must come out of its own dialect as it went in.
func TestAnswersOfItsOwnDialect(t *testing.T) {
	message := func(m string) string {
		return `{"id":"i","model":"m","choices":[{"index":0,"message":` + m + `,"finish_reason":"stop"}]}`
	}
	for name, body := range map[string]string{
		"nothing":            message(`{"role":"assistant","content":null}`),
		"no choices":         `{"id":"i","choices":[],"usage":{"prompt_tokens":1}}`,
		"a gap":              `{"choices":[{"index":2,"message":{"content":"x"},"finish_reason":null}]}`,
		"the same index":     `{"choices":[{"index":0,"message":{"content":"x"}},{"index":0,"message":{"content":"y"}}]}`,
		"null id":            `{"id":null,"model":null,"created":17.5,"choices":[{"message":{"content":"x"},"finish_reason":"eos"}]}`,
		"delta":              `{"choices":[{"index":0,"delta":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}`,
		"content list":       message(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}],"closed":true},{"type":"text","text":"b"},{"type":"text","text":"c"},{"type":"reference","ids":[1]}]}`),
		"content object":     message(`{"content":{"title": "x"}}`),
		"signed details":     message(`{"content":"x","reasoning":"ab","reasoning_details":[{"type":"reasoning.text","text":"ab","signature":"s","format":"anthropic-claude-v1","index":0},{"type":"reasoning.encrypted","data":"d","format":"new-v9","index":1}]}`),
		"legacy call":        message(`{"content":null,"function_call":{"name":"f","arguments":"{}"}}`),
		"empty legacy call":  message(`{"content":"x","function_call":{"name":"","arguments":""},"audio":{"id":"","data":""}}`),
		"custom call":        message(`{"content":null,"tool_calls":[{"id":"a","type":"custom","custom":{"name":"c","input":"4+4"}}]}`),
		"calls without ids":  message(`{"content":null,"tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"f","arguments":"{}"}}]}`),
		"logs without text":  `{"choices":[{"index":0,"message":{"content":""},"logprobs":{"content":[{"token":"a","logprob":-1,"bytes":null,"top_logprobs":[]}],"x":1},"finish_reason":"stop"}]}`,
		"logs of reasoning":  `{"choices":[{"index":0,"message":{"content":"a"},"logprobs":{"content":null,"reasoning_content":[{"token":"a","logprob":-1}]},"finish_reason":"stop"}]}`,
		"logs of no refusal": `{"choices":[{"index":0,"message":{"content":"a"},"logprobs":{"refusal":[{"token":"a","logprob":-1}]},"finish_reason":"stop"}]}`,
		"annotations alone":  message(`{"content":"","annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":0,"url":"u","title":"","content":"q"}}]}`),
		"odd annotations":    message(`{"content":"ab","annotations":[{"type":"url_citation","url_citation":{"start_index":1,"end_index":9,"url":"u","title":"t"}},{"type":"file","file":{"hash":"h"}}]}`),
		"pictures":           message(`{"content":"x","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"},"index":0}]}`),
		"odd words":          `{"choices":[{"index":0,"message":{"content":"x","audio":null,"refusal":null,"tool_calls":null},"finish_reason":"flummoxed","stop_reason":7}],"usage":{"prompt_tokens":null,"completion_tokens":1.5,"cost":{"total_cost":0.1,"input":0.05},"cache_creation":{"ephemeral_1h_input_tokens":3},"server_tool_use_details":{"web_search_requests":2,"x":1},"prompt_tokens_details":null,"service_tier":"t"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			first := checkAnswer(t, []byte(body))
			again := replayed(t, first)
			// In a stream texts that stand side by side are one, and choices that say nothing do not show.
			if name != "content list" && name != "a gap" {
				if diff := cmp.Diff(first, again, sameAnswer, sameJSON); diff != "" {
					t.Errorf("replayed, -first +again:\n%s", diff)
				}
			}
		})
	}
}

func TestDecodeResponseErrors(t *testing.T) {
	for _, body := range []string{
		`{"error":{"message":"m","code":429}}`,
		`{"object":"error","message":"m","type":"rate_limited"}`,
	} {
		r, err := codec{}.DecodeResponse([]byte(body))
		if err != nil || r.Fault == nil || r.Fault.Kind != fault.RateLimit {
			t.Errorf("%s: %+v, %v", body, r, err)
			continue
		}
		out, _, err := codec{}.EncodeResponse(&llm.Request{}, r)
		if err != nil || rawjson.Text(rawjson.Get(out, "error", "message")) != "m" {
			t.Errorf("%s became %s, %v", body, out, err)
		}
	}
	for _, body := range []string{`[]`, `{`, `{"choices":[{"index":999}]}`, `{"choices":[{"index":-1}]}`} {
		if _, err := (codec{}).DecodeResponse([]byte(body)); err == nil {
			t.Errorf("%s: no error", body)
		}
	}
}

// foreignAnswer is what a model that speaks Anthropic's Messages may say.
func foreignAnswer() *llm.Response {
	return &llm.Response{
		From: llm.AnthropicMessages, ID: "msg_1", Model: "claude", Created: "17", Tier: "standard",
		Extra: llm.Extra{"container": raws(`{"id":"c"}`), "nothing": raws(`[]`)},
		Choices: []llm.Choice{{
			Stop: llm.Stop{Reason: llm.StopCalls, Native: "tool_use"},
			Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "S"}},
				{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "E"}},
				{Kind: llm.PartText, Text: "Voilà "},
				{Kind: llm.PartCall, By: llm.ByServer, ID: "s", Name: "web_search", Raw: raws(`{}`)},
				{Kind: llm.PartResult, By: llm.ByServer, ID: "s", Raw: raws(`{}`)},
				{Kind: llm.PartText, Text: "l'été.", Cites: []llm.Cite{
					{Kind: "url", URL: "https://u", Title: "T", Quote: "q", Seal: "enc"}, {Kind: "document", Doc: 1},
				}},
				{Kind: llm.PartCall, ID: "k1", Name: "f"},
				{Kind: llm.PartCall, ID: "k2", Name: "g", Args: `{"a": 1}`},
			},
		}},
		Usage: &llm.Usage{
			Said:  llm.SaidInput | llm.SaidOutput | llm.SaidCacheRead | llm.SaidCacheWrite | llm.SaidCacheWrite1h | llm.SaidSearches,
			Input: 10, Output: 5, CacheRead: 4, CacheWrite: 2, Searches: 1, Extra: llm.Extra{"inference_geo": raws(`"eu"`)},
		},
	}
}

func TestEncodeResponseOfMessages(t *testing.T) {
	got, lost, err := codec{}.EncodeResponse(&llm.Request{From: llm.OpenAIChat}, foreignAnswer())
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, `{"id":"msg_1","object":"chat.completion","created":17,"model":"claude","choices":[{"index":0,
	 "message":{"role":"assistant","content":"Voilà l'été.","refusal":null,"reasoning_content":"hm",
	  "tool_calls":[{"id":"k1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"k2","type":"function","function":{"name":"g","arguments":"{\"a\": 1}"}}],
	  "annotations":[{"type":"url_citation","url_citation":{"start_index":6,"end_index":12,"url":"https://u","title":"T","content":"q"}}]},
	 "logprobs":null,"finish_reason":"tool_calls"}],
	 "usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2}},
	 "service_tier":"default"}`)
	want := []string{
		"dropped answer.citations", "dropped answer.citations.seal", "dropped answer.container",
		"dropped answer.reasoning.redacted", "dropped answer.reasoning.signature", "dropped answer.server_tools",
		"dropped answer.usage.inference_geo", "dropped answer.usage.searches",
	}
	if diff := cmp.Diff(want, losses(lost)); diff != "" {
		t.Errorf("losses, -want +got:\n%s", diff)
	}
}

func TestEncodeResponseStops(t *testing.T) {
	for _, test := range []struct {
		stop llm.Stop
		want string
		lost []string
	}{
		{llm.Stop{Reason: llm.StopEnd, Native: "end_turn"}, "stop", nil},
		{llm.Stop{Reason: llm.StopSequence, Sequence: "END"}, "stop", []string{"dropped answer.stop_sequence"}},
		{llm.Stop{Reason: llm.StopLength}, "length", nil},
		{llm.Stop{Reason: llm.StopContext}, "length", []string{"changed answer.stop"}},
		{llm.Stop{Reason: llm.StopFilter}, "content_filter", nil},
		{llm.Stop{Reason: llm.StopRefusal, Detail: "why"}, "content_filter", []string{"changed answer.stop", "dropped answer.stop_details"}},
		{llm.Stop{Reason: llm.StopPause}, "stop", []string{"changed answer.stop"}},
		{llm.Stop{Reason: llm.StopMalformed}, "stop", []string{"changed answer.stop"}},
		{llm.Stop{}, "stop", nil},
	} {
		r := &llm.Response{From: llm.AnthropicMessages, Choices: []llm.Choice{{Stop: test.stop, Parts: []llm.Part{{Kind: llm.PartText, Text: "x"}}}}}
		got, lost, err := codec{}.EncodeResponse(&llm.Request{From: llm.OpenAIChat}, r)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Choices []struct {
				Reason string `json:"finish_reason"`
			}
		}
		if err := json.Unmarshal(got, &body); err != nil || body.Choices[0].Reason != test.want {
			t.Errorf("%+v: %s, %v; want %s", test.stop, got, err, test.want)
		}
		if diff := cmp.Diff(append([]string{}, test.lost...), losses(lost)); diff != "" {
			t.Errorf("%+v: losses, -want +got:\n%s", test.stop, diff)
		}
	}
}

// Chat has one place for each kind of thing; what stood elsewhere is moved there, and that is said.
func TestEncodeResponseOrder(t *testing.T) {
	text := func(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }
	refusal := func(s string) llm.Part { return llm.Part{Kind: llm.PartRefusal, Text: s} }
	image := llm.Part{Kind: llm.PartImage, Media: &llm.Blob{URL: "https://u"}}
	cipher := llm.Part{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "d"}}
	sealed := llm.Part{Kind: llm.PartReasoning, Text: "hm", Seal: llm.Seal{By: "openai", Form: llm.SealEncrypted, Data: "d"}}
	const moved = "changed answer.order"
	for _, test := range []struct {
		name  string
		parts []llm.Part
		want  string
		lost  []string
	}{
		{
			"text after an image",
			[]llm.Part{image, text("a")},
			`"content":"a","refusal":null,"images":[{"type":"image_url","image_url":{"url":"https://u"}}]`,
			[]string{moved},
		},
		{
			"image after a text",
			[]llm.Part{text("a"), image},
			`"content":"a","refusal":null,"images":[{"type":"image_url","image_url":{"url":"https://u"}}]`, nil,
		},
		{"text after a refusal", []llm.Part{refusal("n"), text("a")}, `"content":"a","refusal":"n"`, []string{moved}},
		{"refusals", []llm.Part{refusal("n"), refusal("o")}, `"content":null,"refusal":"no"`, nil},
		{"what is left out moves nothing", []llm.Part{text("a"), cipher}, `"content":"a","refusal":null`, []string{"dropped answer.reasoning.redacted"}},
		{"a cipher beside its text", []llm.Part{sealed, text("a")}, `"content":"a","refusal":null,"reasoning_content":"hm"`, []string{"dropped answer.reasoning.redacted"}},
		{"reasoning after a text", []llm.Part{text("a"), {Kind: llm.PartReasoning, Text: "hm"}}, `"content":"a","refusal":null,"reasoning_content":"hm"`, []string{moved}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &llm.Response{From: llm.AnthropicMessages, Choices: []llm.Choice{{Stop: llm.Stop{Reason: llm.StopLength}, Parts: test.parts}}}
			got, lost, err := codec{}.EncodeResponse(&llm.Request{From: llm.OpenAIChat}, r)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range rawjson.Elems(rawjson.Get(got, "choices")) {
				same(t, rawjson.Get(c, "message"), `{"role":"assistant",`+test.want+`}`)
			}
			want := append([]string{}, test.lost...)
			if diff := cmp.Diff(want, losses(lost)); diff != "" {
				t.Errorf("losses, -want +got:\n%s", diff)
			}
			lost = nil
			for _, err := range (codec{}).EncodeStream(&llm.Request{From: llm.OpenAIChat}, llm.Replay(r), func(l llm.Loss) { lost = append(lost, l) }) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, losses(lost)); diff != "" {
				t.Errorf("losses of the stream, -want +got:\n%s", diff)
			}
		})
	}
}

// What the client offered decides how a call comes back.
func TestEncodeResponseCalls(t *testing.T) {
	answer := func(parts ...llm.Part) *llm.Response {
		return &llm.Response{From: llm.AnthropicMessages, Choices: []llm.Choice{{Stop: llm.Stop{Reason: llm.StopCalls}, Parts: parts}}}
	}
	custom := &llm.Request{From: llm.OpenAIChat, Tools: []llm.Tool{{Kind: llm.ToolCustom, Name: "c"}}}
	functions := &llm.Request{From: llm.OpenAIChat, Tools: []llm.Tool{{Kind: llm.ToolFunction, Name: "f", Raw: mark}}}
	tests := []struct {
		name string
		req  *llm.Request
		resp *llm.Response
		want string
		lost []string
	}{
		{
			"custom", custom, answer(llm.Part{Kind: llm.PartCall, ID: "a", Name: "c", Args: `{"input": "4 \"+\" 4"}`}),
			`{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"a","type":"custom","custom":{"name":"c","input":"4 \"+\" 4"}}]}`, nil,
		},
		{
			"custom, not wrapped", custom, answer(llm.Part{Kind: llm.PartCall, ID: "a", Name: "c", Args: `{"a":1,"b":2}`}),
			`{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"a","type":"custom","custom":{"name":"c","input":"{\"a\":1,\"b\":2}"}}]}`, nil,
		},
		{
			"legacy", functions, answer(llm.Part{Kind: llm.PartCall, ID: "a", Name: "f"}, llm.Part{Kind: llm.PartCall, ID: "b", Name: "f"}),
			`{"role":"assistant","content":null,"refusal":null,"function_call":{"name":"f","arguments":"{}"}}`,
			[]string{"dropped answer.calls"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, lost, err := codec{}.EncodeResponse(test.req, test.resp)
			if err != nil {
				t.Fatal(err)
			}
			var choice []byte
			for _, c := range rawjson.Elems(rawjson.Get(got, "choices")) {
				choice = c
			}
			same(t, rawjson.Get(choice, "message"), test.want)
			if diff := cmp.Diff(append([]string{}, test.lost...), losses(lost)); diff != "" {
				t.Errorf("losses, -want +got:\n%s", diff)
			}
			wantStop := "tool_calls"
			if test.name == "legacy" {
				wantStop = "function_call"
			}
			if stop := rawjson.Text(rawjson.Get(choice, "finish_reason")); stop != wantStop {
				t.Errorf("finish_reason %s, want %s", stop, wantStop)
			}
		})
	}
}

func TestCannot(t *testing.T) {
	req := &llm.Request{From: llm.OpenAIChat, Stop: []string{"x"}, Reasoning: llm.Reasoning{Effort: "low"}}
	want := []string{"dropped answer.reasoning.redacted", "dropped answer.reasoning.signature", "dropped answer.stop_sequence"}
	if diff := cmp.Diff(want, losses(codec{}.Cannot(req, llm.AnthropicMessages))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := (codec{}).Cannot(req, llm.OpenAIChat); got != nil {
		t.Errorf("in its own dialect: %v", got)
	}
	if got := (codec{}).Cannot(&llm.Request{}, llm.AnthropicMessages); got != nil {
		t.Errorf("of a plain request: %v", got)
	}
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(`{"id":"i","choices":[{"index":0,"message":{"content":"é","annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":1}}],"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"logprobs":{"content":[{"token":"a"}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"cost":{"total_cost":1}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := codec{}.DecodeResponse(body)
		if err != nil || r.Fault != nil {
			return
		}
		for _, from := range []llm.Dialect{llm.OpenAIChat, llm.AnthropicMessages} {
			r.From = from
			out, _, err := codec{}.EncodeResponse(&llm.Request{From: llm.OpenAIChat}, r)
			if err != nil || !json.Valid(out) {
				t.Fatalf("%s became %s: %v", body, out, err)
			}
		}
		r.From = llm.OpenAIChat
		check := llm.Grammar()
		for e := range llm.Replay(r) {
			if err := check(e); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
		}
		replayed(t, r)
	})
}
