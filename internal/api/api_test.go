package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/api"
	"weir/internal/compile"
	"weir/internal/engine"
	"weir/internal/gatewaytest"
)

func get(t *testing.T, url string, headers ...string) (int, http.Header, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
	} else {
		m = map[string]any{"text": string(b)}
	}
	return resp.StatusCode, resp.Header, m
}

// TestModels lists what a key may use, in both shapes.
func TestModels(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: strings.Replace(gatewaytest.Default, `models: ["*"] }`, `models: [messages, "sim/*"] }`, 1)}).Start(t)
	status, _, m := get(t, g.URL+"/v1/models", "Authorization", "Bearer "+gatewaytest.Key)
	data, _ := m["data"].([]any)
	if status != 200 || m["object"] != "list" || len(data) != 1 || data[0].(map[string]any)["id"] != "messages" || data[0].(map[string]any)["object"] != "model" {
		t.Errorf("%d %v", status, m)
	}
	status, _, m = get(t, g.URL+"/v1/models", "x-api-key", gatewaytest.Key, "anthropic-version", "2023-06-01")
	data, _ = m["data"].([]any)
	if status != 200 || m["has_more"] != false || m["first_id"] != "messages" || len(data) != 1 || data[0].(map[string]any)["type"] != "model" {
		t.Errorf("%d %v", status, m)
	}
	for path, want := range map[string]int{"messages": 200, "sim/sim-1": 200, "chat": 404, "sim-messages/x": 404, "nope": 404} {
		status, _, m := get(t, g.URL+"/v1/models/"+path, "Authorization", "Bearer "+gatewaytest.Key)
		if status != want || want == 200 && m["id"] != path || want != 200 && m["error"] == nil {
			t.Errorf("%s: %d %v", path, status, m)
		}
	}
	status, h, m := get(t, g.URL+"/v1/models", "anthropic-version", "2023-06-01")
	if status != 401 || m["type"] != "error" || h.Get("X-Weir-Fault") != "unauthorized" {
		t.Errorf("%d %v %v", status, m, h)
	}
}

// TestHealth goes through the life of a node.
func TestHealth(t *testing.T) {
	e := engine.New(nil, nil)
	defer e.Close()
	s := httptest.NewServer(api.New(api.Options{Engine: e, Dialect: compile.Dialect, Version: "v1"}))
	defer s.Close()
	if status, _, _ := get(t, s.URL+"/healthz"); status != 200 {
		t.Error("not alive")
	}
	if status, _, m := get(t, s.URL+"/readyz"); status != 503 {
		t.Errorf("ready before the first document: %v", m)
	}
	if status, _, m := get(t, s.URL+"/v1/models", "x-api-key", "x"); status != 503 {
		t.Errorf("%d %v", status, m)
	}
	e.Use(&engine.Snapshot{Revision: "r1"})
	if status, _, m := get(t, s.URL+"/readyz"); status != 200 || m["revision"] != "r1" {
		t.Errorf("%d %v", status, m)
	}
	if _, _, m := get(t, s.URL+"/"); !strings.HasPrefix(m["text"].(string), "Weir v1") || strings.Count(m["text"].(string), "\n") != 1 {
		t.Errorf("%v", m)
	}
}

// TestMetrics answers this machine alone, and nobody behind a proxy on it.
func TestMetrics(t *testing.T) {
	g := (&gatewaytest.Gateway{}).Start(t)
	if status, _, m := get(t, g.URL+"/metrics"); status != 200 || !strings.Contains(m["text"].(string), "weir_build_info") {
		t.Errorf("%d %v", status, m)
	}
	if status, _, m := get(t, g.URL+"/metrics", "X-Forwarded-For", "203.0.113.9"); status != 403 || m["error"] == nil {
		t.Errorf("%d %v", status, m)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	r.RemoteAddr = "192.0.2.1:1234"
	g.Handler.ServeHTTP(w, r)
	if w.Code != 403 {
		t.Errorf("another machine got %d", w.Code)
	}
}

// TestKeysEverywhere sends the key wherever an SDK may put it; it goes nowhere else.
func TestKeysEverywhere(t *testing.T) {
	g := (&gatewaytest.Gateway{}).Start(t)
	body := `{"model":"chat","messages":[{"role":"user","content":"Hello"}]}`
	for _, name := range []string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		resp := g.Post(t, "/v1/chat/completions", body, "Authorization", "", name, gatewaytest.Key)
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	resp := g.Post(t, "/v1/chat/completions?key="+gatewaytest.Key+"&x=y", body, "Authorization", "")
	_ = resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("?key=: %d", resp.StatusCode)
	}
	for _, c := range g.Sim.Calls() {
		if strings.Contains(c.Query, "key") || c.Header.Get("Authorization") != "Bearer sim" || c.Header.Get("X-Api-Key") != "" {
			t.Errorf("%s %v", c.Query, c.Header)
		}
	}
	if calls := g.Sim.Calls(); calls[len(calls)-1].Query != "x=y" {
		t.Errorf("the rest of the query is %q", calls[len(calls)-1].Query)
	}
}

// TestCapabilities tells what a key may ask and what the dialects carry.
func TestCapabilities(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: strings.Replace(gatewaytest.Default, `models: ["*"] }`, `models: [messages] }`, 1)}).Start(t)
	status, _, m := get(t, g.URL+"/v1/capabilities?dialect=openai-chat", "Authorization", "Bearer "+gatewaytest.Key)
	text, err := json.Marshal(m)
	if err != nil || status != 200 {
		t.Fatalf("%d %v", status, err)
	}
	for _, want := range []string{`"id":"messages"`, `"speaks":["anthropic-messages"],"target":"sim-messages/sim-1"`, `"client":"openai-chat"`, `"upstream":"anthropic-messages"`, `"refused":["sound"]`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(string(text), `"id":"chat"`) || strings.Contains(string(text), `"client":"anthropic-messages"`) {
		t.Errorf("more than was asked for: %s", text)
	}
	for query, want := range map[string]int{"?model=messages": 200, "?model=chat": 404, "?model=nope": 404} {
		if status, _, m := get(t, g.URL+"/v1/capabilities"+query, "Authorization", "Bearer "+gatewaytest.Key); status != want {
			t.Errorf("%s: %d %v", query, status, m)
		}
	}
	if status, _, _ := get(t, g.URL+"/v1/capabilities"); status != 401 {
		t.Errorf("without a key: %d", status)
	}
}

// TestNoWebSocket tells a client that would upgrade to go on over HTTP, in the status that Codex does so on.
func TestNoWebSocket(t *testing.T) {
	g := (&gatewaytest.Gateway{}).Start(t)
	status, _, m := get(t, g.URL+"/v1/responses", "Authorization", "Bearer "+gatewaytest.Key, "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13")
	if e, _ := m["error"].(map[string]any); status != http.StatusUpgradeRequired || e["message"] == "" {
		t.Errorf("%d %v", status, m)
	}
	if status, _, _ = get(t, g.URL+"/v1/responses"); status != http.StatusMethodNotAllowed {
		t.Errorf("%d without an upgrade", status)
	}
}
