package sim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// responsesFace is OpenAI's too; an error within a stream has other words.
var responsesFace = &face{
	name:     "openai-responses",
	idHeader: chatFace.idHeader,
	key:      chatFace.key,
	refuse:   chatFace.refuse,
	noKey:    chatFace.noKey,
	notJSON:  chatFace.notJSON,
	noPath:   chatFace.noPath,
	failures: responsesFailures(),
	framing:  eventStream(func(f *refusal) (string, []byte) { return "error", responsesError(f, 0) }),
}

// responsesFailures are OpenAI's, but for what is said of the input.
func responsesFailures() map[string]*refusal {
	out := maps.Clone(chatFailures)
	out["sim-context"] = &refusal{
		status: http.StatusBadRequest, kind: "invalid_request_error", code: "context_length_exceeded", param: "input",
		message: "Your input exceeds the context window of this model. Please adjust your input and try again.",
	}
	return out
}

// responsesError writes the event of an error as it is documented.
func responsesError(f *refusal, serial int64) []byte {
	w := event("error")
	orNull(w, "code", f.code)
	w.Name("message").String(f.message)
	orNull(w, "param", f.param)
	return w.Name("sequence_number").Int(serial).Close('}').Buf
}

// responsesReader reads a request for a response into a question.
type responsesReader struct {
	chatReader
	seal     sealer
	stored   *responseStore
	items    [][]byte // of the input, those of earlier responses first
	own      int      // from which item on they are the request's own
	store    bool
	encrypt  bool   // reasoning comes with its cipher
	summary  string // how reasoning is summed up; "" = not
	back     bool   // to be answered in the background
	answered []string
	calls    []pastCall
	ids      []string
	before   string // the kind and the id of the item before
	beforeID string
}

// pastCall is a call in the input.
type pastCall struct {
	id     string
	custom bool
}

// responsesMembers are the members of a request, each with what is checked of it alone.
var responsesMembers = map[string]func(c *chatReader, v []byte){
	"model": nil, "input": nil, "tools": nil, "tool_choice": nil, "include": nil, "text": nil, "reasoning": nil,
	"stream_options": nil, "previous_response_id": nil, "conversation": nil, "moderation": nil,
	"prompt": isObject("prompt"), "metadata": isObject("metadata"), "client_metadata": isObject("client_metadata"), "context_management": isArray("context_management"),
	"prompt_cache_options": isObject("prompt_cache_options"),
	"instructions":         isText("instructions"), "user": isText("user"), "safety_identifier": isText("safety_identifier"),
	"prompt_cache_key": isText("prompt_cache_key"),
	"temperature":      inRange("temperature", 0, 2), "top_p": inRange("top_p", 0, 1),
	"top_logprobs": isCount("top_logprobs", 0, 20), "max_output_tokens": isCount("max_output_tokens", 16, 1<<53),
	"max_tool_calls": isCount("max_tool_calls", 1, 1<<53),
	"stream":         isBool("stream"), "store": isBool("store"), "background": isBool("background"),
	"parallel_tool_calls":    isBool("parallel_tool_calls"),
	"truncation":             isWord("truncation", "auto", "disabled"),
	"prompt_cache_retention": isWord("prompt_cache_retention", "in-memory", "in_memory", "24h"),
	"service_tier":           isWord("service_tier", "auto", "default", "flex", "scale", "priority"),
}

// movedMembers are members of chat's that have another place here.
var movedMembers = map[string]string{
	"messages": "input", "max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens",
	"response_format": "text.format", "reasoning_effort": "reasoning.effort", "verbosity": "text.verbosity",
}

func isArray(name string) func(*chatReader, []byte) {
	return func(c *chatReader, v []byte) {
		if rawjson.Kind(v) != '[' {
			c.wrongType(name, "an array", v)
		}
	}
}

// read reads the whole request.
func (r *responsesReader) read() *question {
	for name := range rawjson.Members(r.body) {
		if to := movedMembers[string(name)]; to != "" {
			r.fail(string(name), "unsupported_parameter", "Unsupported parameter: '%s'. In the Responses API, this parameter has moved to '%s'. Try again with the new parameter.", name, to)
		}
	}
	r.members(responsesMembers)
	r.readModel()
	if r.bad != nil && r.bad.code == "model_not_found" {
		r.bad = chatError("model", "model_not_found", "The requested model '%s' does not exist.", rawjson.Text(r.get("model")))
	}
	r.q.n, r.store = 1, true
	if v := r.get("store"); v != nil {
		r.store, _ = rawjson.Bool(v)
	}
	if r.back, _ = rawjson.Bool(r.get("background")); r.back && !r.store {
		r.fail("background", "invalid_value", "Background mode requires store=true.")
	}
	if r.get("conversation") != nil && r.get("previous_response_id") != nil {
		r.fail("", "mutually_exclusive_parameters", "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Ensure you are only providing one of these parameters.")
	}
	r.readTools()
	if v := r.get("instructions"); v != nil {
		r.q.system = rawjson.Text(v) + "\n"
		r.q.takeText(rawjson.Text(v))
	}
	r.readInput()
	r.readOutput()
	r.q.input = r.q.size()
	if r.q.input > r.q.model.Context && r.bad == nil {
		r.bad = responsesFace.failures["sim-context"]
	}
	return &r.q
}

