package api

import (
	"net/http"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// batches answers requests about batches, nil where the build lacks the dialect; verb 0 goes by the method.
func (a *api) batches(name llm.Dialect, verb dialect.BatchVerb) http.HandlerFunc {
	b, ok := a.o.Dialect(name).(dialect.Batcher)
	if !ok {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		v, id := verb, r.PathValue("id")
		switch {
		case v != 0:
		case r.Method == http.MethodPost:
			v = dialect.BatchCreate
		case r.Method == http.MethodDelete:
			v = dialect.BatchDelete
		case id == "":
			v = dialect.BatchList
		default:
			v = dialect.BatchGet
		}
		a.o.Engine.ServeBatch(w, r, b, v, id)
	}
}

// batchTable is every path about batches.
func (a *api) batchTable() []entry {
	const get, post, drop = http.MethodGet, http.MethodPost, http.MethodDelete
	return []entry{
		{"/v1/batches", get + ", " + post, a.batches(llm.OpenAIBatches, 0)},
		{"/v1/batches/{id}", get, a.batches(llm.OpenAIBatches, 0)},
		{"/v1/batches/{id}/cancel", post, a.batches(llm.OpenAIBatches, dialect.BatchCancel)},
		{"/v1/batch/jobs", get + ", " + post, a.batches(llm.MistralBatches, 0)},
		{"/v1/batch/jobs/{id}", get + ", " + drop, a.batches(llm.MistralBatches, 0)},
		{"/v1/batch/jobs/{id}/cancel", post, a.batches(llm.MistralBatches, dialect.BatchCancel)},
		{"/v1/messages/batches", get + ", " + post, a.batches(llm.AnthropicBatches, 0)},
		{"/v1/messages/batches/{id}", get + ", " + drop, a.batches(llm.AnthropicBatches, 0)},
		{"/v1/messages/batches/{id}/cancel", post, a.batches(llm.AnthropicBatches, dialect.BatchCancel)},
		{"/v1/messages/batches/{id}/results", get, a.batches(llm.AnthropicBatches, dialect.BatchResults)},
		{"/v1beta/batches", get, a.batches(llm.GeminiBatches, dialect.BatchList)},
		{"/v1beta/batches/{id}", get + ", " + post + ", " + drop, a.geminiBatch()},
		{"/v1alpha/batches", get, a.batches(llm.GeminiBatches, dialect.BatchList)},
		{"/v1alpha/batches/{id}", get + ", " + post + ", " + drop, a.geminiBatch()},
	}
}
