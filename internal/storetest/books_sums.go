package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// someEntries returns entries of about two months, many of them about the hours when days, months and clocks change.
func someEntries(n int, seed uint64) []gateway.Entry {
	r := rand.New(rand.NewPCG(seed, 1)) // the same ones again
	edges := []time.Time{
		time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC),                                                                                                // Berlin: summer time ends
		time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 22, 0, 0, 0, time.UTC), time.Date(2026, 10, 3, 15, 30, 0, 0, time.UTC), // Lord Howe: half an hour
		time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 30, 18, 30, 0, 0, time.UTC), time.Date(2026, 10, 4, 4, 0, 0, 0, time.UTC),
	}
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	all := make([]gateway.Entry, n)
	for i := range all {
		at := edges[r.IntN(len(edges))].Add(time.Duration(r.Int64N(int64(12*time.Hour))) - 6*time.Hour)
		switch r.IntN(4) {
		case 0:
			at = at.Add(time.Duration(r.IntN(40)-20) * 24 * time.Hour)
		case 1:
			at = at.Truncate(time.Hour)
		}
		e := Booked(fmt.Sprintf("%d-%d", seed, i), at, gateway.Money(r.Int64N(1_000_000_000)-10_000_000))
		e.Organisation, e.Team, e.Project = pick("", "acme"), pick("shop", "lab", "ops"), pick("", "p1")
		e.User, e.Key, e.EndUser, e.Session = pick("ann", "bob"), pick("k1", "k2", "k3"), pick("", "u1", "u2"), pick("", "s1")
		e.Asked, e.Target = pick("assistant", "coder", "*"), gateway.Target{Provider: pick("sim", "gpu"), Model: pick("", "m1", "m2")}
		e.Op, e.Payer, e.Node, e.Batch = llm.Op(pick("chat", "embeddings")), gateway.Payer(pick("caller", "weir")), pick("a", "b"), pick("", "", "batch-1")
		e.State = gateway.EntryState(pick("done", "done", "estimated", "unknown", "cached", "corrected", "partial"))
		e.Estimated, e.Unpriced, e.Saved = r.IntN(5) == 0, pick("", "", "no price"), gateway.Money(r.Int64N(100))
		e.Tags = [][]string{nil, {"env=prod"}, {"app=web", "env=prod"}}[r.IntN(3)]
		u := llm.Usage{Said: llm.SaidInput | llm.SaidCacheRead | llm.SaidOutput, Input: r.Int64N(5000), CacheRead: r.Int64N(100), Output: r.Int64N(900)}
		switch r.IntN(5) {
		case 0:
			e.Usage = nil
		case 1:
			e.Usage = &llm.Usage{Rounds: []llm.Usage{u, u}}
		default:
			e.Usage = &u
		}
		all[i] = e
	}
	return all
}

