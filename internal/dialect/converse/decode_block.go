package converse

import (
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// The names of blocks, which are also the names under which their rest stands in a part's Extra.
const (
	guardBlock  = "guardContent" // Bedrock's own word
	searchBlock = "searchResult"
	citedBlock  = "citationsContent"
	cacheBlock  = "cachePoint"
	ownerMember = "bucketOwner"
	chunks      = "content" // of a document whose text is in pieces
	serverUse   = "server_tool_use"
)

// blockDecoder reads content blocks. calls gives the names of the tools called so far by the ids of their calls; native
// is the maker of seals that name none.
type blockDecoder struct {
	body   []byte // of a request, for the spans of texts in it
	calls  map[string]string
	native string
}

// content reads a list of blocks at a place of the client's document; a cache point belongs to the block before it.
// wrong names its place in full.
func (d *blockDecoder) content(v []byte, at string) ([]llm.Part, *dialect.Wrong) {
	if v == nil {
		return nil, nil
	}
	if rawjson.Kind(v) != '[' {
		return nil, &dialect.Wrong{Member: at, Want: "a list of blocks"}
	}
	var parts []llm.Part
	for i, e := range rawjson.Elems(v) {
		place := at + "[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			return nil, &dialect.Wrong{Member: place, Want: "an object"}
		}
		if mark := cacheMark(e); mark != nil && len(parts) > 0 && parts[len(parts)-1].Cache == nil {
			parts[len(parts)-1].Cache = mark
			continue
		}
		p, bad := d.block(e, place)
		if bad != nil {
			return nil, &dialect.Wrong{Member: place + "." + bad.Member, Want: bad.Want}
		}
		p.Path = place
		parts = append(parts, p)
	}
	return parts, nil
}

// cacheMark reads a cache point, nil if v is none or says more than a mark can.
func cacheMark(v []byte) *llm.CacheMark {
	name, in := only(v)
	if name != cacheBlock {
		return nil
	}
	var o dialect.Object
	o.Read(in)
	typ, ttl := o.String("type"), o.String("ttl")
	if typ != "default" || o.Bad != nil || o.Rest() != nil {
		return nil
	}
	return &llm.CacheMark{TTL: ttl}
}

// block reads one content block of a request or an answer. at is its place, for what is nested in it. wrong names the
// member within the block. A block that has no part of its own is kept whole.
func (d *blockDecoder) block(v []byte, at string) (llm.Part, *dialect.Wrong) {
	name, in := only(v)
	var o dialect.Object
	if rawjson.Kind(in) == '{' {
		o.Read(in)
	} else if name != "text" && name != "json" {
		return opaque(name, v), nil
	}
	var p llm.Part
	ok := true
	switch name {
	case "text":
		s, text := rawjson.String(in)
		if !text {
			return p, &dialect.Wrong{Member: name, Want: "a string"}
		}
		return llm.Part{Kind: llm.PartText, Text: s, Span: dialect.SpanOf(d.body, in)}, nil
	case "json":
		return llm.Part{Kind: llm.PartJSON, Text: string(in)}, nil
	case "image":
		p.Kind = llm.PartImage
		ok = medium(&o, &p)
	case "audio":
		p.Kind = llm.PartAudio
		ok = medium(&o, &p)
	case "video":
		p.Kind = llm.PartVideo
		ok = medium(&o, &p)
	case "document":
		p.Kind = llm.PartFile
		ok = medium(&o, &p)
	case "toolUse":
		d.call(&o, &p)
	case "toolResult":
		if bad := d.result(&o, &p, v, at+"."+name); bad != nil {
			return p, inside(name, bad, at)
		}
	case "reasoningContent":
		ok = d.reasoning(&o, &p)
	case citedBlock:
		ok = cited(&o, &p)
	case guardBlock:
		ok = guarded(&o, in, &p)
	case searchBlock:
		ok = searched(&o, &p)
	default:
		ok = false
	}
	if !ok {
		return opaque(name, v), nil
	}
	if o.Bad != nil {
		return p, inside(name, o.Bad, at)
	}
	if p.Raw == nil {
		for member, raw := range o.Rest() {
			p.Extra = dialect.With(p.Extra, member, raw)
		}
	}
	return p, nil
}

func opaque(name string, v []byte) llm.Part {
	return llm.Part{Kind: llm.PartOpaque, Name: name, Raw: v}
}

// inside puts the block's name in front of what is wrong in it, unless its place is named in full.
func inside(name string, bad *dialect.Wrong, at string) *dialect.Wrong {
	if rest, ok := strings.CutPrefix(bad.Member, at+"."); ok {
		return &dialect.Wrong{Member: rest, Want: bad.Want}
	}
	return &dialect.Wrong{Member: name + "." + bad.Member, Want: bad.Want}
}

func (d *blockDecoder) call(o *dialect.Object, p *llm.Part) {
	p.Kind, p.ID, p.Name = llm.PartCall, o.String("toolUseId"), o.String("name")
	if p.ID == "" {
		o.Fail("toolUseId", "the call's id")
	}
	if p.Name == "" {
		o.Fail("name", "the tool's name")
	}
	p.Args = string(o.Take("input"))
	if p.Args == "" {
		p.Args = "{}"
	}
	switch o.String("type") {
	case serverUse:
		p.By = llm.ByServer
	case "", "tool_use": // Nova says it of any call
	default:
		o.Leave("type")
	}
	if d.calls != nil {
		d.calls[p.ID] = p.Name
	}
}

