package api

import (
	"net/http"

	"weir/internal/dialect"
	"weir/internal/engine"
	"weir/internal/llm"
)

// batches answers requests about batches, nil where the build lacks the dialect; verb 0 goes by the method.
func (a *api) batches(name llm.Dialect, verb engine.BatchVerb) http.HandlerFunc {
	b, ok := a.o.Dialect(name).(dialect.Batcher)
	if !ok {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		v, id := verb, r.PathValue("id")
		switch {
		case v != 0:
		case r.Method == http.MethodPost:
			v = engine.BatchCreate
		case r.Method == http.MethodDelete:
			v = engine.BatchDelete
		case id == "":
			v = engine.BatchList
		default:
			v = engine.BatchGet
		}
		a.o.Engine.ServeBatch(w, r, b, v, id)
	}
}
