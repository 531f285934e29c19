package openaiimages

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/form"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// unknown are OpenAI's members that xAI and Together refuse or do not heed.
var unknown = []string{
	"size", "quality", "style", "background", "output_format", "output_compression", "moderation", "partial_images", "stream", "input_fidelity", "images", "mask",
}

// Fits implements dialect.Fitter: OpenAI's own words pass as they are, except to those who have others.
func (images) Fits(c *dialect.Call, facts llm.Facts) bool {
	t := tongueOf(facts)
	if t.aspects == nil && !t.sides {
		return true
	}
	if form.Is(c.Header.Get("Content-Type")) {
		return false
	}
	for name, v := range rawjson.Members(c.Body) {
		n := string(name)
		switch {
		case rawjson.IsNull(v):
		case n == "response_format" && t.data != llm.ReturnData && rawjson.Text(v) == llm.ReturnData:
			return false
		case slices.Contains(unknown, n) && !(n == "output_format" && t.sides) && !(n == "stream" && rawjson.Kind(v) == 'f'):
			return false
		}
	}
	return true
}

// encoder writes one call.
type encoder struct {
	dialect.ImageLosses
	t     tongue
	facts llm.Facts
	own   bool
	out   fields
}

// EncodeImage implements dialect.Imager. A request from elsewhere is asked for as base64.
func (images) EncodeImage(q *llm.ImageRequest, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	e := encoder{ImageLosses: dialect.ImageLosses{Of: q}, t: tongueOf(facts), facts: facts, own: q.From == llm.OpenAIImages}
	if err := e.possible(); err != nil {
		return dialect.Call{}, nil, err
	}
	c := dialect.Call{Op: llm.OpImage, Path: Generations, Model: facts.Model}
	switch {
	case q.Kind == llm.ImageVaried:
		c.Op, c.Path = llm.OpImageEdit, Variations
	case len(q.Images) > 0 && e.t.edits != inImageURL:
		c.Op, c.Path = llm.OpImageEdit, Edits
	}
	e.out.form = e.asForm()
	e.out.begin()
	e.out.text("model", facts.Model)
	e.settings()
	if err := e.images(); err != nil {
		return dialect.Call{}, nil, err
	}
	if e.own {
		for _, name := range dialect.Names(q.Extra) {
			e.out.raw(name, q.Extra[name])
		}
	}
	e.Rest(llm.OpenAIImages, e.t.has()...)
	var kind string
	if c.Body, kind = e.out.end(); kind != "" {
		c.Header = http.Header{"Content-Type": {kind}}
	}
	return c, e.List, nil
}

// possible refuses what the model cannot do.
func (e *encoder) possible() error {
	q := e.Of
	switch {
	case q.Kind == llm.ImageVaried && !e.t.varies:
		return dialect.Unsaid(e.Word("image"), "this target makes no variations of an image; say in a prompt what shall change")
	case len(q.Images) > 0 && e.t.edits == "":
		return dialect.Unsaid(q.Images[0].Path, "this target changes no images")
	case q.Mask != nil && e.t.lacking("mask"):
		return dialect.Unsaid(q.Mask.Path, "this target takes no masks; say in the prompt where the image shall change")
	case e.t.prompt > 0 && utf8.RuneCountInString(q.Prompt) > e.t.prompt:
		return dialect.Unsaid(e.Word("prompt"), fmt.Sprintf("this target takes prompts of at most %d letters", e.t.prompt))
	}
	return nil
}

// asForm reports whether the call is a form: where it brings images, and all of them are here.
func (e *encoder) asForm() bool {
	if len(e.Of.Images) == 0 || e.t.edits != inForm || e.own && e.Of.Form != asForm {
		return false
	}
	return !slices.ContainsFunc(e.Of.Images, func(p llm.Part) bool { return p.Media.Data == "" })
}

