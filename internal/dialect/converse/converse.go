// Package converse is the dialect bedrock-converse: Converse and ConverseStream of Amazon Bedrock.
//
// The cheap face (peek.go, meter.go, fault.go, readfault.go) looks at bytes; the model and whether to stream are in the
// path. The full face translates between the wire and the canonical model: decode_*.go read, encode_*.go write, and what
// both sides share stands beside them: usage, stop reasons, media formats, citations, seals, and what is known of models
// by their names (family.go).
//
// Converse is one shape for the models of many makers. What the shape has no member for goes to the model as it is, in
// additionalModelRequestFields: the well-known ones (how much to think, top_k) are read and written in the words of the
// model's family, the others are kept. A block that the canonical model has no words for is kept whole as an Opaque part;
// a member without a field goes to the Extra of its holder. Both return to the wire for this dialect only.
//
// Of some blocks the text is what others need to know and the rest is how to treat it. They are read as a text, a picture
// or a document with the rest in Extra, under the block's own name: guardContent, searchResult, citationsContent.
//
// A streamed text or thought has no start: its first delta opens it. The padding that streamed events carry (p) is not
// kept. Bytes are base64 in JSON, here as in the canonical model, so that media pass without being decoded.
//
// What Bedrock would refuse of another dialect's conversation is mended and named: turns alternate and the user begins,
// every call has its one result in the turn that follows, what was called is declared as a tool, a text goes with a
// document. What it cannot see, such as a picture by its address, is refused.
//
// What is decoded shares memory with the bytes it was decoded from. Everything here is without state and safe for
// concurrent use, except Meters and the streams, which belong to one answer.
//
// Specification: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
package converse

import (
	"weir/internal/dialect"
	"weir/internal/llm"
)

// heldMost bounds what is kept back of one answer, in bytes.
const heldMost = 8 << 20

// The members of an answer that more than one place names.
const (
	responseFields = "additionalModelResponseFields"
	requestFields  = "additionalModelRequestFields"
)

type converse struct{}

// New returns the dialect.
func New() dialect.Dialect { return converse{} }

// Name implements dialect.Dialect.
func (converse) Name() llm.Dialect { return llm.BedrockConverse }

// Codec implements dialect.Dialect.
func (converse) Codec() dialect.Codec { return codec{} }

type codec struct{}

var (
	_ dialect.Dialect     = converse{}
	_ dialect.FaultHeader = converse{}
	_ dialect.Codec       = codec{}
	_ dialect.Meter       = (*meter)(nil)
)
