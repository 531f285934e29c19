package gemini

import (
	"bytes"
	"maps"
	"slices"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// said is an answer text of a candidate: which part it is, and where it begins in all of them joined.
type said struct {
	part        int
	start, size int64
}

// placed is a citation with the part it belongs to.
type placed struct {
	part int
	cite llm.Cite
}

// decodeCites takes the citations out of a candidate: of groundingMetadata what the texts are supported by, of
// citationMetadata what they were recited from. grounding is what else the first tells, nil for nothing. A member is left
// as it is where one of its citations cannot be placed.
func decodeCites(c *dialect.Object, texts []said) (cites []placed, grounding []byte) {
	if v := c.Take("groundingMetadata"); rawjson.Kind(v) == '{' {
		var ok bool
		if cites, grounding, ok = decodeGrounding(v, texts); !ok {
			cites, grounding = nil, nil
			c.Leave("groundingMetadata")
		}
	}
	if v := c.Take("citationMetadata"); v != nil {
		more, ok := decodeRecited(v, texts)
		if !ok {
			c.Leave("citationMetadata")
			return cites, grounding
		}
		cites = append(cites, more...)
	}
	return cites, grounding
}

// chunkKinds are the kinds of sources there are, with the canonical word for each.
var chunkKinds = map[string]string{"web": "url", "retrievedContext": "document", "maps": "url", "image": "url"}

// decodeGrounding reads citations; rest is what else is told, nil for nothing.
func decodeGrounding(v []byte, texts []said) (cites []placed, rest []byte, ok bool) {
	supports := rawjson.Get(v, "groundingSupports")
	if rawjson.IsNull(supports) {
		return nil, nil, false
	}
	var chunks []llm.Cite
	var raw [][]byte
	for _, e := range rawjson.Elems(rawjson.Get(v, "groundingChunks")) {
		c, known := decodeChunk(e)
		if !known {
			return nil, nil, false
		}
		chunks, raw = append(chunks, c), append(raw, e)
	}
	used := make([]bool, len(chunks))
	for _, e := range rawjson.Elems(supports) {
		var o, segment dialect.Object
		o.Read(e)
		segment.Read(o.Take("segment"))
		from, to := segment.Int("startIndex"), segment.Int("endIndex")
		segment.String("text")
		indices, scores := o.Take("groundingChunkIndices"), o.Take("confidenceScores")
		if segment.Bad != nil || segment.Rest() != nil || o.Rest() != nil {
			return nil, nil, false
		}
		var score [][]byte
		for _, s := range rawjson.Elems(scores) {
			score = append(score, s)
		}
		n := 0
		for i, at := range rawjson.Elems(indices) {
			k, whole := rawjson.Int(at)
			if !whole || k < 0 || k >= int64(len(chunks)) {
				return nil, nil, false
			}
			c := chunks[k]
			if i < len(score) {
				c.Extra = with(c.Extra, "confidenceScore", score[i])
			}
			found := place1(texts, c, from, to)
			if len(found) == 0 {
				return nil, nil, false
			}
			cites = append(cites, found...)
			used[k] = true
			n++
		}
		if n == 0 || len(score) > n {
			return nil, nil, false
		}
	}
	return cites, restOfGrounding(v, raw, used), true
}

// restOfGrounding returns what grounding tells besides citations, nil for nothing: the sources that none is of among it.
func restOfGrounding(v []byte, chunks [][]byte, used []bool) []byte {
	var w rawjson.Writer
	w.Open('{')
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "groundingSupports":
		case "groundingChunks":
			if !slices.Contains(used, false) {
				continue
			}
			w.Name("groundingChunks").Open('[')
			for i := range chunks {
				if !used[i] {
					w.Raw(chunks[i])
				}
			}
			w.Close(']')
		default:
			if !rawjson.IsNull(val) {
				w.Name(string(name)).Raw(val)
			}
		}
	}
	w.Close('}')
	if len(w.Buf) == len("{}") {
		return nil
	}
	return w.Buf
}

// with returns a copy of x with one more member.
func with(x llm.Extra, name string, v []byte) llm.Extra {
	out := llm.Extra{name: v}
	maps.Copy(out, x)
	return out
}

