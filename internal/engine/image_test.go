package engine_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
)

const imageDocument = `version: 1
providers:
  openai: { base_url: "http://openai.test/v1", speaks: [openai-images], api_key: k }
  xai: { base_url: "http://xai.test/v1", speaks: [openai-images], api_key: k }
  together: { base_url: "http://together.test/v1", speaks: [openai-images], api_key: k }
  gemini: { base_url: "http://gemini.test", speaks: [gemini-images], api_key: k }
  bedrock: { base_url: "http://bedrock.test", speaks: [bedrock-images], api_key: k }
  chat: { base_url: "http://chat.test/v1", speaks: [openai-chat], api_key: k }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`

// drawnAs returns an image in base64 that is clear at one point.
func drawnAs(t *testing.T, width, height int) string {
	t.Helper()
	p := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		p.Set(i%width, i/width, color.NRGBA{R: 9, A: 0xff})
	}
	p.Set(1, 0, color.NRGBA{})
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// answers is a provider that takes several calls at once and answers each in turn.
type answers struct {
	turn   chan int
	paths  []string
	bodies []string
	kinds  []string
	say    []string
}

func newAnswers(say ...string) *answers {
	a := &answers{turn: make(chan int, 1), say: say}
	a.turn <- 0
	return a
}

// RoundTrip implements http.RoundTripper.
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	n := <-a.turn
	a.paths, a.bodies, a.kinds = append(a.paths, r.URL.EscapedPath()), append(a.bodies, string(body)), append(a.kinds, r.Header.Get("Content-Type"))
	a.turn <- n + 1
	said, status := a.say[min(n, len(a.say)-1)], http.StatusOK
	if strings.HasPrefix(said, "!") {
		said, status = said[1:], http.StatusTooManyRequests
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(said)),
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(said)),
	}, nil
}

// started is when an exchange began, as OpenAI writes it.
func started(x *gateway.Exchange) string { return strconv.FormatInt(x.Start.Unix(), 10) }

// geminiImage is an answer of Gemini's with one image.
func geminiImage(data string) string {
	return `{"candidates":[{"content":{"role":"model","parts":[{"inlineData":{"mimeType":"image/png","data":"` + data + `"}}]},"finishReason":"STOP"}],` +
		`"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":1290,"totalTokenCount":1300,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290}]},"modelVersion":"gemini-2.5-flash-image","responseId":"r"}`
}

