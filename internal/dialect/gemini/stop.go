package gemini

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// finishReasons are the words by their numbers.
var finishReasons = []string{
	"FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT",
	"SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "IMAGE_PROHIBITED_CONTENT",
	"IMAGE_OTHER", "NO_IMAGE", "IMAGE_RECITATION",
}

// blockReasons are the words for a prompt that was not answered, by their numbers.
var blockReasons = []string{"BLOCK_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY"}

// stopReason returns what a word means; one that is not known ends the turn.
func stopReason(word string) llm.StopReason {
	switch word {
	case "", "FINISH_REASON_UNSPECIFIED":
		return ""
	case "MAX_TOKENS":
		return llm.StopLength
	case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY",
		"IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER":
		return llm.StopFilter
	case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE":
		return llm.StopMalformed
	case "OTHER", "NO_IMAGE":
		return llm.StopError
	case "CONTINUATION":
		return llm.StopPause
	}
	return llm.StopEnd
}

// decodeStop reads why a candidate ended. called says that it has calls for the client, which STOP does not tell.
func decodeStop(word, message string, called bool) llm.Stop {
	s := llm.Stop{Reason: stopReason(word), Native: word, Detail: message}
	if s.Reason == "" {
		return llm.Stop{Detail: message}
	}
	if s.Reason == llm.StopEnd && called {
		s.Reason = llm.StopCalls
	}
	return s
}

// blocked reads a promptFeedback: the stop of the answer that was not given. ok is false where it blocks nothing. It
// keeps no memory of v.
func blocked(v []byte) (s llm.Stop, ok bool) {
	word := enum(rawjson.Get(v, "blockReason"), blockReasons)
	if word == "" || word == blockReasons[0] {
		return s, false
	}
	return llm.Stop{
		Reason: llm.StopFilter, Native: word, Detail: rawjson.Text(rawjson.Get(v, "blockReasonMessage")), Raw: bytes.Clone(v),
	}, true
}

// ending is what an encoder must know to say why a candidate ended.
type ending struct {
	stop    *llm.Stop
	own     bool
	called  bool // a call for the client was written
	refused bool // a refusal stands in the text
}

// word returns the finishReason to write, "" for none, and reports what it does not say.
func (e ending) word(l *dialect.Losses) string {
	s := e.stop
	if e.own && s.Native != "" {
		if meant := stopReason(s.Native); meant == s.Reason || meant == llm.StopEnd && s.Reason == llm.StopCalls {
			return s.Native
		}
	}
	changed := func(word, why string) string {
		l.Add("answer.stop", why, llm.Changed)
		return word
	}
	switch s.Reason {
	case "":
		if e.own {
			return ""
		}
		return "STOP"
	case llm.StopEnd:
		if e.called {
			return changed("STOP", "a turn with calls is one that ended for them here")
		}
		return "STOP"
	case llm.StopCalls:
		if !e.called {
			return changed("STOP", "there is no call to stop for")
		}
		return "STOP"
	case llm.StopSequence:
		l.Add("answer.stop_sequence", "STOP is the word for the end of a turn too", llm.Changed)
		return "STOP"
	case llm.StopLength:
		return "MAX_TOKENS"
	case llm.StopContext:
		return changed("MAX_TOKENS", "a full context is one of the limits that MAX_TOKENS stands for")
	case llm.StopFilter:
		return "SAFETY"
	case llm.StopRefusal:
		if e.refused {
			return changed("STOP", "a refusal is a text here")
		}
		return changed("SAFETY", "who refuses is not told")
	case llm.StopMalformed:
		return "MALFORMED_FUNCTION_CALL"
	case llm.StopError:
		return "OTHER"
	}
	return changed("STOP", "there is no word for "+string(s.Reason)+" here; the turn is said to have ended")
}

// write writes finishReason and finishMessage.
func (e ending) write(w *rawjson.Writer, l *dialect.Losses) {
	if word := e.word(l); word != "" {
		w.Name("finishReason").String(word)
	}
	s := e.stop
	if s.Detail != "" {
		w.Name("finishMessage").String(s.Detail)
	}
	if e.own {
		return
	}
	if s.Sequence != "" {
		l.Add("answer.stop_sequence", "which sequence was met has no place here", llm.Dropped)
	}
	if s.Raw != nil {
		l.Add("answer.stop_details", "only its own dialect understands it", llm.Dropped)
	}
}
