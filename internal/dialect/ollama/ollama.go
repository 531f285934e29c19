// Package ollama is the dialect ollama-chat: Ollama's own chat API (POST /api/chat).
//
// The cheap face (peek.go, meter.go, fault.go) looks at bytes. The full face translates between the wire and the
// canonical model: decode_*.go read, encode_*.go write, and what both sides share (times, usage, stop reasons, log
// probabilities) stands beside them. Where this dialect says things in a way of its own:
//
//   - It streams unless told not to, a JSON value a line. The last line has done: true, with the counts and durations.
//   - A message has one text. Images stand in front of it, base64 without a type, which their first bytes tell. Messages
//     of one role that follow each other are one to the models, with a blank line between their texts; so several texts
//     of another dialect are written in one message, and an image after a text begins another.
//   - Arguments of a call are an object. A call comes whole, in one line of a stream.
//   - Ids of calls are new and optional, and one of the official SDKs drops them from the history. A call without one
//     gets an id made of what was said before it, so that it is the same in every request of the conversation and another
//     in every other. A result without one belongs to the first call of its tool that waits for a result.
//   - Sampling and limits are members of options; those without a field are kept under a dotted name
//     (Extra["options.num_ctx"]), which is also the path a loss names. A limit below one is none.
//   - When an answer was made is a text of finer grain than a canonical second; it is kept in Extra["created_at"].
//   - Reasoning has no seals here, and answers have no id.
//
// What is decoded shares memory with the bytes it was decoded from. Spans are of the JSON string with its quotes, or of
// the object of a call's arguments. Everything here is without state and safe for concurrent use, except Meters and the
// streams, which belong to one answer.
//
// Specification: https://docs.ollama.com/api/chat.
package ollama

import (
	"fmt"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// Path is where the dialect is spoken.
const Path = "/api/chat"

// heldMost bounds what is kept back of one answer, in bytes.
const heldMost = 8 << 20

type chat struct{}

// New returns the dialect.
func New() dialect.Dialect { return chat{} }

// Name implements dialect.Dialect.
func (chat) Name() llm.Dialect { return llm.OllamaChat }

// Codec implements dialect.Dialect.
func (chat) Codec() dialect.Codec { return codec{} }

type codec struct{}

var (
	_ dialect.Dialect = chat{}
	_ dialect.Codec   = codec{}
	_ dialect.Meter   = (*meter)(nil)
)

func malformed(param, format string, args ...any) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: fmt.Sprintf(format, args...)}
}
