package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Options is what Parse needs to know of the world. The zero value knows no variables and no catalog.
type Options struct {
	Env      func(name string) (string, bool) // os.LookupEnv; nil = no variable is set
	NoEnv    bool                             // pass over unset variables and leave files of secrets unread
	Catalog  func(name string) bool           // whether the catalog has a provider; nil = it has none
	Dialects []string                         // what this build speaks; nil = every dialect there is
}

// Parse reads a document. file is its name in errors, and its folder is where relative paths start; src is its text. The
// error is an *Errors with everything that is wrong; there is a document or an error, never both.
func Parse(file string, src []byte, opt Options) (*Document, error) {
	src = trimMark(src)
	s := newSource(file, src)
	t := &tree{src: s, anchors: map[string]*node{}}
	top := t.grow(src)
	if top == nil {
		return nil, s.err()
	}
	d := &decoder{src: s, opt: &opt, doc: &Document{src: s, defaulted: true}, nodes: map[string]*node{}}
	d.setting = &setting{dir: filepath.Dir(file), opt: &opt}
	v := reflect.ValueOf(d.doc).Elem()
	root.fillDefaults(v, d.setting)
	d.block(top, "", root, v)
	d.check()
	if err := s.err(); err != nil {
		return nil, err
	}
	d.doc.finish()
	return d.doc, nil
}

// trimMark takes the byte order mark off that some editors write.
func trimMark(src []byte) []byte {
	if len(src) >= 3 && src[0] == 0xEF && src[1] == 0xBB && src[2] == 0xBF {
		return src[3:]
	}
	return src
}

// decoder fills a document from nodes by the table.
type decoder struct {
	src     *source
	opt     *Options
	setting *setting
	doc     *Document
	nodes   map[string]*node // by path, what stands in the document
	aliased int              // nodes reached through aliases so far
	within  int              // aliases we are within
	spent   bool             // the bound on aliases is passed and reported
}

// note remembers where a path stands.
func (d *decoder) note(path string, n *node) {
	d.nodes[path] = n
	d.src.places[path] = n.at
}

// has reports whether a path stands in the document, decoded or not.
func (d *decoder) has(path string) bool { return d.nodes[path] != nil }

// known reports whether a path stands there with a value that is not a placeholder.
func (d *decoder) known(path string) bool { return d.has(path) && !d.nodes[path].unset }

// follow resolves an alias and counts what is reached through aliases. It returns nil once that is too much, and for
// what was refused already.
func (d *decoder) follow(n *node, path string) *node {
	if d.within > 0 {
		d.aliased++
	}
	if d.aliased > maxAliased {
		if !d.spent {
			d.spent = true
			d.src.report(n.at, path, fmt.Sprintf("aliases make more than %d members of this document", maxAliased), "")
		}
		return nil
	}
	for n.shape == alias {
		n = n.target
		d.aliased++
	}
	if n.shape == broken {
		return nil
	}
	return n
}

// enter goes into a node. The caller defers what it returns.
func (d *decoder) enter(n *node) func() {
	if n.shape != alias {
		return func() {}
	}
	d.within++
	return func() { d.within-- }
}

// effective returns a mapping's members with those that << brings in; written ones win, then earlier ones.
func (d *decoder) effective(n *node, path string) []entry {
	if !slices.ContainsFunc(n.of, func(e entry) bool { return e.merge }) {
		return n.of
	}
	var own, brought []entry
	for _, e := range n.of {
		if !e.merge {
			own = append(own, e)
			continue
		}
		parts := []*node{e.value}
		if e.value.shape == sequence {
			parts = e.value.items
		}
		for _, part := range parts {
			d.within++
			m := d.follow(part, path)
			if m != nil && m.shape != mapping {
				d.src.report(part.at, path, "expected a mapping to merge, found "+m.describe(false), "write `<<: *anchor`")
				m = nil
			}
			if m != nil {
				brought = append(brought, d.effective(m, path)...)
				d.aliased += len(m.of)
			}
			d.within--
		}
	}
	seen := make(map[string]bool, len(own))
	for _, e := range own {
		seen[e.name] = true
	}
	for _, e := range brought {
		if !seen[e.name] {
			seen[e.name] = true
			own = append(own, e)
		}
	}
	return own
}

