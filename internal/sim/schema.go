package sim

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/internal/rawjson"
)

// generator writes JSON values that a JSON Schema accepts: it lays together all schemas that hold for a place, writes
// candidates by what they say together, and lets holds judge. Where a schema offers a choice (anyOf, oneOf, several
// types) the choices are tried in turn.
//
// The keywords of draft 2020-12 that tools use are known, and nullable of OpenAPI 3.0. The work is bounded: a schema
// that cannot be met, or not within the bound, gets the best that was found.
type generator struct {
	root  []byte
	seed  uint64
	hint  func(name string) string // what the question says a member should be; "" = nothing
	steps int                      // work left
}

const (
	maxSteps   = 60_000
	maxChoices = 48  // ways tried through the choices of one place
	maxItems   = 500 // most elements written
	shallow    = 3   // depth from which on only what is required is written
	maxDepth   = 24  // of the values written
)

// generate returns a value that schema accepts.
func generate(schema []byte, seed uint64, hint func(string) string) []byte {
	if hint == nil {
		hint = func(string) string { return "" }
	}
	g := &generator{root: schema, seed: seed, hint: hint, steps: maxSteps}
	v, _ := g.value([][]byte{schema}, "", 0, 0)
	if v == nil {
		return []byte("{}")
	}
	return v
}

// value writes a value for a place where all schemas hold; name is the member it is for. It returns false with the
// best it found where none holds.
func (g *generator) value(schemas [][]byte, name string, depth int, salt uint64) (best []byte, ok bool) {
	if depth > maxDepth {
		return nil, false
	}
	for round := range uint64(3) {
		choices := tape{}
		for range maxChoices {
			if g.steps--; g.steps < 0 {
				return best, false
			}
			choices.at = 0
			if f, possible := g.expand(schemas, &choices, depth); possible {
				for _, v := range g.candidates(f, name, depth, salt+round) {
					if g.holds(schemas, v, 0) {
						return v, true
					}
					best = v
				}
			}
			if !choices.next() {
				break
			}
		}
	}
	return best, false
}

// facets is what the schemas of one place say together.
type facets struct {
	schemas  [][]byte // all that hold, references followed and choices made
	kind     string   // type
	enum     []byte
	required []string
	patterns []string
	format   string
	contains [][]byte
	unique   bool
	lo, hi   *big.Rat // nil = none
	multiple *big.Rat
	size     [2]int // length, elements or members: least and most
}

// expand gathers the facets of schemas on the way that choices takes; false where they contradict each other.
func (g *generator) expand(schemas [][]byte, choices *tape, depth int) (*facets, bool) {
	f := &facets{size: [2]int{0, 1 << 30}}
	var types []string
	queue := slices.Clone(schemas)
	for i := 0; i < len(queue); i++ {
		if allowed, is := rawjson.Bool(queue[i]); is && !allowed || i > 4*maxNesting {
			return nil, false
		}
		s := queue[i]
		f.schemas = append(f.schemas, s)
		for name, arg := range rawjson.Members(s) {
			switch string(name) {
			case "$ref":
				target := g.resolve(rawjson.Text(arg))
				if target == nil {
					return nil, false
				}
				queue = append(queue, target)
			case "allOf":
				for _, e := range rawjson.Elems(arg) {
					queue = append(queue, e)
				}
			case "anyOf", "oneOf":
				branches := inOrder(arg, depth)
				if len(branches) == 0 {
					return nil, false
				}
				queue = append(queue, branches[choices.choose(len(branches))])
			case "if":
				if choices.choose(2) == 0 {
					queue = append(queue, arg)
				}
				for _, k := range []string{"then", "else"} {
					if b := rawjson.Get(s, k); b != nil && (k == "then") == (choices.picks[choices.at-1] == 0) {
						queue = append(queue, b)
					}
				}
			case "type":
				if types = intersect(types, arg); len(types) == 0 {
					return nil, false
				}
			default:
				f.note(string(name), arg, s)
			}
		}
	}
	switch len(types) {
	case 0:
		f.kind = f.guess()
	case 1:
		f.kind = types[0]
	default:
		f.kind = types[choices.choose(len(types))]
	}
	return f, true
}

