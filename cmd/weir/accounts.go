package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"weir/internal/config"
	"weir/internal/gateway"
	"weir/internal/journal"
	"weir/internal/ledger"
	budgets "weir/internal/policy/budget"
	"weir/internal/postgres"
	"weir/internal/pot"
	"weir/internal/redis"
	"weir/internal/sqlite"
)

// accounts are what the node's money is kept in: the journal and the books behind it, and what limits and budgets have
// left.
type accounts struct {
	books  gateway.Books
	ledger *ledger.Ledger
	pots   *pot.Pots
	close  []func() error // stores, in the order in which they were opened
}

// Bounds of what is done at the start and the end.
const (
	openTime    = 30 * time.Second // until a store has answered and its schema is as it should be
	handTime    = 10 * time.Second // to bring what an earlier process left to the books
	partingTime = 5 * time.Second  // to bring the last entries to them, and slices back
)

// openAccounts opens what the document names: PostgreSQL, or SQLite in the folder of the node; Redis, where limits are
// shared through it. A folder that cannot be written is told in the log: nothing of money is kept then beyond the end of
// the process. A store that does not answer is an error: what is spent already is not known.
func (n *node) openAccounts(ctx context.Context, doc *config.Document) (err error) {
	a := &accounts{}
	n.accounts = a
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	options := pot.Options{Node: doc.Node.Named()}
	folder := os.MkdirAll(doc.Node.DataDir, 0o700)
	switch store := doc.Node.Store; {
	case store.URL != "":
		books, err := postgres.Open(ctx, store.URL, store.Password.Reveal(), postgres.Options{})
		if err != nil {
			return fmt.Errorf("node.store: %w", err)
		}
		a.books, a.close = books, append(a.close, books.Close)
		options.Shares = books
	case folder == nil:
		books, err := sqlite.Open(ctx, filepath.Join(doc.Node.DataDir, storeFile), sqlite.Options{})
		if err != nil {
			return err
		}
		a.books, a.close = books, append(a.close, books.Close)
	}
	if at := doc.Node.Shared; at.URL != "" {
		shared, err := redis.Open(ctx, at.URL, at.Password.Reveal(), redis.Options{})
		if err != nil {
			return fmt.Errorf("node.shared: %w", err)
		}
		a.close = append(a.close, shared.Close)
		options.Purses = options.Shares // what is spent is not for a store that may forget
		options.Shares = shared
	}
	if a.books == nil {
		n.log.Warn("what is spent is not written down: a restart forgets it, and budgets begin again; set node.data_dir to a folder that can be written, or node.store", "error", folder)
		return n.openPots(ctx, options)
	}
	what := ledger.Options{Books: a.books, Log: n.log}
	if folder == nil {
		a.ledger, err = ledger.Open(filepath.Join(doc.Node.DataDir, journalFolder), what)
	} else {
		n.log.Warn("what is spent waits in memory until the store has it; set node.data_dir to a folder that can be written", "error", folder)
		a.ledger = ledger.NewMemory(what)
	}
	switch {
	case errors.Is(err, journal.ErrLocked):
		return fmt.Errorf("%w; give each process a node.data_dir of its own", err)
	case err != nil:
		return err
	}
	n.engine.Ledger(a.ledger, doc.Node.Named())
	n.ledgerMetrics()
	return n.openPots(ctx, options)
}

// openPots makes what limits and budgets draw from, with what was spent before.
func (n *node) openPots(ctx context.Context, options pot.Options) error {
	a := n.accounts
	a.pots = pot.New(options)
	n.compiler.Govern(a.pots, n.overLine)
	n.potMetrics()
	if a.books == nil {
		return nil
	}
	hand, cancel := context.WithTimeout(ctx, handTime)
	defer cancel()
	if err := a.ledger.Flush(hand); err != nil {
		return fmt.Errorf("what an earlier process left in the journal cannot be brought to the store: %w", err)
	}
	since := time.Now().AddDate(-1, 0, -7) // the longest window is a year
	for _, from := range [...]time.Time{since, {}} {
		for s, err := range a.books.Spent(ctx, from) {
			if err != nil {
				return fmt.Errorf("what is spent cannot be read: %w", err)
			}
			if from.IsZero() == (s.Window == 0) { // what has no window is looked for by itself
				a.pots.Load(s)
			}
		}
	}
	for e := range a.ledger.Undrained() { // open holds, which nothing has at a start
		for _, c := range e.Charges {
			a.pots.Load(gateway.PotSpent{Charge: c, Node: e.Node, Spent: max(e.Cost, e.Held)})
		}
	}
	return nil
}