var (
	zones = []string{"", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland", "Asia/Tokyo"}
	times = []gateway.Field{gateway.ByHour, gateway.ByDay, gateway.ByWeek, gateway.ByMonth}
	// ofSums are the fields that sums are told apart by.
	ofSums    = []gateway.Field{gateway.ByOrganisation, gateway.ByTeam, gateway.ByProject, gateway.ByUser, gateway.ByKey, gateway.ByModel, gateway.ByProvider, gateway.ByTarget, gateway.ByOperation, gateway.ByPayer, gateway.ByNode}
	ofEntries = []gateway.Field{gateway.ByEndUser, gateway.BySession, gateway.ByTag, gateway.ByState, gateway.ByBatch}
)

// someQuery draws a question that is answered from sums where it can be, or, with all, any question.
func someQuery(t *rapid.T, zone func(string) *time.Location, all bool) (q gateway.SpendQuery) {
	fields := slices.Clone(ofSums)
	if all && rapid.Bool().Draw(t, "entries") {
		fields = append(fields, ofEntries...)
	}
	by := append(slices.Clone(fields), times...)
	q.By = rapid.SliceOfNDistinct(rapid.SampledFrom(by), 0, 4, rapid.ID[gateway.Field]).Draw(t, "by")
	if len(q.By) == 0 {
		q.By = nil
	}
	q.Zone = zone(rapid.SampledFrom(zones).Draw(t, "zone"))
	at := func(name string) time.Time {
		base := time.Date(2026, 9, 20, 0, 0, 0, 0, time.UTC)
		units := []time.Duration{24 * time.Hour, time.Hour, 7 * time.Minute}
		unit := rapid.SampledFrom(units).Draw(t, name+" unit")
		return base.Add(time.Duration(rapid.Int64Range(0, int64(90*24*time.Hour/unit)).Draw(t, name)) * unit)
	}
	if rapid.Bool().Draw(t, "has from") {
		q.From = at("from")
	}
	if rapid.Bool().Draw(t, "has to") {
		q.To = at("to")
	}
	for _, f := range rapid.SliceOfNDistinct(rapid.SampledFrom(fields), 0, 2, rapid.ID[gateway.Field]).Draw(t, "where") {
		if q.Where == nil {
			q.Where = map[gateway.Field][]string{}
		}
		q.Where[f] = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"", "shop", "lab", "acme", "sim", "sim/m1", "k1", "k2", "ann", "a", "chat", "caller", "assistant", "coder", "p1", "u1", "s1", "env=prod", "app=web", "done", "unknown", "batch-1"}), 1, 12, rapid.ID[string]).Draw(t, "values")
	}
	return q
}

func booksSums(t *testing.T, s BookStore) {
	b := s.Open(t)
	all := someEntries(900, 1)
	appendTo(t, b, len(all), all...)
	rapid.Check(t, func(rt *rapid.T) {
		compare(rt, t, b, all, someQuery(rt, zoneOf(t), true))
	})
}

func zoneOf(t testing.TB) func(string) *time.Location {
	return func(name string) *time.Location {
		if name == "" {
			return nil
		}
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return zone
	}
}

// compare asks a store, and a list of entries.
func compare(rt *rapid.T, t testing.TB, b gateway.Books, all []gateway.Entry, q gateway.SpendQuery) {
	want := listed(all, q)
	asks := map[string]func() ([]gateway.SpendRow, error){"Spend": func() ([]gateway.SpendRow, error) { return b.Spend(t.Context(), q) }}
	if v, ok := b.(Verifier); ok {
		asks["SpendOfEntries"] = func() ([]gateway.SpendRow, error) { return v.SpendOfEntries(t.Context(), q) }
	}
	for name, ask := range asks {
		got, err := ask()
		if err != nil {
			rt.Fatalf("%s: %v", name, err)
		}
		if !slices.IsSortedFunc(got, func(a, b gateway.SpendRow) int { return cmp.Compare(b.Cost, a.Cost) }) {
			rt.Errorf("%s: the dearest do not come first", name)
		}
		slices.SortFunc(got, byValues)
		if diff := gocmp.Diff(want, got); diff != "" {
			rt.Fatalf("%s of %+v differs (-want +got):\n%s", name, q, diff)
		}
	}
}

func byValues(a, b gateway.SpendRow) int { return slices.Compare(a.Values, b.Values) }

// listed answers a question by going through a list.
func listed(all []gateway.Entry, q gateway.SpendQuery) []gateway.SpendRow {
	rows := map[string]*gateway.SpendRow{}
	for i := range all {
		e := &all[i]
		if !q.From.IsZero() && e.At.Before(q.From) || !q.To.IsZero() && !e.At.Before(q.To) {
			continue
		}
		chosen := true
		for f, values := range q.Where {
			chosen = chosen && slices.ContainsFunc(valuesOf(e, f, q.Zone, false), func(v string) bool { return slices.Contains(values, v) })
		}
		if !chosen {
			continue
		}
		keys := [][]string{nil}
		for _, f := range q.By {
			var more [][]string
			for _, k := range keys {
				for _, v := range valuesOf(e, f, q.Zone, true) {
					more = append(more, append(slices.Clone(k), v))
				}
			}
			keys = more
		}
		for _, k := range keys {
			name := strings.Join(k, "\x00")
			if rows[name] == nil {
				rows[name] = &gateway.SpendRow{Values: k}
			}
			add(rows[name], e)
		}
	}
	var out []gateway.SpendRow
	for _, r := range rows {
		out = append(out, *r)
	}
	slices.SortFunc(out, byValues)
	return out
}

