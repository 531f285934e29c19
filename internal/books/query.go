package books

import (
	"slices"
	"strconv"
	"strings"

	"weir/internal/gateway"
)

// Flavour is how a database's SQL differs.
type Flavour struct {
	Numbered bool   // parameters are $1, $2 instead of ?
	Order    string // the column that tells entries of one time apart
	Elements string // a table of the elements of a JSON array of texts, its column being value; # stands for the array
}

// Query is a statement and how its rows are read.
type Query struct {
	SQL  string
	Args []any

	plan *plan
	by   []gateway.Field
}

// Empty reports that there is nothing to read.
func (q *Query) Empty() bool { return len(q.plan.pieces) == 0 }

// mostRows is how many rows an answer has where the question does not say.
const mostRows = 10_000

// Spend returns the statement that answers a question. raw forbids the use of sums, so that they can be verified.
func (f Flavour) Spend(q gateway.SpendQuery, span Span, raw bool) (*Query, error) {
	p, err := planFor(&q, span, raw)
	if err != nil {
		return nil, err
	}
	out := &Query{plan: p, by: q.By}
	if out.Empty() {
		return out, nil
	}
	s := statement{flavour: f}
	var parts []string
	for _, from := range []source{fromEntries, fromHourly, fromDaily} {
		if slices.ContainsFunc(p.pieces, func(n piece) bool { return n.from == from }) {
			parts = append(parts, s.part(p, from, q.Where))
		}
	}
	s.text("SELECT label")
	for i := range p.fields {
		s.text(", f", strconv.Itoa(i))
	}
	for _, name := range summed {
		s.text(", CAST(SUM(", name, ") AS BIGINT)")
	}
	s.text(" FROM (", strings.Join(parts, " UNION ALL "), ") parts GROUP BY label")
	for i := range p.fields {
		s.text(", f", strconv.Itoa(i))
	}
	s.text(" HAVING SUM(entries) <> 0 ORDER BY SUM(cost) DESC, label")
	for i := range p.fields {
		s.text(", f", strconv.Itoa(i))
	}
	most := q.Most
	if most <= 0 {
		most = mostRows
	}
	s.text(" LIMIT ", strconv.Itoa(most))
	out.SQL, out.Args = s.b.String(), s.args
	return out, nil
}

var summed = []string{"entries", "input", "cache_read", "output", "cost", "saved", "unpriced", "estimated", "unknown", "opened"}

// statement is SQL under construction. Values are parameters, always; texts are of this package.
type statement struct {
	flavour Flavour
	b       strings.Builder
	args    []any
}

func (s *statement) text(parts ...string) {
	for _, p := range parts {
		s.b.WriteString(p)
	}
}

func (s *statement) param(v any) string {
	s.args = append(s.args, v)
	if s.flavour.Numbered {
		return "$" + strconv.Itoa(len(s.args))
	}
	return "?"
}

// part returns the sums of the pieces that are read from one table, by label and fields. The pieces come first in the
// join: each is one range of an index.
func (s *statement) part(p *plan, from source, where map[gateway.Field][]string) string {
	var b strings.Builder
	names := "h"
	label := "w.label"
	if from == fromEntries {
		names = "e"
		if p.byHour {
			label = "e.at / 3600000000000 * 3600"
		}
	} else if p.byHour {
		label = "h.begins"
	}
	b.WriteString("SELECT " + label + " AS label")
	var group strings.Builder
	group.WriteString(" GROUP BY 1")
	for i, f := range p.fields {
		table := names
		if from != fromEntries {
			table = "s"
		}
		value := known[f].expression(table)
		if f == gateway.ByTag {
			value = "COALESCE(t.value, '')"
		}
		b.WriteString(", " + value + " AS f" + strconv.Itoa(i))
		group.WriteString(", " + strconv.Itoa(i+2))
	}
	for _, name := range summed {
		value := names + "." + name
		if from == fromEntries {
			value = ofEntry(name)
		}
		b.WriteString(", CAST(SUM(w.sign * " + value + ") AS BIGINT) AS " + name)
	}
	b.WriteString(" FROM (" + values(p.pieces, from) + ") w")
	switch from {
	case fromEntries:
		b.WriteString(" CROSS JOIN ledger_entries e")
		if slices.Contains(p.fields, gateway.ByTag) {
			b.WriteString(" LEFT JOIN " + strings.ReplaceAll(s.flavour.Elements, "#", "e.tags") + " t ON true")
		}
		b.WriteString(" WHERE e.at >= w.lo AND e.at < w.hi")
	case fromHourly:
		b.WriteString(" CROSS JOIN ledger_hourly h CROSS JOIN ledger_series s WHERE h.begins >= w.lo AND h.begins < w.hi AND s.id = h.series")
	case fromDaily:
		b.WriteString(" CROSS JOIN ledger_daily h CROSS JOIN ledger_series s WHERE h.begins >= w.lo AND h.begins < w.hi AND s.id = h.series")
	}
	table := "s"
	if from == fromEntries {
		table = "e"
	}
	b.WriteString(s.where(table, where) + group.String())
	return b.String()
}

