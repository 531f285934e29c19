package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

const maxCallID = 40 // letters of a tool call's id

// readMessages reads the conversation.
func (c *chatReader) readMessages(v []byte) {
	switch {
	case v == nil:
		c.fail("messages", "missing_required_parameter", "Missing required parameter: 'messages'.")
	case rawjson.Kind(v) != '[':
		c.wrongType("messages", "an array of objects", v)
	case length(v) == 0:
		c.fail("messages", "empty_array", "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	for i, m := range rawjson.Elems(v) {
		at := fmt.Sprintf("messages[%d]", i)
		if rawjson.Kind(m) != '{' {
			c.wrongType(at, "an object", m)
			return
		}
		role := c.oneOf(rawjson.Get(m, "role"), at+".role", "system", "assistant", "user", "function", "tool", "developer")
		if role != "tool" {
			c.answered()
		}
		c.message(m, role, at, i)
		if c.bad != nil {
			return
		}
	}
	c.answered()
}

// answered refuses a conversation that goes on before all calls have their results.
func (c *chatReader) answered() {
	if len(c.pending) > 0 {
		c.fail(fmt.Sprintf("messages[%d].role", c.pendingAt), "", "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: %s", strings.Join(c.pending, ", "))
	}
	c.known = nil
}

func (c *chatReader) message(m []byte, role, at string, i int) {
	var t turn
	content := rawjson.Get(m, "content")
	switch role {
	case "system", "developer":
		c.only(m, at+".", "role", "content", "name")
		c.content(content, at, &t, "text")
		c.q.system += t.text() + "\n"
	case "user":
		c.only(m, at+".", "role", "content", "name")
		c.content(content, at, &t, "text", "image_url", "input_audio", "file")
		c.q.add(t)
	case "tool":
		c.only(m, at+".", "role", "content", "tool_call_id", "name")
		c.toolMessage(m, at, &t)
	case "function":
		c.only(m, at+".", "role", "content", "name")
		c.resultText(content, at, &t)
		r := result{name: c.text(rawjson.Get(m, "name"), at+".name"), text: t.text()}
		c.q.add(turn{results: []result{r}})
	case "assistant":
		// parsed is what the official clients' structured-output helper adds to a message it hands back.
		c.only(m, at+".", "role", "content", "name", "tool_calls", "function_call", "refusal", "audio", "annotations", "reasoning_content", "parsed")
		c.assistant(m, content, at, i, &t)
	}
	if n := rawjson.Get(m, "name"); !rawjson.IsNull(n) {
		c.text(n, at+".name")
	}
}

// content reads a message's content: a text, or parts of the kinds named.
func (c *chatReader) content(v []byte, at string, t *turn, kinds ...string) {
	at += ".content"
	switch rawjson.Kind(v) {
	case ' ':
		c.fail(at, "missing_required_parameter", "Missing required parameter: '%s'.", at)
	case 'n':
		c.fail(at, "", "Invalid value for 'content': expected a string, got null.")
	case '"':
		c.say(rawjson.Text(v), t)
	case '[':
		if length(v) == 0 {
			c.fail(at, "empty_array", "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", at)
		}
		for i, p := range rawjson.Elems(v) {
			c.part(p, fmt.Sprintf("%s[%d]", at, i), t, kinds)
		}
	default:
		c.wrongType(at, "one of a string or array of objects", v)
	}
}

// resultText reads a tool's result, which counts as one text.
func (c *chatReader) resultText(v []byte, at string, t *turn) {
	c.result = true
	c.content(v, at, t, "text")
	c.result = false
	c.q.takeResult(t.text())
}

func (c *chatReader) say(s string, t *turn) {
	t.texts = append(t.texts, s)
	if !c.result {
		c.q.takeText(s)
	}
}

func (c *chatReader) part(p []byte, at string, t *turn, kinds []string) {
	if rawjson.Kind(p) != '{' {
		c.wrongType(at, "an object", p)
		return
	}
	kind := c.oneOf(rawjson.Get(p, "type"), at+".type", kinds...)
	c.only(p, at+".", "type", kind, "prompt_cache_breakpoint")
	body := rawjson.Get(p, kind)
	if kind != "text" && kind != "refusal" && rawjson.Kind(body) != '{' {
		c.fail(at+"."+kind, "missing_required_parameter", "Missing required parameter: '%s.%s'.", at, kind)
		return
	}
	switch kind {
	case "text", "refusal":
		c.say(c.text(body, at+"."+kind), t)
		return
	case "image_url":
		c.only(body, at+".image_url.", "url", "detail")
		if d := rawjson.Get(body, "detail"); d != nil {
			c.oneOf(d, at+".image_url.detail", "auto", "low", "high", "original")
		}
		t.media = append(t.media, c.image(c.text(rawjson.Get(body, "url"), at+".image_url.url"), at+".image_url.url"))
	case "input_audio":
		c.only(body, at+".input_audio.", "data", "format")
		form := c.oneOf(rawjson.Get(body, "format"), at+".input_audio.format", "wav", "mp3")
		data, ok := decodeBase64(c.text(rawjson.Get(body, "data"), at+".input_audio.data"))
		if !ok || len(data) == 0 {
			c.fail(at+".input_audio.data", "invalid_value", "Invalid '%s.input_audio.data': not valid base64.", at)
		}
		t.media = append(t.media, seen("sound", form, len(data)))
	case "file":
		c.only(body, at+".file.", "file_data", "file_id", "filename")
		t.media = append(t.media, c.file(body, at+".file"))
	}
	c.q.takeMedia(p)
}

var dataURL = regexp.MustCompile(`^data:([\w.+-]+/[\w.+-]+)?(?:;[\w-]+=[^;,]*)*;base64,`)

// image describes an image given by its address or within it.
func (c *chatReader) image(url, at string) string {
	if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		return "one image (at " + cut(url, 200) + ")"
	}
	head := dataURL.FindString(url)
	data, ok := decodeBase64(url[len(head):])
	switch kind := sniff(data); {
	case head == "" || !ok || len(data) == 0:
		c.fail(at, "invalid_value", "Invalid '%s': expected a base64-encoded data URL with an image MIME type, or a valid URL.", at)
		return ""
	case !strings.HasPrefix(kind, "image/"):
		c.fail(at, "image_parse_error", "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].")
		return ""
	default:
		return seen("image", kind, len(data))
	}
}

