package replay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/internal/compile"
	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/frame"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/replay"
)

// conversing are the dialects in which conversations are recorded, as far as this build speaks them.
func conversing() []llm.Dialect {
	all := []llm.Dialect{
		llm.OpenAIChat, llm.AnthropicMessages, llm.OpenAIResponses, llm.GeminiGenerate, llm.BedrockConverse, llm.CohereChat,
		llm.OllamaChat, llm.OpenAICompletions,
	}
	return slices.DeleteFunc(all, func(d llm.Dialect) bool { return compile.Dialect(d) == nil })
}

// document is a gateway before one provider for each dialect, whose name is the dialect's.
func document(models string) string {
	var b strings.Builder
	b.WriteString("version: 1\nproviders:\n")
	for _, d := range passing() {
		base := "http://127.0.0.1:9"
		if strings.HasPrefix(string(d), "openai-") {
			base += "/v1"
		}
		fmt.Fprintf(&b, "  %s: { base_url: %q, speaks: [%s], api_key: upstream-key }\n", d, base, d)
	}
	return b.String() + "models:\n" + models + `
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }, { name: strict, key: strict-` + gatewaytest.Key + `, models: ["*"], strict: true }]
`
}

// asked is a request on the wire.
type asked struct {
	path, query string
	body        []byte
}

func (a asked) call() dialect.Call {
	return dialect.Call{Op: llm.OpChat, Path: a.path, Query: a.query, Body: a.body}
}

// target is what the request line names.
func (a asked) target() string {
	if a.query == "" {
		return a.path
	}
	return a.path + "?" + a.query
}

func (a asked) post(t *testing.T, h http.Handler, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, a.target(), bytes.NewReader(a.body))
	req.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// question returns the request that belongs to a recording in a dialect, asking for a model. Answers that were stored
// without their request get a small one.
func question(r *replay.Recording, d llm.Dialect, model string) asked {
	body := r.Body()
	if body == nil {
		body = small(d, r.Streaming)
	}
	if d == llm.OpenAIEmbeddings {
		return asked{path: "/v1/embeddings", body: named(body, model)}
	}
	switch d {
	case llm.CohereEmbed:
		return asked{path: "/v2/embed", body: named(body, model)}
	case llm.CohereRerank:
		return asked{path: "/v2/rerank", body: named(body, model)}
	case llm.OpenAIRerank:
		return asked{path: "/v1/rerank", body: named(body, model)}
	case llm.OpenAIModerations:
		return asked{path: "/v1/moderations", body: named(body, model)}
	case llm.OllamaEmbed:
		return asked{path: "/api/embed", body: named(body, model)}
	case llm.GeminiInteractions:
		return asked{path: "/v1beta/interactions", body: agentName.ReplaceAll(named(body, model), []byte(`${1}"`+model+`"`))}
	case llm.MistralOCR:
		return asked{path: "/v1/ocr", body: named(body, model)}
	case llm.GeminiEmbeddings:
		path, query := r.PathOf(d)
		i := strings.Index(path, "/models/")
		return asked{path[:i] + "/models/" + model + path[strings.LastIndexByte(path, ':'):], query, renamed(body, model)}
	}
	c := dialecttest.Call(d, body, r.Streaming)
	if path, query := r.PathOf(d); path != "" {
		c.Path, c.Query = path, query
	}
	if i := strings.Index(c.Path, "/models/"); d == llm.GeminiGenerate && i >= 0 {
		// Some name the model in the body once more.
		return asked{c.Path[:i] + "/models/" + model + c.Path[strings.LastIndexByte(c.Path, ':'):], c.Query, named(body, model)}
	}
	if d == llm.BedrockConverse || d == llm.BedrockInvoke {
		return asked{"/model/" + model + c.Path[strings.LastIndexByte(c.Path, '/'):], c.Query, body}
	}
	return asked{c.Path, c.Query, named(body, model)}
}

// renamed returns a body of embeddings for Gemini with another name for the model wherever it stands.
func renamed(body []byte, model string) []byte {
	return modelsName.ReplaceAll(body, []byte(`${1}"models/`+model+`"`))
}

var modelsName = regexp.MustCompile(`("model":\s*)"models/[^"]*"`)

var agentName = regexp.MustCompile(`("agent":\s*)"[^"]*"`)

