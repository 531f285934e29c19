package form

import (
	"bytes"
	"strings"

	"weir/internal/splice"
)

// File says where the bytes of a file stand. The form must hold one file of the field's name and no other part of it. The
// error is an *Error.
func File(body []byte, boundary, field string) (splice.Span, error) {
	var at splice.Span
	w := walker{body: body}
	if err := w.begin(boundary); err != nil {
		return at, err
	}
	for {
		p, end, err := w.next()
		switch {
		case err != nil:
			return at, err
		case end < 0 && at.End == 0:
			return at, &Error{len(body), field, "the file is missing"}
		case end < 0:
			return at, nil
		case p.name != field && strings.EqualFold(strings.TrimSpace(p.name), field):
			return at, &Error{p.at, field, "a field is spelled in another way"}
		case p.name != field:
		case at.End != 0:
			return at, &Error{p.at, field, "the file is there more than once"}
		case !p.file:
			return at, &Error{p.at, field, "the field is no file: it has no filename"}
		case p.coded != "":
			return at, &Error{p.at, field, "the file is encoded as " + p.coded}
		default:
			at = splice.Span{Start: p.value, End: end}
		}
	}
}

// ReplaceFile appends body to dst with other bytes in the place of those from start to end, which File has found. Bytes
// that hold the boundary are refused.
func ReplaceFile(dst, body []byte, start, end int, file []byte, boundary string) ([]byte, error) {
	if bytes.Contains(file, []byte("--"+boundary)) {
		return dst, &Error{start, "", "the file cannot stand in a form with this boundary"}
	}
	dst = append(dst, body[:start]...)
	dst = append(dst, file...)
	return append(dst, body[end:]...), nil
}