func (c *chatReader) file(f []byte, at string) string {
	name := rawjson.Text(rawjson.Get(f, "filename"))
	if id := rawjson.Get(f, "file_id"); id != nil {
		return "one file (" + c.text(id, at+".file_id") + ")"
	}
	url := c.text(rawjson.Get(f, "file_data"), at+".file_data")
	head := dataURL.FindString(url)
	data, ok := decodeBase64(url[len(head):])
	if c.bad == nil && (head == "" || !ok) {
		c.fail(at+".file_data", "invalid_value", "Invalid '%s.file_data': expected a base64-encoded data URL.", at)
	}
	if name == "" {
		c.fail(at+".filename", "missing_required_parameter", "Missing required parameter: '%s.filename'.", at)
	}
	m := dataURL.FindStringSubmatch(url)
	if m == nil {
		return ""
	}
	return seen("file", m[1], len(data))
}

func (c *chatReader) assistant(m, content []byte, at string, i int, t *turn) {
	t.assistant = true
	calls, legacy := rawjson.Get(m, "tool_calls"), rawjson.Get(m, "function_call")
	bare := rawjson.IsNull(calls) && rawjson.IsNull(legacy) && rawjson.IsNull(rawjson.Get(m, "refusal")) && rawjson.IsNull(rawjson.Get(m, "audio"))
	if bare || !rawjson.IsNull(content) {
		c.content(content, at, t, "text", "refusal")
	}
	if rawjson.Kind(calls) == '[' && length(calls) == 0 {
		c.fail(at+".tool_calls", "empty_array", "Invalid '%s.tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.", at)
	} else if !rawjson.IsNull(calls) && rawjson.Kind(calls) != '[' {
		c.wrongType(at+".tool_calls", "an array of objects", calls)
	}
	for n, tc := range rawjson.Elems(calls) {
		c.pastCall(tc, fmt.Sprintf("%s.tool_calls[%d]", at, n), t)
	}
	if !rawjson.IsNull(legacy) {
		c.function(legacy, at+".function_call")
	}
	c.pendingAt = i
	c.q.add(*t)
}

