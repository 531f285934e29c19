package engine_test

import (
	"io"
	"strconv"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
)

// TestClassifyFlows sends calls all the way through the gateway to a provider that judges them as the real ones do.
func TestClassifyFlows(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: `version: 1
providers:
  vllm: { base_url: "http://@SIM@", speaks: [classify, vllm-tokenize, anthropic-messages], api_key: sim }
  tei: { base_url: "http://@SIM@", speaks: [tei-classify], api_key: sim }
  triton: { base_url: "http://@SIM@", speaks: [oip-infer], api_key: sim }
  mistral-like: { base_url: "http://@SIM@", speaks: [mistral-ocr], api_key: sim }
models:
  moods: { targets: [{ provider: vllm, model: sim-429 }, { provider: tei, model: any }] }
  words: { targets: [{ provider: vllm, model: sim-1 }] }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`}).Start(t)
	for _, test := range []struct {
		path, body string
		status     int
		says, lost string
	}{
		{"/v1/classify", `{"model":"vllm/sim-classify","input":["good","bad","so"]}`, 200, `"label":"neutral"`, ""},
		{"/v1/classify", `{"model":"tei/x","input":["good","bad","so"],"truncate_prompt_tokens":-1}`, 200, `{"index":1,"label":"negative","probs":[0.`, "answer.labels, answer.probs"},
		{"/classify", `{"model":"moods","input":"good"}`, 200, `"label":"positive"`, "answer.labels, answer.probs"},
		{"/predict", `{"inputs":[["good"],["so","bad"]]}`, 200, `"label":"negative"}`, ""},
		{"/predict?model=vllm/sim-classify", `{"inputs":"good","raw_scores":true}`, 200, `[{"score":0.12,"label":"positive"}]`, "answer.created, answer.id, answer.model, answer.probs, answer.usage"},
		{"/predict?model=vllm/sim-classify", `{"inputs":[["good"],["so"]]}`, 200, `"label":"neutral"}]]`, "answer.created, answer.id, answer.model, answer.probs, answer.usage"},
		{"/predict?model=vllm/sim-429", `{"inputs":"good"}`, 429, `"error_type":"Overloaded"`, ""},
		{"/predict?model=vllm/sim-garbage", `{"inputs":"good"}`, 502, `"error_type":"Backend"`, ""},
		{"/v1/classify", `{"model":"tei/x","input":"` + strings.Repeat("word ", 1000) + `"}`, 400, `context_length_exceeded`, ""},
		{"/v2/models/triton/sim-classify/infer", `{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["good"]}]}`, 200, `"model_name":"sim-classify"`, ""},
		{"/v2/models/triton/other/infer", `{"inputs":[]}`, 404, "unknown model", ""},
		{"/v1/ocr", `{"model":"mistral-like/sim-ocr","document":{"type":"document_url","document_url":"https://example.org/a.pdf"},"pages":[0,2]}`, 200, `"pages_processed":2`, ""},
		{"/v1/ocr", `{"model":"mistral-like/sim-ocr","document":{}}`, 400, `"param":"document"`, ""},
		{"/tokenize", `{"model":"words","prompt":"hello"}`, 200, `{"count":2,`, ""},
		{"/detokenize", `{"model":"words","tokens":[]}`, 200, `{"prompt":""}`, ""},
		{"/v1/messages/count_tokens", `{"model":"words","system":"be kind","messages":[{"role":"user","content":"hello"}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}`, 200, `{"input_tokens":`, ""},
	} {
		resp := g.Post(t, test.path, test.body)
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != test.status || !strings.Contains(string(got), test.says) || resp.Header.Get("X-Weir-Lost") != test.lost {
			t.Errorf("%s %.100s: %d %s %v, lost %q", test.path, test.body, resp.StatusCode, got, err, resp.Header.Get("X-Weir-Lost"))
		}
	}
	for _, call := range g.Sim.Calls() {
		if strings.Contains(call.Query, "model") {
			t.Errorf("the provider saw ?%s", call.Query)
		}
	}
	// What is counted is what an answer says it read.
	read := func(path, body, before string) string {
		resp := g.Post(t, path, body)
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		_, after, found := strings.Cut(string(got), before)
		if err != nil || !found {
			t.Fatalf("%s: %s %v", path, got, err)
		}
		return after[:strings.IndexAny(after, ",}")]
	}
	const question = `{"model":"words","max_tokens":50,"system":"be kind","messages":[{"role":"user","content":"hello there"}]}`
	counted := read("/v1/messages/count_tokens", strings.Replace(question, `"max_tokens":50,`, "", 1), `"input_tokens":`)
	if answered := read("/v1/messages", question, `"input_tokens":`); counted != answered {
		t.Errorf("counted %s, read %s", counted, answered)
	}
}

// TestBinaryTensors passes tensors that are bytes, in both directions, as Triton's own client sends them if it is not told
// otherwise.
func TestBinaryTensors(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: `version: 1
providers:
  triton: { base_url: "http://@SIM@", speaks: [oip-infer], api_key: sim }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`}).Start(t)
	const head = `{"inputs":[{"name":"text","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":15}}],"parameters":{"binary_data_output":true}}`
	const body = head + "\x04\x00\x00\x00good\x03\x00\x00\x00bad"
	binary := []string{"Content-Type", "application/octet-stream", "Inference-Header-Content-Length", strconv.Itoa(len(head))}
	resp := g.Post(t, "/v2/models/triton/sim-classify/infer", body, binary...)
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	n, _ := strconv.Atoi(resp.Header.Get("Inference-Header-Content-Length"))
	if err != nil || resp.StatusCode != 200 || n == 0 || n >= len(got) || !strings.HasPrefix(string(got[n:]), "\x08\x00\x00\x00positive\x08\x00\x00\x00negative") || len(got[n:]) != 24+24 {
		t.Fatalf("%d %q %v, %d bytes of JSON", resp.StatusCode, got, err, n)
	}
	if x := g.Wait(t, 1)[0]; x.Ending != gateway.Done || x.Usage == nil {
		t.Errorf("recorded %+v", x)
	}
	if calls := g.Sim.Calls(); string(calls[0].Body) != body {
		t.Errorf("the provider saw %q", calls[0].Body)
	}
	binary[3] = "9999"
	resp = g.Post(t, "/v2/models/triton/sim-classify/infer", body, binary...)
	_ = resp.Body.Close()
	if resp.StatusCode != 400 || len(g.Sim.Calls()) != 1 {
		t.Errorf("a length that is none: %d", resp.StatusCode)
	}
}
