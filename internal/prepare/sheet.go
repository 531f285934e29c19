package prepare

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
)

// mostColumns bounds the cells of a row; those beyond are a document that is refused.
const mostColumns = 16_384

// book is a workbook being read.
type book struct {
	strings []string // shared by its cells
	dates   []bool   // by a cell's style: its number is a day
	from    time.Time
	b       strings.Builder
}

// sheet is one table of it.
type sheet struct{ name, rel string }

var errWide = errors.New("more columns than a table has")

// readXLSX returns the tables of a workbook as CSV, one after the other. Cells hold what was last worked out; days are
// written as such, other numbers as they are stored.
func readXLSX(ctx context.Context, raw []byte) reading {
	broken := reading{err: problem("is damaged or encrypted and cannot be read; send another copy, or its tables as CSV")}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(z.File) > mostEntries {
		return broken
	}
	k := &book{from: time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)}
	sheets, places := []sheet(nil), map[string]string{}
	err = errors.Join(
		walk(ctx, z, "xl/workbook.xml", true, func(t xml.StartElement) {
			switch t.Name.Local {
			case "sheet":
				sheets = append(sheets, sheet{attribute(&t, "name"), attribute(&t, "id")})
			case "workbookPr":
				if v := attribute(&t, "date1904"); v == "1" || v == "true" {
					k.from = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
				}
			}
		}),
		walk(ctx, z, "xl/_rels/workbook.xml.rels", true, func(t xml.StartElement) {
			if t.Name.Local == "Relationship" {
				places[attribute(&t, "Id")] = attribute(&t, "Target")
			}
		}),
		k.styles(ctx, z), k.shared(ctx, z))
	for _, s := range sheets {
		if err != nil || k.b.Len() > mostText {
			break
		}
		place := strings.TrimPrefix(path.Join("/xl", places[s.rel]), "/")
		if strings.HasPrefix(places[s.rel], "/") {
			place = places[s.rel][1:]
		}
		if entry(z, place) == nil {
			continue // a chart that is a sheet of its own
		}
		fmt.Fprintf(&k.b, "## %s\n\n", oneLine(s.name))
		before := k.b.Len()
		if err = k.table(ctx, z, place); k.b.Len() == before {
			k.b.WriteString("(empty)\n")
		}
		k.b.WriteByte('\n')
	}
	switch {
	case errors.Is(err, errUnpacked):
		return reading{err: problem("is larger when unpacked than is read here; send a smaller part of it")}
	case err != nil || len(sheets) == 0:
		return broken
	}
	return reading{text: strings.TrimRight(k.b.String(), "\n") + "\n", what: "the workbook", left: "formats, formulas and charts are left out"}
}

// walk hands the start of each element of a file to see. A file that need not be there may be missing.
func walk(ctx context.Context, z *zip.Reader, name string, needed bool, see func(xml.StartElement)) error {
	return tokens(ctx, z, name, needed, func(t xml.Token) error {
		if start, ok := t.(xml.StartElement); ok {
			see(start)
		}
		return nil
	})
}

// tokens hands the tokens of an XML file to see, which ends it with io.EOF. Ends of elements are not matched with their
// begins, which would cost memory by depth.
func tokens(ctx context.Context, z *zip.Reader, name string, needed bool, see func(xml.Token) error) error {
	f := entry(z, name)
	if f == nil {
		if needed {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	raw, err := unpack(f)
	if err != nil {
		return err
	}
	d := xml.NewDecoder(bytes.NewReader(raw))
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		t, err := d.RawToken()
		if err == nil {
			err = see(t)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		}
	}
}

// shared reads the texts that cells refer to by number. What says how a word is spoken is no part of them.
func (k *book) shared(ctx context.Context, z *zip.Reader) error {
	within, spoken := false, false
	return tokens(ctx, z, "xl/sharedStrings.xml", false, func(t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "si":
				k.strings = append(k.strings, "")
			case "rPh":
				spoken = true
			}
			within = t.Name.Local == "t"
		case xml.EndElement:
			within = false
			if t.Name.Local == "rPh" {
				spoken = false
			}
		case xml.CharData:
			if n := len(k.strings); within && !spoken && n > 0 {
				k.strings[n-1] += string(t)
			}
		}
		return nil
	})
}

