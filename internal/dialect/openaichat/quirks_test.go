package openaichat_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/openaichat"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func TestQuirksCarry(t *testing.T) {
	sets := []llm.Quirk{llm.Cautious}
	for i := range llm.QuirkTable {
		sets = append(sets, llm.QuirkTable[i].Quirk)
	}
	for _, q := range sets {
		t.Run(q.String(), func(t *testing.T) { dialecttest.Carry(t, openaichat.New(), llm.Facts{Model: "m", Quirks: q}) })
	}
}

func say(role llm.Role, path, text string) llm.Message {
	return llm.Message{Role: role, Path: path, Parts: []llm.Part{{Kind: llm.PartText, Text: text, Path: path + ".content"}}}
}

// TestQuirksObeyed shows for each quirk what is written with it and what is not, and what is named lost.
func TestQuirksObeyed(t *testing.T) {
	yes, no := true, false
	user := say(llm.User, "messages[0]", "Hi")
	named := user
	named.Name = "ada"
	thought := llm.Message{Role: llm.Assistant, Path: "messages[1]", Parts: []llm.Part{
		{Kind: llm.PartReasoning, Text: "Hm", Path: "messages[1].content[0]", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "c2ln"}},
		{Kind: llm.PartText, Text: "Ho", Path: "messages[1].content[1]"},
	}}
	refused := llm.Message{Role: llm.Assistant, Path: "messages[1]", Parts: []llm.Part{{Kind: llm.PartRefusal, Text: "No", Path: "messages[1].content[0]"}}}
	called := llm.Message{Role: llm.Assistant, Path: "messages[1]", Parts: []llm.Part{{Kind: llm.PartCall, ID: "toolu_1", Name: "f", Args: "x", Free: true, Path: "messages[1].content[0]"}}}
	look := llm.Tool{Kind: llm.ToolFunction, Name: "look", Strict: &yes, Path: "tools[0]"}
	other := llm.Tool{Kind: llm.ToolFunction, Name: "other", Path: "tools[1]"}
	custom := llm.Tool{Kind: llm.ToolCustom, Name: "f", Path: "tools[0]"}
	object := []byte(`{"type":"object"}`)
	ask := func(change func(*llm.Request), messages ...llm.Message) *llm.Request {
		r := &llm.Request{From: llm.OpenAIResponses, MaxOutput: 9, Messages: messages}
		if messages == nil {
			r.Messages = []llm.Message{user}
		}
		if change != nil {
			change(r)
		}
		return r
	}
	tests := []struct {
		quirk  llm.Quirk
		req    *llm.Request
		has    string
		not    string
		losses []string
	}{
		{llm.NoDeveloper, ask(nil, say(llm.Developer, "messages[0]", "Be brief"), user), `"role":"system"`, "developer", nil},
		{llm.NoNames, ask(nil, named), "", "ada", []string{"messages[0].name"}},
		{llm.NoRefusals, ask(nil, user, refused), `"content":"No"`, "refusal", []string{"messages[1].content[0]"}},
		{llm.Alternating, ask(nil, user, say(llm.User, "messages[1]", "Ha"), say(llm.System, "messages[2]", "He")), `"text":"Hi"},{"type":"text","text":"Ha"},{"type":"text","text":"He"}]}]`, "system", []string{"messages[2]"}},
		{llm.MarkBegun, ask(nil, user, say(llm.Assistant, "messages[1]", "It is")), `"content":"It is","prefix":true`, "", nil},
		{llm.MaxTokens, ask(nil), `"max_tokens":9`, "max_completion_tokens", nil},
		{llm.NoStreamOptions, ask(func(r *llm.Request) { r.Stream = true }), `"stream":true`, "stream_options", nil},
		{llm.NoAnswers, ask(func(r *llm.Request) { r.Answers = 2 }), "", `"n"`, []string{"n"}},
		{llm.NoStop, ask(func(r *llm.Request) { r.Stop = []string{"x"} }), "", "stop", []string{"stop"}},
		{llm.NoLogprobs, ask(func(r *llm.Request) { r.Sampling.Logprobs, r.Sampling.TopLogprobs = true, 2 }), "", "logprobs", []string{"logprobs", "top_logprobs"}},
		{llm.NoBias, ask(func(r *llm.Request) { r.Sampling.Bias = []byte(`{"1":2}`) }), "", "logit_bias", []string{"logit_bias"}},
		{llm.NoPenalties, ask(func(r *llm.Request) { r.Sampling.Frequency, r.Sampling.Presence = "1", "1" }), "", "penalty", []string{"frequency_penalty", "presence_penalty"}},
		{llm.NoSampling, ask(func(r *llm.Request) { r.Sampling.Temperature, r.Sampling.TopP = "1", "1" }), "", "t", []string{"temperature", "top_p"}},
		{llm.RandomSeed, ask(func(r *llm.Request) { r.Sampling.Seed = "7" }), `"random_seed":7`, `"seed"`, nil},
		{llm.Temperature1, ask(func(r *llm.Request) { r.Sampling.Temperature = "1.2" }), `"temperature":1,`, "", []string{"temperature"}},
		{llm.Temperature15, ask(func(r *llm.Request) { r.Sampling.Temperature = "1.2" }), `"temperature":1.2,`, "", nil},
		{llm.Temperature15, ask(func(r *llm.Request) { r.Sampling.Temperature = "1.60" }), `"temperature":1.5,`, "", []string{"temperature"}},
		{llm.EffortAllOrNone, ask(func(r *llm.Request) { r.Reasoning.Effort = "low" }), `"reasoning_effort":"high"`, "", []string{"reasoning.effort"}},
		{llm.EffortAllOrNone, ask(func(r *llm.Request) { r.Reasoning.Effort = "none" }), `"reasoning_effort":"none"`, "", nil},
		{llm.EffortThree, ask(func(r *llm.Request) { r.Reasoning.Effort = "minimal" }), `"reasoning_effort":"low"`, "", []string{"reasoning.effort"}},
		{llm.NoJSONSchema, ask(func(r *llm.Request) { r.Output = llm.Output{Kind: "schema", Schema: object} }), `"response_format":{"type":"json_object"}`, "json_schema", []string{"text.format"}},
		{llm.NoJSONObject, ask(func(r *llm.Request) { r.Output.Kind = "json" }), "JSON object", "response_format", []string{"text.format"}},
		{llm.NoVerbosity, ask(func(r *llm.Request) { r.Output.Verbosity = "low" }), "", "verbosity", []string{"text.verbosity"}},
		{llm.NoModalities, ask(func(r *llm.Request) { r.Modalities = []string{"text", "audio"} }), "", "modalities", []string{"modalities"}},
		{
			llm.FunctionsOnly, ask(func(r *llm.Request) { r.Tools, r.Choice = []llm.Tool{custom}, llm.ToolChoice{Mode: "one", Name: "f"} }, user, called),
			`"tool_choice":{"type":"function","function":{"name":"f"}}`, "custom",
			[]string{"messages[1].content[0]", "tools[0]"},
		},
		{llm.NoStrict, ask(func(r *llm.Request) { r.Tools = []llm.Tool{look} }), "look", "strict", []string{"tools[0].strict"}},
		{
			llm.NoAllowedTools, ask(func(r *llm.Request) {
				r.Tools, r.Choice = []llm.Tool{look, other}, llm.ToolChoice{Mode: "any", Allowed: []string{"look"}}
			}),
			`"tool_choice":"required"`, "other",
			[]string{"tool_choice"},
		},
		{llm.NoToolChoice, ask(func(r *llm.Request) { r.Tools, r.Choice = []llm.Tool{look}, llm.ToolChoice{Mode: "any"} }), "look", "tool_choice", []string{"tool_choice"}},
		{llm.NoToolChoice, ask(func(r *llm.Request) { r.Tools, r.Choice = []llm.Tool{look}, llm.ToolChoice{Mode: "none"} }), "", "look", []string{"tools[0]"}},
		{llm.NoParallelCalls, ask(func(r *llm.Request) { r.Tools, r.Choice.Parallel = []llm.Tool{look}, &no }), "look", "parallel", []string{"parallel_tool_calls"}},
		{llm.NineIDs, ask(nil, user, called), "", "toolu_1", []string{"messages[1].content[0]"}},
		{llm.ReasoningContent, ask(nil, user, thought), `"reasoning_content":"Hm"`, "", []string{"messages[1].encrypted_content"}},
		{llm.ReasoningText, ask(nil, user, thought), `"reasoning":"Hm"`, "", []string{"messages[1].encrypted_content"}},
		{llm.ReasoningItems, ask(nil, user, thought), `"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]},{"type":"text","text":"Ho"}]`, "", []string{"messages[1].encrypted_content"}},
		{llm.ReasoningDetails, ask(nil, user, thought), `"reasoning_details":[{"type":"reasoning.text","index":0,"text":"Hm","signature":"c2ln"`, "", nil},
		{llm.NoStore, ask(func(r *llm.Request) { r.Thread.Store, r.Cache.TTL = &yes, "24h" }), "", "store", []string{"store", "prompt_cache_retention"}},
		{llm.NoTier, ask(func(r *llm.Request) { r.Tier = "flex" }), "", "service_tier", []string{"service_tier"}},
		{llm.NoUser, ask(func(r *llm.Request) { r.User = "u" }), "", `"u"`, []string{"user"}},
		{
			llm.PlainAudio, ask(nil, llm.Message{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartAudio, Path: "messages[0].content[0]", Media: &llm.Blob{Type: "audio/wav", Data: "UklGRg=="}}}}),
			`"input_audio":"UklGRg=="`, "format",
			[]string{"messages[0].content[0]"},
		},
		{llm.NoCacheKey, ask(func(r *llm.Request) { r.Cache.Key = "k" }), "", "prompt_cache_key", []string{"prompt_cache_key"}},
	}
	shown := llm.Quirk(0)
	for _, test := range tests {
		shown |= test.quirk
		t.Run(test.quirk.String(), func(t *testing.T) {
			plain, _, err := openaichat.New().Codec().EncodeRequest(test.req, llm.Facts{Model: "m"})
			if err != nil {
				t.Fatal(err)
			}
			call, losses, err := openaichat.New().Codec().EncodeRequest(test.req, llm.Facts{Model: "m", Quirks: test.quirk, SealBy: "anthropic"})
			if err != nil {
				t.Fatal(err)
			}
			body := string(call.Body)
			if rawjson.Check(call.Body) != nil || !strings.Contains(body, test.has) {
				t.Errorf("%s\nhas no %s", body, test.has)
			}
			if test.quirk == llm.NoSampling {
				test.not = "temperature"
			}
			if test.not != "" && (strings.Contains(body, test.not) || !strings.Contains(string(plain.Body), test.not)) {
				t.Errorf("%s\nholds %s, or without the quirk does not:\n%s", body, test.not, plain.Body)
			}
			var paths []string
			for _, l := range losses {
				paths = append(paths, l.Path)
			}
			if d := cmp.Diff(test.losses, paths); d != "" {
				t.Errorf("losses (-want +got):\n%s", d)
			}
		})
	}
	media := map[llm.Quirk]llm.Part{
		llm.TextOnly:    {Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "iVBORw0KGgo="}},
		llm.NoFiles:     {Kind: llm.PartFile, Media: &llm.Blob{Type: "application/pdf", Data: "JVBERi0=", Name: "a.pdf"}},
		llm.NoImageURLs: {Kind: llm.PartImage, Media: &llm.Blob{URL: "https://example.org/a.png"}},
	}
	for quirk, part := range media {
		shown |= quirk
		part.Path = "messages[0].content[0]"
		_, _, err := openaichat.New().Codec().EncodeRequest(ask(nil, llm.Message{Role: llm.User, Parts: []llm.Part{part}}), llm.Facts{Quirks: quirk})
		if f := fault.Of(err); err == nil || f.Kind != fault.Unsupported || f.Param != part.Path {
			t.Errorf("%s: %v", quirk, err)
		}
	}
	for i := range llm.QuirkTable {
		if q := llm.QuirkTable[i].Quirk; !shown.Has(q) {
			t.Errorf("nothing shows what %s does", q)
		}
	}
}

