package converse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// same compares canonical values: where something stood makes no difference, nor does space within raw JSON.
var same = cmp.Options{
	cmpopts.IgnoreFields(llm.Message{}, "Path"),
	cmpopts.IgnoreFields(llm.Part{}, "Path", "Span"),
	cmpopts.IgnoreFields(llm.Tool{}, "Path", "Span"),
	cmp.Comparer(func(a, b json.RawMessage) bool { return dense(a) == dense(b) }),
}

func dense(v []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return string(v)
	}
	return b.String()
}

func ptr[T any](v T) *T { return &v }

func raw(s string) json.RawMessage { return json.RawMessage(s) }

// asked is a call to a Claude model, of which it is known what it takes.
func asked(body string) dialect.Call {
	return dialect.Call{Op: llm.OpChat, Path: "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse", Body: []byte(body)}
}

func decodeRequest(t testing.TB, c dialect.Call) *llm.Request {
	t.Helper()
	req, err := codec{}.DecodeRequest(c)
	if err != nil {
		t.Fatalf("%v\n%s", err, c.Body)
	}
	return req
}

func encodeRequest(t testing.TB, req *llm.Request, facts llm.Facts) (dialect.Call, []llm.Loss) {
	t.Helper()
	call, losses, err := codec{}.EncodeRequest(req, facts)
	if err != nil {
		t.Fatal(err)
	}
	if err := rawjson.Check(call.Body); err != nil {
		t.Fatalf("%v in %s", err, call.Body)
	}
	return call, losses
}

func decodeResponse(t testing.TB, body string) *llm.Response {
	t.Helper()
	return dialecttest.Answer(t, New(), body)
}

func encodeResponse(t testing.TB, resp *llm.Response) (string, []llm.Loss) {
	t.Helper()
	body, losses, err := codec{}.EncodeResponse(&llm.Request{From: llm.BedrockConverse}, resp)
	if err != nil {
		t.Fatal(err)
	}
	if err := rawjson.Check(body); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return string(body), losses
}

// paths tells losses in one line.
func paths(losses []llm.Loss) string {
	var out []string
	for _, l := range losses {
		out = append(out, l.Path+" "+l.Grade.String())
	}
	return strings.Join(out, ", ")
}

// streamed makes a stream of events, each a type and a payload.
func streamed(events ...string) string {
	var b []byte
	for i := 0; i+1 < len(events); i += 2 {
		b = frame.AppendAWS(b, events[i], strings.HasSuffix(events[i], "Exception"), []byte(events[i+1]))
	}
	return string(b)
}

func framesOf(stream string) frame.Seq { return frame.AWS(strings.NewReader(stream), nil, 1<<26) }

// told tells a stream as streamed takes it.
func told(t testing.TB, stream string) []string {
	t.Helper()
	var out []string
	for f, err := range framesOf(stream) {
		if err != nil || f.Tail {
			t.Fatalf("frame %q: %v", f.Raw, err)
		}
		if err := rawjson.Check(f.Data); err != nil {
			t.Fatalf("%v in %s", err, f.Data)
		}
		out = append(out, f.Event+" "+string(f.Data))
	}
	return out
}

// checked passes events on and fails where they break the grammar.
func checked(t testing.TB, in iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
	return dialecttest.Grammatical(t, in)
}

func collect(t testing.TB, stream string) *llm.Response {
	t.Helper()
	return dialecttest.Collected(t, New(), framesOf(stream))
}

func encodeStream(t testing.TB, in iter.Seq2[llm.Event, error]) (string, []llm.Loss) {
	t.Helper()
	s, losses := encodeFrames(t, in)
	if err := wellFormed([]byte(s)); err != nil && !strings.Contains(err.Error(), "exception") {
		t.Errorf("%v in\n%s", err, strings.Join(told(t, s), "\n"))
	}
	return s, losses
}

// encodeFrames encodes a stream that may hold what another gateway or a future Bedrock said.
func encodeFrames(t testing.TB, in iter.Seq2[llm.Event, error]) (string, []llm.Loss) {
	t.Helper()
	var b strings.Builder
	var losses []llm.Loss
	for f, err := range (codec{}).EncodeStream(&llm.Request{From: llm.BedrockConverse}, in, func(l llm.Loss) { losses = append(losses, l) }) {
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Raw) == 0 {
			t.Fatal("an empty frame")
		}
		b.Write(f.Raw)
	}
	return b.String(), losses
}

