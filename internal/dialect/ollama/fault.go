package ollama

import (
	"net/http"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/rawjson"
)

// Fault implements dialect.Dialect. The SDKs tell faults apart by the status of the answer alone and show the text; in a
// stream a line with an error ends it.
func (chat) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("error").String(f.Message).Close('}')
	if form == dialect.Stream {
		w.Buf = append(w.Buf, '\n')
	}
	return w.Buf
}

// ReadFault implements dialect.Dialect. It keeps no memory of body.
func (chat) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	f := dialect.ReadError(status, h, body)
	message := strings.ToLower(f.Message)
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(message, w) {
				return true
			}
		}
		return false
	}
	broken := f.Kind == fault.Malformed || f.Kind == fault.Upstream
	switch {
	case broken && says("context length", "context size", "context window", "input is too long", "prompt is too long"):
		f.Kind = fault.ContextLength
	case f.Kind == fault.Upstream && says("server busy", "maximum pending requests"):
		f.Kind = fault.Overloaded
	case f.Kind == fault.RateLimit && says("usage limit"):
		f.Kind = fault.Quota
	case status == 0 && says("not found"):
		f.Kind = fault.NotFound
	}
	return f
}
