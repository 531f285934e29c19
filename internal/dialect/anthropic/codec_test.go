package anthropic

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// same compares canonical values, but for where they stood and white space in raw ones.
var same = cmp.Options{
	cmp.Transformer("compact", func(raw json.RawMessage) string {
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			return string(raw)
		}
		return b.String()
	}),
	cmpopts.IgnoreFields(llm.Message{}, "Path"),
	cmpopts.IgnoreFields(llm.Part{}, "Path", "Span"),
	cmpopts.IgnoreFields(llm.Tool{}, "Path", "Span"),
}

func framesOf(stream string) frame.Seq {
	return frame.SSE(strings.NewReader(stream), nil, 64<<20)
}

// checked passes events on and fails where they break the grammar.
func checked(t testing.TB, in iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
	return dialecttest.Grammatical(t, in)
}

func decodeRequest(t testing.TB, body string) *llm.Request {
	t.Helper()
	req, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
	if err != nil {
		t.Fatalf("DecodeRequest(%s): %v", body, err)
	}
	return req
}

func encodeRequest(t testing.TB, req *llm.Request, facts llm.Facts) (string, []llm.Loss) {
	t.Helper()
	call, losses, err := codec{}.EncodeRequest(req, facts)
	if err != nil {
		t.Fatalf("EncodeRequest: %v", err)
	}
	if err := rawjson.Check(call.Body); err != nil {
		t.Fatalf("EncodeRequest wrote no JSON: %v\n%s", err, call.Body)
	}
	if call.Path != "/v1/messages" || call.Op != llm.OpChat {
		t.Errorf("call goes to %s for %s", call.Path, call.Op)
	}
	return string(call.Body), losses
}

func decodeResponse(t testing.TB, body string) *llm.Response {
	t.Helper()
	return dialecttest.Answer(t, New(), body)
}

func encodeResponse(t testing.TB, resp *llm.Response) (string, []llm.Loss) {
	t.Helper()
	body, losses, err := codec{}.EncodeResponse(&llm.Request{}, resp)
	if err != nil {
		t.Fatalf("EncodeResponse: %v", err)
	}
	if err := rawjson.Check(body); err != nil {
		t.Fatalf("EncodeResponse wrote no JSON: %v\n%s", err, body)
	}
	return string(body), losses
}

func collect(t testing.TB, stream string) *llm.Response {
	t.Helper()
	return dialecttest.Collected(t, New(), framesOf(stream))
}

// encodeStream writes a stream and checks that it is well formed.
func encodeStream(t testing.TB, in iter.Seq2[llm.Event, error]) (string, []llm.Loss) {
	t.Helper()
	var b bytes.Buffer
	var losses []llm.Loss
	for f, err := range (codec{}).EncodeStream(&llm.Request{}, in, func(l llm.Loss) { losses = append(losses, l) }) {
		if err != nil {
			t.Fatalf("EncodeStream: %v", err)
		}
		if len(f.Raw) == 0 {
			t.Error("EncodeStream yields an empty frame")
		}
		b.Write(f.Raw)
	}
	wellFormed(t, b.String())
	return b.String(), losses
}

// wellFormed checks what the SDKs rely on in a stream.
func wellFormed(t testing.TB, stream string) {
	t.Helper()
	next, open, state, signed := int64(0), "", "before", false
	say := func(format string, args ...any) {
		t.Helper()
		t.Errorf("stream: "+format+"\n%s", append(args, stream)...)
	}
	for f, err := range framesOf(stream) {
		if err != nil || f.Tail {
			say("cannot be cut: %v", err)
			return
		}
		if err := rawjson.Check(f.Data); err != nil {
			say("%v in %s", err, f.Data)
			return
		}
		typ := rawjson.Text(rawjson.Get(f.Data, "type"))
		if f.Event != typ {
			say("frame is named %q and says %q", f.Event, typ)
		}
		if state == "ended" {
			say("%s after the end", typ)
		}
		index, _ := rawjson.Int(rawjson.Get(f.Data, "index"))
		switch typ {
		case "message_start":
			if state != "before" {
				say("a second message_start")
			}
			state = "started"
			for _, name := range []string{"id", "type", "role", "model", "content", "stop_reason", "stop_sequence"} {
				if rawjson.Get(f.Data, "message", name) == nil {
					say("message_start without %s", name)
				}
			}
			if rawjson.Get(f.Data, "message", "usage", "input_tokens") == nil || rawjson.Get(f.Data, "message", "usage", "output_tokens") == nil {
				say("message_start without usage")
			}
		case "content_block_start":
			if state != "started" || open != "" || index != next {
				say("block %d begins where %d is due, in state %s, while %q is open", index, next, state, open)
			}
			open, signed = rawjson.Text(rawjson.Get(f.Data, "content_block", "type")), false
		case "content_block_delta":
			if open == "" || index != next {
				say("a delta of block %d, %d is open", index, next)
			}
			if rawjson.Text(rawjson.Get(f.Data, "delta", "type")) == "signature_delta" {
				signed = true
			} else if signed && open == "thinking" { // what a block of a kind nobody knows holds passes as it came
				say("a delta after the signature")
			}
		case "content_block_stop":
			if open == "" || index != next {
				say("block %d ends, %d is open", index, next)
			}
			open = ""
			next++
		case "message_delta":
			if state != "started" || open != "" {
				say("message_delta in state %s while %q is open", state, open)
			}
			state = "stopped"
			for _, name := range []string{"stop_reason", "stop_sequence"} {
				if rawjson.Get(f.Data, "delta", name) == nil {
					say("message_delta without %s", name)
				}
			}
			if rawjson.Get(f.Data, "usage", "output_tokens") == nil {
				say("message_delta without usage")
			}
		case "message_stop":
			if state != "stopped" {
				say("message_stop in state %s", state)
			}
			state = "ended"
		case "error":
			state = "ended"
		}
	}
	if state != "ended" {
		say("ends in state %s", state)
	}
}

func paths(losses []llm.Loss) string {
	var out []string
	for _, l := range losses {
		out = append(out, l.Path+" "+l.Grade.String())
	}
	return strings.Join(out, ", ")
}

// roundTrips checks that an answer survives its own dialect, whole and as a stream.
func roundTrips(t testing.TB, resp *llm.Response) {
	t.Helper()
	body, losses := encodeResponse(t, resp)
	if len(losses) > 0 {
		t.Errorf("EncodeResponse to its own dialect loses %s", paths(losses))
	}
	if d := cmp.Diff(resp, decodeResponse(t, body), same); d != "" {
		t.Errorf("the answer changed on its way (-want +got):\n%s\n%s", d, body)
	}
	stream, losses := encodeStream(t, checked(t, llm.Replay(resp)))
	if len(losses) > 0 {
		t.Errorf("EncodeStream to its own dialect loses %s", paths(losses))
	}
	if d := cmp.Diff(resp, collect(t, stream), same); d != "" {
		t.Errorf("the answer changed as a stream (-want +got):\n%s\n%s", d, stream)
	}
}
