package sim

import (
	"bytes"
	"encoding/base64"
	"image"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"weir/internal/rawjson"
)

// The models that draw where Gemini is spoken: one that is asked like any other, and one that predicts.
const (
	GeminiImageModel = "gemini-3-image-sim"
	ImagenModel      = "imagen-4.0-sim"
)

// Withheld is what of a prompt makes every face of this provider withhold the image.
const Withheld = "unspeakable"

var (
	shapesOfGemini = []string{"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"}
	shapesOfImagen = []string{"1:1", "3:4", "4:3", "9:16", "16:9"}
)

// drawsGemini reports whether a request is for an image: its answer shall be one.
func drawsGemini(body []byte) bool {
	for _, m := range rawjson.Elems(rawjson.Get(body, "generationConfig", "responseModalities")) {
		if rawjson.Text(m) == "IMAGE" {
			return true
		}
	}
	return false
}

// shaped returns the size of images of a shape: the longer side has 1024 points, of a class more.
func shaped(shape, class string) string {
	long := map[string]int{"": 1024, "1K": 1024, "2K": 2048, "4K": 4096}[class]
	a, b, _ := strings.Cut(shape, ":")
	w, _ := strconv.Atoi(a)
	h, _ := strconv.Atoi(b)
	if w == 0 || h == 0 {
		w, h = 1, 1
	}
	if w >= h {
		return strconv.Itoa(long) + "x" + strconv.Itoa(long*h/w)
	}
	return strconv.Itoa(long*w/h) + "x" + strconv.Itoa(long)
}

// isPicture reports whether base64 holds an image.
func isPicture(data string) bool {
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return false
	}
	_, _, err = image.DecodeConfig(bytes.NewReader(raw))
	return err == nil || webp(raw)
}

