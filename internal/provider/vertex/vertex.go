// Package vertex addresses and signs requests to Google Cloud's Vertex AI: Gemini's and Anthropic's models under a project
// and a location, with tokens of Application Default Credentials or of a service account's key.
package vertex

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/provider"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

const (
	scope = "https://www.googleapis.com/auth/cloud-platform"
	// anthropicVersion stands in the body there, in place of the header.
	anthropicVersion = `"vertex-2023-10-16"`
)

// Place is a project at a location. It must not be copied.
type Place struct {
	Project, Location string
	Key               string             // JSON of a service account's key; "" = Application Default Credentials
	Tokens            oauth2.TokenSource // nil: made from Key or found when first needed

	once   sync.Once
	source oauth2.TokenSource
	failed error
}

var _ provider.Adapter = (*Place)(nil)

// messages are the members of a Messages body that Vertex wants elsewhere.
var messages = splice.NewSpec("model", "stream", "anthropic_version")

// Address implements provider.Adapter.
func (p *Place) Address(d llm.Dialect, c dialect.Call) (dialect.Call, error) {
	root := "/v1/projects/" + url.PathEscape(p.Project) + "/locations/" + url.PathEscape(p.Location) + "/publishers/"
	switch d {
	case llm.GeminiGenerate, llm.GeminiEmbeddings, llm.GeminiImages:
		i := strings.LastIndex(c.Path, "/models/")
		if i < 0 {
			return c, unknown(c.Path)
		}
		c.Path = root + "google" + c.Path[i:]
		return c, nil
	case llm.AnthropicMessages:
		return p.messages(root, c)
	}
	return c, unknown(c.Path)
}

func unknown(path string) error {
	return fault.New(fault.Unsupported, "there is no %s at Vertex AI", path)
}

// messages moves the model from the body to the path and the version into the body.
func (p *Place) messages(root string, c dialect.Call) (dialect.Call, error) {
	if c.Path != "/v1/messages" {
		return c, unknown(c.Path)
	}
	ix, err := messages.Scan(c.Body)
	if err != nil {
		return c, &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read as JSON", Cause: err}
	}
	model, _ := rawjson.String(ix.Get(c.Body, 0))
	verb := ":rawPredict"
	if stream, _ := rawjson.Bool(ix.Get(c.Body, 1)); stream {
		verb = ":streamRawPredict"
	}
	c.Path, c.Query = root+"anthropic/models/"+url.PathEscape(model)+verb, ""
	c.Body = messages.Apply(nil, c.Body, &ix, splice.Change{Member: 0}, splice.Change{Member: 2, Value: []byte(anthropicVersion)})
	return c, nil
}

// Sign implements provider.Adapter.
func (p *Place) Sign(r *http.Request, _ []byte) error {
	source, err := p.tokens()
	if err != nil {
		return refused(err)
	}
	token, err := source.Token() // kept and renewed by it
	if err != nil {
		return refused(err)
	}
	delete(r.Header, "Anthropic-Version")
	r.Header["Authorization"] = []string{"Bearer " + token.AccessToken}
	return nil
}

func (p *Place) tokens() (oauth2.TokenSource, error) {
	if p.Tokens != nil {
		return p.Tokens, nil
	}
	p.once.Do(func() {
		ctx := context.Background() // the source outlives the request that finds it
		var found *google.Credentials
		if p.Key != "" {
			found, p.failed = google.CredentialsFromJSONWithType(ctx, []byte(p.Key), google.ServiceAccount, scope)
		} else {
			found, p.failed = google.FindDefaultCredentials(ctx, scope)
		}
		if p.failed == nil {
			p.source = found.TokenSource
		}
	})
	return p.source, p.failed
}

func refused(err error) error {
	return &fault.Fault{Kind: fault.UpstreamAuth, Origin: fault.There, Message: "no Google Cloud token could be had (auth: google)", Cause: err}
}
