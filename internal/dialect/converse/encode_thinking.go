package converse

import (
	"slices"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// thinkingPlan is what to say about reasoning, in the words of the model's family.
type thinkingPlan struct {
	typ    string // Claude, Nova 2: of thinking; "" = leave it out
	budget llm.Num
	effort string
}

func (p *thinkingPlan) on() bool { return p.typ == "enabled" || p.typ == "adaptive" }

// budgets are the tokens that a level of effort stands for, where a model takes a number.
var budgets = map[string]int64{"low": 1024, "medium": 4096, "high": 16384, "xhigh": 32768, "max": 32768}

const leastBudget = 1024

// effortOf returns the level that a budget of tokens is nearest to.
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

// think makes the plan and reports what of the question it does not say. It never raises the limit on the output.
func (e *requestEncoder) think(turns []turn, choice toolChoice) {
	r := &e.req.Reasoning
	if e.own {
		e.ownPlan(turns)
		return
	}
	if r.Mode != "" || r.Effort != "" || r.Budget != "" {
		quiet := r.Mode == "off" || r.Effort == "none" || r.Effort == "minimal" || r.Budget == "0"
		switch {
		case quiet:
			e.quiet()
		case e.family == familyClaude:
			e.thinkClaude(turns, choice)
		case e.family == familyNova2:
			e.thinkNova()
		case e.family == familyGPT:
			e.plan.effort, e.why = e.level(), "this model takes a level of low, medium or high"
		default:
			e.why = "how much to think cannot be said to this model, or not as far as its name tells"
		}
	}
	e.loseThinking()
}

// loseThinking compares what was asked for with what the target reads.
func (e *requestEncoder) loseThinking() {
	r, got := &e.req.Reasoning, e.arrived()
	off := func(r *llm.Reasoning) bool { return r.Mode == "off" || r.Effort == "none" || r.Budget == "0" }
	grade := llm.Changed
	if e.plan == (thinkingPlan{}) {
		grade = llm.Dropped
	}
	lose := func(name string, asked, got string) {
		if asked != "" && asked != got {
			e.lose(name, e.why, grade)
		}
	}
	switch {
	case off(r) && off(&got):
	case off(r) && r.Effort == "none":
		lose("effort", "none", "")
	case off(r):
		lose("thinking", "off", "")
	default:
		if off(&got) {
			got = llm.Reasoning{}
		}
		lose("thinking", r.Mode, got.Mode)
		lose("effort", r.Effort, got.Effort)
		lose("budget", string(r.Budget), string(got.Budget))
	}
	if r.Show != nil && !(e.family == familyClaude && e.plan.on()) {
		e.lose("show", "thinking is not asked for, or its display cannot be", llm.Dropped)
	}
}

// arrived returns what the target reads of the plan. Models that do not think are as good as told not to.
func (e *requestEncoder) arrived() llm.Reasoning {
	got := llm.Reasoning{Effort: e.plan.effort, Budget: e.plan.budget}
	switch e.plan.typ {
	case "enabled":
		got.Mode = "on"
	case "adaptive":
		got.Mode = "adaptive"
	case "disabled":
		got.Mode = "off"
	default:
		if e.family == familyClaude && e.version < thinks || e.family.neverThinks() {
			got.Mode = "off"
		}
	}
	return got
}

// ownPlan keeps what a request of this dialect says, in the words of the target's family.
func (e *requestEncoder) ownPlan(turns []turn) {
	r := &e.req.Reasoning
	lose := func(why string) { e.lose(requestFields, why, llm.Changed) }
	switch e.family {
	case familyClaude, familyNova2:
		e.plan = thinkingPlan{budget: r.Budget, effort: r.Effort}
		switch r.Mode {
		case "on":
			e.plan.typ = "enabled"
		case "off":
			e.plan.typ = "disabled"
		case "adaptive":
			e.plan.typ = "adaptive"
		}
		if e.family == familyNova2 && (r.Mode == "adaptive" || r.Budget != "") {
			lose("this model takes a level of low, medium or high")
			e.plan.typ, e.plan.budget = "enabled", ""
			if r.Effort == "" {
				e.plan.effort = effortOf(r.Budget)
			}
		}
	case familyGPT:
		if e.plan.effort = r.Effort; r.Mode != "" || r.Budget != "" {
			lose("this model takes a level of low, medium or high")
		}
	default:
		if r.Mode != "" || r.Budget != "" || r.Effort != "" {
			lose("how much to think cannot be said to this model")
		}
	}
	if e.unsealed && e.plan.typ == "enabled" && continuesUnsealed(turns) {
		e.lose(requestFields+"."+fieldThinking, "no thinking where a tool call goes on without its signature", llm.Changed)
		e.plan = thinkingPlan{typ: "disabled", effort: r.Effort}
	}
}

// quiet plans for no reasoning at all.
func (e *requestEncoder) quiet() {
	e.why = "not to think at all is the nearest"
	switch {
	case e.family == familyClaude && e.version >= thinks, e.family == familyNova2:
		e.plan.typ = "disabled"
	case e.family == familyGPT:
		e.plan.effort, e.why = "low", "to think little is the least here"
	default:
		e.why = "that it shall not think cannot be said to this model, or not as far as its name tells"
	}
}

// level returns the nearest level of effort where a model knows three, "" if nothing tells.
func (e *requestEncoder) level() string {
	switch r := &e.req.Reasoning; r.Effort {
	case "low", "medium", "high":
		return r.Effort
	case "":
		if r.Budget == "" {
			return ""
		}
		return effortOf(r.Budget)
	}
	return "high"
}

// thinkNova plans for Nova 2. Much thinking goes with no limit on the output; the client's limit is kept.
func (e *requestEncoder) thinkNova() {
	e.plan.typ, e.why = "enabled", "this model takes a level of low, medium or high"
	if e.plan.effort = e.level(); e.plan.effort == "" {
		e.plan.effort = "medium"
	}
	if e.plan.effort == "high" && e.req.MaxOutput > 0 {
		e.plan.effort, e.why = "medium", "much thinking goes with no limit on the output here"
	}
}

func (e *requestEncoder) thinkClaude(turns []turn, choice toolChoice) {
	switch {
	case e.version < thinks:
		e.why = "this model does not think"
		return
	case e.version >= adapts:
		e.adapt()
	default:
		e.budget()
	}
	if e.plan.typ == "" {
		return
	}
	switch {
	case choice.mode == "any" || choice.mode == "one":
		e.why = "no thinking where a tool must be called"
	case e.plan.typ == "enabled" && continuesUnsealed(turns):
		e.why = "no thinking where a tool call goes on without its signature"
	case len(turns) > 0 && turns[len(turns)-1].role == llm.Assistant:
		e.why = "no thinking where the answer is begun"
	default:
		return
	}
	e.plan = thinkingPlan{typ: "disabled"}
}

// adapt plans for models that take a level.
func (e *requestEncoder) adapt() {
	e.plan.typ, e.why = "adaptive", "this model takes a level, no budget"
	switch effort := e.req.Reasoning.Effort; effort {
	case "", "low", "medium", "high", "max":
		e.plan.effort = effort
	case "xhigh":
		e.plan.effort = effort
		if e.version < levels {
			e.plan.effort, e.why = "high", "this model does not know xhigh"
		}
	default:
		e.why = "there is no level " + effort + " here"
	}
}

// budget plans for models that take a number of tokens, which must be lower than the limit on the output.
func (e *requestEncoder) budget() {
	r := &e.req.Reasoning
	want, err := strconv.ParseInt(string(r.Budget), 10, 64)
	if err != nil {
		effort := r.Effort
		if effort == "" {
			effort = "medium"
		}
		if want = budgets[effort]; want == 0 {
			e.why = "there is no level " + effort + " here"
			return
		}
	}
	most := e.req.MaxOutput
	if most == 0 {
		most = e.facts.MaxOutput
	}
	budget := max(want, leastBudget)
	if most > 0 && budget >= most {
		budget = max(leastBudget, most/2)
	}
	if most > 0 && budget >= most {
		e.why = "the limit on the output leaves no room to think"
		return
	}
	e.plan.typ, e.plan.budget = "enabled", llm.Num(strconv.FormatInt(budget, 10))
	e.why = "a budget of " + string(e.plan.budget) + " tokens"
}

// continuesUnsealed reports whether the last turn answers calls of a turn that does not begin with its sealed thinking.
func continuesUnsealed(turns []turn) bool {
	n := len(turns)
	if n < 2 || turns[n-1].role != llm.User || turns[n-2].role != llm.Assistant {
		return false
	}
	answers := false
	for i := range turns[n-1].parts {
		answers = answers || turns[n-1].parts[i].Kind == llm.PartResult
	}
	asked := turns[n-2].parts
	return answers && len(asked) > 0 && asked[0].Kind != llm.PartReasoning
}

// writeFields writes additionalModelRequestFields: what the family has words for, and what is left of the request's own.
func (e *requestEncoder) writeFields() {
	rest := e.left(requestFields)
	var w rawjson.Writer
	w.Open('{')
	var done []string // members written that the rest may have more of
	nested := func(name string, write func()) {
		w.Name(name).Open('{')
		write()
		members(&w, rawjson.Get(rest, name))
		w.Close('}')
		done = append(done, name)
	}
	e.writeTopK(&w, nested)
	p, r := &e.plan, &e.req.Reasoning
	switch {
	case e.family == familyNova2 && p.typ != "":
		nested(fieldReasoning, func() {
			w.Name("type").String(p.typ)
			if p.effort != "" && p.typ == "enabled" {
				w.Name("maxReasoningEffort").String(p.effort)
			}
			if e.own {
				dialect.WriteExtra(&w, r.Extra)
			}
		})
	case e.family == familyGPT && p.effort != "":
		w.Name(fieldEffort).String(p.effort)
	case e.family == familyClaude:
		if p.typ != "" {
			w.Name(fieldThinking).Open('{')
			e.writeThinking(&w)
			w.Close('}')
		}
		if p.effort != "" {
			nested(fieldOutput, func() { w.Name("effort").String(p.effort) })
		}
	}
	for name, v := range rawjson.Members(rest) {
		if !slices.Contains(done, string(name)) {
			w.Name(string(name)).Raw(v)
		}
	}
	w.Close('}')
	if len(w.Buf) > 2 {
		e.w.Name(requestFields).Raw(w.Buf)
	}
}

func (e *requestEncoder) writeThinking(w *rawjson.Writer) {
	p, r := &e.plan, &e.req.Reasoning
	w.Name("type").String(p.typ)
	own := e.own && !(e.unsealed && p.typ == "disabled")
	if p.budget != "" {
		w.Name("budget_tokens").Num(string(p.budget))
	}
	if r.Show != nil && (own || p.on()) {
		display := "omitted"
		if *r.Show {
			display = "summarized"
		}
		w.Name("display").String(display)
	}
	if own {
		dialect.WriteExtra(w, r.Extra)
	}
}

// writeTopK writes top_k where the family has it.
func (e *requestEncoder) writeTopK(w *rawjson.Writer, nested func(string, func())) {
	k := e.req.Sampling.TopK
	if k == "" {
		return
	}
	path := e.family.topK()
	why := ""
	switch {
	case path == nil:
		why = "this model has no such setting, or not as far as its name tells"
	case !e.own && e.version >= levels:
		why = "this model takes no sampling parameters"
	case !e.own && e.family == familyClaude && e.plan.on():
		why = "not together with thinking"
	}
	switch {
	case why != "" && e.own:
		e.lose(requestFields, why, llm.Dropped)
	case why != "":
		e.lose("top_k", why, llm.Dropped)
	case len(path) == 1:
		w.Name(path[0]).Num(string(k))
	default:
		nested(path[0], func() { w.Name(path[1]).Num(string(k)) })
	}
}
