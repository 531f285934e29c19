package openairesponses

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/llm"
)

func FuzzPeek(f *testing.F) {
	f.Add([]byte(everything), "m2", int64(9))
	f.Add([]byte(`{"model":"a","Model":"b"}`), "", int64(0))
	f.Fuzz(func(t *testing.T, body []byte, model string, limit int64) {
		call, ok := dialecttest.EditHolds(t, New(), body, model, limit, false)
		if !ok {
			return
		}
		items, err := InputItems(call.Body)
		if err != nil {
			return
		}
		whole := EditInput(nil, call, items)
		if _, err := New().Peek(&whole); err != nil {
			t.Fatalf("a new input is refused: %v\n%s", err, whole.Body)
		}
		again, err := InputItems(whole.Body)
		if err != nil || len(again) != len(items) {
			t.Fatalf("%d items are %d: %v", len(items), len(again), err)
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(`{"model":"m","input":[{"type":"function_call_output","call_id":"a","output":""}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req := dialecttest.Decoded(t, New(), dialect.Call{Body: body})
		if req == nil {
			return
		}
		out, losses := encodeRequest(t, req, llm.Facts{Model: req.Model})
		if len(losses) == 0 { // without seals of others nothing changes
			if d := cmp.Diff(req, decodeRequest(t, out), same); d != "" {
				t.Fatalf("the request changed (-want +got):\n%s\n%s", d, out)
			}
		}
		dialecttest.ForeignHolds(t, New(), req, "m")
	})
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(answered))
	f.Add([]byte(`{"output":[{"type":"reasoning","encrypted_content":"wr1.s.@previous.0"}]}`))
	f.Add([]byte(`{"output":[{"type":"reasoning","id":"a","summary":[],"encrypted_content":"wr1.s.google@previous.x"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		resp, err := codec{}.DecodeResponse(body)
		if err != nil || resp.Fault != nil {
			return
		}
		out, _ := encodeResponse(t, nil, resp)
		again := decodeResponse(t, out)
		out2, _ := encodeResponse(t, nil, again)
		if out != out2 {
			t.Fatalf("the answer changed:\n%s\n%s", out, out2)
		}
		resp.From = llm.OpenAIChat
		encodeResponse(t, nil, resp)
		written, _ := encodeStream(t, nil, llm.Replay(resp))
		if err := wellFormed([]byte(written)); err != nil {
			t.Fatalf("%v in %s", err, written)
		}
	})
}

func FuzzDecodeStream(f *testing.F) {
	f.Add(streamed)
	f.Add(stream(`{"type":"response.output_text.delta","delta":"a"}`, `{"type":"response.reasoning_summary_text.done","text":"b"}`, complete) + "data: [DONE]\n\n")
	f.Add(stream(created, message, `{"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"ü","annotations":[{"type":"url_citation","start_index":0,"end_index":1}]},7]}}`, complete))
	f.Fuzz(func(t *testing.T, in string) {
		resp, err := llm.Collect("", checked(t, codec{}.DecodeStream(framesOf(in))))
		if err != nil {
			return
		}
		again, _ := encodeStream(t, nil, codec{}.DecodeStream(framesOf(in)))
		if resp.Fault == nil {
			encodeResponse(t, nil, resp)
			collect(t, again)
			resp.From = llm.OpenAIChat
			written, _ := encodeStream(t, nil, llm.Replay(resp))
			if err := wellFormed([]byte(written)); err != nil {
				t.Fatalf("%v in %s", err, written)
			}
		}
		dialecttest.Metered(New(), framesOf(in))
	})
}

func FuzzReadFault(f *testing.F) {
	f.Add(400, []byte(`{"error":{"message":"x","code":"invalid_prompt"}}`))
	f.Add(0, []byte(`{"type":"response.failed","response":{"error":{"code":"x","message":"y"}}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		dialecttest.FaultHolds(t, New(), status, body, 4<<10)
	})
}
