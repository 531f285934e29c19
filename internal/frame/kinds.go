package frame

import (
	"io"
	"strings"

	"weir/internal/llm"
)

// Cut cuts a stream of the given framing; the rest is as for SSE.
func Cut(kind llm.Framing, r io.Reader, buf []byte, max int) Seq {
	switch kind {
	case llm.EventStream:
		return AWS(r, buf, max)
	case llm.NDJSON:
		return Lines(r, buf, max)
	case llm.Array:
		return Elements(r, buf, max)
	}
	return SSE(r, buf, max)
}

// ContentType returns the media type that a stream of the given framing is sent with.
func ContentType(kind llm.Framing) string {
	switch kind {
	case llm.EventStream:
		return "application/vnd.amazon.eventstream"
	case llm.NDJSON:
		return "application/x-ndjson"
	case llm.Array:
		return "application/json"
	}
	return "text/event-stream; charset=utf-8"
}

// Of tells by its content type whether an answer is a stream, and how it is cut. want is the framing the stream asked
// for has; without asked none is expected, and JSON is taken as a whole.
func Of(contentType string, asked bool, want llm.Framing) (kind llm.Framing, stream bool) {
	typ, _, _ := strings.Cut(contentType, ";")
	switch typ = strings.TrimSpace(typ); typ {
	case "text/event-stream":
		return llm.SSE, true
	case "application/vnd.amazon.eventstream":
		return llm.EventStream, true
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return llm.NDJSON, true
	case "application/json":
		return want, asked && want == llm.Array
	}
	if strings.EqualFold(typ, "text/event-stream") {
		return llm.SSE, true
	}
	return want, false
}
