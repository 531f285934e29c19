package openaichat

import "weir/internal/dialect/openai"

// UsageFrame implements dialect.UsageFramer.
func (chat) UsageFrame(data []byte) bool { return openai.UsageFrame(data) }
