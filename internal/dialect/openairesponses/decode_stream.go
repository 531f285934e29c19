package openairesponses

import (
	"bytes"
	"iter"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeStream implements dialect.Codec. What an event lends (Raw, Extra) is gone with the next one.
//
// A part opens when its place in an item is added and closes when the next one in its item opens or the item ends: only
// then are its seal and the members of its item known. Items that the provider runs may be open at the same time.
// Nothing of an answer is kept: what an event at an end repeats is compared by length, and told where it was not.
func (codec) DecodeStream(frames frame.Seq) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		d := streamDecoder{yield: yield, reader: itemReader{answer: true}}
		for f, err := range frames {
			if err != nil {
				if !d.over {
					yield(llm.Event{}, err)
				}
				return
			}
			if f.Tail || len(f.Data) == 0 {
				continue
			}
			if d.frame(f); d.over {
				return
			}
		}
		d.fail(&fault.Fault{Kind: fault.Cut, Origin: fault.There, Message: "the provider's stream ended before the answer did"})
	}
}

// streamDecoder holds what a stream has told so far.
type streamDecoder struct {
	yield   func(llm.Event, error) bool
	over    bool // ended, or nobody listens
	started bool
	spoke   bool // the frame at hand had an event
	reader  itemReader
	items   []streamedItem
	next    int // index of the part to open next
	tier    string

	calls, refused bool // so far
}

// streamedItem is an item of the output.
type streamedItem struct {
	wire    int64 // its output_index
	id, typ string
	phase   string
	parts   []streamedPart
	open    bool // the last part is
	ended   bool
}

// streamedPart is a place in an item whose part has opened.
type streamedPart struct {
	summary bool // of the summaries, not of the contents
	n       int64
	index   int
	kind    llm.PartKind
	told    int // bytes of text
	logged  bool
	cited   int
	extra   llm.Extra // known before it closes
}

// news is what an event says, whatever its type.
type news struct {
	output, n                                 int64 // n: content_index or summary_index
	numbered                                  bool  // output was given
	id                                        []byte
	delta, text, item, part, response, logged []byte
}

func read(data []byte) (e news) {
	for name, v := range rawjson.Members(data) {
		switch string(name) {
		case "output_index":
			e.output, e.numbered = rawjson.Int(v)
		case "content_index", "summary_index":
			e.n, _ = rawjson.Int(v)
		case "item_id":
			if len(v) > 2 {
				e.id = v[1 : len(v)-1]
			}
		case "delta":
			e.delta = v
		case "text", "refusal", "arguments", "input":
			e.text = v
		case "item":
			e.item = v
		case "part":
			e.part = v
		case "response":
			e.response = v
		case "logprobs":
			e.logged = v
		}
	}
	return e
}

func (d *streamDecoder) emit(e llm.Event) {
	if d.over {
		return
	}
	d.spoke = true
	if e.Kind == llm.EventOpen {
		d.calls = d.calls || e.Part.Kind == llm.PartCall && e.Part.By == llm.ByClient
		d.refused = d.refused || e.Part.Kind == llm.PartRefusal
	}
	if !d.yield(e, nil) {
		d.over = true
	}
}

// fail ends the stream with a fault; parts that are open are closed first.
func (d *streamDecoder) fail(f *fault.Fault) {
	for i := range d.items {
		d.closePart(&d.items[i], llm.Part{})
	}
	d.emit(llm.Event{Kind: llm.EventFault, Fault: f})
	d.over = true
}

