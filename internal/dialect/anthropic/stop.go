package anthropic

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// stopWords pairs this dialect's stop reasons with the canonical ones. The first word of a reason is the one written.
var stopWords = []struct {
	word   string
	reason llm.StopReason
}{
	{"end_turn", llm.StopEnd},
	{"stop_sequence", llm.StopSequence},
	{"tool_use", llm.StopCalls},
	{"max_tokens", llm.StopLength},
	{"model_context_window_exceeded", llm.StopContext},
	{"refusal", llm.StopRefusal},
	{"refusal", llm.StopFilter},
	{"pause_turn", llm.StopPause},
	{"compaction", llm.StopPause},
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

// decodeStop reads the three members that say why a message ended. It keeps no memory of details.
func decodeStop(word, sequence string, details []byte) llm.Stop {
	if word == "" {
		return llm.Stop{}
	}
	stop := llm.Stop{Reason: stopReason(word), Native: word, Sequence: sequence}
	if rawjson.Kind(details) == '{' {
		stop.Detail = rawjson.Text(rawjson.Get(details, "explanation"))
		stop.Raw = append([]byte(nil), details...)
	}
	return stop
}

// ending is what an encoder must know to say why a message ended.
type ending struct {
	stop    llm.Stop
	own     bool
	called  bool // the client has calls to run
	refused bool // the refusal stands in the text
}

// word returns the stop reason to write, "" for null, and reports what it does not say.
func (e ending) word(l *dialect.Losses) string {
	reason := e.stop.Reason
	if e.own && (e.stop.Native == "" && reason == "" || e.stop.Native != "" && stopReason(e.stop.Native) == reason) {
		return e.stop.Native
	}
	meant := reason
	switch {
	case reason != llm.StopEnd && reason != "":
	case e.called: // clients look for calls only where it says so
		meant = llm.StopCalls
	case e.refused:
		meant = llm.StopRefusal
	case reason == "":
		return "end_turn"
	}
	if reason != "" && meant != reason {
		l.Add("answer.stop", "it just ended, but what it says is "+string(meant), llm.Changed)
	}
	reason = meant
	for _, s := range stopWords {
		if s.reason != reason {
			continue
		}
		if stopReason(s.word) != reason {
			l.Add("answer.stop", s.word+" is the word for "+string(reason)+" too", llm.Changed)
		}
		return s.word
	}
	l.Add("answer.stop", "there is no word for "+string(reason)+" here; the turn is said to have ended", llm.Changed)
	return "end_turn"
}

// write writes stop_reason, stop_sequence and, where there is something to say, stop_details.
func (e ending) write(w *rawjson.Writer, l *dialect.Losses) {
	word := e.word(l)
	orNull(w.Name("stop_reason"), word)
	sequence := e.stop.Sequence
	if !e.own && word != "stop_sequence" && sequence != "" {
		l.Add("answer.stop_sequence", "the answer did not end with it here", llm.Dropped)
		sequence = ""
	}
	orNull(w.Name("stop_sequence"), sequence)
	switch {
	case e.own && e.stop.Raw != nil:
		w.Name("stop_details").Raw(e.stop.Raw)
	case word == "refusal" && e.stop.Detail != "":
		w.Name("stop_details").Open('{')
		w.Name("type").String("refusal")
		w.Name("category").Null()
		w.Name("explanation").String(e.stop.Detail)
		w.Close('}')
	case e.stop.Detail != "":
		l.Add("answer.stop_details", "only a refusal is explained here", llm.Dropped)
	}
	if !e.own && e.stop.Raw != nil {
		l.Add("answer.stop_details", "only its own dialect understands it", llm.Dropped)
	}
}

func orNull(w *rawjson.Writer, s string) {
	if s == "" {
		w.Null()
	} else {
		w.String(s)
	}
}
