package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"weir/internal/rawjson"
)

// readMessages reads the conversation.
func (m *messagesReader) readMessages(v []byte) {
	if v == nil {
		m.fail("messages: Field required")
		return
	}
	m.array(v, "messages")
	n, before := length(v), ""
	if n == 0 {
		m.fail("messages: at least one message is required")
	}
	for i, msg := range rawjson.Elems(v) {
		at := fmt.Sprintf("messages.%d", i)
		if !m.object(msg, at) {
			return
		}
		m.only(msg, at+".", "role", "content")
		role := m.text(rawjson.Get(msg, "role"), at+".role")
		switch role {
		case "user", "assistant":
		case "system":
			if before == "user" {
				before = role
				m.laterSystem(rawjson.Get(msg, "content"), at)
				continue
			}
			m.fail("messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \"system\" as an input message role.")
		default:
			m.fail("%s.role: Input should be 'user' or 'assistant'", at)
		}
		if i == 0 && role != "user" {
			m.fail("messages: first message must use the \"user\" role")
		}
		t := turn{assistant: role == "assistant"}
		if t.assistant && before != "assistant" {
			m.unanswered()
		}
		if t.assistant {
			m.pendingAt = i
		}
		before = role
		m.content(rawjson.Get(msg, "content"), at, &t, i == n-1 && t.assistant)
		m.q.add(t)
		if m.bad != nil {
			return
		}
	}
	m.unanswered()
	m.ending()
	if m.enabled {
		m.needThought(v)
	}
}

// laterSystem reads an instruction within the conversation, which newer models take right after a user turn.
func (m *messagesReader) laterSystem(v []byte, at string) {
	var t turn
	m.content(v, at, &t, false)
	if len(t.texts) == 0 || len(t.media) > 0 || len(t.results) > 0 {
		m.fail("%s: system messages hold text alone", at)
	}
	m.q.system += "\n" + t.text()
}

// ending checks what the conversation ends with.
func (m *messagesReader) ending() {
	if !m.q.last().assistant {
		return
	}
	if m.fixed {
		m.fail("When thinking is enabled, the final message must be a user message.")
	}
	texts := m.q.last().texts
	if n := len(texts); n > 0 && strings.TrimRight(texts[n-1], " \t\r\n") != texts[n-1] {
		m.fail("messages: final assistant content cannot end with trailing whitespace")
	}
}

// unanswered refuses calls that the following turn leaves without a result.
func (m *messagesReader) unanswered() {
	if len(m.pending) > 0 {
		m.fail("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", m.pendingAt, strings.Join(m.pending, ", "))
	}
}

// blockMembers are the members of each kind of block besides type, and whose turn it may stand in.
var blockMembers = map[string]struct {
	role    string // "" = both
	members []string
}{
	"text":              {"", []string{"text", "cache_control", "citations"}},
	"image":             {"user", []string{"source", "cache_control"}},
	"document":          {"user", []string{"source", "title", "context", "citations", "cache_control"}},
	"search_result":     {"user", []string{"source", "title", "content", "citations", "cache_control"}},
	"tool_result":       {"user", []string{"tool_use_id", "content", "is_error", "cache_control"}},
	"container_upload":  {"user", []string{"file_id", "cache_control"}},
	"tool_use":          {"assistant", []string{"id", "name", "input", "caller", "cache_control"}},
	"thinking":          {"assistant", []string{"thinking", "signature"}},
	"redacted_thinking": {"assistant", []string{"data"}},
	"server_tool_use":   {"assistant", []string{"id", "name", "input", "caller", "cache_control"}},
	"mcp_tool_use":      {"assistant", []string{"id", "name", "input", "server_name", "cache_control"}},
	"mcp_tool_result":   {"assistant", []string{"tool_use_id", "content", "is_error", "cache_control"}},
	"compaction":        {"assistant", []string{"content", "encrypted_content", "cache_control"}},
	"*_tool_result":     {"assistant", []string{"tool_use_id", "content", "caller", "cache_control"}},
}

// content reads a message's content; that of a final assistant turn may be empty.
func (m *messagesReader) content(v []byte, at string, t *turn, final bool) {
	switch rawjson.Kind(v) {
	case ' ':
		m.fail("%s.content: Field required", at)
	case '"':
		s := rawjson.Text(v)
		if s == "" && !final {
			m.fail("%s: all messages must have non-empty content except for the optional final assistant message", at)
		}
		if !t.assistant {
			m.unanswered()
		}
		t.texts = append(t.texts, s)
		m.q.prompt.add(plainText(s), tokens(len(s)))
	case '[':
		if length(v) == 0 && !final {
			m.fail("%s: all messages must have non-empty content except for the optional final assistant message", at)
		}
		for n, b := range rawjson.Elems(v) {
			m.contentBlock(b, fmt.Sprintf("%s.content.%d", at, n), t)
			if m.bad != nil {
				return
			}
		}
	default:
		m.fail("%s.content: Input should be a valid string or list", at)
	}
}

