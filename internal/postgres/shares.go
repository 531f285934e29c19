package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"weir/internal/gateway"
)

// A call is one statement: a function that takes the rows' locks in the order of the pots' names, so that calls of several
// nodes wait for each other and never in a circle. The clock is the server's.
const (
	claimSQL  = "SELECT granted, remains, last, sharers FROM pot_claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
	takeSQL   = "SELECT granted, remains, moment FROM pot_take($1, $2, $3, $4, $5, $6, $7, $8)"
	claimsSQL = "SELECT node, total FROM pot_claims WHERE pot = $1 AND slot = $2 AND total > 0 AND (void IS NULL OR void > clock_timestamp())"
)

// Claim implements gateway.Shares.
func (s *Store) Claim(ctx context.Context, node string, claims []gateway.Claim) ([]gateway.Granted, error) {
	n := len(claims)
	pots, forces := make([]string, n), make([]bool, n)
	slots, seqs, totals, amounts := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	sinces, leases, ends := make([]int64, n), make([]int64, n), make([]int64, n)
	for i := range claims {
		c := &claims[i]
		pots[i], forces[i] = c.Pot.Name, c.Force
		slots[i], seqs[i], totals[i], amounts[i] = c.Window, c.Seq, max(c.Total, 0), c.Pot.Amount
		sinces[i] = c.Window
		if c.Pot.Kind == gateway.Level {
			leases[i] = max(c.Lease.Milliseconds(), 1)
		} else if c.Pot.Window.Slot() > 0 {
			sinces[i] = c.Pot.Window.Since(time.Unix(c.Window, 0)).Unix()
		}
		if !c.Ends.IsZero() {
			ends[i] = c.Ends.Unix()
		}
	}
	rows, err := s.pool.Query(ctx, claimSQL, node, pots, slots, seqs, totals, forces, amounts, sinces, leases, ends)
	if err != nil {
		return nil, s.fail("claim of", err)
	}
	got, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g gateway.Granted, err error) {
		err = row.Scan(&g.N, &g.Left, &g.Seq, &g.Nodes)
		return g, err
	})
	if err != nil {
		return nil, s.fail("claim of", err)
	}
	return got, nil
}

// Take implements gateway.Shares.
func (s *Store) Take(ctx context.Context, asks []gateway.Ask) ([]gateway.Granted, error) {
	n := len(asks)
	pots := make([]string, n)
	amounts, pers, wants, mores := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	keeps, backs, takens := make([]int64, n), make([]int64, n), make([]int64, n)
	for i := range asks {
		a := &asks[i]
		pots[i], amounts[i], pers[i] = a.Pot.Name, a.Pot.Amount, a.Pot.Per.Microseconds()
		wants[i], mores[i], keeps[i] = a.N, a.More, a.Keep.Microseconds()
		backs[i], takens[i] = a.Back, a.Taken
	}
	rows, err := s.pool.Query(ctx, takeSQL, pots, amounts, pers, wants, mores, keeps, backs, takens)
	if err != nil {
		return nil, s.fail("take from", err)
	}
	got, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g gateway.Granted, err error) {
		err = row.Scan(&g.N, &g.Left, &g.At)
		return g, err
	})
	if err != nil {
		return nil, s.fail("take from", err)
	}
	return got, nil
}

// Claims implements gateway.Shares.
func (s *Store) Claims(ctx context.Context, pot string, window int64) (map[string]int64, error) {
	rows, err := s.pool.Query(ctx, claimsSQL, pot, window)
	if err != nil {
		return nil, s.fail("read claims of", err)
	}
	all := map[string]int64{}
	var node string
	var total int64
	if _, err := pgx.ForEachRow(rows, []any{&node, &total}, func() error {
		all[node] = total
		return nil
	}); err != nil {
		return nil, s.fail("read claims of", err)
	}
	return all, nil
}

// Interface guard.
var _ gateway.Shares = (*Store)(nil)
