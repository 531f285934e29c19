package prepare

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// Bounds of what is read of one document.
const (
	readTime  = 5 * time.Second
	mostText  = 4 << 20 // bytes of text
	mostPages = 2000

	wholeTime = 20 * time.Second // of all documents of a request
	wholeText = 16 << 20
)

// reading is what was read of a document.
type reading struct {
	text  string // with its marks of pages
	title string // the document's own
	what  string // "the PDF"
	left  string // what is not in the text
	err   error  // a problem: why it cannot be read, and what to do
	took  time.Duration
}

// problem is why a document cannot be read, as the end of a sentence that begins with its path.
type problem string

// Error implements error.
func (p problem) Error() string { return string(p) }

// document returns what a document becomes, nil where it stays.
func (w *work) document(p *llm.Part, at string) (*llm.Part, error) {
	b := p.Media
	takes, known := w.target.reads(kindOfBlob(b))
	switch {
	case takes:
		return nil, nil
	case b.URL == "" && b.FileID == "":
	case !known:
		return nil, nil // the target may know what to do with it
	case b.URL != "":
		return nil, refuse(at, "is an address, and the target reads no documents: nothing is fetched on the way; send the document itself")
	default:
		return nil, refuse(at, "is a file kept at a provider, and the target reads no documents; send the document itself")
	}
	r := w.read(b)
	if r.err != nil {
		var why problem
		if !errors.As(r.err, &why) {
			return nil, r.err
		}
		return nil, refuse(at, "%s", why)
	}
	w.did(llm.DocumentsToText, at, strings.TrimSuffix(r.what+" is sent as its text; "+r.left, "; "))
	w.beside(p, at)
	own := llm.Part{Kind: llm.PartText, Text: r.text, Path: p.Path, Item: p.Item, Cache: p.Cache, Phase: p.Phase}
	if title := oneLine(b.Name); title != "" {
		own.Text = "Document: " + title + "\n\n" + r.text
	} else if title := oneLine(r.title); title != "" {
		own.Text = "Document: " + title + "\n\n" + r.text
	}
	return &own, nil
}

// beside names what hangs on a document and has no place on a text.
func (w *work) beside(p *llm.Part, at string) {
	if p.Media.Cite {
		w.lose(at+".citations", "a text is not cited", llm.Dropped)
	}
	for _, name := range dialect.Names(p.Extra) {
		w.lose(dialect.MemberPath(at, name), "a text has no such member", llm.Dropped)
	}
}

// read returns what a document says, read once in an exchange.
func (w *work) read(b *llm.Blob) reading {
	if r, ok := w.desk.texts[b]; ok {
		return r
	}
	if w.desk.reading > wholeTime || w.desk.said > wholeText {
		return reading{err: problem(fmt.Sprintf("is one document too many: all of a request take at most %s to read and hold at most %d MiB of text; send fewer", wholeTime, wholeText>>20))}
	}
	r := readBlob(w.ctx, b)
	w.desk.reading += r.took
	w.desk.said += len(r.text)
	if r.err == nil && strings.TrimSpace(r.text) == "" {
		r.err = problem("holds no text; send its pages as images, or use a model that reads documents")
	}
	if w.ctx.Err() == nil { // what a client that left broke off says nothing of the document
		if w.desk.texts == nil {
			w.desk.texts = map[*llm.Blob]reading{}
		}
		w.desk.texts[b] = r
	}
	return r
}

func readBlob(ctx context.Context, b *llm.Blob) reading {
	if b.Text != "" {
		return reading{text: b.Text, what: "the document"}
	}
	if b.Data == "" {
		return reading{err: problem("holds no data")}
	}
	raw, err := base64.StdEncoding.DecodeString(b.Data)
	if err != nil {
		return reading{err: problem("is not base64")}
	}
	return read(ctx, raw, kindOfBlob(b))
}

