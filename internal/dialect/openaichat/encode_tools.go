package openaichat

import (
	"slices"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
)

func (e *requestEncoder) tools() {
	w := &e.w
	e.list = e.req.Tools
	if !e.own {
		e.list = e.offerable()
	}
	var plain, functions int
	for i := range e.list {
		if legacy(e.list[i].Raw) && e.own {
			functions++
		} else {
			plain++
		}
	}
	if plain > 0 {
		w.Name("tools").Open('[')
		for i := range e.list {
			if t := &e.list[i]; !legacy(t.Raw) || !e.own {
				e.tool(t)
			}
		}
		w.Close(']')
	}
	if functions > 0 {
		w.Name("functions").Open('[')
		for i := range e.list {
			if t := &e.list[i]; legacy(t.Raw) && e.own {
				w.Open('{')
				e.function(t)
				openai.WriteExtra(w, t.Extra)
				w.Close('}')
			}
		}
		w.Close(']')
	}
	e.choice(plain > 0, functions > 0)
}

// offerable returns the tools of another dialect that can be offered here, and names the others lost.
func (e *requestEncoder) offerable() []llm.Tool {
	c := &e.req.Choice
	if c.Mode == "none" && e.has(llm.NoToolChoice) {
		for i := range e.req.Tools {
			e.lose(e.req.Tools[i].Path, "it must not be called, and the target cannot be told so", llm.Dropped)
		}
		return nil
	}
	var only []string
	if len(c.Allowed) > 0 && (e.has(llm.NoAllowedTools) || e.has(llm.NoToolChoice)) {
		only = c.Allowed
		e.lose(e.word("tool_choice"), "what is not allowed is not offered", llm.Changed)
	}
	if e.has(llm.FunctionsOnly) {
		return dialect.Functions(e.req, only, e.lose)
	}
	return e.flat(nil, e.req.Tools, only)
}

// flat adds tools to out, those of groups as single ones.
func (e *requestEncoder) flat(out, in []llm.Tool, only []string) []llm.Tool {
	for i := range in {
		t := &in[i]
		switch {
		case only != nil && t.Kind != llm.ToolGroup && !slices.Contains(only, t.Name):
		case t.Kind == llm.ToolServer:
			e.lose(t.Path, dialect.WhyNotTool(t), llm.Dropped)
		case t.Kind == llm.ToolGroup:
			e.lose(t.Path, "chat has no groups of tools; its members are sent as single tools", llm.Changed)
			out = e.flat(out, t.Tools, only)
		default:
			out = append(out, *t)
		}
	}
	return out
}

func (e *requestEncoder) tool(t *llm.Tool) {
	w := &e.w
	if t.Kind == llm.ToolServer || t.Kind == llm.ToolGroup {
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
	inner := e.kind(t)
	w.Open('{').Name("type").String(inner).Name(inner).Open('{')
	if inner == "custom" {
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
	openai.WriteNested(w, extra, inner)
	w.Close('}')
	if t.Cache != nil {
		if e.own {
			writeCache(w, t.Cache)
		} else {
			e.lose(t.Path+".cache_control", noPlace, llm.Dropped)
		}
	}
	openai.WriteExtra(w, extra, inner)
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
	switch {
	case t.Strict == nil:
	case !e.has(llm.NoStrict):
		w.Name("strict").Bool(*t.Strict)
	case *t.Strict:
		e.lose(t.Path+"."+e.word("function.strict"), "the target does not keep strictly to a schema", llm.Dropped)
	}
}

// kind is the type of a tool here.
func (e *requestEncoder) kind(t *llm.Tool) string {
	if t.Kind == llm.ToolCustom && !e.has(llm.FunctionsOnly) {
		return "custom"
	}
	return "function"
}

// choice writes which tools must be called. OpenAI refuses a choice without tools, and so does everyone who copies it.
func (e *requestEncoder) choice(tools, functions bool) {
	c := &e.req.Choice
	w := &e.w
	if !e.own {
		if c.Raw != nil && c.Mode == "" {
			e.drop("tool_choice", "a choice of a tool that chat does not have")
		}
		e.foreign(c.Extra, e.word("tool_choice"))
		if !tools {
			if c.Mode == "any" || c.Mode == "one" {
				e.drop("tool_choice", "no tool is left to choose")
			}
			return
		}
		if c.Mode == "one" && !e.offers(c.Name) {
			e.drop("tool_choice", "the tool it names is not offered here")
			return
		}
	}
	switch {
	case c.Parallel == nil:
	case !e.has(llm.NoParallelCalls):
		w.Name("parallel_tool_calls").Bool(*c.Parallel)
	case !*c.Parallel && c.Mode != "none":
		e.drop("parallel_tool_calls", "the target cannot be told to make one call at a time")
	}
	if e.has(llm.NoToolChoice) {
		if c.Mode == "any" || c.Mode == "one" {
			e.drop("tool_choice", "the target lets the model choose")
		}
		return
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
	case len(c.Allowed) > 0 && !e.has(llm.NoAllowedTools):
		e.allowed()
	case c.Mode == "auto" || c.Mode == "none":
		w.Name("tool_choice").String(c.Mode)
	case c.Mode == "any":
		w.Name("tool_choice").String("required")
	case c.Mode == "one":
		w.Name("tool_choice").Open('{')
		e.named(c.Name)
		if e.own {
			openai.WriteNested(w, c.Extra, "tool_choice")
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
	for i := range e.list {
		if t := &e.list[i]; t.Name == name {
			kind = e.kind(t)
		}
	}
	e.w.Name("type").String(kind).Name(kind).Open('{').Name("name").String(name).Close('}')
}

func (e *requestEncoder) offers(name string) bool {
	return slices.ContainsFunc(e.list, func(t llm.Tool) bool { return t.Name == name })
}
