package config

import (
	"bytes"
	"io"
	"reflect"
	"regexp"
	"strings"

	"weir/internal/rawjson"
)

// Print writes the document as YAML after defaults. A secret is written as the variable or the file it comes from, else
// as ***. A document without secrets in its text reads back as the same document.
func (d *Document) Print(w io.Writer) error {
	p := &printer{}
	p.block(root, reflect.ValueOf(d).Elem(), 0)
	_, err := w.Write(p.buf.Bytes())
	return err
}

type printer struct{ buf bytes.Buffer }

func (p *printer) line(indent int, s string) {
	p.buf.WriteString(strings.Repeat("  ", indent))
	p.buf.WriteString(s)
	p.buf.WriteByte('\n')
}

// block writes a block's members; absent ones are left out.
func (p *printer) block(t *table, v reflect.Value, indent int) {
	for i := range t.members {
		m := &t.members[i]
		f := v.FieldByIndex(m.index)
		if f.IsZero() && m.def == "" {
			continue
		}
		switch m.form {
		case scalar:
			p.line(indent, m.name+": "+m.kind.yaml(f))
		case secret:
			s, _ := reflect.TypeAssert[Secret](f)
			p.line(indent, m.name+": "+s.source())
		case scalars:
			var words []string
			for j := range f.Len() {
				words = append(words, m.kind.yaml(f.Index(j)))
			}
			p.line(indent, m.name+": ["+strings.Join(words, ", ")+"]")
		case either:
			if word := f.Field(m.word); !word.IsZero() {
				p.line(indent, m.name+": "+m.kind.yaml(word))
				continue
			}
			p.nested(m.name+":", m.inner, f, indent)
		case block:
			p.nested(m.name+":", m.inner, f, indent)
		case blocks:
			if f.Len() == 0 {
				p.line(indent, m.name+": []")
				continue
			}
			p.line(indent, m.name+":")
			for j := range f.Len() {
				p.nested("-", m.inner, f.Index(j), indent+1)
			}
		case named:
			if f.Len() == 0 {
				continue
			}
			p.line(indent, m.name+":")
			for j := range f.Len() {
				one := f.Index(j)
				p.nested(m.inner.keyKind.yaml(one.Field(m.inner.key))+":", m.inner, one, indent+1)
			}
		}
	}
	if t.rates >= 0 {
		p.rates(v.Field(t.rates), indent)
	}
}

// nested writes a block below its head; a block of which nothing is to be written is left out with its head, unless
// the head is a name.
func (p *printer) nested(head string, t *table, v reflect.Value, indent int) {
	inner := &printer{}
	inner.block(t, v, indent+1)
	if inner.buf.Len() == 0 && t.key < 0 && head != "-" {
		return
	}
	if head == "-" && inner.buf.Len() > 0 {
		b := inner.buf.Bytes()
		b[indent*2] = '-' // the first member stands beside the dash
		p.buf.Write(b)
		return
	}
	if inner.buf.Len() == 0 {
		head += " {}"
	}
	p.line(indent, head)
	p.buf.Write(inner.buf.Bytes())
}

// plainText is what YAML reads as text without quotes, within [ ] too.
var plainText = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*$|^[0-9]+(\.[0-9]+){3}(:[0-9]+)?$|^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$|^[0-9]+[A-Za-z]+$`)

var ambiguous = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off|y|n|[0-9]+e[0-9]*|0[xo].*)$`)

// yaml writes a value of the kind as a YAML scalar.
func (k *kind) yaml(v reflect.Value) string {
	s := k.show(v)
	if k.json != "string" {
		return s
	}
	s = strings.ReplaceAll(s, "${", "$${")
	if plainText.MatchString(s) && !ambiguous.MatchString(s) {
		return s
	}
	return string(rawjson.AppendString(nil, s))
}

// source writes where a secret comes from, for the document.
func (s Secret) source() string {
	from, name, _ := strings.Cut(s.from, " ")
	switch {
	case s.from == "":
		return `"` + blotted + `"`
	case name != "" && !strings.HasPrefix(s.from, "${"):
		return "{ " + from + ": " + string(rawjson.AppendString(nil, strings.ReplaceAll(name, "${", "$${"))) + " }"
	}
	return string(rawjson.AppendString(nil, s.from))
}
