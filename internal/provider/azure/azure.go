// Package azure addresses and signs requests to Azure OpenAI where the plain form does not do: resources that Azure asks
// by deployment (Azure's word for a model set up there) and API version, and Microsoft Entra tokens in place of a key.
//
// The newer surface (base URL ending in /openai/v1, with the resource's key) needs none of this.
package azure

import (
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/provider"
	"weir/internal/rawjson"
)

// scope is what a token is asked for.
const scope = "https://cognitiveservices.azure.com/.default"

// Resource is one Azure OpenAI resource. It must not be copied.
type Resource struct {
	APIVersion string                 // of Azure's surface by deployment; "" = the newer one
	Key        string                 // sent as api-key; "" = a token
	Token      azcore.TokenCredential // nil: the chain of azidentity, looked up when first needed

	once   sync.Once
	chain  azcore.TokenCredential
	failed error
}

var _ provider.Adapter = (*Resource)(nil)

// Address implements provider.Adapter. With an API version the model's name is that of an Azure deployment and stands in the
// path; the body, which names it too, stays.
func (a *Resource) Address(d llm.Dialect, c dialect.Call) (dialect.Call, error) {
	if a.APIVersion == "" {
		return c, nil
	}
	if d == llm.OpenAIRealtime {
		return a.session(c)
	}
	version := "api-version=" + url.QueryEscape(a.APIVersion)
	if c.Query != "" {
		version = c.Query + "&" + version
	}
	c.Query = version
	rest := strings.TrimPrefix(c.Path, "/v1")
	if strings.HasPrefix(rest, "/responses") || strings.HasPrefix(rest, "/files") || strings.HasPrefix(rest, "/fine_tuning") || strings.HasPrefix(rest, "/batches") {
		return c, nil // Azure wants the deployment in the body here, or in the file's requests
	}
	model := c.Model // the body may be a form
	if model == "" {
		model = rawjson.Text(rawjson.Get(c.Body, "model"))
	}
	if model == "" {
		return c, &fault.Fault{Kind: fault.Malformed, Param: "model", Message: "the request names no model, which is the deployment's name at Azure"}
	}
	c.Path = "/v1/deployments/" /* Azure */ + url.PathEscape(model) + rest
	return c, nil
}

// session addresses a session over a WebSocket, where Azure has its deployment in the query.
func (a *Resource) session(c dialect.Call) (dialect.Call, error) {
	q, err := url.ParseQuery(c.Query)
	if err != nil {
		return c, &fault.Fault{Kind: fault.Malformed, Message: "the query cannot be read", Cause: err}
	}
	q.Del("model")
	q.Set("deployment", c.Model) // Azure
	q.Set("api-version", a.APIVersion)
	c.Query = q.Encode()
	return c, nil
}

// Sign implements provider.Adapter.
func (a *Resource) Sign(r *http.Request, _ []byte) error {
	if a.Key != "" {
		r.Header["Api-Key"] = []string{a.Key}
		return nil
	}
	source, err := a.source()
	if err != nil {
		return refused(err)
	}
	token, err := source.GetToken(r.Context(), policy.TokenRequestOptions{Scopes: []string{scope}}) // kept and renewed by it
	if err != nil {
		return refused(err)
	}
	r.Header["Authorization"] = []string{"Bearer " + token.Token}
	return nil
}

func (a *Resource) source() (azcore.TokenCredential, error) {
	if a.Token != nil {
		return a.Token, nil
	}
	a.once.Do(func() { a.chain, a.failed = azidentity.NewDefaultAzureCredential(nil) })
	return a.chain, a.failed
}

func refused(err error) error {
	return &fault.Fault{Kind: fault.UpstreamAuth, Origin: fault.There, Message: "no Microsoft Entra token could be had (auth: azure)", Cause: err}
}
