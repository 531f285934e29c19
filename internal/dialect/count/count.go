// Package count is how the tokens of a conversation are counted before it is sent: Messages' count_tokens, Gemini's
// countTokens, Bedrock's CountTokens and Responses' input_tokens.
//
// Counting belongs to the dialect of the conversation: it has its name, its errors and, within a wrapping of its own, its
// request. So a face here is the dialect's own with another wrapping. To ask a provider that counts in another dialect the
// conversation goes through the codecs of both, without what does not count (limits, sampling), and the number comes back.
//
// Everything here is without state and safe for concurrent use, except Meters, which belong to one answer.
package count

import (
	"net/http"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Face counts in one dialect.
type Face struct {
	name  llm.Dialect
	chat  dialect.Dialect
	words words
}

// words are what differs from the conversation's own call.
type words struct {
	action, chat string   // how the paths end
	answer       string   // the member that holds the number
	counted      []string // members of a conversation that count; nil = all
}

var faces = map[llm.Dialect]words{
	llm.AnthropicMessages: {"/count_tokens", "", "input_tokens", []string{
		"messages", "model", "system", "thinking", "tool_choice", "tools", "output_config", "mcp_servers", "context_management",
	}},
	llm.OpenAIResponses: {"/input_tokens", "", "input_tokens", []string{
		"input", "instructions", "model", "parallel_tool_calls", "reasoning", "text", "tool_choice", "tools", "truncation",
	}},
	llm.GeminiGenerate:  {"countTokens", "generateContent", "totalTokens", nil},
	llm.BedrockConverse: {"/count-tokens", "/converse", "inputTokens", []string{"messages", "system", "toolConfig", "additionalModelRequestFields"}},
	// vLLM counts by giving the tokens of a conversation in the words of Chat Completions.
	llm.VLLMTokenize: {"/tokenize", "/v1/chat/completions", "count", []string{
		"messages", "model", "tools", "chat_template", "chat_template_kwargs", "mm_processor_kwargs",
	}},
}

// vertexCounts are the members that Vertex AI's countTokens takes, bare.
var vertexCounts = []string{"contents", "systemInstruction", "tools", "generationConfig"}

// New returns the face of a dialect of conversations, nil for one that does not count.
func New(chat dialect.Dialect) *Face {
	if chat == nil {
		return nil
	}
	w, ok := faces[chat.Name()]
	if !ok {
		return nil
	}
	name := chat.Name()
	if of, ok := chat.(interface{ Chat() dialect.Dialect }); ok {
		chat = of.Chat()
	}
	return &Face{name, chat, w}
}

var (
	_ dialect.Dialect     = (*Face)(nil)
	_ dialect.FaultHeader = (*Face)(nil)
	_ dialect.FaultStatus = (*Face)(nil)
)

// Name implements dialect.Dialect.
func (f *Face) Name() llm.Dialect { return f.name }

// inPath reports whether the model stands in the path.
func (f *Face) inPath() bool { return f.words.chat != "" }

// swap exchanges the end of a path.
func swap(path, from, to string) string { return strings.TrimSuffix(path, from) + to }

var (
	wrapped = splice.NewSpec("generateContentRequest")
	inside  = splice.NewSpec("model")
)

// Peek implements dialect.Dialect.
func (f *Face) Peek(c *dialect.Call) (llm.Head, error) {
	if !f.inPath() {
		return dialect.PeekModel(c)
	}
	as := *c
	as.Path = swap(c.Path, f.words.action, f.words.chat)
	h, err := f.chat.Peek(&as)
	if err != nil {
		return h, err
	}
	c.Index = as.Index
	h = llm.Head{Model: h.Model}
	if f.Name() != llm.GeminiGenerate {
		return h, nil
	}
	name, err := inner(c.Body)
	if err != nil {
		return llm.Head{}, err
	}
	if name != "" && bare(name) != bare(h.Model) {
		return llm.Head{}, malformed("generateContentRequest.model", "the body names another model than the path")
	}
	return h, nil
}

// inner reads the model that a wrapped conversation names, "" for none.
func inner(body []byte) (string, error) {
	ix, err := wrapped.Scan(body)
	if err != nil {
		return "", malformed("generateContentRequest", err.Error())
	}
	v := ix.Get(body, 0)
	if rawjson.IsNull(v) {
		return "", nil
	}
	in, err := inside.Scan(v)
	if err != nil {
		return "", malformed("generateContentRequest", err.Error())
	}
	model := in.Get(v, 0)
	name, ok := rawjson.String(model)
	if !ok && !rawjson.IsNull(model) {
		return "", malformed("generateContentRequest.model", "the model's name must be a text")
	}
	return name, nil
}

func bare(name string) string { return strings.TrimPrefix(name, "models/") }

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// Edit implements dialect.Dialect. Nothing is generated and nothing streams.
func (f *Face) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	if !f.inPath() {
		return dialect.EditModel(dst, c, e)
	}
	body := c.Body
	if name, err := inner(body); f.Name() == llm.GeminiGenerate && e.Model != "" && err == nil && name != "" {
		model := bare(e.Model)
		if strings.HasPrefix(name, "models/") {
			model = "models/" + model
		}
		if c.Body, err = renamed(body, model); err != nil {
			return c, err
		}
	}
	as := c
	as.Path = swap(c.Path, f.words.action, f.words.chat)
	if _, err := f.chat.Peek(&as); err != nil {
		return c, err
	}
	as, err := f.chat.Edit(dst, as, dialect.Edit{Model: e.Model})
	if err != nil {
		return c, err
	}
	as.Path = swap(as.Path, f.words.chat, f.words.action)
	return as, nil
}

