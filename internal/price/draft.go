package price

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// draft is a model while its lines are read.
type draft struct {
	name  string
	facts Facts
	rows  []draftRow
	also  []string
}

// draftRow is a line of prices.
type draftRow struct {
	band
	from Date
}

// line reads what stands under a model.
func (d *draft) line(row string, l *List) error {
	if row == "free" {
		d.facts.Free = true
		return nil
	}
	if names, ok := strings.CutPrefix(row, "also "); ok {
		for name := range strings.FieldsSeq(names) {
			if strings.Contains(name, "*") {
				return errors.New("a glob is a model's first name")
			}
			if err := l.claim(name); err != nil {
				return err
			}
			d.also = append(d.also, name)
		}
		return nil
	}
	r, err := parseRow(row, l)
	if err != nil {
		return err
	}
	if len(d.rows) == maxBands {
		return fmt.Errorf("a model has at most %d lines of prices", maxBands)
	}
	d.rows = append(d.rows, r)
	return nil
}

// parseRow reads conditions and prices.
func parseRow(row string, l *List) (draftRow, error) {
	var r draftRow
	var source uint8
	if i := strings.LastIndexByte(row, '@'); i > 0 && row[i-1] == ' ' {
		s, ok := l.source(row[i+1:])
		if !ok {
			return r, fmt.Errorf("%s is none of the provider's sources", row[i+1:])
		}
		source, row = s, row[:i]
	}
	words := strings.Fields(row)
	for len(words) > 0 {
		ok, err := r.when(words[0])
		if err != nil {
			return r, err
		}
		if !ok {
			break
		}
		words = words[1:]
	}
	r.dims = r.states()
	if len(words) == 1 && strings.HasPrefix(words[0], "*") {
		factor, err := parseAmount(words[0][1:], 3)
		if err != nil || factor == 0 || factor > 1000*thousand {
			return r, errors.New("a factor is * and a number from 0.001 to 1000")
		}
		if r.dims == 0 {
			return r, errors.New("a factor needs a condition")
		}
		r.factor = factor
		return r, nil
	}
	if len(words) == 0 || len(words)%2 != 0 {
		return r, errors.New("expected components with their prices, such as: input 2.5 output 15")
	}
	var seen Set
	for ; len(words) > 0; words = words[2:] {
		c, ok := parseComponent(words[0])
		if !ok {
			return r, fmt.Errorf("%s is no component of a price", words[0])
		}
		if seen.Has(c) {
			return r, fmt.Errorf("%s stands here twice", c)
		}
		seen |= 1 << c
		v, err := parseAmount(words[1], c.fraction())
		if err != nil {
			return r, fmt.Errorf("%s %s: %w", c, words[1], err)
		}
		r.amounts = append(r.amounts, amount{v, c, source})
	}
	return r, nil
}

// condition reads one condition; false if the word is none.
func (r *draftRow) when(word string) (bool, error) {
	var twice bool
	ok := true
	if t := slices.Index(tierWords[:], word); t > 0 {
		twice, r.tier = r.tier != Standard, Tier(t)
	} else if value, is := strings.CutPrefix(word, ">"); is {
		twice = r.above != 0
		ok = count(value, &r.above)
	} else if value, is := strings.CutPrefix(word, "region="); is {
		twice, r.region, ok = r.region != "", value, value != ""
	} else if value, is := strings.CutPrefix(word, "variant="); is {
		twice, r.variant, ok = r.variant != "", value, value != ""
	} else if value, is := strings.CutPrefix(word, "from="); is {
		twice = r.from != 0
		r.from, ok = parseDate(value)
	} else {
		return false, nil
	}
	if twice {
		return false, fmt.Errorf("%s: that is stated already", word)
	}
	if !ok {
		return false, fmt.Errorf("%s: that is no condition", word)
	}
	return true, nil
}

// add takes a model that has been read whole into the list.
func (l *List) add(d *draft, common []draftRow) error {
	if len(d.rows) > 0 {
		d.rows = append(d.rows, d.missing(common)...)
	}
	if d.facts.Free && len(d.rows) > 0 {
		return fmt.Errorf("%s is free and has a price", d.name)
	}
	m := &model{name: d.name}
	days := []Date{0}
	for _, r := range d.rows {
		days = append(days, r.from)
	}
	slices.Sort(days)
	for _, day := range slices.Compact(days) {
		bands, err := edit(d.rows, day)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		m.editions = append(m.editions, edition{day, Price{Model: d.name, Facts: d.facts, list: l, bands: bands}})
	}
	l.put(m, d.also)
	return nil
}

// missing returns what of the prices common to all models of a provider the model states nothing of.
func (d *draft) missing(common []draftRow) []draftRow {
	var out []draftRow
	for _, c := range common {
		if c.factor != 0 {
			same := func(r draftRow) bool { return r.tier == c.tier && r.region == c.region && r.variant == c.variant }
			if !slices.ContainsFunc(d.rows, func(r draftRow) bool { return r.dims != 0 && same(r) }) {
				out = append(out, c)
			}
			continue
		}
		amounts := c.amounts
		c.amounts = nil
		for _, a := range amounts {
			states := func(r draftRow) bool {
				return r.condition == c.condition && slices.ContainsFunc(r.amounts, func(o amount) bool { return o.component == a.component })
			}
			if !slices.ContainsFunc(d.rows, states) {
				c.amounts = append(c.amounts, a)
			}
		}
		if len(c.amounts) > 0 {
			out = append(out, c)
		}
	}
	return out
}

func (l *List) put(m *model, also []string) {
	l.models = append(l.models, m)
	if strings.Contains(m.name, "*") {
		l.globs = append(l.globs, m)
	} else {
		l.exact[m.name] = m
	}
	for _, name := range also {
		l.exact[name] = m
	}
}

// edit makes the bands in force on a day: of each condition one, later prices over earlier ones.
func edit(rows []draftRow, day Date) ([]band, error) {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b draftRow) int { return cmp.Compare(a.from, b.from) })
	type stated struct {
		from Date
		set  Set // what was stated from that day on
	}
	var bands []band
	var last []stated // of each band
	for _, r := range rows {
		if r.from > day {
			break
		}
		i := slices.IndexFunc(bands, func(b band) bool { return b.condition == r.condition })
		if i < 0 {
			i = len(bands)
			bands = append(bands, band{condition: r.condition, dims: r.dims, factor: r.factor})
			last = append(last, stated{from: r.from})
		} else if (bands[i].factor != 0) != (r.factor != 0) || r.factor != 0 && last[i].from == r.from {
			return nil, errors.New("a condition has either prices or one factor")
		}
		b := &bands[i]
		b.factor = r.factor
		if last[i].from != r.from {
			last[i] = stated{from: r.from}
		}
		for _, a := range r.amounts {
			if last[i].set.Has(a.component) {
				return nil, fmt.Errorf("two prices of %s under one condition", a.component)
			}
			last[i].set |= 1 << a.component
			if j := slices.IndexFunc(b.amounts, func(o amount) bool { return o.component == a.component }); j >= 0 {
				b.amounts[j] = a
			} else {
				b.amounts = append(b.amounts, a)
			}
		}
	}
	sortBands(bands)
	for i := range bands {
		bands[i].amounts = slices.Clip(bands[i].amounts)
	}
	return slices.Clip(bands), nil
}

// finish makes the list ready for use.
func (l *List) finish() {
	slices.SortStableFunc(l.globs, func(a, b *model) int { return cmp.Compare(len(b.name), len(a.name)) })
	for name, m := range l.exact {
		if m == nil { // a glob's claim
			delete(l.exact, name)
		}
	}
}
