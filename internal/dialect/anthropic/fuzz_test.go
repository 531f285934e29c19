package anthropic

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
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
		if limit > 0 && after.MaxOutput > limit || after.Stream != head.Stream {
			t.Fatalf("head was %+v and is %+v", head, after)
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}]}`))
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
		out, _ := encodeRequest(t, req, llm.Facts{Model: req.Model})
		if req.MaxOutput == 0 && req.Extra["max_tokens"] == nil {
			req.MaxOutput = usual(versionOf(req.Model))
		}
		if d := cmp.Diff(req, decodeRequest(t, out), same); d != "" {
			t.Fatalf("the request changed (-want +got):\n%s\n%s", d, out)
		}
		req.From = llm.OpenAIChat
		if call, _, err := (codec{}).EncodeRequest(req, llm.Facts{Model: "claude-x"}); err == nil {
			if err := rawjson.Check(call.Body); err != nil {
				t.Fatalf("%v in %s", err, call.Body)
			}
		}
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
		m := New().Meter()
		for f, err := range framesOf(in) {
			if err == nil {
				m.Frame(f)
			}
		}
	})
}
