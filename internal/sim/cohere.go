package sim

import (
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// cohereFace is Cohere's.
var cohereFace = &face{
	name:     "cohere-chat",
	idHeader: "X-Debug-Trace-Id",
	key:      bearer,
	refuse:   cohereError,
	framing: eventStream(func(f *refusal) (string, []byte) {
		j := event("message-end").Name("delta").Open('{').Name("finish_reason").String("ERROR").Name("error").String(f.message)
		return "message-end", j.Close('}').Close('}').Buf
	}),
	failures: cohereFailures,
	noKey: func(given bool, _ string) *refusal {
		if !given {
			return &refusal{status: http.StatusUnauthorized, message: "no api key supplied"}
		}
		return cohereFailures["sim-auth"]
	},
	notJSON: func(err error) *refusal { return cohereInvalid("invalid json syntax: %v", err) },
	noPath: func(method, path string) *refusal {
		return &refusal{status: http.StatusNotFound, message: fmt.Sprintf("resource not found, please check the documentation: %s %s", method, path)}
	},
}

func cohereError(f *refusal, id string) []byte {
	w := rawjson.Writer{}
	w.Open('{').Name("id").String(id).Name("message").String(f.message)
	if f.kind != "" {
		w.Name("error_type").String(f.kind)
	}
	return w.Close('}').Buf
}

func cohereInvalid(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

// cohereFailures are the answers of the models that fail, in Cohere's words.
var cohereFailures = map[string]*refusal{
	"sim-429": {
		status: http.StatusTooManyRequests, retryAfter: "1",
		message: "You are past the per minute request limit, please wait and try again later.",
	},
	"sim-overloaded": {status: http.StatusServiceUnavailable, message: "the model is overloaded, please try again later"},
	"sim-500":        {status: http.StatusInternalServerError, message: "internal server error, this has been reported to our developers."},
	"sim-503":        {status: http.StatusServiceUnavailable, message: "the service is temporarily unavailable"},
	"sim-auth":       {status: http.StatusUnauthorized, message: "invalid api token"},
	"sim-context": {
		status: http.StatusBadRequest, kind: "TOO_MANY_TOKENS",
		message: "too many tokens: size limit exceeded by 1 tokens. Try using shorter or fewer inputs. The limit for this model is 200000 tokens.",
	},
	"sim-error-in-stream": {status: http.StatusInternalServerError, message: "internal server error, this has been reported to our developers."},
	"sim-error-first":     {status: http.StatusServiceUnavailable, message: "the model is overloaded, please try again later"},
}

// cohereReader reads a chat request into a question. The first thing found wrong is kept in bad; what is read after it
// does not matter.
type cohereReader struct {
	q       question
	bad     *refusal
	body    []byte
	pending []string // calls not answered yet
	results []string // the ids that the last results are for
	cites   bool
	seenLog bool // logprobs
}

func (c *cohereReader) fail(format string, args ...any) {
	if c.bad == nil {
		c.bad = cohereInvalid(format, args...)
	}
}

// only refuses members that are not among names.
func (c *cohereReader) only(v []byte, names ...string) {
	for n := range rawjson.Members(v) {
		if c.bad == nil && !slices.Contains(names, string(n)) {
			c.bad = &refusal{
				status:  http.StatusUnprocessableEntity,
				message: "unknown field: parameter '" + string(n) + "' is not a valid field. For proper usage, please refer to https://docs.cohere.com/reference/chat",
			}
		}
	}
}

// goKind names a JSON value's type.
func goKind(v []byte) string {
	return map[byte]string{'{': "object", '[': "array", '"': "string", 't': "bool", 'f': "bool", 'n': "null", '0': "number"}[rawjson.Kind(v)]
}

func (c *cohereReader) wrongType(name, want string, v []byte) {
	c.fail("invalid type: parameter %s is of type %s but should be of type %s.", name, goKind(v), want)
}

// text reads a string that must be there.
func (c *cohereReader) text(v []byte, name string) string {
	if rawjson.IsNull(v) {
		c.fail("invalid request: %s is required", name)
		return ""
	}
	s, ok := rawjson.String(v)
	if !ok {
		c.wrongType(name, "string", v)
	}
	return s
}

func (c *cohereReader) oneOf(v []byte, name string, words ...string) string {
	s := c.text(v, name)
	if c.bad == nil && !slices.Contains(words, s) {
		c.fail("invalid request: %s must be one of '%s', got '%s'", name, strings.Join(words, "', '"), s)
	}
	return s
}

func (c *cohereReader) get(name string) []byte {
	v := rawjson.Get(c.body, name)
	if rawjson.IsNull(v) {
		return nil
	}
	return v
}

func (c *cohereReader) boolean(name string) bool {
	v := c.get(name)
	b, ok := rawjson.Bool(v)
	if v != nil && !ok {
		c.wrongType(name, "bool", v)
	}
	return b
}

// number checks a number within bounds, which are given in hundredths.
func (c *cohereReader) number(name string, lo, hi int64) {
	v := c.get(name)
	if v == nil {
		return
	}
	least, most := big.NewRat(lo, 100), big.NewRat(hi, 100)
	if r := ratOf(v); rawjson.Kind(v) != '0' {
		c.wrongType(name, "number", v)
	} else if r == nil || r.Cmp(least) < 0 || r.Cmp(most) > 0 {
		c.fail("invalid request: %s must be between %s and %s inclusive.", name, decimal(least), decimal(most))
	}
}

var cohereMembers = []string{
	"model", "messages", "tools", "strict_tools", "documents", "citation_options", "response_format", "safety_mode", "max_tokens", "stop_sequences",
	"temperature", "seed", "frequency_penalty", "presence_penalty", "k", "p", "logprobs", "tool_choice", "thinking", "priority", "stream", "raw_prompting",
}

// read reads the whole request.
func (c *cohereReader) read() {
	q := &c.q
	c.only(c.body, cohereMembers...)
	id := c.text(c.get("model"), "model")
	m, known := findModel(id)
	if c.bad == nil && (!known || m.Embeds) {
		c.bad = &refusal{
			status:  http.StatusNotFound,
			message: "model '" + id + "' not found, make sure the correct model ID was used and that you have access to the model.",
		}
	}
	q.model, q.n, q.plans = m, 1, true
	q.stream = c.boolean("stream")
	c.readTools()
	c.readDocuments()
	c.readMessages(c.get("messages"))
	c.readLimits()
	c.readThinking()
	q.input = q.size()
	if over := q.input - m.Context; over > 0 && c.bad == nil {
		c.fail("too many tokens: size limit exceeded by %d tokens. Try using shorter or fewer inputs. The limit for this model is %d tokens.", over, m.Context)
		c.bad.kind = "TOO_MANY_TOKENS"
	}
}

func (c *cohereReader) readLimits() {
	q := &c.q
	c.number("temperature", 0, 100)
	c.number("frequency_penalty", 0, 100)
	c.number("presence_penalty", 0, 100)
	c.number("p", 1, 99)
	c.number("k", 0, 50000)
	c.number("priority", 0, 99900)
	if v := c.get("seed"); v != nil && (!whole(v) || !within(v, 0, 1<<63-1)) {
		c.fail("invalid request: seed must be a non-negative integer")
	}
	c.seenLog = c.boolean("logprobs")
	c.boolean("strict_tools")
	if v := c.get("max_tokens"); v != nil {
		n, is := rawjson.Int(v)
		switch q.room = n; {
		case !is:
			c.wrongType("max_tokens", "integer", v)
		case n < 1:
			c.fail("invalid request: max_tokens must be greater than or equal to 1")
		case n > q.model.MaxOutput:
			c.fail("too many tokens: max tokens must be less than or equal to %d, the maximum output for this model - received %d.", q.model.MaxOutput, n)
		}
	}
	if v := c.get("stop_sequences"); v != nil {
		if rawjson.Kind(v) != '[' {
			c.wrongType("stop_sequences", "array", v)
		}
		for _, s := range rawjson.Elems(v) {
			q.stops = append(q.stops, c.text(s, "stop_sequences"))
		}
		if len(q.stops) > 5 {
			c.fail("invalid request: stop_sequences must contain at most 5 elements")
		}
	}
	if v := c.get("safety_mode"); v != nil {
		c.oneOf(v, "safety_mode", "CONTEXTUAL", "STRICT", "OFF", "NONE")
	}
	c.cites = true
	if o := c.get("citation_options"); o != nil {
		c.only(o, "mode")
		if m := rawjson.Get(o, "mode"); !rawjson.IsNull(m) {
			mode := c.oneOf(m, "citation_options.mode", "FAST", "ACCURATE", "OFF", "ENABLED", "DISABLED")
			c.cites = mode != "OFF" && mode != "DISABLED"
		}
	}
	c.readFormat(c.get("response_format"))
}

func (c *cohereReader) readFormat(v []byte) {
	if v == nil {
		return
	}
	kind := c.oneOf(rawjson.Get(v, "type"), "response_format.type", "text", "json_object")
	c.only(v, "type", "json_schema", "schema")
	if kind != "json_object" {
		return
	}
	if len(c.q.documents) > 0 {
		c.fail("invalid request: response_format is not supported with RAG.")
	}
	if c.q.schema = []byte(anyObject); len(c.q.tools) > 0 {
		c.fail("invalid request: cannot use response_format with tools.")
	}
	for _, name := range []string{"schema", "json_schema"} {
		s := rawjson.Get(v, name)
		switch {
		case rawjson.IsNull(s):
		case rawjson.Kind(s) != '{':
			c.wrongType("response_format."+name, "object", s)
		case rawjson.Text(rawjson.Get(s, "type")) != "object":
			c.fail("invalid request: response_format schema must have a top level type of 'object'")
		default:
			c.q.schema = s
		}
	}
}

func (c *cohereReader) readThinking() {
	c.q.think = c.q.model.thinks()
	t := c.get("thinking")
	if t == nil {
		return
	}
	c.only(t, "type", "token_budget")
	kind := c.oneOf(rawjson.Get(t, "type"), "thinking.type", "enabled", "disabled")
	budget := rawjson.Get(t, "token_budget")
	n, is := rawjson.Int(budget)
	switch {
	case !rawjson.IsNull(budget) && (!is || n < 1):
		c.fail("invalid request: thinking.token_budget must be a positive integer")
	case kind == "disabled":
		c.q.think = 0
	case is:
		c.q.think = depth(n)
	default:
		c.q.think = 2
	}
}

// readTools reads the tools and what is said of their use.
func (c *cohereReader) readTools() {
	q := &c.q
	q.choice.mode = "auto"
	tools := c.get("tools")
	if tools != nil && rawjson.Kind(tools) != '[' {
		c.wrongType("tools", "array", tools)
	}
	for _, t := range rawjson.Elems(tools) {
		c.only(t, "type", "function")
		c.oneOf(rawjson.Get(t, "type"), "tools.type", "function")
		f := rawjson.Get(t, "function")
		c.only(f, "name", "description", "parameters")
		name := c.text(rawjson.Get(f, "name"), "tools.function.name")
		if c.bad == nil && !toolNames.MatchString(name) {
			c.fail("invalid request: tool name '%s' must only contain letters, numbers, underscores and dashes, and be at most 64 characters long", name)
		}
		if slices.ContainsFunc(q.tools, func(t tool) bool { return t.name == name }) {
			c.fail("invalid request: tool names must be unique, found duplicate '%s'", name)
		}
		schema := rawjson.Get(f, "parameters")
		q.takeTool(name, rawjson.Text(rawjson.Get(f, "description")), schema)
		switch {
		case rawjson.IsNull(schema):
			schema = []byte(`{"type":"object","properties":{}}`)
		case rawjson.Kind(schema) != '{':
			c.wrongType("tools.function.parameters", "object", schema)
		case rawjson.Text(rawjson.Get(schema, "type")) != "object":
			c.fail("invalid request: parameters of tool '%s' must have a top level type of 'object'", name)
		}
		q.tools = append(q.tools, tool{name: name, schema: schema})
	}
	if v := c.get("tool_choice"); v != nil {
		choice := c.oneOf(v, "tool_choice", "REQUIRED", "NONE")
		if len(q.tools) == 0 {
			c.fail("invalid request: tool_choice may only be specified with tools")
		}
		if q.choice.mode = "none"; choice == "REQUIRED" {
			q.choice.mode = "any"
		}
	}
}
