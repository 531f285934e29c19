package cohere

import (
	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// The words for an answer that failed.
const (
	wordError   = "ERROR"
	wordTimeout = "TIMEOUT"
)

// stopWords pairs this dialect's finish reasons with the canonical stops. The first word of a reason is the one written.
var stopWords = []struct {
	word   string
	reason llm.StopReason
}{
	{"COMPLETE", llm.StopEnd},
	{"STOP_SEQUENCE", llm.StopSequence},
	{"TOOL_CALL", llm.StopCalls},
	{"MAX_TOKENS", llm.StopLength},
	{"ERROR_TOXIC", llm.StopFilter},
	{"ERROR_LIMIT", llm.StopContext},
	{wordError, llm.StopError},
	{wordTimeout, llm.StopError},
}

// stopReason returns what a word means; one that is not known ends the turn.
func stopReason(word string) llm.StopReason {
	for _, s := range stopWords {
		if s.word == word {
			return s.reason
		}
	}
	return llm.StopEnd
}

// decodeStop reads a finish reason. called tells that the client has calls to run, whatever the word says.
func decodeStop(word string, called bool) llm.Stop {
	if word == "" {
		return llm.Stop{}
	}
	s := llm.Stop{Reason: stopReason(word), Native: word}
	if called && s.Reason == llm.StopEnd {
		s.Reason = llm.StopCalls
	}
	return s
}

// failed returns the fault of an answer that says it failed, nil for any other. message may be "".
func failed(word, message string) *fault.Fault {
	if stopReason(word) != llm.StopError && message == "" {
		return nil
	}
	f := &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: message, NativeType: word}
	if word == wordTimeout {
		f.Kind = fault.Timeout
	}
	if message == "" {
		f.Message = "the provider failed in the middle of the answer"
	}
	return f
}

// ending is what an encoder must know to say why an answer ended.
type ending struct {
	stop   llm.Stop
	own    bool
	called bool // the client has calls to run
}

// word returns the finish reason to write, "" for none, and reports what it does not say.
func (e ending) word(l *dialect.Losses) string {
	reason := e.stop.Reason
	if e.own && e.stop.Native != "" && decodeStop(e.stop.Native, e.called).Reason == reason {
		return e.stop.Native
	}
	if e.own && reason == "" {
		return ""
	}
	if e.stop.Sequence != "" {
		l.Add("answer.stop_sequence", "it is not said which stop sequence was met", llm.Dropped)
	}
	if e.stop.Detail != "" || e.stop.Raw != nil {
		l.Add("answer.stop_details", "there is no place for them here", llm.Dropped)
	}
	if e.called && (reason == llm.StopEnd || reason == "") { // clients look for calls only where it says so
		if reason != "" {
			l.Add("answer.stop", "it just ended, but there are calls to run", llm.Changed)
		}
		return "TOOL_CALL"
	}
	for _, s := range stopWords {
		if s.reason == reason {
			return s.word
		}
	}
	if reason != "" {
		l.Add("answer.stop", "there is no word for "+string(reason)+" here; the answer is said to be complete", llm.Changed)
	}
	return "COMPLETE"
}
