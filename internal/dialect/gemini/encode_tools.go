package gemini

import (
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// freeInput is the schema that stands for the free text of a custom tool.
const freeInput = `{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}`

// tools finds the tools that can be written: custom tools as functions of one string, groups as their members.
func (e *requestEncoder) tools() {
	if e.own {
		e.offered = e.req.Tools
		return
	}
	e.offered = e.sayableTools(nil, e.req.Tools)
}

func (e *requestEncoder) sayableTools(out, in []llm.Tool) []llm.Tool {
	for _, t := range in {
		at := t.Path
		if a := e.req.Choice.Allowed; len(a) > 0 && t.Name != "" && t.Kind != llm.ToolGroup && !slices.Contains(a, t.Name) {
			at = dialect.Word(e.req.From, "tool_choice") // which says already that it may not be called
		}
		switch t.Kind {
		case llm.ToolServer:
			e.lose(at, dialect.WhyNotTool(&t), llm.Dropped)
			continue
		case llm.ToolGroup:
			e.lose(at, "its members are sent as single tools", llm.Changed)
			out = e.sayableTools(out, t.Tools)
			continue
		case llm.ToolCustom:
			e.lose(at, "free text becomes the one argument of a function", llm.Changed)
			if t.Grammar != nil {
				e.lose(at+"."+dialect.Word(e.req.From, "custom.format"), "free text cannot be held to a grammar here", llm.Dropped)
			}
			t.Schema = []byte(freeInput)
		}
		if t.Strict != nil && *t.Strict {
			e.lose(at+"."+dialect.Word(e.req.From, "function.strict"), "a call cannot be held to its schema strictly here", llm.Dropped)
		}
		if t.Defer {
			e.lose(at+".defer_loading", none, llm.Dropped)
		}
		if t.Cache != nil {
			e.lose(at+".cache_control", "single tools cannot be marked here", llm.Dropped)
		}
		e.foreign(t.Extra, at)
		t.Extra, t.Raw = nil, nil
		if t.Kind == llm.ToolFunction && t.Schema != nil {
			t.Schema = e.schema(t.Schema, at+"."+schemaWord(e.req.From))
		}
		out = append(out, t)
	}
	return out
}

// schemaWord is the client's name for a function's schema.
func schemaWord(d llm.Dialect) string {
	switch d {
	case llm.OpenAIChat, llm.CohereChat, llm.OllamaChat:
		return "function.parameters"
	case llm.AnthropicMessages:
		return "input_schema"
	case llm.BedrockConverse:
		return "toolSpec.inputSchema"
	}
	return "parameters"
}

// writeTools writes functions that follow each other as one list, and each of Google's own tools by itself.
func (e *requestEncoder) writeTools() {
	if len(e.offered) == 0 {
		return
	}
	w := &e.w
	w.Name("tools").Open('[')
	for i := range e.offered {
		t := &e.offered[i]
		if t.Kind == llm.ToolServer {
			w.Raw(t.Raw)
			continue
		}
		if i == 0 || e.offered[i-1].Kind == llm.ToolServer {
			w.Open('{').Name("functionDeclarations").Open('[')
		}
		e.writeFunction(t)
		if i+1 == len(e.offered) || e.offered[i+1].Kind == llm.ToolServer {
			w.Close(']').Close('}')
		}
	}
	w.Close(']')
}

func (e *requestEncoder) writeFunction(t *llm.Tool) {
	w := &e.w
	w.Open('{').Name("name").String(t.Name)
	if t.Description != "" {
		w.Name("description").String(t.Description)
	}
	switch {
	case t.Raw != nil:
		w.Name("parameters").Raw(t.Raw)
	case t.Schema != nil:
		w.Name("parametersJsonSchema").Raw(t.Schema)
	}
	dialect.WriteExtra(w, t.Extra)
	w.Close('}')
}

// writeChoice writes which functions to call. Those that may be called without having to are validated, which is the
// mode that takes their names.
func (e *requestEncoder) writeChoice() {
	c := &e.req.Choice
	mode, allowed := e.choice()
	var extra, config llm.Extra
	if e.own {
		extra, config = c.Extra, e.req.Extra
	}
	if mode == "" && extra == nil && !hasNested(config, "toolConfig.") && len(allowed) == 0 {
		return
	}
	w := &e.w
	w.Name("toolConfig").Open('{')
	if mode != "" || extra != nil || len(allowed) > 0 {
		w.Name("functionCallingConfig").Open('{')
		if mode != "" {
			w.Name("mode").String(mode)
		}
		if len(allowed) > 0 {
			w.Name("allowedFunctionNames").Open('[')
			for _, name := range allowed {
				w.String(name)
			}
			w.Close(']')
		}
		dialect.WriteExtra(w, extra)
		w.Close('}')
	}
	writeNested(w, config, "toolConfig.")
	w.Close('}')
}

// choice returns the mode to write, "" for none, and the names that go with it.
func (e *requestEncoder) choice() (mode string, allowed []string) {
	c := &e.req.Choice
	if !e.own {
		if c.Raw != nil {
			e.drop("tool_choice", "only its own provider runs this tool")
		}
		e.foreign(dropPrefix(c.Extra, "tool_choice."), dialect.Word(e.req.From, "tool_choice"))
		offers := len(e.offered) > 0
		if offers && c.Mode != "none" && c.Parallel != nil && !*c.Parallel {
			e.drop("parallel_tool_calls", "calls in parallel cannot be forbidden here")
		}
		if !offers {
			if c.Mode == "any" || c.Mode == "one" {
				e.drop("tool_choice", "no tool is left to call")
			}
			return "", nil
		}
		if c.Mode == "one" && !e.offers(c.Name) {
			e.drop("tool_choice", "the tool it names is not offered here")
			return "", nil
		}
	}
	allowed = c.Allowed
	if !e.own {
		allowed = slices.DeleteFunc(slices.Clone(allowed), func(name string) bool {
			if e.offers(name) {
				return false
			}
			e.change("tool_choice", "tools that are not offered here are not among those that may be called")
			return true
		})
	}
	if e.own && c.Extra["mode"] != nil {
		return "", allowed // a mode of its own
	}
	switch c.Mode {
	case "none":
		if !e.own {
			allowed = nil
		}
		return "NONE", allowed
	case "any":
		return "ANY", allowed
	case "one":
		return "ANY", []string{c.Name}
	case "auto", "":
		switch {
		case len(allowed) > 0 && (c.Mode != "" || !e.own):
			return "VALIDATED", allowed
		case len(allowed) > 0:
			return "", allowed
		case c.Mode == "auto":
			return "AUTO", nil
		}
	}
	return "", nil
}

func (e *requestEncoder) offers(name string) bool {
	return slices.ContainsFunc(e.offered, func(t llm.Tool) bool { return t.Name == name && t.Kind != llm.ToolServer })
}

// dropPrefix returns x with a prefix taken off its names: some dialects keep them dotted.
func dropPrefix(x llm.Extra, prefix string) llm.Extra {
	var out llm.Extra
	for name, raw := range x {
		out = dialect.With(out, strings.TrimPrefix(name, prefix), raw)
	}
	return out
}
