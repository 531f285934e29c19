package sim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// messagesFace is Anthropic's.
var messagesFace = &face{
	name:     "anthropic-messages",
	idHeader: "Request-Id",
	key: func(r *http.Request) string {
		if key := r.Header.Get("X-Api-Key"); key != "" {
			return key
		}
		return bearer(r)
	},
	refuse:   messagesRefusal,
	framing:  eventStream(func(f *refusal) (string, []byte) { return "error", messagesRefusal(f, "") }),
	failures: messagesFailures,
	noKey: func(given bool, _ string) *refusal {
		f := &refusal{status: http.StatusUnauthorized, kind: "authentication_error", message: "x-api-key header is required"}
		if given {
			f.message = "invalid x-api-key"
		}
		return f
	},
	notJSON: func(err error) *refusal {
		return invalid("The request body is not valid JSON: %v", err)
	},
	noPath: func(_, _ string) *refusal {
		return &refusal{status: http.StatusNotFound, kind: "not_found_error", message: "Not Found"}
	},
}

func messagesRefusal(f *refusal, id string) []byte {
	w := rawjson.Writer{}
	w.Open('{').Name("type").String("error").Name("error").Open('{').Name("type").String(f.kind).Name("message").String(f.message)
	if f.details != nil {
		w.Name("details").Raw(f.details)
	}
	w.Close('}')
	if id != "" {
		w.Name("request_id").String(id)
	}
	return w.Close('}').Buf
}

func invalid(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, kind: "invalid_request_error", message: fmt.Sprintf(format, args...)}
}

// messagesReader reads a Messages request into a question. The first thing found wrong is kept in bad; what is read
// after it does not matter.
type messagesReader struct {
	q         question
	bad       *refusal
	body      []byte
	seal      sealer
	marks     int      // cache_control seen
	ids       []string // of all calls
	pending   []string // calls of the last assistant turn that have no result yet
	pendingAt int      // the message they are in
	enabled   bool     // thinking is on with a budget
	fixed     bool     // thinking is on in any mode
	counting  bool     // only tokens are to be counted
}

func (m *messagesReader) fail(format string, args ...any) {
	if m.bad == nil {
		m.bad = invalid(format, args...)
	}
}

// text reads a string that must be there.
func (m *messagesReader) text(v []byte, at string) string {
	if v == nil {
		m.fail("%s: Field required", at)
		return ""
	}
	s, ok := rawjson.String(v)
	if !ok {
		m.fail("%s: Input should be a valid string", at)
	}
	return s
}

func (m *messagesReader) oneOf(v []byte, at string, words ...string) string {
	s := m.text(v, at)
	if m.bad == nil && !slices.Contains(words, s) {
		m.fail("%s: Input should be %s", at, inQuotes(words))
	}
	return s
}

// inQuotes lists words: 'a', 'b' or 'c'.
func inQuotes(words []string) string {
	if n := len(words); n > 1 {
		return "'" + strings.Join(words[:n-1], "', '") + "' or '" + words[n-1] + "'"
	}
	return "'" + strings.Join(words, "") + "'"
}

// only refuses members that are not among names.
func (m *messagesReader) only(v []byte, at string, names ...string) {
	for n := range rawjson.Members(v) {
		if !slices.Contains(names, string(n)) {
			m.fail("%s%s: Extra inputs are not permitted", at, n)
		}
	}
}

func (m *messagesReader) object(v []byte, at string) bool {
	if rawjson.Kind(v) != '{' {
		m.fail("%s: Input should be a valid dictionary", at)
		return false
	}
	return true
}

func (m *messagesReader) array(v []byte, at string) {
	if rawjson.Kind(v) != '[' {
		m.fail("%s: Input should be a valid list", at)
	}
}

func (m *messagesReader) boolean(v []byte, at string) bool {
	b, ok := rawjson.Bool(v)
	if !ok && v != nil {
		m.fail("%s: Input should be a valid boolean", at)
	}
	return b
}

