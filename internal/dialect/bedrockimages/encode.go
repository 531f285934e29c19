package bedrockimages

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// mostOfAmazon is how many images one call to Amazon's models makes.
const mostOfAmazon = 5

// Makes implements dialect.Imager.
func (images) Makes(_ *llm.ImageRequest, facts llm.Facts) int64 {
	if familyOf(facts.Model).ofAmazon() {
		return mostOfAmazon
	}
	return 1
}

// encoder writes one body.
type encoder struct {
	dialect.ImageLosses
	w    rawjson.Writer
	own  bool // Bedrock's, in the words of the same maker
	kind family
}

// EncodeImage implements dialect.Imager.
func (images) EncodeImage(q *llm.ImageRequest, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	e := encoder{ImageLosses: dialect.ImageLosses{Of: q}, kind: familyOf(facts.Model)}
	if e.kind == unknown && q.From == llm.BedrockImages { // a name that says nothing, as of a profile of one's own
		if e.kind = stability; q.Form != formStability {
			e.kind = nova
		}
	}
	e.own = q.From == llm.BedrockImages && (q.Form == formStability) != e.kind.ofAmazon()
	var err error
	switch e.kind {
	case titan, nova:
		err = e.amazon()
	case stability, inpaint:
		err = e.stability()
	default:
		err = dialect.Unsaid("model", "no words are known here of the model "+facts.Model+"; its own client can ask it by InvokeModel")
	}
	if err != nil {
		return dialect.Call{}, nil, err
	}
	if q.From == llm.BedrockImages && !e.own { // it is of another maker's
		e.Members("the target's model has no such member")
	}
	return dialect.Call{Op: llm.OpImage, Path: path(facts.Model), Model: facts.Model, Body: e.w.Buf}, e.List, nil
}

// letters refuses texts that are longer than a model takes.
func (e *encoder) letters(name, text string, most int) error {
	if utf8.RuneCountInString(text) > most {
		return dialect.Unsaid(e.Word(name), fmt.Sprintf("this target takes at most %d letters there", most))
	}
	return nil
}

// amazon writes a task.
func (e *encoder) amazon() error {
	q, most := e.Of, 1024
	if e.kind == titan {
		most = 512
	}
	for name, text := range map[string]string{"prompt": q.Prompt, "negative_prompt": q.Negative} {
		if err := e.letters(name, text, most); err != nil {
			return err
		}
	}
	task, params := taskMake, paramsMake
	switch {
	case q.Mask != nil:
		task, params = taskInpaint, paramsInpaint
	case len(q.Images) > 0:
		task, params = taskVary, paramsVary
		if q.Kind == llm.ImageEdited && q.From != llm.BedrockImages {
			e.Add(q.Images[0].Path, "without a mask an image is varied by the prompt, not changed in place", llm.Changed)
		}
	}
	e.w.Open('{').Name("taskType").String(task).Name(params).Open('{')
	if q.Prompt != "" {
		e.w.Name("text").String(q.Prompt)
	}
	if q.Negative != "" {
		e.w.Name("negativeText").String(q.Negative)
	}
	if err := e.pictures(params); err != nil {
		return err
	}
	e.more(params)
	e.w.Close('}').Name(paramsImage).Open('{')
	if q.Count != 0 || !e.own { // Nova makes one, Titan too; said, it is sure
		e.w.Name("numberOfImages").Int(max(q.Count, 1))
	}
	if params != paramsInpaint || e.own {
		e.size()
	} else if q.Size.Said() {
		e.Change("size", "an image that is changed in place keeps its size")
	}
	if word := e.quality(); word != "" {
		e.w.Name("quality").String(word)
	}
	if q.Guidance != "" {
		e.w.Name("cfgScale").Num(string(q.Guidance))
	}
	if q.Seed != "" {
		e.w.Name("seed").Num(string(q.Seed))
	}
	e.more(paramsImage)
	e.w.Close('}')
	if e.own {
		for _, name := range dialect.Names(q.Extra) {
			if name != params && name != paramsImage {
				e.w.Name(name).Raw(q.Extra[name])
			}
		}
	}
	e.w.Close('}')
	if q.Format != "" && q.Format != "png" {
		e.Change("output_format", "the target makes PNG")
	}
	e.Rest(llm.BedrockImages, "negative_prompt", "size", "quality", "seed", "guidance_scale", "output_format")
	return nil
}

