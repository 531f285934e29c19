package openairesponses

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// tools writes the tools and which of them must be called.
func (e *requestEncoder) tools() {
	req := e.req
	offered := 0
	var list rawjson.Writer
	for i := range req.Tools {
		if t := &req.Tools[i]; e.sayable(t) {
			writeTool(&list, t, e.own)
			offered++
		}
	}
	if offered > 0 {
		e.w.Name("tools").Open('[').Raw(list.Buf).Close(']')
	}
	e.choice(offered > 0)
}

// sayable reports whether a tool can be offered here, and names what of it cannot.
func (e *requestEncoder) sayable(t *llm.Tool) bool {
	if e.own {
		return t.Kind != llm.ToolServer || t.Raw != nil
	}
	if t.Kind == llm.ToolServer {
		e.lose(t.Path, dialect.WhyNotTool(t), llm.Dropped)
		return false
	}
	e.foreign(t.Extra, t.Path)
	if t.Cache != nil {
		e.lose(t.Path+".cache_control", noSetting, llm.Dropped)
	}
	if t.Defer {
		e.lose(t.Path+".defer_loading", "the tool is offered at once: nothing searches for it here", llm.Dropped)
	}
	for i := range t.Tools {
		e.sayable(&t.Tools[i])
	}
	return true
}

// writeTool writes a tool. own says that its Extra and Raw belong to this dialect.
func writeTool(w *rawjson.Writer, t *llm.Tool, own bool) {
	if t.Kind == llm.ToolServer {
		w.Raw(t.Raw)
		return
	}
	w.Open('{').Name("type")
	switch t.Kind {
	case llm.ToolCustom:
		w.String("custom")
	case llm.ToolGroup:
		w.String("namespace")
	default:
		w.String("function")
	}
	w.Name("name").String(t.Name)
	if t.Description != "" || t.Kind == llm.ToolGroup && !own {
		w.Name("description").String(t.Description)
	}
	switch t.Kind {
	case llm.ToolCustom:
		if t.Grammar != nil {
			w.Name("format").Raw(flatGrammar(t.Grammar))
		}
	case llm.ToolGroup:
		w.Name("tools").Open('[')
		for i := range t.Tools {
			if in := &t.Tools[i]; in.Kind != llm.ToolServer || own && in.Raw != nil {
				writeTool(w, in, own)
			}
		}
		w.Close(']')
	default:
		writeSchema(w, t, own)
	}
	if own && t.Defer {
		w.Name("defer_loading").Bool(true)
	}
	if own {
		dialect.WriteExtra(w, t.Extra)
	}
	w.Close('}')
}

// writeSchema writes the parameters of a function. Here a function is held to them strictly unless it says otherwise;
// elsewhere it is not.
func writeSchema(w *rawjson.Writer, t *llm.Tool, own bool) {
	switch {
	case t.Schema != nil:
		w.Name("parameters").Raw(t.Schema)
	case !own:
		w.Name("parameters").Raw([]byte(`{"type":"object","properties":{}}`))
	}
	switch {
	case t.Strict != nil:
		w.Name("strict").Bool(*t.Strict)
	case !own:
		w.Name("strict").Bool(false)
	}
}

// choice writes which tools must be called. A choice among none is refused.
func (e *requestEncoder) choice(tools bool) {
	c := &e.req.Choice
	if !e.own {
		if c.Raw != nil && c.Mode == "" {
			e.lose(e.word("tool_choice"), "a choice of a tool that is not offered here", llm.Dropped)
		}
		switch {
		case !tools:
			if c.Mode == "any" || c.Mode == "one" {
				e.lose(e.word("tool_choice"), "no tool is left to choose", llm.Dropped)
			}
			return
		case c.Mode == "one" && !offers(e.req.Tools, c.Name):
			e.lose(e.word("tool_choice"), "the tool it names is not offered here", llm.Dropped)
			e.writeParallel()
			return
		}
	}
	e.writeParallel()
	writeChoice(&e.w, c, e.req.Tools, e.own)
}

func (e *requestEncoder) writeParallel() {
	if p := e.req.Choice.Parallel; p != nil {
		e.w.Name("parallel_tool_calls").Bool(*p)
	}
}

// writeChoice writes tool_choice, nothing where nothing was chosen.
func writeChoice(w *rawjson.Writer, c *llm.ToolChoice, tools []llm.Tool, own bool) {
	switch {
	case c.Raw != nil && own:
		w.Name("tool_choice").Raw(c.Raw)
	case len(c.Allowed) > 0:
		mode := "auto"
		if c.Mode == "any" {
			mode = "required"
		}
		w.Name("tool_choice").Open('{').Name("type").String("allowed_tools").Name("mode").String(mode).Name("tools").Open('[')
		for _, name := range c.Allowed {
			w.Open('{')
			writeNamed(w, name, tools)
			w.Close('}')
		}
		w.Close(']').Close('}')
	case c.Mode == "any":
		w.Name("tool_choice").String("required")
	case c.Mode == "one":
		w.Name("tool_choice").Open('{')
		writeNamed(w, c.Name, tools)
		if own {
			dialect.WriteExtra(w, c.Extra)
		}
		w.Close('}')
	case c.Mode != "":
		w.Name("tool_choice").String(c.Mode)
	}
}

func writeNamed(w *rawjson.Writer, name string, tools []llm.Tool) {
	kind := "function"
	if isCustom(tools, name) {
		kind = "custom"
	}
	w.Name("type").String(kind).Name("name").String(name)
}

// offers reports whether a function or custom tool of that name is among tools.
func offers(tools []llm.Tool, name string) bool {
	for i := range tools {
		t := &tools[i]
		if t.Name == name && (t.Kind == llm.ToolFunction || t.Kind == llm.ToolCustom) || t.Kind == llm.ToolGroup && offers(t.Tools, name) {
			return true
		}
	}
	return false
}
