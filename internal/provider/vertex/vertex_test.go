package vertex

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/provider"
)

func place(t *testing.T, v *Place) *provider.HTTP {
	t.Helper()
	p := &provider.HTTP{Base: "https://europe-west4-aiplatform.googleapis.com", Auth: "google", Adapter: v}
	if err := p.Ready(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRequest(t *testing.T) {
	p := place(t, &Place{Project: "p-1", Location: "europe-west4", Tokens: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t"})})
	for _, c := range []struct {
		dialect     llm.Dialect
		path, query string
		body, want  string
		url         string
	}{
		{
			llm.GeminiGenerate, "/v1beta/models/gemini-3-pro:streamGenerateContent", "alt=sse", `{"contents": []}`, `{"contents": []}`,
			"https://europe-west4-aiplatform.googleapis.com/v1/projects/p-1/locations/europe-west4/publishers/google/models/gemini-3-pro:streamGenerateContent?alt=sse",
		},
		{
			llm.AnthropicMessages, "/v1/messages", "beta=true", `{"model":"claude-sonnet-4@20250514", "max_tokens":5,"messages":[]}`, `{"anthropic_version":"vertex-2023-10-16", "max_tokens":5,"messages":[]}`,
			"https://europe-west4-aiplatform.googleapis.com/v1/projects/p-1/locations/europe-west4/publishers/anthropic/models/claude-sonnet-4@20250514:rawPredict",
		},
		{
			llm.AnthropicMessages, "/v1/messages", "", `{"stream":true,"model":"claude"}`, `{"anthropic_version":"vertex-2023-10-16","stream":true}`,
			"https://europe-west4-aiplatform.googleapis.com/v1/projects/p-1/locations/europe-west4/publishers/anthropic/models/claude:streamRawPredict",
		},
	} {
		req, err := p.Request(t.Context(), provider.Shot{
			Dialect: c.dialect, Body: io.NopCloser(strings.NewReader(c.body)), Client: http.Header{"Anthropic-Version": {"2023-06-01"}},
			Call: dialect.Call{Path: c.path, Query: c.query, Body: []byte(c.body)},
		})
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(req.Body)
		if req.URL.String() != c.url || string(b) != c.want || req.ContentLength != int64(len(c.want)) || req.Header.Get("Authorization") != "Bearer t" || req.Header.Get("Anthropic-Version") != "" {
			t.Errorf("%s %s %v", req.URL, b, req.Header)
		}
	}
	if _, err := p.Request(t.Context(), provider.Shot{Dialect: llm.OpenAIChat, Body: io.NopCloser(strings.NewReader("{}")), Call: dialect.Call{Path: "/v1/chat/completions", Body: []byte("{}")}}); fault.Of(err).Kind != fault.Unsupported {
		t.Errorf("%v", err)
	}
}

// TestServiceAccount gets a token from the place that the account's key names, once for several requests.
func TestServiceAccount(t *testing.T) {
	asked := 0
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if err := r.ParseForm(); err != nil || r.Form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || strings.Count(r.Form.Get("assertion"), ".") != 2 {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"from-there","token_type":"Bearer","expires_in":3600}`)
	}))
	defer tokens.Close()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "x@p-1.example", "private_key_id": "1", "token_uri": tokens.URL,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := place(t, &Place{Project: "p-1", Location: "global", Key: string(account)})
	for range 2 {
		req, err := p.Request(t.Context(), provider.Shot{Dialect: llm.GeminiGenerate, Body: http.NoBody, Call: dialect.Call{Path: "/v1beta/models/g:generateContent"}})
		if err != nil || req.Header.Get("Authorization") != "Bearer from-there" {
			t.Fatalf("%v %v", req, err)
		}
	}
	if asked != 1 {
		t.Errorf("%d tokens were asked for", asked)
	}
	wrong := place(t, &Place{Project: "p-1", Location: "global", Key: "{}"})
	_, err = wrong.Request(t.Context(), provider.Shot{Dialect: llm.GeminiGenerate, Body: http.NoBody, Call: dialect.Call{Path: "/v1beta/models/g:generateContent"}})
	if f := fault.Of(err); err == nil || f.Kind != fault.UpstreamAuth || strings.Contains(f.Message, "{}") {
		t.Errorf("%v", err)
	}
}
