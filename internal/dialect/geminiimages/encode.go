package geminiimages

import (
	"net/url"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// mostOfImagen is how many images one call to Imagen makes.
const mostOfImagen = 4

// Makes implements dialect.Imager.
func (images) Makes(_ *llm.ImageRequest, facts llm.Facts) int64 {
	if imagen(facts.Model) {
		return mostOfImagen
	}
	return 1
}

// EncodeImage implements dialect.Imager.
func (images) EncodeImage(q *llm.ImageRequest, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	l := &dialect.ImageLosses{Of: q}
	if q.Kind == llm.ImageVaried {
		return dialect.Call{}, nil, dialect.Unsaid(l.Word("image"), "this target makes no variations of an image; say in a prompt what shall change")
	}
	c := dialect.Call{Op: llm.OpImage, Model: facts.Model, Path: root + url.PathEscape(bare(facts.Model)) + ":"}
	var err error
	if imagen(facts.Model) {
		c.Path += predict
		c.Body, err = encodePredict(q, facts, l)
	} else {
		c.Path += generate
		c.Body, err = encodeGenerate(q, facts, l)
	}
	return c, l.List, err
}

// shapesOfGemini are the shapes of Gemini's images.
var shapesOfGemini = []string{"1:1", "3:2", "2:3", "4:3", "3:4", "5:4", "4:5", "16:9", "9:16", "21:9"}

// encodeGenerate writes a question to a model of Gemini's.
func encodeGenerate(q *llm.ImageRequest, facts llm.Facts, l *dialect.ImageLosses) ([]byte, error) {
	if q.Mask != nil {
		return nil, dialect.Unsaid(q.Mask.Path, "this target takes no masks; say in the prompt where the image shall change")
	}
	name := facts.Model[strings.LastIndexByte(facts.Model, '/')+1:]
	var w rawjson.Writer
	w.Open('{').Name("contents").Open('[').Open('{').Name("role").String("user").Name("parts").Open('[')
	for i := range q.Images {
		data, typ, err := dialect.ImageData(&q.Images[i])
		if err != nil {
			return nil, err
		}
		w.Open('{').Name("inlineData").Open('{').Name("mimeType").String(typ).Name("data").String(data).Close('}').Close('}')
	}
	w.Open('{').Name("text").String(q.Prompt).Close('}').Close(']').Close('}').Close(']')
	w.Name("generationConfig").Open('{').Name("responseModalities").Open('[')
	if strings.HasPrefix(name, "gemini-2.0") { // it makes none without words
		w.String("TEXT")
	}
	w.String("IMAGE").Close(']')
	if q.Seed != "" {
		w.Name("seed").Num(string(q.Seed))
	}
	if !strings.HasPrefix(name, "gemini-2.0") {
		var classes []string
		if !strings.HasPrefix(name, "gemini-2.") {
			classes = []string{"1K", "2K", "4K"}
		}
		shape, class := sized(q, l, shapesOfGemini, classes)
		if shape != "" || class != "" {
			w.Name("imageConfig").Open('{')
			if shape != "" {
				w.Name("aspectRatio").String(shape)
			}
			if class != "" {
				w.Name("imageSize").String(class)
			}
			w.Close('}')
		}
		l.Rest(llm.GeminiImages, "seed", "size")
	} else {
		l.Rest(llm.GeminiImages, "seed")
	}
	if q.From == llm.GeminiImages { // they are Imagen's
		l.One()
		l.Members("the target's model has no such member")
	}
	return w.Close('}').Close('}').Buf, nil
}

// sized says a size in shapes and classes.
func sized(q *llm.ImageRequest, l *dialect.ImageLosses, shapes, classes []string) (shape, class string) {
	s := q.Size
	same := true
	if w, h, ok := dialect.Shape(s); ok {
		shape, same = dialect.Nearest(w, h, shapes)
	}
	class = strings.ToUpper(s.Class)
	if s.Width > 0 {
		if class = dialect.Class(s.Width, s.Height); class == "1K" {
			class = "" // as it is
		}
		side := dialect.Side(class)
		if side == 0 {
			side = 1024
		}
		if s.Width != s.Height || s.Width != side || class != "" && !slices.Contains(classes, class) {
			l.Change("size", "the target takes shapes in place of sizes; the nearest is "+shape)
		}
	} else if !same {
		l.Change("aspect_ratio", "the nearest of the target's is "+shape)
	}
	if class == "" || slices.Contains(classes, class) {
		return shape, class
	}
	if s.Width == 0 && class != "1K" {
		l.Change("resolution", "the target makes none of this size")
	}
	if class != "1K" && len(classes) > 0 {
		return shape, classes[len(classes)-1]
	}
	return shape, ""
}

// shapesOfImagen are the shapes of Imagen's images.
var shapesOfImagen = []string{"1:1", "4:3", "3:4", "16:9", "9:16"}

// encodePredict writes a call to Imagen.
func encodePredict(q *llm.ImageRequest, facts llm.Facts, l *dialect.ImageLosses) ([]byte, error) {
	own := q.From == llm.GeminiImages
	var w rawjson.Writer
	w.Open('{').Name("instances").Open('[').Open('{').Name("prompt").String(q.Prompt)
	if len(q.Images) > 0 {
		if !strings.Contains(facts.Model, "capability") {
			return nil, dialect.Unsaid(q.Images[0].Path, "this model changes no images; Vertex AI's imagen-3.0-capability-001 does")
		}
		if err := writeReferences(&w, q, own); err != nil {
			return nil, err
		}
	}
	const instance = "instances[0]."
	if own {
		for _, name := range dialect.Names(q.Extra) {
			if rest, ok := strings.CutPrefix(name, instance); ok {
				w.Name(rest).Raw(q.Extra[name])
			}
		}
	}
	w.Close('}').Close(']').Name("parameters").Open('{')
	if q.Count != 0 || !own { // Google AI makes four where nothing is said
		w.Name("sampleCount").Int(max(q.Count, 1))
	}
	if own {
		writeOwnSize(&w, q)
	} else {
		var classes []string
		if strings.HasPrefix(facts.Model, "imagen-4") && !strings.Contains(facts.Model, "fast") {
			classes = []string{"1K", "2K"}
		}
		shape, class := sized(q, l, shapesOfImagen, classes)
		if shape != "" {
			w.Name("aspectRatio").String(shape)
		}
		if class != "" {
			w.Name("sampleImageSize").String(class)
		}
	}
	have := []string{"size", "guidance_scale", "output_format", "output_compression"}
	vertex := facts.Provider == "vertex"
	if q.Negative != "" && (own || vertex && knowsNegatives(facts.Model)) {
		have = append(have, "negative_prompt")
		w.Name("negativePrompt").String(q.Negative)
	}
	if q.Seed != "" && (own || vertex) {
		have = append(have, "seed")
		w.Name("seed").Num(string(q.Seed))
		if !own {
			w.Name("addWatermark").Bool(false) // Imagen takes no seed with it
		}
	}
	if q.Guidance != "" {
		w.Name("guidanceScale").Num(string(q.Guidance))
	}
	if q.Mask != nil {
		w.Name("editMode").String("EDIT_MODE_INPAINT_INSERTION")
	}
	writeOutput(&w, q, l, own)
	if own {
		for name, v := range rawjson.Members(q.Extra["parameters"]) {
			w.Name(string(name)).Raw(v)
		}
	}
	w.Close('}')
	if own {
		for _, name := range dialect.Names(q.Extra) {
			if name != "parameters" && !strings.HasPrefix(name, "parameters.") && !strings.HasPrefix(name, instance) {
				w.Name(name).Raw(q.Extra[name])
			}
		}
	}
	l.Rest(llm.GeminiImages, have...)
	return w.Close('}').Buf, nil
}

// knowsNegatives reports whether a model takes what shall not be in an image. Newer ones do not.
func knowsNegatives(model string) bool {
	for _, older := range [...]string{"imagegeneration", "imagen-3.0-generate-001", "imagen-3.0-fast", "imagen-3.0-capability"} {
		if strings.Contains(model, older) {
			return true
		}
	}
	return false
}

func writeOwnSize(w *rawjson.Writer, q *llm.ImageRequest) {
	if q.Size.Aspect != "" {
		w.Name("aspectRatio").String(q.Size.Aspect)
	}
	if q.Size.Class != "" {
		w.Name("sampleImageSize").String(q.Size.Class)
	}
}

// writeOutput writes the format. Imagen knows two.
func writeOutput(w *rawjson.Writer, q *llm.ImageRequest, l *dialect.ImageLosses, own bool) {
	format := q.Format
	if !own && format != "" && format != "png" && format != "jpeg" {
		l.Change("output_format", "the target makes PNG or JPEG")
		format = ""
	}
	compression := q.Compression
	if !own && compression != "" && format != "jpeg" {
		l.Drop("output_compression", "only JPEG is compressed so here")
		compression = ""
	}
	rest := q.Extra["parameters.outputOptions"]
	if format == "" && compression == "" && rest == nil {
		return
	}
	w.Name("outputOptions").Open('{')
	if format != "" {
		w.Name("mimeType").String("image/" + format)
	}
	if compression != "" {
		w.Name("compressionQuality").Num(string(compression))
	}
	if own {
		for name, v := range rawjson.Members(rest) {
			w.Name(string(name)).Raw(v)
		}
	}
	w.Close('}')
}

// writeReferences writes the images that a prompt is about, with numbers from 1, and the mask.
func writeReferences(w *rawjson.Writer, q *llm.ImageRequest, own bool) error {
	w.Name("referenceImages").Open('[')
	for i := range q.Images {
		b := q.Images[i].Media
		w.Open('{').Name("referenceType").String(typeRaw).Name("referenceId").Int(int64(i + 1)).Name("referenceImage").Open('{')
		if b != nil && strings.HasPrefix(b.URL, "gs://") {
			w.Name("gcsUri").String(b.URL).Close('}').Close('}')
			continue
		}
		data, typ, err := dialect.ImageData(&q.Images[i])
		if err != nil {
			return err
		}
		w.Name("bytesBase64Encoded").String(data)
		if own {
			w.Name("mimeType").String(typ)
		}
		w.Close('}').Close('}')
	}
	if q.Mask != nil {
		data, err := dialect.MaskAs(q.Mask, llm.MarkWhite)
		if err != nil {
			return err
		}
		w.Open('{').Name("referenceType").String(typeMask).Name("referenceId").Int(int64(len(q.Images) + 1))
		w.Name("referenceImage").Open('{').Name("bytesBase64Encoded").String(data).Close('}')
		w.Name("maskImageConfig").Open('{').Name("maskMode").String(maskGiven).Close('}').Close('}')
	}
	w.Close(']')
	return nil
}
