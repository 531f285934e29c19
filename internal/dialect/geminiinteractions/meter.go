package geminiinteractions

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Meter implements dialect.Dialect.
func (d interactions) Meter() dialect.Meter { return &meter{d: d} }

type meter struct {
	d     interactions
	r     dialect.Reading
	usage llm.Usage
}

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. Events are known by their names; those of steps are not looked into, for the usage that
// some of them tell so far is told again at the end, unless the end does not come: then the last such counts.
func (m *meter) Frame(f frame.Frame) {
	if f.Tail || len(f.Data) == 0 || m.r.Ended {
		return
	}
	if isDone(f.Data) {
		m.r.Ended = true
		return
	}
	event := f.Event
	if event == "" {
		event = rawjson.Text(rawjson.Get(f.Data, "event_type"))
	}
	switch event {
	case "interaction.created", "interaction.start", "interaction.completed", "interaction.complete":
		m.interaction(rawjson.Get(f.Data, "interaction"))
	case "interaction.status_update":
		m.status(rawjson.Text(rawjson.Get(f.Data, "status")), f.Data)
	case "error":
		if m.r.Fault == nil {
			m.r.Fault = m.d.ReadFault(0, nil, f.Data)
		}
	case "done":
		m.r.Ended = true
	case "step.delta", "content.delta":
		m.r.Began = true
	}
	if bytes.Contains(f.Data, []byte(`"metadata"`)) {
		m.count(rawjson.Get(f.Data, "metadata", "usage"))
	}
}

// Body implements dialect.Meter.
func (m *meter) Body(b []byte) {
	if e := rawjson.Kind(rawjson.Get(b, "error")); (e == '{' || e == '"') && rawjson.Get(b, "id") == nil {
		m.r.Fault = m.d.ReadFault(0, nil, b)
		return
	}
	m.r.Began, m.r.Ended = true, true
	m.interaction(b)
}

func (m *meter) interaction(v []byte) {
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "id":
			m.r.ID = rawjson.Text(val)
		case "model", "agent":
			if s := rawjson.Text(val); s != "" {
				m.r.Model = s
			}
		case "usage":
			m.count(val)
		case "status":
			m.status(rawjson.Text(val), v)
		case "service_tier":
			m.r.Tier = dialect.TierWord(val)
		}
	}
}

// status reads how an interaction stands; v is what a failed one tells its error in.
func (m *meter) status(word string, v []byte) {
	s := llm.Stop{Native: word}
	switch word {
	case "completed":
		s.Reason = llm.StopEnd
	case "requires_action":
		s.Reason = llm.StopCalls
	case "incomplete":
		s.Reason = llm.StopLength
	case "failed":
		s.Reason = llm.StopError
		if m.r.Fault == nil && rawjson.Kind(rawjson.Get(v, "error")) == '{' {
			m.r.Fault = m.d.ReadFault(0, nil, v)
		}
	case "cancelled":
		s.Reason = llm.StopError
	default: // it runs
		return
	}
	m.r.Stop = s
}

// count reads a usage. Thoughts stand beside the output there, and what tools read beside the input.
func (m *meter) count(v []byte) {
	if rawjson.Kind(v) != '{' {
		return
	}
	var u llm.Usage
	var tools, output int64
	for name, raw := range rawjson.Members(v) {
		n, ok := rawjson.Int(raw)
		if ok && n < 0 {
			continue
		}
		switch string(name) {
		case "total_input_tokens":
			u.Input, u.Said = n, u.Said|llm.SaidInput
		case "total_cached_tokens":
			u.CacheRead, u.Said = n, u.Said|llm.SaidCacheRead
		case "total_output_tokens":
			output, u.Said = n, u.Said|llm.SaidOutput
		case "total_thought_tokens", "total_reasoning_tokens":
			u.Reasoning, u.Said = n, u.Said|llm.SaidReasoning|llm.SaidOutput
		case "total_tool_use_tokens":
			tools, u.Said = n, u.Said|llm.SaidToolInput|llm.SaidInput
		case "total_tokens":
			u.Total, u.Said = n, u.Said|llm.SaidTotal
		case "input_tokens_by_modality":
			u.InputAudio, u.InputImage = modalities(raw)
			u.Said |= llm.SaidInputAudio | llm.SaidInputImage
		case "output_tokens_by_modality":
			u.OutputAudio, u.OutputImage = modalities(raw)
			u.Said |= llm.SaidOutputAudio | llm.SaidOutputImage
		case "grounding_tool_count":
			u.Searches, u.Said = searches(raw), u.Said|llm.SaidSearches
		}
	}
	u.ToolInput, u.Input = tools, u.Input+tools
	u.Output = output + u.Reasoning
	if u.Said != 0 {
		m.usage = u
		m.r.Usage = &m.usage
	}
}

// modalities reads the counts of sounds and images; texts are what remains.
func modalities(v []byte) (audio, image int64) {
	for _, e := range rawjson.Elems(v) {
		n, ok := rawjson.Int(rawjson.Get(e, "tokens"))
		if !ok || n < 0 {
			continue
		}
		switch rawjson.Text(rawjson.Get(e, "modality")) {
		case "audio":
			audio += n
		case "image":
			image += n
		}
	}
	return audio, image
}

// searches counts what the provider looked up on the web.
func searches(v []byte) (n int64) {
	for _, e := range rawjson.Elems(v) {
		if c, ok := rawjson.Int(rawjson.Get(e, "count")); ok && c > 0 && rawjson.Text(rawjson.Get(e, "type")) == "google_search" {
			n += c
		}
	}
	return n
}
