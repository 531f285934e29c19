package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
)

// TestRefusalsLeaveRecords: what the URL table refuses is recorded and counted, and a client cannot invent a label.
func TestRefusalsLeaveRecords(t *testing.T) {
	g := (&gatewaytest.Gateway{}).Start(t)
	cases := []struct {
		method, path, upgrade string
		status                int
		dialect               llm.Dialect
		op                    llm.Op
	}{
		{"GET", "/v1/chat/completions", "", 405, llm.OpenAIChat, llm.OpUnserved},
		{"GET", "/v1/responses", "websocket", 426, llm.OpenAIChat, llm.OpUnserved},
		{"POST", "/v1/invented-by-me", "", 404, llm.OpenAIChat, llm.OpUnserved},
		{"INVENTED", "/v1/messages", "", 405, llm.AnthropicMessages, llm.OpUnserved},
		{"POST", "/v1/models/chat", "", 405, llm.OpenAIChat, llm.OpUnserved},
		{"POST", "/v1/models/chat:inventedVerb", "", 404, llm.GeminiGenerate, llm.OpUnserved},
		{"POST", "/v1alpha/models/chat:inventedVerb", "", 404, llm.GeminiGenerate, llm.OpUnserved},
		{"GET", "/v2/chat", "", 405, llm.CohereChat, llm.OpUnserved},
		{"GET", "/v1/models/invented", "", 404, llm.OpenAIChat, llm.OpModels},
	}
	for i, c := range cases {
		req, err := http.NewRequestWithContext(t.Context(), c.method, g.URL+c.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Api-Key", gatewaytest.Key)
		if c.upgrade != "" {
			req.Header.Set("Upgrade", c.upgrade)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		x := g.Wait(t, i+1)[i]
		if resp.StatusCode != c.status || x.Status != c.status || x.Dialect != c.dialect || x.Op != c.op || x.Ending != gateway.Refused ||
			x.Fault == nil || x.Path != c.path || resp.Header.Get("X-Weir-Id") != x.ID {
			t.Errorf("%s %s: %d, record %+v", c.method, c.path, resp.StatusCode, x)
		}
	}
	_, _, m := get(t, g.URL+"/metrics")
	text, _ := m["text"].(string)
	if !strings.Contains(text, `operation="unserved"`) && !strings.Contains(text, `op="unserved"`) {
		t.Errorf("no refusal is counted in %s", text)
	}
	if strings.Contains(strings.ToLower(text), "invented") {
		t.Error("a client's own word became a label")
	}
}

// TestGeminiUnderEveryVersion: Google's SDKs may be set to any version of the API; OpenAI's paths stay what they are.
func TestGeminiUnderEveryVersion(t *testing.T) {
	g := (&gatewaytest.Gateway{}).Start(t)
	body := `{"contents":[{"role":"user","parts":[{"text":"Is anybody there?"}]}]}`
	for _, version := range []string{"v1", "v1beta", "v1alpha"} {
		for _, model := range []string{"chat", "sim/sim-1"} {
			for verb, want := range map[string]string{"generateContent": `"candidates"`, "streamGenerateContent?alt=sse": `data: {`, "countTokens": `"totalTokens"`} {
				resp := g.Post(t, "/"+version+"/models/"+model+":"+verb, body)
				out, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(out), want) {
					t.Errorf("%s %s %s: %d %v %s", version, model, verb, resp.StatusCode, err, out)
				}
			}
		}
	}
	if status, _, m := get(t, g.URL+"/v1/models/sim/sim-1", "Authorization", "Bearer "+gatewaytest.Key); status != 200 || m["object"] != "model" {
		t.Errorf("%d %v", status, m)
	}
	resp := g.Post(t, "/v1/models/nope:generateContent", body)
	out, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 404 || !strings.Contains(string(out), `"status":"NOT_FOUND"`) {
		t.Errorf("an unknown model: %d %s", resp.StatusCode, out)
	}
}
