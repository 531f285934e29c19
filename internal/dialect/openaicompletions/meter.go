package openaicompletions

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Meter implements dialect.Dialect.
func (completions) Meter() dialect.Meter { return &meter{} }

type meter struct {
	teller openai.Teller
	r      dialect.Reading
	head   bool // id and model are known
}

var (
	needleUsage = []byte(`"usage"`)
	differs     = []byte(`"text":`) // where frames begin to
	objectError = []byte(`{"object":"error"`)
)

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. A quote within a string is escaped, so no text can hold a needle; the tokens of log
// probabilities are names of members too, and so a frame that seems to hold a needle is read to be sure.
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
	}
	if m.r.Stop.Native == "" && told.Finish {
		m.readStop(f.Data)
	}
	if m.r.Fault == nil && (f.Event == "error" || told.Error || bytes.HasPrefix(f.Data, objectError)) {
		if isFault(f) {
			m.r.Fault = openai.ReadFault(0, nil, f.Data)
		}
	}
}

// isFault reports whether a frame is an error in place of a piece of the answer.
func isFault(f frame.Frame) bool {
	k := rawjson.Kind(rawjson.Get(f.Data, "error"))
	return k == '{' || k == '"' || f.Event == "error" || bytes.HasPrefix(f.Data, objectError)
}

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

// word reads an id, which some send as a number.
func word(v []byte) string {
	if s, ok := rawjson.String(v); ok {
		return s
	}
	return rawjson.Num(v)
}

func (m *meter) readUsage(data []byte) {
	u := openai.DecodeUsage(rawjson.Get(data, "usage"))
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

// hasSubstance reports whether a frame brings a piece of text.
func hasSubstance(data []byte) bool {
	for name, v := range rawjson.Members(data) {
		switch string(name) {
		case "choices":
			for _, c := range rawjson.Elems(v) {
				for inner, val := range rawjson.Members(c) {
					if string(inner) == "text" && len(val) > 2 {
						return true
					}
				}
			}
		case "value":
			if rawjson.Kind(v) == '"' && len(v) > 2 {
				return true
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
