package sim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

const (
	maxResponsesCallID = 64
	maxToolOutput      = 10 << 20
)

// readInput reads the items of the conversation: those of the response before, then the request's own.
func (r *responsesReader) readInput() {
	if id := r.get("previous_response_id"); id != nil {
		if before, ok := r.stored.get(r.text(id, "previous_response_id")); ok {
			r.items = append(slices.Clone(before.input), before.output...)
		} else if r.bad == nil {
			r.bad = chatError("previous_response_id", "previous_response_not_found", "Previous response with id '%s' not found.", rawjson.Text(id))
		}
	}
	r.own = len(r.items)
	switch in := r.get("input"); rawjson.Kind(in) {
	case ' ':
		if r.own == 0 && r.get("prompt") == nil && r.get("conversation") == nil {
			r.fail("input", "missing_required_parameter", "Missing required parameter: 'input'.")
		}
	case '"':
		w := rawjson.Writer{}
		r.items = append(r.items, w.Open('{').Name("type").String("message").Name("role").String("user").Name("content").Raw(in).Close('}').Buf)
	case '[':
		for _, it := range rawjson.Elems(in) {
			r.items = append(r.items, it)
		}
	default:
		r.wrongType("input", "one of a string or an array of input items", in)
	}
	for i, it := range r.items {
		r.item(it, fmt.Sprintf("input[%d]", max(0, i-r.own)))
		if r.bad != nil {
			return
		}
	}
	if r.before == "reasoning" {
		r.unfollowed()
	}
	for _, c := range r.calls {
		if !slices.Contains(r.answered, c.id) {
			kind := "function call"
			if c.custom {
				kind = "custom tool call"
			}
			r.fail("input", "", "No tool output found for %s %s.", kind, c.id)
		}
	}
}

// itemKinds are the kinds of items, by each the beginning of its ids and its members besides type, id and status.
var itemKinds = map[string]struct {
	prefix  string
	members []string // nil = not looked at
}{
	"message":                 {"msg", []string{"role", "content", "phase"}},
	"function_call":           {"fc", []string{"call_id", "name", "arguments", "namespace", "caller", "parsed_arguments"}},
	"function_call_output":    {"fc", []string{"call_id", "output", "name", "namespace", "caller"}},
	"custom_tool_call":        {"ctc", []string{"call_id", "name", "input", "namespace", "caller"}},
	"custom_tool_call_output": {"ctc", []string{"call_id", "output", "caller"}},
	"reasoning":               {"rs", []string{"summary", "content", "encrypted_content"}},
	"item_reference":          {"", []string{}},
	"compaction":              {"cmp", []string{"encrypted_content"}},
	"file_search_call":        {"fs", nil}, "web_search_call": {"ws", nil}, "computer_call": {"cu", nil}, "computer_call_output": {"cu", nil},
	"image_generation_call": {"ig", nil}, "code_interpreter_call": {"ci", nil}, "local_shell_call": {"lsh", nil},
	"local_shell_call_output": {"", nil}, "shell_call": {"sh", nil}, "shell_call_output": {"sh", nil}, "apply_patch_call": {"apc", nil},
	"apply_patch_call_output": {"apc", nil}, "mcp_list_tools": {"mcpl", nil}, "mcp_approval_request": {"mcpr", nil},
	"mcp_approval_response": {"", nil}, "mcp_call": {"mcp", nil}, "tool_search_call": {"tsc", nil}, "tool_search_output": {"tso", nil},
	"additional_tools": {"", nil}, "compaction_trigger": {"", nil}, "program": {"", nil}, "program_output": {"", nil},
}

