package llm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/llm"
)

func seq(events ...llm.Event) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func open(index int, p llm.Part) llm.Event {
	return llm.Event{Kind: llm.EventOpen, Index: index, Part: p}
}

func delta(index int, text string) llm.Event {
	return llm.Event{Kind: llm.EventDelta, Index: index, Text: text}
}
func shut(index int) llm.Event { return llm.Event{Kind: llm.EventClose, Index: index} }

var (
	start = llm.Event{Kind: llm.EventStart, ID: "a1", Model: "m"}
	end   = llm.Event{Kind: llm.EventEnd}
	stop  = llm.Event{Kind: llm.EventStop, Stop: llm.Stop{Reason: llm.StopEnd}}
	text  = llm.Part{Kind: llm.PartText}
	call  = llm.Part{Kind: llm.PartCall, ID: "c1", Name: "f"}
)

// answer has every kind of content that a stream can carry.
func answer() *llm.Response {
	return &llm.Response{
		From: llm.AnthropicMessages, ID: "a1", Model: "m", Tier: "standard", Created: "17",
		Choices: []llm.Choice{{
			Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "s"}},
				{
					Kind: llm.PartText, Text: "hello", Cites: []llm.Cite{{Kind: "url", URL: "u"}, {Kind: "url", URL: "v"}},
					Logprobs: []llm.Logprob{{Token: "hello", Logprob: "-0.10", Top: []llm.Logprob{{Token: "hallo"}}}},
				},
				{Kind: llm.PartCall, ID: "c1", Name: "f", Args: `{"a": 1}`, Extra: llm.Extra{"x": json.RawMessage(`1`)}},
				{Kind: llm.PartOpaque, Name: "thing", Raw: json.RawMessage(`{"type":"thing"}`)},
				{Kind: llm.PartAudio, Text: "spoken", Media: &llm.Blob{Data: "AAAA"}},
				{Kind: llm.PartText},
			},
			Stop:  llm.Stop{Reason: llm.StopCalls, Native: "tool_use"},
			Extra: llm.Extra{"y": json.RawMessage(`2`)},
		}, {Stop: llm.Stop{Reason: llm.StopLength}}},
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 3, Output: 4},
		Extra: llm.Extra{"z": json.RawMessage(`[3]`)},
	}
}

func TestReplayCollect(t *testing.T) {
	want := answer()
	check := llm.Grammar()
	for e := range llm.Replay(want) {
		if err := check(e); err != nil {
			t.Fatalf("grammar: %v", err)
		}
	}
	if err := check(llm.Event{}); err != nil {
		t.Fatal(err)
	}
	got, err := llm.Collect("", llm.Replay(want))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Collect(Replay(r)) differs (-want +got):\n%s", d)
	}
	if d := cmp.Diff(answer(), want); d != "" {
		t.Errorf("Replay or Collect changed the answer:\n%s", d)
	}
	want.Fault = fault.New(fault.Cut, "broke off")
	if got, _ = llm.Collect("", llm.Replay(want)); got.Fault != want.Fault {
		t.Errorf("Fault = %v, want %v", got.Fault, want.Fault)
	}
	for stopAt := range 12 {
		n := 0
		for range llm.Replay(want) {
			if n++; n > stopAt {
				break
			}
		}
	}
}

func TestCollectGathers(t *testing.T) {
	raw := func() json.RawMessage { return json.RawMessage(`"ab"`) }
	extra := func(name string) llm.Extra { return llm.Extra{name: raw()} }
	events := []llm.Event{
		{Kind: llm.EventStart, ID: "a1", Extra: extra("s")},
		{Kind: llm.EventUsage, Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 9, Output: 1, Extra: extra("u")}},
		open(0, call), delta(0, `{"a"`), open(1, llm.Part{Kind: llm.PartAudio, Media: &llm.Blob{Type: "audio/wav"}}), delta(0, `:1}`),
		{Kind: llm.EventDelta, Index: 1, Text: "sp", Part: llm.Part{Media: &llm.Blob{Data: "AA"}}},
		{Kind: llm.EventDelta, Index: 1, Text: "oken", Part: llm.Part{Media: &llm.Blob{Data: "BB"}}},
		{Kind: llm.EventCite, Index: 1, Part: llm.Part{Cites: []llm.Cite{{Kind: "url", Extra: extra("q")}}}},
		{Kind: llm.EventClose, Index: 0, Part: llm.Part{Raw: raw(), Extra: extra("c")}},
		{Kind: llm.EventClose, Index: 1, Part: llm.Part{ID: "au"}},
		{Kind: llm.EventUsage, Usage: &llm.Usage{Said: llm.SaidOutput, Output: 5}},
		{Kind: llm.EventStop, Stop: llm.Stop{Reason: llm.StopEnd, Raw: raw()}, Extra: extra("t")},
		{Kind: llm.EventEnd, Tier: "flex", Extra: extra("e")},
	}
	in := func(yield func(llm.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
			spoil(e) // what an event lends is gone when the next one is asked for
		}
	}
	got, err := llm.Collect(llm.OpenAIChat, in)
	if err != nil {
		t.Fatal(err)
	}
	want := &llm.Response{
		From: llm.OpenAIChat, ID: "a1", Tier: "flex", Extra: llm.Extra{"s": raw(), "e": raw()},
		Choices: []llm.Choice{{
			Parts: []llm.Part{
				{Kind: llm.PartCall, ID: "c1", Name: "f", Args: `{"a":1}`, Raw: raw(), Extra: extra("c")},
				{Kind: llm.PartAudio, ID: "au", Text: "spoken", Media: &llm.Blob{Type: "audio/wav", Data: "AABB"}, Cites: []llm.Cite{{Kind: "url", Extra: extra("q")}}},
			},
			Stop:  llm.Stop{Reason: llm.StopEnd, Raw: raw()},
			Extra: extra("t"),
		}},
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 9, Output: 5, Extra: extra("u")},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Collect (-want +got):\n%s", d)
	}
}

