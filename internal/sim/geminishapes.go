package sim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"weir/internal/rawjson"
)

// geminiShapes are the messages of the Generative Language API as far as a request can hold them.
var geminiShapes = &shapes{
	single: true, anyCase: true, aliases: camel,
	objects: map[string]map[string]string{
		"GenerateContentRequest": {
			"model": "string", "contents": "[]Content", "systemInstruction": "Content", "tools": "[]Tool", "toolConfig": "ToolConfig",
			"safetySettings": "[]SafetySetting", "generationConfig": "GenerationConfig", "cachedContent": "string", "serviceTier": "string", "store": "bool",
		},
		"CountTokensRequest": {"model": "string", "contents": "[]Content", "generateContentRequest": "GenerateContentRequest"},
		"Content":            {"parts": "[]Part", "role": "string"},
		"Part": {
			"text": "string", "inlineData": "Blob", "functionCall": "FunctionCall", "functionResponse": "FunctionResponse", "fileData": "FileData",
			"executableCode": "ExecutableCode", "codeExecutionResult": "CodeExecutionResult", "toolCall": "object", "toolResponse": "object",
			"videoMetadata": "object", "thought": "bool", "thoughtSignature": "bytes", "partMetadata": "object", "mediaResolution": "any",
		},
		"Blob":                 {"mimeType": "string", "data": "bytes"},
		"FileData":             {"mimeType": "string", "fileUri": "string"},
		"FunctionCall":         {"id": "string", "name": "string", "args": "object"},
		"FunctionResponse":     {"id": "string", "name": "string", "response": "object", "parts": "[]FunctionResponsePart", "willContinue": "bool", "scheduling": "string"},
		"FunctionResponsePart": {"inlineData": "Blob"},
		"ExecutableCode":       {"id": "string", "language": "string", "code": "string"},
		"CodeExecutionResult":  {"id": "string", "outcome": "string", "output": "string"},
		"Tool": {
			"functionDeclarations": "[]FunctionDeclaration", "googleSearch": "object", "googleSearchRetrieval": "object", "codeExecution": "object",
			"urlContext": "object", "fileSearch": "object", "googleMaps": "object", "computerUse": "object", "mcpServers": "any",
		},
		"FunctionDeclaration": {
			"name": "string", "description": "string", "parameters": "Schema", "parametersJsonSchema": "any", "response": "Schema",
			"responseJsonSchema": "any", "behavior": "string",
		},
		"ToolConfig":            {"functionCallingConfig": "FunctionCallingConfig", "retrievalConfig": "object", "includeServerSideToolInvocations": "bool"},
		"FunctionCallingConfig": {"mode": "FunctionCallingConfig.Mode", "allowedFunctionNames": "[]string"},
		"SafetySetting":         {"category": "any", "threshold": "any"},
		"GenerationConfig": {
			"candidateCount": "int", "stopSequences": "[]string", "maxOutputTokens": "int", "temperature": "number", "topP": "number", "topK": "number",
			"seed": "int", "responseMimeType": "string", "responseSchema": "Schema", "responseJsonSchema": "any", "_responseJsonSchema": "any",
			"presencePenalty": "number", "frequencyPenalty": "number", "responseLogprobs": "bool", "logprobs": "int",
			"enableEnhancedCivicAnswers": "bool", "responseModalities": "[]GenerationConfig.Modality", "speechConfig": "object",
			"thinkingConfig": "ThinkingConfig", "mediaResolution": "string", "imageConfig": "object", "responseFormat": "any",
		},
		"ThinkingConfig": {"includeThoughts": "bool", "thinkingBudget": "int", "thinkingLevel": "ThinkingConfig.ThinkingLevel"},
		"Schema": {
			"type": "Type", "format": "string", "title": "string", "description": "string", "nullable": "bool", "enum": "[]string", "items": "Schema",
			"maxItems": "int", "minItems": "int", "properties": "{}Schema", "required": "[]string", "minProperties": "int", "maxProperties": "int",
			"minimum": "number", "maximum": "number", "minLength": "int", "maxLength": "int", "pattern": "string", "example": "any", "anyOf": "[]Schema",
			"propertyOrdering": "[]string", "default": "any",
		},
	},
	enums: map[string][]string{
		"Type":                         {"TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"},
		"FunctionCallingConfig.Mode":   {"MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"},
		"GenerationConfig.Modality":    {"MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO", "VIDEO", "DOCUMENT"},
		"ThinkingConfig.ThinkingLevel": {"THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH"},
	},
}

