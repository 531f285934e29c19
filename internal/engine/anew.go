package engine

import (
	"net/http"
	"slices"
	"strings"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// A conversation may have been held with clients of two dialects, of which the first had no place for seals. In the hands
// of the second it goes to a provider of its own dialect as it is, and that provider refuses a call that goes on without
// the seal of its turn. It is asked once more then, in the codec's words: with the seals that were kept, and where there
// are none without the thinking that demands them, which is named lost.

// missingSeal are the words of such a refusal, in lower case: of Claude, wherever it is served, and of Gemini.
var missingSeal = []string{"expected `thinking` or `redacted_thinking`", "thought_signature"}

// wantsSeals reports whether an attempt failed for the lack of a seal only, and the same target may be asked anew.
func (c *call) wantsSeals(t *try, f *fault.Fault) bool {
	if c.anew || c.verbatim || c.x.Strict || c.x.Op != llm.OpChat || t.a.Mode != gateway.Passed || f.HTTPStatus != http.StatusBadRequest || c.d.Codec() == nil {
		return false
	}
	words := strings.ToLower(f.Message)
	return slices.ContainsFunc(missingSeal, func(s string) bool { return strings.Contains(words, s) })
}

// again tries a target, and once more where its history lacks seals.
func (c *call) again(target gateway.Target, final bool) (over bool) {
	was := c.anew
	over = c.attempt(target, final)
	if !over && c.anew && !was {
		return c.attempt(target, final)
	}
	return over
}

// unthought marks the turn whose calls are being answered where no seal was kept of it, so that an encoder that would be
// refused for its thought does without thinking. The mark has no path: it is nothing that the client said. The request is
// not changed.
func unthought(d llm.Dialect, req *llm.Request) *llm.Request {
	at := len(req.Messages) - 1
	for at >= 0 && req.Messages[at].Role != llm.Assistant {
		at--
	}
	if at < 0 || !slices.Contains(opening, d) {
		return req
	}
	m := req.Messages[at]
	if len(m.Parts) == 0 || m.Parts[0].Kind == llm.PartReasoning || !slices.ContainsFunc(m.Parts, func(p llm.Part) bool { return isCall(&p) }) {
		return req
	}
	own := *req
	own.Messages = slices.Clone(req.Messages)
	m.Parts = slices.Insert(slices.Clone(m.Parts), 0, llm.Part{Kind: llm.PartReasoning, Seal: absent})
	own.Messages[at] = m
	return &own
}
