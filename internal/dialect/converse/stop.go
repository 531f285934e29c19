package converse

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
	{"tool_use", llm.StopCalls},
	{"max_tokens", llm.StopLength},
	{"stop_sequence", llm.StopSequence},
	{"content_filtered", llm.StopFilter},
	{"guardrail_intervened", llm.StopFilter}, // Bedrock's word
	{"malformed_model_output", llm.StopMalformed},
	{"malformed_tool_use", llm.StopMalformed},
	{"model_context_window_exceeded", llm.StopContext},
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

// sequenceField is the member of additionalModelResponseFields that tells which stop sequence was met, where it was
// asked for.
const sequenceField = "stop_sequence"

// decodeStop reads why a message ended; fields are the additionalModelResponseFields, of which the rest is returned.
// It keeps no memory of what it reads.
func decodeStop(word string, fields []byte) (stop llm.Stop, rest []byte) {
	if word != "" {
		stop = llm.Stop{Reason: stopReason(word), Native: word}
	}
	if rawjson.IsNull(fields) {
		return stop, nil
	}
	if rawjson.Kind(fields) != '{' {
		return stop, append([]byte(nil), fields...)
	}
	var o dialect.Object
	o.Read(fields)
	if stop.Reason == llm.StopSequence {
		if v := o.Take(sequenceField); v != nil {
			if stop.Sequence = rawjson.Text(v); stop.Sequence == "" {
				o.Leave(sequenceField)
			}
		}
	}
	return stop, o.RestObject()
}

// ending is what an encoder must know to say why a message ended.
type ending struct {
	stop    llm.Stop
	own     bool
	fields  []byte // own: what more was in additionalModelResponseFields
	called  bool   // the client has calls to run
	refused bool   // the refusal stands in the text
}

// word returns the stop reason to write and reports what it does not say.
func (e ending) word(l *dialect.Losses) string {
	reason := e.stop.Reason
	if e.own && e.stop.Native != "" && stopReason(e.stop.Native) == reason {
		return e.stop.Native
	}
	meant := reason
	if reason == llm.StopEnd || reason == "" {
		switch {
		case e.called: // clients look for calls only where it says so
			meant = llm.StopCalls
		case e.refused:
			meant = llm.StopRefusal
		case reason == "":
			return "end_turn"
		}
	}
	if reason != "" && meant != reason {
		l.Add("answer.stop", "it just ended, but what it says is "+string(meant), llm.Changed)
	}
	if meant == llm.StopRefusal {
		l.Add("answer.stop", "content_filtered is the word for a refusal too", llm.Changed)
		return "content_filtered"
	}
	for _, s := range stopWords {
		if s.reason == meant {
			return s.word
		}
	}
	l.Add("answer.stop", "there is no word for "+string(meant)+" here; the turn is said to have ended", llm.Changed)
	return "end_turn"
}

// write writes stopReason and, where there is something to say, additionalModelResponseFields.
func (e ending) write(w *rawjson.Writer, l *dialect.Losses) {
	word := e.word(l)
	w.Name("stopReason").String(word)
	sequence := e.stop.Sequence
	if sequence != "" && word != "stop_sequence" {
		if !e.own {
			l.Add("answer.stop_sequence", "the answer did not end with it here", llm.Dropped)
		}
		sequence = ""
	}
	switch {
	case sequence != "":
		w.Name(responseFields).Open('{').Name(sequenceField).String(sequence)
		for name, v := range rawjson.Members(e.fields) {
			w.Name(string(name)).Raw(v)
		}
		w.Close('}')
	case e.fields != nil:
		w.Name(responseFields).Raw(e.fields)
	}
	if e.own {
		return
	}
	if e.stop.Detail != "" || e.stop.Raw != nil {
		l.Add("answer.stop_details", "there is no more than a word here", llm.Dropped)
	}
}