// small is the body of a short request, with a model's name where the dialect has it in the body.
func small(d llm.Dialect, stream bool) []byte {
	body := map[llm.Dialect]string{
		llm.GeminiInteractions: `{"model":"m","input":"hello"`,
		llm.OpenAIChat:         `{"model":"m","messages":[{"role":"user","content":"hello"}]`,
		llm.OpenAIResponses:    `{"model":"m","input":"hello","store":false`,
		llm.OpenAICompletions:  `{"model":"m","prompt":"hello"`,
		llm.AnthropicMessages:  `{"model":"m","max_tokens":1000,"messages":[{"role":"user","content":"hello"}]`,
		llm.GeminiGenerate:     `{"contents":[{"role":"user","parts":[{"text":"hello"}]}]`,
		llm.BedrockConverse:    `{"messages":[{"role":"user","content":[{"text":"hello"}]}]`,
		llm.CohereChat:         `{"model":"m","messages":[{"role":"user","content":"hello"}]`,
		llm.OllamaChat:         `{"model":"m","messages":[{"role":"user","content":"hello"}]`,
		llm.OpenAIEmbeddings:   `{"model":"m","input":"hello"`,
		llm.GeminiEmbeddings:   `{"content":{"parts":[{"text":"hello"}]}`,
		llm.CohereEmbed:        `{"model":"m","texts":["hello"],"input_type":"search_query"`,
		llm.OllamaEmbed:        `{"model":"m","input":"hello"`,
	}[d]
	switch {
	case d == llm.GeminiGenerate || d == llm.BedrockConverse:
	case d == llm.OllamaChat && !stream:
		body += `,"stream":false`
	case stream:
		body += `,"stream":true`
	}
	return []byte(body + "}")
}

// named returns a body with another name for its model, every other byte as it was.
func named(body []byte, model string) []byte {
	at := modelAt(body)
	var old struct{ Model json.RawMessage }
	if at < 0 || json.Unmarshal(body, &old) != nil {
		return body
	}
	return append(append(append([]byte{}, body[:at]...), fmt.Sprintf("%q", model)...), body[at+len(old.Model):]...)
}

// modelAt finds the offset of the value of the top-level member model.
func modelAt(body []byte) int {
	dec := json.NewDecoder(bytes.NewReader(body))
	depth, name := 0, true
	for {
		tok, err := dec.Token()
		if err != nil {
			return -1
		}
		switch v := tok.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
			} else {
				depth--
			}
			name = depth == 1
			continue
		case string:
			if depth == 1 && name && v == "model" {
				at := int(dec.InputOffset())
				return at + bytes.IndexByte(body[at:], '"')
			}
		}
		if depth == 1 {
			name = !name
		}
	}
}

// payloads returns the JSON values of an answer, cut by hand where its framing is text.
func payloads(r *replay.Recording) [][]byte {
	if !r.Streaming {
		return [][]byte{r.Answer()}
	}
	var out [][]byte
	if d := r.Speaks(); d == string(llm.BedrockConverse) || d == string(llm.BedrockInvoke) {
		for f := range frame.AWS(bytes.NewReader(r.Answer()), nil, 64<<20) {
			var chunk struct{ Bytes []byte }
			if json.Unmarshal(f.Data, &chunk) == nil && chunk.Bytes != nil {
				out = append(out, chunk.Bytes)
			} else {
				out = append(out, bytes.Clone(f.Data))
			}
		}
		return out
	}
	var all []json.RawMessage
	if json.Unmarshal(r.Answer(), &all) == nil {
		for _, one := range all {
			out = append(out, one)
		}
		return out
	}
	for _, line := range strings.FieldsFunc(string(r.Answer()), func(c rune) bool { return c == '\n' || c == '\r' }) {
		data, ok := strings.CutPrefix(line, "data:")
		if ok || strings.HasPrefix(line, "{") {
			out = append(out, []byte(strings.TrimSpace(data)))
		}
	}
	return out
}

