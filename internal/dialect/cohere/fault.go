package cohere

import (
	"net/http"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/rawjson"
)

// Fault implements dialect.Dialect. The SDKs tell faults apart by the status of the answer alone and show the message; a
// stream that fails ends with a message-end that has an error.
func (chat) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	w := rawjson.Writer{Buf: dst}
	if form != dialect.Stream {
		w.Open('{')
		if f.ID != "" {
			w.Name("id").String(f.ID)
		}
		w.Name("message").String(f.Message)
		w.Close('}')
		return w.Buf
	}
	w.Buf = append(w.Buf, "event: message-end\ndata: "...)
	w.Open('{').Name("type").String("message-end")
	if f.ID != "" {
		w.Name("id").String(f.ID)
	}
	w.Name("delta").Open('{').Name("error").String(f.Message).Name("finish_reason")
	if f.Kind == fault.Timeout {
		w.String(wordTimeout)
	} else {
		w.String(wordError)
	}
	w.Close('}').Close('}')
	return append(w.Buf, '\n', '\n')
}

// ReadFault implements dialect.Dialect. It keeps no memory of body.
func (chat) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	if delta := rawjson.Get(body, "delta"); rawjson.Kind(delta) == '{' && rawjson.Check(body) == nil {
		f := dialect.ReadError(status, h, rawjson.Get(delta, "error"))
		if rawjson.Text(rawjson.Get(delta, "finish_reason")) == wordTimeout {
			f.Kind = fault.Timeout
		}
		return f
	}
	f := dialect.ReadError(status, h, body)
	if f.Code == "" {
		f.Code = f.NativeType // error_type is a code, such as TOO_MANY_TOKENS
	}
	message := strings.ToLower(f.Message)
	switch {
	case status == 498: // a deny-listed token was met
		f.Kind = fault.ContentPolicy
	case f.NativeType == "TOO_MANY_TOKENS", f.Kind == fault.Malformed && strings.Contains(message, "too many tokens"):
		f.Kind = fault.ContextLength
	case f.Kind == fault.RateLimit && (strings.Contains(message, "calls / month") || strings.Contains(message, "trial key")):
		f.Kind = fault.Quota
	case f.Kind == fault.Malformed && strings.Contains(message, "blocked"):
		f.Kind = fault.ContentPolicy
	}
	return f
}