func add(r *gateway.SpendRow, e *gateway.Entry) {
	in, out := e.Tokens()
	r.Entries++
	r.Input, r.Output = r.Input+in, r.Output+out
	if u := e.Usage; u != nil {
		r.CacheRead += u.CacheRead
		for _, round := range u.Rounds {
			r.CacheRead += round.CacheRead
		}
	}
	r.Cost, r.Saved = r.Cost+e.Cost, r.Saved+e.Saved
	for _, n := range []struct {
		of  *int64
		yes bool
	}{
		{&r.Unpriced, e.Unpriced != ""},
		{&r.Estimated, e.Estimated || e.State == gateway.EntryEstimated},
		{&r.Unknown, e.State == gateway.EntryUnknown},
		{&r.Open, e.State == gateway.EntryOpened},
	} {
		if n.yes {
			*n.of++
		}
	}
}

// valuesOf returns an entry's values of a field; of tags none or several, where it is to be told apart by them at least "".
func valuesOf(e *gateway.Entry, f gateway.Field, zone *time.Location, apart bool) []string {
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := e.At.In(zone).Date()
	switch f {
	case gateway.ByTag:
		if len(e.Tags) == 0 && apart {
			return []string{""}
		}
		return e.Tags
	case gateway.ByHour:
		_, offset := e.At.In(zone).Zone()
		local := e.At.Unix() + int64(offset)
		return []string{time.Unix(local-local%3600-int64(offset), 0).In(zone).Format(time.RFC3339)}
	case gateway.ByDay:
		return []string{time.Date(y, m, d, 0, 0, 0, 0, zone).Format(time.RFC3339)}
	case gateway.ByWeek:
		for e.At.In(zone).AddDate(0, 0, d-e.At.In(zone).Day()).Weekday() != time.Monday {
			d--
		}
		return []string{time.Date(y, m, d, 0, 0, 0, 0, zone).Format(time.RFC3339)}
	case gateway.ByMonth:
		return []string{time.Date(y, m, 1, 0, 0, 0, 0, zone).Format(time.RFC3339)}
	}
	return []string{map[gateway.Field]string{
		gateway.ByOrganisation: e.Organisation, gateway.ByTeam: e.Team, gateway.ByProject: e.Project, gateway.ByUser: e.User, gateway.ByKey: e.Key,
		gateway.ByEndUser: e.EndUser, gateway.BySession: e.Session, gateway.ByModel: e.Asked, gateway.ByProvider: e.Target.Provider,
		gateway.ByTarget: e.Target.String(), gateway.ByOperation: string(e.Op), gateway.ByState: string(e.State), gateway.ByPayer: string(e.Payer),
		gateway.ByNode: e.Node, gateway.ByBatch: e.Batch,
	}[f]}
}

// booksBatches writes entries in batches of any size, some of them several times.
func booksBatches(t *testing.T, s BookStore) {
	b := s.Open(t)
	var all []gateway.Entry
	seed := uint64(100)
	rapid.Check(t, func(rt *rapid.T) {
		if len(all) > 5000 {
			return
		}
		seed++
		some := someEntries(rapid.IntRange(1, 40).Draw(rt, "new"), seed)
		batch := slices.Clone(some)
		for range rapid.IntRange(0, 10).Draw(rt, "known") {
			if len(all) > 0 {
				batch = append(batch, all[rapid.IntRange(0, len(all)-1).Draw(rt, "which")])
			}
		}
		batch = rapid.Permutation(batch).Draw(rt, "order")
		n, err := b.Append(t.Context(), batch)
		if err != nil {
			rt.Fatal(err)
		}
		if n != len(some) {
			rt.Fatalf("%d were new, want %d", n, len(some))
		}
		all = append(all, some...)
		compare(rt, t, b, all, someQuery(rt, zoneOf(t), false))
	})
}

