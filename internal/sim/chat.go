package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// chatFace is OpenAI's.
var chatFace = &face{
	name:     "openai-chat",
	idHeader: "X-Request-Id",
	key:      bearer,
	refuse:   func(f *refusal, _ string) []byte { return errorObject(f) },
	framing:  eventStream(func(f *refusal) (string, []byte) { return "", errorObject(f) }),
	failures: chatFailures,
	noKey: func(given bool, key string) *refusal {
		f := &refusal{status: http.StatusUnauthorized, kind: "invalid_request_error"}
		if f.message = "You didn't provide an API key in an Authorization header using Bearer auth."; given {
			f.message, f.code = "Incorrect API key provided: "+cut(key, 4)+"****.", "invalid_api_key"
		}
		return f
	},
	notJSON: func(err error) *refusal {
		return chatError("", "", "We could not parse the JSON body of your request. (%v)", err)
	},
	noPath: func(method, path string) *refusal {
		return &refusal{status: http.StatusNotFound, kind: "invalid_request_error", code: "unknown_url", message: "Unknown request URL: " + method + " " + path}
	},
}

// errorObject writes OpenAI's error object.
func errorObject(f *refusal) []byte {
	w := &rawjson.Writer{}
	w.Open('{').Name("error").Open('{').Name("message").String(f.message).Name("type").String(f.kind)
	orNull(w, "param", f.param)
	orNull(w, "code", f.code)
	return w.Close('}').Close('}').Buf
}

// orNull writes a member that is null when there is nothing to say.
func orNull(w *rawjson.Writer, name, s string) {
	if w.Name(name); s == "" {
		w.Null()
	} else {
		w.String(s)
	}
}

func chatError(param, code, format string, args ...any) *refusal {
	return &refusal{
		status: http.StatusBadRequest, kind: "invalid_request_error", param: param, code: code,
		message: fmt.Sprintf(format, args...),
	}
}

func noChatModel(id string) *refusal {
	return &refusal{
		status: http.StatusNotFound, kind: "invalid_request_error", code: "model_not_found", param: "model",
		message: "The model `" + id + "` does not exist or you do not have access to it.",
	}
}

// chatReader reads a chat request into a question. The first thing found wrong is kept in bad; what is read after it
// does not matter.
type chatReader struct {
	q           question
	bad         *refusal
	body        []byte
	legacy      bool // functions instead of tools
	result      bool // a tool's result is being read
	wantUsage   bool
	logprobs    bool
	topLogprobs int64
	pending     []string // calls not answered yet
	known       []string // all ids of the last assistant turn's calls
	pendingAt   int      // the message they are in
}

func (c *chatReader) fail(param, code, format string, args ...any) {
	if c.bad == nil {
		c.bad = chatError(param, code, format, args...)
	}
}

func (c *chatReader) wrongType(param, want string, v []byte) {
	c.fail(param, "invalid_type", "Invalid type for '%s': expected %s, but got %s instead.", param, want, kindName(v))
}

// kindName names a JSON value's type with its article.
func kindName(v []byte) string {
	switch rawjson.Kind(v) {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	case '0':
		if whole(v) {
			return "an integer"
		}
		return "a decimal"
	}
	return "nothing"
}

// text reads a string that must be there.
func (c *chatReader) text(v []byte, param string) string {
	if v == nil {
		c.fail(param, "missing_required_parameter", "Missing required parameter: '%s'.", param)
		return ""
	}
	s, ok := rawjson.String(v)
	if !ok {
		c.wrongType(param, "a string", v)
	}
	return s
}

func (c *chatReader) oneOf(v []byte, param string, words ...string) string {
	s := c.text(v, param)
	if c.bad == nil && !slices.Contains(words, s) {
		c.fail(param, "invalid_value", "Invalid value: '%s'. Supported values are: '%s'.", s, strings.Join(words, "', '"))
	}
	return s
}

// only refuses members that are not among names.
func (c *chatReader) only(v []byte, at string, names ...string) {
	for n := range rawjson.Members(v) {
		if !slices.Contains(names, string(n)) {
			c.fail(at+string(n), "unknown_parameter", "Unknown parameter: '%s%s'.", at, n)
		}
	}
}

