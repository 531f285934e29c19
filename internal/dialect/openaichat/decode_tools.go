package openaichat

import (
	"strconv"

	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func (d *requestDecoder) tools(v []byte) {
	if rawjson.Kind(v) != '[' {
		d.fail("tools", "tools must be a list of tools")
		return
	}
	for i, e := range rawjson.Elems(v) {
		path := "tools[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			d.fail(path, "%s must be an object", path)
			return
		}
		kind, function, custom := rawjson.Text(rawjson.Get(e, "type")), rawjson.Get(e, "function"), rawjson.Get(e, "custom")
		switch {
		case rawjson.Kind(function) == '{' && (kind == "function" || kind == ""):
			d.function(function, path, e)
		case rawjson.Kind(custom) == '{' && (kind == "custom" || kind == ""):
			d.custom(custom, path, e)
		default: // a tool of the provider
			d.req.Tools = append(d.req.Tools, llm.Tool{Kind: llm.ToolServer, Name: kind, Raw: e, Path: path})
		}
	}
}

// function decodes a function; outer is the tool that holds it, nil for a legacy one.
func (d *requestDecoder) function(v []byte, path string, outer []byte) {
	t := llm.Tool{Kind: llm.ToolFunction, Path: path}
	at := path + ".function"
	if outer == nil {
		if rawjson.Kind(v) != '{' {
			d.fail(path, "%s must be an object", path)
			return
		}
		at, t.Raw = path, mark
	}
	for name, val := range rawjson.Members(v) {
		if rawjson.IsNull(val) {
			continue
		}
		switch string(name) {
		case "name":
			t.Name = d.str(at+".name", val)
		case "description":
			t.Description = d.str(at+".description", val)
		case "parameters":
			t.Schema = val
			t.Span = spanOf(d.body, val)
		case "strict":
			t.Strict = d.boolean(at+".strict", val)
		default:
			if outer == nil {
				openai.Keep(&t.Extra, string(name), val)
			} else {
				openai.Keep(&t.Extra, "function."+string(name), val)
			}
		}
	}
	if t.Name == "" {
		d.fail(at+".name", "%s.name is missing", at)
	}
	d.toolRest(&t, outer, "function")
	d.req.Tools = append(d.req.Tools, t)
}

func (d *requestDecoder) custom(v []byte, path string, outer []byte) {
	t := llm.Tool{Kind: llm.ToolCustom, Path: path}
	for name, val := range rawjson.Members(v) {
		if rawjson.IsNull(val) {
			continue
		}
		switch string(name) {
		case "name":
			t.Name = d.str(path+".custom.name", val)
		case "description":
			t.Description = d.str(path+".custom.description", val)
		case "format":
			t.Grammar = val
		default:
			openai.Keep(&t.Extra, "custom."+string(name), val)
		}
	}
	if t.Name == "" {
		d.fail(path+".custom.name", "%s.custom.name is missing", path)
	}
	d.toolRest(&t, outer, "custom")
	d.req.Tools = append(d.req.Tools, t)
}

// toolRest reads what stands beside the function.
func (d *requestDecoder) toolRest(t *llm.Tool, outer []byte, inner string) {
	for name, val := range rawjson.Members(outer) {
		switch string(name) {
		case "type", inner:
		case "cache_control":
			if t.Cache = cacheMark(val); t.Cache == nil {
				openai.Keep(&t.Extra, "cache_control", val)
			}
		default:
			openai.Keep(&t.Extra, string(name), val)
		}
	}
}

func (d *requestDecoder) choice(v []byte) {
	c := &d.req.Choice
	if s, ok := rawjson.String(v); ok {
		switch s {
		case "auto", "none":
			c.Mode = s
		case "required", "any":
			c.Mode = "any"
		default:
			c.Raw = v
		}
		return
	}
	if rawjson.Kind(v) != '{' {
		d.fail("tool_choice", "tool_choice must be a string or an object")
		return
	}
	switch kind := rawjson.Text(rawjson.Get(v, "type")); kind {
	case "function", "custom":
		if name := rawjson.Text(rawjson.Get(v, kind, "name")); name != "" {
			c.Mode, c.Name = "one", name
			openai.KeepRest(&c.Extra, "tool_choice", v, "type", kind)
			return
		}
	case "allowed_tools":
		if d.allowed(rawjson.Get(v, kind)) {
			return
		}
	}
	c.Raw = v
}

// allowed reads allowed_tools and reports whether all of it could be read.
func (d *requestDecoder) allowed(v []byte) bool {
	var mode string
	switch rawjson.Text(rawjson.Get(v, "mode")) {
	case "auto":
		mode = "auto"
	case "required":
		mode = "any"
	default:
		return false
	}
	var tools []string
	for _, e := range rawjson.Elems(rawjson.Get(v, "tools")) {
		kind := rawjson.Text(rawjson.Get(e, "type"))
		name := ""
		if kind == "function" || kind == "custom" {
			name = rawjson.Text(rawjson.Get(e, kind, "name"))
		}
		if name == "" {
			return false
		}
		tools = append(tools, name)
	}
	if tools == nil {
		return false
	}
	d.req.Choice.Mode, d.req.Choice.Allowed = mode, tools
	return true
}

// legacyChoice decodes function_call; tool_choice wins over it.
func (d *requestDecoder) legacyChoice(v []byte) {
	c := &d.req.Choice
	if c.Mode != "" || c.Raw != nil {
		openai.Keep(&d.req.Extra, "function_call", v)
		return
	}
	switch s := rawjson.Text(v); s {
	case "auto", "none":
		c.Mode = s
		return
	}
	if name := rawjson.Text(rawjson.Get(v, "name")); name != "" {
		c.Mode, c.Name = "one", name
		return
	}
	d.fail("function_call", "function_call must be \"auto\", \"none\" or an object with a name")
}
