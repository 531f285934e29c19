package prepare

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// workbook is two tables: texts shared and inline, numbers, days, truth, gaps.
func workbook(extra ...string) []byte {
	return zipped(append([]string{
		"xl/workbook.xml", `<workbook xmlns:r="r"><workbookPr/><sheets><sheet name="People" sheetId="1" r:id="rId2"/><sheet name="Nothing" sheetId="2" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Target="worksheets/sheet2.xml"/><Relationship Id="rId2" Target="/xl/worksheets/sheet1.xml"/></Relationships>`,
		"xl/sharedStrings.xml", `<sst><si><t>Name</t></si><si><r><t>Ada </t></r><r><t>B.</t></r><rPh><t>no</t></rPh></si></sst>`,
		"xl/styles.xml", `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/><numFmt numFmtId="165" formatCode="0.00&quot; days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="22"/></cellXfs></styleSheet>`,
		"xl/worksheets/sheet1.xml", `<worksheet><sheetData>` +
			`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>Born, said</t></is></c><c r="D1" t="b"><v>1</v></c></row>` +
			`<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" s="1"><v>45000</v></c><c r="C2" s="2"><v>45000</v></c><c r="D2"><f>1+1</f><v>0.1</v></c><c r="E2" s="3"><v>45000.5</v></c></row>` +
			`<row r="3"><c r="A3" s="1"/></row></sheetData></worksheet>`,
		"xl/worksheets/sheet2.xml", `<worksheet><sheetData/></worksheet>`,
	}, extra...)...)
}

const typeXLSXWant = "## People\n\nName,\"Born, said\",,TRUE\nAda B.,2023-03-15,45000,0.1,2023-03-15 12:00:00\n\n## Nothing\n\n(empty)\n"

func TestWorkbook(t *testing.T) {
	r := read(t.Context(), workbook(), "")
	if diff := cmp.Diff(typeXLSXWant, r.text); diff != "" || r.err != nil {
		t.Errorf("%v %s", r.err, diff)
	}
	for name, want := range map[string]bool{"0.00": false, `"dmy"0`: false, "[Red]0": false, "hh:mm": true, `\d0`: false, "d/m/yy": true, "[$-409]mmm": true} {
		if dateFormat(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	for name, raw := range map[string][]byte{
		"no sheets":     zipped("xl/workbook.xml", "<workbook/>", "xl/_rels/workbook.xml.rels", "<R/>"),
		"too wide":      zipped("xl/workbook.xml", `<workbook><sheet name="a" id="x"/></workbook>`, "xl/_rels/workbook.xml.rels", `<R><Relationship Id="x" Target="s.xml"/></R>`, "xl/s.xml", `<row><c r="ZZZZZZZZ1"><v>1</v></c></row>`),
		"broken tables": zipped("xl/workbook.xml", `<workbook><sheet name="a" id="x"/></workbook>`, "xl/_rels/workbook.xml.rels", `<R><Relationship Id="x" Target="s.xml"/></R>`, "xl/s.xml", "<row><c \x01"),
	} {
		r := read(t.Context(), raw, "")
		var why problem
		if !errors.As(r.err, &why) || !strings.Contains(string(why), "damaged") {
			t.Errorf("%s: %q %v", name, r.text, r.err)
		}
	}
}

func TestSlides(t *testing.T) {
	slide := func(lines ...string) string {
		s := `<p:sld xmlns:a="a" xmlns:p="p">`
		for _, l := range lines {
			s += "<p:sp><a:p><a:r><a:t>" + l + "</a:t></a:r></a:p></p:sp>"
		}
		return s + "</p:sld>"
	}
	r := read(t.Context(), zipped("ppt/presentation.xml", "<p/>", "ppt/slides/slide2.xml", slide(), "ppt/slides/slide1.xml", slide("Title", "A &amp; B")), "")
	if want := "[Slide 1]\nTitle\nA & B\n\n[Slide 2]\n(no text on this slide)\n"; r.text != want || r.err != nil {
		t.Errorf("%q %v", r.text, r.err)
	}
	if r := read(t.Context(), zipped("ppt/presentation.xml", "<p/>", "ppt/slides/slide1.xml", slide()), ""); r.err == nil || !strings.Contains(r.err.Error(), "without text") {
		t.Errorf("%q %v", r.text, r.err)
	}
}
