package dialecttest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/internal/dialect/dialecttest"
	"weir/internal/llm"
)

// conversation returns a request of a chat client.
func conversation() *llm.Request {
	return &llm.Request{
		From: llm.OpenAIChat, Model: "m", MaxOutput: 10, Sampling: llm.Sampling{Seed: "7"},
		Tools: []llm.Tool{{Kind: llm.ToolFunction, Name: "look", Path: "tools[0]", Schema: json.RawMessage(`{"type": "object"}`)}},
		Messages: []llm.Message{
			{Role: llm.Developer, Path: "messages[0]", Parts: []llm.Part{{Kind: llm.PartText, Text: "Be brief.", Path: "messages[0].content"}}},
			{Role: llm.User, Path: "messages[1]", Parts: []llm.Part{
				{Kind: llm.PartText, Text: "See", Path: "messages[1].content[0]"},
				{Kind: llm.PartText, Text: "", Path: "messages[1].content[1]"},
				{Kind: llm.PartText, Text: "this", Path: "messages[1].content[2]", Cache: &llm.CacheMark{}},
			}},
			{Role: llm.Assistant, Path: "messages[2]", Parts: []llm.Part{
				{Kind: llm.PartText, Text: "I look.", Path: "messages[2].content"},
				{Kind: llm.PartCall, ID: "call:1", Name: "look", Args: "", Path: "messages[2].tool_calls[0]"},
				{Kind: llm.PartCall, ID: "call_2", Name: "look", Args: `{"at": 2}`, Path: "messages[2].tool_calls[1]"},
			}},
			{Role: llm.User, Path: "messages[3]", Parts: []llm.Part{{
				Kind: llm.PartResult, ID: "call:1", Name: "look", Path: "messages[3]",
				Result: []llm.Part{{Kind: llm.PartText, Text: "one", Path: "messages[3].content"}},
			}}},
			{Role: llm.User, Path: "messages[4]", Parts: []llm.Part{{
				Kind: llm.PartResult, ID: "call_2", Name: "look", Path: "messages[4]",
				Result: []llm.Part{{Kind: llm.PartText, Text: "two", Path: "messages[4].content"}},
			}}},
		},
	}
}

// merged returns the same as a Messages provider reads it.
func merged() *llm.Request {
	r := conversation()
	r.From, r.Model, r.Sampling.Seed = llm.AnthropicMessages, "other", ""
	r.Messages[0].Role = llm.System
	r.Messages[1].Parts = []llm.Part{{Kind: llm.PartText, Text: "See"}, {Kind: llm.PartText, Text: "this"}}
	r.Messages[2].Parts[1].ID, r.Messages[2].Parts[1].Args = "toolu_1", "{}"
	r.Messages[3].Parts[0].ID = "toolu_1"
	r.Messages[3].Parts = append(r.Messages[3].Parts, r.Messages[4].Parts...)
	r.Messages = r.Messages[:4]
	return r
}

// TestLikeFacts sees that of two like facts the one that is declared lost is taken for the one that is missing.
func TestLikeFacts(t *testing.T) {
	x := conversation()
	x.Sampling.Seed = ""
	x.Messages[1].Parts[0].Cache = &llm.CacheMark{}
	y := merged()
	y.Messages[1].Parts[0].Cache = &llm.CacheMark{}
	for _, path := range []string{"messages[1].content[0].cache_control", "messages[1].content[2].cache_control"} {
		dialecttest.Check(t, x, y, dropped(path))
	}
	if got := dialecttest.Problems(x, y, dropped("messages[1].content[0].cache_control", "messages[1].content[2].cache_control")); len(got) != 1 {
		t.Errorf("two are declared and one is missing: %q", got)
	}
}

func dropped(paths ...string) []llm.Loss {
	var out []llm.Loss
	for _, p := range paths {
		out = append(out, llm.Loss{Path: p, Why: "no place", Grade: llm.Dropped})
	}
	return out
}

func TestTolerances(t *testing.T) {
	dialecttest.Check(t, conversation(), merged(), dropped("seed", "messages[1].content[2].cache_control"))
}

