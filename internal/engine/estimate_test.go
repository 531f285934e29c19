package engine_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/replay"
)

const estimateDocument = `version: 1
providers:
  chat: { base_url: "http://chat.test/v1", speaks: [openai-chat], api_key: k }
  messages: { base_url: "http://messages.test", speaks: [anthropic-messages], api_key: k }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`

func words(n int) string {
	return strings.Repeat(`data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}`+"\n\n", n)
}

const (
	stopped = `data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	ended   = "data: [DONE]\n\n"
	opening = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"x\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":77,\"output_tokens\":1}}}\n\n" +
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
)

func said(n int) string {
	return strings.Repeat("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word\"}}\n\n", n)
}

// TestEstimated ends answers without a statement of what they came to. " word" is one token.
func TestEstimated(t *testing.T) {
	plain := `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat(" word", 90) + `"},"finish_reason":"stop"}]`
	long := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 2000) // 10 tokens each
	tests := []struct {
		name, path, model, text string
		stream                  bool
		answer                  string
		cut                     bool
		input, output           int64
		estimated               llm.Fields
		ending                  gateway.Ending
	}{
		{"stated", "/v1/chat/completions", "chat/gpt-4o", "Hi", true, words(20) + stopped + `data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":8,"completion_tokens":20,"total_tokens":28}}` + "\n\n" + ended, false, 8, 20, 0, gateway.Done},
		{"a stream that states nothing", "/v1/chat/completions", "chat/gpt-4o", "hello world", true, words(100) + stopped + ended, false, 9, 100, llm.SaidInput | llm.SaidOutput, gateway.Done},
		{"a long one", "/v1/chat/completions", "chat/gpt-4o", "hello world", true, words(4000) + stopped + ended, false, 9, 4000, llm.SaidInput | llm.SaidOutput, gateway.Done},
		{"a whole answer that states nothing", "/v1/chat/completions", "chat/gpt-4o", "hello world", false, plain + "}", false, 9, 90, llm.SaidInput | llm.SaidOutput, gateway.Done},
		{"cut", "/v1/chat/completions", "chat/gpt-4o", "hello world", true, words(60), true, 9, 60, llm.SaidInput | llm.SaidOutput, gateway.Cut},
		{"cut after a long question", "/v1/chat/completions", "chat/gpt-4o", long, true, words(60), true, 20000, 60, llm.SaidInput | llm.SaidOutput, gateway.Cut},
		{"cut of Messages, which state the input at once", "/v1/messages", "messages/claude-3-opus", "hello world", true, opening + said(60), true, 77, 69, llm.SaidOutput, gateway.Cut},
		{"translated and cut", "/v1/messages", "chat/gpt-4o", "hello world", true, words(60), true, 9, 60, llm.SaidInput | llm.SaidOutput, gateway.Cut},
		{"translated, whole", "/v1/messages", "chat/gpt-4o", "hello world", false, plain + "}", false, 9, 90, llm.SaidInput | llm.SaidOutput, gateway.Done},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			kind := "application/json"
			if test.stream {
				kind = "text/event-stream"
			}
			up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": kind}, Body: []byte(test.answer), Read: 1000}
			if test.cut {
				up.Cut = len(test.answer)
				up.Body = append(up.Body, "data: {"...)
			}
			g := (&gatewaytest.Gateway{Upstream: up, Document: estimateDocument}).Start(t)
			resp := g.Post(t, test.path, fmt.Sprintf(`{"model":%q,"max_tokens":9000,"stream":%v,"messages":[{"role":"user","content":%q}]}`, test.model, test.stream, test.text))
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			x := g.Wait(t, 1)[0]
			if x.Ending != test.ending || x.Usage == nil {
				t.Fatalf("%s, usage %+v", x.Ending, x.Usage)
			}
			near(t, "input", x.Usage.Input, test.input, test.estimated&llm.SaidInput != 0)
			near(t, "output", x.Usage.Output, test.output, test.estimated&llm.SaidOutput != 0)
			if x.Usage.Estimated != test.estimated || !x.Usage.Has(llm.SaidInput|llm.SaidOutput) {
				t.Errorf("estimated %b of %b, want %b", x.Usage.Estimated, x.Usage.Said, test.estimated)
			}
		})
	}
}

