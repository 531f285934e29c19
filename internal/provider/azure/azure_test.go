package azure

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/provider"
)

type token struct{ err error }

// GetToken implements azcore.TokenCredential.
func (t token) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "for " + strings.Join(o.Scopes, " "), ExpiresOn: time.Now().Add(time.Hour)}, t.err
}

func TestRequest(t *testing.T) {
	for _, c := range []struct {
		name              string
		resource          *Resource
		base, path, query string
		body              string
		url               string
		header, value     string
	}{
		{
			"by deployment", &Resource{APIVersion: "2024-10-21", Key: "k"}, "https://r.openai.azure.com/openai", "/v1/chat/completions", "", `{"model":"gpt 4o"}`,
			"https://r.openai.azure.com/openai/deployments/gpt%204o/chat/completions?api-version=2024-10-21", "Api-Key", "k",
		},
		{
			"embeddings", &Resource{APIVersion: "2024-10-21", Key: "k"}, "https://r.openai.azure.com/openai", "/v1/embeddings", "a=b", `{"model":"e"}`,
			"https://r.openai.azure.com/openai/deployments/e/embeddings?a=b&api-version=2024-10-21", "Api-Key", "k",
		},
		{
			"responses", &Resource{APIVersion: "2025-04-01-preview", Key: "k"}, "https://r.openai.azure.com/openai", "/v1/responses", "", `{"model":"e"}`,
			"https://r.openai.azure.com/openai/responses?api-version=2025-04-01-preview", "Api-Key", "k",
		},
		{
			"the newer surface with a token", &Resource{Token: token{}}, "https://r.openai.azure.com/openai/v1", "/v1/responses", "", `{"model":"e"}`,
			"https://r.openai.azure.com/openai/v1/responses", "Authorization", "Bearer for https://cognitiveservices.azure.com/.default",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &provider.HTTP{Base: c.base, Adapter: c.resource}
			if err := p.Ready(); err != nil {
				t.Fatal(err)
			}
			req, err := p.Request(t.Context(), provider.Shot{
				Dialect: llm.OpenAIChat, Body: io.NopCloser(strings.NewReader(c.body)), Call: dialect.Call{Path: c.path, Query: c.query, Body: []byte(c.body)},
			})
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := io.ReadAll(req.Body); string(b) != c.body || req.URL.String() != c.url || req.Header.Get(c.header) != c.value {
				t.Errorf("%s %v %s", req.URL, req.Header, b)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	r := &Resource{APIVersion: "1"}
	if _, err := r.Address(llm.OpenAIChat, dialect.Call{Path: "/v1/chat/completions", Body: []byte(`{}`)}); fault.Of(err).Param != "model" {
		t.Errorf("%v", err)
	}
	p := &provider.HTTP{Base: "https://r.example", Adapter: &Resource{Token: token{errors.New("no")}}}
	if err := p.Ready(); err != nil {
		t.Fatal(err)
	}
	_, err := p.Request(t.Context(), provider.Shot{Body: io.NopCloser(strings.NewReader("{}")), Call: dialect.Call{Path: "/v1/x", Body: []byte("{}")}})
	if f := fault.Of(err); err == nil || f.Kind != fault.UpstreamAuth {
		t.Errorf("%v", err)
	}
}

// TestSessions: the deployment of a session at Azure stands in the query, on the newer surface the model does.
func TestSessions(t *testing.T) {
	for version, want := range map[string]string{"2025-04-01-preview": "api-version=2025-04-01-preview&deployment=talk+1&intent=x", "": "intent=x&model=talk+1"} {
		r := &Resource{APIVersion: version, Key: "k"}
		c, err := r.Address(llm.OpenAIRealtime, dialect.Call{Path: "/v1/realtime", Query: "intent=x&model=talk+1", Model: "talk 1"})
		if err != nil || c.Path != "/v1/realtime" || c.Query != want {
			t.Errorf("%s?%s %v", c.Path, c.Query, err)
		}
	}
}

// TestForms: of a form only the call says the model's name.
func TestForms(t *testing.T) {
	r := &Resource{APIVersion: "2025-04-01-preview", Key: "k"}
	c, err := r.Address(llm.OpenAIAudio, dialect.Call{Path: "/v1/audio/transcriptions", Model: "ear 1", Body: []byte("--b\r\n")})
	if err != nil || c.Path != "/v1/deployments/ear%201/audio/transcriptions" || c.Query != "api-version=2025-04-01-preview" {
		t.Errorf("%s?%s %v", c.Path, c.Query, err)
	}
}
