// Package route decides where a request may go: it matches the name a client asked for to a rule and makes the plan of
// targets, in order. Both are pure functions over values; a Table is immutable once built.
package route

import (
	"slices"
	"strings"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/nearest"
)

// Model is a name applications use, with its targets in order.
type Model struct {
	Targets    []gateway.Target
	MaxOutput  int64 // 0 = no limit of ours
	Transforms llm.Transform
}

// Fit says why a target cannot carry an exchange; "" means that it can.
type Fit func(t gateway.Target, op llm.Op, client llm.Dialect) (why string)

// Table is every name that can be asked for. It implements gateway.Router.
type Table struct {
	Models    map[string]Model
	Providers map[string]bool
	Fit       Fit
}

// Match implements gateway.Router: a name is looked up whole among the models, then as PROVIDER/MODEL, cut at the first
// slash. The rule is the name itself, or PROVIDER/* for a direct name, so that a client cannot invent rules.
func (t *Table) Match(x *gateway.Exchange) (rule string, declared bool, err error) {
	model := x.Head.Model
	if _, ok := t.Models[model]; ok {
		return model, true, nil
	}
	if p, m, ok := strings.Cut(model, "/"); ok && m != "" && t.Providers[p] {
		return p + "/*", false, nil
	}
	f := fault.New(fault.NotFound, "the model %s is not known here", quote(model))
	if near := t.near(model, x.Grant); near != "" {
		f.Message += "; did you mean " + quote(near) + "?"
	} else {
		f.Message += "."
	}
	f.Message += " GET /v1/models lists those this key may use."
	f.Param, f.Code = "model", "model_not_found"
	return "", false, f
}

// Plan implements gateway.Router.
func (t *Table) Plan(rule string, x *gateway.Exchange) (gateway.Plan, error) {
	plan := gateway.Plan{Rule: rule}
	var targets []gateway.Target
	if m, ok := t.Models[x.Head.Model]; ok {
		targets, plan.MaxOutput, plan.Transforms = m.Targets, m.MaxOutput, m.Transforms
	} else {
		p, m, _ := strings.Cut(x.Head.Model, "/")
		targets = []gateway.Target{{Provider: p, Model: m}}
	}
	fits := 0
	for _, target := range targets {
		if why := t.Fit(target, x.Op, x.Dialect); why != "" {
			plan.PassedOver = append(plan.PassedOver, gateway.Candidate{Target: target, Why: why})
			continue
		}
		fits++
	}
	if fits == len(targets) {
		plan.Targets = targets
	} else {
		for _, target := range targets {
			if t.Fit(target, x.Op, x.Dialect) == "" {
				plan.Targets = append(plan.Targets, target)
			}
		}
	}
	plan.Tries = len(plan.Targets)
	if plan.Tries == 0 {
		f := fault.New(fault.NotFound, "the model %s cannot serve this request: %s", quote(x.Head.Model), plan.PassedOver[0].Why)
		f.Param = "model"
		return plan, f
	}
	return plan, nil
}

// near returns the declared name a mistyped one was probably meant to be, among those the grant may use.
func (t *Table) near(model string, g *gateway.Grant) string {
	var names []string
	for name := range t.Models {
		if g == nil || g.May(name, true) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return nearest.Word(model, names)
}

// quote bounds a client's name for a message.
func quote(s string) string {
	if len(s) > 100 {
		s = s[:100] + "…"
	}
	return "`" + s + "`"
}
