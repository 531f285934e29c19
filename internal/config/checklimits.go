package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func keyPath(i int) string { return "keys[" + strconv.Itoa(i) + "]" }

// checkOwners holds organisations, teams, projects, users, keys, limits and budgets to each other.
func (d *decoder) checkOwners(models, providers map[string]bool) {
	doc, t := d.doc, d.doc.owners()
	used := map[string]bool{}
	scope := func(path string, l *ScopeLimits, budgets []string) {
		d.checkLimits(path+".limits", l)
		d.checkBudgetNames(path+".budgets", budgets, t, used)
	}
	d.checkLimits("limits", &doc.Limits.ScopeLimits)
	for i := range doc.Organisations {
		o := &doc.Organisations[i]
		scope(join("organisations", o.Name), &o.Limits, o.Budgets)
	}
	for i := range doc.Teams {
		o := &doc.Teams[i]
		path := join("teams", o.Name)
		refer(d, path+".organisation", "organisation", o.Organisation, "organisations", t.organisations)
		d.checkModels(path, o.Models, models, providers)
		scope(path, &o.Limits, o.Budgets)
	}
	for i := range doc.Projects {
		o := &doc.Projects[i]
		path := join("projects", o.Name)
		refer(d, path+".team", "team", o.Team, "teams", t.teams)
		scope(path, &o.Limits, o.Budgets)
	}
	for i := range doc.Users {
		o := &doc.Users[i]
		path := join("users", o.Name)
		for j, name := range o.Teams {
			at := fmt.Sprintf("%s.teams[%d]", path, j)
			if slices.Contains(o.Teams[:j], name) && d.known(at) {
				d.wrong(at, "the team `"+name+"` stands twice", "")
				continue
			}
			refer(d, at, "team", name, "teams", t.teams)
		}
		scope(path, &o.Limits, o.Budgets)
	}
	for i := range doc.Keys {
		k := &doc.Keys[i]
		path := keyPath(i)
		sure := refer(d, path+".team", "team", k.Team, "teams", t.teams)
		sure = refer(d, path+".project", "project", k.Project, "projects", t.projects) && sure
		sure = refer(d, path+".user", "user", k.User, "users", t.users) && sure
		if sure {
			if _, doubt := t.account(k); doubt != nil {
				d.wrong(path+"."+doubt.member, doubt.message, doubt.hint)
			}
		}
		scope(path, &k.Limits, k.Budgets)
	}
	for i := range doc.Models {
		scope(join("models", doc.Models[i].Name), &doc.Models[i].Limits, doc.Models[i].Budgets)
	}
	for i := range doc.Providers {
		scope(join("providers", doc.Providers[i].Name), &doc.Providers[i].Limits, doc.Providers[i].Budgets)
	}
	for i := range doc.Budgets {
		d.checkBudget(&doc.Budgets[i], models, used)
	}
	d.checkPlace("node.store", doc.Node.Store, "postgres", "postgresql")
	d.checkPlace("node.shared", doc.Node.Shared, "redis", "rediss")
}

// refer refuses a name that is not in the document, and reports whether it is there, or absent. A value that is not known
// is neither.
func refer[T any](d *decoder, path, what, name, where string, names map[string]T) bool {
	if name == "" {
		return !d.has(path)
	}
	if !d.known(path) {
		return false
	}
	if _, ok := names[name]; ok {
		return true
	}
	known := sorted(names)
	hint := didYouMean(name, known)
	switch {
	case hint != "":
	case len(known) == 0:
		hint = "the document has no `" + where + "`"
	default:
		hint = where + " of this document are " + list(known[:min(len(known), 10)])
	}
	d.wrong(path, "no "+what+" is called `"+name+"`", hint)
	return false
}

