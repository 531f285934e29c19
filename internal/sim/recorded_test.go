package sim_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/internal/sim"
)

// TestRecordedRequests: what the real providers took is taken here. The exceptions are named.
func TestRecordedRequests(t *testing.T) {
	dir := os.Getenv("WEIR_RECORDINGS")
	if dir == "" {
		t.Skip("WEIR_RECORDINGS is not set: the judge is not held against recorded requests")
	}
	allowed := []string{
		"Invalid `signature` in `thinking` block",               // another maker's
		"context_management: Extra inputs",                      // recorded without its beta header
		"Invalid value: 'audio'. Supported values are: 'text'.", // not simulated
	}
	r := start(t, &sim.Provider{})
	operations := map[string]struct{ path, model string }{
		"messages": {messagesPath, "sim-1"}, "chat": {chatPath, "sim-1"}, "embeddings": {"/v1/embeddings", "sim-embed"},
	}
	for _, dialect := range []string{"anthropic-messages", "openai-chat", "openai-embeddings"} {
		files, err := filepath.Glob(filepath.Join(dir, dialect, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dialect, len(files), err)
		}
		sent := 0
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			x := decode(t, string(b))
			op, known := operations[text(x, "operation")]
			body, _ := at(x, "request", "body").(map[string]any)
			if status, _ := at(x, "response", "status").(float64); !known || body == nil || status >= 400 {
				continue
			}
			body["model"] = op.model
			q, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			var header []string
			if beta := text(x, "request", "headers", "anthropic-beta"); beta != "" {
				header = []string{"Anthropic-Beta", beta}
			}
			sent++
			res, got, _ := r.do(op.path, string(q), header...)
			if res.StatusCode != http.StatusOK && !slices.ContainsFunc(allowed, func(a string) bool { return strings.Contains(got, a) }) {
				t.Errorf("%s: %d %s", filepath.Base(file), res.StatusCode, got)
			}
		}
		if sent == 0 {
			t.Errorf("%s: nothing was sent", dialect)
		}
		t.Logf("%s: %d requests", dialect, sent)
	}
}
