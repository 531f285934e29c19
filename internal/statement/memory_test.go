package statement

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// memory is gateway.Books in a slice: what the logic is tested against, written as plainly as can be.
type memory struct {
	entries []gateway.Entry
	off     map[string]gateway.Money // what a sum says more than its entries, by target: a fault that verify must find
	spoilt  gateway.Money            // what a window of a budget says more
}

func (m *memory) Append(_ context.Context, entries []gateway.Entry) (fresh int, err error) {
	for _, e := range entries {
		if slices.ContainsFunc(m.entries, func(o gateway.Entry) bool { return o.ID == e.ID }) {
			continue
		}
		m.entries = append(m.entries, e)
		fresh++
	}
	return fresh, nil
}

func (m *memory) Spent(_ context.Context, since time.Time) iter.Seq2[gateway.PotSpent, error] {
	type key struct {
		gateway.Charge
		node string
	}
	sums := map[key]gateway.Money{}
	for _, e := range m.entries {
		for _, c := range e.Charges {
			sums[key{c, e.Node}] += e.Cost
		}
	}
	return func(yield func(gateway.PotSpent, error) bool) {
		for k, v := range sums {
			if k.Window >= since.Unix() && !yield(gateway.PotSpent{Charge: k.Charge, Node: k.node, Spent: v + m.spoilt}, nil) {
				return
			}
		}
	}
}

// values are those of a field of an entry.
func values(e *gateway.Entry, f gateway.Field, zone *time.Location) []string {
	begin := func(every gateway.Every) []string {
		return []string{gateway.Window{Every: every, Zone: zone}.Begin(e.At).Format(time.RFC3339)}
	}
	switch f {
	case gateway.ByOrganisation:
		return []string{e.Organisation}
	case gateway.ByTeam:
		return []string{e.Team}
	case gateway.ByProject:
		return []string{e.Project}
	case gateway.ByUser:
		return []string{e.User}
	case gateway.ByKey:
		return []string{e.Key}
	case gateway.ByEndUser:
		return []string{e.EndUser}
	case gateway.BySession:
		return []string{e.Session}
	case gateway.ByTag:
		return e.Tags
	case gateway.ByModel:
		return []string{e.Asked}
	case gateway.ByProvider:
		return []string{e.Target.Provider}
	case gateway.ByTarget:
		return []string{e.Target.String()}
	case gateway.ByOperation:
		return []string{string(e.Op)}
	case gateway.ByState:
		return []string{string(e.State)}
	case gateway.ByPayer:
		return []string{string(e.Payer)}
	case gateway.ByNode:
		return []string{e.Node}
	case gateway.ByBatch:
		return []string{e.Batch}
	case gateway.ByHour:
		return begin(gateway.Hour)
	case gateway.ByDay:
		return begin(gateway.Day)
	case gateway.ByWeek:
		return begin(gateway.Week)
	case gateway.ByMonth:
		return begin(gateway.Month)
	}
	panic(f)
}

func found(e *gateway.Entry, from, to time.Time, where map[gateway.Field][]string) bool {
	if !from.IsZero() && e.At.Before(from) || !to.IsZero() && !e.At.Before(to) {
		return false
	}
	for f, wanted := range where {
		if !slices.ContainsFunc(values(e, f, time.UTC), func(v string) bool { return slices.Contains(wanted, v) }) {
			return false
		}
	}
	return true
}

func (m *memory) Spend(_ context.Context, q gateway.SpendQuery) ([]gateway.SpendRow, error) {
	sums := map[string]*gateway.SpendRow{}
	for i := range m.entries {
		e := &m.entries[i]
		if !found(e, q.From, q.To, q.Where) {
			continue
		}
		rows := [][]string{nil}
		for _, f := range q.By {
			var more [][]string
			for _, row := range rows {
				for _, v := range values(e, f, q.Zone) {
					more = append(more, append(slices.Clone(row), v))
				}
			}
			rows = more
		}
		for _, row := range rows {
			k := strings.Join(row, "\x00")
			if sums[k] == nil {
				sums[k] = &gateway.SpendRow{Values: row}
			}
			one := rowOf(e)
			if e.Unpriced != "" {
				one.Unpriced = 1
			}
			if e.Estimated {
				one.Estimated = 1
			}
			if e.State == gateway.EntryUnknown {
				one.Unknown = 1
			}
			one.Cost += m.off[e.Target.String()]
			add(sums[k], &one, 1)
		}
	}
	var out []gateway.SpendRow
	for _, r := range sums {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b gateway.SpendRow) int {
		return cmp.Or(cmp.Compare(b.Cost, a.Cost), slices.Compare(a.Values, b.Values))
	})
	if most := cmp.Or(q.Most, 10_000); len(out) > most {
		out = out[:most]
	}
	return out, nil
}

func (m *memory) Entries(_ context.Context, q gateway.EntryQuery) iter.Seq2[gateway.Entry, error] {
	sorted := slices.Clone(m.entries)
	slices.SortStableFunc(sorted, func(a, b gateway.Entry) int { return a.At.Compare(b.At) })
	return func(yield func(gateway.Entry, error) bool) {
		for i := range sorted {
			e := &sorted[i]
			if !found(e, q.From, q.To, q.Where) || q.IDs != nil && !slices.Contains(q.IDs, e.ID) || q.Exchange != "" && e.Exchange != q.Exchange {
				continue
			}
			if !yield(*e, nil) {
				return
			}
		}
	}
}

func (m *memory) Trim(_ context.Context, before time.Time) (int64, error) {
	n := len(m.entries)
	m.entries = slices.DeleteFunc(m.entries, func(e gateway.Entry) bool { return e.At.Before(before) })
	return int64(n - len(m.entries)), nil
}

var _ gateway.Books = (*memory)(nil)

var start = time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)

// entry is an answer of gpt-4.1-nano for a team, some hours after the start.
func entry(n int, team string, after time.Duration) gateway.Entry {
	return gateway.Entry{
		ID: fmt.Sprintf("00000000-0000-7000-8000-%012d", n), Exchange: fmt.Sprintf("x%d", n), Node: "weir-1", At: start.Add(after), State: gateway.EntryDone,
		Payer: gateway.Caller, Account: gateway.Account{Organisation: "acme", Team: team, Key: team + "-key"}, Op: llm.OpChat,
		Asked: "assistant", Target: gateway.Target{Provider: "openai", Model: "gpt-4.1-nano"}, Model: "gpt-4.1-nano-2025-04-14",
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 1_000_000, Output: 500_000},
		Items: []gateway.EntryItem{{Component: "input", Units: 1_000_000, Price: 100_000_000}, {Component: "output", Units: 500_000, Price: 400_000_000}},
		Cost:  300_000_000, Held: 400_000_000, Price: "openai/gpt-4.1-nano of old",
		Charges: []gateway.Charge{{Pot: "budget/" + team + "-month", Window: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).Unix()}},
	}
}
