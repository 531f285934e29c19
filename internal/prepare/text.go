package prepare

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// readText takes a text as it is, line ends and encoding apart.
func readText(raw []byte, typ string) reading {
	text, _ := decoded(raw)
	what := "the document"
	switch typ {
	case "text/csv":
		what = "the table"
	case "text/markdown", "text/x-markdown":
		what = "the Markdown document"
	}
	return reading{text: lines(text), what: what}
}

// decoded returns a text in UTF-8: it is that already, or UTF-16 that says so by its first two bytes.
func decoded(raw []byte) (string, bool) {
	if len(raw) >= 2 {
		var order binary.ByteOrder
		switch {
		case raw[0] == 0xFE && raw[1] == 0xFF:
			order = binary.BigEndian
		case raw[0] == 0xFF && raw[1] == 0xFE:
			order = binary.LittleEndian
		}
		if order != nil && len(raw)%2 == 0 {
			units := make([]uint16, 0, len(raw)/2)
			for i := 2; i < len(raw); i += 2 {
				units = append(units, order.Uint16(raw[i:]))
			}
			return string(utf16.Decode(units)), true
		}
	}
	return strings.TrimPrefix(string(raw), "\ufeff"), utf8.Valid(raw)
}

// lines makes every line end a line feed.
func lines(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