// pastCall reads a call of an earlier turn.
func (c *chatReader) pastCall(v []byte, at string, t *turn) {
	c.only(v, at+".", "id", "type", "function", "custom", "index", "parsed_arguments")
	id := c.text(rawjson.Get(v, "id"), at+".id")
	if n := len(id); n > maxCallID {
		c.fail(at+".id", "string_above_max_length", "Invalid '%s.id': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", at, maxCallID, n)
	}
	if slices.Contains(c.known, id) {
		c.fail(at+".id", "invalid_value", "Invalid '%s.id': duplicate tool call id '%s'.", at, id)
	}
	var name string
	switch c.oneOf(rawjson.Get(v, "type"), at+".type", "function", "custom") {
	case "function":
		name = c.function(rawjson.Get(v, "function"), at+".function")
	case "custom":
		custom := rawjson.Get(v, "custom")
		name = c.text(rawjson.Get(custom, "name"), at+".custom.name")
		c.q.takeCall(name, c.text(rawjson.Get(custom, "input"), at+".custom.input"))
	}
	t.calls = append(t.calls, call{id: id, name: name})
	c.pending, c.known = append(c.pending, id), append(c.known, id)
}

func (c *chatReader) function(v []byte, at string) string {
	name := c.text(rawjson.Get(v, "name"), at+".name")
	c.toolName(name, at+".name")
	c.q.takeCall(name, c.text(rawjson.Get(v, "arguments"), at+".arguments"))
	return name
}

func (c *chatReader) toolMessage(m []byte, at string, t *turn) {
	if len(c.known) == 0 {
		c.fail(at+".role", "", "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.")
		return
	}
	id := c.text(rawjson.Get(m, "tool_call_id"), at+".tool_call_id")
	i := slices.Index(c.pending, id)
	if c.bad == nil && i < 0 {
		c.fail(at+".tool_call_id", "", "Invalid parameter: 'tool_call_id' of '%s' not found in 'tool_calls' of previous message.", id)
		return
	}
	if i >= 0 {
		c.pending = slices.Delete(slices.Clone(c.pending), i, i+1)
	}
	c.resultText(rawjson.Get(m, "content"), at, t)
	c.q.add(turn{results: []result{{name: c.q.callName(id), text: t.text()}}})
}

var toolNames = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func (c *chatReader) toolName(name, at string) {
	if c.bad == nil && !toolNames.MatchString(name) {
		c.fail(at, "invalid_value", "Invalid '%s': string does not match pattern. Expected a string that matches the pattern '%s'.", at, toolNames)
	}
}

