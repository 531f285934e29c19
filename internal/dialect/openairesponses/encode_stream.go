package openairesponses

import (
	"bytes"
	"iter"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeStream implements dialect.Codec. What was written of an answer is kept until its end, whose event says all of
// it again. Parts may be open at the same time; each grows in an item of its own.
func (codec) EncodeStream(req *llm.Request, in iter.Seq2[llm.Event, error], lose func(llm.Loss)) frame.Seq {
	return func(yield func(frame.Frame, error) bool) {
		e := newEncoder(req, lose)
		for ev, err := range in {
			if err != nil {
				yield(frame.Frame{}, err)
				return
			}
			e.w.Buf = e.w.Buf[:0]
			e.event(&ev)
			if len(e.w.Buf) > 0 && !yield(frame.Frame{Raw: e.w.Buf}, nil) {
				return
			}
			if e.over {
				return
			}
		}
		e.w.Buf = e.w.Buf[:0]
		e.fail(&fault.Fault{Kind: fault.Cut, Message: "the answer broke off"})
		yield(frame.Frame{Raw: e.w.Buf}, nil)
	}
}

// answerEncoder holds what must be known of an answer so far.
type answerEncoder struct {
	req    *llm.Request
	own    bool // the answer is of this dialect: its Extra and Raw go back
	losses dialect.Losses
	w      rawjson.Writer // of the events for one canonical event
	from   int            // where in it the last one begins
	data   int            // where in it the data of the last one begin
	number int64          // of the next event
	over   bool
	quiet  bool // nobody reads how it began: the answer is wanted whole
	fault  *fault.Fault
	whole  []byte // the answer, once it is over
	begun  int    // how long it was when it began

	head  llm.Event // ID, Model, Created
	tier  string
	items []*outItem
	cur   *outItem   // the item begun last
	parts []*outPart // those that are open
	size  int        // bytes kept

	called, refused bool
	stop            llm.Stop
	usage           *llm.Usage
	extra           llm.Extra
}

func newEncoder(req *llm.Request, lose func(llm.Loss)) *answerEncoder {
	if req == nil {
		req = &llm.Request{}
	}
	return &answerEncoder{req: req, losses: dialect.Losses{To: lose}, w: rawjson.Writer{Buf: make([]byte, 0, 2*fewBytes)}}
}

// fewBytes is what an answer that says little takes.
const fewBytes = 1 << 10

const inProgress = "in_progress"

// begin and end enclose an event of the wire; between them its members are written.
func (e *answerEncoder) begin(typ string) *rawjson.Writer {
	e.from = len(e.w.Buf)
	e.w.Buf = append(e.w.Buf, "event: "...)
	e.w.Buf = append(e.w.Buf, typ...)
	e.w.Buf = append(e.w.Buf, "\ndata: "...)
	e.w = rawjson.Writer{Buf: e.w.Buf}
	e.data = len(e.w.Buf)
	e.w.Open('{').Name("type").String(typ).Name("sequence_number").Int(e.number)
	e.number++
	return &e.w
}

func (e *answerEncoder) end() {
	e.w.Close('}')
	e.endData()
}

// endData ends an event of the wire. A line break between the tokens of a raw value would end its line too early. Nothing
// is said after the end.
func (e *answerEncoder) endData() {
	if e.over {
		e.w.Buf = e.w.Buf[:e.from]
		return
	}
	dialect.OneLine(e.w.Buf[e.data:])
	e.w.Buf = append(e.w.Buf, '\n', '\n')
}

func (e *answerEncoder) event(ev *llm.Event) {
	if e.over {
		return
	}
	if ev.Choice != 0 {
		e.losses.Add("answer.choices", "one answer only here: the first", llm.Dropped)
		return
	}
	switch ev.Kind {
	case llm.EventStart:
		e.start(ev)
	case llm.EventOpen:
		e.open(ev)
	case llm.EventDelta:
		e.delta(ev)
	case llm.EventSeal:
		e.seal(e.find(ev.Index), ev.Part.Seal)
	case llm.EventCite:
		e.cite(e.find(ev.Index), ev.Part.Cites)
	case llm.EventProgress:
		e.progress(e.find(ev.Index), ev.Raw)
	case llm.EventClose:
		e.close(ev)
	case llm.EventStop:
		e.stop = ev.Clone().Stop
		e.keep(ev.Extra)
	case llm.EventUsage:
		if e.usage == nil {
			e.usage = &llm.Usage{}
		}
		e.usage.Merge(ev.Clone().Usage)
	case llm.EventNote:
		e.note(ev.Raw)
	case llm.EventEnd:
		e.keep(ev.Extra)
		if ev.Tier != "" {
			e.tier = ev.Tier
		}
		e.finish()
	case llm.EventFault:
		e.fail(ev.Fault)
	}
}

func (e *answerEncoder) start(ev *llm.Event) {
	e.own = ev.From == llm.OpenAIResponses
	e.head = llm.Event{ID: ev.ID, Model: ev.Model, Created: ev.Created}
	e.tier = ev.Tier
	e.keep(ev.Extra)
	if e.quiet {
		return
	}
	w := e.begin("response.created").Name("response")
	from := len(w.Buf)
	e.response(w, inProgress, "")
	said := w.Buf[from:]
	e.begun = len(said)
	e.end()
	e.begin("response.in_progress").Name("response").Raw(said)
	e.end()
}

// keep holds members of the answer for its end.
func (e *answerEncoder) keep(x llm.Extra) {
	if !e.own {
		e.loseExtra(x)
		return
	}
	for name, raw := range x {
		e.extra = dialect.With(e.extra, name, bytes.Clone(raw))
	}
}

// hold accounts for bytes that are kept and ends the stream where they are too many.
func (e *answerEncoder) hold(n int) {
	if e.size += n; e.size > heldMost {
		e.fail(fault.New(fault.Upstream, "the answer is longer than %d bytes, which is the most that is kept for its last event", heldMost))
	}
}

// note passes on an event of the same dialect that no event could say; it gets its number in this stream.
func (e *answerEncoder) note(raw []byte) {
	typ := rawjson.Text(rawjson.Get(raw, "type"))
	if !e.own || !isEventName(typ) || eventNamed(typ) != evOther {
		e.losses.Add("answer.opaque", "only its own dialect understands it", llm.Dropped)
		return
	}
	e.renumbered(typ, raw, -1)
}

// renumbered passes on an event with its number in this stream and, where item is not negative, that of its item.
func (e *answerEncoder) renumbered(typ string, raw []byte, item int) {
	w := e.begin(typ)
	for name, v := range rawjson.Members(raw) {
		switch string(name) {
		case "type", "sequence_number":
		case "output_index":
			if item >= 0 {
				w.Name("output_index").Int(int64(item))
				break
			}
			fallthrough
		default:
			w.Name(string(name)).Raw(v)
		}
	}
	e.end()
}

func isEventName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool { return !(c >= 'a' && c <= 'z' || c == '_' || c == '.') }) < 0
}

