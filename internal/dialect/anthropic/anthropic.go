// Package anthropic is the dialect anthropic-messages: Anthropic's Messages API, as Anthropic, Vertex and others speak it.
//
// The cheap face (peek.go, meter.go, fault.go) looks at bytes. The full face translates between the wire and the
// canonical model: decode_*.go read, encode_*.go write, and what both sides share (usage, stop reasons, citations,
// member names) stands beside them. A content block that the canonical model has no words for is kept whole as an
// Opaque part; a member without a field goes to the Extra of its holder. Both return to the wire for this dialect only;
// towards it, what another dialect said and this one cannot is reported as a loss.
//
// What is decoded shares memory with the bytes it was decoded from. Everything here is without state and safe for
// concurrent use, except Meters and the streams, which belong to one answer.
//
// Specification: https://platform.claude.com/docs/en/api/messages, API version 2023-06-01 and its betas.
package anthropic

import (
	"weir/internal/dialect"
	"weir/internal/llm"
)

// path is where requests go.
const path = "/v1/messages"

// heldMost bounds what is kept back of one answer, in bytes.
const heldMost = 8 << 20

// maker is who seals reasoning in this dialect.
const maker = "anthropic"

type messages struct{}

// New returns the dialect.
func New() dialect.Dialect { return messages{} }

// Name implements dialect.Dialect.
func (messages) Name() llm.Dialect { return llm.AnthropicMessages }

// Codec implements dialect.Dialect.
func (messages) Codec() dialect.Codec { return codec{} }

type codec struct{}

var (
	_ dialect.Dialect = messages{}
	_ dialect.Codec   = codec{}
	_ dialect.Meter   = (*meter)(nil)
)
