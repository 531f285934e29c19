package prepare

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Bounds of an archive: what one of its files may be when unpacked, and how many it may hold.
const (
	mostUnpacked = 32 << 20
	mostEntries  = 10_000
)

// archived returns the type of document that a ZIP archive is, "" for none that is read here.
func archived(raw []byte) string {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(z.File) > mostEntries {
		return ""
	}
	for _, f := range z.File {
		switch f.Name {
		case "word/document.xml":
			return typeDOCX
		case "xl/workbook.xml":
			return typeXLSX
		case "ppt/presentation.xml":
			return typePPTX
		case "mimetype":
			if kind, err := unpack(f); err == nil && strings.TrimSpace(string(kind)) == typeODT {
				return typeODT
			}
		}
	}
	return ""
}

var errUnpacked = errors.New("larger than is unpacked")

// unpack returns a file of an archive, bounded whatever the archive says of its size.
func unpack(f *zip.File) ([]byte, error) {
	if f.UncompressedSize64 > mostUnpacked {
		return nil, errUnpacked
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(io.LimitReader(r, mostUnpacked+1))
	if err == nil && len(raw) > mostUnpacked {
		err = errUnpacked
	}
	return raw, err
}

// readOffice returns the text of a DOCX or ODT document: paragraphs, headings with their marks, tables row by row.
func readOffice(ctx context.Context, raw []byte, typ string) reading {
	broken := reading{err: problem("is damaged or encrypted and cannot be read; send another copy, or its text")}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(z.File) > mostEntries {
		return broken
	}
	w := &writing{}
	names, title := []string{"word/document.xml", "word/footnotes.xml", "word/endnotes.xml"}, "docProps/core.xml"
	what := "the Word document"
	if typ == typeODT {
		names, title, what = []string{"content.xml"}, "meta.xml", "the OpenDocument text"
	}
	for i, name := range names {
		err := tokens(ctx, z, name, i == 0, w.token)
		w.paragraph()
		if errors.Is(err, errUnpacked) {
			return reading{err: problem("is larger when unpacked than is read here; send a smaller part of it")}
		}
		if err != nil {
			return broken
		}
	}
	r := reading{text: strings.TrimSpace(w.b.String()) + "\n", what: what, left: "layout and pictures are left out"}
	if part := entry(z, title); part != nil {
		if text, err := unpack(part); err == nil {
			r.title = xmlTitle(text)
		}
	}
	return r
}

func entry(z *zip.Reader, name string) *zip.File {
	for _, f := range z.File {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// writing gathers the text of a document's XML. Names of elements are those of both formats, without their prefixes.
type writing struct {
	b     strings.Builder
	line  strings.Builder // the paragraph so far
	mark  string          // of a heading
	row   []string        // cells of the row so far
	cell  []string        // paragraphs of the cell so far
	depth int             // of tables
	said  int             // depth of elements whose characters are text
	gone  int             // depth within what was deleted or is not text
}

// token takes one token of the document; io.EOF ends the reading where there is text enough.
func (w *writing) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		w.open(&t)
	case xml.EndElement:
		w.close(t.Name)
	case xml.CharData:
		if w.said > 0 && w.gone == 0 && w.line.Len() < mostText {
			w.line.Write(t)
		}
	}
	if w.b.Len() > mostText {
		return io.EOF
	}
	return nil
}

func (w *writing) open(t *xml.StartElement) {
	switch t.Name.Space + ":" + t.Name.Local {
	case "w:t", "text:p", "text:h":
		if t.Name.Local == "h" {
			w.heading(attribute(t, "outline-level"))
		}
		w.said++
	case "w:pStyle":
		if style, ok := strings.CutPrefix(strings.ToLower(attribute(t, "val")), "heading"); ok {
			w.heading(style)
		} else if strings.EqualFold(attribute(t, "val"), "title") {
			w.heading("1")
		}
	case "w:numPr", "text:list-item":
		if w.mark == "" {
			w.mark = "- "
		}
	case "w:tab", "text:tab", "text:s":
		w.line.WriteByte(' ')
	case "w:br", "w:cr", "text:line-break":
		w.line.WriteByte('\n')
	case "w:del", "w:moveFrom", "text:tracked-changes", "office:annotation", "w:instrText", "mc:Fallback":
		w.gone++
	case "w:tbl", "table:table":
		w.depth++
	}
}

func (w *writing) close(n xml.Name) {
	switch n.Space + ":" + n.Local {
	case "w:t":
		w.said = max(w.said-1, 0)
	case "text:p", "text:h":
		w.said = max(w.said-1, 0)
		w.paragraph()
	case "w:p":
		w.paragraph()
	case "w:del", "w:moveFrom", "text:tracked-changes", "office:annotation", "w:instrText", "mc:Fallback":
		w.gone = max(w.gone-1, 0)
	case "w:tc", "table:table-cell":
		if w.depth == 1 {
			w.row, w.cell = append(w.row, strings.Join(w.cell, " ")), nil
		}
	case "w:tr", "table:table-row":
		if w.depth == 1 {
			w.b.WriteString(strings.TrimRight(strings.Join(w.row, " | "), " ") + "\n")
			w.row = nil
		}
	case "w:tbl", "table:table":
		if w.depth = max(w.depth-1, 0); w.depth == 0 {
			w.b.WriteByte('\n')
		}
	}
}

// heading marks the paragraph as one of a level.
func (w *writing) heading(level string) {
	w.mark = "# "
	if len(level) == 1 && level[0] >= '1' && level[0] <= '6' {
		w.mark = strings.Repeat("#", int(level[0]-'0')) + " "
	}
}

// paragraph ends one: within a table it is a part of its cell.
func (w *writing) paragraph() {
	text := strings.TrimSpace(w.line.String())
	w.line.Reset()
	mark := w.mark
	w.mark = ""
	switch {
	case text == "":
	case w.depth > 0:
		w.cell = append(w.cell, strings.ReplaceAll(text, "\n", " "))
	case mark == "- ":
		w.b.WriteString(mark + text + "\n")
	default:
		w.b.WriteString(mark + text + "\n\n")
	}
}

func attribute(t *xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// xmlTitle returns the text of the first element called title.
func xmlTitle(raw []byte) string {
	d := xml.NewDecoder(bytes.NewReader(raw))
	within := false
	for {
		token, err := d.RawToken()
		if err != nil {
			return ""
		}
		switch t := token.(type) {
		case xml.StartElement:
			within = t.Name.Local == "title"
		case xml.CharData:
			if within {
				return string(t)
			}
		case xml.EndElement:
			within = false
		}
	}
}