// note takes in one keyword of a schema.
func (f *facets) note(name string, arg, _ []byte) {
	n, is := rawjson.Int(arg)
	switch name {
	case "const":
		f.enum = slices.Concat([]byte("["), arg, []byte("]"))
	case "enum":
		if f.enum == nil {
			f.enum = arg
		}
	case "required":
		for _, r := range rawjson.Elems(arg) {
			f.required = append(f.required, rawjson.Text(r))
		}
	case "pattern":
		f.patterns = append(f.patterns, rawjson.Text(arg))
	case "format":
		f.format = rawjson.Text(arg)
	case "contains":
		f.contains = append(f.contains, arg)
	case "uniqueItems":
		f.unique, _ = rawjson.Bool(arg)
	case "minLength", "minItems", "minProperties":
		if is && n >= 0 {
			f.size[0] = max(f.size[0], int(min(n, 1<<20)))
		}
	case "maxLength", "maxItems", "maxProperties":
		if is && n >= 0 {
			f.size[1] = min(f.size[1], int(min(n, 1<<30)))
		}
	case "minimum", "exclusiveMinimum":
		if r := ratOf(arg); r != nil && (f.lo == nil || r.Cmp(f.lo) > 0) {
			f.lo = r
		}
	case "maximum", "exclusiveMaximum":
		if r := ratOf(arg); r != nil && (f.hi == nil || r.Cmp(f.hi) < 0) {
			f.hi = r
		}
	case "multipleOf":
		if r := ratOf(arg); r != nil && r.Sign() > 0 {
			f.multiple = common(f.multiple, r)
		}
	}
}

// common returns the least common multiple.
func common(a, b *big.Rat) *big.Rat {
	if a == nil {
		return b
	}
	den := new(big.Int).Mul(a.Denom(), b.Denom())
	x := new(big.Int).Mul(a.Num(), b.Denom())
	y := new(big.Int).Mul(b.Num(), a.Denom())
	gcd := new(big.Int).GCD(nil, nil, x, y)
	return new(big.Rat).SetFrac(new(big.Int).Mul(x, new(big.Int).Quo(y, gcd)), den)
}

// guess names the type that keywords without a type speak of.
func (f *facets) guess() string {
	for _, s := range f.schemas {
		for name := range rawjson.Members(s) {
			switch string(name) {
			case "properties", "required", "additionalProperties", "patternProperties", "minProperties":
				return "object"
			case "items", "prefixItems", "minItems", "maxItems", "contains":
				return "array"
			case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
				return "number"
			}
		}
	}
	return "string"
}

// candidates returns values worth trying, the most telling first.
func (g *generator) candidates(f *facets, name string, depth int, salt uint64) [][]byte {
	hint := g.hint(name)
	if f.enum != nil {
		return enumerated(f.enum, hint, salt)
	}
	switch f.kind {
	case "object":
		if v, ok := g.object(f, depth); ok {
			return [][]byte{v}
		}
		return nil
	case "array":
		if v, ok := g.array(f, name, depth); ok {
			return [][]byte{v}
		}
		return nil
	case "integer", "number":
		return numbers(f, hint, mix(g.seed, uint64(len(name)))%9, salt)
	case "boolean":
		if hint == "true" || hint == "false" {
			return [][]byte{[]byte(hint), []byte("true"), []byte("false")}
		}
		if salt%2 == 1 {
			return [][]byte{[]byte("false"), []byte("true")}
		}
		return [][]byte{[]byte("true"), []byte("false")}
	case "null":
		return [][]byte{[]byte("null")}
	}
	var out [][]byte
	for _, s := range g.strings(f, name, hint, salt) {
		out = append(out, rawjson.AppendString(nil, s))
	}
	return out
}

// enumerated returns the members of an enumeration, beginning with the one hinted at.
func enumerated(enum []byte, hint string, salt uint64) [][]byte {
	var out [][]byte
	for _, e := range rawjson.Elems(enum) {
		out = append(out, e)
	}
	if len(out) == 0 {
		return nil
	}
	first := int(salt % uint64(len(out)))
	for i, e := range out {
		if hint != "" && (strings.EqualFold(rawjson.Text(e), hint) || string(e) == hint) {
			first = i
		}
	}
	return slices.Concat(out[first:], out[:first])
}

// numbers returns numbers within the bounds, on the grid of multipleOf or of the integers.
func numbers(f *facets, hint string, wish, salt uint64) [][]byte {
	var out [][]byte
	if hint != "" && rawjson.Check([]byte(hint)) == nil && rawjson.Kind([]byte(hint)) == '0' {
		out = append(out, []byte(hint))
	}
	step := f.multiple
	if f.kind == "integer" {
		step = common(step, big.NewRat(1, 1))
	}
	if f.lo != nil && f.hi != nil && step != nil && salt > 0 {
		first, last := floor(f.lo, step), floor(f.hi, step)
		if span := new(big.Int).Sub(last, first); span.IsInt64() {
			k := new(big.Int).Add(first, big.NewInt(int64(salt)%(span.Int64()+1)))
			out = append(out, []byte(decimal(new(big.Rat).Mul(new(big.Rat).SetInt(k), step))))
		}
	}
	start := new(big.Rat).SetUint64(wish + 1 + salt)
	if f.lo != nil && start.Cmp(f.lo) < 0 || f.hi != nil && start.Cmp(f.hi) > 0 {
		switch {
		case f.lo != nil && f.hi != nil:
			start = new(big.Rat).Add(f.lo, f.hi)
			start.Quo(start, big.NewRat(2, 1))
		case f.lo != nil:
			start = new(big.Rat).Add(f.lo, new(big.Rat).SetUint64(salt))
		default:
			start = new(big.Rat).Sub(f.hi, new(big.Rat).SetUint64(salt))
		}
	}
	if step == nil {
		out = append(out, []byte(decimal(start)))
		step = big.NewRat(1, 2)
	}
	// The grid points around the start, and around both bounds for a narrow or a far grid.
	for _, at := range []*big.Rat{start, f.lo, f.hi} {
		if at == nil {
			continue
		}
		base := floor(at, step)
		for _, d := range []int64{int64(salt), 0, 1, -1, 2, -2} {
			k := new(big.Rat).SetInt(new(big.Int).Add(base, big.NewInt(d)))
			out = append(out, []byte(decimal(k.Mul(k, step))))
		}
	}
	return out
}

