package compile

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/provider"
)

// TestOwnAddress: a server that answers some dialects at /v1 and others at its root speaks them all, whichever of the two
// a document names.
func TestOwnAddress(t *testing.T) {
	s, err := snapshot(t, `version: 1
providers:
  root: { catalog: vllm, base_url: "http://gpu:8000" }
  v1: { catalog: vllm, base_url: "http://gpu:8000/v1/" }
  some: { catalog: vllm, base_url: "http://gpu:8000/v1", speaks: [openai-chat, classify] }
  behind: { catalog: vllm, base_url: "http://proxy/llm/v1" }
  odd: { catalog: vllm, base_url: "http://proxy/llm" }
  ollama: { base_url: "http://box:11434/v1" }
  groq: { base_url: "http://proxy/groq/v1" }
`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]map[llm.Dialect]string{
		"root":   {llm.OpenAIChat: "http://gpu:8000/v1/chat/completions", llm.AnthropicMessages: "http://gpu:8000/v1/messages", llm.VLLMClassify: "http://gpu:8000/classify", llm.VLLMTokenize: "http://gpu:8000/tokenize"},
		"v1":     {llm.OpenAIChat: "http://gpu:8000/v1/chat/completions", llm.AnthropicMessages: "http://gpu:8000/v1/messages", llm.VLLMClassify: "http://gpu:8000/classify", llm.VLLMTokenize: "http://gpu:8000/tokenize"},
		"some":   {llm.OpenAIChat: "http://gpu:8000/v1/chat/completions", llm.VLLMClassify: "http://gpu:8000/classify"},
		"behind": {llm.OpenAIChat: "http://proxy/llm/v1/chat/completions", llm.VLLMClassify: "http://proxy/llm/classify"},
		"odd":    {llm.OpenAIChat: "http://proxy/llm/chat/completions", llm.VLLMClassify: ""},
		"ollama": {llm.OllamaChat: "http://box:11434/api/chat", llm.OpenAIChat: "http://box:11434/v1/chat/completions"},
		"groq":   {llm.OpenAIChat: "http://proxy/groq/v1/chat/completions"},
	} {
		p := s.Places[name].Provider.(*provider.HTTP)
		paths := map[llm.Dialect]string{
			llm.OpenAIChat: "/v1/chat/completions", llm.AnthropicMessages: "/v1/messages", llm.VLLMClassify: "/classify", llm.VLLMTokenize: "/tokenize", llm.OllamaChat: "/api/chat",
		}
		for d, address := range want {
			if speaks := slices.Contains(p.Dialect, d); speaks != (address != "") {
				t.Errorf("%s speaks %s: %t", name, d, speaks)
				continue
			} else if !speaks {
				continue
			}
			r, err := p.Request(context.Background(), provider.Shot{Dialect: d, Call: dialect.Call{Path: paths[d], Body: []byte("{}")}, Client: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))})
			if err != nil || r.URL.String() != address {
				t.Errorf("%s is asked for %s at %v, want %s (%v)", name, d, r.URL, address, err)
			}
		}
	}
}
