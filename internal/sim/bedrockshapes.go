package sim

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"weir/internal/rawjson"
)

// bedrockShapes are the shapes of AWS's model of Converse as far as a request can hold them.
var bedrockShapes = &shapes{
	objects: map[string]map[string]string{
		"ConverseRequest": {
			"messages": "[]Message!", "system": "[]SystemContentBlock", "inferenceConfig": "InferenceConfiguration", "toolConfig": "ToolConfiguration",
			"guardrailConfig": "object", "additionalModelRequestFields": "any", "promptVariables": "object",
			"additionalModelResponseFieldPaths": "[]string", "requestMetadata": "{}MetadataValue", "performanceConfig": "PerformanceConfiguration",
			"serviceTier": "ServiceTier", "outputConfig": "OutputConfig",
		},
		"Message": {"role": "ConversationRole!", "content": "[]ContentBlock!"},
		"ContentBlock": {
			"text": "string", "image": "ImageBlock", "document": "DocumentBlock", "video": "VideoBlock", "audio": "AudioBlock", "toolUse": "ToolUseBlock",
			"toolResult": "ToolResultBlock", "guardContent": "object", "cachePoint": "CachePointBlock", "reasoningContent": "ReasoningContentBlock",
			"citationsContent": "object", "searchResult": "SearchResultBlock",
		},
		"ImageBlock":            {"format": "ImageFormat!", "source": "MediaSource!", "error": "object"},
		"VideoBlock":            {"format": "VideoFormat!", "source": "MediaSource!"},
		"AudioBlock":            {"format": "AudioFormat!", "source": "MediaSource!", "error": "object"},
		"MediaSource":           {"bytes": "bytes", "s3Location": "S3Location"},
		"S3Location":            {"uri": "S3Uri!", "bucketOwner": "string"},
		"DocumentBlock":         {"format": "DocumentFormat", "name": "DocumentName!", "source": "DocumentSource!", "context": "string", "citations": "CitationsConfig"},
		"DocumentSource":        {"bytes": "bytes", "s3Location": "S3Location", "text": "string", "content": "[]DocumentText"},
		"DocumentText":          {"text": "string"},
		"CitationsConfig":       {"enabled": "bool!"},
		"ToolUseBlock":          {"toolUseId": "ToolUseId!", "name": "ToolName!", "input": "any!", "type": "ToolUseType"},
		"ToolResultBlock":       {"toolUseId": "ToolUseId!", "content": "[]ToolResultContent!", "status": "ToolResultStatus", "type": "string"},
		"ToolResultContent":     {"json": "object", "text": "string", "image": "ImageBlock", "document": "DocumentBlock", "video": "VideoBlock", "searchResult": "SearchResultBlock"},
		"SearchResultBlock":     {"source": "string!", "title": "string!", "content": "[]SearchResultText!", "citations": "CitationsConfig"},
		"SearchResultText":      {"text": "string!"},
		"CachePointBlock":       {"type": "CachePointType!", "ttl": "CacheTTL"},
		"ReasoningContentBlock": {"reasoningText": "ReasoningTextBlock", "redactedContent": "bytes"},
		"ReasoningTextBlock":    {"text": "string!", "signature": "string"},
		"SystemContentBlock":    {"text": "NonEmptyString", "guardContent": "object", "cachePoint": "CachePointBlock"},
		"InferenceConfiguration": {
			"maxTokens": "MaxTokens", "temperature": "Fraction", "topP": "Fraction", "stopSequences": "[]NonEmptyString",
		},
		"ToolConfiguration":        {"tools": "[]Tool!", "toolChoice": "ToolChoice"},
		"Tool":                     {"toolSpec": "ToolSpecification", "systemTool": "SystemTool", "cachePoint": "CachePointBlock"},
		"ToolSpecification":        {"name": "ToolName!", "description": "NonEmptyString", "inputSchema": "ToolInputSchema!", "strict": "bool"},
		"ToolInputSchema":          {"json": "any"},
		"SystemTool":               {"name": "ToolName!"},
		"ToolChoice":               {"auto": "object", "any": "object", "tool": "SpecificToolChoice"},
		"SpecificToolChoice":       {"name": "ToolName!"},
		"PerformanceConfiguration": {"latency": "PerformanceConfigLatency"},
		"ServiceTier":              {"type": "ServiceTierType!"},
		"OutputConfig":             {"textFormat": "OutputFormat"},
		"OutputFormat":             {"type": "OutputFormatType!", "structure": "OutputFormatStructure!"},
		"OutputFormatStructure":    {"jsonSchema": "JsonSchemaDefinition"},
		"JsonSchemaDefinition":     {"schema": "string!", "name": "string", "description": "string"},
	},
	unions: []string{
		"ContentBlock", "MediaSource", "DocumentSource", "DocumentText", "ToolResultContent", "ReasoningContentBlock", "SystemContentBlock", "Tool",
		"ToolInputSchema", "ToolChoice", "OutputFormatStructure",
	},
	enums: map[string][]string{
		"ConversationRole":         {"user", "assistant"},
		"ImageFormat":              {"png", "jpeg", "gif", "webp"},
		"VideoFormat":              {"mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"},
		"AudioFormat":              {"mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm"},
		"DocumentFormat":           {"pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"},
		"ToolUseType":              {"server_tool_use"},
		"ToolResultStatus":         {"success", "error"},
		"CachePointType":           {"default"},
		"CacheTTL":                 {"5m", "1h"},
		"PerformanceConfigLatency": {"standard", "optimized"},
		"ServiceTierType":          {"priority", "default", "flex", "reserved"},
		"OutputFormatType":         {"json_schema"},
	},
	scalars: map[string]scalar{
		"ToolName":       {kind: "string", lo: 1, hi: 64, pattern: regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)},
		"ToolUseId":      {kind: "string", lo: 1, hi: 64, pattern: regexp.MustCompile(`^[a-zA-Z0-9_.:-]+$`)},
		"DocumentName":   {kind: "string", lo: 1, hi: 200},
		"NonEmptyString": {kind: "string", lo: 1},
		"S3Uri":          {kind: "string", lo: 1, hi: 1024, pattern: regexp.MustCompile(`^s3://[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9](/.*)?$`)},
		"MetadataValue":  {kind: "string", hi: 256, pattern: regexp.MustCompile(`^[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}$`)},
		"MaxTokens":      {kind: "number", lo: 1},
		"Fraction":       {kind: "number", lo: 0, hi: 1},
	},
}

