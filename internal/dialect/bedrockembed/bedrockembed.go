// Package bedrockembed is the dialect bedrock-embeddings: embeddings of Amazon Bedrock's InvokeModel (POST
// /model/{id}/invoke). A body is in the words of the model's maker, so which words a request is written in goes by the
// model's name: Amazon's Titan (texts, or a text with an image) and Nova, and Cohere's Embed, versions 3 and 4.
//
// Titan and Nova take one input a call. Together says how many a model takes, and whoever has more to ask asks several
// times.
//
// Usage is stated in the answer's headers, and by Titan in its body too. Everything here is without state and safe for
// concurrent use, except Meters, which belong to one answer.
//
// Specification: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html.
package bedrockembed

import (
	"net/http"
	"net/url"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/bedrockinvoke"
	"weir/internal/fault"
	"weir/internal/llm"
)

// embed is InvokeModel in all that is not overridden here.
type embed struct{ dialect.Dialect }

// New returns the dialect.
func New() dialect.Dialect { return embed{bedrockinvoke.New()} }

var (
	_ dialect.Embedder    = embed{}
	_ dialect.Together    = embed{}
	_ dialect.FaultHeader = embed{}
)

// Name implements dialect.Dialect.
func (embed) Name() llm.Dialect { return llm.BedrockEmbeddings }

// Peek implements dialect.Dialect. There is no output to limit and no stream.
func (d embed) Peek(c *dialect.Call) (llm.Head, error) {
	h, err := d.Dialect.Peek(c)
	if err == nil && h.Stream {
		return llm.Head{}, malformed("modelId", "embeddings do not stream: ask under /invoke")
	}
	return llm.Head{Model: h.Model}, err
}

// FaultHeader implements dialect.FaultHeader.
func (d embed) FaultHeader(h http.Header, f *fault.Fault) {
	if named, ok := d.Dialect.(dialect.FaultHeader); ok {
		named.FaultHeader(h, f)
	}
}

// family is whose words a model takes.
type family string

// The families. The first Titan makes vectors of one length.
const (
	titanFirst family = "titan-1"
	titanText  family = "titan-2"
	titanImage family = "titan-image"
	nova       family = "nova"
	cohere3    family = "cohere-3"
	cohere4    family = "cohere-4"
)

// familyOf tells the family of a model by its name, "" for one that makes no embeddings, or of which its name does not
// tell it. Regions stand before a name, and of an ARN the name is the end.
func familyOf(model string) family {
	has := func(words ...string) bool {
		for _, w := range words {
			if !strings.Contains(model, w) {
				return false
			}
		}
		return true
	}
	switch {
	case has("amazon.titan-embed-image"):
		return titanImage
	case has("amazon.titan-embed-text-v2"):
		return titanText
	case has("amazon.titan-embed-"):
		return titanFirst
	case has("amazon.nova-", "embeddings"):
		return nova
	case has("cohere.embed-v4"):
		return cohere4
	case has("cohere.embed-"):
		return cohere3
	}
	return ""
}

// Makes reports whether a model makes embeddings, as far as its name tells.
func Makes(model string) bool { return familyOf(model) != "" }

// mostTexts is how many inputs a call to Cohere's models may have.
const mostTexts = 96

// Together implements dialect.Together.
func (embed) Together(e *llm.Embed, facts llm.Facts) int {
	switch familyOf(facts.Model) {
	case cohere4:
		return mostTexts
	case cohere3:
		for i := range e.Inputs {
			if _, text := e.Inputs[i].Text(); !text {
				return 1 // one image a call, and texts apart from it
			}
		}
		return mostTexts
	}
	return 1
}

// path is where a model is asked.
func path(model string) string {
	return "/model/" + strings.ReplaceAll(url.PathEscape(model), ":", "%3A") + "/invoke"
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}
