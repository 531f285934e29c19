// Package provider is what a place that serves models is: where it is, how it is addressed and signed, and how its
// answers are framed. Which language is spoken there is the dialect's matter.
//
// Most providers are data: HTTP serves every one that takes a base URL and a static credential. Those that sign, address
// or frame differently live in the packages below this one.
package provider

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
)

// Shot is one request about to be sent.
type Shot struct {
	Dialect llm.Dialect   // spoken with the provider
	Call    dialect.Call  // Path from the dialect's root; Header holds what the codec or the edit demands
	Client  http.Header   // the client's headers; nil when the request was translated
	Method  string        // "" = POST
	Body    io.ReadCloser // reads Call.Body; closed by the transport
}

// Provider is one place. Implementations are immutable and safe for concurrent use.
type Provider interface {
	// Name is the document's name.
	Name() string
	// Speaks lists the dialects for an operation, the preferred one first.
	Speaks(llm.Op) []llm.Dialect
	// Request builds the request with URL, credential and headers. The client's credential is never in it.
	Request(context.Context, Shot) (*http.Request, error)
	// Frames cuts a streamed answer; buf is scratch for the first reads.
	Frames(kind llm.Framing, body io.Reader, buf []byte) frame.Seq
}

// Auth is how a credential is presented, in the words of the document's `auth`.
type Auth string

// The ways to present a static credential.
const (
	Bearer     Auth = "bearer"
	XAPIKey    Auth = "x-api-key"
	XGoogKey   Auth = "x-goog-api-key"
	APIKey     Auth = "api-key"
	Anonymous  Auth = "none"
	MaxFrame        = 16 << 20 // bytes of the largest event of a stream
	apiVersion      = "2023-06-01"
)

// Adapter is how a provider differs that addresses or signs in its own way. Implementations are immutable and safe for
// concurrent use.
type Adapter interface {
	// Address returns the call as the provider wants it: with another path, query or body. It changes nothing in place;
	// a body it returns is its own.
	Address(d llm.Dialect, c dialect.Call) (dialect.Call, error)
	// Sign puts the credential into a request that is ready otherwise; body is what it carries. It may wait for the
	// service that gives credentials out, no longer than the request's context allows. The error is a *fault.Fault.
	Sign(r *http.Request, body []byte) error
}

// HTTP is a provider that is data. Set the fields, then call Ready once before use; after that it is immutable.
type HTTP struct {
	Label   string                 // the document's name
	Base    string                 // absolute URL as the dialect's official SDK takes it
	Bases   map[llm.Dialect]string // of dialects whose base is another
	Dialect []llm.Dialect
	Auth    Auth     // "" = what the dialect's SDK sends
	Key     string   // the credential
	Pass    []string // further client headers that go up, canonical or not
	Ops     map[llm.Dialect][]llm.Op
	Adapter Adapter // nil: addressed as the dialect says, signed with Key

	base  *url.URL
	bases map[llm.Dialect]*url.URL
	pass  map[string]bool
}

// Ready checks and prepares p.
func (p *HTTP) Ready() error {
	base := func(text string) (*url.URL, error) {
		u, err := url.Parse(text)
		if err == nil {
			u.Path = strings.TrimRight(u.Path, "/")
		}
		return u, err
	}
	var err error
	if p.base, err = base(p.Base); err != nil {
		return err
	}
	p.bases = make(map[llm.Dialect]*url.URL, len(p.Bases))
	for d, text := range p.Bases {
		if p.bases[d], err = base(text); err != nil {
			return err
		}
	}
	p.pass = make(map[string]bool, len(p.Pass))
	for _, h := range p.Pass {
		p.pass[http.CanonicalHeaderKey(h)] = true
	}
	return nil
}

// Name implements Provider.
func (p *HTTP) Name() string { return p.Label }

// Speaks implements Provider.
func (p *HTTP) Speaks(op llm.Op) []llm.Dialect {
	var out []llm.Dialect
	for _, d := range p.Dialect {
		if slices.Contains(p.Ops[d], op) {
			out = append(out, d)
		}
	}
	return out
}

// Frames implements Provider.
func (p *HTTP) Frames(kind llm.Framing, body io.Reader, buf []byte) frame.Seq {
	return frame.Cut(kind, body, buf, MaxFrame)
}

