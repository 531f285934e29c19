package statement

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/rawjson"
)

// Verified says whether the sums that the books keep are those of their entries.
type Verified struct {
	From, To time.Time
	Entries  int64
	Cost     gateway.Money
	Days     int
	Windows  int       // windows of budgets, by node
	Kept     time.Time // entries before it were trimmed: of these only sums are left, and nothing to compare them with
	Wrong    []string  // what does not agree, at most mostWrong
	More     int       // how much else does not
	Journal  *Journal  // of this node, where there is one
}

// Journal says whether a node's journal agrees with the books.
type Journal struct {
	Holds   int // attempts under way
	Entries int
	Waiting int // entries that are not in the books yet
	Wrong   []string
}

const mostWrong = 100

// wrong notes what does not agree.
func (v *Verified) wrong(what string) {
	if len(v.Wrong) == mostWrong {
		v.More++
		return
	}
	v.Wrong = append(v.Wrong, what)
}

// verifiedBy are the columns that sums are compared by.
var verifiedBy = []gateway.Field{
	gateway.ByOrganisation, gateway.ByTeam, gateway.ByProject, gateway.ByUser, gateway.ByKey, gateway.ByModel,
	gateway.ByProvider, gateway.ByTarget, gateway.ByOperation, gateway.ByPayer, gateway.ByNode,
}

// Verify reads all entries of a period and compares their sums, day by day, with those that the books answer from, and what
// they are charged to with what the books say is spent of budgets. Sums are read before the entries and after them: where
// something is booked meanwhile, the entries must come to something between the two.
func Verify(ctx context.Context, books gateway.Books, from, to time.Time) (*Verified, error) {
	v := &Verified{From: from, To: to}
	day := gateway.Window{Every: gateway.Day}
	first := time.Time{}
	for e, err := range books.Entries(ctx, gateway.EntryQuery{From: from, To: to}) {
		if err != nil {
			return nil, err
		}
		first = e.At
		break
	}
	days, err := books.Spend(ctx, gateway.SpendQuery{From: from, To: to, By: []gateway.Field{gateway.ByDay}, Most: mostRows})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(days, func(a, b gateway.SpendRow) int { return slices.Compare(a.Values, b.Values) })
	before, err := spent(ctx, books, from)
	if err != nil {
		return nil, err
	}
	charges := map[charged]gateway.Money{}
	for _, d := range days {
		begin, err := time.Parse(time.RFC3339, d.Values[0])
		if err != nil {
			return nil, err
		}
		end := day.End(begin)
		if first.IsZero() || end.Before(first) || end.Equal(first) {
			v.Kept = end
			continue
		}
		begin, end = later(begin, from), earlier(end, to)
		if begin.Before(first) && first.Sub(begin) < 25*time.Hour && v.trimmedWithin(ctx, books, begin, first) {
			v.Kept = gateway.Window{Every: gateway.Hour}.End(first) // what is left of that hour is a part of what its sum is of
			begin = later(begin, v.Kept)
		}
		v.Days++
		if err := v.day(ctx, books, begin, end, charges); err != nil {
			return nil, err
		}
	}
	err = v.windows(ctx, books, before, charges)
	return v, err
}

