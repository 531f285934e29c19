//go:build !race

package prepare

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestPDF(t *testing.T) {
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"two pages": {
			pagesOf(helvetica, shown(72, 720, "Revenue rose by 12%.", 72, 700, "Costs fell."), shown(72, 720, "The second page.")),
			"[Page 1]\nRevenue rose by 12%.\nCosts fell.\n\n[Page 2]\nThe second page.\n",
		},
		// Each column is written in one go, as typesetters do; it is read in one go.
		"two columns": {
			pagesOf(helvetica, shown(72, 720, "Left one", 72, 700, "left two", 320, 720, "Right one", 320, 700, "right two")),
			"[Page 1]\nLeft one\nleft two\nRight one\nright two\n",
		},
		// Words set apart by moving, not by a space.
		"words without spaces": {
			pagesOf(helvetica, "BT /F1 12 Tf 72 720 Td [(Two) -600 (words)] TJ ET"),
			"[Page 1]\nTwo words\n",
		},
		"accents": {
			pagesOf("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>", shown(72, 720, "Gr\\366\\337e: 5 \\200")),
			"[Page 1]\nGröße: 5 €\n",
		},
		"a page without text": {
			pagesOf(helvetica, shown(72, 720, "Here."), "0 0 100 100 re f"),
			"[Page 1]\nHere.\n\n[Page 2]\n(no text on this page)\n",
		},
	} {
		r := read(t.Context(), c.raw, "")
		if r.err != nil || r.text != c.want {
			t.Errorf("%s: %q %v", name, r.text, r.err)
		}
		if r.title != "The annual report" {
			t.Errorf("%s: title %q", name, r.title)
		}
	}
}

// TestPDFCID reads a font whose codes say nothing without its table of characters.
func TestPDFCID(t *testing.T) {
	r := read(t.Context(), cid(), typePDF)
	if want := "[Page 1]\nΑΒΓ fi 😀\n"; r.err != nil || r.text != want {
		t.Errorf("%q %v", r.text, r.err)
	}
}

func TestPDFRefused(t *testing.T) {
	whole := pagesOf(helvetica, shown(72, 720, "Text."))
	for name, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"encrypted": {encrypted("secret"), "encrypted"},
		"scanned":   {pagesOf(helvetica, "q 612 0 0 792 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q"), "such as a scan"},
		"cut off":   {[]byte("%PDF-1.7\n1 0 obj\n<< /Type"), "damaged"},
		"nothing":   {[]byte("%PDF-1.7\n"), "damaged"},
		"no pages":  {file("", "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"), "PDF"},
		"noise":     {append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte{0, 255, 128, 7}, 5000)...), "damaged"},
		"a half":    {whole[:len(whole)/3], ""},
	} {
		r := read(t.Context(), c.raw, typePDF)
		var why problem
		if !errors.As(r.err, &why) || !strings.Contains(string(why), c.says) {
			t.Errorf("%s: %q %v", name, r.text, r.err)
		}
	}
	if r := read(t.Context(), encrypted(""), typePDF); r.err == nil || !strings.Contains(r.err.Error(), "without text") {
		t.Errorf("a PDF that anybody may open is not read: %v", r.err)
	}
	// A damaged table of contents is mended by looking for the objects.
	if r := read(t.Context(), bytes.Replace(whole, []byte("startxref"), []byte("startxxxx"), 1), typePDF); r.err != nil || !strings.Contains(r.text, "Text.") {
		t.Errorf("%q %v", r.text, r.err)
	}
}

// TestPDFBounds reads what was made to take long or much.
func TestPDFBounds(t *testing.T) {
	bomb := strings.Repeat("BT /F1 12 Tf 72 720 Td (Again and again.) Tj ET\n", 400_000)
	deep := strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000)
	nested := "<< /Type /Catalog /Pages 2 0 R /Deep " + deep + " >>"
	loop := file("", "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000 >>")
	form := "<< /Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources << /XObject << /X 5 0 R >> >> /Length 27 >>\nstream\n/X Do /X Do /X Do /X Do /X \nendstream"
	forms := file("", "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1 1] /Resources << /XObject << /X 5 0 R >> >> /Contents 4 0 R >>", stream("/X Do"), form)
	many := make([]string, 2500)
	for i := range many {
		many[i] = "%"
	}
	for name, raw := range map[string][]byte{
		"a page that unpacks to 19 MB": pagesOf(helvetica, bomb),
		"nested":                       file("", nested, "<< /Type /Pages /Kids [] /Count 0 >>"),
		"pages in a circle":            loop,
		"forms in a circle":            forms,
		"too many pages":               pagesOf(helvetica, many...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		r := read(t.Context(), raw, typePDF)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		t.Logf("%s: %d bytes read in %v, %d MB allocated: %.100s… %v", name, len(raw), took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, r.text, r.err)
		if took > 4*readTime || r.err == nil && len(r.text) > mostText {
			t.Errorf("%s: took %v, %d bytes", name, took, len(r.text))
		}
	}
}

// TestPDFLeft ends a reading when the client leaves.
func TestPDFLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := read(ctx, pagesOf(helvetica, shown(72, 720, "Text.")), typePDF); !errors.Is(r.err, context.Canceled) {
		t.Errorf("%v", r.err)
	}
	if r := read(t.Context(), pagesOf(helvetica, shown(72, 720, "Text.")), typePDF); r.err != nil {
		t.Errorf("the reader is gone: %v", r.err)
	}
}

// TestRecordedPDF reads the documents of recorded requests that are whole.
func TestRecordedPDF(t *testing.T) {
	dir := os.Getenv("WEIR_RECORDINGS")
	if dir == "" {
		t.Skip("WEIR_RECORDINGS is not set: no recorded document is read")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	data := regexp.MustCompile(`JVBERi[A-Za-z0-9+/=\\]{200,}`)
	whole, cut := 0, 0
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range data.FindAllString(string(body), -1) {
			raw := unbase64(strings.ReplaceAll(strings.ReplaceAll(m, `\/`, "/"), `\`, ""))
			if !bytes.Contains(raw, []byte("%%EOF")) {
				cut++
				continue
			}
			r := read(t.Context(), raw, typePDF)
			t.Logf("%s: %d bytes, %d of text, %v", filepath.Base(f), len(raw), len(r.text), r.err)
			if r.err != nil || len(strings.Fields(r.text)) < 3 {
				t.Errorf("%s: %q %v", filepath.Base(f), r.text, r.err)
			}
			whole++
		}
	}
	t.Logf("%d documents read, %d are cut off in the recordings", whole, cut)
	if whole < 8 {
		t.Errorf("only %d documents", whole)
	}
}
