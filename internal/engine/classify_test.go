package engine_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
)

const classDocument = `version: 1
limits: { body: 1MiB }
providers:
  vllm: { base_url: "http://vllm.test", speaks: [classify, vllm-tokenize], auth: none }
  tei: { base_url: "http://tei.test", speaks: [tei-classify], auth: none }
  triton: { base_url: "http://triton.test", speaks: [oip-infer], auth: none }
  reader: { base_url: "http://reader.test", speaks: [mistral-ocr], api_key: k }
  chat: { base_url: "http://chat.test/v1", speaks: [openai-chat], api_key: k }
models:
  moods: { targets: [{ provider: tei, model: roberta }] }
  feelings: { targets: [{ provider: vllm, model: deberta }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: ["*"] }
  - { name: narrow, key: narrow-` + gatewaytest.Key + `, models: ["chat/*"] }
`

// teiHead is a server's answer with what it counts in the head.
type teiHead struct{ answerer }

// RoundTrip implements http.RoundTripper.
func (a *teiHead) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.answerer.RoundTrip(r)
	if err == nil {
		resp.Header.Set("X-Compute-Tokens", "7")
	}
	return resp, err
}

const (
	vllmAnswer = `{"id":"classify-1","object":"list","created":5,"model":"native","data":[{"index":0,"label":"joy","probs":[0.10,0.90],"num_classes":2}],"usage":{"prompt_tokens":7,"total_tokens":7,"completion_tokens":0,"prompt_tokens_details":null}}`
	teiAnswer  = `[{"score":0.90,"label":"LABEL_1"},{"score":0.10,"label":"LABEL_0"}]`
	oipAnswer  = `{"model_name":"m","model_version":"1","outputs":[{"name":"y","shape":[2],"datatype":"FP32","data":[0.10,0.90]}]}`
)

// TestClassify puts things into classes, in the provider's dialect and in another.
func TestClassify(t *testing.T) {
	tests := []struct {
		name, path, body   string
		wantPath, wantBody string
		said, answer, lost string
		input              int64
	}{
		{"vLLM", "/v1/classify", `{"model": "vllm/m", "input":"a", "priority":1.0}`, "/classify", `{"model": "m", "input":"a", "priority":1.0}`, vllmAnswer, vllmAnswer, "", 7},
		{"vLLM at its own path", "/classify", `{"model":"feelings","input":["a"]}`, "/classify", `{"model":"deberta","input":["a"]}`, vllmAnswer, vllmAnswer, "", 7},
		{"vLLM without a model", "/classify", `{"input":["a"]}`, "/classify", `{"input":["a"]}`, vllmAnswer, vllmAnswer, "", 7},
		{"TEI", "/predict", `{"inputs": "a"}`, "/predict", `{"inputs": "a"}`, teiAnswer, teiAnswer, "", 7},
		{"TEI by name", "/predict?model=moods&x=1", `{"inputs": "a", "truncate":true}`, "/predict?x=1", `{"inputs": "a", "truncate":true}`, teiAnswer, teiAnswer, "", 7},
		{"OIP", "/v2/models/triton/m/infer", `{"id": "1", "inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1.50]}]}`, "/v2/models/m/infer", `{"id": "1", "inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1.50]}]}`, oipAnswer, oipAnswer, "", 0},
		{"OIP with a version", "/v2/models/triton%2Fm/versions/2/infer", `{"inputs":[]}`, "/v2/models/m/versions/2/infer", `{"inputs":[]}`, oipAnswer, oipAnswer, "", 0},
		{
			"vLLM by TEI", "/v1/classify", `{"model":"moods","input":"a","user":"u"}`, "/predict", `{"inputs":"a"}`, teiAnswer,
			`{"id":"ID","object":"list","created":CREATED,"model":"roberta","data":[{"index":0,"label":"LABEL_1","probs":[0.10,0.90],"num_classes":2}],"usage":{"prompt_tokens":7,"total_tokens":7,"completion_tokens":0}}`,
			"answer.labels, user", 7,
		},
		{
			"TEI by vLLM", "/predict?model=feelings", `{"inputs":[["a"]],"raw_scores":true}`, "/classify", `{"model":"deberta","input":["a"],"use_activation":false}`, vllmAnswer,
			`[[{"score":0.90,"label":"joy"}]]`, "answer.created, answer.id, answer.model, answer.probs, answer.usage", 7,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			up := &teiHead{answerer{status: 200, answer: test.said}}
			g := (&gatewaytest.Gateway{Upstream: up, Document: classDocument}).Start(t)
			resp := g.Post(t, test.path, test.body)
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != 200 || up.path != test.wantPath || up.body != test.wantBody {
				t.Fatalf("%d %s %v\nasked %s\n%s\nwant %s\n%s", resp.StatusCode, got, err, up.path, up.body, test.wantPath, test.wantBody)
			}
			x := g.Wait(t, 1)[0]
			want := strings.NewReplacer(`"ID"`, `"`+x.ID+`"`, "CREATED", strconv.FormatInt(x.Start.Unix(), 10)).Replace(test.answer)
			if string(got) != want {
				t.Errorf("answered\n%s\nwant\n%s", got, want)
			}
			if lost := resp.Header.Get("X-Weir-Lost"); lost != test.lost || x.Ending != gateway.Done || x.Op != "classify" {
				t.Errorf("lost %q, want %q; %v of %s", lost, test.lost, x.Ending, x.Op)
			}
			if x.Usage == nil || x.Usage.Input != test.input {
				t.Errorf("usage %+v", x.Usage)
			}
		})
	}
}

