package books

import (
	"slices"
	"strings"
	"time"

	"weir/internal/gateway"
)

// source is a table that sums are read from.
type source int

const (
	fromEntries source = iota
	fromHourly
	fromDaily
)

// piece is a time in one table that belongs to a bucket, or is to be subtracted from it.
type piece struct {
	from   source
	lo, hi int64 // seconds; of entries nanoseconds
	sign   int64
	label  int64
}

// Span is what a store knows of all times: when the first and the last hour with an entry begin, in seconds, and before
// when entries may have been trimmed, in nanoseconds. Without entries all is 0.
type Span struct{ Oldest, Newest, Trimmed int64 }

// mostBuckets is how many buckets a question may have. Ten years of days are 3,653.
const mostBuckets = 12_000

// plan is how a question is answered.
type plan struct {
	zone     *time.Location
	fields   []gateway.Field // of the rows, times left out
	byHour   bool            // the label is when an hour begins, else the place of the bucket in begins
	begins   []time.Time     // of the buckets
	pieces   []piece
	timeless bool // no field is a time
}

var calendar = map[gateway.Field]gateway.Every{
	gateway.ByHour: gateway.Hour, gateway.ByDay: gateway.Day, gateway.ByWeek: gateway.Week, gateway.ByMonth: gateway.Month,
}

// planFor says what is read for a question. raw forbids sums.
func planFor(q *gateway.SpendQuery, span Span, raw bool) (*plan, error) {
	if err := check(q); err != nil {
		return nil, err
	}
	p := &plan{zone: q.Zone, timeless: true}
	if p.zone == nil {
		p.zone = time.UTC
	}
	var every []gateway.Every
	for _, f := range q.By {
		if e, ok := calendar[f]; ok {
			every = append(every, e)
			p.timeless = false
		} else {
			p.fields = append(p.fields, f)
		}
	}
	from, to := bounds(q, span)
	if from >= to {
		return p, nil
	}
	sums := !raw && inSeries(q)
	byHour := slices.Contains(every, gateway.Hour)
	if !p.timeless && sums && !wholeHours(p.zone, from, to) {
		sums = false
	}
	if byHour && sums {
		p.byHour = true
		p.hours(from, to)
	} else if err := p.buckets(every, from, to, sums); err != nil {
		return nil, err
	}
	for _, piece := range p.pieces {
		if piece.from == fromEntries && piece.lo < span.Trimmed {
			return nil, Asking("entries before %s were trimmed: sums of that time are kept for whole hours, by %s. Ask for these, or for a later time",
				time.Unix(0, span.Trimmed).UTC().Format(time.RFC3339), "organisation, team, project, user, key, model, provider, target, operation, payer and node")
		}
	}
	return p, nil
}

// bounds returns a question's time in nanoseconds, cut to where there are entries.
func bounds(q *gateway.SpendQuery, span Span) (from, to int64) {
	if span == (Span{}) {
		return 0, 0
	}
	from, to = span.Oldest*second, (span.Newest+hour)*second
	if !q.From.IsZero() {
		from = max(from, nanos(q.From))
	}
	if !q.To.IsZero() {
		to = min(to, nanos(q.To))
	}
	return from, to
}

func inSeries(q *gateway.SpendQuery) bool {
	for _, f := range q.By {
		if _, time := calendar[f]; !time && !known[f].series {
			return false
		}
	}
	for f := range q.Where {
		if !known[f].series {
			return false
		}
	}
	return true
}

// wholeHours reports whether a zone's hours begin with those of UTC, all the time from from to to.
func wholeHours(zone *time.Location, from, to int64) bool {
	for t, end := time.Unix(0, from).In(zone), time.Unix(0, to); ; {
		if _, offset := t.Zone(); offset%hour != 0 {
			return false
		}
		_, next := t.ZoneBounds()
		if next.IsZero() || !next.Before(end) {
			return true
		}
		t = next
	}
}

// hours covers a time whose buckets are the hours themselves.
func (p *plan) hours(from, to int64) {
	first, last := ceil(from, hour*second), floor(to, hour*second)
	if first > last {
		p.pieces = append(p.pieces, piece{from: fromEntries, lo: from, hi: to, sign: 1})
		return
	}
	p.add(piece{from: fromEntries, lo: from, hi: first, sign: 1})
	p.add(piece{from: fromHourly, lo: first / second, hi: last / second, sign: 1})
	p.add(piece{from: fromEntries, lo: last, hi: to, sign: 1})
}

func (p *plan) add(n piece) {
	if n.lo < n.hi {
		p.pieces = append(p.pieces, n)
	}
}

