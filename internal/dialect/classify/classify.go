// Package classify is how models are asked that do not generate but put what they are given into classes: sentiment,
// topic, what an image shows.
//
// Three dialects do it. classify is vLLM's (POST /classify): the model is in the body, texts or tokens go in, for each
// comes the likeliest class and the probabilities of all, and tokens are counted. tei-classify is that of Hugging Face's
// Text Embeddings Inference (POST /predict): a server has one model and its calls name none, so one may stand in the
// query (?model=), which goes no further; for each text or pair of texts come all classes with their scores. oip-infer
// is the Open Inference Protocol of KServe and Triton (POST /v2/models/MODEL/infer): the model is in the path, and
// tensors go in and come out, as JSON or as bytes after it. Their meaning is the model's, so it has the cheap face only.
//
// Texts are translated between the first two. vLLM names the likeliest class alone, and what it says of the others has
// no place in the other dialect; that is declared.
//
// A call is counted where no tokens are: a usage that states nothing is that of one call.
//
// Everything here is without state and safe for concurrent use, except Meters, which belong to one answer.
//
// Specifications: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#classification-api,
// https://huggingface.github.io/text-embeddings-inference, https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol.
package classify

import (
	"errors"
	"net/http"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Path is where classify is spoken. Clients may write /v1 in front of it.
const Path = "/classify"

type vllm struct{}

// New returns the dialect classify.
func New() dialect.Dialect { return vllm{} }

var _ dialect.Classifier = vllm{}

var governed = splice.NewSpec("model")

// Name implements dialect.Dialect.
func (vllm) Name() llm.Dialect { return llm.VLLMClassify }

// Peek implements dialect.Dialect. A call that names no model has none: its server may have one only.
func (vllm) Peek(c *dialect.Call) (llm.Head, error) {
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return llm.Head{}, refused(err)
	}
	c.Index, c.Path = ix, Path
	v := ix.Get(c.Body, 0)
	if rawjson.IsNull(v) {
		return llm.Head{}, nil
	}
	model, err := openai.Model(v)
	return llm.Head{Model: model}, err
}

// refused turns the error of a splice.Spec into the fault that names the member at fault.
func refused(err error) *fault.Fault {
	f := &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read: " + err.Error(), Cause: err}
	if e, ok := errors.AsType[*splice.Error](err); ok {
		f.Param = e.Member
	}
	return f
}

// Edit implements dialect.Dialect. Nothing is generated and nothing streams.
func (vllm) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	return dialect.EditModel(dst, c, e)
}

// Fault implements dialect.Dialect.
func (vllm) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	return openai.AppendFault(dst, f, form)
}

// ReadFault implements dialect.Dialect.
func (vllm) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return openai.ReadFault(status, h, body)
}

// Codec implements dialect.Dialect. There is no conversation here; see DecodeClassify.
func (vllm) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (vllm) Meter() dialect.Meter { return &meter{} }

type meter struct{ r dialect.Reading }

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. Classes do not stream.
func (m *meter) Frame(frame.Frame) {}

// Body implements dialect.Meter.
func (m *meter) Body(body []byte) {
	m.r.Began, m.r.Ended = true, true
	for name, v := range rawjson.Members(body) {
		switch string(name) {
		case "id":
			m.r.ID = rawjson.Text(v)
		case "model":
			m.r.Model = rawjson.Text(v)
		case "usage":
			m.r.Usage = openai.DecodeUsage(v)
		}
	}
	if m.r.Usage == nil {
		m.r.Usage = &llm.Usage{}
	}
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
