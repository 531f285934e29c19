package dialecttest

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// most bounds a frame of a test's stream.
const most = 64 << 20

// Sample is traffic in one dialect to try it on. All of it must be read.
type Sample struct {
	Requests []string // bodies
	Answers  []string // whole
	Streams  []string // as on the wire
	Faults   map[string]fault.Kind
	// WellFormed checks what the dialect's SDKs rely on in a stream. nil = every frame must hold JSON or an end mark.
	WellFormed func(stream []byte) error
}

// Run is the conformance suite of one dialect: it passes the sample, and it carries every feature or declares it lost.
func Run(t *testing.T, d dialect.Dialect, s Sample) {
	t.Helper()
	for i, body := range s.Requests {
		t.Run(fmt.Sprint("request ", i), func(t *testing.T) { report(t, IdentityRequest(d, []byte(body))) })
	}
	for i, body := range s.Answers {
		t.Run(fmt.Sprint("answer ", i), func(t *testing.T) { report(t, IdentityAnswer(d, []byte(body))) })
	}
	for i, stream := range s.Streams {
		t.Run(fmt.Sprint("stream ", i), func(t *testing.T) {
			report(t, IdentityStream(d, []byte(stream)))
			report(t, readSizes(d, []byte(stream)))
		})
	}
	for body, kind := range s.Faults {
		t.Run("fault "+kind.String(), func(t *testing.T) { checkFault(t, d, body, kind) })
	}
	t.Run("own faults", func(t *testing.T) { checkOwnFaults(t, d) })
	t.Run("carries combined answers", func(t *testing.T) {
		for seed := range uint64(combinations) {
			name, x := combinedAnswer(seed)
			if problems := carryAnswer(d, x, s.WellFormed); len(problems) > 0 {
				t.Errorf("%s: %s", name, strings.Join(problems, "\n"))
			}
		}
	})
	t.Run("carries combinations", func(t *testing.T) {
		for seed := range uint64(combinations) {
			name, x := combination(seed)
			for client := range clients {
				if client == d.Name() {
					continue
				}
				x.From = client
				for _, facts := range targets {
					if problems := carryRequest(d, x, facts); len(problems) > 0 {
						t.Fatalf("%s for %s: %s", name, facts.Model, strings.Join(problems, "\n"))
					}
				}
			}
		}
	})
	for _, f := range Features() {
		for client := range clients {
			if f.Request != nil && client != d.Name() {
				x := *f.Request
				x.From = client
				t.Run("carries "+f.Name, func(t *testing.T) {
					for _, facts := range targets {
						for _, p := range carryRequest(d, &x, facts) {
							t.Errorf("for %s: %s", facts.Model, p)
						}
					}
				})
			}
		}
		if f.Answer != nil {
			t.Run("carries "+f.Name, func(t *testing.T) { report(t, carryAnswer(d, f.Answer, s.WellFormed)) })
		}
	}
}

func report(t *testing.T, problems []string) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
}

// IdentityRequest decodes a request, encodes it for its own dialect and decodes it again: nothing may be lost, nothing
// may change.
func IdentityRequest(d dialect.Dialect, body []byte) []string {
	return IdentityCall(d, Call(d.Name(), body, false))
}

// IdentityCall does the same for a call, of which path and query may say something too.
func IdentityCall(d dialect.Dialect, call dialect.Call) []string {
	c := d.Codec()
	x, err := c.DecodeRequest(call)
	if err != nil {
		return []string{"decode: " + err.Error()}
	}
	call, losses, err := c.EncodeRequest(x, llm.Facts{Model: x.Model})
	if err != nil {
		return []string{"encode: " + err.Error()}
	}
	var out []string
	for _, l := range losses {
		out = append(out, fmt.Sprintf("lost in its own dialect: %+v", l))
	}
	again := call
	again.Op = llm.OpChat
	if _, err := d.Peek(&again); err != nil {
		return append(out, "peek of what was written: "+err.Error())
	}
	y, err := c.DecodeRequest(again)
	if err != nil {
		return append(out, "decode of what was written: "+err.Error())
	}
	if diff := Same(x, y); diff != "" {
		out = append(out, diff)
	}
	return out
}

