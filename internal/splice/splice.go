// Package splice reads and edits top-level members of a JSON body without decoding it.
//
// A Spec names the members a caller decides by: it governs them. Scan walks a body once, validates all of it and notes
// where the governed members stand; Apply copies the body with some of them replaced, inserted or removed and leaves
// every other byte as it was.
//
// What is decided here must be what the next reader of the same bytes sees. For {"model":"a","model":"b"} one reader
// takes the first, another the last, and a third does not mind the case of the name; a gateway that checks one and
// forwards the other can be walked around. So Scan refuses every body on which readers of the field disagree about a
// governed member: one named twice, one spelled in another case (Unicode folding included), and any top-level name
// that is escaped or is not clean UTF-8. Members that are not governed may repeat.
//
// To govern members of a nested object, govern the object and Scan its value with a Spec of its own.
package splice

import (
	"errors"
	"fmt"

	"weir/internal/rawjson"
)

// MaxMembers is how many members a Spec can govern.
const MaxMembers = 12

// Span is a half-open range of bytes; the zero value means absent.
type Span struct{ Start, End int }

// Index says where the governed members of one body stand, by their position in the Spec. It is a value and belongs to
// the body it was made from.
type Index struct {
	Value [MaxMembers]Span // the member's value
	Body  Span             // inside of the outer braces
	Empty bool             // the object has no members
}

// Get returns the value of the member at position i of the Spec as it is written, nil if the body has none. It shares
// memory with body, which must be the one the Index was made from.
func (ix *Index) Get(body []byte, i int) []byte {
	s := ix.Value[i]
	if s.End == 0 {
		return nil
	}
	return body[s.Start:s.End:s.End]
}

// Error says why a body is refused.
type Error struct {
	Offset int    // byte, from 0
	Member string // the governed member it is about; "" = none
	What   string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Member != "" {
		return fmt.Sprintf("invalid JSON body at byte %d: %s: %q", e.Offset, e.What, e.Member)
	}
	return fmt.Sprintf("invalid JSON body at byte %d: %s", e.Offset, e.What)
}

// Spec is the list of members to govern. It does not change and may be used by many at a time.
type Spec struct {
	names   []string
	lengths uint64 // bit n: a name is n bytes long
}

// NewSpec returns a Spec of the given names; their order gives the positions in an Index. It panics when a name is not
// made of 1 to 63 printable ASCII characters other than the quote and the backslash, when two names differ in case at
// most, or when there are more than MaxMembers.
func NewSpec(names ...string) *Spec {
	if len(names) > MaxMembers {
		panic(fmt.Sprintf("splice: %d names, at most %d can be governed", len(names), MaxMembers))
	}
	s := &Spec{names: append([]string(nil), names...)}
	for i, name := range s.names {
		if len(name) == 0 || len(name) > 63 {
			panic(fmt.Sprintf("splice: the name %q is empty or too long", name))
		}
		for _, c := range []byte(name) {
			if c < ' ' || c > '~' || c == '"' || c == '\\' {
				panic(fmt.Sprintf("splice: the name %q cannot be governed", name))
			}
		}
		for _, other := range s.names[:i] {
			if foldsTo([]byte(other), name) {
				panic(fmt.Sprintf("splice: the names %q and %q are the same to some readers", other, name))
			}
		}
		s.lengths |= 1 << len(name)
	}
	return s
}

// Scan validates body, strictly by RFC 8259 and with an object on top, and says where the governed members stand. It
// refuses what readers would disagree on (see the package comment), a byte order mark, text after the object, and
// nesting deeper than rawjson.MaxDepth. A governed value that is a string may hold escapes but no half surrogate, no
// NUL and nothing that is not UTF-8; other governed values are not looked into. The error is an *Error.
//
// It does not allocate unless it refuses.
func (s *Spec) Scan(body []byte) (Index, error) {
	var ix Index
	i, err := open(body)
	if err != nil {
		return ix, err
	}
	ix.Body.Start = i
	i = rawjson.Space(body, i)
	if i < len(body) && body[i] == '}' {
		ix.Empty = true
		ix.Body.End = i
		return ix, end(body, i+1)
	}
	for {
		if i >= len(body) || body[i] != '"' {
			return ix, &Error{Offset: i, What: "a member's name is missing"}
		}
		start := i
		if i, err = rawjson.SkipString(body, i); err != nil {
			return ix, syntax(err)
		}
		member, err := s.member(body[start+1:i-1], start)
		if err != nil {
			return ix, err
		}
		if member >= 0 && ix.Value[member].End != 0 {
			return ix, &Error{start, s.names[member], "the member is there more than once"}
		}
		i = rawjson.Space(body, i)
		if i >= len(body) || body[i] != ':' {
			return ix, &Error{Offset: i, What: "a colon is missing"}
		}
		start = rawjson.Space(body, i+1)
		if i, err = rawjson.SkipIn(body, start, 1); err != nil {
			return ix, syntax(err)
		}
		if member >= 0 {
			ix.Value[member] = Span{start, i}
			if body[start] == '"' {
				if what := dubious(body[start+1 : i-1]); what != "" {
					return ix, &Error{start, s.names[member], what}
				}
			}
		}
		i = rawjson.Space(body, i)
		if i >= len(body) {
			return ix, &Error{Offset: i, What: "the text ends inside the object"}
		}
		if body[i] == '}' {
			ix.Body.End = i
			return ix, end(body, i+1)
		}
		if body[i] != ',' {
			return ix, &Error{Offset: i, What: "a comma or the end of the object is missing"}
		}
		i = rawjson.Space(body, i+1)
	}
}