// A document of text is read where files are not.
func TestReadableDocuments(t *testing.T) {
	part := llm.Part{Kind: llm.PartFile, Path: "messages[0].content[0]", Media: &llm.Blob{Type: "text/csv", Data: "YSxi", Name: "a.csv"}}
	req := &llm.Request{From: llm.OpenAIResponses, Messages: []llm.Message{{Role: llm.User, Parts: []llm.Part{part}}}}
	call, losses, err := openaichat.New().Codec().EncodeRequest(req, llm.Facts{Quirks: llm.TextOnly})
	if err != nil || !strings.Contains(string(call.Body), "a,b") || len(losses) != 1 {
		t.Errorf("%s %v %v", call.Body, losses, err)
	}
}

// OpenAI refuses JSON without a schema where nobody speaks of JSON.
func TestJSONIsSpokenOf(t *testing.T) {
	for text, noted := range map[string]bool{"Give me a colour": true, "As jSoN, please": false, "j": true} {
		req := &llm.Request{From: llm.GeminiGenerate, Output: llm.Output{Kind: "json"}, Messages: []llm.Message{say(llm.User, "contents[0]", text)}}
		call, losses, err := openaichat.New().Codec().EncodeRequest(req, llm.Facts{Model: "m"})
		if err != nil || len(losses) > 0 || strings.Contains(string(call.Body), `"system"`) != noted {
			t.Errorf("%s: %s %v %v", text, call.Body, losses, err)
		}
	}
}

