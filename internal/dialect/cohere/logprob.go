package cohere

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// An item of this dialect's log probabilities is a piece of text that may be several tokens, each with an id and a
// probability. It becomes as many canonical ones: the first has the text and, in Extra, the ids; the others have no text
// of their own.

// decodeLogprobs appends the tokens of an item; false where it cannot be read.
func decodeLogprobs(to []llm.Logprob, v []byte) ([]llm.Logprob, bool) {
	if rawjson.Kind(v) != '{' {
		return to, false
	}
	var o dialect.Object
	o.Read(v)
	first := llm.Logprob{Token: o.String("text")}
	values := o.Take("logprobs")
	if ids := o.Take("token_ids"); dialect.Says(ids) || rawjson.Kind(ids) == '[' && !empty(ids) {
		o.Leave("token_ids")
	}
	if o.Bad != nil || values != nil && rawjson.Kind(values) != '[' {
		return to, false
	}
	first.Extra = o.Rest()
	n := 0
	for _, e := range rawjson.Elems(values) {
		one := llm.Logprob{Logprob: llm.Num(rawjson.Num(e))}
		if n++; n == 1 {
			one.Token, one.Extra = first.Token, first.Extra
		}
		to = append(to, one)
	}
	if n == 0 {
		to = append(to, first)
	}
	return to, true
}

func empty(list []byte) bool {
	for range rawjson.Elems(list) {
		return false
	}
	return true
}

// logItem returns how many of the tokens are one item on the wire.
func logItem(all []llm.Logprob) int {
	n := 1
	for n < len(all) && all[n].Token == "" && all[n].Extra == nil {
		n++
	}
	return n
}

// writeLogprobs writes one item.
func writeLogprobs(w *rawjson.Writer, item []llm.Logprob, own bool) {
	w.Open('{').Name("text").String(item[0].Token)
	if !own || item[0].Extra["token_ids"] == nil { // the SDKs demand it
		w.Name("token_ids").Open('[').Close(']')
	}
	w.Name("logprobs").Open('[')
	for i := range item {
		if item[i].Logprob == "" {
			if len(item) == 1 {
				break
			}
			w.Null()
			continue
		}
		w.Num(string(item[i].Logprob))
	}
	w.Close(']')
	if own {
		dialect.WriteExtra(w, item[0].Extra)
	}
	w.Close('}')
}

// loseLogprobs reports what the log probabilities of another dialect say and these cannot.
func loseLogprobs(all []llm.Logprob, l *dialect.Losses) {
	for i := range all {
		if p := &all[i]; p.Bytes != nil || len(p.Top) > 0 || p.Refusal || p.Extra != nil {
			l.Add("answer.logprobs", "a token and its probability, without its bytes and what else was likely", llm.Changed)
			return
		}
	}
}
