package dialecttest

import "weir/internal/llm"

func init() {
	clients[llm.OpenAIResponses] = words{
		"max_output": "max_output_tokens", "output": "text.format", "verbosity": "text.verbosity",
		"output.name": "text.format.name", "output.description": "text.format.description",
		"output.schema": "text.format.schema", "output.strict": "text.format.strict",
		"thinking": "reasoning", "effort": "reasoning.effort", "budget": "reasoning", "show": "reasoning", "signature": "item.encrypted_content",
		"citations": "annotations", "file.name": "filename",
	}
}
