package openaiimages

import (
	"encoding/base64"
	"fmt"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/form"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// asForm is the Form of a call that came as a form.
const asForm = "form"

// DecodeImage implements dialect.Imager. It knows the members of xAI and Together too: aspect_ratio, resolution, width,
// height, image, image_url, seed, negative_prompt and guidance_scale.
func (d images) DecodeImage(c dialect.Call) (*llm.ImageRequest, error) {
	q := &llm.ImageRequest{From: llm.OpenAIImages}
	var err error
	if ct := c.Header.Get("Content-Type"); form.Is(ct) {
		q.Form = asForm
		err = readForm(q, c.Body, ct)
	} else {
		err = readJSON(q, c.Body)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasSuffix(c.Path, "/variations"):
		q.Kind = llm.ImageVaried
	case strings.HasSuffix(c.Path, "/edits"), len(q.Images) > 0:
		q.Kind = llm.ImageEdited
	}
	switch {
	case q.Kind != llm.ImageMade && len(q.Images) == 0:
		return nil, malformed("image", "there is no image to change")
	case q.Kind != llm.ImageVaried && q.Prompt == "":
		return nil, malformed("prompt", "prompt is missing or empty")
	case q.Kind == llm.ImageVaried && len(q.Images) > 1:
		return nil, malformed("image", "one image is varied at a time")
	case q.Count < 0 || q.Partial < 0:
		return nil, malformed("n", "n and partial_images must not be negative")
	}
	return q, nil
}

func readJSON(q *llm.ImageRequest, body []byte) error {
	var o dialect.Object
	o.Read(body)
	q.Model, q.Prompt, q.Negative = o.String("model"), o.String("prompt"), o.String("negative_prompt")
	q.Count, q.Partial = o.Int("n"), o.Int("partial_images")
	q.Quality, q.Style, q.Background = o.String("quality"), o.String("style"), o.String("background")
	q.Format, q.Compression, q.Return = o.String("output_format"), o.Num("output_compression"), o.String("response_format")
	q.Fidelity, q.Moderation, q.User = o.String("input_fidelity"), o.String("moderation"), o.String("user")
	q.Seed, q.Guidance = o.Num("seed"), o.Num("guidance_scale")
	if on := o.Bool("stream"); on != nil {
		q.Stream = *on
	}
	size, aspect, class := o.String("size"), o.String("aspect_ratio"), o.String("resolution")
	width, height := o.Int("width"), o.Int("height")
	if err := readSize(q, size, aspect, class); err != nil {
		return err
	}
	if width > 0 && height > 0 && size == "" {
		word := fmt.Sprintf("%dx%d", width, height)
		if q.Size.Width, q.Size.Height, _ = dialect.Pixels(word); q.Size.Width == 0 {
			return malformed("width", "width and height must be pixels of an image")
		}
		q.Size.Word = word
	}
	if q.Return == "base64" { // Together's word
		q.Return = llm.ReturnData
	}
	if err := readImages(q, &o); err != nil {
		return err
	}
	if o.Bad != nil {
		return malformed(o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	for name, v := range o.Rest() {
		q.Extra = dialect.With(q.Extra, name, v)
	}
	return nil
}

// readImages reads the images that a call in JSON names: OpenAI's images and mask, xAI's image, Together's image_url.
func readImages(q *llm.ImageRequest, o *dialect.Object) error {
	add := func(v []byte, path string) error {
		p, err := readImage(v, path)
		if err == nil {
			q.Images = append(q.Images, p)
		}
		return err
	}
	for _, name := range [...]string{"images", "image", "image_url"} {
		v := o.Take(name)
		if v == nil {
			continue
		}
		if rawjson.Kind(v) != '[' {
			if err := add(v, name); err != nil {
				return err
			}
			continue
		}
		for i, one := range rawjson.Elems(v) {
			if err := add(one, fmt.Sprintf("%s[%d]", name, i)); err != nil {
				return err
			}
		}
	}
	if v := o.Take("mask"); v != nil {
		p, err := readImage(v, "mask")
		if err != nil {
			return err
		}
		q.Mask = &llm.ImageMask{Part: p, Marks: llm.MarkClear}
	}
	return nil
}

// readImage reads an image as an object that holds its address or a file's id, or as its address.
func readImage(v []byte, path string) (llm.Part, error) {
	if s, ok := rawjson.String(v); ok && s != "" {
		return dialect.ImageAt(s, path), nil
	}
	var o dialect.Object
	o.Read(v)
	o.Take("type")
	id := o.String("file_id")
	var url string
	for _, name := range [...]string{"image_url", "url"} {
		if v := o.Take(name); rawjson.Kind(v) == '{' {
			url = rawjson.Text(rawjson.Get(v, "url"))
		} else if v != nil {
			url = rawjson.Text(v)
		}
	}
	if (id == "") == (url == "") || o.Bad != nil {
		return llm.Part{}, malformed(path, path+" must hold either image_url or file_id")
	}
	p := dialect.ImageAt(url, path)
	if id != "" {
		p.Media = &llm.Blob{FileID: id}
	}
	p.Extra = o.Rest()
	return p, nil
}

// readSize reads what is said of the size.
func readSize(q *llm.ImageRequest, size, aspect, class string) error {
	q.Size = llm.ImageSize{Word: size, Class: class}
	if size != "" && size != "auto" {
		var ok bool
		if q.Size.Width, q.Size.Height, ok = dialect.Pixels(size); !ok {
			return malformed("size", "size must be WIDTHxHEIGHT or auto")
		}
	}
	if aspect == "" || aspect == "auto" {
		return nil
	}
	if _, _, ok := dialect.Ratio(aspect); !ok {
		return malformed("aspect_ratio", "aspect_ratio must be like 16:9")
	}
	q.Size.Aspect = aspect
	return nil
}

// readForm reads a call that is a form. Names may say that they are of a list: image[], image[0].
func readForm(q *llm.ImageRequest, body []byte, contentType string) error {
	boundary, err := form.Boundary(contentType)
	if err != nil {
		return openai.RefusedForm(err)
	}
	var size, aspect, class string
	seen := map[string]bool{}
	for p, err := range form.Parts(body, boundary) {
		if err != nil {
			return openai.RefusedForm(err)
		}
		name := p.Name
		if head, _, ok := strings.Cut(name, "["); ok && p.File {
			name = head
		}
		if seen[name] && name != "image" {
			return malformed(p.Name, "the field is there more than once")
		}
		seen[name] = true
		raw := body[p.Value.Start:p.Value.End]
		if p.File {
			if err := readFile(q, name, p, raw); err != nil {
				return err
			}
			continue
		}
		switch text := string(raw); name {
		case "size":
			size = text
		case "aspect_ratio":
			aspect = text
		case "resolution":
			class = text
		default:
			if err := readField(q, name, text); err != nil {
				return err
			}
		}
	}
	return readSize(q, size, aspect, class)
}

func readFile(q *llm.ImageRequest, name string, p form.Part, raw []byte) error {
	if p.Coded != "" {
		return malformed(p.Name, "the file is encoded as "+p.Coded)
	}
	b := &llm.Blob{Type: p.Type, Data: base64.StdEncoding.EncodeToString(raw), Name: p.FileName}
	if b.Type == "" || b.Type == "application/octet-stream" {
		b.Type = dialect.ImageType(b.Data)
	}
	if b.Name == "" {
		b.Name = fileName(b.Type)
	}
	part := llm.Part{Kind: llm.PartImage, Media: b, Path: p.Name}
	switch {
	case name == "image":
		if p.Name != "image" || len(q.Images) > 0 {
			part.Path = fmt.Sprintf("image[%d]", len(q.Images))
		}
		q.Images = append(q.Images, part)
	case name == "mask" && q.Mask == nil:
		q.Mask = &llm.ImageMask{Part: part, Marks: llm.MarkClear}
	default:
		return malformed(p.Name, "there is no place for such a file here")
	}
	return nil
}

func readField(q *llm.ImageRequest, name, text string) error {
	texts := map[string]*string{
		"model": &q.Model, "prompt": &q.Prompt, "negative_prompt": &q.Negative, "quality": &q.Quality, "style": &q.Style,
		"background": &q.Background, "output_format": &q.Format, "response_format": &q.Return, "input_fidelity": &q.Fidelity,
		"moderation": &q.Moderation, "user": &q.User,
	}
	if at := texts[name]; at != nil {
		*at = text
		return nil
	}
	if name == "stream" {
		word := strings.ToLower(text)
		q.Stream = word == "true" || word == "1" || word == "on"
		return nil
	}
	counts := map[string]*int64{"n": &q.Count, "partial_images": &q.Partial}
	if at := counts[name]; at != nil {
		n, ok := rawjson.Int([]byte(text))
		if !ok {
			return malformed(name, name+" must be a whole number")
		}
		*at = n
		return nil
	}
	numbers := map[string]*llm.Num{"output_compression": &q.Compression, "seed": &q.Seed, "guidance_scale": &q.Guidance}
	if at := numbers[name]; at != nil {
		if rawjson.Check([]byte(text)) != nil || rawjson.Kind([]byte(text)) != '0' {
			return malformed(name, name+" must be a number")
		}
		*at = llm.Num(text)
		return nil
	}
	switch name {
	case "image", "images", "image_url", "mask", "width", "height":
		return malformed(name, "there is no such field in a form, unless it is a file")
	}
	q.Extra = dialect.With(q.Extra, name, rawjson.AppendString(nil, text))
	return nil
}
