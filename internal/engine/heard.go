package engine

import (
	"bytes"
	"strings"
	"sync"

	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
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
	*page
	all    int64
	calls  int
	answer int64 // what a whole answer was counted as

	asked int // length of a request that was let go
}

// page is the memory of one answer. The frames of a stream begin alike, with what names the answer and its model: how the
// last one that was looked through began is kept, and what begins so is not looked through again.
type page struct {
	text     []byte // as it stood in JSON
	glimpses []byte // pieces of a request that was let go

	begun []byte // a frame up to the value of its first text
	from  int    // where the search in it began
	which int    // the text's name
}

// beginMost bounds how long a beginning is worth its memory.
const beginMost = 1 << 10

var pages = sync.Pool{New: func() any { return &page{text: make([]byte, 0, heardSize)} }}

func (h *heard) open() {
	if h.page == nil {
		h.page = pages.Get().(*page)
		h.text, h.glimpses, h.begun = h.text[:0], h.glimpses[:0], h.begun[:0]
	}
}

func (h *heard) add(text []byte) {
	h.open()
	h.all += int64(len(text))
	h.text = append(h.text, text[:min(len(text), heardSize-len(h.text))]...)
}

func (h *heard) release() {
	if h.page != nil {
		pages.Put(h.page)
	}
	h.page = nil
}

// texts are the members that hold pieces of an answer.
var texts = map[llm.Dialect]*rawjson.Names{
	llm.OpenAIChat:        rawjson.Look("content", "arguments", "reasoning", "reasoning_content"),
	llm.OpenAICompletions: rawjson.Look("text"),
	llm.OpenAIResponses:   rawjson.Look("delta"),
	llm.AnthropicMessages: rawjson.Look("text", "thinking", "partial_json"),
	llm.GeminiGenerate:    rawjson.Look("text", "args", "stringValue"),
	llm.BedrockConverse:   rawjson.Look("text", "input"),
	llm.CohereChat:        rawjson.Look("text", "thinking", "tool_plan", "arguments"),
	llm.OllamaChat:        rawjson.Look("content", "thinking", "arguments"),
}

// The places of chat's content and arguments among its texts.
const (
	chatContent = iota
	chatArguments
)

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
	names := texts[d]
	if names == nil {
		return
	}
	data, which, at := h.first(d, names, f.Data)
	for at > 0 {
		if d == llm.OpenAIChat {
			h.chat(which, data, data[at:])
		}
		at += h.value(data[at:])
		which, at = names.Find(data, at)
	}
}

// first finds the first text of a frame: in what of it to search on, the text's name and the offset of its value, 0 for
// none.
func (h *heard) first(d llm.Dialect, names *rawjson.Names, whole []byte) (data []byte, which, at int) {
	if h.page != nil && len(h.begun) > 0 && bytes.HasPrefix(whole, h.begun) {
		return whole[h.from:], h.which, len(h.begun) - h.from
	}
	data, from := whole, 0
	switch d {
	case llm.GeminiGenerate: // what it found is told again there
		data, _, _ = bytes.Cut(whole, []byte(`groundingMetadata"`))
	case llm.OpenAIChat:
		from = max(bytes.Index(whole, []byte(`delta":`)), 0)
		data = whole[from:]
	}
	if which, at = names.Find(data, 0); at > 0 && from+at <= beginMost && d != llm.GeminiGenerate {
		h.open()
		h.begun, h.from, h.which = append(h.begun[:0], whole[:from+at]...), from, which
	}
	return data, which, at
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
func (h *heard) chat(which int, data, value []byte) {
	switch {
	case which == chatArguments:
		if _, after, ok := bytes.Cut(data, []byte(`"name":`)); ok {
			if after = bytes.TrimLeft(after, " "); len(after) > 1 && after[0] == '"' && after[1] != '"' {
				h.calls++
			}
		}
	case which == chatContent && len(value) > 0 && value[0] == '[' && !bytes.HasPrefix(value, []byte(`[{"token"`)):
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
