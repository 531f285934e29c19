package postgres

import (
	"context"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"weir/internal/books"
	"weir/internal/gateway"
	"weir/internal/postgres/query"
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
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		read := query.New(tx)
		span, err := read.Span(ctx)
		if err != nil {
			return err
		}
		cut, err := read.Fact(ctx, trimmed)
		if err != nil {
			return err
		}
		ask, err := flavour.Spend(q, books.Span{Oldest: span.Oldest, Newest: span.Newest, Trimmed: cut}, raw)
		if err != nil || ask.Empty() {
			return err
		}
		// The text of a question holds its times: nobody asks it twice, so it is not prepared.
		found, err := tx.Query(ctx, ask.SQL, append([]any{pgx.QueryExecModeExec}, ask.Args...)...)
		if err != nil {
			return err
		}
		defer found.Close()
		if rows, err = ask.Read(found.Next, found.Scan); err != nil {
			return err
		}
		return found.Err()
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// spentPage is how many sums are read at once.
const spentPage = 1000

// Spent implements gateway.Books.
func (s *Store) Spent(ctx context.Context, since time.Time) iter.Seq2[gateway.PotSpent, error] {
	return func(yield func(gateway.PotSpent, error) bool) {
		after := query.SpentParams{Begins: sinceSeconds(since), Most: spentPage} // pots have names, so all of them come after ""
		for {
			rows, err := query.New(s.pool).Spent(ctx, after)
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
	rows, err := s.pool.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r books.Row
		var id string
		if err := rows.Scan(r.Fields([]any{&id})...); err != nil {
			return nil, err
		}
		after.At, after.Order = r.At, id
		page = append(page, r)
	}
	return page, rows.Err()
}

// Trim implements gateway.Books: whole months at once, what is left of the last one in short steps.
func (s *Store) Trim(ctx context.Context, before time.Time) (deleted int64, err error) {
	at := before.UnixNano()
	if before.Unix() <= 0 {
		return 0, nil
	}
	deleted, err = s.trim(ctx, at)
	return deleted, s.fail("trim", err)
}

func (s *Store) trim(ctx context.Context, at int64) (deleted int64, err error) {
	// First what readers go by: an answer must not leave out what is being deleted.
	q := query.New(s.pool)
	if err := q.RaiseFact(ctx, query.RaiseFactParams{Name: trimmed, Value: at}); err != nil {
		return 0, err
	}
	if deleted, err = s.drop(ctx, at); err != nil {
		return deleted, err
	}
	const step = 2000
	for {
		n, err := q.TrimEntries(ctx, query.TrimEntriesParams{Before: at, Most: step})
		if err != nil {
			return deleted, err
		}
		if deleted += n; n < step {
			return deleted, nil
		}
	}
}
