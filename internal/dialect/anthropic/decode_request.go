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
	var o object
	o.read(c.Body)
	d := requestDecoder{blocks: blockDecoder{calls: map[string]string{}}}
	req := &llm.Request{From: llm.AnthropicMessages, Model: o.string("model"), MaxOutput: o.int("max_tokens")}
	if req.MaxOutput == 0 && o.bad == nil {
		o.leave("max_tokens") // zero is a value here: fill the cache, generate nothing
	}
	if s := o.bool("stream"); s != nil {
		req.Stream = *s
	}
	if v := o.take("system"); v != nil {
		parts := d.content(v, "system")
		req.Messages = append(req.Messages, llm.Message{Role: llm.System, Parts: parts, Path: "system"})
	}
	d.messages(req, o.take("messages"))
	d.tools(req, o.take("tools"))
	d.choice(req, o.take("tool_choice"))
	d.reasoning(req, o.take("thinking"))
	d.output(req, &o)
	req.Sampling = llm.Sampling{Temperature: o.num("temperature"), TopP: o.num("top_p"), TopK: o.num("top_k")}
	d.stop(req, o.take("stop_sequences"))
	var extra llm.Extra
	o.sub(&extra, "metadata", func(in *object) { req.User = in.string("user_id") })
	req.Tier = o.string("service_tier")
	if v := o.take("cache_control"); v != nil {
		if req.Cache.Auto = cacheMark(v); req.Cache.Auto == nil {
			o.leave("cache_control")
		}
	}
	if d.err == nil && o.bad != nil {
		d.fail(o.bad.member, o.bad.want)
	}
	if d.err != nil {
		return nil, d.err
	}
	req.Extra = o.rest()
	for name, raw := range extra {
		req.Extra = with(req.Extra, name, raw)
	}
	for name, raw := range d.extra {
		req.Extra = with(req.Extra, name, raw)
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
		var o object
		o.read(e)
		m := llm.Message{Path: at}
		switch role := o.string("role"); role {
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
		m.Parts = d.content(o.take("content"), at+".content")
		m.Extra = o.rest()
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
		d.fail(bad.member, bad.want)
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
			d.fail(at+"."+bad.member, bad.want)
			return
		}
		t.Path = at
		req.Tools = append(req.Tools, t)
	}
}

// decodeTool reads a tool. Those with a type of their own are built in: some the provider runs (web search), some the
// client (bash, memory), and all are described by their type alone, so they are kept whole.
func decodeTool(v []byte) (llm.Tool, *wrong) {
	var o object
	o.read(v)
	typ, name := o.string("type"), o.string("name")
	if typ != "" && typ != "custom" {
		return llm.Tool{Kind: llm.ToolServer, Name: name, Raw: v}, o.bad
	}
	t := llm.Tool{
		Kind: llm.ToolFunction, Name: name, Description: o.string("description"), Schema: o.take("input_schema"),
		Strict: o.bool("strict"),
	}
	if later := o.bool("defer_loading"); later != nil {
		t.Defer = *later
	}
	if name == "" {
		o.wrong("name", "a name")
	}
	if mark := o.take("cache_control"); mark != nil {
		if t.Cache = cacheMark(mark); t.Cache == nil {
			o.leave("cache_control")
		}
	}
	t.Extra = o.rest()
	return t, o.bad
}

// cacheMark reads a cache_control, nil if it says more than its mark can.
func cacheMark(v []byte) *llm.CacheMark {
	var o object
	o.read(v)
	typ, ttl := o.string("type"), o.string("ttl")
	if typ != "ephemeral" || o.bad != nil || o.rest() != nil {
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
	var o object
	o.read(v)
	switch typ := o.string("type"); typ {
	case "auto", "any", "none":
		req.Choice.Mode = typ
	case "tool":
		req.Choice.Mode, req.Choice.Name = "one", o.string("name")
	default:
		req.Choice.Raw = v
		return
	}
	if off := o.bool("disable_parallel_tool_use"); off != nil {
		on := !*off
		req.Choice.Parallel = &on
	}
	req.Choice.Extra = o.rest()
	if o.bad != nil {
		d.fail("tool_choice."+o.bad.member, o.bad.want)
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
	var o object
	o.read(v)
	r := &req.Reasoning
	switch o.string("type") {
	case "enabled":
		r.Mode = "on"
	case "adaptive":
		r.Mode = "adaptive"
	case "disabled":
		r.Mode = "off"
	default:
		o.leave("type")
	}
	r.Budget = o.num("budget_tokens")
	switch o.string("display") {
	case "summarized":
		shown := true
		r.Show = &shown
	case "omitted":
		shown := false
		r.Show = &shown
	default:
		o.leave("display")
	}
	r.Extra = o.rest()
	if o.bad != nil {
		d.fail("thinking."+o.bad.member, o.bad.want)
	}
}

// output reads output_config and its predecessor output_format.
func (d *requestDecoder) output(req *llm.Request, o *object) {
	o.sub(&d.extra, "output_config", func(in *object) {
		req.Reasoning.Effort = in.string("effort")
		if !readFormat(req, in.take("format")) {
			in.leave("format")
		}
	})
	if v := o.take("output_format"); v != nil && (req.Output.Kind != "" || !readFormat(req, v)) {
		o.leave("output_format")
	}
}

// readFormat reads a JSON schema format and reports whether it was one.
func readFormat(req *llm.Request, v []byte) bool {
	if v == nil {
		return true
	}
	var o object
	o.read(v)
	typ, schema := o.string("type"), o.take("schema")
	if typ != "json_schema" || schema == nil || o.bad != nil {
		return false
	}
	req.Output = llm.Output{Kind: "schema", Schema: schema, Extra: o.rest()}
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
