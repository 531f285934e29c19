package sim

import (
	"bytes"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/internal/rawjson"
)

// maxNesting bounds how deep references and values are followed.
const maxNesting = 64

// holds reports whether every one of the schemas accepts v. It reads the keywords that generator writes for; others,
// format among them, are taken to hold.
func (g *generator) holds(schemas [][]byte, v []byte, depth int) bool {
	for _, s := range schemas {
		if !g.accepts(s, v, depth) {
			return false
		}
	}
	return true
}

func (g *generator) accepts(schema, v []byte, depth int) bool {
	if allowed, is := rawjson.Bool(schema); is {
		return allowed
	}
	g.steps--
	if depth > maxNesting || g.steps < 0 {
		return false
	}
	for name, arg := range rawjson.Members(schema) {
		if !g.keyword(string(name), arg, schema, v, depth+1) {
			return false
		}
	}
	return true
}

// keyword reports whether one keyword of a schema accepts v.
func (g *generator) keyword(name string, arg, schema, v []byte, depth int) bool {
	kind := rawjson.Kind(v)
	switch name {
	case "$ref":
		target := g.resolve(rawjson.Text(arg))
		return target != nil && g.accepts(target, v, depth)
	case "type":
		if n, _ := rawjson.Bool(rawjson.Get(schema, "nullable")); n && kind == 'n' {
			return true
		}
		return typeOK(arg, v)
	case "const":
		return equal(arg, v)
	case "enum":
		if n, _ := rawjson.Bool(rawjson.Get(schema, "nullable")); n && kind == 'n' {
			return true
		}
		return member(arg, v)
	case "allOf":
		return g.count(arg, v, depth) == length(arg)
	case "anyOf":
		return g.count(arg, v, depth) > 0
	case "oneOf":
		return g.count(arg, v, depth) == 1
	case "not":
		return !g.accepts(arg, v, depth)
	case "if":
		branch := rawjson.Get(schema, "else")
		if g.accepts(arg, v, depth) {
			branch = rawjson.Get(schema, "then")
		}
		return branch == nil || g.accepts(branch, v, depth)
	}
	switch kind {
	case '"':
		return stringOK(name, arg, rawjson.Text(v))
	case '0':
		return numberOK(name, arg, schema, ratOf(v))
	case '[':
		return g.arrayOK(name, arg, schema, v, depth)
	case '{':
		return g.objectOK(name, arg, schema, v, depth)
	}
	return true
}

// count returns how many of the schemas accept v.
func (g *generator) count(schemas, v []byte, depth int) int {
	n := 0
	for _, s := range rawjson.Elems(schemas) {
		if g.accepts(s, v, depth) {
			n++
		}
	}
	return n
}

func stringOK(name string, arg []byte, s string) bool {
	n := int64(utf8.RuneCountInString(s))
	limit, is := rawjson.Int(arg)
	switch name {
	case "minLength":
		return !is || n >= limit
	case "maxLength":
		return !is || n <= limit
	case "pattern":
		return matches(rawjson.Text(arg), s)
	}
	return true
}

func numberOK(name string, arg, schema []byte, r *big.Rat) bool {
	if r == nil {
		return true
	}
	if on, is := rawjson.Bool(arg); is { // draft 4: a truth value that sharpens minimum or maximum
		edge := ratOf(rawjson.Get(schema, map[string]string{
			"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum",
		}[name]))
		return !on || edge == nil || r.Cmp(edge) != 0
	}
	limit := ratOf(arg)
	if limit == nil {
		return true
	}
	switch name {
	case "minimum":
		return r.Cmp(limit) >= 0
	case "maximum":
		return r.Cmp(limit) <= 0
	case "exclusiveMinimum":
		return r.Cmp(limit) > 0
	case "exclusiveMaximum":
		return r.Cmp(limit) < 0
	case "multipleOf":
		return limit.Sign() <= 0 || new(big.Rat).Quo(r, limit).IsInt()
	}
	return true
}

func (g *generator) arrayOK(name string, arg, schema, v []byte, depth int) bool {
	n := int64(length(v))
	limit, is := rawjson.Int(arg)
	switch name {
	case "minItems":
		return !is || n >= limit
	case "maxItems":
		return !is || n <= limit
	case "uniqueItems":
		on, _ := rawjson.Bool(arg)
		return !on || distinct(v)
	case "contains":
		for _, e := range rawjson.Elems(v) {
			if g.accepts(arg, e, depth) {
				return true
			}
		}
		return false
	case "items", "prefixItems":
		for i, e := range rawjson.Elems(v) {
			if s := itemSchema(schema, i); s != nil && !g.accepts(s, e, depth) {
				return false
			}
		}
	}
	return true
}

// itemSchema returns what an array's i-th element must be, nil for anything.
func itemSchema(schema []byte, i int) []byte {
	prefix, rest := rawjson.Get(schema, "prefixItems"), rawjson.Get(schema, "items")
	if rawjson.Kind(rest) == '[' { // draft 7: a tuple
		prefix, rest = rest, rawjson.Get(schema, "additionalItems")
	}
	for n, s := range rawjson.Elems(prefix) {
		if n == i {
			return s
		}
	}
	return rest
}

