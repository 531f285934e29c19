package openaichat

import "weir/internal/llm"

func (e *requestEncoder) tools() {
	w := &e.w
	var plain, functions int
	for i := range e.req.Tools {
		switch t := &e.req.Tools[i]; {
		case !e.sayable(t):
		case legacy(t.Raw) && e.own:
			functions++
		default:
			plain++
		}
	}
	if plain > 0 {
		w.Name("tools").Open('[')
		for i := range e.req.Tools {
			if t := &e.req.Tools[i]; (t.Kind != llm.ToolServer && t.Kind != llm.ToolGroup || e.own && t.Raw != nil) && !(legacy(t.Raw) && e.own) {
				e.tool(t)
			}
		}
		w.Close(']')
	}
	if functions > 0 {
		w.Name("functions").Open('[')
		for i := range e.req.Tools {
			if t := &e.req.Tools[i]; legacy(t.Raw) && e.own {
				w.Open('{')
				e.function(t)
				writeExtra(w, t.Extra)
				w.Close('}')
			}
		}
		w.Close(']')
	}
	e.choice(plain > 0, functions > 0)
}

// sayable reports whether a tool can be offered here, and names it lost if not.
func (e *requestEncoder) sayable(t *llm.Tool) bool {
	switch t.Kind {
	case llm.ToolFunction, llm.ToolCustom:
		return true
	case llm.ToolServer:
		if e.own && t.Raw != nil {
			return true
		}
		e.lose(t.Path, "chat has no tools that the provider runs", llm.Dropped)
	default:
		e.lose(t.Path, "chat has no groups of tools", llm.Dropped)
	}
	return false
}

func (e *requestEncoder) tool(t *llm.Tool) {
	w := &e.w
	if t.Kind == llm.ToolServer {
		w.Raw(t.Raw)
		return
	}
	extra := t.Extra
	if !e.own {
		e.foreign(extra, t.Path)
		extra = nil
		if t.Defer {
			e.lose(t.Path+".defer_loading", noPlace, llm.Dropped)
		}
	}
	inner := "function"
	if t.Kind == llm.ToolCustom {
		inner = "custom"
	}
	w.Open('{').Name("type").String(inner).Name(inner).Open('{')
	if t.Kind == llm.ToolCustom {
		w.Name("name").String(t.Name)
		if t.Description != "" {
			w.Name("description").String(t.Description)
		}
		if t.Grammar != nil {
			w.Name("format").Raw(t.Grammar)
		}
	} else {
		e.function(t)
	}
	writeNested(w, extra, inner)
	w.Close('}')
	if t.Cache != nil {
		if e.own {
			writeCache(w, t.Cache)
		} else {
			e.lose(t.Path+".cache_control", noPlace, llm.Dropped)
		}
	}
	writeExtra(w, extra, inner)
	w.Close('}')
}

func (e *requestEncoder) function(t *llm.Tool) {
	w := &e.w
	w.Name("name").String(t.Name)
	if t.Description != "" {
		w.Name("description").String(t.Description)
	}
	if t.Schema != nil {
		w.Name("parameters").Raw(t.Schema)
	}
	if t.Strict != nil {
		w.Name("strict").Bool(*t.Strict)
	}
}

// choice writes which tools must be called. OpenAI refuses a choice without tools, and so does everyone who copies it.
func (e *requestEncoder) choice(tools, functions bool) {
	c := &e.req.Choice
	w := &e.w
	if !e.own {
		if c.Raw != nil && c.Mode == "" {
			e.drop("tool_choice", "a choice of a tool that chat does not have")
		}
		e.foreign(c.Extra, "tool_choice")
		if !tools {
			if c.Mode == "any" || c.Mode == "one" {
				e.drop("tool_choice", "no tool is left to choose")
			}
			return
		}
		if c.Mode == "one" && !e.offered(c.Name) {
			e.drop("tool_choice", "the tool it names is not offered here")
			return
		}
	}
	if c.Parallel != nil {
		w.Name("parallel_tool_calls").Bool(*c.Parallel)
	}
	if functions && !tools && c.Raw == nil && len(c.Allowed) == 0 {
		switch c.Mode {
		case "auto", "none":
			w.Name("function_call").String(c.Mode)
			return
		case "one":
			w.Name("function_call").Open('{').Name("name").String(c.Name).Close('}')
			return
		}
	}
	switch {
	case c.Raw != nil && e.own:
		w.Name("tool_choice").Raw(c.Raw)
	case len(c.Allowed) > 0:
		e.allowed()
	case c.Mode == "auto" || c.Mode == "none":
		w.Name("tool_choice").String(c.Mode)
	case c.Mode == "any":
		w.Name("tool_choice").String("required")
	case c.Mode == "one":
		w.Name("tool_choice").Open('{')
		e.named(c.Name)
		if e.own {
			writeNested(w, c.Extra, "tool_choice")
		}
		w.Close('}')
	}
}

func (e *requestEncoder) allowed() {
	c := &e.req.Choice
	w := &e.w
	mode := "auto"
	if c.Mode == "any" {
		mode = "required"
	}
	w.Name("tool_choice").Open('{').Name("type").String("allowed_tools").Name("allowed_tools").Open('{')
	w.Name("mode").String(mode).Name("tools").Open('[')
	for _, name := range c.Allowed {
		w.Open('{')
		e.named(name)
		w.Close('}')
	}
	w.Close(']').Close('}').Close('}')
}

// named writes the members that name a tool.
func (e *requestEncoder) named(name string) {
	kind := "function"
	for i := range e.req.Tools {
		if t := &e.req.Tools[i]; t.Name == name && t.Kind == llm.ToolCustom {
			kind = "custom"
		}
	}
	e.w.Name("type").String(kind).Name(kind).Open('{').Name("name").String(name).Close('}')
}

func (e *requestEncoder) offered(name string) bool {
	for i := range e.req.Tools {
		if t := &e.req.Tools[i]; t.Name == name && (t.Kind == llm.ToolFunction || t.Kind == llm.ToolCustom) {
			return true
		}
	}
	return false
}
