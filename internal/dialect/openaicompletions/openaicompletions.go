// Package openaicompletions speaks OpenAI's legacy Completions (POST /v1/completions): a text that the model goes on
// from, and what it wrote. Base models and servers of one's own still speak it.
//
// The cheap face (peek.go, meter.go) works on bytes. A prompt is passed whatever its form: a text, several, or tokens.
//
// The codec takes a prompt for one turn of the user. Prompts that are several texts or tokens are one question in no
// other dialect, so they are passed and never translated: DecodeRequest refuses them as Unsupported, and a target that
// speaks this dialect may still be tried. What a limit is where none was named is the dialect's own 16 tokens; decoded
// requests state it.
//
// A conversation becomes a prompt as far as one can be written: a turn of the user is the prompt as it is, a system
// turn stands before it as a paragraph, and with answers among the turns all become a transcript whose speakers are
// named, which ends where the model is to go on. Only what the user said arrives as what it was; every other turn is
// named Changed. Tools that the model may call are refused, for an answer that cannot call them is a wrong answer; so
// are media.
//
// Log probabilities have a shape of their own: parallel lists of tokens, their probabilities, the likeliest tokens at
// each place and offsets. The offsets follow from the tokens but for where they begin, and are kept for the dialect
// itself as Choice.Extra["logprobs.text_offset"].
package openaicompletions

import (
	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
)

// Path is where the dialect is spoken.
const Path = "/v1/completions"

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return completions{} }

type completions struct{ openai.Faults }

// Name implements dialect.Dialect.
func (completions) Name() llm.Dialect { return llm.OpenAICompletions }

// Codec implements dialect.Dialect.
func (completions) Codec() dialect.Codec { return codec{} }

type codec struct{}

var (
	_ dialect.Dialect = completions{}
	_ dialect.Codec   = codec{}
)

func malformed(param, format string, args ...any) *fault.Fault {
	f := fault.New(fault.Malformed, format, args...)
	f.Param = param
	return f
}

func unsupported(param, format string, args ...any) *fault.Fault {
	f := fault.New(fault.Unsupported, format, args...)
	f.Param = param
	return f
}
