package api

import (
	"net/http"

	"weir/internal/llm"
)

// things answers calls about things that providers keep, nil where the build lacks the dialect. OpenAI's and Anthropic's
// share their paths: the header that Anthropic's SDKs send tells which is meant.
func (a *api) things(op llm.Op, openAI, anthropic llm.Dialect) http.HandlerFunc {
	one, other := a.o.Dialect(openAI), a.o.Dialect(anthropic)
	if one == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		d := one
		if other != nil && r.Header.Get("Anthropic-Version") != "" {
			d = other
		}
		a.o.Engine.ServeThing(w, r, d, op)
	}
}