// buckets cuts a time at the borders of every part of the calendar that is asked for.
func (p *plan) buckets(every []gateway.Every, from, to int64, sums bool) error {
	for at := from; at < to; {
		end := to
		begin := time.Unix(0, at).In(p.zone)
		finest := time.Time{}
		for _, e := range every {
			w := gateway.Window{Every: e, Zone: p.zone}
			if b := w.Begin(begin); b.After(finest) {
				finest = b
			}
			next := w.End(begin)
			if !next.After(begin) { // a zone that leaves midnight out
				next = begin.Add(time.Hour)
			}
			end = min(end, next.UnixNano())
		}
		if len(p.begins) == mostBuckets {
			return Asking("the time from %s to %s has more than %d parts: ask for a shorter one",
				time.Unix(0, from).UTC().Format(time.DateOnly), time.Unix(0, to).UTC().Format(time.DateOnly), mostBuckets)
		}
		if n := len(p.begins); n == 0 || !p.begins[n-1].Equal(finest) {
			p.begins = append(p.begins, finest)
		}
		p.cover(at, end, sums)
		at = end
	}
	return nil
}

// cover reads the time from a to b, nanoseconds, for the last bucket.
func (p *plan) cover(a, b int64, sums bool) {
	label := int64(len(p.begins) - 1)
	first, last := ceil(a, hour*second), floor(b, hour*second)
	if !sums || first >= last {
		p.add(piece{fromEntries, a, b, 1, label})
		return
	}
	p.add(piece{fromEntries, a, first, 1, label})
	p.add(piece{fromEntries, last, b, 1, label})
	lo, hi := first/second, last/second
	// The day's border that is nearer: what is missing is added by hours, what is too much subtracted.
	from, to := floor(lo+day/2, day), floor(hi+day/2, day)
	if from >= to {
		p.add(piece{fromHourly, lo, hi, 1, label})
		return
	}
	p.add(piece{fromDaily, from, to, 1, label})
	p.add(piece{fromHourly, lo, from, 1, label})
	p.add(piece{fromHourly, from, lo, -1, label})
	p.add(piece{fromHourly, to, hi, 1, label})
	p.add(piece{fromHourly, hi, to, -1, label})
}

func floor(n, unit int64) int64 { return n - n%unit }
func ceil(n, unit int64) int64  { return floor(n+unit-1, unit) }

// when returns a time field's value for a label.
func (p *plan) when(f gateway.Field, label int64) string {
	begin := time.Unix(label, 0).In(p.zone)
	if !p.byHour {
		begin = p.begins[label].In(p.zone)
	}
	if f == gateway.ByHour { // the finest there is; and where a clock changes by half an hour, an hour may begin in another one
		return begin.Format(time.RFC3339)
	}
	return gateway.Window{Every: calendar[f], Zone: p.zone}.Begin(begin).Format(time.RFC3339)
}

// check refuses what no question can be.
func check(q *gateway.SpendQuery) error {
	seen := map[gateway.Field]bool{}
	for _, f := range q.By {
		if _, time := calendar[f]; !time && known[f].column == "" {
			return Asking("there is no field %q", f)
		}
		if seen[f] {
			return Asking("the field %s is named twice", f)
		}
		seen[f] = true
	}
	return checkWhere(q.Where)
}

func checkWhere(where map[gateway.Field][]string) error {
	for f, values := range where {
		if _, time := calendar[f]; time {
			return Asking("entries are chosen by time with a begin and an end, not by %s", f)
		}
		if known[f].column == "" {
			return Asking("there is no field %q", f)
		}
		if len(values) == 0 {
			return Asking("no value is given for %s", f)
		}
		if len(values) > mostValues {
			return Asking("%d values are given for %s; %d are the most", len(values), f, mostValues)
		}
	}
	return nil
}

// mostValues is how many values one field may be compared with: databases bound the parameters of a statement.
const mostValues = 1000

// field is where a field's value stands. The texts are the only identifiers that get into a statement.
type field struct {
	column string // of entries, and of series if it is in there
	series bool
}

var known = map[gateway.Field]field{
	gateway.ByOrganisation: {"organisation", true},
	gateway.ByTeam:         {"team", true},
	gateway.ByProject:      {"project", true},
	gateway.ByUser:         {"user_name", true},
	gateway.ByKey:          {"key_name", true},
	gateway.ByModel:        {"asked", true},
	gateway.ByProvider:     {"provider", true},
	gateway.ByTarget:       {"CASE WHEN #.target = '' THEN #.provider ELSE #.provider || '/' || #.target END", true},
	gateway.ByOperation:    {"operation", true},
	gateway.ByPayer:        {"payer", true},
	gateway.ByNode:         {"node", true},
	gateway.ByEndUser:      {"end_user", false},
	gateway.BySession:      {"session", false},
	gateway.ByState:        {"state", false},
	gateway.ByBatch:        {"batch", false},
	gateway.ByTag:          {"tags", false},
}

// expression returns a field's value in a table that goes by a name.
func (f field) expression(table string) string {
	if strings.Contains(f.column, "#") {
		return strings.ReplaceAll(f.column, "#", table)
	}
	return table + "." + f.column
}
