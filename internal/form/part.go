package form

import (
	"bytes"
	"strings"
)

// part is what the headers of one part say.
type part struct {
	at, value int    // where it and its value begin
	name      string // of its field
	file      bool   // it has a file's name
	coded     string // how it is encoded, where that is not as it stands
	fileName  string
	typ       string // its content type
}

// readPart reads the headers that begin at from.
func readPart(body []byte, from int) (part, error) {
	p := part{at: from}
	refuse := func(what string) (part, error) { return p, &Error{Offset: from, What: what} }
	named := false
	for at, lines := from, 0; ; lines++ {
		within := body[at:min(len(body), from+MaxHeader)]
		n := bytes.Index(within, []byte("\r\n"))
		switch {
		case n < 0 && len(within) == len(body)-at:
			return refuse("the body breaks off within the headers of a part")
		case n < 0 || lines > maxLines:
			return refuse("a part has too many or too long headers")
		case n == 0 && !named:
			return refuse("a part has no Content-Disposition")
		case n == 0:
			p.value = at + 2
			return p, nil
		}
		line := within[:n]
		if bytes.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) >= 0 {
			return refuse("a part's header holds control characters")
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || !token(line[:colon]) {
			return refuse("a part's header has no name, or is folded, or its name is not one word of plain letters")
		}
		value := string(bytes.Trim(line[colon+1:], " \t"))
		switch strings.ToLower(string(line[:colon])) {
		case "content-disposition":
			if named {
				return refuse("a part has two Content-Dispositions")
			}
			named = true
			if what := p.disposition(value); what != "" {
				return refuse(what)
			}
		case "content-transfer-encoding":
			switch low := strings.ToLower(value); low {
			case "", "7bit", "8bit", "binary":
			default:
				p.coded = "another transfer encoding"
			}
		case "content-type":
			p.typ = value
			if charset := strings.ToLower(value); strings.Contains(charset, "charset") && !strings.Contains(charset, "utf-8") && !strings.Contains(charset, "ascii") {
				p.coded = "another charset"
			}
		}
		at += n + 2
	}
}

// token reports whether a header's name is one (RFC 9110, 5.6.2): readers differ on what others are.
func token(name []byte) bool {
	for _, c := range name {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return true
}

// disposition reads a Content-Disposition; what says why it is refused.
func (p *part) disposition(v string) (what string) {
	typ, rest, _ := strings.Cut(v, ";")
	if !strings.EqualFold(strings.TrimSpace(typ), "form-data") {
		return "a part's Content-Disposition is not form-data"
	}
	seen := false
	for rest = strings.TrimLeft(rest, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			return "a part's Content-Disposition cannot be read"
		}
		var value string
		if value, rest, ok = parameter(after); !ok {
			return "a part's Content-Disposition cannot be read; a file's name may not hold a quote or end in a backslash"
		}
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "name":
			if seen {
				return "a part has two names"
			}
			if value == "" || strings.ContainsAny(value, `\%`) {
				return "a part's name is empty or escaped"
			}
			seen, p.name = true, value
		case "name*":
			return "a part's name is encoded"
		case "filename", "filename*":
			p.file = true
			if p.fileName == "" && len(key) > 0 && key[len(key)-1] != '*' {
				p.fileName = value
			}
		}
	}
	if !seen {
		return "a part has no name"
	}
	return ""
}

// parameter reads a parameter's value, quoted or not, and the semicolon after it. What a backslash before a quote means
// differs from reader to reader.
func parameter(s string) (value, rest string, ok bool) {
	if quoted, is := strings.CutPrefix(s, `"`); is {
		n := strings.IndexByte(quoted, '"')
		if n < 0 || n > 0 && quoted[n-1] == '\\' {
			return "", "", false
		}
		value, rest = quoted[:n], strings.TrimLeft(quoted[n+1:], " \t")
		if rest == "" {
			return value, "", true
		}
		rest, ok = strings.CutPrefix(rest, ";")
		return value, rest, ok
	}
	value, rest, _ = strings.Cut(s, ";")
	value = strings.TrimRight(value, " \t")
	return value, rest, value != "" && !strings.ContainsAny(value, "\"\\ \t=,")
}
