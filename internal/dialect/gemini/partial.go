package gemini

import (
	"slices"
	"strconv"
	"strings"

	"weir/internal/rawjson"
)

// Bounds of arguments that are told in pieces.
const (
	deepest = 64   // objects and lists within each other
	longest = 1024 // elements of a list
)

// pieces puts together the arguments of a call that come as values by their places: $.list[0].name. A text may come in
// several pieces.
type pieces struct {
	root piece
	any  bool
	size int
}

// piece is a value: an object or a list of others, a text that grows, or something else as it is written.
type piece struct {
	kind  byte // { [ " or 0
	names []string
	kids  []*piece
	text  []byte
	raw   string
}

// add takes the values of a partialArgs.
func (a *pieces) add(v []byte) {
	for _, e := range rawjson.Elems(v) {
		a.size += len(e)
		var path string
		var value []byte
		for name, raw := range rawjson.Members(e) {
			switch string(name) {
			case "jsonPath":
				path = rawjson.Text(raw)
			case "stringValue", "numberValue", "boolValue", "nullValue":
				value = raw
				if string(name) == "nullValue" {
					value = []byte("null")
				}
			}
		}
		if at := a.root.find(path); at != nil && value != nil {
			a.any = true
			at.set(value)
		}
	}
}

// find returns the value at a place, making the way to it; nil for a place that cannot be read.
func (p *piece) find(path string) *piece {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok || rest == "" {
		return nil
	}
	for depth := 0; rest != ""; depth++ {
		if depth == deepest {
			return nil
		}
		switch {
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			p, rest = p.member(rest[1:1+end]), rest[1+end:]
		case strings.HasPrefix(rest, "['"), strings.HasPrefix(rest, `["`):
			quote := rest[1:2]
			end := strings.Index(rest[2:], quote+"]")
			if end < 0 {
				return nil
			}
			p, rest = p.member(rest[2:2+end]), rest[2+end+2:]
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil
			}
			n, err := strconv.Atoi(rest[1:end])
			if err != nil || n < 0 || n >= longest {
				return nil
			}
			p, rest = p.elem(n), rest[end+1:]
		default:
			return nil
		}
	}
	return p
}

func (p *piece) become(kind byte) {
	if p.kind != kind {
		*p = piece{kind: kind}
	}
}

func (p *piece) member(name string) *piece {
	p.become('{')
	if i := slices.Index(p.names, name); i >= 0 {
		return p.kids[i]
	}
	p.names, p.kids = append(p.names, name), append(p.kids, &piece{raw: "null"})
	return p.kids[len(p.kids)-1]
}

func (p *piece) elem(n int) *piece {
	p.become('[')
	for len(p.kids) <= n {
		p.kids = append(p.kids, &piece{raw: "null"})
	}
	return p.kids[n]
}

func (p *piece) set(v []byte) {
	s, ok := rawjson.String(v)
	if !ok {
		*p = piece{raw: tight(v)}
		return
	}
	p.become('"')
	p.text = append(p.text, s...)
}

// String returns the arguments, "" where none came.
func (a *pieces) String() string {
	if !a.any {
		return ""
	}
	var w rawjson.Writer
	a.root.write(&w)
	return string(w.Buf)
}

func (p *piece) write(w *rawjson.Writer) {
	switch p.kind {
	case '{':
		w.Open('{')
		for i, name := range p.names {
			p.kids[i].write(w.Name(name))
		}
		w.Close('}')
	case '[':
		w.Open('[')
		for _, kid := range p.kids {
			kid.write(w)
		}
		w.Close(']')
	case '"':
		w.String(string(p.text))
	default:
		w.Raw([]byte(p.raw))
	}
}
