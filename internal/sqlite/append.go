package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"maps"

	"weir/internal/books"
	"weir/internal/gateway"
	"weir/internal/sqlite/query"
)

// Append implements gateway.Books.
func (s *Store) Append(ctx context.Context, entries []gateway.Entry) (fresh int, err error) {
	if len(entries) == 0 {
		return 0, nil
	}
	rows := books.Rows(entries)
	met := map[[sha256.Size]byte]int64{} // series that the cache does not know: it learns them after the commit
	err = s.writing(ctx, func(tx *sql.Tx, q *query.Queries) error {
		clear(met)
		added, err := s.add(ctx, tx, rows)
		if err != nil {
			return err
		}
		fresh = len(added)
		return s.sum(ctx, q, books.Count(added), met)
	})
	if err != nil {
		return 0, s.fail("append to", err)
	}
	s.remember(met)
	return fresh, nil
}

// add inserts rows and returns those that were not there.
func (s *Store) add(ctx context.Context, tx *sql.Tx, rows []books.Row) ([]books.Row, error) {
	insert := tx.StmtContext(ctx, s.insert)
	defer insert.Close()
	added := make([]books.Row, 0, len(rows))
	args := make([]any, 0, len(books.Columns))
	for i := range rows {
		args = rows[i].Values(args[:0])
		result, err := insert.ExecContext(ctx, args...)
		if err != nil {
			return nil, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return nil, err
		}
		if n > 0 {
			added = append(added, rows[i])
		}
	}
	return added, nil
}

func (s *Store) sum(ctx context.Context, q *query.Queries, t *books.Tally, met map[[sha256.Size]byte]int64) error {
	ids := make([]int64, len(t.Series))
	for i := range t.Series {
		id, err := s.seriesID(ctx, q, &t.Series[i], t.Digests[i], met)
		if err != nil {
			return err
		}
		ids[i] = id
	}
	for _, h := range t.Hourly {
		if err := q.AddHourly(ctx, query.AddHourlyParams{
			Begins: h.Begins, Series: ids[h.Series], Entries: h.Entries, Input: h.Input, CacheRead: h.CacheRead, Output: h.Output,
			Cost: h.Cost, Saved: h.Saved, Unpriced: h.Unpriced, Estimated: h.Estimated, Unknown: h.Unknown, Opened: h.Open,
		}); err != nil {
			return err
		}
	}
	for _, d := range t.Daily {
		if err := q.AddDaily(ctx, query.AddDailyParams{
			Begins: d.Begins, Series: ids[d.Series], Entries: d.Entries, Input: d.Input, CacheRead: d.CacheRead, Output: d.Output,
			Cost: d.Cost, Saved: d.Saved, Unpriced: d.Unpriced, Estimated: d.Estimated, Unknown: d.Unknown, Opened: d.Open,
		}); err != nil {
			return err
		}
	}
	for _, c := range t.Charged {
		if err := q.AddSpent(ctx, query.AddSpentParams{Begins: c.Begins, Pot: c.Pot, Node: c.Node, Spent: c.Spent}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) seriesID(ctx context.Context, q *query.Queries, n *books.Series, digest []byte, met map[[sha256.Size]byte]int64) (int64, error) {
	key := [sha256.Size]byte(digest)
	s.mu.Lock()
	id, ok := s.series[key]
	s.mu.Unlock()
	if ok {
		return id, nil
	}
	if err := q.AddSeries(ctx, query.AddSeriesParams{
		Digest: digest, Organisation: n.Organisation, Team: n.Team, Project: n.Project, UserName: n.User, KeyName: n.Key,
		Asked: n.Asked, Provider: n.Provider, Target: n.Target, Operation: n.Op, Payer: n.Payer, Node: n.Node,
	}); err != nil {
		return 0, err
	}
	id, err := q.Series(ctx, digest)
	met[key] = id
	return id, err
}

// remember keeps the names of series that are in the file for good.
func (s *Store) remember(met map[[sha256.Size]byte]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.series)+len(met) > mostSeries {
		clear(s.series)
	}
	maps.Copy(s.series, met)
}
