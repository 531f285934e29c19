package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// kills kills a node at random moments under load, over and over, and holds
// its ledger against what the provider served: nothing lost, nothing doubled.
func kills(ctx context.Context, s *settings, dir string, seed int) (string, []string, error) {
	times := 200
	if s.short {
		times = 12
	}
	st, err := set(ctx, s.bin, dir, false)
	defer st.close()
	if err != nil {
		return "", nil, err
	}
	n, err := st.run(ctx, 1, documentOf(`budgets: { much: { amount: $1000000, every: year, at: refuse, whole: true } }`, ""))
	if err != nil {
		return "", nil, err
	}
	d := st.demand(seed, 24)
	d.quiet, d.limit = time.Hour, time.Hour
	asking, stop := context.WithCancel(ctx)
	asked := make(chan struct{})
	go func() { d.run(asking); close(asked) }()
	moments := rand.New(rand.NewPCG(uint64(seed), 11)) //nolint:gosec // it is to be the same for a seed
	for range times {
		sleep(ctx, time.Duration(moments.IntN(400))*time.Millisecond)
		n.proc.Kill()
		if err := n.start(ctx, st.bin); err != nil {
			stop()
			<-asked
			return "", nil, err
		}
	}
	stop()
	<-asked
	sleep(ctx, 2*time.Second)
	entries, err := st.entries(ctx, n)
	if err != nil {
		return "", nil, err
	}
	states := map[string]int{}
	for _, e := range entries {
		states[e.State]++
	}
	return fmt.Sprintf("killed %d times, %d calls, %d entries: %v", times, d.calls, len(entries), states), books(entries, st.up.take(), true), nil
}
