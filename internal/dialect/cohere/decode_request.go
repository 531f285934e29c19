package cohere

import (
	"fmt"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeRequest implements dialect.Codec. The request shares memory with the call's body.
func (codec) DecodeRequest(c dialect.Call) (*llm.Request, error) {
	var o dialect.Object
	o.Read(c.Body)
	d := requestDecoder{reader: reader{c.Body}, names: map[string]string{}}
	req := &llm.Request{From: llm.CohereChat, Model: o.String("model"), MaxOutput: o.Int("max_tokens")}
	if req.MaxOutput == 0 && o.Bad == nil {
		o.Leave("max_tokens") // zero says something
	}
	if s := o.Bool("stream"); s != nil {
		req.Stream = *s
	}
	d.messages(req, o.Take("messages"))
	d.documents(req, o.Take("documents"))
	d.tools(req, o.Take("tools"))
	if strict := o.Bool("strict_tools"); strict != nil {
		d.strict(req, *strict, &o)
	}
	switch v := o.Take("tool_choice"); rawjson.Text(v) {
	case "REQUIRED":
		req.Choice.Mode = "any"
	case "NONE":
		req.Choice.Mode = "none"
	default:
		req.Choice.Raw = v
	}
	d.output(req, o.Take("response_format"))
	d.thinking(req, o.Take("thinking"))
	req.Sampling = llm.Sampling{
		Temperature: o.Num("temperature"), TopP: o.Num("p"), TopK: o.Num("k"), Seed: o.Num("seed"),
		Frequency: o.Num("frequency_penalty"), Presence: o.Num("presence_penalty"),
	}
	if on := o.Bool("logprobs"); on != nil {
		req.Sampling.Logprobs = *on
	}
	d.stop(req, o.Take("stop_sequences"))
	req.Safety = o.Take("safety_mode")
	if d.err == nil && o.Bad != nil {
		d.fail(o.Bad.Member, o.Bad.Want)
	}
	if d.err != nil {
		return nil, d.err
	}
	req.Extra = o.Rest()
	return req, nil
}

// requestDecoder keeps the first thing that cannot be read. names gives the tools called so far by the ids of the calls.
type requestDecoder struct {
	reader
	names map[string]string
	err   *fault.Fault
}

func (d *requestDecoder) fail(param, want string) {
	if d.err == nil {
		d.err = malformed(param, fmt.Sprintf("%s must be %s", param, want))
	}
}

func (d *requestDecoder) wrong(bad *dialect.Wrong) {
	if bad != nil {
		d.fail(bad.Member, bad.Want)
	}
}

// list returns the elements of a list of objects; what is none is refused.
func (d *requestDecoder) list(v []byte, name string, read func(e []byte, place string)) {
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '[' {
		d.fail(name, "a list")
		return
	}
	for i, e := range rawjson.Elems(v) {
		if d.err != nil {
			return
		}
		read(e, name+"["+strconv.Itoa(i)+"]")
	}
}

func (d *requestDecoder) messages(req *llm.Request, v []byte) {
	if v == nil {
		d.fail("messages", "there: the list of turns")
	}
	d.list(v, "messages", func(e []byte, place string) {
		if rawjson.Kind(e) != '{' {
			d.fail(place, "an object")
			return
		}
		var o dialect.Object
		o.Read(e)
		m := llm.Message{Path: place}
		var bad *dialect.Wrong
		switch role := o.String("role"); role {
		case "system", "user":
			m.Role = llm.Role(role)
			m.Parts, bad = d.content(o.Take("content"), place+".content")
			m.Extra = o.Rest()
		case "assistant":
			m.Role = llm.Assistant
			m.Parts, m.Extra, bad = d.assistant(&o, place, place)
			for i := range m.Parts {
				if p := &m.Parts[i]; p.Kind == llm.PartCall {
					d.names[p.ID] = p.Name
				}
			}
		case "tool":
			m.Role = llm.User
			m.Parts, bad = d.result(&o, place)
			m.Extra = o.Rest()
		default:
			d.fail(place+".role", "system, user, assistant or tool")
		}
		d.wrong(bad)
		if o.Bad != nil {
			d.fail(place+"."+o.Bad.Member, o.Bad.Want)
		}
		req.Messages = append(req.Messages, m)
	})
}

// result reads a message of the role tool.
func (d *requestDecoder) result(o *dialect.Object, place string) ([]llm.Part, *dialect.Wrong) {
	p := llm.Part{Kind: llm.PartResult, ID: o.String("tool_call_id"), Path: place}
	if p.ID == "" {
		o.Fail("tool_call_id", "the id of the call it answers")
	}
	p.Name = d.names[p.ID]
	var bad *dialect.Wrong
	p.Result, bad = d.content(o.Take("content"), place+".content")
	return []llm.Part{p}, bad
}

func (d *requestDecoder) documents(req *llm.Request, v []byte) {
	d.list(v, "documents", func(e []byte, place string) {
		p, ok := decodeDocument(e)
		if !ok {
			d.fail(place, "a text or an object with data")
		}
		p.Path = place
		req.Documents = append(req.Documents, p)
	})
}

// decodeDocument reads a text, or an object with data, of which title and text are looked for.
func decodeDocument(v []byte) (llm.Part, bool) {
	p := llm.Part{Kind: llm.PartFile, Media: &llm.Blob{}, Raw: v}
	if s, ok := rawjson.String(v); ok {
		p.Media.Text = s
		return p, true
	}
	data := rawjson.Get(v, "data")
	if s, ok := rawjson.String(data); ok {
		p.Media.Text = s
	} else if rawjson.Kind(data) == '{' {
		p.Media.Text = string(data)
		for _, name := range [...]string{"text", "content", "snippet"} {
			if s := rawjson.Text(rawjson.Get(data, name)); s != "" {
				p.Media.Text = s
				break
			}
		}
		p.Media.Name = rawjson.Text(rawjson.Get(data, "title"))
	}
	p.ID = text(rawjson.Get(v, "id"))
	return p, rawjson.Kind(data) == '{' || rawjson.Kind(data) == '"'
}

func (d *requestDecoder) tools(req *llm.Request, v []byte) {
	d.list(v, "tools", func(e []byte, place string) {
		if rawjson.Kind(e) != '{' {
			d.fail(place, "an object")
			return
		}
		var o dialect.Object
		o.Read(e)
		t := llm.Tool{Kind: llm.ToolFunction, Path: place}
		if typ := o.String("type"); typ != "" && typ != "function" {
			req.Tools = append(req.Tools, llm.Tool{Kind: llm.ToolServer, Name: typ, Raw: e, Path: place})
			return
		}
		o.Sub(&t.Extra, "function", func(in *dialect.Object) {
			t.Name, t.Description, t.Schema = in.String("name"), in.String("description"), in.Take("parameters")
			t.Span = d.span(t.Schema)
		})
		if o.Bad == nil && t.Name == "" {
			o.Fail("function.name", "the name of the function")
		}
		if o.Bad != nil {
			d.fail(place+"."+o.Bad.Member, o.Bad.Want)
		}
		for name, raw := range o.Rest() {
			t.Extra = dialect.With(t.Extra, name, raw)
		}
		req.Tools = append(req.Tools, t)
	})
}

// strict notes on every function what is said of all of them. Without one it is kept as it is.
func (d *requestDecoder) strict(req *llm.Request, strict bool, o *dialect.Object) {
	any := false
	for i := range req.Tools {
		if t := &req.Tools[i]; t.Kind == llm.ToolFunction {
			on := strict
			t.Strict, any = &on, true
		}
	}
	if !any {
		o.Leave("strict_tools")
	}
}

// output reads response_format. The schema is json_schema; an earlier name is schema.
func (d *requestDecoder) output(req *llm.Request, v []byte) {
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '{' {
		d.fail("response_format", "an object with a type")
		return
	}
	var o dialect.Object
	o.Read(v)
	out := &req.Output
	switch typ := o.String("type"); typ {
	case "text":
		out.Kind = "text"
	case "json_object":
		out.Kind = "json"
		if out.Schema = o.Take("json_schema"); out.Schema == nil {
			out.Schema = o.Take("schema")
		}
		if out.Schema != nil {
			out.Kind = "schema"
		}
	default:
		o.Leave("type")
	}
	out.Extra = o.Rest()
}

func (d *requestDecoder) thinking(req *llm.Request, v []byte) {
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '{' {
		d.fail("thinking", "an object with a type")
		return
	}
	var o dialect.Object
	o.Read(v)
	r := &req.Reasoning
	switch o.String("type") {
	case "enabled":
		r.Mode = "on"
	case "disabled":
		r.Mode = "off"
	default:
		o.Leave("type")
	}
	r.Budget = o.Num("token_budget")
	r.Extra = o.Rest()
	if o.Bad != nil {
		d.fail("thinking."+o.Bad.Member, o.Bad.Want)
	}
}

func (d *requestDecoder) stop(req *llm.Request, v []byte) {
	d.list(v, "stop_sequences", func(e []byte, place string) {
		s, ok := rawjson.String(e)
		if !ok {
			d.fail(place, "a string")
		}
		req.Stop = append(req.Stop, s)
	})
}
