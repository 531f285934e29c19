package gemini

import (
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// thinkingPlan is what to say about reasoning.
type thinkingPlan struct {
	budget llm.Num
	level  string
	show   *bool
	extra  llm.Extra
}

func (p *thinkingPlan) write(w *rawjson.Writer) {
	if p.budget == "" && p.level == "" && p.show == nil && p.extra == nil {
		return
	}
	w.Name("thinkingConfig").Open('{')
	if p.show != nil {
		w.Name("includeThoughts").Bool(*p.show)
	}
	if p.budget != "" {
		w.Name("thinkingBudget").Num(string(p.budget))
	}
	if p.level != "" {
		w.Name("thinkingLevel").String(p.level)
	}
	dialect.WriteExtra(w, p.extra)
	w.Close('}')
}

// budgets are the tokens that a level of effort stands for, where a model takes a number: those of Google's own table
// for OpenAI's words.
var budgets = map[string]int64{"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}

// dynamic is the budget by which a model chooses for itself.
const dynamic = "-1"

// think makes the plan.
func (e *requestEncoder) think() thinkingPlan {
	r := &e.req.Reasoning
	p := thinkingPlan{show: r.Show}
	if e.own {
		p.budget, p.level, p.extra = r.Budget, r.Effort, r.Extra
		switch {
		case p.budget != "":
		case r.Mode == "off":
			p.budget = "0"
		case r.Mode == "adaptive":
			p.budget = dynamic
		}
		return p
	}
	e.foreign(r.Extra, dialect.Word(e.req.From, "thinking"))
	off := r.Mode == "off" || r.Effort == "none" || r.Budget == "0"
	asked := !off && (r.Mode != "" || r.Effort != "" || r.Budget != "")
	if e.version > 0 && e.version < thinks {
		e.thoughtless(asked)
		return thinkingPlan{}
	}
	switch {
	case off:
		e.quiet(&p)
	case asked && e.version >= seals:
		e.level(&p)
	case asked:
		e.budget(&p)
	}
	shown := true
	if r.Summary != "" {
		e.change("reasoning.summary", "thoughts are shown as they are told")
		if p.show == nil {
			p.show = &shown
		}
	}
	if from := e.req.From; asked && p.show == nil && (from == llm.AnthropicMessages || from == llm.BedrockConverse || from == llm.BedrockInvoke) {
		p.show = &shown // there thinking is shown unless one says otherwise
	}
	return p
}

// thoughtless reports what cannot be asked of a model that does not think.
func (e *requestEncoder) thoughtless(asked bool) {
	r := &e.req.Reasoning
	const why = "this model does not think"
	if r.Mode == "off" || r.Effort == "none" || r.Budget == "0" {
		e.drop(e.offWord(), "this model never thinks, so that it is not asked not to")
	}
	for _, s := range [...]struct {
		said bool
		name string
	}{
		{asked && r.Mode != "", "thinking"},
		{asked && r.Effort != "", "effort"},
		{asked && r.Budget != "", "budget"},
		{r.Show != nil, "show"},
		{r.Summary != "", "reasoning.summary"},
	} {
		if s.said {
			e.drop(s.name, why)
		}
	}
}

// offWord is the setting by which the client said that there shall be no reasoning.
func (e *requestEncoder) offWord() string {
	if e.req.Reasoning.Effort == "none" {
		return "effort"
	}
	return "thinking"
}

// quiet plans for no reasoning, or the least there is.
func (e *requestEncoder) quiet(p *thinkingPlan) {
	pro := strings.Contains(e.model, "pro")
	switch {
	case e.version >= seals:
		if p.level = "minimal"; pro {
			p.level = "low"
		}
		e.change(e.offWord(), "this model always thinks; "+p.level+" is the least")
	case e.version > 0 && pro:
		p.budget = "128"
		e.change(e.offWord(), "this model always thinks; 128 tokens are the least")
	default:
		p.budget = "0"
	}
}

// level plans for models that take a level. They take a budget as well, but not both.
func (e *requestEncoder) level(p *thinkingPlan) {
	r := &e.req.Reasoning
	if r.Effort == "" {
		if p.budget = r.Budget; p.budget == "" {
			p.budget = dynamic
			if r.Mode != "adaptive" {
				e.change("thinking", "how much to think is left to the model")
			}
		}
		return
	}
	p.level = r.Effort
	pro := strings.Contains(e.model, "pro")
	switch r.Effort {
	case "low", "high":
	case "medium":
		if pro && e.version < 31 {
			p.level = "high"
		}
	case "minimal":
		if pro {
			p.level = "low"
		}
	case "xhigh", "max":
		p.level = "high"
	default:
		p.level = ""
		e.drop("effort", "there is no level "+r.Effort+" here")
	}
	if p.level != r.Effort && p.level != "" {
		e.change("effort", p.level+" is the nearest this model takes")
	}
	if r.Budget != "" {
		e.change("budget", "a level is said, and there is no budget beside it")
	}
	if r.Mode == "on" && r.Budget == "" || r.Mode == "adaptive" {
		e.change("thinking", "a level says it")
	}
}

// budget plans for models that take a number of tokens.
func (e *requestEncoder) budget(p *thinkingPlan) {
	r := &e.req.Reasoning
	if r.Budget == "" && r.Effort == "" {
		p.budget = dynamic
		if r.Mode != "adaptive" {
			e.change("thinking", "how much to think is left to the model")
		}
		return
	}
	want, err := strconv.ParseInt(string(r.Budget), 10, 64)
	if err != nil {
		if want = budgets[r.Effort]; want == 0 {
			e.drop("effort", "there is no level "+r.Effort+" here")
			return
		}
	}
	budget := want
	if e.version > 0 {
		least, most := int64(0), int64(24576)
		switch {
		case strings.Contains(e.model, "pro"):
			least, most = 128, 32768
		case strings.Contains(e.model, "lite"):
			least = 512
		}
		budget = min(max(want, least), most)
	}
	p.budget = llm.Num(strconv.FormatInt(budget, 10))
	why := "a budget of " + string(p.budget) + " tokens"
	if r.Effort != "" {
		e.change("effort", why)
	}
	if r.Budget != "" && (err != nil || budget != want) {
		e.change("budget", why)
	}
	if r.Mode == "adaptive" {
		e.change("thinking", why)
	}
}
