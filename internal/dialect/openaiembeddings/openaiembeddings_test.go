package openaiembeddings

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

func TestPeekAndEdit(t *testing.T) {
	body := `{"input": ["a", 1e400],  "model": "small" , "dimensions":256}`
	call := dialect.Call{Body: []byte(body)}
	head, err := New().Peek(&call)
	if err != nil || head != (llm.Head{Model: "small"}) {
		t.Fatalf("Peek: %+v, %v", head, err)
	}
	for model, want := range map[string]string{
		"":        body,
		"big\"er": strings.Replace(body, `"small"`, `"big\"er"`, 1),
	} {
		got, err := New().Edit(nil, call, dialect.Edit{Model: model, MaxOutput: 5, WantUsage: true})
		if err != nil || string(got.Body) != want {
			t.Errorf("Edit(%q): %s, %v; want %s", model, got.Body, err, want)
		}
	}
	if string(call.Body) != body {
		t.Error("the body was changed in place")
	}
}

func TestPeekRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`{"input":"a"}`:                         "model",
		`{"model":7,"input":"a"}`:               "model",
		`{"model":"","input":"a"}`:              "model",
		`{"model":"a","model":"b"}`:             "model",
		`{"model":"a","Model":"b"}`:             "model",
		`{"model":"a","input":[1,2}`:            "",
		`["model"]`:                             "",
		"":                                      "",
		`{"mode\u006c":"a","input":"elsewhere"`: "",
	} {
		call := dialect.Call{Body: []byte(body)}
		_, err := New().Peek(&call)
		var f *fault.Fault
		if !errors.As(err, &f) || f.Kind != fault.Malformed || f.Param != param {
			t.Errorf("%s: %v (param %q), want Malformed of %q", body, err, f.Param, param)
		}
	}
}

func TestMeter(t *testing.T) {
	numbers := "[" + strings.Repeat("0.0123456789,", 2_000) + "1]"
	tests := []struct {
		name, body string
		model      string
		usage      *llm.Usage
	}{
		{
			"usage last", `{"object":"list","data":[{"embedding":` + numbers + `}],"model":"m","usage":{"prompt_tokens":8,"total_tokens":8}}`,
			"m", &llm.Usage{Said: llm.SaidInput | llm.SaidTotal, Input: 8, Total: 8},
		},
		{
			"usage first", `{"usage" : {"prompt_tokens":9,"total_tokens":9}, "model":"m","data":[` + numbers + `]}`,
			"m", &llm.Usage{Said: llm.SaidInput | llm.SaidTotal, Input: 9, Total: 9},
		},
		{
			"usage in the middle", `{"a":` + numbers + `,"usage":{"prompt_tokens":7},"b":` + numbers + `}`,
			"", &llm.Usage{Said: llm.SaidInput, Input: 7},
		},
		{
			"a total only, and a price", `{"data":[],"model":"m","usage":{"total_tokens":6,"cost":0.25}}`,
			"m", &llm.Usage{Said: llm.SaidInput | llm.SaidTotal, Input: 6, Total: 6, Cost: "0.25"},
		},
		{"none", `{"data":[],"model":"m"}`, "m", nil},
		{"null", `{"data":[],"usage":null}`, "", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := New().Meter()
			m.Body([]byte(test.body))
			got := m.Read()
			if diff := cmp.Diff(test.usage, got.Usage); diff != "" || got.Model != test.model || !got.Began || !got.Ended || got.Fault != nil {
				t.Errorf("%+v\n%s", got, diff)
			}
		})
	}
	m := New().Meter()
	m.Body([]byte(`{"error":{"message":"no","code":"model_not_found"}}`))
	if f := m.Read().Fault; f == nil || f.Kind != fault.NotFound {
		t.Errorf("fault: %v", f)
	}
}

func TestAllocations(t *testing.T) {
	body := []byte(`{"input":"` + strings.Repeat("text ", 2000) + `","model":"small"}`)
	dst := make([]byte, 0, 2*len(body))
	d := New()
	got := testing.AllocsPerRun(100, func() {
		call := dialect.Call{Body: body}
		if _, err := d.Peek(&call); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Edit(dst, call, dialect.Edit{Model: "large"}); err != nil {
			t.Fatal(err)
		}
	})
	if got > 4 {
		t.Errorf("Peek and Edit allocate %v times", got)
	}
}

func TestRecorded(t *testing.T) {
	root := os.Getenv("WEIR_RECORDINGS")
	if root == "" {
		t.Skip("WEIR_RECORDINGS is not set: recorded traffic is not tried")
	}
	files, _ := filepath.Glob(filepath.Join(root, "openai-embeddings", "*.json"))
	if len(files) == 0 {
		t.Fatal("no recordings of embeddings")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r struct {
			Response struct {
				Status int
				Body   string
			}
		}
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		if r.Response.Status >= 400 {
			continue
		}
		var want struct {
			Model string
			Usage struct {
				Prompt int64 `json:"prompt_tokens"`
				Total  int64 `json:"total_tokens"`
			}
		}
		if err := json.Unmarshal([]byte(r.Response.Body), &want); err != nil {
			t.Fatal(err)
		}
		if want.Model == "" {
			continue // the recorder kept the numbers only
		}
		m := New().Meter()
		m.Body([]byte(r.Response.Body))
		got := m.Read()
		if got.Model != want.Model || got.Usage == nil || got.Usage.Input != want.Usage.Prompt || got.Usage.Total != want.Usage.Total {
			t.Errorf("%s: %+v, want %+v", file, got, want)
		}
	}
}

func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"model":"a","input":["b"]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		call := dialect.Call{Body: body}
		if head, err := New().Peek(&call); err == nil {
			edited, err := New().Edit(nil, call, dialect.Edit{Model: "target"})
			if err != nil {
				t.Fatal(err)
			}
			if again, err := New().Peek(&edited); err != nil || again.Model != "target" || head.Model == "" {
				t.Errorf("%q became %q: %v", body, edited.Body, err)
			}
		}
		New().Meter().Body(body)
	})
}