// TestProblems breaks what arrived in one way each and sees it found.
func TestProblems(t *testing.T) {
	honest := []string{"seed", "messages[1].content[2].cache_control"}
	tests := []struct {
		name   string
		change func(*llm.Request)
		losses []llm.Loss
		want   string // the beginning of the only problem
	}{
		{"undeclared setting", nil, dropped(honest[1]), "lost in silence: seed (sampling.seed)"},
		{"undeclared mark", nil, dropped(honest[0]), "lost in silence: messages[1].content[2].cache_control (cache)"},
		{"declared but there", nil, dropped(append(honest, "max_tokens")...), "declared dropped, but it arrived or was not there: max_tokens"},
		{"prefix is no path", nil, dropped(honest[0], "messages[1].content[2].cache"), "lost in silence: messages[1].content[2].cache_control"},
		{"twice", nil, dropped(append(honest, "seed")...), "declared twice: seed"},
		{"filled where nothing was", nil, append(dropped(honest...), llm.Loss{Path: "n", Why: "asked", Grade: llm.Filled}), "declared filled, but nothing was: n"},
		{
			"filled is no excuse", func(r *llm.Request) { r.MaxOutput = 20 }, append(dropped(honest...), llm.Loss{Path: "max_tokens", Why: "asked", Grade: llm.Filled}),
			"lost in silence: max_tokens (max_output): 10",
		},
		{"text", func(r *llm.Request) { r.Messages[1].Parts[0].Text = "Sea" }, nil, "lost in silence: messages[1].content[0] (text.user): See"},
		{"text of another role", func(r *llm.Request) { r.Messages[0].Role = llm.User }, nil, "lost in silence: messages[0].content (text.system): Be brief."},
		{"result of another call", func(r *llm.Request) {
			p := r.Messages[3].Parts
			p[0].ID, p[1].ID = p[1].ID, p[0].ID
		}, nil, "lost in silence: messages[3].content (text.result 1): one"},
		{"failed call", func(r *llm.Request) { r.Messages[3].Parts[0].ID = "toolu_9" }, nil, "lost in silence: messages[3] (result): result 1"},
		{"arguments", func(r *llm.Request) { r.Messages[2].Parts[2].Args = `{"at":2}` }, nil, "lost in silence: messages[2].tool_calls[1] (call.args)"},
		{"fitting id", func(r *llm.Request) { r.Messages[2].Parts[2].ID, r.Messages[3].Parts[1].ID = "x", "x" }, nil, "lost in silence: messages[2].tool_calls[1] (call.id)"},
		{"order", func(r *llm.Request) {
			p := r.Messages[2].Parts
			p[0], p[1] = p[1], p[0]
		}, nil, "lost in silence: messages[2] (order)"},
		{"schema", func(r *llm.Request) { r.Tools[0].Schema = json.RawMessage(`{}`) }, nil, "lost in silence: tools[0].function.parameters (tool.schema)"},
		{"tool", func(r *llm.Request) { r.Tools[0].Name = "listen" }, nil, "lost in silence: tools[0] (tool)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			y := merged()
			if test.change != nil {
				test.change(y)
			}
			losses := test.losses
			if losses == nil {
				losses = dropped(honest...)
			}
			got := dialecttest.Problems(conversation(), y, losses)
			if !slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, test.want) }) {
				t.Errorf("got %q, want one that begins with %q", got, test.want)
			}
		})
	}
}