// chatMembers are the members of a request, each with what is checked of it alone; null is as good as absent.
var chatMembers = map[string]func(c *chatReader, v []byte){
	"model": nil, "messages": nil, "tools": nil, "tool_choice": nil, "functions": nil, "function_call": nil,
	"response_format": nil, "stream_options": nil, "reasoning_effort": nil, "stop": nil, "n": nil, "modalities": nil,
	"audio": isObject("audio"), "prediction": isObject("prediction"), "web_search_options": isObject("web_search_options"),
	"metadata": isObject("metadata"), "logit_bias": isObject("logit_bias"), "moderation": isObject("moderation"),
	"prompt_cache_options": isObject("prompt_cache_options"),
	"temperature":          inRange("temperature", 0, 2), "top_p": inRange("top_p", 0, 1),
	"frequency_penalty": inRange("frequency_penalty", -2, 2), "presence_penalty": inRange("presence_penalty", -2, 2),
	"top_logprobs": isCount("top_logprobs", 0, 20), "seed": isCount("seed", -1<<63, 1<<63-1),
	"max_tokens": isCount("max_tokens", 1, 1<<53), "max_completion_tokens": isCount("max_completion_tokens", 1, 1<<53),
	"stream": isBool("stream"), "store": isBool("store"), "logprobs": isBool("logprobs"),
	"parallel_tool_calls": isBool("parallel_tool_calls"),
	"user":                isText("user"), "safety_identifier": isText("safety_identifier"), "prompt_cache_key": isText("prompt_cache_key"),
	"prompt_cache_retention": isWord("prompt_cache_retention", "in-memory", "in_memory", "24h"),
	"service_tier":           isWord("service_tier", "auto", "default", "flex", "scale", "priority"),
	"verbosity":              isWord("verbosity", "low", "medium", "high"),
}

func isObject(name string) func(*chatReader, []byte) {
	return func(c *chatReader, v []byte) {
		if rawjson.Kind(v) != '{' {
			c.wrongType(name, "an object", v)
		}
	}
}

func isBool(name string) func(*chatReader, []byte) {
	return func(c *chatReader, v []byte) {
		if _, ok := rawjson.Bool(v); !ok {
			c.wrongType(name, "a boolean", v)
		}
	}
}

func isText(name string) func(*chatReader, []byte) {
	return func(c *chatReader, v []byte) { c.text(v, name) }
}

func isWord(name string, words ...string) func(*chatReader, []byte) {
	return func(c *chatReader, v []byte) { c.oneOf(v, name, words...) }
}

func isCount(name string, lo, hi int64) func(*chatReader, []byte) {
	return func(c *chatReader, v []byte) {
		if !whole(v) {
			c.wrongType(name, "an integer", v)
		}
		c.bounds(name, "integer", v, lo, hi)
	}
}

func inRange(name string, lo, hi int64) func(*chatReader, []byte) {
	return func(c *chatReader, v []byte) {
		if rawjson.Kind(v) != '0' {
			c.wrongType(name, "a decimal", v)
		}
		c.bounds(name, "decimal", v, lo, hi)
	}
}

func (c *chatReader) bounds(name, kind string, v []byte, lo, hi int64) {
	if within(v, lo, hi) {
		return
	}
	if within(v, -1<<63, lo) {
		c.fail(name, kind+"_below_min_value", "Invalid '%s': %s below minimum value. Expected a value >= %d, but got %s instead.", name, kind, lo, rawjson.Num(v))
	} else {
		c.fail(name, kind+"_above_max_value", "Invalid '%s': %s above maximum value. Expected a value <= %d, but got %s instead.", name, kind, hi, rawjson.Num(v))
	}
}

// get returns a member of the request, nil for null.
func (c *chatReader) get(name string) []byte {
	v := rawjson.Get(c.body, name)
	if rawjson.IsNull(v) {
		return nil
	}
	return v
}

// members checks the members of the request one by one.
func (c *chatReader) members(table map[string]func(*chatReader, []byte)) {
	for name, v := range rawjson.Members(c.body) {
		check, known := table[string(name)]
		if !known {
			c.fail(string(name), "unknown_parameter", "Unknown parameter: '%s'.", name)
		} else if check != nil && !rawjson.IsNull(v) {
			check(c, v)
		}
	}
}

// readModel reads which model is asked for.
func (c *chatReader) readModel() {
	id := rawjson.Text(c.get("model"))
	if id == "" {
		c.fail("model", "missing_required_parameter", "you must provide a model parameter")
	}
	m, known := findModel(id)
	if c.bad == nil && (!known || m.Embeds) {
		c.bad = noChatModel(id)
	}
	c.q.model = m
}

// read reads the whole request.
func (c *chatReader) read() *question {
	c.members(chatMembers)
	c.readModel()
	c.takeTools()
	c.readMessages(c.get("messages"))
	c.readTools()
	c.readOutput()
	c.readReasoning()
	c.q.input = c.q.size()
	if most := c.q.model.Context; c.q.input > most {
		c.fail("messages", "context_length_exceeded", "This model's maximum context length is %d tokens. However, your messages resulted in %d tokens. Please reduce the length of the messages.", most, c.q.input)
	}
	return &c.q
}

