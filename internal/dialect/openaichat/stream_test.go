package openaichat

import (
	"bytes"
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

// sse makes a stream of chunks; [DONE] must be given.
func sse(chunks ...string) string {
	var b strings.Builder
	for _, c := range chunks {
		b.WriteString("data: " + c + "\n\n")
	}
	return b.String()
}

// delta is a chunk with one choice.
func delta(d, finish string) string {
	if finish != "null" {
		finish = `"` + finish + `"`
	}
	return `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":` + d + `,"finish_reason":` + finish + `}]}`
}

// story writes events one a line.
func story(t *testing.T, stream string) string {
	t.Helper()
	var b strings.Builder
	check := llm.Grammar()
	for e, err := range (codec{}).DecodeStream(seq(frames(t, stream))) {
		if err != nil {
			t.Fatal(err)
		}
		if broken := check(e); broken != nil {
			t.Errorf("grammar: %v", broken)
		}
		at := fmt.Sprintf("%d.%d", e.Choice, e.Index)
		switch e.Kind {
		case llm.EventStart:
			fmt.Fprintf(&b, "start %s %s\n", e.ID, e.Model)
		case llm.EventOpen:
			fmt.Fprintf(&b, "open %s kind %d %s %s\n", at, e.Part.Kind, e.Part.Name, e.Part.ID)
		case llm.EventDelta:
			media := ""
			if e.Part.Media != nil {
				media = " " + e.Part.Media.Data
			}
			fmt.Fprintf(&b, "delta %s %q%s\n", at, e.Text, media)
		case llm.EventSeal:
			fmt.Fprintf(&b, "seal %s %s %s %s\n", at, e.Part.Seal.By, e.Part.Seal.Form, e.Part.Seal.Data)
		case llm.EventCite:
			fmt.Fprintf(&b, "cite %s %d-%d\n", at, e.Part.Cites[0].Start, e.Part.Cites[0].End)
		case llm.EventClose:
			fmt.Fprintf(&b, "close %s\n", at)
		case llm.EventStop:
			fmt.Fprintf(&b, "stop %d %s %q\n", e.Choice, e.Stop.Reason, e.Stop.Native)
		case llm.EventUsage:
			fmt.Fprintf(&b, "usage %d %d\n", e.Usage.Input, e.Usage.Output)
		case llm.EventPing:
			b.WriteString("ping\n")
		case llm.EventNote:
			b.WriteString("note\n")
		case llm.EventEnd:
			b.WriteString("end\n")
		case llm.EventFault:
			fmt.Fprintf(&b, "fault %s\n", e.Fault.Kind)
		}
	}
	if broken := check(llm.Event{}); broken != nil {
		t.Errorf("grammar: %v", broken)
	}
	return b.String()
}

func TestDecodeStream(t *testing.T) {
	call := func(c string) string { return delta(`{"tool_calls":[`+c+`]}`, "null") }
	tests := []struct{ name, stream, want string }{
		{
			"text",
			sse(delta(`{"role":"assistant","content":""}`, "null"), delta(`{"content":"Hel"}`, "null"), delta(`{"content":"lo"}`, "null"), delta(`{}`, "stop"),
				`{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}`, "[DONE]"),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"Hel\"\ndelta 0.0 \"lo\"\nclose 0.0\nstop 0 end \"stop\"\nusage 3 2\nend\n",
		},
		{
			"what stands before the first chunk, and comments",
			": hello\n\n" + sse(`{"id":"","model":"","choices":[],"prompt_filter_results":[1]}`, delta(`{"content":"a"}`, "null")) + ": still here\n\n" + sse(delta(`{}`, "length"), "[DONE]"),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\nping\nclose 0.0\nstop 0 length \"length\"\nend\n",
		},
		{
			"a choice and usage in one chunk, again and again",
			sse(`{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`,
				`{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`, "[DONE]"),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\nusage 1 1\nclose 0.0\nstop 0 end \"stop\"\nusage 1 2\nend\n",
		},
		{
			"CR LF, no [DONE], finish_reason empty until the end",
			strings.ReplaceAll(sse(delta(`{"content":"a"}`, ""), delta(`{"content":"b"}`, "stop")), "\n", "\r\n"),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\ndelta 0.0 \"b\"\nclose 0.0\nstop 0 end \"stop\"\nend\n",
		},
		{
			"no finish_reason at all",
			sse(delta(`{"content":"a"}`, "null"), "[DONE]"),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\nclose 0.0\nstop 0  \"\"\nend\n",
		},
		{
			"reasoning, text, call",
			sse(delta(`{"reasoning_content":"h"}`, "null"), delta(`{"reasoning_content":"m","content":null}`, "null"), delta(`{"content":"t","reasoning_content":null}`, "null"),
				call(`{"index":0,"id":"k","type":"function","function":{"name":"f","arguments":""}}`), call(`{"index":0,"function":{"arguments":"{\"a\""}}`),
				call(`{"index":0,"function":{"arguments":":\"}\"}"}}`), delta(`{}`, "tool_calls"), "[DONE]"),
			"start c m\nopen 0.0 kind 3  \ndelta 0.0 \"h\"\ndelta 0.0 \"m\"\nclose 0.0\nopen 0.1 kind 1  \ndelta 0.1 \"t\"\nclose 0.1\n" +
				"open 0.2 kind 9 f k\ndelta 0.2 \"{\\\"a\\\"\"\ndelta 0.2 \":\\\"}\\\"}\"\nclose 0.2\nstop 0 calls \"tool_calls\"\nend\n",
		},
		{
			"one text under two names, and details with a signature",
			sse(delta(`{"reasoning":"h","reasoning_content":"h"}`, "null"),
				delta(`{"reasoning":"i","reasoning_details":[{"type":"reasoning.text","text":"i","format":"anthropic-claude-v1","index":0}]}`, "null"),
				delta(`{"reasoning_details":[{"type":"reasoning.text","signature":"S","format":"anthropic-claude-v1","index":0}]}`, "null"),
				delta(`{"reasoning_details":[{"type":"reasoning.encrypted","data":"E","format":"openai-responses-v1","index":0}]}`, "null"),
				delta(`{"content":"t"}`, "stop"), "[DONE]"),
			"start c m\nopen 0.0 kind 3  \ndelta 0.0 \"h\"\nclose 0.0\nopen 0.1 kind 3 reasoning_details \ndelta 0.1 \"i\"\nseal 0.1 anthropic signature S\nclose 0.1\n" +
				"open 0.2 kind 3 reasoning_details \nseal 0.2 openai encrypted E\nclose 0.2\nopen 0.3 kind 1  \ndelta 0.3 \"t\"\nclose 0.3\nstop 0 end \"stop\"\nend\n",
		},
		{
			"thinking items",
			sse(delta(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}],"closed":true}]}`, "null"),
				delta(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"b"}]},{"type":"text","text":"c"}]}`, "null"), delta(`{"content":"d"}`, "stop"), "[DONE]"),
			"start c m\nopen 0.0 kind 3 thinking \ndelta 0.0 \"a\"\ndelta 0.0 \"b\"\nclose 0.0\nopen 0.1 kind 1  \ndelta 0.1 \"c\"\ndelta 0.1 \"d\"\nclose 0.1\nstop 0 end \"stop\"\nend\n",
		},
		{
			"calls that all have the number 0",
			sse(call(`{"index":0,"id":"k","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"l","function":{"name":"f","arguments":"{}"}}`), delta(`{}`, "stop"), "[DONE]"),
			"start c m\nopen 0.0 kind 9 f k\ndelta 0.0 \"{}\"\nclose 0.0\nopen 0.1 kind 9 f l\ndelta 0.1 \"{}\"\nclose 0.1\nstop 0 calls \"stop\"\nend\n",
		},
		{
			"calls without numbers; id and name in every piece",
			sse(call(`{"id":"k","function":{"name":"f","arguments":"{"}}`), call(`{"id":"k","function":{"name":"f","arguments":"}"}}`),
				call(`{"id":"l","function":{"name":"g","arguments":"{"}}`), call(`{"id":"","function":{"arguments":"}"}}`), delta(`{}`, "tool_calls"), "[DONE]"),
			"start c m\nopen 0.0 kind 9 f k\ndelta 0.0 \"{\"\ndelta 0.0 \"}\"\nclose 0.0\nopen 0.1 kind 9 g l\ndelta 0.1 \"{\"\ndelta 0.1 \"}\"\nclose 0.1\nstop 0 calls \"tool_calls\"\nend\n",
		},
		{
			"a name that comes late, a call without arguments, a custom call",
			sse(call(`{"index":0,"id":"k","function":{"arguments":""}}`), call(`{"index":0,"function":{"name":"f"}}`),
				call(`{"index":1,"id":"l","type":"custom","custom":{"name":"c","input":"4"}}`), call(`{"index":1,"custom":{"input":"+4"}}`), delta(`{}`, "tool_calls"), "[DONE]"),
			"start c m\nopen 0.0 kind 9 f k\nopen 0.1 kind 9 c l\ndelta 0.1 \"4\"\ndelta 0.1 \"+4\"\nclose 0.0\nclose 0.1\nstop 0 calls \"tool_calls\"\nend\n",
		},
		{
			"a legacy call",
			sse(delta(`{"function_call":{"name":"f","arguments":""}}`, "null"), delta(`{"function_call":{"arguments":"{}"}}`, "function_call"), "[DONE]"),
			"start c m\nopen 0.0 kind 9 f " + derive("c/0", -1) + "\ndelta 0.0 \"{}\"\nclose 0.0\nstop 0 calls \"function_call\"\nend\n",
		},
		{
			"a call the provider runs",
			sse(call(`{"index":0,"id":"k","type":"browse","url":"u"}`), delta(`{"content":"x"}`, "stop"), "[DONE]"),
			"start c m\nopen 0.0 kind 9 browse k\nclose 0.0\nopen 0.1 kind 1  \ndelta 0.1 \"x\"\nclose 0.1\nstop 0 end \"stop\"\nend\n",
		},
		{
			"refusal",
			sse(delta(`{"refusal":"no"}`, "null"), delta(`{"refusal":null}`, "stop"), "[DONE]"),
			"start c m\nopen 0.0 kind 2  \ndelta 0.0 \"no\"\nclose 0.0\nstop 0 refusal \"stop\"\nend\n",
		},
		{
			"annotations before and after the text, in characters",
			sse(delta(`{"content":"","annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":2,"url":"u","title":"t"}}]}`, "null"),
				delta(`{"content":"aé"}`, "null"), delta(`{"content":"éb"}`, "null"),
				delta(`{"annotations":[{"type":"url_citation","url_citation":{"start_index":3,"end_index":4,"url":"u","title":"t"}}]}`, "stop"), "[DONE]"),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"aé\"\ndelta 0.0 \"éb\"\ncite 0.0 0-3\ncite 0.0 5-6\nclose 0.0\nstop 0 end \"stop\"\nend\n",
		},
		{
			"a quote in the arguments, and something after them",
			sse(call(`{"index":0,"id":"k","function":{"name":"f","arguments":"{\"a\":\"\\\"}\"}"}}`), call(`{"index":1,"id":"l","function":{"name":"g","arguments":"{} x"}}`), delta(`{}`, "tool_calls"), "[DONE]"),
			"start c m\nopen 0.0 kind 9 f k\ndelta 0.0 \"{\\\"a\\\":\\\"\\\\\\\"}\\\"}\"\nclose 0.0\nopen 0.1 kind 9 g l\ndelta 0.1 \"{} x\"\nclose 0.1\nstop 0 calls \"tool_calls\"\nend\n",
		},
		{
			"a citation of the second text",
			sse(delta(`{"content":"éé"}`, "null"), call(`{"index":0,"id":"k","function":{"name":"f","arguments":"{}"}}`), delta(`{"content":"ab"}`, "null"),
				delta(`{"annotations":[{"type":"url_citation","url_citation":{"start_index":3,"end_index":4,"url":"u","title":"t"}}]}`, "stop"), "[DONE]"),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"éé\"\nclose 0.0\nopen 0.1 kind 9 f k\ndelta 0.1 \"{}\"\nclose 0.1\nopen 0.2 kind 1  \ndelta 0.2 \"ab\"\ncite 0.2 1-2\nclose 0.2\nstop 0 calls \"stop\"\nend\n",
		},
		{
			"sound",
			sse(delta(`{"audio":{"id":"a","transcript":"hi"}}`, "null"), delta(`{"audio":{"data":"AAAA"}}`, "null"), delta(`{"audio":{"expires_at":9}}`, "stop"), "[DONE]"),
			"start c m\nopen 0.0 kind 5  a\ndelta 0.0 \"hi\"\ndelta 0.0 \"\" AAAA\nclose 0.0\nstop 0 end \"stop\"\nend\n",
		},
		{
			"a message in place of the delta, and beside one",
			sse(`{"id":"c","model":"m","choices":[{"index":0,"delta":null,"message":{"content":"a"}}]}`,
				`{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"b"},"message":{"content":"ab"},"finish_reason":"stop"}]}`, "[DONE]"),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\ndelta 0.0 \"b\"\nclose 0.0\nstop 0 end \"stop\"\nend\n",
		},
		{
			"two choices",
			sse(`{"id":"c","model":"m","choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}`,
				`{"id":"c","model":"m","choices":[{"index":1,"delta":{},"finish_reason":"length"}]}`, "[DONE]"),
			"start c m\nopen 1.0 kind 1  \ndelta 1.0 \"b\"\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\nclose 0.0\nstop 0 end \"stop\"\nclose 1.0\nstop 1 length \"length\"\nend\n",
		},
		{
			"what comes after the stop",
			sse(delta(`{"content":"a"}`, "stop"), delta(`{"content":"late"}`, "stop"), "[DONE]", delta(`{"content":"later"}`, "stop")),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\nclose 0.0\nstop 0 end \"stop\"\nnote\nend\n",
		},
		{
			"a stop that is said again",
			sse(`{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop","native_finish_reason":"X"}]}`,
				`{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop","native_finish_reason":"X"}],"usage":{"prompt_tokens":1}}`, "[DONE]"),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\nclose 0.0\nstop 0 end \"stop\"\nusage 1 0\nend\n",
		},
		{
			"an error in mid-stream",
			sse(delta(`{"content":"a"}`, "null"), `{"error":{"message":"slow down","code":429}}`),
			"start c m\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\nclose 0.0\nfault rate_limit\n",
		},
		{"an error beside a choice", sse(`{"id":"c","model":"m","error":{"message":"x","code":502},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}`), "fault upstream\n"},
		{"an error by its event", "event: error\n" + sse(`{"message":"x","type":"rate_limit_error"}`), "fault rate_limit\n"},
		{"an error without a frame of its own", sse(`{"object":"error","message":"x","type":"timeout"}`), "fault timeout\n"},
		{"broken off", sse(delta(`{"content":"a"}`, "null")), "start c m\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\nclose 0.0\nfault cut\n"},
		{"nothing", "", "fault cut\n"},
		{"garbage", sse(delta(`{"content":"a"}`, "null"), `{"id":`), "start c m\nopen 0.0 kind 1  \ndelta 0.0 \"a\"\nclose 0.0\nfault upstream\n"},
		{"a choice out of range", sse(`{"id":"c","model":"m","choices":[{"index":128,"delta":{}}]}`), "start c m\nfault upstream\n"},
		{
			"a call that goes on after its end",
			sse(call(`{"index":0,"id":"k","function":{"name":"f","arguments":"{}"}}`), call(`{"index":0,"function":{"arguments":" \n"}}`), call(`{"index":0,"function":{"arguments":"{}"}}`)),
			"start c m\nopen 0.0 kind 9 f k\ndelta 0.0 \"{}\"\nclose 0.0\nping\nfault upstream\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, story(t, test.stream)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if !strings.Contains(test.want, "fault") && !strings.Contains(test.want, "note") {
				checkAgain(t, test.stream)
			}
		})
	}
}

