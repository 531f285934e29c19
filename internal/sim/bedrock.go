package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"weir/internal/rawjson"
)

// bedrockFace is AWS's, with the SDKs' bearer token; a signature is taken in its place.
var bedrockFace = &face{
	name:     "bedrock-converse",
	idHeader: "X-Amzn-Requestid",
	key:      bearer,
	refuse:   func(f *refusal, _ string) []byte { return bedrockError(f) },
	header: func(h http.Header, f *refusal) {
		h.Set("X-Amzn-Errortype", f.kind+":http://internal.amazon.com/coral/com.amazon.bedrock/")
	},
	framing: framing{
		contentType: "application/vnd.amazon.eventstream",
		event:       func(_ int, name string, data []byte) []byte { return awsEvent(name, data) },
		fault: func(_ int, f *refusal) []byte {
			return awsException(strings.ToLower(f.kind[:1])+f.kind[1:], bedrockError(f))
		},
	},
	failures: bedrockFailures,
	noKey: func(given bool, _ string) *refusal {
		if !given {
			return &refusal{status: http.StatusForbidden, kind: "MissingAuthenticationTokenException", message: "Missing Authentication Token"}
		}
		return bedrockFailures["sim-auth"]
	},
	notJSON: func(err error) *refusal {
		return &refusal{status: http.StatusBadRequest, kind: "SerializationException", message: fmt.Sprintf("The request body is not valid JSON: %v", err)}
	},
	noPath: func(_, _ string) *refusal {
		return &refusal{status: http.StatusNotFound, kind: "UnknownOperationException", message: "The requested operation is not recognized by the service."}
	},
}

var badSignature = &refusal{
	status: http.StatusForbidden, kind: "InvalidSignatureException",
	message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
}

func bedrockError(f *refusal) []byte {
	w := rawjson.Writer{}
	w.Open('{').Name("message").String(f.message)
	if f.kind == "ModelStreamErrorException" {
		w.Name("originalStatusCode").Int(http.StatusInternalServerError).Name("originalMessage").String(f.message)
	}
	return w.Close('}').Buf
}

func bedrockInvalid(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, kind: "ValidationException", message: fmt.Sprintf(format, args...)}
}

// bedrockFailures are the answers of the models that fail, in AWS's words.
var bedrockFailures = map[string]*refusal{
	"sim-429":        {status: http.StatusTooManyRequests, kind: "ThrottlingException", message: "Too many requests, please wait before trying again."},
	"sim-overloaded": {status: http.StatusServiceUnavailable, kind: "ServiceUnavailableException", message: "Too many connections, please wait before trying again."},
	"sim-500":        {status: http.StatusInternalServerError, kind: "InternalServerException", message: "The system encountered an unexpected error during processing. Try your request again."},
	"sim-503":        {status: http.StatusServiceUnavailable, kind: "ServiceUnavailableException", message: "Bedrock is unable to process your request."},
	"sim-auth":       {status: http.StatusForbidden, kind: "AccessDeniedException", message: "Authentication failed: Please make sure your API Key is valid."},
	"sim-context":    {status: http.StatusBadRequest, kind: "ValidationException", message: "The model returned the following errors: Input is too long for requested model."},
	"sim-error-in-stream": {
		status: http.StatusFailedDependency, kind: "ModelStreamErrorException", message: "The system encountered an unexpected error during processing. Try your request again.",
	},
	"sim-error-first": {status: http.StatusTooManyRequests, kind: "ThrottlingException", message: "Too many tokens, please wait before trying again."},
}

// bedrockReader reads a Converse request into a question. The first thing found wrong is kept in bad; what is read
// after it does not matter.
type bedrockReader struct {
	q         question
	bad       *refusal
	body      []byte
	seal      sealer
	marks     bool // cache points seen
	enabled   bool // thinking is on
	documents []string
	ids       []string
	pending   []string // calls of the turn before
	served    []string // calls that the provider ran
	blocks    bool     // there are calls or results
}

func (b *bedrockReader) fail(format string, args ...any) {
	if b.bad == nil {
		b.bad = bedrockInvalid(format, args...)
	}
}

func (b *bedrockReader) get(v []byte, path ...string) []byte {
	m := rawjson.Get(v, path...)
	if rawjson.IsNull(m) {
		return nil
	}
	return m
}

func (b *bedrockReader) text(v []byte, path ...string) string {
	return rawjson.Text(rawjson.Get(v, path...))
}

// read reads the whole request.
func (b *bedrockReader) read() {
	if f := bedrockShapes.misfit(b.body, "ConverseRequest", nil); f != nil {
		b.bad = bedrockMisfit(f)
		return
	}
	b.q.n, b.q.talks = 1, true
	b.readThinking()
	b.readTools()
	for i, s := range rawjson.Elems(b.get(b.body, "system")) {
		if t := b.get(s, "text"); t != nil {
			text := rawjson.Text(t)
			if strings.TrimSpace(text) == "" {
				b.fail("The text field in the SystemContentBlock object at system.%d is blank. Add text to the text field, and try again.", i)
			}
			b.q.system += text + "\n"
			b.q.takeText(text)
		}
		b.cachePoint(s)
	}
	b.readMessages(b.get(b.body, "messages"))
	b.readLimits()
	b.q.input = b.q.size()
	if b.q.input > b.q.model.Context {
		b.fail("The model returned the following errors: Input is too long for requested model.")
	}
}

