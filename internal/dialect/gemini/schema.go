package gemini

import (
	"bytes"
	"strings"

	"weir/internal/rawjson"
)

// schemaTypes are the words of OpenAPI's types by their numbers.
var schemaTypes = []string{"TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"}

// schemaWords are the members of an OpenAPI schema that JSON Schema spells in one way only.
var schemaWords = map[string]string{
	"min_items": "minItems", "max_items": "maxItems", "min_properties": "minProperties", "max_properties": "maxProperties",
	"min_length": "minLength", "max_length": "maxLength", "any_of": "anyOf", "property_ordering": "propertyOrdering",
}

// jsonSchema returns a schema in the OpenAPI subset as JSON Schema: types in lower case, null as one of them, counts as
// numbers. One that is JSON Schema already is returned as it is.
func jsonSchema(v []byte) []byte {
	var w rawjson.Writer
	writeSchema(&w, v)
	if bytes.Equal(w.Buf, appendTight(nil, v)) {
		return v
	}
	return w.Buf
}

// lowerTypes returns JSON Schema with its types in lower case; nil for none.
func lowerTypes(v []byte) []byte {
	if v == nil {
		return nil
	}
	for _, word := range schemaTypes {
		if bytes.Contains(v, []byte(`"`+word+`"`)) {
			return jsonSchema(v)
		}
	}
	return v
}

func writeSchema(w *rawjson.Writer, v []byte) {
	if rawjson.Kind(v) != '{' {
		w.Raw(appendTight(nil, v))
		return
	}
	nullable, _ := rawjson.Bool(rawjson.Get(v, "nullable"))
	typed := false
	w.Open('{')
	for member, raw := range rawjson.Members(v) {
		name := string(member)
		if word := schemaWords[name]; word != "" {
			name = word
		}
		switch name {
		case "type":
			word := strings.ToLower(enum(raw, schemaTypes))
			switch {
			case word == "" && !rawjson.IsNull(raw):
				w.Name(name).Raw(appendTight(nil, raw)) // a list of types, as JSON Schema has
			case word == "" || word == "type_unspecified":
			case nullable && word != "null":
				w.Name(name).Open('[').String(word).String("null").Close(']')
			default:
				w.Name(name).String(word)
			}
			typed = true
		case "nullable":
		case "minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength":
			if n, ok := wholeNumber(raw); ok && rawjson.Kind(raw) == '"' {
				w.Name(name).Int(n)
			} else {
				w.Name(name).Raw(appendTight(nil, raw))
			}
		case "items":
			writeSchema(w.Name(name), raw)
		case "anyOf":
			w.Name(name).Open('[')
			for _, e := range rawjson.Elems(raw) {
				writeSchema(w, e)
			}
			if nullable && !typed {
				w.Raw([]byte(`{"type":"null"}`))
			}
			w.Close(']')
		case "properties":
			w.Name(name).Open('{')
			for property, e := range rawjson.Members(raw) {
				writeSchema(w.Name(string(property)), e)
			}
			w.Close('}')
		default:
			w.Name(name).Raw(appendTight(nil, raw))
		}
	}
	w.Close('}')
}

// without returns an object without one of its members.
func without(v []byte, name string) []byte {
	var w rawjson.Writer
	w.Open('{')
	for member, raw := range rawjson.Members(v) {
		if string(member) != name {
			w.Name(string(member)).Raw(raw)
		}
	}
	w.Close('}')
	return w.Buf
}
