package gemini

import (
	"bytes"
	"iter"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeStream implements dialect.Codec. A stream has no end mark: one that told why a candidate ended, or that the
// prompt was blocked, is whole when its frames end; until then more may come, such as usage. What an event lends (Raw,
// Extra) is gone with the next one.
func (codec) DecodeStream(frames frame.Seq) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		d := streamDecoder{yield: yield}
		for f, err := range frames {
			if err != nil {
				if !d.done {
					yield(llm.Event{}, err)
				}
				return
			}
			if f.Tail || len(f.Data) == 0 {
				continue
			}
			if !d.frame(f.Data) || d.done {
				return
			}
		}
		d.eof()
	}
}

// streamDecoder holds what a stream has told so far. Its methods return false when nobody wants more.
type streamDecoder struct {
	yield    func(llm.Event, error) bool
	sent     int // events
	started  bool
	done     bool // End or Fault was sent
	choices  []streamedChoice
	counts   counts
	ids      answerIDs
	feedback []byte
	extra    llm.Extra // of the answer, for End
}

func (d *streamDecoder) send(e llm.Event) bool {
	d.sent++
	return d.yield(e, nil)
}

func (d *streamDecoder) fail(f *fault.Fault) bool {
	d.done = true
	d.send(llm.Event{Kind: llm.EventFault, Fault: f})
	return false
}

func (d *streamDecoder) frame(data []byte) bool {
	if len(data) < 16 && string(bytes.TrimSpace(data)) == "[DONE]" {
		return true // not Google's, but others speak this dialect
	}
	if err := rawjson.Check(data); err != nil {
		return d.fail(garbage("the provider's stream holds an event that is not JSON", err))
	}
	if rawjson.Kind(data) == '[' {
		for _, e := range rawjson.Elems(data) {
			if !d.chunk(e) {
				return false
			}
		}
		return true
	}
	return d.chunk(data)
}

var needleError = []byte(`"error"`)

func (d *streamDecoder) chunk(data []byte) bool {
	if bytes.Contains(data, needleError) && isError(data) {
		return d.fail(generate{}.ReadFault(0, nil, data))
	}
	before := d.sent
	if !d.started && !d.start(data) {
		return false
	}
	var usage []byte
	for name, v := range rawjson.Members(data) {
		switch string(name) {
		case "candidates":
			for i, e := range rawjson.Elems(v) {
				at, err := choiceOf(e, i)
				if err != nil {
					return d.fail(fault.Of(err))
				}
				if !d.candidate(at, e) {
					return false
				}
			}
		case "usageMetadata":
			usage = v
		case "responseId", "modelVersion":
		case "createTime":
			if decodeTime(v) == "" {
				d.keep(name, v)
			}
		case "promptFeedback":
			d.feedback = bytes.Clone(v)
		default:
			d.keep(name, v)
		}
	}
	if d.counts.take(usage) {
		u := d.counts.usage()
		if !d.send(llm.Event{Kind: llm.EventUsage, Usage: &u}) {
			return false
		}
	}
	return d.sent > before || d.send(llm.Event{Kind: llm.EventPing}) // every frame shows that the stream lives
}

func (d *streamDecoder) keep(name, v []byte) {
	if !rawjson.IsNull(v) {
		d.extra = dialect.With(d.extra, string(name), bytes.Clone(v))
	}
}

func (d *streamDecoder) start(data []byte) bool {
	d.started = true
	e := llm.Event{Kind: llm.EventStart, From: llm.GeminiGenerate}
	for name, v := range rawjson.Members(data) {
		switch string(name) {
		case "responseId":
			e.ID = rawjson.Text(v)
		case "modelVersion":
			e.Model = rawjson.Text(v)
		case "createTime":
			e.Created = decodeTime(v)
		}
	}
	d.ids.answer = e.ID
	return d.send(e)
}

func (d *streamDecoder) choice(at int) *streamedChoice {
	for len(d.choices) <= at {
		d.choices = append(d.choices, streamedChoice{})
	}
	return &d.choices[at]
}

// eof ends a stream whose frames have ended.
func (d *streamDecoder) eof() {
	if d.done {
		return
	}
	stop, isBlocked := blocked(d.feedback)
	ended := false
	for i := range d.choices {
		ended = ended || d.choices[i].word != ""
	}
	if !ended && !isBlocked {
		d.fail(&fault.Fault{Kind: fault.Cut, Origin: fault.There, Message: "the provider's stream ended before the answer did"})
		return
	}
	for i := range d.choices {
		if c := &d.choices[i]; c.seen && !d.finish(i, c) {
			return
		}
	}
	if isBlocked && len(d.choices) == 0 {
		if !d.send(llm.Event{Kind: llm.EventStop, Stop: stop}) {
			return
		}
	} else if d.feedback != nil {
		d.keep([]byte("promptFeedback"), d.feedback)
	}
	d.done = true
	d.send(llm.Event{Kind: llm.EventEnd, Extra: d.extra, Tier: d.counts.tier})
}

// collectArray reads a stream that came whole.
func collectArray(body []byte) (*llm.Response, error) {
	resp, err := llm.Collect(llm.GeminiGenerate, codec{}.DecodeStream(frame.Elements(bytes.NewReader(body), nil, len(body))))
	if err != nil {
		return nil, garbage("the provider's answer cannot be read", err)
	}
	if resp.Fault != nil {
		return nil, resp.Fault
	}
	return resp, nil
}
