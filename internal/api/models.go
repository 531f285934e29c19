package api

import (
	"net/http"
	"slices"

	"weir/internal/engine"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func (a *api) models(w http.ResponseWriter, r *http.Request) {
	s, g, err := a.grant(r)
	if err != nil {
		a.deny(w, r, err)
		return
	}
	names := allowed(s, g)
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

// allowed lists the declared models that a grant may use.
func allowed(s *engine.Snapshot, g *gateway.Grant) []string {
	return slices.DeleteFunc(slices.Clone(s.Models), func(name string) bool { return !g.May(name, true) })
}

// known reports whether a model can be asked for with the key of a request; if not, it answers.
func (a *api) known(w http.ResponseWriter, r *http.Request, name string) bool {
	s, g, err := a.grant(r)
	if err == nil {
		var declared bool
		_, declared, err = s.Router.Match(&gateway.Exchange{Grant: g, Head: llm.Head{Model: name}})
		if err == nil && !g.May(name, declared) {
			err = fault.New(fault.NotFound, "the model `%s` is not known here, or not to this key", bounded(name))
		}
	}
	if err != nil {
		a.deny(w, r, err)
	}
	return err == nil
}

func (a *api) model(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("id")
	if !a.known(w, r, name) {
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

// geminiModels lists the models as Google's SDKs read them.
func (a *api) geminiModels(w http.ResponseWriter, r *http.Request) {
	s, g, err := a.grant(r)
	if err != nil {
		a.deny(w, r, err)
		return
	}
	var j rawjson.Writer
	j.Open('{').Name("models").Open('[')
	for _, name := range allowed(s, g) {
		geminiModel(&j, name)
	}
	j.Close(']').Close('}')
	send(w, http.StatusOK, j.Buf)
}

func (a *api) geminiModel(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("call")
	if !a.known(w, r, name) {
		return
	}
	var j rawjson.Writer
	geminiModel(&j, name)
	send(w, http.StatusOK, j.Buf)
}

func geminiModel(j *rawjson.Writer, name string) {
	j.Open('{').Name("name").String("models/" + name).Name("displayName").String(name)
	j.Name("supportedGenerationMethods").Open('[').String("generateContent").String("streamGenerateContent").Close(']').Close('}')
}

// ollamaModels lists the models as Ollama's SDKs read them.
func (a *api) ollamaModels(w http.ResponseWriter, r *http.Request) {
	s, g, err := a.grant(r)
	if err != nil {
		a.deny(w, r, err)
		return
	}
	var j rawjson.Writer
	j.Open('{').Name("models").Open('[')
	for _, name := range allowed(s, g) {
		j.Open('{').Name("name").String(name).Name("model").String(name).Name("modified_at").String("1970-01-01T00:00:00Z")
		j.Name("size").Int(0).Name("digest").String("").Name("details").Open('{').Close('}').Close('}')
	}
	j.Close(']').Close('}')
	send(w, http.StatusOK, j.Buf)
}
