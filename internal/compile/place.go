package compile

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"weir/internal/catalog"
	"weir/internal/config"
	"weir/internal/engine"
	"weir/internal/h1"
	"weir/internal/llm"
	"weir/internal/provider"
	"weir/internal/provider/azure"
	"weir/internal/provider/bedrock"
	"weir/internal/provider/vertex"
)

// place compiles a provider of the document: what it does not say itself is the catalog's.
func (c *Compiler) place(d *config.Document, p *config.Provider) (*engine.Place, error) {
	at := func(member, message, hint string) error {
		return d.Problem("providers."+p.Name+member, message, hint)
	}
	entry, known := c.catalog.Entry(cmp.Or(p.Catalog, p.Name))
	h := &provider.HTTP{Label: p.Name, Base: p.BaseURL, Auth: provider.Auth(p.Auth), Key: p.APIKey.Reveal(), Pass: p.PassHeaders, Ops: operations}
	for _, name := range config.Dialects(p.Speaks, Dialects()) {
		h.Dialect = append(h.Dialect, llm.Dialect(name))
	}
	if known {
		fromCatalog(h, entry)
	}
	if h.Base == "" && known && entry.BaseForm != "" {
		return nil, at("", entry.Title+" is at an address of your own", "write base_url, in the form "+entry.BaseForm)
	}
	if h.Base == "" || len(h.Dialect) == 0 {
		return nil, at("", "nothing says where this provider is or what it speaks", "write base_url and speaks, or catalog with a name `weir` knows: "+strings.Join(c.catalog.Names(), ", "))
	}
	if slices.Contains(h.Dialect, llm.BedrockInvoke) && !slices.Contains(h.Dialect, llm.BedrockEmbeddings) {
		h.Dialect = append(h.Dialect, llm.BedrockEmbeddings) // they are asked for in the same way
	}
	if h.Auth == "google" {
		if slices.Contains(p.Speaks, string(llm.GeminiFiles)) {
			return nil, at(".speaks", "Vertex AI keeps no files", "leave `gemini-files` out; name files by their gs:// address")
		}
		h.Dialect = slices.DeleteFunc(h.Dialect, func(d llm.Dialect) bool { return d == llm.GeminiFiles })
	}
	for _, other := range h.Dialect[1:] {
		if h.Bases[other] == "" && h.Bases[h.Dialect[0]] == "" && !provider.SameBase(h.Dialect[0], other) {
			return nil, at(".speaks", fmt.Sprintf("%s and %s take different base URLs", h.Dialect[0], other), "write two providers, one for each")
		}
	}
	for i, name := range p.PassHeaders {
		if provider.Closed(name) {
			return nil, at(fmt.Sprintf(".pass_headers[%d]", i), "the header "+name+" never goes to a provider", "leave it out")
		}
	}
	if strings.Contains(h.Base, "{region}") && p.Region == "" {
		return nil, at("", "where this provider is depends on its region, and none is given", "write `region`, in the provider's own words")
	}
	h.Base = regional(h.Base, p.Region)
	for d, base := range h.Bases {
		h.Bases[d] = regional(base, p.Region)
	}
	h.Adapter = adapter(h, p)
	if err := h.Ready(); err != nil {
		return nil, at(".base_url", err.Error(), "")
	}
	client, err := c.transport(d, p)
	if err != nil {
		return nil, at(".egress", err.Error(), "")
	}
	own, host := files(h, p)
	return &engine.Place{
		OwnFiles: own, FilesHost: host,
		Provider: h, Client: client, Upgrade: client.tls,
		FirstByte: p.Timeouts.FirstByte, Idle: p.Timeouts.Idle, Total: p.Timeouts.Total,
		Drain: p.ClientGone == "drain", Facts: entry.Facts, Keeps: known && entry.Keeps, Region: charges(h.Base, p.Region),
	}, nil
}

