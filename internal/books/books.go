// Package books is what the databases that keep the ledger share: how an entry is a row, which sums are kept of new rows,
// and how a question about spend is put in SQL, so that each of them answers alike.
//
// Sums are kept by hour and by day of UTC, for each series: a combination of account, model, target, operation, payer and
// node. A question is cut into buckets of its own zone (a day in Berlin, a month in Tokyo); each bucket is covered by
// whole days, to which hours are added at its edges or from which they are subtracted, and by entries where it begins or
// ends within an hour. Questions about what no series knows, and zones that are off by parts of an hour, are answered from
// entries alone, which is refused for times that were trimmed.
package books

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"weir/internal/gateway"
)

// Error is what a store returns: what was done and why it failed.
type Error struct {
	Op   string // such as "append to sqlite"
	Soft bool   // the same may work later: the store is away, busy or full
	Err  error
}

// Error implements error.
func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same may work later.
func (e *Error) Temporary() bool { return e.Soft }

// Wrap says what was done when err happened. It returns nil for nil, and an *Error as it is.
func Wrap(op string, err error, soft func(error) bool) error {
	var already *Error
	if err == nil || errors.As(err, &already) {
		return err
	}
	over := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	return &Error{Op: op, Soft: over || soft(err), Err: err}
}

// Asking is an error of the one who asks, not of the store.
func Asking(format string, args ...any) error {
	return &Error{Op: "ask the ledger", Err: fmt.Errorf(format, args...)}
}

// Series is what sums are told apart by.
type Series struct {
	Organisation, Team, Project, User, Key, Asked, Provider, Target, Op, Payer, Node string
}

// Digest returns a name for the series of one size, whatever its texts.
func (s *Series) Digest() [sha256.Size]byte {
	var text []byte
	for _, v := range []string{s.Organisation, s.Team, s.Project, s.User, s.Key, s.Asked, s.Provider, s.Target, s.Op, s.Payer, s.Node} {
		text = binary.AppendUvarint(text, uint64(len(v)))
		text = append(text, v...)
	}
	return sha256.Sum256(text)
}

// Sums are what is added up of entries.
type Sums struct {
	Entries, Input, CacheRead, Output, Cost, Saved, Unpriced, Estimated, Unknown, Open int64
}

func (s *Sums) add(r *Row) {
	s.Entries++
	s.Input += r.Input
	s.CacheRead += r.CacheRead
	s.Output += r.Output
	s.Cost += r.Cost
	s.Saved += r.Saved
	if r.Unpriced != "" {
		s.Unpriced++
	}
	if r.Estimated != 0 || r.State == string(gateway.EntryEstimated) {
		s.Estimated++
	}
	if r.State == string(gateway.EntryUnknown) {
		s.Unknown++
	}
	if r.State == string(gateway.EntryOpened) {
		s.Open++
	}
}

// Slot is a series in an hour or a day.
type Slot struct {
	Begins int64 // seconds since 1970
	Series int   // its place in Tally.Series
	Sums
}

// Charged is what is charged to a window of a budget.
type Charged struct {
	Begins    int64
	Pot, Node string
	Spent     int64
}

// Tally is what new entries add to the sums. All of it is sorted, so that two that write at once take rows in one order.
type Tally struct {
	Series  []Series
	Digests [][]byte
	Hourly  []Slot
	Daily   []Slot
	Charged []Charged
}

// The lengths of what sums are kept by, in seconds and nanoseconds.
const (
	hour   = 3600
	day    = 24 * hour
	second = 1_000_000_000
)

type place struct{ begins, series int64 }

type window struct {
	begins    int64
	pot, node string
}

// Count adds up rows that were not there before.
func Count(rows []Row) *Tally {
	t := &Tally{}
	known := map[Series]int64{}
	hours, days := map[place]*Sums{}, map[place]*Sums{}
	charged := map[window]int64{}
	for i := range rows {
		r := &rows[i]
		s := r.series()
		n, ok := known[s]
		if !ok {
			n = int64(len(t.Series))
			known[s] = n
			t.Series = append(t.Series, s)
		}
		sec := r.At / second
		sum(hours, place{sec - sec%hour, n}).add(r)
		sum(days, place{sec - sec%day, n}).add(r)
		for _, c := range r.charged {
			charged[window{c.Window, Clean(c.Pot), r.Node}] += r.Cost
		}
	}
	t.sortSeries()
	order := make(map[Series]int, len(t.Series))
	for i, s := range t.Series {
		order[s] = i
	}
	moved := make([]int, len(t.Series))
	for s, n := range known {
		moved[n] = order[s]
	}
	t.Hourly, t.Daily = slots(hours, moved), slots(days, moved)
	for w, spent := range charged {
		t.Charged = append(t.Charged, Charged{Begins: w.begins, Pot: w.pot, Node: w.node, Spent: spent})
	}
	slices.SortFunc(t.Charged, func(a, b Charged) int {
		return cmp.Or(cmp.Compare(a.Begins, b.Begins), cmp.Compare(a.Pot, b.Pot), cmp.Compare(a.Node, b.Node))
	})
	return t
}

func sum(of map[place]*Sums, at place) *Sums {
	s := of[at]
	if s == nil {
		s = &Sums{}
		of[at] = s
	}
	return s
}

// sortSeries sorts by digest, which is what a store's unique index has.
func (t *Tally) sortSeries() {
	type named struct {
		digest [sha256.Size]byte
		series Series
	}
	all := make([]named, len(t.Series))
	for i := range t.Series {
		all[i] = named{t.Series[i].Digest(), t.Series[i]}
	}
	slices.SortFunc(all, func(a, b named) int { return slices.Compare(a.digest[:], b.digest[:]) })
	t.Digests = make([][]byte, len(all))
	for i := range all {
		t.Series[i], t.Digests[i] = all[i].series, slices.Clone(all[i].digest[:])
	}
}

func slots(of map[place]*Sums, moved []int) []Slot {
	all := make([]Slot, 0, len(of))
	for at, s := range of {
		all = append(all, Slot{Begins: at.begins, Series: moved[at.series], Sums: *s})
	}
	slices.SortFunc(all, func(a, b Slot) int { return cmp.Or(cmp.Compare(a.Begins, b.Begins), cmp.Compare(a.Series, b.Series)) })
	return all
}
