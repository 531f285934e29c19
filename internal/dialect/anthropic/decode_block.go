package anthropic

import (
	"strconv"
	"strings"

	"weir/internal/dialect"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// blockDecoder reads content blocks. calls gives the names of the tools called so far by the ids of their calls.
type blockDecoder struct {
	calls map[string]string
}

// content reads a text or a list of blocks at a place of the client's document. wrong names its place in full.
func (d *blockDecoder) content(v []byte, at string) ([]llm.Part, *dialect.Wrong) {
	switch rawjson.Kind(v) {
	case ' ', 'n':
		return nil, nil
	case '"':
		if s := rawjson.Text(v); s != "" {
			return []llm.Part{{Kind: llm.PartText, Text: s, Path: at}}, nil
		}
		return nil, nil
	case '[':
	default:
		return nil, &dialect.Wrong{Member: at, Want: "a string or a list of blocks"}
	}
	var parts []llm.Part
	for i, e := range rawjson.Elems(v) {
		place := at + "[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			return nil, &dialect.Wrong{Member: place, Want: "an object"}
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

// block reads one content block of a request or an answer. at is its place, for what is nested in it. wrong names the
// member within the block.
func (d *blockDecoder) block(v []byte, at string) (llm.Part, *dialect.Wrong) {
	var o dialect.Object
	o.Read(v)
	typ := o.String("type")
	if typ == "" {
		o.Fail("type", "the type of the block")
		return llm.Part{}, o.Bad
	}
	var p llm.Part
	switch typ {
	case "text":
		p.Kind, p.Text = llm.PartText, o.String("text")
		cites, ok := decodeCites(o.Take("citations"))
		if p.Cites = cites; !ok {
			o.Leave("citations")
		}
	case "thinking":
		p.Kind, p.Text = llm.PartReasoning, o.String("thinking")
		if s := o.String("signature"); s != "" {
			p.Seal = llm.ParseSeal(s, maker, llm.SealSignature)
		}
	case "redacted_thinking":
		p.Kind = llm.PartReasoning
		p.Seal = llm.ParseSeal(o.String("data"), maker, llm.SealEncrypted)
	case "image", "document":
		if !d.medium(&o, &p, typ) {
			return llm.Part{Kind: llm.PartOpaque, Name: typ, Raw: v}, nil
		}
	case "tool_use", "server_tool_use", "mcp_tool_use":
		d.call(&o, &p, typ)
	case "tool_result":
		if bad := d.result(&o, &p, at); bad != nil {
			return p, bad
		}
	default:
		return d.other(&o, v, typ), nil
	}
	d.mark(&o, &p)
	p.Extra = o.Rest()
	return p, o.Bad
}

// other keeps a block that has no part of its own: the result of a tool that the provider ran, or something unknown.
func (d *blockDecoder) other(o *dialect.Object, v []byte, typ string) llm.Part {
	name, isResult := strings.CutSuffix(typ, "_tool_result")
	id := rawjson.Text(o.Take("tool_use_id"))
	if !isResult || id == "" {
		return llm.Part{Kind: llm.PartOpaque, Name: typ, Raw: v}
	}
	p := llm.Part{Kind: llm.PartResult, ID: id, Name: name, By: llm.ByServer, Raw: v}
	if typ == "mcp_tool_result" {
		p.By = llm.ByMCP
		p.Failed, _ = rawjson.Bool(o.Take("is_error"))
	}
	if called := d.calls[id]; called != "" {
		p.Name = called
	}
	return p
}

func (d *blockDecoder) mark(o *dialect.Object, p *llm.Part) {
	if v := o.Take("cache_control"); v != nil {
		if p.Cache = cacheMark(v); p.Cache == nil {
			o.Leave("cache_control")
		}
	}
}

func (d *blockDecoder) call(o *dialect.Object, p *llm.Part, typ string) {
	p.Kind, p.ID, p.Name = llm.PartCall, o.String("id"), o.String("name")
	switch typ {
	case "server_tool_use":
		p.By = llm.ByServer
	case "mcp_tool_use":
		p.By = llm.ByMCP
	}
	if p.ID == "" {
		o.Fail("id", "the call's id")
	}
	if p.Name == "" {
		o.Fail("name", "the tool's name")
	}
	p.Args = string(o.Take("input"))
	if p.Args == "" {
		p.Args = "{}"
	}
	if d.calls != nil {
		d.calls[p.ID] = p.Name
	}
}

func (d *blockDecoder) result(o *dialect.Object, p *llm.Part, at string) *dialect.Wrong {
	p.Kind, p.ID = llm.PartResult, o.String("tool_use_id")
	if p.ID == "" {
		o.Fail("tool_use_id", "the id of the call it answers")
	}
	p.Name = d.calls[p.ID]
	if failed := o.Bool("is_error"); failed != nil {
		p.Failed = *failed
	}
	parts, bad := d.content(o.Take("content"), at+".content")
	if bad != nil {
		return &dialect.Wrong{Member: strings.TrimPrefix(bad.Member, at+"."), Want: bad.Want}
	}
	p.Result = parts
	return nil
}

// medium reads an image or a document and reports whether it has the shape of a Blob.
func (d *blockDecoder) medium(o *dialect.Object, p *llm.Part, typ string) bool {
	source := o.Take("source")
	var s dialect.Object
	s.Read(source)
	var b llm.Blob
	switch s.String("type") {
	case "base64":
		b.Type, b.Data = s.String("media_type"), s.String("data")
	case "url":
		b.URL = s.String("url")
	case "file":
		b.FileID = s.String("file_id")
	case "text":
		b.Type, b.Text = s.String("media_type"), s.String("data")
	case "content":
		b.Source, b.Text = "content", rawjson.Text(s.Take("content"))
	}
	if s.Bad != nil || s.Rest() != nil || b.Data == "" && b.URL == "" && b.FileID == "" && b.Text == "" {
		return false
	}
	p.Kind, p.Media = llm.PartImage, &b
	if typ == "document" {
		p.Kind = llm.PartFile
		b.Name = o.String("title")
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
	return true
}
