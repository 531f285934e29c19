package sim

import (
	"fmt"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// readDocuments reads the texts to answer from: each a string, or data with an id.
func (c *cohereReader) readDocuments() {
	v := c.get("documents")
	if v != nil && rawjson.Kind(v) != '[' {
		c.wrongType("documents", "array", v)
	}
	for i, d := range rawjson.Elems(v) {
		c.document(d, i)
	}
}

func (c *cohereReader) document(d []byte, i int) document {
	doc := document{id: fmt.Sprintf("doc:%d", i)}
	switch rawjson.Kind(d) {
	case '"':
		doc.text = rawjson.Text(d)
	case '{':
		c.only(d, "id", "data")
		if id := rawjson.Get(d, "id"); !rawjson.IsNull(id) {
			doc.id = c.text(id, "documents.id")
		}
		switch data := rawjson.Get(d, "data"); rawjson.Kind(data) {
		case '"':
			doc.text = rawjson.Text(data)
		case '{':
			for n, m := range rawjson.Members(data) {
				switch string(n) {
				case "title":
					doc.title = rawjson.Text(m)
				case "text", "snippet", "content":
					doc.text = rawjson.Text(m)
				}
			}
			if doc.text == "" {
				doc.text = string(data)
			}
		default:
			c.fail("invalid request: document must have data")
		}
	default:
		c.wrongType("documents", "string or object", d)
	}
	if doc.text == "" {
		c.fail("invalid request: document at index %d must not be empty", i)
	}
	c.q.documents = append(c.q.documents, doc)
	c.q.takeText(doc.text)
	return doc
}

// readMessages reads the conversation.
func (c *cohereReader) readMessages(v []byte) {
	switch {
	case v == nil:
		c.fail("invalid request: messages is required")
	case rawjson.Kind(v) != '[':
		c.wrongType("messages", "array", v)
	case length(v) == 0:
		c.fail("invalid request: list of messages must not be empty")
	}
	last := ""
	for i, m := range rawjson.Elems(v) {
		if rawjson.Kind(m) != '{' {
			c.wrongType("messages", "object", m)
			return
		}
		role := c.oneOf(rawjson.Get(m, "role"), "messages.role", "user", "assistant", "system", "tool")
		if role != "tool" {
			c.unanswered()
		}
		if role == "assistant" { // what the user says after results is of one turn with them
			c.results = nil
		}
		c.message(m, role, i)
		if last = role; c.bad != nil {
			return
		}
	}
	c.unanswered()
	if last == "assistant" || last == "system" {
		c.fail("invalid request: the last message must be from a user or a tool")
	}
}

// unanswered refuses calls that have no result.
func (c *cohereReader) unanswered() {
	if len(c.pending) > 0 {
		c.fail("invalid request: An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: %s", strings.Join(c.pending, ", "))
	}
}

func (c *cohereReader) message(m []byte, role string, i int) {
	var t turn
	content := rawjson.Get(m, "content")
	switch role {
	case "system":
		c.only(m, "role", "content")
		c.content(content, &t, i, "text")
		c.q.system += t.text() + "\n"
		return
	case "user":
		c.only(m, "role", "content")
		c.content(content, &t, i, "text", "image_url")
		if t.text() == "" && len(t.media) == 0 {
			c.fail("invalid request: message must be at least 1 token long or tool results must be specified.")
		}
	case "assistant":
		c.only(m, "role", "content", "tool_calls", "tool_plan", "citations")
		c.assistant(m, content, &t, i)
	case "tool":
		c.only(m, "role", "content", "tool_call_id")
		c.tool(m, content, &t, i)
	}
	c.q.add(t)
}

// content reads a message's content: a text, or parts of the kinds named.
func (c *cohereReader) content(v []byte, t *turn, i int, kinds ...string) {
	switch rawjson.Kind(v) {
	case ' ', 'n':
		c.fail("invalid request: all elements in history must have a message.")
	case '"':
		c.say(rawjson.Text(v), t)
	case '[':
		for _, p := range rawjson.Elems(v) {
			kind := c.oneOf(rawjson.Get(p, "type"), fmt.Sprintf("messages[%d].content.type", i), kinds...)
			c.only(p, "type", kind)
			switch body := rawjson.Get(p, kind); kind {
			case "text":
				c.say(c.text(body, "text"), t)
			case "thinking":
				c.text(body, "thinking")
			case "image_url":
				c.only(body, "url", "detail")
				t.media = append(t.media, c.image(c.text(rawjson.Get(body, "url"), "image_url.url")))
				c.q.takeMedia(p)
			case "document":
				c.document(body, len(c.q.documents))
			}
		}
	default:
		c.wrongType("content", "string or array", v)
	}
}

func (c *cohereReader) say(s string, t *turn) {
	t.texts = append(t.texts, s)
	if s != "" {
		c.q.takeText(s)
	}
}

// image describes an image given by its address or within it.
func (c *cohereReader) image(url string) string {
	if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		return "one image (at " + cut(url, 200) + ")"
	}
	head := dataURL.FindString(url)
	data, ok := decodeBase64(url[len(head):])
	is := sniff(data)
	if head == "" || !ok || !strings.HasPrefix(is, "image/") {
		c.fail("invalid request: image_url.url must be a valid URL or a base64-encoded data URL of an image")
	}
	return seen("image", is, len(data))
}

