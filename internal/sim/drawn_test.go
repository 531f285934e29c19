package sim_test

import (
	"encoding/base64"
	"image"
	"strings"
	"testing"

	"weir/internal/sim"
)

// TestDrawn asks for images where Gemini and Bedrock are spoken.
func TestDrawn(t *testing.T) {
	r := start(t, &sim.Provider{})
	const (
		gemini    = "/v1beta/models/" + sim.GeminiImageModel + ":generateContent"
		imagen    = "/v1beta/models/" + sim.ImagenModel + ":predict"
		nova      = "/model/" + sim.NovaImageModel + "/invoke"
		stability = "/model/" + sim.StabilityImageModel + "/invoke"
	)
	ask := func(text, config string) string {
		return `{"contents":[{"role":"user","parts":[` + text + `]}],"generationConfig":{"responseModalities":["IMAGE"]` + config + `}}`
	}
	got := r.ok(gemini, ask(`{"text":"a cat"}`, `,"imageConfig":{"aspectRatio":"16:9","imageSize":"2K"}`))
	data, _ := at(got, "candidates", 0, "content", "parts", 0, "inlineData", "data").(string)
	if format, size := picture(t, data); format != "png" || size != (image.Point{X: 2048, Y: 1152}) || at(got, "usageMetadata", "candidatesTokenCount") != 250.0 {
		t.Errorf("%s of %v, %v", format, size, got["usageMetadata"])
	}
	got = r.ok(gemini, ask(`{"text":"a hat"},{"inlineData":{"mimeType":"image/png","data":"`+data+`"}}`, ""))
	if at(got, "usageMetadata", "promptTokenCount") != 252.0 || at(got, "candidates", 0, "finishReason") != "STOP" {
		t.Errorf("%v", got)
	}
	if got = r.ok(gemini, ask(`{"text":"`+sim.Withheld+`"}`, "")); at(got, "candidates", 0, "finishReason") != "IMAGE_SAFETY" {
		t.Errorf("%v", got)
	}
	got = r.ok(imagen, `{"instances":[{"prompt":"a cat"}],"parameters":{"sampleCount":2,"aspectRatio":"3:4","outputOptions":{"mimeType":"image/jpeg","compressionQuality":80}}}`)
	if format, size := picture(t, at(got, "predictions", 1, "bytesBase64Encoded")); format != "jpeg" || size != (image.Point{X: 768, Y: 1024}) {
		t.Errorf("%s of %v", format, size)
	}
	if got = r.ok(imagen, `{"instances":[{"prompt":"`+sim.Withheld+`"}],"parameters":{"includeRaiReason":true}}`); at(got, "predictions", 0, "raiFilteredReason") == nil {
		t.Errorf("%v", got)
	}
	got = r.ok(nova, `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a cat"},"imageGenerationConfig":{"numberOfImages":2,"width":512,"height":320,"quality":"premium","seed":7,"cfgScale":6.5}}`)
	if format, size := picture(t, at(got, "images", 1)); format != "png" || size != (image.Point{X: 512, Y: 320}) {
		t.Errorf("%s of %v", format, size)
	}
	r.ok(nova, `{"taskType":"INPAINTING","inPaintingParams":{"text":"a hat","image":"`+data+`","maskImage":"`+data+`"}}`)
	r.ok(nova, `{"taskType":"IMAGE_VARIATION","imageVariationParams":{"images":["`+data+`"],"similarityStrength":0.8}}`)
	if got = r.ok(nova, `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"`+sim.Withheld+`"}}`); at(got, "error") == nil {
		t.Errorf("%v", got)
	}
	got = r.ok(stability, `{"prompt":"a cat","aspect_ratio":"3:2","output_format":"jpeg"}`)
	if format, _ := picture(t, at(got, "images", 0)); format != "jpeg" || at(got, "finish_reasons", 0) != nil {
		t.Errorf("%v", got["finish_reasons"])
	}
	r.ok(stability, `{"prompt":"a hat","mode":"image-to-image","strength":0.5,"image":"`+data+`"}`)
	if got = r.ok(stability, `{"prompt":"`+sim.Withheld+`"}`); at(got, "finish_reasons", 0) != "Filter reason: prompt" {
		t.Errorf("%v", got)
	}
	bad := base64.StdEncoding.EncodeToString([]byte("no image"))
	for _, c := range []struct{ path, body, says string }{
		{gemini, ask(`{"text":"a"}`, `,"imageConfig":{"aspectRatio":"7:1"}`), "is not supported"},
		{gemini, ask(`{"text":"a"}`, `,"imageConfig":{"x":1}`), "Cannot find field"},
		{gemini, ask(`{"text":"a"}`, `,"candidateCount":2`), "Multiple candidates"},
		{gemini, ask(``, ``), "contents is not specified"},
		{gemini, ask(`{"text":"a"},{"inlineData":{"mimeType":"image/png","data":"`+bad+`"}}`, ``), "Unable to process input image"},
		{"/v1beta/models/sim-1:generateContent", ask(`{"text":"a"}`, ``), "response modalities"},
		{imagen, `{"instances":[{"prompt":"a"},{"prompt":"b"}]}`, "must be 1"},
		{imagen, `{"instances":[{"prompt":"a"}],"parameters":{"sampleCount":5}}`, "sampleCount"},
		{imagen, `{"instances":[{"prompt":"a"}],"parameters":{"seed":5}}`, "seed"},
		{imagen, `{"instances":[{"prompt":"a","referenceImages":[]}]}`, "not supported"},
		{"/v1beta/models/sim-1:predict", `{"instances":[{"prompt":"a"}]}`, "is not found"},
		{nova, `{"taskType":"X"}`, "enum"},
		{nova, `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a","x":1}}`, "extraneous key [x]"},
		{nova, `{"taskType":"TEXT_IMAGE","textToImageParams":{}}`, "required key [text]"},
		{nova, `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"` + strings.Repeat("a", 1025) + `"}}`, "maxLength"},
		{nova, `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a"},"imageGenerationConfig":{"width":1000}}`, "width"},
		{nova, `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a"},"imageGenerationConfig":{"width":4096,"height":4096}}`, "pixels"},
		{nova, `{"taskType":"INPAINTING","inPaintingParams":{"image":"` + data + `"}}`, "mask"},
		{nova, `{"taskType":"IMAGE_VARIATION","imageVariationParams":{"images":["` + bad + `"]}}`, "decode"},
		{stability, `{"prompt":"a","image":"` + data + `"}`, "#/image"},
		{stability, `{"prompt":"a","x":1}`, "extraneous"},
		{stability, `{}`, "required key [prompt]"},
		{"/model/sim-1/invoke", `{"prompt":"a"}`, "identifier is invalid"},
	} {
		if res, text, _ := r.do(c.path, c.body); res.StatusCode/100 != 4 || !strings.Contains(text, c.says) {
			t.Errorf("%s %.100s: %d %s, want %q", c.path, c.body, res.StatusCode, text, c.says)
		}
	}
}
