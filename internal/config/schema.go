package config

import "weir/internal/rawjson"

// Schema returns the JSON Schema (2020-12) of the document, for editors. It is drawn from the same table that Parse
// decodes by; what spans several members it does not know.
func Schema() []byte {
	var w rawjson.Writer
	w.Open('{')
	w.Name("$schema").String("https://json-schema.org/draft/2020-12/schema")
	w.Name("title").String("Weir's configuration document")
	members(&w, root, true)
	w.Name("$defs").Open('{')
	w.Name("variable").Open('{').Name("type").String("string").Name("pattern").String(`\$\{`)
	w.Name("description").String("A text with ${NAME} or ${NAME:-default} in it.").Close('}')
	w.Name("amount").Open('{')
	amountKind("input").schema(&w)
	w.Close('}')
	w.Name("secret").Open('{').Name("oneOf").Open('[')
	w.Open('{').Name("type").String("string").Name("minLength").Int(1).Close('}')
	for _, source := range []string{"env", "file"} {
		w.Open('{').Name("type").String("object").Name("properties").Open('{').Name(source).Open('{').Name("type").String("string").Name("minLength").Int(1).
			Close('}').Close('}').Name("required").Open('[').String(source).Close(']').Name("additionalProperties").Bool(false).Close('}')
	}
	w.Close(']').Close('}')
	w.Close('}').Close('}')
	return w.Buf
}

// members writes the keywords of an object by a table. A mapping whose members are all optional may be left empty.
func members(w *rawjson.Writer, t *table, top bool) {
	var need []string
	for i := range t.members {
		if t.members[i].need {
			need = append(need, t.members[i].name)
		}
	}
	objectType(w, len(need) == 0 && t.rates < 0)
	if t.rates >= 0 {
		w.Name("patternProperties").Open('{').Name(keyPattern).Open('{').Name("$ref").String("#/$defs/amount").Close('}').Close('}')
		w.Name("minProperties").Int(1)
	}
	w.Name("properties").Open('{')
	for i := range t.members {
		m := &t.members[i]
		w.Name(m.name).Open('{')
		w.Name("description").String(m.doc)
		if m.def != "" {
			w.Name("default")
			m.literal(w)
		}
		m.schema(w)
		w.Close('}')
	}
	w.Close('}')
	if len(need) > 0 {
		w.Name("required").Open('[')
		for _, name := range need {
			w.String(name)
		}
		w.Close(']')
	}
	if top {
		w.Name("patternProperties").Open('{').Name("^x-").Bool(true).Close('}')
	}
	w.Name("additionalProperties").Bool(false)
}

func objectType(w *rawjson.Writer, empty bool) {
	w.Name("type")
	if !empty {
		w.String("object")
		return
	}
	w.Open('[').String("object").String("null").Close(']')
}

// literal writes a default as JSON.
func (m *member) literal(w *rawjson.Writer) {
	if m.kind.json == "string" {
		w.String(m.def)
		return
	}
	w.Num(m.def)
}

// schema writes the keywords that say what a member's value is.
func (m *member) schema(w *rawjson.Writer) {
	switch m.form {
	case scalar:
		m.kind.schema(w)
	case secret:
		w.Name("$ref").String("#/$defs/secret")
	case either:
		w.Name("anyOf").Open('[').Open('{')
		m.kind.schema(w)
		w.Close('}').Open('{')
		members(w, m.inner, false)
		w.Close('}').Close(']')
	case scalars:
		if m.lone {
			w.Name("anyOf").Open('[').Open('{')
			m.kind.schema(w)
			w.Close('}').Open('{')
			defer func() { w.Close('}').Close(']') }()
		}
		w.Name("type").Open('[').String("array").String("null").Close(']')
		w.Name("items").Open('{')
		m.kind.schema(w)
		w.Close('}')
	case block:
		members(w, m.inner, false)
	case blocks:
		w.Name("type").Open('[').String("array").String("null").Close(']')
		w.Name("items").Open('{')
		members(w, m.inner, false)
		w.Close('}')
	case named:
		objectType(w, true)
		w.Name("propertyNames").Open('{').Name("pattern").String(m.inner.keyKind.pattern).Close('}')
		w.Name("additionalProperties").Open('{')
		members(w, m.inner, false)
		w.Close('}')
	}
}

// schema writes what a scalar is: a value of the kind, or a text with a variable.
func (k *kind) schema(w *rawjson.Writer) {
	w.Name("anyOf").Open('[').Open('{')
	w.Name("type").String(k.json)
	switch {
	case len(k.words) > 0:
		w.Name("enum").Open('[')
		for _, word := range without(k.words, k.missing) {
			if k.json == "string" {
				w.String(word)
			} else {
				w.Num(word)
			}
		}
		w.Close(']')
	case k.json == "integer":
		w.Name("minimum").Int(1)
	case k.pattern != "":
		w.Name("pattern").String(k.pattern)
	}
	w.Close('}')
	w.Open('{').Name("$ref").String("#/$defs/variable").Close('}')
	w.Close(']')
}
