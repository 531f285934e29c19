package anthropic

import (
	"fmt"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeRequest implements dialect.Codec. The system prompt becomes the first message. The request shares memory with
// the call's body.
func (codec) DecodeRequest(c dialect.Call) (*llm.Request, error) {
	var o dialect.Object
	o.Read(c.Body)
	d := requestDecoder{blocks: blockDecoder{calls: map[string]string{}}}
	req := &llm.Request{From: llm.AnthropicMessages, Model: o.String("model"), MaxOutput: o.Int("max_tokens")}
	if req.MaxOutput == 0 && o.Bad == nil {
		o.Leave("max_tokens") // zero is a value here: fill the cache, generate nothing
	}
	if s := o.Bool("stream"); s != nil {
		req.Stream = *s
	}
	if v := o.Take("system"); v != nil {
		parts := d.content(v, "system")
		req.Messages = append(req.Messages, llm.Message{Role: llm.System, Parts: parts, Path: "system"})
	}
	d.messages(req, o.Take("messages"))
	d.tools(req, o.Take("tools"))
	d.choice(req, o.Take("tool_choice"))
	d.reasoning(req, o.Take("thinking"))
	d.output(req, &o)
	req.Sampling = llm.Sampling{Temperature: o.Num("temperature"), TopP: o.Num("top_p"), TopK: o.Num("top_k")}
	d.stop(req, o.Take("stop_sequences"))
	var extra llm.Extra
	o.Sub(&extra, "metadata", func(in *dialect.Object) { req.User = in.String("user_id") })
	req.Tier = o.String("service_tier")
	if v := o.Take("cache_control"); v != nil {
		if req.Cache.Auto = cacheMark(v); req.Cache.Auto == nil {
			o.Leave("cache_control")
		}
	}
	if d.err == nil && o.Bad != nil {
		d.fail(o.Bad.Member, o.Bad.Want)
	}
	if d.err != nil {
		return nil, d.err
	}
	req.Extra = o.Rest()
	for name, raw := range extra {
		req.Extra = dialect.With(req.Extra, name, raw)
	}
	for name, raw := range d.extra {
		req.Extra = dialect.With(req.Extra, name, raw)
	}
	return req, nil
}

// requestDecoder keeps the first thing that cannot be read.
type requestDecoder struct {
	blocks blockDecoder
	extra  llm.Extra // what is left of members that were read in part
	err    *fault.Fault
}

func (d *requestDecoder) fail(param, want string) {
	if d.err == nil {
		d.err = malformed(param, fmt.Sprintf("%s must be %s", param, want))
	}
}

func (d *requestDecoder) messages(req *llm.Request, v []byte) {
	if v == nil {
		d.fail("messages", "there: the list of turns")
		return
	}
	if rawjson.Kind(v) != '[' {
		d.fail("messages", "a list")
		return
	}
	for i, e := range rawjson.Elems(v) {
		at := "messages[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			d.fail(at, "an object")
			return
		}
		var o dialect.Object
		o.Read(e)
		m := llm.Message{Path: at}
		switch role := o.String("role"); role {
		case "user":
			m.Role = llm.User
		case "assistant":
			m.Role = llm.Assistant
		case "system":
			m.Role = llm.System
		default:
			d.fail(at+".role", "user, assistant or system")
			return
		}
		m.Parts = d.content(o.Take("content"), at+".content")
		m.Extra = o.Rest()
		req.Messages = append(req.Messages, m)
		if d.err != nil {
			return
		}
	}
}

// content reads what is said in a turn: a text, a list of blocks, or nothing.
func (d *requestDecoder) content(v []byte, at string) []llm.Part {
	parts, bad := d.blocks.content(v, at)
	if bad != nil {
		d.fail(bad.Member, bad.Want)
	}
	return parts
}

func (d *requestDecoder) tools(req *llm.Request, v []byte) {
	if v != nil && rawjson.Kind(v) != '[' {
		d.fail("tools", "a list")
		return
	}
	for i, e := range rawjson.Elems(v) {
		at := "tools[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			d.fail(at, "an object")
			return
		}
		t, bad := decodeTool(e)
		if bad != nil {
			d.fail(at+"."+bad.Member, bad.Want)
			return
		}
		t.Path = at
		req.Tools = append(req.Tools, t)
	}
}

