// Package redis divides limits and budgets among nodes by a Redis or Valkey server, or a cluster of them.
//
// Each pot is one key, so that a cluster may keep it where it likes, and each claim or ask one run of a script, by the
// server's own clock; many go in one round trip. What has ended expires.
//
// What a node says of purses is the whole of what it has been granted, so a message that is lost, late or doubled does no
// harm. A server that loses what it was told, by a flush, an eviction or a start without its file, hands a budget out again
// as far as the nodes do not tell it anew: each does when it next asks for more. Run it with maxmemory-policy noeviction
// and with appendonly, or keep purses where nothing is lost: PostgreSQL. Buckets and levels come right by themselves.
package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by it
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"weir/internal/gateway"
)

//go:embed claim.lua
var claimScript string

//go:embed take.lua
var takeScript string

// maxUnits bounds what a bucket is asked for: what scripts count in is exact up to it.
const maxUnits = 1 << 50

// Options are how a server is used. The zero value will do.
type Options struct {
	// Prefix is what all keys begin with; "" = weir. Gateways that share a server and no limits have different ones.
	Prefix string
	// Dial bounds how long a connection may take to come about; 0 = 5 s.
	Dial time.Duration
}

// Store implements gateway.Shares.
type Store struct {
	o      Options
	option rueidis.ClientOption
	done   chan struct{}
	gone   sync.WaitGroup

	mu     sync.Mutex // guards the rest
	client rueidis.Client
	err    error // why there is no client
	closed bool
}

// Open returns the store at an address such as redis://USER@HOST:PORT/DB, or rediss:// for TLS. A server that does not answer
// is no error: calls fail until it does. A wrong address is one.
func Open(ctx context.Context, url, password string, o Options) (*Store, error) {
	option, err := rueidis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redis: the address is to be like redis://HOST:PORT/DB: %w", hide(err, url))
	}
	if password != "" {
		option.Password = password
	}
	if o.Prefix == "" {
		o.Prefix = "weir"
	}
	if o.Dial <= 0 {
		o.Dial = 5 * time.Second
	}
	option.DisableCache = true // nothing is read that could be
	option.DisableRetry = true // who asks decides that
	option.ClientName = "weir"
	option.Dialer.Timeout = o.Dial
	s := &Store{o: o, option: option, done: make(chan struct{}), err: errors.New("redis: not connected yet")}
	first := make(chan struct{})
	s.gone.Go(func() { s.connect(first) })
	select {
	case <-first:
	case <-ctx.Done():
	}
	return s, nil
}

// hide keeps an address, which may hold a password, out of an error.
func hide(err error, url string) error {
	if strings.Contains(err.Error(), url) || strings.Contains(url, "@") {
		return errors.New("it cannot be read")
	}
	return err
}

// connect makes the client, trying until it is there. Once it is there it comes back to its server by itself.
func (s *Store) connect(first chan struct{}) {
	wait := 50 * time.Millisecond
	for {
		client, err := rueidis.NewClient(s.option)
		s.mu.Lock()
		closed := s.closed
		if err == nil && !closed {
			s.client = client
		} else if err != nil {
			s.err = fmt.Errorf("redis: %w", err)
		}
		s.mu.Unlock()
		if first != nil {
			close(first)
			first = nil
		}
		if err == nil {
			if closed {
				client.Close()
			}
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.done:
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = min(2*wait, time.Second)
	}
}

// Close ends the connections.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.err = errors.New("redis: closed")
	client := s.client
	s.client = nil
	s.mu.Unlock()
	close(s.done)
	if client != nil {
		client.Close()
	}
	s.gone.Wait()
	return nil
}

// Ping asks the server whether it is there.
func (s *Store) Ping(ctx context.Context) error {
	c, err := s.there()
	if err != nil {
		return err
	}
	return c.Do(ctx, c.B().Ping().Build()).Error()
}

func (s *Store) there() (rueidis.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return nil, s.err
	}
	return s.client, nil
}

// Claim implements gateway.Shares.
func (s *Store) Claim(ctx context.Context, node string, claims []gateway.Claim) ([]gateway.Granted, error) {
	runs := make([]run, len(claims))
	for i := range claims {
		c := &claims[i]
		rolling, since := "0", c.Window
		if c.Pot.Kind == gateway.Purse && c.Pot.Window.Slot() > 0 {
			rolling, since = "1", c.Pot.Window.Since(time.Unix(c.Window, 0)).Unix()
		}
		force := "0"
		if c.Force {
			force = "1"
		}
		ends := int64(0)
		if !c.Ends.IsZero() {
			ends = c.Ends.UnixMilli()
		}
		lease := int64(0)
		if c.Pot.Kind == gateway.Level {
			lease = max(c.Lease.Milliseconds(), 1)
		}
		runs[i] = run{s.key(c.Pot, c.Window), []string{
			node, text(c.Window), text(c.Seq), text(max(c.Total, 0)), force, text(max(c.Pot.Amount, 0)), rolling, text(since), text(lease), text(ends),
		}}
	}
	return s.run(ctx, claimScript, claimSHA, runs, func(g *gateway.Granted) []*int64 { return []*int64{&g.N, &g.Left, &g.Seq, &g.Nodes} })
}

