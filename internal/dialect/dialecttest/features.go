package dialecttest

import (
	"encoding/json"
	"strings"

	"weir/internal/llm"
)

// Feature is something a conversation can hold. A dialect carries it or declares it lost.
type Feature struct {
	Name    string
	Request *llm.Request
	Answer  *llm.Response
}

// Features returns a request or an answer for each feature of the canonical model. They come from no dialect, so that
// none can write back what is its own; Run tells of requests that they come from each other one. Every call returns new
// values.
func Features() []Feature {
	return append(append(turnFeatures(), settingFeatures()...), answerFeatures()...)
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

// ask returns a request whose turns are as given; their paths are set.
func ask(messages ...llm.Message) *llm.Request {
	for i := range messages {
		messages[i].Path = "messages[" + string(rune('0'+i)) + "]"
		for j := range messages[i].Parts {
			p := &messages[i].Parts[j]
			p.Path = messages[i].Path + ".content[" + string(rune('0'+j)) + "]"
			for k := range p.Result {
				p.Result[k].Path = p.Path + ".content[" + string(rune('0'+k)) + "]"
			}
		}
	}
	return &llm.Request{Model: "asked", Messages: messages, MaxOutput: 100}
}

// with returns a short request that change has changed.
func with(change func(*llm.Request)) *llm.Request {
	r := ask(says(llm.User, text("Hello")))
	change(r)
	return r
}

func says(role llm.Role, parts ...llm.Part) llm.Message { return llm.Message{Role: role, Parts: parts} }

func text(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }

func call(id, name, args string) llm.Part {
	return llm.Part{Kind: llm.PartCall, ID: id, Name: name, Args: args}
}

func result(id, name string, parts ...llm.Part) llm.Part {
	return llm.Part{Kind: llm.PartResult, ID: id, Name: name, Result: parts}
}

func medium(kind llm.PartKind, b llm.Blob) llm.Part { return llm.Part{Kind: kind, Media: &b} }

func turnFeatures() []Feature {
	user := func(parts ...llm.Part) *llm.Request { return ask(says(llm.User, parts...)) }
	// after returns a conversation in which the model has called tools.
	after := func(calls, results []llm.Part) *llm.Request {
		return ask(says(llm.User, text("Do it")), says(llm.Assistant, calls...), says(llm.User, results...))
	}
	sealed := llm.Part{Kind: llm.PartReasoning, Text: "I think", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "c2ln"}}
	foreign := llm.Part{Kind: llm.PartReasoning, Text: "I think", Seal: llm.Seal{By: "google", Form: llm.SealSignature, Data: "c2ln"}}
	pdf := llm.Blob{Type: "application/pdf", Data: "JVBERi0=", Name: "a.pdf"}
	cached := text("long")
	cached.Cache = &llm.CacheMark{TTL: "1h"}
	cited := text("So it is.")
	cited.Cites = []llm.Cite{{Kind: "url", URL: "https://example.org", Title: "Example", Quote: "so"}}
	strange := text("x")
	strange.Extra = llm.Extra{"strange": raw(`{"a": 1}`)}
	failed := result("call_1", "look", text("not found"))
	failed.Failed = true
	custom := call("call_1", "shell", "ls -l")
	custom.Free = true
	return []Feature{
		{Name: "texts", Request: user(text("one"), text("two"), text(""))},
		{Name: "system turns", Request: ask(says(llm.System, text("Be brief.")), says(llm.Developer, text("Be kind.")), says(llm.User, text("Hello")))},
		{Name: "late system turn", Request: ask(says(llm.User, text("Hello")), says(llm.Assistant, text("Hi")), says(llm.System, text("Now be brief.")), says(llm.User, text("Go on")))},
		{Name: "late system turn of nothing", Request: ask(says(llm.User, text("Hello")), says(llm.System, text("")))},
		{Name: "only a system turn", Request: ask(says(llm.System, text("Begin.")))},
		{Name: "neighbouring turns", Request: ask(says(llm.User, text("a")), says(llm.User, text("b")), says(llm.Assistant, text("c")), says(llm.Assistant, text("d")))},
		{Name: "begun answer", Request: ask(says(llm.User, text("a")), says(llm.Assistant, text("It is ")))},
		{Name: "names", Request: ask(llm.Message{Role: llm.User, Name: "ada", Parts: []llm.Part{text("a")}})},
		{Name: "image", Request: user(medium(llm.PartImage, llm.Blob{Type: "image/png", Data: "iVBORw0KGgo="}), text("What is it?"))},
		{Name: "image by address", Request: user(medium(llm.PartImage, llm.Blob{URL: "https://example.org/a.png", Detail: "high"}))},
		{Name: "image by id", Request: user(medium(llm.PartImage, llm.Blob{FileID: "file_1"}))},
		{Name: "document", Request: user(medium(llm.PartFile, pdf))},
		{Name: "document without a name", Request: user(medium(llm.PartFile, llm.Blob{Type: "application/pdf", Data: "JVBERi0="}))},
		{Name: "document of text", Request: user(medium(llm.PartFile, llm.Blob{Type: "text/plain", Text: "All is well.", Name: "report", Cite: true}))},
		{Name: "document of text as data", Request: user(medium(llm.PartFile, llm.Blob{Type: "text/plain", Data: "Tm90aGluZyBuZXcu", Name: "report.txt"}))},
		{Name: "document of another text as data", Request: user(medium(llm.PartFile, llm.Blob{Type: "text/csv", Data: "YSxiCjEsMgo=", Name: "a.csv"}))},
		{Name: "document by address", Request: user(medium(llm.PartFile, llm.Blob{URL: "https://example.org/a.pdf"}))},
		{Name: "sound", Request: user(medium(llm.PartAudio, llm.Blob{Type: "audio/wav", Data: "UklGRg=="}))},
		{Name: "video", Request: user(medium(llm.PartVideo, llm.Blob{URL: "https://example.org/a.mp4"}))},
		{Name: "cache mark", Request: user(cached, text("short"))},
		{Name: "foreign member", Request: user(strange)},
		{Name: "opaque part", Request: user(text("x"), llm.Part{Kind: llm.PartOpaque, Name: "odd", Raw: raw(`{"type":"odd"}`)})},
		{Name: "citations of the history", Request: ask(says(llm.User, text("Is it?")), says(llm.Assistant, cited), says(llm.User, text("Sure?")))},
		{Name: "refusal of the history", Request: ask(says(llm.User, text("Do")), says(llm.Assistant, llm.Part{Kind: llm.PartRefusal, Text: "I will not."}), says(llm.User, text("Why?")))},
		{Name: "refusals among texts of the history", Request: ask(says(llm.User, text("Do")), says(llm.Assistant, llm.Part{Kind: llm.PartRefusal, Text: "I will not."},
			text("Ask me for"), llm.Part{Kind: llm.PartRefusal, Text: "That neither."}, text("another thing.")), says(llm.User, text("Why?")))},
		{Name: "cache mark on nothing", Request: ask(says(llm.User, text("a"), llm.Part{Kind: llm.PartText, Cache: &llm.CacheMark{}}))},
		{Name: "result without its call", Request: user(result("call:9", "", text("blue")))},
		{Name: "tool turn", Request: after([]llm.Part{text("I look."), call("call_1", "look", `{"at": "sky"}`)}, []llm.Part{result("call_1", "look", text("blue"))})},
		{Name: "parallel calls", Request: after([]llm.Part{call("call_1", "look", `{"at":1}`), call("call_2", "look", `{"at":2}`)},
			[]llm.Part{text("And then?"), result("call_2", "look", text("two")), result("call_1", "look", text("one"))})},
		{Name: "call without arguments", Request: after([]llm.Part{call("call_1", "now", "")}, []llm.Part{result("call_1", "now")})},
		{Name: "call with broken arguments", Request: after([]llm.Part{call("call_1", "look", `{"at": `)}, []llm.Part{result("call_1", "look", text("?"))})},
		{Name: "text after calls", Request: after([]llm.Part{call("call_1", "look", "{}"), text("Wait.")}, []llm.Part{result("call_1", "look", text("blue"))})},
		{Name: "unfit ids", Request: after([]llm.Part{call("call:1/"+strings.Repeat("x", 70), "look", "{}"), call("call:2", "look", "{}")},
			[]llm.Part{result("call:2", "look", text("two")), result("call:1/"+strings.Repeat("x", 70), "look", text("one"))})},
		{Name: "failed call", Request: after([]llm.Part{call("call_1", "look", "{}")}, []llm.Part{failed})},
		{Name: "result with an image", Request: after([]llm.Part{call("call_1", "look", "{}")},
			[]llm.Part{result("call_1", "look", text("see"), medium(llm.PartImage, llm.Blob{Type: "image/png", Data: "iVBORw0KGgo="}))})},
		{Name: "custom call", Request: after([]llm.Part{custom}, []llm.Part{result("call_1", "shell", text("a b"))})},
		{Name: "call that the provider ran", Request: after([]llm.Part{
			{Kind: llm.PartCall, By: llm.ByServer, ID: "srv_1", Name: "web_search", Args: `{"query":"sky"}`},
			{Kind: llm.PartResult, By: llm.ByServer, ID: "srv_1", Name: "web_search", Raw: raw(`{"type":"odd"}`)},
			text("Blue."),
		}, []llm.Part{text("Thanks")})},
		{Name: "sealed reasoning", Request: after([]llm.Part{sealed, call("call_1", "look", "{}")}, []llm.Part{result("call_1", "look", text("blue"))})},
		{Name: "reasoning sealed elsewhere", Request: after([]llm.Part{foreign, call("call_1", "look", "{}")}, []llm.Part{result("call_1", "look", text("blue"))})},
		{Name: "reasoning without a seal", Request: after([]llm.Part{{Kind: llm.PartReasoning, Text: "Hm"}, text("Hi")}, []llm.Part{text("Go on")})},
		{Name: "redacted reasoning", Request: after([]llm.Part{{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "ZW5j"}}, text("Hi")}, []llm.Part{text("Go on")})},
	}
}