// floor returns how many whole steps fit below at.
func floor(at, step *big.Rat) *big.Int {
	q := new(big.Rat).Quo(at, step)
	return new(big.Int).Div(q.Num(), q.Denom())
}

// strings returns texts for a member; the caller checks them.
func (g *generator) strings(f *facets, name, hint string, salt uint64) []string {
	seed := mix(g.seed, salt)
	if s, known := formatted(f.format, seed, salt); known {
		return []string{s}
	}
	var out []string
	if hint != "" {
		out = append(out, hint)
	}
	if len(f.patterns) > 0 {
		out = append(out, patternTexts(f.patterns, f.size[0], f.size[1], salt)...)
	}
	s := sample(name)
	if salt > 0 {
		s += " " + strconv.FormatUint(salt, 10)
	}
	if n := utf8.RuneCountInString(s); n < f.size[0] {
		s += strings.Repeat(".", f.size[0]-n)
	} else if n > f.size[1] {
		// The end tells one from another; the beginning does not.
		s = string([]rune(s)[n-f.size[1]:])
	}
	return append(out, s)
}

// object writes the members that are declared, all near the top and the required ones below.
func (g *generator) object(f *facets, depth int) ([]byte, bool) {
	var names []string
	add := func(n string) {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	for _, s := range f.schemas {
		for n := range rawjson.Members(rawjson.Get(s, "properties")) {
			add(string(n))
		}
	}
	for _, r := range f.required {
		add(r)
	}
	for i := 1; len(names) < f.size[0] && i <= maxItems; i++ {
		add("extra" + strconv.Itoa(i))
	}
	room := f.size[1] - len(f.required)
	least := f.size[0] - len(f.required) // how many that are not required are needed
	w := rawjson.Writer{}
	w.Open('{')
	for _, n := range names {
		needed := slices.Contains(f.required, n)
		if !needed && (room <= 0 || depth >= shallow && least <= 0) {
			continue
		}
		var schemas [][]byte
		for _, s := range f.schemas {
			schemas = append(schemas, propertySchemas(s, n)...)
		}
		v, ok := g.value(schemas, n, depth+1, 0)
		if !ok {
			if needed {
				return nil, false
			}
			continue
		}
		if !needed {
			room, least = room-1, least-1
		}
		w.Name(n).Raw(v)
	}
	return w.Close('}').Buf, true
}

// array writes as many elements as are demanded, or one or two.
func (g *generator) array(f *facets, name string, depth int) ([]byte, bool) {
	want := max(f.size[0], len(f.contains))
	if want == 0 && depth < shallow {
		want = 2 - depth/2
	}
	want = min(want, f.size[1], max(maxItems, 0))
	var items [][]byte
	for i := range want {
		var schemas [][]byte
		for _, s := range f.schemas {
			if e := itemSchema(s, i); e != nil {
				schemas = append(schemas, e)
			}
		}
		if i < len(f.contains) {
			schemas = append(schemas, f.contains[i])
		}
		v, ok := g.element(schemas, name, items, f.unique, depth)
		if !ok {
			break
		}
		items = append(items, v)
	}
	w := rawjson.Writer{}
	w.Open('[')
	for _, v := range items {
		w.Raw(v)
	}
	return w.Close(']').Buf, len(items) >= min(f.size[0], maxItems)
}

// element writes one element, unlike those before it where unique says so.
func (g *generator) element(schemas [][]byte, name string, before [][]byte, unique bool, depth int) ([]byte, bool) {
	for try := range uint64(16) {
		v, ok := g.value(schemas, name, depth+1, uint64(len(before))+try)
		if !ok {
			return nil, false
		}
		if !unique || !slices.ContainsFunc(before, func(b []byte) bool { return equal(b, v) }) {
			return v, true
		}
	}
	return nil, false
}
