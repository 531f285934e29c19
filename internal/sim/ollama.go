package sim

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// ollamaFace is Ollama's. What it does not know it does not look at, as the real one, which decodes into Go's structs.
var ollamaFace = &face{
	name:     "ollama",
	idHeader: "X-Request-Id",
	key:      bearer,
	refuse:   func(f *refusal, _ string) []byte { return ollamaError(f) },
	framing: framing{
		contentType: "application/x-ndjson",
		event:       func(_ int, _ string, data []byte) []byte { return append(data, '\n') },
		fault:       func(_ int, f *refusal) []byte { return append(ollamaError(f), '\n') },
	},
	failures: ollamaFailures,
	noKey:    func(bool, string) *refusal { return ollamaFailures["sim-auth"] },
	notJSON:  func(err error) *refusal { return ollamaInvalid("%v", err) },
	noPath: func(_, _ string) *refusal {
		return &refusal{status: http.StatusNotFound, message: "404 page not found"}
	},
}

func ollamaError(f *refusal) []byte {
	w := rawjson.Writer{}
	return w.Open('{').Name("error").String(f.message).Close('}').Buf
}

func ollamaInvalid(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

// ollamaFailures are the answers of the models that fail, in Ollama's words.
var ollamaFailures = map[string]*refusal{
	"sim-429":             {status: http.StatusTooManyRequests, retryAfter: "1", message: "you have reached your hourly usage limit, please try again later"},
	"sim-overloaded":      {status: http.StatusServiceUnavailable, message: "server busy, please try again.  maximum pending requests exceeded"},
	"sim-500":             {status: http.StatusInternalServerError, message: "llama runner process has terminated: exit status 2"},
	"sim-503":             {status: http.StatusServiceUnavailable, message: "service unavailable"},
	"sim-auth":            {status: http.StatusUnauthorized, message: "unauthorized"},
	"sim-context":         {status: http.StatusBadRequest, message: "the input length exceeds the context length"},
	"sim-error-in-stream": {status: http.StatusInternalServerError, message: "an error was encountered while running the model: unexpected EOF"},
	"sim-error-first":     {status: http.StatusInternalServerError, message: "an error was encountered while running the model: unexpected EOF"},
}

// ollamaReader reads a chat request into a question. The first thing found wrong is kept in bad; what is read after it
// does not matter.
type ollamaReader struct {
	q     question
	bad   *refusal
	body  []byte
	name  string // of the model, as it was asked for
	empty bool   // there are no messages: the model is only to be loaded
	calls []call // of the last assistant turn, in order, for results without an id
}

func (o *ollamaReader) fail(format string, args ...any) {
	if o.bad == nil {
		o.bad = ollamaInvalid(format, args...)
	}
}

// as checks a value's type as Go's decoder does; null is as good as absent.
func (o *ollamaReader) as(v []byte, at, kind, goType string) []byte {
	if rawjson.IsNull(v) {
		return nil
	}
	if !isKind(v, kind) {
		o.fail("json: cannot unmarshal %s into Go struct field %s of type %s", goKind(v), at, goType)
	}
	return v
}

func (o *ollamaReader) text(v []byte, at string) string {
	return rawjson.Text(o.as(v, at, "string", "string"))
}

func (o *ollamaReader) get(name string) []byte { return rawjson.Get(o.body, name) }

// modelNamed finds a model under its name with or without a tag.
func modelNamed(name string) (Model, bool) { return findModel(strings.TrimSuffix(name, ":latest")) }

func noOllamaModel(name string) *refusal {
	return &refusal{status: http.StatusNotFound, message: "model '" + name + "' not found"}
}

// read reads the whole request.
func (o *ollamaReader) read() {
	q := &o.q
	o.name = o.text(o.get("model"), "ChatRequest.model")
	m, known := modelNamed(o.name)
	switch {
	case o.name == "":
		o.fail("model is required")
	case o.bad == nil && !known:
		o.bad = noOllamaModel(o.name)
	case m.Embeds:
		o.fail("%q does not support chat", o.name)
	}
	q.model, q.n, q.stream = m, 1, true
	q.choice.mode = "auto"
	if v := o.as(o.get("stream"), "ChatRequest.stream", "bool", "bool"); v != nil {
		q.stream, _ = rawjson.Bool(v)
	}
	o.readTools()
	o.readMessages()
	o.readOptions()
	o.readThink()
	o.readFormat()
	if k := o.get("keep_alive"); !rawjson.IsNull(k) && rawjson.Kind(k) != '"' && rawjson.Kind(k) != '0' {
		o.fail("json: cannot unmarshal %s into Go struct field ChatRequest.keep_alive of type api.Duration", goKind(k))
	}
	q.input = q.size()
	if q.input > m.Context && o.bad == nil {
		o.bad = ollamaFailures["sim-context"]
	}
}

func (o *ollamaReader) readThink() {
	o.q.think = o.q.model.thinks()
	switch v := o.get("think"); rawjson.Kind(v) {
	case ' ', 'n':
	case 't':
		o.q.think = 2
	case 'f':
		o.q.think = 0
	case '"':
		level, ok := map[string]int{"low": 1, "medium": 2, "high": 3, "max": 3}[rawjson.Text(v)]
		if o.q.think = level; !ok {
			o.fail("invalid think value: %q (must be \"high\", \"medium\", \"low\", \"max\", true, or false)", rawjson.Text(v))
		}
	default:
		o.fail("think must be a boolean or string (\"high\", \"medium\", \"low\", \"max\", true, or false)")
	}
	if o.q.model.ID == "sim-redacted" {
		o.q.think = 0 // it has no way to hand out what is encrypted
	}
}

func (o *ollamaReader) readFormat() {
	switch v := o.get("format"); rawjson.Kind(v) {
	case ' ', 'n':
	case '{':
		o.q.schema = v
	case '"':
		switch rawjson.Text(v) {
		case "":
		case "json":
			o.q.schema = []byte(anyObject)
		default:
			o.fail("invalid format: %q; expected \"json\" or a valid JSON Schema object", rawjson.Text(v))
		}
	default:
		o.fail("invalid format: %s; expected \"json\" or a valid JSON Schema object", cut(string(v), 100))
	}
}

// ollamaOptions are the options that are looked at, by each the type it has in Go.
var ollamaOptions = map[string]string{
	"num_predict": "int", "num_ctx": "int", "seed": "int", "top_k": "int", "num_keep": "int", "repeat_last_n": "int", "num_gpu": "int",
	"num_batch": "int", "num_thread": "int", "main_gpu": "int", "temperature": "float32", "top_p": "float32", "min_p": "float32",
	"typical_p": "float32", "repeat_penalty": "float32", "presence_penalty": "float32", "frequency_penalty": "float32", "stop": "string slice",
}

func (o *ollamaReader) readOptions() {
	options := o.as(o.get("options"), "ChatRequest.options", "object", "map[string]interface {}")
	for n, v := range rawjson.Members(options) {
		name := string(n)
		kind := ollamaOptions[name]
		switch {
		case rawjson.IsNull(v):
		case kind == "int" && (rawjson.Kind(v) != '0' || !whole(v)):
			o.fail("option %q must be of type integer", name)
		case kind == "float32" && rawjson.Kind(v) != '0':
			o.fail("option %q must be of type float32", name)
		case kind == "string slice" && rawjson.Kind(v) != '[':
			o.fail("option %q must be of type array", name)
		}
		switch name {
		case "num_predict":
			if n, _ := rawjson.Int(v); n > 0 {
				o.q.room = n
			}
		case "stop":
			for _, s := range rawjson.Elems(v) {
				if rawjson.Kind(s) != '"' {
					o.fail("option \"stop\" must be of an array of strings")
				}
				if s := rawjson.Text(s); s != "" {
					o.q.stops = append(o.q.stops, s)
				}
			}
		}
	}
}

func (o *ollamaReader) readTools() {
	tools := o.as(o.get("tools"), "ChatRequest.tools", "array", "api.Tools")
	for _, t := range rawjson.Elems(tools) {
		o.as(t, "ChatRequest.tools", "object", "api.Tool")
		f := o.as(rawjson.Get(t, "function"), "ChatRequest.tools.function", "object", "api.ToolFunction")
		name := o.text(rawjson.Get(f, "name"), "ToolFunction.tools.function.name")
		about := o.text(rawjson.Get(f, "description"), "ToolFunction.tools.function.description")
		schema := o.as(rawjson.Get(f, "parameters"), "ToolFunction.tools.function.parameters", "object", "api.ToolFunctionParameters")
		o.as(rawjson.Get(schema, "type"), "ToolFunctionParameters.tools.function.parameters.type", "string", "string")
		o.as(rawjson.Get(schema, "properties"), "ToolFunctionParameters.tools.function.parameters.properties", "object", "api.ToolPropertiesMap")
		o.as(rawjson.Get(schema, "required"), "ToolFunctionParameters.tools.function.parameters.required", "array", "[]string")
		o.q.takeTool(name, about, schema)
		if schema == nil {
			schema = []byte(`{"type":"object","properties":{}}`)
		}
		o.q.tools = append(o.q.tools, tool{name: name, schema: schema})
	}
}

// readMessages reads the conversation.
func (o *ollamaReader) readMessages() {
	messages := o.as(o.get("messages"), "ChatRequest.messages", "array", "[]api.Message")
	o.empty = length(messages) == 0
	for _, m := range rawjson.Elems(messages) {
		if o.as(m, "ChatRequest.messages", "object", "api.Message"); o.bad != nil {
			return
		}
		role := strings.ToLower(o.text(rawjson.Get(m, "role"), "Message.messages.role"))
		if !slices.Contains([]string{"system", "user", "assistant", "tool"}, role) {
			o.fail("invalid role: %s, must be one of [system, user, assistant, tool]", role)
		}
		t := turn{assistant: role == "assistant"}
		content := o.text(rawjson.Get(m, "content"), "Message.messages.content")
		o.text(rawjson.Get(m, "thinking"), "Message.messages.thinking")
		for _, img := range rawjson.Elems(o.as(rawjson.Get(m, "images"), "Message.messages.images", "array", "[]api.ImageData")) {
			t.media = append(t.media, o.image(o.text(img, "Message.messages.images")))
			o.q.takeMedia(img)
		}
		if role == "tool" {
			o.toolMessage(m, content, &t)
		} else if content != "" {
			t.texts = append(t.texts, content)
			o.q.takeText(content)
		}
		if role == "assistant" {
			o.readCalls(m, &t)
		}
		if role == "system" {
			o.q.system += content + "\n"
			continue
		}
		o.q.add(t)
	}
}

func (o *ollamaReader) readCalls(m []byte, t *turn) {
	o.calls = nil
	for _, k := range rawjson.Elems(o.as(rawjson.Get(m, "tool_calls"), "Message.messages.tool_calls", "array", "[]api.ToolCall")) {
		o.as(k, "Message.messages.tool_calls", "object", "api.ToolCall")
		id := o.text(rawjson.Get(k, "id"), "ToolCall.messages.tool_calls.id")
		f := o.as(rawjson.Get(k, "function"), "ToolCall.messages.tool_calls.function", "object", "api.ToolCallFunction")
		name := o.text(rawjson.Get(f, "name"), "ToolCallFunction.messages.tool_calls.function.name")
		args := rawjson.Get(f, "arguments")
		if rawjson.Kind(args) == '"' {
			o.fail("Value looks like object, but can't find closing '}' symbol")
		}
		o.as(args, "ToolCallFunction.messages.tool_calls.function.arguments", "object", "api.ToolCallFunctionArguments")
		if args == nil {
			args = []byte("{}")
		}
		o.q.takeCall(name, string(args))
		c := call{id: id, name: name, args: string(args)}
		t.calls, o.calls = append(t.calls, c), append(o.calls, c)
	}
}

// toolMessage reads a result. Which call it is for it may say by its id, or by the tool's name; else it is for the next.
func (o *ollamaReader) toolMessage(m []byte, content string, t *turn) {
	name := o.text(rawjson.Get(m, "tool_name"), "Message.messages.tool_name")
	if id := o.text(rawjson.Get(m, "tool_call_id"), "Message.messages.tool_call_id"); id != "" && name == "" {
		name = o.q.callName(id)
	}
	if name == "" && len(o.calls) > 0 {
		name = o.calls[0].name
	}
	if i := slices.IndexFunc(o.calls, func(c call) bool { return c.name == name }); i >= 0 {
		o.calls = slices.Delete(slices.Clone(o.calls), i, i+1)
	}
	o.q.takeResult(content)
	t.results = append(t.results, result{name: name, text: content})
}

func (o *ollamaReader) image(s string) string {
	data, err := base64.StdEncoding.DecodeString(s)
	var at base64.CorruptInputError
	switch kind := sniff(data); {
	case errors.As(err, &at):
		o.fail("illegal base64 data at input byte %d", int64(at))
	case !strings.HasPrefix(kind, "image/"):
		o.fail("Failed to create new sequence: failed to process inputs: image: unknown format")
	default:
		return seen("image", kind, len(data))
	}
	return ""
}