// settings writes all but the images.
func (e *encoder) settings() {
	q, t := e.Of, &e.t
	say := func(name, value string) {
		if value != "" && !t.lacking(name) {
			e.out.text(name, value)
		}
	}
	num := func(name string, n llm.Num) {
		if n != "" && !t.lacking(name) {
			e.out.raw(name, []byte(n))
		}
	}
	say("prompt", q.Prompt)
	say("negative_prompt", q.Negative)
	if q.Count != 0 {
		e.out.raw("n", strconv.AppendInt(nil, q.Count, 10))
	}
	e.size()
	if !t.lacking("quality") {
		say("quality", e.quality())
	}
	say("style", q.Style)
	say("background", q.Background)
	say("output_format", q.Format)
	num("output_compression", q.Compression)
	say("input_fidelity", q.Fidelity)
	say("moderation", q.Moderation)
	say("user", q.User)
	num("seed", q.Seed)
	num("guidance_scale", q.Guidance)
	if e.own && q.Stream && t.streams {
		e.out.raw("stream", []byte("true"))
	}
	if q.Partial > 0 && !t.lacking("partial_images") {
		e.out.raw("partial_images", strconv.AppendInt(nil, q.Partial, 10))
	}
	switch as := q.Return; {
	case t.data == "":
	case !e.own || as == llm.ReturnData || as != "" && q.Stream && !t.streams:
		e.out.text("response_format", t.data)
	case as != "":
		e.out.text("response_format", as)
	case q.Stream && !t.streams:
		e.out.text("response_format", t.data)
	}
}

// size writes the size as the target can say it.
func (e *encoder) size() {
	s, t := e.Of.Size, &e.t
	pixels := func(w, h int64) string { return strconv.FormatInt(w, 10) + "x" + strconv.FormatInt(h, 10) }
	switch {
	case !s.Said():
		if s.Word != "" && t.aspects == nil && !t.sides && !t.lacking("size") {
			e.out.text("size", s.Word)
		}
	case t.lacking("size"):
	case t.aspects != nil:
		e.shape()
	case t.sides:
		w, h := dialect.Filled(s, 16)
		e.out.raw("width", strconv.AppendInt(nil, w, 10))
		e.out.raw("height", strconv.AppendInt(nil, h, 10))
	case t.sizes != nil:
		w, h, ok := dialect.Shape(s)
		if !ok {
			w, h = 1, 1
		}
		word, same := dialect.Nearest(w, h, t.sizes)
		if exact := pixels(w, h); slices.Contains(t.sizes, exact) {
			word = exact
		} else if s.Width > 0 || !same {
			e.Change("size", "the nearest of the target's is "+word)
		}
		if side := dialect.Side(s.Class); s.Width == 0 && side != 0 && side != 1024 {
			e.Change("resolution", "images have about a megapixel here")
		}
		e.out.text("size", word)
	case e.own:
		if s.Width > 0 {
			word := s.Word
			if word == "" {
				word = pixels(s.Width, s.Height)
			}
			e.out.text("size", word)
		}
		if s.Aspect != "" {
			e.out.text("aspect_ratio", s.Aspect)
		}
		if s.Class != "" {
			e.out.text("resolution", s.Class)
		}
	default:
		w, h := dialect.Filled(s, 16)
		e.out.text("size", pixels(w, h))
	}
}

// shape writes a size for a target that takes shapes.
func (e *encoder) shape() {
	s, t := e.Of.Size, &e.t
	class := strings.ToLower(s.Class)
	if w, h, ok := dialect.Shape(s); ok {
		word, same := dialect.Nearest(w, h, t.aspects)
		e.out.text("aspect_ratio", word)
		if s.Width > 0 {
			if class = ""; dialect.Class(w, h) != "1K" {
				class = "2k"
			}
			if !same || s.Width != s.Height || s.Width != 1024 && s.Width != 2048 {
				e.Change("size", "the target takes shapes in place of sizes; the nearest is "+word)
			}
		} else if !same {
			e.Change("aspect_ratio", "the nearest of the target's is "+word)
		}
	}
	switch {
	case class == "":
	case slices.Contains(t.classes, class):
		e.out.text("resolution", class)
	case class != "1k":
		e.Change("resolution", "the target makes none so large")
		if len(t.classes) > 0 {
			e.out.text("resolution", t.classes[len(t.classes)-1])
		}
	}
}

