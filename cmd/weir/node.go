package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"weir/internal/api"
	"weir/internal/catalog"
	"weir/internal/compile"
	"weir/internal/config"
	"weir/internal/engine"
	"weir/internal/gateway"
	"weir/internal/pot"
	"weir/internal/seal"
	"weir/internal/telemetry"
	"weir/internal/thing"
	"weir/internal/thread"
)

// node is one running gateway with everything it is made of.
type node struct {
	file     string
	env      func(string) (string, bool)
	log      *slog.Logger
	record   *telemetry.Record
	metrics  *telemetry.Metrics
	compiler *compile.Compiler
	engine   *engine.Engine

	mu     sync.Mutex // one reload at a time
	doc    *config.Document
	prices priceFiles

	threads  *thread.File // nil: answers are kept in memory
	accounts *accounts
	open     func(*config.Document) error // opens what the first document names; nil = nothing is kept
	things   *thing.Store                 // nil: what is known of files, batches and jobs is in memory
	ballast  []byte
}

// ballastSize is what the collector is told is in use and is not. It begins its work when the heap has doubled, which a
// gateway with a heap of 4 MB does many times a second under load; with this beside it, a few times. Nothing ever
// touches it, so it takes no memory but address space: what it costs is the garbage of one round, at most its own size.
const ballastSize = 16 << 20

// newNode makes a node that writes its log and records to w. Further observers may be nil.
func newNode(w io.Writer, more gateway.Observer) (*node, error) {
	entries, err := catalog.Embedded()
	if err != nil {
		return nil, err
	}
	n := &node{env: os.LookupEnv, compiler: compile.New(entries), ballast: make([]byte, ballastSize)}
	n.log, n.record = telemetry.NewLog(w)
	n.metrics = telemetry.NewMetrics(telemetry.MetricsOptions{Version: versionText(), Dropped: n.record.Dropped})
	observers := []gateway.Observer{n.record, n.metrics, telemetry.NewUnpriced(n.log)}
	if more != nil {
		observers = append(observers, more)
	}
	seals := seal.New(seal.Options{})
	n.metrics.Gauge("weir_seals", "Turns whose sealed reasoning is kept.", func() int64 { return int64(seals.Stats().Entries) })
	n.metrics.Counter("weir_seals_full_total", "Kept turns that left early because the store was full.", func() uint64 { return seals.Stats().Full })
	n.metrics.Gauge("weir_batches_unsettled", "Batches of whose requests not every one is recorded.", func() int64 { return int64(n.engine.Unsettled()) })
	n.metrics.Counter("weir_price_reloads_total", "Price files that were taken over while running.", n.prices.ok.Load)
	n.metrics.Counter("weir_price_reloads_refused_total", "Price files that were refused; those before stayed in use.", n.prices.bad.Load)
	n.engine = engine.New(telemetry.Tee(observers...), seals)
	n.engine.Threads(thread.NewMemory(thread.Options{}))
	n.compiler.Govern(pot.New(pot.Options{}), n.overLine)
	return n, nil
}

// keep opens the folder that kept answers are in. One that another process has is refused; where it cannot be written,
// answers are kept in memory, and the log says so.
func (n *node) keep(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		n.threads, err = thread.Open(filepath.Join(dir, "threads"), thread.Options{})
	}
	switch {
	case errors.Is(err, thread.ErrLocked):
		return fmt.Errorf("%w; give each process a node.data_dir of its own", err)
	case err != nil:
		n.log.Warn("answers that clients ask to keep are kept in memory only: a restart forgets them; set node.data_dir to a folder that can be written", "error", err)
		n.engine.Things(thing.NewMemory(thing.Options{}))
		return nil
	}
	n.engine.Threads(n.threads)
	n.metrics.Gauge("weir_kept_turns", "Answers that are kept.", func() int64 { return int64(n.threads.Stats().Turns) })
	n.metrics.Gauge("weir_kept_bytes", "Bytes of kept answers.", func() int64 { return n.threads.Stats().Bytes })
	n.metrics.Gauge("weir_kept_disk_bytes", "Bytes of the files that kept answers are in.", func() int64 { return n.threads.Stats().Disk })
	n.metrics.Gauge("weir_kept_owed", "Deletions of kept answers that could not be written yet.", func() int64 { return int64(n.threads.Stats().Owed) })
	n.metrics.Gauge("weir_kept_torn_bytes", "Bytes of kept answers that were not written whole when the last process ended.", func() int64 { return n.threads.Stats().Torn })
	n.metrics.Counter("weir_kept_damaged_total", "Kept answers, and places in their files, that cannot be read.", func() uint64 { return n.threads.Stats().Damaged })
	n.metrics.Counter("weir_kept_expired_total", "Kept answers whose time was over.", func() uint64 { return n.threads.Stats().Expired })
	n.metrics.Counter("weir_kept_refused_total", "Answers that were not kept for want of room.", func() uint64 { return n.threads.Stats().Refused })
	return n.keepThings(dir)
}

