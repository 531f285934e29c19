package price

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/internal/gateway"
	"weir/internal/nearest"
)

// Overrides are prices that a document states for a provider, by model (a name or a glob) and component:
//
//	{"gpt-5": {"input": "$1.25", "cached": "$0.125", "output": "$10"}}
//
// Amounts are dollars, per million tokens, characters or pixels, else apiece. A component may have conditions before
// it, as in a price file: "batch input", ">200000 output", "region=eu input", and the day it begins on:
// "from=2027-01-01 input". Until then the price without a day holds, or the list's.
type Overrides map[string]map[string]string

// OverrideError says which override is wrong.
type OverrideError struct {
	Model, Component string
	What             string
	Hint             string // how to mend it; may be ""
}

// Error implements error.
func (e *OverrideError) Error() string {
	if e.Component == "" {
		return fmt.Sprintf("%s: %s", e.Model, e.What)
	}
	return fmt.Sprintf("%s: %s: %s", e.Model, e.Component, e.What)
}

// With returns the list with a document's prices over its own. The list may be nil: then these are all prices there are,
// and provider is the name for them. Where an override replaces a price, those of the same component in other bands
// keep their proportion to it, for what was agreed on is a discount; an override with conditions stands for itself. A
// glob is for every model it matches, listed or not, that no longer glob and no exact name is for. An exact name is also
// for the other names of the model so called and for its dated versions, unless those are listed at another price. The error is an
// *OverrideError.
func (l *List) With(provider string, o Overrides) (*List, error) {
	if len(o) == 0 && l != nil {
		return l, nil
	}
	out := &List{Provider: provider, exact: map[string]*model{}}
	digest := sha256.New()
	if l != nil {
		out.sources, out.models, out.globs = slices.Clone(l.sources), slices.Clone(l.models), slices.Clone(l.globs)
		maps.Copy(out.exact, l.exact)
		digest.Write([]byte(l.Version))
	}
	if len(out.sources) == 255 {
		return nil, &OverrideError{What: "the list has too many sources"}
	}
	source := uint8(len(out.sources))
	out.sources = append(out.sources, Source{Name: "document"})

	names := slices.SortedFunc(maps.Keys(o), func(a, b string) int { // exact ones, then long globs first
		return cmp.Or(strings.Count(a, "*")-strings.Count(b, "*"), len(b)-len(a), strings.Compare(a, b))
	})
	done := map[string]bool{}
	for _, name := range names {
		rows, err := overrideRows(name, o[name], source)
		if err != nil {
			return nil, err
		}
		for _, component := range slices.Sorted(maps.Keys(o[name])) {
			fmt.Fprintf(digest, "%q %q %q\n", name, component, o[name][component])
		}
		for _, m := range append(l.also(name, o), name) {
			if !done[m] {
				done[m] = true
				out.replace(l, m, rows)
			}
		}
	}
	out.Version = hex.EncodeToString(digest.Sum(nil)[:6])
	out.finish()
	return out, nil
}

// also lists what an override is for beside its own name and what has none of its own.
func (l *List) also(name string, o Overrides) []string {
	if l == nil {
		return nil
	}
	var out []string
	base, glob := l.exact[name], strings.Contains(name, "*")
	for listed, m := range l.exact {
		if _, own := o[listed]; own {
			continue
		}
		if glob && gateway.Glob(name, listed) || !glob && base != nil && (m == base && name == base.name || isVersion(listed, name) && base.costsLike(m)) {
			out = append(out, listed)
		}
	}
	return out
}

// isVersion reports whether a name is another with versions after it.
func isVersion(name, of string) bool {
	for strings.HasPrefix(name, of) {
		if name == of {
			return true
		}
		shorter := withoutVersion(name)
		if shorter == name {
			break
		}
		name = shorter
	}
	return false
}

