package openairesponses

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/replay"
)

// story writes what a stream tells, an event a line.
func story(t *testing.T, stream string) string {
	t.Helper()
	var b strings.Builder
	for e, err := range checked(t, codec{}.DecodeStream(framesOf(stream))) {
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case llm.EventStart:
			fmt.Fprintf(&b, "start %s %s\n", e.ID, e.Model)
		case llm.EventOpen:
			fmt.Fprintf(&b, "open %d kind %d %s\n", e.Index, e.Part.Kind, strings.TrimSpace(e.Part.Name+" "+e.Part.ID+" "+e.Part.Item))
		case llm.EventDelta:
			fmt.Fprintf(&b, "delta %d %q\n", e.Index, e.Text)
		case llm.EventSeal:
			fmt.Fprintf(&b, "seal %d %s %s\n", e.Index, e.Part.Seal.By, e.Part.Seal.Data)
		case llm.EventCite:
			fmt.Fprintf(&b, "cite %d %d-%d\n", e.Index, e.Part.Cites[0].Start, e.Part.Cites[0].End)
		case llm.EventProgress:
			fmt.Fprintf(&b, "progress %d %s\n", e.Index, e.Text)
		case llm.EventEcho:
			fmt.Fprintf(&b, "echo %d\n", e.Index)
		case llm.EventClose:
			fmt.Fprintf(&b, "close %d %s\n", e.Index, e.Part.Raw)
		case llm.EventStop:
			fmt.Fprintf(&b, "stop %s %q\n", e.Stop.Reason, e.Stop.Native)
		case llm.EventUsage:
			fmt.Fprintf(&b, "usage %d %d\n", e.Usage.Input, e.Usage.Output)
		case llm.EventPing:
			b.WriteString("ping\n")
		case llm.EventNote:
			b.WriteString("note\n")
		case llm.EventEnd:
			fmt.Fprintf(&b, "end %s\n", e.Tier)
		case llm.EventFault:
			fmt.Fprintf(&b, "fault %s\n", e.Fault.Kind)
		}
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}

const (
	created  = `{"type":"response.created","response":{"id":"r","model":"m","status":"in_progress"}}`
	message  = `{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m1","role":"assistant","content":[]}}`
	textAt   = `{"type":"response.content_part.added","item_id":"m1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}`
	complete = `{"type":"response.completed","response":{"id":"r","model":"m","status":"completed","output":[]}}`
)

func textDelta(s string) string {
	return `{"type":"response.output_text.delta","item_id":"m1","output_index":0,"content_index":0,"delta":"` + s + `"}`
}

