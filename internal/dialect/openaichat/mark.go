package openaichat

import (
	"bytes"
	"encoding/json"
	"reflect"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// spanOf returns where v, a part of body, stands in it.
func spanOf(body, v []byte) llm.Span {
	if len(body) == 0 || len(v) == 0 {
		return llm.Span{}
	}
	at := int(reflect.ValueOf(v).Pointer() - reflect.ValueOf(body).Pointer())
	if at < 0 || at+len(v) > len(body) {
		return llm.Span{} // v is a copy
	}
	return llm.Span{Start: at, End: at + len(v)}
}

// mark is what Raw holds of calls, results and tools that came as legacy functions.
var mark = json.RawMessage(`"function_call"`)

func legacy(raw json.RawMessage) bool { return bytes.Equal(raw, mark) }

// cacheMark reads a cache_control, nil if it says more than a mark can hold.
func cacheMark(v []byte) *llm.CacheMark {
	var m llm.CacheMark
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "type":
			if rawjson.Text(val) != "ephemeral" {
				return nil
			}
		case "ttl":
			s, ok := rawjson.String(val)
			if !ok || s == "" {
				return nil
			}
			m.TTL = s
		default:
			return nil
		}
	}
	if rawjson.Get(v, "type") == nil {
		return nil
	}
	return &m
}

func writeCache(w *rawjson.Writer, m *llm.CacheMark) {
	w.Name("cache_control").Open('{').Name("type").String("ephemeral")
	if m.TTL != "" {
		w.Name("ttl").String(m.TTL)
	}
	w.Close('}')
}
