package gemini

import (
	"math"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeRequest implements dialect.Codec. The error is a *fault.Fault (Unsupported) for what would be a wrong answer if
// left out, such as an image at an address that Google does not read.
func (codec) EncodeRequest(req *llm.Request, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	e := requestEncoder{req: req, facts: facts, own: req.From == llm.GeminiGenerate, model: facts.Model}
	if e.model == "" {
		e.model = req.Model
	}
	e.version = versionOf(e.model)
	system, turns := e.turns()
	e.tools()
	e.plan = e.think()
	if e.fault != nil {
		return dialect.Call{}, nil, e.fault
	}
	w := &e.w
	w.Buf = dialect.Room(req)
	w.Open('{')
	if system != nil {
		w.Name("systemInstruction").Open('{').Name("parts").Open('[')
		for i := range system.Parts {
			writePart(w, &system.Parts[i], e.own)
		}
		w.Close(']')
		dialect.WriteExtra(w, system.Extra)
		w.Close('}')
	}
	w.Name("contents").Open('[')
	for i := range turns {
		turns[i].write(w, e.own)
	}
	w.Close(']')
	e.writeTools()
	e.writeChoice()
	e.writeConfig()
	e.writeAccount()
	if e.own {
		writeRest(w, req.Extra)
	}
	w.Close('}')
	e.loseRest()
	call := dialect.Call{Op: llm.OpChat, Path: root + escape(e.model) + ":" + whole, Body: w.Buf}
	if req.Stream {
		call.Path = root + escape(e.model) + ":" + streamed
		if !e.own || req.Framing != llm.Array {
			call.Query = asSSE
		}
	}
	return call, e.losses.List, nil
}

type requestEncoder struct {
	req     *llm.Request
	facts   llm.Facts
	own     bool // the request is of this dialect: its Extra and Raw go back
	model   string
	version int // of the model, see versionOf
	w       rawjson.Writer
	losses  dialect.Losses
	fault   *fault.Fault
	offered []llm.Tool // tools that can be written
	filled  []fill     // parts of ours
	plan    thinkingPlan
}

// versionOf returns the version of a Gemini model as ten times its number, as in 25 for 2.5; 0 if the name tells none
// (other models are asked in this dialect too) and newest for the names that always mean the latest.
func versionOf(model string) int {
	model = strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	rest, ok := strings.CutPrefix(model, "gemini-")
	if !ok {
		return 0
	}
	if strings.HasSuffix(rest, "-latest") && (rest[0] < '0' || rest[0] > '9') {
		return newest
	}
	number, _, _ := strings.Cut(rest, "-")
	major, minor, _ := strings.Cut(number, ".")
	a, err := strconv.Atoi(major)
	if err != nil || a > 99 {
		return 0
	}
	b, err := strconv.Atoi(minor)
	if err != nil || b > 9 {
		b = 0
	}
	return a*10 + b
}

// Where the models differ: from thinks on they think with a budget, from seals on they take a level, and demand the
// signatures of calls.
const (
	thinks = 25
	seals  = 30
	newest = 999
)

// lose notes a loss by its path in the client's document.
func (e *requestEncoder) lose(path, why string, grade llm.Grade) { e.losses.Add(path, why, grade) }

// drop names a setting lost; the client's own word for it is looked up.
func (e *requestEncoder) drop(name, why string) {
	e.losses.Add(dialect.Word(e.req.From, name), why, llm.Dropped)
}

// change names a setting that is said in another way.
func (e *requestEncoder) change(name, why string) {
	e.losses.Add(dialect.Word(e.req.From, name), why, llm.Changed)
}

// foreign names members of another dialect lost.
func (e *requestEncoder) foreign(x llm.Extra, holder string) {
	for _, name := range dialect.Names(x) {
		e.lose(dialect.MemberPath(holder, name), "no such member here", llm.Dropped)
	}
}

// refuse notes what cannot be sent at all.
func (e *requestEncoder) refuse(param, why string) {
	if e.fault == nil {
		e.fault = &fault.Fault{Kind: fault.Unsupported, Param: param, Message: param + ": " + why}
	}
}

// stopMost is how many stop sequences the API takes.
const stopMost = 5

// writeConfig writes the generation config, if there is anything in it.
func (e *requestEncoder) writeConfig() {
	outer := e.w
	e.w = rawjson.Writer{}
	w, r := &e.w, e.req
	w.Open('{')
	if r.MaxOutput > 0 {
		w.Name("maxOutputTokens").Int(r.MaxOutput)
	}
	if r.Answers > 0 {
		w.Name("candidateCount").Int(r.Answers)
	}
	s := &r.Sampling
	for _, n := range [...]struct {
		name  string
		value llm.Num
	}{
		{"temperature", s.Temperature},
		{"topP", s.TopP},
		{"topK", s.TopK},
		{"frequencyPenalty", s.Frequency},
		{"presencePenalty", s.Presence},
		{"seed", e.seed()},
	} {
		if n.value != "" {
			w.Name(n.name).Num(string(n.value))
		}
	}
	e.writeStop()
	if s.Logprobs || s.TopLogprobs > 0 && !e.own {
		w.Name("responseLogprobs").Bool(true)
	}
	if s.TopLogprobs > 0 {
		w.Name("logprobs").Int(s.TopLogprobs)
	}
	e.writeOutput()
	e.writeModalities()
	e.writeVoice()
	e.plan.write(w)
	if e.own {
		writeNested(w, r.Extra, "generationConfig.")
	}
	w.Close('}')
	if config := w.Buf; len(config) > len("{}") {
		outer.Name("generationConfig").Raw(config)
	}
	e.w = outer
}

// seed returns the seed, which the API takes as 32 bits.
func (e *requestEncoder) seed() llm.Num {
	seed := e.req.Sampling.Seed
	if e.own || seed == "" {
		return seed
	}
	if n, err := strconv.ParseInt(string(seed), 10, 64); err != nil || n < math.MinInt32 || n > math.MaxInt32 {
		e.drop("seed", "a seed is a whole number of 32 bits here")
		return ""
	}
	return seed
}

func (e *requestEncoder) writeStop() {
	stops := e.req.Stop
	if !e.own {
		stops = nil
		for _, s := range e.req.Stop {
			switch {
			case s == "":
				e.drop("stop", "an empty stop sequence is not taken here")
			case len(stops) == stopMost:
				e.change("stop", "5 stop sequences are taken here; the others are not sent")
			default:
				stops = append(stops, s)
			}
		}
	}
	if len(stops) == 0 {
		return
	}
	e.w.Name("stopSequences").Open('[')
	for _, s := range stops {
		e.w.String(s)
	}
	e.w.Close(']')
}

// writeOutput writes which form the answer shall have.
func (e *requestEncoder) writeOutput() {
	o, w := &e.req.Output, &e.w
	if e.own {
		e.writeOwnOutput()
		return
	}
	e.foreign(o.Extra, dialect.Word(e.req.From, "response_format"))
	if o.Verbosity != "" {
		e.drop("verbosity", none)
	}
	kind := o.Kind
	if o.Schema != nil {
		kind = "schema"
	}
	if kind != "text" && kind != "" && e.version > 0 && e.version < seals && len(e.offered) > 0 {
		e.drop("response_format", "this model takes no form of the answer together with tools")
		return
	}
	if o.Description != "" {
		e.drop("response_format.json_schema.description", none)
	}
	switch {
	case kind == "text":
		w.Name("responseMimeType").String("text/plain")
	case kind == "json" || kind == "schema" && o.Schema == nil:
		w.Name("responseMimeType").String("application/json")
		if kind == "schema" {
			e.change("response_format", "JSON of any form: there is no schema to keep to")
		}
	case kind == "schema":
		if o.Strict != nil && !*o.Strict {
			e.change("response_format.json_schema.strict", "a schema is always kept to here")
		}
		w.Name("responseMimeType").String("application/json")
		w.Name("responseJsonSchema").Raw(e.schema(o.Schema, dialect.Word(e.req.From, "response_format.json_schema.schema")))
	}
}

func (e *requestEncoder) writeOwnOutput() {
	o, w := &e.req.Output, &e.w
	switch {
	case o.Kind == "text":
		w.Name("responseMimeType").String("text/plain")
	case o.Kind == "json", o.Kind == "schema" && e.req.Extra["generationConfig.responseMimeType"] == nil && e.req.Extra["generationConfig.response_mime_type"] == nil:
		w.Name("responseMimeType").String("application/json")
	}
	switch {
	case o.Raw != nil:
		w.Name("responseSchema").Raw(o.Raw)
	case o.Schema != nil:
		w.Name("responseJsonSchema").Raw(o.Schema)
	}
}

// schema returns a JSON Schema as the API takes it.
func (e *requestEncoder) schema(v []byte, path string) []byte {
	if rawjson.Get(v, "$schema") == nil {
		return v
	}
	e.lose(path, "which version of JSON Schema it is written in is not said here", llm.Changed)
	return without(v, "$schema")
}

func (e *requestEncoder) writeModalities() {
	var words []string
	for _, m := range e.req.Modalities {
		switch {
		case e.own, m == "text", m == "image", m == "audio":
			words = append(words, strings.ToUpper(m))
		default:
			e.drop("modalities", "answers are text, images and sound")
		}
	}
	if len(words) == 0 {
		return
	}
	e.w.Name("responseModalities").Open('[')
	for _, word := range words {
		e.w.String(word)
	}
	e.w.Close(']')
}

func (e *requestEncoder) writeVoice() {
	v := &e.req.Voice
	if !e.own {
		if v.Name != "" || v.Format != "" {
			e.drop("audio", "voices have other names here, and sound one format")
		}
		e.foreign(v.Extra, dialect.Word(e.req.From, "audio"))
		return
	}
	if v.Name == "" && v.Extra == nil {
		return
	}
	w := &e.w
	w.Name("speechConfig").Open('{')
	if v.Name != "" {
		w.Name("voiceConfig").Open('{').Name("prebuiltVoiceConfig").Open('{').Name("voiceName").String(v.Name).Close('}').Close('}')
	}
	dialect.WriteExtra(w, v.Extra)
	w.Close('}')
}

// writeAccount writes what the request says of itself.
func (e *requestEncoder) writeAccount() {
	w, r := &e.w, e.req
	if r.Safety != nil && e.own {
		w.Name("safetySettings").Raw(r.Safety)
	}
	if r.Cache.Ref != "" && e.own {
		w.Name("cachedContent").String(r.Cache.Ref)
	}
	if word := e.tier(); word != "" {
		w.Name("serviceTier").String(word)
	}
}

// tier returns this dialect's word for the tier asked for.
func (e *requestEncoder) tier() string {
	t := e.req.Tier
	if e.own {
		return t
	}
	switch t {
	case "", "flex", "priority", "standard":
		return t
	case "default", "standard_only":
		return "standard"
	}
	e.drop("service_tier", "there is no tier "+t+" here")
	return ""
}

const none = "there is no such setting here"

// loseRest reports every setting of another dialect's request that has no place here.
func (e *requestEncoder) loseRest() {
	if e.own {
		return
	}
	r := e.req
	for _, s := range [...]struct {
		said bool
		name string
	}{
		{r.Sampling.Bias != nil, "logit_bias"},
		{r.User != "", "user"},
		{r.Metadata != nil, "metadata"},
		{r.Safety != nil, "safetySettings"},
		{r.Cache.Key != "", "prompt_cache_key"},
		{r.Cache.TTL != "", "prompt_cache_retention"},
		{r.Cache.Ref != "", "cachedContent"},
		{r.Cache.Auto != nil, "cache_control"},
		{r.Thread.Previous != "", "previous_response_id"},
		{r.Thread.Store != nil && *r.Thread.Store, "store"},
		{r.Thread.Background, "background"},
		{r.Thread.Raw != nil, "conversation"},
		{len(r.Include) > 0, "include"},
		{len(r.Documents) > 0, "documents"},
	} {
		if s.said {
			e.drop(s.name, none)
		}
	}
	e.foreign(r.Extra, "")
}