// read returns the text of a document. typ is its media type as far as it was said; the bytes have the last word.
func read(ctx context.Context, raw []byte, typ string) (r reading) {
	defer func() {
		if p := recover(); p != nil {
			r = reading{err: problem("is a damaged document; send its text, or another copy of it")}
		}
	}()
	if typ = sniff(raw, typ); typ == typePDF {
		return readPDF(ctx, raw)
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	start := time.Now()
	defer func() { r.took = time.Since(start) }()
	switch typ {
	case typeDOCX, typeODT:
		r = readOffice(ctx, raw, typ)
	case typeXLSX:
		r = readXLSX(ctx, raw)
	case typePPTX:
		r = readPPTX(ctx, raw)
	case typeHTML:
		r = readHTML(ctx, raw)
	case "":
		r.err = problem("is of a kind whose text cannot be read here; send its text, or a PDF, DOCX, XLSX, PPTX, ODT or HTML file")
	default:
		r = readText(raw, typ)
	}
	switch {
	case ctx.Err() != nil:
		r = reading{err: late(ctx)}
	case r.err == nil && len(r.text) > mostText:
		r = reading{err: tooMuch}
	}
	return r
}

// late says why a reading was broken off.
func late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return problem("takes more than " + readTime.String() + " to read; send its text, or a smaller part of it")
	}
	return ctx.Err()
}

// tooMuch is the problem of a document whose text is beyond the bound.
const tooMuch = problem("holds more than 4 MiB of text; send a smaller part of it")

// The media types that are more than plain text.
const (
	typePDF  = "application/pdf"
	typeHTML = "text/html"
	typeDOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	typeXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	typePPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	typeODT  = "application/vnd.oasis.opendocument.text"
)

// endings are the media types of names, for documents that do not say theirs.
var endings = map[string]string{
	".pdf": typePDF, ".docx": typeDOCX, ".xlsx": typeXLSX, ".pptx": typePPTX, ".odt": typeODT, ".html": typeHTML, ".htm": typeHTML,
	".txt": "text/plain", ".md": "text/markdown", ".csv": "text/csv", ".json": "application/json", ".xml": "application/xml",
}

// kindOfBlob returns a document's media type as the client says it, or as its name ends.
func kindOfBlob(b *llm.Blob) string {
	typ, _, _ := strings.Cut(strings.ToLower(b.Type), ";")
	if typ = strings.TrimSpace(typ); typ != "" && typ != "application/octet-stream" {
		return typ
	}
	if typ := endings[strings.ToLower(path.Ext(b.Name))]; typ != "" {
		return typ
	}
	if strings.HasPrefix(b.Data, "JVBERi") {
		return typePDF
	}
	switch {
	case b.Text != "":
		return "text/plain"
	case b.Data == "": // elsewhere: what documents mostly are
		return typePDF
	}
	return typ
}

// sniff returns the type by which a document is read: by how it begins, else as it was said; "" for what is no text.
func sniff(raw []byte, typ string) string {
	head := string(raw[:min(len(raw), 1024)])
	switch {
	case strings.Contains(head, "%PDF-"):
		return typePDF
	case strings.HasPrefix(head, "PK\x03\x04"):
		return archived(raw)
	case typ == typePDF, typ == typeDOCX, typ == typeXLSX, typ == typePPTX, typ == typeODT:
		return typ // and its reader says what is wrong with it
	}
	if !textual8(raw) {
		return ""
	}
	low := strings.ToLower(strings.TrimLeft(head, "\ufeff \t\r\n"))
	if typ == typeHTML || typ == "application/xhtml+xml" || strings.HasPrefix(low, "<!doctype html") || strings.HasPrefix(low, "<html") {
		return typeHTML
	}
	if typ == "" {
		return "text/plain"
	}
	return typ
}

// textual8 reports whether bytes are text: UTF-8, or UTF-16 with its mark, without control characters.
func textual8(raw []byte) bool {
	text, ok := decoded(raw)
	if !ok {
		return false
	}
	odd := 0
	for _, r := range text {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' {
			if odd++; r == 0 || odd > 16 {
				return false
			}
		}
	}
	return true
}

// oneLine is a title without line breaks, bounded.
func oneLine(s string) string {
	const most = 200
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if len(s) > most {
		s = s[:most]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return s
}