func (m *messagesReader) number(v []byte, at string, lo, hi int64) {
	switch {
	case rawjson.IsNull(v):
	case rawjson.Kind(v) != '0':
		m.fail("%s: Input should be a valid number", at)
	case !within(v, lo, hi):
		m.fail("%s: range: %d..%d", at, lo, hi)
	}
}

func (m *messagesReader) integer(v []byte, at string, lo int64) int64 {
	switch {
	case v == nil:
		m.fail("%s: Field required", at)
	case !whole(v):
		m.fail("%s: Input should be a valid integer", at)
	case !within(v, lo, 1<<53):
		m.fail("%s: Input should be greater than or equal to %d", at, lo)
	}
	n, _ := rawjson.Int(v)
	return n
}

// get returns a member of the request, nil for null.
func (m *messagesReader) get(name string) []byte {
	v := rawjson.Get(m.body, name)
	if rawjson.IsNull(v) {
		return nil
	}
	return v
}

var (
	messagesMembers = []string{
		"model", "messages", "max_tokens", "system", "stop_sequences", "stream", "temperature", "top_p", "top_k", "tools",
		"tool_choice", "thinking", "metadata", "service_tier", "container", "output_config", "cache_control", "inference_geo",
	}
	// betaMembers are taken only with an anthropic-beta header.
	betaMembers = []string{"mcp_servers", "context_management", "output_format", "speed"}
)

// read reads the whole request.
func (m *messagesReader) read(h http.Header) *question {
	if h.Get("Anthropic-Version") == "" {
		m.fail("anthropic-version: header is required")
	}
	if m.get("thread") != nil {
		m.fail("thread: threads are not supported by this provider")
		m.bad.details = []byte(`{"error_code":"thread_unsupported_request","unsupported":["thread"]}`)
	}
	known := messagesMembers
	if h.Get("Anthropic-Beta") != "" {
		known = slices.Concat(known, betaMembers)
	}
	m.only(m.body, "", known...)
	id := m.text(rawjson.Get(m.body, "model"), "model")
	model, ok := findModel(id)
	if m.bad == nil && (!ok || model.Embeds) {
		m.bad = &refusal{status: http.StatusNotFound, kind: "not_found_error", message: "model: " + id}
	}
	m.q.model, m.q.n, m.q.talks = model, 1, true
	m.readLimits()
	m.readThinking()
	m.readTools()
	m.readSystem(m.get("system"))
	m.readMessages(rawjson.Get(m.body, "messages"))
	m.readOutput()
	if v := m.get("cache_control"); v != nil {
		m.q.prompt.mark(m.cacheControl(v, "cache_control"))
	}
	if m.marks > 4 {
		m.fail("A maximum of 4 blocks with cache_control may be provided. Found %d.", m.marks)
	}
	m.q.input = m.q.size()
	if m.q.input > model.Context {
		m.fail("prompt is too long: %d tokens > %d maximum", m.q.input, model.Context)
	}
	return &m.q
}

func (m *messagesReader) readLimits() {
	if !m.counting {
		m.q.room = m.integer(rawjson.Get(m.body, "max_tokens"), "max_tokens", 1)
		if most := m.q.model.MaxOutput; m.q.room > most {
			m.fail("max_tokens: %d > %d, which is the maximum allowed number of output tokens for %s", m.q.room, most, m.q.model.ID)
		}
	}
	m.q.stream = m.boolean(m.get("stream"), "stream")
	m.number(m.get("temperature"), "temperature", 0, 1)
	m.number(m.get("top_p"), "top_p", 0, 1)
	if v := m.get("top_k"); v != nil {
		m.integer(v, "top_k", 0)
	}
	if v := m.get("stop_sequences"); v != nil {
		m.array(v, "stop_sequences")
		for i, s := range rawjson.Elems(v) {
			stop := m.text(s, fmt.Sprintf("stop_sequences.%d", i))
			if strings.TrimSpace(stop) == "" {
				m.fail("stop_sequences: each stop sequence must contain non-whitespace")
			}
			m.q.stops = append(m.q.stops, stop)
		}
	}
	if v := m.get("metadata"); v != nil && m.object(v, "metadata") {
		m.only(v, "metadata.", "user_id")
		if u := rawjson.Get(v, "user_id"); !rawjson.IsNull(u) {
			m.text(u, "metadata.user_id")
		}
	}
	if v := m.get("service_tier"); v != nil {
		m.oneOf(v, "service_tier", "auto", "standard_only")
	}
}

