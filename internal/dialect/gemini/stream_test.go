package gemini

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
)

// told is a stream's events, one a line.
func told(in iter.Seq2[llm.Event, error]) []string {
	names := map[llm.EventKind]string{
		llm.EventStart: "start", llm.EventOpen: "open", llm.EventDelta: "delta", llm.EventSeal: "seal", llm.EventCite: "cite", llm.EventClose: "close",
		llm.EventStop: "stop", llm.EventUsage: "usage", llm.EventPing: "ping", llm.EventNote: "note", llm.EventEnd: "end", llm.EventFault: "fault",
	}
	var out []string
	for e, err := range in {
		if err != nil {
			return append(out, "error "+err.Error())
		}
		s := names[e.Kind]
		switch e.Kind {
		case llm.EventStart:
			s += " " + e.ID + " " + e.Model
		case llm.EventOpen:
			s += fmt.Sprintf(" %d.%d kind %d %s", e.Choice, e.Index, e.Part.Kind, e.Part.Name)
			if e.Part.Raw != nil {
				s += " " + string(e.Part.Raw)
			}
		case llm.EventDelta:
			s += fmt.Sprintf(" %d.%d %s", e.Choice, e.Index, e.Text)
		case llm.EventSeal:
			s += fmt.Sprintf(" %d.%d %s %s", e.Choice, e.Index, e.Part.Seal.By, e.Part.Seal.Data)
		case llm.EventCite:
			s += fmt.Sprintf(" %d.%d %d-%d %s", e.Choice, e.Index, e.Part.Cites[0].Start, e.Part.Cites[0].End, e.Part.Cites[0].URL)
		case llm.EventClose:
			s += fmt.Sprintf(" %d.%d", e.Choice, e.Index)
		case llm.EventStop:
			s += fmt.Sprintf(" %d %s %s", e.Choice, e.Stop.Reason, e.Stop.Native)
		case llm.EventUsage:
			s += fmt.Sprintf(" %d %d", e.Usage.Input, e.Usage.Output)
		case llm.EventFault:
			s += " " + e.Fault.Kind.String()
		}
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

// chunk returns a chunk with parts of the first candidate and whatever else is said of it.
func chunk(parts, rest string) string {
	return `{"candidates":[{"content":{"parts":[` + parts + `],"role":"model"}` + rest + `}],"responseId":"r","modelVersion":"m"}`
}

func TestDecodeStream(t *testing.T) {
	const stop = `,"finishReason":"STOP"`
	grounded := func(end string) string {
		return `,"groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a"}}],"groundingSupports":[{"segment":{"endIndex":` + end + `},"groundingChunkIndices":[0]}]}`
	}
	for _, tc := range []struct {
		name   string
		chunks []string
		want   []string // after the start
	}{
		{
			"texts go on",
			[]string{chunk(`{"text":"A"}`, ""), chunk(`{ "text" : "B" }`, ""), chunk(`{"text":"\u0041"},{"text":""}`, stop)},
			[]string{"open 0.0 kind 1", "delta 0.0 A", "delta 0.0 B", "delta 0.0 A", "close 0.0", "stop 0 end STOP", "end"},
		},
		{
			"thoughts, then a text",
			[]string{chunk(`{"text":"A","thought":true}`, ""), chunk(`{"text":"B","thought":true},{"text":"C"}`, stop)},
			[]string{"open 0.0 kind 3", "delta 0.0 A", "delta 0.0 B", "close 0.0", "open 0.1 kind 1", "delta 0.1 C", "close 0.1", "stop 0 end STOP", "end"},
		},
		{
			"an empty text seals",
			[]string{chunk(`{"text":"A"}`, ""), chunk(`{"text":"","thoughtSignature":"c2ln"}`, stop)},
			[]string{"open 0.0 kind 1", "delta 0.0 A", "seal 0.0 google c2ln", "close 0.0", "stop 0 end STOP", "end"},
		},
		{
			"an empty text seals a thought",
			[]string{chunk(`{"text":"A","thought":true}`, ""), chunk(`{"text":"","thoughtSignature":"c2ln"}`, stop)},
			[]string{"open 0.0 kind 3", "delta 0.0 A", "seal 0.0 google c2ln", "close 0.0", "stop 0 end STOP", "end"},
		},
		{
			"a seal ends the part",
			[]string{chunk(`{"text":"A","thoughtSignature":"c2ln"}`, ""), chunk(`{"text":"B"}`, ""), chunk(`{"text":"","thoughtSignature":"bW9yZQ=="},{"thoughtSignature":"eA=="}`, stop)},
			[]string{"open 0.0 kind 1", "delta 0.0 A", "seal 0.0 google c2ln", "close 0.0", "open 0.1 kind 1", "delta 0.1 B", "seal 0.1 google bW9yZQ==", "close 0.1", "open 0.2 kind 1", "seal 0.2 google eA==", "close 0.2", "stop 0 end STOP", "end"},
		},
		{"a seal of nothing", []string{chunk(`{"text":"","thoughtSignature":"c2ln"}`, stop)}, []string{"open 0.0 kind 1", "seal 0.0 google c2ln", "close 0.0", "stop 0 end STOP", "end"}},
		{
			"calls",
			[]string{chunk(`{"text":"A"},{"functionCall":{"name":"f","args":{"a": 1}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"g"}}`, stop)},
			[]string{"open 0.0 kind 1", "delta 0.0 A", "close 0.0", "open 0.1 kind 9 f", `delta 0.1 {"a": 1}`, "seal 0.1 google c2ln", "close 0.1", "open 0.2 kind 9 g", "close 0.2", "stop 0 calls STOP", "end"},
		},
		{
			"a call in pieces",
			[]string{
				chunk(`{"functionCall":{"name":"f","willContinue":true},"thoughtSignature":"c2ln"}`, ""),
				chunk(`{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"x","willContinue":true},{"jsonPath":"$['b c'][0]","boolValue":true}],"willContinue":true}}`, ""),
				chunk(`{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":"y"},{"jsonPath":"$.d.e","nullValue":"NULL_VALUE"},{"jsonPath":"$.n","numberValue":1.50}],"willContinue":true}}`, ""),
				chunk(`{"functionCall":{}}`, ""), chunk(`{"functionCall":{"name":"g","willContinue":true}}`, ""), chunk(`{"text":"A"}`, stop),
			},
			[]string{"open 0.0 kind 9 f", "ping", "ping", `delta 0.0 {"a":"xy","b c":[true],"d":{"e":null},"n":1.50}`, "seal 0.0 google c2ln", "close 0.0", "open 0.1 kind 9 g", "close 0.1", "open 0.2 kind 1", "delta 0.2 A", "close 0.2", "stop 0 calls STOP", "end"},
		},
		{"a piece of no call", []string{chunk(`{"functionCall":{}}`, stop)}, []string{"stop 0 end STOP", "end"}},
		{
			"tools of the provider",
			[]string{chunk(`{"executableCode":{"code":"1"}}`, ""), chunk(`{"codeExecutionResult":{"outcome":"OUTCOME_OK"}},{"odd":1}`, stop)},
			[]string{`open 0.0 kind 9 code_execution {"executableCode":{"code":"1"}}`, `delta 0.0 {"code":"1"}`, "close 0.0", `open 0.1 kind 10 code_execution {"codeExecutionResult":{"outcome":"OUTCOME_OK"}}`, "close 0.1", `open 0.2 kind 11 odd {"odd":1}`, "close 0.2", "stop 0 end STOP", "end"},
		},
		{
			"citations",
			[]string{chunk(`{"text":"AB"}`, grounded("2")), chunk(`{"text":"C"}`, `,"groundingMetadata":{}`), chunk(`{"text":""}`, stop+strings.Replace(grounded("3"), `"groundingSupports":[`, `"groundingSupports":[{"segment":{"endIndex":2},"groundingChunkIndices":[0]},`, 1))},
			[]string{"open 0.0 kind 1", "delta 0.0 AB", "delta 0.0 C", "ping", "cite 0.0 0-2 https://a", "cite 0.0 0-0 https://a", "close 0.0", "stop 0 end STOP", "end"},
		},
		{
			"usage",
			[]string{`{"candidates":[{"content":{"parts":[{"text":"A"}]}}],"usageMetadata":{"promptTokenCount":3}}`, `{"candidates":[],"usageMetadata":{"promptTokenCount":3}}`, `{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"candidatesTokenCount":2,"thoughtsTokenCount":4}}`},
			[]string{"open 0.0 kind 1", "delta 0.0 A", "usage 3 0", "ping", "usage 3 6", "close 0.0", "stop 0 end STOP", "end"},
		},
		{
			"two candidates",
			[]string{`{"candidates":[{"index":1,"content":{"parts":[{"text":"B"}]},"finishReason":"MAX_TOKENS"},{"index":0,"content":{"parts":[{"text":"A"}]}}]}`, chunk("", stop)},
			[]string{"open 1.0 kind 1", "delta 1.0 B", "open 0.0 kind 1", "delta 0.0 A", "ping", "close 0.0", "stop 0 end STOP", "close 1.0", "stop 1 length MAX_TOKENS", "end"},
		},
		{"blocked", []string{`{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3}}`}, []string{"usage 3 0", "stop 0 filter SAFETY", "end"}},
		{"cut", []string{chunk(`{"text":"A"}`, "")}, []string{"open 0.0 kind 1", "delta 0.0 A", "fault cut"}},
		{"an error", []string{chunk(`{"text":"A"}`, ""), `{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}`, chunk(`{"text":"B"}`, stop)}, []string{"open 0.0 kind 1", "delta 0.0 A", "fault overloaded"}},
		{"no JSON", []string{chunk(`{"text":"A"}`, ""), `{"candidates":`}, []string{"open 0.0 kind 1", "delta 0.0 A", "fault upstream"}},
		{"a number out of range", []string{`{"candidates":[{"index":999}]}`}, []string{"fault upstream"}},
		{"an end mark", []string{chunk(`{"text":"A"}`, stop), "[DONE]"}, []string{"open 0.0 kind 1", "delta 0.0 A", "close 0.0", "stop 0 end STOP", "end"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, stream := range []string{
				"data: " + strings.Join(tc.chunks, "\r\n\r\ndata: ") + "\r\n\r\n",
				"[" + strings.Join(tc.chunks, "\n,\r\n") + "\n]",
			} {
				if stream[0] == '[' && (tc.name == "no JSON" || tc.name == "an end mark") {
					continue
				}
				got := told(checked(t, codec{}.DecodeStream(framesOf(stream))))
				if len(got) == 0 || !strings.HasPrefix(got[0], "start") {
					t.Fatalf("told %q", got)
				}
				if d := cmp.Diff(tc.want, got[1:]); d != "" {
					t.Errorf("%.1s (-want +got):\n%s", stream, d)
				}
			}
		})
	}
	if got := told(codec{}.DecodeStream(events(`{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}`))); !cmp.Equal(got, []string{"fault overloaded"}) {
		t.Errorf("an error at once: %q", got)
	}
	broken := errors.New("broken")
	got := told(codec{}.DecodeStream(func(yield func(frame.Frame, error) bool) {
		_ = yield(frame.Frame{Data: []byte(chunk(`{"text":"A"}`, ""))}, nil) && yield(frame.Frame{}, broken)
	}))
	if got[len(got)-1] != "error broken" {
		t.Errorf("a broken stream: %q", got)
	}
}

// The same answer is the same, streamed or not.
func TestStreamIsAnswer(t *testing.T) {
	want := decodeResponse(t, answer)
	if d := cmp.Diff(want, collect(t, events(string(appendTight(nil, []byte(answer))))), same); d != "" {
		t.Errorf("as one event (-whole +stream):\n%s", d)
	}
	if d := cmp.Diff(want, collect(t, framesOf("["+answer+"]")), same); d != "" {
		t.Errorf("as an array of one (-whole +stream):\n%s", d)
	}
	if d := cmp.Diff(want, decodeResponse(t, "["+answer+"]"), same); d != "" {
		t.Errorf("as an array that came whole (-whole +stream):\n%s", d)
	}
}

func TestEncodeStream(t *testing.T) {
	resp := &llm.Response{
		From: llm.OpenAIChat, ID: "r", Model: "m",
		Choices: []llm.Choice{{Stop: llm.Stop{Reason: llm.StopCalls}, Parts: []llm.Part{
			{Kind: llm.PartReasoning, Text: "Hm", Seal: llm.Seal{By: "openai", Form: llm.SealEncrypted, Data: "eA"}},
			{Kind: llm.PartText, Text: "Blü.", Cites: []llm.Cite{{Kind: "url", URL: "https://a", Start: 2, End: 4}}},
			{Kind: llm.PartCall, ID: "x", Name: "f", Args: "{\n\"a\": 1}"},
		}}},
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 3, Output: 2},
	}
	const tail = `,"modelVersion":"m","responseId":"r"}`
	one := func(part, rest string) string {
		return `{"candidates":[{"content":{"parts":[` + part + `],"role":"model"},"index":0` + rest + `}]` + tail
	}
	const grounded = `"groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a"}}],"groundingSupports":[{"segment":{"startIndex":2,"endIndex":4,"text":"ü"},"groundingChunkIndices":[0]}]}`
	chunks := []string{
		one(`{"text":"Hm","thought":true}`, ""), one(`{"text":"","thought":true,"thoughtSignature":"d3IxLmUub3BlbmFpLmVB"}`, ""),
		one(`{"text":"Blü."}`, ""), one(`{"text":""}`, ","+grounded),
		one(`{"functionCall":{"id":"x","name":"f","args":{ "a": 1}},"thoughtSignature":"d3IxLnMuYWJzZW50Li0="}`, ""),
		`{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0,` + grounded + `}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}` + tail,
	}
	got, lost := encodeStream(t, &llm.Request{Stream: true}, llm.Replay(resp))
	if d := cmp.Diff(strings.Split("data: "+strings.Join(chunks, "\r\n\r\ndata: ")+"\r\n\r\n", "\r\n"), strings.Split(got, "\r\n")); d != "" || lost != nil {
		t.Errorf("events, lost %q (-want +got):\n%s", lost, d)
	}
	got, _ = encodeStream(t, &llm.Request{Stream: true, Framing: llm.Array}, llm.Replay(resp))
	if d := cmp.Diff(strings.Split("["+strings.Join(chunks, ",\r\n")+"\r\n]", "\r\n"), strings.Split(got, "\r\n")); d != "" {
		t.Errorf("array (-want +got):\n%s", d)
	}
}

func TestEncodeStreamFaults(t *testing.T) {
	start := llm.Event{Kind: llm.EventStart, From: llm.OpenAIChat, ID: "r"}
	fail := llm.Event{Kind: llm.EventFault, Fault: fault.New(fault.Overloaded, "busy")}
	open := llm.Event{Kind: llm.EventOpen, Part: llm.Part{Kind: llm.PartText}}
	grow := llm.Event{Kind: llm.EventDelta, Text: "A"}
	stream := func(list ...llm.Event) iter.Seq2[llm.Event, error] {
		return func(yield func(llm.Event, error) bool) {
			for _, e := range list {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
	const text = `{"candidates":[{"content":{"parts":[{"text":"A"}],"role":"model"},"index":0}],"responseId":"r"}`
	const busy = `{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}`
	const cut = `{"error":{"code":502,"message":"the answer broke off","status":"INTERNAL"}}`
	for _, tc := range []struct {
		name    string
		framing llm.Framing
		in      []llm.Event
		want    string
	}{
		{"in events", llm.SSE, []llm.Event{start, open, grow, fail}, "data: " + text + "\r\n\r\ndata: " + busy + "\r\n\r\n"},
		{"in events, at once", llm.SSE, []llm.Event{fail}, "data: " + busy + "\r\n\r\n"},
		{"in an array", llm.Array, []llm.Event{start, open, grow, fail}, "[" + text + ",\r\n" + busy},
		{"in an array, at once", llm.Array, []llm.Event{fail}, "[" + busy},
		{"without an end", llm.Array, []llm.Event{start, open, grow}, "[" + text + ",\r\n" + cut},
	} {
		got, _ := encodeStream(t, &llm.Request{Framing: tc.framing}, stream(tc.in...))
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
	long := llm.Event{Kind: llm.EventDelta, Text: strings.Repeat("x", heldMost/2)}
	held := llm.Event{Kind: llm.EventOpen, Part: llm.Part{Kind: llm.PartCall, ID: "x", Name: "f"}}
	if got, _ := encodeStream(t, nil, stream(start, held, long, long, long)); !strings.HasPrefix(got, `data: {"error"`) || len(got) > 1000 {
		t.Errorf("a call without end: %.200s", got)
	}
	broken := errors.New("broken")
	for _, err := range (codec{}).EncodeStream(nil, func(yield func(llm.Event, error) bool) { yield(llm.Event{}, broken) }, nil) {
		if !errors.Is(err, broken) {
			t.Errorf("the error is %v", err)
		}
	}
}

// A stream of the dialect goes back into it whole.
func TestStreamIdentity(t *testing.T) {
	const stop = `,"finishReason":"STOP"`
	for name, chunks := range map[string][]string{
		"everything":   {string(appendTight(nil, []byte(answer)))},
		"extras":       {`{"candidates":[{"content":{"parts":[{"text":"A","odd":1}],"odd":2},"odd":3}],"odd":4,"promptFeedback":{"safetyRatings":[]}}`, chunk(`{"text":"B"},{"inlineData":{"mimeType":"image/png","data":"AAAA"},"thought":true,"thoughtSignature":"c2ln"}`, stop+`,"avgLogprobs":-1`)},
		"blocked":      {`{"promptFeedback":{"blockReason":"SAFETY"}}`},
		"nothing":      {chunk("", stop)},
		"only a stop":  {`{"candidates":[{"finishReason":"SAFETY"}]}`},
		"logprobs":     {chunk(`{"text":"A"}`, `,"logprobsResult":{"chosenCandidates":[{"token":"A","logProbability":-0.1}]}`), chunk(`{"text":"B"}`, stop+`,"logprobsResult":{"chosenCandidates":[{"token":"B"}],"logProbabilitySum":-1}`)},
		"two":          {`{"candidates":[{"content":{"parts":[{"text":"A"}]}},{"index":1,"content":{"parts":[{"text":"B"}]}}]}`, `{"candidates":[{"finishReason":"STOP"},{"index":1,"finishReason":"MAX_TOKENS"}]}`},
		"late sources": {chunk(`{"text":"A"}`, ""), chunk(`{"functionCall":{"name":"f"}}`, stop+`,"groundingMetadata":{"groundingChunks":[{"web":{"uri":"a"}}],"groundingSupports":[{"segment":{"endIndex":1},"groundingChunkIndices":[0]}]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			first := collect(t, events(chunks...))
			for _, framing := range []llm.Framing{llm.SSE, llm.Array} {
				out, lost := encodeStream(t, &llm.Request{Framing: framing}, codec{}.DecodeStream(events(chunks...)))
				if lost != nil {
					t.Errorf("lost %q", lost)
				}
				if d := cmp.Diff(first, collect(t, framesOf(out)), same); d != "" {
					t.Errorf("(-want +got):\n%s\n%s", d, out)
				}
			}
		})
	}
}
