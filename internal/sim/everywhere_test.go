package sim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/internal/sim"
)

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// failing are, by model, the status and a word of the refusal in each dialect, in the order of speakers.
var failing = map[string][]struct {
	status int
	word   string
}{
	"sim-429": {
		{429, "rate_limit_exceeded"},
		{429, "rate_limit_exceeded"},
		{429, "rate_limit_error"},
		{429, "RESOURCE_EXHAUSTED"},
		{429, "RESOURCE_EXHAUSTED"},
		{429, "Too many requests, please wait"},
		{429, "per minute request limit"},
		{429, "hourly usage limit"},
	},
	"sim-overloaded": {
		{503, "overloaded"},
		{503, "overloaded"},
		{529, "overloaded_error"},
		{503, "UNAVAILABLE"},
		{503, "UNAVAILABLE"},
		{503, "Too many connections"},
		{503, "overloaded"},
		{503, "server busy"},
	},
	"sim-500": {
		{500, "server_error"},
		{500, "server_error"},
		{500, "api_error"},
		{500, "INTERNAL"},
		{500, "INTERNAL"},
		{500, "unexpected error"},
		{500, "internal server error"},
		{500, "llama runner"},
	},
	"sim-503": {
		{503, "server_error"},
		{503, "server_error"},
		{503, "api_error"},
		{503, "UNAVAILABLE"},
		{503, "UNAVAILABLE"},
		{503, "unable to process"},
		{503, "unavailable"},
		{503, "unavailable"},
	},
	"sim-auth": {
		{401, "invalid_api_key"},
		{401, "invalid_api_key"},
		{401, "authentication_error"},
		{400, "API_KEY_INVALID"},
		{400, "API_KEY_INVALID"},
		{403, "API Key is valid"},
		{401, "invalid api token"},
		{401, "unauthorized"},
	},
	"sim-context": {
		{400, "context_length_exceeded"},
		{400, "exceeds the context window"},
		{400, "prompt is too long"},
		{400, "exceeds the maximum number of tokens"},
		{400, "exceeds the maximum number of tokens"},
		{400, "Input is too long"},
		{400, "TOO_MANY_TOKENS"},
		{400, "context length"},
	},
	"no-such-model": {
		{404, "model_not_found"},
		{400, "model_not_found"},
		{404, "not_found_error"},
		{404, "NOT_FOUND"},
		{404, "NOT_FOUND"},
		{400, "model identifier is invalid"},
		{404, "not found"},
		{404, "not found"},
	},
	"sim-embed": {
		{404, "model_not_found"},
		{400, "model_not_found"},
		{404, "not_found_error"},
		{404, "NOT_FOUND"},
		{404, "NOT_FOUND"},
		{400, "model identifier is invalid"},
		{404, "not found"},
		{400, "does not support chat"},
	},
	"sim-garbage": {
		{200, "<html>"}, {200, "<html>"}, {200, "<html>"}, {200, "<html>"}, {200, "<html>"}, {200, "<html>"}, {200, "<html>"}, {200, "<html>"},
	},
}

// TestFailuresEverywhere: what a model's name promises happens in every dialect's words, before a stream too.
func TestFailuresEverywhere(t *testing.T) {
	r := start(t, &sim.Provider{Slow: -1})
	for model, wants := range failing {
		for i, sp := range speakers {
			for _, stream := range []bool{false, true} {
				q := question{model: model, text: "hi", stream: stream}
				res, got, err := r.do(sp.path(q), sp.body(q))
				if err != nil || res.StatusCode != wants[i].status || !strings.Contains(got, wants[i].word) {
					t.Errorf("%s %s: %d %v %s, want %d %s", sp.name, model, res.StatusCode, err, got, wants[i].status, wants[i].word)
				}
				if kind := res.Header.Get("X-Amzn-Errortype"); (kind != "") != (sp.name == "bedrock" && res.StatusCode >= 400) {
					t.Errorf("%s %s: error type %q", sp.name, model, kind)
				}
				// Google says it in the body, AWS does not say it.
				says := model == "sim-429" && !strings.HasPrefix(sp.name, "gemini") && sp.name != "bedrock"
				if wait := res.Header.Get("Retry-After"); (wait == "1") != says {
					t.Errorf("%s %s: retry-after %q", sp.name, model, wait)
				}
				if model == "sim-429" && strings.HasPrefix(sp.name, "gemini") && !strings.Contains(got, `"retryDelay":"1s"`) {
					t.Errorf("%s: %s", sp.name, got)
				}
			}
		}
	}
}