func (m *messagesReader) contentBlock(b []byte, at string, t *turn) {
	if !m.object(b, at) {
		return
	}
	kind := m.text(rawjson.Get(b, "type"), at+".type")
	known, ok := blockMembers[kind]
	if !ok && strings.HasSuffix(kind, "_tool_result") {
		known, ok = blockMembers["*_tool_result"]
	}
	role := "user"
	if t.assistant {
		role = "assistant"
	}
	switch {
	case m.bad != nil:
		return
	case !ok:
		m.fail("%s: Input tag '%s' found using 'type' does not match any of the expected tags", at, kind)
		return
	case known.role != "" && known.role != role:
		m.fail("%s: `%s` blocks can only be in `%s` messages", strings.SplitN(at, ".content", 2)[0], kind, known.role)
		return
	}
	m.only(b, at+"."+kind+".", append([]string{"type"}, known.members...)...)
	if kind != "tool_result" && !t.assistant {
		m.unanswered() // results come first in their turn
	}
	switch kind {
	case "text":
		t.texts = append(t.texts, m.textBlock(b, at+".text", "messages", t.assistant))
		return
	case "image", "document":
		t.media = append(t.media, m.media(b, at+"."+kind, kind))
		m.block(b, at, mediaTokens)
		return
	case "tool_use":
		m.toolUse(b, at+".tool_use", t)
		m.block(b, at, callTokens(rawjson.Text(rawjson.Get(b, "name")), string(rawjson.Get(b, "input"))))
		return
	case "tool_result":
		m.toolResult(b, at, t)
		return
	case "thinking":
		thought, signature := m.text(rawjson.Get(b, "thinking"), at+".thinking.thinking"), m.text(rawjson.Get(b, "signature"), at+".thinking.signature")
		if m.bad == nil && !m.seal.verify(signature, "thinking", thought) {
			m.fail("%s: Invalid `signature` in `thinking` block", at)
		}
		m.block(b, at, 0)
		return
	case "redacted_thinking":
		data := m.text(rawjson.Get(b, "data"), at+".redacted_thinking.data")
		if m.bad == nil && !m.seal.verify(data, "redacted", "") {
			m.fail("%s: Invalid `data` in `redacted_thinking` block", at)
		}
		m.block(b, at, 0)
		return
	}
	m.block(b, at+"."+kind, tokens(len(b)))
}

// textBlock reads a block of text, which must not be empty; only what the assistant wrote may be blank.
func (m *messagesReader) textBlock(b []byte, at, where string, assistant bool) string {
	if where == "system" {
		m.only(b, at+".", "type", "text", "cache_control", "citations")
	}
	s := m.text(rawjson.Get(b, "text"), at+".text")
	switch {
	case m.bad != nil:
	case s == "":
		m.fail("%s: text content blocks must be non-empty", where)
	case strings.TrimSpace(s) == "" && !assistant:
		m.fail("%s: text content blocks must contain non-whitespace text", where)
	}
	m.block(b, at, tokens(len(s)))
	return s
}

// plainText is what a text counts as in a prompt's prefix, alone or as a block.
func plainText(s string) []byte { return append([]byte("text\x00"), s...) }

// block adds a block to the prompt's prefix, with its mark for the cache.
func (m *messagesReader) block(b []byte, at string, n int64) {
	plain := b
	mark := rawjson.Get(b, "cache_control")
	if text, is := rawjson.String(rawjson.Get(b, "text")); is {
		plain = plainText(text)
	} else if mark != nil {
		// A mark that moves on to a later block must leave the earlier one what it was.
		w := rawjson.Writer{}
		w.Open('{')
		for name, v := range rawjson.Members(b) {
			if string(name) != "cache_control" {
				w.Name(string(name)).Raw(v)
			}
		}
		plain = w.Close('}').Buf
	}
	m.q.prompt.add(plain, n)
	if !rawjson.IsNull(mark) {
		m.q.prompt.mark(m.cacheControl(mark, at+".cache_control"))
	}
}

// cacheControl reads a mark and returns how long it keeps what is before it.
func (m *messagesReader) cacheControl(v []byte, at string) time.Duration {
	m.marks++
	if !m.object(v, at) {
		return shortCache
	}
	m.oneOf(rawjson.Get(v, "type"), at+".type", "ephemeral")
	m.only(v, at+".ephemeral.", "type", "ttl", "scope")
	if t := rawjson.Get(v, "ttl"); !rawjson.IsNull(t) && m.oneOf(t, at+".ephemeral.ttl", "5m", "1h") == "1h" {
		return longCache
	}
	return shortCache
}

