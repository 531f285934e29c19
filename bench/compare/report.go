package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// column is one column of a table. The kind says what is shown of the figure.
type column struct {
	figure string
	title  string
	kind   int
}

const (
	kindMedian = iota
	kindRatio  // to the baseline
	kindSpread // (max-min)/median
	kindAdded  // less that of direct; direct's own as it is
	kindWorst
)

func (r *result) sortedNotes() []string { return slices.Sorted(maps.Keys(r.notes)) }

// report prints the tables and what went wrong.
func report(w io.Writer, s *settings, ts []*result, sum map[string]*summary) {
	fmt.Fprintf(w, "medians of %d round(s); ratios to %s; %d CPUs shared by target, mock and load; api %s\n", s.rounds, s.baseline, runtime.NumCPU(), s.api)
	t := tables{w: w, ts: ts, sum: sum, base: sum[s.baseline], direct: sum["direct"]}
	t.print(fmt.Sprintf("Saturation, closed loop, %d connections (right answers/s; CPU = user+sys µs of the target's processes per right answer)", s.conns),
		column{"rps_small", "small/s", kindMedian}, column{"cpu_small", "CPU µs", kindMedian}, column{"cpu_small", "ratio", kindRatio}, column{"cpu_small", "spread", kindSpread},
		column{"rps_medium", "10KB/s", kindMedian}, column{"cpu_medium", "CPU µs", kindMedian}, column{"cpu_medium", "ratio", kindRatio},
		column{"rps_large", "100KB/s", kindMedian}, column{"cpu_large", "CPU µs", kindMedian}, column{"cpu_large", "ratio", kindRatio},
		column{"rps_stream", "SSE/s", kindMedian}, column{"cpu_stream", "CPU µs", kindMedian}, column{"cpu_stream", "ratio", kindRatio},
		column{"others", "others %", kindMedian})
	latency := "latency ADDED to direct, µs (the direct row is absolute)"
	if t.direct == nil {
		latency = "latency in all, µs (direct was not run)"
	}
	t.print(fmt.Sprintf("Open loop at %.0f/s, small bodies; %s", s.rate, latency),
		column{"p50", "p50", kindAdded}, column{"p90", "p90", kindAdded}, column{"p99", "p99", kindAdded},
		column{"svc50", "from write p50", kindAdded}, column{"svc99", "from write p99", kindAdded},
		column{"cpu_rate", "CPU µs/req", kindMedian}, column{"p50", "p50 spread", kindSpread})
	t.print(fmt.Sprintf("Memory, MiB; %d open SSE streams with one chunk per second each", s.streams),
		column{"ready_ms", "ready ms", kindMedian}, column{"rss_idle", "idle", kindMedian}, column{"rss_peak", "peak at load", kindMedian}, column{"rss_streams", "with streams", kindMedian},
		column{"kb_per_stream", "KiB/stream", kindMedian}, column{"cpu_chunk", "CPU µs/chunk", kindMedian},
		column{"chunk50", "chunk p50 µs", kindMedian}, column{"chunk99", "chunk p99 µs", kindMedian}, column{"ttft50", "TTFT p50 µs", kindMedian}, column{"ttft99", "TTFT p99 µs", kindMedian})
	t.print("Conduct, worst round: wrong answers; calls still running at the provider 1.5 s after their clients left; cut answers that looked whole; log lines per answer",
		column{"bad", "wrong", kindWorst}, column{"left_running", "left running", kindWorst}, column{"hidden_cuts", "hidden cuts", kindWorst}, column{"log_lines", "log lines/answer", kindMedian})
	t.notes()
}

// tables prints tables with one row per target.
type tables struct {
	w            io.Writer
	ts           []*result
	sum          map[string]*summary
	base, direct *summary // nil if not run
}

// notes prints what is said of each target and what went wrong with it.
func (t *tables) notes() {
	fmt.Fprintln(t.w)
	for _, r := range t.ts {
		if r.t.Note != "" {
			fmt.Fprintf(t.w, "%s: %s\n", r.t.Name, r.t.Note)
		}
		for _, n := range r.sortedNotes() {
			fmt.Fprintf(t.w, "  ! %s: %s\n", r.t.Name, n)
		}
	}
}

func (t *tables) print(title string, cols ...column) {
	fmt.Fprintf(t.w, "\n%s\n", title)
	w := tabwriter.NewWriter(t.w, 2, 0, 2, ' ', tabwriter.AlignRight)
	row := []string{"target"}
	for _, c := range cols {
		row = append(row, c.title)
	}
	fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	for _, r := range t.ts {
		row := []string{r.t.Name}
		for _, c := range cols {
			row = append(row, t.cell(r.t.Name, c))
		}
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	_ = w.Flush() // only fails if t.w does
}

func (t *tables) cell(name string, c column) string {
	s := t.sum[name]
	v, ok := s.median[c.figure]
	if !ok {
		return "-"
	}
	switch c.kind {
	case kindRatio:
		if t.base == nil || t.base.median[c.figure] == 0 || v == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", v/t.base.median[c.figure])
	case kindSpread:
		return fmt.Sprintf("%.0f%%", s.spread[c.figure])
	case kindAdded:
		if t.direct != nil && name != "direct" {
			v -= t.direct.median[c.figure]
		}
	case kindWorst:
		return fmt.Sprintf("%.0f", s.worst[c.figure])
	}
	switch {
	case v < 10 && v > -10:
		return fmt.Sprintf("%.2f", v)
	case v < 100 && v > -100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
