package ollama

import (
	"encoding/hex"
	"hash/fnv"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// reader reads what messages hold. body is for spans; nil = none are noted.
type reader struct{ body []byte }

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

// images reads the images of a message, whose types are told by how they begin.
func (r reader) images(o *dialect.Object, place string) ([]llm.Part, *dialect.Wrong) {
	v := o.Take("images")
	if v != nil && rawjson.Kind(v) != '[' {
		return nil, &dialect.Wrong{Member: at(place, "images"), Want: "a list of base64 texts"}
	}
	var parts []llm.Part
	for i, e := range rawjson.Elems(v) {
		s, ok := rawjson.String(e)
		if !ok || s == "" {
			return nil, &dialect.Wrong{Member: item(at(place, "images"), i), Want: "a base64 text"}
		}
		parts = append(parts, llm.Part{
			Kind: llm.PartImage, Media: &llm.Blob{Type: dialect.ImageType(s), Data: s}, Path: item(at(place, "images"), i),
		})
	}
	return parts, nil
}

// text reads a member that is a text. An empty one is no part.
func (r reader) text(parts []llm.Part, o *dialect.Object, member string, kind llm.PartKind, place string) ([]llm.Part, *dialect.Wrong) {
	v := o.Take(member)
	s, ok := rawjson.String(v)
	if v != nil && !ok {
		return nil, &dialect.Wrong{Member: at(place, member), Want: "a string"}
	}
	if s == "" {
		return parts, nil
	}
	return append(parts, llm.Part{Kind: kind, Text: s, Span: dialect.SpanOf(r.body, v), Path: at(place, member)}), nil
}

// plain reads images and content, which every message may have.
func (r reader) plain(o *dialect.Object, place string) ([]llm.Part, *dialect.Wrong) {
	parts, bad := r.images(o, place)
	if bad != nil {
		return nil, bad
	}
	return r.text(parts, o, "content", llm.PartText, place)
}

// assistant reads an assistant's turn, of a request or of an answer. id makes the id of a call that has none.
func (r reader) assistant(o *dialect.Object, place string, id func(n int, name, args string) string) ([]llm.Part, *dialect.Wrong) {
	parts, bad := r.text(nil, o, "thinking", llm.PartReasoning, place)
	if bad != nil {
		return nil, bad
	}
	said, bad := r.plain(o, place)
	if bad != nil {
		return nil, bad
	}
	parts = append(parts, said...)
	calls := o.Take("tool_calls")
	if calls != nil && rawjson.Kind(calls) != '[' {
		return nil, &dialect.Wrong{Member: at(place, "tool_calls"), Want: "a list"}
	}
	for i, e := range rawjson.Elems(calls) {
		p, bad := r.call(e)
		if bad != nil {
			return nil, &dialect.Wrong{Member: at(item(at(place, "tool_calls"), i), bad.Member), Want: bad.Want}
		}
		if p.ID == "" {
			p.ID = id(i, p.Name, p.Args)
		}
		p.Path = item(at(place, "tool_calls"), i)
		parts = append(parts, p)
	}
	o.Take("role")
	return parts, nil
}

// call reads an element of tool_calls. Its number says no more than its place.
func (r reader) call(v []byte) (llm.Part, *dialect.Wrong) {
	var o dialect.Object
	o.Read(v)
	p := llm.Part{Kind: llm.PartCall, ID: word(o.Take("id"))}
	if typ := o.String("type"); typ != "" && typ != "function" {
		o.Leave("type")
	}
	o.Sub(&p.Extra, "function", func(in *dialect.Object) {
		p.Name = in.String("name")
		if _, ok := rawjson.Int(in.Take("index")); !ok {
			in.Leave("index")
		}
		args := in.Take("arguments")
		if s, ok := rawjson.String(args); ok { // the text of an object in place of it
			p.Args = s
		} else if args != nil {
			p.Args, p.Span = string(args), dialect.SpanOf(r.body, args)
		}
	})
	if o.Bad == nil && p.Name == "" {
		o.Fail("function.name", "the name of the function")
	}
	if p.Args == "" {
		p.Args = "{}"
	}
	for name, raw := range o.Rest() {
		p.Extra = dialect.With(p.Extra, name, raw)
	}
	return p, o.Bad
}

// word reads a string, or a number as it is written.
func word(v []byte) string {
	if s, ok := rawjson.String(v); ok {
		return s
	}
	return rawjson.Num(v)
}

// derive makes an id of what it is given: the same for the same, different for anything else.
func derive(what ...string) string {
	h := fnv.New128a()
	for _, s := range what {
		_, _ = h.Write([]byte(s))
		_, _ = h.Write([]byte{0})
	}
	return idOf(h.Sum(nil))
}

func idOf(sum []byte) string { return "call_" + hex.EncodeToString(sum[:12]) }
