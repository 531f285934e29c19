package dialect

import (
	"testing"

	"weir/internal/llm"
)

func TestWord(t *testing.T) {
	for _, tt := range []struct {
		from       llm.Dialect
		name, want string
	}{
		{llm.OpenAIChat, "top_p", "top_p"},
		{llm.OpenAIChat, "effort", "reasoning_effort"},
		{llm.OpenAIChat, "reasoning.summary", "reasoning_effort.summary"}, // of a member its holder's name is looked up
		{llm.AnthropicMessages, "stop", "stop_sequences"},
		{llm.AnthropicMessages, "response_format.json_schema.strict", "output_config.format.strict"},
		{llm.CohereChat, "top_p", "p"},
		{llm.CohereChat, "tool_choice.odd", "tool_choice.odd"},
		{llm.OllamaChat, "max_tokens", "options.num_predict"},
		{llm.OllamaChat, "response_format.json_schema.schema", "format"},
		{llm.OllamaChat, "messages[0].content", "messages[0].content"}, // a place in the document is its own name
		{"unheard-of", "top_p", "top_p"},
		{llm.GeminiGenerate, "signature", "thoughtSignature"},
	} {
		if got := Word(tt.from, tt.name); got != tt.want {
			t.Errorf("%s calls %s %s, want %s", tt.from, tt.name, got, tt.want)
		}
	}
}

func TestSealPath(t *testing.T) {
	for _, tt := range []struct {
		from         llm.Dialect
		holder, want string
	}{
		{llm.AnthropicMessages, "messages[1].content[0]", "messages[1].content[0].signature"},
		{llm.OpenAIResponses, "input[1].summary[0]", "input[1].encrypted_content"},
		{llm.OpenAIResponses, "input[1]", "input[1].encrypted_content"},
		{llm.BedrockConverse, "messages[1].content[0]", "messages[1].content[0].reasoningContent.reasoningText.signature"},
	} {
		if got := SealPath(tt.from, tt.holder); got != tt.want {
			t.Errorf("a seal of %s at %s is %s, want %s", tt.from, tt.holder, got, tt.want)
		}
	}
}

func TestSpanOf(t *testing.T) {
	body := []byte(`{"a":"b"}`)
	if s := SpanOf(body, body[5:8:8]); s != (llm.Span{Start: 5, End: 8}) {
		t.Errorf("a part of the body stands at %+v", s)
	}
	if s := SpanOf(body[:4], body[5:8]); s != (llm.Span{}) {
		t.Errorf("what is no part of it stands at %+v", s)
	}
	if s := SpanOf(body, []byte(`"b"`)); s != (llm.Span{}) {
		t.Errorf("a copy stands at %+v", s)
	}
}
