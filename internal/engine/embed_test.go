package engine_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
)

// answerer is a provider that takes one call and gives one answer.
type answerer struct {
	path, body string // of the last call
	calls      int
	status     int
	answer     string
}

// RoundTrip implements http.RoundTripper.
func (a *answerer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.path, a.body, a.calls = r.URL.RequestURI(), string(body), a.calls+1
	return &http.Response{
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(a.answer)),
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(a.answer)),
	}, nil
}

const sideDocument = `version: 1
providers:
  openai-embeddings: { base_url: "http://openai.test/v1", speaks: [openai-embeddings], api_key: k }
  mistral: { base_url: "http://mistral.test/v1", speaks: [openai-embeddings], api_key: k }
  voyage: { base_url: "http://voyage.test/v1", speaks: [openai-embeddings], api_key: k }
  gemini-embeddings: { base_url: "http://gemini.test", speaks: [gemini-embeddings], api_key: k }
  cohere-embed: { base_url: "http://cohere.test", speaks: [cohere-embed], api_key: k }
  ollama-embed: { base_url: "http://ollama.test", speaks: [ollama-embed], auth: none }
  chat: { base_url: "http://chat.test/v1", speaks: [openai-chat], api_key: k }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`

// The same two vectors as each provider writes them. The second has a number that is no float of 32 bits: as one it is
// 0.1.
const (
	saidOpenAI = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,-2.5e-05]},{"object":"embedding","index":1,"embedding":[0.100000001,0]}],"model":"native","usage":{"prompt_tokens":7,"total_tokens":7}}`
	saidBase64 = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPxe30bc="},{"object":"embedding","index":1,"embedding":"zczMPQAAAAA="}],"model":"native","usage":{"prompt_tokens":7,"total_tokens":7}}`
	saidGemini = `{"embeddings":[{"values":[1,-2.5e-05]},{"values":[0.100000001,0]}],"usageMetadata":{"promptTokenCount":7}}`
	saidCohere = `{"id":"e1","embeddings":{"float":[[1,-2.5e-05],[0.100000001,0]]},"texts":["a","b"],"response_type":"embeddings_by_type","meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":7}}}`
	saidOllama = `{"model":"native","embeddings":[[1,-2.5e-05],[0.100000001,0]],"total_duration":5,"load_duration":2,"prompt_eval_count":7}`
)

