package anthropic

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Meter implements dialect.Dialect.
func (messages) Meter() dialect.Meter { return &meter{} }

type meter struct {
	reading dialect.Reading
	counts  counts
	usage   llm.Usage
}

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.reading }

// Frame implements dialect.Meter. Deltas, which are most of a stream, are known by how they begin and not looked into.
func (m *meter) Frame(f frame.Frame) {
	if f.Tail || len(f.Data) == 0 {
		return
	}
	switch eventType(f) {
	case "content_block_start", "content_block_delta":
		m.reading.Began = true
	case "message_start":
		if rawjson.Check(f.Data) == nil {
			m.message(rawjson.Get(f.Data, "message"))
		}
	case "message_delta":
		if rawjson.Check(f.Data) != nil {
			return
		}
		m.stop(rawjson.Get(f.Data, "delta"))
		m.count(rawjson.Get(f.Data, "usage"))
	case "message_stop":
		m.reading.Ended = true
	case "error":
		m.reading.Fault = messages{}.ReadFault(0, nil, f.Data)
	}
}

// Body implements dialect.Meter.
func (m *meter) Body(b []byte) {
	if err := rawjson.Check(b); err != nil {
		m.reading.Fault = garbage("the provider's answer is not JSON", err)
		return
	}
	if isError(b) {
		m.reading.Fault = messages{}.ReadFault(0, nil, b)
		return
	}
	m.message(b)
	m.stop(b)
	for range rawjson.Elems(rawjson.Get(b, "content")) {
		m.reading.Began = true
		break
	}
	m.reading.Ended = true
}

func (m *meter) message(v []byte) {
	var usage []byte
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "id":
			m.reading.ID = rawjson.Text(val)
		case "model":
			m.reading.Model = rawjson.Text(val)
		case "usage":
			usage = val
		}
	}
	m.count(usage)
}

func (m *meter) stop(v []byte) {
	var word, sequence string
	var details []byte
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "stop_reason":
			word = rawjson.Text(val)
		case "stop_sequence":
			sequence = rawjson.Text(val)
		case "stop_details":
			details = val
		}
	}
	if word != "" {
		m.reading.Stop = decodeStop(word, sequence, details)
	}
}

func (m *meter) count(v []byte) {
	if rawjson.Kind(v) != '{' {
		return
	}
	m.counts.take(v)
	m.usage = m.counts.usage()
	m.reading.Usage = &m.usage
}

// isError reports whether an answer is an error in spite of its status.
func isError(v []byte) bool {
	e := rawjson.Get(v, "error")
	return rawjson.Kind(e) == '{' || rawjson.Kind(e) == '"' || rawjson.Text(rawjson.Get(v, "type")) == "error"
}

// garbage is the fault of an answer that cannot be read.
func garbage(message string, cause error) *fault.Fault {
	return &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: message, Cause: cause}
}

var typeFirst = []byte(`{"type":"`)

// eventType returns the type of a streamed event, which its data tells and, where they are silent, the frame's name.
func eventType(f frame.Frame) string {
	if rest, ok := bytes.CutPrefix(f.Data, typeFirst); ok {
		if before, _, ok := bytes.Cut(rest, []byte{'"'}); ok {
			return word(before)
		}
	}
	if v := rawjson.Get(f.Data, "type"); len(v) > 2 && v[0] == '"' {
		return word(v[1 : len(v)-1])
	}
	return f.Event
}

// word returns the known event types without allocating.
func word(b []byte) string {
	switch string(b) {
	case "content_block_delta":
		return "content_block_delta"
	case "content_block_start":
		return "content_block_start"
	case "content_block_stop":
		return "content_block_stop"
	case "message_start":
		return "message_start"
	case "message_delta":
		return "message_delta"
	case "message_stop":
		return "message_stop"
	case "ping":
		return "ping"
	case "error":
		return "error"
	}
	return string(b)
}
