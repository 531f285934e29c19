package catalog

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"

	"weir/internal/llm"
)

// dialects are those that a build may know.
var dialects = []llm.Dialect{
	llm.OpenAIChat, llm.OpenAIResponses, llm.OpenAICompletions, llm.OpenAIEmbeddings, llm.AnthropicMessages, llm.GeminiGenerate,
	llm.BedrockConverse, llm.BedrockInvoke, llm.BedrockEmbeddings, llm.CohereChat, llm.OllamaChat, llm.GeminiEmbeddings, llm.CohereEmbed, llm.OllamaEmbed,
	llm.CohereRerank, llm.OpenAIRerank, llm.OpenAIModerations, llm.OpenAIImages, llm.GeminiImages, llm.BedrockImages, llm.OpenAIAudio, llm.VLLMClassify, llm.TEIClassify, llm.OIPInfer, llm.MistralOCR, llm.VLLMTokenize,
	llm.OpenAIRealtime, llm.GeminiLive, llm.GeminiInteractions,
	llm.OpenAIFiles, llm.AnthropicFiles, llm.GeminiFiles, llm.OpenAIFineTuning, llm.OpenAIBatches, llm.AnthropicBatches, llm.GeminiBatches, llm.MistralBatches,
}

func entries(t *testing.T) []*Entry {
	t.Helper()
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	var out []*Entry
	for _, name := range c.Names() {
		e, _ := c.Entry(name)
		out = append(out, e)
	}
	return out
}

// TestEmbedded reads every entry: it is whole, and each listed model has its facts.
func TestEmbedded(t *testing.T) {
	all := entries(t)
	if len(all) < 45 {
		t.Fatalf("%d entries", len(all))
	}
	titles := map[string]string{}
	for _, e := range all {
		if other := titles[e.Title]; e.Title == "" || other != "" {
			t.Errorf("%s is titled %q, like %q", e.Name, e.Title, other)
		}
		titles[e.Title] = e.Name
		if !slices.Contains([]string{"", "bearer", "x-api-key", "api-key", "none", "google"}, e.Auth) {
			t.Errorf("%s: auth %q", e.Name, e.Auth)
		}
		if (e.Env == "") != (e.Auth == "none" || e.Auth == "google") {
			t.Errorf("%s: the key is in %q, and auth is %q", e.Name, e.Env, e.Auth)
		}
		checkBases(t, e)
		if slices.Contains(e.Speaks, llm.OpenAIChat) != (e.Quirks != nil || e.Name == "openai" || e.Name == "azure") {
			t.Errorf("%s: quirks %q; only OpenAI's own chat has none", e.Name, e.Quirks)
		}
		for _, m := range e.Models {
			if m.List && strings.Contains(m.Match, "*") {
				t.Errorf("%s: %s is listed and no name", e.Name, m.Match)
			}
			if m.Default > m.MaxOutput {
				t.Errorf("%s: %s sends %d by default and can %d", e.Name, m.Match, m.Default, m.MaxOutput)
			}
		}
	}
}

// checkBases wants a base URL for every dialect: over TLS, unless it is on this machine.
func checkBases(t *testing.T, e *Entry) {
	t.Helper()
	if len(e.Speaks) == 0 || (e.BaseURL == "") == (e.BaseForm == "") {
		t.Errorf("%s: base_url %q, base_form %q, speaks %v", e.Name, e.BaseURL, e.BaseForm, e.Speaks)
	}
	for d, base := range e.Bases {
		if !slices.Contains(e.Speaks, d) || base == e.BaseURL {
			t.Errorf("%s: a base of its own for %s", e.Name, d)
		}
	}
	for i, d := range e.Speaks {
		base := strings.ReplaceAll(e.Base(d), "{region}", "eu-1")
		if e.BaseForm != "" {
			base = e.BaseForm
		}
		u, err := url.Parse(base)
		if err != nil || u.Host == "" || u.RawQuery != "" || strings.HasSuffix(u.Path, "/") {
			t.Errorf("%s: base URL %q, %v", e.Name, base, err)
			continue
		}
		if local := net.ParseIP(u.Hostname()).IsLoopback(); u.Scheme != map[bool]string{false: "https", true: "http"}[local] || local != (e.Auth == "none") {
			t.Errorf("%s: %s with auth %q", e.Name, base, e.Auth)
		}
		if !slices.Contains(dialects, d) || slices.Contains(e.Speaks[:i], d) {
			t.Errorf("%s: speaks %s", e.Name, d)
		}
		// OpenAI's SDKs take a base that ends in the version, the others add it themselves.
		if bare := !(strings.HasPrefix(string(d), "openai-") || d == llm.MistralBatches); bare && (strings.HasSuffix(u.Path, "/v1") || strings.HasSuffix(u.Path, "/v2")) {
			t.Errorf("%s: %s takes no version in %s", e.Name, d, base)
		}
	}
}

func TestFacts(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	facts := func(provider, model string) llm.Facts {
		e, ok := c.Entry(provider)
		if !ok {
			t.Fatalf("no %s", provider)
		}
		return e.Facts(model)
	}
	if f := facts("anthropic", "claude-3-opus-20240229"); f.DefaultMax != 4096 || f.MaxOutput != 4096 || f.SealBy != "anthropic" || f.Model != "claude-3-opus-20240229" {
		t.Errorf("%+v", f)
	}
	if f := facts("anthropic", "claude-of-tomorrow"); f.DefaultMax != 8192 {
		t.Errorf("%+v", f)
	}
	if f := facts("mistral", "mistral-large-latest"); !f.Quirks.Has(llm.NineIDs|llm.ReasoningItems|llm.Cautious) || f.Usage != llm.AudioApart || !f.ReasoningBack {
		t.Errorf("%+v", f)
	}
	if f := facts("openrouter", "anthropic/claude-sonnet-5"); f.SealBy != "anthropic" || f.Quirks.Has(llm.MaxTokens) || !f.Quirks.Has(llm.ReasoningDetails) {
		t.Errorf("%+v", f)
	}
	if f := facts("xai", "grok-4-fast-non-reasoning"); f.Quirks.Has(llm.NoPenalties) || !f.Usage.Has(llm.ReasoningApart) {
		t.Errorf("%+v", f)
	}
	if f := facts("xai", "grok-4-fast"); !f.Quirks.Has(llm.NoPenalties | llm.NoStop | llm.Cautious) {
		t.Errorf("%+v", f)
	}
	for model, want := range map[string]llm.Quirk{
		"gpt-4.1": 0, "gpt-5.5": 0, "gpt-5-chat-latest": 0, "gpt-5-mini": llm.NoSampling | llm.NoPenalties | llm.NoLogprobs,
		"o3-mini": llm.NoSampling | llm.NoPenalties | llm.NoLogprobs | llm.NoStop,
	} {
		if f := facts("openai", model); f.Quirks != want {
			t.Errorf("%s: %s", model, f.Quirks)
		}
	}
	if f := facts("github", "openai/gpt-5"); f.Quirks.MaxName() != "" {
		t.Errorf("%+v", f)
	}
	var none *Entry
	if f := none.Facts("x"); f.Model != "x" || f.MaxOutput != 0 || f.Quirks != llm.Cautious {
		t.Errorf("%+v", f)
	}
}
