package gemini

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeRequest implements dialect.Codec. The system instruction becomes the first message. The request shares memory
// with the call's body.
func (codec) DecodeRequest(c dialect.Call) (*llm.Request, error) {
	req := &llm.Request{From: llm.GeminiGenerate}
	if at, ok := cutPath(c.Path); ok {
		req.Model, _ = url.PathUnescape(at.model) // Peek has looked at it
		if req.Stream = at.action == streamed; req.Stream {
			req.Framing = framingOf(c.Query)
		}
	}
	var o object
	o.Read(c.Body)
	d := requestDecoder{req: req}
	o.Take("model") // the path names it
	d.system(o.take("systemInstruction"))
	d.contents(o.take("contents"))
	req.Messages = gatherSealed(req.Messages)
	identify(req.Messages)
	d.tools(o.take("tools"))
	d.toolConfig(&o)
	d.config(&o)
	req.Safety = o.take("safetySettings")
	req.Cache.Ref = o.string("cachedContent")
	if word := o.string("serviceTier"); word != "" {
		if req.Tier = tier(word); req.Tier == "unspecified" {
			req.Tier = ""
		}
	}
	if d.err == nil && o.Bad != nil {
		d.fail(o.Bad.Member, o.Bad.Want)
	}
	if d.err != nil {
		return nil, d.err
	}
	for name, raw := range o.Rest() {
		d.extra = dialect.With(d.extra, name, raw)
	}
	req.Extra = d.extra
	return req, nil
}

// requestDecoder keeps the first thing that cannot be read.
type requestDecoder struct {
	req   *llm.Request
	extra llm.Extra
	err   *fault.Fault
}

func (d *requestDecoder) fail(param, want string) {
	if d.err == nil {
		d.err = malformed(param, fmt.Sprintf("%s must be %s", param, want))
	}
}

func (d *requestDecoder) system(v []byte) {
	if v == nil {
		return
	}
	m, ok := d.content(v, "systemInstruction")
	if !ok {
		return
	}
	m.Role = llm.System
	forgetRole(&m) // whatever it says, the instruction is the system's
	d.req.Messages = append(d.req.Messages, m)
}

func (d *requestDecoder) contents(v []byte) {
	if v == nil {
		d.fail("contents", "there: the list of turns")
		return
	}
	if !list(v) {
		d.fail("contents", "a list")
		return
	}
	for i, e := range elems(v) {
		at := "contents[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			d.fail(at, "an object")
			return
		}
		m, ok := d.content(e, at)
		if !ok {
			return
		}
		switch role := rawjson.Text(m.Extra["role"]); role {
		case "", "user", "function":
			m.Role = llm.User
		case "model":
			m.Role = llm.Assistant
		default:
			d.fail(at+".role", "user or model")
			return
		}
		forgetRole(&m)
		d.req.Messages = append(d.req.Messages, m)
	}
}

// gatherSealed puts together what another maker sealed and a stream told in pieces: SDKs keep each piece as a turn of its
// own, and the seal, which comes last, on an empty text. It vouches for all of it. Google itself takes the pieces as they
// are, so that its own stay apart.
func gatherSealed(messages []llm.Message) []llm.Message {
	var run []*llm.Part // unsealed parts of one kind that follow each other
	for i := range messages {
		m := &messages[i]
		if m.Role != llm.Assistant {
			run = nil
			continue
		}
		for j := range m.Parts {
			p := &m.Parts[j]
			said := p.Kind == llm.PartText || p.Kind == llm.PartReasoning
			switch {
			case said && p.Text == "" && p.Seal.Data == "" && p.Extra == nil:
			case !said || p.Extra != nil || len(run) > 0 && run[0].Kind != p.Kind:
				run = nil
			}
			switch {
			case !said || p.Extra != nil:
			case p.Seal.Data == "":
				if p.Text != "" {
					run = append(run, p)
				}
			case p.Seal.By != maker && p.Text == "":
				for _, piece := range run {
					p.Text += piece.Text
					piece.Kind = 0
				}
				run = nil
			default:
				run = nil
			}
		}
	}
	out := messages[:0:0]
	for _, m := range messages {
		had := len(m.Parts)
		m.Parts = slices.DeleteFunc(m.Parts, func(p llm.Part) bool { return p.Kind == 0 })
		if len(m.Parts) > 0 || had == 0 {
			out = append(out, m)
		}
	}
	return out
}

func forgetRole(m *llm.Message) {
	delete(m.Extra, "role")
	if len(m.Extra) == 0 {
		m.Extra = nil
	}
}

