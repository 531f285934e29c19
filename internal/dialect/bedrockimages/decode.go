package bedrockimages

import (
	"strconv"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Amazon's tasks, and the members that hold their parameters.
const (
	taskMake    = "TEXT_IMAGE"
	taskVary    = "IMAGE_VARIATION"
	taskInpaint = "INPAINTING"

	paramsMake    = "textToImageParams"
	paramsVary    = "imageVariationParams"
	paramsInpaint = "inPaintingParams"
	paramsImage   = "imageGenerationConfig"
)

// Forms of requests, by which dialect.ImageLosses finds their words.
const (
	formStability = "stability/"
	formAmazon    = "amazon/"
)

// DecodeImage implements dialect.Imager.
func (images) DecodeImage(c dialect.Call) (*llm.ImageRequest, error) {
	q := &llm.ImageRequest{From: llm.BedrockImages, Model: modelOf(c.Path)}
	var o dialect.Object
	o.Read(c.Body)
	kind := familyOf(q.Model)
	if kind == unknown {
		kind = stability
		if rawjson.Get(c.Body, "taskType") != nil {
			kind = nova
		}
	}
	var err error
	if kind.ofAmazon() {
		err = decodeAmazon(q, &o)
	} else {
		err = decodeStability(q, &o)
	}
	if err != nil {
		return nil, err
	}
	if o.Bad != nil {
		return nil, malformed(o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	for name, v := range o.Rest() {
		q.Extra = dialect.With(q.Extra, name, v)
	}
	return q, nil
}

func decodeAmazon(q *llm.ImageRequest, o *dialect.Object) error {
	var params string
	switch task := o.String("taskType"); task {
	case taskMake:
		params = paramsMake
	case taskVary:
		params, q.Kind = paramsVary, llm.ImageEdited
	case taskInpaint:
		params, q.Kind = paramsInpaint, llm.ImageEdited
	case "":
		return malformed("taskType", "taskType is missing")
	default:
		return dialect.Unsaid("taskType", "only Amazon's own models know the task "+task)
	}
	q.Form = formAmazon + params
	var bad error
	o.Sub(&q.Extra, params, func(p *dialect.Object) {
		q.Prompt, q.Negative = p.String("text"), p.String("negativeText")
		switch params {
		case paramsVary:
			for i, v := range rawjson.Elems(p.Take("images")) {
				q.Images = append(q.Images, picture(rawjson.Text(v), params+".images["+strconv.Itoa(i)+"]"))
			}
		case paramsInpaint:
			q.Images = append(q.Images, picture(p.String("image"), params+".image"))
			mask := p.String("maskImage")
			if mask == "" {
				bad = dialect.Unsaid(params+".maskPrompt", "only Amazon's own models look for what is to be changed")
				return
			}
			q.Mask = &llm.ImageMask{Part: picture(mask, params+".maskImage"), Marks: llm.MarkBlack}
		default:
			if p.Take("conditionImage") != nil {
				bad = dialect.Unsaid(params+".conditionImage", "only Amazon's own models take an image as a condition")
			}
		}
	})
	if bad != nil {
		return bad
	}
	o.Sub(&q.Extra, paramsImage, func(p *dialect.Object) {
		q.Count, q.Size.Width, q.Size.Height = p.Int("numberOfImages"), p.Int("width"), p.Int("height")
		q.Seed, q.Guidance = p.Num("seed"), p.Num("cfgScale")
		if q.Quality = p.String("quality"); q.Quality == "premium" {
			q.Quality = "hd"
		}
	})
	if q.Size.Width < 0 || q.Size.Height < 0 || (q.Size.Width == 0) != (q.Size.Height == 0) || q.Size.Width > 1<<16 || q.Size.Height > 1<<16 || q.Count < 0 {
		return malformed(paramsImage+".width", "width and height must both be said, in pixels")
	}
	if q.Kind == llm.ImageEdited && q.Prompt == "" && q.Mask == nil {
		q.Kind = llm.ImageVaried
	}
	return complete(q, params+".text", params+".images")
}

// complete refuses a request without what it is about.
func complete(q *llm.ImageRequest, prompt, image string) error {
	switch {
	case q.Kind == llm.ImageMade && q.Prompt == "":
		return malformed(prompt, prompt+" is missing or empty")
	case q.Kind != llm.ImageMade && len(q.Images) == 0:
		return malformed(image, "there is no image")
	}
	for i := range q.Images {
		if q.Images[i].Media.Data == "" {
			return malformed(q.Images[i].Path, "the image is empty")
		}
	}
	return nil
}

func picture(data, path string) llm.Part {
	return llm.Part{Kind: llm.PartImage, Path: path, Media: &llm.Blob{Type: dialect.ImageType(data), Data: data}}
}

func decodeStability(q *llm.ImageRequest, o *dialect.Object) error {
	q.Form = formStability
	q.Prompt, q.Negative, q.Format = o.String("prompt"), o.String("negative_prompt"), o.String("output_format")
	q.Size.Aspect, q.Seed, q.Style = o.String("aspect_ratio"), o.Num("seed"), o.String("style_preset")
	if a := q.Size.Aspect; a != "" {
		if _, _, ok := dialect.Ratio(a); !ok {
			return malformed("aspect_ratio", "aspect_ratio must be like 16:9")
		}
	}
	if data := o.String("image"); data != "" {
		q.Kind = llm.ImageEdited
		q.Images = append(q.Images, picture(data, "image"))
	}
	o.Take("mode") // it goes by whether there is an image
	if data := o.String("mask"); data != "" {
		q.Mask = &llm.ImageMask{Part: picture(data, "mask"), Marks: llm.MarkWhite}
	}
	if q.Mask != nil && q.Images == nil {
		return malformed("image", "there is a mask and no image")
	}
	if q.Prompt == "" {
		return malformed("prompt", "prompt is missing or empty")
	}
	return complete(q, "prompt", "image")
}