func settingFeatures() []Feature {
	yes, no := true, false
	tool := llm.Tool{Kind: llm.ToolFunction, Name: "look", Description: "Looks.", Path: "tools[0]", Schema: raw(`{"type":"object","properties":{"at":{"type":"string"}}}`)}
	tools := func(choice llm.ToolChoice, list ...llm.Tool) *llm.Request {
		return with(func(r *llm.Request) { r.Tools, r.Choice = list, choice })
	}
	changed := func(change func(*llm.Tool)) llm.Tool { t := tool; change(&t); return t }
	other := changed(func(t *llm.Tool) { t.Name, t.Path = "listen", "tools[1]" })
	set := func(name string, change func(*llm.Request)) Feature {
		return Feature{Name: name, Request: with(change)}
	}
	return []Feature{
		{Name: "tool", Request: tools(llm.ToolChoice{}, tool)},
		{Name: "strict tool", Request: tools(llm.ToolChoice{}, changed(func(t *llm.Tool) { t.Strict = &yes }))},
		{Name: "tool without a schema", Request: tools(llm.ToolChoice{}, changed(func(t *llm.Tool) { t.Schema = nil }))},
		{Name: "cached tool", Request: tools(llm.ToolChoice{}, changed(func(t *llm.Tool) { t.Cache = &llm.CacheMark{} }))},
		{Name: "deferred tool", Request: tools(llm.ToolChoice{}, changed(func(t *llm.Tool) { t.Defer = true }))},
		{Name: "foreign member of a tool", Request: tools(llm.ToolChoice{}, changed(func(t *llm.Tool) { t.Extra = llm.Extra{"odd": raw("1")} }))},
		{Name: "custom tool", Request: tools(llm.ToolChoice{}, llm.Tool{Kind: llm.ToolCustom, Name: "shell", Description: "Runs.", Path: "tools[0]", Grammar: raw(`{"type":"text"}`)})},
		{Name: "tool of the provider", Request: tools(llm.ToolChoice{}, tool, llm.Tool{Kind: llm.ToolServer, Name: "web_search", Path: "tools[1]", Raw: raw(`{"type":"web_search_1"}`)})},
		{Name: "group of tools", Request: tools(llm.ToolChoice{}, llm.Tool{Kind: llm.ToolGroup, Name: "senses", Path: "tools[0]", Tools: []llm.Tool{changed(func(t *llm.Tool) { t.Path = "tools[0].tools[0]" })}})},
		{Name: "choice any", Request: tools(llm.ToolChoice{Mode: "any"}, tool)},
		{Name: "choice none", Request: tools(llm.ToolChoice{Mode: "none"}, tool)},
		{Name: "choice of one", Request: tools(llm.ToolChoice{Mode: "one", Name: "look"}, tool, other)},
		{Name: "choice of some", Request: tools(llm.ToolChoice{Mode: "auto", Allowed: []string{"look"}}, tool, other)},
		{Name: "one call at a time", Request: tools(llm.ToolChoice{Parallel: &no}, tool)},
		{Name: "choice none without tools", Request: tools(llm.ToolChoice{Mode: "none", Parallel: &no})},
		{Name: "foreign member of a choice", Request: tools(llm.ToolChoice{Mode: "any", Extra: llm.Extra{"odd": raw("1")}}, tool)},
		{Name: "choice without tools", Request: tools(llm.ToolChoice{Mode: "any"})},
		set("no limit", func(r *llm.Request) { r.MaxOutput = 0 }),
		set("sampling", func(r *llm.Request) { r.Sampling = llm.Sampling{Temperature: "0.30", TopP: "0.9", TopK: "40"} }),
		set("high temperature", func(r *llm.Request) { r.Sampling.Temperature = "1.7" }),
		set("penalties", func(r *llm.Request) { r.Sampling = llm.Sampling{Frequency: "0.5", Presence: "-1", Seed: "7"} }),
		set("log probabilities", func(r *llm.Request) { r.Sampling.Logprobs, r.Sampling.TopLogprobs = true, 3 }),
		set("bias", func(r *llm.Request) { r.Sampling.Bias = raw(`{"50256":-100}`) }),
		set("stop sequences", func(r *llm.Request) { r.Stop = []string{"a", "b", "c", "d", "e"} }),
		set("stop sequence of white space", func(r *llm.Request) { r.Stop = []string{"\n", "END"} }),
		set("several answers", func(r *llm.Request) { r.Answers = 3 }),
		set("stream", func(r *llm.Request) { r.Stream = true }),
		set("free JSON", func(r *llm.Request) { r.Output.Kind = "json" }),
		set("schema", func(r *llm.Request) {
			r.Output = llm.Output{Kind: "schema", Name: "answer", Description: "An answer", Strict: &yes, Schema: raw(`{"type":"object","additionalProperties":false}`)}
		}),
		set("schema without a name", func(r *llm.Request) { r.Output = llm.Output{Kind: "schema", Schema: raw(`{"type":"object"}`)} }),
		set("loose schema", func(r *llm.Request) {
			r.Output = llm.Output{Kind: "schema", Name: "a", Strict: &no, Schema: raw(`{"type":"object"}`)}
		}),
		set("schema that is missing", func(r *llm.Request) { r.Output.Kind = "schema" }),
		set("verbosity", func(r *llm.Request) { r.Output.Verbosity = "low" }),
		set("effort", func(r *llm.Request) { r.Reasoning.Effort = "high" }),
		set("least effort", func(r *llm.Request) { r.Reasoning.Effort = "minimal" }),
		set("no effort", func(r *llm.Request) { r.Reasoning.Effort = "none" }),
		set("budget", func(r *llm.Request) { r.MaxOutput, r.Reasoning = 9000, llm.Reasoning{Mode: "on", Budget: "2000"} }),
		set("budget and temperature", func(r *llm.Request) {
			r.MaxOutput, r.Reasoning, r.Sampling = 9000, llm.Reasoning{Mode: "on", Budget: "2000"}, llm.Sampling{Temperature: "0.5", TopK: "3"}
		}),
		set("adaptive reasoning", func(r *llm.Request) { r.Reasoning.Mode = "adaptive" }),
		set("reasoning off", func(r *llm.Request) { r.Reasoning.Mode = "off" }),
		set("shown reasoning", func(r *llm.Request) { r.Reasoning.Mode, r.Reasoning.Show = "adaptive", &yes }),
		set("summary of reasoning", func(r *llm.Request) { r.Reasoning = llm.Reasoning{Effort: "low", Summary: "auto"} }),
		set("audio answer", func(r *llm.Request) {
			r.Modalities, r.Voice = []string{"text", "audio"}, llm.Voice{Name: "alloy", Format: "wav"}
		}),
		set("image answer", func(r *llm.Request) { r.Modalities = []string{"text", "image"} }),
		set("kept answer", func(r *llm.Request) { r.Thread.Store = &yes }),
		set("answer that is not kept", func(r *llm.Request) { r.Thread.Store = &no }),
		set("thread", func(r *llm.Request) {
			r.Thread = llm.Thread{Previous: "resp_1", Background: true, Raw: raw(`{"id":"c"}`)}
		}),
		set("cache", func(r *llm.Request) { r.Cache = llm.Cache{Key: "k", TTL: "24h", Ref: "ref", Auto: &llm.CacheMark{}} }),
		set("tier", func(r *llm.Request) { r.Tier = "flex" }),
		set("priority", func(r *llm.Request) { r.Tier = "priority" }),
		set("user", func(r *llm.Request) { r.User = "u-1" }),
		set("metadata", func(r *llm.Request) { r.Metadata = raw(`{"a":"b"}`) }),
		set("safety", func(r *llm.Request) { r.Safety = raw(`[{}]`) }),
		set("include", func(r *llm.Request) { r.Include = []string{"logs"} }),
		set("foreign setting", func(r *llm.Request) { r.Extra = llm.Extra{"odd": raw(`[1, 2]`), "off": raw("false")} }),
		set("documents", func(r *llm.Request) {
			r.Documents = []llm.Part{medium(llm.PartFile, llm.Blob{Text: "All is well."})}
		}),
	}
}