// statedUsage reads what an answer says was counted, by each dialect's own definition: the last value of each count, in
// whichever event it stands. ok is false where nothing is stated.
func statedUsage(r *replay.Recording) (input, output int64, ok bool) {
	counts := map[string]int64{}
	for _, raw := range payloads(r) {
		var m any
		if json.Unmarshal(raw, &m) == nil {
			gather(m, "", counts)
		}
	}
	if d := r.Speaks(); d == string(llm.BedrockInvoke) {
		for name, value := range r.Response.Headers {
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && strings.HasPrefix(name, "x-amzn-bedrock-") {
				counts[name] = n
			}
		}
	}
	sum := func(names ...string) (n int64) {
		for _, name := range names {
			n += counts[name]
		}
		return n
	}
	switch r.Speaks() {
	case string(llm.GeminiGenerate):
		return sum("usageMetadata.promptTokenCount", "usageMetadata.toolUsePromptTokenCount"), sum("usageMetadata.candidatesTokenCount", "usageMetadata.thoughtsTokenCount"), len(counts) > 0
	case string(llm.GeminiInteractions):
		return sum("usage.total_input_tokens", "usage.total_tool_use_tokens"), sum("usage.total_output_tokens", "usage.total_thought_tokens"), len(counts) > 0
	case string(llm.BedrockConverse):
		return sum("usage.inputTokens", "usage.cacheReadInputTokens", "usage.cacheWriteInputTokens"), sum("usage.outputTokens"), len(counts) > 0
	case string(llm.BedrockInvoke):
		const head, last = "x-amzn-bedrock-", "amazon-bedrock-invocationMetrics."
		if _, ok := counts[head+"input-token-count"]; ok {
			return sum(head+"input-token-count", head+"cache-read-input-token-count", head+"cache-write-input-token-count"), sum(head + "output-token-count"), true
		}
		if _, ok := counts[last+"inputTokenCount"]; ok {
			return sum(last+"inputTokenCount", last+"cacheReadInputTokenCount", last+"cacheWriteInputTokenCount"), sum(last + "outputTokenCount"), true
		}
		if _, ok := counts["inputTextTokenCount"]; ok {
			return sum("inputTextTokenCount"), sum("totalOutputTextTokenCount"), true
		}
	case string(llm.GeminiEmbeddings):
		return sum("usageMetadata.promptTokenCount"), 0, len(counts) > 0
	case string(llm.CohereEmbed):
		return sum("billed_units.input_tokens", "billed_units.image_tokens"), 0, len(counts) > 0
	case string(llm.OllamaEmbed):
		return sum("prompt_eval_count"), 0, len(counts) > 0
	case string(llm.CohereRerank): // it counts searches
		return 0, 0, len(counts) > 0
	case string(llm.OpenAIAudio): // some count sound beside the rest of what was read
		output = sum("usage.output_tokens", "usage.completion_tokens")
		return max(0, sum("usage.total_tokens")-output), output, len(counts) > 0
	case string(llm.OpenAIEmbeddings), string(llm.OpenAIRerank):
		if _, some := counts["usage.prompt_tokens"]; some {
			return sum("usage.prompt_tokens"), 0, true
		}
		return sum("usage.total_tokens"), 0, len(counts) > 0
	case string(llm.CohereChat):
		return sum("usage.tokens.input_tokens"), sum("usage.tokens.output_tokens"), len(counts) > 0
	case string(llm.OllamaChat):
		return sum("prompt_eval_count"), sum("eval_count"), len(counts) > 0
	}
	if _, chat := counts["usage.prompt_tokens"]; chat {
		return sum("usage.prompt_tokens"), sum("usage.completion_tokens"), true
	}
	return sum("usage.input_tokens", "usage.cache_read_input_tokens", "usage.cache_creation_input_tokens"), sum("usage.output_tokens"), len(counts) > 0
}

// gather collects token counts by the path from the object that holds all usage.
func gather(v any, path string, counts map[string]int64) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for name, v := range m {
		switch name {
		case "usage", "usageMetadata", "tokens", "billed_units", "amazon-bedrock-invocationMetrics":
			gather(v, path+name+".", counts)
		case "message", "response", "interaction", "x_groq", "delta", "metadata", "meta":
			if path == "" {
				gather(v, path, counts)
			}
		default:
			if n, ok := v.(float64); ok && (path != "" || name == "eval_count" || name == "prompt_eval_count" || name == "inputTextTokenCount" || name == "totalOutputTextTokenCount") {
				counts[path+name] = int64(n)
			}
		}
	}
}