// more writes the members of a nested object that no field holds.
func (e *encoder) more(name string) {
	if e.own {
		for member, v := range rawjson.Members(e.Of.Extra[name]) {
			e.w.Name(string(member)).Raw(v)
		}
	}
}

// pictures writes the images of a task. Five can be varied together; one is changed where a mask says.
func (e *encoder) pictures(params string) error {
	q := e.Of
	if params == paramsMake {
		return nil
	}
	if n := len(q.Images); n > 5 || params == paramsInpaint && n != 1 {
		return dialect.Unsaid(q.Images[n-1].Path, "this target takes at most five images, and one where there is a mask")
	}
	if params == paramsInpaint {
		data, _, err := dialect.ImageData(&q.Images[0])
		if err != nil {
			return err
		}
		mask, err := dialect.MaskAs(q.Mask, llm.MarkBlack)
		if err != nil {
			return err
		}
		e.w.Name("image").String(data).Name("maskImage").String(mask)
		return nil
	}
	e.w.Name("images").Open('[')
	for i := range q.Images {
		data, _, err := dialect.ImageData(&q.Images[i])
		if err != nil {
			return err
		}
		e.w.String(data)
	}
	e.w.Close(']')
	return nil
}

// sizesOfTitan are the sizes Titan makes.
var sizesOfTitan = []string{
	"1024x1024", "768x768", "512x512", "768x1152", "384x576", "1152x768", "576x384", "768x1280", "384x640", "1280x768", "640x384",
	"896x1152", "448x576", "1152x896", "576x448", "768x1408", "384x704", "1408x768", "704x384", "640x1408", "320x704", "1408x640", "704x320",
	"1152x640", "1173x640",
}

// size writes the width and the height of the images.
func (e *encoder) size() {
	s := e.Of.Size
	if !s.Said() {
		return
	}
	w, h := dialect.Filled(s, 16)
	if !e.own {
		switch e.kind {
		case titan:
			exact := strconv.FormatInt(w, 10) + "x" + strconv.FormatInt(h, 10)
			if word, same := dialect.Nearest(w, h, sizesOfTitan); !slices.Contains(sizesOfTitan, exact) {
				w, h, _ = dialect.Pixels(word)
				if s.Width > 0 || !same {
					e.Change("size", "the nearest that the target makes is "+word)
				}
			}
			if side := dialect.Side(s.Class); s.Width == 0 && side > 1024 {
				e.Change("resolution", "the target makes none so large")
			}
		case nova:
			if fit, fh := fitNova(w, h); fit != w || fh != h {
				w, h = fit, fh
				e.Change("size", fmt.Sprintf("the nearest that the target makes is %dx%d", w, h))
			}
		}
	}
	e.w.Name("width").Int(w).Name("height").Int(h)
}

// fitNova makes a size fit: sides of 320 to 4096 that 16 divides, at most four times the other, at most four megapixels.
func fitNova(w, h int64) (int64, int64) {
	const least, most, area = 320, 4096, 4_194_304
	for w*h > area {
		w, h = w*15/16, h*15/16
	}
	w, h = min(max(w, least), most), min(max(h, least), most)
	w, h = min(w, 4*h), min(h, 4*w)
	return w / 16 * 16, h / 16 * 16
}

// quality returns the word of the target: standard or premium.
func (e *encoder) quality() string {
	switch q := e.Of.Quality; q {
	case "", "auto":
		return ""
	case "standard":
		return q
	case "hd":
		return "premium"
	case "high":
		e.Change("quality", "the target's word for it is premium")
		return "premium"
	default:
		if e.own {
			return q
		}
		e.Change("quality", "the target's word for it is standard")
		return "standard"
	}
}

