package geminiimages

import (
	"fmt"
	"net/url"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeImage implements dialect.Imager. It reads what Imagen is asked: one instance, that is one prompt.
func (images) DecodeImage(c dialect.Call) (*llm.ImageRequest, error) {
	q := &llm.ImageRequest{From: llm.GeminiImages}
	at, _ := cutPath(c.Path)
	q.Model, _ = url.PathUnescape(at.model)
	if at.action == generate {
		return decodeContents(q, c.Body)
	}
	var o dialect.Object
	o.Read(c.Body)
	n := 0
	for _, v := range rawjson.Elems(o.Take("instances")) {
		if n++; n == 1 {
			if err := readInstance(q, v); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case n == 0:
		return nil, malformed("instances", "instances must hold an object with a prompt")
	case n > 1:
		return nil, dialect.Unsaid("instances", "another dialect takes one prompt a call")
	case q.Prompt == "":
		return nil, malformed("instances[0].prompt", "instances[0].prompt is missing or empty")
	}
	o.Sub(&q.Extra, "parameters", func(p *dialect.Object) { readParameters(q, p) })
	if o.Bad != nil {
		return nil, malformed(o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	if q.Count < 0 {
		return nil, malformed("parameters.sampleCount", "parameters.sampleCount must not be negative")
	}
	if a := q.Size.Aspect; a != "" {
		if _, _, ok := dialect.Ratio(a); !ok {
			return nil, malformed("parameters.aspectRatio", "parameters.aspectRatio must be like 16:9")
		}
	}
	for name, v := range o.Rest() {
		q.Extra = dialect.With(q.Extra, name, v)
	}
	return q, nil
}

// readInstance reads a prompt and the images that it refers to. Vertex AI names them by numbers and says what they are for.
func readInstance(q *llm.ImageRequest, v []byte) error {
	if rawjson.Kind(v) != '{' {
		return malformed("instances[0]", "instances[0] must be an object")
	}
	var o dialect.Object
	o.Read(v)
	q.Prompt = o.String("prompt")
	for i, ref := range rawjson.Elems(o.Take("referenceImages")) {
		path := fmt.Sprintf("instances[0].referenceImages[%d]", i)
		p, err := readReference(ref, path)
		if err != nil {
			return err
		}
		switch kind := rawjson.Text(rawjson.Get(ref, "referenceType")); kind {
		case typeRaw, "":
			q.Images = append(q.Images, p)
		case typeMask:
			mode := rawjson.Text(rawjson.Get(ref, "maskImageConfig", "maskMode"))
			if mode != "" && mode != maskGiven || q.Mask != nil || p.Media.Data == "" {
				return dialect.Unsaid(path, "only a mask that is brought can be said to another model, and one of them")
			}
			q.Mask = &llm.ImageMask{Part: p, Marks: llm.MarkWhite}
		default:
			return dialect.Unsaid(path, "only its own models know images of the type "+kind)
		}
	}
	if q.Images != nil {
		q.Kind = llm.ImageEdited
	}
	if q.Mask != nil && q.Images == nil {
		return malformed("instances[0].referenceImages", "there is a mask and no image")
	}
	for name, raw := range o.Rest() {
		q.Extra = dialect.With(q.Extra, "instances[0]."+name, raw)
	}
	if o.Bad != nil {
		return malformed("instances[0]."+o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	return nil
}

// Words of Vertex AI for images that a prompt refers to.
const (
	typeRaw   = "REFERENCE_TYPE_RAW"
	typeMask  = "REFERENCE_TYPE_MASK"
	maskGiven = "MASK_MODE_USER_PROVIDED"
)

func readReference(v []byte, path string) (llm.Part, error) {
	p := llm.Part{Kind: llm.PartImage, Path: path, Media: &llm.Blob{}}
	in := rawjson.Get(v, "referenceImage")
	p.Media.Data, p.Media.URL = rawjson.Text(rawjson.Get(in, "bytesBase64Encoded")), rawjson.Text(rawjson.Get(in, "gcsUri"))
	if p.Media.Data != "" {
		p.Media.Type, p.Media.URL = rawjson.Text(rawjson.Get(in, "mimeType")), ""
		if p.Media.Type == "" {
			p.Media.Type = dialect.ImageType(p.Media.Data)
		}
	}
	if p.Media.Data == "" && p.Media.URL == "" {
		mode := rawjson.Text(rawjson.Get(v, "maskImageConfig", "maskMode"))
		if mode == "" || mode == maskGiven {
			return p, malformed(path, path+" holds no image")
		}
	}
	return p, nil
}

func readParameters(q *llm.ImageRequest, p *dialect.Object) {
	q.Count = p.Int("sampleCount")
	q.Size.Aspect, q.Negative = p.String("aspectRatio"), p.String("negativePrompt")
	for _, name := range [...]string{"sampleImageSize", "imageSize"} {
		if s := p.String(name); s != "" {
			q.Size.Class = s
		}
	}
	q.Seed, q.Guidance = p.Num("seed"), p.Num("guidanceScale")
	if q.Kind == llm.ImageEdited {
		p.Take("editMode") // what is done goes by what is brought
	}
	var x llm.Extra
	p.Sub(&x, "outputOptions", func(o *dialect.Object) {
		q.Format = strings.TrimPrefix(o.String("mimeType"), "image/")
		q.Compression = o.Num("compressionQuality")
	})
	if x != nil {
		q.Extra = dialect.With(q.Extra, "parameters.outputOptions", x["outputOptions"])
	}
}

// decodeContents reads what a model of Gemini's is asked, which this package wrote.
func decodeContents(q *llm.ImageRequest, body []byte) (*llm.ImageRequest, error) {
	for _, c := range rawjson.Elems(rawjson.Get(body, "contents")) {
		for i, p := range rawjson.Elems(rawjson.Get(c, "parts")) {
			if s, ok := rawjson.String(rawjson.Get(p, "text")); ok {
				q.Prompt += s
			}
			if in := rawjson.Get(p, "inlineData"); rawjson.Kind(in) == '{' {
				b := &llm.Blob{Type: rawjson.Text(rawjson.Get(in, "mimeType")), Data: rawjson.Text(rawjson.Get(in, "data"))}
				q.Images = append(q.Images, llm.Part{Kind: llm.PartImage, Media: b, Path: fmt.Sprintf("contents[0].parts[%d]", i)})
			}
		}
	}
	config := rawjson.Get(body, "generationConfig")
	in := rawjson.Get(config, "imageConfig")
	q.Size.Aspect, q.Size.Class = rawjson.Text(rawjson.Get(in, "aspectRatio")), rawjson.Text(rawjson.Get(in, "imageSize"))
	q.Seed = llm.Num(rawjson.Num(rawjson.Get(config, "seed")))
	if q.Images != nil {
		q.Kind = llm.ImageEdited
	}
	if q.Prompt == "" {
		return nil, malformed("contents", "contents hold no prompt")
	}
	return q, nil
}
