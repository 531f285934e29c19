package frame

import (
	"bytes"
	"io"
	"slices"
)

// SSE cuts Server-Sent Events as the WHATWG HTML standard defines them (section 9.2, "Parsing an event stream"): lines
// end with LF, CR LF or CR, mixed as they like; a byte order mark at the start and comments are passed over; several
// data lines are one payload.
//
// A frame is the lines up to and with a blank one. So a comment followed by a blank line is a frame, and a blank line too
// many is one by itself; both have no Data (nil) and only their Raw is of interest. Event is also told for a frame that
// has no data line, which the standard would not dispatch. The fields id and retry are in Raw only. Frames and their
// bytes do not depend on the sizes in which r gives the stream.
//
// A frame is yielded as soon as its blank line is there. Where that line is a CR and nothing after it has been read, an
// LF may belong to it: the frame waits for the next byte or the end, unless the line before ended with a CR alone; then
// the blank line is taken to do so as well, the frame goes at once, and should an LF follow, it is a blank line's frame.
// So no stream waits that keeps to one line end.
//
// buf is the initial buffer; one shorter than 512 bytes is not used, and a larger one is allocated when a frame does not
// fit. A frame of more than max bytes ends the stream with a *TooLong. When r fails with anything but io.EOF, the frames
// that are whole are yielded, then the error; bytes of an unfinished frame are not. On io.EOF they are, as a Tail frame.
//
// The Seq can be ranged over once, by one goroutine. It keeps no goroutine, leaves closing r to the caller, and does not
// allocate per frame as long as the buffer suffices and event names repeat.
func SSE(r io.Reader, buf []byte, max int) Seq {
	if len(buf) < minBuffer {
		buf = make([]byte, minBuffer)
	}
	s := &sse{first: true}
	c := &cutter{cut: s.cut, parse: s.parse, r: r, buf: buf, max: max}
	return c.frames
}

// sse is the state of the framing: where in an unfinished frame to go on, and what is reused from frame to frame.
type sse struct {
	line int  // start of the line the search is in
	from int  // no line of the frame ends between line and here
	lf   int  // the first LF from on, or where to go on looking for one
	lone bool // the line before ended with a CR alone

	first  bool   // no frame has been parsed yet
	event  string // of the frame being parsed, like data and lines
	data   []byte
	lines  int    // how many data lines it has
	joined []byte // their text, if there is more than one
	names  names
}

func (s *sse) cut(b []byte, ended bool) int {
	for {
		i := s.lineEnd(b)
		if i == len(b) {
			s.from = i
			return 0
		}
		blank := i == s.line
		after := i + 1
		lone := false
		if b[i] == '\r' && !(blank && s.lone) {
			switch {
			case after < len(b) && b[after] == '\n':
				after++
			case after < len(b):
				lone = true
			case !blank || !ended:
				s.from = i
				return 0
			}
		}
		s.line, s.from, s.lone = after, after, lone
		if blank {
			s.line, s.from, s.lf, s.lone = 0, 0, 0, false
			return after
		}
	}
}

// lineEnd returns the offset of the first LF or CR from s.from on, len(b) if there is none yet.
func (s *sse) lineEnd(b []byte) int {
	if s.lf < s.from {
		s.lf = s.from
	}
	// The place of the next LF is kept, so that lines ending with CR do not have it looked for again and again.
	if s.lf < len(b) && b[s.lf] != '\n' {
		if i := bytes.IndexByte(b[s.lf:], '\n'); i >= 0 {
			s.lf += i
		} else {
			s.lf = len(b)
		}
	}
	if i := bytes.IndexByte(b[s.from:s.lf], '\r'); i >= 0 {
		return s.from + i
	}
	return s.lf
}

var (
	bom   = []byte("\xEF\xBB\xBF")
	lf    = []byte{'\n'}
	cr    = []byte{'\r'}
	colon = []byte{':'}
)

func (s *sse) parse(b []byte) (string, []byte) {
	if s.first {
		s.first = false
		b = bytes.TrimPrefix(b, bom)
	}
	s.event, s.data, s.lines = "", nil, 0
	for more := true; more; {
		var segment, line []byte
		segment, b, more = bytes.Cut(b, lf)
		for again := true; again; {
			// A CR LF leaves an empty line more, which says nothing.
			line, segment, again = bytes.Cut(segment, cr)
			s.field(line)
		}
	}
	return s.event, s.data
}

// field takes in one line of a frame.
func (s *sse) field(line []byte) {
	name, value, _ := bytes.Cut(line, colon)
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	switch string(name) {
	case "data":
		switch s.lines++; s.lines {
		case 1:
			s.data = slices.Clip(value)
			if s.data == nil {
				s.data = name[len(name):] // a line without a colon is an empty payload, not none
			}
		case 2:
			s.joined = append(append(append(s.joined[:0], s.data...), '\n'), value...)
			s.data = s.joined
		default:
			s.joined = append(append(s.joined, '\n'), value...)
			s.data = s.joined
		}
	case "event":
		s.event = s.names.get(value)
	}
}

// names turns event names into strings and remembers the ones it has seen.
type names struct {
	last  string
	known map[string]string
}

// mostNames bounds what a stream of ever new names can make us keep.
const mostNames = 64

func (n *names) get(b []byte) string {
	if string(b) == n.last {
		return n.last
	}
	s, ok := n.known[string(b)]
	if !ok {
		s = string(b)
		if n.known == nil {
			n.known = make(map[string]string)
		}
		if len(n.known) < mostNames && len(s) <= 64 {
			n.known[s] = s
		}
	}
	n.last = s
	return s
}

// AppendSSE appends an event: its name, if there is one, and its data, of which each line (ended by LF, CR LF or CR) goes
// into a data field of its own. The name must be a single line.
func AppendSSE(dst []byte, event string, data []byte) []byte {
	if event != "" {
		dst = append(dst, "event: "...)
		dst = append(dst, event...)
		dst = append(dst, '\n')
	}
	for {
		dst = append(dst, "data: "...)
		i := bytes.IndexByte(data, '\n')
		line := data
		if i >= 0 {
			line = data[:i]
		}
		if cr := bytes.IndexByte(line, '\r'); cr >= 0 {
			i = cr
		}
		if i < 0 {
			dst = append(dst, data...)
			return append(dst, '\n', '\n')
		}
		dst = append(dst, data[:i]...)
		dst = append(dst, '\n')
		if data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n' {
			i++
		}
		data = data[i+1:]
	}
}
