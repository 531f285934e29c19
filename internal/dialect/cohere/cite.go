package cohere

import (
	"strconv"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// What a citation is of.
const (
	typeText     = "TEXT_CONTENT"
	typeThinking = "THINKING_CONTENT"
	typePlan     = "PLAN"
)

// wireCite is a citation as it stands on the wire, where it counts characters.
type wireCite struct {
	cite       llm.Cite
	start, end int64
	placed     bool   // start and end are there
	text       string // what is cited
	index      int64  // of the item of the content; -1 = not said
	typ        string
}

// decodeCite reads a citation; of one whose members are not what they should be, these go to its Extra.
func decodeCite(v []byte) wireCite {
	var o dialect.Object
	o.Read(v)
	c := wireCite{index: -1, typ: typeText}
	whole := func(name string) (int64, bool) {
		raw := o.Take(name)
		n, ok := rawjson.Int(raw)
		if !ok || n < 0 {
			o.Leave(name)
			return 0, false
		}
		return n, true
	}
	var ok bool
	if c.start, ok = whole("start"); ok {
		if c.end, c.placed = whole("end"); !c.placed {
			o.Leave("start")
		}
	}
	if n, ok := whole("content_index"); ok {
		c.index = n
	}
	if s, ok := rawjson.String(o.Take("text")); ok {
		c.text = s
	} else {
		o.Leave("text")
	}
	switch s := rawjson.Text(o.Take("type")); s {
	case "", typeText:
	case typeThinking, typePlan:
		c.typ = s
	default:
		o.Leave("type")
	}
	sources := o.Take("sources")
	if !c.readSource(sources) && (rawjson.Kind(sources) != '[' || !empty(sources)) && sources != nil {
		o.Leave("sources")
	}
	c.cite.Extra = o.Rest()
	return c
}

// readSource reads what a canonical citation can hold of the sources and reports whether that was all.
func (c *wireCite) readSource(sources []byte) (all bool) {
	n := 0
	all = rawjson.Kind(sources) == '['
	for _, e := range rawjson.Elems(sources) {
		if n++; n > 1 {
			return false
		}
		var o dialect.Object
		o.Read(e)
		typ := o.String("type")
		c.cite.Source = o.String("id")
		switch typ {
		case "document":
			c.cite.Kind = "document"
			if v := o.Take("document"); v != nil {
				var d dialect.Object
				d.Read(v)
				c.cite.URL, c.cite.Title, c.cite.Quote = d.String("url"), d.String("title"), d.String("snippet")
				all = all && d.Bad == nil && d.Rest() == nil
			}
			if c.cite.URL != "" {
				c.cite.Kind = "url"
			}
		case "tool":
			c.cite.Kind = "tool"
		default:
			all = false
		}
		all = all && o.Bad == nil && o.Rest() == nil
	}
	return all && n == 1
}

// place turns the characters of a citation into bytes of the text it is about. Where they do not fit they stay in Extra,
// and so does the cited text where it is another.
func (c *wireCite) place(text string) llm.Cite {
	cite := c.cite
	cited := text
	if c.placed {
		start, ok := byteAt(text, c.start)
		end, ok2 := byteAt(text, c.end)
		if ok && ok2 && start < end {
			cite.Start, cite.End = int64(start), int64(end)
			cited = text[start:end]
		} else if c.start != 0 || c.end != 0 {
			cite.Extra = dialect.With(cite.Extra, "start", strconv.AppendInt(nil, c.start, 10))
			cite.Extra = dialect.With(cite.Extra, "end", strconv.AppendInt(nil, c.end, 10))
		}
	}
	if c.text != "" && c.text != cited {
		cite.Extra = dialect.With(cite.Extra, "text", rawjson.AppendString(nil, c.text))
	}
	return cite
}

// byteAt returns the offset of character n of s; its end is one too.
func byteAt(s string, n int64) (int, bool) {
	if n < 0 || n > int64(len(s)) {
		return 0, false
	}
	at := 0
	for ; n > 0; n-- {
		if at >= len(s) {
			return 0, false
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at, true
}

// cites hangs the citations of a turn on its parts, which the places of the items of content and of the plan are given
// for. What has no part to hang on is returned.
func hangCites(v []byte, parts []llm.Part, content []int, plan int) (rest []byte) {
	var left rawjson.Writer
	for _, e := range rawjson.Elems(v) {
		if rawjson.Kind(e) != '{' {
			left.Raw(e)
			continue
		}
		c := decodeCite(e)
		at := c.target(parts, content, plan)
		if at < 0 {
			left.Raw(e)
			continue
		}
		parts[at].Cites = append(parts[at].Cites, c.place(parts[at].Text))
	}
	if left.Buf == nil {
		return nil
	}
	return append(append([]byte{'['}, left.Buf...), ']')
}

// target returns the part that a citation is about, -1 if it is not there.
func (c *wireCite) target(parts []llm.Part, content []int, plan int) int {
	kind := llm.PartText
	switch c.typ {
	case typePlan:
		return plan
	case typeThinking:
		kind = llm.PartReasoning
	}
	for i, at := range content {
		if parts[at].Kind == kind && (c.index < 0 || int64(i) == c.index) {
			return at
		}
	}
	return -1
}

// writeCite writes a citation of a part's text, which is the item index of the content; -1 for the plan.
func writeCite(w *rawjson.Writer, c *llm.Cite, kind llm.PartKind, text string, index int, own bool) {
	var extra llm.Extra
	if own {
		extra = c.Extra
	}
	start, end := clamp(c.Start, text), clamp(c.End, text)
	w.Open('{')
	switch {
	case start < end:
		w.Name("start").Int(int64(utf8.RuneCountInString(text[:start])))
		w.Name("end").Int(int64(utf8.RuneCountInString(text[:end])))
		text = text[start:end]
	case !own: // it is about the whole text
		w.Name("start").Int(0).Name("end").Int(int64(utf8.RuneCountInString(text)))
	}
	if extra["text"] == nil {
		w.Name("text").String(text)
	}
	if extra["sources"] == nil {
		writeSource(w.Name("sources"), c)
	}
	typ := typeText
	switch {
	case index < 0:
		typ = typePlan
	case kind == llm.PartReasoning:
		typ = typeThinking
	}
	if extra["type"] == nil {
		w.Name("type").String(typ)
	}
	if index > 0 {
		w.Name("content_index").Int(int64(index))
	}
	dialect.WriteExtra(w, extra)
	w.Close('}')
}

// clamp returns where in a text a character begins that n is the offset of, or within.
func clamp(n int64, text string) int {
	at := int(min(max(n, 0), int64(len(text))))
	for back := 1; back < utf8.UTFMax && back <= at; back++ {
		if _, size := utf8.DecodeRuneInString(text[at-back:]); size > back {
			return at - back
		}
	}
	return at
}

// writeSource writes the list of the one source that a canonical citation has, or an empty one where it has none.
func writeSource(w *rawjson.Writer, c *llm.Cite) {
	w.Open('[')
	switch {
	case c.Kind == "tool":
		w.Open('{').Name("type").String("tool")
		if c.Source != "" {
			w.Name("id").String(c.Source)
		}
		w.Close('}')
	case c.Kind != "":
		w.Open('{').Name("type").String("document")
		if c.Source != "" {
			w.Name("id").String(c.Source)
		}
		w.Name("document").Open('{')
		for _, m := range [...]struct{ name, value string }{{"title", c.Title}, {"url", c.URL}, {"snippet", c.Quote}} {
			if m.value != "" {
				w.Name(m.name).String(m.value)
			}
		}
		w.Close('}').Close('}')
	}
	w.Close(']')
}

// loseCite reports what a citation of another dialect says and this one has no place for.
func loseCite(c *llm.Cite, path string, lose func(path, why string, grade llm.Grade)) {
	if c.Kind != "url" && c.Kind != "document" && c.Kind != "tool" || c.Kind == "url" && c.URL == "" || c.Kind == "document" && c.URL != "" ||
		c.Unit != "" || c.Doc != 0 || c.From != 0 || c.To != 0 || c.Kind == "tool" && (c.URL != "" || c.Title != "" || c.Quote != "") {
		lose(path, "a citation names its source here, not the place in it", llm.Changed)
	}
	if c.Seal != "" {
		lose(path+".seal", "there is no place for it here", llm.Dropped)
	}
	for _, name := range dialect.Names(c.Extra) {
		lose(path+"."+name, "there is no such member here", llm.Dropped)
	}
}