// TestClassifyRefused asks for what cannot be, in each dialect's words.
func TestClassifyRefused(t *testing.T) {
	big := `{"model":"moods","input":"` + strings.Repeat("a", 1<<20) + `"}`
	tests := []struct {
		name, path, body, key string
		status                int
		says                  string
	}{
		{"no JSON", "/v1/classify", `{"model":`, "", 400, `{"error":{"message":"the body cannot be read`},
		{"nothing", "/v1/classify", ``, "", 400, `{"error":{"message":`},
		{"too large", "/v1/classify", big, "", 413, `"code":"request_too_large"`},
		{"an unknown model", "/v1/classify", `{"model":"mood","input":"a"}`, "", 404, "moods"},
		{"an unknown model of TEI", "/predict?model=mood", `{"inputs":"a"}`, "", 404, `"error_type":"Validation"`},
		{"an unknown model of OIP", "/v2/models/nobody/infer", `{"inputs":[]}`, "", 404, `{"error":"`},
		{"a chat model", "/v1/classify", `{"model":"chat/m","input":"a"}`, "", 404, "serves no classify"},
		{"tensors by text", "/v2/models/moods/infer", `{"inputs":[]}`, "", 404, "does not speak oip-infer and cannot be translated to"},
		{"a text by tensors", "/v1/classify", `{"model":"triton/m","input":"a"}`, "", 404, "does not speak classify and cannot be translated to"},
		{"a pair by vLLM", "/predict?model=feelings", `{"inputs":["a","b"]}`, "", 400, "not pairs"},
		{"tokens by TEI", "/classify", `{"model":"moods","input":[1,2]}`, "", 400, `"param":"input"`},
		{"a wrong type by TEI", "/classify", `{"model":"moods","input":{"a":1}}`, "", 400, `"param":"input"`},
		{"no key", "/predict", `{"inputs":"a"}`, "none", 401, `{"error":"`},
		{"another's model", "/predict?model=moods", `{"inputs":"a"}`, "narrow-" + gatewaytest.Key, 403, `{"error":"`},
		{"nobody's model", "/predict", `{"inputs":"a"}`, "narrow-" + gatewaytest.Key, 403, `{"error":"`},
		{"another verb", "/v2/models/moods/generate", `{}`, "", 404, `{"error":"there is nothing at /v2/models/moods/generate`},
		{"a version without a name", "/v2/models/moods/versions/%20%0a/infer", `{}`, "", 400, `{"error":"the path must be /v2/models/MODEL/infer`},
		{"a document without a model", "/v1/ocr", `{"document":{}}`, "", 400, `"param":"model"`},
		{"a document for a chat model", "/v1/ocr", `{"model":"chat/m","document":{}}`, "", 404, "serves no ocr"},
	}
	for _, test := range tests {
		up := &answerer{status: 200, answer: "{}"}
		g := (&gatewaytest.Gateway{Upstream: up, Document: classDocument}).Start(t)
		header := []string{}
		if test.key != "" {
			header = []string{"Authorization", "Bearer " + test.key}
		}
		resp := g.Post(t, test.path, test.body, header...)
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != test.status || !strings.Contains(string(got), test.says) || up.calls != 0 {
			t.Errorf("%s: %d %s %v, %d calls", test.name, resp.StatusCode, got, err, up.calls)
		}
	}
	for body, status := range map[string]int{`{"nothing":1}`: 502, `[{"label":"x"}]`: 502, `<html>`: 502} {
		up := &answerer{status: 200, answer: body}
		g := (&gatewaytest.Gateway{Upstream: up, Document: classDocument}).Start(t)
		resp := g.Post(t, "/classify", `{"model":"moods","input":"a"}`)
		_ = resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s: %d", body, resp.StatusCode)
		}
	}
}

