package openairesponses

import (
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func element(list string, n int) string {
	if list == "" {
		return ""
	}
	return list + "[" + strconv.Itoa(n) + "]"
}

func under(path, member string) string {
	if path == "" {
		return ""
	}
	return path + "." + member
}

// itemReader reads items of an output, or of a conversation's history.
type itemReader struct {
	body     []byte // for spans; nil = none
	answer   bool   // of an output: an image that was drawn is one
	previous bool   // the item read last carries the seal of what stands before it
}

// item reads an item other than a message of someone else and the result of a client's call. Its parts are one for a
// call, and one for each text of a message or a reasoning, at least one. bad names the member that cannot be read.
func (r *itemReader) item(v []byte, typ, path string) (parts []llm.Part, bad *dialect.Wrong) {
	r.previous = false
	switch typ {
	case "message":
		return r.message(v, path)
	case "reasoning":
		return r.reasoning(v, path), nil
	case "function_call", "custom_tool_call":
		p, bad := r.call(v, typ, path)
		return []llm.Part{p}, bad
	}
	return []llm.Part{r.other(v, typ, path)}, nil
}

// message reads a message of the model.
func (r *itemReader) message(v []byte, path string) ([]llm.Part, *dialect.Wrong) {
	var o dialect.Object
	o.Read(v)
	id, phase := o.String("id"), o.String("phase")
	parts, bad := contents(r.body, o.Take("content"), under(path, "content"))
	if bad != "" {
		o.Fail("content", bad)
	}
	if len(parts) == 0 {
		parts = []llm.Part{{Kind: llm.PartText, Path: under(path, "content")}}
	}
	for i := range parts {
		parts[i].Item, parts[i].Phase = id, phase
	}
	o.Take("type")
	o.Take("role")
	keepItem(&parts[len(parts)-1], &o)
	return parts, o.Bad
}

// keepItem keeps the members of an item that have no field on its last part. That it is complete, or not, says nothing:
// its answer says so too.
func keepItem(last *llm.Part, o *dialect.Object) {
	for name, v := range itemRest(o) {
		last.Extra = dialect.With(last.Extra, itemLevel+name, v)
	}
}

func itemRest(o *dialect.Object) llm.Extra {
	switch rawjson.Text(o.Take("status")) {
	case "completed", "incomplete", "in_progress":
	default:
		o.Leave("status")
	}
	return o.Rest()
}

// reasoning reads a reasoning item: the summaries, then the chain itself; the seal is on the last part. One of a shape
// that is not known stays whole.
func (r *itemReader) reasoning(v []byte, path string) []llm.Part {
	var o dialect.Object
	o.Read(v)
	o.Take("type")
	id, cipher, format := o.String("id"), o.String("encrypted_content"), o.String("format")
	var parts []llm.Part
	whole := true
	for _, list := range [...]string{"summary", "content"} {
		raw := o.Take(list)
		whole = whole && (raw == nil || rawjson.Kind(raw) == '[')
		for i, e := range rawjson.Elems(raw) {
			p := content(r.body, e, element(under(path, list), i))
			whole = whole && p.Kind == llm.PartReasoning && p.Summary == (list == "summary")
			parts = append(parts, p)
		}
	}
	if !whole || o.Bad != nil {
		return []llm.Part{{Kind: llm.PartOpaque, Name: "reasoning", Raw: v, Path: path, Item: id}}
	}
	if len(parts) == 0 {
		parts = []llm.Part{{Kind: llm.PartReasoning, Path: path}}
	}
	for i := range parts {
		parts[i].Item = id
	}
	last := &parts[len(parts)-1]
	keepItem(last, &o)
	last.Name, last.Seal = format, decodeSeal(cipher, format)
	if by, ok := strings.CutSuffix(last.Seal.By, previous); ok && by != "" {
		last.Seal.By = by
		r.previous = len(parts) == 1 && last.Text == ""
	}
	return parts
}

// makers names the maker of a seal by the format that OpenRouter names.
var makers = map[string]string{
	"anthropic-claude-v1": "anthropic",
	"google-gemini-v1":    "google",
	"openai-responses-v1": maker,
	"xai-responses-v1":    "xai",
}

// decodeSeal reads encrypted_content.
func decodeSeal(cipher, format string) llm.Seal {
	by := maker
	if named := makers[format]; named != "" {
		by = named
	}
	return llm.ParseSeal(cipher, by, llm.SealEncrypted)
}

func (r *itemReader) call(v []byte, typ, path string) (llm.Part, *dialect.Wrong) {
	var o dialect.Object
	o.Read(v)
	o.Take("type")
	p := llm.Part{Kind: llm.PartCall, Path: path, Item: o.String("id"), ID: o.String("call_id"), Name: o.String("name")}
	args := "arguments"
	if typ == "custom_tool_call" {
		p.Free, args = true, "input"
	}
	raw := o.Take(args)
	if rawjson.Kind(raw) == '"' {
		p.Args, p.Span = rawjson.Text(raw), dialect.SpanOf(r.body, raw)
	} else {
		p.Args = string(raw) // some speakers send the object in place of its text
	}
	if p.ID == "" {
		if p.ID = p.Item; p.ID == "" || !r.answer {
			o.Fail("call_id", "the call's id")
		}
	}
	if p.Name == "" {
		o.Fail("name", "the tool's name")
	}
	p.Extra = itemRest(&o)
	return p, o.Bad
}

// other reads an item that only this dialect understands.
func (r *itemReader) other(v []byte, typ, path string) llm.Part {
	id := rawjson.Text(rawjson.Get(v, "id"))
	if r.answer && typ == drawn {
		if p, ok := drawing(v, id, path); ok {
			return p
		}
	}
	name := servers[typ]
	if name == "" || id == "" {
		return llm.Part{Kind: llm.PartOpaque, Name: typ, Raw: v, Path: path, Item: id}
	}
	p := llm.Part{Kind: llm.PartCall, By: llm.ByServer, ID: id, Item: id, Name: name, Raw: v, Path: path}
	if typ == "mcp_call" {
		p.By = llm.ByMCP
		if s := rawjson.Text(rawjson.Get(v, "name")); s != "" {
			p.Name = s
		}
	}
	return p
}

// drawing reads an item that holds an image; ok is false while it has none.
func drawing(v []byte, id, path string) (p llm.Part, ok bool) {
	data := rawjson.Text(rawjson.Get(v, "result"))
	if data == "" {
		return p, false
	}
	b := &llm.Blob{Type: "image/png", Data: data}
	if format := rawjson.Text(rawjson.Get(v, "output_format")); format != "" {
		b.Type = "image/" + format
	}
	return llm.Part{Kind: llm.PartImage, Media: b, Item: id, Raw: v, Path: path}, true
}
