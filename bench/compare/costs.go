package main

import (
	"fmt"
	"io"
	"runtime"
	"time"
)

// shorten sets what -costs measures, as far as the flags named in said leave
// it open: many targets, each for a short while.
func (s *settings) shorten(said map[string]bool) {
	if !said["sizes"] {
		s.sizes = "small"
	}
	if !said["warm"] {
		s.warm = 500 * time.Millisecond
	}
	if !said["d"] {
		s.dur = 2 * time.Second
		if s.quick {
			s.dur = 1200 * time.Millisecond
		}
	}
}

// reportCosts prints one table: what an answer costs of each target.
func reportCosts(w io.Writer, s *settings, ts []*result, sum map[string]*summary) {
	fmt.Fprintf(w, "medians of %d round(s); ratios to %s; %d CPUs shared by target, mock and load\n", s.rounds, s.baseline, runtime.NumCPU())
	t := tables{w: w, ts: ts, sum: sum, base: sum[s.baseline]}
	t.print(fmt.Sprintf("CPU µs per right answer (user+sys of the target's processes), closed loop, %d connections", s.conns),
		column{"cpu_small", "small µs", kindMedian}, column{"cpu_small", "ratio", kindRatio}, column{"cpu_small", "spread", kindSpread},
		column{"cpu_stream", "stream µs", kindMedian}, column{"cpu_stream", "ratio", kindRatio}, column{"cpu_stream", "spread", kindSpread},
		column{"bad", "wrong", kindWorst}, column{"others", "others %", kindMedian})
	t.notes()
}
