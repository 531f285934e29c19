package converse

import (
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeRequest implements dialect.Codec. The error is a *fault.Fault (Unsupported) for what would be a wrong answer if
// left out, such as a picture that Bedrock cannot fetch.
func (codec) EncodeRequest(req *llm.Request, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	if _, ok := req.Extra["thread"]; ok && req.From == llm.AnthropicMessages {
		// Its next turn would send what is new only. Refused with this code, the SDK sends the whole conversation instead.
		f := fault.New(fault.Unsupported, "the conversation of a thread is not kept here; send it whole")
		f.Param, f.Code = "thread", "thread_unsupported_request"
		return dialect.Call{}, nil, f
	}
	e := newRequestEncoder(req, facts)
	system, turns := e.turns()
	tools := e.tools(turns)
	choice := e.choice(&tools, turns)
	e.think(turns, choice)
	if e.fault != nil {
		return dialect.Call{}, nil, e.fault
	}
	w := &e.w
	w.Buf = dialect.Room(req)
	w.Open('{')
	if len(turns) > 0 || !e.own {
		w.Name("messages").Open('[')
		for i := range turns {
			turns[i].write(w, e.blockWriter)
		}
		w.Close(']')
	}
	if len(system) > 0 {
		e.blocks(w.Name("system"), system)
	}
	e.inference()
	e.writeTools(tools, choice)
	e.writeOutput()
	e.writeRest()
	w.Close('}')
	return dialect.Call{Op: llm.OpChat, Path: join(e.model, req.Stream), Body: w.Buf}, e.losses.List, nil
}

type requestEncoder struct {
	blockWriter // own: the request is of this dialect; native: the maker whose seals the target takes back
	req         *llm.Request
	facts       llm.Facts
	model       string
	family      family
	version     int // of a Claude model, see versionOf
	w           rawjson.Writer
	losses      dialect.Losses
	fault       *fault.Fault
	unsealed    bool            // own: thinking that another maker sealed was left out
	names       map[string]bool // of documents so far
	plan        thinkingPlan
	why         string // the plan is not what was asked for
}

func newRequestEncoder(req *llm.Request, facts llm.Facts) requestEncoder {
	e := requestEncoder{req: req, facts: facts, model: facts.Model}
	if e.model == "" {
		e.model = req.Model
	}
	e.family, e.version = familyOf(e.model), versionOf(e.model)
	e.own, e.native = req.From == llm.BedrockConverse, e.family.maker()
	if facts.SealBy != "" {
		e.native = facts.SealBy
	}
	if e.own {
		e.family = e.family.own()
	}
	return e
}

// lose notes a loss by its path in the client's document; a setting may be named as chat names it.
func (e *requestEncoder) lose(path, why string, grade llm.Grade) {
	if !e.own {
		path = e.word(path)
	}
	e.losses.Add(path, why, grade)
}

// word returns the client's word for a setting.
func (e *requestEncoder) word(name string) string { return dialect.Word(e.req.From, name) }

// refuse notes what cannot be sent at all.
func (e *requestEncoder) refuse(param, why string) {
	if e.fault == nil {
		e.fault = &fault.Fault{Kind: fault.Unsupported, Param: param, Message: param + ": " + why}
	}
}

// left returns what is left of an own member that was read in part.
func (e *requestEncoder) left(name string) []byte {
	if !e.own {
		return nil
	}
	return e.req.Extra[name]
}

func (e *requestEncoder) inference() {
	w, req := &e.w, e.req
	temperature, topP := e.sampling()
	stops := e.stops()
	rest := e.left(inferenceMembers)
	if req.MaxOutput == 0 && temperature == "" && topP == "" && len(stops) == 0 && rest == nil {
		return
	}
	w.Name(inferenceMembers).Open('{')
	if req.MaxOutput > 0 {
		w.Name("maxTokens").Int(req.MaxOutput)
	}
	if temperature != "" {
		w.Name("temperature").Num(string(temperature))
	}
	if topP != "" {
		w.Name("topP").Num(string(topP))
	}
	if len(stops) > 0 {
		w.Name("stopSequences").Open('[')
		for _, s := range stops {
			w.String(s)
		}
		w.Close(']')
	}
	members(w, rest)
	w.Close('}')
}

// sampling returns what can be said of temperature and top_p.
func (e *requestEncoder) sampling() (temperature, topP llm.Num) {
	s := e.req.Sampling
	temperature, topP = s.Temperature, s.TopP
	if e.own {
		return temperature, topP
	}
	if above(temperature, 1) {
		e.lose("temperature", "at most 1 here", llm.Changed)
		temperature = "1"
	}
	why := ""
	switch {
	case e.version >= levels:
		why = "this model takes no sampling parameters"
	case e.plan.on() && e.family == familyClaude:
		why = "not together with thinking"
	case e.plan.effort == "high" && e.family == familyNova2:
		why = "not together with much thinking"
	}
	if why != "" {
		if temperature != "" && !(temperature == "1" && e.family == familyClaude) {
			e.lose("temperature", why, llm.Dropped)
			temperature = ""
		}
		if topP != "" && !(above(topP, 0.9999) && e.family == familyClaude) {
			e.lose("top_p", why, llm.Dropped)
			topP = ""
		}
	}
	if e.version >= single && temperature != "" && topP != "" {
		e.lose("top_p", "this model takes temperature or top_p, not both", llm.Dropped)
		topP = ""
	}
	return temperature, topP
}

func above(n llm.Num, limit float64) bool {
	f, err := strconv.ParseFloat(string(n), 64)
	return err == nil && f > limit
}

func (e *requestEncoder) stops() []string {
	if e.own {
		return e.req.Stop
	}
	var out []string
	for _, s := range e.req.Stop {
		if s == "" || e.family == familyClaude && strings.TrimSpace(s) == "" {
			e.lose("stop", "a stop sequence of white space is not taken here", llm.Dropped)
			continue
		}
		out = append(out, s)
	}
	return out
}

// writeOutput writes which form the answer shall have.
func (e *requestEncoder) writeOutput() {
	o := &e.req.Output
	w := &e.w
	schema := o.Kind == "schema" && o.Schema != nil
	rest := e.left("outputConfig")
	if schema || rest != nil {
		w.Name("outputConfig").Open('{')
		if schema {
			w.Name("textFormat").Open('{').Name("type").String("json_schema").Name("structure").Open('{').Name("jsonSchema").Open('{')
			form := []byte(o.Schema)
			if !e.own {
				form = dialect.Close(form, "response_format.json_schema.schema", e.lose)
			}
			w.Name("schema").String(string(form))
			if o.Name != "" {
				w.Name("name").String(o.Name)
			}
			if o.Description != "" {
				w.Name("description").String(o.Description)
			}
			if e.own {
				dialect.WriteExtra(w, o.Extra)
			}
			w.Close('}').Close('}').Close('}')
		}
		members(w, rest)
		w.Close('}')
	}
	if e.own {
		return
	}
	if o.Kind == "json" || o.Kind == "schema" && o.Schema == nil {
		e.lose("response_format", "there is no JSON without a schema here", llm.Dropped)
	}
	if schema && o.Strict != nil && !*o.Strict {
		e.lose("response_format.json_schema.strict", "a schema is always kept to here", llm.Changed)
	}
}

// writeRest writes what is left of the request.
func (e *requestEncoder) writeRest() {
	w, req := &e.w, e.req
	e.writeFields()
	if tier := e.tier(); tier != "" || e.left("serviceTier") != nil {
		w.Name("serviceTier").Open('{')
		if tier != "" {
			w.Name("type").String(tier)
		}
		members(w, e.left("serviceTier"))
		w.Close('}')
	}
	if req.Metadata != nil {
		if e.own || fitMetadata(req.Metadata) {
			w.Name("requestMetadata").Raw(req.Metadata)
		} else {
			e.lose("metadata", "only up to 16 short texts can be told here", llm.Dropped)
		}
	}
	if e.own {
		dialect.WriteExtra(w, req.Extra, inferenceMembers, "toolConfig", "outputConfig", "serviceTier", requestFields)
	} else if len(req.Stop) > 0 && e.family == familyClaude {
		// Which stop sequence was met is told on demand only.
		w.Name("additionalModelResponseFieldPaths").Open('[').String("/" + sequenceField).Close(']')
	}
	e.loseRest()
}

// tier returns this dialect's word for the tier asked for.
func (e *requestEncoder) tier() string {
	tier := e.req.Tier
	if e.own {
		return tier
	}
	switch tier {
	case "", "default", "flex", "priority", "reserved":
		return tier
	case "standard", "standard_only":
		return "default"
	case "auto":
		e.lose("service_tier", "the tier is not left to the provider here; the default is asked for", llm.Changed)
		return "default"
	}
	e.lose("service_tier", "there is no tier "+tier+" here", llm.Dropped)
	return ""
}

// fitMetadata reports whether metadata has the shape of requestMetadata: up to 16 texts of some characters.
func fitMetadata(v []byte) bool {
	fits := func(s string, least int) bool {
		for _, c := range s {
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
			if !letter && !strings.ContainsRune(" \t\n\r:_@$#=/+,-.", c) {
				return false
			}
		}
		return len(s) >= least && len(s) <= 256
	}
	n := 0
	for name, val := range rawjson.Members(v) {
		s, ok := rawjson.String(val)
		if n++; !ok || n > 16 || !fits(string(name), 1) || !fits(s, 0) {
			return false
		}
	}
	return n > 0
}

const none = "there is no such setting here"

// loseRest reports every setting that has no place here.
func (e *requestEncoder) loseRest() {
	if e.own {
		return
	}
	dialect.LoseSettings(e.req, e.losses.Add, "temperature", "top_p", "top_k", "service_tier", "metadata", "show")
}