// camel and snake turn a field's name into the other of the two spellings that a proto's JSON has.
func camel(name string) string {
	var b strings.Builder
	up := false
	for i, r := range name {
		if r == '_' && i > 0 {
			up = true
			continue
		}
		if up {
			r, up = unicode.ToUpper(r), false
		}
		b.WriteRune(r)
	}
	return b.String()
}

func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// geminiPath writes a path as Google does: contents[0].parts[1], and of a map the number of the entry.
func geminiPath(at []step) string {
	var b strings.Builder
	for i, s := range at {
		switch {
		case s.name == "":
			fmt.Fprintf(&b, "[%d]", s.index)
		case i > 0 && at[i-1].name == "properties":
			fmt.Fprintf(&b, "[%d].value", s.index)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(snake(s.name))
		}
	}
	return b.String()
}

// geminiTypes are the names that errors have for plain kinds.
var geminiTypes = map[string]string{
	"string": "TYPE_STRING", "bytes": "TYPE_BYTES", "int": "TYPE_INT32", "number": "TYPE_FLOAT", "bool": "TYPE_BOOL",
}

// geminiMisfit says in Google's words what does not fit.
func geminiMisfit(f *misfit) *refusal {
	at := geminiPath(f.at)
	last := ""
	if n := len(f.at); n > 0 {
		last = f.at[n-1].name
	}
	parent := ""
	if n := len(f.at); n > 1 {
		parent = fmt.Sprintf(" at '%s'", geminiPath(f.at[:n-1]))
	}
	var message string
	switch f.problem {
	case problemUnknown:
		message = fmt.Sprintf("Invalid JSON payload received. Unknown name %q%s: Cannot find field.", last, parent)
	case problemList:
		message = fmt.Sprintf("Invalid JSON payload received. Unknown name %q%s: Proto field is not repeating, cannot start list.", last, parent)
	case problemEnum:
		message = fmt.Sprintf("Invalid value at '%s' (type.googleapis.com/google.ai.generativelanguage.v1beta.%s), %s", at, f.want, f.value)
	case problemBase64:
		message = fmt.Sprintf("Invalid value at '%s' (TYPE_BYTES), Base64 decoding failed for %s", at, f.value)
	default:
		kind := geminiTypes[f.want]
		if kind == "" {
			kind = "type.googleapis.com/google.ai.generativelanguage.v1beta." + f.want
		}
		message = fmt.Sprintf("Invalid value at '%s' (%s), %s", at, kind, cut(string(f.value), 200))
	}
	w := rawjson.Writer{}
	w.Open('[').Open('{').Name("@type").String("type.googleapis.com/google.rpc.BadRequest").Name("fieldViolations").Open('[').Open('{')
	if parent != "" {
		w.Name("field").String(geminiPath(f.at[:len(f.at)-1]))
	}
	w.Name("description").String(message).Close('}').Close(']').Close('}').Close(']')
	return &refusal{status: http.StatusBadRequest, message: message, details: w.Buf}
}

// plainSchema brings a schema of Google's kind into JSON Schema: types in small letters, bounds as numbers.
func plainSchema(v []byte) []byte {
	w := &rawjson.Writer{}
	writePlain(w, v)
	return w.Buf
}

func writePlain(w *rawjson.Writer, v []byte) {
	w.Open('{')
	for n, m := range rawjson.Members(v) {
		name := camel(string(n))
		switch w.Name(name); name {
		case "type":
			w.String(strings.ToLower(rawjson.Text(m)))
		case "items":
			writePlain(w, m)
		case "properties":
			w.Open('{')
			for p, s := range rawjson.Members(m) {
				writePlain(w.Name(string(p)), s)
			}
			w.Close('}')
		case "anyOf":
			w.Open('[')
			for _, s := range rawjson.Elems(m) {
				writePlain(w, s)
			}
			w.Close(']')
		default:
			if s, is := rawjson.String(m); is && geminiShapes.objects["Schema"][name] == "int" {
				if _, err := strconv.ParseInt(s, 10, 64); err == nil {
					w.Num(s)
					continue
				}
			}
			w.Raw(m)
		}
	}
	w.Close('}')
}