// IdentityAnswer does the same for an answer, whole and as a stream, and compares the meter's usage with the decoder's.
func IdentityAnswer(d dialect.Dialect, body []byte) []string {
	c := d.Codec()
	x, err := c.DecodeResponse(body)
	if err != nil {
		return []string{"decode: " + err.Error()}
	}
	out := meterProblems(d, x, func(m dialect.Meter) { m.Body(body) })
	if x.Fault != nil {
		return out
	}
	written, losses, err := c.EncodeResponse(&llm.Request{From: d.Name(), WantUsage: true}, x)
	if err != nil {
		return append(out, "encode: "+err.Error())
	}
	for _, l := range losses {
		out = append(out, fmt.Sprintf("lost in its own dialect: %+v", l))
	}
	y, err := c.DecodeResponse(written)
	if err != nil {
		return append(out, "decode of what was written: "+err.Error())
	}
	if diff := Same(x, y); diff != "" {
		out = append(out, diff)
	}
	return out
}

// IdentityStream does the same for a stream; the events must keep the grammar both times.
func IdentityStream(d dialect.Dialect, stream []byte) []string {
	c := d.Codec()
	var out []string
	x, err := llm.Collect(d.Name(), Checked(c.DecodeStream(Frames(d.Name(), stream)), &out))
	if err != nil {
		return append(out, "decode: "+err.Error())
	}
	out = append(out, meterProblems(d, x, func(m dialect.Meter) {
		for f := range Frames(d.Name(), stream) {
			m.Frame(f)
		}
	})...)
	if x.Fault != nil {
		return out
	}
	var losses []llm.Loss
	written, err := WriteStream(c, &llm.Request{From: d.Name(), WantUsage: true, Stream: true}, c.DecodeStream(Frames(d.Name(), stream)), &losses)
	if err != nil {
		return append(out, "encode: "+err.Error())
	}
	for _, l := range losses {
		out = append(out, fmt.Sprintf("lost in its own dialect: %+v", l))
	}
	y, err := llm.Collect(d.Name(), Checked(c.DecodeStream(Frames(d.Name(), written)), &out))
	if err != nil {
		return append(out, "decode of what was written: "+err.Error())
	}
	if diff := Same(x, y); diff != "" {
		out = append(out, "stream: "+diff)
	}
	if diff := Same(outline(c.DecodeStream(Frames(d.Name(), stream))), outline(c.DecodeStream(Frames(d.Name(), written)))); diff != "" {
		out = append(out, "events: "+diff)
	}
	return out
}

// outline tells the events of a stream one by one, deltas of one part that follow each other as one. What only shows
// that the stream lives, and usage, which may be told more or less often, are left out.
func outline(in iter.Seq2[llm.Event, error]) []string {
	var out []string
	var grown llm.Event
	text := ""
	flush := func() {
		if text != "" {
			out = append(out, fmt.Sprintf("delta %d.%d %s", grown.Choice, grown.Index, text))
		}
		text = ""
	}
	for e, err := range llm.Sequential(in, most) {
		if err != nil {
			return append(out, err.Error())
		}
		switch e.Kind {
		case llm.EventDelta:
			if e.Choice != grown.Choice || e.Index != grown.Index {
				flush()
			}
			grown = llm.Event{Choice: e.Choice, Index: e.Index}
			text += e.Text
		case llm.EventOpen, llm.EventSeal, llm.EventCite, llm.EventClose, llm.EventStop:
			flush()
			out = append(out, fmt.Sprintf("event %d of %d.%d: part %d %s %s %v %v", e.Kind, e.Choice, e.Index, e.Part.Kind, e.Part.ID, e.Part.Name, e.Part.Seal, e.Stop.Reason))
		case llm.EventNote:
			flush()
			out = append(out, "note "+compact(e.Raw))
		}
	}
	flush()
	return out
}

func meterProblems(d dialect.Dialect, x *llm.Response, feed func(dialect.Meter)) []string {
	m := d.Meter()
	feed(m)
	r := m.Read()
	var out []string
	if diff := Same(x.Usage, r.Usage); diff != "" {
		out = append(out, "the meter's usage is not the decoder's: "+diff)
	}
	if (x.Fault != nil) != (r.Fault != nil) && (x.Fault == nil || x.Fault.Kind != fault.Cut) {
		out = append(out, fmt.Sprintf("the decoder's fault is %v, the meter's %v", x.Fault, r.Fault))
	}
	return out
}

