package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// readMessages reads the conversation.
func (b *bedrockReader) readMessages(v []byte) {
	before := ""
	if length(v) == 0 {
		b.fail("The messages field is empty. Add a Message object to the messages field and try again.")
	}
	for i, m := range rawjson.Elems(v) {
		role, content := b.text(m, "role"), b.get(m, "content")
		switch {
		case i == 0 && role != "user":
			b.fail("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
		case role == before:
			b.fail("A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.")
		case length(content) == 0:
			b.fail("The content field in the Message object at messages.%d is empty. Add a ContentBlock object to the content field and try again.", i)
		}
		before = role
		b.message(content, role, i)
		if b.bad != nil {
			return
		}
	}
	if len(b.pending) > 0 {
		b.fail("Expected toolResult blocks at messages.%d.content for the following Ids: %s", length(v), strings.Join(b.pending, ", "))
	}
	switch {
	case b.blocks && b.get(b.body, "toolConfig") == nil:
		b.fail("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
	case b.q.last().assistant && b.enabled:
		b.fail("The model returned the following errors: When thinking is enabled, the final message must be a user message.")
	}
	if b.enabled && len(b.q.last().results) > 0 {
		b.needThought(v)
	}
}

func (b *bedrockReader) message(content []byte, role string, i int) {
	t := turn{assistant: role == "assistant"}
	asked := b.pending
	b.pending = nil
	texts, documents := 0, 0
	for n, c := range rawjson.Elems(content) {
		at := fmt.Sprintf("messages.%d.content.%d", i, n)
		for name, v := range rawjson.Members(c) {
			if rawjson.IsNull(v) {
				continue
			}
			switch kind := string(name); kind {
			case "text":
				texts++
				b.say(v, at, &t)
			case "toolResult":
				asked = b.toolResult(v, asked, i, &t)
			case "document":
				documents++
				b.block(v, kind, role, at, i, &t)
			default:
				b.block(v, kind, role, at, i, &t)
			}
		}
		b.cachePoint(c)
	}
	switch {
	case len(asked) > 0:
		b.fail("Expected toolResult blocks at messages.%d.content for the following Ids: %s", i, strings.Join(asked, ", "))
	case documents > 0 && texts == 0:
		b.fail("A text block must be included when using documents. Add a text block and retry your request.")
	}
	b.q.add(t)
}

func (b *bedrockReader) say(v []byte, at string, t *turn) {
	s := rawjson.Text(v)
	if strings.TrimSpace(s) == "" {
		b.fail("The text field in the ContentBlock object at %s is blank. Add text to the text field, and try again.", at)
	}
	t.texts = append(t.texts, s)
	b.q.takeText(s)
}

// block reads what is neither text nor a result.
func (b *bedrockReader) block(v []byte, kind, role, at string, i int, t *turn) {
	user := role == "user"
	switch kind {
	case "image", "video", "audio", "document":
		if !user {
			b.fail("The ContentBlock object at %s with the %s field is only supported in user messages.", at, kind)
		}
		t.media = append(t.media, b.media(v, kind, at))
		b.q.takeMedia(v)
	case "toolUse":
		id, name := b.text(v, "toolUseId"), b.text(v, "name")
		input := b.get(v, "input")
		switch {
		case user:
			b.fail("The ContentBlock object at %s with the toolUse field is only supported in assistant messages.", at)
		case rawjson.Kind(input) != '{':
			b.fail("The format of the value at %s.toolUse.input is invalid. Provide a json object for the field and try again.", at)
		case slices.Contains(b.ids, id):
			b.fail("The toolUse blocks at messages.%d.content contain duplicate Ids: %s", i, id)
		}
		b.blocks = true
		if b.ids = append(b.ids, id); b.text(v, "type") == "server_tool_use" {
			b.served = append(b.served, id)
		} else {
			b.pending = append(b.pending, id)
		}
		b.q.takeCall(name, string(input))
		t.calls = append(t.calls, call{id: id, name: name, args: string(input)})
	case "reasoningContent":
		if user {
			b.fail("The ContentBlock object at %s with the reasoningContent field is only supported in assistant messages.", at)
		}
		b.reasoning(v, at)
	case "searchResult", "guardContent", "citationsContent":
		for _, p := range rawjson.Elems(b.get(v, "content")) {
			b.say(b.get(p, "text"), at, t)
		}
	}
}

// reasoning reads a thought, which comes back as it was given.
func (b *bedrockReader) reasoning(v []byte, at string) {
	if r := b.get(v, "redactedContent"); r != nil {
		raw, ok := decodeAnyBase64(rawjson.Text(r))
		if !ok || !b.seal.verify(string(raw), "redacted", "") {
			b.fail("The model returned the following errors: %s: Invalid `data` in `redacted_thinking` block", at)
		}
		return
	}
	thought, signature := b.get(v, "reasoningText", "text"), b.get(v, "reasoningText", "signature")
	switch {
	case signature == nil:
		b.fail("The model returned the following errors: %s.thinking.signature: Field required", at)
	case !b.seal.verify(rawjson.Text(signature), "thinking", rawjson.Text(thought)):
		b.fail("The model returned the following errors: %s: Invalid `signature` in `thinking` block", at)
	}
}

// needThought demands, where thinking is on, that the turn whose calls are being continued begins with its thought.
func (b *bedrockReader) needThought(messages []byte) {
	i := length(messages) - 2
	content := b.get(element(messages, i), "content")
	if b.get(element(content, 0), "reasoningContent") == nil {
		b.fail("The model returned the following errors: messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block.", i)
	}
}

// toolResult reads a result and returns which calls are still without one.
func (b *bedrockReader) toolResult(v []byte, asked []string, i int, t *turn) []string {
	id := b.text(v, "toolUseId")
	b.blocks = true
	n := slices.Index(asked, id)
	if t.assistant && slices.Contains(b.served, id) {
		return asked
	}
	if t.assistant {
		b.fail("The toolResult blocks at messages.%d.content are only supported in user messages.", i)
	} else if n < 0 {
		b.fail("The number of toolResult blocks at messages.%d.content exceeds the number of toolUse blocks of previous turn.", i)
	}
	if b.bad != nil {
		return nil
	}
	r := result{name: b.q.callName(id), failed: b.text(v, "status") == "error"}
	for k, c := range rawjson.Elems(b.get(v, "content")) {
		at := fmt.Sprintf("messages.%d.content.%d", i, k)
		for name, p := range rawjson.Members(c) {
			switch string(name) {
			case "text":
				r.text += rawjson.Text(p)
			case "json":
				if r.text += string(p); rawjson.Kind(p) != '{' {
					b.fail("The format of the value at %s.toolResult.content.%d.json is invalid. Provide a json object for the field and try again.", at, k)
				}
			case "image", "video", "document":
				t.media = append(t.media, b.media(p, string(name), at))
				b.q.takeMedia(p)
			}
		}
	}
	b.q.takeResult(r.text)
	t.results = append(t.results, r)
	return slices.Delete(slices.Clone(asked), n, n+1)
}

var documentNames = regexp.MustCompile(`^[a-zA-Z0-9()\[\]-]+( [a-zA-Z0-9()\[\]-]+)*$`)

const maxDocuments = 5

// media reads an image, a film, a sound or a document.
func (b *bedrockReader) media(v []byte, kind, at string) string {
	format, source := b.text(v, "format"), b.get(v, "source")
	data, _ := decodeAnyBase64(b.text(source, "bytes"))
	if kind == "document" {
		name := b.text(v, "name")
		switch {
		case !documentNames.MatchString(name):
			b.fail("The document file name at %s can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.", at)
		case slices.Contains(b.documents, name):
			b.fail("Messages can't contain duplicate document names. Rename the document and retry your request.")
		case len(b.documents) == maxDocuments:
			b.fail("You can't include more than %d documents in a request.", maxDocuments)
		case format == "" && b.get(source, "bytes") != nil:
			b.fail("The format field in the DocumentBlock object at %s is required.", at)
		}
		b.documents = append(b.documents, name)
		if s := b.text(source, "text"); s != "" {
			return seen(kind, "text/plain", len(s))
		}
	}
	is := sniff(data)
	switch {
	case b.get(source, "s3Location") != nil:
		return "one " + kind + " (" + cut(b.text(source, "s3Location", "uri"), 200) + ")"
	case len(data) == 0 && b.get(source, "content") == nil:
		b.fail("The bytes field in the source object at %s is empty.", at)
	case kind == "image" && !strings.HasPrefix(is, "image/"):
		b.fail("The model returned the following errors: %s: Could not process image", at)
	case format == "pdf" && is != "application/pdf":
		b.fail("The model returned the following errors: The PDF specified was not valid.")
	}
	return seen(kind, kind+"/"+format, len(data))
}