// TestEmbeddings asks every dialect's providers in every other dialect.
func TestEmbeddings(t *testing.T) {
	const (
		vectors = `[1,-2.5e-05]`
		second  = `[0.100000001,0]`
	)
	tests := []struct {
		name, provider, path, body string
		wantPath, wantBody, said   string
		answer, lost               string
	}{
		{
			"base64 of Gemini's numbers", "gemini-embeddings", "/v1/embeddings",
			`{"model":"gemini-embeddings/m","input":["a","b"],"encoding_format":"base64","dimensions":2,"user":"u"}`,
			"/v1beta/models/m:batchEmbedContents",
			`{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]},"outputDimensionality":2},{"model":"models/m","content":{"parts":[{"text":"b"}]},"outputDimensionality":2}]}`,
			saidGemini,
			strings.Replace(saidBase64, `"native"`, `"m"`, 1), "user",
		},
		{
			"one text", "gemini-embeddings", "/v1/embeddings",
			`{"model":"gemini-embeddings/m","input":"a"}`,
			"/v1beta/models/m:embedContent", `{"model":"models/m","content":{"parts":[{"text":"a"}]}}`,
			`{"embedding":{"values":[3]}}`,
			`{"object":"list","data":[{"object":"embedding","index":0,"embedding":[3]}],"model":"m","usage":{"prompt_tokens":0,"total_tokens":0}}`, "answer.usage",
		},
		{
			"Cohere demands a task", "cohere-embed", "/v1/embeddings",
			`{"model":"cohere-embed/m","input":["a","b"]}`,
			"/v2/embed", `{"model":"m","texts":["a","b"],"input_type":"search_document","embedding_types":["float"],"truncate":"NONE"}`,
			saidCohere,
			`{"object":"list","data":[{"object":"embedding","index":0,"embedding":` + vectors + `},{"object":"embedding","index":1,"embedding":` + second + `}],"model":"m","id":"e1","usage":{"prompt_tokens":7,"total_tokens":7}}`,
			"input_type",
		},
		{
			"Ollama", "ollama-embed", "/v1/embeddings",
			`{"model":"ollama-embed/m","input":["a","b"],"input_type":"query","encoding_format":"base64"}`,
			"/api/embed", `{"model":"m","input":["a","b"],"truncate":false}`,
			saidOllama, saidBase64, "input_type",
		},
		{
			"a form Cohere has and Gemini not", "gemini-embeddings", "/v2/embed",
			`{"model":"gemini-embeddings/m","texts":["a","b"],"input_type":"search_query","embedding_types":["float","base64","int8"]}`,
			"/v1beta/models/m:batchEmbedContents",
			`{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_QUERY"},{"model":"models/m","content":{"parts":[{"text":"b"}]},"taskType":"RETRIEVAL_QUERY"}]}`,
			saidGemini,
			`{"id":"ID","embeddings":{"float":[` + vectors + `,` + second + `],"base64":["AACAPxe30bc=","zczMPQAAAAA="]},"texts":["a","b"],"response_type":"embeddings_by_type","meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":7}}}`,
			"embedding_types",
		},
		{
			"base64 read back", "openai-embeddings", "/v2/embed",
			`{"model":"openai-embeddings/m","texts":["a","b"],"input_type":"clustering"}`,
			"/v1/embeddings", `{"model":"m","input":["a","b"]}`,
			saidBase64,
			`{"id":"ID","embeddings":{"float":[[1,-2.5e-05],[0.1,0]]},"texts":["a","b"],"response_type":"embeddings_by_type","meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":7}}}`,
			"answer.model, input_type, truncate",
		},
		{
			"small integers of Mistral", "mistral", "/v2/embed",
			`{"model":"mistral/m","texts":["a"],"input_type":"search_query","embedding_types":["int8"],"output_dimension":2,"truncate":"NONE"}`,
			"/v1/embeddings", `{"model":"m","input":["a"],"output_dimension":2,"output_dtype":"int8"}`,
			`{"object":"list","data":[{"object":"embedding","index":0,"embedding":[12,-7]}],"model":"native","usage":{"prompt_tokens":7,"total_tokens":7}}`,
			`{"id":"ID","embeddings":{"int8":[[12,-7]]},"texts":["a"],"response_type":"embeddings_by_type","meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":7}}}`,
			"answer.model, input_type",
		},
		{
			"Voyage's words", "voyage", "/v1beta/models/voyage%2Fm:batchEmbedContents",
			`{"requests":[{"model":"models/voyage/m","content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_DOCUMENT","title":"T","outputDimensionality":2},{"content":{"parts":[{"text":"b"}]},"task_type":2,"output_dimensionality":2}]}`,
			"/v1/embeddings", `{"model":"m","input":["a","b"],"output_dimension":2,"input_type":"document"}`,
			saidOpenAI,
			saidGemini, "answer.model, requests[0].title",
		},
		{
			"Gemini's one to Ollama", "ollama-embed", "/v1beta/models/ollama-embed%2Fm:embedContent",
			`{"content":{"parts":[{"text":"a"}]},"taskType":"CLASSIFICATION"}`,
			"/api/embed", `{"model":"m","input":["a"]}`,
			`{"model":"native","embeddings":[[3]],"prompt_eval_count":7}`,
			`{"embedding":{"values":[3]},"usageMetadata":{"promptTokenCount":7}}`, "answer.model, taskType",
		},
		{
			"an image for Cohere", "cohere-embed", "/v1beta/models/cohere-embed%2Fm:embedContent",
			`{"content":{"parts":[{"text":"a"},{"inline_data":{"mime_type":"image/png","data":"iVBO"}}]},"taskType":"QUESTION_ANSWERING"}`,
			"/v2/embed", `{"model":"m","inputs":[{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}}]}],"input_type":"search_query","embedding_types":["float"]}`,
			`{"id":"e1","embeddings":{"float":[[3]]},"response_type":"embeddings_by_type","meta":{"billed_units":{"input_tokens":5,"image_tokens":2}}}`,
			`{"embedding":{"values":[3]},"usageMetadata":{"promptTokenCount":7,"promptTokenDetails":[{"modality":"IMAGE","tokenCount":2}]}}`, "answer.id, taskType",
		},
		{
			"Ollama's client to OpenAI", "openai-embeddings", "/api/embed",
			`{"model":"openai-embeddings/m","input":["a","b"],"truncate":true,"keep_alive":"5m"}`,
			"/v1/embeddings", `{"model":"m","input":["a","b"]}`,
			saidOpenAI,
			`{"model":"native","embeddings":[` + vectors + `,` + second + `],"prompt_eval_count":7}`, "keep_alive, truncate",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			up := &answerer{status: 200, answer: test.said}
			g := (&gatewaytest.Gateway{Upstream: up, Document: sideDocument}).Start(t)
			resp := g.Post(t, test.path, test.body)
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("%d %s %v", resp.StatusCode, got, err)
			}
			if up.path != test.wantPath || up.body != test.wantBody {
				t.Errorf("asked %s\n%s\nwant %s\n%s", up.path, up.body, test.wantPath, test.wantBody)
			}
			x := g.Wait(t, 1)[0]
			if want := strings.Replace(test.answer, `"ID"`, `"`+x.ID+`"`, 1); string(got) != want {
				t.Errorf("answered\n%s\nwant\n%s", got, want)
			}
			if lost := resp.Header.Get("X-Weir-Lost"); lost != test.lost {
				t.Errorf("lost %q, want %q", lost, test.lost)
			}
			aside := slices.ContainsFunc(x.Losses, func(l llm.Loss) bool { return l.Path == "answer.load_duration" && l.Grade == llm.Aside })
			if timed := strings.Contains(test.said, "load_duration"); aside != timed {
				t.Errorf("recorded %+v: that durations were lost is said aside: %t, want %t", x.Losses, aside, timed)
			}
			known := !strings.Contains(test.lost, "answer.usage")
			if x.Op != "embeddings" || x.Ending != gateway.Done || x.Attempts[0].Mode != gateway.Translated || known != (x.Usage != nil && x.Usage.Input == 7) {
				t.Errorf("recorded %+v, usage %+v", x, x.Usage)
			}
		})
	}
}

