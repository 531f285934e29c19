// Package api is the data plane's URL table: which path is which operation in which dialect, and the few answers that
// need no model. Every unknown path is a JSON error in the dialect of its path.
package api

import (
	"net/http"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/engine"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Options is what the table needs. Metrics may be nil: then there is no such path.
type Options struct {
	Engine  *engine.Engine
	Dialect func(llm.Dialect) dialect.Dialect
	Metrics http.Handler // served to loopback only
	Version string
}

// New returns the data plane.
func New(o Options) http.Handler {
	a := &api{o: o}
	mux := http.NewServeMux()
	serve := func(name llm.Dialect, op llm.Op) http.HandlerFunc {
		d := o.Dialect(name)
		return func(w http.ResponseWriter, r *http.Request) { o.Engine.Serve(w, r, d, op) }
	}
	for _, e := range []struct {
		path string
		only string // method
		h    http.HandlerFunc
	}{
		{"/v1/chat/completions", http.MethodPost, serve(llm.OpenAIChat, llm.OpChat)},
		{"/v1/messages", http.MethodPost, serve(llm.AnthropicMessages, llm.OpChat)},
		{"/v1/embeddings", http.MethodPost, serve(llm.OpenAIEmbeddings, llm.OpEmbeddings)},
		{"/v1/models", http.MethodGet, a.models},
		{"/v1/models/{id...}", http.MethodGet, a.model},
		{"/healthz", http.MethodGet, a.health},
		{"/readyz", http.MethodGet, a.ready},
		{"/metrics", http.MethodGet, a.metrics},
		{"/{$}", http.MethodGet, a.root},
	} {
		mux.HandleFunc(e.path, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != e.only && !(e.only == http.MethodGet && r.Method == http.MethodHead) {
				w.Header().Set("Allow", e.only)
				a.refuse(w, r, fault.New(fault.MethodNotAllowed, "%s takes %s, not %s", e.path, e.only, bounded(r.Method)))
				return
			}
			e.h(w, r)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, fault.New(fault.NotFound, "there is nothing at %s", bounded(r.URL.Path)))
	})
	return clean(mux)
}

// clean keeps ServeMux from redirecting unclean paths: a client's SDK would follow with a changed method.
func clean(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; len(p) > 1 && strings.HasPrefix(p, "/v1/") && p[len(p)-1] == '/' {
			r.URL.Path = strings.TrimRight(p, "/")
		}
		next.ServeHTTP(w, r)
	})
}

type api struct{ o Options }

// speaker is the dialect an error on a path is told in.
func (a *api) speaker(r *http.Request) dialect.Dialect {
	if strings.HasPrefix(r.URL.Path, "/v1/messages") || r.Header.Get("Anthropic-Version") != "" {
		return a.o.Dialect(llm.AnthropicMessages)
	}
	return a.o.Dialect(llm.OpenAIChat)
}

func (a *api) refuse(w http.ResponseWriter, r *http.Request, f *fault.Fault) {
	w.Header()["X-Weir-Fault"] = []string{f.Kind.String()}
	send(w, f.Status(), a.speaker(r).Fault(nil, f, dialect.Whole))
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left needs no answer
}

// grant identifies the caller of a path that needs no model.
func (a *api) grant(r *http.Request) (*engine.Snapshot, *gateway.Grant, error) {
	s := a.o.Engine.Snapshot()
	if s == nil {
		return nil, nil, fault.New(fault.Unavailable, "the gateway has no configuration yet")
	}
	g, err := s.Identify(r)
	return s, g, err
}

func (a *api) models(w http.ResponseWriter, r *http.Request) {
	s, g, err := a.grant(r)
	if err != nil {
		a.refuse(w, r, fault.Of(err))
		return
	}
	names := slices.DeleteFunc(slices.Clone(s.Models), func(name string) bool { return !g.May(name, true) })
	var j rawjson.Writer
	if r.Header.Get("Anthropic-Version") == "" {
		j.Open('{').Name("object").String("list").Name("data").Open('[')
		for _, name := range names {
			openAIModel(&j, name)
		}
		j.Close(']').Close('}')
	} else {
		j.Open('{').Name("data").Open('[')
		for _, name := range names {
			anthropicModel(&j, name)
		}
		j.Close(']').Name("has_more").Bool(false)
		if len(names) > 0 {
			j.Name("first_id").String(names[0]).Name("last_id").String(names[len(names)-1])
		} else {
			j.Name("first_id").Null().Name("last_id").Null()
		}
		j.Close('}')
	}
	send(w, http.StatusOK, j.Buf)
}

func (a *api) model(w http.ResponseWriter, r *http.Request) {
	s, g, err := a.grant(r)
	if err != nil {
		a.refuse(w, r, fault.Of(err))
		return
	}
	name := r.PathValue("id")
	_, declared, err := s.Router.Match(&gateway.Exchange{Grant: g, Head: llm.Head{Model: name}})
	if err == nil && !g.May(name, declared) {
		err = fault.New(fault.NotFound, "the model `%s` is not known here, or not to this key", bounded(name))
	}
	if err != nil {
		a.refuse(w, r, fault.Of(err))
		return
	}
	var j rawjson.Writer
	if r.Header.Get("Anthropic-Version") == "" {
		openAIModel(&j, name)
	} else {
		anthropicModel(&j, name)
	}
	send(w, http.StatusOK, j.Buf)
}

func openAIModel(j *rawjson.Writer, name string) {
	j.Open('{').Name("id").String(name).Name("object").String("model").Name("created").Int(0).Name("owned_by").String("weir").Close('}')
}

func anthropicModel(j *rawjson.Writer, name string) {
	j.Open('{').Name("type").String("model").Name("id").String(name).Name("display_name").String(name).
		Name("created_at").String("1970-01-01T00:00:00Z").Close('}')
}

func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, []byte(`{"status":"ok"}`))
}

// ready is 503 only before the first good document and while draining; nothing a provider does ejects a node.
func (a *api) ready(w http.ResponseWriter, _ *http.Request) {
	var j rawjson.Writer
	status, word := http.StatusOK, "ready"
	s := a.o.Engine.Snapshot()
	switch {
	case a.o.Engine.Draining():
		status, word = http.StatusServiceUnavailable, "draining"
	case s == nil:
		status, word = http.StatusServiceUnavailable, "no configuration"
	}
	j.Open('{').Name("status").String(word).Name("open").Int(int64(a.o.Engine.Open()))
	if s != nil {
		j.Name("revision").String(s.Revision)
	}
	j.Close('}')
	send(w, status, j.Buf)
}

func (a *api) metrics(w http.ResponseWriter, r *http.Request) {
	if a.o.Metrics == nil || !engine.Loopback(r) {
		a.refuse(w, r, fault.New(fault.Forbidden, "metrics are for loopback; open them with node.listen.metrics"))
		return
	}
	a.o.Metrics.ServeHTTP(w, r)
}

func (a *api) root(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("Weir " + a.o.Version + " · AI gateway · point an OpenAI client at /v1, an Anthropic client at /\n"))
}

// bounded cuts a client's text for a message.
func bounded(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
