package dialecttest

import "weir/internal/llm"

func init() {
	const fields, schema = "additionalModelRequestFields", "outputConfig.textFormat.structure.jsonSchema"
	clients[llm.BedrockConverse] = words{
		"max_output": "inferenceConfig.maxTokens", "stop": "inferenceConfig.stopSequences",
		"temperature": "inferenceConfig.temperature", "top_p": "inferenceConfig.topP", "top_k": fields,
		"thinking": fields, "effort": fields, "budget": fields, "show": fields, "reasoning.summary": fields + ".summary",
		"tool_choice": "toolConfig.toolChoice", "service_tier": "serviceTier", "metadata": "requestMetadata",
		"output": "outputConfig.textFormat", "output.name": schema + ".name", "output.description": schema + ".description",
		"output.schema": schema + ".schema", "output.strict": schema + ".strict",
		"tool.schema": "toolSpec.inputSchema", "tool.description": "toolSpec.description", "tool.strict": "toolSpec.strict",
		"signature": "reasoningContent.reasoningText.signature",
	}
}