// keepThings does so for what is known of files, batches and jobs.
func (n *node) keepThings(dir string) (err error) {
	n.things, err = thing.Open(filepath.Join(dir, "things"), thing.Options{})
	switch {
	case errors.Is(err, thread.ErrLocked):
		return fmt.Errorf("%w; give each process a node.data_dir of its own", err)
	case err != nil:
		n.log.Warn("whose files, batches and jobs are whose is kept in memory only: after a restart nobody finds them; set node.data_dir to a folder that can be written", "error", err)
		n.engine.Things(thing.NewMemory(thing.Options{}))
		return nil
	}
	n.engine.Things(n.things)
	n.metrics.Gauge("weir_things", "Files, batches and jobs that providers keep for keys.", func() int64 { return int64(n.things.Stats().Turns) })
	n.metrics.Gauge("weir_things_bytes", "Bytes of what is known of them.", func() int64 { return n.things.Stats().Bytes })
	n.metrics.Gauge("weir_things_disk_bytes", "Bytes of the files that this is in.", func() int64 { return n.things.Stats().Disk })
	n.metrics.Gauge("weir_things_owed", "Deletions of it that could not be written yet.", func() int64 { return int64(n.things.Stats().Owed) })
	n.metrics.Counter("weir_things_damaged_total", "Parts of it that cannot be read.", func() uint64 { return n.things.Stats().Damaged })
	n.metrics.Counter("weir_things_refused_total", "Files, batches and jobs that were refused for want of room to note them.", func() uint64 { return n.things.Stats().Refused })
	return nil
}

// read parses and compiles a document; nothing is in use yet.
func (n *node) read(file string, src []byte, noEnv bool) (*config.Document, *engine.Snapshot, error) {
	opt := n.compiler.Options(n.env)
	opt.NoEnv = noEnv
	doc, err := config.Parse(file, src, opt)
	if err != nil {
		return nil, nil, err
	}
	if len(doc.Unset) > 0 {
		return doc, nil, nil // its placeholders stand for what is not known here
	}
	if n.doc == nil { // node.prices is the process's own, and refreshed apart from the document
		table, err := n.prices.read(doc)
		if err != nil {
			return nil, nil, err
		}
		n.prices.path, n.prices.table = doc.Node.Prices, table
		n.compiler.Prices(table)
		if n.open != nil {
			if err := n.open(doc); err != nil {
				return nil, nil, err
			}
		}
	}
	s, err := n.compiler.Snapshot(doc, revisionOf(src))
	return doc, s, err
}

// revisionOf names the revision that a document's text is.
func revisionOf(src []byte) string {
	hash := sha256.Sum256(src)
	return hex.EncodeToString(hash[:6])
}

// load reads the document and puts it in use, all or nothing: on an error the last good one stays.
func (n *node) load() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	src, err := os.ReadFile(n.file)
	if err != nil {
		return err
	}
	doc, s, err := n.read(n.file, src, false)
	if err != nil {
		n.metrics.Reload(false, "")
		return err
	}
	n.doc = doc
	n.engine.Use(s)
	n.metrics.Reload(true, s.Revision)
	return nil
}

// reload is load for a node that runs: an error is logged and counted, and changes nothing.
func (n *node) reload() {
	before := n.engine.Snapshot()
	if err := n.load(); err != nil {
		n.log.Error("the new document is refused; the last good one stays in use", "file", n.file, "revision", before.Revision, "error", err)
		return
	}
	if after := n.engine.Snapshot(); after.Revision != before.Revision {
		n.log.Info("a new document is in use", "file", n.file, "revision", after.Revision, "before", before.Revision)
	}
}

// certificate serves the certificate of the document in use, so that a renewed one needs no restart.
func (n *node) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	n.mu.Lock()
	t := n.doc.Node.Listen.Data.TLS
	n.mu.Unlock()
	pair, err := tls.X509KeyPair([]byte(t.Cert.Reveal()), []byte(t.Key.Reveal()))
	return &pair, err
}

// server returns an HTTP server with the bounds every listener has.
func (n *node) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    128 << 10,
		BaseContext:       func(net.Listener) context.Context { return n.engine.Context() },
		ErrorLog:          slog.NewLogLogger(n.log.Handler(), slog.LevelWarn),
	}
}

// api returns the data plane.
func (n *node) api() http.Handler {
	return api.New(api.Options{Engine: n.engine, Dialect: compile.Dialect, Metrics: n.metrics.Handler(), Version: versionText()})
}

// serve runs the listeners until ctx ends, then drains: no new exchanges, open ones finish within drain, and it returns
// at once when none is left.
func (n *node) serve(ctx context.Context, drain time.Duration, listeners map[net.Listener]http.Handler) error {
	failed := make(chan error, len(listeners))
	var servers []*http.Server
	for l, h := range listeners {
		s := n.server(h)
		servers = append(servers, s)
		go func() { failed <- s.Serve(l) }()
	}
	var err error
	left := len(listeners)
	select {
	case <-ctx.Done():
	case err = <-failed:
		left--
	}
	if open := n.engine.Open(); open > 0 {
		n.log.Info("draining", "open", open, "drain", drain.String())
	}
	late, cancel := context.WithTimeout(context.Background(), drain)
	n.engine.Drain(late)
	cancel()
	for _, s := range servers {
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		if s.Shutdown(end) != nil {
			_ = s.Close()
		}
		cancel()
	}
	for range left {
		if e := <-failed; err == nil && !errors.Is(e, http.ErrServerClosed) {
			err = e
		}
	}
	return err
}

// close ends what the node owns, its log last.
func (n *node) close() {
	defer runtime.KeepAlive(n.ballast)
	n.engine.Close()
	n.compiler.Close()
	if n.threads != nil {
		if err := n.threads.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "weir: some kept answers could not be written:", err)
		}
	}
	if n.things != nil {
		if err := n.things.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "weir: some of what is known of files, batches and jobs could not be written:", err)
		}
	}
	if err := n.accounts.end(); err != nil {
		fmt.Fprintln(os.Stderr, "weir: some of what was spent is not in the store yet; the next start brings it there:", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := n.record.Close(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "weir: some records could not be written:", err)
	}
}
