package openairesponses

import (
	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// decodeStop reads why a response ended. calls and refused say what it holds: a response that is complete asks for its
// calls to be run, or refuses, without saying so in its status.
func decodeStop(status, reason string, calls, refused bool) llm.Stop {
	s := llm.Stop{Native: status}
	switch status {
	case "completed", "":
		s.Reason = llm.StopEnd
		if calls {
			s.Reason = llm.StopCalls
		} else if refused {
			s.Reason = llm.StopRefusal
		}
	case "incomplete":
		s.Native = reason
		switch reason {
		case "content_filter":
			s.Reason = llm.StopFilter
		case "":
			s.Reason, s.Native = llm.StopError, status
		default:
			s.Reason = llm.StopLength
		}
	case "cancelled", "failed":
		s.Reason = llm.StopError
	default: // queued, in_progress: in the background it has not ended
	}
	return s
}

// demands finds out whether an output has calls for the client to run, and whether it refuses.
func demands(output []byte) (calls, refused bool) {
	for _, item := range rawjson.Elems(output) {
		switch rawjson.Text(rawjson.Get(item, "type")) {
		case "function_call", "custom_tool_call":
			calls = true
		case "message":
			for _, part := range rawjson.Elems(rawjson.Get(item, "content")) {
				refused = refused || rawjson.Text(rawjson.Get(part, "type")) == "refusal"
			}
		}
	}
	return calls, refused
}

// readFailure reads the error of a response that failed.
func readFailure(response []byte) *fault.Fault {
	if e := rawjson.Get(response, "error"); rawjson.Kind(e) == '{' {
		return responses{}.ReadFault(0, nil, e)
	}
	return dialect.Garbage("the provider's response failed without a reason", nil)
}

// ending is what an encoder must know to say how a response ended.
type ending struct {
	stop    llm.Stop
	own     bool
	called  bool // calls for the client were written
	refused bool // a refusal was written
}

// status returns the status and, where it is incomplete, the reason; why says what they do not, "" if nothing.
func (e ending) status() (status, reason, why string) {
	s := &e.stop
	if e.own && s.Native != "" {
		for _, native := range [...][2]string{{s.Native, ""}, {"incomplete", s.Native}} {
			if known(native[0]) && decodeStop(native[0], native[1], e.called, e.refused).Reason == s.Reason {
				return native[0], native[1], ""
			}
		}
	}
	const completed, incomplete = "completed", "incomplete"
	switch s.Reason {
	case llm.StopLength:
		return incomplete, "max_output_tokens", ""
	case llm.StopContext:
		return incomplete, "max_output_tokens", "the context's end is a limit on the output here"
	case llm.StopFilter:
		return incomplete, "content_filter", ""
	case llm.StopError:
		if e.own {
			return incomplete, "", ""
		}
		return incomplete, "", "that it ended with an error is not said here"
	case llm.StopRefusal:
		if !e.refused {
			return incomplete, "content_filter", "a refusal is a part of the answer here, and this one has none"
		}
	case llm.StopSequence, "": // the sequence is a loss of its own
		return completed, "", ""
	case llm.StopPause, llm.StopMalformed:
		return completed, "", "there is no such ending here"
	}
	if said := decodeStop(completed, "", e.called, e.refused).Reason; said != s.Reason {
		return completed, "", "what it says is " + string(said)
	}
	return completed, "", ""
}

func known(status string) bool {
	switch status {
	case "completed", "incomplete", "cancelled", "queued", "in_progress":
		return true
	}
	return false
}