// TestEmbeddingsRefused are requests that must not reach a provider, or come back as the client's dialect says them.
func TestEmbeddingsRefused(t *testing.T) {
	tests := []struct {
		name, path, body, strict string
		status                   int
		param                    string
	}{
		{"tokens of another model", "/v1/embeddings", `{"model":"cohere-embed/m","input":[[1,2],[3]]}`, "", 400, "input[0]"},
		{"integers nobody has", "/v2/embed", `{"model":"ollama-embed/m","texts":["a"],"input_type":"search_query","embedding_types":["int8"]}`, "", 400, "embedding_types"},
		{"an image for texts", "/v2/embed", `{"model":"openai-embeddings/m","images":["data:image/png;base64,iVBO"],"input_type":"image"}`, "", 400, "images[0]"},
		{"a batch that disagrees", "/v1beta/models/cohere-embed%2Fm:batchEmbedContents", `{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]},"outputDimensionality":3}]}`, "", 400, "requests[1].outputDimensionality"},
		{"strict", "/v1/embeddings", `{"model":"ollama-embed/m","input":"a","user":"u"}`, "true", 400, "user"},
		{"nothing to embed", "/v1/embeddings", `{"model":"ollama-embed/m","input":[]}`, "", 400, "input"},
		{"no model", "/api/embed", `{"input":"a"}`, "", 400, "model"},
		{"a provider without", "/api/embed", `{"model":"chat/m","input":"a"}`, "", 404, ""},
		{"too many at once", "/v1/embeddings", `{"model":"cohere-embed/m","input":["a"` + strings.Repeat(`,"a"`, 96) + `]}`, "", 400, "input[96]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			up := &answerer{status: 200, answer: "{}"}
			g := (&gatewaytest.Gateway{Upstream: up, Document: sideDocument}).Start(t)
			resp := g.Post(t, test.path, test.body, "X-Weir-Strict", test.strict)
			var m map[string]any
			err := json.NewDecoder(resp.Body).Decode(&m)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != test.status || up.calls != 0 {
				t.Fatalf("%d %v %v, %d calls", resp.StatusCode, m, err, up.calls)
			}
			if f := g.Wait(t, 1)[0].Fault; test.param != "" && (f == nil || f.Param != test.param) {
				t.Errorf("fault %v, want one of %s", f, test.param)
			}
		})
	}
	up := &answerer{status: 429, answer: `{"error":"too many requests"}`}
	g := (&gatewaytest.Gateway{Upstream: up, Document: sideDocument}).Start(t)
	resp := g.Post(t, "/v2/embed", `{"model":"ollama-embed/m","texts":["a"],"input_type":"search_query"}`)
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	want := `{"id":"` + g.Wait(t, 1)[0].ID + `","message":"too many requests"}`
	if diff := cmp.Diff(want, string(got)); err != nil || resp.StatusCode != 429 || diff != "" {
		t.Errorf("%d %v\n%s", resp.StatusCode, err, diff)
	}
	up = &answerer{status: 200, answer: `{"embeddings":[["x"]]}`}
	g = (&gatewaytest.Gateway{Upstream: up, Document: sideDocument}).Start(t)
	resp = g.Post(t, "/v1/embeddings", `{"model":"ollama-embed/m","input":"a","encoding_format":"base64"}`)
	_ = resp.Body.Close()
	if resp.StatusCode != 502 {
		t.Errorf("garbage: %d", resp.StatusCode)
	}
}
