package anthropic

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// place is how a kind of citation names where in the source it points to.
type place struct {
	kind, unit          string // canonical
	doc, title          string // members
	from, to            string
	source, url, cipher string
}

// places are the kinds of citations, by their type here.
var places = []struct {
	typ string
	place
}{
	{"char_location", place{kind: "document", unit: "char", doc: "document_index", title: "document_title", from: "start_char_index", to: "end_char_index"}},
	{"page_location", place{kind: "document", unit: "page", doc: "document_index", title: "document_title", from: "start_page_number", to: "end_page_number"}},
	{"content_block_location", place{kind: "document", unit: "block", doc: "document_index", title: "document_title", from: "start_block_index", to: "end_block_index"}},
	{"search_result_location", place{kind: "search_result", unit: "block", doc: "search_result_index", title: "title", from: "start_block_index", to: "end_block_index", source: "source"}},
	{"web_search_result_location", place{kind: "url", title: "title", url: "url", cipher: "encrypted_index"}},
}

// decodeCites reads a list of citations. They belong to the whole text; one of an unknown type is all Extra. ok is false
// where v is no list of objects.
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

func decodeCite(v []byte) llm.Cite {
	var o dialect.Object
	o.Read(v)
	typ := o.String("type")
	for _, p := range places {
		if p.typ != typ {
			continue
		}
		c := llm.Cite{Kind: p.kind, Unit: p.unit, Quote: o.String("cited_text"), Title: o.String(p.title)}
		if p.doc != "" {
			c.Doc, c.From, c.To = o.Int(p.doc), o.Int(p.from), o.Int(p.to)
		}
		if p.source != "" {
			c.Source = o.String(p.source)
		}
		if p.url != "" {
			c.URL, c.Seal = o.String(p.url), o.String(p.cipher)
		}
		if o.Bad == nil {
			c.Extra = o.Rest()
			return c
		}
	}
	o.Read(v)
	return llm.Cite{Extra: o.Rest()}
}

// citeSayable reports whether a citation can be written here. own says that its Extra may be.
func citeSayable(c *llm.Cite, own bool) bool {
	if c.Kind == "" {
		return own && c.Extra != nil
	}
	p := placeOf(c)
	return p != nil && (p.cipher == "" || own || c.Seal != "")
}

func placeOf(c *llm.Cite) *place {
	for i := range places {
		if p := &places[i].place; p.kind == c.Kind && p.unit == c.Unit {
			return p
		}
	}
	return nil
}

// writeCite writes a citation that is sayable.
func writeCite(w *rawjson.Writer, c *llm.Cite, own bool) {
	w.Open('{')
	for i := range places {
		p := &places[i].place
		if p.kind != c.Kind || p.unit != c.Unit {
			continue
		}
		w.Name("type").String(places[i].typ)
		w.Name("cited_text").String(c.Quote)
		if p.doc != "" {
			w.Name(p.doc).Int(c.Doc)
		}
		orNull(w.Name(p.title), c.Title)
		if p.doc != "" {
			w.Name(p.from).Int(c.From)
			w.Name(p.to).Int(c.To)
		}
		if p.source != "" {
			w.Name(p.source).String(c.Source)
		}
		if p.url != "" {
			w.Name(p.url).String(c.URL)
			w.Name(p.cipher).String(c.Seal)
		}
	}
	if own {
		dialect.WriteExtra(w, c.Extra)
	}
	w.Close('}')
}
