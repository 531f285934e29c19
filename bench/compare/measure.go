package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"weir/bench/internal/loadgen"
	"weir/bench/internal/program"
)

// measurement is one target in one round.
type measurement struct {
	set   *settings
	t     Target
	up    string // host:port of the mock
	bin   string // program built from t.Build
	dir   string // scratch directory of this run
	f     figures
	notes map[string]bool

	port    string
	p       *program.Proc // nil for a target that nothing is started for
	pid     int
	cfg     loadgen.Config
	answers int64 // exchanges so far, right or wrong
}

// run starts the target, takes every figure and stops it.
func (m *measurement) run(ctx context.Context) error {
	if err := os.MkdirAll(m.dir, 0o750); err != nil {
		return err
	}
	if !m.set.keep {
		defer func() { _ = os.RemoveAll(m.dir) }()
	}
	addr, err := program.FreeAddr(ctx)
	if err != nil {
		return err
	}
	_, m.port, _ = strings.Cut(addr, ":")
	base, err := m.launch(ctx)
	if m.p != nil {
		defer m.p.Stop()
	}
	if err != nil {
		return fmt.Errorf("%w%s", err, m.lastWords())
	}
	if err := m.configure(base); err != nil {
		return err
	}
	warm := m.cfg
	warm.Duration, warm.Conns = m.set.warm, m.set.conns
	if _, _, err := m.load(ctx, "warm-up", warm); err != nil {
		return err
	}
	// What else ran on this machine meanwhile, in percent of one CPU.
	b0, own0, t0 := program.Busy(), program.CPU(os.Getpid()), time.Now()
	// The pace comes before the machine is driven to its limit: for a while
	// after that, everything on a shared host answers some 100 µs later.
	phases := []func(context.Context) error{m.pace, m.saturate, m.hold, m.leave, m.cut}
	if m.set.costs {
		phases = phases[1:2]
	}
	for _, phase := range phases {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	m.f["others"] = 100 * ((program.Busy() - b0) - (program.CPU(os.Getpid()) - own0)) / time.Since(t0).Seconds()
	if m.p == nil {
		return nil
	}
	if m.p.Ended() {
		return fmt.Errorf("died while measured%s", m.lastWords())
	}
	m.p.Stop()
	n, err := lines(filepath.Join(m.dir, "log"))
	if err != nil {
		return err
	}
	m.f["log_lines"] = float64(n) / float64(m.answers)
	return nil
}

// lines counts the lines of a file, which may be larger than memory.
func lines(file string) (n int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	b := make([]byte, 64<<10)
	for {
		k, err := f.Read(b)
		n += bytes.Count(b[:k], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// expand replaces ${NAME}.
func (m *measurement) expand(s string) string {
	return os.Expand(s, func(k string) string {
		switch k {
		case "PORT":
			return m.port
		case "UPSTREAM":
			return m.up
		case "DIR":
			return m.dir
		case "BIN":
			return m.bin
		}
		return os.Getenv(k)
	})
}

// launch starts the target, waits until it is ready, and returns the URL to
// load.
func (m *measurement) launch(ctx context.Context) (base string, err error) {
	if len(m.t.Cmd) == 0 {
		return "http://" + m.up, nil
	}
	for name, src := range m.t.Files {
		b, err := os.ReadFile(src)
		if err != nil {
			return "", err
		}
		// Templates use @PORT@ and so on: their own syntax may have ${}.
		s := strings.NewReplacer("@PORT@", m.port, "@UPSTREAM@", m.up, "@DIR@", m.dir).Replace(string(b))
		dst := filepath.Join(m.dir, name)
		if err := os.MkdirAll(filepath.Dir(dst), 0o750); err != nil {
			return "", err
		}
		if err := os.WriteFile(dst, []byte(s), 0o600); err != nil {
			return "", err
		}
	}
	args := make([]string, len(m.t.Cmd))
	for i, a := range m.t.Cmd {
		args[i] = m.expand(a)
	}
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir = m.dir
	c.Env = os.Environ()
	for k, v := range m.t.Env {
		c.Env = append(c.Env, k+"="+m.expand(v))
	}
	t0 := time.Now()
	if m.p, err = program.Start(c, filepath.Join(m.dir, "log")); err != nil {
		return "", err
	}
	ready := m.expand(m.t.Ready)
	if ready == "" {
		ready = "http://127.0.0.1:" + m.port + "/"
	}
	if err := program.WaitReady(ctx, ready, 20*time.Second, m.p); err != nil {
		return "", err
	}
	m.f["ready_ms"] = ms(time.Since(t0))
	m.pid = c.Process.Pid
	m.f["rss_idle"] = program.Memory(m.pid).PSS
	if m.t.Base != "" {
		return m.expand(m.t.Base), nil
	}
	return "http://127.0.0.1:" + m.port, nil
}

// lastWords is the end of what the target wrote, for a message.
func (m *measurement) lastWords() string {
	b, _ := os.ReadFile(filepath.Join(m.dir, "log"))
	b = bytes.TrimSpace(b)
	if len(b) > 400 {
		b = b[len(b)-400:]
	}
	if len(b) == 0 {
		return ""
	}
	return fmt.Sprintf(": %q", b)
}

func (m *measurement) configure(base string) error {
	u, err := url.Parse(base)
	if err != nil {
		return err
	}
	hdr := map[string]string{}
	for k, v := range m.t.Headers {
		hdr[k] = m.expand(v)
	}
	m.cfg = loadgen.Config{Addr: u.Host, API: m.t.API, Model: m.t.Model, Path: m.t.Path, Headers: hdr, Extra: m.t.Extra, WantUsage: true, Timeout: 20 * time.Second}
	if m.cfg.API == "" {
		m.cfg.API = m.set.api
	}
	if m.cfg.Model == "" {
		m.cfg.Model = "mock-1"
	}
	m.f["bad"] = 0
	return nil
}

// load runs c, notes wrong answers under the name of the phase, and returns
// the CPU seconds the target used.
func (m *measurement) load(ctx context.Context, what string, c loadgen.Config) (*loadgen.Result, float64, error) {
	c0 := program.CPU(m.pid)
	res, err := loadgen.Run(ctx, c)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", what, err)
	}
	used := program.CPU(m.pid) - c0
	m.answers += res.OK + res.Failed() + res.Left
	if n := res.Failed(); n > 0 && c.Fault == "" {
		m.notes[fmt.Sprintf("%s: %d of %d wrong %v e.g. %.160q", what, n, n+res.OK, res.Bad, res.Sample)] = true
		m.f["bad"] += float64(n)
	}
	return res, used, nil
}

func (m *measurement) streams() bool {
	return m.cfg.API != "embeddings" && !has(m.t.Skip, "stream")
}

// saturate measures as many answers as the machine gives, by body size, then
// streams as fast as they go.
func (m *measurement) saturate(ctx context.Context) error {
	for sz := range strings.SplitSeq(m.set.sizes, ",") {
		if sz == "" || has(m.t.Skip, sz) {
			continue
		}
		c := m.cfg
		c.Size, c.Conns, c.Duration = sz, m.set.conns, m.set.dur
		if sz != "small" {
			c.Duration = m.set.dur * 3 / 4
		}
		res, used, err := m.load(ctx, sz, c)
		if err != nil {
			return err
		}
		if res.OK > 0 {
			m.f["rps_"+sz] = res.Rate()
			m.f["cpu_"+sz] = used * 1e6 / float64(res.OK)
			m.f["satp99_"+sz] = us(res.Lat.Q(.99))
		}
	}
	if m.streams() {
		c := m.cfg
		c.Stream, c.Conns, c.Duration = true, m.set.conns, m.set.dur*3/4
		res, used, err := m.load(ctx, "stream", c)
		if err != nil {
			return err
		}
		if res.OK > 0 {
			m.f["rps_stream"] = res.Rate()
			m.f["cpu_stream"] = used * 1e6 / float64(res.OK)
		}
	}
	if m.pid > 0 {
		m.f["rss_peak"] = program.Memory(m.pid).Peak
	}
	return nil
}

// pace measures small bodies at a fixed modest rate: the latency of a gateway
// that is not under pressure.
func (m *measurement) pace(ctx context.Context) error {
	c := m.cfg
	c.Rate, c.Conns, c.Duration = m.set.rate, 512, m.set.dur*2
	res, used, err := m.load(ctx, "rate", c)
	if err != nil || res.OK == 0 {
		return err
	}
	m.f["p50"], m.f["p90"], m.f["p99"], m.f["p999"] = us(res.Lat.Q(.5)), us(res.Lat.Q(.9)), us(res.Lat.Q(.99)), us(res.Lat.Q(.999))
	m.f["svc50"], m.f["svc99"] = us(res.Svc.Q(.5)), us(res.Svc.Q(.99))
	m.f["cpu_rate"] = used * 1e6 / float64(res.OK)
	return nil
}

// hold measures open streams of one chunk per second each.
func (m *measurement) hold(ctx context.Context) error {
	n := m.set.streams
	if !m.streams() || n <= 0 {
		return nil
	}
	c := m.cfg
	c.Stream, c.Stamp, c.Chunks, c.Delay = true, true, 7, time.Second
	c.Conns, c.Rate, c.Duration = n+64, float64(n)/2, 2*time.Second
	type sample struct {
		m   program.Mem
		cpu float64
	}
	ch := make(chan sample, 1)
	go func() {
		// All streams are open from 2 s to 6 s.
		time.Sleep(3 * time.Second)
		a := program.CPU(m.pid)
		time.Sleep(3 * time.Second)
		ch <- sample{program.Memory(m.pid), program.CPU(m.pid) - a}
	}()
	res, _, err := m.load(ctx, "open-streams", c)
	x := <-ch
	if err != nil || res.OK == 0 {
		return err
	}
	if m.pid > 0 {
		m.f["rss_streams"] = x.m.PSS
		m.f["kb_per_stream"] = (x.m.PSS - m.f["rss_idle"]) * 1024 / float64(n)
	}
	m.f["cpu_chunk"] = x.cpu * 1e6 / (3 * float64(n))
	m.f["chunk50"], m.f["chunk99"] = us(res.Chunk.Q(.5)), us(res.Chunk.Q(.99))
	m.f["ttft50"], m.f["ttft99"] = us(res.TTFT.Q(.5)), us(res.TTFT.Q(.99))
	return nil
}

// leave counts the calls that still run at the mock some time after their
// clients closed the connection at the first text of a stream of 5 s.
func (m *measurement) leave(ctx context.Context) error {
	if !m.streams() {
		return nil
	}
	c := m.cfg
	c.Stream, c.Leave, c.Chunks, c.Delay = true, true, 25, 200*time.Millisecond
	c.Conns, c.Duration = 32, 100*time.Millisecond
	res, _, err := m.load(ctx, "leave", c)
	if err != nil || res.Left == 0 {
		return err
	}
	open := 0.0
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if open, err = m.openCalls(ctx); err != nil {
			return err
		}
		if open == 0 {
			break
		}
	}
	m.f["left_running"] = open
	return nil
}

// openCalls asks the mock how many calls it is answering.
func (m *measurement) openCalls(ctx context.Context) (float64, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.up+"/__stats", http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	var st struct {
		Open float64 `json:"open"`
	}
	err = json.NewDecoder(res.Body).Decode(&st)
	return st.Open, err
}

// cut has the mock break every answer in the middle and counts those that
// looked whole to the client. It comes last: a gateway may take an upstream
// that does this out of use.
func (m *measurement) cut(ctx context.Context) error {
	for _, stream := range []bool{false, true} {
		if stream && !m.streams() {
			continue
		}
		c := m.cfg
		c.Fault, c.Stream, c.Conns, c.Duration = "drop", stream, 8, 200*time.Millisecond
		res, _, err := m.load(ctx, "cut", c)
		if err != nil {
			return err
		}
		if n := res.Hidden(); n > 0 {
			m.notes[fmt.Sprintf("cut: %d of %d answers looked whole %v e.g. %.160q", n, res.OK+res.Failed(), res.Bad, res.Sample)] = true
		}
		m.f["hidden_cuts"] += float64(res.Hidden())
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
func us(d time.Duration) float64 { return float64(d) / 1e3 }
