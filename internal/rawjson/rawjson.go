// Package rawjson reads and writes JSON text without building a tree: members and elements are slices of the text they
// stand in, numbers stay as they were written, and values are appended to a buffer in the order they are given.
//
// Check validates a text once, strictly by RFC 8259; the readers (Members, Elems, String, …) then walk it without
// checking again. On text that was not checked they stay within bounds and end early, but what they yield is
// unspecified. Slices yielded share memory with the text.
package rawjson

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest.
const MaxDepth = 1000

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	Offset int // byte, from 0
	What   string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.What)
}

// Check reports whether b is one JSON value with nothing but white space around it; the error is a *SyntaxError.
func Check(b []byte) error {
	i, err := Skip(b, Space(b, 0))
	if err != nil {
		return err
	}
	if i = Space(b, i); i < len(b) {
		return &SyntaxError{i, "text after the value"}
	}
	return nil
}

// Space returns the first offset from i on that holds no white space.
func Space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// Kind returns the first byte of a value ({ [ " t f n), 0x30 for every number, and a space for nothing.
func Kind(v []byte) byte {
	i := Space(v, 0)
	if i >= len(v) {
		return ' '
	}
	if c := v[i]; c == '-' || c >= '0' && c <= '9' {
		return '0'
	}
	return v[i]
}

// IsNull reports whether v is null or no value at all.
func IsNull(v []byte) bool { k := Kind(v); return k == 'n' || k == ' ' }

// Members yields the members of an object in order, with names unescaped; of anything else nothing.
func Members(v []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		i := Space(v, 0)
		if i >= len(v) || v[i] != '{' {
			return
		}
		i = Space(v, i+1)
		for i < len(v) && v[i] == '"' {
			end, err := SkipString(v, i)
			if err != nil {
				return
			}
			name := v[i+1 : end-1]
			if slices.Contains(name, '\\') {
				name = []byte(unescape(name))
			}
			i = Space(v, end)
			if i >= len(v) || v[i] != ':' {
				return
			}
			i = Space(v, i+1)
			end = pass(v, i)
			if end <= i || !yield(name, v[i:end:end]) {
				return
			}
			i = Space(v, end)
			if i >= len(v) || v[i] != ',' {
				return
			}
			i = Space(v, i+1)
		}
	}
}

// Elems yields the elements of an array in order; of anything else nothing.
func Elems(v []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		i := Space(v, 0)
		if i >= len(v) || v[i] != '[' {
			return
		}
		i = Space(v, i+1)
		for n := 0; i < len(v) && v[i] != ']'; n++ {
			end := pass(v, i)
			if end <= i || !yield(n, v[i:end:end]) {
				return
			}
			i = Space(v, end)
			if i >= len(v) || v[i] != ',' {
				return
			}
			i = Space(v, i+1)
		}
	}
}

// pass returns the offset after the value at i of a text already checked.
func pass(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			end, err := SkipString(b, i)
			if err != nil {
				return len(b)
			}
			i = end
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			for i++; i < len(b); i++ {
				if c := b[i]; c == ',' || c == '}' || c == ']' || c <= ' ' {
					break
				}
			}
		}
		if depth <= 0 {
			return i
		}
	}
	return i
}

// Get returns the value under a path of member names, nil where there is none. Of a repeated name the last one counts.
func Get(v []byte, path ...string) []byte {
	for _, p := range path {
		var next []byte
		for name, val := range Members(v) {
			if string(name) == p {
				next = val
			}
		}
		if next == nil {
			return nil
		}
		v = next
	}
	return v
}

// String returns the text of a string value and whether v is one.
func String(v []byte) (string, bool) {
	i := Space(v, 0)
	if i >= len(v) || v[i] != '"' {
		return "", false
	}
	end, err := SkipString(v, i)
	if err != nil {
		return "", false
	}
	return unescape(v[i+1 : end-1]), true
}

// Text returns the text of a string value, "" of anything else.
func Text(v []byte) string { s, _ := String(v); return s }

// Int returns the value of a whole number and whether v is one that fits. 3.0 and 3e2 are whole.
func Int(v []byte) (int64, bool) {
	if Kind(v) != '0' {
		return 0, false
	}
	s := string(trim(v))
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	return whole(s)
}

// whole is Int for numbers with a point or an exponent: digits × 10^exp, exactly.
func whole(s string) (int64, bool) {
	digits, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		digits, exponent = s[:i], s[i+1:]
	}
	digits, negative := strings.CutPrefix(digits, "-")
	digits, fraction, _ := strings.Cut(digits, ".")
	digits = strings.TrimLeft(digits+fraction, "0")
	if digits == "" {
		return 0, true
	}
	exp := 0
	if exponent != "" {
		var err error
		if exp, err = strconv.Atoi(exponent); err != nil {
			return 0, false
		}
	}
	exp -= len(fraction)
	short := strings.TrimRight(digits, "0")
	exp += len(digits) - len(short)
	if exp < 0 || exp > 19 {
		return 0, false
	}
	if negative {
		short = "-" + short
	}
	n, err := strconv.ParseInt(short+strings.Repeat("0", exp), 10, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

// Num returns a number as it is written, "" of anything else.
func Num(v []byte) string {
	if Kind(v) != '0' {
		return ""
	}
	return string(trim(v))
}

// Bool returns a truth value and whether v is one.
func Bool(v []byte) (val, ok bool) {
	switch Kind(v) {
	case 't':
		return true, true
	case 'f':
		return false, true
	}
	return false, false
}

func trim(v []byte) []byte {
	v = v[Space(v, 0):]
	for len(v) > 0 && (v[len(v)-1] <= ' ') {
		v = v[:len(v)-1]
	}
	return v
}

// unescape decodes the inside of a string; a half surrogate becomes U+FFFD, other bytes stay.
func unescape(s []byte) string {
	plain := bytes.IndexByte(s, '\\')
	if plain < 0 {
		return string(s)
	}
	var out strings.Builder
	out.Grow(len(s))
	out.Write(s[:plain])
	for i := plain; i < len(s); {
		if s[i] != '\\' || i+1 >= len(s) {
			// Where a text is code, escapes stand close together, and looking for the next one costs more than it saves.
			n, stop := 1, min(16, len(s)-i)
			for n < stop && s[i+n] != '\\' {
				n++
			}
			if n == 16 {
				if n = bytes.IndexByte(s[i:], '\\'); n <= 0 {
					n = len(s) - i
				}
			}
			out.Write(s[i : i+n])
			i += n
			continue
		}
		i += 2
		switch e := s[i-1]; e {
		case 'b':
			out.WriteByte('\b')
		case 'f':
			out.WriteByte('\f')
		case 'n':
			out.WriteByte('\n')
		case 'r':
			out.WriteByte('\r')
		case 't':
			out.WriteByte('\t')
		case 'u':
			r := unit(s, i)
			i = min(i+4, len(s))
			if utf16.IsSurrogate(r) {
				if i+1 < len(s) && s[i] == '\\' && s[i+1] == 'u' {
					if pair := utf16.DecodeRune(r, unit(s, i+2)); pair != utf8.RuneError {
						out.WriteRune(pair)
						i = min(i+6, len(s))
						continue
					}
				}
				r = utf8.RuneError
			}
			out.WriteRune(r)
		default:
			out.WriteByte(e)
		}
	}
	return out.String()
}

func unit(s []byte, i int) rune {
	if len(s)-i < 4 {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(s[i:i+4]), 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}
