package dialecttest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/bedrockimages"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/geminiimages"
	"weir/internal/dialect/openaiimages"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// dot is an image of one point.
const dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

// asked are requests for images as clients make them, in each dialect.
var asked = []struct {
	name       string
	d          dialect.Dialect
	path, body string
}{
	{"OpenAI", openaiimages.New(), openaiimages.Generations, `{"model":"m","prompt":"a cat","n":3,"size":"1536x1024","quality":"high","style":"vivid","background":"transparent","output_format":"webp","output_compression":50,"moderation":"low","user":"u","response_format":"url","x":1}`},
	{"OpenAI, others' members", openaiimages.New(), openaiimages.Generations, `{"model":"m","prompt":"a cat","aspect_ratio":"16:9","resolution":"2k","seed":7,"negative_prompt":"dogs","guidance_scale":3.5,"output_format":"jpeg","output_compression":50}`},
	{"OpenAI, plain", openaiimages.New(), openaiimages.Generations, `{"model":"m","prompt":"a cat","size":"1024x1024","quality":"auto","background":"opaque","output_format":"png","moderation":"auto"}`},
	{"OpenAI, edit", openaiimages.New(), openaiimages.Edits, `{"model":"m","prompt":"a hat","images":[{"image_url":"data:image/png;base64,` + dot + `"}],"input_fidelity":"high","quality":"medium"}`},
	{"OpenAI, two images", openaiimages.New(), openaiimages.Edits, `{"model":"m","prompt":"both","images":[{"image_url":"data:image/png;base64,` + dot + `"},{"image_url":"data:image/png;base64,` + dot + `","x":1}]}`},
	{"OpenAI, mask", openaiimages.New(), openaiimages.Edits, `{"model":"m","prompt":"a hat","images":[{"image_url":"data:image/png;base64,` + dot + `"}],"mask":{"image_url":"data:image/png;base64,` + dot + `"},"size":"512x512"}`},
	{"OpenAI, variation", openaiimages.New(), openaiimages.Variations, `{"model":"m","image":"data:image/png;base64,` + dot + `","n":2}`},
	{"Imagen", geminiimages.New(), "/v1beta/models/m:predict", `{"instances":[{"prompt":"a cat"}],"parameters":{"sampleCount":4,"aspectRatio":"3:4","sampleImageSize":"2K","negativePrompt":"dogs","seed":7,"guidanceScale":9,"outputOptions":{"mimeType":"image/jpeg","compressionQuality":75},"personGeneration":"dont_allow"}}`},
	{"Imagen, mask", geminiimages.New(), "/v1beta/models/m:predict", `{"instances":[{"prompt":"a hat","referenceImages":[{"referenceType":"REFERENCE_TYPE_RAW","referenceId":1,"referenceImage":{"bytesBase64Encoded":"` + dot + `"}},{"referenceType":"REFERENCE_TYPE_MASK","referenceId":2,"referenceImage":{"bytesBase64Encoded":"` + dot + `"},"maskImageConfig":{"maskMode":"MASK_MODE_USER_PROVIDED"}}]}],"parameters":{"editMode":"EDIT_MODE_INPAINT_INSERTION"}}`},
	{"Nova", bedrockimages.New(), "/model/amazon.nova-canvas-v1:0/invoke", `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a cat","negativeText":"dogs","style":"3D"},"imageGenerationConfig":{"numberOfImages":5,"width":1280,"height":720,"quality":"premium","cfgScale":7.5,"seed":12}}`},
	{"Nova, variation", bedrockimages.New(), "/model/amazon.nova-canvas-v1:0/invoke", `{"taskType":"IMAGE_VARIATION","imageVariationParams":{"text":"a hat","images":["` + dot + `"],"similarityStrength":0.7}}`},
	{"Nova, mask", bedrockimages.New(), "/model/amazon.nova-canvas-v1:0/invoke", `{"taskType":"INPAINTING","inPaintingParams":{"text":"a hat","image":"` + dot + `","maskImage":"` + dot + `"}}`},
	{"Stability", bedrockimages.New(), "/model/stability.sd3-5-large-v1:0/invoke", `{"prompt":"a cat","negative_prompt":"dogs","aspect_ratio":"21:9","seed":7,"output_format":"jpeg","style_preset":"anime"}`},
	{"Stability, edit", bedrockimages.New(), "/model/stability.sd3-5-large-v1:0/invoke", `{"prompt":"a hat","image":"` + dot + `","mode":"image-to-image","strength":0.5}`},
}

