package gemini

import "weir/internal/llm"

// DecodeUsage reads a usageMetadata, nil if it states nothing. Sessions have it in their messages, with some words of
// their own. What has no field is not kept.
func DecodeUsage(v []byte) *llm.Usage {
	var c counts
	if !c.take(v) || c.said == 0 {
		return nil
	}
	u := c.usage()
	u.Extra = nil
	return &u
}