func TestDecodeStream(t *testing.T) {
	tests := []struct{ name, stream, want string }{
		{
			"everything", streamed,
			"start resp_1 gpt-5-2025\nping\nping\nopen 0 kind 3 rs_1\ndelta 0 \"Fir\"\ndelta 0 \"st\"\necho 0\necho 0\nclose 0\nopen 1 kind 3 rs_1\ndelta 1 \"Second\"\necho 1\nseal 1 openai gAAA\nclose 1\n" +
				"open 2 kind 11 mcp_list_tools  mcpl_1\nprogress 2 in_progress\nopen 3 kind 9 web_search ws_1 ws_1\nprogress 3 searching\n" +
				"close 3 {\"type\":\"web_search_call\",\"id\":\"ws_1\",\"status\":\"completed\",\"action\":{\"type\":\"search\",\"query\":\"sky\"}}\n" +
				"ping\nping\nopen 4 kind 4 ig_1\nclose 4\nping\nopen 5 kind 1 msg_1\ndelta 5 \"Grüße: so\"\ndelta 5 \" it is.\"\necho 5\necho 5\ncite 5 9-11\necho 5\nclose 5\n" +
				"open 6 kind 2 msg_1\ndelta 6 \"Not that.\"\necho 6\necho 6\nclose 6\nopen 7 kind 9 look call_1 fc_1\ndelta 7 \"{\\\"at\\\":\"\ndelta 7 \" 1}\"\necho 7\nclose 7\n" +
				"open 8 kind 9 shell call_2 ctc_1\ndelta 8 \"ls -l\"\necho 8\nclose 8\n" +
				"close 2 {\"type\":\"mcp_list_tools\",\"id\":\"mcpl_1\",\"server_label\":\"wiki\",\"tools\":[{\"name\":\"ask\"}]}\nstop calls \"completed\"\nusage 30 12\nend default\n",
		},
		{
			"events that are left out", stream(created, textDelta("Hel"), textDelta("lo"), complete),
			"start r m\nopen 0 kind 1 m1\ndelta 0 \"Hel\"\ndelta 0 \"lo\"\nclose 0\nstop end \"completed\"\nend\n",
		},
		{
			"nothing but ends",
			stream(created, message, textAt, `{"type":"response.output_text.done","item_id":"m1","output_index":0,"content_index":0,"text":"Hel"}`,
				`{"type":"response.content_part.done","item_id":"m1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"Hello","annotations":[]}}`,
				`{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m1","role":"assistant","content":[{"type":"output_text","text":"Hello!","annotations":[{"type":"url_citation","url":"u","start_index":0,"end_index":5}]},{"type":"refusal","refusal":"No."}]}}`, complete),
			"start r m\nping\nopen 0 kind 1 m1\ndelta 0 \"Hel\"\necho 0\ndelta 0 \"lo\"\necho 0\ndelta 0 \"!\"\ncite 0 0-5\nclose 0\nopen 1 kind 2 m1\ndelta 1 \"No.\"\nclose 1\nstop refusal \"completed\"\nend\n",
		},
		{
			"nothing but the end", stream(`{"type":"response.completed","response":{"id":"r","model":"m","status":"completed","output":[{"type":"message","id":"m1","content":[{"type":"output_text","text":"Hi"}]},{"type":"function_call","id":"f","call_id":"c","name":"n","arguments":"{}"}]}}`),
			"start r m\nopen 0 kind 1 m1\ndelta 0 \"Hi\"\nclose 0\nopen 1 kind 9 n c f\ndelta 1 \"{}\"\nclose 1\nstop calls \"completed\"\nend\n",
		},
		{
			"no output at the end, and an end mark", stream(created, message, textAt, textDelta("a"), `{"type":"response.incomplete","response":{"id":"r","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}`) + "data: [DONE]\n\n",
			"start r m\nping\nopen 0 kind 1 m1\ndelta 0 \"a\"\nclose 0\nstop length \"max_output_tokens\"\nend\n",
		},
		{
			"an empty message", stream(created, message, `{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m1","role":"assistant","content":[]}}`, complete),
			"start r m\nping\nopen 0 kind 1 m1\nclose 0\nstop end \"completed\"\nend\n",
		},
		{
			"reasoning of nothing but a seal", stream(created, `{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[]}}`,
				`{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[],"encrypted_content":"x","format":"google-gemini-v1"}}`, complete),
			"start r m\nping\nopen 0 kind 3 google-gemini-v1  rs\nseal 0 google x\nclose 0\nstop end \"completed\"\nend\n",
		},
		{
			"items at the same time", stream(created, `{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[]}}`,
				`{"type":"response.reasoning_text.delta","item_id":"rs","output_index":0,"content_index":0,"delta":"H"}`,
				`{"type":"response.output_item.added","output_index":1,"item":{"type":"message","id":"m1","role":"assistant","content":[]}}`,
				`{"type":"response.output_text.delta","item_id":"m1","output_index":1,"content_index":0,"delta":"a"}`,
				`{"type":"response.reasoning_text.delta","item_id":"rs","output_index":0,"content_index":0,"delta":"m"}`,
				`{"type":"response.output_item.done","output_index":1,"item":{"type":"message","id":"m1","role":"assistant","content":[{"type":"output_text","text":"a"}]}}`,
				`{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[],"content":[{"type":"reasoning_text","text":"Hm"}]}}`, complete),
			"start r m\nping\nopen 0 kind 3 rs\ndelta 0 \"H\"\nping\nopen 1 kind 1 m1\ndelta 1 \"a\"\ndelta 0 \"m\"\nclose 1\nclose 0\nstop end \"completed\"\nend\n",
		},
		{
			"a call whose name comes last", stream(created, `{"type":"response.function_call_arguments.delta","item_id":"f","output_index":0,"delta":"{}"}`,
				`{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"f","call_id":"c","name":"n","arguments":"{}"}}`, complete),
			"start r m\nping\nopen 0 kind 9 n c f\ndelta 0 \"{}\"\nclose 0\nstop calls \"completed\"\nend\n",
		},
		{
			"events of another time", stream(created, `{"type":"response.dreaming","x":1}`, `{"type":"keepalive"}`, complete),
			"start r m\nnote\nnote\nstop end \"completed\"\nend\n",
		},
		{"an error", stream(created, message, textAt, textDelta("a"), `{"type":"error","code":"server_error","message":"x","param":null}`), "start r m\nping\nopen 0 kind 1 m1\ndelta 0 \"a\"\nclose 0\nfault upstream\n"},
		{"a failure", stream(created, `{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"rate_limit_exceeded","message":"x"}}}`), "start r m\nfault rate_limit\n"},
		{"no response at the end", stream(`{"type":"response.completed","response":{"id":"r","object":"response.deleted","deleted":true}}`), "fault upstream\n"},
		{"nor any", stream(created, `{"type":"response.completed"}`), "start r m\nfault upstream\n"},
		{"cut", stream(created, message, textAt, textDelta("a")), "start r m\nping\nopen 0 kind 1 m1\ndelta 0 \"a\"\nclose 0\nfault cut\n"},
		{"no event", "data: hello\n\n", "fault upstream\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, story(t, tt.stream)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestStreamIsTheAnswer: a stream tells what its last event says.
func TestStreamIsTheAnswer(t *testing.T) {
	got := collect(t, streamed)
	i := strings.LastIndex(streamed, "data: ")
	want := decodeResponse(t, string(rawjson.Get([]byte(streamed[i+len("data: "):]), "response")))
	for _, r := range []*llm.Response{got, want} {
		for j := range r.Choices[0].Parts {
			r.Choices[0].Parts[j].Logprobs = nil // they stand in the deltas only
		}
	}
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("-answer +stream:\n%s", d)
	}
}

func TestStreamPassesErrorsOn(t *testing.T) {
	broken := errors.New("the connection broke")
	in := func(yield func(frame.Frame, error) bool) {
		if yield(frame.Frame{Data: []byte(created)}, nil) {
			yield(frame.Frame{}, broken)
		}
	}
	n := 0
	for f, err := range (codec{}).EncodeStream(nil, codec{}.DecodeStream(in), func(llm.Loss) {}) {
		if n++; n == 2 && !errors.Is(err, broken) || n == 1 && (err != nil || len(f.Raw) == 0) || n > 2 {
			t.Errorf("frame %d: %v, %s", n, err, f.Raw)
		}
	}
	if n != 2 {
		t.Errorf("%d frames", n)
	}
}

// names lists the events of a stream with their indexes.
func names(stream string) string {
	var all []string
	for f := range framesOf(stream) {
		name := strings.TrimPrefix(f.Event, "response.")
		if v := rawjson.Num(rawjson.Get(f.Data, "output_index")); v != "" {
			name += " " + v
		}
		if v := rawjson.Num(rawjson.Get(f.Data, "content_index")) + rawjson.Num(rawjson.Get(f.Data, "summary_index")); v != "" {
			name += "." + v
		}
		all = append(all, name)
	}
	return strings.Join(all, "\n")
}

func TestEncodeStream(t *testing.T) {
	r := answer(llm.Part{Kind: llm.PartReasoning, Text: "Hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "c2ln"}},
		llm.Part{Kind: llm.PartText, Text: "Hi", Cites: []llm.Cite{{Kind: "url", URL: "u"}}}, plainPart(" there"),
		llm.Part{Kind: llm.PartCall, ID: "a", Name: "f", Args: `{"x":1}`})
	r.Choices[0].Stop.Reason = llm.StopCalls
	req := &llm.Request{From: llm.OpenAIResponses, Stream: true}
	got, losses := encodeStream(t, req, llm.Replay(r))
	want := `created
in_progress
output_item.added 0
content_part.added 0.0
reasoning_text.delta 0.0
reasoning_text.done 0.0
content_part.done 0.0
output_item.done 0
output_item.added 1
content_part.added 1.0
output_text.delta 1.0
output_text.annotation.added 1.0
output_text.done 1.0
content_part.done 1.0
content_part.added 1.1
output_text.delta 1.1
output_text.done 1.1
content_part.done 1.1
output_item.done 1
output_item.added 2
function_call_arguments.delta 2
function_call_arguments.done 2
output_item.done 2
completed`
	if d := cmp.Diff(want, names(got)); d != "" || losses != nil {
		t.Errorf("lost %s; events (-want +got):\n%s", said(losses), d)
	}
	if err := wellFormed([]byte(got)); err != nil {
		t.Error(err)
	}
	whole, _ := encodeResponse(t, req, r)
	i := strings.LastIndex(got, "data: ")
	if last := string(rawjson.Get([]byte(got[i+len("data: "):]), "response")); last != whole {
		t.Errorf("the last event says %s\nthe whole answer is %s", last, whole)
	}
}

// TestEncodeFault breaks a stream off.
func TestEncodeFault(t *testing.T) {
	in := func(yield func(llm.Event, error) bool) {
		_ = yield(llm.Event{Kind: llm.EventStart, From: llm.OpenAIChat, ID: "x"}, nil) &&
			yield(llm.Event{Kind: llm.EventOpen, Part: llm.Part{Kind: llm.PartText}}, nil) &&
			yield(llm.Event{Kind: llm.EventDelta, Text: "Hi"}, nil) &&
			yield(llm.Event{Kind: llm.EventFault, Fault: fault.New(fault.Overloaded, "busy")}, nil)
	}
	got, _ := encodeStream(t, nil, in)
	const last = "event: error\ndata: {\"type\":\"error\",\"code\":\"server_is_overloaded\",\"message\":\"busy\",\"param\":null,\"sequence_number\":5}\n\n"
	if !strings.HasSuffix(got, last) || strings.Contains(got, "completed\"") {
		t.Errorf("got %s", got)
	}
	// Parts at the same time are items at the same time.
	parallel := func(yield func(llm.Event, error) bool) {
		for _, e := range []llm.Event{
			{Kind: llm.EventStart, From: llm.OpenAIChat, ID: "x"},
			{Kind: llm.EventOpen, Index: 0, Part: llm.Part{Kind: llm.PartCall, ID: "a", Name: "f"}},
			{Kind: llm.EventOpen, Index: 1, Part: llm.Part{Kind: llm.PartCall, ID: "b", Name: "f"}},
			{Kind: llm.EventDelta, Index: 1, Text: "{}"},
			{Kind: llm.EventDelta, Index: 0, Text: "{}"},
			{Kind: llm.EventClose, Index: 1},
			{Kind: llm.EventClose, Index: 0},
			{Kind: llm.EventStop, Stop: llm.Stop{Reason: llm.StopCalls}},
			{Kind: llm.EventEnd},
		} {
			if !yield(e, nil) {
				return
			}
		}
	}
	got, _ = encodeStream(t, nil, parallel)
	if err := wellFormed([]byte(got)); err != nil {
		t.Errorf("%v in %s", err, got)
	}
	// Input that ends early is a fault too.
	got, _ = encodeStream(t, nil, func(yield func(llm.Event, error) bool) { yield(llm.Event{Kind: llm.EventStart}, nil) })
	if !strings.Contains(got, "event: error\n") {
		t.Errorf("got %s", got)
	}
}

// TestTooLong: what is kept of an answer is bounded.
func TestTooLong(t *testing.T) {
	piece := strings.Repeat("x", 1<<20)
	in := func(yield func(llm.Event, error) bool) {
		ok := yield(llm.Event{Kind: llm.EventStart, From: llm.OpenAIChat, ID: "x"}, nil) &&
			yield(llm.Event{Kind: llm.EventOpen, Part: llm.Part{Kind: llm.PartText}}, nil)
		for i := 0; ok && i < 64; i++ {
			ok = yield(llm.Event{Kind: llm.EventDelta, Text: piece}, nil)
		}
		if ok {
			t.Error("64 MiB are kept")
		}
	}
	last := ""
	for f, err := range (codec{}).EncodeStream(nil, in, func(llm.Loss) {}) {
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		last = string(f.Raw[:min(len(f.Raw), 100)])
	}
	if !strings.HasPrefix(last, "event: error\n") {
		t.Errorf("it ends with %s", last)
	}
}

// TestTooLongASeal: nothing is said after the error, whatever was too long.
func TestTooLongASeal(t *testing.T) {
	long := strings.Repeat("x", heldMost+1)
	for name, e := range map[string]llm.Event{
		"seal":  {Kind: llm.EventSeal, Part: llm.Part{Seal: llm.Seal{By: "openai", Form: llm.SealEncrypted, Data: long}}},
		"text":  {Kind: llm.EventDelta, Text: long},
		"token": {Kind: llm.EventDelta, Text: "x", Part: llm.Part{Logprobs: []llm.Logprob{{Token: long}}}},
	} {
		for _, kind := range []llm.PartKind{llm.PartReasoning, llm.PartText, llm.PartCall} {
			in := func(yield func(llm.Event, error) bool) {
				_ = yield(llm.Event{Kind: llm.EventStart, From: llm.OpenAIChat, ID: "x"}, nil) &&
					yield(llm.Event{Kind: llm.EventOpen, Part: llm.Part{Kind: kind, ID: "c", Name: "f"}}, nil) &&
					yield(e, nil) && yield(llm.Event{Kind: llm.EventClose}, nil) && yield(llm.Event{Kind: llm.EventEnd}, nil)
			}
			got, _ := encodeStream(t, nil, in)
			i := strings.LastIndex(got, "event: ")
			ended := strings.HasPrefix(got[i:], "event: error\n")
			if name == "token" && kind != llm.PartText { // only texts have probabilities
				ended = strings.HasPrefix(got[i:], "event: response.completed\n")
			}
			if !ended || strings.Count(got, "event: error\n") > 1 {
				t.Errorf("%s of %d: it ends with %.300s", name, kind, got[i:])
			}
			for f := range framesOf(got) {
				if rawjson.Check(f.Data) != nil {
					t.Errorf("%s of %d: %.300s", name, kind, f.Raw)
				}
			}
		}
	}
}

// TestRecordedStreamsAreWellFormed writes recorded streams again, as their own dialect and as another's.
func TestRecordedStreamsAreWellFormed(t *testing.T) {
	n := 0
	for _, r := range replay.Load(t, "openai-responses") {
		if !r.Streaming || r.Response.Status >= 300 {
			continue
		}
		x := collect(t, string(r.Answer()))
		if x.Fault != nil {
			continue
		}
		n++
		own, losses := encodeStream(t, nil, codec{}.DecodeStream(dialecttest.Frames(llm.OpenAIResponses, r.Answer())))
		if losses != nil {
			t.Errorf("%s: lost %s", r.ID, said(losses))
		}
		if r.Provider == "openai" {
			if err := wellFormed([]byte(own)); err != nil {
				t.Errorf("%s: %.500s", r.ID, err)
			}
		}
		x.From = llm.OpenAIChat
		foreign, _ := encodeStream(t, nil, llm.Replay(x))
		if err := wellFormed([]byte(foreign)); err != nil {
			t.Errorf("%s from elsewhere: %.500s", r.ID, err)
		}
	}
	if n < 45 {
		t.Errorf("only %d streams", n)
	}
}
