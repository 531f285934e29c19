// Package extract takes from a chat request what a gateway needs: model,
// stream and the text of all messages, unescaped. Scan is the hand-written
// pass that the yardsticks use; Std does the same with encoding/json and shows
// what decoding would cost instead. Each appends the text to dst, so that
// callers can reuse buffers.
package extract

import (
	"bytes"
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
)

// Info is what was found.
type Info struct {
	Model  string
	Stream bool
	Text   []byte // each message's text, followed by a line feed
	N      int    // messages
}

// chat is the shape that Std decodes: content as a string, the easy case.
type chat struct {
	Model    string `json:"model"`
	Stream   bool   `json:"stream"`
	Messages []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"messages"`
}

// Std uses encoding/json into a struct with string contents.
func Std(body, dst []byte) (i Info, err error) {
	var c chat
	if err = json.Unmarshal(body, &c); err != nil {
		return
	}
	return info(&c, dst), nil
}

func info(c *chat, dst []byte) Info {
	for k := range c.Messages {
		dst = append(dst, c.Messages[k].Content...)
		dst = append(dst, '\n')
	}
	return Info{c.Model, c.Stream, dst, len(c.Messages)}
}

// Scan is a hand-written single pass: it walks the object once, jumping from
// quote to quote, and unescapes only message text. It checks structure as
// far as it walks, not numbers or literals inside skipped values.
func Scan(body, dst []byte) (i Info, err error) {
	s := scanner{b: body}
	ok := s.object(func(k []byte) bool {
		switch string(k) {
		case "model":
			v, ok := s.str()
			i.Model = string(v)
			return ok
		case "stream":
			i.Stream = s.p < len(s.b) && s.b[s.p] == 't'
			return s.skip()
		case "messages":
			return s.array(func() bool {
				i.N++
				ok := s.object(func(k []byte) bool {
					if string(k) != "content" {
						return s.skip()
					}
					return s.content(&dst)
				})
				dst = append(dst, '\n')
				return ok
			})
		}
		return s.skip()
	})
	i.Text = dst
	if !ok {
		err = errScan
	}
	return
}

var errScan = &json.SyntaxError{}

type scanner struct {
	b []byte
	p int
}

func (s *scanner) ws() {
	for s.p < len(s.b) && (s.b[s.p] == ' ' || s.b[s.p] == '\n' || s.b[s.p] == '\r' || s.b[s.p] == '\t') {
		s.p++
	}
}

func (s *scanner) eat(c byte) bool {
	s.ws()
	if s.p < len(s.b) && s.b[s.p] == c {
		s.p++
		s.ws()
		return true
	}
	return false
}

// str returns the raw inside of a string.
func (s *scanner) str() ([]byte, bool) {
	if !s.eatq() {
		return nil, false
	}
	from := s.p
	for {
		i := bytes.IndexByte(s.b[s.p:], '"')
		if i < 0 {
			return nil, false
		}
		s.p += i + 1
		n := 0
		for k := s.p - 2; k >= from && s.b[k] == '\\'; k-- {
			n++
		}
		if n&1 == 0 {
			return s.b[from : s.p-1], true
		}
	}
}

func (s *scanner) eatq() bool {
	if s.p < len(s.b) && s.b[s.p] == '"' {
		s.p++
		return true
	}
	return false
}

func (s *scanner) object(f func(k []byte) bool) bool {
	if !s.eat('{') {
		return false
	}
	if s.eat('}') {
		return true
	}
	for {
		k, ok := s.str()
		if !ok || !s.eat(':') || !f(k) {
			return false
		}
		if s.eat(',') {
			continue
		}
		return s.eat('}')
	}
}

func (s *scanner) array(f func() bool) bool {
	if !s.eat('[') {
		return s.skip()
	}
	if s.eat(']') {
		return true
	}
	for {
		if !f() {
			return false
		}
		if s.eat(',') {
			continue
		}
		return s.eat(']')
	}
}

func (s *scanner) skip() bool {
	s.ws()
	if s.p >= len(s.b) {
		return false
	}
	switch s.b[s.p] {
	case '"':
		_, ok := s.str()
		return ok
	case '{', '[':
		d := 0
		for s.p < len(s.b) {
			switch s.b[s.p] {
			case '"':
				if _, ok := s.str(); !ok {
					return false
				}
				continue
			case '{', '[':
				d++
			case '}', ']':
				if d--; d == 0 {
					s.p++
					return true
				}
			}
			s.p++
		}
		return false
	}
	for s.p < len(s.b) {
		switch s.b[s.p] {
		case ',', '}', ']', ' ', '\n', '\r', '\t':
			return true
		}
		s.p++
	}
	return true
}

func (s *scanner) content(dst *[]byte) bool {
	s.ws()
	if s.p >= len(s.b) {
		return false
	}
	switch s.b[s.p] {
	case '"':
		raw, ok := s.str()
		if ok {
			*dst, ok = Unescape(*dst, raw)
		}
		return ok
	case '[':
		return s.array(func() bool {
			return s.object(func(k []byte) bool {
				if string(k) == "text" && s.p < len(s.b) && s.b[s.p] == '"' {
					raw, ok := s.str()
					if ok {
						*dst, ok = Unescape(*dst, raw)
					}
					return ok
				}
				return s.skip()
			})
		})
	}
	return s.skip()
}

// Unescape appends the value of a raw JSON string.
func Unescape(dst, raw []byte) ([]byte, bool) {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...), true
		}
		dst = append(dst, raw[:i]...)
		if i+1 >= len(raw) {
			return dst, false
		}
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case 'r':
			dst = append(dst, '\r')
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'u':
			r, ok := u4(raw)
			if !ok {
				return dst, false
			}
			raw = raw[4:]
			if utf16.IsSurrogate(r) && len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
				if r2, ok := u4(raw[2:]); ok {
					if d := utf16.DecodeRune(r, r2); d != utf8.RuneError {
						r = d
						raw = raw[6:]
					}
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			return dst, false
		}
	}
}

func u4(p []byte) (r rune, ok bool) {
	if len(p) < 4 {
		return 0, false
	}
	for _, c := range p[:4] {
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
		r = r<<4 | rune(c)
	}
	return r, true
}
