package ollama

import (
	"strings"

	"weir/internal/llm"
)

// Models differ: some do not think and refuse to be asked to, some can only be told whether to, and some how much. By
// default those that can think do.

// habit is what a model can be told about thinking.
type habit uint8

const (
	unheard   habit = iota // it is not known; only that it shall not think is taken by all
	switches               // whether
	graded                 // how much
	thinkless              // nothing
)

// habits are those of model families, by how their names begin, the longer ones first.
var habits = []struct {
	begins string
	habit  habit
}{
	{"gpt-oss", graded},
	{"qwen3-coder", thinkless},
	{"qwen3", switches},
	{"qwq", switches},
	{"deepseek-r1", switches},
	{"deepseek-v3.1", switches},
	{"magistral", switches},
	{"phi4-reasoning", switches},
	{"phi4-mini-reasoning", switches},
	{"glm-4", switches},
	{"kimi-k2-thinking", switches},
	{"cogito", switches},
	{"gemma4", switches},
	{"llama", thinkless},
	{"gemma", thinkless},
	{"mistral", thinkless},
	{"mixtral", thinkless},
	{"codellama", thinkless},
	{"llava", thinkless},
	{"qwen", thinkless},
	{"phi", thinkless},
	{"tinyllama", thinkless},
	{"command-r", thinkless},
	{"starcoder", thinkless},
	{"codegemma", thinkless},
}

// habitOf returns what a model of that name can be told. What stands before a slash is who made it available.
func habitOf(model string) habit {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	for _, h := range habits {
		if strings.HasPrefix(name, h.begins) {
			return h.habit
		}
	}
	return unheard
}

// writeThink writes whether and how much to think.
func (e *requestEncoder) writeThink() {
	r := &e.req.Reasoning
	if e.own {
		switch {
		case r.Effort != "":
			e.w.Name("think").String(r.Effort)
		case r.Mode != "":
			e.w.Name("think").Bool(r.Mode == "on")
		}
		return
	}
	if r.Mode == "" && r.Effort == "" && r.Budget == "" {
		return
	}
	quiet := r.Mode == "off" || r.Effort == "none" || r.Effort == "minimal" && r.Budget == "" || r.Budget == "0"
	lose := func(why string, grade llm.Grade) {
		if r.Mode != "" || r.Budget != "" {
			e.lose(e.word("reasoning"), why, grade)
		}
		if r.Effort != "" {
			e.lose(e.word("effort"), why, grade)
		}
	}
	how := habitOf(e.model)
	switch {
	case quiet:
		if r.Effort == "minimal" {
			e.lose(e.word("effort"), "no thinking is the nearest", llm.Changed)
		}
		e.w.Name("think").Bool(false)
	case how == thinkless:
		lose("this model does not think", llm.Dropped)
	case how == unheard:
		lose("whether to think is left to the model, since some refuse to be asked", llm.Changed)
	default:
		e.think(how == graded)
	}
}

// think writes that a model shall think, and how much where it can be told.
func (e *requestEncoder) think(levels bool) {
	r := &e.req.Reasoning
	if r.Budget != "" || r.Mode == "adaptive" {
		e.lose(e.word("reasoning"), "it can be said whether to think, not in how many tokens", llm.Changed)
	}
	effort := r.Effort
	switch {
	case effort == "":
	case !levels:
		e.lose(e.word("effort"), "this model can only be told whether to think", llm.Changed)
		effort = ""
	case effort == "xhigh", effort == "max":
		e.lose(e.word("effort"), "high is the nearest", llm.Changed)
		effort = "high"
	case effort == "minimal":
		e.lose(e.word("effort"), "low is the nearest", llm.Changed)
		effort = "low"
	case effort != "low" && effort != "medium" && effort != "high":
		e.lose(e.word("effort"), "there is no level "+effort+" here", llm.Dropped)
		effort = ""
	}
	if effort != "" {
		e.w.Name("think").String(effort)
		return
	}
	e.w.Name("think").Bool(true)
}
