package statement

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/rawjson"
)

// Closing is the closing statement of a month: what its entries come to, by organisation and team and by day, with a hash
// of all of them. What is booked into the month later makes another statement, so that no month changes in silence.
type Closing struct {
	Month    string // 2026-10
	Zone     string
	Closed   time.Time
	Entries  int64
	Cost     gateway.Money
	Unpriced int64 // entries of which the cost is not the whole cost
	Unknown  int64 // entries that are charged with what was held
	Hash     string
	Rows     []ClosingRow
	Days     []ClosingDay
	Replaces string // the hash of the statement before, where the month was closed before
}

// ClosingRow is what an organisation's team comes to.
type ClosingRow struct {
	Organisation, Team string
	Entries            int64
	Cost               gateway.Money
	Corrections        gateway.Money // of which these
}

// ClosingDay is what a day comes to.
type ClosingDay struct {
	Day     string
	Entries int64
	Cost    gateway.Money
	Hash    string
}

// Close sums a month up. It reads each entry once.
func Close(ctx context.Context, books gateway.Books, month string, zone *time.Location, now time.Time) (*Closing, error) {
	begin, err := time.ParseInLocation("2006-01", month, zone)
	if err != nil {
		return nil, fmt.Errorf("%q is no month; one is written like 2026-10", month)
	}
	end := begin.AddDate(0, 1, 0)
	if now.Before(end) {
		return nil, fmt.Errorf("%s is not over before %s", month, end.Format("2006-01-02 15:04 MST"))
	}
	kept, err := books.Spend(ctx, gateway.SpendQuery{From: begin, To: end, Zone: zone, Most: 1}) // first: what is booked meanwhile is seen below
	if err != nil {
		return nil, err
	}
	c := &Closing{Month: month, Zone: zone.String(), Closed: now.UTC().Truncate(time.Second)}
	teams := map[[2]string]*ClosingRow{}
	all, daily := sha256.New(), sha256.New()
	day := ClosingDay{}
	endDay := func() {
		if day.Day == "" {
			return
		}
		sum := daily.Sum(nil)
		day.Hash = hex.EncodeToString(sum)
		all.Write(sum)
		c.Days = append(c.Days, day)
		daily.Reset()
	}
	var line []byte
	err = groups(ctx, books, gateway.EntryQuery{From: begin, To: end}, func(group []gateway.Entry) error {
		for i := range group {
			e := &group[i]
			if d := e.At.In(zone).Format(time.DateOnly); d != day.Day {
				endDay()
				day = ClosingDay{Day: d}
			}
			line = hashed(daily, line[:0], e)
			day.Entries++
			day.Cost += e.Cost
			k := [2]string{e.Organisation, e.Team}
			row := teams[k]
			if row == nil {
				row = &ClosingRow{Organisation: e.Organisation, Team: e.Team}
				teams[k] = row
			}
			row.Entries++
			row.Cost += e.Cost
			if e.State == gateway.EntryCorrected {
				row.Corrections += e.Cost
			}
			c.Entries++
			c.Cost += e.Cost
			if e.Unpriced != "" {
				c.Unpriced++
			}
			if e.State == gateway.EntryUnknown {
				c.Unknown++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	endDay()
	if len(kept) > 0 && kept[0].Entries > c.Entries {
		return nil, fmt.Errorf("of %s %s of %s entries are not kept any more; a month is closed before its entries are trimmed", month, Count(kept[0].Entries-c.Entries), Count(kept[0].Entries))
	}
	c.Hash = hex.EncodeToString(all.Sum(nil))
	for _, row := range teams {
		c.Rows = append(c.Rows, *row)
	}
	slices.SortFunc(c.Rows, func(a, b ClosingRow) int {
		return cmp.Or(cmp.Compare(a.Organisation, b.Organisation), cmp.Compare(a.Team, b.Team))
	})
	return c, nil
}

// hashed adds what an entry says of money to a hash: the same text whichever store it came from. Each text stands with its
// length, so that no two entries read alike.
func hashed(h hash.Hash, line []byte, e *gateway.Entry) []byte {
	text := func(s string) {
		line = strconv.AppendInt(line, int64(len(s)), 10)
		line = append(append(line, ':'), s...)
	}
	number := func(n int64) { line = append(strconv.AppendInt(line, n, 10), ' ') }
	text(e.ID)
	number(e.At.UnixMicro())
	for _, s := range []string{
		string(e.State), string(e.Payer), e.Organisation, e.Team, e.Project, e.User, e.Key, e.Asked, e.Target.Provider,
		e.Target.Model, e.Node, e.Price, e.Unpriced, e.Corrects, e.Reason,
	} {
		text(s)
	}
	in, out := e.Tokens()
	number(in)
	number(out)
	number(int64(e.Cost))
	number(int64(e.Saved))
	line = append(line, '\n')
	h.Write(line)
	return line
}

// Late is what came into a closed month since: by day and by team, the differences.
type Late struct {
	Days  []ClosingDay // Hash is "" where the day is new; else that of before
	Rows  []ClosingRow
	Total ClosingRow
	// Changed are days whose entries are as many and cost as much as before, and are not the same ones.
	Changed []string
}

// Since says what differs from an earlier statement of the month; nil if nothing does.
func (c *Closing) Since(before *Closing) (*Late, error) {
	if before.Month != c.Month || before.Zone != c.Zone {
		return nil, fmt.Errorf("the statement there is of %s (%s), not of %s (%s)", before.Month, before.Zone, c.Month, c.Zone)
	}
	if before.Hash == c.Hash {
		return nil, nil //nolint:nilnil // nothing is late, and nothing is wrong
	}
	l := &Late{Total: ClosingRow{Entries: c.Entries - before.Entries, Cost: c.Cost - before.Cost}}
	days := map[string]ClosingDay{}
	for _, d := range before.Days {
		days[d.Day] = d
	}
	for _, d := range c.Days {
		old := days[d.Day]
		delete(days, d.Day)
		switch {
		case old.Hash == d.Hash:
		case old.Entries == d.Entries && old.Cost == d.Cost:
			l.Changed = append(l.Changed, d.Day)
		default:
			l.Days = append(l.Days, ClosingDay{Day: d.Day, Entries: d.Entries - old.Entries, Cost: d.Cost - old.Cost, Hash: old.Hash})
		}
	}
	for _, old := range days {
		l.Days = append(l.Days, ClosingDay{Day: old.Day, Entries: -old.Entries, Cost: -old.Cost, Hash: old.Hash})
	}
	slices.SortFunc(l.Days, func(a, b ClosingDay) int { return cmp.Compare(a.Day, b.Day) })
	rows := map[[2]string]ClosingRow{}
	for _, r := range before.Rows {
		rows[[2]string{r.Organisation, r.Team}] = r
	}
	differ := func(r, old ClosingRow) {
		if r != old {
			l.Rows = append(l.Rows, ClosingRow{cmp.Or(r.Organisation, old.Organisation), cmp.Or(r.Team, old.Team), r.Entries - old.Entries, r.Cost - old.Cost, r.Corrections - old.Corrections})
		}
	}
	for _, r := range c.Rows {
		k := [2]string{r.Organisation, r.Team}
		differ(r, rows[k])
		delete(rows, k)
	}
	for _, k := range sortedPairs(rows) {
		differ(ClosingRow{}, rows[k])
	}
	return l, nil
}

func sortedPairs(m map[[2]string]ClosingRow) [][2]string {
	out := make([][2]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	return out
}

// Text writes the statement for people.
func (c *Closing) Text(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s (%s), closed %s\n\n", c.Month, c.Zone, c.Closed.Format("2006-01-02 15:04 MST")); err != nil {
		return err
	}
	t := NewTable([]string{"ORGANISATION", "TEAM", "ENTRIES", "COST", "OF WHICH CORRECTIONS"}, []Side{Left, Left, Right, Point, Point})
	var corrections gateway.Money
	for _, r := range c.Rows {
		corrections += r.Corrections
		t.Row(dash(r.Organisation), dash(r.Team), Count(r.Entries), Dollars(r.Cost), Dollars(r.Corrections))
	}
	t.Rule()
	t.Row("total", "", Count(c.Entries), Dollars(c.Cost), Dollars(corrections))
	if err := t.Write(w); err != nil {
		return err
	}
	text := "\n"
	if c.Unpriced > 0 {
		text += "entries that are not wholly priced: " + Count(c.Unpriced) + "; the month costs more than this\n"
	}
	if c.Unknown > 0 {
		text += "entries that are charged with what was held, for nobody knows what they came to: " + Count(c.Unknown) + "; see `weir ledger reconcile`\n"
	}
	_, err := io.WriteString(w, text+"hash "+c.Hash+"\n")
	return err
}

// Text writes what is late.
func (l *Late) Text(w io.Writer) error {
	t := NewTable([]string{"LATE", "", "ENTRIES", "COST"}, []Side{Left, Left, Right, Point})
	for _, d := range l.Days {
		t.Row(d.Day, "", Count(d.Entries), Dollars(d.Cost))
	}
	for _, r := range l.Rows {
		t.Row(dash(r.Organisation), dash(r.Team), Count(r.Entries), Dollars(r.Cost))
	}
	t.Rule()
	t.Row("total", "", Count(l.Total.Entries), Dollars(l.Total.Cost))
	if err := t.Write(w); err != nil {
		return err
	}
	if len(l.Changed) > 0 {
		_, err := io.WriteString(w, "entries of "+strings.Join(l.Changed, ", ")+" are not those that were closed, though they come to the same\n")
		return err
	}
	return nil
}

// JSON writes the statement as it is kept; ReadClosing reads it.
func (c *Closing) JSON() []byte {
	var j rawjson.Writer
	j.Open('{').Name("month").String(c.Month).Name("zone").String(c.Zone).Name("closed").String(stamp(c.Closed)).
		Name("entries").Int(c.Entries).Name("cost_usd").Num(Decimal(c.Cost)).Name("unpriced").Int(c.Unpriced).Name("unknown").Int(c.Unknown).
		Name("hash").String(c.Hash).Name("replaces").String(c.Replaces).Name("teams").Open('[')
	for _, r := range c.Rows {
		j.Open('{').Name("organisation").String(r.Organisation).Name("team").String(r.Team).Name("entries").Int(r.Entries).
			Name("cost_usd").Num(Decimal(r.Cost)).Name("corrections_usd").Num(Decimal(r.Corrections)).Close('}')
	}
	j.Close(']').Name("days").Open('[')
	for _, d := range c.Days {
		j.Open('{').Name("day").String(d.Day).Name("entries").Int(d.Entries).Name("cost_usd").Num(Decimal(d.Cost)).Name("hash").String(d.Hash).Close('}')
	}
	j.Close(']').Close('}')
	return append(j.Buf, '\n')
}

// ReadClosing reads a statement that was kept.
func ReadClosing(text []byte) (*Closing, error) {
	if err := rawjson.Check(text); err != nil {
		return nil, fmt.Errorf("this is no closing statement: %w", err)
	}
	c := &Closing{}
	var wrong error
	money := func(v []byte) gateway.Money {
		m, err := ParseMoney(string(v), 0)
		wrong = errors.Join(wrong, err)
		return m
	}
	for name, v := range rawjson.Members(text) {
		switch string(name) {
		case "month":
			c.Month = rawjson.Text(v)
		case "zone":
			c.Zone = rawjson.Text(v)
		case "closed":
			c.Closed, _ = time.Parse(time.RFC3339Nano, rawjson.Text(v))
		case "entries":
			c.Entries, _ = rawjson.Int(v)
		case "cost_usd":
			c.Cost = money(v)
		case "unpriced":
			c.Unpriced, _ = rawjson.Int(v)
		case "unknown":
			c.Unknown, _ = rawjson.Int(v)
		case "hash":
			c.Hash = rawjson.Text(v)
		case "replaces":
			c.Replaces = rawjson.Text(v)
		case "teams":
			for _, r := range rawjson.Elems(v) {
				n, _ := rawjson.Int(rawjson.Get(r, "entries"))
				c.Rows = append(c.Rows, ClosingRow{rawjson.Text(rawjson.Get(r, "organisation")), rawjson.Text(rawjson.Get(r, "team")), n, money(rawjson.Get(r, "cost_usd")), money(rawjson.Get(r, "corrections_usd"))})
			}
		case "days":
			for _, d := range rawjson.Elems(v) {
				n, _ := rawjson.Int(rawjson.Get(d, "entries"))
				c.Days = append(c.Days, ClosingDay{rawjson.Text(rawjson.Get(d, "day")), n, money(rawjson.Get(d, "cost_usd")), rawjson.Text(rawjson.Get(d, "hash"))})
			}
		}
	}
	if wrong != nil || c.Month == "" || c.Hash == "" {
		return nil, errors.New("this is no closing statement")
	}
	return c, nil
}