// bedrockMember writes a path as the checks of AWS's own do: messages.1.member.content, counted from one.
func bedrockMember(at []step) string {
	var b strings.Builder
	for _, s := range at {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		if s.name != "" {
			b.WriteString(s.name)
		} else {
			fmt.Fprintf(&b, "%d.member", s.index+1)
		}
	}
	return b.String()
}

// bedrockPath writes a path as the model's side does: messages.0.content.1.
func bedrockPath(at []step) string {
	var parts []string
	for _, s := range at {
		if s.name != "" {
			parts = append(parts, s.name)
		} else {
			parts = append(parts, decimalText(int64(s.index)))
		}
	}
	return strings.Join(parts, ".")
}

// bedrockMisfit says in AWS's words what does not fit.
func bedrockMisfit(f *misfit) *refusal {
	value := "'" + string(f.value) + "'"
	if rawjson.Kind(f.value) == '"' {
		value = "'" + cut(rawjson.Text(f.value), 200) + "'"
	}
	var constraint string
	switch f.problem {
	case problemUnknown:
		inner := ""
		if n := len(f.at) - 1; n > 0 {
			inner = "/" + strings.ReplaceAll(bedrockPath(f.at[:n]), ".", "/")
		}
		return bedrockInvalid("Malformed input request: #%s: extraneous key [%s] is not permitted, please reformat your input and try again.", inner, f.at[len(f.at)-1].name)
	case problemUnion:
		return bedrockInvalid("The %s object at %s must set one of the following keys: %s.", f.want, bedrockPath(f.at), strings.Join(f.members, ", "))
	case problemMissing:
		value, constraint = "null", "Member must not be null"
	case problemEnum:
		constraint = "Member must satisfy enum value set: [" + strings.Join(bedrockShapes.enums[f.want], ", ") + "]"
	case problemBelow:
		constraint = "Member must have value greater than or equal to " + f.want
	case problemAbove:
		constraint = "Member must have value less than or equal to " + f.want
	case problemShort:
		constraint = "Member must have length greater than or equal to " + f.want
	case problemLong:
		constraint = "Member must have length less than or equal to " + f.want
	case problemPattern:
		constraint = "Member must satisfy regular expression pattern: " + strings.Trim(f.want, "^$")
	default:
		return &refusal{status: http.StatusBadRequest, kind: "SerializationException", message: "Unexpected value type in payload at " + bedrockPath(f.at)}
	}
	return bedrockInvalid("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, bedrockMember(f.at), constraint)
}
