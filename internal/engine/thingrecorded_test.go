package engine_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// recordedFile is a recorded exchange about a file.
type recordedFile struct {
	Operation, Method string
	Endpoint          struct{ Path string }
	Request           *struct {
		Headers    map[string]string
		BodyText   string `json:"body_text"`
		BodyBase64 string `json:"body_base64"`
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    string
	}
}

func (r *recordedFile) body(t *testing.T) string {
	t.Helper()
	if r.Request == nil {
		return ""
	}
	raw, err := base64.StdEncoding.DecodeString(r.Request.BodyBase64)
	if err != nil {
		t.Fatal(err)
	}
	return r.Request.BodyText + string(raw)
}

// TestRecordedFiles has recorded exchanges about files pass: but for the ids, the provider gets and the client gets what
// was recorded.
func TestRecordedFiles(t *testing.T) {
	root := os.Getenv("WEIR_RECORDINGS")
	if root == "" {
		t.Skip("WEIR_RECORDINGS is not set: recorded exchanges about files are not played")
	}
	passed := 0
	for _, folder := range []string{"openai-other", "anthropic-other", "mistral-other", "gemini-other"} {
		names, err := filepath.Glob(filepath.Join(root, folder, "*.json"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%d files in %s, %v", len(names), folder, err)
		}
		for _, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var rec recordedFile
			if err := json.Unmarshal(raw, &rec); err != nil {
				t.Fatal(err)
			}
			path := rec.Endpoint.Path
			if rec.Operation != "files" || !strings.HasPrefix(path, "/v1/files") && !strings.HasPrefix(path, "/v1beta/files/") || path == "/v1/files" && rec.Method == http.MethodGet {
				continue // a list is answered by the gateway itself
			}
			passed++
			t.Run(filepath.Base(name), func(t *testing.T) { passRecorded(t, folder, &rec) })
		}
	}
	if passed < 4 {
		t.Errorf("%d exchanges passed", passed)
	}
}

func passRecorded(t *testing.T, folder string, rec *recordedFile) {
	sent := rec.body(t)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if r.Method != rec.Method || r.URL.Path != rec.Endpoint.Path || string(got) != sent {
			t.Errorf("the provider got %s %s with %d bytes", r.Method, r.URL.Path, len(got))
		}
		w.Header().Set("Content-Type", rec.Response.Headers["content-type"])
		w.WriteHeader(rec.Response.Status)
		_, _ = io.WriteString(w, rec.Response.Body)
	}))
	defer up.Close()
	base, speaks, prefix, headers := up.URL+"/v1", llm.OpenAIFiles, "file-", []string(nil)
	if folder == "anthropic-other" {
		base, speaks, prefix, headers = up.URL, llm.AnthropicFiles, "file_", anthropicHeaders
	}
	root := "/v1/files/"
	if folder == "gemini-other" {
		base, speaks, prefix, root = up.URL, llm.GeminiFiles, "files/", "/v1beta/"
	}
	document := fmt.Sprintf("version: 1\nproviders:\n  p: { base_url: %q, speaks: [%s], api_key: k }\nmodels: {}\nkeys: [{ name: test, key: %s }]\n", base, speaks, gatewaytest.Key)
	g := (&gatewaytest.Gateway{Document: document}).Start(t)
	var native, own string
	path := rec.Endpoint.Path
	if rest, one := strings.CutPrefix(path, root); one {
		if native = rest; speaks != llm.GeminiFiles {
			native, _, _ = strings.Cut(rest, "/")
		}
		own = g.Things.Name("test", prefix, llm.ThingFile, "p", native)
		path = strings.Replace(path, native, own, 1)
		if err := g.Things.Put(gateway.Thing{
			ID: own, Kind: llm.ThingFile, Owner: "test", Dialect: speaks, Target: gateway.Target{Provider: "p"}, Native: native, Made: time.Now(), Object: []byte(`{}`),
		}); err != nil {
			t.Fatal(err)
		}
	} else {
		native = rawjson.Text(rawjson.Get([]byte(rec.Response.Body), "id"))
		own = g.Things.Name("test", prefix, llm.ThingFile, "p", native)
	}
	contentType := ""
	if rec.Request != nil {
		contentType = rec.Request.Headers["content-type"]
	}
	got := ask(t, g, gatewaytest.Key, rec.Method, path, contentType, sent, headers...)
	want := rec.Response.Body
	if !strings.HasSuffix(path, "/content") || rec.Response.Status >= 400 {
		want = strings.ReplaceAll(want, native, own)
	}
	if speaks == llm.GeminiFiles {
		want = strings.ReplaceAll(want, "https://generativelanguage.googleapis.com/", g.URL+"/")
	}
	if got.status != rec.Response.Status || got.body != want {
		t.Errorf("%d %.300s, want %d %.300s", got.status, got.body, rec.Response.Status, want)
	}
}
