package sim_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"weir/internal/sim"
)

// specs returns the folder of the providers' API descriptions, or skips.
func specs(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("WEIR_SPECS")
	if dir == "" {
		t.Skip("WEIR_SPECS is not set: what is answered is not held against the providers' API descriptions")
	}
	return dir
}

var (
	schemaHead = regexp.MustCompile(`(?m)^    ([A-Za-z0-9_.-]+):\n`)
	schemaRef  = regexp.MustCompile(`#/components/schemas/([A-Za-z0-9_.-]+)`)
)

// openAPI compiles schemas of an OpenAPI document. Only those that the roots lead to are read: the documents are large.
func openAPI(t *testing.T, file string, roots ...string) map[string]*jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(specs(t), file))
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "\n  schemas:\n")
	if !found {
		t.Fatalf("%s has no schemas", file)
	}
	blocks := map[string]string{}
	heads := schemaHead.FindAllStringSubmatchIndex(after, -1)
	for i, h := range heads {
		end := len(after)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		blocks[after[h[2]:h[3]]] = after[h[0]:end]
	}
	schemas, queue := map[string]any{}, roots
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if schemas[name] != nil {
			continue
		}
		block, known := blocks[name]
		if !known {
			t.Fatalf("%s has no schema %s", file, name)
		}
		block, _, _ = strings.Cut(block, "\n  securitySchemes:")
		var one struct {
			Schemas map[string]any `yaml:"schemas"`
		}
		if err := yaml.Unmarshal([]byte("schemas:\n"+block), &one); err != nil {
			t.Fatalf("%s: %s: %v", file, name, err)
		}
		schemas[name] = plain(one.Schemas[name])
		for _, ref := range schemaRef.FindAllStringSubmatch(block, -1) {
			queue = append(queue, ref[1])
		}
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:"+file, map[string]any{"components": map[string]any{"schemas": schemas}}); err != nil {
		t.Fatal(err)
	}
	out := map[string]*jsonschema.Schema{}
	for _, r := range roots {
		if out[r], err = c.Compile("mem:" + file + "#/components/schemas/" + r); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// plain makes JSON Schema of OpenAPI's: choices that a discriminator decides may overlap, nullable is a type.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, m := range v {
			switch k {
			case "example", "examples", "x-oaiMeta", "description", "title", "default", "discriminator", "nullable", "$recursiveAnchor":
			case "oneOf":
				out["anyOf"] = plain(m)
			default:
				out[k] = plain(m)
			}
		}
		// A member may be called like a keyword.
		if p, is := v["properties"].(map[string]any); is {
			all := map[string]any{}
			for k, m := range p {
				all[k] = plain(m)
			}
			out["properties"] = all
		}
		if v["nullable"] == true {
			return map[string]any{"anyOf": []any{out, map[string]any{"type": "null"}}}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case uint64:
		return json.Number(jsonNumber(v))
	case int64:
		return json.Number(jsonNumber(v))
	case float64:
		return json.Number(jsonNumber(v))
	}
	return v
}

func jsonNumber(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// dropNulls takes out the members that OpenAI sends as null although its description says that they are not.
func dropNulls(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			if m == nil && (k == "user" || k == "usage") {
				delete(v, k)
			}
			dropNulls(m)
		}
	case []any:
		for _, e := range v {
			dropNulls(e)
		}
	}
}

// valid holds a JSON text against a schema.
func valid(t *testing.T, s *jsonschema.Schema, what, body string) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v in %s", what, err, body)
	}
	dropNulls(v)
	if err := s.Validate(v); err != nil {
		t.Errorf("%s: %v\nin %s", what, err, body)
	}
}

