package dialecttest

import "weir/internal/llm"

func init() {
	clients[llm.GeminiGenerate] = words{
		"max_output": "generationConfig.maxOutputTokens", "stop": "generationConfig.stopSequences",
		"temperature": "generationConfig.temperature", "top_p": "generationConfig.topP", "top_k": "generationConfig.topK",
		"frequency_penalty": "generationConfig.frequencyPenalty", "presence_penalty": "generationConfig.presencePenalty",
		"seed": "generationConfig.seed", "logprobs": "generationConfig.responseLogprobs", "top_logprobs": "generationConfig.logprobs",
		"n": "generationConfig.candidateCount", "modalities": "generationConfig.responseModalities",
		"audio": "generationConfig.speechConfig", "output": "generationConfig.responseMimeType",
		"output.schema":      "generationConfig.responseJsonSchema",
		"output.strict":      "generationConfig.responseMimeType.json_schema.strict",
		"output.description": "generationConfig.responseMimeType.json_schema.description",
		"thinking":           "generationConfig.thinkingConfig", "effort": "generationConfig.thinkingConfig.thinkingLevel",
		"budget": "generationConfig.thinkingConfig.thinkingBudget", "show": "generationConfig.thinkingConfig.includeThoughts",
		"reasoning.summary": "generationConfig.thinkingConfig.summary", "tool_choice": "toolConfig.functionCallingConfig",
		"citations": "citations", "signature": "thoughtSignature",
	}
}