// spoil overwrites what an event lends.
func spoil(e llm.Event) {
	extras := []llm.Extra{e.Extra, e.Part.Extra}
	for _, c := range e.Part.Cites {
		extras = append(extras, c.Extra)
	}
	if e.Usage != nil {
		extras = append(extras, e.Usage.Extra)
	}
	for _, raw := range []json.RawMessage{e.Raw, e.Part.Raw, e.Stop.Raw} {
		clear(raw)
	}
	for _, x := range extras {
		for _, raw := range x {
			clear(raw)
		}
	}
}

func TestCollectErrors(t *testing.T) {
	broken := errors.New("broken")
	got, err := llm.Collect("", func(yield func(llm.Event, error) bool) {
		_ = yield(start, nil) && yield(open(0, text), nil) && yield(delta(0, "so f"), nil) && yield(llm.Event{}, broken)
	})
	if !errors.Is(err, broken) || got.Choices[0].Parts[0].Text != "so f" {
		t.Errorf("Collect = %+v, %v", got, err)
	}
	for name, e := range map[string]llm.Event{
		"too many choices": {Kind: llm.EventStop, Choice: llm.MaxChoices},
		"negative choice":  {Kind: llm.EventStop, Choice: -1},
		"gap":              open(3, text),
		"never opened":     delta(0, "x"),
	} {
		if _, err := llm.Collect("", seq(start, e)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestGrammar(t *testing.T) {
	bad := llm.Event{Kind: llm.EventFault, Fault: fault.New(fault.Cut, "x")}
	tests := []struct {
		name   string
		events []llm.Event
		want   string // "" = legal
	}{
		{"whole", []llm.Event{start, open(0, text), delta(0, "x"), shut(0), stop, end}, ""},
		{"overlap", []llm.Event{start, open(0, text), open(1, call), delta(0, "x"), shut(1), shut(0), stop, end}, ""},
		{"fault alone", []llm.Event{bad}, ""},
		{"fault in a part", []llm.Event{start, open(0, text), bad}, ""},
		{"no start", []llm.Event{end}, "before Start"},
		{"two starts", []llm.Event{start, start}, "second Start"},
		{"after end", []llm.Event{start, end, end}, "after the end"},
		{"open end", []llm.Event{start, open(0, text), end}, "are open"},
		{"open stop", []llm.Event{start, open(0, text), stop}, "are open"},
		{"two stops", []llm.Event{start, stop, stop}, "second Stop"},
		{"open after stop", []llm.Event{start, stop, open(0, text)}, "after the Stop"},
		{"index gap", []llm.Event{start, open(1, text)}, "part 0 is due"},
		{"reopened", []llm.Event{start, open(0, text), shut(0), open(0, text)}, "part 1 is due"},
		{"closed twice", []llm.Event{start, open(0, text), shut(0), shut(0)}, "not open"},
		{"no kind", []llm.Event{start, open(0, llm.Part{})}, "without a kind"},
		{"open with text", []llm.Event{start, open(0, llm.Part{Kind: llm.PartText, Text: "x"})}, "with text"},
		{"no seal", []llm.Event{start, open(0, text), {Kind: llm.EventSeal}}, "without a seal"},
		{"no cite", []llm.Event{start, open(0, text), {Kind: llm.EventCite}}, "without a citation"},
		{"no usage", []llm.Event{start, {Kind: llm.EventUsage}}, "without usage"},
		{"no fault", []llm.Event{start, {Kind: llm.EventFault}}, "without a fault"},
		{"choice", []llm.Event{start, {Kind: llm.EventStop, Choice: -1}}, "out of range"},
		{"unknown", []llm.Event{start, {Kind: 99}}, "unknown event"},
		{"no end", []llm.Event{start, {}}, "neither End nor Fault"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check := llm.Grammar()
			var err error
			for i, e := range tt.events {
				if err = check(e); err != nil && i < len(tt.events)-1 {
					t.Fatalf("event %d: %v", i, err)
				}
			}
			if tt.want == "" && err == nil {
				err = check(llm.Event{})
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
}

func brief(in iter.Seq2[llm.Event, error]) string {
	var b strings.Builder
	for e, err := range in {
		if err != nil {
			fmt.Fprintf(&b, "error(%v) ", err)
			continue
		}
		switch e.Kind {
		case llm.EventStart:
			b.WriteString("start ")
		case llm.EventOpen:
			fmt.Fprintf(&b, "%d.%d( ", e.Choice, e.Index)
		case llm.EventDelta:
			fmt.Fprintf(&b, "%s ", e.Text)
		case llm.EventClose:
			fmt.Fprintf(&b, "%d.%d) ", e.Choice, e.Index)
		case llm.EventStop:
			fmt.Fprintf(&b, "stop%d ", e.Choice)
		case llm.EventUsage:
			b.WriteString("usage ")
		case llm.EventFault:
			b.WriteString("fault ")
		case llm.EventEnd:
			b.WriteString("end ")
		}
	}
	return strings.TrimSpace(b.String())
}

func TestSequential(t *testing.T) {
	usage := llm.Event{Kind: llm.EventUsage, Usage: &llm.Usage{}}
	bad := llm.Event{Kind: llm.EventFault, Fault: fault.New(fault.Cut, "x")}
	in1 := func(e llm.Event) llm.Event { e.Choice = 1; return e }
	big := strings.Repeat("x", 5000)
	tests := []struct {
		name   string
		events []llm.Event
		want   string
	}{
		{
			"in order already",
			[]llm.Event{start, open(0, text), delta(0, "a"), shut(0), open(1, call), delta(1, "b"), shut(1), stop, end},
			"start 0.0( a 0.0) 0.1( b 0.1) stop0 end",
		},
		{
			"interleaved",
			[]llm.Event{start, open(0, text), delta(0, "a"), open(1, call), delta(1, "b"), usage, delta(0, "c"), shut(0), delta(1, "d"), shut(1), stop, end},
			"start 0.0( a usage c 0.0) 0.1( b d 0.1) stop0 end",
		},
		{
			"later ones close first",
			[]llm.Event{start, open(0, text), open(1, call), open(2, call), delta(2, "z"), shut(2), delta(1, "y"), shut(1), delta(0, "x"), shut(0), stop, end},
			"start 0.0( x 0.0) 0.1( y 0.1) 0.2( z 0.2) stop0 end",
		},
		{
			"the middle one stays open",
			[]llm.Event{start, open(0, text), open(1, call), open(2, call), shut(2), shut(0), delta(1, "y"), shut(1), stop, end},
			"start 0.0( 0.0) 0.1( y 0.1) 0.2( 0.2) stop0 end",
		},
		{
			"choices are apart",
			[]llm.Event{start, open(0, text), in1(open(0, text)), delta(0, "a"), in1(delta(0, "b")), shut(0), stop, in1(shut(0)), in1(stop), end},
			"start 0.0( 1.0( a b 0.0) stop0 1.0) stop1 end",
		},
		{"fault", []llm.Event{start, open(0, text), open(1, call), delta(1, "b"), bad}, "start 0.0( fault"},
		{"over the limit", []llm.Event{start, open(0, text), open(1, call), delta(1, big), delta(0, "a"), shut(0)}, "start 0.0( fault"},
		{
			"what has gone counts no more",
			[]llm.Event{start, open(0, text), open(1, text), delta(1, big[:2500]), shut(0), open(2, text), shut(1), open(3, text), delta(3, big[:2500]), shut(2), shut(3), stop, end},
			"start 0.0( 0.0) 0.1( " + big[:2500] + " 0.1) 0.2( 0.2) 0.3( " + big[:2500] + " 0.3) stop0 end",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := brief(llm.Sequential(seq(tt.events...), 4<<10)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	broken := errors.New("broken")
	got := brief(llm.Sequential(func(yield func(llm.Event, error) bool) { _ = yield(start, nil) && yield(llm.Event{}, broken) }, 100))
	if got != "start error(broken)" {
		t.Errorf("an error of the stream: %s", got)
	}
}

func TestSequentialKeepsWhatItHolds(t *testing.T) {
	raw := []byte(`{"k":1}`)
	in := func(yield func(llm.Event, error) bool) {
		_ = yield(start, nil) && yield(open(0, text), nil) && yield(open(1, llm.Part{Kind: llm.PartOpaque, Raw: raw}), nil)
		copy(raw, `overdue`)
		_ = yield(shut(0), nil) && yield(shut(1), nil) && yield(end, nil)
	}
	for e := range llm.Sequential(in, 4<<10) {
		if e.Kind == llm.EventOpen && e.Index == 1 && string(e.Part.Raw) != `{"k":1}` {
			t.Errorf("a held event's Raw is %s", e.Part.Raw)
		}
	}
}
