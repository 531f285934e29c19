package engine_test

import (
	"io"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
)

const rankDocument = `version: 1
providers:
  plain: { base_url: "http://plain.test/v1", speaks: [openai-rerank], api_key: k }
  voyage: { base_url: "http://voyage.test/v1", speaks: [openai-rerank], api_key: k }
  cohere: { base_url: "http://cohere.test", speaks: [cohere-rerank], api_key: k }
  judge: { base_url: "http://judge.test/v1", speaks: [openai-moderations], api_key: k }
  chat: { base_url: "http://chat.test/v1", speaks: [openai-chat], api_key: k }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: ["*"] }
  - { name: narrow, key: narrow-` + gatewaytest.Key + `, models: ["chat/*"] }
`

// TestSideOperations puts documents in order and has texts judged.
func TestSideOperations(t *testing.T) {
	tests := []struct {
		name, path, body   string
		wantPath, wantBody string
		said               string
		status             int
		answer, lost       string
	}{
		{
			"Cohere", "/v2/rerank", `{"model": "cohere/m", "query":"q", "documents":["a","b"], "top_n": 1}`,
			"/v2/rerank", `{"model": "m", "query":"q", "documents":["a","b"], "top_n": 1}`,
			`{"results":[{"index":1,"relevance_score":0.50}]}`, 200, `{"results":[{"index":1,"relevance_score":0.50}]}`, "",
		},
		{
			"Cohere by vLLM", "/v2/rerank", `{"model":"plain/m","query":"q","documents":["a","b"],"top_n":1,"max_tokens_per_doc":9,"priority":1}`,
			"/v1/rerank", `{"model":"m","query":"q","documents":["a","b"],"top_n":1}`,
			`{"id":"r1","model":"native","usage":{"total_tokens":7},"results":[{"index":1,"document":{"text":"b"},"relevance_score":0.50}]}`, 200,
			`{"id":"r1","results":[{"index":1,"relevance_score":0.50}],"meta":{"api_version":{"version":"2"},"tokens":{"input_tokens":7}}}`,
			"answer.model, max_tokens_per_doc, priority",
		},
		{
			"Cohere by Voyage", "/v2/rerank", `{"model":"voyage/m","query":"q","documents":["a","b"],"top_n":1}`,
			"/v1/rerank", `{"model":"m","query":"q","documents":["a","b"],"top_k":1}`,
			`{"object":"list","data":[{"relevance_score":1e-05,"index":0}],"model":"native","usage":{"total_tokens":7}}`, 200,
			`{"id":"ID","results":[{"index":0,"relevance_score":1e-05}],"meta":{"api_version":{"version":"2"},"tokens":{"input_tokens":7}}}`, "answer.model",
		},
		{
			"documents back from Cohere", "/v1/rerank", `{"model":"cohere/m","query":"q","documents":["a",{"text":"b","by":"c"}],"return_documents":true}`,
			"/v2/rerank", `{"model":"m","query":"q","documents":["a","b"]}`,
			`{"id":"r1","results":[{"index":1,"relevance_score":0.5},{"index":0,"relevance_score":0.25}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}`, 200,
			`{"id":"r1","object":"list","model":"m","results":[{"index":1,"relevance_score":0.5,"document":{"text":"b","by":"c"}},{"index":0,"relevance_score":0.25,"document":{"text":"a"}}]}`,
			"answer.usage.searches, documents[1].by",
		},
		{"an image", "/v1/rerank", `{"model":"cohere/m","query":"q","documents":[{"image":"u"}]}`, "", "", "{}", 400, "", ""},
		{"nobody", "/v1/rerank", `{"model":"chat/m","query":"q","documents":["a"]}`, "", "", "{}", 404, "", ""},
		{"garbage", "/v1/rerank", `{"model":"cohere/m","query":"q","documents":["a"]}`, "/v2/rerank", `{"model":"m","query":"q","documents":["a"]}`, `{"results":[{"index":0}]}`, 502, "", ""},
		{
			"moderation", "/v1/moderations", `{"input": "a", "model": "judge/m"}`,
			"/v1/moderations", `{"input": "a", "model": "m"}`, `{"id":"m1","model":"native","results":[]}`, 200, `{"id":"m1","model":"native","results":[]}`, "",
		},
		{
			"moderation without a model", "/v1/moderations", `{"input": ["a"]}`,
			"/v1/moderations", `{"input": ["a"]}`, `{"id":"m1","model":"native","results":[]}`, 200, `{"id":"m1","model":"native","results":[]}`, "",
		},
		{"moderation by chat", "/v1/moderations", `{"model":"chat/m","input":"a"}`, "", "", "{}", 404, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			up := &answerer{status: 200, answer: test.said}
			g := (&gatewaytest.Gateway{Upstream: up, Document: rankDocument}).Start(t)
			resp := g.Post(t, test.path, test.body)
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != test.status || up.path != test.wantPath || up.body != test.wantBody {
				t.Fatalf("%d %s %v\nasked %s\n%s\nwant %s\n%s", resp.StatusCode, got, err, up.path, up.body, test.wantPath, test.wantBody)
			}
			x := g.Wait(t, 1)[0]
			if test.status != 200 {
				return
			}
			if want := strings.Replace(test.answer, `"ID"`, `"`+x.ID+`"`, 1); string(got) != want {
				t.Errorf("answered\n%s\nwant\n%s", got, want)
			}
			if lost := resp.Header.Get("X-Weir-Lost"); lost != test.lost || x.Ending != gateway.Done {
				t.Errorf("lost %q, want %q; %v", lost, test.lost, x.Ending)
			}
			if strings.Contains(test.said, "total_tokens") && (x.Usage == nil || x.Usage.Input != 7) {
				t.Errorf("usage %+v", x.Usage)
			}
		})
	}
}

// TestNameless sends a call without a model only where there is one place for it, and only for a key that may go there.
func TestNameless(t *testing.T) {
	for name, test := range map[string]struct {
		document, key string
		status        int
	}{
		"one":     {rankDocument, gatewaytest.Key, 200},
		"not his": {rankDocument, "narrow-" + gatewaytest.Key, 403},
		"several": {strings.Replace(rankDocument, "  chat:", "  other: { base_url: \"http://other.test/v1\", speaks: [openai-moderations], api_key: k }\n  chat:", 1), gatewaytest.Key, 404},
		"none":    {strings.Replace(rankDocument, "openai-moderations", "openai-chat", 1), gatewaytest.Key, 404},
	} {
		up := &answerer{status: 200, answer: `{"results":[]}`}
		g := (&gatewaytest.Gateway{Upstream: up, Document: test.document}).Start(t)
		resp := g.Post(t, "/v1/moderations", `{"input":"a"}`, "Authorization", "Bearer "+test.key)
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != test.status || (up.calls == 1) != (test.status == 200) {
			t.Errorf("%s: %d %s %v, %d calls", name, resp.StatusCode, got, err, up.calls)
		}
	}
}
