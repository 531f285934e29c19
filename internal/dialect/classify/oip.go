package classify

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// The path of oip-infer, and what may stand after a model's name.
const (
	OIPRoot  = "/v2/models/"
	infer    = "/infer"
	versions = "/versions/"
)

type oip struct{}

// NewOIP returns the dialect oip-infer.
func NewOIP() dialect.Dialect { return oip{} }

// binaryHead is the header that says how much of a body is JSON, where tensors follow it as bytes.
const binaryHead = "Inference-Header-Content-Length"

// tensors are the members on which all readers of a call must agree.
var tensors = splice.NewSpec("parameters", "inputs", "outputs")

// Name implements dialect.Dialect.
func (oip) Name() llm.Dialect { return llm.OIPInfer }

// Peek implements dialect.Dialect. With the extension for binary data tensors stand as bytes after the JSON, whose length
// is in the head; they are not looked at.
func (oip) Peek(c *dialect.Call) (llm.Head, error) {
	body := c.Body
	if v := c.Header[binaryHead]; v != nil {
		n, err := strconv.Atoi(strings.Join(v, ", "))
		if err != nil || n <= 0 || n > len(body) {
			return llm.Head{}, malformed(binaryHead, "the header "+binaryHead+" must be how many bytes of the body are JSON, and the body has "+strconv.Itoa(len(body)))
		}
		body = body[:n]
	}
	ix, err := tensors.Scan(body)
	if err != nil {
		return llm.Head{}, openai.Refused(err)
	}
	model, _, err := splitInfer(c.Path)
	if err != nil {
		return llm.Head{}, err
	}
	c.Index = ix
	return llm.Head{Model: model}, nil
}

// splitInfer reads a path: the model's name, which may hold slashes, and what stands after it.
func splitInfer(path string) (model, verb string, err error) {
	rest, root := strings.CutPrefix(path, OIPRoot)
	rest, ends := strings.CutSuffix(rest, infer)
	verb = infer
	if i := strings.LastIndex(rest, versions); i >= 0 && !strings.Contains(rest[i+len(versions):], "/") {
		version, err := url.PathUnescape(rest[i+len(versions):])
		ends = ends && err == nil && plain(version)
		rest, verb = rest[:i], rest[i:]+infer
	}
	if root && ends {
		model, err = url.PathUnescape(rest)
		if err == nil && plain(model) {
			return model, verb, nil
		}
	}
	return "", "", malformed("model_name", "the path must be "+OIPRoot+"MODEL"+infer+" or "+OIPRoot+"MODEL"+versions+"VERSION"+infer)
}

// plain reports whether a name that stood in an address can be one: it leads nowhere else.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// Edit implements dialect.Dialect. The model is in the path.
func (oip) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	if e.Model != "" {
		_, verb, err := splitInfer(c.Path)
		if err != nil {
			return c, err
		}
		c.Path = OIPRoot + url.PathEscape(e.Model) + verb
	}
	start := len(dst)
	dst = append(dst, c.Body...)
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{}
	return c, nil
}

// Fault implements dialect.Dialect.
func (oip) Fault(dst []byte, f *fault.Fault, _ dialect.Form) []byte {
	w := rawjson.Writer{Buf: dst}
	return w.Open('{').Name("error").String(f.Message).Close('}').Buf
}

// ReadFault implements dialect.Dialect.
func (oip) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return dialect.ReadError(status, h, body)
}

// Codec implements dialect.Dialect: there is none.
func (oip) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (oip) Meter() dialect.Meter { return &oipMeter{} }

// Opaque implements dialect.Opaquer: an answer whose tensors are bytes after its JSON.
func (oip) Opaque(_ llm.Op, contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/octet-stream")
}

type oipMeter struct{ r dialect.Reading }

// Head implements dialect.HeadMeter: an answer came, and that is what is counted.
func (m *oipMeter) Head(http.Header) { m.r.Usage = &llm.Usage{} }

// Read implements dialect.Meter.
func (m *oipMeter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. Tensors do not stream.
func (m *oipMeter) Frame(frame.Frame) {}

// Body implements dialect.Meter. Nothing is counted but the call. Tensors can be long and hold what they like, so the
// words beside them are looked for among the members alone.
func (m *oipMeter) Body(body []byte) {
	m.r.Began, m.r.Ended, m.r.Usage = true, true, &llm.Usage{}
	for name, v := range rawjson.Members(body) {
		switch string(name) {
		case "id":
			m.r.ID = rawjson.Text(v)
		case "model_name":
			m.r.Model = rawjson.Text(v)
		}
	}
}
