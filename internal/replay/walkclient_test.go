package replay_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"weir/internal/llm"
)

type (
	object = map[string]any
	array  = []any
)

// walkCall is a call as a client was told of it.
type walkCall struct {
	id, name string
	args     any
}

// outcome is what a client's tool came to: a text, or a structure.
type outcome struct {
	text      string
	structure object
	failed    bool
}

// words is the outcome where there is only text.
func (o outcome) words() string {
	if o.structure != nil {
		return marshal(o.structure)
	}
	return o.text
}

// taken is what a client makes of an answer: what it puts into its history, and what it sees in it.
type taken struct {
	history array
	text    string
	calls   []walkCall
}

// walkClient speaks one dialect as its official SDKs do: it sends back everything it was given, in its own place.
type walkClient struct {
	path    func(model string, stream bool) string
	body    func(model string, stream bool, history array) object
	say     func(text string) any
	take    func(t *testing.T, answer []byte, stream bool) taken
	results func(calls []walkCall, all []outcome) array
}

const walkSystem = "You look things up and take notes."

var (
	lookSchema = object{"type": "object", "properties": object{"city": object{"type": "string"}}, "required": array{"city"}}
	noteSchema = object{"type": "object", "properties": object{"what": object{"type": "object", "properties": object{"n": object{"type": "number"}}}}, "required": array{"what"}}
)

const walkRoom, walkBudget = 30000, 4096

func marshal(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// decoded reads JSON with its numbers as they are written.
func decoded(t *testing.T, b []byte) object {
	t.Helper()
	var v object
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %.300s", err, b)
	}
	return v
}

func decodedArgs(s string) any {
	var v any
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return s
	}
	return v
}

// at descends into decoded JSON; nil where there is nothing.
func at(v any, path ...any) any {
	for _, p := range path {
		switch k := p.(type) {
		case string:
			o, _ := v.(object)
			v = o[k]
		case int:
			a, _ := v.(array)
			if k >= len(a) {
				return nil
			}
			v = a[k]
		}
	}
	return v
}

func str(v any, path ...any) string { s, _ := at(v, path...).(string); return s }
func list(v any, path ...any) array { a, _ := at(v, path...).(array); return a }
func whole(v any, path ...any) int64 {
	n, _ := at(v, path...).(json.Number)
	i, _ := n.Int64()
	return i
}

// lines returns the JSON values of a stream of SSE or of lines of JSON.
func lines(t *testing.T, answer []byte) []object {
	t.Helper()
	var out []object
	for _, line := range strings.Split(string(answer), "\n") {
		data, event := strings.CutPrefix(line, "data: ")
		if (event || strings.HasPrefix(line, "{")) && data != "[DONE]" {
			out = append(out, decoded(t, []byte(data)))
		}
	}
	return out
}

// grown adds a piece of a stream to what came before as OpenAI's SDKs do: texts grow, elements of lists go by their index.
func grown(acc, piece any) any {
	switch p := piece.(type) {
	case object:
		a, _ := acc.(object)
		if a == nil {
			a = object{}
		}
		for name, v := range p {
			if name == "index" || name == "type" || name == "role" {
				a[name] = v
			} else {
				a[name] = grown(a[name], v)
			}
		}
		return a
	case array:
		a, _ := acc.(array)
		for _, v := range p {
			i := slices.IndexFunc(a, func(x any) bool { return at(v, "index") != nil && at(x, "index") == at(v, "index") })
			if i < 0 {
				a = append(a, grown(nil, v))
			} else {
				a[i] = grown(a[i], v)
			}
		}
		return a
	case string:
		s, _ := acc.(string)
		return s + p
	case nil:
		return acc
	}
	return piece
}

func fixedPath(path string) func(string, bool) string {
	return func(string, bool) string { return path }
}

func function(name string, schema object) object {
	return object{"name": name, "description": "A tool.", "parameters": schema}
}

func chatTools() array {
	return array{object{"type": "function", "function": function("look", lookSchema)}, object{"type": "function", "function": function("note", noteSchema)}}
}