// TestImages asks every dialect's providers for images in every other dialect. The costs were made by hand.
func TestImages(t *testing.T) {
	pic := drawnAs(t, 3, 2)
	const asked = `"prompt":"a cat"`
	flash := geminiImage(pic)
	usage := `"usage":{"input_tokens":10,"output_tokens":1290,"total_tokens":1300,"input_tokens_details":{"text_tokens":10,"image_tokens":0},"output_tokens_details":{"text_tokens":0,"image_tokens":1290}}`
	about := `"output_format":"png","size":"3x2"`
	for _, c := range []struct {
		name, path, body   string
		wantPath, wantBody string
		said, answer, lost string
		cost               string
	}{
		{
			"OpenAI by Gemini", "/v1/images/generations", `{"model":"gemini/gemini-2.5-flash-image",` + asked + `,"size":"1536x1024","quality":"high","user":"u","n":1}`,
			"/v1beta/models/gemini-2.5-flash-image:generateContent",
			`{"contents":[{"role":"user","parts":[{"text":"a cat"}]}],"generationConfig":{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"3:2"}}}`, flash,
			`{"created":CREATED,` + about + `,"data":[{"b64_json":"` + pic + `"}],"model":"gemini-2.5-flash-image","id":"r",` + usage + `}`, "quality, size, user", "$0.038703",
		},
		{
			"OpenAI by Gemini, square", "/v1/images/generations", `{"model":"gemini/gemini-3-pro-image-preview",` + asked + `,"size":"2048x2048","quality":"auto","background":"opaque","response_format":"url"}`,
			"/v1beta/models/gemini-3-pro-image-preview:generateContent",
			`{"contents":[{"role":"user","parts":[{"text":"a cat"}]}],"generationConfig":{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"1:1","imageSize":"2K"}}}`, flash,
			`{"created":CREATED,` + about + `,"data":[{"url":"data:image/png;base64,` + pic + `"}],"model":"gemini-2.5-flash-image","id":"r",` + usage + `}`, "response_format", "$0.15482",
		},
		{
			"OpenAI by Imagen", "/v1/images/generations", `{"model":"gemini/imagen-4.0-generate-001",` + asked + `,"size":"1024x1024","n":2,"output_format":"jpeg","output_compression":80,"background":"transparent"}`,
			"/v1beta/models/imagen-4.0-generate-001:predict",
			`{"instances":[{"prompt":"a cat"}],"parameters":{"sampleCount":2,"aspectRatio":"1:1","outputOptions":{"mimeType":"image/jpeg","compressionQuality":80}}}`,
			`{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"` + pic + `","prompt":"one cat"},{"raiFilteredReason":"no"}]}`,
			`{"created":CREATED,` + about + `,"data":[{"b64_json":"` + pic + `","revised_prompt":"one cat"}]}`, "answer.images, background", "$0.04",
		},
		{
			"OpenAI by Nova", "/v1/images/generations", `{"model":"bedrock/amazon.nova-canvas-v1:0",` + asked + `,"size":"1536x1024","n":2,"quality":"hd","output_format":"png"}`,
			"/model/amazon.nova-canvas-v1%3A0/invoke",
			`{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a cat"},"imageGenerationConfig":{"numberOfImages":2,"width":1536,"height":1024,"quality":"premium"}}`,
			`{"images":["` + pic + `","` + pic + `"],"error":null}`,
			`{"created":CREATED,` + about + `,"data":[{"b64_json":"` + pic + `"},{"b64_json":"` + pic + `"}]}`, "", "$0.12",
		},
		{
			"OpenAI by Titan", "/v1/images/generations", `{"model":"bedrock/amazon.titan-image-generator-v2:0",` + asked + `,"size":"1024x1536","quality":"low","style":"vivid"}`,
			"/model/amazon.titan-image-generator-v2%3A0/invoke",
			`{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a cat"},"imageGenerationConfig":{"numberOfImages":1,"width":768,"height":1152,"quality":"standard"}}`,
			`{"images":["` + pic + `"]}`,
			`{"created":CREATED,` + about + `,"data":[{"b64_json":"` + pic + `"}]}`, "quality, size, style", "$0.008",
		},
		{
			"OpenAI by Stability", "/v1/images/generations", `{"model":"bedrock/stability.stable-image-ultra-v1:1",` + asked + `,"size":"1792x1024","output_format":"webp"}`,
			"/model/stability.stable-image-ultra-v1%3A1/invoke", `{"prompt":"a cat","aspect_ratio":"16:9","output_format":"webp"}`,
			`{"seeds":[7],"finish_reasons":[null],"images":["` + pic + `"]}`,
			`{"created":CREATED,` + about + `,"data":[{"b64_json":"` + pic + `"}]}`, "answer.seeds, size", "$0.14",
		},
		{
			"xAI in its own words", "/v1/images/generations", `{"model":"xai/grok-imagine-image", "prompt":"a cat","n":1}`,
			"/v1/images/generations", `{"model":"grok-imagine-image", "prompt":"a cat","n":1}`, `{"data":[{"url":"https://i/1","revised_prompt":""}]}`,
			`{"data":[{"url":"https://i/1","revised_prompt":""}]}`, "", "",
		},
		{
			"xAI in OpenAI's words", "/v1/images/generations", `{"model":"xai/grok-imagine-image",` + asked + `,"size":"1792x1024","quality":"high","response_format":"b64_json","stream":false}`,
			"/v1/images/generations", `{"model":"grok-imagine-image",` + asked + `,"aspect_ratio":"16:9","response_format":"b64_json"}`,
			`{"data":[{"b64_json":"` + pic + `","mime_type":"image/png"}],"usage":{"cost_in_usd_ticks":200000000}}`,
			`{"created":CREATED,"data":[{"b64_json":"` + pic + `"}],"usage":{"input_tokens":0,"output_tokens":0,"total_tokens":0,"input_tokens_details":{"text_tokens":0,"image_tokens":0},"cost_in_usd_ticks":200000000}}`,
			"quality, size", "$0.02",
		},
		{
			"Together in OpenAI's words", "/v1/images/generations", `{"model":"together/black-forest-labs/FLUX.1-schnell",` + asked + `,"size":"1024x768","steps":4,"response_format":"b64_json"}`,
			"/v1/images/generations", `{"model":"black-forest-labs/FLUX.1-schnell",` + asked + `,"width":1024,"height":768,"response_format":"base64","steps":4}`,
			`{"id":"x","model":"m","object":"list","data":[{"index":0,"b64_json":"` + pic + `"}]}`,
			`{"created":CREATED,"data":[{"b64_json":"` + pic + `"}],"model":"m","id":"x","object":"list"}`, "", "-",
		},
		{
			"Imagen by OpenAI", "/v1beta/models/openai%2Fgpt-image-1:predict", `{"instances":[{"prompt":"a cat"}],"parameters":{"sampleCount":1,"aspectRatio":"3:4","negativePrompt":"dogs","personGeneration":"allow_adult"}}`,
			"/v1/images/generations", `{"model":"gpt-image-1","prompt":"a cat","n":1,"size":"1024x1536"}`,
			`{"created":5,"size":"1024x1536","quality":"high","output_format":"png","background":"opaque","data":[{"b64_json":"` + pic + `"}],"usage":{"input_tokens":10,"output_tokens":100,"total_tokens":110,"output_tokens_details":{"image_tokens":100,"text_tokens":0}}}`,
			`{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"` + pic + `"}]}`,
			"answer.background, answer.created, answer.quality, answer.usage, parameters.aspectRatio, parameters.negativePrompt, parameters.personGeneration", "$0.00405",
		},
		{
			"Imagen by Gemini's own model", "/v1beta/models/gemini%2Fgemini-2.5-flash-image:predict", `{"instances":[{"prompt":"a cat"}],"parameters":{"sampleCount":1,"aspectRatio":"16:9","addWatermark":true}}`,
			"/v1beta/models/gemini-2.5-flash-image:generateContent",
			`{"contents":[{"role":"user","parts":[{"text":"a cat"}]}],"generationConfig":{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"16:9"}}}`, flash,
			`{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"` + pic + `"}]}`, "answer.id, answer.model, answer.usage, parameters.addWatermark", "$0.038703",
		},
		{
			"Imagen itself", "/v1beta/models/gemini%2Fimagen-4.0-generate-001:predict", `{"instances":[{"prompt": "a cat"}]}`, "/v1beta/models/imagen-4.0-generate-001:predict", `{"instances":[{"prompt": "a cat"}]}`,
			`{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"` + pic + `"}]}`, `{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"` + pic + `"}]}`, "", "$0.04",
		},
		{
			"Bedrock itself", "/model/bedrock%2Famazon.nova-canvas-v1%3A0/invoke", `{"taskType":"TEXT_IMAGE", "textToImageParams":{"text":"a cat"},"imageGenerationConfig":{"width":1024,"height":1024}}`, "/model/amazon.nova-canvas-v1%3A0/invoke",
			`{"taskType":"TEXT_IMAGE", "textToImageParams":{"text":"a cat"},"imageGenerationConfig":{"width":1024,"height":1024}}`, `{"images":["` + pic + `"]}`, `{"images":["` + pic + `"]}`, "", "$0.06",
		},
		{
			"Bedrock by another maker", "/model/bedrock%2Fstability.stable-image-core-v1%3A1/invoke", `{"prompt":"a cat","aspect_ratio":"1:1","seed":7}`, "/model/stability.stable-image-core-v1%3A1/invoke",
			`{"prompt":"a cat","aspect_ratio":"1:1","seed":7}`, `{"images":["` + pic + `"],"finish_reasons":[null]}`, `{"images":["` + pic + `"],"finish_reasons":[null]}`, "", "$0.04",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			up := newAnswers(c.said)
			g := (&gatewaytest.Gateway{Upstream: up, Document: imageDocument}).Start(t)
			resp := g.Post(t, c.path, c.body)
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != 200 || len(up.paths) != 1 {
				t.Fatalf("%d %s %v, asked %q", resp.StatusCode, got, err, up.paths)
			}
			if up.paths[0] != c.wantPath || up.bodies[0] != c.wantBody || up.kinds[0] != "application/json" {
				t.Errorf("asked %s %s\n%s\nwant %s\n%s", up.paths[0], up.kinds[0], up.bodies[0], c.wantPath, c.wantBody)
			}
			x := g.Wait(t, 1)[0]
			if want := strings.Replace(c.answer, "CREATED", started(x), 1); string(got) != want {
				t.Errorf("answered\n%s\nwant\n%s", got, want)
			}
			if lost := resp.Header.Get("X-Weir-Lost"); lost != c.lost {
				t.Errorf("lost %q, want %q", lost, c.lost)
			}
			cost := x.Cost.String()
			if x.Unpriced != "" {
				cost = ""
			}
			if x.Ending != gateway.Done || cost != c.cost && c.cost != "-" {
				t.Errorf("%v, cost %s (%s), want %s", x.Ending, x.Cost, x.Unpriced, c.cost)
			}
		})
	}
}

