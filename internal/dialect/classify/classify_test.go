package classify

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

func TestPeek(t *testing.T) {
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	tests := []struct {
		name              string
		d                 dialect.Dialect
		path, query, body string
		model, param      string // param: "-" = refused without one
		left              string // of the query
	}{
		{"vLLM", New(), Path, "", `{"model":"m","input":"a"}`, "m", "", ""},
		{"without a model", New(), Path, "", `{"input":"a"}`, "", "", ""},
		{"a model that is null", New(), Path, "", `{"model":null}`, "", "", ""},
		{"a model that is a number", New(), Path, "", `{"model":1}`, "", "model", ""},
		{"a model that is empty", New(), Path, "", `{"model":""}`, "", "model", ""},
		{"two models", New(), Path, "", `{"model":"a","model":"b"}`, "", "model", ""},
		{"another spelling", New(), Path, "", `{"Model":"a"}`, "", "model", ""},
		{"no JSON", New(), Path, "", `{"model":`, "", "-", ""},
		{"nothing", New(), Path, "", ``, "", "-", ""},
		{"a list", New(), Path, "", `["m"]`, "", "-", ""},
		{"too deep", New(), Path, "", `{"model":"m","input":` + deep + `}`, "", "-", ""},
		{"TEI", NewTEI(), TEIPath, "", `{"inputs":"a"}`, "", "", ""},
		{"TEI with a model", NewTEI(), TEIPath, "a=1&model=x%2Fy&b", `{"inputs":"a"}`, "x/y", "", "a=1&b"},
		{"TEI with two models", NewTEI(), TEIPath, "model=x&model=x", `{"inputs":"a"}`, "", "model", ""},
		{"TEI with an empty model", NewTEI(), TEIPath, "model=", `{"inputs":"a"}`, "", "model", ""},
		{"TEI with a broken model", NewTEI(), TEIPath, "model=%zz", `{"inputs":"a"}`, "", "model", ""},
		{"TEI with a control character", NewTEI(), TEIPath, "model=a%0a", `{"inputs":"a"}`, "", "model", ""},
		{"TEI with two inputs", NewTEI(), TEIPath, "", `{"inputs":"a","inputs":"b"}`, "", "inputs", ""},
		{"TEI without JSON", NewTEI(), TEIPath, "", `hello`, "", "-", ""},
		{"TEI too deep", NewTEI(), TEIPath, "", `{"inputs":` + deep + `}`, "", "-", ""},
		{"OIP", NewOIP(), "/v2/models/m/infer", "", `{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1.0]}]}`, "m", "", ""},
		{"OIP with a version", NewOIP(), "/v2/models/p%2Fm/versions/3/infer", "", `{"inputs":[]}`, "p/m", "", ""},
		{"OIP with slashes", NewOIP(), "/v2/models/p/m/infer", "", `{"inputs":[]}`, "p/m", "", ""},
		{"OIP with an empty version", NewOIP(), "/v2/models/m/versions//infer", "", `{"inputs":[]}`, "", "model_name", ""},
		{"OIP with a version that leads away", NewOIP(), "/v2/models/m/versions/%2e%2e/infer", "", `{"inputs":[]}`, "", "model_name", ""},
		{"OIP with a model that leads away", NewOIP(), "/v2/models/%2E%2E/infer", "", `{"inputs":[]}`, "", "model_name", ""},
		{"OIP without a model", NewOIP(), "/v2/models//infer", "", `{"inputs":[]}`, "", "model_name", ""},
		{"OIP with another verb", NewOIP(), "/v2/models/m/ready", "", `{"inputs":[]}`, "", "model_name", ""},
		{"OIP with bytes wanted", NewOIP(), "/v2/models/m/infer", "", `{"parameters":{"binary_data_output":true}}`, "m", "", ""},
		{"OIP with parameters twice", NewOIP(), "/v2/models/m/infer", "", `{"parameters":{},"inputs":[],"parameters":{}}`, "", "parameters", ""},
		{"OIP without JSON", NewOIP(), "/v2/models/m/infer", "", `{`, "", "-", ""},
	}
	for _, test := range tests {
		c := dialect.Call{Path: test.path, Query: test.query, Body: []byte(test.body)}
		h, err := test.d.Peek(&c)
		if test.param == "" {
			if err != nil || h.Model != test.model || h.Stream || c.Query != test.left {
				t.Errorf("%s: %+v %v, query %q", test.name, h, err, c.Query)
			}
			continue
		}
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Malformed || f.Param != strings.Trim(test.param, "-") || f.Message == "" {
			t.Errorf("%s: %+v %v", test.name, h, err)
		}
	}
}