func answerFeatures() []Feature {
	answer := func(stop llm.Stop, parts ...llm.Part) *llm.Response {
		return &llm.Response{
			ID: "answer_1", Model: "answered", Created: "1700000000", Choices: []llm.Choice{{Parts: parts, Stop: stop}},
			Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 10, Output: 5},
		}
	}
	end, calls := llm.Stop{Reason: llm.StopEnd}, llm.Stop{Reason: llm.StopCalls}
	logged := text("Hi")
	logged.Logprobs = []llm.Logprob{{Token: "Hi", Logprob: "-0.10"}}
	cited := text("So it is: blue.")
	cited.Cites = []llm.Cite{{Kind: "url", URL: "https://example.org", Title: "Example", Start: 3, End: 8}}
	whole := text("So it is: blue.")
	whole.Cites = []llm.Cite{{Kind: "url", URL: "https://example.org", Title: "Example", Quote: "blue", Seal: "c2Vj"}}
	place := text("So it is: blue.")
	place.Cites = []llm.Cite{{Kind: "document", Unit: "page", Doc: 1, From: 2, To: 3, Title: "Report", Quote: "blue"}}
	odd := text("Hi")
	odd.Extra = llm.Extra{"odd": raw("1")}
	free := call("call_1", "shell", "ls -l")
	free.Free = true
	signed := call("call_1", "look", "{}")
	signed.Seal = llm.Seal{By: "google", Form: llm.SealSignature, Data: "c2ln"}
	sealed := llm.Part{Kind: llm.PartReasoning, Text: "I think", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "c2ln"}}
	elsewhere := llm.Part{Kind: llm.PartReasoning, Text: "I think", Seal: llm.Seal{By: "openai", Form: llm.SealEncrypted, Data: "ZW5j"}}
	used := func(u llm.Usage) *llm.Response { r := answer(end, text("Hi")); r.Usage = &u; return r }
	stopped := func(reason llm.StopReason) Feature {
		return Feature{Name: "stop " + string(reason), Answer: answer(llm.Stop{Reason: reason}, text("Hi"))}
	}
	two := answer(end, text("one"))
	two.Choices = append(two.Choices, llm.Choice{Parts: []llm.Part{text("two")}, Stop: end})
	tiered := answer(end, text("Hi"))
	tiered.Tier = "scale"
	extra := answer(end, text("Hi"))
	extra.Extra, extra.Choices[0].Extra = llm.Extra{"fingerprint": raw(`"fp"`)}, llm.Extra{"filter": raw("{}")}
	bare := answer(end, text("Hi"))
	bare.Usage = nil
	list := []Feature{
		{Name: "text answer", Answer: answer(end, text("Hello"), text(" there"))},
		{Name: "empty answer", Answer: answer(end)},
		{Name: "answer without usage", Answer: bare},
		{Name: "reasoning", Answer: answer(end, llm.Part{Kind: llm.PartReasoning, Text: "Hm"}, text("Hi"))},
		{Name: "sealed reasoning of an answer", Answer: answer(calls, sealed, call("call_1", "look", "{}"))},
		{Name: "reasoning sealed by another maker", Answer: answer(end, elsewhere, text("Hi"))},
		{Name: "redacted reasoning of an answer", Answer: answer(end, llm.Part{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "ZW5j"}}, text("Hi"))},
		{Name: "summary of reasoning in an answer", Answer: answer(end, llm.Part{Kind: llm.PartReasoning, Text: "Hm", Summary: true}, text("Hi"))},
		{Name: "calls", Answer: answer(calls, text("I look."), call("call_1", "look", `{"at": "sky"}`), call("call_2", "now", ""))},
		{Name: "broken call", Answer: answer(llm.Stop{Reason: llm.StopLength}, call("call_1", "look", `{"at": `))},
		{Name: "custom call of an answer", Answer: answer(calls, free)},
		{Name: "signed call", Answer: answer(calls, signed)},
		{Name: "interleaved answer", Answer: answer(calls, text("One."), call("call_1", "look", "{}"), text("Two."), llm.Part{Kind: llm.PartReasoning, Text: "Hm"}, call("call_2", "look", "{}"))},
		{Name: "refusal", Answer: answer(llm.Stop{Reason: llm.StopRefusal}, llm.Part{Kind: llm.PartRefusal, Text: "I will not."})},
		{Name: "refusal by policy", Answer: answer(llm.Stop{Reason: llm.StopRefusal, Detail: "It is forbidden."})},
		{Name: "stop sequence", Answer: answer(llm.Stop{Reason: llm.StopSequence, Sequence: "END"}, text("Hi"))},
		{Name: "log probabilities of an answer", Answer: answer(end, logged)},
		{Name: "citation with its place", Answer: answer(end, cited)},
		{Name: "citation of a whole text", Answer: answer(end, whole)},
		{Name: "citation of nothing", Answer: answer(end, llm.Part{Kind: llm.PartText, Cites: whole.Cites}, text("Hi"))},
		{Name: "call before nothing", Answer: answer(calls, call("call_1", "look", "{}"), llm.Part{Kind: llm.PartText})},
		{Name: "citation of a document", Answer: answer(end, place)},
		{Name: "sound of an answer", Answer: answer(end, llm.Part{Kind: llm.PartAudio, ID: "audio_1", Text: "Hi", Media: &llm.Blob{Data: "UklGRg=="}})},
		{Name: "image of an answer", Answer: answer(end, text("Look"), medium(llm.PartImage, llm.Blob{Type: "image/png", Data: "iVBORw0KGgo="}))},
		{Name: "tools that the provider ran", Answer: answer(end,
			llm.Part{Kind: llm.PartCall, By: llm.ByServer, ID: "srv_1", Name: "web_search", Args: `{"query":"sky"}`},
			llm.Part{Kind: llm.PartResult, By: llm.ByServer, ID: "srv_1", Name: "web_search", Raw: raw(`{"type":"odd"}`)}, text("Blue."))},
		{Name: "opaque part of an answer", Answer: answer(end, text("Hi"), llm.Part{Kind: llm.PartOpaque, Name: "odd", Raw: raw(`{"type":"odd"}`)})},
		{Name: "foreign member of a part", Answer: answer(end, odd)},
		{Name: "foreign members of an answer", Answer: extra},
		{Name: "two answers", Answer: two},
		{Name: "tier of an answer", Answer: tiered},
	}
	list = append(list, countFeatures(used)...)
	for _, reason := range []llm.StopReason{llm.StopLength, llm.StopContext, llm.StopFilter, llm.StopPause, llm.StopMalformed} {
		list = append(list, stopped(reason))
	}
	return list
}

