package api

import (
	"net/http"

	"weir/internal/dialect"
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

// upload answers uploads of Gemini's files, nil where the build lacks the dialect: whole ones, those that begin one in parts,
// and their parts.
func (a *api) upload() http.HandlerFunc {
	d := a.o.Dialect(llm.GeminiFiles)
	if d == nil {
		return nil
	}
	r, ok := d.(dialect.Resumer)
	return func(w http.ResponseWriter, req *http.Request) {
		if ok {
			if _, resumes := r.Resumed(req.URL.Query()); resumes {
				a.o.Engine.ServePart(w, req, d)
				return
			}
		}
		a.o.Engine.ServeThing(w, req, d, llm.OpFile)
	}
}
