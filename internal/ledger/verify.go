package ledger

import (
	"context"
	"fmt"

	"weir/internal/gateway"
	"weir/internal/journal"
)

// Report says whether a journal and the books agree.
type Report struct {
	Holds   int // open: their attempts are on their way, or nobody knows what became of them
	Entries int // closed, as far as the journal still has them
	Waiting int // of these, not in the books and not yet marked as being there: they are brought to them
	// Missing are marked as being in the books and are not there; entries that were trimmed are among them. Differing are
	// there with another amount, state or budget. Both name at most MostNamed entries.
	Missing, Differing           []string
	MissingCount, DifferingCount int
	Cost                         gateway.Money // of the closed entries, as the journal has them
	CostWaiting                  gateway.Money
	Damaged                      int64 // bytes of the journal that cannot be read
	Unreadable                   int   // records of a later version
}

// MostNamed is how many entries a Report names.
const MostNamed = 100

// Agree reports whether nothing is missing, differs or is damaged.
func (r *Report) Agree() bool {
	return r.MissingCount == 0 && r.DifferingCount == 0 && r.Damaged == 0 && r.Unreadable == 0
}

// verifyBatch is how many entries are asked for at once.
const verifyBatch = 500

// Verify compares the journal in a folder with the books. A gateway may be using both.
func Verify(ctx context.Context, dir string, books gateway.Books) (*Report, error) {
	v := verifier{ctx: ctx, books: books, open: map[string]bool{}}
	// The mark moves behind the books, so where it stood before reading is where it is safe to expect entries in them.
	mark, err := journal.Visit(dir, func(journal.Record) bool { return false })
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's journal in %s: %w", dir, err)
	}
	v.mark = mark
	_, err = journal.Visit(dir, v.record)
	if err == nil {
		err = v.compare()
	}
	if v.err != nil {
		err = v.err
	}
	if err != nil {
		return nil, fmt.Errorf("comparing the ledger's journal in %s with the books: %w", dir, err)
	}
	v.report.Holds = len(v.open)
	return &v.report, nil
}

type verifier struct {
	ctx    context.Context //nolint:containedctx // it lives as long as one call
	books  gateway.Books
	mark   journal.Position
	report Report
	open   map[string]bool
	batch  []checked
	err    error
}

type checked struct {
	e      gateway.Entry
	marked bool
}

func (v *verifier) record(r journal.Record) bool {
	v.report.Damaged += r.Skipped
	if r.Bytes == nil {
		return true
	}
	k, e, err := decode(r.Bytes)
	if err != nil {
		v.report.Unreadable++
		return true
	}
	if k == kindHold {
		v.open[e.ID] = true
		return true
	}
	delete(v.open, e.ID)
	if k == kindEntry {
		v.batch = append(v.batch, checked{e, r.End.Compare(v.mark) <= 0})
	}
	if len(v.batch) >= verifyBatch {
		v.err = v.compare()
	}
	return v.err == nil
}

// compare compares the batch.
func (v *verifier) compare() error {
	if len(v.batch) == 0 {
		return nil
	}
	ids := make([]string, len(v.batch))
	for i := range v.batch {
		ids[i] = v.batch[i].e.ID
	}
	got := map[string]gateway.Entry{}
	for e, err := range v.books.Entries(v.ctx, gateway.EntryQuery{IDs: ids}) {
		if err != nil {
			return err
		}
		got[e.ID] = e
	}
	for i := range v.batch {
		want, marked := &v.batch[i].e, v.batch[i].marked
		v.report.Entries++
		v.report.Cost += want.Cost
		switch have, ok := got[want.ID]; {
		case ok && !sameMoney(&have, want):
			v.report.DifferingCount++
			v.report.Differing = name(v.report.Differing, want.ID)
		case ok:
		case marked:
			v.report.MissingCount++
			v.report.Missing = name(v.report.Missing, want.ID)
		default:
			v.report.Waiting++
			v.report.CostWaiting += want.Cost
		}
	}
	v.batch = v.batch[:0]
	return nil
}

func name(names []string, id string) []string {
	if len(names) < MostNamed {
		names = append(names, id)
	}
	return names
}

// sameMoney compares what an entry is about: amounts, state, and what it is charged to.
func sameMoney(a, b *gateway.Entry) bool {
	if a.Cost != b.Cost || a.Saved != b.Saved || a.State != b.State || a.Payer != b.Payer || !a.At.Equal(b.At) || len(a.Charges) != len(b.Charges) {
		return false
	}
	for i := range a.Charges {
		if a.Charges[i] != b.Charges[i] {
			return false
		}
	}
	return true
}
