package prepare

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/llm"
)

// zipped builds an archive of names and contents.
func zipped(files ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i+1 < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			panic(err)
		}
		_, _ = w.Write([]byte(files[i+1]))
	}
	_ = z.Close()
	return b.Bytes()
}

const wordBegin = `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`

var word = zipped(
	"docProps/core.xml", `<cp:coreProperties xmlns:cp="x" xmlns:dc="y"><dc:title>Minutes</dc:title></cp:coreProperties>`,
	"word/document.xml", wordBegin+
		`<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Agenda</w:t></w:r></w:p>`+
		`<w:p><w:r><w:t xml:space="preserve">We </w:t></w:r><w:r><w:t>met &amp; spoke.</w:t></w:r><w:del><w:r><w:delText>Not</w:delText><w:t>gone</w:t></w:r></w:del></w:p>`+
		`<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>first</w:t></w:r></w:p><w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>second</w:t></w:r></w:p>`+
		`<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Name</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Age</w:t></w:r></w:p></w:tc></w:tr>`+
		`<w:tr><w:tc><w:p><w:r><w:t>Ada</w:t></w:r></w:p><w:p><w:r><w:t>Byron</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>36</w:t></w:r></w:p></w:tc></w:tr></w:tbl>`+
		`<w:p><w:r><w:t>End</w:t><w:tab/><w:t>here.</w:t><w:br/><w:t>Really.</w:t></w:r></w:p></w:body></w:document>`,
	"word/footnotes.xml", `<w:footnotes xmlns:w="x"><w:footnote><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote></w:footnotes>`,
)

var open = zipped(
	"mimetype", typeODT,
	"content.xml", `<office:document-content xmlns:office="o" xmlns:text="t" xmlns:table="u"><office:body><office:text>`+
		`<text:h text:outline-level="2">Plan</text:h><text:p>One<text:s/>two <text:span>three</text:span></text:p>`+
		`<text:list><text:list-item><text:p>item</text:p></text:list-item></text:list>`+
		`<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>`+
		`</office:text></office:body></office:document-content>`,
)

const site = `<!DOCTYPE html><html><head><title>A page</title><style>p { color: red }</style><script>if (1 < 2) { alert("no") }</script></head>
<body><h1>Head &amp; line</h1><p>Some <b>bold</b>  text,
over lines.<br>After.</p><ul><li>one</li><li>two</li></ul>
<table><tr><th>k</th><th>v</th></tr><tr><td>a</td><td>1</td></tr></table><pre>x
  y</pre><img src="a.png" alt="a cat"><p>End</p></body></html>`

func TestDocuments(t *testing.T) {
	for name, c := range map[string]struct {
		raw              []byte
		typ, want, title string
	}{
		"docx":                      {word, typeDOCX, "# Agenda\n\nWe met & spoke.\n\n- first\n- second\nName | Age\nAda Byron | 36\n\nEnd here.\nReally.\n\nA note.\n", "Minutes"},
		"docx that does not say so": {word, "application/octet-stream", "# Agenda\n\nWe met & spoke.\n\n- first\n- second\nName | Age\nAda Byron | 36\n\nEnd here.\nReally.\n\nA note.\n", "Minutes"},
		"odt":                       {open, typeODT, "## Plan\n\nOne two three\n\n- item\na | b\n", ""},
		"html":                      {[]byte(site), typeHTML, "# Head & line\n\nSome bold text, over lines.\nAfter.\n\n- one\n- two\n\nk | v\na | 1\n\nx\n  y\n\n[a cat]\n\nEnd\n", "A page"},
		"markdown":                  {[]byte("# Hi\r\n\r\n*you*\r\n"), "text/markdown", "# Hi\n\n*you*\n", ""},
		"csv":                       {[]byte("\ufeffa,b\n1,\"2, 3\"\n"), "text/csv", "a,b\n1,\"2, 3\"\n", ""},
		"utf-16":                    {[]byte("\xff\xfeh\x00i\x00\xac\x20"), "text/plain", "hi€", ""},
		"json":                      {[]byte(`{"a": 1.0}`), "application/json", `{"a": 1.0}`, ""},
	} {
		r := read(t.Context(), c.raw, c.typ)
		if r.err != nil || r.text != c.want || r.title != c.title {
			t.Errorf("%s: %v %q\n%s", name, r.err, r.title, cmp.Diff(c.want, r.text))
		}
	}
}

func TestDocumentsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		raw  []byte
		typ  string
		says string
	}{
		"an old Word file":  {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00"), "application/msword", "cannot be read here"},
		"another archive":   {zipped("a.txt", "x"), typeDOCX, "cannot be read here"},
		"a cut-off archive": {word[:len(word)/2], typeDOCX, "cannot be read here"},
		"broken XML":        {zipped("word/document.xml", wordBegin+`<w:p><w:t>a`+"\x01"+`</w:`), typeDOCX, "damaged"},
		"noise":             {bytes.Repeat([]byte{1, 200, 0}, 100), "text/plain", "cannot be read here"},
		"too much text":     {bytes.Repeat([]byte("word "), mostText/5+10), "text/plain", "4 MiB"},
		"a bomb":            {zipped("word/document.xml", wordBegin+strings.Repeat(" ", mostUnpacked+1)), typeDOCX, "larger when unpacked"},
	} {
		r := read(t.Context(), c.raw, c.typ)
		var why problem
		if !errors.As(r.err, &why) || !strings.Contains(string(why), c.says) {
			t.Errorf("%s: %.80q %v", name, r.text, r.err)
		}
	}
}

// asked is a request with one part, from a client of a dialect.
func asked(parts ...llm.Part) *llm.Request {
	for i := range parts {
		if parts[i].Path == "" {
			parts[i].Path = "messages[0].content[" + string(rune('0'+i)) + "]"
		}
	}
	return &llm.Request{From: llm.OpenAIChat, Messages: []llm.Message{{Role: llm.User, Path: "messages[0]", Parts: parts}}}
}

func pdfPart() llm.Part {
	data := base64.StdEncoding.EncodeToString(pagesOf(helvetica, shown(72, 720, "Profit: 7.")))
	return llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Type: typePDF, Data: data, Name: "report.pdf", Cite: true}, Cache: &llm.CacheMark{}, Extra: llm.Extra{"context": []byte(`"c"`)}}
}
