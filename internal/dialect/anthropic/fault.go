package anthropic

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/rawjson"
)

// errorTypes are the types of errors the SDKs know, with what they mean when a provider sends them.
var errorTypes = map[string]fault.Kind{
	"invalid_request_error": fault.Malformed,
	"authentication_error":  fault.UpstreamAuth,
	"permission_error":      fault.UpstreamAuth,
	"billing_error":         fault.Quota,
	"not_found_error":       fault.NotFound,
	"request_too_large":     fault.TooLarge,
	"rate_limit_error":      fault.RateLimit,
	"timeout_error":         fault.Timeout,
	"api_error":             fault.Upstream,
	"overloaded_error":      fault.Overloaded,
}

// threadUnsupported is the code by which an SDK learns to send the whole conversation.
const threadUnsupported = "thread_unsupported_request"

// errorType returns this dialect's word for a fault.
func errorType(f *fault.Fault) string {
	switch f.Kind {
	case fault.Malformed, fault.Unsupported, fault.MediaType, fault.ContextLength, fault.ContentPolicy, fault.MethodNotAllowed:
		return "invalid_request_error"
	case fault.Unauthorized:
		return "authentication_error"
	case fault.Forbidden:
		return "permission_error"
	case fault.UpstreamAuth: // the word that goes with the provider's status
		switch f.Status() {
		case http.StatusUnauthorized:
			return "authentication_error"
		case http.StatusForbidden:
			return "permission_error"
		}
	case fault.NotFound:
		return "not_found_error"
	case fault.TooLarge:
		return "request_too_large"
	case fault.RateLimit:
		return "rate_limit_error"
	case fault.Quota:
		if f.HTTPStatus == http.StatusPaymentRequired {
			return "billing_error"
		}
		return "rate_limit_error"
	case fault.Overloaded:
		return "overloaded_error"
	case fault.SlowBody, fault.Timeout:
		return "timeout_error"
	}
	return "api_error"
}

// Fault implements dialect.Dialect.
func (messages) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	w := rawjson.Writer{Buf: dst}
	if form == dialect.Stream {
		w.Buf = append(w.Buf, "event: error\ndata: "...)
	}
	w.Open('{').Name("type").String("error")
	w.Name("error").Open('{')
	w.Name("type").String(errorType(f)).Name("message").String(f.Message)
	if f.Code == threadUnsupported {
		what := f.Param
		if what == "" {
			what = "thread"
		}
		w.Name("details").Open('{').Name("error_code").String(threadUnsupported)
		w.Name("unsupported").Open('[').String(what).Close(']').Close('}')
	}
	w.Close('}')
	if f.ID != "" {
		w.Name("request_id").String(f.ID)
	}
	w.Close('}')
	if form == dialect.Stream {
		w.Buf = append(w.Buf, '\n', '\n')
	}
	return w.Buf
}

// FaultStatus implements dialect.FaultStatus: the SDKs have a class for an overloaded provider, by its status.
func (messages) FaultStatus(f *fault.Fault) int {
	if f.Kind == fault.Overloaded && f.Origin == fault.There {
		return statusOverloaded
	}
	return f.Status()
}

const statusOverloaded = 529

// messageMost bounds what of a provider's error is shown to a client, in bytes.
const messageMost = 2 << 10

// ReadFault implements dialect.Dialect. It keeps no memory of body.
func (messages) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	f := &fault.Fault{Origin: fault.There, HTTPStatus: status, RetryAfter: fault.Wait(h, time.Now())}
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
	case rawjson.Check(body) == nil:
		readError(f, body)
	case body[0] == '<':
		f.Message = fmt.Sprintf("the provider answered with status %d and a page of HTML", status)
	default:
		f.Message = string(body[:min(len(body), messageMost+utf8.UTFMax)])
	}
	f.Message = bounded(f.Message)
	if f.Message == "" {
		f.Message = fmt.Sprintf("the provider answered with status %d and no message", status)
		if status == 0 {
			f.Message = "the provider broke off the answer without a message"
		}
	}
	kind, known := errorTypes[f.NativeType]
	if !known {
		kind = fault.OfStatus(status)
	}
	f.Kind = refineKind(kind, strings.ToLower(f.Message))
	return f
}

// readError finds the words of an error in any of the shapes that speakers of this dialect were seen to use: an error
// object, a string, or message and detail on top.
func readError(f *fault.Fault, v []byte) {
	if rawjson.Kind(v) == '[' {
		for _, e := range rawjson.Elems(v) {
			v = e
			break
		}
	}
	if s, ok := rawjson.String(v); ok {
		f.Message = s
		return
	}
	top := v
	if e := rawjson.Get(v, "error"); e != nil {
		if s, ok := rawjson.String(e); ok {
			f.Message = s
		} else {
			v = e
		}
	}
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "type":
			if s := rawjson.Text(val); s != "error" {
				f.NativeType = short(s)
			}
		case "message", "detail":
			if s, ok := rawjson.String(val); ok {
				f.Message = s
			} else if f.Message == "" && !rawjson.IsNull(val) {
				f.Message = string(val[:min(len(val), messageMost+utf8.UTFMax)])
			}
		case "code":
			f.Code = short(rawjson.Text(val) + rawjson.Num(val))
		case "param":
			f.Param = short(rawjson.Text(val))
		case "details":
			if code := rawjson.Text(rawjson.Get(val, "error_code")); code != "" {
				f.Code = short(code)
			}
		}
	}
	if f.Message == "" {
		f.Message = rawjson.Text(rawjson.Get(top, "message"))
	}
}

// short keeps a word of a provider's from filling the record.
func short(s string) string { return s[:min(len(s), 128)] }

// bounded cuts a provider's text and takes out what looks like a credential.
func bounded(s string) string {
	if len(s) > messageMost {
		s = s[:messageMost]
		for len(s) > 0 && !utf8.ValidString(s[max(0, len(s)-utf8.UTFMax):]) {
			s = s[:len(s)-1]
		}
		s += "…"
	}
	return fault.Blot(strings.ToValidUTF8(s, "�"))
}

// refineKind tells apart what providers put under one type: only the message says that the prompt is too long, that
// the credit is used up or that the content was refused.
func refineKind(k fault.Kind, message string) fault.Kind {
	if k != fault.Malformed && k != fault.UpstreamAuth && k != fault.TooLarge {
		return k
	}
	for _, m := range [...]struct {
		words string
		kind  fault.Kind
	}{
		{"prompt is too long", fault.ContextLength},
		{"input is too long", fault.ContextLength},
		{"exceed context limit", fault.ContextLength},
		{"context window", fault.ContextLength},
		{"context length", fault.ContextLength},
		{"credit balance is too low", fault.Quota},
		{"reached your specified api usage limits", fault.Quota},
		{"content filtering policy", fault.ContentPolicy},
		{"usage policies", fault.ContentPolicy},
	} {
		if strings.Contains(message, m.words) {
			return m.kind
		}
	}
	return k
}
