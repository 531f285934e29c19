package sim

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

const maxPatternText = 8192

// patternTexts returns texts that may match every pattern and have lo to hi letters; the caller checks them. Patterns
// are read in Go's syntax, which shares with ECMA-262 all but looks around and back.
func patternTexts(patterns []string, lo, hi int, salt uint64) []string {
	var out []string
	for _, p := range patterns {
		re, err := syntax.Parse(p, syntax.Perl)
		if err != nil {
			continue
		}
		for _, reps := range []int{0, 1, 2, 3, 5, 8, 12, 20, 36, lo} {
			w := patternWriter{reps: reps, salt: salt}
			w.write(re)
			s := w.text.String()
			n := utf8.RuneCountInString(s)
			if n > hi {
				continue
			}
			out = append(out, s)
			if n < lo {
				pad := strings.Repeat("a", min(lo, maxPatternText)-n)
				out = append(out, s+pad, pad+s)
			}
		}
	}
	return out
}

// patternWriter writes one text that a regular expression matches; what may repeat is repeated reps times.
type patternWriter struct {
	text strings.Builder
	reps int
	salt uint64
}

func (w *patternWriter) write(re *syntax.Regexp) {
	if w.text.Len() > maxPatternText {
		return
	}
	times := func(n int) {
		for range n {
			w.write(re.Sub[0])
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			w.text.WriteRune(r)
		}
	case syntax.OpCharClass:
		w.text.WriteRune(w.letter(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		w.text.WriteByte('a' + byte(w.salt%26))
	case syntax.OpStar:
		times(w.reps)
	case syntax.OpPlus:
		times(max(1, w.reps))
	case syntax.OpQuest:
		times(min(1, w.reps))
	case syntax.OpRepeat:
		n := max(re.Min, w.reps)
		if re.Max >= 0 {
			n = min(n, re.Max)
		}
		times(n)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			w.write(sub)
		}
	case syntax.OpAlternate:
		w.write(re.Sub[w.salt%uint64(len(re.Sub))])
	case syntax.OpCapture:
		w.write(re.Sub[0])
	}
}

// letter picks a member of a class, given as pairs of bounds: a plain one where there is one.
func (w *patternWriter) letter(bounds []rune) rune {
	const plain = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_ ."
	for i := range len(plain) {
		c := rune(plain[(uint64(i)+w.salt)%uint64(len(plain))])
		for b := 0; b+1 < len(bounds); b += 2 {
			if c >= bounds[b] && c <= bounds[b+1] {
				return c
			}
		}
	}
	if len(bounds) == 0 {
		return 'a'
	}
	return bounds[0]
}

// matches reports whether a pattern is found in s; one that cannot be read here is taken to be.
func matches(pattern, s string) bool {
	re, err := regexp.Compile(pattern)
	return err != nil || re.MatchString(s)
}