// takeTools adds the tools to the prompt, which begins with them.
func (c *chatReader) takeTools() {
	take := func(f []byte) {
		c.q.takeTool(rawjson.Text(rawjson.Get(f, "name")), rawjson.Text(rawjson.Get(f, "description")), rawjson.Get(f, "parameters"))
	}
	for _, t := range rawjson.Elems(c.get("tools")) {
		take(rawjson.Get(t, rawjson.Text(rawjson.Get(t, "type"))))
	}
	for _, f := range rawjson.Elems(c.get("functions")) {
		take(f)
	}
}

// readOutput reads what is said of the answer's form and length.
func (c *chatReader) readOutput() {
	q := &c.q
	q.stream, _ = rawjson.Bool(c.get("stream"))
	if o := c.get("stream_options"); o != nil {
		if !q.stream {
			c.fail("stream_options", "", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
		}
		c.only(o, "stream_options.", "include_usage", "include_obfuscation")
		c.wantUsage, _ = rawjson.Bool(rawjson.Get(o, "include_usage"))
	}
	q.n = 1
	if v := c.get("n"); v != nil {
		isCount("n", 1, 128)(c, v)
		n, _ := rawjson.Int(v)
		q.n = int(n)
	}
	old, now := c.get("max_tokens"), c.get("max_completion_tokens")
	if old != nil && now != nil {
		c.fail("max_tokens", "invalid_parameter_combination", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
	}
	q.room, _ = rawjson.Int(slices.Concat(old, now))
	c.readStop(c.get("stop"))
	c.logprobs, _ = rawjson.Bool(c.get("logprobs"))
	if top := c.get("top_logprobs"); top != nil {
		c.topLogprobs, _ = rawjson.Int(top)
		if !c.logprobs {
			c.fail("top_logprobs", "invalid_parameter_combination", "'logprobs' must be set to true when 'top_logprobs' is set.")
		}
	}
	for i, m := range rawjson.Elems(c.get("modalities")) {
		c.oneOf(m, fmt.Sprintf("modalities[%d]", i), "text")
	}
	if len(c.get("metadata")) > 0 {
		for n, v := range rawjson.Members(c.get("metadata")) {
			c.text(v, "metadata."+string(n))
		}
	}
	c.readFormat(c.get("response_format"))
}

func (c *chatReader) readStop(v []byte) {
	switch rawjson.Kind(v) {
	case ' ':
	case '"':
		c.q.stops = []string{rawjson.Text(v)}
	case '[':
		for i, s := range rawjson.Elems(v) {
			c.q.stops = append(c.q.stops, c.text(s, fmt.Sprintf("stop[%d]", i)))
		}
		if n := length(v); n > 4 {
			c.fail("stop", "array_above_max_length", "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length %d instead.", n)
		}
	default:
		c.wrongType("stop", "one of a string or an array of strings", v)
	}
	if slices.Contains(c.q.stops, "") {
		c.fail("stop", "invalid_value", "Invalid 'stop': a stop sequence must not be empty.")
	}
}

func (c *chatReader) readFormat(v []byte) {
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '{' {
		c.wrongType("response_format", "an object", v)
		return
	}
	switch c.oneOf(rawjson.Get(v, "type"), "response_format.type", "json_object", "json_schema", "text") {
	case "json_object":
		c.q.schema = []byte(anyObject)
		if !strings.Contains(strings.ToLower(string(rawjson.Get(c.body, "messages"))), "json") {
			c.fail("messages", "", "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
		}
	case "json_schema":
		s := rawjson.Get(v, "json_schema")
		at := "response_format.json_schema"
		if rawjson.Kind(s) != '{' {
			c.fail(at, "missing_required_parameter", "Missing required parameter: '%s'.", at)
			return
		}
		c.only(s, at+".", "name", "description", "schema", "strict")
		name := c.text(rawjson.Get(s, "name"), at+".name")
		c.toolName(name, at+".name")
		c.q.schema = rawjson.Get(s, "schema")
		if rawjson.Kind(c.q.schema) != '{' {
			c.q.schema = []byte(anyObject)
			return
		}
		if strict, _ := rawjson.Bool(rawjson.Get(s, "strict")); strict {
			c.strictSchema(c.q.schema, "response_format '"+name+"'", at, "invalid_request_error")
		}
	}
}

func (c *chatReader) readReasoning() {
	c.q.think = c.q.model.thinks()
	if v := c.get("reasoning_effort"); v != nil {
		c.q.think = c.effort(v, "reasoning_effort")
	}
}

// effort reads how long to think.
func (c *chatReader) effort(v []byte, at string) int {
	efforts := map[string]int{"none": 0, "minimal": 0, "low": 1, "medium": 2, "high": 3, "xhigh": 3, "max": 3}
	return efforts[c.oneOf(v, at, "none", "minimal", "low", "medium", "high", "xhigh", "max")]
}
