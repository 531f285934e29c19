package api

import (
	"net/http"
	"net/url"
	"strings"

	"weir/internal/fault"
)

// vertexTable is the paths of Google's SDKs where they are set to Vertex AI.
func (a *api) vertexTable() []entry {
	h := a.vertex()
	return []entry{
		{"/v1beta1/publishers/{call...}", http.MethodPost, h},
		{"/v1beta1/projects/{call...}", http.MethodPost, h},
		{"/v1/projects/{call...}", http.MethodPost, h},
	}
}

// vertex answers Google's SDKs where they are set to Vertex AI: the same calls under a project and a location, or under a
// publisher alone. Who pays is the gateway's matter, so all that is read of the path is the model. A publisher that is not
// Google is the provider that the SDK made of PROVIDER/MODEL.
func (a *api) vertex() http.HandlerFunc {
	gemini := a.gemini()
	if gemini == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		before, model, ok := strings.Cut(r.URL.EscapedPath(), "/models/")
		if !ok {
			a.refuse(w, r, fault.New(fault.NotFound, "there is nothing at %s", bounded(r.URL.Path)))
			return
		}
		if publisher := before[strings.LastIndexByte(before, '/')+1:]; publisher != "google" {
			model = publisher + "%2F" + model
		}
		raw := "/v1beta/models/" + model
		plain, err := url.PathUnescape(raw)
		if err != nil {
			a.refuse(w, r, fault.New(fault.Malformed, "the path is escaped in a way that cannot be read"))
			return
		}
		r.URL.Path, r.URL.RawPath = plain, raw
		gemini(w, r)
	}
}
