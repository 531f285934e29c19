package dialect

import "weir/internal/llm"

// Classifier is implemented by dialects in which texts can be put into classes: their full face. As with Codec, encoders
// never change what they are given, and what could not be said is in the losses returned.
type Classifier interface {
	// DecodeClassify reads a call that passed Peek. The error is a *fault.Fault with Param: Malformed, or Unsupported
	// where the call is right and only its own dialect can say it.
	DecodeClassify(Call) (*llm.Classify, error)
	EncodeClassify(*llm.Classify, llm.Facts) (Call, []llm.Loss, error)
	DecodeClasses([]byte) (*llm.Classes, error)
	// EncodeClasses writes an answer for the request it answers.
	EncodeClasses(*llm.Classify, *llm.Classes) ([]byte, []llm.Loss, error)
}
