// Compare runs gateways one after another, interleaved over rounds, under the
// same load against the same mock provider, and prints what each costs: CPU
// time per right answer, answers per second, added latency, memory, what it
// got wrong, and the ratio of each to a baseline. With -goals it ends in a
// verdict on the limits that a file names. Linux only: costs are read from
// /proc. Its use is described in ../README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"weir/bench/internal/program"
)

// settings are the flags.
type settings struct {
	files    string
	baseline string
	only     string
	goals    string
	out      string
	api      string
	sizes    string
	rounds   int
	conns    int
	streams  int
	dur      time.Duration
	warm     time.Duration
	rate     float64
	quick    bool
	costs    bool
	keep     bool
}

func parse(args []string) (*settings, error) {
	var s settings
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	fs.StringVar(&s.files, "targets", "targets.limits.json", "targets file(s), comma-separated")
	fs.StringVar(&s.baseline, "baseline", "nethttp", "target that ratios are taken to")
	fs.StringVar(&s.only, "only", "", "comma-separated names to run")
	fs.StringVar(&s.goals, "goals", "", "file of limits to give a verdict on; exit status 1 if one is not kept")
	fs.StringVar(&s.out, "o", "", "also write all figures as JSON to this file")
	fs.StringVar(&s.api, "api", "openai", "client API of targets that name none: openai, responses, anthropic, gemini or embeddings")
	fs.StringVar(&s.sizes, "sizes", "small,medium,large", "body sizes at saturation")
	fs.IntVar(&s.rounds, "rounds", 3, "rounds")
	fs.IntVar(&s.conns, "c", 32, "connections at saturation")
	fs.IntVar(&s.streams, "streams", 2000, "open SSE streams of the memory run; 0 = skip")
	fs.DurationVar(&s.dur, "d", 4*time.Second, "length of each measurement")
	fs.DurationVar(&s.warm, "warm", 1500*time.Millisecond, "warm-up")
	fs.Float64Var(&s.rate, "rate", 200, "requests per second of the fixed-rate runs")
	fs.BoolVar(&s.quick, "quick", false, "one round of short measurements, unless -rounds, -d or -warm say otherwise")
	fs.BoolVar(&s.costs, "costs", false, "measure only what an answer costs, small and streamed, and print one table; measurements are short unless -d, -warm or -sizes say otherwise")
	fs.BoolVar(&s.keep, "keep-logs", false, "keep the scratch directories")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	said := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { said[f.Name] = true })
	if s.quick {
		if !said["rounds"] {
			s.rounds = 1
		}
		if !said["d"] {
			s.dur = 2 * time.Second
		}
		if !said["warm"] {
			s.warm = time.Second
		}
	}
	if s.costs {
		s.shorten(said)
	}
	return &s, nil
}

func main() {
	log.SetFlags(log.Ltime)
	debug.SetGCPercent(400)
	// The pacing thread of the load sleeps in a system call and may hold a P
	// meanwhile.
	runtime.GOMAXPROCS(runtime.NumCPU() + 2)
	s, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	kept, err := run(ctx, s)
	stop()
	if err != nil {
		log.Fatal(err)
	}
	if !kept {
		os.Exit(1)
	}
}

// run measures everything and prints it. kept is false if a goal was missed.
// When ctx ends, what was started is ended and nothing is printed.
func run(ctx context.Context, s *settings) (kept bool, err error) {
	goals, err := readGoals(s.goals)
	if err != nil {
		return false, err
	}
	ts, err := readTargets(s.files, s.only)
	if err != nil {
		return false, err
	}
	if len(ts) == 0 {
		return false, fmt.Errorf("no target to run")
	}
	tmp, err := os.MkdirTemp("", "bench")
	if err != nil {
		return false, err
	}
	if s.keep {
		log.Printf("scratch: %s", tmp)
	} else {
		defer func() { _ = os.RemoveAll(tmp) }()
	}
	if err := measureAll(ctx, s, ts, tmp); err != nil {
		return false, err
	}
	sum := summarise(ts)
	if s.costs {
		reportCosts(os.Stdout, s, ts, sum)
	} else {
		report(os.Stdout, s, ts, sum)
	}
	if err := writeJSON(s.out, ts, sum); err != nil {
		return false, err
	}
	if len(goals) == 0 {
		return true, nil
	}
	return verdict(os.Stdout, goals, s.rounds, sum), nil
}

// measureAll starts the mock and takes the targets in turn, round by round.
func measureAll(ctx context.Context, s *settings, ts []*result, tmp string) error {
	mock, err := program.Build(ctx, "./mockllm", tmp)
	if err != nil {
		return err
	}
	bins := map[string]string{}
	for _, r := range ts {
		if r.t.Build != "" && bins[r.t.Build] == "" {
			if bins[r.t.Build], err = program.Build(ctx, r.t.Build, tmp); err != nil {
				return err
			}
		}
	}
	up, err := program.FreeAddr(ctx)
	if err != nil {
		return err
	}
	mp, err := program.Start(exec.CommandContext(ctx, mock, "-addr", up), filepath.Join(tmp, "mock.log"))
	if err != nil {
		return err
	}
	defer mp.Stop()
	if err := program.WaitReady(ctx, "http://"+up+"/v1/models", 5*time.Second, mp); err != nil {
		return fmt.Errorf("mock: %w", err)
	}
	for round := range s.rounds {
		for _, r := range ts {
			m := &measurement{set: s, t: r.t, up: up, bin: bins[r.t.Build], dir: filepath.Join(tmp, fmt.Sprintf("%s.%d", r.t.Name, round)), f: figures{}, notes: r.notes}
			err := m.run(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				log.Printf("round %d %s: %v", round+1, r.t.Name, err)
				r.notes[err.Error()] = true
				continue
			}
			log.Printf("round %d %-16s %6.0f/s  %5.1f µs/req  %5.1f µs/stream", round+1, r.t.Name, m.f["rps_small"], m.f["cpu_small"], m.f["cpu_stream"])
			r.all = append(r.all, m.f)
		}
	}
	return nil
}

func has(l []string, s string) bool {
	for _, x := range l {
		if strings.TrimSpace(x) == s {
			return true
		}
	}
	return false
}
