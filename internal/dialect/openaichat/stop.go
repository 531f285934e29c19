package openaichat

import (
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// settle corrects a stop by what the choice holds: many speakers say "stop" after tool calls, and OpenAI does after a
// refusal.
func settle(s *llm.Stop, calls, refusal bool) {
	if s.Reason != llm.StopEnd {
		return
	}
	switch {
	case calls:
		s.Reason = llm.StopCalls
	case refusal:
		s.Reason = llm.StopRefusal
	}
}

// finishReason is the word for a stop; exact is false where it says something else than s does.
func finishReason(s *llm.Stop, own, functionCall, refusal bool) (word string, exact bool) {
	if own && s.Native != "" {
		back := openai.DecodeStop(rawjson.AppendString(nil, s.Native))
		if back.Reason == s.Reason || back.Reason == llm.StopEnd && (s.Reason == llm.StopCalls || s.Reason == llm.StopRefusal) {
			return s.Native, true
		}
	}
	switch s.Reason {
	case llm.StopEnd:
		return "stop", true
	case llm.StopSequence:
		return "stop", true // which one is a loss of its own
	case llm.StopCalls:
		if functionCall {
			return "function_call", true
		}
		return "tool_calls", true
	case llm.StopLength:
		return "length", true
	case llm.StopContext:
		return "length", false
	case llm.StopFilter:
		return "content_filter", true
	case llm.StopRefusal:
		if refusal {
			return "stop", true
		}
		return "content_filter", false
	case "":
		if own {
			return "", true
		}
		return "stop", true
	}
	return "stop", false // pause, malformed, error
}
