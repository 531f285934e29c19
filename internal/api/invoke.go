package api

import (
	"net/http"

	"weir/internal/dialect/bedrockembed"
	"weir/internal/dialect/bedrockimages"
	"weir/internal/llm"
)

// invoke answers InvokeModel. Where the name that a client asks for is that of a model which makes embeddings or images,
// they can come from anybody; whatever else a body says is its model's own.
func (a *api) invoke() http.HandlerFunc {
	whatever, embed := a.serve(llm.BedrockInvoke, llm.OpInvoke), a.serve(llm.BedrockEmbeddings, llm.OpEmbeddings)
	images := a.serve(llm.BedrockImages, llm.OpImage)
	if whatever == nil || embed == nil || images == nil {
		return whatever
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if bedrockembed.Makes(r.PathValue("id")) {
			embed(w, r)
			return
		}
		if bedrockimages.Makes(r.PathValue("id")) {
			images(w, r)
			return
		}
		whatever(w, r)
	}
}
