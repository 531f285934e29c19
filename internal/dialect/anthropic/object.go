package anthropic

import (
	"bytes"
	"slices"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// object is a JSON object being taken apart: members are taken by name, and what nobody took is its rest. A null member
// is as good as none. The first member of a wrong type is remembered in bad.
type object struct {
	room [16]member
	n    int      // of room that is in use
	more []member // where room does not suffice
	bad  *wrong
}

type member struct {
	name, value []byte
	taken       bool
}

// wrong says which member cannot be read and what it should be.
type wrong struct{ member, want string }

// read prepares o for the members of v, which stays untouched.
func (o *object) read(v []byte) {
	o.n, o.more, o.bad = 0, nil, nil
	for name, value := range rawjson.Members(v) {
		m := member{name: name, value: value}
		if o.n < len(o.room) {
			o.room[o.n] = m
			o.n++
		} else {
			o.more = append(o.more, m)
		}
	}
}

func (o *object) len() int { return o.n + len(o.more) }

func (o *object) at(i int) *member {
	if i < o.n {
		return &o.room[i]
	}
	return &o.more[i-o.n]
}

// take returns a member's value, nil where there is none. Of a repeated name the last one counts.
func (o *object) take(name string) []byte {
	var value []byte
	for i := range o.len() {
		if m := o.at(i); string(m.name) == name {
			value, m.taken = m.value, true
		}
	}
	if rawjson.IsNull(value) {
		return nil
	}
	return value
}

// leave gives a taken member back to the rest.
func (o *object) leave(name string) {
	for i := range o.len() {
		if m := o.at(i); string(m.name) == name {
			m.taken = false
		}
	}
}

func (o *object) wrong(name, want string) {
	if o.bad == nil {
		o.bad = &wrong{name, want}
	}
}

func (o *object) string(name string) string {
	v := o.take(name)
	if v == nil {
		return ""
	}
	s, ok := rawjson.String(v)
	if !ok {
		o.wrong(name, "a string")
	}
	return s
}

func (o *object) int(name string) int64 {
	v := o.take(name)
	if v == nil {
		return 0
	}
	n, ok := rawjson.Int(v)
	if !ok {
		o.wrong(name, "a whole number")
	}
	return n
}

func (o *object) num(name string) llm.Num {
	v := o.take(name)
	if v != nil && rawjson.Kind(v) != '0' {
		o.wrong(name, "a number")
	}
	return llm.Num(rawjson.Num(v))
}

func (o *object) bool(name string) *bool {
	v := o.take(name)
	if v == nil {
		return nil
	}
	b, ok := rawjson.Bool(v)
	if !ok {
		o.wrong(name, "true or false")
	}
	return &b
}

// rest returns what was not taken, nil where that is nothing.
func (o *object) rest() llm.Extra {
	var x llm.Extra
	for i := range o.len() {
		m := o.at(i)
		if m.taken || rawjson.IsNull(m.value) {
			continue
		}
		if x == nil {
			x = llm.Extra{}
		}
		x[string(m.name)] = m.value
	}
	return x
}

// restObject returns what was not taken as an object, nil where that is nothing.
func (o *object) restObject() []byte {
	x := o.rest()
	if x == nil {
		return nil
	}
	var w rawjson.Writer
	w.Open('{')
	writeExtra(&w, x)
	w.Close('}')
	return w.Buf
}

// sub takes what is inside the member name and is an object apart by read; members that read leaves stand in the
// result under name, as an object of their own.
func (o *object) sub(x *llm.Extra, name string, read func(*object)) {
	v := o.take(name)
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '{' {
		o.wrong(name, "an object")
		return
	}
	var in object
	in.read(v)
	read(&in)
	if in.bad != nil {
		o.wrong(name+"."+in.bad.member, in.bad.want)
	}
	if rest := in.restObject(); rest != nil {
		if *x == nil {
			*x = llm.Extra{}
		}
		(*x)[name] = rest
	}
}

// writeExtra writes members in the order of their names, except those of skip.
func writeExtra(w *rawjson.Writer, x llm.Extra, skip ...string) {
	if len(x) == 0 {
		return
	}
	for _, name := range names(x) {
		if !slices.Contains(skip, name) {
			w.Name(name).Raw(bytes.TrimSpace(x[name]))
		}
	}
}

// names returns the names of x, sorted.
func names(x llm.Extra) []string {
	out := make([]string, 0, len(x))
	for name := range x {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// says reports whether a member of an answer says anything: zero, false and what is empty do not.
func says(v []byte) bool {
	switch rawjson.Kind(v) {
	case ' ', 'n', 'f':
		return false
	case '0':
		n, ok := rawjson.Int(v)
		return !ok || n != 0
	case '"':
		return rawjson.Text(v) != ""
	case '{':
		for _, in := range rawjson.Members(v) {
			if says(in) {
				return true
			}
		}
		return false
	case '[':
		for _, in := range rawjson.Elems(v) {
			if says(in) {
				return true
			}
		}
		return false
	}
	return true
}

// with returns x with one more member; x may be nil.
func with(x llm.Extra, name string, v []byte) llm.Extra {
	if x == nil {
		x = llm.Extra{}
	}
	x[name] = v
	return x
}

// losses gathers what could not be said, each path once.
type losses struct {
	list []llm.Loss
	seen map[string]bool
	to   func(llm.Loss) // where they go at once; nil = list only
}

func (l *losses) add(path, why string, grade llm.Grade) {
	if l.seen[path] {
		return
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[path] = true
	loss := llm.Loss{Path: path, Why: why, Grade: grade}
	l.list = append(l.list, loss)
	if l.to != nil {
		l.to(loss)
	}
}
