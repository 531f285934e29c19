package engine_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
)

// speakers are the client dialects with what bad input is made of in each.
var speakers = []struct {
	name   string
	path   string // MODEL stands for a model that is named there
	body   string // a good one
	twice  string // a member that may not come twice, with a value; not the model
	stream string // the member that asks for a stream in the body
	says   func(status int, h http.Header, m map[string]any) string
}{
	{"chat", "/v1/chat/completions", `{"model":"MODEL","messages":[{"role":"user","content":"x"}]}`, `"stream":false`, "stream", openAISays},
	{"responses", "/v1/responses", `{"model":"MODEL","input":"x"}`, `"stream":false`, "stream", openAISays},
	{"completions", "/v1/completions", `{"model":"MODEL","prompt":"x"}`, `"stream":false`, "stream", openAISays},
	{"embeddings", "/v1/embeddings", `{"model":"MODEL","input":"x"}`, `"model":"other"`, "", openAISays},
	{"moderations", "/v1/moderations", `{"model":"MODEL","input":"x"}`, `"model":"other"`, "", openAISays},
	{"rerank", "/v1/rerank", `{"model":"MODEL","query":"x","documents":["y"]}`, `"model":"other"`, "", openAISays},
	{"messages", "/v1/messages", `{"model":"MODEL","max_tokens":9,"messages":[{"role":"user","content":"x"}]}`, `"stream":false`, "stream", anthropicSays},
	{"gemini", "/v1beta/models/MODEL:generateContent", `{"contents":[{"parts":[{"text":"x"}]}]}`, `"generationConfig":{}`, "", geminiSays},
	{"gemini v1", "/v1/models/MODEL:streamGenerateContent", `{"contents":[{"parts":[{"text":"x"}]}]}`, `"generationConfig":{}`, "", geminiSays},
	{"converse", "/model/MODEL/converse", `{"messages":[{"role":"user","content":[{"text":"x"}]}]}`, `"inferenceConfig":{}`, "", converseSays},
	{"cohere", "/v2/chat", `{"model":"MODEL","messages":[{"role":"user","content":"x"}]}`, `"stream":false`, "stream", textIn("message")},
	{"cohere embed", "/v2/embed", `{"model":"MODEL","texts":["x"],"input_type":"search_query"}`, `"model":"other"`, "", textIn("message")},
	{"ollama", "/api/chat", `{"model":"MODEL","messages":[{"role":"user","content":"x"}]}`, `"stream":false`, "stream", textIn("error")},
	{"ollama embed", "/api/embed", `{"model":"MODEL","input":"x"}`, `"model":"other"`, "", textIn("error")},
}

func textIn(member string) func(int, http.Header, map[string]any) string {
	return func(_ int, _ http.Header, m map[string]any) string { s, _ := m[member].(string); return s }
}

func openAISays(_ int, _ http.Header, m map[string]any) string {
	e, _ := m["error"].(map[string]any)
	if _, ok := e["type"].(string); !ok || m["type"] != nil {
		return ""
	}
	return textIn("message")(0, nil, e)
}

func anthropicSays(_ int, _ http.Header, m map[string]any) string {
	e, _ := m["error"].(map[string]any)
	if _, ok := e["type"].(string); !ok || m["type"] != "error" {
		return ""
	}
	return textIn("message")(0, nil, e)
}

func geminiSays(status int, _ http.Header, m map[string]any) string {
	e, _ := m["error"].(map[string]any)
	if _, ok := e["status"].(string); !ok || e["code"] != float64(status) {
		return ""
	}
	return textIn("message")(0, nil, e)
}

func converseSays(_ int, h http.Header, m map[string]any) string {
	if !strings.HasSuffix(h.Get("X-Amzn-Errortype"), "Exception") {
		return ""
	}
	return textIn("message")(0, nil, m)
}

// badInput is one thing no client should send.
type badInput struct {
	name, path, body string
	headers          []string
	status           int
	says             string
}

