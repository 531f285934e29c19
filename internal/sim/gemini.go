package sim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// geminiFace is Google's. An error of a stream that is an array is the array's element, before the stream begins too.
var geminiFace = &face{
	name:     "gemini",
	idHeader: "X-Request-Id",
	key: func(r *http.Request) string {
		if key := r.Header.Get("X-Goog-Api-Key"); key != "" {
			return key
		}
		return r.URL.Query().Get("key")
	},
	refuse:   func(f *refusal, _ string) []byte { return geminiError(f) },
	framing:  eventStream(func(f *refusal) (string, []byte) { return "", geminiError(f) }),
	failures: geminiFailures,
	noKey: func(given bool, _ string) *refusal {
		if !given {
			return &refusal{status: http.StatusForbidden, message: "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."}
		}
		return geminiFailures["sim-auth"]
	},
	notJSON: func(err error) *refusal {
		return geminiInvalid("Invalid JSON payload received. %v", err)
	},
	noPath: func(_, path string) *refusal {
		return &refusal{status: http.StatusNotFound, message: "The requested URL " + path + " was not found on this server."}
	},
}

// geminiArray frames a stream as one JSON array whose elements come one by one.
var geminiArray = framing{
	contentType: "application/json; charset=UTF-8",
	event:       func(n int, _ string, data []byte) []byte { return arrayElement(n, data) },
	fault:       func(n int, f *refusal) []byte { return arrayElement(n, geminiError(f)) },
	end:         "\n]\n",
	array:       true,
}

func arrayElement(n int, data []byte) []byte {
	if n == 0 {
		return append([]byte("["), data...)
	}
	return append([]byte("\n,\r\n"), data...)
}

// geminiStatus names what a status of HTTP is among Google's.
var geminiStatus = map[int]string{
	400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 413: "INVALID_ARGUMENT",
	415: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}

func geminiError(f *refusal) []byte {
	w := rawjson.Writer{}
	w.Open('{').Name("error").Open('{').Name("code").Int(int64(f.status)).Name("message").String(f.message)
	w.Name("status").String(geminiStatus[f.status])
	if f.details != nil {
		w.Name("details").Raw(f.details)
	}
	return w.Close('}').Close('}').Buf
}

