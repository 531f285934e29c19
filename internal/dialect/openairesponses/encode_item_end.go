package openairesponses

import (
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func (e *answerEncoder) close(ev *llm.Event) {
	p := e.find(ev.Index)
	e.parts = slices.DeleteFunc(e.parts, func(o *outPart) bool { return o == p })
	if p.skip {
		return
	}
	known := ev.Clone().Part
	if known.Seal.Data != "" {
		e.seal(p, known.Seal)
	}
	e.cite(p, known.Cites)
	e.learn(p, &known)
	switch {
	case p.part.Kind == llm.PartImage && (p.part.Raw != nil || !e.own):
		e.image(p, &known)
	case p.part.Kind == llm.PartCall && p.part.By == llm.ByClient:
		e.callDone(p)
	case p.item != nil && p.item.typ == "":
		if known.Raw != nil {
			p.item.raw = known.Raw
		}
		e.hold(len(p.item.raw))
		e.itemDone(p.item, "completed")
	default:
		e.partDone(p)
	}
	if it := p.item; it != nil {
		if it.open--; it.open == 0 && it != e.cur && !it.done {
			e.itemDone(it, "completed")
		}
	}
	e.carry(p)
}

// learn takes over what became known of a part when it closed.
func (e *answerEncoder) learn(p *outPart, known *llm.Part) {
	if !e.own {
		e.loseExtra(known.Extra)
		return
	}
	for name, v := range known.Extra {
		p.part.Extra = dialect.With(p.part.Extra, name, v)
	}
	if p.item == nil {
		return
	}
	if p.part.Kind == llm.PartReasoning && known.Name != "" {
		p.item.format = known.Name
	}
	if p.item.phase == "" {
		p.item.phase = known.Phase
	}
	if p.part.Kind == llm.PartOpaque && known.Raw != nil {
		p.part.Raw = known.Raw
	}
	e.adopt(p)
}

// partDone ends a part that stands within an item.
func (e *answerEncoder) partDone(p *outPart) {
	if !p.begun && e.own && p.part.Summary {
		e.ready(p)
	}
	if !p.begun {
		if len(p.cites) > 0 {
			e.losses.Add("answer.citations", "the text they are about is empty", llm.Dropped)
		}
		return
	}
	it, text := p.item, string(p.text)
	var cites rawjson.Writer
	for i := range p.cites {
		writeCite(&cites, &p.cites[i], text, e.own)
	}
	for i, one := range annotations(cites.Buf) {
		e.beginAt("response.output_text.annotation.added", p).Name("annotation_index").Int(int64(i)).Name("annotation").Raw(one)
		e.end()
	}
	into, end := &it.contents, "response.content_part.done"
	switch {
	case p.part.Kind == llm.PartOpaque:
	case p.part.Kind == llm.PartRefusal:
		e.refused = true
		e.beginAt("response.refusal.done", p).Name("refusal").String(text)
		e.end()
	case p.part.Kind == llm.PartReasoning && p.part.Summary:
		into, end = &it.summaries, "response.reasoning_summary_part.done"
		e.beginAt("response.reasoning_summary_text.done", p).Name("text").String(text)
		e.end()
	case p.part.Kind == llm.PartReasoning:
		e.beginAt("response.reasoning_text.done", p).Name("text").String(text)
		e.end()
	default:
		w := e.beginAt("response.output_text.done", p).Name("text").String(text).Name("logprobs").Open('[')
		if len(p.logs.Buf) > 0 {
			w.Raw(p.logs.Buf)
		}
		w.Close(']')
		e.end()
	}
	from := len(into.Buf)
	writePart(into, &p.part, text, cites.Buf, p.logs.Buf)
	e.beginAt(end, p).Name("part").Raw([]byte(strings.TrimPrefix(string(into.Buf[from:]), ",")))
	e.end()
}

// annotations yields the elements of a list without its brackets.
func annotations(list []byte) [][]byte {
	var all [][]byte
	for _, one := range rawjson.Elems(append(append([]byte{'['}, list...), ']')) {
		all = append(all, one)
	}
	return all
}

// callDone ends the arguments of a call. Those of another dialect's that says nothing are an empty object.
func (e *answerEncoder) callDone(p *outPart) {
	text := string(p.text)
	if p.unwrap {
		text = unwrap(strings.TrimSpace(text))
		e.args(p, text)
	}
	if strings.TrimSpace(text) == "" && !p.part.Free && !e.own {
		text = "{}"
		e.args(p, text)
	}
	p.item.args = []byte(text)
	typ, member := "response.function_call_arguments.done", "arguments"
	if p.part.Free {
		typ, member = "response.custom_tool_call_input.done", "input"
	}
	w := e.beginAt(typ, p)
	if !p.part.Free {
		w.Name("name").String(p.part.Name)
	}
	w.Name(member).String(text)
	e.end()
}

// unwrap returns the only string of an object, or args as they are.
func unwrap(args string) string {
	b := []byte(args)
	if rawjson.Check(b) != nil {
		return args
	}
	text, n := "", 0
	for _, v := range rawjson.Members(b) {
		s, ok := rawjson.String(v)
		if n++; !ok {
			return args
		}
		text = s
	}
	if n != 1 {
		return args
	}
	return text
}

// image writes an image that the model drew. Here one is told in base64 only.
func (e *answerEncoder) image(p *outPart, known *llm.Part) {
	b := llm.Blob{}
	if p.part.Media != nil {
		b = *p.part.Media
	}
	if known.Media != nil {
		b = *known.Media
	}
	b.Data += string(p.text)
	if b.Data == "" && p.part.Raw == nil {
		e.losses.Add("answer.image", "an image is told in its data here", llm.Dropped)
		return
	}
	e.hold(len(b.Data))
	if e.over {
		return
	}
	p.part.Media = &b
	e.place(p)
	p.item.call.Media = &b
	if known.Raw != nil {
		p.item.raw = known.Raw
	}
	e.itemDone(p.item, "completed")
}

// previous marks the seal of what stands before its item.
const previous = "@previous"

// carry writes the seal of a part that is no reasoning: there is no place for one on a text or a call, so that an item of
// reasoning that says nothing carries it. A request that brings it back gives it back to what stands before.
func (e *answerEncoder) carry(p *outPart) {
	if p.seal.Data == "" || e.over {
		return
	}
	s := p.seal
	if p.item != nil {
		s.By += previous
		if !p.item.done && p.item.open == 0 {
			e.itemDone(p.item, "completed")
		}
	}
	carrier := &outPart{part: llm.Part{Kind: llm.PartReasoning}}
	e.cur = nil // the carrier must not join another
	e.place(carrier)
	carrier.item.seal = s
	carrier.item.open = 0
	e.itemDone(carrier.item, "completed")
}

// itemDone ends an item and keeps what it is for the end of the answer.
func (e *answerEncoder) itemDone(it *outItem, status string) {
	if e.over {
		return
	}
	it.done = true
	var w rawjson.Writer
	e.item(&w, it, status)
	it.json = w.Buf
	it.contents, it.summaries, it.args, it.raw = rawjson.Writer{}, rawjson.Writer{}, nil, nil
	e.begin("response.output_item.done").Name("output_index").Int(int64(it.index)).Name("item").Raw(it.json)
	e.end()
}

// item writes an item as it stands.
func (e *answerEncoder) item(w *rawjson.Writer, it *outItem, status string) {
	if it.typ == "" || it.typ == drawn && it.raw != nil && status != inProgress {
		w.Raw(it.raw)
		return
	}
	w.Open('{').Name("id").String(it.id).Name("type").String(it.typ)
	if it.typ != "reasoning" && it.extra["status"] == nil {
		w.Name("status").String(status)
	}
	final := status != inProgress
	list := func(name string, elements []byte) {
		w.Name(name).Open('[')
		if len(elements) > 0 {
			w.Raw(elements)
		}
		w.Close(']')
	}
	switch it.typ {
	case "message":
		w.Name("role").String("assistant")
		if it.phase != "" {
			w.Name("phase").String(it.phase)
		}
		list("content", it.contents.Buf)
	case "reasoning":
		list("summary", it.summaries.Buf)
		if len(it.contents.Buf) > 0 {
			list("content", it.contents.Buf)
		}
		if final && it.seal.Data != "" {
			w.Name("encrypted_content").String(e.cipher(it))
		}
		if it.format != "" {
			w.Name("format").String(it.format)
		}
	case "function_call":
		w.Name("call_id").String(it.call.ID).Name("name").String(it.call.Name).Name("arguments").String(string(it.args))
	case "custom_tool_call":
		w.Name("call_id").String(it.call.ID).Name("name").String(it.call.Name).Name("input").String(string(it.args))
	case drawn:
		w.Name("result")
		if !final || it.call.Media == nil {
			w.Null()
			break
		}
		w.String(it.call.Media.Data)
		if format, ok := strings.CutPrefix(it.call.Media.Type, "image/"); ok {
			w.Name("output_format").String(format)
		}
	}
	if e.own {
		dialect.WriteExtra(w, it.extra)
	}
	w.Close('}')
}

// cipher is what stands for a seal: what came in this dialect with its format named goes back as it was.
func (e *answerEncoder) cipher(it *outItem) string {
	if e.own && it.format != "" {
		return it.seal.Data
	}
	return it.seal.Text(maker, llm.SealEncrypted)
}
