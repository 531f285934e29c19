package ollama

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// decodeLogprobs reads a list of tokens with their probabilities; false where it cannot be read.
func decodeLogprobs(v []byte) ([]llm.Logprob, bool) {
	if rawjson.Kind(v) != '[' {
		return nil, v == nil
	}
	var all []llm.Logprob
	for _, e := range rawjson.Elems(v) {
		if rawjson.Kind(e) != '{' {
			return nil, false
		}
		var o dialect.Object
		o.Read(e)
		p := llm.Logprob{Token: o.String("token"), Logprob: o.Num("logprob")}
		if b := o.Take("bytes"); b != nil {
			p.Bytes = b
		}
		var ok bool
		if p.Top, ok = decodeLogprobs(o.Take("top_logprobs")); !ok || o.Bad != nil {
			return nil, false
		}
		p.Extra = o.Rest()
		all = append(all, p)
	}
	return all, true
}

func writeLogprobs(w *rawjson.Writer, all []llm.Logprob, own bool) {
	w.Open('[')
	for i := range all {
		p := &all[i]
		w.Open('{').Name("token").String(p.Token)
		if p.Logprob != "" {
			w.Name("logprob").Num(string(p.Logprob))
		} else if !own {
			w.Name("logprob").Int(0) // the SDKs demand it
		}
		if p.Bytes != nil {
			w.Name("bytes").Raw(p.Bytes)
		}
		if len(p.Top) > 0 {
			writeLogprobs(w.Name("top_logprobs"), p.Top, own)
		}
		if own {
			dialect.WriteExtra(w, p.Extra)
		}
		w.Close('}')
	}
	w.Close(']')
}

// loseLogprobs reports what the log probabilities of another dialect say and these cannot.
func loseLogprobs(all []llm.Logprob, l *dialect.Losses) {
	for i := range all {
		if p := &all[i]; p.Refusal || p.Extra != nil || p.Logprob == "" {
			l.Add("answer.logprobs", "a token, its bytes and its probability only", llm.Changed)
			return
		}
		loseLogprobs(all[i].Top, l)
	}
}
