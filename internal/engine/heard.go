package engine

import (
	"bytes"
	"strings"
	"sync"

	"weir/internal/frame"
	"weir/internal/llm"
)

// heardSize is how many bytes of an answer's text are remembered; headMost within how many a frame names its type.
const (
	heardSize = 4 << 10
	headMost  = 80
)

// heard is what is remembered of an answer as it passes, so that what it comes to can be told should nobody state it: how
// long its text is, taken at the names under which its dialect has text, and the first of it. The rest is taken to hold as
// many tokens a byte. Nothing is decoded, and nothing counted before it is needed.
type heard struct {
	text   *[]byte // as it stood in JSON
	all    int64
	calls  int
	answer int64 // what a whole answer was counted as

	asked    int    // length of a request that was let go
	glimpses []byte // pieces of it
}

var heardBuffers = sync.Pool{New: func() any { b := make([]byte, 0, heardSize); return &b }}

func (h *heard) add(text []byte) {
	h.all += int64(len(text))
	if h.text == nil {
		h.text = heardBuffers.Get().(*[]byte)
		*h.text = (*h.text)[:0]
	}
	*h.text = append(*h.text, text[:min(len(text), heardSize-len(*h.text))]...)
}

func (h *heard) release() {
	if h.text != nil {
		heardBuffers.Put(h.text)
	}
	h.text = nil
}

// texts are the members that hold pieces of an answer, as their names stand in a frame, without the quote before: what
// begins with a byte that a frame is full of is slow to find.
var texts = map[llm.Dialect][][]byte{
	llm.OpenAIChat:        names(`content":`, `reasoning":`, `arguments":`), // the first is reasoning_content too
	llm.OpenAICompletions: names(`text":`),
	llm.OpenAIResponses:   names(`delta":`),
	llm.AnthropicMessages: names(`text":`, `thinking":`, `partial_json":`),
	llm.GeminiGenerate:    names(`text":`, `args":`, `stringValue":`),
	llm.BedrockConverse:   names(`text":`, `input":`),
	llm.CohereChat:        names(`text":`, `thinking":`, `tool_plan":`, `arguments":`),
	llm.OllamaChat:        names(`content":`, `thinking":`, `arguments":`),
}

func names(list ...string) (out [][]byte) {
	for _, s := range list {
		out = append(out, []byte(s))
	}
	return out
}

// frame takes one frame of a stream.
func (h *heard) frame(d llm.Dialect, f *frame.Frame) {
	switch d {
	case llm.AnthropicMessages:
		if f.Event == "content_block_start" {
			h.call(f.Data, "tool_use")
		}
		if f.Event != "content_block_delta" {
			return
		}
	case llm.OpenAIResponses:
		if !h.delta(f) {
			return
		}
	case llm.CohereChat:
		h.call(f.Data, "tool-call-start")
		if bytes.Contains(f.Data[:min(len(f.Data), headMost)], []byte(`"citation-`)) { // sources are no answer
			return
		}
	case llm.GeminiGenerate:
		if bytes.Contains(f.Data, []byte(`"name":`)) { // else it goes on
			h.call(f.Data, "functionCall")
		}
	case llm.BedrockConverse:
		h.call(f.Data, "toolUseId")
	}
	data := f.Data
	switch d {
	case llm.GeminiGenerate: // what it found is told again there
		data, _, _ = bytes.Cut(data, []byte(`groundingMetadata"`))
	case llm.OpenAIChat:
		data = data[max(bytes.Index(data, []byte(`delta":`)), 0):]
	}
	for i, name := range texts[d] {
		for b := data; ; {
			at := bytes.Index(b, name)
			if at < 0 {
				break
			}
			whole := at > 0 && (b[at-1] == '"' || d == llm.OpenAIChat && b[at-1] == '_')
			b = bytes.TrimLeft(b[at+len(name):], " ")
			if !whole {
				continue
			}
			if d == llm.OpenAIChat {
				h.chat(i, data, b)
			}
			b = b[h.value(b):]
		}
	}
}

// value takes the value that b begins with, if it is a string or an object, and returns its length.
func (h *heard) value(b []byte) int {
	size := valueSize(b)
	switch {
	case size == 0:
	case b[0] == '"':
		h.add(b[1 : 1+size])
	default:
		for field := range bytes.FieldsSeq(b[:size]) { // some indent it
			h.add(field)
		}
	}
	return size
}

// chat takes what only chat has: names of calls beside their arguments, and content that is a list.
func (h *heard) chat(i int, data, value []byte) {
	switch {
	case i == toolArguments:
		if _, after, ok := bytes.Cut(data, []byte(`"name":`)); ok {
			if after = bytes.TrimLeft(after, " "); len(after) > 1 && after[0] == '"' && after[1] != '"' {
				h.calls++
			}
		}
	case i == 0 && len(value) > 0 && value[0] == '[' && !bytes.HasPrefix(value, []byte(`[{"token"`)):
		for {
			_, after, ok := bytes.Cut(value, []byte(`"text":`))
			if !ok {
				return
			}
			value = after
			h.value(bytes.TrimLeft(value, " "))
		}
	}
}

// toolArguments is the place of chat's arguments among its texts.
const toolArguments = 2

// call counts calls of tools: the times a word stands in quotes, which it never does within a text.
func (h *heard) call(data []byte, word string) {
	for {
		i := bytes.Index(data, []byte(word))
		if i <= 0 || i+len(word) >= len(data) {
			return
		}
		if data[i-1] == '"' && data[i+len(word)] == '"' {
			h.calls++
		}
		data = data[i+len(word):]
	}
}

// delta reports whether a frame of Responses has more of an answer: what is told again at its end counts once.
func (h *heard) delta(f *frame.Frame) bool {
	switch {
	case f.Event == "":
		if bytes.Contains(f.Data, []byte(`.output_item.added"`)) {
			h.call(f.Data, "function_call")
		}
		return bytes.Contains(f.Data, []byte(`.delta"`))
	case f.Event == "response.output_item.added":
		h.call(f.Data, "function_call")
	}
	return strings.HasSuffix(f.Event, ".delta")
}

// valueSize is the length of the string, without its quotes, or object that b begins with, 0 for another value.
func valueSize(b []byte) int {
	if len(b) == 0 || b[0] != '"' && b[0] != '{' {
		return 0
	}
	within, depth := b[0] == '"', 0
	if !within {
		depth = 1
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case within && c == '\\':
			i++
		case c == '"':
			if within = !within; !within && depth == 0 {
				return i - 1
			}
		case within:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0 // cut short
}
