package openairesponses

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// outItem is an item of the output that is being written.
type outItem struct {
	index           int
	typ             string // "" = Raw of its part is all of it
	id, item, phase string // item: its id as it came
	open            int    // parts that are
	contents        rawjson.Writer
	summaries       rawjson.Writer
	texts, sums     int // parts begun
	seal            llm.Seal
	format          string // of the seal, as it came
	extra           llm.Extra
	call            llm.Part // of a call: ID, Name
	args            []byte
	raw             []byte
	done            bool
	json            []byte
}

// outPart is a part that is open.
type outPart struct {
	index  int      // canonical
	part   llm.Part // its head
	item   *outItem // nil = not begun
	n      int      // its place in the item
	begun  bool     // its place was added
	skip   bool     // it has no place here
	unwrap bool     // a call of a custom tool that came as a function's
	text   []byte
	cites  []llm.Cite
	logs   rawjson.Writer
	seal   llm.Seal // of a part that is no reasoning
}

var noPart = &outPart{skip: true}

func (e *answerEncoder) find(index int) *outPart {
	for _, p := range e.parts {
		if p.index == index {
			return p
		}
	}
	return noPart
}

func (e *answerEncoder) open(ev *llm.Event) {
	p := &outPart{index: ev.Index, part: ev.Clone().Part}
	p.skip = !e.sayable(&p.part)
	e.parts = append(e.parts, p)
	if p.skip {
		return
	}
	seal, cites := p.part.Seal, p.part.Cites
	p.part.Seal, p.part.Cites = llm.Seal{}, nil
	switch kind := p.part.Kind; {
	case kind == llm.PartImage && (p.part.Raw != nil || !e.own): // written when it is whole
	case kind == llm.PartCall && p.part.By == llm.ByClient:
		p.unwrap = !p.part.Free && !e.own && isCustom(e.req.Tools, p.part.Name)
		p.part.Free = p.part.Free || p.unwrap
		e.called = true
		e.ready(p)
	case e.own && kind == llm.PartReasoning:
		e.place(p)
	case e.own:
		e.ready(p)
	}
	if seal.Data != "" {
		e.seal(p, seal)
	}
	e.cite(p, cites)
}

// place gives a part its item, the last one where it belongs there, else a new one.
func (e *answerEncoder) place(p *outPart) {
	if p.item != nil {
		return
	}
	typ := itemType(&p.part)
	if it := e.cur; it != nil && !it.done && it.typ == typ && (typ == "message" || typ == "reasoning" && it.seal.Data == "") &&
		(!e.own || it.item == p.part.Item && it.phase == p.part.Phase) {
		p.item = it
		it.open++
		e.adopt(p)
		return
	}
	if e.cur != nil && e.cur.open == 0 && !e.cur.done {
		e.itemDone(e.cur, "completed")
	}
	it := &outItem{index: len(e.items), typ: typ, item: p.part.Item, phase: p.part.Phase, call: p.part, raw: p.part.Raw, open: 1}
	it.id = it.item
	if !e.own || it.id == "" {
		it.id = deriveID(typ, e.head.ID, it.index)
	}
	e.items = append(e.items, it)
	e.cur, p.item = it, it
	e.adopt(p)
	w := e.begin("response.output_item.added").Name("output_index").Int(int64(it.index)).Name("item")
	e.item(w, it, inProgress)
	e.end()
}

// adopt gives an item the members of its own that its part brought.
func (e *answerEncoder) adopt(p *outPart) {
	it := p.item
	if it.typ != "message" && it.typ != "reasoning" {
		it.extra = p.part.Extra
		return
	}
	if e.own && it.typ == "reasoning" && p.part.Name != "" {
		it.format = p.part.Name
	}
	item, part := splitExtra(p.part.Extra)
	p.part.Extra = part
	for name, v := range item {
		it.extra = dialect.With(it.extra, name, v)
	}
}

func itemType(p *llm.Part) string {
	switch {
	case p.Kind == llm.PartReasoning:
		return "reasoning"
	case p.Kind == llm.PartImage && (p.Raw != nil || p.Item == ""):
		return drawn
	case p.Kind == llm.PartCall && p.By == llm.ByClient && p.Free:
		return "custom_tool_call"
	case p.Kind == llm.PartCall && p.By == llm.ByClient:
		return "function_call"
	case p.Kind == llm.PartCall, p.Kind == llm.PartResult, p.Kind == llm.PartOpaque && !within(p):
		return ""
	}
	return "message"
}

var prefixes = map[string]string{
	"message": "msg_", "reasoning": "rs_", "function_call": "fc_", "custom_tool_call": "ctc_", drawn: "ig_",
}

// deriveID makes the id of an item: the same for the same place in the same answer.
func deriveID(typ, answer string, index int) string {
	sum := sha256.Sum256([]byte(answer + "/" + strconv.Itoa(index)))
	return prefixes[typ] + hex.EncodeToString(sum[:16])
}

// ready makes sure that a part has its item and, where it stands within one, its place there.
func (e *answerEncoder) ready(p *outPart) {
	e.place(p)
	it := p.item
	if p.begun || it.typ != "message" && it.typ != "reasoning" {
		return
	}
	p.begun = true
	if p.part.Kind == llm.PartReasoning && p.part.Summary {
		p.n = it.sums
		it.sums++
		w := e.beginAt("response.reasoning_summary_part.added", p)
		w.Name("part").Open('{').Name("type").String("summary_text").Name("text").String("").Close('}')
		e.end()
		return
	}
	p.n = it.texts
	it.texts++
	w := e.beginAt("response.content_part.added", p).Name("part")
	writePart(w, &p.part, "", nil, nil)
	e.end()
}

