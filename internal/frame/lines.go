package frame

import (
	"bytes"
	"io"
	"slices"
)

// Lines cuts newline-delimited JSON: a value a line, lines ended by LF or CR LF. An empty line is a frame without Data.
// The last line may lack its end: then it is a Tail. What SSE says of buf, max, errors and ownership holds here too.
func Lines(r io.Reader, buf []byte, max int) Seq {
	if len(buf) < minBuffer {
		buf = make([]byte, minBuffer)
	}
	l := &ndjson{}
	c := &cutter{cut: l.cut, parse: l.parse, r: r, buf: buf, max: max}
	return c.frames
}

type ndjson struct{ from int } // no line ends before it

func (l *ndjson) cut(b []byte, _ bool) int {
	i := bytes.IndexByte(b[l.from:], '\n')
	if i < 0 {
		l.from = len(b)
		return 0
	}
	i += l.from + 1
	l.from = 0
	return i
}

func (*ndjson) parse(raw []byte) (string, []byte) {
	data := bytes.TrimSpace(raw)
	if len(data) == 0 {
		return "", nil
	}
	return "", slices.Clip(data)
}

// Elements cuts a JSON array that is streamed element by element, as Gemini sends it without alt=sse. A frame is an
// element with what stands before it: the opening bracket of the first, the comma and the space of the others; Data is
// the element alone. The closing bracket with what follows it is a frame without Data; it comes when the stream ends.
// Where the body is one JSON value and no array, it is one frame, and white space after it another without Data. What SSE
// says of buf, max, errors and ownership holds here too.
func Elements(r io.Reader, buf []byte, max int) Seq {
	if len(buf) < minBuffer {
		buf = make([]byte, minBuffer)
	}
	a := &array{}
	c := &cutter{cut: a.cut, parse: a.parse, r: r, buf: buf, max: max}
	return c.frames
}

// array is where in an unfinished frame to go on.
type array struct {
	at      int  // bytes of the frame looked at
	depth   int  // brackets open within the element
	begun   bool // the array's own bracket was seen
	inside  bool // within the element
	text    bool // within a string
	escaped bool
	scalar  bool // the element is neither object nor array
	bare    bool // the body is no array
	ended   bool // the array's closing bracket was seen
	parsed  bool // a frame was parsed
}

func (a *array) cut(b []byte, ended bool) int {
	for a.at < len(b) {
		c := b[a.at]
		a.at++
		switch {
		case a.ended:
			// What follows the end is one frame with it.
		case a.text:
			switch {
			case a.escaped:
				a.escaped = false
			case c == '\\':
				a.escaped = true
			case c == '"':
				a.text = false
				if a.depth == 0 {
					return a.finish()
				}
			}
		case !a.inside:
			a.between(c)
		case a.scalar:
			if c == ',' || c == ']' || c <= ' ' {
				a.at--
				return a.finish()
			}
		default:
			switch c {
			case '"':
				a.text = true
			case '{', '[':
				a.depth++
			case '}', ']':
				if a.depth--; a.depth == 0 {
					return a.finish()
				}
			}
		}
	}
	if ended && a.at > 0 && (a.ended || a.bare && (a.scalar || !a.inside)) {
		return a.finish()
	}
	return 0
}

// between takes a byte that stands before an element.
func (a *array) between(c byte) {
	switch {
	case c <= ' ' || c == ',':
	case c == '[' && !a.begun && !a.bare:
		a.begun = true
	case c == ']' && a.begun:
		a.ended = true
	default:
		a.bare = a.bare || !a.begun
		a.inside = true
		switch c {
		case '{', '[':
			a.depth = 1
		case '"':
			a.text = true
		default:
			a.scalar = true
		}
	}
}

// finish ends the frame at what was looked at.
func (a *array) finish() int {
	n := a.at
	a.at, a.depth, a.inside, a.text, a.escaped, a.scalar = 0, 0, false, false, false, false
	return n
}

func (a *array) parse(raw []byte) (string, []byte) {
	data := bytes.Trim(raw, " \t\r\n,")
	if !a.parsed {
		a.parsed = true
		data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte{'['}), " \t\r\n") // a body that begins with it is an array
	}
	if len(data) == 0 || data[0] == ']' {
		return "", nil
	}
	return "", slices.Clip(data)
}