// readSizes decodes a stream cut into reads of many sizes; what is told must not depend on them.
func readSizes(d dialect.Dialect, stream []byte) []string {
	var want *llm.Response
	for _, size := range []int{len(stream), 1, 2, 3, 7, 64, 1000} {
		frames := frame.Cut(framing(d.Name(), stream), &sized{stream, size}, nil, most)
		got, err := llm.Collect(d.Name(), d.Codec().DecodeStream(frames))
		if err != nil {
			return []string{fmt.Sprintf("read size %d: %v", size, err)}
		}
		if want == nil {
			want = got
		} else if diff := Same(want, got); diff != "" {
			return []string{fmt.Sprintf("read size %d: %s", size, diff)}
		}
	}
	return nil
}

// sized reads at most n bytes at a time.
type sized struct {
	rest []byte
	n    int
}

// Read implements io.Reader.
func (s *sized) Read(p []byte) (int, error) {
	r := bytes.NewReader(s.rest)
	n, err := r.Read(p[:min(len(p), s.n)])
	s.rest = s.rest[n:]
	return n, err
}

// Frames cuts a stream of a dialect; of those with two framings it tells which it is by how it begins.
func Frames(d llm.Dialect, stream []byte) frame.Seq {
	return frame.Cut(framing(d, stream), bytes.NewReader(stream), nil, most)
}

func framing(d llm.Dialect, stream []byte) llm.Framing {
	if d == llm.GeminiGenerate && rawjson.Kind(stream) == '[' {
		return llm.Array
	}
	return d.Framing()
}

// Call returns the call of a request's body in a dialect; path and query are those that its SDKs ask with.
func Call(d llm.Dialect, body []byte, stream bool) dialect.Call {
	c := dialect.Call{Op: llm.OpChat, Body: body, Path: paths[d]}
	switch d {
	case llm.GeminiGenerate:
		c.Path = "/v1beta/models/the-model:generateContent"
		if stream {
			c.Path, c.Query = "/v1beta/models/the-model:streamGenerateContent", "alt=sse"
		}
	case llm.BedrockConverse:
		c.Path = "/model/the-model/converse"
		if stream {
			c.Path += "-stream"
		}
	}
	return c
}

var paths = map[llm.Dialect]string{
	llm.OpenAIChat: "/v1/chat/completions", llm.OpenAIResponses: "/v1/responses", llm.OpenAICompletions: "/v1/completions",
	llm.AnthropicMessages: "/v1/messages", llm.CohereChat: "/v2/chat", llm.OllamaChat: "/api/chat",
}

// Checked passes events on and notes where they break the grammar.
func Checked(in iter.Seq2[llm.Event, error], problems *[]string) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		check := llm.Grammar()
		for e, err := range in {
			if err == nil {
				if broken := check(e); broken != nil {
					*problems = append(*problems, "grammar: "+broken.Error())
				}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		if broken := check(llm.Event{}); broken != nil {
			*problems = append(*problems, "grammar: "+broken.Error())
		}
	}
}

// WriteStream encodes events and returns what goes over the wire.
func WriteStream(c dialect.Codec, req *llm.Request, in iter.Seq2[llm.Event, error], losses *[]llm.Loss) ([]byte, error) {
	var b bytes.Buffer
	for f, err := range c.EncodeStream(req, in, func(l llm.Loss) { *losses = append(*losses, l) }) {
		if err != nil {
			return nil, err
		}
		if len(f.Raw) == 0 {
			return nil, fmt.Errorf("an empty frame")
		}
		b.Write(f.Raw)
	}
	return b.Bytes(), nil
}

func checkFault(t *testing.T, d dialect.Dialect, body string, kind fault.Kind) {
	t.Helper()
	f := d.ReadFault(400, nil, []byte(body))
	if f == nil || f.Kind != kind || f.Origin != fault.There || f.Message == "" {
		t.Errorf("ReadFault(%s) = %+v, want kind %s", body, f, kind)
	}
}

