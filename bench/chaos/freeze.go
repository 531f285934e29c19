package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"weir/bench/internal/program"
)

// freeze stops what a node shares with others, as a machine that hangs does,
// and compares what the slowest hundredth of its callers wait. What is left in
// hand is all that may be spent meanwhile, so some may be refused; nobody waits.
func freeze(ctx context.Context, s *settings, dir string, seed int) (string, []string, error) {
	rounds, each := 5, 4*time.Second
	if s.short {
		rounds, each = 3, 1500*time.Millisecond
	}
	st, err := set(ctx, s.bin, dir, true)
	defer st.close()
	if err != nil {
		return "", nil, err
	}
	n, err := st.run(ctx, 1, documentOf("limits: { requests: 600000/min, tokens: 6000M/min }\nbudgets: { much: { amount: $1000000, every: year, at: refuse, whole: true } }", "yes"))
	if err != nil {
		return "", nil, err
	}
	d := st.demand(seed, 8)
	d.hows, d.quiet = []string{"whole"}, time.Hour
	load := func() (p99 time.Duration, refused, failed int64) {
		d.limit = each
		refused, failed = d.refused.Load(), d.failed.Load()
		d.run(ctx)
		return d.percentile(0.99), d.refused.Load() - refused, d.failed.Load() - failed
	}
	load() // slices are in hand, connections are open
	var wrong []string
	saw := ""
	for _, f := range []struct {
		what string
		of   []*program.Proc
	}{{"Redis", []*program.Proc{st.redis}}, {"PostgreSQL", []*program.Proc{st.postgres}}, {"both", []*program.Proc{st.redis, st.postgres}}} {
		var calm, frozen []time.Duration
		var refused, failed int64
		for range rounds {
			p, _, _ := load()
			calm = append(calm, p)
			for _, p := range f.of {
				if err := p.Freeze(); err != nil {
					return saw, wrong, err
				}
			}
			p, no, bad := load()
			frozen, refused, failed = append(frozen, p), refused+no, failed+bad
			for _, p := range f.of {
				if err := p.Thaw(); err != nil {
					return saw, wrong, err
				}
			}
			sleep(ctx, time.Second)
		}
		slices.Sort(calm)
		slices.Sort(frozen)
		added := frozen[rounds/2] - calm[rounds/2]
		saw += fmt.Sprintf("%s frozen: p99 %+v us (%v calm), %d refused, %d cut off by the end of their round; ", f.what, added.Microseconds(), calm[rounds/2].Round(10*time.Microsecond), refused, failed)
		if added > 5*time.Millisecond {
			wrong = append(wrong, fmt.Sprintf("with %s frozen the slowest hundredth waits %v longer", f.what, added))
		}
		if failed > int64(rounds*d.clients) {
			wrong = append(wrong, fmt.Sprintf("with %s frozen %d calls failed", f.what, failed))
		}
	}
	entries, err := st.entries(ctx, n)
	if err != nil {
		return saw, wrong, err
	}
	wrong = append(wrong, books(entries, st.up.take(), false)...)
	return saw + fmt.Sprintf("%d entries", len(entries)), wrong, nil
}
