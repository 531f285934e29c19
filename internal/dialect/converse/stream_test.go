package converse

import (
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
)

var stream = streamed(
	eventStart, `{"p":"abc","role":"assistant"}`,
	eventDelta, `{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Let me "}},"p":"abcdef"}`,
	eventDelta, `{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"see."}},"p":"a"}`,
	eventDelta, `{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}},"p":"a"}`,
	eventBlockStop, `{"contentBlockIndex":0,"p":"ab"}`,
	eventDelta, `{"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"WkdGMFlR"}},"p":"a"}`,
	eventDelta, `{"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"PT0="}},"p":"a"}`,
	eventBlockStop, `{"contentBlockIndex":1,"p":"ab"}`,
	eventDelta, `{"contentBlockIndex":2,"delta":{"citation":{"title":"T","location":{"documentChar":{"documentIndex":0,"start":1,"end":2}}}},"p":"a"}`,
	eventDelta, `{"contentBlockIndex":2,"delta":{"text":"Gr\u00fc\u00df "},"p":"abcdefghij"}`,
	eventDelta, `{"contentBlockIndex":2,"delta":{"text":"\"dich\"."},"p":"ab"}`,
	eventBlockStop, `{"contentBlockIndex":2,"p":"ab"}`,
	eventBlockStart, `{"contentBlockIndex":3,"p":"ab","start":{"toolUse":{"name":"look","toolUseId":"tooluse_1"}}}`,
	eventDelta, `{"contentBlockIndex":3,"delta":{"toolUse":{"input":""}},"p":"ab"}`,
	eventDelta, `{"contentBlockIndex":3,"delta":{"toolUse":{"input":"{\"at\": \"sky\"}"}},"p":"ab"}`,
	eventBlockStop, `{"contentBlockIndex":3,"p":"ab"}`,
	eventBlockStart, `{"contentBlockIndex":4,"p":"ab","start":{"toolUse":{"name":"nova_code","toolUseId":"tooluse_2","type":"server_tool_use"}}}`,
	eventBlockStop, `{"contentBlockIndex":4,"p":"ab"}`,
	eventBlockStart, `{"contentBlockIndex":5,"p":"ab","start":{"toolResult":{"toolUseId":"tooluse_2","type":"nova_code_result","status":"success"}}}`,
	eventDelta, `{"contentBlockIndex":5,"delta":{"toolResult":[{"json":{"out":7}}]},"p":"ab"}`,
	eventDelta, `{"contentBlockIndex":5,"delta":{"toolResult":[{"text":"done"}]},"p":"ab"}`,
	eventBlockStop, `{"contentBlockIndex":5,"p":"ab"}`,
	eventBlockStart, `{"contentBlockIndex":6,"p":"ab","start":{"image":{"format":"png"}}}`,
	eventDelta, `{"contentBlockIndex":6,"delta":{"image":{"source":{"bytes":"iVBO"}}},"p":"ab"}`,
	eventDelta, `{"contentBlockIndex":6,"delta":{"image":{"source":{"bytes":"Rw=="}}},"p":"ab"}`,
	eventDelta, `{"contentBlockIndex":6,"delta":{"image":{"source":{"bytes":"DQoaCg=="}}},"p":"ab"}`,
	eventBlockStop, `{"contentBlockIndex":6,"p":"ab"}`,
	eventStop, `{"p":"ab","stopReason":"stop_sequence","additionalModelResponseFields":{"stop_sequence":"END","more":1}}`,
	eventMetadata, metadata,
)

func streamedAnswer() *llm.Response {
	return &llm.Response{
		From: llm.BedrockConverse, Tier: "priority",
		Choices: []llm.Choice{{
			Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "Let me see.", Seal: seal("c2ln")},
				{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "ZGF0YQ=="}},
				{Kind: llm.PartText, Text: "Grüß \"dich\".", Cites: []llm.Cite{{Kind: "document", Unit: "char", Title: "T", From: 1, To: 2}}},
				{Kind: llm.PartCall, ID: "tooluse_1", Name: "look", Args: `{"at": "sky"}`},
				{Kind: llm.PartCall, By: llm.ByServer, ID: "tooluse_2", Name: "nova_code", Args: `{}`},
				{
					Kind: llm.PartResult, By: llm.ByServer, ID: "tooluse_2", Name: "nova_code",
					Raw: raw(`{"toolResult":{"toolUseId":"tooluse_2","type":"nova_code_result","status":"success","content":[{"json":{"out":7}},{"text":"done"}]}}`),
				},
				{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "iVBORw0KGgo="}},
			},
			Stop:  llm.Stop{Reason: llm.StopSequence, Native: "stop_sequence", Sequence: "END"},
			Extra: llm.Extra{"additionalModelResponseFields": raw(`{"more":1}`)},
		}},
		Usage: streamUsage(),
		Extra: llm.Extra{"metrics": raw(`{"latencyMs":5}`)},
	}
}

