package openaichat

import (
	"bytes"
	"iter"

	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// heldMost bounds what a stream's decoder or encoder keeps back of one answer, in bytes.
const heldMost = 8 << 20

// DecodeStream implements dialect.Codec.
func (codec) DecodeStream(frames frame.Seq) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		d := streamDecoder{yield: yield}
		for f, err := range frames {
			if err != nil {
				if !d.over {
					yield(llm.Event{}, err)
				}
				return
			}
			if f.Tail {
				continue
			}
			d.frame(f)
			if d.over {
				return
			}
		}
		d.input()
	}
}

// streamDecoder turns chunks into events. Chunks do not say where parts begin and end: a text-like part ends where
// another kind begins, a call where its arguments are a complete JSON object, and everything where its choice does.
type streamDecoder struct {
	yield   func(llm.Event, error) bool
	over    bool // ended, or nobody listens
	spoke   bool // the frame at hand had an event
	started bool
	note    bool // the frame at hand holds what no event can say any more

	id, model, tier string
	created         llm.Num
	seen            llm.Extra // top-level members so far
	late            llm.Extra // of these, what came or changed after Start
	choices         []*choiceDecoder
	held            int
}

func (d *streamDecoder) emit(e llm.Event) {
	if d.over {
		return
	}
	d.spoke = true
	if !d.yield(e, nil) {
		d.over = true
	}
}

func (d *streamDecoder) frame(f frame.Frame) {
	d.spoke, d.note = false, false
	switch {
	case len(f.Data) == 0:
	case openai.IsDone(f.Data):
		d.end()
		return
	default:
		if err := rawjson.Check(f.Data); err != nil || rawjson.Kind(f.Data) != '{' {
			d.fail(&fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: "the provider's stream holds something that is not a chunk", Cause: err})
			return
		}
		d.chunk(f)
	}
	if d.note && !d.over {
		d.emit(llm.Event{Kind: llm.EventNote, Raw: f.Data})
	}
	if d.started && !d.spoke {
		d.emit(llm.Event{Kind: llm.EventPing})
	}
}

func (d *streamDecoder) chunk(f frame.Frame) {
	var choices, usage, groq, failure []byte
	for name, v := range rawjson.Members(f.Data) {
		switch string(name) {
		case "object", "obfuscation", "p": // the last two are padding
		case "choices":
			choices = v
		case "id":
			if d.id == "" {
				d.id = word(v)
			}
		case "model":
			if d.model == "" {
				d.model = rawjson.Text(v)
			}
		case "created":
			if d.created == "" || d.created == "0" {
				d.created = llm.Num(rawjson.Num(v))
			}
		case "service_tier":
			if isText(v) && string(v[1:len(v)-1]) != d.tier {
				d.tier = rawjson.Text(v)
			}
		case "usage":
			usage = v
		case "error":
			failure = v
		default:
			if string(name) == "x_groq" {
				groq = v
			}
			d.member(name, v)
		}
	}
	if k := rawjson.Kind(failure); k == '{' || k == '"' || f.Event == "error" || choices == nil && usage == nil && openai.IsError(f.Data) {
		d.fail(openai.ReadFault(0, nil, f.Data))
		return
	}
	if !d.started && d.model == "" && empty(choices) && rawjson.IsNull(usage) {
		return // Azure says something of the prompt first, without a name
	}
	d.start()
	for i, v := range rawjson.Elems(choices) {
		d.choice(v, i)
	}
	u := openai.DecodeUsage(usage)
	if u == nil && groq != nil {
		u = openai.DecodeUsage(rawjson.Get(groq, "usage"))
	}
	if u != nil {
		d.emit(llm.Event{Kind: llm.EventUsage, Usage: u})
	}
}