func (d *streamDecoder) frame(f frame.Frame) {
	kind := eventType(f)
	if kind == evDone {
		return
	}
	if err := rawjson.Check(f.Data); err != nil || rawjson.Kind(f.Data) != '{' {
		d.fail(dialect.Garbage("the provider's stream holds something that is not an event", err))
		return
	}
	d.spoke = false
	e := read(f.Data)
	switch kind {
	case evCreated, evQueued, evInProgress:
		d.start(e.response)
	case evCompleted, evIncomplete, evFailed, evCancelled:
		d.finish(e.response)
	case evError:
		d.fail(responses{}.ReadFault(0, nil, f.Data))
	case evOther:
		if isError(f.Data) {
			d.fail(responses{}.ReadFault(0, nil, f.Data))
			return
		}
		if d.started {
			d.emit(llm.Event{Kind: llm.EventNote, Raw: f.Data})
		}
	default:
		d.start(nil)
		d.news(kind, &e, f.Data)
	}
	if d.started && !d.spoke {
		d.emit(llm.Event{Kind: llm.EventPing})
	}
}

func (d *streamDecoder) start(response []byte) {
	if d.started {
		return
	}
	d.started = true
	h, _ := decodeHead(response)
	d.tier = h.tier
	d.emit(llm.Event{Kind: llm.EventStart, From: llm.OpenAIResponses, ID: h.id, Model: h.model, Created: h.created, Tier: h.tier})
}

// news tells what an event says of an item.
func (d *streamDecoder) news(kind event, e *news, data []byte) {
	switch kind {
	case evItemAdded:
		d.added(e)
		return
	case evItemDone:
		e.id = bytes.Trim(rawjson.Get(e.item, "id"), `"`)
		if it := d.find(e); it == nil {
			d.whole(e.output, e.item)
		} else if !it.ended {
			d.done(it, e.item)
		}
		return
	}
	it := d.find(e)
	if it == nil {
		it = d.imply(kind, e)
	}
	if it.ended {
		return
	}
	switch kind {
	case evPartAdded:
		if p := content(nil, e.part, ""); e.part != nil {
			if p.Kind == llm.PartReasoning && it.typ == "message" {
				p = llm.Part{Kind: llm.PartOpaque, Name: inContent + "reasoning", Raw: e.part}
			}
			d.place(it, e.n, false, p)
		}
	case evSummaryAdded:
		d.place(it, e.n, true, llm.Part{Kind: llm.PartReasoning, Summary: true})
	case evTextDelta:
		d.grow(it, e, llm.Part{Kind: llm.PartText})
	case evRefusalDelta:
		d.grow(it, e, llm.Part{Kind: llm.PartRefusal})
	case evReasoningDelta, evSummaryDelta:
		d.grow(it, e, llm.Part{Kind: llm.PartReasoning, Summary: kind == evSummaryDelta})
	case evArgsDelta, evInputDelta:
		if len(it.parts) > 0 {
			d.tell(it, rawjson.Text(e.delta), nil)
		}
	case evTextDone, evRefusalDone, evReasoningDone, evSummaryDone, evArgsDone, evInputDone:
		if it.at(e.n, kind == evSummaryDone) {
			d.rest(it, rawjson.Text(e.text))
			d.echo(it)
		}
	case evPartDone, evSummaryPartDone:
		if it.at(e.n, kind == evSummaryPartDone) {
			d.complete(it, content(nil, e.part, ""))
			d.echo(it)
		}
	case evAnnotation: // the part's end has them all, and the text they are about
		d.echo(it)
	default:
		if it.open {
			d.emit(llm.Event{Kind: llm.EventProgress, Index: it.parts[len(it.parts)-1].index, Text: lastWord(data), Raw: data})
		}
	}
}

// lastWord returns the end of an event's type: searching of response.web_search_call.searching.
func lastWord(data []byte) string {
	typ := rawjson.Text(rawjson.Get(data, "type"))
	for i := len(typ) - 1; i >= 0; i-- {
		if typ[i] == '.' {
			return typ[i+1:]
		}
	}
	return typ
}

func (d *streamDecoder) echo(it *streamedItem) {
	if it.open {
		d.emit(llm.Event{Kind: llm.EventEcho, Index: it.parts[len(it.parts)-1].index})
	}
}