// styles reads which styles of cells are those of days and times.
func (k *book) styles(ctx context.Context, z *zip.Reader) error {
	formats, cells := map[string]string{}, false
	return tokens(ctx, z, "xl/styles.xml", false, func(t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "numFmt":
				formats[attribute(&t, "numFmtId")] = attribute(&t, "formatCode")
			case "cellXfs":
				cells = true
			case "xf":
				if cells {
					id := attribute(&t, "numFmtId")
					n, _ := strconv.Atoi(id)
					k.dates = append(k.dates, n >= 14 && n <= 22 || n >= 45 && n <= 47 || dateFormat(formats[id]))
				}
			}
		case xml.EndElement:
			if t.Name.Local == "cellXfs" {
				cells = false
			}
		}
		return nil
	})
}

// dateFormat reports whether a format of numbers shows days or times: it has their letters outside of quoted text.
func dateFormat(code string) bool {
	quoted, bracket := false, false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\\':
			i++
		case c == '[':
			bracket = true
		case c == ']':
			bracket = false
		case !bracket && strings.IndexByte("yYmMdDhHsS", c) >= 0:
			return true
		}
	}
	return false
}

// table writes one sheet as CSV.
func (k *book) table(ctx context.Context, z *zip.Reader, name string) error {
	w := csv.NewWriter(&k.b)
	var row []string
	kind, style, value, within := "", 0, "", false
	err := tokens(ctx, z, name, true, func(t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "row":
				row = row[:0]
			case "c":
				kind, value = attribute(&t, "t"), ""
				style, _ = strconv.Atoi(attribute(&t, "s"))
				at := column(attribute(&t, "r"))
				if at > mostColumns || len(row) > mostColumns {
					return errWide
				}
				for len(row) < at {
					row = append(row, "")
				}
			}
			within = t.Name.Local == "v" || t.Name.Local == "t"
		case xml.CharData:
			if within {
				value += string(t)
			}
		case xml.EndElement:
			within = false
			switch t.Name.Local {
			case "c":
				row = append(row, k.cell(kind, style, value))
			case "row":
				if strings.Join(row, "") != "" {
					_ = w.Write(row) // a builder takes everything
				}
				if w.Flush(); k.b.Len() > mostText {
					return io.EOF
				}
			}
		}
		return nil
	})
	w.Flush()
	return err
}

// column is the place of a cell in its row, from 0, by its name such as B2; -1 where it has none.
func column(name string) int {
	n := 0
	for i := 0; i < len(name) && name[i] >= 'A' && name[i] <= 'Z' && n <= mostColumns; i++ {
		n = n*26 + int(name[i]-'A') + 1
	}
	return n - 1
}

// cell returns what a cell shows.
func (k *book) cell(kind string, style int, value string) string {
	switch kind {
	case "s":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n >= len(k.strings) {
			return ""
		}
		return k.strings[n]
	case "b":
		return map[string]string{"1": "TRUE", "0": "FALSE"}[value]
	case "", "n":
		if style >= 0 && style < len(k.dates) && k.dates[style] {
			return k.day(value)
		}
	}
	return value
}

// day returns the day and time of a number of days, or the number where it is none.
func (k *book) day(value string) string {
	const last = 2_958_466 // the year 10000
	days, err := strconv.ParseFloat(value, 64)
	if err != nil || days < 0 || days >= last {
		return value
	}
	whole, part := math.Modf(days)
	seconds := int64(math.Round(part * 86400))
	at := k.from.AddDate(0, 0, int(whole)).Add(time.Duration(seconds) * time.Second)
	switch {
	case whole == 0:
		return at.Format(time.TimeOnly)
	case seconds == 0:
		return at.Format(time.DateOnly)
	}
	return at.Format(time.DateTime)
}