// open returns the offset after the brace that begins the body.
func open(body []byte) (int, error) {
	if len(body) >= 3 && body[0] == 0xEF && body[1] == 0xBB && body[2] == 0xBF {
		return 0, &Error{What: "a byte order mark stands before the object"}
	}
	i := rawjson.Space(body, 0)
	if i >= len(body) {
		return 0, &Error{Offset: i, What: "the body is empty"}
	}
	if body[i] != '{' {
		return 0, &Error{Offset: i, What: "the body is not an object"}
	}
	return i + 1, nil
}

// end checks that nothing stands from i on.
func end(body []byte, i int) error {
	if i = rawjson.Space(body, i); i < len(body) {
		return &Error{Offset: i, What: "text after the object"}
	}
	return nil
}

func syntax(err error) error {
	e := &rawjson.SyntaxError{}
	if errors.As(err, &e) {
		return &Error{Offset: e.Offset, What: e.What}
	}
	return err
}

// Change is an edit of one member.
type Change struct {
	Member int    // position in the Spec
	Value  []byte // the new value, valid JSON; empty = remove the member
}

// Apply appends body with the changes made to dst and returns it. A value that is there is replaced in place; members
// that are not are inserted at the front of the object in the order given; a removed one goes with one comma and,
// if it was the last, with the space between the comma and it. Every other byte stays. Removing what is not there does
// nothing; of several changes to a member the last counts.
//
// The Index must be Scan's answer for this body, and dst must not overlap body. Apply panics on a position that the
// Spec does not have; it does not check values. body is left alone.
func (s *Spec) Apply(dst, body []byte, ix *Index, changes ...Change) []byte {
	var order [MaxMembers]int // members to replace or remove as they stand in the body
	var value [MaxMembers][]byte
	var seen uint16
	n := 0
	for _, c := range changes {
		_ = s.names[c.Member]
		value[c.Member] = c.Value
		if seen&(1<<c.Member) != 0 {
			continue
		}
		seen |= 1 << c.Member
		if ix.Value[c.Member].End == 0 {
			continue
		}
		at := n
		for ; at > 0 && ix.Value[order[at-1]].Start > ix.Value[c.Member].Start; at-- {
			order[at] = order[at-1]
		}
		order[at] = c.Member
		n++
	}

	from := ix.Body.Start // what stands before it is in dst
	dst = append(dst, body[:from]...)
	dst = s.insert(dst, ix, changes, &value)
	for _, m := range order[:n] {
		at := ix.Value[m]
		if len(value[m]) > 0 {
			dst = append(dst, body[from:at.Start]...)
			dst = append(dst, value[m]...)
			from = at.End
			continue
		}
		dst = append(dst, body[from:s.nameStart(body, m, at.Start)]...)
		from = at.End
		if next := rawjson.Space(body, from); body[next] == ',' {
			from = next + 1
			continue
		}
		// The last member: the comma to go is the one before it, or before those removed in front of it.
		last := len(dst)
		for dst[last-1] <= ' ' {
			last--
		}
		if dst[last-1] == ',' {
			dst = dst[:last-1]
		}
	}
	return append(dst, body[from:]...)
}

// insert appends the members that the body does not have, each with its comma.
func (s *Spec) insert(dst []byte, ix *Index, changes []Change, value *[MaxMembers][]byte) []byte {
	var done uint16
	comma := false
	for _, c := range changes {
		m := c.Member
		if ix.Value[m].End != 0 || len(value[m]) == 0 || done&(1<<m) != 0 {
			continue
		}
		done |= 1 << m
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		dst = append(dst, '"')
		dst = append(dst, s.names[m]...)
		dst = append(dst, '"', ':')
		dst = append(dst, value[m]...)
	}
	if comma && !ix.Empty {
		dst = append(dst, ',')
	}
	return dst
}

// nameStart returns the offset of the opening quote of member m, whose value starts at i: between the two stand the
// name as it is in the Spec, a colon and space.
func (s *Spec) nameStart(body []byte, m, i int) int {
	for i--; body[i] != ':'; i-- {
	}
	for i--; body[i] != '"'; i-- {
	}
	return i - len(s.names[m]) - 1
}