// item reads one item.
func (r *responsesReader) item(it []byte, at string) {
	if rawjson.Kind(it) != '{' {
		r.wrongType(at, "an object", it)
		return
	}
	kind := "message"
	if v := rawjson.Get(it, "type"); v != nil {
		kind = r.text(v, at+".type")
	}
	known, ok := itemKinds[kind]
	switch {
	case r.bad != nil:
		return
	case !ok:
		r.fail(at+".type", "invalid_value", "Invalid value: '%s'. Supported values are: 'message', 'function_call', 'function_call_output', 'reasoning', …", kind)
		return
	case known.members != nil:
		// The last is what Codex says of its messages to nobody but OpenAI.
		r.only(it, at+".", append([]string{"type", "id", "status", "internal_chat_message_metadata_passthrough"}, known.members...)...)
	}
	if s := rawjson.Get(it, "status"); !rawjson.IsNull(s) && known.members != nil {
		r.oneOf(s, at+".status", "in_progress", "completed", "incomplete")
	}
	id := r.itemID(it, kind, known.prefix, at)
	if r.bad != nil {
		return
	}
	r.follows(kind, id, it)
	switch kind {
	case "message":
		r.message(it, at)
	case "function_call", "custom_tool_call":
		r.pastCall(it, kind == "custom_tool_call", at)
	case "function_call_output", "custom_tool_call_output":
		r.output(it, kind == "custom_tool_call_output", at)
	case "reasoning":
		r.reasoning(it, id, at)
	case "item_reference":
		r.reference(id, at)
		return
	}
	r.before, r.beforeID = kind, id
}

var itemIDs = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// itemID reads an item's id, which must begin as those of its kind do and be there once.
func (r *responsesReader) itemID(it []byte, kind, prefix, at string) string {
	v := rawjson.Get(it, "id")
	if rawjson.IsNull(v) {
		if kind == "item_reference" {
			r.fail(at+".id", "missing_required_parameter", "Missing required parameter: '%s.id'.", at)
		}
		return ""
	}
	id := r.text(v, at+".id")
	switch {
	case r.bad != nil:
	case len(id) > maxResponsesCallID:
		r.fail(at+".id", "string_above_max_length", "Invalid '%s.id': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", at, maxResponsesCallID, len(id))
	case !strings.HasPrefix(id, prefix):
		r.fail(at+".id", "invalid_value", "Invalid '%s.id': '%s'. Expected an ID that begins with '%s'.", at, id, prefix)
	case !itemIDs.MatchString(id):
		r.fail(at+".id", "invalid_value", "Invalid '%s.id': '%s'. Expected an ID that contains letters, numbers, underscores, or dashes, but this value contained additional characters.", at, id)
	case slices.Contains(r.ids, id):
		r.fail("input", "", "Duplicate item found with id %s. Remove duplicate items from your input and try again.", id)
	}
	r.ids = append(r.ids, id)
	return id
}

// follows checks what OpenAI demands of reasoning: what was said after a thought comes back right after it, and not
// without it. An item that followed a thought is known by its id, which ends as the thought's does.
func (r *responsesReader) follows(kind, id string, it []byte) {
	said := !strings.HasSuffix(kind, "_output") && (kind != "message" || rawjson.Text(rawjson.Get(it, "role")) == "assistant")
	if r.before == "reasoning" && !said {
		r.unfollowed()
	}
	if _, tail, ours := strings.Cut(id, "_simR"); ours && kind != "reasoning" && r.beforeID != "rs_simR"+tail {
		r.fail("input", "", "Item '%s' of type '%s' was provided without its required 'reasoning' item: 'rs_simR%s'.", id, kind, tail)
	}
}

func (r *responsesReader) unfollowed() {
	r.fail("input", "", "Item '%s' of type 'reasoning' was provided without its required following item.", r.beforeID)
}