// trimmedWithin reports whether the books have sums of the hours up to the first entry that no entry is left of.
func (v *Verified) trimmedWithin(ctx context.Context, books gateway.Books, begin, first time.Time) bool {
	hour := gateway.Window{Every: gateway.Hour}
	end := hour.End(first)
	sums, err := books.Spend(ctx, gateway.SpendQuery{From: begin, To: end, Most: 1})
	if err != nil || len(sums) == 0 {
		return false
	}
	var n int64
	for _, err := range books.Entries(ctx, gateway.EntryQuery{From: begin, To: end}) {
		if err != nil {
			return false
		}
		n++
	}
	return n < sums[0].Entries
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// earlier takes the zero time as never.
func earlier(a, b time.Time) time.Time {
	if !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// charged is a window of a budget at one node.
type charged struct {
	gateway.Charge
	node string
}

// day compares the sums of one day.
func (v *Verified) day(ctx context.Context, books gateway.Books, begin, end time.Time, charges map[charged]gateway.Money) error {
	const tries = 3 // what is booked meanwhile may be more and less than nothing
	q := gateway.SpendQuery{From: begin, To: end, By: verifiedBy, Most: 1 << 30}
	for try := 1; ; try++ {
		before, err := books.Spend(ctx, q)
		if err != nil {
			return err
		}
		entries, own, err := read(ctx, books, begin, end)
		if err != nil {
			return err
		}
		after, err := books.Spend(ctx, q)
		if err != nil {
			return err
		}
		problems := compare(entries, before, after)
		if len(problems) > 0 && try < tries {
			continue
		}
		for _, what := range problems {
			v.wrong(begin.Format(time.DateOnly) + " " + what)
		}
		for _, sum := range entries {
			v.Entries += sum.Entries
			v.Cost += sum.Cost
		}
		for k, m := range own {
			charges[k] += m
		}
		return nil
	}
}

// read sums up the entries of one day, and what they are charged to.
func read(ctx context.Context, books gateway.Books, begin, end time.Time) (map[string]*gateway.SpendRow, map[charged]gateway.Money, error) {
	sums, charges := map[string]*gateway.SpendRow{}, map[charged]gateway.Money{}
	for e, err := range books.Entries(ctx, gateway.EntryQuery{From: begin, To: end}) {
		if err != nil {
			return nil, nil, err
		}
		k := strings.Join([]string{
			e.Organisation, e.Team, e.Project, e.User, e.Key, e.Asked, e.Target.Provider, e.Target.String(),
			string(e.Op), string(e.Payer), e.Node,
		}, "\x00")
		sum := sums[k]
		if sum == nil {
			sum = &gateway.SpendRow{}
			sums[k] = sum
		}
		one := rowOf(&e)
		add(sum, &one, 1)
		for _, c := range e.Charges {
			charges[charged{c, e.Node}] += e.Cost
		}
	}
	return sums, charges, nil
}

// rowOf is the sum of one entry.
func rowOf(e *gateway.Entry) gateway.SpendRow {
	r := gateway.SpendRow{Entries: 1, Cost: e.Cost, Saved: e.Saved}
	r.Input, r.Output = e.Tokens()
	if e.Usage != nil {
		r.CacheRead = e.Usage.CacheRead
	}
	return r
}

// compare says which sums differ from those of the entries, before they were read and after.
func compare(entries map[string]*gateway.SpendRow, before, after []gateway.SpendRow) []string {
	type pair struct{ before, after gateway.SpendRow }
	sums := map[string]*pair{}
	of := func(key string) *pair {
		if sums[key] == nil {
			sums[key] = &pair{}
		}
		return sums[key]
	}
	for _, s := range before {
		of(strings.Join(s.Values, "\x00")).before = s
	}
	for _, s := range after {
		of(strings.Join(s.Values, "\x00")).after = s
	}
	for key := range entries {
		of(key)
	}
	var out []string
	for key, p := range sums {
		own := entries[key]
		if own == nil {
			own = &gateway.SpendRow{}
		}
		a, b := &p.before, &p.after
		if between(own.Entries, a.Entries, b.Entries) && between(own.Input, a.Input, b.Input) && between(own.Output, a.Output, b.Output) &&
			between(own.CacheRead, a.CacheRead, b.CacheRead) && between(own.Cost, a.Cost, b.Cost) && between(own.Saved, a.Saved, b.Saved) {
			continue
		}
		parts := strings.Split(key, "\x00")
		out = append(out, "key "+dash(parts[4])+", model "+dash(parts[5])+", target "+dash(parts[7])+": the entries say "+worth(own)+", the sums "+worth(b))
	}
	slices.Sort(out)
	return out
}

// between reports whether n is one of two numbers or between them.
func between[T ~int64](n, a, b T) bool { return min(a, b) <= n && n <= max(a, b) }

func worth(r *gateway.SpendRow) string {
	return Count(r.Entries) + " entries, " + Count(r.Input) + " and " + Count(r.Output) + " tokens, " + Dollars(r.Cost)
}

// spent reads what is spent of budgets, by window and node.
func spent(ctx context.Context, books gateway.Books, since time.Time) (map[charged]gateway.Money, error) {
	out := map[charged]gateway.Money{}
	for s, err := range books.Spent(ctx, since) {
		if err != nil {
			return nil, err
		}
		out[charged{s.Charge, s.Node}] += s.Spent
	}
	return out, nil
}

// windows compares what entries are charged to with what the books say is spent. Windows that may have begun before the
// entries that are looked at are passed over, and all of them where the period has an end that is past.
func (v *Verified) windows(ctx context.Context, books gateway.Books, before, charges map[charged]gateway.Money) error {
	if v.Days == 0 || !v.To.IsZero() && v.To.Before(time.Now()) {
		return nil
	}
	since := later(v.From, v.Kept)
	after, err := spent(ctx, books, since)
	if err != nil {
		return err
	}
	for k := range charges {
		if _, known := after[k]; !known && !time.Unix(k.Window, 0).Before(since) {
			after[k] = 0
		}
	}
	for k, sum := range after {
		v.Windows++
		if own := charges[k]; !between(own, before[k], sum) {
			v.wrong("budget " + strings.TrimPrefix(k.Pot, "budget/") + ", window from " + time.Unix(k.Window, 0).UTC().Format(time.RFC3339) +
				", node " + dash(k.node) + ": the entries say " + Dollars(own) + ", the sums " + Dollars(sum))
		}
	}
	slices.Sort(v.Wrong)
	return nil
}

// Text writes what was found.
func (v *Verified) Text(w io.Writer) error {
	var b strings.Builder
	b.WriteString(Count(v.Entries) + " entries of " + Count(int64(v.Days)) + " days, " + Dollars(v.Cost) + "; " + Count(int64(v.Windows)) + " windows of budgets\n")
	if !v.Kept.IsZero() {
		b.WriteString("of what was before " + v.Kept.UTC().Format("2006-01-02 15:04") + " UTC only sums are kept\n")
	}
	for _, what := range v.Wrong {
		b.WriteString("wrong: " + what + "\n")
	}
	if v.More > 0 {
		b.WriteString("and " + Count(int64(v.More)) + " more\n")
	}
	if len(v.Wrong) == 0 {
		b.WriteString("the sums are those of the entries\n")
	}
	if j := v.Journal; j != nil {
		b.WriteString("the journal has " + Count(int64(j.Entries)) + " entries, of which " + Count(int64(j.Waiting)) + " are not in the books yet, and " +
			Count(int64(j.Holds)) + " attempts under way\n")
		for _, what := range j.Wrong {
			b.WriteString("wrong in the journal: " + what + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// JSON writes {"ok","entries","cost_usd","days","windows","kept_since","wrong":[…],"more","journal":{…}}.
func (v *Verified) JSON(w io.Writer) error {
	var j rawjson.Writer
	j.Open('{').Name("ok").Bool(len(v.Wrong) == 0 && (v.Journal == nil || len(v.Journal.Wrong) == 0)).Name("entries").Int(v.Entries).Name("cost_usd").Num(Decimal(v.Cost)).
		Name("days").Int(int64(v.Days)).Name("windows").Int(int64(v.Windows)).Name("kept_since").String(stamp(v.Kept)).Name("wrong").Open('[')
	for _, what := range v.Wrong {
		j.String(what)
	}
	j.Close(']').Name("more").Int(int64(v.More))
	if own := v.Journal; own != nil {
		j.Name("journal").Open('{').Name("entries").Int(int64(own.Entries)).Name("waiting").Int(int64(own.Waiting)).Name("holds").Int(int64(own.Holds)).Name("wrong").Open('[')
		for _, what := range own.Wrong {
			j.String(what)
		}
		j.Close(']').Close('}')
	}
	j.Close('}')
	_, err := w.Write(append(j.Buf, '\n'))
	return err
}
