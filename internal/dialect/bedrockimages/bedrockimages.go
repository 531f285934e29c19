// Package bedrockimages is the dialect bedrock-images: how images are asked for at Amazon Bedrock, which is InvokeModel
// (POST /model/{id}/invoke) in the words of the model's maker.
//
// Two families of words are known. Amazon's (Titan Image Generator, Nova Canvas): a task, its parameters and a
// configuration; an image that is brought is varied by a prompt, or changed where a mask is black. Stability's (Stable
// Image, SD 3): a prompt and a shape, one image a call. What else models of theirs do (removing a background, making
// larger) is said to them by their own clients, and passes.
//
// Errors and the counting of images are those of bedrockinvoke.
package bedrockimages

import (
	"net/http"
	"net/url"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/bedrockinvoke"
	"weir/internal/fault"
	"weir/internal/llm"
)

type images struct{ dialect.Dialect }

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return images{bedrockinvoke.New()} }

var (
	_ dialect.Imager      = images{}
	_ dialect.Fitter      = images{}
	_ dialect.FaultHeader = images{}
)

// Name implements dialect.Dialect.
func (images) Name() llm.Dialect { return llm.BedrockImages }

// Peek implements dialect.Dialect.
func (d images) Peek(c *dialect.Call) (llm.Head, error) {
	h, err := d.Dialect.Peek(c)
	if err == nil && h.Stream {
		return llm.Head{}, malformed("modelId", "images do not stream: ask under /invoke")
	}
	return llm.Head{Model: h.Model}, err
}

// FaultHeader implements dialect.FaultHeader.
func (d images) FaultHeader(h http.Header, f *fault.Fault) {
	if named, ok := d.Dialect.(dialect.FaultHeader); ok {
		named.FaultHeader(h, f)
	}
}

// family is whose words a model takes.
type family uint8

const (
	unknown   family = iota
	titan            // Amazon's; sizes from a list
	nova             // Amazon's; sizes of its own
	stability        // Stability's, of a prompt and, where the model takes one, an image
	inpaint          // Stability's, which changes an image where a mask is white
)

// familyOf tells by a model's name, which may be an ARN or that of an inference profile.
func familyOf(model string) family {
	switch {
	case strings.Contains(model, "amazon.titan-image-generator"):
		return titan
	case strings.Contains(model, "amazon.nova-canvas"):
		return nova
	case strings.Contains(model, "stability.stable-image-inpaint"):
		return inpaint
	case strings.Contains(model, "stability.sd3"), strings.Contains(model, "stability.stable-image-core"), strings.Contains(model, "stability.stable-image-ultra"):
		return stability
	}
	return unknown
}

// Makes reports whether a model's name is that of one whose words are known here.
func Makes(model string) bool { return familyOf(model) != unknown }

// ofAmazon reports whether the words are Amazon's.
func (f family) ofAmazon() bool { return f == titan || f == nova }

// Fits implements dialect.Fitter: the words of one maker are no words of the other's.
func (images) Fits(c *dialect.Call, facts llm.Facts) bool {
	said, wanted := familyOf(modelOf(c.Path)), familyOf(facts.Model)
	return said == unknown || wanted == unknown || said.ofAmazon() == wanted.ofAmazon()
}

// modelOf returns the model that a path names.
func modelOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/model/"), "/")
	model, _ := url.PathUnescape(name)
	return model
}

// path returns where a model is called. Its name may be an ARN.
func path(model string) string {
	return "/model/" + strings.ReplaceAll(url.PathEscape(model), ":", "%3A") + "/invoke"
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}
