// Package h1 is a deliberately small HTTP/1.1 wire reader. The rig uses it on
// both ends (mock upstream and load generator) so that the rig's own cost per
// request stays far below that of what it measures. It is not a general HTTP
// implementation: no TLS, no pipelining, no header folding.
package h1

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

// Buf is a growable read buffer over a connection.
type Buf struct {
	R    io.Reader
	b    []byte
	r, w int
}

// NewBuf returns a Buf with the given starting size.
func NewBuf(r io.Reader, size int) *Buf { return &Buf{R: r, b: make([]byte, size)} }

var errHeadTooLarge = errors.New("h1: head too large")

// Buffered is the number of unread bytes held.
func (b *Buf) Buffered() int { return b.w - b.r }

func (b *Buf) fill() error {
	if b.r == b.w {
		b.r, b.w = 0, 0
	} else if b.w == len(b.b) {
		if b.r > 0 {
			copy(b.b, b.b[b.r:b.w])
			b.w -= b.r
			b.r = 0
		} else {
			if len(b.b) > 4<<20 {
				return errHeadTooLarge
			}
			nb := make([]byte, 2*len(b.b))
			copy(nb, b.b[:b.w])
			b.b = nb
		}
	}
	n, err := b.R.Read(b.b[b.w:])
	b.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// Head returns the bytes up to and including the blank line. The slice is
// valid until the next read. io.EOF is returned only on a clean close.
func (b *Buf) Head() ([]byte, error) {
	from := 0
	for {
		if i := bytes.Index(b.b[b.r+from:b.w], crlf2); i >= 0 {
			end := b.r + from + i + 4
			h := b.b[b.r:end]
			b.r = end
			return h, nil
		}
		from = max(b.w-b.r-3, 0)
		if err := b.fill(); err != nil {
			if errors.Is(err, io.EOF) && b.r != b.w {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

var (
	crlf2 = []byte("\r\n\r\n")
	crlf  = []byte("\r\n")
)

func (b *Buf) line() ([]byte, error) {
	for {
		if i := bytes.Index(b.b[b.r:b.w], crlf); i >= 0 {
			l := b.b[b.r : b.r+i]
			b.r += i + 2
			return l, nil
		}
		if err := b.fill(); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// Msg is what the rig needs to know of a message head.
type Msg struct {
	// Line is the first line without CRLF.
	Line []byte
	// Len is Content-Length, or -1.
	Len     int64
	Chunked bool
	Close   bool
	Expect  bool
	SSE     bool
}

// ParseHead picks the framing fields out of a head.
func ParseHead(h []byte) (m Msg, err error) {
	m.Len = -1
	m.Line, h, _ = bytes.Cut(h, crlf)
	for len(h) > 2 {
		var l []byte
		l, h, _ = bytes.Cut(h, crlf)
		c := bytes.IndexByte(l, ':')
		if c < 0 {
			continue
		}
		k, v := l[:c], bytes.TrimSpace(l[c+1:])
		switch c {
		case 14:
			if fold(k, "content-length") {
				if m.Len, err = strconv.ParseInt(string(v), 10, 64); err != nil {
					return
				}
			}
		case 17:
			if fold(k, "transfer-encoding") && bytes.Contains(v, []byte("chunked")) {
				m.Chunked = true
			}
		case 10:
			if fold(k, "connection") && len(v) == 5 && fold(v, "close") {
				m.Close = true
			}
		case 6:
			if fold(k, "expect") {
				m.Expect = true
			}
		case 12:
			if fold(k, "content-type") && bytes.HasPrefix(v, []byte("text/event-stream")) {
				m.SSE = true
			}
		}
	}
	return
}

func fold(a []byte, low string) bool {
	if len(a) != len(low) {
		return false
	}
	for i := range a {
		c := a[i]
		if 'A' <= c && c <= 'Z' {
			c += 32
		}
		if c != low[i] {
			return false
		}
	}
	return true
}

// Body iterates over the decoded body of a message.
type Body struct {
	b     *Buf
	mode  byte // 'l' length, 'c' chunked, 'e' until EOF
	rem   int64
	fresh bool
	done  bool
}

// Open starts reading the body announced by m. For a request pass
// response=false: no length then means no body.
func (b *Buf) Open(m Msg, response bool) Body {
	switch {
	case m.Chunked:
		return Body{b: b, mode: 'c', fresh: true}
	case m.Len >= 0:
		return Body{b: b, mode: 'l', rem: m.Len}
	case response:
		return Body{b: b, mode: 'e'}
	}
	return Body{b: b, mode: 'l'}
}

// Next returns the next piece of body, valid until the following call, or
// io.EOF at its proper end. A cut connection gives io.ErrUnexpectedEOF.
func (d *Body) Next() ([]byte, error) {
	if d.done {
		return nil, io.EOF
	}
	b := d.b
	switch d.mode {
	case 'e':
		if b.r == b.w {
			if err := b.fill(); err != nil {
				if errors.Is(err, io.EOF) {
					d.done = true
				}
				return nil, err
			}
		}
		p := b.b[b.r:b.w]
		b.r = b.w
		return p, nil
	case 'c':
		if d.rem == 0 {
			if !d.fresh {
				if _, err := b.line(); err != nil { // CRLF after a chunk
					return nil, err
				}
			}
			d.fresh = false
			l, err := b.line()
			if err != nil {
				return nil, err
			}
			if i := bytes.IndexByte(l, ';'); i >= 0 {
				l = l[:i]
			}
			n, ok := hex(bytes.TrimSpace(l))
			if !ok {
				return nil, errors.New("h1: bad chunk size")
			}
			if n == 0 {
				for {
					l, err := b.line()
					if err != nil {
						return nil, err
					}
					if len(l) == 0 {
						break
					}
				}
				d.done = true
				return nil, io.EOF
			}
			d.rem = n
		}
	}
	if d.rem == 0 {
		d.done = true
		return nil, io.EOF
	}
	if b.r == b.w {
		if err := b.fill(); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	n := min(int64(b.w-b.r), d.rem)
	p := b.b[b.r : b.r+int(n)]
	b.r += int(n)
	d.rem -= n
	return p, nil
}

func hex(p []byte) (n int64, ok bool) {
	if len(p) == 0 || len(p) > 15 {
		return 0, false
	}
	for _, c := range p {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | int64(c)
	}
	return n, true
}

// AppendChunk appends p as one HTTP chunk.
func AppendChunk(dst, p []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(p)), 16)
	dst = append(dst, crlf...)
	dst = append(dst, p...)
	return append(dst, crlf...)
}

// Done reports whether the body ended properly.
func (d *Body) Done() bool { return d.done }
