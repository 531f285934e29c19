package rawjson

import (
	"bufio"
	"errors"
	"io"
)

// Sieve reads a document as it comes and takes the elements of some lists out of it, so that a document with long lists
// need not be held. It sees to quotes and brackets alone: what it hands out is checked by whoever reads it.
type Sieve struct {
	Lists [][]string // each as the names of the members that lead to it
	Most  int        // bytes of an element
	Rest  int        // bytes of what is no element
}

var errTooLong = errors.New("the document has more than may be read of it")

// Read calls take with each element of the lists and its place in its list; the bytes are valid until it returns. It returns
// the document with those lists empty.
func (s *Sieve) Read(r io.Reader, take func(n int, elem []byte) error) ([]byte, error) {
	in := sieving{r: bufio.NewReaderSize(r, 32<<10), s: s, take: take}
	c, err := in.next()
	if err == nil {
		err = in.value(c, s.Lists)
	}
	return in.rest, err
}

// sieving is a document that is being read.
type sieving struct {
	r    *bufio.Reader
	s    *Sieve
	take func(int, []byte) error
	rest []byte
	elem []byte
}

// next returns the next byte that is no space.
func (in *sieving) next() (byte, error) {
	for {
		c, err := in.r.ReadByte()
		switch {
		case err == io.EOF:
			return 0, io.ErrUnexpectedEOF
		case err != nil || c != ' ' && c != '\t' && c != '\n' && c != '\r':
			return c, err
		}
	}
}

// keep adds a byte to what is no element.
func (in *sieving) keep(c byte) error {
	if in.rest = append(in.rest, c); len(in.rest) > in.s.Rest {
		return errTooLong
	}
	return nil
}

// value reads a value that begins with c, in which lists are to be found by the names that are left of them.
func (in *sieving) value(c byte, lists [][]string) error {
	within := false
	for _, names := range lists {
		if len(names) == 0 && c == '[' {
			return in.list()
		}
		within = within || len(names) > 0
	}
	if c != '{' || !within {
		var err error
		in.rest, err = in.copy(in.rest, c, in.s.Rest)
		return err
	}
	if err := in.keep(c); err != nil {
		return err
	}
	for {
		c, err := in.next()
		if err != nil {
			return err
		}
		if c != '"' {
			if err := in.keep(c); err != nil || c == '}' {
				return err
			}
			if c != ',' {
				return &SyntaxError{What: "a member's name is missing"}
			}
			continue
		}
		if err := in.member(lists); err != nil {
			return err
		}
	}
}

// member reads a member whose name's first quote was read.
func (in *sieving) member(lists [][]string) error {
	from := len(in.rest)
	var err error
	if in.rest, err = in.copy(in.rest, '"', in.s.Rest); err != nil {
		return err
	}
	name := Text(in.rest[from:])
	c, err := in.next()
	if err == nil && c != ':' {
		err = &SyntaxError{What: "a colon is missing"}
	}
	if err == nil {
		err = in.keep(c)
	}
	if err == nil {
		c, err = in.next()
	}
	if err != nil {
		return err
	}
	var left [][]string
	for _, names := range lists {
		if len(names) > 0 && names[0] == name {
			left = append(left, names[1:])
		}
	}
	return in.value(c, left)
}

// list hands out the elements of a list whose bracket was read.
func (in *sieving) list() error {
	if in.rest = append(in.rest, '[', ']'); len(in.rest) > in.s.Rest {
		return errTooLong
	}
	for n := 0; ; {
		c, err := in.next()
		switch {
		case err != nil:
			return err
		case c == ']':
			return nil
		case c == ',':
			continue
		}
		if in.elem, err = in.copy(in.elem[:0], c, in.s.Most); err != nil {
			return err
		}
		if err := in.take(n, in.elem); err != nil {
			return err
		}
		n++
	}
}

// copy appends a value that begins with c, as it stands.
func (in *sieving) copy(dst []byte, c byte, most int) ([]byte, error) {
	depth, quoted := 0, false
	for {
		if dst = append(dst, c); len(dst) > most {
			return dst, errTooLong
		}
		switch {
		case quoted && c == '\\':
			more, err := in.byte()
			if err != nil {
				return dst, err
			}
			dst = append(dst, more)
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth <= 0 && !quoted {
			if c == '"' || c == '}' || c == ']' {
				return dst, nil
			}
			// A number or a word ends before what is no part of it, or with the document.
			switch ahead, err := in.r.Peek(1); {
			case err == io.EOF:
				return dst, nil
			case err != nil:
				return dst, err
			case ahead[0] == ',' || ahead[0] == '}' || ahead[0] == ']' || ahead[0] <= ' ':
				return dst, nil
			}
		}
		var err error
		if c, err = in.byte(); err != nil {
			return dst, err
		}
	}
}

// byte returns the next byte of a value that has not ended.
func (in *sieving) byte() (byte, error) {
	c, err := in.r.ReadByte()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return c, err
}
