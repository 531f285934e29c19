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
	"strconv"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Path is where classify is spoken. Clients may write /v1 in front of it.
const Path = "/classify"

type vllm struct {
	dialect.Brief
	openai.Faults
}

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
		return llm.Head{}, openai.Refused(err)
	}
	c.Index, c.Path = ix, Path
	v := ix.Get(c.Body, 0)
	if rawjson.IsNull(v) {
		return llm.Head{}, nil
	}
	model, err := openai.Model(v)
	return llm.Head{Model: model}, err
}

// Meter implements dialect.Dialect.
func (vllm) Meter() dialect.Meter { return dialect.WholeMeter(readAnswer) }

// readAnswer notes what an answer says for the record.
func readAnswer(r *dialect.Reading, body []byte) {
	for name, v := range rawjson.Members(body) {
		switch string(name) {
		case "id":
			r.ID = rawjson.Text(v)
		case "model":
			r.Model = rawjson.Text(v)
		case "usage":
			r.Usage = openai.DecodeUsage(v)
		}
	}
	if r.Usage == nil {
		r.Usage = &llm.Usage{}
	}
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