// costsLike reports whether both have the same plain prices now.
func (m *model) costsLike(other *model) bool {
	a, b := &m.editions[len(m.editions)-1].price, &other.editions[len(other.editions)-1].price
	if a.Facts.Free != b.Facts.Free {
		return false
	}
	for c := range components {
		here, _, stated := a.Per(c)
		there, _, also := b.Per(c)
		if here != there || stated != also {
			return false
		}
	}
	return true
}

// overrideRows reads the overrides of one model.
func overrideRows(name string, prices map[string]string, source uint8) ([]draftRow, error) {
	if name == "" || strings.ContainsAny(name, " \t\r\n") || len(name) > maxLine {
		return nil, &OverrideError{Model: name, What: "that is no model's name"}
	}
	if len(prices) == 0 {
		return nil, &OverrideError{Model: name, What: "no price is stated", Hint: "input: $1.25"}
	}
	if len(prices) > maxBands {
		return nil, &OverrideError{Model: name, What: fmt.Sprintf("a model has at most %d prices", maxBands)}
	}
	var rows []draftRow
	for _, key := range slices.Sorted(maps.Keys(prices)) {
		r, err := overrideRow(key, prices[key], source)
		if err != nil {
			err.Model, err.Component = name, key
			return nil, err
		}
		if slices.ContainsFunc(rows, func(o draftRow) bool {
			return o.condition == r.condition && o.from == r.from && o.amounts[0].component == r.amounts[0].component
		}) {
			e := &OverrideError{Model: name, Component: key, What: "that is stated twice"}
			if r.from != 0 {
				e.What = "two prices of the same begin on " + r.from.String()
				e.Hint = "keep one of them, or let one begin on another day"
			}
			return nil, e
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func overrideRow(key, value string, source uint8) (draftRow, *OverrideError) {
	r, c, e := overrideKey(key)
	if e != nil {
		return r, e
	}
	v, err := overrideAmount(c, value)
	if err != nil {
		return r, &OverrideError{What: fmt.Sprintf("%q: %s", value, err), Hint: "write $1.25"}
	}
	r.amounts = []amount{{v, c, source}}
	return r, nil
}

// overrideKey reads conditions and the component after them.
func overrideKey(key string) (draftRow, Component, *OverrideError) {
	var r draftRow
	words := strings.Fields(key)
	if len(words) == 0 {
		return r, 0, &OverrideError{What: "expected a component, such as input"}
	}
	for _, word := range words[:len(words)-1] {
		ok, err := r.when(word)
		if err == nil && !ok {
			err = fmt.Errorf("%s is no condition", word)
		}
		if err != nil {
			return r, 0, &OverrideError{What: err.Error(), Hint: "conditions are batch, flex, priority, fast, >200000, region=NAME, variant=NAME, from=2027-01-31"}
		}
	}
	r.dims = r.states()
	last := words[len(words)-1]
	c, ok := parseComponent(last)
	if !ok {
		e := &OverrideError{What: last + " is no component of a price", Hint: "components are " + strings.Join(wordList(), ", ")}
		if near := nearest.Word(last, wordList()); near != "" {
			e.Hint = "did you mean " + near + "?"
		}
		return r, 0, e
	}
	return r, c, nil
}

var errDollars = errors.New("that is no amount of dollars")

// overrideAmount reads dollars as a document writes them: $1.25.
func overrideAmount(c Component, value string) (int64, error) {
	digits, dollars := strings.CutPrefix(strings.TrimSpace(value), "$")
	if !dollars {
		return 0, errDollars
	}
	return parseAmount(digits, c.fraction())
}

// CheckKey says what is wrong with the key of an override; nil if it is one.
func CheckKey(key string) *OverrideError {
	_, _, err := overrideKey(key)
	return err
}

// CheckAmount says why a value is no amount for a key that CheckKey has nothing against; nil if it is one. The text does
// not repeat the value, which may have come from a variable.
func CheckAmount(key, value string) error {
	_, c, bad := overrideKey(key)
	if bad != nil {
		return bad
	}
	_, err := overrideAmount(c, value)
	return err
}

// replace puts overrides over what the base list has for a name.
func (l *List) replace(base *List, name string, rows []draftRow) {
	m := &model{name: name, editions: []edition{{price: Price{Model: name}}}}
	glob := strings.Contains(name, "*")
	if known := base.find(name); known != nil && !glob {
		m.editions = withDays(known.editions, rows)
	} else {
		m.editions = withDays(m.editions, rows)
	}
	for i := range m.editions {
		p := &m.editions[i].price
		p.list, p.Model = l, name
		p.bands = overridden(p.bands, inForce(rows, m.editions[i].from))
		p.Facts.Free = p.nothing()
	}
	same := func(o *model) bool { return o.name == name }
	if l.models = append(slices.DeleteFunc(l.models, same), m); glob {
		l.globs = append(slices.DeleteFunc(l.globs, same), m)
	} else {
		l.exact[name] = m
	}
}

// withDays returns a copy of editions in which one begins on each day that a row begins on.
func withDays(editions []edition, rows []draftRow) []edition {
	out := slices.Clone(editions)
	for _, r := range rows {
		if i := slices.IndexFunc(out, func(e edition) bool { return e.from >= r.from }); i < 0 {
			out = append(out, edition{r.from, out[len(out)-1].price})
		} else if out[i].from > r.from {
			out = slices.Insert(out, i, edition{r.from, out[i-1].price})
		}
	}
	return out
}

// inForce returns the rows that hold on a day: of those for the same the one that began last.
func inForce(rows []draftRow, day Date) []draftRow {
	var out []draftRow
	for _, r := range rows {
		if r.from > day {
			continue
		}
		i := slices.IndexFunc(out, func(o draftRow) bool {
			return o.condition == r.condition && o.amounts[0].component == r.amounts[0].component
		})
		switch {
		case i < 0:
			out = append(out, r)
		case out[i].from < r.from:
			out[i] = r
		}
	}
	return out
}

// overridden returns bands with rows over them.
func overridden(bands []band, rows []draftRow) []band {
	out := make([]band, 0, len(bands)+len(rows))
	for _, b := range bands {
		b.amounts = slices.Clone(b.amounts)
		out = append(out, b)
	}
	own := func(c condition, x Component) bool {
		return slices.ContainsFunc(rows, func(r draftRow) bool { return r.condition == c && r.amounts[0].component == x })
	}
	for _, r := range rows {
		a := r.amounts[0]
		if r.dims == 0 {
			old, had := int64(0), false
			if len(bands) > 0 && bands[0].dims == 0 {
				old, had = bands[0].amount(a.component)
			}
			for i := range out {
				b := &out[i]
				if b.dims == 0 || own(b.condition, a.component) {
					continue
				}
				b.amounts = slices.DeleteFunc(b.amounts, func(x amount) bool { return x.component == a.component && (!had || old == 0) })
				for j := range b.amounts {
					if x := &b.amounts[j]; x.component == a.component {
						x.price, x.source = scale(x.price, a.price, old), a.source
					}
				}
			}
		}
		i := slices.IndexFunc(out, func(b band) bool { return b.condition == r.condition })
		if i < 0 {
			out = append(out, r.band)
			continue
		}
		b := &out[i]
		b.factor = 0
		if j := slices.IndexFunc(b.amounts, func(x amount) bool { return x.component == a.component }); j >= 0 {
			b.amounts[j] = a
		} else {
			b.amounts = append(b.amounts, a)
		}
	}
	sortBands(out)
	return out
}

// nothing reports whether every price is stated as none: then that the model costs nothing is declared.
func (p *Price) nothing() bool {
	stated := false
	for i := range p.bands {
		for _, a := range p.bands[i].amounts {
			stated = true
			if a.price != 0 {
				return false
			}
		}
	}
	return stated
}
