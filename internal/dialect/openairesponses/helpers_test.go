package openairesponses

import (
	"bytes"
	"iter"
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

// stream writes events as they come over the wire, each named by its type.
func stream(events ...string) string {
	var b strings.Builder
	for _, e := range events {
		e = strings.ReplaceAll(e, "\n", "")
		if name := rawjson.Text(rawjson.Get([]byte(e), "type")); name != "" {
			b.WriteString("event: " + name + "\n")
		}
		b.WriteString("data: " + e + "\n\n")
	}
	return b.String()
}

// framesOf cuts a stream; the memory of a frame is gone with the next one.
func framesOf(stream string) frame.Seq {
	return func(yield func(frame.Frame, error) bool) {
		for f, err := range frame.SSE(strings.NewReader(stream), nil, 64<<20) {
			own := f
			own.Data = bytes.Clone(f.Data)
			ok := yield(own, err)
			for i := range own.Data {
				own.Data[i] = '#'
			}
			if !ok {
				return
			}
		}
	}
}

// checked passes events on and fails where they break the grammar.
func checked(t testing.TB, in iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
	return dialecttest.Grammatical(t, in)
}

func collect(t testing.TB, stream string) *llm.Response {
	t.Helper()
	r, err := llm.Collect(llm.OpenAIResponses, checked(t, codec{}.DecodeStream(framesOf(stream))))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func decodeRequest(t testing.TB, body string) *llm.Request {
	t.Helper()
	r, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return r
}

func encodeRequest(t testing.TB, r *llm.Request, facts llm.Facts) (string, []llm.Loss) {
	t.Helper()
	call, losses, err := codec{}.EncodeRequest(r, facts)
	if err != nil {
		t.Fatal(err)
	}
	if err := rawjson.Check(call.Body); err != nil {
		t.Fatalf("%v in %s", err, call.Body)
	}
	return string(call.Body), losses
}

func decodeResponse(t testing.TB, body string) *llm.Response {
	t.Helper()
	return dialecttest.Answer(t, New(), body)
}

func encodeResponse(t testing.TB, req *llm.Request, r *llm.Response) (string, []llm.Loss) {
	t.Helper()
	body, losses, err := codec{}.EncodeResponse(req, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := rawjson.Check(body); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return string(body), losses
}

func encodeStream(t testing.TB, req *llm.Request, in iter.Seq2[llm.Event, error]) (string, []llm.Loss) {
	t.Helper()
	var b strings.Builder
	var losses []llm.Loss
	for f, err := range (codec{}).EncodeStream(req, in, func(l llm.Loss) { losses = append(losses, l) }) {
		if err != nil {
			t.Fatal(err)
		}
		b.Write(f.Raw)
	}
	return b.String(), losses
}

// same compares canonical values; where something stood in a document makes no difference, nor does white space.
var same = cmp.Options{
	cmpopts.IgnoreFields(llm.Part{}, "Span", "Path"), cmpopts.IgnoreFields(llm.Message{}, "Path"), cmpopts.IgnoreFields(llm.Tool{}, "Span", "Path"),
}

// said writes losses as "path grade", in the order they were declared.
func said(losses []llm.Loss) string {
	var all []string
	for _, l := range losses {
		all = append(all, l.Path+" "+l.Grade.String())
	}
	return strings.Join(all, ", ")
}
