package openaicompletions

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

var places = cmp.Options{cmpopts.IgnoreFields(llm.Part{}, "Path", "Span"), cmpopts.IgnoreFields(llm.Message{}, "Path")}

func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"model":"m","prompt":["a","b"],"max_tokens":7,"n":2,"best_of":3,"stream":true,"stream_options":{"include_usage":false}}`), "m2", int64(9))
	f.Add([]byte(`{"model":"a","Model":"b"}`), "", int64(0))
	f.Fuzz(func(t *testing.T, body []byte, model string, limit int64) {
		call := dialect.Call{Body: bytes.Clone(body)}
		head, err := New().Peek(&call)
		if err != nil {
			if f := fault.Of(err); f.Kind != fault.Malformed {
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
		if limit > 0 && after.MaxOutput > limit || after.Stream != head.Stream || after.N != head.N {
			t.Fatalf("head was %+v and is %+v", head, after)
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"model":"m","suffix":"end","prompt":["a"],"logprobs":3,"stop":["a","b"],"logit_bias":{"1": 2},"stream":true,"stream_options":{"include_usage":true,"odd":1},"max_tokens":0}`))
	f.Add([]byte(`{"model":"m","prompt":"a","logprobs":true,"n":3,"stream_options":{"a":1,"a":2}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		call := dialect.Call{Body: body}
		if _, err := New().Peek(&call); err != nil {
			return
		}
		req, err := codec{}.DecodeRequest(call)
		if err != nil {
			if f := fault.Of(err); f.Kind != fault.Malformed && f.Kind != fault.Unsupported || f.Param == "" {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		out, losses, err := codec{}.EncodeRequest(req, llm.Facts{Model: req.Model})
		if err != nil || len(losses) > 0 {
			t.Fatalf("encode: %v, lost %v", err, losses)
		}
		again, err := codec{}.DecodeRequest(out)
		if err != nil {
			t.Fatalf("%v in %s", err, out.Body)
		}
		if d := cmp.Diff(req, again, places); d != "" {
			t.Fatalf("the request changed (-want +got):\n%s\n%s", d, out.Body)
		}
		req.From = llm.OpenAIChat
		if call, _, err := (codec{}).EncodeRequest(req, llm.Facts{Model: "m"}); err == nil {
			if err := rawjson.Check(call.Body); err != nil {
				t.Fatalf("%v in %s", err, call.Body)
			}
		}
	})
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(`{"id":"c","object":"text_completion","created":7,"model":"m","choices":[{"text":"ab","index":1,"logprobs":{"tokens":["a","b"],"token_logprobs":[null,-0.5],
		"top_logprobs":[null,{"b":-0.5,"b":1}],"text_offset":[3,4]},"finish_reason":"length","odd":1}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`))
	f.Add([]byte(`{"choices":[{"index":1},{"index":1,"logprobs":[]}],"error":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		resp, err := codec{}.DecodeResponse(body)
		if err != nil || resp.Fault != nil {
			return
		}
		client := &llm.Request{From: llm.OpenAICompletions, WantUsage: true}
		out, losses, err := codec{}.EncodeResponse(client, resp)
		if err != nil || len(losses) > 0 {
			t.Fatalf("encode: %v, lost %v", err, losses)
		}
		again, err := codec{}.DecodeResponse(out)
		if err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		second, _, _ := codec{}.EncodeResponse(client, again)
		if !bytes.Equal(out, second) {
			t.Fatalf("the answer changed:\n%s\n%s", out, second)
		}
		encodeStream(t, client, llm.Replay(resp), func(l llm.Loss) { t.Errorf("lost %v", l) })
		resp.From = llm.OpenAIChat
		if out, _, err := (codec{}).EncodeResponse(client, resp); err != nil || rawjson.Check(out) != nil {
			t.Fatalf("%v in %s", err, out)
		}
		encodeStream(t, client, llm.Replay(resp), func(llm.Loss) {})
	})
}

func FuzzDecodeStream(f *testing.F) {
	f.Add([]byte("data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"text\":\"a\",\"index\":1,\"logprobs\":{\"tokens\":[\"a\"],\"text_offset\":[1]},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"))
	f.Add([]byte("data: {\"value\":\"a\"}\n\n: c\n\ndata: {\"choices\":[],\"usage\":{}}\n\nevent: error\ndata: {}\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		check := llm.Grammar()
		events := func(yield func(llm.Event, error) bool) {
			for e, err := range (codec{}).DecodeStream(frame.SSE(bytes.NewReader(stream), nil, 1<<20)) {
				if broken := check(e); err == nil && broken != nil {
					t.Fatal(broken)
				}
				if !yield(e, err) {
					return
				}
			}
		}
		var out bytes.Buffer
		for f, err := range (codec{}).EncodeStream(&llm.Request{WantUsage: true}, events, func(l llm.Loss) { t.Errorf("lost %v", l) }) {
			if err != nil {
				return
			}
			out.Write(f.Raw)
		}
		if broken := check(llm.Event{}); broken != nil {
			t.Fatal(broken)
		}
		m := New().Meter()
		for f, err := range frame.SSE(&out, nil, 1<<24) {
			if data := bytes.TrimSpace(f.Data); err != nil || rawjson.Check(data) != nil && string(data) != "[DONE]" {
				t.Fatalf("%v in %s", err, f.Raw)
			}
			m.Frame(f)
		}
	})
}

func FuzzReadFault(f *testing.F) {
	f.Add(429, []byte(`{"error":{"message":"slow down","type":"rate_limit_error"}}`))
	f.Add(0, []byte(`[1`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := New().ReadFault(status, nil, body)
		if got.Message == "" || rawjson.Check(New().Fault(nil, got, dialect.Whole)) != nil {
			t.Errorf("%+v", got)
		}
	})
}
