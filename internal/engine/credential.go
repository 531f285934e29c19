package engine

import (
	"crypto/subtle"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// Identify returns the grant of the credential a request carries. The fault is Unauthorized.
func (s *Snapshot) Identify(r *http.Request) (*gateway.Grant, error) {
	credential, err := presented(r)
	if err != nil {
		return nil, err
	}
	grant, ok := s.Directory.Grant(credential)
	if !ok {
		return nil, fault.New(fault.Unauthorized, "the key is not known here; check that it is whole and was not revoked")
	}
	if !grant.Expires.IsZero() && !time.Now().Before(grant.Expires) {
		return nil, fault.New(fault.Unauthorized, "the key %s expired on %s", grant.Key, grant.Expires.Format(time.DateOnly))
	}
	return grant, nil
}

// Loopback reports whether a request came from this machine itself, and not through a proxy on it.
func Loopback(r *http.Request) bool {
	return clientAddr(r.RemoteAddr).IsLoopback() && r.Header["X-Forwarded-For"] == nil && r.Header["Forwarded"] == nil && r.Header["Via"] == nil
}

// presented returns the credential, wherever the dialects' SDKs put it. Two that disagree are refused: otherwise what
// identifies and what is believed to identify could differ.
func presented(r *http.Request) (string, error) {
	var key string
	take := func(v string) bool {
		if v == "" {
			return true
		}
		if key != "" && subtle.ConstantTimeCompare([]byte(key), []byte(v)) != 1 {
			return false
		}
		key = v
		return true
	}
	ok := true
	for _, v := range r.Header["Authorization"] {
		scheme, rest, _ := strings.Cut(v, " ")
		switch {
		case strings.EqualFold(scheme, "Bearer"):
			ok = ok && take(strings.TrimSpace(rest))
		case strings.HasPrefix(scheme, "AWS4-"):
			return "", fault.New(fault.Unauthorized, "signed AWS requests cannot be checked here; send the key as a bearer token (AWS_BEARER_TOKEN_BEDROCK)")
		}
	}
	for _, name := range [...]string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		for _, v := range r.Header[name] {
			ok = ok && take(strings.TrimSpace(v))
		}
	}
	if strings.Contains(r.URL.RawQuery, "key=") {
		for _, v := range r.URL.Query()["key"] {
			ok = ok && take(v)
		}
	}
	switch {
	case !ok:
		return "", fault.New(fault.Unauthorized, "the request carries two keys that disagree; send one")
	case key == "":
		return "", fault.New(fault.Unauthorized, "the request carries no key; send it as `Authorization: Bearer KEY` or `x-api-key: KEY`")
	}
	return key, nil
}

// withoutKey takes the key out of a query, so that it neither goes up nor into a record.
func withoutKey(query string) string {
	if !strings.Contains(query, "key=") {
		return query
	}
	v, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	v.Del("key")
	return v.Encode()
}

// acceptable refuses bodies that are declared to be something else than JSON, or a form where the operation takes one.
// Clients that declare nothing, or what curl declares unasked, are taken at their bytes.
func acceptable(declared []string, d dialect.Dialect, op llm.Op) error {
	if len(declared) > 1 {
		return fault.New(fault.MediaType, "the request has %d content types; send one", len(declared))
	}
	contentType := strings.Join(declared, "")
	switch contentType {
	case "", "application/json", "application/x-www-form-urlencoded":
		return nil
	}
	t, _, err := mime.ParseMediaType(contentType)
	if f, ok := d.(dialect.Former); ok && err == nil && t == "multipart/form-data" && f.Forms(op) {
		return nil
	}
	if err != nil || strings.HasPrefix(t, "multipart/") || strings.HasPrefix(t, "image/") || strings.HasPrefix(t, "audio/") || strings.HasPrefix(t, "video/") {
		return fault.New(fault.MediaType, "this path takes application/json, not %.60q", contentType)
	}
	return nil
}