// readThinking reads how to think, and what thinking excludes.
func (m *messagesReader) readThinking() {
	m.q.hidden = showThought
	m.q.think = m.q.model.thinks()
	if m.q.model.ID == "sim-redacted" {
		m.q.hidden = encryptThought
	}
	v := m.get("thinking")
	if v == nil || !m.object(v, "thinking") {
		return
	}
	switch mode := m.oneOf(rawjson.Get(v, "type"), "thinking.type", "enabled", "disabled", "adaptive"); mode {
	case "disabled":
		m.only(v, "thinking.disabled.", "type")
		m.q.think = 0
		return
	case "enabled":
		m.only(v, "thinking.enabled.", "type", "budget_tokens", "display")
		budget := m.integer(rawjson.Get(v, "budget_tokens"), "thinking.enabled.budget_tokens", 1024)
		if !m.counting && budget >= m.q.room {
			m.fail("`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation.")
		}
		m.q.think, m.enabled = 2, true
		if budget > 8192 {
			m.q.think = 3
		}
	case "adaptive":
		m.only(v, "thinking.adaptive.", "type", "display")
		m.q.think = 1
	}
	m.fixed = true
	if d := rawjson.Get(v, "display"); !rawjson.IsNull(d) {
		if m.oneOf(d, "thinking.display", "summarized", "omitted", "updates") == "omitted" {
			m.q.hidden = max(m.q.hidden, omitThought)
		}
	}
	if t := m.get("temperature"); t != nil && !within(t, 1, 1) {
		m.fail("`temperature` may only be set to 1 when thinking is enabled.")
	}
	if m.get("top_k") != nil {
		m.fail("`top_k` must be unset when thinking is enabled.")
	}
}

func (m *messagesReader) readSystem(v []byte) {
	switch rawjson.Kind(v) {
	case ' ':
	case '"':
		m.q.system = rawjson.Text(v)
		m.q.prompt.add(plainText(m.q.system), tokens(len(m.q.system)))
	case '[':
		for i, b := range rawjson.Elems(v) {
			at := fmt.Sprintf("system.%d", i)
			if m.oneOf(rawjson.Get(b, "type"), at+".type", "text"); m.bad == nil {
				m.q.system += m.textBlock(b, at, "system", false) + "\n"
			}
		}
	default:
		m.fail("system: Input should be a valid string or list")
	}
}

func (m *messagesReader) readOutput() {
	config, format := m.get("output_config"), m.get("output_format")
	at := "output_format"
	if config != nil && m.object(config, "output_config") {
		m.only(config, "output_config.", "effort", "format", "task_budget")
		if e := rawjson.Get(config, "effort"); !rawjson.IsNull(e) {
			efforts := map[string]int{"low": 1, "medium": 2, "high": 3, "xhigh": 3, "max": 3}
			if effort := efforts[m.oneOf(e, "output_config.effort", "low", "medium", "high", "xhigh", "max")]; m.q.think > 0 {
				m.q.think = effort
			}
		}
		if f := rawjson.Get(config, "format"); !rawjson.IsNull(f) {
			format, at = f, "output_config.format"
		}
	}
	if format == nil || !m.object(format, at) {
		return
	}
	m.oneOf(rawjson.Get(format, "type"), at+".type", "json_schema")
	m.only(format, at+".", "type", "schema")
	schema := rawjson.Get(format, "schema")
	if schema == nil {
		m.fail("%s.schema: Field required", at)
	} else if m.object(schema, at+".schema") && openObject(schema, false) != "" {
		m.fail("%s.schema: For 'object' type, 'additionalProperties' must be explicitly set to false", at)
	}
	m.q.schema = schema
}

var messagesNames = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