// block decodes a mapping by a table.
func (d *decoder) block(n *node, path string, t *table, v reflect.Value) {
	defer d.enter(n)()
	at := n.at
	if n = d.follow(n, path); n == nil {
		return
	}
	if n.shape != mapping && n.shape != nothing {
		if t.holds(secret) {
			d.src.conceal(n.text) // a key without its member's name
		}
		hint := "its members are " + list(t.names())
		if t.rates >= 0 {
			hint = "write `{ input: $1.25, output: $10 }`"
		}
		d.src.report(at, path, "expected a mapping, found "+n.describe(true), hint)
		return
	}
	for _, e := range d.effective(n, path) {
		if path == "" && strings.HasPrefix(e.name, "x-") {
			continue
		}
		m := t.find(e.name)
		if m == nil && t.rates >= 0 {
			d.rate(e, path, v.Field(t.rates))
			continue
		}
		if m == nil {
			d.unknown(e, path, t.typ, t.names())
			continue
		}
		inner := join(path, e.name)
		d.note(inner, e.value)
		d.value(e.value, inner, m, v)
	}
	for i := range t.members {
		if m := &t.members[i]; m.need && !d.has(join(path, m.name)) {
			hint := m.doc
			if m.def == "" && len(m.kind.wordsOf()) == 1 {
				hint = "write `" + m.name + ": " + m.kind.words[0] + "`"
			}
			d.src.report(at, path, "`"+m.name+"` is missing", hint)
		}
	}
}

func (k *kind) wordsOf() []string {
	if k == nil {
		return nil
	}
	return k.words
}

// unknown refuses a member that is not in a table.
func (d *decoder) unknown(e entry, path string, typ reflect.Type, names []string) {
	inner := join(path, e.name)
	d.note(inner, e.value)
	if slices.Contains(lacking[typ], e.name) {
		d.src.report(e.at, inner, "`"+e.name+"` is not in this build", "take it out; this build has "+list(names)+" here")
		return
	}
	hint := didYouMean(e.name, append(slices.Clone(names), lacking[typ]...))
	if hint == "" {
		hint = "members here are " + list(names)
	}
	d.src.report(e.at, inner, "unknown member `"+clip(e.name)+"`", hint)
}

// value decodes one member of a block.
func (d *decoder) value(n *node, path string, m *member, of reflect.Value) {
	v := of.FieldByIndex(m.index)
	switch m.form {
	case block:
		d.block(n, path, m.inner, v)
		return
	case scalar:
		d.scalar(n, path, m.kind, v)
		return
	case either:
		if n.behind().shape == mapping {
			v.SetZero()
			d.block(n, path, m.inner, v)
			return
		}
		d.scalar(n, path, m.kind, m.slot(of))
		return
	}
	defer d.enter(n)()
	at := n.at
	if m.form == secret {
		s, ok := d.secret(n, path, m)
		if ok {
			v.Set(reflect.ValueOf(s))
		}
		return
	}
	if n = d.follow(n, path); n == nil || n.shape == nothing {
		return
	}
	if m.form == named {
		d.named(n, at, path, m, v)
		return
	}
	if n.shape != sequence && n.shape != mapping && m.lone {
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		d.scalar(n, path, m.kind, v.Index(0))
		return
	}
	if n.shape != sequence {
		hint := "a list is written [a, b], or one `- ` line for each"
		if m.form == scalars && n.shape != mapping {
			hint = "put it in brackets: `" + m.name + ": [" + clip(n.text) + "]`"
		}
		d.src.report(at, path, "expected a list, found "+n.describe(false), hint)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		inner := fmt.Sprintf("%s[%d]", path, i)
		d.note(inner, item)
		if m.form == scalars {
			d.scalar(item, inner, m.kind, v.Index(i))
			continue
		}
		m.inner.fillDefaults(v.Index(i), d.setting)
		d.block(item, inner, m.inner, v.Index(i))
	}
}

// behind returns what aliases lead to.
func (n *node) behind() *node {
	for n.shape == alias {
		n = n.target
	}
	return n
}

