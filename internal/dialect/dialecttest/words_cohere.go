package dialecttest

import "weir/internal/llm"

func init() {
	clients[llm.CohereChat] = words{
		"stop": "stop_sequences", "top_p": "p", "top_k": "k", "safety_settings": "safety_mode",
		"output.schema": "response_format.json_schema", "output.strict": "response_format.json_schema.strict",
		"output.description": "response_format.json_schema.description", "effort": "thinking", "budget": "thinking.token_budget", "show": "thinking",
		"reasoning.summary": "thinking.summary", "tool.description": "function.description", "tool.schema": "function.parameters",
		"image.detail": "image_url.detail", "file.name": "title",
	}
}
