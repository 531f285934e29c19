package openaiimages

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/llm"
)

func codec() dialect.Imager { return New().(dialect.Imager) }

const edited = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na hat\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--b\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"b.jpg\"\r\n\r\n\xff\xd8\xff\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"mask\"; filename=\"m.png\"\r\n\r\n\x89PNG\r\n--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n2\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--\r\n"

func formCall(path, body string) dialect.Call {
	return dialect.Call{Op: llm.OpImageEdit, Path: path, Header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, Body: []byte(body)}
}

func TestDecodeForm(t *testing.T) {
	q, err := codec().DecodeImage(formCall(Edits, edited))
	if err != nil || q.Kind != llm.ImageEdited || q.Prompt != "a hat" || q.Count != 2 || len(q.Images) != 2 || q.Mask == nil || string(q.Extra["x"]) != `"1"` {
		t.Fatalf("%+v %v", q, err)
	}
	a, b := q.Images[0], q.Images[1]
	if *a.Media != (llm.Blob{Type: "image/png", Data: "iVBORw==", Name: "a.png"}) || a.Path != "image[0]" || *b.Media != (llm.Blob{Type: "image/jpeg", Data: "/9j/", Name: "b.jpg"}) || b.Path != "image[1]" {
		t.Errorf("%+v %+v, %+v %+v", a, a.Media, b, b.Media)
	}
	varied := strings.NewReplacer("image[]", "image", "name=\"prompt\"", "name=\"user\"").Replace(edited)
	if _, err := codec().DecodeImage(formCall(Variations, varied)); fault.Of(err) == nil {
		t.Error("two images were varied")
	}
}

func TestDecodeRefuses(t *testing.T) {
	field := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	for _, c := range []struct{ path, body, param string }{
		{Generations, `{"model":"m"}`, "prompt"},
		{Generations, `{"model":"m","prompt":7}`, "prompt"},
		{Generations, `{"model":"m","prompt":"a","n":"2"}`, "n"},
		{Generations, `{"model":"m","prompt":"a","n":-2}`, "n"},
		{Generations, `{"model":"m","prompt":"a","size":"0x9"}`, "size"},
		{Generations, `{"model":"m","prompt":"a","size":"99999999x9"}`, "size"},
		{Generations, `{"model":"m","prompt":"a","aspect_ratio":"1"}`, "aspect_ratio"},
		{Edits, `{"model":"m","prompt":"a"}`, "image"},
		{Edits, `{"model":"m","prompt":"a","images":[{}]}`, "images[0]"},
		{Edits, `{"model":"m","prompt":"a","images":[{"file_id":"f","image_url":"u"}]}`, "images[0]"},
		{Edits, `{"model":"m","prompt":"a","image":"u","mask":7}`, "mask"},
		{Edits, field("model", "m") + field("prompt", "a") + "--b--", "image"},
		{Edits, field("model", "m") + field("prompt", "a") + field("prompt", "b") + "--b--", "prompt"},
		{Edits, field("model", "m") + field("seed", "x") + "--b--", "seed"},
		{Edits, field("model", "m") + field("mask", "") + "--b--", "mask"},
		{Edits, strings.Replace(edited, "mask", "other", 1), "other"},
		{Edits, strings.Replace(edited, "filename=\"m.png\"\r\n", "filename=\"m.png\"\r\nContent-Transfer-Encoding: base64\r\n", 1), "mask"},
	} {
		call := formCall(c.path, c.body)
		if c.body[0] == '{' {
			call.Header = nil
		}
		_, err := codec().DecodeImage(call)
		if f := fault.Of(err); f == nil || f.Kind != fault.Malformed || f.Param != c.param {
			t.Errorf("%.80s: %v", c.body, err)
		}
	}
}

func TestFits(t *testing.T) {
	f := New().(dialect.Fitter)
	for _, c := range []struct {
		provider, body string
		want           bool
	}{
		{"openai", `{"size":"1024x1024","quality":"low"}`, true},
		{"", edited, true},
		{"xai", `{"model":"m","prompt":"p","n":2,"response_format":"b64_json","aspect_ratio":"1:1","stream":false,"size":null}`, true},
		{"xai", `{"size":"1024x1024"}`, false},
		{"xai", `{"stream":true}`, false},
		{"xai", edited, false},
		{"together", `{"width":512,"height":512,"response_format":"base64","output_format":"png"}`, true},
		{"together", `{"response_format":"b64_json"}`, false},
	} {
		call := formCall(Edits, c.body)
		if c.body[0] == '{' {
			call.Header = nil
		}
		if got := f.Fits(&call, llm.Facts{Provider: c.provider, Model: "m"}); got != c.want {
			t.Errorf("%s: %.60s: %v", c.provider, c.body, got)
		}
	}
}

// TestBoundary looks for a boundary that no value holds.
func TestBoundary(t *testing.T) {
	a := fields{form: true}
	a.text("prompt", "p")
	first := a.boundary()
	b := fields{form: true}
	b.text("prompt", "p")
	b.list[0].value = append(b.list[0].value, "--"+first...)
	b.list = append(b.list, field{name: "x", value: []byte("--" + b.boundary())})
	if at := b.boundary(); strings.Contains(string(b.list[0].value)+string(b.list[1].value), "--"+at) {
		t.Error("the boundary stands in a value")
	}
}

func TestStreamOfAddresses(t *testing.T) {
	_, _, err := codec().EncodeImages(&llm.ImageRequest{Stream: true}, &llm.ImageResponse{Images: []llm.Image{{URL: "https://i/1"}}})
	if f := fault.Of(err); f == nil || f.Kind != fault.Upstream {
		t.Errorf("%v", err)
	}
	out, _, err := codec().EncodeImages(&llm.ImageRequest{Stream: true, Kind: llm.ImageEdited}, &llm.ImageResponse{Images: []llm.Image{{Data: "AA=="}, {Data: "AQ=="}}, Usage: &llm.Usage{Output: 9}})
	if err != nil || strings.Count(string(out), "event: image_edit.completed\n") != 2 || strings.Count(string(out), `"output_tokens":9`) != 1 || strings.Count(string(out), `"output_tokens":0`) != 1 {
		t.Errorf("%s %v", out, err)
	}
}

func FuzzImage(f *testing.F) {
	dialecttest.FuzzImage(f, New(), []string{Generations, Edits, Variations}, []string{
		`{"model":"m","prompt":"p","n":2,"size":"1024x1536","quality":"high","style":"vivid","background":"opaque","output_format":"webp","output_compression":50,"moderation":"low","user":"u","response_format":"url","stream":true,"partial_images":1,"x":{}}`,
		`{"model":"m","prompt":"p","width":512,"height":256,"seed":1,"negative_prompt":"n","guidance_scale":3.5,"aspect_ratio":"19.5:9","resolution":"2k"}`,
		`{"model":"m","prompt":"p","images":[{"image_url":"data:image/png;base64,AA=="},{"file_id":"f"}],"mask":{"image_url":"https://i/m"},"input_fidelity":"high"}`,
		`{"model":"m","prompt":"p","image":{"url":"https://i/1","type":"image_url"}}`, edited,
	})
}

func FuzzImages(f *testing.F) {
	dialecttest.FuzzImages(f, New(), &llm.ImageRequest{From: llm.OpenAIImages}, `{"created":5,"data":[{"b64_json":"AA==","revised_prompt":"r","x":1},{"url":"https://i/1"}],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3,"input_tokens_details":{"cached_tokens":1},"y":1},"size":"1x1","z":1}`)
}
