package gemini

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func FuzzPeek(f *testing.F) {
	f.Add("/v1beta/models/m:generateContent", "alt=sse", []byte(everything), "m2", int64(9))
	f.Add("/v1/projects/p/locations/l/publishers/google/models/a%2Fb:streamGenerateContent", "$alt=json", []byte(`{"generation_config":{"max_output_tokens":"7"},"model":"models/a/b"}`), "x:y/z", int64(5))
	f.Add("/v1beta/models/m%3AgenerateContent", "", []byte(`{"generationConfig":{"maxOutputTokens":1},"generation_config":{}}`), "", int64(0))
	f.Fuzz(func(t *testing.T, path, query string, body []byte, model string, limit int64) {
		call := dialect.Call{Path: path, Query: query, Body: bytes.Clone(body)}
		head, err := New().Peek(&call)
		if err != nil {
			if f := (*fault.Fault)(nil); !errors.As(err, &f) || f.Kind != fault.Malformed {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if head.Model == "" || !head.Stream && head.Framing != llm.SSE {
			t.Fatalf("head %+v", head)
		}
		model = strings.ReplaceAll(strings.ToValidUTF8(model, ""), "\x00", "")
		edited, err := New().Edit(nil, call, dialect.Edit{Model: model, MaxOutput: limit})
		if err != nil || !bytes.Equal(call.Body, body) {
			t.Fatalf("Edit: %v; body is now %s", err, call.Body)
		}
		if limit <= 0 && !bytes.Equal(edited.Body, body) && rawjson.IsNull(call.Index.Get(body, atModel)) {
			t.Fatalf("nothing was asked of the body, and it is now %s", edited.Body)
		}
		after, err := New().Peek(&edited)
		if err != nil {
			if strings.ContainsFunc(model, control) || strings.TrimPrefix(model, "models/") == "" && model != "" || strings.Contains(model, "/models/") {
				return
			}
			t.Fatalf("what was edited is refused: %v\n%s\n%s", err, edited.Path, edited.Body)
		}
		if limit > 0 && (after.MaxOutput > limit || after.MaxOutput == 0) || after.Stream != head.Stream || after.N != head.N {
			t.Fatalf("head was %+v and is %+v", head, after)
		}
		if model != "" && after.Model != strings.TrimPrefix(model, "models/") {
			t.Fatalf("model %q became %q in %s", model, after.Model, edited.Path)
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(`{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"name":"f","response":{"output":1}}}]}]}`))
	f.Add([]byte(`{"contents":[{"role":"model","parts":[{"text":"a","thought":true}]},{"role":"model","parts":[{"text":"","thought":true,"thoughtSignature":"d3IxLnMuYW50aHJvcGljLmMybG4="}]}]}`))
	f.Add([]byte(`{"contents":{"parts":{"text":"a"}},"toolConfig":{"functionCallingConfig":{"mode":4,"allowedFunctionNames":["f"]}},"generation_config":{"response_schema":{"type":"STRING","nullable":true}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		call := callOf(string(body), true)
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
		// What another maker sealed does not go to Google, and that is said.
		for i := range req.Messages {
			for j := range req.Messages[i].Parts {
				if p := &req.Messages[i].Parts[j]; p.Seal.By != maker {
					p.Seal = llm.Seal{}
				}
			}
		}
		out, lost := encodeRequest(t, req, llm.Facts{Model: req.Model})
		if lost != nil {
			t.Fatalf("lost %q of %s", lost, body)
		}
		again := decodeRequest(t, out)
		if d := cmp.Diff(req, again, same); d != "" {
			t.Fatalf("the request changed (-want +got):\n%s\n%s", d, out.Body)
		}
		req.From = llm.OpenAIChat
		for _, model := range []string{"gemini-2.5-flash", "gemini-3-pro", "x"} {
			if call, _, err := (codec{}).EncodeRequest(req, llm.Facts{Model: model}); err == nil {
				if err := rawjson.Check(call.Body); err != nil {
					t.Fatalf("%v in %s", err, call.Body)
				}
			}
		}
	})
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(answer))
	f.Add([]byte(`[{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":1}]}]`))
	f.Add([]byte(`{"promptFeedback":{"blockReason":1},"usageMetadata":{"promptTokenCount":1,"promptTokensDetails":[{"modality":2,"tokenCount":"3"}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		resp, err := codec{}.DecodeResponse(body)
		if err != nil {
			return
		}
		out, lost := encodeResponse(t, resp)
		if lost != nil {
			t.Fatalf("lost %q", lost)
		}
		again := decodeResponse(t, out)
		out2, _ := encodeResponse(t, again)
		if out != out2 {
			t.Fatalf("the answer changed:\n%s\n%s", out, out2)
		}
		m := New().Meter()
		m.Body(body)
		resp.From = llm.OpenAIChat
		encodeResponse(t, resp)
		encodeStream(t, nil, llm.Replay(resp))
	})
}

func FuzzDecodeStream(f *testing.F) {
	f.Add("data: " + strings.ReplaceAll(answer, "\n", " ") + "\n\n")
	f.Add("[" + answer + ",\r\n" + answer + "]")
	f.Add(`[{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","willContinue":true}}]}}]},{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a[2]['b']","stringValue":"x"}]}}]},"finishReason":"STOP"}]}]`)
	f.Add(`[{"candidates":[{"content":{"parts":[{"text":"a","thoughtSignature":"c2ln"},{"text":"","thoughtSignature":"c2ln"}]}}]},{"error":{"code":503}}]`)
	f.Fuzz(func(t *testing.T, in string) {
		resp, err := llm.Collect("", checked(t, codec{}.DecodeStream(framesOf(in))))
		if err != nil {
			return
		}
		again, _ := encodeStream(t, nil, codec{}.DecodeStream(framesOf(in)))
		if resp.Fault == nil {
			encodeResponse(t, resp)
			if back := collect(t, framesOf(again)); back.Fault != nil {
				t.Fatalf("what was written is read as %v\n%s", back.Fault, again)
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
	f.Add(429, []byte(`{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"}]}}`))
	f.Add(0, []byte(`[{"error":"x"}]`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		f := New().ReadFault(status, nil, body)
		if f == nil || f.Message == "" || !utf8.ValidString(f.Message) || f.Origin != fault.There || len(f.Message) > messageMost+64 || f.RetryAfter < 0 {
			t.Fatalf("%+v", f)
		}
		back := New().ReadFault(f.Status(), nil, New().Fault(nil, f, dialect.Whole))
		if len(f.Message) < messageMost/2 && fault.Blot(f.Message) == f.Message && strings.TrimSpace(f.Message) != "" && back.Message != f.Message {
			t.Fatalf("%q is read as %q", f.Message, back.Message)
		}
	})
}