// fromCatalog fills in what the document leaves out.
func fromCatalog(h *provider.HTTP, entry *catalog.Entry) {
	own := h.Base != "" // then it is the base of all dialects that take the same
	if !own {
		h.Base = entry.BaseURL
		h.Bases = maps.Clone(entry.Bases)
	} else {
		h.Bases = ownBases(h.Base, entry)
	}
	if h.Dialect == nil {
		for _, name := range entry.Speaks {
			if languages[name] != nil && (!own || len(h.Dialect) == 0 || h.Bases[name] != "" || provider.SameBase(h.Dialect[0], name) && entry.Bases[name] == entry.Bases[h.Dialect[0]]) {
				h.Dialect = append(h.Dialect, name)
			}
		}
	}
	if h.Auth == "" {
		h.Auth = provider.Auth(entry.Auth)
	}
}

// files returns whether calls may name only what their own keys uploaded to a provider, and the host where its files have
// addresses.
func files(h *provider.HTTP, p *config.Provider) (own bool, host string) {
	for _, d := range h.Dialect {
		switch d {
		case llm.GeminiFiles:
			if u, err := url.Parse(cmp.Or(h.Bases[d], h.Base)); err == nil {
				host = strings.ToLower(u.Hostname())
			}
			fallthrough
		case llm.OpenAIFiles, llm.AnthropicFiles:
			own = p.Files != "any"
		}
	}
	return own, host
}

// regional puts a region into a base URL. Google's global endpoint has none in its name.
func regional(base, region string) string {
	if region == "global" {
		base = strings.Replace(base, "{region}-", "", 1)
	}
	return strings.ReplaceAll(base, "{region}", region)
}

// adapter returns how a provider differs that signs or addresses in its own way, nil for one that does not.
func adapter(h *provider.HTTP, p *config.Provider) provider.Adapter {
	switch {
	case h.Auth == "aws":
		return &bedrock.Signer{Region: p.Region}
	case h.Auth == "google":
		return &vertex.Place{Project: p.Project, Location: p.Region, Key: h.Key}
	case h.Auth == "azure":
		return &azure.Resource{APIVersion: p.APIVersion}
	case p.APIVersion != "":
		return &azure.Resource{APIVersion: p.APIVersion, Key: h.Key}
	}
	return nil
}

// way is how a provider is reached; providers with the same way share connections.
type way struct {
	connect   time.Duration
	proxy, ca string
}

// upstream is how providers are reached: without TLS by our own client, which is cheaper, with TLS by net/http's, which
// also knows proxies.
type upstream struct {
	plain *h1.Client // nil: through a proxy
	tls   *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (u *upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" && u.plain != nil {
		return u.plain.RoundTrip(req)
	}
	return u.tls.RoundTrip(req)
}

// transport returns the connections to a provider. They are shared by all providers and revisions: a pool is per host
// anyway, and a reload must not close connections in use.
func (c *Compiler) transport(d *config.Document, p *config.Provider) (*upstream, error) {
	w := way{
		connect: p.Timeouts.Connect, proxy: cmp.Or(p.Egress.Proxy, d.Node.Egress.Proxy),
		ca: cmp.Or(p.Egress.CA.Reveal(), d.Node.Egress.CA.Reveal()),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.pools[w]; t != nil {
		return t, nil
	}
	dialer := &net.Dialer{Timeout: w.connect, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    w.connect,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           4096,
		MaxIdleConnsPerHost:    1024,
		IdleConnTimeout:        50 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
	u := &upstream{tls: t}
	if w.proxy == "" {
		u.plain = &h1.Client{Connect: w.connect}
	} else {
		address, err := url.Parse(w.proxy)
		if err != nil {
			return nil, err
		}
		t.Proxy = http.ProxyURL(address)
	}
	if w.ca != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool() // a system without any trusts what is given
		}
		if !roots.AppendCertsFromPEM([]byte(w.ca)) {
			return nil, fmt.Errorf("ca holds no certificate in PEM")
		}
		t.TLSClientConfig.RootCAs = roots
	}
	c.pools[w] = u
	return u, nil
}

// Close closes idle connections to providers.
func (c *Compiler) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.pools {
		if t.plain != nil {
			t.plain.CloseIdleConnections()
		}
		t.tls.CloseIdleConnections()
	}
}