// checkAgain encodes a stream for its own dialect and decodes it again.
func checkAgain(t *testing.T, stream string) {
	t.Helper()
	first := collect(t, stream)
	var again bytes.Buffer
	req := &llm.Request{From: llm.OpenAIChat, WantUsage: true}
	for f, err := range (codec{}).EncodeStream(req, (codec{}).DecodeStream(seq(frames(t, stream))), func(l llm.Loss) { t.Errorf("lost %v", l) }) {
		if err != nil {
			t.Fatal(err)
		}
		again.Write(f.Raw)
	}
	if diff := cmp.Diff(first, collect(t, again.String()), sameAnswer); diff != "" {
		t.Errorf("again, -first +again:\n%s\n%s", diff, again.String())
	}
}

// A stream collected is the answer as it would have come whole.
func TestCollectedStreamIsTheAnswer(t *testing.T) {
	chunk := func(choice string, more string) string {
		return `{"id":"i","object":"chat.completion.chunk","created":5,"model":"m","service_tier":"flex","system_fingerprint":"fp","choices":[` + choice + `]` + more + `,"obfuscation":"xyz"}`
	}
	tests := []struct{ name, whole, stream string }{
		{
			"all at once",
			`{"id":"i","created":5,"model":"m","service_tier":"flex","system_fingerprint":"fp","choices":[{"index":0,"native_finish_reason":"N","message":{"role":"assistant","content":"aé","refusal":null,"reasoning":"r",
			 "annotations":[{"type":"url_citation","url_citation":{"start_index":1,"end_index":2,"url":"u","title":"t"}}],"audio":{"id":"a","data":"AAAABBBB","transcript":"hi","expires_at":3},
			 "tool_calls":[{"id":"k","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"type":"function","function":{"name":"g","arguments":""}}],"channel":"final"},
			 "logprobs":{"content":[{"token":"a","logprob":-1,"bytes":[97],"top_logprobs":[]},{"token":"é","logprob":-2,"bytes":null,"top_logprobs":[{"token":"e","logprob":-3}]}]},"finish_reason":"tool_calls"}],
			 "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`,
			sse(chunk(`{"index":0,"delta":{"role":"assistant","reasoning":"r"},"finish_reason":null,"native_finish_reason":null}`, ``),
				chunk(`{"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-1,"bytes":[97],"top_logprobs":[]}]},"finish_reason":null}`, ``),
				chunk(`{"index":0,"delta":{"content":"é","channel":"final"},"logprobs":{"content":[{"token":"é","logprob":-2,"bytes":null,"top_logprobs":[{"token":"e","logprob":-3}]}]},"finish_reason":null}`, ``),
				chunk(`{"index":0,"delta":{"annotations":[{"type":"url_citation","url_citation":{"start_index":1,"end_index":2,"url":"u","title":"t"}}]},"finish_reason":null}`, ``),
				chunk(`{"index":0,"delta":{"audio":{"id":"a","data":"AAAA","transcript":"h"}},"finish_reason":null}`, ``),
				chunk(`{"index":0,"delta":{"audio":{"data":"BBBB","transcript":"i","expires_at":3}},"finish_reason":null}`, ``),
				chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"k","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":null}`, ``),
				chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}},{"index":1,"type":"function","function":{"name":"g","arguments":""}}]},"finish_reason":null}`, ``),
				chunk(`{"index":0,"delta":{},"finish_reason":"tool_calls","native_finish_reason":"N"}`, ``),
				chunk(``, `,"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}`), "[DONE]"),
		},
		{
			"details",
			`{"id":"i","model":"m","choices":[{"index":0,"message":{"content":"x","reasoning":"ab","reasoning_details":[
			  {"type":"reasoning.text","text":"ab","signature":"S","format":"anthropic-claude-v1","index":0},
			  {"type":"reasoning.summary","summary":"","format":"new-v9","index":1,"id":"rs"},
			  {"type":"reasoning.encrypted","data":"E","format":"openai-responses-v1","index":2,"id":"rs"}]},"finish_reason":"stop"}]}`,
			sse(`{"id":"i","model":"m","choices":[{"index":0,"delta":{"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a","format":"anthropic-claude-v1","index":0}]}}]}`,
				`{"id":"i","model":"m","choices":[{"index":0,"delta":{"reasoning":"b","reasoning_details":[{"type":"reasoning.text","text":"b","format":"anthropic-claude-v1","index":0}]}}]}`,
				`{"id":"i","model":"m","choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.text","signature":"S","format":"anthropic-claude-v1","index":0}]}}]}`,
				`{"id":"i","model":"m","choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.summary","summary":"","format":"new-v9","index":1,"id":"rs"}]}}]}`,
				`{"id":"i","model":"m","choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"E","format":"openai-responses-v1","index":2,"id":"rs"}]}}]}`,
				`{"id":"i","model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}`, "[DONE]"),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want, err := codec{}.DecodeResponse([]byte(test.whole))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, collect(t, test.stream), sameAnswer); diff != "" {
				t.Errorf("-whole +collected:\n%s", diff)
			}
			checkAgain(t, test.stream)
		})
	}
}

