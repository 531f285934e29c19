package api

import (
	"net/http"

	"weir/internal/dialect/bedrockembed"
	"weir/internal/llm"
)

// invoke answers InvokeModel. Where the name that a client asks for is that of a model which makes embeddings, they can
// come from anybody; whatever else a body says is its model's own.
func (a *api) invoke() http.HandlerFunc {
	whatever, embed := a.serve(llm.BedrockInvoke, llm.OpInvoke), a.serve(llm.BedrockEmbeddings, llm.OpEmbeddings)
	if whatever == nil || embed == nil {
		return whatever
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if bedrockembed.Makes(r.PathValue("id")) {
			embed(w, r)
			return
		}
		whatever(w, r)
	}
}
