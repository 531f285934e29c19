package gemini

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/rawjson"
)

// statuses are Google's words for kinds of errors (google.rpc.Code) with what they mean when a provider sends them.
var statuses = map[string]fault.Kind{
	"INVALID_ARGUMENT":    fault.Malformed,
	"FAILED_PRECONDITION": fault.Malformed,
	"OUT_OF_RANGE":        fault.Malformed,
	"ALREADY_EXISTS":      fault.Malformed,
	"UNAUTHENTICATED":     fault.UpstreamAuth,
	"PERMISSION_DENIED":   fault.UpstreamAuth,
	"NOT_FOUND":           fault.NotFound,
	"UNIMPLEMENTED":       fault.Malformed,
	"RESOURCE_EXHAUSTED":  fault.RateLimit,
	"UNAVAILABLE":         fault.Overloaded,
	"DEADLINE_EXCEEDED":   fault.Timeout,
	"CANCELLED":           fault.Timeout,
	"INTERNAL":            fault.Upstream,
	"UNKNOWN":             fault.Upstream,
	"DATA_LOSS":           fault.Upstream,
	"ABORTED":             fault.Upstream,
}

// StatusWord returns Google's word for a fault.
func StatusWord(f *fault.Fault) string {
	switch f.Kind {
	case fault.Malformed, fault.Unsupported, fault.MediaType, fault.TooLarge, fault.ContextLength, fault.ContentPolicy:
		return "INVALID_ARGUMENT"
	case fault.MethodNotAllowed:
		return "UNIMPLEMENTED"
	case fault.Unauthorized:
		return "UNAUTHENTICATED"
	case fault.Forbidden:
		return "PERMISSION_DENIED"
	case fault.UpstreamAuth: // the word that goes with the provider's status
		switch f.Status() {
		case http.StatusUnauthorized:
			return "UNAUTHENTICATED"
		case http.StatusForbidden:
			return "PERMISSION_DENIED"
		}
	case fault.NotFound:
		return "NOT_FOUND"
	case fault.RateLimit, fault.Quota:
		return "RESOURCE_EXHAUSTED"
	case fault.Overloaded, fault.Unavailable:
		return "UNAVAILABLE"
	case fault.SlowBody, fault.Timeout:
		return "DEADLINE_EXCEEDED"
	case fault.ClientGone:
		return "CANCELLED"
	}
	return "INTERNAL"
}

const typeURL = "type.googleapis.com/google.rpc."

// Fault implements dialect.Dialect. error is the only member and the first: in a stream the SDKs know it by that.
func (generate) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	w := rawjson.Writer{Buf: dst}
	switch form {
	case dialect.Stream:
		w.Buf = append(w.Buf, "data: "...)
	case dialect.Element:
		w.Buf = append(w.Buf, ",\r\n"...)
	case dialect.Whole:
	}
	w.Open('{').Name("error").Open('{')
	w.Name("code").Int(int64(f.Status())).Name("message").String(f.Message).Name("status").String(StatusWord(f))
	writeDetailsOf(&w, f)
	w.Close('}').Close('}')
	if form == dialect.Stream {
		w.Buf = append(w.Buf, "\r\n\r\n"...)
	}
	return w.Buf
}

// writeDetailsOf writes what Google tells in details: how long to wait, which member is at fault, the request's id.
func writeDetailsOf(w *rawjson.Writer, f *fault.Fault) {
	if f.RetryAfter <= 0 && f.Param == "" && f.Code == "" && f.ID == "" {
		return
	}
	w.Name("details").Open('[')
	if f.Code != "" {
		w.Open('{').Name("@type").String(typeURL + "ErrorInfo").Name("reason").String(f.Code).Name("domain").String("weir").Close('}')
	}
	if f.Param != "" {
		w.Open('{').Name("@type").String(typeURL + "BadRequest").Name("fieldViolations").Open('[')
		w.Open('{').Name("field").String(f.Param).Name("description").String(f.Message).Close('}')
		w.Close(']').Close('}')
	}
	if f.RetryAfter > 0 {
		seconds := strconv.FormatFloat(f.RetryAfter.Seconds(), 'f', -1, 64)
		w.Open('{').Name("@type").String(typeURL + "RetryInfo").Name("retryDelay").String(seconds + "s").Close('}')
	}
	if f.ID != "" {
		w.Open('{').Name("@type").String(typeURL + "RequestInfo").Name("requestId").String(f.ID).Close('}')
	}
	w.Close(']')
}

// isError reports whether an answer is an error in spite of its status.
func isError(v []byte) bool {
	v = first(v)
	e := rawjson.Get(v, "error")
	return rawjson.Kind(e) == '{' || rawjson.Kind(e) == '"'
}

// first returns the first element of a list, and anything else as it is: Vertex may wrap an error in a list.
func first(v []byte) []byte {
	if rawjson.Kind(v) == '[' {
		for _, e := range rawjson.Elems(v) {
			return e
		}
	}
	return v
}

// garbage is the fault of an answer that cannot be read.
func garbage(message string, cause error) *fault.Fault {
	return &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: message, Cause: cause}
}

