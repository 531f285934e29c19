package cohere

import (
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeRequest implements dialect.Codec. The error is a *fault.Fault (Unsupported) for what would be a wrong answer if
// left out, such as a sound.
func (codec) EncodeRequest(req *llm.Request, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	e := requestEncoder{req: req, facts: facts, own: req.From == llm.CohereChat, model: facts.Model}
	if e.model == "" {
		e.model = req.Model
	}
	turns := e.turns()
	tools, choice := e.tools()
	if e.fault != nil {
		return dialect.Call{}, nil, e.fault
	}
	w := &e.w
	w.Buf = dialect.Room(req)
	w.Open('{')
	w.Name("model").String(e.model)
	w.Name("messages").Open('[')
	for i := range turns {
		turns[i].write(w, e.own)
	}
	w.Close(']')
	e.writeDocuments()
	e.writeTools(tools, choice)
	e.writeOutput(len(tools) > 0)
	e.writeThinking()
	e.writeSampling()
	if req.MaxOutput > 0 {
		w.Name("max_tokens").Int(req.MaxOutput)
	}
	e.writeStop()
	if req.Stream {
		w.Name("stream").Bool(true)
	}
	if e.own {
		if req.Safety != nil {
			w.Name("safety_mode").Raw(req.Safety)
		}
		dialect.WriteExtra(w, req.Extra)
	} else {
		dialect.LoseSettings(req, e.losses.Add, "temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty",
			"logprobs", "documents")
	}
	w.Close('}')
	return dialect.Call{Op: llm.OpChat, Path: Path, Body: w.Buf}, e.losses.List, nil
}

type requestEncoder struct {
	req       *llm.Request
	facts     llm.Facts
	own       bool // the request is of this dialect: its Extra and Raw go back
	model     string
	w         rawjson.Writer
	losses    dialect.Losses
	documents []llm.Part // of the conversation, that stand beside it here
	fault     *fault.Fault
}

func (e *requestEncoder) lose(path, why string, grade llm.Grade) { e.losses.Add(path, why, grade) }

// word is the client's name for a setting.
func (e *requestEncoder) word(name string) string { return dialect.Word(e.req.From, name) }

// refuse notes what cannot be sent at all.
func (e *requestEncoder) refuse(param, why string) {
	if e.fault == nil {
		e.fault = &fault.Fault{Kind: fault.Unsupported, Param: param, Message: param + ": " + why}
	}
}

// thinks says of a model's name whether it is one that reasons: those that do not refuse to be told how. It is known of
// Cohere's own only; of any other it is taken to do so.
func thinks(model string) bool {
	model = strings.ToLower(model)
	switch {
	case strings.Contains(model, "reasoning"), strings.HasPrefix(model, "command-a-plus"):
		return true
	case strings.HasPrefix(model, "command"), strings.HasPrefix(model, "c4ai"):
		return false
	}
	return true
}

// chooses says whether a model can be told to call a tool: Command R and R+ came before that.
func chooses(model string) bool {
	model = strings.ToLower(model)
	return !strings.HasPrefix(model, "command-r") || strings.HasPrefix(model, "command-r7b")
}

// replaysThoughts reports whether the model takes the thoughts of earlier turns.
func (e *requestEncoder) replaysThoughts() bool {
	return e.facts.ReasoningBack || thinks(e.model) && strings.HasPrefix(strings.ToLower(e.model), "command")
}

func (e *requestEncoder) writeDocuments() {
	all := e.req.Documents
	if len(all)+len(e.documents) == 0 {
		return
	}
	w := &e.w
	w.Name("documents").Open('[')
	for i := range all {
		if p := &all[i]; e.own && p.Raw != nil {
			w.Raw(p.Raw)
		} else {
			writeDocument(w, p)
		}
	}
	for i := range e.documents {
		writeDocument(w, &e.documents[i])
	}
	w.Close(']')
}

func writeDocument(w *rawjson.Writer, p *llm.Part) {
	if p.ID == "" && p.Media.Name == "" {
		w.String(p.Media.Text)
		return
	}
	w.Open('{')
	if p.ID != "" {
		w.Name("id").String(p.ID)
	}
	w.Name("data").Open('{')
	if p.Media.Name != "" {
		w.Name("title").String(p.Media.Name)
	}
	w.Name("text").String(p.Media.Text)
	w.Close('}').Close('}')
}

// tools returns the tools to offer, and the word for which of them must be called.
func (e *requestEncoder) tools() (tools []llm.Tool, choice string) {
	c := &e.req.Choice
	switch c.Mode {
	case "any", "one":
		choice = "REQUIRED"
	case "none":
		choice = "NONE"
	}
	if e.own {
		return e.req.Tools, choice
	}
	var only []string
	switch {
	case len(c.Allowed) > 0:
		only = c.Allowed
	case c.Mode == "one":
		only = []string{c.Name}
	}
	tools = dialect.Functions(e.req, only, e.lose)
	at := e.word("tool_choice")
	if c.Raw != nil {
		e.lose(at, "only its own provider runs this tool", llm.Dropped)
	}
	if c.Parallel != nil && !*c.Parallel && len(tools) > 0 && c.Mode != "none" {
		e.lose(e.word("parallel_tool_calls"), "how many tools are called at once cannot be said here", llm.Dropped)
	}
	if len(tools) == 0 {
		if choice == "REQUIRED" {
			e.lose(at, "no tool is left to call", llm.Dropped)
		}
		return nil, ""
	}
	if only != nil {
		e.lose(at, "the tools that may not be called are not sent", llm.Changed)
		if c.Mode == "one" {
			e.loseOthers(e.req.Tools)
		}
	}
	if choice != "" && !chooses(e.model) {
		e.lose(at, "this model cannot be told whether to call a tool", llm.Dropped)
		choice = ""
	}
	return tools, choice
}

// loseOthers reports the tools that are not sent so that the one named is called.
func (e *requestEncoder) loseOthers(tools []llm.Tool) {
	for i := range tools {
		switch t := &tools[i]; {
		case t.Kind == llm.ToolGroup:
			e.loseOthers(t.Tools)
		case t.Name != e.req.Choice.Name:
			e.lose(t.Path, "not sent, so that the tool that must be called is", llm.Dropped)
		}
	}
}

func (e *requestEncoder) writeTools(tools []llm.Tool, choice string) {
	w := &e.w
	if len(tools) > 0 || e.own && e.req.Tools != nil {
		w.Name("tools").Open('[')
		for i := range tools {
			e.writeTool(&tools[i])
		}
		w.Close(']')
	}
	if strict := e.strict(tools); strict != nil {
		w.Name("strict_tools").Bool(*strict)
	}
	switch {
	case e.own && e.req.Choice.Raw != nil:
		w.Name("tool_choice").Raw(e.req.Choice.Raw)
	case choice != "":
		w.Name("tool_choice").String(choice)
	}
}

// strict finds what to say of all tools: they are kept to strictly together or not at all, and one without a parameter
// that must be given cannot be.
func (e *requestEncoder) strict(tools []llm.Tool) *bool {
	if e.own {
		for i := range tools {
			if tools[i].Strict != nil {
				return tools[i].Strict
			}
		}
		return nil
	}
	all := len(tools) > 0
	for i := range tools {
		all = all && tools[i].Strict != nil && *tools[i].Strict && demands(tools[i].Schema)
	}
	if all {
		return tools[0].Strict
	}
	for i := range tools {
		if t := &tools[i]; t.Strict != nil && *t.Strict {
			e.lose(t.Path+"."+e.word("function.strict"), "tools are strict all together here, and each must have a parameter that is required", llm.Dropped)
		}
	}
	return nil
}

// demands reports whether an object's schema requires a member.
func demands(schema []byte) bool {
	for range rawjson.Elems(rawjson.Get(schema, "required")) {
		return true
	}
	return false
}

func (e *requestEncoder) writeTool(t *llm.Tool) {
	w := &e.w
	if t.Kind == llm.ToolServer {
		w.Raw(t.Raw)
		return
	}
	w.Open('{').Name("type").String("function")
	w.Name("function").Open('{').Name("name").String(t.Name)
	if t.Description != "" {
		w.Name("description").String(t.Description)
	}
	if t.Schema != nil {
		w.Name("parameters").Raw(t.Schema)
	}
	writeInner(w, t.Extra, "function")
	w.Close('}')
	dialect.WriteExtra(w, t.Extra, "function")
	w.Close('}')
}
