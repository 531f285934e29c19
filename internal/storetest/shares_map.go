package storetest

import (
	"context"
	"math"
	"math/big"
	"slices"
	"sync"
	"time"

	"weir/internal/gateway"
)

// MapShares is gateway.Shares in memory: the plainest that there can be, to compare others with. The zero value is ready.
type MapShares struct {
	// Now is the store's clock; nil = time.Now.
	Now func() time.Time

	mu      sync.Mutex // guards the rest
	claims  map[mapClaim]mapClaimed
	buckets map[string]*mapBucket
}

type mapClaim struct {
	pot    string
	window int64
	node   string
}

type mapClaimed struct {
	seq, total int64
	wants      bool      // of a level: more than it got
	void       time.Time // zero = never
}

// mapBucket is a bucket as the time at which it is full, in microseconds, and all moments of least debt: no more comes back
// of what was taken at a time than the least debt since.
type mapBucket struct {
	amount, per, full int64
	lows              []mapLow
}

type mapLow struct{ at, debt int64 }

func (m *MapShares) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

// Claim implements gateway.Shares.
func (m *MapShares) Claim(ctx context.Context, node string, claims []gateway.Claim) ([]gateway.Granted, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.claims == nil {
		m.claims = map[mapClaim]mapClaimed{}
	}
	now := m.now()
	got := make([]gateway.Granted, len(claims))
	for i := range claims {
		c := &claims[i]
		id := mapClaim{c.Pot.Name, c.Window, node}
		mine := m.claims[id]
		if !mine.void.IsZero() && !now.Before(mine.void) {
			mine.total = 0
		}
		left, nodes := m.left(c, node, now)
		if c.Seq > mine.seq {
			total := c.Total
			if !c.Force {
				total = min(total, max(mine.total, left))
			}
			mine = mapClaimed{seq: c.Seq, total: total}
			if c.Pot.Kind == gateway.Level {
				mine.wants = total < c.Total
				mine.void = now.Add(c.Lease)
			}
			m.claims[id] = mine
		}
		if mine.total > 0 {
			nodes++
		}
		got[i] = gateway.Granted{N: mine.total, Left: max(left-mine.total, 0), Seq: mine.seq, Nodes: nodes}
	}
	return got, nil
}

// left is what the other nodes, and the other slots of a rolling window, leave of a pot.
func (m *MapShares) left(c *gateway.Claim, node string, now time.Time) (left, nodes int64) {
	since := int64(math.MinInt64)
	slot := c.Pot.Kind == gateway.Purse && c.Pot.Window.Slot() > 0
	if slot {
		since = c.Pot.Window.Since(time.Unix(c.Window, 0)).Unix()
	}
	left = c.Pot.Amount
	for id, have := range m.claims {
		if id.pot != c.Pot.Name || id.window == c.Window && id.node == node || !have.void.IsZero() && !now.Before(have.void) {
			continue
		}
		if id.window != c.Window && (!slot || id.window < since) {
			continue
		}
		left -= have.total
		if id.node != node && (have.total > 0 || have.wants) && id.window == c.Window {
			nodes++
		}
	}
	return left, nodes
}

// Claims implements gateway.Shares.
func (m *MapShares) Claims(ctx context.Context, pot string, window int64) (map[string]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]int64{}
	for id, have := range m.claims {
		if id.pot == pot && id.window == window && have.total > 0 && (have.void.IsZero() || m.now().Before(have.void)) {
			all[id.node] = have.total
		}
	}
	return all, nil
}

// Take implements gateway.Shares.
func (m *MapShares) Take(ctx context.Context, asks []gateway.Ask) ([]gateway.Granted, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets == nil {
		m.buckets = map[string]*mapBucket{}
	}
	now := m.now()
	got := make([]gateway.Granted, len(asks))
	for i := range asks {
		a := &asks[i]
		b := m.buckets[a.Pot.Name]
		if b == nil {
			b = &mapBucket{}
			m.buckets[a.Pot.Name] = b
		}
		n := b.take(now.UnixMicro(), a)
		got[i] = gateway.Granted{N: n, Left: b.left(now.UnixMicro()), At: now.UnixMicro()}
	}
	return got, nil
}

// take does what an ask says, at a time in microseconds.
func (b *mapBucket) take(now int64, a *gateway.Ask) (got int64) {
	amount, per := a.Pot.Amount, a.Pot.Per.Microseconds()
	if amount <= 0 || per <= 0 {
		return 0
	}
	if b.amount != 0 && (b.amount != amount || b.per != per) {
		owed := mulDiv(max(b.full-now, 0), b.amount, b.per, 1)
		b.full = now + mulDiv(owed, per, amount, 1)
		b.lows = []mapLow{{now, 0}}
	}
	b.amount, b.per, b.full = amount, per, max(b.full, now)
	if a.Back > 0 {
		back := min(mulDiv(a.Back, per, amount, 0), b.full-now)
		most := back
		for _, l := range b.lows {
			if l.at > a.Taken {
				most = min(most, l.debt)
			}
		}
		back = max(most, back-(now-a.Taken), 0)
		b.full -= back
		for i := range b.lows {
			if b.lows[i].at > a.Taken {
				b.lows[i].debt = max(b.lows[i].debt-back, 0)
			}
		}
	}
	debt := b.full - now
	b.lows = slices.DeleteFunc(b.lows, func(l mapLow) bool { return l.debt >= debt })
	b.lows = append(b.lows, mapLow{now, debt})
	got = b.some(now, now, a.N)
	if a.More > 0 {
		got += b.some(now, now+a.Keep.Microseconds(), a.More)
	}
	return got
}

// some takes up to n for use until a time.
func (b *mapBucket) some(now, until, n int64) int64 {
	base := max(b.full, until)
	room := now + b.per - base
	if n <= 0 || room <= 0 {
		return 0
	}
	n = min(n, mulDiv(room, b.amount, b.per, 0))
	if n > 0 {
		b.full = base + mulDiv(n, b.per, b.amount, 1)
	}
	return n
}

// left is what there is at a time, rounded down.
func (b *mapBucket) left(now int64) int64 {
	if b.amount == 0 {
		return 0
	}
	return mulDiv(max(b.per-max(b.full-now, 0), 0), b.amount, b.per, 0)
}

// mulDiv is a times b by c, rounded up if up is 1.
func mulDiv(a, b, c, up int64) int64 {
	q, r := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(a), big.NewInt(b)), big.NewInt(c), new(big.Int))
	if r.Sign() > 0 {
		q.Add(q, big.NewInt(up))
	}
	if !q.IsInt64() {
		return math.MaxInt64
	}
	return q.Int64()
}
