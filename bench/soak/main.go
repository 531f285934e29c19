// Soak runs a gateway for a long time under everything at once: small and
// large bodies, streams, translation, embeddings, providers that fail or hang,
// clients that walk out, answers that break off, and a document that changes
// under it, every fifth time to one that is wrong. At rest between rounds it
// takes what the gateway holds: memory, goroutines, descriptors. The end is a
// verdict: nothing answered wrong, nothing left running, nothing that grows.
// Linux only.
package main

import (
	"context"
	"errors"
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

type settings struct {
	bin      string
	conf     string
	duration time.Duration
	round    time.Duration
	scale    float64
	keep     bool
}

func main() {
	log.SetFlags(log.Ltime)
	debug.SetGCPercent(400)
	runtime.GOMAXPROCS(runtime.NumCPU() + 2) // pacing threads sleep in system calls
	var s settings
	flag.StringVar(&s.bin, "bin", "../bin/weir", "the gateway")
	flag.StringVar(&s.conf, "conf", "conf/weir-soak.yaml.tmpl", "its document")
	flag.DurationVar(&s.duration, "d", 30*time.Minute, "how long")
	flag.DurationVar(&s.round, "round", 5*time.Second, "load between two looks at what is held")
	flag.Float64Var(&s.scale, "scale", 1, "how much load: 1 is some 300 requests a second")
	flag.BoolVar(&s.keep, "keep-logs", false, "keep the scratch directory")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	wrong, err := run(ctx, &s)
	stop()
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range wrong {
		fmt.Println("FAIL", w)
	}
	if len(wrong) > 0 {
		os.Exit(1)
	}
	fmt.Println("pass: nothing wrong, nothing left running, nothing that grows")
}

// stage is what runs: the gateway and two providers.
type stage struct {
	addr   string // of the gateway
	good   string // of the provider that answers
	dir    string
	doc    string // the document, filled in
	weir   *program.Proc
	others []*program.Proc
}

func (g *stage) close() {
	for _, p := range append(g.others, g.weir) {
		if p != nil {
			p.Stop()
		}
	}
}

// set starts everything in dir.
func set(ctx context.Context, s *settings, dir string) (*stage, error) {
	g := &stage{dir: dir}
	mock, err := program.Build(ctx, "./mockllm", dir)
	if err != nil {
		return g, err
	}
	provider := func(args ...string) (string, error) {
		addr, err := program.FreeAddr(ctx)
		if err != nil {
			return "", err
		}
		p, err := program.Start(exec.CommandContext(ctx, mock, append(args, "-addr", addr)...), filepath.Join(dir, fmt.Sprintf("mock%d.log", len(g.others))))
		if err != nil {
			return "", err
		}
		g.others = append(g.others, p)
		return addr, program.WaitReady(ctx, "http://"+addr+"/v1/models", 5*time.Second, p)
	}
	if g.good, err = provider(); err != nil {
		return g, err
	}
	failing, err := provider("-rate429", "0.2", "-rate500", "0.2", "-ratehang", "0.02")
	if err != nil {
		return g, err
	}
	if g.addr, err = program.FreeAddr(ctx); err != nil {
		return g, err
	}
	_, port, _ := strings.Cut(g.addr, ":")
	tmpl, err := os.ReadFile(s.conf)
	if err != nil {
		return g, err
	}
	g.doc = strings.NewReplacer("@PORT@", port, "@UPSTREAM@", g.good, "@FAILING@", failing, "@DIR@", dir).Replace(string(tmpl))
	if err := g.write(g.doc); err != nil {
		return g, err
	}
	if g.weir, err = program.Start(exec.CommandContext(ctx, s.bin, "serve", "-c", g.file()), filepath.Join(dir, "log")); err != nil {
		return g, err
	}
	return g, program.WaitReady(ctx, "http://"+g.addr+"/readyz", 20*time.Second, g.weir)
}

func (g *stage) file() string { return filepath.Join(g.dir, "conf", "weir.yaml") }

// write puts a document in the place of the one that is there, at once.
func (g *stage) write(text string) error {
	if err := os.MkdirAll(filepath.Dir(g.file()), 0o750); err != nil {
		return err
	}
	next := filepath.Join(g.dir, "next.yaml")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(next, g.file())
}

// reload changes the document every second until ctx ends.
func (g *stage) reload(ctx context.Context) error {
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return g.write(g.doc)
		case <-time.After(time.Second):
		}
		text := fmt.Sprintf("%s# revision %d\n", g.doc, n)
		if n%5 == 0 {
			text += "models: [no, map]\n"
		}
		if err := g.write(text); err != nil {
			return err
		}
	}
}

func run(ctx context.Context, s *settings) (wrong []string, err error) {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return nil, err
	}
	if s.keep {
		log.Printf("scratch: %s", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	g, err := set(ctx, s, dir)
	defer g.close()
	if err != nil {
		return nil, err
	}
	reloads, done := context.WithCancel(ctx)
	reloaded := make(chan error, 1)
	go func() { reloaded <- g.reload(reloads) }()
	w := &watch{stage: g}
	for end := time.Now().Add(s.duration); time.Now().Before(end) || len(w.samples) < leastSamples; {
		if err := w.round(ctx, s); err != nil {
			done()
			return nil, errors.Join(err, <-reloaded)
		}
	}
	done()
	if err := <-reloaded; err != nil {
		return nil, err
	}
	return w.verdict(), nil
}