// TestAnswersFitOpenAPI: what is answered fits what OpenAI and Ollama publish. Of Anthropic's and Cohere's there is no
// description to hold it against.
func TestAnswersFitOpenAPI(t *testing.T) {
	openai := openAPI(t, "openai/openapi.yaml", "CreateChatCompletionResponse", "CreateChatCompletionStreamResponse", "Response", "ResponseStreamEvent",
		"ResponseItemList", "CreateCompletionResponse", "CreateEmbeddingResponse", "ErrorResponse", "ListModelsResponse")
	ollama := openAPI(t, "ollama/openapi.yaml", "ChatResponse", "ChatStreamEvent", "ListResponse", "ShowResponse", "VersionResponse")
	r := start(t, &sim.Provider{})
	whole := map[string]*jsonschema.Schema{
		"openai-chat": openai["CreateChatCompletionResponse"], "openai-responses": openai["Response"], "ollama": ollama["ChatResponse"],
	}
	chunk := map[string]*jsonschema.Schema{
		"openai-chat": openai["CreateChatCompletionStreamResponse"], "openai-responses": openai["ResponseStreamEvent"], "ollama": ollama["ChatStreamEvent"],
	}
	checked := 0
	for _, sp := range speakers {
		for _, q := range questions {
			if q.model == "sim-long" && q.room == 0 {
				continue
			}
			if s := whole[sp.name]; s != nil {
				_, body, _ := r.do(sp.path(q), sp.body(q))
				valid(t, s, sp.name, body)
				checked++
			}
			if s := chunk[sp.name]; s != nil {
				q.stream = true
				_, body, _ := r.do(sp.path(q), sp.body(q))
				for _, c := range sp.chunks(t, body) {
					if c != "[DONE]" {
						valid(t, s, sp.name+" stream", c)
					}
				}
			}
		}
	}
	if checked < 40 {
		t.Errorf("%d answers were checked", checked)
	}
	for path, s := range map[string]*jsonschema.Schema{
		"/v1/models": openai["ListModelsResponse"], "/api/tags": ollama["ListResponse"], "/api/version": ollama["VersionResponse"],
	} {
		_, body, _ := r.do(path, "")
		valid(t, s, path, body)
	}
	_, body, _ := r.do("/api/show", `{"model":"sim-1"}`)
	valid(t, ollama["ShowResponse"], "/api/show", body)
	_, body, _ = r.do("/v1/completions", `{"model":"sim-1","prompt":"x","logprobs":2}`)
	valid(t, openai["CreateCompletionResponse"], "completions", body)
	_, body, _ = r.do("/v1/embeddings", `{"model":"sim-embed","input":"x","dimensions":3}`)
	valid(t, openai["CreateEmbeddingResponse"], "embeddings", body)
	for _, path := range []string{chatPath, responsesPath, "/v1/completions"} {
		_, body, _ = r.do(path, `{"model":"sim-429","messages":[{"role":"user","content":"x"}]}`)
		valid(t, openai["ErrorResponse"], path, body)
	}
	for _, ask := range []string{
		`{"model":"sim-tools","input":[{"role":"user","content":"go"}],"tools":[{"type":"custom","name":"shell"}],"instructions":"x"}`,
		`{"model":"sim-think","input":"hi","include":["reasoning.encrypted_content","message.output_text.logprobs"],"top_logprobs":2,"reasoning":{"summary":"detailed"}}`,
		`{"model":"sim-1","input":"hi","background":true}`,
	} {
		_, body, _ = r.do(responsesPath, ask)
		valid(t, openai["Response"], "responses", body)
		_, items, _ := r.do(responsesPath+"/"+text(decode(t, body), "id")+"/input_items", "")
		valid(t, openai["ResponseItemList"], "input items", items)
		_, raw, _ := r.do(responsesPath, strings.TrimSuffix(ask, "}")+`,"stream":true}`)
		for _, e := range events(t, raw) {
			valid(t, openai["ResponseStreamEvent"], e.event, e.data)
		}
	}
	_, raw, _ := r.do(responsesPath, `{"model":"sim-error-first","input":"hi","stream":true}`)
	valid(t, openai["ResponseStreamEvent"], "error", events(t, raw)[0].data)
}

// awsShape is a shape of AWS's model of a service.
type awsShape struct {
	Type     string
	Required []string
	Members  map[string]struct{ Shape string }
	Member   struct{ Shape string }
	Value    struct{ Shape string }
	Enum     []string
	Union    bool
	Document bool
}

type awsModel struct {
	*testing.T
	Shapes map[string]awsShape
}