// checkOwnFaults writes a fault of every kind and reads it as a client would.
func checkOwnFaults(t *testing.T, d dialect.Dialect) {
	t.Helper()
	for _, k := range []fault.Kind{fault.Malformed, fault.Unauthorized, fault.NotFound, fault.RateLimit, fault.Overloaded, fault.Upstream, fault.Internal} {
		f := fault.New(k, "said to the \"client\"\nin two lines")
		whole := d.Fault(nil, f, dialect.Whole)
		if err := rawjson.Check(whole); err != nil {
			t.Errorf("%s: no JSON: %v: %s", k, err, whole)
		}
		if back := d.ReadFault(f.Status(), nil, whole); back.Message != f.Message {
			t.Errorf("%s: %q is read as %q", k, f.Message, back.Message)
		}
		n := 0
		for fr, err := range Frames(d.Name(), d.Fault(nil, f, dialect.Stream)) {
			n++
			if err != nil || fr.Tail || !fr.Failed && rawjson.Check(fr.Data) != nil { // an error of AWS may be told in the head
				t.Errorf("%s: no frame: %v: %s", k, err, fr.Data)
			} else if back := d.ReadFault(0, nil, fr.Data); back.Message != f.Message {
				t.Errorf("%s: in a stream %q is read as %q", k, f.Message, back.Message)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d frames in a stream, want 1", k, n)
		}
	}
}

// targets are the models that features are encoded for: encoders decide by their facts.
var targets = []llm.Facts{
	{Model: "the-model"},
	{Model: "claude-sonnet-4-5", MaxOutput: 64000},
	{Model: "claude-3-haiku"},
	{Model: "claude-opus-4-6"},
	{Model: "claude-opus-4-7", DefaultMax: 8192},
	{Model: "gpt-5", Provider: "openai"},
	{Model: "m", Quirks: llm.Cautious | llm.NineIDs, ReasoningBack: true},
}

// carryRequest encodes a request, reads it again and returns what is wrong. A refusal is none that names its cause.
func carryRequest(d dialect.Dialect, x *llm.Request, facts llm.Facts) []string {
	c := d.Codec()
	before := *x
	before.Messages = slices.Clone(x.Messages)
	for i := range before.Messages {
		before.Messages[i].Parts = slices.Clone(x.Messages[i].Parts)
	}
	call, losses, err := c.EncodeRequest(x, facts)
	if err != nil {
		if f := fault.Of(err); f.Kind != fault.Unsupported || f.Param == "" {
			return []string{"refused without naming what cannot be sent: " + err.Error()}
		}
		return nil
	}
	if diff := Same(&before, x); diff != "" {
		return []string{"the encoder changed what it was given: " + diff}
	}
	again := call
	again.Op = llm.OpChat
	if _, err := d.Peek(&again); err != nil {
		return []string{fmt.Sprintf("peek of what was written: %v\n%s", err, call.Body)}
	}
	y, err := c.DecodeRequest(again)
	if err != nil {
		return []string{fmt.Sprintf("decode of what was written: %v\n%s", err, call.Body)}
	}
	return ProblemsFor(facts, x, y, losses)
}

// carryAnswer encodes an answer, whole and as a stream, reads it again and returns what is wrong.
func carryAnswer(d dialect.Dialect, x *llm.Response, wellFormed func([]byte) error) []string {
	c := d.Codec()
	req := &llm.Request{From: d.Name(), WantUsage: true, Sampling: llm.Sampling{Logprobs: true}}
	body, losses, err := c.EncodeResponse(req, x)
	if err != nil {
		return []string{"encode: " + err.Error()}
	}
	y, err := c.DecodeResponse(body)
	if err != nil {
		return []string{fmt.Sprintf("decode of what was written: %v\n%s", err, body)}
	}
	out := AnswerProblems(x, y, losses)

	req.Stream = true
	losses = nil
	stream, err := WriteStream(c, req, llm.Replay(x), &losses)
	if err != nil {
		return append(out, "encode the stream: "+err.Error())
	}
	if wellFormed == nil {
		wellFormed = func(stream []byte) error { return holdsJSON(d.Name(), stream) }
	}
	if err := wellFormed(stream); err != nil {
		out = append(out, fmt.Sprintf("stream: %v\n%s", err, stream))
	}
	y, err = llm.Collect(d.Name(), Checked(c.DecodeStream(Frames(d.Name(), stream)), &out))
	if err != nil {
		return append(out, fmt.Sprintf("decode of the stream: %v\n%s", err, stream))
	}
	for _, p := range StreamProblems(x, y, false, losses) {
		out = append(out, "stream: "+p)
	}
	return out
}

func holdsJSON(d llm.Dialect, stream []byte) error {
	for f, err := range Frames(d, stream) {
		if err != nil {
			return err
		}
		if data := strings.TrimSpace(string(f.Data)); data != "[DONE]" && rawjson.Check(f.Data) != nil {
			return fmt.Errorf("a frame holds no JSON: %s", f.Data)
		}
	}
	return nil
}
