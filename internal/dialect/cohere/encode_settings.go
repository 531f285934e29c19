package cohere

import (
	"strconv"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// stopMost is how many stop sequences the API takes.
const stopMost = 5

// writeOutput writes the form of the output. JSON cannot be demanded together with tools or documents.
func (e *requestEncoder) writeOutput(tools bool) {
	w, o := &e.w, &e.req.Output
	if e.own {
		e.writeOwnOutput()
		return
	}
	kind := o.Kind
	if o.Schema != nil {
		kind = "schema"
	}
	schema := o.Schema
	loseOutput := func(why string, grade llm.Grade) { dialect.LoseOutput(e.req, why, grade, e.lose) }
	switch {
	case kind == "" || kind == "text":
		return
	case tools:
		loseOutput("JSON cannot be demanded together with tools here", llm.Dropped)
		return
	case len(e.req.Documents)+len(e.documents) > 0:
		loseOutput("JSON cannot be demanded together with documents here", llm.Dropped)
		return
	case schema != nil && !fitSchema(schema):
		loseOutput("a schema must be of an object, and every object in it must require a member: any JSON is asked for", llm.Changed)
		schema = nil
	case kind == "schema" && schema == nil:
		loseOutput("without its schema, any JSON is asked for", llm.Changed)
	case schema != nil && o.Strict != nil && !*o.Strict:
		e.lose(e.word("response_format.json_schema.strict"), "a schema is always kept to here", llm.Changed)
	}
	if o.Description != "" {
		e.lose(e.word("response_format.json_schema.description"), "there is no such member here", llm.Dropped)
	}
	w.Name("response_format").Open('{').Name("type").String("json_object")
	if schema != nil {
		w.Name("json_schema").Raw(schema)
	}
	w.Close('}')
}

func (e *requestEncoder) writeOwnOutput() {
	w, o := &e.w, &e.req.Output
	if o.Kind == "" && o.Extra == nil {
		return
	}
	w.Name("response_format").Open('{')
	switch o.Kind {
	case "":
	case "text":
		w.Name("type").String("text")
	default:
		w.Name("type").String("json_object")
	}
	if o.Schema != nil {
		w.Name("json_schema").Raw(o.Schema)
	}
	dialect.WriteExtra(w, o.Extra)
	w.Close('}')
}

// schemaDepth bounds how deep a schema is looked into.
const schemaDepth = 64

// fitSchema reports whether the API takes a schema: of an object on top, and every object in it requires a member.
func fitSchema(schema []byte) bool {
	return rawjson.Text(rawjson.Get(schema, "type")) == "object" && requires(schema, schemaDepth)
}

func requires(schema []byte, depth int) bool {
	if rawjson.Kind(schema) != '{' {
		return true
	}
	if depth == 0 || rawjson.Text(rawjson.Get(schema, "type")) == "object" && !demands(schema) {
		return false
	}
	for name, v := range rawjson.Members(schema) {
		switch string(name) {
		case "properties", "$defs", "definitions":
			for _, in := range rawjson.Members(v) {
				if !requires(in, depth-1) {
					return false
				}
			}
		case "items":
			if !requires(v, depth-1) {
				return false
			}
		case "anyOf", "oneOf", "allOf":
			for _, in := range rawjson.Elems(v) {
				if !requires(in, depth-1) {
					return false
				}
			}
		}
	}
	return true
}

// budgets are the tokens that a level of effort stands for; what is not listed is not bounded.
var budgets = map[string]int64{"low": 1024, "medium": 4096, "high": 16384}

// writeThinking writes how much to think: whether, and at most how many tokens.
func (e *requestEncoder) writeThinking() {
	r := &e.req.Reasoning
	if e.own {
		if r.Mode != "" || r.Budget != "" || r.Extra != nil {
			e.writeThought(r.Mode, r.Budget, r.Extra)
		}
		return
	}
	if r.Mode == "" && r.Effort == "" && r.Budget == "" {
		return
	}
	lose := func(why string, grade llm.Grade) {
		if r.Mode != "" || r.Budget != "" {
			e.lose(e.word("reasoning"), why, grade)
		}
	}
	loseEffort := func(why string, grade llm.Grade) {
		if r.Effort != "" {
			e.lose(e.word("effort"), why, grade)
		}
	}
	quiet := r.Mode == "off" || r.Effort == "none" || r.Effort == "minimal" && r.Budget == "" || r.Budget == "0"
	switch {
	case !thinks(e.model):
		if !quiet {
			lose("this model does not think", llm.Dropped)
			loseEffort("this model does not think", llm.Dropped)
		} else if r.Effort == "minimal" {
			loseEffort("this model does not think", llm.Changed)
		}
		return
	case quiet:
		if r.Effort == "minimal" {
			loseEffort("no thinking is the nearest", llm.Changed)
		}
		e.writeThought("off", "", nil)
		return
	}
	budget := r.Budget
	if n, ok := rawjson.Int([]byte(budget)); budget != "" && (!ok || n < 1) {
		lose("a budget is a whole number above zero here", llm.Dropped)
		budget = ""
	}
	switch {
	case r.Effort != "" && r.Budget != "":
		loseEffort("there is no level beside the budget here", llm.Dropped)
	case r.Effort != "":
		if n := budgets[r.Effort]; n > 0 {
			budget = llm.Num(strconv.FormatInt(n, 10))
			loseEffort("a budget of "+string(budget)+" tokens", llm.Changed)
		} else {
			loseEffort("as much as the model likes", llm.Changed)
		}
	}
	if r.Mode == "adaptive" {
		lose("the model does not choose by itself how much to think", llm.Changed)
	}
	e.writeThought("on", budget, nil)
}

func (e *requestEncoder) writeThought(mode string, budget llm.Num, extra llm.Extra) {
	w := &e.w
	w.Name("thinking").Open('{')
	switch mode {
	case "on":
		w.Name("type").String("enabled")
	case "off":
		w.Name("type").String("disabled")
	}
	if budget != "" {
		w.Name("token_budget").Num(string(budget))
	}
	dialect.WriteExtra(w, extra)
	w.Close('}')
}

// bound keeps a number of another dialect within what the API takes.
func (e *requestEncoder) bound(name string, n, least, most llm.Num) llm.Num {
	if e.own || n == "" {
		return n
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return n
	}
	for _, limit := range [...]struct {
		n     llm.Num
		below bool
	}{{least, true}, {most, false}} {
		if limit.n == "" {
			continue
		}
		if at, _ := strconv.ParseFloat(string(limit.n), 64); limit.below && f < at || !limit.below && f > at {
			e.lose(e.word(name), "from "+string(least)+" to "+string(most)+" here", llm.Changed)
			return limit.n
		}
	}
	return n
}

func (e *requestEncoder) writeSampling() {
	s := &e.req.Sampling
	topK := e.bound("top_k", s.TopK, "0", "500")
	seed := s.Seed
	if n, ok := rawjson.Int([]byte(seed)); !e.own && seed != "" && (ok && n < 0 || !ok && !digits(string(seed))) {
		e.lose(e.word("seed"), "a seed is a whole number that is not negative here", llm.Dropped)
		seed = ""
	}
	for _, n := range [...]struct {
		name  string
		value llm.Num
	}{
		{"temperature", e.bound("temperature", s.Temperature, "0", "")},
		{"p", e.bound("top_p", s.TopP, "0.01", "0.99")},
		{"k", topK},
		{"seed", seed},
		{"frequency_penalty", e.bound("frequency_penalty", s.Frequency, "0", "1")},
		{"presence_penalty", e.bound("presence_penalty", s.Presence, "0", "1")},
	} {
		if n.value != "" {
			e.w.Name(n.name).Num(string(n.value))
		}
	}
	if s.Logprobs {
		e.w.Name("logprobs").Bool(true)
	}
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func (e *requestEncoder) writeStop() {
	var stops []string
	for _, s := range e.req.Stop {
		if s == "" && !e.own {
			e.lose(e.word("stop"), "a stop sequence of nothing is not taken here", llm.Dropped)
			continue
		}
		stops = append(stops, s)
	}
	if !e.own && len(stops) > stopMost {
		e.lose(e.word("stop"), "5 stop sequences are taken here; the others are not sent", llm.Changed)
		stops = stops[:stopMost]
	}
	if len(stops) == 0 {
		return
	}
	e.w.Name("stop_sequences").Open('[')
	for _, s := range stops {
		e.w.String(s)
	}
	e.w.Close(']')
}
