package tokenize_test

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/openaichat"
	"weir/internal/dialect/tokenize"
	"weir/internal/fault"
	"weir/internal/llm"
)

func TestPeekAndEdit(t *testing.T) {
	d := tokenize.New(openaichat.New())
	for _, test := range []struct{ path, body, model, want string }{
		{tokenize.Path, `{"model": "a", "prompt": "hello", "add_special_tokens": true}`, "a", `{"model": "b", "prompt": "hello", "add_special_tokens": true}`},
		{tokenize.DePath, `{"tokens":[1,2],"model":"a"}`, "a", `{"tokens":[1,2],"model":"b"}`},
		{tokenize.Path, `{"content":"hello"}`, "", ""},
		{tokenize.Path, `{"model":null,"inputs":"hello"}`, "", ""},
	} {
		c := dialect.Call{Path: test.path, Body: []byte(test.body)}
		h, err := d.Peek(&c)
		if err != nil || h != (llm.Head{Model: test.model}) {
			t.Fatalf("%s: %+v %v", test.body, h, err)
		}
		if test.model == "" {
			continue
		}
		if out, err := d.Edit(nil, c, dialect.Edit{Model: "b"}); err != nil || string(out.Body) != test.want || out.Path != test.path {
			t.Errorf("%s %s %v", out.Path, out.Body, err)
		}
	}
	for name, test := range map[string]struct{ body, param string }{
		"an empty model": {`{"model":""}`, "model"},
		"a wrong model":  {`{"model":{}}`, "model"},
		"two models":     {`{"model":"a","prompt":"x","model":"a"}`, "model"},
		"escaped":        {`{"mod\u0065l":"a"}`, ""},
		"no JSON":        {`model=a`, ""},
		"nothing":        {``, ""},
		"a text":         {`"a"`, ""},
		"too deep":       {`{"model":"a","prompt":` + strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000) + `}`, ""},
	} {
		_, err := d.Peek(&dialect.Call{Path: tokenize.Path, Body: []byte(test.body)})
		if f := fault.Of(err); f == nil || f.Kind != fault.Malformed || f.Param != test.param {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	d := tokenize.New(openaichat.New())
	m := d.Meter()
	m.Body([]byte(`{"count":2,"max_model_len":99,"tokens":[1,2],"token_strs":null}`))
	if r := m.Read(); r.Usage != nil || !r.Began || !r.Ended {
		t.Errorf("%+v", r)
	}
	f := d.ReadFault(404, http.Header{}, []byte(`{"error":{"message":"The model does not exist.","type":"NotFoundError","param":"model","code":404}}`))
	if f.Kind != fault.NotFound || f.Message != "The model does not exist." {
		t.Errorf("%+v", f)
	}
	if got := string(d.Fault(nil, fault.New(fault.Malformed, "no"), dialect.Whole)); !strings.HasPrefix(got, `{"error":{"message":"no"`) {
		t.Error(got)
	}
}

func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"model":"a","messages":[{"role":"user","content":"hello"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := tokenize.New(openaichat.New())
		c := dialect.Call{Path: tokenize.Path, Body: body}
		if _, err := d.Peek(&c); err != nil {
			return
		}
		out, err := d.Edit(nil, c, dialect.Edit{Model: "other"})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := d.Peek(&out); err != nil || again.Model != "other" {
			t.Fatalf("%q: %v", out.Body, err)
		}
	})
}
