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

// recordings are, by folder, how what was recorded there is asked here, and which of it is refused all the same.
var recordings = []struct {
	folder     string
	operations map[string]string // to the path; the model takes the place of %
	model      string
	inPath     bool     // the model is in the path, not in the body
	allowed    []string // exceptions, by what is said of them
}{
	{"anthropic-messages", map[string]string{"messages": messagesPath}, "sim-1", false, []string{
		"Invalid `signature` in `thinking` block", // another maker's
		"context_management: Extra inputs",        // recorded without its beta header
	}},
	{"openai-chat", map[string]string{"chat": chatPath}, "sim-1", false, []string{
		"Invalid value: 'audio'. Supported values are: 'text'.", // not simulated
	}},
	{"openai-embeddings", map[string]string{"embeddings": "/v1/embeddings"}, "sim-embed", false, nil},
	{"openai-completions", map[string]string{"completions": "/v1/completions"}, "sim-1", false, nil},
	{"openai-responses", map[string]string{"responses": responsesPath, "responses-count-tokens": "/v1/responses/input_tokens"}, "sim-1", false, []string{
		"could not be verified", "Items are not persisted", "Previous response with id", // another maker's
	}},
	{"gemini-generate", map[string]string{"generate": "/v1beta/models/%:generateContent"}, "sim-1", true, []string{
		"CachedContent not found",         // another's
		"response modalities",             // not simulated
		"Invalid or unsupported file uri", // the newest models fetch what is anywhere
		"must have one initialized field", // some models take an empty text
	}},
	{"gemini-other", map[string]string{"count-tokens": "/v1beta/models/%:countTokens"}, "sim-1", true, nil},
	{"bedrock-converse", map[string]string{"converse": "/model/%/converse"}, "sim-1", true, []string{
		"Invalid `signature` in `thinking` block", "Invalid `data` in `redacted_thinking` block", // another maker's
		"must alternate between user and assistant", // Titan does not mind
	}},
	{"cohere-chat", map[string]string{"chat": "/v2/chat"}, "sim-1", false, nil},
	{"ollama", map[string]string{"chat": "/api/chat"}, "sim-1", false, nil},
}

// TestRecordedRequests: what the real providers took is taken here. The exceptions are named.
func TestRecordedRequests(t *testing.T) {
	dir := os.Getenv("WEIR_RECORDINGS")
	if dir == "" {
		t.Skip("WEIR_RECORDINGS is not set: the judge is not held against recorded requests")
	}
	r := start(t, &sim.Provider{})
	for _, rec := range recordings {
		files, err := filepath.Glob(filepath.Join(dir, rec.folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", rec.folder, len(files), err)
		}
		sent, excepted := 0, 0
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			x := decode(t, string(b))
			path, known := rec.operations[text(x, "operation")]
			body, _ := at(x, "request", "body").(map[string]any)
			if status, _ := at(x, "response", "status").(float64); !known || body == nil || status >= 400 || text(x, "method") != http.MethodPost {
				continue
			}
			if strings.HasPrefix(text(x, "endpoint", "path"), "/v1/chat") && rec.folder == "cohere-chat" || strings.HasSuffix(text(x, "endpoint", "path"), "/count-tokens") {
				continue // another API
			}
			if !rec.inPath {
				body["model"] = rec.model
			}
			skipSignatures(body)
			q, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			var header []string
			if beta := text(x, "request", "headers", "anthropic-beta"); beta != "" {
				header = []string{"Anthropic-Beta", beta}
			}
			sent++
			res, got, _ := r.do(strings.ReplaceAll(path, "%", rec.model), string(q), header...)
			if res.StatusCode == http.StatusOK {
				continue
			}
			if strings.Contains(got, "No such File object") || strings.Contains(got, "File not found") || strings.Contains(got, "permission to access the File") {
				excepted++ // it was uploaded elsewhere
				continue
			}
			if excepted++; !slices.ContainsFunc(rec.allowed, func(a string) bool { return strings.Contains(got, a) }) {
				t.Errorf("%s: %d %s", filepath.Base(file), res.StatusCode, got)
			}
		}
		if sent == 0 {
			t.Errorf("%s: nothing was sent", rec.folder)
		}
		t.Logf("%s: %d requests, %d excepted", rec.folder, sent, excepted)
	}
}

// skipSignatures puts what Google takes in their place in the place of Google's signatures, which are not ours.
func skipSignatures(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			if k == "thoughtSignature" || k == "thought_signature" {
				v[k] = "skip_thought_signature_validator"
			}
			skipSignatures(m)
		}
	case []any:
		for _, e := range v {
			skipSignatures(e)
		}
	}
}