func booksDearest(t *testing.T, s BookStore) {
	b := s.Open(t)
	var all []gateway.Entry
	for i := range 60 {
		e := Booked(strconv.Itoa(i), booksAt.Add(time.Duration(i)*7*time.Hour), gateway.Money(i*i%61))
		e.Team = fmt.Sprint("t", i%20)
		all = append(all, e)
	}
	appendTo(t, b, 60, all...)
	q := gateway.SpendQuery{By: []gateway.Field{gateway.ByTeam, gateway.ByDay}}
	want := spendOf(t, b, q)
	q.Most = 7
	got := spendOf(t, b, q)
	if diff := gocmp.Diff(want[:7], got); diff != "" {
		t.Errorf("the seven dearest (-want +got):\n%s", diff)
	}
}

func booksSpent(t *testing.T, s BookStore) {
	b := s.Open(t)
	var all []gateway.Entry
	want := map[gateway.PotSpent]gateway.Money{}
	for i := range 3000 {
		e := Booked(strconv.Itoa(i), booksAt.Add(time.Duration(i)*time.Minute), gateway.Money(i-100))
		e.Node = fmt.Sprint("n", i%3)
		for j := range i % 3 {
			c := gateway.Charge{Pot: fmt.Sprint("pot", (i+j)%5), Window: int64(i/3) * 100}
			e.Charges = append(e.Charges, c)
			want[gateway.PotSpent{Charge: c, Node: e.Node}] += e.Cost
		}
		all = append(all, e)
	}
	appendTo(t, b, 3000, all...)
	for _, since := range []time.Time{{}, time.Unix(0, 0), time.Unix(50_000, 0), time.Unix(50_000, 1), time.Unix(99_900, 0), time.Unix(200_000, 0)} {
		count := 0
		for p := range want {
			if !time.Unix(p.Window, 0).Before(since) {
				count++
			}
		}
		got := spentOf(t, b, since)
		if len(got) != count {
			t.Errorf("since %d: %d sums, want %d", since.Unix(), len(got), count)
		}
		for _, p := range got {
			if sum, ok := want[gateway.PotSpent{Charge: p.Charge, Node: p.Node}]; !ok || sum != p.Spent {
				t.Errorf("since %d: %+v, want %d", since.Unix(), p, sum)
			}
		}
	}
}

func booksTrim(t *testing.T, s BookStore) {
	b := s.Open(t)
	all := someEntries(900, 7)
	appendTo(t, b, len(all), all...)
	cut := time.Date(2026, 10, 25, 0, 20, 0, 5, time.UTC)
	gone := 0
	for _, e := range all {
		if e.At.Before(cut) {
			gone++
		}
	}
	if n, err := b.Trim(t.Context(), cut); err != nil || n != int64(gone) {
		t.Fatalf("trimmed %d, %v; want %d", n, err, gone)
	}
	if n, err := b.Trim(t.Context(), cut.Add(-time.Hour)); err != nil || n != 0 {
		t.Fatalf("trimmed again %d, %v", n, err)
	}
	if left := entriesOf(t, b, gateway.EntryQuery{}); len(left) != len(all)-gone || left[0].At.Before(cut) {
		t.Errorf("%d entries are left, the first of %s", len(left), left[0].At)
	}
	berlin := zoneOf(t)("Europe/Berlin")
	for _, q := range []gateway.SpendQuery{
		{},
		{By: []gateway.Field{gateway.ByTeam, gateway.ByDay}},
		{By: []gateway.Field{gateway.ByHour, gateway.ByKey}, Zone: berlin, From: time.Date(2026, 10, 1, 5, 0, 0, 0, time.UTC)},
		{By: []gateway.Field{gateway.ByMonth}, Zone: berlin},
		{By: []gateway.Field{gateway.ByTag, gateway.ByState}, From: cut},
		{By: []gateway.Field{gateway.ByModel}, From: cut.Add(time.Minute)},
	} {
		got := spendOf(t, b, q)
		slices.SortFunc(got, byValues)
		if diff := gocmp.Diff(listed(all, q), got); diff != "" {
			t.Errorf("%+v after the trim (-want +got):\n%s", q, diff)
		}
	}
	for _, q := range []gateway.SpendQuery{
		{By: []gateway.Field{gateway.ByTag}},
		{From: cut.Add(-time.Minute)},
		{By: []gateway.Field{gateway.ByDay}, Zone: zoneOf(t)("Asia/Kolkata"), From: cut.Add(-time.Minute)},
	} {
		if rows, err := b.Spend(t.Context(), q); err == nil || temporary(err) || !strings.Contains(err.Error(), "trimmed") {
			t.Errorf("%+v is answered although entries are gone: %d rows, %v", q, len(rows), err)
		}
	}
	// What comes late is still booked.
	appendTo(t, b, 1, Booked("late", cut.Add(-24*time.Hour), 1))
	if got := spendOf(t, b, gateway.SpendQuery{}); got[0].Entries != int64(len(all)+1) {
		t.Errorf("%d entries, want %d", got[0].Entries, len(all)+1)
	}
}

