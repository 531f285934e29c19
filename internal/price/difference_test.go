package price

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"testing"

	"weir/internal/gateway"
)

// TestDifference holds every price and model of both collections against the embedded table. What is not equal must
// fall under a rule that says why, and every price of the table must come from a collection or from ownRow.
func TestDifference(t *testing.T) {
	c := collect(t)
	c.choose(t.Errorf) // sets aside what one list is taken for
	table := Embedded()
	counted := map[string]int{}
	backed := map[place]bool{}
	used := map[*winner]bool{}
	pairs := map[place][2]*quote{}
	for _, q := range c.quotes {
		if q.aside == "" {
			pair := pairs[q.place]
			pair[map[string]int{liteLLM: 0, modelsDev: 1}[q.source]] = q
			pairs[q.place] = pair
		}
	}
	for _, q := range c.quotes {
		if q.aside != "" {
			if asideRules[q.aside] == "" {
				t.Errorf("%s: set aside by %q, which is no rule", q.String(), q.aside)
			}
			counted["set aside: "+q.aside]++
			continue
		}
		got, ok := table.figure(q.place)
		switch w := winnerOf(q.place, pairs[q.place]); {
		case ok && near(got, q.amount):
			counted["as "+q.source+" has it"]++
			backed[q.place] = true
		case ok && w != nil && w.take != q.source:
			counted["the other's: "+w.name]++
			used[w] = true
		default:
			t.Errorf("unexplained: %s (%s of %s %s) is %s there and not here", q.String(), q.field, q.source, q.key, dollars(q))
		}
	}
	for at := range table.figures() {
		if !backed[at] && !ownPrice(at) {
			t.Errorf("unexplained: %s stands in the table and in no collection", at.String())
		}
	}
	for at := range c.facts {
		if _, ok := table.Price(at.provider, at.model, zeroTime); !ok {
			t.Errorf("unexplained: %s/%s is no model of the table", at.provider, at.model)
		}
	}
	for _, p := range providers {
		for _, m := range table.List(p.name).models {
			for name := range m.names(table.List(p.name)) {
				if c.facts[place{provider: p.name, model: name}] == nil {
					t.Errorf("unexplained: %s/%s is a model of no collection", p.name, name)
				}
			}
		}
	}
	for i := range winners {
		if !used[&winners[i]] {
			t.Errorf("rule %s for %s/%s decides nothing any more", winners[i].name, winners[i].provider, winners[i].model)
		}
	}
	for rule := range asideRules {
		if counted["set aside: "+rule] == 0 {
			t.Errorf("rule %q sets nothing aside any more", rule)
		}
	}
	for _, f := range staleFields {
		if !slices.ContainsFunc(c.quotes, func(q *quote) bool { return q.fits(f.source, f.provider, f.model, f.field) }) {
			t.Errorf("nothing is stale any more for %s of %s/%s in %s", f.field, f.provider, f.model, f.source)
		}
	}
	for key := range staleKeys {
		if !slices.ContainsFunc(c.quotes, func(q *quote) bool { return q.key == key && q.aside == "stale" }) {
			t.Errorf("%s is not there any more", key)
		}
	}
	for _, f := range freeRules {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(c.facts)), func(at place) bool {
			return at.provider == f.provider && gateway.Glob(f.model, at.model)
		}) {
			t.Errorf("nothing is free any more by %s/%s", f.provider, f.model)
		}
	}
	both, differ, onlyOne := 0, 0, 0
	for at, pair := range pairs {
		switch {
		case pair[0] == nil || pair[1] == nil:
			onlyOne++
		case winnerOf(at, pair) != nil:
			differ++
		default:
			both++
		}
	}
	t.Logf("%d figures; %d places stated alike by both, %d by one, %d differently", len(c.quotes), both, onlyOne, differ)
	for _, rule := range slices.SortedFunc(maps.Keys(counted), func(a, b string) int { return cmp.Or(counted[b]-counted[a], cmp.Compare(a, b)) }) {
		t.Logf("%6d %s", counted[rule], rule)
	}
}

