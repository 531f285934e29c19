// Package fault says how things go wrong: one type for every refusal and failure a client or an operator can meet, and
// the one table that gives each kind its HTTP status.
//
// A fault has two readers. Message is for the client: what is wrong, where, what to do. Cause is for the operator and
// goes to the record only. Neither may hold a credential; Blot takes key-like runs out of text that comes from elsewhere.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Kind is what went wrong.
type Kind uint8

// The kinds of faults.
const (
	Internal         Kind = iota // ours
	Malformed                    // the request cannot be read or is not allowed by its dialect
	Unauthorized                 // no or wrong key
	Forbidden                    // the key may not
	NotFound                     // unknown path or model
	SlowBody                     // the body did not arrive in time
	TooLarge                     // body over the limit
	MediaType                    // content type or encoding not understood
	Unsupported                  // the target cannot carry what strict mode demands
	RateLimit                    // too many requests or tokens
	Quota                        // budget or credit is used up
	Overloaded                   // the provider has no capacity (529, 503)
	Unavailable                  // nothing to send to, or the provider cannot be reached
	Timeout                      // the provider did not answer in time
	Upstream                     // the provider failed (5xx) or answered garbage
	UpstreamAuth                 // the provider refused our credential
	Cut                          // a stream or answer broke off
	ContextLength                // the prompt is too long for the model
	ContentPolicy                // the provider refused the content
	ClientGone                   // the client left
	MethodNotAllowed             // path is known, method is not
	kinds
)

// Origin says where a fault arose.
type Origin uint8

// Origins: this gateway or a provider.
const (
	Here Origin = iota
	There
)

// Fault is an error with its answer. Treat it as immutable once returned.
type Fault struct {
	Kind        Kind
	Message     string // for the client
	Param       string // the member at fault, as a path in the client's document; "" = none
	Code        string // the provider's or our own short code; "" = none
	Origin      Origin
	HTTPStatus  int           // the provider's status; 0 = the kind's
	RetryAfter  time.Duration // 0 = not said
	NativeType  string        // the provider's own error type, when it named one
	ShouldRetry string        // the provider's x-should-retry, true or false; "" = not said
	ID          string        // the exchange's id, written where the dialect has a place for it
	Cause       error         // for the operator
}

// New returns a fault of ours with a client's message.
func New(k Kind, format string, args ...any) *Fault {
	return &Fault{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Error returns the client's message with the operator's cause.
func (f *Fault) Error() string {
	if f.Cause != nil {
		return f.Kind.String() + ": " + f.Message + ": " + f.Cause.Error()
	}
	return f.Kind.String() + ": " + f.Message
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// Status returns the HTTP status the client gets, by which its SDK chooses the class of the error: the provider's, unless
// its words say more than its status does (a 400 for a model that is not there) or the status is one that clients of
// other providers do not know.
func (f *Fault) Status() int {
	switch s := f.HTTPStatus; {
	case s == 0:
	case f.Origin == Here:
		return s
	case f.Kind == UpstreamAuth:
		if s == http.StatusForbidden {
			return s
		}
		return http.StatusUnauthorized
	case (OfStatus(s) == f.Kind || f.Kind == Upstream && s >= 500) && !peculiar(s):
		return s
	}
	return table[f.Kind].status
}

// Retry reports whether another target may do better.
func (f *Fault) Retry() bool { return table[f.Kind].retry }

// Of returns err as a Fault; an error that is none becomes an Internal one whose cause it is.
func Of(err error) *Fault {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{Kind: Internal, Message: "the gateway failed on this request", Cause: err}
}

// String returns the kind's word in records and metrics.
func (k Kind) String() string {
	if k < kinds {
		return table[k].name
	}
	return "internal"
}

// table gives each kind its word, its status and whether another target is worth a try.
var table = [kinds]struct {
	name   string
	status int
	retry  bool
}{
	Internal:         {"internal", http.StatusInternalServerError, false},
	Malformed:        {"malformed", http.StatusBadRequest, false},
	Unauthorized:     {"unauthorized", http.StatusUnauthorized, false},
	Forbidden:        {"forbidden", http.StatusForbidden, false},
	NotFound:         {"not_found", http.StatusNotFound, false},
	SlowBody:         {"slow_body", http.StatusRequestTimeout, false},
	TooLarge:         {"too_large", http.StatusRequestEntityTooLarge, false},
	MediaType:        {"media_type", http.StatusUnsupportedMediaType, false},
	Unsupported:      {"unsupported", http.StatusBadRequest, false},
	RateLimit:        {"rate_limit", http.StatusTooManyRequests, true},
	Quota:            {"quota", http.StatusTooManyRequests, true},
	Overloaded:       {"overloaded", http.StatusServiceUnavailable, true},
	Unavailable:      {"unavailable", http.StatusServiceUnavailable, true},
	Timeout:          {"timeout", http.StatusGatewayTimeout, true},
	Upstream:         {"upstream", http.StatusBadGateway, true},
	UpstreamAuth:     {"upstream_auth", http.StatusBadGateway, true},
	Cut:              {"cut", http.StatusBadGateway, true},
	ContextLength:    {"context_length", http.StatusBadRequest, false},
	ContentPolicy:    {"content_policy", http.StatusBadRequest, false},
	ClientGone:       {"client_gone", 499, false},
	MethodNotAllowed: {"method_not_allowed", http.StatusMethodNotAllowed, false},
}