// member keeps a top-level member; many speakers repeat theirs in every chunk.
func (d *streamDecoder) member(name, v []byte) {
	if rawjson.IsNull(v) || bytes.Equal(d.seen[string(name)], v) {
		return
	}
	if !d.hold(len(v)) {
		return
	}
	own := bytes.Clone(v)
	openai.Keep(&d.seen, string(name), own)
	if d.started {
		openai.Keep(&d.late, string(name), own)
	}
}

// hold accounts for bytes kept back and ends the stream where they are too many.
func (d *streamDecoder) hold(n int) bool {
	d.held += n
	if d.held > heldMost {
		d.fail(fault.New(fault.Upstream, "more than %d bytes of the answer would have to be held back", heldMost))
	}
	return !d.over
}

func (d *streamDecoder) start() {
	if d.started || d.over {
		return
	}
	d.started = true
	extra := llm.Extra(nil)
	for name, v := range d.seen {
		openai.Keep(&extra, name, v)
	}
	d.emit(llm.Event{
		Kind: llm.EventStart, From: llm.OpenAIChat, ID: d.id, Model: d.model, Tier: d.tier, Created: d.created, Extra: extra,
	})
}

// end is the end mark: what was forgotten is closed.
func (d *streamDecoder) end() {
	d.start()
	for _, c := range d.choices {
		if c != nil && !c.stopped {
			c.stop(llm.Stop{})
		}
	}
	d.emit(llm.Event{Kind: llm.EventEnd, Tier: d.tier, Extra: d.late})
	d.over = true
}

// input is the end of the input without the end mark, which some forget.
func (d *streamDecoder) input() {
	stopped := false
	for _, c := range d.choices {
		if c == nil {
			continue
		}
		if stopped = c.stopped; !stopped {
			break
		}
	}
	if stopped {
		d.end()
		return
	}
	f := fault.New(fault.Cut, "the provider's stream ended in the middle of the answer")
	f.Origin = fault.There
	d.fail(f)
}

// fail ends the stream with a fault; parts that are open are closed first.
func (d *streamDecoder) fail(f *fault.Fault) {
	for _, c := range d.choices {
		if c != nil && !c.stopped {
			c.closeAll()
		}
	}
	d.emit(llm.Event{Kind: llm.EventFault, Fault: f})
	d.over = true
}

func (d *streamDecoder) choice(v []byte, n int) {
	t := turn{}
	var finish, index, delta, message, logs []byte
	others := false
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "index":
			index = val
		case "delta":
			delta = val
		case "message":
			message = val
		case "finish_reason":
			finish = val
		case "logprobs":
			logs = val
		default:
			others = others || !rawjson.IsNull(val)
		}
	}
	at := int64(n)
	if i, ok := rawjson.Int(index); ok {
		at = i
	}
	if at < 0 || at >= llm.MaxChoices {
		d.fail(badChoice(at))
		return
	}
	c := d.at(int(at))
	if !rawjson.IsNull(logs) {
		var x llm.Extra
		t.logs(logs, &x)
		for name, val := range x {
			c.member("", []byte(name), val)
		}
	}
	if rawjson.IsNull(delta) {
		delta = message // beside a delta it is what was said so far
	}
	for name, val := range rawjson.Members(delta) {
		if string(name) != "role" && !t.take(string(name), val) {
			c.member("message.", name, val)
		}
	}
	if others {
		for name, val := range rawjson.Members(v) {
			switch string(name) {
			case "index", "delta", "message", "finish_reason", "logprobs":
			case "text": // of a completion, beside the delta's
			default:
				c.member("", name, val)
			}
		}
	}
	c.delta(&t)
	if s := openai.DecodeStop(finish); s.Native != "" && !c.stopped {
		c.stop(s)
	}
}

func (d *streamDecoder) at(n int) *choiceDecoder {
	for len(d.choices) <= n {
		d.choices = append(d.choices, nil)
	}
	if d.choices[n] == nil {
		d.choices[n] = &choiceDecoder{d: d, n: n}
	}
	return d.choices[n]
}
