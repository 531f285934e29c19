package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"weir/internal/books"
	"weir/internal/gateway"
	"weir/internal/postgres/query"
)

// insert adds rows that are given as one array for each column, and says which were not there.
var insert = func() string {
	var b strings.Builder
	b.WriteString("INSERT INTO ledger_entries (" + books.Names() + ") SELECT * FROM unnest(")
	for i, c := range books.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
		if _, text := c.Field(&books.Row{}).(*string); text {
			b.WriteString("::text[]")
		} else {
			b.WriteString("::bigint[]")
		}
	}
	b.WriteString(") ON CONFLICT (id, at) DO NOTHING RETURNING id")
	return b.String()
}()

// Append implements gateway.Books.
func (s *Store) Append(ctx context.Context, entries []gateway.Entry) (fresh int, err error) {
	if len(entries) == 0 {
		return 0, nil
	}
	rows := books.Rows(entries)
	const tries = 3
	for n := 1; ; n++ {
		if err = s.partition(ctx, rows); err != nil {
			break
		}
		if fresh, err = s.append(ctx, rows); err == nil || n == tries || !noPartition(err) {
			break
		}
		// Another node has dropped one, or was stopped while it did: what it left behind bears the partition's name.
		if _, err = s.drop(ctx, 0); err != nil {
			break
		}
	}
	if err != nil {
		return 0, s.fail("append to", err)
	}
	return fresh, nil
}

func (s *Store) append(ctx context.Context, rows []books.Row) (fresh int, err error) {
	met := map[[sha256.Size]byte]int64{} // series that the cache does not know: it learns them after the commit
	err = s.writing(ctx, func(tx pgx.Tx, q *query.Queries) error {
		clear(met)
		added, err := add(ctx, tx, rows)
		if err != nil {
			return err
		}
		fresh = len(added)
		return s.sum(ctx, q, books.Count(added), met)
	})
	if err == nil {
		s.remember(met)
	}
	return fresh, err
}

// add inserts rows and returns those that were not there.
func add(ctx context.Context, tx pgx.Tx, rows []books.Row) ([]books.Row, error) {
	args := make([]any, len(books.Columns))
	for c, column := range books.Columns {
		if _, text := column.Field(&books.Row{}).(*string); text {
			args[c] = gather[string](rows, column)
		} else {
			args[c] = gather[int64](rows, column)
		}
	}
	found, err := tx.Query(ctx, insert, args...)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	if len(ids) == len(rows) {
		return rows, nil
	}
	fresh := make(map[string]bool, len(ids))
	for _, id := range ids {
		fresh[id] = true
	}
	added := make([]books.Row, 0, len(ids))
	for i := range rows {
		if fresh[rows[i].ID] {
			added = append(added, rows[i])
		}
	}
	return added, nil
}

func gather[T any](rows []books.Row, c books.Column) []T {
	all := make([]T, len(rows))
	for i := range rows {
		if v, ok := c.Field(&rows[i]).(*T); ok {
			all[i] = *v
		}
	}
	return all
}

func (s *Store) sum(ctx context.Context, q *query.Queries, t *books.Tally, met map[[sha256.Size]byte]int64) error {
	ids, err := s.seriesIDs(ctx, q, t, met)
	if err != nil {
		return err
	}
	if len(t.Hourly) > 0 {
		if err := q.AddHourly(ctx, query.AddHourlyParams(columns(t.Hourly, ids))); err != nil {
			return err
		}
	}
	if len(t.Daily) > 0 {
		if err := q.AddDaily(ctx, columns(t.Daily, ids)); err != nil {
			return err
		}
	}
	if len(t.Charged) == 0 {
		return nil
	}
	var p query.AddSpentParams
	for _, c := range t.Charged {
		p.Begins, p.Pots, p.Nodes, p.Spent = append(p.Begins, c.Begins), append(p.Pots, c.Pot), append(p.Nodes, c.Node), append(p.Spent, c.Spent)
	}
	return q.AddSpent(ctx, p)
}

func columns(slots []books.Slot, ids []int64) (p query.AddDailyParams) {
	for i := range slots {
		s := &slots[i]
		p.Begins, p.Series = append(p.Begins, s.Begins), append(p.Series, ids[s.Series])
		p.Entries, p.Input, p.CacheRead = append(p.Entries, s.Entries), append(p.Input, s.Input), append(p.CacheRead, s.CacheRead)
		p.Output, p.Cost, p.Saved = append(p.Output, s.Output), append(p.Cost, s.Cost), append(p.Saved, s.Saved)
		p.Unpriced, p.Estimated = append(p.Unpriced, s.Unpriced), append(p.Estimated, s.Estimated)
		p.Unknown, p.Opened = append(p.Unknown, s.Unknown), append(p.Opened, s.Open)
	}
	return p
}

// seriesIDs returns the ids of a tally's series, in its order.
func (s *Store) seriesIDs(ctx context.Context, q *query.Queries, t *books.Tally, met map[[sha256.Size]byte]int64) ([]int64, error) {
	ids := make([]int64, len(t.Series))
	var p query.AddSeriesParams
	missing := map[[sha256.Size]byte]int{}
	s.mu.Lock()
	for i := range t.Series {
		key := [sha256.Size]byte(t.Digests[i])
		id, ok := s.series[key]
		if ok {
			ids[i] = id
			continue
		}
		missing[key] = i
		n := &t.Series[i]
		p.Digests, p.Organisations, p.Teams = append(p.Digests, t.Digests[i]), append(p.Organisations, n.Organisation), append(p.Teams, n.Team)
		p.Projects, p.Users, p.Keys = append(p.Projects, n.Project), append(p.Users, n.User), append(p.Keys, n.Key)
		p.Asked, p.Providers, p.Targets = append(p.Asked, n.Asked), append(p.Providers, n.Provider), append(p.Targets, n.Target)
		p.Operations, p.Payers, p.Nodes = append(p.Operations, n.Op), append(p.Payers, n.Payer), append(p.Nodes, n.Node)
	}
	s.mu.Unlock()
	if len(missing) == 0 {
		return ids, nil
	}
	if err := q.AddSeries(ctx, p); err != nil {
		return nil, err
	}
	found, err := q.Series(ctx, p.Digests)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		key := [sha256.Size]byte(r.Digest)
		met[key], ids[missing[key]] = r.ID, r.ID
	}
	if len(found) != len(missing) {
		return nil, fmt.Errorf("%d of %d series were written and are not there", len(missing)-len(found), len(missing))
	}
	return ids, nil
}

// remember keeps the names of series that are in the database for good.
func (s *Store) remember(met map[[sha256.Size]byte]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.series)+len(met) > mostSeries {
		clear(s.series)
	}
	maps.Copy(s.series, met)
}

// Backup says how a database is kept: PostgreSQL's own tools do that, while it runs.
func (s *Store) Backup(context.Context, string) error {
	return s.fail("back up", errors.New("use pg_dump, which reads a database as it stands at one time: pg_dump --format=custom --file=FILE DATABASE"))
}