// TestBrokenStreamsEverywhere: a stream that breaks does so after eight events, as a cut or with an error in the
// dialect's own frame.
func TestBrokenStreamsEverywhere(t *testing.T) {
	r := start(t, &sim.Provider{Slow: -1})
	words := map[string]string{
		"openai-chat": `"error":{`, "openai-responses": `"type":"response.failed"`, "anthropic-messages": `"overloaded_error"`, "gemini": `"INTERNAL"`,
		"gemini array": `"INTERNAL"`, "bedrock": "modelStreamErrorException", "cohere": `"ERROR"`, "ollama": `{"error":`,
	}
	first := map[string]string{
		"openai-responses": `"type":"error"`, "gemini": `"UNAVAILABLE"`, "gemini array": `"UNAVAILABLE"`, "bedrock": "throttlingException",
	}
	for _, sp := range speakers {
		ask := func(model string, stream bool, room int) (string, error) {
			q := question{model: model, text: "hi", stream: stream, room: room}
			_, got, err := r.do(sp.path(q), sp.body(q))
			return got, err
		}
		want := 9
		if sp.name == "openai-responses" {
			want = 10 // the error, and the response that failed
		}
		got, err := ask("sim-error-in-stream", true, 0)
		all := sp.chunks(t, got)
		if err != nil || len(all) != want || !strings.Contains(all[len(all)-1], words[sp.name]) {
			t.Errorf("%s sim-error-in-stream: %v, %d events: %s", sp.name, err, len(all), got)
		}
		for i, c := range all {
			if n := num(decode(t, c), "sequence_number"); sp.name == "openai-responses" && int(n) != i {
				t.Errorf("event %d has the number %v", i, n)
			}
		}
		if got, err = ask("sim-error-in-stream", false, 0); err != nil || strings.Contains(got, "simulated") {
			t.Errorf("%s sim-error-in-stream, whole: %v %s", sp.name, err, got)
		}
		word := words[sp.name]
		if w := first[sp.name]; w != "" {
			word = w
		}
		got, err = ask("sim-error-first", true, 0)
		if all := sp.chunks(t, got); err != nil || len(all) != 1 || !strings.Contains(all[0], word) {
			t.Errorf("%s sim-error-first: %v %q, want %s", sp.name, err, got, word)
		}
		got, err = ask("sim-cut", true, 0)
		if all := sp.chunks(t, got); !errors.Is(err, io.ErrUnexpectedEOF) || len(all) != 8 {
			t.Errorf("%s sim-cut: %v, %d events", sp.name, err, len(all))
		}
		if got, err = ask("sim-cut", false, 0); !errors.Is(err, io.ErrUnexpectedEOF) || got == "" {
			t.Errorf("%s sim-cut, whole: %v %s", sp.name, err, got)
		}
		if got, err = ask("sim-cut", true, 16); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s sim-cut, short: %v %s", sp.name, err, got)
		}
	}
}

// TestClientLeavesEverywhere: a client that goes is noticed soon, and the model it asked for is known.
func TestClientLeavesEverywhere(t *testing.T) {
	r := start(t, &sim.Provider{Pace: 20 * time.Millisecond})
	for model, stream := range map[string]bool{"sim-hang": false, "sim-stall": true, "sim-long": true} {
		for _, sp := range speakers {
			q := question{model: model, text: "hi", stream: stream}
			ctx, leave := context.WithTimeout(t.Context(), 10*time.Second)
			if !stream {
				time.AfterFunc(30*time.Millisecond, leave)
			}
			left := "before the answer"
			if res, err := http.DefaultClient.Do(r.request(ctx, sp.path(q), sp.body(q))); err == nil {
				n, err := res.Body.Read(make([]byte, 100))
				left = fmt.Sprintf("after %d bytes, %v", n, err)
				leave()
				res.Body.Close()
			}
			leave()
			until := time.Now().Add(3 * time.Second)
			for r.Open() > 0 && time.Now().Before(until) {
				time.Sleep(time.Millisecond)
			}
			calls := r.Calls()
			if last := calls[len(calls)-1]; r.Open() != 0 || !last.Left || !last.Done || last.Model != model {
				t.Errorf("%s %s: open %d, left %v, done %v, model %q (%s)", sp.name, model, r.Open(), last.Left, last.Done, last.Model, left)
			}
		}
	}
}