// badInputs makes every kind of bad input of a dialect out of a good request.
func badInputs(path, good, twice, stream string) []badInput {
	of := func(s, model string) string { return strings.Replace(s, "MODEL", model, 1) }
	at, body := of(path, "chat"), of(good, "chat")
	open := body[:len(body)-1]
	member, value, _ := strings.Cut(strings.TrimPrefix(twice, `"`), `":`)
	out := []badInput{
		{name: "empty", body: "", status: 400, says: "empty"},
		{name: "not JSON", body: open + ",", status: 400, says: "JSON"},
		{name: "text after", body: body + " x", status: 400, says: "JSON"},
		{name: "an array", body: `[1]`, status: 400, says: "object"},
		{name: "a member twice", body: open + "," + twice + "," + twice + "}", status: 400, says: member},
		{name: "twice by case", body: open + "," + twice + `,"` + strings.ToUpper(member[:1]) + member[1:] + `":` + value + "}", status: 400, says: member},
		{name: "an escaped key", body: open + `,"` + "\\u00" + hex(member[0]) + member[1:] + `":` + value + "}", status: 400, says: "escape"},
		{name: "unknown model", path: of(path, "chta"), body: of(good, "chta"), status: 404, says: "did you mean `chat`"},
		{name: "unknown provider", path: of(path, "nobody%2Fx"), body: of(good, "nobody/x"), status: 404, says: "nobody/x"},
		{name: "33 MiB", body: open + `,"padding":"` + strings.Repeat("x", 33<<20) + `"}`, status: 413, says: "33554432"},
		{name: "wrong key", body: body, headers: []string{"Authorization", "Bearer wr-ffffffffffffffffffffffffffffffff"}, status: 401, says: "key"},
		{name: "no key", body: body, headers: []string{"Authorization", ""}, status: 401, says: "no key"},
		{name: "two keys", body: body, headers: []string{"x-api-key", "another-key-of-somebody"}, status: 401, says: "disagree"},
		{name: "encoding", body: body, headers: []string{"Content-Encoding", "br"}, status: 415, says: "gzip"},
		{name: "multipart", body: `--x`, headers: []string{"Content-Type", "multipart/form-data; boundary=x"}, status: 415, says: "application/json"},
		{name: "not gzip", body: body, headers: []string{"Content-Encoding", "gzip"}, status: 400, says: "Content-Encoding"},
	}
	if path == at { // the body names the model
		rest := strings.Replace(body, `"model":"chat",`, "", 1)
		out = append(out, badInput{name: "model of the wrong type", body: `{"model":5,` + rest[1:], status: 400, says: "model"})
		if path != "/v1/moderations" { // which may leave it out
			out = append(out, badInput{name: "no model", body: rest, status: 400, says: "model"})
		}
	}
	if stream != "" {
		out = append(out, badInput{name: "stream of the wrong type", body: open + `,"` + stream + `":"yes"}`, status: 400, says: stream})
	}
	for i := range out {
		if out[i].path == "" {
			out[i].path = at
		}
	}
	return out
}

func hex(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

// TestBadInputInEveryDialect sends what no client should in every client's dialect: a clear refusal in its words with the
// right status and a record each time, and nothing sent to a provider.
func TestBadInputInEveryDialect(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{}).Start(t)
	n := 0
	for _, s := range speakers {
		for _, c := range badInputs(s.path, s.body, s.twice, s.stream) {
			n++
			resp := g.Post(t, c.path, c.body, c.headers...)
			raw, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			var m map[string]any
			if err := json.Unmarshal(raw, &m); err != nil {
				t.Errorf("%s, %s: %v in %s", c.name, s.name, err, raw)
				continue
			}
			if text := s.says(resp.StatusCode, resp.Header, m); resp.StatusCode != c.status || !strings.Contains(text, c.says) {
				t.Errorf("%s, %s: %d %q, want %d with %q in the client's dialect", c.name, s.name, resp.StatusCode, raw, c.status, c.says)
			}
			if resp.Header.Get("X-Weir-Id") == "" || resp.Header.Get("X-Weir-Fault") == "" {
				t.Errorf("%s, %s: no x-weir-id or x-weir-fault", c.name, s.name)
			}
		}
	}
	g.Wait(t, n)
	if calls := g.Sim.Calls(); len(calls) != 0 {
		t.Errorf("%d calls went to the provider", len(calls))
	}
	t.Logf("%d refusals in %d dialects", n, len(speakers))
}
