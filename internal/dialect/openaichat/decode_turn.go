package openaichat

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// The words reasoning comes under, in Part.Name; reasoning_content is "".
const (
	wordContent   = ""
	wordReasoning = "reasoning"
	wordDetails   = "reasoning_details"
	wordThinking  = "thinking"

	wordInContent = "content" // of images and sounds
)

// turn is an assistant's message, of a request's history or of an answer, by its members. It is decoded in an order of
// its own: reasoning, content, refusal, audio, images, calls.
type turn struct {
	body       []byte // for spans; nil = none
	path, seed string // of the message; seed makes ids for calls that have none
	legacyID   func(name string) string

	content, refusal, audio, images          []byte
	reasoningContent, reasoning, details     []byte
	annotations, calls, functionCall         []byte
	contentLogs, refusalLogs, reasoningLogs  []byte
	lostReasoningLogs, lostLogs, lostRefusal bool // no part to hold them

	parts []llm.Part
}

// take notes a member the turn knows; false for any other.
func (t *turn) take(name string, v []byte) bool {
	switch name {
	case "content":
		t.content = v
	case "refusal":
		t.refusal = v
		return isText(v)
	case "reasoning_content":
		t.reasoningContent = v
		return isText(v)
	case "reasoning":
		t.reasoning = v
		return isText(v)
	case "reasoning_details":
		t.details = v
		return rawjson.Kind(v) == '['
	case "audio":
		t.audio = v
		return rawjson.Kind(v) == '{'
	case "images":
		t.images = v
		return areImages(v)
	case "annotations":
		t.annotations = v
		return rawjson.Kind(v) == '['
	case "tool_calls":
		t.calls = v
		return rawjson.Kind(v) == '['
	case "function_call":
		t.functionCall = v
		return rawjson.Kind(v) == '{'
	default:
		return false
	}
	return true
}

func isText(v []byte) bool { return rawjson.Kind(v) == '"' }

func areImages(v []byte) bool {
	for _, e := range rawjson.Elems(v) {
		if p := contentPart(nil, e, ""); p.Kind != llm.PartImage {
			return false
		}
	}
	return rawjson.Kind(v) == '['
}

func (t *turn) at(member string) string {
	if t.path == "" {
		return ""
	}
	return t.path + "." + member
}

func (t *turn) item(member string, i int) string {
	if t.path == "" {
		return ""
	}
	return t.path + "." + member + "[" + strconv.Itoa(i) + "]"
}

// decode returns the parts of the turn.
func (t *turn) decode() []llm.Part {
	t.think()
	t.say()
	if s := rawjson.Text(t.refusal); s != "" {
		t.add(llm.Part{Kind: llm.PartRefusal, Text: s, Span: spanOf(t.body, t.refusal), Path: t.at("refusal")})
	}
	if p, ok := audioPart(t.audio, t.at("audio")); ok {
		t.add(p)
	}
	if areImages(t.images) {
		for i, e := range rawjson.Elems(t.images) {
			t.add(contentPart(nil, e, t.item("images", i)))
		}
	}
	t.call()
	t.cite()
	t.lostLogs = !t.log(llm.PartText, t.contentLogs, false)
	t.lostRefusal = !t.log(llm.PartRefusal, t.refusalLogs, true)
	t.lostReasoningLogs = !t.log(llm.PartReasoning, t.reasoningLogs, false)
	return t.parts
}

func (t *turn) add(p llm.Part) { t.parts = append(t.parts, p) }

// think decodes the reasoning. The same text often comes under two names; it is kept once.
func (t *turn) think() {
	content, reasoning := rawjson.Text(t.reasoningContent), rawjson.Text(t.reasoning)
	var details []llm.Part
	var said strings.Builder
	for i, e := range rawjson.Elems(t.details) {
		p := detail(e, t.item("reasoning_details", i))
		said.WriteString(p.Text)
		details = append(details, p)
	}
	if content != "" && content != said.String() {
		t.add(llm.Part{Kind: llm.PartReasoning, Text: content, Span: spanOf(t.body, t.reasoningContent), Path: t.at("reasoning_content")})
	}
	if reasoning != "" && reasoning != content && reasoning != said.String() {
		t.add(llm.Part{
			Kind: llm.PartReasoning, Name: wordReasoning, Text: reasoning,
			Span: spanOf(t.body, t.reasoning), Path: t.at("reasoning"),
		})
	}
	t.parts = append(t.parts, details...)
}

// say decodes the content. An empty text is no part, unless something hangs on it.
func (t *turn) say() {
	switch rawjson.Kind(t.content) {
	case '"':
		if s := rawjson.Text(t.content); s != "" || !empty(t.annotations) || !empty(t.contentLogs) {
			t.add(llm.Part{Kind: llm.PartText, Text: s, Span: spanOf(t.body, t.content), Path: t.at("content")})
		}
		return
	case '[':
		for i, e := range rawjson.Elems(t.content) {
			t.add(inContent(contentPart(t.body, e, t.item("content", i))))
		}
	case '{', '0', 't', 'f': // free JSON in place of its text
		t.add(llm.Part{Kind: llm.PartJSON, Text: string(t.content), Path: t.at("content")})
	}
	if (!empty(t.annotations) || !empty(t.contentLogs)) && t.last(llm.PartText) < 0 {
		t.add(llm.Part{Kind: llm.PartText, Path: t.at("content")})
	}
}

// inContent marks images and sounds in an assistant's content; most stand beside it.
func inContent(p llm.Part) llm.Part {
	if p.Kind == llm.PartImage || p.Kind == llm.PartAudio {
		p.Name = wordInContent
	}
	return p
}

