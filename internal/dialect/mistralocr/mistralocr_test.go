package mistralocr

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func TestPeekAndEdit(t *testing.T) {
	c := dialect.Call{Path: Path, Body: []byte(`{"model": "reader", "document": {"type":"document_url","document_url":"https://example.org/a.pdf","model":"x"}, "pages":[0, 1]}`)}
	h, err := New().Peek(&c)
	if err != nil || h != (llm.Head{Model: "reader"}) {
		t.Fatal(h, err)
	}
	out, err := New().Edit(nil, c, dialect.Edit{Model: "mistral-ocr-latest"})
	if want := strings.Replace(string(c.Body), `"reader"`, `"mistral-ocr-latest"`, 1); err != nil || string(out.Body) != want {
		t.Errorf("%s %v", out.Body, err)
	}
	for name, test := range map[string]struct{ body, param string }{
		"no model":         {`{"document":{}}`, "model"},
		"an empty model":   {`{"model":""}`, "model"},
		"a wrong model":    {`{"model":["m"]}`, "model"},
		"two models":       {`{"model":"a","model":"b"}`, "model"},
		"another spelling": {`{"MODEL":"a"}`, "model"},
		"no JSON":          {`{"model":"a"`, ""},
		"nothing":          {``, ""},
		"a list":           {`[]`, ""},
		"too deep":         {`{"model":"a","document":` + strings.Repeat(`{"a":`, 100_000) + `1` + strings.Repeat(`}`, 100_001), ""},
	} {
		_, err := New().Peek(&dialect.Call{Path: Path, Body: []byte(test.body)})
		if f := fault.Of(err); f == nil || f.Kind != fault.Malformed || f.Param != test.param {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMeter(t *testing.T) {
	image := `"image_base64":"` + strings.Repeat("A", 40_000) + `"`
	tests := []struct {
		name, body       string
		pages, annotated int64
		said             llm.Fields
	}{
		{"pages", `{"pages":[{"index":0,"markdown":"a"}],"model":"m","document_annotation":null,"usage_info":{"pages_processed":3,"doc_size_bytes":1}}`, 3, 0, llm.SaidPages},
		{"usage first", `{"usage_info" : {"pages_processed":3},"model":"m","pages":[{"images":[{` + image + `}]}]}`, 3, 0, llm.SaidPages},
		{"much between", `{"pages":[{"images":[{` + image + `}]}],"model":"m","usage_info":{"pages_processed":9}}`, 9, 0, llm.SaidPages},
		{"a text that looks like usage", `{"pages":[{"markdown":"\"usage_info\":{\"pages_processed\":77}"}],"model":"m","usage_info":{"pages_processed":2}}`, 2, 0, llm.SaidPages},
		{"an annotated document", `{"pages":[],"model":"m","document_annotation":"{}","usage_info":{"pages_processed":2}}`, 2, 2, llm.SaidPages | llm.SaidAnnotatedPages},
		{
			"an annotated image", `{"pages":[{"images":[{"image_annotation":null},{"image_annotation" : "{}"}]}],"model":"m","usage_info":{"pages_processed":2}}`,
			2, 2, llm.SaidPages | llm.SaidAnnotatedPages,
		},
		{"a text that looks like an annotation", `{"pages":[{"markdown":"\"image_annotation\":1"}],"model":"m","usage_info":{"pages_processed":2}}`, 2, 0, llm.SaidPages},
		{"no usage", `{"pages":[],"model":"m"}`, 0, 0, 0},
		{"usage that is none", `{"pages":[],"model":"m","usage_info":{"pages_processed":-1}}`, 0, 0, 0},
	}
	for _, test := range tests {
		if err := rawjson.Check([]byte(test.body)); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		m := New().Meter()
		m.Body([]byte(test.body))
		r := m.Read()
		u := r.Usage
		if test.said == 0 {
			if u != nil {
				t.Errorf("%s: %+v", test.name, u)
			}
			continue
		}
		if u == nil || u.Said != test.said || u.Pages != test.pages || u.AnnotatedPages != test.annotated || r.Model != "m" || !r.Ended {
			t.Errorf("%s: %+v %+v", test.name, r, u)
		}
	}
}

func TestFaults(t *testing.T) {
	f := New().ReadFault(422, http.Header{}, []byte(`{"detail":[{"type":"missing","loc":["body","document"],"msg":"Field required"}]}`))
	if f.Kind != fault.Malformed || !strings.Contains(f.Message, "Field required") || f.Origin != fault.There {
		t.Errorf("%+v", f)
	}
	f = New().ReadFault(429, http.Header{}, []byte(`{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}`))
	if f.Kind != fault.RateLimit || f.Message != "Rate limit exceeded" {
		t.Errorf("%+v", f)
	}
	if got := string(New().Fault(nil, fault.New(fault.NotFound, "no"), dialect.Whole)); !strings.HasPrefix(got, `{"error":{"message":"no"`) {
		t.Error(got)
	}
}

func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"model":"a","document":{"document_url":"u"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := dialect.Call{Path: Path, Body: body}
		h, err := New().Peek(&c)
		if err != nil {
			return
		}
		out, err := New().Edit(nil, c, dialect.Edit{Model: "other"})
		if err != nil || h.Model == "" {
			t.Fatal(h, err)
		}
		if again, err := New().Peek(&out); err != nil || again.Model != "other" {
			t.Fatalf("%q: %v", out.Body, err)
		}
	})
}

func FuzzMeter(f *testing.F) {
	f.Add([]byte(`{"pages":[{"images":[{"image_annotation":"x"}]}],"model":"m","usage_info":{"pages_processed":3}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m := New().Meter()
		m.Body(body)
		if u := m.Read().Usage; u != nil && (u.Pages < 0 || u.AnnotatedPages > u.Pages) {
			t.Fatalf("%+v", u)
		}
		_ = New().ReadFault(400, nil, body)
	})
}