// edit posts a form with an image and, where it is set, a mask.
func edit(t *testing.T, g *gatewaytest.Gateway, path, img, mask string, fields ...string) (status int, body, lost string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = w.WriteField(fields[i], fields[i+1])
	}
	for name, data := range map[string]string{"image": img, "mask": mask} {
		raw, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		if data != "" {
			f, _ := w.CreateFormFile(name, name+".png")
			_, _ = f.Write(raw)
		}
	}
	_ = w.Close()
	resp := g.Post(t, path, b.String(), "Content-Type", w.FormDataContentType())
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got), resp.Header.Get("X-Weir-Lost")
}

// TestImageEdits brings images in a form to targets that take none.
func TestImageEdits(t *testing.T) {
	pic := drawnAs(t, 2, 1)
	for _, c := range []struct {
		name, model, mask  string
		more               []string
		wantPath, wantBody string // @: the image, #: the mask
		said, lost         string
	}{
		{
			"Gemini", "gemini/gemini-2.5-flash-image", "", nil, "/v1beta/models/gemini-2.5-flash-image:generateContent",
			`{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"@"}},{"text":"a hat"}]}],"generationConfig":{"responseModalities":["IMAGE"]}}`, geminiImage(pic), "",
		},
		{
			"Nova", "bedrock/amazon.nova-canvas-v1:0", "",
			[]string{"input_fidelity", "high"},
			"/model/amazon.nova-canvas-v1%3A0/invoke",
			`{"taskType":"IMAGE_VARIATION","imageVariationParams":{"text":"a hat","images":["@"]},"imageGenerationConfig":{"numberOfImages":1}}`, `{"images":["` + pic + `"]}`, "image, input_fidelity",
		},
		{
			"Nova with a mask", "bedrock/amazon.nova-canvas-v1:0", pic,
			[]string{"n", "2"},
			"/model/amazon.nova-canvas-v1%3A0/invoke",
			`{"taskType":"INPAINTING","inPaintingParams":{"text":"a hat","image":"@","maskImage":"#"},"imageGenerationConfig":{"numberOfImages":2}}`, `{"images":["` + pic + `"]}`, "",
		},
		{
			"xAI", "xai/grok-imagine-image", "",
			[]string{"size", "1024x1024"},
			"/v1/images/edits",
			`{"model":"grok-imagine-image","prompt":"a hat","aspect_ratio":"1:1","image":{"url":"data:application/octet-stream;base64,@","type":"image_url"}}`, `{"data":[{"url":"https://i/1"}]}`, "",
		},
		{
			"Stability", "bedrock/us.stability.stable-image-inpaint-v1:0", pic, nil, "/model/us.stability.stable-image-inpaint-v1%3A0/invoke",
			`{"prompt":"a hat","image":"@","mask":"#"}`, `{"images":["` + pic + `"],"seeds":[1],"finish_reasons":[null]}`, "answer.seeds",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			up := newAnswers(c.said)
			g := (&gatewaytest.Gateway{Upstream: up, Document: imageDocument}).Start(t)
			status, got, lost := edit(t, g, "/v1/images/edits", pic, c.mask, append([]string{"model", c.model, "prompt", "a hat"}, c.more...)...)
			if status != 200 || len(up.bodies) != 1 {
				t.Fatalf("%d %s, asked %q", status, got, up.bodies)
			}
			body := strings.ReplaceAll(up.bodies[0], pic, "@")
			if c.mask != "" {
				name := `"maskImage":"`
				if !strings.Contains(body, name) {
					name = `"mask":"`
				}
				before, rest, _ := strings.Cut(body, name)
				mask, after, _ := strings.Cut(rest, `"`)
				body = before + name + "#\"" + after
				raw, err := base64.StdEncoding.DecodeString(mask)
				if err != nil {
					t.Fatal(err)
				}
				p, err := png.Decode(bytes.NewReader(raw))
				if err != nil {
					t.Fatal(err)
				}
				keep, _, _, _ := p.At(0, 0).RGBA()
				change, _, _, _ := p.At(1, 0).RGBA()
				if black := name == `"maskImage":"`; black != (change == 0 && keep == 0xffff) || black == (keep == 0 && change == 0xffff) {
					t.Errorf("the mask keeps %x and changes %x", keep, change)
				}
			}
			if want := strings.ReplaceAll(c.wantBody, "data:application/octet-stream", "data:image/png"); up.paths[0] != c.wantPath || body != want {
				t.Errorf("asked %s\n%s\nwant %s\n%s", up.paths[0], body, c.wantPath, want)
			}
			if lost != c.lost {
				t.Errorf("lost %q, want %q", lost, c.lost)
			}
		})
	}
}

