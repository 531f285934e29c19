package dialecttest

import "weir/internal/llm"

func init() {
	clients[llm.OllamaChat] = words{
		"max_output": "options.num_predict", "stop": "options.stop", "temperature": "options.temperature", "top_p": "options.top_p",
		"top_k": "options.top_k", "frequency_penalty": "options.frequency_penalty", "presence_penalty": "options.presence_penalty",
		"seed": "options.seed", "output": "format", "output.schema": "format", "output.strict": "format.strict", "output.description": "format.description", "thinking": "think", "effort": "think", "budget": "think",
		"show": "think", "reasoning.summary": "think.summary",
		"tool.description": "function.description", "tool.schema": "function.parameters",
	}
}