func TestAnswerProblems(t *testing.T) {
	answer := func() *llm.Response {
		return &llm.Response{
			ID: "a", Created: "1", Tier: "default", Usage: &llm.Usage{Said: llm.SaidInput, Input: 10, Reasoning: 3, Extra: llm.Extra{"zero": json.RawMessage("0")}},
			Choices: []llm.Choice{{Stop: llm.Stop{Reason: llm.StopEnd, Native: "stop"}, Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "Hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "x"}},
				{Kind: llm.PartText, Text: "Hello there", Cites: []llm.Cite{{Kind: "url", URL: "u", Start: 0, End: 5}}},
			}}},
		}
	}
	there := func() *llm.Response {
		r := answer()
		r.Created, r.Tier, r.Usage.Extra, r.Choices[0].Stop.Native = "", "standard", nil, "end_turn"
		r.Choices[0].Parts = []llm.Part{r.Choices[0].Parts[0], {Kind: llm.PartText, Text: "Hello", Cites: []llm.Cite{{Kind: "url", URL: "u"}}}, {Kind: llm.PartText, Text: " there"}}
		return r
	}
	if got := dialecttest.AnswerProblems(answer(), there(), nil); got != nil {
		t.Errorf("a faithful answer: %q", got)
	}
	for i, test := range []struct {
		change func(*llm.Response)
		want   string
	}{
		{func(r *llm.Response) { r.Choices[0].Parts[0].Seal.Data = "y" }, "answer.reasoning.signature"},
		{func(r *llm.Response) { r.Choices[0].Parts[0].Text = "" }, "answer.reasoning"},
		{func(r *llm.Response) { r.Choices[0].Parts[1].Cites = nil }, "answer.citations"},
		{func(r *llm.Response) { r.Choices[0].Parts[1].Cites[0].URL = "v" }, "answer.citations"},
		{func(r *llm.Response) { r.Choices[0].Parts = r.Choices[0].Parts[:2] }, "answer.text"},
		{func(r *llm.Response) { p := r.Choices[0].Parts; p[0], p[1], p[2] = p[1], p[2], p[0] }, "answer.order"},
		{func(r *llm.Response) { r.Choices[0].Stop.Reason = llm.StopLength }, "answer.stop"},
		{func(r *llm.Response) { r.Usage.Reasoning = 0 }, "answer.usage.reasoning"},
		{func(r *llm.Response) { r.Usage.Input = 0 }, "answer.usage.input"},
		{func(r *llm.Response) { r.Tier = "flex" }, "answer.tier"},
		{func(r *llm.Response) { r.ID = "" }, "answer.id"},
		{func(r *llm.Response) { r.Choices = nil }, "answer.stop"},
	} {
		y := there()
		test.change(y)
		got := dialecttest.AnswerProblems(answer(), y, nil)
		if !slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, "lost in silence: "+test.want+" ") }) {
			t.Errorf("%d: got %q, want a loss of %s", i, got, test.want)
		}
	}
}

func TestSame(t *testing.T) {
	x, y := conversation(), conversation()
	y.Messages[0].Path, y.Tools[0].Schema = "elsewhere", json.RawMessage(`{"type":"object"}`)
	if d := dialecttest.Same(x, y); d != "" {
		t.Errorf("a place and white space make a difference: %s", d)
	}
	for i, change := range []func(*llm.Request){
		func(r *llm.Request) { r.Extra = llm.Extra{"a": json.RawMessage("1")} },
		func(r *llm.Request) { r.Messages[2].Parts[2].Args = "{}" },
		func(r *llm.Request) { r.Messages = r.Messages[:4] },
		func(r *llm.Request) { r.Messages[1].Parts[2].Cache = nil },
		func(r *llm.Request) { r.Tools[0].Schema = json.RawMessage(`{"type":"objects"}`) },
	} {
		y := conversation()
		change(y)
		if dialecttest.Same(x, y) == "" || dialecttest.Same(y, x) == "" {
			t.Errorf("change %d makes no difference", i)
		}
	}
}

// TestFeatures holds the list together: names are unique, and Check finds nothing where everything arrives.
func TestFeatures(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range dialecttest.Features() {
		if f.Name == "" || seen[f.Name] || (f.Request == nil) == (f.Answer == nil) {
			t.Errorf("feature %q is there twice, or holds not exactly one of a request and an answer", f.Name)
		}
		seen[f.Name] = true
		var got []string
		if f.Request != nil {
			got = dialecttest.Problems(f.Request, f.Request, nil)
		} else {
			got = dialecttest.AnswerProblems(f.Answer, f.Answer, nil)
		}
		if got != nil {
			t.Errorf("%s: %s", f.Name, fmt.Sprint(got))
		}
	}
}
