package anthropic

import (
	"bytes"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

func (d *streamDecoder) find(wire int) *streamedBlock {
	for i := range d.open {
		if d.open[i].wire == wire {
			return &d.open[i]
		}
	}
	return nil
}

// blockStart opens the part of a block that begins; what the block brings already becomes deltas.
func (d *streamDecoder) blockStart(wire int, v []byte) bool {
	if d.find(wire) != nil && !d.close(wire) {
		return false
	}
	if rawjson.Text(rawjson.Get(v, "type")) == "" {
		return d.send(llm.Event{Kind: llm.EventNote, Raw: v}) // no client could read it
	}
	if d.calls == nil {
		d.calls = map[string]string{}
	}
	reader := blockDecoder{calls: d.calls}
	p := reader.answerBlock(v)
	b := streamedBlock{wire: wire, index: d.opened, kind: p.Kind}
	d.opened++
	text, cites, seal := p.Text, p.Cites, p.Seal
	p.Text, p.Cites, p.Seal = "", nil, llm.Seal{}
	switch p.Kind {
	case llm.PartCall:
		b.input = []byte(p.Args)
		p.Args = ""
	case llm.PartReasoning:
		if rawjson.Text(rawjson.Get(v, "type")) == "thinking" {
			b.seal, seal = seal, llm.Seal{}
		}
	case llm.PartOpaque:
		b.parts = &patchwork{whole: bytes.Clone(v)}
		d.held += len(v)
	}
	d.open = append(d.open, b)
	e := llm.Event{Kind: llm.EventOpen, Index: b.index, Part: p}
	if !d.send(e) {
		return false
	}
	if text != "" && !d.send(llm.Event{Kind: llm.EventDelta, Index: b.index, Text: text}) {
		return false
	}
	for i := range cites {
		if !d.send(llm.Event{Kind: llm.EventCite, Index: b.index, Part: llm.Part{Cites: cites[i : i+1]}}) {
			return false
		}
	}
	return seal == llm.Seal{} || d.send(llm.Event{Kind: llm.EventSeal, Index: b.index, Part: llm.Part{Seal: seal}})
}

// blockDelta grows a part. A text or a thought that nothing began is begun by its delta.
func (d *streamDecoder) blockDelta(data []byte) bool {
	delta := rawjson.Get(data, "delta")
	typ := rawjson.Text(rawjson.Get(delta, "type"))
	wire, ok := rawjson.Int(rawjson.Get(data, "index"))
	if !ok && len(d.open) > 0 {
		wire = int64(d.open[len(d.open)-1].wire)
	}
	b := d.find(int(wire))
	if b == nil {
		switch typ {
		case "text_delta":
			ok = d.blockStart(int(wire), []byte(`{"type":"text","text":""}`))
		case "thinking_delta", "signature_delta":
			ok = d.blockStart(int(wire), []byte(`{"type":"thinking","thinking":"","signature":""}`))
		default:
			return d.send(llm.Event{Kind: llm.EventNote, Raw: data})
		}
		if !ok {
			return false
		}
		b = d.find(int(wire))
	}
	e := llm.Event{Index: b.index}
	switch {
	case b.kind == llm.PartOpaque:
		return d.patch(b, delta)
	case typ == "text_delta" && b.kind == llm.PartText:
		e.Kind, e.Text = llm.EventDelta, rawjson.Text(rawjson.Get(delta, "text"))
	case typ == "thinking_delta" && b.kind == llm.PartReasoning:
		e.Kind, e.Text = llm.EventDelta, rawjson.Text(rawjson.Get(delta, "thinking"))
	case typ == "input_json_delta" && b.kind == llm.PartCall:
		e.Kind, e.Text = llm.EventDelta, rawjson.Text(rawjson.Get(delta, "partial_json"))
		b.grown = b.grown || e.Text != ""
	case typ == "signature_delta" && b.kind == llm.PartReasoning:
		signature := rawjson.Text(rawjson.Get(delta, "signature"))
		if signature == "" {
			return d.send(llm.Event{Kind: llm.EventPing})
		}
		b.seal = llm.Seal{}
		e.Kind, e.Part.Seal = llm.EventSeal, llm.ParseSeal(signature, maker, llm.SealSignature)
	case typ == "citations_delta" && b.kind == llm.PartText && rawjson.Kind(rawjson.Get(delta, "citation")) == '{':
		e.Kind, e.Part.Cites = llm.EventCite, []llm.Cite{decodeCite(rawjson.Get(delta, "citation"))}
	default:
		return d.send(llm.Event{Kind: llm.EventNote, Raw: data})
	}
	return d.send(e)
}

// patch grows a block that only this dialect understands.
func (d *streamDecoder) patch(b *streamedBlock, delta []byte) bool {
	if d.held += len(delta); d.held > heldMost {
		return d.fail(garbage("the provider's stream has a block of a kind that cannot be told on, and it is too long", nil))
	}
	b.parts.add(delta)
	return d.send(llm.Event{Kind: llm.EventDelta, Index: b.index, Raw: delta})
}

// close ends the part of a block.
func (d *streamDecoder) close(wire int) bool {
	for i := range d.open {
		if d.open[i].wire == wire {
			b := d.open[i]
			d.open = append(d.open[:i], d.open[i+1:]...)
			return d.closeBlock(b)
		}
	}
	return !d.started || d.send(llm.Event{Kind: llm.EventPing})
}

func (d *streamDecoder) closeBlock(b streamedBlock) bool {
	if b.kind == llm.PartCall && !b.grown &&
		!d.send(llm.Event{Kind: llm.EventDelta, Index: b.index, Text: string(b.input)}) {
		return false
	}
	if b.seal != (llm.Seal{}) && !d.send(llm.Event{Kind: llm.EventSeal, Index: b.index, Part: llm.Part{Seal: b.seal}}) {
		return false
	}
	e := llm.Event{Kind: llm.EventClose, Index: b.index}
	if b.parts != nil && b.parts.patched {
		e.Part.Raw = b.parts.assemble()
	}
	return d.send(e)
}

func (d *streamDecoder) closeAll() bool {
	for len(d.open) > 0 {
		if !d.close(d.open[0].wire) {
			return false
		}
	}
	return true
}

// patchwork is a block of an unknown kind and what its deltas bring: of a member that is text more text, of another one
// a new value; partial_json is the text of the member input.
type patchwork struct {
	whole   []byte
	patched bool
	list    []patch
}

type patch struct {
	name  string
	raw   []byte // of a value that is no text
	text  []byte
	plain bool // it is text
}

func (p *patchwork) add(delta []byte) {
	if !p.patched {
		p.patched = true
		for name, v := range rawjson.Members(p.whole) {
			p.set(string(name), v)
		}
	}
	for name, v := range rawjson.Members(delta) {
		if string(name) != "type" && !rawjson.IsNull(v) {
			p.grow(string(name), v)
		}
	}
}

func (p *patchwork) find(name string) *patch {
	for i := range p.list {
		if p.list[i].name == name {
			return &p.list[i]
		}
	}
	p.list = append(p.list, patch{name: name})
	return &p.list[len(p.list)-1]
}

func (p *patchwork) set(name string, v []byte) {
	m := p.find(name)
	if s, ok := rawjson.String(v); ok {
		m.text, m.plain = []byte(s), true
		return
	}
	m.raw, m.plain = bytes.Clone(v), false
}

func (p *patchwork) grow(name string, v []byte) {
	m := p.find(name)
	if s, ok := rawjson.String(v); ok && m.plain {
		m.text = append(m.text, s...)
		return
	}
	p.set(name, v)
}

// assemble returns the block as it is now.
func (p *patchwork) assemble() []byte {
	var input []byte
	for i := range p.list {
		if m := &p.list[i]; m.name == "partial_json" && m.plain && rawjson.Check(m.text) == nil {
			input = m.text
			p.set("input", input)
			break
		}
	}
	var w rawjson.Writer
	w.Open('{')
	for i := range p.list {
		m := &p.list[i]
		switch {
		case m.name == "partial_json" && input != nil:
		case m.name == "input" && input != nil:
			w.Name(m.name).Raw(input)
		case m.plain:
			w.Name(m.name).String(string(m.text))
		default:
			w.Name(m.name).Raw(m.raw)
		}
	}
	w.Close('}')
	return w.Buf
}
