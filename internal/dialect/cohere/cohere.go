// Package cohere is the dialect cohere-chat: Cohere's chat API, version 2 (POST /v2/chat).
//
// The cheap face (peek.go, meter.go, fault.go) looks at bytes. The full face translates between the wire and the
// canonical model: decode_*.go read, encode_*.go write, and what both sides share (usage, stop reasons, citations, log
// probabilities) stands beside them. Where this dialect says things in a way of its own:
//
//   - An assistant's turn is three members: content (texts and thoughts), tool_plan and tool_calls, in this order. The
//     plan is reasoning as well; its part has the Name tool_plan, so that it goes back where it came from.
//   - A result is a message of its own, of the role tool. A document in it is a JSON part, its data the text.
//   - Citations stand beside the content and count characters of one of its items; canonical ones are on their part and
//     count bytes. Of their sources, what is more than an id, a title, an address and a snippet stays in Extra["sources"].
//   - Documents of a request keep their wire form in Raw, with what is their text in Media.
//   - There is no stream event for an error: a stream that fails ends with a message-end that says so.
//   - Reasoning has no seals here.
//
// What is decoded shares memory with the bytes it was decoded from. Spans are of the JSON string with its quotes.
// Everything here is without state and safe for concurrent use, except Meters and the streams, which belong to one
// answer.
//
// Specification: https://docs.cohere.com/v2/reference/chat and the types of Cohere's own SDKs.
package cohere

import (
	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// Path is where the dialect is spoken.
const Path = "/v2/chat"

// heldMost bounds what is kept back of one answer, in bytes.
const heldMost = 8 << 20

// wordPlan is the Name of a reasoning part that stands in tool_plan.
const wordPlan = "tool_plan"

type chat struct{}

// New returns the dialect.
func New() dialect.Dialect { return chat{} }

// Name implements dialect.Dialect.
func (chat) Name() llm.Dialect { return llm.CohereChat }

// Codec implements dialect.Dialect.
func (chat) Codec() dialect.Codec { return codec{} }

type codec struct{}

var (
	_ dialect.Dialect = chat{}
	_ dialect.Codec   = codec{}
	_ dialect.Meter   = (*meter)(nil)
)

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}