// readTools reads the tools and what is said of their use.
func (c *chatReader) readTools() {
	c.q.choice.mode = "auto"
	tools, functions := c.get("tools"), c.get("functions")
	if rawjson.Kind(tools) == '[' && length(tools) == 0 {
		c.fail("tools", "empty_array", "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	for i, t := range rawjson.Elems(tools) {
		at := fmt.Sprintf("tools[%d]", i)
		switch c.oneOf(rawjson.Get(t, "type"), at+".type", "function", "custom") {
		case "function":
			c.only(t, at+".", "type", "function")
			c.offer(rawjson.Get(t, "function"), at+".function")
		case "custom":
			c.only(t, at+".", "type", "custom")
			name := c.text(rawjson.Get(t, "custom", "name"), at+".custom.name")
			c.toolName(name, at+".custom.name")
			c.q.tools = append(c.q.tools, tool{name: name, free: true})
		}
	}
	for i, f := range rawjson.Elems(functions) {
		c.legacy = true
		c.q.choice.single = true
		c.offer(f, fmt.Sprintf("functions[%d]", i))
	}
	choice := c.get("tool_choice")
	if tools == nil && choice != nil {
		c.fail("tool_choice", "", "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
	}
	if p := c.get("parallel_tool_calls"); p != nil {
		if tools == nil {
			c.fail("parallel_tool_calls", "", "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.")
		}
		parallel, _ := rawjson.Bool(p)
		c.q.choice.single = c.q.choice.single || !parallel
	}
	c.readChoice(choice)
	if f := c.get("function_call"); rawjson.Kind(f) == '{' {
		c.demand("function_call", c.text(rawjson.Get(f, "name"), "function_call.name"))
	} else if f != nil {
		c.q.choice.mode = c.oneOf(f, "function_call", "none", "auto")
	}
}

func (c *chatReader) offer(f []byte, at string) {
	c.only(f, at+".", "name", "description", "parameters", "strict")
	name := c.text(rawjson.Get(f, "name"), at+".name")
	c.toolName(name, at+".name")
	if d := rawjson.Get(f, "description"); !rawjson.IsNull(d) {
		c.text(d, at+".description")
	}
	schema := rawjson.Get(f, "parameters")
	if rawjson.IsNull(schema) {
		schema = []byte(`{"type":"object","properties":{}}`)
	} else if kind := rawjson.Get(schema, "type"); rawjson.Text(kind) != "object" {
		c.fail(at+".parameters", "invalid_function_parameters", "Invalid schema for function '%s': schema must be a JSON Schema of 'type: \"object\"', got 'type: %q'.", name, rawjson.Text(kind))
	}
	if strict, _ := rawjson.Bool(rawjson.Get(f, "strict")); strict {
		c.strictSchema(schema, "function '"+name+"'", at+".parameters", "invalid_function_parameters")
	}
	c.q.tools = append(c.q.tools, tool{name: name, schema: schema})
}

func (c *chatReader) readChoice(v []byte) {
	switch rawjson.Kind(v) {
	case ' ':
	case '"':
		c.q.choice.mode = c.oneOf(v, "tool_choice", "none", "auto", "required")
		if c.q.choice.mode == "required" {
			c.q.choice.mode = "any"
		}
	case '{':
		switch kind := c.oneOf(rawjson.Get(v, "type"), "tool_choice.type", "function", "allowed_tools", "custom"); kind {
		case "function", "custom":
			c.demand("tool_choice", c.text(rawjson.Get(v, kind, "name"), "tool_choice."+kind+".name"))
		case "allowed_tools":
			mode := c.oneOf(rawjson.Get(v, kind, "mode"), "tool_choice.allowed_tools.mode", "auto", "required")
			c.q.choice.allowed = []string{}
			for _, t := range rawjson.Elems(rawjson.Get(v, kind, "tools")) {
				k := rawjson.Text(rawjson.Get(t, "type"))
				c.demand("tool_choice", rawjson.Text(rawjson.Get(t, k, "name")))
			}
			if c.q.choice.mode = "auto"; mode == "required" {
				c.q.choice.mode = "any"
			}
		}
	default:
		c.wrongType("tool_choice", "one of a string or an object", v)
	}
}

// demand lets a tool be called, and one be called.
func (c *chatReader) demand(param, name string) {
	if !slices.ContainsFunc(c.q.tools, func(t tool) bool { return t.name == name }) {
		c.fail(param, "", "Tool choice '%s' not found in 'tools' parameter.", name)
	}
	c.q.choice.mode = "any"
	c.q.choice.allowed = append(c.q.choice.allowed, name)
}

// strictSchema demands what strict schemas must have: objects closed, and all their members required.
func (c *chatReader) strictSchema(schema []byte, where, param, code string) {
	if gap := openObject(schema, true); gap != "" {
		c.fail(param, code, "Invalid schema for %s: %s", where, gap)
	}
}

// openObject finds an object in a schema that allows members it does not declare or, if all must be required, leaves
// one optional; "" where there is none.
func openObject(schema []byte, required bool) string {
	if rawjson.Kind(schema) == '{' && typeOK(rawjson.Get(schema, "type"), []byte("{}")) && rawjson.Get(schema, "type") != nil {
		if extra, is := rawjson.Bool(rawjson.Get(schema, "additionalProperties")); !is || extra {
			return "'additionalProperties' is required to be supplied and to be false."
		}
		for n := range rawjson.Members(rawjson.Get(schema, "properties")) {
			if required && !member(rawjson.Get(schema, "required"), rawjson.AppendString(nil, string(n))) {
				return fmt.Sprintf("'required' is required to be supplied and to be an array including every key in properties. Missing '%s'.", n)
			}
		}
	}
	for name, v := range rawjson.Members(schema) {
		switch string(name) {
		case "properties", "$defs", "definitions":
			for _, s := range rawjson.Members(v) {
				if gap := openObject(s, required); gap != "" {
					return gap
				}
			}
		case "items", "anyOf", "allOf", "oneOf":
			if gap := openObject(v, required); gap != "" {
				return gap
			}
			for _, s := range rawjson.Elems(v) {
				if gap := openObject(s, required); gap != "" {
					return gap
				}
			}
		}
	}
	return ""
}