func (r *responsesReader) message(it []byte, at string) {
	role := r.oneOf(rawjson.Get(it, "role"), at+".role", "assistant", "system", "developer", "user")
	t := turn{assistant: role == "assistant"}
	if p := rawjson.Get(it, "phase"); !rawjson.IsNull(p) {
		r.oneOf(p, at+".phase", "commentary", "final_answer")
	}
	kinds := []string{"input_text", "input_image", "input_file"}
	if t.assistant {
		kinds = []string{"output_text", "refusal"}
	}
	content := rawjson.Get(it, "content")
	switch rawjson.Kind(content) {
	case ' ':
		r.fail(at+".content", "missing_required_parameter", "Missing required parameter: '%s.content'.", at)
	case '"':
		r.say(rawjson.Text(content), &t)
	case '[':
		for n, p := range rawjson.Elems(content) {
			r.part(p, fmt.Sprintf("%s.content[%d]", at, n), &t, kinds)
		}
	default:
		r.wrongType(at+".content", "one of an array of objects or string", content)
	}
	if role == "system" || role == "developer" {
		r.q.system += t.text() + "\n"
		return
	}
	r.q.add(t)
}

// part reads one part of a message or of a tool's output.
func (r *responsesReader) part(p []byte, at string, t *turn, kinds []string) {
	if rawjson.Kind(p) != '{' {
		r.wrongType(at, "an object", p)
		return
	}
	kind := r.oneOf(rawjson.Get(p, "type"), at+".type", kinds...)
	switch kind {
	case "input_text":
		r.only(p, at+".", "type", "text", "prompt_cache_breakpoint")
		r.say(r.text(rawjson.Get(p, "text"), at+".text"), t)
	case "output_text":
		r.only(p, at+".", "type", "text", "annotations", "logprobs", "parsed")
		r.say(r.text(rawjson.Get(p, "text"), at+".text"), t)
	case "refusal":
		r.only(p, at+".", "type", "refusal")
		r.say(r.text(rawjson.Get(p, "refusal"), at+".refusal"), t)
	case "input_image":
		r.only(p, at+".", "type", "image_url", "file_id", "detail", "prompt_cache_breakpoint")
		if d := rawjson.Get(p, "detail"); !rawjson.IsNull(d) {
			r.oneOf(d, at+".detail", "low", "high", "auto", "original")
		}
		if f := rawjson.Get(p, "file_id"); !rawjson.IsNull(f) {
			t.media = append(t.media, "one image ("+r.text(f, at+".file_id")+")")
		} else {
			t.media = append(t.media, r.image(r.text(rawjson.Get(p, "image_url"), at+".image_url"), at+".image_url"))
		}
		r.q.takeMedia(p)
	case "input_file":
		r.only(p, at+".", "type", "file_id", "file_data", "file_url", "filename", "detail", "prompt_cache_breakpoint")
		if u := rawjson.Get(p, "file_url"); !rawjson.IsNull(u) {
			t.media = append(t.media, "one file (at "+cut(r.text(u, at+".file_url"), 200)+")")
		} else {
			t.media = append(t.media, r.file(p, at))
		}
		r.q.takeMedia(p)
	}
}

// callID reads which call an item is, or is the output of.
func (r *responsesReader) callID(it []byte, at string) string {
	id := r.text(rawjson.Get(it, "call_id"), at+".call_id")
	switch {
	case r.bad != nil:
	case id == "":
		r.fail(at+".call_id", "empty_string", "Invalid '%s.call_id': empty string. Expected a string with minimum length 1, but got an empty string instead.", at)
	case len(id) > maxResponsesCallID:
		r.fail(at+".call_id", "string_above_max_length", "Invalid '%s.call_id': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", at, maxResponsesCallID, len(id))
	}
	return id
}

func (r *responsesReader) pastCall(it []byte, custom bool, at string) {
	id, name, member := r.callID(it, at), r.text(rawjson.Get(it, "name"), at+".name"), "arguments"
	if custom {
		member = "input"
	}
	r.toolName(name, at+".name")
	args := r.text(rawjson.Get(it, member), at+"."+member)
	if slices.ContainsFunc(r.calls, func(c pastCall) bool { return c.id == id }) {
		r.fail(at+".call_id", "invalid_value", "Duplicate item found with call_id %s. Remove duplicate items from your input and try again.", id)
	}
	r.calls = append(r.calls, pastCall{id, custom})
	r.q.takeCall(name, args)
	r.q.add(turn{assistant: true, calls: []call{{id: id, name: name, args: args, free: custom}}})
}

