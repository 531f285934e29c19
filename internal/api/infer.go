package api

import (
	"net/http"
	"strings"

	"weir/internal/dialect/classify"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// What the Open Inference Protocol's clients ask beside inferring: whether the server and a model are ready, and what a
// model takes and gives. The last its own server tells.

// infers returns the handler where the build has the dialect.
func (a *api) infers(h http.HandlerFunc) http.HandlerFunc {
	if a.o.Dialect(llm.OIPInfer) == nil {
		return nil
	}
	return h
}

func (a *api) inferServer(w http.ResponseWriter, _ *http.Request) {
	var j rawjson.Writer
	j.Open('{').Name("name").String("weir").Name("version").String(a.o.Version).Name("extensions").Open('[').Close(']').Close('}')
	send(w, http.StatusOK, j.Buf)
}

func (a *api) inferLive(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, []byte(`{"live":true}`))
}

func (a *api) inferReady(w http.ResponseWriter, _ *http.Request) {
	if a.o.Engine.Draining() || a.o.Engine.Snapshot() == nil {
		send(w, http.StatusServiceUnavailable, []byte(`{"ready":false}`))
		return
	}
	send(w, http.StatusOK, []byte(`{"ready":true}`))
}

// inferModel answers for one model. It is ready where the key may ask for it; what stands after its name besides that is
// its server's to answer.
func (a *api) inferModel(w http.ResponseWriter, r *http.Request) {
	name, asksReady := strings.CutSuffix(r.PathValue("call"), "/ready")
	if !asksReady {
		a.o.Engine.Serve(w, r, classify.NewOIPInfo(), llm.OpModels)
		return
	}
	name, _, _ = strings.Cut(name, "/versions/")
	if !a.known(w, r, name) {
		return
	}
	var j rawjson.Writer
	j.Open('{').Name("name").String(name).Name("ready").Bool(true).Close('}')
	send(w, http.StatusOK, j.Buf)
}
