package anthropic

import (
	"strconv"
	"strings"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// blockDecoder reads content blocks. calls gives the names of the tools called so far by the ids of their calls.
type blockDecoder struct {
	calls map[string]string
}

// content reads a text or a list of blocks at a place of the client's document. wrong names its place in full.
func (d *blockDecoder) content(v []byte, at string) ([]llm.Part, *wrong) {
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
		return nil, &wrong{at, "a string or a list of blocks"}
	}
	var parts []llm.Part
	for i, e := range rawjson.Elems(v) {
		place := at + "[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			return nil, &wrong{place, "an object"}
		}
		p, bad := d.block(e, place)
		if bad != nil {
			return nil, &wrong{place + "." + bad.member, bad.want}
		}
		p.Path = place
		parts = append(parts, p)
	}
	return parts, nil
}

// block reads one content block of a request or an answer. at is its place, for what is nested in it. wrong names the
// member within the block.
func (d *blockDecoder) block(v []byte, at string) (llm.Part, *wrong) {
	var o object
	o.read(v)
	typ := o.string("type")
	if typ == "" {
		o.wrong("type", "the type of the block")
		return llm.Part{}, o.bad
	}
	var p llm.Part
	switch typ {
	case "text":
		p.Kind, p.Text = llm.PartText, o.string("text")
		cites, ok := decodeCites(o.take("citations"))
		if p.Cites = cites; !ok {
			o.leave("citations")
		}
	case "thinking":
		p.Kind, p.Text = llm.PartReasoning, o.string("thinking")
		if s := o.string("signature"); s != "" {
			p.Seal = llm.Seal{By: maker, Form: llm.SealSignature, Data: s}
		}
	case "redacted_thinking":
		p.Kind = llm.PartReasoning
		p.Seal = llm.Seal{By: maker, Form: llm.SealEncrypted, Data: o.string("data")}
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
	p.Extra = o.rest()
	return p, o.bad
}

// other keeps a block that has no part of its own: the result of a tool that the provider ran, or something unknown.
func (d *blockDecoder) other(o *object, v []byte, typ string) llm.Part {
	name, isResult := strings.CutSuffix(typ, "_tool_result")
	id := rawjson.Text(o.take("tool_use_id"))
	if !isResult || id == "" {
		return llm.Part{Kind: llm.PartOpaque, Name: typ, Raw: v}
	}
	p := llm.Part{Kind: llm.PartResult, ID: id, Name: name, By: llm.ByServer, Raw: v}
	if typ == "mcp_tool_result" {
		p.By = llm.ByMCP
		p.Failed, _ = rawjson.Bool(o.take("is_error"))
	}
	if called := d.calls[id]; called != "" {
		p.Name = called
	}
	return p
}

func (d *blockDecoder) mark(o *object, p *llm.Part) {
	if v := o.take("cache_control"); v != nil {
		if p.Cache = cacheMark(v); p.Cache == nil {
			o.leave("cache_control")
		}
	}
}

func (d *blockDecoder) call(o *object, p *llm.Part, typ string) {
	p.Kind, p.ID, p.Name = llm.PartCall, o.string("id"), o.string("name")
	switch typ {
	case "server_tool_use":
		p.By = llm.ByServer
	case "mcp_tool_use":
		p.By = llm.ByMCP
	}
	if p.ID == "" {
		o.wrong("id", "the call's id")
	}
	if p.Name == "" {
		o.wrong("name", "the tool's name")
	}
	p.Args = string(o.take("input"))
	if p.Args == "" {
		p.Args = "{}"
	}
	if d.calls != nil {
		d.calls[p.ID] = p.Name
	}
}

func (d *blockDecoder) result(o *object, p *llm.Part, at string) *wrong {
	p.Kind, p.ID = llm.PartResult, o.string("tool_use_id")
	if p.ID == "" {
		o.wrong("tool_use_id", "the id of the call it answers")
	}
	p.Name = d.calls[p.ID]
	if failed := o.bool("is_error"); failed != nil {
		p.Failed = *failed
	}
	parts, bad := d.content(o.take("content"), at+".content")
	if bad != nil {
		return &wrong{strings.TrimPrefix(bad.member, at+"."), bad.want}
	}
	p.Result = parts
	return nil
}

// medium reads an image or a document and reports whether it has the shape of a Blob.
func (d *blockDecoder) medium(o *object, p *llm.Part, typ string) bool {
	source := o.take("source")
	var s object
	s.read(source)
	var b llm.Blob
	switch s.string("type") {
	case "base64":
		b.Type, b.Data = s.string("media_type"), s.string("data")
	case "url":
		b.URL = s.string("url")
	case "file":
		b.FileID = s.string("file_id")
	case "text":
		b.Type, b.Text = s.string("media_type"), s.string("data")
	case "content":
		b.Source, b.Text = "content", rawjson.Text(s.take("content"))
	}
	if s.bad != nil || s.rest() != nil || b.Data == "" && b.URL == "" && b.FileID == "" && b.Text == "" {
		return false
	}
	p.Kind, p.Media = llm.PartImage, &b
	if typ == "document" {
		p.Kind = llm.PartFile
		b.Name = o.string("title")
		if v := o.take("citations"); v != nil {
			var c object
			c.read(v)
			on := c.bool("enabled")
			b.Cite = on != nil && *on
			if c.bad != nil || c.rest() != nil {
				return false
			}
		}
	}
	return true
}
