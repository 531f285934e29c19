package compile

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/internal/config"
	"weir/internal/engine"
	"weir/internal/gateway"
	"weir/internal/policy"
	"weir/internal/policy/budget"
	"weir/internal/policy/limit"
)

// Govern sets what limits and budgets are drawn from, and who is told when a budget's line is passed: events must not
// block, nil = nobody. Without it a document with limits or budgets is refused. Call it before the first Snapshot.
func (c *Compiler) Govern(pots gateway.Pots, events func(budget.Event)) {
	c.pots, c.lines = pots, budget.NewLines(events)
}

// govern gives the snapshot the policies of the document's limits and budgets.
func (c *Compiler) govern(d *config.Document, s *engine.Snapshot) error {
	rules, budgets, err := governed(d)
	if err != nil {
		return err
	}
	if c.pots == nil {
		if len(rules) > 0 {
			return d.Problem("limits", "nothing here keeps limits", "take them out, or serve the document with `weir serve`")
		}
		if len(budgets) > 0 {
			return d.Problem("budgets", "nothing here keeps budgets", "take them out, or serve the document with `weir serve`")
		}
		return nil
	}
	s.EndUsers = endUsers(rules, budgets)
	// Limits before budgets: what a limit caps is cheaper.
	admitter, holder := limit.New(c.pots, rules)
	if admitter != nil {
		s.Admitters = append(s.Admitters, admitter)
	}
	if holder != nil {
		s.Holders = append(s.Holders, holder)
	}
	if holder := budget.New(c.pots, c.lines, budgets); holder != nil {
		s.Holders = append(s.Holders, holder)
	}
	return nil
}

// endUsers reports whether something tells end users apart, so that requests must be asked for theirs.
func endUsers(rules []limit.Rules, budgets []budget.Budget) bool {
	ends := func(by []policy.By) bool {
		return slices.ContainsFunc(by, func(b policy.By) bool { return b.Field == gateway.ByEndUser })
	}
	return slices.ContainsFunc(rules, func(r limit.Rules) bool { return ends(r.By) }) ||
		slices.ContainsFunc(budgets, func(b budget.Budget) bool { return ends(b.Each) })
}

// standing is what a scope of the document has.
type standing struct {
	scope   policy.Scope
	path    string
	limits  *config.ScopeLimits
	budgets []string
}

// scopes lists the scopes of the document that can have limits and budgets, the whole first.
func scopes(d *config.Document) []standing {
	out := []standing{{path: "", limits: &d.Limits.ScopeLimits}}
	add := func(of gateway.Field, name, path string, l *config.ScopeLimits, budgets []string) {
		if len(budgets) > 0 || !l.Zero() || len(l.Each) > 0 { // keys with nothing of their own are many
			out = append(out, standing{policy.Scope{Of: of, Name: name}, path, l, budgets})
		}
	}
	for i := range d.Organisations {
		o := &d.Organisations[i]
		add(gateway.ByOrganisation, o.Name, "organisations."+o.Name, &o.Limits, o.Budgets)
	}
	for i := range d.Teams {
		o := &d.Teams[i]
		add(gateway.ByTeam, o.Name, "teams."+o.Name, &o.Limits, o.Budgets)
	}
	for i := range d.Projects {
		o := &d.Projects[i]
		add(gateway.ByProject, o.Name, "projects."+o.Name, &o.Limits, o.Budgets)
	}
	for i := range d.Users {
		o := &d.Users[i]
		add(gateway.ByUser, o.Name, "users."+o.Name, &o.Limits, o.Budgets)
	}
	for i := range d.Keys {
		o := &d.Keys[i]
		if len(o.Budgets) > 0 || !o.Limits.Zero() || len(o.Limits.Each) > 0 {
			add(gateway.ByKey, o.Name, fmt.Sprintf("keys[%d]", i), &o.Limits, o.Budgets)
		}
	}
	for i := range d.Models {
		o := &d.Models[i]
		add(gateway.ByModel, o.Name, "models."+o.Name, &o.Limits, o.Budgets)
	}
	for i := range d.Providers {
		o := &d.Providers[i]
		add(gateway.ByProvider, o.Name, "providers."+o.Name, &o.Limits, o.Budgets)
	}
	return out
}

