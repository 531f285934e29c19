package converse

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func FuzzPeek(f *testing.F) {
	f.Add("/model/a%3Ab/converse", []byte(everything), "m2", int64(9))
	f.Add("/model/a/converse-stream", []byte(`{"inferenceConfig":{"maxTokens":1},"InferenceConfig":{}}`), "p/m", int64(0))
	f.Add("/model/a/converse", []byte(`{"additionalModelRequestFields":{"max_tokens":900,"inferenceConfig":{"maxTokens":800}}}`), "", int64(7))
	f.Fuzz(func(t *testing.T, path string, body []byte, model string, limit int64) {
		call := dialect.Call{Path: path, Body: bytes.Clone(body)}
		head, err := New().Peek(&call)
		if err != nil {
			if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		edited, err := New().Edit(nil, call, dialect.Edit{Model: model, MaxOutput: limit})
		if err != nil || !bytes.Equal(call.Body, body) || call.Path != path {
			t.Fatalf("Edit: %v; call is now %s %s", err, call.Path, call.Body)
		}
		if !utf8.ValidString(model) || strings.ContainsFunc(model, unicode.IsControl) {
			return
		}
		after, err := New().Peek(&edited)
		if err != nil {
			t.Fatalf("what was edited is refused: %v\n%s %s", err, edited.Path, edited.Body)
		}
		if limit > 0 && (after.MaxOutput > limit || after.MaxOutput == 0 && head.MaxOutput == 0) && !zero(body) || after.Stream != head.Stream || model != "" && after.Model != model || model == "" && after.Model != head.Model {
			t.Fatalf("head was %+v and is %+v\n%s", head, after, edited.Body)
		}
	})
}

// zero reports whether a body may state a limit of zero in a model's own words, which stays.
func zero(body []byte) bool { return bytes.Contains(body, []byte(requestFields)) }

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(everything), "anthropic.claude-sonnet-4-5-v1:0")
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"text":"b"},{"toolResult":{"toolUseId":"a","content":[{"json":7}]}}]}]}`), "amazon.nova-2-lite-v1:0")
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"json":[]}]}}]}]}`), "amazon.nova-2-lite-v1:0")
	f.Add([]byte(`{"messages":[{"role":"assistant","content":[{"reasoningContent":{"redactedContent":"d3IxLmUub3BlbmFpLng="}}]}],"additionalModelRequestFields":{"inferenceConfig":{"topK":1},"reasoning_effort":"low"}}`), "fast")
	f.Fuzz(func(t *testing.T, body []byte, model string) {
		if model == "" || !utf8.ValidString(model) || strings.ContainsFunc(model, unicode.IsControl) {
			return
		}
		call := dialect.Call{Path: join(model, false), Body: body}
		if _, err := New().Peek(&call); err != nil {
			return
		}
		req, err := codec{}.DecodeRequest(call)
		if err != nil {
			if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed || f.Param == "" {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		again, losses := encodeRequest(t, req, llm.Facts{Model: req.Model})
		if len(losses) == 0 {
			if d := cmp.Diff(req, decodeRequest(t, again), same); d != "" {
				t.Fatalf("the request changed (-want +got):\n%s\n%s", d, again.Body)
			}
		}
		req.From = llm.OpenAIChat
		for _, m := range []string{sonnet, "amazon.nova-2-lite-v1:0", "fast"} {
			call, _, err := codec{}.EncodeRequest(req, llm.Facts{Model: m})
			if err != nil {
				continue
			}
			if err := rawjson.Check(call.Body); err != nil {
				t.Fatalf("%v in %s", err, call.Body)
			}
			if problem := refused(call.Body); problem != "" {
				t.Fatalf("%s: Bedrock would refuse %s", problem, call.Body)
			}
		}
	})
}

// refused says why Bedrock would refuse a conversation, "" if nothing tells.
func refused(body []byte) string {
	role, n := "assistant", 0
	asked := map[string]int{}
	for _, m := range rawjson.Elems(rawjson.Get(body, "messages")) {
		n++
		now := rawjson.Text(rawjson.Get(m, "role"))
		if now == role {
			return "two turns of " + now + ", or the model begins"
		}
		role = now
		calls, results := map[string]int{}, map[string]int{}
		blocks, text, documents := 0, false, false
		for _, b := range rawjson.Elems(rawjson.Get(m, "content")) {
			blocks++
			name, in := only(b)
			switch name {
			case "text":
				if text = true; strings.TrimSpace(rawjson.Text(in)) == "" {
					return "a blank text"
				}
			case "document":
				documents = true
			case "toolUse":
				calls[rawjson.Text(rawjson.Get(in, "toolUseId"))]++
			case "toolResult":
				results[rawjson.Text(rawjson.Get(in, "toolUseId"))]++
			case "":
				return "a block of nothing"
			}
		}
		switch {
		case blocks == 0:
			return "an empty turn"
		case documents && !text:
			return "a document without a text"
		case role == "user" && !cmp.Equal(asked, results), role == "assistant" && len(results) > 0:
			return "results that are not those of the calls"
		case len(calls) > 0 && rawjson.Get(body, "toolConfig", "tools") == nil:
			return "calls without tools"
		}
		asked = calls
	}
	if n == 0 {
		return "no turns"
	}
	if len(asked) > 0 {
		return "calls at the end"
	}
	return ""
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(answer))
	f.Fuzz(func(t *testing.T, body []byte) {
		resp, err := codec{}.DecodeResponse(body)
		if err != nil {
			if _, ok := errors.AsType[*fault.Fault](err); !ok {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		out, _ := encodeResponse(t, resp)
		again := decodeResponse(t, out)
		out2, _ := encodeResponse(t, again)
		if d := cmp.Diff(again, decodeResponse(t, out2), same); d != "" {
			t.Fatalf("the answer changed:\n%s\n%s\n%s", d, out, out2)
		}
		encodeFrames(t, llm.Replay(resp))
		resp.From = llm.OpenAIChat
		encodeResponse(t, resp)
		encodeStream(t, llm.Replay(resp))
	})
}

func FuzzDecodeStream(f *testing.F) {
	// A stream is a line an event: its type, a space, its payload. The framing has a fuzz target of its own.
	var lines strings.Builder
	for fr := range framesOf(stream) {
		lines.WriteString(fr.Event + " " + string(fr.Data) + "\n")
	}
	f.Add(lines.String())
	f.Add("messageStart {}\ncontentBlockStart {\"start\":{\"x\":{}}}\ncontentBlockDelta {\"delta\":{\"x\":1}}\nmood {}\nthrottlingException {\"message\":\"a\"}")
	f.Add("contentBlockDelta {\"delta\":{\"citation\":{}}}\ncontentBlockDelta {\"contentBlockIndex\":0,\"delta\":{\"image\":{}}}\nmetadata {}\nmessageStop {}")
	f.Fuzz(func(t *testing.T, in string) {
		var events []string
		for line := range strings.Lines(in) {
			name, payload, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			if len(name) <= 200 {
				events = append(events, name, payload)
			}
		}
		s := streamed(events...)
		resp, err := llm.Collect("", checked(t, codec{}.DecodeStream(framesOf(s))))
		if err != nil {
			return
		}
		again, _ := encodeFrames(t, codec{}.DecodeStream(framesOf(s)))
		if resp.Fault == nil && len(resp.Choices) > 0 {
			encodeResponse(t, resp)
			collect(t, again)
			resp.From = llm.OpenAIChat
			encodeStream(t, llm.Replay(resp))
		}
		m := New().Meter()
		for f, err := range framesOf(s) {
			if err == nil {
				m.Frame(f)
			}
		}
	})
}

func FuzzReadFault(f *testing.F) {
	f.Add(400, "ValidationException:http://x/", []byte(`{"message":"Input is too long","__type":"a#b"}`))
	f.Add(0, "", []byte(`{"Output":{"__type":"x"},"error":{"message":"m"}}`))
	f.Add(502, "", []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, typ string, body []byte) {
		h := http.Header{errorHeader: {typ}}
		before := bytes.Clone(body)
		got := New().ReadFault(status, h, body)
		if got == nil || got.Message == "" || !utf8.ValidString(got.Message) || len(got.Message) > 2*messageMost || got.HTTPStatus != status || got.Origin != fault.There {
			t.Fatalf("read as %+v", got)
		}
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
	})
}