// providerTools are the beginnings of the types of tools that the provider defines.
var providerTools = []string{
	"bash_", "text_editor_", "computer_", "memory_", "web_search_", "web_fetch_", "code_execution_", "tool_search_tool_", "mcp_toolset", "advisor_",
}

func (m *messagesReader) readTools() {
	m.q.choice.mode = "auto"
	tools := m.get("tools")
	if tools != nil {
		m.array(tools, "tools")
	}
	var names []string
	for i, t := range rawjson.Elems(tools) {
		at := fmt.Sprintf("tools.%d", i)
		if !m.object(t, at) {
			return
		}
		kind := rawjson.Text(rawjson.Get(t, "type"))
		switch {
		case kind == "" || kind == "custom":
			m.offer(t, at+".custom.")
		case !slices.ContainsFunc(providerTools, func(p string) bool { return strings.HasPrefix(kind, p) }):
			m.fail("%s: Input tag '%s' found using 'type' does not match any of the expected tags", at, kind)
		}
		name := rawjson.Text(rawjson.Get(t, "name"))
		if slices.Contains(names, name) && name != "" {
			m.fail("tools: Tool names must be unique.")
		}
		names = append(names, name)
		schema := rawjson.Get(t, "input_schema")
		m.block(t, at, toolTokens(name, rawjson.Text(rawjson.Get(t, "description")), schema))
	}
	v := m.get("tool_choice")
	if v == nil || !m.object(v, "tool_choice") {
		return
	}
	if len(names) == 0 {
		m.fail("tool_choice: tool_choice may only be specified while providing tools.")
	}
	mode := m.oneOf(rawjson.Get(v, "type"), "tool_choice.type", "auto", "any", "tool", "none")
	switch m.q.choice.mode = mode; mode {
	case "auto", "any":
		m.only(v, "tool_choice."+mode+".", "type", "disable_parallel_tool_use")
	case "none":
		m.only(v, "tool_choice.none.", "type")
	case "tool":
		m.only(v, "tool_choice.tool.", "type", "name", "disable_parallel_tool_use")
		name := m.text(rawjson.Get(v, "name"), "tool_choice.tool.name")
		if !slices.Contains(names, name) {
			m.fail("tool_choice: Tool '%s' not found in provided tools", name)
		}
		m.q.choice.mode, m.q.choice.allowed = "any", []string{name}
	}
	if m.fixed && m.q.choice.mode == "any" {
		m.fail("Thinking may not be enabled when tool_choice forces tool use.")
	}
	m.q.choice.single = m.boolean(rawjson.Get(v, "disable_parallel_tool_use"), "tool_choice."+mode+".disable_parallel_tool_use")
}

// offer reads a tool of the client's.
func (m *messagesReader) offer(t []byte, at string) {
	m.only(t, at, "type", "name", "description", "input_schema", "cache_control", "strict", "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming")
	name := m.text(rawjson.Get(t, "name"), at+"name")
	if m.bad == nil && !messagesNames.MatchString(name) {
		m.fail("%sname: String should match pattern '%s'", at, messagesNames)
	}
	if d := rawjson.Get(t, "description"); d != nil {
		m.text(d, at+"description")
	}
	if s := rawjson.Get(t, "strict"); s != nil {
		m.boolean(s, at+"strict")
	}
	schema := rawjson.Get(t, "input_schema")
	if schema == nil {
		m.fail("%sinput_schema: Field required", at)
		return
	}
	if !m.object(schema, at+"input_schema") {
		return
	}
	if kind := rawjson.Get(schema, "type"); kind == nil {
		m.fail("%sinput_schema.type: Field required", at)
	} else if rawjson.Text(kind) != "object" {
		m.fail("%sinput_schema.type: Input should be 'object'", at)
	}
	for _, k := range []string{"oneOf", "allOf", "anyOf"} {
		if rawjson.Get(schema, k) != nil {
			m.fail("%sinput_schema: input_schema does not support oneOf, allOf, or anyOf at the top level", at)
		}
	}
	m.q.tools = append(m.q.tools, tool{name: name, schema: schema})
}
