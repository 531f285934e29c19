package openaichat

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// recording is what these tests read of a recorded exchange.
type recording struct {
	ID        string `json:"id"`
	Dialect   string `json:"dialect"`
	Operation string `json:"operation"`
	Streaming bool   `json:"streaming"`
	Request   *struct {
		Body json.RawMessage `json:"body"`
	} `json:"request"`
	Response struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"response"`
}

// eachRecording runs f on every recorded exchange in this dialect that is of the kind asked for; there must be some.
func eachRecording(t *testing.T, of func(r *recording) bool, f func(t *testing.T, r *recording)) {
	t.Helper()
	root := os.Getenv("WEIR_RECORDINGS")
	if root == "" {
		t.Skip("WEIR_RECORDINGS is not set: recorded traffic is not tried")
	}
	files, err := filepath.Glob(filepath.Join(root, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings under %s: %v", root, err)
	}
	n, tried := 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r recording
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if r.Operation != "chat" || r.Dialect == "cohere-chat" || r.Dialect == "ollama" {
			continue
		}
		n++
		if of(&r) {
			tried++
			t.Run(r.ID, func(t *testing.T) { f(t, &r) })
		}
	}
	if tried == 0 {
		t.Error("none of the exchanges is of this kind")
	}
	if n < 300 {
		t.Errorf("only %d chat exchanges were found", n)
	}
}

var (
	ignorePlaces = cmpopts.IgnoreFields(llm.Part{}, "Span", "Path")
	sameRequest  = cmp.Options{
		ignorePlaces, cmpopts.IgnoreFields(llm.Message{}, "Path"), cmpopts.IgnoreFields(llm.Tool{}, "Span", "Path"),
	}
	// A stream has no line breaks within a frame, so the space between tokens may differ.
	sameJSON = cmp.Comparer(func(a, b json.RawMessage) bool {
		var x, y bytes.Buffer
		if (a == nil) != (b == nil) || json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
			return a == nil && b == nil
		}
		return bytes.Equal(x.Bytes(), y.Bytes())
	})
	sameAnswer = cmp.Options{ignorePlaces, cmpopts.IgnoreFields(llm.Response{}, "Fault")}
)

func TestRecordedRequests(t *testing.T) {
	of := func(r *recording) bool {
		return r.Request != nil && rawjson.Kind(r.Request.Body) == '{' && r.Response.Status < 400
	}
	eachRecording(t, of, func(t *testing.T, r *recording) {
		call := dialect.Call{Op: llm.OpChat, Path: Path, Body: r.Request.Body}
		if _, err := New().Peek(&call); err != nil {
			t.Fatal(err)
		}
		checkRequest(t, call.Body)
	})
}

// checkRequest decodes a request, encodes it for its own dialect and decodes it again.
func checkRequest(t *testing.T, body []byte) *llm.Request {
	t.Helper()
	first, err := codec{}.DecodeRequest(dialect.Call{Body: body})
	if err != nil {
		t.Fatalf("decode: %v\n%s", err, body)
	}
	call, losses, err := codec{}.EncodeRequest(first, llm.Facts{Model: first.Model})
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	if len(losses) > 0 {
		t.Errorf("losses in its own dialect: %v", losses)
	}
	second, err := codec{}.DecodeRequest(call)
	if err != nil {
		t.Fatalf("decode again: %v\n%s", err, call.Body)
	}
	if diff := cmp.Diff(first, second, sameRequest); diff != "" {
		t.Errorf("not the same request (-first +again):\n%s\n%s", diff, call.Body)
	}
	return first
}

func TestRecordedAnswers(t *testing.T) {
	of := func(r *recording) bool { return !r.Streaming && r.Response.Status < 400 }
	eachRecording(t, of, func(t *testing.T, r *recording) {
		first := checkAnswer(t, []byte(r.Response.Body))
		if first.Fault != nil {
			t.Errorf("taken for an error: %v", first.Fault)
		}
		if len(first.Choices) == 0 {
			t.Fatal("no choices")
		}
		if diff := cmp.Diff(first, replayed(t, first), sameAnswer, sameJSON); diff != "" {
			t.Errorf("not the same after a replay as a stream (-first +replayed):\n%s", diff)
		}
		m := New().Meter()
		m.Body([]byte(r.Response.Body))
		if diff := cmp.Diff(first.Usage, m.Read().Usage); diff != "" {
			t.Errorf("the meter reads another usage (-codec +meter):\n%s", diff)
		}
		if got := m.Read(); got.Model != first.Model || got.ID != first.ID || got.Stop.Native != first.Choices[0].Stop.Native || got.Fault != nil {
			t.Errorf("meter: %+v", got)
		}
	})
}

// checkAnswer decodes an answer, encodes it for its own dialect and decodes it again; and replays it as a stream.
func checkAnswer(t *testing.T, body []byte) *llm.Response {
	t.Helper()
	first, err := codec{}.DecodeResponse(body)
	if err != nil {
		t.Fatalf("decode: %v\n%s", err, body)
	}
	again, losses, err := codec{}.EncodeResponse(&llm.Request{From: llm.OpenAIChat}, first)
	if err != nil {
		t.Fatal(err)
	}
	if len(losses) > 0 {
		t.Errorf("losses in its own dialect: %v", losses)
	}
	second, err := codec{}.DecodeResponse(again)
	if err != nil {
		t.Fatalf("decode again: %v\n%s", err, again)
	}
	if diff := cmp.Diff(first, second, sameAnswer); diff != "" {
		t.Errorf("not the same answer (-first +again):\n%s\n%s", diff, again)
	}
	return first
}

// replayed encodes an answer as a stream and collects that again.
func replayed(t *testing.T, first *llm.Response) *llm.Response {
	t.Helper()
	var stream bytes.Buffer
	req := &llm.Request{From: llm.OpenAIChat, WantUsage: true}
	for f, err := range (codec{}).EncodeStream(req, llm.Replay(first), func(l llm.Loss) { t.Errorf("lost %v", l) }) {
		if err != nil {
			t.Fatal(err)
		}
		stream.Write(f.Raw)
	}
	return collect(t, stream.String())
}

// frames cuts a recorded stream.
func frames(t testing.TB, stream string) []frame.Frame {
	var all []frame.Frame
	for f, err := range frame.SSE(strings.NewReader(stream), make([]byte, 4096), 16<<20) {
		if err != nil {
			t.Fatal(err)
		}
		f.Data, f.Raw = bytes.Clone(f.Data), bytes.Clone(f.Raw)
		all = append(all, f)
	}
	return all
}

func seq(all []frame.Frame) frame.Seq {
	return func(yield func(frame.Frame, error) bool) {
		for _, f := range all {
			// A frame's memory is reused: what is kept of it must be a copy.
			own := f
			own.Data = bytes.Clone(f.Data)
			ok := yield(own, nil)
			for i := range own.Data {
				own.Data[i] = '#'
			}
			if !ok {
				return
			}
		}
	}
}

// collect decodes a stream, checks its grammar and gathers the answer.
func collect(t testing.TB, stream string) *llm.Response {
	t.Helper()
	check := llm.Grammar()
	events := func(yield func(llm.Event, error) bool) {
		for e, err := range (codec{}).DecodeStream(seq(frames(t, stream))) {
			if err == nil {
				if broken := check(e); broken != nil {
					t.Errorf("grammar: %v", broken)
				}
			}
			if !yield(e, err) {
				return
			}
		}
		if broken := check(llm.Event{}); broken != nil {
			t.Errorf("grammar: %v", broken)
		}
	}
	r, err := llm.Collect(llm.OpenAIChat, events)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecordedStreams(t *testing.T) {
	of := func(r *recording) bool { return r.Streaming && r.Response.Status < 400 }
	eachRecording(t, of, func(t *testing.T, r *recording) {
		checkStream(t, r.Response.Body)
	})
}

func checkStream(t *testing.T, stream string) {
	t.Helper()
	first := collect(t, stream)
	if first.Fault != nil {
		t.Errorf("taken for an error: %v", first.Fault)
	}
	var again bytes.Buffer
	req := &llm.Request{From: llm.OpenAIChat, WantUsage: true}
	lose := func(l llm.Loss) { t.Errorf("lost in its own dialect: %v", l) }
	for f, err := range (codec{}).EncodeStream(req, (codec{}).DecodeStream(seq(frames(t, stream))), lose) {
		if err != nil {
			t.Fatal(err)
		}
		again.Write(f.Raw)
	}
	second := collect(t, again.String())
	if diff := cmp.Diff(first, second, sameAnswer); diff != "" {
		t.Errorf("not the same stream (-first +again):\n%s\n%s", diff, again.String())
	}
	m := New().Meter()
	for _, f := range frames(t, stream) {
		m.Frame(f)
	}
	got := m.Read()
	if diff := cmp.Diff(first.Usage, got.Usage); diff != "" {
		t.Errorf("the meter reads another usage (-codec +meter):\n%s", diff)
	}
	if got.Began != (len(first.Choices[0].Parts) > 0) || got.Fault != nil || got.Model != first.Model || got.Stop.Native != first.Choices[0].Stop.Native {
		t.Errorf("meter: %+v", got)
	}
}

func TestRecordedFailures(t *testing.T) {
	of := func(r *recording) bool { return r.Response.Status >= 400 }
	eachRecording(t, of, func(t *testing.T, r *recording) {
		f := New().ReadFault(r.Response.Status, nil, []byte(r.Response.Body))
		t.Logf("%d %s: %s (%s, %s)", r.Response.Status, f.Kind, f.Message, f.NativeType, f.Code)
		if f.Message == "" || f.HTTPStatus != r.Response.Status {
			t.Errorf("fault: %+v", f)
		}
	})
}
