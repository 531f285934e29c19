package sqlite

import (
	"context"
	"database/sql"
	"iter"
	"time"

	"weir/internal/books"
	"weir/internal/gateway"
	"weir/internal/sqlite/query"
)

// trimmed is the fact that says before when entries may be gone.
const trimmed = "trimmed"

// Spend implements gateway.Books.
func (s *Store) Spend(ctx context.Context, q gateway.SpendQuery) ([]gateway.SpendRow, error) {
	rows, err := s.spend(ctx, q, false)
	return rows, s.fail("read", err)
}

// SpendOfEntries is Spend without the sums that are kept: it adds up every entry. Where the two differ, sums are wrong.
func (s *Store) SpendOfEntries(ctx context.Context, q gateway.SpendQuery) ([]gateway.SpendRow, error) {
	rows, err := s.spend(ctx, q, true)
	return rows, s.fail("read", err)
}

func (s *Store) spend(ctx context.Context, q gateway.SpendQuery, raw bool) (rows []gateway.SpendRow, err error) {
	// In one transaction, so that all that is read stood there at one time.
	tx, err := s.reader.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // it was only read
	read := query.New(tx)
	span, err := read.Span(ctx)
	if err != nil {
		return nil, err
	}
	cut, err := read.Fact(ctx, trimmed)
	if err != nil {
		return nil, err
	}
	ask, err := flavour.Spend(q, books.Span{Oldest: span.Oldest, Newest: span.Newest, Trimmed: cut}, raw)
	if err != nil || ask.Empty() {
		return nil, err
	}
	found, err := tx.QueryContext(ctx, ask.SQL, ask.Args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	if rows, err = ask.Read(found.Next, found.Scan); err != nil {
		return nil, err
	}
	return rows, found.Err()
}

// spentPage is how many sums are read at once.
const spentPage = 1000

// Spent implements gateway.Books.
func (s *Store) Spent(ctx context.Context, since time.Time) iter.Seq2[gateway.PotSpent, error] {
	return func(yield func(gateway.PotSpent, error) bool) {
		after := query.SpentParams{Begins: sinceSeconds(since), Most: spentPage} // pots have names, so all of them come after ""
		for {
			rows, err := query.New(s.reader).Spent(ctx, after)
			if err != nil {
				yield(gateway.PotSpent{}, s.fail("read", err))
				return
			}
			for _, r := range rows {
				if !yield(gateway.PotSpent{Charge: gateway.Charge{Pot: r.Pot, Window: r.Begins}, Node: r.Node, Spent: gateway.Money(r.Spent)}, nil) {
					return
				}
				after.Begins, after.Pot, after.Node = r.Begins, r.Pot, r.Node
			}
			if len(rows) < spentPage {
				return
			}
		}
	}
}

// sinceSeconds returns the first whole second that is not before a time.
func sinceSeconds(t time.Time) int64 {
	if t.Unix() < 0 {
		return 0
	}
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return s
}

// Entries implements gateway.Books. It reads pages: a reader that takes its time holds nothing open.
func (s *Store) Entries(ctx context.Context, q gateway.EntryQuery) iter.Seq2[gateway.Entry, error] {
	return func(yield func(gateway.Entry, error) bool) {
		var after books.Place
		for {
			page, err := s.page(ctx, q, &after)
			if err != nil {
				yield(gateway.Entry{}, s.fail("read", err))
				return
			}
			for i := range page {
				if e, err := page[i].Entry(); !yield(e, err) {
					return
				}
			}
			if len(page) < books.Page {
				return
			}
		}
	}
}

func (s *Store) page(ctx context.Context, q gateway.EntryQuery, after *books.Place) (page []books.Row, err error) {
	text, args, err := flavour.Entries(q, *after)
	if err != nil {
		return nil, err
	}
	rows, err := s.reader.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r books.Row
		var seq int64
		if err := rows.Scan(r.Fields([]any{&seq})...); err != nil {
			return nil, err
		}
		after.At, after.Order = r.At, seq
		page = append(page, r)
	}
	return page, rows.Err()
}

// Trim implements gateway.Books. Each step is a transaction of about twenty milliseconds; a writer that waits gets its turn
// between two of them.
func (s *Store) Trim(ctx context.Context, before time.Time) (deleted int64, err error) {
	at := before.UnixNano()
	if before.Unix() <= 0 {
		return 0, nil
	}
	// First what readers go by: an answer must not leave out what is being deleted.
	err = s.writing(ctx, func(_ *sql.Tx, q *query.Queries) error {
		return q.RaiseFact(ctx, query.RaiseFactParams{Name: trimmed, Value: at})
	})
	const aim, least, most = 20 * time.Millisecond, 50, 5000
	for step := int64(200); err == nil; {
		var n int64
		began := time.Now()
		err = s.writing(ctx, func(_ *sql.Tx, q *query.Queries) (err error) {
			n, err = q.TrimEntries(ctx, query.TrimEntriesParams{Before: at, Most: step})
			return err
		})
		if err != nil {
			break
		}
		deleted += n
		if n < step {
			break
		}
		if took := time.Since(began); took > 2*aim {
			step = max(step/2, least)
		} else if took < aim {
			step = min(step*3/2, most)
		}
	}
	return deleted, s.fail("trim", err)
}