func near(t *testing.T, what string, got, want int64, estimate bool) {
	t.Helper()
	slack := int64(0)
	if estimate {
		slack = want/10 + 3
	}
	if got < want-slack || got > want+slack {
		t.Errorf("%s %d, want %d ± %d", what, got, want, slack)
	}
}

// TestEstimatedNothing leaves answers alone that never began.
func TestEstimatedNothing(t *testing.T) {
	up := &replay.Upstream{Status: 500, Header: map[string]string{"content-type": "application/json"}, Body: []byte(`{"error":{"message":"no"}}`)}
	g := (&gatewaytest.Gateway{Upstream: up, Document: estimateDocument}).Start(t)
	resp := g.Post(t, "/v1/chat/completions", `{"model":"chat/gpt-4o","messages":[{"role":"user","content":"hello"}]}`)
	_ = resp.Body.Close()
	if x := g.Wait(t, 1)[0]; x.Usage != nil {
		t.Errorf("%+v", x.Usage)
	}
}

// TestCountEstimated asks targets that count no tokens.
func TestCountEstimated(t *testing.T) {
	for _, test := range []struct{ path, body, answer string }{
		{"/v1/messages/count_tokens", `{"model":"chat/gpt-4o","messages":[{"role":"user","content":"hello world"}]}`, `{"input_tokens":9}`},
		{"/v1/responses/input_tokens", `{"model":"chat/gpt-4o","input":"hello world"}`, `{"object":"response.input_tokens","input_tokens":9}`},
		{"/v1beta/models/chat%2Fgpt-4o:countTokens", `{"contents":[{"role":"user","parts":[{"text":"hello world"}]}]}`, `{"totalTokens":9}`},
	} {
		up := &answerer{status: 200, answer: "{}"}
		g := (&gatewaytest.Gateway{Upstream: up, Document: estimateDocument}).Start(t)
		resp := g.Post(t, test.path, test.body)
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || string(got) != test.answer || up.calls != 0 {
			t.Errorf("%s: %d %s %v, %d calls; want %s", test.path, resp.StatusCode, got, err, up.calls, test.answer)
		}
		if resp.Header.Get("X-Weir-Estimated") != "true" {
			t.Errorf("%s: not marked: %v", test.path, resp.Header)
		}
		if x := g.Wait(t, 1)[0]; x.Ending != gateway.Done || len(x.Attempts) != 1 || x.Attempts[0].Mode != gateway.Estimated || x.Usage != nil {
			t.Errorf("%s: recorded %+v", test.path, x)
		}
	}
}

// TestEstimateLearns asks for an estimate, lets the provider state what such questions come to, and asks again.
func TestEstimateLearns(t *testing.T) {
	text := strings.Repeat("How far is it to the next town? ", 100) // some 900 tokens of o200k_base
	answer := `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Far."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1200,"completion_tokens":3,"total_tokens":1203}}`
	up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": "application/json"}, Body: []byte(answer), Read: 1000}
	g := (&gatewaytest.Gateway{Upstream: up, Document: estimateDocument}).Start(t)
	post := func(path, model string) string {
		resp := g.Post(t, path, fmt.Sprintf(`{"model":%q,"max_tokens":9,"messages":[{"role":"user","content":%q}]}`, model, text))
		got, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		return string(got)
	}
	count := func(model string) (n int64) {
		if _, err := fmt.Sscanf(post("/v1/messages/count_tokens", model), `{"input_tokens":%d}`, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count("chat/m")
	for i := range 12 { // passed and translated
		post([]string{"/v1/chat/completions", "/v1/messages"}[i%2], "chat/m")
		g.Wait(t, i+2)
	}
	after, other := count("chat/m"), count("chat/other")
	if before > 1000 || after < 1080 || after > 1300 || other != before {
		t.Errorf("%d before 1200 were stated, %d after, %d of another model", before, after, other)
	}
}
