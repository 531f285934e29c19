package ollama

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
	e := requestEncoder{req: req, own: req.From == llm.OllamaChat, model: facts.Model}
	if e.model == "" {
		e.model = req.Model
	}
	turns := e.turns()
	tools := e.tools()
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
	if len(tools) > 0 || e.own && req.Tools != nil {
		w.Name("tools").Open('[')
		for i := range tools {
			e.writeTool(&tools[i])
		}
		w.Close(']')
	}
	e.writeFormat()
	e.writeThink()
	e.writeOptions()
	if req.Sampling.Logprobs || !e.own && req.Sampling.TopLogprobs > 0 {
		w.Name("logprobs").Bool(true)
	}
	if req.Sampling.TopLogprobs != 0 {
		w.Name("top_logprobs").Int(req.Sampling.TopLogprobs)
	}
	w.Name("stream").Bool(req.Stream) // it streams unless told not to
	if e.own {
		for _, name := range dialect.Names(req.Extra) {
			if !strings.HasPrefix(name, inOptions) {
				w.Name(name).Raw(req.Extra[name])
			}
		}
	} else {
		dialect.LoseSettings(req, e.losses.Add, "temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty",
			"logprobs", "top_logprobs")
	}
	w.Close('}')
	return dialect.Call{Op: llm.OpChat, Path: Path, Body: w.Buf}, e.losses.List, nil
}

type requestEncoder struct {
	req    *llm.Request
	own    bool // the request is of this dialect: its Extra and Raw go back
	model  string
	w      rawjson.Writer
	losses dialect.Losses
	names  map[string]string // of the tools called so far, by the ids of the calls
	fault  *fault.Fault
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

// tools returns the tools to offer. There is no word for which of them must be called or may not be, so that only those
// that may are sent.
func (e *requestEncoder) tools() []llm.Tool {
	c := &e.req.Choice
	if e.own {
		return e.req.Tools
	}
	path := e.word("tool_choice")
	if c.Raw != nil {
		e.lose(path, "only its own provider runs this tool", llm.Dropped)
	}
	var only []string
	switch {
	case c.Mode == "none":
		e.loseOthers(e.req.Tools, "not sent, so that none is called")
		return nil
	case len(c.Allowed) > 0:
		only = c.Allowed
	case c.Mode == "one":
		only = []string{c.Name}
	}
	tools := dialect.Functions(e.req, only, e.lose)
	if c.Parallel != nil && !*c.Parallel && len(tools) > 0 {
		e.lose(e.word("parallel_tool_calls"), "how many tools are called at once cannot be said here", llm.Dropped)
	}
	switch {
	case c.Mode == "one":
		e.lose(path, "it cannot be said here that a tool must be called; no other is sent", llm.Changed)
		e.loseOthers(e.req.Tools, "not sent, so that no other is called than the one that must be")
	case c.Mode == "any":
		e.lose(path, "it cannot be said here that a tool must be called", llm.Dropped)
	case len(c.Allowed) > 0 && len(tools) > 0:
		e.lose(path, "the tools that may not be called are not sent", llm.Changed)
	}
	return tools
}

// loseOthers reports the tools that are not sent, all but the one named.
func (e *requestEncoder) loseOthers(tools []llm.Tool, why string) {
	for i := range tools {
		switch t := &tools[i]; {
		case t.Kind == llm.ToolGroup:
			e.loseOthers(t.Tools, why)
			if e.req.Choice.Mode == "none" {
				e.lose(t.Path, why, llm.Dropped)
			}
		case e.req.Choice.Mode == "none" || t.Name != e.req.Choice.Name:
			e.lose(t.Path, why, llm.Dropped)
		}
	}
}

func (e *requestEncoder) writeTool(t *llm.Tool) {
	w := &e.w
	if t.Kind == llm.ToolServer {
		w.Raw(t.Raw)
		return
	}
	if t.Strict != nil && *t.Strict && !e.own {
		e.lose(t.Path+"."+e.word("function.strict"), "the arguments are not held to the schema here", llm.Dropped)
	}
	w.Open('{').Name("type").String("function")
	w.Name("function").Open('{').Name("name").String(t.Name)
	if t.Description != "" {
		w.Name("description").String(t.Description)
	}
	if t.Schema != nil {
		w.Name("parameters").Raw(t.Schema)
	}
	for name, raw := range rawjson.Members(t.Extra["function"]) {
		w.Name(string(name)).Raw(raw)
	}
	w.Close('}')
	dialect.WriteExtra(w, t.Extra, "function")
	w.Close('}')
}

// writeFormat writes the form of the output: json, or a schema, which is always kept to.
func (e *requestEncoder) writeFormat() {
	w, o := &e.w, &e.req.Output
	switch {
	case o.Schema != nil:
		if o.Strict != nil && !*o.Strict {
			e.lose(e.word("response_format.json_schema.strict"), "a schema is always kept to here", llm.Changed)
		}
		w.Name("format").Raw(o.Schema)
	case o.Kind == "json":
		w.Name("format").String("json")
	case o.Kind == "schema":
		e.lose(e.word("response_format"), "without its schema, any JSON is asked for", llm.Changed)
		w.Name("format").String("json")
	}
	if o.Description != "" {
		e.lose(e.word("response_format.json_schema.description"), "there is no such member here", llm.Dropped)
	}
}

func (e *requestEncoder) writeOptions() {
	req, s := e.req, &e.req.Sampling
	w := rawjson.Writer{}
	w.Open('{')
	for _, n := range [...]struct {
		name  string
		value llm.Num
	}{
		{"temperature", s.Temperature},
		{"top_p", s.TopP},
		{"top_k", s.TopK},
		{"seed", s.Seed},
		{"frequency_penalty", s.Frequency},
		{"presence_penalty", s.Presence},
	} {
		if n.value != "" {
			w.Name(n.name).Num(string(n.value))
		}
	}
	if req.MaxOutput > 0 {
		w.Name("num_predict").Int(req.MaxOutput)
	}
	if len(req.Stop) > 0 {
		w.Name("stop").Open('[')
		for _, one := range req.Stop {
			w.String(one)
		}
		w.Close(']')
	}
	if e.own {
		for _, name := range dialect.Names(req.Extra) {
			if inner, ok := strings.CutPrefix(name, inOptions); ok {
				w.Name(inner).Raw(req.Extra[name])
			}
		}
	}
	w.Close('}')
	if len(w.Buf) > len("{}") {
		e.w.Name("options").Raw(w.Buf)
	}
}
