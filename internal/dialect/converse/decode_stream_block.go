package converse

import (
	"bytes"
	"encoding/base64"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// streamedBlock is a block that has begun and not ended.
type streamedBlock struct {
	wire, index int
	kind        llm.PartKind
	grown       bool            // a delta came
	bytes       []byte          // of redacted content, or of a picture what does not fill three bytes yet
	head        *rawjson.Writer // of a result the provider's tool gave: the block so far
}

func (d *streamDecoder) find(wire int) *streamedBlock {
	for i := range d.open {
		if d.open[i].wire == wire {
			return &d.open[i]
		}
	}
	return nil
}

// begin opens the part of a block.
func (d *streamDecoder) begin(wire int, p llm.Part) (*streamedBlock, bool) {
	if d.find(wire) != nil && !d.close(wire) {
		return nil, false
	}
	d.open = append(d.open, streamedBlock{wire: wire, index: d.opened, kind: p.Kind})
	d.opened++
	b := &d.open[len(d.open)-1]
	return b, d.send(llm.Event{Kind: llm.EventOpen, Index: b.index, Part: p})
}

// blockStart opens the part of a block that says that it begins.
func (d *streamDecoder) blockStart(wire int, start, data []byte) bool {
	if d.stopped {
		return d.alive()
	}
	name, in := only(start)
	if name == "" {
		return d.note(eventBlockStart, data)
	}
	var o dialect.Object
	o.Read(in)
	if d.calls == nil {
		d.calls = map[string]string{}
	}
	reader := blockDecoder{calls: d.calls, native: nativeMaker}
	var p llm.Part
	switch name {
	case "toolUse":
		reader.call(&o, &p)
		p.Args = ""
	case "toolResult":
		return d.resultStart(wire, &o, in)
	case "image":
		p.Kind = llm.PartImage
		word := o.String("format")
		p.Media = &llm.Blob{Type: typeOf(p.Kind, word)}
		if formatOf(p.Kind, p.Media.Type) != word {
			_, ok := d.begin(wire, opaque(name, start))
			return ok
		}
	default:
		_, ok := d.begin(wire, opaque(name, start))
		return ok
	}
	if o.Bad != nil {
		_, ok := d.begin(wire, opaque(name, start))
		return ok
	}
	p.Extra = o.Rest()
	_, ok := d.begin(wire, p)
	return ok
}

// resultStart opens the result of a tool that the provider ran; its block is put together for the end.
func (d *streamDecoder) resultStart(wire int, o *dialect.Object, in []byte) bool {
	p := opaque("toolResult", append(append([]byte(`{"toolResult":`), in...), '}'))
	if id := o.String("toolUseId"); id != "" {
		p.Kind, p.By, p.ID, p.Name, p.Failed = llm.PartResult, llm.ByServer, id, d.calls[id], o.String("status") == "error"
	}
	b, ok := d.begin(wire, p)
	if !ok || p.Kind != llm.PartResult {
		return ok
	}
	b.head = &rawjson.Writer{}
	b.head.Open('{').Name("toolResult").Open('{')
	for name, v := range rawjson.Members(in) {
		b.head.Name(string(name)).Raw(v)
	}
	b.head.Name("content").Open('[')
	return d.hold(len(in))
}

// hold notes bytes that are kept until a block ends.
func (d *streamDecoder) hold(n int) bool {
	if d.held += n; d.held > heldMost {
		return d.fail(dialect.Garbage("the provider's stream has a block that must be held back, and it is too long", nil))
	}
	return true
}

// blockDelta grows a part. A text or a thought is begun by its first delta that says something.
func (d *streamDecoder) blockDelta(wire int, delta, data []byte) bool {
	if d.stopped {
		return d.alive()
	}
	name, in := only(delta)
	b := d.find(wire)
	switch name {
	case "text":
		return d.grow(b, wire, llm.PartText, rawjson.Text(in))
	case "toolUse":
		if b == nil || b.kind != llm.PartCall {
			return d.note(eventDelta, data)
		}
		text := rawjson.Text(rawjson.Get(in, "input"))
		if text == "" {
			return d.alive()
		}
		b.grown = true
		return d.send(llm.Event{Kind: llm.EventDelta, Index: b.index, Text: text})
	case "reasoningContent":
		return d.thought(b, wire, in, data)
	case "citation":
		if b == nil || b.kind != llm.PartText {
			var ok bool
			if b, ok = d.begin(wire, llm.Part{Kind: llm.PartText}); !ok {
				return false
			}
		}
		return d.send(llm.Event{Kind: llm.EventCite, Index: b.index, Part: llm.Part{Cites: []llm.Cite{decodeCite(in)}}})
	case "image":
		return d.picture(b, in, data)
	case "toolResult":
		if b == nil || b.head == nil {
			break
		}
		for _, e := range rawjson.Elems(in) {
			b.head.Raw(e)
		}
		return d.hold(len(in)) && d.send(llm.Event{Kind: llm.EventDelta, Index: b.index, Raw: delta})
	}
	if b != nil && b.kind == llm.PartOpaque && name != "" {
		return d.send(llm.Event{Kind: llm.EventDelta, Index: b.index, Raw: delta})
	}
	return d.note(eventDelta, data)
}

// grow sends text of a part of a kind, which it opens where another or none is open.
func (d *streamDecoder) grow(b *streamedBlock, wire int, kind llm.PartKind, text string) bool {
	if text == "" {
		return d.alive()
	}
	if b == nil || b.kind != kind {
		var ok bool
		if b, ok = d.begin(wire, llm.Part{Kind: kind}); !ok {
			return false
		}
	}
	return d.send(llm.Event{Kind: llm.EventDelta, Index: b.index, Text: text})
}

// thought takes a piece of reasoning: text, its signature, or content that is hidden, which is told when it is whole.
func (d *streamDecoder) thought(b *streamedBlock, wire int, in, data []byte) bool {
	name, val := only(in)
	text := rawjson.Text(val)
	if name == "text" || text == "" {
		return d.grow(b, wire, llm.PartReasoning, text)
	}
	if b == nil || b.kind != llm.PartReasoning {
		var ok bool
		if b, ok = d.begin(wire, llm.Part{Kind: llm.PartReasoning}); !ok {
			return false
		}
	}
	switch name {
	case "signature":
		seal := llm.ParseSeal(text, nativeMaker, llm.SealSignature)
		return d.send(llm.Event{Kind: llm.EventSeal, Index: b.index, Part: llm.Part{Seal: seal}})
	case "redactedContent":
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			break
		}
		b.bytes = append(b.bytes, raw...)
		return d.hold(len(raw)) && d.alive()
	}
	return d.note(eventDelta, data)
}

