package statement

import (
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Side is how a column is set.
type Side uint8

// The sides. Decimals are set right with their points under each other.
const (
	Left Side = iota
	Right
	Point
)

// Table sets cells in columns.
type Table struct {
	sides []Side
	rows  [][]string
	rule  int // the row that a line is drawn above; 0 = none
}

// NewTable begins a table with its heads.
func NewTable(heads []string, sides []Side) *Table {
	return &Table{sides: sides, rows: [][]string{heads}}
}

// Row adds a row.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// Rule draws a line above the next row.
func (t *Table) Rule() { t.rule = len(t.rows) }

// Write writes the table.
func (t *Table) Write(w io.Writer) error {
	before, after := make([]int, len(t.sides)), make([]int, len(t.sides)) // the point, where there is one
	width := make([]int, len(t.sides))
	for n, row := range t.rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
			if t.sides[i] == Point && n > 0 {
				head, tail := parts(cell)
				before[i], after[i] = max(before[i], head), max(after[i], tail)
			}
		}
	}
	all := 0
	for i := range width {
		width[i] = max(width[i], before[i]+after[i])
		all += width[i] + 2
	}
	var b strings.Builder
	for n, row := range t.rows {
		if n > 0 && n == t.rule {
			b.WriteString(strings.Repeat("─", max(0, all-2)) + "\n")
		}
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			if t.sides[i] == Point && n > 0 {
				_, tail := parts(cell)
				cell += strings.Repeat(" ", after[i]-tail)
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if t.sides[i] == Left {
				line.WriteString(cell + pad)
			} else {
				line.WriteString(pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// parts returns how much of a number stands before its point and from there on.
func parts(cell string) (before, after int) {
	if i := strings.IndexByte(cell, '.'); i >= 0 {
		return i, len(cell) - i
	}
	return utf8.RuneCountInString(cell), 0
}

// Count writes a number with its thousands marked.
func Count(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	return sign + marks(text)
}

// Printable replaces what a terminal would take for an order, or a reader for another text, in what clients have named.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return '�'
		}
		return r
	}, s)
}

// Cell makes a text safe for a CSV file that a spreadsheet opens: what would be taken for a formula gets an apostrophe.
func Cell(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		return "'" + s
	}
	return s
}
