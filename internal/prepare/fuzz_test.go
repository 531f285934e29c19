package prepare

import (
	"bytes"
	"encoding/base64"
	"image"
	"testing"
	"time"
	"unicode/utf8"

	"weir/internal/llm"
)

// checkReading holds whatever was read to its bounds.
func checkReading(t *testing.T, r reading, start time.Time) {
	t.Helper()
	if took := time.Since(start); took > 3*readTime {
		t.Errorf("took %v", took)
	}
	if r.err == nil && (len(r.text) > mostText || !utf8.ValidString(r.text)) {
		t.Errorf("%d bytes of text, valid: %v", len(r.text), utf8.ValidString(r.text))
	}
}

func FuzzDocument(f *testing.F) {
	f.Add(word, "")
	f.Add(open, typeODT)
	f.Add(workbook(), "")
	f.Add([]byte(site), typeHTML)
	f.Add([]byte("\xff\xfea\x00"), "text/plain")
	f.Fuzz(func(t *testing.T, raw []byte, typ string) {
		if sniff(raw, typ) == typePDF {
			return
		}
		start := time.Now()
		checkReading(t, read(t.Context(), raw, typ), start)
	})
}

// FuzzOffice changes the XML within a document, which changes of a packed one hardly ever do.
func FuzzOffice(f *testing.F) {
	f.Add([]byte(wordBegin+`<w:p><w:r><w:t>a</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>`), false)
	f.Add([]byte(`<office:body><text:h text:outline-level="9">a</text:h><table:table/></office:body>`), true)
	f.Fuzz(func(t *testing.T, raw []byte, odt bool) {
		start := time.Now()
		if odt {
			checkReading(t, read(t.Context(), zipped("mimetype", typeODT, "content.xml", string(raw)), ""), start)
			return
		}
		checkReading(t, read(t.Context(), zipped("word/document.xml", string(raw)), ""), start)
	})
}

func FuzzImage(f *testing.F) {
	f.Add(asPNG(f, drawn(40, 20)))
	f.Add(oriented(asJPEG(f, drawn(40, 20)), 6))
	f.Add(moving(f, 9, 9))
	f.Add(hugePNG(5, 5))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	m := &llm.Media{Images: []string{"image/jpeg", "image/png"}, ImageBytes: 2000, ImageSide: 16, Still: true}
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := look(raw)
		if int64(l.width)*int64(l.height) > 1_000_000 {
			return // it is bounded, but not quick
		}
		w := &work{ctx: t.Context(), desk: new(Desk)}
		p := w.fit(&llm.Blob{Type: l.format, Data: base64.StdEncoding.EncodeToString(raw)}, m, 16)
		if p.err != nil || p.data == "" {
			return
		}
		made := unbase64(p.data)
		config, format, err := image.DecodeConfig(bytes.NewReader(made))
		if err != nil || "image/"+format != p.typ || max(config.Width, config.Height) > 16 || len(made) > 2000 || p.did == nil {
			t.Errorf("%s %dx%d of %d bytes, said to be %s: %v", format, config.Width, config.Height, len(made), p.typ, err)
		}
	})
}
