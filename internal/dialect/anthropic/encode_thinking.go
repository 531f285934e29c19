package anthropic

import (
	"strconv"
	"strings"

	"weir/internal/dialect"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// versionOf returns the version of a Claude model as major*100+minor, as in 407 for 4.7; 0 if the name tells none (other
// makers speak this dialect too) and newest where it is Claude without a number.
func versionOf(model string) int {
	const newest = 9999
	_, rest, ok := strings.Cut(strings.ToLower(model), "claude-")
	if !ok {
		return 0
	}
	version, digits := 0, 0
	for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune("-.@:_", r) }) {
		n, err := strconv.Atoi(word)
		if err != nil || n > 99 {
			if digits > 0 {
				break
			}
			continue
		}
		if version, digits = version*100+n, digits+1; digits == 2 {
			return version
		}
	}
	if digits == 1 {
		return version * 100
	}
	return newest
}

// Where the models differ: from thinks on they think with a budget, from adapts on they choose themselves how much and
// take a level of effort, from extends on they know the level xhigh.
const (
	thinks  = 307
	adapts  = 406
	extends = 407
)

// thinkingPlan is what to say about reasoning.
type thinkingPlan struct {
	typ    string // of thinking; "" = leave it out
	budget llm.Num
	effort string // in output_config
}

func (p *thinkingPlan) on() bool { return p.typ == "enabled" || p.typ == "adaptive" }

// budgets are the tokens that a level of effort stands for, where a model takes a number.
var budgets = map[string]int64{"low": 1024, "medium": 4096, "high": 16384, "xhigh": 32768, "max": 32768}

const leastBudget = 1024

// reasoningPath is where the client said how much to think.
func (e *requestEncoder) reasoningPath() string { return dialect.Word(e.req.From, "reasoning") }

// think makes the plan. It may raise the limit on the output if that is ours, never the client's own.
func (e *requestEncoder) think(turns []turn, choice toolChoice) {
	r := &e.req.Reasoning
	if e.own {
		e.plan = thinkingPlan{budget: r.Budget, effort: r.Effort}
		switch r.Mode {
		case "on":
			e.plan.typ = "enabled"
		case "off":
			e.plan.typ = "disabled"
		case "adaptive":
			e.plan.typ = "adaptive"
		}
		if e.unsealed && e.plan.typ == "enabled" && continuesUnsealed(turns) {
			e.lose("thinking", "no thinking where a tool call goes on without its signature", llm.Changed)
			e.plan = thinkingPlan{typ: "disabled", effort: r.Effort}
		}
		return
	}
	if r.Mode == "" && r.Effort == "" && r.Budget == "" {
		return
	}
	lose := func(why string, grade llm.Grade) { e.lose(e.reasoningPath(), why, grade) }
	quiet := r.Mode == "off" || r.Effort == "none" || r.Effort == "minimal" || r.Budget == "0"
	switch {
	case e.version > 0 && e.version < thinks:
		if !quiet {
			lose("this model does not think", llm.Dropped)
		} else if r.Effort == "minimal" {
			lose("no thinking is the nearest", llm.Changed)
		}
		return
	case quiet:
		if r.Effort == "minimal" {
			lose("no thinking is the nearest", llm.Changed)
		}
		if e.version >= adapts {
			e.plan.typ = "disabled"
		}
		return
	case e.version >= adapts:
		e.adapt(lose)
	default:
		e.budget(lose)
	}
	switch {
	case choice.mode == "any" || choice.mode == "one":
		lose("no thinking where a tool must be called", llm.Changed)
	case e.plan.typ == "enabled" && continuesUnsealed(turns):
		lose("no thinking where a tool call goes on without its signature", llm.Changed)
	case len(turns) > 0 && turns[len(turns)-1].role == llm.Assistant:
		lose("no thinking where the answer is begun", llm.Changed)
	default:
		return
	}
	e.plan.typ, e.plan.budget = "", ""
	if e.version >= adapts {
		e.plan.typ = "disabled"
	}
}

