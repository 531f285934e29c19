package ollama

import (
	"fmt"
	"hash"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeRequest implements dialect.Codec. The request shares memory with the call's body.
func (codec) DecodeRequest(c dialect.Call) (*llm.Request, error) {
	var o dialect.Object
	o.Read(c.Body)
	d := requestDecoder{reader: reader{c.Body}}
	req := &llm.Request{From: llm.OllamaChat, Model: o.String("model"), Stream: true, Framing: llm.NDJSON}
	if s := o.Bool("stream"); s != nil {
		req.Stream = *s
	}
	d.messages(req, o.Take("messages"))
	d.tools(req, o.Take("tools"))
	d.options(req, o.Take("options"))
	d.format(req, &o)
	d.think(req, &o)
	if on := o.Bool("logprobs"); on != nil {
		req.Sampling.Logprobs = *on
	}
	req.Sampling.TopLogprobs = o.Int("top_logprobs")
	if d.err == nil && o.Bad != nil {
		d.fail(o.Bad.Member, o.Bad.Want)
	}
	if d.err != nil {
		return nil, d.err
	}
	for name, raw := range o.Rest() {
		if !strings.HasPrefix(name, inOptions) { // it would be taken for a member of options
			req.Extra = dialect.With(req.Extra, name, raw)
		}
	}
	return req, nil
}

// inOptions begins the names in Extra of what stands in options.
const inOptions = "options."

// requestDecoder keeps the first thing that cannot be read.
type requestDecoder struct {
	reader
	said   hash.Hash // of the messages before the one that is read
	before [][]byte  // messages that are not in said yet
	calls  []called  // of the conversation so far
	turn   int       // where in calls those of the last turn begin
	err    *fault.Fault
}

// called is what a result looks up.
type called struct {
	id, name string
	answered bool
}

func (d *requestDecoder) fail(param, want string) {
	if d.err == nil {
		d.err = malformed(param, "%s must be %s", param, want)
	}
}

func (d *requestDecoder) list(v []byte, name string, read func(e []byte, place string)) {
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '[' {
		d.fail(name, "a list")
		return
	}
	for i, e := range rawjson.Elems(v) {
		place := name + "[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			d.fail(place, "an object")
		}
		if d.err != nil {
			return
		}
		read(e, place)
	}
}

func (d *requestDecoder) messages(req *llm.Request, v []byte) {
	d.list(v, "messages", func(e []byte, place string) {
		var o dialect.Object
		o.Read(e)
		m := llm.Message{Path: place}
		var bad *dialect.Wrong
		switch role := strings.ToLower(o.String("role")); role {
		case "system", "user":
			m.Role = llm.Role(role)
			m.Parts, bad = d.plain(&o, place)
		case "assistant":
			m.Role = llm.Assistant
			m.Parts, bad = d.assistant(&o, place, d.id)
			d.remember(m.Parts)
		case "tool":
			m.Role = llm.User
			m.Parts, bad = d.result(&o, place)
		default:
			d.fail(place+".role", "system, user, assistant or tool")
		}
		if bad != nil {
			d.fail(bad.Member, bad.Want)
		}
		if o.Bad != nil {
			d.fail(place+"."+o.Bad.Member, o.Bad.Want)
		}
		m.Extra = o.Rest()
		req.Messages = append(req.Messages, m)
		d.before = append(d.before, e)
	})
}

// id makes an id for a call of the message that is read: of all that was said before, so that it stays the same while
// the conversation grows, and of the call.
func (d *requestDecoder) id(n int, name, args string) string {
	if d.said == nil {
		d.said = fnv.New128a()
	}
	for _, e := range d.before {
		_, _ = d.said.Write(e)
	}
	d.before = d.before[:0]
	return derive(string(d.said.Sum(nil)), strconv.Itoa(n), name, args)
}

func (d *requestDecoder) remember(parts []llm.Part) {
	d.turn = len(d.calls)
	for i := range parts {
		if p := &parts[i]; p.Kind == llm.PartCall {
			d.calls = append(d.calls, called{id: p.ID, name: p.Name})
		}
	}
}

