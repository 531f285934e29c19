package dialecttest

import "weir/internal/llm"

func init() {
	clients[llm.OpenAICompletions] = words{
		"top_logprobs": "logprobs", "output.name": "response_format.json_schema.name",
		"output.description": "response_format.json_schema.description", "output.schema": "response_format.json_schema.schema",
		"output.strict": "response_format.json_schema.strict", "effort": "reasoning_effort", "thinking": "reasoning_effort",
		"budget": "reasoning_effort", "show": "reasoning_effort", "reasoning.summary": "reasoning_effort.summary",
	}
}
