package converse

import (
	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// The types of streamed events.
const (
	eventStart      = "messageStart"
	eventBlockStart = "contentBlockStart"
	eventDelta      = "contentBlockDelta"
	eventBlockStop  = "contentBlockStop"
	eventStop       = "messageStop"
	eventMetadata   = "metadata"
)

// Meter implements dialect.Dialect.
func (converse) Meter() dialect.Meter { return &meter{} }

type meter struct {
	reading dialect.Reading
	usage   llm.Usage
}

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.reading }

// Frame implements dialect.Meter. An event's type stands in its headers, so that deltas are not looked into.
func (m *meter) Frame(f frame.Frame) {
	switch {
	case f.Tail:
	case f.Failed:
		m.reading.Fault = readFault(0, nil, f.Event, f.Data)
	case f.Event == eventDelta, f.Event == eventBlockStart:
		m.reading.Began = true
	case f.Event == eventStop:
		if rawjson.Check(f.Data) == nil {
			m.stop(f.Data)
		}
	case f.Event == eventMetadata:
		if rawjson.Check(f.Data) == nil {
			m.count(f.Data)
			m.reading.Ended = true
		}
	}
}

// Body implements dialect.Meter.
func (m *meter) Body(b []byte) {
	if f := wrong(b); f != nil {
		m.reading.Fault = f
		return
	}
	m.stop(b)
	m.count(b)
	for range rawjson.Elems(rawjson.Get(b, "output", "message", "content")) {
		m.reading.Began = true
		break
	}
	m.reading.Ended = true
}

func (m *meter) stop(v []byte) {
	var word string
	var fields []byte
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "stopReason":
			word = rawjson.Text(val)
		case responseFields:
			fields = val
		}
	}
	if word != "" {
		m.reading.Stop, _ = decodeStop(word, fields)
	}
}

// count reads the usage and the tier beside it.
func (m *meter) count(v []byte) {
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "usage":
			if rawjson.Kind(val) == '{' {
				m.usage = decodeUsage(val)
				m.reading.Usage = &m.usage
			}
		case "serviceTier":
			m.reading.Tier = dialect.TierWord(rawjson.Get(val, "type"))
		}
	}
}

// wrong returns the fault of a whole answer that is none.
func wrong(body []byte) *fault.Fault {
	if err := rawjson.Check(body); err != nil {
		return dialect.Garbage("the provider's answer is not JSON", err)
	}
	if rawjson.Kind(rawjson.Get(body, "output")) == '{' {
		return nil
	}
	for _, name := range [...]string{"message", "Message", "__type", "Output", "error"} {
		if rawjson.Get(body, name) != nil {
			return readFault(0, nil, "", body)
		}
	}
	return dialect.Garbage("the provider's answer has no output", nil)
}