// wellFormed checks what AWS's SDKs rely on in a stream.
func wellFormed(stream []byte) error {
	state, index, open, tool := "begin", int64(0), false, false
	for f, err := range framesOf(string(stream)) {
		if err != nil || f.Tail {
			return fmt.Errorf("no whole frame: %w", err)
		}
		if err := rawjson.Check(f.Data); err != nil {
			return fmt.Errorf("%s: %w", f.Event, err)
		}
		if f.Failed {
			return fmt.Errorf("exception %s", f.Event)
		}
		at, numbered := rawjson.Int(rawjson.Get(f.Data, "contentBlockIndex"))
		block := strings.HasPrefix(f.Event, "contentBlock")
		switch {
		case block != numbered:
			return fmt.Errorf("%s: is it numbered?", f.Event)
		case block && (state != "content" || at != index):
			return fmt.Errorf("%s of block %d where block %d is due, after %s", f.Event, at, index, state)
		}
		switch f.Event {
		case "messageStart":
			if state != "begin" || rawjson.Text(rawjson.Get(f.Data, "role")) != "assistant" {
				return fmt.Errorf("messageStart after %s: %s", state, f.Data)
			}
			state = "content"
		case "contentBlockStart":
			name, _ := only(rawjson.Get(f.Data, "start"))
			if open || name == "" {
				return fmt.Errorf("a block starts again, or as nothing: %s", f.Data)
			}
			open, tool = true, name == "toolUse" || name == "toolResult"
		case "contentBlockDelta":
			name, in := only(rawjson.Get(f.Data, "delta"))
			switch {
			case name == "":
				return fmt.Errorf("a delta of nothing: %s", f.Data)
			case (name == "toolUse" || name == "toolResult") != tool:
				return fmt.Errorf("a delta of another kind: %s", f.Data)
			case name == "reasoningContent":
				if member, _ := only(in); member != "text" && member != "signature" && member != "redactedContent" {
					return fmt.Errorf("a thought without a piece: %s", f.Data)
				}
			}
			open = true
		case "contentBlockStop":
			if !open {
				return fmt.Errorf("a block ends that did not begin: %s", f.Data)
			}
			index, open, tool = index+1, false, false
		case "messageStop":
			if state != "content" || open || rawjson.Text(rawjson.Get(f.Data, "stopReason")) == "" {
				return fmt.Errorf("messageStop after %s: %s", state, f.Data)
			}
			state = "stopped"
		case "metadata":
			for _, want := range [][]string{{"usage", "inputTokens"}, {"usage", "outputTokens"}, {"usage", "totalTokens"}, {"metrics", "latencyMs"}} {
				if _, ok := rawjson.Int(rawjson.Get(f.Data, want...)); !ok || state != "stopped" {
					return fmt.Errorf("metadata after %s without %v: %s", state, want, f.Data)
				}
			}
			state = "ended"
		}
	}
	if state != "ended" {
		return fmt.Errorf("the stream ends after %s", state)
	}
	return nil
}

func TestWellFormedSees(t *testing.T) {
	const end = `{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},"metrics":{"latencyMs":1}}`
	start := []string{"messageStart", `{"role":"assistant"}`}
	stop := []string{"messageStop", `{"stopReason":"end_turn"}`, "metadata", end}
	delta := []string{"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"a"}}`}
	shut := []string{"contentBlockStop", `{"contentBlockIndex":0}`}
	if err := wellFormed([]byte(streamed(slices.Concat(start, delta, shut, stop)...))); err != nil {
		t.Error(err)
	}
	for name, events := range map[string][]string{
		"no start":    slices.Concat(delta, shut, stop),
		"no end":      slices.Concat(start, delta, shut, stop[:2]),
		"no stop":     slices.Concat(start, delta, shut, stop[2:]),
		"open block":  slices.Concat(start, delta, stop),
		"empty block": slices.Concat(start, shut, stop),
		"gap":         slices.Concat(start, []string{"contentBlockDelta", `{"contentBlockIndex":1,"delta":{"text":"a"}}`}, shut, stop),
		"stray input": slices.Concat(start, []string{"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}`}, shut, stop),
		"exception":   slices.Concat(start, []string{"throttlingException", `{"message":"slow"}`}),
	} {
		if wellFormed([]byte(streamed(events...))) == nil {
			t.Errorf("%s is well formed", name)
		}
	}
}
