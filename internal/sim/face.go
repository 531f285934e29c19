package sim

import (
	"net/http"
	"strings"
)

// face is how one dialect differs from another where requests are received and refused, and how it frames streams.
type face struct {
	name     string
	idHeader string
	key      func(*http.Request) string            // the credential presented; "" = none
	refuse   func(f *refusal, id string) []byte    // the body of an error
	header   func(h http.Header, f *refusal)       // what headers say of an error; nil = nothing
	noKey    func(given bool, key string) *refusal // the credential is absent or wrong
	notJSON  func(error) *refusal                  // the body cannot be read
	noPath   func(method, path string) *refusal    // there is nothing here
	failures map[string]*refusal                   // by model
	framing  framing                               // of a stream
}

// faceOf tells the dialect by the path, where several share it by what else shows whose SDK it is.
func faceOf(r *http.Request) *face {
	path := r.URL.Path
	for _, f := range []struct {
		root string
		face *face
	}{
		{"/v1/messages", messagesFace},
		{"/v1/chat/completions", chatFace},
		{"/v1/completions", chatFace},
		{"/v1/embeddings", chatFace},
		{"/v1/responses", responsesFace},
		{"/v1beta", geminiFace},
		{"/upload", geminiFace},
		{"/ws", geminiFace},
		{"/model", bedrockFace},
		{"/v2/models", oipFace},
		{"/predict", teiFace},
		{"/v2", cohereFace},
		{"/api", ollamaFace},
	} {
		if rest, under := strings.CutPrefix(path, f.root); under && (rest == "" || rest[0] == '/') {
			return f.face
		}
	}
	switch {
	case r.Header.Get("Anthropic-Version") != "":
		return messagesFace
	case speaksGemini(r):
		return geminiFace
	}
	return chatFace
}

// speaksGemini tells Google's first version from OpenAI's, which has the same root: by the verb after a model's name,
// and where models are listed by the credential.
func speaksGemini(r *http.Request) bool {
	rest, under := strings.CutPrefix(r.URL.Path, "/v1/models")
	return under && (strings.Contains(rest, ":") && r.Method == http.MethodPost || r.Header.Get("X-Goog-Api-Key") != "")
}

// bearer returns the credential of an Authorization header.
func bearer(r *http.Request) string {
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return key
}