// decodeTool reads a tool. Those with a type of their own are built in: some the provider runs (web search), some the
// client (bash, memory), and all are described by their type alone, so they are kept whole.
func decodeTool(v []byte) (llm.Tool, *dialect.Wrong) {
	var o dialect.Object
	o.Read(v)
	typ, name := o.String("type"), o.String("name")
	if typ != "" && typ != "custom" {
		return llm.Tool{Kind: llm.ToolServer, Name: name, Raw: v}, o.Bad
	}
	t := llm.Tool{
		Kind: llm.ToolFunction, Name: name, Description: o.String("description"), Schema: o.Take("input_schema"),
		Strict: o.Bool("strict"),
	}
	if later := o.Bool("defer_loading"); later != nil {
		t.Defer = *later
	}
	if name == "" {
		o.Fail("name", "a name")
	}
	if mark := o.Take("cache_control"); mark != nil {
		if t.Cache = cacheMark(mark); t.Cache == nil {
			o.Leave("cache_control")
		}
	}
	t.Extra = o.Rest()
	return t, o.Bad
}

// cacheMark reads a cache_control, nil if it says more than its mark can.
func cacheMark(v []byte) *llm.CacheMark {
	var o dialect.Object
	o.Read(v)
	typ, ttl := o.String("type"), o.String("ttl")
	if typ != "ephemeral" || o.Bad != nil || o.Rest() != nil {
		return nil
	}
	return &llm.CacheMark{TTL: ttl}
}

func (d *requestDecoder) choice(req *llm.Request, v []byte) {
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '{' {
		d.fail("tool_choice", "an object")
		return
	}
	var o dialect.Object
	o.Read(v)
	switch typ := o.String("type"); typ {
	case "auto", "any", "none":
		req.Choice.Mode = typ
	case "tool":
		req.Choice.Mode, req.Choice.Name = "one", o.String("name")
	default:
		req.Choice.Raw = v
		return
	}
	if off := o.Bool("disable_parallel_tool_use"); off != nil {
		on := !*off
		req.Choice.Parallel = &on
	}
	req.Choice.Extra = o.Rest()
	if o.Bad != nil {
		d.fail("tool_choice."+o.Bad.Member, o.Bad.Want)
	}
}

func (d *requestDecoder) reasoning(req *llm.Request, v []byte) {
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '{' {
		d.fail("thinking", "an object")
		return
	}
	var o dialect.Object
	o.Read(v)
	r := &req.Reasoning
	switch o.String("type") {
	case "enabled":
		r.Mode = "on"
	case "adaptive":
		r.Mode = "adaptive"
	case "disabled":
		r.Mode = "off"
	default:
		o.Leave("type")
	}
	r.Budget = o.Num("budget_tokens")
	switch o.String("display") {
	case "summarized":
		shown := true
		r.Show = &shown
	case "omitted":
		shown := false
		r.Show = &shown
	default:
		o.Leave("display")
	}
	r.Extra = o.Rest()
	if o.Bad != nil {
		d.fail("thinking."+o.Bad.Member, o.Bad.Want)
	}
}

// output reads output_config and its predecessor output_format.
func (d *requestDecoder) output(req *llm.Request, o *dialect.Object) {
	o.Sub(&d.extra, "output_config", func(in *dialect.Object) {
		req.Reasoning.Effort = in.String("effort")
		if !readFormat(req, in.Take("format")) {
			in.Leave("format")
		}
	})
	if v := o.Take("output_format"); v != nil && (req.Output.Kind != "" || !readFormat(req, v)) {
		o.Leave("output_format")
	}
}

// readFormat reads a JSON schema format and reports whether it was one.
func readFormat(req *llm.Request, v []byte) bool {
	if v == nil {
		return true
	}
	var o dialect.Object
	o.Read(v)
	typ, schema := o.String("type"), o.Take("schema")
	if typ != "json_schema" || schema == nil || o.Bad != nil {
		return false
	}
	req.Output = llm.Output{Kind: "schema", Schema: schema, Extra: o.Rest()}
	return true
}

func (d *requestDecoder) stop(req *llm.Request, v []byte) {
	if v != nil && rawjson.Kind(v) != '[' {
		d.fail("stop_sequences", "a list of strings")
		return
	}
	for i, e := range rawjson.Elems(v) {
		s, ok := rawjson.String(e)
		if !ok {
			d.fail("stop_sequences["+strconv.Itoa(i)+"]", "a string")
			return
		}
		req.Stop = append(req.Stop, s)
	}
}
