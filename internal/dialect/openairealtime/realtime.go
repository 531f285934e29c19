// Package openairealtime passes OpenAI's Realtime sessions (GET /v1/realtime over a WebSocket), in the shape of general
// availability and in the beta's. It has the cheap face only.
//
// The query of the call that opens a session names the model. After that the messages are events, JSON objects with a
// type. Those of the provider pass as they are; what states usage, an error or the session is found by its members and
// parsed only then. Those of the client are read whole, since they can name models: that of the session, which cannot be
// changed, and one that transcribes what the client says.
package openairealtime

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Path is where the dialect is spoken.
const Path = "/v1/realtime"

type realtime struct{}

var _ dialect.Live = realtime{}

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return realtime{} }

// Name implements dialect.Dialect.
func (realtime) Name() llm.Dialect { return llm.OpenAIRealtime }

// First implements dialect.Live.
func (realtime) First() bool { return false }

// Session implements dialect.Live.
func (realtime) Session() dialect.Session { return &session{} }

// Codec implements dialect.Dialect.
func (realtime) Codec() dialect.Codec { return nil }

// Peek implements dialect.Dialect: it reads the query. A name that stands there twice, or in another case, is refused,
// and so is a call that would only listen to a session whose sound goes another way.
func (realtime) Peek(c *dialect.Call) (llm.Head, error) {
	h := llm.Head{Stream: true}
	q, err := url.ParseQuery(c.Query)
	if err != nil {
		return h, &fault.Fault{Kind: fault.Malformed, Message: "the query cannot be read", Cause: err}
	}
	for name, values := range q {
		switch {
		case strings.EqualFold(name, "model") && (name != "model" || len(values) > 1):
			return h, refused("model", "the query must name the model once, as `model`")
		case strings.EqualFold(name, "deployment"):
			return h, refused("deployment", "name the model as `model`; the gateway knows its deployment")
		case strings.EqualFold(name, "call_id"):
			return h, refused("call_id", "the sound of a call does not pass the gateway, so it cannot be governed here; open the session itself over the WebSocket, with ?model=")
		}
	}
	if h.Model = q.Get("model"); h.Model == "" {
		return h, refused("model", "you must name a model in the query: /v1/realtime?model=NAME")
	}
	return h, nil
}

func refused(param, message string) error {
	return &fault.Fault{Kind: fault.Malformed, Message: message, Param: param}
}

// Edit implements dialect.Dialect. The query is written anew.
func (realtime) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	if e.Model != "" {
		q, err := url.ParseQuery(c.Query)
		if err != nil {
			return c, &fault.Fault{Kind: fault.Malformed, Message: "the query cannot be read", Cause: err}
		}
		q.Set("model", e.Model)
		c.Query = q.Encode()
	}
	c.Body = append(dst, c.Body...)
	return c, nil
}

// Fault implements dialect.Dialect: the body of an error answer before the session began, an error event within it.
func (realtime) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	if form == dialect.Whole {
		return openai.AppendFault(dst, f, dialect.Whole)
	}
	return event(dst, f, "")
}

// event appends an error event; of is the id of the client's event it is about, "" for none.
func event(dst []byte, f *fault.Fault, of string) []byte {
	whole := openai.AppendFault(nil, f, dialect.Whole)
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("type").String("error")
	id := "event_weir"
	if f.ID != "" {
		id += "_" + f.ID
	}
	w.Name("event_id").String(id)
	w.Name("error").Open('{')
	for name, v := range rawjson.Members(rawjson.Get(whole, "error")) {
		w.Name(string(name)).Raw(v)
	}
	w.Name("event_id")
	if of == "" {
		w.Null()
	} else {
		w.String(of)
	}
	return w.Close('}').Close('}').Buf
}

// ReadFault implements dialect.Dialect.
func (realtime) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return openai.ReadFault(status, h, body)
}

// Meter implements dialect.Dialect. It sums up what the answers of a session state; each frame is one message.
func (realtime) Meter() dialect.Meter { return &meter{} }

type meter struct {
	r dialect.Reading
	s session
}

// Read implements dialect.Meter.
func (m *meter) Read() *dialect.Reading { return &m.r }

// Body implements dialect.Meter. A session has no whole answer.
func (m *meter) Body([]byte) {}

// Frame implements dialect.Meter.
func (m *meter) Frame(f frame.Frame) {
	t := m.s.FromProvider(f.Data)
	m.r.Began = m.r.Began || t.Event
	if t.ID != "" {
		m.r.ID = t.ID
	}
	if t.Beside {
		return
	}
	if t.Model != "" {
		m.r.Model = t.Model
	}
	if t.Over {
		m.r.Stop = t.Stop
	}
	if t.Usage != nil {
		if m.r.Usage == nil {
			m.r.Usage = &llm.Usage{}
		}
		m.r.Usage.Add(t.Usage)
	}
	if t.Fault != nil && m.r.Fault == nil {
		m.r.Fault = t.Fault
	}
}

// typeOf returns the type of an event, nil where it has none.
func typeOf(message []byte) []byte {
	if rest, ok := bytes.CutPrefix(message, typeFirst); ok {
		if name, _, ok := bytes.Cut(rest, []byte{'"'}); ok {
			return name
		}
	}
	if v := rawjson.Get(message, "type"); len(v) > 2 && v[0] == '"' {
		return v[1 : len(v)-1]
	}
	return nil
}

var typeFirst = []byte(`{"type":"`)
