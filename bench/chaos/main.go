// Chaos holds the gateway's promises about money against processes that die,
// stores that freeze and nodes that are cut off, with real PostgreSQL and
// Redis: what is spent never exceeds a budget, and nearly all of it can be
// spent; every billable thing is in the ledger once; and nobody waits for a
// store. Its provider and its clients know what each call came to. Linux only.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

type settings struct {
	bin   string
	run   string
	seeds int
	first int
	short bool
	keep  bool
}

// trial is one thing that is tried. It says what was seen, and what is wrong.
type trial struct {
	name string
	does string
	run  func(ctx context.Context, s *settings, dir string, seed int) (saw string, wrong []string, err error)
	once bool // the seed makes no difference
}

var trials = []trial{
	{"dollar1", "a budget of a dollar and 1,000 clients before one node", dollar1, false},
	{"dollar3", "the same before three nodes", dollar3, false},
	{"tokens1", "a limit of tokens a minute before one node", tokens1, false},
	{"tokens3", "the same before three nodes", tokens3, false},
	{"kill3", "a budget before three nodes of which one is killed and comes back", kill3, false},
	{"apart3", "a budget before three nodes of which one is cut off from what they share", apart3, false},
	{"kill", "one node killed at any moment, over and over", kills, true},
	{"freeze", "Redis, then PostgreSQL, then both frozen under load", freeze, true},
}

func main() {
	log.SetFlags(log.Ltime)
	var s settings
	var names []string
	for _, t := range trials {
		names = append(names, t.name)
	}
	flag.StringVar(&s.bin, "bin", "../bin/weir", "the gateway")
	flag.StringVar(&s.run, "run", strings.Join(names, ","), "which trials")
	flag.IntVar(&s.seeds, "seeds", 5, "how often each, with another seed")
	flag.IntVar(&s.first, "seed", 1, "the first seed")
	flag.BoolVar(&s.short, "short", false, "with less of everything")
	flag.BoolVar(&s.keep, "keep", false, "keep the scratch directory")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	bad := conduct(ctx, &s)
	stop()
	if bad > 0 {
		fmt.Println("FAIL", bad)
		os.Exit(1)
	}
	fmt.Println("pass: every promise about money was kept")
}

func conduct(ctx context.Context, s *settings) (bad int) {
	abs, err := filepath.Abs(s.bin)
	if err != nil {
		log.Fatal(err)
	}
	s.bin = abs
	for name := range strings.SplitSeq(s.run, ",") {
		i := slices.IndexFunc(trials, func(t trial) bool { return t.name == name })
		if i < 0 {
			log.Fatalf("there is no trial %s", name)
		}
		t := trials[i]
		fmt.Printf("%s: %s\n", t.name, t.does)
		for seed := s.first; seed < s.first+s.seeds && ctx.Err() == nil; seed++ {
			dir, err := os.MkdirTemp("", "weir-chaos-")
			if err != nil {
				log.Fatal(err)
			}
			saw, wrong, err := t.run(ctx, s, dir, seed)
			if err != nil {
				wrong = append(wrong, err.Error())
			}
			fmt.Printf("  seed %d: %s\n", seed, saw)
			for _, w := range wrong {
				fmt.Println("  FAIL", t.name, "seed", seed, w)
				bad++
			}
			if s.keep || len(wrong) > 0 {
				fmt.Println("  see", dir)
			} else {
				_ = os.RemoveAll(dir)
			}
			if t.once {
				break
			}
		}
	}
	return bad
}
