package prepare

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// mostToken bounds one tag or run of text of an HTML document.
const mostToken = 8 << 20

// readHTML returns what an HTML document shows: headings, lists and tables with their marks, without scripts and styles.
// It reads token by token, so that no depth of elements costs anything.
func readHTML(ctx context.Context, raw []byte) reading {
	text, _ := decoded(raw)
	z := html.NewTokenizer(strings.NewReader(text))
	z.SetMaxBuf(mostToken)
	p := &page{}
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil || p.b.Len() > mostText {
			break
		}
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return reading{err: problem("is no HTML that can be read; send its text")}
			}
			return p.reading()
		case html.TextToken:
			p.text(z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			p.open(atom.Lookup(name), z, more)
		case html.EndTagToken:
			name, _ := z.TagName()
			p.close(atom.Lookup(name))
		}
	}
	return p.reading()
}

// page gathers what is shown.
type page struct {
	b      strings.Builder
	title  strings.Builder
	hidden atom.Atom // the element whose content is not shown; 0 = none
	named  bool      // within the title
	pre    int       // depth of text that keeps its lines
	cells  int       // of the row so far
	gap    string    // white space that is due before the next text
}

func (p *page) reading() reading {
	return reading{text: strings.TrimSpace(p.b.String()) + "\n", title: p.title.String(), what: "the HTML document", left: "layout and pictures are left out"}
}

// text adds a run of text, whose entities are still written out.
func (p *page) text(raw []byte) {
	if p.hidden != 0 {
		return
	}
	s := html.UnescapeString(string(bytes.ReplaceAll(raw, []byte("\r"), nil)))
	if p.named {
		p.title.WriteString(s)
		return
	}
	if p.pre > 0 {
		p.say(s)
		return
	}
	words := strings.Fields(s)
	if len(words) == 0 {
		if s != "" {
			p.space(" ")
		}
		return
	}
	if strings.ContainsAny(s[:1], " \t\n\f") {
		p.space(" ")
	}
	p.say(strings.Join(words, " "))
	if strings.ContainsAny(s[len(s)-1:], " \t\n\f") {
		p.space(" ")
	}
}

func (p *page) say(s string) {
	if p.b.Len() > 0 {
		p.b.WriteString(p.gap)
	}
	p.gap = ""
	p.b.WriteString(s)
}

// space asks for white space before what comes next; the larger one counts.
func (p *page) space(s string) {
	if len(s) > len(p.gap) || p.gap == " " {
		p.gap = s
	}
}

func (p *page) open(a atom.Atom, z *html.Tokenizer, attributes bool) {
	if p.hidden != 0 {
		return
	}
	switch a {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg:
		p.hidden = a
	case atom.Title:
		p.named = true
	case atom.Br:
		p.gap = strings.TrimRight(p.gap, " ") + "\n"
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		p.space("\n\n")
		p.say(strings.Repeat("#", int(a.String()[1]-'0')) + " ")
	case atom.Li:
		p.space("\n")
		p.say("- ")
	case atom.Tr:
		p.space("\n")
		p.cells = 0
	case atom.Td, atom.Th:
		if p.cells++; p.cells > 1 {
			p.gap = ""
			p.say(" | ")
		}
	case atom.Hr:
		p.space("\n\n")
		p.say("---")
		p.space("\n\n")
	case atom.Img:
		for attributes {
			var key, value []byte
			if key, value, attributes = z.TagAttr(); string(key) == "alt" && len(value) > 0 {
				p.say("[" + oneLine(string(value)) + "]")
			}
		}
	case atom.Pre, atom.Textarea:
		p.space("\n\n")
		p.pre++
	default:
		p.block(a)
	}
}

func (p *page) close(a atom.Atom) {
	switch {
	case p.hidden != 0:
		if a == p.hidden {
			p.hidden = 0
		}
	case a == atom.Title:
		p.named = false
	case a == atom.Pre || a == atom.Textarea:
		p.pre = max(p.pre-1, 0)
		p.space("\n\n")
	default:
		p.block(a)
	}
}

// block parts what stands in blocks.
func (p *page) block(a atom.Atom) {
	switch a {
	case atom.P, atom.Ul, atom.Ol, atom.Table, atom.Blockquote, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Main, atom.Nav,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Dl, atom.Figure, atom.Form, atom.Body:
		p.space("\n\n")
	case atom.Div, atom.Li, atom.Tr, atom.Dt, atom.Dd, atom.Caption, atom.Figcaption, atom.Option:
		p.space("\n")
	}
}
