package sim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/internal/rawjson"
)

// The models that draw where Bedrock is spoken, one in the words of each maker.
const (
	NovaImageModel      = "amazon.nova-canvas-sim"
	StabilityImageModel = "stability.sd3-sim"
)

// invoke answers InvokeModel of the models that draw.
func (x *exchange) invoke(model string) error {
	if err := x.object(); err != nil {
		return err
	}
	switch model {
	case NovaImageModel:
		return x.drawNova()
	case StabilityImageModel:
		return x.drawStability()
	}
	return bedrockInvalid("The provided model identifier is invalid.")
}

func extraneous(name []byte) *refusal {
	return bedrockInvalid("Malformed input request: #: extraneous key [%s] is not permitted, please reformat your input and try again.", name)
}

// novaTasks are the tasks with the members of their parameters.
var novaTasks = map[string]struct {
	params string
	has    []string
}{
	"TEXT_IMAGE":      {"textToImageParams", []string{"text", "negativeText", "style"}},
	"IMAGE_VARIATION": {"imageVariationParams", []string{"text", "negativeText", "images", "similarityStrength"}},
	"INPAINTING":      {"inPaintingParams", []string{"text", "negativeText", "image", "maskImage", "maskPrompt"}},
}

func (x *exchange) drawNova() error {
	task, known := novaTasks[rawjson.Text(rawjson.Get(x.body, "taskType"))]
	if !known {
		return bedrockInvalid("Malformed input request: #/taskType: is not a valid enum value, please reformat your input and try again.")
	}
	for name := range rawjson.Members(x.body) {
		if n := string(name); n != "taskType" && n != task.params && n != "imageGenerationConfig" {
			return extraneous(name)
		}
	}
	prompt := ""
	for name, v := range rawjson.Members(rawjson.Get(x.body, task.params)) {
		n := string(name)
		if !slices.Contains(task.has, n) {
			return extraneous(name)
		}
		switch n {
		case "text", "negativeText":
			text := rawjson.Text(v)
			if letters := utf8.RuneCountInString(text); letters < 1 || letters > 1024 {
				return bedrockInvalid("Malformed input request: #/%s/%s: expected maxLength: 1024, actual: %d, please reformat your input and try again.", task.params, n, letters)
			}
			if n == "text" {
				prompt = text
			}
		case "image", "maskImage":
			if !isPicture(rawjson.Text(v)) {
				return bedrockInvalid("Unable to decode base64 image(s). Please ensure that the input is a valid image.")
			}
		case "images":
			for _, one := range rawjson.Elems(v) {
				if !isPicture(rawjson.Text(one)) {
					return bedrockInvalid("Unable to decode base64 image(s). Please ensure that the input is a valid image.")
				}
			}
		}
	}
	if task.params == "textToImageParams" && prompt == "" {
		return bedrockInvalid("Malformed input request: #/textToImageParams: required key [text] not found, please reformat your input and try again.")
	}
	if task.params == "inPaintingParams" && (rawjson.Get(x.body, task.params, "image") == nil || rawjson.Get(x.body, task.params, "maskImage") == nil && rawjson.Get(x.body, task.params, "maskPrompt") == nil) {
		return bedrockInvalid("Please provide an image and either a mask or a mask prompt.")
	}
	count, width, height, no := novaConfig(rawjson.Get(x.body, "imageGenerationConfig"))
	if no != nil {
		return no
	}
	w := &rawjson.Writer{}
	if strings.Contains(prompt, Withheld) {
		w.Open('{').Name("images").Open('[').Close(']').Name("error").String("Content in the text prompt is not allowed by our content policy.").Close('}')
	} else {
		m := &media{values: map[string]string{"size": strconv.FormatInt(width, 10) + "x" + strconv.FormatInt(height, 10)}}
		w.Open('{').Name("images").Open('[')
		for i := range count {
			w.String(x.picture(m, uint64(i), 1))
		}
		w.Close(']').Close('}')
	}
	x.write(http.StatusOK, "application/json", w.Buf)
	return nil
}

func novaConfig(v []byte) (count, width, height int64, no *refusal) {
	count, width, height = 1, 1024, 1024
	for name, v := range rawjson.Members(v) {
		n, _ := rawjson.Int(v)
		var ok bool
		switch string(name) {
		case "numberOfImages":
			count, ok = n, whole(v) && within(v, 1, 5)
		case "width":
			width, ok = n, whole(v) && within(v, 320, 4096) && n%16 == 0
		case "height":
			height, ok = n, whole(v) && within(v, 320, 4096) && n%16 == 0
		case "quality":
			ok = rawjson.Text(v) == "standard" || rawjson.Text(v) == "premium"
		case "cfgScale":
			ok = within(v, 1, 10)
		case "seed":
			ok = whole(v) && within(v, 0, 858993459)
		default:
			return 0, 0, 0, extraneous(name)
		}
		if !ok {
			return 0, 0, 0, bedrockInvalid("Malformed input request: #/imageGenerationConfig/%s: its value is not permitted, please reformat your input and try again.", name)
		}
	}
	if width*height > 4_194_304 || width > 4*height || height > 4*width {
		return 0, 0, 0, bedrockInvalid("Image size is not supported: at most 4,194,304 pixels, and an aspect ratio between 1:4 and 4:1.")
	}
	return count, width, height, nil
}

func (x *exchange) drawStability() error {
	shapes := []string{"16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"}
	get := func(name string) string { return rawjson.Text(rawjson.Get(x.body, name)) }
	for name, v := range rawjson.Members(x.body) {
		var ok bool
		switch n := string(name); n {
		case "prompt", "negative_prompt":
			ok = rawjson.Text(v) != "" && utf8.RuneCountInString(rawjson.Text(v)) <= 10_000
		case "mode":
			ok = get(n) == "text-to-image" || get(n) == "image-to-image"
		case "aspect_ratio":
			ok = slices.Contains(shapes, get(n))
		case "output_format":
			ok = get(n) == "png" || get(n) == "jpeg"
		case "seed":
			ok = whole(v) && within(v, 0, 4294967294)
		case "image":
			ok = isPicture(get(n)) && get("mode") == "image-to-image" && rawjson.Get(x.body, "strength") != nil && get("aspect_ratio") == ""
		case "strength":
			ok = within(v, 0, 1)
		default:
			return extraneous(name)
		}
		if !ok {
			return bedrockInvalid("Malformed input request: #/%s: its value is not permitted, please reformat your input and try again.", name)
		}
	}
	if get("prompt") == "" {
		return bedrockInvalid("Malformed input request: #: required key [prompt] not found, please reformat your input and try again.")
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("seeds").Open('[').Int(int64(x.seed >> 40)).Close(']').Name("finish_reasons").Open('[')
	if strings.Contains(get("prompt"), Withheld) {
		w.String("Filter reason: prompt").Close(']').Name("images").Open('[').String("").Close(']')
	} else {
		m := &media{values: map[string]string{"size": shaped(get("aspect_ratio"), ""), "output_format": get("output_format")}}
		w.Null().Close(']').Name("images").Open('[').String(x.picture(m, 0, 1)).Close(']')
	}
	x.write(http.StatusOK, "application/json", w.Close('}').Buf)
	return nil
}
