package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sums() map[string]*summary {
	round := func(f figures) *result { return &result{all: []figures{f}} }
	ts := []*result{round(figures{"cpu_small": 40, "bad": 0}), round(figures{"cpu_small": 60, "p50": 450, "bad": 0}), round(figures{"p50": 150}), {}}
	for i, n := range []string{"base", "ours", "direct", "dead"} {
		ts[i].t.Name = n
	}
	ts[1].all = append(ts[1].all, figures{"cpu_small": 70, "p50": 450, "bad": 3}, figures{"cpu_small": 50, "p50": 450, "bad": 0})
	return summarise(ts)
}

func TestVerdict(t *testing.T) {
	tests := []struct {
		name   string
		goal   Goal
		rounds int
		kept   bool
		says   string
	}{
		{"absolute", Goal{Figure: "cpu_small", Most: 60}, 3, true, "60"},
		{"absolute missed", Goal{Figure: "cpu_small", Most: 59.9}, 3, false, "FAIL"},
		{"ratio", Goal{Figure: "cpu_small", Over: "base", Most: 1.5}, 3, true, "1.50 × base"},
		{"ratio missed", Goal{Figure: "cpu_small", Over: "base", Most: 1.49}, 3, false, "1.50"},
		{"difference", Goal{Figure: "p50", Minus: "direct", Most: 300, Unit: "µs"}, 3, true, "300 µs"},
		{"difference missed", Goal{Figure: "p50", Minus: "direct", Most: 299}, 3, false, "FAIL"},
		{"the median hides a bad round", Goal{Figure: "bad", Most: 0}, 3, true, "pass"},
		{"the worst round does not", Goal{Figure: "bad", Worst: true, Most: 0}, 3, false, "FAIL"},
		{"no such figure", Goal{Figure: "kb_per_stream", Most: 80}, 3, false, "NOT MEASURED: ours has no kb_per_stream"},
		{"no such baseline", Goal{Figure: "cpu_small", Over: "nginx", Most: 2}, 3, false, "NOT MEASURED: nginx was not run"},
		{"baseline without the figure", Goal{Figure: "cpu_small", Over: "direct", Most: 2}, 3, false, "NOT MEASURED: direct has no cpu_small"},
		{"target not run", Goal{Targets: []string{"theirs"}, Figure: "bad", Most: 0}, 3, false, "theirs was not run"},
		{"target never ready", Goal{Targets: []string{"dead"}, Figure: "bad", Most: 0}, 3, false, "dead has no bad"},
		{"a round failed", Goal{Figure: "cpu_small", Most: 100}, 4, false, "only 3 of 4 rounds"},
		{"one target of two", Goal{Targets: []string{"base", "ours"}, Figure: "cpu_small", Most: 40}, 1, false, "1 not kept"},
	}
	for _, tt := range tests {
		if tt.goal.Targets == nil {
			tt.goal.Targets = []string{"ours"}
		}
		var b strings.Builder
		kept := verdict(&b, []Goal{tt.goal}, tt.rounds, sums())
		if kept != tt.kept || !strings.Contains(b.String(), tt.says) {
			t.Errorf("%s: kept %v, want %v, saying %q:\n%s", tt.name, kept, tt.kept, tt.says, b.String())
		}
	}
}

// A run on a busy machine says so.
func TestVerdictDisturbed(t *testing.T) {
	for others, want := range map[float64]bool{19: false, 150: true} {
		sum := summarise([]*result{{t: Target{Name: "ours"}, all: []figures{{"bad": 0, "others": others}, {"bad": 0, "others": 1}}}})
		var b strings.Builder
		if !verdict(&b, []Goal{{Targets: []string{"ours"}, Figure: "bad"}}, 2, sum) || strings.Contains(b.String(), "disturbed: while ours") != want {
			t.Errorf("others used %v %%:\n%s", others, b.String())
		}
	}
}

func TestReadGoalsRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"unknown member": `[{"what":"a","targets":["b"],"figure":"c","least":1}]`,
		"no figure":      `[{"what":"a","targets":["b"],"most":1}]`,
		"two baselines":  `[{"what":"a","targets":["b"],"figure":"c","over":"d","minus":"e"}]`,
		"not a list":     `{}`,
	} {
		f := filepath.Join(t.TempDir(), "goals.json")
		if err := os.WriteFile(f, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readGoals(f); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The files of this folder fit together: each goal is about targets that
// exist, and about figures that some phase takes.
func TestGoalsFitTargets(t *testing.T) {
	for _, v := range []string{"WEIR_BIN", "NGINX_BIN"} {
		t.Setenv(v, "/bin/true")
	}
	ts, err := readTargets("../targets.weir.json", "")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, r := range ts {
		names[r.t.Name] = true
		for _, f := range r.t.Files {
			if _, err := os.Stat(f); err != nil {
				t.Error(err)
			}
		}
	}
	src, err := os.ReadFile("measure.go")
	if err != nil {
		t.Fatal(err)
	}
	gs, err := readGoals("../goals.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gs {
		for _, n := range append(g.Targets, g.Over, g.Minus) {
			if n != "" && !names[n] {
				t.Errorf("goal %q names the target %q, which is not there", g.What, n)
			}
		}
		stem := g.Figure
		if p, _, ok := strings.Cut(stem, "_"); ok && (p == "cpu" || p == "rps") {
			stem = p + "_"
		}
		if !strings.Contains(string(src), `"`+stem) {
			t.Errorf("goal %q is about %q, which no phase takes", g.What, g.Figure)
		}
	}
}