// messageMost bounds what of a provider's error is shown to a client, in bytes.
const messageMost = 2 << 10

// ReadFault implements dialect.Dialect. It keeps no memory of body.
func (generate) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	f := &fault.Fault{Origin: fault.There, HTTPStatus: status, RetryAfter: fault.Wait(h, time.Now())}
	body = bytes.TrimSpace(body)
	code := int64(status)
	reason := ""
	switch {
	case len(body) == 0:
	case rawjson.Check(body) == nil:
		code, reason = readError(f, first(body), code)
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
	kind, known := statuses[f.NativeType]
	if !known || kind == fault.Malformed && code >= 401 {
		kind = fault.OfStatus(int(code))
	}
	f.Kind = refineKind(kind, strings.ToLower(f.Message), reason)
	if f.Kind == fault.RateLimit && f.RetryAfter == 0 && strings.Contains(f.Message, "exceeded your current quota") {
		f.Kind = fault.Quota // a limit of a minute comes with the time to wait
	}
	return f
}

// readError reads an error, or a text in its place. It returns the status it names and the reason that its details give.
func readError(f *fault.Fault, v []byte, status int64) (code int64, reason string) {
	code = status
	if e := rawjson.Get(v, "error"); !rawjson.IsNull(e) {
		v = e
	}
	if s, ok := rawjson.String(v); ok {
		f.Message = s
		return code, ""
	}
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "code":
			if n, ok := rawjson.Int(val); ok && n >= 400 && n < 600 {
				code = n
			}
		case "message", "error_description":
			if s, ok := rawjson.String(val); ok {
				f.Message = s
			}
		case "status":
			f.NativeType = short(rawjson.Text(val))
		case "details":
			reason = readDetails(f, val)
		}
	}
	return code, reason
}

// usedUp stands for a reason where the quota of a day is used up; the wait that is told with it is no help.
const usedUp = "QUOTA_OF_A_DAY"

func readDetails(f *fault.Fault, v []byte) (reason string) {
	for _, e := range rawjson.Elems(v) {
		switch strings.TrimPrefix(rawjson.Text(rawjson.Get(e, "@type")), typeURL) {
		case "RetryInfo":
			wait, err := time.ParseDuration(rawjson.Text(rawjson.Get(e, "retryDelay")))
			if err == nil && wait > 0 && f.RetryAfter == 0 {
				f.RetryAfter = min(wait, fault.WaitMost)
			}
		case "ErrorInfo":
			reason = short(rawjson.Text(rawjson.Get(e, "reason")))
			f.Code = reason
		case "QuotaFailure":
			for _, violation := range rawjson.Elems(rawjson.Get(e, "violations")) {
				if reason == "" && strings.Contains(rawjson.Text(rawjson.Get(violation, "quotaId")), "PerDay") {
					reason = usedUp
				}
			}
		case "BadRequest":
			for _, violation := range rawjson.Elems(rawjson.Get(e, "fieldViolations")) {
				if f.Param == "" {
					f.Param = short(rawjson.Text(rawjson.Get(violation, "field")))
				}
			}
		}
	}
	return reason
}

// short keeps a word of a provider's from filling the record.
func short(s string) string { return strings.ToValidUTF8(s[:min(len(s), 128)], "") }

// bounded cuts a provider's text and takes out what looks like a credential.
func bounded(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), messageMost+utf8.UTFMax)], "�")
	if len(s) > messageMost {
		end := messageMost
		for !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	return fault.Blot(s)
}

// refineKind tells apart what Google puts under one status: only reason and message say that a key is wrong, that the
// prompt is too long, that the quota of a day or the credit is used up, or that the content was refused.
func refineKind(k fault.Kind, message, reason string) fault.Kind {
	switch reason {
	case usedUp:
		if k == fault.RateLimit {
			return fault.Quota
		}
	case "API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "API_KEY_EXPIRED", "API_KEY_HTTP_REFERRER_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED":
		return fault.UpstreamAuth
	}
	for _, m := range [...]struct {
		of    fault.Kind
		words string
		kind  fault.Kind
	}{
		{fault.Malformed, "api key not valid", fault.UpstreamAuth},
		{fault.Malformed, "api key expired", fault.UpstreamAuth},
		{fault.Malformed, "exceeds the maximum number of tokens", fault.ContextLength},
		{fault.Malformed, "input token count", fault.ContextLength},
		{fault.Malformed, "context window", fault.ContextLength},
		{fault.Malformed, "user location is not supported", fault.UpstreamAuth},
		{fault.Malformed, "blocked by our safety", fault.ContentPolicy},
		{fault.Malformed, "prohibited use policy", fault.ContentPolicy},
		{fault.Malformed, "billing", fault.Quota},
		{fault.UpstreamAuth, "billing", fault.Quota},
		{fault.RateLimit, "credits are depleted", fault.Quota},
		{fault.RateLimit, "per day", fault.Quota},
		{fault.RateLimit, "perday", fault.Quota},
		{fault.RateLimit, "limit: 0", fault.Quota},
	} {
		if k == m.of && strings.Contains(message, m.words) {
			return m.kind
		}
	}
	return k
}
