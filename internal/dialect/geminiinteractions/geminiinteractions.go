// Package geminiinteractions is the dialect gemini-interactions: Google's Interactions API (POST /v1beta/interactions), in
// which a turn is an interaction of steps that the provider keeps, and that the next one may go on from. It has the cheap
// face only: calls pass to providers that speak it themselves.
//
// A call names a model, or an agent in its place; whichever it is, it is the name that is governed and changed. Streams are
// Server-Sent Events that end in "done". An interaction's id stays the provider's, so that the bytes pass; whose it is is
// looked up.
//
// Everything here is without state and safe for concurrent use, except Meters, which belong to one answer.
//
// Specification: https://ai.google.dev/gemini-api/docs/interactions.
package geminiinteractions

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/gemini"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Path is where the dialect is spoken.
const Path = "/v1beta/interactions"

type interactions struct{ generate dialect.Dialect }

// New returns the dialect.
func New() dialect.Dialect { return interactions{gemini.New()} }

var _ dialect.Threaded = interactions{}

// The governed members of a body by position.
const (
	atModel = iota
	atAgent
	atStream
	atStore
	atBackground
	atPrevious
	atConfig
	atPreviousCamel // Google reads lower camel case as well: what is decided by must have one name
	atConfigCamel
)

var (
	governed = splice.NewSpec("model", "agent", "stream", "store", "background", "previous_interaction_id", "generation_config",
		"previousInteractionId", "generationConfig")
	config = splice.NewSpec("max_output_tokens", "maxOutputTokens")
)

// Name implements dialect.Dialect.
func (interactions) Name() llm.Dialect { return llm.GeminiInteractions }

// Codec implements dialect.Dialect: there is none.
func (interactions) Codec() dialect.Codec { return nil }

// Peek implements dialect.Dialect.
func (interactions) Peek(c *dialect.Call) (llm.Head, error) {
	var h llm.Head
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return h, dialect.Unreadable(err)
	}
	c.Index = ix
	switch {
	case ix.Get(c.Body, atPreviousCamel) != nil:
		return h, malformed("previous_interaction_id", "write previous_interaction_id in this spelling")
	case ix.Get(c.Body, atConfigCamel) != nil:
		return h, malformed("generation_config", "write generation_config in this spelling")
	}
	model, agent := ix.Get(c.Body, atModel), ix.Get(c.Body, atAgent)
	name := "model"
	switch {
	case !rawjson.IsNull(model) && !rawjson.IsNull(agent):
		return h, malformed("agent", "name a model or an agent, not both")
	case rawjson.IsNull(model) && !rawjson.IsNull(agent):
		name, model = "agent", agent
	}
	if h.Model = rawjson.Text(model); h.Model == "" {
		return h, malformed(name, name+" is missing or no string: name the model or the agent to ask")
	}
	if h.Stream, err = flag(&ix, c.Body, atStream, "stream"); err != nil {
		return h, err
	}
	raw := ix.Get(c.Body, atConfig)
	if rawjson.IsNull(raw) {
		return h, nil
	}
	in, err := config.Scan(raw)
	if err != nil {
		return h, dialect.Unreadable(err)
	}
	if in.Get(raw, 1) != nil {
		return h, malformed("generation_config.max_output_tokens", "write max_output_tokens in this spelling")
	}
	if v := in.Get(raw, 0); !rawjson.IsNull(v) {
		n, ok := rawjson.Int(v)
		if !ok || n < 0 {
			return h, malformed("generation_config.max_output_tokens", "max_output_tokens must be a whole number, 0 or more")
		}
		h.MaxOutput = n
	}
	return h, nil
}

func flag(ix *splice.Index, body []byte, at int, name string) (bool, error) {
	raw := ix.Get(body, at)
	if rawjson.IsNull(raw) {
		return false, nil
	}
	on, ok := rawjson.Bool(raw)
	if !ok {
		return false, malformed(name, name+" must be true or false")
	}
	return on, nil
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// Edit implements dialect.Dialect. A limit on the output only ever lowers generation_config.max_output_tokens. Usage is
// always in the stream. The call returned has no Index.
func (interactions) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	var changes []splice.Change
	if e.Model != "" {
		at := atModel
		if rawjson.IsNull(c.Index.Get(c.Body, atModel)) {
			at = atAgent
		}
		changes = append(changes, splice.Change{Member: at, Value: rawjson.AppendString(nil, e.Model)})
	}
	if e.MaxOutput > 0 {
		value, lower, err := limited(c.Index.Get(c.Body, atConfig), e.MaxOutput)
		if err != nil {
			return c, err
		}
		if lower {
			changes = append(changes, splice.Change{Member: atConfig, Value: value})
		}
	}
	start := len(dst)
	dst = governed.Apply(dst, c.Body, &c.Index, changes...)
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{}
	return c, nil
}

// limited returns a generation_config whose limit is not above most; false where it is not already.
func limited(raw []byte, most int64) ([]byte, bool, error) {
	number := strconv.AppendInt(nil, most, 10)
	if rawjson.IsNull(raw) {
		return append(append([]byte(`{"max_output_tokens":`), number...), '}'), true, nil
	}
	in, err := config.Scan(raw)
	if err != nil {
		return nil, false, dialect.Unreadable(err)
	}
	if now, ok := rawjson.Int(in.Get(raw, 0)); ok && now > 0 && now <= most {
		return nil, false, nil
	}
	return config.Apply(nil, raw, &in, splice.Change{Member: 0, Value: number}), true, nil
}

// Fault implements dialect.Dialect. A whole error is Google's; within a stream it is an event of its own.
func (d interactions) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	if form != dialect.Stream {
		return d.generate.Fault(dst, f, dialect.Whole)
	}
	w := rawjson.Writer{Buf: append(dst, "event: error\ndata: "...)}
	w.Open('{').Name("error").Open('{').Name("code").String(strings.ToLower(gemini.StatusWord(f))).Name("message").String(f.Message).Close('}')
	w.Name("event_type").String("error").Close('}')
	return append(w.Buf, "\n\n"...)
}

// ReadFault implements dialect.Dialect. The code may be a word where Google's other operations have a number.
func (d interactions) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	e := rawjson.Get(body, "error")
	if word := rawjson.Text(rawjson.Get(e, "code")); word != "" && rawjson.Check(body) == nil {
		var w rawjson.Writer
		w.Open('{').Name("error").Open('{').Name("status").String(strings.ToUpper(word))
		w.Name("message").String(rawjson.Text(rawjson.Get(e, "message"))).Close('}').Close('}')
		body = w.Buf
	}
	return d.generate.ReadFault(status, h, body)
}

var doneMark = []byte("[DONE]")

func isDone(data []byte) bool { return len(data) < 16 && bytes.Equal(bytes.TrimSpace(data), doneMark) }
