package form

import (
	"iter"

	"weir/internal/splice"
)

// Part is a field of a form or a file in it.
type Part struct {
	Name     string
	File     bool
	FileName string // as it stands, "" where it is encoded or none
	Type     string // content type, "" = not said
	Coded    string // how the value is encoded, where that is not as it stands
	Value    splice.Span
}

// Parts goes through the parts of a body in their order. The error is an *Error, and the last that comes.
func Parts(body []byte, boundary string) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		w := walker{body: body}
		if err := w.begin(boundary); err != nil {
			yield(Part{}, err)
			return
		}
		for {
			p, end, err := w.next()
			if err != nil {
				yield(Part{}, err)
				return
			}
			if end < 0 || !yield(Part{p.name, p.file, p.fileName, p.typ, p.coded, splice.Span{Start: p.value, End: end}}, nil) {
				return
			}
		}
	}
}
