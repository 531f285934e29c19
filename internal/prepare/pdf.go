package prepare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/klippa-app/go-pdfium"
	pdferrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"weir/internal/fault"
)

// Bounds of the sandbox: the memory of one reader, and how many read at once.
const (
	pdfMemory  = 256 << 20
	pdfReaders = 2
	pdfWait    = 10 * time.Second // for a reader to be free
	wasmPage   = 64 << 10
)

// pdfReader is the compiled reader, made when the first PDF is to be read: that takes some seconds and is not counted as the
// document's time. It has no files, no network and no clock but what WebAssembly gives it.
var pdfReader = sync.OnceValues(func() (pdfium.Pool, error) {
	pool, err := webassembly.Init(webassembly.Config{
		Context:  experimental.WithCompilationWorkers(context.Background(), runtime.GOMAXPROCS(0)),
		MaxTotal: pdfReaders,
		FSConfig: wazero.NewFSConfig(), // none
		Stdout:   io.Discard,
		Stderr:   io.Discard,
		RuntimeConfig: wazero.NewRuntimeConfig().
			WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
			WithMemoryLimitPages(pdfMemory / wasmPage).
			WithCloseOnContextDone(true),
	})
	debug.FreeOSMemory() // compiling leaves some 250 MB behind that nobody needs again
	return pool, err
})

// readPDF returns a PDF's text, page by page. Its time begins when a reader is free.
func readPDF(ctx context.Context, raw []byte) (r reading) {
	pool, err := pdfReader()
	if err != nil {
		return reading{err: fmt.Errorf("the reader of PDF documents did not start: %w", err)}
	}
	waiting, cancel := context.WithTimeout(ctx, pdfWait)
	defer cancel()
	instance, err := pool.GetInstanceWithContext(waiting)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			_ = instance.Close()
		}
		return reading{err: ctx.Err()}
	case err != nil:
		f := fault.New(fault.Overloaded, "too many documents are being read; try again")
		f.Cause = err
		return reading{err: f}
	}
	ctx, cancel = context.WithTimeout(ctx, readTime)
	defer cancel()
	start := time.Now()
	defer func() { r.took = time.Since(start) }()
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		_ = instance.Kill() // its error is that the call under way was interrupted
	})
	r = pages(instance, raw)
	if !stop() {
		<-killed
		return reading{err: late(ctx)}
	}
	_ = instance.Close() // its memory goes with it, whatever it says
	return r
}

func pages(instance pdfium.Pdfium, raw []byte) reading {
	doc, err := instance.OpenDocument(&requests.OpenDocument{File: &raw})
	switch {
	case errors.Is(err, pdferrors.ErrPassword), errors.Is(err, pdferrors.ErrSecurity):
		return reading{err: problem("is an encrypted PDF; send it without a password")}
	case err != nil:
		return reading{err: problem("is no PDF that can be read: it is damaged or cut off; send another copy, or its text")}
	}
	count, err := instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: doc.Document})
	switch {
	case err != nil || count.PageCount <= 0:
		return reading{err: problem("is a PDF without pages")}
	case count.PageCount > mostPages:
		return reading{err: problem(fmt.Sprintf("is a PDF of %d pages, and at most %d are read; send a part of it", count.PageCount, mostPages))}
	}
	var b strings.Builder
	empty, broken := 0, 0
	for i := range count.PageCount {
		text, err := pageText(instance, requests.Page{ByIndex: &requests.PageByIndex{Document: doc.Document, Index: i}})
		switch {
		case err != nil:
			broken++
		case text == "":
			empty++
		}
		if b.Len()+len(text) > mostText {
			return reading{err: tooMuch}
		}
		fmt.Fprintf(&b, "[Page %d]\n", i+1)
		switch {
		case err != nil:
			b.WriteString("(this page could not be read)\n\n")
		case text == "":
			b.WriteString("(no text on this page)\n\n")
		default:
			b.WriteString(text)
			b.WriteString("\n\n")
		}
	}
	n := count.PageCount
	if empty+broken == n {
		if broken > 0 {
			return reading{err: problem("is a damaged PDF, none of whose pages can be read; send another copy, or its text")}
		}
		return reading{err: problem("is a PDF without text, such as a scan; send its pages as images, or use a model that reads PDF documents")}
	}
	r := reading{text: strings.TrimRight(b.String(), "\n") + "\n", title: pdfTitle(instance, doc), what: "the PDF", left: "layout and pictures are left out"}
	if empty+broken > 0 {
		r.left = fmt.Sprintf("layout and pictures are left out, and %d of %d pages have none that can be read", empty+broken, n)
	}
	return r
}

// pdfTitle returns the title that a PDF gives itself, "" where it gives none.
func pdfTitle(instance pdfium.Pdfium, doc *responses.OpenDocument) string {
	said, err := instance.GetMetaData(&requests.GetMetaData{Document: doc.Document, Tags: &[]string{"Title"}})
	if err != nil || len(said.Tags) == 0 {
		return ""
	}
	return said.Tags[0].Value
}

// pageText returns what a page says.
func pageText(instance pdfium.Pdfium, at requests.Page) (string, error) {
	page, err := instance.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: at})
	if err != nil {
		return "", err
	}
	defer func() { _, _ = instance.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: page.TextPage}) }()
	n, err := instance.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: page.TextPage})
	if err != nil || n.Count <= 0 {
		return "", err
	}
	said, err := instance.FPDFText_GetText(&requests.FPDFText_GetText{TextPage: page.TextPage, Count: n.Count})
	if err != nil {
		return "", err
	}
	return cleaned(said.Text), nil
}

// cleaned takes out of a page's text line ends of another kind and characters that are none, and shows where a word goes
// on in the next line.
func cleaned(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range strings.ToValidUTF8(s, "\ufffd") {
		switch {
		case r == '\r':
		case r == 2 || r == '\ufffe': // a word goes on in the next line
			b.WriteString("-\n")
		case r == '\n' || r == '\t' || !unicode.IsControl(r):
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}
