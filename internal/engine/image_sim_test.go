package engine_test

import (
	"io"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
)

// TestImageFlows sends calls all the way through the gateway to providers that judge them as the real ones do.
func TestImageFlows(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: `version: 1
providers:
  openai-like: { base_url: "http://@SIM@/v1", speaks: [openai-images], api_key: sim }
  gem: { base_url: "http://@SIM@", speaks: [gemini-images], api_key: sim, prices: { gemini-3-image-sim: { input: $2, image_output: $120 }, imagen-4.0-sim: { image: $0.04 } } }
  aws: { base_url: "http://@SIM@", speaks: [bedrock-images], api_key: sim, prices: { amazon.nova-canvas-sim: { image: $0.04, variant=hd/1024x1024 image: $0.06 } } }
models:
  picture: { targets: [{ provider: gem, model: sim-429 }, { provider: aws, model: stability.sd3-sim }] }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`}).Start(t)
	imagen := func(more string) string {
		return `{"instances":[{"prompt":"a cat"}],"parameters":{"sampleCount":1` + more + `}}`
	}
	nova := func(more string) string {
		return `{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a cat"},"imageGenerationConfig":{"width":1024,"height":1024` + more + `}}`
	}
	n := 0
	for _, c := range []struct {
		path, body string
		status     int
		says, lost string
		cost       string
	}{
		{"/v1/images/generations", `{"model":"gem/gemini-3-image-sim","prompt":"a cat","size":"1024x1024"}`, 200, `"size":"1024x1024","data":[{"b64_json":"iVBOR`, "", "$0.030004"},
		{"/v1/images/generations", `{"model":"gem/gemini-3-image-sim","prompt":"a cat","size":"1792x1024","n":3}`, 200, `"output_tokens":750`, "size", "$0.090012"},
		{"/v1/images/generations", `{"model":"gem/gemini-3-image-sim","prompt":"a cat","stream":true}`, 200, "event: image_generation.completed", "", "$0.030004"},
		{"/v1/images/generations", `{"model":"gem/gemini-3-image-sim","prompt":"unspeakable"}`, 400, `"code":"moderation_blocked"`, "", ""},
		{"/v1/images/generations", `{"model":"gem/imagen-4.0-sim","prompt":"a cat","n":6,"output_format":"jpeg"}`, 200, `"output_format":"jpeg"`, "", "$0.24"},
		{"/v1/images/generations", `{"model":"gem/imagen-4.0-sim","prompt":"unspeakable"}`, 400, `"code":"moderation_blocked"`, "", ""},
		{"/v1/images/generations", `{"model":"aws/amazon.nova-canvas-sim","prompt":"a cat","size":"1024x1024","quality":"hd","n":2}`, 200, `"size":"1024x1024"`, "", "$0.12"},
		{"/v1/images/generations", `{"model":"aws/amazon.nova-canvas-sim","prompt":"unspeakable"}`, 400, `"code":"moderation_blocked"`, "", ""},
		{"/v1/images/generations", `{"model":"aws/stability.sd3-sim","prompt":"a cat","size":"1536x1024","output_format":"jpeg","n":2}`, 200, `"output_format":"jpeg"`, "answer.seeds, size", ""},
		{"/v1/images/generations", `{"model":"picture","prompt":"a cat"}`, 200, `"size":"1024x1024"`, "answer.seeds", ""},
		{"/v1/images/generations", `{"model":"gem/sim-429","prompt":"a cat"}`, 429, `"error":{"message":"You exceeded`, "", ""},
		{"/v1beta/models/openai-like%2Fsim-image:predict", imagen(`,"aspectRatio":"3:4"`), 400, "Invalid value: ", "", ""},
		{"/v1beta/models/openai-like%2Fsim-image:predict", imagen(`,"aspectRatio":"1:1"`), 200, `"bytesBase64Encoded":"iVBOR`, "answer.background, answer.created, answer.quality, answer.usage", ""},
		{"/v1beta/models/gem%2Fgemini-3-image-sim:predict", imagen(`,"aspectRatio":"16:9"`), 200, `{"predictions":[{"mimeType":"image/png"`, "answer.id, answer.model, answer.usage", "$0.030004"},
		{"/v1beta/models/gem%2Fimagen-4.0-sim:predict", imagen(`,"aspectRatio":"16:9"`), 200, `"bytesBase64Encoded"`, "", "$0.04"},
		{"/v1beta/models/aws%2Famazon.nova-canvas-sim:predict", imagen(`,"aspectRatio":"16:9","seed":7,"negativePrompt":"dogs"`), 200, `"bytesBase64Encoded"`, "", "$0.04"},
		{"/model/gem%2Fgemini-3-image-sim/invoke", nova(""), 404, "", "", ""},
		{"/model/aws%2Famazon.nova-canvas-sim/invoke", nova(`,"quality":"premium"`), 200, `{"images":["iVBOR`, "", "$0.06"},
	} {
		resp := g.Post(t, c.path, c.body)
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		n++
		x := g.Wait(t, n)[n-1]
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(got), c.says) || resp.Header.Get("X-Weir-Lost") != c.lost {
			t.Errorf("%s %.120s: %d %.300s %v, lost %q", c.path, c.body, resp.StatusCode, got, err, resp.Header.Get("X-Weir-Lost"))
		}
		if c.cost != "" && (x.Cost.String() != c.cost || x.Unpriced != "") {
			t.Errorf("%s %.120s: cost %s %s, want %s", c.path, c.body, x.Cost, x.Unpriced, c.cost)
		}
	}
	// The image that was made is changed by each, in the gateway's own clients' words.
	pic := drawnAs(t, 64, 64)
	for _, c := range []struct{ model, mask, lost string }{
		{"gem/gemini-3-image-sim", "", ""}, {"aws/amazon.nova-canvas-sim", "", "image"}, {"aws/amazon.nova-canvas-sim", pic, ""}, {"openai-like/sim-image", pic, ""},
	} {
		if status, body, lost := edit(t, g, "/v1/images/edits", pic, c.mask, "model", c.model, "prompt", "a hat"); status != 200 || !strings.Contains(body, `"b64_json":"iVBOR`) || lost != c.lost {
			t.Errorf("%s: %d %.300s, lost %q", c.model, status, body, lost)
		}
	}
	resp := g.Post(t, "/v1beta/models/openai-like%2Fsim-image:predict", `{"instances":[{"prompt":"a hat","referenceImages":[{"referenceType":"REFERENCE_TYPE_RAW","referenceImage":{"bytesBase64Encoded":"`+pic+`"}}]}]}`)
	got, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || !strings.Contains(string(got), `"bytesBase64Encoded":"iVBOR`) {
		t.Errorf("a form: %d %.300s", resp.StatusCode, got)
	}
}
