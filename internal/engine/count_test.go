package engine_test

import (
	"io"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
)

const countDocument = `version: 1
providers:
  messages: { base_url: "http://messages.test", speaks: [anthropic-messages], api_key: k }
  responses: { base_url: "http://responses.test/v1", speaks: [openai-responses], api_key: k }
  gemini: { base_url: "http://gemini.test", speaks: [gemini-generate], api_key: k }
  converse: { base_url: "http://converse.test", speaks: [bedrock-converse], api_key: k }
  chat: { base_url: "http://chat.test/v1", speaks: [openai-chat], api_key: k }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`

// TestCount counts tokens where the provider speaks the client's dialect, where it counts in another, and where it does
// not count.
func TestCount(t *testing.T) {
	tests := []struct {
		name, path, body   string
		wantPath, wantBody string
		said, answer, lost string
	}{
		{
			"Messages", "/v1/messages/count_tokens?beta=true", `{"model": "messages/m", "messages": [{"role":"user","content":"hello"}], "other": 1.0}`,
			"/v1/messages/count_tokens?beta=true", `{"model": "m", "messages": [{"role":"user","content":"hello"}], "other": 1.0}`,
			`{"input_tokens":  9}`, `{"input_tokens":  9}`, "",
		},
		{
			"Responses", "/v1/responses/input_tokens", `{"model":"responses/m","input":"hello"}`,
			"/v1/responses/input_tokens", `{"model":"m","input":"hello"}`,
			`{"object":"response.input_tokens","input_tokens":9}`, `{"object":"response.input_tokens","input_tokens":9}`, "",
		},
		{
			"Gemini", "/v1beta/models/gemini%2Fm:countTokens", `{"generateContentRequest": {"model": "models/gemini/m", "contents": [{"parts":[{"text":"hello"}]}]}}`,
			"/v1beta/models/m:countTokens", `{"generateContentRequest": {"model": "models/m", "contents": [{"parts":[{"text":"hello"}]}]}}`,
			`{"totalTokens":9}`, `{"totalTokens":9}`, "",
		},
		{
			"Converse", "/model/converse%2Fm/count-tokens", `{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"hello"}]}]}}}`,
			"/model/m/count-tokens", `{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"hello"}]}]}}}`,
			`{"inputTokens":9}`, `{"inputTokens":9}`, "",
		},
		{
			"Messages by Gemini", "/v1/messages/count_tokens", `{"model":"gemini/m","system":"be kind","messages":[{"role":"user","content":"hello"}]}`,
			"/v1beta/models/m:countTokens", `{"generateContentRequest":{"model":"models/m","systemInstruction":{"parts":[{"text":"be kind"}]},"contents":[{"role":"user","parts":[{"text":"hello"}]}]}}`,
			`{"totalTokens":9}`, `{"input_tokens":9}`, "",
		},
		{
			"Gemini by Messages", "/v1beta/models/messages%2Fm:countTokens", `{"generateContentRequest":{"contents":[{"role":"user","parts":[{"text":"hello"}]}],"odd":1,"generationConfig":{"maxOutputTokens":5}}}`,
			"/v1/messages/count_tokens", `{"model":"m","messages":[{"role":"user","content":"hello"}]}`,
			`{"input_tokens":9}`, `{"totalTokens":9}`, "generateContentRequest.odd",
		},
		{
			"Responses by Converse", "/v1/responses/input_tokens", `{"model":"converse/m","input":"hello","max_output_tokens":5}`,
			"/model/m/count-tokens", `{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"hello"}]}]}}}`,
			`{"inputTokens":9}`, `{"object":"response.input_tokens","input_tokens":9}`, "",
		},
		{
			"Converse by Responses", "/model/responses%2Fm/count-tokens", `{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"hello"}]}]}}}`,
			"/v1/responses/input_tokens", `{"model":"m","input":[{"type":"message","role":"user","content":"hello"}]}`,
			`{"object":"response.input_tokens","input_tokens":9}`, `{"inputTokens":9}`, "",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			up := &answerer{status: 200, answer: test.said}
			g := (&gatewaytest.Gateway{Upstream: up, Document: countDocument}).Start(t)
			resp := g.Post(t, test.path, test.body)
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != 200 || string(got) != test.answer {
				t.Fatalf("%d %s %v, want %s", resp.StatusCode, got, err, test.answer)
			}
			if up.path != test.wantPath || up.body != test.wantBody {
				t.Errorf("asked %s\n%s\nwant %s\n%s", up.path, up.body, test.wantPath, test.wantBody)
			}
			if lost := resp.Header.Get("X-Weir-Lost"); lost != test.lost {
				t.Errorf("lost %q, want %q", lost, test.lost)
			}
			if x := g.Wait(t, 1)[0]; x.Op != "count_tokens" || x.Usage != nil || x.Ending != gateway.Done {
				t.Errorf("recorded %+v", x)
			}
		})
	}
}

func TestCountRefused(t *testing.T) {
	tests := []struct {
		name, path, body, says string
		status                 int
	}{
		{"another model within", "/v1beta/models/gemini%2Fm:countTokens", `{"generateContentRequest":{"model":"models/other","contents":[]}}`, "another model", 400},
		{"what is kept elsewhere", "/v1/responses/input_tokens", `{"model":"gemini/m","previous_response_id":"resp_1","input":"hello"}`, "previous_response_id", 400},
		{"no conversation", "/model/gemini%2Fm/count-tokens", `{"input":{"invokeModel":{"body":"e30="}}}`, "converse", 400},
	}
	for _, test := range tests {
		up := &answerer{status: 200, answer: "{}"}
		g := (&gatewaytest.Gateway{Upstream: up, Document: countDocument}).Start(t)
		resp := g.Post(t, test.path, test.body)
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != test.status || !strings.Contains(string(got), test.says) || up.calls != 0 {
			t.Errorf("%s: %d %s %v, %d calls", test.name, resp.StatusCode, got, err, up.calls)
		}
	}
	up := &answerer{status: 200, answer: `{"nothing":1}`}
	g := (&gatewaytest.Gateway{Upstream: up, Document: countDocument}).Start(t)
	resp := g.Post(t, "/v1/messages/count_tokens", `{"model":"gemini/m","messages":[{"role":"user","content":"hello"}]}`)
	_ = resp.Body.Close()
	if resp.StatusCode != 502 {
		t.Errorf("no number: %d", resp.StatusCode)
	}
}
