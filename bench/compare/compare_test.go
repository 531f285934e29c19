package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/bench/internal/program"
)

func write(t *testing.T, name, s string) string {
	t.Helper()
	f := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(f, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReadTargets(t *testing.T) {
	t.Setenv("BENCH_TEST_SET", "x")
	a := write(t, "a.json", `[{"name":"one","files":{"c":"conf/c.tmpl"}},{"name":"skipped","cmd":["${BENCH_TEST_UNSET}"]},{"name":"two","cmd":["${BENCH_TEST_SET}","${PORT}"],"headers":{"a":"${UPSTREAM}"}}]`)
	b := write(t, "b.json", `[{"name":"one","note":"again"},{"name":"three"},{"name":"four","headers":{"k":"${BENCH_TEST_UNSET}"}}]`)
	for only, want := range map[string]string{"": "one two three", "three,one": "one three"} {
		ts, err := readTargets(a+","+b, only)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range ts {
			got = append(got, r.t.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("-only %q runs %q, want %q", only, got, want)
		}
		if f := ts[0].t.Files["c"]; f != filepath.Join(filepath.Dir(a), "conf", "c.tmpl") {
			t.Errorf("the template is at %s", f)
		}
		if ts[0].t.Note != "" {
			t.Error("of two targets of one name the second counted")
		}
	}
	if _, err := readTargets(write(t, "c.json", `[{"name":"one","comand":[]}]`), ""); err == nil {
		t.Error("an unknown member passed")
	}
}

func TestQuickYieldsToFlags(t *testing.T) {
	s, err := parse([]string{"-quick", "-d", "7s"})
	if err != nil {
		t.Fatal(err)
	}
	if s.rounds != 1 || s.dur != 7*time.Second || s.warm != time.Second {
		t.Errorf("rounds %d, d %v, warm %v", s.rounds, s.dur, s.warm)
	}
}

func TestSummarise(t *testing.T) {
	r := &result{t: Target{Name: "x"}, all: []figures{{"a": 3, "b": 1}, {"a": 1}, {"a": 2, "b": 2}}}
	s := summarise([]*result{r})["x"]
	if s.rounds != 3 || s.median["a"] != 2 || s.median["b"] != 1.5 || s.worst["a"] != 3 || s.spread["a"] != 100 {
		t.Errorf("%+v", s)
	}
}

func TestReport(t *testing.T) {
	ts := []*result{
		{t: Target{Name: "direct", Note: "no gateway"}, all: []figures{{"p50": 100, "rps_small": 5}}},
		{t: Target{Name: "nethttp"}, all: []figures{{"p50": 250, "cpu_small": 40, "bad": 0}}},
		{t: Target{Name: "ours"}, all: []figures{{"p50": 350, "cpu_small": 50, "bad": 2}}, notes: map[string]bool{"small: 2 wrong": true}},
	}
	var b strings.Builder
	report(&b, &settings{rounds: 1, baseline: "nethttp"}, ts, summarise(ts))
	fields := map[string]bool{}
	for l := range strings.SplitSeq(b.String(), "\n") {
		fields[strings.Join(strings.Fields(l), " ")] = true
	}
	for _, want := range []string{
		"ours - 50.0 1.25 0% - - - - - - - - - -", // ratio to nethttp
		"ours 250 - - - - - 0%",                   // latency less that of direct
		"direct 100 - - - - - 0%",
		"ours 2 - - -",
		"direct: no gateway",
		"! ours: small: 2 wrong",
	} {
		if !fields[want] {
			t.Errorf("no line %q in\n%s", want, b.String())
		}
	}
}

// A program that exits at once, or never listens, is an error with its words.
func TestLaunchFailure(t *testing.T) {
	m := &measurement{set: &settings{}, t: Target{Name: "x", Cmd: []string{"/bin/sh", "-c", "echo ${PORT} is taken; exit 3"}}, up: "127.0.0.1:1", dir: filepath.Join(t.TempDir(), "x"), f: figures{}}
	err := m.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exited at start") || !strings.Contains(err.Error(), "is taken") {
		t.Errorf("run: %v", err)
	}
	if _, err := os.Stat(m.dir); err == nil {
		t.Error("the scratch directory is still there")
	}
}

func TestExpand(t *testing.T) {
	t.Setenv("BENCH_TEST_SET", "env")
	m := &measurement{port: "1", up: "u:2", dir: "/d", bin: "/b"}
	if got := m.expand("${PORT} ${UPSTREAM} ${DIR} ${BIN} ${BENCH_TEST_SET}"); got != "1 u:2 /d /b env" {
		t.Errorf("expand = %q", got)
	}
}

// CPU and memory of a process that works are seen.
func TestUsage(t *testing.T) {
	own := func() float64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	}
	c0, b0, o0 := program.CPU(os.Getpid()), program.Busy(), own()
	for own()-o0 < .2 {
	}
	if c, o := program.CPU(os.Getpid())-c0, own()-o0; c < o-.05 || c > o+.05 {
		t.Errorf("cpu says %.3f s of the %.3f that this process used", c, o)
	}
	if b := program.Busy() - b0; b < .1 {
		t.Errorf("the machine was busy for %v s", b)
	}
	if m := program.Memory(os.Getpid()); m.PSS < 1 || m.Peak < m.PSS/2 {
		t.Errorf("memory %+v", m)
	}
}

func TestCostsAreShort(t *testing.T) {
	for _, test := range []struct {
		args   string
		rounds int
		d      time.Duration
		sizes  string
	}{
		{"-costs", 3, 2 * time.Second, "small"},
		{"-quick -costs", 1, 1200 * time.Millisecond, "small"},
		{"-costs -d 9s -sizes small,large -rounds 2", 2, 9 * time.Second, "small,large"},
	} {
		s, err := parse(strings.Fields(test.args))
		if err != nil {
			t.Fatal(err)
		}
		if s.rounds != test.rounds || s.dur != test.d || s.sizes != test.sizes {
			t.Errorf("%s: rounds %d, d %v, sizes %s", test.args, s.rounds, s.dur, s.sizes)
		}
	}
}

// The pairs are those of four clients with four providers; every translated
// one has its goals, every one may give no wrong answer.
func TestPairs(t *testing.T) {
	t.Setenv("WEIR_BIN", "weir")
	ts, err := readTargets("../targets.pairs.json", "")
	if err != nil {
		t.Fatal(err)
	}
	gs, err := readGoals("../goals.pairs.json")
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]string{}
	for _, g := range gs {
		for _, name := range g.Targets {
			of[name] = append(of[name], g.Figure)
		}
	}
	apis := map[string]string{"chat": "openai", "responses": "responses", "messages": "anthropic", "gemini": "gemini"}
	byName := map[string]Target{}
	for _, r := range ts {
		byName[r.t.Name] = r.t
	}
	for client, api := range apis {
		for up := range apis {
			name := "pair-" + client + "-" + up
			target, ok := byName[name]
			if !ok || target.API != api || target.Model != "on-"+up {
				t.Errorf("%s: there %v, api %q, model %q", name, ok, target.API, target.Model)
			}
			want := "cpu_small cpu_stream bad"
			if client == up {
				want = "bad"
			}
			if got := strings.Join(of[name], " "); got != want {
				t.Errorf("%s has goals on %q, want %q", name, got, want)
			}
		}
	}
}

func TestReportCosts(t *testing.T) {
	ts := []*result{
		{t: Target{Name: "nethttp"}, all: []figures{{"cpu_small": 40, "cpu_stream": 80, "bad": 0}}},
		{t: Target{Name: "pair"}, all: []figures{{"cpu_small": 90, "cpu_stream": 200, "bad": 3}}, notes: map[string]bool{"what was wrong": true}},
	}
	var b strings.Builder
	reportCosts(&b, &settings{rounds: 1, baseline: "nethttp"}, ts, summarise(ts))
	for _, want := range []string{"90.0   2.25", "200   2.50", "! pair: what was wrong"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, b.String())
		}
	}
}
