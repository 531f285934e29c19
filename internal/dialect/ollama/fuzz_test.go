package ollama

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func FuzzPeek(f *testing.F) {
	f.Add([]byte(everything), "m2", int64(9))
	f.Add([]byte(`{"model":"a","options":{"num_predict":-2}}`), "", int64(5))
	f.Add([]byte(`{"model":"a","Model":"b"}`), "", int64(0))
	f.Fuzz(func(t *testing.T, body []byte, model string, limit int64) {
		dialecttest.EditHolds(t, New(), body, model, limit, true)
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(`{"model":"m","think":7,"format":"x","messages":[{"role":"tool","tool_name":"a"},{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}],"options":{"stop":"x","num_predict":-5}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req := dialecttest.Decoded(t, New(), dialect.Call{Body: body})
		if req == nil {
			return
		}
		out, losses := encodeRequest(t, req, llm.Facts{Model: req.Model})
		if d := dialecttest.Same(req, decodeRequest(t, out)); d != "" || len(losses) > 0 {
			t.Fatalf("the request changed, lost %s: %s\n%s", paths(losses), d, out)
		}
		dialecttest.ForeignHolds(t, New(), req, "m", "qwen3", "gpt-oss", "llama3")
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
		if r := dialecttest.Metered(New(), framesOf(in)); resp.Fault == nil && (r.Fault != nil || !r.Ended) {
			t.Fatalf("the meter reads %+v", r)
		}
	})
}

func FuzzReadFault(f *testing.F) {
	f.Add(404, []byte(`{"error":"model 'x' not found"}`))
	f.Add(0, []byte(`{"error":{"error":{"message":"x"}}}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		dialecttest.FaultHolds(t, New(), status, body, dialect.ErrorMost+64)
	})
}