// finish ends the answer: what is still open is ended, and the last event says it all.
func (e *answerEncoder) finish() {
	end := ending{e.stop, e.own, e.called, e.refused}
	status, reason, why := end.status()
	for i, it := range e.items {
		if !it.done {
			word := "completed"
			if status == "incomplete" && i == len(e.items)-1 {
				word = status
			}
			e.itemDone(it, word)
		}
	}
	if e.over { // too long
		return
	}
	if !e.own {
		e.loseRest(why)
	}
	if e.tier == "" && e.usage != nil && !e.own {
		e.tier = e.usage.Tier
	}
	w := rawjson.Writer{Buf: make([]byte, 0, e.begun+e.size+e.size/4+fewBytes)}
	e.response(&w, status, reason)
	e.whole = w.Buf
	if e.quiet {
		e.over = true
		return
	}
	typ := "response." + status
	if status == "in_progress" || status == "queued" {
		typ = "response.completed"
	}
	e.begin(typ).Name("response").Raw(e.whole)
	e.end()
	e.over = true
}

// loseRest reports what of another dialect's answer its end does not say.
func (e *answerEncoder) loseRest(why string) {
	s := &e.stop
	if why != "" {
		e.losses.Add("answer.stop", why, llm.Changed)
	}
	if s.Sequence != "" || s.Reason == llm.StopSequence {
		e.losses.Add("answer.stop_sequence", "which stop sequence was met is not said here", llm.Dropped)
	}
	if s.Detail != "" || s.Raw != nil {
		e.losses.Add("answer.stop_details", "there is no place for them here", llm.Dropped)
	}
	loseUsage(&e.losses, e.usage)
	tier := e.tier
	if tier == "" && e.usage != nil {
		tier = e.usage.Tier
	}
	if tier != "" && answerTier(tier, false) == "" {
		e.losses.Add("answer.tier", "the tier "+tier+" has no word here", dialect.WeighTier(tier))
	}
}

func (e *answerEncoder) fail(f *fault.Fault) {
	e.over, e.fault = true, f
	e.w.Buf = appendError(e.w.Buf, f, e.number)
}
