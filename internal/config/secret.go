package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Secret is a text that is never shown. However it is printed, logged or marshalled it is "***"; only Reveal returns
// it. The zero value is no secret.
type Secret struct {
	value *string // a pointer, so that printing a struct that holds a Secret in an unexported field shows an address
	from  string  // how the document may show where it comes from; "" = it stands in the document
}

const blotted = "***"

// NewSecret returns a secret for a document built in Go.
func NewSecret(value string) Secret { return Secret{value: &value} }

// placeholder stands for a secret that Options.NoEnv passed over. Its text says where the secret would come from, so
// that two of them differ.
func placeholder(from string) Secret { return Secret{value: &from, from: from} }

// Reveal returns the text, "" for no secret. Of one that Options.NoEnv passed over it returns where it would come from:
// a document read like that is to be looked at, never to be served.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Set reports whether there is a secret.
func (s Secret) Set() bool { return s.value != nil }

// Equal reports whether both hold the same text, in time that does not depend on where they differ.
func (s Secret) Equal(o Secret) bool {
	a, b := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(o.Reveal()))
	return s.Set() == o.Set() && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns stars.
func (s Secret) String() string { return blotted }

// GoString returns stars.
func (s Secret) GoString() string { return blotted }

// MarshalText returns stars.
func (s Secret) MarshalText() ([]byte, error) { return []byte(blotted), nil }

// MarshalJSON returns stars.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + blotted + `"`), nil }

// MarshalYAML returns stars.
func (s Secret) MarshalYAML() (any, error) { return blotted, nil }

// maxSecret bounds a secret's file.
const maxSecret = 1 << 20

// readSecret reads a secret's file and takes the line end off. The error says why it cannot, without the path.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return "", errors.New("it is not a regular file")
	}
	if err != nil {
		return "", reason(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", reason(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", reason(err)
	}
	if len(b) > maxSecret {
		return "", errors.New("it is larger than 1 MiB")
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// secret decodes a secret: a text, or a mapping with one of env and file.
func (d *decoder) secret(n *node, path string, m *member) (Secret, bool) {
	n = d.follow(n, path)
	if n == nil {
		return Secret{}, false
	}
	if n.shape == mapping {
		return d.secretFrom(n, path, m)
	}
	if n.shape != text && n.shape != quoted {
		hint := "a text, or a mapping with one of `env` and `file`"
		if n.shape == number || n.shape == truth {
			hint = "put it in quotes"
			d.src.conceal(n.text)
		}
		d.src.report(n.at, path, "expected a secret, found "+n.describe(true), hint)
		return Secret{}, false
	}
	f := fill(n.text, d.look)
	if f.whole == "" {
		d.src.conceal(n.text)
	}
	if f.flaw != nil {
		d.src.report(n.at, path, "the secret holds a `${` that names no variable", "`$${` stands for a plain `${`")
		return Secret{}, false
	}
	if len(f.unset) > 0 {
		return placeholder("${" + f.unset[0] + "}"), d.met(n, path, f.unset)
	}
	s := Secret{value: &f.text}
	if f.whole != "" {
		s.from = "${" + f.whole + "}"
	}
	return s, d.fit(f.text, n, path, m)
}

// secretFrom decodes { env: NAME } and { file: PATH }.
func (d *decoder) secretFrom(n *node, path string, m *member) (Secret, bool) {
	sources := []string{"env", "file"}
	members := d.effective(n, path)
	if len(members) != 1 {
		d.src.report(n.at, path, "a secret has one source", "write one of `env` and `file`")
		return Secret{}, false
	}
	e := members[0]
	inner := join(path, e.name)
	if !slices.Contains(sources, e.name) {
		d.unknown(e, path, reflect.TypeFor[Secret](), sources)
		return Secret{}, false
	}
	word, ok := d.word(e.value, inner)
	if !ok {
		return Secret{}, false
	}
	if e.name == "file" {
		return d.secretFile(word, e.value, inner, m)
	}
	if !isVariable(word) {
		d.src.report(e.value.at, inner, "expected a variable's name such as OPENAI_API_KEY, found "+e.value.describe(false), "")
		return Secret{}, false
	}
	v, ok := d.look(word)
	if !ok {
		return placeholder("env " + word), d.met(e.value, inner, []string{word})
	}
	return Secret{value: &v, from: "env " + word}, d.fit(v, e.value, inner, m)
}

func (d *decoder) secretFile(file string, n *node, path string, m *member) (Secret, bool) {
	if d.opt.NoEnv {
		n.unset = true
		return placeholder("file " + file), true
	}
	full := file
	if !filepath.IsAbs(full) {
		full = filepath.Join(d.setting.dir, full)
	}
	v, err := readSecret(full)
	if err != nil {
		d.src.report(n.at, path, "cannot read "+clip(full)+": "+err.Error(), "the path starts at the document's folder unless it is absolute")
		return Secret{}, false
	}
	d.doc.Files = addOnce(d.doc.Files, full)
	return Secret{value: &v, from: "file " + file}, d.fit(v, n, path, m)
}

// fit holds a secret to what its use demands.
func (d *decoder) fit(v string, n *node, path string, m *member) bool {
	if strings.TrimSpace(v) == "" {
		d.src.report(n.at, path, "the secret is empty", "")
		return false
	}
	if m.is != "credential" {
		return true
	}
	for i := range len(v) {
		if v[i] <= ' ' || v[i] >= 0x7f {
			d.src.report(n.at, path, "the secret holds a space, a line end or a letter that no header can carry", "")
			return false
		}
	}
	return true
}
