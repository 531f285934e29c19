package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/internal/catalog"
	"weir/internal/config"
	"weir/internal/dialect"
	"weir/internal/engine"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/provider"
)

func snapshot(t *testing.T, document string) (*engine.Snapshot, error) {
	t.Helper()
	entries, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	c := New(entries)
	t.Cleanup(c.Close)
	env := map[string]string{"OPENAI_API_KEY": "sk-openai", "ANTHROPIC_API_KEY": "sk-anthropic"}
	d, err := config.Parse("weir.yaml", []byte(document), c.Options(func(name string) (string, bool) { v, ok := env[name]; return v, ok }))
	if err != nil {
		return nil, err
	}
	return c.Snapshot(d, "r1")
}

const whole = `version: 1
providers:
  openai: { api_key: "${OPENAI_API_KEY}" }
  anthropic: { api_key: "${ANTHROPIC_API_KEY}", client_gone: drain, timeouts: { first_byte: 7s } }
  eu: { catalog: openai, base_url: "https://eu.example/v1", api_key: other, auth: api-key }
  gpu: { base_url: "http://127.0.0.1:8000/v1", speaks: [openai-chat], auth: none }
models:
  assistant: { targets: [{ provider: anthropic, model: claude-sonnet-5 }, { provider: gpu, model: qwen }], max_output: 500 }
  embedder: { targets: [{ provider: openai, model: text-embedding-3-small }] }
keys:
  - { name: plain, key: wr-0123456789abcdef }
  - { name: hashed, hash: "sha256:@HASH@", models: [gpu/*], strict: true, expires: 2027-01-01 }
`

func TestSnapshot(t *testing.T) {
	hash := sha256.Sum256([]byte("wr-the-hashed-key"))
	s, err := snapshot(t, strings.Replace(whole, "@HASH@", hex.EncodeToString(hash[:]), 1))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Places) != 4 || s.MaxBody != 32<<20 || s.Revision != "r1" || strings.Join(s.Models, " ") != "assistant embedder" {
		t.Errorf("%+v", s)
	}
	if p := s.Places["anthropic"]; !p.Drain || p.FirstByte != 7*time.Second || p.Idle == 0 || p.Facts("claude-3-opus-1").DefaultMax != 4096 {
		t.Errorf("%+v", p)
	}
	for name, want := range map[string][3]string{
		"openai":    {"https://api.openai.com/v1/chat/completions", "Authorization", "Bearer sk-openai"},
		"anthropic": {"https://api.anthropic.com/v1/messages", "X-Api-Key", "sk-anthropic"},
		"eu":        {"https://eu.example/v1/chat/completions", "Api-Key", "other"},
		"gpu":       {"http://127.0.0.1:8000/v1/chat/completions", "Authorization", ""},
	} {
		speaks := s.Places[name].Provider.Speaks(llm.OpChat)
		if len(speaks) == 0 {
			t.Fatalf("%s speaks %v", name, speaks)
		}
		path := map[llm.Dialect]string{llm.OpenAIChat: "/v1/chat/completions", llm.AnthropicMessages: "/v1/messages"}[speaks[0]]
		req, err := s.Places[name].Provider.Request(t.Context(), provider.Shot{Dialect: speaks[0], Call: dialect.Call{Path: path}, Body: http.NoBody})
		if err != nil || req.URL.String() != want[0] || req.Header.Get(want[1]) != want[2] {
			t.Errorf("%s: %s %v %v", name, req.URL, req.Header, err)
		}
	}

	// Keys: found whole, by hash; nothing of them is kept.
	if g, ok := s.Directory.Grant("wr-0123456789abcdef"); !ok || g.Key != "plain" || g.Models != nil {
		t.Errorf("%+v %t", g, ok)
	}
	if g, ok := s.Directory.Grant("wr-the-hashed-key"); !ok || g.Key != "hashed" || !g.Strict || g.Expires.Year() != 2027 || !g.May("gpu/x", false) {
		t.Errorf("%+v %t", g, ok)
	}
	for _, wrong := range []string{"", "wr-0123456789abcde", "wr-0123456789abcdef0", "WR-0123456789ABCDEF", hex.EncodeToString(hash[:])} {
		if g, ok := s.Directory.Grant(wrong); ok {
			t.Errorf("%q is taken for %s", wrong, g.Key)
		}
	}

	// Plans: what cannot carry an operation is passed over with its reason.
	plan, err := s.Router.Plan("assistant", &gateway.Exchange{Op: llm.OpChat, Dialect: llm.OpenAIChat, Head: llm.Head{Model: "assistant"}})
	if err != nil || plan.Tries != 2 || plan.MaxOutput != 500 {
		t.Errorf("%+v %v", plan, err)
	}
	_, err = s.Router.Plan("assistant", &gateway.Exchange{Op: llm.OpEmbeddings, Dialect: llm.OpenAIEmbeddings, Head: llm.Head{Model: "assistant"}})
	if err == nil || !strings.Contains(err.Error(), "serves no embeddings") {
		t.Errorf("%v", err)
	}
}

// TestRefused holds what only the compiler can see, at the line it was written in.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ document, says string }{
		"two families": {"version: 1\nproviders:\n  x: { base_url: \"http://127.0.0.1:1\", speaks: [openai-chat, anthropic-messages] }\n", "weir.yaml:3:"},
		"the same key": {"version: 1\nkeys:\n  - { name: a, key: wr-0123456789abcdef }\n  - { name: b, hash: \"sha256:@\" }\n", "is the key of"},
	} {
		hash := sha256.Sum256([]byte("wr-0123456789abcdef"))
		if _, err := snapshot(t, strings.Replace(c.document, "@", hex.EncodeToString(hash[:]), 1)); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "0123456789abcdef ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
