package openai

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Keep notes a member without a field; null is as good as absent.
func Keep(x *llm.Extra, name string, v []byte) {
	if rawjson.IsNull(v) {
		return
	}
	if *x == nil {
		*x = llm.Extra{}
	}
	(*x)[name] = json.RawMessage(v)
}

// KeepRest notes, under dotted names, the members of a nested object that are not among known.
func KeepRest(x *llm.Extra, prefix string, v []byte, known ...string) {
	for name, val := range rawjson.Members(v) {
		if !slices.Contains(known, string(name)) {
			Keep(x, prefix+"."+string(name), val)
		}
	}
}

// WriteExtra writes the members of x except those that belong into one of the nested objects.
func WriteExtra(w *rawjson.Writer, x llm.Extra, nested ...string) {
	for _, name := range dialect.Names(x) {
		if head, _, dotted := strings.Cut(name, "."); dotted && slices.Contains(nested, head) {
			continue
		}
		w.Name(name).Raw(x[name])
	}
}

// WriteNested writes the members of x that belong into the nested object.
func WriteNested(w *rawjson.Writer, x llm.Extra, prefix string) {
	for _, name := range dialect.Names(x) {
		if rest, ok := strings.CutPrefix(name, prefix+"."); ok {
			w.Name(rest).Raw(x[name])
		}
	}
}

// Nothing reports whether a value says nothing: zero, false, empty. What merely states that is no loss.
func Nothing(v []byte) bool {
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
			if !Nothing(val) {
				return false
			}
		}
	case '[':
		for _, val := range rawjson.Elems(v) {
			if !Nothing(val) {
				return false
			}
		}
	}
	return true
}

// OneLine replaces line breaks by spaces, in place: between the tokens of JSON they say nothing, and in a stream they
// would end the frame.
func OneLine(raw []byte) []byte {
	for _, c := range [...]byte{'\n', '\r'} {
		for from := 0; ; {
			i := bytes.IndexByte(raw[from:], c)
			if i < 0 {
				break
			}
			from += i
			raw[from] = ' '
		}
	}
	return raw
}
