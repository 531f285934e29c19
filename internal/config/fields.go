package config

import (
	"reflect"
	"slices"
	"strings"
)

// form is how a member's value is laid out.
type form uint8

const (
	scalar  form = iota // one value of a kind
	scalars             // a list of them
	secret              // a Secret
	block               // a mapping with members of its own
	blocks              // a list of blocks
	named               // a mapping from names to blocks
	either              // one word of a kind, or a block
)

// member is one row of the document's table.
type member struct {
	name   string
	index  []int // of the field
	form   form
	is     string // the kind's word
	kind   *kind  // of scalar, scalars and secret
	inner  *table // of block, blocks, named and either
	word   int    // of either: the block's field that holds the word
	lone   bool   // of scalars: a single value may stand without brackets
	def    string // the default as it would be written; "" = none
	absent string // what absence means, where def does not say it
	need   bool
	doc    string
}

// table is the members of one block.
type table struct {
	typ     reflect.Type
	members []member
	key     int   // the field that holds the block's own name; -1 = it has none
	keyKind *kind // of the name
	rates   int   // the field that holds all further members, which are prices; -1 = there are none
	lacking []string
}

// root is the document's table. It is read only.
var root = tableOf(reflect.TypeFor[Document]())

func tableOf(typ reflect.Type) *table {
	t := &table{typ: typ, key: -1, rates: -1, lacking: lacking[typ]}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if option == "inline" {
			for _, m := range tableOf(f.Type).members {
				m.index = append([]int{i}, m.index...)
				t.members = append(t.members, m)
			}
			continue
		}
		if option == "name" {
			t.key, t.keyKind = i, kinds[f.Tag.Get("is")]
			continue
		}
		if option == "rest" {
			t.rates = i
		}
		if name == "" || name == "-" {
			continue
		}
		m := member{
			name: name, index: []int{i}, is: f.Tag.Get("is"), def: f.Tag.Get("default"), absent: f.Tag.Get("absent"),
			need: f.Tag.Get("need") != "", doc: f.Tag.Get("doc"), lone: f.Tag.Get("lone") != "",
		}
		if m.kind = kinds[m.is]; f.Tag.Get("one") != "" {
			m.kind = wordKind(strings.Split(f.Tag.Get("one"), "|"))
		}
		of := f.Type
		switch {
		case of == reflect.TypeFor[Secret]():
			m.form = secret
		case of.Kind() == reflect.Struct && m.kind != nil && m.kind.words != nil:
			m.form, m.inner, m.word = either, tableOf(of), wordOf(of)
		case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct && m.kind == nil:
			m.form, m.inner = blocks, tableOf(of.Elem())
			if m.inner.key >= 0 {
				m.form = named
			}
		case of.Kind() == reflect.Slice:
			m.form = scalars
		case of.Kind() == reflect.Struct && m.kind == nil:
			m.form, m.inner = block, tableOf(of)
		}
		t.members = append(t.members, m)
	}
	return t
}

// wordOf returns the field that holds the word of a block for which one may stand.
func wordOf(typ reflect.Type) int {
	for i := range typ.NumField() {
		if typ.Field(i).Tag.Get("yaml") == ",word" {
			return i
		}
	}
	panic("config: " + typ.Name() + " has no field for its word")
}

// slot is where a scalar of the member is read into.
func (m *member) slot(v reflect.Value) reflect.Value {
	f := v.FieldByIndex(m.index)
	if m.form == either {
		return f.Field(m.word)
	}
	return f
}

func (t *table) find(name string) *member {
	for i := range t.members {
		if t.members[i].name == name {
			return &t.members[i]
		}
	}
	return nil
}

func (t *table) names() []string {
	var out []string
	for _, m := range t.members {
		out = append(out, m.name)
	}
	return out
}

// holds reports whether a member has the form.
func (t *table) holds(f form) bool {
	return slices.ContainsFunc(t.members, func(m member) bool { return m.form == f })
}

// fillDefaults writes the literal defaults into a block.
func (t *table) fillDefaults(v reflect.Value, set *setting) {
	for i := range t.members {
		m := &t.members[i]
		switch {
		case m.form == block:
			m.inner.fillDefaults(v.FieldByIndex(m.index), set)
		case m.def != "":
			m.kind.parse(m.def, m.slot(v), set)
		}
	}
}

// fillZero writes the literal defaults into the zero members of a block and of what it holds.
func (t *table) fillZero(v reflect.Value, set *setting) {
	for i := range t.members {
		m := &t.members[i]
		switch f := v.FieldByIndex(m.index); {
		case m.form == block:
			m.inner.fillZero(f, set)
		case m.form == blocks || m.form == named:
			for j := range f.Len() {
				m.inner.fillZero(f.Index(j), set)
			}
		case m.def != "" && f.IsZero():
			m.kind.parse(m.def, m.slot(v), set)
		}
	}
}
