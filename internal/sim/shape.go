package sim

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"weir/internal/rawjson"
)

// shapes are the objects of a dialect: by name their members, by member what it holds.
//
// What a member holds is written string, int, number, bool, bytes (base64), object (any members), any, or the name of
// another shape, enumeration or scalar; before it [] makes an array of it and {} an object of such. An exclamation mark
// behind it says that the member must be there; a shape whose name is in unions has exactly one member.
type shapes struct {
	objects map[string]map[string]string
	unions  []string
	enums   map[string][]string
	scalars map[string]scalar
	aliases func(name string) string // another spelling of a member's name; nil = none
	single  bool                     // an element may stand for an array of it
	anyCase bool                     // of enumerations
}

// scalar is a text or a number within bounds.
type scalar struct {
	kind    string
	lo, hi  int64 // of a number; letters of a text; hi 0 = none
	pattern *regexp.Regexp
}

// step is one step of a path in a document: a member or an index.
type step struct {
	name  string // "" = an index
	index int
}

// misfit is what does not fit its shape.
type misfit struct {
	at      []step
	problem problem
	want    string // kind, or the allowed words, bounds or pattern
	value   []byte
	members []string // of a union
}

type problem uint8

const (
	problemUnknown problem = iota // a member nobody knows
	problemType
	problemList // an array where one value is wanted
	problemMissing
	problemEnum
	problemBase64
	problemBelow // numbers
	problemAbove
	problemShort // texts
	problemLong
	problemPattern
	problemUnion // not exactly one member
)

// misfit returns the first thing in v that is not of the kind, nil where all is.
func (s *shapes) misfit(v []byte, kind string, at []step) *misfit {
	kind = strings.TrimSuffix(kind, "!")
	bad := func(p problem, want string) *misfit {
		return &misfit{at: slices.Clone(at), problem: p, want: want, value: v}
	}
	if of, is := strings.CutPrefix(kind, "[]"); is {
		return s.list(v, of, at, bad)
	}
	if of, is := strings.CutPrefix(kind, "{}"); is {
		if rawjson.Kind(v) != '{' {
			return bad(problemType, "object")
		}
		i := 0
		for name, m := range rawjson.Members(v) {
			if f := s.misfit(m, of, append(at, step{name: string(name), index: i})); f != nil {
				return f
			}
			i++
		}
		return nil
	}
	if members := s.objects[kind]; members != nil {
		return s.object(v, kind, members, at, bad)
	}
	if words := s.enums[kind]; words != nil {
		if rawjson.Kind(v) == '[' {
			return bad(problemList, kind)
		}
		w := rawjson.Text(v)
		if rawjson.Kind(v) != '"' || !slices.ContainsFunc(words, func(k string) bool { return k == w || s.anyCase && strings.EqualFold(k, w) }) {
			return bad(problemEnum, kind)
		}
		return nil
	}
	if c, is := s.scalars[kind]; is {
		return s.scalar(v, c, at, bad)
	}
	if !isKind(v, kind) {
		if rawjson.Kind(v) == '[' {
			return bad(problemList, kind)
		}
		return bad(problemType, kind)
	}
	if kind == "bytes" && !isBase64(rawjson.Text(v)) {
		return bad(problemBase64, kind)
	}
	return nil
}

func (s *shapes) list(v []byte, of string, at []step, bad func(problem, string) *misfit) *misfit {
	if rawjson.Kind(v) != '[' {
		if s.single {
			return s.misfit(v, of, append(at, step{index: 0}))
		}
		return bad(problemType, "array")
	}
	for i, e := range rawjson.Elems(v) {
		if f := s.misfit(e, of, append(at, step{index: i})); f != nil {
			return f
		}
	}
	return nil
}

func (s *shapes) object(v []byte, kind string, members map[string]string, at []step, bad func(problem, string) *misfit) *misfit {
	if rawjson.Kind(v) != '{' {
		if rawjson.Kind(v) == '[' {
			return bad(problemList, kind)
		}
		return bad(problemType, kind)
	}
	var have []string
	for n, m := range rawjson.Members(v) {
		name := string(n)
		if _, known := members[name]; !known && s.aliases != nil {
			name = s.aliases(name)
		}
		of, known := members[name]
		here := append(at, step{name: name})
		if !known {
			return &misfit{at: slices.Clone(append(at, step{name: string(n)})), problem: problemUnknown, want: kind, value: m}
		}
		if rawjson.IsNull(m) && of != "any" {
			continue
		}
		have = append(have, name)
		if f := s.misfit(m, of, here); f != nil {
			return f
		}
	}
	if slices.Contains(s.unions, kind) && len(have) != 1 {
		f := bad(problemUnion, kind)
		for n := range members {
			f.members = append(f.members, n)
		}
		slices.Sort(f.members)
		return f
	}
	var missing []string
	for n, of := range members {
		if strings.HasSuffix(of, "!") && !slices.Contains(have, n) {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return &misfit{at: slices.Clone(append(at, step{name: missing[0]})), problem: problemMissing, want: kind}
	}
	return nil
}

func (s *shapes) scalar(v []byte, c scalar, at []step, bad func(problem, string) *misfit) *misfit {
	if f := s.misfit(v, c.kind, at); f != nil {
		return f
	}
	if c.kind != "string" {
		switch {
		case !within(v, c.lo, 1<<62):
			return bad(problemBelow, decimalText(c.lo))
		case c.hi > 0 && !within(v, c.lo, c.hi):
			return bad(problemAbove, decimalText(c.hi))
		}
		return nil
	}
	text := rawjson.Text(v)
	switch n := int64(utf8.RuneCountInString(text)); {
	case n < c.lo:
		return bad(problemShort, decimalText(c.lo))
	case c.hi > 0 && n > c.hi:
		return bad(problemLong, decimalText(c.hi))
	case c.pattern != nil && !c.pattern.MatchString(text):
		return bad(problemPattern, c.pattern.String())
	}
	return nil
}

// isKind reports whether v is of one of the plain kinds.
func isKind(v []byte, kind string) bool {
	switch is := rawjson.Kind(v); kind {
	case "string", "bytes":
		return is == '"'
	case "int":
		return is == '0' && whole(v) || is == '"' && whole([]byte(rawjson.Text(v)))
	case "number":
		return is == '0'
	case "bool":
		return is == 't' || is == 'f'
	case "object":
		return is == '{'
	case "array":
		return is == '['
	}
	return true
}

// isBase64 reports whether s is base64 in either alphabet, with padding or without.
func isBase64(s string) bool {
	_, ok := decodeAnyBase64(s)
	return ok
}

func decodeAnyBase64(s string) ([]byte, bool) {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
	b, err := base64.RawStdEncoding.DecodeString(s)
	return b, err == nil
}
