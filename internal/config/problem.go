package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/internal/fault"
)

// Error is one thing wrong with a document, where it stands and what to do about it. It never holds a secret: what may
// be one is blotted in the excerpt.
type Error struct {
	File         string
	Line, Column int    // from 1, columns count letters; 0 = the document as a whole
	Path         string // as models.assistant.targets[0].provider; "" = none
	Excerpt      string // the line with its number and, below, a caret; "" = none
	Message      string
	Hint         string // "" = none
}

// Error returns everything, on several lines: place, path and message; excerpt; hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	if e.Excerpt != "" {
		b.WriteString("\n" + e.Excerpt)
	}
	if e.Hint != "" {
		b.WriteString("\n  hint: " + e.Hint)
	}
	return b.String()
}

// Errors is everything wrong with a document, in the order of its lines.
type Errors struct {
	All  []*Error
	More int // further problems, not kept
}

// maxErrors is how many problems are kept; whoever has more has one of a kind that repeats.
const maxErrors = 100

// Error returns all problems, one after the other.
func (e *Errors) Error() string {
	var b strings.Builder
	for i, p := range e.All {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.Error())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\nand %d more", e.More)
	}
	return b.String()
}

// Unwrap returns the problems.
func (e *Errors) Unwrap() []error {
	out := make([]error, len(e.All))
	for i, p := range e.All {
		out[i] = p
	}
	return out
}

// conceal remembers a secret that stands in the document. Texts too short to be one would only make holes.
func (s *source) conceal(secret string) {
	const least = 4
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); len(line) >= least {
			s.hide = append(s.hide, line)
		}
	}
}

// source is the text of a document with what is known of it: problems, where each path stands, what must not be shown.
type source struct {
	file   string
	lines  []string
	errs   Errors
	places map[string]position // where the value of each path stands
	hide   []string            // secrets written in the document
}

func newSource(file string, src []byte) *source {
	s := &source{file: file, places: map[string]position{}}
	if len(src) <= maxSize {
		s.lines = strings.Split(string(src), "\n")
	}
	return s
}

func (s *source) report(at position, path, message, hint string) {
	if len(s.errs.All) >= maxErrors {
		s.errs.More++
		return
	}
	s.errs.All = append(s.errs.All, &Error{File: s.file, Line: at.line, Column: at.column, Path: clip(path), Message: message, Hint: hint})
}

// err returns the problems in order, nil if there are none. The excerpts are made here, when all secrets are known.
func (s *source) err() error {
	if len(s.errs.All) == 0 {
		return nil
	}
	slices.SortStableFunc(s.errs.All, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	var line []rune // of the problem before: a document may be one long line full of them
	for i, e := range s.errs.All {
		if i == 0 || e.Line != s.errs.All[i-1].Line {
			line = s.shown(e.Line)
		}
		e.Excerpt = around(line, position{e.Line, e.Column})
		for _, text := range []*string{&e.Path, &e.Message, &e.Hint} {
			*text = fault.Blot(s.blot(*text))
		}
	}
	return &s.errs
}

// Problem returns an error at the place of a path (the nearest place above it that stands in the document), for whoever
// finds something wrong with the document later. A document built in Go has no places.
func (d *Document) Problem(path, message, hint string) *Error {
	e := &Error{Path: path, Message: message, Hint: hint}
	if d.src == nil {
		e.File = "document"
		return e
	}
	e.File = d.src.file
	for up := path; up != ""; up = above(up) {
		if at, ok := d.src.places[up]; ok {
			e.Line, e.Column = at.line, at.column
			e.Excerpt = around(d.src.shown(at.line), at)
			break
		}
	}
	return e
}

// above cuts the last step off a path. It need not know where names end: places holds no path that is not one.
func above(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// shown is a line as it may be shown; nil where there is none.
func (s *source) shown(line int) []rune {
	if line < 1 || line > len(s.lines) {
		return nil
	}
	return []rune(s.blotLine(strings.ToValidUTF8(strings.TrimSuffix(s.lines[line-1], "\r"), "\uFFFD")))
}

// around shows a line and points at the column. Long lines are cut around it.
func around(line []rune, at position) string {
	if line == nil {
		return ""
	}
	// Blot keeps no columns, so it gets what stands before the caret and what stands behind it apart: of both more than is
	// shown, so that it sees what a run belongs to.
	const most, lead, blotted = 100, 60, 4 << 10
	caret := min(max(0, at.column-1), len(line))
	before := []rune(fault.Blot(string(line[max(0, caret-blotted):caret])))
	behind := []rune(fault.Blot(string(line[caret:min(len(line), caret+blotted)])))
	line, caret = slices.Concat(before, behind), len(before)
	if len(line) > most {
		from := max(0, min(caret-lead, len(line)-most))
		line, caret = line[from:min(len(line), from+most)], caret-from
	}
	pad := make([]rune, caret)
	for i, r := range line {
		if r != '\t' && (r < ' ' || r == 0x7f) {
			line[i] = '\uFFFD'
		}
	}
	for i := range pad {
		pad[i] = ' '
		if i < len(line) && line[i] == '\t' {
			pad[i] = '\t'
		}
	}
	number := strconv.Itoa(at.line)
	return fmt.Sprintf("  %s | %s\n  %s | %s^", number, string(line), strings.Repeat(" ", len(number)), string(pad))
}

// Values of members that sound secret, wherever they stand: a mistyped api_key is still one. So are users and
// queries in URLs. What looks like a key under any name is for fault.Blot to find.
var (
	secretMember = regexp.MustCompile(`(?i)([a-z0-9_.-]*(?:key|secret|token|password|passwd|pwd|credential)["']?\s*:\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}\]{\["'#](?:[^,}\]#]*[^\s,}\]#])?)`)
	userinfo     = regexp.MustCompile(`[^\s/@:"'{},\[\]]*:[^\s/@"'{},]+@`)
	secretQuery  = regexp.MustCompile(`([?&][^=&\s"']*=)[^&\s"']+`)
	variable     = regexp.MustCompile(`^["']?\$\{[A-Za-z_][A-Za-z0-9_]*(?:\}["']?)?$`)
)

// blotLine replaces what may be a secret in a line of the document by as many stars, so that columns stay.
func (s *source) blotLine(line string) string {
	return s.blot(secretMember.ReplaceAllStringFunc(line, func(m string) string {
		parts := secretMember.FindStringSubmatch(m)
		if variable.MatchString(parts[2]) {
			return m
		}
		return parts[1] + stars(parts[2])
	}))
}

// blot does the same in any text, but for what fault.Blot finds.
func (s *source) blot(text string) string {
	for _, h := range s.hide {
		text = strings.ReplaceAll(text, h, stars(h))
	}
	text = secretQuery.ReplaceAllStringFunc(text, func(m string) string {
		parts := secretQuery.FindStringSubmatch(m)
		return parts[1] + stars(m[len(parts[1]):])
	})
	return userinfo.ReplaceAllStringFunc(text, stars)
}

func stars(s string) string { return strings.Repeat("*", utf8.RuneCountInString(s)) }
