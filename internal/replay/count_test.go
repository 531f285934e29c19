package replay_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/replay"
)

// besides are operations of conversing dialects that are no conversation: where each is asked for here, and who speaks it.
var besides = map[string]struct{ speaks, base, path string }{
	"anthropic-other count-tokens":            {"anthropic-messages", "", "/v1/messages/count_tokens"},
	"bedrock-converse count-tokens":           {"bedrock-converse", "", "/model/" + alias + "/count-tokens"},
	"gemini-other count-tokens":               {"gemini-generate", "", "/v1beta/models/" + alias + ":countTokens"},
	"vertex-other countTokens":                {"gemini-generate", "", "/v1beta/models/" + alias + ":countTokens"},
	"openai-responses responses-count-tokens": {"openai-responses", "/v1", "/v1/responses/input_tokens"},
	"openai-responses responses-compact":      {"openai-responses", "/v1", "/v1/responses/compact"},
}

// TestPassBesides does for counting tokens and compacting what TestPass does for conversations.
func TestPassBesides(t *testing.T) {
	played := map[string]int{}
	for kind, r := range loadBesides(t) {
		for _, r := range r {
			passBesides(t, kind, r)
			played[kind]++
		}
	}
	for kind := range besides {
		if played[kind] == 0 {
			t.Errorf("no recording of %s", kind)
		}
	}
	t.Log(played)
}

func loadBesides(t *testing.T) map[string][]*replay.Recording {
	t.Helper()
	dir := os.Getenv("WEIR_RECORDINGS")
	if dir == "" {
		t.Skip("WEIR_RECORDINGS is not set: recorded traffic is not replayed")
	}
	f, err := os.Open(filepath.Join(dir, "MANIFEST.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	out := map[string][]*replay.Recording{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var entry struct{ File, Operation string }
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			t.Fatal(err)
		}
		kind := filepath.Dir(entry.File) + " " + entry.Operation
		if _, ok := besides[kind]; !ok {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, entry.File))
		r := &replay.Recording{Folder: filepath.Dir(entry.File)}
		if err == nil {
			err = json.Unmarshal(raw, r)
		}
		if err != nil {
			t.Fatalf("%s: %v", entry.File, err)
		}
		out[kind] = append(out[kind], r)
	}
	return out
}

func passBesides(t *testing.T, kind string, r *replay.Recording) {
	t.Helper()
	b := besides[kind]
	if r.Request == nil || len(r.Request.Body) == 0 {
		t.Logf("%s was stored without its request", r.ID)
		return
	}
	sent, want := renamed(r.Request.Body, alias), renamed(r.Request.Body, "real-model")
	if !strings.Contains(b.path, alias) { // else the path names the model
		sent, want = named(sent, alias), named(want, "real-model")
	}
	up := replay.For(r)
	g := (&gatewaytest.Gateway{Upstream: up, Document: "version: 1\nproviders:\n  up: { base_url: \"http://127.0.0.1:9" + b.base + "\", speaks: [" + b.speaks + "], api_key: upstream-key }\n" +
		"models:\n  " + alias + ": { targets: [{ provider: up, model: real-model }] }\nkeys: [{ name: test, key: " + gatewaytest.Key + `, models: ["*"] }]` + "\n"}).Start(t)
	for size := range 65 {
		up.Read, up.Seed = size, uint64(size)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, b.path, bytes.NewReader(sent))
		req.Header = http.Header{"Authorization": {"Bearer " + gatewaytest.Key}, "Content-Type": {"application/json"}}
		w := httptest.NewRecorder()
		g.Handler.ServeHTTP(w, req)
		seen := up.Last()
		if path := strings.Replace(b.path, alias, "real-model", 1); !bytes.Equal(seen.Body, want) || !strings.HasSuffix(seen.URL, path) {
			t.Fatalf("%s: the provider got %s\n%.500s\nwant %s\n%.500s", r.ID, seen.URL, seen.Body, path, want)
		}
		if w.Code != up.Status || !bytes.Equal(w.Body.Bytes(), up.Body) {
			t.Fatalf("%s, read size %d: status %d, want %d:\n%.500s\nwant\n%.500s", r.ID, size, w.Code, up.Status, w.Body, up.Body)
		}
	}
}
