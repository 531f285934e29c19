// Package geminiembeddings is the dialect gemini-embeddings: embedContent and batchEmbedContents of Google's Gemini API,
// as Google AI and, the first of them, Vertex AI speak it.
//
// The model stands in the path, and in every request of a batch again. What the embeddings are for and how long they are
// is said in each request; a batch whose requests differ in that is passed and not translated. Names are lower camel case,
// and the API takes snake case as well: requests are read in both, and written in the first.
//
// Everything here is without state and safe for concurrent use, except Meters, which belong to one answer.
//
// Specification: https://ai.google.dev/api/embeddings.
package geminiembeddings

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
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
	one   = "embedContent"
	batch = "batchEmbedContents"
)

type embeddings struct{ generate dialect.Dialect }

// New returns the dialect.
func New() dialect.Dialect { return embeddings{gemini.New()} }

var _ dialect.Embedder = embeddings{}

// The governed members of a body by position; a request of a batch has the first.
const (
	atModel = iota
	atRequests
)

var (
	governed = splice.NewSpec("model", "requests")
	inBatch  = splice.NewSpec("model")
)

// Name implements dialect.Dialect.
func (embeddings) Name() llm.Dialect { return llm.GeminiEmbeddings }

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
	for _, action := range [...]string{batch, one} {
		for _, colon := range [...]string{":", "%3A", "%3a"} {
			if model, ok := strings.CutSuffix(path[i:], colon+action); ok && model != "" {
				p.model, p.colon, p.action = model, colon, action
				return p, true
			}
		}
	}
	return p, false
}

// Peek implements dialect.Dialect. The model is named by the path; where the body names one too it must be the same.
func (embeddings) Peek(c *dialect.Call) (llm.Head, error) {
	var h llm.Head
	at, ok := cutPath(c.Path)
	if !ok {
		return h, malformed("model", "the path must name a model and what to do: "+root+"MODEL:"+one+" or :"+batch)
	}
	model, err := url.PathUnescape(at.model)
	if err != nil || model == "" || strings.ContainsFunc(model, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return h, malformed("model", "the model's name in the path cannot be read")
	}
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return h, refuse(err, "")
	}
	c.Index, h.Model = ix, model
	if err := same(ix.Get(c.Body, atModel), model, "model"); err != nil {
		return llm.Head{}, err
	}
	for i, v := range rawjson.Elems(ix.Get(c.Body, atRequests)) {
		path := fmt.Sprintf("requests[%d]", i)
		in, err := inBatch.Scan(v)
		if err != nil {
			return llm.Head{}, refuse(err, path)
		}
		if err := same(in.Get(v, atModel), model, path+".model"); err != nil {
			return llm.Head{}, err
		}
	}
	return h, nil
}

// same refuses a body that names another model than the path.
func same(v []byte, model, path string) error {
	if rawjson.IsNull(v) {
		return nil
	}
	if name, ok := rawjson.String(v); !ok || bare(name) != bare(model) {
		return malformed(path, path+" names another model than the path")
	}
	return nil
}

// bare takes what a resource's name has before the model's own.
func bare(name string) string {
	if i := strings.LastIndex(name, "/models/"); i >= 0 {
		return name[i+len("/models/"):]
	}
	return strings.TrimPrefix(name, "models/")
}

func refuse(err error, within string) error {
	f := &fault.Fault{Kind: fault.Malformed, Param: within, Message: "the body cannot be read as JSON", Cause: err}
	if e, ok := errors.AsType[*splice.Error](err); ok {
		f.Message, f.Cause = e.Error(), nil
		if within == "" {
			f.Param = e.Member
		}
	}
	return f
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// Edit implements dialect.Dialect. The model's name is changed in the path and wherever the body repeats it; every other
// byte stays.
func (embeddings) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	start := len(dst)
	if e.Model == "" {
		dst = append(dst, c.Body...)
		c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{}
		return c, nil
	}
	at, ok := cutPath(c.Path)
	if !ok {
		return c, fault.New(fault.Internal, "a call to edit has not passed Peek")
	}
	c.Path = at.prefix + url.PathEscape(bare(e.Model)) + at.colon + at.action
	var changes []splice.Change
	if v := c.Index.Get(c.Body, atModel); !rawjson.IsNull(v) {
		changes = append(changes, splice.Change{Member: atModel, Value: renamed(v, e.Model)})
	}
	if v := c.Index.Get(c.Body, atRequests); rawjson.Kind(v) == '[' {
		list, err := renameIn(v, e.Model)
		if err != nil {
			return c, err
		}
		changes = append(changes, splice.Change{Member: atRequests, Value: list})
	}
	dst = governed.Apply(dst, c.Body, &c.Index, changes...)
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{}
	return c, nil
}

// renamed returns another model's name in the form of the one that stands there.
func renamed(v []byte, model string) []byte {
	if name := rawjson.Text(v); strings.HasPrefix(name, "models/") {
		model = "models/" + bare(model)
	}
	return rawjson.AppendString(nil, model)
}

// renameIn returns a list of requests with the model renamed in each that names one.
func renameIn(list []byte, model string) ([]byte, error) {
	out := make([]byte, 0, len(list)+64)
	from := 0
	for _, v := range rawjson.Elems(list) {
		in, err := inBatch.Scan(v)
		if err != nil {
			return nil, refuse(err, "requests")
		}
		at := from + bytes.Index(list[from:], v) // what stands between two elements holds none
		out = append(out, list[from:at]...)
		if old := in.Get(v, atModel); rawjson.IsNull(old) {
			out = append(out, v...)
		} else {
			out = inBatch.Apply(out, v, &in, splice.Change{Member: atModel, Value: renamed(old, model)})
		}
		from = at + len(v)
	}
	return append(out, list[from:]...), nil
}

// Fault implements dialect.Dialect.
func (d embeddings) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	return d.generate.Fault(dst, f, form)
}

// ReadFault implements dialect.Dialect.
func (d embeddings) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return d.generate.ReadFault(status, h, body)
}

// Codec implements dialect.Dialect. There is no conversation here; see DecodeEmbed.
func (embeddings) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (embeddings) Meter() dialect.Meter { return &meter{} }

type meter struct{ r dialect.Reading }

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. Embeddings do not stream.
func (m *meter) Frame(frame.Frame) {}

// Body implements dialect.Meter.
func (m *meter) Body(body []byte) {
	m.r.Began, m.r.Ended = true, true
	m.r.Usage = usageOf(dialect.Near(body, `"usageMetadata"`))
}