// names returns the names of a model.
func (m *model) names(l *List) map[string]bool {
	names := map[string]bool{m.name: true}
	for name, other := range l.exact {
		if other == m {
			names[name] = true
		}
	}
	return names
}

// named finds a model by a name as it stands, be it a glob.
func (t *Table) named(provider, name string) *model {
	l := t.List(provider)
	if m := l.exact[name]; m != nil {
		return m
	}
	for _, m := range l.globs {
		if m.name == name {
			return m
		}
	}
	return nil
}

// figure returns what stands at a place of the table.
func (t *Table) figure(at place) (*big.Rat, bool) {
	m := t.named(at.provider, at.model)
	if m == nil {
		return nil, false
	}
	for _, b := range m.at(zeroTime).bands {
		if b.condition != at.condition {
			continue
		}
		if at.component == components {
			return big.NewRat(b.factor, 1), b.factor != 0
		}
		v, ok := b.amount(at.component)
		return big.NewRat(v, 1), ok
	}
	return nil, false
}

// figures lists all places of the table, those of other names of a model too.
func (t *Table) figures() map[place]bool {
	out := map[place]bool{}
	for _, p := range providers {
		l := t.List(p.name)
		for _, m := range l.models {
			for name := range m.names(l) {
				for _, b := range m.at(zeroTime).bands {
					at := place{provider: p.name, model: name, condition: b.condition}
					for _, a := range b.amounts {
						at.component = a.component
						out[at] = true
					}
					if b.factor != 0 {
						at.component = components
						out[at] = true
					}
				}
			}
		}
	}
	return out
}

// ownPrice reports whether a place is one of those that hold for all models of a provider.
func ownPrice(at place) bool {
	for _, o := range own {
		l := &List{}
		r, err := parseRow(o.row, l)
		if err != nil || o.provider != at.provider || r.condition != at.condition {
			continue
		}
		if at.component == components && r.factor != 0 {
			return true
		}
		if _, ok := r.amount(at.component); ok {
			return true
		}
	}
	return false
}

func TestNothingIsFreeInSilence(t *testing.T) {
	table := Embedded()
	for _, name := range table.Providers() {
		l := table.List(name)
		for _, m := range l.models {
			p := m.at(zeroTime)
			dear := false
			for _, b := range p.bands {
				for _, a := range b.amounts {
					dear = dear || a.price > 0
				}
			}
			if len(p.bands) > 0 && !dear {
				t.Errorf("%s/%s: all its prices are 0, and the table does not say that it is free", name, m.name)
			}
			if p.Facts.Free && !(&quote{place: place{provider: name, model: m.name}}).free() {
				t.Errorf("%s/%s is free by no rule", name, m.name)
			}
			for _, c := range [...]Component{Input, Output} {
				if v, _, ok := p.Per(c); ok && v == 0 {
					t.Logf("%s/%s: %s costs nothing", name, m.name, c)
				}
			}
		}
	}
}

// TestPricesAreInProportion looks for slips: a price far from what it is elsewhere in the same model.
func TestPricesAreInProportion(t *testing.T) {
	table := Embedded()
	for _, name := range table.Providers() {
		for _, m := range table.List(name).models {
			p := m.at(zeroTime)
			in, _, hasIn := p.Per(Input)
			out, _, hasOut := p.Per(Output)
			if !hasIn || in == 0 {
				continue
			}
			check := func(c Component, least, most int64) { // in hundredths of the input's price
				if v, _, ok := p.Per(c); ok && (int64(v)*100 < int64(in)*least || int64(v)*100 > int64(in)*most) {
					t.Errorf("%s/%s: %s is %s where input is %s", name, m.name, c, v, in)
				}
			}
			check(Cached, 0, 100)
			check(CacheWrite, 80, 210)
			check(CacheWrite1h, 100, 210)
			if hasOut && out > 0 && (out < in/20 || out > 200*in) {
				t.Errorf("%s/%s: output is %s where input is %s", name, m.name, out, in)
			}
			if in > 200*gateway.Dollar {
				t.Errorf("%s/%s: input is %s per million", name, m.name, in)
			}
		}
	}
}