// TestBinaryTensors passes what stands after the JSON, whatever it is.
func TestBinaryTensors(t *testing.T) {
	const head = `{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}`
	for _, test := range []struct {
		length []string
		tail   string
		ok     bool
	}{
		{[]string{"91"}, "\x00\xff}{", true},
		{[]string{"91"}, "", true},
		{[]string{"90"}, "\x00", false},
		{[]string{"92"}, "\x00", false},
		{[]string{"0"}, "", false},
		{[]string{"-1"}, "", false},
		{[]string{"1e2"}, "", false},
		{[]string{"999"}, "abcd", false},
		{[]string{}, "", false},
		{[]string{"91", "91"}, "", false},
		{nil, "", true},
		{nil, "\x00", false},
	} {
		if len(head) != 91 {
			t.Fatal(len(head))
		}
		c := dialect.Call{Path: "/v2/models/m/infer", Header: http.Header{"Inference-Header-Content-Length": test.length}, Body: []byte(head + test.tail)}
		h, err := NewOIP().Peek(&c)
		if (err == nil) != test.ok || test.ok && h.Model != "m" {
			t.Errorf("%v %q: %v", test.length, test.tail, err)
			continue
		}
		if f := fault.Of(err); f != nil && f.Kind != fault.Malformed {
			t.Errorf("%v: %v", test.length, err)
		}
		if out, err := NewOIP().Edit(nil, c, dialect.Edit{Model: "n"}); test.ok && (err != nil || string(out.Body) != head+test.tail || out.Path != "/v2/models/n/infer") {
			t.Errorf("%q %v", out.Body, err)
		}
	}
	o := NewOIP().(dialect.Opaquer)
	if !o.Opaque(llm.OpClassify, "application/octet-stream") || o.Opaque(llm.OpClassify, "application/json") || o.Opaque(llm.OpClassify, "text/html") {
		t.Error("what is opaque")
	}
	m := NewOIP().Meter()
	m.(dialect.HeadMeter).Head(http.Header{})
	if u := m.Read().Usage; u == nil || u.Said != 0 {
		t.Errorf("%+v", u)
	}
}

func TestEdit(t *testing.T) {
	tests := []struct {
		d                    dialect.Dialect
		path, body, to       string
		wantPath, wantedBody string
	}{
		{New(), Path, `{ "model" : "a", "input": 1.0 }`, "b", Path, `{ "model" : "b", "input": 1.0 }`},
		{New(), "/v1/classify", `{"model":"a"}`, "b", Path, `{"model":"b"}`},
		{NewTEI(), TEIPath, `{ "inputs": "a" }`, "b", TEIPath, `{ "inputs": "a" }`},
		{NewOIP(), "/v2/models/p/m/infer", `{ "id": "model" }`, "real/m", "/v2/models/real%2Fm/infer", `{ "id": "model" }`},
		{NewOIP(), "/v2/models/m/versions/2/infer", `{}`, "n", "/v2/models/n/versions/2/infer", `{}`},
	}
	for _, test := range tests {
		c := dialect.Call{Path: test.path, Body: []byte(test.body)}
		if _, err := test.d.Peek(&c); err != nil {
			t.Fatal(err)
		}
		dst := append(make([]byte, 0, 200), "kept"...)
		got, err := test.d.Edit(dst, c, dialect.Edit{Model: test.to})
		if err != nil || got.Path != test.wantPath || string(got.Body) != test.wantedBody || string(c.Body) != test.body {
			t.Errorf("%s: %s %s %v", test.path, got.Path, got.Body, err)
		}
		if len(got.Body) > 0 && &got.Body[0] == &c.Body[0] {
			t.Errorf("%s: the body is the client's own memory", test.path)
		}
	}
}

