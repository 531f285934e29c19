package provider

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/llm"
)

var ops = map[llm.Dialect][]llm.Op{llm.OpenAIChat: {llm.OpChat}, llm.AnthropicMessages: {llm.OpChat}, llm.OpenAIEmbeddings: {llm.OpEmbeddings}}

func TestRequest(t *testing.T) {
	client := http.Header{
		"Accept": {"text/event-stream"}, "User-Agent": {"openai/1"}, "Content-Type": {"application/json"},
		"X-Stainless-Lang": {"js"}, "Openai-Beta": {"x"}, "Anthropic-Beta": {"b1", "b2"}, "X-Trace": {"t"}, "X-Other": {"o"},
		"Authorization": {"Bearer client"}, "X-Api-Key": {"client"}, "Cookie": {"c"}, "X-Forwarded-For": {"1"}, "Accept-Encoding": {"br"},
		"Forwarded": {"f"}, "Proxy-Authorization": {"p"}, "X-Weir-Strict": {"true"},
	}
	for _, c := range []struct {
		name    string
		p       HTTP
		dialect llm.Dialect
		path    string
		url     string
		auth    [2]string
	}{
		{"openai", HTTP{Base: "https://api.openai.com/v1", Key: "k"}, llm.OpenAIChat, "/v1/chat/completions", "https://api.openai.com/v1/chat/completions?beta=true", [2]string{"Authorization", "Bearer k"}},
		{"a path of its own", HTTP{Base: "https://host.example/openai/v1/", Key: "k"}, llm.OpenAIEmbeddings, "/v1/embeddings", "https://host.example/openai/v1/embeddings?beta=true", [2]string{"Authorization", "Bearer k"}},
		{"anthropic", HTTP{Base: "https://api.anthropic.com", Key: "k"}, llm.AnthropicMessages, "/v1/messages", "https://api.anthropic.com/v1/messages?beta=true", [2]string{"X-Api-Key", "k"}},
		{"anthropic by bearer", HTTP{Base: "https://x.example", Key: "k", Auth: Bearer}, llm.AnthropicMessages, "/v1/messages", "https://x.example/v1/messages?beta=true", [2]string{"Authorization", "Bearer k"}},
		{"gemini", HTTP{Base: "https://g.example", Key: "k"}, llm.GeminiGenerate, "/v1beta/models/gemini-3:generateContent", "https://g.example/v1beta/models/gemini-3:generateContent?beta=true", [2]string{"X-Goog-Api-Key", "k"}},
		{"bedrock", HTTP{Base: "https://b.example/", Key: "k"}, llm.BedrockConverse, "/model/arn%3Aaws%3Abedrock%2Fx%3A0/converse", "https://b.example/model/arn%3Aaws%3Abedrock%2Fx%3A0/converse?beta=true", [2]string{"Authorization", "Bearer k"}},
		{"cohere", HTTP{Base: "https://c.example", Key: "k"}, llm.CohereChat, "/v2/chat", "https://c.example/v2/chat?beta=true", [2]string{"Authorization", "Bearer k"}},
		{"a base of the dialect's own", HTTP{Base: "https://d.example/v1", Bases: map[llm.Dialect]string{llm.AnthropicMessages: "https://d.example/anthropic/"}, Key: "k"}, llm.AnthropicMessages, "/v1/messages", "https://d.example/anthropic/v1/messages?beta=true", [2]string{"X-Api-Key", "k"}},
		{"none", HTTP{Base: "http://127.0.0.1:8000/v1", Auth: Anonymous}, llm.OpenAIChat, "/v1/chat/completions", "http://127.0.0.1:8000/v1/chat/completions?beta=true", [2]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.p.Pass, c.p.Ops = []string{"x-trace"}, ops
			if err := c.p.Ready(); err != nil {
				t.Fatal(err)
			}
			body := "{}"
			req, err := c.p.Request(t.Context(), Shot{
				Dialect: c.dialect, Client: client, Body: io.NopCloser(strings.NewReader(body)),
				Call: dialect.Call{Path: c.path, Query: "beta=true", Body: []byte(body)},
			})
			if err != nil {
				t.Fatal(err)
			}
			if req.URL.String() != c.url || req.ContentLength != 2 || req.Method != http.MethodPost {
				t.Errorf("%s %s, %d bytes", req.Method, req.URL, req.ContentLength)
			}
			want := map[string]string{
				"Accept": "text/event-stream", "User-Agent": "openai/1", "Content-Type": "application/json", "X-Stainless-Lang": "js",
				"Openai-Beta": "x", "Anthropic-Beta": "b1,b2", "X-Trace": "t", "Accept-Encoding": "identity",
			}
			if c.auth[0] != "" {
				want[c.auth[0]] = c.auth[1]
			}
			if c.dialect == llm.AnthropicMessages {
				want["Anthropic-Version"] = apiVersion
			}
			for name, values := range req.Header {
				if strings.Join(values, ",") != want[name] {
					t.Errorf("%s: %v goes up, want %q", name, values, want[name])
				}
				delete(want, name)
			}
			if len(want) > 0 {
				t.Errorf("missing: %v", want)
			}
		})
	}
}

func TestClosed(t *testing.T) {
	for _, name := range []string{"authorization", "X-API-Key", "cookie", "proxy-x", "x-forwarded-host", "host", "accept-encoding"} {
		if !Closed(name) {
			t.Errorf("%s may be passed", name)
		}
	}
	if Closed("X-Trace") {
		t.Error("X-Trace may not be passed")
	}
}

func TestSpeaks(t *testing.T) {
	p := HTTP{Dialect: []llm.Dialect{llm.OpenAIChat, llm.OpenAIEmbeddings}, Ops: ops}
	if got := p.Speaks(llm.OpChat); len(got) != 1 || got[0] != llm.OpenAIChat {
		t.Error(got)
	}
	if got := p.Speaks(llm.OpModels); got != nil {
		t.Error(got)
	}
}

// TestRequestWithoutBody asks for something that is kept.
func TestRequestWithoutBody(t *testing.T) {
	p := HTTP{Base: "https://api.openai.com/v1", Key: "k"}
	if err := p.Ready(); err != nil {
		t.Fatal(err)
	}
	req, err := p.Request(t.Context(), Shot{Dialect: llm.OpenAIResponses, Method: http.MethodDelete, Body: io.NopCloser(strings.NewReader("")), Call: dialect.Call{Path: "/v1/responses/resp_1"}})
	if err != nil || req.Method != http.MethodDelete || req.Body != http.NoBody || req.ContentLength != 0 || req.URL.String() != "https://api.openai.com/v1/responses/resp_1" {
		t.Errorf("%+v %v", req, err)
	}
	if _, err := p.Request(t.Context(), Shot{Dialect: llm.GeminiGenerate, Body: http.NoBody, Call: dialect.Call{Path: "/v1beta/models/%zz:x"}}); err == nil {
		t.Error("a path that cannot be read was taken")
	}
}
