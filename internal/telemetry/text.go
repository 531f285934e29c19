package telemetry

import (
	"strings"
	"unicode/utf8"

	"weir/internal/fault"
)

// Bounds in bytes of what comes from elsewhere. They also bound what a hostile text costs, since it is searched for
// keys before it is cut.
const (
	MaxText = 500 // messages
	MaxName = 250 // names, ids, paths
)

// bounded returns s fit for a record: key-like runs blotted out, at most n bytes and an ellipsis, valid UTF-8. It
// allocates only if s has to change.
func bounded(s string, n int) string {
	whole := len(s)
	if whole > 2*n {
		s = strings.TrimRightFunc(s[:2*n], inRun)
	}
	cut := len(s) < whole
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	s = fault.Blot(s)
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s, cut = s[:n], true
	}
	if cut {
		s += "…"
	}
	return s
}

// inRun reports whether a key may hold c. A run that was cut in two is left out whole: half a key would not look like
// one any more and still be half a key.
func inRun(c rune) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.ContainsRune("-_.~+/=", c)
}
