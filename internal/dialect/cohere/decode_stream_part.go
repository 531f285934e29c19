package cohere

import (
	"slices"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// openMost is how many parts may be open together.
const openMost = 1024

func (d *streamDecoder) find(in section, wire int64) *streamedPart {
	for i := range d.open {
		if p := &d.open[i]; p.section == in && p.wire == wire {
			return p
		}
	}
	return nil
}

// begin opens a part. Those whose end came are closed before it, and the plan, which has none.
func (d *streamDecoder) begin(in section, wire int64, part llm.Part) *streamedPart {
	if p := d.find(in, wire); p != nil {
		p.ended = true
	}
	for i := 0; i < len(d.open); {
		if p := d.open[i]; !p.ended && p.section != inPlan {
			i++
		} else if !d.close(i) {
			return nil
		}
	}
	if len(d.open) >= openMost {
		d.fail(dialect.Garbage("the provider's stream has too many parts at once", nil))
		return nil
	}
	if !d.send(llm.Event{Kind: llm.EventOpen, Index: d.opened, Part: part}) {
		return nil
	}
	d.open = append(d.open, streamedPart{section: in, wire: wire, index: d.opened, kind: part.Kind})
	d.opened++
	return &d.open[len(d.open)-1]
}

// grow adds a text to a part.
func (d *streamDecoder) grow(p *streamedPart, text string) bool {
	d.keep(p, text)
	return d.send(llm.Event{Kind: llm.EventDelta, Index: p.index, Text: text})
}

// keep notes a text for the places of citations. Of a part that is too long these are not told.
func (d *streamDecoder) keep(p *streamedPart, text string) {
	if p.kind == llm.PartCall || p.long {
		return
	}
	if d.held+len(text) > heldMost {
		d.held -= len(p.text)
		p.text, p.long = nil, true
		return
	}
	d.held += len(text)
	p.text = append(p.text, text...)
}

// close forgets an open part and tells that it has ended.
func (d *streamDecoder) close(i int) bool {
	p := d.open[i]
	d.held -= len(p.text)
	d.open = slices.Delete(d.open, i, i+1)
	return d.send(llm.Event{Kind: llm.EventClose, Index: p.index})
}

func (d *streamDecoder) closeAll() bool {
	for len(d.open) > 0 {
		if !d.close(0) {
			return false
		}
	}
	return true
}

// wireIndex returns the number that an event names, otherwise where it names none.
func wireIndex(data []byte, otherwise int64) int64 {
	if n, ok := rawjson.Int(rawjson.Get(data, "index")); ok {
		return n
	}
	return otherwise
}

// lastContent is the number of the content that began last.
func (d *streamDecoder) lastContent() int64 {
	for _, p := range slices.Backward(d.open) {
		if p.section == inContent {
			return p.wire
		}
	}
	return 0
}

// contentStart opens a text or a thought. One of another type is told on as it came.
func (d *streamDecoder) contentStart(data []byte) bool {
	var o dialect.Object
	o.Read(rawjson.Get(data, "delta", "message", "content"))
	typ := o.String("type")
	part := llm.Part{Kind: llm.PartText}
	switch typ {
	case "thinking":
		part.Kind = llm.PartReasoning
	case "text", "":
	default:
		return d.note(data)
	}
	said, other := rawjson.Text(o.Take("text")), rawjson.Text(o.Take("thinking"))
	if part.Kind == llm.PartReasoning || typ == "" && said == "" && other != "" {
		part.Kind, said = llm.PartReasoning, other
	}
	part.Extra = o.Rest()
	p := d.begin(inContent, wireIndex(data, int64(d.opened)), part)
	return p != nil && (said == "" || d.grow(p, said))
}

// contentDelta grows a text or a thought; one that nothing began is begun by its delta.
func (d *streamDecoder) contentDelta(data []byte) bool {
	content := rawjson.Get(data, "delta", "message", "content")
	said, isText := rawjson.String(rawjson.Get(content, "text"))
	kind := llm.PartText
	if !isText {
		if s, ok := rawjson.String(rawjson.Get(content, "thinking")); ok {
			said, kind = s, llm.PartReasoning
		}
	}
	wire := wireIndex(data, d.lastContent())
	p := d.find(inContent, wire)
	if p == nil || p.ended {
		if kind == llm.PartText && !isText {
			return d.note(data)
		}
		if p = d.begin(inContent, wire, llm.Part{Kind: kind}); p == nil {
			return false
		}
	}
	e := llm.Event{Kind: llm.EventDelta, Index: p.index, Text: said}
	if v := rawjson.Get(data, "logprobs"); v != nil {
		e.Part.Logprobs, _ = decodeLogprobs(nil, v)
	}
	d.keep(p, said)
	return d.send(e)
}

func (d *streamDecoder) contentEnd(data []byte) bool {
	if p := d.find(inContent, wireIndex(data, d.lastContent())); p != nil {
		p.ended = true
	}
	return d.ping()
}

func (d *streamDecoder) planDelta(data []byte) bool {
	said := rawjson.Text(rawjson.Get(data, "delta", "message", wordPlan))
	p := d.find(inPlan, 0)
	if p == nil {
		if said == "" {
			return d.ping()
		}
		if p = d.begin(inPlan, 0, llm.Part{Kind: llm.PartReasoning, Name: wordPlan}); p == nil {
			return false
		}
	}
	return d.grow(p, said)
}

func (d *streamDecoder) callStart(data []byte) bool {
	wire := wireIndex(data, int64(d.calls))
	part := reader{}.call(rawjson.Get(data, "delta", "message", "tool_calls"), d.id, d.calls)
	d.calls++
	args := part.Args
	part.Args = ""
	d.called = d.called || part.By == llm.ByClient
	p := d.begin(inCalls, wire, part)
	return p != nil && (args == "" || d.grow(p, args))
}

func (d *streamDecoder) callDelta(data []byte) bool {
	p := d.find(inCalls, wireIndex(data, int64(d.calls-1)))
	if p == nil {
		return d.note(data)
	}
	return d.grow(p, rawjson.Text(rawjson.Get(data, "delta", "message", "tool_calls", "function", "arguments")))
}

func (d *streamDecoder) callEnd(data []byte) bool {
	wire := wireIndex(data, int64(d.calls-1))
	for i, p := range d.open {
		if p.section == inCalls && p.wire == wire {
			return d.close(i)
		}
	}
	return d.ping()
}

// citation tells a citation of a part that is open; any other is told on as it came.
func (d *streamDecoder) citation(data []byte) bool {
	v := rawjson.Get(data, "delta", "message", "citations")
	if rawjson.Kind(v) != '{' {
		return d.note(data)
	}
	c := decodeCite(v)
	for i := range d.open {
		if p := &d.open[i]; c.about(p) {
			return d.send(llm.Event{Kind: llm.EventCite, Index: p.index, Part: llm.Part{Cites: []llm.Cite{c.place(string(p.text))}}})
		}
	}
	return d.note(data)
}

// about reports whether a citation is of an open part.
func (c *wireCite) about(p *streamedPart) bool {
	switch c.typ {
	case typePlan:
		return p.section == inPlan
	case typeThinking:
		return p.section == inContent && p.kind == llm.PartReasoning && (c.index < 0 || c.index == p.wire)
	}
	return p.section == inContent && p.kind == llm.PartText && (c.index < 0 || c.index == p.wire)
}