func TestDecodeStream(t *testing.T) {
	want := streamedAnswer()
	if d := cmp.Diff(want, collect(t, stream), same); d != "" {
		t.Errorf("stream (-want +got):\n%s", d)
	}
	again, losses := encodeStream(t, codec{}.DecodeStream(framesOf(stream)))
	if d := cmp.Diff(want, collect(t, again), same); d != "" || len(losses) > 0 {
		t.Errorf("encoded again, lost %s (-want +got):\n%s", paths(losses), d)
	}
	if strings.Contains(again, `"p":`) {
		t.Error("the padding is kept")
	}
	// The same answer, whole, is the same to both.
	body, losses := encodeResponse(t, want)
	if d := cmp.Diff(want, decodeResponse(t, body), same); d != "" || len(losses) > 0 {
		t.Errorf("whole, lost %s (-want +got):\n%s", paths(losses), d)
	}
	replayed, losses := encodeStream(t, llm.Replay(want))
	if d := cmp.Diff(want, collect(t, replayed), same); d != "" || len(losses) > 0 {
		t.Errorf("replayed, lost %s (-want +got):\n%s", paths(losses), d)
	}
}

func TestDecodeStreamMends(t *testing.T) {
	start := []string{eventStart, `{"role":"assistant"}`}
	text := []string{eventDelta, `{"contentBlockIndex":0,"delta":{"text":"a"}}`}
	shut := []string{eventBlockStop, `{"contentBlockIndex":0}`}
	stop := []string{eventStop, `{"stopReason":"end_turn"}`}
	end := []string{eventMetadata, `{"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3},"metrics":{"latencyMs":1}}`}
	join := func(all ...[]string) string {
		var out []string
		for _, one := range all {
			out = append(out, one...)
		}
		return streamed(out...)
	}
	tests := []struct {
		name  string
		in    string
		want  string // texts and calls
		fault fault.Kind
	}{
		{"whole", join(start, text, shut, stop, end), "text:a", 0},
		{"never closed", join(start, text, stop, end), "text:a", 0},
		{"no metadata", join(start, text, shut, stop), "text:a", 0},
		{"metadata first", join(start, text, shut, end, stop), "text:a", 0},
		{"never begun", join(text, shut, stop, end), "text:a", 0},
		{"begun twice", join(start, start, text, shut, stop, end), "text:a", 0},
		{"stopped twice", join(start, text, shut, stop, stop, end), "text:a", 0},
		{"closed twice", join(start, text, shut, shut, stop, end), "text:a", 0},
		{"a delta after the stop", join(start, text, shut, stop, text, end), "text:a", 0},
		{"empty deltas open nothing", join(start, []string{eventDelta, `{"contentBlockIndex":0,"delta":{"text":""},"p":"a"}`}, shut, []string{eventDelta, `{"contentBlockIndex":1,"delta":{"reasoningContent":{"text":""}}}`}, []string{eventDelta, `{"contentBlockIndex":2,"delta":{"text":"b"}}`}, stop, end), "text:b", 0},
		{"a block that changes its kind", join(start, text, []string{eventDelta, `{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}}}`}, shut, stop, end), "text:a thought:hm", 0},
		{"no number", join(start, []string{eventDelta, `{"delta":{"text":"a"}}`, eventDelta, `{"delta":{"text":"b"}}`, eventBlockStop, `{}`}, stop, end), "text:ab", 0},
		{"a call without input", join(start, []string{eventBlockStart, `{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}`}, shut, stop, end), "call:f{}", 0},
		{"a call without a name", join(start, []string{eventBlockStart, `{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"t"}}}`}, shut, stop, end), "opaque:toolUse", 0},
		{"something new begins", join(start, []string{eventBlockStart, `{"contentBlockIndex":0,"start":{"hologram":{}}}`, eventDelta, `{"contentBlockIndex":0,"delta":{"hologram":"x"}}`}, shut, stop, end), "opaque:hologram", 0},
		{"input for a text", join(start, text, []string{eventDelta, `{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}`}, shut, stop, end), "text:a", 0},
		{"an event of a new type", join(start, []string{"mood", `{"good":true}`}, text, shut, stop, end), "text:a", 0},
		{"an event that is no object", join(start, []string{eventDelta, `[]`}, text, shut, stop, end), "text:a", 0},
		{"cut", join(start, text), "text:a", fault.Cut},
		{"torn", join(start, text, shut, stop, end)[:150], "", fault.Cut},
		{"nothing", "", "", fault.Cut},
		{"exception", join(start, text, []string{"modelStreamErrorException", `{"message":"oh"}`}), "text:a", fault.Upstream},
		{"exception first", join([]string{"serviceUnavailableException", `{"message":"oh"}`}), "", fault.Overloaded},
		{"no JSON", join(start, []string{eventDelta, `{"contentBlockIndex":`}), "", fault.Upstream},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := collect(t, tt.in)
			if got := brief(resp); got != tt.want {
				t.Errorf("read as %q, want %q", got, tt.want)
			}
			if (resp.Fault == nil) != (tt.fault == 0) || resp.Fault != nil && resp.Fault.Kind != tt.fault {
				t.Errorf("fault %v, want %s", resp.Fault, tt.fault)
			}
		})
	}
}

