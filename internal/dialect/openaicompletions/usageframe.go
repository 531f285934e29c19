package openaicompletions

import "weir/internal/dialect/openai"

// UsageFrame implements dialect.UsageFramer.
func (completions) UsageFrame(data []byte) bool { return openai.UsageFrame(data) }