func TestMeter(t *testing.T) {
	tests := []struct {
		name       string
		d          dialect.Dialect
		head, body string
		want       llm.Usage
		id, model  string
	}{
		{"vLLM", New(), "", `{"id":"c1","model":"m","data":[],"usage":{"prompt_tokens":7,"total_tokens":7,"completion_tokens":0}}`, llm.Usage{Said: llm.SaidInput | llm.SaidOutput | llm.SaidTotal, Input: 7, Total: 7}, "c1", "m"},
		{"vLLM without usage", New(), "", `{"id":"c1","data":[]}`, llm.Usage{}, "c1", ""},
		{"TEI", NewTEI(), "12", `[{"score":1.0,"label":"x"}]`, llm.Usage{Said: llm.SaidInput, Input: 12}, "", ""},
		{"TEI behind something", NewTEI(), "", `[{"score":1.0,"label":"x"}]`, llm.Usage{}, "", ""},
		{"TEI with nonsense", NewTEI(), "-1", `[]`, llm.Usage{}, "", ""},
		{"OIP", NewOIP(), "", `{"model_name":"m","id":"7","outputs":[{"name":"model_name","data":["id"]}]}`, llm.Usage{}, "7", "m"},
	}
	for _, test := range tests {
		m := test.d.Meter()
		if h, ok := m.(dialect.HeadMeter); ok {
			h.Head(http.Header{"X-Compute-Tokens": {test.head}})
		}
		m.Body([]byte(test.body))
		r := m.Read()
		if r.Usage == nil || r.Usage.Said != test.want.Said || r.Usage.Input != test.want.Input || r.Usage.Total != test.want.Total {
			t.Errorf("%s: %+v", test.name, r.Usage)
		}
		if !r.Began || !r.Ended || r.ID != test.id || r.Model != test.model {
			t.Errorf("%s: %+v", test.name, r)
		}
	}
}

func TestFaults(t *testing.T) {
	f := &fault.Fault{Kind: fault.NotFound, Message: "no \"such\" model"}
	if got := string(NewTEI().Fault(nil, f, dialect.Whole)); got != `{"error":"no \"such\" model","error_type":"Validation"}` {
		t.Error(got)
	}
	if got := string(NewOIP().Fault([]byte("x"), f, dialect.Whole)); got != `x{"error":"no \"such\" model"}` {
		t.Error(got)
	}
	if got := string(New().Fault(nil, f, dialect.Whole)); !strings.HasPrefix(got, `{"error":{"message":"no \"such\" model","type":`) {
		t.Error(got)
	}
	for kind, word := range map[fault.Kind]string{fault.Overloaded: "Overloaded", fault.RateLimit: "Overloaded", fault.Unavailable: "Unhealthy", fault.Internal: "Backend", fault.Upstream: "Backend"} {
		if got := string(NewTEI().Fault(nil, &fault.Fault{Kind: kind}, dialect.Whole)); !strings.Contains(got, word) {
			t.Errorf("%v: %s", kind, got)
		}
	}
	for _, test := range []struct {
		d       dialect.Dialect
		status  int
		body    string
		kind    fault.Kind
		message string
	}{
		{NewTEI(), 413, "{\"error\":\"`inputs` must have less than 512 tokens. Given: 700\",\"error_type\":\"Validation\"}", fault.ContextLength, "less than 512"},
		{NewTEI(), 413, `{"error":"batch size 40 > maximum allowed batch size 32","error_type":"Validation"}`, fault.Malformed, "batch size"},
		{NewTEI(), 429, `{"error":"Model is overloaded","error_type":"Overloaded"}`, fault.Overloaded, "overloaded"},
		{NewTEI(), 424, `{"error":"inference failed","error_type":"Backend"}`, fault.Upstream, "inference"},
		{NewTEI(), 422, `{"error":"tokenization","error_type":"tokenizer"}`, fault.Malformed, "tokenization"},
		{NewTEI(), 503, `{"error":"unhealthy","error_type":"Unhealthy"}`, fault.Unavailable, "unhealthy"},
		{NewTEI(), 422, `Failed to deserialize the JSON body`, fault.Malformed, "deserialize"},
		{NewOIP(), 404, `{"error":"Request for unknown model"}`, fault.NotFound, "unknown model"},
		{NewOIP(), 400, `{"error":"unexpected shape"}`, fault.Malformed, "shape"},
		{New(), 404, `{"error":{"message":"The model does not exist.","type":"NotFoundError","param":"model","code":404}}`, fault.NotFound, "does not exist"},
	} {
		f := test.d.ReadFault(test.status, http.Header{}, []byte(test.body))
		if f.Kind != test.kind || !strings.Contains(f.Message, test.message) || f.HTTPStatus != test.status || f.Origin != fault.There {
			t.Errorf("%d %s: %+v", test.status, test.body, f)
		}
	}
}

func TestAllocations(t *testing.T) {
	body := []byte(`{"model":"some-model","input":["` + strings.Repeat("a text ", 300) + `"]}`)
	dst := make([]byte, 0, 2*len(body))
	d := New()
	if n := testing.AllocsPerRun(100, func() {
		c := dialect.Call{Path: Path, Body: body}
		if _, err := d.Peek(&c); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Edit(dst, c, dialect.Edit{Model: "other"}); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
