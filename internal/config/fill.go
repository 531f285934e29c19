package config

import "strings"

// filled is a scalar after its variables were put in.
type filled struct {
	text  string
	used  bool   // something was put in
	whole string // the one variable that the text consists of; "" = it is more than one or none
	unset []string
	flaw  *flaw
}

// fill puts variables into a text: ${NAME}, and ${NAME:-default} where the variable is unset or empty. $${ is a plain
// ${. Names that look finds nothing for are in unset, and their place holds the text as it was written.
func fill(text string, look func(string) (string, bool)) filled {
	var out filled
	var b strings.Builder
	for rest := text; ; {
		i := strings.Index(rest, "${")
		if i < 0 {
			b.WriteString(rest)
			break
		}
		if i > 0 && rest[i-1] == '$' {
			b.WriteString(rest[:i-1] + "${")
			rest = rest[i+2:]
			continue
		}
		b.WriteString(rest[:i])
		inner, after, closed := strings.Cut(rest[i+2:], "}")
		if !closed {
			out.flaw = &flaw{"a `${` has no `}`", "`$${` stands for a plain `${`"}
			return out
		}
		name, fallback, has := strings.Cut(inner, ":-")
		if !isVariable(name) {
			out.flaw = &flaw{"`${" + clip(name) + "}` names no variable", "a variable's name takes letters, digits and `_`; `$${` stands for a plain `${`"}
			return out
		}
		if strings.Contains(fallback, "${") {
			out.flaw = &flaw{"the default of `${" + name + ":-…}` holds another variable", "a default is plain text"}
			return out
		}
		value, ok := look(name)
		switch {
		case has && (!ok || value == ""):
			b.WriteString(fallback)
		case ok:
			b.WriteString(value)
		default:
			out.unset = append(out.unset, name)
			b.WriteString("${" + inner + "}")
		}
		if out.used = true; i == 0 && after == "" && rest == text {
			out.whole = name
		}
		rest = after
	}
	out.text = b.String()
	return out
}

func isVariable(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
