package cohere

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/rawjson"
)

// Meter implements dialect.Dialect.
func (chat) Meter() dialect.Meter { return &meter{} }

type meter struct{ reading dialect.Reading }

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.reading }

// Frame implements dialect.Meter. Deltas, which are most of a stream, are known by their type and not looked into.
func (m *meter) Frame(f frame.Frame) {
	if f.Tail || len(f.Data) == 0 || m.reading.Ended {
		return
	}
	switch eventType(f) {
	case eventContentDelta, eventContentStart, eventPlanDelta, eventCallStart, eventCallDelta:
		m.reading.Began = true
	case eventMessageStart:
		if rawjson.Check(f.Data) == nil {
			m.head(f.Data)
		}
	case eventMessageEnd:
		if rawjson.Check(f.Data) == nil {
			m.end(f.Data)
		}
	case "":
		if isError(f.Data) && rawjson.Check(f.Data) == nil {
			m.reading.Fault = chat{}.ReadFault(0, nil, f.Data)
		}
	}
}

func (m *meter) head(v []byte) {
	if m.reading.ID == "" {
		m.reading.ID = rawjson.Text(rawjson.Get(v, "id"))
	}
	if m.reading.Model == "" {
		m.reading.Model = rawjson.Text(rawjson.Get(v, "model"))
	}
}

func (m *meter) end(v []byte) {
	m.head(v)
	m.reading.Ended = true
	delta := rawjson.Get(v, "delta")
	m.reading.Usage = decodeUsage(rawjson.Get(delta, "usage"))
	m.finish(rawjson.Text(rawjson.Get(delta, "finish_reason")), rawjson.Text(rawjson.Get(delta, "error")))
}

func (m *meter) finish(word, message string) {
	if f := failed(word, message); f != nil {
		m.reading.Fault = f
	}
	m.reading.Stop = decodeStop(word, false)
}

// Body implements dialect.Meter.
func (m *meter) Body(b []byte) {
	if err := rawjson.Check(b); err != nil {
		m.reading.Fault = dialect.Garbage("the provider's answer is not JSON", err)
		return
	}
	message := rawjson.Get(b, "message")
	if rawjson.Kind(message) != '{' {
		m.reading.Fault = chat{}.ReadFault(0, nil, b)
		return
	}
	m.head(b)
	for name, v := range rawjson.Members(message) {
		switch string(name) {
		case "content", "tool_plan", "tool_calls":
			m.reading.Began = m.reading.Began || dialect.Says(v)
		}
	}
	m.reading.Usage = decodeUsage(rawjson.Get(b, "usage"))
	m.finish(rawjson.Text(rawjson.Get(b, "finish_reason")), "")
	m.reading.Ended = true
}

// isError recognises an error in place of an event or an answer: its message is a text.
func isError(v []byte) bool {
	if rawjson.Kind(v) != '{' {
		return false
	}
	return rawjson.Kind(rawjson.Get(v, "message")) == '"' || !rawjson.IsNull(rawjson.Get(v, "error"))
}

// The types of events in a stream.
const (
	eventMessageStart  = "message-start"
	eventContentStart  = "content-start"
	eventContentDelta  = "content-delta"
	eventContentEnd    = "content-end"
	eventPlanDelta     = "tool-plan-delta"
	eventCallStart     = "tool-call-start"
	eventCallDelta     = "tool-call-delta"
	eventCallEnd       = "tool-call-end"
	eventCitationStart = "citation-start"
	eventCitationEnd   = "citation-end"
	eventMessageEnd    = "message-end"
	eventOther         = "other" // of a type that is not known
)

var typeFirst = []byte(`{"type":"`)

// eventType returns the type of a streamed event without allocating: by how its data begin, by the frame's name, or by
// the member; "" where none of them tells.
func eventType(f frame.Frame) string {
	if rest, ok := bytes.CutPrefix(f.Data, typeFirst); ok {
		if before, _, ok := bytes.Cut(rest, []byte{'"'}); ok {
			return word(before)
		}
	}
	if len(f.Event) > 0 {
		if t := word([]byte(f.Event)); t != eventOther {
			return t
		}
	}
	if v := rawjson.Get(f.Data, "type"); len(v) > 2 && v[0] == '"' {
		return word(v[1 : len(v)-1])
	}
	return ""
}

func word(b []byte) string {
	switch string(b) {
	case eventContentDelta:
		return eventContentDelta
	case eventMessageStart:
		return eventMessageStart
	case eventContentStart:
		return eventContentStart
	case eventContentEnd:
		return eventContentEnd
	case eventPlanDelta:
		return eventPlanDelta
	case eventCallStart:
		return eventCallStart
	case eventCallDelta:
		return eventCallDelta
	case eventCallEnd:
		return eventCallEnd
	case eventCitationStart:
		return eventCitationStart
	case eventCitationEnd:
		return eventCitationEnd
	case eventMessageEnd:
		return eventMessageEnd
	}
	return eventOther
}
