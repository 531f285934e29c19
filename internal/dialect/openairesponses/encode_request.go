package openairesponses

import (
	"slices"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeRequest implements dialect.Codec. The error is a *fault.Fault (Unsupported) for what would be a wrong answer if
// left out, such as a video. A request of another dialect keeps nothing at the provider unless it says so, and asks a
// model that reasons for the cipher of its reasoning, which the next turn brings back.
func (codec) EncodeRequest(req *llm.Request, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	e := requestEncoder{req: req, facts: facts, own: req.From == llm.OpenAIResponses}
	if e.facts.Model == "" {
		e.facts.Model = req.Model
	}
	w := &e.w
	w.Buf = dialect.Room(req)
	w.Open('{').Name("model").String(e.facts.Model)
	e.instructions()
	e.input()
	e.tools()
	e.text()
	e.reasoning()
	e.limits()
	e.thread()
	e.account()
	if e.own {
		dialect.WriteExtra(w, req.Extra, "text")
	} else {
		e.loseRest()
	}
	w.Close('}')
	if e.fault != nil {
		return dialect.Call{}, nil, e.fault
	}
	return dialect.Call{Op: llm.OpChat, Path: Path, Body: w.Buf}, e.losses.List, nil
}

type requestEncoder struct {
	req    *llm.Request
	facts  llm.Facts
	own    bool // the request is of this dialect: its Extra and Raw go back
	w      rawjson.Writer
	losses dialect.Losses
	fault  *fault.Fault
	custom map[string]bool // the ids of calls of custom tools
	sealed bool            // reasoning with its seal was written
}

func (e *requestEncoder) lose(path, why string, grade llm.Grade) {
	if path != "" {
		e.losses.Add(path, why, grade)
	}
}

// word returns the client's name for a setting.
func (e *requestEncoder) word(name string) string { return dialect.Word(e.req.From, name) }

// foreign names members of another dialect lost.
func (e *requestEncoder) foreign(x llm.Extra, holder string) {
	for _, name := range dialect.Names(x) {
		path := name
		if holder != "" {
			path = holder + "." + name
		}
		e.lose(path, "no such member here", llm.Dropped)
	}
}

// refuse notes what cannot be sent at all.
func (e *requestEncoder) refuse(path, why string) {
	if e.fault == nil {
		e.fault = &fault.Fault{Kind: fault.Unsupported, Param: path, Message: path + ": " + why}
	}
}

const noSetting = "there is no such setting here"

// text writes the form of the answer.
func (e *requestEncoder) text() {
	o, w := &e.req.Output, &e.w
	var rest []byte
	if e.own {
		rest = e.req.Extra["text"]
	}
	kind := o.Kind
	if o.Schema != nil {
		kind = "schema"
	}
	if kind == "" && o.Verbosity == "" && rest == nil {
		return
	}
	w.Name("text").Open('{')
	if kind != "" {
		e.format(w.Name("format"), kind)
	}
	if o.Verbosity != "" {
		w.Name("verbosity").String(o.Verbosity)
	}
	for name, v := range rawjson.Members(rest) {
		w.Name(string(name)).Raw(v)
	}
	w.Close('}')
}

func (e *requestEncoder) format(w *rawjson.Writer, kind string) {
	o := &e.req.Output
	if kind == "schema" && o.Schema == nil && !e.own {
		e.lose(e.word("response_format"), "a schema is missing; any JSON is asked for", llm.Changed)
		kind = "json"
	}
	w.Open('{').Name("type")
	switch kind {
	case "schema":
		w.String("json_schema")
		name := o.Name
		if name == "" && !e.own {
			name = "answer" // a label that is demanded; it says nothing, so that it is no loss either
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
		case e.req.From == llm.AnthropicMessages && openai.Closed(o.Schema):
			w.Name("strict").Bool(true) // Messages always keeps to a schema
		}
	case "json":
		w.String("json_object")
	default:
		w.String("text")
	}
	if e.own {
		dialect.WriteExtra(w, o.Extra)
	}
	w.Close('}')
}

// reasoning writes the effort. A budget of tokens becomes the effort it is nearest to.
func (e *requestEncoder) reasoning() {
	r, w := &e.req.Reasoning, &e.w
	effort, summary := r.Effort, r.Summary
	if !e.own {
		thinking := e.word("thinking")
		switch {
		case r.Mode == "off":
			e.lose(thinking, "there is no word that every model takes for no reasoning", llm.Dropped)
			effort = ""
		case r.Budget != "" && effort == "":
			effort = effortOf(r.Budget)
			e.lose(thinking, "how much to think is an effort here, not tokens", llm.Changed)
		case r.Budget != "":
			e.lose(thinking, "there is no budget of tokens beside the effort", llm.Changed)
		case r.Mode != "" && effort == "":
			e.lose(thinking, "whether to think is left to the model", llm.Dropped)
		}
		if r.Show != nil {
			e.lose(e.word("show"), "summaries are asked for by their length here", llm.Changed)
			if *r.Show && summary == "" {
				summary = "auto"
			}
		}
	}
	if effort == "" && summary == "" && (!e.own || r.Extra == nil) {
		return
	}
	w.Name("reasoning").Open('{')
	if effort != "" {
		w.Name("effort").String(effort)
	}
	if summary != "" {
		w.Name("summary").String(summary)
	}
	if e.own {
		dialect.WriteExtra(w, r.Extra)
	}
	w.Close('}')
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

// leastOutput is the lowest limit on the output that is taken.
const leastOutput = 16

func (e *requestEncoder) limits() {
	r, w := e.req, &e.w
	most := r.MaxOutput
	if most > 0 && most < leastOutput && !e.own {
		e.lose(e.word("max_tokens"), "at least 16 here", llm.Changed)
		most = leastOutput
	}
	if most > 0 {
		w.Name("max_output_tokens").Int(most)
	}
	if r.Stream {
		w.Name("stream").Bool(true)
	}
	if r.Sampling.Temperature != "" {
		w.Name("temperature").Num(string(r.Sampling.Temperature))
	}
	if r.Sampling.TopP != "" {
		w.Name("top_p").Num(string(r.Sampling.TopP))
	}
	if r.Sampling.TopLogprobs > 0 {
		w.Name("top_logprobs").Int(r.Sampling.TopLogprobs)
	}
}

// includeCipher asks for the cipher of reasoning.
const includeCipher = "reasoning.encrypted_content"

// thinks reports whether the target is known to reason, or not to. Models that do not reason refuse to be asked for a
// cipher, and to be given reasoning of earlier turns.
func (e *requestEncoder) thinks() (yes, no bool) {
	name := strings.ToLower(e.facts.Model)
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.TrimPrefix(name, "openai.")
	for _, family := range [...]string{"gpt-3.5", "gpt-4", "chatgpt-", "gpt-5-chat"} {
		if strings.HasPrefix(name, family) {
			return false, true
		}
	}
	for _, family := range [...]string{"o1", "o3", "o4", "gpt-5", "codex", "grok-4"} {
		if strings.HasPrefix(name, family) {
			return true, false
		}
	}
	return false, false
}

// wantsCipher reports whether to ask for the cipher: also where the model is not known, but was asked to reason, or has.
func (e *requestEncoder) wantsCipher() bool {
	yes, no := e.thinks()
	r := &e.req.Reasoning
	asked := r.Effort != "" && r.Effort != "none" || r.Mode == "on" || r.Mode == "adaptive"
	return yes || !no && (asked || e.sealed)
}

// thread writes where the conversation is kept, and what else the answer shall include.
func (e *requestEncoder) thread() {
	t, w := &e.req.Thread, &e.w
	if t.Previous != "" {
		w.Name("previous_response_id").String(t.Previous)
	}
	switch {
	case t.Store != nil:
		w.Name("store").Bool(*t.Store)
	case !e.own && !t.Background: // what runs in the background must be kept
		w.Name("store").Bool(false)
	}
	if t.Background {
		w.Name("background").Bool(true)
	}
	if e.own {
		for name, v := range rawjson.Members(t.Raw) {
			w.Name(string(name)).Raw(v)
		}
	}
	include := slices.Clip(e.req.Include)
	if !e.own && !slices.Contains(include, includeCipher) && e.wantsCipher() {
		include = append(include, includeCipher)
	}
	if e.req.Sampling.Logprobs || e.req.Sampling.TopLogprobs > 0 && !e.own {
		include = append(include, includeLogprobs)
	}
	if len(include) == 0 {
		return
	}
	w.Name("include").Open('[')
	for _, s := range include {
		w.String(s)
	}
	w.Close(']')
}

// account writes who asks, at which tier, and how the prompt is cached.
func (e *requestEncoder) account() {
	r, w := e.req, &e.w
	if tier := e.tier(); tier != "" {
		w.Name("service_tier").String(tier)
	}
	if r.User != "" {
		w.Name("user").String(r.User)
	}
	if r.Metadata != nil {
		w.Name("metadata").Raw(r.Metadata)
	}
	if r.Cache.Key != "" {
		w.Name("prompt_cache_key").String(r.Cache.Key)
	}
	if r.Cache.TTL != "" {
		w.Name("prompt_cache_retention").String(r.Cache.TTL)
	}
}

// tier returns this dialect's word for the tier asked for.
func (e *requestEncoder) tier() string {
	tier := e.req.Tier
	if e.own || tier == "" {
		return tier
	}
	switch tier {
	case "auto", "default", "flex", "scale", "priority", "fast":
		return tier
	case "standard", "standard_only":
		return "default"
	}
	e.lose(e.word("service_tier"), "there is no such tier here", llm.Dropped)
	return ""
}

// loseRest reports every setting of another dialect that has no place here.
func (e *requestEncoder) loseRest() {
	if len(e.req.Stop) > 0 {
		e.lose(e.word("stop"), noSetting, llm.Dropped)
	}
	dialect.LoseSettings(e.req, e.lose, "temperature", "top_p", "logprobs", "top_logprobs", "service_tier", "user", "metadata", "include",
		"documents", "verbosity", "prompt_cache_key", "prompt_cache_retention", "previous_response_id", "store", "background", "show",
		"reasoning.summary")
}