// TestNamelessPredict tells a client of two servers how to name one.
func TestNamelessPredict(t *testing.T) {
	up := &answerer{status: 200, answer: teiAnswer}
	document := strings.Replace(classDocument, "  chat:", "  other: { base_url: \"http://other.test\", speaks: [tei-classify], auth: none }\n  chat:", 1)
	g := (&gatewaytest.Gateway{Upstream: up, Document: document}).Start(t)
	resp := g.Post(t, "/predict", `{"inputs":"a"}`)
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != 404 || !strings.Contains(string(got), "(other, tei); name a model in the query (?model=NAME)") || up.calls != 0 {
		t.Errorf("%d %s %v", resp.StatusCode, got, err)
	}
}

// TestOCR passes a document and counts its pages.
func TestOCR(t *testing.T) {
	const answer = `{"pages":[{"index":0,"markdown":"# A","images":[],"dimensions":null}],"model":"native","document_annotation":null,"usage_info":{"pages_processed":4,"doc_size_bytes":99}}`
	up := &answerer{status: 200, answer: answer}
	g := (&gatewaytest.Gateway{Upstream: up, Document: classDocument}).Start(t)
	resp := g.Post(t, "/v1/ocr", `{"model": "reader/ocr-1", "document":{"type":"document_url","document_url":"https://example.org/a.pdf"}}`)
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != 200 || string(got) != answer {
		t.Fatalf("%d %s %v", resp.StatusCode, got, err)
	}
	if want := `{"model": "ocr-1", "document":{"type":"document_url","document_url":"https://example.org/a.pdf"}}`; up.path != "/v1/ocr" || up.body != want {
		t.Errorf("asked %s %s", up.path, up.body)
	}
	if x := g.Wait(t, 1)[0]; x.Op != "ocr" || x.Usage == nil || x.Usage.Pages != 4 || x.Usage.AnnotatedPages != 0 {
		t.Errorf("recorded %+v, usage %+v", x, x.Usage)
	}
}

// TestTokenize passes texts and tokens; TestCount has conversations counted.
func TestTokenize(t *testing.T) {
	for _, test := range []struct{ path, body, wantBody, answer string }{
		{"/tokenize", `{"model": "vllm/m", "prompt":"hello"}`, `{"model": "m", "prompt":"hello"}`, `{"count":1,"max_model_len":9,"tokens":[7]}`},
		{"/detokenize", `{"model":"feelings","tokens":[7]}`, `{"model":"deberta","tokens":[7]}`, `{"prompt":"hello"}`},
		{"/tokenize", `{"content":"hello"}`, `{"content":"hello"}`, `{"tokens":[7]}`},
	} {
		up := &answerer{status: 200, answer: test.answer}
		g := (&gatewaytest.Gateway{Upstream: up, Document: classDocument}).Start(t)
		resp := g.Post(t, test.path, test.body)
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || string(got) != test.answer || up.path != test.path || up.body != test.wantBody {
			t.Errorf("%d %s %v\nasked %s\n%s", resp.StatusCode, got, err, up.path, up.body)
		}
		if x := g.Wait(t, 1)[0]; x.Op != "tokenize" || x.Usage != nil || x.Ending != gateway.Done {
			t.Errorf("recorded %+v", x)
		}
	}
}

