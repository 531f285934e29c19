package openairesponses

import (
	"encoding/json"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Kinds of citations and the types they have here. The type of every citation of a file but the first is kept in its
// Extra.
const (
	citeURL  = "url"
	citeFile = "file"

	typeURL  = "url_citation"
	typeFile = "file_citation"
)

// decodeCites reads a list of annotations of a text. On the wire they count characters, here bytes. ok is false where v
// is no list of objects.
func decodeCites(v []byte, text string) (cites []llm.Cite, ok bool) {
	if v != nil && rawjson.Kind(v) != '[' {
		return nil, false
	}
	for _, e := range rawjson.Elems(v) {
		if rawjson.Kind(e) != '{' {
			return nil, false
		}
		cites = append(cites, decodeCite(e, text))
	}
	return cites, true
}

func decodeCite(v []byte, text string) llm.Cite {
	var o dialect.Object
	o.Read(v)
	typ := o.String("type")
	c := llm.Cite{Kind: citeFile}
	switch typ {
	case typeURL:
		c.Kind, c.URL, c.Title, c.Quote = citeURL, o.String("url"), o.String("title"), o.String("content")
	case typeFile, "container_file_citation", "file_path":
		c.Source, c.Title = o.String("file_id"), o.String("filename")
	default:
		c.Kind = typ
	}
	from, to := o.Take("start_index"), o.Take("end_index")
	if o.Bad != nil || c.Kind == "" {
		o.Read(v)
		return llm.Cite{Extra: o.Rest()}
	}
	if start, end, ok := placed(from, to, text); ok {
		c.Start, c.End = start, end
	} else {
		o.Leave("start_index")
		o.Leave("end_index")
	}
	c.Extra = o.Rest()
	if c.Kind == citeFile && typ != typeFile {
		c.Extra = dialect.With(c.Extra, "type", rawjson.AppendString(nil, typ))
	}
	return c
}

// placed returns the bytes of the text that characters from and to span; ok is false where they are no span of it.
// Nothing and a span of nothing at the beginning are the whole text.
func placed(from, to []byte, text string) (start, end int64, ok bool) {
	if from == nil && to == nil {
		return 0, 0, true
	}
	a, ok1 := rawjson.Int(from)
	b, ok2 := rawjson.Int(to)
	if ok1 && ok2 && a == 0 && b == 0 {
		return 0, 0, true
	}
	if !ok1 || !ok2 || a >= b {
		return 0, 0, false
	}
	s, ok1 := byteAt(text, a)
	e, ok2 := byteAt(text, b)
	return int64(s), int64(e), ok1 && ok2
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

// charAt returns how many characters stand before byte n of s.
func charAt(s string, n int64) int64 {
	n = max(0, min(n, int64(len(s))))
	return int64(utf8.RuneCountInString(s[:n]))
}

// writeCite writes an annotation of a text. One of another dialect for the whole text gets the text's span.
func writeCite(w *rawjson.Writer, c *llm.Cite, text string, own bool) {
	w.Open('{')
	extra := c.Extra
	if !own {
		extra = nil
	}
	if c.Kind == "" && extra != nil {
		dialect.WriteExtra(w, extra)
		w.Close('}')
		return
	}
	typ := c.Kind
	switch c.Kind {
	case citeURL:
		typ = typeURL
	case citeFile:
		typ = typeFile
	}
	if extra["type"] != nil {
		w.Name("type").Raw(extra["type"])
	} else {
		w.Name("type").String(typ)
	}
	from, to := charAt(text, c.Start), charAt(text, c.End)
	whole := c.Start == 0 && c.End == 0
	if whole && !own {
		to = charAt(text, int64(len(text)))
	}
	switch {
	case c.Kind == citeURL:
		if extra["start_index"] == nil && extra["end_index"] == nil {
			w.Name("start_index").Int(from).Name("end_index").Int(to)
		}
		w.Name("url").String(c.URL).Name("title").String(c.Title)
		if c.Quote != "" {
			w.Name("content").String(c.Quote)
		}
	default:
		if !whole || extra["container_id"] != nil && extra["start_index"] == nil && extra["end_index"] == nil {
			w.Name("start_index").Int(from).Name("end_index").Int(to)
		}
		if c.Source != "" {
			w.Name("file_id").String(c.Source)
		}
		if c.Title != "" {
			w.Name("filename").String(c.Title)
		}
	}
	dialect.WriteExtra(w, extra, "type")
	w.Close('}')
}

// sayableCites returns the citations of another dialect that have a place here, and reports the others.
func sayableCites(in []llm.Cite, lose func(path, why string, grade llm.Grade), path string) []llm.Cite {
	var out []llm.Cite
	for i := range in {
		c := in[i]
		if c.Kind != citeURL {
			lose(path, "only web pages and files kept here are cited", llm.Dropped)
			continue
		}
		if c.Seal != "" {
			lose(path+".seal", "there is no place for it here", llm.Dropped)
		}
		for _, name := range dialect.Names(c.Extra) {
			lose(path+"."+name, "no such member here", llm.Dropped)
		}
		c.Extra = nil
		out = append(out, c)
	}
	return out
}

// decodeLogprobs reads a list of tokens with their probabilities.
func decodeLogprobs(v []byte) []llm.Logprob {
	var all []llm.Logprob
	for _, e := range rawjson.Elems(v) {
		var o dialect.Object
		o.Read(e)
		l := llm.Logprob{Token: rawjson.Text(o.Take("token")), Logprob: llm.Num(rawjson.Num(o.Take("logprob")))}
		if raw := o.Take("bytes"); raw != nil {
			l.Bytes = json.RawMessage(raw)
		}
		l.Top = decodeLogprobs(o.Take("top_logprobs"))
		l.Extra = o.Rest()
		all = append(all, l)
	}
	return all
}

// appendLogprobs appends the elements of a list of tokens. A probability that is not known is null.
func appendLogprobs(w *rawjson.Writer, all []llm.Logprob, own, top bool) {
	for i := range all {
		l := &all[i]
		w.Open('{').Name("token").String(l.Token).Name("logprob")
		if l.Logprob == "" {
			w.Null()
		} else {
			w.Num(string(l.Logprob))
		}
		if l.Bytes != nil || !own {
			w.Name("bytes").Raw(l.Bytes)
		}
		if top || len(l.Top) > 0 {
			w.Name("top_logprobs").Open('[')
			appendLogprobs(w, l.Top, own, false)
			w.Close(']')
		}
		if own {
			dialect.WriteExtra(w, l.Extra)
		}
		w.Close('}')
	}
}
