package converse

import (
	"encoding/base64"
	"path"
	"strconv"
	"strings"

	"weir/internal/llm"
)

// seen makes what is to be seen or heard sayable. Media that Bedrock cannot see are refused: an unseen picture is a wrong
// answer.
func (e *requestEncoder) seen(p llm.Part, role llm.Role) (llm.Part, bool) {
	if p.Kind == llm.PartAudio && p.Text != "" { // what was spoken in an earlier answer
		e.lose(p.Path, "a sound becomes its transcript", llm.Changed)
		return e.text(llm.Part{Kind: llm.PartText, Text: p.Text, Path: p.Path, Cache: p.Cache})
	}
	if role == llm.Assistant {
		e.lose(p.Path, "only the user can show something here", llm.Dropped)
		return p, false
	}
	b := *p.Media
	p.Media = &b
	switch {
	case b.FileID != "":
		e.refuse(p.Path, "a file kept at another provider; send the data itself")
		return p, false
	case b.URL != "" && !strings.HasPrefix(b.URL, "s3://"):
		e.refuse(p.Path, "Bedrock fetches nothing but s3:// addresses; send the data itself")
		return p, false
	case p.Kind == llm.PartAudio && b.Data == "" && b.URL == "":
		e.lose(p.Path, "a sound that is kept elsewhere", llm.Dropped)
		return p, false
	case b.Data == "" && b.URL == "" && b.Text == "":
		e.refuse(p.Path, "it holds no data")
		return p, false
	}
	if p.Kind == llm.PartFile {
		ok := e.document(&p)
		return p, ok
	}
	if e.family == familyClaude && p.Kind != llm.PartImage {
		e.refuse(p.Path, "the model sees pictures, but neither sounds nor films")
		return p, false
	}
	if b.Detail != "" && b.Detail != "auto" {
		e.lose(p.Path+"."+e.word("image_url.detail"), none, llm.Dropped)
	}
	if b.Type == "" && p.Kind == llm.PartImage {
		b.Type = e.untyped(&p, guess(b.Data))
	}
	if b.Type == "" {
		b.Type = e.untyped(&p, byExtension(p.Kind, b.URL+b.Name))
	}
	if formatOf(p.Kind, b.Type) == "" {
		name, _ := formats(p.Kind)
		e.refuse(p.Path, "Bedrock takes no "+name+" of the type "+strconv.Quote(b.Type))
		return p, false
	}
	return p, true
}

// untyped returns a media type that was found out, and notes that it was not said.
func (e *requestEncoder) untyped(p *llm.Part, typ string) string {
	if typ != "" {
		e.lose(p.Path, "its type is not said; it is sent as "+typ, llm.Changed)
	}
	return typ
}

// byExtension finds a media type by how a name ends.
func byExtension(kind llm.PartKind, name string) string {
	return typeOf(kind, strings.TrimPrefix(strings.ToLower(path.Ext(name)), "."))
}

// document makes a document sayable: of a known format, with a name that Bedrock takes and no other has.
func (e *requestEncoder) document(p *llm.Part) bool {
	b := p.Media
	switch {
	case b.Text != "" && b.Source == chunks && b.Type == "" && e.family.cites():
	case b.Text != "" && formatOf(p.Kind, b.Type) == "":
		e.lose(p.Path, "read as plain text", llm.Changed)
		b.Type, b.Source = "text/plain", ""
	case b.Text != "":
		if b.Source != "" {
			e.lose(p.Path+".source", "sent as one text", llm.Dropped)
		}
		b.Source = ""
		if !b.Cite || !e.family.cites() { // not every model takes texts; all take files of text
			b.Data, b.Text = base64.StdEncoding.EncodeToString([]byte(b.Text)), ""
		}
	case formatOf(p.Kind, b.Type) != "":
	default:
		typ, _, _ := strings.Cut(strings.ToLower(b.Type), ";")
		switch {
		case typ == "":
			if typ = byExtension(p.Kind, b.Name); typ == "" {
				typ = "application/pdf"
			}
			b.Type = e.untyped(p, typ)
		case strings.HasPrefix(typ, "text/") || typ == "application/json":
			e.lose(p.Path, "read as plain text, not as "+typ, llm.Changed)
			b.Type = "text/plain"
		default:
			e.refuse(p.Path, "Bedrock takes no document of the type "+strconv.Quote(typ))
			return false
		}
	}
	if b.Cite && !e.family.cites() {
		e.lose(p.Path+".citations", "this model does not cite documents", llm.Dropped)
		b.Cite = false
	}
	at := p.Path + "." + e.word("file.filename")
	name := neutral(b.Name)
	switch {
	case b.Name == "":
		e.lose(at, "a document must have a name", llm.Filled)
		name = "document"
	case name != b.Name:
		e.lose(at, "a name holds letters, digits, single spaces, hyphens and brackets", llm.Changed)
	}
	if e.names == nil {
		e.names = map[string]bool{}
	}
	first := name
	for n := 2; e.names[name]; n++ {
		name = first + " (" + strconv.Itoa(n) + ")"
	}
	if name != first && first == b.Name {
		e.lose(at, "another document has that name", llm.Changed)
	}
	e.names[name] = true
	b.Name = name
	return true
}

// neutral returns a document's name as Bedrock takes it: without its extension and what is no letter, digit, single
// space, hyphen or bracket.
func neutral(name string) string {
	if ext := path.Ext(name); len(ext) > 1 && len(ext) <= 5 {
		name = strings.TrimSuffix(name, ext)
	}
	var b strings.Builder
	last := byte(' ')
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-()[]", c) >= 0:
		case c == ' ' || c == '_' || c == '\t' || c == '\n':
			if c = ' '; last == ' ' {
				continue
			}
		default:
			if c = '-'; last == '-' {
				continue
			}
		}
		b.WriteByte(c)
		last = c
	}
	out := b.String()
	if len(out) > 180 {
		out = out[:180]
	}
	if out = strings.TrimRight(out, " "); out == "" {
		return "document"
	}
	return out
}
