package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"weir/internal/books"
	"weir/internal/postgres/query"
)

// prefix begins the names of partitions; year and month follow: ledger_entries_2026_11.
const prefix = "ledger_entries_"

// arranging is the advisory lock of those who make or drop partitions: "weirpart" in bytes.
const arranging = 0x7765697270617274

// month is a partition: entries admitted in a month of UTC.
type month struct{ begin time.Time }

func monthOf(nanos int64) month {
	y, m, _ := time.Unix(0, nanos).UTC().Date()
	return month{time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)}
}

func (m month) next() month { return month{m.begin.AddDate(0, 1, 0)} }

func (m month) name() string { return prefix + m.begin.Format("2006_01") }

// bounds returns the first nanosecond and the first of the next month. The last month there is has no next.
func (m month) bounds() (from, to string) {
	from, to = strconv.FormatInt(m.begin.UnixNano(), 10), "MAXVALUE"
	if end := m.next().begin; end.Before(lastMonth) {
		to = strconv.FormatInt(end.UnixNano(), 10)
	}
	return from, to
}

// lastMonth is where nanoseconds in 64 bits end.
var lastMonth = time.Date(2262, 4, 1, 0, 0, 0, 0, time.UTC)

// monthOfName reads a partition's name; false for another table's.
func monthOfName(name string) (month, bool) {
	text, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return month{}, false
	}
	begin, err := time.Parse("2006_01", text)
	return month{begin}, err == nil
}

// partition makes the partitions that rows need, and of the newest of them the next month's too, so that it is there
// when the month begins.
func (s *Store) partition(ctx context.Context, rows []books.Row) error {
	var missing []month
	newest := int64(0)
	seen := map[string]bool{}
	s.mu.Lock()
	for i := range rows {
		newest = max(newest, rows[i].At)
		if m := monthOf(rows[i].At); !s.partitions[m.name()] && !seen[m.name()] {
			seen[m.name()] = true
			missing = append(missing, m)
		}
	}
	s.mu.Unlock()
	if len(missing) == 0 {
		return nil
	}
	if ahead := monthOf(newest).next(); ahead.begin.Before(lastMonth) && !seen[ahead.name()] {
		missing = append(missing, ahead)
	}
	for _, m := range missing {
		if err := s.create(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// create makes a partition unless there is one. A table is made and then attached, for making it in one step would wait
// for all readers, and have all others wait behind it.
func (s *Store) create(ctx context.Context, m month) error {
	err := s.writing(ctx, func(tx pgx.Tx, _ *query.Queries) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(arranging)); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", m.name()).Scan(&there); err != nil || there {
			return err
		}
		from, to := m.bounds()
		for _, text := range []string{
			"CREATE TABLE " + m.name() + " (LIKE ledger_entries INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
			"ALTER TABLE ledger_entries ATTACH PARTITION " + m.name() + " FOR VALUES FROM (" + from + ") TO (" + to + ")",
		} {
			if _, err := tx.Exec(ctx, text); err != nil {
				return fmt.Errorf("make the partition %s: %w", m.name(), err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partitions[m.name()] = true
	return nil
}

func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.partitions)
}

// noPartition reports that a row found no partition.
func noPartition(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23514" && e.TableName == "ledger_entries" && e.ConstraintName == ""
}

// drop drops the partitions that are wholly before a time, and returns how many entries they had. Detaching waits for
// those who read it and lets others read and write on; what was detached and not dropped, because somebody was stopped
// in between, is dropped too, whatever its time.
func (s *Store) drop(ctx context.Context, before int64) (deleted int64, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(arranging)); err != nil {
		return 0, err
	}
	defer func() {
		if _, unlock := conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", int64(arranging)); unlock != nil {
			err = errors.Join(err, conn.Conn().Close(ctx)) // the lock goes with the connection
		}
	}()
	rows, err := conn.Query(ctx, `SELECT c.relname::text, i.inhrelid IS NOT NULL, coalesce(i.inhdetachpending, false)
		FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
		WHERE c.relkind = 'r' AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'ledger_entries'::regclass)
		AND c.relname LIKE 'ledger\_entries\_%' ORDER BY 1`)
	if err != nil {
		return 0, err
	}
	type table struct {
		Name              string
		Attached, Leaving bool
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		return 0, err
	}
	for _, t := range tables {
		m, ok := monthOfName(t.Name)
		if !ok || t.Attached && !t.Leaving && m.next().begin.UnixNano() > before {
			continue
		}
		if t.Attached {
			how := "CONCURRENTLY"
			if t.Leaving {
				how = "FINALIZE"
			}
			if _, err := conn.Exec(ctx, "ALTER TABLE ledger_entries DETACH PARTITION "+m.name()+" "+how); err != nil {
				return deleted, err
			}
		}
		var n int64
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM "+m.name()).Scan(&n); err != nil {
			return deleted, err
		}
		if _, err := conn.Exec(ctx, "DROP TABLE "+m.name()); err != nil {
			return deleted, err
		}
		deleted += n
	}
	s.forget()
	return deleted, nil
}
