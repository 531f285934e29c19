package ollama

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func FuzzPeek(f *testing.F) {
	f.Add([]byte(everything), "m2", int64(9))
	f.Add([]byte(`{"model":"a","options":{"num_predict":-2}}`), "", int64(5))
	f.Add([]byte(`{"model":"a","Model":"b"}`), "", int64(0))
	f.Fuzz(func(t *testing.T, body []byte, model string, limit int64) {
		call := dialect.Call{Body: bytes.Clone(body)}
		head, err := New().Peek(&call)
		if err != nil {
			if f := (*fault.Fault)(nil); !errors.As(err, &f) || f.Kind != fault.Malformed {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		edited, err := New().Edit(nil, call, dialect.Edit{Model: strings.ToValidUTF8(model, ""), MaxOutput: limit})
		if err != nil || !bytes.Equal(call.Body, body) {
			t.Fatalf("Edit: %v; body is now %s", err, call.Body)
		}
		after, err := New().Peek(&edited)
		if err != nil && strings.ContainsRune(model, 0) {
			return
		}
		if err != nil {
			t.Fatalf("what was edited is refused: %v\n%s", err, edited.Body)
		}
		if limit > 0 && (after.MaxOutput > limit || after.MaxOutput == 0) || after.Stream != head.Stream {
			t.Fatalf("head was %+v and is %+v", head, after)
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(`{"model":"m","think":7,"format":"x","messages":[{"role":"tool","tool_name":"a"},{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}],"options":{"stop":"x","num_predict":-5}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		call := dialect.Call{Body: body}
		if _, err := New().Peek(&call); err != nil {
			return
		}
		req, err := codec{}.DecodeRequest(call)
		if err != nil {
			if f := (*fault.Fault)(nil); !errors.As(err, &f) || f.Kind != fault.Malformed || f.Param == "" {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		out, losses := encodeRequest(t, req, llm.Facts{Model: req.Model})
		if d := dialecttest.Same(req, decodeRequest(t, out)); d != "" || len(losses) > 0 {
			t.Fatalf("the request changed, lost %s: %s\n%s", paths(losses), d, out)
		}
		for _, model := range []string{"m", "qwen3", "gpt-oss", "llama3"} {
			req.From = llm.OpenAIChat
			if call, _, err := (codec{}).EncodeRequest(req, llm.Facts{Model: model}); err == nil {
				if err := rawjson.Check(call.Body); err != nil {
					t.Fatalf("%v in %s", err, call.Body)
				}
			}
		}
	})
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(`{"model":"m","created_at":"2025-01-29T23:37:41.068257Z","message":{"role":"assistant","content":"a","thinking":"H","images":["AA"],"tool_calls":[{"function":{"name":"f","arguments":{"a": 1}}}]},"done_reason":"stop","done":true,"total_duration":4,"prompt_eval_count":3,"eval_count":-1,"logprobs":[{"token":"a","logprob":-1,"top_logprobs":[{"token":"b"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		resp, err := codec{}.DecodeResponse(body)
		if err != nil || resp.Fault != nil {
			return
		}
		encode := func(resp *llm.Response) string {
			out, _, err := codec{}.EncodeResponse(nil, resp)
			if err != nil || rawjson.Check(out) != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return string(out)
		}
		out := encode(resp)
		again := decodeResponse(t, out)
		if out2 := encode(again); out != out2 {
			t.Fatalf("the answer changed:\n%s\n%s", out, out2)
		}
		resp.From = llm.OpenAIChat
		encode(resp)
		stream, _ := encodeStream(t, llm.Replay(resp))
		if got := collect(t, stream); got.Fault != nil {
			t.Fatalf("read as %v:\n%s", got.Fault, stream)
		}
	})
}

func FuzzDecodeStream(f *testing.F) {
	f.Add(`{"model":"m","created_at":"2025-08-20T13:48:26Z","message":{"role":"assistant","content":"a"},"done":false}` + "\n" +
		`{"model":"m","created_at":"2025-08-20T13:48:26Z","message":{"role":"assistant","content":"ü","odd":1},"done":false,"logprobs":[{"token":"a","logprob":-1}]}` + "\n" +
		`{"model":"m","created_at":"2025-08-20T13:48:27Z","message":{"role":"assistant","content":""},"done":true,"eval_count":3}`)
	f.Add(`{"message":{"thinking":"H","images":["AA"],"tool_calls":[{"id":1,"function":{"name":"f","arguments":{"a":1}}}]}}` + "\n" + `{"error":"x"}` + "\n")
	f.Fuzz(func(t *testing.T, in string) {
		resp, err := llm.Collect("", checked(t, codec{}.DecodeStream(framesOf(in))))
		if err != nil {
			return
		}
		again, _ := encodeStream(t, codec{}.DecodeStream(framesOf(in)))
		if resp.Fault == nil && len(resp.Choices) > 0 {
			if _, _, err := (codec{}).EncodeResponse(nil, resp); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(resp.Usage, collect(t, again).Usage); d != "" {
				t.Fatal(d)
			}
		}
		m := New().Meter()
		for f, err := range framesOf(in) {
			if err == nil {
				m.Frame(f)
			}
		}
		if resp.Fault == nil && (m.Read().Fault != nil || !m.Read().Ended) {
			t.Fatalf("the meter reads %+v", m.Read())
		}
	})
}

func FuzzReadFault(f *testing.F) {
	f.Add(404, []byte(`{"error":"model 'x' not found"}`))
	f.Add(0, []byte(`{"error":{"error":{"message":"x"}}}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := New().ReadFault(status, nil, body)
		if got.Message == "" || got.Origin != fault.There || len(got.Message) > dialect.ErrorMost+64 {
			t.Fatalf("read as %+v", got)
		}
		for _, form := range []dialect.Form{dialect.Whole, dialect.Stream} {
			if out := New().Fault(nil, got, form); rawjson.Check(out) != nil {
				t.Fatalf("written as %s", out)
			}
		}
	})
}
