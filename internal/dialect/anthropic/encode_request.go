package anthropic

import (
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// usual is the limit on the output where nobody names one; the API demands one. A call that writes a file, and the
// thinking before it, outgrow 4096 tokens, but more is refused by Claude before 3.5.
func usual(version int) int64 {
	if version > 0 && version < 305 {
		return 4096
	}
	return 8192
}

// EncodeRequest implements dialect.Codec. The error is a *fault.Fault (Unsupported) for what would be a wrong answer if
// left out, such as a sound.
func (codec) EncodeRequest(req *llm.Request, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	e := requestEncoder{req: req, facts: facts, own: req.From == llm.AnthropicMessages, model: facts.Model}
	if e.model == "" {
		e.model = req.Model
	}
	e.version = versionOf(e.model)
	system, turns := e.turns()
	tools := e.tools()
	choice := e.choice(len(tools) > 0)
	e.limit()
	e.think(turns, choice)
	if e.fault != nil {
		return dialect.Call{}, nil, e.fault
	}
	w := &e.w
	w.Buf = dialect.Room(req)
	w.Open('{')
	w.Name("model").String(e.model)
	if e.max > 0 {
		w.Name("max_tokens").Int(e.max)
	}
	if system != nil {
		writeContent(w.Name("system"), system, e.own)
	}
	w.Name("messages").Open('[')
	for i := range turns {
		turns[i].write(w, e.own)
	}
	w.Close(']')
	if len(tools) > 0 || e.own && req.Tools != nil {
		w.Name("tools").Open('[')
		for i := range tools {
			e.writeTool(&tools[i])
		}
		w.Close(']')
	}
	e.writeChoice(choice)
	e.writeThinking()
	e.writeSampling()
	e.writeRest()
	w.Close('}')
	e.loseRest()
	return dialect.Call{Op: llm.OpChat, Path: path, Body: w.Buf}, e.losses.List, nil
}

type requestEncoder struct {
	req      *llm.Request
	facts    llm.Facts
	own      bool // the request is of this dialect: its Extra and Raw go back
	model    string
	version  int // of the model, see versionOf
	w        rawjson.Writer
	losses   dialect.Losses
	fault    *fault.Fault
	max      int64
	filled   bool // max is ours
	unsealed bool // own: thinking that another maker sealed was left out
	plan     thinkingPlan
}

// lose notes a loss by its path in the client's document; a setting may be named as chat names it.
func (e *requestEncoder) lose(path, why string, grade llm.Grade) {
	if !e.own {
		path = dialect.Word(e.req.From, path)
	}
	e.losses.Add(path, why, grade)
}

// refuse notes what cannot be sent at all.
func (e *requestEncoder) refuse(param, why string) {
	if e.fault == nil {
		e.fault = &fault.Fault{Kind: fault.Unsupported, Param: param, Message: param + ": " + why}
	}
}

// limit finds the limit on the output.
func (e *requestEncoder) limit() {
	e.max = e.req.MaxOutput
	if e.max > 0 || e.own && e.req.Extra["max_tokens"] != nil {
		return
	}
	e.filled = true
	switch {
	case e.facts.DefaultMax > 0:
		e.max = e.facts.DefaultMax
	case e.facts.MaxOutput > 0:
		e.max = e.facts.MaxOutput
	default:
		e.max = usual(e.version)
	}
	e.lose("max_tokens", "the target demands a limit: "+strconv.FormatInt(e.max, 10), llm.Filled)
}

func (e *requestEncoder) writeSampling() {
	s := e.req.Sampling
	temperature, topP, topK := s.Temperature, s.TopP, s.TopK
	if !e.own {
		if above(temperature, 1) {
			e.lose("temperature", "at most 1 here", llm.Changed)
			temperature = "1"
		}
		var why string
		switch {
		case e.version >= 407:
			why = "this model takes no sampling parameters"
		case e.plan.on():
			why = "not together with thinking"
		}
		if why != "" {
			if temperature != "" && temperature != "1" {
				e.lose("temperature", why, llm.Dropped)
				temperature = ""
			}
			if topP != "" && !above(topP, 0.9999) {
				e.lose("top_p", why, llm.Dropped)
				topP = ""
			}
			if topK != "" {
				e.lose("top_k", why, llm.Dropped)
				topK = ""
			}
		}
		if e.version >= 401 && temperature != "" && topP != "" {
			e.lose("top_p", "this model takes temperature or top_p, not both", llm.Dropped)
			topP = ""
		}
	}
	for _, n := range [...]struct {
		name  string
		value llm.Num
	}{{"temperature", temperature}, {"top_p", topP}, {"top_k", topK}} {
		if n.value != "" {
			e.w.Name(n.name).Num(string(n.value))
		}
	}
}

func above(n llm.Num, limit float64) bool {
	f, err := strconv.ParseFloat(string(n), 64)
	return err == nil && f > limit
}

func (e *requestEncoder) writeRest() {
	w, req := &e.w, e.req
	stops := req.Stop
	if !e.own {
		stops = nil
		for _, s := range req.Stop {
			if strings.TrimSpace(s) == "" {
				e.lose("stop", "a stop sequence of white space is not taken here", llm.Dropped)
				continue
			}
			stops = append(stops, s)
		}
	}
	if len(stops) > 0 {
		w.Name("stop_sequences").Open('[')
		for _, s := range stops {
			w.String(s)
		}
		w.Close(']')
	}
	var metadata []byte
	if e.own {
		metadata = req.Extra["metadata"]
	}
	if req.User != "" || metadata != nil {
		w.Name("metadata").Open('{')
		if req.User != "" {
			w.Name("user_id").String(req.User)
		}
		for name, v := range rawjson.Members(metadata) {
			w.Name(string(name)).Raw(v)
		}
		w.Close('}')
	}
	if tier := e.tier(); tier != "" {
		w.Name("service_tier").String(tier)
	}
	if req.Cache.Auto != nil {
		writeMark(w.Name("cache_control"), req.Cache.Auto)
	}
	if req.Stream {
		w.Name("stream").Bool(true)
	}
	if e.own {
		dialect.WriteExtra(w, req.Extra, "metadata", "output_config")
	}
}

// tier returns this dialect's word for the tier asked for.
func (e *requestEncoder) tier() string {
	tier := e.req.Tier
	if e.own {
		return tier
	}
	switch tier {
	case "", "auto":
		return tier
	case "default", "standard", "standard_only":
		return "standard_only"
	case "priority":
		e.lose("service_tier", "asked for as auto, which takes priority capacity where there is some", llm.Changed)
		return "auto"
	}
	e.lose("service_tier", "there is no tier "+tier+" here", llm.Dropped)
	return ""
}

// loseRest reports every setting that has no place here.
func (e *requestEncoder) loseRest() {
	req := e.req
	say := func(set bool, path, why string) {
		if set {
			e.lose(path, why, llm.Dropped)
		}
	}
	const none = "there is no such setting here"
	s := &req.Sampling
	say(s.Frequency != "", "frequency_penalty", none)
	say(s.Presence != "", "presence_penalty", none)
	say(s.Seed != "", "seed", none)
	say(s.Logprobs, "logprobs", none)
	say(s.TopLogprobs != 0, "top_logprobs", none)
	say(s.Bias != nil, "logit_bias", none)
	say(req.Answers > 1, "n", "one answer only")
	say(req.Cache.Key != "", "prompt_cache_key", none)
	say(req.Cache.TTL != "", "prompt_cache_retention", none)
	say(req.Cache.Ref != "", "cachedContent", none)
	say(req.Metadata != nil, "metadata", "only a user id here")
	say(req.Safety != nil, "safetySettings", none)
	say(len(req.Include) > 0, "include", none)
	say(req.Output.Verbosity != "", "verbosity", none)
	say(req.Output.Kind == "json" || req.Output.Kind == "schema" && req.Output.Schema == nil, "response_format", "there is no JSON without a schema here")
	say(req.Thread.Previous != "", "previous_response_id", "the conversation is not kept here")
	say(req.Thread.Store != nil && *req.Thread.Store, "store", "answers are not kept here")
	say(req.Thread.Background, "background", none)
	say(req.Thread.Raw != nil, "conversation", none)
	say(len(req.Documents) > 0, "documents", none)
	for _, m := range req.Modalities {
		say(m != "text", "modalities", "answers are text only")
	}
	say(req.Voice.Name != "" || req.Voice.Format != "" || req.Voice.Extra != nil, "audio", "answers are text only")
	if e.own {
		return
	}
	say(req.Reasoning.Summary != "", e.reasoningPath()+".summary", none)
	say(req.Reasoning.Show != nil && !e.plan.on(), "show", "there is no thinking to show")
	for _, name := range dialect.Names(req.Reasoning.Extra) {
		say(true, e.reasoningPath()+"."+name, none)
	}
	if req.Output.Kind == "schema" {
		// The schema's name is a label that chat demands; that it has no place here is no loss.
		say(req.Output.Description != "", "response_format.json_schema.description", none)
		if req.Output.Strict != nil && !*req.Output.Strict {
			e.lose("response_format.json_schema.strict", "a schema is always kept to here", llm.Changed)
		}
	}
	for _, name := range dialect.Names(req.Output.Extra) {
		say(true, "response_format."+name, none)
	}
	for _, name := range dialect.Names(req.Extra) {
		e.losses.Add(name, none, llm.Dropped) // it is called so in the client's document
	}
}