// governed reads the limits and budgets of a document.
func governed(d *config.Document) ([]limit.Rules, []budget.Budget, error) {
	var problems []error
	budgets := make([]budget.Budget, 0, len(d.Budgets))
	known := map[string]int{}
	for i := range d.Budgets {
		b, err := budgetOf(d, &d.Budgets[i])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		known[b.Name] = len(budgets)
		budgets = append(budgets, b)
	}
	var rules []limit.Rules
	for _, at := range scopes(d) {
		if r, ok := rulesOf(at.scope, nil, &at.limits.Rules); ok {
			rules = append(rules, r)
		}
		for i := range at.limits.Each {
			e := &at.limits.Each[i]
			if r, ok := rulesOf(at.scope, byOf(e.By), &e.Rules); ok {
				rules = append(rules, r)
			}
		}
		for i, name := range at.budgets {
			j, ok := known[name]
			if !ok {
				problems = append(problems, d.Problem(fmt.Sprintf("%s.budgets[%d]", at.path, i), "no budget is called `"+name+"`", ""))
				continue
			}
			budgets[j].Scopes = append(budgets[j].Scopes, at.scope)
		}
	}
	return rules, budgets, errors.Join(problems...)
}

// rulesOf reads one block of limits; ok tells that it limits something.
func rulesOf(scope policy.Scope, by []policy.By, r *config.Rules) (limit.Rules, bool) {
	out := limit.Rules{Scope: scope, By: by, Concurrent: r.Concurrent, Cost: r.Cost}
	for _, one := range [...]struct {
		unit   gateway.Unit
		quotas []config.Quota
		most   *int64
	}{
		{gateway.Requests, r.Requests, nil},
		{gateway.Tokens, r.Tokens, nil},
		{gateway.InputTokens, r.Input, &out.Input},
		{gateway.OutputTokens, r.Output, &out.Output},
	} {
		for _, q := range one.quotas {
			switch {
			case q.Amount <= 0: // of a variable that is not set
			case q.Per > 0:
				out.Rates = append(out.Rates, limit.Rate{Unit: one.unit, Amount: q.Amount, Per: q.Per})
			case one.most != nil:
				*one.most = q.Amount
			}
		}
	}
	return out, len(out.Rates) > 0 || out.Concurrent > 0 || out.Input > 0 || out.Output > 0 || out.Cost > 0
}

// budgetOf reads one budget. Where it applies is not known yet, but for the whole.
func budgetOf(d *config.Document, b *config.Budget) (budget.Budget, error) {
	path := "budgets." + b.Name
	amount, ok := b.Dollars()
	if !ok {
		return budget.Budget{}, d.Problem(path+".amount", "in dollars this is no amount that can be counted", "")
	}
	out := budget.Budget{
		Name: b.Name, Amount: amount, Window: gateway.Window{Every: gateway.Every(b.Every), Over: b.Over}, Each: byOf(b.Each),
		Unpriced: b.Unpriced == "serve", Unbounded: b.Unbounded == "serve", Model: b.At.Model,
	}
	for _, line := range b.Soft {
		if line > 0 {
			out.Soft = append(out.Soft, int64(line))
		}
	}
	switch {
	case b.At.Model != "":
		out.At = budget.Switch
	case b.At.Do == "cap":
		out.At = budget.Cap
	case b.At.Do == "warn":
		out.At = budget.Warn
	}
	if b.Zone != "" {
		zone, err := time.LoadLocation(b.Zone)
		if err != nil {
			return budget.Budget{}, d.Problem(path+".zone", "no time zone is called `"+b.Zone+"`", "zones are named as in Europe/Berlin, America/New_York or UTC")
		}
		out.Window.Zone = zone
	}
	if b.Whole {
		out.Scopes = append(out.Scopes, policy.Scope{})
	}
	return out, nil
}

// byOf reads what is told apart, always in the same order, so that pots keep their names when a list is written another
// way round.
func byOf(names []string) []policy.By {
	out := make([]policy.By, 0, len(names))
	for _, name := range names {
		if by, ok := policy.ParseBy(name); ok {
			out = append(out, by)
		}
	}
	policy.Order(out)
	return out
}
