package converse

import (
	"fmt"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeRequest implements dialect.Codec. The system prompt becomes the first message. The request shares memory with
// the call's body.
func (codec) DecodeRequest(c dialect.Call) (*llm.Request, error) {
	model, stream, err := split(c.Path)
	if err != nil {
		return nil, err
	}
	var o dialect.Object
	o.Read(c.Body)
	family := familyOf(model)
	d := requestDecoder{blocks: blockDecoder{body: c.Body, calls: map[string]string{}, native: family.maker()}, family: family.own()}
	req := &llm.Request{From: llm.BedrockConverse, Model: model, Stream: stream}
	if stream {
		req.Framing = llm.EventStream
	}
	if parts := d.content(o.Take("system"), "system"); len(parts) > 0 {
		req.Messages = append(req.Messages, llm.Message{Role: llm.System, Parts: parts, Path: "system"})
	}
	d.messages(req, o.Take("messages"))
	o.Sub(&d.extra, inferenceMembers, func(in *dialect.Object) { d.inference(req, in) })
	o.Sub(&d.extra, "toolConfig", func(in *dialect.Object) { d.toolConfig(req, in) })
	o.Sub(&d.extra, "outputConfig", func(in *dialect.Object) {
		if v := in.Take("textFormat"); v != nil && !readFormat(req, v) {
			in.Leave("textFormat")
		}
	})
	o.Sub(&d.extra, "serviceTier", func(in *dialect.Object) { req.Tier = in.String("type") })
	if v := o.Take(requestFields); v != nil {
		d.fields(req, v)
	}
	req.Metadata = o.Take("requestMetadata")
	if d.err == nil && o.Bad != nil {
		d.fail(o.Bad.Member, o.Bad.Want)
	}
	if d.err != nil {
		return nil, d.err
	}
	req.Extra = o.Rest()
	for name, raw := range d.extra {
		req.Extra = dialect.With(req.Extra, name, raw)
	}
	return req, nil
}

// requestDecoder keeps the first thing that cannot be read.
type requestDecoder struct {
	blocks blockDecoder
	family family
	extra  llm.Extra // what is left of members that were read in part
	err    *fault.Fault
}

func (d *requestDecoder) fail(param, want string) {
	if d.err == nil {
		d.err = malformed(param, fmt.Sprintf("%s must be %s", param, want))
	}
}

// content reads a list of blocks.
func (d *requestDecoder) content(v []byte, at string) []llm.Part {
	parts, bad := d.blocks.content(v, at)
	if bad != nil {
		d.fail(bad.Member, bad.Want)
	}
	return parts
}

func (d *requestDecoder) messages(req *llm.Request, v []byte) {
	if v != nil && rawjson.Kind(v) != '[' {
		d.fail("messages", "a list")
		return
	}
	for i, e := range rawjson.Elems(v) {
		at := "messages[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			d.fail(at, "an object")
			return
		}
		var o dialect.Object
		o.Read(e)
		m := llm.Message{Path: at}
		switch o.String("role") {
		case "user":
			m.Role = llm.User
		case "assistant":
			m.Role = llm.Assistant
		default:
			d.fail(at+".role", "user or assistant")
			return
		}
		m.Parts = d.content(o.Take("content"), at+".content")
		m.Extra = o.Rest()
		req.Messages = append(req.Messages, m)
		if d.err != nil {
			return
		}
	}
}

func (d *requestDecoder) inference(req *llm.Request, in *dialect.Object) {
	req.MaxOutput = in.Int("maxTokens")
	req.Sampling.Temperature, req.Sampling.TopP = in.Num("temperature"), in.Num("topP")
	stop := in.Take("stopSequences")
	if stop != nil && rawjson.Kind(stop) != '[' {
		in.Fail("stopSequences", "a list of strings")
	}
	for i, e := range rawjson.Elems(stop) {
		s, ok := rawjson.String(e)
		if !ok {
			in.Fail("stopSequences["+strconv.Itoa(i)+"]", "a string")
			return
		}
		req.Stop = append(req.Stop, s)
	}
}

func (d *requestDecoder) toolConfig(req *llm.Request, in *dialect.Object) {
	v := in.Take("tools")
	if v != nil && rawjson.Kind(v) != '[' {
		in.Fail("tools", "a list")
	}
	for i, e := range rawjson.Elems(v) {
		at := "tools[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			in.Fail(at, "an object")
			return
		}
		n := len(req.Tools)
		if mark := cacheMark(e); mark != nil && n > 0 && req.Tools[n-1].Cache == nil {
			req.Tools[n-1].Cache = mark
			continue
		}
		t, bad := decodeTool(e)
		if bad != nil {
			in.Fail(at+"."+bad.Member, bad.Want)
			return
		}
		t.Path = "toolConfig." + at
		req.Tools = append(req.Tools, t)
	}
	choice := in.Take("toolChoice")
	if choice == nil {
		return
	}
	if rawjson.Kind(choice) != '{' {
		in.Fail("toolChoice", "an object")
		return
	}
	name, inner := only(choice)
	var c dialect.Object
	c.Read(inner)
	switch name {
	case "auto", "any":
		req.Choice.Mode = name
	case "tool":
		req.Choice.Mode, req.Choice.Name = "one", c.String("name")
		if req.Choice.Name == "" {
			in.Fail("toolChoice.tool.name", "the tool's name")
		}
	default:
		req.Choice.Raw = choice
		return
	}
	req.Choice.Extra = c.Rest()
}

// decodeTool reads a tool. One that the provider runs is described by its name alone, so it is kept whole; so is what is
// no tool.
func decodeTool(v []byte) (llm.Tool, *dialect.Wrong) {
	name, in := only(v)
	var o dialect.Object
	o.Read(in)
	if name != "toolSpec" {
		if name == "systemTool" {
			name = o.String("name")
		}
		return llm.Tool{Kind: llm.ToolServer, Name: name, Raw: v}, nil
	}
	t := llm.Tool{Kind: llm.ToolFunction, Name: o.String("name"), Description: o.String("description"), Strict: o.Bool("strict")}
	if t.Name == "" {
		o.Fail("name", "a name")
	}
	if schema := o.Take("inputSchema"); schema != nil {
		if kind, json := only(schema); kind == "json" {
			t.Schema = json
		} else {
			o.Leave("inputSchema")
		}
	}
	t.Extra = o.Rest()
	if o.Bad != nil {
		return t, &dialect.Wrong{Member: "toolSpec." + o.Bad.Member, Want: o.Bad.Want}
	}
	return t, nil
}

// readFormat reads a JSON schema format, whose schema is a text, and reports whether it was one.
func readFormat(req *llm.Request, v []byte) bool {
	var o, s dialect.Object
	o.Read(v)
	typ := o.String("type")
	member, in := only(o.Take("structure"))
	s.Read(in)
	schema := s.String("schema")
	if typ != "json_schema" || member != "jsonSchema" || schema == "" || rawjson.Check([]byte(schema)) != nil {
		return false
	}
	out := llm.Output{Kind: "schema", Schema: []byte(schema), Name: s.String("name"), Description: s.String("description")}
	if o.Bad != nil || s.Bad != nil || o.Rest() != nil {
		return false
	}
	out.Extra = s.Rest()
	req.Output = out
	return true
}
