package ollama

import (
	"weir/internal/dialect"
	"weir/internal/llm"
)

// decodeStop reads why an answer that is done ended; some do not say. called tells that the client has calls to run:
// there is no word for that.
func decodeStop(word string, called bool) llm.Stop {
	s := llm.Stop{Reason: llm.StopEnd, Native: word}
	switch {
	case word == "length":
		s.Reason = llm.StopLength
	case called:
		s.Reason = llm.StopCalls
	}
	return s
}

// ending is what an encoder must know to say why an answer ended.
type ending struct {
	stop   llm.Stop
	own    bool
	called bool // the client has calls to run
}

// word returns the reason to write, "" for none, and reports what it does not say.
func (e ending) word(l *dialect.Losses) string {
	reason := e.stop.Reason
	if e.own && decodeStop(e.stop.Native, e.called).Reason == reason {
		return e.stop.Native
	}
	if reason == llm.StopSequence {
		l.Add("answer.stop_sequence", "there is no word for a stop sequence that was met here", llm.Dropped)
		reason = llm.StopEnd
	} else if e.stop.Sequence != "" {
		l.Add("answer.stop_sequence", "it is not said which stop sequence was met", llm.Dropped)
	}
	if e.stop.Detail != "" || e.stop.Raw != nil {
		l.Add("answer.stop_details", "there is no place for them here", llm.Dropped)
	}
	word := "stop"
	if reason == llm.StopLength || reason == llm.StopContext {
		word = "length"
	}
	if reason != "" && e.stop.Reason != llm.StopSequence && decodeStop(word, e.called).Reason != reason {
		l.Add("answer.stop", "there is no word for "+string(reason)+" here", llm.Changed)
	}
	return word
}
