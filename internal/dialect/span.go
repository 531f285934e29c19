package dialect

import (
	"reflect"

	"weir/internal/llm"
)

// SpanOf returns where v stands in body, the zero Span where it is no part of it.
func SpanOf(body, v []byte) llm.Span {
	if len(body) == 0 || len(v) == 0 {
		return llm.Span{}
	}
	at := int(reflect.ValueOf(v).Pointer() - reflect.ValueOf(body).Pointer())
	if at < 0 || at+len(v) > len(body) {
		return llm.Span{} // v is a copy
	}
	return llm.Span{Start: at, End: at + len(v)}
}
