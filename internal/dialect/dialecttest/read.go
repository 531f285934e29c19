package dialecttest

import (
	"iter"
	"testing"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
)

// Answer decodes an answer that must be one.
func Answer(t testing.TB, d dialect.Dialect, body string) *llm.Response {
	t.Helper()
	resp, err := d.Codec().DecodeResponse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// Collected decodes a stream, whose events must keep the grammar, into an answer.
func Collected(t testing.TB, d dialect.Dialect, frames frame.Seq) *llm.Response {
	t.Helper()
	resp, err := llm.Collect("", Grammatical(t, d.Codec().DecodeStream(frames)))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// Grammatical passes events on and fails where they break the grammar.
func Grammatical(t testing.TB, in iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		var problems []string
		for e, err := range Checked(in, &problems) {
			if !yield(e, err) {
				break
			}
		}
		for _, problem := range problems {
			t.Error(problem)
		}
	}
}

// Stream encodes events and returns the stream and what it lost.
func Stream(t testing.TB, d dialect.Dialect, req *llm.Request, in iter.Seq2[llm.Event, error]) (stream string, losses []llm.Loss) {
	t.Helper()
	b, err := WriteStream(d.Codec(), req, in, &losses)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), losses
}
