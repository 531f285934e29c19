package openaicompletions

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func says(role llm.Role, path string, texts ...string) llm.Message {
	m := llm.Message{Role: role, Path: path}
	for _, text := range texts {
		m.Parts = append(m.Parts, llm.Part{Kind: llm.PartText, Text: text, Path: path + ".content"})
	}
	return m
}

func asks(messages ...llm.Message) *llm.Request {
	return &llm.Request{From: llm.OpenAIChat, MaxOutput: 5, Messages: messages}
}

func paths(losses []llm.Loss) []string {
	var out []string
	for _, l := range losses {
		out = append(out, l.Grade.String()+" "+l.Path)
	}
	return out
}

func TestPrompts(t *testing.T) {
	call := llm.Message{Role: llm.Assistant, Path: "messages[1]", Parts: []llm.Part{{Kind: llm.PartCall, ID: "c", Name: "look", Args: `{"at":1}`, Path: "messages[1].tool_calls[0]"}}}
	result := llm.Message{Role: llm.User, Path: "messages[2]", Parts: []llm.Part{{
		Kind: llm.PartResult, ID: "c", Name: "look", Failed: true, Path: "messages[2]",
		Result: []llm.Part{{Kind: llm.PartText, Text: "blue", Path: "messages[2].content"}},
	}}}
	named := says(llm.User, "messages[0]", "Hello")
	named.Name = "ada"
	document := llm.Message{Role: llm.User, Path: "messages[0]", Parts: []llm.Part{
		{Kind: llm.PartFile, Media: &llm.Blob{Type: "text/plain", Data: "QWxsIGlzIHdlbGwu", Name: "report.txt"}, Path: "messages[0].content[0]"},
		{Kind: llm.PartText, Text: "Is it?", Path: "messages[0].content[1]"},
	}}
	tests := []struct {
		name   string
		req    *llm.Request
		want   string
		losses []string
	}{
		{"a question", asks(says(llm.User, "messages[0]", "Hello\n")), "Hello\n", nil},
		{"two texts", asks(says(llm.User, "messages[0]", "a", "", "b")), "a\n\nb", nil},
		{"a rule and a question", asks(says(llm.System, "messages[0]", "Be brief."), says(llm.User, "messages[1]", "Hello")), "Be brief.\n\nHello", []string{"changed messages[0]"}},
		{
			"a conversation", asks(says(llm.Developer, "messages[0]", "Be brief."), says(llm.User, "messages[1]", "Hello"), says(llm.Assistant, "messages[2]", "Hi ", "there"), says(llm.User, "messages[3]", "Go on")),
			"System: Be brief.\n\nUser: Hello\n\nAssistant: Hi there\n\nUser: Go on\n\nAssistant:",
			[]string{"changed messages[0]", "changed messages[2]"},
		},
		{"an answer that is begun", asks(says(llm.User, "messages[0]", "Say"), says(llm.Assistant, "messages[1]", "It is")), "User: Say\n\nAssistant: It is", []string{"changed messages[1]"}},
		{"a name", asks(named), "Hello", []string{"dropped messages[0].name"}},
		{"a name in a conversation", asks(named, says(llm.Assistant, "messages[1]", "Hi")), "ada: Hello\n\nAssistant: Hi", []string{"changed messages[0].name", "changed messages[1]"}},
		{
			"a call of the past", asks(says(llm.User, "messages[0]", "Look"), call, result),
			"User: Look\n\nAssistant: [calls look with {\"at\":1}]\n\nUser: [look failed: blue]\n\nAssistant:",
			[]string{"changed messages[1].tool_calls[0]", "changed messages[2]", "changed messages[1]"},
		},
		{"a document", asks(document), "report.txt\n\nAll is well.\n\nIs it?", []string{"changed messages[0].content[0]"}},
		{"a prompt of nothing", &llm.Request{From: llm.OpenAICompletions, MaxOutput: 5, Messages: []llm.Message{says(llm.User, "prompt", "")}}, "", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, losses, err := codec{}.EncodeRequest(test.req, llm.Facts{Model: "m"})
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := rawjson.String(rawjson.Get(c.Body, "prompt")); got != test.want || !ok || c.Path != Path {
				t.Errorf("%s %s, want the prompt %q", c.Path, c.Body, test.want)
			}
			if d := cmp.Diff(test.losses, paths(losses)); d != "" {
				t.Errorf("losses (-want +got):\n%s", d)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	picture := llm.Message{Role: llm.User, Path: "messages[0]", Parts: []llm.Part{{Kind: llm.PartImage, Media: &llm.Blob{URL: "u"}, Path: "messages[0].content[0]"}}}
	pdf := llm.Message{Role: llm.User, Path: "messages[0]", Parts: []llm.Part{{Kind: llm.PartFile, Media: &llm.Blob{Type: "application/pdf", Data: "JVBERi0="}, Path: "messages[0].content[0]"}}}
	tooled := asks(says(llm.User, "messages[0]", "a"))
	tooled.Tools = []llm.Tool{{Kind: llm.ToolFunction, Name: "f", Path: "tools[0]"}}
	for name, test := range map[string]struct {
		req   *llm.Request
		param string
	}{
		"a picture":  {asks(picture), "messages[0].content[0]"},
		"a document": {asks(pdf), "messages[0].content[0]"},
		"tools":      {tooled, "tools[0]"},
		"nothing":    {asks(says(llm.User, "messages[0]", "")), "messages"},
	} {
		if _, _, err := (codec{}).EncodeRequest(test.req, llm.Facts{}); err == nil || fault.Of(err).Kind != fault.Unsupported || fault.Of(err).Param != test.param {
			t.Errorf("%s: %v", name, err)
		}
	}
	tooled.Choice.Mode = "none"
	if _, losses, err := (codec{}).EncodeRequest(tooled, llm.Facts{}); err != nil || cmp.Diff([]string{"dropped tools[0]"}, paths(losses)) != "" {
		t.Errorf("tools that are not to be called: %v, %v", losses, err)
	}
	for body, want := range map[string]struct {
		kind  fault.Kind
		param string
	}{
		`{"model":"m","prompt":["a","b"]}`:          {fault.Unsupported, "prompt"},
		`{"model":"m","prompt":[1,2]}`:              {fault.Unsupported, "prompt"},
		`{"model":"m","prompt":[[1,2]]}`:            {fault.Unsupported, "prompt"},
		`{"model":"m","prompt":[]}`:                 {fault.Malformed, "prompt"},
		`{"model":"m","prompt":["a",null]}`:         {fault.Malformed, "prompt"},
		`{"model":"m","prompt":{}}`:                 {fault.Malformed, "prompt"},
		`{"model":"m","prompt":"a","stop":["a",1]}`: {fault.Malformed, "stop[1]"},
		`{"model":"m","prompt":"a","user":1}`:       {fault.Malformed, "user"},
		`{"prompt":"a"}`:                            {fault.Malformed, "model"},
	} {
		_, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
		if f := fault.Of(err); err == nil || f.Kind != want.kind || f.Param != want.param {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestDecodeRequest(t *testing.T) {
	got, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(`{"model":"m","prompt":["Say"],"suffix":"end","logprobs":2,"max_tokens":null,"n":2,"stop":"x","echo":true,
		"stream":true,"stream_options":{"include_usage":true,"odd":1},"temperature":0.50,"user":"u"}`)})
	if err != nil {
		t.Fatal(err)
	}
	want := &llm.Request{
		From: llm.OpenAICompletions, Model: "m", MaxOutput: 16, Answers: 2, Stop: []string{"x"}, Stream: true, WantUsage: true, User: "u",
		Messages: []llm.Message{{Role: llm.User, Path: "prompt", Parts: []llm.Part{{Kind: llm.PartText, Text: "Say", Path: "prompt[0]"}}}},
		Sampling: llm.Sampling{Temperature: "0.50", Logprobs: true, TopLogprobs: 2},
		Extra:    llm.Extra{"suffix": []byte(`"end"`), "echo": []byte("true"), "stream_options.odd": []byte("1")},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	// A provider that writes as much as it likes is told the dialect's own limit, and 0 is no limit but a wish.
	for body, part := range map[string]string{
		`{"model":"m","prompt":"a"}`:                `"max_tokens":16`,
		`{"model":"m","prompt":"a","max_tokens":0}`: `"max_tokens":0`,
	} {
		req, err := codec{}.DecodeRequest(dialect.Call{Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		c, losses, err := codec{}.EncodeRequest(req, llm.Facts{Model: "m"})
		if err != nil || len(losses) > 0 || !strings.Contains(string(c.Body), part) || strings.Count(string(c.Body), "max_tokens") != 1 {
			t.Errorf("%s becomes %s, %v, %v", body, c.Body, losses, err)
		}
	}
}

func TestLimits(t *testing.T) {
	req := asks(says(llm.User, "messages[0]", "a"))
	req.MaxOutput, req.Stream, req.Stop = 0, true, []string{"a", "b", "c", "d", "e"}
	req.Sampling = llm.Sampling{TopLogprobs: 20, TopK: "3"}
	c, losses, err := codec{}.EncodeRequest(req, llm.Facts{Model: "m", DefaultMax: 900})
	want := `{"model":"m","prompt":"a","max_tokens":900,"stream":true,"stream_options":{"include_usage":true},"logprobs":5,"stop":["a","b","c","d"]}`
	if err != nil || string(c.Body) != want {
		t.Errorf("%s, %v\nwant %s", c.Body, err, want)
	}
	if d := cmp.Diff([]string{"filled max_tokens", "dropped top_k", "changed top_logprobs", "changed stop"}, paths(losses)); d != "" {
		t.Errorf("losses (-want +got):\n%s", d)
	}
}

// answered returns an answer of one choice.
func answered(stop llm.Stop, parts ...llm.Part) *llm.Response {
	return &llm.Response{From: llm.OpenAIChat, ID: "a", Model: "m", Created: "7", Choices: []llm.Choice{{Parts: parts, Stop: stop}}}
}

func TestEncodeAnswers(t *testing.T) {
	const head, tail = `{"id":"a","object":"text_completion","created":7,"model":"m","choices":[{"text":`, `}]}`
	text := llm.Part{Kind: llm.PartText, Text: "Hi"}
	logged := text
	logged.Logprobs = []llm.Logprob{{Token: "Hé", Logprob: "-0.10", Top: []llm.Logprob{{Token: "Hé", Logprob: "-0.10"}}}, {Token: "i", Logprob: "-2"}}
	bytes := text
	bytes.Logprobs = []llm.Logprob{{Token: "Hi", Logprob: "-1", Bytes: []byte("[72,105]")}}
	end := llm.Stop{Reason: llm.StopEnd}
	tests := []struct {
		name   string
		x      *llm.Response
		want   string
		losses []string
	}{
		{"text", answered(end, text, text), `"HiHi","index":0,"logprobs":null,"finish_reason":"stop"`, nil},
		{
			"tokens", answered(end, logged),
			`"Hi","index":0,"logprobs":{"tokens":["Hé","i"],"token_logprobs":[-0.10,-2],"top_logprobs":[{"Hé":-0.10},null],"text_offset":[3,5]},"finish_reason":"stop"`, nil,
		},
		{
			"tokens with their bytes", answered(end, bytes),
			`"Hi","index":0,"logprobs":{"tokens":["Hi"],"token_logprobs":[-1],"top_logprobs":null,"text_offset":[3]},"finish_reason":"stop"`,
			[]string{"changed answer.logprobs"},
		},
		{"thoughts", answered(llm.Stop{Reason: llm.StopLength}, llm.Part{Kind: llm.PartReasoning, Text: "Hm"}, text), `"Hi","index":0,"logprobs":null,"finish_reason":"length"`, []string{"dropped answer.reasoning"}},
		{
			"a call", answered(llm.Stop{Reason: llm.StopCalls}, llm.Part{Kind: llm.PartCall, ID: "c", Name: "f"}), `"","index":0,"logprobs":null,"finish_reason":"stop"`,
			[]string{"dropped answer.calls", "dropped answer.arguments", "changed answer.stop"},
		},
		{"a stop sequence", answered(llm.Stop{Reason: llm.StopSequence, Sequence: "x"}, text), `"Hi","index":0,"logprobs":null,"finish_reason":"stop"`, []string{"dropped answer.stop_sequence"}},
		{
			"a refusal", answered(llm.Stop{Reason: llm.StopRefusal}, llm.Part{Kind: llm.PartRefusal, Text: "No"}), `"No","index":0,"logprobs":null,"finish_reason":"content_filter"`,
			[]string{"changed answer.refusal", "changed answer.stop"},
		},
	}
	client := &llm.Request{From: llm.OpenAICompletions, Messages: []llm.Message{says(llm.User, "prompt", "äbc")}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body, losses, err := codec{}.EncodeResponse(client, test.x)
			if want := head + test.want + tail; err != nil || string(body) != want {
				t.Errorf("%s, %v\nwant %s", body, err, want)
			}
			if d := cmp.Diff(test.losses, paths(losses)); d != "" {
				t.Errorf("losses (-want +got):\n%s", d)
			}
			var streamed []llm.Loss
			encodeStream(t, client, llm.Replay(test.x), func(l llm.Loss) { streamed = append(streamed, l) })
			if d := cmp.Diff(test.losses, paths(streamed)); d != "" {
				t.Errorf("losses of the stream (-want +got):\n%s", d)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	const head = `{"id":"c","object":"text_completion","created":7,"model":"m","choices":[`
	sse := func(all ...string) string { return "data: " + strings.Join(all, "\n\ndata: ") + "\n\n" }
	piece := func(text, finish string) string {
		return head + `{"text":"` + text + `","index":0,"logprobs":null,"finish_reason":` + finish + `}]}`
	}
	tests := []struct {
		name, stream string
		text         string
		stop         llm.StopReason
		fault        fault.Kind
	}{
		{"plain", sse(piece("a", "null"), piece("b", `"length"`), "[DONE]"), "ab", llm.StopLength, 0},
		{"no end mark", sse(piece("a", `"stop"`)), "a", llm.StopEnd, 0},
		{"no finish_reason", sse(piece("a", "null"), "[DONE]"), "a", "", 0},
		{"cut", sse(piece("a", "null")), "a", "", fault.Cut},
		{"an error", sse(piece("a", "null"), `{"error":{"message":"m","type":"server_error"}}`), "a", "", fault.Upstream},
		{"no JSON", sse(piece("a", "null"), `{"id":`), "a", "", fault.Upstream},
		{"the prompt's filter first", sse(`{"id":"","model":"","choices":[],"prompt_filter_results":[1]}`, piece("a", `"stop"`), "[DONE]"), "a", llm.StopEnd, 0},
		{"pieces alone", sse(`{"value":"a"}`, `{"value":"b"}`), "ab", "", 0},
		{"text after the end", sse(piece("a", `"stop"`), piece("b", "null"), "[DONE]"), "a", llm.StopEnd, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			check := llm.Grammar()
			r, err := llm.Collect("", func(yield func(llm.Event, error) bool) {
				for e, err := range (codec{}).DecodeStream(frame.SSE(strings.NewReader(test.stream), nil, 1<<20)) {
					if broken := check(e); err == nil && broken != nil {
						t.Error(broken)
					}
					if !yield(e, err) {
						return
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if broken := check(llm.Event{}); broken != nil {
				t.Error(broken)
			}
			got := ""
			for _, p := range r.Choices[0].Parts {
				got += p.Text
			}
			if got != test.text || r.Choices[0].Stop.Reason != test.stop {
				t.Errorf("%q, %+v", got, r.Choices[0].Stop)
			}
			if (r.Fault != nil) != (test.fault != 0) || r.Fault != nil && r.Fault.Kind != test.fault {
				t.Errorf("fault %v", r.Fault)
			}
		})
	}
	broken := errors.New("broken")
	frames := func(yield func(frame.Frame, error) bool) {
		_ = yield(frame.Frame{Data: []byte(piece("a", "null"))}, nil) && yield(frame.Frame{}, broken)
	}
	if _, err := llm.Collect("", codec{}.DecodeStream(frames)); !errors.Is(err, broken) {
		t.Errorf("a broken connection: %v", err)
	}
}

// Choices of one stream may be told in turns; each has its own text and offsets.
func TestChoicesOfAStream(t *testing.T) {
	two := &llm.Response{From: llm.OpenAIChat, ID: "a", Model: "m", Choices: []llm.Choice{
		{Parts: []llm.Part{{Kind: llm.PartText, Text: "äb", Logprobs: []llm.Logprob{{Token: "ä"}, {Token: "b"}}}, {Kind: llm.PartText, Text: "c", Logprobs: []llm.Logprob{{Token: "c"}}}}, Stop: llm.Stop{Reason: llm.StopEnd}},
		{Parts: []llm.Part{{Kind: llm.PartText, Text: "c", Logprobs: []llm.Logprob{{Token: "c"}}}}, Stop: llm.Stop{Reason: llm.StopLength}},
	}}
	out := encodeStream(t, &llm.Request{From: llm.OpenAICompletions, WantUsage: true}, llm.Replay(two), func(l llm.Loss) { t.Errorf("lost %v", l) })
	r, err := llm.Collect("", codec{}.DecodeStream(frame.SSE(bytes.NewReader(out), nil, 1<<20)))
	if err != nil || len(r.Choices) != 2 {
		t.Fatalf("%v %s", err, out)
	}
	for i, want := range []string{"[0,1,2]", "[0]"} {
		if got := string(r.Choices[i].Extra[offsets]); got != want {
			t.Errorf("offsets of choice %d: %s", i, got)
		}
	}
	if !bytes.Contains(out, []byte(`"finish_reason":"length"`)) || !bytes.HasSuffix(out, []byte("data: [DONE]\n\n")) || !bytes.Contains(out, []byte(`"usage":null`)) {
		t.Errorf("%s", out)
	}
}

func encodeStream(t testing.TB, req *llm.Request, in func(func(llm.Event, error) bool), lose func(llm.Loss)) []byte {
	t.Helper()
	var b bytes.Buffer
	for f, err := range (codec{}).EncodeStream(req, in, lose) {
		if err != nil {
			t.Fatal(err)
		}
		b.Write(f.Raw)
	}
	return b.Bytes()
}
