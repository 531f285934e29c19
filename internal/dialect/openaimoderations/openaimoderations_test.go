package openaimoderations

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/llm"
)

var named = dialecttest.Named{
	Dialect: New(), Optional: true,
	Body: `{"input": [{"type":"text","text":"\u0022model"}, {"type":"image_url","image_url":{"url":"data:"}}],  "model":"the-model" , "n": 1e400}`,
}

func TestFace(t *testing.T) { named.Face(t) }
func FuzzPeek(f *testing.F) { named.Fuzz(f) }

func TestPassedOnly(t *testing.T) {
	if New().Name() != llm.OpenAIModerations || New().Codec() != nil {
		t.Error("it has another name, or a full face")
	}
}

func TestReadFault(t *testing.T) {
	f := New().ReadFault(404, nil, []byte(`{"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}`))
	if f.Kind != fault.NotFound || f.Param != "model" || f.Code != "model_not_found" {
		t.Errorf("%+v", f)
	}
}

func TestMeter(t *testing.T) {
	for body, want := range map[string]*llm.Usage{
		`{"id":"modr-1","model":"m","results":[{"flagged":false,"categories":{"hate":false},"category_scores":{"hate":1e-5}}]}`: nil,
		`{"usage":{"prompt_tokens":5,"completion_tokens":0,"total_tokens":5},"results":[],"model":"m","id":"modr-1"}`: {
			Said: llm.SaidInput | llm.SaidOutput | llm.SaidTotal, Input: 5, Total: 5,
		},
		`{"id":"modr-1","model":"m","usage":null}`: nil,
	} {
		m := New().Meter()
		m.Body([]byte(body))
		got := m.Read()
		if diff := cmp.Diff(want, got.Usage); diff != "" || got.Model != "m" || got.ID != "modr-1" || !got.Began || !got.Ended || got.Fault != nil {
			t.Errorf("%s: %+v\n%s", body, got, diff)
		}
	}
}