// TestKeyEverywhere: the credential is demanded where the dialect has it.
func TestKeyEverywhere(t *testing.T) {
	r := start(t, &sim.Provider{Key: "secret"})
	for _, sp := range speakers {
		q := question{model: "sim-1", text: "hi"}
		name, prefix, none, wrong := "Authorization", "Bearer ", 401, 401
		switch {
		case strings.HasPrefix(sp.name, "gemini"):
			name, prefix, none, wrong = "X-Goog-Api-Key", "", 403, 400
		case sp.name == "bedrock":
			none, wrong = 403, 403
		}
		for value, want := range map[string]int{prefix + "secret": 200, prefix + "other": wrong, "": none} {
			if res, got, _ := r.do(sp.path(q), sp.body(q), name, value); res.StatusCode != want || strings.Contains(got, "secret") {
				t.Errorf("%s %q: %d %s, want %d", sp.name, value, res.StatusCode, got, want)
			}
		}
	}
	if res, _, _ := r.do("/v1beta/models?key=secret", ""); res.StatusCode != 200 {
		t.Errorf("key in the query: %d", res.StatusCode)
	}
}

// TestSeesEverywhere: a picture is seen in every dialect that has pictures.
func TestSeesEverywhere(t *testing.T) {
	r := start(t, &sim.Provider{})
	for path, body := range map[string]string{
		responsesPath: `{"model":"sim-1","input":[{"role":"user","content":[{"type":"input_text","text":"What is this?"},{"type":"input_image","image_url":"data:image/png;base64,` + pixel + `"}]}]}`,
		geminiPath:    `{"contents":[{"parts":[{"text":"What is this?"},{"inlineData":{"mimeType":"image/png","data":"` + pixel + `"}}]}]}`,
		conversePath:  `{"messages":[{"role":"user","content":[{"text":"What is this?"},{"image":{"format":"png","source":{"bytes":"` + pixel + `"}}}]}]}`,
		"/v2/chat":    `{"model":"sim-1","messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pixel + `"}}]}]}`,
		"/api/chat":   `{"model":"sim-1","stream":false,"messages":[{"role":"user","content":"What is this?","images":["` + pixel + `"]}]}`,
		chatPath:      `{"model":"sim-1","messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pixel + `"}}]}]}`,
	} {
		_, got, _ := r.do(path, body)
		for _, want := range []string{"You asked: “What is this?”", "I see one image (PNG, 70 bytes)."} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not in %s", path, want, got)
			}
		}
		if !strings.Contains(got, "266") && !strings.Contains(got, "262") { // 4 for the question, 250 for the picture, 8 around
			t.Errorf("%s: another count in %s", path, got)
		}
	}
}

// TestDeterministicEverywhere: the same seed, the same answer; another, another id.
func TestDeterministicEverywhere(t *testing.T) {
	clock := func() time.Time { return time.Unix(1e9, 0) }
	a, b := start(t, &sim.Provider{Seed: 7, Clock: clock}), start(t, &sim.Provider{Seed: 7, Clock: clock})
	other := start(t, &sim.Provider{Seed: 8, Clock: clock})
	for _, sp := range speakers {
		q := question{model: "sim-tools", text: "hi", tools: true, stream: true}
		_, x, _ := a.do(sp.path(q), sp.body(q))
		_, y, _ := b.do(sp.path(q), sp.body(q))
		_, z, _ := other.do(sp.path(q), sp.body(q))
		if x != y || x == z {
			t.Errorf("%s: same seed equal: %v; other seed equal: %v", sp.name, x == y, x == z)
		}
	}
}

// TestGeminiModels: the list comes page by page.
func TestGeminiModels(t *testing.T) {
	r := start(t, &sim.Provider{})
	var names []string
	for token := ""; ; {
		page := r.ok("/v1beta/models?pageSize=10&pageToken="+token, "")
		for _, m := range list(page, "models") {
			names = append(names, text(m, "name"))
		}
		if token = text(page, "nextPageToken"); token == "" {
			break
		}
	}
	if len(names) != len(sim.Models()) || names[0] != "models/sim-1" {
		t.Errorf("%v", names)
	}
	// Google's first version has the same paths but for their root.
	if a := r.ok("/v1/models/sim-1:generateContent", `{"contents":[{"parts":[{"text":"hi"}]}]}`); text(a, "candidates", 0, "finishReason") != "STOP" {
		t.Errorf("%v", a)
	}
	if res, got, _ := r.do("/v1beta/none", ""); res.StatusCode != 404 {
		t.Errorf("%d %s", res.StatusCode, got)
	}
	if a := r.ok("/v1/models", "", "X-Goog-Api-Key", "k"); text(a, "models", 0, "name") != "models/sim-1" {
		t.Errorf("%v", a)
	}
	if m := r.ok("/v1beta/models/sim-embed", ""); text(m, "supportedGenerationMethods", 0) != "embedContent" {
		t.Errorf("%v", m)
	}
	a := r.ok(geminiPath, `{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"candidateCount":2,"responseLogprobs":true,"logprobs":2}}`)
	if len(list(a, "candidates")) != 2 || len(list(a, "candidates", 1, "logprobsResult", "topCandidates", 0, "candidates")) != 2 || num(a, "candidates", 1, "index") != 1 {
		t.Errorf("%v", a)
	}
}