func geminiInvalid(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

// geminiFailures are the answers of the models that fail, in Google's words.
var geminiFailures = map[string]*refusal{
	"sim-429": {
		status:  http.StatusTooManyRequests,
		message: "You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_paid_tier_requests, limit: 60, model: sim-429\nPlease retry in 1s.",
		details: []byte(`[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_paid_tier_requests","quotaId":"GenerateRequestsPerMinutePerProjectPerModel","quotaDimensions":{"location":"global","model":"sim-429"},"quotaValue":"60"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1s"}]`),
	},
	"sim-overloaded": {status: http.StatusServiceUnavailable, message: "The model is overloaded. Please try again later."},
	"sim-500":        {status: http.StatusInternalServerError, message: "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"},
	"sim-503":        {status: http.StatusServiceUnavailable, message: "The service is currently unavailable."},
	"sim-auth": {
		status: http.StatusBadRequest, message: "API key not valid. Please pass a valid API key.",
		details: []byte(`[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}}]`),
	},
	"sim-context":         {status: http.StatusBadRequest, message: "The input token count (200001) exceeds the maximum number of tokens allowed (200000)."},
	"sim-error-in-stream": {status: http.StatusInternalServerError, message: "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"},
	"sim-error-first":     {status: http.StatusServiceUnavailable, message: "The model is overloaded. Please try again later."},
}

// geminiReader reads a request into a question. The first thing found wrong is kept in bad; what is read after it does
// not matter.
type geminiReader struct {
	q         question
	bad       *refusal
	body      []byte
	seal      sealer
	show      bool             // thoughts are handed out
	media     map[string]int64 // tokens by modality
	logprobs  bool
	topTokens int64
	pending   []geminiCall // calls of the content before
	ids       bool         // calls have ids
	kept      func(id string) (*filed, bool)
}

type geminiCall struct{ id, name string }

func (g *geminiReader) fail(format string, args ...any) {
	if g.bad == nil {
		g.bad = geminiInvalid(format, args...)
	}
}

// get returns a field under either of its names, nil for null.
func (g *geminiReader) get(v []byte, name string) []byte {
	m := rawjson.Get(v, name)
	if m == nil {
		m = rawjson.Get(v, snake(name))
	}
	if rawjson.IsNull(m) {
		return nil
	}
	return m
}

func (g *geminiReader) text(v []byte, name string) string { return rawjson.Text(g.get(v, name)) }

// each returns the elements of a repeated field, for which one alone may stand.
func (g *geminiReader) each(v []byte, name string) [][]byte {
	m := g.get(v, name)
	if m != nil && rawjson.Kind(m) != '[' {
		return [][]byte{m}
	}
	return slices.Collect(elements(m))
}

func (g *geminiReader) integer(v []byte, name string) (int64, bool) {
	m := g.get(v, name)
	if s, is := rawjson.String(m); is {
		m = []byte(s)
	}
	return rawjson.Int(m)
}

// read reads the whole request.
func (g *geminiReader) read() {
	if f := geminiShapes.misfit(g.body, "GenerateContentRequest", nil); f != nil {
		g.bad = geminiMisfit(f)
		return
	}
	g.q.n, g.q.talks = 1, true
	g.ids = g.q.model.thinks() > 0
	if c := g.text(g.body, "cachedContent"); c != "" {
		g.bad = &refusal{status: http.StatusForbidden, message: "CachedContent not found (or permission denied)"}
	}
	g.readTools()
	if s := g.get(g.body, "systemInstruction"); s != nil {
		for i, p := range g.each(s, "parts") {
			text, is := rawjson.String(g.get(p, "text"))
			if !is {
				g.fail("* GenerateContentRequest.system_instruction.parts[%d]: only text is supported.\n", i)
			}
			g.q.system += text + "\n"
			g.q.takeText(text)
		}
	}
	g.readContents()
	g.readConfig(g.get(g.body, "generationConfig"))
	g.q.input = g.q.size()
	if g.q.input > g.q.model.Context {
		g.fail("The input token count (%d) exceeds the maximum number of tokens allowed (%d).", g.q.input, g.q.model.Context)
	}
}

// readConfig reads what is said of the answer.
func (g *geminiReader) readConfig(c []byte) {
	const at = "* GenerateContentRequest.generation_config."
	q := &g.q
	between := func(name string, lo, hi int64) {
		if v := g.get(c, name); v != nil && !within(v, lo, hi) {
			g.fail(at+"%[1]s: %[1]s must be in the range [%[2]d.0, %[3]d.0].\n", snake(name), lo, hi)
		}
	}
	between("temperature", 0, 2)
	between("topP", 0, 1)
	between("presencePenalty", -2, 2)
	between("frequencyPenalty", -2, 2)
	if v := g.get(c, "topK"); v != nil && !within(v, 1, 1<<53) {
		g.fail(at + "top_k: top_k must be positive.\n")
	}
	if n, is := g.integer(c, "maxOutputTokens"); is {
		if q.room = n; n < 1 {
			g.fail(at + "max_output_tokens: max_output_tokens must be positive.\n")
		}
	}
	if n, is := g.integer(c, "candidateCount"); is {
		if q.n = int(min(max(n, 1), 8)); n < 1 || n > 8 {
			g.fail(at + "candidate_count: candidate_count must be in the range [1, 8].\n")
		}
	}
	for i, s := range g.each(c, "stopSequences") {
		if q.stops = append(q.stops, rawjson.Text(s)); rawjson.Text(s) == "" {
			g.fail(at+"stop_sequences[%d]: must not be empty.\n", i)
		}
	}
	if len(q.stops) > 5 {
		g.fail(at + "stop_sequences: at most 5 stop sequences are allowed.\n")
	}
	g.logprobs, _ = rawjson.Bool(g.get(c, "responseLogprobs"))
	if n, is := g.integer(c, "logprobs"); is {
		if g.topTokens = n; !g.logprobs {
			g.fail(at + "logprobs: logprobs can only be set when response_logprobs is true.\n")
		}
		if n < 0 || n > 20 {
			g.fail(at + "logprobs: logprobs must be in the range [0, 20].\n")
		}
	}
	for _, m := range g.each(c, "responseModalities") {
		if kind := strings.ToUpper(rawjson.Text(m)); kind != "TEXT" {
			g.fail("The requested combination of response modalities (%s) is not supported by the model. models/%s accepts the following combination of response modalities:\n* TEXT\n", kind, q.model.ID)
		}
	}
	g.readFormat(c)
	g.readThinking(g.get(c, "thinkingConfig"))
}

func (g *geminiReader) readFormat(c []byte) {
	kind := g.text(c, "responseMimeType")
	if kind != "" && !slices.Contains([]string{"text/plain", "application/json", "text/x.enum"}, kind) {
		g.fail("* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and `text/x.enum`.\n")
	}
	schema := g.get(c, "responseSchema")
	if schema != nil {
		g.schema(schema, "* GenerateContentRequest.generation_config.response_schema")
		schema = plainSchema(schema)
	}
	for _, name := range []string{"responseJsonSchema", "_responseJsonSchema"} {
		if s := rawjson.Get(c, name); !rawjson.IsNull(s) {
			if schema != nil {
				g.fail("Only one of response_schema and response_json_schema can be set.")
			}
			schema = s
		}
	}
	if s := rawjson.Get(c, "response_json_schema"); !rawjson.IsNull(s) {
		schema = s
	}
	if schema != nil && kind != "application/json" && kind != "text/x.enum" {
		g.fail("* GenerateContentRequest.generation_config.response_schema: only allowed when the generation config's response_mime_type is `application/json`.\n")
	}
	if g.q.schema = schema; schema == nil && kind == "application/json" {
		g.q.schema = []byte(anyObject)
	}
}

// schema checks what Google demands of a schema beyond its shape.
func (g *geminiReader) schema(s []byte, at string) {
	kind := strings.ToUpper(g.text(s, "type"))
	switch kind {
	case "ARRAY":
		if g.get(s, "items") == nil {
			g.fail("%s.items: missing field.\n", at)
		}
	case "", "STRING":
	default:
		if len(g.each(s, "enum")) > 0 {
			g.fail("%s.enum: only allowed for STRING type\n", at)
		}
	}
	properties := g.get(s, "properties")
	if properties != nil && kind != "OBJECT" {
		g.fail("%s.properties: only allowed for OBJECT type\n", at)
	}
	for i, r := range g.each(s, "required") {
		if rawjson.Get(properties, rawjson.Text(r)) == nil {
			g.fail("%s.required[%d]: property is not defined\n", at, i)
		}
	}
	for n, p := range rawjson.Members(properties) {
		g.schema(p, fmt.Sprintf("%s.properties[%s]", at, n))
	}
	if it := g.get(s, "items"); it != nil {
		g.schema(it, at+".items")
	}
	for i, a := range g.each(s, "anyOf") {
		g.schema(a, fmt.Sprintf("%s.any_of[%d]", at, i))
	}
}

func (g *geminiReader) readThinking(t []byte) {
	q := &g.q
	q.think = q.model.thinks()
	g.show, _ = rawjson.Bool(g.get(t, "includeThoughts"))
	level, budget := strings.ToUpper(g.text(t, "thinkingLevel")), g.get(t, "thinkingBudget")
	if level != "" && budget != nil {
		g.fail("You can only set only one of thinking budget and thinking level.")
	}
	switch n, _ := g.integer(t, "thinkingBudget"); {
	case level != "":
		q.think = map[string]int{"MINIMAL": 0, "LOW": 1, "MEDIUM": 2, "HIGH": 3}[level]
	case budget == nil && g.show:
		q.think = max(q.think, 2)
	case budget == nil:
	case n < -1 || n > 32768:
		g.fail("The thinking budget %d is invalid. Please choose a value between 0 and 32768.", n)
	case n == 0:
		if q.model.thinks() > 0 {
			g.fail("Budget 0 is invalid. This model only works in thinking mode.")
		}
		q.think = 0
	default:
		q.think = depth(n)
	}
	if q.model.ID == "sim-redacted" {
		g.show = false
	}
}

// depth is how long a budget of tokens lets think.
func depth(budget int64) int {
	switch {
	case budget > 8192:
		return 3
	case budget >= 1024 || budget < 0:
		return 2
	}
	return 1
}

var geminiNames = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$`)

// readTools reads the tools and what is said of their use.
func (g *geminiReader) readTools() {
	q := &g.q
	q.choice.mode = "auto"
	for i, t := range g.each(g.body, "tools") {
		for n, f := range g.each(t, "functionDeclarations") {
			g.offer(f, fmt.Sprintf("* GenerateContentRequest.tools[%d].function_declarations[%d]", i, n))
		}
	}
	c := g.get(g.get(g.body, "toolConfig"), "functionCallingConfig")
	if c == nil {
		return
	}
	mode := strings.ToUpper(g.text(c, "mode"))
	allowed := g.each(c, "allowedFunctionNames")
	if len(q.tools) == 0 && mode != "" && mode != "NONE" && mode != "AUTO" {
		g.fail("* GenerateContentRequest.tool_config: Function calling config is set without function_declarations.\n")
	}
	if len(allowed) > 0 && mode != "ANY" && mode != "VALIDATED" {
		g.fail("* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: Allowed function names should only be set when the function calling mode is ANY.\n")
	}
	switch mode {
	case "ANY":
		q.choice.mode = "any"
	case "NONE":
		q.choice.mode = "none"
	}
	for _, a := range allowed {
		name := rawjson.Text(a)
		if !slices.ContainsFunc(q.tools, func(t tool) bool { return t.name == name }) {
			g.fail("* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: %s is not among the declared functions.\n", name)
		}
		q.choice.allowed = append(q.choice.allowed, name)
	}
}

func (g *geminiReader) offer(f []byte, at string) {
	name := g.text(f, "name")
	switch {
	case !geminiNames.MatchString(name):
		g.fail("%s.name: Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.\n", at)
	case slices.ContainsFunc(g.q.tools, func(t tool) bool { return t.name == name }):
		g.fail("Duplicate function declaration found: %s", name)
	}
	own, free := g.get(f, "parameters"), g.get(f, "parametersJsonSchema")
	schema := free
	switch {
	case own != nil && free != nil:
		g.fail("%s: parameters and parameters_json_schema must not both be set.\n", at)
	case own != nil:
		if kind := strings.ToUpper(g.text(own, "type")); kind != "OBJECT" {
			g.fail("%s.parameters: schema type for function parameters must be OBJECT.\n", at)
		}
		g.schema(own, at+".parameters")
		schema = plainSchema(own)
	case free != nil && rawjson.Kind(free) != '{':
		g.fail("%s.parameters_json_schema: must be a JSON Schema object.\n", at)
	}
	g.q.takeTool(name, g.text(f, "description"), schema)
	if schema == nil {
		schema = []byte(`{"type":"object","properties":{}}`)
	}
	g.q.tools = append(g.q.tools, tool{name: name, schema: schema})
}
