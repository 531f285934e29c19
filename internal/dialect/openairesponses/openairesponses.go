// Package openairesponses is the dialect openai-responses: OpenAI's Responses API, as OpenAI, Azure, xAI, OpenRouter,
// DeepSeek and others speak it.
//
// The cheap face (peek.go, meter.go, fault.go) looks at bytes. The full face translates between the wire and the
// canonical model: decode_*.go read, encode_*.go write, and what both share (usage, stops, annotations) stands beside
// them. thread.go takes conversations apart without the codec.
//
// A conversation here is a list of items, finer than turns: what the model says in one turn is several items (its
// reasoning, its messages, its calls), each with an id. Decoding makes one message of such a run and notes the id of
// the item in every part; encoding makes items of the parts again. So:
//
//   - Several parts with one item id are the contents of one item: the texts of a message, the summaries of a reasoning.
//     The seal of reasoning (encrypted_content) is on the last part of its item, and so are members of an item that have
//     no field, under a dotted name (Extra["item.x"]). The Name of that part is the format of the seal, where a reseller
//     of several makers' models names it.
//   - instructions is a System message of that name, the first one.
//   - A seal on a text or a call, as other makers have it, has no place here: an item of reasoning that says nothing
//     follows and carries it, and a request that brings the item back gives the seal back to what stands before.
//   - Items of tools that the provider runs are calls that hold the whole item in Raw; every other kind of item is an
//     Opaque part. Both go back to this dialect only. A drawn image of an answer is an Image that holds its item too.
//   - Statuses are not kept where they say no more than that an item is complete, nor are empty lists of annotations.
//   - An answer repeats its request (model, tools, instructions, temperature …), and a stream says at each end what it
//     said before. Neither is kept: the encoder repeats what it has from the request and from what it wrote.
//
// What is decoded shares memory with the bytes it was decoded from. Spans of texts are of the JSON string with its
// quotes. Everything here is without state and safe for concurrent use, except Meters and the streams, which belong to
// one answer.
package openairesponses

import (
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// Path is where the dialect is spoken.
const Path = "/v1/responses"

// maker is who seals reasoning in this dialect where nothing says otherwise.
const maker = "openai"

// heldMost bounds what is kept of one answer while it streams, in bytes: its last event says all of it again.
const heldMost = 32 << 20

type responses struct{}

// New returns the dialect.
func New() dialect.Dialect { return responses{} }

// Name implements dialect.Dialect.
func (responses) Name() llm.Dialect { return llm.OpenAIResponses }

// Codec implements dialect.Dialect.
func (responses) Codec() dialect.Codec { return codec{} }

type codec struct{}

var (
	_ dialect.Dialect = responses{}
	_ dialect.Codec   = codec{}
	_ dialect.Meter   = (*meter)(nil)
)

// instructions is the member that a system turn of that name stands in.
const instructions = llm.Instructions

func isInstructions(m *llm.Message) bool { return m.Role == llm.System && m.Name == instructions }

func malformed(param, format string, args ...any) *fault.Fault {
	f := fault.New(fault.Malformed, format, args...)
	f.Param = param
	return f
}

// servers names the tools that the provider runs by the type of their items.
var servers = map[string]string{
	"web_search_call":       "web_search",
	"file_search_call":      "file_search",
	"code_interpreter_call": "code_interpreter",
	"image_generation_call": "image_generation",
	"mcp_call":              "mcp",
}

// drawn is the type of an item that holds an image of the model's.
const drawn = "image_generation_call"

// byClient reports whether an item answers the model rather than being its own.
func byClient(typ string) bool {
	return strings.HasSuffix(typ, "_output") || strings.HasSuffix(typ, "_response")
}

// Marks in Part.Raw and Part.Name of what a kind alone does not tell.
const (
	markCustom = `"custom_tool_call_output"` // Raw of a result: of a custom call
	inContent  = "content."                  // begins the Name of an Opaque part within a message
	itemLevel  = dialect.ItemLevel           // begins the name of a member of the item that a part is in
)