// TestImageToForm has a client of another dialect change an image by a target that takes forms.
func TestImageToForm(t *testing.T) {
	pic := drawnAs(t, 2, 1)
	up := newAnswers(`{"created":5,"data":[{"b64_json":"` + pic + `"}]}`)
	g := (&gatewaytest.Gateway{Upstream: up, Document: imageDocument}).Start(t)
	resp := g.Post(t, "/v1beta/models/openai%2Fgpt-image-1:predict", `{"instances":[{"prompt":"a hat [1]","referenceImages":[{"referenceType":"REFERENCE_TYPE_RAW","referenceId":1,"referenceImage":{"bytesBase64Encoded":"`+pic+`"}}]}],"parameters":{"sampleCount":12}}`)
	got, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || len(up.paths) != 2 || up.paths[0] != "/v1/images/edits" || !strings.HasPrefix(up.kinds[0], "multipart/form-data; boundary=") {
		t.Fatalf("%d %s, asked %q as %q", resp.StatusCode, got, up.paths, up.kinds)
	}
	for i, n := range []string{"10", "2"} { // as many as one call makes
		_, boundary, _ := strings.Cut(up.kinds[i], "=")
		f, err := multipart.NewReader(strings.NewReader(up.bodies[i]), boundary).ReadForm(1 << 20)
		if err != nil || f.Value["model"][0] != "gpt-image-1" || f.Value["prompt"][0] != "a hat [1]" || f.Value["n"][0] != n || f.File["image"][0].Size == 0 {
			t.Errorf("%+v %v", f, err)
		}
	}
}

