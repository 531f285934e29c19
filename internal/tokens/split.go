package tokens

import (
	"unicode"
	"unicode/utf8"
)

// class is what the rules that cut a text into pieces ask of a character.
type class uint8

const (
	upper   class = 1 << iota // a letter that can stand before small ones: Lu Lt Lm Lo M
	lower                     // a letter that can follow: Ll Lm Lo M
	mark                      // M, which is no letter
	digit                     // N
	space                     // white space
	newline                   // \r \n
)

const letter = upper | lower

var ascii = func() (t [utf8.RuneSelf]class) {
	for i := range t {
		t[i] = classify(rune(i))
	}
	return t
}()

func classify(r rune) class {
	switch {
	case r == '\r' || r == '\n':
		return space | newline
	case unicode.Is(unicode.Ll, r):
		return lower
	case unicode.In(r, unicode.Lu, unicode.Lt):
		return upper
	case unicode.In(r, unicode.Lm, unicode.Lo):
		return upper | lower
	case unicode.Is(unicode.M, r):
		return upper | lower | mark
	case unicode.Is(unicode.N, r):
		return digit
	case unicode.IsSpace(r):
		return space
	}
	return 0
}

// at returns the class of the character at i and its length, 0 at the end.
func at(s string, i int) (class, int) {
	if i >= len(s) {
		return 0, 0
	}
	if c := s[i]; c < utf8.RuneSelf {
		return ascii[c], 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return classify(r), n
}

// nextO200k cuts as o200k_base does:
//
//	[^\r\n\p{L}\p{N}]?U*L+(?i:'s|'t|'re|'ve|'m|'ll|'d)? | [^\r\n\p{L}\p{N}]?U+L*(?i:…)? | \p{N}{1,3}
//	| ?[^\s\p{L}\p{N}]+[\r\n/]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// with U = Lu Lt Lm Lo M, L = Ll Lm Lo M.
func nextO200k(s string) int {
	c, n := at(s, 0)
	if c&newline == 0 && c&digit == 0 && (c&letter == 0 || c&mark != 0) {
		if end := word(s, n); end > n {
			return end + contraction(s[end:])
		}
	}
	if end := word(s, 0); end > 0 {
		return end + contraction(s[end:])
	}
	return rest(s, c, n, true)
}

// word returns where a word ends that begins at from: large letters, then small ones.
func word(s string, from int) int {
	i, last := from, from // last: behind the last character of the large ones that can be a small one
	for {
		c, n := at(s, i)
		if c&upper == 0 {
			if c&lower == 0 {
				break
			}
			for c&lower != 0 {
				i += n
				c, n = at(s, i)
			}
			return i
		}
		i += n
		if c&lower != 0 {
			last = i
		}
	}
	if last > from {
		return last
	}
	return i
}

// contraction returns the length of an English contraction at the beginning of s, 0 for none.
func contraction(s string) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	switch s[1] | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(s) < 3 {
		return 0
	}
	switch string([]byte{s[1] | 0x20, s[2] | 0x20}) {
	case "re", "ve", "ll":
		return 3
	}
	return 0
}

// nextCL100k cuts as cl100k_base does:
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,3} | ?[^\s\p{L}\p{N}]+[\r\n]*
//	| \s*[\r\n]+ | \s+(?!\S) | \s+
func nextCL100k(s string) int {
	if n := contraction(s); n > 0 {
		return n
	}
	c, n := at(s, 0)
	i := 0
	if c&(newline|digit) == 0 && !isLetter(c) {
		i = n
	}
	from := i
	for {
		c, n := at(s, i)
		if !isLetter(c) {
			break
		}
		i += n
	}
	if i > from {
		return i
	}
	return rest(s, c, n, false)
}

func isLetter(c class) bool { return c&letter != 0 && c&mark == 0 }

// rest cuts what is no word: digits, signs, white space. c and n are of the first character.
func rest(s string, c class, n int, slash bool) int {
	if c&digit != 0 {
		i := n
		for range 2 {
			c, n := at(s, i)
			if c&digit == 0 {
				break
			}
			i += n
		}
		return i
	}
	i := 0
	if s[0] == ' ' {
		i = 1
	}
	if end := signs(s, i); end > i {
		for end < len(s) && (s[end] == '\r' || s[end] == '\n' || slash && s[end] == '/') {
			end++
		}
		return end
	}
	return blank(s)
}

// signs returns where a run ends of characters that are neither letters nor digits nor white space.
func signs(s string, i int) int {
	for {
		c, n := at(s, i)
		if n == 0 || c&(space|digit) != 0 || isLetter(c) {
			return i
		}
		i += n
	}
}

// blank cuts white space: up to the last line break in it, else all but the last character where a word follows.
func blank(s string) int {
	i, line, last := 0, 0, 0
	for {
		c, n := at(s, i)
		if c&space == 0 {
			break
		}
		last = i
		i += n
		if c&newline != 0 {
			line = i
		}
	}
	switch {
	case line > 0:
		return line
	case i < len(s) && last > 0:
		return last
	}
	return i
}