// asking are models that images are asked of.
var asking = []struct {
	d               dialect.Dialect
	provider, model string
}{
	{openaiimages.New(), "openai", "gpt-image-1"},
	{openaiimages.New(), "openai", "gpt-image-2"},
	{openaiimages.New(), "openai", "dall-e-3"},
	{openaiimages.New(), "openai", "dall-e-2"},
	{openaiimages.New(), "azure", "drawing"},
	{openaiimages.New(), "xai", "grok-imagine-image"},
	{openaiimages.New(), "xai", "grok-2-image"},
	{openaiimages.New(), "together", "black-forest-labs/FLUX.1-schnell"},
	{openaiimages.New(), "", "m"},
	{geminiimages.New(), "gemini", "gemini-2.5-flash-image"},
	{geminiimages.New(), "gemini", "gemini-3-pro-image-preview"},
	{geminiimages.New(), "gemini", "gemini-2.0-flash-exp-image-generation"},
	{geminiimages.New(), "gemini", "imagen-4.0-generate-001"},
	{geminiimages.New(), "vertex", "imagen-3.0-capability-001"},
	{bedrockimages.New(), "bedrock", "amazon.titan-image-generator-v2:0"},
	{bedrockimages.New(), "bedrock", "us.amazon.nova-canvas-v1:0"},
	{bedrockimages.New(), "bedrock", "stability.stable-image-ultra-v1:1"},
	{bedrockimages.New(), "bedrock", "stability.sd3-5-large-v1:0"},
	{bedrockimages.New(), "bedrock", "stability.stable-image-inpaint-v1:0"},
}

// TestImagesCarried asks every model for images in every dialect: what a request says arrives, or a loss names it, or it is
// refused with the place at fault. What is written the target's dialect reads.
func TestImagesCarried(t *testing.T) {
	carried := 0
	for _, from := range asked {
		call := dialect.Call{Path: from.path, Body: []byte(from.body), Header: http.Header{}}
		if _, err := from.d.Peek(&call); err != nil {
			t.Fatalf("%s: %v", from.name, err)
		}
		q, err := from.d.(dialect.Imager).DecodeImage(call)
		if err != nil {
			t.Fatalf("%s: %v", from.name, err)
		}
		before := *q
		for _, to := range asking {
			name := from.name + " by " + to.model
			up := to.d.(dialect.Imager)
			facts := llm.Facts{Provider: to.provider, Model: to.model}
			part := *q
			part.Count = min(q.Count, up.Makes(q, facts)) // as the engine asks
			out, losses, err := up.EncodeImage(&part, facts)
			if err != nil {
				dialecttest.Refusal(t, name, err)
				continue
			}
			carried++
			for i := range losses {
				if l := &losses[i]; l.Path == "" || l.Why == "" || l.Grade < llm.Filled || strings.Contains(l.Path, "..") {
					t.Errorf("%s: a loss %+v", name, *l)
				}
			}
			if out.Header == nil && rawjson.Check(out.Body) != nil {
				t.Errorf("%s: %s", name, out.Body)
			}
			if out.Header == nil {
				out.Header = http.Header{}
			}
			if h, err := to.d.Peek(&out); err != nil || h.Model != to.model {
				t.Errorf("%s: %+v %v", name, h, err)
			}
			back, err := up.DecodeImage(out)
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, out.Body)
				continue
			}
			if missing := dialecttest.ImageCarried(&part, back, losses); missing != nil {
				t.Errorf("%s: %q do not arrive and are not named: %+v\n%.600s", name, missing, losses, out.Body)
			}
			if diff := dialecttest.Same(&before, q); diff != "" {
				t.Fatalf("%s: the request was changed: %s", name, diff)
			}
		}
	}
	if carried < 140 {
		t.Errorf("only %d requests were carried", carried)
	}
	t.Logf("%d of %d", carried, len(asked)*len(asking))
}