// wake has the budgets looked at that the node shares with others.
func (n *node) wake() {
	for _, h := range n.engine.Snapshot().Holders {
		if b, ok := h.(*budgets.Holder); ok {
			b.Wake(time.Now())
		}
	}
}

// overLine tells the log that a line of a budget was passed.
func (n *node) overLine(e budgets.Event) {
	share := fmt.Sprintf("%d.%02d %%", e.Line/100, e.Line%100)
	n.log.Warn("a budget has passed a line", "budget", e.Budget, "of", e.Pot, "window", e.Window.UTC().Format(time.RFC3339), "line", share,
		"spent_usd", e.Spent.String()[1:], "amount_usd", e.Amount.String()[1:])
}

// end brings what is left to the stores and closes them. Nothing may be under way.
func (a *accounts) end() (err error) {
	if a == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	defer cancel()
	if a.ledger != nil {
		err = a.ledger.Shutdown(ctx)
	}
	if a.pots != nil {
		back, cancel := context.WithTimeout(context.Background(), partingTime)
		defer cancel()
		err = errors.Join(err, a.pots.Close(back))
	}
	for _, end := range slices.Backward(a.close) {
		err = errors.Join(err, end())
	}
	return err
}

// ledgerMetrics tells how the ledger is doing.
func (n *node) ledgerMetrics() {
	l := n.accounts.ledger
	n.metrics.Gauge("weir_ledger_holds", "Attempts whose hold is written and not closed.", func() int64 { return int64(l.Stats().Holds) })
	n.metrics.Gauge("weir_ledger_undrained", "Entries that are in the journal and not in the store.", func() int64 { return int64(l.Stats().Undrained) })
	n.metrics.Gauge("weir_ledger_undrained_bytes", "Bytes of the journal that they take.", func() int64 { return l.Stats().UndrainedBytes })
	n.metrics.Gauge("weir_ledger_behind_seconds", "How long the store has not had everything.", func() int64 { return int64(l.Stats().Behind.Seconds()) })
	n.metrics.Counter("weir_ledger_entries_total", "Entries that the store has taken.", func() uint64 { return l.Stats().Fresh })
	n.metrics.Counter("weir_ledger_failures_total", "Batches of entries that the store did not take; they are brought again.", func() uint64 { return l.Stats().Failures })
	n.metrics.Counter("weir_ledger_refused_total", "Attempts that were refused because their hold could not be written.", func() uint64 { return l.Stats().Refused })
	n.metrics.Counter("weir_ledger_damaged_bytes_total", "Bytes of the journal that cannot be read.", func() uint64 { return uint64(max(l.Stats().Damaged, 0)) })
	n.metrics.Gauge("weir_ledger_stranded", "Entries that the journal does not take and the store does not have yet.", func() int64 { return int64(l.Stats().Stranded) })
	n.metrics.Gauge("weir_ledger_unknown", "Entries made at the start of holds whose outcome nobody knows.", func() int64 { return int64(l.Stats().Unknown) })
}

// potMetrics tells how limits and budgets are doing.
func (n *node) potMetrics() {
	p := n.accounts.pots
	n.metrics.Gauge("weir_pots", "Limits and budgets that something was drawn from, each value counted.", func() int64 { return p.Stats().Pots })
	n.metrics.Counter("weir_pots_refused_total", "Draws that found less than they asked for.", func() uint64 { return uint64(max(p.Stats().Refused, 0)) })
	n.metrics.Counter("weir_pots_full_total", "Draws that were refused because no further limit or budget could be kept in memory.", func() uint64 { return uint64(max(p.Stats().Full, 0)) })
	n.metrics.Counter("weir_pots_overdrafts_total", "Settlements of more than was held.", func() uint64 { return uint64(max(p.Stats().Overdrafts, 0)) })
	for _, store := range [...]struct {
		name, what string
		stats      func() pot.FleetStats
	}{
		{"weir_slices_rates", "limits", func() pot.FleetStats { return p.Stats().Rates }},
		{"weir_slices_purses", "budgets", func() pot.FleetStats { return p.Stats().Purses }},
	} {
		n.metrics.Counter(store.name+"_calls_total", "Calls of the store that nodes share for slices of "+store.what+".", func() uint64 { return uint64(max(store.stats().Calls, 0)) })
		n.metrics.Counter(store.name+"_failures_total", "Such calls that failed.", func() uint64 { return uint64(max(store.stats().Failures, 0)) })
		n.metrics.Gauge(store.name+"_silent_seconds", "How long that store has not answered.", func() int64 { return int64(store.stats().Silent.Seconds()) })
	}
}
