package dialect

import (
	"bytes"
	"slices"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Object is a JSON object being taken apart: members are taken by name, and what nobody took is its rest. A null member
// is as good as none. The first member of a wrong type is remembered in Bad.
type Object struct {
	room [16]member
	n    int      // of room that is in use
	more []member // where room does not suffice
	Bad  *Wrong
}

type member struct {
	name, value []byte
	taken       bool
}

// Wrong says which member cannot be read and what it should be.
type Wrong struct{ Member, Want string }

// Read prepares o for the members of v, which stays untouched.
func (o *Object) Read(v []byte) {
	o.n, o.more, o.Bad = 0, nil, nil
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

func (o *Object) len() int { return o.n + len(o.more) }

func (o *Object) at(i int) *member {
	if i < o.n {
		return &o.room[i]
	}
	return &o.more[i-o.n]
}

// Take returns a member's value, nil where there is none. Of a repeated name the last one counts.
func (o *Object) Take(name string) []byte {
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

// Leave gives a taken member back to the rest.
func (o *Object) Leave(name string) {
	for i := range o.len() {
		if m := o.at(i); string(m.name) == name {
			m.taken = false
		}
	}
}

// Fail notes that a member is not what it should be; the first one noted stays.
func (o *Object) Fail(name, want string) {
	if o.Bad == nil {
		o.Bad = &Wrong{name, want}
	}
}

// String takes a text, "" where there is none.
func (o *Object) String(name string) string {
	v := o.Take(name)
	if v == nil {
		return ""
	}
	s, ok := rawjson.String(v)
	if !ok {
		o.Fail(name, "a string")
	}
	return s
}

// Int takes a whole number, 0 where there is none.
func (o *Object) Int(name string) int64 {
	v := o.Take(name)
	if v == nil {
		return 0
	}
	n, ok := rawjson.Int(v)
	if !ok {
		o.Fail(name, "a whole number")
	}
	return n
}

// Num takes a number as it is written, "" where there is none.
func (o *Object) Num(name string) llm.Num {
	v := o.Take(name)
	if v != nil && rawjson.Kind(v) != '0' {
		o.Fail(name, "a number")
	}
	return llm.Num(rawjson.Num(v))
}

// Bool takes a truth value, nil where there is none.
func (o *Object) Bool(name string) *bool {
	v := o.Take(name)
	if v == nil {
		return nil
	}
	b, ok := rawjson.Bool(v)
	if !ok {
		o.Fail(name, "true or false")
	}
	return &b
}

// Rest returns what was not taken, nil where that is nothing.
func (o *Object) Rest() llm.Extra {
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

// RestObject returns what was not taken as an object, nil where that is nothing.
func (o *Object) RestObject() []byte {
	x := o.Rest()
	if x == nil {
		return nil
	}
	var w rawjson.Writer
	w.Open('{')
	WriteExtra(&w, x)
	w.Close('}')
	return w.Buf
}

// Sub takes what is inside the member name and is an object apart by read; members that read leaves stand in the
// result under name, as an object of their own.
func (o *Object) Sub(x *llm.Extra, name string, read func(*Object)) {
	v := o.Take(name)
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '{' {
		o.Fail(name, "an object")
		return
	}
	var in Object
	in.Read(v)
	read(&in)
	if in.Bad != nil {
		o.Fail(name+"."+in.Bad.Member, in.Bad.Want)
	}
	if rest := in.RestObject(); rest != nil {
		if *x == nil {
			*x = llm.Extra{}
		}
		(*x)[name] = rest
	}
}

// WriteExtra writes members in the order of their names, except those of skip.
func WriteExtra(w *rawjson.Writer, x llm.Extra, skip ...string) {
	if len(x) == 0 {
		return
	}
	for _, name := range Names(x) {
		if !slices.Contains(skip, name) {
			w.Name(name).Raw(bytes.TrimSpace(x[name]))
		}
	}
}

// Names returns the names of x, sorted.
func Names(x llm.Extra) []string {
	out := make([]string, 0, len(x))
	for name := range x {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Says reports whether a member of an answer says anything: zero, false and what is empty do not.
func Says(v []byte) bool {
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
			if Says(in) {
				return true
			}
		}
		return false
	case '[':
		for _, in := range rawjson.Elems(v) {
			if Says(in) {
				return true
			}
		}
		return false
	}
	return true
}

// With returns x with one more member; x may be nil.
func With(x llm.Extra, name string, v []byte) llm.Extra {
	if x == nil {
		x = llm.Extra{}
	}
	x[name] = v
	return x
}

// Losses gathers what could not be said, each path once. The zero value is ready.
type Losses struct {
	List []llm.Loss
	To   func(llm.Loss) // where they go at once; nil = List only
	seen map[string]bool
}

// Add notes a loss unless its path is noted already.
func (l *Losses) Add(path, why string, grade llm.Grade) {
	if l.seen[path] {
		return
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[path] = true
	loss := llm.Loss{Path: path, Why: why, Grade: grade}
	l.List = append(l.List, loss)
	if l.To != nil {
		l.To(loss)
	}
}