// TestCountByTokens has conversations counted by a provider that tells their tokens, also where it speaks their dialect,
// whose path for counting servers of its kind do not have.
func TestCountByTokens(t *testing.T) {
	const document = `version: 1
providers:
  vllm: { base_url: "http://vllm.test", speaks: [anthropic-messages, vllm-tokenize], auth: none }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`
	for _, test := range []struct{ name, path, body, wantBody, answer, lost string }{
		{
			"Messages", "/v1/messages/count_tokens", `{"model":"vllm/m","system":"be kind","messages":[{"role":"user","content":"hello"}]}`,
			`{"model":"m","messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hello"}]}`, `{"input_tokens":9}`, "",
		},
		{
			"Responses", "/v1/responses/input_tokens", `{"model":"vllm/m","input":"hello","temperature":0.5}`,
			`{"model":"m","messages":[{"role":"user","content":"hello"}]}`, `{"object":"response.input_tokens","input_tokens":9}`, "",
		},
		{
			"Gemini with a tool", "/v1beta/models/vllm%2Fm:countTokens", `{"generateContentRequest":{"contents":[{"role":"user","parts":[{"text":"hello"}]}],"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object"}}]}],"odd":1}}`,
			`{"model":"m","messages":[{"role":"user","content":"hello"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}`, `{"totalTokens":9}`, "generateContentRequest.odd",
		},
	} {
		up := &answerer{status: 200, answer: `{"count":9,"max_model_len":4096,"tokens":[1,2,3,4,5,6,7,8,9]}`}
		g := (&gatewaytest.Gateway{Upstream: up, Document: document}).Start(t)
		resp := g.Post(t, test.path, test.body)
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || string(got) != test.answer || up.path != "/tokenize" || up.body != test.wantBody || resp.Header.Get("X-Weir-Lost") != test.lost {
			t.Errorf("%s: %d %s %v lost %s\nasked %s\n%s", test.name, resp.StatusCode, got, err, resp.Header.Get("X-Weir-Lost"), up.path, up.body)
		}
		if x := g.Wait(t, 1)[0]; x.Op != "count_tokens" || x.Usage != nil {
			t.Errorf("recorded %+v", x)
		}
	}
}

// failing answers as two servers: the first says that its model failed, the second has an answer.
type failing struct{ hosts []string }

// RoundTrip implements http.RoundTripper.
func (f *failing) RoundTrip(r *http.Request) (*http.Response, error) {
	f.hosts = append(f.hosts, r.URL.Host)
	if r.URL.Host == "tei.test" {
		return (&answerer{status: 424, answer: `{"error":"inference failed","error_type":"Backend"}`}).RoundTrip(r)
	}
	return (&answerer{status: 200, answer: vllmAnswer}).RoundTrip(r)
}

// TestClassifyElsewhere asks the next target, in another dialect, when a model fails.
func TestClassifyElsewhere(t *testing.T) {
	up := &failing{}
	document := strings.Replace(classDocument, "model: roberta }", "model: roberta }, { provider: vllm, model: deberta }", 1)
	g := (&gatewaytest.Gateway{Upstream: up, Document: document}).Start(t)
	resp := g.Post(t, "/predict?model=moods", `{"inputs":"a"}`)
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != 200 || string(got) != `[{"score":0.90,"label":"joy"}]` || len(up.hosts) != 2 {
		t.Errorf("%d %s %v, asked %v", resp.StatusCode, got, err, up.hosts)
	}
	if x := g.Wait(t, 1)[0]; len(x.Attempts) != 2 || x.Attempts[0].Fault == nil || x.Attempts[0].Fault.Kind != fault.Upstream {
		t.Errorf("%+v", x.Attempts)
	}
}