// TestImagesOneByOne makes several images where a call brings one, and tells of those that failed.
func TestImagesOneByOne(t *testing.T) {
	pic := drawnAs(t, 2, 1)
	one := geminiImage(pic)
	withheld := `{"candidates":[{"content":{},"finishReason":"IMAGE_SAFETY","finishMessage":"unsafe"}],"usageMetadata":{"promptTokenCount":10,"totalTokenCount":10}}`
	for _, c := range []struct {
		name   string
		say    []string
		images int
		lost   string
		output int64
	}{
		{"all", []string{one}, 3, "", 3 * 1290},
		{"one is withheld", []string{one, withheld, one}, 2, "answer.images", 2 * 1290},
		{"one fails", []string{one, one, `!{"error":{"code":429,"message":"no"}}`}, 2, "answer.images", 2 * 1290},
	} {
		up := newAnswers(c.say...)
		g := (&gatewaytest.Gateway{Upstream: up, Document: imageDocument}).Start(t)
		resp := g.Post(t, "/v1/images/generations", `{"model":"gemini/gemini-2.5-flash-image","prompt":"a cat","n":3}`)
		got, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		x := g.Wait(t, 1)[0]
		if n := strings.Count(string(got), `"b64_json"`); resp.StatusCode != 200 || n != c.images || len(up.paths) != 3 || resp.Header.Get("X-Weir-Lost") != c.lost {
			t.Errorf("%s: %d, %d images of %d calls, lost %q: %.300s", c.name, resp.StatusCode, n, len(up.paths), resp.Header.Get("X-Weir-Lost"), got)
		}
		if x.Usage == nil || x.Usage.Output != c.output || x.Unpriced != "" || x.Cost == 0 {
			t.Errorf("%s: %+v, %s %s", c.name, x.Usage, x.Cost, x.Unpriced)
		}
	}
}

