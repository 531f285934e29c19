package statement

import (
	"cmp"
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/rawjson"
)

// Question asks for sums of the ledger.
type Question struct {
	From, To time.Time
	Columns  []Column
	Zone     *time.Location
	Where    map[gateway.Field][]string
	Most     int // rows; 0 = 1,000. The dearest are taken
}

const (
	usualRows = 1_000
	mostRows  = 100_000
)

// Sums is what was asked for.
type Sums struct {
	Question
	Rows   []gateway.SpendRow // their Values in the order of the columns; by time where a column is one, else the dearest first
	Others *gateway.SpendRow  // what has no row because of Most; nil = nothing
	Total  gateway.SpendRow
}

// Spend asks the books.
func Spend(ctx context.Context, books gateway.Books, q Question) (*Sums, error) {
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	if q.Most <= 0 {
		q.Most = usualRows
	}
	q.Most = min(q.Most, mostRows)
	s := &Sums{Question: q}
	query := gateway.SpendQuery{From: q.From, To: q.To, Zone: q.Zone, Where: q.Where, Most: 1}
	total, err := books.Spend(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(total) > 0 {
		s.Total = total[0]
		s.Total.Values = nil
	}
	if len(q.Columns) == 0 {
		return s, nil
	}
	for _, c := range q.Columns {
		query.By = append(query.By, c.Field)
	}
	named := slices.IndexFunc(q.Columns, func(c Column) bool { return c.Tag != "" })
	query.Most = q.Most + 1
	if named >= 0 {
		query.Most = mostRows
	}
	if s.Rows, err = books.Spend(ctx, query); err != nil {
		return nil, err
	}
	if named >= 0 {
		query.By = slices.Delete(slices.Clone(query.By), named, named+1)
		all, err := books.Spend(ctx, query)
		if err != nil {
			return nil, err
		}
		s.Rows = byTag(s.Rows, all, named, q.Columns[named].Tag)
	}
	if len(s.Rows) > q.Most {
		s.Rows = s.Rows[:q.Most]
		if !slices.ContainsFunc(q.Columns, func(c Column) bool { return c.Field == gateway.ByTag }) { // their rows overlap
			rest := s.Total
			for i := range s.Rows {
				add(&rest, &s.Rows[i], -1)
			}
			s.Others = &rest
		}
	}
	if slices.ContainsFunc(q.Columns, func(c Column) bool { return timed(c.Field) }) {
		slices.SortStableFunc(s.Rows, func(a, b gateway.SpendRow) int { return slices.Compare(a.Values, b.Values) })
	}
	return s, nil
}

// byTag leaves of rows split by tags those of one tag, by its value alone, and adds what does not have it.
func byTag(rows, all []gateway.SpendRow, at int, tag string) []gateway.SpendRow {
	rest := map[string]*gateway.SpendRow{}
	key := func(values []string) string { return strings.Join(values, "\x00") }
	for i := range all {
		own := all[i]
		rest[key(own.Values)] = &own
	}
	var out []gateway.SpendRow
	for _, r := range rows {
		value, ok := strings.CutPrefix(r.Values[at], tag+"=")
		if !ok {
			continue
		}
		others := slices.Delete(slices.Clone(r.Values), at, at+1)
		if left := rest[key(others)]; left != nil {
			add(left, &r, -1)
		}
		r.Values = slices.Clone(r.Values)
		r.Values[at] = value
		out = append(out, r)
	}
	for _, left := range rest {
		if left.Entries > 0 || left.Cost != 0 {
			left.Values = slices.Insert(slices.Clone(left.Values), at, "")
			out = append(out, *left)
		}
	}
	slices.SortFunc(out, func(a, b gateway.SpendRow) int {
		return cmp.Or(cmp.Compare(b.Cost, a.Cost), slices.Compare(a.Values, b.Values))
	})
	return out
}

// add adds a sum to another, times sign.
func add(to, r *gateway.SpendRow, sign int64) {
	to.Entries += sign * r.Entries
	to.Input += sign * r.Input
	to.CacheRead += sign * r.CacheRead
	to.Output += sign * r.Output
	to.Cost += gateway.Money(sign) * r.Cost
	to.Saved += gateway.Money(sign) * r.Saved
	to.Unpriced += sign * r.Unpriced
	to.Estimated += sign * r.Estimated
	to.Unknown += sign * r.Unknown
	to.Open += sign * r.Open
}

// Text writes the sums as a table with a row for the total.
func (s *Sums) Text(w io.Writer) error {
	var head strings.Builder
	head.WriteString("Spent, " + Period(s.From, s.To, s.Zone) + " (" + s.Zone.String() + ")")
	for _, f := range Filters() {
		if values := s.Where[f]; len(values) > 0 {
			head.WriteString(", " + string(f) + " " + Printable(strings.Join(values, " or ")))
		}
	}
	if _, err := io.WriteString(w, head.String()+"\n\n"); err != nil {
		return err
	}
	if s.Total.Entries == 0 && s.Total.Cost == 0 && len(s.Rows) == 0 {
		_, err := io.WriteString(w, "no entries\n")
		return err
	}
	saved, noted := s.Total.Saved != 0, note(&s.Total) != ""
	var heads []string
	var sides []Side
	column := func(head string, side Side) {
		heads, sides = append(heads, head), append(sides, side)
	}
	for _, c := range s.Columns {
		column(strings.ToUpper(c.String()), Left)
	}
	if len(s.Columns) == 0 {
		column("", Left)
	}
	column("ENTRIES", Right)
	column("INPUT", Right)
	column("CACHED", Right)
	column("OUTPUT", Right)
	column("COST", Point)
	if saved {
		column("SAVED", Point)
	}
	if noted {
		column("OF WHICH", Left)
	}
	t := NewTable(heads, sides)
	row := func(names []string, r *gateway.SpendRow) {
		cells := append(names, Count(r.Entries), Count(r.Input), Count(r.CacheRead), Count(r.Output), Dollars(r.Cost))
		if saved {
			cells = append(cells, Dollars(r.Saved))
		}
		if noted {
			cells = append(cells, note(r))
		}
		t.Row(cells...)
	}
	named := func(first string) []string {
		names := make([]string, max(1, len(s.Columns)))
		names[0] = first
		return names
	}
	for i := range s.Rows {
		var names []string
		for n, c := range s.Columns {
			names = append(names, cmp.Or(c.shown(s.Rows[i].Values[n]), "-"))
		}
		row(names, &s.Rows[i])
	}
	if s.Others != nil {
		row(named("(others)"), s.Others)
	}
	if len(s.Rows) > 0 {
		t.Rule()
	}
	row(named("total"), &s.Total)
	return t.Write(w)
}

// note says what of a sum is not as sure as the rest.
func note(r *gateway.SpendRow) string {
	var out []string
	for _, n := range []struct {
		count int64
		what  string
	}{{r.Estimated, "estimated"}, {r.Unpriced, "unpriced"}, {r.Unknown, "unknown"}, {r.Open, "open"}} {
		if n.count != 0 {
			out = append(out, Count(n.count)+" "+n.what)
		}
	}
	return strings.Join(out, ", ")
}

// JSON writes {"from","to","zone","by":[…],"rows":[{…}],"others":{…},"total":{…}}: a row has its fields by their names.
func (s *Sums) JSON(w io.Writer) error {
	var j rawjson.Writer
	j.Open('{').Name("from").String(stamp(s.From)).Name("to").String(stamp(s.To)).Name("zone").String(s.Zone.String())
	j.Name("by").Open('[')
	for _, c := range s.Columns {
		j.String(c.String())
	}
	j.Close(']').Name("rows").Open('[')
	for i := range s.Rows {
		j.Open('{')
		for n, c := range s.Columns {
			j.Name(c.String()).String(s.Rows[i].Values[n])
		}
		sumJSON(&j, &s.Rows[i])
	}
	j.Close(']')
	if s.Others != nil {
		j.Name("others").Open('{')
		sumJSON(&j, s.Others)
	}
	j.Name("total").Open('{')
	sumJSON(&j, &s.Total)
	j.Close('}')
	_, err := w.Write(append(j.Buf, '\n'))
	return err
}

// sumJSON writes the members of a sum and ends its object.
func sumJSON(j *rawjson.Writer, r *gateway.SpendRow) {
	j.Name("entries").Int(r.Entries).Name("input_tokens").Int(r.Input).Name("cached_tokens").Int(r.CacheRead).
		Name("output_tokens").Int(r.Output).Name("cost_usd").Num(Decimal(r.Cost)).Name("saved_usd").Num(Decimal(r.Saved)).
		Name("unpriced").Int(r.Unpriced).Name("estimated").Int(r.Estimated).Name("unknown").Int(r.Unknown).Name("open").Int(r.Open).
		Close('}')
}

// CSV writes the sums as CSV, without a total: whoever reads it adds up.
func (s *Sums) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	var head []string
	for _, column := range s.Columns {
		head = append(head, column.String())
	}
	head = append(head, "entries", "input_tokens", "cached_tokens", "output_tokens", "cost_usd", "saved_usd", "unpriced", "estimated", "unknown", "open")
	rows, others := s.Rows, s.Others
	if len(s.Columns) == 0 {
		rows = []gateway.SpendRow{s.Total}
	}
	write := func(values []string, r *gateway.SpendRow) error {
		n := func(v int64) string { return strconv.FormatInt(v, 10) }
		return c.Write(append(values, n(r.Entries), n(r.Input), n(r.CacheRead), n(r.Output), Decimal(r.Cost), Decimal(r.Saved),
			n(r.Unpriced), n(r.Estimated), n(r.Unknown), n(r.Open)))
	}
	if err := c.Write(head); err != nil {
		return err
	}
	for i := range rows {
		var values []string
		for _, v := range rows[i].Values {
			values = append(values, Cell(v))
		}
		if err := write(values, &rows[i]); err != nil {
			return err
		}
	}
	if others != nil {
		values := make([]string, len(s.Columns))
		values[0] = "(others)"
		if err := write(values, others); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// stamp writes a time for programs; "" = open.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}
