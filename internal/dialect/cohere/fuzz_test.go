package cohere

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
	f.Add([]byte(`{"model":"m","messages":[{"role":"tool","tool_call_id":"a"},{"role":"assistant","tool_calls":[{"type":"x"}]}]}`))
	f.Add([]byte(`{"model":"m","messages":[{"role":"assistant","content":"aü","citations":[{"start":1,"end":9},{"start":1,"end":2,"sources":[{"type":"tool"},1]},7]}]}`))
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
		for _, model := range []string{"m", "command-a-03-2025", "command-r"} {
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
		m := New().Meter()
		for f, err := range framesOf(in) {
			if err == nil {
				m.Frame(f)
			}
		}
	})
}

func FuzzReadFault(f *testing.F) {
	f.Add(400, []byte(`{"id":"1","message":"too many tokens"}`))
	f.Add(0, []byte(`{"type":"message-end","delta":{"error":"x","finish_reason":"TIMEOUT"}}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := New().ReadFault(status, nil, body)
		if got.Message == "" || got.Origin != fault.There || len(got.Message) > dialect.ErrorMost+64 {
			t.Fatalf("read as %+v", got)
		}
		for _, form := range []dialect.Form{dialect.Whole, dialect.Stream} {
			if out := New().Fault(nil, got, form); form == dialect.Whole && rawjson.Check(out) != nil {
				t.Fatalf("written as %s", out)
			}
		}
	})
}
