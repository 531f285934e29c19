package splice

import (
	"unicode"
	"unicode/utf8"
)

// member returns the position of the member with the given name (the inside of a JSON string that starts at offset), -1
// if it is not governed; it refuses names that some reader could take for a governed one.
func (s *Spec) member(name []byte, offset int) (int, error) {
	ascii := true
	for _, c := range name {
		if c == '\\' {
			return -1, &Error{Offset: offset, What: "the name of a top-level member is escaped"}
		}
		if c >= 0x7F {
			ascii = false
		}
	}
	if !ascii {
		return -1, s.checkForeign(name, offset)
	}
	if len(name) > 63 || s.lengths&(1<<len(name)) == 0 {
		return -1, nil
	}
	for i, n := range s.names {
		if len(n) != len(name) {
			continue
		}
		if string(name) == n {
			return i, nil
		}
		if foldsTo(name, n) {
			return -1, &Error{offset, n, "the member is spelled in another case"}
		}
	}
	return -1, nil
}

// checkForeign looks at a name that is not plain ASCII. Such a name is never a governed one; it is refused where a
// reader could make it one, by folding its case or by dropping what it does not understand.
func (s *Spec) checkForeign(name []byte, offset int) error {
	if !utf8.Valid(name) {
		return &Error{Offset: offset, What: "the name of a top-level member is not UTF-8"}
	}
	for rest := name; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if unicode.IsControl(r) {
			return &Error{Offset: offset, What: "the name of a top-level member holds a control character"}
		}
		rest = rest[n:]
	}
	for _, n := range s.names {
		if foldsTo(name, n) {
			return &Error{offset, n, "the member is spelled in another case"}
		}
	}
	return nil
}

// foldsTo reports whether name equals the ASCII text other under Unicode simple case folding. Besides the letters
// themselves only U+017F (long s) and U+212A (Kelvin sign) fold to ASCII.
func foldsTo(name []byte, other string) bool {
	i := 0
	for len(name) > 0 {
		if i >= len(other) {
			return false
		}
		r, n := rune(name[0]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(name)
			switch r {
			case '\u017F':
				r = 's'
			case '\u212A':
				r = 'k'
			default:
				return false
			}
		}
		if lower(byte(r)) != lower(other[i]) {
			return false
		}
		name = name[n:]
		i++
	}
	return i == len(other)
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// dubious says what is wrong with the inside of a valid JSON string on whose meaning readers differ, "" if nothing is:
// a half surrogate and bytes that are not UTF-8 are kept, replaced or dropped; at a NUL some stop.
func dubious(s []byte) string {
	if !utf8.Valid(s) {
		return "the member's text is not UTF-8"
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		i++
		if s[i] != 'u' {
			continue
		}
		r := unit(s[i+1:])
		i += 4
		switch {
		case r == 0:
			return "the member's text holds a NUL"
		case r >= 0xDC00 && r < 0xE000:
			return "the member's text holds half a surrogate pair"
		case r >= 0xD800 && r < 0xDC00:
			if i+6 >= len(s) || s[i+1] != '\\' || s[i+2] != 'u' {
				return "the member's text holds half a surrogate pair"
			}
			if low := unit(s[i+3:]); low < 0xDC00 || low >= 0xE000 {
				return "the member's text holds half a surrogate pair"
			}
			i += 6
		}
	}
	return ""
}

// unit returns the number that the four hexadecimal digits in front of s make.
func unit(s []byte) (n rune) {
	for _, c := range s[:4] {
		if c > '9' {
			c += 9 // the low four bits of A to F and a to f begin at 1
		}
		n = n<<4 | rune(c&15)
	}
	return n
}
