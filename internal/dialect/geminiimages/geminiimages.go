// Package geminiimages is the dialect gemini-images: how images are asked for at Google AI and Vertex AI.
//
// Imagen has a method of its own (POST …/models/MODEL:predict): instances hold the prompt, parameters all else, and
// predictions the images. Gemini's own models of images are asked as they are for everything, by generateContent, and
// the image is a part of the answer. A client speaks the first; a target is asked in the one that its model has, by its
// name. One call of the second brings one image.
//
// Gemini states the tokens of an image, Imagen nothing: it is paid for apiece.
//
// Everything here is without state and safe for concurrent use, except Meters, which belong to one answer.
//
// Specifications: https://ai.google.dev/gemini-api/docs/imagen, https://ai.google.dev/gemini-api/docs/image-generation,
// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api.
package geminiimages

import (
	"errors"
	"net/url"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/gemini"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// root is where the paths of calls begin, up to the model's name.
const root = "/v1beta/models/"

// The actions, which stand behind the model's name and a colon.
const (
	predict  = "predict"
	generate = "generateContent"
)

type images struct{ dialect.FaultsOf }

// New returns the dialect.
func New() dialect.Dialect { return images{dialect.FaultsOf{Other: gemini.New()}} }

// Name implements dialect.Dialect.
func (images) Name() llm.Dialect { return llm.GeminiImages }

// imagen reports whether a model is asked by predict.
func imagen(model string) bool {
	return strings.HasPrefix(model[strings.LastIndexByte(model, '/')+1:], "ima")
}

// place is a path taken apart.
type place struct{ prefix, model, colon, action string }

// cutPath takes a path apart: the model, still escaped, stands between /models/ and the last colon.
func cutPath(path string) (p place, ok bool) {
	from := max(0, strings.Index(path, "/publishers/"))
	i := strings.Index(path[from:], "/models/")
	if i < 0 {
		return p, false
	}
	i += from + len("/models/")
	p.prefix = path[:i]
	for _, action := range [...]string{predict, generate} {
		for _, colon := range [...]string{":", "%3A", "%3a"} {
			if model, ok := strings.CutSuffix(path[i:], colon+action); ok && model != "" {
				p.model, p.colon, p.action = model, colon, action
				return p, true
			}
		}
	}
	return p, false
}

// The governed members of a body by position.
const atParameters = 1

var (
	governed   = splice.NewSpec("instances", "parameters")
	parameters = splice.NewSpec("sampleCount")
)

// Peek implements dialect.Dialect.
func (images) Peek(c *dialect.Call) (llm.Head, error) {
	var h llm.Head
	at, ok := cutPath(c.Path)
	if !ok {
		return h, malformed("model", "the path must name a model and what to do: "+root+"MODEL:"+predict)
	}
	model, err := url.PathUnescape(at.model)
	if err != nil || model == "" || strings.ContainsFunc(model, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return h, malformed("model", "the model's name in the path cannot be read")
	}
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return h, refuse(err, "")
	}
	c.Index = ix
	if v := ix.Get(c.Body, atParameters); rawjson.Kind(v) == '{' {
		in, err := parameters.Scan(v)
		if err != nil {
			return h, refuse(err, "parameters")
		}
		h.N, _ = rawjson.Int(in.Get(v, 0)) // whether it is allowed the provider says
	}
	h.Model = model
	return h, nil
}

func refuse(err error, within string) error {
	f := &fault.Fault{Kind: fault.Malformed, Param: within, Message: "the body cannot be read as JSON", Cause: err}
	if e, ok := errors.AsType[*splice.Error](err); ok {
		f.Message, f.Cause, f.Param = e.Error(), nil, dialect.Under(within, e.Member)
	}
	return f
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// Edit implements dialect.Dialect. The model's name stands in the path alone.
func (images) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	if e.Model != "" {
		at, ok := cutPath(c.Path)
		if !ok {
			return c, fault.New(fault.Internal, "a call to edit has not passed Peek")
		}
		c.Path = at.prefix + url.PathEscape(bare(e.Model)) + at.colon + at.action
	}
	start := len(dst)
	dst = append(dst, c.Body...)
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{}
	return c, nil
}

// bare takes what a resource's name has before the model's own.
func bare(name string) string {
	if i := strings.LastIndex(name, "/models/"); i >= 0 {
		return name[i+len("/models/"):]
	}
	return strings.TrimPrefix(name, "models/")
}

// Fits implements dialect.Fitter: what is said to Imagen does not do for Gemini's models.
func (images) Fits(c *dialect.Call, facts llm.Facts) bool {
	at, ok := cutPath(c.Path)
	return ok && (at.action == predict) == imagen(facts.Model)
}

// Codec implements dialect.Dialect. There is no conversation here; see DecodeImage.
func (images) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (images) Meter() dialect.Meter { return meter{gemini.New().Meter()} }

// meter reads Gemini's answers as they are read everywhere, and counts Imagen's images.
type meter struct{ dialect.Meter }

// Frame implements dialect.Meter. Nothing streams.
func (meter) Frame(frame.Frame) {}

// Body implements dialect.Meter.
func (m meter) Body(body []byte) {
	m.Meter.Body(body)
	r := m.Read()
	for name, v := range rawjson.Members(body) {
		if string(name) != "predictions" {
			continue
		}
		r.Began = true
		for _, p := range rawjson.Elems(v) {
			if rawjson.Kind(rawjson.Get(p, "bytesBase64Encoded")) == '"' || rawjson.Kind(rawjson.Get(p, "gcsUri")) == '"' {
				r.Made.Images++
			}
		}
	}
}