func readAWS(t *testing.T) *awsModel {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(specs(t), "bedrock/bedrock-runtime-service-2.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := &awsModel{T: t}
	if err := json.Unmarshal(b, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// fits holds a decoded value against a shape.
func (m *awsModel) fits(v any, shape, at string) {
	s, known := m.Shapes[shape]
	bad := func(why string) { m.Errorf("%s: %v: %s of %s", at, v, why, shape) }
	switch {
	case !known:
		m.Fatalf("no shape %s", shape)
	case s.Document:
	case s.Type == "structure":
		o, is := v.(map[string]any)
		if !is || s.Union && len(o) != 1 {
			bad("not the structure")
		}
		for _, r := range s.Required {
			if o[r] == nil {
				bad("no " + r)
			}
		}
		for k, e := range o {
			if inner, has := s.Members[k]; has {
				m.fits(e, inner.Shape, at+"."+k)
			} else if k != "p" {
				bad("no member has the name " + k)
			}
		}
	case s.Type == "list":
		a, is := v.([]any)
		if !is {
			bad("not the list")
		}
		for _, e := range a {
			m.fits(e, s.Member.Shape, at+"[]")
		}
	case s.Type == "string" || s.Type == "blob":
		w, is := v.(string)
		if !is || len(s.Enum) > 0 && !slices.Contains(s.Enum, w) {
			bad("not a word")
		}
	case s.Type == "integer" || s.Type == "long":
		if _, is := v.(float64); !is {
			bad("not the number")
		}
	default:
		m.Fatalf("%s is a %s", shape, s.Type)
	}
}

// TestAnswersFitAWS: what Converse answers, whole and event by event, and its errors, fit AWS's model.
func TestAnswersFitAWS(t *testing.T) {
	m := readAWS(t)
	r := start(t, &sim.Provider{Slow: -1})
	all := slices.Clone(questions)
	for _, model := range []string{"sim-redacted", "sim-error-in-stream", "sim-error-first"} {
		all = append(all, question{model: model, text: "hi"})
	}
	kinds := map[string]bool{}
	for _, sp := range speakers {
		if sp.name != "bedrock" {
			continue
		}
		for _, q := range all {
			res, body, _ := r.do(sp.path(q), sp.body(q))
			if res.StatusCode == 200 {
				m.fits(decode(t, body), "ConverseResponse", "ConverseResponse")
			}
			q.stream = true
			_, body, _ = r.do(sp.path(q), sp.body(q))
			for _, c := range sp.chunks(t, body) {
				v := decode(t, c)
				kind := v["::"].(string)
				delete(v, "::")
				inner, known := m.Shapes["ConverseStreamOutput"].Members[kind]
				if !known {
					t.Fatalf("no event %s", kind)
				}
				m.fits(v, inner.Shape, kind)
				kinds[kind] = true
			}
		}
	}
	if len(kinds) != 8 {
		t.Errorf("seen are %v", kinds)
	}
}

var (
	protoMessage = regexp.MustCompile(`^ *(message|enum|oneof) (\w+) \{`)
	protoField   = regexp.MustCompile(`^ *(?:repeated |optional )?([\w.]+|map<string, \w+>) (\w+) = \d+`)
)

// protoFields reads the messages of Google's protocol buffers: by message and field in small camels what it holds. A
// message within another counts as one of its own.
func protoFields(t *testing.T) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	for _, f := range []string{"content", "citation", "safety", "model", "model_service", "generative_service"} {
		b, err := os.ReadFile(filepath.Join(specs(t), "gemini/v1beta", f+".proto"))
		if err != nil {
			t.Fatal(err)
		}
		var open []string
		for line := range strings.Lines(string(b)) {
			field := protoField.FindStringSubmatch(line)
			m := protoMessage.FindStringSubmatch(line)
			switch {
			case m != nil && m[1] == "message":
				if out[m[2]] == nil {
					out[m[2]] = map[string]string{}
				}
				if !strings.Contains(line, "}") {
					open = append(open, m[2])
				}
			case m != nil:
				inner := ""
				if m[1] == "oneof" {
					inner = open[len(open)-1]
				}
				open = append(open, inner)
			case strings.TrimSpace(line) == "}" && len(open) > 0:
				open = open[:len(open)-1]
			case field != nil && len(open) > 0 && open[len(open)-1] != "":
				name := ""
				for i, part := range strings.Split(field[2], "_") {
					if i > 0 && part != "" {
						part = strings.ToUpper(part[:1]) + part[1:]
					}
					name += part
				}
				out[open[len(open)-1]][name] = field[1]
			}
		}
	}
	return out
}

// TestAnswersFitProto: what Gemini answers has only fields that Google's protocol buffers know.
func TestAnswersFitProto(t *testing.T) {
	messages := protoFields(t)
	var fits func(v any, message, at string)
	fits = func(v any, message, at string) {
		fields, known := messages[message[strings.LastIndexByte(message, '.')+1:]]
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				fits(e, message, at)
			}
		case map[string]any:
			for k, e := range v {
				kind, has := fields[k]
				if known && !has {
					t.Errorf("%s: %s has no field %s", at, message, k)
				} else if has {
					fits(e, kind, at+"."+k)
				}
			}
		}
	}
	r := start(t, &sim.Provider{})
	for _, sp := range speakers {
		if sp.name != "gemini" {
			continue
		}
		for _, q := range questions {
			_, body, _ := r.do(sp.path(q), sp.body(q))
			fits(decode(t, body), "GenerateContentResponse", "whole")
			q.stream = true
			_, body, _ = r.do(sp.path(q), sp.body(q))
			for _, c := range sp.chunks(t, body) {
				fits(decode(t, c), "GenerateContentResponse", "chunk")
			}
		}
	}
	fits(r.ok("/v1beta/models", ""), "ListModelsResponse", "models")
	fits(r.ok("/v1beta/models/sim-1:countTokens", `{"contents":[{"parts":[{"text":"hi"}]}]}`), "CountTokensResponse", "count")
	if len(messages["GenerateContentResponse"]) < 5 || messages["Candidate"]["finishReason"] == "" {
		t.Fatalf("the protocol buffers were not read: %v", messages["Candidate"])
	}
}
