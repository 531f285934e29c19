// Package postgres keeps the ledger's books in PostgreSQL: gateway.Books for any number of nodes.
//
// Entries stand in a partition for each month of admission, which is made when the first entry of the month comes, and the
// next month's beside it; what is wholly older than Trim is asked to keep leaves as a whole partition. Nodes take rows of
// sums in one order, so that none waits for another in a circle; and as the node is part of what sums are told apart by,
// they hardly meet at all.
package postgres

//go:generate ../../bin/tools/sqlc generate

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"weir/internal/books"
	"weir/internal/gateway"
	"weir/internal/postgres/query"
)

// Options are how a database is used. The zero value is what a gateway uses.
type Options struct {
	// ReadOnly migrates nothing and writes nothing. It is for commands beside a running gateway.
	ReadOnly bool
	// Connections is how many are held at most; 0 = 8.
	Connections int
}

// Store keeps books in a database. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	name string // host and database, for errors: never the password

	mu         sync.Mutex // guards what follows
	series     map[[sha256.Size]byte]int64
	partitions map[string]bool // by name, those that are known to be there
}

var _ gateway.Books = (*Store)(nil)

// flavour is PostgreSQL's SQL.
var flavour = books.Flavour{Numbered: true, Order: "id", Elements: "jsonb_array_elements_text(#::jsonb)"}

const (
	mostSeries  = 100_000 // that are remembered
	connections = 8
	dialTimeout = 5 * time.Second
)

// Open connects to a database and brings its schema up to date. A password that is given counts instead of the URL's.
// Errors of a store are *books.Error, and none of them holds the password.
func Open(ctx context.Context, url, password string, o Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// pgx leaves passwords out of its messages, but not of a text that it cannot read as a URL.
		return nil, books.Wrap("open postgres", errors.New("its address cannot be read: it is to be postgres://USER@HOST:PORT/DATABASE"), soft)
	}
	if password != "" {
		config.ConnConfig.Password = password
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = dialTimeout
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "weir"
	}
	config.MaxConns = int32(min(max(o.Connections, 0), 1000))
	if config.MaxConns == 0 {
		config.MaxConns = connections
	}
	if o.ReadOnly {
		config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	}
	s := &Store{
		name:   net.JoinHostPort(config.ConnConfig.Host, portText(config.ConnConfig.Port)) + "/" + config.ConnConfig.Database,
		series: map[[sha256.Size]byte]int64{}, partitions: map[string]bool{},
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, s.fail("open", err)
	}
	if o.ReadOnly {
		err = s.known(ctx)
	} else {
		err = migrate(ctx, s.pool)
	}
	if err != nil {
		_ = s.Close()
		return nil, s.fail("open", err)
	}
	return s, nil
}

// closing is how long Close waits for calls that are under way: a server that answers nobody is not waited for.
const closing = 3 * time.Second

// Close closes all connections. Calls under way are to be ended by their contexts.
func (s *Store) Close() error {
	done := make(chan struct{})
	go func() { // it ends when the last call does
		s.pool.Close()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(closing):
		return s.fail("close", errors.New("calls are still under way; their connections close when they end"))
	}
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	_, err := query.New(s.pool).Fact(ctx, trimmed)
	return s.fail("read", err)
}

func (s *Store) fail(op string, err error) error {
	return books.Wrap(op+" postgres "+s.name, err, soft)
}

// soft reports whether what failed may work later: the server is away, starting, full or read-only, or others were first.
func soft(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code[:2] {
		case "08", "25", "40", "53", "55", "57", "58": // connection, read-only transaction, rollback, resources, lock, intervention, system
			return true
		}
		return noPartition(err) // the next call makes it
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, net.ErrClosed) || closedEarly(err)
}

// again reports whether a transaction that failed is to be tried again at once: others were in its way, and it left
// nothing behind.
func again(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01")
}

// writing does something in a transaction.
func (s *Store) writing(ctx context.Context, do func(pgx.Tx, *query.Queries) error) error {
	const tries = 5
	for n := 1; ; n++ {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return do(tx, query.New(tx)) })
		if err == nil || n == tries || !again(err) {
			return err
		}
	}
}