func TestStreamHeads(t *testing.T) {
	first := collect(t, sse(`{"id":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"a": 1}]}`,
		`{"id":"c","created":7,"model":"m","choices":[{"index":0,"delta":{"content":"a"}}],"x":1}`,
		`{"id":"c","created":7,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x":2,"service_tier":"flex"}`, "[DONE]"))
	want := &llm.Response{
		From: llm.OpenAIChat, ID: "c", Created: "7", Model: "m", Tier: "flex",
		Extra:   llm.Extra{"prompt_filter_results": raws("[{\"a\": 1}]"), "x": raws("2")},
		Choices: []llm.Choice{{Stop: llm.Stop{Reason: llm.StopEnd, Native: "stop"}, Parts: []llm.Part{{Kind: llm.PartText, Text: "a"}}}},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A value taken over as it was may be written over several lines; a frame may not.
func TestEncodeStreamKeepsFramesWhole(t *testing.T) {
	r := &llm.Response{
		From: llm.OpenAIChat, ID: "i", Extra: llm.Extra{"x": raws("{\r\n \"a\": 1}")},
		Choices: []llm.Choice{{Extra: llm.Extra{"y": raws("[\n]")}, Stop: llm.Stop{Reason: llm.StopEnd}}},
	}
	for f := range (codec{}).EncodeStream(&llm.Request{}, llm.Replay(r), func(llm.Loss) {}) {
		if body := strings.TrimSuffix(string(f.Raw), "\n\n"); strings.ContainsAny(body, "\r\n") {
			t.Errorf("a frame in lines: %q", f.Raw)
		}
	}
	if diff := cmp.Diff(r, replayed(t, r), sameJSON, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Native" }, cmp.Ignore())); diff != "" {
		t.Errorf("-first +again:\n%s", diff)
	}
}

func TestDecodeStreamPassesErrorsOn(t *testing.T) {
	broken := errors.New("connection reset")
	in := func(yield func(frame.Frame, error) bool) {
		if yield(frame.Frame{Data: []byte(delta(`{"content":"a"}`, "null"))}, nil) {
			yield(frame.Frame{}, broken)
		}
	}
	var last error
	for _, err := range (codec{}).DecodeStream(in) {
		last = err
	}
	if last != broken {
		t.Errorf("got %v", last)
	}
	last = nil
	for _, err := range (codec{}).EncodeStream(&llm.Request{}, (codec{}).DecodeStream(in), func(llm.Loss) {}) {
		last = err
	}
	if last != broken {
		t.Errorf("encoder: %v", last)
	}
}

func TestDecodeStreamEarlyStop(t *testing.T) {
	stream := sse(delta(`{"content":"a"}`, "null"), delta(`{"tool_calls":[{"index":0,"id":"k","function":{"name":"f","arguments":"{}"}}]}`, "tool_calls"), "[DONE]")
	all := frames(t, stream)
	for most := range 12 {
		n := 0
		for range (codec{}).DecodeStream(seq(all)) {
			if n++; n > most {
				break
			}
		}
		n = 0
		for range (codec{}).EncodeStream(&llm.Request{WantUsage: true}, (codec{}).DecodeStream(seq(all)), func(llm.Loss) {}) {
			if n++; n > most {
				break
			}
		}
	}
}

func TestDecodeStreamIsBounded(t *testing.T) {
	big := `"` + strings.Repeat("x", 1<<20) + `"`
	for name, chunk := range map[string]string{
		"members":     `{"id":"c","model":"m","x":` + big[:len(big)-2] + `%d","choices":[]}`,
		"of a choice": `{"id":"c","model":"m","choices":[{"index":0,"delta":{"x":` + big[:len(big)-2] + `%d"}}]}`,
		"citations":   `{"id":"c","model":"m","choices":[{"index":0,"delta":{"annotations":[{"type":"%d","x":` + big + `}]}}]}`,
		"nameless":    `{"id":"c","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"%d","function":{"arguments":` + big + `}}]}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			in := func(yield func(frame.Frame, error) bool) {
				for i := range 12 {
					if !yield(frame.Frame{Data: fmt.Appendf(nil, chunk, i)}, nil) {
						return
					}
				}
			}
			var last llm.Event
			for e := range (codec{}).DecodeStream(in) {
				last = e
			}
			if last.Kind != llm.EventFault || last.Fault.Kind != fault.Upstream {
				t.Errorf("last event %d %v", last.Kind, last.Fault)
			}
		})
	}
}

func events(all ...llm.Event) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestEncodeStreamOfMessages(t *testing.T) {
	const head = `data: {"id":"msg_1","object":"chat.completion.chunk","created":17,"model":"claude","service_tier":"default","choices":[`
	chunk := func(delta, finish string) string {
		return head + `{"index":0,"delta":` + delta + `,"logprobs":null,"finish_reason":` + finish + `}],"usage":null}` + "\n\n"
	}
	var out strings.Builder
	var lost []llm.Loss
	req := &llm.Request{From: llm.OpenAIChat, WantUsage: true}
	for f, err := range (codec{}).EncodeStream(req, llm.Replay(foreignAnswer()), func(l llm.Loss) { lost = append(lost, l) }) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Data != nil {
			t.Error("an encoder's frame has data")
		}
		out.Write(f.Raw)
	}
	want := chunk(`{"role":"assistant","reasoning_content":"hm"}`, "null") +
		chunk(`{"content":"Voilà "}`, "null") +
		chunk(`{"content":"l'été."}`, "null") +
		chunk(`{"annotations":[{"type":"url_citation","url_citation":{"start_index":6,"end_index":12,"url":"https://u","title":"T","content":"q"}}]}`, "null") +
		chunk(`{"tool_calls":[{"index":0,"id":"k1","type":"function","function":{"name":"f","arguments":""}}]}`, "null") +
		chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}`, "null") +
		chunk(`{"tool_calls":[{"index":1,"id":"k2","type":"function","function":{"name":"g","arguments":""}}]}`, "null") +
		chunk(`{"tool_calls":[{"index":1,"function":{"arguments":"{\"a\": 1}"}}]}`, "null") +
		chunk(`{}`, `"tool_calls"`) +
		head + `],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2}}}` + "\n\n" +
		"data: [DONE]\n\n"
	if diff := cmp.Diff(strings.Split(want, "\n\n"), strings.Split(out.String(), "\n\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	_, whole, err := codec{}.EncodeResponse(req, foreignAnswer())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(losses(whole), losses(lost)); diff != "" {
		t.Errorf("losses, -whole +stream:\n%s", diff)
	}
}

func TestEncodeStream(t *testing.T) {
	const head = `data: {"id":"i","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,"delta":`
	const tail = `,"logprobs":null,"finish_reason":null}]}` + "\n\n"
	start := llm.Event{Kind: llm.EventStart, From: llm.AnthropicMessages, ID: "i", Model: "m"}
	text := func(at int, s string) []llm.Event {
		return []llm.Event{
			{Kind: llm.EventOpen, Index: at, Part: llm.Part{Kind: llm.PartText}}, {Kind: llm.EventDelta, Index: at, Text: s}, {Kind: llm.EventClose, Index: at},
		}
	}
	join := func(lists ...[]llm.Event) (all []llm.Event) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	call := func(at int, name string, args ...string) []llm.Event {
		all := []llm.Event{{Kind: llm.EventOpen, Index: at, Part: llm.Part{Kind: llm.PartCall, ID: "k", Name: name}}}
		for _, a := range args {
			all = append(all, llm.Event{Kind: llm.EventDelta, Index: at, Text: a})
		}
		return append(all, llm.Event{Kind: llm.EventClose, Index: at})
	}
	one := func(e llm.Event) []llm.Event { return []llm.Event{e} }
	stop := one(llm.Event{Kind: llm.EventStop, Stop: llm.Stop{Reason: llm.StopEnd}})
	end := one(llm.Event{Kind: llm.EventEnd})
	usage := one(llm.Event{Kind: llm.EventUsage, Usage: &llm.Usage{Said: llm.SaidInput, Input: 1}})
	finish := func(word string) string {
		return head + `{},"logprobs":null,"finish_reason":"` + word + `"}]}` + "\n\n"
	}
	tests := []struct {
		name string
		req  llm.Request
		in   []llm.Event
		want string
		lost []string
	}{
		{
			"usage that nobody asked for, pings",
			llm.Request{},
			join(one(start), one(llm.Event{Kind: llm.EventPing}), text(0, "a"), usage, stop, end),
			head + `{"role":"assistant","content":"a"}` + tail + finish("stop") + "data: [DONE]\n\n", nil,
		},
		{
			"a fault",
			llm.Request{},
			join(one(start), text(0, "a"), one(llm.Event{Kind: llm.EventFault, Fault: fault.New(fault.Overloaded, "busy")})),
			head + `{"role":"assistant","content":"a"}` + tail +
				`data: {"error":{"message":"busy","type":"server_error","param":null,"code":"server_is_overloaded"}}` + "\n\n", nil,
		},
		{
			"text after a call",
			llm.Request{},
			join(one(start), call(0, "f", `{"a"`, `:1}`), text(1, "a"), stop, end),
			head + `{"role":"assistant","tool_calls":[{"index":0,"id":"k","type":"function","function":{"name":"f","arguments":""}}]}` + tail +
				head + `{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}` + tail +
				head + `{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}` + tail +
				head + `{"content":"a"}` + tail + finish("stop") + "data: [DONE]\n\n",
			[]string{"changed answer.order"},
		},
		{
			"a custom tool",
			llm.Request{Tools: []llm.Tool{{Kind: llm.ToolCustom, Name: "c"}}},
			join(one(start), call(0, "c", `{"input":`, `"4+4"}`), stop, end),
			head + `{"role":"assistant","tool_calls":[{"index":0,"id":"k","type":"custom","custom":{"name":"c","input":""}}]}` + tail +
				head + `{"tool_calls":[{"index":0,"custom":{"input":"4+4"}}]}` + tail + finish("stop") + "data: [DONE]\n\n", nil,
		},
		{
			"legacy functions",
			llm.Request{From: llm.OpenAIChat, Tools: []llm.Tool{{Kind: llm.ToolFunction, Name: "f", Raw: mark}}},
			join(one(start), call(0, "f"), call(1, "f", "{}"), one(llm.Event{Kind: llm.EventStop, Stop: llm.Stop{Reason: llm.StopCalls}}), end),
			head + `{"role":"assistant","function_call":{"name":"f","arguments":""}}` + tail +
				head + `{"function_call":{"arguments":"{}"}}` + tail + finish("function_call") + "data: [DONE]\n\n",
			[]string{"dropped answer.calls"},
		},
		{
			"calls that overlap come one after the other",
			llm.Request{},
			join(one(start),
				one(llm.Event{Kind: llm.EventOpen, Index: 0, Part: llm.Part{Kind: llm.PartCall, ID: "k", Name: "f"}}),
				one(llm.Event{Kind: llm.EventOpen, Index: 1, Part: llm.Part{Kind: llm.PartCall, ID: "l", Name: "g"}}),
				one(llm.Event{Kind: llm.EventDelta, Index: 1, Text: "{}"}), one(llm.Event{Kind: llm.EventDelta, Index: 0, Text: "{}"}),
				one(llm.Event{Kind: llm.EventClose, Index: 1}), one(llm.Event{Kind: llm.EventClose, Index: 0}), stop, end),
			head + `{"role":"assistant","tool_calls":[{"index":0,"id":"k","type":"function","function":{"name":"f","arguments":""}}]}` + tail +
				head + `{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}` + tail +
				head + `{"tool_calls":[{"index":1,"id":"l","type":"function","function":{"name":"g","arguments":""}}]}` + tail +
				head + `{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}` + tail + finish("stop") + "data: [DONE]\n\n", nil,
		},
		{
			"the tier in a usage that nobody asked for",
			llm.Request{},
			join(one(start), one(llm.Event{Kind: llm.EventUsage, Usage: &llm.Usage{Tier: "priority", Searches: 2}}), text(0, "a"), stop, end),
			strings.ReplaceAll(head+`{"role":"assistant","content":"a"}`+tail+finish("stop"), `"model":"m",`, `"model":"m","service_tier":"priority",`) + "data: [DONE]\n\n", nil,
		},
		{
			"a choice that says nothing",
			llm.Request{},
			join(one(start), stop, end),
			head + `{"role":"assistant"},"logprobs":null,"finish_reason":"stop"}]}` + "\n\n" + "data: [DONE]\n\n", nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			var lost []llm.Loss
			for f, err := range (codec{}).EncodeStream(&test.req, events(test.in...), func(l llm.Loss) { lost = append(lost, l) }) {
				if err != nil {
					t.Fatal(err)
				}
				out.Write(f.Raw)
			}
			if diff := cmp.Diff(strings.Split(test.want, "\n\n"), strings.Split(out.String(), "\n\n")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(append([]string{}, test.lost...), losses(lost)); diff != "" {
				t.Errorf("losses, -want +got:\n%s", diff)
			}
		})
	}
}

func TestStreamAllocations(t *testing.T) {
	const most = 200
	run := func(n int) float64 {
		first := frame.Frame{Data: []byte(delta(`{"role":"assistant","content":"a"}`, "null"))}
		text := frame.Frame{Data: []byte(delta(`{"content":" word"}`, "null"))}
		last := frame.Frame{Data: []byte(delta(`{}`, "stop"))}
		in := func(yield func(frame.Frame, error) bool) {
			if !yield(first, nil) {
				return
			}
			for range n {
				if !yield(text, nil) {
					return
				}
			}
			yield(last, nil)
		}
		req := &llm.Request{From: llm.OpenAIChat}
		return testing.AllocsPerRun(20, func() {
			for _, err := range (codec{}).EncodeStream(req, (codec{}).DecodeStream(in), func(llm.Loss) {}) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if per := (run(most) - run(0)) / most; per > 1 { // the text
		t.Errorf("a text delta costs %v allocations to decode and encode", per)
	}
}

func BenchmarkTextDelta(b *testing.B) {
	text := frame.Frame{Data: []byte(delta(`{"content":" word"}`, "null"))}
	in := func(yield func(frame.Frame, error) bool) {
		for b.Loop() {
			if !yield(text, nil) {
				return
			}
		}
	}
	b.ReportAllocs()
	for range (codec{}).EncodeStream(&llm.Request{From: llm.OpenAIChat}, (codec{}).DecodeStream(in), func(llm.Loss) {}) {
	}
}

func FuzzDecodeStream(f *testing.F) {
	f.Add(sse(delta(`{"content":"a"}`, "null"), delta(`{"tool_calls":[{"index":0,"id":"k","function":{"name":"f","arguments":"{"}}]}`, "tool_calls"), "[DONE]"))
	f.Add(sse(delta(`{"reasoning_details":[{"type":"reasoning.text","text":"i","signature":"s","index":0,"x":1}],"audio":{"id":"a"},"images":[{"type":"image_url","image_url":{"url":"u"}}],"function_call":{"name":"f"}}`, "stop")))
	f.Add(sse(`{"id":"c","model":"m","choices":[{"index":3,"delta":{"content":[{"type":"text","text":"é","x":1}],"annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":1}}]},"logprobs":{"refusal":[{}]},"finish_reason":"x"}],"usage":{}}`))
	f.Fuzz(func(t *testing.T, stream string) {
		all := frames(t, stream)
		check := llm.Grammar()
		var list []llm.Event
		for e, err := range (codec{}).DecodeStream(seq(all)) {
			if err != nil {
				t.Fatal(err)
			}
			if broken := check(e); broken != nil {
				t.Fatalf("grammar: %v", broken)
			}
			list = append(list, e.Clone())
		}
		if broken := check(llm.Event{}); broken != nil {
			t.Fatalf("grammar: %v", broken)
		}
		for _, from := range []llm.Dialect{llm.OpenAIChat, llm.AnthropicMessages} {
			if len(list) > 0 && list[0].Kind == llm.EventStart {
				list[0].From = from
			}
			var out bytes.Buffer
			for g, err := range (codec{}).EncodeStream(&llm.Request{From: llm.OpenAIChat, WantUsage: true}, events(list...), func(llm.Loss) {}) {
				if err != nil {
					t.Fatal(err)
				}
				out.Write(g.Raw)
			}
			again := collect(t, out.String())
			last := list[len(list)-1]
			if (last.Kind == llm.EventFault) != (again.Fault != nil) {
				t.Fatalf("fault %v became %v:\n%s", last.Fault, again.Fault, out.String())
			}
		}
	})
}
