// Package openaichat speaks OpenAI's Chat Completions (POST /v1/chat/completions), the dialect most providers offer.
//
// The cheap face (peek.go, meter.go) works on bytes: Peek reads the head of a call and where it stands, Edit splices,
// the meter looks for needles. The codec translates (decode_*.go, encode_*.go). It follows OpenAI's specification and,
// where other speakers differ, reads what they were seen to send:
//
//   - Reasoning is not part of the specification. It comes as reasoning_content (DeepSeek, vLLM), as reasoning (Groq,
//     OpenRouter), as reasoning_details with signatures (OpenRouter) or as a thinking item of the content (Mistral).
//     Part.Name of a Reasoning part holds the word it came under, "" for reasoning_content, so that the same dialect
//     writes it back as it was.
//   - Legacy functions and function_call become tools and calls. Their Raw is set, which marks them for the way back;
//     their calls have no id on the wire and get a derived one.
//   - max_tokens and max_completion_tokens are one field. Encoding writes OpenAI's newer word, unless the target's quirks
//     say otherwise.
//   - What else a speaker takes differently is data (llm.Quirk), which the encoder of requests obeys: it says the same in
//     another way, or names it lost.
//   - Members of nested objects that have no field are kept under a dotted name (Extra["image_url.x"], and on answers
//     Choice.Extra["message.x"]), which is also the path a loss names.
//   - What only repeats is not kept: obfuscation and padding, object, a choice's cumulative message beside its delta,
//     and counters of usage that state under another name what has a field.
//
// Spans of text parts are of the JSON string with its quotes.
package openaichat

import (
	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
)

// Path is where the dialect is spoken.
const Path = "/v1/chat/completions"

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return chat{} }

type chat struct{ openai.Faults }

// Name implements dialect.Dialect.
func (chat) Name() llm.Dialect { return llm.OpenAIChat }

// Codec implements dialect.Dialect.
func (chat) Codec() dialect.Codec { return codec{} }

type codec struct{}

var (
	_ dialect.Dialect = chat{}
	_ dialect.Codec   = codec{}
)

func malformed(param, format string, args ...any) *fault.Fault {
	f := fault.New(fault.Malformed, format, args...)
	f.Param = param
	return f
}
