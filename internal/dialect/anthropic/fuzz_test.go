package anthropic

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
		dialecttest.EditHolds(t, New(), body, model, limit, false)
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}]}`))
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"b"},{"type":"tool_result","tool_use_id":"a","content":"c"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req := dialecttest.Decoded(t, New(), dialect.Call{Body: body})
		if req == nil {
			return
		}
		out, _ := encodeRequest(t, req, llm.Facts{Model: req.Model})
		if req.MaxOutput == 0 && req.Extra["max_tokens"] == nil {
			req.MaxOutput = usual(versionOf(req.Model))
		}
		if d := cmp.Diff(req, decodeRequest(t, out), same); d != "" {
			t.Fatalf("the request changed (-want +got):\n%s\n%s", d, out)
		}
		dialecttest.ForeignHolds(t, New(), req, "claude-x")
	})
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(answer))
	f.Fuzz(func(t *testing.T, body []byte) {
		resp, err := codec{}.DecodeResponse(body)
		if err != nil {
			return
		}
		if resp.Usage == nil {
			resp.Usage = &llm.Usage{Said: llm.SaidInput | llm.SaidOutput}
		}
		out, _ := encodeResponse(t, resp)
		again := decodeResponse(t, out)
		out2, _ := encodeResponse(t, again)
		if out != out2 {
			t.Fatalf("the answer changed:\n%s\n%s", out, out2)
		}
		resp.From = llm.OpenAIChat
		encodeResponse(t, resp)
		encodeStream(t, llm.Replay(resp))
	})
}

func FuzzDecodeStream(f *testing.F) {
	f.Add(stream)
	f.Add(lines(`{"type":"content_block_start","index":0,"content_block":{"type":"x"}}`, `{"type":"content_block_delta","delta":{"a":"b","partial_json":"1"}}`, "[DONE]"))
	// A signature that comes before the thoughts it vouches for: it is said last all the same.
	f.Add(lines(`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"see."}}`))
	f.Add(lines(`{"type":"content_block_start","index":0,"content_block":{"type":"dreaming","thinking":"","signature":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"see."}}`))
	f.Fuzz(func(t *testing.T, in string) {
		resp, err := llm.Collect("", checked(t, codec{}.DecodeStream(framesOf(in))))
		if err != nil {
			return
		}
		again, _ := encodeStream(t, codec{}.DecodeStream(framesOf(in)))
		if resp.Fault == nil && len(resp.Choices) > 0 {
			encodeResponse(t, resp)
			collect(t, again)
		}
		dialecttest.Metered(New(), framesOf(in))
	})
}
