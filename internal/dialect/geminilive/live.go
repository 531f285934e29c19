// Package geminilive passes Google's Live API (BidiGenerateContent over a WebSocket), as Google AI speaks it. It has the
// cheap face only.
//
// The client's first message sets the session up and names the model; it is the body of the call, and only the name in
// it changes. After that messages pass as they are, text and bytes alike. There is no message that tells of an error:
// a session that cannot go on is closed, and code and reason say why.
//
// Usage is stated for each turn (the context of a turn, that of earlier ones included, is charged with it). Within a turn
// it may be stated more than once, as running totals: what is new in a statement is told as it comes.
package geminilive

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/gemini"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Path returns where the dialect is spoken, in a version of the API.
func Path(version string) string {
	return "/ws/google.ai.generativelanguage." + version + ".GenerativeService.BidiGenerateContent"
}

type live struct{ whole dialect.Dialect }

var _ dialect.Live = live{}

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return live{gemini.New()} }

// Name implements dialect.Dialect.
func (live) Name() llm.Dialect { return llm.GeminiLive }

// First implements dialect.Live.
func (live) First() bool { return true }

// Session implements dialect.Live.
func (live) Session() dialect.Session { return &session{} }

// Codec implements dialect.Dialect.
func (live) Codec() dialect.Codec { return nil }

// prefix stands before a model's name in a message.
const prefix = "models/"

// What is governed: a message may set up, and what sets up names a model.
var (
	messages = splice.NewSpec("setup")
	setup    = splice.NewSpec("model")
)

// Peek implements dialect.Dialect: it reads the message that sets the session up.
func (live) Peek(c *dialect.Call) (llm.Head, error) {
	h := llm.Head{Stream: true}
	ix, err := messages.Scan(c.Body)
	if err != nil {
		return h, unreadable(err, "")
	}
	c.Index = ix
	v := ix.Get(c.Body, 0)
	if rawjson.Kind(v) != '{' {
		return h, malformed("setup", "the first message of a session must set it up: {\"setup\": {\"model\": \"models/NAME\"}}")
	}
	inner, err := setup.Scan(v)
	if err != nil {
		return h, unreadable(err, "setup.")
	}
	name, ok := rawjson.String(inner.Get(v, 0))
	if h.Model = strings.TrimPrefix(name, prefix); !ok || h.Model == "" {
		return h, malformed("setup.model", "setup.model must name a model: \"models/NAME\"")
	}
	return h, nil
}

// Edit implements dialect.Dialect.
func (live) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	start := len(dst)
	if e.Model == "" {
		dst = append(dst, c.Body...)
	} else {
		v := c.Index.Get(c.Body, 0)
		inner, err := setup.Scan(v)
		if err != nil {
			return c, unreadable(err, "setup.")
		}
		name := e.Model
		if !strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, "tunedModels/") {
			name = prefix + name
		}
		changed := setup.Apply(nil, v, &inner, splice.Change{Member: 0, Value: rawjson.AppendString(nil, name)})
		dst = messages.Apply(dst, c.Body, &c.Index, splice.Change{Member: 0, Value: changed})
	}
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{}
	return c, nil
}

func malformed(param, message string) error {
	return &fault.Fault{Kind: fault.Malformed, Message: message, Param: param}
}

func unreadable(err error, path string) error {
	f := &fault.Fault{Kind: fault.Malformed, Message: "the message cannot be read: " + err.Error(), Cause: err}
	if e, ok := errors.AsType[*splice.Error](err); ok && e.Member != "" {
		f.Param = path + e.Member
	}
	return f
}

// Fault implements dialect.Dialect: the body of an error answer before the session began; within it there is none.
func (d live) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	if form != dialect.Whole {
		return dst
	}
	return d.whole.Fault(dst, f, form)
}

// ReadFault implements dialect.Dialect.
func (d live) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return d.whole.ReadFault(status, h, body)
}

// Meter implements dialect.Dialect. It sums up what the turns of a session state; each frame is one message.
func (live) Meter() dialect.Meter { return &meter{} }

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
	if t.Usage != nil {
		if m.r.Usage == nil {
			m.r.Usage = &llm.Usage{}
		}
		m.r.Usage.Add(t.Usage)
	}
}

// session reads one session. Its state is of the provider's direction alone.
type session struct {
	stated llm.Usage // of the turn, as told so far
	over   bool      // the turn is; what it used may still be stated
}

// FromClient implements dialect.Session. A session is set up once.
func (s *session) FromClient(message []byte, _ dialect.Govern) ([]byte, error) {
	ix, err := messages.Scan(message)
	if err != nil {
		return nil, unreadable(err, "")
	}
	if ix.Get(message, 0) != nil {
		return nil, malformed("setup", "the session is set up already, and keeps its model; open another one")
	}
	return message, nil
}

// Refusal implements dialect.Session.
func (s *session) Refusal(dst, _ []byte, _ *fault.Fault) []byte { return dst }

// tellings are the members by which a message that tells something is found.
var tellings = rawjson.Look("usageMetadata", "turnComplete", "interrupted", "toolCall", "sessionId")

var contents = [...][]byte{[]byte(`"modelTurn"`), []byte(`"toolCall"`), []byte(`"outputTranscription"`)}

// FromProvider implements dialect.Session. Sound is not looked into.
func (s *session) FromProvider(message []byte) dialect.Told {
	var t dialect.Told
	for _, word := range contents {
		if bytes.Contains(message[:min(len(message), 256)], word) {
			t.Event, t.Begun = true, true
			break
		}
	}
	if t.Event && s.over {
		s.over, s.stated = false, llm.Usage{}
	}
	if _, at := tellings.Find(message, 0); at == 0 || rawjson.Check(message) != nil {
		return t
	}
	var complete bool
	for name, v := range rawjson.Members(message) {
		switch string(name) {
		case "usageMetadata":
			s.usage(&t, gemini.DecodeUsage(v))
		case "serverContent":
			if done, _ := rawjson.Bool(rawjson.Get(v, "turnComplete")); done {
				complete, t.Stop = true, llm.Stop{Reason: llm.StopEnd, Native: "turnComplete"}
			}
		case "toolCall":
			complete, t.Stop = true, llm.Stop{Reason: llm.StopCalls, Native: "toolCall"}
		case "setupComplete":
			t.ID = rawjson.Text(rawjson.Get(v, "sessionId"))
		}
	}
	if complete {
		t.Over, t.Event, s.over = true, true, true
	}
	return t
}

// usage tells what is new in a statement.
func (s *session) usage(t *dialect.Told, u *llm.Usage) {
	if u == nil {
		return
	}
	fresh := *u
	fresh.Sub(&s.stated)
	s.stated = *u
	t.Usage = &fresh
}