func TestAlternating(t *testing.T) {
	thought := llm.Message{Role: llm.Assistant, Path: "messages[1]", Parts: []llm.Part{{Kind: llm.PartReasoning, Text: "Hm", Path: "messages[1].content[0]"}}}
	for name, test := range map[string]struct {
		messages []llm.Message
		want     string
		losses   []string
		param    string // of a refusal
	}{
		"a turn that says nothing": {
			[]llm.Message{say(llm.User, "messages[0]", "a"), thought, say(llm.User, "messages[2]", "b")},
			`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`,
			[]string{"messages[1].content[0]"},
			"",
		},
		"the system alone":   {[]llm.Message{say(llm.System, "messages[0]", "a"), say(llm.System, "messages[1]", "b")}, `[{"role":"system","content":"a"},{"role":"user","content":"b"}]`, []string{"messages[1]"}, ""},
		"answers in a row":   {[]llm.Message{say(llm.User, "messages[0]", "a"), say(llm.Assistant, "messages[1]", "b"), say(llm.Assistant, "messages[2]", "c"), say(llm.User, "messages[3]", "d")}, `[{"role":"user","content":"a"},{"role":"assistant","content":"bc"},{"role":"user","content":"d"}]`, nil, ""},
		"a begun answer":     {[]llm.Message{say(llm.User, "messages[0]", "a"), say(llm.Assistant, "messages[1]", "b")}, "", nil, "messages[1]"},
		"the model is first": {[]llm.Message{say(llm.Assistant, "messages[0]", "a"), say(llm.User, "messages[1]", "b")}, "", nil, "messages[0]"},
	} {
		call, losses, err := openaichat.New().Codec().EncodeRequest(&llm.Request{From: llm.OpenAIResponses, Messages: test.messages}, llm.Facts{Quirks: llm.Alternating})
		if test.param != "" {
			if f := fault.Of(err); err == nil || f.Kind != fault.Unsupported || f.Param != test.param {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var paths []string
		for _, l := range losses {
			paths = append(paths, l.Path)
		}
		if got := string(rawjson.Get(call.Body, "messages")); got != test.want || cmp.Diff(test.losses, paths) != "" {
			t.Errorf("%s: %s, lost %v", name, got, paths)
		}
	}
}

// Members of groups are offered as single tools.
func TestGroupsAreFlat(t *testing.T) {
	look := llm.Tool{Kind: llm.ToolFunction, Name: "look", Path: "tools[0].tools[0]"}
	req := &llm.Request{From: llm.OpenAIResponses, Messages: []llm.Message{say(llm.User, "messages[0]", "a")}, Tools: []llm.Tool{{Kind: llm.ToolGroup, Name: "senses", Path: "tools[0]", Tools: []llm.Tool{look}}}}
	for _, quirks := range []llm.Quirk{0, llm.FunctionsOnly} {
		call, losses, err := openaichat.New().Codec().EncodeRequest(req, llm.Facts{Quirks: quirks})
		if err != nil || len(losses) != 1 || !strings.Contains(string(rawjson.Get(call.Body, "tools")), `"name":"look"`) {
			t.Errorf("%s %v %v", call.Body, losses, err)
		}
	}
}
