package anthropic

import (
	"strings"

	"weir/internal/dialect"

	"weir/internal/llm"
)

// freeInput is the schema that stands for the free text of a custom tool.
const freeInput = `{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}`

// tools returns the tools that can be written: custom tools as functions of one string, groups as their members.
func (e *requestEncoder) tools() []llm.Tool {
	if e.own {
		return e.req.Tools
	}
	var allowed map[string]bool
	if len(e.req.Choice.Allowed) > 0 {
		allowed = map[string]bool{}
		for _, name := range e.req.Choice.Allowed {
			allowed[name] = true
		}
	}
	return e.sayableTools(nil, e.req.Tools, allowed)
}

// sayableTools appends to out; allowed nil allows every tool.
func (e *requestEncoder) sayableTools(out, in []llm.Tool, allowed map[string]bool) []llm.Tool {
	for _, t := range in {
		if allowed != nil && t.Kind != llm.ToolGroup && !allowed[t.Name] {
			continue // the choice reports it
		}
		switch t.Kind {
		case llm.ToolServer:
			e.lose(t.Path, dialect.WhyNotTool(&t), llm.Dropped)
			continue
		case llm.ToolGroup:
			e.lose(t.Path, "its members are sent as single tools", llm.Changed)
			out = e.sayableTools(out, t.Tools, allowed)
			continue
		case llm.ToolCustom:
			e.lose(t.Path, "free text becomes the one argument of a function", llm.Changed)
			if t.Grammar != nil {
				e.lose(t.Path+"."+dialect.Word(e.req.From, "custom.format"), "free text cannot be held to a grammar here", llm.Dropped)
			}
			t.Schema = []byte(freeInput)
		}
		for _, name := range dialect.Names(t.Extra) {
			e.lose(t.Path+"."+name, "no such member here", llm.Dropped)
		}
		t.Extra = nil
		out = append(out, t)
	}
	return out
}

func (e *requestEncoder) writeTool(t *llm.Tool) {
	w := &e.w
	if t.Kind == llm.ToolServer {
		w.Raw(t.Raw)
		return
	}
	w.Open('{').Name("name").String(t.Name)
	if t.Description != "" {
		w.Name("description").String(t.Description)
	}
	switch {
	case t.Schema != nil:
		w.Name("input_schema").Raw(t.Schema)
	case !e.own: // a function without parameters
		w.Name("input_schema").Raw([]byte(`{"type":"object","properties":{}}`))
	}
	if t.Strict != nil && (e.own || *t.Strict) {
		w.Name("strict").Bool(*t.Strict)
	}
	if t.Defer {
		w.Name("defer_loading").Bool(true)
	}
	if t.Cache != nil {
		writeMark(w.Name("cache_control"), t.Cache)
	}
	dialect.WriteExtra(w, t.Extra)
	w.Close('}')
}

// toolChoice is a choice that can be written; mode "" leaves it out.
type toolChoice struct {
	mode, name string
	parallel   *bool
}

// choice finds what to say about which tools to call. any tells whether tools are sent; without one, only demands that
// cannot be met are worth a word.
func (e *requestEncoder) choice(any bool) toolChoice {
	c := &e.req.Choice
	if e.own {
		return toolChoice{c.Mode, c.Name, c.Parallel}
	}
	if c.Raw != nil {
		e.lose("tool_choice", "only its own provider runs this tool", llm.Dropped)
	}
	for _, name := range dialect.Names(c.Extra) {
		e.lose("tool_choice."+strings.TrimPrefix(name, "tool_choice."), "no such member here", llm.Dropped)
	}
	if !any {
		if c.Mode == "any" || c.Mode == "one" {
			e.lose("tool_choice", "no tool is left to call", llm.Dropped)
		}
		return toolChoice{}
	}
	if len(c.Allowed) > 0 {
		e.lose("tool_choice", "the tools that may not be called are not sent", llm.Changed)
	}
	out := toolChoice{mode: c.Mode, name: c.Name}
	if c.Parallel != nil && !*c.Parallel && c.Mode != "none" {
		out.parallel = c.Parallel
		if out.mode == "" {
			out.mode = "auto"
		}
	}
	return out
}

func (e *requestEncoder) writeChoice(c toolChoice) {
	w := &e.w
	if e.own && e.req.Choice.Raw != nil {
		w.Name("tool_choice").Raw(e.req.Choice.Raw)
		return
	}
	if c.mode == "" && c.parallel == nil {
		return
	}
	w.Name("tool_choice").Open('{')
	switch c.mode {
	case "one":
		w.Name("type").String("tool").Name("name").String(c.name)
	case "":
		w.Name("type").String("auto")
	default:
		w.Name("type").String(c.mode)
	}
	if c.parallel != nil {
		w.Name("disable_parallel_tool_use").Bool(!*c.parallel)
	}
	if e.own {
		dialect.WriteExtra(w, e.req.Choice.Extra)
	}
	w.Close('}')
}