// ofEntry returns what one entry adds to a sum.
func ofEntry(name string) string {
	switch name {
	case "entries":
		return "1"
	case "unpriced":
		return "CASE WHEN e.unpriced <> '' THEN 1 ELSE 0 END"
	case "estimated":
		return "CASE WHEN e.estimated <> 0 OR e.state = 'estimated' THEN 1 ELSE 0 END"
	case "unknown":
		return "CASE WHEN e.state = 'unknown' THEN 1 ELSE 0 END"
	case "opened":
		return "CASE WHEN e.state = 'opened' THEN 1 ELSE 0 END"
	}
	return "e." + name
}

// values returns the pieces as a table.
func values(pieces []piece, from source) string {
	var b strings.Builder
	b.WriteString("SELECT column1 AS lo, column2 AS hi, column3 AS sign, column4 AS label FROM (VALUES ")
	first := true
	for _, n := range pieces {
		if n.from != from {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.WriteByte('(')
		for i, v := range []int64{n.lo, n.hi, n.sign, n.label} {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatInt(v, 10))
		}
		b.WriteByte(')')
	}
	b.WriteString(") v")
	return b.String()
}

// where returns the conditions of fields, in a fixed order.
func (s *statement) where(table string, where map[gateway.Field][]string) string {
	var b strings.Builder
	fields := make([]gateway.Field, 0, len(where))
	for f := range where {
		fields = append(fields, f)
	}
	slices.Sort(fields)
	for _, f := range fields {
		var list strings.Builder
		for i, v := range where[f] {
			if i > 0 {
				list.WriteString(", ")
			}
			list.WriteString(s.param(Clean(v)))
		}
		if f == gateway.ByTag {
			b.WriteString(" AND EXISTS (SELECT 1 FROM " + strings.ReplaceAll(s.flavour.Elements, "#", table+".tags") + " x WHERE x.value IN (" + list.String() + "))")
			continue
		}
		b.WriteString(" AND " + known[f].expression(table) + " IN (" + list.String() + ")")
	}
	return b.String()
}

// Fields returns where the next row is read to: the label, the fields' values, the sums.
type line struct {
	label  int64
	fields []string
	sums   Sums
}

// Read reads rows by scan, which is called with pointers to what it fills, until next says that there is none.
func (q *Query) Read(next func() bool, scan func(...any) error) ([]gateway.SpendRow, error) {
	var rows []gateway.SpendRow
	l := line{fields: make([]string, len(q.plan.fields))}
	to := []any{&l.label}
	for i := range l.fields {
		to = append(to, &l.fields[i])
	}
	s := &l.sums
	to = append(to, &s.Entries, &s.Input, &s.CacheRead, &s.Output, &s.Cost, &s.Saved, &s.Unpriced, &s.Estimated, &s.Unknown, &s.Open)
	for next() {
		if err := scan(to...); err != nil {
			return nil, err
		}
		rows = append(rows, gateway.SpendRow{
			Values: q.valuesOf(&l), Entries: s.Entries, Input: s.Input, CacheRead: s.CacheRead, Output: s.Output,
			Cost: gateway.Money(s.Cost), Saved: gateway.Money(s.Saved), Unpriced: s.Unpriced, Estimated: s.Estimated, Unknown: s.Unknown, Open: s.Open,
		})
	}
	return rows, nil
}

func (q *Query) valuesOf(l *line) []string {
	if len(q.by) == 0 {
		return nil
	}
	all := make([]string, 0, len(q.by))
	n := 0
	for _, f := range q.by {
		if _, time := calendar[f]; time {
			all = append(all, q.plan.when(f, l.label))
			continue
		}
		all = append(all, l.fields[n])
		n++
	}
	return all
}

// Page is how many entries are read at once: a reader that takes its time then holds nothing open.
const Page = 500

// Entries returns the statement that reads the next Page of entries that a question finds, after those up to a place.
func (f Flavour) Entries(q gateway.EntryQuery, after Place) (string, []any, error) {
	if err := checkWhere(q.Where); err != nil {
		return "", nil, err
	}
	if len(q.IDs) > mostValues {
		return "", nil, Asking("%d ids are given; %d are the most", len(q.IDs), mostValues)
	}
	s := statement{flavour: f}
	s.text("SELECT ", f.Order, ", ", Names(), " FROM ledger_entries e WHERE true")
	if !q.From.IsZero() {
		s.text(" AND e.at >= ", s.param(nanos(q.From)))
	}
	if !q.To.IsZero() {
		s.text(" AND e.at < ", s.param(nanos(q.To)))
	}
	if after.Order != nil {
		s.text(" AND e.at >= ", s.param(after.At), " AND (e.at, e.", f.Order, ") > (", s.param(after.At), ", ", s.param(after.Order), ")")
	}
	if q.Exchange != "" {
		s.text(" AND e.exchange = ", s.param(bound(q.Exchange)))
	}
	if q.IDs != nil {
		s.text(" AND e.id IN (")
		for i, id := range q.IDs {
			if i > 0 {
				s.text(", ")
			}
			s.text(s.param(bound(id)))
		}
		s.text(")")
	}
	s.text(s.where("e", q.Where), " ORDER BY e.at, e.", f.Order, " LIMIT ", strconv.Itoa(Page))
	return s.b.String(), s.args, nil
}

// Place is where a page of entries ended.
type Place struct {
	At    int64
	Order any // nil = nothing was read
}