// named decodes a mapping from names to blocks into a slice, in the order written.
func (d *decoder) named(n *node, at position, path string, m *member, v reflect.Value) {
	if n.shape != mapping {
		d.src.report(at, path, "expected a mapping of names, found "+n.describe(false), "each name stands before its own members: `NAME: { … }`")
		return
	}
	members := d.effective(n, path)
	v.Set(reflect.MakeSlice(v.Type(), len(members), len(members)))
	for i, e := range members {
		inner := join(path, e.name)
		d.note(inner, e.value)
		one := v.Index(i)
		if f := m.inner.keyKind.parse(e.name, one.Field(m.inner.key), d.setting); f != nil {
			d.complain(e.at, inner, f, "expected "+m.inner.keyKind.noun+", found "+fmt.Sprintf("%q", clip(e.name)))
		}
		m.inner.fillDefaults(one, d.setting)
		d.block(e.value, inner, m.inner, one)
	}
}

// scalar decodes one value of a kind.
func (d *decoder) scalar(n *node, path string, k *kind, v reflect.Value) {
	defer d.enter(n)()
	at, from := n.at, n
	if n = d.follow(n, path); n == nil {
		return
	}
	plain := n.shape == text || n.shape == quoted
	var f filled
	if plain {
		if f = fill(n.text, d.look); f.flaw != nil {
			d.complain(at, path, f.flaw, "")
			return
		}
		if len(f.unset) > 0 {
			if d.met(n, path, f.unset) {
				from.unset = true
			}
			if v.Kind() == reflect.String {
				v.SetString(f.text)
			}
			return
		}
	}
	found := "expected " + k.noun + ", found " + n.describe(false)
	if f.used {
		// What a variable holds may be a secret by mistake; it is not shown.
		found = "expected " + k.noun + ", found what `" + clip(n.text) + "` was filled with"
	}
	switch {
	case plain && (k.json == "string" || f.used || n.shape == text):
	case plain:
		d.src.report(at, path, found, "take the quotes off")
		return
	case n.shape == number && (k.json == "integer" || k.units), n.shape == truth && k.json == "boolean":
		f.text = n.text
	case (n.shape == number || n.shape == truth) && k.json == "string":
		wrong := k.parse(n.text, reflect.New(v.Type()).Elem(), d.setting)
		if wrong == nil {
			wrong = &flaw{hint: "put it in quotes"}
		}
		d.complain(at, path, wrong, found)
		return
	default:
		d.src.report(at, path, found, "")
		return
	}
	if wrong := k.parse(f.text, v, d.setting); wrong != nil {
		d.complain(at, path, wrong, found)
	}
}

// complain reports a flaw; one without a message of its own is a value of the wrong kind.
func (d *decoder) complain(at position, path string, f *flaw, wrong string) {
	message := f.message
	if message == "" {
		message = wrong
	}
	d.src.report(at, path, message, f.hint)
}

// word decodes a text that is no row of a table.
func (d *decoder) word(n *node, path string) (string, bool) {
	d.note(path, n)
	var s string
	before := len(d.src.errs.All) + d.src.errs.More
	d.scalar(n, path, wordlike, reflect.ValueOf(&s).Elem())
	return s, len(d.src.errs.All)+d.src.errs.More == before && s != ""
}

var wordlike = textKind("a text", "", "text", func(s string) *flaw {
	if s == "" || strings.ContainsRune(s, 0) {
		return &flaw{}
	}
	return nil
})

// look finds a variable.
func (d *decoder) look(name string) (string, bool) {
	if d.opt.Env == nil {
		return "", false
	}
	return d.opt.Env(name)
}

// met deals with unset variables: it reports them, or, with NoEnv, notes them and returns true.
func (d *decoder) met(n *node, path string, names []string) bool {
	for _, name := range names {
		if d.opt.NoEnv {
			d.doc.Unset = addOnce(d.doc.Unset, name)
		} else {
			hint := "set it, or give a default as in `${" + name + ":-…}`"
			if !strings.Contains(n.text, "${") {
				hint = ""
			}
			d.src.report(n.at, path, "the variable "+name+" is not set", hint)
		}
	}
	if d.opt.NoEnv {
		n.unset = true
	}
	return d.opt.NoEnv
}

func addOnce(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}
