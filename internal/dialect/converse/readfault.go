package converse

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"weir/internal/fault"
	"weir/internal/rawjson"
)

// messageMost bounds what of a provider's error is shown to a client, in bytes.
const messageMost = 2 << 10

// exceptions are the types of errors of Bedrock and of what stands in front of it, in lower case, with what they mean.
var exceptions = map[string]fault.Kind{
	"validationexception":                 fault.Malformed,
	"serializationexception":              fault.Malformed,
	"conflictexception":                   fault.Malformed,
	"throttlingexception":                 fault.RateLimit,
	"throttledexception":                  fault.RateLimit,
	"toomanyrequestsexception":            fault.RateLimit,
	"requestlimitexceeded":                fault.RateLimit,
	"servicequotaexceededexception":       fault.Quota,
	"limitexceededexception":              fault.Quota,
	"modelnotreadyexception":              fault.Overloaded,
	"serviceunavailableexception":         fault.Overloaded,
	"serviceunavailable":                  fault.Overloaded,
	"modeltimeoutexception":               fault.Timeout,
	"requesttimeoutexception":             fault.Timeout,
	"modelerrorexception":                 fault.Upstream,
	"modelstreamerrorexception":           fault.Upstream,
	"internalserverexception":             fault.Upstream,
	"internalfailure":                     fault.Upstream,
	"internalservererror":                 fault.Upstream,
	"resourcenotfoundexception":           fault.NotFound,
	"unknownoperationexception":           fault.NotFound,
	"requestentitytoolargeexception":      fault.TooLarge,
	"accessdeniedexception":               fault.UpstreamAuth,
	"accessdenied":                        fault.UpstreamAuth,
	"unrecognizedclientexception":         fault.UpstreamAuth,
	"invalidclienttokenid":                fault.UpstreamAuth,
	"expiredtokenexception":               fault.UpstreamAuth,
	"expiredtoken":                        fault.UpstreamAuth,
	"requestexpired":                      fault.UpstreamAuth,
	"invalidsignatureexception":           fault.UpstreamAuth,
	"signaturedoesnotmatch":               fault.UpstreamAuth,
	"incompletesignatureexception":        fault.UpstreamAuth,
	"incompletesignature":                 fault.UpstreamAuth,
	"missingauthenticationtokenexception": fault.UpstreamAuth,
	"missingauthenticationtoken":          fault.UpstreamAuth,
	"notauthorizedexception":              fault.UpstreamAuth,
	"optinrequired":                       fault.UpstreamAuth,
}

// said are words in messages that tell more than the type does, in lower case.
var said = []struct {
	words string
	of    fault.Kind // the kind it refines
	is    fault.Kind
}{
	{"input is too long", fault.Malformed, fault.ContextLength},
	{"prompt is too long", fault.Malformed, fault.ContextLength},
	{"too many input tokens", fault.Malformed, fault.ContextLength},
	{"too many tokens", fault.Malformed, fault.ContextLength},
	{"input tokens exceed", fault.Malformed, fault.ContextLength},
	{"exceeds the model's maximum context", fault.Malformed, fault.ContextLength},
	{"maximum context length", fault.Malformed, fault.ContextLength},
	{"context window", fault.Malformed, fault.ContextLength},
	{"context limit", fault.Malformed, fault.ContextLength},
	{"expected maxlength", fault.Malformed, fault.ContextLength},
	{"model identifier is invalid", fault.Malformed, fault.NotFound},
	{"could not resolve the foundation model", fault.Malformed, fault.NotFound},
	{"blocked by our content filters", fault.Malformed, fault.ContentPolicy},
	{"content filtering policy", fault.Malformed, fault.ContentPolicy},
	{"usage policies", fault.Malformed, fault.ContentPolicy},
	{"responsible ai", fault.Malformed, fault.ContentPolicy},
	{"tokens per day", fault.RateLimit, fault.Quota},
	{"security token", fault.Malformed, fault.UpstreamAuth},
	{"is not authorized to perform", fault.Malformed, fault.UpstreamAuth},
	{"overloaded", fault.Upstream, fault.Overloaded},
}

// ReadFault implements dialect.Dialect. It keeps no memory of body.
func (converse) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	typ := h.Get(errorHeader)
	return readFault(status, h, typ, body)
}

// readFault reads an error whose type, if typ names it, stands beside its body.
func readFault(status int, h http.Header, typ string, body []byte) *fault.Fault {
	f := &fault.Fault{Origin: fault.There, HTTPStatus: status, RetryAfter: fault.Wait(h, time.Now())}
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
	case rawjson.Check(body) == nil:
		readError(f, body, 0)
	case body[0] == '<':
		f.Message = fmt.Sprintf("the provider answered with status %d and a page", status)
	default:
		f.Message = string(body[:min(len(body), messageMost+utf8.UTFMax)])
	}
	if typ != "" {
		f.NativeType = typ
	}
	f.NativeType = bareType(f.NativeType)
	f.Message = bounded(f.Message)
	kind, known := exceptions[strings.ToLower(f.NativeType)]
	if !known {
		if kind = fault.OfStatus(status); status == http.StatusFailedDependency {
			kind = fault.Upstream // the model failed
		}
	}
	f.Kind = refine(kind, strings.ToLower(f.Message))
	if f.Message == "" {
		f.Message = fmt.Sprintf("the provider answered with status %d and no message", status)
		if status == 0 {
			f.Message = "the provider broke off the answer without a message"
		}
		if f.NativeType != "" {
			f.Message += " (" + f.NativeType + ")"
		}
	}
	return f
}

// bareType takes off what stands around the name of a type: a namespace in front, a link behind.
func bareType(s string) string {
	s, _, _ = strings.Cut(s, ":")
	if i := strings.LastIndexByte(s, '#'); i >= 0 {
		s = s[i+1:]
	}
	return strings.ToValidUTF8(s[:min(len(s), 128)], "")
}

// readError finds the words of an error: message and type on top, under Output (unknown operations) or in an error
// object (what stands in front of Bedrock).
func readError(f *fault.Fault, v []byte, depth int) {
	if s, ok := rawjson.String(v); ok {
		f.Message = s
		return
	}
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "message", "Message", "errorMessage", "originalMessage", "detail":
			if s := rawjson.Text(val); s != "" && (f.Message == "" || string(name) == "message") {
				f.Message = s
			}
		case "__type", "code", "Code", "type":
			if s := rawjson.Text(val); s != "" && (f.NativeType == "" || string(name) == "__type") {
				f.NativeType = s
			}
		case "Output", "error", "Error":
			if depth < 2 && !rawjson.IsNull(val) {
				readError(f, val, depth+1)
			}
		}
	}
}

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

func refine(k fault.Kind, message string) fault.Kind {
	for _, m := range said {
		if m.of == k && strings.Contains(message, m.words) {
			return m.is
		}
	}
	return k
}