// picture takes a piece of a picture. Each piece is base64 by itself; together they are one text, so that what does not
// fill three bytes waits for the next.
func (d *streamDecoder) picture(b *streamedBlock, in, data []byte) bool {
	member, val := only(rawjson.Get(in, "source"))
	raw, err := base64.StdEncoding.DecodeString(rawjson.Text(val))
	if b == nil || b.kind != llm.PartImage || member != "bytes" || err != nil {
		return d.note(eventDelta, data)
	}
	b.bytes = append(b.bytes, raw...)
	whole := len(b.bytes) / 3 * 3
	if whole == 0 {
		return d.alive()
	}
	piece := base64.StdEncoding.EncodeToString(b.bytes[:whole])
	b.bytes = bytes.Clone(b.bytes[whole:])
	return d.send(llm.Event{Kind: llm.EventDelta, Index: b.index, Part: llm.Part{Media: &llm.Blob{Data: piece}}})
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
	return true
}

func (d *streamDecoder) closeBlock(b streamedBlock) bool {
	last := llm.Event{Kind: llm.EventDelta, Index: b.index}
	end := llm.Event{Kind: llm.EventClose, Index: b.index}
	switch {
	case b.kind == llm.PartCall && !b.grown:
		last.Text = "{}"
		if !d.send(last) {
			return false
		}
	case b.kind == llm.PartImage && len(b.bytes) > 0:
		last.Part.Media = &llm.Blob{Data: base64.StdEncoding.EncodeToString(b.bytes)}
		if !d.send(last) {
			return false
		}
	case b.kind == llm.PartReasoning && len(b.bytes) > 0:
		last.Kind = llm.EventSeal
		last.Part.Seal = readBytes(b.bytes, nativeMaker)
		if !d.send(last) {
			return false
		}
	case b.head != nil:
		b.head.Close(']').Close('}').Close('}')
		end.Part.Raw = b.head.Buf
	}
	return d.send(end)
}

func (d *streamDecoder) closeAll() bool {
	for len(d.open) > 0 {
		if !d.close(d.open[0].wire) {
			return false
		}
	}
	return true
}
