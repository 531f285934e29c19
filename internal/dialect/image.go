package dialect

import (
	"slices"
	"strings"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Imager is implemented by dialects in which images can be asked for: their full face. As with Codec, encoders never
// change what they are given, and what could not be said is in the losses returned.
type Imager interface {
	// DecodeImage reads a call that passed Peek. The error is a *fault.Fault with Param: Malformed, or Unsupported where
	// the call is right and only its own dialect can say it.
	DecodeImage(Call) (*llm.ImageRequest, error)
	EncodeImage(*llm.ImageRequest, llm.Facts) (Call, []llm.Loss, error)
	// DecodeImages reads an answer. The error is a *fault.Fault: of kind ContentPolicy where the answer says that nothing
	// was made because of what was asked.
	DecodeImages([]byte) (*llm.ImageResponse, error)
	// EncodeImages writes an answer for the request it answers: a JSON body or, where the client wants one, a stream.
	EncodeImages(*llm.ImageRequest, *llm.ImageResponse) ([]byte, []llm.Loss, error)
	// Makes returns how many images one call to a model brings at most.
	Makes(*llm.ImageRequest, llm.Facts) int64
}

// Fitter is implemented by dialects whose speakers differ so much that a call may have to be said anew for a target, though
// it is in the target's dialect.
type Fitter interface {
	// Fits reports whether the bytes of a call will do for a target.
	Fits(*Call, llm.Facts) bool
}

// ImageWord returns the name that a dialect has for a setting of a request for images, which is the path a loss names in
// the client's document. name is OpenAI's; what it has no name for is called seed, negative_prompt, guidance_scale,
// aspect_ratio and resolution.
func ImageWord(d llm.Dialect, name string) string {
	if word := imageWords[d][name]; word != "" {
		return word
	}
	return name
}

var imageWords = map[llm.Dialect]map[string]string{
	llm.GeminiImages: {
		"prompt": "instances[0].prompt", "n": "parameters.sampleCount", "size": "parameters.aspectRatio", "aspect_ratio": "parameters.aspectRatio",
		"resolution": "parameters.sampleImageSize", "negative_prompt": "parameters.negativePrompt", "seed": "parameters.seed",
		"guidance_scale": "parameters.guidanceScale", "output_format": "parameters.outputOptions.mimeType",
		"output_compression": "parameters.outputOptions.compressionQuality", "mask": "instances[0].referenceImages", "image": "instances[0].referenceImages",
	},
	llm.BedrockImages: {
		"n": "imageGenerationConfig.numberOfImages", "size": "imageGenerationConfig.width", "quality": "imageGenerationConfig.quality",
		"seed": "imageGenerationConfig.seed", "guidance_scale": "imageGenerationConfig.cfgScale",
	},
}

// ImageLosses notes what of a request for images from another dialect has no place.
type ImageLosses struct {
	Losses
	Of *llm.ImageRequest
}

// Word returns where a setting stands in the client's document, by its name in ImageWord.
func (l *ImageLosses) Word(name string) string {
	if name == "size" && l.Of.Size.Width == 0 && l.Of.Size.Aspect != "" {
		name = "aspect_ratio"
	}
	word := ImageWord(l.Of.From, name)
	if head, of, dotted := strings.Cut(l.Of.Form, "/"); dotted { // where forms of one dialect differ in it
		if own := imageForms[head][name]; own != "" {
			return own
		}
		if name == "prompt" || name == "negative_prompt" || name == "image" || name == "mask" {
			return of + "." + imageParams[name]
		}
	}
	return word
}

// Drop notes that a setting is not said, by its name in ImageWord.
func (l *ImageLosses) Drop(name, why string) { l.Add(l.Word(name), why, llm.Dropped) }

// Change notes that a setting is said in another way.
func (l *ImageLosses) Change(name, why string) { l.Add(l.Word(name), why, llm.Changed) }

// imageForms are the words of Bedrock's families that differ from the others'.
var imageForms = map[string]map[string]string{
	"stability": {
		"prompt": "prompt", "negative_prompt": "negative_prompt", "image": "image", "mask": "mask", "size": "aspect_ratio", "aspect_ratio": "aspect_ratio",
		"seed": "seed", "output_format": "output_format", "n": "n",
	},
}

// imageParams are Amazon's words within the parameters of a task.
var imageParams = map[string]string{"prompt": "text", "negative_prompt": "negativeText", "image": "images", "mask": "maskImage"}

// Rest notes the settings that the dialect encoded to, own, has no place for; have are those it has, by their names in
// ImageWord. What is as every model does it anyway is no loss.
func (l *ImageLosses) Rest(own llm.Dialect, have ...string) {
	q := l.Of
	say := func(set bool, name, why string) {
		if set && !slices.Contains(have, name) {
			l.Drop(name, why)
		}
	}
	const none = "there is no such setting here"
	say(q.Negative != "", "negative_prompt", none)
	say(q.Size.Said(), "size", "the model chooses the size")
	say(q.Quality != "" && q.Quality != "auto", "quality", none)
	say(q.Style != "", "style", none)
	say(q.Background == "transparent", "background", "backgrounds are opaque here")
	say(q.Format != "", "output_format", "the model chooses the format")
	say(q.Compression != "", "output_compression", none)
	say(q.Fidelity != "", "input_fidelity", none)
	say(q.Moderation != "" && q.Moderation != "auto", "moderation", none)
	say(q.Seed != "", "seed", none)
	say(q.Guidance != "", "guidance_scale", none)
	say(q.User != "", "user", none)
	say(q.Partial > 0, "partial_images", "only finished images come from here")
	if q.Return == llm.ReturnURL && !slices.Contains(have, "response_format") {
		l.Change("response_format", "images come as data here, so an address holds its image")
	}
	if q.From == own {
		return
	}
	l.One()
	l.Members("there is no such member here")
	for i := range q.Images {
		for _, name := range Names(q.Images[i].Extra) {
			l.Add(Under(q.Images[i].Path, name), "there is no such member here", llm.Dropped)
		}
	}
}

// One notes that a request for images of Imagen's which does not say how many is for one here: there it is for four.
func (l *ImageLosses) One() {
	if l.Of.From == llm.GeminiImages && l.Of.Count == 0 {
		l.Add(l.Word("n"), "one image is made where nothing is said, and not four", llm.Filled)
	}
}

// Members notes each member that no field holds, of objects within the call too.
func (l *ImageLosses) Members(why string) {
	for _, name := range Names(l.Of.Extra) {
		v := l.Of.Extra[name]
		if l.Of.From == llm.OpenAIImages || rawjson.Kind(v) != '{' {
			l.Add(name, why, llm.Dropped)
			continue
		}
		for member := range rawjson.Members(v) {
			l.Add(name+"."+string(member), why, llm.Dropped)
		}
	}
}

// ImageData returns the base64 of an image that a request brings, and its media type, for a target that takes nothing else.
func ImageData(p *llm.Part) (data, typ string, err error) {
	b := p.Media
	switch {
	case b == nil || b.Data == "" && b.URL == "" && b.FileID == "":
		return "", "", Unsaid(p.Path, "the image is empty")
	case b.URL != "":
		return "", "", Unsaid(p.Path, "this target does not read addresses; send the image itself")
	case b.FileID != "":
		return "", "", Unsaid(p.Path, "a file kept at another provider; send the image itself")
	}
	if typ = b.Type; typ == "" || typ == "application/octet-stream" {
		typ = ImageType(b.Data)
	}
	return b.Data, typ, nil
}

// ImageAt makes a part of an image as dialects write it: an address, which may hold the image itself.
func ImageAt(url, path string) llm.Part {
	p := llm.Part{Kind: llm.PartImage, Path: path, Media: &llm.Blob{}}
	if typ, data, ok := DataURL(url); ok {
		p.Media.Type, p.Media.Data = typ, data
	} else {
		p.Media.URL = url
	}
	return p
}

// DataURL takes an address apart that holds what it is of as base64.
func DataURL(url string) (typ, data string, ok bool) {
	rest, ok := strings.CutPrefix(url, "data:")
	if !ok {
		return "", "", false
	}
	head, data, ok := strings.Cut(rest, ",")
	typ, isBase64 := strings.CutSuffix(head, ";base64")
	if !ok || !isBase64 {
		return "", "", false
	}
	return typ, data, true
}

// LoseImages notes what an answer of another dialect holds and the dialect it is written in has no place for.
func LoseImages(a *llm.ImageResponse, own llm.Dialect, l *Losses) {
	if a.Missing > 0 {
		l.Add("answer.images", "some were not made: "+a.Why, llm.Dropped)
	}
	if a.Text != "" {
		l.Add("answer.text", "an answer is images alone here", llm.Dropped)
	}
	if a.Thoughts {
		l.Add("answer.reasoning", "an answer is images alone here", llm.Dropped)
	}
	if a.From == own {
		return
	}
	for _, name := range Names(a.Extra) {
		if Says(a.Extra[name]) {
			l.Add("answer."+name, "there is no such member here", Weigh(name))
		}
	}
	for i := range a.Images {
		for _, name := range Names(a.Images[i].Extra) {
			if Says(a.Images[i].Extra[name]) {
				l.Add("answer.images."+name, "there is no such member here", Weigh(name))
			}
		}
	}
}