// decodeChunk reads a source; false for one of an unknown kind.
func decodeChunk(v []byte) (c llm.Cite, ok bool) {
	n := 0
	for name, val := range rawjson.Members(v) {
		kind := chunkKinds[string(name)]
		if n++; n > 1 || kind == "" || rawjson.Kind(val) != '{' {
			return c, false
		}
		c.Kind = kind
		var o dialect.Object
		o.Read(val)
		if name := string(name); name == "maps" || name == "image" {
			c.URL, c.Title = o.String("uri"), o.String("title")
			if c.URL == "" {
				c.URL = o.String("sourceUri")
			}
			c.Extra = llm.Extra{name: val}
			continue
		}
		c.URL, c.Title = o.String("uri"), o.String("title")
		if kind == "document" {
			c.Quote = o.String("text")
		}
		if o.Bad != nil {
			return c, false
		}
		c.Extra = o.Rest()
		if c.Extra["maps"] != nil || c.Extra["image"] != nil || c.Extra[sources] != nil || c.Extra[recited] != nil || c.Extra["confidenceScore"] != nil {
			return c, false
		}
	}
	return c, n == 1
}

// place1 returns a citation by the parts that its range of bytes of all texts joined lies in.
func place1(texts []said, c llm.Cite, from, to int64) []placed {
	if from < 0 || from > to || len(texts) == 0 || to > texts[len(texts)-1].start+texts[len(texts)-1].size {
		return nil
	}
	var out []placed
	for _, t := range texts {
		a, b := max(from, t.start), min(to, t.start+t.size)
		if a >= b {
			continue
		}
		c.Start, c.End = a-t.start, b-t.start
		if c.Start == 0 && c.End == t.size {
			c.End = 0 // the whole part
		}
		out = append(out, placed{t.part, c})
	}
	return out
}

// The lists that citationMetadata was seen to keep its citations in: at Google AI and at Vertex AI. The Extra of a
// citation that came in one has what else it says under the list's name.
const (
	sources = "citationSources"
	recited = "citations"
)

func decodeRecited(v []byte, texts []said) (cites []placed, ok bool) {
	if rawjson.Kind(v) != '{' {
		return nil, false
	}
	for name, entries := range rawjson.Members(v) {
		list := string(name)
		if list != sources && list != recited || rawjson.Kind(entries) != '[' {
			return nil, false
		}
		for _, e := range rawjson.Elems(entries) {
			var o dialect.Object
			o.Read(e)
			from, to := o.Int("startIndex"), o.Int("endIndex")
			c := llm.Cite{Kind: "url", URL: o.String("uri"), Title: o.String("title")}
			rest := o.RestObject()
			if rest == nil {
				rest = []byte("{}")
			}
			c.Extra = llm.Extra{list: rest}
			found := place1(texts, c, from, to)
			if o.Bad != nil || c.URL == "" || len(found) == 0 {
				return nil, false
			}
			cites = append(cites, found...)
		}
	}
	return cites, len(cites) > 0
}

// citation is a citation to write, by its bytes of all texts joined.
type citation struct {
	cite     *llm.Cite
	from, to int64
}

// writeGrounding writes groundingMetadata and citationMetadata of a candidate. text is all its texts joined, nil where it
// is not known; rest is what the first holds besides, of our own.
func writeGrounding(w *rawjson.Writer, cites []citation, text, rest []byte, own bool) {
	var grounded []citation
	lists := map[string][]citation{}
	for _, c := range cites {
		switch {
		case own && c.cite.Extra[sources] != nil:
			lists[sources] = append(lists[sources], c)
		case own && c.cite.Extra[recited] != nil:
			lists[recited] = append(lists[recited], c)
		default:
			grounded = append(grounded, c)
		}
	}
	if len(grounded) > 0 || rest != nil {
		writeChunks(w.Name("groundingMetadata").Open('{'), grounded, text, rest, own)
		w.Close('}')
	}
	if len(lists) == 0 {
		return
	}
	w.Name("citationMetadata").Open('{')
	for _, list := range [...]string{sources, recited} {
		if len(lists[list]) == 0 {
			continue
		}
		w.Name(list).Open('[')
		for _, c := range lists[list] {
			w.Open('{').Name("startIndex").Int(c.from).Name("endIndex").Int(c.to).Name("uri").String(c.cite.URL)
			if c.cite.Title != "" {
				w.Name("title").String(c.cite.Title)
			}
			for name, raw := range rawjson.Members(c.cite.Extra[list]) {
				w.Name(string(name)).Raw(raw)
			}
			w.Close('}')
		}
		w.Close(']')
	}
	w.Close('}')
}

