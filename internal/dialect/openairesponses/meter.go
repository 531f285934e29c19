package openairesponses

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Meter implements dialect.Dialect.
func (responses) Meter() dialect.Meter { return &meter{} }

type meter struct {
	reading dialect.Reading
	usage   llm.Usage
}

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.reading }

// Frame implements dialect.Meter. Events are known by their types; only the first and the last are looked into.
func (m *meter) Frame(f frame.Frame) {
	if f.Tail || len(f.Data) == 0 || m.reading.Ended {
		return
	}
	switch eventType(f) {
	case evCreated, evQueued, evInProgress:
		if m.reading.Model == "" && rawjson.Check(f.Data) == nil {
			m.head(rawjson.Get(f.Data, "response"))
		}
	case evCompleted, evIncomplete, evFailed, evCancelled:
		if rawjson.Check(f.Data) == nil {
			m.response(rawjson.Get(f.Data, "response"))
			m.reading.Ended = true
		}
	case evError:
		if m.reading.Fault == nil {
			m.reading.Fault = responses{}.ReadFault(0, nil, f.Data)
		}
	case evDone:
		m.reading.Ended = true
	case evOther:
		if rawjson.Check(f.Data) == nil && isError(f.Data) && m.reading.Fault == nil {
			m.reading.Fault = responses{}.ReadFault(0, nil, f.Data)
		}
	default: // items and their parts
		m.reading.Began = true
	}
}

// Body implements dialect.Meter.
func (m *meter) Body(b []byte) {
	if err := rawjson.Check(b); err != nil {
		m.reading.Fault = dialect.Garbage("the provider's answer is not JSON", err)
		return
	}
	m.response(b)
	if m.reading.Fault == nil && isError(b) {
		m.reading.Fault = responses{}.ReadFault(0, nil, b)
	}
	if m.reading.Fault == nil {
		m.reading.Began, m.reading.Ended = true, true
	}
}

func (m *meter) head(v []byte) {
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "id":
			m.reading.ID = rawjson.Text(val)
		case "model":
			m.reading.Model = rawjson.Text(val)
		}
	}
}

func (m *meter) response(v []byte) {
	m.head(v)
	var usage, tools, output, status, details, failure []byte
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "usage":
			usage = val
		case "tool_usage":
			tools = val
		case "output":
			output = val
		case "status":
			status = val
		case "incomplete_details":
			details = val
		case "error":
			failure = val
		case "service_tier":
			m.reading.Tier = dialect.TierWord(val)
		}
	}
	if u := decodeUsage(usage, tools); u != nil {
		for name, raw := range u.Extra { // the frame's memory is not ours
			u.Extra[name] = bytes.Clone(raw)
		}
		m.usage = *u
		m.reading.Usage = &m.usage
	}
	if rawjson.Kind(failure) == '{' || rawjson.Text(status) == "failed" {
		if m.reading.Fault == nil {
			m.reading.Fault = readFailure(v)
		}
		return
	}
	calls, refused := demands(output)
	m.reading.Stop = decodeStop(rawjson.Text(status), rawjson.Text(rawjson.Get(details, "reason")), calls, refused)
}

// isError reports whether an answer is an error in spite of its status. A response has an error too, null mostly.
func isError(v []byte) bool {
	e := rawjson.Get(v, "error")
	return rawjson.Kind(e) == '{' || rawjson.Kind(e) == '"' || rawjson.Text(rawjson.Get(v, "type")) == "error"
}

// The types of events, as far as they are told apart.
type event uint8

const (
	evOther event = iota
	evCreated
	evQueued
	evInProgress
	evCompleted
	evIncomplete
	evFailed
	evCancelled
	evError
	evDone // no event: [DONE], which some end with
	evItemAdded
	evItemDone
	evPartAdded
	evPartDone
	evTextDelta
	evTextDone
	evRefusalDelta
	evRefusalDone
	evAnnotation
	evSummaryAdded
	evSummaryPartDone
	evSummaryDelta
	evSummaryDone
	evReasoningDelta
	evReasoningDone
	evArgsDelta
	evArgsDone
	evInputDelta
	evInputDone
	evItemNews // of an item of any other kind
)

var typeFirst = []byte(`{"type":"`)

// eventType returns the type of an event, which its data tells and, where they are silent, the frame's name.
func eventType(f frame.Frame) event {
	if rest, ok := bytes.CutPrefix(f.Data, typeFirst); ok {
		if name, _, ok := bytes.Cut(rest, []byte{'"'}); ok {
			return eventOf(name)
		}
	}
	if v := rawjson.Get(f.Data, "type"); len(v) > 2 && v[0] == '"' {
		return eventOf(v[1 : len(v)-1])
	}
	if len(f.Data) < 16 && string(bytes.TrimSpace(f.Data)) == "[DONE]" {
		return evDone
	}
	return eventNamed(f.Event)
}

func eventNamed(name string) event {
	if e, ok := events[name]; ok {
		return e
	}
	return evOther
}

var (
	responseDot = []byte("response.")
	callDot     = []byte("_call.")
	callCode    = []byte("_call_")
	listTools   = []byte("mcp_list_tools.")
)

func eventOf(name []byte) event {
	if e, ok := events[string(name)]; ok {
		return e
	}
	rest, ok := bytes.CutPrefix(name, responseDot)
	if ok && (bytes.Contains(rest, callDot) || bytes.Contains(rest, callCode) || bytes.HasPrefix(rest, listTools)) {
		return evItemNews
	}
	return evOther
}

var events = map[string]event{
	"response.created":                       evCreated,
	"response.queued":                        evQueued,
	"response.in_progress":                   evInProgress,
	"response.completed":                     evCompleted,
	"response.incomplete":                    evIncomplete,
	"response.failed":                        evFailed,
	"response.cancelled":                     evCancelled,
	"error":                                  evError,
	"response.error":                         evError,
	"response.output_item.added":             evItemAdded,
	"response.output_item.done":              evItemDone,
	"response.content_part.added":            evPartAdded,
	"response.content_part.done":             evPartDone,
	"response.output_text.delta":             evTextDelta,
	"response.output_text.done":              evTextDone,
	"response.refusal.delta":                 evRefusalDelta,
	"response.refusal.done":                  evRefusalDone,
	"response.output_text.annotation.added":  evAnnotation,
	"response.reasoning_summary_part.added":  evSummaryAdded,
	"response.reasoning_summary_part.done":   evSummaryPartDone,
	"response.reasoning_summary_text.delta":  evSummaryDelta,
	"response.reasoning_summary_text.done":   evSummaryDone,
	"response.reasoning_text.delta":          evReasoningDelta,
	"response.reasoning_text.done":           evReasoningDone,
	"response.function_call_arguments.delta": evArgsDelta,
	"response.function_call_arguments.done":  evArgsDone,
	"response.custom_tool_call_input.delta":  evInputDelta,
	"response.custom_tool_call_input.done":   evInputDone,
}