func (t *turn) last(kind llm.PartKind) int {
	for i, v := range slices.Backward(t.parts) {
		if v.Kind == kind {
			return i
		}
	}
	return -1
}

func audioPart(v []byte, path string) (llm.Part, bool) {
	if rawjson.Kind(v) != '{' {
		return llm.Part{}, false
	}
	p := llm.Part{Kind: llm.PartAudio, Media: &llm.Blob{}, Path: path}
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "id":
			p.ID = rawjson.Text(val)
		case "data":
			p.Media.Data = rawjson.Text(val)
		case "transcript":
			p.Text = rawjson.Text(val)
		default:
			openai.Keep(&p.Extra, string(name), val)
		}
	}
	return p, p.ID != "" || p.Media.Data != "" || p.Text != ""
}

func (t *turn) call() {
	for i, e := range rawjson.Elems(t.calls) {
		t.add(toolCall(t.body, e, t.item("tool_calls", i), t.seed, i))
	}
	if rawjson.Kind(t.functionCall) != '{' || openai.Nothing(t.functionCall) {
		return
	}
	p := llm.Part{Kind: llm.PartCall, Raw: mark, Path: t.at("function_call")}
	p.Name = rawjson.Text(rawjson.Get(t.functionCall, "name"))
	p.Args, p.Span = arguments(t.body, rawjson.Get(t.functionCall, "arguments"))
	if t.legacyID != nil {
		p.ID = t.legacyID(p.Name)
	} else {
		p.ID = derive(t.seed, legacySlot)
	}
	openai.KeepRest(&p.Extra, "function_call", t.functionCall, "name", "arguments")
	t.add(p)
}

// legacySlot is the number of a function_call among the calls of its turn, of which it is the only one.
const legacySlot = -1

// cite hangs annotations on the text they are about. On the wire they count characters over all texts joined, here
// bytes of the part.
func (t *turn) cite() {
	if empty(t.annotations) || rawjson.Kind(t.annotations) != '[' {
		return
	}
	var all strings.Builder
	for i := range t.parts {
		if t.parts[i].Kind == llm.PartText {
			all.WriteString(t.parts[i].Text)
		}
	}
	text := all.String()
	for _, v := range rawjson.Elems(t.annotations) {
		c, from, to := citation(v)
		at, offset := t.last(llm.PartText), 0
		if from != to || from != 0 {
			start, ok := byteAt(text, from)
			end, ok2 := byteAt(text, to)
			if ok && ok2 && start < end {
				at, offset = t.holding(start)
				if end-offset > len(t.parts[at].Text) {
					ok = false
				}
			}
			if ok && ok2 && start < end {
				c.Start, c.End = int64(start-offset), int64(end-offset)
			} else {
				unplaced(&c, from, to)
			}
		}
		t.parts[at].Cites = append(t.parts[at].Cites, c)
	}
}

// holding returns the text part that holds byte n of all texts joined, and where it begins.
func (t *turn) holding(n int) (part, offset int) {
	for i := range t.parts {
		if t.parts[i].Kind != llm.PartText {
			continue
		}
		if part = i; n < offset+len(t.parts[i].Text) {
			return i, offset
		}
		offset += len(t.parts[i].Text)
	}
	return part, offset - len(t.parts[part].Text)
}

// unplaced keeps the numbers of a citation that do not fit the text.
func unplaced(c *llm.Cite, from, to int64) {
	openai.Keep(&c.Extra, "url_citation.start_index", strconv.AppendInt(nil, from, 10))
	openai.Keep(&c.Extra, "url_citation.end_index", strconv.AppendInt(nil, to, 10))
}

// byteAt returns the offset of character n of s; its end is one too.
func byteAt(s string, n int64) (int, bool) {
	if n < 0 || n > int64(len(s)) {
		return 0, false
	}
	at := 0
	for ; n > 0; n-- {
		if at >= len(s) {
			return 0, false
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at, true
}

// citation decodes an annotation and the characters it spans.
func citation(v []byte) (c llm.Cite, from, to int64) {
	kind := rawjson.Text(rawjson.Get(v, "type"))
	inner := rawjson.Get(v, "url_citation")
	if kind != "url_citation" || rawjson.Kind(inner) != '{' {
		c.Kind = kind
		for name, val := range rawjson.Members(v) {
			if string(name) != "type" {
				openai.Keep(&c.Extra, string(name), val)
			}
		}
		return c, 0, 0
	}
	c.Kind = "url"
	for name, val := range rawjson.Members(v) {
		if n := string(name); n != "type" && n != "url_citation" {
			openai.Keep(&c.Extra, n, val)
		}
	}
	for name, val := range rawjson.Members(inner) {
		s, isString := rawjson.String(val)
		n, isInt := rawjson.Int(val)
		switch name := string(name); {
		case name == "url" && isString:
			c.URL = s
		case name == "title" && isString:
			c.Title = s
		case name == "content" && isString:
			c.Quote = s
		case name == "start_index" && isInt:
			from = n
		case name == "end_index" && isInt:
			to = n
		default:
			openai.Keep(&c.Extra, "url_citation."+name, val)
		}
	}
	return c, from, to
}

// log hangs log probabilities on the last part of a kind and reports whether there was one, or none were due.
func (t *turn) log(kind llm.PartKind, v []byte, refusal bool) bool {
	if empty(v) {
		return true
	}
	at := t.last(kind)
	if at < 0 {
		return false
	}
	t.parts[at].Logprobs = logprobs(v, refusal)
	return true
}
