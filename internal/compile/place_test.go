package compile

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"weir/internal/provider/azure"
	"weir/internal/provider/bedrock"
	"weir/internal/provider/vertex"

	"weir/internal/provider"
)

// TestAdapters compiles what signs and addresses in its own way.
func TestAdapters(t *testing.T) {
	s, err := snapshot(t, `version: 1
providers:
  aws: { base_url: "https://bedrock-runtime.eu-central-1.amazonaws.com", speaks: [anthropic-messages], auth: aws, region: eu-central-1 }
  vertex: { base_url: "https://europe-west4-aiplatform.googleapis.com", speaks: [anthropic-messages], auth: google, region: europe-west4, project: p }
  everywhere: { base_url: "https://aiplatform.googleapis.com", speaks: [anthropic-messages], auth: google, region: global, project: p }
  azure: { base_url: "https://r.openai.azure.com/openai", speaks: [openai-chat], api_key: a-key, api_version: 2024-10-21 }
  entra: { base_url: "https://r.openai.azure.com/openai/v1", speaks: [openai-chat], auth: azure }
`)
	if err != nil {
		t.Fatal(err)
	}
	get := func(name string) *provider.HTTP { return s.Places[name].Provider.(*provider.HTTP) }
	if p := get("aws"); p.Base != "https://bedrock-runtime.eu-central-1.amazonaws.com" || p.Adapter.(*bedrock.Signer).Region != "eu-central-1" {
		t.Errorf("%+v", p)
	}
	if p := get("vertex"); p.Base != "https://europe-west4-aiplatform.googleapis.com" || p.Adapter.(*vertex.Place).Location != "europe-west4" || p.Adapter.(*vertex.Place).Project != "p" {
		t.Errorf("%+v", p)
	}
	if p := get("everywhere"); p.Base != "https://aiplatform.googleapis.com" || p.Adapter.(*vertex.Place).Location != "global" {
		t.Errorf("%+v", p)
	}
	if a := get("azure").Adapter.(*azure.Resource); a.APIVersion != "2024-10-21" || a.Key != "a-key" {
		t.Errorf("%+v", get("azure"))
	}
	if a := get("entra").Adapter.(*azure.Resource); a.APIVersion != "" || a.Key != "" {
		t.Errorf("%+v", get("entra"))
	}
	for base, want := range map[string]string{
		"https://bedrock-runtime.{region}.amazonaws.com": "https://bedrock-runtime.eu-central-1.amazonaws.com", "https://x.example": "https://x.example",
	} {
		if got := regional(base, "eu-central-1"); got != want {
			t.Errorf("%s", got)
		}
	}
	if got := regional("https://{region}-aiplatform.googleapis.com", "global"); got != "https://aiplatform.googleapis.com" {
		t.Errorf("%s", got)
	}
	for document, want := range map[string]string{
		`{ base_url: "https://bedrock-runtime.{region}.amazonaws.com", speaks: [anthropic-messages] }`:  "region",
		`{ base_url: "https://x.example", speaks: [anthropic-messages], auth: aws }`:                    "region: eu-central-1",
		`{ base_url: "https://x.example", speaks: [anthropic-messages], auth: google, region: global }`: "project",
	} {
		if _, err := snapshot(t, "version: 1\nproviders:\n  x: "+document+"\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", document, err)
		}
	}
}

// TestEgress reaches a provider whose certificate a private authority has signed, and one through a proxy.
func TestEgress(t *testing.T) {
	var direct, through atomic.Int32
	back := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		direct.Add(1)
		_, _ = io.WriteString(w, "{}")
	}))
	back.Config.ErrorLog = log.New(io.Discard, "", 0) // one client refuses the certificate
	back.StartTLS()
	defer back.Close()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through.Add(1)
		if r.Method == http.MethodConnect || r.URL.Host != "provider.invalid" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, "{}")
	}))
	defer proxy.Close()
	ca := strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: back.Certificate().Raw})), "\n", "\\n")
	s, err := snapshot(t, `version: 1
node: { egress: { ca: "`+ca+`" } }
providers:
  private: { base_url: "`+back.URL+`", speaks: [anthropic-messages], auth: none }
  proxied: { base_url: "http://provider.invalid", speaks: [anthropic-messages], auth: none, egress: { proxy: "`+proxy.URL+`" } }
`)
	if err != nil {
		t.Fatal(err)
	}
	for name, base := range map[string]string{"private": back.URL, "proxied": "http://provider.invalid"} {
		u, err := url.Parse(base + "/v1/messages")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Places[name].Client.RoundTrip((&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}).WithContext(t.Context()))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	if direct.Load() != 1 || through.Load() != 1 {
		t.Errorf("%d direct, %d through the proxy", direct.Load(), through.Load())
	}
	if _, err := snapshot(t, "version: 1\nproviders:\n  x: { base_url: \"https://x.example\", speaks: [anthropic-messages], egress: { ca: \"no certificate\" } }\n"); err == nil || !strings.Contains(err.Error(), "ca holds no certificate") {
		t.Errorf("%v", err)
	}
	untrusting, err := snapshot(t, "version: 1\nproviders:\n  x: { base_url: \""+back.URL+"\", speaks: [anthropic-messages], auth: none }\n")
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(back.URL)
	if resp, err := untrusting.Places["x"].Client.RoundTrip((&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}).WithContext(t.Context())); err == nil {
		_ = resp.Body.Close()
		t.Error("a stranger's certificate was trusted")
	}
}