func brief(resp *llm.Response) string {
	var out []string
	for _, c := range resp.Choices {
		for _, p := range c.Parts {
			switch p.Kind {
			case llm.PartText:
				out = append(out, "text:"+p.Text)
			case llm.PartReasoning:
				out = append(out, "thought:"+p.Text)
			case llm.PartCall:
				out = append(out, "call:"+p.Name+p.Args)
			case llm.PartOpaque:
				out = append(out, "opaque:"+p.Name)
			}
		}
	}
	return strings.Join(out, " ")
}

func TestEncodeForeignStream(t *testing.T) {
	in := foreign()
	got, losses := encodeStream(t, llm.Replay(in))
	body, _ := encodeResponse(t, foreign())
	want := decodeResponse(t, body)
	resp := collect(t, got)
	if d := cmp.Diff(want, resp, same); d != "" {
		t.Errorf("stream (-whole +streamed):\n%s\n%s", d, strings.Join(told(t, got), "\n"))
	}
	wantLosses := "answer.z dropped, " + foreignLosses + ", answer.x dropped, answer.choices dropped, answer.tier dropped, " +
		"answer.usage.reasoning dropped, answer.usage.cost dropped, answer.usage.y dropped"
	if got := paths(losses); got != wantLosses {
		t.Errorf("losses\n%s\nwant\n%s", got, wantLosses)
	}
}

// The events of a stream as the SDKs get them.
func TestEncodeStream(t *testing.T) {
	in := &llm.Response{
		From: llm.AnthropicMessages,
		Choices: []llm.Choice{{
			Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "hm", Seal: seal("c2ln")},
				{Kind: llm.PartText},
				{Kind: llm.PartText, Text: "Hi"},
				{Kind: llm.PartCall, ID: "a", Name: "now"},
			},
			Stop: llm.Stop{Reason: llm.StopCalls},
		}},
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 3, Output: 4},
	}
	got, losses := encodeStream(t, llm.Replay(in))
	want := []string{
		`messageStart {"role":"assistant"}`,
		`contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}}}`,
		`contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}`,
		`contentBlockStop {"contentBlockIndex":0}`,
		`contentBlockDelta {"contentBlockIndex":1,"delta":{"text":"Hi"}}`,
		`contentBlockStop {"contentBlockIndex":1}`,
		`contentBlockStart {"start":{"toolUse":{"toolUseId":"a","name":"now"}},"contentBlockIndex":2}`,
		`contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":"{}"}}}`,
		`contentBlockStop {"contentBlockIndex":2}`,
		`messageStop {"stopReason":"tool_use"}`,
		`metadata {"usage":{"inputTokens":3,"outputTokens":4,"totalTokens":7},"metrics":{"latencyMs":0}}`,
	}
	if d := cmp.Diff(want, told(t, got)); d != "" || len(losses) > 0 {
		t.Errorf("lost %s, events (-want +got):\n%s", paths(losses), d)
	}
}

func TestEncodeStreamEnds(t *testing.T) {
	begun := []llm.Event{{Kind: llm.EventStart}, {Kind: llm.EventOpen, Part: llm.Part{Kind: llm.PartText}}, {Kind: llm.EventDelta, Text: "a"}}
	events := func(more ...llm.Event) iter.Seq2[llm.Event, error] {
		return func(yield func(llm.Event, error) bool) {
			for _, e := range append(append([]llm.Event(nil), begun...), more...) {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
	last := func(in iter.Seq2[llm.Event, error]) string {
		s, _ := encodeStream(t, in)
		all := told(t, s)
		return all[len(all)-1]
	}
	if got := last(events(llm.Event{Kind: llm.EventFault, Fault: fault.New(fault.RateLimit, "slow")})); got != `throttlingException {"message":"slow"}` {
		t.Errorf("a fault is written as %s", got)
	}
	if got := last(events()); !strings.HasPrefix(got, "modelStreamErrorException ") {
		t.Errorf("a stream that broke off ends in %s", got)
	}
	if got := last(events(llm.Event{Kind: llm.EventClose}, llm.Event{Kind: llm.EventEnd})); !strings.HasPrefix(got, "metadata ") {
		t.Errorf("a stream without a stop ends in %s", got)
	}
	broken := errors.New("broken")
	n := 0
	for f, err := range (codec{}).EncodeStream(nil, func(yield func(llm.Event, error) bool) { _ = yield(begun[0], nil) && yield(llm.Event{}, broken) }, func(llm.Loss) {}) {
		if n++; n == 2 && (!errors.Is(err, broken) || f.Raw != nil) {
			t.Errorf("an error of the stream: %v", err)
		}
	}
	if n != 2 {
		t.Errorf("%d frames", n)
	}
	var got []error
	for _, err := range (codec{}).DecodeStream(func(yield func(frame.Frame, error) bool) { yield(frame.Frame{}, broken) }) {
		got = append(got, err)
	}
	if len(got) != 1 || !errors.Is(got[0], broken) {
		t.Errorf("an error of the frames: %v", got)
	}
}