// TestImagesAnswered carries answers between the dialects.
func TestImagesAnswered(t *testing.T) {
	for _, from := range []struct {
		name string
		d    dialect.Dialect
		body string
		lost map[string]string // by the client's dialect
	}{
		{
			"OpenAI", openaiimages.New(), `{"created":5,"background":"opaque","output_format":"png","quality":"low","size":"1x1","data":[{"b64_json":"` + dot + `","revised_prompt":"one cat"}],"usage":{"input_tokens":7,"output_tokens":9,"total_tokens":16,"input_tokens_details":{"text_tokens":7,"image_tokens":0}},"x":1}`,
			map[string]string{"gemini-images": "answer.background answer.created answer.quality answer.usage answer.x", "bedrock-images": "answer.background answer.created answer.images.revised_prompt answer.quality answer.usage answer.x"},
		},
		{
			"Imagen", geminiimages.New(), `{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"` + dot + `","prompt":"one cat","safetyAttributes":{"scores":[1]}},{"raiFilteredReason":"no"}]}`,
			map[string]string{"openai-images": "answer.images answer.images.safetyAttributes", "bedrock-images": "answer.images.revised_prompt answer.images.safetyAttributes"},
		},
		{
			"Gemini", geminiimages.New(), `{"candidates":[{"content":{"role":"model","parts":[{"thought":true,"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"text":"Here it is."},{"inlineData":{"mimeType":"image/png","data":"` + dot + `"},"thoughtSignature":"abcd"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1120,"thoughtsTokenCount":100,"totalTokenCount":1225,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1120}]},"responseId":"r","modelVersion":"m"}`,
			map[string]string{"openai-images": "answer.reasoning answer.text answer.usage.reasoning", "gemini-images": "answer.id answer.model answer.reasoning answer.text answer.usage", "bedrock-images": "answer.id answer.model answer.reasoning answer.text answer.usage"},
		},
		{
			"Nova", bedrockimages.New(), `{"images":["` + dot + `"],"error":"one was withheld"}`,
			map[string]string{"openai-images": "answer.images", "gemini-images": ""},
		},
		{
			"Stability", bedrockimages.New(), `{"images":["` + dot + `"],"seeds":[7],"finish_reasons":[null]}`,
			map[string]string{"openai-images": "answer.seeds", "gemini-images": "answer.seeds"},
		},
	} {
		m := from.d.Meter()
		m.Body([]byte(from.body))
		if r := m.Read(); !r.Began || !r.Ended || r.Made.Images != 1 || r.Fault != nil {
			t.Errorf("%s: metered as %+v", from.name, r)
		}
		a, err := from.d.(dialect.Imager).DecodeImages([]byte(from.body))
		if err != nil || len(a.Images) != 1 || a.Images[0].Data != dot {
			t.Errorf("%s: %+v %v", from.name, a, err)
			continue
		}
		for _, to := range asked {
			call := dialect.Call{Path: to.path, Body: []byte(to.body), Header: http.Header{}}
			q, err := to.d.(dialect.Imager).DecodeImage(call)
			if err != nil {
				t.Fatal(err)
			}
			want, ok := from.lost[string(to.d.Name())]
			if !ok || to.name == "Stability" || to.name == "Stability, edit" {
				continue
			}
			out, losses, err := to.d.(dialect.Imager).EncodeImages(q, a)
			if err != nil || rawjson.Check(out) != nil {
				t.Errorf("%s for %s: %v %s", from.name, to.name, err, out)
				continue
			}
			var lost []string
			for i := range losses {
				lost = append(lost, losses[i].Path)
			}
			slices.Sort(lost)
			if got := strings.Join(lost, " "); got != want {
				t.Errorf("%s for %s: lost %q, want %q", from.name, to.name, got, want)
			}
			back, err := to.d.(dialect.Imager).DecodeImages(out)
			if err != nil || len(back.Images) != 1 || back.Images[0].Data != dot {
				t.Errorf("%s for %s: read again as %+v %v", from.name, to.name, back, err)
			}
		}
	}
}