// find returns the item that an event is about, nil if it was not added.
func (d *streamDecoder) find(e *news) *streamedItem {
	var at *streamedItem
	for i := len(d.items) - 1; i >= 0; i-- {
		it := &d.items[i]
		if len(e.id) > 0 && it.id == string(e.id) {
			return it
		}
		if at == nil && e.numbered && it.wire == e.output {
			at = it
		}
	}
	if at == nil && !e.numbered && len(e.id) == 0 && len(d.items) > 0 {
		at = &d.items[len(d.items)-1]
	}
	return at
}

// imply notes an item that nothing began.
func (d *streamDecoder) imply(kind event, e *news) *streamedItem {
	it := streamedItem{wire: e.output, id: string(e.id), typ: "message"}
	switch kind {
	case evSummaryAdded, evSummaryPartDone, evSummaryDelta, evSummaryDone, evReasoningDelta, evReasoningDone:
		it.typ = "reasoning"
	case evArgsDelta, evArgsDone, evInputDelta, evInputDone, evItemNews:
		it.typ = ""
	}
	d.items = append(d.items, it)
	return &d.items[len(d.items)-1]
}

// added notes an item that begins. A call opens its part, and so does an item that only this dialect understands; an
// image is told when it is drawn.
func (d *streamDecoder) added(e *news) {
	v := e.item
	it := streamedItem{
		wire: e.output, id: rawjson.Text(rawjson.Get(v, "id")), typ: rawjson.Text(rawjson.Get(v, "type")), phase: rawjson.Text(rawjson.Get(v, "phase")),
	}
	if !e.numbered {
		it.wire = int64(len(d.items))
	}
	d.items = append(d.items, it)
	at := &d.items[len(d.items)-1]
	switch it.typ {
	case "message", "reasoning", drawn:
		return
	case "function_call", "custom_tool_call":
		p, bad := d.reader.call(v, it.typ, "")
		if bad != nil {
			return // its end may say what is missing
		}
		p.Args, p.Extra = "", nil
		d.place(at, 0, false, p)
	default:
		p := d.reader.other(v, it.typ, "")
		d.place(at, 0, false, p)
	}
}

// finish ends the answer: what was forgotten is told and closed.
func (d *streamDecoder) finish(response []byte) {
	h, rest := decodeHead(response)
	if f := noResponse(response); f != nil && len(d.items) == 0 { // nor was anything said before
		d.fail(f)
		return
	}
	d.start(response)
	if h.fault != nil {
		d.fail(h.fault)
		return
	}
	for i, v := range rawjson.Elems(h.output) {
		it := d.final(int64(i), v)
		switch {
		case it == nil:
			d.whole(int64(i), v)
		case !it.ended:
			d.done(it, v)
		}
	}
	for i := range d.items {
		d.items[i].ended = true
		d.closePart(&d.items[i], llm.Part{})
	}
	stop := h.stop
	if stop.Reason == llm.StopEnd { // some leave the output out
		stop.Reason = decodeStop("completed", "", d.calls, d.refused).Reason
	}
	d.emit(llm.Event{Kind: llm.EventStop, Stop: stop})
	if h.usage != nil {
		d.emit(llm.Event{Kind: llm.EventUsage, Usage: h.usage})
	}
	end := llm.Event{Kind: llm.EventEnd, Extra: rest}
	if h.tier != d.tier {
		end.Tier = h.tier
	}
	d.emit(end)
	d.over = true
}

// final finds what was streamed of an item of the whole output.
func (d *streamDecoder) final(n int64, v []byte) *streamedItem {
	id, typ := rawjson.Text(rawjson.Get(v, "id")), rawjson.Text(rawjson.Get(v, "type"))
	var at *streamedItem
	for i := range d.items {
		it := &d.items[i]
		if id != "" && it.id == id {
			return it
		}
		if it.wire == n && (it.typ == typ || it.typ == "") {
			at = it
		}
	}
	return at
}