// result reads a message of the role tool.
func (d *requestDecoder) result(o *dialect.Object, place string) ([]llm.Part, *dialect.Wrong) {
	p := llm.Part{Kind: llm.PartResult, ID: word(o.Take("tool_call_id")), Name: o.String("tool_name"), Path: place}
	if p.Name == "" {
		p.Name = o.String("name")
	}
	var bad *dialect.Wrong
	p.Result, bad = d.plain(o, place)
	if c := d.answers(p.ID, p.Name); c != nil {
		c.answered = true
		p.ID = c.id
		if p.Name == "" {
			p.Name = c.name
		}
	}
	if p.ID == "" {
		p.ID = d.id(0, "result of "+p.Name, "")
	}
	return []llm.Part{p}, bad
}

// answers finds the call a result belongs to: by its id or, without one, the first that waits for a result, of that name
// where one is given; one of the last turn before any earlier.
func (d *requestDecoder) answers(id, name string) *called {
	for i := range slices.Backward(d.calls) {
		if id != "" && d.calls[i].id == id {
			return &d.calls[i]
		}
	}
	if id != "" {
		return nil
	}
	for _, calls := range [...][]called{d.calls[d.turn:], d.calls[:d.turn]} {
		for i := range calls {
			if c := &calls[i]; !c.answered && (name == "" || c.name == name) {
				return c
			}
		}
	}
	return nil
}

func (d *requestDecoder) tools(req *llm.Request, v []byte) {
	d.list(v, "tools", func(e []byte, place string) {
		var o dialect.Object
		o.Read(e)
		if typ := o.String("type"); typ != "" && typ != "function" {
			req.Tools = append(req.Tools, llm.Tool{Kind: llm.ToolServer, Name: typ, Raw: e, Path: place})
			return
		}
		t := llm.Tool{Kind: llm.ToolFunction, Path: place}
		o.Sub(&t.Extra, "function", func(in *dialect.Object) {
			t.Name, t.Description, t.Schema = in.String("name"), in.String("description"), in.Take("parameters")
			t.Span = dialect.SpanOf(d.body, t.Schema)
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

func (d *requestDecoder) options(req *llm.Request, v []byte) {
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '{' {
		d.fail("options", "an object")
		return
	}
	var o dialect.Object
	o.Read(v)
	req.Sampling = llm.Sampling{
		Temperature: o.Num("temperature"), TopP: o.Num("top_p"), TopK: o.Num("top_k"), Seed: o.Num("seed"),
		Frequency: o.Num("frequency_penalty"), Presence: o.Num("presence_penalty"),
	}
	if n := o.Int("num_predict"); n > 0 {
		req.MaxOutput = n
	} else if n < -1 { // as much as the context holds; 0 and -1 are the default, no limit
		o.Leave("num_predict")
	}
	switch stop := o.Take("stop"); rawjson.Kind(stop) {
	case '"':
		req.Stop = []string{rawjson.Text(stop)}
	case '[':
		for i, e := range rawjson.Elems(stop) {
			s, ok := rawjson.String(e)
			if !ok {
				o.Fail(fmt.Sprintf("stop[%d]", i), "a string")
			}
			req.Stop = append(req.Stop, s)
		}
	case ' ':
	default:
		o.Fail("stop", "a string or a list of strings")
	}
	if o.Bad != nil {
		d.fail("options."+o.Bad.Member, o.Bad.Want)
	}
	for name, raw := range o.Rest() {
		req.Extra = dialect.With(req.Extra, inOptions+name, raw)
	}
}

// format reads the form of the output: json, or a schema. Some SDKs send an empty text for none.
func (d *requestDecoder) format(req *llm.Request, o *dialect.Object) {
	v := o.Take("format")
	switch s, isText := rawjson.String(v); {
	case v == nil, isText && s == "":
	case s == "json":
		req.Output.Kind = "json"
	case rawjson.Kind(v) == '{':
		req.Output.Kind, req.Output.Schema = "schema", v
	default:
		o.Leave("format")
	}
}

// think reads whether and how much to think.
func (d *requestDecoder) think(req *llm.Request, o *dialect.Object) {
	v := o.Take("think")
	r := &req.Reasoning
	switch rawjson.Kind(v) {
	case 't':
		r.Mode = "on"
	case 'f':
		r.Mode = "off"
	case '"':
		if s := rawjson.Text(v); s != "" {
			r.Mode, r.Effort = "on", s
		}
	case ' ':
	default:
		o.Leave("think")
	}
}
