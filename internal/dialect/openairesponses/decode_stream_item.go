package openairesponses

import (
	"bytes"
	"maps"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// place opens the part at a place of an item, unless it is open. p is what it begins with; its text comes later.
func (d *streamDecoder) place(it *streamedItem, n int64, summary bool, p llm.Part) {
	for i := range it.parts {
		if it.parts[i].n == n && it.parts[i].summary == summary {
			return
		}
	}
	d.closePart(it, llm.Part{})
	p.Item = it.id
	if it.typ == "message" {
		p.Phase = it.phase
	}
	p.Text, p.Args, p.Cites, p.Logprobs, p.Seal = "", "", nil, nil, llm.Seal{}
	it.parts = append(it.parts, streamedPart{n: n, summary: summary, index: d.next, kind: p.Kind})
	it.open = true
	d.next++
	d.emit(llm.Event{Kind: llm.EventOpen, Index: d.next - 1, Part: p})
}

// closePart ends the part of an item that is open, if one is.
func (d *streamDecoder) closePart(it *streamedItem, known llm.Part) {
	if !it.open {
		return
	}
	it.open = false
	last := &it.parts[len(it.parts)-1]
	if known.Extra == nil {
		known.Extra = last.extra
	}
	d.emit(llm.Event{Kind: llm.EventClose, Index: last.index, Part: known})
}

// at reports whether the part at a place is the open one.
func (it *streamedItem) at(n int64, summary bool) bool {
	if !it.open {
		return false
	}
	last := &it.parts[len(it.parts)-1]
	return last.n == n && last.summary == summary
}

// grow adds a delta to the part at its place; one that nothing began is begun.
func (d *streamDecoder) grow(it *streamedItem, e *news, p llm.Part) {
	if !it.at(e.n, p.Summary) {
		d.place(it, e.n, p.Summary, p)
	}
	if it.at(e.n, p.Summary) && it.parts[len(it.parts)-1].kind == p.Kind {
		d.tell(it, rawjson.Text(e.delta), decodeLogprobs(e.logged))
	}
}

// tell adds to the open part.
func (d *streamDecoder) tell(it *streamedItem, text string, logs []llm.Logprob) {
	if !it.open || text == "" && logs == nil {
		return
	}
	p := &it.parts[len(it.parts)-1]
	p.told += len(text)
	p.logged = p.logged || logs != nil
	d.emit(llm.Event{Kind: llm.EventDelta, Index: p.index, Text: text, Part: llm.Part{Logprobs: logs}})
}

// rest tells what of a whole text was not told yet.
func (d *streamDecoder) rest(it *streamedItem, text string) {
	if p := &it.parts[len(it.parts)-1]; len(text) > p.told {
		d.tell(it, text[p.told:], nil)
	}
}

// complete tells what of a whole part was not told yet, and its citations.
func (d *streamDecoder) complete(it *streamedItem, whole llm.Part) {
	p := &it.parts[len(it.parts)-1]
	if whole.Kind != p.kind || p.kind == llm.PartOpaque {
		return
	}
	d.rest(it, whole.Text)
	p.extra = clone(whole.Extra)
	if !p.logged {
		d.tell(it, "", whole.Logprobs)
	}
	for ; p.cited < len(whole.Cites); p.cited++ {
		d.emit(llm.Event{Kind: llm.EventCite, Index: p.index, Part: llm.Part{Cites: whole.Cites[p.cited : p.cited+1 : p.cited+1]}})
	}
}

// done ends an item that was added. v is all of it.
func (d *streamDecoder) done(it *streamedItem, v []byte) {
	it.ended = true
	switch it.typ {
	case "message", "reasoning":
		d.contentsDone(it, v)
		return
	case "function_call", "custom_tool_call":
		if len(it.parts) == 0 {
			break
		}
		p, _ := d.reader.call(v, it.typ, "")
		d.rest(it, p.Args)
		d.closePart(it, llm.Part{Extra: p.Extra})
		return
	default:
		if len(it.parts) > 0 {
			d.closePart(it, llm.Part{Raw: v})
			return
		}
	}
	d.tellWhole(v)
}

// contentsDone ends a message or a reasoning.
func (d *streamDecoder) contentsDone(it *streamedItem, v []byte) {
	parts, bad := d.reader.item(v, it.typ, "")
	if bad != nil || len(parts) == 1 && parts[0].Kind == llm.PartOpaque && !within(&parts[0]) {
		if len(it.parts) == 0 && bad == nil {
			d.emitWhole(parts)
			return
		}
		var o dialect.Object
		o.Read(v)
		d.seal(it, decodeSeal(rawjson.Text(o.Take("encrypted_content")), rawjson.Text(o.Take("format"))))
		d.closePart(it, llm.Part{})
		return
	}
	last := &parts[len(parts)-1]
	summaries, contents := int64(0), int64(0)
	for i := range parts {
		p := parts[i]
		n := &contents
		if p.Summary {
			n = &summaries
		}
		place := *n
		*n++
		if it.holds(place, p.Summary) {
			if it.at(place, p.Summary) {
				d.complete(it, p)
			}
			continue
		}
		if p.Kind == llm.PartReasoning && p.Text == "" && len(parts) == 1 && len(it.parts) > 0 {
			continue // it stands for the seal alone
		}
		whole := p
		d.place(it, place, p.Summary, llm.Part{Kind: p.Kind, Name: p.Name, Summary: p.Summary, Raw: p.Raw, Media: p.Media, Cache: p.Cache})
		d.complete(it, whole)
		if i < len(parts)-1 {
			d.closePart(it, llm.Part{Extra: p.Extra})
		}
	}
	d.seal(it, last.Seal)
	known := llm.Part{Item: last.Item, Phase: last.Phase, Extra: last.Extra}
	if last.Kind == llm.PartReasoning {
		known.Name = last.Name
	}
	d.closePart(it, known)
}

// clone returns members with memory of their own.
func clone(x llm.Extra) llm.Extra {
	out := maps.Clone(x)
	for name, v := range out {
		out[name] = bytes.Clone(v)
	}
	return out
}

// holds reports whether the part at a place was opened.
func (it *streamedItem) holds(n int64, summary bool) bool {
	for i := range it.parts {
		if it.parts[i].n == n && it.parts[i].summary == summary {
			return true
		}
	}
	return false
}

func (d *streamDecoder) seal(it *streamedItem, s llm.Seal) {
	if it.open && s.Data != "" {
		d.emit(llm.Event{Kind: llm.EventSeal, Index: it.parts[len(it.parts)-1].index, Part: llm.Part{Seal: s}})
	}
}

// whole tells an item that comes in one piece.
func (d *streamDecoder) whole(wire int64, v []byte) {
	typ := rawjson.Text(rawjson.Get(v, "type"))
	d.items = append(d.items, streamedItem{wire: wire, id: rawjson.Text(rawjson.Get(v, "id")), typ: typ, ended: true})
	d.tellWhole(v)
}

func (d *streamDecoder) tellWhole(v []byte) {
	parts, f := d.reader.output(v)
	if f != nil {
		d.fail(f)
		return
	}
	d.emitWhole(parts)
}

func (d *streamDecoder) emitWhole(parts []llm.Part) {
	for _, p := range parts {
		e := llm.Event{Kind: llm.EventOpen, Index: d.next, Part: p}
		e.Part.Text, e.Part.Args, e.Part.Cites, e.Part.Logprobs, e.Part.Seal = "", "", nil, nil, llm.Seal{}
		d.next++
		d.emit(e)
		text := p.Text
		if p.Kind == llm.PartCall {
			text = p.Args
		}
		e.Part = llm.Part{}
		if text != "" || p.Logprobs != nil {
			e.Kind, e.Text, e.Part.Logprobs = llm.EventDelta, text, p.Logprobs
			d.emit(e)
			e.Text, e.Part.Logprobs = "", nil
		}
		for i := range p.Cites {
			e.Kind, e.Part.Cites = llm.EventCite, p.Cites[i:i+1:i+1]
			d.emit(e)
		}
		e.Part.Cites = nil
		if p.Seal.Data != "" {
			e.Kind, e.Part.Seal = llm.EventSeal, p.Seal
			d.emit(e)
			e.Part.Seal = llm.Seal{}
		}
		e.Kind = llm.EventClose
		d.emit(e)
	}
}
