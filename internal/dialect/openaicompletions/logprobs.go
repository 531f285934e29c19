package openaicompletions

import (
	"unicode/utf8"

	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// offsets is where a choice keeps the offsets of its tokens, for the dialect itself.
const offsets = "logprobs.text_offset"

// decodeLogprobs reads the lists of a choice's log probabilities. Members without a field go to x under a dotted name.
func decodeLogprobs(v []byte, x *llm.Extra) []llm.Logprob {
	if rawjson.IsNull(v) {
		return nil
	}
	tokens := rawjson.Get(v, "tokens")
	if rawjson.Kind(v) != '{' || rawjson.Kind(tokens) != '[' && !rawjson.IsNull(tokens) {
		openai.Keep(x, "logprobs", v)
		return nil
	}
	var all []llm.Logprob
	for _, e := range rawjson.Elems(tokens) {
		all = append(all, llm.Logprob{Token: rawjson.Text(e)})
	}
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "tokens":
		case "token_logprobs":
			for i, e := range rawjson.Elems(val) {
				if i < len(all) {
					all[i].Logprob = llm.Num(rawjson.Num(e))
				}
			}
		case "top_logprobs":
			for i, e := range rawjson.Elems(val) {
				if i < len(all) {
					all[i].Top = decodeTop(e)
				}
			}
		default:
			if len(all) > 0 || !openai.Nothing(val) {
				openai.Keep(x, "logprobs."+string(name), val)
			}
		}
	}
	return all
}

func decodeTop(v []byte) []llm.Logprob {
	var top []llm.Logprob
	for token, p := range rawjson.Members(v) {
		top = append(top, llm.Logprob{Token: string(token), Logprob: llm.Num(rawjson.Num(p))})
	}
	return top
}

// writeLogprobs writes the lists. at is the offset of the first token, negative where offsets are the dialect's own and
// stand in x.
func writeLogprobs(w *rawjson.Writer, all []llm.Logprob, at int64, x llm.Extra) {
	if len(all) == 0 && !openai.HasNested(x, "logprobs") {
		w.Null()
		return
	}
	w.Open('{').Name("tokens").Open('[')
	top := false
	for i := range all {
		w.String(all[i].Token)
		top = top || len(all[i].Top) > 0
	}
	w.Close(']').Name("token_logprobs").Open('[')
	for i := range all {
		writeNum(w, all[i].Logprob)
	}
	w.Close(']').Name("top_logprobs")
	if top {
		w.Open('[')
		for i := range all {
			writeTop(w, all[i].Top)
		}
		w.Close(']')
	} else {
		w.Null()
	}
	if at >= 0 {
		w.Name("text_offset").Open('[')
		for i := range all {
			w.Int(at)
			at += characters(all[i].Token)
		}
		w.Close(']')
	}
	openai.WriteNested(w, x, "logprobs")
	w.Close('}')
}

func writeTop(w *rawjson.Writer, top []llm.Logprob) {
	if len(top) == 0 {
		w.Null()
		return
	}
	w.Open('{')
	for i := range top {
		w.Name(top[i].Token)
		writeNum(w, top[i].Logprob)
	}
	w.Close('}')
}

func writeNum(w *rawjson.Writer, n llm.Num) {
	if n == "" {
		w.Null()
		return
	}
	w.Num(string(n))
}

func characters(s string) int64 { return int64(utf8.RuneCountInString(s)) }

// plain reports whether the lists say all that is known of the tokens: they have no place for bytes.
func plain(all []llm.Logprob) bool {
	for i := range all {
		l := &all[i]
		if l.Extra != nil || !rawjson.IsNull(l.Bytes) || l.Refusal || len(l.Top) > 0 && !plain(l.Top) {
			return false
		}
	}
	return true
}