// countFeatures are answers by what their usage states.
func countFeatures(used func(llm.Usage) *llm.Response) []Feature {
	return []Feature{
		{Name: "counts", Answer: used(llm.Usage{
			Said:  llm.SaidInput | llm.SaidOutput | llm.SaidCacheRead | llm.SaidCacheWrite | llm.SaidReasoning,
			Input: 100, CacheRead: 40, CacheWrite: 20, Output: 50, Reasoning: 30,
		})},
		{Name: "rare counts", Answer: used(llm.Usage{
			Said: llm.SaidInput | llm.SaidOutput | llm.SaidCacheWrite | llm.SaidCacheWrite1h | llm.SaidInputAudio | llm.SaidInputImage |
				llm.SaidOutputAudio | llm.SaidOutputImage | llm.SaidToolInput | llm.SaidSearches | llm.SaidFetches | llm.SaidBilledInput | llm.SaidBilledOutput | llm.SaidTotal,
			Input: 100, CacheWrite: 20, CacheWrite1h: 10, Output: 50, InputAudio: 1, InputImage: 2, OutputAudio: 3, OutputImage: 4, ToolInput: 5,
			Searches: 6, Fetches: 7, BilledInput: 8, BilledOutput: 9, Total: 170, Cost: "0.01", Tier: "batch", Extra: llm.Extra{"odd": raw("1"), "none": raw("0")},
		})},
		{Name: "caches without an input", Answer: used(llm.Usage{Said: llm.SaidCacheRead | llm.SaidOutput | llm.SaidTotal, CacheRead: 7, Output: 5})},
		{Name: "caches larger than the input", Answer: used(llm.Usage{Said: llm.SaidInput | llm.SaidCacheRead | llm.SaidOutput, Input: 3, CacheRead: 7, Output: 5})},
		{Name: "rounds", Answer: used(llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 10, Output: 5, Rounds: []llm.Usage{{Said: llm.SaidInput | llm.SaidOutput, Input: 10, Output: 5}}})},
	}
}
