package dialect

import (
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// closedDepth bounds how deep a schema is closed.
const closedDepth = 64

// Close returns a schema for providers that take structured output only of objects that forbid further members: each
// that allows them, or says nothing of them, forbids them. That is declared at path. A schema that is closed is returned
// as it is.
func Close(schema []byte, path string, lose func(path, why string, grade llm.Grade)) []byte {
	var c closer
	var w rawjson.Writer
	if c.schema(&w, schema, 0); !c.changed {
		return schema
	}
	lose(path, "objects forbid further members here", llm.Changed)
	return w.Buf
}

type closer struct{ changed bool }

func (c *closer) schema(w *rawjson.Writer, v []byte, depth int) {
	if rawjson.Kind(v) != '{' || depth > closedDepth {
		w.Raw(v)
		return
	}
	object, said := false, false
	w.Open('{')
	for member, raw := range rawjson.Members(v) {
		w.Name(string(member))
		switch string(member) {
		case "type":
			object = object || isObject(raw)
			w.Raw(raw)
		case "additionalProperties":
			said = true
			if open, is := rawjson.Bool(raw); !is || open {
				c.changed = true
			}
			w.Bool(false)
		case "properties", "$defs", "definitions":
			object = object || string(member) == "properties"
			c.each(w, raw, depth)
		case "items":
			c.schema(w, raw, depth+1)
		case "anyOf", "allOf", "oneOf", "prefixItems":
			c.list(w, raw, depth)
		default:
			w.Raw(raw)
		}
	}
	if object && !said {
		c.changed = true
		w.Name("additionalProperties").Bool(false)
	}
	w.Close('}')
}

// each closes the schemas that are the members of an object.
func (c *closer) each(w *rawjson.Writer, v []byte, depth int) {
	if rawjson.Kind(v) != '{' {
		w.Raw(v)
		return
	}
	w.Open('{')
	for name, raw := range rawjson.Members(v) {
		c.schema(w.Name(string(name)), raw, depth+1)
	}
	w.Close('}')
}

func (c *closer) list(w *rawjson.Writer, v []byte, depth int) {
	if rawjson.Kind(v) != '[' {
		w.Raw(v)
		return
	}
	w.Open('[')
	for _, raw := range rawjson.Elems(v) {
		c.schema(w, raw, depth+1)
	}
	w.Close(']')
}

// isObject reports whether a schema's type is an object's, or may be.
func isObject(v []byte) bool {
	if rawjson.Text(v) == "object" {
		return true
	}
	for _, t := range rawjson.Elems(v) {
		if rawjson.Text(t) == "object" {
			return true
		}
	}
	return false
}