// content reads a turn; its role stays in Extra. A text alone is taken for a turn of one.
func (d *requestDecoder) content(v []byte, at string) (m llm.Message, ok bool) {
	m.Path = at
	if s, is := rawjson.String(v); is {
		m.Parts = []llm.Part{{Kind: llm.PartText, Text: s, Path: at}}
		return m, true
	}
	if rawjson.Kind(v) != '{' {
		d.fail(at, "an object")
		return m, false
	}
	var o object
	o.Read(v)
	parts := o.take("parts")
	if parts != nil && !list(parts) {
		d.fail(at+".parts", "a list")
		return m, false
	}
	for i, e := range elems(parts) {
		place := at + ".parts[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			d.fail(place, "an object")
			return m, false
		}
		p, bad := decodePart(e, place)
		if bad == nil && p.Kind == llm.PartCall && p.By == llm.ByClient && p.Name == "" {
			bad = &dialect.Wrong{Member: "functionCall.name", Want: "the function's name"}
		}
		if bad != nil {
			d.fail(place+"."+bad.Member, bad.Want)
			return m, false
		}
		m.Parts = append(m.Parts, p)
	}
	m.Extra = o.Rest()
	return m, true
}

func (d *requestDecoder) tools(v []byte) {
	if v != nil && !list(v) {
		d.fail("tools", "a list")
		return
	}
	for i, e := range elems(v) {
		at := "tools[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			d.fail(at, "an object")
			return
		}
		for member, raw := range rawjson.Members(e) {
			name := string(member)
			switch {
			case rawjson.IsNull(raw):
			case name == "functionDeclarations" || name == snakes["functionDeclarations"]:
				d.functions(raw, at+".functionDeclarations")
			default:
				d.serverTool(name, raw, at)
			}
		}
	}
}

// serverTool keeps a tool that Google runs.
func (d *requestDecoder) serverTool(name string, raw []byte, at string) {
	var w rawjson.Writer
	w.Open('{').Name(name).Raw(raw).Close('}')
	t := llm.Tool{Kind: llm.ToolServer, Name: camel(name), Raw: w.Buf, Path: at + "." + name}
	d.req.Tools = append(d.req.Tools, t)
}

// camel returns a name in lower camel case.
func camel(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

func (d *requestDecoder) functions(v []byte, at string) {
	if !list(v) {
		d.fail(at, "a list")
		return
	}
	for i, e := range elems(v) {
		place := at + "[" + strconv.Itoa(i) + "]"
		if rawjson.Kind(e) != '{' {
			d.fail(place, "an object")
			return
		}
		var o object
		o.Read(e)
		t := llm.Tool{Kind: llm.ToolFunction, Path: place, Name: o.string("name"), Description: o.string("description")}
		if t.Schema = lowerTypes(o.take("parametersJsonSchema")); t.Schema == nil {
			if t.Raw = o.take("parameters"); t.Raw != nil {
				t.Schema = jsonSchema(t.Raw)
			}
		}
		if t.Name == "" {
			o.Fail("name", "a name")
		}
		if o.Bad != nil {
			d.fail(place+"."+o.Bad.Member, o.Bad.Want)
			return
		}
		t.Extra = o.Rest()
		d.req.Tools = append(d.req.Tools, t)
	}
}

// callingModes are the words for which functions to call, by their numbers.
var callingModes = []string{"MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"}

func (d *requestDecoder) toolConfig(o *object) {
	c := &d.req.Choice
	o.within(&d.extra, "toolConfig", "toolConfig.", func(in *object) {
		in.within(&c.Extra, "functionCallingConfig", "", func(f *object) {
			allowed := f.take("allowedFunctionNames")
			if allowed != nil && rawjson.Kind(allowed) != '[' && rawjson.Kind(allowed) != '"' {
				f.Fail("allowedFunctionNames", "a list of names")
			}
			for _, e := range elems(allowed) {
				c.Allowed = append(c.Allowed, rawjson.Text(e))
			}
			mode := f.take("mode")
			switch strings.ToUpper(enum(mode, callingModes)) {
			case "AUTO":
				c.Mode = "auto"
			case "NONE":
				c.Mode = "none"
			case "ANY":
				if c.Mode = "any"; len(c.Allowed) == 1 {
					c.Mode, c.Name, c.Allowed = "one", c.Allowed[0], nil
				}
			case "VALIDATED":
				if c.Mode = "auto"; len(c.Allowed) == 0 {
					f.leave("mode")
				}
			default:
				f.leave("mode")
			}
		})
	})
}