// booksTrimMuch trims whole months while others write.
func booksTrimMuch(t *testing.T, s BookStore) {
	b := s.Open(t)
	var all []gateway.Entry
	for i := range 6000 {
		all = append(all, Booked(strconv.Itoa(i), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*time.Hour), 1))
	}
	appendTo(t, b, 6000, all...)
	done := make(chan error, 1)
	go func() {
		n, err := b.Trim(t.Context(), all[5000].At)
		if err == nil && n != 5000 {
			err = fmt.Errorf("%d were trimmed", n)
		}
		done <- err
	}()
	for i := 0; ; i++ {
		appendTo(t, b, 1, Booked(fmt.Sprint("new", i), booksAt, 1))
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			if got := entriesOf(t, b, gateway.EntryQuery{}); len(got) != 1000+i+1 {
				t.Errorf("%d entries are left, want %d", len(got), 1000+i+1)
			}
			// A month that was dropped can come back.
			appendTo(t, b, 1, Booked("late", all[10].At, 1))
			return
		default:
		}
	}
}

func booksRefuse(t *testing.T, s BookStore) {
	b := s.Open(t)
	appendTo(t, b, 2, Booked("1", booksAt, 1), Booked("2", booksAt.AddDate(10, 0, 0), 1))
	where := func(f gateway.Field, values ...string) map[gateway.Field][]string {
		return map[gateway.Field][]string{f: values}
	}
	for _, q := range []gateway.SpendQuery{
		{By: []gateway.Field{"shoe size"}},
		{By: []gateway.Field{"team; DROP TABLE ledger_entries"}},
		{By: []gateway.Field{gateway.ByTeam, gateway.ByTeam}},
		{Where: where("shoe size", "44")},
		{Where: where(gateway.ByDay, "2026-10-18")},
		{Where: where(gateway.ByTeam)},
		{Where: where(gateway.ByTeam, make([]string, 5000)...)},
		{By: []gateway.Field{gateway.ByHour, gateway.ByTag}},
	} {
		if rows, err := b.Spend(t.Context(), q); err == nil || temporary(err) {
			t.Errorf("by %v where %v is answered: %v, %v", q.By, len(q.Where), rows, err)
		}
	}
	for _, q := range []gateway.EntryQuery{{Where: where("shoe size", "44")}, {IDs: make([]string, 5000)}} {
		for _, err := range b.Entries(t.Context(), q) {
			if err == nil || temporary(err) {
				t.Errorf("%v is answered: %v", len(q.IDs), err)
			}
		}
	}
	// Days of ten years are few enough.
	if got := spendOf(t, b, gateway.SpendQuery{By: []gateway.Field{gateway.ByDay}, Zone: zoneOf(t)("Europe/Berlin")}); len(got) != 2 {
		t.Errorf("%v", got)
	}
}
