package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// Goal is one limit of the goals file: that a figure of the named targets is
// at most Most. Over makes it a ratio to the same figure of another target,
// Minus a difference. The medians over rounds are compared; with Worst the
// largest round.
type Goal struct {
	What    string   `json:"what"`
	Targets []string `json:"targets"`
	Figure  string   `json:"figure"` // see figures
	Over    string   `json:"over"`
	Minus   string   `json:"minus"`
	Worst   bool     `json:"worst"`
	Most    float64  `json:"most"`
	Unit    string   `json:"unit"`
}

func readGoals(file string) ([]Goal, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var gs []Goal
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&gs); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, g := range gs {
		if g.What == "" || len(g.Targets) == 0 || g.Figure == "" || g.Over != "" && g.Minus != "" {
			return nil, fmt.Errorf("%s: %q needs what, targets and figure, and at most one of over and minus", file, g.What)
		}
	}
	return gs, nil
}

// value is the figure a goal is about. why says what is missing.
func (g *Goal) value(target string, sum map[string]*summary) (v float64, why string) {
	get := func(name string) (float64, string) {
		s := sum[name]
		if s == nil {
			return 0, name + " was not run"
		}
		from := s.median
		if g.Worst {
			from = s.worst
		}
		v, ok := from[g.Figure]
		if !ok {
			return 0, name + " has no " + g.Figure
		}
		return v, ""
	}
	if v, why = get(target); why != "" {
		return 0, why
	}
	switch {
	case g.Over != "":
		b, why := get(g.Over)
		if why == "" && b <= 0 {
			why = g.Over + " has no " + g.Figure
		}
		if why != "" {
			return 0, why
		}
		return v / b, ""
	case g.Minus != "":
		b, why := get(g.Minus)
		if why != "" {
			return 0, why
		}
		return v - b, ""
	}
	return v, ""
}

// disturbed is the CPU that others may use, in percent of one, before a run's
// figures are worth little.
const disturbed = 20

// verdict prints whether each goal was kept and reports whether all were. A
// goal that could not be measured, or whose target failed in a round, is not
// kept.
func verdict(out io.Writer, goals []Goal, rounds int, sum map[string]*summary) bool {
	fmt.Fprint(out, "\nGoals\n")
	w := tabwriter.NewWriter(out, 2, 0, 2, ' ', 0)
	fmt.Fprintln(w, "goal\ttarget\tat most\tmeasured\tspread\tverdict")
	failed := 0
	for _, g := range goals {
		unit := g.Unit
		if g.Over != "" {
			unit = "× " + g.Over
		}
		for _, name := range g.Targets {
			measured, spread, word := "-", "-", "pass"
			v, why := g.value(name, sum)
			switch {
			case why != "":
				word = "NOT MEASURED: " + why
			case sum[name].rounds < rounds:
				word = fmt.Sprintf("FAIL: only %d of %d rounds", sum[name].rounds, rounds)
			case v > g.Most:
				word = "FAIL"
			}
			if why == "" {
				measured = short(v)
				spread = fmt.Sprintf("%.0f%%", sum[name].spread[g.Figure])
			}
			if word != "pass" {
				failed++
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", g.What, name, strings.TrimSpace(short(g.Most)+" "+unit), measured, spread, word)
		}
	}
	_ = w.Flush() // only fails if out does
	for _, name := range slices.Sorted(maps.Keys(sum)) {
		if o := sum[name].worst["others"]; o > disturbed {
			fmt.Fprintf(out, "disturbed: while %s was measured, something else on this machine used %.0f %% of one CPU\n", name, o)
		}
	}
	if failed > 0 {
		fmt.Fprintf(out, "%d not kept\n", failed)
	} else {
		fmt.Fprintln(out, "all kept")
	}
	return failed == 0
}

// short writes a figure with two decimals where they matter.
func short(v float64) string {
	switch {
	case v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