// key is where a claim is kept: a window of the calendar has a key of its own, the slots of a rolling one share it.
func (s *Store) key(pot *gateway.Pot, window int64) string {
	switch {
	case pot.Kind == gateway.Level:
		return s.o.Prefix + ":level:" + pot.Name
	case pot.Window.Slot() > 0:
		return s.o.Prefix + ":rolling:" + pot.Name
	}
	return s.o.Prefix + ":purse:" + text(window) + ":" + pot.Name
}

// Take implements gateway.Shares.
func (s *Store) Take(ctx context.Context, asks []gateway.Ask) ([]gateway.Granted, error) {
	runs := make([]run, 0, len(asks))
	for i := range asks {
		a := &asks[i]
		if a.Pot.Amount <= 0 || a.Pot.Per < time.Microsecond {
			continue // there is nothing in it, ever
		}
		unit := func(n int64) string { return text(min(max(n, 0), maxUnits)) }
		runs = append(runs, run{s.o.Prefix + ":bucket:" + a.Pot.Name, []string{
			unit(a.Pot.Amount), text(a.Pot.Per.Microseconds()), unit(a.N), unit(a.More), text(a.Keep.Microseconds()), unit(a.Back), text(a.Taken),
		}})
	}
	some, err := s.run(ctx, takeScript, takeSHA, runs, func(g *gateway.Granted) []*int64 { return []*int64{&g.N, &g.Left, &g.At} })
	if err != nil || len(runs) == len(asks) {
		return some, err
	}
	got := make([]gateway.Granted, len(asks))
	for i, next := 0, 0; i < len(asks); i++ {
		if a := &asks[i]; a.Pot.Amount > 0 && a.Pot.Per >= time.Microsecond {
			got[i] = some[next]
			next++
		}
	}
	return got, nil
}

// run is one run of a script.
type run struct {
	key  string
	args []string
}

// run runs a script several times, in one round trip where the server knows it already.
func (s *Store) run(ctx context.Context, script, sha string, runs []run, fields func(*gateway.Granted) []*int64) ([]gateway.Granted, error) {
	if len(runs) == 0 {
		return nil, ctx.Err()
	}
	c, err := s.there()
	if err != nil {
		return nil, err
	}
	commands := make(rueidis.Commands, len(runs))
	for i, r := range runs {
		commands[i] = c.B().Evalsha().Sha1(sha).Numkeys(1).Key(r.key).Arg(r.args...).Build()
	}
	got := make([]gateway.Granted, len(runs))
	var again []int
	for i, result := range c.DoMulti(ctx, commands...) {
		if e, ok := rueidis.IsRedisErr(result.Error()); ok && e.IsNoScript() {
			again = append(again, i)
		} else if got[i], err = granted(result, fields); err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
	}
	if len(again) == 0 {
		return got, nil
	}
	commands = make(rueidis.Commands, len(again))
	for j, i := range again {
		commands[j] = c.B().Eval().Script(script).Numkeys(1).Key(runs[i].key).Arg(runs[i].args...).Build()
	}
	for j, result := range c.DoMulti(ctx, commands...) {
		if got[again[j]], err = granted(result, fields); err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
	}
	return got, nil
}

// granted reads what a script returned.
func granted(result rueidis.RedisResult, fields func(*gateway.Granted) []*int64) (g gateway.Granted, err error) {
	words, err := result.AsStrSlice()
	if err != nil {
		return g, err
	}
	to := fields(&g)
	if len(words) != len(to) {
		return g, fmt.Errorf("a script returned %d words", len(words))
	}
	for i, word := range words {
		if *to[i], err = strconv.ParseInt(word, 10, 64); err != nil {
			return g, err
		}
	}
	return g, nil
}

// Claims implements gateway.Shares.
func (s *Store) Claims(ctx context.Context, pot string, window int64) (map[string]int64, error) {
	c, err := s.there()
	if err != nil {
		return nil, err
	}
	clock, err := c.Do(ctx, c.B().Time().Build()).AsIntSlice()
	if err == nil && len(clock) != 2 {
		err = errors.New("it does not say its time")
	}
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	now := clock[0]*1000 + clock[1]/1000
	p := s.o.Prefix
	got := c.DoMulti(ctx,
		c.B().Hgetall().Key(p+":purse:"+text(window)+":"+pot).Build(),
		c.B().Hgetall().Key(p+":rolling:"+pot).Build(),
		c.B().Hgetall().Key(p+":level:"+pot).Build(),
	)
	all := map[string]int64{}
	for _, one := range got {
		fields, err := one.AsStrMap()
		if err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
		for field, value := range fields {
			of, node, _ := strings.Cut(field, "/")
			var seq, total, void, wants int64
			if _, err := fmt.Sscan(value, &seq, &total, &void, &wants); err != nil {
				return nil, fmt.Errorf("redis: what is kept of %s cannot be read: %w", pot, err)
			}
			if of == text(window) && total > 0 && (void == 0 || now < void) {
				all[node] = total
			}
		}
	}
	return all, nil
}

func text(n int64) string { return strconv.FormatInt(n, 10) }

var claimSHA, takeSHA = name(claimScript), name(takeScript)

// name is what Redis calls a script.
func name(script string) string {
	sum := sha1.Sum([]byte(script))
	return hex.EncodeToString(sum[:])
}

// Interface guard.
var _ gateway.Shares = (*Store)(nil)