var walkClients = map[llm.Dialect]walkClient{
	llm.OpenAIChat: {
		path: fixedPath("/v1/chat/completions"),
		body: func(model string, stream bool, history array) object {
			b := object{"model": model, "reasoning_effort": "medium", "max_completion_tokens": walkRoom, "tools": chatTools()}
			b["messages"] = append(array{object{"role": "system", "content": walkSystem}}, history...)
			if stream {
				b["stream"] = true
			}
			return b
		},
		say: func(text string) any { return object{"role": "user", "content": text} },
		take: func(t *testing.T, answer []byte, stream bool) taken {
			var m any
			if !stream {
				m = at(decoded(t, answer), "choices", 0, "message")
			} else {
				for _, chunk := range lines(t, answer) {
					if d := at(chunk, "choices", 0, "delta"); d != nil {
						m = grown(m, d)
					}
				}
				if str(m, "content") == "" {
					m.(object)["content"] = nil
				}
			}
			out := taken{history: array{m}, text: str(m, "content")}
			for _, c := range list(m, "tool_calls") {
				out.calls = append(out.calls, walkCall{str(c, "id"), str(c, "function", "name"), decodedArgs(str(c, "function", "arguments"))})
			}
			return out
		},
		results: func(calls []walkCall, all []outcome) array {
			var out array
			for i, c := range calls {
				out = append(out, object{"role": "tool", "tool_call_id": c.id, "content": all[i].words()})
			}
			return out
		},
	},
	llm.OpenAIResponses: {
		path: fixedPath("/v1/responses"),
		body: func(model string, stream bool, history array) object {
			tool := func(name string, schema object) object {
				f := function(name, schema)
				f["type"] = "function"
				return f
			}
			return object{
				"model": model, "instructions": walkSystem, "input": history, "stream": stream, "store": false, "max_output_tokens": walkRoom,
				"reasoning": object{"effort": "medium", "summary": "auto"}, "include": array{"reasoning.encrypted_content"},
				"tools": array{tool("look", lookSchema), tool("note", noteSchema)},
			}
		},
		say: func(text string) any { return object{"type": "message", "role": "user", "content": text} },
		take: func(t *testing.T, answer []byte, stream bool) taken {
			var v object
			if !stream {
				v = decoded(t, answer)
			} else {
				for _, e := range lines(t, answer) {
					if str(e, "type") == "response.completed" {
						v, _ = e["response"].(object)
					}
				}
			}
			out := taken{history: list(v, "output")}
			for _, it := range out.history {
				switch str(it, "type") {
				case "message":
					for _, p := range list(it, "content") {
						out.text += str(p, "text")
					}
				case "function_call":
					out.calls = append(out.calls, walkCall{str(it, "call_id"), str(it, "name"), decodedArgs(str(it, "arguments"))})
				}
			}
			return out
		},
		results: func(calls []walkCall, all []outcome) array {
			var out array
			for i, c := range calls {
				out = append(out, object{"type": "function_call_output", "call_id": c.id, "output": all[i].words()})
			}
			return out
		},
	},
	llm.AnthropicMessages: {
		path: fixedPath("/v1/messages"),
		body: func(model string, stream bool, history array) object {
			tool := func(name string, schema object) object {
				return object{"name": name, "description": "A tool.", "input_schema": schema}
			}
			return object{
				"model": model, "system": walkSystem, "messages": history, "stream": stream, "max_tokens": walkRoom,
				"thinking": object{"type": "enabled", "budget_tokens": walkBudget}, "tools": array{tool("look", lookSchema), tool("note", noteSchema)},
			}
		},
		say:  func(text string) any { return object{"role": "user", "content": text} },
		take: takeMessage,
		results: func(calls []walkCall, all []outcome) array {
			var blocks array
			for i, c := range calls {
				b := object{"type": "tool_result", "tool_use_id": c.id, "content": array{object{"type": "text", "text": all[i].words()}}}
				if all[i].failed {
					b["is_error"] = true
				}
				blocks = append(blocks, b)
			}
			return array{object{"role": "user", "content": blocks}}
		},
	},
	llm.GeminiGenerate: {
		path: func(model string, stream bool) string {
			if stream {
				return "/v1beta/models/" + model + ":streamGenerateContent?alt=sse"
			}
			return "/v1beta/models/" + model + ":generateContent"
		},
		body: func(_ string, _ bool, history array) object {
			tool := func(name string, schema object) object {
				return object{"name": name, "description": "A tool.", "parametersJsonSchema": schema}
			}
			return object{
				"systemInstruction": object{"parts": array{object{"text": walkSystem}}}, "contents": history,
				"tools":            array{object{"functionDeclarations": array{tool("look", lookSchema), tool("note", noteSchema)}}},
				"generationConfig": object{"maxOutputTokens": walkRoom, "thinkingConfig": object{"includeThoughts": true, "thinkingBudget": walkBudget}},
			}
		},
		say:  func(text string) any { return object{"role": "user", "parts": array{object{"text": text}}} },
		take: takeContent,
		results: func(calls []walkCall, all []outcome) array {
			var parts array
			for i, c := range calls {
				r := object{"name": c.name, "response": all[i].structure}
				switch {
				case all[i].failed:
					r["response"] = object{"error": all[i].text}
				case all[i].structure == nil:
					r["response"] = object{"output": all[i].text}
				}
				if c.id != "" {
					r["id"] = c.id
				}
				parts = append(parts, object{"functionResponse": r})
			}
			return array{object{"role": "user", "parts": parts}}
		},
	},
	llm.BedrockConverse: {
		path: func(model string, stream bool) string {
			if stream {
				return "/model/" + model + "/converse-stream"
			}
			return "/model/" + model + "/converse"
		},
		body: func(_ string, _ bool, history array) object {
			tool := func(name string, schema object) object {
				return object{"toolSpec": object{"name": name, "description": "A tool.", "inputSchema": object{"json": schema}}}
			}
			return object{
				"system": array{object{"text": walkSystem}}, "messages": history, "inferenceConfig": object{"maxTokens": walkRoom},
				"additionalModelRequestFields": object{"thinking": object{"type": "enabled", "budget_tokens": walkBudget}},
				"toolConfig":                   object{"tools": array{tool("look", lookSchema), tool("note", noteSchema)}},
			}
		},
		say:  func(text string) any { return object{"role": "user", "content": array{object{"text": text}}} },
		take: takeConverse,
		results: func(calls []walkCall, all []outcome) array {
			var blocks array
			for i, c := range calls {
				r := object{"toolUseId": c.id, "content": array{object{"text": all[i].text}}}
				if all[i].structure != nil {
					r["content"] = array{object{"json": all[i].structure}}
				}
				if all[i].failed {
					r["status"] = "error"
				}
				blocks = append(blocks, object{"toolResult": r})
			}
			return array{object{"role": "user", "content": blocks}}
		},
	},
	llm.CohereChat: {
		path: fixedPath("/v2/chat"),
		body: func(model string, stream bool, history array) object {
			return object{
				"model": model, "stream": stream, "max_tokens": walkRoom, "thinking": object{"type": "enabled", "token_budget": walkBudget}, "tools": chatTools(),
				"messages": append(array{object{"role": "system", "content": walkSystem}}, history...),
			}
		},
		say:  func(text string) any { return object{"role": "user", "content": text} },
		take: takeCohere,
		results: func(calls []walkCall, all []outcome) array {
			var out array
			for i, c := range calls {
				content := object{"type": "text", "text": all[i].text}
				if all[i].structure != nil {
					content = object{"type": "document", "document": object{"data": marshal(all[i].structure)}}
				}
				out = append(out, object{"role": "tool", "tool_call_id": c.id, "content": array{content}})
			}
			return out
		},
	},
	llm.OllamaChat: {
		path: fixedPath("/api/chat"),
		body: func(model string, stream bool, history array) object {
			return object{
				"model": model, "stream": stream, "think": true, "options": object{"num_predict": walkRoom}, "tools": chatTools(),
				"messages": append(array{object{"role": "system", "content": walkSystem}}, history...),
			}
		},
		say: func(text string) any { return object{"role": "user", "content": text} },
		take: func(t *testing.T, answer []byte, _ bool) taken {
			m := object{"role": "assistant", "content": ""}
			for _, chunk := range lines(t, answer) {
				for name, v := range at(chunk, "message").(object) {
					if name != "role" {
						m[name] = grown(m[name], v)
					}
				}
			}
			out := taken{history: array{m}, text: str(m, "content")}
			for _, c := range list(m, "tool_calls") {
				out.calls = append(out.calls, walkCall{str(c, "id"), str(c, "function", "name"), at(c, "function", "arguments")})
			}
			return out
		},
		results: func(calls []walkCall, all []outcome) array {
			var out array
			for i, c := range calls {
				r := object{"role": "tool", "tool_name": c.name, "content": all[i].words()}
				if c.id != "" {
					r["tool_call_id"] = c.id
				}
				out = append(out, r)
			}
			return out
		},
	},
}