// TestCitations: Cohere's answers say which letters of them are from where.
func TestCitations(t *testing.T) {
	r := start(t, &sim.Provider{})
	const documents = `,"documents":["Ünder the bridge. And more.",{"id":"d2","data":{"title":"T","text":"The weir is old. It holds."}}]`
	const question = `{"model":"sim-1","messages":[{"role":"user","content":"Grüße?"}]` + documents
	whole := r.ok("/v2/chat", question+`}`)
	answer := []rune(text(whole, "message", "content", 0, "text"))
	cites := list(whole, "message", "citations")
	if len(cites) != 2 {
		t.Fatalf("%v", whole)
	}
	for i, c := range cites {
		got := string(answer[int(num(c, "start")):int(num(c, "end"))])
		if got != text(c, "text") || got != []string{"Ünder the bridge", "The weir is old"}[i] || text(c, "sources", 0, "id") != []string{"doc:0", "d2"}[i] {
			t.Errorf("%q cites %v", got, c)
		}
	}
	_, raw, _ := r.do("/v2/chat", question+`,"stream":true}`)
	var streamed []string
	for _, e := range events(t, raw) {
		if e.event == "citation-start" {
			streamed = append(streamed, args(at(decode(t, e.data), "delta", "message", "citations")))
		}
	}
	if fmt.Sprint(streamed) != fmt.Sprint([]string{args(cites[0]), args(cites[1])}) {
		t.Errorf("streamed %v, whole %v", streamed, cites)
	}
	off := r.ok("/v2/chat", question+`,"citation_options":{"mode":"OFF"}}`)
	if at(off, "message", "citations") != nil {
		t.Errorf("%v", off)
	}
	tool := r.ok("/v2/chat", `{"model":"sim-1","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"rain"}]}`)
	if c := at(tool, "message", "citations", 0); text(c, "text") != "rain" || text(c, "sources", 0, "id") != "c1:0" {
		t.Errorf("%v", tool)
	}
}

// TestCompletions: several prompts and choices, echoed and streamed.
func TestCompletions(t *testing.T) {
	r := start(t, &sim.Provider{})
	a := r.ok("/v1/completions", `{"model":"sim-1","prompt":["one","two"],"n":2,"echo":true,"logprobs":2,"max_tokens":5}`)
	choices := list(a, "choices")
	if len(choices) != 4 || !strings.HasPrefix(text(choices, 2, "text"), "two") || text(choices, 0, "finish_reason") != "length" || num(a, "usage", "completion_tokens") != 20 {
		t.Fatalf("%v", a)
	}
	tokens, offsets := list(choices, 2, "logprobs", "tokens"), list(choices, 2, "logprobs", "text_offset")
	if len(tokens) < 2 || len(tokens) != len(offsets) || offsets[1] != 3.0 || len(at(choices, 2, "logprobs", "top_logprobs", 1).(map[string]any)) != 2 {
		t.Errorf("%v", choices[2])
	}
	_, raw, _ := r.do("/v1/completions", `{"model":"sim-1","prompt":["one","two"],"n":2,"echo":true,"max_tokens":5,"stream":true,"stream_options":{"include_usage":true}}`)
	got, ends := map[float64]string{}, 0
	all := events(t, raw)
	for _, e := range all[:len(all)-1] {
		v := decode(t, e.data)
		for _, c := range list(v, "choices") {
			got[num(c, "index")] += text(c, "text")
			if text(c, "finish_reason") != "" {
				ends++
			}
		}
		if u := v["usage"]; u != nil && num(u, "total_tokens") != num(a, "usage", "total_tokens") {
			t.Errorf("%v", u)
		}
	}
	for i, c := range choices {
		if got[float64(i)] != text(c, "text") {
			t.Errorf("choice %d: %q, whole %q", i, got[float64(i)], text(c, "text"))
		}
	}
	if d := r.ok("/v1/completions", `{"model":"sim-1","prompt":"one"}`); num(d, "usage", "completion_tokens") != 16 {
		t.Errorf("by default: %v", d) // as short as OpenAI's
	}
	if ends != 4 || all[len(all)-1].data != "[DONE]" {
		t.Errorf("%d ends, %v", ends, all[len(all)-1])
	}
}
