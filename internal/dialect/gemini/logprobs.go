package gemini

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// decodeLogprobs reads a logprobsResult; rest is what else it tells, nil for nothing. ok is false where it holds no
// tokens.
func decodeLogprobs(v []byte) (list []llm.Logprob, rest []byte, ok bool) {
	if rawjson.Kind(v) != '{' {
		return nil, nil, false
	}
	var o dialect.Object
	o.Read(v)
	chosen, top := o.Take("chosenCandidates"), o.Take("topCandidates")
	for _, e := range rawjson.Elems(chosen) {
		list = append(list, decodeLogprob(e))
	}
	if len(list) == 0 {
		return nil, nil, false
	}
	for i, e := range rawjson.Elems(top) {
		if i >= len(list) {
			return nil, nil, false
		}
		for _, c := range rawjson.Elems(rawjson.Get(e, "candidates")) {
			list[i].Top = append(list[i].Top, decodeLogprob(c))
		}
	}
	return list, o.RestObject(), true
}

func decodeLogprob(v []byte) llm.Logprob {
	var o dialect.Object
	o.Read(v)
	return llm.Logprob{Token: o.String("token"), Logprob: o.Num("logProbability"), Extra: o.Rest()}
}

// writeLogprobs writes the members of a logprobsResult.
func writeLogprobs(w *rawjson.Writer, list []llm.Logprob, own bool) {
	w.Name("chosenCandidates").Open('[')
	top := false
	for i := range list {
		writeLogprob(w, &list[i], own)
		top = top || len(list[i].Top) > 0
	}
	w.Close(']')
	if !top {
		return
	}
	w.Name("topCandidates").Open('[')
	for i := range list {
		w.Open('{')
		if len(list[i].Top) > 0 {
			w.Name("candidates").Open('[')
			for j := range list[i].Top {
				writeLogprob(w, &list[i].Top[j], own)
			}
			w.Close(']')
		}
		w.Close('}')
	}
	w.Close(']')
}

func writeLogprob(w *rawjson.Writer, p *llm.Logprob, own bool) {
	w.Open('{').Name("token").String(p.Token)
	if p.Logprob != "" {
		w.Name("logProbability").Num(string(p.Logprob))
	}
	if own {
		dialect.WriteExtra(w, p.Extra)
	}
	w.Close('}')
}

// losesLogprob reports whether writeLogprob says less than another dialect's token does.
func losesLogprob(p *llm.Logprob) bool {
	if p.Bytes != nil || p.Refusal || p.Extra != nil {
		return true
	}
	for i := range p.Top {
		if losesLogprob(&p.Top[i]) {
			return true
		}
	}
	return false
}
