package openairesponses

import (
	"net/http"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/rawjson"
)

// Fault implements dialect.Dialect. Whole, it is OpenAI's error; in a stream it is an event of the type error, which has
// its words on top.
func (responses) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	if form != dialect.Stream {
		return openai.AppendFault(dst, f, form)
	}
	return appendError(dst, f, 0)
}

// appendError appends the event that ends a stream which failed. Its number in the stream is not known where the gateway
// breaks off what it only passes; no client orders events by it.
func appendError(dst []byte, f *fault.Fault, number int64) []byte {
	var shape [512]byte
	whole := openai.AppendFault(shape[:0], f, dialect.Whole)
	said := rawjson.Get(whole, "error")
	w := rawjson.Writer{Buf: append(dst, "event: error\ndata: "...)}
	w.Open('{').Name("type").String("error")
	w.Name("code").Raw(rawjson.Get(said, "code"))
	w.Name("message").String(f.Message)
	w.Name("param").Raw(rawjson.Get(said, "param"))
	w.Name("sequence_number").Int(number)
	w.Close('}')
	return append(w.Buf, '\n', '\n')
}

// ReadFault implements dialect.Dialect. It reads the error of a failed response too, whole or in its event.
func (responses) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	if rawjson.Kind(body) == '{' && rawjson.Check(body) == nil {
		if inner := rawjson.Get(body, "response", "error"); rawjson.Kind(inner) == '{' {
			body = inner
		}
	}
	f := openai.ReadFault(status, h, body)
	if f.Kind == fault.Upstream || f.Kind == fault.Malformed {
		f.Kind = kindOfCode(f)
	}
	return f
}

// kindOfCode tells apart what the codes of failed responses mean.
func kindOfCode(f *fault.Fault) fault.Kind {
	switch f.Code {
	case "invalid_prompt":
		if strings.Contains(strings.ToLower(f.Message), "polic") {
			return fault.ContentPolicy
		}
		return fault.Malformed
	case "bio_policy", "image_content_policy_violation":
		return fault.ContentPolicy
	case "vector_store_timeout":
		return fault.Timeout
	}
	if f.HTTPStatus == 0 && (strings.HasPrefix(f.Code, "invalid_") || strings.HasPrefix(f.Code, "image_") || strings.HasSuffix(f.Code, "_image")) {
		return fault.Malformed
	}
	return f.Kind
}
