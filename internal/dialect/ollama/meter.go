package ollama

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/rawjson"
)

// Meter implements dialect.Dialect.
func (chat) Meter() dialect.Meter { return &meter{} }

type meter struct{ reading dialect.Reading }

var (
	needleDone     = []byte(`"done"`)
	needleError    = []byte(`"error"`)
	needleContent  = []byte(`"content"`)
	needleThinking = []byte(`"thinking"`)
	needleCalls    = []byte(`"tool_calls"`)
	needleImages   = []byte(`"images"`)
)

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.reading }

// Frame implements dialect.Meter. A quote within a string is escaped, so no text can hold a needle. The last line may
// lack its end.
func (m *meter) Frame(f frame.Frame) {
	if len(f.Data) == 0 || m.reading.Ended || f.Tail && rawjson.Check(f.Data) != nil {
		return
	}
	if m.reading.Model == "" {
		m.reading.Model = rawjson.Text(rawjson.Get(f.Data, "model"))
	}
	if !m.reading.Began {
		for _, needle := range [...][]byte{needleContent, needleThinking, needleCalls, needleImages} {
			if stated(f.Data, needle, 0) {
				m.reading.Began = true
				break
			}
		}
	}
	if stated(f.Data, needleDone, 't') && rawjson.Check(f.Data) == nil {
		m.done(f.Data)
	}
	if m.reading.Fault == nil && stated(f.Data, needleError, 0) && isError(f.Data) && rawjson.Check(f.Data) == nil {
		m.reading.Fault = chat{}.ReadFault(0, nil, f.Data)
	}
}

// stated reports whether there is a member of that name whose value says something: not null, and neither an empty text nor
// an empty list. begins is how the value must begin, 0 = in any way.
func stated(data, needle []byte, begins byte) bool {
	for {
		i := bytes.Index(data, needle)
		if i < 0 {
			return false
		}
		data = data[i+len(needle):]
		i = rawjson.Space(data, 0)
		if i >= len(data) || data[i] != ':' {
			continue
		}
		if i = rawjson.Space(data, i+1); i+1 >= len(data) {
			return false
		}
		switch c := data[i]; {
		case begins != 0 && c != begins:
		case c == 'n', c == '"' && data[i+1] == '"', c == '[' && rawjson.Kind(data[i+1:]) == ']':
		default:
			return true
		}
	}
}

// done takes the last line of a stream, or a whole answer.
func (m *meter) done(v []byte) {
	var o dialect.Object
	o.Read(v)
	if on, _ := rawjson.Bool(o.Take("done")); !on {
		return
	}
	if u := takeUsage(&o); u != nil {
		m.reading.Usage = u
	}
	m.reading.Stop = decodeStop(rawjson.Text(o.Take("done_reason")), false)
	m.reading.Ended = true
}

// Body implements dialect.Meter.
func (m *meter) Body(b []byte) {
	if err := rawjson.Check(b); err != nil {
		m.reading.Fault = dialect.Garbage("the provider's answer is not JSON", err)
		return
	}
	message := rawjson.Get(b, "message")
	if isError(b) || rawjson.Kind(message) != '{' {
		m.reading.Fault = chat{}.ReadFault(0, nil, b)
		return
	}
	m.reading.Model = rawjson.Text(rawjson.Get(b, "model"))
	for name, v := range rawjson.Members(message) {
		switch string(name) {
		case "content", "thinking", "tool_calls", "images":
			m.reading.Began = m.reading.Began || dialect.Says(v)
		}
	}
	var o dialect.Object
	o.Read(b)
	m.reading.Usage = takeUsage(&o)
	m.reading.Stop = decodeStop(rawjson.Text(o.Take("done_reason")), false)
	m.reading.Ended = true
}

// isError recognises an error in place of a line or an answer.
func isError(v []byte) bool { return dialect.Says(rawjson.Get(v, "error")) }
