package api

import (
	"net/http"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// modelOrGemini answers /v1/models/…: GET is OpenAI's and Anthropic's and tells of a model; POST with a verb after a colon is
// what Google's SDKs send when they are set to the version v1.
func (a *api) modelOrGemini() http.HandlerFunc {
	gemini := a.gemini()
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodPost:
			a.model(w, r)
		case gemini != nil && geminiCall(r):
			gemini(w, r)
		default:
			w.Header().Set("Allow", http.MethodGet)
			a.refuse(w, r, fault.New(fault.MethodNotAllowed, "/v1/models/MODEL takes GET; POST needs a verb after the model, as in :generateContent"))
		}
	}
}

// geminiCall reports whether a request under /v1 is one of Google's SDKs: its path ends in a colon and a verb.
func geminiCall(r *http.Request) bool {
	if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/v1/models/") {
		return false
	}
	verb := r.URL.Path[strings.LastIndexByte(r.URL.Path, ':')+1:]
	return verb != "" && strings.IndexFunc(verb, func(c rune) bool { return (c|0x20) < 'a' || (c|0x20) > 'z' }) < 0
}

// geminiBatch answers what is asked of a batch, nil where the build lacks the dialect: a verb stands behind its id and a colon.
func (a *api) geminiBatch() http.HandlerFunc {
	about, cancel := a.batches(llm.GeminiBatches, 0), a.batches(llm.GeminiBatches, dialect.BatchCancel)
	if about == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		id, verb, named := strings.Cut(r.PathValue("id"), ":")
		switch {
		case !named && r.Method != http.MethodPost:
			about(w, r)
		case verb == "cancel" && r.Method == http.MethodPost:
			r.SetPathValue("id", id)
			cancel(w, r)
		default:
			a.refuse(w, r, fault.New(fault.NotFound, "there is nothing at %s", bounded(r.URL.Path)))
		}
	}
}
