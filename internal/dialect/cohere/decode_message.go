package cohere

import (
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// reader reads messages and what they hold. body is for spans; nil = none are noted.
type reader struct{ body []byte }

func (r reader) span(v []byte) llm.Span { return dialect.SpanOf(r.body, v) }

// at returns the place of a member, "" in an answer, whose parts have none.
func at(place, member string) string {
	if place == "" {
		return ""
	}
	return place + "." + member
}

func item(place string, i int) string {
	if place == "" {
		return ""
	}
	return place + "[" + strconv.Itoa(i) + "]"
}

// content reads a text or a list of items. An empty text alone is no part.
func (r reader) content(v []byte, place string) ([]llm.Part, *dialect.Wrong) {
	switch rawjson.Kind(v) {
	case ' ', 'n':
		return nil, nil
	case '"':
		if s := rawjson.Text(v); s != "" {
			return []llm.Part{{Kind: llm.PartText, Text: s, Span: r.span(v), Path: place}}, nil
		}
		return nil, nil
	case '[':
	default:
		return nil, &dialect.Wrong{Member: place, Want: "a string or a list of items"}
	}
	var parts []llm.Part
	for i, e := range rawjson.Elems(v) {
		if rawjson.Kind(e) != '{' {
			return nil, &dialect.Wrong{Member: item(place, i), Want: "an object with a type"}
		}
		p := r.part(e)
		p.Path = item(place, i)
		parts = append(parts, p)
	}
	return parts, nil
}

// part reads an item of a content. One that is not known, or not as it should be, is kept whole.
func (r reader) part(v []byte) llm.Part {
	var o dialect.Object
	o.Read(v)
	var p llm.Part
	typ := o.String("type")
	switch typ {
	case "text", "thinking":
		raw := o.Take(typ)
		p.Kind, p.Span = llm.PartText, r.span(raw)
		if typ == "thinking" {
			p.Kind = llm.PartReasoning
		}
		if p.Text = rawjson.Text(raw); raw != nil && rawjson.Kind(raw) != '"' {
			o.Fail(typ, "a string")
		}
	case "image_url":
		p.Kind, p.Media = llm.PartImage, &llm.Blob{}
		if v := o.Take(typ); rawjson.Kind(v) == '"' {
			setURL(p.Media, rawjson.Text(v))
		} else {
			o.Sub(&p.Extra, typ, func(in *dialect.Object) {
				setURL(p.Media, in.String("url"))
				p.Media.Detail = in.String("detail")
			})
		}
		if p.Media.URL == "" && p.Media.Data == "" {
			o.Fail(typ, "the address of an image")
		}
	case "document":
		p.Kind = llm.PartJSON
		o.Sub(&p.Extra, typ, func(in *dialect.Object) {
			data := in.Take("data")
			switch p.Text = string(data); rawjson.Kind(data) {
			case '{':
			case '"': // most often JSON too
				p.Kind, p.Name, p.Text, p.Span = llm.PartText, typ, rawjson.Text(data), r.span(data)
			default:
				in.Fail("data", "a text or an object")
			}
		})
		if p.Text == "" {
			o.Fail(typ, "a document")
		}
	default:
		o.Fail("type", "known")
	}
	if o.Bad != nil {
		return llm.Part{Kind: llm.PartOpaque, Name: typ, Raw: v}
	}
	for name, raw := range o.Rest() {
		p.Extra = dialect.With(p.Extra, name, raw)
	}
	return p
}

// setURL takes an address apart if it is a data URL in base64.
func setURL(b *llm.Blob, url string) {
	if rest, ok := strings.CutPrefix(url, "data:"); ok {
		if head, data, ok := strings.Cut(rest, ","); ok {
			if typ, ok := strings.CutSuffix(head, ";base64"); ok && typ != "" && data != "" {
				b.Type, b.Data = typ, data
				return
			}
		}
	}
	b.URL = url
}

// assistant reads an assistant's turn, of a request or of an answer, whose members it takes from o. seed makes ids for
// calls that have none.
func (r reader) assistant(o *dialect.Object, place, seed string) ([]llm.Part, llm.Extra, *dialect.Wrong) {
	parts, bad := r.content(o.Take("content"), at(place, "content"))
	if bad != nil {
		return nil, nil, bad
	}
	content := make([]int, len(parts))
	for i := range content {
		content[i] = i
	}
	plan := -1
	if v := o.Take(wordPlan); v != nil {
		s, ok := rawjson.String(v)
		if !ok {
			return nil, nil, &dialect.Wrong{Member: at(place, wordPlan), Want: "a string"}
		}
		if s != "" {
			plan = len(parts)
			parts = append(parts, llm.Part{Kind: llm.PartReasoning, Name: wordPlan, Text: s, Span: r.span(v), Path: at(place, wordPlan)})
		}
	}
	calls := o.Take("tool_calls")
	if calls != nil && rawjson.Kind(calls) != '[' {
		return nil, nil, &dialect.Wrong{Member: at(place, "tool_calls"), Want: "a list"}
	}
	for i, e := range rawjson.Elems(calls) {
		p := r.call(e, seed, i)
		p.Path = item(at(place, "tool_calls"), i)
		parts = append(parts, p)
	}
	cites := o.Take("citations")
	if cites != nil && rawjson.Kind(cites) != '[' {
		return nil, nil, &dialect.Wrong{Member: at(place, "citations"), Want: "a list"}
	}
	var extra llm.Extra
	if left := hangCites(cites, parts, content, plan); left != nil {
		extra = llm.Extra{"citations": left}
	}
	o.Take("role")
	for name, raw := range o.Rest() {
		extra = dialect.With(extra, name, raw)
	}
	return parts, extra, nil
}

// call reads an element of tool_calls; one that is no call of a function is the provider's own.
func (r reader) call(v []byte, seed string, n int) llm.Part {
	var o dialect.Object
	o.Read(v)
	p := llm.Part{Kind: llm.PartCall, ID: text(o.Take("id"))}
	if p.ID == "" {
		p.ID = derive(seed, n)
	}
	typ := o.String("type")
	o.Sub(&p.Extra, "function", func(in *dialect.Object) {
		p.Name = in.String("name")
		args := in.Take("arguments")
		if s, ok := rawjson.String(args); ok {
			p.Args, p.Span = s, r.span(args)
		} else if args != nil { // an object in place of its text
			p.Args = string(args)
		}
	})
	if o.Bad != nil || p.Name == "" || typ != "" && typ != "function" {
		return llm.Part{Kind: llm.PartCall, By: llm.ByServer, ID: p.ID, Name: typ, Raw: v}
	}
	for name, raw := range o.Rest() {
		p.Extra = dialect.With(p.Extra, name, raw)
	}
	return p
}

// text reads a string, or a number as it is written.
func text(v []byte) string {
	if s, ok := rawjson.String(v); ok {
		return s
	}
	return rawjson.Num(v)
}

// derive makes an id for a call that came without one: the same for the same place, different elsewhere.
func derive(seed string, n int) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(seed))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(strconv.AppendInt(nil, int64(n), 10))
	return "call_" + hex.EncodeToString(h.Sum(nil)[:12])
}
