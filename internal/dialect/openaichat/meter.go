package openaichat

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Meter implements dialect.Dialect.
func (chat) Meter() dialect.Meter { return &meter{} }

type meter struct {
	teller openai.Teller
	r      dialect.Reading
	head   bool // id and model are known
}

var (
	needleUsage = []byte(`"usage"`)
	differs     = []byte(`"delta":`) // where frames begin to
)

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. A quote within a string is escaped, so no text can hold a needle.
func (m *meter) Frame(f frame.Frame) {
	if f.Tail || len(f.Data) == 0 || m.r.Ended {
		return
	}
	if openai.IsDone(f.Data) {
		m.r.Ended = true
		return
	}
	if !m.head {
		m.readHead(f.Data)
	}
	if !m.r.Began {
		m.r.Began = hasSubstance(f.Data)
	}
	told := m.teller.Tells(f.Data, differs)
	if told.Usage {
		m.readUsage(f.Data)
		m.r.Tier = dialect.TierWord(rawjson.Get(f.Data, "service_tier"))
	}
	if m.r.Stop.Native == "" && told.Finish {
		m.readStop(f.Data)
	}
	if m.r.Fault == nil && (f.Event == "error" || told.Error || bytes.HasPrefix(f.Data, objectError)) {
		m.readFault(f)
	}
}

var objectError = []byte(`{"object":"error"`)

func (m *meter) readHead(data []byte) {
	for name, v := range rawjson.Members(data) {
		switch string(name) {
		case "id":
			if m.r.ID == "" {
				m.r.ID = word(v)
			}
		case "model":
			m.r.Model = rawjson.Text(v)
		}
	}
	m.head = m.r.Model != ""
}

// readUsage takes the usage of a frame or, where it has none, that which Groq puts beside its own id.
func (m *meter) readUsage(data []byte) {
	u := openai.DecodeUsage(rawjson.Get(data, "usage"))
	if u == nil {
		u = openai.DecodeUsage(rawjson.Get(data, "x_groq", "usage"))
	}
	if u == nil {
		return
	}
	for name, raw := range u.Extra { // the frame's memory is not ours
		u.Extra[name] = bytes.Clone(raw)
	}
	if m.r.Usage == nil {
		m.r.Usage = &llm.Usage{}
	}
	m.r.Usage.Merge(u)
}

func (m *meter) readStop(data []byte) {
	for i, c := range rawjson.Elems(rawjson.Get(data, "choices")) {
		n, ok := rawjson.Int(rawjson.Get(c, "index"))
		if ok && n != 0 || !ok && i != 0 {
			continue
		}
		if s := openai.DecodeStop(rawjson.Get(c, "finish_reason")); s.Native != "" {
			m.r.Stop = s
		}
	}
}

func (m *meter) readFault(f frame.Frame) {
	v := rawjson.Get(f.Data, "error")
	if k := rawjson.Kind(v); k == '{' || k == '"' || f.Event == "error" || bytes.HasPrefix(f.Data, objectError) {
		m.r.Fault = openai.ReadFault(0, nil, f.Data)
	}
}

// hasSubstance reports whether a frame brings a piece of an answer: more than a role, and not empty.
func hasSubstance(data []byte) bool {
	for _, c := range rawjson.Elems(rawjson.Get(data, "choices")) {
		for name, v := range rawjson.Members(c) {
			if n := string(name); n == "delta" || n == "message" {
				for inner, val := range rawjson.Members(v) {
					switch string(inner) {
					case "content", "reasoning_content", "reasoning", "reasoning_details", "refusal", "tool_calls",
						"function_call", "audio", "images", "annotations":
						if !openai.Nothing(val) {
							return true
						}
					}
				}
			}
		}
	}
	return false
}

// Body implements dialect.Meter.
func (m *meter) Body(body []byte) {
	m.r.Began, m.r.Ended = true, true
	choices := false
	for name, v := range rawjson.Members(body) {
		switch string(name) {
		case "id":
			m.r.ID = word(v)
		case "model":
			m.r.Model = rawjson.Text(v)
		case "choices":
			choices = true
		case "service_tier":
			m.r.Tier = dialect.TierWord(v)
		case "error":
			if k := rawjson.Kind(v); k == '{' || k == '"' {
				m.r.Fault = openai.ReadFault(0, nil, body)
			}
		}
	}
	if bytes.Contains(body, needleUsage) {
		m.readUsage(body)
	}
	m.readStop(body)
	if m.r.Fault == nil && !choices && openai.IsError(body) {
		m.r.Fault = openai.ReadFault(0, nil, body)
	}
}
