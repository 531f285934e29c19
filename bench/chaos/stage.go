package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"weir/bench/internal/program"
)

// stage is what runs: nodes, what they share, and a provider.
type stage struct {
	bin       string
	dir       string
	up        *provider
	postgres  *program.Proc
	redis     *program.Proc
	pgURL     string // straight, like the next
	redisAddr string
	nodes     []*node
}

// node is one gateway.
type node struct {
	addr   string
	file   string
	log    string
	proc   *program.Proc
	pg, rd *proxy // between it and what it shares
}

func (n *node) base() string { return "http://" + n.addr }

// set starts a provider and, where there are more nodes than one, PostgreSQL
// and Redis.
func set(ctx context.Context, bin, dir string, shared bool) (*stage, error) {
	s := &stage{bin: bin, dir: dir}
	var err error
	if s.up, err = newProvider(); err != nil || !shared {
		return s, err
	}
	if s.postgres, s.pgURL, err = program.Postgres(ctx, dir); err != nil {
		return s, err
	}
	var addr string
	if s.redis, addr, err = program.Redis(ctx, dir); err != nil {
		return s, err
	}
	s.redisAddr = addr
	return s, nil
}

func (s *stage) close() {
	for _, n := range s.nodes {
		n.stop()
	}
	if s.up != nil {
		s.up.close()
	}
	for _, p := range []*program.Proc{s.postgres, s.redis} {
		if p != nil {
			_ = p.Thaw()
			p.Stop()
		}
	}
}

// run starts the node number i with a document, of which @…@ are filled in.
func (s *stage) run(ctx context.Context, i int, document string) (*node, error) {
	n := &node{}
	var err error
	if n.addr, err = program.FreeAddr(ctx); err != nil {
		return nil, err
	}
	own := filepath.Join(s.dir, fmt.Sprintf("node%d", i))
	if err := os.MkdirAll(own, 0o750); err != nil {
		return nil, err
	}
	shared := ""
	if s.postgres != nil {
		u, err := url.Parse(s.pgURL)
		if err != nil {
			return nil, err
		}
		if n.pg, err = newProxy(u.Host); err != nil {
			return nil, err
		}
		if n.rd, err = newProxy(s.redisAddr); err != nil {
			return nil, err
		}
		u.Host = n.pg.addr
		shared = fmt.Sprintf("store: { url: %q }, shared: { url: \"redis://%s\" }", u.String(), n.rd.addr)
	}
	_, port, _ := net.SplitHostPort(n.addr)
	text := strings.NewReplacer("@PORT@", port, "@UP@", s.up.addr, "@DATA@", filepath.Join(own, "data"), "@NAME@", fmt.Sprintf("node%d", i), "@SHARED@", shared).Replace(document)
	n.file, n.log = filepath.Join(own, "weir.yaml"), filepath.Join(own, "log")
	if err := os.WriteFile(n.file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s.nodes = append(s.nodes, n)
	err = n.start(ctx, s.bin)
	return n, err
}

func (n *node) start(ctx context.Context, bin string) error {
	p, err := program.Start(exec.CommandContext(ctx, bin, "serve", "-c", n.file), n.log)
	if err != nil {
		return err
	}
	n.proc = p
	if err := program.WaitReady(ctx, n.base()+"/readyz", 20*time.Second, p); err != nil {
		tail, _ := os.ReadFile(n.log)
		return fmt.Errorf("%w: %s", err, tail[max(0, len(tail)-2000):])
	}
	return nil
}

func (n *node) stop() {
	if n.proc != nil {
		_ = n.proc.Thaw()
		n.proc.Stop()
	}
	for _, p := range []*proxy{n.pg, n.rd} {
		if p != nil {
			p.close()
		}
	}
}

// entry is what is looked at of a ledger's entry.
type entry struct {
	ID      string      `json:"id"`
	State   string      `json:"state"`
	Node    string      `json:"node"`
	Session string      `json:"session"`
	Target  string      `json:"target"`
	Input   int64       `json:"input_tokens"`
	Output  int64       `json:"output_tokens"`
	Cost    json.Number `json:"cost_usd"`
	Held    json.Number `json:"held_usd"`
}

// entries reads the ledger through a node's own commands, once nothing more
// comes to it.
func (s *stage) entries(ctx context.Context, n *node) ([]entry, error) {
	before := -1
	for range 100 {
		out, err := exec.CommandContext(ctx, s.bin, "ledger", "entries", "-c", n.file, "-o", "json", "--most", "0").Output()
		if err != nil {
			if x, ok := errors.AsType[*exec.ExitError](err); ok {
				err = fmt.Errorf("%w: %s", err, x.Stderr)
			}
			return nil, err
		}
		lines := bytes.Count(out, []byte("\n"))
		if lines != before {
			before = lines
			sleep(ctx, 700*time.Millisecond)
			continue
		}
		var all []entry
		scan := bufio.NewScanner(bytes.NewReader(out))
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			var e entry
			if err := json.Unmarshal(scan.Bytes(), &e); err != nil {
				return nil, fmt.Errorf("%w in %s", err, scan.Text())
			}
			all = append(all, e)
		}
		return all, scan.Err()
	}
	return nil, fmt.Errorf("entries go on coming")
}

// nano is an amount in billionths of a dollar.
func nano(n json.Number) int64 {
	whole, part, _ := strings.Cut(string(n), ".")
	negative := strings.HasPrefix(whole, "-")
	var v int64
	for _, c := range strings.TrimPrefix(whole, "-") + (part + "000000000")[:9] {
		v = v*10 + int64(c-'0')
	}
	if negative {
		return -v
	}
	return v
}
