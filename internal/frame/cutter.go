package frame

import (
	"fmt"
	"io"
)

// TooLong is the error of a stream whose next frame is longer than allowed.
type TooLong struct {
	Max int // bytes
}

// Error implements error.
func (e *TooLong) Error() string {
	return fmt.Sprintf("a frame of the stream is longer than %d bytes", e.Max)
}

const (
	minBuffer = 512
	maxIdle   = 100 // reads in a row that bring neither bytes nor an error
)

// cutter reads a stream into a buffer and cuts it into frames. What a frame is in a framing is said by two functions;
// both may keep state.
type cutter struct {
	// cut returns the length of the first frame of b, 0 while its end is not there. It is called again with the same
	// bytes and more behind them until it finds the end, and then with those after it. With ended, b is all there
	// will be.
	cut func(b []byte, ended bool) int
	// parse returns Event and Data of the frame with these bytes.
	parse func(raw []byte) (event string, data []byte)

	r          io.Reader
	buf        []byte
	start, end int // what is read and not yet yielded
	max        int
	err        error // what the last read brought
}

func (c *cutter) frames(yield func(Frame, error) bool) {
	n := 0
	for {
		for n == 0 {
			n = c.cut(c.buf[c.start:c.end], c.err != nil)
			if n > 0 {
				break
			}
			if c.end-c.start > c.max {
				n = c.end - c.start
				break
			}
			if c.err != nil {
				c.finish(yield)
				return
			}
			c.fill()
		}
		if n > c.max {
			yield(Frame{}, &TooLong{c.max})
			return
		}
		f := Frame{Raw: c.buf[c.start : c.start+n : c.start+n]}
		c.start += n
		n = 0
		if c.start < c.end {
			n = c.cut(c.buf[c.start:c.end], c.err != nil)
		}
		f.More = n > 0
		f.Event, f.Data = c.parse(f.Raw)
		if !yield(f, nil) {
			return
		}
	}
}

// finish yields what is left when no more can be read.
func (c *cutter) finish(yield func(Frame, error) bool) {
	if c.err != io.EOF { //nolint:errorlint // a clean end is io.EOF itself; an error that wraps it is a break
		yield(Frame{}, c.err)
		return
	}
	if c.start == c.end {
		return
	}
	f := Frame{Raw: c.buf[c.start:c.end:c.end], Tail: true}
	f.Event, f.Data = c.parse(f.Raw)
	yield(f, nil)
}

// fill reads once. A frame's bytes are moved to the front of the buffer at most once, and the buffer grows only when
// one unfinished frame fills it, by doubling.
func (c *cutter) fill() {
	if c.start > 0 {
		c.end = copy(c.buf, c.buf[c.start:c.end])
		c.start = 0
	}
	if c.end == len(c.buf) {
		// One byte over the limit tells a frame that just fits from one that does not.
		grown := make([]byte, max(min(2*len(c.buf), c.max+1), c.end+1))
		copy(grown, c.buf)
		c.buf = grown
	}
	for range maxIdle {
		var n int
		n, c.err = c.r.Read(c.buf[c.end:])
		c.end += n
		if n > 0 || c.err != nil {
			return
		}
	}
	c.err = io.ErrNoProgress
}