func writeChunks(w *rawjson.Writer, cites []citation, text, rest []byte, own bool) {
	var chunks [][]byte
	index := make([]int, len(cites))
	for i, c := range cites {
		chunk := encodeChunk(c.cite, own)
		index[i] = len(chunks)
		for k := range chunks {
			if bytes.Equal(chunks[k], chunk) {
				index[i] = k
			}
		}
		if index[i] == len(chunks) {
			chunks = append(chunks, chunk)
		}
	}
	for _, e := range rawjson.Elems(rawjson.Get(rest, "groundingChunks")) {
		chunks = append(chunks, e)
	}
	if len(chunks) > 0 {
		w.Name("groundingChunks").Open('[')
		for _, chunk := range chunks {
			w.Raw(chunk)
		}
		w.Close(']')
	}
	for name, raw := range rawjson.Members(rest) {
		if string(name) != "groundingChunks" {
			w.Name(string(name)).Raw(raw)
		}
	}
	if len(cites) == 0 {
		return
	}
	w.Name("groundingSupports").Open('[')
	for i := 0; i < len(cites); {
		j := i + 1
		for j < len(cites) && cites[j].from == cites[i].from && cites[j].to == cites[i].to {
			j++
		}
		w.Open('{').Name("segment").Open('{')
		if cites[i].from > 0 {
			w.Name("startIndex").Int(cites[i].from)
		}
		w.Name("endIndex").Int(cites[i].to)
		if from, to := cites[i].from, cites[i].to; from >= 0 && from <= to && to <= int64(len(text)) {
			w.Name("text").String(string(bytes.ToValidUTF8(text[from:to], []byte("�"))))
		}
		w.Close('}')
		w.Name("groundingChunkIndices").Open('[')
		for k := i; k < j; k++ {
			w.Num(strconv.Itoa(index[k]))
		}
		w.Close(']')
		if own && cites[i].cite.Extra["confidenceScore"] != nil {
			w.Name("confidenceScores").Open('[')
			for k := i; k < j && cites[k].cite.Extra["confidenceScore"] != nil; k++ {
				w.Raw(cites[k].cite.Extra["confidenceScore"])
			}
			w.Close(']')
		}
		w.Close('}')
		i = j
	}
	w.Close(']')
}

// encodeChunk returns the source of a citation.
func encodeChunk(c *llm.Cite, own bool) []byte {
	var w rawjson.Writer
	w.Open('{')
	for _, kind := range [...]string{"maps", "image"} {
		if own && c.Extra[kind] != nil {
			return w.Name(kind).Raw(c.Extra[kind]).Close('}').Buf
		}
	}
	kind := "retrievedContext"
	if c.Kind == "url" {
		kind = "web"
	}
	w.Name(kind).Open('{')
	if c.URL != "" {
		w.Name("uri").String(c.URL)
	}
	if c.Title != "" {
		w.Name("title").String(c.Title)
	}
	if kind != "web" && c.Quote != "" {
		w.Name("text").String(c.Quote)
	}
	if own {
		dialect.WriteExtra(&w, c.Extra, "confidenceScore")
	}
	w.Close('}').Close('}')
	return w.Buf
}

// loseCite reports what encodeChunk does not say of another dialect's citation.
func loseCite(l *dialect.Losses, c *llm.Cite) {
	web := c.Kind == "url"
	place := c.Doc != 0 || c.From != 0 || c.To != 0 || c.Unit != ""
	if !web && c.Kind != "document" || web && c.Quote != "" || c.Source != "" || place || c.Seal != "" || c.Extra != nil {
		l.Add("answer.citations", "a source has an address and a title here, of a document its text; its place in it is not told", llm.Changed)
	}
}
