package openaicompletions

import (
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

const (
	freeMax    = 1024 // the limit on the output where nobody names one: without it 16 tokens would come
	stopMost   = 4    // stop sequences
	likeliest  = 5    // tokens at each place with their log probabilities
	noSetting  = "a completion has no such setting"
	notOfModel = "completions do not say how a model thinks"
)

// EncodeRequest implements dialect.Codec. The error is a *fault.Fault (Unsupported) for what would be a wrong answer if
// left out: media, and tools that the model may call.
func (codec) EncodeRequest(req *llm.Request, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	e := &requestEncoder{req: req, facts: facts, own: req.From == llm.OpenAICompletions}
	w := &e.w
	w.Open('{').Name("model").String(facts.Model)
	e.prompt()
	e.tools()
	e.limits()
	e.sampling()
	e.output()
	e.reasoning()
	e.account()
	if e.own {
		openai.WriteExtra(w, req.Extra, "stream_options")
	} else {
		e.foreign(req.Extra, "")
	}
	w.Close('}')
	if e.refused != nil {
		return dialect.Call{}, nil, e.refused
	}
	return dialect.Call{Op: llm.OpChat, Path: Path, Body: w.Buf}, e.losses.List, nil
}

type requestEncoder struct {
	req     *llm.Request
	facts   llm.Facts
	own     bool // the request is of this dialect
	w       rawjson.Writer
	losses  dialect.Losses
	refused error
}

func (e *requestEncoder) lose(path, why string, grade llm.Grade) { e.losses.Add(path, why, grade) }

// drop names a setting lost by the client's own word for it.
func (e *requestEncoder) drop(name, why string) {
	e.lose(dialect.Word(e.req.From, name), why, llm.Dropped)
}

// dropWith names settings lost that may stand under one that is named already.
func (e *requestEncoder) dropWith(first, why string, more ...string) {
	e.drop(first, why)
	holder := dialect.Word(e.req.From, first)
	for _, name := range more {
		if word := dialect.Word(e.req.From, name); word != holder && !strings.HasPrefix(word, holder+".") {
			e.lose(word, why, llm.Dropped)
		}
	}
}

func (e *requestEncoder) refuse(param, format string, args ...any) {
	if e.refused == nil {
		e.refused = unsupported(param, format, args...)
	}
}

// foreign names members of another dialect lost.
func (e *requestEncoder) foreign(x llm.Extra, holder string) {
	if e.own {
		return
	}
	for _, name := range dialect.Names(x) {
		e.lose(dialect.MemberPath(holder, name), "a member of another dialect", llm.Dropped)
	}
}

// tools are lost where the model need not call them, else the request is refused.
func (e *requestEncoder) tools() {
	c := &e.req.Choice
	for i := range e.req.Tools {
		t := &e.req.Tools[i]
		if t.Kind != llm.ToolServer && c.Mode != "none" {
			e.refuse(t.Path, "%s: a model that writes completions calls no tools", t.Path)
			return
		}
		e.lose(t.Path, "completions have no tools", llm.Dropped)
		for j := range t.Tools {
			if !strings.HasPrefix(t.Tools[j].Path, t.Path) {
				e.lose(t.Tools[j].Path, "completions have no tools", llm.Dropped)
			}
		}
	}
	if c.Mode == "any" || c.Mode == "one" || c.Raw != nil || len(c.Allowed) > 0 {
		e.drop("tool_choice", "no tool is left to choose")
	}
	e.foreign(c.Extra, dialect.Word(e.req.From, "tool_choice"))
}

func (e *requestEncoder) limits() {
	r := e.req
	w := &e.w
	most := r.MaxOutput
	if most == 0 && (!e.own || r.Extra["max_tokens"] == nil) {
		most = freeMax
		if e.facts.DefaultMax > 0 {
			most = e.facts.DefaultMax
		}
		e.lose(dialect.Word(r.From, "max_tokens"), "without a limit 16 tokens would be written: "+strconv.FormatInt(most, 10), llm.Filled)
	}
	if most > 0 {
		w.Name("max_tokens").Int(most)
	}
	if r.Stream {
		w.Name("stream").Bool(true)
	}
	// Who translates needs the usage, whether the client asked for it or not.
	ask := r.WantUsage || r.Stream && !e.own
	if ask || e.own && openai.HasNested(r.Extra, "stream_options") {
		w.Name("stream_options").Open('{')
		if ask {
			w.Name("include_usage").Bool(true)
		}
		if e.own {
			openai.WriteNested(w, r.Extra, "stream_options")
		}
		w.Close('}')
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
		e.drop("top_k", noSetting)
	}
	number("frequency_penalty", s.Frequency)
	number("presence_penalty", s.Presence)
	number("seed", s.Seed)
	if s.Bias != nil {
		w.Name("logit_bias").Raw(s.Bias)
	}
	if s.Logprobs || s.TopLogprobs > 0 {
		top := s.TopLogprobs
		if !e.own && top > likeliest {
			top = likeliest
			e.lose(dialect.Word(e.req.From, "top_logprobs"), "completions give the 5 likeliest tokens", llm.Changed)
		}
		w.Name("logprobs").Int(top)
	}
	if e.req.Answers > 0 {
		w.Name("n").Int(e.req.Answers)
	}
	stop := e.req.Stop
	if !e.own && len(stop) > stopMost {
		e.lose(dialect.Word(e.req.From, "stop"), "completions take 4 stop sequences; the others are not sent", llm.Changed)
		stop = stop[:stopMost]
	}
	if len(stop) > 0 {
		w.Name("stop").Open('[')
		for _, one := range stop {
			w.String(one)
		}
		w.Close(']')
	}
}

// output names the form lost that the answer was to have.
func (e *requestEncoder) output() {
	o := &e.req.Output
	form := dialect.Word(e.req.From, "response_format")
	if o.Kind == "json" || o.Kind == "schema" || o.Schema != nil {
		var more []string
		for _, said := range [...]struct {
			name string
			said bool
		}{
			{"schema", o.Schema != nil}, {"description", o.Description != ""}, {"strict", o.Strict != nil},
		} {
			if said.said {
				more = append(more, "response_format.json_schema."+said.name)
			}
		}
		e.dropWith("response_format", "completions are text of any form", more...)
	}
	e.foreign(o.Extra, form)
	if o.Verbosity != "" {
		e.drop("verbosity", noSetting)
	}
	r := e.req
	for _, m := range r.Modalities {
		if m != "text" {
			e.drop("modalities", "completions are text")
		}
	}
	if r.Voice.Name != "" || r.Voice.Format != "" {
		e.drop("audio", "completions are text")
	}
	e.foreign(r.Voice.Extra, dialect.Word(r.From, "audio"))
}

func (e *requestEncoder) reasoning() {
	r := &e.req.Reasoning
	switch {
	case r.Effort == "none":
		e.drop("effort", notOfModel)
	case r.Mode == "off" || r.Budget == "0":
		e.drop("thinking", notOfModel)
	default:
		for _, said := range [...]struct{ name, value string }{
			{"thinking", r.Mode}, {"effort", r.Effort}, {"budget", string(r.Budget)},
		} {
			if said.value != "" {
				e.drop(said.name, notOfModel)
			}
		}
	}
	if r.Show != nil {
		e.drop("show", notOfModel)
	}
	if r.Summary != "" {
		e.drop("reasoning.summary", notOfModel)
	}
	e.foreign(r.Extra, dialect.Word(e.req.From, "thinking"))
}

// account writes who asks, and names lost at which tier and what is kept.
func (e *requestEncoder) account() {
	r := e.req
	if r.User != "" {
		e.w.Name("user").String(r.User)
	}
	if r.Tier != "" {
		if e.own {
			e.w.Name("service_tier").String(r.Tier)
		} else {
			e.drop("service_tier", noSetting)
		}
	}
	for _, l := range [...]struct {
		name string
		said bool
	}{
		{"metadata", r.Metadata != nil},
		{"store", r.Thread.Store != nil && *r.Thread.Store},
		{"previous_response_id", r.Thread.Previous != ""},
		{"background", r.Thread.Background},
		{"conversation", r.Thread.Raw != nil},
		{"prompt_cache_key", r.Cache.Key != ""},
		{"prompt_cache_retention", r.Cache.TTL != ""},
		{"cachedContent", r.Cache.Ref != ""},
		{"cache_control", r.Cache.Auto != nil},
		{"safetySettings", r.Safety != nil},
		{"include", len(r.Include) > 0},
	} {
		if l.said {
			e.drop(l.name, noSetting)
		}
	}
}