// media reads an image or a document.
func (m *messagesReader) media(b []byte, at, kind string) string {
	src := rawjson.Get(b, "source")
	if src == nil {
		m.fail("%s.source: Field required", at)
		return ""
	}
	forms := []string{"base64", "url", "file"}
	if kind == "document" {
		forms = append(forms, "text", "content")
	}
	at += ".source."
	form := m.oneOf(rawjson.Get(src, "type"), at+"type", forms...)
	at += form + "."
	switch form {
	case "base64":
		m.only(src, at, "type", "media_type", "data")
		kinds := []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
		if kind == "document" {
			kinds = []string{"application/pdf"}
		}
		mediaType := m.oneOf(rawjson.Get(src, "media_type"), at+"media_type", kinds...)
		data, ok := decodeBase64(m.text(rawjson.Get(src, "data"), at+"data"))
		switch is := sniff(data); {
		case m.bad != nil:
		case !ok || len(data) == 0:
			m.fail("%sdata: Could not process %s: invalid base64 data", at, kind)
		case is == "":
			m.fail("Could not process %s", kind)
		case is != mediaType:
			m.fail("%sdata: The %s was specified using the %s media type, but the %s appears to be a %s %s", strings.TrimSuffix(at, form+".")+form+".", kind, mediaType, kind, is, kind)
		}
		return seen(kind, mediaType, len(data))
	case "url":
		m.only(src, at, "type", "url")
		url := m.text(rawjson.Get(src, "url"), at+"url")
		if m.bad == nil && !strings.HasPrefix(url, "https://") {
			m.fail("%surl: Only HTTPS URLs are supported.", at)
		}
		return "one " + kind + " (at " + cut(url, 200) + ")"
	case "file":
		m.only(src, at, "type", "file_id")
		return "one " + kind + " (" + m.text(rawjson.Get(src, "file_id"), at+"file_id") + ")"
	case "text":
		m.only(src, at, "type", "media_type", "data")
		m.oneOf(rawjson.Get(src, "media_type"), at+"media_type", "text/plain")
		return seen(kind, "text/plain", len(m.text(rawjson.Get(src, "data"), at+"data")))
	}
	return seen(kind, "", len(rawjson.Get(src, "content")))
}

var callIDs = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

func (m *messagesReader) toolUse(b []byte, at string, t *turn) {
	id, name := m.text(rawjson.Get(b, "id"), at+".id"), m.text(rawjson.Get(b, "name"), at+".name")
	input := rawjson.Get(b, "input")
	switch {
	case m.bad != nil:
	case !callIDs.MatchString(id):
		m.fail("%s.id: String should match pattern '%s'", at, callIDs)
	case !messagesNames.MatchString(name):
		m.fail("%s.name: String should match pattern '%s'", at, messagesNames)
	case input == nil:
		m.fail("%s.input: Field required", at)
	case slices.Contains(m.ids, id):
		m.fail("messages: `tool_use` ids must be unique")
	default:
		m.object(input, at+".input")
	}
	m.ids, m.pending = append(m.ids, id), append(m.pending, id)
	t.calls = append(t.calls, call{id: id, name: name})
}

func (m *messagesReader) toolResult(b []byte, at string, t *turn) {
	id := m.text(rawjson.Get(b, "tool_use_id"), at+".tool_result.tool_use_id")
	i := slices.Index(m.pending, id)
	if i < 0 {
		m.fail("%s: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", at, id)
		return
	}
	m.pending = slices.Delete(slices.Clone(m.pending), i, i+1)
	r := result{name: m.q.callName(id), failed: m.boolean(rawjson.Get(b, "is_error"), at+".tool_result.is_error")}
	seen := int64(0)
	content := rawjson.Get(b, "content")
	switch rawjson.Kind(content) {
	case ' ':
	case '"':
		r.text = rawjson.Text(content)
	case '[':
		for n, p := range rawjson.Elems(content) {
			inner := fmt.Sprintf("%s.tool_result.content.%d", at, n)
			kind := m.oneOf(rawjson.Get(p, "type"), inner+".type", "text", "image", "document", "search_result", "tool_reference")
			m.only(p, inner+"."+kind+".", append([]string{"type", "tool_name"}, blockMembers[kind].members...)...)
			switch kind {
			case "text":
				r.text += m.text(rawjson.Get(p, "text"), inner+".text.text")
				if mark := rawjson.Get(p, "cache_control"); !rawjson.IsNull(mark) {
					m.cacheControl(mark, inner+".cache_control")
				}
			case "image", "document":
				t.media = append(t.media, m.media(p, inner+"."+kind, kind))
				seen += mediaTokens
			}
		}
	default:
		m.fail("%s.tool_result.content: Input should be a valid string or list", at)
	}
	m.block(b, at, tokens(len(r.text))+seen)
	t.results = append(t.results, r)
}

// needThought demands, where thinking is on, that the turn whose calls are being continued still begins with its
// thought.
func (m *messagesReader) needThought(messages []byte) {
	if len(m.q.last().results) == 0 {
		return
	}
	last := -1
	var content []byte
	for i, msg := range rawjson.Elems(messages) {
		if rawjson.Text(rawjson.Get(msg, "role")) == "assistant" {
			last, content = i, rawjson.Get(msg, "content")
		}
	}
	if first := rawjson.Text(rawjson.Get(element(content, 0), "type")); first != "thinking" && first != "redacted_thinking" {
		m.fail("messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `%s`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).", last, first)
	}
}