var includable = []string{
	"file_search_call.results", "web_search_call.results", "web_search_call.action.sources", "message.input_image.image_url",
	"computer_call_output.output.image_url", "code_interpreter_call.outputs", "reasoning.encrypted_content", "message.output_text.logprobs",
}

// readOutput reads what is said of the answer's form and length.
func (r *responsesReader) readOutput() {
	q := &r.q
	q.stream, _ = rawjson.Bool(r.get("stream"))
	if o := r.get("stream_options"); o != nil {
		if !q.stream {
			r.fail("stream_options", "", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
		}
		r.only(o, "stream_options.", "include_obfuscation")
	}
	q.room, _ = rawjson.Int(r.get("max_output_tokens"))
	for i, v := range rawjson.Elems(r.get("include")) {
		switch r.oneOf(v, fmt.Sprintf("include[%d]", i), includable...) {
		case "reasoning.encrypted_content":
			r.encrypt = true
		case "message.output_text.logprobs":
			r.logprobs = true
		}
	}
	if !r.store {
		r.encrypt = true // there is no other way back for it
	}
	if v := r.get("top_logprobs"); v != nil {
		r.topLogprobs, _ = rawjson.Int(v)
	}
	for n, v := range rawjson.Members(r.get("metadata")) {
		r.text(v, "metadata."+string(n))
	}
	r.readReasoning()
	if t := r.get("text"); t != nil {
		if rawjson.Kind(t) != '{' {
			r.wrongType("text", "an object", t)
			return
		}
		r.only(t, "text.", "format", "verbosity")
		if v := rawjson.Get(t, "verbosity"); !rawjson.IsNull(v) {
			r.oneOf(v, "text.verbosity", "low", "medium", "high")
		}
		if f := rawjson.Get(t, "format"); !rawjson.IsNull(f) {
			r.readFormat(f)
		}
	}
}

func (r *responsesReader) readReasoning() {
	r.q.think = r.q.model.thinks()
	if r.q.model.ID == "sim-redacted" {
		r.q.hidden = encryptThought
	}
	v := r.get("reasoning")
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '{' {
		r.wrongType("reasoning", "an object", v)
		return
	}
	r.only(v, "reasoning.", "effort", "summary", "generate_summary", "context", "mode")
	if e := rawjson.Get(v, "effort"); !rawjson.IsNull(e) {
		r.q.think = r.effort(e, "reasoning.effort")
	}
	for _, name := range []string{"generate_summary", "summary"} {
		if s := rawjson.Get(v, name); !rawjson.IsNull(s) {
			r.summary = r.oneOf(s, "reasoning."+name, "auto", "concise", "detailed")
		}
	}
}

func (r *responsesReader) readFormat(f []byte) {
	if rawjson.Kind(f) != '{' {
		r.wrongType("text.format", "an object", f)
		return
	}
	switch r.oneOf(rawjson.Get(f, "type"), "text.format.type", "text", "json_schema", "json_object") {
	case "text":
		r.only(f, "text.format.", "type")
	case "json_object":
		r.only(f, "text.format.", "type")
		r.q.schema = []byte(anyObject)
		if !strings.Contains(strings.ToLower(string(r.get("input"))+r.q.system), "json") {
			r.fail("input", "", "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.")
		}
	case "json_schema":
		r.only(f, "text.format.", "type", "name", "description", "schema", "strict")
		name := r.text(rawjson.Get(f, "name"), "text.format.name")
		r.toolName(name, "text.format.name")
		r.q.schema = rawjson.Get(f, "schema")
		if r.q.schema == nil {
			r.fail("text.format.schema", "missing_required_parameter", "Missing required parameter: 'text.format.schema'.")
		}
		if rawjson.Kind(r.q.schema) != '{' {
			r.wrongType("text.format.schema", "an object", r.q.schema)
		}
		if strict, _ := rawjson.Bool(rawjson.Get(f, "strict")); strict {
			r.strictSchema(r.q.schema, "response_format '"+name+"'", "text.format.schema", "invalid_json_schema")
		}
	}
}

// hostedTools are the kinds of tools that the provider runs.
var hostedTools = []string{
	"file_search", "web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11", "computer",
	"computer_use_preview", "mcp", "code_interpreter", "image_generation", "local_shell", "shell", "apply_patch",
	"tool_search", "namespace", "programmatic_tool_calling",
}

// readTools reads the tools and what is said of their use.
func (r *responsesReader) readTools() {
	r.q.choice.mode = "auto"
	tools := r.get("tools")
	if tools != nil && rawjson.Kind(tools) != '[' {
		r.wrongType("tools", "an array of objects", tools)
	}
	kinds := append([]string{"function", "custom"}, hostedTools...)
	for i, t := range rawjson.Elems(tools) {
		at := fmt.Sprintf("tools[%d]", i)
		switch r.oneOf(rawjson.Get(t, "type"), at+".type", kinds...) {
		case "function":
			r.offer(t, at)
		case "custom":
			r.only(t, at+".", "type", "name", "description", "format", "defer_loading", "allowed_callers")
			name := r.text(rawjson.Get(t, "name"), at+".name")
			r.toolName(name, at+".name")
			if f := rawjson.Get(t, "format"); !rawjson.IsNull(f) && r.oneOf(rawjson.Get(f, "type"), at+".format.type", "text", "grammar") == "grammar" {
				r.oneOf(rawjson.Get(f, "syntax"), at+".format.syntax", "lark", "regex")
				r.text(rawjson.Get(f, "definition"), at+".format.definition")
			}
			r.q.takeTool(name, rawjson.Text(rawjson.Get(t, "description")), nil)
			r.q.tools = append(r.q.tools, tool{name: name, free: true})
		}
	}
	if p := r.get("parallel_tool_calls"); p != nil {
		parallel, _ := rawjson.Bool(p)
		r.q.choice.single = !parallel
	}
	r.readChoice(r.get("tool_choice"), tools)
}

func (r *responsesReader) offer(t []byte, at string) {
	r.only(t, at+".", "type", "name", "description", "parameters", "strict", "defer_loading", "allowed_callers", "output_schema")
	name := r.text(rawjson.Get(t, "name"), at+".name")
	r.toolName(name, at+".name")
	if d := rawjson.Get(t, "description"); !rawjson.IsNull(d) {
		r.text(d, at+".description")
	}
	schema := rawjson.Get(t, "parameters")
	r.q.takeTool(name, rawjson.Text(rawjson.Get(t, "description")), schema)
	if rawjson.IsNull(schema) {
		schema = []byte(`{"type":"object","properties":{}}`)
	} else if kind := rawjson.Get(schema, "type"); rawjson.Text(kind) != "object" {
		r.fail(at+".parameters", "invalid_function_parameters", "Invalid schema for function '%s': schema must be a JSON Schema of 'type: \"object\"', got 'type: %q'.", name, rawjson.Text(kind))
	}
	if strict, _ := rawjson.Bool(rawjson.Get(t, "strict")); strict {
		r.strictSchema(schema, "function '"+name+"'", at+".parameters", "invalid_function_parameters")
	}
	r.q.tools = append(r.q.tools, tool{name: name, schema: schema})
}

func (r *responsesReader) readChoice(v, tools []byte) {
	switch rawjson.Kind(v) {
	case ' ':
	case '"':
		r.q.choice.mode = r.oneOf(v, "tool_choice", "none", "auto", "required")
		if r.q.choice.mode == "required" {
			if length(tools) == 0 {
				r.fail("tool_choice", "", "Tool choice 'required' must be specified with 'tools' parameter.")
			}
			r.q.choice.mode = "any"
		}
	case '{':
		kinds := append([]string{"function", "custom", "allowed_tools"}, hostedTools...)
		switch kind := r.oneOf(rawjson.Get(v, "type"), "tool_choice.type", kinds...); kind {
		case "function", "custom":
			r.only(v, "tool_choice.", "type", "name")
			r.demand("tool_choice", r.text(rawjson.Get(v, "name"), "tool_choice.name"))
		case "allowed_tools":
			r.only(v, "tool_choice.", "type", "mode", "tools")
			mode := r.oneOf(rawjson.Get(v, "mode"), "tool_choice.mode", "auto", "required")
			r.q.choice.allowed = []string{}
			for i, t := range rawjson.Elems(rawjson.Get(v, "tools")) {
				if k := rawjson.Text(rawjson.Get(t, "type")); slices.Contains([]string{"function", "custom"}, k) {
					r.demand("tool_choice", r.text(rawjson.Get(t, "name"), fmt.Sprintf("tool_choice.tools[%d].name", i)))
				}
			}
			if r.q.choice.mode = "auto"; mode == "required" {
				r.q.choice.mode = "any"
			}
		default:
			if !slices.ContainsFunc(slices.Collect(elements(tools)), func(t []byte) bool { return rawjson.Text(rawjson.Get(t, "type")) == kind }) {
				r.fail("tool_choice", "", "Tool choice '%s' not found in 'tools' parameter.", kind)
			}
		}
	default:
		r.wrongType("tool_choice", "one of a string or an object", v)
	}
}