// drawGemini answers generateContent whose answer is an image.
func (x *exchange) drawGemini(model string) error {
	if err := x.object(); err != nil {
		return err
	}
	if f := geminiShapes.misfit(x.body, "GenerateContentRequest", nil); f != nil {
		return geminiMisfit(f)
	}
	config := rawjson.Get(x.body, "generationConfig")
	if n := rawjson.Get(config, "candidateCount"); n != nil && string(n) != "1" {
		return geminiInvalid("Multiple candidates is not enabled for this model")
	}
	var shape, class string
	for name, v := range rawjson.Members(rawjson.Get(config, "imageConfig")) {
		switch string(name) {
		case "aspectRatio":
			shape = rawjson.Text(v)
		case "imageSize":
			class = rawjson.Text(v)
		default:
			return geminiInvalid("Invalid JSON payload received. Unknown name %q at 'generation_config.image_config': Cannot find field.", name)
		}
	}
	if shape != "" && !slices.Contains(shapesOfGemini, shape) || class != "" && !slices.Contains([]string{"1K", "2K", "4K"}, class) {
		return geminiInvalid("* GenerateContentRequest.generation_config.image_config: aspect_ratio or image_size is not supported.\n")
	}
	if f := geminiFailures[model]; model != GeminiImageModel && f == nil && breakages[model] == breakNot {
		return geminiInvalid("Model does not support the requested response modalities: image")
	}
	var said []string
	var seen int64
	for _, c := range rawjson.Elems(rawjson.Get(x.body, "contents")) {
		for _, p := range rawjson.Elems(rawjson.Get(c, "parts")) {
			said = append(said, rawjson.Text(rawjson.Get(p, "text")))
			if in := rawjson.Get(p, "inlineData"); in != nil {
				if seen++; !isPicture(rawjson.Text(rawjson.Get(in, "data"))) {
					return geminiInvalid("Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting")
				}
			}
		}
	}
	prompt := strings.Join(said, "")
	if prompt == "" {
		return geminiInvalid("* GenerateContentRequest.contents: contents is not specified\n")
	}
	if done, err := x.misbehave(model, false); done || err != nil {
		return err
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("candidates").Open('[').Open('{')
	var drawn int64
	if strings.Contains(prompt, Withheld) {
		w.Name("content").Open('{').Close('}').Name("finishReason").String("IMAGE_SAFETY").Name("finishMessage").String("Unable to show the generated image.")
	} else {
		drawn = mediaTokens
		m := &media{values: map[string]string{"size": shaped(shape, class)}}
		w.Name("content").Open('{').Name("role").String("model").Name("parts").Open('[').Open('{').Name("inlineData").Open('{')
		w.Name("mimeType").String("image/png").Name("data").String(x.picture(m, 0, 1)).Close('}').Close('}').Close(']').Close('}').Name("finishReason").String("STOP")
	}
	w.Name("index").Int(0).Close('}').Close(']')
	in := tokens(len(prompt)) + seen*mediaTokens
	w.Name("usageMetadata").Open('{').Name("promptTokenCount").Int(in).Name("candidatesTokenCount").Int(drawn).Name("totalTokenCount").Int(in + drawn)
	w.Name("promptTokensDetails").Open('[').Open('{').Name("modality").String("TEXT").Name("tokenCount").Int(tokens(len(prompt))).Close('}')
	if seen > 0 {
		w.Open('{').Name("modality").String("IMAGE").Name("tokenCount").Int(seen * mediaTokens).Close('}')
	}
	w.Close(']').Name("candidatesTokensDetails").Open('[').Open('{').Name("modality").String("IMAGE").Name("tokenCount").Int(drawn).Close('}').Close(']').Close('}')
	w.Name("modelVersion").String(model).Name("responseId").String("sim" + ident(x.seed, 20))
	x.write(http.StatusOK, "application/json; charset=UTF-8", w.Close('}').Buf)
	return nil
}

// imagenWords are the parameters that Google AI takes, and their words or bounds.
var imagenWords = map[string]func(v []byte) bool{
	"sampleCount":             func(v []byte) bool { return whole(v) && within(v, 1, 4) },
	"aspectRatio":             func(v []byte) bool { return slices.Contains(shapesOfImagen, rawjson.Text(v)) },
	"sampleImageSize":         func(v []byte) bool { return slices.Contains([]string{"1K", "2K"}, rawjson.Text(v)) },
	"guidanceScale":           func(v []byte) bool { return within(v, 0, 500) },
	"personGeneration":        func(v []byte) bool { return rawjson.Kind(v) == '"' },
	"safetySetting":           func(v []byte) bool { return rawjson.Kind(v) == '"' },
	"includeSafetyAttributes": func(v []byte) bool { _, ok := rawjson.Bool(v); return ok },
	"includeRaiReason":        func(v []byte) bool { _, ok := rawjson.Bool(v); return ok },
	"language":                func(v []byte) bool { return rawjson.Kind(v) == '"' },
	"outputOptions": func(v []byte) bool {
		typ := rawjson.Text(rawjson.Get(v, "mimeType"))
		q := rawjson.Get(v, "compressionQuality")
		return (typ == "" || typ == "image/png" || typ == "image/jpeg") && (q == nil || typ == "image/jpeg" && within(q, 0, 100))
	},
}

// predictImages answers Imagen's method.
func (x *exchange) predictImages(model string) error {
	if err := x.object(); err != nil {
		return err
	}
	if model != ImagenModel {
		return noGeminiModel(model, "predict")
	}
	n, prompt := 0, ""
	for _, v := range rawjson.Elems(rawjson.Get(x.body, "instances")) {
		n, prompt = n+1, rawjson.Text(rawjson.Get(v, "prompt"))
		for name := range rawjson.Members(v) {
			if string(name) != "prompt" {
				return geminiInvalid("Image editing is not supported by this model: %s", name)
			}
		}
	}
	if n != 1 || prompt == "" {
		return geminiInvalid("The number of instances must be 1, and it must hold a prompt.")
	}
	count, m := int64(4), &media{values: map[string]string{}}
	var shape, class string
	reason := false
	for name, v := range rawjson.Members(rawjson.Get(x.body, "parameters")) {
		fits := imagenWords[string(name)]
		if fits == nil || !fits(v) {
			return geminiInvalid("%s is not supported or its value is invalid.", name)
		}
		switch string(name) {
		case "sampleCount":
			count, _ = rawjson.Int(v)
		case "aspectRatio":
			shape = rawjson.Text(v)
		case "sampleImageSize":
			class = rawjson.Text(v)
		case "includeRaiReason":
			reason, _ = rawjson.Bool(v)
		case "outputOptions":
			m.values["output_format"] = strings.TrimPrefix(rawjson.Text(rawjson.Get(v, "mimeType")), "image/")
		}
	}
	m.values["size"] = shaped(shape, class)
	w := &rawjson.Writer{}
	w.Open('{')
	switch {
	case !strings.Contains(prompt, Withheld):
		w.Name("predictions").Open('[')
		for i := range count {
			w.Open('{').Name("mimeType").String("image/" + m.or("output_format", "png")).Name("bytesBase64Encoded").String(x.picture(m, uint64(i), 1)).Close('}')
		}
		w.Close(']')
	case reason:
		w.Name("predictions").Open('[').Open('{').Name("raiFilteredReason").String("Unable to show generated images. All images were filtered out.").Close('}').Close(']')
	}
	x.write(http.StatusOK, "application/json; charset=UTF-8", w.Close('}').Buf)
	return nil
}