// beginAt begins an event about a part's place.
func (e *answerEncoder) beginAt(typ string, p *outPart) *rawjson.Writer {
	w := e.begin(typ).Name("item_id").String(p.item.id).Name("output_index").Int(int64(p.item.index))
	switch {
	case p.item.typ != "message" && p.item.typ != "reasoning":
	case p.part.Kind == llm.PartReasoning && p.part.Summary:
		w.Name("summary_index").Int(int64(p.n))
	default:
		w.Name("content_index").Int(int64(p.n))
	}
	return w
}

// writePart writes an element of an item's content or summary.
func writePart(w *rawjson.Writer, p *llm.Part, text string, cites, logs []byte) {
	if p.Kind == llm.PartOpaque {
		w.Raw(p.Raw)
		return
	}
	w.Open('{').Name("type")
	switch p.Kind {
	case llm.PartRefusal:
		w.String("refusal").Name("refusal").String(text)
	case llm.PartReasoning:
		if p.Summary {
			w.String("summary_text")
		} else {
			w.String("reasoning_text")
		}
		w.Name("text").String(text)
	default:
		w.String("output_text").Name("annotations").Open('[')
		if len(cites) > 0 {
			w.Raw(cites)
		}
		w.Close(']').Name("logprobs").Open('[')
		if len(logs) > 0 {
			w.Raw(logs)
		}
		w.Close(']').Name("text").String(text)
	}
	dialect.WriteExtra(w, p.Extra)
	w.Close('}')
}

func (e *answerEncoder) delta(ev *llm.Event) {
	p := e.find(ev.Index)
	if p.skip {
		return
	}
	text := ev.Text
	if p.part.Kind == llm.PartImage {
		if ev.Part.Media != nil {
			p.text = append(p.text, ev.Part.Media.Data...)
			e.hold(len(ev.Part.Media.Data))
		}
		return
	}
	if text == "" && len(ev.Part.Logprobs) == 0 {
		return
	}
	e.hold(len(text))
	if e.over {
		return
	}
	p.text = append(p.text, text...)
	if p.part.Kind == llm.PartCall {
		if p.part.By == llm.ByClient && !p.unwrap {
			e.args(p, text)
		}
		return
	}
	e.ready(p)
	switch p.part.Kind {
	case llm.PartRefusal:
		e.refused = true
		e.beginAt("response.refusal.delta", p).Name("delta").String(text)
	case llm.PartReasoning:
		typ := "response.reasoning_text.delta"
		if p.part.Summary {
			typ = "response.reasoning_summary_text.delta"
		}
		e.beginAt(typ, p).Name("delta").String(text)
	default:
		from := len(p.logs.Buf)
		if !e.own && slices.ContainsFunc(ev.Part.Logprobs, strange) {
			e.losses.Add("answer.logprobs", "members of another dialect on them are left out", llm.Changed)
		}
		appendLogprobs(&p.logs, ev.Part.Logprobs, e.own, true)
		logs := bytes.TrimPrefix(p.logs.Buf[from:], []byte{','})
		if e.hold(len(logs)); e.over {
			return
		}
		w := e.beginAt("response.output_text.delta", p).Name("delta").String(text).Name("logprobs").Open('[')
		if len(logs) > 0 {
			w.Raw(logs)
		}
		w.Close(']')
		e.end()
		return
	}
	if len(ev.Part.Logprobs) > 0 {
		e.losses.Add("answer.logprobs", "only texts have probabilities here", llm.Dropped)
	}
	e.end()
}

// strange reports whether a probability has members that only its own dialect knows.
func strange(l llm.Logprob) bool { return l.Extra != nil || slices.ContainsFunc(l.Top, strange) }

func (e *answerEncoder) args(p *outPart, text string) {
	typ := "response.function_call_arguments.delta"
	if p.part.Free {
		typ = "response.custom_tool_call_input.delta"
	}
	e.beginAt(typ, p).Name("delta").String(text)
	e.end()
}

// seal notes the seal of reasoning for the end of its item.
func (e *answerEncoder) seal(p *outPart, s llm.Seal) {
	if p.skip {
		return
	}
	e.hold(len(s.Data))
	if p.part.Kind != llm.PartReasoning {
		p.seal = s
		return
	}
	e.place(p)
	p.item.seal = s
}

func (e *answerEncoder) cite(p *outPart, cites []llm.Cite) {
	if p.skip || len(cites) == 0 {
		return
	}
	if !e.own {
		cites = sayableCites(cites, e.losses.Add, "answer.citations")
	}
	for i := range cites {
		p.cites = append(p.cites, (&llm.Event{Part: llm.Part{Cites: cites[i : i+1]}}).Clone().Part.Cites...)
	}
}

// progress passes on what the provider says of its own item.
func (e *answerEncoder) progress(p *outPart, raw []byte) {
	typ := rawjson.Text(rawjson.Get(raw, "type"))
	if p.skip || !e.own || p.item == nil || !isEventName(typ) || eventNamed(typ) != evOther {
		return
	}
	e.renumbered(typ, raw, p.item.index)
}