func sorted[T any](names map[string]T) []string {
	out := make([]string, 0, len(names))
	for name := range names {
		if name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// checkModels refuses names in a list of models that none can have.
func (d *decoder) checkModels(path string, names []string, models, providers map[string]bool) {
	for j, m := range names {
		at := fmt.Sprintf("%s.models[%d]", path, j)
		provider, _, slash := strings.Cut(m, "/")
		if m == "" || strings.Contains(m, "*") || models[m] || slash && providers[provider] || !d.known(at) {
			continue
		}
		d.noModel(at, m)
	}
}

// checkBudgetNames refuses budgets that are not declared, and notes those that are.
func (d *decoder) checkBudgetNames(path string, names []string, t *owners, used map[string]bool) {
	for j, name := range names {
		at := fmt.Sprintf("%s[%d]", path, j)
		used[name] = true
		if slices.Contains(names[:j], name) && d.known(at) {
			d.wrong(at, "the budget `"+name+"` stands twice", "")
			continue
		}
		refer(d, at, "budget", name, "budgets", t.budgets)
	}
	if d.has(path) && len(names) == 0 && d.nodes[path].unset {
		used[""] = true
	}
}

// checkLimits refuses what of a scope's limits says the same thing twice, or nothing.
func (d *decoder) checkLimits(path string, l *ScopeLimits) {
	d.checkRules(path, &l.Rules)
	seen := map[string]int{}
	for i := range l.Each {
		e := &l.Each[i]
		at := fmt.Sprintf("%s.each[%d]", path, i)
		d.checkRules(at, &e.Rules)
		d.checkBy(at+".by", e.By)
		if e.Rules.Zero() && !d.anyOf(at, "requests", "tokens", "input", "output", "concurrent", "cost") && len(e.By) > 0 {
			d.wrong(at, "nothing is limited here", "write such as `requests: 20/min`")
		}
		by := slices.Clone(e.By)
		slices.Sort(by)
		key := strings.Join(by, " ")
		if slices.Contains(by, "") {
			continue // one of them was refused
		}
		if first, ok := seen[key]; ok && d.known(at+".by") && len(by) > 0 {
			d.wrong(at+".by", fmt.Sprintf("each[%d] tells the same apart", first), "put the limits together into one")
			continue
		}
		seen[key] = i
	}
}

// anyOf reports whether one of the members stands in the document.
func (d *decoder) anyOf(path string, members ...string) bool {
	return slices.ContainsFunc(members, func(m string) bool { return d.has(path + "." + m) })
}

// checkBy refuses a list that names nothing, or something twice.
func (d *decoder) checkBy(path string, by []string) {
	if !d.has(path) {
		return
	}
	if len(by) == 0 && d.isEmpty(path) {
		d.wrong(path, "nothing is told apart", "write such as `[end_user]`")
	}
	for j, name := range by {
		if at := fmt.Sprintf("%s[%d]", path, j); name != "" && slices.Contains(by[:j], name) && d.known(at) {
			d.wrong(at, "`"+name+"` stands twice", "")
		}
	}
}

// checkRules refuses two limits for the same time.
func (d *decoder) checkRules(path string, r *Rules) {
	for _, one := range [...]struct {
		name   string
		quotas []Quota
	}{{"requests", r.Requests}, {"tokens", r.Tokens}, {"input", r.Input}, {"output", r.Output}} {
		for j, q := range one.quotas {
			same := slices.IndexFunc(one.quotas[:j], func(o Quota) bool { return o.Amount > 0 && o.Per == q.Per })
			if at := fmt.Sprintf("%s.%s[%d]", path, one.name, j); q.Amount > 0 && same >= 0 {
				d.wrong(at, "`"+one.quotas[same].String()+"` is a limit for the same time", "keep the lower one")
			}
		}
	}
}

// mostLines is how many soft lines a budget has.
const mostLines = 32

// checkBudget holds the members of a budget to each other.
func (d *decoder) checkBudget(b *Budget, models, used map[string]bool) {
	if b.Name == "" {
		return
	}
	path := join("budgets", b.Name)
	if d.has(path+".every") && d.has(path+".over") {
		d.wrong(path+".over", "`every` and `over` are both given", "keep one of them: every begins again with the calendar, over moves along")
	} else if d.has(path+".zone") && !d.has(path+".every") {
		d.wrong(path+".zone", "a zone is for budgets that begin again with the calendar", "give `every`, or take `zone` out")
	}
	other, rate, rated := b.Amount.Currency, d.has(path+".rate"), d.has(path+".rated")
	switch {
	case other == "" && b.Amount.Units > 0 && (rate || rated):
		member := ".rate"
		if !rate {
			member = ".rated"
		}
		d.wrong(path+member, "the amount is in dollars", "a rate is for another currency: `amount: 500 EUR`")
	case other != "" && !(rate && rated):
		d.wrong(path+".amount", "what one "+other+" is in dollars is not said", "write `rate: $1.08` and the day of that rate, `rated: 2026-11-01`")
	case other != "" && b.Rate > 0:
		if n, ok := b.Dollars(); !ok || n == 0 {
			d.wrong(path+".amount", "in dollars this is no amount that can be counted", "")
		}
	}
	d.checkBy(path+".each", b.Each)
	for j, line := range b.Soft {
		if line > 0 && slices.Contains(b.Soft[:j], line) {
			d.wrong(fmt.Sprintf("%s.soft[%d]", path, j), "the line stands twice", "")
		}
	}
	if len(b.Soft) > mostLines {
		d.wrong(path+".soft", fmt.Sprintf("a budget has at most %d lines", mostLines), "")
	}
	if at := path + ".at.model"; b.At.Model != "" && d.known(at) && !models[b.At.Model] {
		d.noDeclared(at, b.At.Model)
	}
	if !b.Whole && !used[b.Name] && !used[""] && !d.has(path+".whole") {
		d.wrong(path, "nothing is charged to this budget", "name it where it applies, as in `teams: { shop: { budgets: ["+b.Name+"] } }`, or write `whole: true`")
	}
}

// noDeclared refuses a name that must be one of the document's models.
func (d *decoder) noDeclared(path, name string) {
	var names []string
	for i := range d.doc.Models {
		names = append(names, d.doc.Models[i].Name)
	}
	hint := didYouMean(name, names)
	if hint == "" {
		hint = "a name under `models`"
	}
	d.wrong(path, "no model is called `"+name+"`", hint)
}

// checkPlace holds a database to the schemes of its kind.
func (d *decoder) checkPlace(path string, p Place, schemes ...string) {
	at := path + ".url"
	if d.has(path+".password") && !d.has(at) {
		d.wrong(path, "a password is given, but no `url`", "write `url: \""+schemes[0]+"://…\"`")
	}
	if p.URL == "" || !d.known(at) {
		return
	}
	u, err := url.Parse(p.URL)
	if err == nil && !slices.Contains(schemes, u.Scheme) {
		d.wrong(at, "this begins with "+schemes[0]+"://", "")
	}
}

// checkDatabase holds a text to what all databases' URLs are like.
func checkDatabase(s string) *flaw {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme == "" || u.Opaque != "" || u.Hostname() == "":
		return &flaw{"", "a scheme, :// and a host"}
	case u.User != nil && strings.Contains(u.User.String(), ":") || u.Query().Has("password"):
		return &flaw{"a database's URL holds no password", "it goes into `password`"}
	case strings.ContainsRune(s, '#'):
		return &flaw{"a database's URL has no fragment", "leave out what follows `#`"}
	}
	return nil
}
