package openairesponses

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func (d *requestDecoder) tools(v []byte) {
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '[' {
		d.o.Fail("tools", "a list of tools")
		return
	}
	for i, e := range rawjson.Elems(v) {
		if t, ok := d.tool(e, element("tools", i)); ok {
			d.req.Tools = append(d.req.Tools, t)
		}
	}
}

func (d *requestDecoder) tool(v []byte, path string) (llm.Tool, bool) {
	var o dialect.Object
	o.Read(v)
	t := llm.Tool{Path: path}
	typ := o.String("type")
	switch typ {
	case "function":
		t.Kind, t.Schema, t.Strict = llm.ToolFunction, o.Take("parameters"), o.Bool("strict")
		t.Span = dialect.SpanOf(d.body, t.Schema)
	case "custom":
		t.Kind, t.Grammar = llm.ToolCustom, nestGrammar(o.Take("format"))
	case "namespace":
		t.Kind = llm.ToolGroup
		for i, e := range rawjson.Elems(o.Take("tools")) {
			if in, ok := d.tool(e, element(under(path, "tools"), i)); ok {
				t.Tools = append(t.Tools, in)
			}
		}
	default: // a tool that the provider runs
		if rawjson.Kind(v) != '{' || typ == "" {
			d.o.Fail(path, "an object with a type")
			return t, false
		}
		return llm.Tool{Kind: llm.ToolServer, Name: typ, Raw: v, Path: path}, true
	}
	t.Description = o.String("description")
	if t.Name = o.String("name"); t.Name == "" {
		o.Fail("name", "the tool's name")
	}
	if later := o.Bool("defer_loading"); later != nil {
		t.Defer = *later
	}
	t.Extra = o.Rest()
	if o.Bad != nil {
		d.o.Fail(under(path, o.Bad.Member), o.Bad.Want)
		return t, false
	}
	return t, true
}

// nestGrammar returns the format of a custom tool as the canonical model has it, which is chat's: what a grammar is
// stands in an object of its own. The order stays.
func nestGrammar(v []byte) []byte {
	if rawjson.Text(rawjson.Get(v, "type")) != "grammar" || rawjson.Get(v, "grammar") != nil {
		return v
	}
	var in rawjson.Writer
	in.Open('{')
	for name, val := range rawjson.Members(v) {
		if string(name) != "type" {
			in.Name(string(name)).Raw(val)
		}
	}
	in.Close('}')
	var w rawjson.Writer
	w.Open('{')
	done := false
	for name, val := range rawjson.Members(v) {
		switch {
		case string(name) == "type":
			w.Name("type").Raw(val)
		case !done:
			done = true
			w.Name("grammar").Raw(in.Buf)
		}
	}
	return w.Close('}').Buf
}

// flatGrammar is the reverse of nestGrammar.
func flatGrammar(v []byte) []byte {
	if rawjson.Text(rawjson.Get(v, "type")) != "grammar" || rawjson.Kind(rawjson.Get(v, "grammar")) != '{' {
		return v
	}
	var w rawjson.Writer
	w.Open('{')
	for name, val := range rawjson.Members(v) {
		if string(name) != "grammar" {
			w.Name(string(name)).Raw(val)
			continue
		}
		for inner, val := range rawjson.Members(val) {
			w.Name(string(inner)).Raw(val)
		}
	}
	return w.Close('}').Buf
}

func (d *requestDecoder) choice(v []byte) {
	c := &d.req.Choice
	if v == nil {
		return
	}
	if s, ok := rawjson.String(v); ok {
		switch s {
		case "auto", "none":
			c.Mode = s
		case "required":
			c.Mode = "any"
		default:
			c.Raw = v
		}
		return
	}
	if rawjson.Kind(v) != '{' {
		d.o.Fail("tool_choice", "a string or an object")
		return
	}
	var o dialect.Object
	o.Read(v)
	switch typ := o.String("type"); typ {
	case "function", "custom":
		if name := o.String("name"); name != "" && typ == "custom" == d.custom(name) && o.Bad == nil {
			c.Mode, c.Name, c.Extra = "one", name, o.Rest()
			return
		}
	case "allowed_tools":
		if d.allowed(&o) {
			return
		}
	}
	c.Raw = v
}

// allowed reads a choice among some of the tools and reports whether all of it could be read.
func (d *requestDecoder) allowed(o *dialect.Object) bool {
	mode := o.String("mode")
	switch mode {
	case "auto":
	case "required":
		mode = "any"
	default:
		return false
	}
	var names []string
	for _, e := range rawjson.Elems(o.Take("tools")) {
		var t dialect.Object
		t.Read(e)
		typ, name := t.String("type"), t.String("name")
		if typ != "function" && typ != "custom" || name == "" || t.Rest() != nil || typ == "custom" != d.custom(name) {
			return false
		}
		names = append(names, name)
	}
	if names == nil || o.Rest() != nil {
		return false
	}
	d.req.Choice.Mode, d.req.Choice.Allowed = mode, names
	return true
}

func (d *requestDecoder) custom(name string) bool { return isCustom(d.req.Tools, name) }

// isCustom reports whether the tool of that name takes free text.
func isCustom(tools []llm.Tool, name string) bool {
	for i := range tools {
		if t := &tools[i]; t.Name == name && t.Kind == llm.ToolCustom || t.Kind == llm.ToolGroup && isCustom(t.Tools, name) {
			return true
		}
	}
	return false
}
