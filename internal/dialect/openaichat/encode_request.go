package openaichat

import (
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeRequest implements dialect.Codec.
func (codec) EncodeRequest(req *llm.Request, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	e := &requestEncoder{req: req, facts: facts, own: req.From == llm.OpenAIChat}
	if _, ok := req.Extra["thread"]; ok && req.From == llm.AnthropicMessages {
		// Its next turn would send what is new only. Refused with this code, the SDK sends the whole conversation instead.
		f := fault.New(fault.Unsupported, "the conversation of a thread is not kept here; send it whole")
		f.Param, f.Code = "thread", "thread_unsupported_request"
		return dialect.Call{}, nil, f
	}
	e.w.Open('{')
	e.w.Name("model").String(facts.Model)
	if err := e.messages(); err != nil {
		return dialect.Call{}, nil, err
	}
	e.tools()
	e.output()
	e.sampling()
	e.reasoning()
	e.limits()
	e.account()
	if e.own {
		writeExtra(&e.w, req.Extra, "stream_options")
	} else {
		e.foreign(req.Extra, "")
	}
	e.w.Close('}')
	call := dialect.Call{Op: llm.OpChat, Path: Path, Body: e.w.Buf}
	return call, e.losses, nil
}

type requestEncoder struct {
	req    *llm.Request
	facts  llm.Facts
	own    bool // the request is of this dialect
	w      rawjson.Writer
	losses []llm.Loss

	calls []calledTool // written so far, for the names of results
}

func (e *requestEncoder) lose(path, why string, grade llm.Grade) {
	for i := range e.losses {
		if e.losses[i].Path == path {
			e.losses[i].Grade = max(e.losses[i].Grade, grade)
			return
		}
	}
	e.losses = append(e.losses, llm.Loss{Path: path, Why: why, Grade: grade})
}

// drop names a member of the request lost; the client's own word for it is looked up.
func (e *requestEncoder) drop(name, why string) { e.lose(e.word(name), why, llm.Dropped) }

// foreign names members of another dialect lost.
func (e *requestEncoder) foreign(x llm.Extra, holder string) {
	for _, name := range names(x) {
		path := name
		if holder != "" {
			path = holder + "." + name
		}
		e.lose(path, "a member of another dialect", llm.Dropped)
	}
}

// messagesWords are the words of anthropic-messages for what this dialect names otherwise.
var messagesWords = map[string]string{
	"max_completion_tokens": "max_tokens",
	"stop":                  "stop_sequences",
	"user":                  "metadata.user_id",
	"response_format":       "output_config.format",
	"reasoning_effort":      "output_config.effort",
	"parallel_tool_calls":   "tool_choice.disable_parallel_tool_use",
}

// word returns the client's word for a member.
func (e *requestEncoder) word(name string) string {
	if e.req.From == llm.AnthropicMessages {
		if w, ok := messagesWords[name]; ok {
			return w
		}
	}
	return name
}

// openAI reports whether the target is OpenAI's own service, or Azure's.
func (e *requestEncoder) openAI() bool {
	switch e.facts.Provider {
	case "openai", "azure", "azure-openai":
		return true
	}
	return false
}

const noPlace = "chat has no place for it"

func (e *requestEncoder) output() {
	o := &e.req.Output
	w := &e.w
	kind := o.Kind
	if o.Schema != nil {
		kind = "schema"
	}
	extra := o.Extra
	if !e.own {
		e.foreign(extra, e.word("response_format"))
		extra = nil
	}
	switch kind {
	case "text", "json":
		name := "text"
		if kind == "json" {
			name = "json_object"
		}
		w.Name("response_format").Open('{').Name("type").String(name)
		writeExtra(w, extra)
		w.Close('}')
	case "schema":
		w.Name("response_format").Open('{').Name("type").String("json_schema").Name("json_schema").Open('{')
		name := o.Name
		if name == "" && !e.own {
			name = "answer" // a label that chat demands; it says nothing, so that it is no loss either
		}
		if name != "" {
			w.Name("name").String(name)
		}
		if o.Description != "" {
			w.Name("description").String(o.Description)
		}
		if o.Schema != nil {
			w.Name("schema").Raw(o.Schema)
		}
		switch {
		case o.Strict != nil:
			w.Name("strict").Bool(*o.Strict)
		case e.req.From == llm.AnthropicMessages && closed(o.Schema, 0):
			w.Name("strict").Bool(true) // Messages always keeps to a schema; chat refuses to for open ones
		}
		writeNested(w, extra, "json_schema")
		w.Close('}')
		writeExtra(w, extra, "json_schema")
		w.Close('}')
	}
	if o.Verbosity != "" {
		w.Name("verbosity").String(o.Verbosity)
	}
}

func (e *requestEncoder) sampling() {
	s := &e.req.Sampling
	w := &e.w
	number := func(name string, n llm.Num) {
		if n != "" {
			w.Name(name).Num(string(n))
		}
	}
	number("temperature", s.Temperature)
	number("top_p", s.TopP)
	if e.own {
		number("top_k", s.TopK)
	} else if s.TopK != "" {
		e.drop("top_k", noPlace)
	}
	number("frequency_penalty", s.Frequency)
	number("presence_penalty", s.Presence)
	number("seed", s.Seed)
	if s.Logprobs || s.TopLogprobs > 0 && !e.own {
		w.Name("logprobs").Bool(true)
	}
	if s.TopLogprobs > 0 {
		w.Name("top_logprobs").Int(s.TopLogprobs)
	}
	if s.Bias != nil {
		w.Name("logit_bias").Raw(s.Bias)
	}
	if e.req.Answers > 0 {
		w.Name("n").Int(e.req.Answers)
	}
	e.stop()
}

// stopMost is how many stop sequences OpenAI takes.
const stopMost = 4

func (e *requestEncoder) stop() {
	stop := e.req.Stop
	if len(stop) == 0 {
		return
	}
	if !e.own && len(stop) > stopMost {
		e.lose(e.word("stop"), "chat takes 4 stop sequences; the others are not sent", llm.Changed)
		stop = stop[:stopMost]
	}
	e.w.Name("stop").Open('[')
	for _, s := range stop {
		e.w.String(s)
	}
	e.w.Close(']')
}

// reasoning writes the effort. A budget of tokens becomes the effort it is nearest to.
func (e *requestEncoder) reasoning() {
	r := &e.req.Reasoning
	effort := r.Effort
	if !e.own {
		switch {
		case r.Mode == "off":
			e.drop("thinking", "chat has no word that every model takes for no reasoning")
			if effort != "" {
				e.drop("reasoning_effort", "reasoning is off")
			}
			effort = ""
		case r.Budget != "" && effort == "":
			effort = effortOf(r.Budget)
			e.lose("thinking", "chat says how much to think as an effort, not in tokens", llm.Changed)
		case r.Budget != "":
			e.lose("thinking", "chat has no budget of tokens beside the effort", llm.Changed)
		case r.Mode != "" && effort == "":
			e.drop("thinking", "whether to think is left to the model")
		}
		if r.Show != nil {
			e.drop("thinking.display", noPlace)
		}
		if r.Summary != "" {
			e.drop("reasoning.summary", noPlace)
		}
		e.foreign(r.Extra, "thinking")
	}
	if effort != "" {
		e.w.Name("reasoning_effort").String(effort)
	}
}

// effortOf maps a budget of tokens to an effort; low, medium and high stand for 1024, 4096 and 16384 tokens.
func effortOf(budget llm.Num) string {
	n, err := strconv.ParseFloat(string(budget), 64)
	switch {
	case err != nil || n > 8192:
		return "high"
	case n > 2048:
		return "medium"
	}
	return "low"
}

func (e *requestEncoder) limits() {
	r := e.req
	w := &e.w
	if r.MaxOutput > 0 {
		name := "max_tokens"
		if e.openAI() {
			name = "max_completion_tokens"
		}
		w.Name(name).Int(r.MaxOutput)
	}
	if r.Stream {
		w.Name("stream").Bool(true)
	}
	// Who translates needs the usage, whether the client asked for it or not.
	ask := r.WantUsage || r.Stream && !e.own
	if ask || e.own && hasNested(r.Extra, "stream_options") {
		w.Name("stream_options").Open('{')
		if ask {
			w.Name("include_usage").Bool(true)
		}
		if e.own {
			writeNested(w, r.Extra, "stream_options")
		}
		w.Close('}')
	}
	e.modalities()
}

func (e *requestEncoder) modalities() {
	r := e.req
	var all []string
	for _, m := range r.Modalities {
		if e.own || m == "text" || m == "audio" {
			all = append(all, m)
		} else {
			e.drop("modalities", "chat answers in text and audio only")
		}
	}
	if len(all) > 0 {
		e.w.Name("modalities").Open('[')
		for _, m := range all {
			e.w.String(m)
		}
		e.w.Close(']')
	}
	v := &r.Voice
	extra := v.Extra
	if !e.own {
		e.foreign(extra, "audio")
		extra = nil
	}
	if v.Name != "" || v.Format != "" || extra != nil {
		e.w.Name("audio").Open('{')
		if v.Name != "" {
			e.w.Name("voice").String(v.Name)
		}
		if v.Format != "" {
			e.w.Name("format").String(v.Format)
		}
		writeExtra(&e.w, extra)
		e.w.Close('}')
	}
}

// account writes who asks, at which tier, and what is kept.
func (e *requestEncoder) account() {
	r := e.req
	w := &e.w
	if tier := e.tier(); tier != "" {
		w.Name("service_tier").String(tier)
	}
	if r.User != "" {
		w.Name("user").String(r.User)
	}
	if r.Metadata != nil {
		w.Name("metadata").Raw(r.Metadata)
	}
	if r.Thread.Store != nil {
		w.Name("store").Bool(*r.Thread.Store)
	}
	if r.Cache.Key != "" {
		w.Name("prompt_cache_key").String(r.Cache.Key)
	}
	if r.Cache.TTL != "" {
		w.Name("prompt_cache_retention").String(r.Cache.TTL)
	}
	if r.Cache.Auto != nil {
		if e.own {
			writeCache(w, r.Cache.Auto)
		} else {
			e.drop("cache_control", noPlace)
		}
	}
	for _, l := range [...]struct {
		name string
		said bool
	}{
		{"cachedContent", r.Cache.Ref != ""},
		{"previous_response_id", r.Thread.Previous != ""},
		{"background", r.Thread.Background},
		{e.threadWord(), r.Thread.Raw != nil},
		{"safetySettings", r.Safety != nil},
		{"include", len(r.Include) > 0},
		{"documents", len(r.Documents) > 0},
	} {
		if l.said {
			e.drop(l.name, noPlace)
		}
	}
}

func (e *requestEncoder) threadWord() string {
	if e.req.From == llm.AnthropicMessages {
		return "container"
	}
	return "conversation"
}

// tier returns the word for the service tier. anthropic-messages says standard_only where chat says default.
func (e *requestEncoder) tier() string {
	tier := e.req.Tier
	if e.own || tier == "" {
		return tier
	}
	switch tier {
	case "auto", "default", "flex", "priority":
		return tier
	case "standard_only", "standard":
		return "default"
	}
	e.drop("service_tier", "chat has no such tier")
	return ""
}
