package gemini

import (
	"bytes"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// same compares canonical values; raw JSON by its tokens, and without where something stood.
var same = cmp.Options{
	cmp.FilterPath(func(p cmp.Path) bool {
		name := p.Last().String()
		return name == ".Path" || name == ".Span"
	}, cmp.Ignore()),
	cmp.FilterValues(func(x, y []byte) bool { return x != nil && y != nil }, cmp.Comparer(func(x, y []byte) bool {
		return bytes.Equal(appendTight(nil, x), appendTight(nil, y))
	})),
}

func callOf(body string, stream bool) dialect.Call {
	c := dialect.Call{Op: llm.OpChat, Path: root + "m:" + whole, Body: []byte(body)}
	if stream {
		c.Path, c.Query = root+"m:"+streamed, asSSE
	}
	return c
}

func decodeRequest(t testing.TB, c dialect.Call) *llm.Request {
	t.Helper()
	if _, err := New().Peek(&c); err != nil {
		t.Fatalf("Peek: %v\n%s", err, c.Body)
	}
	req, err := codec{}.DecodeRequest(c)
	if err != nil {
		t.Fatalf("DecodeRequest: %v\n%s", err, c.Body)
	}
	return req
}

func encodeRequest(t testing.TB, req *llm.Request, facts llm.Facts) (dialect.Call, []string) {
	t.Helper()
	c, losses, err := codec{}.EncodeRequest(req, facts)
	if err != nil {
		t.Fatalf("EncodeRequest: %v", err)
	}
	if err := rawjson.Check(c.Body); err != nil {
		t.Fatalf("%v in %s", err, c.Body)
	}
	return c, paths(losses)
}

func paths(losses []llm.Loss) []string {
	var out []string
	for _, l := range losses {
		out = append(out, l.Grade.String()+" "+l.Path)
	}
	return out
}

func decodeResponse(t testing.TB, body string) *llm.Response {
	t.Helper()
	return dialecttest.Answer(t, New(), body)
}

func encodeResponse(t testing.TB, resp *llm.Response) (string, []string) {
	t.Helper()
	body, losses, err := codec{}.EncodeResponse(nil, resp)
	if err != nil {
		t.Fatalf("EncodeResponse: %v", err)
	}
	if err := rawjson.Check(body); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return string(body), paths(losses)
}

// events returns the frames of chunks as a stream of events has them.
func events(chunks ...string) frame.Seq {
	return framesOf("data: " + strings.Join(chunks, "\r\n\r\ndata: ") + "\r\n\r\n")
}

// framesOf cuts a stream, which tells by how it begins what it is.
func framesOf(stream string) frame.Seq {
	kind := llm.SSE
	if strings.HasPrefix(stream, "[") {
		kind = llm.Array
	}
	return frame.Cut(kind, strings.NewReader(stream), nil, 1<<20)
}

// checked passes events on and fails where they break the grammar.
func checked(t testing.TB, in iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
	return dialecttest.Grammatical(t, in)
}

func collect(t testing.TB, frames frame.Seq) *llm.Response {
	t.Helper()
	return dialecttest.Collected(t, New(), frames)
}

func encodeStream(t testing.TB, req *llm.Request, in iter.Seq2[llm.Event, error]) (string, []string) {
	t.Helper()
	var b strings.Builder
	var losses []llm.Loss
	for f, err := range (codec{}).EncodeStream(req, in, func(l llm.Loss) { losses = append(losses, l) }) {
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Raw) == 0 {
			t.Fatal("an empty frame")
		}
		b.Write(f.Raw)
	}
	return b.String(), paths(losses)
}

// refused returns the member a refusal names.
func refused(t testing.TB, err error, kind fault.Kind) string {
	t.Helper()
	f := (*fault.Fault)(nil)
	if !errors.As(err, &f) || f.Kind != kind || f.Message == "" {
		t.Fatalf("refused with %v", err)
	}
	return f.Param
}

func ptr[T any](v T) *T { return &v }

func raw(s string) []byte { return []byte(s) }
