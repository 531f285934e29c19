// Package form reads and edits fields of a multipart/form-data body without taking it apart.
//
// A Spec names the fields a caller decides by: it governs them. Scan walks a body once and notes where the values of the
// governed fields stand; Replace copies the body with one value replaced and leaves every other byte as it was: files,
// their names, the boundary.
//
// What is decided here must be what the next reader of the same bytes sees, as in package splice. Readers of forms
// disagree on more than readers of JSON do: which of two fields of a name counts, whether a line that ends in a bare
// newline ends a part, what a backslash in a file's name means, whether a field may be folded, encoded or a file. So Scan
// takes the form every SDK writes and refuses the rest: a body begins with its first boundary and ends with the last one,
// lines end in CRLF, and each part has one Content-Disposition with one name.
package form

import (
	"bytes"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"

	"weir/internal/splice"
)

// The bounds of a body. A call has a handful of fields and at most a few dozen files.
const (
	MaxParts    = 128     // parts of a body
	MaxHeader   = 4 << 10 // bytes of the headers of one part
	maxBoundary = 70      // by RFC 2046
	maxLines    = 16      // header lines of one part
)

// Error says why a body is refused.
type Error struct {
	Offset int    // byte, from 0
	Field  string // the governed field it is about; "" = none
	What   string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("invalid form at byte %d: %s: %q", e.Offset, e.What, e.Field)
	}
	return fmt.Sprintf("invalid form at byte %d: %s", e.Offset, e.What)
}

// Is reports whether a content type is that of a form, however well it is written.
func Is(contentType string) bool {
	typ, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(typ), "multipart/form-data")
}

// Boundary reads the boundary out of a content type.
func Boundary(contentType string) (string, error) {
	typ, params, err := mime.ParseMediaType(contentType)
	if err != nil || typ != "multipart/form-data" || strings.Contains(contentType, "*") {
		return "", &Error{What: "the content type is not multipart/form-data with a boundary"}
	}
	b := params["boundary"]
	if b == "" || len(b) > maxBoundary {
		return "", &Error{What: "the content type names no boundary of 1 to 70 letters"}
	}
	for _, c := range []byte(b) {
		if c <= ' ' || c > '~' {
			return "", &Error{What: "the boundary holds spaces or what is not ASCII"}
		}
	}
	return b, nil
}

// Spec is the list of fields to govern. It does not change and may be used by many at a time.
type Spec struct{ names []string }

// NewSpec returns a Spec of the given names; their order gives the positions in an index. It panics when there are more
// than splice.MaxMembers.
func NewSpec(names ...string) *Spec {
	if len(names) > splice.MaxMembers {
		panic(fmt.Sprintf("form: %d names, at most %d can be governed", len(names), splice.MaxMembers))
	}
	return &Spec{names: append([]string(nil), names...)}
}

// Scan checks body and says where the values of the governed fields stand. A governed value is text in UTF-8 without
// control characters; others are not looked into. The error is an *Error.
func (s *Spec) Scan(body []byte, boundary string) (splice.Index, error) {
	var ix splice.Index
	w := walker{body: body}
	if err := w.begin(boundary); err != nil {
		return ix, err
	}
	for {
		p, end, err := w.next()
		if err != nil || end < 0 {
			return ix, err
		}
		if err := s.note(&ix, body, p, end); err != nil {
			return ix, err
		}
	}
}

// walker goes through a body from part to part.
type walker struct {
	body []byte
	room [maxBoundary + 4]byte
	line []byte // what ends a part
	at   int    // behind a boundary
	n    int    // parts so far
}

func (w *walker) begin(boundary string) error {
	w.line = append(append(w.room[:0], "\r\n--"...), boundary...)
	if !bytes.HasPrefix(w.body, w.line[2:]) {
		return &Error{What: "the body does not begin with the boundary its content type names"}
	}
	w.at = len(w.line) - 2
	return nil
}