// shapesOfStability are the shapes of Stability's images.
var shapesOfStability = []string{"1:1", "3:2", "2:3", "5:4", "4:5", "16:9", "9:16", "21:9", "9:21"}

// stability writes a call to Stability's models.
func (e *encoder) stability() error {
	q := e.Of
	for name, text := range map[string]string{"prompt": q.Prompt, "negative_prompt": q.Negative} {
		if err := e.letters(name, text, 10_000); err != nil {
			return err
		}
	}
	switch n := len(q.Images); {
	case q.Kind == llm.ImageVaried:
		return dialect.Unsaid(e.Word("image"), "this target makes no variations of an image; say in a prompt what shall change")
	case n > 1:
		return dialect.Unsaid(q.Images[1].Path, "this target takes one image")
	case e.kind == stability && q.Mask != nil:
		return dialect.Unsaid(q.Mask.Path, "this target takes no masks; stability.stable-image-inpaint does")
	case e.kind == inpaint && n == 0:
		return dialect.Unsaid(e.Word("prompt"), "this target changes an image, and there is none")
	}
	e.w.Open('{').Name("prompt").String(q.Prompt)
	if q.Negative != "" {
		e.w.Name("negative_prompt").String(q.Negative)
	}
	if err := e.painted(); err != nil {
		return err
	}
	if q.Seed != "" {
		e.w.Name("seed").Num(string(q.Seed))
	}
	have := []string{"negative_prompt", "seed", "output_format"}
	if e.own && q.Style != "" {
		e.w.Name("style_preset").String(q.Style)
		have = append(have, "style")
	}
	if len(q.Images) == 0 || e.own {
		have = append(have, "size")
		e.shape()
	}
	switch q.Format {
	case "":
	case "png", "jpeg", "webp":
		e.w.Name("output_format").String(q.Format)
	default:
		if e.own {
			e.w.Name("output_format").String(q.Format)
		} else {
			e.Change("output_format", "the target makes PNG, JPEG or WebP")
		}
	}
	if e.own {
		dialect.WriteExtra(&e.w, q.Extra)
	}
	e.w.Close('}')
	e.Rest(llm.BedrockImages, have...)
	return nil
}

// painted writes the image that is changed, and the mask.
func (e *encoder) painted() error {
	q := e.Of
	if len(q.Images) == 0 {
		return nil
	}
	data, _, err := dialect.ImageData(&q.Images[0])
	if err != nil {
		return err
	}
	if e.kind == stability {
		e.w.Name("mode").String("image-to-image")
	}
	e.w.Name("image").String(data)
	if e.kind == stability && !e.own {
		e.w.Name("strength").Num("0.7") // it demands one: how far the prompt leads away from the image
		e.Add("strength", "the target demands how far to lead away from the image, and nothing says it", llm.Filled)
	}
	if q.Mask == nil {
		return nil
	}
	mask, err := dialect.MaskAs(q.Mask, llm.MarkWhite)
	if err != nil {
		return err
	}
	e.w.Name("mask").String(mask)
	return nil
}

// shape writes the shape of an image.
func (e *encoder) shape() {
	s := e.Of.Size
	w, h, ok := dialect.Shape(s)
	if !ok {
		if side := dialect.Side(s.Class); side > 1024 {
			e.Change("resolution", "the target makes none so large")
		}
		return
	}
	word, same := dialect.Nearest(w, h, shapesOfStability)
	switch {
	case e.own:
		word = s.Aspect
	case s.Width > 0 && (s.Width != s.Height || s.Width != 1024):
		e.Change("size", "the target takes shapes in place of sizes; the nearest is "+word)
	case !same:
		e.Change("aspect_ratio", "the nearest of the target's is "+word)
	}
	if side := dialect.Side(s.Class); side > 1024 {
		e.Change("resolution", "the target makes none so large")
	}
	e.w.Name("aspect_ratio").String(word)
}
