package bedrockimages

import (
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/llm"
)

func codec() dialect.Imager { return New().(dialect.Imager) }

func TestMakes(t *testing.T) {
	for model, want := range map[string]bool{
		"amazon.nova-canvas-v1:0": true, "us.amazon.nova-canvas-v1:0": true, "amazon.titan-image-generator-v2:0": true, "stability.sd3-5-large-v1:0": true,
		"arn:aws:bedrock:us-east-1::foundation-model/stability.stable-image-ultra-v1:1": true, "us.stability.stable-image-inpaint-v1:0": true,
		"stability.stable-image-remove-background-v1:0": false, "stability.stable-diffusion-xl-v1": false, "amazon.titan-embed-image-v1": false, "amazon.nova-pro-v1:0": false,
	} {
		if Makes(model) != want {
			t.Errorf("%s: %v", model, !want)
		}
	}
}

func TestPeek(t *testing.T) {
	c := dialect.Call{Path: "/model/bedrock%2Famazon.nova-canvas-v1%3A0/invoke", Body: []byte(`{"taskType":"TEXT_IMAGE"}`)}
	if h, err := New().Peek(&c); err != nil || h != (llm.Head{Model: "bedrock/amazon.nova-canvas-v1:0"}) {
		t.Errorf("%+v %v", h, err)
	}
	c.Path = "/model/amazon.nova-canvas-v1%3A0/invoke-with-response-stream"
	if _, err := New().Peek(&c); fault.Of(err) == nil || fault.Of(err).Kind != fault.Malformed {
		t.Errorf("a stream: %v", err)
	}
}

func TestFits(t *testing.T) {
	f := New().(dialect.Fitter)
	for _, c := range []struct {
		said, model string
		want        bool
	}{
		{"amazon.nova-canvas-v1:0", "amazon.titan-image-generator-v2:0", true},
		{"amazon.nova-canvas-v1:0", "stability.sd3-5-large-v1:0", false},
		{"stability.stable-image-core-v1:1", "us.amazon.nova-canvas-v1:0", false},
		{"alias", "amazon.nova-canvas-v1:0", true},
	} {
		if f.Fits(&dialect.Call{Path: path(c.said)}, llm.Facts{Model: c.model}) != c.want {
			t.Errorf("%s for %s: %v", c.said, c.model, !c.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ model, body, param string }{
		{"amazon.nova-canvas-v1:0", `{}`, "taskType"},
		{"amazon.nova-canvas-v1:0", `{"taskType":"OUTPAINTING"}`, "taskType"},
		{"amazon.nova-canvas-v1:0", `{"taskType":"TEXT_IMAGE"}`, "textToImageParams.text"},
		{"amazon.nova-canvas-v1:0", `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":7}}`, "textToImageParams.text"},
		{"amazon.nova-canvas-v1:0", `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a","conditionImage":"AA=="}}`, "textToImageParams.conditionImage"},
		{"amazon.nova-canvas-v1:0", `{"taskType":"IMAGE_VARIATION","imageVariationParams":{"text":"a"}}`, "imageVariationParams.images"},
		{"amazon.nova-canvas-v1:0", `{"taskType":"IMAGE_VARIATION","imageVariationParams":{"images":[""]}}`, "imageVariationParams.images[0]"},
		{"amazon.nova-canvas-v1:0", `{"taskType":"INPAINTING","inPaintingParams":{"image":"AA==","maskPrompt":"hat"}}`, "inPaintingParams.maskPrompt"},
		{"amazon.nova-canvas-v1:0", `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a"},"imageGenerationConfig":{"width":512}}`, "imageGenerationConfig.width"},
		{"stability.sd3-5-large-v1:0", `{"negative_prompt":"a"}`, "prompt"},
		{"stability.sd3-5-large-v1:0", `{"prompt":"a","aspect_ratio":"wide"}`, "aspect_ratio"},
		{"stability.stable-image-inpaint-v1:0", `{"prompt":"a","mask":"AA=="}`, "image"},
	} {
		_, err := codec().DecodeImage(dialect.Call{Path: path(c.model), Body: []byte(c.body)})
		if f := fault.Of(err); f == nil || f.Param != c.param || f.Kind == fault.Internal {
			t.Errorf("%s: %v", c.body, err)
		}
	}
}

func TestFitNova(t *testing.T) {
	for _, c := range [][4]int64{
		{1024, 1024, 1024, 1024}, {2048, 2048, 2048, 2048}, {100, 100, 320, 320}, {4096, 1024, 4096, 1024}, {4096, 320, 1280, 320}, {1000, 500, 992, 496}, {8192, 8192, 1968, 1968},
	} {
		if w, h := fitNova(c[0], c[1]); w != c[2] || h != c[3] || w%16 != 0 || w*h > 4_194_304 {
			t.Errorf("%dx%d: %dx%d", c[0], c[1], w, h)
		}
	}
}

func TestAnswers(t *testing.T) {
	for body, why := range map[string]string{
		`{"images":null,"error":"against the policy"}`:                         "against the policy",
		`{"images":[""],"finish_reasons":["Filter reason: prompt"]}`:           "Filter reason: prompt",
		`{"images":["AA=="],"finish_reasons":["Filter reason: output image"]}`: "Filter reason: output image",
	} {
		_, err := codec().DecodeImages([]byte(body))
		if f := fault.Of(err); f == nil || f.Kind != fault.ContentPolicy || f.Message != "the provider made no image: "+why {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, err := codec().DecodeImages([]byte(`{"images":[]}`)); fault.Of(err).Kind != fault.Upstream {
		t.Error(err)
	}
}

func FuzzImage(f *testing.F) {
	dialecttest.FuzzImage(f, New(), []string{path("amazon.nova-canvas-v1:0"), path("amazon.titan-image-generator-v2:0"), path("stability.sd3-5-large-v1:0"), path("stability.stable-image-inpaint-v1:0")}, []string{
		`{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a","negativeText":"b","x":1},"imageGenerationConfig":{"numberOfImages":2,"width":512,"height":512,"quality":"premium","cfgScale":7.5,"seed":1,"y":2},"z":3}`,
		`{"taskType":"IMAGE_VARIATION","imageVariationParams":{"text":"a","images":["AA=="],"similarityStrength":0.7}}`,
		`{"taskType":"INPAINTING","inPaintingParams":{"image":"AA==","maskImage":"AA=="},"imageGenerationConfig":{"width":512,"height":512}}`,
		`{"prompt":"a","negative_prompt":"b","aspect_ratio":"16:9","seed":1,"output_format":"png","style_preset":"x","y":1}`,
		`{"prompt":"a","image":"AA==","mask":"AA==","strength":0.5,"mode":"image-to-image"}`,
	})
}

func FuzzImages(f *testing.F) {
	dialecttest.FuzzImages(f, New(), &llm.ImageRequest{From: llm.BedrockImages}, `{"images":["AA=="],"error":null,"x":1}`, `{"images":["AA==",""],"seeds":[1,2],"finish_reasons":[null,"no"]}`, `{"error":"no"}`)
}