func (g *generator) objectOK(name string, arg, schema, v []byte, depth int) bool {
	limit, is := rawjson.Int(arg)
	switch name {
	case "required":
		for _, r := range rawjson.Elems(arg) {
			if rawjson.Get(v, rawjson.Text(r)) == nil {
				return false
			}
		}
	case "minProperties":
		return !is || int64(length(v)) >= limit
	case "maxProperties":
		return !is || int64(length(v)) <= limit
	case "propertyNames":
		for n := range rawjson.Members(v) {
			if !g.accepts(arg, rawjson.AppendString(nil, string(n)), depth) {
				return false
			}
		}
	case "dependentRequired":
		for n, needs := range rawjson.Members(arg) {
			if rawjson.Get(v, string(n)) != nil && !g.objectOK("required", needs, schema, v, depth) {
				return false
			}
		}
	case "properties", "patternProperties", "additionalProperties":
		for n, val := range rawjson.Members(v) {
			if !g.holds(propertySchemas(schema, string(n)), val, depth) {
				return false
			}
		}
	}
	return true
}

// propertySchemas returns the schemas that one schema's keywords for properties lay on a member.
func propertySchemas(schema []byte, name string) [][]byte {
	var out [][]byte
	if s := rawjson.Get(schema, "properties", name); s != nil {
		out = append(out, s)
	}
	for p, s := range rawjson.Members(rawjson.Get(schema, "patternProperties")) {
		if matches(string(p), name) {
			out = append(out, s)
		}
	}
	if extra := rawjson.Get(schema, "additionalProperties"); len(out) == 0 && extra != nil {
		out = append(out, extra)
	}
	return out
}

// resolve returns what a reference within the root schema names, nil for anything else.
func (g *generator) resolve(ref string) []byte {
	pointer, local := strings.CutPrefix(ref, "#")
	if !local {
		return nil
	}
	at := g.root
	if pointer == "" {
		return at
	}
	if !strings.HasPrefix(pointer, "/") {
		return nil
	}
	for step := range strings.SplitSeq(pointer[1:], "/") {
		if s, err := url.PathUnescape(step); err == nil {
			step = s
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		if rawjson.Kind(at) == '[' {
			n, err := strconv.Atoi(step)
			if err != nil {
				return nil
			}
			at = element(at, n)
		} else {
			at = rawjson.Get(at, step)
		}
		if at == nil {
			return nil
		}
	}
	return at
}

// typeOK reports whether v is of the type, or one of the types, that arg names.
func typeOK(arg, v []byte) bool {
	if rawjson.Kind(arg) == '[' {
		for _, t := range rawjson.Elems(arg) {
			if typeOK(t, v) {
				return true
			}
		}
		return false
	}
	kind := rawjson.Kind(v)
	switch rawjson.Text(arg) {
	case "string":
		return kind == '"'
	case "integer":
		return kind == '0' && whole(v)
	case "number":
		return kind == '0'
	case "boolean":
		return kind == 't' || kind == 'f'
	case "null":
		return kind == 'n'
	case "array":
		return kind == '['
	case "object":
		return kind == '{'
	}
	return true
}

// equal reports whether two JSON values are the same by JSON Schema: 1 is 1.0, and members have no order.
func equal(a, b []byte) bool {
	kind := rawjson.Kind(a)
	if kind != rawjson.Kind(b) {
		return false
	}
	switch kind {
	case '"':
		return rawjson.Text(a) == rawjson.Text(b)
	case '0':
		x, y := ratOf(a), ratOf(b)
		return x != nil && y != nil && x.Cmp(y) == 0 || bytes.Equal(a, b)
	case '[':
		for i, e := range rawjson.Elems(a) {
			if f := element(b, i); f == nil || !equal(e, f) {
				return false
			}
		}
		return length(a) == length(b)
	case '{':
		for n, e := range rawjson.Members(a) {
			if f := rawjson.Get(b, string(n)); f == nil || !equal(e, f) {
				return false
			}
		}
		return length(a) == length(b)
	}
	return true
}

func distinct(array []byte) bool {
	for i, a := range rawjson.Elems(array) {
		for j, b := range rawjson.Elems(array) {
			if j >= i {
				break
			}
			if equal(a, b) {
				return false
			}
		}
	}
	return true
}

func member(array, v []byte) bool {
	for _, e := range rawjson.Elems(array) {
		if equal(e, v) {
			return true
		}
	}
	return false
}

// length returns the number of elements or members.
func length(v []byte) int {
	n := 0
	for range rawjson.Elems(v) {
		n++
	}
	for range rawjson.Members(v) {
		n++
	}
	return n
}

func element(array []byte, i int) []byte {
	for n, e := range rawjson.Elems(array) {
		if n == i {
			return e
		}
	}
	return nil
}

// elements yields the elements of an array.
func elements(array []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for _, e := range rawjson.Elems(array) {
			if !yield(e) {
				return
			}
		}
	}
}
