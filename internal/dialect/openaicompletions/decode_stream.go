package openaicompletions

import (
	"bytes"
	"iter"

	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// heldMost bounds what a stream's decoder keeps back of one answer, in bytes.
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

// streamDecoder turns chunks into events. A choice is one text, which opens at its first piece and ends with the choice.
type streamDecoder struct {
	yield   func(llm.Event, error) bool
	over    bool // ended, or nobody listens
	spoke   bool // the frame at hand had an event
	started bool
	bare    bool // the pieces come as {"value": "…"}, and no end mark does
	note    bool // the frame at hand holds what no event can say any more

	id, model, tier string
	created         llm.Num
	seen            llm.Extra // top-level members so far
	late            llm.Extra // of these, what came or changed after Start
	choices         []*choiceDecoder
	held            int
}

// choiceDecoder is one choice of a stream.
type choiceDecoder struct {
	open, stopped bool
	extra         llm.Extra
	offsets       []byte // of the tokens so far, as they stand in a list
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
	var choices, usage, value []byte
	for name, v := range rawjson.Members(f.Data) {
		switch string(name) {
		case "object", "error":
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
			if rawjson.Kind(v) == '"' && string(v[1:len(v)-1]) != d.tier {
				d.tier = rawjson.Text(v)
			}
		case "usage":
			usage = v
		case "value":
			value = v
		default:
			d.member(name, v)
		}
	}
	if isFault(f) || choices == nil && usage == nil && openai.IsError(f.Data) {
		d.fail(openai.ReadFault(0, nil, f.Data))
		return
	}
	if rawjson.Kind(value) == '"' && choices == nil {
		d.bare = true
		d.start()
		d.grow(d.at(0), 0, rawjson.Text(value), nil)
		return
	}
	if !rawjson.IsNull(value) {
		d.member([]byte("value"), value)
	}
	if !d.started && d.model == "" && rawjson.IsNull(usage) && !some(choices) {
		return // Azure says something of the prompt first, without a name
	}
	d.start()
	for i, v := range rawjson.Elems(choices) {
		d.choice(v, i)
	}
	if u := openai.DecodeUsage(usage); u != nil {
		d.emit(llm.Event{Kind: llm.EventUsage, Usage: u})
	}
}

// some reports whether a list has an element.
func some(v []byte) bool {
	for range rawjson.Elems(v) {
		return true
	}
	return false
}

// member keeps a top-level member; many speakers repeat theirs in every chunk.
func (d *streamDecoder) member(name, v []byte) {
	if rawjson.IsNull(v) || bytes.Equal(d.seen[string(name)], v) || !d.hold(len(v)) {
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
		Kind: llm.EventStart, From: llm.OpenAICompletions, ID: d.id, Model: d.model, Tier: d.tier, Created: d.created, Extra: extra,
	})
}

// end is the end mark: what was forgotten is closed.
func (d *streamDecoder) end() {
	d.start()
	for n, c := range d.choices {
		if c != nil && !c.stopped {
			d.stop(c, n, llm.Stop{})
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
	if stopped || d.bare {
		d.end()
		return
	}
	f := fault.New(fault.Cut, "the provider's stream ended in the middle of the answer")
	f.Origin = fault.There
	d.fail(f)
}

// fail ends the stream with a fault; texts that are open are closed first.
func (d *streamDecoder) fail(f *fault.Fault) {
	for n, c := range d.choices {
		if c != nil {
			d.closeText(c, n)
		}
	}
	d.emit(llm.Event{Kind: llm.EventFault, Fault: f})
	d.over = true
}

func (d *streamDecoder) choice(v []byte, n int) {
	if i, ok := rawjson.Int(rawjson.Get(v, "index")); ok {
		if i < 0 || i >= llm.MaxChoices {
			d.fail(badChoice(i))
			return
		}
		n = int(i)
	}
	if n >= llm.MaxChoices {
		d.fail(badChoice(int64(n)))
		return
	}
	c := d.at(n)
	var text, finish, logs []byte
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "index":
		case "text":
			text = val
		case "finish_reason":
			finish = val
		case "logprobs":
			logs = val
		default:
			d.choiceMember(c, name, val)
		}
	}
	var all []llm.Logprob
	if !rawjson.IsNull(logs) {
		all = d.logs(c, logs)
	}
	d.grow(c, n, rawjson.Text(text), all)
	if s := openai.DecodeStop(finish); s.Native != "" && !c.stopped {
		d.stop(c, n, s)
	}
}

func (d *streamDecoder) logs(c *choiceDecoder, v []byte) []llm.Logprob {
	var x llm.Extra
	all := decodeLogprobs(v, &x)
	for name, val := range x {
		if name != offsets || rawjson.Kind(val) != '[' {
			d.choiceMember(c, []byte(name), val)
			continue
		}
		for _, e := range rawjson.Elems(val) {
			if !d.hold(len(e) + 1) {
				return nil
			}
			if len(c.offsets) > 0 {
				c.offsets = append(c.offsets, ',')
			}
			c.offsets = append(c.offsets, e...)
		}
	}
	return all
}

// choiceMember keeps a member of a choice; the last value counts.
func (d *streamDecoder) choiceMember(c *choiceDecoder, name, v []byte) {
	if rawjson.IsNull(v) || bytes.Equal(c.extra[string(name)], v) {
		return
	}
	if c.stopped {
		d.note = true
		return
	}
	if d.hold(len(v)) {
		openai.Keep(&c.extra, string(name), bytes.Clone(v))
	}
}

func (d *streamDecoder) at(n int) *choiceDecoder {
	for len(d.choices) <= n {
		d.choices = append(d.choices, nil)
	}
	if d.choices[n] == nil {
		d.choices[n] = &choiceDecoder{}
	}
	return d.choices[n]
}

// grow adds to the text of a choice.
func (d *streamDecoder) grow(c *choiceDecoder, n int, text string, logs []llm.Logprob) {
	if text == "" && logs == nil {
		return
	}
	if c.stopped {
		d.note = true
		return
	}
	if !c.open {
		c.open = true
		d.emit(llm.Event{Kind: llm.EventOpen, Choice: n, Part: llm.Part{Kind: llm.PartText}})
	}
	d.emit(llm.Event{Kind: llm.EventDelta, Choice: n, Text: text, Part: llm.Part{Logprobs: logs}})
}

func (d *streamDecoder) closeText(c *choiceDecoder, n int) {
	if c.open {
		c.open = false
		d.emit(llm.Event{Kind: llm.EventClose, Choice: n})
	}
}

func (d *streamDecoder) stop(c *choiceDecoder, n int, s llm.Stop) {
	d.closeText(c, n)
	c.stopped = true
	if len(c.offsets) > 0 {
		openai.Keep(&c.extra, offsets, append(append([]byte{'['}, c.offsets...), ']'))
	}
	d.emit(llm.Event{Kind: llm.EventStop, Choice: n, Stop: s, Extra: c.extra})
}