// Request implements Provider.
func (p *HTTP) Request(ctx context.Context, s Shot) (*http.Request, error) {
	if p.base == nil {
		return nil, fault.New(fault.Internal, "provider %s is not ready", p.Label)
	}
	if p.Adapter != nil {
		call, err := p.Adapter.Address(s.Dialect, s.Call)
		if err != nil {
			return nil, err
		}
		if !sameBytes(call.Body, s.Call.Body) {
			_ = s.Body.Close() // it is not what is sent
			s.Body = io.NopCloser(bytes.NewReader(call.Body))
		}
		s.Call = call
	}
	u := *p.base
	if own := p.bases[s.Dialect]; own != nil {
		u = *own
	}
	path := s.Call.Path
	if !bare(s.Dialect) {
		path = strings.TrimPrefix(path, "/v1")
	}
	if err := extend(&u, path); err != nil {
		return nil, err
	}
	u.RawQuery = s.Call.Query
	h := make(http.Header, 12)
	for name, values := range s.Client {
		if goesUp(name) || p.pass[name] {
			h[name] = values
		}
	}
	maps.Copy(h, s.Call.Header)
	h["Accept-Encoding"] = identity
	if h["Content-Type"] == nil {
		h["Content-Type"] = jsonType
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = agent
	}
	if strings.HasPrefix(string(s.Dialect), "anthropic-") && h["Anthropic-Version"] == nil {
		h["Anthropic-Version"] = []string{apiVersion}
	}
	if p.Adapter == nil {
		p.sign(h, s.Dialect)
	}
	method := s.Method
	if method == "" {
		method = http.MethodPost
	}
	if len(s.Call.Body) == 0 {
		_ = s.Body.Close() // nothing in it
		s.Body = http.NoBody
	}
	req := &http.Request{
		Method: method, URL: &u, Host: u.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: s.Body, ContentLength: int64(len(s.Call.Body)),
	}
	req = req.WithContext(ctx)
	if p.Adapter != nil {
		body := s.Call.Body
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		if err := p.Adapter.Sign(req, body); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// sameBytes reports whether two slices are the same memory.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

var (
	identity = []string{"identity"}
	jsonType = []string{"application/json"}
	agent    = []string{"weir"}
)

// extend appends an escaped path to that of u.
func extend(u *url.URL, path string) error {
	if !strings.Contains(path, "%") && u.RawPath == "" {
		u.Path += path
		return nil
	}
	raw := u.EscapedPath() + path
	plain, err := url.PathUnescape(raw)
	if err != nil {
		return &fault.Fault{Kind: fault.Malformed, Message: "the path is escaped in a way that cannot be read", Cause: err}
	}
	u.Path, u.RawPath = plain, raw
	return nil
}

func (p *HTTP) sign(h http.Header, d llm.Dialect) {
	auth := p.Auth
	if auth == "" {
		switch d {
		case llm.AnthropicMessages, llm.AnthropicBatches, llm.AnthropicFiles:
			auth = XAPIKey
		case llm.GeminiLive, llm.GeminiGenerate, llm.GeminiEmbeddings, llm.GeminiImages, llm.GeminiInteractions, llm.GeminiFiles, llm.GeminiBatches:
			auth = XGoogKey
		default:
			auth = Bearer
		}
	}
	if p.Key == "" {
		return
	}
	switch auth {
	case Bearer:
		h["Authorization"] = []string{"Bearer " + p.Key}
	case XAPIKey:
		h["X-Api-Key"] = []string{p.Key}
	case XGoogKey:
		h["X-Goog-Api-Key"] = []string{p.Key}
	case APIKey:
		h["Api-Key"] = []string{p.Key}
	case Anonymous:
	}
}

// bare reports whether the dialect's SDK takes the bare host as base URL and appends /v1 (/v1beta, /v2, /api, /model)
// itself; OpenAI's take one that ends in /v1, and so does what is spoken beside theirs alone.
func bare(d llm.Dialect) bool {
	return !strings.HasPrefix(string(d), "openai-") && d != llm.MistralBatches
}

// SameBase reports whether one base URL can serve both dialects.
func SameBase(a, b llm.Dialect) bool { return bare(a) == bare(b) }

// goesUp reports whether a client's header passes to every provider. Credentials, cookies, proxy and forwarding
// headers never do, whatever a document names in pass_headers.
func goesUp(name string) bool {
	switch name {
	case "Accept", "Content-Type", "User-Agent", "Inference-Header-Content-Length":
		return true
	}
	return strings.HasPrefix(name, "Anthropic-") || strings.HasPrefix(name, "Openai-") || strings.HasPrefix(name, "X-Stainless-") || strings.HasPrefix(name, "X-Goog-Upload-")
}

// Closed reports whether a header may never be passed up, so that a document cannot name it in pass_headers.
func Closed(name string) bool {
	name = http.CanonicalHeaderKey(name)
	switch name {
	case "Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie", "Forwarded", "Host", "Content-Length",
		"Accept-Encoding", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Encoding":
		return true
	}
	return strings.HasPrefix(name, "Proxy-") || strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Weir-") ||
		strings.HasPrefix(name, "Sec-Websocket-") // a key may stand there
}