// quality returns the target's word.
func (e *encoder) quality() string {
	word, among := e.Of.Quality, e.t.qualities
	if among == nil || word == "" || slices.Contains(among, word) || word == "auto" && slices.Contains(among, "medium") {
		return word
	}
	to := map[string]string{"standard": "medium", "hd": "high"}[word]
	if slices.Contains(among, "hd") {
		to = map[string]string{"high": "hd", "low": "standard", "medium": "standard", "auto": "standard"}[word]
	}
	if word != "auto" {
		e.Change("quality", "the target's word for it is "+to)
	}
	return to
}

// images writes the images and the mask.
func (e *encoder) images() error {
	q := e.Of
	if e.out.form {
		for i := range q.Images {
			name := "image[]"
			if len(q.Images) == 1 {
				name = "image"
			}
			if err := e.out.file(name, q.Images[i].Media); err != nil {
				return dialect.Unsaid(q.Images[i].Path, "the image is not base64")
			}
		}
		if q.Mask == nil {
			return nil
		}
		b := *q.Mask.Media
		data, err := dialect.MaskAs(q.Mask, llm.MarkClear)
		if err != nil {
			return err
		}
		if data != b.Data {
			b.Data, b.Type = data, "image/png"
		}
		if err := e.out.file("mask", &b); err != nil {
			return dialect.Unsaid(q.Mask.Path, "the mask is not base64")
		}
		return nil
	}
	if len(q.Images) > 0 {
		if err := e.members(); err != nil {
			return err
		}
	}
	if q.Mask != nil {
		m := q.Mask.Part
		if data, err := dialect.MaskAs(q.Mask, llm.MarkClear); err == nil && data != m.Media.Data {
			m.Media = &llm.Blob{Type: "image/png", Data: data}
		} else if err != nil && q.Mask.Marks != llm.MarkClear {
			return err
		}
		e.out.raw("mask", e.object(&m, "image_url"))
	}
	return nil
}

// members writes the images as members of an object.
func (e *encoder) members() error {
	q := e.Of
	var w rawjson.Writer
	switch e.t.edits {
	case inImage:
		for i := range q.Images {
			if q.Images[i].Media.FileID != "" {
				return dialect.Unsaid(q.Images[i].Path, "a file kept at another provider; send the image itself")
			}
		}
		if len(q.Images) == 1 {
			e.out.raw("image", e.object(&q.Images[0], "url"))
			return nil
		}
		w.Open('[')
		for i := range q.Images {
			w.Raw(e.object(&q.Images[i], "url"))
		}
		e.out.raw("images", w.Close(']').Buf)
	case inImageURL:
		if len(q.Images) > 1 || q.Images[0].Media.FileID != "" {
			return dialect.Unsaid(q.Images[0].Path, "this target takes one image, as an address or as data")
		}
		e.out.text("image_url", address(q.Images[0].Media))
	default:
		w.Open('[')
		for i := range q.Images {
			w.Raw(e.object(&q.Images[i], "image_url"))
		}
		e.out.raw("images", w.Close(']').Buf)
	}
	return nil
}

// object writes an image as an object that holds its address under a name.
func (e *encoder) object(p *llm.Part, name string) []byte {
	var w rawjson.Writer
	w.Open('{')
	if id := p.Media.FileID; id != "" {
		w.Name("file_id").String(id)
	} else {
		w.Name(name).String(address(p.Media))
	}
	if name == "url" {
		w.Name("type").String("image_url")
	}
	if e.own {
		dialect.WriteExtra(&w, p.Extra)
	}
	return w.Close('}').Buf
}

// address returns an image as an address, which holds it where it is here.
func address(b *llm.Blob) string {
	if b.URL != "" {
		return b.URL
	}
	typ := b.Type
	if typ == "" {
		typ = dialect.ImageType(b.Data)
	}
	return "data:" + typ + ";base64," + b.Data
}