// TestImageStream has a client that wants a stream answered by a target without one.
func TestImageStream(t *testing.T) {
	pic := drawnAs(t, 2, 1)
	g := (&gatewaytest.Gateway{Upstream: newAnswers(geminiImage(pic)), Document: imageDocument}).Start(t)
	resp := g.Post(t, "/v1/images/generations", `{"model":"gemini/gemini-2.5-flash-image","prompt":"a cat","stream":true,"partial_images":2}`)
	got, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	x := g.Wait(t, 1)[0]
	want := "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"" + pic + `","created_at":` + started(x) +
		`,"background":"auto","output_format":"png","quality":"auto","size":"2x1","usage":{"input_tokens":10,"output_tokens":1290,"total_tokens":1300,"input_tokens_details":{"text_tokens":10,"image_tokens":0},"output_tokens_details":{"text_tokens":0,"image_tokens":1290}}}` + "\n\n"
	if resp.StatusCode != 200 || string(got) != want || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") || resp.Header.Get("X-Weir-Lost") != "partial_images" {
		t.Errorf("%d %v\n%s\nwant\n%s", resp.StatusCode, resp.Header, got, want)
	}
}

// TestImagesRefused are requests that must not reach a provider, or come back as the client's dialect says them.
func TestImagesRefused(t *testing.T) {
	pic := drawnAs(t, 2, 1)
	for _, c := range []struct {
		name, path, body, strict string
		param                    string
	}{
		{"strict", "/v1/images/generations", `{"model":"gemini/gemini-2.5-flash-image","prompt":"a","user":"u"}`, "true", "user"},
		{"strict about a size", "/v1/images/generations", `{"model":"gemini/gemini-2.5-flash-image","prompt":"a","size":"1024x1536"}`, "true", "size"},
		{"no prompt", "/v1/images/generations", `{"model":"gemini/gemini-2.5-flash-image"}`, "", "prompt"},
		{"too many", "/v1/images/generations", `{"model":"gemini/gemini-2.5-flash-image","prompt":"a","n":11}`, "", "n"},
		{"a size that is none", "/v1/images/generations", `{"model":"gemini/m","prompt":"a","size":"big"}`, "", "size"},
		{"a prompt too long", "/v1/images/generations", `{"model":"bedrock/amazon.titan-image-generator-v2:0","prompt":"` + strings.Repeat("a", 513) + `"}`, "", "prompt"},
		{"a mask for Gemini", "/v1/images/edits", `{"model":"gemini/m","prompt":"a","images":[{"image_url":"data:image/png;base64,` + pic + `"}],"mask":{"image_url":"data:image/png;base64,` + pic + `"}}`, "", "mask"},
		{"an address for Gemini", "/v1/images/edits", `{"model":"gemini/m","prompt":"a","images":[{"image_url":"https://example.org/a.png"}]}`, "", "images[0]"},
		{"a file's id", "/v1/images/edits", `{"model":"bedrock/amazon.nova-canvas-v1:0","prompt":"a","images":[{"image_url":"data:image/png;base64,` + pic + `"},{"file_id":"file-1"}]}`, "", "images[1]"},
		{"an edit without an image", "/v1/images/edits", `{"model":"gemini/m","prompt":"a"}`, "", "image"},
		{"a model of unknown words", "/v1/images/generations", `{"model":"bedrock/somebody.draws-v1","prompt":"a"}`, "", "model"},
		{"two prompts", "/v1beta/models/openai%2Fgpt-image-1:predict", `{"instances":[{"prompt":"a"},{"prompt":"b"}]}`, "", "instances"},
		{"a background removed", "/model/gemini%2Famazon.nova-canvas-v1:0/invoke", `{"taskType":"BACKGROUND_REMOVAL","backgroundRemovalParams":{"image":"` + pic + `"}}`, "", "taskType"},
		{"an image for Imagen", "/v1/images/edits", `{"model":"gemini/imagen-4.0-generate-001","prompt":"a","images":[{"image_url":"data:image/png;base64,` + pic + `"}]}`, "", "images[0]"},
	} {
		up := newAnswers("{}")
		g := (&gatewaytest.Gateway{Upstream: up, Document: imageDocument}).Start(t)
		resp := g.Post(t, c.path, c.body, "X-Weir-Strict", c.strict)
		got, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		f := g.Wait(t, 1)[0].Fault
		if resp.StatusCode != 400 || len(up.paths) != 0 || f == nil || f.Param != c.param {
			t.Errorf("%s: %d %s, fault %+v, asked %q", c.name, resp.StatusCode, got, f, up.paths)
		}
	}
	for name, c := range map[string]struct {
		path, body, said string
		status           int
		says             string
	}{
		"withheld by Gemini": {"/v1/images/generations", `{"model":"gemini/m","prompt":"a"}`, `{"candidates":[{"content":{"parts":[{"text":"I cannot."}]},"finishReason":"IMAGE_SAFETY"}]}`, 400, `"code":"moderation_blocked"`},
		"answered in words":  {"/v1/images/generations", `{"model":"gemini/m","prompt":"a"}`, `{"candidates":[{"content":{"parts":[{"text":"Which cat?"}]},"finishReason":"STOP"}]}`, 400, "Which cat?"},
		"withheld by Nova":   {"/v1/images/generations", `{"model":"bedrock/amazon.nova-canvas-v1:0","prompt":"a"}`, `{"images":[],"error":"against the policy"}`, 400, "against the policy"},
		"withheld by OpenAI": {"/v1beta/models/bedrock%2Fstability.sd3-5-large-v1:0:predict", `{"instances":[{"prompt":"a"}]}`, `{"images":[""],"finish_reasons":["Filter reason: prompt"]}`, 400, `"status":"INVALID_ARGUMENT"`},
		"garbage":            {"/v1/images/generations", `{"model":"gemini/m","prompt":"a"}`, `{"candidates":[]}`, 502, `"error"`},
		"a stream unasked":   {"/v1/images/generations", `{"model":"gemini/m","prompt":"a"}`, `data: {}`, 502, `"error"`},
		"too many requests":  {"/v1/images/generations", `{"model":"gemini/m","prompt":"a"}`, `!{"error":{"code":429,"message":"later","status":"RESOURCE_EXHAUSTED"}}`, 429, `"message":"later"`},
	} {
		g := (&gatewaytest.Gateway{Upstream: newAnswers(c.said), Document: imageDocument}).Start(t)
		resp := g.Post(t, c.path, c.body)
		got, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c.status || !strings.Contains(string(got), c.says) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, got)
		}
	}
}
