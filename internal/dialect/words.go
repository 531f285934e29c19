package dialect

import (
	"strings"

	"weir/internal/llm"
)

// Word returns the name that a dialect has for a setting of a request, which is the path a loss names in the client's
// document. name is openai-chat's; what chat has no name for is called reasoning (all that is said of it), thinking
// (whether to think), effort, budget (tokens to think), show (whether thoughts are shown), cachedContent, safetySettings
// and include. Of a member of a setting the setting's own name is looked up. What hangs on a part or on a tool is asked
// for by its name there: annotations, signature, image_url.detail, file.filename, custom.format.
//
// A setting that the dialect cannot say has the place where it would stand, or its name.
func Word(d llm.Dialect, name string) string {
	table := words[d]
	rest := ""
	for at := name; ; {
		if word, ok := table[at]; ok {
			return word + rest
		}
		i := strings.LastIndexByte(at, '.')
		if i < 0 {
			return name
		}
		at, rest = at[:i], name[i:]
	}
}

// words are the names of each dialect that differ from those of Word.
var words = map[llm.Dialect]map[string]string{
	llm.OpenAIChat: {
		"reasoning": "reasoning_effort", "thinking": "reasoning_effort", "effort": "reasoning_effort",
		"budget": "reasoning_effort", "show": "reasoning_effort",
	},
	llm.OpenAICompletions: {
		"top_logprobs": "logprobs", "reasoning": "reasoning_effort", "thinking": "reasoning_effort", "effort": "reasoning_effort",
		"budget": "reasoning_effort", "show": "reasoning_effort", "annotations": "citations", "image_url.detail": "detail",
		"custom.format": "format", "function.strict": "strict", "file.filename": "title",
	},
	llm.OpenAIResponses: {
		"messages": "input", "max_tokens": "max_output_tokens", "response_format": "text.format", "response_format.json_schema": "text.format",
		"verbosity": "text.verbosity", "thinking": "reasoning", "effort": "reasoning.effort", "budget": "reasoning",
		"show": "reasoning", "signature": ItemLevel + "encrypted_content", "annotations": "annotations", "image_url.detail": "detail", "custom.format": "format", "function.strict": "strict", "file.filename": "filename",
	},
	llm.AnthropicMessages: {
		"stop": "stop_sequences", "user": "metadata.user_id", "response_format": "output_config.format",
		"response_format.json_schema": "output_config.format", "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
		"reasoning": "thinking", "effort": "output_config.effort", "budget": "thinking.budget_tokens",
		"show": "thinking.display", "reasoning.summary": "reasoning.summary", "conversation": "container", "annotations": "citations", "image_url.detail": "detail",
		"custom.format": "format", "function.strict": "strict", "file.filename": "title",
	},
	llm.GeminiGenerate: {
		"messages": "contents", "max_tokens": "generationConfig.maxOutputTokens", "stop": "generationConfig.stopSequences",
		"temperature": "generationConfig.temperature", "top_p": "generationConfig.topP", "top_k": "generationConfig.topK",
		"frequency_penalty": "generationConfig.frequencyPenalty", "presence_penalty": "generationConfig.presencePenalty",
		"seed": "generationConfig.seed", "logprobs": "generationConfig.responseLogprobs", "top_logprobs": "generationConfig.logprobs",
		"n": "generationConfig.candidateCount", "modalities": "generationConfig.responseModalities",
		"audio": "generationConfig.speechConfig", "response_format": "generationConfig.responseMimeType",
		"response_format.json_schema.schema": "generationConfig.responseJsonSchema",
		"reasoning":                          "generationConfig.thinkingConfig", "thinking": "generationConfig.thinkingConfig",
		"effort": "generationConfig.thinkingConfig.thinkingLevel", "budget": "generationConfig.thinkingConfig.thinkingBudget",
		"show":        "generationConfig.thinkingConfig.includeThoughts",
		"signature":   "thoughtSignature",
		"tool_choice": "toolConfig.functionCallingConfig", "annotations": "citations", "image_url.detail": "detail", "custom.format": "format", "function.strict": "strict", "file.filename": "title",
	},
	llm.BedrockConverse: {
		"max_tokens": "inferenceConfig.maxTokens", "stop": "inferenceConfig.stopSequences",
		"temperature": "inferenceConfig.temperature", "top_p": "inferenceConfig.topP", "tool_choice": "toolConfig.toolChoice",
		"signature": "reasoningContent.reasoningText.signature", "service_tier": "serviceTier", "metadata": "requestMetadata", "annotations": "citations", "image_url.detail": "detail",
		"custom.format": "format", "function.strict": "toolSpec.strict", "file.filename": "title", "top_k": "additionalModelRequestFields",
		"reasoning": "additionalModelRequestFields", "thinking": "additionalModelRequestFields", "effort": "additionalModelRequestFields",
		"budget": "additionalModelRequestFields", "show": "additionalModelRequestFields", "response_format": "outputConfig.textFormat",
		"response_format.json_schema": "outputConfig.textFormat.structure.jsonSchema",
	},
	llm.CohereChat: {
		"stop": "stop_sequences", "top_p": "p", "top_k": "k", "safetySettings": "safety_mode",
		"response_format.json_schema.schema": "response_format.json_schema", "reasoning": "thinking", "effort": "thinking",
		"budget": "thinking.token_budget", "show": "thinking", "annotations": "citations", "custom.format": "format", "function.strict": "strict", "file.filename": "title",
	},
	llm.OllamaChat: { //nolint:gosec // names of members, no credentials
		"max_tokens": "options.num_predict", "stop": "options.stop", "temperature": "options.temperature",
		"top_p": "options.top_p", "top_k": "options.top_k", "frequency_penalty": "options.frequency_penalty",
		"presence_penalty": "options.presence_penalty", "seed": "options.seed", "response_format": "format",
		"response_format.json_schema": "format", "response_format.json_schema.schema": "format", "reasoning": "think", "thinking": "think", "effort": "think",
		"budget": "think", "show": "think", "annotations": "citations", "image_url.detail": "detail", "custom.format": "format", "function.strict": "strict", "file.filename": "title",
	},
}