func (r *responsesReader) output(it []byte, custom bool, at string) {
	id := r.callID(it, at)
	kind := "function call"
	if custom {
		kind = "custom tool call"
	}
	switch {
	case r.bad != nil:
		return
	case !slices.Contains(r.calls, pastCall{id, custom}):
		r.fail("input", "", "No tool call found for %s output with call_id %s.", kind, id)
		return
	case slices.Contains(r.answered, id):
		r.fail("input", "", "Duplicate output found for %s with call_id %s.", kind, id)
		return
	}
	r.answered = append(r.answered, id)
	var t turn
	r.result = true
	switch out := rawjson.Get(it, "output"); rawjson.Kind(out) {
	case ' ':
		r.fail(at+".output", "missing_required_parameter", "Missing required parameter: '%s.output'.", at)
	case '"':
		r.say(rawjson.Text(out), &t)
		if n := len(out); n > maxToolOutput {
			r.fail(at+".output", "string_above_max_length", "Invalid '%s.output': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", at, maxToolOutput, n)
		}
	case '[':
		for n, p := range rawjson.Elems(out) {
			r.part(p, fmt.Sprintf("%s.output[%d]", at, n), &t, []string{"input_text", "input_image", "input_file"})
		}
	default:
		r.wrongType(at+".output", "one of an array of objects or string", out)
	}
	r.result = false
	r.q.takeResult(t.text())
	r.q.add(turn{media: t.media, results: []result{{name: r.q.callName(id), text: t.text()}}})
}

// reasoning reads a thought of ours: it comes with its cipher unaltered, or is one that is stored.
func (r *responsesReader) reasoning(it []byte, id, at string) {
	summary := rawjson.Get(it, "summary")
	switch {
	case summary == nil:
		r.fail(at+".summary", "missing_required_parameter", "Missing required parameter: '%s.summary'.", at)
	case rawjson.Kind(summary) != '[':
		r.wrongType(at+".summary", "an array of objects", summary)
	}
	for n, s := range rawjson.Elems(summary) {
		here := fmt.Sprintf("%s.summary[%d]", at, n)
		r.oneOf(rawjson.Get(s, "type"), here+".type", "summary_text")
		r.only(s, here+".", "type", "text")
		r.text(rawjson.Get(s, "text"), here+".text")
	}
	for n, s := range rawjson.Elems(rawjson.Get(it, "content")) {
		here := fmt.Sprintf("%s.content[%d]", at, n)
		r.oneOf(rawjson.Get(s, "type"), here+".type", "reasoning_text")
		r.text(rawjson.Get(s, "text"), here+".text")
	}
	cipher := rawjson.Get(it, "encrypted_content")
	if rawjson.IsNull(cipher) {
		if _, ok := r.stored.item(id); r.bad == nil && !ok {
			r.bad = noItem(id)
		}
		return
	}
	text := r.text(cipher, at+".encrypted_content")
	if r.bad == nil && !r.seal.verify(text, "encrypted", "") {
		r.fail("", "invalid_encrypted_content", "The encrypted content %s...%s could not be verified. Reason: Encrypted content could not be decrypted or parsed.", cut(text, 4), text[max(0, len(text)-4):])
	}
}

func noItem(id string) *refusal {
	return &refusal{
		status: http.StatusNotFound, kind: "invalid_request_error", param: "input",
		message: "Item with id '" + id + "' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.",
	}
}

// reference puts an item that is stored in the place of what refers to it.
func (r *responsesReader) reference(id, at string) {
	it, ok := r.stored.item(id)
	if !ok {
		r.bad = noItem(id)
		return
	}
	r.ids = r.ids[:len(r.ids)-1]
	r.item(it, at)
}
