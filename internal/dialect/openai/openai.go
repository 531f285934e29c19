// Package openai holds what OpenAI's endpoints share: the shape of an error, in both directions, the refusal of a body
// that cannot be read, and, of chat completions and completions, usage, finish reasons, stream options and the end mark.
//
// The shape is {"error": {"message", "type", "param", "code"}}, whole or as the data of a stream's frame. The official
// SDKs raise an error with these four for every status ≥ 400 and for every frame whose data has an "error". Many
// providers speak OpenAI's dialects and each has errors of its own shape, so ReadFault is tolerant: it reads what any
// of them was seen to send, and plain text and HTML pages from what stands in front of them.
package openai

import (
	"errors"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// AppendFault appends f as an OpenAI error: a JSON body, or a whole frame of a stream. An error has no place for the
// exchange's id; clients find it in the x-request-id header.
func AppendFault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	if form == dialect.Stream {
		dst = append(dst, "data: "...)
	}
	typ, code := words(f)
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("error").Open('{')
	w.Name("message").String(f.Message)
	w.Name("type").String(typ)
	w.Name("param")
	orNull(&w, f.Param)
	w.Name("code")
	orNull(&w, code)
	w.Close('}').Close('}')
	if form == dialect.Stream {
		w.Buf = append(w.Buf, '\n', '\n')
	}
	return w.Buf
}

func orNull(w *rawjson.Writer, s string) {
	if s == "" {
		w.Null()
		return
	}
	w.String(s)
}

const (
	invalid  = "invalid_request_error"
	internal = "server_error"
)

// words returns OpenAI's type and code for a fault. A code the fault brings wins over the kind's.
func words(f *fault.Fault) (typ, code string) {
	switch f.Kind {
	case fault.Malformed, fault.Unsupported, fault.MediaType, fault.SlowBody:
		typ = invalid
	case fault.TooLarge:
		typ, code = invalid, "request_too_large"
	case fault.MethodNotAllowed:
		typ, code = invalid, "method_not_supported"
	case fault.Unauthorized, fault.UpstreamAuth:
		typ, code = "authentication_error", "invalid_api_key"
	case fault.Forbidden:
		typ = "permission_error"
	case fault.NotFound:
		typ, code = invalid, "not_found"
		if f.Param == "model" || f.Origin == fault.There {
			code = "model_not_found"
		}
	case fault.ContextLength:
		typ, code = invalid, "context_length_exceeded"
	case fault.ContentPolicy:
		typ, code = invalid, "content_policy_violation"
	case fault.RateLimit:
		typ, code = "rate_limit_error", "rate_limit_exceeded"
	case fault.Quota:
		typ, code = "insufficient_quota", "insufficient_quota"
	case fault.Overloaded:
		typ, code = internal, "server_is_overloaded"
	case fault.Timeout:
		typ, code = internal, "timeout"
	default: // Internal, Unavailable, Upstream, Cut, ClientGone
		typ = internal
	}
	if f.Code != "" {
		code = f.Code
	}
	return typ, code
}

// Refused turns the error of a splice.Spec into the fault that names the member at fault.
func Refused(err error) *fault.Fault {
	f := &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read: " + err.Error(), Cause: err}
	if e, ok := errors.AsType[*splice.Error](err); ok {
		f.Param = e.Member
	}
	return f
}

// Model reads the member that names the model; raw is nil where there is none.
func Model(raw []byte) (string, error) {
	if raw == nil {
		return "", malformed("model", "you must name a model: the member \"model\" is missing")
	}
	name, ok := rawjson.String(raw)
	if !ok || name == "" {
		return "", malformed("model", "model must be a string that is not empty")
	}
	return name, nil
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Message: message, Param: param}
}
