package gemini

import (
	"bytes"
	"strings"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Meter implements dialect.Dialect.
func (generate) Meter() dialect.Meter { return &meter{} }

type meter struct {
	reading dialect.Reading
	counts  counts
	usage   llm.Usage
	called  bool // the first candidate has calls for the client
}

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.reading }

var (
	needleFinish = []byte(`"finishReason"`)
	needleCall   = []byte(`"functionCall"`)
	needleInline = []byte(`"inlineData"`)
)

// Frame implements dialect.Meter. Only what stands on top is looked at: every chunk states its usage, which is compared
// with the last one as text; candidates are looked into until the answer began, and where they end.
func (m *meter) Frame(f frame.Frame) {
	if !f.Tail && len(f.Data) > 0 {
		m.chunk(f.Data)
	}
}

func (m *meter) chunk(data []byte) {
	data = first(data)
	var feedback []byte
	for name, v := range rawjson.Members(data) {
		switch string(name) {
		case "candidates":
			m.candidates(v)
		case "usageMetadata":
			m.count(v)
		case "modelVersion":
			if !says(v, m.reading.Model) {
				m.reading.Model = rawjson.Text(v)
			}
		case "responseId":
			if !says(v, m.reading.ID) {
				m.reading.ID = rawjson.Text(v)
			}
		case "promptFeedback":
			feedback = v
		case "error":
			if isError(data) && m.reading.Fault == nil {
				m.reading.Fault = generate{}.ReadFault(0, nil, data)
			}
		}
	}
	if stop, ok := blocked(feedback); ok && m.reading.Stop.Reason == "" {
		m.reading.Stop = stop
		m.reading.Ended = true
	}
}

// says reports whether a member is the string s, without decoding it.
func says(v []byte, s string) bool {
	return len(v) == len(s)+2 && v[0] == '"' && string(v[1:len(v)-1]) == s
}

func (m *meter) candidates(v []byte) {
	calls := !m.called && bytes.Contains(v, needleCall)
	ends := m.reading.Stop.Native == "" && bytes.Contains(v, needleFinish)
	drawn := bytes.Contains(v, needleInline)
	if m.reading.Began && !calls && !ends && !drawn {
		return
	}
	for i, c := range rawjson.Elems(v) {
		var parts, reason, message []byte
		at, ok := rawjson.Int(rawjson.Get(c, "index"))
		if !ok {
			at = int64(i)
		}
		for name, val := range rawjson.Members(c) {
			switch string(name) {
			case "content":
				parts = rawjson.Get(val, "parts")
			case "finishReason":
				reason = val
			case "finishMessage":
				message = val
			}
		}
		for _, p := range rawjson.Elems(parts) {
			m.reading.Began = m.reading.Began || substance(p)
			if drawn && picture(p) {
				m.reading.Made.Images++
			}
			if at == 0 && calls && rawjson.Kind(rawjson.Get(p, "functionCall")) == '{' {
				m.called = true
			}
		}
		if at != 0 || reason == nil || m.reading.Stop.Native != "" {
			continue
		}
		if s := decodeStop(enum(reason, finishReasons), rawjson.Text(message), m.called); s.Native != "" {
			m.reading.Stop, m.reading.Ended = s, true
		}
	}
}

// picture reports whether a part is an image that was made, and no draft that was thought with.
func picture(p []byte) bool {
	if thought, _ := rawjson.Bool(rawjson.Get(p, "thought")); thought {
		return false
	}
	return strings.HasPrefix(rawjson.Text(rawjson.Get(p, "inlineData", "mimeType")), "image/")
}

// substance reports whether a part brings a piece of an answer: more than an empty text.
func substance(p []byte) bool {
	for name, v := range rawjson.Members(p) {
		switch string(name) {
		case "text":
			if s := bytes.TrimSpace(v); len(s) > 2 {
				return true
			}
		case "thought":
		default:
			return true
		}
	}
	return false
}

func (m *meter) count(v []byte) {
	if m.counts.take(v) {
		m.usage = m.counts.usage()
		m.reading.Usage = &m.usage
	}
}

// Body implements dialect.Meter. A stream that came whole, as one array, is an answer too.
func (m *meter) Body(b []byte) {
	if err := rawjson.Check(b); err != nil {
		m.reading.Fault = garbage("the provider's answer is not JSON", err)
		return
	}
	if isError(b) {
		m.reading.Fault = generate{}.ReadFault(0, nil, b)
		return
	}
	for _, chunk := range elems(b) {
		m.chunk(chunk)
	}
	m.reading.Ended = true
}
