package openaichat

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// keep notes a member without a field; null is as good as absent.
func keep(x *llm.Extra, name string, v []byte) {
	if rawjson.IsNull(v) {
		return
	}
	if *x == nil {
		*x = llm.Extra{}
	}
	(*x)[name] = json.RawMessage(v)
}

// keepRest notes, under dotted names, the members of a nested object that are not among known.
func keepRest(x *llm.Extra, prefix string, v []byte, known ...string) {
	for name, val := range rawjson.Members(v) {
		if !slices.Contains(known, string(name)) {
			keep(x, prefix+"."+string(name), val)
		}
	}
}

// names returns the names of x in order, so that what is written does not depend on a map's.
func names(x llm.Extra) []string {
	if len(x) == 0 {
		return nil
	}
	all := make([]string, 0, len(x))
	for name := range x {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// writeExtra writes the members of x except those that belong into one of the nested objects.
func writeExtra(w *rawjson.Writer, x llm.Extra, nested ...string) {
	for _, name := range names(x) {
		if head, _, dotted := strings.Cut(name, "."); dotted && slices.Contains(nested, head) {
			continue
		}
		w.Name(name).Raw(x[name])
	}
}

// writeNested writes the members of x that belong into the nested object.
func writeNested(w *rawjson.Writer, x llm.Extra, prefix string) {
	for _, name := range names(x) {
		if rest, ok := strings.CutPrefix(name, prefix+"."); ok {
			w.Name(rest).Raw(x[name])
		}
	}
}

// nothing reports whether a value says nothing: zero, false, empty. What merely states that is no loss.
func nothing(v []byte) bool {
	switch rawjson.Kind(v) {
	case '0':
		for _, c := range v {
			if c == 'e' || c == 'E' {
				break
			}
			if c >= '1' && c <= '9' {
				return false
			}
		}
		return true
	case 't':
		return false
	case '"':
		return rawjson.Text(v) == ""
	case '{':
		for _, val := range rawjson.Members(v) {
			if !nothing(val) {
				return false
			}
		}
	case '[':
		for _, val := range rawjson.Elems(v) {
			if !nothing(val) {
				return false
			}
		}
	}
	return true
}

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
