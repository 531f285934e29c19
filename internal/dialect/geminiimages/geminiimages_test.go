package geminiimages

import (
	"net/http"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/llm"
)

func codec() dialect.Imager { return New().(dialect.Imager) }

const (
	path   = "/v1beta/models/imagen-4.0-generate-001:predict"
	simple = `{"instances":[{"prompt":"a cat"}],"parameters":{"sampleCount":2}}`
)

func TestPeekAndEdit(t *testing.T) {
	for _, c := range []struct{ path, body, model, param string }{
		{path, simple, "imagen-4.0-generate-001", ""},
		{"/v1/projects/p/locations/l/publishers/google/models/m%3Apredict", simple, "m", ""},
		{"/v1beta/models/a%2Fb:predict", simple, "a/b", ""},
		{"/v1beta/models/m:generateContent", `{}`, "m", ""},
		{"/v1beta/models/m:embedContent", `{}`, "", "model"},
		{"/v1beta/models/:predict", `{}`, "", "model"},
		{"/v1beta/models/%00:predict", `{}`, "", "model"},
		{path, `{"parameters":{},"parameters":{}}`, "", "parameters"},
		{path, `{"parameters":{"sampleCount":1,"sampleCount":2}}`, "", "parameters.sampleCount"},
		{path, `{"Parameters":{}}`, "", "parameters"},
		{path, `{`, "", ""},
	} {
		call := dialect.Call{Path: c.path, Body: []byte(c.body)}
		h, err := New().Peek(&call)
		if c.model == "" {
			if f := fault.Of(err); f == nil || f.Kind != fault.Malformed || f.Param != c.param {
				t.Errorf("%s %s: %v", c.path, c.body, err)
			}
			continue
		}
		if err != nil || h.Model != c.model || c.body == simple && h.N != 2 {
			t.Errorf("%s: %+v %v", c.path, h, err)
		}
		out, err := New().Edit([]byte("kept"), call, dialect.Edit{Model: "models/x/y"})
		at, ok := cutPath(out.Path)
		if err != nil || string(out.Body) != c.body || !ok || at.model != "x%2Fy" {
			t.Errorf("%s %s %v", out.Path, out.Body, err)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		call := dialect.Call{Path: path, Body: []byte(simple)}
		_, _ = New().Peek(&call)
	}); n > 3 {
		t.Errorf("a glance costs %v allocations", n)
	}
}

func TestFits(t *testing.T) {
	f := New().(dialect.Fitter)
	for model, want := range map[string]bool{"imagen-4.0-generate-001": true, "imagegeneration@006": true, "gemini-2.5-flash-image": false} {
		if f.Fits(&dialect.Call{Path: path}, llm.Facts{Model: model}) != want {
			t.Errorf("%s: %v", model, !want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`{}`:                            "instances",
		`{"instances":[]}`:              "instances",
		`{"instances":["a"]}`:           "instances[0]",
		`{"instances":[{"prompt":""}]}`: "instances[0].prompt",
		`{"instances":[{"prompt":7}]}`:  "instances[0].prompt",
		`{"instances":[{"prompt":"a"}],"parameters":[]}`:                                                                                             "parameters",
		`{"instances":[{"prompt":"a"}],"parameters":{"aspectRatio":"wide"}}`:                                                                         "parameters.aspectRatio",
		`{"instances":[{"prompt":"a"}],"parameters":{"sampleCount":-1}}`:                                                                             "parameters.sampleCount",
		`{"instances":[{"prompt":"a"}],"parameters":{"sampleCount":"two"}}`:                                                                          "parameters.sampleCount",
		`{"instances":[{"prompt":"a","referenceImages":[{"referenceId":1}]}]}`:                                                                       "instances[0].referenceImages[0]",
		`{"instances":[{"prompt":"a","referenceImages":[{"referenceType":"REFERENCE_TYPE_STYLE","referenceImage":{"bytesBase64Encoded":"AA=="}}]}]}`: "instances[0].referenceImages[0]",
		`{"instances":[{"prompt":"a","referenceImages":[{"referenceType":"REFERENCE_TYPE_MASK","referenceImage":{"bytesBase64Encoded":"AA=="}}]}]}`:  "instances[0].referenceImages",
	} {
		_, err := codec().DecodeImage(dialect.Call{Path: path, Body: []byte(body)})
		if f := fault.Of(err); f == nil || f.Param != param || f.Kind == fault.Internal {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestMeter(t *testing.T) {
	for body, want := range map[string]int64{
		`{"predictions":[{"bytesBase64Encoded":"AA=="},{"raiFilteredReason":"no"},{"gcsUri":"gs://b/a"}]}`:                                                                                 2,
		`{"candidates":[{"content":{"parts":[{"text":"a"},{"inlineData":{"mimeType":"image/png","data":"AA=="}},{"thought":true,"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}]}`: 1,
		`{"candidates":[{"content":{},"finishReason":"IMAGE_SAFETY"}],"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3}}`:                                                         0,
	} {
		m := New().Meter()
		m.Body([]byte(body))
		if r := m.Read(); r.Made.Images != want || r.Began != (want > 0) || !r.Ended || r.Fault != nil {
			t.Errorf("%s: %+v", body, r)
		}
	}
	m := New().Meter()
	m.Body([]byte(`{"error":{"code":500,"message":"no","status":"INTERNAL"}}`))
	if m.Read().Fault == nil {
		t.Error("an error in the body was not seen")
	}
}

func TestFaults(t *testing.T) {
	f := New().ReadFault(http.StatusTooManyRequests, nil, []byte(`{"error":{"code":429,"message":"later","status":"RESOURCE_EXHAUSTED"}}`))
	if f.Kind != fault.RateLimit || f.Message != "later" {
		t.Errorf("%+v", f)
	}
	if got := string(New().Fault(nil, fault.New(fault.NotFound, "no"), dialect.Whole)); got != `{"error":{"code":404,"message":"no","status":"NOT_FOUND"}}` {
		t.Error(got)
	}
}

func FuzzImage(f *testing.F) {
	dialecttest.FuzzImage(f, New(), []string{path, "/v1beta/models/imagen-3.0-capability-001:predict"}, []string{
		simple, `{"instances":[{"prompt":"a","x":1}],"parameters":{"aspectRatio":"16:9","sampleImageSize":"2K","seed":7,"outputOptions":{"mimeType":"image/jpeg","compressionQuality":75,"x":1},"y":{}},"z":[]}`,
		`{"instances":[{"prompt":"a [1]","referenceImages":[{"referenceType":"REFERENCE_TYPE_RAW","referenceId":1,"referenceImage":{"bytesBase64Encoded":"AA=="}},{"referenceType":"REFERENCE_TYPE_MASK","referenceImage":{"bytesBase64Encoded":"AA=="},"maskImageConfig":{"maskMode":"MASK_MODE_USER_PROVIDED"}}]}]}`,
	})
}

func FuzzImages(f *testing.F) {
	dialecttest.FuzzImages(f, New(), &llm.ImageRequest{From: llm.GeminiImages}, `{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"AA==","prompt":"p","x":1},{"raiFilteredReason":"no"}],"y":2}`,
		`{"candidates":[{"content":{"role":"model","parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}},{"text":"t"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1}}`, `{"promptFeedback":{"blockReason":"SAFETY"}}`)
}