// result reads a result. One with a type is of a tool that the provider ran; it is kept whole.
func (d *blockDecoder) result(o *dialect.Object, p *llm.Part, v []byte, at string) *dialect.Wrong {
	p.Kind, p.ID = llm.PartResult, o.String("toolUseId")
	if p.ID == "" {
		o.Fail("toolUseId", "the id of the call it answers")
	}
	p.Name = d.calls[p.ID]
	switch o.String("status") {
	case "error":
		p.Failed = true
	case "", "success":
	default:
		o.Leave("status")
	}
	if typ := o.String("type"); typ != "" && typ != "tool_result" {
		p.By, p.Raw = llm.ByServer, v
		return nil
	}
	parts, bad := d.content(o.Take("content"), at+".content")
	p.Result = parts
	return bad
}

// reasoning reads a thought and reports whether it has the shape of one.
func (d *blockDecoder) reasoning(o *dialect.Object, p *llm.Part) bool {
	p.Kind = llm.PartReasoning
	text, hidden := o.Take("reasoningText"), o.Take("redactedContent")
	switch {
	case text != nil && hidden == nil:
		var t dialect.Object
		t.Read(text)
		p.Text = t.String("text")
		p.Seal = llm.ParseSeal(t.String("signature"), d.native, llm.SealSignature)
		return rawjson.Kind(text) == '{' && t.Bad == nil && t.Rest() == nil
	case hidden != nil && text == nil:
		var ok bool
		p.Seal, ok = readRedacted(rawjson.Text(hidden), d.native)
		return ok
	}
	return false
}

// cited reads a text with its citations.
func cited(o *dialect.Object, p *llm.Part) bool {
	p.Kind = llm.PartText
	content := o.Take("content")
	all, _, ok := texts(content)
	if !ok {
		return false
	}
	p.Text = strings.Join(all, "")
	if p.Cites, ok = decodeCites(o.Take("citations")); !ok {
		return false
	}
	if len(all) != 1 && content != nil {
		o.Leave(chunks)
	}
	if rest := o.RestObject(); rest != nil {
		p.Extra = llm.Extra{citedBlock: rest}
	} else if len(p.Cites) == 0 {
		p.Extra = llm.Extra{citedBlock: []byte("{}")}
	}
	for name := range o.Rest() {
		o.Take(name)
	}
	return true
}

// guarded reads what shall be looked at by Bedrock's guardrail: a text or a picture like any other.
func guarded(outer *dialect.Object, v []byte, p *llm.Part) bool {
	name, in := only(v)
	outer.Take(name)
	var o dialect.Object
	o.Read(in)
	switch name {
	case "text":
		p.Kind, p.Text = llm.PartText, o.String("text")
	case "image":
		p.Kind = llm.PartImage
		if !medium(&o, p) || p.Extra != nil {
			return false
		}
	default:
		return false
	}
	rest := o.RestObject()
	if rest == nil {
		rest = []byte("{}")
	}
	p.Extra = llm.Extra{guardBlock: rest}
	return o.Bad == nil
}

// searched reads a search result, of which the text is what every model can read.
func searched(o *dialect.Object, p *llm.Part) bool {
	p.Kind = llm.PartText
	all, _, ok := texts(o.Take("content"))
	if !ok {
		return false
	}
	p.Text = strings.Join(all, "\n\n")
	if len(all) != 1 {
		o.Leave(chunks)
	}
	rest := o.RestObject()
	if rest == nil {
		rest = []byte("{}")
	}
	p.Extra = llm.Extra{searchBlock: rest}
	for name := range o.Rest() {
		o.Take(name)
	}
	return true
}

// medium reads a picture, sound, film or document and reports whether it has the shape of a Blob.
func medium(o *dialect.Object, p *llm.Part) bool {
	var b llm.Blob
	word := o.String("format")
	if b.Type = typeOf(p.Kind, word); word != "" && formatOf(p.Kind, b.Type) != word {
		o.Leave("format")
	}
	member, in := only(o.Take("source"))
	var s dialect.Object
	switch member {
	case "bytes":
		b.Data = rawjson.Text(in)
	case "s3Location":
		s.Read(in)
		b.URL = s.String("uri")
		if owner := s.Take(ownerMember); owner != nil {
			p.Extra = dialect.With(p.Extra, ownerMember, owner)
		}
	case "text":
		b.Text = rawjson.Text(in)
	case "content":
		all, _, ok := texts(in)
		if !ok {
			return false
		}
		b.Source, b.Text = chunks, strings.Join(all, "\n\n")
		if len(all) > 1 {
			p.Extra = dialect.With(p.Extra, chunks, in)
		}
	}
	if s.Bad != nil || s.Rest() != nil || b.Data == "" && b.URL == "" && b.Text == "" {
		return false
	}
	p.Media = &b
	if p.Kind == llm.PartFile {
		b.Name = o.String("name")
		if v := o.Take("citations"); v != nil {
			var c dialect.Object
			c.Read(v)
			on := c.Bool("enabled")
			b.Cite = on != nil && *on
			if c.Bad != nil || c.Rest() != nil {
				return false
			}
		}
	}
	for _, name := range [...]string{ownerMember, chunks, guardBlock} {
		if o.Take(name) != nil {
			return false // it would be taken for what stands elsewhere
		}
	}
	return true
}
