package sim

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"weir/internal/rawjson"
)

const maxPrompt = 32000 // letters

var (
	drawn = map[string]mediaField{
		"model":              {kind: "string", need: true, lo: 1},
		"prompt":             {kind: "string", need: true, lo: 1, hi: maxPrompt},
		"n":                  {kind: "int", lo: 1, hi: 10},
		"size":               {kind: "string", words: []string{"auto", "1024x1024", "1536x1024", "1024x1536"}},
		"quality":            {kind: "string", words: []string{"auto", "low", "medium", "high", "standard", "hd"}},
		"background":         {kind: "string", words: []string{"auto", "transparent", "opaque"}},
		"output_format":      {kind: "string", words: []string{"png", "jpeg"}},
		"output_compression": {kind: "int", lo: 0, hi: 100},
		"response_format":    {kind: "string", words: []string{"url", "b64_json"}},
		"stream":             {kind: "bool"},
		"partial_images":     {kind: "int", lo: 0, hi: 3},
		"user":               {kind: "string"},
	}
	generated = with(drawn, map[string]mediaField{
		"moderation": {kind: "string", words: []string{"auto", "low"}},
		"style":      {kind: "string", words: []string{"vivid", "natural"}},
	})
	// An edit brings files in a form, or names images in JSON.
	editedForm = with(drawn, map[string]mediaField{
		"image":          {kind: "file", list: true, need: true},
		"mask":           {kind: "file"},
		"input_fidelity": {kind: "string", words: []string{"low", "high"}},
	})
	editedJSON = with(drawn, map[string]mediaField{
		"images":         {kind: "any", list: true, need: true},
		"mask":           {kind: "any"},
		"input_fidelity": {kind: "string", words: []string{"low", "high"}},
	})
	varied = map[string]mediaField{
		"model": drawn["model"], "n": drawn["n"], "response_format": drawn["response_format"], "user": drawn["user"],
		"size":  {kind: "string", words: []string{"256x256", "512x512", "1024x1024"}},
		"image": {kind: "file", need: true},
	}
)

func with(a, b map[string]mediaField) map[string]mediaField {
	out := map[string]mediaField{}
	for _, m := range []map[string]mediaField{a, b} {
		maps.Copy(out, m)
	}
	return out
}

// draw answers POST /v1/images/generations.
func (x *exchange) draw() error { return x.images("image_generation", generated, false) }

// redraw answers POST /v1/images/edits.
func (x *exchange) redraw() error {
	if strings.HasPrefix(x.r.Header.Get("Content-Type"), "multipart/") {
		return x.images("image_edit", editedForm, true)
	}
	return x.images("image_edit", editedJSON, false)
}

// vary answers POST /v1/images/variations.
func (x *exchange) vary() error { return x.images("image_edit", varied, true) }

func (x *exchange) images(event string, fields map[string]mediaField, forms bool) error {
	m, err := x.readMedia(fields, forms)
	if err != nil {
		return err
	}
	seen := int64(len(m.files["image"])+len(m.files["mask"])+m.lists["images"]) * mediaTokens
	for _, f := range append(m.files["image"], m.files["mask"]...) {
		if _, _, err := image.DecodeConfig(bytes.NewReader(f.data)); err != nil && !webp(f.data) {
			return chatError("image", "invalid_image_file", "Invalid image file or mode for image '%s', please check your image file.", cut(f.name, 40))
		}
	}
	if err := x.served(m.values["model"], "sim-image"); err != nil {
		return err
	}
	stream := m.values["stream"] == "true"
	if !stream && m.count("partial_images", 0) > 0 {
		return chatError("partial_images", "invalid_value", "'partial_images' is for streams only.")
	}
	if done, err := x.misbehave(m.values["model"], stream); done || err != nil {
		return err
	}
	text := tokens(len(m.values["prompt"]))
	n := int64(m.count("n", 1))
	usage := func(w *rawjson.Writer) {
		w.Name("usage").Open('{').Name("input_tokens").Int(text + seen)
		w.Name("input_tokens_details").Open('{').Name("text_tokens").Int(text).Name("image_tokens").Int(seen).Close('}')
		w.Name("output_tokens").Int(n * mediaTokens).Name("total_tokens").Int(text + seen + n*mediaTokens)
		w.Name("output_tokens_details").Open('{').Name("text_tokens").Int(0).Name("image_tokens").Int(n * mediaTokens).Close('}').Close('}')
	}
	about := func(w *rawjson.Writer) {
		if _, says := fields["background"]; !says {
			return // variations are older than these words
		}
		w.Name("background").String(m.or("background", "opaque")).Name("output_format").String(m.or("output_format", "png"))
		w.Name("quality").String(m.or("quality", "low")).Name("size").String(m.or("size", "1024x1024"))
	}
	if stream {
		return x.drawStream(event, m, about, usage)
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("created").Int(x.now.Unix())
	about(w)
	w.Name("data").Open('[')
	for i := range n {
		b64 := x.picture(m, uint64(i), 1)
		if w.Open('{'); m.values["response_format"] == "url" {
			w.Name("url").String("data:image/" + m.or("output_format", "png") + ";base64," + b64) // there is no server to fetch it from
		} else {
			w.Name("b64_json").String(b64)
		}
		w.Close('}')
	}
	w.Close(']')
	usage(w)
	x.write(http.StatusOK, "application/json", w.Close('}').Buf)
	return nil
}

// drawStream sends the first image as it gets finer.
func (x *exchange) drawStream(event string, m *media, about, usage func(*rawjson.Writer)) error {
	s := x.stream()
	partial := m.count("partial_images", 0)
	for i := range partial + 1 {
		last := i == partial
		typ := event + ".partial_image"
		if last {
			if err := s.ending(); err != nil {
				return err
			}
			typ = event + ".completed"
		}
		w := &rawjson.Writer{}
		w.Open('{').Name("type").String(typ).Name("b64_json").String(x.picture(m, 0, 1<<(partial-i))).Name("created_at").Int(x.now.Unix())
		if about(w); last {
			usage(w)
		} else {
			w.Name("partial_image_index").Int(int64(i))
		}
		if err := s.send(typ, w.Close('}').Buf); err != nil {
			return err
		}
	}
	return s.end()
}

// picture draws squares in two colours, as the request's seed says, and returns them in base64. The coarser it is, the
// larger they are.
func (x *exchange) picture(m *media, i uint64, coarse int) string {
	across, down, _ := strings.Cut(m.or("size", "1024x1024"), "x")
	width, _ := strconv.Atoi(across)
	height, _ := strconv.Atoi(down)
	seed := mix(x.seed, i)
	p := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{
		color.RGBA{uint8(seed), uint8(seed >> 8), uint8(seed >> 16), 255}, color.RGBA{uint8(seed >> 24), uint8(seed >> 32), uint8(seed >> 40), 255},
	})
	for y := range height {
		row := p.Pix[y*p.Stride : y*p.Stride+width]
		for at := range row {
			row[at] = uint8(mix(seed, uint64(at/(32*coarse))<<32|uint64(y/(32*coarse)))) & 1
		}
	}
	var b bytes.Buffer
	var err error
	if m.values["output_format"] == "jpeg" {
		err = jpeg.Encode(&b, p, nil)
	} else {
		err = png.Encode(&b, p)
	}
	if err != nil {
		panic(err) // memory takes it
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// webp reports whether data begins as a WebP file, which the standard library does not read.
func webp(data []byte) bool {
	return len(data) > 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}