// renamed returns a body whose wrapped conversation names another model.
func renamed(body []byte, model string) ([]byte, error) {
	ix, err := wrapped.Scan(body)
	if err != nil {
		return nil, err
	}
	v := ix.Get(body, 0)
	in, err := inside.Scan(v)
	if err != nil {
		return nil, err
	}
	v = inside.Apply(nil, v, &in, splice.Change{Member: 0, Value: rawjson.AppendString(nil, model)})
	return wrapped.Apply(nil, body, &ix, splice.Change{Member: 0, Value: v}), nil
}

// Fault implements dialect.Dialect.
func (f *Face) Fault(dst []byte, why *fault.Fault, form dialect.Form) []byte {
	return f.chat.Fault(dst, why, form)
}

// FaultHeader implements dialect.FaultHeader for the dialects that name a fault in the head.
func (f *Face) FaultHeader(h http.Header, why *fault.Fault) {
	if named, ok := f.chat.(dialect.FaultHeader); ok {
		named.FaultHeader(h, why)
	}
}

// FaultStatus implements dialect.FaultStatus for the dialects that have a status of their own.
func (f *Face) FaultStatus(why *fault.Fault) int {
	if own, ok := f.chat.(dialect.FaultStatus); ok {
		return own.FaultStatus(why)
	}
	return why.Status()
}

// ReadFault implements dialect.Dialect.
func (f *Face) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return f.chat.ReadFault(status, h, body)
}

// Codec implements dialect.Dialect. The conversation's own is used within Decode and Encode.
func (f *Face) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (f *Face) Meter() dialect.Meter { return &meter{} }

// meter reads nothing: what is counted here is not used.
type meter struct{ r dialect.Reading }

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. Counts do not stream.
func (m *meter) Frame(frame.Frame) {}

// Body implements dialect.Meter.
func (m *meter) Body([]byte) { m.r.Began, m.r.Ended = true, true }

// Decode reads the conversation of a call that passed Peek; within is the path under which it stands in the call. What
// only its own provider knows cannot be counted elsewhere.
func (f *Face) Decode(c dialect.Call) (req *llm.Request, within string, err error) {
	c.Path = swap(c.Path, f.words.action, f.words.chat)
	switch f.Name() {
	case llm.GeminiGenerate:
		if v := rawjson.Get(c.Body, "generateContentRequest"); rawjson.Kind(v) == '{' {
			c.Body, within = v, "generateContentRequest"
		}
	case llm.BedrockConverse:
		v := rawjson.Get(c.Body, "input", "converse")
		if rawjson.Kind(v) != '{' {
			return nil, "", dialect.Unsaid("input", "only the input of a conversation (converse) can be counted by a target of another dialect")
		}
		c.Body, within = v, "input.converse"
	}
	if _, err := f.chat.Peek(&c); err != nil {
		return nil, within, err
	}
	if req, err = f.chat.Codec().DecodeRequest(c); err != nil {
		return nil, within, err
	}
	if req.Thread.Previous != "" {
		return nil, within, dialect.Unsaid("previous_response_id", "what came before is kept elsewhere; send the conversation itself to have it counted")
	}
	return req, within, nil
}

// Encode writes the call that has a conversation counted. Losses are those of what counts: invented defaults are none.
func (f *Face) Encode(req *llm.Request, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	call, losses, err := f.chat.Codec().EncodeRequest(req, facts)
	if err != nil {
		return call, nil, err
	}
	losses = slices.DeleteFunc(losses, func(l llm.Loss) bool { return l.Grade == llm.Filled })
	call.Path = swap(call.Path, f.words.chat, f.words.action)
	counted := f.words.counted
	var w rawjson.Writer
	depth := 1
	w.Open('{')
	switch {
	case f.Name() == llm.BedrockConverse:
		w.Name("input").Open('{').Name("converse").Open('{')
		depth = 3
	case f.Name() == llm.GeminiGenerate && facts.Provider == "vertex":
		counted = vertexCounts
	case f.Name() == llm.GeminiGenerate:
		w.Name("generateContentRequest").Open('{').Name("model").String("models/" + bare(facts.Model))
		depth = 2
	}
	for name, v := range rawjson.Members(call.Body) {
		if counted == nil || slices.Contains(counted, string(name)) {
			w.Name(string(name)).Raw(v)
		}
	}
	for range depth {
		w.Close('}')
	}
	call.Body, call.Index = w.Buf, splice.Index{}
	return call, losses, nil
}

// Read returns the number that an answer states.
func (f *Face) Read(body []byte) (int64, error) {
	n, ok := rawjson.Int(rawjson.Get(body, f.words.answer))
	if !ok || n < 0 {
		return 0, dialect.Garbage("the provider's answer has no "+f.words.answer, nil)
	}
	return n, nil
}

// Write returns an answer.
func (f *Face) Write(n int64) []byte {
	var w rawjson.Writer
	w.Open('{')
	if f.Name() == llm.OpenAIResponses {
		w.Name("object").String("response.input_tokens")
	}
	w.Name(f.words.answer).Int(n).Close('}')
	return w.Buf
}
