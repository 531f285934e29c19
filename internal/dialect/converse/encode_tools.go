package converse

import (
	"strconv"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// freeInput is the schema that stands for the free text of a custom tool (dialect.ObjectArgs).
const freeInput = `{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}`

// tools returns the tools that can be written: custom tools as functions of one string, groups as their members. A
// conversation that holds calls is refused without tools; where the client offers none any more, those that were called
// are declared.
func (e *requestEncoder) tools(turns []turn) []llm.Tool {
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
	out := e.sayableTools(nil, e.req.Tools, allowed)
	if len(out) == 0 {
		out = e.calledTools(turns)
	}
	return out
}

// calledTools declares the tools that the conversation's calls went to.
func (e *requestEncoder) calledTools(turns []turn) []llm.Tool {
	var out []llm.Tool
	known := map[string]bool{}
	for i := range turns {
		for _, c := range dialect.Calls(turns[i].parts) {
			if known[c.Name] {
				continue
			}
			known[c.Name] = true
			e.lose("tools["+strconv.Itoa(len(out))+"]", "a tool that was called must be declared", llm.Filled)
			out = append(out, llm.Tool{Kind: llm.ToolFunction, Name: c.Name, Schema: []byte(dialect.NoSchema)})
		}
	}
	return out
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
				e.lose(t.Path+"."+e.word("custom.format"), "free text cannot be held to a grammar here", llm.Dropped)
			}
			t.Schema = []byte(freeInput)
		}
		if fitID(t.Name, "tool_") != t.Name {
			e.refuse(t.Path, "a tool's name holds up to 64 letters, digits, underscores and hyphens here")
		}
		if t.Defer {
			e.lose(t.Path+".defer_loading", "tools are not searched for here", llm.Dropped)
		}
		for _, name := range dialect.Names(t.Extra) {
			e.lose(t.Path+"."+name, "no such member here", llm.Dropped)
		}
		if t.Cache != nil {
			if e.family == familyClaude || e.family == familyUnknown {
				t.Cache = e.timed(t.Cache, t.Path)
			} else {
				e.lose(t.Path+".cache_control", "this model caches no tools", llm.Dropped)
				t.Cache = nil
			}
		}
		t.Extra = nil
		out = append(out, t)
	}
	return out
}

// toolChoice is a choice that can be written; mode "" leaves it out.
type toolChoice struct{ mode, name string }

// choice finds what to say about which tools to call; where none shall be called, it takes the tools away, unless the
// conversation needs them.
func (e *requestEncoder) choice(tools *[]llm.Tool, turns []turn) toolChoice {
	c := &e.req.Choice
	if e.own {
		return toolChoice{c.Mode, c.Name}
	}
	if c.Raw != nil {
		e.lose("tool_choice", "only its own provider runs this tool", llm.Dropped)
	}
	offered := len(e.req.Tools) > 0 && len(*tools) > 0
	if len(*tools) > 0 && len(c.Allowed) > 0 {
		e.lose("tool_choice", "the tools that may not be called are not sent", llm.Changed)
	}
	called := false
	for i := range turns {
		called = called || len(dialect.Calls(turns[i].parts)) > 0
	}
	switch {
	case c.Mode == "none" && offered && called:
		e.lose("tool_choice", "tools that were called must be sent, and cannot be forbidden", llm.Dropped)
	case c.Mode == "none" && called:
		e.lose("tool_choice", "tools that were called must be declared, and cannot be forbidden", llm.Dropped)
	case c.Mode == "none":
		for i := range *tools {
			e.lose((*tools)[i].Path, "no tool shall be called, and none is sent, since they cannot be forbidden", llm.Changed)
		}
		*tools = nil
	case len(*tools) == 0 && (c.Mode == "any" || c.Mode == "one"):
		e.lose("tool_choice", "no tool is left to call", llm.Dropped)
		return toolChoice{}
	case c.Mode == "one" && !offers(*tools, c.Name):
		e.lose("tool_choice", "the tool it names is not offered here", llm.Dropped)
		return toolChoice{}
	}
	if len(*tools) == 0 {
		return toolChoice{}
	}
	if c.Parallel != nil && !*c.Parallel {
		e.lose("parallel_tool_calls", "calls cannot be held to one at a time here", llm.Dropped)
	}
	if c.Mode == "none" {
		return toolChoice{}
	}
	return toolChoice{c.Mode, c.Name}
}

func offers(tools []llm.Tool, name string) bool {
	for i := range tools {
		if tools[i].Name == name {
			return true
		}
	}
	return false
}

// writeTools writes toolConfig.
func (e *requestEncoder) writeTools(tools []llm.Tool, c toolChoice) {
	w := &e.w
	raw := e.own && e.req.Choice.Raw != nil
	rest := e.left("toolConfig")
	if len(tools) == 0 && c.mode == "" && !raw && rest == nil {
		return
	}
	w.Name("toolConfig").Open('{')
	if len(tools) > 0 {
		w.Name("tools").Open('[')
		for i := range tools {
			e.writeTool(&tools[i])
			if m := tools[i].Cache; m != nil {
				writeMark(w, m)
			}
		}
		w.Close(']')
	}
	switch {
	case raw:
		w.Name("toolChoice").Raw(e.req.Choice.Raw)
	case c.mode == "one":
		w.Name("toolChoice").Open('{').Name("tool").Open('{').Name("name").String(c.name)
		e.choiceRest()
		w.Close('}').Close('}')
	case c.mode != "":
		w.Name("toolChoice").Open('{').Name(c.mode).Open('{')
		e.choiceRest()
		w.Close('}').Close('}')
	}
	members(w, rest)
	w.Close('}')
}

func (e *requestEncoder) choiceRest() {
	if e.own {
		dialect.WriteExtra(&e.w, e.req.Choice.Extra)
	}
}

func (e *requestEncoder) writeTool(t *llm.Tool) {
	w := &e.w
	if t.Kind == llm.ToolServer {
		w.Raw(t.Raw)
		return
	}
	w.Open('{').Name("toolSpec").Open('{').Name("name").String(t.Name)
	if t.Description != "" {
		w.Name("description").String(t.Description)
	}
	switch {
	case t.Schema != nil:
		w.Name("inputSchema").Open('{').Name("json").Raw(t.Schema).Close('}')
	case !e.own: // a function without parameters
		w.Name("inputSchema").Open('{').Name("json").Raw([]byte(dialect.NoSchema)).Close('}')
	}
	if t.Strict != nil && (e.own || *t.Strict) {
		w.Name("strict").Bool(*t.Strict)
	}
	if e.own {
		dialect.WriteExtra(w, t.Extra)
	}
	w.Close('}').Close('}')
}
