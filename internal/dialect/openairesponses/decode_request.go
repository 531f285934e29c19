package openairesponses

import (
	"strconv"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeRequest implements dialect.Codec. The request shares memory with the body.
func (codec) DecodeRequest(c dialect.Call) (*llm.Request, error) {
	if err := rawjson.Check(c.Body); err != nil || rawjson.Kind(c.Body) != '{' {
		f := malformed("", "the body must be a JSON object")
		f.Cause = err
		return nil, f
	}
	d := &requestDecoder{
		body: c.Body, req: &llm.Request{From: llm.OpenAIResponses}, names: map[string]string{}, reader: itemReader{body: c.Body},
	}
	d.o.Read(c.Body)
	d.settings()
	d.tools(d.o.Take("tools"))
	d.choice(d.o.Take("tool_choice"))
	if v := d.o.Take(instructions); v != nil {
		d.instruct(v)
	}
	d.input(d.o.Take("input"))
	for name, v := range d.o.Rest() {
		d.req.Extra = dialect.With(d.req.Extra, name, v)
	}
	if bad := d.o.Bad; bad != nil {
		return nil, malformed(bad.Member, "%s must be %s", bad.Member, bad.Want)
	}
	return d.req, nil
}

type requestDecoder struct {
	body   []byte
	o      dialect.Object // its Bad is the first member that cannot be read
	req    *llm.Request
	reader itemReader
	names  map[string]string // of the tools called so far, by the ids of their calls

	said bool            // the last message has a message item of the model's
	open map[string]bool // ids of calls in the last message that have no result yet
}

func (d *requestDecoder) settings() {
	o, r := &d.o, d.req
	if r.Model = o.String("model"); r.Model == "" {
		o.Fail("model", "the name of a model")
	}
	r.MaxOutput = d.count("max_output_tokens")
	if on := o.Bool("stream"); on != nil {
		r.Stream = *on
	}
	r.Sampling.Temperature, r.Sampling.TopP = o.Num("temperature"), o.Num("top_p")
	r.Sampling.TopLogprobs = d.count("top_logprobs")
	for i, v := range rawjson.Elems(o.Take("include")) {
		switch s, ok := rawjson.String(v); {
		case !ok:
			o.Fail("include["+strconv.Itoa(i)+"]", "a string")
		case s == includeLogprobs:
			r.Sampling.Logprobs = true
		default:
			r.Include = append(r.Include, s)
		}
	}
	r.Choice.Parallel = o.Bool("parallel_tool_calls")
	o.Sub(&r.Extra, "text", func(in *dialect.Object) {
		r.Output.Verbosity = in.String("verbosity")
		d.format(in)
	})
	var rest llm.Extra
	o.Sub(&rest, "reasoning", func(in *dialect.Object) {
		r.Reasoning.Effort, r.Reasoning.Summary = in.String("effort"), in.String("summary")
		r.Reasoning.Extra = in.Rest()
	})
	r.Tier, r.User, r.Metadata = o.String("service_tier"), o.String("user"), o.Take("metadata")
	r.Cache.Key, r.Cache.TTL = o.String("prompt_cache_key"), o.String("prompt_cache_retention")
	d.thread()
}

// includeLogprobs asks for the probabilities of tokens.
const includeLogprobs = "message.output_text.logprobs"

func (d *requestDecoder) count(name string) int64 {
	n := d.o.Int(name)
	if n < 0 {
		d.o.Fail(name, "a whole number that is not negative")
	}
	return n
}

// thread reads where the conversation is kept.
func (d *requestDecoder) thread() {
	o, t := &d.o, &d.req.Thread
	t.Previous, t.Store = o.String("previous_response_id"), o.Bool("store")
	if on := o.Bool("background"); on != nil {
		t.Background = *on
	}
	var w rawjson.Writer
	w.Open('{')
	for _, name := range [...]string{"conversation", "prompt"} {
		if v := o.Take(name); v != nil {
			w.Name(name).Raw(v)
			t.Raw = w.Buf
		}
	}
	if t.Raw != nil {
		t.Raw = w.Close('}').Buf
	}
}

// format reads text.format. A form that is not known stays where it is.
func (d *requestDecoder) format(in *dialect.Object) {
	v := in.Take("format")
	if v == nil {
		return
	}
	var f dialect.Object
	f.Read(v)
	out := &d.req.Output
	switch f.String("type") {
	case "text":
		out.Kind = "text"
	case "json_object":
		out.Kind = "json"
	case "json_schema":
		out.Kind = "schema"
		out.Name, out.Description, out.Strict = f.String("name"), f.String("description"), f.Bool("strict")
		out.Schema = f.Take("schema")
	default:
		in.Leave("format")
		return
	}
	out.Extra = f.Rest()
	if f.Bad != nil {
		in.Fail("format."+f.Bad.Member, f.Bad.Want)
	}
}

// instruct makes a system turn of the instructions.
func (d *requestDecoder) instruct(v []byte) {
	m := llm.Message{Role: llm.System, Name: instructions, Path: instructions}
	parts, bad := contents(d.body, v, instructions)
	if bad != "" || rawjson.Kind(v) != '"' {
		d.o.Fail(instructions, "a string")
		return
	}
	m.Parts = parts
	d.req.Messages = append(d.req.Messages, m)
}

func (d *requestDecoder) input(v []byte) {
	switch rawjson.Kind(v) {
	case ' ':
	case '"':
		m := llm.Message{Role: llm.User, Path: "input"}
		m.Parts, _ = contents(d.body, v, "input")
		d.req.Messages = append(d.req.Messages, m)
	case '[':
		for i, e := range rawjson.Elems(v) {
			if d.o.Bad != nil {
				return
			}
			path := element("input", i)
			if rawjson.Kind(e) != '{' {
				d.o.Fail(path, "an item, which is an object")
				return
			}
			d.item(e, path)
		}
	default:
		d.o.Fail("input", "a string or a list of items")
	}
}

// item reads an item of the input. What the model said becomes one message until someone else says something.
func (d *requestDecoder) item(v []byte, path string) {
	typ := rawjson.Text(rawjson.Get(v, "type"))
	role := rawjson.Text(rawjson.Get(v, "role"))
	if typ == "" {
		typ = "item_reference"
		if role != "" {
			typ = "message"
		}
	}
	switch {
	case typ == "message" && role != string(llm.Assistant):
		d.others(v, role, path)
		return
	case typ == "function_call_output" || typ == "custom_tool_call_output":
		d.result(v, typ, path)
		return
	}
	parts, bad := d.reader.item(v, typ, path)
	if bad != nil {
		d.o.Fail(under(path, bad.Member), bad.Want)
		return
	}
	if d.reader.previous && d.giveBack(parts[0].Seal) {
		return
	}
	if byClient(typ) {
		d.turn(llm.Message{Role: llm.User, Path: path, Parts: parts})
		return
	}
	for i := range parts {
		if parts[i].Kind == llm.PartCall {
			d.names[parts[i].ID] = parts[i].Name
		}
	}
	d.model(typ, parts, path)
}

// giveBack puts a seal on what stands before its carrier and reports whether that could be.
func (d *requestDecoder) giveBack(s llm.Seal) bool {
	n := len(d.req.Messages)
	if n == 0 || d.req.Messages[n-1].Role != llm.Assistant {
		return false
	}
	parts := d.req.Messages[n-1].Parts
	last := &parts[len(parts)-1]
	if last.Seal.Data != "" || last.Kind == llm.PartReasoning {
		return false
	}
	last.Seal = s
	return true
}

// model adds what the model said to its turn. A turn holds one message, unless calls before it are still open: their
// results must follow the turn that made them.
func (d *requestDecoder) model(typ string, parts []llm.Part, path string) {
	n := len(d.req.Messages)
	joins := n > 0 && d.req.Messages[n-1].Role == llm.Assistant &&
		!(d.said && len(d.open) == 0 && (typ == "message" || typ == "reasoning"))
	if !joins {
		d.turn(llm.Message{Role: llm.Assistant, Path: path})
		n++
	}
	m := &d.req.Messages[n-1]
	m.Parts = append(m.Parts, parts...)
	d.said = d.said || typ == "message"
	for i := range parts {
		if p := &parts[i]; p.Kind == llm.PartCall && p.By == llm.ByClient {
			if d.open == nil {
				d.open = map[string]bool{}
			}
			d.open[p.ID] = true
		}
	}
}

func (d *requestDecoder) turn(m llm.Message) {
	d.req.Messages = append(d.req.Messages, m)
	d.said, d.open = false, nil
}

// others reads a message of the user, the system or the developer.
func (d *requestDecoder) others(v []byte, role, path string) {
	var o dialect.Object
	o.Read(v)
	o.Take("type")
	o.Take("role")
	m := llm.Message{Role: llm.Role(role), Path: path}
	switch m.Role {
	case llm.User, llm.System, llm.Developer:
	default:
		d.o.Fail(under(path, "role"), "user, assistant, system or developer")
		return
	}
	parts, bad := contents(d.body, o.Take("content"), under(path, "content"))
	if bad != "" {
		d.o.Fail(under(path, "content"), bad)
		return
	}
	m.Parts = parts
	id := o.String("id")
	for i := range parts {
		parts[i].Item = id
	}
	m.Extra = itemRest(&o)
	if o.Bad != nil {
		d.o.Fail(under(path, o.Bad.Member), o.Bad.Want)
	}
	d.turn(m)
}

// result reads the result of a call that the client ran.
func (d *requestDecoder) result(v []byte, typ, path string) {
	var o dialect.Object
	o.Read(v)
	o.Take("type")
	p := llm.Part{Kind: llm.PartResult, Path: path, Item: o.String("id"), ID: o.String("call_id")}
	if p.ID == "" {
		o.Fail("call_id", "the id of the call it answers")
	}
	p.Name = d.names[p.ID]
	if typ == "custom_tool_call_output" {
		p.Raw = []byte(markCustom)
	}
	parts, bad := contents(d.body, o.Take("output"), under(path, "output"))
	if bad != "" {
		o.Fail("output", bad)
	}
	p.Result = parts
	p.Extra = itemRest(&o)
	if o.Bad != nil {
		d.o.Fail(under(path, o.Bad.Member), o.Bad.Want)
	}
	d.turn(llm.Message{Role: llm.User, Path: path, Parts: []llm.Part{p}})
}