func (b *bedrockReader) readLimits() {
	q, c := &b.q, b.get(b.body, "inferenceConfig")
	if n, is := rawjson.Int(b.get(c, "maxTokens")); is {
		if q.room = n; n > q.model.MaxOutput {
			b.fail("The maximum tokens you requested exceeds the model limit of %d. Try again with a maximum tokens value that is lower than %d.", q.model.MaxOutput, q.model.MaxOutput)
		}
	}
	for _, s := range rawjson.Elems(b.get(c, "stopSequences")) {
		q.stops = append(q.stops, rawjson.Text(s))
		if strings.TrimSpace(rawjson.Text(s)) == "" {
			b.fail("The model returned the following errors: stop_sequences: each stop sequence must contain non-whitespace")
		}
	}
	f := b.get(b.body, "outputConfig", "textFormat", "structure", "jsonSchema")
	if f == nil {
		return
	}
	schema := []byte(b.text(f, "schema"))
	switch {
	case rawjson.Check(schema) != nil || rawjson.Kind(schema) != '{':
		b.fail("The schema field in the JsonSchemaDefinition object at outputConfig.textFormat.structure.jsonSchema is not valid JSON.")
	case openObject(schema, false) != "":
		b.fail("The model returned the following errors: output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false")
	}
	q.schema = schema
}

// readThinking reads how to think from what is handed through to the model.
func (b *bedrockReader) readThinking() {
	q := &b.q
	q.think = q.model.thinks()
	if q.hidden = showThought; q.model.ID == "sim-redacted" {
		q.hidden = encryptThought
	}
	more := b.get(b.body, "additionalModelRequestFields")
	if more != nil && rawjson.Kind(more) != '{' {
		b.fail("The additionalModelRequestFields field must be a JSON object.")
	}
	for n := range rawjson.Members(more) {
		if !slices.Contains([]string{"thinking", "reasoning_config", "top_k", "anthropic_beta", "output_config", "inferenceConfig"}, string(n)) {
			b.fail("The model returned the following errors: %s: Extra inputs are not permitted", n)
		}
	}
	for _, name := range []string{"reasoning_config", "thinking"} {
		t := b.get(more, name)
		if t == nil {
			continue
		}
		budget, _ := rawjson.Int(b.get(t, "budget_tokens"))
		switch b.text(t, "type") {
		case "enabled":
			if q.think, b.enabled = depth(budget), true; budget < 1024 {
				b.fail("The model returned the following errors: %s.enabled.budget_tokens: Input should be greater than or equal to 1024", name)
			}
			if room, is := rawjson.Int(b.get(b.body, "inferenceConfig", "maxTokens")); is && room <= budget {
				b.fail("The model returned the following errors: `max_tokens` must be greater than `%s.budget_tokens`.", name)
			}
		case "adaptive":
			q.think = 1
		case "disabled":
			q.think = 0
		default:
			b.fail("The model returned the following errors: %s.type: Input should be 'enabled', 'disabled' or 'adaptive'", name)
		}
	}
	if t := b.get(b.body, "inferenceConfig", "temperature"); b.enabled && t != nil && !within(t, 1, 1) {
		b.fail("The model returned the following errors: `temperature` may only be set to 1 when thinking is enabled.")
	}
}

// readTools reads the tools and what is said of their use.
func (b *bedrockReader) readTools() {
	q, c := &b.q, b.get(b.body, "toolConfig")
	q.choice.mode = "auto"
	if c != nil && length(b.get(c, "tools")) == 0 {
		b.bad = bedrockMisfit(&misfit{at: []step{{name: "toolConfig"}, {name: "tools"}}, problem: problemShort, want: "1", value: []byte("[]")})
	}
	for i, t := range rawjson.Elems(b.get(c, "tools")) {
		spec := b.get(t, "toolSpec")
		b.cachePoint(t)
		if spec == nil {
			continue
		}
		name, schema := b.text(spec, "name"), b.get(spec, "inputSchema", "json")
		switch {
		case slices.ContainsFunc(q.tools, func(t tool) bool { return t.name == name }):
			b.fail("The tool %s is already defined at toolConfig.tools.%d.toolSpec. Tool names must be unique.", name, i)
		case rawjson.Text(rawjson.Get(schema, "type")) != "object":
			b.fail("The value at toolConfig.tools.%d.toolSpec.inputSchema.json.type must be one of the following: object.", i)
		}
		q.takeTool(name, b.text(spec, "description"), schema)
		q.tools = append(q.tools, tool{name: name, schema: schema})
	}
	choice := b.get(c, "toolChoice")
	switch {
	case b.get(choice, "any") != nil:
		q.choice.mode = "any"
	case b.get(choice, "tool") != nil:
		name := b.text(choice, "tool", "name")
		if !slices.ContainsFunc(q.tools, func(t tool) bool { return t.name == name }) {
			b.fail("The tool %s at toolConfig.toolChoice.tool is not among the tools that toolConfig.tools defines.", name)
		}
		q.choice.mode, q.choice.allowed = "any", []string{name}
	}
	if b.enabled && q.choice.mode == "any" {
		b.fail("The model returned the following errors: Thinking may not be enabled when tool_choice forces tool use.")
	}
}

// cachePoint keeps the prompt up to here in the cache, if that is what a block is.
func (b *bedrockReader) cachePoint(block []byte) {
	p := b.get(block, "cachePoint")
	if p == nil {
		return
	}
	keep := shortCache
	if b.text(p, "ttl") == "1h" {
		keep = longCache
	}
	b.marks = true
	b.q.prompt.mark(keep)
}