// adapt plans for models that take a level.
func (e *requestEncoder) adapt(lose func(string, llm.Grade)) {
	e.plan.typ = "adaptive"
	switch effort := e.req.Reasoning.Effort; effort {
	case "", "low", "medium", "high", "max":
		e.plan.effort = effort
	case "xhigh":
		e.plan.effort = effort
		if e.version < extends {
			e.plan.effort = "high"
			lose("this model does not know xhigh", llm.Changed)
		}
	default:
		lose("there is no level "+effort+" here", llm.Dropped)
	}
	switch r := &e.req.Reasoning; {
	case r.Budget != "":
		lose("this model takes a level, no budget", llm.Changed)
	case r.Mode == "on":
		lose("this model chooses by itself how much to think", llm.Changed)
	}
}

// budget plans for models that take a number of tokens, which must be lower than the limit on the output.
func (e *requestEncoder) budget(lose func(string, llm.Grade)) {
	r := &e.req.Reasoning
	want, err := strconv.ParseInt(string(r.Budget), 10, 64)
	exact := err == nil
	if !exact {
		effort := r.Effort
		if effort == "" {
			effort = "medium"
		}
		if want = budgets[effort]; want == 0 {
			lose("there is no level "+effort+" here", llm.Dropped)
			return
		}
	}
	budget := max(want, leastBudget)
	if budget >= e.max && e.filled {
		e.max += budget
		if most := e.facts.MaxOutput; most > 0 {
			e.max = min(e.max, most)
		}
	}
	if budget >= e.max {
		budget = max(leastBudget, e.max/2)
	}
	if budget >= e.max {
		lose("the limit on the output leaves no room to think", llm.Dropped)
		return
	}
	e.plan.typ, e.plan.budget = "enabled", llm.Num(strconv.FormatInt(budget, 10))
	switch {
	case r.Budget == "" && r.Effort == "" && r.Mode != "adaptive":
		lose("the target demands a budget: "+string(e.plan.budget)+" tokens", llm.Filled)
	case !exact || budget != want:
		lose("a budget of "+string(e.plan.budget)+" tokens", llm.Changed)
	}
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

// writeThinking writes the plan and the form of the output, which share a member.
func (e *requestEncoder) writeThinking() {
	w, r, out := &e.w, &e.req.Reasoning, &e.req.Output
	own := e.own && !(e.unsealed && e.plan.typ == "disabled")
	if e.plan.typ != "" || e.plan.budget != "" || own && (r.Show != nil || r.Extra != nil) {
		w.Name("thinking").Open('{')
		if e.plan.typ != "" {
			w.Name("type").String(e.plan.typ)
		}
		if e.plan.budget != "" {
			w.Name("budget_tokens").Num(string(e.plan.budget))
		}
		if r.Show != nil && (own || e.plan.on()) {
			display := "omitted"
			if *r.Show {
				display = "summarized"
			}
			w.Name("display").String(display)
		}
		if own {
			dialect.WriteExtra(w, r.Extra)
		}
		w.Close('}')
	}
	var rest []byte
	if e.own {
		rest = e.req.Extra["output_config"]
	}
	schema := out.Kind == "schema" && out.Schema != nil
	if e.plan.effort == "" && !schema && rest == nil {
		return
	}
	w.Name("output_config").Open('{')
	if e.plan.effort != "" {
		w.Name("effort").String(e.plan.effort)
	}
	if schema {
		form := []byte(out.Schema)
		if !e.own {
			form = dialect.Close(form, "response_format.json_schema.schema", e.lose)
		}
		w.Name("format").Open('{').Name("type").String("json_schema").Name("schema").Raw(form)
		if e.own {
			dialect.WriteExtra(w, out.Extra)
		}
		w.Close('}')
	}
	for name, v := range rawjson.Members(rest) {
		w.Name(string(name)).Raw(v)
	}
	w.Close('}')
}
