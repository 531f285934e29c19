package geminiembeddings

import (
	"errors"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
)

func TestPeekAndEdit(t *testing.T) {
	tests := []struct{ path, body, wantPath, want string }{
		{
			"/v1beta/models/a:embedContent", `{ "model" : "models/a", "content":{"parts":[{"text":"models/a"}]}, "x": 1e400 }`,
			"/v1beta/models/b%2Fc:embedContent", `{ "model" : "models/b/c", "content":{"parts":[{"text":"models/a"}]}, "x": 1e400 }`,
		},
		{
			"/v1beta/models/a%3AbatchEmbedContents", `{"requests": [ {"model":"models/a"}, {"model":"a","y":{"model":"a"}} ,{} ], "z":[]}`,
			"/v1beta/models/b%2Fc%3AbatchEmbedContents", `{"requests": [ {"model":"models/b/c"}, {"model":"b/c","y":{"model":"a"}} ,{} ], "z":[]}`,
		},
		{"/v1/projects/models/locations/x/publishers/google/models/a:embedContent", `{}`, "/v1/projects/models/locations/x/publishers/google/models/b%2Fc:embedContent", `{}`},
	}
	for _, test := range tests {
		call := dialect.Call{Path: test.path, Body: []byte(test.body)}
		head, err := New().Peek(&call)
		if err != nil || head.Model != "a" {
			t.Fatalf("%s: %+v %v", test.path, head, err)
		}
		same, err := New().Edit([]byte("before"), call, dialect.Edit{})
		if err != nil || string(same.Body) != test.body || same.Path != test.path {
			t.Errorf("%s %s: %v", same.Path, same.Body, err)
		}
		got, err := New().Edit([]byte("before"), call, dialect.Edit{Model: "b/c"})
		if err != nil || string(got.Body) != test.want || got.Path != test.wantPath || string(call.Body) != test.body {
			t.Errorf("%s %s: %v\nwant %s %s", got.Path, got.Body, err, test.wantPath, test.want)
		}
	}
}

func TestPeekRefuses(t *testing.T) {
	for _, test := range []struct{ path, body, param string }{
		{"/v1beta/models/a:embedContent", `{"model":"models/b"}`, "model"},
		{"/v1beta/models/a:embedContent", `{"model":"a","Model":"b"}`, "model"},
		{"/v1beta/models/a:batchEmbedContents", `{"requests":[{"model":"a"},{"model":"b"}]}`, "requests[1].model"},
		{"/v1beta/models/a:batchEmbedContents", `{"requests":[{"model":"a","model":"b"}]}`, "requests[0]"},
		{"/v1beta/models/a:batchEmbedContents", `{"requests":["a"]}`, "requests[0]"},
		{"/v1beta/models/:embedContent", `{}`, "model"},
		{"/v1beta/models/a:other", `{}`, "model"},
	} {
		call := dialect.Call{Path: test.path, Body: []byte(test.body)}
		_, err := New().Peek(&call)
		var f *fault.Fault
		if !errors.As(err, &f) || f.Kind != fault.Malformed || f.Param != test.param {
			t.Errorf("%s %s: %v", test.path, test.body, err)
		}
	}
}

func FuzzEdit(f *testing.F) {
	f.Add([]byte(`{"requests":[{"model":"models/a","content":{}} , {"content":{"parts":[{"text":"b"}]}}]}`))
	f.Add([]byte(`{"model":"a","content":{"parts":{"text":"b"}},"embedContentConfig":{"taskType":3}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, action := range [...]string{one, batch} {
			call := dialect.Call{Path: root + "a:" + action, Body: body}
			if _, err := New().Peek(&call); err != nil {
				continue
			}
			got, err := New().Edit(nil, call, dialect.Edit{Model: "target"})
			if err != nil {
				t.Fatal(err)
			}
			if head, err := New().Peek(&got); err != nil || head.Model != "target" || !strings.HasSuffix(got.Path, "target:"+action) {
				t.Errorf("%q became %q: %v", body, got.Body, err)
			}
			_, _ = New().(dialect.Embedder).DecodeEmbed(call) // it must not panic
		}
		New().Meter().Body(body)
		_, _ = New().(dialect.Embedder).DecodeEmbedding(body)
	})
}
