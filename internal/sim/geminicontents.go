package sim

import (
	"fmt"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// skipSignature is what Google takes in the place of a signature that a client cannot have.
const skipSignature = "skip_thought_signature_validator"

// readContents reads the conversation.
func (g *geminiReader) readContents() {
	contents := g.each(g.body, "contents")
	if len(contents) == 0 {
		g.fail("* GenerateContentRequest.contents: contents is not specified\n")
		return
	}
	current := g.currentTurn(contents)
	before := ""
	for i, c := range contents {
		role := g.text(c, "role")
		if role == "" {
			role = "user"
		}
		parts := g.each(c, "parts")
		switch {
		case role != "user" && role != "model":
			g.fail("Please use a valid role: user, model.")
		case i == 0 && role != "user":
			g.fail("Please ensure that multiturn requests begin with a user turn.")
		case len(parts) == 0:
			g.fail("* GenerateContentRequest.contents[%d].parts: contents.parts must not be empty.\n", i)
		}
		calls, results := g.named(parts, "functionCall"), g.named(parts, "functionResponse")
		g.pairs(role, before, calls, results)
		if g.bad != nil {
			return
		}
		t := turn{assistant: role == "model"}
		for n, p := range parts {
			g.part(p, fmt.Sprintf("contents[%d].parts[%d]", i, n), role, &t)
		}
		if i > current && g.q.model.thinks() > 0 {
			g.needSignature(parts, i)
		}
		g.q.add(t)
		g.pending, before = calls, role
	}
	if len(g.pending) > 0 {
		g.fail("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.")
	}
}

// currentTurn returns where the turn that is going on begins: at the last content that the user said himself.
func (g *geminiReader) currentTurn(contents [][]byte) int {
	for i, c := range slices.Backward(contents) {
		if g.text(c, "role") != "model" && len(g.named(g.each(c, "parts"), "functionResponse")) == 0 {
			return i
		}
	}
	return 0
}

// named returns the calls, or the responses, among parts.
func (g *geminiReader) named(parts [][]byte, member string) []geminiCall {
	var out []geminiCall
	for _, p := range parts {
		if c := g.get(p, member); c != nil {
			out = append(out, geminiCall{g.text(c, "id"), g.text(c, "name")})
		}
	}
	return out
}

// pairs checks that calls come after a user's turn, and that what comes after calls are their responses, all of them.
func (g *geminiReader) pairs(role, before string, calls, results []geminiCall) {
	switch {
	case len(calls) > 0 && role != "model":
		g.fail("Please ensure that function call parts are in a model turn.")
	case len(results) > 0 && role != "user":
		g.fail("Please ensure that function response parts are in a user turn.")
	case len(calls) > 0 && before != "user":
		g.fail("Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
	case len(results) > 0 && len(g.pending) == 0:
		g.fail("Please ensure that function response turn comes immediately after a function call turn.")
	case len(results) != len(g.pending):
		g.fail("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.")
	}
	left := slices.Clone(g.pending)
	for _, r := range results {
		i := slices.IndexFunc(left, func(c geminiCall) bool { return c.name == r.name && (c.id == r.id || c.id == "" || r.id == "") })
		if i < 0 {
			g.fail("Please ensure that the function response parts have the names and ids of the function call parts of the function call turn.")
			return
		}
		left = slices.Delete(left, i, i+1)
	}
}

// needSignature demands that the first call of a step of the current turn has its signature.
func (g *geminiReader) needSignature(parts [][]byte, i int) {
	for _, p := range parts {
		c := g.get(p, "functionCall")
		if c == nil {
			continue
		}
		if g.text(p, "thoughtSignature") == "" {
			g.fail("Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:%s` , position %d. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.", g.text(c, "name"), i+1)
		}
		return
	}
}

var geminiData = []string{
	"text", "inlineData", "functionCall", "functionResponse", "fileData", "executableCode", "codeExecutionResult", "toolCall", "toolResponse",
}

// part reads one part of a content.
func (g *geminiReader) part(p []byte, at, role string, t *turn) {
	at = "* GenerateContentRequest." + at
	signature := g.text(p, "thoughtSignature")
	var have []string
	for _, n := range geminiData {
		if g.get(p, n) != nil {
			have = append(have, n)
		}
	}
	switch {
	case len(have) == 0 && signature != "":
		g.signature(signature, "text")
		return
	case len(have) == 0, len(have) == 1 && have[0] == "text" && g.text(p, "text") == "" && signature == "":
		g.fail("%s.data: required oneof field 'data' must have one initialized field\n", at)
		return
	case len(have) > 1:
		g.fail("Invalid value at '%s' (oneof), oneof field 'data' is already set. Cannot set '%s'", strings.TrimPrefix(at, "* GenerateContentRequest."), camel(have[1]))
		return
	}
	kind := "text"
	switch have[0] {
	case "text":
		if thought, _ := rawjson.Bool(g.get(p, "thought")); thought {
			if kind = "thought"; role != "model" {
				g.fail("%s.thought: thoughts are only allowed in model turns.\n", at)
			}
		} else if s := g.text(p, "text"); s != "" {
			t.texts = append(t.texts, s)
			g.q.takeText(s)
		}
	case "inlineData":
		t.media = append(t.media, g.blob(g.get(p, "inlineData"), at+".inline_data"))
		g.q.takeMedia(p)
	case "fileData":
		t.media = append(t.media, g.file(g.get(p, "fileData"), at+".file_data"))
		g.q.takeMedia(p)
	case "functionCall":
		c := g.get(p, "functionCall")
		name, args := g.text(c, "name"), g.get(c, "args")
		if name == "" {
			g.fail("%s.function_call.name: Name cannot be empty.\n", at)
		}
		if args == nil {
			args = []byte("{}")
		}
		kind = "call " + name
		g.q.takeCall(name, string(args))
		t.calls = append(t.calls, call{id: g.text(c, "id"), name: name, args: string(args)})
	case "functionResponse":
		g.response(g.get(p, "functionResponse"), at+".function_response", t)
	}
	if signature != "" {
		g.signature(signature, kind)
	}
}

// signature checks that a signature stands where it was given.
func (g *geminiReader) signature(s, kind string) {
	if s == skipSignature {
		return
	}
	raw, ok := decodeAnyBase64(s)
	if !ok || !g.seal.verifyRaw(raw, "gemini", kind) {
		g.fail("Corrupted thought signature.")
	}
}

// response reads the result of a call. What it holds counts as the text that most clients put there under one name.
func (g *geminiReader) response(r []byte, at string, t *turn) {
	name, response := g.text(r, "name"), g.get(r, "response")
	switch {
	case name == "":
		g.fail("%s.name: Name cannot be empty.\n", at)
	case response == nil:
		g.fail("%s.response: response is not specified\n", at)
	}
	out := result{name: name, text: string(response)}
	for n, v := range rawjson.Members(response) {
		member := string(n)
		if length(response) == 1 && slices.Contains([]string{"result", "output", "error", "content"}, member) {
			out.failed = member == "error"
			if out.text = string(v); rawjson.Kind(v) == '"' {
				out.text = rawjson.Text(v)
			}
		}
	}
	g.q.takeResult(out.text)
	for n, p := range g.each(r, "parts") {
		t.media = append(t.media, g.blob(g.get(p, "inlineData"), fmt.Sprintf("%s.parts[%d].inline_data", at, n)))
		g.q.takeMedia(p)
	}
	t.results = append(t.results, out)
}

var geminiMedia = []string{"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif", "image/gif", "application/pdf", "application/json"}

// blob reads a file that is in the request.
func (g *geminiReader) blob(b []byte, at string) string {
	kind := g.text(b, "mimeType")
	data, _ := decodeAnyBase64(g.text(b, "data"))
	family, _, _ := strings.Cut(kind, "/")
	modality := map[string]string{"image": "IMAGE", "audio": "AUDIO", "video": "VIDEO", "application": "DOCUMENT", "text": "DOCUMENT"}[family]
	is := sniff(data)
	switch {
	case kind == "":
		g.fail("%s.mime_type: must not be empty.\n", at)
	case len(data) == 0:
		g.fail("%s.data: must not be empty.\n", at)
	case modality == "" || (family == "image" || family == "application") && !slices.Contains(geminiMedia, kind):
		g.fail("Unsupported MIME type: %s", kind)
	case family == "image" && !strings.HasPrefix(is, "image/"):
		g.fail("Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting")
	case kind == "application/pdf" && is != kind:
		g.fail("The document has no pages.")
	}
	g.media[modality] += mediaTokens
	noun := map[string]string{"IMAGE": "image", "AUDIO": "sound", "VIDEO": "video", "DOCUMENT": "document"}[modality]
	return seen(noun, kind, len(data))
}

// file reads a file that was given to Google before, or a film of YouTube's.
func (g *geminiReader) file(f []byte, at string) string {
	uri := g.text(f, "fileUri")
	own := "https://generativelanguage.googleapis.com/v1beta/files/"
	switch {
	case uri == "":
		g.fail("%s.file_uri: must not be empty.\n", at)
	case strings.HasPrefix(uri, "https://www.youtube.com/watch?v="), strings.HasPrefix(uri, "https://youtu.be/"):
		g.media["VIDEO"] += mediaTokens
		return "one video (at " + cut(uri, 200) + ")"
	case !strings.HasPrefix(uri, own):
		g.fail("Invalid or unsupported file uri: %s", cut(uri, 200))
	}
	if name := strings.TrimPrefix(uri, own); g.bad == nil && g.kept != nil {
		if _, ok := g.kept(geminiFile + name); !ok {
			g.bad = noGeminiFile(name)
		}
	}
	g.media["DOCUMENT"] += mediaTokens
	return "one file (" + strings.TrimPrefix(uri, own) + ")"
}
