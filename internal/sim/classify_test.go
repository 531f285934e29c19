package sim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/sim"
)

// TestModelsThatDoNotGenerate asks for classes, pages and tokens, rightly and not.
func TestModelsThatDoNotGenerate(t *testing.T) {
	p := &sim.Provider{Pace: -1}
	ask := func(path, body string) (int, string, http.Header) {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body)))
		got, err := io.ReadAll(w.Body)
		if err != nil || !json.Valid(got) && !strings.HasPrefix(string(got), "<!DOCTYPE") {
			t.Fatalf("%s %s: %v\n%s", path, body, err, got)
		}
		return w.Code, string(got), w.Header()
	}
	for _, test := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/classify", `{"model":"sim-classify","input":"what a lovely day"}`, 200, `"data":[{"index":0,"label":"positive","probs":[0.117,`},
		{"/classify", `{"input":["bad and wrong","so"]}`, 200, `{"index":1,"label":"neutral","probs":[`},
		{"/classify", `{"input":"so","use_activation":false}`, 200, `"probs":[0.02,0.03,0.02]`},
		{"/classify", `{"model":"sim-429","input":"so"}`, 429, "rate_limit_exceeded"},
		{"/classify", `{"model":"sim-garbage","input":"so"}`, 200, "<!DOCTYPE"},
		{"/classify", `{"model":"sim-1","input":"so"}`, 404, "model_not_found"},
		{"/classify", `{"model":"sim-classify","input":[]}`, 400, `"param":"input"`},
		{"/classify", `{"model":"sim-classify","input":[1]}`, 400, `input[0]`},
		{"/classify", `{"model":"sim-classify","input":"so","inputs":"x"}`, 400, "Unknown parameter: 'inputs'"},
		{"/classify", `{"input":"` + strings.Repeat("word ", 1000) + `"}`, 400, "maximum context length"},
		{"/classify", `{"truncate_prompt_tokens":-1,"input":"` + strings.Repeat("word ", 1000) + `"}`, 200, `"prompt_tokens":512`},
		{"/classify", `[]`, 400, "JSON"},
		{"/predict", `{"inputs":"sad"}`, 200, `[{"score":`},
		{"/predict", `{"inputs":[["sad"],["good","best"]]}`, 200, `[[{"score":`},
		{"/predict", `{"inputs":["a","b","c"]}`, 422, `"error_type":"Validation"`},
		{"/predict", `{"inputs":[["a"],"b"]}`, 422, `"error_type":"Validation"`},
		{"/predict", `{"inputs":[]}`, 422, "expected a string"},
		{"/predict", `{}`, 422, "expected a string"},
		{"/predict", `{"inputs":"a","truncate":"yes"}`, 422, "truncate"},
		{"/predict", `{"inputs":[` + strings.TrimSuffix(strings.Repeat(`["a"],`, 33), ",") + `]}`, 413, "batch size 33"},
		{"/predict", `{"inputs":"` + strings.Repeat("word ", 1000) + `"}`, 413, "must have less than 512 tokens"},
		{"/predict", `nonsense`, 400, "JSON"},
		{"/v2/models/sim-classify/infer", `{"id":"7","inputs":[{"name":"text","shape":[2],"datatype":"BYTES","data":["good","bad"]}]}`, 200, `"data":["positive","negative"]`},
		{"/v2/models/sim-classify/versions/1/infer", `{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["good"]}],"outputs":[{"name":"probs"}]}`, 200, `"outputs":[{"name":"probs","datatype":"FP32","shape":[1,3],`},
		{"/v2/models/sim-classify/infer", `{"inputs":[{"name":"text","shape":[3],"datatype":"BYTES","data":["good"]}]}`, 400, "shape"},
		{"/v2/models/sim-classify/infer", `{"inputs":[{"name":"text","shape":[1],"datatype":"FP32","data":[1]}]}`, 400, "BYTES"},
		{"/v2/models/sim-classify/infer", `{"inputs":[]}`, 400, "expected 1 input"},
		{"/v2/models/other/infer", `{"inputs":[]}`, 404, "unknown model"},
		{"/v2/models/sim-classify/ready", `{}`, 404, "Not Found"},
		{"/v1/ocr", `{"model":"sim-ocr","document":{"type":"document_url","document_url":"https://example.org/a.pdf"}}`, 200, `"usage_info":{"pages_processed":3,`},
		{"/v1/ocr", `{"model":"sim-ocr","document":{"type":"document_url","document_url":"u"},"pages":"0,1-5"}`, 200, `"usage_info":{"pages_processed":3,`},
		{"/v1/ocr", `{"model":"sim-ocr","document":{"type":"image_url","image_url":{"url":"u"}},"pages":[0]}`, 200, `"usage_info":{"pages_processed":1,`},
		{"/v1/ocr", `{"model":"sim-ocr","document":{"type":"file","file_id":"f"},"document_annotation_format":{"type":"json_schema"}}`, 200, `"document_annotation":"{}"`},
		{"/v1/ocr", `{"model":"sim-ocr","document":{}}`, 400, `"param":"document"`},
		{"/v1/ocr", `{"model":"sim-ocr","document":{"document_url":"u"},"stream":true}`, 400, "Unknown parameter: 'stream'"},
		{"/v1/ocr", `{"model":"sim-1","document":{"document_url":"u"}}`, 404, "model_not_found"},
		{"/tokenize", `{"model":"sim-1","prompt":"hello"}`, 200, `{"count":2,"max_model_len":200000,"tokens":[`},
		{"/tokenize", `{"prompt":"a","messages":[]}`, 400, "exclude"},
		{"/tokenize", `{"prompt":1}`, 400, `"param":"prompt"`},
		{"/tokenize", `{"model":"nobody","prompt":"a"}`, 404, "model_not_found"},
		{"/detokenize", `{"tokens":["a"]}`, 400, `"param":"tokens"`},
	} {
		status, got, _ := ask(test.path, test.body)
		if status != test.status || !strings.Contains(got, test.says) {
			t.Errorf("%s %.200s: %d %s", test.path, test.body, status, got)
		}
	}
	if _, _, h := ask("/predict", `{"inputs":[["hello"],["hello"]]}`); h.Get("X-Compute-Tokens") != "4" {
		t.Errorf("counted %q", h.Get("X-Compute-Tokens"))
	}
	_, got, _ := ask("/tokenize", `{"prompt":"zero \u0000, ß and 🌊"}`)
	_, back, _ := ask("/detokenize", `{"tokens":`+got[strings.Index(got, "["):strings.Index(got, "]")+1]+`}`)
	if back != `{"prompt":"zero \u0000, ß and 🌊"}` {
		t.Errorf("%s became %s", got, back)
	}
	const messages = `"messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hello"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]`
	_, counted, _ := ask("/tokenize", `{"model":"sim-1",`+messages+`}`)
	_, answered, _ := ask("/v1/chat/completions", `{"model":"sim-1",`+messages+`}`)
	n := counted[len(`{"count":`):strings.Index(counted, ",")]
	if !strings.Contains(answered, `"prompt_tokens":`+n+`,`) {
		t.Errorf("counted %s, answered %s", counted, answered)
	}
}
