package openai

import (
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeStop reads a finish_reason; the zero Stop where it is null or empty.
func DecodeStop(v []byte) llm.Stop {
	native := rawjson.Text(v)
	s := llm.Stop{Native: native}
	switch native {
	case "":
	case "stop", "eos", "end_turn", "complete", "COMPLETE", "STOP":
		s.Reason = llm.StopEnd
	case "stop_sequence":
		s.Reason = llm.StopSequence
	case "length", "max_tokens", "MAX_TOKENS", "model_length":
		s.Reason = llm.StopLength
	case "tool_calls", "function_call", "tool_use":
		s.Reason = llm.StopCalls
	case "content_filter", "sensitive", "SAFETY":
		s.Reason = llm.StopFilter
	case "error", "network_error":
		s.Reason = llm.StopError
	default:
		s.Reason = llm.StopEnd
	}
	return s
}
