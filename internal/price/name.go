package price

import (
	"strings"

	"weir/internal/gateway"
)

// find looks a name up: as it stands, then without what providers put around names, then among the globs. What is
// taken off, in this order, one thing after another until a name of the list is left:
//
//   - a path before the name: models/gemini-2.5-pro, publishers/google/models/…, arn:aws:bedrock:…:inference-profile/…
//   - the version of a model that is listed without: -2025-08-07, -20250807, @20250807, -0807, -001, @default, -latest,
//     and Amazon's :0
//   - the regions of an inference profile of Bedrock: eu.anthropic.claude-… is looked for as that of another region
//     first, for those cost alike, and as anthropic.claude-… then
//
// A name that is listed is never shortened: a dated model with a price of its own keeps it.
func (l *List) find(name string) *model {
	if l == nil {
		return nil
	}
	if m := l.exact[name]; m != nil {
		return m
	}
	short := withoutPath(name)
	if m := l.exact[short]; m != nil {
		return m
	}
	if m := l.profile(short); m != nil {
		return m
	}
	for shorter := withoutVersion(short); shorter != short; short, shorter = shorter, withoutVersion(shorter) {
		if m := l.exact[shorter]; m != nil {
			return m
		}
		if m := l.profile(shorter); m != nil {
			return m
		}
	}
	for _, m := range l.globs {
		if gateway.Glob(m.name, name) {
			return m
		}
	}
	return nil
}

// withoutPath returns the last segment of a name that is a resource's path or ARN.
func withoutPath(name string) string {
	for _, prefix := range [...]string{"models/", "publishers/", "projects/", "tunedModels/", "arn:aws"} {
		if strings.HasPrefix(name, prefix) {
			return name[strings.LastIndexByte(name, '/')+1:]
		}
	}
	return name
}

// withoutVersion takes one version off the end of a name, or returns it as it is.
func withoutVersion(name string) string {
	for _, word := range [...]string{"-latest", "@latest", "@default", ":0", ":1"} {
		if short, ok := strings.CutSuffix(name, word); ok && short != "" {
			return short
		}
	}
	for _, form := range [...]string{"-0000-00-00", "-00000000", "@00000000", "-0000", "-000", "@000"} {
		if at := len(name) - len(form); at > 0 && fits(name[at:], form) {
			return name[:at]
		}
	}
	return name
}

// fits reports whether text has a digit for each 0 of the form and is the form otherwise.
func fits(text, form string) bool {
	for i := range len(form) {
		if c := text[i]; form[i] == '0' && (c < '0' || c > '9') || form[i] != '0' && c != form[i] {
			return false
		}
	}
	return true
}

// regional are the prefixes of Bedrock's inference profiles. Those of a region are dearer than the global ones.
var regional = [...]string{"us.", "eu.", "apac.", "jp.", "au.", "ca."}

// profile finds a regional or global inference profile that is not listed.
func (l *List) profile(name string) *model {
	if rest, ok := strings.CutPrefix(name, "global."); ok {
		return l.exact[rest]
	}
	for _, prefix := range regional {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		for _, other := range regional {
			// A listed name as long as this is put together without a copy where it fits the buffer.
			var buf [128]byte
			if m := l.exact[string(append(append(buf[:0], other...), rest...))]; m != nil {
				return m
			}
		}
		return l.exact[rest]
	}
	return nil
}