func (c *cohereReader) assistant(m, content []byte, t *turn, i int) {
	t.assistant = true
	calls := rawjson.Get(m, "tool_calls")
	if !rawjson.IsNull(content) {
		c.content(content, t, i, "text", "thinking")
	} else if length(calls) == 0 {
		c.fail("invalid request: all elements in history must have a message.")
	}
	if p := rawjson.Get(m, "tool_plan"); !rawjson.IsNull(p) {
		if plan := c.text(p, "tool_plan"); plan != "" {
			c.q.takeText(plan)
		}
	}
	for _, k := range rawjson.Elems(calls) {
		c.only(k, "id", "type", "function")
		c.oneOf(rawjson.Get(k, "type"), "tool_calls.type", "function")
		id, f := c.text(rawjson.Get(k, "id"), "tool_calls.id"), rawjson.Get(k, "function")
		c.only(f, "name", "arguments")
		name, args := c.text(rawjson.Get(f, "name"), "tool_calls.function.name"), c.text(rawjson.Get(f, "arguments"), "tool_calls.function.arguments")
		switch {
		case c.bad != nil:
		case id == "":
			c.fail("invalid request: tool call id must not be empty")
		case slices.Contains(c.pending, id):
			c.fail("invalid request: tool call ids must be unique, found duplicate '%s'", id)
		case rawjson.Check([]byte(args)) != nil || rawjson.Kind([]byte(args)) != '{':
			c.fail("invalid request: arguments of tool call '%s' must be a JSON object", id)
		}
		c.q.takeCall(name, args)
		t.calls = append(t.calls, call{id: id, name: name, args: args})
		c.pending = append(c.pending, id)
	}
}

func (c *cohereReader) tool(m, content []byte, t *turn, i int) {
	id := c.text(rawjson.Get(m, "tool_call_id"), "tool_call_id")
	n := slices.Index(c.pending, id)
	if c.bad == nil && n < 0 {
		c.fail("invalid request: tool_call_id '%s' not found in 'tool_calls' of previous message", id)
	}
	if c.bad != nil {
		return
	}
	c.pending = slices.Delete(slices.Clone(c.pending), n, n+1)
	var parts []string
	switch rawjson.Kind(content) {
	case '"':
		parts = append(parts, rawjson.Text(content))
	case '[':
		for _, p := range rawjson.Elems(content) {
			kind := c.oneOf(rawjson.Get(p, "type"), fmt.Sprintf("messages[%d].content.type", i), "text", "document")
			c.only(p, "type", kind)
			if body := rawjson.Get(p, kind); kind == "text" {
				parts = append(parts, c.text(body, "text"))
			} else {
				c.only(body, "id", "data")
				data := rawjson.Get(body, "data")
				if s, is := rawjson.String(data); is {
					parts = append(parts, s)
				} else {
					parts = append(parts, string(data))
				}
			}
		}
	default:
		c.fail("invalid request: tool message must have content")
	}
	text := strings.Join(parts, "\n")
	c.q.takeResult(text)
	c.results = append(c.results, id)
	t.results = append(t.results, result{name: c.q.callName(id), text: text})
}
