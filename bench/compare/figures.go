package main

import (
	"encoding/json"
	"os"
	"slices"
)

// figures are what one round of one target gave, by name: rps_* right answers
// per second; cpu_* µs of CPU per right answer; p50 … µs of latency; rss_*
// MiB; kb_per_stream KiB; bad, left_running and hidden_cuts counts; log_lines
// lines of log per answer; others percent of one CPU.
type figures map[string]float64

// summary is one target over all its rounds.
type summary struct {
	rounds int
	median figures
	spread figures // (max-min)/median, percent
	worst  figures // largest
}

func summarise(ts []*result) map[string]*summary {
	all := map[string]*summary{}
	for _, r := range ts {
		s := &summary{rounds: len(r.all), median: figures{}, spread: figures{}, worst: figures{}}
		values := map[string][]float64{}
		for _, f := range r.all {
			for k, v := range f {
				values[k] = append(values[k], v)
			}
		}
		for k, v := range values {
			slices.Sort(v)
			s.median[k] = median(v)
			s.worst[k] = v[len(v)-1]
			if s.median[k] > 0 {
				s.spread[k] = (v[len(v)-1] - v[0]) / s.median[k] * 100
			}
		}
		all[r.t.Name] = s
	}
	return all
}

// median of sorted values.
func median(v []float64) float64 {
	n := len(v)
	switch {
	case n == 0:
		return 0
	case n%2 == 0:
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[n/2]
}

// writeJSON writes every figure of every round to file, unless its name is
// empty.
func writeJSON(file string, ts []*result, sum map[string]*summary) error {
	if file == "" {
		return nil
	}
	type target struct {
		Median figures   `json:"median"`
		Spread figures   `json:"spread_percent"`
		Rounds []figures `json:"rounds"`
		Notes  []string  `json:"notes,omitempty"`
	}
	all := map[string]target{}
	for _, r := range ts {
		s := sum[r.t.Name]
		all[r.t.Name] = target{s.median, s.spread, r.all, r.sortedNotes()}
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o600)
}
