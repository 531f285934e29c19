// Package gemini is the dialect gemini-generate: generateContent and streamGenerateContent of Google's Gemini API, as
// Google AI and Vertex AI speak it.
//
// The cheap face (peek.go, meter.go, fault.go) looks at bytes; the model stands in the path. The full face translates
// between the wire and the canonical model: decode_*.go read, encode_*.go write, and what both sides share (usage, stop
// reasons, citations, signatures, ids, schemas) stands beside them. What differs from other dialects:
//
//   - Names are lower camel case, and the API takes snake case as well. Requests are read in both, and written in the
//     first. Enums may come as numbers, counts as strings.
//   - Calls may have no id. Then one is made (id.go): it is the same whenever the same answer or history is read, and it
//     is never written.
//   - A signature can stand on any part. It is bytes on the wire, so another maker's is written as base64 of its tagged
//     text (seal.go).
//   - A response of a function is an object. {"output": text} is a text, {"error": text} one of a call that failed, and
//     any other object is a JSON part.
//   - Members of nested objects without a field are kept under a dotted name (Extra["generationConfig.mediaResolution"]),
//     which is also the path a loss names.
//   - Parts of tools that the provider ran, and parts of unknown kinds, are kept whole in Raw.
//   - Citations are byte ranges of all answer texts joined; what else grounding tells stays in the choice's Extra.
//   - Fractions of a second of createTime are not kept.
//
// What is decoded shares memory with the bytes it was decoded from. Everything here is without state and safe for
// concurrent use, except Meters and the streams, which belong to one answer.
//
// Specification: google.ai.generativelanguage.v1beta, and https://ai.google.dev/api/generate-content.
package gemini

import (
	"weir/internal/dialect"
	"weir/internal/llm"
)

// root is where the paths of calls begin, up to the model's name.
const root = "/v1beta/models/"

// The actions, which stand behind the model's name and a colon.
const (
	whole    = "generateContent"
	streamed = "streamGenerateContent"
)

// asSSE is the query that a stream of events is asked for with; without it a stream is one JSON array.
const asSSE = "alt=sse"

// heldMost bounds what is kept back of one answer, in bytes.
const heldMost = 8 << 20

// maker is who seals reasoning in this dialect.
const maker = "google"

type generate struct{}

// New returns the dialect.
func New() dialect.Dialect { return generate{} }

// Name implements dialect.Dialect.
func (generate) Name() llm.Dialect { return llm.GeminiGenerate }

// Codec implements dialect.Dialect.
func (generate) Codec() dialect.Codec { return codec{} }

type codec struct{}

var (
	_ dialect.Dialect = generate{}
	_ dialect.Codec   = codec{}
	_ dialect.Meter   = (*meter)(nil)
)
