package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/bench/internal/loadgen"
	"weir/bench/internal/program"
)

// sample is what the gateway holds at rest.
type sample struct{ memory, heap, goroutines, files float64 }

// leastSamples are taken however short the run.
const leastSamples = 8

// watch takes rounds of load and what is held after each.
type watch struct {
	stage   *stage
	samples []sample
	answers int64
	left    int64 // exchanges that the client walked out of
	cut     int64 // answers that broke off, as they had to
	wrong   []string
	shown   time.Time
}

// load is one kind of traffic.
type load struct {
	what   string
	c      loadgen.Config
	broken bool // every answer breaks off: none may look whole
}

// loads are what runs at once, for a round of d.
func (w *watch) loads(d time.Duration, scale float64) []load {
	base := loadgen.Config{
		Addr: w.stage.addr, Model: "bench-model", API: "openai", Size: "small", WantUsage: true, Duration: d, Timeout: 20 * time.Second,
		Conns: 32, Headers: map[string]string{"Authorization": "Bearer sk-bench-0123456789abcdef"}, Chunks: 20,
	}
	kind := func(what string, rate float64, change func(*loadgen.Config)) load {
		c := base
		c.Rate = rate * scale
		change(&c)
		return load{what: what, c: c}
	}
	walk := kind("clients that walk out", 0, func(c *loadgen.Config) {
		c.Stream, c.Leave, c.Conns, c.Chunks, c.Delay, c.Duration = true, true, 4, 25, 20*time.Millisecond, d/2
	})
	cut := kind("answers that break off", 5, func(c *loadgen.Config) { c.Stream, c.Fault = true, "drop" })
	cut.broken = true
	return []load{
		kind("small", 120, func(*loadgen.Config) {}),
		kind("large", 15, func(c *loadgen.Config) { c.Size = "large" }),
		kind("streams", 40, func(c *loadgen.Config) { c.Stream, c.Delay = true, time.Millisecond }),
		kind("translated", 30, func(c *loadgen.Config) {
			c.API, c.Headers = "anthropic", map[string]string{"x-api-key": "sk-bench-0123456789abcdef", "anthropic-version": "2023-06-01"}
		}),
		kind("translated streams", 20, func(c *loadgen.Config) { c.API, c.Stream = "responses", true; c.Extra = unkept }),
		kind("translated from Gemini", 20, func(c *loadgen.Config) { c.API = "gemini" }),
		kind("embeddings", 20, func(c *loadgen.Config) { c.API = "embeddings" }),
		kind("behind a failing provider", 20, func(c *loadgen.Config) { c.Model = "failing" }),
		kind("streams behind a failing provider", 10, func(c *loadgen.Config) { c.Model, c.Stream = "failing", true }),
		walk, cut,
	}
}

// unkept keeps the store of answers out of it: it grows by design, up to its bounds.
var unkept = map[string]json.RawMessage{"store": json.RawMessage("false")}

// round runs all loads at once and looks at what is held when they are over.
func (w *watch) round(ctx context.Context, s *settings) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for _, l := range w.loads(s.round, s.scale) {
		wg.Go(func() {
			res, err := loadgen.Run(ctx, l.c)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = fmt.Errorf("%s: %w", l.what, err)
				return
			}
			w.add(&l, res)
		})
	}
	wg.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed != nil:
		return failed
	case w.stage.weir.Ended():
		return fmt.Errorf("the gateway died; see its log with -keep-logs")
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	return w.look(ctx)
}

func (w *watch) add(l *load, res *loadgen.Result) {
	w.answers += res.OK + res.Failed()
	w.left += res.Left
	if l.broken {
		w.cut += res.Failed()
		if n := res.Hidden(); n > 0 {
			w.wrong = append(w.wrong, fmt.Sprintf("%s: %d looked whole", l.what, n))
		}
		return
	}
	if n := res.Failed(); n > 0 {
		w.wrong = append(w.wrong, fmt.Sprintf("%s: %d of %d wrong %v, e.g. %.160q", l.what, n, n+res.OK, res.Bad, res.Sample))
	}
}

// settle waits until the provider is not called any more.
func (w *watch) settle(ctx context.Context) error {
	open := 0.0
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var err error
		if open, err = w.open(ctx); err != nil {
			return err
		}
		if open == 0 {
			time.Sleep(200 * time.Millisecond) // for what ends with an exchange
			return nil
		}
	}
	w.wrong = append(w.wrong, fmt.Sprintf("%.0f calls still ran at the provider 1.5 s after their clients were gone", open))
	return nil
}

func (w *watch) open(ctx context.Context) (float64, error) {
	var st struct {
		Open float64 `json:"open"`
	}
	res, err := get(ctx, "http://"+w.stage.good+"/__stats")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return st.Open, json.NewDecoder(res.Body).Decode(&st)
}

func get(ctx context.Context, url string) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(q)
}

// look takes a sample and shows it now and then.
func (w *watch) look(ctx context.Context) error {
	res, err := get(ctx, "http://"+w.stage.addr+"/metrics")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	pid := w.stage.weir.PID()
	x := sample{memory: program.Memory(pid).PSS, files: float64(program.Files(pid))}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "go_goroutines":
			x.goroutines = n
		case "go_memstats_heap_inuse_bytes":
			x.heap = n / (1 << 20)
		}
	}
	w.samples = append(w.samples, x)
	if time.Since(w.shown) >= 10*time.Second {
		w.shown = time.Now()
		log.Printf("%9d answers %6d left %6d cut %3d wrong | %6.1f MiB, heap %5.1f, %4.0f goroutines, %4.0f files",
			w.answers, w.left, w.cut, len(w.wrong), x.memory, x.heap, x.goroutines, x.files)
	}
	return nil
}

// verdict compares what was held early, when caches and pools were full, with
// what was held at the end.
func (w *watch) verdict() []string {
	n := len(w.samples)
	early, late := w.samples[n/4:n/2], w.samples[n-n/4:]
	for _, f := range []struct {
		what string
		of   func(sample) float64
		most func(early float64) float64
	}{
		{"MiB of memory", func(s sample) float64 { return s.memory }, func(e float64) float64 { return 1.15*e + 8 }},
		{"goroutines", func(s sample) float64 { return s.goroutines }, func(e float64) float64 { return e + 16 }},
		{"files", func(s sample) float64 { return s.files }, func(e float64) float64 { return e + 32 }},
	} {
		a, b := middle(early, f.of), middle(late, f.of)
		log.Printf("%-14s %7.1f early, %7.1f at the end (at most %.1f)", f.what, a, b, f.most(a))
		if math.IsNaN(b) || b > f.most(a) {
			w.wrong = append(w.wrong, fmt.Sprintf("%s grow: %.1f early, %.1f at the end", f.what, a, b))
		}
	}
	if w.left == 0 || w.cut == 0 {
		w.wrong = append(w.wrong, "nobody walked out or nothing broke off: the load shows too little")
	}
	return w.wrong
}

// middle is the median of a figure.
func middle(all []sample, of func(sample) float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	v := make([]float64, len(all))
	for i := range all {
		v[i] = of(all[i])
	}
	slices.Sort(v)
	return v[len(v)/2]
}
