package converse

import (
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// places are the kinds of citations, by their member of location here; index is the member that numbers the source.
var places = []struct {
	member     string
	kind, unit string // canonical
	index      string
}{
	{"web", "url", "", ""},
	{"documentChar", "document", "char", "documentIndex"},
	{"documentPage", "document", "page", "documentIndex"},
	{"documentChunk", "document", "block", "documentIndex"},
	{"searchResultLocation", "search_result", "block", "searchResultIndex"},
}

// decodeCites reads a list of citations. They belong to the whole text. ok is false where v is no list of objects.
func decodeCites(v []byte) (cites []llm.Cite, ok bool) {
	if v != nil && rawjson.Kind(v) != '[' {
		return nil, false
	}
	for _, e := range rawjson.Elems(v) {
		if rawjson.Kind(e) != '{' {
			return nil, false
		}
		cites = append(cites, decodeCite(e))
	}
	return cites, true
}

// decodeCite reads a citation; one whose place is not known is all Extra.
func decodeCite(v []byte) llm.Cite {
	var o dialect.Object
	o.Read(v)
	c := llm.Cite{Title: o.String("title"), Source: o.String("source")}
	member, at := only(o.Take("location"))
	var l dialect.Object
	l.Read(at)
	for _, p := range places {
		if p.member != member {
			continue
		}
		c.Kind, c.Unit = p.kind, p.unit
		if p.index == "" {
			c.URL = l.String("url")
		} else {
			c.Doc, c.From, c.To = l.Int(p.index), l.Int("start"), l.Int("end")
		}
	}
	quote, several, fine := texts(o.Take("sourceContent"))
	if c.Quote = strings.Join(quote, ""); several {
		o.Leave("sourceContent")
	}
	rest, inner := o.Rest(), l.Rest()
	domain := inner["domain"]
	if c.Kind == "url" {
		delete(inner, "domain")
	}
	if c.Kind == "" || c.Kind == "url" && c.URL == "" || !fine || o.Bad != nil || l.Bad != nil || len(inner) > 0 || rest["domain"] != nil {
		o.Read(v)
		return llm.Cite{Extra: o.Rest()}
	}
	if c.Extra = rest; domain != nil {
		c.Extra = dialect.With(c.Extra, "domain", domain)
	}
	return c
}

// only returns the only member of a union that is set, "" if it is not one.
func only(v []byte) (name string, value []byte) {
	for n, val := range rawjson.Members(v) {
		if rawjson.IsNull(val) {
			continue
		}
		if name != "" {
			return "", nil
		}
		name, value = string(n), val
	}
	return name, value
}

// texts reads a list of blocks that can only be texts. several tells that they are more than one or say more than their
// text, so that they cannot be told from it; ok is false where one is no text.
func texts(v []byte) (all []string, several, ok bool) {
	if v != nil && rawjson.Kind(v) != '[' {
		return nil, false, false
	}
	for _, e := range rawjson.Elems(v) {
		name, val := only(e)
		s, text := rawjson.String(val)
		if name != "text" || !text {
			return nil, false, false
		}
		all = append(all, s)
	}
	return all, len(all) > 1, true
}

// citeSayable reports whether a citation can be written here. own says that its Extra may be.
func citeSayable(c *llm.Cite, own bool) bool {
	if c.Kind == "" {
		return own && c.Extra != nil
	}
	for _, p := range places {
		if p.kind == c.Kind && p.unit == c.Unit {
			return p.index == "" && c.URL != "" && c.Doc == 0 && c.From == 0 && c.To == 0 || p.index != "" && c.URL == ""
		}
	}
	return false
}

// writeCite writes a citation that is sayable.
func writeCite(w *rawjson.Writer, c *llm.Cite, own bool) {
	w.Open('{')
	if c.Title != "" {
		w.Name("title").String(c.Title)
	}
	if c.Source != "" {
		w.Name("source").String(c.Source)
	}
	if c.Quote != "" && !(own && c.Extra["sourceContent"] != nil) {
		w.Name("sourceContent").Open('[').Open('{').Name("text").String(c.Quote).Close('}').Close(']')
	}
	for _, p := range places {
		if p.kind != c.Kind || p.unit != c.Unit {
			continue
		}
		w.Name("location").Open('{').Name(p.member).Open('{')
		if p.index == "" {
			w.Name("url").String(c.URL)
			if d := c.Extra["domain"]; own && d != nil {
				w.Name("domain").Raw(d)
			}
		} else {
			w.Name(p.index).Int(c.Doc).Name("start").Int(c.From).Name("end").Int(c.To)
		}
		w.Close('}').Close('}')
	}
	if own {
		skip := ""
		if c.Kind == "url" {
			skip = "domain"
		}
		dialect.WriteExtra(w, c.Extra, skip)
	}
	w.Close('}')
}

func writeCites(w *rawjson.Writer, cites []llm.Cite, own bool) {
	w.Name("citations").Open('[')
	for i := range cites {
		writeCite(w, &cites[i], own)
	}
	w.Close(']')
}
