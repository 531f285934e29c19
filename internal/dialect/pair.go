package dialect

import (
	"slices"

	"weir/internal/llm"
)

// Calls returns the calls among parts.
func Calls(parts []llm.Part) []llm.Part {
	var out []llm.Part
	for i := range parts {
		if parts[i].Kind == llm.PartCall {
			out = append(out, parts[i])
		}
	}
	return out
}

// noResult stands for a result that is missing, where every call must have one.
const noResult = "(There is no result.)"

// Pair mends the results of a turn of the user for providers that demand one for each call of the turn before, and take
// no others: those of the calls that were asked for stand first, a missing one is filled in, and every other result is
// told as the user's words. What it does is declared lost.
func Pair(parts, asked []llm.Part, lose func(path, why string, grade llm.Grade)) []llm.Part {
	var results, others []llm.Part
	answered := make([]bool, len(asked))
	for i := range parts {
		p := parts[i]
		if p.Kind != llm.PartResult {
			others = append(others, p)
			continue
		}
		n := slices.IndexFunc(asked, func(c llm.Part) bool { return c.ID == p.ID })
		for n >= 0 && answered[n] {
			next := slices.IndexFunc(asked[n+1:], func(c llm.Part) bool { return c.ID == p.ID })
			if next < 0 {
				n = -1
				break
			}
			n += 1 + next
		}
		if n < 0 {
			others = append(others, told(&p, lose)...)
			continue
		}
		answered[n] = true
		results = append(results, p)
	}
	for n := range asked {
		if !answered[n] {
			lose("messages", "a call's result is missing, and every call must have one", llm.Filled)
			results = append(results, llm.Part{
				Kind: llm.PartResult, ID: asked[n].ID, Name: asked[n].Name, Failed: true,
				Result: []llm.Part{{Kind: llm.PartText, Text: noResult}},
			})
		}
	}
	return append(results, others...)
}

// Unanswering mends a turn of the model's, in which results of the client's own tools have no place: they are told as text.
// A client that names the kind of a result that the provider made wrongly sends such a turn.
func Unanswering(parts []llm.Part, lose func(path, why string, grade llm.Grade)) []llm.Part {
	result := func(p llm.Part) bool { return p.Kind == llm.PartResult && p.By == llm.ByClient }
	if !slices.ContainsFunc(parts, result) {
		return parts
	}
	var out []llm.Part
	for i := range parts {
		if result(parts[i]) {
			out = append(out, told(&parts[i], lose)...)
			continue
		}
		out = append(out, parts[i])
	}
	return out
}

// told makes what the user says of a result whose call is not in the turn before.
func told(p *llm.Part, lose func(path, why string, grade llm.Grade)) []llm.Part {
	lose(p.Path, "a result whose call is not in the turn before is told as the user's words", llm.Changed)
	var out []llm.Part
	for _, r := range p.Result {
		if r.Path == "" {
			r.Path = p.Path
		}
		if r.Kind == llm.PartJSON {
			r.Kind = llm.PartText
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		out = append(out, llm.Part{Kind: llm.PartText, Text: noResult, Path: p.Path})
	}
	return out
}