// next returns the next part and where its value ends, -1 after the last one.
func (w *walker) next() (p part, end int, err error) {
	last, next, err := lineEnd(w.body, w.at)
	if err != nil || last {
		return p, -1, err
	}
	if w.n++; w.n > MaxParts {
		return p, -1, &Error{Offset: w.at, What: fmt.Sprintf("there are more than %d parts", MaxParts)}
	}
	if p, err = readPart(w.body, next); err != nil {
		return p, -1, err
	}
	if end, err = partEnd(w.body, p.value, w.line); err != nil {
		return p, -1, err
	}
	w.at = end + len(w.line)
	return p, end, nil
}

// lineEnd reads what follows a boundary: the end of its line, or the two dashes of the last one, after which nothing but
// the end of a line may stand.
func lineEnd(body []byte, at int) (last bool, next int, err error) {
	rest := body[at:]
	switch {
	case bytes.HasPrefix(rest, []byte("\r\n")):
		return false, at + 2, nil
	case bytes.HasPrefix(rest, []byte("--")):
		if tail := rest[2:]; len(tail) > 0 && string(tail) != "\r\n" {
			return false, 0, &Error{Offset: at + 2, What: "something stands after the last boundary"}
		}
		return true, 0, nil
	case len(rest) == 0:
		return false, 0, &Error{Offset: at, What: "the body breaks off after a boundary"}
	}
	return false, 0, &Error{Offset: at, What: "a line begins with the boundary and goes on"}
}

// partEnd returns where the value that begins at from ends. A boundary at the value's very beginning, or after half a
// line end, is one to some readers only.
func partEnd(body []byte, from int, line []byte) (int, error) {
	dashes := line[2:]
	for at := from; ; {
		i := bytes.Index(body[at:], dashes)
		if i < 0 {
			return 0, &Error{Offset: len(body), What: "the body breaks off: its last boundary is missing"}
		}
		i += at
		switch {
		case i == from:
			return 0, &Error{Offset: i, What: "a value begins with the boundary"}
		case i >= from+2 && body[i-1] == '\n' && body[i-2] == '\r':
			return i - 2, nil
		case body[i-1] == '\n' || body[i-1] == '\r':
			return 0, &Error{Offset: i, What: "a line before a boundary does not end in CRLF"}
		}
		at = i + 1
	}
}

// note keeps where a governed field's value stands.
func (s *Spec) note(ix *splice.Index, body []byte, p part, end int) error {
	for i, name := range s.names {
		if p.name != name {
			if strings.EqualFold(strings.TrimSpace(p.name), name) {
				return &Error{p.at, name, "a field is spelled in another way"}
			}
			continue
		}
		value := body[p.value:end]
		switch {
		case ix.Value[i].End != 0:
			return &Error{p.at, name, "the field is there more than once"}
		case p.file:
			return &Error{p.at, name, "the field is a file"}
		case p.coded != "":
			return &Error{p.at, name, "the field is encoded as " + p.coded}
		case !plain(value):
			return &Error{p.value, name, "the field is not one line of text in UTF-8"}
		}
		ix.Value[i] = splice.Span{Start: p.value, End: end}
		return nil
	}
	return nil
}

// plain reports whether a value is text without control characters.
func plain(v []byte) bool {
	for _, c := range v {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(v)
}

// Replace appends body to dst with the value of the field at position i replaced. The index must be Scan's answer for
// this body and hold the field. A value that would not be read as it is, since it holds the boundary or is not a line of
// text, is refused.
func (s *Spec) Replace(dst, body []byte, ix *splice.Index, i int, value, boundary string) ([]byte, error) {
	if strings.Contains(value, "--"+boundary) || !plain([]byte(value)) {
		return dst, &Error{ix.Value[i].Start, s.names[i], "the new value cannot stand in a form with this boundary"}
	}
	at := ix.Value[i]
	dst = append(dst, body[:at.Start]...)
	dst = append(dst, value...)
	return append(dst, body[at.End:]...), nil
}
