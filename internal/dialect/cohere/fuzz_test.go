package cohere

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
	f.Add([]byte(`{"model":"a","Model":"b"}`), "", int64(0))
	f.Fuzz(func(t *testing.T, body []byte, model string, limit int64) {
		dialecttest.EditHolds(t, New(), body, model, limit, true)
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(`{"model":"m","messages":[{"role":"tool","tool_call_id":"a"},{"role":"assistant","tool_calls":[{"type":"x"}]}]}`))
	f.Add([]byte(`{"model":"m","messages":[{"role":"assistant","content":"aü","citations":[{"start":1,"end":9},{"start":1,"end":2,"sources":[{"type":"tool"},1]},7]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req := dialecttest.Decoded(t, New(), dialect.Call{Body: body})
		if req == nil {
			return
		}
		out, losses := encodeRequest(t, req, llm.Facts{Model: req.Model})
		if d := dialecttest.Same(req, decodeRequest(t, out)); d != "" || len(losses) > 0 {
			t.Fatalf("the request changed, lost %s: %s\n%s", paths(losses), d, out)
		}
		dialecttest.ForeignHolds(t, New(), req, "m", "command-a-03-2025", "command-r")
	})
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(`{"id":"a","message":{"role":"assistant","content":[{"type":"thinking","thinking":"Hm"},{"type":"text","text":"aü"}],"tool_plan":"p","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}],"citations":[{"start":0,"end":1,"text":"a","content_index":1}]},"finish_reason":"TOOL_CALL","logprobs":[{"text":"a","token_ids":[1,2],"logprobs":[-1,-2]}],"usage":{"tokens":{"input_tokens":3},"billed_units":7,"cached_tokens":-1}}`))
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
		collect(t, stream)
	})
}

func FuzzDecodeStream(f *testing.F) {
	f.Add(lines(`{"id":"a","type":"message-start"}`, `{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}`,
		`{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"aü"}}},"logprobs":{"text":"a","token_ids":[1],"logprobs":[-1]}}`,
		`{"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":1,"end":2,"sources":[]}}}}`, `{"type":"content-end","index":0}`,
		`{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":3}}}}`, `[DONE]`))
	f.Add(lines(`{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"p"}}}`, `{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"c","function":{"name":"f","arguments":"{"}}}}}`,
		`{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"}"}}}}}`, `{"type":"tool-call-end","index":0}`, `{"type":"message-end","delta":{"finish_reason":"TOOL_CALL"}}`))
	f.Add(lines(`{"type":"content-start","index":3,"delta":{"message":{"content":{"type":"x"}}}}`, `{"type":"debug"}`, `{"type":"message-end","delta":{"error":"x"}}`))
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
		dialecttest.Metered(New(), framesOf(in))
	})
}

func FuzzReadFault(f *testing.F) {
	f.Add(400, []byte(`{"id":"1","message":"too many tokens"}`))
	f.Add(0, []byte(`{"type":"message-end","delta":{"error":"x","finish_reason":"TIMEOUT"}}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		dialecttest.FaultHolds(t, New(), status, body, dialect.ErrorMost+64)
	})
}
